// SPDX-License-Identifier: GPL-2.0
/*
 * TCP as the underlay. Sockets inside the kernel, without a reference to their
 * namespace: whoever owns a stream frees it in the namespace's pre_exit at the
 * latest. TCP's callbacks only kick; everything else happens in the owner's
 * work.
 */
#include <linux/err.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>
#include "transport.h"

#define USER_TIMEOUT_MS	10000
#define BACKLOG		128

struct ssn_pipe {
	struct socket	*sock;
	ssn_kick_t	*kick;
	void		*arg;
	void		(*data_ready)(struct sock *sk);
	void		(*state_change)(struct sock *sk);
	void		(*write_space)(struct sock *sk);
};

struct ssn_listener {
	struct socket	*sock;
	ssn_kick_t	*kick;
	void		*arg;
	void		(*data_ready)(struct sock *sk);
};

static void pipe_kick(struct sock *sk)
{
	struct ssn_pipe *pipe;

	read_lock_bh(&sk->sk_callback_lock);
	pipe = sk->sk_user_data;
	if (pipe && pipe->kick)
		pipe->kick(pipe->arg);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void pipe_write_space(struct sock *sk)
{
	if (sk_stream_is_writeable(sk))
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	pipe_kick(sk);
}

static void tcp_watch(struct ssn_pipe *pipe, ssn_kick_t *kick, void *arg)
{
	struct sock *sk = pipe->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	pipe->kick = kick;
	pipe->arg = arg;
	if (!sk->sk_user_data) {
		pipe->data_ready = sk->sk_data_ready;
		pipe->state_change = sk->sk_state_change;
		pipe->write_space = sk->sk_write_space;
		sk->sk_user_data = pipe;
		sk->sk_data_ready = pipe_kick;
		sk->sk_state_change = pipe_kick;
		sk->sk_write_space = pipe_write_space;
	}
	/* The next kick, not ours, may be the last that @arg is there for. */
	if (kick)
		kick(arg);
	write_unlock_bh(&sk->sk_callback_lock);
}

static void pipe_options(struct socket *sock)
{
	tcp_sock_set_nodelay(sock->sk);
	tcp_sock_set_user_timeout(sock->sk, USER_TIMEOUT_MS);
	sock_set_keepalive(sock->sk);
	tcp_sock_set_keepidle(sock->sk, USER_TIMEOUT_MS / 1000);
	tcp_sock_set_keepintvl(sock->sk, 2);
	sock->sk->sk_allocation = GFP_NOFS;
}

static struct ssn_pipe *pipe_new(struct socket *sock)
{
	struct ssn_pipe *pipe = kzalloc(sizeof(*pipe), GFP_KERNEL_ACCOUNT);

	if (!pipe) {
		sock_release(sock);
		return ERR_PTR(-ENOMEM);
	}
	pipe_options(sock);
	pipe->sock = sock;
	return pipe;
}

static size_t addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					     sizeof(struct sockaddr_in);
}

/* A socket of the underlay. The kernel says "too many files" for no memory. */
static int tcp_socket(struct net *net, int family, struct socket **sock)
{
	int err = sock_create_kern(net, family, SOCK_STREAM, IPPROTO_TCP, sock);

	return err == -ENFILE ? -ENOBUFS : err;
}

static struct ssn_pipe *tcp_pipe_connect(struct net *net,
					 const struct sockaddr_storage *addr)
{
	struct ssn_pipe *pipe;
	struct socket *sock;
	int err;

	err = tcp_socket(net, addr->ss_family, &sock);
	if (err)
		return ERR_PTR(err);
	pipe = pipe_new(sock);
	if (IS_ERR(pipe))
		return pipe;
	err = kernel_connect(sock, (struct sockaddr *)addr, addr_len(addr),
			     O_NONBLOCK);
	if (err && err != -EINPROGRESS) {
		ssn_tcp.free(pipe, true);
		return ERR_PTR(err);
	}
	return pipe;
}

static int tcp_ready(struct ssn_pipe *pipe)
{
	struct sock *sk = pipe->sock->sk;
	int err = sock_error(sk);

	if (err)
		return err;
	switch (READ_ONCE(sk->sk_state)) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		return 0;
	case TCP_CLOSE:
		return -ECONNRESET;
	default:
		return 1;
	}
}

static int send_flags(bool more)
{
	return MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
}

