// SPDX-License-Identifier: GPL-2.0
/*
 * The table of schemes, for all that are in it: known answers beyond a piece, every k
 * of n at odd lengths and tile by tile, what is refused.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/ssn.h>
#include <linux/string.h>
#include "gf256.h"
#include "pure.h"
#include "scheme.h"
#include "scheme_vectors.h"

#define LEN_MAX		(2 * SSN_PIECE + 900)
#define N		5
#define COEFF_MAX	(18 * SSN_PIECE)

static u8 secret_bytes[LEN_MAX], out[LEN_MAX], share[N][LEN_MAX + 1];
static u8 coeff[COEFF_MAX];
static u64 room[8192];

/* --- known answers */

static void long_bytes(u8 *to, u64 seed, size_t len)
{
	while (len--) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		*to++ = seed >> 56;
	}
}

static u64 hash(const u8 *p, size_t len)
{
	u64 h = 0xcbf29ce484222325ULL;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h;
}

/* Shares at @x of @len bytes from @off on, with coefficients from @from on */
static int split(const struct ssn_scheme_ops *ops, const u8 *x, unsigned int n,
		 unsigned int k, size_t off, size_t len, const u8 *from)
{
	static u8 weight[N * 18], *to[N];
	static const u8 *in[17];
	struct gf256_matrix a;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		err = ops->split_weights(weight + i * k, k, x[i]);
		to[i] = share[i] + off;
	}
	if (err)
		return err;
	ops->ready(&a, weight, weight + n * k, n, k);
	in[0] = secret_bytes + off;
	for (i = 1; i < k; i++)
		in[i] = from + (i - 1) * len;
	ops->mix(to, &a, in, len);
	return 0;
}

static const void *each_vector(const void *prev, char *desc)
{
	unsigned int i = prev ? (const typeof(*vectors) *)prev - vectors + 1 : 0;

	if (i == ARRAY_SIZE(vectors))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u: scheme %u, k %u, %u bytes", i,
		 vectors[i].scheme, vectors[i].k, vectors[i].len);
	return &vectors[i];
}

static void known_answers(struct kunit *test)
{
	const typeof(*vectors) *v = test->param_value;
	const struct ssn_scheme_ops *ops = ssn_scheme_find(v->scheme);
	u8 x = v->x;

	KUNIT_ASSERT_NOT_NULL(test, ops);
	KUNIT_ASSERT_EQ(test, v->coeffs <= sizeof(coeff), true);
	long_bytes(secret_bytes, 1, v->len);
	long_bytes(coeff, 2, v->coeffs);
	KUNIT_EXPECT_EQ(test, ops->coeff_bytes(v->k, v->len), v->coeffs);
	share[0][v->len] = 0x5a;
	KUNIT_EXPECT_EQ(test, split(ops, &x, 1, v->k, 0, v->len, coeff), 0);
	KUNIT_EXPECT_EQ(test, hash(share[0], v->len), v->hash);
	KUNIT_EXPECT_EQ(test, share[0][v->len], 0x5a);
}

/* --- there and back */

struct deal {
	u8 scheme;
	unsigned int k, n;
};

static const struct deal deals[] = {
	{ SSN_SCHEME_SHAMIR, 1, 3 }, { SSN_SCHEME_SHAMIR, 2, 3 },
	{ SSN_SCHEME_SHAMIR, 3, 5 }, { SSN_SCHEME_SHAMIR, 5, 5 },
	{ SSN_SCHEME_XOR, 2, 2 }, { SSN_SCHEME_XOR, 2, 3 },
	{ SSN_SCHEME_XOR, 3, 5 }, { SSN_SCHEME_XOR, 5, 5 },
};

static const void *each_deal(const void *prev, char *desc)
{
	unsigned int i = prev ? (const struct deal *)prev - deals + 1 : 0;

	if (i == ARRAY_SIZE(deals))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "scheme %u, %u of %u",
		 deals[i].scheme, deals[i].k, deals[i].n);
	return &deals[i];
}

static const u8 points[N] = { 3, 17, 1, 8, 12 };

static bool gives(const struct ssn_scheme_ops *ops, unsigned int set,
		  unsigned int n, unsigned int k, size_t len)
{
	const u8 *from[N];
	unsigned int i, m = 0;
	u8 x[N];

	for (i = 0; i < n; i++) {
		if (!(set >> i & 1))
			continue;
		x[m] = points[i];
		from[m++] = share[i];
	}
	if (m != k || ops->weight_bytes(k) > sizeof(room) ||
	    ops->weights((u8 *)room, x, k))
		return false;
	memset(out, 0xa5, sizeof(out));
	ops->combine(out, from, (u8 *)room, k, len);
	return !memcmp(out, secret_bytes, len) &&
	       (len == sizeof(out) || out[len] == 0xa5);
}

static unsigned int ones(unsigned int set)
{
	unsigned int n;

	for (n = 0; set; n++)
		set &= set - 1;
	return n;
}

