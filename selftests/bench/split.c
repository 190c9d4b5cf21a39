// SPDX-License-Identifier: GPL-2.0
/*
 * How fast are shares made of a secret and k - 1 buffers of random bytes that are
 * there already, and a secret made of k shares? Against ISA-L's erasure code, which
 * is the same matrix product in another field of 256 elements, and libgfshare,
 * which is this scheme.
 *
 * rows: split_3_5_4k/isal split_3_5_64k/isal split_5_9_64k/isal split_3_5_64m/isal
 * rows: combine_3_4k/isal combine_3_64k/isal
 * rows: split_3_5_64k/gfshare combine_3_64k/gfshare
 */
#include <dlfcn.h>
#include <string.h>

#include "bench.h"
#include "gf256.h"
#include "shamir.h"

#define K_MAX	5
#define N_MAX	9
#define LARGE	(64UL << 20)
#define ISAL_TABLE	32	/* bytes it makes of a coefficient */

struct isal {
	void		(*tables)(int k, int rows, unsigned char *matrix,
				  unsigned char *tables);
	void		(*encode)(int len, int k, int rows,
				  unsigned char *tables, unsigned char **in,
				  unsigned char **out);
	unsigned char	(*mul)(unsigned char a, unsigned char b);
	unsigned char	(*inv)(unsigned char a);
};

struct gfshare {
	void		*(*enc)(unsigned char *x, unsigned int n,
				unsigned char k, unsigned int size);
	void		*(*dec)(unsigned char *x, unsigned int n,
				unsigned int size);
	void		(*setsecret)(void *ctx, unsigned char *secret);
	void		(*getshare)(void *ctx, unsigned char i,
				    unsigned char *share);
	void		(*giveshare)(void *ctx, unsigned char i,
				     unsigned char *share);
	void		(*extract)(void *ctx, unsigned char *secret);
	void		(**random)(unsigned char *to, unsigned int len);
};

/**
 * struct work - one matrix product, in either field
 * @a:		ours; @coef and @base are its memory
 * @isal:	ISA-L's, with what it makes of the matrix
 * @gfshare:	libgfshare's
 * @ctx:	and what it knows of this
 */
struct work {
	unsigned int		k, m;
	size_t			len;
	uint8_t			*in[K_MAX], *out[N_MAX];
	struct gf256_matrix	a;
	uint8_t			coef[N_MAX * K_MAX], base[N_MAX];
	const struct isal	*isal;
	unsigned char		tables[ISAL_TABLE * N_MAX * K_MAX];
	const struct gfshare	*gfshare;
	void			*ctx;
};

static void ours(void *arg)
{
	struct work *w = arg;

	gf256_mix(w->out, &w->a, (const uint8_t *const *)w->in, w->len);
}

static void isal(void *arg)
{
	struct work *w = arg;

	w->isal->encode(w->len, w->k, w->m, w->tables, w->in, w->out);
}

static void gfshare_split(void *arg)
{
	struct work *w = arg;
	unsigned int i;

	w->gfshare->setsecret(w->ctx, w->in[0]);
	for (i = 0; i < w->m; i++)
		w->gfshare->getshare(w->ctx, i, w->out[i]);
}

static void gfshare_combine(void *arg)
{
	struct work *w = arg;
	unsigned int i;

	for (i = 0; i < w->k; i++)
		w->gfshare->giveshare(w->ctx, i, w->in[i]);
	w->gfshare->extract(w->ctx, w->out[0]);
}

/* The random bytes are there already */
static void no_random(unsigned char *to, unsigned int len)
{
}

static const struct isal *isal_load(void)
{
	static struct isal isal;
	void *lib = bench_library("SSN_BENCH_ISAL", "libisal.so.2");

	if (!lib)
		return NULL;
	isal.tables = dlsym(lib, "ec_init_tables");
	isal.encode = dlsym(lib, "ec_encode_data");
	isal.mul = dlsym(lib, "gf_mul");
	isal.inv = dlsym(lib, "gf_inv");
	return isal.tables && isal.encode && isal.mul && isal.inv ? &isal : NULL;
}

static const struct gfshare *gfshare_load(void)
{
	static struct gfshare g;
	void *lib = bench_library(NULL, "libgfshare.so.2");

	if (!lib)
		return NULL;
	g.enc = dlsym(lib, "gfshare_ctx_init_enc");
	g.dec = dlsym(lib, "gfshare_ctx_init_dec");
	g.setsecret = dlsym(lib, "gfshare_ctx_enc_setsecret");
	g.getshare = dlsym(lib, "gfshare_ctx_enc_getshare");
	g.giveshare = dlsym(lib, "gfshare_ctx_dec_giveshare");
	g.extract = dlsym(lib, "gfshare_ctx_dec_extract");
	g.random = dlsym(lib, "gfshare_fill_rand");
	if (!g.enc || !g.dec || !g.setsecret || !g.getshare || !g.giveshare ||
	    !g.extract || !g.random)
		return NULL;
	*g.random = no_random;
	return &g;
}

static void place(struct work *w, unsigned int k, unsigned int m, size_t len)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	w->k = k;
	w->m = m;
	w->len = len;
	bench_place(0);
	for (i = 0; i < k; i++)
		w->in[i] = bench_place(len);
	for (i = 0; i < m; i++)
		w->out[i] = bench_place(len);
}

