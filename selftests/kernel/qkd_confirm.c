// SPDX-License-Identifier: GPL-2.0
/*
 * Confirmation between two ends, each in its own network namespace:
 *
 *	node 1 (ns a)  --- tx block, tag ---->  node 2 (ns b)
 *	               <-- tag --------------
 *
 * A block is usable only after the peer's tag verified; a wrong tag makes it
 * void; a slot is used once.
 */
#include "qkd_util.h"

#define TAG_RUNS	4
#define TAG_LEN		(TAG_RUNS * RUN)
#define PAYLOAD_LEN	(5 * UNIT)

struct end {
	int ns, ring;
	uint32_t peer;
	struct nl *nl, *events;
};

static struct end a = { .peer = 2 }, b = { .peer = 1 };

static void end_open(struct end *end)
{
	end->ns = ns_new();
	end->nl = nl_open(false);
	end->events = nl_open(true);
	end->ring = ring_serial(end->nl);
}

/* Loads a block at both ends, @from sending with it. */
static void load(struct end *from, int kind, const qkd_id id,
		 const unsigned char *bytes, const unsigned char *theirs,
		 size_t len)
{
	struct end *to = from == &a ? &b : &a;

	ns_enter(to->ns);
	if (block_add(to->ring, to->peer, QKD_DIR_RX, kind, id, theirs, len) < 0)
		bail("rx block: %s", strerror(errno));
	ns_enter(from->ns);
	if (block_add(from->ring, from->peer, QKD_DIR_TX, kind, id, bytes,
		      len) < 0)
		bail("tx block: %s", strerror(errno));
}

/* What the two key agents do; 0, or -1 with errno of the first that failed. */
static int confirm(const qkd_id id)
{
	struct confirmation of_a, of_b;

	if (block_tag(a.nl, id, &of_a) || block_tag(b.nl, id, &of_b))
		return -1;
	if (block_confirm(a.nl, id, &of_b))
		return -1;
	return block_confirm(b.nl, id, &of_a);
}

static uint32_t state(struct end *end, const qkd_id id)
{
	struct block block;

	if (block_get(end->nl, id, &block))
		return QKD_BLOCK_STATE_VOID;
	return block.state;
}

static qkd_id a_tags, b_tags;	/* tag blocks a and b send with */
static unsigned char a_slots[TAG_LEN], b_slots[TAG_LEN];

static void tag_blocks(void)
{
	struct confirmation of_a, of_b, again;
	unsigned char tag[16];
	struct pool pool;

	id_new(a_tags);
	fill_random(a_slots, TAG_LEN);
	load(&a, QKD_KIND_TAG, a_tags, a_slots, a_slots, TAG_LEN);
	is_int(state(&a, a_tags), QKD_BLOCK_STATE_LOADED, "a tag block is loaded");

	ok(block_tag(a.nl, a_tags, &of_a) == 0, "the sending end's tag");
	ok(!memcmp(of_a.tag_block, a_tags, 16) && of_a.slot == 0,
	   "is keyed by the block's own slot 0");
	tag_of(a_slots, QKD_KIND_TAG, 0, a_tags, a_slots, TAG_LEN, tag);
	is_mem(of_a.tag, tag, 16, "and is what another implementation makes");
	ok(block_tag(b.nl, a_tags, &of_b) == 0, "the receiving end's tag");
	ok(!memcmp(of_b.tag_block, a_tags, 16) && of_b.slot == 1,
	   "is keyed by slot 1");
	tag_of(a_slots + SLOT, QKD_KIND_TAG, 1, a_tags, a_slots, TAG_LEN, tag);
	is_mem(of_b.tag, tag, 16, "and is right as well");
	ok(memcmp(of_a.tag, of_b.tag, 16), "they differ");
	ok(block_tag(a.nl, a_tags, &again) == 0 &&
	   !memcmp(&again, &of_a, sizeof(again)), "asked again, the same answer");

	is_errno(block_confirm(a.nl, a_tags, &of_a), EINVAL,
		 "an end's own tag sent back: \"%s\"", nl_text);
	again = of_b;
	memcpy(again.tag_block, (qkd_id){ 1 }, 16);
	is_errno(block_confirm(a.nl, a_tags, &again), EINVAL,
		 "a slot of another block: \"%s\"", nl_text);
	is_int(state(&a, a_tags), QKD_BLOCK_STATE_LOADED, "harm nothing");
	ok(block_confirm(a.nl, a_tags, &of_b) == 0, "the sending end confirms");
	ok(block_confirm(b.nl, a_tags, &of_a) == 0, "the receiving end confirms");
	is_int(state(&a, a_tags), QKD_BLOCK_STATE_USABLE, "usable at one end");
	is_int(state(&b, a_tags), QKD_BLOCK_STATE_USABLE, "usable at the other");
	is_errno(block_confirm(a.nl, a_tags, &of_b), EALREADY,
		 "confirmed twice: \"%s\"", nl_text);
	pool_get(a.nl, 2, QKD_DIR_TX, QKD_KIND_TAG, &pool);
	ok(pool.usable == (TAG_RUNS - 1) * RUN && !pool.pending &&
	   pool.largest == pool.usable && pool.spent == 2 * SLOT,
	   "all but run 0 is for records, two slots are spent");
}

