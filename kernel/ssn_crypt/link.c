// SPDX-License-Identifier: GPL-2.0
/*
 * Link sockets: socket(family, SOCK_SEQPACKET, SSNPROTO_LINK). One connection,
 * or a queue of verified ones at a service.
 *
 * A connection's callbacks only wake; whoever waits looks again. Lock order: the
 * socket, then what conn.h says; the table of services, then a queue's lock.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include "conn_parts.h"
#include "family.h"
#include "link.h"
#include "listen.h"
#include "net.h"

#define LINK_WINDOW	(4 * SSN_MSG_MAX)

static struct proto link_proto = {
	.name		= "SSN_LINK",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct link_sock),
};

void link_wake(struct sock *sk, __poll_t events)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, events);
	sk_wake_async(sk, events & EPOLLIN ? SOCK_WAKE_WAITD : SOCK_WAKE_SPACE,
		      events & EPOLLIN ? POLL_IN : POLL_OUT);
	rcu_read_unlock();
}

/* Of a connect that goes on in the background, SO_ERROR tells the result. */
static void state_change(struct ssn_conn *conn, void *owner)
{
	struct sock *sk = owner;

	if (READ_ONCE(sk->sk_state) == TCP_SYN_SENT &&
	    ssn_conn_state(conn) == SSN_CONN_DOWN)
		WRITE_ONCE(sk->sk_err, -ssn_conn_error(conn));
	link_wake(owner, EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP);
}

static void data_ready(struct ssn_conn *conn, void *owner)
{
	link_wake(owner, EPOLLIN | EPOLLRDNORM);
}

static void write_space(struct ssn_conn *conn, void *owner)
{
	link_wake(owner, EPOLLOUT | EPOLLWRNORM);
}

static const struct ssn_conn_ops link_conn_ops = {
	.state_change	= state_change,
	.data_ready	= data_ready,
	.write_space	= write_space,
};

/**
 * link_wait - wait until a connection's callback woke the socket
 * @sk:		socket, locked; unlocked while waiting
 * @wait:	entry in its wait queue, added before the condition was looked at
 * @timeo:	jiffies left, counted down
 *
 * Return: 0 to look again, -EAGAIN if no time was left, or what a signal gives.
 */
int link_wait(struct sock *sk, struct wait_queue_entry *wait, long *timeo)
{
	if (!*timeo)
		return -EAGAIN;
	if (signal_pending(current))
		return sock_intr_errno(*timeo);
	release_sock(sk);
	*timeo = wait_woken(wait, TASK_INTERRUPTIBLE, *timeo);
	lock_sock(sk);
	return 0;
}

/* ---- Services ---- */

static struct link_sock *listener_of(struct ssn_net *sn, u16 service)
{
	return xa_load(&sn->services, service);
}

static bool has_room(struct link_sock *ls)
{
	return ls && ls->listening && ls->queued < ls->backlog;
}

u8 ssn_link_offer(struct ssn_net *sn, u16 service)
{
	struct link_sock *ls;
	u8 status = SSN_WIRE_OK;

	xa_lock(&sn->services);
	ls = listener_of(sn, service);
	if (!ls || !ls->listening)
		status = SSN_WIRE_NO_SERVICE;
	else if (!has_room(ls))
		status = SSN_WIRE_BUSY;
	xa_unlock(&sn->services);
	return status;
}

/* Queues a verified connection, with its reference; -ECONNREFUSED otherwise. */
int ssn_link_deliver(struct ssn_net *sn, struct ssn_conn *conn)
{
	struct link_sock *ls;
	int err = -ECONNREFUSED;

	xa_lock(&sn->services);
	ls = listener_of(sn, conn->p.service);
	if (has_room(ls)) {
		spin_lock(&ls->queue_lock);
		list_add_tail(&conn->accept_node, &ls->queue);
		ls->queued++;
		spin_unlock(&ls->queue_lock);
		link_wake(&ls->sk, EPOLLIN | EPOLLRDNORM);
		err = 0;
	}
	xa_unlock(&sn->services);
	return err;
}

static struct ssn_conn *queue_pop(struct link_sock *ls)
{
	struct ssn_conn *conn;

	spin_lock(&ls->queue_lock);
	conn = list_first_entry_or_null(&ls->queue, struct ssn_conn,
					accept_node);
	if (conn) {
		list_del_init(&conn->accept_node);
		ls->queued--;
	}
	spin_unlock(&ls->queue_lock);
	return conn;
}