/* What ISA-L's field makes of a few bytes, one by one, is what it made of all */
static void isal_check(struct work *w, const uint8_t *matrix)
{
	size_t at;
	unsigned int i, j;

	isal(w);
	for (at = 0; at < w->len; at += 997)
		for (i = 0; i < w->m; i++) {
			uint8_t sum = 0;

			for (j = 0; j < w->k; j++)
				sum ^= w->isal->mul(matrix[i * w->k + j],
						    w->in[j][at]);
			bench_check(w->out[i][at] == sum, "ISA-L");
		}
}

static void our_check(struct work *w, const uint8_t *matrix)
{
	size_t at;
	unsigned int i, j;

	ours(w);
	for (at = 0; at < w->len; at += 997)
		for (i = 0; i < w->m; i++) {
			uint8_t sum = 0;

			for (j = 0; j < w->k; j++)
				sum ^= gf256_mul(matrix[i * w->k + j],
						 w->in[j][at]);
			bench_check(w->out[i][at] == sum, "ours");
		}
}

/* Weights for f(0) in ISA-L's field, as shamir_weights() has them in ours */
static void isal_weights(const struct isal *isal, uint8_t *weight,
			 const uint8_t *x, unsigned int k)
{
	unsigned int i, j;

	for (i = 0; i < k; i++) {
		weight[i] = 1;
		for (j = 0; j < k; j++)
			if (j != i)
				weight[i] = isal->mul(weight[i], isal->mul(x[j],
						isal->inv(x[i] ^ x[j])));
	}
}

static void make_ready(struct work *w, const uint8_t *matrix)
{
	memcpy(w->coef, matrix, w->k * w->m);
	gf256_matrix_init(&w->a, w->coef, w->base, w->m, w->k);
	our_check(w, matrix);
}

static void split(const char *row, unsigned int k, unsigned int n, size_t len,
		  const struct isal *isal_lib)
{
	static struct work w;
	uint8_t matrix[N_MAX * K_MAX], power;
	unsigned int i, j;

	if (!bench_wanted(row))
		return;
	place(&w, k, n, len);
	for (i = 0; i < n; i++)
		shamir_split_weights(matrix + i * k, k, i + 1);
	make_ready(&w, matrix);
	w.isal = isal_lib;
	for (i = 0; isal_lib && i < n; i++)
		for (j = 0, power = 1; j < k; j++) {
			matrix[i * k + j] = power;
			power = isal_lib->mul(power, i + 1);
		}
	if (isal_lib) {
		isal_lib->tables(k, n, matrix, w.tables);
		isal_check(&w, matrix);
	}
	bench_run(&(struct bench) { row, len, ours, isal_lib ? isal : NULL, &w });
}

static void combine(const char *row, unsigned int k, size_t len,
		    const struct isal *isal_lib)
{
	static struct work w;
	static const uint8_t x[K_MAX] = { 2, 5, 1, 4, 3 };
	uint8_t weight[K_MAX];

	if (!bench_wanted(row))
		return;
	place(&w, k, 1, len);
	shamir_weights(weight, x, k, 0);
	make_ready(&w, weight);
	w.isal = isal_lib;
	if (isal_lib) {
		isal_weights(isal_lib, weight, x, k);
		isal_lib->tables(k, 1, weight, w.tables);
		isal_check(&w, weight);
	}
	bench_run(&(struct bench) { row, len, ours, isal_lib ? isal : NULL, &w });
}

static void split_gfshare(const char *row, const struct gfshare *lib)
{
	static struct work w;
	unsigned char x[5] = { 1, 2, 3, 4, 5 };
	uint8_t matrix[5 * 3];
	unsigned int i;

	if (!bench_wanted(row))
		return;
	place(&w, 3, 5, 65536);
	for (i = 0; i < 5; i++)
		shamir_split_weights(matrix + i * 3, 3, x[i]);
	make_ready(&w, matrix);
	w.gfshare = lib;
	if (lib)
		w.ctx = lib->enc(x, 5, 3, w.len);
	bench_run(&(struct bench) { row, w.len, ours,
				    lib ? gfshare_split : NULL, &w });
}

static void combine_gfshare(const char *row, const struct gfshare *lib)
{
	static struct work w;
	unsigned char x[3] = { 2, 5, 1 };
	uint8_t weight[3];

	if (!bench_wanted(row))
		return;
	place(&w, 3, 1, 65536);
	shamir_weights(weight, x, 3, 0);
	make_ready(&w, weight);
	w.gfshare = lib;
	if (lib)
		w.ctx = lib->dec(x, 3, w.len);
	bench_run(&(struct bench) { row, w.len, ours,
				    lib ? gfshare_combine : NULL, &w });
}

int main(int argc, char **argv)
{
	const struct isal *isal_lib = isal_load();
	const struct gfshare *gfshare_lib = gfshare_load();
	bench_begin(argc, argv);
	bench_room(bench_wanted("split_3_5_64m/isal") ? 8 * LARGE + LARGE / 64 :
							2UL << 20);
	bench_say("arithmetic: %s; payload is the secret; random bytes are given;"
		  " matrices and tables are made before the clock starts",
		  gf256_best()->name);
	split("split_3_5_4k/isal", 3, 5, 4096, isal_lib);
	split("split_3_5_64k/isal", 3, 5, 65536, isal_lib);
	split("split_5_9_64k/isal", 5, 9, 65536, isal_lib);
	split("split_3_5_64m/isal", 3, 5, LARGE, isal_lib);
	combine("combine_3_4k/isal", 3, 4096, isal_lib);
	combine("combine_3_64k/isal", 3, 65536, isal_lib);
	split_gfshare("split_3_5_64k/gfshare", gfshare_lib);
	combine_gfshare("combine_3_64k/gfshare", gfshare_lib);
	return 0;
}