static void payload_blocks(void)
{
	unsigned char bytes[PAYLOAD_LEN], tag[16];
	struct confirmation of_a, of_b, c;
	struct pool before, after;
	qkd_id id;

	id_new(id);
	fill_random(bytes, sizeof(bytes));
	load(&a, QKD_KIND_PAYLOAD, id, bytes, bytes, sizeof(bytes));
	is_errno(block_tag(b.nl, id, &of_b), ENOKEY,
		 "no tag without a tag block of one's own: \"%s\"", nl_text);

	id_new(b_tags);
	fill_random(b_slots, TAG_LEN);
	load(&b, QKD_KIND_TAG, b_tags, b_slots, b_slots, TAG_LEN);
	is_errno(block_tag(b.nl, id, &of_b), ENOKEY,
		 "nor with one that is not confirmed");
	ok(confirm(b_tags) == 0, "a tag block the other way");

	pool_get(a.nl, 2, QKD_DIR_TX, QKD_KIND_TAG, &before);
	ok(block_tag(a.nl, id, &of_a) == 0, "the sending end's tag");
	ok(!memcmp(of_a.tag_block, a_tags, 16) && of_a.slot == 2,
	   "is keyed by slot 2 of its own tag block");
	tag_of(a_slots + 2 * SLOT, QKD_KIND_PAYLOAD, 0, id, bytes,
	       sizeof(bytes), tag);
	is_mem(of_a.tag, tag, 16, "and is what another implementation makes");
	ok(block_tag(a.nl, id, &c) == 0 && !memcmp(&c, &of_a, sizeof(c)),
	   "asked again, the same answer");
	pool_get(a.nl, 2, QKD_DIR_TX, QKD_KIND_TAG, &after);
	is_int(after.spent - before.spent, SLOT, "and one slot spent");
	ok(block_tag(b.nl, id, &of_b) == 0, "the receiving end's tag");
	ok(!memcmp(of_b.tag_block, b_tags, 16) && of_b.slot == 2,
	   "is keyed by slot 2 of its tag block");

	c = of_b;
	c.slot = TAG_RUNS * 64;
	is_errno(block_confirm(a.nl, id, &c), ERANGE, "no such slot: \"%s\"",
		 nl_text);
	c.slot = 0xffffffff;
	is_errno(block_confirm(a.nl, id, &c), ERANGE, "nor the last one");
	c.slot = 1;
	is_errno(block_confirm(a.nl, id, &c), EBUSY, "a slot used before: \"%s\"",
		 nl_text);
	memcpy(c.tag_block, a_tags, 16);
	c.slot = 2;
	is_errno(block_confirm(a.nl, id, &c), ENOENT,
		 "a slot of a block this end sends with: \"%s\"", nl_text);
	is_int(state(&a, id), QKD_BLOCK_STATE_LOADED, "harm nothing");

	ok(block_confirm(a.nl, id, &of_b) == 0, "the sending end confirms");
	is_int(state(&b, id), QKD_BLOCK_STATE_LOADED,
	       "the receiving end is not usable by that");
	ok(block_confirm(b.nl, id, &of_a) == 0, "the receiving end confirms");
	is_int(state(&b, id), QKD_BLOCK_STATE_USABLE, "now it is");
	pool_get(b.nl, 1, QKD_DIR_RX, QKD_KIND_PAYLOAD, &after);
	ok(after.usable == PAYLOAD_LEN && !after.pending && after.blocks == 1,
	   "all of it");
}

