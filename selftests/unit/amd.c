// SPDX-License-Identifier: GPL-2.0
/*
 * The AMD code: known answers, pieces of any size, each bit of the header and
 * of the data bound, additions to shares caught, also where they are chosen to
 * fit a code with d + 2 even.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>
#include "amd.h"
#include "amd_vectors.h"
#include "pure.h"
#include "shamir_split.h"

static const void *each_variant(const void *prev, char *desc)
{
	const struct amd_variant *const *v = prev;

	v = v ? v + 1 : amd_variants;
	if (!*v)
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", (*v)->name);
	return v;
}

static const struct amd_variant *variant_of(struct kunit *test)
{
	const struct amd_variant *const *v = test->param_value;

	if ((*v)->valid && !(*v)->valid())
		kunit_skip(test, "not on this machine");
	return *v;
}

static int encode(const struct amd_variant *v, const struct amd_header *h,
		  const u8 *r, const void *data, u8 *t)
{
	struct amd_ctx ctx;

	amd_init_variant(&ctx, r, h, v);
	amd_update(&ctx, data, h->segment_len);
	return amd_final(&ctx, t);
}

static int check(const struct amd_header *h, const u8 *data, const u8 *r,
		 const u8 *t)
{
	struct amd_ctx ctx;

	amd_init(&ctx, r, h);
	amd_update(&ctx, data, h->segment_len);
	return amd_verify(&ctx, t);
}

static struct amd_header header_of(unsigned int i)
{
	struct amd_header h = {
		.version = vectors[i].version,
		.segment = vectors[i].segment,
		.segment_len = vectors[i].len,
		.object_len = vectors[i].object_len,
	};

	memcpy(h.object, vectors[i].object, 16);
	return h;
}

/* One block: (0 + a) * b */
static void known_products(struct kunit *test)
{
	const struct amd_variant *v = variant_of(test);
	unsigned int i, bad = 0;

	for (i = 0; i < ARRAY_SIZE(products); i++) {
		struct amd_elem acc = {};
		struct amd_ctx ctx;
		struct amd_header h = {};

		amd_init_variant(&ctx, (const u8 *)products[i].b, &h, v);
		v->blocks(&acc, &ctx.key, (const u8 *)products[i].a, 1);
		bad += !!memcmp(&acc, products[i].ab, 16);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

static void known_answers(struct kunit *test)
{
	const struct amd_variant *v = variant_of(test);
	unsigned int i;
	u8 t[16];

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct amd_header h = header_of(i);

		KUNIT_EXPECT_EQ(test, 0, encode(v, &h, (const u8 *)vectors[i].r,
						vectors[i].data, t));
		KUNIT_EXPECT_MEMEQ(test, t, vectors[i].t, 16);
	}
}

/* Pieces of 1..300 bytes, like the first variant with all of it at once */
static void pieces(struct kunit *test)
{
	const struct amd_variant *v = variant_of(test);
	struct amd_header h = { .segment_len = 1000, .object_len = 1000 };
	u8 *data = kunit_kmalloc(test, 1000, GFP_KERNEL);
	u8 r[16], t[16], u[16];
	unsigned int i, step, bad = 0;

	KUNIT_ASSERT_NOT_NULL(test, data);
	some_bytes(data, 1000);
	some_bytes(r, 16);
	KUNIT_EXPECT_EQ(test, 0, encode(amd_variants[0], &h, r, data, t));
	for (step = 1; step <= 300; step++) {
		struct amd_ctx ctx;

		amd_init_variant(&ctx, r, &h, v);
		for (i = 0; i < 1000; i += step) {
			/* an own copy: a read beyond it is seen */
			size_t n = 1000 - i < step ? 1000 - i : step;
			u8 *copy = kunit_kmalloc(test, n, GFP_KERNEL);

			KUNIT_ASSERT_NOT_NULL(test, copy);
			memcpy(copy, data + i, n);
			amd_update(&ctx, copy, n);
			kunit_kfree(test, copy);
		}
		bad += amd_final(&ctx, u) || memcmp(t, u, 16);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Odd numbers of blocks and bytes at every alignment, like the first variant */
static void like_the_first(struct kunit *test)
{
	const struct amd_variant *v = variant_of(test);
	u8 *data = kunit_kmalloc(test, 64 + 1025, GFP_KERNEL);
	u8 r[16], t[16], u[16];
	unsigned int len, bad = 0;

	KUNIT_ASSERT_NOT_NULL(test, data);
	some_bytes(data, 64 + 1025);
	for (len = 1; len <= 1025; len += 2) {
		struct amd_header h = { .segment_len = len };

		some_bytes(r, 16);
		bad += encode(amd_variants[0], &h, r, data + len / 2 % 64, t) ||
		       encode(v, &h, r, data + len / 2 % 64, u) ||
		       memcmp(t, u, 16);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* What r and the data hold decides neither a branch nor an address */
static void secrets(struct kunit *test)
{
	const struct amd_variant *v = variant_of(test);
	struct amd_header h = { .segment_len = 333, .object_len = 333 };
	u8 data[333], r[16], t[16], u[16];

	some_bytes(data, sizeof(data));
	some_bytes(r, 16);
	KUNIT_EXPECT_EQ(test, 0, encode(amd_variants[0], &h, r, data, t));
	secret(data, sizeof(data));
	secret(r, 16);
	KUNIT_EXPECT_EQ(test, 0, encode(v, &h, r, data, u));
	opened(u, 16);
	KUNIT_EXPECT_MEMEQ(test, t, u, 16);
}

static void the_first(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, !amd_variants[0]->valid);
	KUNIT_ASSERT_NOT_NULL(test, amd_best());
}

/* --- what is bound: a segment that verifies, and then something is another */

struct segment {
	struct amd_header h;
	u8	data[41], r[16], t[16];
};

static struct segment some_segment(struct kunit *test)
{
	struct segment s = {
		.h = { .version = 1, .segment = 2, .segment_len = 40,
		       .object_len = 90 },
	};

	some_bytes(s.data, 40);
	some_bytes(s.r, 16);
	KUNIT_EXPECT_EQ(test, 0, encode(amd_best(), &s.h, s.r, s.data, s.t));
	KUNIT_EXPECT_EQ(test, 0, check(&s.h, s.data, s.r, s.t));
	return s;
}

/* How many of the @bits at @p can be changed in @s without being seen */
static unsigned int unseen(struct segment *s, void *p, unsigned int bits)
{
	unsigned int i, missed = 0;
	u8 *byte = p;

	for (i = 0; i < bits; i++) {
		byte[i / 8] ^= 1 << i % 8;
		missed += check(&s->h, s->data, s->r, s->t) != -EBADMSG;
		byte[i / 8] ^= 1 << i % 8;
	}
	return missed;
}

static void each_bit(struct kunit *test)
{
	struct segment s = some_segment(test);

	KUNIT_EXPECT_EQ(test, unseen(&s, s.data, 8 * 40), 0);
	KUNIT_EXPECT_EQ(test, unseen(&s, s.r, 128), 0);
	KUNIT_EXPECT_EQ(test, unseen(&s, s.t, 128), 0);
	KUNIT_EXPECT_EQ(test, unseen(&s, s.h.object, 128), 0);
	KUNIT_EXPECT_EQ(test, unseen(&s, &s.h.version, 32), 0);
	KUNIT_EXPECT_EQ(test, unseen(&s, &s.h.segment, 32), 0);
	KUNIT_EXPECT_EQ(test, unseen(&s, &s.h.object_len, 64), 0);
	KUNIT_EXPECT_EQ(test, 0, check(&s.h, s.data, s.r, s.t));
}

/* A zero byte more or less, although zeroes pad what is encoded */
static void zero_bytes(struct kunit *test)
{
	struct segment s = some_segment(test);

	s.h.segment_len = 41;
	KUNIT_EXPECT_EQ(test, check(&s.h, s.data, s.r, s.t), -EBADMSG);
	s.h.segment_len = 40;
	s.data[39] = 0;
	KUNIT_EXPECT_EQ(test, 0, encode(amd_best(), &s.h, s.r, s.data, s.t));
	s.h.segment_len = 39;
	KUNIT_EXPECT_EQ(test, check(&s.h, s.data, s.r, s.t), -EBADMSG);
}

static void fields_swapped(struct kunit *test)
{
	struct segment s = some_segment(test);

	s.h.version = 2;
	s.h.segment = 1;
	KUNIT_EXPECT_EQ(test, check(&s.h, s.data, s.r, s.t), -EBADMSG);
}

/* More or fewer bytes than the header announced */
static void lengths(struct kunit *test)
{
	struct amd_header h = { .segment_len = 20 };
	static const u8 zero[16];
	u8 data[64] = "", r[16] = "r", t[16];
	struct amd_ctx ctx;

	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 19);
	memset(t, 1, 16);
	KUNIT_EXPECT_EQ(test, amd_final(&ctx, t), -ENODATA);
	KUNIT_EXPECT_MEMEQ(test, t, zero, 16);
	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 20);
	amd_update(&ctx, data, 1);
	KUNIT_EXPECT_EQ(test, amd_final(&ctx, t), -EMSGSIZE);
	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 40);
	KUNIT_EXPECT_EQ(test, amd_verify(&ctx, t), -EMSGSIZE);
}

static void context_wiped(struct kunit *test)
{
	struct amd_header h = { .segment_len = 20 };
	static const struct amd_ctx none;
	u8 data[20] = "", r[16] = "r", t[16] = "";
	struct amd_ctx ctx;

	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 20);
	KUNIT_EXPECT_EQ(test, amd_final(&ctx, t), 0);
	KUNIT_EXPECT_MEMEQ(test, &ctx, &none, sizeof(ctx));
	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 20);
	KUNIT_EXPECT_EQ(test, amd_verify(&ctx, t), 0);
	KUNIT_EXPECT_MEMEQ(test, &ctx, &none, sizeof(ctx));
	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 19);
	KUNIT_EXPECT_EQ(test, amd_final(&ctx, t), -ENODATA);
	KUNIT_EXPECT_MEMEQ(test, &ctx, &none, sizeof(ctx));
}

