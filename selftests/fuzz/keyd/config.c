// SPDX-License-Identifier: GPL-2.0
/*
 * The key agent's configuration: user/keyd/config.c. Node 11 of a network of four.
 *
 * Input: keyd.json; whatever its "network" is, that network is taken.
 *
 * wraps: network_load pki_open pki_self pki_free
 * runs: 10000
 */
#include "json_mutate.h"
#include "keyd.h"

int __wrap_network_load(const char *path, uint32_t self, struct network *net,
			struct err *err);
int __wrap_pki_open(const json_t *cfg, const char *where, struct pki **pki,
		    struct err *err);
const struct pki_id *__wrap_pki_self(const struct pki *pki);
void __wrap_pki_free(struct pki *pki);

static json_t *description;

int __wrap_network_load(const char *path, uint32_t self, struct network *net,
			struct err *err)
{
	return network_parse(description, "network.json", self, net, err);
}

int __wrap_pki_open(const json_t *cfg, const char *where, struct pki **pki,
		    struct err *err)
{
	*pki = NULL;
	return json_is_object(cfg) ? 0 : err_set(err, -EINVAL, "no pki");
}

const struct pki_id *__wrap_pki_self(const struct pki *pki)
{
	static const struct pki_id id = { "test", "keyd", 11 };

	return &id;
}

void __wrap_pki_free(struct pki *pki) { }

static void must_be_stock(const struct stock *s, enum qkd_kind kind)
{
	int64_t unit = block_unit(kind);

	must(s->low >= 0 && s->low < s->high && s->high <= (1LL << 40) + unit,
	     "%lld to %lld bytes", (long long)s->low, (long long)s->high);
	must(s->block >= unit && s->block <= BLOCK_MAX && !(s->block % unit),
	     "blocks of %lld bytes", (long long)s->block);
	must(kind == QKD_KIND_PAYLOAD || s->block >= 8 * unit, "a tag block too small");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	description = json_loads("{\"domain\":\"test\",\"nodes\":["
	"{\"id\":1,\"name\":\"owner\",\"role\":\"owner\",\"addr\":\"10.0.0.1:5808\","
	"\"ax\":\"10.0.0.1:5811\",\"sae\":\"sae-owner\"},"
	"{\"id\":2,\"name\":\"ssa\",\"role\":\"ssa\",\"addr\":\"10.0.0.2:5808\","
	"\"ax\":\"10.0.0.2:5811\",\"sae\":\"sae-ssa\"},"
	"{\"id\":11,\"name\":\"sh1\",\"role\":\"shareholder\",\"addr\":\"10.0.0.11:5808\","
	"\"ax\":\"10.0.0.11:5811\",\"sae\":\"sae-sh1\"},"
	"{\"id\":12,\"name\":\"sh2\",\"role\":\"shareholder\",\"addr\":\"10.0.0.12:5808\"}"
	"]}", 0, NULL);
	must(description, "no network");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *cfg = json_loadb((const char *)data, size, 0, NULL), *text;
	struct err err = { "" };
	size_t i;
	int ret;

	if (!json_is_object(cfg)) {
		json_decref(cfg);
		return 0;
	}
	ret = keyd_configure(&keyd, cfg, &err);
	if (ret) {
		text = json_string(err.text);
		must(text && *err.text, "what is said is no UTF-8, or nothing");
		json_decref(text);
	} else {
		must(keyd.self->id == 11 && keyd.peers <= KEYD_PEERS, "who is it?");
		must(keyd.backoff_min <= keyd.backoff_max && keyd.confirm_ms >= 1000 &&
		     keyd.provenance < 8, "times, provenance");
		must(*keyd.listen && strlen(keyd.state) < sizeof(keyd.state), "places");
		for (i = 0; i < keyd.peers; i++) {
			must(keyd.peer[i].node != keyd.self && *keyd.peer[i].node->sae,
			     "peer %zu", i);
			must(keyd_peer(keyd.peer[i].node->id) == &keyd.peer[i],
			     "peer %zu is there twice", i);
			must_be_stock(&keyd.peer[i].stock[QKD_KIND_PAYLOAD],
				      QKD_KIND_PAYLOAD);
			must_be_stock(&keyd.peer[i].stock[QKD_KIND_TAG], QKD_KIND_TAG);
		}
	}
	keyd_release(&keyd);
	json_decref(cfg);
	return 0;
}
