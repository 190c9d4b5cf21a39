// SPDX-License-Identifier: GPL-2.0
#include "dealer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "ssnsock.h"
#include "util.h"

#define POLL_SLICE	200	/* ms between looks at the members */
#define POLL_PAUSE	10	/* ms, where poll() itself cannot wait */

unsigned int dealer_window_ms = 25000;

unsigned int dealer_in(const struct dealer *d)
{
	unsigned int i, in = 0;

	for (i = 0; i < d->n; i++)
		in += d->member[i].in;
	return in;
}

struct dealer_member *dealer_at(struct dealer *d, uint8_t x)
{
	unsigned int i;

	for (i = 0; i < d->n; i++)
		if (d->member[i].x == x)
			return &d->member[i];
	return NULL;
}

void dealer_absent(const struct dealer *d, char *text, size_t size)
{
	size_t at = 0;
	unsigned int i;

	*text = 0;
	for (i = 0; i < d->n && at < size; i++) {
		const struct dealer_member *m = &d->member[i];
		const struct network_node *node = network_node(d->net, m->node);

		if (m->in)
			continue;
		at += snprintf(text + at, size - at, "%s%s (node %u): %s",
			       at ? "; " : "", node ? node->name : "?", m->node,
			       m->why);
	}
}

void dealer_out(struct dealer *d, struct dealer_member *m, int error,
		const char *fmt, ...)
{
	const struct network_node *node = network_node(d->net, m->node);
	va_list ap;

	if (!m->in)
		return;
	m->in = false;
	m->error = error;
	va_start(ap, fmt);
	vsnprintf(m->why, sizeof(m->why), fmt, ap);
	va_end(ap);
	log_warn("group %u: %s (node %u): %s", d->group->id,
		 node ? node->name : "?", m->node, m->why);
}

int dealer_refresh(struct dealer *d)
{
	struct ssn_member row[SSN_MEMBERS_MAX];
	struct dealer_member *m;
	int count, i, out = 0;

	count = ssn_members(d->fd, row, SSN_MEMBERS_MAX);
	if (count < 0)
		return count;
	for (i = 0; i < count; i++) {
		m = dealer_at(d, row[i].x);
		if (!m || !m->in || row[i].state == SSN_MEMBER_LIVE ||
		    row[i].state == SSN_MEMBER_CONNECTING)
			continue;
		dealer_out(d, m, row[i].error ? -row[i].error : -EPIPE, "%s",
			   row[i].error ? ssn_strerror(row[i].error) :
					  "it closed the connection");
		out++;
	}
	return out;
}

/* Poll slices, so that a member's end is seen even where nothing wakes us. */
static int dealer_poll(struct dealer *d, short events, uint64_t deadline)
{
	const struct timespec pause = { .tv_nsec = POLL_PAUSE * 1000000L };
	struct pollfd p = { .fd = d->fd, .events = events };
	uint64_t now = monotonic_ms();
	int ret;

	if (now >= deadline)
		return -ETIMEDOUT;
	ret = poll(&p, 1, deadline - now < POLL_SLICE ? deadline - now : POLL_SLICE);
	if (ret < 0)
		return errno == EINTR ? 0 : -errno;
	if (p.revents & events)
		return p.revents;
	ret = dealer_refresh(d);
	if (ret > 0)
		return -EAGAIN;
	if (!ret && p.revents)		/* POLLERR of one that is out already */
		nanosleep(&pause, NULL);
	return ret;
}

/*
 * Connect, giving up at the end of the time on members that still connect then.
 * The descriptor stays when too few answer (ssn_connect_group() would close it):
 * its rows say why.
 */
/* How long to wait for those that k do without, in milliseconds. */
#define DEALER_PATIENCE	3000U

/* One attempt to connect, of at most @ms; members that did not come are out. */
static int dealer_try(struct dealer *d, const struct sockaddr_ssn *addr,
		      unsigned int ms)
{
	struct timeval time = { .tv_sec = ms / 1000,
				.tv_usec = ms % 1000 * 1000 };
	int ret;

	if (setsockopt(d->fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)))
		return -errno;
	do {
		ret = connect(d->fd, (const struct sockaddr *)addr, sizeof(*addr));
	} while (ret && errno == EINTR);
	return ret && errno != EISCONN ? -errno : 0;
}

