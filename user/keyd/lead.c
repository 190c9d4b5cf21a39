// SPDX-License-Identifier: GPL-2.0
/*
 * Making a block that this node will send with (Documentation/protocol/ax.rst):
 * keys from our KME - their IDs to the peer, which loads its copy and answers with its
 * tag - our copy into the kernel - our tag to the peer, which confirms its copy -
 * and only then ours is confirmed. Whatever goes wrong on the way: void, both ends.
 */
#include "keyd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "kme.h"
#include "log.h"

#define PROBE_MS	3000
#define POST_MS		60000	/* the peer asks its KME meanwhile, */
#define POST_KEY_MS	20	/* the longer the more keys */
#define CONFIRM_MS	15000
#define ROOM		(1 << 20)	/* for keys larger than asked for */

struct fill {
	struct peer *peer;
	struct block block;
	struct etsi_ids ids;
	struct kernel_tag peer_tag;
	struct event *again;
	size_t wanted;
	int in_ledger;		/* the IDs are written down */
	int posted;		/* the peer may know of it */
	void *request;		/* to the KME */
	void *call;		/* to the peer */
};

static void fill_free(struct fill *f)
{
	f->peer->fill[f->block.kind] = NULL;
	if (f->request)
		kme_cancel(f->request);
	if (f->call)
		https_cancel(f->call);
	if (f->again)
		event_free(f->again);
	block_wipe(&f->block);
	etsi_ids_free(&f->ids);
	free(f);
}

/**
 * lead_abandon - give up the block in the making
 * @peer:	whose it is
 * @kind:	of the block, which is there
 * @why:	for the log
 *
 * Its keys are wiped and their IDs never used again; a peer that may know of it is
 * told so. Nothing is scheduled: that is the caller's.
 */
void lead_abandon(struct peer *peer, enum qkd_kind kind, const char *why)
{
	struct fill *f = peer->fill[kind];
	struct err err = { "" };

	log_warn("%s: %s block given up: %s", peer->node->name,
		 f->block.kind == QKD_KIND_TAG ? "tag" : "payload", why);
	if (f->posted)
		recover_void(peer->node->id, f->block.id);
	else if (f->in_ledger && ledger_set(keyd.ledger, f->block.id, LEDGER_VOID, &err))
		alarm_raise(ALARM_LEDGER, "%s", err.text);
	if (f->in_ledger)
		counts.voided++;
	fill_free(f);
}

static void give_up(struct fill *f, const char *why)
{
	struct peer *peer = f->peer;

	lead_abandon(peer, f->block.kind, why);
	stock_failed(peer);
}

void lead_voided(struct peer *peer, const uint8_t id[UUID_BYTES])
{
	int kind;

	for (kind = 0; kind < 2; kind++) {
		struct fill *f = peer->fill[kind];

		if (f && f->in_ledger && !memcmp(f->block.id, id, UUID_BYTES))
			give_up(f, "the peer voids it");
	}
}

/* Every answer of a peer over Ax: is there somebody? */
static void heard(struct peer *peer, int status, const char *why)
{
	if (status) {
		if (!peer->reached)
			log_info("%s: its key agent answers", peer->node->name);
		peer->reached = 1;
		return;
	}
	if (peer->reached)
		log_warn("%s: its key agent does not answer: %s", peer->node->name, why);
	if (strstr(why, "certificate"))
		alarm_raise(ALARM_PEER_AUTH, "%s: %s", peer->node->name, why);
	peer->reached = 0;
	counts.ax_errors++;
}

static const char *message_of(const json_t *body, const char *why)
{
	return why ?: json_string_value(json_object_get(body, "message")) ?: "";
}

