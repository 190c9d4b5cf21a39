// SPDX-License-Identifier: GPL-2.0
/*
 * Namespaces and the module go while connections are open, unaccepted and half
 * open, and leave nothing.
 *
 * timeout: 240
 */
#include "ssn_link_util.h"

#define ROUNDS	3

static uint8_t data[3000], got[3000];

/* A key in the namespace of "b": it goes when the namespace does. */
static void mark(char text[UUID_TEXT])
{
	static unsigned char bytes[UNIT];
	qkd_id id;

	id_new(id);
	fill_random(bytes, sizeof(bytes));
	block_at(1, DEALER, QKD_DIR_RX, QKD_KIND_PAYLOAD, id, bytes,
		 sizeof(bytes));
	id_text(id, text);
}

/* Lets go of all that "b" and the third place are. */
static void forget_namespaces(void)
{
	int i;

	for (i = 1; i < 3; i++) {
		nl_close(qkd_at[i]);
		nl_close(ssn_at[i]);
		close(member_ns[i - 1]);
	}
}

static void half_open(int *fd, int n)
{
	struct sockaddr_in sin = address(B);

	ns_enter(member_ns[1]);
	while (n--) {
		fd[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd[n], (void *)&sin, sizeof(sin)) ||
		    send(fd[n], "SSN1", 4, 0) != 4)
			bail("half open: %s", strerror(errno));
	}
	ns_enter(here);
}

static void round_of(struct __test_metadata *_metadata, int nr)
{
	int a[3], half[5], i, old = ns_here();
	char text[UUID_TEXT];
	struct pair p;

	nknown = 0;
	link_network(B);
	pad_more(0, 200 * UNIT);
	pad_more(1, 200 * UNIT);
	p = pair_new();
	EXPECT_TRUE(send(p.a, data, sizeof(data), 0) == sizeof(data) &&
		    send(p.b, data, sizeof(data), 0) == sizeof(data) &&
		    recv(p.b, got, sizeof(got), 0) == sizeof(got))
		TH_LOG("round %d: an open connection, one message unread", nr);
	for (i = 0; i < 3; i++) {
		a[i] = link_socket();
		if (link_to(a[i], B, SERVICE))
			bail("connect: %s", strerror(errno));
	}
	half_open(half, 5);
	mark(text);

	/* its wires go first, so that nothing is ended in order */
	ip("link del m0\n");
	close(p.b);
	close(listener);
	forget_namespaces();
	EXPECT_TRUE(until(!key_listed(text), 60))
		TH_LOG("the namespace with 1 open, 3 unaccepted, 5 half open goes");
	EXPECT_EQ(sizeof(got), recv(p.a, got, sizeof(got), MSG_DONTWAIT))
		TH_LOG("what had come before can be read");
	close(p.a);
	for (i = 0; i < 3; i++)
		close(a[i]);
	for (i = 0; i < 5; i++)
		close(half[i]);
	nl_close(qkd_at[0]);
	nl_close(ssn_at[0]);
	close(here);
	ns_enter(old);
	close(old);
}

TEST(namespace_goes)
{
	int i;

	for (i = 0; i < ROUNDS; i++)
		round_of(_metadata, i);
}

/* With namespaces that stay, and connections that still say goodbye */
TEST(module_goes)
{
	struct pair p;
	int a, half[3], i;

	nknown = 0;
	link_network(B);
	pad_more(0, 200 * UNIT);
	pad_more(1, 200 * UNIT);
	p = pair_new();
	EXPECT_EQ(EWOULDBLOCK, error_of(module_unload("ssn_crypt")))
		TH_LOG("rmmod with sockets open: refused");
	EXPECT_TRUE(send(p.a, data, 100, 0) == 100 &&
		    recv(p.b, got, sizeof(got), 0) == 100)
		TH_LOG("and they work");
	a = link_socket();
	if (link_to(a, B, SERVICE))
		bail("connect: %s", strerror(errno));
	half_open(half, 3);
	/* a peer that does not answer: its connection lingers */
	ip("link set m0 down\n");
	close(p.a);
	close(a);
	close(p.b);
	close(listener);
	EXPECT_EQ(0, module_unload("ssn_crypt"))
		TH_LOG("rmmod with connections that linger: done");
	EXPECT_EQ(0, module_load("ssn_crypt"))
		TH_LOG("and it can come back");
	for (i = 0; i < 3; i++)
		close(half[i]);
}

TEST_HARNESS_MAIN
