// SPDX-License-Identifier: GPL-2.0
/* The table of secret sharing schemes. */
#include <linux/ssn.h>
#include <linux/string.h>
#include <linux/types.h>
#include "gf256.h"
#include "scheme.h"
#include "shamir.h"

static unsigned int shamir_coeffs(unsigned int k)
{
	return k - 1;
}

static const struct ssn_scheme_ops schemes[] = {
	{
		.id		= SSN_SCHEME_SHAMIR,
		.name		= "shamir",
		.coeffs		= shamir_coeffs,
		.check		= shamir_check,
		.check_points	= shamir_check_points,
		.split_weights	= shamir_split_weights,
		.weights	= shamir_weights,
		.fill_weights	= shamir_fill_weights,
		.ready		= gf256_matrix_init,
		.mix		= gf256_mix,
		.combine	= shamir_combine,
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
