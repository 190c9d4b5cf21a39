/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An SSA without its sockets, for tests: node 2, owner 1, shareholders 11 to 15
 * (x = 1 to 5) of group 1, k = 3. The owner's link and share sockets are played
 * here, in place of user/lib/ssnsock.c: what is sent lands at struct holder and in
 * owner.said; nothing is really split.
 */
#ifndef SELFTESTS_AGENT_H
#define SELFTESTS_AGENT_H

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catalogue_db.h"
#include "dealer.h"
#include "log.h"
#include "segment.h"
#include "session.h"
#include "ssnsock.h"
#include "util.h"
#include "../pki_ca.h"

#define N	5
#define K	3
#define JOB(n)	"10b00000-0000-4000-8000-00000000000" #n
#define OBJECT(n) "0b0b0b0b-0000-4000-8000-00000000000" #n

/* --- the shareholders */

/**
 * struct holder - one shareholder
 * @down:	does not connect
 * @silent:	takes everything, answers nothing
 * @refuse:	op that it answers with @refuse_errno
 * @jobs:	by job: {"object","version",...,"state": "begun", "pending", "committed"}
 * @count:	by op: how often it was asked
 * @list:	answers a "list" instead; may be NULL
 */
static struct holder {
	bool down, silent;
	const char *refuse, *refuse_errno;
	json_t *jobs, *count;
	json_t *(*list)(unsigned int i, const char *after);
	char job[UUID_TEXT], deal[24];
	uint32_t segment, messages, got;
} holder[N];

static unsigned int asked(unsigned int i, const char *op)
{
	return json_integer_value(json_object_get(holder[i].count, op));
}

static inline unsigned int asked_all(const char *op)
{
	unsigned int i, sum = 0;

	for (i = 0; i < N; i++)
		sum += asked(i, op);
	return sum;
}

static void holders_make(void)
{
	unsigned int i;

	for (i = 0; i < N; i++) {
		json_decref(holder[i].jobs);
		json_decref(holder[i].count);
		holder[i] = (struct holder){ .jobs = json_object(),
					     .count = json_object() };
	}
}

/* How many hold @job in @state. */
static inline unsigned int held(const char *job, const char *state)
{
	unsigned int i, sum = 0;

	for (i = 0; i < N; i++) {
		const char *is = json_string_value(json_object_get(
			json_object_get(holder[i].jobs, job), "state"));

		sum += is && !strcmp(is, state);
	}
	return sum;
}

/* What was dealt, by "OBJECT VERSION SEGMENT"; kept while @keep. */
struct dealt {
	struct dealt *next;
	char key[80];
	uint64_t deal;
	uint8_t *data;
	size_t len;
};

static struct dealt *dealt;
static bool keep = true;
static size_t segment_len;		/* m || r || t, of the last segment 0 */

static struct dealt *dealt_find(const char *key)
{
	struct dealt *d = dealt;

	while (d && strcmp(d->key, key))
		d = d->next;
	return d;
}

static void dealt_add(const struct ssn_share *share, const void *buf, size_t len)
{
	char object[UUID_TEXT], key[80];
	struct dealt *d;

	if (!share->segment)
		segment_len = share->message ? segment_len + len : len;
	if (!keep)
		return;
	uuid_format(share->object, object);
	snprintf(key, sizeof(key), "%s %u %u", object, share->version,
		 share->segment);
	d = dealt_find(key);
	if (!d) {
		d = calloc(1, sizeof(*d));
		strcpy(d->key, key);
		d->next = dealt;
		dealt = d;
	}
	if (!share->message)
		d->len = 0;
	d->deal = share->deal;
	d->data = realloc(d->data, d->len + len);
	memcpy(d->data + d->len, buf, len);
	d->len += len;
}

static void dealt_free(void)
{
	struct dealt *d;

	while ((d = dealt)) {
		dealt = d->next;
		free(d->data);
		free(d);
	}
}

/* --- queues of messages; a descriptor is readable while there is something */

