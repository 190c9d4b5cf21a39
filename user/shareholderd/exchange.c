// SPDX-License-Identifier: GPL-2.0
#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "put.h"
#include "serve.h"
#include "ssnsock.h"

struct exchange *exchange_new(struct exchange_env *env,
			      const struct ssn_peer_info *peer,
			      exchange_send *send, void *arg)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->env = env;
	x->peer = *peer;
	x->send = send;
	x->arg = arg;
	x->serve.file.fd = -1;
	return x;
}

void exchange_free(struct exchange *x)
{
	put_end(x);
	serve_end(x);
	free(x->out);
	free(x);
}

int exchange_answer(struct exchange *x, const json_t *request, json_t *answer)
{
	static const char *const echo[] = { "job", "req", "segment", "deal" };
	json_t *op = json_object_get(request, "op");
	int ret = 0;
	size_t i;

	if (!answer)
		return -ENOMEM;
	if (op)
		ret = json_object_set(answer, "re", op);
	for (i = 0; i < sizeof(echo) / sizeof(echo[0]); i++) {
		json_t *value = json_object_get(request, echo[i]);

		if (value && (json_is_integer(value) || json_is_string(value)))
			ret |= json_object_set(answer, echo[i], value);
	}
	free(x->out);
	x->out = ret ? NULL : json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	return x->out ? 0 : -ENOMEM;
}

int exchange_refuse(struct exchange *x, const json_t *request, int err,
		    const char *text)
{
	const char *op = json_string_value(json_object_get(request, "op"));
	const char *name = strerrorname_np(err < 0 ? -err : err);

	x->env->counters.refused++;
	if (err == -EBADMSG)
		x->env->counters.rotten++;
	log_warn("node %u: %s refused: %s", x->peer.node, op ? op : "request",
		 text);
	return exchange_answer(x, request,
			       json_pack("{ssssss}", "status", "error",
					 "errno", name ? name : "EIO",
					 "message", text));
}

static const struct {
	const char *op;
	int (*fn)(struct exchange *x, const json_t *msg);
} exchange_ops[] = {
	{ "begin", put_begin },
	{ "segment", put_segment },
	{ "abandon", put_abandon },
	{ "prepared", put_prepared },
	{ "commit", put_commit },
	{ "abort", put_abort },
	{ "read", serve_read },
	{ "list", serve_list },
	{ "delete", serve_delete },
};

static int exchange_request(struct exchange *x, const json_t *msg)
{
	const char *op = json_string_value(json_object_get(msg, "op"));
	size_t i;

	x->env->counters.requests++;
	if (!op)
		return exchange_refuse(x, msg, -EINVAL, "a request needs an op");
	if (x->peer.role != SSN_ROLE_SSA)
		return exchange_refuse(x, msg, -EACCES,
				       "only an SSA may ask a shareholder");
	for (i = 0; i < sizeof(exchange_ops) / sizeof(exchange_ops[0]); i++)
		if (!strcmp(exchange_ops[i].op, op))
			return exchange_ops[i].fn(x, msg);
	return exchange_refuse(x, msg, -EOPNOTSUPP, "no such op");
}

int exchange_receive(struct exchange *x, const struct ssn_share *head,
		     const void *buf, size_t len)
{
	json_t *msg;
	int ret;

	if (head && !(head->flags & SSN_SHARE_CONTROL))
		return put_data(x, head, buf, len);
	msg = head ? ssn_parse_json(buf, len) : NULL;
	if (!msg) {
		x->env->counters.malformed++;
		log_warn("node %u: a message that is neither a share nor a JSON object",
			 x->peer.node);
		return -EPROTO;
	}
	ret = exchange_request(x, msg);
	json_decref(msg);
	return ret;
}

int exchange_out(struct exchange *x, const struct ssn_share *head,
		 const void *buf, size_t len)
{
	ssize_t ret = x->send(x->arg, head, buf, len);
	uint64_t now;

	if (ret >= 0) {
		x->blocked = 0;
		return 0;
	}
	if (ret != -EAGAIN && ret != -ENOKEY)
		return ret;
	now = monotonic_ms();
	if (!x->blocked)
		x->blocked = now;
	return now - x->blocked < EXCHANGE_PATIENCE_MS ? EXCHANGE_BLOCKED :
							 ret;
}

int exchange_run(struct exchange *x)
{
	const struct ssn_share control = { .flags = SSN_SHARE_CONTROL };
	int ret;

	if (x->out) {
		ret = exchange_out(x, &control, x->out, strlen(x->out));
		if (ret)
			return ret;
		free(x->out);
		x->out = NULL;
	}
	return serve_run(x);
}
