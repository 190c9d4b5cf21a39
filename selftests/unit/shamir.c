// SPDX-License-Identifier: GPL-2.0
/*
 * Shamir's scheme: known answers, every k of n, secrecy by counting, refusals.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>
#include "pure.h"
#include "shamir.h"
#include "shamir_split.h"
#include "shamir_vectors.h"

#define LEN_MAX 64

static const u8 *coeff_at[SHAMIR_MAX];

/* --- known answers */

static const void *each_vector(const void *prev, char *desc)
{
	unsigned int i = prev ? (const typeof(*vectors) *)prev - vectors + 1 : 0;

	if (i == ARRAY_SIZE(vectors))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u: k %u, n %u", i,
		 vectors[i].k, vectors[i].n);
	return &vectors[i];
}

static void known_answers(struct kunit *test)
{
	const typeof(*vectors) *v = test->param_value;
	unsigned int i, k = v->k, len = v->len;
	u8 share[LEN_MAX];

	for (i = 0; i + 1 < k; i++)
		coeff_at[i] = (const u8 *)v->coeff + i * len;
	for (i = 0; i < v->n; i++) {
		KUNIT_EXPECT_EQ(test, 0,
				shamir_split(share, (const u8 *)v->secret,
					     coeff_at, k, v->x[i], len));
		KUNIT_EXPECT_MEMEQ(test, share, v->share + i * len, len);
	}
}

/* --- shares at @x of a secret, then the secret and a lost share again */

struct deal {
	unsigned int k, n, len;
	u8 x[SHAMIR_MAX], secret[LEN_MAX];
	u8 share[SHAMIR_MAX][LEN_MAX];
};

static void deal(struct deal *d, unsigned int k, unsigned int n)
{
	static u8 coeff[SHAMIR_MAX][LEN_MAX];
	unsigned int i;

	d->k = k;
	d->n = n;
	d->len = 13;
	some_bytes(d->secret, d->len);
	for (i = 0; i + 1 < k; i++) {
		coeff_at[i] = coeff[i];
		some_bytes(coeff[i], d->len);
	}
	for (i = 0; i < n; i++) {
		d->x[i] = n == SHAMIR_MAX ? i + 1 : (i * 89 + 17) % 255 + 1;
		shamir_split(d->share[i], d->secret, coeff_at, k, d->x[i],
			     d->len);
	}
}

/* Whether the shares numbered in @pick give f(x0) == @want */
static bool gives(const struct deal *d, const unsigned int *pick, u8 x0,
		  const u8 *want)
{
	static const u8 *share[SHAMIR_MAX];
	u8 x[SHAMIR_MAX], weight[SHAMIR_MAX], out[LEN_MAX];
	unsigned int i;

	for (i = 0; i < d->k; i++) {
		share[i] = d->share[pick[i]];
		x[i] = d->x[pick[i]];
	}
	if (shamir_weights(weight, x, d->k, x0))
		return false;
	shamir_combine(out, share, weight, d->k, d->len);
	return !memcmp(out, want, d->len);
}

struct k_of_n {
	unsigned int k, n, subsets;
};

static const struct k_of_n k_of_n[] = {
	{ 1, 1, 1 }, { 1, 4, 4 }, { 2, 3, 3 }, { 3, 5, 10 }, { 5, 9, 126 },
	{ 7, 7, 1 }, { 255, 255, 1 },
};

static const void *each_k_of_n(const void *prev, char *desc)
{
	unsigned int i = prev ? (const struct k_of_n *)prev - k_of_n + 1 : 0;

	if (i == ARRAY_SIZE(k_of_n))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u of %u", k_of_n[i].k,
		 k_of_n[i].n);
	return &k_of_n[i];
}

/* Each subset of k gives the secret, and each share */
static void subsets(struct kunit *test)
{
	static struct deal d;
	static unsigned int pick[SHAMIR_MAX];
	const struct k_of_n *p = test->param_value;
	unsigned int i, j, bad = 0, count = 0, k = p->k, n = p->n;

	deal(&d, k, n);
	for (i = 0; i < k; i++)
		pick[i] = i;
	for (;;) {
		count++;
		bad += !gives(&d, pick, 0, d.secret);
		for (j = 0; j < n; j++)
			bad += !gives(&d, pick, d.x[j], d.share[j]);
		for (i = k; i-- > 0;)
			if (pick[i] < n - k + i)
				break;
		if (i >= k)
			break;
		pick[i]++;
		for (j = i + 1; j < k; j++)
			pick[j] = pick[j - 1] + 1;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, count, p->subsets);
}

static void any_order(struct kunit *test)
{
	static struct deal d;
	unsigned int pick[3] = { 4, 0, 2 };

	deal(&d, 3, 5);
	KUNIT_EXPECT_TRUE(test, gives(&d, pick, 0, d.secret));
}

