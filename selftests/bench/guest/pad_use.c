// SPDX-License-Identifier: GPL-2.0
/*
 * How much pad does a link use for a byte that it carries, in messages of 64 KiB,
 * which are a record each? Counted is what the kernel says it used to send, slots for
 * tags included, and those for the records that announce the next pad. What a
 * connection has leased when it ends is lost with it: that is in the line above the
 * row, since it is once for each connection, however much it carried. The peer is a
 * bare one-time pad without tags, by definition 1.
 *
 * rows: pad/payload_64k
 */
#include "ssn_link_util.h"
#include "guest.h"

#define MESSAGE		65536
#define MESSAGES	512
#define BLOCKS		(MESSAGES * MESSAGE / BLOCK + 2)

static uint8_t data[MESSAGE];

static uint64_t usable(void)
{
	struct pool pad, tag;

	if (pool_get(qkd_at[0], B, QKD_DIR_TX, QKD_KIND_PAYLOAD, &pad) ||
	    pool_get(qkd_at[0], B, QKD_DIR_TX, QKD_KIND_TAG, &tag))
		bail("pool-get: %s (%s)", strerror(errno), nl_text);
	return pad.usable + tag.usable;
}

int main(int argc, char **argv)
{
	uint64_t used, bytes, had, lost;
	struct pair p;
	int i;

	bench_begin(argc, argv);
	fill_random(data, sizeof(data));
	link_network(B);
	for (i = 0; i < BLOCKS; i++)
		pads_payload(0, 0, BLOCK);
	had = usable();
	used = count_at(0, SSN_A_COUNTERS_TX_PAD_BYTES);
	bytes = count_at(0, SSN_A_COUNTERS_TX_BYTES);
	p = pair_new();
	for (i = 0; i < MESSAGES; i++)
		if (send(p.a, data, MESSAGE, 0) != MESSAGE ||
		    recv(p.b, data, MESSAGE, 0) != MESSAGE)
			bail("message %d: %s", i, strerror(errno));
	pair_end(p);
	if (!until(!conns_at(0) && !conns_at(1), 20))
		bail("connections stay");
	used = count_at(0, SSN_A_COUNTERS_TX_PAD_BYTES) - used;
	bytes = count_at(0, SSN_A_COUNTERS_TX_BYTES) - bytes;
	if (bytes != (uint64_t)MESSAGES * MESSAGE)
		bail("%llu bytes carried", (unsigned long long)bytes);
	lost = had - usable() - used;
	bench_say("pad: %d MiB carried, %llu bytes of pad used; %llu more were leased "
		  "and void when the connection ended", MESSAGES * MESSAGE >> 20,
		  (unsigned long long)used, (unsigned long long)lost);
	printf("pad/payload_64k\t%.5f\t%.5f\t%.5f\tB/B\n", (double)used / bytes, 1.0,
	       (double)bytes / used);
	return 0;
}