/* It could not be accepted after all: it is the next one again. */
static void queue_unpop(struct link_sock *ls, struct ssn_conn *conn)
{
	spin_lock(&ls->queue_lock);
	list_add(&conn->accept_node, &ls->queue);
	ls->queued++;
	spin_unlock(&ls->queue_lock);
	link_wake(&ls->sk, EPOLLIN | EPOLLRDNORM);
}

static int check_addr(const struct sock *sk, const struct sockaddr_ssn *addr,
		      int len)
{
	if (len < (int)sizeof(*addr))
		return -EINVAL;
	if (addr->ssn_family != sk->sk_family)
		return -EAFNOSUPPORT;
	if (addr->ssn_group || addr->ssn_zero)
		return -EINVAL;
	return 0;
}

static int link_bind(struct socket *sock, struct sockaddr *uaddr, int len)
{
	const struct sockaddr_ssn *addr = (const void *)uaddr;
	struct sock *sk = sock->sk;
	struct link_sock *ls = link_sk(sk);
	struct ssn_net *sn = ssn_net(sock_net(sk));
	int err = check_addr(sk, addr, len);

	if (err)
		return err;
	if (!addr->ssn_service)
		return -EINVAL;
	if (addr->ssn_node != SSN_NODE_ANY && addr->ssn_node != sn->node)
		return -EADDRNOTAVAIL;
	/* A service is what peers trust this node for. */
	if (addr->ssn_service < SSN_SERVICE_DYNAMIC &&
	    !ns_capable(sock_net(sk)->user_ns, CAP_NET_BIND_SERVICE))
		return -EACCES;
	lock_sock(sk);
	if (ls->service || ls->conn)
		err = -EINVAL;
	if (!err)
		err = xa_insert(&sn->services, addr->ssn_service, ls,
				GFP_KERNEL_ACCOUNT);
	if (err == -EBUSY)
		err = -EADDRINUSE;
	if (!err)
		ls->service = addr->ssn_service;
	release_sock(sk);
	return err;
}

static int link_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	struct link_sock *ls = link_sk(sk);
	struct ssn_net *sn = ssn_net(sock_net(sk));
	int err = -EINVAL;

	lock_sock(sk);
	if (ls->service && !ls->conn) {
		xa_lock(&sn->services);
		ls->backlog = clamp(backlog, 1, SOMAXCONN);
		ls->listening = true;
		xa_unlock(&sn->services);
		sk->sk_state = TCP_LISTEN;
		err = 0;
	}
	release_sock(sk);
	return err;
}

static struct sock *link_sock_new(struct net *net, struct socket *sock,
				  int kern);

static int accept_one(struct socket *sock, struct socket *newsock, int flags,
		      bool kern)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = sock->sk, *child;
	struct link_sock *ls = link_sk(sk);
	struct ssn_conn *conn = NULL;
	long timeo;
	int err = 0;

	lock_sock(sk);
	timeo = sock_rcvtimeo(sk, flags & O_NONBLOCK);
	add_wait_queue(sk_sleep(sk), &wait);
	while (!err) {
		if (!ls->listening)
			err = -EINVAL;
		else if ((conn = queue_pop(ls)))
			break;
		else
			err = link_wait(sk, &wait, &timeo);
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	release_sock(sk);
	if (err)
		return err;

	child = link_sock_new(sock_net(sk), newsock, kern);
	if (!child) {
		queue_unpop(ls, conn);
		return -ENOBUFS;
	}
	link_sk(child)->conn = conn;
	child->sk_state = TCP_ESTABLISHED;
	newsock->state = SS_CONNECTED;
	ssn_conn_attach(conn, &link_conn_ops, child);
	return 0;
}
DEFINE_ACCEPT(link_accept, accept_one)

/* ---- Connecting ---- */

static int connect_begin(struct link_sock *ls, const struct sockaddr_ssn *addr)
{
	struct ssn_conn_params p = {
		.node		= addr->ssn_node,
		.service	= addr->ssn_service,
		.proto		= SSNPROTO_LINK,
		.window		= LINK_WINDOW,
		.rcvbuf		= LINK_WINDOW,
	};
	struct ssn_conn *conn;

	if (!p.node)
		return -EINVAL;
	conn = ssn_conn_connect(sock_net(&ls->sk), &p, &link_conn_ops,
				&ls->sk);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	ls->conn = conn;
	ls->sk.sk_socket->state = SS_CONNECTING;
	ls->sk.sk_state = TCP_SYN_SENT;
	return 0;
}

