// SPDX-License-Identifier: GPL-2.0
#include "gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "solve.h"
#include "ssnsock.h"
#include "util.h"

/* What one member, or the kernel's combination, has given of a segment. */
struct part {
	bool asked;
	bool go;		/* deal, length and messages are known */
	bool bad;
	uint64_t deal;
	uint64_t length;
	uint32_t messages;
	uint8_t *data;
	uint64_t have;		/* bytes of data that came */
	uint32_t next;		/* message expected */
	uint64_t came;		/* deal that the data said */
};

struct reading {
	struct gather *g;
	const struct segment_id *id;
	uint64_t epoch;
	size_t size;		/* room for m || r || t */
	uint64_t req;
	struct part part[SSN_MEMBERS_MAX];	/* by member */
	/* by member: what it failed with, over all tries at this segment */
	char why[SSN_MEMBERS_MAX][160];
};

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

static int gather_connect(struct gather *g, bool raw, struct err *err)
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
static unsigned int gather_choose(struct reading *r, bool picky, unsigned int max,
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

static int gather_too_few(struct reading *r, unsigned int count, struct err *err)
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

static void gather_ask(struct reading *r, const uint8_t *x, unsigned int count)
{
	struct dealer *d = r->g->d;
	char object[UUID_TEXT];
	struct dealer_member *m;
	json_t *msg;

	uuid_format(r->id->object, object);
	msg = json_pack("{s:s, s:I, s:s, s:I, s:I, s:I}", "op", "read",
			"req", (json_int_t)r->req, "object", object,
			"version", (json_int_t)r->id->version,
			"epoch", (json_int_t)r->epoch,
			"segment", (json_int_t)r->id->segment);
	for (; count; count--, x++) {
		m = dealer_at(d, *x);
		r->part[m - d->member].asked = true;
		dealer_tell(d, *x, msg);
	}
	json_decref(msg);
}

/* A control message. An answer "error" puts the member out. */
static void gather_answer(struct reading *r, struct dealer_member *m,
			  const void *buf, size_t len)
{
	struct part *p = &r->part[m - r->g->d->member];
	json_t *msg = ssn_parse_json(buf, len);
	const char *status, *deal;
	char *end;

	if (!msg) {
		dealer_out(r->g->d, m, -EPROTO, "an answer that is not JSON");
		return;
	}
	status = json_string_value(json_object_get(msg, "status"));
	if (json_integer_value(json_object_get(msg, "req")) != (json_int_t)r->req ||
	    !p->asked || p->go) {
		/* of an earlier request */
	} else if (status && !strcmp(status, "go")) {
		deal = json_string_value(json_object_get(msg, "deal")) ?: "";
		p->deal = strtoull(deal, &end, 10);
		p->length = json_integer_value(json_object_get(msg, "length"));
		p->messages = json_integer_value(json_object_get(msg, "messages"));
		p->go = true;
		if (!*deal || *end || p->length < SEGMENT_CODE ||
		    p->length > r->size ||
		    p->messages != segment_messages(p->length))
			dealer_out(r->g->d, m, -EPROTO,
				   "read: a share of %llu bytes in %u messages where at most %zu bytes can be",
				   (unsigned long long)p->length, p->messages,
				   r->size);
	} else {
		dealer_out(r->g->d, m, -EREMOTEIO, "read: %s: %s",
			   json_string_value(json_object_get(msg, "errno")) ?: "error",
			   json_string_value(json_object_get(msg, "message")) ?:
				"no reason given");
	}
	json_decref(msg);
}

static bool gather_ours(const struct reading *r, const struct ssn_share *share)
{
	return !memcmp(share->object, r->id->object, sizeof(share->object)) &&
	       share->version == r->id->version && share->epoch == r->epoch &&
	       share->segment == r->id->segment;
}

/* A data message; they come in order. */
static void gather_data(struct reading *r, struct part *p,
			const struct ssn_share *share, const uint8_t *buf, size_t len)
{
	r->g->received += len;
	if (!gather_ours(r, share) || p->bad)
		return;
	if (!p->next)
		p->came = share->deal;
	if (share->deal != p->came || share->message != p->next ||
	    p->have != (uint64_t)p->next * SEGMENT_MESSAGE ||
	    len > SEGMENT_MESSAGE || len > r->size - p->have) {
		p->bad = true;
		return;
	}
	memcpy(p->data + p->have, buf, len);
	p->have += len;
	p->next++;
}

static bool part_whole(const struct part *p)
{
	return p->go && !p->bad && p->next == p->messages &&
	       p->have == p->length && p->came == p->deal;
}

/* The kernel combines what k members give. -EAGAIN: try others, -EBADMSG: raw. */
static int gather_combined(struct reading *r, uint8_t *buf, size_t *len,
			   struct err *err)
{
	struct gather *g = r->g;
	struct part whole = { .data = buf };
	uint8_t x[SSN_MEMBERS_MAX], *msg = g->d->buf;
	unsigned int k = g->group->k, i, in;
	const struct part *first;
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
	in = dealer_in(g->d);
	gather_ask(r, x, k);
	for (;;) {
		if (dealer_in(g->d) < in)
			return -EAGAIN;
		/* the k agree on what the segment is? */
		first = &r->part[dealer_at(g->d, x[0]) - g->d->member];
		for (i = 0; i < k; i++) {
			const struct part *p =
				&r->part[dealer_at(g->d, x[i]) - g->d->member];

			if (!p->go)
				break;
			if (p->deal != first->deal || p->length != first->length)
				return -EBADMSG;
		}
		if (i == k) {
			whole.go = true;
			whole.deal = first->deal;
			whole.length = first->length;
			whole.messages = first->messages;
			if (part_whole(&whole))
				break;
		}
		if (whole.bad)
			return -EBADMSG;
		got = dealer_recv(g->d, &share, msg, SSN_MSG_MAX,
				  monotonic_ms() + g->timeout_ms);
		if (got == -ETIMEDOUT) {
			for (i = 0; i < k; i++) {
				struct dealer_member *m = dealer_at(g->d, x[i]);

				if (!r->part[m - g->d->member].go)
					dealer_out(g->d, m, -ETIMEDOUT,
						   "read: no answer within %u ms",
						   g->timeout_ms);
			}
			/* all said go, and one of them then gave nothing: which? */
			return dealer_in(g->d) < in ? -EAGAIN : -EBADMSG;
		}
		if (got == -EAGAIN)
			continue;
		if (got < 0)
			return got == -EPIPE || got == -EHOSTUNREACH ? -EAGAIN :
			       got == -ESTALE ? -EBADMSG :
			       err_set(err, got, "group %u: %s", g->group->id,
				       ssn_strerror(got));
		if (!(share.flags & SSN_SHARE_CONTROL))
			gather_data(r, &whole, &share, msg, got);
		else if (dealer_at(g->d, share.x))
			gather_answer(r, dealer_at(g->d, share.x), msg, got);
	}
	*len = whole.length;
	return segment_check(r->id, buf, whole.length);
}

static int gather_verify(const uint8_t *secret, size_t len, void *arg)
{
	struct reading *r = arg;

	return segment_check(r->id, secret, len);
}

/* The shares that say deal and length of member @at; -EBADMSG if not k, or wrong. */
static int gather_solve(struct reading *r, unsigned int at, uint8_t *buf)
{
	struct gather *g = r->g;
	const uint8_t *share[SSN_MEMBERS_MAX];
	bool right[SSN_MEMBERS_MAX], liar[SSN_MEMBERS_MAX];
	unsigned int wrong = 0, named = 0;
	uint8_t x[SSN_MEMBERS_MAX];
	unsigned int i, m = 0;
	int ret;

	for (i = 0; i < g->d->n; i++) {
		const struct part *p = &r->part[i];

		if (!part_whole(p) || p->deal != r->part[at].deal ||
		    p->length != r->part[at].length)
			continue;
		share[m] = p->data;
		x[m++] = g->d->member[i].x;
	}
	if (m < g->group->k)
		return -EBADMSG;
	ret = solve(share, x, m, g->group->k, r->part[at].length, buf, right,
		    liar, gather_verify, r);
	if (ret < 0)
		return ret;
	for (i = 0; i < m; i++) {
		wrong += !right[i];
		named += liar[i];
		if (!right[i])
			g->avoid[x[i]] = true;
		if (!liar[i])
			continue;
		g->liar[x[i]] = true;
		log_warn("node %u gave a wrong share of segment %u",
			 dealer_at(g->d, x[i])->node, r->id->segment);
	}
	if (wrong && !named)
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

/* Every member's share as it is. */
static int gather_raw(struct reading *r, uint8_t *buf, size_t *len, struct err *err)
{
	struct gather *g = r->g;
	uint8_t x[SSN_MEMBERS_MAX], *msg = NULL;
	unsigned int i, count, open;
	struct dealer_member *m;
	struct ssn_share share;
	ssize_t got;
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
	gather_ask(r, x, count);
	for (;;) {
		for (open = i = 0; i < g->d->n; i++)
			open += g->d->member[i].in && !r->part[i].bad &&
				!part_whole(&r->part[i]);
		if (!open)
			break;
		got = dealer_recv(g->d, &share, msg, SSN_MSG_MAX,
				  monotonic_ms() + g->timeout_ms);
		if (got == -EAGAIN)
			continue;
		if (got == -ETIMEDOUT || got == -EPIPE || got == -EHOSTUNREACH)
			break;
		if (got < 0) {
			ret = err_set(err, got, "group %u: %s", g->group->id,
				      ssn_strerror(got));
			goto out;
		}
		m = dealer_at(g->d, share.x);
		if (!m)
			continue;
		if (share.flags & SSN_SHARE_CONTROL)
			gather_answer(r, m, msg, got);
		else
			gather_data(r, &r->part[m - g->d->member], &share, msg, got);
	}
	for (count = i = 0; i < g->d->n; i++)
		count += part_whole(&r->part[i]);
	if (count < g->group->k) {
		ret = gather_too_few(r, count, err);
		goto out;
	}
	ret = -EBADMSG;
	for (i = 0; i < g->d->n && ret == -EBADMSG; i++) {
		if (!part_whole(&r->part[i]))
			continue;
		ret = gather_solve(r, i, buf);
		*len = r->part[i].length;
	}
	if (ret)
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
