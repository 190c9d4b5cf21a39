// SPDX-License-Identifier: GPL-2.0
// kernels: uml-debug uml debian
// timeout: 300
/*
 * Share sockets: what is split comes back from any k members, in order, and
 * nothing else does.
 */
#include "shamir_split.h"
#include "ssn_share_util.h"

#define ALL	((1U << MEMBERS) - 1)

static uint8_t data[SSN_MSG_MAX + 1], got[SSN_MSG_MAX + 1];
static uint64_t deals;		/* each test takes new ones */
static int coeff = SSN_COEFF_PAD;

/* Head of the next deal's first message */
static struct ssn_share next_head(void)
{
	return head_of(++deals * 1000003, 0);
}

static bool same_head(const struct ssn_share *a, const struct ssn_share *sent)
{
	return a->group == GROUP && a->generation == GENERATION &&
	       a->scheme == SSN_SCHEME_SHAMIR && a->k == K && a->n == MEMBERS &&
	       !a->flags && a->provenance == coeff &&
	       a->epoch == sent->epoch && a->deal == sent->deal &&
	       a->message == sent->message && a->version == sent->version &&
	       a->segment == sent->segment &&
	       !memcmp(a->object, sent->object, 16);
}

/* Nothing comes: not even when every member answered after what it sent */
static bool quiet(int fd)
{
	struct ssn_share head;
	int i, pongs = 0;
	ssize_t len;

	if (tell(fd, 0, "ping"))
		return false;
	for (i = 0; i < MEMBERS; i++) {
		len = take(fd, &head, got, sizeof(got), 0);
		pongs += len == 4 && head.flags & SSN_SHARE_CONTROL &&
			 !memcmp(got, "pong", 4);
	}
	return pongs == MEMBERS;
}

/*
 * Lets the members in @set send their first share of @len bytes; false if that
 * gives something to receive once they are here. What comes from a member behind
 * a share that waits for others waits too, so a ping would not do.
 */
static bool nothing_of(int fd, unsigned int set, size_t len)
{
	struct ssn_member was[MEMBERS], row[MEMBERS];
	struct ssn_share head;
	int i;

	members_of(fd, was);
	for (i = 0; i < MEMBERS; i++)
		if (set >> i & 1 && tell(fd, X(i), "play 0 1"))
			return false;
	for (i = 0; i < MEMBERS; i++)
		if (set >> i & 1 &&
		    !until(members_of(fd, row) == MEMBERS &&
			   row[i].received >= was[i].received + len, 20)) {
			diag("member %d sent nothing", i);
			return false;
		}
	return take(fd, &head, got, sizeof(got), MSG_DONTWAIT) < 0 &&
	       errno == EAGAIN;
}

/* Takes one message and says whether it is @len bytes of data with @sent */
static bool comes(int fd, const struct ssn_share *sent, size_t len)
{
	struct ssn_share head;
	ssize_t ret = take(fd, &head, got, sizeof(got), 0);

	if (ret != (ssize_t)len) {
		diag("got %zd (%s), want %zu", ret, strerror(errno), len);
		return false;
	}
	return !memcmp(got, data, len) && same_head(&head, sent) && !head.x;
}

/* A dealer with a share socket, and members */
FIXTURE(share) {
	int fd;
};

FIXTURE_SETUP(share)
{
	members_begin(2);	/* poll(2) wants pad for a whole message */
	self->fd = share_to(GROUP);
}

FIXTURE_TEARDOWN(share)
{
	close(self->fd);
	members_end();
}

