// SPDX-License-Identifier: GPL-2.0
// kernels: uml-debug uml debian
// timeout: 300
/*
 * Share sockets: what is split comes back from any k members, in order, and
 * nothing else does.
 */
#include "shamir.h"
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

static void addresses(void)
{
	struct sockaddr_ssn addr = { .ssn_family = family };
	int fd = share_socket(SSNPROTO_SHARE), one = 1;
	struct ssn_share head = next_head();
	struct ssn_member row[MEMBERS];

	is_errno(share_connect(fd, 99), ENOENT, "an unknown group");
	is_errno(connect(fd, (void *)&addr, sizeof(addr)), EINVAL,
		 "group 0");
	addr.ssn_group = GROUP;
	addr.ssn_node = NODE(0);
	is_errno(connect(fd, (void *)&addr, sizeof(addr)), EINVAL,
		 "a group and a node");
	addr.ssn_node = 0;
	is_errno(connect(fd, (void *)&addr, sizeof(addr) - 1), EINVAL,
		 "a short address");
	addr.ssn_family = AF_INET;
	is_errno(connect(fd, (void *)&addr, sizeof(addr)), EAFNOSUPPORT,
		 "another family");
	is_errno(put(fd, &head, data, 10, 0), ENOTCONN, "not yet connected");
	is_errno(take(fd, &head, got, 10, 0), ENOTCONN, "nor to receive");
	is_errno(members_of(fd, row), ENOTCONN, "no members either");
	is_errno(set_xset(fd, SSN_WRITE_SET, ALL), ENOTCONN, "nor a write set");
	is_errno(setsockopt(fd, SOL_SSN, 99, &one, sizeof(one)), ENOPROTOOPT,
		 "an unknown option");
	close(fd);
}

static void members(int fd)
{
	struct ssn_member row[MEMBERS];
	socklen_t len = sizeof(row) - 1;
	int i, good = 0;

	is_int(members_of(fd, row), MEMBERS, "all members are listed");
	for (i = 0; i < MEMBERS; i++)
		good += row[i].node == (uint32_t)NODE(i) && row[i].x == X(i) &&
			row[i].state == SSN_MEMBER_LIVE && !row[i].error;
	is_int(good, MEMBERS, "each with node and x, and live");
	is_errno(getsockopt(fd, SOL_SSN, SSN_MEMBERS, row, &len), EMSGSIZE,
		 "no part of the list");
	is_int(len, sizeof(row), "but how long it is");
	is_errno(share_connect(fd, GROUP), EISCONN, "connected already");
}

static void sizes(int fd)
{
	static const size_t size[] = {
		0, 1, 7, 8, 4095, 4096, 4097, 65535, 65536, 65537, 100003,
		SSN_MSG_MAX - 1, SSN_MSG_MAX,
	};
	unsigned int i;

	for (i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		struct ssn_share head = next_head();

		fill_random(data, size[i]);
		tell(fd, 0, "forget");
		set_xset(fd, SSN_READ_SET, ALL);
		ok(put(fd, &head, data, size[i], 0) == (ssize_t)size[i] &&
		   !tell(fd, 0, "play 0 1") && comes(fd, &head, size[i]),
		   "%zu bytes there and back", size[i]);
	}
	ok(quiet(fd), "once only");
}

static void order(int fd)
{
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
	is_int(good, 200, "100 messages in order, and again");
	ok(once, "each once");
}

/* Any k give it, and only the k asked for were needed */
static void subsets(int fd)
{
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
	is_int(good, 10, "each 3 of 5 give the message");

	set_xset(fd, SSN_READ_SET, ALL);
	ok(nothing_of(fd, 3, len), "2 of 5 do not");
	is_int(polled(fd, POLLIN | POLLOUT, 0), POLLOUT, "nor does poll say so");
	tell(fd, X(3), "play 0 1");
	head = head_of(deals * 1000003, 0);
	ok(comes(fd, &head, len), "with the third it is there");
}

