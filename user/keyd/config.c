// SPDX-License-Identifier: GPL-2.0
/* The configuration file: Documentation/keyd.rst. */
#include "keyd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "kme.h"

struct keyd keyd;

struct peer *keyd_peer(uint32_t node)
{
	size_t i;

	for (i = 0; i < keyd.peers; i++)
		if (keyd.peer[i].node->id == node)
			return &keyd.peer[i];
	return NULL;
}

static const char *const kind_name[] = {
	[QKD_KIND_PAYLOAD] = "payload", [QKD_KIND_TAG] = "tag",
};

/* {"low", "high", "block"} in bytes over what @stock has already. */
static int parse_stock(const json_t *cfg, const char *where, enum qkd_kind kind,
		       struct stock *stock, struct err *err)
{
	static const char *const keys[] = { "low", "high", "block", NULL };
	int64_t unit = block_unit(kind);
	int ret;

	if (!cfg)
		return 0;
	ret = config_only(cfg, where, keys, err) ?:
	      config_int(cfg, where, "low", unit, 1LL << 40, stock->low, &stock->low, err) ?:
	      config_int(cfg, where, "high", unit, 1LL << 40, stock->high, &stock->high,
			 err) ?:
	      config_int(cfg, where, "block", unit, BLOCK_MAX, stock->block, &stock->block,
			 err);
	if (ret)
		return ret;
	stock->block = block_cut(kind, stock->block);
	if (stock->block < (int64_t)block_least(kind))
		return err_set(err, -EINVAL, "%s: block: want 16 KiB or more", where);
	if (stock->low >= stock->high)
		return err_set(err, -EINVAL, "%s: want low < high", where);
	return 0;
}

static int parse_pools(const json_t *cfg, const char *where, struct stock *stock,
		       struct err *err)
{
	static const char *const keys[] = { "payload", "tag", "peers", NULL };
	char name[128];
	int kind, ret = 0;

	if (!cfg)
		return 0;
	ret = config_only(cfg, where, keys, err);
	for (kind = 0; kind < 2 && !ret; kind++) {
		snprintf(name, sizeof(name), "%s.%s", where, kind_name[kind]);
		ret = parse_stock(json_object_get(cfg, kind_name[kind]), name, kind,
				  &stock[kind], err);
	}
	return ret;
}

/* Who shares pads with whom, if the configuration does not say. */
static int is_peer(const struct network_node *self, const struct network_node *n)
{
	if (n == self || !n->sae[0] || !n->ax[0])
		return 0;
	if (self->role == SSN_ROLE_SSA)
		return n->role == SSN_ROLE_OWNER || n->role == SSN_ROLE_SHAREHOLDER;
	return n->role == SSN_ROLE_SSA;
}

/* "level": what every payload pool is to be filled to; the short way to say it. */
static int parse_level(const json_t *cfg, struct stock *payload, struct err *err)
{
	int64_t unit = BLOCK_UNIT_PAYLOAD, level;
	int ret;

	ret = config_int(cfg, "keyd", "level", 2 * unit, 1LL << 40, payload->high, &level,
			 err);
	payload->high = (level + unit - 1) / unit * unit;
	payload->low = level / 2;
	return ret;
}

static int add_peer(struct keyd *k, const struct network_node *n, const json_t *cfg,
		    struct err *err)
{
	const json_t *pools = json_object_get(cfg, "pools");
	const json_t *own = json_object_get(json_object_get(pools, "peers"), n->name);
	struct peer *p = &k->peer[k->peers], *other;
	char where[128];
	int ret;

	for (other = k->peer; other < p; other++)
		if (other->node == n)
			return err_set(err, -EINVAL, "peers: %s is there twice",
				       n->name);
	if (!n->sae[0] || !n->ax[0])
		return err_set(err, -EINVAL,
			       "peers: node %s has no \"sae\" or no \"ax\" in the network description",
			       n->name);
	if (k->peers == KEYD_PEERS)
		return err_set(err, -E2BIG, "more than %d peers", KEYD_PEERS);
	p->node = n;
	p->id = *pki_self(k->pki);
	p->id.node = n->id;
	snprintf(p->ax, sizeof(p->ax), "https://%s", n->ax);
	p->stock[QKD_KIND_PAYLOAD] = (struct stock){ 4 << 20, 8 << 20, BLOCK_MAX, 0 };
	p->stock[QKD_KIND_TAG] = (struct stock){ 128 << 10, 256 << 10, 128 << 10, 0 };
	ret = parse_level(cfg, &p->stock[QKD_KIND_PAYLOAD], err) ?:
	      parse_pools(pools, "pools", p->stock, err);
	if (ret)
		return ret;
	snprintf(where, sizeof(where), "pools.peers.%s", n->name);
	ret = parse_pools(own, where, p->stock, err);
	if (!ret)
		k->peers++;
	return ret;
}

