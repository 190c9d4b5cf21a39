// SPDX-License-Identifier: GPL-2.0
// kernels: uml-debug uml debian
// timeout: 300
/*
 * Link sockets between two nodes: messages, errors, pad that runs out.
 */
#include <sys/prctl.h>

#include "ssn_link_util.h"

static uint8_t data[SSN_MSG_MAX + 1], got[SSN_MSG_MAX + 1];

static bool goes(int from, int to, size_t len)
{
	fill_random(data, len);
	memset(got, 0, len);
	return send(from, data, len, MSG_NOSIGNAL) == (ssize_t)len &&
	       recv(to, got, sizeof(got), 0) == (ssize_t)len &&
	       !memcmp(data, got, len);
}

/* Two nodes without pad for messages */
FIXTURE(bare) {
};

FIXTURE_SETUP(bare)
{
	link_network(B);
}

FIXTURE_TEARDOWN(bare)
{
}

/* With some each way */
FIXTURE(link) {
};

FIXTURE_SETUP(link)
{
	int i;

	link_network(B);
	for (i = 0; i < 2; i++) {
		pad_more(0, BLOCK);
		pad_more(1, BLOCK);
	}
}

FIXTURE_TEARDOWN(link)
{
}

/* One pad block each way comes as an administrator would load it by hand. */
TEST_F(bare, keyctl_padd)
{
	static unsigned char bytes[64 * UNIT];
	char file[] = "/tmp/ssn_link.XXXXXX", cmd[256], text[UUID_TEXT];
	int fd = mkstemp(file), at;
	qkd_id id;

	id_new(id);
	fill_random(bytes, sizeof(bytes));
	if (write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
		bail("%s: %s", file, strerror(errno));
	close(fd);
	for (at = 0; at < 2; at++) {
		ns_enter(at ? member_ns[0] : here);
		snprintf(cmd, sizeof(cmd),
			 "keyctl padd qkd %d:%s:payload:%s %d <%s >/dev/null",
			 at ? DEALER : B, at ? "rx" : "tx", id_text(id, text),
			 ring_serial(qkd_at[at]), file);
		EXPECT_EQ(0, system(cmd))
			TH_LOG("keyctl padd at %s", at ? "b" : "a");
	}
	ns_enter(here);
	unlink(file);
	know(id, bytes, sizeof(bytes));
	EXPECT_EQ(ENOKEY, link_to(link_socket(), B, SERVICE) ? errno : 0)
		TH_LOG("not confirmed, it is no pad: ENOKEY");
	EXPECT_EQ(0, pad_confirm(id))
		TH_LOG("the kernels confirm it to each other");
}

TEST_F(link, sizes)
{
	static const size_t len[] = {
		0, 1, 15, 16, 4095, 4096, 65535, 65536, 65537, SSN_MSG_MAX,
	};
	struct pair p = pair_new();
	unsigned int i;

	for (i = 0; i < sizeof(len) / sizeof(*len); i++) {
		EXPECT_TRUE(goes(p.a, p.b, len[i]))
			TH_LOG("%zu bytes there", len[i]);
		EXPECT_TRUE(goes(p.b, p.a, len[i]))
			TH_LOG("%zu bytes back", len[i]);
	}
	EXPECT_EQ(EMSGSIZE, error_of(send(p.a, data, SSN_MSG_MAX + 1, 0)))
		TH_LOG("a byte more: EMSGSIZE");
	EXPECT_TRUE(goes(p.a, p.b, 3))
		TH_LOG("and the connection goes on");
	pair_end(p);
}

TEST_F(link, who)
{
	struct pair p = pair_new();
	struct sockaddr_ssn addr = {};
	struct ssn_peer_info info = {};
	socklen_t len = sizeof(addr), size = sizeof(info);

	EXPECT_TRUE(!getpeername(p.b, (void *)&addr, &len) &&
		    addr.ssn_node == DEALER && addr.ssn_family == family)
		TH_LOG("getpeername: the node that connected");
	EXPECT_TRUE(!getpeername(p.a, (void *)&addr, &len) &&
		    addr.ssn_node == B && addr.ssn_service == SERVICE)
		TH_LOG("and the other one");
	EXPECT_TRUE(!getsockopt(p.b, SOL_SSN, SSN_PEER, &info, &size) &&
		    info.node == DEALER && info.role == SSN_ROLE_SSA &&
		    info.service == SERVICE && info.suite == SSN_SUITE_OTP &&
		    !info.group)
		TH_LOG("SSN_PEER");
	pair_end(p);
}

TEST_F(link, shares)
{
	struct pair p = pair_new();
	struct ssn_share head = {
		.group = 1, .generation = 2, .scheme = 1, .k = 3, .n = 5,
		.x = 6, .flags = SSN_SHARE_CONTROL, .provenance = 7,
		.epoch = 1ULL << 40 | 8, .deal = 9, .message = 10,
		.object = "0123456789abcde", .version = 11, .segment = 12,
	}, back;

	fill_random(data, 70000);
	EXPECT_EQ(70000, put(p.a, &head, data, 70000, 0))
		TH_LOG("a message with a head");
	EXPECT_EQ(70000, take(p.b, &back, got, sizeof(got), 0))
		TH_LOG("comes");
	EXPECT_TRUE(!memcmp(&head, &back, sizeof(head)) &&
		    !memcmp(data, got, 70000))
		TH_LOG("as it was, every field of the head");
	EXPECT_EQ(0, put(p.b, &head, data, 0, 0))
		TH_LOG("a head with an empty message");
	EXPECT_EQ(0, take(p.a, &back, got, sizeof(got), 0))
		TH_LOG("comes");
	EXPECT_EQ(12, back.segment)
		TH_LOG("with its head");
	head.flags = 2;
	EXPECT_EQ(EINVAL, error_of(put(p.a, &head, data, 1, 0)))
		TH_LOG("an unknown flag: EINVAL");
	pair_end(p);
}

/* Faults lose nothing; room that is short is told. */
TEST_F(link, faults)
{
	char *none = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	struct pair p = pair_new();
	struct iovec iov[2] = { { data, 5000 }, { none, 5000 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	EXPECT_EQ(EFAULT, error_of(sendmsg(p.a, &msg, 0)))
		TH_LOG("a fault in the middle of what is sent: EFAULT");
	EXPECT_EQ(EAGAIN, error_of(recv(p.b, got, sizeof(got), MSG_DONTWAIT)))
		TH_LOG("and nothing comes");
	fill_random(data, 10000);
	EXPECT_EQ(10000, send(p.a, data, 10000, 0))
		TH_LOG("the next one goes");
	iov[0].iov_base = got;
	EXPECT_EQ(EFAULT, error_of(recvmsg(p.b, &msg, 0)))
		TH_LOG("a fault in the middle of what is received: EFAULT");
	EXPECT_EQ(10000, recv(p.b, got, sizeof(got), 0))
		TH_LOG("and it is still there");
	EXPECT_EQ(0, memcmp(data, got, 10000))
		TH_LOG("all of it");

	EXPECT_EQ(10000, send(p.a, data, 10000, 0))
		TH_LOG("one that is too long");
	iov[0].iov_len = 100;
	msg.msg_iovlen = 1;
	EXPECT_TRUE(recvmsg(p.b, &msg, 0) == 100 && msg.msg_flags & MSG_TRUNC)
		TH_LOG("is cut, and MSG_TRUNC says so");
	EXPECT_TRUE(goes(p.a, p.b, 7))
		TH_LOG("the rest of it does not come");
	EXPECT_EQ(EOPNOTSUPP, error_of(recv(p.b, got, 1, MSG_PEEK)))
		TH_LOG("MSG_PEEK: EOPNOTSUPP");
	pair_end(p);
	munmap(none, 65536);
}

TEST_F(link, ends)
{
	struct pair p = pair_new();

	EXPECT_EQ(10, send(p.a, data, 10, 0))
		TH_LOG("a message,");
	EXPECT_EQ(0, shutdown(p.a, SHUT_WR))
		TH_LOG("shutdown,");
	EXPECT_EQ(10, recv(p.b, got, sizeof(got), 0))
		TH_LOG("it still comes,");
	EXPECT_EQ(0, recv(p.b, got, sizeof(got), 0))
		TH_LOG("then the end");
	EXPECT_EQ(EPIPE, error_of(send(p.a, data, 1, MSG_NOSIGNAL)))
		TH_LOG("no more may be sent: EPIPE");
	EXPECT_TRUE(goes(p.b, p.a, 20000))
		TH_LOG("the other way goes on");
	close(p.b);
	EXPECT_EQ(0, recv(p.a, got, sizeof(got), 0))
		TH_LOG("until it ends too");
	close(p.a);
	EXPECT_TRUE(until(!conns_at(0) && !conns_at(1), WAIT_S))
		TH_LOG("no connection is left at either end");
}

static int connect_errno(uint32_t node, int service)
{
	int fd = link_socket(), err = link_to(fd, node, service) ? errno : 0;

	close(fd);
	return err;
}

TEST_F(link, refusals)
{
	uint64_t bad = count_at(0, SSN_A_COUNTERS_BAD_ADDRESS);
	uint64_t refused = count_at(1, SSN_A_COUNTERS_CONNS_REFUSED);
	struct sockaddr_ssn addr = {
		.ssn_family = family, .ssn_service = SERVICE,
	};
	int fd;

	EXPECT_EQ(EHOSTUNREACH, connect_errno(77, SERVICE))
		TH_LOG("no such peer");
	EXPECT_EQ(1, count_at(0, SSN_A_COUNTERS_BAD_ADDRESS) - bad)
		TH_LOG("is counted");
	EXPECT_EQ(EOPNOTSUPP, connect_errno(DEALER, SERVICE))
		TH_LOG("the own node");
	EXPECT_EQ(EINVAL, connect_errno(0, SERVICE))
		TH_LOG("node 0");
	EXPECT_EQ(EINVAL, connect_errno(B, 0))
		TH_LOG("service 0");
	EXPECT_EQ(ECONNREFUSED, connect_errno(B, SERVICE + 1))
		TH_LOG("nobody listens");
	EXPECT_EQ(1, count_at(1, SSN_A_COUNTERS_CONNS_REFUSED) - refused)
		TH_LOG("is counted at the other end");

	ns_enter(member_ns[0]);
	fd = link_socket();
	EXPECT_TRUE(bind(fd, (void *)&addr, sizeof(addr)) &&
		    errno == EADDRINUSE)
		TH_LOG("a service twice: EADDRINUSE");
	close(fd);
	ns_enter(here);
	EXPECT_EQ(ESOCKTNOSUPPORT,
		  error_of(socket(family, SOCK_STREAM, SSNPROTO_LINK)))
		TH_LOG("SOCK_STREAM: ESOCKTNOSUPPORT");
	EXPECT_EQ(EPROTONOSUPPORT, error_of(socket(family, SOCK_SEQPACKET, 9)))
		TH_LOG("protocol 9: EPROTONOSUPPORT");
}

/* More than a lease of pad and a run of slots, and every byte counted */
TEST_F(link, leases)
{
	static const int what[] = {
		SSN_A_COUNTERS_TX_MESSAGES, SSN_A_COUNTERS_TX_BYTES,
		SSN_A_COUNTERS_TX_RECORDS, SSN_A_COUNTERS_TX_PAD_BYTES,
		SSN_A_COUNTERS_TX_WIRE_BYTES,
	};
	static const int same[] = {
		SSN_A_COUNTERS_RX_MESSAGES, SSN_A_COUNTERS_RX_BYTES,
		SSN_A_COUNTERS_RX_RECORDS, SSN_A_COUNTERS_RX_PAD_BYTES,
		SSN_A_COUNTERS_RX_WIRE_BYTES,
	};
	struct pair p = pair_new();
	uint64_t tx[5], rx[5], slots, heads;
	bool good = true;
	int i;

	for (i = 0; i < 5; i++) {
		tx[i] = count_at(0, what[i]);
		rx[i] = count_at(1, same[i]);
	}
	for (i = 0; i < 300 && good; i++)
		good = goes(p.a, p.b, 1 + i * 13 % 5000);
	EXPECT_TRUE(good)
		TH_LOG("300 messages over many leases");
	/* a sender counts what TCP took after the receiver may have it */
	until(count_at(0, what[4]) - tx[4] == count_at(1, same[4]) - rx[4],
	      WAIT_S);
	for (i = 0; i < 5; i++) {
		tx[i] = count_at(0, what[i]) - tx[i];
		rx[i] = count_at(1, same[i]) - rx[i];
	}
	EXPECT_EQ(300, tx[0])
		TH_LOG("all counted");
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(tx[i], rx[i])
			TH_LOG("what one end sent, the other got: %d", i);
	}
	slots = tx[2] * SLOT;
	EXPECT_EQ(tx[1] + slots, tx[3])
		TH_LOG("pad: a byte for a byte, and a slot for a record");
	heads = tx[4] - tx[1] - 40 * tx[2];	/* what announcements carry */
	EXPECT_TRUE(heads && heads % 24 == 0 && heads / 24 <= tx[2] - 300)
		TH_LOG("wire: 40 bytes for a record, 24 more for an announcement");
	EXPECT_GT(tx[2], 300)
		TH_LOG("announcements were among the records");
	pair_end(p);
}

TEST_F(link, reconnects)
{
	struct pool before, after;
	struct pair p;
	bool good = true;
	int i;

	if (!until(!conns_at(0) && !conns_at(1), WAIT_S))
		bail("connections of before are still there");
	pool_get(qkd_at[0], B, QKD_DIR_TX, QKD_KIND_PAYLOAD, &before);
	for (i = 0; i < 10 && good; i++) {
		p = pair_new();
		good = goes(p.a, p.b, 100) && goes(p.b, p.a, 100);
		pair_end(p);
	}
	EXPECT_TRUE(good)
		TH_LOG("ten connections, one after the other");
	EXPECT_TRUE(until(!conns_at(0) && !conns_at(1), WAIT_S))
		TH_LOG("all gone");
	pool_get(qkd_at[0], B, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	EXPECT_EQ(before.leased, after.leased)
		TH_LOG("no pad is held");
	EXPECT_EQ(after.spent - before.spent + after.voided - before.voided,
		  before.usable - after.usable)
		TH_LOG("what was leased is spent or void");
	EXPECT_EQ(1000, after.spent - before.spent)
		TH_LOG("a hundred bytes each spent");
}

struct sender {
	int fd;
	ssize_t ret;
	int err;
};

static void *blocked_sender(void *arg)
{
	struct sender *s = arg;

	s->ret = send(s->fd, data, 200000, MSG_NOSIGNAL);
	s->err = errno;
	return NULL;
}

TEST_F(link, runs_out)
{
	struct pair p = pair_new();
	struct sender s = { .fd = p.a };
	uint64_t no_pad;
	double begin;
	pthread_t t;
	int n = 0;

	while (send(p.a, data, 60000, MSG_DONTWAIT | MSG_NOSIGNAL) == 60000) {
		n++;
		if (recv(p.b, got, sizeof(got), 0) != 60000)
			break;
	}
	EXPECT_EQ(ENOKEY, errno)
		TH_LOG("after %d messages there is no pad: ENOKEY", n);
	EXPECT_TRUE(!(polled(p.a, POLLOUT, 0) & POLLOUT))
		TH_LOG("poll: not writable");
	no_pad = count_at(0, SSN_A_COUNTERS_NO_PAD);
	EXPECT_GT(no_pad, 0)
		TH_LOG("counted");
	timeouts(p.a, 1);
	EXPECT_EQ(ENOKEY, error_of(send(p.a, data, 60000, MSG_NOSIGNAL)))
		TH_LOG("waiting for it as long as SO_SNDTIMEO says: ENOKEY");
	timeouts(p.a, WAIT_S);
	no_pad = count_at(0, SSN_A_COUNTERS_NO_PAD);
	pthread_create(&t, NULL, blocked_sender, &s);
	EXPECT_TRUE(until(count_at(0, SSN_A_COUNTERS_NO_PAD) > no_pad, WAIT_S))
		TH_LOG("one that has time waits");
	begin = now();
	pad_more(0, 100 * UNIT);
	pthread_join(t, NULL);
	EXPECT_EQ(200000, s.ret)
		TH_LOG("until there is pad");
	EXPECT_LT(now() - begin, WAIT_S / 2)
		TH_LOG("which wakes it: its time was not up");
	EXPECT_EQ(200000, recv(p.b, got, sizeof(got), 0))
		TH_LOG("and it comes");
	EXPECT_EQ(0, memcmp(data, got, 200000))
		TH_LOG("as it was");
	pair_end(p);
}

/*
 * The peer said that it ends, and is gone before we do, while somebody waits for pad
 * to send it something: everything that came is read, or so much waits that no more
 * is taken from TCP.
 */
TEST_F(link, gone_while_waiting)
{
	struct pair p;
	struct sender s;
	uint64_t no_pad;
	pthread_t t;
	int unread, i;

	for (unread = 0; unread < 2; unread++) {
		pad_more(0, 100 * UNIT);
		for (i = 0; i < (unread ? 6 : 1); i++)
			pad_more(1, BLOCK);
		p = pair_new();
		while (send(p.a, data, 60000, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			recv(p.b, got, sizeof(got), 0);
		while (unread && (send(p.b, data, 60000, MSG_DONTWAIT) > 0 ||
				  (errno == EAGAIN && polled(p.b, POLLOUT, 500))))
			;
		s.fd = p.a;
		no_pad = count_at(0, SSN_A_COUNTERS_NO_PAD);
		pthread_create(&t, NULL, blocked_sender, &s);
		EXPECT_TRUE(until(count_at(0, SSN_A_COUNTERS_NO_PAD) > no_pad,
				  WAIT_S))
			TH_LOG("a sender waits for pad");
		close(p.b);
		if (!unread)
			EXPECT_EQ(0, recv(p.a, got, sizeof(got), 0))
				TH_LOG("the peer said that it ends");
		/* not in WAIT_S, but at once: the rest of the connection goes */
		EXPECT_EQ(0, peer_del(ssn_at[1], DEALER))
			TH_LOG("the other end is gone");
		EXPECT_TRUE(until(!conns_at(1), WAIT_S))
			TH_LOG("all of it");
		pthread_join(t, NULL);
		EXPECT_TRUE(s.ret < 0 && (s.err == ECONNRESET || s.err == EPIPE))
			TH_LOG("the sender is told: %s", strerror(s.err));
		close(p.a);
		EXPECT_TRUE(until(!conns_at(0), WAIT_S))
			TH_LOG("nothing is left");
		peer_set(ssn_at[1], DEALER, SSN_ROLE_SSA, 1);
	}
}

/* A block in use becomes void at one end. */
TEST_F(link, revoked)
{
	struct pair p;
	int i;

	for (i = 0; i < nknown; i++)
		block_void_now(qkd_at[0], known[i].id);
	for (i = 0; i < nknown; i++)
		block_void_now(qkd_at[1], known[i].id);
	tags_more();
	pad_more(0, BLOCK);
	pad_more(1, BLOCK);
	p = pair_new();
	EXPECT_TRUE(goes(p.a, p.b, 1000))
		TH_LOG("new blocks");
	block_void_now(qkd_at[0], known[nknown - 2].id);
	EXPECT_EQ(EKEYREVOKED, error_of(send(p.a, data, 1000, MSG_NOSIGNAL)))
		TH_LOG("the sender's block becomes void: EKEYREVOKED");
	EXPECT_TRUE(recv(p.b, got, sizeof(got), 0) < 0 &&
		    (errno == ECONNABORTED || errno == ECONNRESET))
		TH_LOG("and the other end does not take that for the end");
	pair_end(p);

	pad_more(0, BLOCK);
	p = pair_new();
	EXPECT_EQ(1000, send(p.a, data, 1000, 0))
		TH_LOG("a message waits unread");
	EXPECT_TRUE(until(polled(p.b, POLLIN, 0) & POLLIN, WAIT_S))
		TH_LOG("at the receiver");
	block_void_now(qkd_at[1], known[nknown - 1].id);
	EXPECT_EQ(EKEYREVOKED, error_of(recv(p.b, got, sizeof(got), 0)))
		TH_LOG("its block becomes void there: EKEYREVOKED, no data");
	block_void_now(qkd_at[0], known[nknown - 1].id);
	pair_end(p);
}

TEST_F(link, in_background)
{
	int fd = link_socket(), b, err;
	struct sockaddr_ssn addr = {};
	socklen_t len = sizeof(addr);

	pad_more(0, BLOCK);
	pad_more(0, BLOCK);	/* writable: a message of 1 MiB would go */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	err = link_to(fd, B, SERVICE) ? errno : 0;
	/* one CPU may have been given to the other end in between */
	EXPECT_TRUE(err == EINPROGRESS || !err)
		TH_LOG("connect does not wait");
	EXPECT_TRUE(until(polled(fd, POLLOUT, 0) & POLLOUT, WAIT_S))
		TH_LOG("writable when it is through");
	EXPECT_TRUE(!getpeername(fd, (void *)&addr, &len) && addr.ssn_node == B)
		TH_LOG("connected");
	b = accept(listener, NULL, NULL);
	EXPECT_TRUE(goes(fd, b, 5))
		TH_LOG("and it works");
	close(fd);
	close(b);
}

TEST_HARNESS_MAIN
