// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: records are read from TCP, checked and put together to messages,
 * which wait under their pad until they are read. What is read for a record
 * before its tag is checked is bounded by ssn_record_shape().
 */
#include <linux/err.h>
#include <linux/slab.h>
#include "conn_parts.h"
#include "net.h"
#include "netlink.h"
#include "pad.h"
#include "peer.h"

/*
 * A message is cut at the end of a record and at the end of a lease, which is a
 * unit or more: a sender that cuts it finer wants our memory.
 */
#define MSG_RECORDS_MAX	(SSN_MSG_MAX / QKD_UNIT + \
			 SSN_MSG_MAX / SSN_RECORD_MAX + 2)

/* ---- Messages ---- */

static void rec_free(struct ssn_rec *rec)
{
	if (rec->span)
		ssn_span_done(rec->span);
	ssn_buf_put(rec->buf);
	kfree(rec);
}

/* Under @rx_mutex. */
static void msg_drop_records(struct ssn_msg *msg)
{
	struct ssn_rec *rec, *tmp;

	list_for_each_entry_safe(rec, tmp, &msg->records, node) {
		list_del(&rec->node);
		rec_free(rec);
	}
}

/* Under @rx_mutex. */
static void msg_free(struct ssn_msg *msg)
{
	msg_drop_records(msg);
	kfree(msg);
}

static struct ssn_msg *msg_new(struct ssn_conn *conn, const u8 *head)
{
	const struct ssn_wire_record *r = (const void *)head;
	struct ssn_msg *msg = kzalloc(sizeof(*msg), GFP_KERNEL_ACCOUNT);

	if (!msg)
		return NULL;
	INIT_LIST_HEAD(&msg->node);
	INIT_LIST_HEAD(&msg->records);
	msg->conn = conn;
	msg->has_share = r->flags & SSN_WIRE_F_SHARE;
	msg->adopted = r->type == SSN_WIRE_ADOPT;
	if (msg->has_share)
		ssn_share_from_wire(&msg->share,
				    (const void *)(head + sizeof(*r)));
	return msg;
}

bool ssn_conn_readable(struct ssn_conn *conn)
{
	bool any;

	spin_lock_bh(&conn->lock);
	any = !list_empty(&conn->ready);
	spin_unlock_bh(&conn->lock);
	return any;
}

struct ssn_msg *ssn_conn_dequeue(struct ssn_conn *conn)
{
	struct ssn_msg *msg;

	spin_lock_bh(&conn->lock);
	msg = list_first_entry_or_null(&conn->ready, struct ssn_msg, node);
	if (msg) {
		list_del_init(&msg->node);
		ssn_conn_hold(conn);
	}
	spin_unlock_bh(&conn->lock);
	return msg;
}

void ssn_msg_unread(struct ssn_msg *msg)
{
	struct ssn_conn *conn = msg->conn;

	spin_lock_bh(&conn->lock);
	list_add(&msg->node, &conn->ready);
	spin_unlock_bh(&conn->lock);
	ssn_conn_put(conn);
}

/* Removes the pad from a part of one record; of an adopted one, it is the pad. */
static int rec_read(const struct ssn_rec *rec, u32 off, u8 *to, u32 len)
{
	u8 *pad = ssn_span_bytes(rec->span, off, len), *at;
	u32 done, chunk;

	if (!pad)
		return -EKEYREVOKED;
	if (!rec->buf)
		memcpy(to, pad, len);
	for (done = 0; rec->buf && done < len; done += chunk) {
		at = ssn_buf_at(rec->buf, off + done, &chunk);
		chunk = min(chunk, len - done);
		ssn_pad_xor(to + done, at, pad + done, chunk);
	}
	return 0;
}