/* A slot that confirmed one block confirms no other, whatever the tag says. */
static void slot_reuse(void)
{
	unsigned char bytes[UNIT];
	struct confirmation of_a;
	qkd_id one, two;

	id_new(one);
	id_new(two);
	fill_random(bytes, sizeof(bytes));
	load(&a, QKD_KIND_PAYLOAD, one, bytes, bytes, sizeof(bytes));
	load(&a, QKD_KIND_PAYLOAD, two, bytes, bytes, sizeof(bytes));
	ok(block_tag(a.nl, one, &of_a) == 0, "a tag");
	ok(block_confirm(b.nl, one, &of_a) == 0, "confirms its block");
	is_errno(payload_confirm(b.nl, QKD_DIR_RX, two, bytes, sizeof(bytes),
				 of_a.tag_block, a_slots, of_a.slot), EBUSY,
		 "its slot confirms no other block: \"%s\"", nl_text);
	is_int(state(&b, two), QKD_BLOCK_STATE_LOADED, "which stays loaded");
	/* wiped, so that a tag under a key of zeros would verify */
	memset(a_slots + of_a.slot * SLOT, 0, SLOT);
	is_errno(payload_confirm(b.nl, QKD_DIR_RX, two, bytes, sizeof(bytes),
				 of_a.tag_block, a_slots, of_a.slot), EBUSY,
		 "nor does its wiped key");
	ok(confirm(two) == 0, "a slot of its own does");
}

static bool void_event(struct end *end, const qkd_id id, uint32_t reason)
{
	struct event event;

	while (event_next(end->events, 5000, &event))
		if (event.cmd == QKD_CMD_BLOCK_VOID &&
		    !memcmp(event.block.id, id, 16))
			return event.block.reason == reason &&
			       event.block.state == QKD_BLOCK_STATE_VOID;
	return false;
}

static bool silent(struct end *end)
{
	struct event event;

	return !event_next(end->events, 300, &event);
}

static void drain(struct end *end)
{
	struct event event;

	while (event_next(end->events, 100, &event))
		;
}

static void mismatch(int kind)
{
	unsigned char bytes[2 * UNIT], theirs[2 * UNIT];
	struct confirmation of_a, of_b;
	struct ring before, after;
	qkd_id id;

	ring_get(a.nl, -1, &before);
	id_new(id);
	fill_random(bytes, sizeof(bytes));
	memcpy(theirs, bytes, sizeof(bytes));
	theirs[sizeof(theirs) - 1] ^= 0x80;
	load(&a, kind, id, bytes, theirs, sizeof(bytes));
	drain(&a);
	drain(&b);
	ok(block_tag(a.nl, id, &of_a) == 0 && block_tag(b.nl, id, &of_b) == 0,
	   "%s blocks that differ in one bit", kind_name[kind]);
	is_errno(block_confirm(a.nl, id, &of_b), EKEYREJECTED,
		 "the sending end rejects: \"%s\"", nl_text);
	is_errno(block_confirm(b.nl, id, &of_a), EKEYREJECTED,
		 "the receiving end rejects");
	ok(void_event(&a, id, QKD_VOID_REASON_MISMATCH),
	   "the sending end says block-void, mismatch");
	ok(void_event(&b, id, QKD_VOID_REASON_MISMATCH),
	   "the receiving end as well");
	ok(silent(&a) && silent(&b), "once");
	ok(state(&a, id) == QKD_BLOCK_STATE_VOID &&
	   state(&b, id) == QKD_BLOCK_STATE_VOID, "both are void");
	ring_get(a.nl, -1, &after);
	is_int(after.loaded, before.loaded, "and out of memory");
	ok(block_confirm(a.nl, id, &of_b) < 0, "there is no second try");
	ok(block_tag(a.nl, id, &of_a) < 0, "and no tag any more");
}

/*
 * A wrong tag does not use up the slot it names: the tag that is made with it
 * still counts.
 */
static void guesses(void)
{
	unsigned char bytes[UNIT];
	struct confirmation of_a, c;
	struct pool before, after;
	qkd_id one, two;

	id_new(one);
	id_new(two);
	fill_random(bytes, sizeof(bytes));
	load(&a, QKD_KIND_PAYLOAD, one, bytes, bytes, sizeof(bytes));
	load(&a, QKD_KIND_PAYLOAD, two, bytes, bytes, sizeof(bytes));
	ok(block_tag(a.nl, one, &of_a) == 0, "a tag");
	pool_get(b.nl, 1, QKD_DIR_RX, QKD_KIND_TAG, &before);
	c = of_a;
	c.slot = 2 * 64 + 5;		/* in a run that is for records */
	is_errno(block_confirm(b.nl, two, &c), EKEYREJECTED, "a guess");
	pool_get(b.nl, 1, QKD_DIR_RX, QKD_KIND_TAG, &after);
	is_int(after.usable, before.usable, "takes no run from the records");
	ok(block_confirm(b.nl, one, &of_a) == 0, "and harms no other block");
}

