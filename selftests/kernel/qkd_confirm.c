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

static void load_tags(struct end *from)
{
	unsigned char *slots = from == &a ? a_slots : b_slots;
	unsigned char *id = from == &a ? a_tags : b_tags;

	id_new(id);
	fill_random(slots, TAG_LEN);
	load(from, QKD_KIND_TAG, id, slots, slots, TAG_LEN);
}

static void close_ends(void)
{
	nl_close(a.nl);
	nl_close(a.events);
	nl_close(b.nl);
	nl_close(b.events);
}

/* Two ends that share nothing yet */
FIXTURE(ends) {
};

FIXTURE_SETUP(ends)
{
	keyctl_join_session_keyring(NULL);
	end_open(&a);
	end_open(&b);
}

FIXTURE_TEARDOWN(ends)
{
	close_ends();
}

/* Two ends with a tag block each way that both have confirmed */
FIXTURE(tagged) {
};

FIXTURE_SETUP(tagged)
{
	ends_setup(_metadata, NULL, NULL);
	load_tags(&a);
	load_tags(&b);
	ASSERT_EQ(0, confirm(a_tags));
	ASSERT_EQ(0, confirm(b_tags));
}

FIXTURE_TEARDOWN(tagged)
{
	close_ends();
}

TEST_F(ends, tag_blocks)
{
	struct confirmation of_a, of_b, again;
	unsigned char tag[16];
	struct pool pool;

	load_tags(&a);
	EXPECT_EQ(QKD_BLOCK_STATE_LOADED, state(&a, a_tags))
		TH_LOG("a tag block is loaded");

	EXPECT_EQ(0, block_tag(a.nl, a_tags, &of_a))
		TH_LOG("the sending end's tag");
	EXPECT_TRUE(!memcmp(of_a.tag_block, a_tags, 16) && of_a.slot == 0)
		TH_LOG("is keyed by the block's own slot 0");
	tag_of(a_slots, QKD_KIND_TAG, 0, a_tags, a_slots, TAG_LEN, tag);
	EXPECT_EQ(0, memcmp(of_a.tag, tag, 16))
		TH_LOG("and is what another implementation makes");
	EXPECT_EQ(0, block_tag(b.nl, a_tags, &of_b))
		TH_LOG("the receiving end's tag");
	EXPECT_TRUE(!memcmp(of_b.tag_block, a_tags, 16) && of_b.slot == 1)
		TH_LOG("is keyed by slot 1");
	tag_of(a_slots + SLOT, QKD_KIND_TAG, 1, a_tags, a_slots, TAG_LEN, tag);
	EXPECT_EQ(0, memcmp(of_b.tag, tag, 16))
		TH_LOG("and is right as well");
	EXPECT_TRUE(memcmp(of_a.tag, of_b.tag, 16))
		TH_LOG("they differ");
	EXPECT_TRUE(block_tag(a.nl, a_tags, &again) == 0 &&
		    !memcmp(&again, &of_a, sizeof(again)))
		TH_LOG("asked again, the same answer");

	EXPECT_EQ(EINVAL, error_of(block_confirm(a.nl, a_tags, &of_a)))
		TH_LOG("an end's own tag sent back: \"%s\"", nl_text);
	again = of_b;
	memcpy(again.tag_block, (qkd_id){ 1 }, 16);
	EXPECT_EQ(EINVAL, error_of(block_confirm(a.nl, a_tags, &again)))
		TH_LOG("a slot of another block: \"%s\"", nl_text);
	EXPECT_EQ(QKD_BLOCK_STATE_LOADED, state(&a, a_tags))
		TH_LOG("harm nothing");
	EXPECT_EQ(0, block_confirm(a.nl, a_tags, &of_b))
		TH_LOG("the sending end confirms");
	EXPECT_EQ(0, block_confirm(b.nl, a_tags, &of_a))
		TH_LOG("the receiving end confirms");
	EXPECT_EQ(QKD_BLOCK_STATE_USABLE, state(&a, a_tags))
		TH_LOG("usable at one end");
	EXPECT_EQ(QKD_BLOCK_STATE_USABLE, state(&b, a_tags))
		TH_LOG("usable at the other");
	EXPECT_EQ(EALREADY, error_of(block_confirm(a.nl, a_tags, &of_b)))
		TH_LOG("confirmed twice: \"%s\"", nl_text);
	pool_get(a.nl, 2, QKD_DIR_TX, QKD_KIND_TAG, &pool);
	EXPECT_TRUE(pool.usable == (TAG_RUNS - 1) * RUN && !pool.pending &&
		    pool.largest == pool.usable && pool.spent == 2 * SLOT)
		TH_LOG("all but run 0 is for records, two slots are spent");
}

