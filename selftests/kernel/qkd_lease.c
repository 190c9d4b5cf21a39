// SPDX-License-Identifier: GPL-2.0
/*
 * Leases, as the data path uses them (through the module qkd_lease_test): units
 * are given once, spent in order, zero afterwards; a block that becomes void
 * is wiped at once where nobody leases, and under a lease when it is released.
 */
#include "qkd_util.h"

#define TEST_MODULE	"qkd_lease_test"

struct box {
	int fd;
	char answer[8192 * 2];
};

static struct nl *nl, *events;
static int ring;
static qkd_id tx_tags, rx_tags;
static unsigned char tx_slots[8 * RUN], rx_slots[8 * RUN];
static uint32_t rx_slot = 2;		/* of the peer's, for confirmations */

/* --- the box: a command, its errno, its answer */

static struct box *box_open(void)
{
	struct box *box = calloc(1, sizeof(*box));

	box->fd = open("/proc/" TEST_MODULE, O_RDWR);
	if (box->fd < 0)
		bail("/proc/" TEST_MODULE ": %s", strerror(errno));
	return box;
}

static void box_close(struct box *box)
{
	close(box->fd);
	free(box);
}

__attribute__((format(printf, 2, 3)))
static int box_run(struct box *box, const char *fmt, ...)
{
	char line[128];
	ssize_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	box->answer[0] = '\0';
	if (write(box->fd, line, strlen(line)) < 0)
		return -1;
	n = read(box->fd, box->answer, sizeof(box->answer) - 1);
	if (n < 0)
		return -1;
	box->answer[n] = '\0';
	return 0;
}

/* Whether the last answer is these bytes. */
static bool box_gave(struct box *box, const unsigned char *bytes, size_t len)
{
	char hex[3];
	size_t i;

	if (strlen(box->answer) != 2 * len)
		return false;
	for (i = 0; i < len; i++) {
		snprintf(hex, sizeof(hex), "%02x", bytes[i]);
		if (memcmp(box->answer + 2 * i, hex, 2))
			return false;
	}
	return true;
}

static bool box_gave_zeros(struct box *box, size_t len)
{
	return strlen(box->answer) == 2 * len &&
	       strspn(box->answer, "0") == 2 * len;
}

struct lease {
	char id[UUID_TEXT];
	unsigned int first, units, len, pos, dead, provenance;
};

static struct lease show(struct box *box, int n)
{
	struct lease l = {};

	if (!box_run(box, "show %d", n))
		sscanf(box->answer, "%36s %u %u %u %u %u %u", l.id, &l.first,
		       &l.units, &l.len, &l.pos, &l.dead, &l.provenance);
	return l;
}

static long level(struct box *box, uint32_t peer, int dir, int kind,
		  unsigned long long *largest)
{
	unsigned long long usable = 0, pending, l = 0;
	int err = box_run(box, "level %u %d %d", peer, dir, kind);

	if (!err)
		sscanf(box->answer, "%llu %llu %llu", &usable, &pending, &l);
	if (largest)
		*largest = l;
	return err ? -1 : (long)usable;
}

/* --- blocks that are ready to use */

static void tag_blocks(void)
{
	id_new(tx_tags);
	id_new(rx_tags);
	fill_random(tx_slots, sizeof(tx_slots));
	fill_random(rx_slots, sizeof(rx_slots));
	if (block_add(ring, 2, QKD_DIR_TX, QKD_KIND_TAG, tx_tags, tx_slots,
		      sizeof(tx_slots)) < 0 ||
	    block_add(ring, 2, QKD_DIR_RX, QKD_KIND_TAG, rx_tags, rx_slots,
		      sizeof(rx_slots)) < 0 ||
	    tag_block_confirm(nl, QKD_DIR_TX, tx_tags, tx_slots,
			      sizeof(tx_slots)) ||
	    tag_block_confirm(nl, QKD_DIR_RX, rx_tags, rx_slots,
			      sizeof(rx_slots)))
		bail("tag blocks: %s (%s)", strerror(errno), nl_text);
}

/* A confirmed payload block; its key's serial number. */
static int payload_block(int dir, qkd_id id, unsigned char *bytes, size_t len)
{
	int key;

	id_new(id);
	fill_random(bytes, len);
	key = block_add(ring, 2, dir, QKD_KIND_PAYLOAD, id, bytes, len);
	if (key < 0)
		bail("payload block: %s", strerror(errno));
	if (payload_confirm(nl, dir, id, bytes, len, rx_tags, rx_slots,
			    rx_slot++))
		bail("confirmation: %s (%s)", strerror(errno), nl_text);
	return key;
}

static bool gone(const qkd_id id)
{
	struct block block;

	return block_get(nl, id, &block) && errno == ENOENT;
}

/* --- the tests */

FIXTURE(lease) {
	struct box *box;
};

