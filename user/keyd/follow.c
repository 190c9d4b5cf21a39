// SPDX-License-Identifier: GPL-2.0
/*
 * The receiving end of a block: fetch the same keys by ID, load them, answer with our
 * tag; then check the sender's tag, and only then it may use them.
 */
#include "keyd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kme.h"
#include "log.h"

#define ROOM	(1 << 20)	/* for keys larger than asked for */

struct follow {
	struct follow *next;
	struct peer *peer;
	struct block block;
	struct etsi_ids ids;
	void *reply_to;
	void *request;
};

static struct follow *follows;

static void follow_free(struct follow *f)
{
	struct follow **p = &follows;

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
	if (f->request)
		kme_cancel(f->request);
	block_wipe(&f->block);
	etsi_ids_free(&f->ids);
	free(f);
}

static void set_state(const uint8_t id[UUID_BYTES], enum ledger_state state)
{
	struct err err = { "" };

	if (ledger_set(keyd.ledger, id, state, &err))
		alarm_raise(ALARM_LEDGER, "%s", err.text);
}

/* The sender learns it from the answer: nobody needs to be told. */
static void refuse(struct follow *f, int status, const char *why)
{
	log_warn("%s: %s block refused: %s", f->peer->node->name,
		 f->block.kind == QKD_KIND_TAG ? "tag" : "payload", why);
	set_state(f->block.id, LEDGER_VOID);
	kernel_void(keyd.kernel, f->block.id, NULL);
	counts.voided++;
	ax_error(f->reply_to, status, "%s", why);
	follow_free(f);
}

static void load(struct follow *f)
{
	struct ledger_row row;
	struct kernel_tag tag;
	struct err err = { "" };
	json_t *msg;

	if (ledger_get(keyd.ledger, f->block.id, &row) || row.state != LEDGER_ASKED) {
		refuse(f, 410, "the block was voided meanwhile");
		return;
	}
	if (kernel_load(keyd.kernel, &f->block, &err)) {
		alarm_raise(ALARM_KERNEL, "%s", err.text);
		refuse(f, 410, err.text);
		return;
	}
	keyd_step("follow-loaded");
	if (ledger_set(keyd.ledger, f->block.id, LEDGER_LOADED, &err) ||
	    kernel_tag(keyd.kernel, f->block.id, &tag, &err)) {
		refuse(f, 410, err.text);
		return;
	}
	keyd_step("follow-tagged");
	msg = ax_tag_pack(f->block.id, &tag);
	json_object_set_new(msg, "provenance", json_integer(f->block.provenance));
	https_reply(f->reply_to, 200, msg);
	json_decref(msg);
	follow_free(f);
}

static void got_keys(enum etsi_verdict verdict, const char *why, void *arg)
{
	struct follow *f = arg;
	struct err err = { "" };

	f->request = NULL;
	keyd_step("follow-fetched");
	if (verdict != ETSI_OK) {
		err_set(&err, -EIO, "dec_keys: %s %s", etsi_verdict_text(verdict), why);
		refuse(f, 410, err.text);
	} else if (f->block.len < f->block.size) {
		refuse(f, 410, "dec_keys: the keys are shorter than the block");
	} else {
		load(f);
	}
}

/* The message into @f; NULL or what is wrong with it. */
static const char *parse(struct follow *f, const json_t *msg)
{
	const char *kind = json_string_value(json_object_get(msg, "kind"));
	json_int_t size = json_integer_value(json_object_get(msg, "size"));
	const json_t *provenance = json_object_get(msg, "provenance");
	json_t *keys = json_object_get(msg, "keys"), *key;
	size_t i;

	if (ax_uuid(msg, "block", f->block.id) || uuid_is_zero(f->block.id))
		return "block: expected a UUID";
	if (!kind || (strcmp(kind, "payload") && strcmp(kind, "tag")))
		return "kind: expected \"payload\" or \"tag\"";
	f->block.kind = strcmp(kind, "tag") ? QKD_KIND_PAYLOAD : QKD_KIND_TAG;
	if (size <= 0 || size > BLOCK_MAX || size % block_unit(f->block.kind))
		return "size: expected whole units";
	if ((size_t)size < block_least(f->block.kind))
		return "size: expected 8 units of a tag block, or more";
	f->block.size = size;
	if (!json_is_integer(provenance) || json_integer_value(provenance) & ~7)
		return "provenance: expected 0 to 7";
	f->block.provenance = json_integer_value(provenance) & keyd.provenance;
	if (json_integer_value(json_object_get(msg, "from")) != f->peer->node->id ||
	    json_integer_value(json_object_get(msg, "to")) != keyd.self->id)
		return "from, to: not you and me";
	if (!json_array_size(keys) || json_array_size(keys) > ETSI_KEYS_MAX)
		return "keys: expected 1 to 4096";
	json_array_foreach(keys, i, key) {
		const char *id = json_string_value(json_object_get(key, "key_ID"));

		if (!id || etsi_ids_add(&f->ids, id))
			return "keys: not a key_ID";
	}
	f->block.peer = f->peer->node->id;
	f->block.dir = QKD_DIR_RX;
	return NULL;
}

