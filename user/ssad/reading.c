// SPDX-License-Identifier: GPL-2.0
#include "reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ssnsock.h"
#include "util.h"

#define RECV_SLICE	500	/* ms between looks at whether anybody waits still */
#define STRAY_MAX	64	/* answers that nobody asked for, before it is enough */

void reading_ask(struct reading *r, const uint8_t *x, unsigned int count)
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
		r->part[m - d->member].since = monotonic_ms();
		dealer_tell(d, *x, msg);
	}
	json_decref(msg);
}

uint64_t part_deadline(const struct reading *r, const struct part *p)
{
	return p->since + r->g->timeout_ms + p->have * 1000 / GATHER_RATE;
}

ssize_t reading_recv(struct reading *r, struct ssn_share *share, void *buf,
			   uint64_t deadline)
{
	struct gather *g = r->g;
	uint64_t now, slice;
	ssize_t got;

	do {
		if (g->gone && g->gone(g->arg))
			return -ECANCELED;
		now = monotonic_ms();
		if (now >= deadline)
			return -ETIMEDOUT;
		slice = deadline - now < RECV_SLICE ? deadline - now : RECV_SLICE;
		got = dealer_recv(g->d, share, buf, SSN_MSG_MAX, now + slice);
	} while (got == -ETIMEDOUT);
	return got;
}

int reading_error(struct reading *r, int ret, struct err *err)
{
	if (ret == -ECANCELED)
		return err_set(err, ret, "segment %u: nobody waits for it any more",
			       r->id->segment);
	return err_set(err, ret, "group %u: %s", r->g->group->id, ssn_strerror(ret));
}

void reading_spent(struct reading *r, const struct dealer_member *m,
			 size_t len)
{
	reserve_spent(r->g->reserved, m->node, QKD_DIR_RX, len);
}

void reading_answer(struct reading *r, struct dealer_member *m,
			  const void *buf, size_t len)
{
	struct part *p = &r->part[m - r->g->d->member];
	json_t *msg = ssn_parse_json(buf, len);
	const char *status, *deal;
	char *end;

	reading_spent(r, m, len);
	if (!msg) {
		dealer_out(r->g->d, m, -EPROTO, "an answer that is not JSON");
		return;
	}
	status = json_string_value(json_object_get(msg, "status"));
	if (json_integer_value(json_object_get(msg, "req")) != (json_int_t)r->req ||
	    !p->asked || p->go) {
		/* of an earlier request */
		if (++p->stray > STRAY_MAX)
			dealer_out(r->g->d, m, -EPROTO,
				   "answers that nobody asked for");
	} else if (status && !strcmp(status, "go")) {
		deal = json_string_value(json_object_get(msg, "deal")) ?: "";
		p->deal = strtoull(deal, &end, 10);
		p->length = json_integer_value(json_object_get(msg, "length"));
		p->messages = json_integer_value(json_object_get(msg, "messages"));
		p->go = true;
		p->since = monotonic_ms();
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

static bool reading_ours(const struct reading *r, const struct ssn_share *share)
{
	return !memcmp(share->object, r->id->object, sizeof(share->object)) &&
	       share->version == r->id->version && share->epoch == r->epoch &&
	       share->segment == r->id->segment;
}

void reading_data(struct reading *r, struct part *p,
			const struct ssn_share *share, const uint8_t *buf, size_t len)
{
	r->g->received += len;
	if (!reading_ours(r, share) || p->bad)
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

bool part_whole(const struct part *p)
{
	return p->go && !p->bad && p->next == p->messages &&
	       p->have == p->length && p->came == p->deal;
}
