// SPDX-License-Identifier: GPL-2.0
/*
 * Leases, as the data path uses them (through the module qkd_lease_test): units
 * are given once, spent in order, zero afterwards; a block that becomes void
 * is wiped at once where nobody leases, and under a lease when it is released.
 */
#include <sys/syscall.h>

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

	if (box_run(box, "level %u %d %d", peer, dir, kind))
		return -1;
	sscanf(box->answer, "%llu %llu %llu", &usable, &pending, &l);
	if (largest)
		*largest = l;
	return usable;
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

/* Nobody used a slot of run 0 yet: it is not for records all the same. */
static void run_0(struct box *box)
{
	char text[UUID_TEXT];

	id_text(rx_tags, text);
	is_errno(box_run(box, "claim 0 2 1 %s 0 1", text), EBUSY,
		 "run 0 of a fresh tag block is not for records");
	is_errno(box_run(box, "peek 2 %s 2", text), EBUSY,
		 "none of its slots");
	is_int(level(box, 2, QKD_DIR_RX, QKD_KIND_TAG, NULL),
	       sizeof(rx_slots) - RUN, "the others are");
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

static void taking(struct box *box)
{
	unsigned char one[4 * UNIT], two[3 * UNIT];
	unsigned long long largest;
	struct pool before, after;
	char text[UUID_TEXT];
	qkd_id id1, id2;
	struct lease l;
	int key1;

	is_errno(box_run(box, "take 0 2 0 1"), ENOKEY, "an empty pool");
	key1 = payload_block(QKD_DIR_TX, id1, one, sizeof(one));
	payload_block(QKD_DIR_TX, id2, two, sizeof(two));
	is_int(level(box, 2, QKD_DIR_TX, 0, &largest), 7 * UNIT, "7 units");
	is_int(largest, 4 * UNIT, "4 of them contiguous");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &before);

	is_errno(box_run(box, "take 0 2 0 0"), EINVAL, "no units");
	ok(box_run(box, "take 0 2 0 3") == 0, "3 units");
	l = show(box, 0);
	ok(!strcmp(l.id, id_text(id1, text)) && l.first == 0 && l.units == 3 &&
	   l.len == 3 * UNIT && l.pos == 0 && !l.dead && l.provenance == 0,
	   "are the first of the oldest block");
	ok(!box_run(box, "bytes 0 0 4000") && box_gave(box, one, 4000),
	   "and its bytes");
	level(box, 2, QKD_DIR_TX, 0, &largest);
	is_int(largest, 3 * UNIT, "the largest range is in the other block now");
	ok(box_run(box, "take 1 2 0 3") == 0, "3 more");
	l = show(box, 1);
	ok(!strcmp(l.id, id_text(id1, text)) && l.first == 3 && l.units == 1,
	   "are the 1 that is left of it");
	ok(box_run(box, "take 2 2 0 100") == 0, "100 more");
	l = show(box, 2);
	ok(!strcmp(l.id, id_text(id2, text)) && l.first == 0 && l.units == 3,
	   "are the 3 of the next block");
	is_errno(box_run(box, "take 3 2 0 1"), ENOKEY, "and that was all");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	ok(after.usable == 0 && after.leased == 7 * UNIT && after.blocks == 2 &&
	   after.refused == before.refused + 1, "the pool says so");

	ok(!box_run(box, "spend 0 100") && show(box, 0).pos == 100,
	   "100 bytes are spent");
	ok(!box_run(box, "watch 1") &&
	   !box_run(box, "bytes 0 100 200") && box_gave(box, one + 100, 200),
	   "the next are still there");
	is_errno(box_run(box, "bytes 0 99 2"), ERANGE, "what is spent is not");
	is_errno(box_run(box, "bytes 0 %d 2", 3 * UNIT - 1), ERANGE,
		 "nor what is not in the lease");
	is_errno(box_run(box, "bytes 0 100 4294967295"), ERANGE,
		 "nor a length that wraps");
	is_errno(box_run(box, "spend 0 %d", 3 * UNIT - 99), ERANGE,
		 "no more is spent than is there");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	ok(after.spent == before.spent + 100 && after.leased == 7 * UNIT - 100,
	   "spent and leased bytes are counted");

	/* lease 1 keeps the block in memory */
	ok(!box_run(box, "watch 0") && !box_run(box, "watched 0 200") &&
	   box_gave(box, one + 100, 200), "before the release");
	ok(!box_run(box, "release 0"), "a release");
	ok(!box_run(box, "watched 0 %d", 4000 - 100) &&
	   box_gave_zeros(box, 4000 - 100), "wipes what was not spent");
	ok(!box_run(box, "release 0"), "a release of nothing is nothing");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	is_int(after.voided - before.voided, 3 * UNIT - 100,
	       "it is void, not given back");
	is_errno(box_run(box, "take 0 2 0 1"), ENOKEY, "to nobody");
	ok(!gone(id1), "the block is there while it is leased from");
	ok(!box_run(box, "release 1"), "the last release");
	ok(gone(id1), "is the end of the block");
	ok(until(!key_listed("tx:payload:") ||
		 keyctl_describe(key1, NULL, 0) < 0, 10), "and of its key");
	box_run(box, "release 2");
	ok(gone(id2), "and of the other");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	ok(!after.usable && !after.leased && !after.blocks, "the pool is empty");
}