FIXTURE_SETUP(lease)
{
	if (module_load(TEST_MODULE) && errno != EEXIST)
		bail("loading " TEST_MODULE ": %s", strerror(errno));
	keyctl_join_session_keyring(NULL);
	close(ns_new());
	nl = nl_open(false);
	events = nl_open(true);
	ring = ring_serial(nl);
	keyctl_link(ring, KEY_SPEC_SESSION_KEYRING);
	tag_blocks();
	self->box = box_open();
}

FIXTURE_TEARDOWN(lease)
{
	box_close(self->box);
	nl_close(nl);
	nl_close(events);
	EXPECT_EQ(0, module_unload(TEST_MODULE))
		TH_LOG("the test's module can be unloaded");
}

/* Nobody used a slot of run 0 yet: it is not for records all the same. */
TEST_F(lease, run_0)
{
	struct box *box = self->box;
	char text[UUID_TEXT];

	id_text(rx_tags, text);
	EXPECT_EQ(EBUSY, error_of(box_run(box, "claim 0 2 1 %s 0 1", text)))
		TH_LOG("run 0 of a fresh tag block is not for records");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "peek 2 %s 2", text)))
		TH_LOG("none of its slots");
	EXPECT_EQ(sizeof(rx_slots) - RUN,
		  level(box, 2, QKD_DIR_RX, QKD_KIND_TAG, NULL))
		TH_LOG("the others are");
}

TEST_F(lease, taking)
{
	struct box *box = self->box;
	unsigned char one[4 * UNIT], two[3 * UNIT];
	unsigned long long largest;
	struct pool before, after;
	char text[UUID_TEXT];
	qkd_id id1, id2;
	struct lease l;
	int key1;

	EXPECT_EQ(ENOKEY, error_of(box_run(box, "take 0 2 0 1")))
		TH_LOG("an empty pool");
	key1 = payload_block(QKD_DIR_TX, id1, one, sizeof(one));
	payload_block(QKD_DIR_TX, id2, two, sizeof(two));
	EXPECT_EQ(7 * UNIT, level(box, 2, QKD_DIR_TX, 0, &largest))
		TH_LOG("7 units");
	EXPECT_EQ(4 * UNIT, largest)
		TH_LOG("4 of them contiguous");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &before);

	EXPECT_EQ(EINVAL, error_of(box_run(box, "take 0 2 0 0")))
		TH_LOG("no units");
	EXPECT_EQ(0, box_run(box, "take 0 2 0 3"))
		TH_LOG("3 units");
	l = show(box, 0);
	EXPECT_TRUE(!strcmp(l.id, id_text(id1, text)) && l.first == 0 &&
		    l.units == 3 && l.len == 3 * UNIT && l.pos == 0 &&
		    !l.dead && l.provenance == 0)
		TH_LOG("are the first of the oldest block");
	EXPECT_TRUE(!box_run(box, "bytes 0 0 4000") && box_gave(box, one, 4000))
		TH_LOG("and its bytes");
	level(box, 2, QKD_DIR_TX, 0, &largest);
	EXPECT_EQ(3 * UNIT, largest)
		TH_LOG("the largest range is in the other block now");
	EXPECT_EQ(0, box_run(box, "take 1 2 0 3"))
		TH_LOG("3 more");
	l = show(box, 1);
	EXPECT_TRUE(!strcmp(l.id, id_text(id1, text)) && l.first == 3 &&
		    l.units == 1)
		TH_LOG("are the 1 that is left of it");
	EXPECT_EQ(0, box_run(box, "take 2 2 0 100"))
		TH_LOG("100 more");
	l = show(box, 2);
	EXPECT_TRUE(!strcmp(l.id, id_text(id2, text)) && l.first == 0 &&
		    l.units == 3)
		TH_LOG("are the 3 of the next block");
	EXPECT_EQ(ENOKEY, error_of(box_run(box, "take 3 2 0 1")))
		TH_LOG("and that was all");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	EXPECT_TRUE(after.usable == 0 && after.leased == 7 * UNIT &&
		    after.blocks == 2 && after.refused == before.refused + 1)
		TH_LOG("the pool says so");

	EXPECT_TRUE(!box_run(box, "spend 0 100") && show(box, 0).pos == 100)
		TH_LOG("100 bytes are spent");
	EXPECT_TRUE(!box_run(box, "watch 1") &&
		    !box_run(box, "bytes 0 100 200") &&
		    box_gave(box, one + 100, 200))
		TH_LOG("the next are still there");
	EXPECT_EQ(ERANGE, error_of(box_run(box, "bytes 0 99 2")))
		TH_LOG("what is spent is not");
	EXPECT_EQ(ERANGE, error_of(box_run(box, "bytes 0 %d 2", 3 * UNIT - 1)))
		TH_LOG("nor what is not in the lease");
	EXPECT_EQ(ERANGE, error_of(box_run(box, "bytes 0 100 4294967295")))
		TH_LOG("nor a length that wraps");
	EXPECT_EQ(ERANGE, error_of(box_run(box, "spend 0 %d", 3 * UNIT - 99)))
		TH_LOG("no more is spent than is there");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	EXPECT_TRUE(after.spent == before.spent + 100 &&
		    after.leased == 7 * UNIT - 100)
		TH_LOG("spent and leased bytes are counted");

	/* lease 1 keeps the block in memory */
	EXPECT_TRUE(!box_run(box, "watch 0") &&
		    !box_run(box, "watched 0 200") &&
		    box_gave(box, one + 100, 200))
		TH_LOG("before the release");
	EXPECT_EQ(0, box_run(box, "release 0"))
		TH_LOG("a release");
	EXPECT_TRUE(!box_run(box, "watched 0 %d", 4000 - 100) &&
		    box_gave_zeros(box, 4000 - 100))
		TH_LOG("wipes what was not spent");
	EXPECT_EQ(0, box_run(box, "release 0"))
		TH_LOG("a release of nothing is nothing");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	EXPECT_EQ(3 * UNIT - 100, after.voided - before.voided)
		TH_LOG("it is void, not given back");
	EXPECT_EQ(ENOKEY, error_of(box_run(box, "take 0 2 0 1")))
		TH_LOG("to nobody");
	EXPECT_EQ(0, gone(id1))
		TH_LOG("the block is there while it is leased from");
	EXPECT_EQ(0, box_run(box, "release 1"))
		TH_LOG("the last release");
	EXPECT_TRUE(gone(id1))
		TH_LOG("is the end of the block");
	EXPECT_TRUE(until(!key_listed("tx:payload:") || keyctl_describe(key1,
		    NULL, 0) < 0, 10))
		TH_LOG("and of its key");
	box_run(box, "release 2");
	EXPECT_TRUE(gone(id2))
		TH_LOG("and of the other");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	EXPECT_TRUE(!after.usable && !after.leased && !after.blocks)
		TH_LOG("the pool is empty");
}

