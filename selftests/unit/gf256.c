// SPDX-License-Identifier: GPL-2.0
/*
 * GF(2^8)/0x11b against its definition: polynomial multiplication bit by bit
 * and long division by the polynomial. Every variant of the buffer operations
 * against that, and against the first.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include "gf256.h"
#include "pure.h"

#define LONGEST	1025	/* several registers of the widest kind, and a byte */

static u8 ref[256][256];

static u8 ref_mul(unsigned int a, unsigned int b)
{
	unsigned int p = 0;
	int i;

	for (i = 0; i < 8; i++)
		if (b >> i & 1)
			p ^= a << i;
	for (i = 14; i >= 8; i--)
		if (p >> i & 1)
			p ^= 0x11b << (i - 8);
	return p;
}

static int ref_fill(struct kunit_suite *suite)
{
	unsigned int a, b;

	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++)
			ref[a][b] = ref_mul(a, b);
	return 0;
}

static void products(struct kunit *test)
{
	unsigned int a, b, bad = 0;

	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++)
			bad += gf256_mul(a, b) != ref[a][b];
	KUNIT_EXPECT_EQ(test, bad, 0);
}

static void inverses(struct kunit *test)
{
	unsigned int a, bad = 0;

	KUNIT_EXPECT_EQ(test, gf256_inv(0), 0);
	for (a = 1; a < 256; a++)
		bad += gf256_mul(a, gf256_inv(a)) != 1;
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Commutative, associative, distributive */
static void laws(struct kunit *test)
{
	unsigned int a, b, c, bad = 0;

	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			bad += gf256_mul(a, b) != gf256_mul(b, a);
			for (c = 0; c < 256; c += 15) {
				bad += gf256_mul(a, gf256_mul(b, c)) !=
				       gf256_mul(gf256_mul(a, b), c);
				bad += gf256_mul(a, b ^ c) !=
				       (gf256_mul(a, b) ^ gf256_mul(a, c));
			}
		}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* --- each variant */

static const void *each_variant(const void *prev, char *desc)
{
	const struct gf256_variant *const *v = prev;

	v = v ? v + 1 : gf256_variants;
	if (!*v)
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", (*v)->name);
	return v;
}

/* Those that can make two outputs in one go, and that can pass the cache by */
static const void *each_pair(const void *prev, char *desc)
{
	do {
		prev = each_variant(prev, desc);
	} while (prev && !(*(const struct gf256_variant *const *)prev)->pair);
	return prev;
}

static const void *each_stream(const void *prev, char *desc)
{
	do {
		prev = each_variant(prev, desc);
	} while (prev && !(*(const struct gf256_variant *const *)prev)->stream);
	return prev;
}

static const struct gf256_variant *variant_of(struct kunit *test)
{
	const struct gf256_variant *const *v = test->param_value;

	if ((*v)->valid && !(*v)->valid())
		kunit_skip(test, "not on this machine");
	return *v;
}

static void apply(const struct gf256_variant *v, const struct gf256_row *row,
		  size_t from, size_t to)
{
	kernel_fpu_begin();
	v->row(row, from, to);
	kernel_fpu_end();
}

static void mac(const struct gf256_variant *v, u8 *dst, const u8 *src,
		size_t len, u8 c)
{
	const struct gf256_row row = {
		.out = dst, .muls = 1, .mul = { src }, .c = { c },
		.adds = 1, .add = { dst },
	};

	apply(v, &row, 0, len);
}

static void horner(const struct gf256_variant *v, u8 *dst, const u8 *src,
		   size_t len, u8 c)
{
	const struct gf256_row row = {
		.out = dst, .muls = 1, .mul = { dst }, .c = { c },
		.adds = 1, .add = { src },
	};

	apply(v, &row, 0, len);
}

/* Every byte by every constant */
static void constants(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	unsigned int i, c, bad_mac = 0, bad_horner = 0;
	u8 src[256], dst[256];

	for (c = 0; c < 256; c++) {
		for (i = 0; i < 256; i++) {
			src[i] = i;
			dst[i] = i * 7 + 3;
		}
		mac(v, dst, src, 256, c);
		for (i = 0; i < 256; i++)
			bad_mac += dst[i] != ((u8)(i * 7 + 3) ^ ref[c][i]);
		for (i = 0; i < 256; i++)
			dst[i] = i * 7 + 3;
		horner(v, dst, src, 256, c);
		for (i = 0; i < 256; i++)
			bad_horner += dst[i] !=
				(ref[c][(u8)(i * 7 + 3)] ^ src[i]);
	}
	KUNIT_EXPECT_EQ(test, bad_mac, 0);
	KUNIT_EXPECT_EQ(test, bad_horner, 0);
}

struct beside {
	u8	dst[3 * 8 + 257 + 16], src[3 * 8 + 257 + 16];
	u8	want[3 * 8 + 257 + 16];
};

/* Lengths 0..257 at eight alignments each; nothing beside is touched */
static void lengths(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	struct beside *b = kunit_kmalloc(test, sizeof(*b), GFP_KERNEL);
	unsigned int i, c, len, ad, as, bad = 0;

	KUNIT_ASSERT_NOT_NULL(test, b);
	for (len = 0; len <= 257; len++)
		for (ad = 0; ad < 8; ad++)
			for (as = 0; as < 8; as += 3) {
				c = (len * 31 + ad * 7 + as) & 255;
				some_bytes(b->dst, sizeof(b->dst));
				some_bytes(b->src, sizeof(b->src));
				memcpy(b->want, b->dst, sizeof(b->want));
				for (i = 0; i < len; i++)
					b->want[8 + ad + i] ^=
						ref[c][b->src[as + i]];
				mac(v, b->dst + 8 + ad, b->src + as, len, c);
				bad += !!memcmp(b->dst, b->want,
						sizeof(b->want));
				for (i = 0; i < len; i++)
					b->want[8 + ad + i] =
						b->src[as + i] ^
						ref[c][b->want[8 + ad + i]];
				horner(v, b->dst + 8 + ad, b->src + as, len, c);
				bad += !!memcmp(b->dst, b->want,
						sizeof(b->want));
			}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Odd lengths of many registers, at every alignment that a register can have */
static void like_the_first(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	const struct gf256_variant *first = gf256_variants[0];
	u8 *src = kunit_kmalloc(test, 64 + LONGEST, GFP_KERNEL);
	u8 *one = kunit_kmalloc(test, 64 + LONGEST, GFP_KERNEL);
	u8 *two = kunit_kmalloc(test, 64 + LONGEST, GFP_KERNEL);
	unsigned int len, at, c, bad = 0;

	KUNIT_ASSERT_NOT_NULL(test, src);
	KUNIT_ASSERT_NOT_NULL(test, one);
	KUNIT_ASSERT_NOT_NULL(test, two);
	for (len = 1; len <= LONGEST; len += 2) {
		at = len / 2 % 64;
		c = some_byte();
		some_bytes(src, 64 + LONGEST);
		some_bytes(one, 64 + LONGEST);
		memcpy(two, one, 64 + LONGEST);
		mac(first, one + at, src + 63 - at, len, c);
		mac(v, two + at, src + 63 - at, len, c);
		bad += !!memcmp(one, two, 64 + LONGEST);
		horner(first, one + at, src + 63 - at, len, c);
		horner(v, two + at, src + 63 - at, len, c);
		bad += !!memcmp(one, two, 64 + LONGEST);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

static void onto_itself(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	unsigned int i, bad = 0;
	u8 dst[256];

	for (i = 0; i < 256; i++)
		dst[i] = i;
	mac(v, dst, dst, 256, 0x53);
	for (i = 0; i < 256; i++)
		bad += dst[i] != (i ^ ref[0x53][i]);
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Buffers of the exact size on the heap: sanitizers see each byte beside */
static void heap(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	unsigned int len, i, bad = 0;

	for (len = 1; len <= 257; len++) {
		u8 *a = kunit_kmalloc(test, len, GFP_KERNEL);
		u8 *b = kunit_kmalloc(test, len, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, a);
		KUNIT_ASSERT_NOT_NULL(test, b);
		memset(a, 0x11, len);
		memset(b, 0xa5, len);
		mac(v, a, b, len, 0xc3);
		horner(v, b, a, len, 0x1d);
		for (i = 0; i < len; i++)
			bad += a[i] != (0x11 ^ ref[0xc3][0xa5]) ||
			       b[i] != (ref[0x1d][0xa5] ^ a[i]);
		kunit_kfree(test, a);
		kunit_kfree(test, b);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* What buffers hold decides neither a branch nor an address */
static void secrets(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	unsigned int len, i, bad = 0;
	u8 a[99], b[99];

	for (len = 0; len <= sizeof(a); len++) {
		memset(a, 0x11, sizeof(a));
		memset(b, 0xa5, sizeof(b));
		secret(a, sizeof(a));
		secret(b, sizeof(b));
		mac(v, a, b, len, 0xc3);
		horner(v, a, b, len, 0x1d);
		opened(a, sizeof(a));
		opened(b, sizeof(b));
		for (i = 0; i < len; i++)
			bad += a[i] != (ref[0x1d][0x11 ^ ref[0xc3][0xa5]] ^
					0xa5);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

static void secret_elements(struct kunit *test)
{
	unsigned int i, bad = 0;
	u8 a, b, ab, inv;

	for (i = 0; i < 256; i++) {
		a = i;
		b = i * 31 + 7;
		secret(&a, 1);
		secret(&b, 1);
		ab = gf256_mul(a, b);
		inv = gf256_inv(a);
		opened(&a, 1);
		opened(&b, 1);
		opened(&ab, 1);
		opened(&inv, 1);
		bad += ab != ref[a][b];
		bad += i && ref[a][inv] != 1;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* --- several terms, several outputs */

#define ROOM	448	/* of a buffer in rows() */

struct terms {
	u8	out[ROOM], want[ROOM], in[2 * GF256_TERMS][ROOM];
};

/* Up to four products and four other terms, at lengths 0..300 */
static void row_lengths(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	struct terms *t = kunit_kmalloc(test, sizeof(*t), GFP_KERNEL);
	struct gf256_row row = { .out = NULL };
	unsigned int from, len, i, j, bad = 0;

	KUNIT_ASSERT_NOT_NULL(test, t);
	some_bytes(t, sizeof(*t));
	for (len = 0; len <= 300; len++)
		for (row.muls = 0; row.muls <= GF256_TERMS; row.muls++)
			for (row.adds = !row.muls; row.adds <= GF256_TERMS;
			     row.adds++) {
				from = len * 5 % 67;
				memcpy(t->want, t->out, ROOM);
				row.out = t->out + len % 64;
				for (i = 0; i < row.muls; i++) {
					row.c[i] = some_byte();
					row.mul[i] = t->in[i] + 3 * i + len % 9;
				}
				for (i = 0; i < row.adds; i++)
					row.add[i] = t->in[GF256_TERMS + i] +
						     7 * i + len % 5;
				for (j = from; j < from + len; j++) {
					u8 sum = 0;

					for (i = 0; i < row.muls; i++)
						sum ^= ref[row.c[i]]
							  [row.mul[i][j]];
					for (i = 0; i < row.adds; i++)
						sum ^= row.add[i][j];
					t->want[len % 64 + j] = sum;
				}
				apply(v, &row, from, from + len);
				bad += !!memcmp(t->out, t->want, ROOM);
			}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Of each kind of row, what buffers hold decides neither branch nor address */
static void row_secrets(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	struct gf256_row row = { .c = { 3, 200, 7, 91 } };
	u8 out[131], in[131], want;
	unsigned int i, bad = 0;

	for (row.muls = 0; row.muls <= GF256_TERMS; row.muls++)
		for (row.adds = !row.muls; row.adds <= GF256_TERMS;
		     row.adds++) {
			memset(in, 0x5c, sizeof(in));
			secret(in, sizeof(in));
			row.out = out;
			want = row.adds & 1 ? 0x5c : 0;
			for (i = 0; i < GF256_TERMS; i++) {
				row.mul[i] = in;
				row.add[i] = in;
				if (i < row.muls)
					want ^= ref[row.c[i]][0x5c];
			}
			apply(v, &row, 0, sizeof(out));
			opened(out, sizeof(out));
			for (i = 0; i < sizeof(out); i++)
				bad += out[i] != want;
		}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Two outputs in one go, of each kind, as one after the other */
static void pairs(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	const struct gf256_variant *first = gf256_variants[0];
	struct terms *t = kunit_kmalloc(test, sizeof(*t), GFP_KERNEL);
	u8 *two = kunit_kmalloc(test, ROOM, GFP_KERNEL);
	unsigned int len, i, kind, bad = 0;
	struct gf256_row row;
	struct gf256_pair p;

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_NOT_NULL(test, two);
	for (len = 0; len <= 300; len++)
		for (kind = 0; kind < 4 * 2 * 2 * 3; kind++) {
			some_bytes(t, sizeof(*t));
			memcpy(t->want, t->out, ROOM);
			memset(two, 0x3c, ROOM);
			p.first.out = t->out + len % 64;
			p.first.muls = kind % 4 + 1;
			p.first.adds = kind / 4 % 2;
			p.first.add[0] = t->in[4] + 9;
			for (i = 0; i < GF256_TERMS; i++) {
				p.first.c[i] = some_byte();
				p.first.mul[i] = t->in[i] + 3 * i + len % 9;
			}
			p.out = two + len % 33;
			p.mul = kind / 8 % 2 ? t->in[5] + 1 : NULL;
			p.c = some_byte();
			p.adds = kind / 16 + 1;
			for (i = 0; i < GF256_PAIR_ADDS; i++)
				p.add[i] = t->in[5 + i] + 7 * i;
			kernel_fpu_begin();
			v->pair(&p, 5, 5 + len);
			kernel_fpu_end();

			row = p.first;
			row.out = t->want + len % 64;
			apply(first, &row, 5, 5 + len);
			bad += !!memcmp(t->out, t->want, ROOM);
			memset(t->want, 0x3c, ROOM);
			row = (struct gf256_row) {
				.out = t->want + len % 33, .muls = !!p.mul,
				.mul = { p.mul }, .c = { p.c }, .adds = 1,
				.add = { p.first.out },
			};
			for (i = 0; i < p.adds; i++)
				row.add[row.adds++] = p.add[i];
			apply(first, &row, 5, 5 + len);
			bad += !!memcmp(two, t->want, ROOM);
		}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

#define SIDE	32U	/* bytes of each buffer beside what is mixed */

struct mix {
	unsigned int		m, k;
	size_t			len;
	u8			*out[255], coef[255 * 255], whole[255 * 255];
	const u8		*in[255];
	u8			base[255];
	struct gf256_matrix	a;
};

static struct mix *mix_new(struct kunit *test, unsigned int m, unsigned int k,
			   size_t len)
{
	static struct mix mix;
	u8 *room = kunit_kmalloc(test, (m + k) * (len + SIDE), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, room);
	some_bytes(room, (m + k) * (len + SIDE));
	mix.m = m;
	mix.k = k;
	mix.len = len;
	for (i = 0; i < m + k; i++) {
		u8 *at = room + i * (len + SIDE) + i % SIDE;

		if (i < m)
			mix.out[i] = at;
		else
			mix.in[i - m] = at;
	}
	return &mix;
}

/* The bytes of all outputs that are not what the matrix says they are */
static unsigned int mix_bad(struct mix *x)
{
	unsigned int i, j, bad = 0;
	size_t at;

	memcpy(x->whole, x->coef, x->m * x->k);
	gf256_matrix_init(&x->a, x->coef, x->base, x->m, x->k);
	gf256_mix(x->out, &x->a, x->in, x->len);
	for (i = 0; i < x->m; i++)
		for (at = 0; at < x->len; at++) {
			u8 sum = 0;

			for (j = 0; j < x->k; j++)
				sum ^= ref[x->whole[i * x->k + j]]
					  [x->in[j][at]];
			bad += x->out[i][at] != sum;
		}
	return bad;
}

struct shape {
	unsigned int	m, k;
	size_t		len;
};

static const struct shape shapes[] = {
	{ 1, 1, 77 }, { 1, 3, 4096 }, { 5, 3, 4097 }, { 3, 3, 8191 },
	{ 9, 5, 12289 }, { 4, 9, 4095 }, { 2, 255, 200 }, { 255, 2, 131 },
	{ 30, 30, 4224 }, { 7, 4, 1 }, { 3, 2, 0 },
};

static const void *each_shape(const void *prev, char *desc)
{
	unsigned int i = prev ? (const struct shape *)prev - shapes + 1 : 0;

	if (i == ARRAY_SIZE(shapes))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%ux%u, %zu bytes", shapes[i].m,
		 shapes[i].k, shapes[i].len);
	return &shapes[i];
}

static void any_matrix(struct kunit *test)
{
	const struct shape *s = test->param_value;
	struct mix *x = mix_new(test, s->m, s->k, s->len);

	some_bytes(x->coef, s->m * s->k);
	KUNIT_EXPECT_EQ(test, mix_bad(x), 0);
}

/* Rows that are much alike, with ones and noughts in them, and with only those */
static void like_rows(struct kunit *test)
{
	const struct shape *s = test->param_value;
	struct mix *x = mix_new(test, s->m, s->k, s->len);
	unsigned int i;

	for (i = 0; i < s->m * s->k; i++) {
		x->coef[i] = some_byte() & 1;
		if (i >= s->k && some_byte() & 3)
			x->coef[i] ^= x->coef[i - s->k];
		if (!(some_byte() & 15))
			x->coef[i] = some_byte();
	}
	memset(x->coef, 0, s->k);
	KUNIT_EXPECT_EQ(test, mix_bad(x), 0);
}

/* Powers of the points: what shares are made with */
static void powers(struct kunit *test)
{
	const struct shape *s = test->param_value;
	struct mix *x = mix_new(test, s->m, s->k, s->len);
	unsigned int i, j;
	u8 power;

	for (i = 0; i < s->m; i++)
		for (j = 0, power = 1; j < s->k; j++) {
			x->coef[i * s->k + j] = power;
			power = ref[power][i + 1];
		}
	KUNIT_EXPECT_EQ(test, mix_bad(x), 0);
}

/* Nothing beside an output is touched, and no input */
static void mix_beside(struct kunit *test)
{
	struct mix *x = mix_new(test, 3, 2, 4096 + 3);
	const size_t all = 5 * (4096 + 3 + SIDE);
	u8 *was = kunit_kmalloc(test, all, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, was);
	memcpy(was, x->out[0], all);
	some_bytes(x->coef, 6);
	KUNIT_EXPECT_EQ(test, mix_bad(x), 0);
	for (i = 0; i < 3; i++)
		memcpy(was + (x->out[i] - x->out[0]), x->out[i], x->len);
	KUNIT_EXPECT_MEMEQ(test, was, x->out[0], all - SIDE);
}

/* Of shares at x and x + 1 the second is made of the first */
static void bases(struct kunit *test)
{
	u8 coef[] = { 1, 1, 1,  1, 2, 4,  1, 3, 5,  1, 4, 16,  1, 5, 17 };
	u8 base[5], left[] = { 0, 1, 1 };
	struct gf256_matrix a;

	gf256_matrix_init(&a, coef, base, 5, 3);
	KUNIT_EXPECT_EQ(test, base[0], 0);
	KUNIT_EXPECT_EQ(test, base[2], 2);
	KUNIT_EXPECT_EQ(test, base[4], 4);
	KUNIT_EXPECT_MEMEQ(test, coef + 6, left, 3);
	KUNIT_EXPECT_MEMEQ(test, coef + 12, left, 3);
}

/* Several outputs at once past the cache, of each number, as row by row */
static void streams(struct kunit *test)
{
	const struct gf256_variant *v = variant_of(test);
	const struct gf256_variant *first = gf256_variants[0];
	const unsigned int inputs = GF256_STREAM_INPUTS;
	u8 coef[GF256_STREAMS * GF256_STREAM_INPUTS];
	u8 *room = kunit_kmalloc(test, 64 + 24 * 512, GFP_KERNEL);
	u8 *out[GF256_STREAMS], *want;
	const u8 *in[GF256_STREAM_INPUTS];
	struct gf256_stream s = { .out = out, .in = in, .coef = coef };
	unsigned int i, j, bad = 0;
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, room);
	want = kunit_kmalloc(test, 512, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, want);
	for (i = 0; i < GF256_STREAMS; i++)
		out[i] = room + (-(unsigned long)room & 63) + i * 512;
	for (i = 0; i < inputs; i++)
		in[i] = out[GF256_STREAMS - 1] + 512 * (i + 1) - i;
	for (s.m = 1; s.m <= GF256_STREAMS; s.m++)
		for (s.k = 1; s.k <= inputs; s.k++) {
			len = (s.m + s.k) % 8 * 64;
			some_bytes(coef, sizeof(coef));
			some_bytes(out[0], 23 * 512);
			kernel_fpu_begin();
			v->stream(&s, len);
			kernel_fpu_end();
			for (i = 0; i < s.m; i++) {
				memset(want, 0, 512);
				for (j = 0; j < s.k; j++)
					mac(first, want, in[j], len,
					    coef[i * s.k + j]);
				bad += !!memcmp(out[i], want, len);
			}
		}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

#ifndef __KERNEL__
/* Far larger than the cache, at whatever alignment: as in small pieces */
static void large(struct kunit *test)
{
	const size_t len = (17U << 20) / 8 + 21, piece = 8191;
	u8 *room = kunit_kmalloc(test, 11 * (len + 64), GFP_KERNEL);
	u8 coef[15], base[5], *out[5], *part[5];
	const u8 *in[3], *from[3];
	struct gf256_matrix a;
	unsigned int i, odd, bad = 0;
	size_t at, n;

	some_bytes(coef, sizeof(coef));
	coef[3] = coef[0];
	gf256_matrix_init(&a, coef, base, 5, 3);
	for (i = 0; i < 3; i++)
		in[i] = room + i * (len + 64);
	some_bytes(room, 3 * (len + 64));
	for (odd = 0; odd < 2; odd++) {
		for (i = 0; i < 5; i++) {
			out[i] = room + (3 + i) * (len + 64);
			out[i] += (-(unsigned long)out[i] & 63) + odd;
		}
		memset(room + 3 * (len + 64), 0x77, 8 * (len + 64));
		gf256_mix(out, &a, in, len);
		for (at = 0; at < len; at += n) {
			n = len - at > piece ? piece : len - at;
			for (i = 0; i < 5; i++)
				part[i] = room + 8 * (len + 64) + i * piece;
			for (i = 0; i < 3; i++)
				from[i] = in[i] + at;
			gf256_mix(part, &a, from, n);
			for (i = 0; i < 5; i++)
				bad += !!memcmp(part[i], out[i] + at, n);
		}
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}
#endif

/* --- which of them is used */

/* One of those that this machine can run, and none of these is before it */
static void best(struct kunit *test)
{
	const struct gf256_variant *const *v, *use = gf256_best();
	bool there = false;

	KUNIT_EXPECT_TRUE(test, !gf256_variants[0]->valid);
	KUNIT_ASSERT_NOT_NULL(test, use);
	for (v = gf256_variants; *v; v++) {
		if ((*v)->valid && !(*v)->valid())
			continue;
		there |= *v == use;
		KUNIT_EXPECT_TRUE(test, (*v)->priority <= use->priority);
	}
	KUNIT_EXPECT_TRUE(test, there);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(products),
	KUNIT_CASE(inverses),
	KUNIT_CASE(laws),
	KUNIT_CASE_PARAM(constants, each_variant),
	KUNIT_CASE_PARAM(lengths, each_variant),
	KUNIT_CASE_PARAM(like_the_first, each_variant),
	KUNIT_CASE_PARAM(onto_itself, each_variant),
	KUNIT_CASE_PARAM(heap, each_variant),
	KUNIT_CASE_PARAM(secrets, each_variant),
	KUNIT_CASE(secret_elements),
	KUNIT_CASE_PARAM(row_lengths, each_variant),
	KUNIT_CASE_PARAM(row_secrets, each_variant),
	KUNIT_CASE_PARAM(pairs, each_pair),
	KUNIT_CASE_PARAM(any_matrix, each_shape),
	KUNIT_CASE_PARAM(like_rows, each_shape),
	KUNIT_CASE_PARAM(powers, each_shape),
	KUNIT_CASE(mix_beside),
	KUNIT_CASE(bases),
	KUNIT_CASE_PARAM(streams, each_stream),
#ifndef __KERNEL__
	KUNIT_CASE(large),
#endif
	KUNIT_CASE(best),
	{}
};

static struct kunit_suite gf256 = {
	.name		= "ssn_gf256",
	.suite_init	= ref_fill,
	.test_cases	= cases,
};

kunit_test_suite(gf256);
