// SPDX-License-Identifier: GPL-2.0
/* What the operator says: which KMEs there are, how fast, how odd. */
#include "qkdsim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AK_PORT		5810

struct sim sim;

const struct sim_sae *sim_sae(const char *id)
{
	size_t i;

	for (i = 0; i < sim.saes; i++)
		if (!strcmp(sim.sae[i].node->sae, id))
			return &sim.sae[i];
	return NULL;
}

/* The SAE whose certificate this is, if it is attached to this KME. */
const struct sim_sae *sim_caller(const struct pki_id *peer)
{
	size_t i;

	if (strcmp(peer->role, "keyd"))
		return NULL;
	for (i = 0; i < sim.saes; i++)
		if (sim.sae[i].node->id == peer->node &&
		    sim.sae[i].kme == sim.self)
			return &sim.sae[i];
	return NULL;
}

int sim_parse_faults(const json_t *cfg, struct sim_faults *f, struct err *err)
{
	static const char *const keys[] = {
		"size", "fewer", "empty", "html", "odd_types", "zero_limits",
		"hang_enc", "hang_dec", "lost_dec", "wrong_key", "repeat_id",
		"id_hash", NULL
	};
	static const char *const hashes[] = { "", "md5", "sha1", "sha256", "uuid5" };
	const char *hash = "";
	size_t i;
	int ret;

	memset(f, 0, sizeof(*f));
	if (!cfg)
		return 0;
	ret = config_only(cfg, "faults", keys, err) ?:
	      config_int(cfg, "faults", "size", 0, 1 << 24, 0, &f->size, err) ?:
	      config_int(cfg, "faults", "fewer", 0, SIM_REQUEST, 0, &f->fewer, err) ?:
	      config_int(cfg, "faults", "empty", 0, 599, 0, &f->empty, err) ?:
	      config_bool(cfg, "faults", "html", 0, &f->html, err) ?:
	      config_bool(cfg, "faults", "odd_types", 0, &f->odd_types, err) ?:
	      config_bool(cfg, "faults", "zero_limits", 0, &f->zero_limits, err) ?:
	      config_bool(cfg, "faults", "hang_enc", 0, &f->hang_enc, err) ?:
	      config_bool(cfg, "faults", "hang_dec", 0, &f->hang_dec, err) ?:
	      config_bool(cfg, "faults", "lost_dec", 0, &f->lost_dec, err) ?:
	      config_bool(cfg, "faults", "wrong_key", 0, &f->wrong_key, err) ?:
	      config_bool(cfg, "faults", "repeat_id", 0, &f->repeat_id, err) ?:
	      config_str(cfg, "faults", "id_hash", "", &hash, err);
	if (ret)
		return ret;
	for (i = 0; i < sizeof(hashes) / sizeof(*hashes); i++)
		if (!strcmp(hash, hashes[i]))
			break;
	if (i == sizeof(hashes) / sizeof(*hashes))
		return err_set(err, -EINVAL,
			       "faults: id_hash: expected md5, sha1, sha256 or uuid5");
	snprintf(f->id_hash, sizeof(f->id_hash), "%s", hash);
	return 0;
}

/* One KME for each node that has an SAE: at its Ax address, on Ak's port. */
static int kmes_default(struct sim *s, struct err *err)
{
	size_t i;

	s->kme = calloc(s->net.nodes + 1, sizeof(*s->kme));
	if (!s->kme)
		return err_set(err, -ENOMEM, "out of memory");
	for (i = 0; i < s->net.nodes; i++) {
		const struct network_node *n = &s->net.node[i];
		struct sim_kme *k = &s->kme[s->kmes];
		char host[100];
		uint16_t port;

		if (!n->sae[0])
			continue;
		if (https_hostport(n->ax, host, sizeof(host), &port))
			return err_set(err, -EINVAL,
				       "node %s has \"sae\" but no \"ax\" address: \"%s\"",
				       n->name, n->ax);
		snprintf(k->id, sizeof(k->id), "kme-%s", n->name);
		snprintf(k->addr, sizeof(k->addr), strchr(host, ':') ? "[%s]:%d" : "%s:%d",
			 host, AK_PORT);
		k->node = n->id;
		s->kmes++;
	}
	return 0;
}

