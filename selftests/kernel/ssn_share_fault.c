// SPDX-License-Identifier: GPL-2.0
/*
 * Share sockets without memory: each allocation fails once, those of system
 * calls and those of the work of all six nodes. A call says so and works when
 * it is done again; a member is lost at the most, and the message comes from
 * the others; no pad is used twice. Of those of the work every 5th fails, of
 * pages every 3rd; with FAULT_STEP=1 in the environment every one.
 *
 * kernels: uml-debug
 * timeout: 300
 */
#include "fault_util.h"
#include "ssn_echo_util.h"
#include "ssn_tap_util.h"

#define LEN	6000
#define WAIT_S	20

static uint8_t data[LEN], got[LEN + 1];
static int fd;			/* share socket of the calls */
static int idle;		/* one to count allocations with */
static uint64_t deals;

/* Every connection takes a run of slots each way, and units of pad. */
static void stock(void)
{
	struct pool tag, pad;
	int i;

	for (i = 0; i < MEMBERS; i++) {
		if (pool_get(qkd_at[0], NODE(i), QKD_DIR_TX, QKD_KIND_TAG,
			     &tag) || tag.usable < 6 * RUN)
			pads_tags(i);
		if (pool_get(qkd_at[0], NODE(i), QKD_DIR_TX, QKD_KIND_PAYLOAD,
			     &pad) || pad.usable < 80 * UNIT)
			pads_payload(i, 0, BLOCK);
		if (pool_get(qkd_at[i + 1], DEALER, QKD_DIR_TX,
			     QKD_KIND_PAYLOAD, &pad) ||
		    pad.usable < 80 * UNIT)
			pads_payload(i, 1, BLOCK);
	}
}

static void timeouts(int fd, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

FIXTURE(faults) {
};

FIXTURE_SETUP(faults)
{
	int i;

	if (!faults_begin())
		SKIP(return, "this kernel injects no faults");
	signal(SIGPIPE, SIG_IGN);
	fill_random(data, sizeof(data));
	share_network(1);
	for (i = 0; i < MEMBERS; i++) {
		tap_start(i);
		if (peer_set(ssn_at[0], NODE(i), SSN_ROLE_SHAREHOLDER,
			     TAP_HOST(i)))
			bail("peer-set: %s (%s)", strerror(errno), nl_text);
		echo_start(member_ns[i], SSN_SERVICE_AS);
	}
	idle = share_to(GROUP);
	faults_in("ssn_crypt");
}

FIXTURE_TEARDOWN(faults)
{
	faults_end();
}

/* --- afterwards */

static void counters(struct __test_metadata *_metadata)
{
	static const int bad[] = {
		SSN_A_COUNTERS_BAD_TAG, SSN_A_COUNTERS_BAD_SEQ,
		SSN_A_COUNTERS_BAD_LEASE, SSN_A_COUNTERS_BAD_SHARE,
		SSN_A_COUNTERS_BAD_HELLO, SSN_A_COUNTERS_REPLAYED_HELLO,
	};
	uint64_t sum = 0;
	unsigned int i, m;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		for (m = 0; m < MEMBERS; m++)
			sum += counter(NODE(m), bad[i]);
	EXPECT_EQ(0, sum)
		TH_LOG("nobody was accused of anything");
}

/* Every byte that went over the wire is under a pad byte of its own. */
static void all_is_well(struct __test_metadata *_metadata)
{
	struct tap_sum sum;

	counters(_metadata);
	close(idle);
	EXPECT_TRUE(until(!conns(), 40))
		TH_LOG("all connections ended");
	sum = tap_check();
	diag("%zu records, %zu bytes of pad on the wire", sum.records, sum.bytes);
	EXPECT_GT(sum.records, 100)
		TH_LOG("the tap has heard them");
	EXPECT_EQ(0, sum.twice)
		TH_LOG("none of them used twice");
}

/* --- system calls, one by one */

static int call_socket(void)
{
	fd = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC, SSNPROTO_SHARE);
	return fd < 0 ? errno : 0;
}

static bool close_it(void)
{
	close(fd);
	return true;
}

