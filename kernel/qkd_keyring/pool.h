/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pool: the blocks of one {netns, peer, direction, kind}, in the order they
 * were loaded, with counters, watermarks and those who wait for more.
 */
#ifndef _QKD_POOL_H
#define _QKD_POOL_H

#include <linux/kref.h>
#include <linux/qkd_keyring.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct qkd_net;

/* What the pool's work has to tell. */
enum qkd_pool_news {
	QKD_POOL_IS_LOW,
	QKD_POOL_IS_EMPTY,
	QKD_POOL_HAS_GAINED,
};

/**
 * struct qkd_pool - blocks of one {netns, peer, direction, kind}
 * @ref:	one for the namespace's tree, one for each block and user
 * @qn:		the namespace's pads, a reference held
 * @node:	in @qn's tree, under its lock
 * @peer:	node id; 0 for the local pool
 * @dir:	direction
 * @kind:	kind
 * @unit:	bytes in a unit
 * @news:	bits of enum qkd_pool_news that @work has to tell
 * @work:	tells them
 * @lock:	protects what follows, and the state of the pool's blocks; taken
 *		with softirqs off, never inside another lock of this module
 * @blocks:	oldest first; a void block stays while somebody leases from it
 * @nblocks:	their number
 * @next_seq:	sequence number of the next block, for dumps
 * @biggest:	largest usable size any block came with; bounds a search
 * @usable:	bytes confirmed and not leased
 * @pending:	bytes loaded and not confirmed
 * @voided:	bytes that became void unused
 * @refused:	leases refused for want of pad
 * @low:	low watermark in bytes, 0 for none
 * @low_armed:	usable + pending was above @low since the last event
 * @empty_told:	the event was raised and nothing was gained since
 * @waiters:	struct qkd_waiter
 * @calling:	the one whose fn runs now
 * @caller:	the task it runs in
 * @called:	waits for it to return
 * @leased:	bytes in leases and not spent
 * @spent:	bytes used
 */
struct qkd_pool {
	struct kref		ref;
	struct qkd_net		*qn;
	struct rb_node		node;
	u32			peer;
	enum qkd_dir		dir;
	enum qkd_kind		kind;
	u32			unit;

	unsigned long		news;
	struct work_struct	work;

	spinlock_t		lock;
	struct list_head	blocks;
	u32			nblocks;
	u64			next_seq;
	u32			biggest;
	u64			usable;
	u64			pending;
	u64			voided;
	u64			refused;
	u64			low;
	bool			low_armed;
	bool			empty_told;
	struct list_head	waiters;
	struct qkd_waiter	*calling;
	struct task_struct	*caller;
	wait_queue_head_t	called;

	atomic64_t		leased;
	atomic64_t		spent;
};

extern struct workqueue_struct *qkd_wq;

struct qkd_pool *qkd_pool_find(struct qkd_net *qn, u32 peer, enum qkd_dir dir,
			       enum qkd_kind kind);
struct qkd_pool *qkd_pool_make(struct qkd_net *qn, u32 peer, enum qkd_dir dir,
			       enum qkd_kind kind, gfp_t gfp);
struct qkd_pool *qkd_pool_next(struct qkd_net *qn, const struct qkd_pool *prev);
struct qkd_pool *qkd_pool_first_from(struct qkd_net *qn, u32 peer, u32 dir,
				     u32 kind);
void qkd_pool_hold(struct qkd_pool *pool);
void qkd_pool_set_low(struct qkd_pool *pool, u64 bytes);
void qkd_pool_void_all(struct qkd_pool *pool, enum qkd_void_reason reason);
void qkd_pools_drop(struct qkd_net *qn);

/* These want @pool->lock held. */
void qkd_pool_tell(struct qkd_pool *pool, enum qkd_pool_news what);
void qkd_pool_fell(struct qkd_pool *pool);
void qkd_pool_rose(struct qkd_pool *pool, bool gained);
void qkd_pool_refuse(struct qkd_pool *pool);

#endif /* _QKD_POOL_H */