TEST_F(ends, payload_blocks)
{
	unsigned char bytes[PAYLOAD_LEN], tag[16];
	struct confirmation of_a, of_b, c;
	struct pool before, after;
	qkd_id id;

	load_tags(&a);
	ASSERT_EQ(0, confirm(a_tags));
	id_new(id);
	fill_random(bytes, sizeof(bytes));
	load(&a, QKD_KIND_PAYLOAD, id, bytes, bytes, sizeof(bytes));
	EXPECT_EQ(ENOKEY, error_of(block_tag(b.nl, id, &of_b)))
		TH_LOG("no tag without a tag block of one's own: \"%s\"",
		       nl_text);

	load_tags(&b);
	EXPECT_EQ(ENOKEY, error_of(block_tag(b.nl, id, &of_b)))
		TH_LOG("nor with one that is not confirmed");
	EXPECT_EQ(0, confirm(b_tags))
		TH_LOG("a tag block the other way");

	pool_get(a.nl, 2, QKD_DIR_TX, QKD_KIND_TAG, &before);
	EXPECT_EQ(0, block_tag(a.nl, id, &of_a))
		TH_LOG("the sending end's tag");
	EXPECT_TRUE(!memcmp(of_a.tag_block, a_tags, 16) && of_a.slot == 2)
		TH_LOG("is keyed by slot 2 of its own tag block");
	tag_of(a_slots + 2 * SLOT, QKD_KIND_PAYLOAD, 0, id, bytes,
	       sizeof(bytes), tag);
	EXPECT_EQ(0, memcmp(of_a.tag, tag, 16))
		TH_LOG("and is what another implementation makes");
	EXPECT_TRUE(block_tag(a.nl, id, &c) == 0 &&
		    !memcmp(&c, &of_a, sizeof(c)))
		TH_LOG("asked again, the same answer");
	pool_get(a.nl, 2, QKD_DIR_TX, QKD_KIND_TAG, &after);
	EXPECT_EQ(SLOT, after.spent - before.spent)
		TH_LOG("and one slot spent");
	EXPECT_EQ(0, block_tag(b.nl, id, &of_b))
		TH_LOG("the receiving end's tag");
	EXPECT_TRUE(!memcmp(of_b.tag_block, b_tags, 16) && of_b.slot == 2)
		TH_LOG("is keyed by slot 2 of its tag block");

	c = of_b;
	c.slot = TAG_RUNS * 64;
	EXPECT_EQ(ERANGE, error_of(block_confirm(a.nl, id, &c)))
		TH_LOG("no such slot: \"%s\"", nl_text);
	c.slot = 0xffffffff;
	EXPECT_EQ(ERANGE, error_of(block_confirm(a.nl, id, &c)))
		TH_LOG("nor the last one");
	c.slot = 1;
	EXPECT_EQ(EBUSY, error_of(block_confirm(a.nl, id, &c)))
		TH_LOG("a slot used before: \"%s\"", nl_text);
	memcpy(c.tag_block, a_tags, 16);
	c.slot = 2;
	EXPECT_EQ(ENOENT, error_of(block_confirm(a.nl, id, &c)))
		TH_LOG("a slot of a block this end sends with: \"%s\"",
		       nl_text);
	EXPECT_EQ(QKD_BLOCK_STATE_LOADED, state(&a, id))
		TH_LOG("harm nothing");

	EXPECT_EQ(0, block_confirm(a.nl, id, &of_b))
		TH_LOG("the sending end confirms");
	EXPECT_EQ(QKD_BLOCK_STATE_LOADED, state(&b, id))
		TH_LOG("the receiving end is not usable by that");
	EXPECT_EQ(0, block_confirm(b.nl, id, &of_a))
		TH_LOG("the receiving end confirms");
	EXPECT_EQ(QKD_BLOCK_STATE_USABLE, state(&b, id))
		TH_LOG("now it is");
	pool_get(b.nl, 1, QKD_DIR_RX, QKD_KIND_PAYLOAD, &after);
	EXPECT_TRUE(after.usable == PAYLOAD_LEN && !after.pending &&
		    after.blocks == 1)
		TH_LOG("all of it");
}