struct message {
	struct message *next;
	struct ssn_share share;
	size_t len;
	uint8_t data[];
};

struct queue {
	struct message *head, **tail;
};

static void queue_init(struct queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void queue_add(struct queue *q, const struct ssn_share *share,
		      const void *data, size_t len)
{
	struct message *m = malloc(sizeof(*m) + len);

	m->next = NULL;
	m->share = *share;
	m->len = len;
	memcpy(m->data, data, len);
	*q->tail = m;
	q->tail = &m->next;
}

static struct message *queue_take(struct queue *q)
{
	struct message *m = q->head;

	if (m)
		q->head = m->next;
	if (!q->head)
		q->tail = &q->head;
	return m;
}

static void queue_free(struct queue *q)
{
	struct message *m;

	while ((m = queue_take(q)))
		free(m);
}

/* --- share sockets, by their descriptor */

static struct share_socket {
	bool open;
	struct ssn_xset write_set, read_set;
	uint8_t state[N];
	struct queue in;
	unsigned int read_by, req;	/* who was asked to read, in request @req */
} sockets[1024];

static unsigned int connections;
/* Decides on what is sent to a share socket: 0, or an errno to fail it with. */
static int (*on_send)(struct share_socket *s, const struct ssn_share *share,
		      const json_t *msg, size_t len);

static bool in_set(const struct ssn_xset *set, unsigned int x)
{
	return set->bits[x / 64] >> (x % 64) & 1;
}

static inline void holder_dies(unsigned int i)
{
	unsigned int fd;

	holder[i].down = true;
	for (fd = 0; fd < 1024; fd++)
		if (sockets[fd].open)
			sockets[fd].state[i] = SSN_MEMBER_FAILED;
}

static void socket_ready(int fd)
{
	uint64_t count = 1;

	if (sockets[fd].in.head ? write(fd, &count, sizeof(count)) < 0 :
				  read(fd, &count, sizeof(count)) < 0 &&
				  errno != EAGAIN)
		bail("eventfd: %s", strerror(errno));
}

static void holder_says(int fd, unsigned int i, const json_t *request, json_t *msg)
{
	static const char *const echo[] = { "job", "req", "segment", "deal" };
	struct ssn_share share = { .x = i + 1, .flags = SSN_SHARE_CONTROL };
	char *text;
	size_t k;

	json_object_set(msg, "re", json_object_get(request, "op"));
	for (k = 0; k < 4; k++)
		if (json_object_get(request, echo[k]))
			json_object_set(msg, echo[k],
					json_object_get(request, echo[k]));
	text = json_dumps(msg, 0);
	queue_add(&sockets[fd].in, &share, text, strlen(text));
	free(text);
	json_decref(msg);
	socket_ready(fd);
}

static void holder_durable(int fd, unsigned int i, const json_t *request)
{
	json_t *job = json_object_get(holder[i].jobs, json_string_value(
		json_object_get(request, "job")));

	holder_says(fd, i, request, json_pack("{s:s s:O s:O}", "status", "durable",
		"nonce", json_object_get(job, "nonce"), "segments",
		json_object_get(job, "segments")));
}

static void holder_error(int fd, unsigned int i, const json_t *request,
			 const char *symbol)
{
	holder_says(fd, i, request, json_pack("{s:s s:s s:s}", "status", "error",
		"errno", symbol, "message", "refused"));
}

static void holder_begin(int fd, unsigned int i, const json_t *msg)
{
	static const char *const keys[] = { "object", "version", "epoch", "segments",
					    "size", "job", "nonce" };
	const char *job = json_string_value(json_object_get(msg, "job"));
	json_t *have = json_object_get(holder[i].jobs, job);
	size_t k;

	if (have && !json_equal(json_object_get(have, "nonce"),
				json_object_get(msg, "nonce"))) {
		holder_error(fd, i, msg, "EEXIST");
		return;
	}
	have = json_pack("{s:s s:i}", "state", "begun", "owner", 1);
	for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		json_object_set(have, keys[k], json_object_get(msg, keys[k]));
	json_object_set_new(holder[i].jobs, job, have);
	holder_says(fd, i, msg, json_pack("{s:s}", "status", "ok"));
}

static int row_compare(const void *a, const void *b)
{
	json_t *const *x = a, *const *y = b;

	return strcmp(json_string_value(json_object_get(*x, "object")),
		      json_string_value(json_object_get(*y, "object")));
}

/* As shareholderd: first what is committed, then what is pending. */
static json_t *holder_list(unsigned int i, const char *after)
{
	const char *want = *after ? "pending" : "committed", *job;
	json_t *rows = json_array(), *row, *sorted[64];
	unsigned int count = 0, k;

	json_object_foreach(holder[i].jobs, job, row)
		if (!strcmp(json_string_value(json_object_get(row, "state")), want))
			sorted[count++] = row;
	if (!*after)
		qsort(sorted, count, sizeof(sorted[0]), row_compare);
	for (k = 0; k < count; k++) {
		row = json_copy(sorted[k]);
		json_object_del(row, "nonce");
		json_array_append_new(rows, row);
	}
	return json_pack("{s:s s:o s:s s:b}", "status", "done", "objects", rows,
			 "cursor", *after ? "z" : "p", "more", !*after);
}

static void holder_read(int fd, unsigned int i, const json_t *msg)
{
	struct share_socket *s = &sockets[fd];
	struct ssn_share share = { .version = json_integer_value(
		json_object_get(msg, "version")), .segment = json_integer_value(
		json_object_get(msg, "segment")) };
	const char *object = json_string_value(json_object_get(msg, "object"));
	unsigned int req = json_integer_value(json_object_get(msg, "req")), k;
	char key[80], deal[24];
	struct dealt *d;

	snprintf(key, sizeof(key), "%s %u %u", object, share.version, share.segment);
	d = dealt_find(key);
	if (!d) {
		holder_error(fd, i, msg, "ENOENT");
		return;
	}
	snprintf(deal, sizeof(deal), "%llu", (unsigned long long)d->deal);
	holder_says(fd, i, msg, json_pack("{s:s s:s s:I s:i}", "status", "go",
		"deal", deal, "length", (json_int_t)d->len, "messages",
		segment_messages(d->len)));
	s->read_by = s->req == req ? s->read_by + 1 : 1;
	s->req = req;
	if (s->read_by != K)
		return;
	uuid_parse(object, share.object);
	share.deal = d->deal;
	for (k = 0; k < segment_messages(d->len); k++) {
		share.message = k;
		queue_add(&s->in, &share, d->data + (size_t)k * SEGMENT_MESSAGE,
			  segment_message(d->len, k));
	}
	socket_ready(fd);
}

/* One control message to one shareholder. */
static void holder_asked(int fd, unsigned int i, const json_t *msg)
{
	const char *op = json_string_value(json_object_get(msg, "op"));
	const char *job = json_string_value(json_object_get(msg, "job"));
	json_t *have = json_object_get(holder[i].jobs, job ?: "");
	struct holder *h = &holder[i];

	json_object_set_new(h->count, op, json_integer(asked(i, op) + 1));
	if (h->silent)
		return;
	if (h->refuse && !strcmp(h->refuse, op)) {
		holder_error(fd, i, msg, h->refuse_errno);
	} else if (!strcmp(op, "begin")) {
		holder_begin(fd, i, msg);
	} else if (!strcmp(op, "segment")) {
		snprintf(h->job, sizeof(h->job), "%s", job);
		snprintf(h->deal, sizeof(h->deal), "%s", json_string_value(
			 json_object_get(msg, "deal")));
		h->segment = json_integer_value(json_object_get(msg, "segment"));
		h->messages = json_integer_value(json_object_get(msg, "messages"));
		h->got = 0;
	} else if (!strcmp(op, "prepared")) {
		if (!have) {
			holder_error(fd, i, msg, "ENOENT");
			return;
		}
		json_object_set_new(have, "state", json_string("pending"));
		holder_durable(fd, i, msg);
	} else if (!strcmp(op, "commit")) {
		if (have)
			json_object_set_new(have, "state", json_string("committed"));
		holder_says(fd, i, msg, json_pack("{s:s}", "status", "ok"));
	} else if (!strcmp(op, "abort")) {
		json_object_del(h->jobs, job);
		holder_says(fd, i, msg, json_pack("{s:s}", "status", "ok"));
	} else if (!strcmp(op, "delete")) {
		holder_says(fd, i, msg, json_pack("{s:s s:i}", "status", "ok",
						  "epochs", 1));
	} else if (!strcmp(op, "list")) {
		const char *after = json_string_value(json_object_get(msg, "after"));

		holder_says(fd, i, msg, h->list ? h->list(i, after) :
						  holder_list(i, after));
	} else if (!strcmp(op, "read")) {
		holder_read(fd, i, msg);
	}
}

/* One data message, split: all that are written to have got it. */
static void holder_data(int fd, unsigned int i)
{
	struct holder *h = &holder[i];
	json_t *request;

	if (++h->got < h->messages || h->silent)
		return;
	request = json_pack("{s:s s:s s:i s:s}", "op", "segment", "job", h->job,
			    "segment", h->segment, "deal", h->deal);
	holder_durable(fd, i, request);
	json_decref(request);
}

static ssize_t share_send(int fd, const struct ssn_share *share, const void *buf,
			  size_t len)
{
	bool control = share->flags & SSN_SHARE_CONTROL;
	struct share_socket *s = &sockets[fd];
	json_t *msg = control ? json_loadb(buf, len, 0, NULL) : NULL;
	unsigned int i, sent = 0;
	int why;

	why = on_send ? on_send(s, share, msg, len) : 0;
	for (i = 0; !why && !control && i < N; i++)
		if (in_set(&s->write_set, i + 1) && s->state[i] != SSN_MEMBER_LIVE)
			why = ECOMM;
	for (i = 0; !why && i < N; i++) {
		if (share->x ? share->x != i + 1 : !in_set(&s->write_set, i + 1))
			continue;
		if (s->state[i] != SSN_MEMBER_LIVE)
			continue;
		sent++;
		if (control)
			holder_asked(fd, i, msg);
		else
			holder_data(fd, i);
	}
	if (!why && !sent)
		why = ECOMM;
	if (!why && !control)
		dealt_add(share, buf, len);
	json_decref(msg);
	return why ? -why : (ssize_t)len;
}

/* --- the owner's link */

static struct {
	int fd[2];			/* ours, the test's */
	struct queue in;
	uint64_t stream;		/* data to come behind what is queued */
	uint64_t data;			/* bytes of data that it was sent */
	json_t *said;			/* array: control messages that it was sent */
	bool readable;
} owner;
static bool owner_stays;		/* silent, when all is said */

static void owner_ready(void)
{
	bool pending = owner.in.head || owner.stream;
	char c = 0;

	if (pending && !owner.readable)
		owner.readable = write(owner.fd[1], &c, 1) == 1;
	else if (!pending && owner.readable)
		owner.readable = read(owner.fd[0], &c, 1) != 1;
	if (!pending && !owner_stays)
		shutdown(owner.fd[1], SHUT_WR);
}

static void owner_open(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, owner.fd))
		bail("socketpair: %s", strerror(errno));
	queue_init(&owner.in);
	owner.said = json_array();
	owner.data = owner.stream = 0;
	owner.readable = false;
}

