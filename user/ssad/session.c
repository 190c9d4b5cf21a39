// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "ssnsock.h"
#include "util.h"

#define SESSION_STACK	(512 << 10)
#define COORDINATOR_IDLE 30000
#define DRAIN_MS	10000

static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sessions_gone = PTHREAD_COND_INITIALIZER;
static struct session *sessions;	/* sessions_lock */
static unsigned int sessions_count;	/* sessions_lock */

static void session_end(struct session *s)
{
	struct session **p;

	pthread_mutex_lock(&sessions_lock);
	for (p = &sessions; *p != s; p = &(*p)->next)
		;
	*p = s->next;
	sessions_count--;
	close(s->fd);
	pthread_cond_broadcast(&sessions_gone);
	pthread_mutex_unlock(&sessions_lock);
	if (s->buf)
		explicit_bzero(s->buf, SSN_MSG_MAX);
	free(s->buf);
	free(s);
}

static void *session_thread(void *arg)
{
	struct session *s = arg;

	s->kind->serve(s);
	session_end(s);
	return NULL;
}

/* May @peer have another one? 0, or -EACCES, -EUSERS with @err. sessions_lock. */
static int session_admit(const struct session_kind *kind,
			 const struct ssn_peer_info *peer, struct err *err)
{
	unsigned int same = 0, its = 0;
	const struct session *s;

	if (peer->role != kind->role)
		return err_set(err, -EACCES, "node %u has not the role %s",
			       peer->node, network_role_name(kind->role));
	for (s = sessions; s; s = s->next) {
		same += s->kind == kind;
		its += s->kind == kind && s->peer.node == peer->node;
	}
	if (its >= kind->each)
		return err_set(err, -EUSERS,
			       "node %u has %u connections as %s, the most",
			       peer->node, its, kind->name);
	if (same >= kind->most || sessions_count >= SESSIONS_MAX)
		return err_set(err, -EUSERS,
			       "%u connections are served, %u as %s: no more",
			       sessions_count, same, kind->name);
	return 0;
}

/* Say so if it can be said at once. */
static void session_refuse(int conn, const struct ssn_peer_info *peer, int code,
			   const struct err *err)
{
	json_t *msg = json_pack("{s:s, s:s, s:s, s:s, s:s}", "re", "", "status",
		"error", "errno", strerrorname_np(-code) ?: "EIO", "message",
		err->text, "hint", code == -EUSERS ? "try again later" : "");
	int flags = fcntl(conn, F_GETFL);

	log_warn("node %u refused: %s", peer->node, err->text);
	if (msg && flags >= 0 && !fcntl(conn, F_SETFL, flags | O_NONBLOCK))
		ssn_send_json(conn, 0, msg);
	json_decref(msg);
}

void session_accept(struct ssad *ssad, int fd, const struct session_kind *kind)
{
	struct timeval timeout = { .tv_sec = ssad->owner_timeout_ms / 1000,
				   .tv_usec = ssad->owner_timeout_ms % 1000 * 1000 };
	struct ssn_peer_info peer;
	struct session *s = NULL;
	struct err err = { "" };
	pthread_attr_t attr;
	pthread_t thread;
	int conn, ret;

	conn = ssn_accept(fd, &peer);
	if (conn < 0) {
		if (conn != -EAGAIN && conn != -ECONNABORTED)
			log_warn("accept: %s", ssn_strerror(conn));
		return;
	}
	/* only this thread adds sessions: what is admitted now still is below */
	pthread_mutex_lock(&sessions_lock);
	ret = session_admit(kind, &peer, &err);
	pthread_mutex_unlock(&sessions_lock);
	if (ret)
		goto err_session;
	s = calloc(1, sizeof(*s));
	if (s)
		s->buf = malloc(SSN_MSG_MAX);
	if (!s || !s->buf) {
		ret = err_set(&err, -ENOMEM, "no memory for a session");
		goto err_session;
	}
	s->ssad = ssad;
	s->fd = conn;
	s->peer = peer;
	s->kind = kind;
	setsockopt(conn, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, SESSION_STACK);

	pthread_mutex_lock(&sessions_lock);
	ret = -pthread_create(&thread, &attr, session_thread, s);
	if (!ret) {
		s->next = sessions;
		sessions = s;
		sessions_count++;
	}
	pthread_mutex_unlock(&sessions_lock);
	pthread_attr_destroy(&attr);
	if (!ret)
		return;
	err_set(&err, ret, "no thread for a session: %s", strerror(-ret));
err_session:
	session_refuse(conn, &peer, ret, &err);
	close(conn);
	if (s)
		free(s->buf);
	free(s);
}

