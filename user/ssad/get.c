// SPDX-License-Identifier: GPL-2.0
/*
 * get, ls and stat: data share (Y.3808 10.1). The owner gets a segment only after
 * its AMD code verified.
 *
 * Memory: one segment and SSN_MSG_MAX for each of owner and group; while liars are
 * looked for, a segment for every member besides.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gather.h"
#include "policy.h"
#include "record.h"
#include "session.h"
#include "ssnsock.h"
#include "util.h"

#define LS_ROWS		64	/* in one answer */
#define CONTROL_BYTES	512	/* of a read request and its answer, at most */

static int get_record(struct session *s, const json_t *req, json_t **json,
		      struct record *rec, struct err *err)
{
	const json_t *name = json_object_get(req, "name");
	struct policy policy;
	const char *object;
	int64_t version;
	int ret;

	*json = NULL;
	ret = config_int(req, "get", "version", 0, UINT32_MAX, 0, &version, err) ?:
	      config_str(req, "get", "object", "", &object, err);
	if (ret)
		return ret;
	if (*object) {
		ret = catalogue_object(s->ssad->cat, object, version, json);
	} else {
		ret = name_check(name, err);
		if (ret)
			return ret;
		ret = catalogue_find(s->ssad->cat, s->peer.node,
				     json_string_value(name), json);
	}
	if (ret == -ENOENT)
		return recovery_wait(s->ssad, 0, err) ?:
		       err_set(err, ret, "no object of this name or id");
	if (ret)
		return err_set(err, ret, "the catalogue cannot be read");
	ret = record_read(*json, rec, err) ?: policy_parse(rec->policy, &policy, err);
	if (ret)
		return ret;
	/* who may not read it does not learn that it is there */
	if (!policy_reads(&policy, s->peer.node))
		return err_set(err, -ENOENT, "no object of this name or id");
	if (version && rec->id.version != version)
		return err_set(err, -ENOENT, "version %u is stored, not %lld",
			       rec->id.version, (long long)version);
	return 0;
}

struct get {
	struct session *s;
	struct record rec;
	struct gather g;
	struct reservation *reserved;
	uint8_t *seg;
	int wait;		/* for pad, segment after segment */
	uint64_t given;		/* bytes that the owner has */
};

static bool get_gone(void *session)
{
	return session_gone(session);
}

/* The members that answered, by their place in the group; how many. */
static unsigned int get_there(const struct gather *g, unsigned int *at)
{
	unsigned int i, count = 0;

	for (i = 0; i < g->group->n; i++)
		if (!g->d || g->d->member[i].in)
			at[count++] = i;
	return count;
}

/*
 * Pad for the segments @first to @last: from k of the members that answered, and to
 * the owner. The others are asked in the place of those whose pad does not suffice.
 */
static int get_reserve(struct get *get, uint32_t first, uint32_t last,
		       struct err *err)
{
	const struct network_group *group = get->g.group;
	struct reserve_need *need = calloc(2 * group->k + 1, sizeof(*need));
	struct ssad *ssad = get->s->ssad;
	unsigned int at[SSN_MEMBERS_MAX], i, k = group->k, next = k;
	unsigned int there = get_there(&get->g, at);
	size_t who;
	uint32_t j;
	int ret;

	if (!need)
		return err_set(err, -ENOMEM, "no memory");
	for (;;) {
		for (i = 0; i < k; i++) {
			struct reserve_need *rx = &need[2 * i], *tx = rx + 1;
			uint32_t node = group->member[at[i]].node;

			*rx = (struct reserve_need){ .peer = node,
						     .dir = QKD_DIR_RX };
			*tx = (struct reserve_need){ .peer = node,
						     .dir = QKD_DIR_TX };
			for (j = first; j <= last; j++) {
				reserve_transfer(rx, SEGMENT_CODE +
					segment_bytes(get->rec.id.size,
						      get->rec.segment_bytes, j),
					SEGMENT_MESSAGE);
				reserve_message(rx, CONTROL_BYTES);
				reserve_message(tx, CONTROL_BYTES);
			}
			reserve_connection(rx);
			reserve_connection(tx);
		}
		need[2 * k] = (struct reserve_need){ .peer = get->s->peer.node,
						     .dir = QKD_DIR_TX };
		for (j = first; j <= last; j++)
			reserve_transfer(&need[2 * k],
					 segment_bytes(get->rec.id.size,
						       get->rec.segment_bytes, j),
					 SEGMENT_MESSAGE);
		reserve_message(&need[2 * k], CONTROL_BYTES);
		ret = reserve_take(ssad->res, need, 2 * k + 1, ssad_node_name, ssad,
				   &get->reserved, &who, err);
		if (ret != -ENOKEY || who == 2 * k || next == there)
			break;
		/* another one in its place */
		get->g.avoid[group->member[at[who / 2]].x] = true;
		at[who / 2] = at[next++];
	}
	free(need);
	return ret;
}

