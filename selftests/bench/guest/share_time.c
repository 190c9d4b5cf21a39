// SPDX-License-Identifier: GPL-2.0
/*
 * How long does it take to store with five shareholders, any 3 of which give it back,
 * against plain TCP that sends the same to five receivers, five times as much? Five
 * receivers in a network namespace each, which throw away what comes; the time ends
 * when all five have all of it. Pads are loaded and connections stand before the
 * clock starts. GB/s are of what is stored, once.
 *
 * rows: share_3_5/tcp5
 */
#include <netinet/tcp.h>

#include "ssn_share_util.h"
#include "guest.h"

#define TURNS		11
#define MESSAGE		(1UL << 20)
#define MESSAGES	16
#define TOTAL		(MESSAGES * MESSAGE)
#define TCP_PORT	9000

static uint8_t data[MESSAGE];
static int done[2];		/* a byte from each receiver that has all */
static int tcp[MEMBERS];

/* Takes TOTAL bytes, says so, and begins again */
static void receive(int fd)
{
	uint8_t *room = malloc(MESSAGE);
	size_t left;
	ssize_t n;

	for (;;) {
		for (left = TOTAL; left; left -= n) {
			n = recv(fd, room, left < MESSAGE ? left : MESSAGE, 0);
			if (n <= 0)
				_exit(1);
		}
		if (write(done[1], "", 1) != 1)
			_exit(1);
	}
}

/* In the member's namespace: one connection of a kind */
static void listener_child(int i, int domain, int protocol, const void *addr,
			   socklen_t len)
{
	int type = protocol ? SOCK_SEQPACKET : SOCK_STREAM;
	int fd, ready[2];
	char byte;

	if (pipe(ready))
		bail("pipe: %s", strerror(errno));
	if (fork()) {
		if (read(ready[0], &byte, 1) != 1)
			bail("receiver %d does not listen", i);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ns_enter(member_ns[i]);
	fd = socket(domain, type, protocol);
	if (fd < 0 || bind(fd, addr, len) || listen(fd, 1) ||
	    write(ready[1], "", 1) != 1)
		_exit(1);
	receive(accept(fd, NULL, NULL));
}

static void receivers_begin(void)
{
	struct sockaddr_ssn ssn = {
		.ssn_family = family, .ssn_service = SSN_SERVICE_AS,
	};
	struct sockaddr_in sin;
	int i;

	for (i = 0; i < MEMBERS; i++) {
		listener_child(i, family, SSNPROTO_LINK, &ssn, sizeof(ssn));
		sin = address(NODE(i));
		sin.sin_port = htons(TCP_PORT);
		listener_child(i, AF_INET, 0, &sin, sizeof(sin));
		tcp[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(tcp[i], (void *)&sin, sizeof(sin)))
			bail("connecting to %d: %s", i, strerror(errno));
	}
}

static void wait_for_all(void)
{
	struct pollfd p = { .fd = done[0], .events = POLLIN };
	char bytes[MEMBERS];
	int n = 0;

	while (n < MEMBERS) {
		if (poll(&p, 1, 60000) != 1)
			bail("only %d of %d receivers have all", n, MEMBERS);
		n += read(done[0], bytes, sizeof(bytes) - n);
	}
}

static void send_shares(int fd, uint64_t deal)
{
	struct ssn_share head;
	int i;

	for (i = 0; i < (int)MESSAGES; i++) {
		head = head_of(deal, i);
		if (put(fd, &head, data, MESSAGE, 0) != (ssize_t)MESSAGE)
			bail("storing: %s", strerror(errno));
	}
}

static void send_tcp(void)
{
	int i, j;
	size_t sent;
	ssize_t n;

	for (i = 0; i < (int)MESSAGES; i++)
		for (j = 0; j < MEMBERS; j++)
			for (sent = 0; sent < MESSAGE; sent += n) {
				n = send(tcp[j], data + sent, MESSAGE - sent, 0);
				if (n < 0)
					bail("sending: %s", strerror(errno));
			}
}

static void pads_turn(void)
{
	int i, blocks;

	npads_loaded = 0;
	for (i = 0; i < MEMBERS; i++) {
		pads_tags(i);
		for (blocks = TOTAL / BLOCK + 1; blocks; blocks--)
			pads_payload(i, 0, BLOCK);
	}
}

int main(int argc, char **argv)
{
	double ours[TURNS], peer[TURNS];
	struct guest_clock of_ours = {}, of_peer = {};
	int fd, i, second;

	bench_begin(argc, argv);
	fill_random(data, sizeof(data));
	share_network(1);
	if (pipe(done))
		bail("pipe: %s", strerror(errno));
	receivers_begin();
	fd = share_to(GROUP);
	for (i = 0; i < MEMBERS; i++)
		if (!until(member_state(fd, i) == SSN_MEMBER_LIVE, 20))
			bail("member %d is not there", i);
	pads_turn();
	send_shares(fd, 1);
	wait_for_all();
	for (i = 0; i < TURNS; i++) {
		pads_turn();
		/* who is first changes */
		for (second = 0; second < 2; second++) {
			if ((i + second) % 2) {
				clock_start(&of_peer);
				send_tcp();
				wait_for_all();
				clock_stop(&of_peer);
				peer[i] = TOTAL / (now() - of_peer.from) / 1e9;
			} else {
				clock_start(&of_ours);
				send_shares(fd, 2 + i);
				wait_for_all();
				clock_stop(&of_ours);
				ours[i] = TOTAL / (now() - of_ours.from) / 1e9;
			}
		}
	}
	bench_say("share_3_5: the processor was idle %.1f %% of our time, %.1f %% of "
		  "TCP's", 100 * of_ours.slept / of_ours.wall,
		  100 * of_peer.slept / of_peer.wall);
	printf("share_3_5/tcp5\t%.3f\t%.3f\t%.2f\tGB/s\n", middle(ours, TURNS),
	       middle(peer, TURNS), middle_ratio(ours, peer, TURNS));
	return 0;
}
