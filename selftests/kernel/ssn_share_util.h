/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of share sockets: a dealer and MEMBERS members, each a network
 * namespace of its own, with peers, a group and pads.
 *
 *	               +--------- br0 10.9.0.1 ---------+
 *	               |  dealer, node 1 (this process) |
 *	               +--+------+------+------+------+-+
 *	                  |      |      |      |      |
 *	                .11    .12    .13    .14    .15
 *	node, x:        11,21  12,22  13,23  14,24  15,25
 *
 * Whoever defines SCHEME, and X(i) with it, has the group in another scheme.
 *
 * A member is a child process. It keeps the shares it is sent and obeys control
 * messages of text, a command a message:
 *
 *	ping		answers "pong"
 *	count		answers how many shares it keeps
 *	play FROM TO	sends the shares FROM..TO-1 it keeps, as they came
 *	mod FIELD V	from now on it adds V to that field of the heads it sends
 *	cut N		from now on it leaves the last N bytes of shares out
 *	bare		sends "bare" without a head
 *	forget		drops all shares, ends mod and cut
 *	close		closes the connection
 */
#ifndef SSN_SHARE_UTIL_H
#define SSN_SHARE_UTIL_H

#include <arpa/inet.h>
#include <linux/ssn.h>
#include <linux/ssn_genl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "qkd_util.h"

#ifndef MEMBERS
#define MEMBERS		5
#define K		3
#endif
#ifndef SCHEME
#define SCHEME		SSN_SCHEME_SHAMIR
#define X(i)		(21 + (i))
#endif
#define GROUP		7
#define GENERATION	3
#define DEALER		1
#define NODE(i)		(11 + (i))
#define PORT		5808
#define BLOCK		(255 * UNIT)	/* the longest that add_key(2) takes */
#define TAG_BLOCK	(32 * RUN)
#define KEEP_MAX	4096

static int family;
static int here;		/* the dealer's namespace */
static int member_ns[MEMBERS];
static pid_t member_pid[MEMBERS];
static struct nl *qkd_at[MEMBERS + 1], *ssn_at[MEMBERS + 1];

/* --- the netlink family "ssn" */

static UNUSED struct nl *ssn_open(void)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int one = 1;
	char buf[1024];
	struct nlmsghdr *nlh;

	nl->sock = mnl_socket_open(NETLINK_GENERIC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		bail("netlink: %s", strerror(errno));
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	nlh = nl_start(nl, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, SSN_FAMILY_NAME);
	if (nl_talk(nl, nlh, nl_family_cb, nl) || !nl->family)
		bail("no generic netlink family \"ssn\"");
	return nl;
}

static struct sockaddr_in address(int host)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(0x0a090000 | host),
	};

	return sin;
}

static int node_set(struct nl *nl, uint32_t id, uint32_t role, int host)
{
	struct sockaddr_in sin = address(host);
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, SSN_CMD_NODE_SET,
					NLM_F_ACK);

	mnl_attr_put_u32(nlh, SSN_A_NODE_ID, id);
	mnl_attr_put_u32(nlh, SSN_A_NODE_ROLE, role);
	mnl_attr_put(nlh, SSN_A_NODE_ADDR, sizeof(sin), &sin);
	return nl_talk(nl, nlh, NULL, NULL);
}

static int peer_set(struct nl *nl, uint32_t id, uint32_t role, int host)
{
	struct sockaddr_in sin = address(host);
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, SSN_CMD_PEER_SET,
					NLM_F_ACK);

	mnl_attr_put_u32(nlh, SSN_A_PEER_ID, id);
	mnl_attr_put_u32(nlh, SSN_A_PEER_ROLE, role);
	mnl_attr_put(nlh, SSN_A_PEER_ADDR, sizeof(sin), &sin);
	return nl_talk(nl, nlh, NULL, NULL);
}

static UNUSED int peer_del(struct nl *nl, uint32_t id)
{
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, SSN_CMD_PEER_DEL,
					NLM_F_ACK);

	mnl_attr_put_u32(nlh, SSN_A_PEER_ID, id);
	return nl_talk(nl, nlh, NULL, NULL);
}

