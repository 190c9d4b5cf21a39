// SPDX-License-Identifier: GPL-2.0
/*
 * put: data supply (Y.3808 10.1). The SSA coordinates: every member of the write
 * set says that all its shares are durable, then one COMMIT record is made
 * durable here, and that is the acknowledgement (PROTOCOL 4).
 *
 * Memory: one segment, and SSN_MSG_MAX for each of owner and group.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dealer.h"
#include "log.h"
#include "policy.h"
#include "put.h"
#include "record.h"
#include "remove.h"
#include "segment.h"
#include "session.h"
#include "ssnsock.h"
#include "util.h"

#define COMMIT_MS	5000	/* for the members to take the COMMIT in */

int put_lost_owner(struct put *p, int ret, struct err *err)
{
	p->owner_gone = true;
	return err_set(err, ret, "the owner's connection: %s", ssn_strerror(ret));
}

/* --- the request */

static int put_read(struct put *p, const json_t *req, struct err *err)
{
	const json_t *name = json_object_get(req, "name");
	uint8_t object[UUID_BYTES], job[UUID_BYTES];
	int wait, replace, ret;
	int64_t size, group, w;

	ret = name_check(name, err) ?:
	      config_str(req, "put", "job", NULL, &p->job, err) ?:
	      config_str(req, "put", "object", NULL, &p->object, err) ?:
	      config_str(req, "put", "policy", NULL, &p->policy_text, err) ?:
	      config_str(req, "put", "policy_sig", NULL, &p->policy_sig, err) ?:
	      config_str(req, "put", "owner_cert", NULL, &p->owner_cert, err) ?:
	      config_str(req, "put", "replace_sig", "", &p->replace_sig, err) ?:
	      config_int(req, "put", "size", 0, INT64_MAX / 2, -1, &size, err) ?:
	      config_int(req, "put", "group", 1, UINT32_MAX, 0, &group, err) ?:
	      config_int(req, "put", "min_confirmed", 0, SSN_MEMBERS_MAX, 0, &w,
			 err) ?:
	      config_bool(req, "put", "wait", 0, &wait, err) ?:
	      config_bool(req, "put", "replace", 0, &replace, err);
	if (ret)
		return ret;
	if (uuid_parse(p->job, job) || uuid_parse(p->object, object))
		return err_set(err, -EINVAL, "put: job and object are UUIDs");
	p->name = json_string_value(name);
	p->size = size;
	p->wait = wait;
	p->replace = replace;
	p->group = network_group(&p->ssad->net, group);
	if (!p->group)
		return err_set(err, -EHOSTUNREACH, "group %lld is not known here",
			       (long long)group);
	if (w && (w < p->group->k || w > p->group->n))
		return err_set(err, -EINVAL,
			       "min_confirmed: %lld is not from k to n, %u to %u",
			       (long long)w, p->group->k, p->group->n);
	p->min_confirmed = w ?: p->group->n;
	if (segment_many(p->size, p->ssad->segment_bytes))
		return err_set(err, -EFBIG,
			       "%llu bytes are more than %u segments of %u bytes",
			       (unsigned long long)p->size, SEGMENTS_MAX - 1,
			       p->ssad->segment_bytes);
	p->segments = 1 + segment_count(p->size, p->ssad->segment_bytes);
	ret = policy_parse(p->policy_text, &p->policy, err);
	if (ret)
		return ret;
	if (memcmp(p->policy.object, object, sizeof(object)))
		return err_set(err, -EINVAL,
			       "the policy is not for object %s", p->object);
	return 0;
}

/* Is the policy the owner's own, and does it fit what will be done? */
static int put_policy(struct put *p, struct err *err)
{
	const struct policy *policy = &p->policy;
	const struct network_group *g = p->group;
	struct pki_id who;
	unsigned int i;
	int ret;

	ret = pki_verify(p->ssad->pki, p->owner_cert, p->policy_text,
			 strlen(p->policy_text), p->policy_sig, &who, err);
	if (ret)
		return ret;
	if (strcmp(who.role, "owner") || who.node != p->s->peer.node ||
	    policy->owner != p->s->peer.node)
		return err_set(err, -EACCES,
			       "the policy is signed by %s %u for owner %u, but node %u asks",
			       who.role, who.node, policy->owner, p->s->peer.node);
	if (policy->ssa != p->ssad->net.self)
		return err_set(err, -EACCES, "the policy names SSA %u, this is %u",
			       policy->ssa, p->ssad->net.self);
	if (policy->group != g->id || policy->generation != g->generation)
		return err_set(err, -ESTALE,
			       "the policy names group %u generation %u, the group is %u generation %u",
			       policy->group, policy->generation, g->id,
			       g->generation);
	if (policy->min_k > g->k)
		return err_set(err, -EACCES,
			       "the policy wants a threshold of %u, group %u has %u",
			       policy->min_k, g->id, g->k);
	for (i = 0; i < g->n; i++)
		if (!policy_holds(policy, g->member[i].node))
			return err_set(err, -EACCES,
				       "the policy does not allow node %u, a member of group %u",
				       g->member[i].node, g->id);
	return pki_sign(p->ssad->pki, p->policy_text, strlen(p->policy_text),
			&p->ssa_sig, err);
}

