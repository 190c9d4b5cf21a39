// SPDX-License-Identifier: GPL-2.0
/*
 * HELLO and ACCEPT as they come: kernel/ssn_crypt's handshake.c as it is. The
 * tag is the right one if the input wants it, so that all behind it is reached;
 * what may then be believed is said here once more, from wire.h.
 *
 * Input: enum flags; for an ACCEPT the bytes in one read; the 128 bytes.
 *
 * max_len: 140
 * runs: 10000
 */
#include "pool.h"
#include "conn_parts.h"
#include "net.h"
#include "netlink.h"
#include "peer.h"

#define SELF	1
#define PEER	2

enum flags {
	ACCEPT = 1,	/* instead of a HELLO */
	SIGN = 2,	/* with the key of the slot that it names */
	VOID_TAGS = 4,	/* that block is void */
	NO_PADS = 8,	/* we have nothing to send with */
	FORM = 16,	/* what is the same in all of them is made right */
	GONE = 32,	/* the peer is removed in the middle of it */
};

static struct qkd_pool tags, pads, tx_tags, tx_pads;
static struct ssn_net sn = { .node = SELF, .role = SSN_ROLE_SHAREHOLDER };
static struct ssn_peer peer;
static struct ssn_conn *conn;
static unsigned int ups, made, peers_held;
static bool gone;

static const uint8_t *reply;
static size_t reply_left, reply_part;

static int stream_recv(struct ssn_pipe *pipe, void *to, size_t len)
{
	if (!reply_left)
		return 0;
	len = min(len, reply_left);
	len = min(len, reply_part);
	memcpy(to, reply, len);
	reply += len;
	reply_left -= len;
	return len;
}

const struct ssn_transport ssn_tcp = { .recv = stream_recv };

/* --- what handshake.c needs of the other files */

struct ssn_peer *ssn_peer_get(struct ssn_net *n, u32 id)
{
	must(n == &sn, "another namespace");
	if (id != PEER)
		return NULL;
	peers_held++;
	return &peer;
}

void ssn_peer_put(struct ssn_peer *p)
{
	peers_held -= !!p;
}

void ssn_peer_reached(struct ssn_peer *p) { }

bool ssn_peer_gone(struct ssn_peer *p)
{
	return gone;
}


struct ssn_conn *ssn_conn_new(struct ssn_net *n, struct ssn_peer *p,
			      const struct ssn_conn_params *params, bool outgoing,
			      const struct ssn_conn_ops *ops, void *owner)
{
	struct ssn_conn *c = calloc(1, sizeof(*c));

	must(c && p == &peer && params->service, "a connection to nowhere");
	c->sn = n;
	c->peer = p;
	c->p = *params;
	c->outgoing = outgoing;
	c->rx.tags = &c->rx_tags;
	c->rx.pads = &c->rx_pads;
	c->tx.tags = &c->tx_tags;
	c->tx.pads = &c->tx_pads;
	ssn_lane_init(&c->rx_tags, 1);
	ssn_lane_init(&c->rx_pads, 1);
	ssn_lane_init(&c->tx_tags, 1);
	ssn_lane_init(&c->tx_pads, 1);
	INIT_LIST_HEAD(&c->outs);
	made++;
	return c;
}

void ssn_conn_close(struct ssn_conn *c)
{
	struct ssn_out *out, *tmp;

	if (!c)
		return;
	list_for_each_entry_safe(out, tmp, &c->outs, node) {
		list_del(&out->node);
		ssn_out_free(out);
	}
	ssn_lane_drop(&c->rx_tags);
	ssn_lane_drop(&c->rx_pads);
	ssn_lane_drop(&c->tx_tags);
	ssn_lane_drop(&c->tx_pads);
	free(c);
	made--;
}

void ssn_conn_abort(struct ssn_conn *c, int err) { }
void ssn_conn_up(struct ssn_conn *c) { ups++; }

void ssn_conn_count(struct ssn_conn *c, unsigned int what, u64 n)
{
	must(what > SSN_A_COUNTERS_PAD && what <= SSN_A_COUNTERS_MAX, "counter %u",
	     what);
}

struct ssn_out *ssn_out_new(void)
{
	return calloc(1, sizeof(struct ssn_out));
}

void ssn_out_free(struct ssn_out *out)
{
	free(out);
}

