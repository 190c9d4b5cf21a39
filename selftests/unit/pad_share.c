// SPDX-License-Identifier: GPL-2.0
/*
 * Pad-as-share gives away no more than Shamir's scheme under one-time pads does:
 * counted over a field small enough to try everything, with the code that the
 * kernel runs. GF(4) = {0, 1, w, w^2} and GF(16) are inside GF(2^8): closed under
 * its sums and products, with points, secrets and pads from there all else is too.
 *
 * The dealer's view of a message of one symbol: k - 1 members adopt pads, the
 * others' shares are interpolated and sent under pads of their own. Whoever holds
 * k - 1 members and the wire sees their pads, hence their shares, and all
 * ciphertexts. How often each view occurs must not depend on the secret.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gf256.h"
#include "shamir.h"
#include "tap.h"

#define FIELD_MAX	16

struct field {
	const char *name;
	unsigned int size;
	uint8_t e[FIELD_MAX];		/* e[0] = 0 */
	int index[256];			/* -1: not in it */
};

/* The elements a with a^size = a */
static void field_make(struct field *f, const char *name, unsigned int size)
{
	unsigned int a, i;
	uint8_t p;

	f->name = name;
	f->size = 0;
	for (a = 0; a < 256; a++) {
		for (p = a, i = 1; i < size; i++)
			p = gf256_mul(p, a);
		f->index[a] = -1;
		if (p == a) {
			f->index[a] = f->size;
			f->e[f->size++] = a;
		}
	}
	if (f->size != size) {
		ok(false, "%s has %u elements", name, f->size);
		exit(1);
	}
}

struct world {
	const struct field *f;
	unsigned int k, n;
	uint8_t x[FIELD_MAX];
	uint8_t weight[FIELD_MAX][FIELD_MAX];	/* of each that is interpolated */
};

/*
 * One dealing: @pad has the pad of each member, @share gets the shares, @wire the
 * ciphertext of each member that did not adopt. The first k - 1 adopt.
 */
static void deal(const struct world *w, uint8_t secret, const uint8_t *pad,
		 uint8_t *share, uint8_t *wire)
{
	const uint8_t *in[FIELD_MAX] = { &secret };
	unsigned int i;

	for (i = 0; i < w->k - 1; i++) {
		share[i] = pad[i];
		in[i + 1] = &share[i];
	}
	for (; i < w->n; i++) {
		shamir_combine(&share[i], in, w->weight[i], w->k, 1);
		wire[i] = share[i] ^ pad[i];
	}
}

/* A view as a number: pads of the members in @who, then what the wire has */
static unsigned int view(const struct world *w, unsigned int who,
			 const uint8_t *pad, const uint8_t *wire)
{
	unsigned int v = 0, i;

	for (i = 0; i < w->n; i++)
		if (who >> i & 1)
			v = v * w->f->size + w->f->index[pad[i]];
	for (i = w->k - 1; i < w->n; i++)
		v = v * w->f->size + w->f->index[wire[i]];
	return v;
}

static size_t power(size_t base, unsigned int e)
{
	return e ? base * power(base, e - 1) : 1;
}

/* How many views members @who can have */
static size_t views(const struct world *w, unsigned int who)
{
	return power(w->f->size, __builtin_popcount(who) + w->n - w->k + 1);
}

/* Counts every view of every set of members, over all pads */
static bool count(const struct world *w, uint8_t secret, unsigned int **counts)
{
	uint8_t pad[FIELD_MAX], share[FIELD_MAX], wire[FIELD_MAX];
	size_t all = power(w->f->size, w->n), p, rest;
	unsigned int i, who;

	for (p = 0; p < all; p++) {
		for (rest = p, i = 0; i < w->n; i++) {
			pad[i] = w->f->e[rest % w->f->size];
			rest /= w->f->size;
		}
		deal(w, secret, pad, share, wire);
		for (i = 0; i < w->n; i++)
			if (w->f->index[share[i]] < 0)
				return false;
		for (who = 0; who < 1U << w->n; who++)
			counts[who][view(w, who, pad, wire)]++;
	}
	return true;
}

