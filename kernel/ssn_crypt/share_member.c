// SPDX-License-Identifier: GPL-2.0
/* The connections of a share socket, and what their ends mean for it. */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <net/sock.h>
#include "conn.h"
#include "group.h"
#include "share.h"
#include "stats.h"

/* A message waits to be sent while another is on its way */
#define MEMBER_WINDOW	(2 * SSN_MSG_MAX)
#define MEMBER_RCVBUF	(2 * SSN_MSG_MAX)

/**
 * share_wake - wake whoever waits for this socket
 * @ss:		share socket
 * @events:	for poll(2)
 *
 * Any context; the socket is held by the caller.
 */
void share_wake(struct share_sock *ss, __poll_t events)
{
	struct socket_wq *wq;

	atomic_inc(&ss->kicks);
	rcu_read_lock();
	wq = rcu_dereference(ss->sk.sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, events);
	rcu_read_unlock();
}

/**
 * share_wait - wait for a callback, without the socket lock
 * @ss:		share socket, locked; was unlocked meanwhile
 * @seen:	@ss->kicks before what is waited for was looked at
 * @timeo:	jiffies left; 0: do not wait
 *
 * Returns 0: look again; -EAGAIN when the time is up, or the error for a
 * signal.
 */
int share_wait(struct share_sock *ss, int seen, long *timeo)
{
	struct sock *sk = &ss->sk;
	long left;

	if (!*timeo)
		return -EAGAIN;
	release_sock(sk);
	left = wait_event_interruptible_timeout(*sk_sleep(sk),
			atomic_read(&ss->kicks) != seen, *timeo);
	lock_sock(sk);
	if (left < 0)
		return sock_intr_errno(*timeo);
	if (*timeo != MAX_SCHEDULE_TIMEOUT)
		*timeo = left;
	return 0;
}

static void count_states(struct share_sock *ss, unsigned int *live,
			 unsigned int *connecting)
{
	unsigned int i;

	*live = 0;
	*connecting = 0;
	for (i = 0; i < ss->group->n; i++) {
		*live += ss->member[i].state == SSN_MEMBER_LIVE;
		*connecting += ss->member[i].state == SSN_MEMBER_CONNECTING;
	}
}

/**
 * share_count - how many members can be sent to, or may soon
 * @ss:		share socket that has a group
 * @live:	set to the number of live members
 * @connecting:	set to the number of members still connecting
 */
void share_count(struct share_sock *ss, unsigned int *live,
		 unsigned int *connecting)
{
	spin_lock(&ss->lock);
	count_states(ss, live, connecting);
	spin_unlock(&ss->lock);
}

/**
 * share_live - whether a member can be sent to
 * @ss:	share socket
 * @m:	one of its members
 */
bool share_live(struct share_sock *ss, const struct share_member *m)
{
	bool live;

	spin_lock(&ss->lock);
	live = m->state == SSN_MEMBER_LIVE;
	spin_unlock(&ss->lock);
	return live;
}

/*
 * A member's state goes forward only, and its first error stays. When the last
 * one has settled and there are too few, connect(2) has failed: it may not be
 * there to see it, so SO_ERROR says so.
 */
static void member_set(struct share_member *m, u8 state, int err)
{
	struct share_sock *ss = m->ss;
	unsigned int live, connecting;
	bool was_connecting;

	spin_lock(&ss->lock);
	if (m->state > SSN_MEMBER_LIVE || m->state >= state) {
		spin_unlock(&ss->lock);
		return;
	}
	was_connecting = m->state == SSN_MEMBER_CONNECTING;
	m->state = state;
	m->error = -err;
	if (state > SSN_MEMBER_LIVE)
		ss->changed = true;
	count_states(ss, &live, &connecting);
	if (was_connecting && !connecting && live < ss->group->k)
		WRITE_ONCE(ss->sk.sk_err, EHOSTUNREACH);
	spin_unlock(&ss->lock);
}

static void state_change(struct ssn_conn *conn, void *owner)
{
	struct share_member *m = owner;
	int err;

	switch (ssn_conn_state(conn)) {
	case SSN_CONN_CONNECTING:
		return;
	case SSN_CONN_UP:
		if (ssn_conn_peer_closed(conn))
			member_set(m, SSN_MEMBER_CLOSED, 0);
		else
			member_set(m, SSN_MEMBER_LIVE, 0);
		break;
	case SSN_CONN_DOWN:
		err = ssn_conn_error(conn);
		if (err)
			member_set(m, SSN_MEMBER_FAILED, err);
		else
			member_set(m, SSN_MEMBER_CLOSED, 0);
		break;
	}
	share_wake(m->ss, EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM |
		   EPOLLERR | EPOLLPRI);
}

