// SPDX-License-Identifier: GPL-2.0
/*
 * block-retire: the other end has used its copy of a block up. What nobody has
 * claimed here is wiped, and the slots kept for confirmation; leases, behind which
 * stand records that nobody has read yet, go on as if nothing had happened.
 */
#include <sys/syscall.h>

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

static void refused(void)
{
	unsigned char bytes[UNIT];
	struct pool before, after;
	qkd_id id;

	id_new(id);
	is_errno(block_retire(id), ENOENT, "a block that was never loaded");
	fill_random(bytes, sizeof(bytes));
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes, UNIT);
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &before);
	is_errno(block_retire(id), ENOKEY, "one that is not confirmed");
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &after);
	ok(before.pending == UNIT && after.pending == UNIT, "which stays as it is");
	block_void_now(nl, id);
	is_errno(block_retire(id), ENOENT, "one that is void");
	id_new(id);
	block_add(ring, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id, bytes, UNIT);
	is_errno(block_retire(id), EINVAL, "a local one");
	block_void_now(nl, id);
}

static void unread_records(void)
{
	unsigned char bytes[6 * UNIT];
	struct pool before, after;
	const struct event *event;
	struct block block;
	char text[UUID_TEXT];
	qkd_id id;

	payload_block(QKD_DIR_RX, id, bytes, sizeof(bytes));
	ok(!run("claim 0 2 0 %s 1 1", id_text(id, text)) && !run("spend 0 10") &&
	   !run("watch 0"), "a lease that records came with");
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &before);
	ok(!block_retire(id), "the sender has used the block up");
	ok(alive(0), "the lease is alive");
	ok(!run("bytes 0 10 200") && gave(bytes + UNIT + 10, 200),
	   "and has its bytes");
	ok(!run("watched %d 200", -UNIT - 10) && gave_zeros(200) &&
	   !run("watched %d 200", UNIT - 10) && gave_zeros(200) &&
	   !run("watched %d 200", 5 * UNIT - 10 - 200) && gave_zeros(200),
	   "what nobody claimed is zero, before and behind");
	is_errno(run("claim 1 2 0 %s 0 1", text), EBUSY, "and nobody's any more");
	pool_get(nl, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, &after);
	ok(after.usable == before.usable - 5 * UNIT &&
	   after.voided == before.voided + 5 * UNIT &&
	   after.leased == before.leased && after.blocks == before.blocks,
	   "the pool knows");
	ok(!block_get(nl, id, &block) && block.usable == 0 &&
	   block.state == QKD_BLOCK_STATE_USABLE, "the block is there, and empty");
	is_errno(block_retire(id), EALREADY, "which is not said twice");
	ok(!voided(id, 200), "nothing is told yet");
	ok(!run("spend 0 %d", UNIT - 10), "the records are read");
	run("release 0");
	ok(gone(id), "with that the block is gone");
	event = voided(id, 5000);
	ok(event && event->block.reason == QKD_VOID_REASON_SPENT, "it is spent");

	payload_block(QKD_DIR_RX, id, bytes, sizeof(bytes));
	ok(!block_retire(id) && gone(id), "without a lease it is gone at once");
	event = voided(id, 5000);
	ok(event && event->block.reason == QKD_VOID_REASON_SPENT, "spent too");
	is_errno(block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes,
			   sizeof(bytes)), EEXIST, "and is not loaded again");
}

static void kept_slots(void)
{
	unsigned char slots[4 * RUN], bytes[UNIT];
	char text[UUID_TEXT];
	qkd_id id, with;

	tag_block(QKD_DIR_RX, with, slots, sizeof(slots));
	id_text(with, text);
	ok(!run("claim 0 2 1 %s 2 1", text) && !run("watch 0") &&
	   !run("watched %d %d", -2 * RUN + 3 * SLOT, SLOT) &&
	   gave(slots + 3 * SLOT, SLOT), "a slot kept for confirmation");
	ok(!block_retire(with), "the sender has used the tag block up");
	ok(!run("watched %d %d", -2 * RUN, RUN) && gave_zeros(RUN),
	   "its kept slots are zero");
	ok(!run("watched %d %d", -RUN, RUN) && gave_zeros(RUN),
	   "and so is the run that nobody claimed");
	ok(alive(0) && !run("bytes 0 0 %d", RUN) && gave(slots + 2 * RUN, RUN),
	   "the leased run is not");
	is_errno(run("peek 2 %s 64", text), EBUSY, "no slot is looked at");
	is_errno(run("claim 1 2 1 %s 1 1", text), EBUSY, "no run is claimed");
	id_new(id);
	fill_random(bytes, sizeof(bytes));
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes, UNIT);
	is_errno(payload_confirm(nl, QKD_DIR_RX, id, bytes, UNIT, with, slots, 3),
		 EBUSY, "a kept slot confirms nothing: \"%s\"", nl_text);
	memset(slots, 0, sizeof(slots));
	is_errno(payload_confirm(nl, QKD_DIR_RX, id, bytes, UNIT, with, slots, 3),
		 EBUSY, "nor does the zero it is now");
	block_void_now(nl, id);
	run("release 0");
	ok(gone(with), "the last lease takes the block along");
}

/* For a receiver that has lost its copy: the sender's leases go on. */
static void sending(void)
{
	unsigned char bytes[3 * UNIT];
	qkd_id id;

	payload_block(QKD_DIR_TX, id, bytes, sizeof(bytes));
	ok(!run("take 0 2 0 1"), "a lease to send with");
	ok(!block_retire(id), "no more of the block");
	is_errno(run("take 1 2 0 1"), ENOKEY, "nothing is leased");
	ok(alive(0) && !run("bytes 0 0 100") && gave(bytes, 100), "but what was");
	run("release 0");
	ok(gone(id), "until it is released");

	ok(!run("take 0 2 1 1") && !block_retire(tx_tags), "no more of the tags");
	is_errno(run("take 1 2 1 1"), ENOKEY, "no run is leased");
	id_new(id);
	block_add(ring, 2, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes, sizeof(bytes));
	is_errno(block_tag(nl, id, &(struct confirmation){}), ENOKEY,
		 "and no slot for a confirmation");
	block_void_now(nl, id);
	run("release 0");
	ok(gone(tx_tags), "until the last lease");
}

static void load_module(void)
{
	const char *dir = getenv("SSN_MODULES");
	char path[512];
	int fd;

	if (!access("/proc/" TEST_MODULE, F_OK))
		return;
	snprintf(path, sizeof(path), "%s/%s.ko", dir ?: ".", TEST_MODULE);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		bail("%s: %s", path, strerror(errno));
	close(fd);
}

int main(void)
{
	load_module();
	ns_new();
	nl = nl_open(false);
	events = nl_open(true);
	ring = ring_serial(nl);
	box = open("/proc/" TEST_MODULE, O_RDWR);
	if (box < 0)
		bail("/proc/" TEST_MODULE ": %s", strerror(errno));
	tag_block(QKD_DIR_TX, tx_tags, tx_slots, sizeof(tx_slots));
	tag_block(QKD_DIR_RX, rx_tags, rx_slots, sizeof(rx_slots));

	refused();
	unread_records();
	kept_slots();
	sending();

	close(box);
	nl_close(events);
	nl_close(nl);
	if (syscall(SYS_delete_module, TEST_MODULE, 0))
		bail("rmmod " TEST_MODULE ": %s", strerror(errno));
	return tap_done();
}
