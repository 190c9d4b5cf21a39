// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: their life, their state, their owner.
 *
 * All that touches the stream happens in one work item, so that the parts of a
 * connection need no locks against each other. The work holds a reference while
 * it is queued or runs. The namespace's exit ends what is left over and waits.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include "conn_parts.h"
#include "net.h"
#include "netlink.h"
#include "peer.h"

#define CONN_STEPS	64		/* at one run of the work */
#define CONN_RETRY	(HZ / 20)	/* until there may be memory again */

static void conn_free(struct ssn_conn *conn)
{
	ssn_conn_drop_outs(conn);
	ssn_conn_drop_in(conn);
	ssn_lane_drop(&conn->tx_tags);
	ssn_lane_drop(&conn->tx_pads);
	ssn_lane_drop(&conn->rx_tags);
	ssn_lane_drop(&conn->rx_pads);
	ssn_out_free(conn->last);
	ssn_peer_put(conn->peer);
	memzero_explicit(conn->head, sizeof(conn->head));
	kfree(conn);
}

void ssn_conn_hold(struct ssn_conn *conn)
{
	refcount_inc(&conn->refs);
}

/* Context: process, may sleep: the last one frees pad. */
void ssn_conn_put(struct ssn_conn *conn)
{
	if (refcount_dec_and_test(&conn->refs))
		conn_free(conn);
}

static void conn_schedule(struct ssn_conn *conn, unsigned long delay)
{
	bool pending;

	refcount_inc(&conn->refs);
	if (delay)
		pending = !queue_delayed_work(ssn_wq, &conn->io, delay);
	else
		pending = mod_delayed_work(ssn_wq, &conn->io, 0);
	/* Whoever queued it first holds the reference; it cannot be the last. */
	if (pending)
		refcount_dec(&conn->refs);
}

/* Have the work look. Any context; the caller knows that @conn is alive. */
void ssn_conn_kick(struct ssn_conn *conn)
{
	conn_schedule(conn, 0);
}

static void kick(void *arg)
{
	ssn_conn_kick(arg);
}

void ssn_conn_count(struct ssn_conn *conn, unsigned int what, u64 n)
{
	ssn_tally(conn->sn, conn->peer, what, n);
}

void ssn_conn_tell_state(struct ssn_conn *conn)
{
	spin_lock_bh(&conn->cb_lock);
	if (conn->ops)
		conn->ops->state_change(conn, conn->owner);
	spin_unlock_bh(&conn->cb_lock);
}

void ssn_conn_tell_data(struct ssn_conn *conn)
{
	spin_lock_bh(&conn->cb_lock);
	if (conn->ops)
		conn->ops->data_ready(conn, conn->owner);
	spin_unlock_bh(&conn->cb_lock);
}

/* Only if somebody was turned away since. */
void ssn_conn_tell_space(struct ssn_conn *conn)
{
	bool blocked;

	spin_lock_bh(&conn->lock);
	blocked = conn->blocked;
	conn->blocked = false;
	spin_unlock_bh(&conn->lock);
	if (!blocked)
		return;
	spin_lock_bh(&conn->cb_lock);
	if (conn->ops)
		conn->ops->write_space(conn, conn->owner);
	spin_unlock_bh(&conn->cb_lock);
}

static void pad_gained(struct qkd_waiter *w)
{
	ssn_conn_tell_space(container_of(w, struct ssn_conn, pad_waiter));
}

static void tags_gained(struct qkd_waiter *w)
{
	ssn_conn_tell_space(container_of(w, struct ssn_conn, tag_waiter));
}

/* The handshake is done. */
void ssn_conn_up(struct ssn_conn *conn)
{
	bool up;

	conn->timed = false;
	conn->waiting = true;
	qkd_pool_wait(conn->peer->tx_pad, &conn->pad_waiter);
	qkd_pool_wait(conn->peer->tx_tag, &conn->tag_waiter);
	/* From here on the work may take an incoming one down. */
	smp_store_release(&conn->phase, SSN_PHASE_RECORDS);
	spin_lock_bh(&conn->lock);
	up = conn->state == SSN_CONN_CONNECTING;
	if (up)
		WRITE_ONCE(conn->state, SSN_CONN_UP);
	spin_unlock_bh(&conn->lock);
	if (!up)
		return;
	atomic_inc(&conn->peer->conns);
	ssn_nl_conn_event(conn, SSN_EVENT_CONN_UP, 0);
	ssn_conn_tell_state(conn);
}