/* Takes note of how connecting went; -EINPROGRESS while it goes on. */
static int connect_end(struct link_sock *ls)
{
	struct sock *sk = &ls->sk;
	int err;

	if (sk->sk_socket->state != SS_CONNECTING)
		return ls->conn ? 0 : -ENOTCONN;
	switch (ssn_conn_state(ls->conn)) {
	case SSN_CONN_CONNECTING:
		return -EINPROGRESS;
	case SSN_CONN_UP:
		break;
	default:
		err = ssn_conn_error(ls->conn);
		/* What came up and went down again was connected. */
		if (!err || ssn_conn_peer_closed(ls->conn))
			break;
		ssn_conn_close(ls->conn);
		ls->conn = NULL;
		sk->sk_socket->state = SS_UNCONNECTED;
		sk->sk_state = TCP_CLOSE;
		return err;
	}
	sk->sk_socket->state = SS_CONNECTED;
	sk->sk_state = TCP_ESTABLISHED;
	return 0;
}

static int link_connect(struct socket *sock, struct sockaddr *uaddr, int len,
			int flags)
{
	const struct sockaddr_ssn *addr = (const void *)uaddr;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = sock->sk;
	struct link_sock *ls = link_sk(sk);
	bool again = false;
	long timeo;
	int err = check_addr(sk, addr, len);

	if (err)
		return err;
	lock_sock(sk);
	timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);
	if (ls->listening || ls->service)
		err = -EOPNOTSUPP;
	else if (sock->state == SS_CONNECTED)
		err = -EISCONN;
	else if (sock->state == SS_CONNECTING)
		again = true;
	else
		err = connect_begin(ls, addr);
	add_wait_queue(sk_sleep(sk), &wait);
	while (!err) {
		err = connect_end(ls);
		if (err != -EINPROGRESS)
			break;
		if (!timeo && again)
			err = -EALREADY;
		if (!timeo)
			break;
		err = link_wait(sk, &wait, &timeo);
		if (err == -EAGAIN)
			err = -EINPROGRESS;
	}
	if (err && err != -EINPROGRESS && err != -EALREADY)
		sock_error(sk);		/* told here, not by SO_ERROR too */
	remove_wait_queue(sk_sleep(sk), &wait);
	release_sock(sk);
	return err;
}

static int link_getname(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	struct sockaddr_ssn *addr = (struct sockaddr_ssn *)uaddr;
	struct sock *sk = sock->sk;
	struct link_sock *ls = link_sk(sk);
	int len = sizeof(*addr);

	memset(addr, 0, sizeof(*addr));
	addr->ssn_family = sk->sk_family;
	lock_sock(sk);
	if (!peer) {
		addr->ssn_node = ssn_net(sock_net(sk))->node;
		addr->ssn_service = ls->service;
	} else if (connect_end(ls)) {
		len = -ENOTCONN;
	} else {
		addr->ssn_node = ssn_conn_node(ls->conn);
		addr->ssn_service = ls->conn->p.service;
	}
	release_sock(sk);
	return len;
}

static __poll_t link_poll(struct file *file, struct socket *sock,
			  poll_table *wait)
{
	struct sock *sk = sock->sk;
	struct link_sock *ls = link_sk(sk);
	struct ssn_conn *conn;
	__poll_t mask = 0;

	sock_poll_wait(file, sock, wait);
	lock_sock(sk);
	if (ls->listening) {
		if (!list_empty_careful(&ls->queue))
			mask = EPOLLIN | EPOLLRDNORM;
		goto out;
	}
	conn = ls->conn;
	if (!conn)
		goto out;
	if (ssn_conn_readable(conn))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (ssn_conn_peer_closed(conn))
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (ssn_conn_state(conn) == SSN_CONN_DOWN) {
		mask |= EPOLLIN | EPOLLOUT | EPOLLHUP;
		if (ssn_conn_error(conn))
			mask |= EPOLLERR;
	} else if (ssn_conn_writable(conn, SSN_MSG_MAX)) {
		mask |= EPOLLOUT | EPOLLWRNORM;
	}
out:
	release_sock(sk);
	return mask;
}

