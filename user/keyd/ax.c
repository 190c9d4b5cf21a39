// SPDX-License-Identifier: GPL-2.0
/* Ax: Documentation/protocol/ax.rst. Who may speak here, and how words are written. */
#include "keyd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "kme.h"
#include "log.h"

#define AX_BODY		(512 << 10)	/* ETSI_KEYS_MAX key IDs */

void ax_error(void *reply_to, int status, const char *fmt, ...)
{
	char text[300];
	json_t *body;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	counts.ax_errors++;
	log_debug("ax: %d %s", status, text);
	body = json_pack("{s:s}", "message", text);
	https_reply(reply_to, status, body);
	json_decref(body);
}

int ax_uuid(const json_t *msg, const char *key, uint8_t id[UUID_BYTES])
{
	const char *text = json_string_value(json_object_get(msg, key));

	return text ? uuid_parse(text, id) : -EINVAL;
}

json_t *ax_tag_pack(const uint8_t block[UUID_BYTES], const struct kernel_tag *tag)
{
	char id[UUID_TEXT], tag_block[UUID_TEXT], hex[2 * KERNEL_TAG + 1];

	uuid_format(block, id);
	uuid_format(tag->tag_block, tag_block);
	hex_encode(tag->tag, KERNEL_TAG, hex);
	return json_pack("{s:s, s:s, s:I, s:s}", "block", id, "tag_block", tag_block,
			 "slot", (json_int_t)tag->slot, "tag", hex);
}

int ax_tag_parse(const json_t *msg, struct kernel_tag *tag)
{
	const char *hex = json_string_value(json_object_get(msg, "tag"));
	const json_t *slot = json_object_get(msg, "slot");
	json_int_t n = json_integer_value(slot);

	if (!json_is_integer(slot) || n < 0 || n > UINT32_MAX || !hex ||
	    hex_decode(hex, tag->tag, KERNEL_TAG))
		return -EINVAL;
	tag->slot = n;
	return ax_uuid(msg, "tag_block", tag->tag_block);
}

/*
 * A peer sees the pools that it shares with us, and no others. It asks before it
 * takes keys from its KME for a block that we are to follow.
 */
static void reply_level(struct peer *peer, void *reply_to)
{
	static const char *const dirs[] = { "tx", "rx" }, *const kinds[] = { "payload", "tag" };
	json_t *list, *body;
	struct nl_pool pool;
	int dir, kind;

	if (kme_wait(keyd.kme)) {
		ax_error(reply_to, 503, "our KME is out of order");
		return;
	}
	list = json_array();
	for (dir = 0; dir < 2; dir++)
		for (kind = 0; kind < 2; kind++)
			if (!kernel_level(keyd.kernel, peer->node->id, dir, kind, &pool, NULL))
				json_array_append_new(list, json_pack(
					"{s:I, s:s, s:s, s:I, s:I}",
					"peer", (json_int_t)peer->node->id,
					"dir", dirs[dir], "kind", kinds[kind],
					"usable", (json_int_t)pool.usable,
					"pending", (json_int_t)pool.pending));
	body = json_pack("{s:o}", "pools", list);
	https_reply(reply_to, 200, body);
	json_decref(body);
}

static void handle(struct https_request *req, void *arg)
{
	static const struct {
		const char *path;
		void (*fn)(struct peer *peer, const json_t *msg, void *reply_to);
	} posts[] = {
		{ "/ax/v1/blocks", follow_block },
		{ "/ax/v1/confirm", follow_confirm },
		{ "/ax/v1/void", follow_void },
		{ "/ax/v1/retire", follow_retire },
	};
	struct peer *peer = keyd_peer(req->peer->node);
	size_t i;

	if (!peer || !pki_id_equal(req->peer, &peer->id)) {
		log_warn("ax: refused %s %u, who is no peer", req->peer->role,
			 req->peer->node);
		ax_error(req->reply_to, 403, "this node shares no pads with %s %u",
			 req->peer->role, req->peer->node);
		return;
	}
	if (req->method == EVHTTP_REQ_GET && !strcmp(req->path, "/ax/v1/level")) {
		reply_level(peer, req->reply_to);
		return;
	}
	for (i = 0; i < sizeof(posts) / sizeof(*posts); i++) {
		if (strcmp(req->path, posts[i].path))
			continue;
		if (req->method != EVHTTP_REQ_POST || !json_is_object(req->body))
			ax_error(req->reply_to, 400, "expected POST with a JSON object");
		else
			posts[i].fn(peer, req->body, req->reply_to);
		return;
	}
	ax_error(req->reply_to, 404, "no such resource");
}

/* GET without @msg, POST with it. NULL: out of memory, and @done is not called. */
void *ax_call(struct peer *peer, const char *path, const json_t *msg,
	      unsigned int timeout_ms, https_done *done, void *arg)
{
	char url[sizeof(peer->ax) + 32];

	snprintf(url, sizeof(url), "%s%s", peer->ax, path);
	return https_call(keyd.ax, msg ? "POST" : "GET", url, msg, timeout_ms, AX_BODY,
			  &peer->id, done, arg);
}

int ax_start(struct err *err)
{
	return https_client_new(keyd.base, keyd.pki, NULL, &keyd.ax, err) ?:
	       https_listen(keyd.base, keyd.pki, keyd.listen, AX_BODY, handle, NULL,
			    &keyd.server, err);
}