int ssn_msg_read(struct ssn_msg *msg, u32 off, u8 *to, u32 len)
{
	struct ssn_conn *conn = msg->conn;
	u8 *begin = to;
	u32 want = len, n;
	struct ssn_rec *rec;
	int err = 0;

	mutex_lock(&conn->rx_mutex);
	list_for_each_entry(rec, &msg->records, node) {
		if (off >= rec->len) {
			off -= rec->len;
			continue;
		}
		if (!len)
			break;
		n = min(len, rec->len - off);
		err = rec_read(rec, off, to, n);
		if (err)
			break;
		to += n;
		len -= n;
		off = 0;
	}
	mutex_unlock(&conn->rx_mutex);
	if (err) {
		memset(begin, 0, want);
		ssn_conn_fail(conn, err);
	}
	return err;
}

void ssn_msg_free(struct ssn_msg *msg)
{
	struct ssn_conn *conn;
	u32 charged;

	if (!msg)
		return;
	conn = msg->conn;
	charged = msg->charged;
	mutex_lock(&conn->rx_mutex);
	msg_free(msg);
	mutex_unlock(&conn->rx_mutex);
	spin_lock_bh(&conn->lock);
	conn->charged -= charged;
	spin_unlock_bh(&conn->lock);
	ssn_conn_kick(conn);
	ssn_conn_put(conn);
}

/* Everything that came and that nobody will read. */
void ssn_conn_drop_in(struct ssn_conn *conn)
{
	struct ssn_msg *msg, *tmp;
	LIST_HEAD(all);

	spin_lock_bh(&conn->lock);
	list_splice_init(&conn->ready, &all);
	spin_unlock_bh(&conn->lock);
	mutex_lock(&conn->rx_mutex);
	list_for_each_entry_safe(msg, tmp, &all, node) {
		list_del(&msg->node);
		msg_free(msg);
	}
	if (conn->msg)
		msg_free(conn->msg);
	conn->msg = NULL;
	mutex_unlock(&conn->rx_mutex);
	ssn_buf_put(conn->in);
	conn->in = NULL;
}

/* ---- Records ---- */

/*
 * Where this record goes; -EPROTO if it does not continue what there is. What is
 * adopted is a share that a share socket deals, all of it or nothing.
 */
static int message_fits(struct ssn_conn *conn, const struct ssn_msg *msg)
{
	const struct ssn_wire_record *r = (const void *)conn->head;
	u32 len = be32_to_cpu(r->len);

	if (!(r->flags & SSN_WIRE_F_FIRST) != !!conn->msg)
		return -EPROTO;
	if (msg->adopted != (r->type == SSN_WIRE_ADOPT))
		return -EPROTO;
	if (msg->adopted && (conn->outgoing || conn->p.proto != SSNPROTO_SHARE ||
			     msg->share.flags & SSN_SHARE_CONTROL))
		return -EPROTO;
	if (conn->msg && (conn->msg->len + len > SSN_MSG_MAX ||
			  conn->msg->nr >= MSG_RECORDS_MAX))
		return -EMSGSIZE;
	return 0;
}

/*
 * The owner is gone. What still comes is taken in all the same, so that its pad
 * is claimed and wiped here as it was where it was sent from (PROTOCOL 1).
 */
static int throw_away(struct ssn_conn *conn, struct ssn_msg *msg, bool last)
{
	mutex_lock(&conn->rx_mutex);
	msg_drop_records(msg);
	if (last)
		msg_free(msg);
	conn->msg = last ? NULL : msg;
	mutex_unlock(&conn->rx_mutex);
	return 0;
}