TEST_F(lease, spending)
{
	struct box *box = self->box;
	unsigned char bytes[2 * UNIT];
	qkd_id id;

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	box_run(box, "take 0 2 0 2");
	EXPECT_TRUE(!box_run(box, "watch 0") && !box_run(box, "watched 0 64") &&
		    box_gave(box, bytes, 64))
		TH_LOG("a lease");
	EXPECT_TRUE(!box_run(box, "spend 0 33") &&
		    !box_run(box, "watched 0 33") && box_gave_zeros(box, 33))
		TH_LOG("33 bytes spent are zero");
	EXPECT_TRUE(!box_run(box, "watched 33 64") &&
		    box_gave(box, bytes + 33, 64))
		TH_LOG("the 34th is not");
	EXPECT_TRUE(!box_run(box, "spend 0 %d", UNIT - 33) &&
		    !box_run(box, "watched 0 4000") &&
		    box_gave_zeros(box, 4000) &&
		    !box_run(box, "watched %d 64", UNIT) &&
		    box_gave(box, bytes + UNIT, 64))
		TH_LOG("nor the next unit");
	EXPECT_EQ(0, box_run(box, "spend 0 %d", UNIT))
		TH_LOG("all is spent");
	EXPECT_EQ(0, gone(id))
		TH_LOG("the lease still holds the block");
	box_run(box, "release 0");
	EXPECT_TRUE(gone(id))
		TH_LOG("until it is released");
}