TEST_F(share, addresses)
{
	struct sockaddr_ssn addr = { .ssn_family = family };
	int fd = share_socket(SSNPROTO_SHARE), one = 1;
	struct ssn_share head = next_head();
	struct ssn_member row[MEMBERS];

	EXPECT_EQ(ENOENT, error_of(share_connect(fd, 99)))
		TH_LOG("an unknown group");
	EXPECT_EQ(EINVAL, error_of(connect(fd, (void *)&addr, sizeof(addr))))
		TH_LOG("group 0");
	addr.ssn_group = GROUP;
	addr.ssn_node = NODE(0);
	EXPECT_EQ(EINVAL, error_of(connect(fd, (void *)&addr, sizeof(addr))))
		TH_LOG("a group and a node");
	addr.ssn_node = 0;
	EXPECT_EQ(EINVAL,
		  error_of(connect(fd, (void *)&addr, sizeof(addr) - 1)))
		TH_LOG("a short address");
	addr.ssn_family = AF_INET;
	EXPECT_EQ(EAFNOSUPPORT,
		  error_of(connect(fd, (void *)&addr, sizeof(addr))))
		TH_LOG("another family");
	EXPECT_EQ(ENOTCONN, error_of(put(fd, &head, data, 10, 0)))
		TH_LOG("not yet connected");
	EXPECT_EQ(ENOTCONN, error_of(take(fd, &head, got, 10, 0)))
		TH_LOG("nor to receive");
	EXPECT_EQ(ENOTCONN, error_of(members_of(fd, row)))
		TH_LOG("no members either");
	EXPECT_EQ(ENOTCONN, error_of(set_xset(fd, SSN_WRITE_SET, ALL)))
		TH_LOG("nor a write set");
	EXPECT_EQ(ENOPROTOOPT,
		  error_of(setsockopt(fd, SOL_SSN, 99, &one, sizeof(one))))
		TH_LOG("an unknown option");
	close(fd);
}

TEST_F(share, members)
{
	int fd = self->fd;
	struct ssn_member row[MEMBERS];
	socklen_t len = sizeof(row) - 1;
	int i, good = 0;

	EXPECT_EQ(MEMBERS, members_of(fd, row))
		TH_LOG("all members are listed");
	for (i = 0; i < MEMBERS; i++)
		good += row[i].node == (uint32_t)NODE(i) && row[i].x == X(i) &&
			row[i].state == SSN_MEMBER_LIVE && !row[i].error;
	EXPECT_EQ(MEMBERS, good)
		TH_LOG("each with node and x, and live");
	EXPECT_EQ(EMSGSIZE,
		  error_of(getsockopt(fd, SOL_SSN, SSN_MEMBERS, row, &len)))
		TH_LOG("no part of the list");
	EXPECT_EQ(sizeof(row), len)
		TH_LOG("but how long it is");
	EXPECT_EQ(EISCONN, error_of(share_connect(fd, GROUP)))
		TH_LOG("connected already");
}

TEST_F(share, sizes)
{
	int fd = self->fd;
	static const size_t size[] = {
		0, 1, 7, 8, 4095, 4096, 4097, 65535, 65536, 65537, 100003,
		SSN_MSG_MAX - 1, SSN_MSG_MAX,
	};
	unsigned int i;

	for (i = 0; i < MEMBERS; i++)
		pads_more(i, 1);
	for (i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		struct ssn_share head = next_head();

		fill_random(data, size[i]);
		tell(fd, 0, "forget");
		set_xset(fd, SSN_READ_SET, ALL);
		EXPECT_TRUE(put(fd, &head, data, size[i], 0) == (ssize_t)size[i]
			    && !tell(fd, 0, "play 0 1") &&
			    comes(fd, &head, size[i]))
			TH_LOG("%zu bytes there and back", size[i]);
	}
	EXPECT_TRUE(quiet(fd))
		TH_LOG("once only");
}

TEST_F(share, order)
{
	int fd = self->fd;
	struct ssn_share head = next_head();
	int i, good = 0, round;
	bool once = true;

	tell(fd, 0, "forget");
	for (i = 0; i < 100; i++) {
		memset(data, i, 1000);
		head.message = i;
		if (put(fd, &head, data, 1000 + i, 0) != 1000 + i)
			diag("message %d: %s", i, strerror(errno));
	}
	/* the same again is not taken for late shares of the first time */
	for (round = 0; round < 2; round++) {
		tell(fd, 0, "play 0 100");
		for (i = 0; i < 100; i++) {
			memset(data, i, 1000);
			good += take(fd, &head, got, sizeof(got), 0) ==
					1000 + i && head.message == (unsigned)i &&
				!memcmp(got, data, 1000);
		}
		once &= quiet(fd);
	}
	EXPECT_EQ(200, good)
		TH_LOG("100 messages in order, and again");
	EXPECT_TRUE(once)
		TH_LOG("each once");
}

