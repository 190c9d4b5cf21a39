// SPDX-License-Identifier: GPL-2.0
/* Segments: cutting, the code, and the search for liars among real shares. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "amd.h"
#include "scheme.h"
#include "segment.h"
#include "shamir_split.h"
#include "solve.h"
#include "tap.h"
#include "util.h"

static struct segment_id id = { .object = "0123456789abcdef", .version = 3,
				.segment = 7, .size = 100000 };

static void test_cut(void)
{
	is_int(segment_messages(1), 1, "one byte is one message");
	is_int(segment_messages(SEGMENT_MESSAGE), 1, "a full message");
	is_int(segment_messages(SEGMENT_MESSAGE + 1), 2, "one byte more");
	is_int(segment_message(SEGMENT_MESSAGE + 5, 0), SEGMENT_MESSAGE, "first");
	is_int(segment_message(SEGMENT_MESSAGE + 5, 1), 5, "the rest");
	is_int(segment_count(0, 65536), 0, "an empty object has no data segment");
	is_int(segment_count(65536, 65536), 1, "one");
	is_int(segment_count(65537, 65536), 2, "two");
	is_int(segment_bytes(65537, 65536, 1), 65536, "the first is whole");
	is_int(segment_bytes(65537, 65536, 2), 1, "the last is the rest");
	is_int(segment_bytes(131072, 65536, 2), 65536, "or whole");
	is_int(segment_count(10ULL << 30, SEGMENT_DEFAULT), 640, "10 GiB");
	is_int(segment_bytes(10ULL << 30, SEGMENT_DEFAULT, 640), SEGMENT_DEFAULT,
	       "whose last is whole");
}

static void test_code(void)
{
	uint8_t m[1000 + SEGMENT_CODE], r[16];
	struct segment_id other;
	size_t at;
	int bad = 0;

	random_fill(m, sizeof(m));
	is_int(segment_seal(&id, m, 1000), 0, "seal");
	is_int(segment_check(&id, m, sizeof(m)), 0, "check");
	for (at = 0; at < sizeof(m); at++) {
		m[at] ^= 1;
		bad += segment_check(&id, m, sizeof(m)) == -EBADMSG;
		m[at] ^= 1;
	}
	is_int(bad, sizeof(m), "a change of any byte, of r and of t is seen");
	is_int(segment_check(&id, m, sizeof(m) - 1), -EBADMSG, "a byte less too");
	is_int(segment_check(&id, m, SEGMENT_CODE - 1), -EBADMSG, "and no room for a code");
	other = id; other.object[0] ^= 1;
	is_int(segment_check(&other, m, sizeof(m)), -EBADMSG, "another object");
	other = id; other.version++;
	is_int(segment_check(&other, m, sizeof(m)), -EBADMSG, "another version");
	other = id; other.segment++;
	is_int(segment_check(&other, m, sizeof(m)), -EBADMSG, "another segment");
	other = id; other.size++;
	is_int(segment_check(&other, m, sizeof(m)), -EBADMSG, "another total size");
	memcpy(r, m + 1000, 16);
	is_int(segment_seal(&id, m, 1000), 0, "seal again");
	ok(memcmp(r, m + 1000, 16), "r is fresh each time");
	is_int(segment_seal(&id, m, 0), 0, "seal nothing");
	is_int(segment_check(&id, m, SEGMENT_CODE), 0, "check nothing");
}

#define N 7
#define K 3
#define LEN 200000

static uint8_t secret[LEN], coeff[K - 1][LEN], share[N][LEN], got[LEN];
static uint8_t xs[N] = { 1, 2, 3, 77, 128, 200, 255 };

static int check(const uint8_t *s, size_t len, void *arg)
{
	return segment_check(&id, s, len);
}

static bool right[N];
static unsigned int scheme = SSN_SCHEME_SHAMIR;

static int try(unsigned int m, bool *liar)
{
	const uint8_t *p[N];
	unsigned int i;

	for (i = 0; i < m; i++)
		p[i] = share[i];
	memset(got, 0, sizeof(got));
	memset(liar, 0, N);
	return solve(ssn_scheme_find(scheme), p, xs, m, K, LEN, got, right, liar,
		     check, NULL);
}

/*
 * Two liars whose errors cancel: with x = 1, 4, 5 all weights are 1, so equal
 * errors of two of them leave the secret right, and the polynomial wrong. Honest
 * holders must not be named for that.
 */
