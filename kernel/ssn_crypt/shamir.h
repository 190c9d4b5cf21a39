/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shamir's (k, n) threshold scheme over GF(2^8), byte by byte (A. Shamir, "How
 * to share a secret", CACM 22 (1979); Y.3808 clause 7).
 */
#ifndef _SSN_SHAMIR_H
#define _SSN_SHAMIR_H

#include <linux/types.h>

#define SHAMIR_MAX	255	/* shares: the non-zero elements of the field */

int shamir_check(unsigned int k, unsigned int n);
int shamir_check_points(const u8 *x, unsigned int n);
int shamir_split_weights(u8 *weight, unsigned int k, u8 x);
int shamir_weights(u8 *weight, const u8 *x, unsigned int k, u8 x0);
int shamir_fill_weights(u8 *weight, const u8 *x, unsigned int k, u8 x0);
void shamir_combine(u8 *dst, const u8 *const *share, const u8 *weight,
		    unsigned int k, size_t len);

#endif /* _SSN_SHAMIR_H */