/* Any k give it, and only the k asked for were needed */
TEST_F(share, subsets)
{
	int fd = self->fd;
	struct ssn_share head = next_head();
	unsigned int set, i, good = 0;
	const size_t len = 5000;

	tell(fd, 0, "forget");
	fill_random(data, len);
	put(fd, &head, data, len, 0);
	for (set = 0; set <= ALL; set++) {
		if (__builtin_popcount(set) != K)
			continue;
		set_xset(fd, SSN_READ_SET, set);
		for (i = 0; i < MEMBERS; i++)
			if (set >> i & 1)
				tell(fd, X(i), "play 0 1");
		good += comes(fd, &head, len);
	}
	EXPECT_EQ(10, good)
		TH_LOG("each 3 of 5 give the message");

	set_xset(fd, SSN_READ_SET, ALL);
	EXPECT_TRUE(nothing_of(fd, 3, len))
		TH_LOG("2 of 5 do not");
	EXPECT_EQ(POLLOUT, polled(fd, POLLIN | POLLOUT, 0))
		TH_LOG("nor does poll say so");
	tell(fd, X(3), "play 0 1");
	head = head_of(deals * 1000003, 0);
	EXPECT_TRUE(comes(fd, &head, len))
		TH_LOG("with the third it is there");
}

/* The shares themselves: other than the data, and Shamir's */
static void raw(struct __test_metadata *_metadata, int fd)
{
	static uint8_t share[MEMBERS][3 * 4096], out[3 * 4096];
	struct ssn_share head = next_head(), back;
	uint8_t x[MEMBERS], w[K], a[3][2];
	const uint8_t *use[K];
	unsigned int i, j, good = 0, plain = 0, equal = 0, tile;
	const size_t len = sizeof(out);

	tell(fd, 0, "forget");
	memset(data, 0x5a, len);
	put(fd, &head, data, len, 0);
	EXPECT_EQ(0, set_option(fd, SSN_RAW_SHARES, 1))
		TH_LOG("raw shares, coefficients %d", coeff);
	tell(fd, 0, "mod x 3");
	tell(fd, 0, "play 0 1");
	for (i = 0; i < MEMBERS; i++) {
		good += take(fd, &back, share[i], len, 0) == (ssize_t)len &&
			same_head(&back, &head);
		x[i] = back.x;
	}
	EXPECT_EQ(MEMBERS, good)
		TH_LOG("a share of each member");
	for (good = i = 0; i < MEMBERS; i++)
		for (j = 0; j < MEMBERS; j++)
			good += x[j] == X(i);
	EXPECT_EQ(MEMBERS, good)
		TH_LOG("each with its configured x, whatever it says");

	for (i = 0; i < MEMBERS; i++) {
		for (j = 0; j < len; j++)
			plain += share[i][j] == 0x5a;
		for (j = 0; j < i; j++)
			equal += !memcmp(share[i], share[j], 64);
	}
	/* 61440 uniform bytes: 240 expected, 15.5 the standard deviation */
	EXPECT_LT(plain, 400)
		TH_LOG("shares are not the data: %u bytes in common", plain);
	EXPECT_EQ(0, equal)
		TH_LOG("no two members have the same");

	shamir_weights(w, x + 2, K, 0);
	for (i = 0; i < K; i++)
		use[i] = share[i + 2];
	shamir_combine(out, use, w, K, len);
	EXPECT_EQ(0, memcmp(out, data, len))
		TH_LOG("f(0) of three shares is the data");
	shamir_weights(w, x + 2, K, x[0]);
	shamir_combine(out, use, w, K, len);
	EXPECT_EQ(0, memcmp(out, share[0], len))
		TH_LOG("f(x) is another member's share");

	/* f over bytes of equal data: equal coefficients give equal shares */
	for (equal = tile = 0; tile < 2; tile++)
		equal += !memcmp(share[0] + tile * 4096,
				 share[0] + (tile + 1) * 4096, 64);
	EXPECT_EQ(0, equal)
		TH_LOG("fresh coefficients in each tile");
	/* s, a_1, a_2 from shares at x_0..x_2: a_1 = a_2 everywhere? */
	for (equal = i = 0; i < 256; i++) {
		for (j = 0; j < 3; j++) {
			uint8_t d = share[j][i] ^ 0x5a;

			a[j][0] = x[j];
			a[j][1] = d;
		}
		/* (a_1 + a_2 x) x = d; a_1 = a_2 = a: a x (1 + x) = d */
		for (j = 1; j < 256; j++) {
			uint8_t p[2];
			const uint8_t b = j;
			const uint8_t *c[2] = { &b, &b };
			const uint8_t zero = 0;

			shamir_split(&p[0], &zero, c, 3, a[0][0], 1);
			shamir_split(&p[1], &zero, c, 3, a[1][0], 1);
			equal += p[0] == a[0][1] && p[1] == a[1][1];
		}
	}
	EXPECT_LT(equal, 32)
		TH_LOG("a_1 and a_2 are two: %u of 256 equal", equal);
	set_option(fd, SSN_RAW_SHARES, 0);
	tell(fd, 0, "play 0 1");
	EXPECT_TRUE(comes(fd, &head, len))
		TH_LOG("and combines with that x");
	EXPECT_TRUE(quiet(fd))
		TH_LOG("once");		/* what is late is here, and dropped */
	tell(fd, 0, "forget");
}

