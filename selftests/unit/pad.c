// SPDX-License-Identifier: GPL-2.0
/* One-time pad: the sum is right, the pad is gone, nothing beside is touched */
#include <kunit/test.h>
#include <linux/string.h>
#include "pad.h"
#include "pure.h"

struct three {
	u8	buf[3][448], was[3][448];
};

static const void *each_variant(const void *prev, char *desc)
{
	const struct pad_variant *const *v = prev;

	v = v ? v + 1 : pad_variants;
	if (!*v)
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", (*v)->name);
	return v;
}

static const void *each_past(const void *prev, char *desc)
{
	do {
		prev = each_variant(prev, desc);
	} while (prev && !(*(const struct pad_variant *const *)prev)->past);
	return prev;
}

static const struct pad_variant *variant_of(struct kunit *test)
{
	const struct pad_variant *const *v = test->param_value;

	if ((*v)->valid && !(*v)->valid())
		kunit_skip(test, "not on this machine");
	return *v;
}

static void xor(const struct pad_variant *v, u8 *dst, const u8 *src,
		const u8 *pad, size_t len)
{
	kernel_fpu_begin();
	v->sum(dst, src, pad, len);
	kernel_fpu_end();
}

static void xor_wipe(const struct pad_variant *v, u8 *dst, const u8 *src,
		     u8 *pad, size_t len)
{
	kernel_fpu_begin();
	v->wipe(dst, src, pad, len);
	kernel_fpu_end();
}

/* Lengths 0..300 at several alignments, over another buffer and in place */
static void sums(struct kunit *test)
{
	const struct pad_variant *v = variant_of(test);
	struct three *t = kunit_kmalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int len, ad, i, bad_sum = 0, left = 0, beside = 0, bad_in = 0;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (len = 0; len <= 300; len++)
		for (ad = 0; ad < 64; ad += 1 + ad / 3) {
			u8 *dst = t->buf[0] + 8 + ad;
			u8 *src = t->buf[1] + 8 + ad / 2;
			u8 *pad = t->buf[2] + 72 - ad;
			const u8 *m = t->was[1] + 8 + ad / 2;
			const u8 *key = t->was[2] + 72 - ad;

			some_bytes(t->buf, sizeof(t->buf));
			for (i = 0; i < len; i++)
				pad[i] |= 1;	/* so that zero is news */
			memcpy(t->was, t->buf, sizeof(t->was));
			xor_wipe(v, dst, src, pad, len);
			for (i = 0; i < len; i++) {
				bad_sum += dst[i] != (m[i] ^ key[i]);
				left += !!pad[i];
			}
			memcpy(dst, t->was[0] + 8 + ad, len);
			memcpy(pad, key, len);
			beside += !!memcmp(t->buf, t->was, sizeof(t->buf));

			xor(v, dst, src, pad, len);
			for (i = 0; i < len; i++)
				bad_sum += dst[i] != (m[i] ^ key[i]);
			memcpy(dst, t->was[0] + 8 + ad, len);
			beside += !!memcmp(t->buf, t->was, sizeof(t->buf));

			xor_wipe(v, src, src, pad, len);
			for (i = 0; i < len; i++)
				bad_in += src[i] != (m[i] ^ key[i]);
		}
	KUNIT_EXPECT_EQ(test, bad_sum, 0);
	KUNIT_EXPECT_EQ(test, left, 0);
	KUNIT_EXPECT_EQ(test, beside, 0);
	KUNIT_EXPECT_EQ(test, bad_in, 0);
}

