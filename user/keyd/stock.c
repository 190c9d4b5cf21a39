// SPDX-License-Identifier: GPL-2.0
/*
 * Which block is made next. A pool is filled from its low to its high watermark,
 * one block of a peer at a time. Tag blocks come first, in both directions, since
 * payload blocks are confirmed with their slots; a payload block that waits, perhaps
 * for them, does not keep them waiting.
 */
#include "keyd.h"

#include <errno.h>
#include "kme.h"
#include "log.h"

#define WAIT_FOR_TAGS_MS	200

static void look_in(struct peer *peer, unsigned int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(peer->timer, &tv);
}

/*
 * How far below the high watermark is full. Of each tag block one unit goes for its
 * own confirmation, and one more unit for that of payload blocks.
 */
static int64_t slack(const struct stock *s, enum qkd_kind kind)
{
	int64_t unit = block_unit(kind);

	return kind == QKD_KIND_TAG ? unit * (s->high / s->block + 2) : unit;
}

/* How many bytes that pool wants: 0 none. */
static size_t wants(struct peer *peer, enum qkd_kind kind, struct nl_pool *level)
{
	struct stock *s = &peer->stock[kind];
	struct err err = { "" };
	int64_t have;

	if (kernel_level(keyd.kernel, peer->node->id, QKD_DIR_TX, kind, level, &err)) {
		alarm_raise(ALARM_KERNEL, "%s", err.text);
		return 0;
	}
	have = level->usable + level->pending;
	if (have <= s->low)
		s->filling = 1;
	if (have + slack(s, kind) > s->high)
		s->filling = 0;
	if (!s->filling)
		return 0;
	/* a tag block that is cut short would be little more than its own confirmation */
	if (kind == QKD_KIND_TAG || s->high - have > s->block)
		return s->block;
	return block_cut(kind, s->high - have);
}

static int tags_ready(struct peer *peer)
{
	struct nl_pool tx, rx;

	return !kernel_level(keyd.kernel, peer->node->id, QKD_DIR_TX, QKD_KIND_TAG, &tx,
			     NULL) &&
	       !kernel_level(keyd.kernel, peer->node->id, QKD_DIR_RX, QKD_KIND_TAG, &rx,
			     NULL) && tx.usable && rx.usable;
}

static int busy(const struct peer *peer)
{
	return peer->fill[QKD_KIND_TAG] ||
	       (peer->fill[QKD_KIND_PAYLOAD] && !lead_waits(peer, QKD_KIND_PAYLOAD));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	struct nl_pool level;
	unsigned int wait;
	size_t tag, payload = 0;

	if (busy(peer))
		return;
	tag = wants(peer, QKD_KIND_TAG, &level);
	if (!peer->fill[QKD_KIND_PAYLOAD])
		payload = wants(peer, QKD_KIND_PAYLOAD, &level);
	if (!tag && !payload)
		return;
	wait = kme_wait(keyd.kme);
	if (wait) {
		look_in(peer, wait + 1);
		return;
	}
	if (!tag && !tags_ready(peer)) {
		look_in(peer, WAIT_FOR_TAGS_MS);
		return;
	}
	if (tag ? lead_begin(peer, QKD_KIND_TAG, tag)
		: lead_begin(peer, QKD_KIND_PAYLOAD, payload))
		stock_failed(peer);
}

/* Not while the peer, or the KME, is to be left alone. */
void stock_kick(struct peer *peer)
{
	if (!busy(peer) && !(peer->failures && event_pending(peer->timer, EV_TIMEOUT, NULL)))
		look_in(peer, 0);
}

void stock_low(const struct nl_pool *pool)
{
	struct peer *peer = keyd_peer(pool->peer);

	if (!peer || pool->dir != QKD_DIR_TX)
		return;
	/* refused above the low watermark is too little as well */
	peer->stock[pool->kind].filling = 1;
	log_debug("%s: %s low: %llu bytes", peer->node->name,
		  pool->kind == QKD_KIND_TAG ? "tag" : "payload",
		  (unsigned long long)pool->usable);
	stock_kick(peer);
}

/* Exponential, with jitter: nodes that lost the same thing come back at their own time. */
unsigned int stock_backoff(struct peer *peer)
{
	unsigned int exp = peer->failures < 16 ? peer->failures : 16;
	uint64_t ms = (uint64_t)keyd.backoff_min << exp;
	uint16_t dice = 0;

	peer->failures++;
	if (ms > keyd.backoff_max)
		ms = keyd.backoff_max;
	random_fill(&dice, sizeof(dice));
	ms = ms / 2 + ms * dice / 65536;
	log_debug("%s: next try in %llu ms", peer->node->name, (unsigned long long)ms);
	return ms;
}

void stock_failed(struct peer *peer)
{
	look_in(peer, stock_backoff(peer));
}

void stock_made(struct peer *peer)
{
	peer->failures = 0;
	look_in(peer, 0);
}

int stock_start(struct err *err)
{
	size_t i;
	int kind, ret;

	for (i = 0; i < keyd.peers; i++) {
		struct peer *p = &keyd.peer[i];

		p->timer = evtimer_new(keyd.base, on_timer, p);
		if (!p->timer)
			return err_set(err, -ENOMEM, "out of memory");
		for (kind = 0; kind < 2; kind++) {
			ret = kernel_watermark(keyd.kernel, p->node->id, kind,
					       p->stock[kind].low, err);
			if (ret)
				return ret;
			p->stock[kind].filling = 1;	/* to the top, at the start */
		}
		look_in(p, 0);
	}
	return 0;
}

void stock_stop(void)
{
	size_t i;
	int kind;

	for (i = 0; i < keyd.peers; i++) {
		for (kind = 0; kind < 2; kind++)
			if (keyd.peer[i].fill[kind])
				lead_abandon(&keyd.peer[i], kind, "keyd ends");
		if (keyd.peer[i].timer)
			event_free(keyd.peer[i].timer);
		keyd.peer[i].timer = NULL;
	}
}
