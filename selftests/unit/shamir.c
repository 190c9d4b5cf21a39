// SPDX-License-Identifier: GPL-2.0
/*
 * Shamir's scheme: known answers, every k of n, secrecy by counting, refusals.
 */
#include <stdlib.h>
#include <string.h>
#include <linux/errno.h>
#include "shamir.h"
#include "shamir_vectors.h"
#include "tap.h"

#define LEN_MAX 64

static const u8 *coeff_at[SHAMIR_MAX];

static void known_answers(void)
{
	unsigned int v, i;
	u8 share[LEN_MAX];

	for (v = 0; v < sizeof(vectors) / sizeof(vectors[0]); v++) {
		unsigned int k = vectors[v].k, len = vectors[v].len, bad = 0;

		for (i = 0; i + 1 < k; i++)
			coeff_at[i] = (const u8 *)vectors[v].coeff + i * len;
		for (i = 0; i < vectors[v].n; i++) {
			shamir_split(share, (const u8 *)vectors[v].secret,
				     coeff_at, k, vectors[v].x[i], len);
			bad += !!memcmp(share, vectors[v].share + i * len, len);
		}
		is_int(bad, 0, "known answer %u: k %u, n %u", v, k,
		       vectors[v].n);
	}
}

/* Shares at @x of a random secret, then the secret and a lost share again */
struct deal {
	unsigned int k, n, len;
	u8 x[SHAMIR_MAX], secret[LEN_MAX];
	u8 share[SHAMIR_MAX][LEN_MAX];
};

static void deal(struct deal *d, unsigned int k, unsigned int n)
{
	static u8 coeff[SHAMIR_MAX][LEN_MAX];
	unsigned int i, j;

	d->k = k;
	d->n = n;
	d->len = 13;
	for (j = 0; j < d->len; j++)
		d->secret[j] = rand();
	for (i = 0; i + 1 < k; i++) {
		coeff_at[i] = coeff[i];
		for (j = 0; j < d->len; j++)
			coeff[i][j] = rand();
	}
	for (i = 0; i < n; i++) {
		d->x[i] = n == SHAMIR_MAX ? i + 1 : (i * 89 + 17) % 255 + 1;
		shamir_split(d->share[i], d->secret, coeff_at, k, d->x[i],
			     d->len);
	}
}

/* Whether the shares numbered in @pick give f(x0) == @want */
static bool gives(const struct deal *d, const unsigned int *pick, u8 x0,
		  const u8 *want)
{
	const u8 *share[SHAMIR_MAX];
	u8 x[SHAMIR_MAX], weight[SHAMIR_MAX], out[LEN_MAX];
	unsigned int i;

	for (i = 0; i < d->k; i++) {
		share[i] = d->share[pick[i]];
		x[i] = d->x[pick[i]];
	}
	if (shamir_weights(weight, x, d->k, x0))
		return false;
	shamir_combine(out, share, weight, d->k, d->len);
	return !memcmp(out, want, d->len);
}

static void subsets(unsigned int k, unsigned int n)
{
	static struct deal d;
	unsigned int pick[SHAMIR_MAX], i, j, bad = 0, count = 0;

	deal(&d, k, n);
	for (i = 0; i < k; i++)
		pick[i] = i;
	for (;;) {
		count++;
		bad += !gives(&d, pick, 0, d.secret);
		for (j = 0; j < n; j++)
			bad += !gives(&d, pick, d.x[j], d.share[j]);
		for (i = k; i-- > 0;)
			if (pick[i] < n - k + i)
				break;
		if (i >= k)
			break;
		pick[i]++;
		for (j = i + 1; j < k; j++)
			pick[j] = pick[j - 1] + 1;
	}
	is_int(bad, 0, "(%u,%u): each of %u subsets gives secret and shares",
	       k, n, count);
}

static void order(void)
{
	static struct deal d;
	unsigned int pick[3] = { 4, 0, 2 };

	deal(&d, 3, 5);
	ok(gives(&d, pick, 0, d.secret), "shares in any order");
}