TEST_F(lease, claiming)
{
	struct box *box = self->box;
	unsigned char bytes[6 * UNIT], other[UNIT];
	char text[UUID_TEXT], tag[UUID_TEXT];
	unsigned long long largest;
	struct pool pool;
	struct lease l;
	qkd_id id, loaded;

	payload_block(QKD_DIR_RX, id, bytes, sizeof(bytes));
	id_text(id, text);
	EXPECT_EQ(ENOKEY, error_of(box_run(box, "take 0 2 0 1")))
		TH_LOG("a block to receive with is not for sending");
	EXPECT_EQ(ENOENT, error_of(box_run(box, "claim 0 3 0 %s 0 1", text)))
		TH_LOG("another peer's pool");
	EXPECT_EQ(ENOENT, error_of(box_run(box, "claim 0 2 1 %s 0 1", text)))
		TH_LOG("another kind's pool");
	EXPECT_EQ(ENOENT,
		  error_of(box_run(box, "claim 0 2 0 %s 0 1", id_text(tx_tags,
		  tag))))
		TH_LOG("another direction's block");
	EXPECT_EQ(EINVAL, error_of(box_run(box, "claim 0 2 0 %s 0 0", text)))
		TH_LOG("no units");
	EXPECT_EQ(ERANGE, error_of(box_run(box, "claim 0 2 0 %s 6 1", text)))
		TH_LOG("behind the end");
	EXPECT_EQ(ERANGE, error_of(box_run(box, "claim 0 2 0 %s 5 2", text)))
		TH_LOG("over the end");
	EXPECT_EQ(ERANGE,
		  error_of(box_run(box, "claim 0 2 0 %s 1 4294967295", text)))
		TH_LOG("a range that wraps");
	EXPECT_EQ(ERANGE,
		  error_of(box_run(box, "claim 0 2 0 %s 4294967295 1", text)))
		TH_LOG("the last unit there can be");
	id_new(loaded);
	fill_random(other, sizeof(other));
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, loaded, other, UNIT);
	EXPECT_EQ(ENOKEY,
		  error_of(box_run(box, "claim 0 2 0 %s 0 1", id_text(loaded,
		  tag))))
		TH_LOG("a block that is not confirmed");
	block_void_now(nl, loaded);
	EXPECT_EQ(ENOENT,
		  error_of(box_run(box, "claim 0 2 0 %s 0 1", id_text(loaded,
		  tag))))
		TH_LOG("and one that is void");
	EXPECT_EQ(6 * UNIT, level(box, 2, QKD_DIR_RX, 0, NULL))
		TH_LOG("none of these claims anything");

	EXPECT_EQ(0, box_run(box, "claim 0 2 0 %s 2 2", text))
		TH_LOG("units 2 and 3");
	l = show(box, 0);
	EXPECT_TRUE(!strcmp(l.id, text) && l.first == 2 && l.units == 2 &&
		    l.len == 2 * UNIT)
		TH_LOG("are exactly these");
	EXPECT_TRUE(!box_run(box, "bytes 0 0 100") &&
		    box_gave(box, bytes + 2 * UNIT, 100))
		TH_LOG("and their bytes");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "claim 1 2 0 %s 2 2", text)))
		TH_LOG("twice");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "claim 1 2 0 %s 3 1", text)))
		TH_LOG("one of them");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "claim 1 2 0 %s 0 3", text)))
		TH_LOG("a range with one of them at its end");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "claim 1 2 0 %s 3 3", text)))
		TH_LOG("a range with one of them at its front");
	EXPECT_EQ(4 * UNIT, level(box, 2, QKD_DIR_RX, 0, &largest))
		TH_LOG("a claim is all or nothing");
	EXPECT_EQ(2 * UNIT, largest)
		TH_LOG("two ranges of two are left");
	EXPECT_EQ(0, box_run(box, "claim 1 2 0 %s 4 2", text))
		TH_LOG("another order: 4 and 5");
	EXPECT_EQ(0, box_run(box, "claim 2 2 0 %s 0 1", text))
		TH_LOG("then 0");
	box_run(box, "release 0");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "claim 0 2 0 %s 2 1", text)))
		TH_LOG("released units are claimed for ever");
	EXPECT_EQ(0, box_run(box, "claim 3 2 0 %s 1 1", text))
		TH_LOG("the last one");
	box_run(box, "release 3");
	box_run(box, "release 2");
	EXPECT_EQ(0, gone(id))
		TH_LOG("while one lease is held the block is there");
	box_run(box, "release 1");
	EXPECT_TRUE(gone(id))
		TH_LOG("then it is gone");
	EXPECT_EQ(ENOENT, error_of(box_run(box, "claim 0 2 0 %s 0 1", text)))
		TH_LOG("and cannot be claimed");
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &pool);
	EXPECT_TRUE(!pool.usable && !pool.leased && !pool.blocks)
		TH_LOG("the pool is empty");
}

