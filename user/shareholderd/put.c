// SPDX-License-Identifier: GPL-2.0
/*
 * A put: shares come in, become durable one by one, and are all there is of the
 * job until its commit.
 */
#include "put.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "policy.h"

/* A connection that says nothing for so long may lose its job to a newer one. */
#define PUT_TAKEOVER_MS	10000

/* What came of a segment so far is void. */
static void put_drop(struct exchange *x)
{
	struct put *put = &x->put;

	if (put->open)
		job_share_abandon(x->env->storage, &put->writer);
	put->open = 0;
	put->active = 0;
}

void put_end(struct exchange *x)
{
	struct put *put = &x->put;

	put_drop(x);
	if (!put->job)
		return;
	if (put->job->owner == x)
		put->job->owner = NULL;
	job_put(x->env->storage, put->job);
	put->job = NULL;
}

static void put_use(struct exchange *x, struct job *job)
{
	put_end(x);
	x->put.job = job;
}

/* The job that @msg names: x->put.job. */
static int put_find(struct exchange *x, const json_t *msg, struct err *err)
{
	struct put *put = &x->put;
	struct policy policy;
	struct job *job;
	uint8_t id[16];
	int ret;

	ret = record_uuid(msg, "request", "job", id, err);
	if (ret)
		return -EINVAL;
	if (put->job && !memcmp(put->job->id, id, sizeof(id)) &&
	    put->job->state != JOB_GONE)
		return 0;
	ret = job_get(x->env->storage, id, &job, err);
	if (ret)
		return ret;
	ret = policy_parse(job->rec.policy, &policy, err);
	if (!ret && policy.ssa != x->peer.node)
		ret = err_set(err, -EACCES,
			      "the job is that of node %u", policy.ssa);
	policy_free(&policy);
	if (ret) {
		job_put(x->env->storage, job);
		return ret;
	}
	put_use(x, job);
	return 0;
}

/* Only one connection at a time brings shares of a job. */
static int put_own(struct exchange *x, struct err *err)
{
	struct job *job = x->put.job;
	uint64_t now = monotonic_ms();

	if (job->owner && job->owner != x &&
	    now - job->active < PUT_TAKEOVER_MS)
		return err_set(err, -EALREADY,
			       "this job runs over another connection");
	job->owner = x;
	job->active = now;
	return 0;
}

static int put_answer_ok(struct exchange *x, const json_t *msg)
{
	return exchange_answer(x, msg, json_pack("{ss}", "status", "ok"));
}

static int put_answer_durable(struct exchange *x, const json_t *msg)
{
	char nonce[2 * RECORD_NONCE + 1];

	hex_encode(x->put.job->rec.nonce, RECORD_NONCE, nonce);
	return exchange_answer(x, msg, json_pack("{ssss}", "status", "durable",
						 "nonce", nonce));
}

/* --- begin */

