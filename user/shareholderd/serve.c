// SPDX-License-Identifier: GPL-2.0
/*
 * Reading, listing and deleting. A share leaves only after its digest was found
 * right and its policy, both signatures included, lets the asking node have it.
 */
#include "serve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "policy.h"

#define SERVE_LIST_ROWS	64		/* objects in one answer */
#define SERVE_HASH_STEP	(1U << 20)	/* bytes, then others have a turn */

/* --- read */

void serve_end(struct exchange *x)
{
	struct serve *serve = &x->serve;

	if (serve->state != SERVE_IDLE)
		sharefile_close(&serve->file);
	if (serve->buf) {
		explicit_bzero(serve->buf, SHAREFILE_MESSAGE);
		free(serve->buf);
	}
	serve->buf = NULL;
	serve->len = 0;
	serve->state = SERVE_IDLE;
}

int serve_read(struct exchange *x, const json_t *msg)
{
	int64_t req, version, epoch, segment;
	struct serve *serve = &x->serve;
	uint8_t object[16];
	struct err err;
	int ret;

	ret = config_int(msg, "read", "req", INT64_MIN + 1, INT64_MAX,
			 INT64_MIN, &req, &err) ?:
	      record_uuid(msg, "read", "object", object, &err) ?:
	      config_int(msg, "read", "version", 1, UINT32_MAX, 0, &version,
			 &err) ?:
	      config_int(msg, "read", "epoch", 0, INT64_MAX, -1, &epoch,
			 &err) ?:
	      config_int(msg, "read", "segment", 0, UINT32_MAX, -1, &segment,
			 &err);
	if (ret)
		return exchange_refuse(x, msg, -EINVAL, err.text);
	ret = object_share_open(x->env->storage, object, version, epoch,
				segment, &serve->file, &err);
	if (ret)
		return exchange_refuse(x, msg, ret, err.text);
	serve->state = SERVE_VERIFYING;
	serve->req = req;
	serve->next = 0;
	return 0;
}

static int serve_permit(struct exchange *x, struct err *err)
{
	const struct record *rec = &x->serve.file.rec;
	struct policy policy;
	int ret;

	ret = policy_verify_stored(rec, x->env->pki, x->env->net->domain,
				   &policy, err);
	if (ret)
		return ret;
	ret = policy_may_read(&policy, x->peer.node, err);
	policy_free(&policy);
	return ret;
}

/* The request of the read that is going on, for its answer. */
static json_t *serve_request(struct exchange *x)
{
	return json_pack("{sssI}", "op", "read", "req", x->serve.req);
}

static int serve_go(struct exchange *x, struct err *err)
{
	struct serve *serve = &x->serve;
	char deal[RECORD_DEAL_TEXT];
	json_t *msg;
	int ret;

	ret = serve_permit(x, err);
	if (ret)
		return ret;
	serve->buf = malloc(SHAREFILE_MESSAGE);
	msg = serve_request(x);
	record_deal_text(serve->file.rec.id.deal, deal);
	ret = -ENOMEM;
	if (serve->buf && msg)
		ret = exchange_answer(x, msg,
			json_pack("{sssssIsI}", "status", "go", "deal", deal,
				  "length", (json_int_t)serve->file.length,
				  "messages", (json_int_t)
				  sharefile_messages(serve->file.length)));
	json_decref(msg);
	if (ret)
		return err_set(err, ret, "out of memory");
	serve->state = SERVE_SENDING;
	return 0;
}

static int serve_verify(struct exchange *x)
{
	struct err err;
	json_t *msg;
	int ret;

	ret = sharefile_verify(&x->serve.file, SERVE_HASH_STEP, &err);
	if (ret > 0)
		return EXCHANGE_MORE;
	if (!ret)
		ret = serve_go(x, &err);
	if (!ret)
		return EXCHANGE_MORE;
	msg = serve_request(x);
	if (!msg)
		return -ENOMEM;
	serve_end(x);
	ret = exchange_refuse(x, msg, ret, err.text);
	json_decref(msg);
	return ret ?: EXCHANGE_MORE;
}

static int serve_message(struct exchange *x)
{
	struct serve *serve = &x->serve;
	struct ssn_share head = serve->file.rec.id;
	int ret;

	if (!serve->len) {
		serve->len = sharefile_read(&serve->file, serve->next,
					    serve->buf);
		if (serve->len < 0) {
			/* after `go` there is no other way to say so */
			log_err("segment %u: %s", head.segment,
				strerror(-serve->len));
			return serve->len;
		}
	}
	head.message = serve->next;
	ret = exchange_out(x, &head, serve->buf, serve->len);
	if (ret)
		return ret;
	serve->len = 0;
	if (++serve->next < sharefile_messages(serve->file.length))
		return EXCHANGE_MORE;
	x->env->counters.shares_out++;
	x->env->counters.bytes_out += serve->file.length;
	serve_end(x);
	return EXCHANGE_IDLE;
}