/*
 * What would fail anyway is said before a key is touched: the sender keeps its keys
 * and comes again.
 */
static const char *not_now(const struct follow *f)
{
	const struct follow *other;
	struct nl_pool tags;

	for (other = follows; other; other = other->next)
		if (other != f && other->peer == f->peer)
			return "a block of yours is on its way";
	if (kme_wait(keyd.kme))
		return "our KME is out of order";
	if (f->block.kind == QKD_KIND_PAYLOAD &&
	    (kernel_level(keyd.kernel, f->peer->node->id, QKD_DIR_TX, QKD_KIND_TAG, &tags,
			  NULL) || !tags.usable))
		return "no confirmed tag block towards you yet";
	return NULL;
}

/* POST /ax/v1/blocks */
void follow_block(struct peer *peer, const json_t *msg, void *reply_to)
{
	struct follow *f = calloc(1, sizeof(*f));
	struct err err = { "" };
	const char *wrong;
	int ret;

	if (!f) {
		ax_error(reply_to, 503, "out of memory");
		return;
	}
	f->peer = peer;
	f->reply_to = reply_to;
	f->next = follows;
	follows = f;
	wrong = parse(f, msg);
	if (wrong) {
		ax_error(reply_to, 400, "%s", wrong);
		goto drop;
	}
	wrong = not_now(f);
	if (!wrong && block_room(&f->block, f->block.size + ROOM))
		wrong = "out of memory";
	if (wrong) {
		ax_error(reply_to, 503, "%s", wrong);
		goto drop;
	}
	ret = ledger_new(keyd.ledger, &f->block, LEDGER_ASKED, &f->ids, &err);
	if (ret == -EEXIST) {
		alarm_raise(ALARM_KEY_REUSE, "%s: %s", peer->node->name, err.text);
		ax_error(reply_to, 409, "%s", err.text);
		goto drop;
	}
	if (ret) {
		alarm_raise(ALARM_LEDGER, "%s", err.text);
		ax_error(reply_to, 503, "%s", err.text);
		goto drop;
	}
	keyd_step("follow-asked");
	f->request = kme_dec(keyd.kme, peer->node->sae, &f->block, &f->ids, got_keys, f);
	if (!f->request)
		refuse(f, 410, "out of memory");
	return;
drop:
	follow_free(f);
}

/* The block that @msg names, if it is @peer's and we receive with it. */
static int named(struct peer *peer, const json_t *msg, struct ledger_row *row)
{
	uint8_t id[UUID_BYTES];

	if (ax_uuid(msg, "block", id))
		return -EINVAL;
	if (ledger_get(keyd.ledger, id, row) || row->peer != peer->node->id)
		return -ENOENT;
	return 0;
}

