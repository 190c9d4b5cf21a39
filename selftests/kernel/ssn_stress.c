// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once on two CPUs: several threads connect, send, receive and
 * close on the same link and share sockets, others change peers, addresses and
 * groups, make and leave namespaces with sockets open, and try to unload the
 * modules. Each message that is received must be what was sent; afterwards the
 * books balance and nothing is left.
 *
 * STRESS_SECONDS and STRESS_SEED in the environment: 25 s otherwise.
 *
 * kernels: debian
 * timeout: 240
 */
#define MEMBERS		4
#define K		2

#include "ssn_echo_util.h"

#define ACTORS		5
#define FD0		300	/* sockets stand at fixed numbers */
#define LINKS		8
#define SHARES		6
#define GROUPS		2	/* GROUP and the one after it */
#define BACKLOG		4	/* pairs of namespaces on their way out */

static volatile bool stop;

static struct {
	unsigned long opened, connected, sent, received, wrong, closed;
	unsigned long peers, routes, groups, dumps, namespaces, refused;
	unsigned long unloaded;
} did;

#define count(what) __atomic_add_fetch(&did.what, 1, __ATOMIC_RELAXED)

/* --- chance (splitmix64: Steele, Lea, Flood, 2014) */

static uint64_t seed;

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t below(uint64_t *random, uint32_t n)
{
	return mix(*random += 0x9e3779b97f4a7c15) % n;
}

/* --- messages: the deal in the head says what is in it */

static uint64_t deals;

static size_t length_of(uint64_t deal)
{
	uint64_t z = mix(deal);

	return z % 64 ? 1 + z / 64 % (z % 8 ? 3000 : 70000) : SSN_MSG_MAX;
}

static void fill(uint64_t deal, unsigned char *buf, size_t len)
{
	uint64_t z = mix(deal + 1);
	size_t i;

	for (i = 0; i + 8 <= len; i += 8, z += 0x9e3779b97f4a7c15)
		memcpy(buf + i, &z, 8);
	memset(buf + i, z, len - i);
}

static void check(uint64_t deal, const unsigned char *got, size_t len,
		  unsigned char *room)
{
	size_t want = length_of(deal);

	count(received);
	fill(deal, room, want);
	if ((len == want && !memcmp(got, room, len)) || count(wrong) > 3)
		return;
	diag("message %llu: %zu bytes of %zu, not as it was sent",
	     (unsigned long long)deal, len, want);
}

/* --- sockets, which all actors use */

struct actor {
	pthread_t thread;
	uint64_t random;
	unsigned char *out, *in;
};

static bool is_share(int fd)
{
	return fd >= FD0 + LINKS;
}