/* The shares themselves: other than the data, and Shamir's */
static void raw(int fd)
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
	is_int(set_option(fd, SSN_RAW_SHARES, 1), 0,
	       "raw shares, coefficients %d", coeff);
	tell(fd, 0, "mod x 3");
	tell(fd, 0, "play 0 1");
	for (i = 0; i < MEMBERS; i++) {
		good += take(fd, &back, share[i], len, 0) == (ssize_t)len &&
			same_head(&back, &head);
		x[i] = back.x;
	}
	is_int(good, MEMBERS, "a share of each member");
	for (good = i = 0; i < MEMBERS; i++)
		for (j = 0; j < MEMBERS; j++)
			good += x[j] == X(i);
	is_int(good, MEMBERS, "each with its configured x, whatever it says");

	for (i = 0; i < MEMBERS; i++) {
		for (j = 0; j < len; j++)
			plain += share[i][j] == 0x5a;
		for (j = 0; j < i; j++)
			equal += !memcmp(share[i], share[j], 64);
	}
	/* 61440 uniform bytes: 240 expected, 15.5 the standard deviation */
	ok(plain < 400, "shares are not the data: %u bytes in common", plain);
	is_int(equal, 0, "no two members have the same");

	shamir_weights(w, x + 2, K, 0);
	for (i = 0; i < K; i++)
		use[i] = share[i + 2];
	shamir_combine(out, use, w, K, len);
	is_mem(out, data, len, "f(0) of three shares is the data");
	shamir_weights(w, x + 2, K, x[0]);
	shamir_combine(out, use, w, K, len);
	is_mem(out, share[0], len, "f(x) is another member's share");

	/* f over bytes of equal data: equal coefficients give equal shares */
	for (equal = tile = 0; tile < 2; tile++)
		equal += !memcmp(share[0] + tile * 4096,
				 share[0] + (tile + 1) * 4096, 64);
	is_int(equal, 0, "fresh coefficients in each tile");
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
	ok(equal < 32, "a_1 and a_2 are two: %u of 256 equal", equal);
	set_option(fd, SSN_RAW_SHARES, 0);
	tell(fd, 0, "play 0 1");
	ok(comes(fd, &head, len), "and combines with that x");
	ok(quiet(fd), "once");		/* what is late is here, and dropped */
	tell(fd, 0, "forget");
}

static void control(int fd)
{
	struct ssn_share head;
	unsigned int i, good = 0;
	ssize_t len;

	is_int(tell(fd, X(2), "ping"), 0, "a control message to one");
	len = take(fd, &head, got, sizeof(got), 0);
	ok(len == 4 && !memcmp(got, "pong", 4) && head.x == X(2) &&
	   head.flags == SSN_SHARE_CONTROL, "that one answers");
	is_errno(take(fd, &head, got, sizeof(got), MSG_DONTWAIT), EAGAIN,
		 "nobody else does");
	tell(fd, 0, "ping");
	for (i = 0; i < MEMBERS; i++) {
		take(fd, &head, got, sizeof(got), 0);
		good += 1 << (head.x - X(0));
	}
	is_int(good, ALL, "one to all: each answers once");
	set_xset(fd, SSN_WRITE_SET, 0x0b);
	tell(fd, 0, "ping");
	for (good = i = 0; i < 3; i++) {
		take(fd, &head, got, sizeof(got), 0);
		good += 1 << (head.x - X(0));
	}
	is_int(good, 0x0b, "one to all of the write set");
	set_xset(fd, SSN_WRITE_SET, ALL);
	is_errno(tell(fd, 99, "ping"), EINVAL, "to a point that is nobody's");
}

static void refusals(int fd)
{
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
	is_errno(put(fd, NULL, data, 10, 0), EINVAL, "no share head");
	is_errno(put(fd, &head, data, SSN_MSG_MAX + 1, 0), EMSGSIZE,
		 "a message too long");
	bad = head;
	bad.x = X(0);
	is_errno(put(fd, &bad, data, 10, 0), EINVAL,
		 "split to one x");
	bad = head;
	bad.flags = 2;
	is_errno(put(fd, &bad, data, 10, 0), EINVAL, "an unknown flag");
	cmsg->cmsg_level = SOL_SSN;
	cmsg->cmsg_type = SSN_SHARE;
	cmsg->cmsg_len = CMSG_LEN(8);
	is_errno(sendmsg(fd, &msg, 0), EINVAL, "a share head too short");
	is_errno(put(fd, &head, data, 10, MSG_OOB), EOPNOTSUPP,
		 "out of band data");
	is_errno(put(fd, &head, (void *)8, 10000, 0), EFAULT,
		 "data that cannot be read");
	members_of(fd, row);
	is_int(row[0].sent, sent, "nothing of all that was dealt");

	is_int(put(fd, &head, data, 10, 0), 10, "the same message is good then");
	is_errno(put(fd, &head, data, 10, 0), EALREADY,
		 "a message of a deal twice");
	head.message = 7;
	is_int(put(fd, &head, data, 10, 0), 10, "a later one");
	head.message = 6;
	is_errno(put(fd, &head, data, 10, 0), EALREADY, "an earlier one");
	bad = next_head();
	is_int(put(fd, &bad, data, 10, 0), 10, "another deal");
	head.message = 8;
	is_errno(put(fd, &head, data, 10, 0), EALREADY, "back to the first");

	is_errno(setsockopt(fd, SOL_SSN, SSN_WRITE_SET, &set, sizeof(set)),
		 EINVAL, "x 0 in a write set");
	set.bits[0] = 1ULL << 60;
	is_errno(setsockopt(fd, SOL_SSN, SSN_READ_SET, &set, sizeof(set)),
		 EINVAL, "x that is nobody's in a read set");
	is_errno(set_xset(fd, SSN_WRITE_SET, 3), EINVAL,
		 "a write set of less than k");
	is_errno(set_xset(fd, SSN_READ_SET, 0), EINVAL, "an empty read set");
	is_errno(set_option(fd, SSN_COEFF, 9), EINVAL, "other coefficients");
	is_errno(set_option(fd, SSN_RAW_SHARES, 2), EINVAL, "raw is 0 or 1");
	for (i = 0; i < 2; i++)
		is_errno(setsockopt(fd, SOL_SSN, i ? SSN_COEFF : SSN_READ_SET,
				    &set, 3), EINVAL, "an option too short");
	tell(fd, 0, "forget");
}