static void new_socket(void)
{
	stock();
	fd = share_socket(SSNPROTO_SHARE);
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

static int call_connect(void)
{
	return share_connect(fd, GROUP) && errno != EINPROGRESS ? errno : 0;
}

static bool is_connected(void)
{
	struct sockaddr_ssn addr;
	socklen_t len = sizeof(addr);
	bool up = until(!getpeername(fd, (void *)&addr, &len), WAIT_S);

	close(fd);
	return up;
}

static struct ssn_share head;

static void next_head(void)
{
	stock();
	head = head_of(++deals, 0);
}

static int call_send(void)
{
	return put(fd, &head, data, LEN, 0) < 0 ? errno : 0;
}

static int receive(int flags)
{
	struct ssn_share back;
	ssize_t len;

	memset(got, 0, sizeof(got));
	len = take(fd, &back, got, sizeof(got), flags);
	if (len < 0)
		return errno;
	/* a head that cannot be copied is lost with the message: no error */
	return len != LEN || memcmp(got, data, LEN) ? EPROTO : 0;
}

static bool it_comes(void)
{
	int err;

	do
		err = receive(0);
	while (err == EINTR);
	return !err && receive(MSG_DONTWAIT) == EAGAIN;
}

static void it_waits(void)
{
	int err;

	next_head();
	err = call_send();
	if (err)
		bail("a message: %s", strerror(err));
	if (!until(polled(fd, POLLIN, 1000) & POLLIN, WAIT_S))
		bail("a message does not come back");
}

static int call_receive(void)
{
	return receive(0);
}

static int call_peek(void)
{
	return receive(MSG_PEEK);
}

static bool nothing_more(void)
{
	return receive(MSG_DONTWAIT) == EAGAIN;
}

static int call_poll(void)
{
	return polled(fd, POLLIN, 0) & POLLIN ? 0 : EPROTO;
}

static int call_members(void)
{
	struct ssn_member row[MEMBERS];

	return members_of(fd, row) == MEMBERS ? 0 : errno;
}

static int call_write_set(void)
{
	return set_xset(fd, SSN_WRITE_SET, (1 << MEMBERS) - 1) ? errno : 0;
}

static int call_local(void)
{
	return set_option(fd, SSN_COEFF, SSN_COEFF_LOCAL) ? errno : 0;
}

static bool not_local(void)
{
	return !set_option(fd, SSN_COEFF, SSN_COEFF_CRNG);
}

/* Bytes of this node's own, enough for one message */
static void local_bytes(void)
{
	static unsigned char bytes[4 * UNIT];
	qkd_id id;

	next_head();
	id_new(id);
	fill_random(bytes, sizeof(bytes));
	if (block_add(ring_serial(qkd_at[0]), 0, QKD_DIR_LOCAL,
		      QKD_KIND_PAYLOAD, id, bytes, sizeof(bytes)) < 0 ||
	    call_local())
		bail("local: %s", strerror(errno));
}

static bool it_comes_not_local(void)
{
	return it_comes() && not_local();
}

/* In a namespace whose pool "local" does not exist yet */
static void foreign_socket(void)
{
	close(ns_new());
	fd = share_socket(SSNPROTO_SHARE);
}

static bool leave_foreign(void)
{
	close(fd);
	ns_enter(here);
	return true;
}

TEST_F(faults, calls)
{
	static const struct step steps[] = {
		{ "socket", NULL, call_socket, close_it, 0 },
		{ "connect", new_socket, call_connect, is_connected, 0 },
		{ "SSN_COEFF", foreign_socket, call_local, leave_foreign, 0 },
	}, connected[] = {
		{ "send", next_head, call_send, it_comes, 0 },
		{ "send with local bytes", local_bytes, call_send,
		  it_comes_not_local, 0 },
		{ "receive", it_waits, call_receive, nothing_more, 0 },
		{ "peek", it_waits, call_peek, it_comes, 0 },
		{ "poll", it_waits, call_poll, it_comes, 0 },
		{ "SSN_MEMBERS", NULL, call_members, NULL, 0 },
		{ "SSN_WRITE_SET", NULL, call_write_set, NULL, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		each(_metadata, &steps[i]);
	fd = share_to(GROUP);
	for (i = 0; i < sizeof(connected) / sizeof(*connected); i++)
		each(_metadata, &connected[i]);
	close(fd);
	all_is_well(_metadata);
}

/* --- the work of all nodes */

/* Fails for want of memory, and has no other effect */
static void bad_send(void)
{
	struct ssn_share control = { .flags = SSN_SHARE_CONTROL };

	put(idle, &control, (void *)1, 1, MSG_DONTWAIT);
}

/* Whether memory was short: then the same again; @told counts it */
static bool once_more(int *told)
{
	if (!of_memory(errno))
		return false;
	++*told;
	return true;
}

/* The members that can be sent to, a bit each */
static unsigned int live(int fd)
{
	struct ssn_member row[MEMBERS];
	unsigned int set = 0;
	int i;

	if (members_of(fd, row) < 0 && members_of(fd, row) < 0)
		return 0;
	for (i = 0; i < MEMBERS; i++)
		set |= (row[i].state == SSN_MEMBER_LIVE) << i;
	return set;
}

static bool deal(int fd, int *told)
{
	int tries;

	for (tries = 0; tries < 4; tries++) {
		next_head();
		if (put(fd, &head, data, LEN, 0) == LEN)
			return true;
		if (!once_more(told) && errno != ECOMM)
			return false;
		if (errno == ECOMM) {
			++*told;
			set_xset(fd, SSN_WRITE_SET, live(fd));
		}
	}
	return false;
}

/* The message; what came before of deals that broke off does not matter. */
static bool collect(int fd, int *told)
{
	struct ssn_share back;
	ssize_t len;
	int tries;

	for (tries = 0; tries < 10; tries++) {
		len = take(fd, &back, got, sizeof(got), 0);
		if (len < 0 && !once_more(told) && errno != ESTALE)
			return false;
		if (len == LEN && back.deal == head.deal)
			return !memcmp(got, data, LEN);
	}
	return false;
}

/* A share socket from beginning to end; @told: what failed on the way */
static const char *session(int *told)
{
	const char *why = NULL;
	int fd, err;

	fd = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC, SSNPROTO_SHARE);
	if (fd < 0 && once_more(told))
		fd = share_socket(SSNPROTO_SHARE);
	timeouts(fd, WAIT_S);
	err = share_connect(fd, GROUP);
	if (err && once_more(told))
		err = share_connect(fd, GROUP);
	if (err)
		why = "connect";
	else if (!deal(fd, told))
		why = "send";
	else if (!collect(fd, told))
		why = "receive";
	else if (__builtin_popcount(live(fd)) < MEMBERS - 1)
		why = "more than one member is lost";
	close(fd);
	return why;
}

static void sessions(struct __test_metadata *_metadata, int what,
		     const char *name, int step)
{
	int n, told, mattered = 0, survived = 0, wrong = 0;
	const char *why;
	bool hit = true;

	for (n = 1; hit && n < 3000 && wrong < 5; n += step) {
		stock();
		told = 0;
		machine_arm(what, n, bad_send);
		why = session(&told);
		hit = machine_disarm(what);
		mattered += told > 0;
		survived += hit && !told;
		if (why) {
			diag("%s %d: %s: %s", name, n, why, strerror(errno));
			wrong++;
		}
		if (!until(conns() == 2 * MEMBERS, 40)) {
			diag("%s %d: %d connections", name, n, conns());
			wrong++;
		}
	}
	diag("a share socket, %s: %d failures are told, %d do not matter", name,
	     mattered, survived);
	EXPECT_TRUE(!wrong && !hit)
		TH_LOG("a share socket, %s", name);
	EXPECT_TRUE(mattered)
		TH_LOG("%s: some mattered", name);
	told = 0;
	EXPECT_TRUE(!session(&told) && !told)
		TH_LOG("%s: afterwards all is well", name);
	all_is_well(_metadata);
}

TEST_F(faults, small_memory)
{
	sessions(_metadata, FAULT_SLAB, "small memory", setting("FAULT_STEP", 5));
}

TEST_F(faults, pages)
{
	sessions(_metadata, FAULT_PAGE, "pages", setting("FAULT_STEP", 3));
}

TEST_HARNESS_MAIN
