// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration of a simulated KME: tools/qkdsim/config.c.
 *
 * Input: qkdsim.json; whatever its "network" is, one of three nodes is taken.
 *
 * wraps: network_load pki_open pki_self pki_free monotonic_ms time getrandom
 * runs: 10000
 */
#include "json_mutate.h"
#include "qkdsim.h"
#include "still.h"

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
	static const struct pki_id id = { "test", "kme", 2 };

	return &id;
}

void __wrap_pki_free(struct pki *pki) { }

static void must_be_sim(const struct sim *s)
{
	char host[sizeof(s->self->addr)];
	uint16_t port;
	size_t i, j;

	must(s->self && s->self->node == 2, "no KME of node 2");
	must(s->min_size >= 8 && s->min_size <= s->key_size && s->key_size <= s->max_size &&
	     !(s->min_size % 8) && !(s->key_size % 8) && !(s->max_size % 8), "key sizes");
	must(s->max_keys >= 1 && s->max_keys <= SIM_REQUEST && s->max_slaves < SIM_SLAVES,
	     "numbers of keys");
	must(s->rate >= 0 && s->stock >= 0 && s->hold_s > 0 && s->hold_bytes > 0, "limits");
	for (i = 0; i < s->kmes; i++) {
		must(network_node(&s->net, s->kme[i].node), "KME %zu", i);
		for (j = 0; j < i; j++)
			must(s->kme[i].node != s->kme[j].node, "two KMEs with one name");
		must(!https_hostport(s->kme[i].addr, host, sizeof(host), &port),
		     "its address");
	}
	for (i = 0; i < s->saes; i++) {
		must(s->sae[i].node->sae[0] && s->sae[i].kme >= s->kme &&
		     s->sae[i].kme < s->kme + s->kmes, "SAE %zu", i);
		must(sim_sae(s->sae[i].node->sae) == &s->sae[i], "SAE %zu twice", i);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	description = json_loads("{\"domain\":\"test\",\"nodes\":["
	"{\"id\":2,\"name\":\"ssa\",\"role\":\"ssa\",\"addr\":\"10.0.0.2:5808\","
	"\"ax\":\"10.0.0.2:5811\",\"sae\":\"sae-ssa\"},"
	"{\"id\":11,\"name\":\"sh1\",\"role\":\"shareholder\",\"addr\":\"10.0.0.11:5808\","
	"\"ax\":\"[fd00::11]:5811\",\"sae\":\"sae-sh1\"},"
	"{\"id\":12,\"name\":\"sh2\",\"role\":\"shareholder\",\"addr\":\"10.0.0.12:5808\"}"
	"]}", 0, NULL);
	must(description, "no network");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *cfg = json_loadb((const char *)data, size, 0, NULL), *text;
	struct err err = { "" };

	if (!json_is_object(cfg)) {
		json_decref(cfg);
		return 0;
	}
	if (sim_configure(&sim, cfg, &err)) {
		text = json_string(err.text);
		must(text && *err.text, "what is said is no UTF-8, or nothing");
		json_decref(text);
	} else {
		must_be_sim(&sim);
	}
	free(sim.kme);
	free(sim.sae);
	network_free(&sim.net);
	memset(&sim, 0, sizeof(sim));
	json_decref(cfg);
	return 0;
}
