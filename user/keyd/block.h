/* SPDX-License-Identifier: GPL-2.0 */
/* A block in the making: keys put together, in locked memory, wiped at the end. */
#ifndef KEYD_BLOCK_H
#define KEYD_BLOCK_H

#include <linux/qkd_genl.h>
#include "util.h"

#define BLOCK_UNIT_PAYLOAD	4096U
#define BLOCK_UNIT_TAG		2048U		/* 64 slots of 32 bytes */
#define BLOCK_MAX		(255U * 4096U)	/* the largest key the kernel takes
						 * in whole units: 1 MiB - 1 */

struct block {
	uint8_t id[UUID_BYTES];
	uint32_t peer;
	enum qkd_dir dir;
	enum qkd_kind kind;
	uint32_t provenance;
	size_t size;		/* bytes that will be loaded */
	uint8_t *pad;		/* mmap'ed, mlock'ed, not in dumps */
	size_t room, len;	/* of pad */
};

/* Bytes in one unit of that kind, and @size cut down to whole units. */
size_t block_unit(enum qkd_kind kind);
size_t block_cut(enum qkd_kind kind, size_t size);
/* The smallest block that is worth its confirmation, bytes. */
size_t block_least(enum qkd_kind kind);

/* -ENOMEM: no memory, or none that may be locked. */
int block_room(struct block *block, size_t room);
void block_wipe(struct block *block);

#endif
