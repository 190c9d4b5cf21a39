// SPDX-License-Identifier: GPL-2.0
/*
 * HELLO and ACCEPT. Each is tagged with the first slot of the tag lease that
 * it announces itself; the other end looks at that slot without claiming it,
 * and claims the leases only when the tag is right (PROTOCOL 2). A HELLO sent
 * again finds its units claimed.
 */
#include <crypto/algapi.h>
#include <linux/err.h>
#include <linux/random.h>
#include <linux/string.h>
#include "conn_parts.h"
#include "net.h"
#include "peer.h"

/* Leases to begin with: one run of slots, and pad if there is any. */
static int first_leases(struct ssn_conn *conn, struct ssn_wire_lease *tags,
			struct ssn_wire_lease *pads)
{
	struct ssn_lease *l;

	l = ssn_lane_take(conn->peer->tx_tag, &conn->tx_tags, tags);
	if (IS_ERR(l))
		return PTR_ERR(l);
	ssn_lane_add(&conn->tx_tags, l);
	memset(pads, 0, sizeof(*pads));
	l = ssn_lane_take(conn->peer->tx_pad, &conn->tx_pads, pads);
	if (PTR_ERR(l) == -ENOKEY)
		return 0;
	if (IS_ERR(l))
		return PTR_ERR(l);
	ssn_lane_add(&conn->tx_pads, l);
	return 0;
}

/* Tags a HELLO or ACCEPT in @out with the next slot and queues it. */
static int tag_and_queue(struct ssn_conn *conn, struct ssn_out *out, u8 *tag)
{
	u8 *key = ssn_lane_peek(&conn->tx_tags, QKD_SLOT);
	LIST_HEAD(outs);

	if (!key) {
		ssn_out_free(out);
		return -EKEYREVOKED;
	}
	ssn_hello_tag(tag, key, out->head, 128);
	ssn_lane_spend(&conn->tx_tags, QKD_SLOT);
	out->head_len = 128;
	list_add(&out->node, &outs);
	ssn_conn_queue(conn, &outs);
	ssn_conn_count(conn, SSN_A_COUNTERS_TX_PAD_BYTES, QKD_SLOT);
	return 0;
}

/**
 * ssn_hello_send - begin: send HELLO
 * @conn:	connection whose stream is established; only its work calls this
 *
 * Return: 0, -ENOKEY without tag slots, -EKEYREVOKED, -ENOMEM.
 */
int ssn_hello_send(struct ssn_conn *conn)
{
	struct ssn_out *out = ssn_out_new();
	struct ssn_wire_hello *h;
	int err;

	if (!out)
		return -ENOMEM;
	h = (struct ssn_wire_hello *)out->head;
	*h = (struct ssn_wire_hello) {
		.magic		= cpu_to_be32(SSN_WIRE_MAGIC),
		.type		= SSN_WIRE_HELLO,
		.version	= SSN_WIRE_VERSION,
		.suite		= SSN_SUITE_OTP,
		.proto		= conn->p.proto,
		.src_node	= cpu_to_be32(conn->sn->node),
		.dst_node	= cpu_to_be32(conn->peer->id),
		.src_role	= conn->sn->role,
		.service	= cpu_to_be16(conn->p.service),
		.group		= cpu_to_be32(conn->p.group),
		.generation	= cpu_to_be32(conn->p.generation),
	};
	get_random_bytes(h->nonce, sizeof(h->nonce));
	mutex_lock(&conn->tx_mutex);
	err = first_leases(conn, &h->tag_lease, &h->pad_lease);
	if (err) {
		ssn_out_free(out);
		goto unlock;
	}
	memcpy(conn->tx.id, h->nonce, sizeof(h->nonce));
	err = tag_and_queue(conn, out, h->tag);
	if (!err)
		memcpy(conn->hello_tag, h->tag, sizeof(h->tag));
unlock:
	mutex_unlock(&conn->tx_mutex);
	if (err == -ENOKEY)
		ssn_conn_count(conn, SSN_A_COUNTERS_NO_PAD, 1);
	return err;
}

