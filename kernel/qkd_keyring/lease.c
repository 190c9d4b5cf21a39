// SPDX-License-Identifier: GPL-2.0
/*
 * Leases: units of pad go to one user, are spent in order, and are zero
 * afterwards. Nothing ever comes back (PROTOCOL 1).
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/string.h>

#include "block.h"
#include "net.h"
#include "pool.h"

/* Gives units to a lease. Under the pool's lock; they must be free. */
static void give(struct qkd_block *block, u32 first, u32 units,
		 struct qkd_lease *lease)
{
	struct qkd_pool *pool = block->pool;

	bitmap_set(block->claimed, first, units);
	block->nclaimed += units;
	block->users++;
	kref_get(&block->ref);

	lease->block = block;
	lease->first = first;
	lease->units = units;
	lease->len = units * pool->unit;
	lease->pos = 0;

	pool->usable -= lease->len;
	atomic64_add(lease->len, &pool->leased);
	qkd_pool_fell(pool);
}

/**
 * qkd_lease_take - lease units to send with
 * @pool:	a pool of direction tx
 * @units:	units wanted, at least 1
 * @lease:	filled in; must not hold a lease
 *
 * Takes contiguous units from the oldest block that has any: as many as are
 * wanted or as the block has left. @lease->units says how many these are.
 *
 * Context: process or softirq.
 * Return: 0; -ENOKEY if the pool has no usable unit, which raises pool-empty;
 * -EINVAL if the pool is not tx or no unit is wanted.
 */
int qkd_lease_take(struct qkd_pool *pool, u32 units, struct qkd_lease *lease)
{
	struct qkd_block *block;
	int err = -ENOKEY;
	u32 first;

	if (!units || pool->dir != QKD_DIR_TX)
		return -EINVAL;

	spin_lock_bh(&pool->lock);
	list_for_each_entry(block, &pool->blocks, node) {
		if (block->state != QKD_BLOCK_STATE_USABLE ||
		    block->cursor == block->units)
			continue;
		first = block->cursor;
		units = min(units, block->units - first);
		block->cursor += units;
		give(block, first, units, lease);
		err = 0;
		break;
	}
	if (err)
		qkd_pool_refuse(pool);
	spin_unlock_bh(&pool->lock);
	return err;
}
EXPORT_SYMBOL_GPL(qkd_lease_take);

/**
 * qkd_lease_claim - lease the units a sender announced
 * @pool:	a pool of direction rx
 * @id:		block id
 * @first:	first unit
 * @units:	number of units, at least 1
 * @lease:	filled in; must not hold a lease
 *
 * All of the range or nothing.
 *
 * Context: process or softirq.
 * Return: 0; -ENOENT if the pool has no such block (any more); -ENOKEY if it is
 * not confirmed or is void; -ERANGE if the range is not inside it; -EBUSY if a
 * unit was claimed before; -EINVAL if the pool is not rx or no unit is wanted.
 */
int qkd_lease_claim(struct qkd_pool *pool, const uuid_t *id, u32 first,
		    u32 units, struct qkd_lease *lease)
{
	struct qkd_block *block;
	int err;

	if (!units || pool->dir != QKD_DIR_RX)
		return -EINVAL;
	block = qkd_block_find(pool->qn, id);
	if (!block)
		return -ENOENT;
	if (block->pool != pool) {
		err = -ENOENT;
		goto out_put;
	}

	spin_lock_bh(&pool->lock);
	if (block->state != QKD_BLOCK_STATE_USABLE)
		err = -ENOKEY;
	else if (first >= block->units || units > block->units - first)
		err = -ERANGE;
	else if (find_next_bit(block->claimed, first + units, first) <
		 first + units)
		err = -EBUSY;
	else
		err = 0;
	if (!err)
		give(block, first, units, lease);
	spin_unlock_bh(&pool->lock);
out_put:
	qkd_block_put(block);
	return err;
}
EXPORT_SYMBOL_GPL(qkd_lease_claim);

/**
 * qkd_lease_release - give up a lease
 * @lease: the lease; nothing happens if it holds none
 *
 * What was not spent is wiped and void, never given to anybody else.
 *
 * Context: process or softirq; not with interrupts or preemption off.
 */
void qkd_lease_release(struct qkd_lease *lease)
{
	struct qkd_block *block = lease->block;
	struct qkd_pool *pool;
	bool retired;
	u32 left;

	if (!block)
		return;
	pool = block->pool;
	left = lease->len - lease->pos;
	memzero_explicit(block->pad + lease->first * pool->unit + lease->pos,
			 left);

	spin_lock_bh(&pool->lock);
	atomic64_sub(left, &pool->leased);
	pool->voided += left;
	block->users--;
	retired = qkd_block_retire(block);
	spin_unlock_bh(&pool->lock);

	if (retired)
		qkd_block_retired(block);
	memset(lease, 0, sizeof(*lease));
	qkd_block_put(block);
}
EXPORT_SYMBOL_GPL(qkd_lease_release);