static void spending(struct box *box)
{
	unsigned char bytes[2 * UNIT];
	qkd_id id;

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	box_run(box, "take 0 2 0 2");
	ok(!box_run(box, "watch 0") && !box_run(box, "watched 0 64") &&
	   box_gave(box, bytes, 64), "a lease");
	ok(!box_run(box, "spend 0 33") && !box_run(box, "watched 0 33") &&
	   box_gave_zeros(box, 33), "33 bytes spent are zero");
	ok(!box_run(box, "watched 33 64") && box_gave(box, bytes + 33, 64),
	   "the 34th is not");
	ok(!box_run(box, "spend 0 %d", UNIT - 33) &&
	   !box_run(box, "watched 0 4000") && box_gave_zeros(box, 4000) &&
	   !box_run(box, "watched %d 64", UNIT) &&
	   box_gave(box, bytes + UNIT, 64), "nor the next unit");
	ok(!box_run(box, "spend 0 %d", UNIT), "all is spent");
	ok(!gone(id), "the lease still holds the block");
	box_run(box, "release 0");
	ok(gone(id), "until it is released");
}

static void claiming(struct box *box)
{
	unsigned char bytes[6 * UNIT], other[UNIT];
	char text[UUID_TEXT], tag[UUID_TEXT];
	unsigned long long largest;
	struct pool pool;
	struct lease l;
	qkd_id id, loaded;

	payload_block(QKD_DIR_RX, id, bytes, sizeof(bytes));
	id_text(id, text);
	is_errno(box_run(box, "take 0 2 0 1"), ENOKEY,
		 "a block to receive with is not for sending");
	is_errno(box_run(box, "claim 0 3 0 %s 0 1", text), ENOENT,
		 "another peer's pool");
	is_errno(box_run(box, "claim 0 2 1 %s 0 1", text), ENOENT,
		 "another kind's pool");
	is_errno(box_run(box, "claim 0 2 0 %s 0 1", id_text(tx_tags, tag)),
		 ENOENT, "another direction's block");
	is_errno(box_run(box, "claim 0 2 0 %s 0 0", text), EINVAL, "no units");
	is_errno(box_run(box, "claim 0 2 0 %s 6 1", text), ERANGE,
		 "behind the end");
	is_errno(box_run(box, "claim 0 2 0 %s 5 2", text), ERANGE,
		 "over the end");
	is_errno(box_run(box, "claim 0 2 0 %s 1 4294967295", text), ERANGE,
		 "a range that wraps");
	is_errno(box_run(box, "claim 0 2 0 %s 4294967295 1", text), ERANGE,
		 "the last unit there can be");
	id_new(loaded);
	fill_random(other, sizeof(other));
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, loaded, other, UNIT);
	is_errno(box_run(box, "claim 0 2 0 %s 0 1", id_text(loaded, tag)),
		 ENOKEY, "a block that is not confirmed");
	block_void_now(nl, loaded);
	is_errno(box_run(box, "claim 0 2 0 %s 0 1", id_text(loaded, tag)),
		 ENOENT, "and one that is void");
	is_int(level(box, 2, QKD_DIR_RX, 0, NULL), 6 * UNIT,
	       "none of these claims anything");

	ok(!box_run(box, "claim 0 2 0 %s 2 2", text), "units 2 and 3");
	l = show(box, 0);
	ok(!strcmp(l.id, text) && l.first == 2 && l.units == 2 &&
	   l.len == 2 * UNIT, "are exactly these");
	ok(!box_run(box, "bytes 0 0 100") &&
	   box_gave(box, bytes + 2 * UNIT, 100), "and their bytes");
	is_errno(box_run(box, "claim 1 2 0 %s 2 2", text), EBUSY, "twice");
	is_errno(box_run(box, "claim 1 2 0 %s 3 1", text), EBUSY, "one of them");
	is_errno(box_run(box, "claim 1 2 0 %s 0 3", text), EBUSY,
		 "a range with one of them at its end");
	is_errno(box_run(box, "claim 1 2 0 %s 3 3", text), EBUSY,
		 "a range with one of them at its front");
	is_int(level(box, 2, QKD_DIR_RX, 0, &largest), 4 * UNIT,
	       "a claim is all or nothing");
	is_int(largest, 2 * UNIT, "two ranges of two are left");
	ok(!box_run(box, "claim 1 2 0 %s 4 2", text), "another order: 4 and 5");
	ok(!box_run(box, "claim 2 2 0 %s 0 1", text), "then 0");
	box_run(box, "release 0");
	is_errno(box_run(box, "claim 0 2 0 %s 2 1", text), EBUSY,
		 "released units are claimed for ever");
	ok(!box_run(box, "claim 3 2 0 %s 1 1", text), "the last one");
	box_run(box, "release 3");
	box_run(box, "release 2");
	ok(!gone(id), "while one lease is held the block is there");
	box_run(box, "release 1");
	ok(gone(id), "then it is gone");
	is_errno(box_run(box, "claim 0 2 0 %s 0 1", text), ENOENT,
		 "and cannot be claimed");
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &pool);
	ok(!pool.usable && !pool.leased && !pool.blocks, "the pool is empty");
}