/* POST /ax/v1/confirm */
void follow_confirm(struct peer *peer, const json_t *msg, void *reply_to)
{
	struct ledger_row row;
	struct kernel_tag tag;
	struct err err = { "" };
	char id[UUID_TEXT];
	json_t *body;
	int ret;

	ret = named(peer, msg, &row);
	if (ret == -EINVAL || ax_tag_parse(msg, &tag)) {
		ax_error(reply_to, 400, "block, tag_block, slot, tag: malformed");
		return;
	}
	if (ret || row.dir != QKD_DIR_RX || row.state != LEDGER_LOADED) {
		ax_error(reply_to, 410, "no such block waits for confirmation");
		return;
	}
	ret = kernel_confirm(keyd.kernel, row.id, &tag, &err);
	if (ret == -EKEYREJECTED) {
		counts.mismatched++;
		counts.voided++;
		set_state(row.id, LEDGER_VOID);
		alarm_raise(ALARM_PAD_MISMATCH, "%s: its tag of a block is wrong",
			    peer->node->name);
		ax_error(reply_to, 412, "the tag is wrong: the block is wiped here");
		return;
	}
	if (ret) {
		set_state(row.id, LEDGER_VOID);
		kernel_void(keyd.kernel, row.id, NULL);
		counts.voided++;
		ax_error(reply_to, 410, "%s", err.text);
		return;
	}
	keyd_step("follow-confirmed");
	set_state(row.id, LEDGER_USABLE);
	keyd_step("follow-usable");
	counts.followed++;
	uuid_format(row.id, id);
	body = json_pack("{s:s, s:s}", "block", id, "state", "usable");
	https_reply(reply_to, 200, body);
	json_decref(body);
	/* our own payload blocks may have waited for this */
	if (row.kind == QKD_KIND_TAG)
		stock_kick(peer);
}

/* The peer has used it up: what is leased here may have records behind it. */
static int retired(const struct ledger_row *row)
{
	int ret = kernel_retire(keyd.kernel, row->id, NULL);

	return !ret || ret == -ENOENT || ret == -EALREADY;
}

/* What the peer wants to be no more; @how: what is left of it here. */
static void end_block(struct peer *peer, const json_t *msg, void *reply_to,
		      enum ledger_state how)
{
	struct block unseen = { .peer = peer->node->id, .dir = QKD_DIR_RX };
	struct ledger_row row;
	struct err err = { "" };
	uint8_t id[UUID_BYTES];
	int ret;

	if (ax_uuid(msg, "block", id)) {
		ax_error(reply_to, 400, "block: expected a UUID");
		return;
	}
	ret = ledger_get(keyd.ledger, id, &row);
	if (!ret && row.peer != peer->node->id) {
		ax_error(reply_to, 403, "the block is not yours");
		return;
	}
	if (ret == -ENOENT) {
		/* so that a POST that comes later finds it */
		memcpy(unseen.id, id, UUID_BYTES);
		ret = ledger_new(keyd.ledger, &unseen, LEDGER_VOID, NULL, &err);
	} else if (!ret && row.state == LEDGER_SPENT_TELL) {
		ret = ledger_set(keyd.ledger, id, LEDGER_SPENT, &err);
	} else if (!ret && row.state == LEDGER_USABLE && how == LEDGER_SPENT &&
		   retired(&row)) {
		/* the kernel says when the last lease is gone */
		stock_kick(peer);
	} else if (!ret && row.state != LEDGER_VOID && row.state != LEDGER_SPENT) {
		lead_voided(peer, id);
		ret = ledger_set(keyd.ledger, id, LEDGER_VOID, &err);
		if (!ret) {
			kernel_void(keyd.kernel, id, NULL);
			counts.voided++;
			stock_kick(peer);
		}
	}
	if (ret) {
		alarm_raise(ALARM_LEDGER, "%s", err.text);
		ax_error(reply_to, 503, "%s", err.text);
	} else {
		https_reply(reply_to, 200, NULL);
	}
}

/* POST /ax/v1/void: of either direction; also of a block that never got here. */
void follow_void(struct peer *peer, const json_t *msg, void *reply_to)
{
	end_block(peer, msg, reply_to, LEDGER_VOID);
}

/* POST /ax/v1/retire: the same of a block that both ends have used. */
void follow_retire(struct peer *peer, const json_t *msg, void *reply_to)
{
	end_block(peer, msg, reply_to, LEDGER_SPENT);
}

static int expire_one(const struct ledger_row *row, void *arg)
{
	if (row->dir != QKD_DIR_RX ||
	    (time(NULL) - row->changed) * 1000 < (int64_t)keyd.confirm_ms)
		return 0;
	log_warn("a block of node %u was never confirmed: void", row->peer);
	counts.voided++;
	recover_void(row->peer, row->id);
	return 0;
}

/* A sender that has vanished leaves a block loaded here: not for ever. */
void follow_expire(void)
{
	ledger_each(keyd.ledger, 1 << LEDGER_LOADED, 0, expire_one, NULL);
}

/* The answers that are still owed are dropped with the server. */
void follow_stop(void)
{
	while (follows)
		follow_free(follows);
}