/**
 * qkd_lease_id - id of the block a lease is from
 * @lease: a lease
 *
 * Return: the id, good as long as the lease.
 */
const uuid_t *qkd_lease_id(const struct qkd_lease *lease)
{
	return &lease->block->desc.id;
}
EXPORT_SYMBOL_GPL(qkd_lease_id);

/**
 * qkd_lease_provenance - what is known of how a lease's block came here
 * @lease: a lease
 *
 * Return: flags of enum qkd_provenance.
 */
u32 qkd_lease_provenance(const struct qkd_lease *lease)
{
	return lease->block->desc.provenance;
}
EXPORT_SYMBOL_GPL(qkd_lease_provenance);

/**
 * qkd_lease_dead - whether the block became void under a lease
 * @lease: a lease
 *
 * The bytes are still there, so that whoever is sealing a record finishes it;
 * no new record may be made with them.
 */
bool qkd_lease_dead(const struct qkd_lease *lease)
{
	return READ_ONCE(lease->block->state) == QKD_BLOCK_STATE_VOID;
}
EXPORT_SYMBOL_GPL(qkd_lease_dead);

/**
 * qkd_lease_bytes - pad of a lease
 * @lease:	the lease
 * @pos:	byte in the lease, not yet spent
 * @len:	bytes wanted from there
 *
 * Return: the pad, good until it is spent or the lease released; NULL if the
 * range is not inside what is left of the lease.
 */
u8 *qkd_lease_bytes(const struct qkd_lease *lease, u32 pos, u32 len)
{
	struct qkd_block *block = lease->block;

	if (!block || pos < lease->pos || pos > lease->len ||
	    len > lease->len - pos)
		return NULL;
	return block->pad + lease->first * block->pool->unit + pos;
}
EXPORT_SYMBOL_GPL(qkd_lease_bytes);

/**
 * qkd_lease_spend - the next bytes of a lease were used
 * @lease:	the lease
 * @len:	bytes, not more than the lease has left
 *
 * They are zero when this returns.
 *
 * Context: any.
 */
void qkd_lease_spend(struct qkd_lease *lease, u32 len)
{
	struct qkd_block *block = lease->block;
	struct qkd_pool *pool = block->pool;

	if (WARN_ON_ONCE(len > lease->len - lease->pos))
		len = lease->len - lease->pos;
	memzero_explicit(block->pad + lease->first * pool->unit + lease->pos,
			 len);
	lease->pos += len;
	atomic64_sub(len, &pool->leased);
	atomic64_add(len, &pool->spent);
}
EXPORT_SYMBOL_GPL(qkd_lease_spend);

/**
 * qkd_slot_peek - key of a slot, without claiming it
 * @pool:	a pool of direction rx and kind tag
 * @id:		block id
 * @slot:	slot in the block
 * @key:	where the key goes; the caller wipes it
 *
 * To check the first record of a connection, whose announcement of leases can
 * be believed only after that. Nothing is moved by it.
 *
 * Context: process or softirq.
 * Return: 0; -ENOENT if the pool has no such block (any more); -ENOKEY if it is
 * not confirmed or is void; -ERANGE if it has no such slot; -EBUSY if the slot's
 * run was claimed or is kept for confirmation; -EINVAL if the pool is not rx tag.
 */
int qkd_slot_peek(struct qkd_pool *pool, const uuid_t *id, u32 slot,
		  u8 key[QKD_SLOT])
{
	u32 run = slot / QKD_RUN;
	struct qkd_block *block;
	int err = 0;

	if (pool->dir != QKD_DIR_RX || pool->kind != QKD_KIND_TAG)
		return -EINVAL;
	block = qkd_block_find(pool->qn, id);
	if (!block)
		return -ENOENT;
	if (block->pool != pool) {
		err = -ENOENT;
		goto out_put;
	}

	spin_lock_bh(&pool->lock);
	if (block->state != QKD_BLOCK_STATE_USABLE)
		err = -ENOKEY;
	else if (run >= block->units)
		err = -ERANGE;
	else if (test_bit(run, block->claimed))
		err = -EBUSY;
	else
		memcpy(key, block->pad + slot * QKD_SLOT, QKD_SLOT);
	spin_unlock_bh(&pool->lock);
out_put:
	qkd_block_put(block);
	return err;
}
EXPORT_SYMBOL_GPL(qkd_slot_peek);
