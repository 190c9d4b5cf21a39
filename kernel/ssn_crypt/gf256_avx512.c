// SPDX-License-Identifier: GPL-2.0
/*
 * GF(2^8) in 64-byte registers: GF2P8MULB is the product of this very field.
 */
#ifdef __x86_64__

#include <linux/types.h>
#include "gf256.h"
#include "simd.h"
#include "simd_intrin.h"

#define TARGET	__attribute__((__target__("avx512f,avx512bw,avx512vl,gfni")))
#define WIDTH	64U
#define ALL	(~0ULL)
#define AHEAD	4096U	/* of the inputs, in a stream */
#define OWN	512U	/* and of lines that will be written */
#define INLINE	static inline TARGET __attribute__((__always_inline__))

typedef __m512i vec;

struct factor {
	vec	v;
};

INLINE struct factor factor(u8 c)
{
	return (struct factor) { _mm512_set1_epi8(c) };
}

INLINE vec times(vec v, struct factor f)
{
	return _mm512_gf2p8mul_epi8(v, f.v);
}

INLINE vec sum(vec a, vec b)
{
	return _mm512_xor_si512(a, b);
}

INLINE vec load(const u8 *p)
{
	return _mm512_loadu_si512((const void *)p);
}

INLINE void store(u8 *p, vec v)
{
	_mm512_storeu_si512((void *)p, v);
}

/* Of a line that will be written */
INLINE void own(const u8 *p)
{
	__asm__ __volatile__("prefetchw %0" : : "m" (*(p + OWN)));
}

static TARGET void tail(const struct gf256_row *row, size_t from, size_t to)
{
	const __mmask64 some = ALL >> (WIDTH - (to - from));
	vec v = _mm512_setzero_si512();
	unsigned int i;

	for (i = 0; i < row->muls; i++)
		v = sum(v, times(_mm512_maskz_loadu_epi8(some,
							 row->mul[i] + from),
				 factor(row->c[i])));
	for (i = 0; i < row->adds; i++)
		v = sum(v, _mm512_maskz_loadu_epi8(some, row->add[i] + from));
	_mm512_mask_storeu_epi8(row->out + from, some, v);
}

#include "gf256_rows.h"

INLINE void pair_loop(const struct gf256_pair *p, size_t from, size_t to,
		      unsigned int muls, unsigned int adds, bool mul,
		      unsigned int more)
{
	const u8 *term[GF256_TERMS], *add[GF256_PAIR_FIRST];
	const u8 *late[GF256_PAIR_ADDS], *again = p->mul;
	const struct gf256_row *row = &p->first;
	u8 *one = row->out, *two = p->out;
	struct factor f[GF256_TERMS + 1];
	unsigned int i;
	vec v;

#pragma GCC unroll 4
	for (i = 0; i < muls; i++) {
		f[i] = factor(row->c[i]);
		term[i] = row->mul[i];
	}
	f[GF256_TERMS] = factor(p->c);
#pragma GCC unroll 4
	for (i = 0; i < adds; i++)
		add[i] = row->add[i];
#pragma GCC unroll 4
	for (i = 0; i < more; i++)
		late[i] = p->add[i];
	for (; to - from >= WIDTH; from += WIDTH) {
		own(one + from);
		own(two + from);
		v = times(load(term[0] + from), f[0]);
#pragma GCC unroll 4
		for (i = 1; i < muls; i++)
			v = sum(v, times(load(term[i] + from), f[i]));
#pragma GCC unroll 4
		for (i = 0; i < adds; i++)
			v = sum(v, load(add[i] + from));
		store(one + from, v);
		if (mul)
			v = sum(v, times(load(again + from), f[GF256_TERMS]));
#pragma GCC unroll 4
		for (i = 0; i < more; i++)
			v = sum(v, load(late[i] + from));
		store(two + from, v);
	}
}