TEST_F(lease, slots)
{
	struct box *box = self->box;
	char text[UUID_TEXT], tx[UUID_TEXT];
	struct lease l;

	id_text(rx_tags, text);
	EXPECT_TRUE(!box_run(box, "peek 2 %s 64", text) &&
		    box_gave(box, rx_slots + 64 * SLOT, SLOT))
		TH_LOG("peeking at a slot");
	EXPECT_TRUE(!box_run(box, "peek 2 %s 511", text) &&
		    box_gave(box, rx_slots + 511 * SLOT, SLOT))
		TH_LOG("and the last one");
	EXPECT_EQ(0, box_run(box, "peek 2 %s 64", text))
		TH_LOG("moves nothing");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "peek 2 %s 63", text)))
		TH_LOG("run 0 is for confirmation");
	EXPECT_EQ(ERANGE, error_of(box_run(box, "peek 2 %s 512", text)))
		TH_LOG("no such slot");
	EXPECT_EQ(ERANGE, error_of(box_run(box, "peek 2 %s 4294967295", text)))
		TH_LOG("nor the last there can be");
	EXPECT_EQ(ENOENT, error_of(box_run(box, "peek 3 %s 64", text)))
		TH_LOG("another peer");
	EXPECT_EQ(ENOENT,
		  error_of(box_run(box, "peek 2 %s 64", id_text(tx_tags, tx))))
		TH_LOG("a block of the other direction");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "claim 0 2 1 %s 0 1", text)))
		TH_LOG("nor is run 0 claimed for records");
	EXPECT_EQ(0, box_run(box, "claim 0 2 1 %s 1 2", text))
		TH_LOG("runs 1 and 2");
	l = show(box, 0);
	EXPECT_EQ(128 * SLOT, l.len)
		TH_LOG("are 128 slots");
	EXPECT_TRUE(!box_run(box, "bytes 0 0 %d", SLOT) &&
		    box_gave(box, rx_slots + 64 * SLOT, SLOT))
		TH_LOG("the first is slot 64");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "peek 2 %s 64", text)))
		TH_LOG("which nobody peeks at any more");
	EXPECT_EQ(0, box_run(box, "peek 2 %s 192", text))
		TH_LOG("but at run 3");
	EXPECT_EQ(EINVAL,
		  error_of(payload_confirm(nl, QKD_DIR_RX, rx_tags, rx_slots, 0,
		  rx_tags, rx_slots, 64)))
		TH_LOG("a tag block is not confirmed by a slot for records");
	box_run(box, "release 0");

	EXPECT_EQ(0, box_run(box, "take 0 2 1 1"))
		TH_LOG("a run to send with");
	l = show(box, 0);
	EXPECT_TRUE(!strcmp(l.id, tx) && l.first >= 1 && l.units == 1 &&
		    l.len == RUN)
		TH_LOG("is not run 0");
	EXPECT_TRUE(!box_run(box, "bytes 0 0 %d", SLOT) &&
		    box_gave(box, tx_slots + l.first * RUN, SLOT))
		TH_LOG("and its slots");
	box_run(box, "release 0");
}

/* Slots that made and checked tags are zero; those that did not are not. */
TEST_F(lease, slots_wiped)
{
	struct box *box = self->box;
	unsigned char bytes[UNIT];
	char text[UUID_TEXT];
	struct lease l;
	qkd_id id;
	int i;

	for (i = 0; i < 6; i++)
		payload_block(i % 2, id, bytes, sizeof(bytes));
	EXPECT_TRUE(!box_run(box, "claim 0 2 1 %s 7 1", id_text(rx_tags, text))
		    && !box_run(box, "watch 0"))
		TH_LOG("a run to look from");
	EXPECT_TRUE(!box_run(box, "watched %d %d", -7 * RUN, 2 * SLOT) &&
		    box_gave_zeros(box, 2 * SLOT))
		TH_LOG("rx: slots 0 and 1 are zero");
	EXPECT_TRUE(!box_run(box, "watched %d %d", -7 * RUN + 2 * SLOT,
		    (int)(rx_slot - 2) * SLOT) &&
		    box_gave_zeros(box, (rx_slot - 2) * SLOT))
		TH_LOG("rx: %u slots that confirmed blocks are zero",
		       rx_slot - 2);
	EXPECT_TRUE(!box_run(box, "watched %d %d", -7 * RUN + (int)rx_slot *
		    SLOT, SLOT) &&
		    box_gave(box, rx_slots + rx_slot * SLOT, SLOT))
		TH_LOG("rx: the next is not");
	box_run(box, "release 0");

	EXPECT_TRUE(!box_run(box, "take 0 2 1 1") && !box_run(box, "watch 0"))
		TH_LOG("a run to send with");
	l = show(box, 0);
	EXPECT_TRUE(!box_run(box, "watched %d %d", -(int)l.first * RUN, 3 *
		    SLOT) && box_gave_zeros(box, 3 * SLOT))
		TH_LOG("tx: slots 0 to 2 are zero");
	EXPECT_TRUE(!box_run(box, "watched %d %d", -(int)l.first * RUN + 63 *
		    SLOT, SLOT) && box_gave(box, tx_slots + 63 * SLOT, SLOT))
		TH_LOG("tx: slot 63 is not");
	box_run(box, "release 0");
}

/* A slot of a run that is leased for records confirms nothing. */
TEST_F(lease, slot_for_records)
{
	struct box *box = self->box;
	unsigned char bytes[UNIT];
	char text[UUID_TEXT];
	struct block block;
	qkd_id id;

	id_new(id);
	fill_random(bytes, sizeof(bytes));
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes, UNIT);
	EXPECT_EQ(0, box_run(box, "claim 0 2 1 %s 4 1", id_text(rx_tags, text)))
		TH_LOG("a run for records");
	EXPECT_EQ(EBUSY,
		  error_of(payload_confirm(nl, QKD_DIR_RX, id, bytes, UNIT,
		  rx_tags, rx_slots, 4 * 64 + 3)))
		TH_LOG("confirms no block: \"%s\"", nl_text);
	EXPECT_EQ(0,
		  payload_confirm(nl, QKD_DIR_RX, id, bytes, UNIT, rx_tags,
		  rx_slots, 5 * 64 + 3))
		TH_LOG("a free run does");
	EXPECT_EQ(EBUSY, error_of(box_run(box, "claim 1 2 1 %s 5 1", text)))
		TH_LOG("and is not for records from then on");
	EXPECT_EQ(EBUSY,
		  error_of(box_run(box, "peek 2 %s %d", text, 5 * 64 + 4)))
		TH_LOG("none of its slots");
	EXPECT_TRUE(!block_get(nl, id, &block) &&
		    block.state == QKD_BLOCK_STATE_USABLE)
		TH_LOG("the block is usable");
	block_void_now(nl, id);
	box_run(box, "release 0");
}

