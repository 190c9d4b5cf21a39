// SPDX-License-Identifier: GPL-2.0
#include "block.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

size_t block_unit(enum qkd_kind kind)
{
	return kind == QKD_KIND_TAG ? BLOCK_UNIT_TAG : BLOCK_UNIT_PAYLOAD;
}

size_t block_cut(enum qkd_kind kind, size_t size)
{
	if (size > BLOCK_MAX)
		size = BLOCK_MAX;
	return size - size % block_unit(kind);
}

/* Run 0 of a tag block is for confirmations: of one or two runs nothing is left. */
size_t block_least(enum qkd_kind kind)
{
	return kind == QKD_KIND_TAG ? 8 * BLOCK_UNIT_TAG : BLOCK_UNIT_PAYLOAD;
}

/* Memory that is kept, locked and zero: most blocks follow another. */
static struct { void *pad; size_t room; } spare[4];
#define SPARES	(sizeof(spare) / sizeof(*spare))

/**
 * block_room - memory for a block's keys
 * @block:	block without memory
 * @room:	bytes
 *
 * Never swapped, not in a dump, not in a child.
 *
 * Return: 0 or -ENOMEM.
 */
int block_room(struct block *block, size_t room)
{
	size_t i;
	void *p;

	for (i = 0; i < SPARES; i++) {
		if (spare[i].room < room)
			continue;
		block->pad = spare[i].pad;
		block->room = spare[i].room;
		block->len = 0;
		spare[i].room = 0;
		return 0;
	}
	p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	if (mlock(p, room) || madvise(p, room, MADV_DONTDUMP) ||
	    madvise(p, room, MADV_WIPEONFORK)) {
		munmap(p, room);
		return -ENOMEM;
	}
	block->pad = p;
	block->room = room;
	block->len = 0;
	return 0;
}

void block_wipe(struct block *block)
{
	size_t i;

	if (!block->pad)
		return;
	explicit_bzero(block->pad, block->room);
	for (i = 0; i < SPARES && spare[i].room; i++)
		;
	if (i < SPARES) {
		spare[i].pad = block->pad;
		spare[i].room = block->room;
	} else {
		munmap(block->pad, block->room);
	}
	block->pad = NULL;
	block->room = 0;
	block->len = 0;
}
