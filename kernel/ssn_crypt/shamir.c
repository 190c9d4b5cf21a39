// SPDX-License-Identifier: GPL-2.0
/*
 * Split and combine. Pure: builds unchanged in user space.
 *
 * The share at x is f(x) = s + a_1 x + ... + a_{k-1} x^{k-1}, where s is a
 * byte of the secret and each a_i is uniform, used once and wiped by the
 * caller. Any k - 1 shares are uniform whatever s is.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>
#include "gf256.h"
#include "shamir.h"

/**
 * shamir_check - whether a threshold and a number of shares are possible
 * @k:	shares that give the secret, 1..@n
 * @n:	shares dealt, 1..255
 *
 * Returns 0 or -EINVAL. k = 1 is possible here (each share is the secret);
 * whether it is allowed is policy.
 */
int shamir_check(unsigned int k, unsigned int n)
{
	return k && k <= n && n <= SHAMIR_MAX ? 0 : -EINVAL;
}

/**
 * shamir_check_points - whether evaluation points can be shares' points
 * @x:	points
 * @n:	how many
 *
 * Returns 0; -EINVAL when one is 0 (its share would be the secret) or there
 * are none or too many; -EEXIST when two are equal.
 */
int shamir_check_points(const u8 *x, unsigned int n)
{
	u64 seen[4] = {};
	unsigned int i;

	if (!n || n > SHAMIR_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (!x[i])
			return -EINVAL;
		if (seen[x[i] / 64] >> (x[i] % 64) & 1)
			return -EEXIST;
		seen[x[i] / 64] |= 1ULL << (x[i] % 64);
	}
	return 0;
}

/**
 * shamir_split_weights - weights that give a share from the secret and coefficients
 * @weight:	where they go, @k bytes: the secret's, then those of a_1 .. a_{k-1}
 * @k:		threshold, 1..255
 * @x:		the share's point, not 0
 *
 * For gf256_mix(), with the secret in front of the coefficients.
 *
 * Any context. Returns 0, or -EINVAL with @weight untouched.
 */
int shamir_split_weights(u8 *weight, unsigned int k, u8 x)
{
	unsigned int i;
	u8 power = 1;

	if (!x || !k || k > SHAMIR_MAX)
		return -EINVAL;
	for (i = 0; i < k; i++) {
		weight[i] = power;
		power = gf256_mul(power, x);
	}
	return 0;
}

/* Of f at different points @x, the value at @x0. One of them may be 0. */
static void lagrange(u8 *weight, const u8 *x, unsigned int k, u8 x0)
{
	unsigned int i, j;

	for (i = 0; i < k; i++) {
		u8 num = 1, den = 1;

		for (j = 0; j < k; j++) {
			if (j == i)
				continue;
			num = gf256_mul(num, x0 ^ x[j]);
			den = gf256_mul(den, x[i] ^ x[j]);
		}
		weight[i] = gf256_mul(num, gf256_inv(den));
	}
}

/**
 * shamir_weights - Lagrange weights that give f(x0) from f at @k points
 * @weight:	where they go, @k bytes
 * @x:		points, not 0, all different
 * @k:		how many, 1..255
 * @x0:		where f is wanted: 0 for the secret, else a lost share's point
 *
 * Any context. Returns 0, or the error of shamir_check_points().
 */
int shamir_weights(u8 *weight, const u8 *x, unsigned int k, u8 x0)
{
	int err = shamir_check_points(x, k);

	if (!err)
		lagrange(weight, x, k, x0);
	return err;
}

/**
 * shamir_fill_weights - weights that give a share from the secret and k - 1 others
 * @weight:	where they go, @k bytes: the secret's, then those of the shares
 * @x:		points of the @k - 1 shares that were chosen freely; may be NULL
 *		when @k is 1
 * @k:		threshold, 1..255
 * @x0:		point of the share that is wanted, not 0
 *
 * k - 1 shares and the secret are k points of f: they may be any bytes, and if
 * they are uniform so is f (pad-as-share). For gf256_mix(), with the secret in front
 * of the shares.
 *
 * Any context. Returns 0, or the error of shamir_check_points().
 */
int shamir_fill_weights(u8 *weight, const u8 *x, unsigned int k, u8 x0)
{
	u8 points[SHAMIR_MAX] = {};
	int err = shamir_check_points(&x0, 1);

	if (!k || k > SHAMIR_MAX)
		return -EINVAL;
	if (!err && k > 1)
		err = shamir_check_points(x, k - 1);
	if (err)
		return err;
	if (k > 1)
		memcpy(points + 1, x, k - 1);
	lagrange(weight, points, k, x0);
	return 0;
}

/**
 * shamir_combine - f(x0) from @k shares and the weights for x0
 * @dst:	where it goes, @len bytes; overlaps none of the shares
 * @share:	shares, @len bytes each, in the order of the weights
 * @weight:	of shamir_weights()
 * @k:		how many
 * @len:	bytes
 *
 * Any context. Whether the shares belong together is the caller's to know: any
 * @k shares combine to something.
 */
void shamir_combine(u8 *dst, const u8 *const *share, const u8 *weight,
		    unsigned int k, size_t len)
{
	gf256_dot(dst, weight, share, k, len);
}