TEST_F(share, raw_pad)
{
	raw(_metadata, self->fd);
}

TEST_F(share, raw_crng)
{
	coeff = SSN_COEFF_CRNG;
	EXPECT_EQ(0, set_option(self->fd, SSN_COEFF, coeff))
		TH_LOG("the kernel's coefficients");
	raw(_metadata, self->fd);
}

TEST_F(share, control)
{
	int fd = self->fd;
	struct ssn_share head;
	unsigned int i, good = 0;
	ssize_t len;

	EXPECT_EQ(0, tell(fd, X(2), "ping"))
		TH_LOG("a control message to one");
	len = take(fd, &head, got, sizeof(got), 0);
	EXPECT_TRUE(len == 4 && !memcmp(got, "pong", 4) && head.x == X(2) &&
		    head.flags == SSN_SHARE_CONTROL)
		TH_LOG("that one answers");
	EXPECT_EQ(EAGAIN,
		  error_of(take(fd, &head, got, sizeof(got), MSG_DONTWAIT)))
		TH_LOG("nobody else does");
	tell(fd, 0, "ping");
	for (i = 0; i < MEMBERS; i++) {
		take(fd, &head, got, sizeof(got), 0);
		good += 1 << (head.x - X(0));
	}
	EXPECT_EQ(ALL, good)
		TH_LOG("one to all: each answers once");
	set_xset(fd, SSN_WRITE_SET, 0x0b);
	tell(fd, 0, "ping");
	for (good = i = 0; i < 3; i++) {
		take(fd, &head, got, sizeof(got), 0);
		good += 1 << (head.x - X(0));
	}
	EXPECT_EQ(0x0b, good)
		TH_LOG("one to all of the write set");
	set_xset(fd, SSN_WRITE_SET, ALL);
	EXPECT_EQ(EINVAL, error_of(tell(fd, 99, "ping")))
		TH_LOG("to a point that is nobody's");
}