static void owner_close(void)
{
	close(owner.fd[0]);
	close(owner.fd[1]);
	owner.fd[0] = owner.fd[1] = -1;
	queue_free(&owner.in);
	json_decref(owner.said);
	owner.said = NULL;
}

static ssize_t owner_recv(struct ssn_share *share, int *has, void *buf, size_t size)
{
	struct message *m = queue_take(&owner.in);
	size_t len = 0;

	*has = 0;
	if (m) {
		*share = m->share;
		*has = 1;
		len = m->len;
		memcpy(buf, m->data, len);
		free(m);
	} else if (owner.stream) {
		len = owner.stream < SEGMENT_MESSAGE ? owner.stream : SEGMENT_MESSAGE;
		memset(buf, 'x', len);
		owner.stream -= len;
	}
	owner_ready();
	return len;
}

/* --- what ssnsock.c has */

int ssn_family(void) { return SSN_FAMILY_DEFAULT; }
int ssn_listen(unsigned int service, int backlog) { return -ENOSYS; }
int ssn_connect_link(unsigned int node, unsigned int service, unsigned int ms)
{
	return -ENOSYS;
}
int ssn_connect_group(unsigned int group, unsigned int ms) { return -ENOSYS; }

static struct ssn_peer_info accepts;	/* who connects next */
static int accept_fd = -1;
static char refused[600];		/* what it was told instead of being served */

