// SPDX-License-Identifier: GPL-2.0
#include "gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reading.h"
#include "ssnsock.h"
#include "util.h"

void gather_init(struct gather *g, const struct network *net,
		 const struct network_group *group, unsigned int timeout_ms)
{
	memset(g, 0, sizeof(*g));
	g->net = net;
	g->group = group;
	g->timeout_ms = timeout_ms;
}

void gather_free(struct gather *g)
{
	dealer_close(g->d);
	g->d = NULL;
}

int gather_connect(struct gather *g, bool raw, struct err *err)
{
	int ret;

	dealer_close(g->d);
	ret = dealer_open(&g->d, g->net, g->group, g->timeout_ms, raw, 0,
			  g->group->k, err);
	if (!ret)
		g->d->reserved = g->reserved;
	return ret;
}

int gather_open(struct gather *g, struct err *err)
{
	return gather_connect(g, false, err);
}

void gather_charge(struct gather *g, struct reservation *reserved)
{
	g->reserved = reserved;
	if (g->d)
		g->d->reserved = reserved;
}

/* Members that have not failed yet, and, if @picky, are not to be avoided. */
unsigned int gather_choose(struct reading *r, bool picky, unsigned int max,
				  uint8_t *x)
{
	const struct dealer *d = r->g->d;
	unsigned int i, count = 0;

	for (i = 0; i < d->n && count < max; i++)
		if (d->member[i].in && !*r->why[i] &&
		    !(picky && r->g->avoid[d->member[i].x]))
			x[count++] = d->member[i].x;
	return count;
}

/* Keep who went out, and why, beyond this socket. */
static void gather_failed(struct reading *r)
{
	const struct dealer *d = r->g->d;
	unsigned int i;

	for (i = 0; i < d->n; i++) {
		if (d->member[i].in)
			continue;
		r->g->avoid[d->member[i].x] = true;
		if (!*r->why[i])
			snprintf(r->why[i], sizeof(r->why[i]), "%s",
				 d->member[i].why);
	}
}

int gather_too_few(struct reading *r, unsigned int count, struct err *err)
{
	const struct network_group *group = r->g->group;
	char text[400] = "";
	size_t at = 0;
	unsigned int i;

	gather_failed(r);
	for (i = 0; i < group->n && at < sizeof(text); i++) {
		const struct network_node *node =
			network_node(r->g->net, group->member[i].node);

		if (*r->why[i])
			at += snprintf(text + at, sizeof(text) - at,
				       "; %s (node %u): %s", node ? node->name : "?",
				       group->member[i].node, r->why[i]);
	}
	return err_set(err, -EHOSTUNREACH,
		       "segment %u: %u of the %u shareholders needed of group %u give a share%s",
		       r->id->segment, count, group->k, group->id, text);
}

/*
 * Do the k at @x agree on what the segment is? Then @whole gets that. -EBADMSG:
 * they do not; -EAGAIN: not all have said it.
 */
static int gather_agreed(struct reading *r, const uint8_t *x, struct part *whole)
{
	const struct part *p, *first = NULL;
	unsigned int i;

	for (i = 0; i < r->g->group->k; i++) {
		p = &r->part[dealer_at(r->g->d, x[i]) - r->g->d->member];
		if (!p->go)
			return -EAGAIN;
		first = first ?: p;
		if (p->deal != first->deal || p->length != first->length)
			return -EBADMSG;
	}
	if (!whole->go)
		whole->since = monotonic_ms();
	whole->go = true;
	whole->deal = first->deal;
	whole->length = first->length;
	whole->messages = first->messages;
	return 0;
}

/* One of those that were asked is out: the others are asked in its place. */
static bool gather_lacks(struct reading *r, const uint8_t *x)
{
	unsigned int i;

	for (i = 0; i < r->g->group->k; i++)
		if (!dealer_at(r->g->d, x[i])->in)
			return true;
	return false;
}

