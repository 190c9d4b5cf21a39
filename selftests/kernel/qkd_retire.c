// SPDX-License-Identifier: GPL-2.0
/*
 * block-retire: the other end has used its copy of a block up. What nobody has
 * claimed here is wiped, and the slots kept for confirmation; leases, behind which
 * stand records that nobody has read yet, go on as if nothing had happened.
 */
#include "qkd_util.h"

#define TEST_MODULE	"qkd_lease_test"

static struct nl *nl, *events;
static int ring, box;
static char answer[16384];
static qkd_id tx_tags, rx_tags;
static unsigned char tx_slots[8 * RUN], rx_slots[8 * RUN];
static uint32_t rx_slot = 2;		/* of the peer's, for confirmations */

/* A command to the module; its answer in hexadecimal, or text. */
__attribute__((format(printf, 1, 2)))
static int run(const char *fmt, ...)
{
	char line[128];
	ssize_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	answer[0] = '\0';
	if (write(box, line, strlen(line)) < 0)
		return -1;
	n = read(box, answer, sizeof(answer) - 1);
	answer[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -1 : 0;
}

static bool gave(const unsigned char *bytes, size_t len)
{
	char hex[3];
	size_t i;

	for (i = 0; i < len; i++) {
		snprintf(hex, sizeof(hex), "%02x", bytes[i]);
		if (memcmp(answer + 2 * i, hex, 2))
			return false;
	}
	return strlen(answer) == 2 * len;
}

static bool gave_zeros(size_t len)
{
	return strlen(answer) == 2 * len && strspn(answer, "0") == 2 * len;
}

/* Whether lease @n is alive. */
static bool alive(int n)
{
	unsigned int dead = 1;

	return !run("show %d", n) &&
	       sscanf(answer, "%*s %*u %*u %*u %*u %u", &dead) == 1 && !dead;
}

static int block_retire(const qkd_id id)
{
	char buf[1024];

	return nl_talk(nl, block_start(nl, buf, QKD_CMD_BLOCK_RETIRE, id), NULL,
		       NULL);
}

static bool gone(const qkd_id id)
{
	struct block block;

	return block_get(nl, id, &block) && errno == ENOENT;
}

/* A block-void event about that block, or NULL; others are passed over. */
static const struct event *voided(const qkd_id id, int ms)
{
	static struct event event;

	while (event_next(events, ms, &event))
		if (event.cmd == QKD_CMD_BLOCK_VOID &&
		    !memcmp(event.block.id, id, 16))
			return &event;
	return NULL;
}

static void tag_block(int dir, qkd_id id, unsigned char *slots, size_t len)
{
	id_new(id);
	fill_random(slots, len);
	if (block_add(ring, 2, dir, QKD_KIND_TAG, id, slots, len) < 0 ||
	    tag_block_confirm(nl, dir, id, slots, len))
		bail("tag block: %s (%s)", strerror(errno), nl_text);
}

static void payload_block(int dir, qkd_id id, unsigned char *bytes, size_t len)
{
	id_new(id);
	fill_random(bytes, len);
	if (block_add(ring, 2, dir, QKD_KIND_PAYLOAD, id, bytes, len) < 0 ||
	    payload_confirm(nl, dir, id, bytes, len, rx_tags, rx_slots, rx_slot++))
		bail("payload block: %s (%s)", strerror(errno), nl_text);
}

FIXTURE(box) {
};

FIXTURE_SETUP(box)
{
	if (module_load(TEST_MODULE) && errno != EEXIST)
		bail("loading " TEST_MODULE ": %s", strerror(errno));
	ns_new();
	nl = nl_open(false);
	events = nl_open(true);
	ring = ring_serial(nl);
	box = open("/proc/" TEST_MODULE, O_RDWR | O_CLOEXEC);
	if (box < 0)
		bail("/proc/" TEST_MODULE ": %s", strerror(errno));
	tag_block(QKD_DIR_TX, tx_tags, tx_slots, sizeof(tx_slots));
	tag_block(QKD_DIR_RX, rx_tags, rx_slots, sizeof(rx_slots));
}

FIXTURE_TEARDOWN(box)
{
	close(box);
	nl_close(events);
	nl_close(nl);
	EXPECT_EQ(0, module_unload(TEST_MODULE));
}

TEST_F(box, refused)
{
	unsigned char bytes[UNIT];
	struct pool before, after;
	qkd_id id;

	id_new(id);
	EXPECT_EQ(ENOENT, error_of(block_retire(id)))
		TH_LOG("a block that was never loaded");
	fill_random(bytes, sizeof(bytes));
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes, UNIT);
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &before);
	EXPECT_EQ(ENOKEY, error_of(block_retire(id)))
		TH_LOG("one that is not confirmed");
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &after);
	EXPECT_TRUE(before.pending == UNIT && after.pending == UNIT)
		TH_LOG("which stays as it is");
	block_void_now(nl, id);
	EXPECT_EQ(ENOENT, error_of(block_retire(id)))
		TH_LOG("one that is void");
	id_new(id);
	block_add(ring, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id, bytes, UNIT);
	EXPECT_EQ(EINVAL, error_of(block_retire(id)))
		TH_LOG("a local one");
	block_void_now(nl, id);
}