/* What becomes of leases when their block becomes void. */
static void dying(struct __test_metadata *_metadata, struct box *box,
		  const char *how)
{
	unsigned char bytes[4 * UNIT];
	char text[UUID_TEXT];
	struct pool before, after;
	struct event event;
	struct ring ring_info;
	qkd_id id;
	int key;

	key = payload_block(QKD_DIR_RX, id, bytes, sizeof(bytes));
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &before);
	box_run(box, "claim 0 2 0 %s 1 1", id_text(id, text));
	box_run(box, "spend 0 10");
	while (event_next(events, 50, &event))
		;
	if (!strcmp(how, "void-now")) {
		EXPECT_EQ(0, block_void_now(nl, id))
			TH_LOG("%s", how);
	} else if (!strcmp(how, "revoke")) {
		EXPECT_EQ(0, keyctl_revoke(key))
			TH_LOG("%s", how);
	} else {
		EXPECT_EQ(0, keyctl_unlink(key, ring))
			TH_LOG("%s", how);
	}
	EXPECT_TRUE(until(show(box, 0).dead, 10))
		TH_LOG("%s: the lease is dead", how);
	EXPECT_TRUE(!box_run(box, "bytes 0 10 100") &&
		    box_gave(box, bytes + UNIT + 10, 100))
		TH_LOG("%s: its bytes are not wiped under its hands", how);
	EXPECT_EQ(0, box_run(box, "watch 0"))
		TH_LOG("%s: neighbours", how);
	EXPECT_TRUE(!box_run(box, "watched %d 200", UNIT - 10) &&
		    box_gave_zeros(box, 200))
		TH_LOG("%s: what nobody leases is", how);
	EXPECT_EQ(ENOKEY, error_of(box_run(box, "claim 1 2 0 %s 0 1", text)))
		TH_LOG("%s: nothing more is leased", how);
	EXPECT_EQ(0, box_run(box, "spend 0 10"))
		TH_LOG("%s: the lease can be used up", how);
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &after);
	EXPECT_TRUE(after.usable == before.usable - 4 * UNIT &&
		    after.voided == before.voided + 3 * UNIT &&
		    after.leased == UNIT - 20 &&
		    after.spent == before.spent + 20)
		TH_LOG("%s: the pool knows", how);
	EXPECT_TRUE(event_next(events, 5000, &event) &&
		    event.cmd == QKD_CMD_BLOCK_VOID &&
		    !memcmp(event.block.id, id, 16) &&
		    event.block.reason == (strcmp(how, "void-now") ?
		    QKD_VOID_REASON_REVOKED : QKD_VOID_REASON_ADMIN))
		TH_LOG("%s: block-void is raised", how);
	ring_get(nl, -1, &ring_info);
	before.spent = ring_info.loaded;
	EXPECT_EQ(0, box_run(box, "release 0"))
		TH_LOG("%s: the release", how);
	ring_get(nl, -1, &ring_info);
	EXPECT_EQ(4 * UNIT, before.spent - ring_info.loaded)
		TH_LOG("%s: frees the block", how);
	EXPECT_EQ(0, event_next(events, 200, &event))
		TH_LOG("%s: and raises nothing", how);
}

TEST_F(lease, dies_by_void_now)
{
	dying(_metadata, self->box, "void-now");
}

TEST_F(lease, dies_by_revoke)
{
	dying(_metadata, self->box, "revoke");
}

TEST_F(lease, dies_by_unlink)
{
	dying(_metadata, self->box, "unlink");
}

TEST_F(lease, spent_event)
{
	struct box *box = self->box;
	unsigned char bytes[UNIT];
	struct event event;
	qkd_id id;

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	while (event_next(events, 50, &event))
		;
	box_run(box, "take 0 2 0 1");
	box_run(box, "spend 0 %d", UNIT);
	EXPECT_EQ(0, event_next(events, 200, &event))
		TH_LOG("no event while it is leased");
	box_run(box, "release 0");
	EXPECT_TRUE(event_next(events, 5000, &event) &&
		    event.cmd == QKD_CMD_BLOCK_VOID &&
		    !memcmp(event.block.id, id, 16) &&
		    event.block.reason == QKD_VOID_REASON_SPENT)
		TH_LOG("a spent block is void, spent: the peer's may go too");
}