static int link_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct link_sock *ls = link_sk(sk);
	int err;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	lock_sock(sk);
	err = connect_end(ls) ? -ENOTCONN : 0;
	if (!err && how != SHUT_RD) {
		sk->sk_shutdown |= SEND_SHUTDOWN;
		ssn_conn_shutdown(ls->conn);
	}
	if (!err && how != SHUT_WR)
		sk->sk_shutdown |= RCV_SHUTDOWN;
	release_sock(sk);
	if (!err)
		link_wake(sk, EPOLLIN | EPOLLOUT | EPOLLHUP);
	return err;
}

static int link_getsockopt(struct socket *sock, int level, int name,
			   char __user *val, int __user *len)
{
	struct link_sock *ls = link_sk(sock->sk);
	struct ssn_peer_info info;
	int room, err;

	if (level != SOL_SSN || name != SSN_PEER)
		return -ENOPROTOOPT;
	if (get_user(room, len))
		return -EFAULT;
	if (room < (int)sizeof(info))
		return -EINVAL;
	lock_sock(sock->sk);
	err = connect_end(ls) ? -ENOTCONN : 0;
	if (!err)
		ssn_conn_peer_info(ls->conn, &info);
	release_sock(sock->sk);
	if (err)
		return err;
	room = sizeof(info);
	if (put_user(room, len) || copy_to_user(val, &info, sizeof(info)))
		return -EFAULT;
	return 0;
}

static int link_setsockopt(struct socket *sock, int level, int name,
			   sockptr_t val, unsigned int len)
{
	return -ENOPROTOOPT;
}

static int link_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct link_sock *ls;
	struct ssn_conn *conn;

	if (!sk)
		return 0;
	ls = link_sk(sk);
	lock_sock(sk);
	sk->sk_shutdown = SHUTDOWN_MASK;
	if (ls->service)
		xa_erase(&ssn_net(sock_net(sk))->services, ls->service);
	ls->listening = false;
	while ((conn = queue_pop(ls)))
		ssn_conn_close(conn);
	ssn_conn_close(ls->conn);
	ls->conn = NULL;
	release_sock(sk);
	sock_orphan(sk);
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

/*
 * Whether messages may go; also what became of a connect in the background.
 * 0, -ENOTCONN or the connect's error.
 */
int link_connected(struct link_sock *ls)
{
	bool connecting = ls->sk.sk_socket->state == SS_CONNECTING;
	int err = connect_end(ls);

	if (err == -EINPROGRESS)
		return -ENOTCONN;
	if (err && connecting)
		sock_error(&ls->sk);	/* told here, not by SO_ERROR too */
	return err;
}

static const struct proto_ops link_ops = {
	.family		= PF_UNSPEC,	/* any: the slot is a parameter */
	.owner		= THIS_MODULE,
	.release	= link_release,
	.bind		= link_bind,
	.connect	= link_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= link_accept,
	.getname	= link_getname,
	.poll		= link_poll,
	.ioctl		= sock_no_ioctl,
	.listen		= link_listen,
	.shutdown	= link_shutdown,
	.setsockopt	= link_setsockopt,
	.getsockopt	= link_getsockopt,
	.sendmsg	= link_sendmsg,
	.recvmsg	= link_recvmsg,
	.mmap		= sock_no_mmap,
};

static struct sock *link_sock_new(struct net *net, struct socket *sock,
				  int kern)
{
	struct link_sock *ls;
	struct sock *sk;

	sk = sk_alloc(net, ssn_family, GFP_KERNEL, &link_proto, kern);
	if (!sk)
		return NULL;
	sock_init_data(sock, sk);
	sock->ops = &link_ops;
	sk->sk_protocol = SSNPROTO_LINK;
	sk->sk_state = TCP_CLOSE;
	ls = link_sk(sk);
	spin_lock_init(&ls->queue_lock);
	INIT_LIST_HEAD(&ls->queue);
	return sk;
}

int ssn_link_create(struct net *net, struct socket *sock, int kern)
{
	return link_sock_new(net, sock, kern) ? 0 : -ENOBUFS;
}

int ssn_link_init(void)
{
	return proto_register(&link_proto, 0);
}

void ssn_link_exit(void)
{
	proto_unregister(&link_proto);
}
