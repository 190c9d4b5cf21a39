// SPDX-License-Identifier: GPL-2.0
/*
 * The XOR scheme. Pure: builds unchanged in user space.
 *
 * With a prime p, the secret is cut into p - 1 blocks s_1 .. s_{p-1}, and s_0 is
 * zero. Block j of the share at x = i + 1 is, all indices modulo p,
 *
 *	s_{j-i} + r^0_j + r^1_{i+j} + r^2_{2i+j} + ... + r^{k-2}_{(k-2)i+j}
 *
 * for j = 0 .. p - 2, where + is XOR and the r are uniform, used once and wiped by
 * the caller (section 3.2 of the paper). Any k - 1 shares are uniform whatever the
 * secret is, a share is as long as the secret, and there are up to p shares. A
 * larger p wastes less: (k - 1) p - 1 blocks are drawn for p - 1 of the secret.
 *
 * What a length leaves over behind p - 1 equal blocks, less than p - 1 bytes, is
 * shared by Shamir's scheme at the same points. So a share is as long as the secret
 * at every length.
 *
 * The functions take p so that the tests can count over small ones. The kernel uses
 * KURIHARA_P only.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>
#include "gf256.h"
#include "kurihara.h"
#include "pad.h"
#include "shamir.h"

/**
 * kurihara_check - whether a threshold and a number of shares are possible
 * @k:	shares that give the secret, 2..@n
 * @n:	shares dealt, at most KURIHARA_MAX
 *
 * Returns 0 or -EINVAL. There is no k = 1 in this scheme.
 */
int kurihara_check(unsigned int k, unsigned int n)
{
	return k > 1 && k <= n && n <= KURIHARA_MAX ? 0 : -EINVAL;
}

static int check_points(unsigned int p, const u8 *x, unsigned int n)
{
	unsigned int i;
	int err = shamir_check_points(x, n);

	for (i = 0; !err && i < n; i++)
		if (x[i] > p)
			err = -ERANGE;
	return err;
}

/**
 * kurihara_check_points - whether points can be shares' points
 * @x:	points
 * @n:	how many
 *
 * Returns 0; -ERANGE for a point above KURIHARA_P; the errors of
 * shamir_check_points().
 */
int kurihara_check_points(const u8 *x, unsigned int n)
{
	return check_points(KURIHARA_P, x, n);
}

/**
 * kurihara_coeff_bytes - uniform bytes that a split takes
 * @p:		prime
 * @k:		threshold, at least 2
 * @len:	bytes of the secret
 */
size_t kurihara_coeff_bytes(unsigned int p, unsigned int k, size_t len)
{
	size_t block = len / (p - 1), rest = len % (p - 1);

	return block * ((k - 1) * p - 1) + rest * (k - 1);
}

/* Which random block r^h gives to block @j of share @i, in the order drawn */
static unsigned int random_block(unsigned int p, unsigned int h, unsigned int i,
				 unsigned int j)
{
	return h ? p - 1 + (h - 1) * p + (h * i + j) % p : j;
}

/* Which block of the secret it has: 1 .. p - 1, or 0 for none */
static unsigned int secret_block(unsigned int p, unsigned int i, unsigned int j)
{
	return (j + p - i) % p;
}

static void xor_into(u8 *dst, const u8 *src, size_t len)
{
	ssn_pad_xor(dst, dst, src, len);
}

/* What is left over, by Shamir */
static int split_rest(u8 *share, const u8 *secret, const u8 *coeff,
		      unsigned int k, u8 x, size_t len)
{
	const u8 *in[KURIHARA_MAX];
	u8 weight[KURIHARA_MAX];
	unsigned int i;
	int err;

	err = shamir_split_weights(weight, k, x);
	if (err)
		return err;
	in[0] = secret;
	for (i = 1; i < k; i++)
		in[i] = coeff + (i - 1) * len;
	gf256_dot(share, weight, in, k, len);
	return 0;
}

/**
 * kurihara_split - the share at one point
 * @p:		prime, at most KURIHARA_P
 * @share:	where it goes, @len bytes; overlaps none of the others
 * @secret:	@len bytes
 * @coeff:	kurihara_coeff_bytes() uniform bytes, the same for all shares
 * @k:		threshold, 2..@p
 * @x:		the point, 1..@p
 * @len:	bytes
 *
 * Any context. Returns 0, or -EINVAL with @share untouched.
 */
int kurihara_split(unsigned int p, u8 *share, const u8 *secret,
		   const u8 *coeff, unsigned int k, u8 x, size_t len)
{
	size_t block = len / (p - 1), done = block * (p - 1);
	unsigned int i = x - 1, j, h, s;
	u8 *to;

	if (p > KURIHARA_P || k < 2 || k > p || !x || x > p)
		return -EINVAL;
	for (j = 0; block && j < p - 1; j++) {
		to = share + j * block;
		memcpy(to, coeff + random_block(p, 0, i, j) * block, block);
		for (h = 1; h < k - 1; h++)
			xor_into(to, coeff + random_block(p, h, i, j) * block,
				 block);
		s = secret_block(p, i, j);
		if (s)
			xor_into(to, secret + (s - 1) * block, block);
	}
	return split_rest(share + done, secret + done,
			  coeff + block * ((k - 1) * p - 1), k, x, len - done);
}