/* A slot that confirmed one block confirms no other, whatever the tag says. */
TEST_F(tagged, slot_reuse)
{
	unsigned char bytes[UNIT];
	struct confirmation of_a;
	qkd_id one, two;

	id_new(one);
	id_new(two);
	fill_random(bytes, sizeof(bytes));
	load(&a, QKD_KIND_PAYLOAD, one, bytes, bytes, sizeof(bytes));
	load(&a, QKD_KIND_PAYLOAD, two, bytes, bytes, sizeof(bytes));
	EXPECT_EQ(0, block_tag(a.nl, one, &of_a))
		TH_LOG("a tag");
	EXPECT_EQ(0, block_confirm(b.nl, one, &of_a))
		TH_LOG("confirms its block");
	EXPECT_EQ(EBUSY,
		  error_of(payload_confirm(b.nl, QKD_DIR_RX, two, bytes,
		  sizeof(bytes), of_a.tag_block, a_slots, of_a.slot)))
		TH_LOG("its slot confirms no other block: \"%s\"", nl_text);
	EXPECT_EQ(QKD_BLOCK_STATE_LOADED, state(&b, two))
		TH_LOG("which stays loaded");
	/* wiped, so that a tag under a key of zeros would verify */
	memset(a_slots + of_a.slot * SLOT, 0, SLOT);
	EXPECT_EQ(EBUSY,
		  error_of(payload_confirm(b.nl, QKD_DIR_RX, two, bytes,
		  sizeof(bytes), of_a.tag_block, a_slots, of_a.slot)))
		TH_LOG("nor does its wiped key");
	EXPECT_EQ(0, confirm(two))
		TH_LOG("a slot of its own does");
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

static void mismatch(struct __test_metadata *_metadata, int kind)
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
	EXPECT_TRUE(block_tag(a.nl, id, &of_a) == 0 &&
		    block_tag(b.nl, id, &of_b) == 0)
		TH_LOG("%s blocks that differ in one bit", kind_name[kind]);
	EXPECT_EQ(EKEYREJECTED, error_of(block_confirm(a.nl, id, &of_b)))
		TH_LOG("the sending end rejects: \"%s\"", nl_text);
	EXPECT_EQ(EKEYREJECTED, error_of(block_confirm(b.nl, id, &of_a)))
		TH_LOG("the receiving end rejects");
	EXPECT_TRUE(void_event(&a, id, QKD_VOID_REASON_MISMATCH))
		TH_LOG("the sending end says block-void, mismatch");
	EXPECT_TRUE(void_event(&b, id, QKD_VOID_REASON_MISMATCH))
		TH_LOG("the receiving end as well");
	EXPECT_TRUE(silent(&a) && silent(&b))
		TH_LOG("once");
	EXPECT_TRUE(state(&a, id) == QKD_BLOCK_STATE_VOID &&
		    state(&b, id) == QKD_BLOCK_STATE_VOID)
		TH_LOG("both are void");
	ring_get(a.nl, -1, &after);
	EXPECT_EQ(before.loaded, after.loaded)
		TH_LOG("and out of memory");
	EXPECT_LT(block_confirm(a.nl, id, &of_b), 0)
		TH_LOG("there is no second try");
	EXPECT_LT(block_tag(a.nl, id, &of_a), 0)
		TH_LOG("and no tag any more");
}

TEST_F(tagged, payload_mismatch)
{
	mismatch(_metadata, QKD_KIND_PAYLOAD);
}

TEST_F(tagged, tag_mismatch)
{
	mismatch(_metadata, QKD_KIND_TAG);
}

/*
 * A wrong tag does not use up the slot it names: the tag that is made with it
 * still counts.
 */