/* A group of the first @n members; @x: their points, or NULL for X(i) */
static UNUSED int group_set(uint32_t id, uint32_t generation, unsigned int k,
			    unsigned int n, const uint8_t *x)
{
	struct nl *nl = ssn_at[0];
	char buf[4096];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, SSN_CMD_GROUP_SET,
					NLM_F_ACK);
	struct nlattr *nest;
	unsigned int i;

	mnl_attr_put_u32(nlh, SSN_A_GROUP_ID, id);
	mnl_attr_put_u32(nlh, SSN_A_GROUP_GENERATION, generation);
	mnl_attr_put_u32(nlh, SSN_A_GROUP_SCHEME, SCHEME);
	mnl_attr_put_u32(nlh, SSN_A_GROUP_K, k);
	mnl_attr_put_u32(nlh, SSN_A_GROUP_N, n);
	for (i = 0; i < n; i++) {
		nest = mnl_attr_nest_start(nlh, SSN_A_GROUP_MEMBER);
		mnl_attr_put_u32(nlh, SSN_A_MEMBER_NODE, NODE(i));
		mnl_attr_put_u32(nlh, SSN_A_MEMBER_X, x ? x[i] : X(i));
		mnl_attr_nest_end(nlh, nest);
	}
	return nl_talk(nl, nlh, NULL, NULL);
}

static UNUSED int group_del(uint32_t id)
{
	struct nl *nl = ssn_at[0];
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, SSN_CMD_GROUP_DEL,
					NLM_F_ACK);

	mnl_attr_put_u32(nlh, SSN_A_GROUP_ID, id);
	return nl_talk(nl, nlh, NULL, NULL);
}

struct counter {
	int attr;
	uint64_t value;
};

static int counter_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *a[64] = {}, *sub;
	struct counter *c = data;

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), nl_attr, a);
	if (!a[SSN_A_STATS_COUNTERS])
		return MNL_CB_OK;
	mnl_attr_for_each_nested(sub, a[SSN_A_STATS_COUNTERS])
		if (mnl_attr_get_type(sub) == c->attr)
			c->value = attr_num(sub);
	return MNL_CB_OK;
}

/* A counter of the dealer for one peer */
static UNUSED uint64_t counter(uint32_t peer, int attr)
{
	struct nl *nl = ssn_at[0];
	struct counter c = { .attr = attr };
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, SSN_CMD_STATS_GET,
					NLM_F_ACK);

	mnl_attr_put_u32(nlh, SSN_A_STATS_PEER, peer);
	if (nl_talk(nl, nlh, counter_cb, &c))
		bail("stats-get: %s (%s)", strerror(errno), nl_text);
	return c.value;
}

/* A counter of a whole node: the dealer's (@at 0) or of member @at - 1 */
static UNUSED uint64_t count_at(int at, int attr)
{
	struct counter c = { .attr = attr };
	char buf[1024];
	struct nl *nl = ssn_at[at];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, SSN_CMD_STATS_GET,
					NLM_F_ACK);

	if (nl_talk(nl, nlh, counter_cb, &c))
		bail("stats-get: %s (%s)", strerror(errno), nl_text);
	return c.value;
}

/* Counts what a dump lists. */
static UNUSED int conns_cb(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	++*(int *)data;
	return MNL_CB_OK;
}

/* How many connections a node has */
static UNUSED int conns_at(int at)
{
	struct nl *nl = ssn_at[at];
	char buf[1024];
	int n = 0;

	if (nl_talk(nl, nl_start(nl, buf, nl->family, SSN_CMD_CONN_GET,
				 NLM_F_DUMP), conns_cb, &n))
		bail("conn-get: %s (%s)", strerror(errno), nl_text);
	return n;
}

/* Everywhere: a connection is one at either end. */
static UNUSED int conns(void)
{
	int at, n = 0;

	for (at = 0; at <= MEMBERS; at++)
		n += conns_at(at);
	return n;
}

/* --- messages */