TEST_F(box, unread_records)
{
	unsigned char bytes[6 * UNIT];
	struct pool before, after;
	const struct event *event;
	struct block block;
	char text[UUID_TEXT];
	qkd_id id;

	payload_block(QKD_DIR_RX, id, bytes, sizeof(bytes));
	EXPECT_TRUE(!run("claim 0 2 0 %s 1 1", id_text(id, text)) &&
		    !run("spend 0 10") && !run("watch 0"))
		TH_LOG("a lease that records came with");
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &before);
	EXPECT_EQ(0, block_retire(id))
		TH_LOG("the sender has used the block up");
	EXPECT_TRUE(alive(0))
		TH_LOG("the lease is alive");
	EXPECT_TRUE(!run("bytes 0 10 200") && gave(bytes + UNIT + 10, 200))
		TH_LOG("and has its bytes");
	EXPECT_TRUE(!run("watched %d 200", -UNIT - 10) && gave_zeros(200) &&
		    !run("watched %d 200", UNIT - 10) && gave_zeros(200) &&
		    !run("watched %d 200", 5 * UNIT - 10 - 200) &&
		    gave_zeros(200))
		TH_LOG("what nobody claimed is zero, before and behind");
	EXPECT_EQ(EBUSY, error_of(run("claim 1 2 0 %s 0 1", text)))
		TH_LOG("and nobody's any more");
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &after);
	EXPECT_TRUE(after.usable == before.usable - 5 * UNIT &&
		    after.voided == before.voided + 5 * UNIT &&
		    after.leased == before.leased &&
		    after.blocks == before.blocks)
		TH_LOG("the pool knows");
	EXPECT_TRUE(!block_get(nl, id, &block) && block.usable == 0 &&
		    block.state == QKD_BLOCK_STATE_USABLE)
		TH_LOG("the block is there, and empty");
	EXPECT_EQ(EALREADY, error_of(block_retire(id)))
		TH_LOG("which is not said twice");
	EXPECT_EQ(0, voided(id, 200))
		TH_LOG("nothing is told yet");
	EXPECT_EQ(0, run("spend 0 %d", UNIT - 10))
		TH_LOG("the records are read");
	run("release 0");
	EXPECT_TRUE(gone(id))
		TH_LOG("with that the block is gone");
	event = voided(id, 5000);
	EXPECT_TRUE(event && event->block.reason == QKD_VOID_REASON_SPENT)
		TH_LOG("it is spent");

	payload_block(QKD_DIR_RX, id, bytes, sizeof(bytes));
	EXPECT_TRUE(!block_retire(id) && gone(id))
		TH_LOG("without a lease it is gone at once");
	event = voided(id, 5000);
	EXPECT_TRUE(event && event->block.reason == QKD_VOID_REASON_SPENT)
		TH_LOG("spent too");
	EXPECT_EQ(EEXIST,
		  error_of(block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id,
		  bytes, sizeof(bytes))))
		TH_LOG("and is not loaded again");
}