/*
 * A job that any k serve does not wait long for the others; where fewer than k
 * came in that time, they get all the time there is.
 */
static int dealer_connect(struct dealer *d, unsigned int need)
{
	struct sockaddr_ssn addr = { .ssn_group = d->group->id };
	unsigned int ms = d->timeout_ms;
	int family = ssn_family(), ret;

	if (family < 0)
		return family;
	addr.ssn_family = family;
	d->fd = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC, SSNPROTO_SHARE);
	if (d->fd < 0)
		return -errno;
	if (need <= d->group->k && need < d->n && ms > DEALER_PATIENCE)
		ms = DEALER_PATIENCE;
	ret = dealer_try(d, &addr, ms);
	if (ret == -EHOSTUNREACH && ms < d->timeout_ms)
		ret = dealer_try(d, &addr, d->timeout_ms);
	if (ret && ret != -EHOSTUNREACH)
		return ret;
	/* from here on only poll() waits */
	ret = fcntl(d->fd, F_GETFL);
	if (ret < 0 || fcntl(d->fd, F_SETFL, ret | O_NONBLOCK))
		return -errno;
	ret = dealer_refresh(d);
	return ret < 0 ? ret : 0;
}

int dealer_open(struct dealer **out, const struct network *net,
		const struct network_group *group, unsigned int timeout_ms,
		bool raw, int coeff, unsigned int need, struct err *err)
{
	const int one = 1;
	struct dealer *d;
	char who[400];
	unsigned int i;
	int ret;

	*out = NULL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_set(err, -ENOMEM, "no memory");
	d->fd = -1;
	d->net = net;
	d->group = group;
	d->timeout_ms = timeout_ms;
	d->n = group->n;
	for (i = 0; i < d->n; i++) {
		d->member[i].node = group->member[i].node;
		d->member[i].x = group->member[i].x;
		d->member[i].in = true;
	}
	d->buf = malloc(SSN_MSG_MAX);
	if (!d->buf) {
		ret = err_set(err, -ENOMEM, "no memory");
		goto err_dealer;
	}
	ret = dealer_connect(d, need);
	if (ret) {
		err_set(err, ret, "group %u: %s", group->id, ssn_strerror(ret));
		goto err_dealer;
	}
	if (need < group->k)
		need = group->k;	/* the socket connects with no fewer */
	if (dealer_in(d) < need) {
		dealer_absent(d, who, sizeof(who));
		ret = err_set(err, -EHOSTUNREACH,
			      "%u of the %u shareholders needed of group %u answer; %s",
			      dealer_in(d), need, group->id, who);
		goto err_dealer;
	}
	if (raw && setsockopt(d->fd, SOL_SSN, SSN_RAW_SHARES, &one, sizeof(one)))
		ret = -errno;
	if (!ret && coeff &&
	    setsockopt(d->fd, SOL_SSN, SSN_COEFF, &coeff, sizeof(coeff)))
		ret = -errno;
	if (!ret && dealer_in(d) < d->n)
		ret = dealer_write_set(d);
	if (ret) {
		err_set(err, ret, "group %u: socket options: %s", group->id,
			ssn_strerror(ret));
		goto err_dealer;
	}
	*out = d;
	return 0;

err_dealer:
	dealer_close(d);
	return ret;
}

void dealer_close(struct dealer *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	if (d->buf)
		explicit_bzero(d->buf, SSN_MSG_MAX);
	free(d->buf);
	free(d);
}

static int dealer_set(struct dealer *d, int option, const struct ssn_xset *set)
{
	return setsockopt(d->fd, SOL_SSN, option, set, sizeof(*set)) ? -errno : 0;
}

int dealer_read_set(struct dealer *d, const uint8_t *x, unsigned int count)
{
	struct ssn_xset set = { { 0 } };

	while (count--)
		set.bits[x[count] / 64] |= 1ULL << (x[count] % 64);
	return dealer_set(d, SSN_READ_SET, &set);
}

