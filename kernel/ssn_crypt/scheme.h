/* SPDX-License-Identifier: GPL-2.0 */
/* Secret sharing schemes behind one table (Y.3808 clause 7). */
#ifndef _SSN_SCHEME_H
#define _SSN_SCHEME_H

#include <linux/types.h>

struct gf256_matrix;

/**
 * struct ssn_scheme_ops - one secret sharing scheme
 * @id:		enum ssn_scheme
 * @name:	in configurations and for people
 * @limits:	what @check and @check_points ask for, for people
 * @coeff_bytes: uniform bytes that splitting so many takes with threshold k
 * @check:	0, or why there is no (k, n) of this scheme
 * @check_points: 0, or why shares cannot be at these points
 * @split_weights: what @mix needs to give the share at a point from the secret
 *	and the coefficients; k bytes
 * @fill_weights: what @mix needs to give the share at a point from the secret
 *	and k - 1 shares that were chosen freely (pad-as-share); NULL if they
 *	cannot be
 * @ready:	makes the weights of several shares ready for @mix, once for all
 *	bytes: k for each, and one more byte
 * @mix:	gives several shares at once from in[0], the secret, and in[1] to
 *	in[k - 1]: the coefficients, of which in[i] begins (i - 1) * len bytes
 *	behind in[1], or, with @fill_weights, the shares that were chosen
 * @weight_bytes: room that @weights needs, aligned as malloc() does
 * @weights:	what @combine needs for these points
 * @combine:	gives the secret from k shares
 *
 * Lengths are in bytes; all take any length. A scheme may share every SSN_PIECE of
 * what it is given by itself: whoever comes with part of a message begins at a
 * multiple of that. Any context.
 */
struct ssn_scheme_ops {
	u8		id;
	const char	*name;
	const char	*limits;
	size_t		(*coeff_bytes)(unsigned int k, size_t len);
	int		(*check)(unsigned int k, unsigned int n);
	int		(*check_points)(const u8 *x, unsigned int n);
	int		(*split_weights)(u8 *weight, unsigned int k, u8 x);
	int		(*fill_weights)(u8 *weight, const u8 *x,
					unsigned int k, u8 x0);
	void		(*ready)(struct gf256_matrix *a, u8 *weight, u8 *base,
				 unsigned int m, unsigned int k);
	void		(*mix)(u8 *const *out, const struct gf256_matrix *a,
			       const u8 *const *in, size_t len);
	size_t		(*weight_bytes)(unsigned int k);
	int		(*weights)(u8 *weight, const u8 *x, unsigned int k);
	void		(*combine)(u8 *dst, const u8 *const *share,
				   const u8 *weight, unsigned int k,
				   size_t len);
};

const struct ssn_scheme_ops *ssn_scheme_find(unsigned int id);

#endif /* _SSN_SCHEME_H */
