// SPDX-License-Identifier: GPL-2.0
/*
 * The gate. A stream that comes in is a guest: a fixed buffer for one HELLO and
 * a deadline. Limits hold before anything is verified (PROTOCOL 2): 256 guests,
 * 8 from one source, 5 s each, and attempts of one source that name one block
 * with a wrong tag are capped: of one source, since whoever reads a block's id off
 * the wire could else lock out those that hold it. A source is an IPv4 address, or
 * what IPv6 gives one host: a /64. What verifies becomes a connection.
 */
#include <linux/err.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/ipv6.h>
#include "conn_parts.h"
#include "listen.h"
#include "net.h"
#include "netlink.h"
#include "peer.h"

#define GUESTS_MAX	256
#define GUESTS_PER_SOURCE	8
#define GUEST_TIME	(5 * HZ)
#define BLAMED		64		/* blocks and sources remembered */
#define BLAME_MAX	64		/* wrong tags for one, in */
#define BLAME_TIME	(60 * HZ)	/* this time */

struct blame {
	u8		block[16];
	struct sockaddr_storage	from;
	unsigned int	count;
	unsigned long	since;
};

/**
 * struct ssn_gate - the listening end of a namespace
 * @sn:		namespace
 * @listener:	the underlay's
 * @work:	accepts
 * @lock:	protects what follows
 * @guests:	struct guest
 * @nguests:	their number
 * @closed:	no more come in
 * @blame:	blocks that were named with wrong tags
 * @idle:	woken when the last guest left
 */
struct ssn_gate {
	struct ssn_net		*sn;
	struct ssn_listener	*listener;
	struct work_struct	work;
	spinlock_t		lock;
	struct list_head	guests;
	unsigned int		nguests;
	bool			closed;
	struct blame		blame[BLAMED];
	wait_queue_head_t	idle;
};

struct guest {
	struct list_head	node;
	struct ssn_gate		*gate;
	struct ssn_pipe		*pipe;
	struct sockaddr_storage	from;
	unsigned long		deadline;
	struct delayed_work	work;
	unsigned int		got;
	struct ssn_wire_hello	hello;
};

static bool same_source(const struct sockaddr_storage *a,
			const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET6)
		return ipv6_prefix_equal(&((struct sockaddr_in6 *)a)->sin6_addr,
					 &((struct sockaddr_in6 *)b)->sin6_addr,
					 64);
	return ((struct sockaddr_in *)a)->sin_addr.s_addr ==
	       ((struct sockaddr_in *)b)->sin_addr.s_addr;
}

static struct blame *find_blame(struct ssn_gate *gate, const u8 *block,
				const struct sockaddr_storage *from)
{
	unsigned int i;

	for (i = 0; i < BLAMED; i++)
		if (gate->blame[i].count &&
		    !memcmp(gate->blame[i].block, block, 16) &&
		    same_source(&gate->blame[i].from, from))
			return &gate->blame[i];
	return NULL;
}

/* Too many wrong tags for this block from there lately. */
static bool is_capped(struct ssn_gate *gate, const u8 *block,
		      const struct sockaddr_storage *from)
{
	struct blame *b;
	bool capped;

	spin_lock_bh(&gate->lock);
	b = find_blame(gate, block, from);
	if (b && time_after(jiffies, b->since + BLAME_TIME))
		b->count = 0;
	capped = b && b->count >= BLAME_MAX;
	spin_unlock_bh(&gate->lock);
	return capped;
}

static void add_blame(struct ssn_gate *gate, const u8 *block,
		      const struct sockaddr_storage *from)
{
	struct blame *b, *oldest;
	unsigned int i;

	spin_lock_bh(&gate->lock);
	b = find_blame(gate, block, from);
	if (!b) {
		oldest = gate->blame;
		for (i = 0; i < BLAMED; i++) {
			b = &gate->blame[i];
			if (!b->count)
				break;
			if (time_before(b->since, oldest->since))
				oldest = b;
		}
		if (b->count)
			b = oldest;
		memcpy(b->block, block, sizeof(b->block));
		b->from = *from;
		b->count = 0;
		b->since = jiffies;
	}
	b->count++;
	spin_unlock_bh(&gate->lock);
}

static void guest_leave(struct guest *g)
{
	struct ssn_gate *gate = g->gate;

	if (g->pipe)
		ssn_tcp.free(g->pipe, true);
	spin_lock_bh(&gate->lock);
	list_del(&g->node);
	/* Nobody can kick it now; a kick that came before goes. */
	cancel_delayed_work(&g->work);
	if (!--gate->nguests)
		wake_up_all(&gate->idle);
	spin_unlock_bh(&gate->lock);
	kfree(g);
}