int ssn_accept(int fd, struct ssn_peer_info *peer)
{
	*peer = accepts;
	return accept_fd >= 0 ? accept_fd : -EAGAIN;
}

static void (*on_connect)(void);	/* happens before a share socket is there */

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (on_connect)
		on_connect();
	return 0;
}

int socket(int family, int type, int protocol)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), i;
	struct share_socket *s;

	if (fd < 0 || fd >= 1024)
		bail("eventfd");
	s = &sockets[fd];
	if (s->open)
		queue_free(&s->in);
	memset(s, 0, sizeof(*s));
	queue_init(&s->in);
	s->open = true;
	for (i = 0; i < N; i++) {
		s->state[i] = holder[i].down ? SSN_MEMBER_FAILED : SSN_MEMBER_LIVE;
		s->write_set.bits[0] |= 2ULL << i;
	}
	s->read_set = s->write_set;
	connections++;
	return fd;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (level != SOL_SSN)
		return 0;
	if (name == SSN_WRITE_SET)
		sockets[fd].write_set = *(const struct ssn_xset *)value;
	else if (name == SSN_READ_SET)
		sockets[fd].read_set = *(const struct ssn_xset *)value;
	return 0;
}

int ssn_members(int fd, struct ssn_member *m, unsigned int max)
{
	struct share_socket *s = &sockets[fd];
	unsigned int i;

	for (i = 0; i < N; i++)
		m[i] = (struct ssn_member){ .node = 11 + i, .x = i + 1,
			.state = s->state[i], .error =
			s->state[i] == SSN_MEMBER_FAILED ? ECONNRESET : 0 };
	return N;
}

