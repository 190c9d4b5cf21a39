// SPDX-License-Identifier: GPL-2.0
/*
 * Pools: what pad there is towards a peer, watermarks, and those who wait.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "block.h"
#include "event.h"
#include "net.h"
#include "pool.h"

struct workqueue_struct *qkd_wq;

static int pool_cmp(const struct qkd_pool *pool, u32 peer, u32 dir, u32 kind)
{
	if (pool->peer != peer)
		return pool->peer < peer ? -1 : 1;
	if (pool->dir != dir)
		return pool->dir < dir ? -1 : 1;
	if (pool->kind != kind)
		return pool->kind < kind ? -1 : 1;
	return 0;
}

static void call_waiters(struct qkd_pool *pool)
{
	struct qkd_waiter *w;
	LIST_HEAD(todo);

	spin_lock_bh(&pool->lock);
	list_splice_init(&pool->waiters, &todo);
	while (!list_empty(&todo)) {
		w = list_first_entry(&todo, struct qkd_waiter, node);
		list_move_tail(&w->node, &pool->waiters);
		pool->calling = w;
		pool->caller = current;
		spin_unlock_bh(&pool->lock);
		w->fn(w);
		spin_lock_bh(&pool->lock);
		pool->calling = NULL;
		pool->caller = NULL;
		wake_up_all(&pool->called);
	}
	spin_unlock_bh(&pool->lock);
}

static void pool_work(struct work_struct *work)
{
	struct qkd_pool *pool = container_of(work, struct qkd_pool, work);

	if (test_and_clear_bit(QKD_POOL_IS_LOW, &pool->news))
		qkd_event_pool(pool, QKD_CMD_POOL_LOW);
	if (test_and_clear_bit(QKD_POOL_IS_EMPTY, &pool->news))
		qkd_event_pool(pool, QKD_CMD_POOL_EMPTY);
	if (test_and_clear_bit(QKD_POOL_HAS_GAINED, &pool->news))
		call_waiters(pool);
	qkd_pool_put(pool);
}

static struct qkd_pool *pool_alloc(struct qkd_net *qn, u32 peer,
				   enum qkd_dir dir, enum qkd_kind kind,
				   gfp_t gfp)
{
	struct qkd_pool *pool;

	pool = kzalloc(sizeof(*pool), gfp);
	if (!pool)
		return NULL;
	kref_init(&pool->ref);
	pool->qn = qkd_net_get(qn);
	pool->peer = peer;
	pool->dir = dir;
	pool->kind = kind;
	pool->unit = kind == QKD_KIND_TAG ? QKD_RUN * QKD_SLOT : QKD_UNIT;
	INIT_WORK(&pool->work, pool_work);
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->blocks);
	INIT_LIST_HEAD(&pool->waiters);
	init_waitqueue_head(&pool->called);
	return pool;
}

static void pool_release(struct kref *ref)
{
	struct qkd_pool *pool = container_of(ref, struct qkd_pool, ref);

	WARN_ON(!list_empty(&pool->blocks) || !list_empty(&pool->waiters));
	qkd_net_put(pool->qn);
	kfree(pool);
}

void qkd_pool_hold(struct qkd_pool *pool)
{
	kref_get(&pool->ref);
}

/**
 * qkd_pool_put - drop a reference on a pool
 * @pool: the pool; its waiters must be gone
 *
 * Context: any.
 */
void qkd_pool_put(struct qkd_pool *pool)
{
	kref_put(&pool->ref, pool_release);
}
EXPORT_SYMBOL_GPL(qkd_pool_put);

/* Where the pool is, or would be; under qn->lock. */
static struct rb_node **pool_slot(struct qkd_net *qn, u32 peer, u32 dir,
				  u32 kind, struct rb_node **parent)
{
	struct rb_node **p = &qn->pools.rb_node;
	int cmp;

	*parent = NULL;
	while (*p) {
		cmp = pool_cmp(rb_entry(*p, struct qkd_pool, node), peer, dir,
			       kind);
		if (!cmp)
			break;
		*parent = *p;
		p = cmp > 0 ? &(*p)->rb_left : &(*p)->rb_right;
	}
	return p;
}

/* The pool with a reference taken, or NULL if there is none. */
struct qkd_pool *qkd_pool_find(struct qkd_net *qn, u32 peer, enum qkd_dir dir,
			       enum qkd_kind kind)
{
	struct qkd_pool *pool = NULL;
	struct rb_node **p, *parent;

	spin_lock_bh(&qn->lock);
	p = pool_slot(qn, peer, dir, kind, &parent);
	if (*p) {
		pool = rb_entry(*p, struct qkd_pool, node);
		kref_get(&pool->ref);
	}
	spin_unlock_bh(&qn->lock);
	return pool;
}

/* The same, but makes one; ERR_PTR(-ENOMEM) or ERR_PTR(-ENODEV) otherwise. */
struct qkd_pool *qkd_pool_make(struct qkd_net *qn, u32 peer, enum qkd_dir dir,
			       enum qkd_kind kind, gfp_t gfp)
{
	struct qkd_pool *pool, *fresh;
	struct rb_node **p, *parent;

