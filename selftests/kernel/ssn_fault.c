// SPDX-License-Identifier: GPL-2.0
/*
 * Link sockets, and what is configured for all sockets, without memory: each
 * allocation fails once. The call says so, or the connection ends and says so;
 * nobody is blamed for it; nothing leaks, no pad is used twice, and the same
 * works afterwards.
 *
 * kernels: uml-debug
 * timeout: 300
 */
#include "fault_util.h"
#include "ssn_link_util.h"
#include "ssn_tap_util.h"

static uint8_t data[20000], got[20001];
static struct pair idle;	/* a connection to count allocations with */
static uint64_t loaded[2];	/* payload, a to b and back */

/* Pad and slots for some connections more */
static void stock(void)
{
	struct pool tag, pad;
	int way;

	for (way = 0; way < 2; way++) {
		nknown = 0;
		if (pool_get(qkd_at[way], way ? DEALER : B, QKD_DIR_TX,
			     QKD_KIND_TAG, &tag) || tag.usable < 12 * RUN)
			tags_more();
		if (!pool_get(qkd_at[way], way ? DEALER : B, QKD_DIR_TX,
			      QKD_KIND_PAYLOAD, &pad) &&
		    pad.usable > 80 * UNIT)
			continue;
		pad_more(way, BLOCK);
		loaded[way] += BLOCK;
	}
}

/* Both ends have no connection but the idle one. */
static bool settled(void)
{
	return until(conns_at(0) == 1 && conns_at(1) == 1, WAIT_S);
}

FIXTURE(faults) {
};

FIXTURE_SETUP(faults)
{
	if (!faults_begin())
		SKIP(return, "this kernel injects no faults");
	signal(SIGPIPE, SIG_IGN);
	link_network(TAP_HOST(0));
	tap_start(0);
	fill_random(data, sizeof(data));
	stock();
	timeouts(listener, WAIT_S);
	idle = pair_new();
	faults_in("ssn_crypt");
}

FIXTURE_TEARDOWN(faults)
{
	faults_end();
}

/* --- afterwards */

/* Nobody was accused of what was want of memory */
static void counters(struct __test_metadata *_metadata)
{
	static const struct {
		int attr;
		const char *name;
	} bad[] = {
		{ SSN_A_COUNTERS_BAD_TAG, "bad tags" },
		{ SSN_A_COUNTERS_BAD_SEQ, "bad sequences" },
		{ SSN_A_COUNTERS_BAD_LENGTH, "bad lengths" },
		{ SSN_A_COUNTERS_BAD_TYPE, "bad types" },
		{ SSN_A_COUNTERS_BAD_LEASE, "bad leases" },
		{ SSN_A_COUNTERS_BAD_HELLO, "bad HELLOs" },
		{ SSN_A_COUNTERS_REPLAYED_HELLO, "replayed HELLOs" },
		{ SSN_A_COUNTERS_FLOOD, "floods" },
		{ SSN_A_COUNTERS_NO_PAD, "wants of pad" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		EXPECT_TRUE(!count_at(0, bad[i].attr) &&
			    !count_at(1, bad[i].attr))
			TH_LOG("no %s were counted", bad[i].name);
	}
}

/* Every byte is somewhere, and none was used twice */
static void pads(struct __test_metadata *_metadata, size_t records)
{
	struct tap_sum sum;
	struct pool pool;
	int way, end;

	pair_end(idle);
	EXPECT_TRUE(until(!conns_at(0) && !conns_at(1), WAIT_S))
		TH_LOG("the last one ends");
	for (way = 0; way < 2; way++)
		for (end = 0; end < 2; end++) {
			pool_get(qkd_at[end], end ? DEALER : B,
				 way == end ? QKD_DIR_TX : QKD_DIR_RX,
				 QKD_KIND_PAYLOAD, &pool);
			EXPECT_TRUE(!pool.leased &&
				    pool.usable + pool.pending + pool.spent +
				    pool.voided == loaded[way])
				TH_LOG("pad of way %d at end %d: the books balance",
				       way, end);
		}
	sum = tap_check();
	diag("%zu records, %zu bytes of pad on the wire", sum.records, sum.bytes);
	EXPECT_GT(sum.records, records)
		TH_LOG("the tap has heard them");
	EXPECT_EQ(0, sum.twice)
		TH_LOG("none of them used twice");
}

/* More than @records went over the wire */
static void all_is_well(struct __test_metadata *_metadata, size_t records)
{
	counters(_metadata);
	pads(_metadata, records);
}

/* --- system calls, one by one */

static struct pair p;
static struct ssn_share head = { .group = 1, .x = 4, .deal = 9 };
static int fd;

static int call_socket(void)
{
	fd = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC, SSNPROTO_LINK);
	return fd < 0 ? errno : 0;
}