int dealer_write_set(struct dealer *d)
{
	struct ssn_xset set = { { 0 } };
	unsigned int i;

	for (i = 0; i < d->n; i++)
		if (d->member[i].in)
			set.bits[d->member[i].x / 64] |=
				1ULL << (d->member[i].x % 64);
	return dealer_set(d, SSN_WRITE_SET, &set);
}

static void dealer_count(struct dealer *d, struct dealer_member *m, size_t len)
{
	struct reserve_need used = { 0 };

	reserve_message(&used, len);
	d->pad_bytes += used.payload + used.tag;
	d->wire_bytes += reserve_wire(len);
	reserve_spent(d->reserved, m->node, QKD_DIR_TX, len);
}

/*
 * One whole message; waits for pad as long as for an answer, and for window, or
 * longer where patience() says so. @m: to this member; NULL: to all that are in,
 * and -ECONNABORTED when those changed.
 */
static int dealer_write(struct dealer *d, struct dealer_member *m,
			const struct ssn_share *share, const void *buf, size_t len)
{
	const struct timespec pause = { .tv_nsec = POLL_PAUSE * 1000000L };
	uint64_t begun = monotonic_ms();
	unsigned int woken = 0, ms;
	ssize_t ret;
	int event;

	for (;;) {
		ret = ssn_send(d->fd, share, buf, len);
		if (ret >= 0)
			return 0;
		if (ret == -ECOMM)	/* a member of the write set has ended */
			return -ECONNABORTED;
		if (ret != -EAGAIN && ret != -ENOKEY)
			return ret;
		ms = d->timeout_ms;
		if (ret == -EAGAIN && ms < dealer_window_ms)
			ms = dealer_window_ms;
		event = dealer_poll(d, POLLOUT, begun + ms);
		if (event == -ETIMEDOUT) {
			event = ret == -ENOKEY ? -ENOKEY : -ETIMEDOUT;
			ret = d->patience ? d->patience(d, event, d->arg) : event;
			if (ret)
				return ret;
			begun = monotonic_ms();
			continue;
		}
		if (event == -EAGAIN && (!m || !m->in))
			return -ECONNABORTED;
		if (event < 0 && event != -EAGAIN)
			return event;
		/* it could be sent, and could not: not again and again at once */
		if (event > 0 && woken++)
			nanosleep(&pause, NULL);
	}
}

