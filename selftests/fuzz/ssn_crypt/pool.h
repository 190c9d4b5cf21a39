/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools of pad for programs that feed AF_SSN: qkd_keyring as
 * include/linux/qkd_keyring.h has it, without keys behind it. Whatever would use
 * a byte twice, or one outside its lease, ends the program.
 */
#ifndef FUZZ_POOL_H
#define FUZZ_POOL_H

#include "kernel.h"
#include <linux/qkd_keyring.h>
#include "fuzz.h"

#define POOL_BLOCKS	2
#define POOL_UNITS	128U

/**
 * struct qkd_block - a block
 * @id:		0x10 + number of the pool, then the block's
 * @unit:	bytes in a unit
 * @pad:	made once; what a lease has touched is made again afterwards
 * @claimed:	units that were given to somebody
 * @dead:	void
 */
struct qkd_block {
	uuid_t	id;
	u32	unit;
	u8	*pad;
	bool	claimed[POOL_UNITS];
	bool	dead;
};

struct qkd_pool {
	enum qkd_dir		dir;
	enum qkd_kind		kind;
	u32			taken;		/* tx: units of block 0 */
	struct qkd_block	block[POOL_BLOCKS];
};

/* What byte @i of a block is before it is used. */
static inline u8 pool_byte(const struct qkd_block *b, u32 i)
{
	u32 h = (i + 1) * 2654435761U ^ (b->id.b[0] << 8 | b->id.b[1]) * 40503U;

	return h >> 13;
}

static void pool_fill(struct qkd_block *b, u32 unit)
{
	u32 i;

	for (i = unit * b->unit; i < (unit + 1) * b->unit; i++)
		b->pad[i] = pool_byte(b, i);
}

static inline void pool_make(struct qkd_pool *p, u8 number, enum qkd_dir dir,
			     enum qkd_kind kind)
{
	u32 i, j;

	p->dir = dir;
	p->kind = kind;
	for (i = 0; i < POOL_BLOCKS; i++) {
		struct qkd_block *b = &p->block[i];

		b->id.b[0] = 0x10 + number;
		b->id.b[1] = i;
		b->unit = kind == QKD_KIND_TAG ? QKD_RUN * QKD_SLOT : QKD_UNIT;
		b->pad = malloc(POOL_UNITS * b->unit);
		must(b->pad, "no memory");
		for (j = 0; j < POOL_UNITS; j++)
			pool_fill(b, j);
	}
}

/* As new; all that was ever leased must have been wiped. */
static inline void pool_reset(struct qkd_pool *p)
{
	u32 i, j;

	for (i = 0; i < POOL_BLOCKS; i++) {
		struct qkd_block *b = &p->block[i];

		for (j = 0; j < POOL_UNITS; j++) {
			if (!b->claimed[j])
				continue;
			must(!memchr_inv(b->pad + j * b->unit, 0, b->unit),
			     "unit %u of block %02x%02x is left over", j,
			     b->id.b[0], b->id.b[1]);
			pool_fill(b, j);
			b->claimed[j] = false;
		}
		b->dead = false;
	}
	p->taken = 0;
}

static inline struct qkd_block *pool_block(struct qkd_pool *pool, const uuid_t *id)
{
	u32 i;

	for (i = 0; i < POOL_BLOCKS; i++)
		if (!memcmp(&pool->block[i].id, id, sizeof(*id)))
			return &pool->block[i];
	return NULL;
}

static inline int pool_claimable(struct qkd_pool *pool, const uuid_t *id, u32 first,
				 u32 units)
{
	struct qkd_block *b = pool_block(pool, id);
	u32 i;

	if (!units)
		return -EINVAL;
	if (!b)
		return -ENOENT;
	if (b->dead)
		return -ENOKEY;
	if (first >= POOL_UNITS || units > POOL_UNITS - first)
		return -ERANGE;
	for (i = first; i < first + units; i++)
		if (b->claimed[i])
			return -EBUSY;
	return 0;
}

static void pool_give(struct qkd_block *b, u32 first, u32 units,
		      struct qkd_lease *lease)
{
	memset(b->claimed + first, true, units);
	lease->block = b;
	lease->first = first;
	lease->units = units;
	lease->len = units * b->unit;
	lease->pos = 0;
}

int qkd_lease_claim(struct qkd_pool *pool, const uuid_t *id, u32 first, u32 units,
		    struct qkd_lease *lease)
{
	int err = pool_claimable(pool, id, first, units);

	must(pool->dir == QKD_DIR_RX, "a claim of a pool to send with");
	if (!err)
		pool_give(pool_block(pool, id), first, units, lease);
	return err;
}

int qkd_lease_take(struct qkd_pool *pool, u32 units, struct qkd_lease *lease)
{
	must(pool->dir == QKD_DIR_TX && units, "not a pool to send with");
	if (pool->taken == POOL_UNITS)
		return -ENOKEY;
	units = min(units, POOL_UNITS - pool->taken);
	pool_give(&pool->block[0], pool->taken, units, lease);
	pool->taken += units;
	return 0;
}

void qkd_lease_release(struct qkd_lease *lease)
{
	struct qkd_block *b = lease->block;

	if (b)
		memset(b->pad + lease->first * b->unit + lease->pos, 0,
		       lease->len - lease->pos);
	memset(lease, 0, sizeof(*lease));
}

const uuid_t *qkd_lease_id(const struct qkd_lease *lease)
{
	return &lease->block->id;
}

bool qkd_lease_dead(const struct qkd_lease *lease)
{
	return lease->block->dead;
}

u8 *qkd_lease_bytes(const struct qkd_lease *lease, u32 pos, u32 len)
{
	struct qkd_block *b = lease->block;

	if (!b || pos < lease->pos || pos > lease->len || len > lease->len - pos)
		return NULL;
	return b->pad + lease->first * b->unit + pos;
}

void qkd_lease_spend(struct qkd_lease *lease, u32 len)
{
	must(len <= lease->len - lease->pos, "%u bytes spent of %u", len,
	     lease->len - lease->pos);
	memset(qkd_lease_bytes(lease, lease->pos, len), 0, len);
	lease->pos += len;
}

int qkd_slot_peek(struct qkd_pool *pool, const uuid_t *id, u32 slot, u8 key[QKD_SLOT])
{
	int err = pool_claimable(pool, id, slot / QKD_RUN, 1);

	must(pool->dir == QKD_DIR_RX && pool->kind == QKD_KIND_TAG,
	     "a slot of a pool without slots");
	if (!err)
		memcpy(key, pool_block(pool, id)->pad + slot * QKD_SLOT, QKD_SLOT);
	return err;
}

#endif