static UNUSED int share_socket(int protocol)
{
	int fd = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		bail("socket: %s", strerror(errno));
	return fd;
}

static UNUSED ssize_t put(int fd, const struct ssn_share *head, const void *data,
			  size_t len, int flags)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(*head))];
	} control = {};
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (head) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SSN;
		cmsg->cmsg_type = SSN_SHARE;
		cmsg->cmsg_len = CMSG_LEN(sizeof(*head));
		memcpy(CMSG_DATA(cmsg), head, sizeof(*head));
	}
	return sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
}

/* @head: zeroed if none came */
static UNUSED ssize_t take(int fd, struct ssn_share *head, void *data, size_t len,
			   int flags)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(*head))];
	} control;
	struct iovec iov = { data, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t ret;

	memset(head, 0, sizeof(*head));
	ret = recvmsg(fd, &msg, flags);
	if (ret < 0)
		return ret;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == SOL_SSN && cmsg->cmsg_type == SSN_SHARE)
			memcpy(head, CMSG_DATA(cmsg), sizeof(*head));
	return ret;
}

/* --- a member */

struct kept {
	struct ssn_share head;
	size_t len;
	uint8_t *data;
};

struct member {
	struct kept kept[KEEP_MAX];
	int count, cut;
	struct ssn_share mod;
};

static void member_forget(struct member *m)
{
	while (m->count)
		free(m->kept[--m->count].data);
	memset(&m->mod, 0, sizeof(m->mod));
	m->cut = 0;
}

static void member_play(struct member *m, int fd, int from, int to)
{
	for (; from < to && from < m->count; from++) {
		struct ssn_share head = m->kept[from].head;

		head.group += m->mod.group;
		head.generation += m->mod.generation;
		head.k += m->mod.k;
		head.n += m->mod.n;
		head.x += m->mod.x;
		head.scheme += m->mod.scheme;
		head.epoch += m->mod.epoch;
		head.deal += m->mod.deal;
		head.message += m->mod.message;
		head.segment += m->mod.segment;
		head.version += m->mod.version;
		head.provenance += m->mod.provenance;
		head.object[15] += m->mod.object[15];
		put(fd, &head, m->kept[from].data, m->kept[from].len - m->cut,
		    0);
	}
}

static void member_mod(struct member *m, const char *field, int v)
{
#define MOD(f) if (!strcmp(field, #f)) m->mod.f = v
	MOD(group);
	MOD(generation);
	MOD(k);
	MOD(n);
	MOD(x);
	MOD(scheme);
	MOD(epoch);
	MOD(deal);
	MOD(message);
	MOD(segment);
	MOD(version);
	MOD(provenance);
#undef MOD
	if (!strcmp(field, "object"))
		m->mod.object[15] = v;
}

/* Whether the connection goes on */
static bool member_obey(struct member *m, int fd, const char *text)
{
	struct ssn_share head = { .flags = SSN_SHARE_CONTROL };
	char field[32], answer[64];
	int a, b;

	if (!strcmp(text, "ping")) {
		put(fd, &head, "pong", 4, 0);
	} else if (!strcmp(text, "count")) {
		sprintf(answer, "%d", m->count);
		put(fd, &head, answer, strlen(answer), 0);
	} else if (!strcmp(text, "bare")) {
		put(fd, NULL, "bare", 4, 0);
	} else if (!strcmp(text, "forget")) {
		member_forget(m);
	} else if (sscanf(text, "play %d %d", &a, &b) == 2) {
		member_play(m, fd, a, b);
	} else if (sscanf(text, "mod %31s %d", field, &a) == 2) {
		member_mod(m, field, a);
	} else if (sscanf(text, "cut %d", &a) == 1) {
		m->cut = a;
	} else if (!strcmp(text, "close")) {
		return false;
	}
	return true;
}