static void do_open(struct actor *a, int fd)
{
	struct timeval tv = { .tv_usec = 1000 + below(&a->random, 300000) };
	int wait = below(&a->random, 4), new;
	struct sockaddr_ssn addr = { .ssn_family = family };

	new = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC |
		     (wait ? 0 : SOCK_NONBLOCK),
		     is_share(fd) ? SSNPROTO_SHARE : SSNPROTO_LINK);
	if (new < 0)
		bail("socket: %s", strerror(errno));
	setsockopt(new, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(new, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	dup3(new, fd, O_CLOEXEC);
	close(new);
	count(opened);
	if (is_share(fd)) {
		addr.ssn_group = GROUP + below(&a->random, GROUPS);
	} else {
		addr.ssn_node = NODE(below(&a->random, MEMBERS));
		addr.ssn_service = SSN_SERVICE_AS;
	}
	if (!connect(fd, (void *)&addr, sizeof(addr)))
		count(connected);
	else if (!below(&a->random, 8))
		close(fd);	/* in the middle of it, if it did not wait */
	else if (!wait)
		polled(fd, POLLOUT, 200);
}

/* Whether the socket may be used on */
static bool do_send(struct actor *a, int fd)
{
	uint64_t deal = __atomic_add_fetch(&deals, 1, __ATOMIC_RELAXED);
	struct ssn_share head = head_of(deal, 0);
	size_t len = length_of(deal);

	fill(deal, a->out, len);
	if (put(fd, &head, a->out, len,
		below(&a->random, 3) ? MSG_DONTWAIT : 0) == (ssize_t)len) {
		count(sent);
		return true;
	}
	return errno == EAGAIN || errno == ENOKEY || errno == EINTR ||
	       errno == ECOMM;
}

static void do_recv(struct actor *a, int fd)
{
	struct ssn_share head;
	ssize_t len;

	len = take(fd, &head, a->in, SSN_MSG_MAX,
		   below(&a->random, 3) ? MSG_DONTWAIT : 0);
	if (len > 0)
		check(head.deal, a->in, len, a->out);
}

/* What is asked of a socket while others use it */
static void do_ask(struct actor *a, int fd)
{
	struct ssn_member row[MEMBERS];
	struct ssn_peer_info info;
	socklen_t len = sizeof(info);
	unsigned int set = 0;
	int i;

	if (!is_share(fd)) {
		getsockopt(fd, SOL_SSN, SSN_PEER, &info, &len);
		polled(fd, POLLIN | POLLOUT, below(&a->random, 3));
		return;
	}
	if (members_of(fd, row) == MEMBERS)
		for (i = 0; i < MEMBERS; i++)
			set |= (row[i].state == SSN_MEMBER_LIVE) << i;
	set_xset(fd, below(&a->random, 3) ? SSN_WRITE_SET : SSN_READ_SET, set);
	polled(fd, POLLIN | POLLOUT | POLLPRI, below(&a->random, 3));
}

static void *act(void *arg)
{
	struct actor *a = arg;
	int fd, n;

	ns_enter(here);
	while (!stop) {
		fd = FD0 + below(&a->random, LINKS + SHARES);
		switch (below(&a->random, 16)) {
		case 0 ... 1:
			do_ask(a, fd);
			break;
		case 2:
			if (below(&a->random, 2))
				shutdown(fd, below(&a->random, 3));
			else if (!close(fd))
				count(closed);
			break;
		default:
			for (n = below(&a->random, 6); n; n--) {
				if (!do_send(a, fd)) {
					do_open(a, fd);
					break;
				}
				do_recv(a, fd);
			}
			break;
		}
	}
	return NULL;
}

/* --- what an administrator changes meanwhile */

static int dump(struct nl *nl, int cmd)
{
	char buf[1024];
	int n = 0;

	if (nl_talk(nl, nl_start(nl, buf, nl->family, cmd, NLM_F_DUMP),
		    conns_cb, &n))
		bail("dump: %s (%s)", strerror(errno), nl_text);
	return n;
}

static void peers_back(void)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		if (peer_set(ssn_at[0], NODE(i), SSN_ROLE_SHAREHOLDER, NODE(i)))
			bail("peer-set: %s (%s)", strerror(errno), nl_text);
}

static uint32_t generation = GENERATION;

static void groups_back(void)
{
	int i;

	generation++;
	for (i = 0; i < GROUPS; i++)
		if (group_set(GROUP + i, generation, K, MEMBERS, NULL))
			bail("group-set: %s (%s)", strerror(errno), nl_text);
}

