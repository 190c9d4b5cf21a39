// SPDX-License-Identifier: GPL-2.0
/*
 * The AMD code: known answers, pieces of any size, each bit of the header and
 * of the data bound, additions to shares caught, also where they are chosen to
 * fit a code with d + 2 even.
 */
#include <stdlib.h>
#include <string.h>
#include <linux/errno.h>
#include "amd.h"
#include "amd_vectors.h"
#include "shamir.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void encode(const struct amd_variant *v, const struct amd_header *h,
		   const u8 *r, const void *data, u8 *t)
{
	struct amd_ctx ctx;

	amd_init_variant(&ctx, r, h, v);
	amd_update(&ctx, data, h->segment_len);
	if (amd_final(&ctx, t))
		bail("amd_final failed");
}

static int check(const struct amd_header *h, const u8 *data, const u8 *r,
		 const u8 *t)
{
	struct amd_ctx ctx;

	amd_init(&ctx, r, h);
	amd_update(&ctx, data, h->segment_len);
	return amd_verify(&ctx, t);
}

static struct amd_header header_of(unsigned int i)
{
	struct amd_header h = {
		.version = vectors[i].version,
		.segment = vectors[i].segment,
		.segment_len = vectors[i].len,
		.object_len = vectors[i].object_len,
	};

	memcpy(h.object, vectors[i].object, 16);
	return h;
}

static void known_answers(const struct amd_variant *v)
{
	unsigned int i, bad = 0;
	u8 t[16];

	for (i = 0; i < COUNT(products); i++) {
		/* one block: (0 + a) * b */
		struct amd_elem acc = {};
		struct amd_ctx ctx;
		struct amd_header h = {};

		amd_init_variant(&ctx, (const u8 *)products[i].b, &h, v);
		v->blocks(&acc, &ctx.key, (const u8 *)products[i].a, 1);
		bad += !!memcmp(&acc, products[i].ab, 16);
	}
	is_int(bad, 0, "%s: %zu products", v->name, COUNT(products));

	for (i = 0; i < COUNT(vectors); i++) {
		struct amd_header h = header_of(i);

		encode(v, &h, (const u8 *)vectors[i].r, vectors[i].data, t);
		is_mem(t, vectors[i].t, 16, "%s: known answer of %u bytes",
		       v->name, vectors[i].len);
	}
}

static void pieces(const struct amd_variant *v)
{
	struct amd_header h = { .segment_len = 1000, .object_len = 1000 };
	u8 data[1000], r[16], t[16], u[16];
	unsigned int i, step, bad = 0;

	for (i = 0; i < sizeof(data); i++)
		data[i] = rand();
	for (i = 0; i < 16; i++)
		r[i] = rand();
	encode(amd_variants[0], &h, r, data, t);
	for (step = 1; step <= 300; step++) {
		struct amd_ctx ctx;

		amd_init_variant(&ctx, r, &h, v);
		for (i = 0; i < sizeof(data); i += step) {
			/* an own copy: a read beyond it is seen */
			size_t n = sizeof(data) - i < step ?
				   sizeof(data) - i : step;
			u8 *copy = malloc(n);

			memcpy(copy, data + i, n);
			amd_update(&ctx, copy, n);
			free(copy);
		}
		bad += amd_final(&ctx, u) || memcmp(t, u, 16);
	}
	is_int(bad, 0, "%s: in pieces of 1..300 bytes", v->name);
}

