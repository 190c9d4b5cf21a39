/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One connection between two nodes, under any kind of socket.
 *
 * A connection carries whole messages both ways, each cut into records that
 * are sealed with pad and a one-time tag. A link socket owns one connection,
 * a share socket one for each member of its group. The owner reserves, sends,
 * takes messages out and is called back; everything else happens here.
 *
 * Locks, outermost first: the owner's socket lock, tx_mutex or rx_mutex (never
 * both), lock, the lock of the TCP socket. cb_lock is taken alone.
 */
#ifndef _SSN_CONN_H
#define _SSN_CONN_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/ssn.h>

struct net;
struct ssn_buf;
struct ssn_conn;
struct ssn_msg;

/* Never goes back to an earlier one */
enum ssn_conn_state {
	SSN_CONN_CONNECTING,	/* TCP, HELLO or ACCEPT on their way */
	SSN_CONN_UP,		/* messages may be sent and received */
	SSN_CONN_DOWN,		/* ended; ssn_conn_error() says why */
};

/**
 * struct ssn_conn_ops - what the owner of a connection is told
 * @state_change: the state changed, or the peer's CLOSE was taken in
 * @data_ready:	a whole message is there to be dequeued
 * @write_space: a reservation that failed may succeed now: window or pad came
 *
 * Each is called with the @owner of ssn_conn_connect() or ssn_conn_attach(),
 * in process context with cb_lock (a spin lock) held: it must not sleep and
 * must not call ssn_conn_attach() or ssn_conn_close(); it may take spin locks
 * that are never held across those two, wake up and queue work, and ask
 * ssn_conn_state(), ssn_conn_error() and ssn_conn_readable(). None runs, nor
 * will, once ssn_conn_close() returned. Edges may be reported more than once.
 */
struct ssn_conn_ops {
	void (*state_change)(struct ssn_conn *conn, void *owner);
	void (*data_ready)(struct ssn_conn *conn, void *owner);
	void (*write_space)(struct ssn_conn *conn, void *owner);
};

/**
 * struct ssn_conn_params - where a connection goes to, and how
 * @node:	peer, 1..2^32-1
 * @service:	service at the peer, 1..65535
 * @proto:	SSNPROTO_LINK or SSNPROTO_SHARE, as the HELLO says
 * @group:	group named in the HELLO, or 0
 * @generation:	generation named in the HELLO
 * @window:	bytes sealed and not yet taken by TCP; at least
 *	2 * SSN_MSG_MAX lets a message be written while one is on its way
 * @rcvbuf:	bytes verified and not yet dequeued, before reading stops
 */
struct ssn_conn_params {
	u32	node;
	u16	service;
	u8	proto;
	u32	group;
	u32	generation;
	u32	window;
	u32	rcvbuf;
};

/**
 * struct ssn_reservation - window, pad and memory held for one message
 * @len:	payload bytes
 * @slots:	tag slots held
 * @held:	the reservation is in force
 * @outs:	what records are sealed into, one for each slot
 *
 * Belongs to the caller; filled in by ssn_conn_reserve().
 */
struct ssn_reservation {
	u32	len;
	u32	slots;
	bool	held;
	struct list_head outs;
};

/*
 * ---- Buffers: private pages of one message ----
 */

/**
 * struct ssn_buf - pages that hold one message, or a record's payload
 *
 * Pages are never in highmem: page_address() works on each. Page i holds bytes
 * i * PAGE_SIZE onwards. They are wiped before they are freed unless they were
 * sealed.
 */
struct ssn_buf {
	refcount_t	refs;
	bool		sealed;
	u32		len;
	u32		nr;
	struct page	*pages[];
};

/**
 * ssn_buf_alloc() - make a buffer
 * @len:	bytes, 0..SSN_MSG_MAX
 *
 * Context: process, may sleep. The contents are undefined.
 * Return: the buffer, one reference owned by the caller; NULL without memory.
 */
struct ssn_buf *ssn_buf_alloc(u32 len);
void ssn_buf_put(struct ssn_buf *buf);

/**
 * ssn_buf_at() - where a byte of a buffer is
 * @buf:	buffer
 * @off:	byte, less than the length
 * @chunk:	set to the contiguous bytes from there, at most to the end
 */
u8 *ssn_buf_at(const struct ssn_buf *buf, u32 off, u32 *chunk);

/*
 * ---- Life ----
 */

