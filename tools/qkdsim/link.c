// SPDX-License-Identifier: GPL-2.0
/*
 * KME to KME: stands for the quantum channel, and for the relays between KMEs that
 * have none in common. Whoever adds relaying (Kx) or its control (Ck) replaces
 * this file; the rest knows only link_send().
 *
 * POST /link/v1/keys, mutual TLS between certificates of role kme:
 *	4 bytes, big endian: length of the header
 *	header: {"master":SAE,"slaves":[SAE...],"size":BYTES,"key_IDs":[UUID...]}
 *	the keys' bytes, one after the other
 */
#include "qkdsim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"

#define LINK_MS		20000
#define LINK_PATH	"/link/v1/keys"

struct link_call {
	struct sim_kme *to;
	link_done *done;
	void *arg;
};

static void link_answered(int status, const json_t *body, const char *why, void *arg)
{
	struct link_call *call = arg;

	if (status != 200)
		log_warn("%s: keys not taken: %s %d %s", call->to->id, why ?: "status",
			 status,
			 json_string_value(json_object_get(body, "message")) ?: "");
	call->done(status == 200, call->arg);
	free(call);
}

static void link_answered_data(int status, const void *data, size_t len,
			       const char *why, void *arg)
{
	json_t *body = json_loadb(data ?: "", len, 0, NULL);

	link_answered(status, body, why, arg);
	json_decref(body);
}

static char *link_header(const struct sim_sae *master,
			 const struct sim_sae *const *slaves, unsigned int nslaves,
			 const uint8_t (*ids)[UUID_BYTES], size_t n, size_t size)
{
	json_t *names = json_array(), *list = json_array(), *header;
	char text[UUID_TEXT], *out;
	size_t i;

	for (i = 0; i < nslaves; i++)
		json_array_append_new(names, json_string(slaves[i]->node->sae));
	for (i = 0; i < n; i++) {
		uuid_format(ids[i], text);
		json_array_append_new(list, json_string(text));
	}
	header = json_pack("{s:s, s:o, s:I, s:o}", "master", master->node->sae,
			   "slaves", names, "size", (json_int_t)size, "key_IDs", list);
	out = header ? json_dumps(header, JSON_COMPACT) : NULL;
	json_decref(header);
	return out;
}

/**
 * link_send - hand keys to another KME
 *
 * Return: 0, and @done is called later; or -ENOMEM.
 */
int link_send(struct sim_kme *to, const struct sim_sae *master,
	      const struct sim_sae *const *slaves, unsigned int nslaves,
	      const uint8_t (*ids)[UUID_BYTES], const uint8_t *bytes, size_t n,
	      size_t size, link_done *done, void *arg)
{
	struct pki_id peer = { .role = "kme", .node = to->node };
	char *header = link_header(master, slaves, nslaves, ids, n, size);
	struct link_call *call = calloc(1, sizeof(*call));
	size_t len = header ? strlen(header) : 0;
	char url[sizeof(to->addr) + 32];
	uint32_t be = htonl(len);
	char *msg = NULL;

	if (header && call)
		msg = malloc(sizeof(be) + len + n * size);
	if (!msg)
		goto err_free;
	memcpy(msg, &be, sizeof(be));
	memcpy(msg + sizeof(be), header, len);
	memcpy(msg + sizeof(be) + len, bytes, n * size);
	call->to = to;
	call->done = done;
	call->arg = arg;
	strcpy(peer.domain, pki_self(sim.pki)->domain);
	snprintf(url, sizeof(url), "https://%s" LINK_PATH, to->addr);
	/* msg is handed over, also on error */
	if (!https_call_data(sim.client, "POST", url, "application/octet-stream", msg,
			     sizeof(be) + len + n * size, LINK_MS, 4096, &peer,
			     link_answered_data, call))
		goto err_free;
	free(header);
	return 0;
err_free:
	free(header);
	free(call);
	return -ENOMEM;
}

/* Store all keys for all slaves; what was stored stays if one fails, and expires. */
static int link_store(const json_t *header, const struct sim_kme *from,
		      const uint8_t *bytes, size_t len)
{
	const char *name = json_string_value(json_object_get(header, "master"));
	const struct sim_sae *master = name ? sim_sae(name) : NULL, *slave;
	json_int_t size = json_integer_value(json_object_get(header, "size"));
	json_t *slaves = json_object_get(header, "slaves"), *s, *text;
	json_t *ids = json_object_get(header, "key_IDs");
	uint8_t id[UUID_BYTES];
	size_t i, j;
	int ret;

	if (!master || master->kme != from || size < 1 || !json_array_size(slaves) ||
	    !json_array_size(ids) || len / json_array_size(ids) != (size_t)size ||
	    len % json_array_size(ids))
		return -EINVAL;
	json_array_foreach(slaves, i, s) {
		slave = json_is_string(s) ? sim_sae(json_string_value(s)) : NULL;
		if (!slave || slave->kme != sim.self)
			return -EINVAL;
		json_array_foreach(ids, j, text) {
			if (!json_is_string(text) ||
			    uuid_parse(json_string_value(text), id))
				return -EINVAL;
			ret = store_put(id, master->node->id, slave->node->id,
					bytes + j * size, size);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static const struct sim_kme *link_from(const struct pki_id *peer)
{
	size_t i;

	if (strcmp(peer->role, "kme"))
		return NULL;
	for (i = 0; i < sim.kmes; i++)
		if (sim.kme[i].node == peer->node)
			return &sim.kme[i];
	return NULL;
}

/* The other end of link_send(). */
void link_handle(struct https_request *req)
{
	const struct sim_kme *from = link_from(req->peer);
	const uint8_t *data = req->data;
	json_t *header;
	uint32_t len;
	int ret;

	if (!from) {
		api_error(req->reply_to, 401, NULL, NULL);
		return;
	}
	if (strcmp(req->path, LINK_PATH) || req->method != EVHTTP_REQ_POST ||
	    !data || req->len < sizeof(len)) {
		api_error(req->reply_to, 400, "want POST " LINK_PATH " with keys", NULL);
		return;
	}
	memcpy(&len, data, sizeof(len));
	len = ntohl(len);
	if (len > req->len - sizeof(len)) {
		api_error(req->reply_to, 400, "the header is cut off", NULL);
		return;
	}
	header = json_loadb((const char *)data + sizeof(len), len,
			    JSON_REJECT_DUPLICATES, NULL);
	ret = header ? link_store(header, from, data + sizeof(len) + len,
				  req->len - sizeof(len) - len) : -EINVAL;
	json_decref(header);
	if (ret)
		api_error(req->reply_to, ret == -EINVAL ? 400 : 503, strerror(-ret), NULL);
	else
		https_reply(req->reply_to, 200, NULL);
}
