// SPDX-License-Identifier: GPL-2.0
/*
 * Share sockets: socket(family, SOCK_SEQPACKET, SSNPROTO_SHARE).
 *
 * connect(2) takes a snapshot of a group and opens a connection to each of its
 * members at once; it succeeds when every member has settled and k of them are
 * live. SSN_MEMBERS says what became of each.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include "family.h"
#include "group.h"
#include "scheme.h"
#include "share.h"

static struct proto share_proto = {
	.name		= "SSN_SHARE",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct share_sock),
};

static void local_gained(struct qkd_waiter *w)
{
	struct share_sock *ss = container_of(w, struct share_sock, local_waiter);

	share_wake(ss, EPOLLOUT | EPOLLWRNORM);
}

/* Give the members that still connect up: the caller's time is over */
static void connect_timeout(struct share_sock *ss)
{
	unsigned int i;

	for (i = 0; i < ss->group->n; i++)
		if (READ_ONCE(ss->member[i].state) == SSN_MEMBER_CONNECTING)
			share_fail(&ss->member[i], -ETIMEDOUT);
}

/*
 * The end of connecting. The members stay after a failure, for SSN_MEMBERS,
 * until the next connect(2) or close(2).
 */
static int connect_end(struct share_sock *ss)
{
	struct sock *sk = &ss->sk;
	unsigned int live, connecting;

	share_count(ss, &live, &connecting);
	if (connecting)
		return -EINPROGRESS;
	if (live < ss->group->k) {
		sk->sk_socket->state = SS_UNCONNECTED;
		sk->sk_state = TCP_CLOSE;
		WRITE_ONCE(sk->sk_err, EHOSTUNREACH);
		return -EHOSTUNREACH;
	}
	sk->sk_socket->state = SS_CONNECTED;
	sk->sk_state = TCP_ESTABLISHED;
	return 0;
}

/**
 * share_connected - whether the socket may be used
 * @ss:	share socket, locked
 *
 * Takes note of a connect that went on in the background. Returns 0, -ENOTCONN
 * or the connect's error, which SO_ERROR still gives.
 */
int share_connected(struct share_sock *ss)
{
	int err;

	switch (ss->sk.sk_socket->state) {
	case SS_CONNECTED:
		return 0;
	case SS_CONNECTING:
		err = connect_end(ss);
		return err == -EINPROGRESS ? -ENOTCONN : err;
	default:
		return -ENOTCONN;
	}
}

static int connect_begin(struct share_sock *ss, const struct sockaddr_ssn *addr)
{
	struct sock *sk = &ss->sk;
	struct ssn_group *group;
	int err;

	if (sk->sk_shutdown)
		return -EPIPE;
	group = ssn_group_get(sock_net(sk), addr->ssn_group);
	if (!group)
		return -ENOENT;
	share_close(ss);	/* of a connect that failed */
	ss->scheme = ssn_scheme_find(group->scheme);	/* the group was checked */
	if (!ss->coeff_set)
		ss->coeff = ss->scheme->fill_weights ? SSN_COEFF_PAD :
						       SSN_COEFF_CRNG;
	sock_error(sk);
	err = share_open(ss, group);
	if (err) {
		ssn_group_put(group);
		return err;
	}
	ss->dealt = false;
	ss->first = get_random_u32() % ss->group->n;
	sk->sk_socket->state = SS_CONNECTING;
	sk->sk_state = TCP_SYN_SENT;
	return 0;
}

static int share_connect(struct socket *sock, struct sockaddr *uaddr,
			 int addr_len, int flags)
{
	const struct sockaddr_ssn *addr = (const void *)uaddr;
	struct sock *sk = sock->sk;
	struct share_sock *ss = share_sk(sk);
	int err, seen;
	long timeo;

	if (addr_len < (int)sizeof(*addr))
		return -EINVAL;
	if (addr->ssn_family != sk->sk_family)
		return -EAFNOSUPPORT;
	if (!addr->ssn_group || addr->ssn_node || addr->ssn_service ||
	    addr->ssn_zero)
		return -EINVAL;

	lock_sock(sk);
	timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);
	switch (sock->state) {
	case SS_CONNECTED:
		err = -EISCONN;
		goto unlock;
	case SS_CONNECTING:
		if (addr->ssn_group != ss->group->id) {
			err = -EALREADY;
			goto unlock;
		}
		err = connect_end(ss);
		if (err == -EINPROGRESS && !timeo)
			err = -EALREADY;
		break;
	default:
		err = connect_begin(ss, addr);
		if (!err)
			err = connect_end(ss);
		break;
	}
	while (err == -EINPROGRESS && (timeo || !(flags & O_NONBLOCK))) {
		seen = atomic_read(&ss->kicks);
		err = connect_end(ss);
		if (err != -EINPROGRESS)
			break;
		err = share_wait(ss, seen, &timeo);
		if (sock->state != SS_CONNECTING) {
			/* another thread saw the end of it */
			err = sock->state == SS_CONNECTED ? 0 : -EHOSTUNREACH;
			break;
		}
		if (err == -EAGAIN)
			connect_timeout(ss);
		else if (err)
			break;
		err = connect_end(ss);
	}
	/* Told here, it is not told by SO_ERROR again. */
	if (err == -EHOSTUNREACH)
		sock_error(sk);