/* --- data */

#define OWNER_RATE	4096U	/* bytes a second that data has to come with */

/* An owner that waits for pad of its own says nothing, and is not idle. */
static bool put_owner_short(struct put *p, size_t len)
{
	struct reserve_need need = { .peer = p->s->peer.node, .dir = QKD_DIR_RX };
	struct reservation *r;
	struct err err;
	int ret;

	reserve_message(&need, len < SEGMENT_MESSAGE ? len : SEGMENT_MESSAGE);
	ret = reserve_take(p->ssad->res, &need, 1, NULL, NULL, &r, NULL, &err);
	reserve_drop(r);
	return ret == -ENOKEY;
}

/* The next message, of which @len bytes are missing still, with an end to waiting. */
static ssize_t put_message(struct put *p, uint64_t deadline, size_t len, int *control)
{
	uint64_t now = monotonic_ms();
	ssize_t got;

	if (!p->wait)
		return now < deadline ?
		       session_recv(p->s, deadline - now, control) : -ETIMEDOUT;
	do {
		got = session_recv(p->s, p->ssad->owner_timeout_ms, control);
	} while (got == -ETIMEDOUT && put_owner_short(p, len));
	return got;
}

/* @len bytes of the object, from the owner, into p->seg. */
static int put_receive(struct put *p, size_t len, struct err *err)
{
	uint64_t begun = monotonic_ms() + p->ssad->owner_timeout_ms;
	size_t have = 0, part;
	int control;
	ssize_t got;

	while (have < len) {
		if (!p->spare) {
			got = put_message(p, begun + have * 1000 / OWNER_RATE,
					  len - have, &control);
			if (got <= 0)
				return put_lost_owner(p, got ?: -EPIPE, err);
			if (control)
				return err_set(err, -EPROTO,
					       "a request where data of the put was expected");
			p->spare = got;
			p->spare_at = 0;
		}
		part = p->spare < len - have ? p->spare : len - have;
		memcpy(p->seg + have, p->s->buf + p->spare_at, part);
		reserve_spent(p->reserved, p->s->peer.node, QKD_DIR_RX, part);
		have += part;
		p->spare -= part;
		p->spare_at += part;
	}
	return 0;
}

static json_t *put_metadata(const struct put *p)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:s}",
		"name", p->name, "owner", (json_int_t)p->policy.owner,
		"size", (json_int_t)p->size, "stored_at", (json_int_t)time(NULL),
		"segment_bytes", (json_int_t)p->ssad->segment_bytes,
		"group", (json_int_t)p->group->id,
		"generation", (json_int_t)p->group->generation,
		"k", p->group->k, "n", p->group->n, "epoch", 0,
		"coefficients", coeff_name(ssad_coeff(p->ssad, p->group)), "job", p->job,
		"policy", p->policy_text, "policy_sig", p->policy_sig,
		"owner_cert", p->owner_cert);
}