static bool close_it(void)
{
	close(fd);
	return true;
}

static void new_socket(void)
{
	fd = link_socket();
}

static int call_bind(void)
{
	struct sockaddr_ssn addr = {
		.ssn_family = family, .ssn_service = SERVICE + 100,
	};

	return bind(fd, (void *)&addr, sizeof(addr)) || listen(fd, 1) ? errno :
									0;
}

/* Without waiting: what is left to the connection's work is not in this call */
static int call_connect(void)
{
	return link_to(fd, B, SERVICE) && errno != EINPROGRESS ? errno : 0;
}

static void new_connect(void)
{
	new_socket();
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

static bool is_connected(void)
{
	struct sockaddr_ssn addr;
	socklen_t len = sizeof(addr);
	bool up = until(!getpeername(fd, (void *)&addr, &len), WAIT_S);
	int b = accept(listener, NULL, NULL);

	close(b);
	close(fd);
	return up && b >= 0;
}

static void one_waits(void)
{
	p.a = link_socket();
	if (link_to(p.a, B, SERVICE) || polled(listener, POLLIN, 20000) != POLLIN)
		bail("connect: %s", strerror(errno));
}

static int call_accept(void)
{
	p.b = accept(listener, NULL, NULL);
	return p.b < 0 ? errno : 0;
}

static bool it_works(void)
{
	bool works = send(p.a, "x", 1, 0) == 1 &&
		     recv(p.b, got, sizeof(got), 0) == 1;

	pair_end(p);
	return works;
}

static int call_send(void)
{
	return put(p.a, &head, data, sizeof(data), 0) < 0 ? errno : 0;
}

/* The message came, once, and nothing else did */
static bool it_came(void)
{
	struct ssn_share back;

	memset(got, 0, sizeof(got));
	return take(p.b, &back, got, sizeof(got), 0) == sizeof(data) &&
	       !memcmp(got, data, sizeof(data)) &&
	       !memcmp(&back, &head, sizeof(back)) &&
	       recv(p.b, got, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void it_is_sent(void)
{
	if (call_send())
		bail("send: %s", strerror(errno));
	if (polled(p.b, POLLIN, 20000) != (POLLIN | POLLOUT))
		polled(p.b, POLLIN, 20000);
}

static int call_recv(void)
{
	struct ssn_share back;
	ssize_t len;

	memset(got, 0, sizeof(got));
	len = take(p.b, &back, got, sizeof(got), 0);
	if (len < 0)
		return errno;
	/* a head that cannot be copied is lost with the message: no error */
	return len != sizeof(data) || memcmp(got, data, len) ? EPROTO : 0;
}

static bool nothing_more(void)
{
	return recv(p.b, got, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* What was sent before has left the window. */
static void window_opens(void)
{
	if (!until(polled(p.a, POLLOUT, 0) & POLLOUT, WAIT_S))
		diag("the window does not open");
}

static int call_poll(void)
{
	return polled(p.a, POLLIN | POLLOUT, 0) == POLLOUT ? 0 : EPROTO;
}

static int call_peer(void)
{
	struct ssn_peer_info info;
	socklen_t len = sizeof(info);

	return getsockopt(p.a, SOL_SSN, SSN_PEER, &info, &len) ? errno : 0;
}

static int call_name(void)
{
	struct sockaddr_ssn addr;
	socklen_t len = sizeof(addr);

	return getpeername(p.a, (void *)&addr, &len) ? errno : 0;
}

static void pair_and_message(void)
{
	p = pair_new();
	if (call_send())
		bail("send: %s", strerror(errno));
}

static int call_shutdown(void)
{
	return shutdown(p.a, SHUT_WR) ? errno : 0;
}

static int call_close(void)
{
	return close(p.a) ? errno : 0;
}

/* What was sent comes, and then the end in order */
static bool ends_in_order(void)
{
	bool good = recv(p.b, got, sizeof(got), 0) == sizeof(data) &&
		    !recv(p.b, got, sizeof(got), 0);

	close(p.b);
	return good;
}

static bool ends_in_order_both(void)
{
	bool good = ends_in_order();

	close(p.a);
	return good;
}

TEST_F(faults, calls)
{
	static const struct step steps[] = {
		{ "socket", NULL, call_socket, close_it, 0 },
		{ "bind, listen", new_socket, call_bind, close_it, 0 },
		{ "connect", new_connect, call_connect, is_connected, 0 },
		{ "accept", one_waits, call_accept, it_works, 0 },
		{ "shutdown", pair_and_message, call_shutdown,
		  ends_in_order_both, 0 },
		{ "close", pair_and_message, call_close, ends_in_order, 0 },
	}, steps_of_pair[] = {
		{ "send", NULL, call_send, it_came, 0 },
		{ "receive", it_is_sent, call_recv, nothing_more, 0 },
		{ "poll", window_opens, call_poll, NULL, 0 },
		{ "SSN_PEER", NULL, call_peer, NULL, 0 },
		{ "getpeername", NULL, call_name, NULL, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		stock();
		each(_metadata, &steps[i]);
	}
	p = pair_new();
	for (i = 0; i < sizeof(steps_of_pair) / sizeof(*steps_of_pair); i++) {
		stock();
		each(_metadata, &steps_of_pair[i]);
	}
	pair_end(p);
	EXPECT_TRUE(settled())
		TH_LOG("all connections ended");
	all_is_well(_metadata, 30);
}

/* --- netlink */

static int nl_err(int ret)
{
	return ret ? errno : 0;
}

/* A command with one number, or a dump without any */
static int ask(int cmd, int attr, uint32_t value)
{
	struct nl *nl = ssn_at[0];
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, cmd,
					attr ? NLM_F_ACK : NLM_F_DUMP);

	if (attr)
		mnl_attr_put_u32(nlh, attr, value);
	return nl_err(nl_talk(nl, nlh, NULL, NULL));
}

/* In a namespace that has no node yet */
static void new_node(void)
{
	close(ns_new());
	ssn_at[2] = ssn_open();
}

static int nl_node_set(void)
{
	struct sockaddr_in sin = address(0);
	struct nl *nl = ssn_at[2];
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, SSN_CMD_NODE_SET,
					NLM_F_ACK);

	sin.sin_addr.s_addr = htonl(INADDR_ANY);
	mnl_attr_put_u32(nlh, SSN_A_NODE_ID, 5);
	mnl_attr_put_u32(nlh, SSN_A_NODE_ROLE, SSN_ROLE_SSA);
	mnl_attr_put(nlh, SSN_A_NODE_ADDR, sizeof(sin), &sin);
	return nl_err(nl_talk(nl, nlh, NULL, NULL));
}

static bool leave_node(void)
{
	mnl_socket_close(ssn_at[2]->sock);
	ns_enter(here);
	return true;
}

static int nl_node_get(void)
{
	return ask(SSN_CMD_NODE_GET, SSN_A_NODE_ID, DEALER);
}

static uint32_t stranger = 5000;

static int nl_peer_new(void)
{
	return nl_err(peer_set(ssn_at[0], stranger, SSN_ROLE_SHAREHOLDER, 99));
}

static bool next_stranger(void)
{
	stranger += 64;		/* a place of its own in the table */
	return true;
}

static int nl_peer_get(void)
{
	return ask(SSN_CMD_PEER_GET, SSN_A_PEER_ID, B);
}

static int nl_peer_dump(void)
{
	return ask(SSN_CMD_PEER_GET, 0, 0);
}

static int nl_peer_del(void)
{
	return nl_err(ask(SSN_CMD_PEER_DEL, SSN_A_PEER_ID, 5000) ? -1 : 0);
}

static bool peer_again(void)
{
	return !peer_set(ssn_at[0], 5000, SSN_ROLE_SHAREHOLDER, 99);
}

static uint32_t group = 100;

static int nl_group_new(void)
{
	return nl_err(group_set(group, 1, 1 + 0, 1, NULL));
}

static bool next_group(void)
{
	group += 64;
	return true;
}

static int nl_group_get(void)
{
	return ask(SSN_CMD_GROUP_GET, SSN_A_GROUP_ID, 100);
}

static int nl_group_dump(void)
{
	return ask(SSN_CMD_GROUP_GET, 0, 0);
}

static int nl_group_del(void)
{
	return ask(SSN_CMD_GROUP_DEL, SSN_A_GROUP_ID, 100);
}

static bool group_again(void)
{
	return !group_set(100, 1, 1, 1, NULL);
}

static uint32_t conn_id;

static int conn_id_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *a[64] = {};

	(void)data;
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), nl_attr, a);
	conn_id = attr_num(a[SSN_A_CONN_ID]);
	return MNL_CB_OK;
}

static int nl_conn_get(void)
{
	return ask(SSN_CMD_CONN_GET, SSN_A_CONN_ID, conn_id);
}

static int nl_conn_dump(void)
{
	return ask(SSN_CMD_CONN_GET, 0, 0);
}

static int nl_stats(void)
{
	return ask(SSN_CMD_STATS_GET, SSN_A_STATS_PEER, B);
}

/* A member that may be the only one a secret is given to */
static void lone_member(void)
{
	struct nl *nl = ssn_at[0];
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, SSN_CMD_PEER_SET,
					NLM_F_ACK);

	mnl_attr_put_u32(nlh, SSN_A_PEER_ID, B);
	mnl_attr_put_u32(nlh, SSN_A_PEER_FLAGS, SSN_PEER_FLAGS_ALLOW_K1);
	if (nl_talk(nl, nlh, NULL, NULL))
		bail("peer-set: %s (%s)", strerror(errno), nl_text);
}

