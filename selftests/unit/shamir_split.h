/* SPDX-License-Identifier: GPL-2.0 */
/* One share of a secret, for tests that want to choose the coefficients. */
#ifndef SELFTESTS_SHAMIR_SPLIT_H
#define SELFTESTS_SHAMIR_SPLIT_H

#include <linux/errno.h>
#include <linux/types.h>
#include "gf256.h"
#include "shamir.h"

/*
 * The share at @x of @secret with the coefficients @coeff, a_1 .. a_{k-1}.
 * Returns 0, or -EINVAL with @share untouched.
 */
static __attribute__((__noinline__, __unused__))
int shamir_split(u8 *share, const u8 *secret, const u8 *const *coeff,
		 unsigned int k, u8 x, size_t len)
{
	static const u8 *in[SHAMIR_MAX];
	static u8 weight[SHAMIR_MAX];
	unsigned int i;

	if (shamir_split_weights(weight, k, x))
		return -EINVAL;
	in[0] = secret;
	for (i = 1; i < k; i++)
		in[i] = coeff[i - 1];
	gf256_dot(share, weight, in, k, len);
	return 0;
}

#endif