/*
 * k - 1 shares tell nothing: for each secret, each view of k - 1 shares comes
 * from equally many choices of coefficients. All choices are tried.
 */
static void secrecy_2_of_3(struct kunit *test)
{
	static const u8 points[3] = { 1, 2, 3 };
	static unsigned int seen[256];
	unsigned int s, a, p, v, bad = 0;

	for (p = 0; p < 3; p++)
		for (s = 0; s < 256; s++) {
			u8 secret = s, coeff, share;
			const u8 *at[1] = { &coeff };

			memset(seen, 0, sizeof(seen));
			for (a = 0; a < 256; a++) {
				coeff = a;
				shamir_split(&share, &secret, at, 2, points[p],
					     1);
				seen[share]++;
			}
			for (v = 0; v < 256; v++)
				bad += seen[v] != 1;
		}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

static void secrecy_3_of_5(struct kunit *test)
{
	static const u8 pair[][2] = { { 1, 2 }, { 2, 5 }, { 4, 3 } };
	static u8 seen[65536];
	unsigned int s, a, p, v, bad = 0;

	for (p = 0; p < 3; p++)
		for (s = 0; s < 256; s += 85) {
			u8 secret = s, c1, c2, one, two;
			const u8 *at[2] = { &c1, &c2 };

			memset(seen, 0, sizeof(seen));
			for (a = 0; a < 65536; a++) {
				c1 = a;
				c2 = a >> 8;
				shamir_split(&one, &secret, at, 3, pair[p][0],
					     1);
				shamir_split(&two, &secret, at, 3, pair[p][1],
					     1);
				seen[one << 8 | two]++;
			}
			for (v = 0; v < 65536; v++)
				bad += seen[v] != 1;
		}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* --- what is refused */

static void k_and_n(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, shamir_check(1, 1), 0);
	KUNIT_EXPECT_EQ(test, shamir_check(255, 255), 0);
	KUNIT_EXPECT_EQ(test, shamir_check(0, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, shamir_check(4, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, shamir_check(3, 256), -EINVAL);
	KUNIT_EXPECT_EQ(test, shamir_check(0, 0), -EINVAL);
}

static void points(struct kunit *test)
{
	static const u8 dup[3] = { 1, 2, 1 }, nought[2] = { 1, 0 };
	static const u8 good[3] = { 9, 1, 255 };
	u8 weight[3];

	KUNIT_EXPECT_EQ(test, shamir_check_points(good, 3), 0);
	KUNIT_EXPECT_EQ(test, shamir_check_points(dup, 3), -EEXIST);
	KUNIT_EXPECT_EQ(test, shamir_check_points(nought, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, shamir_check_points(good, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, shamir_check_points(good, 256), -EINVAL);
	KUNIT_EXPECT_EQ(test, shamir_weights(weight, dup, 3, 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, shamir_weights(weight, nought, 2, 0), -EINVAL);
}

/* A share that is refused is not written */
static void splits(struct kunit *test)
{
	u8 out[4] = { 1, 2, 3, 4 }, was[4] = { 1, 2, 3, 4 };
	const u8 *at[2] = { out, out };

	KUNIT_EXPECT_EQ(test, shamir_split(out, was, at, 3, 0, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, shamir_split(out, was, at, 0, 1, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, shamir_split(out, was, at, 256, 1, 4), -EINVAL);
	KUNIT_EXPECT_MEMEQ(test, out, was, 4);
}

/* What secret, coefficients and shares hold decides no branch, no address */
static void secrets(struct kunit *test)
{
	static const u8 x[3] = { 7, 1, 200 };
	u8 s[21], was[21], coeff[2][21], share[3][21], weight[3];
	const u8 *at[2] = { coeff[0], coeff[1] };
	const u8 *use[3] = { share[0], share[1], share[2] };
	unsigned int i;

	some_bytes(s, sizeof(s));
	some_bytes(coeff, sizeof(coeff));
	memcpy(was, s, sizeof(was));
	secret(s, sizeof(s));
	secret(coeff, sizeof(coeff));
	for (i = 0; i < 3; i++)
		shamir_split(share[i], s, at, 3, x[i], sizeof(s));
	shamir_weights(weight, x, 3, 0);
	shamir_combine(s, use, weight, 3, sizeof(s));
	opened(s, sizeof(s));
	KUNIT_EXPECT_MEMEQ(test, s, was, sizeof(s));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(known_answers, each_vector),
	KUNIT_CASE_PARAM(subsets, each_k_of_n),
	KUNIT_CASE(any_order),
	KUNIT_CASE(secrecy_2_of_3),
	KUNIT_CASE(secrecy_3_of_5),
	KUNIT_CASE(k_and_n),
	KUNIT_CASE(points),
	KUNIT_CASE(splits),
	KUNIT_CASE(secrets),
	{}
};

static struct kunit_suite shamir = {
	.name		= "ssn_shamir",
	.test_cases	= cases,
};

kunit_test_suite(shamir);
