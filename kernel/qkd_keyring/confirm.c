// SPDX-License-Identifier: GPL-2.0
/*
 * Confirmation: each end computes a one-time tag over a block and sends it to
 * the other, whose copy becomes usable when the tag verifies. A pad that
 * differs at the two ends would otherwise give wrong data under a right tag,
 * since tags of records cover the ciphertext (PROTOCOL 1).
 *
 * A tag is Poly1305 under a slot used for nothing else. For a payload block it
 * is a slot of a confirmed tag block that this end sends with; for a tag block
 * it is the block's own slot 0 (the end that will send with it) or 1 (the other
 * end), which the tag does not cover.
 */
#include <crypto/algapi.h>
#include <crypto/poly1305.h>
#include <linux/netlink.h>
#include <linux/string.h>

#include "block.h"
#include "confirm.h"
#include "net.h"
#include "pool.h"

#define CONFIRM_MAGIC	"QKDC"
#define CONFIRM_VERSION	1

/* What a tag covers, in front of the block's bytes. */
struct confirm_head {
	u8	magic[4];
	u8	version;
	u8	kind;		/* enum qkd_kind */
	u8	end;		/* whose tag: 0 the end that sends, 1 the other */
	u8	zero;
	__be32	len;		/* bytes that follow */
	u8	id[16];
} __packed;

static u8 own_end(const struct qkd_block *block)
{
	return block->desc.dir == QKD_DIR_TX ? 0 : 1;
}

static void make_tag(const struct qkd_block *block, u8 end,
		     const u8 key[QKD_SLOT], u8 tag[QKD_TAG_LEN])
{
	u32 skip = block->desc.kind == QKD_KIND_TAG ? 2 * QKD_SLOT : 0;
	struct confirm_head head = {
		.magic		= CONFIRM_MAGIC,
		.version	= CONFIRM_VERSION,
		.kind		= block->desc.kind,
		.end		= end,
		.len		= cpu_to_be32(block->size - skip),
	};
	struct poly1305_desc_ctx ctx;

	export_uuid(head.id, &block->desc.id);
	poly1305_init(&ctx, key);
	poly1305_update(&ctx, (const u8 *)&head, sizeof(head));
	poly1305_update(&ctx, block->pad + skip, block->size - skip);
	poly1305_final(&ctx, tag);
	memzero_explicit(&ctx, sizeof(ctx));
}

/* A slot's key leaves the block. Under the pool's lock. */
static void slot_use(struct qkd_block *block, u32 slot, u8 key[QKD_SLOT])
{
	u8 *at = block->pad + slot * QKD_SLOT;

	memcpy(key, at, QKD_SLOT);
	memzero_explicit(at, QKD_SLOT);
	atomic64_add(QKD_SLOT, &block->pool->spent);
}

/* Gives a run that nobody has claimed to confirmation. Under the pool's lock. */
static void run_reserve(struct qkd_block *block, u32 run)
{
	struct qkd_pool *pool = block->pool;

	__set_bit(run, block->claimed);
	__set_bit(run, block->confirm);
	block->nclaimed++;
	block->cleft += QKD_RUN;
	pool->usable -= QKD_RUN * QKD_SLOT;
	qkd_pool_fell(pool);
}

/* The block whose reserved run has a slot left, or one that has a run to give. */
static struct qkd_block *slot_source(struct qkd_pool *pool)
{
	struct qkd_block *block;

	list_for_each_entry(block, &pool->blocks, node)
		if (block->state == QKD_BLOCK_STATE_USABLE && block->cleft)
			return block;
	list_for_each_entry(block, &pool->blocks, node) {
		if (block->state != QKD_BLOCK_STATE_USABLE ||
		    block->cursor == block->units)
			continue;
		block->crun = block->cursor++;
		block->cslot = 0;
		run_reserve(block, block->crun);
		return block;
	}
	return NULL;
}