/* What a failure is called in the statistics, and as an event */
static void conn_blame(struct ssn_conn *conn, int err)
{
	switch (err) {
	case -EBADMSG:
		ssn_conn_count(conn, SSN_A_COUNTERS_BAD_TAG, 1);
		ssn_nl_conn_event(conn, SSN_EVENT_BAD_TAG, err);
		break;
	case -ECONNABORTED:
		ssn_conn_count(conn, SSN_A_COUNTERS_TRUNCATED, 1);
		ssn_nl_conn_event(conn, SSN_EVENT_TRUNCATED, err);
		break;
	case -ETIMEDOUT:
		ssn_conn_count(conn, SSN_A_COUNTERS_TIMEOUT, 1);
		break;
	}
}

/**
 * ssn_conn_fail - a connection is over
 * @conn:	connection
 * @err:	why, negative, or 0 when both ends closed it in order
 *
 * The first reason stays. The work takes the stream down.
 */
void ssn_conn_fail(struct ssn_conn *conn, int err)
{
	enum ssn_conn_state was;

	spin_lock_bh(&conn->lock);
	was = conn->state;
	if (was != SSN_CONN_DOWN) {
		conn->error = err;
		WRITE_ONCE(conn->state, SSN_CONN_DOWN);
	}
	spin_unlock_bh(&conn->lock);
	if (was == SSN_CONN_DOWN)
		return;
	conn_blame(conn, err);
	if (was == SSN_CONN_UP)
		atomic_dec(&conn->peer->conns);
	else if (conn->outgoing)
		ssn_conn_count(conn, SSN_A_COUNTERS_CONNS_FAILED, 1);
	ssn_nl_conn_event(conn, SSN_EVENT_CONN_DOWN, err);
	ssn_conn_tell_state(conn);
	ssn_conn_kick(conn);
}

/* The stream goes, and with it all pad that nothing needs any more. */
static void conn_take_down(struct ssn_conn *conn)
{
	if (conn->phase == SSN_PHASE_OVER)
		return;
	conn->phase = SSN_PHASE_OVER;
	conn->timed = false;
	if (conn->pipe)
		ssn_tcp.free(conn->pipe, !conn->eof || !conn->finished);
	conn->pipe = NULL;
	if (conn->waiting) {
		qkd_pool_unwait(conn->peer->tx_pad, &conn->pad_waiter);
		qkd_pool_unwait(conn->peer->tx_tag, &conn->tag_waiter);
		conn->waiting = false;
	}
	ssn_conn_drop_outs(conn);
	mutex_lock(&conn->tx_mutex);
	ssn_lane_drop(&conn->tx_tags);
	ssn_lane_drop(&conn->tx_pads);
	mutex_unlock(&conn->tx_mutex);
	mutex_lock(&conn->rx_mutex);
	ssn_lane_drop(&conn->rx_tags);
	ssn_lane_drop(&conn->rx_pads);
	mutex_unlock(&conn->rx_mutex);
}

/*
 * One less. Whoever waits for none may free @sn as soon as it sees that: after a
 * grace period, so that telling it is safe.
 */
static void conn_uncount(struct ssn_net *sn)
{
	rcu_read_lock();
	if (atomic_dec_and_test(&sn->nconns))
		wake_up_all(&sn->idle);
	rcu_read_unlock();
}

/*
 * Nobody needs it: out of the table. The namespace may go as soon as it is, and
 * the work may still run again.
 */
static void conn_leave(struct ssn_conn *conn)
{
	struct ssn_net *sn = conn->sn;

	if (conn->left)
		return;
	conn->left = true;
	xa_erase(&sn->conns, conn->id);
	ssn_conn_drop_in(conn);
	ssn_conn_put(conn);
	conn_uncount(sn);
}