static void member_serve(int fd)
{
	static struct member m;
	static char buf[SSN_MSG_MAX + 1];
	struct ssn_share head;
	ssize_t len;

	for (;;) {
		len = take(fd, &head, buf, SSN_MSG_MAX, 0);
		if (len < 0 || (!len && !head.group && !head.flags))
			break;
		if (head.flags & SSN_SHARE_CONTROL) {
			buf[len] = 0;
			if (!member_obey(&m, fd, buf))
				break;
		} else if (m.count < KEEP_MAX) {
			struct kept *k = &m.kept[m.count++];

			k->head = head;
			k->len = len;
			k->data = malloc(len + 1);
			memcpy(k->data, buf, len);
		}
	}
	member_forget(&m);
	close(fd);
}

/* One connection after the other, each in a process of its own */
static void member_main(int ready)
{
	struct sockaddr_ssn addr = {
		.ssn_family = family, .ssn_service = SSN_SERVICE_AS,
	};
	int fd = share_socket(SSNPROTO_LINK), conn;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	if (bind(fd, (void *)&addr, sizeof(addr)) || listen(fd, 8))
		_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		conn = accept(fd, NULL, NULL);
		if (conn < 0)
			_exit(1);
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(fd);
			member_serve(conn);
			_exit(0);
		}
		close(conn);
	}
}

