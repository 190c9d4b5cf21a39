/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection from inside, for the files that make one:
 *
 *	conn.c		life, state, owner
 *	conn_send.c	reservations, sealing, the queue to TCP
 *	conn_recv.c	records from TCP, messages for readers
 *	handshake.c	HELLO and ACCEPT
 *	listen.c	connections coming in, before they are verified
 */
#ifndef _SSN_CONN_PARTS_H
#define _SSN_CONN_PARTS_H

#include <linux/mutex.h>
#include <linux/qkd_keyring.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "conn.h"
#include "lane.h"
#include "record.h"
#include "transport.h"
#include "wire.h"

struct ssn_net;
struct ssn_peer;

#define SSN_HANDSHAKE_TIME	(10 * HZ)
#define SSN_LINGER_TIME		(10 * HZ)

/* Where the work of a connection stands */
enum ssn_conn_phase {
	SSN_PHASE_NONE,		/* not begun */
	SSN_PHASE_WAIT,		/* for the peer's backoff */
	SSN_PHASE_DIAL,		/* for TCP */
	SSN_PHASE_ACCEPT,	/* for the ACCEPT */
	SSN_PHASE_RECORDS,
	SSN_PHASE_OVER,		/* the stream is gone */
};

/**
 * struct ssn_out - sealed bytes on their way to TCP
 * @node:	in the queue
 * @buf:	holds the payload, a reference; NULL if there is none
 * @off:	where it begins in @buf
 * @len:	payload bytes
 * @head_len:	bytes in @head
 * @sent:	bytes TCP has taken of head and payload
 * @head:	record head, HELLO or ACCEPT
 */
struct ssn_out {
	struct list_head	node;
	struct ssn_buf		*buf;
	u32			off;
	u32			len;
	u32			head_len;
	u32			sent;
	u8			head[128];
};

/* A verified record, under its pad until it is read */
struct ssn_rec {
	struct list_head	node;
	struct ssn_span		*span;	/* NULL when it is empty */
	struct ssn_buf		*buf;	/* likewise */
	u32			len;
};

/**
 * struct ssn_conn - a connection
 * @refs:	the table's, the owner's, one while @io is queued or runs, one for
 *		each message out of the queue
 * @sn:		namespace
 * @peer:	a reference
 * @id:		number in @sn
 * @p:		where to, or where from
 * @outgoing:	this end sent the HELLO
 * @io:		does all that has to do with the stream
 *
 * @io's own:
 * @phase:	where it stands
 * @pipe:	the stream
 * @deadline:	when to look again, in jiffies; with @timed
 * @finished:	the stream was told that nothing more comes
 * @eof:	the peer's end of stream was seen
 * @left:	it is out of the table: @sn may be gone
 * @got:	bytes of @head or of @in that came
 * @head:	head of the record, or ACCEPT, being read
 * @in:		payload being read
 * @msg:	message being put together
 *
 * @cb_lock:	protects @ops and @owner
 *
 * @tx_mutex:	serialises senders; protects
 * @tx:		path; its lanes are @tx_tags, @tx_pads
 * @pad_held:	bytes of pad held by reservations
 * @slots_held:	slots held by reservations
 * @shut:	CLOSE was sealed: nothing more may be
 * @last:	memory for CLOSE, so that saying it cannot fail for want of any
 * @hello_tag:	tag of the own HELLO
 *
 * @rx_mutex:	serialises verifying and reading; protects
 * @rx:		path; its lanes are @rx_tags, @rx_pads
 *
 * @lock:	protects
 * @state:	enum ssn_conn_state
 * @error:	why it is down
 * @closed:	the owner is gone
 * @peer_closed: the peer's CLOSE was verified
 * @blocked:	a reservation failed since write_space was last called
 * @outs:	struct ssn_out
 * @queued:	bytes in @outs not taken by TCP
 * @window_held: payload bytes held by reservations
 * @ready:	whole messages
 * @charged:	bytes verified and not freed
 * @sent:	payload bytes sealed
 * @received:	payload bytes verified
 *
 * @pad_waiter:	on the pool of pad, while the connection is up
 * @tag_waiter:	on the pool of tags
 */
struct ssn_conn {
	refcount_t		refs;
	struct ssn_net		*sn;
	struct ssn_peer		*peer;
	u32			id;
	struct ssn_conn_params	p;
	bool			outgoing;

	struct delayed_work	io;
	enum ssn_conn_phase	phase;
	struct ssn_pipe		*pipe;
	unsigned long		deadline;
	bool			timed;
	bool			finished;
	bool			eof;
	bool			left;
	u32			got;
	u8			head[128];
	struct ssn_buf		*in;
	struct ssn_msg		*msg;

	spinlock_t		cb_lock;
	const struct ssn_conn_ops *ops;
	void			*owner;

	struct mutex		tx_mutex;
	struct ssn_path		tx;
	struct ssn_lane		tx_tags;
	struct ssn_lane		tx_pads;
	u32			pad_held;
	u32			slots_held;
	bool			shut;
	struct ssn_out		*last;
	u8			hello_tag[SSN_WIRE_TAG];

	struct mutex		rx_mutex;
	struct ssn_path		rx;
	struct ssn_lane		rx_tags;
	struct ssn_lane		rx_pads;

	spinlock_t		lock;
	enum ssn_conn_state	state;
	int			error;
	bool			closed;
	bool			peer_closed;
	bool			blocked;
	struct list_head	outs;
	u32			queued;
	u32			window_held;
	struct list_head	ready;
	u32			charged;
	u64			sent;
	u64			received;

	bool			waiting;
	struct qkd_waiter	pad_waiter;
	struct qkd_waiter	tag_waiter;

	struct list_head	accept_node;	/* a listening socket's */
};

/* conn.c */
struct ssn_conn *ssn_conn_new(struct ssn_net *sn, struct ssn_peer *peer,
			      const struct ssn_conn_params *p, bool outgoing,
			      const struct ssn_conn_ops *ops, void *owner);
void ssn_conn_hold(struct ssn_conn *conn);
void ssn_conn_put(struct ssn_conn *conn);
void ssn_conn_kick(struct ssn_conn *conn);
void ssn_conn_up(struct ssn_conn *conn);
void ssn_conn_fail(struct ssn_conn *conn, int err);
void ssn_conn_count(struct ssn_conn *conn, unsigned int what, u64 n);
void ssn_conn_tell_state(struct ssn_conn *conn);
void ssn_conn_tell_data(struct ssn_conn *conn);
void ssn_conn_tell_space(struct ssn_conn *conn);

/* conn_send.c */
void ssn_conn_queue(struct ssn_conn *conn, struct list_head *outs);
struct ssn_out *ssn_out_new(void);
void ssn_out_free(struct ssn_out *out);
int ssn_conn_push(struct ssn_conn *conn);
int ssn_conn_seal_close(struct ssn_conn *conn);
void ssn_conn_drop_outs(struct ssn_conn *conn);

/* conn_recv.c */
int ssn_conn_pull(struct ssn_conn *conn);
void ssn_conn_drop_in(struct ssn_conn *conn);

/* handshake.c */
int ssn_hello_send(struct ssn_conn *conn);
int ssn_accept_read(struct ssn_conn *conn);
struct ssn_conn *ssn_hello_read(struct ssn_net *sn,
				const struct ssn_wire_hello *h, int *err);
int ssn_accept_send(struct ssn_conn *conn, const struct ssn_wire_hello *h,
		    u8 status);

#endif /* _SSN_CONN_PARTS_H */
