// SPDX-License-Identifier: GPL-2.0
/*
 * The XOR scheme: known answers, every k of n, secrecy by counting, refusals.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>
#include "kurihara.h"
#include "kurihara_vectors.h"
#include "pure.h"

#define P		KURIHARA_P
#define LEN_MAX		1100
#define COEFF_MAX	(LEN_MAX * 2 * P)

static u8 weight[KURIHARA_WEIGHTS(P)];
static u64 scratch[KURIHARA_SCRATCH(P) / 8];

/* --- known answers */

static const void *each_vector(const void *prev, char *desc)
{
	unsigned int i = prev ? (const typeof(*vectors) *)prev - vectors + 1 : 0;

	if (i == ARRAY_SIZE(vectors))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u: p %u, k %u, %u bytes", i,
		 vectors[i].p, vectors[i].k, vectors[i].len);
	return &vectors[i];
}

static void known_answers(struct kunit *test)
{
	const typeof(*vectors) *v = test->param_value;
	unsigned int i, len = v->len;
	const u8 *share[P];
	u8 out[64];

	for (i = 0; i < v->n; i++) {
		share[i] = (const u8 *)v->share + i * len;
		KUNIT_EXPECT_EQ(test, 0,
				kurihara_split(v->p, out, (const u8 *)v->secret,
					       (const u8 *)v->coeff, v->k,
					       v->x[i], len));
		KUNIT_EXPECT_MEMEQ(test, out, share[i], len);
	}
	if (v->n < v->k)
		return;
	KUNIT_EXPECT_EQ(test, 0, kurihara_weights(v->p, weight, (const u8 *)v->x,
						  v->k, scratch));
	kurihara_combine(v->p, out, share, weight, v->k, len);
	KUNIT_EXPECT_MEMEQ(test, out, (const u8 *)v->secret, len);
}

/* --- shares at @x of a secret, and the secret again from k of them */

static struct {
	u8 x[P], secret[LEN_MAX], out[LEN_MAX], coeff[COEFF_MAX];
	u8 share[P][LEN_MAX];
} deal;

static void deal_new(unsigned int k, unsigned int n, unsigned int len)
{
	unsigned int i;

	some_bytes(deal.secret, len);
	some_bytes(deal.coeff, kurihara_coeff_bytes(P, k, len));
	for (i = 0; i < n; i++) {
		deal.x[i] = i * 6 % P + 1;
		kurihara_split(P, deal.share[i], deal.secret, deal.coeff, k,
			       deal.x[i], len);
	}
}

static bool gives(const unsigned int *pick, unsigned int k, unsigned int len)
{
	const u8 *share[P];
	u8 x[P];
	unsigned int i;

	for (i = 0; i < k; i++) {
		share[i] = deal.share[pick[i]];
		x[i] = deal.x[pick[i]];
	}
	if (kurihara_weights(P, weight, x, k, scratch))
		return false;
	memset(deal.out, 0xa5, len);
	kurihara_combine(P, deal.out, share, weight, k, len);
	return !memcmp(deal.out, deal.secret, len);
}

struct k_of_n {
	unsigned int k, n, subsets;
};

