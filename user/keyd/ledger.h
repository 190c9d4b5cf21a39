/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every key ID that this key agent ever touched, and what became of the block it
 * went into. No key bytes. Each change is on the disk when the function returns.
 */
#ifndef KEYD_LEDGER_H
#define KEYD_LEDGER_H

#include "block.h"
#include "config.h"
#include "etsi014.h"

struct ledger;

enum ledger_state {
	LEDGER_FETCHED = 1,	/* leader: keys are here */
	LEDGER_POSTED,		/* leader: the peer has been told the IDs */
	LEDGER_ASKED,		/* follower: is asking its KME for them */
	LEDGER_LOADED,		/* in the kernel, not confirmed */
	LEDGER_CONFIRMING,	/* leader: the peer has been sent our tag */
	LEDGER_USABLE,
	LEDGER_SPENT,
	LEDGER_VOID,		/* and the peer knows, or told us */
	LEDGER_VOID_TELL,	/* and the peer is still to be told */
	LEDGER_SPENT_TELL,	/* used up, or so it seems; and the same */
	LEDGER_STATES
};

struct ledger_row {
	uint8_t id[UUID_BYTES];
	uint32_t peer;
	enum qkd_dir dir;
	enum qkd_kind kind;
	size_t size;
	enum ledger_state state;
	int64_t changed;	/* seconds since 1970 */
};

int ledger_open(const char *path, struct ledger **ledger, struct err *err);
void ledger_close(struct ledger *ledger);

/*
 * A new block and its keys (@ids may be NULL). -EEXIST: the block, or one of the
 * key IDs, was seen before, and nothing has changed.
 */
int ledger_new(struct ledger *l, const struct block *b, enum ledger_state state,
	       const struct etsi_ids *ids, struct err *err);
/* -ENOENT: no such block. */
int ledger_set(struct ledger *l, const uint8_t id[UUID_BYTES], enum ledger_state state,
	       struct err *err);
int ledger_get(struct ledger *l, const uint8_t id[UUID_BYTES], struct ledger_row *row);
int ledger_has_key(struct ledger *l, const char *key_id);	/* 1, 0, -errno */
/* @fn for each block in one of the states of the mask 1 << state; a snapshot, so
 * that it may change them. @peer 0: all. Stops when @fn returns other than 0. */
int ledger_each(struct ledger *l, unsigned int states, uint32_t peer,
		int (*fn)(const struct ledger_row *row, void *arg), void *arg);
/* A named text, "" when it is not there. */
int ledger_note_get(struct ledger *l, const char *name, char *text, size_t size);
int ledger_note_set(struct ledger *l, const char *name, const char *text);

#endif
