// SPDX-License-Identifier: GPL-2.0
/* One-time pad. Pure: builds unchanged in user space. */
#include <linux/string.h>
#include <linux/types.h>
#include "pad.h"

/**
 * ssn_pad_xor - add a pad
 * @dst:	where the sum goes, @len bytes
 * @src:	message or ciphertext, @len bytes; the same as @dst or apart
 * @pad:	@len bytes of pad; overlaps neither
 * @len:	bytes, any number
 *
 * Any context.
 */
void ssn_pad_xor(u8 *dst, const u8 *src, const u8 *pad, size_t len)
{
	size_t i = 0;
	u64 a, b;

	for (; len - i >= 8; i += 8) {
		memcpy(&a, src + i, 8);
		memcpy(&b, pad + i, 8);
		a ^= b;
		memcpy(dst + i, &a, 8);
	}
	for (; i < len; i++)
		dst[i] = src[i] ^ pad[i];
}

/**
 * ssn_pad_xor_wipe - add a pad and destroy it
 * @dst:	where the sum goes, @len bytes
 * @src:	message or ciphertext, @len bytes; the same as @dst or apart
 * @pad:	@len bytes of pad, zero afterwards; overlaps neither
 * @len:	bytes, any number
 *
 * Any context. The pad is zero when this returns, in whatever order the
 * compiler puts it.
 */
void ssn_pad_xor_wipe(u8 *dst, const u8 *src, u8 *pad, size_t len)
{
	ssn_pad_xor(dst, src, pad, len);
	memzero_explicit(pad, len);
}
