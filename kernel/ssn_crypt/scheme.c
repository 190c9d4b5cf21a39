// SPDX-License-Identifier: GPL-2.0
/* The table of secret sharing schemes. Pure: builds unchanged in user space. */
#include <linux/errno.h>
#include <linux/ssn.h>
#include <linux/string.h>
#include <linux/types.h>
#include "gf256.h"
#include "kurihara.h"
#include "scheme.h"
#include "shamir.h"

/* ---- Shamir's scheme: byte by byte, so pieces do not matter ---- */

static size_t shamir_coeff_bytes(unsigned int k, size_t len)
{
	return (k - 1) * len;
}

static size_t shamir_weight_bytes(unsigned int k)
{
	return k;
}

static int shamir_secret_weights(u8 *weight, const u8 *x, unsigned int k)
{
	return shamir_weights(weight, x, k, 0);
}

/* ---- The XOR scheme: a piece is 16 blocks, and behind them Shamir's ---- */

static size_t xor_coeff_bytes(unsigned int k, size_t len)
{
	return len / SSN_PIECE *
	       kurihara_coeff_bytes(KURIHARA_P, k, SSN_PIECE) +
	       kurihara_coeff_bytes(KURIHARA_P, k, len % SSN_PIECE);
}

/* A share's weights are only where it is: the point, in the first of k bytes */
static int xor_split_weights(u8 *weight, unsigned int k, u8 x)
{
	if (k < 2 || k > KURIHARA_MAX || kurihara_check_points(&x, 1))
		return -EINVAL;
	memset(weight, 0, k);
	weight[0] = x;
	return 0;
}

static void xor_ready(struct gf256_matrix *a, u8 *weight, u8 *base,
		      unsigned int m, unsigned int k)
{
	a->m = m;
	a->k = k;
	a->coef = weight;
	a->base = base;
}

static void xor_mix(u8 *const *out, const struct gf256_matrix *a,
		    const u8 *const *in, size_t len)
{
	const u8 *coeff = in[1];
	size_t off, part;
	unsigned int i;

	for (off = 0; off < len; off += part) {
		part = len - off < SSN_PIECE ? len - off : SSN_PIECE;
		for (i = 0; i < a->m; i++)
			kurihara_split(KURIHARA_P, out[i] + off, in[0] + off,
				       coeff, a->k, a->coef[i * a->k], part);
		coeff += kurihara_coeff_bytes(KURIHARA_P, a->k, part);
	}
}

/* What solving takes comes first: it wants to be aligned */
static size_t xor_weight_bytes(unsigned int k)
{
	return KURIHARA_SCRATCH(k) + KURIHARA_WEIGHTS(k);
}

static int xor_weights(u8 *weight, const u8 *x, unsigned int k)
{
	return kurihara_weights(KURIHARA_P, weight + KURIHARA_SCRATCH(k), x, k,
				weight);
}

static void xor_combine(u8 *dst, const u8 *const *share, const u8 *weight,
			unsigned int k, size_t len)
{
	const u8 *at[KURIHARA_MAX];
	size_t off, part;
	unsigned int i;

	weight += KURIHARA_SCRATCH(k);
	for (off = 0; off < len; off += part) {
		part = len - off < SSN_PIECE ? len - off : SSN_PIECE;
		for (i = 0; i < k; i++)
			at[i] = share[i] + off;
		kurihara_combine(KURIHARA_P, dst + off, at, weight, k, part);
	}
}

static const struct ssn_scheme_ops schemes[] = {
	{
		.id		= SSN_SCHEME_SHAMIR,
		.name		= "shamir",
		.limits		= "the scheme shamir wants 1 <= k <= n <= 255, and all x different and from 1 to 255",
		.coeff_bytes	= shamir_coeff_bytes,
		.check		= shamir_check,
		.check_points	= shamir_check_points,
		.split_weights	= shamir_split_weights,
		.fill_weights	= shamir_fill_weights,
		.ready		= gf256_matrix_init,
		.mix		= gf256_mix,
		.weight_bytes	= shamir_weight_bytes,
		.weights	= shamir_secret_weights,
		.combine	= shamir_combine,
	},
	{
		.id		= SSN_SCHEME_XOR,
		.name		= "xor",
		.limits		= "the scheme xor wants 2 <= k <= n <= 17, and all x different and from 1 to 17",
		.coeff_bytes	= xor_coeff_bytes,
		.check		= kurihara_check,
		.check_points	= kurihara_check_points,
		.split_weights	= xor_split_weights,
		.ready		= xor_ready,
		.mix		= xor_mix,
		.weight_bytes	= xor_weight_bytes,
		.weights	= xor_weights,
		.combine	= xor_combine,
	},
};

/**
 * ssn_scheme_find - a scheme by its number
 * @id:	enum ssn_scheme
 *
 * Any context. Returns NULL when there is none of that number.
 */
const struct ssn_scheme_ops *ssn_scheme_find(unsigned int id)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].id == id)
			return &schemes[i];
	return NULL;
}
