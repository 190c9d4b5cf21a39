// SPDX-License-Identifier: GPL-2.0
// kernels: uml-debug uml debian
// timeout: 300
/*
 * Link sockets under attack: somebody in the middle of the stream, somebody who
 * replays what went over it, a crowd that never says HELLO.
 *
 * "a" believes "b" to be where the one in the middle is, who passes on what
 * comes, but for what he was told to do (struct plan), and keeps a copy. The
 * offsets below are from Documentation, not from the kernel's header: the copy
 * is checked against pads this program loaded, with OpenSSL's Poly1305.
 */
#include "ssn_link_util.h"

#define HELLO_LEN	128
#define HEAD_LEN	40
#define SHARE_LEN	64
#define T_DATA		3
#define T_LEASE		4
#define F_SHARE		4
#define F_TAGS		8

enum act {
	PASS, FLIP_PAYLOAD, FLIP_TAG, FLIP_FLAGS, FLIP_SHARE, SEQ, SLOT_NR,
	OFFSET, REPLAY, DROP, SWAP, HALF, FIN, RESET, OVERSIZE, TYPE, ZERO,
	HELLO_NONCE, HELLO_DST, HELLO_ROLE, ACCEPT_TAG,
};

/* What the one in the middle does, to DATA record @nr of "a" where it says so */
static struct plan {
	enum act act;
	int nr;
} plan;

/* What "a" sent and "b" sent over the connection of last */
static uint8_t there[4 << 20], back[1 << 20];
static size_t nthere, nback;