static int sae_add(struct sim *s, const struct network_node *n, struct sim_kme *k)
{
	size_t i;

	for (i = 0; i < s->saes; i++)
		if (s->sae[i].node == n)
			return -EEXIST;
	s->sae[s->saes].node = n;
	s->sae[s->saes].kme = k;
	s->saes++;
	return 0;
}

/* "kmes": [{"id", "addr", "node", "saes": [node names]}]: sites of several SAEs */
static int kmes_listed(struct sim *s, const json_t *list, struct err *err)
{
	static const char *const keys[] = { "id", "addr", "node", "saes", NULL };
	json_t *obj, *name;
	size_t i, j;
	int ret;

	if (!json_is_array(list))
		return err_set(err, -EINVAL, "kmes: expected a list");
	s->kme = calloc(json_array_size(list) + 1, sizeof(*s->kme));
	if (!s->kme)
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach(list, i, obj) {
		const char *id, *addr, *node_name;
		const struct network_node *n;
		struct sim_kme *k = &s->kme[i];
		char host[sizeof(k->addr)];
		uint16_t port;

		ret = config_only(obj, "kmes", keys, err) ?:
		      config_str(obj, "kmes", "id", NULL, &id, err) ?:
		      config_str(obj, "kmes", "addr", NULL, &addr, err) ?:
		      config_str(obj, "kmes", "node", NULL, &node_name, err);
		if (ret)
			return ret;
		n = network_find(&s->net, node_name);
		if (!n)
			return err_set(err, -EINVAL, "kmes: no node \"%s\"", node_name);
		if (strlen(id) >= sizeof(k->id) || strlen(addr) >= sizeof(k->addr))
			return err_set(err, -EINVAL, "kmes: \"%.40s\" is too long", id);
		if (https_hostport(addr, host, sizeof(host), &port))
			return err_set(err, -EINVAL,
				       "kmes: %s: addr: expected host:port", id);
		for (j = 0; j < i; j++)
			if (s->kme[j].node == n->id)
				return err_set(err, -EINVAL,
					       "kmes: %s: node %s has a KME already",
					       id, node_name);
		strcpy(k->id, id);
		strcpy(k->addr, addr);
		k->node = n->id;
		s->kmes++;
		json_array_foreach(json_object_get(obj, "saes"), j, name) {
			n = json_is_string(name) ?
			    network_find(&s->net, json_string_value(name)) : NULL;
			if (!n || !n->sae[0] || sae_add(s, n, k))
				return err_set(err, -EINVAL,
					       "kmes: %s: saes: expected names of nodes with \"sae\", each once",
					       id);
		}
	}
	return 0;
}