/**
 * ssn_conn_connect() - begin a connection to another node
 * @net:	network namespace, a reference held by the caller's socket
 * @p:		where to
 * @ops:	callbacks
 * @owner:	passed to the callbacks
 *
 * Returns at once: state_change() tells how it went. While the peer's backoff
 * runs, the attempt waits for it. An attempt that got no ACCEPT ends after
 * the handshake timeout (10 s).
 *
 * Context: process, may sleep.
 * Return: the connection, owned by the caller until ssn_conn_close(), or an
 * ERR_PTR(): -EHOSTUNREACH unknown peer, -EOPNOTSUPP the own node,
 * -ENETDOWN no own node set, -ENOKEY no confirmed pad towards the peer,
 * -EINVAL service 0, -ENOMEM.
 *
 * Errors that ssn_conn_error() gives later: -ECONNREFUSED nobody listens
 * there, -ETIMEDOUT no answer, -EKEYREJECTED the ACCEPT's tag was wrong,
 * -EBADMSG a record's tag was wrong, -EPROTO a record out of sequence or
 * malformed, -ECONNABORTED the stream ended without CLOSE, -EKEYREVOKED pad in
 * use became void, -ENOKEY no pad for a HELLO, -ENETDOWN the namespace or
 * node goes away, -EHOSTUNREACH the peer was removed, and what TCP says.
 */
struct ssn_conn *ssn_conn_connect(struct net *net,
				  const struct ssn_conn_params *p,
				  const struct ssn_conn_ops *ops, void *owner);

/**
 * ssn_conn_attach() - become the owner of an incoming connection
 * @conn:	from a listening socket's queue; its reference moves to the owner
 * @ops:	callbacks
 * @owner:	passed to the callbacks
 *
 * The connection takes a reference to the network namespace, which the caller
 * holds through its own socket. Context: process, may sleep.
 */
void ssn_conn_attach(struct ssn_conn *conn, const struct ssn_conn_ops *ops,
		     void *owner);

/**
 * ssn_conn_shutdown() - no more messages will be sent
 * @conn:	connection
 *
 * What was sent goes out, CLOSE after it. Receiving goes on. Idempotent.
 * Context: process, may sleep.
 */
void ssn_conn_shutdown(struct ssn_conn *conn);

/**
 * ssn_conn_close() - give a connection up
 * @conn:	connection; the owner's reference is consumed. NULL is allowed
 *
 * No callback runs after this returned. What was sent still goes out in the
 * background, CLOSE after it, for at most the linger time (10 s); what was not
 * read is discarded, and unused pad becomes void at both ends. Messages that
 * were dequeued stay readable. Reservations have to be given back before.
 *
 * Context: process, may sleep; not from a callback, and without any lock held
 * that a callback takes.
 */
void ssn_conn_close(struct ssn_conn *conn);

/**
 * ssn_conn_abort() - end a connection at once
 * @conn:	connection
 * @err:	negative errno that ssn_conn_error() gives, if it was still up
 *
 * Without CLOSE: the other end sees it truncated. The owner keeps its
 * reference. Context: process, may sleep.
 */
void ssn_conn_abort(struct ssn_conn *conn, int err);

/* End all connections to a peer, or with NULL all there are. As above. */
struct ssn_net;
struct ssn_peer;
void ssn_conns_abort(struct ssn_net *sn, const struct ssn_peer *peer, int err);

/*
 * ---- State: any context that may take a spin lock ----
 */

enum ssn_conn_state ssn_conn_state(const struct ssn_conn *conn);

/**
 * ssn_conn_error() - why a connection ended
 *
 * Return: 0 while it has not, or when both ends closed it in order; otherwise
 * a negative errno. It stays.
 */
int ssn_conn_error(const struct ssn_conn *conn);

/* The peer sent CLOSE: nothing comes after what is queued */
bool ssn_conn_peer_closed(const struct ssn_conn *conn);

/* A whole message can be dequeued */
bool ssn_conn_readable(struct ssn_conn *conn);

/**
 * ssn_conn_writable() - would a reservation succeed
 * @conn:	connection
 * @len:	payload bytes
 *
 * A snapshot. If it is false, write_space() is called when that may have
 * changed. Context: process; takes spin locks only.
 */
bool ssn_conn_writable(struct ssn_conn *conn, u32 len);

u32 ssn_conn_node(const struct ssn_conn *conn);
void ssn_conn_peer_info(const struct ssn_conn *conn,
			struct ssn_peer_info *info);

/* Payload bytes sealed and payload bytes verified so far */
void ssn_conn_bytes(const struct ssn_conn *conn, u64 *sent, u64 *received);

/*
 * ---- Sending ----
 */

/**
 * ssn_conn_reserve() - hold window, pad and memory for one whole message
 * @conn:	connection
 * @len:	payload bytes, 0..SSN_MSG_MAX
 * @res:	filled in; in force only if 0 is returned
 *
 * Takes leases as needed and announces them; nothing of the message is sealed.
 * Pad that was leased for a reservation that is given up stays with the
 * connection.
 *
 * Context: process, may sleep (memory, tx_mutex; never the network or pad).
 * Return: 0, or
 * -EAGAIN	the window is full: write_space() will be called
 * -ENOKEY	no pad: counted, an event is raised, write_space() will be
 *		called when the pool gained
 * -ENOTCONN	not yet up
 * -EPIPE	ssn_conn_shutdown() was called
 * -EMSGSIZE	@len above SSN_MSG_MAX
 * -ENOBUFS	no memory
 * or ssn_conn_error(); -EPIPE when it ended in order.
 */
