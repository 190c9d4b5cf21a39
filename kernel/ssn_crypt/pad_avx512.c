// SPDX-License-Identifier: GPL-2.0
/* One-time pad in 64-byte registers. */
#ifdef __x86_64__

#include <linux/types.h>
#include "pad.h"
#include "simd.h"
#include "simd_intrin.h"

#define TARGET	__attribute__((__target__("avx512f,avx512bw,avx512vl")))
#define INLINE	static inline TARGET __attribute__((__always_inline__))
#define WIDTH	64U

typedef __m512i vec;

INLINE vec sum(vec a, vec b)
{
	return _mm512_xor_si512(a, b);
}

INLINE vec zero(void)
{
	return _mm512_setzero_si512();
}

INLINE vec load(const u8 *p)
{
	return _mm512_loadu_si512((const void *)p);
}

INLINE void store(u8 *p, vec v)
{
	_mm512_storeu_si512((void *)p, v);
}

INLINE void stream(u8 *p, vec v)
{
	_mm512_stream_si512((void *)p, v);
}

INLINE void tail(u8 *dst, const u8 *src, u8 *pad, size_t len, bool wipe)
{
	const __mmask64 some = ~0ULL >> (WIDTH - len);

	_mm512_mask_storeu_epi8(dst, some,
				sum(_mm512_maskz_loadu_epi8(some, src),
				    _mm512_maskz_loadu_epi8(some, pad)));
	if (wipe)
		_mm512_mask_storeu_epi8(pad, some, zero());
}

#include "pad_simd.h"

static bool valid(void)
{
	return simd_has(SIMD_AVX512);
}

const struct pad_variant pad_avx512 = {
	.name		= "avx512",
	.priority	= 300,
	.valid		= valid,
	.sum		= sum_all,
	.wipe		= wipe_all,
	.past		= past_all,
};

#endif
