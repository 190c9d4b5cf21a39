// SPDX-License-Identifier: GPL-2.0
/* Get key with key IDs (clause 5.3): the slave SAE's side. All of them, or none. */
#include "qkdsim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char not_found[] = "one or more keys specified are not found on KME";

/* Look every key up; 0, or a status after which nothing has changed. */
static int dec_find(const struct sim_sae *slave, const struct sim_sae *master,
		    const json_t *ids, struct stored_key **keys, size_t *longest)
{
	int named, foreign = 0, missing = 0;
	uint8_t id[UUID_BYTES];
	size_t i, j;
	json_t *obj;

	*longest = 0;
	json_array_foreach((json_t *)ids, i, obj) {
		const char *text = json_string_value(json_object_get(obj, "key_ID"));

		if (!text || uuid_parse(text, id))
			return 400;
		keys[i] = store_find(id, master->node->id, slave->node->id, &named);
		foreign |= !keys[i] && named;
		missing |= !keys[i];
		for (j = 0; j < i; j++)
			missing |= keys[j] == keys[i];
		if (keys[i] && keys[i]->len > *longest)
			*longest = keys[i]->len;
	}
	return foreign ? 401 : missing ? 400 : 0;
}

/**
 * dec_keys - deliver keys by ID
 * @slave:	the SAE that asks
 * @master:	the SAE for which they were issued
 * @req:	request
 * @params:	{"key_IDs":[{"key_ID"}]}
 */
void dec_keys(const struct sim_sae *slave, const struct sim_sae *master,
	      struct https_request *req, const json_t *params)
{
	const json_t *ids = json_object_get(params, "key_IDs");
	size_t n = json_array_size(ids), longest, i;
	struct container c = { 0 };
	struct stored_key **keys;
	int status;

	if (sim.faults.hang_dec)
		return;
	if (!n || n > (size_t)sim.max_keys) {
		api_error(req->reply_to, 400, "key_IDs: expected 1 to max_key_per_request",
			  NULL);
		return;
	}
	keys = calloc(n, sizeof(*keys));
	if (!keys) {
		api_error(req->reply_to, 503, "out of memory", NULL);
		return;
	}
	status = dec_find(slave, master, ids, keys, &longest);
	if (status) {
		api_error(req->reply_to, status, not_found, NULL);
		goto out;
	}
	if (container_begin(&c, n, longest)) {
		api_error(req->reply_to, 503, "out of memory", NULL);
		goto out;
	}
	for (i = 0; i < n; i++) {
		if (sim.faults.wrong_key)
			keys[i]->bytes[keys[i]->len / 2] ^= 1;
		container_add(&c, keys[i]->id, keys[i]->bytes, keys[i]->len);
		store_remove(keys[i]);
	}
	sim.delivered += n;
	if (sim.faults.lost_dec) {
		container_drop(&c);
		api_error(req->reply_to, 503, "the answer was lost", NULL);
	} else {
		container_reply(&c, req->reply_to);
	}
out:
	free(keys);
}