static int count_events(int cmd, int ms)
{
	struct event event;
	int n = 0;

	while (event_next(events, ms, &event))
		n += event.cmd == cmd;
	return n;
}

TEST_F(lease, watermarks)
{
	struct box *box = self->box;
	unsigned char bytes[8 * UNIT];
	struct event event;
	struct pool pool;
	qkd_id id, id2;
	int told;

	EXPECT_EQ(0, pool_set(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, 5 * UNIT))
		TH_LOG("a low watermark of 5 units");
	EXPECT_EQ(0, box_run(box, "wait 2 0 0"))
		TH_LOG("somebody waits for pad");
	count_events(0, 50);
	EXPECT_EQ(ENOKEY, error_of(box_run(box, "take 0 2 0 1")))
		TH_LOG("nothing is there");
	EXPECT_TRUE(event_next(events, 5000, &event) &&
		    event.cmd == QKD_CMD_POOL_EMPTY && event.pool.peer == 2 &&
		    event.pool.dir == QKD_DIR_TX &&
		    event.pool.kind == QKD_KIND_PAYLOAD &&
		    event.pool.low == 5 * UNIT)
		TH_LOG("pool-empty");
	box_run(box, "take 0 2 0 1");
	box_run(box, "take 0 2 0 1");
	EXPECT_EQ(0, count_events(QKD_CMD_POOL_EMPTY, 200))
		TH_LOG("once");
	box_run(box, "told");
	EXPECT_STREQ("0", box->answer)
		TH_LOG("and nobody is told of pad");

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	EXPECT_TRUE(until((box_run(box, "told"), atoi(box->answer) > 0), 5))
		TH_LOG("a confirmed block: he who waits is told");
	told = atoi(box->answer);
	EXPECT_EQ(1, told)
		TH_LOG("once");
	EXPECT_EQ(0, count_events(QKD_CMD_POOL_LOW, 200))
		TH_LOG("8 units are not low");
	box_run(box, "take 0 2 0 2");
	EXPECT_EQ(0, count_events(QKD_CMD_POOL_LOW, 200))
		TH_LOG("nor 6");
	box_run(box, "take 1 2 0 1");
	EXPECT_TRUE(event_next(events, 5000, &event) &&
		    event.cmd == QKD_CMD_POOL_LOW &&
		    event.pool.usable + event.pool.pending == 5 * UNIT)
		TH_LOG("5 are: pool-low");
	box_run(box, "take 2 2 0 1");
	EXPECT_EQ(0, count_events(QKD_CMD_POOL_LOW, 200))
		TH_LOG("4 raise nothing more");
	box_run(box, "take 3 2 0 4");
	EXPECT_EQ(ENOKEY, error_of(box_run(box, "take 4 2 0 1")))
		TH_LOG("all is taken");
	EXPECT_EQ(1, count_events(QKD_CMD_POOL_EMPTY, 200))
		TH_LOG("pool-empty again, since there was pad in between");

	id_new(id2);
	block_add(ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id2, bytes,
		  sizeof(bytes));
	block_void_now(nl, id2);
	EXPECT_EQ(1, count_events(QKD_CMD_POOL_LOW, 200))
		TH_LOG("pending bytes count: what becomes void raises pool-low");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &pool);
	EXPECT_EQ(5 * UNIT, pool.low)
		TH_LOG("the watermark can be read");
	box_run(box, "unwait");
	box_run(box, "release 0");
	box_run(box, "release 1");
	box_run(box, "release 2");
	box_run(box, "release 3");

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	id_new(id2);
	block_add(ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id2, bytes,
		  sizeof(bytes));
	box_run(box, "take 0 2 0 6");
	EXPECT_EQ(0, count_events(QKD_CMD_POOL_LOW, 200))
		TH_LOG("while 8 units are pending, 2 usable ones are not low");
	block_void_now(nl, id2);
	EXPECT_EQ(1, count_events(QKD_CMD_POOL_LOW, 200))
		TH_LOG("without them they are");
	box_run(box, "release 0");
	block_void_now(nl, id);
	pool_set(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, 0);
	payload_block(QKD_DIR_TX, id, bytes, UNIT);
	box_run(box, "take 0 2 0 1");
	box_run(box, "release 0");
	EXPECT_EQ(0, count_events(QKD_CMD_POOL_LOW, 200))
		TH_LOG("no watermark, no event");
}

