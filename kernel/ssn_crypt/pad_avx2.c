// SPDX-License-Identifier: GPL-2.0
/* One-time pad in 32-byte registers. */
#ifdef __x86_64__

#include <linux/types.h>
#include "pad.h"
#include "simd.h"
#include "simd_intrin.h"

#define TARGET	__attribute__((__target__("avx2")))
#define INLINE	static inline TARGET __attribute__((__always_inline__))
#define WIDTH	32U

typedef __m256i vec;

INLINE vec sum(vec a, vec b)
{
	return _mm256_xor_si256(a, b);
}

INLINE vec zero(void)
{
	return _mm256_setzero_si256();
}

INLINE vec load(const u8 *p)
{
	return _mm256_loadu_si256((const void *)p);
}

INLINE void store(u8 *p, vec v)
{
	_mm256_storeu_si256((void *)p, v);
}

INLINE void stream(u8 *p, vec v)
{
	_mm256_stream_si256((void *)p, v);
}

INLINE void tail(u8 *dst, const u8 *src, u8 *pad, size_t len, bool wipe)
{
	while (len--) {
		dst[len] = src[len] ^ pad[len];
		if (wipe)
			pad[len] = 0;
	}
}

#include "pad_simd.h"

static bool valid(void)
{
	return simd_has(SIMD_AVX2);
}

const struct pad_variant pad_avx2 = {
	.name		= "avx2",
	.priority	= 200,
	.valid		= valid,
	.sum		= sum_all,
	.wipe		= wipe_all,
	.past		= past_all,
};

#endif