static uint8_t data[SSN_MSG_MAX], got[SSN_MSG_MAX];
static int middle;

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void be32_put(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static bool read_all(int fd, void *buf, size_t len)
{
	return !len || recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len;
}

static bool write_all(int fd, const void *buf, size_t len)
{
	return send(fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len;
}

struct ends {
	int a, b;
};

/* From "b" to "a": as it is, but for the ACCEPT. */
static void *pass_back(void *arg)
{
	struct ends *e = arg;
	static uint8_t buf[65536];
	ssize_t n;

	nback = 0;
	while ((n = recv(e->b, buf, sizeof(buf), 0)) > 0) {
		if (!nback && plan.act == ACCEPT_TAG)
			buf[32] ^= 1;
		if (nback + n <= sizeof(back))
			memcpy(back + nback, buf, n);
		nback += n;
		if (!write_all(e->a, buf, n))
			break;
	}
	shutdown(e->a, SHUT_RDWR);
	return NULL;
}

static void hello_act(uint8_t *h)
{
	if (plan.act == HELLO_NONCE)
		h[28] ^= 1;
	else if (plan.act == HELLO_DST)
		h[15] ^= 1;
	else if (plan.act == HELLO_ROLE)
		h[16] = SSN_ROLE_OWNER;
}

/* What becomes of the chosen record; true if the stream goes on. */
static bool record_act(struct ends *e, uint8_t *r, size_t head, size_t len)
{
	static uint8_t held[HEAD_LEN + SHARE_LEN + SSN_RECORD_MAX];
	static size_t nheld;
	size_t size = head + len;

	switch (plan.act) {
	case FLIP_PAYLOAD:
		r[head + len / 2] ^= 0x10;
		break;
	case FLIP_TAG:
		r[HEAD_LEN - 1] ^= 1;
		break;
	case FLIP_FLAGS:
		r[1] ^= 2;
		break;
	case FLIP_SHARE:
		r[HEAD_LEN + 11] ^= 1;
		break;
	case SEQ:
		r[15] ^= 1;
		break;
	case SLOT_NR:
		r[19] ^= 1;
		break;
	case OFFSET:
		r[23] ^= 1;
		break;
	case TYPE:
		r[0] = 77;
		break;
	case ZERO:
		r[3] = 1;
		break;
	case OVERSIZE:
		be32_put(r + 4, SSN_RECORD_MAX + 1);
		break;
	case REPLAY:
		return write_all(e->b, r, size) && write_all(e->b, r, size);
	case DROP:
		return true;
	case SWAP:
		memcpy(held, r, size);
		nheld = size;
		plan.act = PASS;
		if (!read_all(e->a, r, HEAD_LEN) ||
		    !read_all(e->a, r + HEAD_LEN, be32(r + 4)))
			return false;
		return write_all(e->b, r, HEAD_LEN + be32(r + 4)) &&
		       write_all(e->b, held, nheld);
	case HALF:
		write_all(e->b, r, size / 2);
		return false;
	case FIN:
		return false;
	default:
		break;
	}
	return write_all(e->b, r, size);
}

static void pass_there(struct ends *e)
{
	static uint8_t r[HEAD_LEN + SHARE_LEN + SSN_RECORD_MAX];
	size_t head, len;
	int nr = 0;
	bool goes_on;

	nthere = 0;
	if (!read_all(e->a, r, HELLO_LEN))
		return;
	memcpy(there, r, HELLO_LEN);
	nthere = HELLO_LEN;
	hello_act(r);
	if (!write_all(e->b, r, HELLO_LEN))
		return;
	do {
		if (!read_all(e->a, r, HEAD_LEN))
			return;
		head = HEAD_LEN;
		if (r[0] == T_DATA && r[1] & F_SHARE)
			head += SHARE_LEN;
		len = be32(r + 4);
		if (!read_all(e->a, r + HEAD_LEN, head - HEAD_LEN + len))
			return;
		if (nthere + head + len <= sizeof(there))
			memcpy(there + nthere, r, head + len);
		nthere += head + len;
		if (r[0] == T_DATA && nr++ == plan.nr)
			goes_on = record_act(e, r, head, len);
		else
			goes_on = write_all(e->b, r, head + len);
	} while (goes_on);
}

static int dial(int host)
{
	struct sockaddr_in sin = address(host);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	timeouts(fd, WAIT_S);
	if (connect(fd, (void *)&sin, sizeof(sin))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void *in_the_middle(void *unused)
{
	struct linger hard = { .l_onoff = 1 };
	struct ends e;
	pthread_t t;

	(void)unused;
	ns_enter(member_ns[1]);
	while ((e.a = accept(middle, NULL, NULL)) >= 0) {
		e.b = dial(B);
		pthread_create(&t, NULL, pass_back, &e);
		pass_there(&e);
		if (plan.act == RESET)
			setsockopt(e.b, SOL_SOCKET, SO_LINGER, &hard,
				   sizeof(hard));
		shutdown(e.b, plan.act == RESET ? SHUT_RD : SHUT_WR);
		pthread_join(t, NULL);
		close(e.a);
		close(e.b);
	}
	return NULL;
}

static void middle_start(void)
{
	struct sockaddr_in sin = address(MITM);
	pthread_t t;
	int one = 1;

	ns_enter(member_ns[1]);
	middle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(middle, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(middle, (void *)&sin, sizeof(sin)) || listen(middle, 8))
		bail("the one in the middle: %s", strerror(errno));
	ns_enter(here);
	pthread_create(&t, NULL, in_the_middle, NULL);
}

static bool quiet(void)
{
	return until(!conns_at(0) && !conns_at(1), WAIT_S);
}

/* Two nodes, and the third place in between */
FIXTURE(attack) {
};

FIXTURE_SETUP(attack)
{
	signal(SIGPIPE, SIG_IGN);
	link_network(MITM);
	pad_more(0, BLOCK);
	pad_more(0, BLOCK);
	pad_more(1, BLOCK);
	middle_start();
}

FIXTURE_TEARDOWN(attack)
{
}

/* --- what is on the wire */

static const uint8_t *slot_key(const uint8_t *block, uint32_t slot)
{
	const struct known *k = known_block(block);

	return k && (slot + 1) * SLOT <= k->len ? k->bytes + slot * SLOT : NULL;
}

static bool tag_right(const uint8_t *key, const uint8_t *id, const uint8_t *r,
		      size_t size)
{
	static uint8_t text[48 + HEAD_LEN + SHARE_LEN + SSN_RECORD_MAX];
	uint8_t tag[16];

	memset(text, 0, 48);
	memcpy(text, id, 32);	/* then the direction, 0, and 15 zeros */
	memcpy(text + 48, r, HEAD_LEN - 16);
	memcpy(text + 48 + HEAD_LEN - 16, r + HEAD_LEN, size - HEAD_LEN);
	poly1305(key, text, 48, text + 48, size - 16, tag);
	return !memcmp(tag, r + HEAD_LEN - 16, 16);
}

/* The leases that were announced, in order, and where their use stands */
struct road {
	struct {
		uint8_t block[16];
		uint32_t first, units;
	} lease[64];
	int n, at;
	uint32_t pos;
};

static void road_add(struct road *road, const uint8_t *wire)
{
	if (!be32(wire + 20))
		return;
	memcpy(road->lease[road->n].block, wire, 16);
	road->lease[road->n].first = be32(wire + 16);
	road->lease[road->n++].units = be32(wire + 20);
}

static void road_move(struct road *road, uint32_t len, uint32_t unit)
{
	road->pos += len;
	if (road->at < road->n && road->pos == road->lease[road->at].units * unit) {
		road->at++;
		road->pos = 0;
	}
}

/* Checks the copy of the stream; @clear: what was sent, @len bytes in all. */
static void wire_is_right(struct __test_metadata *_metadata,
			  const uint8_t *clear, size_t len)
{
	struct road tags = {}, pads = {};
	const uint8_t *r = there + HELLO_LEN, *end = there + nthere, *key, *pad;
	const struct known *k;
	uint8_t tag[16], id[32];
	size_t head, n, i, done = 0, records = 0;
	uint64_t seq = 0;
	bool right_tags = true, right_data = true, right_seq = true, in_clear;

	key = slot_key(there + 44, be32(there + 60) * 64);
	poly1305(key, there, 112, there, 0, tag);
	EXPECT_TRUE(key && !memcmp(tag, there + 112, 16))
		TH_LOG("HELLO: Poly1305 under the first slot of its lease");
	key = slot_key(back + 48, be32(back + 64) * 64);
	poly1305(key, back, 112, back, 0, tag);
	EXPECT_TRUE(key && !memcmp(tag, back + 112, 16))
		TH_LOG("ACCEPT likewise");
	EXPECT_EQ(0, memcmp(back + 16, there + 112, 16))
		TH_LOG("ACCEPT names the HELLO's tag");
	memcpy(id, there + 28, 16);
	memcpy(id + 16, back + 32, 16);
	road_add(&tags, there + 44);
	road_add(&pads, there + 68);
	road_move(&tags, SLOT, 64 * SLOT);

	for (; r + HEAD_LEN <= end; r += head + n, seq++, records++) {
		head = HEAD_LEN + (r[0] == T_DATA && r[1] & F_SHARE ?
				   SHARE_LEN : 0);
		n = be32(r + 4);
		right_seq &= be32(r + 12) == seq && !be32(r + 8);
		key = slot_key(tags.lease[tags.at].block, be32(r + 16));
		right_seq &= be32(r + 16) ==
			     tags.lease[tags.at].first * 64 + tags.pos / SLOT;
		right_tags &= key && tag_right(key, id, r, head + n);
		road_move(&tags, SLOT, 64 * SLOT);
		if (r[0] == T_LEASE)
			road_add(r[1] & F_TAGS ? &tags : &pads, r + HEAD_LEN);
		if (r[0] != T_DATA || !n)
			continue;
		right_seq &= be32(r + 20) == pads.pos;
		k = known_block(pads.lease[pads.at].block);
		if (!k || done + n > len) {
			right_data = false;
			break;
		}
		pad = k->bytes + pads.lease[pads.at].first * UNIT + pads.pos;
		for (i = 0; i < n; i++)
			right_data &= r[head + i] == (clear[done + i] ^ pad[i]);
		road_move(&pads, n, UNIT);
		done += n;
	}
	EXPECT_TRUE(right_seq)
		TH_LOG("sequence, slot and offset count on, %zu records",
		       records);
	EXPECT_TRUE(right_tags)
		TH_LOG("every tag is Poly1305 under its own slot");
	EXPECT_TRUE(right_data && done == len)
		TH_LOG("every byte is under a pad byte of its own, %zu bytes",
		       done);
	in_clear = memmem(there, nthere, clear + 1000, 32);
	EXPECT_FALSE(in_clear)
		TH_LOG("nothing of it is there in clear");
}

TEST_F(attack, on_the_wire)
{
	static uint8_t clear[2 * 200000 + 100];
	struct pair p;
	int i;

	/* the same twice: an equal pad would show */
	for (i = 0; i < 200000; i++)
		clear[i] = clear[200000 + i] = "PLAIN TEXT "[i % 11];
	plan.act = PASS;
	p = pair_new();
	EXPECT_TRUE(send(p.a, clear, 200000, 0) == 200000 &&
		    send(p.a, clear + 200000, 200000, 0) == 200000 &&
		    send(p.a, clear + 400000, 100, 0) == 100)
		TH_LOG("three messages");
	EXPECT_EQ(200000, recv(p.b, got, sizeof(got), 0))
		TH_LOG("come");
	recv(p.b, got, sizeof(got), 0);
	EXPECT_EQ(100, recv(p.b, got, sizeof(got), 0))
		TH_LOG("all of them");
	pair_end(p);
	if (!quiet())
		bail("connections do not end");
	wire_is_right(_metadata, clear, 400100);
}

/* --- in the middle of a connection */

struct deed {
	const char *name;
	enum act act;
	int nr;			/* DATA record it is done to */
	int err;		/* that the receiver gets */
	int counter;		/* of the receiver, one more */
};

static const struct deed deeds[] = {
	{ "a bit of the payload", FLIP_PAYLOAD, 1, EBADMSG,
	  SSN_A_COUNTERS_BAD_TAG },
	{ "a bit of the tag", FLIP_TAG, 1, EBADMSG, SSN_A_COUNTERS_BAD_TAG },
	{ "the end of a message", FLIP_FLAGS, 1, EBADMSG,
	  SSN_A_COUNTERS_BAD_TAG },
	{ "x of the share", FLIP_SHARE, 1, EBADMSG, SSN_A_COUNTERS_BAD_TAG },
	{ "the second record of a message", FLIP_PAYLOAD, 2, EBADMSG,
	  SSN_A_COUNTERS_BAD_TAG },
	{ "the sequence", SEQ, 1, EPROTO, SSN_A_COUNTERS_BAD_SEQ },
	{ "the slot", SLOT_NR, 1, EPROTO, SSN_A_COUNTERS_BAD_SEQ },
	{ "the offset", OFFSET, 1, EPROTO, SSN_A_COUNTERS_BAD_SEQ },
	{ "a record twice", REPLAY, 1, EPROTO, SSN_A_COUNTERS_BAD_SEQ },
	{ "a record left out", DROP, 1, EPROTO, SSN_A_COUNTERS_BAD_SEQ },
	{ "two records swapped", SWAP, 2, EPROTO, SSN_A_COUNTERS_BAD_SEQ },
	{ "an unknown type", TYPE, 1, EPROTO, SSN_A_COUNTERS_BAD_TYPE },
	{ "what must be zero", ZERO, 1, EPROTO, SSN_A_COUNTERS_BAD_TYPE },
	{ "a length above 64 KiB", OVERSIZE, 1, EPROTO,
	  SSN_A_COUNTERS_BAD_LENGTH },
	{ "half a record", HALF, 1, ECONNABORTED, SSN_A_COUNTERS_TRUNCATED },
	{ "an end without CLOSE", FIN, 2, ECONNABORTED,
	  SSN_A_COUNTERS_TRUNCATED },
};

static void tamper(struct __test_metadata *_metadata,
		   const struct deed *d)
{
	struct ssn_share head = { .group = 1, .x = 4 };
	uint64_t before = count_at(1, d->counter);
	struct pair p;

	plan.act = d->act;
	plan.nr = d->nr;
	p = pair_new();
	fill_random(data, 150000);
	put(p.a, NULL, data, 500, 0);
	put(p.a, &head, data, 150000, 0);
	put(p.a, NULL, data, 150000, 0);
	EXPECT_EQ(500, recv(p.b, got, sizeof(got), 0))
		TH_LOG("%s: what came before is there", d->name);
	EXPECT_EQ(d->err, error_of(recv(p.b, got, sizeof(got), 0)))
		TH_LOG("%s: the next is not, and says why", d->name);
	EXPECT_EQ(1, count_at(1, d->counter) - before)
		TH_LOG("%s: counted", d->name);
	EXPECT_EQ(d->err, error_of(recv(p.b, got, sizeof(got), 0)))
		TH_LOG("%s: it stays so", d->name);
	pair_end(p);
	if (!quiet())
		bail("%s: connections do not end", d->name);
}

TEST_F(attack, tampering)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		pad_more(0, BLOCK);
	for (i = 0; i < ARRAY_SIZE(deeds); i++)
		tamper(_metadata, &deeds[i]);
}

/* --- at the beginning of one */

static int connect_errno(void)
{
	int fd = link_socket(), err = link_to(fd, B, SERVICE) ? errno : 0;

	close(fd);
	return err;
}

TEST_F(attack, beginnings)
{
	static const struct deed at_hello[] = {
		{ "the nonce", HELLO_NONCE, 0, 0, SSN_A_COUNTERS_BAD_TAG },
		{ "the node", HELLO_DST, 0, 0, SSN_A_COUNTERS_BAD_HELLO },
		{ "the role", HELLO_ROLE, 0, 0, SSN_A_COUNTERS_BAD_HELLO },
	};
	uint64_t before, accepted;
	unsigned int i;

	accepted = count_at(1, SSN_A_COUNTERS_CONNS_ACCEPTED);
	for (i = 0; i < sizeof(at_hello) / sizeof(*at_hello); i++) {
		before = count_at(1, at_hello[i].counter);
		plan.act = at_hello[i].act;
		EXPECT_TRUE(connect_errno())
			TH_LOG("%s of the HELLO: no connection",
			       at_hello[i].name);
		EXPECT_EQ(1, count_at(1, at_hello[i].counter) - before)
			TH_LOG("counted");
		quiet();
	}
	EXPECT_EQ(accepted, count_at(1, SSN_A_COUNTERS_CONNS_ACCEPTED))
		TH_LOG("and none was accepted");
	plan.act = ACCEPT_TAG;
	EXPECT_EQ(EKEYREJECTED, connect_errno())
		TH_LOG("a bit of the ACCEPT");
	plan.act = PASS;
	close(accept(listener, NULL, NULL));
	quiet();
}

/* Sends bytes from the middle's place, and sees the stream end. */
static bool thrown_out(const void *bytes, size_t len)
{
	bool out;
	char c;
	int fd;

	ns_enter(member_ns[1]);
	fd = dial(B);
	ns_enter(here);
	if (fd < 0 || !write_all(fd, bytes, len))
		bail("no stream to b: %s", strerror(errno));
	out = recv(fd, &c, 1, 0) <= 0 && errno != EAGAIN;
	close(fd);
	return out;
}

TEST_F(attack, replays)
{
	uint8_t hello[HELLO_LEN];
	uint64_t before = count_at(1, SSN_A_COUNTERS_REPLAYED_HELLO);
	uint64_t bad, flood;
	struct pair p = pair_new();
	int i;

	pair_end(p);
	quiet();
	memcpy(hello, there, sizeof(hello));
	EXPECT_TRUE(thrown_out(hello, sizeof(hello)))
		TH_LOG("a HELLO again: thrown out");
	EXPECT_EQ(1, count_at(1, SSN_A_COUNTERS_REPLAYED_HELLO) - before)
		TH_LOG("counted");
	EXPECT_TRUE(recv(listener, got, 1, MSG_DONTWAIT) < 0 &&
		    !(polled(listener, POLLIN, 0) & POLLIN))
		TH_LOG("nobody to accept");

	/* a block that no one has: nothing to compute, nothing to cap */
	bad = count_at(1, SSN_A_COUNTERS_BAD_HELLO);
	hello[44] ^= 1;
	EXPECT_TRUE(thrown_out(hello, sizeof(hello)))
		TH_LOG("an unknown block");
	EXPECT_EQ(1, count_at(1, SSN_A_COUNTERS_BAD_HELLO) - bad)
		TH_LOG("counted");
	hello[44] ^= 1;

	/* a run that nobody used: a guess, as often as he likes? */
	be32_put(hello + 60, 30);
	bad = count_at(1, SSN_A_COUNTERS_BAD_TAG);
	flood = count_at(1, SSN_A_COUNTERS_FLOOD);
	for (i = 0; i < 70; i++) {
		hello[112] = i;
		if (!thrown_out(hello, sizeof(hello)))
			break;
	}
	EXPECT_EQ(70, i)
		TH_LOG("70 guesses: all thrown out");
	EXPECT_EQ(64, count_at(1, SSN_A_COUNTERS_BAD_TAG) - bad)
		TH_LOG("64 were looked at");
	EXPECT_EQ(6, count_at(1, SSN_A_COUNTERS_FLOOD) - flood)
		TH_LOG("then no more");
	/* other blocks are as before */
	block_void_now(qkd_at[0], tags[0][0].id);
	block_void_now(qkd_at[1], tags[0][0].id);
	tags_more();
	p = pair_new();
	EXPECT_TRUE(send(p.a, data, 9, 0) == 9 && recv(p.b, got, 99, 0) == 9)
		TH_LOG("with another block all is well");
	pair_end(p);
	quiet();
}

#define ADDRS	40

/* A stream from the @i-th address of the middle */
static int stranger(int i)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = address(B);
	int fd;

	from.sin_addr.s_addr = htonl(0x0a090000 | (100 + i));
	ns_enter(member_ns[1]);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ns_enter(here);
	timeouts(fd, WAIT_S);
	if (bind(fd, (void *)&from, sizeof(from)) ||
	    (connect(fd, (void *)&to, sizeof(to)) && errno != ECONNRESET))
		bail("stranger %d: %s", i, strerror(errno));
	return fd;
}

static uint64_t turned_away(void)
{
	return count_at(1, SSN_A_COUNTERS_FLOOD) +
	       count_at(1, SSN_A_COUNTERS_TIMEOUT);
}

static void stranger_addresses(int n)
{
	int i;

	ns_enter(member_ns[1]);
	for (i = 0; i < n; i++)
		ip("addr add 10.9.0.%d/24 dev eth0\n", 100 + i);
	ns_enter(here);
}

TEST_F(attack, flood_from_one)
{
	uint64_t before = count_at(1, SSN_A_COUNTERS_FLOOD);
	uint64_t late = count_at(1, SSN_A_COUNTERS_TIMEOUT);
	struct pair p;
	int i, n = 0, fd[20];

	stranger_addresses(1);
	for (i = 0; i < 20; i++)
		fd[n++] = stranger(0);
	EXPECT_TRUE(until(count_at(1, SSN_A_COUNTERS_FLOOD) - before == 12,
		    WAIT_S))
		TH_LOG("of 20 from one address 12 are turned away");
	p = pair_new();
	EXPECT_TRUE(send(p.a, data, 9, 0) == 9 && recv(p.b, got, 99, 0) == 9)
		TH_LOG("others come in meanwhile");
	pair_end(p);
	EXPECT_TRUE(until(count_at(1, SSN_A_COUNTERS_TIMEOUT) - late == 8,
		    WAIT_S))
		TH_LOG("8 are sent away when they say nothing");
	while (n)
		close(fd[--n]);
}

TEST_F(attack, flood_from_many)
{
	uint64_t before = count_at(1, SSN_A_COUNTERS_FLOOD);
	uint64_t all = turned_away();
	int i, n = 0, fd[ADDRS * 8];
	struct pair p;
	double begin;
	bool slow;

	stranger_addresses(ADDRS);
	begin = now();
	for (i = 0; i < ADDRS * 8; i++)
		fd[n++] = stranger(i / 8);
	slow = now() - begin > 4;	/* the first were sent away meanwhile */
	if (!slow) {
		EXPECT_TRUE(until(count_at(1, SSN_A_COUNTERS_FLOOD) - before ==
			    64, 1))
			TH_LOG("of 320 from 40 addresses 64 are turned away");
	}
	EXPECT_TRUE(until(turned_away() - all == ADDRS * 8, WAIT_S))
		TH_LOG("then all of them");
	while (n)
		close(fd[--n]);
	p = pair_new();
	EXPECT_TRUE(send(p.a, data, 9, 0) == 9 && recv(p.b, got, 99, 0) == 9)
		TH_LOG("and there is room again");
	pair_end(p);
	if (slow && !_metadata->exit_code)
		SKIP(return, "256 at a time: this guest is too slow");
}

TEST_HARNESS_MAIN
