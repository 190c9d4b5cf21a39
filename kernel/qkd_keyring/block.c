// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks: the memory of pads, from loading to the last wipe.
 *
 * The key service may destroy a key whenever it likes, so the key only points
 * at its block. When a block becomes void, what nobody leases is wiped at once,
 * and what somebody leases is wiped when he gives the lease back: a pad wiped
 * under a sender who is sealing would let plaintext out.
 */
#include <linux/key.h>
#include <linux/mm.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "block.h"
#include "event.h"
#include "net.h"
#include "pool.h"

const struct rhashtable_params qkd_ident_params = {
	.head_offset		= offsetof(struct qkd_ident, node),
	.key_offset		= offsetof(struct qkd_ident, id),
	.key_len		= sizeof(uuid_t),
	.automatic_shrinking	= false,
};

void qkd_ident_free(void *entry, void *unused)
{
	kfree(entry);
}

static u32 unit_bytes(enum qkd_kind kind)
{
	return kind == QKD_KIND_TAG ? QKD_RUN * QKD_SLOT : QKD_UNIT;
}

/* Wipes and frees the pad; nobody may be using it. */
static void free_pad(struct qkd_block *block)
{
	if (!block->pad)
		return;
	kvfree_sensitive(block->pad, block->size);
	block->pad = NULL;
	if (block->counted)
		atomic64_sub(block->size, &block->qn->loaded);
	if (block->charged)
		qkd_net_uncharge(block->qn, block->size);
	block->charged = false;
}

static void block_release(struct kref *ref)
{
	struct qkd_block *block = container_of(ref, struct qkd_block, ref);

	free_pad(block);
	kfree(block->cused);
	if (block->pool)
		qkd_pool_put(block->pool);
	else
		kfree(block->ident);
	qkd_net_put(block->qn);
	memzero_explicit(&block->own, sizeof(block->own));
	kfree_rcu(block, rcu);
}

/**
 * qkd_block_put - drop a reference on a block
 * @block: the block
 *
 * Context: process or softirq; not with interrupts or preemption off, since it
 * may free a large allocation.
 */
void qkd_block_put(struct qkd_block *block)
{
	kref_put(&block->ref, block_release);
}

/* Tells of a block's end and lets its key go. */
static void block_work(struct work_struct *work)
{
	struct qkd_block *block = container_of(work, struct qkd_block, work);
	struct key *key;

	qkd_event_void(block);

	/* Whoever destroys the key clears the pointer first. */
	spin_lock_bh(&block->pool->lock);
	key = block->key;
	if (key && !refcount_inc_not_zero(&key->usage))
		key = NULL;
	spin_unlock_bh(&block->pool->lock);
	if (key) {
		key_invalidate(key);
		key_put(key);
	}
	qkd_block_put(block);
}

/**
 * qkd_block_alloc - make a block that is in no pool yet
 * @qn:		namespace's pads
 * @desc:	what the key's description said
 * @bytes:	the pad, copied
 * @size:	its length in bytes: whole units, at most QKD_BLOCK_MAX
 *
 * Context: process, may sleep.
 * Return: the block, one reference held, or an ERR_PTR: -EMSGSIZE, -ENOMEM.
 */
struct qkd_block *qkd_block_alloc(struct qkd_net *qn,
				  const struct qkd_desc *desc,
				  const void *bytes, u32 size)
{
	u32 unit = unit_bytes(desc->kind);
	struct qkd_block *block;

	if (!size || size > QKD_BLOCK_MAX || size % unit)
		return ERR_PTR(-EMSGSIZE);

	block = kzalloc(sizeof(*block), GFP_KERNEL_ACCOUNT);
	if (!block)
		return ERR_PTR(-ENOMEM);
	kref_init(&block->ref);
	block->qn = qkd_net_get(qn);
	block->desc = *desc;
	block->size = size;
	block->units = size / unit;
	block->state = QKD_BLOCK_STATE_LOADED;
	INIT_WORK(&block->work, block_work);

	block->ident = kzalloc(sizeof(*block->ident), GFP_KERNEL_ACCOUNT);
	if (!block->ident)
		goto err_put;
	block->ident->id = desc->id;

	block->pad = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!block->pad)
		goto err_put;
	memcpy(block->pad, bytes, size);

	if (desc->kind == QKD_KIND_TAG) {
		/* Run 0 is for confirmation; slots 0 and 1 for the block's. */
		__set_bit(0, block->claimed);
		__set_bit(0, block->confirm);
		block->nclaimed = 1;
		block->cursor = 1;
		block->cslot = 2;
		block->cleft = QKD_RUN - 2;
		if (desc->dir == QKD_DIR_RX) {
			block->cused = kcalloc(block->units, sizeof(u64),
					       GFP_KERNEL_ACCOUNT);
			if (!block->cused)
				goto err_put;
			block->cused[0] = BIT_ULL(0) | BIT_ULL(1);
		}
	}
	return block;