ssize_t ssn_send(int fd, const struct ssn_share *share, const void *buf, size_t len)
{
	if (accept_fd >= 0 && fd == accept_fd) {
		snprintf(refused, sizeof(refused), "%.*s", (int)len,
			 (const char *)buf);
		return len;
	}
	if (fd != owner.fd[0])
		return share_send(fd, share, buf, len);
	if (share && share->flags & SSN_SHARE_CONTROL)
		json_array_append_new(owner.said, json_loadb(buf, len, 0, NULL));
	else
		owner.data += len;
	return len;
}

ssize_t ssn_recv(int fd, struct ssn_share *share, int *has, void *buf, size_t size)
{
	struct message *m;
	size_t len;

	if (fd == owner.fd[0])
		return owner_recv(share, has, buf, size);
	m = queue_take(&sockets[fd].in);
	socket_ready(fd);
	if (!m)
		return -EAGAIN;
	*share = m->share;
	*has = 1;
	len = m->len;
	memcpy(buf, m->data, len);
	free(m);
	return len;
}

int ssn_send_json(int fd, unsigned int x, const json_t *msg)
{
	struct ssn_share share = { .x = x, .flags = SSN_SHARE_CONTROL };
	char *text = json_dumps(msg, 0);
	ssize_t ret = ssn_send(fd, &share, text, strlen(text));

	free(text);
	return ret < 0 ? ret : 0;
}

