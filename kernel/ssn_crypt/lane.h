/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lanes: the pad of one direction of a connection, lease after lease in the
 * order they were announced. Use is strictly consecutive (PROTOCOL 1).
 */
#ifndef _SSN_LANE_H
#define _SSN_LANE_H

#include <linux/list.h>
#include <linux/qkd_keyring.h>
#include <linux/types.h>

struct ssn_wire_lease;

/**
 * struct ssn_lease - a lease in a lane
 * @node:	in the lane
 * @lease:	units of the block; its pos follows what was spent
 * @next:	byte that the next record uses, at or after lease.pos
 * @spans:	rx: what verified records hold of it, in order
 * @refs:	the lane's, and one for each span
 *
 * Locked by whoever owns the lane.
 */
struct ssn_lease {
	struct list_head	node;
	struct qkd_lease	lease;
	u32			next;
	struct list_head	spans;
	unsigned int		refs;
};

/* Pad that a verified record holds until it was read. */
struct ssn_span {
	struct list_head	node;
	struct ssn_lease	*from;
	u32			pos;
	u32			len;
	bool			done;
};

/**
 * struct ssn_lane - leases in use
 * @leases:	struct ssn_lease, the one in use first
 * @left:	bytes not yet used in all of them
 * @grow:	units to take next time
 * @nr:		leases in the lane
 */
struct ssn_lane {
	struct list_head	leases;
	u64			left;
	u32			grow;
	unsigned int		nr;
};

#define SSN_LANE_GROW_MAX	64U	/* units taken at once */
#define SSN_LANE_LEASES_MAX	1024U	/* announced and not used up */

void ssn_lane_init(struct ssn_lane *lane, u32 grow);
void ssn_lane_drop(struct ssn_lane *lane);

struct ssn_lease *ssn_lease_new(void);
struct ssn_lease *ssn_lane_take(struct qkd_pool *pool, struct ssn_lane *lane,
				struct ssn_wire_lease *wire);
int ssn_lane_claim(struct qkd_pool *pool, struct ssn_lane *lane,
		   const struct ssn_wire_lease *wire, struct ssn_lease *l);
void ssn_lane_add(struct ssn_lane *lane, struct ssn_lease *l);
void ssn_lease_free(struct ssn_lease *l);

struct ssn_lease *ssn_lane_head(const struct ssn_lane *lane);
u32 ssn_lane_offset(const struct ssn_lane *lane);
u32 ssn_lane_slot(const struct ssn_lane *lane);
u8 *ssn_lane_peek(const struct ssn_lane *lane, u32 len);
void ssn_lane_spend(struct ssn_lane *lane, u32 len);

void ssn_lane_hold(struct ssn_lane *lane, struct ssn_span *span, u32 len);
u8 *ssn_span_bytes(const struct ssn_span *span, u32 off, u32 len);
void ssn_span_done(struct ssn_span *span);

#endif /* _SSN_LANE_H */