static void binding(void)
{
	struct amd_header h = {
		.version = 1, .segment = 2, .segment_len = 40, .object_len = 90,
	}, g;
	u8 data[41], r[16], t[16];
	unsigned int i, missed = 0;

	for (i = 0; i < sizeof(data); i++)
		data[i] = rand();
	data[40] = 0;
	for (i = 0; i < 16; i++)
		r[i] = rand();
	encode(amd_best(), &h, r, data, t);
	is_int(check(&h, data, r, t), 0, "what was encoded verifies");

	for (i = 0; i < 8 * 40; i++) {
		data[i / 8] ^= 1 << i % 8;
		missed += check(&h, data, r, t) != -EBADMSG;
		data[i / 8] ^= 1 << i % 8;
	}
	is_int(missed, 0, "each bit of the data is bound");
	for (missed = 0, i = 0; i < 128; i++) {
		r[i / 8] ^= 1 << i % 8;
		missed += check(&h, data, r, t) != -EBADMSG;
		r[i / 8] ^= 1 << i % 8;
		t[i / 8] ^= 1 << i % 8;
		missed += check(&h, data, r, t) != -EBADMSG;
		t[i / 8] ^= 1 << i % 8;
	}
	is_int(missed, 0, "each bit of r and t is bound");
	for (missed = 0, i = 0; i < 128; i++) {
		g = h;
		g.object[i / 8] ^= 1 << i % 8;
		missed += check(&g, data, r, t) != -EBADMSG;
	}
	is_int(missed, 0, "each bit of the object id is bound");
	for (missed = 0, i = 0; i < 32; i++) {
		g = h;
		g.version ^= 1U << i;
		missed += check(&g, data, r, t) != -EBADMSG;
		g = h;
		g.segment ^= 1U << i;
		missed += check(&g, data, r, t) != -EBADMSG;
	}
	is_int(missed, 0, "each bit of version and segment is bound");
	for (missed = 0, i = 0; i < 64; i++) {
		g = h;
		g.object_len ^= 1ULL << i;
		missed += check(&g, data, r, t) != -EBADMSG;
	}
	is_int(missed, 0, "each bit of the object's length is bound");
	g = h;
	g.segment_len = 41;
	is_int(check(&g, data, r, t), -EBADMSG, "a zero byte more is seen");
	g.segment_len = 39;
	data[39] = 0;
	encode(amd_best(), &h, r, data, t);
	is_int(check(&g, data, r, t), -EBADMSG, "a zero byte less is seen");
	g = h;
	g.version = h.segment;
	g.segment = h.version;
	is_int(check(&g, data, r, t), -EBADMSG, "version and segment swapped");
}

static void lengths(void)
{
	struct amd_header h = { .segment_len = 20 };
	static const u8 zero[16];
	u8 data[64] = "", r[16] = "r", t[16];
	struct amd_ctx ctx;

	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 19);
	memset(t, 1, 16);
	is_int(amd_final(&ctx, t), -ENODATA, "fewer bytes than announced");
	is_mem(t, zero, 16, "no t then");
	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 20);
	amd_update(&ctx, data, 1);
	is_int(amd_final(&ctx, t), -EMSGSIZE, "more bytes than announced");
	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 40);
	is_int(amd_verify(&ctx, t), -EMSGSIZE, "verify says so too");
	amd_init(&ctx, r, &h);
	amd_update(&ctx, data, 20);
	amd_final(&ctx, t);
	ok(!memcmp(ctx.key.r.word, zero, 16) &&
	   !memcmp(ctx.acc.word, zero, 16) &&
	   !memcmp(ctx.key.part, (u8 [sizeof(ctx.key.part)]){},
		   sizeof(ctx.key.part)), "the context is wiped");
}

static void mul(u8 *ab, const u8 *a, const u8 *b)
{
	struct amd_elem acc = {};
	struct amd_header h = {};
	struct amd_ctx ctx;

	amd_init_variant(&ctx, b, &h, amd_variants[0]);
	amd_variants[0]->blocks(&acc, &ctx.key, a, 1);
	memcpy(ab, &acc, 16);
}

static void power(u8 *out, const u8 *a, unsigned int e)
{
	u8 r[16] = { 1 };

	while (e--)
		mul(r, r, a);
	memcpy(out, r, 16);
}

static void add(u8 *a, const u8 *b)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		a[i] ^= b[i];
}

/*
 * Why d + 2 is odd. Were it even, P(y) = y^(d+2) + m_1 y^d + ... shifted by any
 * e would have no y^(d+1) either: Q(y) = P(y + e), whose coefficients anyone who
 * knows the segment can compute, with r + e and t + P(e) is a forgery. Three
 * blocks of header and three of data make d = 6 without padding; e = h_2 / h_1
 * leaves the header's coefficients h_1, h_2, h_3 as they are.
 */