	pool = qkd_pool_find(qn, peer, dir, kind);
	if (pool)
		return pool;
	fresh = pool_alloc(qn, peer, dir, kind, gfp);
	if (!fresh)
		return ERR_PTR(-ENOMEM);

	spin_lock_bh(&qn->lock);
	p = pool_slot(qn, peer, dir, kind, &parent);
	if (*p) {
		pool = rb_entry(*p, struct qkd_pool, node);
		kref_get(&pool->ref);
	} else if (qn->dead) {
		pool = ERR_PTR(-ENODEV);
	} else {
		rb_link_node(&fresh->node, parent, p);
		rb_insert_color(&fresh->node, &qn->pools);
		kref_get(&fresh->ref);
		pool = fresh;
	}
	spin_unlock_bh(&qn->lock);
	qkd_pool_put(fresh);
	if (pool == fresh)
		kref_get(&pool->ref);
	return pool;
}

/**
 * qkd_pool_get - the pool of a {netns, peer, direction, kind}
 * @net:	network namespace; the caller keeps it alive during the call, the
 *		pool may be held longer and has nothing to give afterwards
 * @peer:	node id of the other end; 0 with QKD_DIR_LOCAL
 * @dir:	direction
 * @kind:	kind
 * @gfp:	for the allocation if there is no such pool yet
 *
 * Context: any that @gfp allows.
 * Return: the pool, a reference taken, or an ERR_PTR: -EINVAL if there can be
 * no such pool, -ENODEV if the namespace is going away, -ENOMEM.
 */
struct qkd_pool *qkd_pool_get(struct net *net, u32 peer, enum qkd_dir dir,
			      enum qkd_kind kind, gfp_t gfp)
{
	if ((dir == QKD_DIR_LOCAL) != !peer)
		return ERR_PTR(-EINVAL);
	if (dir == QKD_DIR_LOCAL && kind != QKD_KIND_PAYLOAD)
		return ERR_PTR(-EINVAL);
	return qkd_pool_make(qkd_net(net), peer, dir, kind, gfp);
}
EXPORT_SYMBOL_GPL(qkd_pool_get);

