// SPDX-License-Identifier: GPL-2.0
/* One-time pad. Pure: builds unchanged in user space. */
#include <linux/string.h>
#include <linux/types.h>
#include "pad.h"
#include "simd.h"

#define SECTION		(SIMD_SECTION / 4 & ~63UL)	/* of three buffers each */
#define PAST_BYTES	(16U << 20)	/* in all: far more than a core's cache */

static void scalar_sum(u8 *dst, const u8 *src, const u8 *pad, size_t len)
{
	size_t i = 0;
	u64 a, b;

	for (; len - i >= 8; i += 8) {
		memcpy(&a, src + i, 8);
		memcpy(&b, pad + i, 8);
		a ^= b;
		memcpy(dst + i, &a, 8);
	}
	for (; i < len; i++)
		dst[i] = src[i] ^ pad[i];
}

static void scalar_wipe(u8 *dst, const u8 *src, u8 *pad, size_t len)
{
	scalar_sum(dst, src, pad, len);
	memzero_explicit(pad, len);
}

static const struct pad_variant pad_scalar = {
	.name		= "scalar64",
	.priority	= 0,
	.sum		= scalar_sum,
	.wipe		= scalar_wipe,
};

#ifdef __x86_64__
extern const struct pad_variant pad_avx2, pad_avx512;
#endif

const struct pad_variant *const pad_variants[] = {
	&pad_scalar,
#ifdef __x86_64__
	&pad_avx2,
	&pad_avx512,
#endif
	NULL
};

static const struct pad_variant *best(void)
{
	static const struct pad_variant *known;
	const struct pad_variant *found = &pad_scalar;
	const struct pad_variant *const *v;

	/* who asks at the same time finds the same */
	if (known)
		return known;
	for (v = pad_variants; *v; v++)
		if ((!(*v)->valid || (*v)->valid()) &&
		    (*v)->priority > found->priority)
			found = *v;
	known = found;
	return found;
}

/**
 * ssn_pad_xor - add a pad
 * @dst:	where the sum goes, @len bytes
 * @src:	message or ciphertext, @len bytes; the same as @dst or apart
 * @pad:	@len bytes of pad; overlaps neither
 * @len:	bytes, any number
 *
 * Any context. What is far larger than the cache is written past it.
 */
void ssn_pad_xor(u8 *dst, const u8 *src, const u8 *pad, size_t len)
{
	const bool past = len > PAST_BYTES / 3 && dst != src &&
			  !((unsigned long)dst % 64);
	size_t i, n, lines;

	for (i = 0; i < len; i += n) {
		bool simd = simd_begin();
		const struct pad_variant *v = simd ? best() : &pad_scalar;

		n = len - i > SECTION ? SECTION : len - i;
		lines = past && v->past ? n - n % 64 : 0;
		if (lines)
			v->past(dst + i, src + i, pad + i, lines);
		v->sum(dst + i + lines, src + i + lines, pad + i + lines,
		       n - lines);
		if (simd)
			simd_end();
	}
}

/**
 * ssn_pad_xor_wipe - add a pad and destroy it
 * @dst:	where the sum goes, @len bytes
 * @src:	message or ciphertext, @len bytes; the same as @dst or apart
 * @pad:	@len bytes of pad, zero afterwards; overlaps neither
 * @len:	bytes, any number
 *
 * Any context. The pad is zero when this returns, in whatever order the
 * compiler puts it.
 */
void ssn_pad_xor_wipe(u8 *dst, const u8 *src, u8 *pad, size_t len)
{
	size_t i, n;

	for (i = 0; i < len; i += n) {
		bool simd = simd_begin();
		const struct pad_variant *v = simd ? best() : &pad_scalar;

		n = len - i > SECTION ? SECTION : len - i;
		v->wipe(dst + i, src + i, pad + i, n);
		if (simd)
			simd_end();
	}
	/* that the zeroes are never read again is no reason to leave them out */
	__asm__ __volatile__("" : : "r" (pad) : "memory");
}