/* Lengths of less than a block, of pieces, and of what is left over behind both */
static void there_and_back(struct kunit *test)
{
	static const size_t lens[] = { 0, 1, 15, 16, 17, 1000, SSN_PIECE - 1,
		SSN_PIECE, SSN_PIECE + 1, SSN_PIECE + 37, 2 * SSN_PIECE,
		2 * SSN_PIECE + 877 };
	const struct deal *d = test->param_value;
	const struct ssn_scheme_ops *ops = ssn_scheme_find(d->scheme);
	unsigned int i, set, bad = 0;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		some_bytes(secret_bytes, lens[i]);
		some_bytes(coeff, ops->coeff_bytes(d->k, lens[i]));
		bad += !!split(ops, points, d->n, d->k, 0, lens[i], coeff);
		for (set = 0; set < 1U << d->n; set++)
			if (ones(set) == d->k)
				bad += !gives(ops, set, d->n, d->k, lens[i]);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Split piece by piece as the share socket does, combined as a whole */
static void by_pieces(struct kunit *test)
{
	const struct deal *d = test->param_value;
	const struct ssn_scheme_ops *ops = ssn_scheme_find(d->scheme);
	const size_t len = 2 * SSN_PIECE + 333;
	size_t off, part;

	some_bytes(secret_bytes, len);
	for (off = 0; off < len; off += part) {
		part = len - off < SSN_PIECE ? len - off : SSN_PIECE;
		some_bytes(coeff, ops->coeff_bytes(d->k, part));
		KUNIT_EXPECT_EQ(test, split(ops, points, d->n, d->k, off, part,
					    coeff), 0);
	}
	KUNIT_EXPECT_TRUE(test, gives(ops, (1U << d->k) - 1, d->n, d->k, len));
}

/* --- what is refused */

static void xor_limits(struct kunit *test)
{
	const struct ssn_scheme_ops *ops = ssn_scheme_find(SSN_SCHEME_XOR);
	static const u8 far[2] = { 1, 18 }, twice[2] = { 4, 4 };

	KUNIT_EXPECT_EQ(test, ops->check(1, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, ops->check(2, 18), -EINVAL);
	KUNIT_EXPECT_EQ(test, ops->check(17, 17), 0);
	KUNIT_EXPECT_EQ(test, ops->check_points(far, 2), -ERANGE);
	KUNIT_EXPECT_EQ(test, ops->check_points(twice, 2), -EEXIST);
	KUNIT_EXPECT_EQ(test, split(ops, far + 1, 1, 2, 0, 16, coeff), -EINVAL);
	KUNIT_EXPECT_EQ(test, split(ops, points, 1, 1, 0, 16, coeff), -EINVAL);
	KUNIT_EXPECT_EQ(test, ops->weights((u8 *)room, far, 2), -ERANGE);
	KUNIT_EXPECT_EQ(test, ops->weights((u8 *)room, twice, 2), -EEXIST);
	KUNIT_EXPECT_TRUE(test, !ops->fill_weights);
}

/* Numbers are the enum's, names are told apart by the network description */
static void numbers(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, !ssn_scheme_find(0));
	KUNIT_EXPECT_TRUE(test, !ssn_scheme_find(3));
	KUNIT_EXPECT_EQ(test, strcmp(ssn_scheme_find(SSN_SCHEME_SHAMIR)->name,
				     "shamir"), 0);
	KUNIT_EXPECT_EQ(test, strcmp(ssn_scheme_find(SSN_SCHEME_XOR)->name,
				     "xor"), 0);
}

/* What secret and coefficients hold decides no branch and no address */
static void secrets(struct kunit *test)
{
	const struct deal *d = test->param_value;
	const struct ssn_scheme_ops *ops = ssn_scheme_find(d->scheme);
	const size_t len = SSN_PIECE + 53;
	static u8 was[SSN_PIECE + 53];
	const u8 *from[N];
	unsigned int i;

	some_bytes(secret_bytes, len);
	memcpy(was, secret_bytes, len);
	some_bytes(coeff, ops->coeff_bytes(d->k, len));
	secret(secret_bytes, len);
	secret(coeff, ops->coeff_bytes(d->k, len));
	split(ops, points, d->n, d->k, 0, len, coeff);
	opened(secret_bytes, len);
	opened(coeff, sizeof(coeff));
	for (i = 0; i < d->k; i++)
		from[i] = share[i];
	ops->weights((u8 *)room, points, d->k);
	ops->combine(out, from, (u8 *)room, d->k, len);
	opened(out, len);
	opened(share, sizeof(share));
	KUNIT_EXPECT_MEMEQ(test, out, was, len);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(known_answers, each_vector),
	KUNIT_CASE_PARAM(there_and_back, each_deal),
	KUNIT_CASE_PARAM(by_pieces, each_deal),
	KUNIT_CASE(xor_limits),
	KUNIT_CASE(numbers),
	KUNIT_CASE_PARAM(secrets, each_deal),
	{}
};

static struct kunit_suite scheme = {
	.name		= "ssn_scheme",
	.test_cases	= cases,
};

kunit_test_suite(scheme);