/* The record that @msg makes, without what only the network description says. */
static int put_record(const json_t *msg, struct record *rec, struct err *err)
{
	static const char *const keys[] = {
		"op", "job", "nonce", "object", "version", "epoch", "segments",
		"size", "policy", "policy_sigs", NULL
	};
	int64_t version, epoch, segments, size;
	const char *policy, *nonce;
	int ret;

	memset(rec, 0, sizeof(*rec));
	ret = config_only(msg, "begin", keys, err) ?:
	      record_uuid(msg, "begin", "job", rec->job, err) ?:
	      record_uuid(msg, "begin", "object", rec->id.object, err) ?:
	      config_str(msg, "begin", "nonce", NULL, &nonce, err) ?:
	      config_int(msg, "begin", "version", 1, UINT32_MAX, 0, &version,
			 err) ?:
	      config_int(msg, "begin", "epoch", 0, INT64_MAX, -1, &epoch,
			 err) ?:
	      config_int(msg, "begin", "segments", 1, RECORD_SEGMENTS_MAX, 0,
			 &segments, err) ?:
	      config_int(msg, "begin", "size", 0, INT64_MAX, -1, &size, err) ?:
	      config_str(msg, "begin", "policy", NULL, &policy, err);
	if (ret)
		return -EINVAL;
	if (hex_decode(nonce, rec->nonce, RECORD_NONCE))
		return err_set(err, -EINVAL,
			       "begin: nonce: expected 32 hex digits");
	rec->id.version = version;
	rec->id.epoch = epoch;
	rec->segments = segments;
	rec->size = size;
	rec->policy = strdup(policy);
	rec->sigs = json_incref(json_object_get(msg, "policy_sigs"));
	if (!rec->policy)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int put_group(const struct network *net, uint32_t id, struct record *rec,
		     const struct network_group **out, struct err *err)
{
	const struct network_group *group = network_group(net, id);
	unsigned int i;

	if (!group)
		return err_set(err, -ENOENT,
			       "group %u is not in the network description here",
			       id);
	rec->id.group = group->id;
	rec->id.generation = group->generation;
	rec->id.scheme = group->scheme;
	rec->id.k = group->k;
	rec->id.n = group->n;
	rec->members = group->n;
	for (i = 0; i < group->n; i++) {
		rec->member[i].node = group->member[i].node;
		rec->member[i].x = group->member[i].x;
		if (group->member[i].node == net->self)
			rec->id.x = group->member[i].x;
	}
	*out = group;
	if (rec->id.x)
		return 0;
	return err_set(err, -EACCES, "this node is not a member of group %u",
		       id);
}

/* Signatures, this node's and the asking node's part in the policy. */
static int put_permit(struct exchange *x, struct record *rec, struct err *err)
{
	const struct network *net = x->env->net;
	const struct network_group *group = NULL;
	struct policy policy;
	json_t *whole;
	int ret;

	ret = policy_verify(rec, x->env->pki, net->domain, &policy, err);
	if (ret)
		return ret;
	ret = put_group(net, policy.group, rec, &group, err) ?:
	      policy_admits(&policy, net->self, group, err);
	if (!ret && policy.ssa != x->peer.node)
		ret = err_set(err, -EACCES,
			      "the policy names node %u as SSA, not node %u",
			      policy.ssa, x->peer.node);
	policy_free(&policy);
	if (ret)
		return ret;

	/* nothing is written down that could not be read again */
	whole = record_encode(rec, RECORD_JOB);
	if (!whole)
		return err_set(err, -ENOMEM, "out of memory");
	record_free(rec);
	ret = record_decode(whole, "begin", RECORD_JOB, rec, err);
	json_decref(whole);
	return ret;
}

int put_begin(struct exchange *x, const json_t *msg)
{
	struct record rec;
	struct job *job;
	struct err err;
	int ret;

	ret = put_record(msg, &rec, &err) ?: put_permit(x, &rec, &err);
	if (!ret) {
		ret = job_begin(x->env->storage, &rec, &job, &err);
		if (!ret) {
			put_use(x, job);
			ret = put_own(x, &err);
		}
	}
	record_free(&rec);
	return ret ? exchange_refuse(x, msg, ret, err.text) :
		     put_answer_ok(x, msg);
}

/* --- segment, and its data */

static int put_segment_fields(struct exchange *x, const json_t *msg,
			      struct err *err)
{
	struct put *put = &x->put;
	int64_t segment, length, messages;
	uint64_t deal;
	int ret;

	ret = config_int(msg, "segment", "segment", 0,
			 put->job->rec.segments - 1, -1, &segment, err) ?:
	      record_deal(msg, "segment", &deal, err) ?:
	      config_int(msg, "segment", "length", 1, SHAREFILE_MAX, 0,
			 &length, err) ?:
	      config_int(msg, "segment", "messages", 1, UINT32_MAX, 0,
			 &messages, err);
	if (ret)
		return -EINVAL;
	if (messages != sharefile_messages(length))
		return err_set(err, -EINVAL,
			       "%" PRId64 " bytes are %u messages, not %" PRId64,
			       length, sharefile_messages(length), messages);
	put->segment = segment;
	put->deal = deal;
	put->length = length;
	put->messages = messages;
	put->next = 0;
	return 0;
}

int put_segment(struct exchange *x, const json_t *msg)
{
	struct put *put = &x->put;
	uint64_t deal;
	struct err err;
	int ret;

	put_drop(x);		/* one segment at a time */
	ret = put_find(x, msg, &err) ?: put_own(x, &err) ?:
	      put_segment_fields(x, msg, &err);
	if (ret)
		return exchange_refuse(x, msg, ret, err.text);
	ret = job_segment(put->job, put->segment, &deal);
	if (ret < 0)
		return exchange_refuse(x, msg, ret, strerror(-ret));
	if (ret && deal == put->deal)	/* what comes now is here already */
		return put_answer_durable(x, msg);
	if (put->job->state == JOB_COMMITTED)
		return exchange_refuse(x, msg, -EALREADY,
				       "the job is committed");
	put->active = 1;
	return 0;
}

/* Is @head what this node's share of the segment must look like? */
static int put_check_head(struct exchange *x, const struct ssn_share *head,
			  size_t len, struct err *err)
{
	const struct put *put = &x->put;
	const struct ssn_share *id = &put->job->rec.id;
	const char *what = NULL;

	if (memcmp(head->object, id->object, sizeof(id->object)) ||
	    head->version != id->version || head->epoch != id->epoch)
		what = "object, version or epoch";
	else if (head->segment != put->segment || head->deal != put->deal)
		what = "segment or deal";
	else if (head->group != id->group || head->generation != id->generation)
		what = "group or generation";
	else if (head->scheme != id->scheme || head->k != id->k ||
		 head->n != id->n || head->x != id->x)
		what = "scheme, k, n or x";
	else if (head->message != put->next)
		what = "message number";
	else if (len != sharefile_message_len(put->length, put->next))
		what = "length of the message";
	else if (put->next && head->provenance != put->rec.id.provenance)
		what = "provenance";
	return what ? err_set(err, -EINVAL,
			      "%s in a share is not what was agreed", what) : 0;
}

static int put_open(struct exchange *x, const struct ssn_share *head,
		    struct err *err)
{
	struct put *put = &x->put;
	int ret;

	if (!head->provenance || head->provenance > SSN_COEFF_CRNG)
		return err_set(err, -EINVAL, "provenance %u is not known",
			       head->provenance);
	put->rec = put->job->rec;
	put->rec.id.segment = put->segment;
	put->rec.id.deal = put->deal;
	put->rec.id.provenance = head->provenance;
	put->rec.suite = x->peer.suite;
	ret = job_share_create(x->env->storage, put->job, &put->rec,
			       put->length, &put->writer);
	if (ret)
		return err_set(err, ret, "%" PRIu64 " bytes for a share: %s",
			       put->length, strerror(-ret));
	put->open = 1;
	return 0;
}

static int put_store(struct exchange *x, const struct ssn_share *head,
		     const void *buf, size_t len, struct err *err)
{
	struct put *put = &x->put;
	int ret;

	if (put->job->state == JOB_GONE)
		return err_set(err, -ENOENT, "the job was aborted");
	if (put->job->owner != x)
		return err_set(err, -EALREADY,
			       "the job went on over another connection");
	put->job->active = monotonic_ms();
	ret = put_check_head(x, head, len, err);
	if (!ret && !put->open)
		ret = put_open(x, head, err);
	if (ret)
		return ret;
	ret = sharefile_append(&put->writer, buf, len);
	if (!ret && ++put->next == put->messages) {
		put->open = 0;
		ret = job_share_commit(x->env->storage, put->job, &put->rec,
				       &put->writer);
	}
	return ret ? err_set(err, ret, "share not stored: %s", strerror(-ret)) :
		     0;
}

int put_data(struct exchange *x, const struct ssn_share *head, const void *buf,
	     size_t len)
{
	struct put *put = &x->put;
	char job[UUID_TEXT], deal[RECORD_DEAL_TEXT];
	struct err err;
	json_t *msg;
	int ret;

	if (!put->active) {
		/* of a deal that was refused, is here, or was abandoned */
		x->env->counters.stray++;
		return 0;
	}
	ret = put_store(x, head, buf, len, &err);
	if (!ret && put->next < put->messages)
		return 0;

	uuid_format(put->job->id, job);
	record_deal_text(put->deal, deal);
	msg = json_pack("{sssssIss}", "op", "segment", "job", job, "segment",
			(json_int_t)put->segment, "deal", deal);
	if (!msg)
		return -ENOMEM;
	if (ret) {
		put_drop(x);
		ret = exchange_refuse(x, msg, ret, err.text);
	} else {
		put->active = 0;
		x->env->counters.shares_in++;
		x->env->counters.bytes_in += put->length;
		ret = put_answer_durable(x, msg);
	}
	json_decref(msg);
	return ret;
}

int put_abandon(struct exchange *x, const json_t *msg)
{
	struct put *put = &x->put;
	int64_t segment;
	uint64_t deal;
	struct err err;
	int ret;

	ret = put_find(x, msg, &err) ?:
	      config_int(msg, "abandon", "segment", 0, UINT32_MAX, -1,
			 &segment, &err) ?:
	      record_deal(msg, "abandon", &deal, &err);
	if (!ret) {
		if (put->active && put->segment == segment &&
		    put->deal == deal)
			put_drop(x);
		ret = job_share_void(x->env->storage, put->job, segment, deal);
		if (ret)
			err_set(&err, ret, "%s", strerror(-ret));
	}
	if (ret)	/* nobody waits for an answer */
		log_warn("node %u: abandon: %s", x->peer.node, err.text);
	return 0;
}

/* --- the end of a job */

int put_prepared(struct exchange *x, const json_t *msg)
{
	char nonce[2 * RECORD_NONCE + 1];
	struct record *rec;
	struct err err;
	int ret;

	put_drop(x);
	ret = put_find(x, msg, &err) ?: job_prepare(x->put.job, &err);
	if (ret)
		return exchange_refuse(x, msg, ret, err.text);
	rec = &x->put.job->rec;
	hex_encode(rec->nonce, RECORD_NONCE, nonce);
	return exchange_answer(x, msg,
			       json_pack("{sssssI}", "status", "durable",
					 "nonce", nonce, "segments",
					 (json_int_t)rec->segments));
}

static void put_discarded(struct exchange *x)
{
	if (x->env->discarded)
		x->env->discarded(x->env->arg);
}

int put_commit(struct exchange *x, const json_t *msg)
{
	enum job_state before;
	struct err err;
	int ret;

	put_drop(x);
	ret = put_find(x, msg, &err);
	if (ret)
		return exchange_refuse(x, msg, ret, err.text);
	before = x->put.job->state;
	ret = job_commit(x->env->storage, x->put.job, &err);
	if (!ret) {
		x->env->counters.committed += before != JOB_COMMITTED;
		return put_answer_ok(x, msg);
	}
	put_discarded(x);
	return exchange_refuse(x, msg, ret, err.text);
}

int put_abort(struct exchange *x, const json_t *msg)
{
	struct err err;
	int ret;

	put_drop(x);
	ret = put_find(x, msg, &err);
	if (ret == -ENOENT)	/* never begun, or aborted before */
		return put_answer_ok(x, msg);
	if (!ret)
		ret = job_abort(x->env->storage, x->put.job, &err);
	if (ret)
		return exchange_refuse(x, msg, ret, err.text);
	x->env->counters.aborted++;
	put_discarded(x);
	return put_answer_ok(x, msg);
}
