// SPDX-License-Identifier: GPL-2.0
/*
 * GF(2^8)/0x11b against its definition: polynomial multiplication bit by bit
 * and long division by the polynomial.
 */
#include <stdlib.h>
#include <string.h>
#include "gf256.h"
#include "tap.h"

static u8 ref[256][256];

static u8 ref_mul(unsigned int a, unsigned int b)
{
	unsigned int p = 0;
	int i;

	for (i = 0; i < 8; i++)
		if (b >> i & 1)
			p ^= a << i;
	for (i = 14; i >= 8; i--)
		if (p >> i & 1)
			p ^= 0x11b << (i - 8);
	return p;
}

static void elements(void)
{
	unsigned int a, b, c, bad = 0;

	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			ref[a][b] = ref_mul(a, b);
			bad += gf256_mul(a, b) != ref[a][b];
		}
	is_int(bad, 0, "all 65536 products");

	bad = gf256_inv(0) != 0;
	for (a = 1; a < 256; a++)
		bad += gf256_mul(a, gf256_inv(a)) != 1;
	is_int(bad, 0, "a times its inverse is 1, for all a");

	bad = 0;
	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			bad += gf256_mul(a, b) != gf256_mul(b, a);
			for (c = 0; c < 256; c += 5) {
				bad += gf256_mul(a, gf256_mul(b, c)) !=
				       gf256_mul(gf256_mul(a, b), c);
				bad += gf256_mul(a, b ^ c) !=
				       (gf256_mul(a, b) ^ gf256_mul(a, c));
			}
		}
	is_int(bad, 0, "commutative, associative, distributive");
}

/* One variant: all constants, then lengths 0..257 at eight alignments each */
static void buffers(const struct gf256_variant *v)
{
	u8 src[256], dst[256], guard[3 * 8 + 257 + 16], s[sizeof(guard)];
	u8 want[sizeof(guard)];
	unsigned int i, c, len, ad, as, bad_mac = 0, bad_horner = 0, bad = 0;

	for (c = 0; c < 256; c++) {
		for (i = 0; i < 256; i++) {
			src[i] = i;
			dst[i] = i * 7 + 3;
		}
		v->mac(dst, src, 256, c);
		for (i = 0; i < 256; i++)
			bad_mac += dst[i] != ((u8)(i * 7 + 3) ^ ref[c][i]);
		for (i = 0; i < 256; i++)
			dst[i] = i * 7 + 3;
		v->horner(dst, src, 256, c);
		for (i = 0; i < 256; i++)
			bad_horner += dst[i] !=
				(ref[c][(u8)(i * 7 + 3)] ^ src[i]);
	}
	is_int(bad_mac, 0, "%s: mac, every byte by every constant", v->name);
	is_int(bad_horner, 0, "%s: horner, every byte by every constant",
	       v->name);

	for (len = 0; len <= 257; len++)
		for (ad = 0; ad < 8; ad++)
			for (as = 0; as < 8; as += 3) {
				c = (len * 31 + ad * 7 + as) & 255;
				for (i = 0; i < sizeof(guard); i++) {
					guard[i] = rand();
					s[i] = rand();
				}
				memcpy(want, guard, sizeof(want));
				for (i = 0; i < len; i++)
					want[8 + ad + i] ^= ref[c][s[as + i]];
				v->mac(guard + 8 + ad, s + as, len, c);
				bad += !!memcmp(guard, want, sizeof(want));
				for (i = 0; i < len; i++)
					want[8 + ad + i] = s[as + i] ^
						ref[c][want[8 + ad + i]];
				v->horner(guard + 8 + ad, s + as, len, c);
				bad += !!memcmp(guard, want, sizeof(want));
			}
	is_int(bad, 0, "%s: lengths 0..257, alignments, nothing beside",
	       v->name);

	for (i = 0; i < 256; i++)
		dst[i] = i;
	v->mac(dst, dst, 256, 0x53);
	for (bad = 0, i = 0; i < 256; i++)
		bad += dst[i] != (i ^ ref[0x53][i]);
	is_int(bad, 0, "%s: a buffer onto itself", v->name);
}

/* Buffers of the exact size on the heap: sanitizers see each byte beside */
static void heap(const struct gf256_variant *v)
{
	unsigned int len, i, bad = 0;

	for (len = 1; len <= 257; len++) {
		u8 *a = malloc(len), *b = malloc(len);

		memset(a, 0x11, len);
		memset(b, 0xa5, len);
		v->mac(a, b, len, 0xc3);
		v->horner(b, a, len, 0x1d);
		for (i = 0; i < len; i++)
			bad += a[i] != (0x11 ^ ref[0xc3][0xa5]) ||
			       b[i] != (ref[0x1d][0xa5] ^ a[i]);
		free(a);
		free(b);
	}
	is_int(bad, 0, "%s: heap buffers of each size", v->name);
}

int main(void)
{
	const struct gf256_variant *const *v;
	u8 a[33], b[33], c[33];

	elements();
	for (v = gf256_variants; *v; v++) {
		if ((*v)->valid && !(*v)->valid()) {
			skip((*v)->name, "not on this machine");
			continue;
		}
		buffers(*v);
		heap(*v);
	}
	ok(!gf256_variants[0]->valid, "the first variant runs everywhere");
	ok(gf256_best(), "one variant is the best");

	memset(a, 1, sizeof(a));
	memset(b, 2, sizeof(b));
	memset(c, 1, sizeof(c));
	gf256_mac(a, b, sizeof(a), 3);
	gf256_best()->mac(c, b, sizeof(c), 3);
	is_mem(a, c, sizeof(a), "gf256_mac() does what the best variant does");
	gf256_horner(a, b, sizeof(a), 3);
	gf256_best()->horner(c, b, sizeof(c), 3);
	is_mem(a, c, sizeof(a),
	       "gf256_horner() does what the best variant does");
	return tap_done();
}
