/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's string functions for the pure arithmetic files when they are
 * built in user space (-I include/pure).
 */
#ifndef _PURE_LINUX_STRING_H
#define _PURE_LINUX_STRING_H

#include <linux/types.h>
#include <string.h>

/* memset() that the compiler may not drop, as in the kernel */
static inline void memzero_explicit(void *p, size_t len)
{
	memset(p, 0, len);
	__asm__ __volatile__("" : : "r" (p) : "memory");
}

#endif /* _PURE_LINUX_STRING_H */
