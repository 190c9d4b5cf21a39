/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole wire format of AF_SSN over a byte stream.
 *
 * A connection is: HELLO from the initiator, ACCEPT from the acceptor, then
 * records both ways, then CLOSE from each side. All integers are in network
 * byte order. PROTOCOL 1 and 2 say why each field is there.
 */
#ifndef _SSN_WIRE_H
#define _SSN_WIRE_H

#include <linux/build_bug.h>
#include <linux/types.h>

#define SSN_WIRE_MAGIC		0x53534e31U	/* "SSN1" */
#define SSN_WIRE_VERSION	1
#define SSN_WIRE_TAG		16		/* bytes in a tag */
#define SSN_WIRE_NONCE		16		/* bytes in a nonce */

enum ssn_wire_type {
	SSN_WIRE_HELLO		= 1,
	SSN_WIRE_ACCEPT		= 2,
	SSN_WIRE_DATA		= 3,	/* sealed payload */
	SSN_WIRE_LEASE		= 4,	/* payload: struct ssn_wire_lease, in clear */
	SSN_WIRE_ADOPT		= 5,	/* pad-as-share: no payload follows; len bytes of pad are it */
	SSN_WIRE_CLOSE		= 6,	/* no payload; seq is the final sequence */
};

/**
 * struct ssn_wire_lease - units that the sender will use on this connection
 * @block:	block id
 * @first:	first unit
 * @units:	number of units
 */
struct ssn_wire_lease {
	__u8	block[16];
	__be32	first;
	__be32	units;
} __packed;

/**
 * struct ssn_wire_hello - first bytes from the initiator, fixed size
 *
 * Tagged with the first slot of @tag_lease, over everything before @tag. The
 * acceptor looks at the slot without claiming it, and holds no state before
 * the tag is right.
 */
struct ssn_wire_hello {
	__be32	magic;
	__u8	type;
	__u8	version;
	__u8	suite;
	__u8	proto;		/* SSNPROTO_LINK or SSNPROTO_SHARE */
	__be32	src_node;
	__be32	dst_node;
	__u8	src_role;
	__u8	zero;
	__be16	service;
	__be32	group;
	__be32	generation;
	__u8	nonce[SSN_WIRE_NONCE];
	struct ssn_wire_lease tag_lease;
	struct ssn_wire_lease pad_lease;
	__u8	reserved[20];	/* zero */
	__u8	tag[SSN_WIRE_TAG];
} __packed;

/**
 * struct ssn_wire_accept - first bytes from the acceptor, fixed size
 *
 * Tagged with the first slot of its @tag_lease, from the acceptor's own tx tag
 * pool, over everything before @tag. @hello_tag binds it to one HELLO. The
 * connection id is the HELLO's nonce followed by this one.
 */
struct ssn_wire_accept {
	__be32	magic;
	__u8	type;
	__u8	version;
	__u8	suite;
	__u8	role;
	__be32	src_node;
	__be32	dst_node;
	__u8	hello_tag[SSN_WIRE_TAG];
	__u8	nonce[SSN_WIRE_NONCE];
	struct ssn_wire_lease tag_lease;
	struct ssn_wire_lease pad_lease;
	__u8	status;		/* enum ssn_wire_status */
	__u8	reserved[15];	/* zero */
	__u8	tag[SSN_WIRE_TAG];
} __packed;

/* What an ACCEPT says; anything but OK ends the connection */
enum ssn_wire_status {
	SSN_WIRE_OK		= 0,
	SSN_WIRE_NO_SERVICE	= 1,	/* nobody listens there */
	SSN_WIRE_BUSY		= 2,	/* the backlog is full */
};

#define SSN_WIRE_F_FIRST	0x01	/* first record of a message */
#define SSN_WIRE_F_LAST		0x02	/* last record of a message */
#define SSN_WIRE_F_SHARE	0x04	/* struct ssn_wire_share follows; only with FIRST */
#define SSN_WIRE_F_TAGS		0x08	/* of a LEASE: of a tag block */

/**
 * struct ssn_wire_record - head of every record after HELLO and ACCEPT
 * @type:	enum ssn_wire_type
 * @flags:	SSN_WIRE_F_*
 * @zero:	zero
 * @len:	payload bytes that follow the head (and the share head, if any); of
 *	ADOPT, bytes of the payload lease that the share consists of: none follow
 * @seq:	sequence of the record in this direction, from 0
 * @slot:	slot of the tag lease in use, counted from the block's start
 * @offset:	byte of the payload lease in use, counted from the lease's start
 * @tag:	Poly1305 under the slot's key over connection id, direction, this
 *		head up to @tag, share head, and payload as it is on the wire
 *
 * @seq, @slot and @offset must be exactly the next ones; they are on the wire
 * so that the error can be told from a forgery in the statistics.
 */
struct ssn_wire_record {
	__u8	type;
	__u8	flags;
	__be16	zero;
	__be32	len;
	__be64	seq;
	__be32	slot;
	__be32	offset;
	__u8	tag[SSN_WIRE_TAG];
} __packed;

/* struct ssn_share (uapi) in network byte order */
struct ssn_wire_share {
	__be32	group;
	__be32	generation;
	__u8	scheme;
	__u8	k;
	__u8	n;
	__u8	x;
	__be16	flags;
	__be16	provenance;
	__be64	epoch;
	__be64	deal;
	__be64	message;
	__u8	object[16];
	__be32	version;
	__be32	segment;
} __packed;

static_assert(sizeof(struct ssn_wire_hello) == 128);
static_assert(sizeof(struct ssn_wire_accept) == 128);
static_assert(sizeof(struct ssn_wire_record) == 40);
static_assert(sizeof(struct ssn_wire_share) == 64);

#endif /* _SSN_WIRE_H */