/* Takes the next confirmation slot of a tx tag pool. */
static int slot_take(struct qkd_pool *pool, struct qkd_confirmation *own,
		     u8 key[QKD_SLOT])
{
	struct qkd_block *block;
	bool retired;

	spin_lock_bh(&pool->lock);
	block = slot_source(pool);
	if (!block) {
		qkd_pool_refuse(pool);
		spin_unlock_bh(&pool->lock);
		return -ENOKEY;
	}
	own->tag_block = block->desc.id;
	own->slot = block->crun * QKD_RUN + block->cslot++;
	block->cleft--;
	slot_use(block, own->slot, key);
	retired = qkd_block_retire(block);
	spin_unlock_bh(&pool->lock);
	if (retired)
		qkd_block_retired(block);
	return 0;
}

/*
 * Whether the peer may key a tag with this slot of a block we receive with.
 * Under the pool's lock.
 */
static int slot_check(const struct qkd_block *block, u32 slot)
{
	u32 run = slot / QKD_RUN;

	if (block->state != QKD_BLOCK_STATE_USABLE)
		return -ENOKEY;
	if (run >= block->units)
		return -ERANGE;
	if (!test_bit(run, block->claimed))
		return 0;
	if (!test_bit(run, block->confirm) ||
	    block->cused[run] & BIT_ULL(slot % QKD_RUN))
		return -EBUSY;
	return 0;
}

/* Keeps the pad in memory while it is read; -EKEYREVOKED if it is void. */
static int block_pin(struct qkd_block *block)
{
	int err = 0;

	spin_lock_bh(&block->pool->lock);
	if (block->state == QKD_BLOCK_STATE_VOID)
		err = -EKEYREVOKED;
	else
		block->users++;
	spin_unlock_bh(&block->pool->lock);
	return err;
}

/* -EKEYREVOKED if it became void, so that what was read of it is nothing. */
static int block_unpin(struct qkd_block *block)
{
	bool retired, dead;

	spin_lock_bh(&block->pool->lock);
	block->users--;
	dead = block->state == QKD_BLOCK_STATE_VOID;
	retired = qkd_block_retire(block);
	spin_unlock_bh(&block->pool->lock);
	if (retired)
		qkd_block_retired(block);
	return dead ? -EKEYREVOKED : 0;
}

/* The key for this end's own tag, which is gone from its block afterwards. */
static int own_key(struct qkd_block *block, struct qkd_confirmation *own,
		   u8 key[QKD_SLOT], struct netlink_ext_ack *extack)
{
	struct qkd_pool *pool;
	int err;

	if (block->desc.kind == QKD_KIND_TAG) {
		own->tag_block = block->desc.id;
		own->slot = own_end(block);
		spin_lock_bh(&block->pool->lock);
		slot_use(block, own->slot, key);
		spin_unlock_bh(&block->pool->lock);
		return 0;
	}

	pool = qkd_pool_make(block->qn, block->desc.peer, QKD_DIR_TX,
			     QKD_KIND_TAG, GFP_KERNEL_ACCOUNT);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = slot_take(pool, own, key);
	qkd_pool_put(pool);
	if (err)
		NL_SET_ERR_MSG(extack, "no confirmed tx tag block towards this peer has a slot left");
	return err;
}

static int confirm_own(struct qkd_block *block, struct netlink_ext_ack *extack)
{
	struct qkd_confirmation own = {};
	u8 key[QKD_SLOT];
	int err, dead;

	if (block->has_own)
		return 0;
	err = block_pin(block);
	if (err) {
		NL_SET_ERR_MSG(extack, "the block is void");
		return err;
	}
	err = own_key(block, &own, key, extack);
	if (!err) {
		make_tag(block, own_end(block), key, own.tag);
		memzero_explicit(key, sizeof(key));
	}
	dead = block_unpin(block);
	if (err)
		return err;
	if (dead) {
		NL_SET_ERR_MSG(extack, "the block became void");
		return dead;
	}
	block->own = own;
	block->has_own = true;
	return 0;
}