TEST_F(share, refusals)
{
	int fd = self->fd;
	struct ssn_share head = next_head(), bad;
	struct ssn_xset set = { .bits = { 1 } };
	struct ssn_member row[MEMBERS];
	uint64_t sent;
	char room[CMSG_SPACE(8)] = "";
	struct iovec iov = { data, 10 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = room,
			      .msg_controllen = sizeof(room) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int i;

	members_of(fd, row);
	sent = row[0].sent;
	EXPECT_EQ(EINVAL, error_of(put(fd, NULL, data, 10, 0)))
		TH_LOG("no share head");
	EXPECT_EQ(EMSGSIZE, error_of(put(fd, &head, data, SSN_MSG_MAX + 1, 0)))
		TH_LOG("a message too long");
	bad = head;
	bad.x = X(0);
	EXPECT_EQ(EINVAL, error_of(put(fd, &bad, data, 10, 0)))
		TH_LOG("split to one x");
	bad = head;
	bad.flags = 2;
	EXPECT_EQ(EINVAL, error_of(put(fd, &bad, data, 10, 0)))
		TH_LOG("an unknown flag");
	cmsg->cmsg_level = SOL_SSN;
	cmsg->cmsg_type = SSN_SHARE;
	cmsg->cmsg_len = CMSG_LEN(8);
	EXPECT_EQ(EINVAL, error_of(sendmsg(fd, &msg, 0)))
		TH_LOG("a share head too short");
	EXPECT_EQ(EOPNOTSUPP, error_of(put(fd, &head, data, 10, MSG_OOB)))
		TH_LOG("out of band data");
	EXPECT_EQ(EFAULT, error_of(put(fd, &head, (void *)8, 10000, 0)))
		TH_LOG("data that cannot be read");
	members_of(fd, row);
	EXPECT_EQ(sent, row[0].sent)
		TH_LOG("nothing of all that was dealt");

	EXPECT_EQ(10, put(fd, &head, data, 10, 0))
		TH_LOG("the same message is good then");
	EXPECT_EQ(EALREADY, error_of(put(fd, &head, data, 10, 0)))
		TH_LOG("a message of a deal twice");
	head.message = 7;
	EXPECT_EQ(10, put(fd, &head, data, 10, 0))
		TH_LOG("a later one");
	head.message = 6;
	EXPECT_EQ(EALREADY, error_of(put(fd, &head, data, 10, 0)))
		TH_LOG("an earlier one");
	bad = next_head();
	EXPECT_EQ(10, put(fd, &bad, data, 10, 0))
		TH_LOG("another deal");
	head.message = 8;
	EXPECT_EQ(EALREADY, error_of(put(fd, &head, data, 10, 0)))
		TH_LOG("back to the first");

	EXPECT_EQ(EINVAL,
		  error_of(setsockopt(fd, SOL_SSN, SSN_WRITE_SET, &set,
		  sizeof(set))))
		TH_LOG("x 0 in a write set");
	set.bits[0] = 1ULL << 60;
	EXPECT_EQ(EINVAL,
		  error_of(setsockopt(fd, SOL_SSN, SSN_READ_SET, &set,
		  sizeof(set))))
		TH_LOG("x that is nobody's in a read set");
	EXPECT_EQ(EINVAL, error_of(set_xset(fd, SSN_WRITE_SET, 3)))
		TH_LOG("a write set of less than k");
	EXPECT_EQ(EINVAL, error_of(set_xset(fd, SSN_READ_SET, 0)))
		TH_LOG("an empty read set");
	EXPECT_EQ(EINVAL, error_of(set_option(fd, SSN_COEFF, 9)))
		TH_LOG("other coefficients");
	EXPECT_EQ(EINVAL, error_of(set_option(fd, SSN_RAW_SHARES, 2)))
		TH_LOG("raw is 0 or 1");
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(EINVAL,
			  error_of(setsockopt(fd, SOL_SSN, i ? SSN_COEFF :
			  SSN_READ_SET, &set, 3)))
			TH_LOG("an option too short");
	}
	tell(fd, 0, "forget");
}

/* Deals, epochs, versions ... never mix, and length counts too */
TEST_F(share, mixtures)
{
	int fd = self->fd;
	static const char *const field[] = {
		"epoch", "deal", "message", "segment", "version", "object",
		"provenance",
	};
	struct ssn_share head = next_head(), back;
	const size_t len = 3000;
	char text[64];
	unsigned int i, f;

	fill_random(data, len);
	for (f = 0; f < sizeof(field) / sizeof(field[0]); f++) {
		head = next_head();
		tell(fd, 0, "forget");
		put(fd, &head, data, len, 0);
		snprintf(text, sizeof(text), "mod %s 1", field[f]);
		tell(fd, X(0), text);
		tell(fd, X(1), text);
		/* so that all four may still become three */
		set_xset(fd, SSN_READ_SET, 0x1f);
		EXPECT_TRUE(nothing_of(fd, 0x0f, len))
			TH_LOG("two and two of another %s do not mix",
			       field[f]);
	}
	set_xset(fd, SSN_READ_SET, 0x1d);
	tell(fd, 0, "forget");
	head = next_head();
	put(fd, &head, data, len, 0);
	EXPECT_TRUE(nothing_of(fd, 0x05, len) && nothing_of(fd, 0x02, len - 1))
		TH_LOG("who is not in the read set does not count");
	set_xset(fd, SSN_READ_SET, ALL);
	tell(fd, 0, "forget");
	head = next_head();
	put(fd, &head, data, len, 0);
	tell(fd, X(0), "cut 1");
	tell(fd, X(1), "cut 1");
	EXPECT_TRUE(nothing_of(fd, 0x0f, len - 1))
		TH_LOG("nor do other lengths");
	tell(fd, X(4), "play 0 1");
	EXPECT_TRUE(comes(fd, &head, len))
		TH_LOG("the three that agree do");

	/* two heads are left that nobody will match */
	set_xset(fd, SSN_READ_SET, 0x07);
	tell(fd, 0, "forget");
	head = next_head();
	put(fd, &head, data, len, 0);
	tell(fd, X(0), "mod deal -1");
	for (i = 0; i < 3; i++)
		tell(fd, X(i), "play 0 1");
	EXPECT_EQ(ESTALE, error_of(take(fd, &back, got, sizeof(got), 0)))
		TH_LOG("shares that can never be k are an error");
	tell(fd, X(0), "mod deal 0");
	tell(fd, X(0), "play 0 1");
	EXPECT_TRUE(comes(fd, &head, len))
		TH_LOG("the older deal was dropped, the other goes on");
	tell(fd, 0, "forget");
	set_xset(fd, SSN_READ_SET, ALL);
}

