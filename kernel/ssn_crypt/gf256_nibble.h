/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Products with a constant for variants that shuffle: the product of a byte is
 * the sum of what the constant makes of its lower and of its upper four bits.
 */
#ifndef _SSN_GF256_NIBBLE_H
#define _SSN_GF256_NIBBLE_H

#include <linux/types.h>

static inline u8 nibble_twice(u8 c)
{
	return c << 1 ^ (c >> 7) * 0x1b;
}

/* c times 0, 1, .. 15, then c times 0, 16, .. 240; 16 bytes each */
static __attribute__((__noinline__)) void nibble_tables(u64 table[4], u8 c)
{
	const u64 ones = 0x0101010101010101ULL;
	unsigned int i;

	for (i = 0; i < 4; i += 2) {
		table[i] = c * ones & 0xff00ff00ff00ff00ULL;
		c = nibble_twice(c);
		table[i] ^= c * ones & 0xffff0000ffff0000ULL;
		c = nibble_twice(c);
		table[i] ^= c * ones & 0xffffffff00000000ULL;
		c = nibble_twice(c);
		table[i + 1] = table[i] ^ c * ones;
		c = nibble_twice(c);
	}
}

#endif /* _SSN_GF256_NIBBLE_H */
