// SPDX-License-Identifier: GPL-2.0
// kernels: uml-debug uml debian
// timeout: 120
/*
 * What a link takes of its pads, and that both ends agree about it afterwards.
 */
#include "ssn_link_util.h"

static uint8_t data[SSN_MSG_MAX], got[SSN_MSG_MAX];

FIXTURE(link) {
};

FIXTURE_SETUP(link)
{
	link_network(B);
}

FIXTURE_TEARDOWN(link)
{
}

/* Usable payload bytes from "a" to "b", as one end sees them */
static uint64_t usable(int at)
{
	struct pool pool;

	if (pool_get(qkd_at[at], at ? DEALER : B, at ? QKD_DIR_RX : QKD_DIR_TX,
		     QKD_KIND_PAYLOAD, &pool))
		bail("pool-get: %s", nl_text);
	return pool.usable;
}

/* A message that the pool cannot finish takes nothing of it */
TEST_F(link, too_much)
{
	struct pair p;
	uint64_t before;
	int i;

	pad_more(0, 40 * UNIT);
	pad_more(1, 40 * UNIT);
	p = pair_new();
	before = usable(0);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(ENOKEY,
			  error_of(send(p.a, data, 64 * UNIT, MSG_DONTWAIT)))
			TH_LOG("64 units of a pool of 40");
	}
	EXPECT_EQ(before, usable(0))
		TH_LOG("nothing was leased for it");
	fill_random(data, 30 * UNIT);
	EXPECT_EQ(30 * UNIT, send(p.a, data, 30 * UNIT, MSG_DONTWAIT))
		TH_LOG("30 can still be sent");
	EXPECT_TRUE(recv(p.b, got, sizeof(got), 0) == 30 * UNIT &&
		    !memcmp(got, data, 30 * UNIT))
		TH_LOG("and arrive");
	pair_end(p);
	EXPECT_TRUE(until(!conns_at(0) && !conns_at(1), WAIT_S))
		TH_LOG("the connection ends");
}

/* What was on its way to a socket that was closed is wiped there too */
TEST_F(link, to_a_closed)
{
	struct pair p;
	int i;

	pad_more(0, 200 * UNIT);
	EXPECT_EQ(usable(1), usable(0))
		TH_LOG("both ends have the same");
	p = pair_new();
	/* the receiver's socket goes while messages are on their way */
	for (i = 0; i < 8; i++) {
		if (i == 4)
			close(p.b);
		if (send(p.a, data, 20 * UNIT, MSG_NOSIGNAL) != 20 * UNIT)
			break;
	}
	EXPECT_GE(i, 4)
		TH_LOG("%d messages were sent, some to nobody", i);
	close(p.a);
	EXPECT_TRUE(until(!conns_at(0) && !conns_at(1), WAIT_S))
		TH_LOG("the connection ends");
	EXPECT_EQ(usable(0), usable(1))
		TH_LOG("both ends agree: what was sent is void, read or not");
}

/* SO_ERROR of a connect that nobody answers, and that is cut off then */
TEST_F(link, so_error)
{
	struct sockaddr_in sin = address(MITM);
	int fd = link_socket(), silent, conn, err = 0;
	socklen_t len = sizeof(err);

	pad_more(0, 20 * UNIT);
	pad_more(1, 20 * UNIT);
	ns_enter(member_ns[1]);
	silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(silent, (void *)&sin, sizeof(sin)) || listen(silent, 4))
		bail("listening: %s", strerror(errno));
	ns_enter(here);
	if (peer_set(ssn_at[0], B, SSN_ROLE_SHAREHOLDER, MITM))
		bail("peer-set: %s", nl_text);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(EINPROGRESS, error_of(link_to(fd, B, SERVICE)))
		TH_LOG("a connect goes on");
	conn = accept(silent, NULL, NULL);
	close(silent);
	close(conn);
	EXPECT_TRUE(until(polled(fd, POLLOUT, 0) & POLLERR, WAIT_S))
		TH_LOG("poll says that it failed");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	EXPECT_EQ(ECONNRESET, err)
		TH_LOG("SO_ERROR why");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	EXPECT_EQ(0, err)
		TH_LOG("once");
	close(fd);
}

TEST_HARNESS_MAIN
