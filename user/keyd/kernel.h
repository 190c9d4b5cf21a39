/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's keyring .qkd of this network namespace: add_key(2) and netlink. */
#ifndef KEYD_KERNEL_H
#define KEYD_KERNEL_H

#include <event2/event.h>
#include "block.h"
#include "nl.h"

#define KERNEL_TAG	16

struct kernel;

struct kernel_tag {		/* one end's confirmation of a block */
	uint8_t tag_block[UUID_BYTES];
	uint32_t slot;
	uint8_t tag[KERNEL_TAG];
};

struct kernel_block {
	uint8_t id[UUID_BYTES];
	uint32_t peer;
	enum qkd_dir dir;
	enum qkd_kind kind;
	enum qkd_block_state state;
	enum qkd_void_reason reason;
};

struct kernel_events {
	void (*low)(const struct nl_pool *pool);	/* low, or refused a lease */
	void (*voided)(const struct kernel_block *block);
	void (*lost)(void);			/* events were lost: look at everything */
};

int kernel_open(struct event_base *base, const struct kernel_events *events,
		struct kernel **kernel, struct err *err);
void kernel_close(struct kernel *k);
/* Have the keyring also as another user, who must keep CAP_NET_ADMIN. */
int kernel_possess(struct kernel *k, struct err *err);
/* Events that have come already are handled now, and not after what is done next. */
void kernel_catch_up(struct kernel *k);
int32_t kernel_keyring(const struct kernel *k);	/* its serial */

int kernel_level(struct kernel *k, uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		 struct nl_pool *pool, struct err *err);	/* no pool: all zero */
int kernel_watermark(struct kernel *k, uint32_t peer, enum qkd_kind kind, uint64_t low,
		     struct err *err);
/* Load a block's pad and wipe ours, whatever happens. */
int kernel_load(struct kernel *k, struct block *b, struct err *err);
int kernel_tag(struct kernel *k, const uint8_t id[UUID_BYTES], struct kernel_tag *tag,
	       struct err *err);
/* 0; -EKEYREJECTED: the ends differ, the block is wiped; others: see the kernel. */
int kernel_confirm(struct kernel *k, const uint8_t id[UUID_BYTES],
		   const struct kernel_tag *peer, struct err *err);
int kernel_void(struct kernel *k, const uint8_t id[UUID_BYTES], struct err *err);
/*
 * Void, but for what is leased. 0, -ENOENT, -EALREADY: nothing of it is left;
 * others: it was not confirmed.
 */
int kernel_retire(struct kernel *k, const uint8_t id[UUID_BYTES], struct err *err);
int kernel_block(struct kernel *k, const uint8_t id[UUID_BYTES],
		 struct kernel_block *block, struct err *err);	/* -ENOENT */

#endif
