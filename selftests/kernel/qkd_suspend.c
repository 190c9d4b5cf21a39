// SPDX-License-Identifier: GPL-2.0
/*
 * A machine that sleeps keeps no pads. Freezes all tasks, which is the first
 * step of a suspend, and goes no further.
 *
 * kernels: debian
 */
#include "qkd_util.h"

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool good;

	good = fd >= 0 && write(fd, text, strlen(text)) > 0;
	if (fd >= 0)
		close(fd);
	return good;
}

TEST(suspend)
{
	int home = ns_here(), ns, i, found = 0;
	unsigned char bytes[UNIT];
	struct nl *nl[2], *events;
	struct block block;
	struct event event;
	struct ring ring;
	qkd_id id[2];

	if (!write_file("/sys/power/pm_test", "freezer"))
		SKIP(return, "this kernel has no /sys/power/pm_test");

	fill_random(bytes, sizeof(bytes));
	ns = ns_new();
	nl[0] = nl_open(false);
	events = nl_open(true);
	id_new(id[0]);
	block_add(ring_serial(nl[0]), 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id[0],
		  bytes, UNIT);
	ns_enter(home);
	nl[1] = nl_open(false);
	id_new(id[1]);
	block_add(ring_serial(nl[1]), 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id[1],
		  bytes, UNIT);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, block_get(nl[i], id[i], &block))
			TH_LOG("a block in namespace %d", i);
	}

	EXPECT_TRUE(write_file("/sys/power/state", "freeze"))
		TH_LOG("the machine sleeps");
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(ENOENT, error_of(block_get(nl[i], id[i], &block)))
			TH_LOG("namespace %d has none: \"%s\"", i, nl_text);
		EXPECT_TRUE(!ring_get(nl[i], -1, &ring) && !ring.loaded)
			TH_LOG("nothing is in memory");
	}
	while (!found && event_next(events, 5000, &event))
		found = event.cmd == QKD_CMD_BLOCK_VOID &&
			!memcmp(event.block.id, id[0], 16) &&
			event.block.reason == QKD_VOID_REASON_STATE_LOSS;
	EXPECT_TRUE(found)
		TH_LOG("block-void says state-loss");
	write_file("/sys/power/pm_test", "none");
	close(ns);
}

TEST_HARNESS_MAIN