TEST_F(box, kept_slots)
{
	unsigned char slots[4 * RUN], bytes[UNIT];
	char text[UUID_TEXT];
	qkd_id id, with;

	tag_block(QKD_DIR_RX, with, slots, sizeof(slots));
	id_text(with, text);
	EXPECT_TRUE(!run("claim 0 2 1 %s 2 1", text) && !run("watch 0") &&
		    !run("watched %d %d", -2 * RUN + 3 * SLOT, SLOT) &&
		    gave(slots + 3 * SLOT, SLOT))
		TH_LOG("a slot kept for confirmation");
	EXPECT_EQ(0, block_retire(with))
		TH_LOG("the sender has used the tag block up");
	EXPECT_TRUE(!run("watched %d %d", -2 * RUN, RUN) && gave_zeros(RUN))
		TH_LOG("its kept slots are zero");
	EXPECT_TRUE(!run("watched %d %d", -RUN, RUN) && gave_zeros(RUN))
		TH_LOG("and so is the run that nobody claimed");
	EXPECT_TRUE(alive(0) && !run("bytes 0 0 %d", RUN) &&
		    gave(slots + 2 * RUN, RUN))
		TH_LOG("the leased run is not");
	EXPECT_EQ(EBUSY, error_of(run("peek 2 %s 64", text)))
		TH_LOG("no slot is looked at");
	EXPECT_EQ(EBUSY, error_of(run("claim 1 2 1 %s 1 1", text)))
		TH_LOG("no run is claimed");
	id_new(id);
	fill_random(bytes, sizeof(bytes));
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes, UNIT);
	EXPECT_EQ(EBUSY,
		  error_of(payload_confirm(nl, QKD_DIR_RX, id, bytes, UNIT,
		  with, slots, 3)))
		TH_LOG("a kept slot confirms nothing: \"%s\"", nl_text);
	memset(slots, 0, sizeof(slots));
	EXPECT_EQ(EBUSY,
		  error_of(payload_confirm(nl, QKD_DIR_RX, id, bytes, UNIT,
		  with, slots, 3)))
		TH_LOG("nor does the zero it is now");
	block_void_now(nl, id);
	run("release 0");
	EXPECT_TRUE(gone(with))
		TH_LOG("the last lease takes the block along");
}

/* For a receiver that has lost its copy: the sender's leases go on. */
TEST_F(box, sending)
{
	unsigned char bytes[3 * UNIT];
	qkd_id id;

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	EXPECT_EQ(0, run("take 0 2 0 1"))
		TH_LOG("a lease to send with");
	EXPECT_EQ(0, block_retire(id))
		TH_LOG("no more of the block");
	EXPECT_EQ(ENOKEY, error_of(run("take 1 2 0 1")))
		TH_LOG("nothing is leased");
	EXPECT_TRUE(alive(0) && !run("bytes 0 0 100") && gave(bytes, 100))
		TH_LOG("but what was");
	run("release 0");
	EXPECT_TRUE(gone(id))
		TH_LOG("until it is released");

	EXPECT_TRUE(!run("take 0 2 1 1") && !block_retire(tx_tags))
		TH_LOG("no more of the tags");
	EXPECT_EQ(ENOKEY, error_of(run("take 1 2 1 1")))
		TH_LOG("no run is leased");
	id_new(id);
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes, sizeof(bytes));
	EXPECT_EQ(ENOKEY, error_of(block_tag(nl, id, &(struct confirmation){})))
		TH_LOG("and no slot for a confirmation");
	block_void_now(nl, id);
	run("release 0");
	EXPECT_TRUE(gone(tx_tags))
		TH_LOG("until the last lease");
}

TEST_HARNESS_MAIN