static void slots(struct box *box)
{
	char text[UUID_TEXT], tx[UUID_TEXT];
	struct lease l;

	id_text(rx_tags, text);
	ok(!box_run(box, "peek 2 %s 64", text) &&
	   box_gave(box, rx_slots + 64 * SLOT, SLOT), "peeking at a slot");
	ok(!box_run(box, "peek 2 %s 511", text) &&
	   box_gave(box, rx_slots + 511 * SLOT, SLOT), "and the last one");
	ok(!box_run(box, "peek 2 %s 64", text), "moves nothing");
	is_errno(box_run(box, "peek 2 %s 63", text), EBUSY,
		 "run 0 is for confirmation");
	is_errno(box_run(box, "peek 2 %s 512", text), ERANGE, "no such slot");
	is_errno(box_run(box, "peek 2 %s 4294967295", text), ERANGE,
		 "nor the last there can be");
	is_errno(box_run(box, "peek 3 %s 64", text), ENOENT, "another peer");
	is_errno(box_run(box, "peek 2 %s 64", id_text(tx_tags, tx)), ENOENT,
		 "a block of the other direction");
	is_errno(box_run(box, "claim 0 2 1 %s 0 1", text), EBUSY,
		 "nor is run 0 claimed for records");
	ok(!box_run(box, "claim 0 2 1 %s 1 2", text), "runs 1 and 2");
	l = show(box, 0);
	is_int(l.len, 128 * SLOT, "are 128 slots");
	ok(!box_run(box, "bytes 0 0 %d", SLOT) &&
	   box_gave(box, rx_slots + 64 * SLOT, SLOT), "the first is slot 64");
	is_errno(box_run(box, "peek 2 %s 64", text), EBUSY,
		 "which nobody peeks at any more");
	ok(!box_run(box, "peek 2 %s 192", text), "but at run 3");
	is_errno(payload_confirm(nl, QKD_DIR_RX, rx_tags, rx_slots, 0, rx_tags,
				 rx_slots, 64), EINVAL,
		 "a tag block is not confirmed by a slot for records");
	box_run(box, "release 0");

	ok(!box_run(box, "take 0 2 1 1"), "a run to send with");
	l = show(box, 0);
	ok(!strcmp(l.id, tx) && l.first >= 1 && l.units == 1 && l.len == RUN,
	   "is not run 0");
	ok(!box_run(box, "bytes 0 0 %d", SLOT) &&
	   box_gave(box, tx_slots + l.first * RUN, SLOT), "and its slots");
	box_run(box, "release 0");
}

