// SPDX-License-Identifier: GPL-2.0
// kernels: uml-debug uml debian
// timeout: 300
/*
 * Groups of the XOR scheme: what is split comes back from any k members, shares are
 * as long as the message and have the format that Documentation/arithmetic.rst says,
 * and what the scheme cannot do is refused.
 */
#include <linux/ssn.h>

#define SCHEME	SSN_SCHEME_XOR
#define X(i)	(1 + 4 * (i))	/* 1 to 17: both ends of what is possible */

#include "scheme.h"
#include "ssn_share_util.h"

#define TWO	8	/* a group (2,3) */
#define ALL	((1U << MEMBERS) - 1)

static uint8_t data[SSN_MSG_MAX], got[SSN_MSG_MAX];
static uint64_t deals;

static struct ssn_share next_head(void)
{
	return head_of(++deals * 7919, 0);
}

FIXTURE(xor) {
	int fd;
};

FIXTURE_SETUP(xor)
{
	members_begin(4);
	if (group_set(TWO, 1, 2, 3, NULL))
		bail("group-set: %s (%s)", strerror(errno), nl_text);
	self->fd = share_to(GROUP);
}

FIXTURE_TEARDOWN(xor)
{
	close(self->fd);
	members_end();
}

static bool comes(int fd, size_t len, int coeff)
{
	struct ssn_share head;
	ssize_t ret = take(fd, &head, got, sizeof(got), 0);

	if (ret != (ssize_t)len) {
		diag("got %zd (%s), want %zu", ret, strerror(errno), len);
		return false;
	}
	return !memcmp(got, data, len) && head.scheme == SSN_SCHEME_XOR &&
	       head.provenance == coeff;
}

static int coeff_of(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	getsockopt(fd, SOL_SSN, SSN_COEFF, &value, &len);
	return value;
}

/* What was dealt comes back from each k of the first n members */
static unsigned int subsets(int fd, unsigned int k, unsigned int n, size_t len)
{
	unsigned int set, i, good = 0;

	for (set = 0; set < 1U << n; set++) {
		if ((unsigned int)__builtin_popcount(set) != k)
			continue;
		set_xset(fd, SSN_READ_SET, set);
		for (i = 0; i < n; i++)
			if (set >> i & 1)
				tell(fd, X(i), "play 0 1");
		good += comes(fd, len, SSN_COEFF_CRNG);
	}
	return good;
}

/* Around a block's length, a piece's, a page's, and beyond */
TEST_F(xor, subsets)
{
	static const size_t size[] = { 1, 15, 16, 17, 4095, 4096, 4097, 8193,
				       65537, 262145 };
	struct ssn_share head;
	unsigned int s, i;
	int fd;

	for (s = 0; s < sizeof(size) / sizeof(*size); s++) {
		tell(self->fd, 0, "forget");
		fill_random(data, size[s]);
		head = next_head();
		ASSERT_EQ((long long)size[s],
			  put(self->fd, &head, data, size[s], 0));
		EXPECT_EQ(10, subsets(self->fd, K, MEMBERS, size[s]))
			TH_LOG("%zu bytes from each 3 of 5", size[s]);
	}
	fd = share_to(TWO);
	for (s = 0; s < sizeof(size) / sizeof(*size); s++) {
		for (i = 0; i < 3; i++)
			tell(fd, X(i), "forget");
		fill_random(data, size[s]);
		head = next_head();
		ASSERT_EQ((long long)size[s], put(fd, &head, data, size[s], 0));
		EXPECT_EQ(3, subsets(fd, 2, 3, size[s]))
			TH_LOG("%zu bytes from each 2 of 3", size[s]);
	}
	close(fd);
}

