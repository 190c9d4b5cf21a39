// SPDX-License-Identifier: GPL-2.0
/*
 * GF(2^8) in 32-byte registers. The tables of a constant are registers too, and
 * looked up in by a shuffle: no address depends on a secret.
 */
#ifdef __x86_64__

#include <linux/types.h>
#include "gf256.h"
#include "gf256_nibble.h"
#include "simd.h"
#include "simd_intrin.h"

#define TARGET	__attribute__((__target__("avx2")))
#define WIDTH	32U
#define INLINE	static inline TARGET __attribute__((__always_inline__))

typedef __m256i vec;

struct factor {
	vec	low, high;
};

INLINE struct factor factor(u8 c)
{
	u64 t[4];

	nibble_tables(t, c);
	return (struct factor) {
		_mm256_set_epi64x(t[1], t[0], t[1], t[0]),
		_mm256_set_epi64x(t[3], t[2], t[3], t[2]),
	};
}

INLINE vec sum(vec a, vec b)
{
	return _mm256_xor_si256(a, b);
}

INLINE vec times(vec v, struct factor f)
{
	const vec four = _mm256_set1_epi8(0x0f);
	vec low = _mm256_and_si256(v, four);
	vec high = _mm256_and_si256(_mm256_srli_epi64(v, 4), four);

	return sum(_mm256_shuffle_epi8(f.low, low),
		   _mm256_shuffle_epi8(f.high, high));
}

INLINE vec load(const u8 *p)
{
	return _mm256_loadu_si256((const void *)p);
}

INLINE void store(u8 *p, vec v)
{
	_mm256_storeu_si256((void *)p, v);
}

#define tail	gf256_scalar_row
#include "gf256_rows.h"

static bool valid(void)
{
	return simd_has(SIMD_AVX2);
}

const struct gf256_variant gf256_avx2 = {
	.name		= "avx2",
	.priority	= 200,
	.valid		= valid,
	.row		= row,
};

#endif
