// SPDX-License-Identifier: GPL-2.0
/*
 * How much memory does a link take that is connected and at rest, and how much does
 * a pool take for a block of pad beyond the pad itself?
 *
 * Measured is what the kernel has allocated more (/proc/meminfo: Slab, VmallocUsed,
 * Percpu, KernelStack) when caches are dropped and the number stays, after many were
 * made beyond some that were there before. So all of it is in: sockets of both
 * families, files and inodes, queues, leases, keys, and what allocators round up. Both
 * ends of a link are in one guest here: the row is half of that, for one end. Pads of
 * links are not in it, as they are in the pools before. A block is a key: what one of
 * type "user" takes, with the same name and one byte, is in the line above the row.
 *
 * rows: mem/link mem/padblock
 */
#include <sys/resource.h>

#include "ssn_link_util.h"
#include "guest.h"

#define LINKS_FIRST	40
#define LINKS		600
#define BLOCKS_FIRST	1000
#define BLOCKS		8000

static void links_make(int n)
{
	while (n--)
		pair_new();
}

static void link_memory(void)
{
	double before, after;
	int i;

	/* what a connection leases at either end before it carries anything */
	for (i = 0; i < 2 + (LINKS_FIRST + LINKS) / 25; i++) {
		pads_payload(0, 0, BLOCK);
		pads_payload(0, 1, BLOCK);
	}
	for (i = 0; i < (LINKS_FIRST + LINKS) / 16; i++)
		pads_tags(0);
	links_make(LINKS_FIRST);
	before = memory_settled();
	links_make(LINKS);
	after = memory_settled();
	if (conns_at(0) != LINKS_FIRST + LINKS || conns_at(1) != LINKS_FIRST + LINKS)
		bail("not all links are connected");
	printf("mem/link\t%.0f\t-\t-\tbytes\n", (after - before) / LINKS / 2);
}

/* Names of 70 bytes or so, as blocks have */
static void keys_make(int ring, const char *type, int n)
{
	static unsigned char pad[UNIT];
	char text[UUID_TEXT], name[128];
	qkd_id id;

	while (n--) {
		id_new(id);
		fill_random(pad, sizeof(pad));
		snprintf(name, sizeof(name), "%u:tx:payload:%s", B,
			 id_text(id, text));
		if (add_key(type, name, pad, strcmp(type, "qkd") ? 1 : UNIT,
			    ring) < 0)
			bail("add_key of type %s: %s", type, strerror(errno));
	}
}

static double keys_memory(int ring, const char *type)
{
	double before, after;

	keys_make(ring, type, BLOCKS_FIRST);
	before = memory_settled();
	keys_make(ring, type, BLOCKS);
	after = memory_settled();
	return (after - before) / BLOCKS;
}

static void block_memory(void)
{
	int other = add_key("keyring", "bench", NULL, 0, KEY_SPEC_PROCESS_KEYRING);
	int ring = ring_serial(qkd_at[0]);
	double bare;

	bare = keys_memory(other, "user");
	bench_say("mem: a key of type user with 1 byte takes %.0f bytes", bare);
	printf("mem/padblock\t%.0f\t-\t-\tbytes\n", keys_memory(ring, "qkd") - UNIT);
}

int main(int argc, char **argv)
{
	struct rlimit files = { 4096, 4096 };

	bench_begin(argc, argv);
	setrlimit(RLIMIT_NOFILE, &files);
	link_network(B);
	if (bench_wanted("mem/link"))
		link_memory();
	if (bench_wanted("mem/padblock"))
		block_memory();
	return 0;
}