void dealer_tell(struct dealer *d, uint8_t x, const json_t *msg)
{
	char *text = json_dumps(msg, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	unsigned int i;
	int ret;

	for (i = 0; i < d->n; i++) {
		struct dealer_member *m = &d->member[i];
		struct ssn_share share = { .flags = SSN_SHARE_CONTROL, .x = m->x };

		if (!m->in || (x && m->x != x))
			continue;
		ret = text ? dealer_write(d, m, &share, text, len) : -ENOMEM;
		if (ret)
			dealer_out(d, m, ret, "cannot be told: %s",
				   ssn_strerror(ret));
		else
			dealer_count(d, m, len);
	}
	free(text);
}

int dealer_send(struct dealer *d, const struct ssn_share *share, const void *buf,
		size_t len)
{
	unsigned int i;
	int ret;

	ret = dealer_write(d, NULL, share, buf, len);
	if (ret)
		return ret;
	for (i = 0; i < d->n; i++)
		if (d->member[i].in)
			dealer_count(d, &d->member[i], len);
	return 0;
}

ssize_t dealer_recv(struct dealer *d, struct ssn_share *share, void *buf,
		    size_t size, uint64_t deadline)
{
	ssize_t len;
	int ret, has;

	for (;;) {
		ret = dealer_poll(d, POLLIN, deadline);
		if (ret < 0)
			return ret;
		if (!(ret & POLLIN))
			continue;
		memset(share, 0, sizeof(*share));
		len = ssn_recv(d->fd, share, &has, buf, size);
		if (len > 0 && has)
			return len;
		if (len > 0)
			return -EPROTO;
		if (len == -EAGAIN)
			continue;
		/* the end of a member, told once; or of all of them */
		ret = dealer_refresh(d);
		if (ret)
			return ret < 0 ? ret : -EAGAIN;
		if (!dealer_in(d))
			return -EPIPE;
		if (len < 0)
			return len;
	}
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	const json_t *want = json_object_get(a, key);

	return !want || json_equal(want, json_object_get(b, key));
}

static void dealer_refused(struct dealer *d, struct dealer_member *m,
			   const char *op, const json_t *answer)
{
	const char *symbol = json_string_value(json_object_get(answer, "errno"));
	const char *text = json_string_value(json_object_get(answer, "message"));

	snprintf(m->refused, sizeof(m->refused), "%s", symbol ?: "");
	dealer_out(d, m, -EREMOTEIO, "%s: %s: %s", op, symbol ?: "error",
		   text ?: "no reason given");
}

int dealer_collect(struct dealer *d, uint8_t x, const json_t *msg,
		   unsigned int timeout_ms, dealer_answer *fn, void *arg)
{
	const char *op = json_string_value(json_object_get(msg, "op"));
	const struct timespec pause = { .tv_nsec = POLL_PAUSE * 1000000L };
	bool answered[SSN_MEMBERS_MAX];
	struct dealer_member *m;
	const char *re, *status;
	struct ssn_share share;
	uint64_t deadline;
	unsigned int i;
	json_t *answer;
	ssize_t len;

	if (!timeout_ms)
		timeout_ms = d->timeout_ms;
	deadline = monotonic_ms() + timeout_ms;
	for (i = 0; i < d->n; i++)
		answered[i] = x && d->member[i].x != x;
	for (;;) {
		for (i = 0; i < d->n; i++)
			if (d->member[i].in && !answered[i])
				break;
		if (i == d->n)
			return dealer_in(d);
		len = dealer_recv(d, &share, d->buf, SSN_MSG_MAX, deadline);
		if (len == -ETIMEDOUT)
			break;
		if (len == -EHOSTUNREACH || len == -ESTALE) {
			/* of what is combined; answers are not */
			nanosleep(&pause, NULL);
			continue;
		}
		if (len == -EAGAIN)
			continue;
		if (len < 0)
			return len;
		m = dealer_at(d, share.x);
		if (m)
			reserve_spent(d->reserved, m->node, QKD_DIR_RX, len);
		if (!m || !m->in || !(share.flags & SSN_SHARE_CONTROL))
			continue;
		answer = ssn_parse_json(d->buf, len);
		if (!answer) {
			dealer_out(d, m, -EPROTO, "an answer that is not JSON");
			continue;
		}
		re = json_string_value(json_object_get(answer, "re"));
		if (re && !strcmp(re, op) && same(msg, answer, "job") &&
		    same(msg, answer, "segment") && same(msg, answer, "deal")) {
			status = json_string_value(json_object_get(answer, "status"));
			if (!status || !strcmp(status, "error"))
				dealer_refused(d, m, op, answer);
			else if (fn && fn(d, m, answer, arg))
				dealer_out(d, m, -EPROTO, "%s: a wrong answer", op);
			answered[m - d->member] = true;
		}
		json_decref(answer);
	}
	for (i = 0; i < d->n; i++)
		if (!answered[i])
			dealer_out(d, &d->member[i], -ETIMEDOUT,
				   "%s: no answer within %u ms", op, timeout_ms);
	return dealer_in(d);
}

int dealer_ask(struct dealer *d, const json_t *msg, unsigned int timeout_ms,
	       dealer_answer *fn, void *arg)
{
	dealer_tell(d, 0, msg);
	return dealer_collect(d, 0, msg, timeout_ms, fn, arg);
}

int dealer_ask_one(struct dealer *d, uint8_t x, const json_t *msg,
		   dealer_answer *fn, void *arg)
{
	struct dealer_member *m = dealer_at(d, x);
	int ret;

	dealer_tell(d, x, msg);
	ret = dealer_collect(d, x, msg, 0, fn, arg);
	if (ret < 0)
		return ret;
	return m->in ? 0 : m->error;
}
