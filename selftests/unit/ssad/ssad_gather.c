// SPDX-License-Identifier: GPL-2.0
/*
 * Reading back from shareholders that lie, die, refuse and hold other deals. The
 * share socket is played here, in place of user/lib/ssnsock.c: shares are real
 * (shamir.c), and it combines the read set as the kernel does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gather.h"
#include "log.h"
#include "reserve.h"
#include "shamir_split.h"
#include "ssnsock.h"
#include "tap.h"
#include "util.h"

#define N 5
#define K 3
#define LEN (SEGMENT_MESSAGE + 1000)	/* two messages */
#define TOTAL (LEN + SEGMENT_CODE)

/* --- the shareholders */

static struct holder {
	uint8_t share[TOTAL];
	uint64_t deal;
	bool down;		/* does not connect */
	bool dies;		/* after "go" */
	bool refuses;		/* answers "error" */
	bool silent;		/* never answers */
	bool stalls;		/* gives one message of its share, and no more */
	bool floods;		/* answers what nobody asked, again and again */
	bool flaps;		/* its connection fails as soon as another is asked */
} holder[N];

static uint8_t secret[TOTAL], coeff[K - 1][TOTAL];
static struct segment_id id = { .object = "0123456789abcdef", .version = 1,
				.segment = 1, .size = LEN };
static unsigned int connections, reads;

/* --- the share socket, one at a time */

struct message {
	struct message *next;
	struct ssn_share share;
	size_t len;
	uint8_t data[];
};

static struct {
	int fd;
	bool raw;
	struct ssn_xset read_set;
	uint8_t state[N];
	struct message *head, **tail;
	unsigned int asked[N], req;	/* number of the last request */
	bool fault;			/* of a member, told once */
} sock;

static bool in_set(unsigned int x)
{
	return sock.read_set.bits[x / 64] >> (x % 64) & 1;
}

static void queue(const struct ssn_share *share, const void *data, size_t len)
{
	struct message *m = malloc(sizeof(*m) + len);
	uint64_t one = 1;

	m->next = NULL;
	m->share = *share;
	m->len = len;
	memcpy(m->data, data, len);
	*sock.tail = m;
	sock.tail = &m->next;
	if (write(sock.fd, &one, sizeof(one)) != sizeof(one))
		bail("eventfd");
}

static void queue_json(unsigned int x, json_t *msg)
{
	struct ssn_share share = { .x = x, .flags = SSN_SHARE_CONTROL };
	char *text = json_dumps(msg, 0);

	queue(&share, text, strlen(text));
	free(text);
	json_decref(msg);
}

static void queue_data(unsigned int x, uint64_t deal, const uint8_t *data)
{
	struct ssn_share share = { .x = x, .deal = deal, .version = id.version,
				   .segment = id.segment };
	unsigned int i;

	memcpy(share.object, id.object, 16);
	for (i = 0; i < segment_messages(TOTAL); i++) {
		if (i && x && holder[x - 1].stalls)
			return;
		share.message = i;
		queue(&share, data + (size_t)i * SEGMENT_MESSAGE,
		      segment_message(TOTAL, i));
	}
}

/* All of the read set have given, of one deal: what comes of it. */
static void combine(void)
{
	static uint8_t out[TOTAL];
	const uint8_t *p[K];
	uint8_t x[K], weight[K];
	unsigned int i, m = 0;

	for (i = 0; i < N && m < K; i++) {
		if (!in_set(i + 1))
			continue;
		if (sock.asked[i] != sock.req || holder[i].refuses || holder[i].silent ||
		    holder[i].dies || holder[i].floods || holder[i].stalls)
			return;
		p[m] = holder[i].share;
		x[m++] = i + 1;
	}
	for (i = 0; i < N; i++)
		if (in_set(i + 1) && holder[i].deal != holder[x[0] - 1].deal)
			return;
	shamir_weights(weight, x, K, 0);
	shamir_combine(out, p, weight, K, TOTAL);
	queue_data(0, holder[x[0] - 1].deal, out);
}