TEST_F(lease, local)
{
	struct box *box = self->box;
	unsigned char bytes[2 * UNIT];
	struct pool before, after;
	qkd_id id1, id2;

	EXPECT_EQ(EAGAIN, error_of(box_run(box, "local 1")))
		TH_LOG("no local randomness");
	id_new(id1);
	id_new(id2);
	fill_random(bytes, sizeof(bytes));
	block_add(ring, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id1, bytes, UNIT);
	block_add(ring, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id2, bytes + UNIT,
		  UNIT);
	pool_get(nl, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &before);
	EXPECT_EQ(2 * UNIT, before.usable)
		TH_LOG("local blocks are usable at once");
	EXPECT_TRUE(!box_run(box, "local 100") && box_gave(box, bytes, 100))
		TH_LOG("its first 100 bytes");
	EXPECT_TRUE(!box_run(box, "local 4000") &&
		    box_gave(box, bytes + 100, 4000))
		TH_LOG("the next, over the end of a block");
	EXPECT_TRUE(gone(id1))
		TH_LOG("which is gone");
	EXPECT_EQ(EAGAIN,
		  error_of(box_run(box, "local %d", 2 * UNIT - 4100 + 1)))
		TH_LOG("one byte more than there is");
	pool_get(nl, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &after);
	EXPECT_TRUE(after.usable == 2 * UNIT - 4100 && after.spent == 4100 &&
		    after.largest == after.usable)
		TH_LOG("takes nothing");
	EXPECT_TRUE(!box_run(box, "local 4000") &&
		    box_gave(box, bytes + 4100, 4000) &&
		    !box_run(box, "local 92") &&
		    box_gave(box, bytes + 8100, 92))
		TH_LOG("the rest");
	EXPECT_TRUE(gone(id2))
		TH_LOG("and nothing is left");
	EXPECT_EQ(EAGAIN, error_of(box_run(box, "local 1")))
		TH_LOG("of it");
	EXPECT_EQ(EINVAL, error_of(box_run(box, "level 0 0 0")))
		TH_LOG("peer 0 sends nothing");
	EXPECT_EQ(EINVAL, error_of(box_run(box, "level 5 2 0")))
		TH_LOG("local is no peer's");
	EXPECT_EQ(EINVAL, error_of(box_run(box, "level 0 2 1")))
		TH_LOG("nor of kind tag");
}

/* Many take at once: no unit goes to two of them. */
TEST_F(lease, racing)
{
	enum { PROCS = 4, UNITS = 60 };
	unsigned char bytes[UNITS * UNIT], seen[UNITS] = {};
	int pipes[2], i, n, total = 0, twice = 0;
	struct { int first, units; } got;
	struct box *box;
	qkd_id id;

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	if (pipe(pipes))
		bail("pipe: %s", strerror(errno));
	for (i = 0; i < PROCS; i++) {
		if (fork())
			continue;
		box = box_open();
		for (n = 0; n < 4 * UNITS &&
		     !box_run(box, "take 0 2 0 %d", n % 3 + 1); n++) {
			struct lease l = show(box, 0);

			got.first = l.first;
			got.units = l.units;
			if (write(pipes[1], &got, sizeof(got)) < 0)
				_exit(1);
			box_run(box, "release 0");
			sched_yield();
		}
		_exit(0);
	}
	close(pipes[1]);
	while (read(pipes[0], &got, sizeof(got)) == sizeof(got))
		for (n = 0; n < got.units; n++) {
			total++;
			twice += seen[got.first + n]++;
		}
	close(pipes[0]);
	while (wait(NULL) > 0)
		;
	EXPECT_EQ(UNITS, total)
		TH_LOG("all units were taken");
	EXPECT_EQ(0, twice)
		TH_LOG("none twice");
}

/* The namespace goes while leases are held. */
TEST_F(lease, orphan)
{
	int home = ns_here(), ns;
	unsigned char bytes[2 * UNIT];
	struct nl *old = nl;
	int old_ring = ring;
	struct box *box;
	char text[64], id[UUID_TEXT];
	qkd_id block;

	ns = ns_new();
	nl = nl_open(false);
	ring = ring_serial(nl);
	rx_slot = 2;
	tag_blocks();
	payload_block(QKD_DIR_RX, block, bytes, sizeof(bytes));
	box = box_open();
	EXPECT_EQ(0, box_run(box, "claim 0 2 0 %s 0 1", id_text(block, id)))
		TH_LOG("a lease in another namespace");
	snprintf(text, sizeof(text), "2:rx:payload:%s", id);
	EXPECT_TRUE(key_listed(text))
		TH_LOG("its key is listed");
	nl_close(nl);
	nl = old;
	ring = old_ring;
	ns_enter(home);
	close(ns);
	EXPECT_TRUE(until(show(box, 0).dead, 30))
		TH_LOG("the namespace goes: it is dead");
	EXPECT_TRUE(!box_run(box, "bytes 0 0 100") && box_gave(box, bytes, 100))
		TH_LOG("its bytes are there");
	EXPECT_TRUE(until(!key_listed(text), 30))
		TH_LOG("the key is not");
	EXPECT_TRUE(!box_run(box, "spend 0 100") && !box_run(box, "release 0"))
		TH_LOG("the lease is given back");
	box_close(box);
	close(home);
}

TEST_HARNESS_MAIN