static int parse_peers(struct keyd *k, const json_t *cfg, struct err *err)
{
	const json_t *list = json_object_get(cfg, "peers"), *pools, *name;
	const char *key;
	json_t *value;
	size_t i;
	int ret = 0;

	pools = json_object_get(cfg, "pools");
	k->peer = calloc(KEYD_PEERS, sizeof(*k->peer));
	if (!k->peer)
		return err_set(err, -ENOMEM, "out of memory");
	if (list && !json_is_array(list))
		return err_set(err, -EINVAL, "peers: expected a list of node names");
	json_array_foreach((json_t *)list, i, name) {
		const struct network_node *n = json_is_string(name) ?
			network_find(&k->net, json_string_value(name)) : NULL;

		if (!n || n == k->self)
			return err_set(err, -EINVAL,
				       "peers: \"%s\" is no other node of the network",
				       json_string_value(name) ?: "?");
		ret = add_peer(k, n, cfg, err);
		if (ret)
			return ret;
	}
	for (i = 0; !list && i < k->net.nodes && !ret; i++)
		if (is_peer(k->self, &k->net.node[i]))
			ret = add_peer(k, &k->net.node[i], cfg, err);
	if (ret)
		return ret;
	json_object_foreach(json_object_get(pools, "peers"), key, value)
		if (!network_find(&k->net, key))
			return err_set(err, -EINVAL, "pools.peers: no node \"%s\"", key);
	return 0;
}

static int parse_provenance(const json_t *cfg, uint32_t *provenance, struct err *err)
{
	static const char *const keys[] = {
		"path_otp", "ak_inside", "id_independent", NULL
	};
	int i, on, ret;

	*provenance = 0;
	if (!cfg)
		return 0;
	ret = config_only(cfg, "provenance", keys, err);
	for (i = 0; keys[i] && !ret; i++) {
		ret = config_bool(cfg, "provenance", keys[i], 0, &on, err);
		*provenance |= on ? 1U << i : 0;
	}
	return ret;
}

static int parse_times(struct keyd *k, const json_t *cfg, struct err *err)
{
	int64_t min, max, confirm, retire;
	int ret;

	ret = config_int(cfg, "keyd", "backoff_min_ms", 10, 60000, 250, &min, err) ?:
	      config_int(cfg, "keyd", "backoff_max_ms", 10, 3600000, 30000, &max, err) ?:
	      config_int(cfg, "keyd", "confirm_ms", 1000, 3600000, 60000, &confirm, err) ?:
	      config_int(cfg, "keyd", "retire_ms", 0, 3600000, 60000, &retire, err);
	if (ret)
		return ret;
	if (min > max)
		return err_set(err, -EINVAL, "keyd: want backoff_min_ms <= backoff_max_ms");
	k->backoff_min = min;
	k->backoff_max = max;
	k->confirm_ms = confirm;
	k->retire_ms = retire;
	return 0;
}

/* What needs no network and no kernel; keyd_release() also after an error. */
int keyd_configure(struct keyd *k, const json_t *cfg, struct err *err)
{
	static const char *const keys[] = {
		"network", "self", "pki", "kme", "level", "pools", "peers", "provenance", "state",
		"listen", "user", "backoff_min_ms", "backoff_max_ms", "confirm_ms",
		"retire_ms", NULL
	};
	const char *path, *name, *state, *listen;
	int ret;

	ret = config_only(cfg, "keyd", keys, err) ?:
	      config_str(cfg, "keyd", "network", NULL, &path, err) ?:
	      config_str(cfg, "keyd", "self", NULL, &name, err) ?:
	      config_str(cfg, "keyd", "state", NULL, &state, err) ?:
	      config_str(cfg, "keyd", "listen", "", &listen, err) ?:
	      parse_provenance(json_object_get(cfg, "provenance"), &k->provenance, err) ?:
	      parse_times(k, cfg, err) ?:
	      network_load(path, 0, &k->net, err);
	if (ret)
		return ret;
	k->self = network_find(&k->net, name);
	if (!k->self)
		return err_set(err, -EINVAL, "%s: no node \"%s\"", path, name);
	if (!k->self->ax[0] || !k->self->sae[0])
		return err_set(err, -EINVAL, "%s: node %s needs \"ax\" and \"sae\"", path,
			       name);
	if (strlen(state) >= sizeof(k->state) - 32 || strlen(listen) >= sizeof(k->listen))
		return err_set(err, -EINVAL, "keyd: state or listen is too long");
	strcpy(k->state, state);
	strcpy(k->listen, *listen ? listen : k->self->ax);
	ret = pki_open(json_object_get(cfg, "pki"), "pki", &k->pki, err);
	if (ret)
		return ret;
	if (strcmp(pki_self(k->pki)->role, "keyd") ||
	    pki_self(k->pki)->node != k->self->id)
		return err_set(err, -EINVAL,
			       "pki: the certificate is for %s %u, want keyd %u",
			       pki_self(k->pki)->role, pki_self(k->pki)->node, k->self->id);
	return parse_peers(k, cfg, err);
}

void keyd_release(struct keyd *k)
{
	https_close(k->server);
	follow_stop();
	stock_stop();
	kme_close(k->kme);
	https_client_free(k->ax);
	kernel_close(k->kernel);
	ledger_close(k->ledger);
	if (k->housekeeping)
		event_free(k->housekeeping);
	pki_free(k->pki);
	free(k->peer);
	network_free(&k->net);
	memset(k, 0, sizeof(*k));
}