static int tcp_send(struct ssn_pipe *pipe, void *bytes, size_t len, bool more)
{
	struct msghdr msg = { .msg_flags = send_flags(more) };
	struct kvec vec = { .iov_base = bytes, .iov_len = len };

	return kernel_sendmsg(pipe->sock, &msg, &vec, 1, len);
}

static int tcp_send_pages(struct ssn_pipe *pipe, struct bio_vec *vec,
			  unsigned int n, size_t len, bool more)
{
	return compat_send_pages(pipe->sock, vec, n, len, send_flags(more));
}

static int tcp_recv(struct ssn_pipe *pipe, void *to, size_t len)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	struct kvec vec = { .iov_base = to, .iov_len = len };

	return kernel_recvmsg(pipe->sock, &msg, &vec, 1, len, MSG_DONTWAIT);
}

static void tcp_finish(struct ssn_pipe *pipe)
{
	kernel_sock_shutdown(pipe->sock, SHUT_WR);
}

static bool tcp_over(struct ssn_pipe *pipe)
{
	return READ_ONCE(pipe->sock->sk->sk_state) == TCP_CLOSE;
}

static void tcp_free(struct ssn_pipe *pipe, bool abort)
{
	struct sock *sk = pipe->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data) {
		sk->sk_user_data = NULL;
		sk->sk_data_ready = pipe->data_ready;
		sk->sk_state_change = pipe->state_change;
		sk->sk_write_space = pipe->write_space;
	}
	write_unlock_bh(&sk->sk_callback_lock);
	if (abort)
		sock_no_linger(sk);
	sock_release(pipe->sock);
	kfree(pipe);
}

static void listener_ready(struct sock *sk)
{
	struct ssn_listener *l;

	read_lock_bh(&sk->sk_callback_lock);
	l = sk->sk_user_data;
	if (l && sk->sk_state == TCP_LISTEN)
		l->kick(l->arg);
	read_unlock_bh(&sk->sk_callback_lock);
}

static struct ssn_listener *tcp_listen(struct net *net,
				       const struct sockaddr_storage *addr,
				       ssn_kick_t *kick, void *arg)
{
	struct ssn_listener *l;
	struct sock *sk;
	int err;

	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return ERR_PTR(-ENOMEM);
	l->kick = kick;
	l->arg = arg;
	err = tcp_socket(net, addr->ss_family, &l->sock);
	if (err)
		goto err_free;
	sk = l->sock->sk;
	sock_set_reuseaddr(sk);
	err = kernel_bind(l->sock, (struct sockaddr *)addr, addr_len(addr));
	if (err)
		goto err_sock;
	write_lock_bh(&sk->sk_callback_lock);
	l->data_ready = sk->sk_data_ready;
	sk->sk_user_data = l;
	sk->sk_data_ready = listener_ready;
	write_unlock_bh(&sk->sk_callback_lock);
	err = kernel_listen(l->sock, BACKLOG);
	if (err)
		goto err_watch;
	return l;

err_watch:
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	sk->sk_data_ready = l->data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
err_sock:
	sock_release(l->sock);
err_free:
	kfree(l);
	return ERR_PTR(err);
}

static struct ssn_pipe *tcp_accept(struct ssn_listener *l,
				   struct sockaddr_storage *from)
{
	struct socket *sock;
	struct sock *sk;
	int err;

	err = kernel_accept(l->sock, &sock, O_NONBLOCK);
	if (err)
		return ERR_PTR(err);
	/* The child took over the listener's callback. */
	sk = sock->sk;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	sk->sk_data_ready = l->data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
	memset(from, 0, sizeof(*from));
	err = kernel_getpeername(sock, (struct sockaddr *)from);
	if (err < 0) {
		sock_release(sock);
		return ERR_PTR(-ECONNABORTED);
	}
	return pipe_new(sock);
}

static void tcp_unlisten(struct ssn_listener *l)
{
	struct sock *sk = l->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	sk->sk_data_ready = l->data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
	sock_release(l->sock);
	kfree(l);
}

const struct ssn_transport ssn_tcp = {
	.name		= "tcp",
	.connect	= tcp_pipe_connect,
	.ready		= tcp_ready,
	.watch		= tcp_watch,
	.send		= tcp_send,
	.send_pages	= tcp_send_pages,
	.recv		= tcp_recv,
	.finish		= tcp_finish,
	.over		= tcp_over,
	.free		= tcp_free,
	.listen		= tcp_listen,
	.accept		= tcp_accept,
	.unlisten	= tcp_unlisten,
};
