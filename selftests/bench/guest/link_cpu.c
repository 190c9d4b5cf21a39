// SPDX-License-Identifier: GPL-2.0
/*
 * How much does a link carry for a second of processor time of both its ends,
 * against TCP, kTLS (AES-256-GCM, TLS 1.3) and WireGuard over the same cable?
 * Messages of 1 MiB, one way, from one network namespace to another; the receiver
 * copies them out and throws them away. A connection of each stands before the first
 * turn. The link's pads are loaded before the clock starts, at both ends: a fresh
 * byte of pad for each byte. TLS has its keys by then, and WireGuard its handshake.
 *
 * rows: link_cpu/tcp link_cpu/ktls link_cpu/wireguard
 */
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>

#include "ssn_link_util.h"
#include "guest.h"

#define TURNS		15
#define MESSAGE		(1UL << 20)
#define MESSAGES	40	/* of the link in a turn, for which pad is loaded */
#define WG_A		"10.8.0.1"
#define WG_B		"10.8.0.2"

/* A connection, and a thread that receives what is sent over it */
struct way {
	const char	*name;		/* as in the row's */
	int		a, b;		/* sends, receives */
	unsigned int	messages;	/* in a turn */
	int		start, done;	/* eventfd: bytes to receive; received */
	pthread_t	thread;
	double		rate[TURNS];	/* GB per processor second */
	struct guest_clock clock;
};

static uint8_t data[MESSAGE];

/* An error, or a stream that ends, ends the program. */
static void *receiver(void *arg)
{
	struct way *w = arg;
	uint8_t *room = malloc(MESSAGE);
	uint64_t left;
	ssize_t n;

	while (read(w->start, &left, sizeof(left)) == sizeof(left)) {
		while (left) {
			n = recv(w->b, room, left < MESSAGE ? left : MESSAGE, 0);
			if (n <= 0) {
				fprintf(stderr, "%s: receiving: %s\n", w->name,
					n ? strerror(errno) : "it ended");
				exit(1);
			}
			left -= n;
		}
		left = 1;
		if (write(w->done, &left, sizeof(left)) != sizeof(left))
			bail("eventfd: %s", strerror(errno));
	}
	return NULL;
}

static void way_begin(struct way *w)
{
	w->start = eventfd(0, 0);
	w->done = eventfd(0, 0);
	if (pthread_create(&w->thread, NULL, receiver, w))
		bail("a thread: %s", strerror(errno));
}

/* Sends @messages and waits until they are there. */
static void carry(struct way *w, unsigned int messages)
{
	uint64_t bytes = messages * MESSAGE, one;
	size_t sent;
	ssize_t n;

	if (write(w->start, &bytes, sizeof(bytes)) != sizeof(bytes))
		bail("eventfd: %s", strerror(errno));
	while (messages--)
		for (sent = 0; sent < MESSAGE; sent += n) {
			n = send(w->a, data + sent, MESSAGE - sent, MSG_NOSIGNAL);
			if (n < 0)
				bail("%s: sending: %s", w->name, strerror(errno));
		}
	if (read(w->done, &one, sizeof(one)) != sizeof(one))
		bail("eventfd: %s", strerror(errno));
}

static void turn(struct way *w, unsigned int i)
{
	clock_start(&w->clock);
	carry(w, w->messages);
	w->rate[i] = w->messages * MESSAGE / clock_stop(&w->clock) / 1e9;
}

/* Pad for one turn of the link, and slots for its records */
static void pads_turn(void)
{
	int blocks = (MESSAGES * MESSAGE + BLOCK - 1) / BLOCK;

	npads_loaded = 0;
	pads_tags(0);
	while (blocks--)
		pads_payload(0, 0, BLOCK);
}

static void tcp_connect(struct way *w, const char *host)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(9000),
		.sin_addr.s_addr = inet_addr(host),
	};
	int l, one = 1;

	ns_enter(member_ns[0]);
	l = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l, (void *)&sin, sizeof(sin)) || listen(l, 1))
		bail("listening at %s: %s", host, strerror(errno));
	ns_enter(here);
	w->a = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(w->a, (void *)&sin, sizeof(sin)))
		bail("connecting to %s: %s", host, strerror(errno));
	w->b = accept(l, NULL, NULL);
	close(l);
}

static int tls_set(int fd, int direction, int key)
{
	struct tls12_crypto_info_aes_gcm_256 info = {
		.info.version = TLS_1_3_VERSION,
		.info.cipher_type = TLS_CIPHER_AES_GCM_256,
	};

	memset(info.key, key, sizeof(info.key));
	memset(info.salt, key + 1, sizeof(info.salt));
	memset(info.iv, key + 2, sizeof(info.iv));
	return setsockopt(fd, SOL_TLS, direction, &info, sizeof(info));
}