static void *administer(void *unused)
{
	uint64_t random = seed + 100;
	static const int cmds[] = {
		SSN_CMD_PEER_GET, SSN_CMD_GROUP_GET, SSN_CMD_CONN_GET,
	};
	int i;

	(void)unused;
	ns_enter(here);
	while (!stop) {
		i = below(&random, MEMBERS);
		switch (below(&random, 16)) {
		case 0:
			peer_del(ssn_at[0], NODE(i));
			count(peers);
			break;
		case 1:
			/* an address where nobody is */
			peer_set(ssn_at[0], NODE(i), SSN_ROLE_SHAREHOLDER,
				 i % 2 ? 250 : 1);
			count(routes);
			break;
		case 2:
			group_del(GROUP + below(&random, GROUPS));
			count(groups);
			break;
		case 3:
			if (node_set(ssn_at[0], DEALER + 1, SSN_ROLE_SSA, 1) ==
			    0)
				node_set(ssn_at[0], DEALER, SSN_ROLE_SSA, 1);
			break;
		default:
			dump(ssn_at[0], cmds[below(&random, 3)]);
			count(dumps);
			break;
		}
		poll(NULL, 0, below(&random, 50));
		peers_back();
		groups_back();
		poll(NULL, 0, below(&random, 400));
	}
	return NULL;
}

/* Sockets are open all the time: neither module may go. */
static void *unload(void *unused)
{
	(void)unused;
	while (!stop) {
		if (!syscall(SYS_delete_module, "ssn_crypt", O_NONBLOCK))
			count(unloaded);
		else if (errno == EWOULDBLOCK)
			count(refused);
		if (!syscall(SYS_delete_module, "qkd_keyring", O_NONBLOCK))
			count(unloaded);
		poll(NULL, 0, 5);
	}
	return NULL;
}

/* --- namespaces that are left with sockets open */

struct site {
	int ns;
	struct nl *qkd, *ssn;
};

/* One block from @from to @to, who are nodes 1 and 11 or the other way round */
static void one_block(struct site *from, struct site *to, uint32_t from_id,
		      uint32_t to_id, int kind, qkd_id id,
		      unsigned char *bytes, size_t len)
{
	struct confirmation a, b;

	id_new(id);
	fill_random(bytes, len);
	ns_enter(from->ns);
	if (block_add(ring_serial(from->qkd), to_id, QKD_DIR_TX, kind, id,
		      bytes, len) < 0)
		bail("block: %s", strerror(errno));
	ns_enter(to->ns);
	if (block_add(ring_serial(to->qkd), from_id, QKD_DIR_RX, kind, id,
		      bytes, len) < 0)
		bail("block: %s", strerror(errno));
	if (block_tag(from->qkd, id, &a) || block_tag(to->qkd, id, &b) ||
	    block_confirm(to->qkd, id, &a) || block_confirm(from->qkd, id, &b))
		bail("confirm: %s (%s)", strerror(errno), nl_text);
}

static void site_new(struct site *s)
{
	s->ns = ns_new();
	s->qkd = nl_open(false);
	s->ssn = ssn_open();
}

/* A namespace is held by its sockets only after that. */
static void site_leave(struct site *s)
{
	nl_close(s->qkd);
	nl_close(s->ssn);
	close(s->ns);
}

static void sites_link(struct site *a, struct site *b)
{
	ns_enter(a->ns);
	ip("link add v type veth peer name v netns /proc/%d/fd/%d\n"
	   "addr add 10.9.0.1/24 dev v\nlink set v up\n", getpid(), b->ns);
	ns_enter(b->ns);
	ip("addr add 10.9.0.11/24 dev v\nlink set v up\n");
	if (node_set(a->ssn, 1, SSN_ROLE_SSA, 1) ||
	    node_set(b->ssn, 11, SSN_ROLE_SHAREHOLDER, 11) ||
	    peer_set(a->ssn, 11, SSN_ROLE_SHAREHOLDER, 11) ||
	    peer_set(b->ssn, 1, SSN_ROLE_SSA, 1))
		bail("sites: %s (%s)", strerror(errno), nl_text);
}

static int site_socket(void)
{
	struct timeval tv = { .tv_sec = 5 };
	int fd = share_socket(SSNPROTO_LINK);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	return fd;
}

static char last_key[UUID_TEXT];