/* Slots that made and checked tags are zero; those that did not are not. */
static void slots_wiped(struct box *box)
{
	char text[UUID_TEXT];
	struct lease l;

	ok(!box_run(box, "claim 0 2 1 %s 7 1", id_text(rx_tags, text)) &&
	   !box_run(box, "watch 0"), "a run to look from");
	ok(!box_run(box, "watched %d %d", -7 * RUN, 2 * SLOT) &&
	   box_gave_zeros(box, 2 * SLOT), "rx: slots 0 and 1 are zero");
	ok(!box_run(box, "watched %d %d", -7 * RUN + 2 * SLOT,
		    (int)(rx_slot - 2) * SLOT) &&
	   box_gave_zeros(box, (rx_slot - 2) * SLOT),
	   "rx: %u slots that confirmed blocks are zero", rx_slot - 2);
	ok(!box_run(box, "watched %d %d", -7 * RUN + (int)rx_slot * SLOT,
		    SLOT) &&
	   box_gave(box, rx_slots + rx_slot * SLOT, SLOT),
	   "rx: the next is not");
	box_run(box, "release 0");

	ok(!box_run(box, "take 0 2 1 1") && !box_run(box, "watch 0"),
	   "a run to send with");
	l = show(box, 0);
	ok(!box_run(box, "watched %d %d", -(int)l.first * RUN, 3 * SLOT) &&
	   box_gave_zeros(box, 3 * SLOT), "tx: slots 0 to 2 are zero");
	ok(!box_run(box, "watched %d %d", -(int)l.first * RUN + 63 * SLOT,
		    SLOT) &&
	   box_gave(box, tx_slots + 63 * SLOT, SLOT), "tx: slot 63 is not");
	box_run(box, "release 0");
}

/* A slot of a run that is leased for records confirms nothing. */
static void slot_for_records(struct box *box)
{
	unsigned char bytes[UNIT];
	char text[UUID_TEXT];
	struct block block;
	qkd_id id;

	id_new(id);
	fill_random(bytes, sizeof(bytes));
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes, UNIT);
	ok(!box_run(box, "claim 0 2 1 %s 4 1", id_text(rx_tags, text)),
	   "a run for records");
	is_errno(payload_confirm(nl, QKD_DIR_RX, id, bytes, UNIT, rx_tags,
				 rx_slots, 4 * 64 + 3), EBUSY,
		 "confirms no block: \"%s\"", nl_text);
	ok(!payload_confirm(nl, QKD_DIR_RX, id, bytes, UNIT, rx_tags, rx_slots,
			    5 * 64 + 3), "a free run does");
	is_errno(box_run(box, "claim 1 2 1 %s 5 1", text), EBUSY,
		 "and is not for records from then on");
	is_errno(box_run(box, "peek 2 %s %d", text, 5 * 64 + 4), EBUSY,
		 "none of its slots");
	ok(!block_get(nl, id, &block) &&
	   block.state == QKD_BLOCK_STATE_USABLE, "the block is usable");
	block_void_now(nl, id);
	box_run(box, "release 0");
}

/* What becomes of leases when their block becomes void. */
static void dying(struct box *box, const char *how)
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
	if (!strcmp(how, "void-now"))
		ok(!block_void_now(nl, id), "%s", how);
	else if (!strcmp(how, "revoke"))
		ok(!keyctl_revoke(key), "%s", how);
	else
		ok(!keyctl_unlink(key, ring), "%s", how);
	ok(until(show(box, 0).dead, 10), "%s: the lease is dead", how);
	ok(!box_run(box, "bytes 0 10 100") &&
	   box_gave(box, bytes + UNIT + 10, 100),
	   "%s: its bytes are not wiped under its hands", how);
	ok(!box_run(box, "watch 0"), "%s: neighbours", how);
	ok(!box_run(box, "watched %d 200", UNIT - 10) &&
	   box_gave_zeros(box, 200), "%s: what nobody leases is", how);
	is_errno(box_run(box, "claim 1 2 0 %s 0 1", text), ENOKEY,
		 "%s: nothing more is leased", how);
	ok(!box_run(box, "spend 0 10"), "%s: the lease can be used up", how);
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &after);
	ok(after.usable == before.usable - 4 * UNIT &&
	   after.voided == before.voided + 3 * UNIT &&
	   after.leased == UNIT - 20 && after.spent == before.spent + 20,
	   "%s: the pool knows", how);
	ok(event_next(events, 5000, &event) &&
	   event.cmd == QKD_CMD_BLOCK_VOID && !memcmp(event.block.id, id, 16) &&
	   event.block.reason == (strcmp(how, "void-now") ?
				  QKD_VOID_REASON_REVOKED :
				  QKD_VOID_REASON_ADMIN),
	   "%s: block-void is raised", how);
	ring_get(nl, -1, &ring_info);
	before.spent = ring_info.loaded;
	ok(!box_run(box, "release 0"), "%s: the release", how);
	ring_get(nl, -1, &ring_info);
	is_int(before.spent - ring_info.loaded, 4 * UNIT,
	       "%s: frees the block", how);
	ok(!event_next(events, 200, &event), "%s: and raises nothing", how);
}

