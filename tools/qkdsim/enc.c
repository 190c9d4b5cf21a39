// SPDX-License-Identifier: GPL-2.0
/*
 * Get key (clause 5.2): the master SAE's side. The keys are drawn now, handed to
 * every slave's KME, and delivered when all of them have them.
 */
#include "qkdsim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include "log.h"

struct issue {
	void *reply_to;
	unsigned int links;		/* not answered yet */
	int failed;
	size_t n, size;			/* keys, bytes in each */
	uint8_t (*ids)[UUID_BYTES];
	uint8_t *bytes;
};

/* For the fault "repeat_id". */
static uint8_t last_ids[SIM_REQUEST][UUID_BYTES];
static size_t last_n;

static void issue_free(struct issue *is)
{
	if (is->bytes)
		explicit_bzero(is->bytes, is->n * is->size);
	free(is->bytes);
	free(is->ids);
	free(is);
}

static void issue_reply(struct issue *is)
{
	size_t i, n = is->n;
	struct container c;

	if (is->failed) {
		api_error(is->reply_to, 503, "the other KME is out of reach", NULL);
	} else if (container_begin(&c, is->n, is->size)) {
		api_error(is->reply_to, 503, "out of memory", NULL);
	} else {
		n -= (size_t)sim.faults.fewer < n ? (size_t)sim.faults.fewer : n;
		for (i = 0; i < n; i++)
			container_add(&c, is->ids[i], is->bytes + i * is->size,
				      is->size);
		sim.issued += n;
		container_reply(&c, is->reply_to);
	}
	issue_free(is);
}

static void issue_linked(int ok, void *arg)
{
	struct issue *is = arg;

	is->failed |= !ok;
	if (!--is->links)
		issue_reply(is);
}

/* What some server does, and what gives the key away. */
static void id_from_key(uint8_t id[UUID_BYTES], const uint8_t *key, size_t len)
{
	const char *name = sim.faults.id_hash;
	int uuid5 = !strcmp(name, "uuid5");
	uint8_t md[EVP_MAX_MD_SIZE];

	if (!EVP_Q_digest(NULL, uuid5 ? "sha1" : name, NULL, key, len, md, NULL))
		return;
	memcpy(id, md, UUID_BYTES);
	if (uuid5) {
		id[6] = (id[6] & 0x0f) | 0x50;
		id[8] = (id[8] & 0x3f) | 0x80;
	}
}

static int issue_draw(struct issue *is)
{
	size_t i;
	int ret;

	is->ids = calloc(is->n, sizeof(*is->ids));
	is->bytes = malloc(is->n * is->size);
	if (!is->ids || !is->bytes)
		return -ENOMEM;
	ret = random_fill(is->bytes, is->n * is->size);
	for (i = 0; i < is->n && !ret; i++) {
		ret = uuid_random(is->ids[i]);
		if (sim.faults.id_hash[0])
			id_from_key(is->ids[i], is->bytes + i * is->size, is->size);
		if (sim.faults.repeat_id && i < last_n)
			memcpy(is->ids[i], last_ids[i], UUID_BYTES);
	}
	memcpy(last_ids, is->ids, is->n * sizeof(*is->ids));
	last_n = is->n;
	return ret;
}

/* An integer parameter, or @def; 0 after having answered. */
static int64_t enc_number(const json_t *params, const char *name, int64_t def,
			  int64_t max, void *reply_to)
{
	json_t *v = json_object_get(params, name);

	if (!v)
		return def;
	if (!json_is_integer(v) || json_integer_value(v) < 1 ||
	    json_integer_value(v) > max) {
		api_error(reply_to, 400, "parameter out of range", name);
		return 0;
	}
	return json_integer_value(v);
}

/*
 * Extensions: one is known, "qkdsim_path_otp": true asks for keys that every relay
 * encrypted with a one-time pad. 0, or -EINVAL after having answered.
 */
static int enc_extensions(const json_t *params, void *reply_to)
{
	json_t *list, *obj, *value;
	const char *name;
	size_t i;

	list = json_object_get(params, "extension_mandatory");
	if (list && !json_is_array(list)) {
		api_error(reply_to, 400, "parameter out of range", "extension_mandatory");
		return -EINVAL;
	}
	json_array_foreach(list, i, obj) {
		int met = 0, known = 0;

		json_object_foreach(obj, name, value) {
			known = !strcmp(name, "qkdsim_path_otp") && json_is_boolean(value);
			if (!known)
				break;
			met = json_is_false(value) || sim.path_otp;
		}
		if (!known || !met) {
			api_error(reply_to, 400, known ?
				  "not all extension_mandatory request options could be met" :
				  "not all extension_mandatory parameters are supported",
				  NULL);
			return -EINVAL;
		}
	}
	list = json_object_get(params, "extension_optional");
	if ((list && !json_is_array(list)) ||
	    (sim.refuse_optional && json_array_size(list))) {
		api_error(reply_to, 400,
			  "not all extension_optional request options handled", NULL);
		return -EINVAL;
	}
	return 0;
}