/* Is @tag right under the slot that @tags begins with? */
static int check_tag(struct ssn_peer *peer, const struct ssn_wire_lease *tags,
		     const void *msg, const u8 *tag)
{
	u32 first = be32_to_cpu(tags->first);
	u8 key[QKD_SLOT], right[SSN_WIRE_TAG];
	uuid_t id;
	int err;

	if (first > U32_MAX / QKD_RUN)
		return -ERANGE;
	import_uuid(&id, tags->block);
	err = qkd_slot_peek(peer->rx_tag, &id, first * QKD_RUN, key);
	if (err)
		return err;
	ssn_hello_tag(right, key, msg, 128);
	memzero_explicit(key, sizeof(key));
	err = crypto_memneq(right, tag, sizeof(right)) ? -EBADMSG : 0;
	memzero_explicit(right, sizeof(right));
	return err;
}

static int claim(struct qkd_pool *pool, struct ssn_lane *lane,
		 const struct ssn_wire_lease *wire)
{
	struct ssn_lease *l = ssn_lease_new();

	return l ? ssn_lane_claim(pool, lane, wire, l) : -ENOMEM;
}

/* Claims what a verified HELLO or ACCEPT announces; its slot is spent. */
static int claim_leases(struct ssn_conn *conn,
			const struct ssn_wire_lease *tags,
			const struct ssn_wire_lease *pads)
{
	int err;

	mutex_lock(&conn->rx_mutex);
	err = claim(conn->peer->rx_tag, &conn->rx_tags, tags);
	if (!err)
		ssn_lane_spend(&conn->rx_tags, QKD_SLOT);
	if (!err && pads->units)
		err = claim(conn->peer->rx_pad, &conn->rx_pads, pads);
	mutex_unlock(&conn->rx_mutex);
	return err;
}

static int accept_check(struct ssn_conn *conn, const struct ssn_wire_accept *a)
{
	if (a->magic != cpu_to_be32(SSN_WIRE_MAGIC) ||
	    a->type != SSN_WIRE_ACCEPT || a->version != SSN_WIRE_VERSION ||
	    a->suite != SSN_SUITE_OTP)
		return -EPROTO;
	if (be32_to_cpu(a->src_node) != conn->peer->id ||
	    be32_to_cpu(a->dst_node) != conn->sn->node ||
	    a->role != READ_ONCE(conn->peer->role))
		return -EPROTO;
	if (memcmp(a->hello_tag, conn->hello_tag, sizeof(a->hello_tag)))
		return -EPROTO;
	return check_tag(conn->peer, &a->tag_lease, a, a->tag);
}

static int accept_take(struct ssn_conn *conn, const struct ssn_wire_accept *a)
{
	int err = accept_check(conn, a);

	if (err) {
		ssn_conn_count(conn, SSN_A_COUNTERS_BAD_HELLO, 1);
		return err == -EPROTO ? err : -EKEYREJECTED;
	}
	err = claim_leases(conn, &a->tag_lease, &a->pad_lease);
	if (err == -ENOMEM)
		return err;
	if (err) {
		ssn_conn_count(conn, SSN_A_COUNTERS_BAD_LEASE, 1);
		return -EKEYREJECTED;
	}
	ssn_conn_count(conn, SSN_A_COUNTERS_RX_PAD_BYTES, QKD_SLOT);
	if (a->status != SSN_WIRE_OK)
		return -ECONNREFUSED;
	memcpy(conn->tx.id + SSN_WIRE_NONCE, a->nonce, sizeof(a->nonce));
	memcpy(conn->rx.id, conn->tx.id, sizeof(conn->rx.id));
	ssn_peer_reached(conn->peer);
	ssn_conn_up(conn);
	return 1;
}

/* Reads the ACCEPT; like ssn_conn_pull(). */
int ssn_accept_read(struct ssn_conn *conn)
{
	int n = ssn_tcp.recv(conn->pipe, conn->head + conn->got,
			     sizeof(struct ssn_wire_accept) - conn->got);

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return n;
	if (!n)
		return -ECONNRESET;
	conn->got += n;
	if (conn->got < sizeof(struct ssn_wire_accept))
		return 1;
	conn->got = 0;
	ssn_conn_count(conn, SSN_A_COUNTERS_RX_WIRE_BYTES,
		       sizeof(struct ssn_wire_accept));
	return accept_take(conn, (void *)conn->head);
}

/**
 * ssn_hello_read - check a HELLO, and make a connection of it
 * @sn:		namespace
 * @h:		HELLO, as it came
 * @err:	why not
 *
 * Until the tag is right nothing is allocated, claimed or counted for the peer.
 *
 * Return: the connection, without a stream, a reference for the caller; or
 * NULL.
 */
