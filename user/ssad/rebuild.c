// SPDX-License-Identifier: GPL-2.0
/*
 * rebuild: the catalogue again, from any k shareholders of each group; and what
 * becomes of jobs whose COMMIT record is lost (PROTOCOL 4): committed where one
 * holder was told so, or all n hold it prepared; fewer wait for repair.
 *
 * A row counts only when k members say the same of it: fewer than k may lie.
 */
#include "rebuild.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gather.h"
#include "log.h"
#include "policy.h"
#include "record.h"
#include "recovery.h"
#include "session.h"
#include "ssnsock.h"
#include "util.h"

/* What one member may list: more is no list, but a way to keep us busy. */
#define PAGES_MAX	65536
#define ROWS_MAX	(1U << 19)

struct rebuild {
	struct ssad *ssad;
	int (*progress)(unsigned int objects, void *arg);
	void *arg;
	const struct network_group *group;
	struct dealer *d;
	/*
	 * "OBJECT VERSION EPOCH SEGMENTS SIZE JOB" -> what each member says of it, a
	 * letter for each in their order: '-' nothing, 'c' committed, 'p' pending. In
	 * memory, some 300 bytes for each object.
	 */
	json_t *rows;
	struct rebuild_result *result;
};

/* A row's key, taken apart. */
struct row {
	char object[UUID_TEXT], job[UUID_TEXT];
	long long version, epoch, segments, size;
};

static void row_parse(const char *key, struct row *row)
{
	sscanf(key, "%36s %lld %lld %lld %lld %36s", row->object, &row->version,
	       &row->epoch, &row->segments, &row->size, row->job);
}

static unsigned int row_count(const json_t *states, char state)
{
	const char *at = json_string_value(states);
	unsigned int count = 0;

	for (; *at; at++)
		count += *at == state;
	return count;
}

/* --- what the members list */

/* One member's list, which goes on over many pages. */
struct page {
	struct rebuild *b;
	char cursor[256];
	bool more;
	unsigned int pages, rows;
	char state;			/* of the last row; 'c' come before 'p' */
	char last[UUID_TEXT];		/* its object, or job if it is pending */
};

/* Objects in order, their versions in any; then pending jobs in order. */
static bool page_rises(struct page *page, char state, const char *object,
		       const char *job)
{
	const char *id = state == 'c' ? object : job;
	int order;

	if (page->state != state)
		order = !page->state || state == 'p' ? 1 : -1;
	else
		order = strcmp(id, page->last) ?: state == 'c';
	page->state = state;
	snprintf(page->last, sizeof(page->last), "%s", id);
	return order > 0;
}

static int64_t row_int(const json_t *row, const char *key, int64_t min, int64_t max)
{
	const json_t *value = json_object_get(row, key);
	int64_t n = json_integer_value(value);

	return json_is_integer(value) && n >= min && n <= max ? n : -1;
}

static int rebuild_row(struct page *page, unsigned int member, const json_t *row)
{
	const char *object = json_string_value(json_object_get(row, "object"));
	const char *job = json_string_value(json_object_get(row, "job"));
	const char *text = json_string_value(json_object_get(row, "state"));
	int64_t version = row_int(row, "version", 1, UINT32_MAX);
	int64_t epoch = row_int(row, "epoch", 0, INT64_MAX);
	int64_t segments = row_int(row, "segments", 1, UINT32_MAX);
	int64_t size = row_int(row, "size", 0, INT64_MAX);
	char key[256], states[SSN_MEMBERS_MAX + 1], state = text ? *text : 0;
	struct rebuild *b = page->b;
	uint8_t uuid[UUID_BYTES];
	json_t *have;

	if (!object || !job || !text || uuid_parse(object, uuid) ||
	    uuid_parse(job, uuid) ||
	    (strcmp(text, "committed") && strcmp(text, "pending")) ||
	    version < 0 || epoch < 0 || segments < 0 || size < 0 ||
	    ++page->rows > ROWS_MAX || !page_rises(page, state, object, job))
		return -EPROTO;
	/* nothing of the row is kept but this */
	snprintf(key, sizeof(key), "%s %lld %lld %lld %lld %s", object,
		 (long long)version, (long long)epoch, (long long)segments,
		 (long long)size, job);
	have = json_object_get(b->rows, key);
	memset(states, '-', b->d->n);
	states[b->d->n] = 0;
	if (have)
		strcpy(states, json_string_value(have));
	if (states[member] != '-')
		return -EPROTO;
	states[member] = state;
	return json_object_set_new(b->rows, key, json_string(states)) ? -ENOMEM : 0;
}