void ssn_conn_queue(struct ssn_conn *c, struct list_head *outs)
{
	list_splice_init(outs, &c->outs);
}

u8 *ssn_buf_at(const struct ssn_buf *buf, u32 off, u32 *chunk)
{
	must(false, "there is no record yet");
	return NULL;
}

/* --- is it right? */

static bool good_leases(const struct ssn_wire_lease *t, const struct ssn_wire_lease *p)
{
	uuid_t id;

	import_uuid(&id, t->block);
	if (pool_claimable(&tags, &id, be32_to_cpu(t->first), be32_to_cpu(t->units)))
		return false;
	import_uuid(&id, p->block);
	return !p->units || !pool_claimable(&pads, &id, be32_to_cpu(p->first),
					    be32_to_cpu(p->units));
}

static bool good_hello(const struct ssn_wire_hello *h)
{
	return be32_to_cpu(h->magic) == SSN_WIRE_MAGIC && h->type == SSN_WIRE_HELLO &&
	       h->version == 1 && h->suite == SSN_SUITE_OTP &&
	       (h->proto == SSNPROTO_LINK || h->proto == SSNPROTO_SHARE) &&
	       be32_to_cpu(h->src_node) == PEER && be32_to_cpu(h->dst_node) == SELF &&
	       h->src_role == SSN_ROLE_SSA && !h->zero && h->service &&
	       !memchr_inv(h->reserved, 0, sizeof(h->reserved)) &&
	       good_leases(&h->tag_lease, &h->pad_lease);
}

static bool good_accept(const struct ssn_wire_accept *a)
{
	return be32_to_cpu(a->magic) == SSN_WIRE_MAGIC && a->type == SSN_WIRE_ACCEPT &&
	       a->version == 1 && a->suite == SSN_SUITE_OTP &&
	       be32_to_cpu(a->src_node) == PEER && be32_to_cpu(a->dst_node) == SELF &&
	       a->role == SSN_ROLE_SSA &&
	       !memcmp(a->hello_tag, conn->hello_tag, sizeof(a->hello_tag)) &&
	       good_leases(&a->tag_lease, &a->pad_lease);
}

/* The tag of a peer that has the pads; false if the slot is not there. */
static bool sign(void *msg, const struct ssn_wire_lease *t)
{
	u32 first = be32_to_cpu(t->first);
	struct qkd_block *b;
	uuid_t id;

	import_uuid(&id, t->block);
	b = pool_block(&tags, &id);
	if (!b || first >= POOL_UNITS)
		return false;
	ssn_hello_tag((u8 *)msg + 128 - SSN_WIRE_TAG,
		      b->pad + first * QKD_RUN * QKD_SLOT, msg, 128);
	return true;
}

static unsigned int claimed(void)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < POOL_BLOCKS; i++)
		for (j = 0; j < POOL_UNITS; j++)
			n += tags.block[i].claimed[j] + pads.block[i].claimed[j];
	return n;
}

/* --- the two of them */

static void hello(struct ssn_wire_hello *h, int flags)
{
	struct ssn_conn *again;
	bool good, right;
	int err = 0;

	if (flags & FORM) {
		h->magic = htobe32(SSN_WIRE_MAGIC);
		h->type = SSN_WIRE_HELLO;
		h->version = 1;
		h->suite = SSN_SUITE_OTP;
		h->src_node = htobe32(PEER);
		h->dst_node = htobe32(SELF);
		h->src_role = SSN_ROLE_SSA;
		h->zero = 0;
		memset(h->reserved, 0, sizeof(h->reserved));
	}
	right = flags & SIGN && sign(h, &h->tag_lease);
	good = right && good_hello(h) && !gone;
	conn = ssn_hello_read(&sn, h, &err);
	must(!!conn == good, "a HELLO was %s: %d", good ? "refused" : "taken", err);
	must(right || !claimed(), "a HELLO without a tag claimed something");
	if (!conn)
		return;
	must(conn->p.proto == h->proto && conn->p.node == PEER &&
	     conn->p.service == be16_to_cpu(h->service), "it is another connection");
	must(ssn_lane_slot(&conn->rx_tags) ==
	     be32_to_cpu(h->tag_lease.first) * QKD_RUN + 1, "its slot is not spent");
	again = ssn_hello_read(&sn, h, &err);
	must(!again && err == -EBUSY, "the same HELLO again: %d", err);

	err = ssn_accept_send(conn, h, SSN_WIRE_OK);
	must(!err == !(flags & NO_PADS), "the ACCEPT: %d", err);
	if (!err) {
		const struct ssn_wire_accept *a = (const void *)
			list_first_entry(&conn->outs, struct ssn_out, node)->head;

		must(!memcmp(a->hello_tag, h->tag, sizeof(h->tag)) &&
		     !memcmp(conn->rx.id, h->nonce, SSN_WIRE_NONCE) &&
		     !memcmp(conn->rx.id, conn->tx.id, sizeof(conn->rx.id)),
		     "the ACCEPT is not of this HELLO");
	}
	ssn_conn_close(conn);
}

