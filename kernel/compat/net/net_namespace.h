/* SPDX-License-Identifier: GPL-2.0 */
/* 6.6 wants the length of a sysctl table, before it was ended by an empty row. */
#ifndef _COMPAT_NET_NET_NAMESPACE_H
#define _COMPAT_NET_NET_NAMESPACE_H

#include <linux/version.h>
#include_next <net/net_namespace.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define ssn_register_sysctl(net, path, table, n) \
	register_net_sysctl(net, path, table)
#else
#define ssn_register_sysctl(net, path, table, n) \
	register_net_sysctl_sz(net, path, table, n)
#endif

#endif /* _COMPAT_NET_NET_NAMESPACE_H */