static void d_is_odd(void)
{
	struct amd_header h = {
		.object = "an object's id..", .version = 1, .segment_len = 48,
		.object_len = 48,
	};
	u8 p[9][16] = { [8] = { 1 } }, q[9][16] = {}, e[16], term[16];
	u8 data[48], forged[48], r[16], t[16];
	unsigned int i, j;

	for (i = 0; i < 48; i++)
		data[i] = rand();
	for (i = 0; i < 16; i++)
		r[i] = rand();
	encode(amd_best(), &h, r, data, t);

	/* the header as blocks, from the definition in amd.h */
	memcpy(p[6], h.object, 16);
	memcpy(p[5], (u8 []){ 0, 0, 0, 1, 0, 0, 0, 0,
			      0, 0, 0, 0, 0, 0, 0, 48 }, 16);
	memcpy(p[4], (u8 []){ 0, 0, 0, 0, 0, 0, 0, 48,
			      'S', 'S', 'N', ' ', 'A', 'M', 'D', '1' }, 16);
	for (i = 0; i < 3; i++)
		memcpy(p[3 - i], data + 16 * i, 16);

	/* 1 / h_1 = h_1^(2^128 - 2) */
	memset(e, 0, 16);
	e[0] = 1;
	memcpy(term, p[6], 16);
	for (i = 1; i < 128; i++) {
		mul(term, term, term);
		mul(e, e, term);
	}
	mul(term, e, p[6]);
	is_mem(term, p[8], 16, "an inverse");
	mul(e, e, p[5]);

	for (i = 0; i <= 8; i++)
		for (j = 0; j <= i; j++) {
			if ((i & j) != j)	/* binomial(i, j) is even */
				continue;
			power(term, e, i - j);
			mul(term, term, p[i]);
			add(q[j], term);
		}
	ok(!memcmp(q[8], p[8], 16) && !memcmp(q[7], p[7], 16) &&
	   !memcmp(q[6], p[6], 16) && !memcmp(q[5], p[5], 16) &&
	   !memcmp(q[4], p[4], 16) && memcmp(q[1], p[1], 16),
	   "the shift keeps the header and changes the data");

	for (i = 0; i < 3; i++)
		memcpy(forged + 16 * i, q[3 - i], 16);
	add(r, e);
	add(t, q[0]);
	is_int(check(&h, forged, r, t), -EBADMSG,
	       "a shift of the polynomial is seen: d + 2 is odd");
}

/* Shares of (m, r, t), as the data path makes them: whoever holds one adds */
static void shares(void)
{
	enum { LEN = 100, ALL = LEN + AMD_TRAILER };
	struct amd_header h = { .segment_len = LEN, .object_len = LEN };
	u8 m[ALL], coeff[2][ALL], share[5][ALL], x[3] = { 1, 2, 3 }, w[3];
	u8 out[ALL];
	const u8 *at[2] = { coeff[0], coeff[1] };
	const u8 *use[3] = { share[0], share[1], share[2] };
	unsigned int i, j, missed = 0;

	for (i = 0; i < ALL; i++) {
		m[i] = rand();
		coeff[0][i] = rand();
		coeff[1][i] = rand();
	}
	encode(amd_best(), &h, m + LEN, m, m + LEN + 16);
	for (i = 0; i < 3; i++)
		shamir_split(share[i], m, at, 3, x[i], ALL);
	shamir_weights(w, x, 3, 0);
	shamir_combine(out, use, w, 3, ALL);
	is_int(check(&h, out, out + LEN, out + LEN + 16), 0,
	       "segment and trailer through shares");
	for (i = 0; i < 8 * ALL; i++) {
		share[i % 3][i / 8] ^= 1 << i % 8;
		shamir_combine(out, use, w, 3, ALL);
		missed += check(&h, out, out + LEN, out + LEN + 16) !=
			  -EBADMSG;
		share[i % 3][i / 8] ^= 1 << i % 8;
	}
	is_int(missed, 0, "each bit of one share is seen");
	for (missed = 0, i = 0; i < 3000; i++) {
		u8 was[2][ALL];

		memcpy(was, share, sizeof(was));
		for (j = 0; j < ALL; j++) {
			share[0][j] ^= rand();
			if (i & 1)
				share[1][j] ^= rand();
		}
		shamir_combine(out, use, w, 3, ALL);
		missed += check(&h, out, out + LEN, out + LEN + 16) !=
			  -EBADMSG;
		memcpy(share, was, sizeof(was));
	}
	is_int(missed, 0, "additions to one or two shares are seen");
}

int main(void)
{
	const struct amd_variant *const *v;

	for (v = amd_variants; *v; v++) {
		if ((*v)->valid && !(*v)->valid()) {
			skip((*v)->name, "not on this machine");
			continue;
		}
		known_answers(*v);
		pieces(*v);
	}
	ok(!amd_variants[0]->valid, "the first variant runs everywhere");
	binding();
	lengths();
	d_is_odd();
	shares();
	return tap_done();
}