/**
 * qkd_confirm_own - this end's confirmation of a block
 * @block:	a block of direction tx or rx
 * @own:	filled in
 * @extack:	says what was wrong
 *
 * Asked again, it gives the same answer and uses up nothing.
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL for a local block; -ENOKEY if no tag slot is left;
 * -EKEYREVOKED if the block is void; -ENOMEM.
 */
int qkd_confirm_own(struct qkd_block *block, struct qkd_confirmation *own,
		    struct netlink_ext_ack *extack)
{
	int err;

	if (block->desc.dir == QKD_DIR_LOCAL) {
		NL_SET_ERR_MSG(extack, "a local block needs no confirmation");
		return -EINVAL;
	}
	mutex_lock(&block->qn->confirm);
	err = confirm_own(block, extack);
	if (!err)
		*own = block->own;
	mutex_unlock(&block->qn->confirm);
	return err;
}

/* The block that holds the slot of the peer's tag; a reference is taken. */
static struct qkd_block *peer_source(struct qkd_block *block,
				     const struct qkd_confirmation *peer,
				     struct netlink_ext_ack *extack)
{
	struct qkd_block *source;

	if (block->desc.kind == QKD_KIND_TAG) {
		if (!uuid_equal(&peer->tag_block, &block->desc.id)) {
			NL_SET_ERR_MSG(extack, "a tag block is confirmed with a slot of its own: tag-block is another block");
			return ERR_PTR(-EINVAL);
		}
		if (peer->slot != !own_end(block)) {
			NL_SET_ERR_MSG(extack, "slot is not the peer's: 0 keys the sending end's tag, 1 the receiving end's");
			return ERR_PTR(-EINVAL);
		}
		kref_get(&block->ref);
		return block;
	}

	source = qkd_block_find(block->qn, &peer->tag_block);
	if (source && source->desc.peer == block->desc.peer &&
	    source->desc.dir == QKD_DIR_RX &&
	    source->desc.kind == QKD_KIND_TAG)
		return source;
	if (source)
		qkd_block_put(source);
	NL_SET_ERR_MSG(extack, "tag-block is no rx tag block of this peer");
	return ERR_PTR(-ENOENT);
}

static int peer_key(struct qkd_block *block, struct qkd_block *source,
		    u32 slot, u8 key[QKD_SLOT], struct netlink_ext_ack *extack)
{
	int err = 0;

	spin_lock_bh(&source->pool->lock);
	if (source->state == QKD_BLOCK_STATE_VOID)
		err = -ENOKEY;
	else if (source != block)
		err = slot_check(source, slot);
	if (!err)
		memcpy(key, source->pad + slot * QKD_SLOT, QKD_SLOT);
	spin_unlock_bh(&source->pool->lock);

	if (err == -ENOKEY)
		NL_SET_ERR_MSG(extack, "tag-block is not usable");
	else if (err == -ERANGE)
		NL_SET_ERR_MSG(extack, "tag-block has no such slot");
	else if (err)
		NL_SET_ERR_MSG(extack, "slot was used before");
	return err;
}

/* The slot was good and is gone now; it may have been leased meanwhile. */
static int peer_slot_done(struct qkd_block *block, struct qkd_block *source,
			  u32 slot, struct netlink_ext_ack *extack)
{
	u32 run = slot / QKD_RUN;
	u8 key[QKD_SLOT];
	bool retired;
	int err = 0;

	spin_lock_bh(&source->pool->lock);
	if (source != block)
		err = slot_check(source, slot);
	else if (source->state == QKD_BLOCK_STATE_VOID)
		err = -EKEYREVOKED;
	if (err) {
		spin_unlock_bh(&source->pool->lock);
		NL_SET_ERR_MSG(extack, "slot went while the tag was checked");
		return err;
	}
	if (source != block) {
		if (!test_bit(run, source->claimed))
			run_reserve(source, run);
		source->cused[run] |= BIT_ULL(slot % QKD_RUN);
		source->cleft--;
	}
	slot_use(source, slot, key);
	retired = qkd_block_retire(source);
	spin_unlock_bh(&source->pool->lock);
	if (retired)
		qkd_block_retired(source);
	memzero_explicit(key, sizeof(key));
	return 0;
}

