/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pads of a quantum key distribution network, as the data path sees them.
 *
 * A block is one key; a pool is the blocks of one {netns, peer, direction,
 * kind}. Users hold pools and leases, never keys: the key service may free a
 * payload under its holders, so a block lives as long as somebody leases from
 * it, and is zeroed as it is spent.
 *
 * Units: a payload block is leased in units of QKD_UNIT bytes, a tag block in
 * runs of QKD_RUN slots of QKD_SLOT bytes. A unit is claimed once and never
 * given back (PROTOCOL 1).
 *
 * Functions returning a pool return an ERR_PTR on failure. Except where a
 * function says so (kernel-doc, beside the code) all may be called in process
 * and softirq context, but not with interrupts or preemption off.
 */
#ifndef _LINUX_QKD_KEYRING_H
#define _LINUX_QKD_KEYRING_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <uapi/linux/qkd_genl.h>

struct net;
struct qkd_block;
struct qkd_pool;

#define QKD_UNIT	4096U		/* bytes in a unit of a payload block */
#define QKD_SLOT	32U		/* bytes in a slot of a tag block */
#define QKD_RUN		64U		/* slots in a unit of a tag block */

/**
 * struct qkd_lease - contiguous units of one block, owned by one user
 * @block:	the block, a reference held; NULL when there is no lease
 * @first:	first unit
 * @units:	number of units
 * @len:	bytes in the lease
 * @pos:	bytes at the front already spent (zeroed)
 *
 * Not locked: the owner serialises its calls.
 */
struct qkd_lease {
	struct qkd_block	*block;
	u32			first;
	u32			units;
	u32			len;
	u32			pos;
};

/* What a pool can give right now; a snapshot. Bytes. */
struct qkd_pool_level {
	u64	usable;		/* confirmed, not yet leased */
	u64	pending;	/* loaded, not yet confirmed */
	u64	largest;	/* largest contiguous usable range */
};

struct qkd_pool *qkd_pool_get(struct net *net, u32 peer, enum qkd_dir dir,
			      enum qkd_kind kind, gfp_t gfp);
void qkd_pool_put(struct qkd_pool *pool);
void qkd_pool_level(struct qkd_pool *pool, struct qkd_pool_level *level);
bool qkd_pool_has(struct qkd_pool *pool, u64 bytes);

/*
 * Somebody waiting for pad is told when a pool gains usable units: fn runs in
 * process context without locks held, and must not sleep for long.
 */
struct qkd_waiter {
	struct list_head	node;
	void			(*fn)(struct qkd_waiter *w);
};
void qkd_pool_wait(struct qkd_pool *pool, struct qkd_waiter *w);
void qkd_pool_unwait(struct qkd_pool *pool, struct qkd_waiter *w);

int qkd_lease_take(struct qkd_pool *pool, u32 units, struct qkd_lease *lease);
int qkd_lease_claim(struct qkd_pool *pool, const uuid_t *id, u32 first,
		    u32 units, struct qkd_lease *lease);
void qkd_lease_release(struct qkd_lease *lease);

const uuid_t *qkd_lease_id(const struct qkd_lease *lease);
u32 qkd_lease_provenance(const struct qkd_lease *lease);
bool qkd_lease_dead(const struct qkd_lease *lease);
u8 *qkd_lease_bytes(const struct qkd_lease *lease, u32 pos, u32 len);
void qkd_lease_spend(struct qkd_lease *lease, u32 len);

int qkd_slot_peek(struct qkd_pool *pool, const uuid_t *id, u32 slot,
		  u8 key[QKD_SLOT]);

int qkd_local_read(struct net *net, u8 *buf, size_t len);

#endif /* _LINUX_QKD_KEYRING_H */