static void one_round(uint64_t *random)
{
	static unsigned char bytes[64 * UNIT];
	struct sockaddr_ssn addr = {
		.ssn_family = family, .ssn_service = SSN_SERVICE_DYNAMIC,
	};
	struct linger hard = { .l_onoff = 1 };
	struct sockaddr_in sin = address(11);
	int home = ns_here(), fd[12], n = 0, i, j, tmp;
	struct site a, b;
	qkd_id id;

	site_new(&a);
	site_new(&b);
	sites_link(&a, &b);
	one_block(&a, &b, 1, 11, QKD_KIND_TAG, id, bytes, 16 * RUN);
	one_block(&b, &a, 11, 1, QKD_KIND_TAG, id, bytes, 16 * RUN);
	one_block(&a, &b, 1, 11, QKD_KIND_PAYLOAD, id, bytes, sizeof(bytes));
	one_block(&b, &a, 11, 1, QKD_KIND_PAYLOAD, id, bytes, sizeof(bytes));
	id_text(id, last_key);

	ns_enter(b.ns);
	fd[n++] = site_socket();
	if (bind(fd[0], (void *)&addr, sizeof(addr)) || listen(fd[0], 8))
		bail("listen: %s", strerror(errno));
	ns_enter(a.ns);
	addr.ssn_node = 11;
	for (i = 0; i < 4; i++) {
		fd[n] = site_socket();
		if (i == 3)
			fcntl(fd[n], F_SETFL, O_NONBLOCK);
		if (!connect(fd[n], (void *)&addr, sizeof(addr)))
			put(fd[n], NULL, bytes, 5000, MSG_DONTWAIT);
		n++;
	}
	for (i = 0; i < 2; i++) {
		fd[n] = accept(fd[0], NULL, NULL);
		if (fd[n] >= 0)
			put(fd[n++], NULL, bytes, 5000, MSG_DONTWAIT);
	}
	for (i = 0; i < 3; i++) {	/* half open */
		fd[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		/* or TCP would hold the namespace to say goodbye */
		setsockopt(fd[n], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		connect(fd[n++], (void *)&sin, sizeof(sin));
	}
	if (below(random, 2))
		ip("link del v\n");
	site_leave(&a);
	site_leave(&b);
	ns_enter(home);
	close(home);
	for (i = n; i > 1; i--) {
		j = below(random, i);
		tmp = fd[i - 1];
		fd[i - 1] = fd[j];
		fd[j] = tmp;
	}
	while (n)
		close(fd[--n]);
	count(namespaces);
}

static void *namespaces(void *unused)
{
	uint64_t random = seed + 200;

	(void)unused;
	ns_enter(here);
	while (!stop) {
		one_round(&random);
		/* the kernel takes them down one by one: no faster than it can */
		if (did.namespaces % BACKLOG == 0)
			until(stop || !key_listed(last_key), 60);
	}
	return NULL;
}

/* --- the whole */

static uint64_t loaded[MEMBERS][2];

static void payload(int i, int way)
{
	pads_payload(i, way, BLOCK);
	loaded[i][way] += BLOCK;
}

static void stock(void)
{
	struct pool pool;
	int i;

	for (i = 0; i < MEMBERS; i++) {
		if (tags[i][0].slot > 50 || tags[i][1].slot > 50 ||
		    (!pool_get(qkd_at[0], NODE(i), QKD_DIR_TX, QKD_KIND_TAG,
			       &pool) && pool.usable < 16 * RUN) ||
		    (!pool_get(qkd_at[i + 1], DEALER, QKD_DIR_TX,
			       QKD_KIND_TAG, &pool) && pool.usable < 16 * RUN))
			pads_tags(i);
		if (!pool_get(qkd_at[0], NODE(i), QKD_DIR_TX,
			      QKD_KIND_PAYLOAD, &pool) &&
		    pool.usable < 2 * BLOCK)
			payload(i, 0);
		if (!pool_get(qkd_at[i + 1], DEALER, QKD_DIR_TX,
			      QKD_KIND_PAYLOAD, &pool) &&
		    pool.usable < 2 * BLOCK)
			payload(i, 1);
	}
}

static uint64_t count_of_members(int attr)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < MEMBERS; i++)
		sum += count_at(i + 1, attr);
	return sum;
}