/* What is waited for, to the owner, if there is pad for that. */
static int get_tell(struct get *get, const char *what)
{
	struct session *s = get->s;
	struct reserve_need need = { .peer = s->peer.node, .dir = QKD_DIR_TX };
	struct reservation *r;
	struct err err;
	int ret;

	reserve_message(&need, CONTROL_BYTES);
	ret = reserve_take(s->ssad->res, &need, 1, NULL, NULL, &r, NULL, &err);
	if (ret)
		return 0;
	ret = session_send(s, json_pack("{s:s, s:s, s:I, s:s}", "re", "get", "status",
			"progress", "given", (json_int_t)get->given, "waiting", what));
	reserve_drop(r);
	return ret;
}

/*
 * --wait: until there is pad for the segment. 0; -ECANCELED: nobody waits for it any
 * more; another -errno.
 */
static int get_pace(struct get *get, uint32_t segment, struct err *err)
{
	const struct timespec pause = { .tv_nsec = PACE_MS * 1000000L };
	uint64_t told = monotonic_ms();
	int ret;

	reserve_drop(get->reserved);
	get->reserved = NULL;
	gather_charge(&get->g, NULL);
	while ((ret = get_reserve(get, segment, segment, err)) == -ENOKEY) {
		gather_free(&get->g);	/* it is not held open for so long */
		if (session_gone(get->s))
			return -ECANCELED;
		if (monotonic_ms() - told >= PACE_TELL_MS) {
			told = monotonic_ms();
			if (get_tell(get, err->text))
				return -ECANCELED;
		}
		nanosleep(&pause, NULL);
	}
	gather_charge(&get->g, get->reserved);
	return ret;
}

/* 0; *@broken: the stream to the owner has ended, or means nothing any more. */
static int get_segments(struct get *get, bool *broken, struct err *err)
{
	const struct record *rec = &get->rec;
	struct segment_id id = rec->id;
	uint32_t count = segment_count(id.size, rec->segment_bytes);
	size_t want, len, pos, part;
	ssize_t ret;

	for (id.segment = 1; id.segment <= count; id.segment++) {
		want = segment_bytes(id.size, rec->segment_bytes, id.segment);
		ret = get->wait ? get_pace(get, id.segment, err) : 0;
		if (ret)
			return ret;
		ret = gather_segment(&get->g, &id, rec->epoch, get->seg,
				     want + SEGMENT_CODE, &len, err);
		if (ret)
			return ret;
		if (len != want)
			return err_set(err, -EBADMSG,
				       "segment %u has %zu bytes instead of %zu",
				       id.segment, len, want);
		for (pos = 0; pos < len; pos += part) {
			part = len - pos < SEGMENT_MESSAGE ? len - pos :
							     SEGMENT_MESSAGE;
			ret = ssn_send(get->s->fd, NULL, get->seg + pos, part);
			if (ret < 0) {
				*broken = true;
				return err_set(err, ret,
					       "the owner's connection: %s",
					       ssn_strerror(ret));
			}
			reserve_spent(get->reserved, get->s->peer.node, QKD_DIR_TX,
				      part);
			get->given += part;
		}
	}
	return 0;
}

/* Is it still there? Its shares go when it is replaced or deleted. */
static int get_overtaken(const struct get *get, struct err *err)
{
	json_t *json = NULL;
	const char *state;
	int ret;

	ret = catalogue_object(get->s->ssad->cat, get->rec.object,
			       get->rec.id.version, &json);
	state = json_string_value(json_object_get(json, "state"));
	if (ret == -ENOENT || (state && !strcmp(state, "deleting")))
		ret = err_set(err, -ESTALE,
			      "version %u was replaced or deleted while it was read",
			      get->rec.id.version);
	else
		ret = 0;
	json_decref(json);
	return ret;
}

static json_t *get_liars(const struct gather *g)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < g->group->n; i++)
		if (g->liar[g->group->member[i].x])
			json_array_append_new(list,
				json_integer(g->group->member[i].node));
	return list;
}

