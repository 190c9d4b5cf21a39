// SPDX-License-Identifier: GPL-2.0
/*
 * Every member's share as it is: where the kernel's combination does not verify,
 * subsets of k are tried, and whose share is wrong is named.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "reading.h"
#include "scheme.h"
#include "solve.h"
#include "util.h"

#define LINGER_MS	1000	/* for shares that are only to be compared */

static int gather_verify(const uint8_t *secret, size_t len, void *arg)
{
	struct reading *r = arg;

	return segment_check(r->id, secret, len);
}

/*
 * The shares that say deal and length of member @at, its own first: -EBADMSG if
 * there are not k, or no k give what was dealt. @named: tell who lied.
 */
static int gather_solve(struct reading *r, unsigned int at, uint8_t *buf,
			bool named)
{
	const uint8_t *share[SSN_MEMBERS_MAX];
	bool right[SSN_MEMBERS_MAX], liar[SSN_MEMBERS_MAX];
	unsigned int wrong = 0, liars = 0;
	uint8_t x[SSN_MEMBERS_MAX];
	struct gather *g = r->g;
	unsigned int i, m = 0;
	int ret;

	for (i = 0; i < g->d->n; i++) {
		/* the one that came last makes all subsets that are new */
		const struct part *p = &r->part[(at + i) % g->d->n];

		if (!part_whole(p) || p->deal != r->part[at].deal ||
		    p->length != r->part[at].length)
			continue;
		share[m] = p->data;
		x[m++] = g->d->member[(at + i) % g->d->n].x;
	}
	if (m < g->group->k)
		return -EBADMSG;
	ret = solve(ssn_scheme_find(g->group->scheme), share, x, m, g->group->k,
		    r->part[at].length, buf, right, liar, gather_verify, r);
	if (ret < 0 || !named)
		return ret < 0 ? ret : 0;
	for (i = 0; i < m; i++) {
		wrong += !right[i];
		liars += liar[i];
		if (!right[i])
			g->avoid[x[i]] = true;
		if (!liar[i])
			continue;
		g->liar[x[i]] = true;
		log_warn("node %u gave a wrong share of segment %u",
			 dealer_at(g->d, x[i])->node, r->id->segment);
	}
	if (wrong && !liars)
		log_warn("segment %u: shares disagree so that it cannot be told whose are wrong; what was read is right",
			 r->id->segment);
	/* shares of another deal, and those that made no whole share */
	for (i = 0; i < g->d->n; i++)
		if (!part_whole(&r->part[i]) ||
		    r->part[i].deal != r->part[at].deal ||
		    r->part[i].length != r->part[at].length)
			g->avoid[g->d->member[i].x] = true;
	return 0;
}

/* The next time at which somebody is late, who is out then; 0: all is there. */
static uint64_t gather_next(struct reading *r)
{
	uint64_t next = 0, now = monotonic_ms(), deadline;
	struct dealer *d = r->g->d;
	unsigned int i;

	for (i = 0; i < d->n; i++) {
		if (!d->member[i].in || r->part[i].bad || part_whole(&r->part[i]))
			continue;
		deadline = part_deadline(r, &r->part[i]);
		if (now >= deadline)
			dealer_out(d, &d->member[i], -ETIMEDOUT,
				   "read: %llu bytes of its share in %llu ms",
				   (unsigned long long)r->part[i].have,
				   (unsigned long long)(now - r->part[i].since));
		else if (!next || deadline < next)
			next = deadline;
	}
	return next;
}

/*
 * Shares as they come, until those that are there give the segment; then, for a
 * moment, the others, to see whose are wrong. @at: of which deal; -EBADMSG: none.
 */
static int gather_shares(struct reading *r, uint8_t *buf, uint8_t *msg,
			 unsigned int *at, struct err *err)
{
	uint64_t next, enough = 0;
	struct gather *g = r->g;
	struct dealer_member *m;
	struct ssn_share share;
	unsigned int i;
	ssize_t got;

	while ((next = gather_next(r))) {
		if (enough && enough < next)
			next = enough;
		got = reading_recv(r, &share, msg, next);
		if (got == -ETIMEDOUT && enough && monotonic_ms() >= enough)
			break;
		if (got == -EAGAIN || got == -ETIMEDOUT)
			continue;
		if (got == -EPIPE || got == -EHOSTUNREACH)
			break;
		if (got < 0)
			return reading_error(r, got, err);
		m = dealer_at(g->d, share.x);
		if (!m)
			continue;
		i = m - g->d->member;
		if (share.flags & SSN_SHARE_CONTROL) {
			reading_answer(r, m, msg, got);
			continue;
		}
		reading_spent(r, m, got);
		reading_data(r, &r->part[i], &share, msg, got);
		if (enough || !part_whole(&r->part[i]) ||
		    gather_solve(r, i, buf, false))
			continue;
		enough = monotonic_ms() + LINGER_MS;
		*at = i;
	}
	return enough ? 0 : -EBADMSG;
}

int gather_raw(struct reading *r, uint8_t *buf, size_t *len, struct err *err)
{
	struct gather *g = r->g;
	uint8_t x[SSN_MEMBERS_MAX], *msg = NULL;
	unsigned int i, count, at = 0;
	int ret;

	ret = gather_connect(g, true, err);
	if (ret)
		return ret;
	memset(r->part, 0, sizeof(r->part));
	memset(r->why, 0, sizeof(r->why));
	msg = malloc(SSN_MSG_MAX);
	if (!msg)
		return err_set(err, -ENOMEM, "no memory");
	for (i = 0; i < g->d->n; i++) {
		r->part[i].data = malloc(r->size);
		if (!r->part[i].data) {
			ret = err_set(err, -ENOMEM,
				      "no memory for %u shares of %zu bytes",
				      g->d->n, r->size);
			goto out;
		}
	}
	r->req = ++g->req;
	count = gather_choose(r, false, SSN_MEMBERS_MAX, x);
	reading_ask(r, x, count);
	ret = gather_shares(r, buf, msg, &at, err);
	if (!ret) {
		*len = r->part[at].length;
		ret = gather_solve(r, at, buf, true);
	}
	if (ret != -EBADMSG)
		goto out;
	for (count = i = 0; i < g->d->n; i++)
		count += part_whole(&r->part[i]);
	if (count < g->group->k)
		ret = gather_too_few(r, count, err);
	else
		err_set(err, ret,
			"segment %u: no %u of the %u shares that came give what was stored",
			r->id->segment, g->group->k, count);
out:
	for (i = 0; i < g->d->n; i++) {
		if (r->part[i].data)
			explicit_bzero(r->part[i].data, r->size);
		free(r->part[i].data);
	}
	explicit_bzero(msg, SSN_MSG_MAX);
	free(msg);
	return ret;
}