struct ssn_conn *ssn_hello_read(struct ssn_net *sn,
				const struct ssn_wire_hello *h, int *err)
{
	struct ssn_conn_params p = {
		.node		= be32_to_cpu(h->src_node),
		.service	= be16_to_cpu(h->service),
		.proto		= h->proto,
		.group		= be32_to_cpu(h->group),
		.generation	= be32_to_cpu(h->generation),
		.window		= 4 * SSN_MSG_MAX,
		.rcvbuf		= 4 * SSN_MSG_MAX,
	};
	struct ssn_conn *conn = NULL;
	struct ssn_peer *peer;

	*err = -EPROTO;
	if (h->magic != cpu_to_be32(SSN_WIRE_MAGIC) ||
	    h->type != SSN_WIRE_HELLO || h->version != SSN_WIRE_VERSION ||
	    h->suite != SSN_SUITE_OTP || h->zero || !p.service ||
	    (h->proto != SSNPROTO_LINK && h->proto != SSNPROTO_SHARE) ||
	    memchr_inv(h->reserved, 0, sizeof(h->reserved)) ||
	    be32_to_cpu(h->dst_node) != READ_ONCE(sn->node))
		return NULL;
	peer = ssn_peer_get(sn, p.node);
	if (!peer)
		return NULL;
	if (h->src_role != READ_ONCE(peer->role))
		goto out;
	*err = check_tag(peer, &h->tag_lease, h, h->tag);
	if (*err)
		goto out;
	conn = ssn_conn_new(sn, peer, &p, false, NULL, NULL);
	if (IS_ERR(conn)) {
		*err = PTR_ERR(conn);
		conn = NULL;
		goto out;
	}
	*err = ssn_peer_gone(peer) ? -EHOSTUNREACH :
	       claim_leases(conn, &h->tag_lease, &h->pad_lease);
	if (*err) {
		if (*err != -ENOMEM)
			ssn_conn_count(conn, SSN_A_COUNTERS_BAD_LEASE, 1);
		ssn_conn_abort(conn, -EKEYREJECTED);
		ssn_conn_close(conn);
		conn = NULL;
		goto out;
	}
	ssn_conn_count(conn, SSN_A_COUNTERS_RX_PAD_BYTES, QKD_SLOT);
	ssn_conn_count(conn, SSN_A_COUNTERS_RX_WIRE_BYTES, sizeof(*h));
out:
	ssn_peer_put(peer);
	return conn;
}

/**
 * ssn_accept_send - answer a HELLO
 * @conn:	from ssn_hello_read()
 * @h:		the HELLO
 * @status:	enum ssn_wire_status
 *
 * Return: 0, -ENOKEY without tag slots, -EKEYREVOKED, -ENOMEM.
 */
int ssn_accept_send(struct ssn_conn *conn, const struct ssn_wire_hello *h,
		    u8 status)
{
	struct ssn_out *out = ssn_out_new();
	struct ssn_wire_accept *a;
	int err;

	if (!out)
		return -ENOMEM;
	a = (struct ssn_wire_accept *)out->head;
	*a = (struct ssn_wire_accept) {
		.magic		= cpu_to_be32(SSN_WIRE_MAGIC),
		.type		= SSN_WIRE_ACCEPT,
		.version	= SSN_WIRE_VERSION,
		.suite		= SSN_SUITE_OTP,
		.role		= conn->sn->role,
		.src_node	= cpu_to_be32(conn->sn->node),
		.dst_node	= h->src_node,
		.status		= status,
	};
	memcpy(a->hello_tag, h->tag, sizeof(a->hello_tag));
	get_random_bytes(a->nonce, sizeof(a->nonce));
	mutex_lock(&conn->tx_mutex);
	err = first_leases(conn, &a->tag_lease, &a->pad_lease);
	if (err) {
		ssn_out_free(out);
	} else {
		memcpy(conn->tx.id, h->nonce, SSN_WIRE_NONCE);
		memcpy(conn->tx.id + SSN_WIRE_NONCE, a->nonce, SSN_WIRE_NONCE);
		memcpy(conn->rx.id, conn->tx.id, sizeof(conn->rx.id));
		err = tag_and_queue(conn, out, a->tag);
	}
	mutex_unlock(&conn->tx_mutex);
	if (err == -ENOKEY)
		ssn_conn_count(conn, SSN_A_COUNTERS_NO_PAD, 1);
	return err;
}