void sessions_stop(void)
{
	struct timespec until;
	struct session *s;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 15;
	pthread_mutex_lock(&sessions_lock);
	for (s = sessions; s; s = s->next)
		shutdown(s->fd, SHUT_RDWR);
	while (sessions_count && ret != ETIMEDOUT)
		ret = pthread_cond_timedwait(&sessions_gone, &sessions_lock, &until);
	if (sessions_count) {
		/* what they hold is uncommitted: presumed aborted */
		log_warn("%u sessions did not end in time", sessions_count);
		_exit(1);
	}
	pthread_mutex_unlock(&sessions_lock);
}

ssize_t session_recv(struct session *s, unsigned int timeout_ms, int *control)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	struct ssn_share share = { 0 };
	ssize_t len;
	int ret, has;

	do {
		ret = poll(&p, 1, timeout_ms ? (int)timeout_ms : -1);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	if (!ret)
		return -ETIMEDOUT;
	len = ssn_recv(s->fd, &share, &has, s->buf, SSN_MSG_MAX);
	*control = has && share.flags & SSN_SHARE_CONTROL;
	return len;
}

void session_drain(struct session *s)
{
	uint64_t now = monotonic_ms(), deadline = now + DRAIN_MS;
	int control;

	while (now < deadline && session_recv(s, deadline - now, &control) > 0)
		now = monotonic_ms();
}

int session_gone(struct session *s)
{
	struct pollfd p = { .fd = s->fd };

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR | POLLNVAL);
}

int session_send(struct session *s, json_t *msg)
{
	int ret = msg ? ssn_send_json(s->fd, 0, msg) : -ENOMEM;

	json_decref(msg);
	if (ret)
		log_warn("node %u cannot be answered: %s", s->peer.node,
			 ssn_strerror(ret));
	return ret;
}

static const char *session_hint(int code)
{
	static const struct { int code; const char *hint; } hints[] = {
		{ -ENOKEY, "wait for the key agents to bring more pad (ssnctl key list); a put can also --wait for it" },
		{ -EHOSTUNREACH, "see that the shareholders named run and have pad; nothing is lost while k of them are whole" },
		{ -ETIMEDOUT, "see that the shareholders named run and are reached" },
		{ -EEXIST, "choose another --name, or --replace to store a new version" },
		{ -ESTALE, "another put or rm came between: try again" },
		{ -EBUSY, "wait until it is done" },
		{ -EAGAIN, "see that the shareholders run; the agent goes on trying, and ssnctl index rebuild tries at once" },
		{ -EALREADY, "wait for it: ask again with the same job" },
		{ -EINPROGRESS, "ask again with the same job, FILE and options: nothing that was stored is lost" },
		{ -ECANCELED, "nothing was stored: put it again as a new job" },
		{ -ENOENT, "see ssnctl ls" },
		{ -EBADMSG, "more shareholders than can be tolerated gave wrong shares: see ssnctl stat, and repair" },
		{ -EACCES, "the policy on the object decides who may do this" },
		{ -EREMOTEIO, "see the shareholders' logs" },
		{ -ENOSPC, "free space where it says" },
	};
	size_t i;

	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].code == code)
			return hints[i].hint;
	return "";
}

int session_error(struct session *s, const char *op, int code, const struct err *err)
{
	const char *name = strerrorname_np(-code) ?: "EIO";

	log_info("node %u: %s: %s: %s", s->peer.node, op, name, err->text);
	return session_send(s, json_pack("{s:s, s:s, s:s, s:s, s:s}", "re", op,
					 "status", "error", "errno", name,
					 "message", err->text, "hint",
					 session_hint(code)));
}

