// SPDX-License-Identifier: GPL-2.0
/*
 * The AMD code's inner loop with PCLMULQDQ, for user space on x86-64. Eight
 * blocks share one reduction: acc r^8 + b_1 r^8 + b_2 r^7 + ... + b_8 r.
 */
#if defined(__x86_64__) && !defined(__KERNEL__)

#include <immintrin.h>
#include <linux/string.h>
#include <linux/types.h>
#include "amd.h"

#define CLMUL	__attribute__((target("pclmul,sse4.1")))
#define LANES	8

static bool clmul_valid(void)
{
	return __builtin_cpu_supports("pclmul") &&
	       __builtin_cpu_supports("sse4.1");
}

/* A product before its reduction: low + mid x^64 + high x^128 */
struct product {
	__m128i low, mid, high;
};

CLMUL static inline void product_add(struct product *p, __m128i a, __m128i b)
{
	p->low = _mm_xor_si128(p->low, _mm_clmulepi64_si128(a, b, 0x00));
	p->high = _mm_xor_si128(p->high, _mm_clmulepi64_si128(a, b, 0x11));
	p->mid = _mm_xor_si128(p->mid, _mm_clmulepi64_si128(a, b, 0x01));
	p->mid = _mm_xor_si128(p->mid, _mm_clmulepi64_si128(a, b, 0x10));
}

CLMUL static inline __m128i reduce(const struct product *p)
{
	const __m128i poly = _mm_set_epi64x(0, 0x87);
	__m128i low, high, t;

	low = _mm_xor_si128(p->low, _mm_slli_si128(p->mid, 8));
	high = _mm_xor_si128(p->high, _mm_srli_si128(p->mid, 8));

	/* the top word times x^7 + x^2 + x + 1, at x^64; then the next one */
	t = _mm_clmulepi64_si128(high, poly, 0x01);
	low = _mm_xor_si128(low, _mm_slli_si128(t, 8));
	high = _mm_xor_si128(high, _mm_srli_si128(t, 8));
	t = _mm_clmulepi64_si128(high, poly, 0x00);
	return _mm_xor_si128(low, t);
}

CLMUL static inline __m128i mul(__m128i a, __m128i b)
{
	struct product p = {};

	product_add(&p, a, b);
	return reduce(&p);
}

CLMUL static void clmul_blocks(struct amd_elem *acc, const struct amd_key *key,
			       const u8 *data, size_t n)
{
	__m128i power[LANES], a;
	int i;

	a = _mm_loadu_si128((const void *)acc->word);
	power[LANES - 1] = _mm_loadu_si128((const void *)key->r.word);

	if (n >= LANES)
		for (i = LANES - 1; i > 0; i--)
			power[i - 1] = mul(power[i], power[LANES - 1]);
	for (; n >= LANES; n -= LANES, data += LANES * AMD_BLOCK) {
		const __m128i *b = (const void *)data;
		struct product p = {};

		a = _mm_xor_si128(a, _mm_loadu_si128(b));
		product_add(&p, a, power[0]);
		for (i = 1; i < LANES; i++)
			product_add(&p, _mm_loadu_si128(b + i), power[i]);
		a = reduce(&p);
	}
	for (; n; n--, data += AMD_BLOCK) {
		a = _mm_xor_si128(a, _mm_loadu_si128((const void *)data));
		a = mul(a, power[LANES - 1]);
	}
	_mm_storeu_si128((void *)acc->word, a);
	memzero_explicit(power, sizeof(power));
}

const struct amd_variant amd_clmul = {
	.name		= "pclmul",
	.priority	= 100,
	.valid		= clmul_valid,
	.blocks		= clmul_blocks,
};

#endif