static int dial(struct ssn_conn *conn)
{
	struct sockaddr_storage addr;
	unsigned long wait = ssn_peer_wait(conn->peer);
	struct ssn_pipe *pipe;

	if (wait) {
		conn_schedule(conn, wait);
		return 0;
	}
	spin_lock_bh(&conn->peer->lock);
	addr = conn->peer->addr;
	spin_unlock_bh(&conn->peer->lock);
	if (!addr.ss_family)
		return -EHOSTUNREACH;
	pipe = ssn_tcp.connect(conn->sn->net, &addr);
	if (IS_ERR(pipe))
		return PTR_ERR(pipe);
	conn->pipe = pipe;
	conn->phase = SSN_PHASE_DIAL;
	conn->deadline = jiffies + SSN_HANDSHAKE_TIME;
	conn->timed = true;
	ssn_tcp.watch(pipe, kick, conn);
	return 0;
}

/* One step; 1 when another may follow at once, 0 to wait, or an error. */
static int conn_step(struct ssn_conn *conn)
{
	int err;

	switch (conn->phase) {
	case SSN_PHASE_WAIT:
		return dial(conn);
	case SSN_PHASE_DIAL:
		err = ssn_tcp.ready(conn->pipe);
		if (err <= 0)
			return err;
		err = ssn_hello_send(conn);
		if (err)
			return err;
		conn->phase = SSN_PHASE_ACCEPT;
		return 1;
	case SSN_PHASE_ACCEPT:
		err = ssn_conn_push(conn);
		if (err < 0)
			return err;
		return ssn_accept_read(conn);
	case SSN_PHASE_RECORDS:
		err = ssn_conn_push(conn);
		if (err < 0)
			return err;
		return ssn_conn_pull(conn);
	default:
		return 0;
	}
}

static bool all_said(const struct ssn_conn *conn)
{
	/*
	 * A socket without a reference to its namespace has no timers once it
	 * is freed: what the peer has not acknowledged would never be repeated.
	 */
	return conn->pipe && conn->finished && conn->eof &&
	       READ_ONCE(conn->peer_closed) &&
	       ssn_tcp.over(conn->pipe);
}

/* The owner is gone: say CLOSE once, and wait for the peer's, for a time. */
static void conn_linger(struct ssn_conn *conn)
{
	if (conn->phase != SSN_PHASE_RECORDS) {
		ssn_conn_fail(conn, -ECONNRESET);
		return;
	}
	if (conn->timed)
		return;
	conn->timed = true;
	conn->deadline = jiffies + SSN_LINGER_TIME;
	/* It may have come up while the owner left, who did not say it then. */
	if (ssn_conn_seal_close(conn))
		ssn_conn_fail(conn, -ECONNRESET);
}

static void conn_io(struct work_struct *work)
{
	struct ssn_conn *conn = container_of(to_delayed_work(work),
					     struct ssn_conn, io);
	unsigned int steps = 0;
	int err = 0;

	/* Coming in, and not yet ready: ssn_conn_up() or close() look again. */
	if (smp_load_acquire(&conn->phase) == SSN_PHASE_NONE &&
	    !READ_ONCE(conn->closed)) {
		ssn_conn_put(conn);
		return;
	}
	if (READ_ONCE(conn->closed))
		conn_linger(conn);
	while (READ_ONCE(conn->state) != SSN_CONN_DOWN) {
		err = conn_step(conn);
		if (err <= 0)
			break;
		if (++steps == CONN_STEPS) {	/* others want to, too */
			ssn_conn_kick(conn);
			break;
		}
	}
	if (err == -ENOBUFS && conn->phase == SSN_PHASE_RECORDS) {
		/* No memory for what comes: it stays in TCP, nothing moved. */
		conn_schedule(conn, CONN_RETRY);
	} else if (err < 0) {
		if (conn->outgoing && conn->phase < SSN_PHASE_RECORDS &&
		    err != -ENOKEY)
			ssn_peer_failed(conn->peer);
		ssn_conn_fail(conn, err);
	} else if (all_said(conn)) {
		ssn_conn_fail(conn, 0);
	}
	if (conn->timed && time_after_eq(jiffies, conn->deadline)) {
		if (conn->phase < SSN_PHASE_RECORDS)
			ssn_peer_failed(conn->peer);
		ssn_conn_fail(conn, -ETIMEDOUT);
	}
	if (READ_ONCE(conn->state) == SSN_CONN_DOWN) {
		conn_take_down(conn);
		if (READ_ONCE(conn->closed))
			conn_leave(conn);
	} else if (conn->timed) {
		conn_schedule(conn, conn->deadline - jiffies + 1);
	}
	ssn_conn_put(conn);
}

