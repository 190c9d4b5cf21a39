/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The right secret from shares of which some lie.
 *
 * Any k shares are consistent, so only the secret's own code (AMD) can tell a
 * right one. Subsets of k are tried until one verifies. With m shares m - k liars
 * are tolerated.
 *
 * Who lied is another question: two liars can choose errors that cancel in a
 * subset, so that it gives the right secret from a wrong polynomial, on which
 * honest shares do not lie. Whoever has at least k honest shares has the right
 * polynomial among those that verify; so a share that is on none of them is a
 * lie. With at most k - 1 liars, who share at most k - 2 honest points with a
 * wrong polynomial (it meets the right one at 0 already), one with 2k - 2 shares on
 * it is the right one. Nobody else is named, and nobody at all in a scheme without
 * polynomials.
 */
#ifndef SSAD_SOLVE_H
#define SSAD_SOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssn_scheme_ops;

#define SOLVE_TRIES	100000	/* subsets tried before giving up */

/* Is this the secret that was dealt? 0: yes. */
typedef int solve_check(const uint8_t *secret, size_t len, void *arg);

/**
 * solve - combine, tolerating liars
 * @ops:	the scheme
 * @share:	@m shares of @len bytes
 * @x:		their points
 * @m:		how many, @k..255
 * @k:		threshold
 * @len:	bytes of a share and of the secret
 * @secret:	where it goes
 * @right:	@m entries: shares that agree with the subset that gave the secret
 * @liar:	@m entries: shares that are certainly wrong
 * @check:	tells the right secret
 * @arg:	for @check
 *
 * Returns the number of subsets tried; -EBADMSG when none verifies; -EINVAL for
 * points or counts that are impossible; -ENOMEM.
 */
int solve(const struct ssn_scheme_ops *ops, const uint8_t *const *share,
	  const uint8_t *x, unsigned int m, unsigned int k, size_t len,
	  uint8_t *secret, bool *right, bool *liar, solve_check *check, void *arg);

#endif
