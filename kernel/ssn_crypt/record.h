/* SPDX-License-Identifier: GPL-2.0 */
/* Records: sealing and opening, the only place where pad meets data. */
#ifndef _SSN_RECORD_H
#define _SSN_RECORD_H

#include <linux/types.h>
#include <linux/ssn.h>
#include "wire.h"

struct ssn_buf;
struct ssn_lane;

#define SSN_RECORD_HEAD	(sizeof(struct ssn_wire_record) + \
			 sizeof(struct ssn_wire_share))

/**
 * struct ssn_path - one direction of a connection, as its records see it
 * @id:		connection id: both nonces
 * @dir:	0 from the initiator, 1 from the acceptor
 * @seq:	next sequence number
 * @tags:	tag slots
 * @pads:	payload pad
 */
struct ssn_path {
	u8			id[2 * SSN_WIRE_NONCE];
	u8			dir;
	u64			seq;
	struct ssn_lane		*tags;
	struct ssn_lane		*pads;
};

void ssn_share_to_wire(struct ssn_wire_share *w, const struct ssn_share *s);
void ssn_share_from_wire(struct ssn_share *s, const struct ssn_wire_share *w);

int ssn_record_seal(struct ssn_path *path, u8 type, u8 flags,
		    const struct ssn_wire_share *share, struct ssn_buf *buf,
		    u32 off, u32 len, u8 head[SSN_RECORD_HEAD]);
int ssn_record_shape(const struct ssn_wire_record *r);
int ssn_record_verify(struct ssn_path *path, const u8 head[SSN_RECORD_HEAD],
		      const struct ssn_buf *buf);
void ssn_hello_tag(u8 tag[SSN_WIRE_TAG], const u8 *key, const void *msg,
		  size_t len);
size_t ssn_record_head_len(const struct ssn_wire_record *r);
u32 ssn_record_payload(const struct ssn_wire_record *r);
bool ssn_record_padded(const struct ssn_wire_record *r);

#endif /* _SSN_RECORD_H */