/* What arrived was sent; nobody did anything that he may not. */
static void counters(struct __test_metadata *_metadata)
{
	static const struct {
		int tx, rx;
		const char *name;
	} pairs[] = {
		{ SSN_A_COUNTERS_TX_MESSAGES, SSN_A_COUNTERS_RX_MESSAGES,
		  "messages" },
		{ SSN_A_COUNTERS_TX_RECORDS, SSN_A_COUNTERS_RX_RECORDS,
		  "records" },
		{ SSN_A_COUNTERS_TX_BYTES, SSN_A_COUNTERS_RX_BYTES, "bytes" },
		{ SSN_A_COUNTERS_TX_PAD_BYTES, SSN_A_COUNTERS_RX_PAD_BYTES,
		  "bytes of pad" },
	};
	static const struct {
		int attr;
		const char *name;
	} bad[] = {
		{ SSN_A_COUNTERS_BAD_TAG, "tag" },
		{ SSN_A_COUNTERS_BAD_SEQ, "sequence" },
		{ SSN_A_COUNTERS_BAD_LENGTH, "length" },
		{ SSN_A_COUNTERS_BAD_TYPE, "type" },
		{ SSN_A_COUNTERS_BAD_LEASE, "lease" },
		{ SSN_A_COUNTERS_BAD_SHARE, "share" },
		{ SSN_A_COUNTERS_REPLAYED_HELLO, "HELLO again" },
	};
	unsigned int i;
	uint64_t n;

	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		uint64_t tx = count_at(0, pairs[i].tx);
		uint64_t rx = count_of_members(pairs[i].rx);
		uint64_t back = count_of_members(pairs[i].tx);
		uint64_t got = count_at(0, pairs[i].rx);

		EXPECT_TRUE(rx && rx <= tx && got && got <= back)
			TH_LOG("%s: %llu of %llu arrived, %llu of %llu back",
			       pairs[i].name, (unsigned long long)rx,
			       (unsigned long long)tx, (unsigned long long)got,
			       (unsigned long long)back);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		n = count_at(0, bad[i].attr) + count_of_members(bad[i].attr);
		EXPECT_EQ(0, n)
			TH_LOG("nobody was accused of a wrong %s", bad[i].name);
	}
}

/* Every byte of pad is somewhere, and none is held. */
static void books(struct __test_metadata *_metadata)
{
	struct pool tx, rx;
	int i, way, bad = 0;

	for (i = 0; i < MEMBERS; i++)
		for (way = 0; way < 2; way++) {
			pool_get(qkd_at[way ? i + 1 : 0], way ? DEALER : NODE(i),
				 QKD_DIR_TX, QKD_KIND_PAYLOAD, &tx);
			pool_get(qkd_at[way ? 0 : i + 1], way ? NODE(i) : DEALER,
				 QKD_DIR_RX, QKD_KIND_PAYLOAD, &rx);
			if (!tx.leased && !rx.leased && rx.spent <= tx.spent &&
			    tx.usable + tx.spent + tx.voided ==
			    loaded[i][way] &&
			    rx.usable + rx.spent + rx.voided == loaded[i][way])
				continue;
			bad++;
			diag("node %d way %d of %llu: tx %llu + %llu + %llu, rx %llu + %llu + %llu, leased %llu %llu",
			     NODE(i), way, (unsigned long long)loaded[i][way],
			     (unsigned long long)tx.usable,
			     (unsigned long long)tx.spent,
			     (unsigned long long)tx.voided,
			     (unsigned long long)rx.usable,
			     (unsigned long long)rx.spent,
			     (unsigned long long)rx.voided,
			     (unsigned long long)tx.leased,
			     (unsigned long long)rx.leased);
		}
	EXPECT_EQ(0, bad)
		TH_LOG("the books of all pools balance");
}

