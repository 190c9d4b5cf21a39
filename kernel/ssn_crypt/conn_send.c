// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: window and pad are reserved for a whole message, then it is sealed
 * record by record into a queue that the connection's work pushes to TCP.
 *
 * A lease is announced, in a record of its own, before it is used. Two tag
 * slots are always kept back: one to announce the next run of slots with, one
 * for CLOSE.
 */
#include <linux/bvec.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "conn_parts.h"
#include "net.h"
#include "netlink.h"
#include "peer.h"

#define SLOTS_KEPT	2U
#define PAGES_MAX	17	/* that a record's bytes can be in */

struct ssn_buf *ssn_buf_alloc(u32 len)
{
	u32 nr = DIV_ROUND_UP(len, PAGE_SIZE), i;
	struct ssn_buf *buf;

	buf = kmalloc(struct_size(buf, pages, nr), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return NULL;
	refcount_set(&buf->refs, 1);
	buf->sealed = false;
	buf->len = len;
	buf->nr = 0;
	for (i = 0; i < nr; i++) {
		buf->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!buf->pages[i]) {
			buf->sealed = true;	/* nothing to wipe */
			ssn_buf_put(buf);
			return NULL;
		}
		buf->nr++;
	}
	return buf;
}

void ssn_buf_put(struct ssn_buf *buf)
{
	u32 i;

	if (!buf || !refcount_dec_and_test(&buf->refs))
		return;
	for (i = 0; i < buf->nr; i++) {
		if (!buf->sealed)
			memzero_explicit(page_address(buf->pages[i]),
					 PAGE_SIZE);
		__free_page(buf->pages[i]);
	}
	kfree(buf);
}

u8 *ssn_buf_at(const struct ssn_buf *buf, u32 off, u32 *chunk)
{
	u32 in = offset_in_page(off);

	*chunk = min_t(u32, PAGE_SIZE - in, buf->len - off);
	return (u8 *)page_address(buf->pages[off / PAGE_SIZE]) + in;
}

/* ---- The queue to TCP ---- */

struct ssn_out *ssn_out_new(void)
{
	return kzalloc(sizeof(struct ssn_out), GFP_KERNEL_ACCOUNT);
}

void ssn_out_free(struct ssn_out *out)
{
	if (!out)
		return;
	ssn_buf_put(out->buf);
	kfree(out);
}

static void free_list(struct list_head *outs)
{
	struct ssn_out *out, *tmp;

	list_for_each_entry_safe(out, tmp, outs, node) {
		list_del(&out->node);
		ssn_out_free(out);
	}
}

/* Under @tx_mutex, so that the queue is in the order of the sequence. */
void ssn_conn_queue(struct ssn_conn *conn, struct list_head *outs)
{
	struct ssn_out *out;
	u32 bytes = 0;

	list_for_each_entry(out, outs, node)
		bytes += out->head_len + out->len;
	spin_lock_bh(&conn->lock);
	list_splice_tail_init(outs, &conn->outs);
	conn->queued += bytes;
	spin_unlock_bh(&conn->lock);
}

void ssn_conn_drop_outs(struct ssn_conn *conn)
{
	LIST_HEAD(outs);

	spin_lock_bh(&conn->lock);
	list_splice_init(&conn->outs, &outs);
	conn->queued = 0;
	spin_unlock_bh(&conn->lock);
	free_list(&outs);
}

static struct ssn_out *first_out(struct ssn_conn *conn, bool *more)
{
	struct ssn_out *out;

	spin_lock_bh(&conn->lock);
	out = list_first_entry_or_null(&conn->outs, struct ssn_out, node);
	*more = out && !list_is_last(&out->node, &conn->outs);
	spin_unlock_bh(&conn->lock);
	return out;
}

/* Sealed pages are lent to TCP: from here on nobody writes to them, or wipes them. */
static int push_pages(struct ssn_conn *conn, struct ssn_out *out, bool more)
{
	u32 at = out->sent - out->head_len, chunk, len = 0, off;
	struct bio_vec vec[PAGES_MAX];
	const struct ssn_buf *buf = out->buf;
	unsigned int n = 0;

	if (WARN_ON_ONCE(!buf->sealed))
		return -EINVAL;
	while (at < out->len) {
		off = out->off + at;
		chunk = min_t(u32, PAGE_SIZE - offset_in_page(off),
			      out->len - at);
		vec[n++] = (struct bio_vec) {
			.bv_page	= buf->pages[off / PAGE_SIZE],
			.bv_offset	= offset_in_page(off),
			.bv_len		= chunk,
		};
		len += chunk;
		at += chunk;
	}
	return ssn_tcp.send_pages(conn->pipe, vec, n, len, more);
}