static const struct k_of_n k_of_n[] = {
	{ 2, 2, 1 }, { 2, 17, 136 }, { 3, 5, 10 }, { 5, 9, 126 }, { 7, 7, 1 },
	{ 17, 17, 1 },
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

/* Each subset of k gives the secret */
static void subsets(struct kunit *test)
{
	const struct k_of_n *p = test->param_value;
	unsigned int pick[P], i, bad = 0, count = 0, k = p->k, n = p->n;

	deal_new(k, n, 37);
	for (i = 0; i < k; i++)
		pick[i] = i;
	for (;;) {
		count++;
		bad += !gives(pick, k, 37);
		for (i = k; i-- > 0;)
			if (pick[i] < n - k + i)
				break;
		if (i >= k)
			break;
		pick[i]++;
		for (i++; i < k; i++)
			pick[i] = pick[i - 1] + 1;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, count, p->subsets);
}

/* Every length, also those that do not divide; nothing is written beside */
static void lengths(struct kunit *test)
{
	unsigned int pick[3] = { 4, 0, 2 }, len, bad = 0;

	for (len = 0; len <= 100; len++) {
		memset(deal.share, 0x5a, sizeof(deal.share));
		deal_new(3, 5, len);
		bad += !gives(pick, 3, len) || deal.share[4][len] != 0x5a;
	}
	for (len = 1000; len <= 1042; len += 21) {
		deal_new(3, 5, len);
		bad += !gives(pick, 3, len);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/*
 * k - 1 shares tell nothing: for each secret, each view of k - 1 shares comes from
 * equally many choices of random bits. All choices are tried, and all views. A
 * block is a bit here: bits of a block do not meet.
 */
struct small {
	unsigned int p, k, n;
};

static const struct small small[] = {
	{ 3, 2, 3 }, { 5, 2, 5 }, { 3, 3, 3 }, { 5, 3, 5 },
};

static const void *each_small(const void *prev, char *desc)
{
	unsigned int i = prev ? (const struct small *)prev - small + 1 : 0;

	if (i == ARRAY_SIZE(small))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "p %u, %u of %u", small[i].p,
		 small[i].k, small[i].n);
	return &small[i];
}

static void bits(u8 *to, unsigned int from, unsigned int n)
{
	while (n--)
		*to++ = from >> n & 1;
}

static unsigned int ones(unsigned int set)
{
	unsigned int n;

	for (n = 0; set; n++)
		set &= set - 1;
	return n;
}

/* The shares of the members in @who, a bit for each of their blocks */
static unsigned int view(const struct small *c, const u8 *secret,
			 const u8 *coeff, unsigned int who)
{
	unsigned int i, j, seen = 0;
	u8 share[P];

	for (i = 0; i < c->n; i++) {
		if (!(who >> i & 1))
			continue;
		kurihara_split(c->p, share, secret, coeff, c->k, i + 1,
			       c->p - 1);
		for (j = 0; j < c->p - 1; j++)
			seen = seen << 1 | share[j];
	}
	return seen;
}

static void secrecy(struct kunit *test)
{
	const struct small *c = test->param_value;
	unsigned int blocks = c->p - 1, random = (c->k - 1) * c->p - 1;
	unsigned int seen_bits = (c->k - 1) * blocks, who, s, r, v, bad = 0;
	static u16 count[256];
	u8 secret[P], coeff[2 * P];

	for (who = 0; who < 1U << c->n; who++) {
		if (ones(who) != c->k - 1)
			continue;
		for (s = 0; s < 1U << blocks; s++) {
			bits(secret, s, blocks);
			memset(count, 0, sizeof(count));
			for (r = 0; r < 1U << random; r++) {
				bits(coeff, r, random);
				count[view(c, secret, coeff, who)]++;
			}
			for (v = 0; v < 1U << seen_bits; v++)
				bad += count[v] != 1U << (random - seen_bits);
		}
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* The same for the prime that is used: the random parts of two shares are free */
static void drawn_once(struct kunit *test)
{
	static u8 nought[16], coeff[P * 2];
	u8 share[16];
	unsigned int x, i, hit, bad = 0;

	for (x = 1; x <= P; x++) {
		for (i = 0; i < kurihara_coeff_bytes(P, 3, 16); i++) {
			memset(coeff, 0, sizeof(coeff));
			coeff[i] = 1;
			kurihara_split(P, share, nought, coeff, 3, x, 16);
			for (hit = 0; hit < 16 && !share[hit]; hit++)
				;
			/* of r^1 each share leaves one block out */
			bad += hit == 16 && i < 16;
			for (hit++; hit < 16; hit++)
				bad += share[hit];
		}
	}
	KUNIT_EXPECT_EQ(test, kurihara_coeff_bytes(P, 3, 16), 2 * P - 1);
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* --- what is refused */

static void k_and_n(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kurihara_check(2, 2), 0);
	KUNIT_EXPECT_EQ(test, kurihara_check(17, 17), 0);
	KUNIT_EXPECT_EQ(test, kurihara_check(0, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, kurihara_check(1, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, kurihara_check(4, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, kurihara_check(3, 18), -EINVAL);
}

static void points(struct kunit *test)
{
	static const u8 dup[3] = { 1, 2, 1 }, nought[2] = { 1, 0 };
	static const u8 good[3] = { 9, 1, 17 }, far[2] = { 1, 18 };

	KUNIT_EXPECT_EQ(test, kurihara_check_points(good, 3), 0);
	KUNIT_EXPECT_EQ(test, kurihara_check_points(dup, 3), -EEXIST);
	KUNIT_EXPECT_EQ(test, kurihara_check_points(nought, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, kurihara_check_points(far, 2), -ERANGE);
	KUNIT_EXPECT_EQ(test, kurihara_weights(P, weight, dup, 3, scratch),
			-EEXIST);
	KUNIT_EXPECT_EQ(test, kurihara_weights(P, weight, far, 2, scratch),
			-ERANGE);
	KUNIT_EXPECT_EQ(test, kurihara_weights(P, weight, good, 1, scratch),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kurihara_weights(P + 2, weight, good, 3, scratch),
			-EINVAL);
}

/* A share that is refused is not written */
static void splits(struct kunit *test)
{
	u8 out[16] = { 1, 2, 3, 4 }, was[16] = { 1, 2, 3, 4 };
	u8 coeff[2 * P] = {};

	KUNIT_EXPECT_EQ(test, kurihara_split(P, out, was, coeff, 3, 0, 16), -EINVAL);
	KUNIT_EXPECT_EQ(test, kurihara_split(P, out, was, coeff, 3, 18, 16), -EINVAL);
	KUNIT_EXPECT_EQ(test, kurihara_split(P, out, was, coeff, 1, 1, 16), -EINVAL);
	KUNIT_EXPECT_EQ(test, kurihara_split(P, out, was, coeff, 18, 1, 16), -EINVAL);
	KUNIT_EXPECT_MEMEQ(test, out, was, 16);
}

/* What secret, random bytes and shares hold decides no branch, no address */
static void secrets(struct kunit *test)
{
	unsigned int pick[3] = { 0, 4, 2 }, i;
	const u8 *share[3];
	u8 x[3], was[53];

	deal_new(3, 5, sizeof(was));
	memcpy(was, deal.secret, sizeof(was));
	secret(deal.secret, sizeof(was));
	secret(deal.coeff, kurihara_coeff_bytes(P, 3, sizeof(was)));
	for (i = 0; i < 3; i++) {
		x[i] = deal.x[pick[i]];
		share[i] = deal.share[pick[i]];
		kurihara_split(P, deal.share[pick[i]], deal.secret, deal.coeff,
			       3, x[i], sizeof(was));
	}
	kurihara_weights(P, weight, x, 3, scratch);
	kurihara_combine(P, deal.out, share, weight, 3, sizeof(was));
	opened(deal.out, sizeof(was));
	opened(&deal, sizeof(deal));
	KUNIT_EXPECT_MEMEQ(test, deal.out, was, sizeof(was));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(known_answers, each_vector),
	KUNIT_CASE_PARAM(subsets, each_k_of_n),
	KUNIT_CASE(lengths),
	KUNIT_CASE_PARAM(secrecy, each_small),
	KUNIT_CASE(drawn_once),
	KUNIT_CASE(k_and_n),
	KUNIT_CASE(points),
	KUNIT_CASE(splits),
	KUNIT_CASE(secrets),
	{}
};

static struct kunit_suite kurihara = {
	.name		= "ssn_kurihara",
	.test_cases	= cases,
};

kunit_test_suite(kurihara);