/* A share is as long as what is shared: blanks behind it hide how long the name is. */
static int put_metadata_segment(struct put *p, const json_t *meta, struct err *err)
{
	char *text = json_dumps(meta, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0, padded = record_padded(len);
	int ret;

	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	if (padded + SEGMENT_CODE > RECORD_MAX || padded > p->ssad->segment_bytes) {
		ret = err_set(err, -E2BIG, "%zu bytes of metadata and policy", len);
	} else {
		memcpy(p->seg, text, len);
		memset(p->seg + len, ' ', padded - len);
		ret = put_segment(p, 0, padded, err);
	}
	free(text);
	return ret;
}

/* --- the job */

/*
 * A catalogue that was lost does not know whether this job was committed before.
 * Who refuses to begin it has it from then: it must not go on, nor be aborted. When
 * it begins anew at n - k + 1 of them, no k have anything of it, and it is a job
 * like any other.
 */
static int put_fresh(struct put *p, int in, struct err *err)
{
	unsigned int i;

	if (!catalogue_lost(p->ssad->cat))
		return 0;
	for (i = 0; i < p->d->n; i++) {
		const struct dealer_member *m = &p->d->member[i];

		if (!strcmp(m->refused, "EEXIST") || !strcmp(m->refused, "EALREADY"))
			return err_set(err, -EINPROGRESS,
				       "%s (node %u) has this job, or this version, from before this agent lost its state: ssnctl index rebuild settles it",
				       ssad_node_name(m->node, p->ssad), m->node);
	}
	if (in >= (int)(p->d->n - p->group->k + 1) &&
	    catalogue_fresh(p->ssad->cat, p->job))
		return err_set(err, -EIO, "the catalogue cannot be written");
	return 0;
}

static int put_begin(struct put *p, const bool *skip, struct err *err)
{
	struct reservation *held;
	uint8_t nonce[16];
	unsigned int i;
	json_t *msg;
	int ret;

	ret = random_fill(nonce, sizeof(nonce));
	if (ret)
		return err_set(err, ret, "no random bytes: %s", strerror(-ret));
	hex_encode(nonce, sizeof(nonce), p->nonce);
	ret = put_pace(p, put_begin_bytes(p), &held, err);
	if (ret)
		return ret;
	ret = dealer_open(&p->d, &p->ssad->net, p->group, p->ssad->group_timeout_ms,
			  false, ssad_coeff(p->ssad, p->group), p->min_confirmed, err);
	if (ret)
		goto out;
	p->d->reserved = p->reserved;
	if (p->wait) {
		p->d->patience = put_patience;
		p->d->arg = p;
	}
	for (i = 0; i < p->d->n; i++)
		if (skip[i])
			dealer_out(p->d, &p->d->member[i], -ENOKEY,
				   "not enough pad for this job");
	msg = json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:I, s:I, s:s, s:{s:{s:s, s:s}, s:{s:s, s:s}}}",
		"op", "begin", "job", p->job, "nonce", p->nonce,
		"object", p->object, "version", (json_int_t)p->policy.version,
		"epoch", 0, "segments", (json_int_t)p->segments,
		"size", (json_int_t)p->size, "policy", p->policy_text,
		"policy_sigs", "owner", "cert", p->owner_cert, "sig", p->policy_sig,
		"ssa", "cert", pki_cert_pem(p->ssad->pki), "sig", p->ssa_sig);
	if (!msg) {
		ret = err_set(err, -ENOMEM, "no memory");
		goto out;
	}
	ret = dealer_ask(p->d, msg, 0, NULL, NULL);
	json_decref(msg);
	ret = put_fresh(p, ret, err) ?: put_enough(p, ret, err);
	if (!ret && dealer_in(p->d) < p->d->n)
		ret = dealer_write_set(p->d);
out:
	reserve_drop(held);
	return ret;
}

static int put_data(struct put *p, struct err *err)
{
	uint32_t i;
	int ret;

	for (i = 1; i < p->segments; i++) {
		size_t len = segment_bytes(p->size, p->ssad->segment_bytes, i);

		ret = put_receive(p, len, err) ?: put_segment(p, i, len, err);
		if (ret)
			return ret;
		p->stored += len;
		ret = session_send(p->s, json_pack("{s:s, s:s, s:I}", "re", "put",
						   "status", "progress", "stored",
						   (json_int_t)p->stored));
		if (ret)
			return put_lost_owner(p, ret, err);
	}
	if (p->spare)
		return err_set(err, -EPROTO, "more data than the %llu bytes announced",
			       (unsigned long long)p->size);
	return 0;
}

/* All say prepared, then the COMMIT record. @answer is what the owner gets. */
static int put_commit(struct put *p, json_t *meta, json_t **answer, struct err *err)
{
	json_t *msg = put_msg(p, "prepared");
	int ret;

	ret = dealer_ask(p->d, msg, 0, put_prepared, p);
	json_decref(msg);
	ret = put_enough(p, ret, err);
	if (ret)
		return ret;
	json_object_set_new(meta, "object", json_string(p->object));
	json_object_set_new(meta, "version", json_integer(p->policy.version));
	json_object_set_new(meta, "members", record_members(p->d));
	*answer = record_answer(meta);
	json_object_set_new(*answer, "wire_bytes", json_integer(p->d->wire_bytes));
	json_object_set_new(*answer, "pad_bytes", json_integer(p->d->pad_bytes));
	ret = catalogue_commit(p->ssad->cat, p->job, meta, *answer, err);
	/* perhaps committed: nobody is told to drop it, who asks is told later */
	if (!ret || ret == -EINPROGRESS)
		p->begun = false;
	if (ret)
		return ret;
	/* best effort: who misses it asks the coordinator */
	msg = put_msg(p, "commit");
	dealer_ask(p->d, msg, COMMIT_MS, NULL, NULL);
	json_decref(msg);
	return 0;
}