/* Past the cache: whole lines, and nothing beside them */
static void past(struct kunit *test)
{
	const struct pad_variant *v = variant_of(test);
	u8 *room = kunit_kmalloc(test, 4 * 640, GFP_KERNEL);
	unsigned int len, i, bad = 0;
	u8 *dst, *src, *pad;

	KUNIT_ASSERT_NOT_NULL(test, room);
	dst = room + (-(unsigned long)room & 63);
	src = dst + 640 + 5;
	pad = src + 640 + 9;
	for (len = 0; len <= 576; len += 64) {
		some_bytes(room, 4 * 640);
		memset(dst, 0xee, 640);
		kernel_fpu_begin();
		v->past(dst, src, pad, len);
		kernel_fpu_end();
		for (i = 0; i < 640; i++)
			bad += dst[i] != (i < len ? src[i] ^ pad[i] : 0xee);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* The pad stays where only its sum is wanted */
static void not_wiped(struct kunit *test)
{
	u8 pad[40], was[40], sum[40];

	some_bytes(pad, sizeof(pad));
	memcpy(was, pad, sizeof(was));
	memset(sum, 0x35, sizeof(sum));
	ssn_pad_xor(sum, sum, pad, sizeof(sum));
	KUNIT_EXPECT_MEMEQ(test, pad, was, sizeof(pad));
	ssn_pad_xor(sum, sum, pad, sizeof(sum));
	memset(was, 0x35, sizeof(was));
	KUNIT_EXPECT_MEMEQ(test, sum, was, sizeof(sum));
}

/* More than vector registers are held for at a time */
static void sections(struct kunit *test)
{
	const size_t len = 2 * 16384 + 77;
	u8 *sum = kunit_kmalloc(test, len, GFP_KERNEL);
	u8 *pad = kunit_kmalloc(test, len, GFP_KERNEL);
	unsigned int bad = 0;
	size_t i;

	KUNIT_ASSERT_NOT_NULL(test, sum);
	KUNIT_ASSERT_NOT_NULL(test, pad);
	for (i = 0; i < len; i++) {
		sum[i] = i;
		pad[i] = i >> 8 | 1;
	}
	ssn_pad_xor(sum, sum, pad, len);
	for (i = 0; i < len; i++)
		bad += sum[i] != (u8)(i ^ (i >> 8 | 1));
	ssn_pad_xor_wipe(sum, sum, pad, len);
	for (i = 0; i < len; i++)
		bad += sum[i] != (u8)i || pad[i];
	KUNIT_EXPECT_EQ(test, bad, 0);
}

#ifndef __KERNEL__
/* Far larger than the cache, at whatever alignment */
static void large(struct kunit *test)
{
	const size_t len = (17U << 20) / 3 + 21;
	u8 *room = kunit_kmalloc(test, 3 * (len + 64), GFP_KERNEL);
	u8 *dst, *src = room + len + 64, *pad = src + len + 64;
	unsigned int odd, bad = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		src[i] = i;
		pad[i] = (i >> 12) * 5 + 3;
	}
	for (odd = 0; odd < 2; odd++) {
		dst = room + (-(unsigned long)room & 63) + odd;
		memset(dst, 0, len);
		ssn_pad_xor(dst, src, pad, len);
		for (i = 0; i < len; i++)
			bad += dst[i] != (u8)(i ^ ((i >> 12) * 5 + 3));
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}
#endif

/* Buffers of the exact size on the heap: sanitizers see each byte beside */
static void heap(struct kunit *test)
{
	const struct pad_variant *v = variant_of(test);
	unsigned int len, i, bad = 0;

	for (len = 1; len <= 257; len++) {
		u8 *sum = kunit_kmalloc(test, len, GFP_KERNEL);
		u8 *pad = kunit_kmalloc(test, len, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, sum);
		KUNIT_ASSERT_NOT_NULL(test, pad);
		memset(sum, 0x0f, len);
		memset(pad, 0x55, len);
		xor_wipe(v, sum, sum, pad, len);
		for (i = 0; i < len; i++)
			bad += sum[i] != 0x5a || pad[i];
		kunit_kfree(test, sum);
		kunit_kfree(test, pad);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* What message and pad hold decides neither a branch nor an address */
static void secrets(struct kunit *test)
{
	const struct pad_variant *v = variant_of(test);
	u8 text[477], pad[477];
	unsigned int i, bad = 0;

	memset(text, 1, sizeof(text));
	memset(pad, 2, sizeof(pad));
	secret(text, sizeof(text));
	secret(pad, sizeof(pad));
	xor_wipe(v, text, text, pad, sizeof(text));
	opened(text, sizeof(text));
	for (i = 0; i < sizeof(text); i++)
		bad += text[i] != 3 || pad[i];
	KUNIT_EXPECT_EQ(test, bad, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(sums, each_variant),
	KUNIT_CASE_PARAM(past, each_past),
	KUNIT_CASE(not_wiped),
	KUNIT_CASE(sections),
#ifndef __KERNEL__
	KUNIT_CASE(large),
#endif
	KUNIT_CASE_PARAM(heap, each_variant),
	KUNIT_CASE_PARAM(secrets, each_variant),
	{}
};

static struct kunit_suite pad = {
	.name		= "ssn_pad",
	.test_cases	= cases,
};

kunit_test_suite(pad);