static void data_ready(struct ssn_conn *conn, void *owner)
{
	struct share_member *m = owner;

	share_wake(m->ss, EPOLLIN | EPOLLRDNORM);
}

static void write_space(struct ssn_conn *conn, void *owner)
{
	struct share_member *m = owner;

	share_wake(m->ss, EPOLLOUT | EPOLLWRNORM);
}

static const struct ssn_conn_ops member_ops = {
	.state_change	= state_change,
	.data_ready	= data_ready,
	.write_space	= write_space,
};

/**
 * share_fail - give a member up
 * @m:		member; its socket is locked
 * @err:	negative errno that SSN_MEMBERS shows
 *
 * May sleep. What it had sent and was not taken over is discarded.
 */
void share_fail(struct share_member *m, int err)
{
	member_set(m, SSN_MEMBER_FAILED, err);
	if (m->conn)
		ssn_conn_abort(m->conn, err);
	share_wake(m->ss, EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLPRI);
}

/* Errors of one member; others are of this node, and connect(2) fails */
static bool of_the_member(int err)
{
	return err == -EHOSTUNREACH || err == -ENOKEY;
}

static int member_connect(struct share_member *m)
{
	struct share_sock *ss = m->ss;
	struct ssn_conn_params p = {
		.node		= m->node,
		.service	= ss->group->service,
		.proto		= SSNPROTO_SHARE,
		.group		= ss->group->id,
		.generation	= ss->group->generation,
		.window		= MEMBER_WINDOW,
		.rcvbuf		= MEMBER_RCVBUF,
	};
	struct ssn_conn *conn;

	conn = ssn_conn_connect(sock_net(&ss->sk), &p, &member_ops, m);
	if (!IS_ERR(conn)) {
		m->conn = conn;
		return 0;
	}
	if (!of_the_member(PTR_ERR(conn)))
		return PTR_ERR(conn);
	member_set(m, SSN_MEMBER_FAILED, PTR_ERR(conn));
	return 0;
}

/**
 * share_open - begin to connect to all members of a group
 * @ss:		share socket, locked, without a group
 * @group:	snapshot; the caller's reference moves to @ss on success
 *
 * Returns 0, or an error of this node: no memory, no own node. A member that
 * cannot be reached is no error here.
 */
int share_open(struct share_sock *ss, struct ssn_group *group)
{
	unsigned int i;
	int err;

	ss->member = kvcalloc(group->n, sizeof(*ss->member), GFP_KERNEL);
	if (!ss->member)
		return -ENOMEM;
	ss->group = group;
	memset(&ss->write_set, 0, sizeof(ss->write_set));
	for (i = 0; i < group->n; i++) {
		ss->member[i].ss = ss;
		ss->member[i].node = group->member[i].node;
		ss->member[i].x = group->member[i].x;
		ss->member[i].state = SSN_MEMBER_CONNECTING;
		xset_add(&ss->write_set, group->member[i].x);
	}
	ss->read_set = ss->write_set;
	for (i = 0; i < group->n; i++) {
		err = member_connect(&ss->member[i]);
		if (err)
			goto err_close;
	}
	return 0;

err_close:
	while (i--)
		ssn_conn_close(ss->member[i].conn);
	ss->group = NULL;
	kvfree(ss->member);
	ss->member = NULL;
	return err;
}

/**
 * share_close - close all connections and forget the group
 * @ss:	share socket, locked or not reachable any more
 *
 * May sleep. CLOSE goes out behind what was sent.
 */
void share_close(struct share_sock *ss)
{
	unsigned int i;

	if (!ss->group)
		return;
	for (i = 0; i < ss->group->n; i++) {
		ssn_msg_free(ss->member[i].head);
		ss->member[i].head = NULL;
		ssn_conn_close(ss->member[i].conn);
		ss->member[i].conn = NULL;
	}
	kvfree(ss->member);
	ss->member = NULL;
	ssn_group_put(ss->group);
	ss->group = NULL;
	ss->changed = false;
	ss->runs = 0;
}
