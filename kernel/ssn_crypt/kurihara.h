/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The (k, n) threshold scheme that needs only XOR (J. Kurihara, S. Kiyomoto,
 * K. Fukushima, T. Tanaka, "A new (k, n)-threshold secret sharing scheme and its
 * extension", ISC 2008).
 */
#ifndef _SSN_KURIHARA_H
#define _SSN_KURIHARA_H

#include <linux/types.h>

#define KURIHARA_P	17	/* the prime; a piece is cut into one block less */
#define KURIHARA_MAX	KURIHARA_P	/* shares */

/* Bytes of what kurihara_weights() makes, and of what it needs meanwhile */
#define KURIHARA_WEIGHTS(k)	(((KURIHARA_P - 1) * 2 + 1) * (k))
#define KURIHARA_SCRATCH(k)	((size_t)(KURIHARA_P - 1) * (k) * 88)

int kurihara_check(unsigned int k, unsigned int n);
int kurihara_check_points(const u8 *x, unsigned int n);
size_t kurihara_coeff_bytes(unsigned int p, unsigned int k, size_t len);
int kurihara_split(unsigned int p, u8 *share, const u8 *secret,
		   const u8 *coeff, unsigned int k, u8 x, size_t len);
int kurihara_weights(unsigned int p, u8 *weight, const u8 *x, unsigned int k,
		     void *scratch);
void kurihara_combine(unsigned int p, u8 *dst, const u8 *const *share,
		      const u8 *weight, unsigned int k, size_t len);

#endif /* _SSN_KURIHARA_H */
