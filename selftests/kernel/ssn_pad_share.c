// SPDX-License-Identifier: GPL-2.0
// kernels: uml-debug uml debian
// timeout: 300
/*
 * Pad-as-share: of n shares, k - 1 are pad that both ends hold already, and only
 * n - k + 1 travel. What crosses the wire is read from the dealer's bridge.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include "shamir.h"
#include "ssn_share_util.h"

#define ALL	((1U << MEMBERS) - 1)
#define HEADS	4096	/* at most: heads, leases and tags of a member's records */

static uint8_t data[SSN_MSG_MAX], got[SSN_MSG_MAX];
static uint64_t deals;

static struct ssn_share next_head(void)
{
	return head_of(++deals * 7919, 0);
}

/* --- the wire */

/* TCP's sequence numbers of what the dealer sends: retransmissions count once */
struct flow {
	uint16_t port;
	uint32_t first, end;
};

static struct flow flows[MEMBERS][16];
static int tap_fd;

static void wire_open(void)
{
	/* all protocols: a socket for one does not see what is sent */
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("br0"),
	};
	int size = 64 << 20;

	tap_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (tap_fd < 0 || bind(tap_fd, (void *)&ll, sizeof(ll)))
		bail("packet socket: %s", strerror(errno));
	setsockopt(tap_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static void packet_count(const uint8_t *p, size_t len)
{
	const struct iphdr *ip = (const void *)p;
	const struct tcphdr *tcp = (const void *)(p + ip->ihl * 4);
	struct flow *f;
	uint32_t seq, end;
	int i;

	if (len < sizeof(*ip) + sizeof(*tcp) || ip->version != 4 ||
	    ip->protocol != IPPROTO_TCP || ntohl(ip->saddr) != 0x0a090001)
		return;
	i = (int)(ntohl(ip->daddr) & 0xff) - NODE(0);
	if (i < 0 || i >= MEMBERS)
		return;
	for (f = flows[i]; f->port && f->port != tcp->source; f++)
		;
	if (f == flows[i] + 16)
		bail("more connections than the test has");
	seq = ntohl(tcp->seq) + tcp->syn;
	end = seq + ntohs(ip->tot_len) - ip->ihl * 4 - tcp->doff * 4;
	if (!f->port) {
		f->port = tcp->source;
		f->first = f->end = seq;
	}
	if ((int32_t)(end - f->end) > 0)
		f->end = end;
}

/* Bytes of TCP's streams from the dealer to each member since the last call */
static void wire_bytes(uint64_t *bytes)
{
	static uint8_t packet[1 << 17];
	struct tpacket_stats lost = {};
	socklen_t size = sizeof(lost);
	struct flow *f;
	ssize_t len;
	int i;

	while ((len = recv(tap_fd, packet, sizeof(packet), 0)) >= 0)
		packet_count(packet, len);
	getsockopt(tap_fd, SOL_PACKET, PACKET_STATISTICS, &lost, &size);
	if (lost.tp_drops)
		bail("%u packets were not captured", lost.tp_drops);
	for (i = 0; i < MEMBERS; i++) {
		bytes[i] = 0;
		for (f = flows[i]; f < flows[i] + 16 && f->port; f++) {
			bytes[i] += f->end - f->first;
			f->first = f->end;
		}
	}
}

/* Every member has taken in what it was sent, so it has crossed the wire */
static bool settled(int fd)
{
	struct ssn_share head;
	int i, pongs = 0;

	if (tell(fd, 0, "ping"))
		return false;
	for (i = 0; i < MEMBERS; i++)
		pongs += take(fd, &head, got, sizeof(got), 0) == 4;
	return pongs == MEMBERS;
}

FIXTURE(share) {
	int fd;
};

FIXTURE_SETUP(share)
{
	members_begin(4);
	wire_open();
	self->fd = share_to(GROUP);
}

FIXTURE_TEARDOWN(share)
{
	close(self->fd);
	members_end();
}

/* --- */

static bool comes(int fd, size_t len)
{
	struct ssn_share head;
	ssize_t ret = take(fd, &head, got, sizeof(got), 0);

	if (ret != (ssize_t)len) {
		diag("got %zd (%s), want %zu", ret, strerror(errno), len);
		return false;
	}
	return !memcmp(got, data, len) && head.provenance == SSN_COEFF_PAD;
}

/* Which members a message of @len bytes travelled to; -1 for a wrong size */
static int payload_to(const uint64_t *bytes, size_t len)
{
	int i, set = 0;

	for (i = 0; i < MEMBERS; i++) {
		if (bytes[i] >= len && bytes[i] <= len + HEADS)
			set |= 1 << i;
		else if (bytes[i] > HEADS)
			return -1;
	}
	return set;
}

TEST_F(share, travels)
{
	int fd = self->fd;
	const size_t len = 300001;
	uint64_t bytes[MEMBERS], pad[MEMBERS], total = 0;
	uint64_t drawn = count_at(0, SSN_A_COUNTERS_COEFF_BYTES);
	int i, m, set, good = 0, even[MEMBERS] = {}, exact = 0;
	struct ssn_share head = next_head();

	fill_random(data, len);
	tell(fd, 0, "forget");
	settled(fd);
	wire_bytes(bytes);
	for (i = 0; i < MEMBERS; i++)
		pad[i] = counter(NODE(i), SSN_A_COUNTERS_TX_PAD_BYTES);
	for (m = 0; m < MEMBERS; m++) {
		head.message = m;
		if (put(fd, &head, data, len, 0) != (ssize_t)len)
			bail("put: %s", strerror(errno));
		settled(fd);
		wire_bytes(bytes);
		set = payload_to(bytes, len);
		good += set >= 0 && __builtin_popcount(set) == MEMBERS - K + 1;
		for (i = 0; i < MEMBERS; i++) {
			total += bytes[i];
			even[i] += set >> i & 1;
		}
	}
	EXPECT_EQ(MEMBERS, good)
		TH_LOG("a message travels to n - k + 1 members, each time");
	for (good = i = 0; i < MEMBERS; i++)
		good += even[i] == MEMBERS - K + 1;
	EXPECT_EQ(MEMBERS, good)
		TH_LOG("which they are goes round: all carry the same");
	EXPECT_LE(total, MEMBERS * (len * 3 + 5 * 2048))
		TH_LOG("on the wire: %.4f L, n - k + 1 is 3",
		       (double)total / (MEMBERS * len));
	for (i = 0; i < MEMBERS; i++) {
		pad[i] = counter(NODE(i), SSN_A_COUNTERS_TX_PAD_BYTES) - pad[i];
		exact += pad[i] >= MEMBERS * len &&
			 pad[i] <= MEMBERS * (len + 2048);
	}
	EXPECT_EQ(MEMBERS, exact)
		TH_LOG("all members' pads are used alike");
	EXPECT_EQ(drawn, count_at(0, SSN_A_COUNTERS_COEFF_BYTES))
		TH_LOG("not a random byte is drawn beside the pads");
	tell(fd, 0, "play 0 5");
	for (good = m = 0; m < MEMBERS; m++)
		good += comes(fd, len);
	EXPECT_EQ(MEMBERS, good)
		TH_LOG("all come back");
}

/* Whoever adopted, any k give it */
TEST_F(share, subsets)
{
	int fd = self->fd;
	static const size_t size[] = { 1, 4097, 65537, 262145 };
	unsigned int set, i, s, good = 0, want = 0;

	for (s = 0; s < sizeof(size) / sizeof(*size); s++) {
		struct ssn_share head = next_head();

		tell(fd, 0, "forget");
		fill_random(data, size[s]);
		put(fd, &head, data, size[s], 0);
		for (set = 0; set <= ALL; set++) {
			if (__builtin_popcount(set) != K)
				continue;
			set_xset(fd, SSN_READ_SET, set);
			for (i = 0; i < MEMBERS; i++)
				if (set >> i & 1)
					tell(fd, X(i), "play 0 1");
			good += comes(fd, size[s]);
			want++;
		}
	}
	EXPECT_EQ(want, good)
		TH_LOG("each 3 of 5 give messages of each size");
	set_xset(fd, SSN_READ_SET, ALL);
}

/* Not even equal data gives equal shares, and none is the data */
TEST_F(share, fresh)
{
	int fd = self->fd;
	static uint8_t share[2][MEMBERS][8192];
	struct ssn_share head = next_head(), back;
	unsigned int i, m, equal = 0, plain = 0;
	const size_t len = sizeof(share[0][0]);
	size_t j;

	memset(data, 0x5a, len);
	tell(fd, 0, "forget");
	set_option(fd, SSN_RAW_SHARES, 1);
	for (m = 0; m < 2; m++) {
		head.message = m;
		put(fd, &head, data, len, 0);
		tell(fd, 0, m ? "play 1 2" : "play 0 1");
		for (i = 0; i < MEMBERS; i++) {
			uint8_t *to = got;

			if (take(fd, &back, to, len, 0) != (ssize_t)len)
				bail("a share: %s", strerror(errno));
			memcpy(share[m][back.x - X(0)], to, len);
		}
	}
	set_option(fd, SSN_RAW_SHARES, 0);
	for (i = 0; i < MEMBERS; i++) {
		equal += !memcmp(share[0][i], share[1][i], 64);
		equal += !memcmp(share[0][i], share[0][i] + 4096, 64);
		for (j = 0; j < len; j++)
			plain += share[0][i][j] == 0x5a;
	}
	EXPECT_EQ(0, equal)
		TH_LOG("equal data, other shares: other pad each time");
	/* 40960 uniform bytes: 160 expected, 12.6 the standard deviation */
	EXPECT_LT(plain, 290)
		TH_LOG("shares are not the data: %u bytes in common", plain);
}

/*
 * k = n = 3: two adopt, one is sent to, and each takes its turn. The pads of those
 * two whose turn it is next become void: then no interpolated byte may leave.
 */
TEST_F(share, none_leaves)
{
	struct ssn_share head = next_head();
	struct ssn_member row[MEMBERS];
	struct ssn_share back;
	uint64_t bytes[MEMBERS];
	const size_t len = 20000;
	int fd, i, to = 0;

	if (group_set(9, 1, 3, 3, NULL))
		bail("group-set: %s (%s)", strerror(errno), nl_text);
	fd = share_to(9);
	wire_bytes(bytes);
	/* leases are held from now on, enough for the next message */
	EXPECT_EQ((long long)len, put(fd, &head, data, len, 0))
		TH_LOG("three of three");
	for (i = 0; i < 3; i++) {
		tell(fd, X(i), "ping");
		take(fd, &back, got, sizeof(got), 0);
	}
	wire_bytes(bytes);
	for (i = 0; i < 3; i++)
		if (bytes[i] >= len)
			to = (i + 1) % 3;
	for (i = 0; i < 3; i++)
		if (i != to)
			pads_void(i);
	head.message = 1;
	EXPECT_EQ(ECOMM, error_of(put(fd, &head, data, len, 0)))
		TH_LOG("who should adopt has no pad any more: dealt to nobody");
	/* the third one answers behind whatever it was sent */
	members_of(fd, row);
	tell(fd, X(to), "ping");
	EXPECT_TRUE(until(take(fd, &back, got, sizeof(got), MSG_DONTWAIT) == 4,
		    20))
		TH_LOG("the third is still there");
	wire_bytes(bytes);
	EXPECT_LT(bytes[to], len)
		TH_LOG("and no interpolated byte has left");
	close(fd);
	group_del(9);
}

TEST_HARNESS_MAIN
