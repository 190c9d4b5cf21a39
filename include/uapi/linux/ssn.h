/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * AF_SSN: sockets of the Secure Storage Network (ITU-T Y.3808, X.1715).
 *
 * SSNPROTO_LINK is a private, one-time-pad protected channel to a service on
 * another node; SSNPROTO_SHARE is a channel to a group of shareholders over
 * which whatever is sent is split and whatever is received is combined.
 */
#ifndef _UAPI_LINUX_SSN_H
#define _UAPI_LINUX_SSN_H

#include <linux/socket.h>
#include <linux/types.h>

/*
 * The address family has no number of its own. The module registers in slot
 * SSN_FAMILY_DEFAULT unless told otherwise (module parameter "family"), and
 * publishes the number in use in /proc/sys/net/ssn/family: user space reads
 * it there and passes it to socket(2) and in ssn_family.
 */
#define SSN_FAMILY_DEFAULT	25

/* socket(family, SOCK_SEQPACKET, protocol) */
#define SSNPROTO_LINK		1
#define SSNPROTO_SHARE		2

#define SSN_MSG_MAX		(1U << 20)	/* bytes in one message */
#define SSN_RECORD_MAX		(1U << 16)	/* payload bytes in one record */
#define SSN_MEMBERS_MAX		255		/* shareholders in one group */

/* ssn_node in bind(2): this node; a node id is never 0 otherwise */
#define SSN_NODE_ANY		0U

/**
 * struct sockaddr_ssn - address of an AF_SSN socket
 * @ssn_family:	the family number in use, host byte order
 * @ssn_service: service number (link sockets), host byte order; 0 for share
 *	sockets
 * @ssn_node:	node id of the peer (link sockets), host byte order;
 *	SSN_NODE_ANY in bind(2)
 * @ssn_group:	group id (share sockets), host byte order; 0 for link sockets
 * @ssn_zero:	must be zero
 */
struct sockaddr_ssn {
	__kernel_sa_family_t	ssn_family;
	__u16			ssn_service;
	__u32			ssn_node;
	__u32			ssn_group;
	__u32			ssn_zero;
};

/* Services of the reference points of Y.3808 clause 11 */
enum {
	SSN_SERVICE_U		= 1,	/* SSN-U: data owner -> SSA */
	SSN_SERVICE_AS		= 2,	/* SSN-As: SSA -> shareholder */
	SSN_SERVICE_SX		= 3,	/* SSN-Sx: shareholder -> shareholder */
	SSN_SERVICE_COORD	= 4,	/* SSN-As: shareholder -> its coordinating SSA */
	SSN_SERVICE_DYNAMIC	= 1024,	/* first number free for local use */
};

/* Level for getsockopt(2), setsockopt(2) and control messages */
#define SOL_SSN			300

/* Socket options and control message types */
enum {
	/* cmsg, both ways: struct ssn_share */
	SSN_SHARE		= 1,
	/* getsockopt, share sockets: array of struct ssn_member */
	SSN_MEMBERS		= 2,
	/* get/setsockopt, share sockets: struct ssn_xset */
	SSN_WRITE_SET		= 3,
	SSN_READ_SET		= 4,
	/* get/setsockopt, share sockets: int; deliver shares uncombined */
	SSN_RAW_SHARES		= 5,
	/* getsockopt, connected link sockets: struct ssn_peer_info */
	SSN_PEER		= 6,
	/* get/setsockopt, share sockets: int, enum ssn_coeff */
	SSN_COEFF		= 7,
};

/* Secret sharing schemes (Y.3808 clause 7) */
enum ssn_scheme {
	SSN_SCHEME_SHAMIR	= 1,	/* Shamir over GF(2^8)/0x11b */
	SSN_SCHEME_XOR		= 2,	/* Kurihara et al., p = 17 */
};

/*
 * A scheme may share a message in pieces of so many bytes, the last shorter, each by
 * itself. So shares combine in parts only if these begin at multiples of it.
 */
#define SSN_PIECE		4096U