static int sim_limits(struct sim *s, const json_t *cfg, struct err *err)
{
	const int64_t mbit8 = 8 << 20;
	int ret;

	ret = config_int(cfg, "qkdsim", "key_size", 8, mbit8, 256, &s->key_size, err) ?:
	      config_int(cfg, "qkdsim", "min_key_size", 8, mbit8, 64, &s->min_size, err) ?:
	      config_int(cfg, "qkdsim", "max_key_size", 8, mbit8, mbit8, &s->max_size, err) ?:
	      config_int(cfg, "qkdsim", "max_key_per_request", 1, SIM_REQUEST, 128,
			 &s->max_keys, err) ?:
	      config_int(cfg, "qkdsim", "max_SAE_ID_count", 0, SIM_SLAVES - 1,
			 SIM_SLAVES - 1, &s->max_slaves, err) ?:
	      config_int(cfg, "qkdsim", "rate_bits_per_s", 0, INT64_MAX >> 8, 0, &s->rate,
			 err) ?:
	      config_int(cfg, "qkdsim", "stock_bits", 0, INT64_MAX >> 8, 64 * mbit8,
			 &s->stock, err) ?:
	      config_int(cfg, "qkdsim", "hold_s", 1, 86400, 600, &s->hold_s, err) ?:
	      config_int(cfg, "qkdsim", "hold_bytes", 1 << 10, 1LL << 40, 256 << 20,
			 &s->hold_bytes, err) ?:
	      config_bool(cfg, "qkdsim", "path_otp", 0, &s->path_otp, err) ?:
	      config_bool(cfg, "qkdsim", "refuse_optional", 0, &s->refuse_optional, err);
	if (ret)
		return ret;
	if (s->key_size % 8 || s->min_size % 8 || s->max_size % 8)
		return err_set(err, -EINVAL,
			       "qkdsim: key sizes are bits, in multiples of 8");
	if (s->min_size > s->key_size || s->key_size > s->max_size)
		return err_set(err, -EINVAL,
			       "qkdsim: want min_key_size <= key_size <= max_key_size");
	return 0;
}

/**
 * sim_configure - read the configuration
 * @s:		all zero; filled in
 * @cfg:	the configuration file
 * @err:	what was wrong
 *
 * Return: 0 or a negative errno.
 */
int sim_configure(struct sim *s, const json_t *cfg, struct err *err)
{
	static const char *const keys[] = {
		"network", "self", "pki", "user", "kmes", "key_size", "min_key_size",
		"max_key_size", "max_key_per_request", "max_SAE_ID_count",
		"rate_bits_per_s", "stock_bits", "hold_s", "hold_bytes", "path_otp",
		"refuse_optional", "faults", NULL
	};
	const struct network_node *self;
	const char *path, *name;
	size_t i;
	int ret;

	ret = config_only(cfg, "qkdsim", keys, err) ?:
	      config_str(cfg, "qkdsim", "network", NULL, &path, err) ?:
	      config_str(cfg, "qkdsim", "self", NULL, &name, err) ?:
	      sim_limits(s, cfg, err) ?:
	      sim_parse_faults(json_object_get(cfg, "faults"), &s->faults, err) ?:
	      network_load(path, 0, &s->net, err);
	if (ret)
		return ret;
	self = network_find(&s->net, name);
	if (!self)
		return err_set(err, -EINVAL, "%s: no node \"%s\"", path, name);
	s->sae = calloc(s->net.nodes + 1, sizeof(*s->sae));
	if (!s->sae)
		return err_set(err, -ENOMEM, "out of memory");
	if (json_object_get(cfg, "kmes")) {
		ret = kmes_listed(s, json_object_get(cfg, "kmes"), err);
		if (ret)
			return ret;
	} else {
		ret = kmes_default(s, err);
		if (ret)
			return ret;
		for (i = 0; i < s->kmes; i++)
			sae_add(s, network_node(&s->net, s->kme[i].node), &s->kme[i]);
	}
	for (i = 0; i < s->kmes; i++) {
		if (s->kme[i].node == self->id)
			s->self = &s->kme[i];
		s->kme[i].stock = s->stock;
		s->kme[i].filled_ms = monotonic_ms();
	}
	if (!s->self)
		return err_set(err, -EINVAL, "no KME for node %s", name);
	ret = pki_open(json_object_get(cfg, "pki"), "pki", &s->pki, err);
	if (ret)
		return ret;
	if (strcmp(pki_self(s->pki)->role, "kme") ||
	    pki_self(s->pki)->node != self->id)
		return err_set(err, -EINVAL,
			       "pki: the certificate is for %s %u, want kme %u",
			       pki_self(s->pki)->role, pki_self(s->pki)->node, self->id);
	return 0;
}
