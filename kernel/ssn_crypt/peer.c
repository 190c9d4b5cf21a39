// SPDX-License-Identifier: GPL-2.0
/*
 * Peers. A peer holds the four pools towards its node, so that a connection
 * finds them without a look-up, and remembers how attempts at it went: each
 * try costs a run of tag slots, so tries back off (PROTOCOL 2).
 */
#include <linux/jiffies.h>
#include <linux/qkd_keyring.h>
#include <linux/slab.h>
#include "conn.h"
#include "net.h"
#include "peer.h"

#define BACKOFF_FIRST	(HZ / 10)
#define BACKOFF_MOST	(5 * HZ)

static void peer_free(struct ssn_peer *peer)
{
	if (!IS_ERR_OR_NULL(peer->tx_pad))
		qkd_pool_put(peer->tx_pad);
	if (!IS_ERR_OR_NULL(peer->tx_tag))
		qkd_pool_put(peer->tx_tag);
	if (!IS_ERR_OR_NULL(peer->rx_pad))
		qkd_pool_put(peer->rx_pad);
	if (!IS_ERR_OR_NULL(peer->rx_tag))
		qkd_pool_put(peer->rx_tag);
	kfree_rcu(peer, rcu);
}

/**
 * ssn_peer_get - look a peer up
 * @sn:	namespace
 * @id:	node id
 *
 * Return: the peer, a reference taken, or NULL.
 */
struct ssn_peer *ssn_peer_get(struct ssn_net *sn, u32 id)
{
	struct ssn_peer *peer;

	rcu_read_lock();
	peer = xa_load(&sn->peers, id);
	if (peer && !refcount_inc_not_zero(&peer->refs))
		peer = NULL;
	rcu_read_unlock();
	return peer;
}

/*
 * Whether a peer was removed. A connection asks when it is in the table: then
 * either it sees so, or whoever removes the peer sees the connection.
 */
bool ssn_peer_gone(struct ssn_peer *peer)
{
	bool gone;

	spin_lock_bh(&peer->lock);
	gone = peer->gone;
	spin_unlock_bh(&peer->lock);
	return gone;
}

void ssn_peer_put(struct ssn_peer *peer)
{
	if (peer && refcount_dec_and_test(&peer->refs))
		peer_free(peer);
}

static struct ssn_peer *peer_alloc(struct ssn_net *sn, u32 id)
{
	struct net *net = sn->net;
	struct ssn_peer *peer;

	peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);
	if (!peer)
		return NULL;
	refcount_set(&peer->refs, 1);
	spin_lock_init(&peer->lock);
	peer->sn = sn;
	peer->id = id;
	peer->tx_pad = qkd_pool_get(net, id, QKD_DIR_TX, QKD_KIND_PAYLOAD,
				    GFP_KERNEL_ACCOUNT);
	peer->tx_tag = qkd_pool_get(net, id, QKD_DIR_TX, QKD_KIND_TAG,
				    GFP_KERNEL_ACCOUNT);
	peer->rx_pad = qkd_pool_get(net, id, QKD_DIR_RX, QKD_KIND_PAYLOAD,
				    GFP_KERNEL_ACCOUNT);
	peer->rx_tag = qkd_pool_get(net, id, QKD_DIR_RX, QKD_KIND_TAG,
				    GFP_KERNEL_ACCOUNT);
	if (IS_ERR(peer->tx_pad) || IS_ERR(peer->tx_tag) ||
	    IS_ERR(peer->rx_pad) || IS_ERR(peer->rx_tag)) {
		peer_free(peer);
		return NULL;
	}
	return peer;
}

/**
 * ssn_peer_set - add a peer, or change it
 * @sn:		namespace, its config mutex held
 * @id:		node id
 * @role:	enum ssn_role, or 0 to leave it
 * @flags:	enum ssn_peer_flags, or NULL to leave them
 * @addr:	its listener, or NULL to leave it
 * @extack:	says what was wrong
 *
 * Return: 0, -EINVAL for the own node or a new peer without role, -ENOMEM.
 */