TEST_F(faults, netlink)
{
	static const struct step steps[] = {
		/* what TCP says when it finds no memory for a port */
		{ "node-set", new_node, nl_node_set, leave_node, EADDRINUSE },
		{ "node-get", NULL, nl_node_get, NULL, 0 },
		{ "peer-set", NULL, nl_peer_new, next_stranger, 0 },
		{ "peer-get", NULL, nl_peer_get, NULL, 0 },
		{ "peer-get, dump", NULL, nl_peer_dump, NULL, 0 },
		{ "peer-del", NULL, nl_peer_del, peer_again, 0 },
		{ "group-set", NULL, nl_group_new, next_group, 0 },
		{ "group-get", NULL, nl_group_get, NULL, 0 },
		{ "group-get, dump", NULL, nl_group_dump, NULL, 0 },
		{ "group-del", NULL, nl_group_del, group_again, 0 },
		{ "conn-get", NULL, nl_conn_get, NULL, 0 },
		{ "conn-get, dump", NULL, nl_conn_dump, NULL, 0 },
		{ "stats-get", NULL, nl_stats, NULL, 0 },
	};
	struct nl *nl = ssn_at[0];
	unsigned int i;
	char buf[1024];

	nl_talk(nl, nl_start(nl, buf, nl->family, SSN_CMD_CONN_GET, NLM_F_DUMP),
		conn_id_cb, NULL);
	lone_member();
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		stock();
		each(_metadata, &steps[i]);
	}
	all_is_well(_metadata, 0);
}

