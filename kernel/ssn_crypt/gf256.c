// SPDX-License-Identifier: GPL-2.0
/*
 * GF(2^8)/0x11b: matrices over buffers, tile by tile, so that what several
 * outputs need is read from memory once. Pure: builds unchanged in user space.
 */
#include <linux/string.h>
#include <linux/types.h>
#include "gf256.h"
#include "simd.h"

#define TILE		4096U	/* of each buffer: some of them fit the first cache */
#define NEAR		8U	/* rows that are looked back at for a base */
#define STREAM_BYTES	(16U << 20)	/* in all: far more than a core's cache */

/* ---- the scalar variant ---- */

#define LOW7	0x7f7f7f7f7f7f7f7fULL
#define ONES	0x0101010101010101ULL

/* Each byte times x: the bit that falls out comes back as 0x1b */
static inline u64 times_x(u64 v)
{
	return ((v & LOW7) << 1) ^ (((v >> 7) & ONES) * 0x1b);
}

/* Each byte times c */
static inline u64 times(u64 v, u8 c)
{
	u64 r = 0;

	/* c is public: stopping at its highest bit tells nothing */
	for (; c; c >>= 1) {
		r ^= v & -(u64)(c & 1);
		v = times_x(v);
	}
	return r;
}

static inline u64 load(const u8 *p, size_t len)
{
	u64 v = 0;

	memcpy(&v, p, len);
	return v;
}

static inline u64 word(const struct gf256_row *row, size_t at, size_t len)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < row->muls; i++)
		sum ^= times(load(row->mul[i] + at, len), row->c[i]);
	for (i = 0; i < row->adds; i++)
		sum ^= load(row->add[i] + at, len);
	return sum;
}

/**
 * gf256_scalar_row - bytes of one output, eight at a time in a 64-bit word
 * @row:	output and its terms
 * @from:	first byte
 * @to:		byte behind the last
 *
 * One shift-and-add step per bit of a constant. Any context. The vector variants
 * leave it what does not fill a register.
 */
void gf256_scalar_row(const struct gf256_row *row, size_t from, size_t to)
{
	u64 v;

	for (; to - from >= 8; from += 8) {
		v = word(row, from, 8);
		memcpy(row->out + from, &v, 8);
	}
	if (from < to) {
		v = word(row, from, to - from);
		memcpy(row->out + from, &v, to - from);
	}
}

static const struct gf256_variant scalar = {
	.name		= "scalar64",
	.priority	= 0,
	.row		= gf256_scalar_row,
};

#ifdef __x86_64__
extern const struct gf256_variant gf256_ssse3, gf256_avx2, gf256_avx512;
#endif

const struct gf256_variant *const gf256_variants[] = {
	&scalar,
#ifdef __x86_64__
	&gf256_ssse3,
	&gf256_avx2,
	&gf256_avx512,
#endif
	NULL
};

/**
 * gf256_best - the fastest variant that this machine can run
 *
 * Any context. Never NULL: the scalar one is always valid.
 */
const struct gf256_variant *gf256_best(void)
{
	static const struct gf256_variant *best;
	const struct gf256_variant *found = &scalar;
	const struct gf256_variant *const *v;

	/* who asks at the same time finds the same */
	if (best)
		return best;
	for (v = gf256_variants; *v; v++)
		if ((!(*v)->valid || (*v)->valid()) &&
		    (*v)->priority > found->priority)
			found = *v;
	best = found;
	return found;
}

/* ---- elements ---- */

/**
 * gf256_mul - product of two elements, in constant time
 * @a:	element
 * @b:	element
 */
u8 gf256_mul(u8 a, u8 b)
{
	unsigned int p = 0, v = a;
	int i;

	for (i = 0; i < 8; i++) {
		p ^= v & -((b >> i) & 1U);
		v = (v << 1) ^ (0x11b & -(v >> 7));
	}
	return p;
}

/**
 * gf256_inv - multiplicative inverse, in constant time
 * @a:	element
 *
 * a^254 by a fixed chain. Returns 0 for 0, which has no inverse: callers
 * refuse it before (equal evaluation points).
 */