static int push_one(struct ssn_conn *conn, struct ssn_out *out, bool more)
{
	if (out->sent < out->head_len)
		return ssn_tcp.send(conn->pipe, out->head + out->sent,
				    out->head_len - out->sent,
				    more || out->len);
	return push_pages(conn, out, more);
}

/**
 * ssn_conn_push - give TCP what it takes
 * @conn:	connection; only its work calls this
 *
 * Return: 0, or TCP's error.
 */
int ssn_conn_push(struct ssn_conn *conn)
{
	bool more, shut, moved = false;
	struct ssn_out *out;
	int n;

	while ((out = first_out(conn, &more))) {
		n = push_one(conn, out, more);
		if (n == -EAGAIN)
			goto space;
		if (n < 0)
			return n;
		ssn_conn_count(conn, SSN_A_COUNTERS_TX_WIRE_BYTES, n);
		out->sent += n;
		moved = true;
		spin_lock_bh(&conn->lock);
		conn->queued -= n;
		if (out->sent == out->head_len + out->len)
			list_del(&out->node);
		else
			out = NULL;
		spin_unlock_bh(&conn->lock);
		if (out)
			ssn_out_free(out);
	}
	mutex_lock(&conn->tx_mutex);
	shut = conn->shut;
	mutex_unlock(&conn->tx_mutex);
	if (shut && !conn->finished && !first_out(conn, &more)) {
		conn->finished = true;
		ssn_tcp.finish(conn->pipe);
	}
space:
	/* Only then: who waits looks again, and looking has us run. */
	if (moved)
		ssn_conn_tell_space(conn);
	return 0;
}

/* ---- Sealing; all of it under tx_mutex ---- */

static u32 slots_left(const struct ssn_conn *conn)
{
	return conn->tx_tags.left / QKD_SLOT;
}

/* Seals a record without data of the user's into @out, which is consumed. */
static int seal_small(struct ssn_conn *conn, struct ssn_out *out, u8 type,
		      u8 flags, const void *payload, u32 len)
{
	LIST_HEAD(outs);
	int err = -ENOBUFS;
	u32 chunk;

	if (!out)
		return err;
	if (len) {
		out->buf = ssn_buf_alloc(len);
		if (!out->buf)
			goto err_out;
		memcpy(ssn_buf_at(out->buf, 0, &chunk), payload, len);
		out->buf->sealed = true;	/* it goes as it is */
	}
	err = ssn_record_seal(&conn->tx, type, flags, NULL, out->buf, 0, len,
			      out->head);
	if (err)
		goto err_out;
	out->head_len = sizeof(struct ssn_wire_record);
	out->len = len;
	list_add(&out->node, &outs);
	ssn_conn_queue(conn, &outs);
	ssn_conn_count(conn, SSN_A_COUNTERS_TX_RECORDS, 1);
	ssn_conn_count(conn, SSN_A_COUNTERS_TX_PAD_BYTES, QKD_SLOT);
	return 0;

err_out:
	ssn_out_free(out);
	return err;
}

/* Takes a lease, announces it, and puts it in its lane. */
static int lane_more(struct ssn_conn *conn, struct ssn_lane *lane)
{
	bool tags = lane == &conn->tx_tags;
	struct ssn_wire_lease wire;
	struct ssn_lease *l;
	int err;

	if (!slots_left(conn))
		return -ENOKEY;
	l = ssn_lane_take(tags ? conn->peer->tx_tag : conn->peer->tx_pad, lane,
			  &wire);
	if (IS_ERR(l))
		return PTR_ERR(l) == -ENOMEM ? -ENOBUFS : PTR_ERR(l);
	err = seal_small(conn, ssn_out_new(), SSN_WIRE_LEASE,
			 tags ? SSN_WIRE_F_TAGS : 0, &wire, sizeof(wire));
	if (err)
		ssn_lease_free(l);
	else
		ssn_lane_add(lane, l);
	return err;
}

/* Records that a message of @len bytes can take at most. */
static u32 records_for(const struct ssn_conn *conn, u32 len)
{
	return DIV_ROUND_UP(len, SSN_RECORD_MAX) + conn->tx_pads.nr + 1;
}