int ssn_family(void) { return SSN_FAMILY_DEFAULT; }
int ssn_listen(unsigned int service, int backlog) { return -ENOSYS; }
int ssn_accept(int fd, struct ssn_peer_info *peer) { return -ENOSYS; }
int ssn_connect_link(unsigned int node, unsigned int service, unsigned int ms)
{
	return -ENOSYS;
}

int ssn_connect_group(unsigned int group, unsigned int ms) { return -ENOSYS; }

int connect(int fd, const struct sockaddr *addr, socklen_t len) { return 0; }

int socket(int family, int type, int protocol)
{
	unsigned int i;

	while (sock.head) {
		struct message *m = sock.head;

		sock.head = m->next;
		free(m);
	}
	memset(&sock, 0, sizeof(sock));
	sock.tail = &sock.head;
	for (i = 0; i < N; i++) {
		sock.state[i] = holder[i].down ? SSN_MEMBER_FAILED : SSN_MEMBER_LIVE;
		sock.read_set.bits[0] |= 2ULL << i;
	}
	sock.fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	connections++;
	return sock.fd;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (name == SSN_RAW_SHARES)
		sock.raw = *(const int *)value;
	else if (name == SSN_READ_SET)
		sock.read_set = *(const struct ssn_xset *)value;
	return 0;
}

int ssn_members(int fd, struct ssn_member *m, unsigned int max)
{
	unsigned int i;

	for (i = 0; i < N; i++)
		m[i] = (struct ssn_member){ .node = 11 + i, .x = i + 1,
			.state = sock.state[i],
			.error = sock.state[i] == SSN_MEMBER_FAILED ? ECONNRESET : 0 };
	return N;
}

static void flood(unsigned int x)
{
	queue_json(x, json_pack("{s:s s:i s:s}", "re", "read", "req", 1000000,
				"status", "go"));
}

ssize_t ssn_send(int fd, const struct ssn_share *share, const void *buf, size_t len)
{
	json_t *msg = ssn_parse_json(buf, len);
	struct holder *h = &holder[share->x - 1];
	unsigned int i;
	char deal[24];

	if (!msg || !share->x)
		bail("a message that is no request to one member");
	reads++;
	sock.req = json_integer_value(json_object_get(msg, "req"));
	sock.asked[share->x - 1] = sock.req;
	snprintf(deal, sizeof(deal), "%llu", (unsigned long long)h->deal);
	for (i = 0; i < N; i++)
		if (holder[i].flaps && share->x != i + 1 &&
		    sock.state[i] == SSN_MEMBER_LIVE) {
			sock.state[i] = SSN_MEMBER_FAILED;
			sock.fault = true;
		}
	if (h->floods) {
		flood(share->x);
	} else if (h->refuses) {
		queue_json(share->x, json_pack("{s:s s:O s:s s:s s:s}", "re", "read",
			"req", json_object_get(msg, "req"), "status", "error",
			"errno", "EBADMSG", "message", "the share rotted"));
	} else if (!h->silent) {
		queue_json(share->x, json_pack("{s:s s:O s:s s:s s:i s:i}", "re",
			"read", "req", json_object_get(msg, "req"), "status", "go",
			"deal", deal, "length", TOTAL, "messages",
			segment_messages(TOTAL)));
		if (h->dies)
			sock.state[share->x - 1] = SSN_MEMBER_FAILED;
		else if (sock.raw)
			queue_data(share->x, h->deal, h->share);
	}
	json_decref(msg);
	if (!sock.raw)
		combine();
	return len;
}

ssize_t ssn_recv(int fd, struct ssn_share *share, int *has, void *buf, size_t size)
{
	struct message *m = sock.head;
	uint64_t one;
	size_t len;

	if (sock.fault) {
		sock.fault = false;
		return -ECONNABORTED;
	}
	if (!m || read(fd, &one, sizeof(one)) != sizeof(one))
		return -EIO;
	sock.head = m->next;
	if (!sock.head)
		sock.tail = &sock.head;
	*share = m->share;
	*has = 1;
	len = m->len;
	memcpy(buf, m->data, len);
	free(m);
	if (share->x && holder[share->x - 1].floods)
		flood(share->x);
	return len;
}

