/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pad is budgeted: a job that the pads cannot finish is refused before it starts.
 *
 * What a job may take from a pool is what the pool has (usable, and pending:
 * loaded and agreed with the peer, not yet confirmed) minus what running jobs
 * have reserved and not yet spent. Any thread may call; one mutex inside.
 */
#ifndef SSAD_RESERVE_H
#define SSAD_RESERVE_H

#include <linux/qkd_genl.h>
#include <stddef.h>
#include <stdint.h>
#include "config.h"

/* Waiting for pad, where --wait asks for it: between looks, and words to the owner */
#define PACE_MS		100
#define PACE_TELL_MS	2000

/**
 * struct reserve_need - pad of one connection, in one direction
 * @peer:	node at the other end
 * @dir:	QKD_DIR_TX: we send; QKD_DIR_RX: we receive
 * @payload:	bytes of payload pad
 * @tag:	bytes of tag slots
 */
struct reserve_need {
	uint32_t peer;
	enum qkd_dir dir;
	uint64_t payload;
	uint64_t tag;
};

/* What one message, or a transfer of @bytes in messages of @chunk, takes. */
void reserve_message(struct reserve_need *need, uint64_t len);
void reserve_transfer(struct reserve_need *need, uint64_t bytes, uint32_t chunk);
/* What a connection takes at most besides: HELLO, CLOSE, the lease's rest. */
void reserve_connection(struct reserve_need *need);
/* Bytes on the wire for one message of @len payload bytes. */
uint64_t reserve_wire(uint64_t len);

/* What pool {@peer, @dir, @kind} has: usable + pending. 0 or -errno. */
typedef int reserve_level(uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
			  uint64_t *bytes, void *arg);
/* The kernel's pools; @arg of reserve_open() is a struct nl of "qkd". */
reserve_level reserve_pools;

struct reserve;
struct reservation;

int reserve_open(struct reserve **res, reserve_level *level, void *arg);
void reserve_close(struct reserve *res);

/**
 * reserve_take - reserve all of @need, or nothing
 * @need:	one entry for each peer and direction
 * @count:	entries
 * @name:	name of a node, for the message; may be NULL
 * @out:	the reservation; reserve_drop() ends it
 * @who:	-ENOKEY: index of the need that does not fit; may be NULL
 *
 * Returns 0; -ENOKEY with needed, available and who in @err; -errno of the pools.
 */
int reserve_take(struct reserve *res, const struct reserve_need *need, size_t count,
		 const char *(*name)(uint32_t node, void *arg), void *arg,
		 struct reservation **out, size_t *who, struct err *err);
/* That much of it is spent, and no longer in the pool either. */
void reserve_spent(struct reservation *r, uint32_t peer, enum qkd_dir dir,
		   uint64_t len);
void reserve_drop(struct reservation *r);

#endif
