// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks that came to their end, here or at the peer, heard or unheard: who is told
 * what, and when.
 */
#include "fake.h"

/* No pool wants anything: what is in the ledger is put there by the test. */
#define QUIET	",\"pools\":{\"tag\":{\"low\":2048,\"high\":65536,\"block\":32768}," \
		"\"payload\":{\"low\":4096,\"high\":8192,\"block\":4096}}"
#define NEVER	QUIET ",\"retire_ms\":3600000"
#define SOON	QUIET ",\"retire_ms\":1000"

/* A block in the ledger, and in the kernel. */
static struct fake_block *have(uint8_t name, enum qkd_dir dir, enum ledger_state state,
			       enum qkd_block_state there)
{
	struct block b = { .peer = SH1, .dir = dir, .size = 4096 };
	struct err err = { "" };

	memset(b.id, name, sizeof(b.id));
	if (ledger_new(keyd.ledger, &b, state, NULL, &err))
		bail("%s", err.text);
	return fake_add(name, dir, QKD_KIND_PAYLOAD, 4096, there);
}

static struct fake_block *usable(uint8_t name, enum qkd_dir dir)
{
	return have(name, dir, LEDGER_USABLE, QKD_BLOCK_STATE_USABLE);
}

static int state(const struct fake_block *b)
{
	struct ledger_row row;

	return ledger_get(keyd.ledger, b->kb.id, &row) ? -1 : (int)row.state;
}

/* The kernel says that it is void. */
static void event(struct fake_block *b, enum qkd_void_reason reason)
{
	b->there = 0;
	b->kb.state = QKD_BLOCK_STATE_VOID;
	b->kb.reason = reason;
	fake.events.voided(&b->kb);
}

/* Messages of both kinds that are on their way have arrived when this one has. */
static void barrier(uint8_t name)
{
	struct fake_block *b = usable(name, QKD_DIR_TX);

	event(b, QKD_VOID_REASON_ADMIN);
	ok(until(fake_about(&fake_peer.voids, b->kb.id) && !keyd.peer[0].telling),
	   "what is void for another reason is told at once");
	is_int(state(b), LEDGER_VOID, "until it is answered");
}

static void test_spent(void)
{
	struct fake_block *b, *rx;

	fake_start(NEVER);
	b = usable(1, QKD_DIR_TX);
	rx = usable(2, QKD_DIR_RX);
	event(b, QKD_VOID_REASON_SPENT);
	event(rx, QKD_VOID_REASON_SPENT);
	is_int(state(rx), LEDGER_SPENT, "used up by the receiver: nobody needs to know");
	is_int(state(b), LEDGER_SPENT_TELL, "used up by the sender: the receiver is to know");
	barrier(3);
	is_int(fake_peer.retire.n, 0, "but not while records may be on their way");
	fake_stop();

	fake_start(NEVER);
	barrier(4);
	is_int(fake_peer.retire.n, 0, "nor after a restart");
	fake_stop();

	fake_start(SOON);
	ok(until(fake_peer.retire.n && state(b) == LEDGER_SPENT), "some time later it is");
	ok(fake_about(&fake_peer.retire, b->kb.id), "by its id");
	is_int(fake_peer.retire.n, 1, "once");
	fake_stop();
}

/* Blocks that the kernel has no more when keyd comes back. */
static void test_gone(void)
{
	struct fake_block *tx, *rx, *loaded;
	int voids, retire = fake_peer.retire.n;

	fake_start(NEVER);
	tx = usable(11, QKD_DIR_TX);
	rx = usable(12, QKD_DIR_RX);
	loaded = have(13, QKD_DIR_RX, LEDGER_LOADED, QKD_BLOCK_STATE_LOADED);
	fake_stop();
	tx->there = rx->there = loaded->there = 0;
	voids = fake_peer.voids.n;
	fake_start(NEVER);
	ok(until(state(rx) == LEDGER_SPENT && state(loaded) == LEDGER_VOID),
	   "gone meanwhile: the peer is told at once");
	is_int(fake_peer.voids.n, voids + 1, "to void what was not confirmed");
	ok(fake_peer.retire.n == retire + 1 && fake_about(&fake_peer.retire, rx->kb.id),
	   "to send no more with what we cannot receive");
	is_int(state(tx), LEDGER_SPENT_TELL, "not to void what it may still read");
	fake_stop();
	fake_start(SOON);
	ok(until(state(tx) == LEDGER_SPENT), "of that it hears later");
	is_int(fake_peer.voids.n, voids + 1, "and leases go on");
	fake_stop();
}