/* No share, or no answer, within the time: who is it? */
static int gather_late(struct reading *r, const uint8_t *x)
{
	struct dealer *d = r->g->d;
	unsigned int i;

	for (i = 0; i < r->g->group->k; i++) {
		struct dealer_member *m = dealer_at(d, x[i]);

		if (!r->part[m - d->member].go)
			dealer_out(d, m, -ETIMEDOUT, "read: no answer within %u ms",
				   r->g->timeout_ms);
	}
	/* all said go, and one of them then gave nothing: which? */
	return gather_lacks(r, x) ? -EAGAIN : -EBADMSG;
}

/* The kernel combines what k members give. -EAGAIN: try others, -EBADMSG: raw. */
static int gather_combined(struct reading *r, uint8_t *buf, size_t *len,
			   struct err *err)
{
	struct gather *g = r->g;
	struct part whole = { .data = buf, .since = monotonic_ms() };
	uint8_t x[SSN_MEMBERS_MAX], *msg = g->d->buf;
	unsigned int k = g->group->k, i, in;
	struct ssn_share share;
	ssize_t got;
	int ret;

	if (gather_choose(r, true, k, x) < k) {
		in = gather_choose(r, false, k, x);
		if (in < k)
			return gather_too_few(r, in, err);
	}
	ret = dealer_read_set(g->d, x, k);
	if (ret)
		return err_set(err, ret, "read set: %s", ssn_strerror(ret));
	reading_ask(r, x, k);
	for (;;) {
		if (gather_lacks(r, x))
			return -EAGAIN;
		ret = gather_agreed(r, x, &whole);
		if (ret == -EBADMSG || whole.bad)
			return -EBADMSG;
		if (!ret && part_whole(&whole))
			break;
		got = reading_recv(r, &share, msg, part_deadline(r, &whole));
		if (got == -ETIMEDOUT)
			return gather_late(r, x);
		if (got == -EAGAIN)
			continue;
		if (got < 0)
			return got == -EPIPE || got == -EHOSTUNREACH ? -EAGAIN :
			       got == -ESTALE ? -EBADMSG :
			       reading_error(r, got, err);
		if (share.flags & SSN_SHARE_CONTROL) {
			if (dealer_at(g->d, share.x))
				reading_answer(r, dealer_at(g->d, share.x), msg, got);
			continue;
		}
		reading_data(r, &whole, &share, msg, got);
		for (i = 0; i < k; i++)
			reading_spent(r, dealer_at(g->d, x[i]), got);
	}
	*len = whole.length;
	return segment_check(r->id, buf, whole.length);
}

int gather_segment(struct gather *g, const struct segment_id *id, uint64_t epoch,
		   uint8_t *buf, size_t size, size_t *len, struct err *err)
{
	struct reading *r = calloc(1, sizeof(*r));
	unsigned int tries;
	int ret = 0;

	if (!r)
		return err_set(err, -ENOMEM, "no memory");
	r->g = g;
	r->id = id;
	r->epoch = epoch;
	r->size = size;
	/* each try puts a member out, or is the last */
	for (tries = 0; tries <= g->group->n; tries++) {
		if (!g->d)
			ret = gather_connect(g, false, err);
		if (ret)
			break;
		memset(r->part, 0, sizeof(r->part));
		r->req = ++g->req;
		ret = gather_combined(r, buf, len, err);
		if (ret != -EAGAIN)
			break;
		/* what the others sent lies half combined in that socket */
		gather_failed(r);
		dealer_close(g->d);
		g->d = NULL;
		ret = 0;
	}
	if (ret == -EBADMSG) {
		ret = gather_raw(r, buf, len, err);
		dealer_close(g->d);
		g->d = NULL;
		tries++;
	} else if (!ret && tries > g->group->n) {
		ret = err_set(err, -EIO, "segment %u: the shareholders keep failing",
			      id->segment);
	}
	if (tries && !ret)
		g->retried++;
	if (!ret)
		*len -= SEGMENT_CODE;
	free(r);
	return ret;
}
