// SPDX-License-Identifier: GPL-2.0
/* Asking coordinators on the event loop, one connection at a time. */
#include "resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "ssnsock.h"

#define RESOLVER_PATIENCE_MS	10000
static const struct timeval resolver_patience = { .tv_sec = 10 };
/*
 * "Can send" means that a message of full size fits; the question is small, and
 * is tried all the same.
 */
static const struct timeval resolver_retry = { .tv_usec = 250000 };
static const struct timeval resolver_now = { 0, 0 };

#define RESOLVER_ANSWER	65536	/* bytes that an answer may have */

struct resolver {
	struct event_base *base;
	struct exchange_env *env;
	unsigned int after;		/* seconds */
	unsigned int min_age;		/* 0 in the first round: all of them */
	struct event *timer, *event;	/* @event: of the connection */
	int fd;
	uint64_t deadline;		/* monotonic_ms(), for the question */
	char cursor[UUID_TEXT];
	struct resolve_ask ask;
};

static void resolver_next(struct resolver *r, int why);

static void resolver_hang_up(struct resolver *r)
{
	if (r->event)
		event_free(r->event);
	r->event = NULL;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

static int resolver_wait(struct resolver *r, short what, event_callback_fn fn,
			 const struct timeval *patience)
{
	if (r->event)
		event_free(r->event);
	r->event = event_new(r->base, r->fd, what, fn, r);
	if (!r->event || event_add(r->event, patience))
		return -ENOMEM;
	return 0;
}

static void resolver_readable(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct ssn_share head;
	json_t *answer;
	ssize_t len;
	char *buf;
	int has, ret;

	if (what & EV_TIMEOUT) {
		resolver_next(r, -ETIMEDOUT);
		return;
	}
	buf = malloc(RESOLVER_ANSWER);
	if (!buf) {
		resolver_next(r, -ENOMEM);
		return;
	}
	len = ssn_recv(r->fd, &head, &has, buf, RESOLVER_ANSWER);
	if (len == -EAGAIN) {
		ret = resolver_wait(r, EV_READ, resolver_readable,
				    &resolver_patience);
		if (ret)
			resolver_next(r, ret);
		goto out;
	}
	answer = len > 0 ? ssn_parse_json(buf, len) : NULL;
	if (answer)
		ret = resolve_answer(r->env, &r->ask, answer);
	else
		ret = len < 0 ? len : -EPROTO;
	json_decref(answer);
	resolver_next(r, ret);
out:
	free(buf);
}

static void resolver_writable(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	socklen_t len = sizeof(int);
	json_t *question;
	int ret = 0;

	if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &ret, &len))
		ret = errno;
	question = ret ? NULL : resolve_question(&r->ask);
	if (ret)
		ret = -ret;
	else
		ret = question ? ssn_send_json(r->fd, 0, question) : -ENOMEM;
	json_decref(question);
	if (ret == -EAGAIN || ret == -ENOKEY || ret == -ENOTCONN || ret == -EINPROGRESS) {
		ret = monotonic_ms() > r->deadline ? -ETIMEDOUT :
		      resolver_wait(r, EV_TIMEOUT, resolver_writable,
				    &resolver_retry);
		if (ret)
			resolver_next(r, ret);
		return;
	}
	if (!ret)
		ret = resolver_wait(r, EV_READ, resolver_readable,
				    &resolver_patience);
	if (ret)
		resolver_next(r, ret);
}

static void resolver_timer(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	int ret;

	ret = resolve_collect(r->env->storage, r->min_age, r->cursor, &r->ask);
	if (!ret && r->ask.count) {
		r->fd = ssn_connect_link(r->ask.ssa, SSN_SERVICE_COORD, 0);
		ret = r->fd < 0 ? r->fd :
		      resolver_wait(r, EV_WRITE, resolver_writable,
				    &resolver_retry);
		r->deadline = monotonic_ms() + RESOLVER_PATIENCE_MS;
	}
	if (ret || !r->ask.count)
		resolver_next(r, ret);
}

/* That question is done with: the next one, or rest until the next round. */
static void resolver_next(struct resolver *r, int why)
{
	struct timeval rest = { .tv_sec = r->after };

	resolver_hang_up(r);
	if (why)
		log_warn("%u pending jobs: their coordinator, node %u: %s",
			 r->ask.count, r->ask.ssa, ssn_strerror(why));
	if (!*r->cursor)
		r->min_age = r->after;	/* the first round is over */
	event_add(r->timer, *r->cursor ? &resolver_now : &rest);
}

int resolve_start(struct event_base *base, struct exchange_env *env,
		  unsigned int after, struct resolver **out, struct err *err)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->base = base;
	r->env = env;
	r->after = after;
	r->fd = -1;
	r->timer = evtimer_new(base, resolver_timer, r);
	if (!r->timer || event_add(r->timer, &resolver_now)) {
		resolve_stop(r);
		return err_set(err, -ENOMEM, "out of memory");
	}
	*out = r;
	return 0;
}

void resolve_stop(struct resolver *r)
{
	resolver_hang_up(r);
	if (r->timer)
		event_free(r->timer);
	free(r);
}
