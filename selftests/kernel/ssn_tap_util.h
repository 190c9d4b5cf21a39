/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Somebody on the wire who changes nothing and writes down what goes over it:
 * streams to 10.9.0.(100 + i) go on to node i's host. Whoever wants a peer to
 * be listened to believes it to be there.
 *
 * Afterwards it is known which byte of which block was used by which record:
 * none may be used by two (invariant 1). The offsets are from Documentation,
 * not from the kernel's header.
 */
#ifndef SSN_TAP_UTIL_H
#define SSN_TAP_UTIL_H

#include <netinet/tcp.h>
#include <pthread.h>

#include "ssn_share_util.h"

#define TAP_HOST(i)	(100 + (i))
#define TAP_HELLO	128
#define TAP_HEAD	40
#define TAP_SHARE	64
#define TAP_STREAMS	4096
#define TAP_LEASES	1024

struct tap_stream {
	uint8_t *bytes;
	size_t len, room;
};

/* [0]: from the initiator, [1]: back; from fd[way] to fd[!way] */
struct tap_conn {
	int fd[2];
	int live;
	struct tap_stream way[2];
};

static struct tap_conn *tap_conns[TAP_STREAMS];
static int tap_nconns;
static int tap_live;		/* streams that go on */
static pthread_mutex_t tap_lock = PTHREAD_MUTEX_INITIALIZER;

struct tap_pump {
	struct tap_conn *conn;
	int way;
};

static void tap_keep(struct tap_stream *s, const void *bytes, size_t len)
{
	if (s->len + len > s->room) {
		s->room = 2 * (s->len + len);
		s->bytes = realloc(s->bytes, s->room);
	}
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
}

static void *tap_pump(void *arg)
{
	struct tap_pump p = *(struct tap_pump *)arg;
	int from = p.conn->fd[p.way], to = p.conn->fd[!p.way];
	uint8_t buf[16384];
	ssize_t n, done, part;

	free(arg);
	while ((n = recv(from, buf, sizeof(buf), 0)) > 0) {
		tap_keep(&p.conn->way[p.way], buf, n);
		for (done = 0; done < n; done += part) {
			part = send(to, buf + done, n - done, MSG_NOSIGNAL);
			if (part <= 0)
				goto end;
		}
	}
end:
	/* in order one way; when it broke, both */
	shutdown(to, n ? SHUT_RDWR : SHUT_WR);
	if (n)
		shutdown(from, SHUT_RDWR);
	pthread_mutex_lock(&tap_lock);
	tap_live--;
	if (!--p.conn->live) {
		close(from);
		close(to);
	}
	pthread_mutex_unlock(&tap_lock);
	return NULL;
}

/* The stream that comes in at @fd goes on to a node's @host */
static void tap_new(int fd, int host)
{
	struct sockaddr_in sin = address(host);
	int to = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), way, one = 1;
	struct tap_conn *conn = calloc(1, sizeof(*conn));
	struct tap_pump *p;
	pthread_t t;

	if (tap_nconns == TAP_STREAMS)
		bail("the tap has no room for more streams");
	if (connect(to, (void *)&sin, sizeof(sin))) {
		close(to);
		close(fd);
		free(conn);
		return;
	}
	setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	conn->fd[0] = fd;
	conn->fd[1] = to;
	conn->live = 2;
	pthread_mutex_lock(&tap_lock);
	tap_conns[tap_nconns++] = conn;
	tap_live += 2;
	pthread_mutex_unlock(&tap_lock);
	for (way = 0; way < 2; way++) {
		p = malloc(sizeof(*p));
		*p = (struct tap_pump) { conn, way };
		if (pthread_create(&t, NULL, tap_pump, p))
			bail("a thread of the tap: %s", strerror(errno));
		pthread_detach(t);
	}
}

struct tap {
	int fd;
	int host;
};

