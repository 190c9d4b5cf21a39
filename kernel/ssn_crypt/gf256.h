/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1 (0x11b), over buffers.
 *
 * Buffers are secret, constants (evaluation points and Lagrange weights) are
 * public: no address and no branch depends on a buffer's bytes.
 */
#ifndef _SSN_GF256_H
#define _SSN_GF256_H

#include <linux/types.h>

/**
 * struct gf256_variant - one implementation of the buffer operations
 * @name:	for statistics and tests
 * @priority:	the valid one with the highest priority is used
 * @valid:	whether this machine can run it; NULL means always
 * @mac:	dst[i] ^= c * src[i]
 * @horner:	dst[i] = c * dst[i] ^ src[i]
 *
 * Any length including 0, any alignment; dst and src are the same buffer or do
 * not overlap. In the kernel a variant that uses vector registers is called
 * inside kernel_fpu_begin() by its caller.
 */
struct gf256_variant {
	const char	*name;
	int		priority;
	bool		(*valid)(void);
	void		(*mac)(u8 *dst, const u8 *src, size_t len, u8 c);
	void		(*horner)(u8 *dst, const u8 *src, size_t len, u8 c);
};

/* All that were built in; ends with NULL. The first is the scalar one. */
extern const struct gf256_variant *const gf256_variants[];

const struct gf256_variant *gf256_best(void);

u8 gf256_mul(u8 a, u8 b);
u8 gf256_inv(u8 a);
void gf256_mac(u8 *dst, const u8 *src, size_t len, u8 c);
void gf256_horner(u8 *dst, const u8 *src, size_t len, u8 c);

#endif /* _SSN_GF256_H */
