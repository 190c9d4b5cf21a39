/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A block: one key's pad, which of its units are claimed, and who still
 * uses it.
 */
#ifndef _QKD_BLOCK_H
#define _QKD_BLOCK_H

#include <linux/bitmap.h>
#include <linux/kref.h>
#include <linux/qkd_keyring.h>
#include <linux/rhashtable-types.h>
#include <linux/uuid.h>
#include <linux/workqueue.h>

struct key;
struct qkd_net;
struct qkd_pool;

#define QKD_BLOCK_MAX	(1024 * 1024 - 1)	/* what add_key(2) can carry */
#define QKD_UNITS_MAX	(QKD_BLOCK_MAX / (QKD_RUN * QKD_SLOT))
#define QKD_TAG_LEN	16U

/* What a key's description says. */
struct qkd_desc {
	u32		peer;
	enum qkd_dir	dir;
	enum qkd_kind	kind;
	uuid_t		id;
	u32		provenance;
};

int qkd_desc_parse(const char *text, struct qkd_desc *desc);

/* A block id that was seen. It stays as long as the namespace. */
struct qkd_ident {
	struct rhash_head	node;
	uuid_t			id;
	struct qkd_block __rcu	*block;	/* NULL once the block is gone */
};

/* A confirmation tag and the slot that keyed it. */
struct qkd_confirmation {
	uuid_t	tag_block;
	u32	slot;
	u8	tag[QKD_TAG_LEN];
};

/**
 * struct qkd_block - pad of one key
 * @ref:	one for the pool, one for the key, one for each lease
 * @rcu:	frees the struct (not the pad)
 * @desc:	what the key's description said
 * @qn:		namespace's pads, a reference held
 * @pool:	the pool, a reference held; NULL before the key is instantiated
 * @ident:	its entry in the namespace's table; the same
 * @node:	in the pool's list
 * @seq:	order of loading
 * @charged:	counts against the namespace's ceiling
 * @counted:	counts in the namespace's loaded bytes
 * @serial:	the key's serial number
 * @size:	bytes of pad
 * @units:	units in it
 * @pad:	the pad; NULL once wiped for good
 * @work:	raises block-void and invalidates the key
 *
 * Under the pool's lock:
 *
 * @key:	the key, no reference held; NULL when it is gone
 * @state:	loaded, usable, void
 * @reason:	why it is void
 * @listed:	in the pool's list
 * @users:	leases and kernel users of @pad; it is not freed under them
 * @claimed:	units that were given out, or are kept for confirmation
 * @nclaimed:	their number
 * @cursor:	first unit not yet taken (tx); bytes drained (local)
 * @confirm:	units (runs of slots) kept for confirmation
 * @cleft:	slots in them not yet used
 * @crun:	tx: the run whose slots are being used
 * @cslot:	tx: the next slot in it
 * @cused:	rx: slots used, a mask for each run
 *
 * Under the namespace's confirm mutex:
 *
 * @has_own:	@own is there
 * @own:	this end's confirmation of the block
 */
struct qkd_block {
	struct kref		ref;
	struct rcu_head		rcu;
	struct qkd_desc		desc;
	struct qkd_net		*qn;
	struct qkd_pool		*pool;
	struct qkd_ident	*ident;
	struct list_head	node;
	u64			seq;
	bool			charged;
	bool			counted;
	s32			serial;
	u32			size;
	u32			units;
	u8			*pad;
	struct work_struct	work;

	struct key		*key;
	enum qkd_block_state	state;
	enum qkd_void_reason	reason;
	bool			listed;
	u32			users;
	DECLARE_BITMAP(claimed, QKD_UNITS_MAX);
	u32			nclaimed;
	u32			cursor;
	DECLARE_BITMAP(confirm, QKD_UNITS_MAX);
	u32			cleft;
	u32			crun;
	u32			cslot;
	u64			*cused;

	bool			has_own;
	struct qkd_confirmation	own;
};

struct qkd_block *qkd_block_alloc(struct qkd_net *qn,
				  const struct qkd_desc *desc,
				  const void *bytes, u32 size);
int qkd_block_insert(struct qkd_block *block, struct key *key);
void qkd_block_forget_key(struct qkd_block *block);
void qkd_block_put(struct qkd_block *block);
struct qkd_block *qkd_block_find(struct qkd_net *qn, const uuid_t *id);
bool qkd_block_seen(struct qkd_net *qn, const uuid_t *id);
int qkd_block_void(struct qkd_block *block, enum qkd_void_reason reason);
int qkd_block_close(struct qkd_block *block);

/* These want the pool's lock held. */
u32 qkd_block_unclaimed(const struct qkd_block *block);
bool qkd_block_retire(struct qkd_block *block);

void qkd_block_retired(struct qkd_block *block);

extern const struct rhashtable_params qkd_ident_params;
void qkd_ident_free(void *entry, void *unused);

#endif /* _QKD_BLOCK_H */