err_put:
	qkd_block_put(block);
	return ERR_PTR(-ENOMEM);
}

/**
 * qkd_block_insert - put a new block into its pool
 * @block:	from qkd_block_alloc(); the caller's reference goes to @key
 * @key:	the key being instantiated
 *
 * From here on the block's id is taken for the life of the namespace.
 *
 * Context: process, may sleep.
 * Return: 0, -EEXIST if the id was ever seen, -ENOMEM.
 */
int qkd_block_insert(struct qkd_block *block, struct key *key)
{
	struct qkd_net *qn = block->qn;
	struct qkd_pool *pool;
	u32 bytes;
	int err;

	pool = qkd_pool_make(qn, block->desc.peer, block->desc.dir,
			     block->desc.kind, GFP_KERNEL_ACCOUNT);
	if (IS_ERR(pool))
		return PTR_ERR(pool);

	err = rhashtable_lookup_insert_fast(&qn->idents, &block->ident->node,
					    qkd_ident_params);
	if (err) {
		qkd_pool_put(pool);
		return err;
	}

	atomic64_add(block->size, &qn->loaded);
	block->counted = true;
	block->pool = pool;
	block->serial = key_serial(key);

	spin_lock_bh(&pool->lock);
	block->key = key;
	block->seq = pool->next_seq++;
	kref_get(&block->ref);
	list_add_tail(&block->node, &pool->blocks);
	block->listed = true;
	pool->nblocks++;
	bytes = qkd_block_unclaimed(block);
	pool->biggest = max(pool->biggest, bytes);
	if (pool->dir == QKD_DIR_LOCAL) {
		block->state = QKD_BLOCK_STATE_USABLE;
		pool->usable += bytes;
		qkd_pool_rose(pool, true);
	} else {
		pool->pending += bytes;
		qkd_pool_rose(pool, false);
	}
	rcu_assign_pointer(block->ident->block, block);
	spin_unlock_bh(&pool->lock);
	return 0;
}

/* The key is about to go: nobody may look at it from here on. */
void qkd_block_forget_key(struct qkd_block *block)
{
	spin_lock_bh(&block->pool->lock);
	block->key = NULL;
	spin_unlock_bh(&block->pool->lock);
}

/* Bytes of the block that nobody has claimed; under the pool's lock. */
u32 qkd_block_unclaimed(const struct qkd_block *block)
{
	if (block->desc.dir == QKD_DIR_LOCAL)
		return block->size - block->cursor;
	return (block->units - block->nclaimed) * unit_bytes(block->desc.kind);
}

/**
 * qkd_block_find - look a block up by its id
 * @qn:	namespace's pads
 * @id:	block id
 *
 * Return: the block, a reference taken, or NULL if there is none or it is gone.
 */
struct qkd_block *qkd_block_find(struct qkd_net *qn, const uuid_t *id)
{
	struct qkd_block *block = NULL;
	struct qkd_ident *ident;

	rcu_read_lock();
	if (READ_ONCE(qn->dead))
		goto out;
	ident = rhashtable_lookup(&qn->idents, id, qkd_ident_params);
	if (!ident)
		goto out;
	block = rcu_dereference(ident->block);
	if (block && !kref_get_unless_zero(&block->ref))
		block = NULL;
out:
	rcu_read_unlock();
	return block;
}

/* Whether a block of this id was ever loaded here. */
bool qkd_block_seen(struct qkd_net *qn, const uuid_t *id)
{
	return rhashtable_lookup_fast(&qn->idents, id, qkd_ident_params);
}

/**
 * qkd_block_retire - take a block that is used up out of its pool
 * @block: the block; its pool's lock is held
 *
 * Return: true if it was, and the caller must call qkd_block_retired() after
 * dropping the lock; false if it is still of use to somebody.
 */
bool qkd_block_retire(struct qkd_block *block)
{
	struct qkd_pool *pool = block->pool;

	if (!block->listed || block->users)
		return false;
	if (block->state != QKD_BLOCK_STATE_VOID) {
		if (qkd_block_unclaimed(block) || block->cleft)
			return false;
		block->state = QKD_BLOCK_STATE_VOID;
		block->reason = QKD_VOID_REASON_SPENT;
	}
	list_del(&block->node);
	block->listed = false;
	pool->nblocks--;
	if (!READ_ONCE(pool->qn->dead))
		RCU_INIT_POINTER(block->ident->block, NULL);
	return true;
}

