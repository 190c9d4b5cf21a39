// SPDX-License-Identifier: GPL-2.0
#include "solve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scheme.h"
#include "shamir.h"

#define SOLVE_TILE	65536	/* bytes compared at a time: whole pieces */

struct subset {
	const uint8_t *share[SHAMIR_MAX];
	uint8_t x[SHAMIR_MAX];
	unsigned int at[SHAMIR_MAX];	/* rising indices */
	uint8_t *weight;
};

/* The next subset of k of m in lexicographic order; false after the last. */
static bool subset_next(unsigned int *at, unsigned int m, unsigned int k)
{
	unsigned int i = k;

	while (i && at[i - 1] == m - k + i - 1)
		i--;
	if (!i)
		return false;
	at[i - 1]++;
	for (; i < k; i++)
		at[i] = at[i - 1] + 1;
	return true;
}

static void subset_take(struct subset *s, const uint8_t *const *share,
			const uint8_t *x, unsigned int k)
{
	unsigned int i;

	for (i = 0; i < k; i++) {
		s->share[i] = share[s->at[i]];
		s->x[i] = x[s->at[i]];
	}
}

/* ---- schemes of polynomials: k shares have the value at every other point */

/*
 * Where shares are off one polynomial that verified. Everywhere else all are on
 * it, and so on the polynomial of any subset: only these bytes tell who lied.
 */
#define SPOTS		1024	/* noted of one share */

struct spots {
	unsigned int m, k;
	size_t count;
	uint8_t *secret;		/* @count bytes */
	uint8_t *share[SHAMIR_MAX];	/* the same bytes of each share */
	uint8_t *tile;			/* @count bytes */
};

/* Note where @share is off what the subset has at @x0. */
static size_t spots_find(struct subset *s, unsigned int k, const uint8_t *share,
			 uint8_t x0, size_t len, uint8_t *tile, size_t *at)
{
	const uint8_t *part[SHAMIR_MAX];
	size_t pos, n, i, found = 0;
	unsigned int j;

	shamir_weights(s->weight, s->x, k, x0);
	for (pos = 0; pos < len && found < SPOTS; pos += n) {
		n = len - pos < SOLVE_TILE ? len - pos : SOLVE_TILE;
		for (j = 0; j < k; j++)
			part[j] = s->share[j] + pos;
		shamir_combine(tile, part, s->weight, k, n);
		if (!memcmp(tile, share + pos, n))
			continue;
		for (i = 0; i < n && found < SPOTS; i++)
			if (tile[i] != share[pos + i])
				at[found++] = pos + i;
	}
	return found;
}

/* The subset's polynomial at the spots: does it verify, and who is on it? */
static unsigned int spots_on(struct spots *sp, struct subset *s, const uint8_t *x,
			     bool *on)
{
	unsigned int i, count = 0;

	subset_take(s, (const uint8_t *const *)sp->share, x, sp->k);
	shamir_weights(s->weight, s->x, sp->k, 0);
	shamir_combine(sp->tile, s->share, s->weight, sp->k, sp->count);
	if (memcmp(sp->tile, sp->secret, sp->count))
		return 0;
	for (i = 0; i < sp->m; i++) {
		shamir_weights(s->weight, s->x, sp->k, x[i]);
		shamir_combine(sp->tile, s->share, s->weight, sp->k, sp->count);
		on[i] = !memcmp(sp->tile, sp->share[i], sp->count);
		count += on[i];
	}
	return count;
}

/* Shares that are on no polynomial that verifies. */
static void spots_name(struct spots *sp, struct subset *s, const uint8_t *x,
		       bool *liar)
{
	unsigned int i, count, tries = 0;
	bool on[SHAMIR_MAX];

	for (i = 0; i < sp->m; i++)
		liar[i] = true;
	for (i = 0; i < sp->k; i++)
		s->at[i] = i;
	do {
		count = spots_on(sp, s, x, on);
		for (i = 0; i < sp->m; i++)
			if (count >= 2 * sp->k - 2 && count > sp->k)
				liar[i] = !on[i];
			else if (count)
				liar[i] &= !on[i];
		if (count >= 2 * sp->k - 2 && count > sp->k)
			return;
		if (++tries == SOLVE_TRIES) {	/* not all were seen: name none */
			memset(liar, 0, sp->m * sizeof(*liar));
			return;
		}
	} while (subset_next(s->at, sp->m, sp->k));
}