static bool enough_slots(const struct ssn_conn *conn, u32 len)
{
	return slots_left(conn) >= conn->slots_held + records_for(conn, len) +
				   SLOTS_KEPT + 1;
}

/*
 * Pad and slots for one more message of @len bytes. If the pool has not enough,
 * nothing is leased: what is leased and not used is lost to everybody.
 */
static int lanes_fill(struct ssn_conn *conn, u32 len)
{
	u64 need = (u64)conn->pad_held + len;
	int err;

	if (conn->tx_pads.left < need &&
	    !qkd_pool_has(conn->peer->tx_pad, need - conn->tx_pads.left))
		return -ENOKEY;
	for (;;) {
		if (!enough_slots(conn, len))
			err = lane_more(conn, &conn->tx_tags);
		else if (conn->tx_pads.left < need)
			err = lane_more(conn, &conn->tx_pads);
		else
			return 0;
		if (err)
			return err;
	}
}

static int tx_state(const struct ssn_conn *conn)
{
	switch (ssn_conn_state(conn)) {
	case SSN_CONN_CONNECTING:
		return -ENOTCONN;
	case SSN_CONN_UP:
		return conn->shut ? -EPIPE : 0;
	default:
		return ssn_conn_error(conn) ?: -EPIPE;
	}
}

/* Everything that sealing needs, so that it cannot stop in the middle. */
static int outs_make(struct list_head *outs, u32 n)
{
	struct ssn_out *out;

	INIT_LIST_HEAD(outs);
	while (n--) {
		out = ssn_out_new();
		if (!out) {
			free_list(outs);
			return -ENOBUFS;
		}
		list_add(&out->node, outs);
	}
	return 0;
}

/* A window for @len more; a message alone always fits. */
static bool window_fits(const struct ssn_conn *conn, u32 len)
{
	u32 used = conn->queued + conn->window_held;

	return !used || used + len <= conn->p.window;
}

int ssn_conn_reserve(struct ssn_conn *conn, u32 len,
		     struct ssn_reservation *res)
{
	int err;

	res->held = false;
	if (len > SSN_MSG_MAX)
		return -EMSGSIZE;
	mutex_lock(&conn->tx_mutex);
	err = tx_state(conn);
	if (err)
		goto out;
	/* Before looking, so that what comes while we look is not missed. */
	spin_lock_bh(&conn->lock);
	conn->blocked = true;
	err = window_fits(conn, len) ? 0 : -EAGAIN;
	spin_unlock_bh(&conn->lock);
	if (err)
		goto out;
	err = lanes_fill(conn, len);
	if (err == -ENOKEY) {
		ssn_conn_count(conn, SSN_A_COUNTERS_NO_PAD, 1);
		ssn_nl_conn_event(conn, SSN_EVENT_NO_PAD, err);
	} else if (err == -EKEYREVOKED) {
		ssn_conn_fail(conn, err);
	}
	if (err)
		goto out;
	res->len = len;
	res->slots = records_for(conn, len);
	err = outs_make(&res->outs, res->slots);
	if (err)
		goto out;
	res->held = true;
	conn->pad_held += len;
	conn->slots_held += res->slots;
	spin_lock_bh(&conn->lock);
	conn->window_held += len;
	spin_unlock_bh(&conn->lock);
out:
	mutex_unlock(&conn->tx_mutex);
	ssn_conn_kick(conn);	/* announcements */
	return err;
}

/* Under @tx_mutex. */
static void release(struct ssn_conn *conn, struct ssn_reservation *res)
{
	if (!res->held)
		return;
	res->held = false;
	free_list(&res->outs);
	conn->pad_held -= res->len;
	conn->slots_held -= res->slots;
	spin_lock_bh(&conn->lock);
	conn->window_held -= res->len;
	spin_unlock_bh(&conn->lock);
}

void ssn_conn_unreserve(struct ssn_conn *conn, struct ssn_reservation *res)
{
	if (!res->held)
		return;
	mutex_lock(&conn->tx_mutex);
	release(conn, res);
	mutex_unlock(&conn->tx_mutex);
	ssn_conn_tell_space(conn);
}

/* The most that the next record can carry. */
static u32 record_len(const struct ssn_conn *conn, u32 left)
{
	const struct ssn_lease *l = ssn_lane_head(&conn->tx_pads);

	if (!left)
		return 0;
	return min3(left, SSN_RECORD_MAX, l->lease.len - l->next);
}

