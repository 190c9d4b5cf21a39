// SPDX-License-Identifier: GPL-2.0
/*
 * The AMD code of a segment. Pure: builds unchanged in user space.
 *
 * GF(2^128) is taken modulo x^128 + x^7 + x^2 + x + 1; bit i of byte j of a
 * block is the coefficient of x^(8 j + i). Everything but the lengths is
 * secret: no branch and no address depends on it.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>
#include "amd.h"

#define EVERY4	0x1111111111111111ULL

/*
 * The carryless product is made by integer multiplications of words in which
 * three zero bits follow each used bit: up to 15 carries stay in the hole. Only
 * the top used bit can sum up 16 products, and its carry leaves the word. The
 * upper half of a product is the lower half of the product of the reversed
 * words, reversed and shifted by one.
 */
static void spread(u64 part[4], u64 v)
{
	int i;

	for (i = 0; i < 4; i++)
		part[i] = v & (EVERY4 << i);
}

static u64 reverse(u64 v)
{
	v = (v >> 1 & 0x5555555555555555ULL) | (v & 0x5555555555555555ULL) << 1;
	v = (v >> 2 & 0x3333333333333333ULL) | (v & 0x3333333333333333ULL) << 2;
	v = (v >> 4 & 0x0f0f0f0f0f0f0f0fULL) | (v & 0x0f0f0f0f0f0f0f0fULL) << 4;
	v = (v >> 8 & 0x00ff00ff00ff00ffULL) | (v & 0x00ff00ff00ff00ffULL) << 8;
	v = (v >> 16 & 0x0000ffff0000ffffULL) |
	    (v & 0x0000ffff0000ffffULL) << 16;
	return v >> 32 | v << 32;
}

/* Lower 64 bits of the carryless product of v and the word spread in b */
static u64 mul_low(u64 v, const u64 b[4])
{
	u64 a[4];

	spread(a, v);
	return ((a[0] * b[0] ^ a[1] * b[3] ^ a[2] * b[2] ^ a[3] * b[1]) &
		EVERY4) |
	       ((a[0] * b[1] ^ a[1] * b[0] ^ a[2] * b[3] ^ a[3] * b[2]) &
		(EVERY4 << 1)) |
	       ((a[0] * b[2] ^ a[1] * b[1] ^ a[2] * b[0] ^ a[3] * b[3]) &
		(EVERY4 << 2)) |
	       ((a[0] * b[3] ^ a[1] * b[2] ^ a[2] * b[1] ^ a[3] * b[0]) &
		(EVERY4 << 3));
}

static void key_set(struct amd_key *key, const struct amd_elem *r)
{
	u64 low = r->word[0], high = r->word[1];

	key->r = *r;
	spread(key->part[0], low);
	spread(key->part[1], high);
	spread(key->part[2], low ^ high);
	spread(key->part[3], reverse(low));
	spread(key->part[4], reverse(high));
	spread(key->part[5], reverse(low ^ high));
}

/* acc * r: Karatsuba, then the reduction twice over */
static void elem_mul(struct amd_elem *acc, const struct amd_key *key)
{
	u64 a = acc->word[0], b = acc->word[1];
	u64 ar = reverse(a), br = reverse(b);
	u64 l0 = mul_low(a, key->part[0]);
	u64 h0 = mul_low(b, key->part[1]);
	u64 m0 = mul_low(a ^ b, key->part[2]) ^ l0 ^ h0;
	u64 l1 = reverse(mul_low(ar, key->part[3])) >> 1;
	u64 h1 = reverse(mul_low(br, key->part[4])) >> 1;
	u64 m1 = reverse(mul_low(ar ^ br, key->part[5])) >> 1;
	u64 p[4];

	m1 ^= l1 ^ h1;
	p[0] = l0;
	p[1] = l1 ^ m0;
	p[2] = h0 ^ m1;
	p[3] = h1;

	/* x^128 = x^7 + x^2 + x + 1: the top word first, it may reach p[2] */
	p[1] ^= p[3] ^ p[3] << 1 ^ p[3] << 2 ^ p[3] << 7;
	p[2] ^= p[3] >> 63 ^ p[3] >> 62 ^ p[3] >> 57;
	p[0] ^= p[2] ^ p[2] << 1 ^ p[2] << 2 ^ p[2] << 7;
	p[1] ^= p[2] >> 63 ^ p[2] >> 62 ^ p[2] >> 57;
	acc->word[0] = p[0];
	acc->word[1] = p[1];
}

static u64 load_le64(const u8 *p)
{
	u64 v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v |= (u64)p[i] << (8 * i);
	return v;
}

static void store_le64(u8 *p, u64 v)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = v >> (8 * i);
}

static void store_be(u8 *p, u64 v, int bytes)
{
	while (bytes--) {
		p[bytes] = v;
		v >>= 8;
	}
}

static void portable_blocks(struct amd_elem *acc, const struct amd_key *key,
			    const u8 *data, size_t n)
{
	for (; n; n--, data += AMD_BLOCK) {
		acc->word[0] ^= load_le64(data);
		acc->word[1] ^= load_le64(data + 8);
		elem_mul(acc, key);
	}
}

static const struct amd_variant portable = {
	.name		= "portable64",
	.priority	= 0,
	.blocks		= portable_blocks,
};

#if defined(__x86_64__) && !defined(__KERNEL__)
extern const struct amd_variant amd_clmul;
#endif