static int take_data(struct ssn_conn *conn)
{
	const struct ssn_wire_record *r = (const void *)conn->head;
	u32 len = be32_to_cpu(r->len);
	struct ssn_msg *msg = conn->msg;
	struct ssn_rec *rec;
	int err = -ENOBUFS;
	u32 cost;

	rec = kzalloc(sizeof(*rec), GFP_KERNEL_ACCOUNT);
	if (!rec)
		return err;
	if (len) {
		rec->span = kzalloc(sizeof(*rec->span), GFP_KERNEL_ACCOUNT);
		if (!rec->span)
			goto err_rec;
	}
	if (!msg) {
		msg = msg_new(conn, conn->head);
		if (!msg)
			goto err_rec;
	}
	mutex_lock(&conn->rx_mutex);
	err = message_fits(conn, msg);
	if (!err)
		err = ssn_record_verify(&conn->rx, conn->head, conn->in);
	if (!err && len)
		ssn_lane_hold(&conn->rx_pads, rec->span, len);
	mutex_unlock(&conn->rx_mutex);
	if (err)
		goto err_msg;

	rec->buf = conn->in;
	rec->len = len;
	conn->in = NULL;
	list_add_tail(&rec->node, &msg->records);
	msg->len += len;
	msg->nr++;
	cost = sizeof(*rec) + sizeof(*msg) + PAGE_ALIGN(len);
	msg->charged += cost;
	ssn_conn_count(conn, SSN_A_COUNTERS_RX_PAD_BYTES, len);
	ssn_conn_count(conn, SSN_A_COUNTERS_RX_BYTES, len);
	if (READ_ONCE(conn->closed))
		return throw_away(conn, msg, r->flags & SSN_WIRE_F_LAST);
	spin_lock_bh(&conn->lock);
	conn->charged += cost;
	if (r->flags & SSN_WIRE_F_LAST) {
		conn->msg = NULL;
		conn->received += msg->len;
		list_add_tail(&msg->node, &conn->ready);
	} else {
		conn->msg = msg;
	}
	spin_unlock_bh(&conn->lock);
	if (r->flags & SSN_WIRE_F_LAST) {
		ssn_conn_count(conn, SSN_A_COUNTERS_RX_MESSAGES, 1);
		ssn_conn_tell_data(conn);
	}
	return 0;

err_msg:
	if (msg != conn->msg)
		kfree(msg);
err_rec:
	kfree(rec->span);
	kfree(rec);
	return err;
}

static int take_lease(struct ssn_conn *conn)
{
	const struct ssn_wire_record *r = (const void *)conn->head;
	struct ssn_lease *l = ssn_lease_new();
	bool tags = r->flags & SSN_WIRE_F_TAGS;
	u32 chunk;
	int err;

	if (!l)
		return -ENOBUFS;
	mutex_lock(&conn->rx_mutex);
	err = ssn_record_verify(&conn->rx, conn->head, conn->in);
	if (err) {
		ssn_lease_free(l);
	} else {
		err = ssn_lane_claim(tags ? conn->peer->rx_tag :
					    conn->peer->rx_pad,
				     tags ? &conn->rx_tags : &conn->rx_pads,
				     (void *)ssn_buf_at(conn->in, 0, &chunk),
				     l);
		if (err) {
			ssn_conn_count(conn, SSN_A_COUNTERS_BAD_LEASE, 1);
			ssn_nl_conn_event(conn, SSN_EVENT_BAD_RECORD, err);
			err = -EKEYREJECTED;
		}
	}
	mutex_unlock(&conn->rx_mutex);
	return err;
}

static int take_close(struct ssn_conn *conn)
{
	int err;

	mutex_lock(&conn->rx_mutex);
	err = conn->msg ? -EPROTO : 0;
	if (!err)
		err = ssn_record_verify(&conn->rx, conn->head, NULL);
	mutex_unlock(&conn->rx_mutex);
	if (err)
		return err;
	WRITE_ONCE(conn->peer_closed, true);
	ssn_conn_tell_state(conn);
	return 0;
}