static int solve_liars(const uint8_t *const *share, const uint8_t *x,
		       unsigned int m, unsigned int k, size_t len,
		       const uint8_t *secret, struct subset *s, uint8_t *tile,
		       bool *right, bool *liar)
{
	struct spots sp = { .m = m, .k = k };
	size_t *at = calloc((size_t)m * SPOTS, sizeof(*at)), found, j;
	uint8_t *bytes = NULL;
	unsigned int i;

	if (!at)
		return -ENOMEM;
	for (i = 0; i < m; i++) {
		found = spots_find(s, k, share[i], x[i], len, tile, at + sp.count);
		right[i] = !found;
		liar[i] = false;
		sp.count += found;
	}
	if (!sp.count)
		goto out;
	bytes = malloc((m + 2) * sp.count);
	if (!bytes) {
		free(at);
		return -ENOMEM;
	}
	sp.secret = bytes + m * sp.count;
	sp.tile = sp.secret + sp.count;
	for (i = 0; i < m; i++)
		sp.share[i] = bytes + i * sp.count;
	for (j = 0; j < sp.count; j++) {
		for (i = 0; i < m; i++)
			sp.share[i][j] = share[i][at[j]];
		sp.secret[j] = secret[at[j]];
	}
	spots_name(&sp, s, x, liar);
	explicit_bzero(bytes, (m + 2) * sp.count);
out:
	free(bytes);
	free(at);
	return 0;
}

/* ---- other schemes */

/*
 * A share is right that gives the same secret in the place of one of the subset: of
 * k - 1 shares and a secret there is one k-th share, in every scheme whose shares are
 * as long as the secret. Nobody is named: that takes more than this.
 */
static void solve_others(const struct ssn_scheme_ops *ops,
			 const uint8_t *const *share, const uint8_t *x,
			 unsigned int m, unsigned int k, size_t len,
			 const uint8_t *secret, struct subset *s, uint8_t *tile,
			 bool *right, bool *liar)
{
	const uint8_t *part[SHAMIR_MAX];
	unsigned int i, j;
	size_t pos, n;

	for (i = 0; i < m; i++) {
		s->share[k - 1] = share[i];
		s->x[k - 1] = x[i];
		liar[i] = false;
		right[i] = true;
		for (j = 0; j < k && s->at[j] != i; j++)
			;
		if (j < k)
			continue;
		ops->weights(s->weight, s->x, k);
		for (pos = 0; pos < len && right[i]; pos += n) {
			n = len - pos < SOLVE_TILE ? len - pos : SOLVE_TILE;
			for (j = 0; j < k; j++)
				part[j] = s->share[j] + pos;
			ops->combine(tile, part, s->weight, k, n);
			right[i] = !memcmp(tile, secret + pos, n);
		}
	}
}

int solve(const struct ssn_scheme_ops *ops, const uint8_t *const *share,
	  const uint8_t *x, unsigned int m, unsigned int k, size_t len,
	  uint8_t *secret, bool *right, bool *liar, solve_check *check, void *arg)
{
	struct subset *s;
	uint8_t *tile;
	unsigned int i;
	int ret;

	ret = ops->check(k, m) ?: ops->check_points(x, m);
	if (ret)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	tile = malloc(SOLVE_TILE);
	if (s)
		s->weight = malloc(ops->weight_bytes(k));
	if (!s || !tile || !s->weight) {
		ret = -ENOMEM;
		goto out;
	}
	for (i = 0; i < k; i++)
		s->at[i] = i;
	ret = 0;
	do {
		ret++;
		subset_take(s, share, x, k);
		ops->weights(s->weight, s->x, k);
		ops->combine(secret, s->share, s->weight, k, len);
		if (!check(secret, len, arg))
			break;
		if (ret == SOLVE_TRIES || !subset_next(s->at, m, k)) {
			ret = -EBADMSG;
			goto out;
		}
	} while (1);
	if (!ops->fill_weights)
		solve_others(ops, share, x, m, k, len, secret, s, tile, right,
			     liar);
	else if (solve_liars(share, x, m, k, len, secret, s, tile, right, liar))
		ret = -ENOMEM;
out:
	if (tile)
		explicit_bzero(tile, SOLVE_TILE);
	free(tile);
	if (s)
		free(s->weight);
	free(s);
	return ret;
}