/* All n shares travel, each as long as the message */
TEST_F(xor, travels)
{
	struct ssn_member was[MEMBERS], row[MEMBERS];
	struct ssn_share head = next_head();
	const size_t len = 300001;
	int i, exact = 0;

	fill_random(data, len);
	members_of(self->fd, was);
	ASSERT_EQ((long long)len, put(self->fd, &head, data, len, 0));
	members_of(self->fd, row);
	for (i = 0; i < MEMBERS; i++)
		exact += row[i].sent - was[i].sent == len;
	EXPECT_EQ(MEMBERS, exact)
		TH_LOG("n L bytes of payload, L to each member");
}

/* @share: what each member keeps of its message number @m, in order of members */
static void raw_shares(int fd, int m, uint8_t (*share)[8999], size_t len)
{
	struct ssn_share back;
	char text[32];
	int i;

	sprintf(text, "play %d %d", m, m + 1);
	tell(fd, 0, text);
	for (i = 0; i < MEMBERS; i++) {
		if (take(fd, &back, got, sizeof(got), 0) != (ssize_t)len)
			bail("a share: %s", strerror(errno));
		memcpy(share[(back.x - 1) / 4], got, len);
	}
}

/* Three pieces, the last one odd: the code that programs have combines them */
TEST_F(xor, format)
{
	const struct ssn_scheme_ops *ops = ssn_scheme_find(SSN_SCHEME_XOR);
	static uint8_t share[2][MEMBERS][8999], sum[8999];
	static const uint8_t x[K] = { X(4), X(0), X(2) };
	struct ssn_share head = next_head();
	const size_t len = sizeof(sum);
	const uint8_t *from[K];
	unsigned int i, j, m, equal = 0, plain = 0;
	uint8_t *weight = malloc(ops->weight_bytes(K));

	memset(data, 0x5a, len);
	tell(self->fd, 0, "forget");
	set_option(self->fd, SSN_RAW_SHARES, 1);
	for (m = 0; m < 2; m++) {
		head.message = m;
		put(self->fd, &head, data, len, 0);
		raw_shares(self->fd, m, share[m], len);
	}
	from[0] = share[0][4];
	from[1] = share[0][0];
	from[2] = share[0][2];
	EXPECT_EQ(0, ops->weights(weight, x, K));
	ops->combine(sum, from, weight, K, len);
	EXPECT_EQ(0, memcmp(sum, data, len))
		TH_LOG("pieces of %u bytes", SSN_PIECE);
	free(weight);

	for (i = 0; i < MEMBERS; i++) {
		equal += !memcmp(share[0][i], share[1][i], 64);
		for (j = 0; j < 4096; j += 256)
			equal += !memcmp(share[0][i] + j,
					 share[0][i] + 4096 + j, 64);
		for (j = 0; j < len; j++)
			plain += share[0][i][j] == 0x5a;
	}
	EXPECT_EQ(0, equal)
		TH_LOG("equal data, other shares: fresh coefficients for each piece");
	/* 44995 uniform bytes: 176 expected, 13.2 the standard deviation */
	EXPECT_LT(plain, 310)
		TH_LOG("shares are not the data: %u bytes in common", plain);
}

/* There is no pad-as-share in this scheme, and nobody says there was */
TEST_F(xor, coefficients)
{
	struct ssn_member was[MEMBERS], row[MEMBERS];
	struct ssn_share head = next_head();
	int i, dealt = 0, fd = share_socket(SSNPROTO_SHARE), shamir;

	EXPECT_EQ(SSN_COEFF_CRNG, coeff_of(self->fd))
		TH_LOG("the kernel's generator where nothing was asked for");
	EXPECT_EQ(0, set_option(fd, SSN_COEFF, SSN_COEFF_PAD));
	EXPECT_EQ(0, share_connect(fd, GROUP))
		TH_LOG("who asks for pad may read");
	EXPECT_EQ(SSN_COEFF_PAD, coeff_of(fd))
		TH_LOG("and is not given something else");
	members_of(fd, was);
	EXPECT_EQ(EOPNOTSUPP, error_of(put(fd, &head, data, 100, 0)))
		TH_LOG("but not deal");
	members_of(fd, row);
	for (i = 0; i < MEMBERS; i++)
		dealt += row[i].sent != was[i].sent;
	EXPECT_EQ(0, dealt)
		TH_LOG("nothing was dealt");
	EXPECT_EQ(0, set_option(fd, SSN_COEFF, SSN_COEFF_CRNG));
	fill_random(data, 100);
	tell(fd, 0, "forget");
	ASSERT_EQ(100, put(fd, &head, data, 100, 0));
	tell(fd, 0, "play 0 1");
	EXPECT_TRUE(comes(fd, 100, SSN_COEFF_CRNG))
		TH_LOG("with the generator it goes on");
	close(fd);
	shamir = share_socket(SSNPROTO_SHARE);
	EXPECT_EQ(SSN_COEFF_PAD, coeff_of(shamir))
		TH_LOG("before it is connected: the usual");
	close(shamir);
}