static bool tls_begin(struct way *w)
{
	int one = 1;

	tcp_connect(w, "10.9.0.11");
	if (setsockopt(w->a, SOL_TCP, TCP_ULP, "tls", 4) ||
	    setsockopt(w->b, SOL_TCP, TCP_ULP, "tls", 4) ||
	    tls_set(w->a, TLS_TX, 0x10) || tls_set(w->b, TLS_RX, 0x10) ||
	    tls_set(w->b, TLS_TX, 0x20) || tls_set(w->a, TLS_RX, 0x20)) {
		bench_say("no kTLS in this kernel (%s): it needs CONFIG_TLS",
			  strerror(errno));
		return false;
	}
	/* what it decrypts goes straight to the reader: its fastest way */
	setsockopt(w->b, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &one, sizeof(one));
	return true;
}

/* Commands of the shell in one of the two namespaces; whether they went well */
static bool shell_in(int ns, const char *command)
{
	int status;

	ns_enter(ns);
	status = system(command);
	ns_enter(here);
	return !status;
}

static bool wireguard_begin(struct way *w)
{
	if (system("command -v wg >/dev/null")) {
		bench_say("no wg: install the package wireguard-tools");
		return false;
	}
	if (!shell_in(here, "ip link add wg0 type wireguard 2>/dev/null")) {
		bench_say("no WireGuard in this kernel: it needs CONFIG_WIREGUARD");
		return false;
	}
	if (!shell_in(member_ns[0], "ip link add wg0 type wireguard") ||
	    !shell_in(here, "umask 077 && cd /run && for e in a b; do "
		      "wg genkey > bench.$e && wg pubkey < bench.$e > bench.$e.pub;"
		      "done") ||
	    !shell_in(here, "wg set wg0 private-key /run/bench.a listen-port 51820 "
		      "peer $(cat /run/bench.b.pub) allowed-ips " WG_B "/32 "
		      "endpoint 10.9.0.11:51820 && "
		      "ip addr add " WG_A "/24 dev wg0 && ip link set wg0 up") ||
	    !shell_in(member_ns[0], "wg set wg0 private-key /run/bench.b "
		      "listen-port 51820 peer $(cat /run/bench.a.pub) "
		      "allowed-ips " WG_A "/32 endpoint 10.9.0.1:51820 && "
		      "ip addr add " WG_B "/24 dev wg0 && ip link set wg0 up"))
		bail("WireGuard could not be set up");
	tcp_connect(w, WG_B);
	return true;
}

static void ssn_begin(struct way *w)
{
	struct pair p;

	pads_turn();
	p = pair_new();
	w->a = p.a;
	w->b = p.b;
}

int main(int argc, char **argv)
{
	struct way ways[] = {
		{ .name = "ssn", .messages = MESSAGES },
		{ .name = "tcp", .messages = 256 },
		{ .name = "ktls", .messages = 128 },
		{ .name = "wireguard", .messages = 32 },
	};
	unsigned int nr = sizeof(ways) / sizeof(*ways), i, j;
	bool there[4] = { true }, absent[4] = {};
	struct way *ours = ways, *w;
	char row[64];

	bench_begin(argc, argv);
	fill_random(data, sizeof(data));
	link_network(B);
	ssn_begin(ours);
	for (i = 1; i < nr; i++) {
		snprintf(row, sizeof(row), "link_cpu/%s", ways[i].name);
		if (!bench_wanted(row))
			continue;
		there[i] = i == 1 ? (tcp_connect(&ways[i], "10.9.0.11"), true) :
			   i == 2 ? tls_begin(&ways[i]) : wireguard_begin(&ways[i]);
		absent[i] = !there[i];
	}
	for (i = 0; i < nr; i++)
		if (there[i]) {
			way_begin(&ways[i]);
			carry(&ways[i], 16);
		}
	for (i = 0; i < TURNS; i++)
		for (j = 0; j < nr; j++) {
			w = &ways[(i + j) % nr];
			if (w == ours)
				pads_turn();
			if (there[w - ways])
				turn(w, i);
		}
	for (i = 0; i < nr; i++)
		if (there[i])
			bench_say("link_cpu: %s: %.2f GB/s by the clock, "
				  "processor idle %.1f %% of it",
				  ways[i].name, ways[i].messages * MESSAGE *
				  TURNS / ways[i].clock.wall / 1e9,
				  100 * ways[i].clock.slept / ways[i].clock.wall);
	for (i = 1; i < nr; i++)
		if (there[i])
			printf("link_cpu/%s\t%.2f\t%.2f\t%.2f\tGB/CPU s\n",
			       ways[i].name, middle(ours->rate, TURNS),
			       middle(ways[i].rate, TURNS),
			       middle_ratio(ours->rate, ways[i].rate, TURNS));
		else if (absent[i])
			printf("link_cpu/%s\t%.2f\tmissing\tmissing\tGB/CPU s\n",
			       ways[i].name, middle(ours->rate, TURNS));
	return 0;
}
