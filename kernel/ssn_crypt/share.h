/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The share socket: a connection to each member of a group; what is sent is
 * split over them, what they send is combined.
 *
 *	share.c		the socket's operations
 *	share_option.c	its options
 *	share_member.c	connections to the members, and their states
 *	share_deal.c	sending: to whom, once, all or nothing
 *	share_split.c	the shares of a message
 *	share_combine.c	receiving: match, combine, or as it is
 *
 * Locks, outermost first: the socket lock, the locks of a connection, @lock. The
 * connections' callbacks take only @lock.
 */
#ifndef _SSN_SHARE_H
#define _SSN_SHARE_H

#include <linux/atomic.h>
#include <linux/qkd_keyring.h>
#include <linux/spinlock.h>
#include <linux/ssn.h>
#include <linux/types.h>
#include <net/sock.h>
#include "conn.h"

struct ssn_group;
struct ssn_scheme_ops;

#define SHARE_TILE	SSN_PIECE	/* bytes split or combined at a time */
#define SHARE_DEALS	64	/* deals that a socket remembers */
#define SHARE_RUNS	64	/* runs of combined messages that it remembers */

/**
 * struct share_member - one member of a share socket
 * @ss:		the socket
 * @node:	node id
 * @x:		evaluation point, from the group's configuration
 * @conn:	connection, or NULL; under the socket lock
 * @head:	oldest message that was taken over from @conn, or NULL; under the
 *		socket lock
 * @state:	enum ssn_member_state; written under @ss->lock
 * @error:	errno > 0 that failed it, or 0; written under @ss->lock
 * @full:	its window did not fit the last message; under the socket lock
 * @since:	and when that began, in jiffies
 * @run:	run of combined messages that its next late share is in, or the
 *		last one; under the socket lock
 * @in_run:	and the first message in it that it may be a share of
 */
struct share_member {
	struct share_sock	*ss;
	u32			node;
	u8			x;
	u8			state;
	u16			error;
	struct ssn_conn		*conn;
	struct ssn_msg		*head;
	bool			full;
	unsigned long		since;
	u64			run;
	u64			in_run;
};

/* What a deal is known by */
struct share_deal_id {
	u8	object[16];
	u32	version;
	u32	segment;
	u64	epoch;
	u64	deal;
};

/**
 * struct share_run - messages of one deal that were combined one after the other
 * @head:	share head of the first
 * @count:	how many, in rising order without a gap
 */
struct share_run {
	struct ssn_share	head;
	u64			count;
};

/**
 * struct share_sock - a share socket
 * @sk:		the socket; its lock protects what says nothing else
 * @lock:	protects the members' states and @changed
 * @kicks:	goes up with every callback; who waits, waits for that
 * @changed:	a member ended since SSN_MEMBERS was read; under @lock
 * @group:	snapshot of the group, immutable
 * @scheme:	its scheme
 * @member:	its members, group->n of them, in the group's order
 * @write_set:	points that are dealt to
 * @read_set:	points that are combined from
 * @coeff:	enum ssn_coeff
 * @coeff_set:	it was asked for, not chosen by the scheme
 * @raw:	deliver shares uncombined
 * @local:	the pool "local" while @coeff wants it
 * @local_waiter: tells when @local gains
 * @deal:	the deal that was sent last
 * @dealt:	there is one
 * @broken:	it reached some members only and cannot go on
 * @next:	lowest message of it that was not sent
 * @first:	member that the next message begins with, modulo n
 * @deals:	earlier ones, a ring; @deals_at is the oldest
 * @run:	what was combined, a ring: run i is in place i % SHARE_RUNS
 * @runs:	how many there were
 * @turn:	member to begin with at the next delivery, so that none starves
 * @extra:	shares that came beyond the k-th, dropped
 */
struct share_sock {
	struct sock		sk;
	spinlock_t		lock;
	atomic_t		kicks;
	bool			changed;
	struct ssn_group	*group;
	const struct ssn_scheme_ops	*scheme;
	struct share_member	*member;
	struct ssn_xset		write_set;
	struct ssn_xset		read_set;
	u8			coeff;
	bool			coeff_set;
	bool			raw;
	struct qkd_pool		*local;
	struct qkd_waiter	local_waiter;
	struct share_deal_id	deal;
	bool			dealt;
	bool			broken;
	u64			next;
	unsigned int		first;
	struct share_deal_id	deals[SHARE_DEALS];
	unsigned int		deals_at;
	struct share_run	run[SHARE_RUNS];
	u64			runs;
	unsigned int		turn;
	u64			extra;
};

static inline struct share_sock *share_sk(struct sock *sk)
{
	return (struct share_sock *)sk;
}

static inline bool xset_has(const struct ssn_xset *set, u8 x)
{
	return set->bits[x / 64] >> (x % 64) & 1;
}

static inline void xset_add(struct ssn_xset *set, u8 x)
{
	set->bits[x / 64] |= 1ULL << (x % 64);
}

static inline void xset_del(struct ssn_xset *set, u8 x)
{
	set->bits[x / 64] &= ~(1ULL << (x % 64));
}

static inline bool xset_empty(const struct ssn_xset *set)
{
	return !(set->bits[0] | set->bits[1] | set->bits[2] | set->bits[3]);
}

/* share.c */
int ssn_share_init(void);
void ssn_share_exit(void);
int ssn_share_create(struct net *net, struct socket *sock, int kern);
int share_connected(struct share_sock *ss);

/* share_option.c */
int share_setsockopt(struct socket *sock, int level, int name,
		     sockptr_t val, unsigned int len);
int share_getsockopt(struct socket *sock, int level, int name,
		     char __user *val, int __user *len);
void share_local_drop(struct share_sock *ss);

/* share_member.c */
int share_open(struct share_sock *ss, struct ssn_group *group);
void share_close(struct share_sock *ss);
void share_count(struct share_sock *ss, unsigned int *live,
		 unsigned int *connecting);
bool share_live(struct share_sock *ss, const struct share_member *m);
void share_fail(struct share_member *m, int err);
void share_wake(struct share_sock *ss, __poll_t events);
int share_wait(struct share_sock *ss, int seen, long *timeo);

/* share_deal.c */
int share_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
bool share_writable(struct share_sock *ss);

/* share_combine.c */
int share_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		  int flags);
bool share_readable(struct share_sock *ss);
void share_read_set(struct share_sock *ss, const struct ssn_xset *set);

#endif /* _SSN_SHARE_H */
