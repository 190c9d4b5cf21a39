/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages are lent to a socket, which holds them until it needs them no more, by
 * MSG_SPLICE_PAGES from 6.5 on and by kernel_sendpage() before.
 *
 * 6.10 put the arguments of proto_ops.accept into a struct. DEFINE_ACCEPT(name,
 * fn) makes an operation "name" of fn(sock, newsock, flags, kern).
 */
#ifndef _COMPAT_LINUX_NET_H
#define _COMPAT_LINUX_NET_H

#include <linux/bvec.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <linux/version.h>
#include_next <linux/net.h>

/* Bytes taken, or an error if it was none; @flags as in sendmsg(2). */
#ifdef MSG_SPLICE_PAGES
static inline int compat_send_pages(struct socket *sock, struct bio_vec *vec,
				    unsigned int n, size_t len, int flags)
{
	struct msghdr msg = { .msg_flags = flags | MSG_SPLICE_PAGES };

	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, vec, n, len);
	return sock_sendmsg(sock, &msg);
}
#else
static inline int compat_send_pages(struct socket *sock, struct bio_vec *vec,
				    unsigned int n, size_t len, int flags)
{
	int done = 0, ret;
	unsigned int i;

	for (i = 0; i < n; i++) {
		ret = kernel_sendpage(sock, vec[i].bv_page, vec[i].bv_offset,
				      vec[i].bv_len,
				      flags | (i + 1 < n ? MSG_MORE : 0));
		if (ret < 0)
			return done ?: ret;
		done += ret;
		if (ret < (int)vec[i].bv_len)
			break;
	}
	return done;
}
#endif

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
