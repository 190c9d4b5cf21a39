// SPDX-License-Identifier: GPL-2.0
/*
 * How many bytes cross the wire for a byte that is stored through a share socket
 * with any 3 of 5 shareholders? Counted is the payload of all TCP connections, both
 * ways, from the first HELLO to the last CLOSE, as the nodes' kernels hand it to TCP:
 * heads, tags, announcements of pad and shares. What the cable has more than that
 * (Ethernet, IP and TCP heads, acknowledgements) is in the line above the row.
 * Ours is the default, pad-as-share: the pads of 2 members are their shares, and
 * n - k + 1 = 3 shares travel. The peer is the same socket with coefficients from
 * the kernel's generator: all 5 travel.
 *
 * And how many random bytes does the sender draw for its shares' coefficients, for
 * each stored, beside pads that both ends use up anyway? The same two.
 *
 * rows: wire/stored_3_5 random/stored_3_5
 */
#include "ssn_share_util.h"
#include "guest.h"

#define MESSAGES	16

static uint8_t data[SSN_MSG_MAX];

/* What all nodes handed to TCP */
static uint64_t wire_bytes(void)
{
	uint64_t sum = 0;
	int at;

	for (at = 0; at <= MEMBERS; at++)
		sum += count_at(at, SSN_A_COUNTERS_TX_WIRE_BYTES);
	return sum;
}

/* Bytes of all frames on the members' cables, both ways */
static uint64_t frame_bytes(void)
{
	unsigned long long rx, tx, sum = 0;
	FILE *f = fopen("/proc/thread-self/net/dev", "r");
	char line[512];
	int i;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " m%d: %llu %*u %*u %*u %*u %*u %*u %*u %llu",
			   &i, &rx, &tx) == 3)
			sum += rx + tx;
	if (!sum)
		bail("no cables in /proc/net/dev");
	fclose(f);
	return sum;
}

/* What is used for each byte that is stored */
struct use {
	double wire, random;
};

/* One object, from connecting to closing */
static struct use put_object(uint64_t deal, int coeff, const char *mode)
{
	const double stored = (double)MESSAGES * SSN_MSG_MAX;
	uint64_t wire = wire_bytes(), frames = frame_bytes();
	uint64_t random = count_at(0, SSN_A_COUNTERS_COEFF_BYTES);
	int fd = share_to(GROUP), i;
	struct ssn_share head;

	if (set_option(fd, SSN_COEFF, coeff))
		bail("%s: %s", mode, strerror(errno));
	for (i = 0; i < MEMBERS; i++)
		if (!until(member_state(fd, i) == SSN_MEMBER_LIVE, 20))
			bail("member %d is not there", i);
	for (i = 0; i < MESSAGES; i++) {
		head = head_of(deal, i);
		if (put(fd, &head, data, sizeof(data), 0) != sizeof(data))
			bail("%s: storing: %s", mode, strerror(errno));
	}
	close(fd);
	if (!until(!conns(), 20))
		bail("connections stay");
	wire = wire_bytes() - wire;
	frames = frame_bytes() - frames;
	random = count_at(0, SSN_A_COUNTERS_COEFF_BYTES) - random;
	bench_say("wire: %s: %.0f MiB stored, %llu bytes given to TCP, %llu in "
		  "frames of at most 1514 bytes (%.4f for each stored)", mode,
		  stored / (1 << 20), (unsigned long long)wire,
		  (unsigned long long)frames, frames / stored);
	return (struct use){ wire / stored, random / stored };
}

int main(int argc, char **argv)
{
	struct use ours, peer;
	int i;

	bench_begin(argc, argv);
	fill_random(data, sizeof(data));
	members_begin(0);
	/* frames as a cable has them, not what the kernel splits late */
	ip("link set br0 gso_max_segs 1\n");
	for (i = 0; i < MEMBERS; i++)
		pads_more(i, 2 * MESSAGES + 4);
	ours = put_object(7919, SSN_COEFF_PAD, "pad-as-share");
	peer = put_object(7927, SSN_COEFF_CRNG, "generator");
	if (bench_wanted("wire/stored_3_5"))
		printf("wire/stored_3_5\t%.4f\t%.4f\t%.2f\tB/B\n", ours.wire,
		       peer.wire, peer.wire / ours.wire);
	if (bench_wanted("random/stored_3_5"))
		printf("random/stored_3_5\t%.4f\t%.4f\t-\tB/B\n", ours.random,
		       peer.random);
	members_end();
	return 0;
}