/* When run 0 is used up the next free run is taken, at both ends. */
static void many(void)
{
	struct confirmation of_a, last = {};
	struct pool before, after;
	unsigned char bytes[UNIT];
	int i, good = 0;
	qkd_id id;

	pool_get(a.nl, 2, QKD_DIR_TX, QKD_KIND_TAG, &before);
	fill_random(bytes, sizeof(bytes));
	for (i = 0; i < 70; i++) {
		id_new(id);
		load(&a, QKD_KIND_PAYLOAD, id, bytes, bytes, sizeof(bytes));
		if (block_tag(a.nl, id, &of_a))
			break;
		good += !block_confirm(b.nl, id, &of_a);
		ok(of_a.slot > last.slot || !i, "slot %u", of_a.slot);
		last = of_a;
	}
	is_int(good, 70, "70 blocks are confirmed");
	ok(last.slot >= 64 && last.slot < 128, "the last by a slot of run 1");
	pool_get(a.nl, 2, QKD_DIR_TX, QKD_KIND_TAG, &after);
	is_int(before.usable - after.usable, RUN, "the sending end gave one run");
	pool_get(b.nl, 1, QKD_DIR_RX, QKD_KIND_TAG, &after);
	is_int(after.usable, (TAG_RUNS - 2) * RUN, "the receiving end too");
	is_int(after.largest, (TAG_RUNS - 2) * RUN, "which are contiguous");
}

static void by_hand(void)
{
	unsigned char bytes[2 * UNIT];
	struct ring before, after;
	struct confirmation c;
	qkd_id id;
	int key;

	ns_enter(a.ns);
	ring_get(a.nl, -1, &before);
	drain(&a);
	id_new(id);
	fill_random(bytes, sizeof(bytes));
	block_add(a.ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
		  sizeof(bytes));
	ok(block_void_now(a.nl, id) == 0, "void-now");
	ok(void_event(&a, id, QKD_VOID_REASON_ADMIN), "says so");
	is_errno(block_void_now(a.nl, id), ENOENT, "twice: \"%s\"", nl_text);
	ring_get(a.nl, -1, &after);
	is_int(after.loaded, before.loaded, "nothing is left of it");

	id_new(id);
	key = block_add(a.ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
			sizeof(bytes));
	keyctl_link(a.ring, KEY_SPEC_SESSION_KEYRING);
	is_int(keyctl_revoke(key), 0, "a key revoked");
	ok(void_event(&a, id, QKD_VOID_REASON_REVOKED), "is a void block");
	ring_get(a.nl, -1, &after);
	is_int(after.loaded, before.loaded, "at once");

	id_new(id);
	key = block_add(a.ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
			sizeof(bytes));
	is_int(keyctl_invalidate(key), 0, "a key invalidated");
	ok(void_event(&a, id, QKD_VOID_REASON_REVOKED), "is a void block");

	id_new(id);
	key = block_add(a.ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
			sizeof(bytes));
	is_int(keyctl_set_timeout(key, 1), 0, "a key that expires");
	ok(void_event(&a, id, QKD_VOID_REASON_REVOKED), "is a void block");
	keyctl_unlink(a.ring, KEY_SPEC_SESSION_KEYRING);

	id_new(id);
	block_add(a.ring, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id, bytes,
		  sizeof(bytes));
	is_int(state(&a, id), QKD_BLOCK_STATE_USABLE,
	       "a local block is usable as it is");
	is_errno(block_tag(a.nl, id, &c), EINVAL, "and has no tag: \"%s\"",
		 nl_text);
	is_errno(block_confirm(a.nl, id, &c), EINVAL, "nor a confirmation");
}

int main(void)
{
	int home = ns_here();

	keyctl_join_session_keyring(NULL);
	end_open(&a);
	end_open(&b);
	tag_blocks();
	payload_blocks();
	slot_reuse();
	mismatch(QKD_KIND_PAYLOAD);
	mismatch(QKD_KIND_TAG);
	guesses();
	many();
	by_hand();
	ns_enter(home);
	return tap_done();
}
