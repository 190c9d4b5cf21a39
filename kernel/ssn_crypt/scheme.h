/* SPDX-License-Identifier: GPL-2.0 */
/* Secret sharing schemes behind one table (Y.3808 clause 7). */
#ifndef _SSN_SCHEME_H
#define _SSN_SCHEME_H

#include <linux/types.h>

struct gf256_matrix;

/**
 * struct ssn_scheme_ops - one secret sharing scheme
 * @id:		enum ssn_scheme
 * @name:	for people
 * @coeffs:	buffers of uniform bytes that a split with threshold k needs,
 *		each as long as the secret
 * @check:	0, or why there is no (k, n) of this scheme
 * @check_points: 0, or why shares cannot be at these points
 * @split_weights: what @mix needs to give the share at a point from the secret
 *	and the coefficients; k bytes
 * @weights:	what @combine needs for these points; k bytes
 * @fill_weights: what @mix needs to give the share at a point from the secret
 *	and k - 1 shares that were chosen freely (pad-as-share); NULL if they
 *	cannot be
 * @ready:	makes the weights of several shares ready for @mix, once for all
 *	bytes: k for each, and one more byte
 * @mix:	gives several shares at once
 * @combine:	gives the secret from k shares
 *
 * Lengths are in bytes; all take any length. Any context.
 */
struct ssn_scheme_ops {
	u8		id;
	const char	*name;
	unsigned int	(*coeffs)(unsigned int k);
	int		(*check)(unsigned int k, unsigned int n);
	int		(*check_points)(const u8 *x, unsigned int n);
	int		(*split_weights)(u8 *weight, unsigned int k, u8 x);
	int		(*weights)(u8 *weight, const u8 *x, unsigned int k,
				   u8 x0);
	int		(*fill_weights)(u8 *weight, const u8 *x,
					unsigned int k, u8 x0);
	void		(*ready)(struct gf256_matrix *a, u8 *weight, u8 *base,
				 unsigned int m, unsigned int k);
	void		(*mix)(u8 *const *out, const struct gf256_matrix *a,
			       const u8 *const *in, size_t len);
	void		(*combine)(u8 *dst, const u8 *const *share,
				   const u8 *weight, unsigned int k,
				   size_t len);
};

const struct ssn_scheme_ops *ssn_scheme_find(unsigned int id);

#endif /* _SSN_SCHEME_H */
