/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's types for the pure arithmetic files when they are built in user
 * space (-I include/pure). Nothing but the names that those files use.
 */
#ifndef _PURE_LINUX_TYPES_H
#define _PURE_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#endif /* _PURE_LINUX_TYPES_H */