static const struct {
	const char *op;
	int (*run)(struct session *s, const json_t *req);
	/* what it may do while it is not known which names there are */
	enum { ANYTHING, WHAT_IS_KNOWN, NOTHING } unread;
} session_ops[] = {
	{ "put", session_put, NOTHING },
	{ "get", session_get, WHAT_IS_KNOWN },
	{ "ls", session_ls, NOTHING },
	{ "stat", session_stat, WHAT_IS_KNOWN },
	{ "rm", session_rm, WHAT_IS_KNOWN },
	{ "rebuild", session_rebuild, ANYTHING },
};

/* One request of an owner. */
static int session_request(struct session *s, const json_t *req)
{
	const char *op = json_string_value(json_object_get(req, "op"));
	struct err err = { "" };
	size_t i;
	int ret;

	for (i = 0; op && i < sizeof(session_ops) / sizeof(session_ops[0]); i++) {
		if (strcmp(op, session_ops[i].op))
			continue;
		ret = session_ops[i].unread == ANYTHING ? 0 :
		      recovery_wait(s->ssad, s->ssad->group_timeout_ms, &err);
		return ret && session_ops[i].unread == NOTHING ?
		       session_error(s, op, ret, &err) : session_ops[i].run(s, req);
	}
	err_set(&err, -EINVAL, "unknown operation \"%.32s\"", op ?: "");
	return session_error(s, op ?: "", -EINVAL, &err);
}

static void session_owner(struct session *s)
{
	struct err err = { "" };
	int control, ret = 0;
	ssize_t len;
	json_t *req;

	while (!ret) {
		len = session_recv(s, s->ssad->owner_timeout_ms, &control);
		if (len <= 0) {
			if (len)
				log_info("node %u: %s", s->peer.node,
					 ssn_strerror(len));
			return;
		}
		req = control ? ssn_parse_json(s->buf, len) : NULL;
		if (!req) {
			err_set(&err, -EINVAL,
				"%zd bytes that are not a request", len);
			session_error(s, "", -EINVAL, &err);
			return;
		}
		ret = session_request(s, req);
		json_decref(req);
	}
}

static void session_coordinator(struct session *s)
{
	static const char *const state_name[] = {
		[JOB_UNKNOWN] = "lost", [JOB_RUNNING] = "running",
		[JOB_COMMITTED] = "committed", [JOB_ABORTED] = "aborted",
		[JOB_WAITING] = "lost", [JOB_UNREADABLE] = "lost",
	};
	json_t *req, *jobs, *job, *states;
	uint8_t uuid[UUID_BYTES];
	struct err err = { "" };
	const char *op, *id;
	int control;
	ssize_t len;
	size_t i;

	while ((len = session_recv(s, COORDINATOR_IDLE, &control)) > 0) {
		req = control ? ssn_parse_json(s->buf, len) : NULL;
		op = json_string_value(json_object_get(req, "op"));
		jobs = json_object_get(req, "jobs");
		if (!op || strcmp(op, "outcome") || !json_is_array(jobs)) {
			err_set(&err, -EINVAL, "expected \"outcome\" with \"jobs\"");
			session_error(s, "outcome", -EINVAL, &err);
			json_decref(req);
			return;
		}
		states = json_object();
		json_array_foreach(jobs, i, job) {
			id = json_string_value(job);
			if (id && !uuid_parse(id, uuid))
				json_object_set_new(states, id, json_string(
					state_name[catalogue_job(s->ssad->cat, id)]));
		}
		json_decref(req);
		if (session_send(s, json_pack("{s:s, s:s, s:o}", "re", "outcome",
					      "status", "done", "jobs", states)))
			return;
	}
}

/*
 * Owners leave slots for shareholders, who ask what to do with their shares, and
 * shareholders for owners; and neither takes all that its kind has.
 */
const struct session_kind session_owners = {
	.name = "owner", .serve = session_owner, .role = SSN_ROLE_OWNER,
	.most = 48, .each = 16,
};

const struct session_kind session_coordinators = {
	.name = "shareholder", .serve = session_coordinator,
	.role = SSN_ROLE_SHAREHOLDER, .most = 32, .each = 2,
};