unlock:
	release_sock(sk);
	return err;
}

static int share_getname(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	struct share_sock *ss = share_sk(sock->sk);
	struct sockaddr_ssn *addr = (void *)uaddr;
	int err = 0;

	memset(addr, 0, sizeof(*addr));
	addr->ssn_family = sock->sk->sk_family;
	if (peer) {
		lock_sock(sock->sk);
		err = share_connected(ss);
		if (!err)
			addr->ssn_group = ss->group->id;
		release_sock(sock->sk);
	}
	return err ? err : (int)sizeof(*addr);
}

static __poll_t share_poll(struct file *file, struct socket *sock,
			   poll_table *wait)
{
	struct sock *sk = sock->sk;
	struct share_sock *ss = share_sk(sk);
	__poll_t mask = 0;

	sock_poll_wait(file, sock, wait);
	lock_sock(sk);
	if (sock->state == SS_CONNECTING)
		share_connected(ss);
	if (sk->sk_err)
		mask |= EPOLLERR;
	switch (sock->state) {
	case SS_CONNECTED:
		if (sk->sk_shutdown & RCV_SHUTDOWN)
			mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
		else if (share_readable(ss))
			mask |= EPOLLIN | EPOLLRDNORM;
		if (sk->sk_shutdown == SHUTDOWN_MASK)
			mask |= EPOLLHUP;
		if (share_writable(ss))
			mask |= EPOLLOUT | EPOLLWRNORM;
		break;
	case SS_CONNECTING:
		break;
	default:
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLHUP;
		break;
	}
	/* After looking, which may end a member; not while connecting goes on */
	if (sock->state != SS_CONNECTING && READ_ONCE(ss->changed))
		mask |= EPOLLERR | EPOLLPRI;
	release_sock(sk);
	return mask;
}

static int share_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct share_sock *ss = share_sk(sk);
	unsigned int i;
	int err;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	lock_sock(sk);
	err = share_connected(ss);
	if (err)
		goto unlock;
	sk->sk_shutdown |= how + 1;
	if (sk->sk_shutdown & SEND_SHUTDOWN)
		for (i = 0; i < ss->group->n; i++)
			if (ss->member[i].conn)
				ssn_conn_shutdown(ss->member[i].conn);
	share_wake(ss, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
unlock:
	release_sock(sk);
	return err;
}

static int share_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct share_sock *ss;

	if (!sk)
		return 0;
	ss = share_sk(sk);
	lock_sock(sk);
	sk->sk_shutdown = SHUTDOWN_MASK;
	share_local_drop(ss);
	share_close(ss);
	release_sock(sk);
	sock_orphan(sk);
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

static const struct proto_ops share_ops = {
	.family		= PF_UNSPEC,	/* set when a slot was taken */
	.owner		= THIS_MODULE,
	.release	= share_release,
	.bind		= sock_no_bind,
	.connect	= share_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= sock_no_accept,
	.getname	= share_getname,
	.poll		= share_poll,
	.ioctl		= sock_no_ioctl,
	.listen		= sock_no_listen,
	.shutdown	= share_shutdown,
	.setsockopt	= share_setsockopt,
	.getsockopt	= share_getsockopt,
	.sendmsg	= share_sendmsg,
	.recvmsg	= share_recvmsg,
	.mmap		= sock_no_mmap,
};

/**
 * ssn_share_create - make a share socket
 * @net:	network namespace
 * @sock:	SOCK_SEQPACKET, SSNPROTO_SHARE; whether the caller may has been
 *		checked
 * @kern:	made by the kernel
 *
 * Context: process. Returns 0 or -ENOBUFS.
 */
int ssn_share_create(struct net *net, struct socket *sock, int kern)
{
	struct share_sock *ss;
	struct sock *sk;

	sk = sk_alloc(net, ssn_family, GFP_KERNEL, &share_proto, kern);
	if (!sk)
		return -ENOBUFS;
	sock_init_data(sock, sk);
	sock->ops = &share_ops;
	sk->sk_protocol = SSNPROTO_SHARE;
	sk->sk_state = TCP_CLOSE;

	ss = share_sk(sk);
	spin_lock_init(&ss->lock);
	atomic_set(&ss->kicks, 0);
	ss->coeff = SSN_COEFF_PAD;
	ss->local_waiter.fn = local_gained;
	return 0;
}

int ssn_share_init(void)
{
	return proto_register(&share_proto, 0);
}

void ssn_share_exit(void)
{
	proto_unregister(&share_proto);
}