int ssn_send_json(int fd, unsigned int x, const json_t *msg) { return -ENOSYS; }

json_t *ssn_parse_json(const void *buf, size_t len)
{
	return json_loadb(buf, len, 0, NULL);
}

const char *ssn_strerror(int err) { return strerror(abs(err)); }

/* --- the tests */

static struct network_node nodes[N];
static struct network_group group = { .id = 1, .generation = 1, .scheme = SSN_SCHEME_SHAMIR,
				     .k = K, .n = N };
static struct network net = { .nodes = N, .groups = 1, .node = nodes,
			      .group = &group };
static struct gather g;
static uint8_t buf[TOTAL];
static struct err err;

static void deal(void)
{
	const uint8_t *c[K - 1] = { coeff[0], coeff[1] };
	unsigned int i;

	memset(holder, 0, sizeof(holder));
	random_fill(secret, LEN);
	segment_seal(&id, secret, LEN);
	random_fill(coeff, sizeof(coeff));
	for (i = 0; i < N; i++) {
		shamir_split(holder[i].share, secret, c, K, i + 1, TOTAL);
		holder[i].deal = 12345678901234567890ULL;
	}
	gather_free(&g);
	gather_init(&g, &net, &group, 300);
	connections = reads = 0;
}

static int once(void)
{
	size_t len = 0;
	int ret;

	memset(buf, 0, sizeof(buf));
	err.text[0] = 0;
	ret = gather_segment(&g, &id, 0, buf, TOTAL, &len, &err);
	if (!ret && (len != LEN || memcmp(buf, secret, LEN)))
		return -EILSEQ;
	return ret;
}

static unsigned int liars(void)
{
	unsigned int i, count = 0;

	for (i = 0; i < 256; i++)
		count += g.liar[i];
	return count;
}

static void test_whole(void)
{
	deal();
	is_int(once(), 0, "k members give the segment");
	is_int(reads, K, "only k are asked");
	is_int(g.retried, 0, "and it took one try");
	is_int(once(), 0, "the next segment");
	is_int(connections, 1, "goes over the same socket");
	gather_free(&g);
}

static void test_failures(void)
{
	deal();
	holder[0].down = holder[1].down = true;
	is_int(once(), 0, "n - k members are down");
	holder[2].down = true;
	gather_free(&g);
	gather_init(&g, &net, &group, 300);
	is_int(once(), -EHOSTUNREACH, "one more is too many");
	ok(strstr(err.text, "2 of the 3") && strstr(err.text, "node 11") &&
	   strstr(err.text, "node 13"), "and says how many, and who");

	deal();
	holder[1].refuses = holder[4].refuses = true;
	is_int(once(), 0, "members that refuse are gone around");
	is_int(liars(), 0, "they are no liars");
	is_int(g.retried, 1, "the retry is counted");
	holder[3].refuses = true;
	gather_free(&g);
	gather_init(&g, &net, &group, 300);
	ok(once() < 0, "too many that refuse");
	ok(strstr(err.text, "2 of the 3") && strstr(err.text, "EBADMSG: the share rotted"),
	   "is refused with their reason");

	deal();
	holder[0].dies = true;
	is_int(once(), 0, "one dies between its answer and its share");
	deal();
	holder[2].silent = true;
	is_int(once(), 0, "one never answers");
}

static bool gone(void *arg) { return true; }

/* One shareholder does what it can so that a read does not end. */
static void test_hangs(void)
{
	uint64_t begun;

	alarm(120);		/* a read that hangs fails this test */
	deal();
	holder[4].flaps = true;
	is_int(once(), 0, "one that is not asked fails");
	is_int(connections, 1, "which is nothing to those that are");
	deal();
	holder[0].floods = true;
	is_int(once(), 0, "one answers for ever what nobody asked");
	deal();
	holder[1].stalls = true;
	is_int(once(), 0, "one stops in the middle of its share");
	ok(!liars() && g.avoid[2], "it is gone around, and is no liar");
	reads = 0;
	is_int(once(), 0, "the next segment");
	is_int(reads, K, "is read without it");

	deal();
	g.timeout_ms = 30000;
	holder[4].stalls = true;
	holder[1].share[5] ^= 1;	/* so that all are asked as they are */
	begun = monotonic_ms();
	is_int(once(), 0, "one stalls while the liar is looked for");
	ok(monotonic_ms() - begun < 15000, "but the others' shares are enough");
	ok(liars() == 1 && g.liar[2], "to name him");

	deal();
	g.timeout_ms = 60000;
	holder[0].silent = true;
	g.gone = gone;
	begun = monotonic_ms();
	is_int(once(), -ECANCELED, "nobody waits for the answer any more");
	ok(monotonic_ms() - begun < 30000, "then no one is waited for");
	alarm(0);
}