/* The versions before this one go; what does not stays "deleting". */
static void put_replaced(struct put *p)
{
	struct ssad *ssad = p->ssad;
	unsigned int confirmed;
	json_t *old, *json;
	uint8_t job[UUID_BYTES];
	char text[UUID_TEXT];
	size_t i;

	if (!p->replace || !*p->replace_sig ||
	    catalogue_deleting(ssad->cat, p->object, &old))
		return;
	json_array_foreach(old, i, json) {
		int64_t version = json_integer_value(json_object_get(json, "version"));

		if (version != (int64_t)p->policy.version - 1 || uuid_random(job))
			continue;
		uuid_format(job, text);
		if (!remove_version(p->d, text, p->object, version, p->replace_sig,
				    p->owner_cert, &confirmed) &&
		    confirmed >= p->group->n - p->group->k + 1)
			catalogue_delete(ssad->cat, p->object, version);
	}
	json_decref(old);
}

static int put_run(struct put *p, json_t **answer, struct err *err)
{
	bool skip[SSN_MEMBERS_MAX] = { false };
	json_t *meta = NULL;
	int ret;

	p->seg = malloc(p->ssad->segment_bytes + SEGMENT_CODE);
	if (!p->seg)
		return err_set(err, -ENOMEM, "no memory for a segment of %u bytes",
			       p->ssad->segment_bytes);
	ret = put_reserve(p, skip, err) ?: put_begin(p, skip, err);
	if (ret)
		return ret;
	ret = session_send(p->s, json_pack("{s:s, s:s, s:I, s:I}", "re", "put",
			"status", "go", "version", (json_int_t)p->policy.version,
			"segment", (json_int_t)p->ssad->segment_bytes));
	if (ret)
		return put_lost_owner(p, ret, err);
	p->going = true;
	meta = put_metadata(p);
	if (!meta)
		return err_set(err, -ENOMEM, "no memory");
	ret = put_metadata_segment(p, meta, err) ?: put_data(p, err) ?:
	      put_commit(p, meta, answer, err);
	if (!ret)
		put_replaced(p);
	json_decref(meta);
	return ret;
}

/* Tell those that still hear us; the others ask the coordinator. */
static void put_abort(struct put *p)
{
	json_t *msg;

	if (catalogue_abort(p->ssad->cat, p->job)) {
		log_err("job %s: it is not recorded as aborted, and nobody is told so",
			p->job);
		return;
	}
	if (!p->d)
		return;
	msg = put_msg(p, "abort");
	dealer_ask(p->d, msg, 0, NULL, NULL);
	json_decref(msg);
}

int session_put(struct session *s, const json_t *req)
{
	struct put p = { .s = s, .ssad = s->ssad };
	struct err err = { "" };
	json_t *answer = NULL;
	int ret;

	ret = put_read(&p, req, &err) ?: put_policy(&p, &err);
	if (!ret)
		ret = catalogue_begin(s->ssad->cat, &(struct catalogue_put){
				.job = p.job, .owner = s->peer.node, .name = p.name,
				.object = p.object, .version = p.policy.version,
				.size = p.size, .policy = p.policy_text,
				.replace = p.replace }, &answer, &err);
	if (!ret) {
		p.begun = true;
		ret = put_run(&p, &answer, &err);
		if (ret && p.begun)
			put_abort(&p);
	}
	if (ret >= 0) {
		ret = session_send(s, answer);
		answer = NULL;
	} else {
		if (p.owner_gone)
			log_info("node %u: job %s ended: %s", s->peer.node, p.job,
				 err.text);
		else
			session_error(s, "put", ret, &err);
		/* data may be on its way: the stream has no meaning any more */
		if (p.going && !p.owner_gone)
			session_drain(s);
		ret = p.going || p.owner_gone ? -EPIPE : 0;
	}
	json_decref(answer);
	dealer_close(p.d);
	reserve_drop(p.reserved);
	if (p.seg)
		explicit_bzero(p.seg, s->ssad->segment_bytes + SEGMENT_CODE);
	free(p.seg);
	free(p.ssa_sig);
	return ret;
}