json_t *ssn_parse_json(const void *buf, size_t len)
{
	json_t *msg = json_loadb(buf, len, JSON_REJECT_DUPLICATES, NULL);

	if (msg && !json_is_object(msg)) {
		json_decref(msg);
		return NULL;
	}
	return msg;
}

const char *ssn_strerror(int err) { return strerror(abs(err)); }

/* --- the agent */

static struct ssad ssad = { .rebuild = PTHREAD_MUTEX_INITIALIZER,
			    .recovery = RECOVERY_INIT };
static struct network_node nodes[N + 2];
static struct network_group group = { .id = 1, .generation = 1, .scheme = SSN_SCHEME_SHAMIR,
				     .k = K, .n = N };
static struct pki *owner_pki;
static char agent_dir[64], agent_data[80];
/* what every pool has, by direction and kind; nothing for so many looks first */
static uint64_t pools[4][4];
static unsigned int pools_empty;

static int agent_level(uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		       uint64_t *bytes, void *arg)
{
	*bytes = pools_empty ? 0 : pools[dir][kind];
	pools_empty -= !!pools_empty;
	return 0;
}

static void agent_remove(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", agent_dir);
	if (system(cmd))
		diag("%s stays", agent_dir);
}

static void agent_open(void)
{
	struct err err = { "" };

	if (catalogue_open(&ssad.cat, agent_data, &err))
		bail("%s", err.text);
}

/* As after a crash. */
static inline void agent_restart(void)
{
	catalogue_close(ssad.cat);
	agent_open();
}

/* Its disk is gone. */
static inline void agent_lose(void)
{
	char cmd[128];

	catalogue_close(ssad.cat);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", agent_data);
	if (system(cmd))
		bail("%s", cmd);
	agent_open();
}

static void agent_make(void)
{
	static const char *const names[] = { "owner", "ssa" };
	unsigned int i, j;

	/* what goes wrong on purpose is not this test's output */
	if (!getenv("AGENT_LOG") && !freopen("/dev/null", "w", stderr))
		bail("stderr");
	log_open("ssad", 0, 0);
	ca_make();
	if (ca_run("issue %s/a owner 1 owner", ca_dir) ||
	    ca_run("issue %s/a ssa 2 ssa", ca_dir))
		bail("devca");
	owner_pki = ca_open("a", "owner");
	ssad.pki = ca_open("a", "ssa");
	for (i = 0; i < N + 2; i++) {
		nodes[i].id = i < 2 ? i + 1 : 9 + i;
		if (i < 2)
			strcpy(nodes[i].name, names[i]);
		else
			snprintf(nodes[i].name, sizeof(nodes[i].name), "sh%u", i - 1);
	}
	for (i = 0; i < N; i++) {
		group.member[i].node = 11 + i;
		group.member[i].x = i + 1;
	}
	for (i = 0; i < 4; i++)
		for (j = 0; j < 4; j++)
			pools[i][j] = 1ULL << 40;
	ssad.net = (struct network){ .domain = "test", .self = 2, .nodes = N + 2,
				     .groups = 1, .node = nodes, .group = &group };
	ssad.coeff = SSN_COEFF_CRNG;
	ssad.segment_bytes = SEGMENT_MIN;
	ssad.group_timeout_ms = 300;
	ssad.owner_timeout_ms = 1000;
	if (reserve_open(&ssad.res, agent_level, NULL))
		bail("reserve_open");
	snprintf(agent_dir, sizeof(agent_dir), "/tmp/agent.XXXXXX");
	if (!mkdtemp(agent_dir))
		bail("mkdtemp: %s", strerror(errno));
	atexit(agent_remove);
	snprintf(agent_data, sizeof(agent_data), "%s/ssad", agent_dir);
	agent_open();
	ssad.recovery.read = true;
	holders_make();
}

static void agent_free(void)
{
	unsigned int i;

	catalogue_close(ssad.cat);
	reserve_close(ssad.res);
	pki_free(ssad.pki);
	pki_free(owner_pki);
	dealt_free();
	for (i = 0; i < N; i++) {
		json_decref(holder[i].jobs);
		json_decref(holder[i].count);
	}
	for (i = 0; i < 1024; i++)
		if (sockets[i].open)
			queue_free(&sockets[i].in);
}