static void spent_event(struct box *box)
{
	unsigned char bytes[UNIT];
	struct event event;
	qkd_id id;

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	while (event_next(events, 50, &event))
		;
	box_run(box, "take 0 2 0 1");
	box_run(box, "spend 0 %d", UNIT);
	ok(!event_next(events, 200, &event), "no event while it is leased");
	box_run(box, "release 0");
	ok(event_next(events, 5000, &event) &&
	   event.cmd == QKD_CMD_BLOCK_VOID && !memcmp(event.block.id, id, 16) &&
	   event.block.reason == QKD_VOID_REASON_SPENT,
	   "a spent block is void, spent: the peer's may go too");
}

static int count_events(int cmd, int ms)
{
	struct event event;
	int n = 0;

	while (event_next(events, ms, &event))
		n += event.cmd == cmd;
	return n;
}

static void watermarks(struct box *box)
{
	unsigned char bytes[8 * UNIT];
	struct event event;
	struct pool pool;
	qkd_id id, id2;
	int told;

	ok(!pool_set(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, 5 * UNIT),
	   "a low watermark of 5 units");
	ok(!box_run(box, "wait 2 0 0"), "somebody waits for pad");
	count_events(0, 50);
	is_errno(box_run(box, "take 0 2 0 1"), ENOKEY, "nothing is there");
	ok(event_next(events, 5000, &event) && event.cmd == QKD_CMD_POOL_EMPTY &&
	   event.pool.peer == 2 && event.pool.dir == QKD_DIR_TX &&
	   event.pool.kind == QKD_KIND_PAYLOAD && event.pool.low == 5 * UNIT,
	   "pool-empty");
	box_run(box, "take 0 2 0 1");
	box_run(box, "take 0 2 0 1");
	is_int(count_events(QKD_CMD_POOL_EMPTY, 200), 0, "once");
	box_run(box, "told");
	is_str(box->answer, "0", "and nobody is told of pad");

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	ok(until((box_run(box, "told"), atoi(box->answer) > 0), 5),
	   "a confirmed block: he who waits is told");
	told = atoi(box->answer);
	is_int(told, 1, "once");
	is_int(count_events(QKD_CMD_POOL_LOW, 200), 0, "8 units are not low");
	box_run(box, "take 0 2 0 2");
	is_int(count_events(QKD_CMD_POOL_LOW, 200), 0, "nor 6");
	box_run(box, "take 1 2 0 1");
	ok(event_next(events, 5000, &event) && event.cmd == QKD_CMD_POOL_LOW &&
	   event.pool.usable + event.pool.pending == 5 * UNIT,
	   "5 are: pool-low");
	box_run(box, "take 2 2 0 1");
	is_int(count_events(QKD_CMD_POOL_LOW, 200), 0, "4 raise nothing more");
	box_run(box, "take 3 2 0 4");
	is_errno(box_run(box, "take 4 2 0 1"), ENOKEY, "all is taken");
	is_int(count_events(QKD_CMD_POOL_EMPTY, 200), 1,
	       "pool-empty again, since there was pad in between");

	id_new(id2);
	block_add(ring, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id2, bytes,
		  sizeof(bytes));
	block_void_now(nl, id2);
	is_int(count_events(QKD_CMD_POOL_LOW, 200), 1,
	       "pending bytes count: what becomes void raises pool-low");
	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &pool);
	is_int(pool.low, 5 * UNIT, "the watermark can be read");
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
	is_int(count_events(QKD_CMD_POOL_LOW, 200), 0,
	       "while 8 units are pending, 2 usable ones are not low");
	block_void_now(nl, id2);
	is_int(count_events(QKD_CMD_POOL_LOW, 200), 1,
	       "without them they are");
	box_run(box, "release 0");
	block_void_now(nl, id);
	pool_set(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, 0);
	payload_block(QKD_DIR_TX, id, bytes, UNIT);
	box_run(box, "take 0 2 0 1");
	box_run(box, "release 0");
	is_int(count_events(QKD_CMD_POOL_LOW, 200), 0, "no watermark, no event");
}