static void answer(struct ssn_wire_accept *a, int flags, size_t part)
{
	static const struct ssn_conn_params p = {
		.node = PEER, .service = 2, .proto = SSNPROTO_LINK,
	};
	bool right, good, up;
	int ret;

	conn = ssn_conn_new(&sn, &peer, &p, true, NULL, NULL);
	ret = ssn_hello_send(conn);
	must(!ret == !(flags & NO_PADS), "the HELLO: %d", ret);
	if (flags & FORM) {
		a->magic = htobe32(SSN_WIRE_MAGIC);
		a->type = SSN_WIRE_ACCEPT;
		a->version = 1;
		a->suite = SSN_SUITE_OTP;
		a->src_node = htobe32(PEER);
		a->dst_node = htobe32(SELF);
		a->role = SSN_ROLE_SSA;
		memcpy(a->hello_tag, conn->hello_tag, sizeof(a->hello_tag));
	}
	right = flags & SIGN && sign(a, &a->tag_lease);
	good = right && good_accept(a);
	up = good && a->status == SSN_WIRE_OK;
	reply = (const uint8_t *)a;
	reply_left = sizeof(*a);
	reply_part = part;
	ups = 0;
	do {
		ret = ssn_accept_read(conn);
	} while (ret > 0 && !ups);
	must(ret == (up ? 1 : good ? -ECONNREFUSED : ret) && (up || ret < 0),
	     "an ACCEPT gave %d", ret);
	must(ups == up, "it is up, or not");
	must(right || !claimed(), "an ACCEPT without a tag claimed something");
	must(!up || (!memcmp(conn->rx.id + SSN_WIRE_NONCE, a->nonce, SSN_WIRE_NONCE) &&
		     !memcmp(conn->rx.id, conn->tx.id, sizeof(conn->rx.id))),
	     "its id is not made of both nonces");
	ssn_conn_close(conn);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	pool_make(&tags, 0, QKD_DIR_RX, QKD_KIND_TAG);
	pool_make(&pads, 1, QKD_DIR_RX, QKD_KIND_PAYLOAD);
	pool_make(&tx_tags, 2, QKD_DIR_TX, QKD_KIND_TAG);
	pool_make(&tx_pads, 3, QKD_DIR_TX, QKD_KIND_PAYLOAD);
	peer.id = PEER;
	peer.role = SSN_ROLE_SSA;
	peer.rx_tag = &tags;
	peer.rx_pad = &pads;
	peer.tx_tag = &tx_tags;
	peer.tx_pad = &tx_pads;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	union {
		struct ssn_wire_hello hello;
		struct ssn_wire_accept accept;
	} *msg = calloc(1, sizeof(*msg));	/* exactly: a byte too many is seen */
	int flags = input_u8(&in), part = 1 + input_u8(&in);
	const uint8_t *at;
	size_t len = input_bytes(&in, &at, sizeof(*msg));

	memcpy(msg, at, len);
	gone = flags & GONE;
	tags.block[0].dead = tags.block[1].dead = flags & VOID_TAGS;
	if (flags & NO_PADS)
		tx_tags.taken = POOL_UNITS;
	if (flags & ACCEPT)
		answer(&msg->accept, flags, part);
	else
		hello(&msg->hello, flags);
	free(msg);
	must(!made && !peers_held, "%u connections, %u peers are left over", made,
	     peers_held);
	pool_reset(&tags);
	pool_reset(&pads);
	pool_reset(&tx_tags);
	pool_reset(&tx_pads);
	return 0;
}