/* From the pool "local": what the scheme takes, and not a byte more */
TEST_F(xor, local)
{
	static unsigned char bytes[BLOCK];
	/* a piece; then 16 of 59 blocks' bytes, and 9 left over for Shamir */
	const size_t len = 4096 + 16 * 59 + 9;
	const size_t coeffs = 256 * 33 + 59 * 33 + 9 * 2;
	struct ssn_share head = next_head();
	struct pool was, pool;
	qkd_id id;

	id_new(id);
	fill_random(bytes, 4 * UNIT);
	EXPECT_EQ(0, set_option(self->fd, SSN_COEFF, SSN_COEFF_LOCAL));
	if (block_add(ring_serial(qkd_at[0]), 0, QKD_DIR_LOCAL,
		      QKD_KIND_PAYLOAD, id, bytes, 4 * UNIT) < 0)
		bail("add_key local: %s", strerror(errno));
	pool_get(qkd_at[0], 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &was);
	fill_random(data, len);
	tell(self->fd, 0, "forget");
	ASSERT_EQ((long long)len, put(self->fd, &head, data, len, 0));
	pool_get(qkd_at[0], 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &pool);
	EXPECT_EQ(coeffs, was.usable - pool.usable)
		TH_LOG("33 blocks for 16 of the secret");
	tell(self->fd, 0, "play 0 1");
	EXPECT_TRUE(comes(self->fd, len, SSN_COEFF_LOCAL))
		TH_LOG("the message, and where they came from");
}

/* A share of the other scheme is none of this group's */
TEST_F(xor, other_scheme)
{
	struct ssn_share head = next_head();

	tell(self->fd, 0, "forget");
	put(self->fd, &head, data, 100, 0);
	tell(self->fd, X(1), "mod scheme -1");
	tell(self->fd, X(1), "play 0 1");
	EXPECT_TRUE(until(member_state(self->fd, 1) == SSN_MEMBER_FAILED ||
			  (take(self->fd, &head, got, 100, MSG_DONTWAIT), 0),
			  20));
	EXPECT_EQ(EBADMSG, member_error(self->fd, 1));
}

static bool refused(unsigned int k, unsigned int n, const uint8_t *x)
{
	nl_text[0] = 0;
	return error_of(group_set(50, 1, k, n, x)) == EINVAL &&
	       strstr(nl_text, "xor wants 2 <= k <= n <= 17");
}

TEST_F(xor, groups)
{
	static const uint8_t far[] = { 1, 2, 18 }, last[] = { 15, 16, 17 };
	static uint8_t many[18];
	unsigned int i;

	for (i = 0; i < sizeof(many); i++)
		many[i] = i + 1;
	EXPECT_TRUE(refused(2, 3, far))
		TH_LOG("x 18");
	EXPECT_TRUE(refused(1, 3, NULL))
		TH_LOG("k 1");
	EXPECT_TRUE(refused(2, 18, many))
		TH_LOG("n 18");
	EXPECT_EQ(ENOENT, error_of(group_del(50)))
		TH_LOG("none was taken");
	EXPECT_EQ(0, group_set(50, 1, 3, 3, last))
		TH_LOG("the last points that there are");
	group_del(50);
}

TEST_HARNESS_MAIN