/* Deals, epochs, versions ... never mix, and length counts too */
static void mixtures(int fd)
{
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
		ok(nothing_of(fd, 0x0f, len),
		   "two and two of another %s do not mix", field[f]);
	}
	set_xset(fd, SSN_READ_SET, 0x1d);
	tell(fd, 0, "forget");
	head = next_head();
	put(fd, &head, data, len, 0);
	ok(nothing_of(fd, 0x05, len) && nothing_of(fd, 0x02, len - 1),
	   "who is not in the read set does not count");
	set_xset(fd, SSN_READ_SET, ALL);
	tell(fd, 0, "forget");
	head = next_head();
	put(fd, &head, data, len, 0);
	tell(fd, X(0), "cut 1");
	tell(fd, X(1), "cut 1");
	ok(nothing_of(fd, 0x0f, len - 1), "nor do other lengths");
	tell(fd, X(4), "play 0 1");
	ok(comes(fd, &head, len), "the three that agree do");

	/* two heads are left that nobody will match */
	set_xset(fd, SSN_READ_SET, 0x07);
	tell(fd, 0, "forget");
	head = next_head();
	put(fd, &head, data, len, 0);
	tell(fd, X(0), "mod deal -1");
	for (i = 0; i < 3; i++)
		tell(fd, X(i), "play 0 1");
	is_errno(take(fd, &back, got, sizeof(got), 0), ESTALE,
		 "shares that can never be k are an error");
	tell(fd, X(0), "mod deal 0");
	tell(fd, X(0), "play 0 1");
	ok(comes(fd, &head, len),
	   "the older deal was dropped, the other goes on");
	tell(fd, 0, "forget");
	set_xset(fd, SSN_READ_SET, ALL);
}

static void buffers(int fd)
{
	struct ssn_share head = next_head(), back;
	const size_t len = 9000;
	long page = sysconf(_SC_PAGESIZE);
	char *edge = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fill_random(data, len);
	put(fd, &head, data, len, 0);
	tell(fd, 0, "play 0 1");
	is_int(polled(fd, POLLIN, 20000) & POLLIN, POLLIN,
	       "a message is there");
	/* wait for all, so that nothing changes below */
	is_errno(take(fd, &back, got, len - 1, 0), EMSGSIZE,
		 "a buffer too small");
	mprotect(edge + 2 * page, page, PROT_NONE);
	is_errno(take(fd, &back, edge, len, 0), EFAULT,
		 "a buffer that cannot be written");
	is_int(take(fd, &back, got, len, MSG_PEEK), (long long)len, "a look");
	is_mem(got, data, len, "at the whole of it");
	is_int(take(fd, &back, got, 1, MSG_PEEK | MSG_TRUNC), (long long)len,
	       "its length");
	ok(comes(fd, &head, len), "it is still there");
	ok(quiet(fd), "and then gone");
	tell(fd, 0, "forget");
	munmap(edge, 3 * page);
}

static void snapshot(int fd)
{
	struct ssn_share head = next_head(), back;
	static const uint8_t other[] = { 1, 2, 3, 4, 5 };
	int two;

	is_int(group_set(GROUP, GENERATION + 1, K, MEMBERS, other), 0,
	       "a new generation of the group");
	put(fd, &head, data, 100, 0);
	tell(fd, 0, "play 0 1");
	ok(comes(fd, &head, 100), "the socket stays with its own");
	two = share_to(GROUP);
	head = next_head();
	put(two, &head, data, 100, 0);
	tell(two, 0, "play 0 1");
	ok(take(two, &back, got, sizeof(got), 0) == 100 &&
	   back.generation == GENERATION + 1, "another has the new one");
	close(two);
	is_int(group_del(GROUP), 0, "the group goes away");
	head = next_head();
	tell(fd, 0, "forget");
	put(fd, &head, data, 100, 0);
	tell(fd, 0, "play 0 1");
	ok(comes(fd, &head, 100), "the socket still stays");
	tell(fd, 0, "forget");
	if (group_set(GROUP, GENERATION, K, MEMBERS, NULL))
		bail("group-set: %s (%s)", strerror(errno), nl_text);
}

int main(void)
{
	int fd;

	share_setup(14);
	addresses();
	fd = share_to(GROUP);
	members(fd);
	sizes(fd);
	order(fd);
	subsets(fd);
	raw(fd);
	coeff = SSN_COEFF_CRNG;
	is_int(set_option(fd, SSN_COEFF, coeff), 0, "the kernel's coefficients");
	raw(fd);
	coeff = SSN_COEFF_PAD;
	set_option(fd, SSN_COEFF, coeff);
	control(fd);
	refusals(fd);
	mixtures(fd);
	buffers(fd);
	snapshot(fd);
	close(fd);
	share_teardown();
	return tap_done();
}
