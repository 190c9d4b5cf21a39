// SPDX-License-Identifier: GPL-2.0
/*
 * GF(2^8)/0x11b: eight bytes at a time in a 64-bit word, one shift-and-add
 * step per bit of the constant. Pure: builds unchanged in user space.
 */
#include <linux/string.h>
#include <linux/types.h>
#include "gf256.h"

#define LOW7	0x7f7f7f7f7f7f7f7fULL
#define ONES	0x0101010101010101ULL

/* Each byte times x: the bit that falls out comes back as 0x1b */
static inline u64 times_x(u64 v)
{
	return ((v & LOW7) << 1) ^ (((v >> 7) & ONES) * 0x1b);
}

/* Each byte times c */
static inline u64 times(u64 v, u8 c)
{
	u64 r = 0;

	/* c is public: stopping at its highest bit tells nothing */
	for (; c; c >>= 1) {
		r ^= v & -(u64)(c & 1);
		v = times_x(v);
	}
	return r;
}

static inline u64 load(const u8 *p, size_t len)
{
	u64 v = 0;

	memcpy(&v, p, len);
	return v;
}

static void scalar_mac(u8 *dst, const u8 *src, size_t len, u8 c)
{
	u64 v;

	for (; len >= 8; len -= 8, dst += 8, src += 8) {
		v = load(dst, 8) ^ times(load(src, 8), c);
		memcpy(dst, &v, 8);
	}
	if (len) {
		v = load(dst, len) ^ times(load(src, len), c);
		memcpy(dst, &v, len);
	}
}

static void scalar_horner(u8 *dst, const u8 *src, size_t len, u8 c)
{
	u64 v;

	for (; len >= 8; len -= 8, dst += 8, src += 8) {
		v = times(load(dst, 8), c) ^ load(src, 8);
		memcpy(dst, &v, 8);
	}
	if (len) {
		v = times(load(dst, len), c) ^ load(src, len);
		memcpy(dst, &v, len);
	}
}

static const struct gf256_variant scalar = {
	.name		= "scalar64",
	.priority	= 0,
	.mac		= scalar_mac,
	.horner		= scalar_horner,
};

const struct gf256_variant *const gf256_variants[] = {
	&scalar,
	NULL
};

/**
 * gf256_best - the fastest variant that this machine can run
 *
 * Any context. Never NULL: the scalar one is always valid.
 */
const struct gf256_variant *gf256_best(void)
{
	const struct gf256_variant *best = &scalar;
	const struct gf256_variant *const *v;

	for (v = gf256_variants; *v; v++)
		if ((!(*v)->valid || (*v)->valid()) &&
		    (*v)->priority > best->priority)
			best = *v;
	return best;
}

/**
 * gf256_mul - product of two elements, in constant time
 * @a:	element
 * @b:	element
 */
u8 gf256_mul(u8 a, u8 b)
{
	unsigned int p = 0, v = a;
	int i;

	for (i = 0; i < 8; i++) {
		p ^= v & -((b >> i) & 1U);
		v = (v << 1) ^ (0x11b & -(v >> 7));
	}
	return p;
}

/**
 * gf256_inv - multiplicative inverse, in constant time
 * @a:	element
 *
 * a^254 by a fixed chain. Returns 0 for 0, which has no inverse: callers
 * refuse it before (equal evaluation points).
 */
u8 gf256_inv(u8 a)
{
	u8 a2 = gf256_mul(a, a);
	u8 a3 = gf256_mul(a2, a);
	u8 a6 = gf256_mul(a3, a3);
	u8 a12 = gf256_mul(a6, a6);
	u8 a15 = gf256_mul(a12, a3);
	u8 a30 = gf256_mul(a15, a15);
	u8 a60 = gf256_mul(a30, a30);
	u8 a120 = gf256_mul(a60, a60);
	u8 a126 = gf256_mul(a120, a6);
	u8 a127 = gf256_mul(a126, a);

	return gf256_mul(a127, a127);
}

/**
 * gf256_mac - dst[i] ^= c * src[i]
 * @dst:	buffer, @len bytes
 * @src:	buffer, @len bytes; the same as @dst or not overlapping it
 * @len:	bytes, any number
 * @c:		public constant
 *
 * Any context.
 */
void gf256_mac(u8 *dst, const u8 *src, size_t len, u8 c)
{
	scalar_mac(dst, src, len, c);
}

/**
 * gf256_horner - dst[i] = c * dst[i] ^ src[i]
 * @dst:	buffer, @len bytes
 * @src:	buffer, @len bytes; the same as @dst or not overlapping it
 * @len:	bytes, any number
 * @c:		public constant
 *
 * Any context.
 */
void gf256_horner(u8 *dst, const u8 *src, size_t len, u8 c)
{
	scalar_horner(dst, src, len, c);
}