/* Both ends have confirmed: the peer already can receive, now we may send. */
static void confirmed(int status, const json_t *body, const char *why, void *arg)
{
	struct fill *f = arg;
	struct peer *peer = f->peer;
	struct err err = { "" };
	int ret;

	f->call = NULL;
	heard(peer, status, why);
	if (status == 412) {
		counts.mismatched++;
		alarm_raise(ALARM_PAD_MISMATCH, "%s: the peer's copy of a block differs",
			    peer->node->name);
	}
	if (status != 200) {
		err_set(&err, -EIO, "confirm: %d %s", status, message_of(body, why));
		give_up(f, err.text);
		return;
	}
	keyd_step("lead-peer-usable");
	ret = kernel_confirm(keyd.kernel, f->block.id, &f->peer_tag, &err);
	if (ret == -EKEYREJECTED) {
		counts.mismatched++;
		alarm_raise(ALARM_PAD_MISMATCH, "%s: the peer's tag of a block is wrong",
			    peer->node->name);
	}
	if (ret) {
		give_up(f, err.text);
		return;
	}
	keyd_step("lead-confirmed");
	if (ledger_set(keyd.ledger, f->block.id, LEDGER_USABLE, &err)) {
		/* the next start finds it usable in the kernel */
		alarm_raise(ALARM_LEDGER, "%s", err.text);
	}
	keyd_step("lead-usable");
	counts.made++;
	counts.keys += f->ids.n;
	log_debug("%s: %s block of %zu bytes usable", peer->node->name,
		  f->block.kind == QKD_KIND_TAG ? "tag" : "payload", f->block.size);
	fill_free(f);
	stock_made(peer);
}

static void load_and_confirm(struct fill *f)
{
	struct kernel_tag own;
	struct err err = { "" };
	json_t *msg;

	if (kernel_load(keyd.kernel, &f->block, &err)) {
		alarm_raise(ALARM_KERNEL, "%s", err.text);
		give_up(f, err.text);
		return;
	}
	keyd_step("lead-loaded");
	if (kernel_tag(keyd.kernel, f->block.id, &own, &err) ||
	    ledger_set(keyd.ledger, f->block.id, LEDGER_CONFIRMING, &err)) {
		give_up(f, err.text);
		return;
	}
	keyd_step("lead-confirming");
	msg = ax_tag_pack(f->block.id, &own);
	f->call = ax_call(f->peer, "/ax/v1/confirm", msg, CONFIRM_MS, confirmed, f);
	json_decref(msg);
	if (!f->call)
		give_up(f, "out of memory");
}

static void post(struct fill *f);

static void more_keys(struct fill *f);

static void again_in(struct fill *f, unsigned int ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(f->again, &tv);
	stock_kick(f->peer);	/* it may be tags that are waited for */
}

int lead_waits(const struct peer *peer, enum qkd_kind kind)
{
	const struct fill *f = peer->fill[kind];

	return f && event_pending(f->again, EV_TIMEOUT, NULL);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct fill *f = arg;
	unsigned int wait = kme_wait(keyd.kme);

	if (f->in_ledger)
		post(f);
	else if (wait)
		again_in(f, wait + 1);
	else
		more_keys(f);
}

static void posted(int status, const json_t *body, const char *why, void *arg)
{
	struct fill *f = arg;
	struct err err = { "" };
	uint8_t id[UUID_BYTES];
	json_t *provenance;

	f->call = NULL;
	heard(f->peer, status, why);
	if (status == 503) {
		/* it has touched nothing, so the keys are as good as before */
		f->posted = 0;
		log_debug("%s: a block waits: %s", f->peer->node->name,
			  message_of(body, why));
		again_in(f, stock_backoff(f->peer));
		return;
	}
	if (status == 409)
		alarm_raise(ALARM_KEY_REUSE, "%s has seen the block or a key of it before",
			    f->peer->node->name);
	provenance = json_object_get(body, "provenance");
	if (status != 200) {
		err_set(&err, -EIO, "blocks: %d %s", status, message_of(body, why));
		give_up(f, err.text);
	} else if (ax_uuid(body, "block", id) || memcmp(id, f->block.id, UUID_BYTES) ||
		   ax_tag_parse(body, &f->peer_tag) || !json_is_integer(provenance)) {
		give_up(f, "the peer's answer is malformed");
	} else {
		keyd_step("lead-accepted");
		f->block.provenance &= json_integer_value(provenance);
		load_and_confirm(f);
	}
}

static void post(struct fill *f)
{
	json_t *keys = json_array(), *msg;
	char id[UUID_TEXT];
	size_t i;

	for (i = 0; i < f->ids.n; i++)
		json_array_append_new(keys, json_pack("{s:s}", "key_ID", f->ids.id[i]));
	uuid_format(f->block.id, id);
	msg = json_pack("{s:s, s:s, s:I, s:I, s:o, s:I, s:I}",
			"block", id,
			"kind", f->block.kind == QKD_KIND_TAG ? "tag" : "payload",
			"size", (json_int_t)f->block.size,
			"provenance", (json_int_t)f->block.provenance, "keys", keys,
			"from", (json_int_t)keyd.self->id,
			"to", (json_int_t)f->peer->node->id);
	if (msg)
		f->call = ax_call(f->peer, "/ax/v1/blocks", msg,
				  POST_MS + f->ids.n * POST_KEY_MS, posted, f);
	json_decref(msg);
	f->posted = 1;
	if (!f->call)
		give_up(f, "out of memory");
}

