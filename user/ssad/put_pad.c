// SPDX-License-Identifier: GPL-2.0
/*
 * The pad of a put: all of it is reserved before the owner is told to go, or,
 * where the owner waits, message after message as it comes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "put.h"
#include "ssnsock.h"
#include "util.h"

#define CONTROL_BYTES	2048	/* control messages of a segment, at most */
/* what a connection leases at first */
#define LEASE_FIRST	(16 << 10)
#define LEASE_FIRST_SLOTS 64

/* What a member's connection takes for the whole job. */
uint64_t put_begin_bytes(const struct put *p)
{
	return 2 * strlen(p->owner_cert) + strlen(pki_cert_pem(p->ssad->pki)) +
	       2 * strlen(p->policy_text) + 2 * strlen(p->policy_sig) +
	       strlen(p->ssa_sig) + CONTROL_BYTES;
}

static void put_need_member(const struct put *p, uint32_t node,
			    struct reserve_need *tx, struct reserve_need *rx)
{
	uint32_t i;

	*tx = (struct reserve_need){ .peer = node, .dir = QKD_DIR_TX };
	*rx = (struct reserve_need){ .peer = node, .dir = QKD_DIR_RX };
	reserve_connection(tx);
	reserve_message(tx, put_begin_bytes(p));
	/* a byte of the name is six as \u00XX */
	reserve_message(tx, record_padded(put_begin_bytes(p) + 6 * strlen(p->name)));
	for (i = 1; i < p->segments; i++)
		reserve_transfer(tx, SEGMENT_CODE +
			segment_bytes(p->size, p->ssad->segment_bytes, i),
			SEGMENT_MESSAGE);
	tx->payload += (uint64_t)p->segments * CONTROL_BYTES;
	tx->tag += (uint64_t)p->segments * 4 * 32;
	rx->payload = (uint64_t)(p->segments + 4) * CONTROL_BYTES / 4;
	rx->tag = (uint64_t)(p->segments + 4) * 2 * 32;
	reserve_connection(rx);
}

/* The whole job's pad. Members without enough are left out where that is allowed. */
int put_reserve(struct put *p, bool *skip, struct err *err)
{
	struct reserve_need *need;
	unsigned int *at, i, count, in = p->group->n;
	size_t who;
	int ret;

	if (p->wait)
		return 0;		/* paced in put_pace() */
	need = calloc(2 * p->group->n + 1, sizeof(*need));
	at = calloc(p->group->n, sizeof(*at));
	if (!need || !at) {
		ret = err_set(err, -ENOMEM, "no memory");
		goto out;
	}
	for (;;) {
		for (count = i = 0; i < p->group->n; i++) {
			if (skip[i])
				continue;
			put_need_member(p, p->group->member[i].node,
					&need[2 * count], &need[2 * count + 1]);
			at[count++] = i;
		}
		need[2 * count] = (struct reserve_need){
			.peer = p->s->peer.node, .dir = QKD_DIR_RX };
		for (i = 1; i < p->segments; i++)	/* it sends each by itself */
			reserve_transfer(&need[2 * count],
				segment_bytes(p->size, p->ssad->segment_bytes, i),
				SEGMENT_MESSAGE);
		ret = reserve_take(p->ssad->res, need, 2 * count + 1,
				   ssad_node_name, p->ssad, &p->reserved, &who, err);
		if (ret != -ENOKEY || who == 2 * count || in == p->min_confirmed)
			break;
		skip[at[who / 2]] = true;
		in--;
	}
out:
	free(need);
	free(at);
	return ret;
}

/* What is waited for, for whoever still listens. 0, or -EPIPE. */
static int put_waits(struct put *p, const char *what)
{
	uint64_t now = monotonic_ms();

	if (session_gone(p->s)) {
		p->owner_gone = true;
		return -EPIPE;
	}
	if (now - p->told < PACE_TELL_MS)
		return 0;
	p->told = now;
	if (!session_send(p->s, json_pack("{s:s, s:s, s:I, s:s}", "re", "put",
			"status", "progress", "stored", (json_int_t)p->stored,
			"waiting", what)))
		return 0;
	p->owner_gone = true;
	return -EPIPE;
}

int put_patience(struct dealer *d, int why, void *arg)
{
	struct put *p = arg;

	/*
	 * Pad will come. Window would have come, or the member that has none
	 * would be out; where it is true random bytes that are short, they will.
	 */
	if (why != -ENOKEY && p->ssad->coeff != SSN_COEFF_LOCAL)
		return why;
	return put_waits(p, ssn_strerror(why == -ENOKEY ? why : -EAGAIN));
}

/* Who has to have pad: the members that are in, or, before there are any, all; and
 * they for their answer. */
static unsigned int put_pace_need(const struct put *p, size_t len,
				  struct reserve_need *need)
{
	unsigned int i, count = 0;

	for (i = 0; i < p->group->n; i++) {
		struct reserve_need *tx = &need[count], *rx = tx + 1;
		uint32_t node = p->group->member[i].node;

		if (p->d && !p->d->member[i].in)
			continue;
		*tx = (struct reserve_need){ .peer = node, .dir = QKD_DIR_TX };
		*rx = (struct reserve_need){ .peer = node, .dir = QKD_DIR_RX };
		reserve_message(tx, len);
		reserve_message(tx, CONTROL_BYTES);
		reserve_message(rx, CONTROL_BYTES / 4);
		if (!p->d) {
			tx->payload += LEASE_FIRST;
			tx->tag += LEASE_FIRST_SLOTS * 32;
			rx->payload += LEASE_FIRST;
			rx->tag += LEASE_FIRST_SLOTS * 32;
		}
		count += 2;
	}
	return count;
}

/* --wait: until every member that is in has pad for one message. */
int put_pace(struct put *p, size_t len, struct reservation **held,
		    struct err *err)
{
	const struct timespec pause = { .tv_nsec = PACE_MS * 1000000L };
	struct reserve_need *need;
	int ret;

	*held = NULL;
	if (!p->wait)
		return 0;
	p->told = monotonic_ms();
	need = calloc(2 * p->group->n, sizeof(*need));
	if (!need)
		return err_set(err, -ENOMEM, "no memory");
	for (;;) {
		unsigned int count = put_pace_need(p, len, need);

		ret = reserve_take(p->ssad->res, need, count, ssad_node_name,
				   p->ssad, held, NULL, err);
		if (ret != -ENOKEY)
			break;
		ret = put_waits(p, err->text);
		if (ret) {
			put_lost_owner(p, ret, err);
			break;
		}
		if (p->d && dealer_refresh(p->d) > 0) {
			ret = -ECONNABORTED;
			break;
		}
		nanosleep(&pause, NULL);
	}
	free(need);
	return ret;
}