TEST_F(share, buffers)
{
	int fd = self->fd;
	struct ssn_share head = next_head(), back;
	const size_t len = 9000;
	long page = sysconf(_SC_PAGESIZE);
	char *edge = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	fill_random(data, len);
	put(fd, &head, data, len, 0);
	tell(fd, 0, "play 0 1");
	EXPECT_EQ(POLLIN, polled(fd, POLLIN, 20000) & POLLIN)
		TH_LOG("a message is there");
	/* wait for all, so that nothing changes below */
	EXPECT_EQ(EMSGSIZE, error_of(take(fd, &back, got, len - 1, 0)))
		TH_LOG("a buffer too small");
	mprotect(edge + 2 * page, page, PROT_NONE);
	/* as often as would leave less than k shares, if each cost one */
	for (i = 0; i <= MEMBERS - K; i++)
		EXPECT_EQ(EFAULT, error_of(take(fd, &back, edge, len, 0)))
			TH_LOG("a buffer that cannot be written");
	EXPECT_EQ((long long)len, take(fd, &back, got, len, MSG_PEEK))
		TH_LOG("a look");
	EXPECT_EQ(0, memcmp(got, data, len))
		TH_LOG("at the whole of it");
	EXPECT_EQ((long long)len, take(fd, &back, got, 1, MSG_PEEK | MSG_TRUNC))
		TH_LOG("its length");
	EXPECT_TRUE(comes(fd, &head, len))
		TH_LOG("it is still there");
	EXPECT_TRUE(quiet(fd))
		TH_LOG("and then gone");
	tell(fd, 0, "forget");
	munmap(edge, 3 * page);
}

TEST_F(share, snapshot)
{
	int fd = self->fd;
	struct ssn_share head = next_head(), back;
	static const uint8_t other[] = { 1, 2, 3, 4, 5 };
	int two;

	EXPECT_EQ(0, group_set(GROUP, GENERATION + 1, K, MEMBERS, other))
		TH_LOG("a new generation of the group");
	put(fd, &head, data, 100, 0);
	tell(fd, 0, "play 0 1");
	EXPECT_TRUE(comes(fd, &head, 100))
		TH_LOG("the socket stays with its own");
	two = share_to(GROUP);
	head = next_head();
	put(two, &head, data, 100, 0);
	tell(two, 0, "play 0 1");
	EXPECT_TRUE(take(two, &back, got, sizeof(got), 0) == 100 &&
		    back.generation == GENERATION + 1)
		TH_LOG("another has the new one");
	close(two);
	EXPECT_EQ(0, group_del(GROUP))
		TH_LOG("the group goes away");
	head = next_head();
	tell(fd, 0, "forget");
	put(fd, &head, data, 100, 0);
	tell(fd, 0, "play 0 1");
	EXPECT_TRUE(comes(fd, &head, 100))
		TH_LOG("the socket still stays");
	tell(fd, 0, "forget");
	if (group_set(GROUP, GENERATION, K, MEMBERS, NULL))
		bail("group-set: %s (%s)", strerror(errno), nl_text);
}

TEST_HARNESS_MAIN
