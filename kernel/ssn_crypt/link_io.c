// SPDX-License-Identifier: GPL-2.0
/* Link sockets: messages out and in. */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/sched/signal.h>
#include <linux/ssn.h>
#include <linux/uio.h>
#include <net/sock.h>
#include "conn.h"
#include "link.h"

/* The control message SSN_SHARE, if there is one. 1, 0 or -EINVAL. */
static int share_from_cmsg(struct msghdr *msg, struct ssn_share *share)
{
	struct cmsghdr *c;
	int found = 0;

	for_each_cmsghdr(c, msg) {
		if (!CMSG_OK(msg, c))
			return -EINVAL;
		if (c->cmsg_level != SOL_SSN)
			continue;
		if (c->cmsg_type != SSN_SHARE || found ||
		    c->cmsg_len != CMSG_LEN(sizeof(*share)))
			return -EINVAL;
		memcpy(share, CMSG_DATA(c), sizeof(*share));
		if (share->flags & ~SSN_SHARE_CONTROL)
			return -EINVAL;
		found = 1;
	}
	return found;
}

static struct ssn_buf *copy_in(struct msghdr *msg, u32 len)
{
	struct ssn_buf *buf = ssn_buf_alloc(len);
	u32 off = 0, chunk;
	u8 *at;

	if (!buf)
		return ERR_PTR(-ENOBUFS);
	while (off < len) {
		at = ssn_buf_at(buf, off, &chunk);
		if (!copy_from_iter_full(at, chunk, &msg->msg_iter)) {
			ssn_buf_put(buf);
			return ERR_PTR(-EFAULT);
		}
		off += chunk;
	}
	return buf;
}

/* Holds window and pad, waiting for them as long as the caller does. */
static int reserve(struct link_sock *ls, u32 len, long timeo,
		   struct ssn_reservation *res)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = &ls->sk;
	int err, why;

	add_wait_queue(sk_sleep(sk), &wait);
	for (;;) {
		err = link_connected(ls);
		if (!err && sk->sk_shutdown & SEND_SHUTDOWN)
			err = -EPIPE;
		if (err)
			break;
		err = ssn_conn_reserve(ls->conn, len, res);
		if (err != -EAGAIN && err != -ENOKEY)
			break;
		why = link_wait(sk, &wait, &timeo);
		if (why) {
			/* Time ran out for want of pad: say so (invariant 3) */
			if (why != -EAGAIN)
				err = why;
			break;
		}
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return err;
}

/**
 * link_sendmsg - send one message
 * @sock:	connected link socket
 * @msg:	data, and SSN_SHARE as a control message if it is a share
 * @len:	bytes, at most SSN_MSG_MAX
 *
 * All or nothing. Waits for window and pad unless MSG_DONTWAIT.
 *
 * Return: @len; -EMSGSIZE, -EINVAL (control message), -ENOTCONN, -EPIPE,
 * -EAGAIN (no window), -ENOKEY (no pad: now, or within SO_SNDTIMEO), -EFAULT,
 * -ENOBUFS, or why the connection ended.
 */
int link_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	bool dontwait = msg->msg_flags & MSG_DONTWAIT;
	struct link_sock *ls = link_sk(sock->sk);
	struct ssn_reservation res;
	struct ssn_share share;
	struct ssn_buf *buf;
	int err, marked;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (len > SSN_MSG_MAX)
		return -EMSGSIZE;
	marked = share_from_cmsg(msg, &share);
	if (marked < 0)
		return marked;

	lock_sock(sock->sk);
	err = reserve(ls, len, sock_sndtimeo(sock->sk, dontwait), &res);
	if (err)
		goto out;
	buf = copy_in(msg, len);
	if (IS_ERR(buf)) {
		err = PTR_ERR(buf);
		ssn_conn_unreserve(ls->conn, &res);
		goto out;
	}
	err = ssn_conn_send(ls->conn, &res, marked ? &share : NULL, buf);
out:
	release_sock(sock->sk);
	if (err == -EPIPE && !(msg->msg_flags & MSG_NOSIGNAL))
		send_sig(SIGPIPE, current, 0);
	return err ?: (int)len;
}

/* The next message; NULL at the end of the stream, or an error. */
static struct ssn_msg *next_msg(struct link_sock *ls, long timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = &ls->sk;
	struct ssn_msg *msg = NULL;
	int err;

	add_wait_queue(sk_sleep(sk), &wait);
	for (;;) {
		err = link_connected(ls);
		if (err)
			break;
		msg = ssn_conn_dequeue(ls->conn);
		if (msg)
			break;
		if (sk->sk_shutdown & RCV_SHUTDOWN ||
		    ssn_conn_peer_closed(ls->conn))
			break;
		if (ssn_conn_state(ls->conn) == SSN_CONN_DOWN) {
			err = ssn_conn_error(ls->conn);
			break;
		}
		err = link_wait(sk, &wait, &timeo);
		if (err)
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return err ? ERR_PTR(err) : msg;
}

/* Out through a tile that is wiped, so that no clear data stays behind. */
static int copy_out(struct ssn_msg *m, struct msghdr *msg, u32 len)
{
	u8 *tile = (u8 *)__get_free_page(GFP_KERNEL_ACCOUNT);
	u32 off = 0, n;
	int err = 0;

	if (!tile)
		return -ENOBUFS;
	while (off < len && !err) {
		n = min_t(u32, len - off, PAGE_SIZE);
		err = ssn_msg_read(m, off, tile, n);
		if (!err && copy_to_iter(tile, n, &msg->msg_iter) != n)
			err = -EFAULT;
		off += n;
	}
	memzero_explicit(tile, PAGE_SIZE);
	free_page((unsigned long)tile);
	return err;
}

/**
 * link_recvmsg - receive one message
 * @sock:	connected link socket
 * @msg:	where it goes; a share comes with SSN_SHARE
 * @len:	room for it; what does not fit is discarded, with MSG_TRUNC
 * @flags:	MSG_DONTWAIT, MSG_TRUNC
 *
 * After -EFAULT the message is still there.
 *
 * Return: bytes copied (with MSG_TRUNC in @flags the message's length), 0 at the
 * end of the stream; -EAGAIN, -ENOTCONN, -EFAULT, -ENOBUFS, -EOPNOTSUPP
 * (MSG_PEEK, MSG_OOB), or why the connection ended.
 */
int link_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		 int flags)
{
	struct link_sock *ls = link_sk(sock->sk);
	struct ssn_msg *m;
	u32 n;
	int err;

	if (flags & (MSG_PEEK | MSG_OOB))
		return -EOPNOTSUPP;
	lock_sock(sock->sk);
	m = next_msg(ls, sock_rcvtimeo(sock->sk, flags & MSG_DONTWAIT));
	if (IS_ERR_OR_NULL(m)) {
		err = PTR_ERR_OR_ZERO(m);
		goto out;
	}
	n = min_t(size_t, len, m->len);
	err = copy_out(m, msg, n);
	if (err) {
		ssn_msg_unread(m);
		goto out;
	}
	msg->msg_flags |= MSG_EOR;
	if (n < m->len)
		msg->msg_flags |= MSG_TRUNC;
	if (m->has_share)
		put_cmsg(msg, SOL_SSN, SSN_SHARE, sizeof(m->share), &m->share);
	err = flags & MSG_TRUNC ? m->len : n;
	ssn_msg_free(m);
out:
	release_sock(sock->sk);
	return err;
}
