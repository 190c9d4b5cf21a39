// SPDX-License-Identifier: GPL-2.0
/*
 * Dealing: a segment goes to all members that are in, each says that its share
 * is durable. Nothing is split again for one member (PROTOCOL 3).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "put.h"
#include "ssnsock.h"
#include "util.h"

int put_confirmed(struct dealer *d, struct dealer_member *m,
			 const json_t *msg, void *arg)
{
	const char *status = json_string_value(json_object_get(msg, "status"));
	const char *nonce = json_string_value(json_object_get(msg, "nonce"));
	const struct put *p = arg;

	return !status || strcmp(status, "durable") || !nonce ||
	       strcmp(nonce, p->nonce);
}

int put_prepared(struct dealer *d, struct dealer_member *m,
			const json_t *msg, void *arg)
{
	const struct put *p = arg;

	return put_confirmed(d, m, msg, arg) ||
	       json_integer_value(json_object_get(msg, "segments")) != p->segments;
}

/* Enough members left to go on? */
int put_enough(struct put *p, int ret, struct err *err)
{
	char who[400];

	if (ret >= (int)p->min_confirmed)
		return 0;
	if (ret < 0)
		return err_set(err, ret, "group %u: %s", p->group->id,
			       ssn_strerror(ret));
	dealer_absent(p->d, who, sizeof(who));
	return err_set(err, -EREMOTEIO,
		       "%d of the %u confirmations needed can come; %s", ret,
		       p->min_confirmed, who);
}

json_t *put_msg(const struct put *p, const char *op)
{
	return json_pack("{s:s, s:s}", "op", op, "job", p->job);
}

/* A word to all that are in, once there is pad for it. */
static int put_tell(struct put *p, const json_t *msg, struct err *err)
{
	struct reservation *held;
	int ret;

	ret = put_pace(p, 0, &held, err);
	if (ret)
		return ret;
	dealer_tell(p->d, 0, msg);
	reserve_drop(held);
	return 0;
}

/*
 * All messages of one deal. 0; -ECONNABORTED: a member went out on the way, the
 * deal is void; another -errno.
 */
static int put_messages(struct put *p, const struct ssn_share *head, size_t len,
			struct err *err)
{
	unsigned int i, count = segment_messages(len);
	struct ssn_share share = *head;
	struct reservation *held;
	int ret;

	for (i = 0; i < count; i++) {
		ret = put_pace(p, segment_message(len, i), &held, err);
		if (ret)
			return ret;
		share.message = i;
		ret = dealer_send(p->d, &share, p->seg + (size_t)i * SEGMENT_MESSAGE,
				  segment_message(len, i));
		reserve_drop(held);
		if (p->owner_gone)
			return put_lost_owner(p, ret, err);
		/* a member's end also shows as an error of the socket */
		if (ret == -ECONNABORTED || dealer_refresh(p->d))
			return -ECONNABORTED;
		if (ret)
			return err_set(err, ret, "group %u: %s", p->group->id,
				       ssn_strerror(ret));
	}
	return 0;
}

/* One segment of @len bytes in p->seg, durable at all that are in afterwards. */
int put_segment(struct put *p, uint32_t segment, size_t len, struct err *err)
{
	struct segment_id id = { .version = p->policy.version, .segment = segment,
				 .size = p->size };
	struct ssn_share head = { .version = id.version, .segment = segment };
	char deal[24];
	json_t *msg;
	int ret;

	memcpy(id.object, p->policy.object, sizeof(id.object));
	memcpy(head.object, p->policy.object, sizeof(head.object));
	ret = segment_seal(&id, p->seg, len);
	if (ret)
		return err_set(err, ret, "segment %u: %s", segment, strerror(-ret));
	len += SEGMENT_CODE;
	for (;;) {
		ret = random_fill(&head.deal, sizeof(head.deal));
		if (ret)
			return err_set(err, ret, "no random bytes: %s",
				       strerror(-ret));
		snprintf(deal, sizeof(deal), "%llu", (unsigned long long)head.deal);
		msg = put_msg(p, "segment");
		json_object_set_new(msg, "segment", json_integer(segment));
		json_object_set_new(msg, "deal", json_string(deal));
		json_object_set_new(msg, "length", json_integer(len));
		json_object_set_new(msg, "messages",
				    json_integer(segment_messages(len)));
		ret = put_tell(p, msg, err) ?: put_messages(p, &head, len, err);
		if (!ret) {
			/* dealt to all of the write set: who does not confirm is
			 * left out, and the others' shares are good */
			ret = dealer_collect(p->d, 0, msg, 0, put_confirmed, p);
			json_decref(msg);
			ret = put_enough(p, ret, err);
			if (!ret && dealer_in(p->d) < p->d->n)
				ret = dealer_write_set(p->d);
			return ret;
		}
		json_decref(msg);
		if (ret != -ECONNABORTED)
			return ret;
		/* nothing is split again for one member: the whole segment is
		 * dealt again, without it, under a new deal id */
		ret = put_enough(p, dealer_in(p->d), err);
		if (ret)
			return ret;
		msg = put_msg(p, "abandon");
		json_object_set_new(msg, "segment", json_integer(segment));
		json_object_set_new(msg, "deal", json_string(deal));
		dealer_tell(p->d, 0, msg);
		json_decref(msg);
		ret = dealer_write_set(p->d);
		if (ret)
			return err_set(err, ret, "write set: %s",
				       ssn_strerror(ret));
	}
}