static int make_usable(struct qkd_block *block, struct netlink_ext_ack *extack)
{
	struct qkd_pool *pool = block->pool;
	bool retired;
	int err = 0;
	u32 bytes;

	spin_lock_bh(&pool->lock);
	if (block->state == QKD_BLOCK_STATE_LOADED) {
		bytes = qkd_block_unclaimed(block);
		block->state = QKD_BLOCK_STATE_USABLE;
		pool->pending -= bytes;
		pool->usable += bytes;
		qkd_pool_rose(pool, bytes);
	} else {
		NL_SET_ERR_MSG(extack, "the block became void");
		err = -EKEYREVOKED;
	}
	retired = qkd_block_retire(block);
	spin_unlock_bh(&pool->lock);
	if (retired)
		qkd_block_retired(block);
	return err;
}

static int confirm_peer(struct qkd_block *block, struct qkd_block *source,
			const struct qkd_confirmation *peer,
			struct netlink_ext_ack *extack)
{
	u8 key[QKD_SLOT], tag[QKD_TAG_LEN];
	bool right;
	int err;

	err = confirm_own(block, extack);
	if (err)
		return err;
	err = peer_key(block, source, peer->slot, key, extack);
	if (err)
		return err;
	err = block_pin(block);
	if (!err) {
		make_tag(block, !own_end(block), key, tag);
		err = block_unpin(block);
	}
	memzero_explicit(key, sizeof(key));
	if (err) {
		NL_SET_ERR_MSG(extack, "the block became void");
		return err;
	}

	right = !crypto_memneq(tag, peer->tag, sizeof(tag));
	memzero_explicit(tag, sizeof(tag));
	if (!right) {
		qkd_block_void(block, QKD_VOID_REASON_MISMATCH);
		NL_SET_ERR_MSG(extack, "tag is wrong: the two ends do not hold the same bytes; the block is void");
		return -EKEYREJECTED;
	}
	err = peer_slot_done(block, source, peer->slot, extack);
	if (err)
		return err;
	return make_usable(block, extack);
}

/**
 * qkd_confirm_peer - check the peer's confirmation of a block
 * @block:	a block of direction tx or rx
 * @peer:	what the peer says
 * @extack:	says what was wrong
 *
 * Makes this end's own confirmation too if that was not done, so that a usable
 * block always has both. A slot that cannot be used makes an error and changes
 * nothing; a wrong tag makes the block void.
 *
 * Context: process, may sleep.
 * Return: 0; -EALREADY if the block is usable; -EKEYREJECTED if the tag is wrong;
 * -EINVAL for a local block or a slot that is not the peer's; -ENOENT if the tag
 * block is not known; -ENOKEY if it is not usable, or no own slot is left; -ERANGE
 * or -EBUSY for its slot; -EKEYREVOKED if the block is void; -ENOMEM.
 */
int qkd_confirm_peer(struct qkd_block *block,
		     const struct qkd_confirmation *peer,
		     struct netlink_ext_ack *extack)
{
	struct qkd_block *source;
	int err;

	if (block->desc.dir == QKD_DIR_LOCAL) {
		NL_SET_ERR_MSG(extack, "a local block needs no confirmation");
		return -EINVAL;
	}
	source = peer_source(block, peer, extack);
	if (IS_ERR(source))
		return PTR_ERR(source);

	mutex_lock(&block->qn->confirm);
	if (READ_ONCE(block->state) == QKD_BLOCK_STATE_USABLE) {
		NL_SET_ERR_MSG(extack, "the block is confirmed already");
		err = -EALREADY;
	} else {
		err = confirm_peer(block, source, peer, extack);
	}
	mutex_unlock(&block->qn->confirm);
	qkd_block_put(source);
	return err;
}