/**
 * ssn_conn_new - make a connection
 * @sn:		namespace
 * @peer:	a reference is taken
 * @p:		where to or from
 * @outgoing:	this end sends the HELLO
 * @ops:	callbacks, or NULL until ssn_conn_attach()
 * @owner:	passed to them
 *
 * From the moment it is in the table it may be ended by others, and its owner
 * be told.
 *
 * Return: the connection, in the table, with a reference for the caller; or an
 * ERR_PTR: -ENOMEM, -ENETDOWN.
 */
struct ssn_conn *ssn_conn_new(struct ssn_net *sn, struct ssn_peer *peer,
			      const struct ssn_conn_params *p, bool outgoing,
			      const struct ssn_conn_ops *ops, void *owner)
{
	struct ssn_conn *conn;
	int err;

	conn = kzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);
	if (!conn)
		return ERR_PTR(-ENOMEM);
	refcount_set(&conn->refs, 2);
	refcount_inc(&peer->refs);
	conn->sn = sn;
	conn->peer = peer;
	conn->p = *p;
	conn->outgoing = outgoing;
	conn->phase = outgoing ? SSN_PHASE_WAIT : SSN_PHASE_NONE;
	conn->ops = ops;
	conn->owner = owner;
	conn->state = SSN_CONN_CONNECTING;
	INIT_DELAYED_WORK(&conn->io, conn_io);
	spin_lock_init(&conn->cb_lock);
	spin_lock_init(&conn->lock);
	mutex_init(&conn->tx_mutex);
	mutex_init(&conn->rx_mutex);
	INIT_LIST_HEAD(&conn->outs);
	INIT_LIST_HEAD(&conn->ready);
	INIT_LIST_HEAD(&conn->accept_node);
	INIT_LIST_HEAD(&conn->pad_waiter.node);
	INIT_LIST_HEAD(&conn->tag_waiter.node);
	conn->pad_waiter.fn = pad_gained;
	conn->tag_waiter.fn = tags_gained;
	ssn_lane_init(&conn->tx_tags, 1);
	ssn_lane_init(&conn->tx_pads, 4);
	ssn_lane_init(&conn->rx_tags, 0);
	ssn_lane_init(&conn->rx_pads, 0);
	conn->tx.tags = &conn->tx_tags;
	conn->tx.pads = &conn->tx_pads;
	conn->tx.dir = !outgoing;
	conn->rx.tags = &conn->rx_tags;
	conn->rx.pads = &conn->rx_pads;
	conn->rx.dir = outgoing;

	conn->last = ssn_out_new();
	if (!conn->last) {
		conn_free(conn);
		return ERR_PTR(-ENOMEM);
	}

	atomic_inc(&sn->nconns);
	err = READ_ONCE(sn->dying) ? -ENETDOWN : 0;
	if (!err)
		err = xa_alloc(&sn->conns, &conn->id, conn,
			       XA_LIMIT(1, U32_MAX), GFP_KERNEL_ACCOUNT);
	if (err) {
		conn_uncount(sn);
		conn_free(conn);
		return ERR_PTR(err);
	}
	/* ssn_peer_del() marks it, then ends what is in the table. */
	if (ssn_peer_gone(peer))
		ssn_conn_abort(conn, -EHOSTUNREACH);
	return conn;
}

static bool has_pad(const struct ssn_peer *peer)
{
	struct qkd_pool_level pad, tag;

	qkd_pool_level(peer->tx_pad, &pad);
	qkd_pool_level(peer->tx_tag, &tag);
	return pad.usable && tag.usable;
}