const struct amd_variant *const amd_variants[] = {
	&portable,
#if defined(__x86_64__) && !defined(__KERNEL__)
	&amd_clmul,
#endif
	NULL
};

/**
 * amd_best - the fastest variant that this machine can run
 *
 * Any context. Never NULL: the portable one is always valid.
 */
const struct amd_variant *amd_best(void)
{
	const struct amd_variant *best = &portable;
	const struct amd_variant *const *v;

	for (v = amd_variants; *v; v++)
		if ((!(*v)->valid || (*v)->valid()) &&
		    (*v)->priority > best->priority)
			best = *v;
	return best;
}

static void take(struct amd_ctx *ctx, const u8 *data, size_t n)
{
	ctx->variant->blocks(&ctx->acc, &ctx->key, data, n);
	ctx->odd ^= n & 1;
}

/**
 * amd_init_variant - amd_init() with one implementation
 * @ctx:	context to set up
 * @r:		16 uniform bytes, used for this segment of this version only
 * @header:	what the segment is bound to
 * @variant:	a valid one of amd_variants[]
 */
void amd_init_variant(struct amd_ctx *ctx, const u8 r[AMD_BLOCK],
		      const struct amd_header *header,
		      const struct amd_variant *variant)
{
	struct amd_elem elem = {
		.word = { load_le64(r), load_le64(r + 8) },
	};
	u8 head[3 * AMD_BLOCK] = "";

	memset(ctx, 0, sizeof(*ctx));
	ctx->variant = variant;
	ctx->left = header->segment_len;
	key_set(&ctx->key, &elem);

	/* acc = r^2, so that the first block ends with r^d and r^2 with r^(d+2) */
	ctx->acc = elem;
	elem_mul(&ctx->acc, &ctx->key);

	memcpy(head, header->object, 16);
	store_be(head + 16, header->version, 4);
	store_be(head + 20, header->segment, 4);
	store_be(head + 24, header->segment_len, 8);
	store_be(head + 32, header->object_len, 8);
	memcpy(head + 40, "SSN AMD1", 8);
	take(ctx, head, 3);
	memzero_explicit(&elem, sizeof(elem));
}

/**
 * amd_init - begin with a segment
 * @ctx:	context; holds secrets until amd_final() or amd_verify()
 * @r:		16 uniform bytes, used for this segment of this version only
 * @header:	what the segment is bound to
 */
void amd_init(struct amd_ctx *ctx, const u8 r[AMD_BLOCK],
	      const struct amd_header *header)
{
	amd_init_variant(ctx, r, header, amd_best());
}

/**
 * amd_update - the next bytes of the segment
 * @ctx:	context
 * @data:	bytes
 * @len:	how many, any number; more in all than the header's segment_len
 *	is an error that amd_final() and amd_verify() report
 */
void amd_update(struct amd_ctx *ctx, const void *data, size_t len)
{
	const u8 *p = data;
	size_t n;

	if (len > ctx->left) {
		ctx->error = -EMSGSIZE;
		return;
	}
	ctx->left -= len;

	if (ctx->fill) {
		n = AMD_BLOCK - ctx->fill;
		if (n > len)
			n = len;
		memcpy(ctx->tail + ctx->fill, p, n);
		ctx->fill += n;
		p += n;
		len -= n;
		if (ctx->fill < AMD_BLOCK)
			return;
		take(ctx, ctx->tail, 1);
		ctx->fill = 0;
	}
	n = len / AMD_BLOCK;
	take(ctx, p, n);
	ctx->fill = len % AMD_BLOCK;
	if (ctx->fill)
		memcpy(ctx->tail, p + n * AMD_BLOCK, ctx->fill);
}

/**
 * amd_final - end of the segment
 * @ctx:	context, wiped
 * @t:		where t goes; the trailer that is split along is r, then t
 *
 * Returns 0; -EMSGSIZE when there was more than the header's segment_len and
 * -ENODATA when there was less, with @t zeroed.
 */
int amd_final(struct amd_ctx *ctx, u8 t[AMD_BLOCK])
{
	static const u8 zero[AMD_BLOCK];
	int err = ctx->error;

	if (!err && ctx->left)
		err = -ENODATA;
	memset(t, 0, AMD_BLOCK);
	if (err)
		goto wipe;

	if (ctx->fill) {
		memset(ctx->tail + ctx->fill, 0, AMD_BLOCK - ctx->fill);
		take(ctx, ctx->tail, 1);
	}
	if (!ctx->odd)		/* d must be odd, for d + 2 to be */
		take(ctx, zero, 1);
	store_le64(t, ctx->acc.word[0]);
	store_le64(t + 8, ctx->acc.word[1]);
wipe:
	memzero_explicit(ctx, sizeof(*ctx));
	return err;
}

/**
 * amd_verify - end of the segment, compared with the t that came along
 * @ctx:	context, wiped
 * @t:		16 bytes as combined
 *
 * Compares in constant time. Returns 0; -EBADMSG when t is another: the
 * segment is not the one that was dealt; else as amd_final().
 */
int amd_verify(struct amd_ctx *ctx, const u8 t[AMD_BLOCK])
{
	u8 want[AMD_BLOCK], diff = 0;
	int err = amd_final(ctx, want);
	int i;

	for (i = 0; i < AMD_BLOCK; i++)
		diff |= want[i] ^ t[i];
	memzero_explicit(want, sizeof(want));
	if (err)
		return err;
	return diff ? -EBADMSG : 0;
}