static void secrecy(const struct field *f, unsigned int k, unsigned int n)
{
	unsigned int *first[1 << 4], *other[1 << 4], one[1 << 4] = {};
	unsigned int who, s, i, few = 0, hidden = 0, enough = 0, open = 0;
	struct world w = { .f = f, .k = k, .n = n };
	bool same[1 << 4], closed = true;

	memcpy(w.x, f->e + 1, n);
	for (i = k - 1; i < n; i++)
		closed &= !shamir_fill_weights(w.weight[i], w.x, k, w.x[i]);
	for (who = 0; who < 1U << n; who++) {
		first[who] = calloc(views(&w, who), sizeof(**first));
		other[who] = calloc(views(&w, who), sizeof(**other));
		same[who] = true;
	}
	closed &= count(&w, 0, first);
	for (s = 1; s < f->size; s++) {
		closed &= count(&w, f->e[s], other);
		for (who = 0; who < 1U << n; who++) {
			/* view 0, which secret 0 gives: who else does? */
			one[who] += other[who][0] > 0;
			same[who] &= !memcmp(first[who], other[who],
					     views(&w, who) * sizeof(**first));
			memset(other[who], 0, views(&w, who) * sizeof(**other));
		}
	}
	for (who = 0; who < 1U << n; who++) {
		if (__builtin_popcount(who) < (int)k) {
			few++;
			hidden += same[who] && first[who][0] &&
				  one[who] == f->size - 1;
		} else {
			enough++;
			open += first[who][0] && !one[who];
		}
		free(first[who]);
		free(other[who]);
	}
	ok(closed, "%s: shares are in it", f->name);
	is_int(hidden, few, "(%u,%u): less than k see the same of every secret",
	       k, n);
	is_int(open, enough, "(%u,%u): k see which one it is", k, n);
}

/* Whoever was free to choose, the shares are on one polynomial of degree < k */
static void consistent(void)
{
	unsigned int k, n, i, j, good = 0, all = 0;
	uint8_t x[255], share[255], weight[255], w2[255], secret, back;
	const uint8_t *in[255], *use[255];

	for (n = 1; n <= 255; n += n < 12 ? 1 : 81) {
		for (k = 1; k <= n; k += 1 + k / 6) {
			secret = 17 * k + n;
			for (i = 0; i < n; i++) {
				x[i] = 255 - i;
				share[i] = 31 * i + k;
				in[i + 1 < 255 ? i + 1 : 0] = &share[i];
			}
			in[0] = &secret;
			for (i = k - 1; i < n; i++) {
				if (shamir_fill_weights(weight, x, k, x[i]))
					break;
				shamir_combine(&share[i], in, weight, k, 1);
			}
			/* the last k give the secret back */
			for (j = 0; j < k; j++)
				use[j] = &share[n - k + j];
			all++;
			if (shamir_weights(w2, x + n - k, k, 0))
				continue;
			shamir_combine(&back, use, w2, k, 1);
			good += back == secret;
		}
	}
	is_int(good, all, "%u pairs (k, n): other members give the secret back", all);
}

static void refusals(void)
{
	static const uint8_t x[] = { 1, 2, 0, 2 };
	uint8_t weight[4];

	is_int(shamir_fill_weights(weight, x, 3, 0), -EINVAL, "a share at 0");
	is_int(shamir_fill_weights(weight, x, 0, 5), -EINVAL, "no threshold");
	is_int(shamir_fill_weights(weight, x, 4, 5), -EINVAL, "an adopted share at 0");
	is_int(shamir_fill_weights(weight, x + 1, 4, 5), -EINVAL, "likewise");
	is_int(shamir_fill_weights(weight, (const uint8_t[]){ 3, 3 }, 3, 5),
	       -EEXIST, "two adopted shares at one point");
	is_int(shamir_fill_weights(weight, NULL, 1, 5), 0, "k = 1: nobody adopts");
	is_int(weight[0], 1, "and each share is the secret");
}

int main(void)
{
	static struct field f4, f16;

	field_make(&f4, "GF(4)", 4);
	field_make(&f16, "GF(16)", 16);
	secrecy(&f4, 2, 3);
	secrecy(&f4, 3, 3);
	secrecy(&f16, 2, 3);
	secrecy(&f16, 3, 4);
	consistent();
	refusals();
	return tap_done();
}