/* Pad that was received is not reserved any more. */
static uint64_t level;
static int level_of(uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		    uint64_t *bytes, void *arg)
{
	*bytes = level;
	return 0;
}

static void test_charged(void)
{
	struct reserve_need need[N], more = { .peer = 12, .dir = QKD_DIR_RX,
					      .payload = TOTAL - 20000 };
	struct reservation *r, *other;
	struct reserve *res;
	unsigned int i;

	reserve_open(&res, level_of, NULL);
	for (i = 0; i < N; i++)
		need[i] = (struct reserve_need){ .peer = 11 + i, .dir = QKD_DIR_RX,
					.payload = 2 * TOTAL, .tag = 100000 };
	level = 2 * TOTAL + 100000;
	if (reserve_take(res, need, N, NULL, NULL, &r, NULL, &err))
		bail("%s", err.text);
	deal();
	gather_charge(&g, r);
	is_int(once(), 0, "a segment, of a reservation");
	ok(!reserve_take(res, &more, 1, NULL, NULL, &other, NULL, &err),
	   "what was received is given back to others");
	reserve_drop(other);
	more.payload = 2 * TOTAL;
	is_int(reserve_take(res, &more, 1, NULL, NULL, &other, NULL, &err), -ENOKEY,
	       "and no more than that");
	gather_free(&g);
	reserve_drop(r);
	reserve_close(res);
}

static void test_liars(void)
{
	deal();
	holder[1].share[5] ^= 1;
	is_int(once(), 0, "one changed share");
	ok(liars() == 1 && g.liar[2], "its holder is named, alone");
	reads = 0;
	is_int(once(), 0, "the next segment");
	is_int(reads, K, "is read without the liar, at once");

	deal();
	holder[0].share[TOTAL - 1] ^= 1;
	holder[4].share[0] ^= 1;
	is_int(once(), 0, "n - k changed shares");
	ok(liars() == 2 && g.liar[1] && g.liar[5], "both are named");

	deal();
	holder[0].share[1] ^= 1;
	holder[1].share[2] ^= 1;
	holder[2].share[3] ^= 1;
	is_int(once(), -EBADMSG, "n - k + 1 changed shares are too many");
	is_int(liars(), 0, "nobody is named where nobody can know");

	deal();
	holder[4].share[1] ^= 1;
	is_int(once(), 0, "a liar that is not asked is not found");
	is_int(liars(), 0, "nor named");
}

static void test_deals(void)
{
	deal();
	holder[1].deal++;
	is_int(once(), 0, "one holds another deal");
	ok(!liars() && g.avoid[2], "it is gone around, and is no liar");
	deal();
	holder[0].deal = holder[1].deal = 7;
	is_int(once(), 0, "two hold another deal");
	deal();
	holder[0].deal = holder[1].deal = 7;
	holder[2].down = true;
	is_int(once(), -EBADMSG, "shares of different deals never combine");
}

int main(void)
{
	unsigned int i;

	/* what the failures say is not this test's output */
	if (!freopen("/dev/null", "w", stderr))
		bail("stderr");
	log_open("ssad", 0, 0);
	for (i = 0; i < N; i++) {
		nodes[i].id = 11 + i;
		snprintf(nodes[i].name, sizeof(nodes[i].name), "sh%u", i + 1);
		group.member[i].node = 11 + i;
		group.member[i].x = i + 1;
	}
	test_whole();
	test_failures();
	test_liars();
	test_hangs();
	test_charged();
	test_deals();
	gather_free(&g);
	return tap_done();
}