static int rebuild_page(struct dealer *d, struct dealer_member *m,
			const json_t *msg, void *arg)
{
	struct page *page = arg;
	const char *cursor = json_string_value(json_object_get(msg, "cursor"));
	const json_t *row;
	size_t i;

	if (++page->pages > PAGES_MAX)
		return -EPROTO;
	json_array_foreach(json_object_get(msg, "objects"), i, row)
		if (rebuild_row(page, m - d->member, row))
			return -EPROTO;
	page->more = json_is_true(json_object_get(msg, "more"));
	if (page->more && (!cursor || strlen(cursor) >= sizeof(page->cursor) ||
			   strcmp(cursor, page->cursor) <= 0))
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
static bool rebuild_all_prepared(struct rebuild *b, const struct row *row,
				 const json_t *states)
{
	struct prepared want = { row->segments };
	json_t *msg;
	int ret;

	if (dealer_in(b->d) < b->d->n || row_count(states, 'p') < b->d->n)
		return false;
	msg = json_pack("{s:s, s:s}", "op", "prepared", "job", row->job);
	ret = dealer_ask(b->d, msg, 0, rebuild_prepared, &want);
	json_decref(msg);
	return ret == (int)b->d->n;
}

static void rebuild_commit(struct rebuild *b, const struct row *row,
			   json_t *states)
{
	char after[SSN_MEMBERS_MAX + 1];
	unsigned int i;
	json_t *msg;

	strcpy(after, json_string_value(states));
	msg = json_pack("{s:s, s:s}", "op", "commit", "job", row->job);
	for (i = 0; i < b->d->n; i++)
		if (after[i] == 'p' &&
		    !dealer_ask_one(b->d, b->d->member[i].x, msg, NULL, NULL))
			after[i] = 'c';
	json_decref(msg);
	json_string_set(states, after);
	b->result->committed++;
}

static void rebuild_pending(struct rebuild *b, const char *key, json_t *states)
{
	enum job_state state;
	struct row row;

	if (!row_count(states, 'p'))
		return;
	row_parse(key, &row);
	switch (catalogue_job(b->ssad->cat, row.job)) {
	case JOB_RUNNING:
		/* repeated just now: what they have may be from before */
		if (catalogue_lost(b->ssad->cat))
			b->result->complete = false;
		return;
	case JOB_ABORTED:
		return;			/* the shareholder asks, and is told */
	case JOB_COMMITTED:
		rebuild_commit(b, &row, states);
		return;
	case JOB_UNREADABLE:
		b->result->complete = false;
		return;
	case JOB_UNKNOWN:
	case JOB_WAITING:
		break;
	}
	state = row_count(states, 'c') ||
		rebuild_all_prepared(b, &row, states) ? JOB_COMMITTED : JOB_WAITING;
	/* on the disk before anybody is told; or it is not settled yet */
	if (catalogue_settle(b->ssad->cat, row.job, state))
		b->result->complete = false;
	else if (state == JOB_COMMITTED)
		rebuild_commit(b, &row, states);
	else
		b->result->waiting++;
}

/* --- objects */

/* Segment 0 into a record; the owner's signature says that it is the object's. */
static int rebuild_record(struct rebuild *b, struct gather *g, const struct row *row,
			  const char *states, uint8_t *buf, json_t **out,
			  struct err *err)
{
	struct segment_id id = { .version = row->version, .size = row->size };
	struct record rec;
	struct policy policy;
	struct pki_id who;
	json_t *json, *members;
	size_t len;
	unsigned int i;
	int ret;

	*out = NULL;
	uuid_parse(row->object, id.object);
	ret = gather_segment(g, &id, row->epoch, buf, RECORD_MAX, &len, err);
	if (ret)
		return ret;
	json = json_loadb((char *)buf, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		return err_set(err, -EINVAL, "segment 0 is not JSON");
	json_object_set_new(json, "object", json_string(row->object));
	json_object_set_new(json, "version", json_integer(id.version));
	members = json_array();
	for (i = 0; i < b->group->n; i++)
		json_array_append_new(members, json_pack("{s:I, s:i, s:s}", "node",
			(json_int_t)b->group->member[i].node, "x",
			b->group->member[i].x, "state",
			states[i] == 'c' ? "confirmed" : "missing"));
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

static int rebuild_object(struct rebuild *b, struct gather *g, const char *key,
			  const json_t *states, uint8_t *buf)
{
	unsigned int holders = row_count(states, 'c');
	json_t *json = NULL, *answer;
	struct err err = { "" };
	struct row row;
	int ret;

	if (!holders)
		return 0;
	row_parse(key, &row);
	if (holders < b->group->k) {
		log_warn("rebuild: object %s version %lld: %u of the %u holders needed",
			 row.object, row.version, holders, b->group->k);
		b->result->skipped++;
		return 0;
	}
	if (!catalogue_object(b->ssad->cat, row.object, row.version, &json)) {
		json_decref(json);
		b->result->objects++;
		return 0;
	}
	ret = rebuild_record(b, g, &row, json_string_value(states), buf, &json, &err);
	if (!ret) {
		answer = record_answer(json);
		ret = catalogue_restore(b->ssad->cat, json, answer, &err);
		json_decref(answer);
	}
	if (!ret)
		rebuild_clash(b, json);
	json_decref(json);
	if (ret) {
		log_warn("rebuild: object %s version %lld: %s", row.object,
			 row.version, err.text);
		b->result->skipped++;
		b->result->complete = false;
		return 0;
	}
	b->result->objects++;
	return b->progress(b->result->objects, b->arg);
}

/* A version before another that is whole was being replaced. */
static void rebuild_replaced(struct rebuild *b)
{
	json_t *states, *json;
	struct row row;
	const char *key;

	json_object_foreach(b->rows, key, states) {
		row_parse(key, &row);
		if (catalogue_object(b->ssad->cat, row.object, 0, &json))
			continue;
		if (json_integer_value(json_object_get(json, "version")) > row.version)
			catalogue_mark(b->ssad->cat, row.object, row.version);
		json_decref(json);
	}
}

static int rebuild_group(struct rebuild *b, struct err *err)
{
	struct ssad *ssad = b->ssad;
	struct gather g;
	const char *key;
	json_t *states;
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
		b->result->complete = false;
	json_object_foreach(b->rows, key, states)
		rebuild_pending(b, key, states);
	json_object_foreach(b->rows, key, states) {
		ret = rebuild_object(b, &g, key, states, buf);
		if (ret) {
			err_set(err, ret, "ended before it was done: %s",
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

int rebuild_run(struct ssad *ssad, int (*progress)(unsigned int objects, void *arg),
		void *arg, struct rebuild_result *result, struct err *err)
{
	struct rebuild b = { .ssad = ssad, .progress = progress, .arg = arg,
			     .result = result };
	struct err first = { "" };
	struct timespec until;
	int ret = 0, one;
	size_t i;

	*result = (struct rebuild_result){ .complete = true };
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 1 + ssad->group_timeout_ms / 1000;
	if (pthread_mutex_timedlock(&ssad->rebuild, &until))
		return err_set(err, -EBUSY, "another rebuild is running");
	for (i = 0; i < ssad->net.groups && (!ret || ret == -EHOSTUNREACH); i++) {
		b.group = &ssad->net.group[i];
		one = rebuild_group(&b, err);
		if (!one || (ret && one == -EHOSTUNREACH))
			continue;
		ret = one;
		first = *err;
	}
	if (ret)
		*err = first;
	else
		recovery_read(ssad);
	if (!ret && result->complete) {
		ret = catalogue_found(ssad->cat);
		if (ret)
			err_set(err, ret, "the catalogue cannot be written: %s",
				strerror(-ret));
	}
	pthread_mutex_unlock(&ssad->rebuild);
	if (!ret)
		log_info("rebuild: %u objects, %u skipped, %u jobs committed, %u wait%s",
			 result->objects, result->skipped, result->committed,
			 result->waiting, result->complete ? "" :
			 "; not every shareholder answered");
	return ret;
}

static int rebuild_tell(unsigned int objects, void *s)
{
	return session_send(s, json_pack("{s:s, s:s, s:i}", "re", "rebuild",
					 "status", "progress", "objects", objects));
}

int session_rebuild(struct session *s, const json_t *req)
{
	struct rebuild_result found;
	struct err err = { "" };
	int ret;

	ret = rebuild_run(s->ssad, rebuild_tell, s, &found, &err);
	if (ret)
		return session_error(s, "rebuild", ret, &err);
	return session_send(s, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:b}",
		"re", "rebuild", "status", "done", "objects", found.objects, "skipped",
		found.skipped, "committed", found.committed, "waiting", found.waiting,
		"complete", found.complete));
}
