// SPDX-License-Identifier: GPL-2.0
/*
 * wirescan: does a file's content cross a network in clear?
 *
 *	wirescan INTERFACE FILE...
 *
 * It looks into every frame on the interface until SIGTERM or SIGINT, then prints
 * {"frames": N, "bytes": N, "lost": N, "found": N} and ends with 0 if nothing
 * was found and no frame was lost, 1 if something was found, 2 if it cannot say.
 *
 * Whoever sends 31 bytes or more of a file sends one of its 16-byte blocks whole:
 * all of them are looked for at every offset. Blocks with fewer than 6 different
 * bytes (runs of zeros) are left out: headers have such too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK		16
#define DISTINCT	6
#define FRAME_MAX	(1 << 17)	/* with segmentation offload, 64 KiB and a head */
#define QUEUE		(64 << 20)	/* bytes that may wait for us */
#define FILTER_BITS	24

/* Blocks in an open hash table; a bitmap of their first 3 bytes before it. */
struct blocks {
	const uint8_t **slot;
	uint32_t mask;
	size_t count;
	uint8_t filter[1 << (FILTER_BITS - 3)];
};

static struct blocks blocks;
static volatile sig_atomic_t over;

static void on_signal(int sig)
{
	over = 1;
}

static int fail(const char *what)
{
	fprintf(stderr, "wirescan: %s: %s\n", what, strerror(errno));
	return 2;
}

static uint32_t first3(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16;
}

static uint32_t hash(const uint8_t *p)
{
	uint64_t a, b;

	memcpy(&a, p, 8);
	memcpy(&b, p + 8, 8);
	return (a * 0x9e3779b97f4a7c15ULL ^ b * 0xc2b2ae3d27d4eb4fULL) >> 32;
}

static int telling(const uint8_t *p)
{
	uint8_t seen[32] = { 0 };
	int i, n = 0;

	for (i = 0; i < BLOCK; i++) {
		n += !(seen[p[i] >> 3] & 1 << (p[i] & 7));
		seen[p[i] >> 3] |= 1 << (p[i] & 7);
	}
	return n >= DISTINCT;
}

static int has_block(const uint8_t *p)
{
	uint32_t at = first3(p), i;

	if (!(blocks.filter[at >> 3] & 1 << (at & 7)))
		return 0;
	for (i = hash(p) & blocks.mask; blocks.slot[i]; i = (i + 1) & blocks.mask)
		if (!memcmp(blocks.slot[i], p, BLOCK))
			return 1;
	return 0;
}

static void add_block(const uint8_t *p)
{
	uint32_t at = first3(p), i;

	if (!telling(p) || has_block(p))
		return;
	blocks.filter[at >> 3] |= 1 << (at & 7);
	for (i = hash(p) & blocks.mask; blocks.slot[i]; i = (i + 1) & blocks.mask)
		;
	blocks.slot[i] = p;
	blocks.count++;
}

/* Maps the files for good, and makes a table for all their blocks. */
static int add_files(char **path)
{
	const uint8_t *map[16];
	size_t size[16], total = 0, at;
	struct stat st;
	int i, n, fd;

	for (n = 0; path[n]; n++) {
		if (n == 16) {
			fputs("wirescan: more than 16 files\n", stderr);
			return 2;
		}
		fd = open(path[n], O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st))
			return fail(path[n]);
		size[n] = st.st_size;
		map[n] = size[n] ? mmap(NULL, size[n], PROT_READ, MAP_PRIVATE,
					fd, 0) : NULL;
		if (map[n] == MAP_FAILED)
			return fail(path[n]);
		close(fd);
		total += size[n];
	}
	for (blocks.mask = 1023; blocks.mask < total / BLOCK * 2; )
		blocks.mask = blocks.mask << 1 | 1;
	blocks.slot = calloc(blocks.mask + 1, sizeof(*blocks.slot));
	if (!blocks.slot)
		return fail("memory");
	for (i = 0; i < n; i++)
		for (at = 0; at + BLOCK <= size[i]; at += BLOCK)
			add_block(map[i] + at);
	if (blocks.count)
		return 0;
	fputs("wirescan: the files have no block that tells them apart\n",
	      stderr);
	return 2;
}

static int listen_on(const char *interface)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(interface),
	};
	struct packet_mreq all = {
		.mr_ifindex = addr.sll_ifindex,
		.mr_type = PACKET_MR_PROMISC,
	};
	/* a signal may come just before recv() */
	struct timeval poll = { .tv_usec = 200000 };
	int queue = QUEUE, fd;

	if (!addr.sll_ifindex)
		return -1;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof(queue)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &poll, sizeof(poll)) ||
	    bind(fd, (void *)&addr, sizeof(addr)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all,
		       sizeof(all))) {
		close(fd);
		return -1;
	}
	return fd;
}

static uint64_t look(const uint8_t *frame, size_t len)
{
	uint64_t found = 0;
	size_t at = 0;

	while (at + BLOCK <= len) {
		if (has_block(frame + at)) {
			found++;
			at += BLOCK;
		} else {
			at++;
		}
	}
	return found;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal };
	uint64_t frames = 0, bytes = 0, found = 0;
	static uint8_t frame[FRAME_MAX];
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);
	int fd, status;

	if (argc < 3) {
		fputs("usage: wirescan INTERFACE FILE...\n", stderr);
		return 2;
	}
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	status = add_files(argv + 2);
	if (status)
		return status;
	fd = listen_on(argv[1]);
	if (fd < 0)
		return fail(argv[1]);
	fprintf(stderr, "wirescan: ready, %zu blocks\n", blocks.count);
	for (;;) {
		/* what came before the signal is looked at too */
		ssize_t n = recv(fd, frame, sizeof(frame),
				 over ? MSG_DONTWAIT : 0);

		if (n < 0 && over)
			break;
		if (n < 0 && errno != EINTR && errno != ENETDOWN &&
		    errno != EAGAIN)
			return fail(argv[1]);
		if (n <= 0)
			continue;
		frames++;
		bytes += n;
		found += look(frame, n);
	}
	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
	printf("{\"frames\": %llu, \"bytes\": %llu, \"lost\": %u, \"found\": %llu}\n",
	       (unsigned long long)frames, (unsigned long long)bytes,
	       stats.tp_drops, (unsigned long long)found);
	if (fflush(stdout))
		return fail("output");
	return found ? 1 : stats.tp_drops ? 2 : 0;
}
