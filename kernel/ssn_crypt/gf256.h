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

#define GF256_TERMS	4U	/* of each kind, in one go over a buffer */

/**
 * struct gf256_row - one output as a sum: out = c[0] mul[0] + ... + add[0] + ...
 * @out:	where it goes; the same as one of the others or apart from all
 * @mul:	buffers that are multiplied
 * @add:	buffers that are added as they are
 * @c:		constants that @mul are multiplied by
 * @muls:	how many, at most GF256_TERMS
 * @adds:	how many, at most GF256_TERMS
 */
struct gf256_row {
	u8		*out;
	const u8	*mul[GF256_TERMS];
	const u8	*add[GF256_TERMS];
	u8		c[GF256_TERMS];
	u8		muls;
	u8		adds;
};

#define GF256_PAIR_FIRST	1U	/* terms of the first that are added */
#define GF256_PAIR_ADDS		3U	/* and of the second */

/**
 * struct gf256_pair - two outputs, the second made of the first in its register
 * @first:	the first, with at least one product, at most GF256_PAIR_FIRST
 *		other term
 * @out:	where the second goes; apart from all others
 * @mul:	a buffer that is multiplied by @c and added, or NULL
 * @add:	buffers that are added as they are
 * @c:		constant
 * @adds:	how many, 1..GF256_PAIR_ADDS
 */
struct gf256_pair {
	struct gf256_row	first;
	u8			*out;
	const u8		*mul;
	const u8		*add[GF256_PAIR_ADDS];
	u8			c;
	u8			adds;
};

/**
 * struct gf256_stream - some outputs at once, past the cache
 * @out:	where they go, each 64 bytes aligned; overlap nothing
 * @in:		inputs
 * @coef:	@m rows of @k
 * @m:		outputs, at most GF256_STREAMS
 * @k:		inputs, at most GF256_STREAM_INPUTS
 */
struct gf256_stream {
	u8		*const *out;
	const u8	*const *in;
	const u8	*coef;
	unsigned int	m;
	unsigned int	k;
};

#define GF256_STREAMS		8U
#define GF256_STREAM_INPUTS	16U

/**
 * struct gf256_variant - one implementation of the buffer operations
 * @name:	for statistics and tests
 * @priority:	the valid one with the highest priority is used
 * @valid:	whether this machine can run it; NULL means always
 * @row:	bytes @from up to @to of one output
 * @pair:	bytes @from up to @to of two outputs; NULL if it has none
 * @stream:	bytes 0 up to @len, a multiple of 64, of several outputs, by stores
 *		that pass the cache by; NULL if it has none
 *
 * Any length including 0, any alignment. In the kernel a variant that uses
 * vector registers is called between simd_begin() and simd_end().
 */
struct gf256_variant {
	const char	*name;
	int		priority;
	bool		(*valid)(void);
	void		(*row)(const struct gf256_row *row, size_t from,
			       size_t to);
	void		(*pair)(const struct gf256_pair *pair, size_t from,
				size_t to);
	void		(*stream)(const struct gf256_stream *s, size_t len);
};

/* All that were built in; ends with NULL. The first is the scalar one. */
extern const struct gf256_variant *const gf256_variants[];

/**
 * struct gf256_matrix - a linear map of buffers, made ready for use
 * @m:		outputs, 1..255
 * @k:		inputs, 1..255
 * @coef:	@m rows of @k: what is left of a row without its base
 * @base:	of each row: 0, or 1 + the number of an earlier one that it is a
 *		sum of @coef and
 *
 * Rows that differ in little are made of one another: of the shares at the points
 * 4 and 5 of a polynomial of degree 2, the second costs no multiplication more.
 */
struct gf256_matrix {
	unsigned int	m;
	unsigned int	k;
	u8		*coef;
	u8		*base;
};

const struct gf256_variant *gf256_best(void);

u8 gf256_mul(u8 a, u8 b);
u8 gf256_inv(u8 a);
void gf256_matrix_init(struct gf256_matrix *a, u8 *coef, u8 *base,
		       unsigned int m, unsigned int k);
void gf256_mix(u8 *const *out, const struct gf256_matrix *a,
	       const u8 *const *in, size_t len);
void gf256_dot(u8 *out, const u8 *coef, const u8 *const *in, unsigned int k,
	       size_t len);
void gf256_scalar_row(const struct gf256_row *row, size_t from, size_t to);

#endif /* _SSN_GF256_H */