/* Ends what qkd_block_retire() began, without the lock. */
void qkd_block_retired(struct qkd_block *block)
{
	free_pad(block);
	if (block->reason == QKD_VOID_REASON_SPENT)
		queue_work(qkd_wq, &block->work);	/* the pool's reference */
	else
		qkd_block_put(block);
}

/*
 * Nothing more of the block is given to anybody, be it for records or for
 * confirmation. @wipe: the units that wipe_rest() has to wipe. Under the pool's
 * lock.
 */
static void take_rest(struct qkd_block *block, unsigned long *wipe)
{
	struct qkd_pool *pool = block->pool;
	u32 bytes = qkd_block_unclaimed(block);

	if (block->state == QKD_BLOCK_STATE_USABLE)
		pool->usable -= bytes;
	else
		pool->pending -= bytes;
	pool->voided += bytes + block->cleft * QKD_SLOT;
	bitmap_complement(wipe, block->claimed, block->units);
	bitmap_or(wipe, wipe, block->confirm, block->units);
	bitmap_fill(block->claimed, block->units);
	bitmap_zero(block->confirm, block->units);
	block->nclaimed = block->units;
	block->cleft = 0;
	if (block->desc.dir != QKD_DIR_LOCAL)
		block->cursor = block->units;
	block->users++;
	qkd_pool_fell(pool);
}

/* Without the lock. Return: whether the block has to go, qkd_block_retired(). */
static bool wipe_rest(struct qkd_block *block, const unsigned long *wipe)
{
	u32 unit = unit_bytes(block->desc.kind), u;
	struct qkd_pool *pool = block->pool;
	bool retired;

	for_each_set_bit(u, wipe, block->units)
		memzero_explicit(block->pad + u * unit, unit);

	spin_lock_bh(&pool->lock);
	block->users--;
	retired = qkd_block_retire(block);
	spin_unlock_bh(&pool->lock);
	return retired;
}

/**
 * qkd_block_void - make a block void
 * @block:	the block
 * @reason:	why, for the event
 *
 * No lease will be given from it any more. What nobody leases is wiped before
 * this returns, the rest when the leases are released; their holders see
 * qkd_lease_dead().
 *
 * Context: process or softirq.
 * Return: 0, or -EALREADY if it was void.
 */
int qkd_block_void(struct qkd_block *block, enum qkd_void_reason reason)
{
	struct qkd_pool *pool = block->pool;
	DECLARE_BITMAP(wipe, QKD_UNITS_MAX);
	bool retired;

	spin_lock_bh(&pool->lock);
	if (block->state == QKD_BLOCK_STATE_VOID) {
		spin_unlock_bh(&pool->lock);
		return -EALREADY;
	}
	take_rest(block, wipe);
	WRITE_ONCE(block->state, QKD_BLOCK_STATE_VOID);
	block->reason = reason;
	spin_unlock_bh(&pool->lock);

	retired = wipe_rest(block, wipe);
	kref_get(&block->ref);
	queue_work(qkd_wq, &block->work);
	if (retired)
		qkd_block_retired(block);
	return 0;
}

/**
 * qkd_block_close - make void what of a block nobody has
 * @block:	a block of direction tx or rx
 *
 * The other end has nothing more of its copy to lease. What nobody leases here,
 * and what is kept for confirmation, is wiped before this returns; leases go on, and
 * their holders see nothing of it. The block is spent when the last of them is
 * released, or now if there are none.
 *
 * Context: process or softirq.
 * Return: 0; -EALREADY if it is void, or on its way there; -ENOKEY if it is not
 * confirmed; -EINVAL if it is local.
 */
int qkd_block_close(struct qkd_block *block)
{
	struct qkd_pool *pool = block->pool;
	DECLARE_BITMAP(wipe, QKD_UNITS_MAX);
	int err = 0;

	if (pool->dir == QKD_DIR_LOCAL)
		return -EINVAL;
	spin_lock_bh(&pool->lock);
	if (block->state == QKD_BLOCK_STATE_LOADED)
		err = -ENOKEY;
	else if (block->state == QKD_BLOCK_STATE_VOID ||
		 (!qkd_block_unclaimed(block) && !block->cleft))
		err = -EALREADY;
	else
		take_rest(block, wipe);
	spin_unlock_bh(&pool->lock);

	if (!err && wipe_rest(block, wipe))
		qkd_block_retired(block);
	return err;
}