int ssn_peer_set(struct ssn_net *sn, u32 id, u8 role, const u32 *flags,
		 const struct sockaddr_storage *addr,
		 struct netlink_ext_ack *extack)
{
	struct ssn_peer *peer = ssn_peer_get(sn, id);
	bool fresh = !peer;
	int err = 0;

	if (id == sn->node) {
		NL_SET_ERR_MSG(extack, "id is the own node's");
		err = -EINVAL;
		goto out;
	}
	if (fresh) {
		if (!role) {
			NL_SET_ERR_MSG(extack, "a new peer needs a role");
			return -EINVAL;
		}
		peer = peer_alloc(sn, id);
		if (!peer)
			return -ENOMEM;
	}
	spin_lock_bh(&peer->lock);
	if (role)
		peer->role = role;
	if (flags)
		peer->flags = *flags;
	if (addr) {
		peer->addr = *addr;
		peer->fails = 0;
		peer->not_before = jiffies;
	}
	spin_unlock_bh(&peer->lock);
	if (fresh) {
		refcount_inc(&peer->refs);	/* the table's */
		err = xa_err(xa_store(&sn->peers, id, peer,
				      GFP_KERNEL_ACCOUNT));
		if (err)
			ssn_peer_put(peer);
	}
out:
	ssn_peer_put(peer);
	return err;
}

/**
 * ssn_peer_del - remove a peer and end its connections
 * @sn:	namespace, its config mutex held
 * @id:	node id
 *
 * Return: 0 or -ENOENT.
 */
int ssn_peer_del(struct ssn_net *sn, u32 id)
{
	struct ssn_peer *peer = xa_erase(&sn->peers, id);

	if (!peer)
		return -ENOENT;
	spin_lock_bh(&peer->lock);
	WRITE_ONCE(peer->gone, true);
	spin_unlock_bh(&peer->lock);
	ssn_conns_abort(sn, peer, -EHOSTUNREACH);
	ssn_peer_put(peer);
	return 0;
}

void ssn_peers_drop(struct ssn_net *sn)
{
	struct ssn_peer *peer;
	unsigned long id;

	xa_for_each(&sn->peers, id, peer) {
		xa_erase(&sn->peers, id);
		ssn_peer_put(peer);
	}
}

/* An attempt to connect failed: the next one waits, up to 5 s. */
void ssn_peer_failed(struct ssn_peer *peer)
{
	unsigned long delay;

	spin_lock_bh(&peer->lock);
	delay = min_t(unsigned long, BACKOFF_FIRST << min(peer->fails, 6U),
		      BACKOFF_MOST);
	peer->fails++;
	peer->not_before = jiffies + delay;
	spin_unlock_bh(&peer->lock);
}

void ssn_peer_reached(struct ssn_peer *peer)
{
	spin_lock_bh(&peer->lock);
	peer->fails = 0;
	peer->not_before = jiffies;
	spin_unlock_bh(&peer->lock);
}

/* Jiffies until the next attempt may be made. */
unsigned long ssn_peer_wait(struct ssn_peer *peer)
{
	unsigned long wait = 0;

	spin_lock_bh(&peer->lock);
	if (peer->fails && time_before(jiffies, peer->not_before))
		wait = peer->not_before - jiffies;
	spin_unlock_bh(&peer->lock);
	return wait;
}

void ssn_tally(struct ssn_net *sn, struct ssn_peer *peer, unsigned int what,
	       u64 n)
{
	ssn_stats_add(&sn->stats, what, n);
	if (peer)
		ssn_stats_add(&peer->stats, what, n);
}

void ssn_count(struct net *net, u32 node, unsigned int what, u64 n)
{
	struct ssn_net *sn = ssn_net(net);
	struct ssn_peer *peer = ssn_peer_get(sn, node);

	ssn_tally(sn, peer, what, n);
	ssn_peer_put(peer);
}