/* ---- which blocks of the shares give which block of the secret ---- */

#define WORDS	5	/* of 64 bits: more than KURIHARA_P * (KURIHARA_P - 1) */

/* An equation: these blocks of shares are those random and secret blocks */
struct row {
	u64 share[WORDS];
	u64 random[WORDS];
	u64 secret;
};

static bool bit(const u64 *set, unsigned int n)
{
	return set[n / 64] >> (n % 64) & 1;
}

static void flip(u64 *set, unsigned int n)
{
	set[n / 64] ^= 1ULL << (n % 64);
}

static void add(struct row *to, const struct row *from)
{
	unsigned int w;

	for (w = 0; w < WORDS; w++) {
		to->share[w] ^= from->share[w];
		to->random[w] ^= from->random[w];
	}
	to->secret ^= from->secret;
}

static void equations(struct row *row, unsigned int p, const u8 *x,
		      unsigned int k)
{
	unsigned int a, j, h, s;

	memset(row, 0, k * (p - 1) * sizeof(*row));
	for (a = 0; a < k; a++) {
		for (j = 0; j < p - 1; j++, row++) {
			flip(row->share, a * (p - 1) + j);
			for (h = 0; h + 1 < k; h++)
				flip(row->random,
				     random_block(p, h, x[a] - 1, j));
			s = secret_block(p, x[a] - 1, j);
			if (s)
				flip(&row->secret, s - 1);
		}
	}
}

/*
 * Brings a row from @from on that has bit @n, in @random or in @secret, to @from,
 * and takes the bit out of the rows @first and on. False if none has it.
 */
static bool eliminate(struct row *row, unsigned int first, unsigned int from,
		      unsigned int rows, bool random, unsigned int n)
{
	struct row swap;
	unsigned int i;

#define HAS(r) (random ? bit((r)->random, n) : bit(&(r)->secret, n))
	for (i = from; i < rows && !HAS(&row[i]); i++)
		;
	if (i == rows)
		return false;
	swap = row[from];
	row[from] = row[i];
	row[i] = swap;
	for (i = first; i < rows; i++)
		if (i != from && HAS(&row[i]))
			add(&row[i], &row[from]);
#undef HAS
	return true;
}

/**
 * kurihara_weights - what kurihara_combine() needs for these shares
 * @p:		prime, at most KURIHARA_P
 * @weight:	where it goes, KURIHARA_WEIGHTS(@k) bytes
 * @x:		points of the shares, 1..@p, all different
 * @k:		threshold, 2..@p
 * @scratch:	KURIHARA_SCRATCH(@k) bytes, aligned for u64; holds nothing secret
 *
 * Solves the blocks' equations: first without random blocks, then for each block of
 * the secret. Any context; 5 microseconds for k = 3.
 *
 * Returns 0, -EINVAL, or the errors of kurihara_check_points().
 */
int kurihara_weights(unsigned int p, u8 *weight, const u8 *x, unsigned int k,
		     void *scratch)
{
	unsigned int rows = k * (p - 1), random = (k - 1) * p - 1;
	unsigned int at = 0, n, a, j, first;
	struct row *row = scratch;
	int err;

	_Static_assert(KURIHARA_SCRATCH(1) == (KURIHARA_P - 1) * sizeof(*row),
		       "KURIHARA_SCRATCH");
	if (p > KURIHARA_P || k < 2 || k > p)
		return -EINVAL;
	err = check_points(p, x, k);
	if (err)
		return err;
	equations(row, p, x, k);
	for (n = 0; n < random; n++)
		at += eliminate(row, at, at, rows, true, n);
	first = at;
	for (n = 0; n < p - 1; n++, at++)
		if (at == rows || !eliminate(row, first, at, rows, false, n))
			return -EINVAL;
	memset(weight, 0, 2 * k * (p - 1));
	for (n = 0; n < p - 1; n++)
		for (a = 0; a < k; a++)
			for (j = 0; j < p - 1; j++)
				if (bit(row[first + n].share, a * (p - 1) + j))
					weight[2 * (n * k + a) + j / 8] |=
						1 << (j % 8);
	return shamir_weights(weight + 2 * k * (p - 1), x, k, 0);
}

/**
 * kurihara_combine - the secret from @k shares
 * @p:		prime
 * @dst:	where it goes, @len bytes; overlaps none of the shares
 * @share:	shares, @len bytes each, in the order of the weights
 * @weight:	of kurihara_weights()
 * @k:		how many
 * @len:	bytes
 *
 * Any context. Whether the shares belong together is the caller's to know.
 */
void kurihara_combine(unsigned int p, u8 *dst, const u8 *const *share,
		      const u8 *weight, unsigned int k, size_t len)
{
	size_t block = len / (p - 1), done = block * (p - 1);
	const u8 *rest[KURIHARA_MAX];
	unsigned int n, a, j;

	memset(dst, 0, done);
	for (n = 0; block && n < p - 1; n++)
		for (a = 0; a < k; a++)
			for (j = 0; j < p - 1; j++)
				if (weight[2 * (n * k + a) + j / 8] >> (j % 8) & 1)
					xor_into(dst + n * block,
						 share[a] + j * block, block);
	for (a = 0; a < k; a++)
		rest[a] = share[a] + done;
	shamir_combine(dst + done, rest, weight + 2 * k * (p - 1), k, len - done);
}