/* The first pool at or after a place in the order, a reference taken. */
struct qkd_pool *qkd_pool_first_from(struct qkd_net *qn, u32 peer, u32 dir,
				     u32 kind)
{
	struct qkd_pool *pool, *found = NULL;
	struct rb_node *node;

	spin_lock_bh(&qn->lock);
	node = qn->pools.rb_node;
	while (node) {
		pool = rb_entry(node, struct qkd_pool, node);
		if (pool_cmp(pool, peer, dir, kind) >= 0) {
			found = pool;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	if (found)
		kref_get(&found->ref);
	spin_unlock_bh(&qn->lock);
	return found;
}

/* The pool after @prev, or the first; pools never leave a living namespace. */
struct qkd_pool *qkd_pool_next(struct qkd_net *qn, const struct qkd_pool *prev)
{
	struct qkd_pool *pool = NULL;
	struct rb_node *node;

	spin_lock_bh(&qn->lock);
	node = prev ? rb_next(&prev->node) : rb_first(&qn->pools);
	if (node) {
		pool = rb_entry(node, struct qkd_pool, node);
		kref_get(&pool->ref);
	}
	spin_unlock_bh(&qn->lock);
	return pool;
}

/* The namespace goes: it lets go of its pools, their users keep them. */
void qkd_pools_drop(struct qkd_net *qn)
{
	struct qkd_pool *pool;
	struct rb_node *node;

	for (;;) {
		spin_lock_bh(&qn->lock);
		node = rb_first(&qn->pools);
		if (node)
			rb_erase(node, &qn->pools);
		spin_unlock_bh(&qn->lock);
		if (!node)
			break;
		pool = rb_entry(node, struct qkd_pool, node);
		qkd_pool_put(pool);
	}
}

/* Has the pool's work tell something. Under the pool's lock. */
void qkd_pool_tell(struct qkd_pool *pool, enum qkd_pool_news what)
{
	set_bit(what, &pool->news);
	kref_get(&pool->ref);
	if (!queue_work(qkd_wq, &pool->work))
		kref_put(&pool->ref, pool_release);
}

/* Bytes went: the low watermark. Under the pool's lock. */
void qkd_pool_fell(struct qkd_pool *pool)
{
	if (!pool->low_armed || pool->usable + pool->pending > pool->low)
		return;
	pool->low_armed = false;
	qkd_pool_tell(pool, QKD_POOL_IS_LOW);
}

/* Bytes came. Under the pool's lock. */
void qkd_pool_rose(struct qkd_pool *pool, bool gained)
{
	pool->low_armed = pool->low && pool->usable + pool->pending > pool->low;
	if (gained) {
		pool->empty_told = false;
		qkd_pool_tell(pool, QKD_POOL_HAS_GAINED);
	}
}

/* A lease was refused for want of pad. Under the pool's lock. */
void qkd_pool_refuse(struct qkd_pool *pool)
{
	pool->refused++;
	if (pool->empty_told)
		return;
	pool->empty_told = true;
	qkd_pool_tell(pool, QKD_POOL_IS_EMPTY);
}

/* Sets the low watermark in bytes; 0 for none. */
void qkd_pool_set_low(struct qkd_pool *pool, u64 bytes)
{
	spin_lock_bh(&pool->lock);
	pool->low = bytes;
	qkd_pool_rose(pool, false);
	spin_unlock_bh(&pool->lock);
}

static u32 largest_range(const struct qkd_block *block)
{
	unsigned long at = 0, end;
	u32 largest = 0;

	if (block->desc.dir == QKD_DIR_LOCAL)
		return qkd_block_unclaimed(block);
	for (;;) {
		at = find_next_zero_bit(block->claimed, block->units, at);
		if (at >= block->units)
			break;
		end = find_next_bit(block->claimed, block->units, at);
		largest = max_t(u32, largest, end - at);
		at = end;
	}
	return largest * block->pool->unit;
}

/**
 * qkd_pool_level - what a pool can give right now
 * @pool:	the pool
 * @level:	where it goes, in bytes
 *
 * A snapshot: another user may take it all before the caller does.
 *
 * Context: process or softirq.
 */
void qkd_pool_level(struct qkd_pool *pool, struct qkd_pool_level *level)
{
	struct qkd_block *block;
	u32 largest = 0;

	spin_lock_bh(&pool->lock);
	level->usable = pool->usable;
	level->pending = pool->pending;
	list_for_each_entry(block, &pool->blocks, node) {
		if (!pool->usable || largest >= pool->biggest)
			break;
		if (block->state == QKD_BLOCK_STATE_USABLE)
			largest = max(largest, largest_range(block));
	}
	spin_unlock_bh(&pool->lock);
	level->largest = largest;
}
EXPORT_SYMBOL_GPL(qkd_pool_level);

/**
 * qkd_pool_has - whether a pool could give as much as somebody needs
 * @pool:	the pool
 * @bytes:	what is needed
 *
 * For those who can do nothing with less, and so should not lease it. If it could
 * not, that counts as a refused lease: it raises pool-empty.
 *
 * Context: process or softirq. A snapshot.
 */
bool qkd_pool_has(struct qkd_pool *pool, u64 bytes)
{
	bool has;

	spin_lock_bh(&pool->lock);
	has = pool->usable >= bytes;
	if (!has)
		qkd_pool_refuse(pool);
	spin_unlock_bh(&pool->lock);
	return has;
}
EXPORT_SYMBOL_GPL(qkd_pool_has);

/**
 * qkd_pool_wait - be told when a pool gains usable units
 * @pool:	the pool, which the caller goes on holding
 * @w:		the waiter, @w->fn set
 *
 * It is told each time until qkd_pool_unwait(). To miss nothing, look at the
 * pool again after this call.
 *
 * Context: process or softirq. @w->fn runs in process context.
 */
void qkd_pool_wait(struct qkd_pool *pool, struct qkd_waiter *w)
{
	spin_lock_bh(&pool->lock);
	list_add_tail(&w->node, &pool->waiters);
	spin_unlock_bh(&pool->lock);
}
EXPORT_SYMBOL_GPL(qkd_pool_wait);

/**
 * qkd_pool_unwait - not be told any more
 * @pool:	the pool
 * @w:		the waiter
 *
 * When this returns @w->fn does not run and will not run, unless it is @w->fn
 * that calls it. So @w->fn must not take a lock that the caller holds.
 *
 * Context: process, may sleep.
 */
void qkd_pool_unwait(struct qkd_pool *pool, struct qkd_waiter *w)
{
	might_sleep();
	spin_lock_bh(&pool->lock);
	list_del_init(&w->node);
	while (pool->calling == w && pool->caller != current) {
		spin_unlock_bh(&pool->lock);
		wait_event(pool->called, READ_ONCE(pool->calling) != w);
		spin_lock_bh(&pool->lock);
	}
	spin_unlock_bh(&pool->lock);
}
EXPORT_SYMBOL_GPL(qkd_pool_unwait);

/* Makes all of a pool void. Process context. */
void qkd_pool_void_all(struct qkd_pool *pool, enum qkd_void_reason reason)
{
	struct qkd_block *block, *found;

	do {
		found = NULL;
		spin_lock_bh(&pool->lock);
		list_for_each_entry(block, &pool->blocks, node) {
			if (block->state != QKD_BLOCK_STATE_VOID) {
				found = block;
				kref_get(&found->ref);
				break;
			}
		}
		spin_unlock_bh(&pool->lock);
		if (found) {
			qkd_block_void(found, reason);
			qkd_block_put(found);
		}
	} while (found);
}