/* --- forgeries */

static void mul(u8 *ab, const u8 *a, const u8 *b)
{
	struct amd_elem acc = {};
	struct amd_header h = {};
	struct amd_ctx ctx;

	amd_init_variant(&ctx, b, &h, amd_variants[0]);
	amd_variants[0]->blocks(&acc, &ctx.key, a, 1);
	memcpy(ab, &acc, 16);
}

static void power(u8 *out, const u8 *a, unsigned int e)
{
	u8 r[16] = { 1 };

	while (e--)
		mul(r, r, a);
	memcpy(out, r, 16);
}

static void add(u8 *a, const u8 *b)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		a[i] ^= b[i];
}

/*
 * Why d + 2 is odd. Were it even, P(y) = y^(d+2) + m_1 y^d + ... shifted by any
 * e would have no y^(d+1) either: Q(y) = P(y + e), whose coefficients anyone who
 * knows the segment can compute, with r + e and t + P(e) is a forgery. Three
 * blocks of header and three of data make d = 6 without padding; e = h_2 / h_1
 * leaves the header's coefficients h_1, h_2, h_3 as they are.
 */
static void d_is_odd(struct kunit *test)
{
	struct amd_header h = {
		.object = "an object's id..", .version = 1, .segment_len = 48,
		.object_len = 48,
	};
	u8 p[9][16] = { [8] = { 1 } }, q[9][16] = {}, e[16], term[16];
	u8 data[48], forged[48], r[16], t[16];
	unsigned int i, j;

	some_bytes(data, 48);
	some_bytes(r, 16);
	KUNIT_EXPECT_EQ(test, 0, encode(amd_best(), &h, r, data, t));

	/* the header as blocks, from the definition in amd.h */
	memcpy(p[6], h.object, 16);
	memcpy(p[5], (u8 []){ 0, 0, 0, 1, 0, 0, 0, 0,
			      0, 0, 0, 0, 0, 0, 0, 48 }, 16);
	memcpy(p[4], (u8 []){ 0, 0, 0, 0, 0, 0, 0, 48,
			      'S', 'S', 'N', ' ', 'A', 'M', 'D', '1' }, 16);
	for (i = 0; i < 3; i++)
		memcpy(p[3 - i], data + 16 * i, 16);

	/* 1 / h_1 = h_1^(2^128 - 2) */
	memset(e, 0, 16);
	e[0] = 1;
	memcpy(term, p[6], 16);
	for (i = 1; i < 128; i++) {
		mul(term, term, term);
		mul(e, e, term);
	}
	mul(term, e, p[6]);
	KUNIT_EXPECT_MEMEQ(test, term, p[8], 16);
	mul(e, e, p[5]);

	for (i = 0; i <= 8; i++)
		for (j = 0; j <= i; j++) {
			if ((i & j) != j)	/* binomial(i, j) is even */
				continue;
			power(term, e, i - j);
			mul(term, term, p[i]);
			add(q[j], term);
		}
	/* the shift keeps the header and changes the data */
	for (i = 4; i <= 8; i++)
		KUNIT_EXPECT_MEMEQ(test, q[i], p[i], 16);
	KUNIT_EXPECT_MEMNEQ(test, q[1], p[1], 16);

	for (i = 0; i < 3; i++)
		memcpy(forged + 16 * i, q[3 - i], 16);
	add(r, e);
	add(t, q[0]);
	KUNIT_EXPECT_EQ(test, check(&h, forged, r, t), -EBADMSG);
}

