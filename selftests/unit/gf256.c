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

static const struct gf256_variant *variant_of(struct kunit *test)
{
	const struct gf256_variant *const *v = test->param_value;

	if ((*v)->valid && !(*v)->valid())
		kunit_skip(test, "not on this machine");
	return *v;
}

static void mac(const struct gf256_variant *v, u8 *dst, const u8 *src,
		size_t len, u8 c)
{
	kernel_fpu_begin();
	v->mac(dst, src, len, c);
	kernel_fpu_end();
}

static void horner(const struct gf256_variant *v, u8 *dst, const u8 *src,
		   size_t len, u8 c)
{
	kernel_fpu_begin();
	v->horner(dst, src, len, c);
	kernel_fpu_end();
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

/* --- which of them is used */

static void best(struct kunit *test)
{
	u8 a[33], b[33], c[33];

	KUNIT_EXPECT_TRUE(test, !gf256_variants[0]->valid);
	KUNIT_ASSERT_NOT_NULL(test, gf256_best());

	memset(a, 1, sizeof(a));
	memset(b, 2, sizeof(b));
	memset(c, 1, sizeof(c));
	gf256_mac(a, b, sizeof(a), 3);
	mac(gf256_best(), c, b, sizeof(c), 3);
	KUNIT_EXPECT_MEMEQ(test, a, c, sizeof(a));
	gf256_horner(a, b, sizeof(a), 3);
	horner(gf256_best(), c, b, sizeof(c), 3);
	KUNIT_EXPECT_MEMEQ(test, a, c, sizeof(a));
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
	KUNIT_CASE(best),
	{}
};

static struct kunit_suite gf256 = {
	.name		= "ssn_gf256",
	.suite_init	= ref_fill,
	.test_cases	= cases,
};

kunit_test_suite(gf256);