static void local(struct box *box)
{
	unsigned char bytes[2 * UNIT];
	struct pool before, after;
	qkd_id id1, id2;

	is_errno(box_run(box, "local 1"), EAGAIN, "no local randomness");
	id_new(id1);
	id_new(id2);
	fill_random(bytes, sizeof(bytes));
	block_add(ring, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id1, bytes, UNIT);
	block_add(ring, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id2, bytes + UNIT,
		  UNIT);
	pool_get(nl, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &before);
	is_int(before.usable, 2 * UNIT, "local blocks are usable at once");
	ok(!box_run(box, "local 100") && box_gave(box, bytes, 100),
	   "its first 100 bytes");
	ok(!box_run(box, "local 4000") && box_gave(box, bytes + 100, 4000),
	   "the next, over the end of a block");
	ok(gone(id1), "which is gone");
	is_errno(box_run(box, "local %d", 2 * UNIT - 4100 + 1), EAGAIN,
		 "one byte more than there is");
	pool_get(nl, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &after);
	ok(after.usable == 2 * UNIT - 4100 && after.spent == 4100 &&
	   after.largest == after.usable, "takes nothing");
	ok(!box_run(box, "local 4000") &&
	   box_gave(box, bytes + 4100, 4000) && !box_run(box, "local 92") &&
	   box_gave(box, bytes + 8100, 92), "the rest");
	ok(gone(id2), "and nothing is left");
	is_errno(box_run(box, "local 1"), EAGAIN, "of it");
	is_errno(box_run(box, "level 0 0 0"), EINVAL, "peer 0 sends nothing");
	is_errno(box_run(box, "level 5 2 0"), EINVAL, "local is no peer's");
	is_errno(box_run(box, "level 0 2 1"), EINVAL, "nor of kind tag");
}

/* Many take at once: no unit goes to two of them. */
static void racing(void)
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
	is_int(total, UNITS, "all units were taken");
	is_int(twice, 0, "none twice");
}

/* The namespace goes while leases are held. */
static void orphan(void)
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
	ok(!box_run(box, "claim 0 2 0 %s 0 1", id_text(block, id)),
	   "a lease in another namespace");
	snprintf(text, sizeof(text), "2:rx:payload:%s", id);
	ok(key_listed(text), "its key is listed");
	nl_close(nl);
	nl = old;
	ring = old_ring;
	ns_enter(home);
	close(ns);
	ok(until(show(box, 0).dead, 30), "the namespace goes: it is dead");
	ok(!box_run(box, "bytes 0 0 100") && box_gave(box, bytes, 100),
	   "its bytes are there");
	ok(until(!key_listed(text), 30), "the key is not");
	ok(!box_run(box, "spend 0 100") && !box_run(box, "release 0"),
	   "the lease is given back");
	box_close(box);
	close(home);
}

/* Beside the other modules, or where one is told. */
static int module_load(void)
{
	const char *dir = getenv("SSN_MODULES");
	char path[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s/" TEST_MODULE ".ko", dir ?: ".");
	fd = open(path, O_RDONLY);
	if (fd < 0)
		bail("%s: %s", path, strerror(errno));
	err = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return err;
}

int main(void)
{
	struct box *box;
	int home;

	if (module_load())
		bail("loading " TEST_MODULE ": %s", strerror(errno));
	home = ns_here();
	keyctl_join_session_keyring(NULL);
	close(ns_new());
	nl = nl_open(false);
	events = nl_open(true);
	ring = ring_serial(nl);
	keyctl_link(ring, KEY_SPEC_SESSION_KEYRING);
	tag_blocks();
	box = box_open();

	run_0(box);
	taking(box);
	spending(box);
	claiming(box);
	slots(box);
	slots_wiped(box);
	slot_for_records(box);
	dying(box, "void-now");
	dying(box, "revoke");
	dying(box, "unlink");
	spent_event(box);
	watermarks(box);
	local(box);
	racing();
	orphan();

	box_close(box);
	nl_close(nl);
	nl_close(events);
	ns_enter(home);
	ok(syscall(SYS_delete_module, TEST_MODULE, 0) == 0,
	   "the test's module can be unloaded");
	return tap_done();
}