static UNUSED void member_start(int i)
{
	int ready[2];
	char byte;

	if (pipe(ready))
		bail("pipe: %s", strerror(errno));
	member_pid[i] = fork();
	if (!member_pid[i]) {
		setpgid(0, 0);
		close(ready[0]);
		ns_enter(member_ns[i]);
		member_main(ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bail("member %d does not listen", i);
	close(ready[0]);
}

/*
 * With all its connections' processes. Killed, all are waited for: one that was
 * just made may still hold the listening socket. Before that it is stopped, since
 * User-Mode Linux 6.12 panics when a process is killed in the middle of a fork.
 */
static UNUSED void member_signal(int i, int sig)
{
	int status;

	if (sig == SIGKILL) {
		kill(member_pid[i], SIGSTOP);
		waitpid(member_pid[i], &status, WUNTRACED);
	}
	kill(-member_pid[i], sig);
	if (sig == SIGKILL)
		while (waitpid(-member_pid[i], NULL, 0) > 0)
			;
}

/* --- pads */

struct tag_block {
	qkd_id id;
	unsigned char bytes[TAG_BLOCK];
	int slot;		/* next for confirmations */
};

/* [0]: dealer to member, [1]: member to dealer; those loaded last */
static struct tag_block tags[MEMBERS][2];

static void block_at(int at, uint32_t peer, int dir, int kind, const qkd_id id,
		     const void *bytes, size_t len)
{
	int ring;

	ns_enter(at ? member_ns[at - 1] : here);
	ring = ring_serial(qkd_at[at]);
	if (block_add(ring, peer, dir, kind, id, bytes, len) < 0)
		bail("add_key of %zu bytes: %s", len, strerror(errno));
	ns_enter(here);
}

/* One tag block each way between the dealer and member @i */
static UNUSED void pads_tags(int i)
{
	int way;

	for (way = 0; way < 2; way++) {
		struct tag_block *t = &tags[i][way];
		int d = way ? QKD_DIR_RX : QKD_DIR_TX;
		int m = way ? QKD_DIR_TX : QKD_DIR_RX;

		id_new(t->id);
		fill_random(t->bytes, sizeof(t->bytes));
		t->slot = 2;
		block_at(0, NODE(i), d, QKD_KIND_TAG, t->id, t->bytes,
			 TAG_BLOCK);
		block_at(i + 1, DEALER, m, QKD_KIND_TAG, t->id, t->bytes,
			 TAG_BLOCK);
		/* who receives first: else who sends may begin before */
		if ((way && tag_block_confirm(qkd_at[0], d, t->id, t->bytes,
					      TAG_BLOCK)) ||
		    tag_block_confirm(qkd_at[i + 1], m, t->id, t->bytes,
				      TAG_BLOCK) ||
		    (!way && tag_block_confirm(qkd_at[0], d, t->id, t->bytes,
					       TAG_BLOCK)))
			bail("confirming tags: %s (%s)", strerror(errno),
			     nl_text);
	}
}

/* What pads_payload() loaded */
static struct {
	int i, way;
	qkd_id id;
} pads_loaded[512];
static int npads_loaded;

/* @len bytes of payload pad; @way 0: dealer to member @i, 1: back */
static UNUSED void pads_payload(int i, int way, size_t len)
{
	static unsigned char bytes[BLOCK];
	int d = way ? QKD_DIR_RX : QKD_DIR_TX;
	int m = way ? QKD_DIR_TX : QKD_DIR_RX;
	struct tag_block *to_dealer = &tags[i][1], *to_member = &tags[i][0];
	qkd_id id;

	id_new(id);
	fill_random(bytes, len);
	block_at(0, NODE(i), d, QKD_KIND_PAYLOAD, id, bytes, len);
	block_at(i + 1, DEALER, m, QKD_KIND_PAYLOAD, id, bytes, len);
	if ((way && payload_confirm(qkd_at[0], d, id, bytes, len, to_dealer->id,
				    to_dealer->bytes, to_dealer->slot++)) ||
	    payload_confirm(qkd_at[i + 1], m, id, bytes, len, to_member->id,
			    to_member->bytes, to_member->slot++) ||
	    (!way && payload_confirm(qkd_at[0], d, id, bytes, len,
				     to_dealer->id, to_dealer->bytes,
				     to_dealer->slot++)))
		bail("confirming pad: %s (%s)", strerror(errno), nl_text);
	if (npads_loaded == (int)(sizeof(pads_loaded) / sizeof(*pads_loaded)))
		bail("more blocks than the test has");
	pads_loaded[npads_loaded].i = i;
	pads_loaded[npads_loaded].way = way;
	memcpy(pads_loaded[npads_loaded++].id, id, sizeof(qkd_id));
}

/* All pads from the dealer to member @i become void at the dealer */
static UNUSED void pads_void(int i)
{
	int n;

	for (n = 0; n < npads_loaded; n++)
		if (pads_loaded[n].i == i && !pads_loaded[n].way)
			block_void_now(qkd_at[0], pads_loaded[n].id);
}

/* Member @i has @blocks blocks each way more */
static UNUSED void pads_more(int i, int blocks)
{
	while (blocks--) {
		pads_payload(i, 0, BLOCK);
		pads_payload(i, 1, BLOCK);
	}
}

/* --- the whole */

/* Commands of ip(8), a line each: under emulation, starting programs takes longest */
__attribute__((format(printf, 1, 2)))
static void ip(const char *fmt, ...)
{
	FILE *f = popen("exec ip -batch -", "w");
	va_list ap;

	if (!f)
		bail("ip: %s", strerror(errno));
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	if (pclose(f))
		bail("ip: %s", fmt);
}

/* The dealer's bridge, in the namespace it is in */
static UNUSED void dealer_bridge(void)
{
	ip("link set lo up\nlink add br0 type bridge forward_delay 0\n"
	   "addr add 10.9.0.1/24 dev br0\nlink set br0 up\n");
}

/* A cable from there to @member_ns[@i] */
static UNUSED void member_cable(int i, int host)
{
	ns_enter(here);
	ip("link add m%d type veth peer name eth0 netns /proc/%d/fd/%d\n"
	   "link set m%d master br0 up\n", i, getpid(), member_ns[i], i);
	ns_enter(member_ns[i]);
	ip("link set lo up\naddr add 10.9.0.%d/24 dev eth0\n"
	   "link set eth0 up\n", host);
	ns_enter(here);
}

static UNUSED int family_number(void)
{
	int number = 0;
	FILE *f = fopen("/proc/sys/net/ssn/family", "r");

	if (!f || fscanf(f, "%d", &number) != 1)
		bail("no /proc/sys/net/ssn/family: is ssn_crypt loaded?");
	fclose(f);
	return number;
}

/* Namespaces, cables, peers, a group; @blocks of pad each way */
static UNUSED void share_network(int blocks)
{
	int i;

	prctl(PR_SET_CHILD_SUBREAPER, 1);	/* for member_signal() */
	here = ns_new();
	family = family_number();
	dealer_bridge();
	qkd_at[0] = nl_open(false);
	ssn_at[0] = ssn_open();
	for (i = 0; i < MEMBERS; i++) {
		member_ns[i] = ns_new();
		qkd_at[i + 1] = nl_open(false);
		ssn_at[i + 1] = ssn_open();
		member_cable(i, NODE(i));
	}
	if (node_set(ssn_at[0], DEALER, SSN_ROLE_SSA, 1))
		bail("node-set: %s (%s)", strerror(errno), nl_text);
	for (i = 0; i < MEMBERS; i++)
		if (node_set(ssn_at[i + 1], NODE(i), SSN_ROLE_SHAREHOLDER,
			     NODE(i)) ||
		    peer_set(ssn_at[i + 1], DEALER, SSN_ROLE_SSA, 1) ||
		    peer_set(ssn_at[0], NODE(i), SSN_ROLE_SHAREHOLDER, NODE(i)))
			bail("peer-set: %s (%s)", strerror(errno), nl_text);
	if (group_set(GROUP, GENERATION, K, MEMBERS, NULL))
		bail("group-set: %s (%s)", strerror(errno), nl_text);
	for (i = 0; i < MEMBERS; i++) {
		pads_tags(i);
		pads_more(i, blocks);
	}
}

/* The same, and members that obey */
static UNUSED void members_begin(int blocks)
{
	int i;

	share_network(blocks);
	for (i = 0; i < MEMBERS; i++)
		member_start(i);
}

static UNUSED void members_end(void)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		member_signal(i, SIGKILL);
}

static UNUSED int share_connect(int fd, uint32_t group)
{
	struct sockaddr_ssn addr = { .ssn_family = family, .ssn_group = group };

	return connect(fd, (void *)&addr, sizeof(addr));
}

/* A connected share socket; receiving and sending wait for at most 20 s */
static UNUSED int share_to(uint32_t group)
{
	struct timeval tv = { .tv_sec = 20 };
	int fd = share_socket(SSNPROTO_SHARE);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (share_connect(fd, group))
		bail("connecting to group %u: %s", group, strerror(errno));
	return fd;
}

/* A command to the member at @x, or to all for 0 */
static UNUSED int tell(int fd, int x, const char *text)
{
	struct ssn_share head = { .flags = SSN_SHARE_CONTROL, .x = x };

	return put(fd, &head, text, strlen(text), 0) == (ssize_t)strlen(text) ?
	       0 : -1;
}

static UNUSED int set_option(int fd, int name, int value)
{
	return setsockopt(fd, SOL_SSN, name, &value, sizeof(value));
}

/* Bit i of @members stands for member i */
static UNUSED int set_xset(int fd, int name, unsigned int members)
{
	struct ssn_xset set = {};
	int i;

	for (i = 0; i < MEMBERS; i++)
		if (members >> i & 1)
			set.bits[X(i) / 64] |= 1ULL << X(i) % 64;
	return setsockopt(fd, SOL_SSN, name, &set, sizeof(set));
}

static UNUSED int members_of(int fd, struct ssn_member *row)
{
	socklen_t len = MEMBERS * sizeof(*row);

	return getsockopt(fd, SOL_SSN, SSN_MEMBERS, row, &len) ?
	       -1 : (int)(len / sizeof(*row));
}

static UNUSED int member_state(int fd, int i)
{
	struct ssn_member row[MEMBERS];

	return members_of(fd, row) == MEMBERS ? row[i].state : -1;
}

static UNUSED int member_error(int fd, int i)
{
	struct ssn_member row[MEMBERS];

	return members_of(fd, row) == MEMBERS ? row[i].error : -1;
}

static UNUSED int polled(int fd, int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms) < 0 ? -1 : p.revents;
}

/* Head of a data message */
static UNUSED struct ssn_share head_of(uint64_t deal, uint64_t message)
{
	struct ssn_share head = {
		.epoch = 5, .deal = deal, .message = message, .version = 2,
		.segment = 9, .object = "an object's id.",
	};

	return head;
}

#endif
