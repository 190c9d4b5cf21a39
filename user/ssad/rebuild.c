// SPDX-License-Identifier: GPL-2.0
/*
 * rebuild: the catalogue again, from any k shareholders of each group; and what
 * becomes of jobs whose COMMIT record is lost (PROTOCOL 4): committed where one
 * holder was told so, or all n hold it prepared; fewer wait for repair.
 *
 * A row counts only when k members say the same of it: fewer than k may lie.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "log.h"
#include "policy.h"
#include "record.h"
#include "session.h"
#include "ssnsock.h"
#include "util.h"

struct rebuild {
	struct session *s;
	struct ssad *ssad;
	const struct network_group *group;
	struct dealer *d;
	/*
	 * "OBJECT VERSION EPOCH SEGMENTS SIZE JOB" -> { "xs": {x: state}, ... }:
	 * in memory, some hundred bytes for each object
	 */
	json_t *rows;
	unsigned int objects, skipped, committed, waiting;
	bool complete;			/* every shareholder of every group listed */
};

/* --- what the members list */

struct page {
	struct rebuild *b;
	char cursor[256];
	bool more;
};

static int rebuild_row(struct rebuild *b, const struct dealer_member *m,
		       const json_t *row)
{
	const char *object = json_string_value(json_object_get(row, "object"));
	const char *job = json_string_value(json_object_get(row, "job"));
	const char *state = json_string_value(json_object_get(row, "state"));
	static const char *const numbers[] = { "version", "epoch", "segments",
					       "size" };
	uint8_t uuid[UUID_BYTES];
	char key[256], x[4];
	json_t *entry;
	size_t i;

	if (!object || !job || !state || uuid_parse(object, uuid) ||
	    uuid_parse(job, uuid))
		return -EPROTO;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!json_is_integer(json_object_get(row, numbers[i])))
			return -EPROTO;
	snprintf(key, sizeof(key), "%s %lld %lld %lld %lld %s", object,
		 (long long)json_integer_value(json_object_get(row, "version")),
		 (long long)json_integer_value(json_object_get(row, "epoch")),
		 (long long)json_integer_value(json_object_get(row, "segments")),
		 (long long)json_integer_value(json_object_get(row, "size")), job);
	entry = json_object_get(b->rows, key);
	if (!entry) {
		entry = json_pack("{s:O, s:{}}", "row", row, "xs");
		json_object_set_new(b->rows, key, entry);
	}
	snprintf(x, sizeof(x), "%u", m->x);
	json_object_set_new(json_object_get(entry, "xs"), x, json_string(state));
	return 0;
}

static int rebuild_page(struct dealer *d, struct dealer_member *m,
			const json_t *msg, void *arg)
{
	struct page *page = arg;
	const char *cursor = json_string_value(json_object_get(msg, "cursor"));
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(msg, "objects"), i, row)
		if (rebuild_row(page->b, m, row))
			return -EPROTO;
	page->more = json_is_true(json_object_get(msg, "more"));
	if (page->more &&
	    (!cursor || !*cursor || !strcmp(cursor, page->cursor)))
		return -EPROTO;
	snprintf(page->cursor, sizeof(page->cursor), "%s", cursor ?: "");
	return 0;
}

static void rebuild_list(struct rebuild *b, struct dealer_member *m)
{
	struct page page = { .b = b };
	json_t *msg;
	int ret;

	do {
		msg = json_pack("{s:s, s:s}", "op", "list", "after", page.cursor);
		ret = dealer_ask_one(b->d, m->x, msg, rebuild_page, &page);
		json_decref(msg);
	} while (!ret && page.more);
}

static unsigned int rebuild_count(const json_t *entry, const char *state)
{
	unsigned int count = 0;
	const json_t *value;
	const char *x;

	json_object_foreach(json_object_get(entry, "xs"), x, value)
		count += !strcmp(json_string_value(value), state);
	return count;
}

/* --- jobs that are pending somewhere */

struct prepared {
	json_int_t segments;
};

static int rebuild_prepared(struct dealer *d, struct dealer_member *m,
			    const json_t *msg, void *arg)
{
	const char *status = json_string_value(json_object_get(msg, "status"));
	const struct prepared *want = arg;

	return !status || strcmp(status, "durable") ||
	       json_integer_value(json_object_get(msg, "segments")) !=
	       want->segments;
}

/* Do all n hold all of it? Who does not is out, and was counted as pending. */
static bool rebuild_all_prepared(struct rebuild *b, const json_t *entry,
				 const char *job)
{
	struct prepared want = { json_integer_value(json_object_get(
		json_object_get(entry, "row"), "segments")) };
	json_t *msg;
	int ret;

	if (dealer_in(b->d) < b->d->n ||
	    rebuild_count(entry, "pending") < b->d->n)
		return false;
	msg = json_pack("{s:s, s:s}", "op", "prepared", "job", job);
	ret = dealer_ask(b->d, msg, 0, rebuild_prepared, &want);
	json_decref(msg);
	return ret == (int)b->d->n;
}

