/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 6.10 put the arguments of proto_ops.accept into a struct. DEFINE_ACCEPT(name,
 * fn) makes an operation "name" of fn(sock, newsock, flags, kern).
 */
#ifndef _COMPAT_LINUX_NET_H
#define _COMPAT_LINUX_NET_H

#include <linux/version.h>
#include_next <linux/net.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define DEFINE_ACCEPT(name, fn)						\
static int name(struct socket *sock, struct socket *newsock, int flags,	\
		bool kern)						\
{									\
	return fn(sock, newsock, flags, kern);				\
}
#else
#define DEFINE_ACCEPT(name, fn)						\
static int name(struct socket *sock, struct socket *newsock,		\
		struct proto_accept_arg *arg)				\
{									\
	return fn(sock, newsock, arg->flags, arg->kern);		\
}
#endif

#endif /* _COMPAT_LINUX_NET_H */