u8 gf256_inv(u8 a)
{
	u8 a2 = gf256_mul(a, a);
	u8 a3 = gf256_mul(a2, a);
	u8 a6 = gf256_mul(a3, a3);
	u8 a12 = gf256_mul(a6, a6);
	u8 a15 = gf256_mul(a12, a3);
	u8 a30 = gf256_mul(a15, a15);
	u8 a60 = gf256_mul(a30, a30);
	u8 a120 = gf256_mul(a60, a60);
	u8 a126 = gf256_mul(a120, a6);
	u8 a127 = gf256_mul(a126, a);

	return gf256_mul(a127, a127);
}

/* ---- matrices ---- */

static unsigned int products(const u8 *coef, const u8 *base, unsigned int k)
{
	unsigned int i, n = 0;

	for (i = 0; i < k; i++)
		n += (coef[i] ^ (base ? base[i] : 0)) > 1;
	return n;
}

/**
 * gf256_matrix_init - make a matrix ready for gf256_mix()
 * @a:		matrix
 * @coef:	its @m rows of @k constants; rewritten, and in use as long as @a is
 * @base:	@m bytes, in use as long as @a is
 * @m:		outputs, 1..255
 * @k:		inputs, 1..255
 *
 * Any context.
 */
void gf256_matrix_init(struct gf256_matrix *a, u8 *coef, u8 *base,
		       unsigned int m, unsigned int k)
{
	unsigned int i, j, n, least;

	a->m = m;
	a->k = k;
	a->coef = coef;
	a->base = base;
	for (i = 0; i < m; i++) {
		base[i] = 0;
		least = products(coef + i * k, NULL, k);
		for (j = i > NEAR ? i - NEAR : 0; j < i; j++) {
			n = products(coef + i * k, coef + j * k, k);
			if (n >= least)
				continue;
			least = n;
			base[i] = j + 1;
		}
	}
	/* from the last to the first: each is subtracted while it is whole */
	for (i = m; i-- > 0;)
		for (j = 0; base[i] && j < k; j++)
			coef[i * k + j] ^= coef[(base[i] - 1) * k + j];
}

static void row_flush(struct gf256_row *row, const struct gf256_variant *v,
		      size_t from, size_t to)
{
	v->row(row, from, to);
	row->muls = 0;
	row->add[0] = row->out;
	row->adds = 1;
}

/* Bytes of one output, a few terms at a time */
static void mix_row(const struct gf256_variant *v, u8 *out, const u8 *base,
		    const u8 *coef, const u8 *const *in, unsigned int k,
		    size_t from, size_t to)
{
	struct gf256_row row = { .out = out };
	unsigned int i;

	if (base)
		row.add[row.adds++] = base;
	for (i = 0; i < k; i++) {
		if (row.muls == GF256_TERMS || row.adds == GF256_TERMS)
			row_flush(&row, v, from, to);
		if (coef[i] > 1) {
			row.c[row.muls] = coef[i];
			row.mul[row.muls++] = in[i];
		} else if (coef[i]) {
			row.add[row.adds++] = in[i];
		}
	}
	if (row.muls || row.adds)
		v->row(&row, from, to);
	else
		memset(out + from, 0, to - from);
}

/* Whether row @i and the one behind it can be made in one go, and how */
static bool mix_pair(struct gf256_pair *p, u8 *const *out,
		     const struct gf256_matrix *a, const u8 *const *in,
		     unsigned int i)
{
	const u8 *coef = a->coef + i * a->k, *next = coef + a->k;
	struct gf256_row *row = &p->first;
	unsigned int j;

	if (i + 1 == a->m || a->base[i + 1] != i + 1)
		return false;
	row->out = out[i];
	row->muls = 0;
	row->adds = 0;
	p->out = out[i + 1];
	p->mul = NULL;
	p->adds = 0;
	if (a->base[i])
		row->add[row->adds++] = out[a->base[i] - 1];
	for (j = 0; j < a->k; j++) {
		if (coef[j] > 1) {
			if (row->muls == GF256_TERMS)
				return false;
			row->c[row->muls] = coef[j];
			row->mul[row->muls++] = in[j];
		} else if (coef[j]) {
			if (row->adds == GF256_PAIR_FIRST)
				return false;
			row->add[row->adds++] = in[j];
		}
		if (next[j] > 1) {
			if (p->mul)
				return false;
			p->c = next[j];
			p->mul = in[j];
		} else if (next[j]) {
			if (p->adds == GF256_PAIR_ADDS)
				return false;
			p->add[p->adds++] = in[j];
		}
	}
	return row->muls && p->adds;
}