/* All keys are here: write their IDs down before anybody hears of them. */
static void assembled(struct fill *f)
{
	struct err err = { "" };
	int ret;

	f->block.size = block_cut(f->block.kind, f->block.len < f->wanted ? f->block.len
									  : f->wanted);
	ret = ledger_new(keyd.ledger, &f->block, LEDGER_POSTED, &f->ids, &err);
	if (ret) {
		alarm_raise(ret == -EEXIST ? ALARM_KEY_REUSE : ALARM_LEDGER,
			    "%s: %s", f->peer->node->name, err.text);
		give_up(f, err.text);
		return;
	}
	f->in_ledger = 1;
	keyd_step("lead-fetched");
	post(f);
}

/*
 * What a KME that runs dry has given is kept: a block is made of it, or it waits for
 * more.
 */
static void got_keys(enum etsi_verdict verdict, const char *why, void *arg)
{
	struct fill *f = arg;
	size_t least = block_least(f->block.kind);
	struct err err = { "" };

	f->request = NULL;
	err_set(&err, -EIO, "enc_keys: %s %s", etsi_verdict_text(verdict), why);
	if (verdict == ETSI_ODD || verdict == ETSI_LEAK || verdict == ETSI_SHARED ||
	    !f->ids.n) {
		give_up(f, err.text);
	} else if (f->block.len < least && f->ids.last &&
		   f->ids.last * ETSI_KEYS_MAX < least) {
		alarm_raise(ALARM_KME_ODD, "its keys are too small to make a block of");
		give_up(f, "keys too small");
	} else if (verdict == ETSI_OK && f->block.len < f->wanted &&
		   f->ids.n < ETSI_KEYS_MAX) {
		more_keys(f);
	} else if (f->block.len >= least) {
		assembled(f);
	} else if (f->ids.n < ETSI_KEYS_MAX) {
		log_debug("%s: %zu bytes wait for more: %s", f->peer->node->name,
			  f->block.len, err.text);
		/* it may refuse that size by now, however it made them before */
		f->ids.last = 0;
		again_in(f, stock_backoff(f->peer));
	} else {
		give_up(f, "keys too small");
	}
}

static void more_keys(struct fill *f)
{
	f->request = kme_enc(keyd.kme, f->peer->node->sae, f->wanted - f->block.len,
			     &f->block, &f->ids, got_keys, f);
	if (!f->request)
		give_up(f, "out of memory");
}

/* A key that nobody is there to share, or can fetch, is a key wasted. */
static void probed(int status, const json_t *body, const char *why, void *arg)
{
	struct fill *f = arg;
	struct peer *peer = f->peer;

	f->call = NULL;
	heard(peer, status, why);
	if (status == 200) {
		more_keys(f);
		return;
	}
	if (status)
		log_warn("%s: its key agent refuses us: %d %s", peer->node->name, status,
			 message_of(body, why));
	fill_free(f);
	stock_failed(peer);
}

/**
 * lead_begin - begin a block of a tx pool
 * @peer:	towards whom; nothing of that kind is in the making for it
 * @kind:	of the pool
 * @size:	bytes, whole units
 *
 * Return: 0, and stock_made() or stock_failed() follows; or -ENOMEM.
 */
int lead_begin(struct peer *peer, enum qkd_kind kind, size_t size)
{
	struct fill *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->peer = peer;
	peer->fill[kind] = f;
	f->wanted = size;
	f->block.peer = peer->node->id;
	f->block.dir = QKD_DIR_TX;
	f->block.kind = kind;
	f->block.provenance = keyd.provenance;
	f->again = evtimer_new(keyd.base, on_again, f);
	if (!f->again || uuid_random(f->block.id) ||
	    block_room(&f->block, size + ROOM))
		goto err_free;
	if (peer->reached && !peer->failures) {
		more_keys(f);
		return 0;
	}
	f->call = ax_call(peer, "/ax/v1/level", NULL, PROBE_MS, probed, f);
	if (!f->call)
		goto err_free;
	return 0;
err_free:
	fill_free(f);
	return -ENOMEM;
}