static void refuse(struct ssn_net *sn, const struct ssn_wire_hello *h, int err)
{
	unsigned int what = SSN_A_COUNTERS_BAD_HELLO;
	unsigned int event = SSN_EVENT_BAD_HELLO;

	/* This end's own trouble is nobody's attack. */
	if (err == -ENOMEM || err == -ENETDOWN)
		return;
	if (err == -EBUSY) {
		what = SSN_A_COUNTERS_REPLAYED_HELLO;
		event = SSN_EVENT_REPLAY;
	} else if (err == -EBADMSG) {
		what = SSN_A_COUNTERS_BAD_TAG;
		event = SSN_EVENT_BAD_TAG;
	}
	ssn_tally(sn, NULL, what, 1);
	ssn_nl_event(sn, be32_to_cpu(h->src_node), be16_to_cpu(h->service),
		     be32_to_cpu(h->group), event, err);
}

static void guest_kick(void *arg)
{
	struct guest *g = arg;

	mod_delayed_work(ssn_wq, &g->work, 0);
}

static void conn_kick(void *arg)
{
	ssn_conn_kick(arg);
}

/* The HELLO was right: the stream becomes the connection's. */
static void guest_enter(struct guest *g, struct ssn_conn *conn)
{
	struct ssn_net *sn = g->gate->sn;
	u8 status = ssn_link_offer(sn, conn->p.service);
	struct ssn_pipe *pipe = g->pipe;
	int err;

	ssn_tcp.watch(pipe, NULL, NULL);
	conn->pipe = pipe;
	g->pipe = NULL;
	err = ssn_accept_send(conn, &g->hello, status);
	if (!err) {
		ssn_tcp.watch(pipe, conn_kick, conn);
		ssn_conn_up(conn);
		ssn_conn_kick(conn);
		if (status != SSN_WIRE_OK) {
			ssn_conn_count(conn, SSN_A_COUNTERS_CONNS_REFUSED, 1);
			err = -ECONNREFUSED;
		}
	}
	if (!err) {
		ssn_conn_count(conn, SSN_A_COUNTERS_CONNS_ACCEPTED, 1);
		err = ssn_link_deliver(sn, conn);
	} else if (status == SSN_WIRE_OK) {
		ssn_conn_abort(conn, err);
	}
	if (err)
		ssn_conn_close(conn);
}

static void guest_hello(struct guest *g)
{
	const struct ssn_wire_hello *h = &g->hello;
	struct ssn_net *sn = g->gate->sn;
	struct ssn_conn *conn;
	int err;

	if (is_capped(g->gate, h->tag_lease.block, &g->from)) {
		ssn_tally(sn, NULL, SSN_A_COUNTERS_FLOOD, 1);
		return;
	}
	conn = ssn_hello_read(sn, h, &err);
	if (conn) {
		guest_enter(g, conn);
		return;
	}
	if (err == -EBADMSG)
		add_blame(g->gate, h->tag_lease.block, &g->from);
	refuse(sn, h, err);
}

static void guest_work(struct work_struct *work)
{
	struct guest *g = container_of(to_delayed_work(work), struct guest,
				       work);
	int n;

	if (READ_ONCE(g->gate->closed))
		goto leave;
	n = ssn_tcp.recv(g->pipe, (u8 *)&g->hello + g->got,
			 sizeof(g->hello) - g->got);
	if (n > 0)
		g->got += n;
	if (g->got == sizeof(g->hello)) {
		guest_hello(g);
		goto leave;
	}
	if (n == -EAGAIN && time_before(jiffies, g->deadline)) {
		queue_delayed_work(ssn_wq, &g->work, g->deadline - jiffies);
		return;
	}
	if (n > 0) {
		queue_delayed_work(ssn_wq, &g->work, 0);
		return;
	}
	if (n == -EAGAIN)
		ssn_tally(g->gate->sn, NULL, SSN_A_COUNTERS_TIMEOUT, 1);
	else if (g->got)
		ssn_tally(g->gate->sn, NULL, SSN_A_COUNTERS_BAD_HELLO, 1);
leave:
	/* No kick after the stream is gone or the connection's. */
	guest_leave(g);
}