static void rebuild_commit(struct rebuild *b, json_t *entry, const char *job)
{
	json_t *xs = json_object_get(entry, "xs"), *value, *msg;
	const char *x;
	void *next;

	msg = json_pack("{s:s, s:s}", "op", "commit", "job", job);
	json_object_foreach_safe(xs, next, x, value)
		if (!strcmp(json_string_value(value), "pending") &&
		    !dealer_ask_one(b->d, atoi(x), msg, NULL, NULL))
			json_object_set_new(xs, x, json_string("committed"));
	json_decref(msg);
	b->committed++;
}

static void rebuild_pending(struct rebuild *b, json_t *entry)
{
	const char *job = json_string_value(json_object_get(
		json_object_get(entry, "row"), "job"));
	enum job_state state;

	if (!rebuild_count(entry, "pending"))
		return;
	switch (catalogue_job(b->ssad->cat, job)) {
	case JOB_RUNNING:
		/* repeated just now: what they have may be from before */
		if (catalogue_lost(b->ssad->cat))
			b->complete = false;
		return;
	case JOB_ABORTED:
		return;			/* the shareholder asks, and is told */
	case JOB_COMMITTED:
		rebuild_commit(b, entry, job);
		return;
	case JOB_UNREADABLE:
		b->complete = false;
		return;
	case JOB_UNKNOWN:
	case JOB_WAITING:
		break;
	}
	state = rebuild_count(entry, "committed") ||
		rebuild_all_prepared(b, entry, job) ? JOB_COMMITTED : JOB_WAITING;
	/* on the disk before anybody is told; or it is not settled yet */
	if (catalogue_settle(b->ssad->cat, job, state))
		b->complete = false;
	else if (state == JOB_COMMITTED)
		rebuild_commit(b, entry, job);
	else
		b->waiting++;
}

/* --- objects */

