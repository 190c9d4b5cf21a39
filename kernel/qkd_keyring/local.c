// SPDX-License-Identifier: GPL-2.0
/*
 * The local pool: true random bytes of this node's own, read once.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "block.h"
#include "net.h"
#include "pool.h"

/* Bytes copied at a time, so that others get the lock in between. */
#define QKD_LOCAL_CHUNK	4096U

/*
 * The oldest block that has bytes, and a range of them that is the caller's
 * from now on. Under the pool's lock.
 */
static struct qkd_block *drain(struct qkd_pool *pool, u32 *from, u32 *len)
{
	struct qkd_block *block;

	list_for_each_entry(block, &pool->blocks, node) {
		if (block->state != QKD_BLOCK_STATE_USABLE ||
		    !qkd_block_unclaimed(block))
			continue;
		*from = block->cursor;
		*len = min(*len, qkd_block_unclaimed(block));
		block->cursor += *len;
		block->users++;
		kref_get(&block->ref);
		pool->usable -= *len;
		atomic64_add(*len, &pool->spent);
		return block;
	}
	return NULL;
}

/*
 * Copies and wipes the next bytes of the pool; how many, 0 if it has none. A
 * block that became void meanwhile may have been wiped under the copy.
 */
static u32 read_some(struct qkd_pool *pool, u8 *buf, u32 len)
{
	struct qkd_block *block;
	bool retired, dead;
	u32 from;

	spin_lock_bh(&pool->lock);
	block = drain(pool, &from, &len);
	spin_unlock_bh(&pool->lock);
	if (!block)
		return 0;

	memcpy(buf, block->pad + from, len);
	memzero_explicit(block->pad + from, len);

	spin_lock_bh(&pool->lock);
	block->users--;
	dead = block->state == QKD_BLOCK_STATE_VOID;
	retired = qkd_block_retire(block);
	spin_unlock_bh(&pool->lock);
	if (retired)
		qkd_block_retired(block);
	qkd_block_put(block);
	if (dead)
		memzero_explicit(buf, len);
	return dead ? 0 : len;
}

/**
 * qkd_local_read - take true random bytes of this node
 * @net:	network namespace
 * @buf:	where they go
 * @len:	bytes
 *
 * All of them or none: the pool gives nothing if it has less than @len, except
 * that what was read is lost when the pool becomes void in the middle.
 *
 * Context: process, may sleep.
 * Return: 0; -EAGAIN if the pool has not enough, which raises pool-empty.
 */
int qkd_local_read(struct net *net, u8 *buf, size_t len)
{
	struct qkd_net *qn = qkd_net(net);
	struct qkd_pool *pool;
	size_t got = 0;
	bool enough;
	u32 n;

	pool = qkd_pool_make(qn, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD,
			     GFP_KERNEL_ACCOUNT);
	if (IS_ERR(pool))
		return -EAGAIN;

	mutex_lock(&qn->local);
	spin_lock_bh(&pool->lock);
	enough = pool->usable >= len;
	if (!enough)
		qkd_pool_refuse(pool);
	spin_unlock_bh(&pool->lock);

	while (enough && got < len) {
		n = read_some(pool, buf + got,
			      min_t(size_t, len - got, QKD_LOCAL_CHUNK));
		if (!n) {
			memzero_explicit(buf, got);
			enough = false;
		}
		got += n;
	}

	spin_lock_bh(&pool->lock);
	qkd_pool_fell(pool);
	spin_unlock_bh(&pool->lock);
	mutex_unlock(&qn->local);
	qkd_pool_put(pool);
	return enough ? 0 : -EAGAIN;
}
EXPORT_SYMBOL_GPL(qkd_local_read);