/* @slaves[0] is the one of the URL; the number of them, 0 after having answered. */
static unsigned int enc_slaves(const json_t *params, const struct sim_sae *master,
			       const struct sim_sae **slaves, void *reply_to)
{
	json_t *list = json_object_get(params, "additional_slave_SAE_IDs"), *id;
	unsigned int n = 1, j;
	size_t i;

	if (!list)
		return n;
	if (!json_is_array(list) || (int64_t)json_array_size(list) > sim.max_slaves) {
		api_error(reply_to, 400, "parameter out of range",
			  "additional_slave_SAE_IDs");
		return 0;
	}
	json_array_foreach(list, i, id) {
		const struct sim_sae *sae = json_is_string(id) ?
			sim_sae(json_string_value(id)) : NULL;

		for (j = 0; sae && j < n; j++)
			if (slaves[j] == sae)
				sae = NULL;
		if (!sae || sae == master) {
			api_error(reply_to, 400, "no such SAE, or named twice",
				  json_string_value(id));
			return 0;
		}
		slaves[n++] = sae;
	}
	return n;
}

/* Each KME gets the keys once, for all of its slaves. */
static void issue_send(struct issue *is, const struct sim_sae *master,
		       const struct sim_sae *const *slaves, unsigned int nslaves)
{
	const struct sim_sae *there[SIM_SLAVES];
	unsigned int i, j, n;
	size_t k;

	is->links = 1;		/* held by this function */
	for (i = 0; i < nslaves; i++) {
		struct sim_kme *kme = slaves[i]->kme;

		for (j = 0; j < i && slaves[j]->kme != kme; j++)
			;
		if (j < i)
			continue;
		for (n = 0, j = i; j < nslaves; j++)
			if (slaves[j]->kme == kme)
				there[n++] = slaves[j];
		if (kme == sim.self) {
			for (j = 0; j < n; j++)
				for (k = 0; k < is->n; k++)
					is->failed |= !!store_put(is->ids[k],
						master->node->id, there[j]->node->id,
						is->bytes + k * is->size, is->size);
			continue;
		}
		is->links++;
		if (link_send(kme, master, there, n, is->ids, is->bytes, is->n,
			      is->size, issue_linked, is))
			issue_linked(0, is);
	}
	issue_linked(1, is);
}

/**
 * enc_keys - issue keys
 * @master:	the SAE that asks
 * @slave:	the SAE of the URL
 * @req:	request
 * @params:	number, size, additional_slave_SAE_IDs, extension_*; all optional
 */
void enc_keys(const struct sim_sae *master, const struct sim_sae *slave,
	      struct https_request *req, const json_t *params)
{
	const struct sim_sae *slaves[SIM_SLAVES + 1] = { slave };
	void *to = req->reply_to;
	unsigned int nslaves, i;
	int64_t number, size;
	struct issue *is;

	if (sim.faults.hang_enc)
		return;
	if (sim.faults.empty) {
		api_error(to, sim.faults.empty, "no keys", NULL);
		return;
	}
	number = enc_number(params, "number", 1, sim.max_keys, to);
	if (!number)
		return;
	size = enc_number(params, "size", sim.key_size, INT64_MAX, to);
	if (!size)
		return;
	if (size % 8) {
		api_error(to, 400, "size shall be a multiple of 8", NULL);
		return;
	}
	if (size < sim.min_size || size > sim.max_size) {
		api_error(to, 400, "parameter out of range", "size");
		return;
	}
	if (enc_extensions(params, to))
		return;
	nslaves = enc_slaves(params, master, slaves, to);
	if (!nslaves)
		return;
	if (sim.faults.size)
		size = sim.faults.size;
	if (number * size > SIM_BITS) {
		api_error(to, 400, "parameter out of range", "number times size");
		return;
	}
	for (i = 0; i < nslaves; i++) {
		if (bucket_take(slaves[i]->kme, (double)number * size)) {
			api_error(to, 503, "not enough keys", slaves[i]->node->sae);
			return;
		}
	}
	is = calloc(1, sizeof(*is));
	if (is) {
		is->reply_to = to;
		is->n = number;
		is->size = size / 8;
	}
	if (!is || issue_draw(is)) {
		if (is)
			issue_free(is);
		api_error(to, 503, "out of memory", NULL);
		return;
	}
	issue_send(is, master, slaves, nslaves);
}