int serve_run(struct exchange *x)
{
	switch (x->serve.state) {
	case SERVE_VERIFYING:
		return serve_verify(x);
	case SERVE_SENDING:
		return serve_message(x);
	default:
		return EXCHANGE_IDLE;
	}
}

/* --- list */

struct serve_list {
	uint32_t node;		/* who asks */
	json_t *rows;
};

/* A job that was not prepared promises nothing, and is not shown. */
static int serve_row(const struct record *rec, enum job_state state, void *arg)
{
	char object[UUID_TEXT], job[UUID_TEXT];
	struct serve_list *list = arg;
	struct policy policy;
	struct err err;
	int ret = 0;

	if (state == JOB_PENDING)
		return 0;
	if (policy_parse(rec->policy, &policy, &err))
		return 0;
	uuid_format(rec->id.object, object);
	uuid_format(rec->job, job);
	if (!policy_may_read(&policy, list->node, &err))
		ret = json_array_append_new(list->rows,
			json_pack("{sssIsIsIsIsssssI}", "object", object,
				  "version", (json_int_t)rec->id.version,
				  "epoch", (json_int_t)rec->id.epoch,
				  "segments", (json_int_t)rec->segments,
				  "size", (json_int_t)rec->size,
				  "job", job,
				  "state", state == JOB_COMMITTED ?
				  "committed" : "pending",
				  "owner", (json_int_t)policy.owner));
	policy_free(&policy);
	return ret ? -ENOMEM : 0;
}

/*
 * First the committed objects, then the pending jobs: a cursor is "c" or "p" and
 * the last id that was looked at.
 */
int serve_list(struct exchange *x, const json_t *msg)
{
	struct serve_list list = { .node = x->peer.node };
	char cursor[UUID_TEXT + 1];
	const char *after;
	struct err err;
	uint8_t id[16];
	int more;

	if (config_str(msg, "list", "after", "", &after, &err))
		return exchange_refuse(x, msg, -EINVAL, err.text);
	if (*after && (!strchr("cp", *after) ||
		       (after[1] && uuid_parse(after + 1, id))))
		return exchange_refuse(x, msg, -EINVAL,
				       "list: after: not a cursor of mine");
	list.rows = json_array();
	if (!list.rows)
		return -ENOMEM;
	strcpy(cursor, *after ? after : "c");
	if (cursor[0] == 'c') {
		more = storage_objects(x->env->storage, after + !!*after,
				       SERVE_LIST_ROWS, serve_row, &list,
				       cursor + 1);
		if (!more)
			strcpy(cursor, "p");
		more = more ?: 1;
	} else {
		more = storage_jobs(x->env->storage, after + 1,
				    SERVE_LIST_ROWS, 0, serve_row, &list,
				    cursor + 1);
	}
	if (more < 0) {
		json_decref(list.rows);
		return exchange_refuse(x, msg, more, strerror(-more));
	}
	return exchange_answer(x, msg,
			       json_pack("{sssossso}", "status", "done",
					 "objects", list.rows, "cursor", cursor,
					 "more", json_boolean(more)));
}

/* --- delete */

int serve_delete(struct exchange *x, const json_t *msg)
{
	const char *sig, *cert;
	struct policy policy;
	struct record rec;
	uint8_t object[16];
	int64_t version;
	struct err err;
	int ret;

	ret = record_uuid(msg, "delete", "object", object, &err) ?:
	      config_int(msg, "delete", "version", 1, UINT32_MAX, 0, &version,
			 &err) ?:
	      config_str(msg, "delete", "sig", NULL, &sig, &err) ?:
	      config_str(msg, "delete", "cert", NULL, &cert, &err);
	if (ret)
		return exchange_refuse(x, msg, -EINVAL, err.text);
	ret = object_record(x->env->storage, object, version, &rec, &err);
	if (ret == -ENOENT)	/* nothing of it is here, which is the wish */
		return exchange_answer(x, msg, json_pack("{sssi}", "status",
							 "ok", "epochs", 0));
	if (ret)
		return exchange_refuse(x, msg, ret, err.text);

	ret = policy_verify_stored(&rec, x->env->pki, x->env->net->domain,
				   &policy, &err);
	record_free(&rec);
	if (!ret) {
		ret = policy_may_delete(&policy, x->env->pki,
					x->env->net->domain, cert, sig,
					time(NULL), &err);
		policy_free(&policy);
	}
	if (!ret)
		ret = object_delete(x->env->storage, object, version, &err);
	if (ret < 0)
		return exchange_refuse(x, msg, ret, err.text);
	x->env->counters.deleted++;
	if (x->env->discarded)
		x->env->discarded(x->env->arg);
	return exchange_answer(x, msg, json_pack("{sssi}", "status", "ok",
						 "epochs", ret));
}