#define PAIR(m, a, x, l)						\
static TARGET void pair_##m##_##a##_##x##_##l(const struct gf256_pair *p,\
					      size_t from, size_t to)	\
{									\
	pair_loop(p, from, to, m, a, x, l);				\
}
#define PAIRS_2(m, a, x)	PAIR(m, a, x, 1) PAIR(m, a, x, 2) PAIR(m, a, x, 3)
#define PAIRS_1(m, a)		PAIRS_2(m, a, 0) PAIRS_2(m, a, 1)
#define PAIRS(m)		PAIRS_1(m, 0) PAIRS_1(m, 1)
#define PAIR_NAMES_2(m, a, x)	{ pair_##m##_##a##_##x##_1,		\
				  pair_##m##_##a##_##x##_2,		\
				  pair_##m##_##a##_##x##_3 }
#define PAIR_NAMES_1(m, a)	{ PAIR_NAMES_2(m, a, 0), PAIR_NAMES_2(m, a, 1) }
#define PAIR_NAMES(m)		{ PAIR_NAMES_1(m, 0), PAIR_NAMES_1(m, 1) }

PAIRS(1) PAIRS(2) PAIRS(3) PAIRS(4)

static void pair(const struct gf256_pair *p, size_t from, size_t to)
{
	static void (*const pairs[GF256_TERMS][GF256_PAIR_FIRST + 1][2]
			   [GF256_PAIR_ADDS])(const struct gf256_pair *,
					      size_t, size_t) = {
		PAIR_NAMES(1), PAIR_NAMES(2), PAIR_NAMES(3), PAIR_NAMES(4),
	};
	const size_t whole = to - (to - from) % WIDTH;
	const struct gf256_row *row = &p->first;
	unsigned int i;

	pairs[row->muls - 1][row->adds][!!p->mul][p->adds - 1](p, from, whole);
	if (whole < to) {
		struct gf256_row rest = {
			.out = p->out, .adds = 1, .add = { row->out },
			.muls = !!p->mul, .mul = { p->mul }, .c = { p->c },
		};

		for (i = 0; i < p->adds; i++)
			rest.add[rest.adds++] = p->add[i];
		tail(row, whole, to);
		tail(&rest, whole, to);
	}
}

INLINE void stream_loop(const struct gf256_stream *s, size_t len,
			unsigned int m)
{
	u32 c[GF256_STREAM_INPUTS * GF256_STREAMS];
	vec v, acc[GF256_STREAMS];
	unsigned int i, j;
	size_t at;

	for (j = 0; j < s->k; j++)
		for (i = 0; i < m; i++)
			c[j * m + i] = s->coef[i * s->k + j] * 0x01010101U;
	for (at = 0; at < len; at += WIDTH) {
#pragma GCC unroll 8
		for (i = 0; i < m; i++)
			acc[i] = _mm512_setzero_si512();
		for (j = 0; j < s->k; j++) {
			v = load(s->in[j] + at);
			_mm_prefetch((const char *)s->in[j] + at + AHEAD,
				     _MM_HINT_T1);
#pragma GCC unroll 8
			for (i = 0; i < m; i++)
				acc[i] = sum(acc[i], _mm512_gf2p8mul_epi8(v,
					_mm512_set1_epi32(c[j * m + i])));
		}
#pragma GCC unroll 8
		for (i = 0; i < m; i++)
			_mm512_stream_si512((void *)(s->out[i] + at), acc[i]);
	}
	_mm_sfence();
}

#define STREAM(m)							\
static TARGET void stream_##m(const struct gf256_stream *s, size_t len)	\
{									\
	stream_loop(s, len, m);						\
}
STREAM(1) STREAM(2) STREAM(3) STREAM(4)
STREAM(5) STREAM(6) STREAM(7) STREAM(8)

static void stream(const struct gf256_stream *s, size_t len)
{
	static void (*const streams[])(const struct gf256_stream *, size_t) = {
		stream_1, stream_2, stream_3, stream_4,
		stream_5, stream_6, stream_7, stream_8,
	};

	streams[s->m - 1](s, len);
}

static bool valid(void)
{
	return simd_has(SIMD_AVX512 | SIMD_GFNI);
}

const struct gf256_variant gf256_avx512 = {
	.name		= "gfni-avx512",
	.priority	= 300,
	.valid		= valid,
	.row		= row,
	.pair		= pair,
	.stream		= stream,
};

#endif