static void test_framing(void)
{
	static const uint8_t points[N] = { 1, 2, 3, 4, 5, 6, 7 };
	const uint8_t *c[K - 1] = { coeff[0], coeff[1] };
	bool liar[N];
	unsigned int i;

	memcpy(xs, points, sizeof(xs));
	random_fill(secret, LEN - SEGMENT_CODE);
	segment_seal(&id, secret, LEN - SEGMENT_CODE);
	random_fill(coeff, sizeof(coeff));
	for (i = 0; i < N; i++)
		shamir_split(share[i], secret, c, K, xs[i], LEN);
	share[0][500] ^= 7;
	share[3][500] ^= 7;
	ok(try(5, liar) > 0, "two whose errors cancel");
	is_mem(got, secret, LEN, "the secret is right");
	ok(!liar[1] && !liar[2] && !liar[4], "no honest holder is named");
	ok(try(6, liar) > 0, "one more share");
	ok(liar[0] && !liar[1] && !liar[2] && liar[3] && !liar[4] && !liar[5],
	   "tells who it was");
}

static void test_solve(void)
{
	const uint8_t *c[K - 1] = { coeff[0], coeff[1] };
	bool liar[N];
	unsigned int i, n, named;

	random_fill(secret, LEN - SEGMENT_CODE);
	segment_seal(&id, secret, LEN - SEGMENT_CODE);
	random_fill(coeff, sizeof(coeff));
	for (i = 0; i < N; i++)
		shamir_split(share[i], secret, c, K, xs[i], LEN);

	is_int(try(K, liar), 1, "k right shares: the first try");
	is_mem(got, secret, LEN, "gives the secret");
	share[1][12345] ^= 1;
	is_int(try(K, liar), -EBADMSG, "one liar among k: nothing is given as right");
	ok(try(K + 1, liar) > 1, "one liar among k + 1: found");
	is_mem(got, secret, LEN, "the secret is right");
	ok(!liar[0] && liar[1] && !liar[2] && !liar[3], "and the liar is named, alone");
	share[0][0] ^= 0x80;
	share[5][LEN - 1] ^= 0x10;
	share[6][70000] ^= 0xff;
	is_int(try(K + 1, liar), -EBADMSG, "two liars among k + 1 are too many");
	ok(try(N, liar) > 1, "m - k liars of m: found");
	is_mem(got, secret, LEN, "the secret is right");
	for (named = n = i = 0; i < N; i++) {
		named += liar[i];
		n += liar[i] == (i == 0 || i == 1 || i == 5 || i == 6);
	}
	is_int(named, N - K, "all m - k of them are named");
	is_int(n, N, "and nobody else");
	/* liars who agree with each other: another polynomial of degree k - 1 */
	for (i = 0; i < LEN; i++)
		secret[i] ^= i % 255;
	for (i = 0; i < K; i++)
		shamir_split(share[i], secret, c, K, xs[i], LEN);
	is_int(try(K, liar), -EBADMSG, "k - 1 + 1 who agree on something else do not verify");
	is_int(solve(ssn_scheme_find(scheme), NULL, xs, 2, 3, LEN, got, right,
		     liar, check, NULL), -EINVAL,
	       "fewer than k is no question");
	xs[2] = 1;
	is_int(try(K, liar), -EINVAL, "nor are equal points");
	xs[2] = 0;
	is_int(try(K, liar), -EINVAL, "nor x = 0");
}

/* Shares at 1 to N as the kernel makes them: message by message, piece by piece */
static void xor_deal(void)
{
	const struct ssn_scheme_ops *ops = ssn_scheme_find(SSN_SCHEME_XOR);
	size_t coeffs = ops->coeff_bytes(K, LEN), i;
	uint8_t *random = malloc(coeffs), weight[N * K + N], *out[N];
	const uint8_t *in[K] = { secret, random, NULL };
	struct gf256_matrix a;

	random_fill(secret, LEN - SEGMENT_CODE);
	segment_seal(&id, secret, LEN - SEGMENT_CODE);
	random_fill(random, coeffs);
	for (i = 0; i < N; i++) {
		xs[i] = i + 1;
		out[i] = share[i];
		ops->split_weights(weight + i * K, K, xs[i]);
	}
	ops->ready(&a, weight, weight + N * K, N, K);
	ops->mix(out, &a, in, LEN);
	free(random);
}

static void test_xor(void)
{
	bool liar[N];
	unsigned int i, named, n;

	scheme = SSN_SCHEME_XOR;
	xor_deal();
	is_int(try(K, liar), 1, "xor: k right shares: the first try");
	is_mem(got, secret, LEN, "gives the secret");
	share[1][12345] ^= 1;
	is_int(try(K, liar), -EBADMSG, "one liar among k");
	share[5][LEN - 1] ^= 0x10;
	ok(try(N, liar) > 1, "two liars of m: found");
	is_mem(got, secret, LEN, "the secret is right");
	for (named = n = i = 0; i < N; i++) {
		named += liar[i];
		n += right[i] == (i != 1 && i != 5);
	}
	is_int(n, N, "which shares are right is told");
	is_int(named, 0, "nobody is named");
	xs[2] = 18;
	is_int(try(K, liar), -EINVAL, "no x above 17");
}

int main(void)
{
	test_cut();
	test_code();
	test_solve();
	test_framing();
	test_xor();
	return tap_done();
}