int ssn_conn_reserve(struct ssn_conn *conn, u32 len,
		     struct ssn_reservation *res);

/**
 * ssn_conn_unreserve() - give a reservation back unused
 * @conn:	connection
 * @res:	reservation; nothing happens unless it is in force
 */
void ssn_conn_unreserve(struct ssn_conn *conn, struct ssn_reservation *res);

/**
 * ssn_conn_send() - seal a message in place and send it
 * @conn:	connection
 * @res:	reservation in force for exactly @buf->len bytes; used up in any
 *	case
 * @share:	share head in host order, or NULL
 * @buf:	the message in clear; sealed in place. The caller's reference is
 *	consumed in any case, and the caller must not look into it again
 *
 * Queues; TCP sends in the background. Messages go out in the order of calls.
 *
 * Context: process, may sleep (tx_mutex; never memory or the network).
 * Return: 0: the whole message is sealed and queued. Otherwise nothing of it
 * ever leaves: -EKEYREVOKED (pad died; the connection is down), or as
 * ssn_conn_reserve() for a connection down.
 */
int ssn_conn_send(struct ssn_conn *conn, struct ssn_reservation *res,
		  const struct ssn_share *share, struct ssn_buf *buf);

/**
 * ssn_conn_adopt() - make the next pad a share, and tell the member so
 * @conn:	connection of a share socket
 * @res:	reservation in force for exactly @buf->len bytes, more than 0; used
 *	up in any case
 * @share:	share head in host order
 * @buf:	gets the share: the pad that a payload would have used. Stays the
 *	caller's, and in clear
 *
 * The range is spent when this returns: void as pad at this end, and share data
 * at the member's once it verified what it is told (PROTOCOL 3).
 *
 * Context and return: as ssn_conn_send(). After an error @buf holds no share.
 */
int ssn_conn_adopt(struct ssn_conn *conn, struct ssn_reservation *res,
		   const struct ssn_share *share, struct ssn_buf *buf);

/*
 * ---- Receiving ----
 *
 * A message is verified when it is in the queue, and still under its pad. The
 * pad is removed on the way into the reader's buffer and spent when the
 * message is freed, so a reader that fails (EFAULT) loses nothing.
 */

/**
 * struct ssn_msg - one whole verified message
 * @node:	list of the queue, then of the one who dequeued it
 * @conn:	connection it came over; a reference held once dequeued
 * @len:	payload bytes
 * @has_share:	a share head came with it
 * @adopted:	it consists of pad: nothing of it travelled
 * @share:	that head in host order, exactly as the peer sent it: @share.x is
 *	a claim of the peer
 */
struct ssn_msg {
	struct list_head	node;
	struct ssn_conn		*conn;
	u32			len;
	bool			has_share;
	bool			adopted;
	struct ssn_share	share;
	/* conn.c's own: */
	struct list_head	records;
	u32			charged;
	u32			nr;
};

/**
 * ssn_conn_dequeue() - take the oldest message
 * @conn:	connection
 *
 * Return: the message, to be given to ssn_msg_free() or ssn_msg_unread(); NULL
 * when there is none. It keeps the connection's memory, and is still charged
 * to rcvbuf until it is freed. Context: process; takes spin locks only.
 */
struct ssn_msg *ssn_conn_dequeue(struct ssn_conn *conn);

/**
 * ssn_msg_unread() - put a message back at the front of the queue
 * @msg:	the message dequeued last
 *
 * The caller keeps others from dequeueing meanwhile.
 */
void ssn_msg_unread(struct ssn_msg *msg);

/**
 * ssn_msg_read() - remove the pad from a part of a message
 * @msg:	message
 * @off:	first byte
 * @to:		kernel buffer; the caller wipes it
 * @len:	bytes; @off + @len at most the message's length
 *
 * May be repeated: the pad stays until ssn_msg_free(). Context: process, may
 * sleep (rx_mutex).
 * Return: 0, or -EKEYREVOKED when the pad died: @to is zeroed, and the
 * connection is down.
 */
int ssn_msg_read(struct ssn_msg *msg, u32 off, u8 *to, u32 len);

/**
 * ssn_msg_free() - spend a message's pad and free it
 * @msg:	message that was dequeued; NULL is allowed
 *
 * Messages may be freed in any order. Context: process, may sleep.
 */
void ssn_msg_free(struct ssn_msg *msg);

#endif /* _SSN_CONN_H */