static bool room_for(struct ssn_gate *gate, const struct sockaddr_storage *from)
{
	unsigned int same = 0;
	struct guest *g;

	if (gate->closed || gate->nguests >= GUESTS_MAX)
		return false;
	list_for_each_entry(g, &gate->guests, node)
		same += same_source(&g->from, from);
	return same < GUESTS_PER_SOURCE;
}

static void guest_come(struct ssn_gate *gate, struct ssn_pipe *pipe,
		       const struct sockaddr_storage *from)
{
	struct guest *g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	bool room;

	if (!g) {
		ssn_tcp.free(pipe, true);
		return;
	}
	g->gate = gate;
	g->pipe = pipe;
	g->from = *from;
	g->deadline = jiffies + GUEST_TIME;
	INIT_DELAYED_WORK(&g->work, guest_work);
	spin_lock_bh(&gate->lock);
	room = room_for(gate, from);
	if (room) {
		list_add_tail(&g->node, &gate->guests);
		gate->nguests++;
	}
	spin_unlock_bh(&gate->lock);
	if (!room) {
		kfree(g);
		ssn_tally(gate->sn, NULL, SSN_A_COUNTERS_FLOOD, 1);
		ssn_nl_event(gate->sn, 0, 0, 0, SSN_EVENT_FLOOD, -EBUSY);
		ssn_tcp.free(pipe, true);
		return;
	}
	ssn_tcp.watch(pipe, guest_kick, g);
}

/* Under @lock, so that none comes after the gate was closed. */
static void gate_kick(void *arg)
{
	struct ssn_gate *gate = arg;

	spin_lock_bh(&gate->lock);
	if (!gate->closed)
		queue_work(ssn_wq, &gate->work);
	spin_unlock_bh(&gate->lock);
}

static void gate_work(struct work_struct *work)
{
	struct ssn_gate *gate = container_of(work, struct ssn_gate, work);
	/* Not there yet: ssn_gate_open() has us look again. */
	struct ssn_listener *l = smp_load_acquire(&gate->listener);
	struct sockaddr_storage from;
	struct ssn_pipe *pipe;
	unsigned int n;

	if (!l)
		return;
	for (n = 0; n < 64; n++) {
		pipe = ssn_tcp.accept(l, &from);
		if (IS_ERR(pipe)) {
			if (PTR_ERR(pipe) == -EAGAIN)
				return;
			continue;
		}
		guest_come(gate, pipe, &from);
	}
	gate_kick(gate);
}

/**
 * ssn_gate_open - listen on the underlay
 * @sn:		namespace
 * @addr:	where
 *
 * Return: the gate or an ERR_PTR: what TCP says, -ENOMEM.
 */
struct ssn_gate *ssn_gate_open(struct ssn_net *sn,
			       const struct sockaddr_storage *addr)
{
	struct ssn_gate *gate = kzalloc(sizeof(*gate), GFP_KERNEL_ACCOUNT);
	struct ssn_listener *l;

	if (!gate)
		return ERR_PTR(-ENOMEM);
	gate->sn = sn;
	INIT_WORK(&gate->work, gate_work);
	spin_lock_init(&gate->lock);
	INIT_LIST_HEAD(&gate->guests);
	init_waitqueue_head(&gate->idle);
	l = ssn_tcp.listen(sn->net, addr, gate_kick, gate);
	if (IS_ERR(l)) {
		cancel_work_sync(&gate->work);
		kfree(gate);
		return ERR_CAST(l);
	}
	smp_store_release(&gate->listener, l);
	gate_kick(gate);	/* whoever came before */
	return gate;
}

/* Nobody comes in any more, and who waited at the gate is sent away. */
void ssn_gate_close(struct ssn_gate *gate)
{
	struct guest *g;

	spin_lock_bh(&gate->lock);
	WRITE_ONCE(gate->closed, true);
	spin_unlock_bh(&gate->lock);
	/* It uses the listener, and the guest that it has just let in. */
	cancel_work_sync(&gate->work);
	spin_lock_bh(&gate->lock);
	list_for_each_entry(g, &gate->guests, node)
		mod_delayed_work(ssn_wq, &g->work, 0);
	spin_unlock_bh(&gate->lock);
	ssn_tcp.unlisten(gate->listener);
	wait_event(gate->idle, !READ_ONCE(gate->nguests));
	/* Whoever woke us still holds the lock. */
	spin_lock_bh(&gate->lock);
	spin_unlock_bh(&gate->lock);
	kfree(gate);
}
