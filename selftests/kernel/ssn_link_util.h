/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of link sockets: two nodes, and a third place from which they are
 * attacked, each a network namespace of its own, in one process.
 *
 *	           +--------- br0 10.9.0.1 ---------+
 *	           |  node 1, the dealer's end ("a") |
 *	           +------+------------------+------+
 *	                  |                  |
 *	          eth0 10.9.0.11      eth0 10.9.0.12
 *	          node 11 ("b")       no node: the one in the middle
 */
#ifndef SSN_LINK_UTIL_H
#define SSN_LINK_UTIL_H

#include <grp.h>
#include <pthread.h>

#include "ssn_share_util.h"

#define B	NODE(0)		/* node id of "b", and its host */
#define MITM	NODE(1)		/* host of the one in the middle */
#define SERVICE	SSN_SERVICE_DYNAMIC
#define WAIT_S	20		/* deadline of what should come at once */

static int listener;		/* of "b" */

/* Pad as the test loaded it, to compare with what is on the wire */
struct known {
	qkd_id id;
	unsigned char *bytes;
	size_t len;
};
static struct known known[64];
static int nknown;

static UNUSED const struct known *known_block(const void *id)
{
	int i;

	for (i = 0; i < nknown; i++)
		if (!memcmp(known[i].id, id, 16))
			return &known[i];
	return NULL;
}

static void know(const qkd_id id, const void *bytes, size_t len)
{
	struct known *k = &known[nknown++];

	memcpy(k->id, id, 16);
	k->bytes = malloc(len);
	memcpy(k->bytes, bytes, len);
	k->len = len;
}

/* Loads @len bytes of pad; @way 0: a to b, 1: b to a. Not yet confirmed. */
static void pad_load(int way, const qkd_id id, const void *bytes, size_t len)
{
	block_at(0, B, way ? QKD_DIR_RX : QKD_DIR_TX, QKD_KIND_PAYLOAD, id,
		 bytes, len);
	block_at(1, DEALER, way ? QKD_DIR_TX : QKD_DIR_RX, QKD_KIND_PAYLOAD,
		 id, bytes, len);
}

/* The kernels confirm a block to each other; 0 or -1. */
static int pad_confirm(const qkd_id id)
{
	struct confirmation a, b;

	return block_tag(qkd_at[0], id, &a) || block_tag(qkd_at[1], id, &b) ||
	       block_confirm(qkd_at[1], id, &a) ||
	       block_confirm(qkd_at[0], id, &b) ? -1 : 0;
}

static UNUSED void pad_more(int way, size_t len)
{
	static unsigned char bytes[BLOCK];
	qkd_id id;

	id_new(id);
	fill_random(bytes, len);
	pad_load(way, id, bytes, len);
	if (pad_confirm(id))
		bail("confirming pad: %s (%s)", strerror(errno), nl_text);
	know(id, bytes, len);
}

static UNUSED void tags_more(void)
{
	pads_tags(0);
	know(tags[0][0].id, tags[0][0].bytes, TAG_BLOCK);
	know(tags[0][1].id, tags[0][1].bytes, TAG_BLOCK);
}

static UNUSED void timeouts(int fd, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

/* A link socket of the namespace this process is in */
static UNUSED int link_socket(void)
{
	int fd = share_socket(SSNPROTO_LINK);

	timeouts(fd, WAIT_S);
	return fd;
}

static UNUSED int listen_at(int service)
{
	struct sockaddr_ssn addr = {
		.ssn_family = family, .ssn_service = service,
	};
	int fd = link_socket();

	if (bind(fd, (void *)&addr, sizeof(addr)) || listen(fd, 16))
		bail("listening at %d: %s", service, strerror(errno));
	return fd;
}

static UNUSED int link_to(int fd, uint32_t node, int service)
{
	struct sockaddr_ssn addr = {
		.ssn_family = family, .ssn_node = node, .ssn_service = service,
	};

	return connect(fd, (void *)&addr, sizeof(addr));
}

struct pair {
	int a, b;
};

static UNUSED struct pair pair_new(void)
{
	struct pair p = { .a = link_socket() };

	if (link_to(p.a, B, SERVICE))
		bail("connect: %s", strerror(errno));
	p.b = accept(listener, NULL, NULL);
	if (p.b < 0)
		bail("accept: %s", strerror(errno));
	timeouts(p.b, WAIT_S);
	return p;
}

static UNUSED void pair_end(struct pair p)
{
	close(p.a);
	close(p.b);
}

/* @via: host that "a" believes "b" to be at */
static UNUSED void link_network(int via)
{
	int i;

	here = ns_new();
	family = family_number();
	dealer_bridge();
	qkd_at[0] = nl_open(false);
	ssn_at[0] = ssn_open();
	for (i = 0; i < 2; i++) {
		member_ns[i] = ns_new();
		qkd_at[i + 1] = nl_open(false);
		ssn_at[i + 1] = ssn_open();
		member_cable(i, NODE(i));
	}
	if (node_set(ssn_at[0], DEALER, SSN_ROLE_SSA, 1) ||
	    node_set(ssn_at[1], B, SSN_ROLE_SHAREHOLDER, B) ||
	    peer_set(ssn_at[0], B, SSN_ROLE_SHAREHOLDER, via) ||
	    peer_set(ssn_at[1], DEALER, SSN_ROLE_SSA, 1))
		bail("configuring: %s (%s)", strerror(errno), nl_text);
	tags_more();
	ns_enter(member_ns[0]);
	listener = listen_at(SERVICE);
	ns_enter(here);
}

#endif