/*
 * k - 1 shares tell nothing: for each secret, each view of k - 1 shares comes
 * from equally many choices of coefficients. All choices are tried.
 */
static void secrecy_2_of_3(void)
{
	static const u8 points[3] = { 1, 2, 3 };
	unsigned int s, a, p, v, bad = 0;

	for (p = 0; p < 3; p++)
		for (s = 0; s < 256; s++) {
			unsigned int seen[256] = {};
			u8 secret = s, coeff, share;
			const u8 *at[1] = { &coeff };

			for (a = 0; a < 256; a++) {
				coeff = a;
				shamir_split(&share, &secret, at, 2, points[p],
					     1);
				seen[share]++;
			}
			for (v = 0; v < 256; v++)
				bad += seen[v] != 1;
		}
	is_int(bad, 0, "(2,3): one share is uniform, whatever the secret");
}

static void secrecy_3_of_5(void)
{
	static const u8 pair[][2] = { { 1, 2 }, { 2, 5 }, { 4, 3 } };
	static u8 seen[65536];
	unsigned int s, a, p, v, bad = 0;

	for (p = 0; p < 3; p++)
		for (s = 0; s < 256; s += 85) {
			u8 secret = s, c1, c2, one, two;
			const u8 *at[2] = { &c1, &c2 };

			memset(seen, 0, sizeof(seen));
			for (a = 0; a < 65536; a++) {
				c1 = a;
				c2 = a >> 8;
				shamir_split(&one, &secret, at, 3, pair[p][0],
					     1);
				shamir_split(&two, &secret, at, 3, pair[p][1],
					     1);
				seen[one << 8 | two]++;
			}
			for (v = 0; v < 65536; v++)
				bad += seen[v] != 1;
		}
	is_int(bad, 0, "(3,5): two shares are uniform, whatever the secret");
}

static void refusals(void)
{
	static const u8 dup[3] = { 1, 2, 1 }, nought[2] = { 1, 0 };
	static const u8 good[3] = { 9, 1, 255 };
	u8 out[4] = { 1, 2, 3, 4 }, was[4] = { 1, 2, 3, 4 }, weight[3];
	const u8 *at[2] = { out, out };

	is_int(shamir_check(1, 1), 0, "k 1, n 1");
	is_int(shamir_check(255, 255), 0, "k 255, n 255");
	is_int(shamir_check(0, 3), -EINVAL, "k 0 is refused");
	is_int(shamir_check(4, 3), -EINVAL, "k > n is refused");
	is_int(shamir_check(3, 256), -EINVAL, "n 256 is refused");
	is_int(shamir_check(0, 0), -EINVAL, "n 0 is refused");

	is_int(shamir_check_points(good, 3), 0, "good points");
	is_int(shamir_check_points(dup, 3), -EEXIST,
	       "a point twice is refused");
	is_int(shamir_check_points(nought, 2), -EINVAL, "x 0 is refused");
	is_int(shamir_check_points(good, 0), -EINVAL, "no points are refused");
	is_int(shamir_weights(weight, dup, 3, 0), -EEXIST,
	       "no weights for a point twice");
	is_int(shamir_weights(weight, nought, 2, 0), -EINVAL,
	       "no weights for x 0");
	is_int(shamir_split(out, was, at, 3, 0, 4), -EINVAL,
	       "no share at x 0");
	is_int(shamir_split(out, was, at, 0, 1, 4), -EINVAL, "no share for k 0");
	is_mem(out, was, 4, "a refused share was not written");
}

int main(void)
{
	known_answers();
	subsets(1, 1);
	subsets(1, 4);
	subsets(2, 3);
	subsets(3, 5);
	subsets(5, 9);
	subsets(7, 7);
	subsets(255, 255);
	order();
	secrecy_2_of_3();
	secrecy_3_of_5();
	refusals();
	return tap_done();
}