TEST_F(tagged, guesses)
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
	EXPECT_EQ(0, block_tag(a.nl, one, &of_a))
		TH_LOG("a tag");
	pool_get(b.nl, 1, QKD_DIR_RX, QKD_KIND_TAG, &before);
	c = of_a;
	c.slot = 2 * 64 + 5;		/* in a run that is for records */
	EXPECT_EQ(EKEYREJECTED, error_of(block_confirm(b.nl, two, &c)))
		TH_LOG("a guess");
	pool_get(b.nl, 1, QKD_DIR_RX, QKD_KIND_TAG, &after);
	EXPECT_EQ(before.usable, after.usable)
		TH_LOG("takes no run from the records");
	EXPECT_EQ(0, block_confirm(b.nl, one, &of_a))
		TH_LOG("and harms no other block");
}

/* When run 0 is used up the next free run is taken, at both ends. */
TEST_F(tagged, many)
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
		EXPECT_TRUE(of_a.slot > last.slot || !i)
			TH_LOG("slot %u", of_a.slot);
		last = of_a;
	}
	EXPECT_EQ(70, good)
		TH_LOG("70 blocks are confirmed");
	EXPECT_TRUE(last.slot >= 64 && last.slot < 128)
		TH_LOG("the last by a slot of run 1");
	pool_get(a.nl, 2, QKD_DIR_TX, QKD_KIND_TAG, &after);
	EXPECT_EQ(RUN, before.usable - after.usable)
		TH_LOG("the sending end gave one run");
	pool_get(b.nl, 1, QKD_DIR_RX, QKD_KIND_TAG, &after);
	EXPECT_EQ((TAG_RUNS - 2) * RUN, after.usable)
		TH_LOG("the receiving end too");
	EXPECT_EQ((TAG_RUNS - 2) * RUN, after.largest)
		TH_LOG("which are contiguous");
}

TEST_F(tagged, by_hand)
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
	EXPECT_EQ(0, block_void_now(a.nl, id))
		TH_LOG("void-now");
	EXPECT_TRUE(void_event(&a, id, QKD_VOID_REASON_ADMIN))
		TH_LOG("says so");
	EXPECT_EQ(ENOENT, error_of(block_void_now(a.nl, id)))
		TH_LOG("twice: \"%s\"", nl_text);
	ring_get(a.nl, -1, &after);
	EXPECT_EQ(before.loaded, after.loaded)
		TH_LOG("nothing is left of it");

	id_new(id);
	key = block_add(a.ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
			sizeof(bytes));
	keyctl_link(a.ring, KEY_SPEC_SESSION_KEYRING);
	EXPECT_EQ(0, keyctl_revoke(key))
		TH_LOG("a key revoked");
	EXPECT_TRUE(void_event(&a, id, QKD_VOID_REASON_REVOKED))
		TH_LOG("is a void block");
	ring_get(a.nl, -1, &after);
	EXPECT_EQ(before.loaded, after.loaded)
		TH_LOG("at once");

	id_new(id);
	key = block_add(a.ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
			sizeof(bytes));
	EXPECT_EQ(0, keyctl_invalidate(key))
		TH_LOG("a key invalidated");
	EXPECT_TRUE(void_event(&a, id, QKD_VOID_REASON_REVOKED))
		TH_LOG("is a void block");

	id_new(id);
	key = block_add(a.ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
			sizeof(bytes));
	EXPECT_EQ(0, keyctl_set_timeout(key, 1))
		TH_LOG("a key that expires");
	EXPECT_TRUE(void_event(&a, id, QKD_VOID_REASON_REVOKED))
		TH_LOG("is a void block");
	keyctl_unlink(a.ring, KEY_SPEC_SESSION_KEYRING);

	id_new(id);
	block_add(a.ring, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id, bytes,
		  sizeof(bytes));
	EXPECT_EQ(QKD_BLOCK_STATE_USABLE, state(&a, id))
		TH_LOG("a local block is usable as it is");
	EXPECT_EQ(EINVAL, error_of(block_tag(a.nl, id, &c)))
		TH_LOG("and has no tag: \"%s\"", nl_text);
	EXPECT_EQ(EINVAL, error_of(block_confirm(a.nl, id, &c)))
		TH_LOG("nor a confirmation");
}

TEST_HARNESS_MAIN