/* --- requests */

static char *agent_sign(const char *text)
{
	struct err err = { "" };
	char *b64;

	if (pki_sign(owner_pki, text, strlen(text), &b64, &err))
		bail("%s", err.text);
	return b64;
}

static inline json_t *put_request(const char *job, const char *object,
				  const char *name, unsigned int version,
				  uint64_t size)
{
	char *policy, *sig, old[80], *old_sig;
	json_t *json, *msg;

	json = json_pack("{s:s s:i s:i s:i s:i s:i s:[iiiii] s:[i] s:i s:i}",
		"object", object, "version", version, "owner", 1, "ssa", 2, "group",
		1, "generation", group.generation, "nodes", 11, 12, 13, 14, 15,
		"readers", 1, "min_k", K, "retain_until", 0);
	policy = json_dumps(json, JSON_COMPACT);
	sig = agent_sign(policy);
	snprintf(old, sizeof(old), "delete %s %u", object, version - 1);
	old_sig = agent_sign(old);
	msg = json_pack("{s:s s:s s:s s:s s:I s:i s:b s:i s:b s:s s:s s:s s:s}",
		"op", "put", "job", job, "object", object, "name", name, "size",
		(json_int_t)size, "group", 1, "wait", 0, "min_confirmed", 0,
		"replace", version > 1, "policy", policy, "policy_sig", sig,
		"owner_cert", pki_cert_pem(owner_pki), "replace_sig", old_sig);
	free(policy);
	free(sig);
	free(old_sig);
	json_decref(json);
	return msg;
}

static char agent_says[256];
static char agent_message[600];

/*
 * The owner asks @req (consumed) with @stream bytes of data behind it: "status" or
 * "error ERRNO" of the last answer.
 */
static const char *agent_ask(int (*op)(struct session *s, const json_t *req),
			     json_t *req, uint64_t stream)
{
	struct session s = { .ssad = &ssad, .peer = { .node = 1,
						      .role = SSN_ROLE_OWNER } };
	const char *status, *symbol;
	const json_t *last;

	if (owner.said)
		owner_close();
	owner_open();
	owner.stream = stream;
	owner_ready();
	s.fd = owner.fd[0];
	s.buf = malloc(SSN_MSG_MAX);
	op(&s, req);
	free(s.buf);
	json_decref(req);
	last = json_array_get(owner.said, json_array_size(owner.said) - 1);
	status = json_string_value(json_object_get(last, "status"));
	symbol = json_string_value(json_object_get(last, "errno"));
	snprintf(agent_message, sizeof(agent_message), "%s", json_string_value(
		json_object_get(last, "message")) ?: "");
	if (symbol)
		diag("%s: %s", symbol, agent_message);
	snprintf(agent_says, sizeof(agent_says), "%s%s%s", status ?: "nothing",
		 symbol ? " " : "", symbol ?: "");
	return agent_says;
}

/* The last answer's member @key. */
static inline json_t *agent_answer(const char *key)
{
	return json_object_get(json_array_get(owner.said,
			       json_array_size(owner.said) - 1), key);
}

static inline const char *agent_put(const char *job, const char *object,
				    const char *name, unsigned int version,
				    uint64_t size)
{
	return agent_ask(session_put, put_request(job, object, name, version, size),
			 size);
}

static inline const char *agent_rm(const char *name, const char *object,
				   unsigned int version)
{
	char text[80], *sig;
	json_t *req;

	snprintf(text, sizeof(text), "delete %s %u", object, version);
	sig = agent_sign(text);
	req = json_pack("{s:s s:s s:s s:i s:s s:s}", "op", "rm", "job", JOB(9),
			"name", name, "version", version, "sig", sig,
			"owner_cert", pki_cert_pem(owner_pki));
	free(sig);
	return agent_ask(session_rm, req, 0);
}

#endif