int session_get(struct session *s, const json_t *req)
{
	struct ssad *ssad = s->ssad;
	struct get get = { .s = s };
	const struct network_group *group;
	struct err err = { "" };
	json_t *json = NULL;
	bool broken = false;
	int ret;

	ret = config_bool(req, "get", "wait", 0, &get.wait, &err) ?:
	      get_record(s, req, &json, &get.rec, &err);
	if (ret)
		goto out;
	group = network_group(&ssad->net, get.rec.group);
	if (!group || group->k != get.rec.k) {
		ret = err_set(&err, -EHOSTUNREACH,
			      "group %u, of threshold %u, is not known",
			      get.rec.group, get.rec.k);
		goto out;
	}
	gather_init(&get.g, &ssad->net, group, ssad->group_timeout_ms);
	get.g.gone = get_gone;
	get.g.arg = s;
	get.seg = malloc(get.rec.segment_bytes + SEGMENT_CODE);
	if (!get.seg) {
		ret = err_set(&err, -ENOMEM, "no memory for a segment of %u bytes",
			      get.rec.segment_bytes);
		goto out;
	}
	/* Who is there comes first: that too few are is the better answer. */
	if (get.rec.id.size)
		ret = gather_open(&get.g, &err);
	if (!ret && !get.wait)
		ret = get_reserve(&get, 1, segment_count(get.rec.id.size,
							 get.rec.segment_bytes),
				  &err);
	if (ret)
		goto out;
	gather_charge(&get.g, get.reserved);
	ret = session_send(s, json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "re", "get",
			"status", "go", "object", get.rec.object, "version",
			(json_int_t)get.rec.id.version, "size",
			(json_int_t)get.rec.id.size, "name", get.rec.name));
	if (ret) {
		broken = true;
		goto out;
	}
	ret = get_segments(&get, &broken, &err);
	if (ret == -ECANCELED)
		broken = true;
	if (ret && !broken)
		ret = get_overtaken(&get, &err) ?: ret;
	if (!ret)
		ret = session_send(s, json_pack("{s:s, s:s, s:o, s:i}", "re", "get",
				"status", "done", "liars", get_liars(&get.g),
				"segments_retried", get.g.retried));
out:
	if (ret && !broken)
		ret = session_error(s, "get", ret, &err);
	gather_free(&get.g);
	reserve_drop(get.reserved);
	if (get.seg)
		explicit_bzero(get.seg, get.rec.segment_bytes + SEGMENT_CODE);
	free(get.seg);
	json_decref(json);
	return broken ? -EPIPE : ret;
}

int session_ls(struct session *s, const json_t *req)
{
	json_t *records, *rows, *json;
	struct err err = { "" };
	const char *after;
	bool more;
	size_t i;
	int ret;

	ret = config_str(req, "ls", "after", "", &after, &err);
	if (ret)
		return session_error(s, "ls", ret, &err);
	ret = catalogue_list(s->ssad->cat, s->peer.node, after, LS_ROWS, &records,
			     &more);
	if (ret) {
		err_set(&err, ret, "the catalogue cannot be read");
		return session_error(s, "ls", ret, &err);
	}
	rows = json_array();
	json_array_foreach(records, i, json)
		json_array_append_new(rows, record_row(json));
	json_decref(records);
	return session_send(s, json_pack("{s:s, s:s, s:o, s:b}", "re", "ls",
					 "status", "done", "objects", rows,
					 "more", more));
}

int session_stat(struct session *s, const json_t *req)
{
	struct err err = { "" };
	struct record rec;
	json_t *json, *row;
	int ret;

	ret = get_record(s, req, &json, &rec, &err);
	if (ret) {
		json_decref(json);
		return session_error(s, "stat", ret, &err);
	}
	row = record_row(json);
	json_object_set_new(row, "re", json_string("stat"));
	json_object_set(row, "job", json_object_get(json, "job"));
	json_object_set_new(row, "status", json_string("done"));
	json_object_set(row, "members", json_object_get(json, "members"));
	json_object_set_new(row, "policy", json_string(rec.policy));
	json_object_set_new(row, "coefficients", json_string(rec.coefficients));
	/*
	 * Information theoretic only if every coefficient, suite and pad was,
	 * from put to every get. Nothing records yet which blocks a job's pads
	 * came from, so it cannot be claimed even without the generator.
	 */
	json_object_set_new(row, "its", json_false());
	json_object_set_new(row, "its_why", json_string(
		!strcmp(rec.coefficients, coeff_name(SSN_COEFF_CRNG)) ?
		"the coefficients come from the kernel's generator" :
		"which pads were used is not recorded yet"));
	json_decref(json);
	return session_send(s, row);
}