static int take_record(struct ssn_conn *conn)
{
	const struct ssn_wire_record *r = (const void *)conn->head;
	u32 bytes = ssn_record_head_len(r) + ssn_record_payload(r);
	int err;

	if (conn->peer_closed)
		err = -EPROTO;
	else if (ssn_record_padded(r))
		err = take_data(conn);
	else if (r->type == SSN_WIRE_LEASE)
		err = take_lease(conn);
	else
		err = take_close(conn);
	if (err == -EPROTO) {
		ssn_conn_count(conn, SSN_A_COUNTERS_BAD_SEQ, 1);
		ssn_nl_conn_event(conn, SSN_EVENT_REPLAY, err);
	} else if (err == -EMSGSIZE) {
		ssn_conn_count(conn, SSN_A_COUNTERS_BAD_LENGTH, 1);
		err = -EPROTO;
	}
	if (err)
		return err;
	ssn_conn_count(conn, SSN_A_COUNTERS_RX_RECORDS, 1);
	ssn_conn_count(conn, SSN_A_COUNTERS_RX_WIRE_BYTES, bytes);
	ssn_conn_count(conn, SSN_A_COUNTERS_RX_PAD_BYTES, QKD_SLOT);
	ssn_buf_put(conn->in);
	conn->in = NULL;
	conn->got = 0;
	return 1;
}

/* Bad heads are told apart in the statistics and end the connection alike. */
static int check_shape(struct ssn_conn *conn)
{
	int err = ssn_record_shape((const void *)conn->head);

	if (!err)
		return 0;
	ssn_conn_count(conn, err == -EMSGSIZE ? SSN_A_COUNTERS_BAD_LENGTH :
						SSN_A_COUNTERS_BAD_TYPE, 1);
	ssn_nl_conn_event(conn, SSN_EVENT_BAD_RECORD, err);
	return -EPROTO;
}

static int at_eof(struct ssn_conn *conn)
{
	conn->eof = true;
	if (!conn->got && conn->peer_closed)
		return 0;
	return -ECONNABORTED;
}

/*
 * Readers are behind: TCP's window holds the peer back. Not if all of it is thrown
 * away, and not if the stream is over: what TCP still has is not much, and behind
 * it is how it ended.
 */
static bool behind(struct ssn_conn *conn)
{
	bool full;

	if (READ_ONCE(conn->closed) || ssn_tcp.over(conn->pipe))
		return false;
	spin_lock_bh(&conn->lock);
	full = conn->charged >= conn->p.rcvbuf && !list_empty(&conn->ready);
	spin_unlock_bh(&conn->lock);
	return full && !conn->got;
}

/*
 * Where the next bytes of the record go, and how many at most; NULL when all of
 * it is there. Its head is read first, and looked at, by itself.
 */
static u8 *missing(struct ssn_conn *conn, u32 *n)
{
	const struct ssn_wire_record *r = (const void *)conn->head;
	u32 head = conn->got < sizeof(*r) ? sizeof(*r) : ssn_record_head_len(r);

	if (conn->got < head) {
		*n = head - conn->got;
		return conn->head + conn->got;
	}
	if (conn->got - head == ssn_record_payload(r))
		return NULL;
	return ssn_buf_at(conn->in, conn->got - head, n);
}

/**
 * ssn_conn_pull - read from TCP
 * @conn:	connection; only its work calls this
 *
 * Return: 1 if something was read and more may be there, 0 to wait, -ENOBUFS to
 * be called again in a while, or an error that ends the connection: -ECONNRESET
 * also when the peer said all and then did not wait for our end.
 */
int ssn_conn_pull(struct ssn_conn *conn)
{
	const struct ssn_wire_record *r = (const void *)conn->head;
	u32 chunk;
	u8 *to;
	int n;

	if (conn->eof)
		return !conn->finished && ssn_tcp.over(conn->pipe) ? -ECONNRESET : 0;
	if (behind(conn))
		return 0;
	if (conn->got >= sizeof(*r) && ssn_record_payload(r) && !conn->in) {
		conn->in = ssn_buf_alloc(ssn_record_payload(r));
		if (!conn->in)
			return -ENOBUFS;
		conn->in->sealed = true;
	}
	to = missing(conn, &chunk);
	if (!to)
		return take_record(conn);
	n = ssn_tcp.recv(conn->pipe, to, chunk);
	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return n;
	if (!n)
		return at_eof(conn);
	conn->got += n;
	if (conn->got == sizeof(*r))
		return check_shape(conn) ?: 1;
	return 1;
}