static void interrupt(int sig)
{
	(void)sig;	/* a call that waits gives EINTR */
}

static bool joined(pthread_t thread)
{
	struct timespec soon;
	double end = now() + 120;

	while (now() < end) {
		pthread_kill(thread, SIGUSR1);
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_sec++;
		if (!pthread_timedjoin_np(thread, NULL, &soon))
			return true;
	}
	return false;
}

static void last_message(struct __test_metadata *_metadata)
{
	static unsigned char in[SSN_MSG_MAX], out[SSN_MSG_MAX];
	struct ssn_share head = head_of(1ULL << 40, 0);
	size_t len = length_of(head.deal);
	int fd;

	stock();
	fill(head.deal, out, len);
	fd = share_to(GROUP);
	EXPECT_EQ(len, put(fd, &head, out, len, 0))
		TH_LOG("a message to a group");
	EXPECT_EQ(len, take(fd, &head, in, sizeof(in), 0))
		TH_LOG("comes back");
	EXPECT_EQ(0, memcmp(in, out, len))
		TH_LOG("as it was");
	close(fd);
}

TEST(stress)
{
	int seconds = setting("STRESS_SECONDS", 25), i, left = 0;
	struct sigaction act_usr = { .sa_handler = interrupt };
	static struct actor actors[ACTORS];
	pthread_t others[3];
	double end;

	seed = setting("STRESS_SEED", 20250101);
	diag("%d s, seed %llu", seconds, (unsigned long long)seed);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &act_usr, NULL);
	share_network(0);
	for (i = 0; i < MEMBERS; i++) {
		payload(i, 0);
		payload(i, 1);
		echo_start(member_ns[i], SSN_SERVICE_AS);
	}
	groups_back();
	for (i = 0; i < ACTORS; i++) {
		actors[i].random = seed + i;
		actors[i].out = malloc(SSN_MSG_MAX);
		actors[i].in = malloc(SSN_MSG_MAX);
		if (pthread_create(&actors[i].thread, NULL, act, &actors[i]))
			bail("a thread: %s", strerror(errno));
	}
	if (pthread_create(&others[0], NULL, administer, NULL) ||
	    pthread_create(&others[1], NULL, unload, NULL) ||
	    pthread_create(&others[2], NULL, namespaces, NULL))
		bail("a thread: %s", strerror(errno));
	end = now() + seconds;
	while (now() < end) {
		poll(NULL, 0, 100);
		stock();
	}
	stop = true;
	for (i = 0; i < ACTORS; i++)
		left += !joined(actors[i].thread);
	for (i = 0; i < 3; i++)
		left += !joined(others[i]);
	EXPECT_EQ(0, left)
		TH_LOG("every thread comes to its end");
	diag("%lu sockets opened, %lu connected, %lu closed", did.opened,
	     did.connected, did.closed);
	diag("%lu peers removed, %lu moved, %lu groups removed, %lu dumps",
	     did.peers, did.routes, did.groups, did.dumps);
	EXPECT_TRUE(did.connected && did.sent && did.received &&
		    did.namespaces && did.peers && did.groups)
		TH_LOG("something of everything was done");
	EXPECT_EQ(0, did.wrong)
		TH_LOG("%lu messages sent, %lu received as they were", did.sent,
		       did.received);
	EXPECT_EQ(0, did.unloaded)
		TH_LOG("%lu times the modules were not unloaded", did.refused);
	EXPECT_TRUE(until(!key_listed(last_key), 60))
		TH_LOG("%lu pairs of namespaces were left, and are gone",
		       did.namespaces);
	for (i = 0; i < LINKS + SHARES; i++)
		close(FD0 + i);
	peers_back();
	groups_back();
	last_message(_metadata);
	EXPECT_TRUE(until(!conns(), 60))
		TH_LOG("no connection is left");
	counters(_metadata);
	books(_metadata);
}

TEST_HARNESS_MAIN
