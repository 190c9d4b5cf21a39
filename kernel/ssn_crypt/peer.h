/* SPDX-License-Identifier: GPL-2.0 */
/* Peers: the other nodes that this one may talk to. */
#ifndef _SSN_PEER_H
#define _SSN_PEER_H

#include <linux/netlink.h>
#include <linux/refcount.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include "stats.h"

struct qkd_pool;
struct ssn_net;

/**
 * struct ssn_peer - a peer
 * @refs:	references
 * @rcu:	frees it
 * @sn:		namespace
 * @id:		node id
 * @tx_pad:	pools towards it; references held
 * @tx_tag:	...
 * @rx_pad:	...
 * @rx_tag:	...
 * @conns:	connections up
 * @stats:	counters
 * @lock:	protects what follows
 * @gone:	removed; nothing new begins
 * @role:	enum ssn_role
 * @flags:	enum ssn_peer_flags
 * @addr:	its listener
 * @fails:	attempts that failed in a row
 * @not_before:	no new attempt before, in jiffies
 */
struct ssn_peer {
	refcount_t		refs;
	struct rcu_head		rcu;
	struct ssn_net		*sn;
	u32			id;
	struct qkd_pool		*tx_pad;
	struct qkd_pool		*tx_tag;
	struct qkd_pool		*rx_pad;
	struct qkd_pool		*rx_tag;
	atomic_t		conns;
	struct ssn_stats	stats;

	spinlock_t		lock;
	bool			gone;
	u8			role;
	u32			flags;
	struct sockaddr_storage	addr;
	unsigned int		fails;
	unsigned long		not_before;
};

struct ssn_peer *ssn_peer_get(struct ssn_net *sn, u32 id);
bool ssn_peer_gone(struct ssn_peer *peer);
void ssn_peer_put(struct ssn_peer *peer);
int ssn_peer_set(struct ssn_net *sn, u32 id, u8 role, const u32 *flags,
		 const struct sockaddr_storage *addr,
		 struct netlink_ext_ack *extack);
int ssn_peer_del(struct ssn_net *sn, u32 id);
void ssn_peers_drop(struct ssn_net *sn);

void ssn_peer_failed(struct ssn_peer *peer);
void ssn_peer_reached(struct ssn_peer *peer);
unsigned long ssn_peer_wait(struct ssn_peer *peer);

/* Count @n of a counter at the namespace and, if there is one, at the peer. */
void ssn_tally(struct ssn_net *sn, struct ssn_peer *peer, unsigned int what,
	       u64 n);

#endif /* _SSN_PEER_H */