static void *tap_listen(void *arg)
{
	struct tap *tap = arg;
	int fd;

	while ((fd = accept4(tap->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		tap_new(fd, tap->host);
	return NULL;
}

/* For node number @i; in the namespace of br0 */
static UNUSED void tap_start(int i)
{
	struct sockaddr_in sin = address(TAP_HOST(i));
	struct tap *tap = malloc(sizeof(*tap));
	pthread_t t;

	ip("addr add 10.9.0.%d/24 dev br0\n", TAP_HOST(i));
	tap->host = NODE(i);
	tap->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(tap->fd, (void *)&sin, sizeof(sin)) || listen(tap->fd, 64) ||
	    pthread_create(&t, NULL, tap_listen, tap))
		bail("the tap of node %d: %s", NODE(i), strerror(errno));
	pthread_detach(t);
}

static UNUSED int tap_streams(void)
{
	int n;

	pthread_mutex_lock(&tap_lock);
	n = tap_live;
	pthread_mutex_unlock(&tap_lock);
	return n;
}

/* --- what was used */

/* Bytes of a block, one bit each */
struct tap_block {
	uint8_t id[16];
	uint8_t used[(1 << 20) / 8];
	struct tap_block *next;
};

struct tap_sum {
	struct tap_block *blocks;
	size_t records, bytes, twice;
};

struct tap_lease {
	const uint8_t *wire;	/* block id, first unit, units */
	uint32_t next;
};

/* Leases of one direction and kind, in the order they were announced */
struct tap_lane {
	struct tap_lease lease[TAP_LEASES];
	int n, at;
};

static uint32_t tap_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static struct tap_block *tap_block(struct tap_sum *sum, const uint8_t *id)
{
	struct tap_block *b;

	for (b = sum->blocks; b; b = b->next)
		if (!memcmp(b->id, id, 16))
			return b;
	b = calloc(1, sizeof(*b));
	memcpy(b->id, id, 16);
	b->next = sum->blocks;
	sum->blocks = b;
	return b;
}

/* The next @len bytes of a lane were used; @unit: bytes in its units */
static void tap_use(struct tap_sum *sum, struct tap_lane *lane, uint32_t len,
		    uint32_t unit)
{
	struct tap_lease *l = &lane->lease[lane->at];
	struct tap_block *b;
	uint32_t at;

	if (lane->at == lane->n)
		bail("a record without a lease");
	b = tap_block(sum, l->wire);
	at = tap_be32(l->wire + 16) * unit + l->next;
	sum->bytes += len;
	l->next += len;
	if (l->next >= tap_be32(l->wire + 20) * unit)
		lane->at++;
	for (; len--; at++) {
		sum->twice += b->used[at / 8] >> (at % 8) & 1;
		b->used[at / 8] |= 1 << (at % 8);
	}
}

static void tap_announced(struct tap_lane *lane, const uint8_t *wire)
{
	if (!tap_be32(wire + 20))
		return;
	if (lane->n == TAP_LEASES)
		bail("too many leases on one connection");
	lane->lease[lane->n++] = (struct tap_lease) { .wire = wire };
}

/* @leases: where in the HELLO or ACCEPT they are */
static void tap_read(struct tap_sum *sum, const struct tap_stream *s, int leases)
{
	static struct tap_lane tags, pads;
	const uint8_t *r = s->bytes + TAP_HELLO, *end = s->bytes + s->len;
	size_t head, len;

	if (s->len < TAP_HELLO)
		return;
	tags.n = tags.at = pads.n = pads.at = 0;
	tap_announced(&tags, s->bytes + leases);
	tap_announced(&pads, s->bytes + leases + 24);
	tap_use(sum, &tags, SLOT, RUN);
	/* of a record that is there in part, all was used */
	for (; r + TAP_HEAD <= end; r += head + len) {
		head = TAP_HEAD + (r[0] == 3 && r[1] & 4 ? TAP_SHARE : 0);
		len = tap_be32(r + 4);
		tap_use(sum, &tags, SLOT, RUN);
		if (r[0] == 3 && len)
			tap_use(sum, &pads, len, UNIT);
		if (r[0] == 4 && r + head + len <= end)
			tap_announced(r[1] & 8 ? &tags : &pads, r + head);
		sum->records++;
	}
}

/* What all streams used; they are ended, and the tap forgets them. */
static UNUSED struct tap_sum tap_check(void)
{
	struct tap_sum sum = {};
	struct tap_block *b;
	int i;

	/* whose ends did not hear of each other's end */
	pthread_mutex_lock(&tap_lock);
	for (i = 0; i < tap_nconns; i++)
		if (tap_conns[i]->live) {
			shutdown(tap_conns[i]->fd[0], SHUT_RDWR);
			shutdown(tap_conns[i]->fd[1], SHUT_RDWR);
		}
	pthread_mutex_unlock(&tap_lock);
	if (!until(!tap_streams(), 20))
		bail("%d streams do not end", tap_streams());
	for (i = 0; i < tap_nconns; i++) {
		struct tap_conn *conn = tap_conns[i];

		tap_read(&sum, &conn->way[0], 44);
		tap_read(&sum, &conn->way[1], 48);
		free(conn->way[0].bytes);
		free(conn->way[1].bytes);
		free(conn);
	}
	tap_nconns = 0;
	while ((b = sum.blocks)) {
		sum.blocks = b->next;
		free(b);
	}
	return sum;
}

#endif
