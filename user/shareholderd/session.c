// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "ssnsock.h"

/*
 * A connection says that it can send when a message of full size fits. A small
 * answer may fit sooner, so it is tried again after a while.
 */
static const struct timeval session_retry = { .tv_usec = 500000 };
static const struct timeval session_soon = { 0, 0 };

struct session {
	struct session_server *server;
	struct exchange *exchange;
	struct event *readable, *writable, *again;
	uint32_t node;
	int fd;
	struct session *next;
};

struct session_server {
	struct event_base *base;
	struct exchange_env *env;
	struct event *listen;
	struct session *sessions;
	unsigned int count;
	int fd;
	uint8_t *buf;		/* the message that is being received; one thread */
};

static void session_free(struct session *s)
{
	struct session **link = &s->server->sessions;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	s->server->count--;
	if (s->readable)
		event_free(s->readable);
	if (s->writable)
		event_free(s->writable);
	if (s->again)
		event_free(s->again);
	if (s->exchange)
		exchange_free(s->exchange);
	close(s->fd);
	free(s);
}

static void session_end(struct session *s, int why)
{
	if (why)
		log_warn("node %u: connection ends: %s", s->node,
			 ssn_strerror(why));
	else
		log_debug("node %u: connection closed", s->node);
	session_free(s);
}

static ssize_t session_send(void *arg, const struct ssn_share *head,
			    const void *buf, size_t len)
{
	struct session *s = arg;

	return ssn_send(s->fd, head, buf, len);
}

/* Do what there is to do, and wait for what is missing. */
static void session_run(struct session *s)
{
	int ret = exchange_run(s->exchange);

	if (ret == EXCHANGE_IDLE)
		ret = event_add(s->readable, NULL);
	else if (ret == EXCHANGE_BLOCKED)
		ret = event_add(s->writable, &session_retry);
	else if (ret == EXCHANGE_MORE)
		ret = event_add(s->again, &session_soon);
	if (ret)
		session_end(s, ret);
}

static void session_go_on(evutil_socket_t fd, short what, void *arg)
{
	session_run(arg);
}

static void session_readable(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	uint8_t *buf = s->server->buf;
	struct ssn_share head;
	ssize_t len;
	int has, ret;

	len = ssn_recv(s->fd, &head, &has, buf, SSN_MSG_MAX);
	if (len == -EAGAIN) {
		event_add(s->readable, NULL);
		return;
	}
	if (len < 0 || (!len && !has)) {
		session_end(s, len);
		return;
	}
	ret = exchange_receive(s->exchange, has ? &head : NULL, buf, len);
	explicit_bzero(buf, len);
	if (ret)
		session_end(s, ret);
	else
		session_run(s);
}

static int session_new(struct session_server *server, int fd,
		       const struct ssn_peer_info *peer)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->server = server;
	s->fd = fd;
	s->node = peer->node;
	s->next = server->sessions;
	server->sessions = s;
	server->count++;
	s->exchange = exchange_new(server->env, peer, session_send, s);
	s->readable = event_new(server->base, fd, EV_READ, session_readable, s);
	s->writable = event_new(server->base, fd, EV_WRITE, session_go_on, s);
	s->again = evtimer_new(server->base, session_go_on, s);
	if (!s->exchange || !s->readable || !s->writable || !s->again ||
	    evutil_make_socket_nonblocking(fd) ||
	    event_add(s->readable, NULL)) {
		session_free(s);
		return 0;	/* freed with its descriptor */
	}
	log_debug("node %u: connected", s->node);
	return 0;
}

static void session_accept(evutil_socket_t listen, short what, void *arg)
{
	struct session_server *server = arg;
	struct ssn_peer_info peer;
	int fd;

	fd = ssn_accept(listen, &peer);
	if (fd == -EAGAIN)
		return;
	if (fd < 0) {
		log_warn("accept: %s", ssn_strerror(fd));
		return;
	}
	if (server->count >= SESSION_MAX) {
		log_warn("node %u: refused, there are %u connections",
			 peer.node, server->count);
		close(fd);
		return;
	}
	if (session_new(server, fd, &peer))
		close(fd);
}

int session_listen(struct event_base *base, struct exchange_env *env,
		   struct session_server **out, struct err *err)
{
	struct session_server *server = calloc(1, sizeof(*server));
	int ret = -ENOMEM;

	if (!server)
		return err_set(err, -ENOMEM, "out of memory");
	server->base = base;
	server->env = env;
	server->buf = malloc(SSN_MSG_MAX);
	server->fd = server->buf ? ssn_listen(SSN_SERVICE_AS, 64) : -ENOMEM;
	if (server->fd < 0) {
		ret = err_set(err, server->fd, "cannot listen on AF_SSN: %s",
			      ssn_strerror(server->fd));
		goto err_free;
	}
	server->listen = event_new(base, server->fd, EV_READ | EV_PERSIST,
				   session_accept, server);
	if (!server->listen || evutil_make_socket_nonblocking(server->fd) ||
	    event_add(server->listen, NULL)) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto err_close;
	}
	*out = server;
	return 0;

err_close:
	if (server->listen)
		event_free(server->listen);
	close(server->fd);
err_free:
	free(server->buf);
	free(server);
	return ret;
}

void session_close(struct session_server *server)
{
	event_free(server->listen);
	close(server->fd);
	while (server->sessions)
		session_free(server->sessions);
	free(server->buf);
	free(server);
}
