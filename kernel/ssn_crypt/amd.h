/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Algebraic manipulation detection code of a segment (R. Cramer, Y. Dodis,
 * S. Fehr, C. Padro, D. Wichs, EUROCRYPT 2008, section 3): whoever can only
 * add to what was encoded, without seeing it, is found out.
 *
 * Over GF(2^128), for blocks m_1 .. m_d and a fresh uniform r,
 *
 *	t = r^(d+2) + m_1 r^d + m_2 r^(d-1) + ... + m_d r,	d + 2 odd.
 *
 * The blocks are the header (three), the segment's bytes and zeroes; (segment,
 * r, t) is what is split. An addition that does not depend on the segment
 * passes with a probability of at most (d + 1) / 2^128 over r.
 *
 *	amd_init(&a, r, &header);
 *	while (more)
 *		amd_update(&a, data, len);
 *	err = amd_final(&a, t);		or amd_verify(&a, t)
 */
#ifndef _SSN_AMD_H
#define _SSN_AMD_H

#include <linux/types.h>

#define AMD_BLOCK	16			/* bytes in r, t and a block */
#define AMD_TRAILER	(2 * AMD_BLOCK)		/* r, then t */

/**
 * struct amd_header - what a segment is bound to, besides its bytes
 * @object:	object id
 * @version:	version of the object
 * @segment:	number of the segment
 * @segment_len: bytes in this segment, without the trailer
 * @object_len:	bytes in the whole object
 */
struct amd_header {
	u8	object[16];
	u32	version;
	u32	segment;
	u64	segment_len;
	u64	object_len;
};

/* An element: bit i of word[j] is the coefficient of x^(64 j + i) */
struct amd_elem {
	u64	word[2];
};

/**
 * struct amd_key - r, as the portable multiplication wants it. Secret.
 * @part:	low word, high word and their sum, then the same three with
 *	their bits in reverse order; each in four words of every fourth bit
 */
struct amd_key {
	struct amd_elem	r;
	u64		part[6][4];
};

/**
 * struct amd_variant - one implementation of the inner loop
 * @name:	for statistics and tests
 * @priority:	the valid one with the highest priority is used
 * @valid:	whether this machine can run it; NULL means always
 * @blocks:	for each of @n blocks: acc = (acc + block) * r
 */
struct amd_variant {
	const char	*name;
	int		priority;
	bool		(*valid)(void);
	void		(*blocks)(struct amd_elem *acc,
				  const struct amd_key *key, const u8 *data,
				  size_t n);
};

/* All that were built in; ends with NULL. The first is the portable one. */
extern const struct amd_variant *const amd_variants[];

/**
 * struct amd_ctx - a segment being encoded or verified. Secret.
 * @left:	bytes of the segment still to come
 * @fill:	bytes in @tail
 * @error:	the first error; sticks
 * @odd:	whether an odd number of blocks was taken in
 */
struct amd_ctx {
	const struct amd_variant *variant;
	struct amd_key	key;
	struct amd_elem	acc;
	u64		left;
	u8		tail[AMD_BLOCK];
	unsigned int	fill;
	int		error;
	bool		odd;
};

const struct amd_variant *amd_best(void);
void amd_init(struct amd_ctx *ctx, const u8 r[AMD_BLOCK],
	      const struct amd_header *header);
void amd_init_variant(struct amd_ctx *ctx, const u8 r[AMD_BLOCK],
		      const struct amd_header *header,
		      const struct amd_variant *variant);
void amd_update(struct amd_ctx *ctx, const void *data, size_t len);
int amd_final(struct amd_ctx *ctx, u8 t[AMD_BLOCK]);
int amd_verify(struct amd_ctx *ctx, const u8 t[AMD_BLOCK]);

#endif /* _SSN_AMD_H */