struct ssn_conn *ssn_conn_connect(struct net *net,
				  const struct ssn_conn_params *p,
				  const struct ssn_conn_ops *ops, void *owner)
{
	struct ssn_net *sn = ssn_net(net);
	struct ssn_conn *conn = ERR_PTR(-ENOKEY);
	struct ssn_peer *peer;

	if (!p->service)
		return ERR_PTR(-EINVAL);
	if (!READ_ONCE(sn->node))
		return ERR_PTR(-ENETDOWN);
	if (p->node == READ_ONCE(sn->node))
		return ERR_PTR(-EOPNOTSUPP);
	peer = ssn_peer_get(sn, p->node);
	if (!peer) {
		ssn_tally(sn, NULL, SSN_A_COUNTERS_BAD_ADDRESS, 1);
		return ERR_PTR(-EHOSTUNREACH);
	}
	if (!has_pad(peer)) {
		ssn_tally(sn, peer, SSN_A_COUNTERS_NO_PAD, 1);
		goto out;
	}
	conn = ssn_conn_new(sn, peer, p, true, ops, owner);
	if (IS_ERR(conn))
		goto out;
	ssn_tally(sn, peer, SSN_A_COUNTERS_CONNS_OPENED, 1);
	ssn_conn_kick(conn);
out:
	ssn_peer_put(peer);
	return conn;
}

void ssn_conn_attach(struct ssn_conn *conn, const struct ssn_conn_ops *ops,
		     void *owner)
{
	spin_lock_bh(&conn->cb_lock);
	conn->owner = owner;
	conn->ops = ops;
	spin_unlock_bh(&conn->cb_lock);
}

void ssn_conn_shutdown(struct ssn_conn *conn)
{
	if (ssn_conn_seal_close(conn))
		ssn_conn_abort(conn, -ECONNRESET);
	else
		ssn_conn_kick(conn);
}

void ssn_conn_close(struct ssn_conn *conn)
{
	if (!conn)
		return;
	spin_lock_bh(&conn->cb_lock);
	conn->ops = NULL;
	conn->owner = NULL;
	spin_unlock_bh(&conn->cb_lock);
	if (ssn_conn_state(conn) == SSN_CONN_UP)
		ssn_conn_shutdown(conn);
	WRITE_ONCE(conn->closed, true);
	ssn_conn_kick(conn);
	ssn_conn_put(conn);
}

void ssn_conn_abort(struct ssn_conn *conn, int err)
{
	ssn_conn_fail(conn, err);
}

/* End all connections to a peer, or all there are, at once. */
void ssn_conns_abort(struct ssn_net *sn, const struct ssn_peer *peer, int err)
{
	struct ssn_conn *conn;
	unsigned long id;

	/* The table's reference cannot go under the walk's feet: see below. */
	for (id = 0;;) {
		xa_lock(&sn->conns);
		conn = xa_find(&sn->conns, &id, ULONG_MAX, XA_PRESENT);
		if (conn)
			ssn_conn_hold(conn);
		xa_unlock(&sn->conns);
		if (!conn)
			return;
		if (!peer || conn->peer == peer)
			ssn_conn_abort(conn, err);
		ssn_conn_put(conn);
		id++;
	}
}

enum ssn_conn_state ssn_conn_state(const struct ssn_conn *conn)
{
	return READ_ONCE(conn->state);
}

int ssn_conn_error(const struct ssn_conn *conn)
{
	return READ_ONCE(conn->error);
}

bool ssn_conn_peer_closed(const struct ssn_conn *conn)
{
	return READ_ONCE(conn->peer_closed);
}

u32 ssn_conn_node(const struct ssn_conn *conn)
{
	return conn->peer->id;
}

void ssn_conn_peer_info(const struct ssn_conn *conn,
			struct ssn_peer_info *info)
{
	*info = (struct ssn_peer_info) {
		.node		= conn->peer->id,
		.group		= conn->p.group,
		.generation	= conn->p.generation,
		.service	= conn->p.service,
		.role		= READ_ONCE(conn->peer->role),
		.suite		= SSN_SUITE_OTP,
	};
}

void ssn_conn_bytes(const struct ssn_conn *conn, u64 *sent, u64 *received)
{
	*sent = READ_ONCE(conn->sent);
	*received = READ_ONCE(conn->received);
}
