/* SPDX-License-Identifier: GPL-2.0 */
/* A link socket. */
#ifndef _SSN_LINK_H
#define _SSN_LINK_H

#include <linux/wait.h>
#include <net/sock.h>

struct ssn_conn;

/**
 * struct link_sock - a link socket
 * @sk:		the socket; its lock protects what says nothing else
 * @service:	bound to it, or 0
 * @conn:	connection, or NULL
 * @listening:	takes connections; under the lock of the table of services
 * @backlog:	as many; likewise
 * @queue_lock:	protects @queue and @queued
 * @queue:	verified connections that wait for accept(2)
 * @queued:	their number
 */
struct link_sock {
	struct sock		sk;
	u16			service;
	struct ssn_conn		*conn;
	bool			listening;
	unsigned int		backlog;
	spinlock_t		queue_lock;
	struct list_head	queue;
	unsigned int		queued;
};

static inline struct link_sock *link_sk(struct sock *sk)
{
	return (struct link_sock *)sk;
}

void link_wake(struct sock *sk, __poll_t events);
int link_wait(struct sock *sk, struct wait_queue_entry *wait, long *timeo);
int link_connected(struct link_sock *ls);

int link_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
int link_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		 int flags);

#endif /* _SSN_LINK_H */
