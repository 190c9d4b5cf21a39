// SPDX-License-Identifier: GPL-2.0
/*
 * What is gained by doing all to a tile while it is in the cache? A secret is split
 * (3,5) with random bytes that are there, each share is added to its pad, the pad is
 * destroyed, and each record of 64 KiB is tagged: tile by tile, or in one pass over
 * everything for each of the three. Both call the same functions; the tag is OpenSSL's
 * Poly1305.
 *
 * rows: fused_1m/passes fused_64m/passes
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "gf256.h"
#include "pad.h"
#include "shamir.h"

#define K	3
#define N	5
#define RECORD	65536UL
#define TILE	4096UL
#define PART	1024UL
#define LINE	64UL
#define LARGE	(64UL << 20)

struct work {
	size_t			len;
	uint8_t			*in[K], *out[N], *pad[N];
	struct gf256_matrix	a;
	uint8_t			coef[N * K], base[N];
	EVP_MAC_CTX		*mac[N];
	uint8_t			tag[N][16];
};

static void tag_begin(struct work *w, unsigned int i)
{
	static const uint8_t key[32] = { 1, 2, 3 };

	bench_check(EVP_MAC_init(w->mac[i], key, sizeof(key), NULL),
		    "EVP_MAC_init");
}

static void tag_add(struct work *w, unsigned int i, const uint8_t *p, size_t len)
{
	EVP_MAC_update(w->mac[i], p, len);
}

static void tag_end(struct work *w, unsigned int i)
{
	size_t len;

	EVP_MAC_final(w->mac[i], w->tag[i], &len, sizeof(w->tag[i]));
}

static void passes(void *arg)
{
	struct work *w = arg;
	unsigned int i;
	size_t at;

	gf256_mix(w->out, &w->a, (const uint8_t *const *)w->in, w->len);
	for (i = 0; i < N; i++)
		ssn_pad_xor_wipe(w->out[i], w->out[i], w->pad[i], w->len);
	for (i = 0; i < N; i++)
		for (at = 0; at < w->len; at += RECORD) {
			tag_begin(w, i);
			tag_add(w, i, w->out[i] + at, RECORD);
			tag_end(w, i);
		}
}

/*
 * The lines of the next tile come while the tag of this one is computed, a few at a
 * time: more than the processor has places for would make it wait.
 */
static void ask_for(struct work *w, unsigned int i, size_t at, size_t len)
{
	size_t end = at + len;

	for (; at < end; at += LINE) {
		__builtin_prefetch(w->pad[i] + at, 1, 2);
		__builtin_prefetch(w->out[i] + at, 1, 2);
		if (i < K)
			__builtin_prefetch(w->in[i] + at, 0, 2);
	}
}

static void fused(void *arg)
{
	struct work *w = arg;
	const uint8_t *in[K];
	uint8_t *out[N];
	unsigned int i;
	size_t at, part;

	for (at = 0; at < w->len; at += TILE) {
		for (i = 0; i < K; i++)
			in[i] = w->in[i] + at;
		for (i = 0; i < N; i++)
			out[i] = w->out[i] + at;
		gf256_mix(out, &w->a, in, TILE);
		for (i = 0; i < N; i++)
			ssn_pad_xor_wipe(out[i], out[i], w->pad[i] + at, TILE);
		for (i = 0; i < N; i++) {
			if (!(at % RECORD))
				tag_begin(w, i);
			for (part = 0; part < TILE; part += PART) {
				ask_for(w, i, at + TILE + part, PART);
				tag_add(w, i, out[i] + part, PART);
			}
			if ((at + TILE) % RECORD == 0)
				tag_end(w, i);
		}
	}
}

/* Both leave the same ciphertexts and tags, and no pad */
static void check(struct work *w)
{
	uint8_t *was = malloc(w->len), tag[16], left = 0;
	size_t at;

	memcpy(was, w->pad[N - 1], w->len);
	passes(w);
	memcpy(tag, w->tag[N - 1], sizeof(tag));
	for (at = 0; at < w->len; at++)
		left |= w->pad[N - 1][at];
	bench_check(!left, "passes leave pad");
	memcpy(w->pad[N - 1], was, w->len);
	memcpy(was, w->out[N - 1], w->len);
	memset(w->out[N - 1], 0, w->len);
	fused(w);
	for (at = 0; at < w->len; at++)
		left |= w->pad[N - 1][at];
	bench_check(!left, "tiles leave pad");
	bench_check(!memcmp(was, w->out[N - 1], w->len), "ciphertexts differ");
	bench_check(!memcmp(tag, w->tag[N - 1], sizeof(tag)), "tags differ");
	free(was);
}

static void measure(const char *row, size_t len)
{
	static struct work w;
	EVP_MAC *poly = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	unsigned int i;

	if (!bench_wanted(row))
		return;
	bench_check(poly != NULL, "no Poly1305");
	w.len = len;
	for (i = 0; i < K; i++)
		w.in[i] = bench_place(len);
	for (i = 0; i < N; i++) {
		w.out[i] = bench_place(len);
		w.pad[i] = bench_place(len);
		w.mac[i] = EVP_MAC_CTX_new(poly);
		shamir_split_weights(w.coef + i * K, K, i + 1);
	}
	gf256_matrix_init(&w.a, w.coef, w.base, N, K);
	check(&w);
	bench_run(&(struct bench) { row, len, fused, passes, &w });
}

int main(int argc, char **argv)
{
	bench_begin(argc, argv);
	bench_say("tag: Poly1305 of %s", OpenSSL_version(OPENSSL_VERSION));
	bench_room(bench_wanted("fused_64m/passes") ? 14 * LARGE : 14UL << 20);
	measure("fused_1m/passes", 1UL << 20);
	measure("fused_64m/passes", LARGE);
	return 0;
}