/* Blocks that were between two steps when keyd died: nobody knows who has them. */
static void test_cut_off(void)
{
	struct fake_block *asked, *confirming;
	int voids;

	fake_start(NEVER);
	asked = have(15, QKD_DIR_TX, LEDGER_ASKED, QKD_BLOCK_STATE_LOADED);
	confirming = have(16, QKD_DIR_RX, LEDGER_CONFIRMING, QKD_BLOCK_STATE_LOADED);
	fake_stop();
	voids = fake_peer.voids.n;
	fake_start(NEVER);
	ok(until(state(asked) == LEDGER_VOID && state(confirming) == LEDGER_VOID),
	   "cut off in the middle: void");
	ok(!asked->there && !confirming->there, "in the kernel too");
	is_int(fake_peer.voids.n, voids + 2, "and the peer is told of both");
	fake_stop();
}

/* What the peer says of its blocks. */
static void test_told(void)
{
	struct fake_block *rx, *tx, *loaded;

	fake_start(NEVER);
	rx = usable(21, QKD_DIR_RX);
	tx = usable(22, QKD_DIR_TX);
	loaded = have(23, QKD_DIR_RX, LEDGER_LOADED, QKD_BLOCK_STATE_LOADED);
	is_int(fake_say_block("/ax/v1/retire", 21), 200, "the peer has used a block up");
	ok(rx->there && rx->retired, "its rest is void here, its leases are not");
	is_int(state(rx), LEDGER_USABLE, "as long as there are some");
	event(rx, QKD_VOID_REASON_SPENT);
	is_int(state(rx), LEDGER_SPENT, "then it is spent here too");
	is_int(fake_say_block("/ax/v1/retire", 21), 200, "said twice");
	is_int(fake_say_block("/ax/v1/retire", 22), 200, "the peer cannot receive any more");
	ok(tx->there && tx->retired, "nothing more is leased of ours");
	is_int(fake_say_block("/ax/v1/retire", 23), 200, "one that was not confirmed");
	ok(!loaded->there && state(loaded) == LEDGER_VOID, "is void");
	is_int(fake_say_block("/ax/v1/retire", 24), 200, "one that never came");
	is_int(fake_say_block("/ax/v1/void", 22), 200, "void");
	ok(!tx->there && state(tx) == LEDGER_VOID, "is void");
	fake_stop();
}

/* Events that were not heard. */
static void test_unheard(void)
{
	struct fake_block *rx, *tx, *leased, *late, *well;

	fake_start(NEVER);
	rx = usable(31, QKD_DIR_RX);
	tx = usable(32, QKD_DIR_TX);
	leased = usable(33, QKD_DIR_TX);
	well = usable(34, QKD_DIR_TX);
	late = have(35, QKD_DIR_RX, LEDGER_LOADED, QKD_BLOCK_STATE_LOADED);
	rx->there = tx->there = 0;
	leased->kb.state = QKD_BLOCK_STATE_VOID;
	fake.events.lost();
	ok(until(state(rx) == LEDGER_SPENT), "lost events: a pad is looked for, and its peer told");
	ok(until(state(leased) == LEDGER_VOID), "also one that is void under its leases");
	is_int(state(tx), LEDGER_SPENT_TELL, "a sender's later");
	ok(state(well) == LEDGER_USABLE && well->there &&
	   state(late) == LEDGER_LOADED && late->there, "all others are left alone");
	well->kb.dir = QKD_DIR_TX;
	well->kb.state = QKD_BLOCK_STATE_VOID;
	ok(until(state(well) == LEDGER_VOID), "even if nobody noticed that events were lost");
	fake_stop();
}

int main(void)
{
	fake_begin();
	fake_add(0xa1, QKD_DIR_TX, QKD_KIND_TAG, 65536, QKD_BLOCK_STATE_USABLE);
	fake_add(0xa2, QKD_DIR_TX, QKD_KIND_PAYLOAD, 8192, QKD_BLOCK_STATE_USABLE);
	test_spent();
	test_gone();
	test_cut_off();
	test_told();
	test_unheard();
	is_int(fake_kme.enc + fake_kme.dec, 0, "no key was asked for");
	fake_end();
	return tap_done();
}