/* --- the work of connections */

/* Fails for want of memory, and has no other effect than to be counted */
static void bad_send(void)
{
	send(idle.a, (void *)1, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* An error, also the one that the other end sees */
static bool may_be(int err)
{
	return of_memory(err) || err == ECONNRESET || err == ECONNABORTED ||
	       err == EPIPE;
}

static int message(int from, int to, size_t len)
{
	ssize_t n;

	if (put(from, &head, data, len, 0) < 0)
		return errno;
	n = recv(to, got, sizeof(got), 0);
	if (n < 0)
		return errno;
	/* 0: the end came, which a sender without memory gives up in order */
	return n != (ssize_t)len || memcmp(got, data, len) ? EBADMSG : 0;
}

/* A connection from beginning to end; 0 or the first errno. */
static int session(void)
{
	struct pair s = { -1, -1 };
	int err = 0;

	s.a = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC, SSNPROTO_LINK);
	if (s.a < 0)
		return errno;
	timeouts(s.a, WAIT_S);
	if (link_to(s.a, B, SERVICE))
		err = errno;
	if (!err) {
		s.b = accept(listener, NULL, NULL);
		err = s.b < 0 ? errno : 0;
	}
	if (!err)
		timeouts(s.b, WAIT_S);
	err = err ?: message(s.a, s.b, 100) ?: message(s.a, s.b, sizeof(data)) ?:
	      message(s.b, s.a, 7000);
	if (!err && shutdown(s.a, SHUT_WR))
		err = errno;
	if (!err && recv(s.b, got, sizeof(got), 0))
		err = errno ?: EBADMSG;
	close(s.a);
	if (s.b >= 0)
		close(s.b);
	return err;
}

/* What connected and was not accepted because the other end gave up */
static void drain(void)
{
	int fd;

	while (polled(listener, POLLIN, 0) == POLLIN) {
		fd = accept(listener, NULL, NULL);
		if (fd >= 0)
			close(fd);
	}
}

static void sessions(struct __test_metadata *_metadata, int what,
		     const char *name)
{
	int n, err, told = 0, survived = 0, wrong = 0;
	bool hit = true;

	for (n = 1; hit && n < 1000 && wrong < 5; n++) {
		stock();
		machine_arm(what, n, bad_send);
		err = session();
		hit = machine_disarm(what);
		told += hit && err;
		survived += hit && !err;
		if (err && (!hit || !may_be(err))) {
			diag("%s %d: %s", name, n, strerror(err));
			wrong++;
		}
		drain();
		if (!settled()) {
			diag("%s %d: the connection does not end", name, n);
			wrong++;
		}
		err = session();
		if (err) {
			diag("%s %d: not even afterwards: %s", name, n,
			     strerror(err));
			wrong++;
		}
	}
	diag("a connection, %s: %d failures are told, %d do not matter", name,
	     told, survived);
	EXPECT_TRUE(!wrong && !hit)
		TH_LOG("a connection, %s", name);
	/* pages that lie ready for this processor are given, whatever is armed */
	EXPECT_GT(told, what == FAULT_PAGE ? 5 : 10)
		TH_LOG("%s: some mattered", name);
	EXPECT_TRUE(settled())
		TH_LOG("%s: all connections ended", name);
	all_is_well(_metadata, 100);
}

TEST_F(faults, small_memory)
{
	sessions(_metadata, FAULT_SLAB, "small memory");
}

TEST_F(faults, pages)
{
	sessions(_metadata, FAULT_PAGE, "pages");
}

TEST_HARNESS_MAIN