/* Shares of (m, r, t), as the data path makes them: whoever holds one adds */

#define LEN	100
#define ALL	(LEN + AMD_TRAILER)

struct shares {
	struct amd_header h;
	u8	m[ALL], coeff[2][ALL], share[5][ALL], was[2][ALL], out[ALL];
	u8	w[3];
};

/* What the three shares give now */
static int combined(struct shares *s)
{
	const u8 *use[3] = { s->share[0], s->share[1], s->share[2] };

	shamir_combine(s->out, use, s->w, 3, ALL);
	return check(&s->h, s->out, s->out + LEN, s->out + LEN + 16);
}

static struct shares *some_shares(struct kunit *test)
{
	struct shares *s = kunit_kmalloc(test, sizeof(*s), GFP_KERNEL);
	static const u8 x[3] = { 1, 2, 3 };
	const u8 *at[2];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	at[0] = s->coeff[0];
	at[1] = s->coeff[1];
	some_bytes(s, sizeof(*s));
	s->h = (struct amd_header){ .segment_len = LEN, .object_len = LEN };
	KUNIT_EXPECT_EQ(test, 0, encode(amd_best(), &s->h, s->m + LEN, s->m,
					s->m + LEN + 16));
	for (i = 0; i < 3; i++)
		shamir_split(s->share[i], s->m, at, 3, x[i], ALL);
	shamir_weights(s->w, x, 3, 0);
	KUNIT_EXPECT_EQ(test, combined(s), 0);
	KUNIT_EXPECT_MEMEQ(test, s->out, s->m, ALL);
	return s;
}