/* @type: DATA; or ADOPT, which sends heads only and gives @buf the pad. */
static int seal_message(struct ssn_conn *conn, u8 type,
			const struct ssn_share *share, struct ssn_buf *buf,
			struct list_head *spare, struct list_head *outs)
{
	struct ssn_wire_share wire;
	u32 off = 0, len;
	u8 flags;
	int err;

	if (share)
		ssn_share_to_wire(&wire, share);
	do {
		struct ssn_out *out = list_first_entry(spare, struct ssn_out,
						       node);

		len = record_len(conn, buf->len - off);
		flags = off ? 0 : SSN_WIRE_F_FIRST;
		if (!off && share)
			flags |= SSN_WIRE_F_SHARE;
		if (off + len == buf->len)
			flags |= SSN_WIRE_F_LAST;
		err = ssn_record_seal(&conn->tx, type, flags,
				      flags & SSN_WIRE_F_SHARE ? &wire : NULL,
				      buf, off, len, out->head);
		if (err)
			return err;
		out->head_len = ssn_record_head_len((void *)out->head);
		if (type == SSN_WIRE_DATA) {
			out->buf = buf;
			refcount_inc(&buf->refs);
			out->off = off;
			out->len = len;
		}
		list_move_tail(&out->node, outs);
		ssn_conn_count(conn, SSN_A_COUNTERS_TX_RECORDS, 1);
		ssn_conn_count(conn, SSN_A_COUNTERS_TX_PAD_BYTES,
			       len + QKD_SLOT);
		off += len;
	} while (off < buf->len);
	buf->sealed = type == SSN_WIRE_DATA;
	return 0;
}

static int send_message(struct ssn_conn *conn, u8 type,
			struct ssn_reservation *res,
			const struct ssn_share *share, struct ssn_buf *buf)
{
	LIST_HEAD(outs);
	u32 len = buf->len;
	int err;

	mutex_lock(&conn->tx_mutex);
	err = tx_state(conn);
	if (!err && WARN_ON_ONCE(!res->held || res->len != len))
		err = -EINVAL;
	if (!err)
		err = seal_message(conn, type, share, buf, &res->outs, &outs);
	release(conn, res);
	if (!err) {
		ssn_conn_queue(conn, &outs);
		conn->sent += len;
		ssn_conn_count(conn, SSN_A_COUNTERS_TX_MESSAGES, 1);
		ssn_conn_count(conn, SSN_A_COUNTERS_TX_BYTES, len);
	}
	mutex_unlock(&conn->tx_mutex);
	free_list(&outs);	/* what was sealed before it failed */
	if (err == -EKEYREVOKED)
		ssn_conn_fail(conn, err);
	ssn_conn_kick(conn);
	return err;
}

int ssn_conn_send(struct ssn_conn *conn, struct ssn_reservation *res,
		  const struct ssn_share *share, struct ssn_buf *buf)
{
	int err = send_message(conn, SSN_WIRE_DATA, res, share, buf);

	ssn_buf_put(buf);
	return err;
}

int ssn_conn_adopt(struct ssn_conn *conn, struct ssn_reservation *res,
		   const struct ssn_share *share, struct ssn_buf *buf)
{
	return send_message(conn, SSN_WIRE_ADOPT, res, share, buf);
}

bool ssn_conn_writable(struct ssn_conn *conn, u32 len)
{
	struct qkd_pool_level pad, tag;
	bool fits;

	if (ssn_conn_state(conn) != SSN_CONN_UP || READ_ONCE(conn->shut))
		return false;
	spin_lock_bh(&conn->lock);
	conn->blocked = true;
	fits = window_fits(conn, len);
	spin_unlock_bh(&conn->lock);
	if (!fits)
		return false;
	qkd_pool_level(conn->peer->tx_pad, &pad);
	qkd_pool_level(conn->peer->tx_tag, &tag);
	return READ_ONCE(conn->tx_pads.left) + pad.usable >=
	       (u64)READ_ONCE(conn->pad_held) + len &&
	       (enough_slots(conn, len) || tag.usable);
}

/* Seals CLOSE, once; nothing can be sealed after it. */
int ssn_conn_seal_close(struct ssn_conn *conn)
{
	int err = 0;

	mutex_lock(&conn->tx_mutex);
	if (!conn->shut && ssn_conn_state(conn) == SSN_CONN_UP) {
		err = seal_small(conn, conn->last, SSN_WIRE_CLOSE, 0, NULL, 0);
		conn->last = NULL;
		WRITE_ONCE(conn->shut, !err);
	}
	mutex_unlock(&conn->tx_mutex);
	return err;
}