/* Where the coefficients of a split come from */
enum ssn_coeff {
	SSN_COEFF_PAD		= 1,	/* pad-as-share: QKD's own randomness */
	SSN_COEFF_LOCAL		= 2,	/* pool "local": a QRNG's bytes, never topped up */
	SSN_COEFF_CRNG		= 3,	/* the kernel's generator: computational */
};

/* Suites of a link */
enum ssn_suite {
	SSN_SUITE_OTP		= 1,	/* one-time pad, one-time Poly1305 */
	SSN_SUITE_AES256GCM	= 2,	/* reserved: phase-in */
	SSN_SUITE_NONE		= 3,	/* reserved: inside one trusted node */
};

/* Roles of a node (Y.3808 clause 10) */
enum ssn_role {
	SSN_ROLE_OWNER		= 1,
	SSN_ROLE_SSA		= 2,
	SSN_ROLE_SHAREHOLDER	= 3,
	SSN_ROLE_CONTROLLER	= 4,
	SSN_ROLE_MANAGER	= 5,
};

/**
 * struct ssn_share - what a message is a share of
 * @group:	group id; filled in by the kernel when sending on a share socket
 * @generation:	generation of the group; filled in likewise
 * @scheme:	enum ssn_scheme; filled in likewise
 * @k:		threshold; filled in likewise
 * @n:		shares dealt; filled in likewise
 * @x:		evaluation point. Sending on a share socket with
 *	SSN_SHARE_CONTROL: the one member addressed, or 0 for every live
 *	member; otherwise 0. Received with SSN_RAW_SHARES or as a control
 *	message: the configured x of the authenticated sender. On link
 *	sockets: the holder's own x, 1..255, or 0
 * @flags:	SSN_SHARE_CONTROL or 0
 * @segment:	segment of the object
 * @epoch:	renewal epoch the share belongs to
 * @deal:	identity of this dealing of this segment
 * @message:	position of this message in the segment's deal
 * @object:	object id (a UUID)
 * @version:	version of the object
 * @provenance:	sent to a member, filled in by the kernel: enum ssn_coeff
 *	the share was made with
 *
 * Shares combine only when everything here but @x is equal. On the wire the
 * same layout travels in network byte order, in clear and under the tag.
 */
struct ssn_share {
	__u32	group;
	__u32	generation;
	__u8	scheme;
	__u8	k;
	__u8	n;
	__u8	x;
	__u16	flags;
	__u16	provenance;
	__u64	epoch;
	__u64	deal;
	__u64	message;
	__u8	object[16];
	__u32	version;
	__u32	segment;
};

#define SSN_SHARE_CONTROL	0x0001	/* not split: x is the addressee, 0 means all */

/* State of a member of a share socket */
enum ssn_member_state {
	SSN_MEMBER_CONNECTING	= 1,
	SSN_MEMBER_LIVE		= 2,
	SSN_MEMBER_FAILED	= 3,
	SSN_MEMBER_CLOSED	= 4,	/* the peer sent CLOSE */
};

/**
 * struct ssn_member - one row of SSN_MEMBERS
 * @node:	node id
 * @x:		evaluation point
 * @state:	enum ssn_member_state
 * @error:	errno that failed it, or 0
 * @sent:	payload bytes sealed for this member
 * @received:	payload bytes verified from this member
 */
struct ssn_member {
	__u32	node;
	__u8	x;
	__u8	state;
	__u16	error;
	__u64	sent;
	__u64	received;
};

/**
 * struct ssn_xset - a set of evaluation points
 * @bits:	bit x % 64 of word x / 64 stands for x; bit 0 must be clear
 *
 * A share socket splits to its write set (default: all members; must be all
 * members that a deal is for) and combines from its read set.
 */
struct ssn_xset {
	__u64	bits[4];
};

/**
 * struct ssn_peer_info - who is at the other end of a connected link socket
 * @node:	authenticated node id
 * @group:	group named in the HELLO, or 0
 * @generation:	generation named in the HELLO, or 0
 * @service:	service
 * @role:	enum ssn_role, as configured for the node and as the HELLO said
 * @suite:	enum ssn_suite
 */
struct ssn_peer_info {
	__u32	node;
	__u32	group;
	__u32	generation;
	__u16	service;
	__u8	role;
	__u8	suite;
};

#endif /* _UAPI_LINUX_SSN_H */