static void bits_of_a_share(struct kunit *test)
{
	struct shares *s = some_shares(test);
	unsigned int i, missed = 0;

	for (i = 0; i < 8 * ALL; i++) {
		s->share[i % 3][i / 8] ^= 1 << i % 8;
		missed += combined(s) != -EBADMSG;
		s->share[i % 3][i / 8] ^= 1 << i % 8;
	}
	KUNIT_EXPECT_EQ(test, missed, 0);
}

/* To one share, and to two */
static void additions(struct kunit *test)
{
	struct shares *s = some_shares(test);
	unsigned int i, j, missed = 0;

	memcpy(s->was, s->share, sizeof(s->was));
	for (i = 0; i < 3000; i++) {
		for (j = 0; j < ALL; j++) {
			s->share[0][j] ^= some_byte();
			if (i & 1)
				s->share[1][j] ^= some_byte();
		}
		missed += combined(s) != -EBADMSG;
		memcpy(s->share, s->was, sizeof(s->was));
	}
	KUNIT_EXPECT_EQ(test, missed, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(known_products, each_variant),
	KUNIT_CASE_PARAM(known_answers, each_variant),
	KUNIT_CASE_PARAM(pieces, each_variant),
	KUNIT_CASE_PARAM(like_the_first, each_variant),
	KUNIT_CASE_PARAM(secrets, each_variant),
	KUNIT_CASE(the_first),
	KUNIT_CASE(each_bit),
	KUNIT_CASE(zero_bytes),
	KUNIT_CASE(fields_swapped),
	KUNIT_CASE(lengths),
	KUNIT_CASE(context_wiped),
	KUNIT_CASE(d_is_odd),
	KUNIT_CASE(bits_of_a_share),
	KUNIT_CASE(additions),
	{}
};

static struct kunit_suite amd = {
	.name		= "ssn_amd",
	.test_cases	= cases,
};

kunit_test_suite(amd);