/* Segment 0 into a record; the owner's signature says that it is the object's. */
static int rebuild_record(struct rebuild *b, struct gather *g, const json_t *entry,
			  uint8_t *buf, json_t **out, struct err *err)
{
	const json_t *row = json_object_get(entry, "row");
	struct segment_id id = {
		.version = json_integer_value(json_object_get(row, "version")),
		.size = json_integer_value(json_object_get(row, "size")),
	};
	const char *object = json_string_value(json_object_get(row, "object"));
	struct record rec;
	struct policy policy;
	struct pki_id who;
	json_t *json, *members;
	size_t len;
	unsigned int i;
	int ret;

	*out = NULL;
	uuid_parse(object, id.object);
	ret = gather_segment(g, &id, json_integer_value(json_object_get(row, "epoch")),
			     buf, RECORD_MAX, &len, err);
	if (ret)
		return ret;
	json = json_loadb((char *)buf, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		return err_set(err, -EINVAL, "segment 0 is not JSON");
	json_object_set_new(json, "object", json_string(object));
	json_object_set_new(json, "version", json_integer(id.version));
	members = json_array();
	for (i = 0; i < b->group->n; i++) {
		char x[4];
		const char *state;

		snprintf(x, sizeof(x), "%u", b->group->member[i].x);
		state = json_string_value(json_object_get(
			json_object_get(entry, "xs"), x));
		json_array_append_new(members, json_pack("{s:I, s:i, s:s}", "node",
			(json_int_t)b->group->member[i].node, "x",
			b->group->member[i].x, "state",
			state && !strcmp(state, "committed") ? "confirmed" :
							       "missing"));
	}
	json_object_set_new(json, "members", members);
	ret = record_read(json, &rec, err) ?: policy_parse(rec.policy, &policy, err) ?:
	      pki_verify_stored(b->ssad->pki, rec.owner_cert, rec.policy,
				strlen(rec.policy), rec.policy_sig, &who, err);
	if (!ret && (memcmp(policy.object, id.object, sizeof(id.object)) ||
		     policy.version != id.version || policy.owner != rec.owner ||
		     who.node != rec.owner || strcmp(who.role, "owner") ||
		     policy.ssa != b->ssad->net.self || rec.id.size != id.size))
		ret = err_set(err, -EINVAL,
			      "its policy is not for this object, owner and agent");
	if (ret)
		json_decref(json);
	else
		*out = json;
	return ret;
}

/* A name that was given again before the rebuild found what had it first. */
static void rebuild_clash(struct rebuild *b, const json_t *json)
{
	const char *object = json_string_value(json_object_get(json, "object"));
	const char *is;
	json_t *other;

	if (catalogue_find(b->ssad->cat,
			   json_integer_value(json_object_get(json, "owner")),
			   json_string_value(json_object_get(json, "name")), &other))
		return;
	is = json_string_value(json_object_get(other, "object"));
	if (strcmp(is, object))
		log_warn("rebuild: object %s has the name of object %s, which was stored later: that one is found by it",
			 object, is);
	json_decref(other);
}

static int rebuild_object(struct rebuild *b, struct gather *g, const json_t *entry,
			  uint8_t *buf)
{
	const json_t *row = json_object_get(entry, "row");
	const char *object = json_string_value(json_object_get(row, "object"));
	int64_t version = json_integer_value(json_object_get(row, "version"));
	json_t *json = NULL, *answer;
	struct err err = { "" };
	int ret;

	if (!rebuild_count(entry, "committed"))
		return 0;
	if (rebuild_count(entry, "committed") < b->group->k) {
		log_warn("rebuild: object %s version %lld: %u of the %u holders needed",
			 object, (long long)version,
			 rebuild_count(entry, "committed"), b->group->k);
		b->skipped++;
		return 0;
	}
	if (!catalogue_object(b->ssad->cat, object, version, &json)) {
		json_decref(json);
		b->objects++;
		return 0;
	}
	ret = rebuild_record(b, g, entry, buf, &json, &err);
	if (!ret) {
		answer = record_answer(json);
		ret = catalogue_restore(b->ssad->cat, json, answer, &err);
		json_decref(answer);
	}
	if (!ret)
		rebuild_clash(b, json);
	json_decref(json);
	if (ret) {
		log_warn("rebuild: object %s version %lld: %s", object,
			 (long long)version, err.text);
		b->skipped++;
		b->complete = false;
		return 0;
	}
	b->objects++;
	return session_send(b->s, json_pack("{s:s, s:s, s:i}", "re", "rebuild",
					    "status", "progress", "objects",
					    b->objects));
}

/* A version before another that is whole was being replaced. */
static void rebuild_replaced(struct rebuild *b)
{
	const char *key;
	json_t *entry, *json;

	json_object_foreach(b->rows, key, entry) {
		const json_t *row = json_object_get(entry, "row");
		const char *object = json_string_value(json_object_get(row, "object"));
		int64_t version = json_integer_value(json_object_get(row, "version"));

		if (catalogue_object(b->ssad->cat, object, 0, &json))
			continue;
		if (json_integer_value(json_object_get(json, "version")) > version)
			catalogue_mark(b->ssad->cat, object, version);
		json_decref(json);
	}
}

static int rebuild_group(struct rebuild *b, struct err *err)
{
	struct ssad *ssad = b->ssad;
	struct gather g;
	const char *key;
	json_t *entry;
	uint8_t *buf;
	unsigned int i;
	int ret;

	ret = dealer_open(&b->d, &ssad->net, b->group, ssad->group_timeout_ms, false,
			  0, b->group->k, err);
	if (ret)
		return ret;
	gather_init(&g, &ssad->net, b->group, ssad->group_timeout_ms);
	b->rows = json_object();
	buf = malloc(RECORD_MAX);
	if (!b->rows || !buf) {
		ret = err_set(err, -ENOMEM, "no memory");
		goto out;
	}
	for (i = 0; i < b->d->n; i++)
		if (b->d->member[i].in)
			rebuild_list(b, &b->d->member[i]);
	if (dealer_in(b->d) < b->group->k) {
		char who[400];

		dealer_absent(b->d, who, sizeof(who));
		ret = err_set(err, -EHOSTUNREACH,
			      "%u of the %u shareholders needed of group %u list; %s",
			      dealer_in(b->d), b->group->k, b->group->id, who);
		goto out;
	}
	if (dealer_in(b->d) < b->d->n)
		b->complete = false;
	json_object_foreach(b->rows, key, entry)
		rebuild_pending(b, entry);
	json_object_foreach(b->rows, key, entry) {
		ret = rebuild_object(b, &g, entry, buf);
		if (ret) {
			err_set(err, ret, "the owner's connection: %s",
				ssn_strerror(ret));
			goto out;
		}
	}
	rebuild_replaced(b);
out:
	if (buf)
		explicit_bzero(buf, RECORD_MAX);
	free(buf);
	json_decref(b->rows);
	b->rows = NULL;
	gather_free(&g);
	dealer_close(b->d);
	b->d = NULL;
	return ret;
}

int session_rebuild(struct session *s, const json_t *req)
{
	struct rebuild b = { .s = s, .ssad = s->ssad, .complete = true };
	struct err err = { "" };
	size_t i;
	int ret = 0;

	if (pthread_mutex_trylock(&s->ssad->rebuild)) {
		err_set(&err, -EBUSY, "a rebuild is running");
		return session_error(s, "rebuild", -EBUSY, &err);
	}
	for (i = 0; i < s->ssad->net.groups && !ret; i++) {
		b.group = &s->ssad->net.group[i];
		ret = rebuild_group(&b, &err);
	}
	if (!ret && b.complete) {
		ret = catalogue_found(s->ssad->cat);
		if (ret)
			err_set(&err, ret, "the catalogue cannot be written: %s",
				strerror(-ret));
	}
	pthread_mutex_unlock(&s->ssad->rebuild);
	if (ret)
		return session_error(s, "rebuild", ret, &err);
	log_info("rebuild: %u objects, %u skipped, %u jobs committed, %u wait%s",
		 b.objects, b.skipped, b.committed, b.waiting,
		 b.complete ? "" : "; not every shareholder answered");
	return session_send(s, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:b}",
		"re", "rebuild", "status", "done", "objects", b.objects, "skipped",
		b.skipped, "committed", b.committed, "waiting", b.waiting,
		"complete", b.complete));
}