static void mix_tile(const struct gf256_variant *v, u8 *const *out,
		     const struct gf256_matrix *a, const u8 *const *in,
		     size_t from, size_t to)
{
	struct gf256_pair pair;
	unsigned int i;

	for (i = 0; i < a->m; i++)
		if (v->pair && mix_pair(&pair, out, a, in, i)) {
			v->pair(&pair, from, to);
			i++;
		} else {
			mix_row(v, out[i],
				a->base[i] ? out[a->base[i] - 1] : NULL,
				a->coef + i * a->k, in, a->k, from, to);
		}
}

/*
 * What is far larger than the cache is written past it: an output's lines are
 * not read first, and what else is in the cache stays. Returns bytes done.
 */
static size_t mix_stream(const struct gf256_variant *v, u8 *const *out,
			 const struct gf256_matrix *a, const u8 *const *in,
			 size_t len)
{
	u8 coef[GF256_STREAMS * GF256_STREAM_INPUTS];
	struct gf256_stream s = {
		.out = out, .in = in, .coef = coef, .m = a->m, .k = a->k,
	};
	unsigned int i, j;

	if (!v->stream || a->m > GF256_STREAMS || a->k > GF256_STREAM_INPUTS ||
	    len < STREAM_BYTES / (a->m + a->k) ||
	    len > SIMD_SECTION / (a->m + a->k))
		return 0;
	for (i = 0; i < a->m; i++) {
		if ((unsigned long)out[i] % 64)
			return 0;
		for (j = 0; j < a->k; j++)
			coef[i * a->k + j] = a->coef[i * a->k + j] ^
				(a->base[i] ?
				 coef[(a->base[i] - 1) * a->k + j] : 0);
	}
	len -= len % 64;
	v->stream(&s, len);
	return len;
}

/**
 * gf256_mix - each output is a sum of multiples of the inputs
 * @out:	where they go, @len bytes each; overlap nothing
 * @a:		matrix, made ready
 * @in:		inputs, @len bytes each
 * @len:	bytes, any number
 *
 * Any context: without vector registers where they may not be used.
 */
void gf256_mix(u8 *const *out, const struct gf256_matrix *a,
	       const u8 *const *in, size_t len)
{
	size_t tile = SIMD_SECTION / (a->m + a->k) & ~63UL, at, n;

	if (tile > TILE)
		tile = TILE;
	for (at = 0; at < len; at += n) {
		bool simd = simd_begin();
		const struct gf256_variant *v = simd ? gf256_best() : &scalar;

		n = at ? 0 : mix_stream(v, out, a, in, len);
		if (!n) {
			n = len - at > tile ? tile : len - at;
			mix_tile(v, out, a, in, at, at + n);
		}
		if (simd)
			simd_end();
	}
}

/**
 * gf256_dot - one output: the sum of multiples of the inputs
 * @out:	where it goes, @len bytes; overlaps nothing
 * @coef:	@k constants
 * @in:		inputs, @len bytes each
 * @k:		how many, 1..255
 * @len:	bytes, any number
 *
 * Any context.
 */
void gf256_dot(u8 *out, const u8 *coef, const u8 *const *in, unsigned int k,
	       size_t len)
{
	u8 base = 0;
	const struct gf256_matrix a = {
		.m = 1, .k = k, .coef = (u8 *)coef, .base = &base,
	};

	gf256_mix(&out, &a, in, len);
}
