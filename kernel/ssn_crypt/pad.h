/* SPDX-License-Identifier: GPL-2.0 */
/* One-time pad: added to a buffer, and destroyed. */
#ifndef _SSN_PAD_H
#define _SSN_PAD_H

#include <linux/types.h>

/**
 * struct pad_variant - one implementation
 * @name:	for statistics and tests
 * @priority:	the valid one with the highest priority is used
 * @valid:	whether this machine can run it; NULL means always
 * @sum:	dst = src + pad
 * @wipe:	the same, and pad = 0
 * @past:	as @sum, by stores that pass the cache by; @dst is 64 bytes aligned
 *		and apart from @src, @len a multiple of 64. NULL if it has none
 *
 * As ssn_pad_xor() and ssn_pad_xor_wipe(). In the kernel one that uses vector
 * registers is called between simd_begin() and simd_end().
 */
struct pad_variant {
	const char	*name;
	int		priority;
	bool		(*valid)(void);
	void		(*sum)(u8 *dst, const u8 *src, const u8 *pad,
			       size_t len);
	void		(*wipe)(u8 *dst, const u8 *src, u8 *pad, size_t len);
	void		(*past)(u8 *dst, const u8 *src, const u8 *pad,
				size_t len);
};

/* All that were built in; ends with NULL. The first is the scalar one. */
extern const struct pad_variant *const pad_variants[];

void ssn_pad_xor(u8 *dst, const u8 *src, const u8 *pad, size_t len);
void ssn_pad_xor_wipe(u8 *dst, const u8 *src, u8 *pad, size_t len);

#endif /* _SSN_PAD_H */
