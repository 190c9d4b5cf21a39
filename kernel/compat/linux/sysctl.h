/* SPDX-License-Identifier: GPL-2.0 */
/* 6.11 made the table of a sysctl handler const. */
#ifndef _COMPAT_LINUX_SYSCTL_H
#define _COMPAT_LINUX_SYSCTL_H

#include <linux/version.h>
#include_next <linux/sysctl.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define CTL_CONST
#else
#define CTL_CONST const
#endif

#endif /* _COMPAT_LINUX_SYSCTL_H */
