// SPDX-License-Identifier: GPL-2.0
/* One-time pad: the sum is right, the pad is gone, nothing beside is touched */
#include <kunit/test.h>
#include <linux/string.h>
#include "pad.h"
#include "pure.h"

struct three {
	u8	buf[3][300], was[3][300];
};

/* Lengths 0..257 at nine alignments */
static void sums(struct kunit *test)
{
	struct three *t = kunit_kmalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int len, ad, i, bad_sum = 0, left = 0, beside = 0, bad_in = 0;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (len = 0; len <= 257; len++)
		for (ad = 0; ad < 9; ad++) {
			u8 *dst = t->buf[0] + 8 + ad;
			u8 *src = t->buf[1] + 8 + ad / 2;
			u8 *pad = t->buf[2] + 16 - ad;
			const u8 *m = t->was[1] + 8 + ad / 2;
			const u8 *key = t->was[2] + 16 - ad;

			some_bytes(t->buf, sizeof(t->buf));
			for (i = 0; i < len; i++)
				pad[i] |= 1;	/* so that zero is news */
			memcpy(t->was, t->buf, sizeof(t->was));
			ssn_pad_xor_wipe(dst, src, pad, len);
			for (i = 0; i < len; i++) {
				bad_sum += dst[i] != (m[i] ^ key[i]);
				left += !!pad[i];
			}
			memcpy(dst, t->was[0] + 8 + ad, len);
			memcpy(pad, key, len);
			beside += !!memcmp(t->buf, t->was, sizeof(t->buf));

			memcpy(t->buf, t->was, sizeof(t->was));
			ssn_pad_xor_wipe(src, src, pad, len);
			for (i = 0; i < len; i++)
				bad_in += src[i] != (m[i] ^ key[i]);
		}
	KUNIT_EXPECT_EQ(test, bad_sum, 0);
	KUNIT_EXPECT_EQ(test, left, 0);
	KUNIT_EXPECT_EQ(test, beside, 0);
	KUNIT_EXPECT_EQ(test, bad_in, 0);
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

/* Buffers of the exact size on the heap: sanitizers see each byte beside */
static void heap(struct kunit *test)
{
	unsigned int len, i, bad = 0;

	for (len = 1; len <= 257; len++) {
		u8 *sum = kunit_kmalloc(test, len, GFP_KERNEL);
		u8 *pad = kunit_kmalloc(test, len, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, sum);
		KUNIT_ASSERT_NOT_NULL(test, pad);
		memset(sum, 0x0f, len);
		memset(pad, 0x55, len);
		ssn_pad_xor_wipe(sum, sum, pad, len);
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
	u8 text[77], pad[77];
	unsigned int i, bad = 0;

	memset(text, 1, sizeof(text));
	memset(pad, 2, sizeof(pad));
	secret(text, sizeof(text));
	secret(pad, sizeof(pad));
	ssn_pad_xor_wipe(text, text, pad, sizeof(text));
	opened(text, sizeof(text));
	opened(pad, sizeof(pad));
	for (i = 0; i < sizeof(text); i++)
		bad += text[i] != 3 || pad[i];
	KUNIT_EXPECT_EQ(test, bad, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(sums),
	KUNIT_CASE(not_wiped),
	KUNIT_CASE(heap),
	KUNIT_CASE(secrets),
	{}
};

static struct kunit_suite pad = {
	.name		= "ssn_pad",
	.test_cases	= cases,
};

kunit_test_suite(pad);
