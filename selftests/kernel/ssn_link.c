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

/* One pad block each way comes as an administrator would load it by hand. */
static void keyctl_padd(void)
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
		is_int(system(cmd), 0, "keyctl padd at %s", at ? "b" : "a");
	}
	ns_enter(here);
	unlink(file);
	know(id, bytes, sizeof(bytes));
	is_int(link_to(link_socket(), B, SERVICE) ? errno : 0, ENOKEY,
	       "not confirmed, it is no pad: ENOKEY");
	is_int(pad_confirm(id), 0, "the kernels confirm it to each other");
}

static void sizes(void)
{
	static const size_t len[] = {
		0, 1, 15, 16, 4095, 4096, 65535, 65536, 65537, SSN_MSG_MAX,
	};
	struct pair p = pair_new();
	unsigned int i;

	for (i = 0; i < sizeof(len) / sizeof(*len); i++) {
		ok(goes(p.a, p.b, len[i]), "%zu bytes there", len[i]);
		ok(goes(p.b, p.a, len[i]), "%zu bytes back", len[i]);
	}
	ok(send(p.a, data, SSN_MSG_MAX + 1, 0) < 0 && errno == EMSGSIZE,
	   "a byte more: EMSGSIZE");
	ok(goes(p.a, p.b, 3), "and the connection goes on");
	pair_end(p);
}

static void who(void)
{
	struct pair p = pair_new();
	struct sockaddr_ssn addr = {};
	struct ssn_peer_info info = {};
	socklen_t len = sizeof(addr), size = sizeof(info);

	ok(!getpeername(p.b, (void *)&addr, &len) && addr.ssn_node == DEALER &&
	   addr.ssn_family == family, "getpeername: the node that connected");
	ok(!getpeername(p.a, (void *)&addr, &len) && addr.ssn_node == B &&
	   addr.ssn_service == SERVICE, "and the other one");
	ok(!getsockopt(p.b, SOL_SSN, SSN_PEER, &info, &size) &&
	   info.node == DEALER && info.role == SSN_ROLE_SSA &&
	   info.service == SERVICE && info.suite == SSN_SUITE_OTP &&
	   !info.group, "SSN_PEER");
	pair_end(p);
}

static void shares(void)
{
	struct pair p = pair_new();
	struct ssn_share head = {
		.group = 1, .generation = 2, .scheme = 1, .k = 3, .n = 5,
		.x = 6, .flags = SSN_SHARE_CONTROL, .provenance = 7,
		.epoch = 1ULL << 40 | 8, .deal = 9, .message = 10,
		.object = "0123456789abcde", .version = 11, .segment = 12,
	}, back;

	fill_random(data, 70000);
	is_int(put(p.a, &head, data, 70000, 0), 70000, "a message with a head");
	is_int(take(p.b, &back, got, sizeof(got), 0), 70000, "comes");
	ok(!memcmp(&head, &back, sizeof(head)) && !memcmp(data, got, 70000),
	   "as it was, every field of the head");
	is_int(put(p.b, &head, data, 0, 0), 0, "a head with an empty message");
	is_int(take(p.a, &back, got, sizeof(got), 0), 0, "comes");
	is_int(back.segment, 12, "with its head");
	head.flags = 2;
	ok(put(p.a, &head, data, 1, 0) < 0 && errno == EINVAL,
	   "an unknown flag: EINVAL");
	pair_end(p);
}

/* Faults lose nothing; room that is short is told. */
static void faults(void)
{
	char *none = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	struct pair p = pair_new();
	struct iovec iov[2] = { { data, 5000 }, { none, 5000 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	ok(sendmsg(p.a, &msg, 0) < 0 && errno == EFAULT,
	   "a fault in the middle of what is sent: EFAULT");
	ok(recv(p.b, got, sizeof(got), MSG_DONTWAIT) < 0 && errno == EAGAIN,
	   "and nothing comes");
	fill_random(data, 10000);
	is_int(send(p.a, data, 10000, 0), 10000, "the next one goes");
	iov[0].iov_base = got;
	ok(recvmsg(p.b, &msg, 0) < 0 && errno == EFAULT,
	   "a fault in the middle of what is received: EFAULT");
	is_int(recv(p.b, got, sizeof(got), 0), 10000, "and it is still there");
	ok(!memcmp(data, got, 10000), "all of it");

	is_int(send(p.a, data, 10000, 0), 10000, "one that is too long");
	iov[0].iov_len = 100;
	msg.msg_iovlen = 1;
	ok(recvmsg(p.b, &msg, 0) == 100 && msg.msg_flags & MSG_TRUNC,
	   "is cut, and MSG_TRUNC says so");
	ok(goes(p.a, p.b, 7), "the rest of it does not come");
	ok(recv(p.b, got, 1, MSG_PEEK) < 0 && errno == EOPNOTSUPP,
	   "MSG_PEEK: EOPNOTSUPP");
	pair_end(p);
	munmap(none, 65536);
}

static void ends(void)
{
	struct pair p = pair_new();

	is_int(send(p.a, data, 10, 0), 10, "a message,");
	is_int(shutdown(p.a, SHUT_WR), 0, "shutdown,");
	is_int(recv(p.b, got, sizeof(got), 0), 10, "it still comes,");
	is_int(recv(p.b, got, sizeof(got), 0), 0, "then the end");
	ok(send(p.a, data, 1, MSG_NOSIGNAL) < 0 && errno == EPIPE,
	   "no more may be sent: EPIPE");
	ok(goes(p.b, p.a, 20000), "the other way goes on");
	close(p.b);
	is_int(recv(p.a, got, sizeof(got), 0), 0, "until it ends too");
	close(p.a);
	ok(until(!conns_at(0) && !conns_at(1), WAIT_S),
	   "no connection is left at either end");
}

static int connect_errno(uint32_t node, int service)
{
	int fd = link_socket(), err = link_to(fd, node, service) ? errno : 0;

	close(fd);
	return err;
}

static void refusals(void)
{
	uint64_t bad = count_at(0, SSN_A_COUNTERS_BAD_ADDRESS);
	uint64_t refused = count_at(1, SSN_A_COUNTERS_CONNS_REFUSED);
	struct sockaddr_ssn addr = {
		.ssn_family = family, .ssn_service = SERVICE,
	};
	int fd;

	is_int(connect_errno(77, SERVICE), EHOSTUNREACH, "no such peer");
	is_int(count_at(0, SSN_A_COUNTERS_BAD_ADDRESS) - bad, 1, "is counted");
	is_int(connect_errno(DEALER, SERVICE), EOPNOTSUPP, "the own node");
	is_int(connect_errno(0, SERVICE), EINVAL, "node 0");
	is_int(connect_errno(B, 0), EINVAL, "service 0");
	is_int(connect_errno(B, SERVICE + 1), ECONNREFUSED, "nobody listens");
	is_int(count_at(1, SSN_A_COUNTERS_CONNS_REFUSED) - refused, 1,
	       "is counted at the other end");

	ns_enter(member_ns[0]);
	fd = link_socket();
	ok(bind(fd, (void *)&addr, sizeof(addr)) && errno == EADDRINUSE,
	   "a service twice: EADDRINUSE");
	close(fd);
	ns_enter(here);
	ok(socket(family, SOCK_STREAM, SSNPROTO_LINK) < 0 &&
	   errno == ESOCKTNOSUPPORT, "SOCK_STREAM: ESOCKTNOSUPPORT");
	ok(socket(family, SOCK_SEQPACKET, 9) < 0 && errno == EPROTONOSUPPORT,
	   "protocol 9: EPROTONOSUPPORT");
}

/* More than a lease of pad and a run of slots, and every byte counted */
static void leases(void)
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
	ok(good, "300 messages over many leases");
	/* a sender counts what TCP took after the receiver may have it */
	until(count_at(0, what[4]) - tx[4] == count_at(1, same[4]) - rx[4],
	      WAIT_S);
	for (i = 0; i < 5; i++) {
		tx[i] = count_at(0, what[i]) - tx[i];
		rx[i] = count_at(1, same[i]) - rx[i];
	}
	is_int(tx[0], 300, "all counted");
	for (i = 0; i < 5; i++)
		is_int(rx[i], tx[i], "what one end sent, the other got: %d", i);
	slots = tx[2] * SLOT;
	is_int(tx[3], tx[1] + slots,
	       "pad: a byte for a byte, and a slot for a record");
	heads = tx[4] - tx[1] - 40 * tx[2];	/* what announcements carry */
	ok(heads && heads % 24 == 0 && heads / 24 <= tx[2] - 300,
	   "wire: 40 bytes for a record, 24 more for an announcement");
	ok(tx[2] > 300, "announcements were among the records");
	pair_end(p);
}

static void reconnects(void)
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
	ok(good, "ten connections, one after the other");
	ok(until(!conns_at(0) && !conns_at(1), WAIT_S), "all gone");
	pool_get(qkd_at[0], B, QKD_DIR_TX, QKD_KIND_PAYLOAD, &after);
	is_int(after.leased, before.leased, "no pad is held");
	is_int(before.usable - after.usable,
	       after.spent - before.spent + after.voided - before.voided,
	       "what was leased is spent or void");
	is_int(after.spent - before.spent, 1000, "a hundred bytes each spent");
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

static void runs_out(void)
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
	is_int(errno, ENOKEY, "after %d messages there is no pad: ENOKEY", n);
	ok(!(polled(p.a, POLLOUT, 0) & POLLOUT), "poll: not writable");
	no_pad = count_at(0, SSN_A_COUNTERS_NO_PAD);
	ok(no_pad > 0, "counted");
	timeouts(p.a, 1);
	ok(send(p.a, data, 60000, MSG_NOSIGNAL) < 0 && errno == ENOKEY,
	   "waiting for it as long as SO_SNDTIMEO says: ENOKEY");
	timeouts(p.a, WAIT_S);
	no_pad = count_at(0, SSN_A_COUNTERS_NO_PAD);
	pthread_create(&t, NULL, blocked_sender, &s);
	ok(until(count_at(0, SSN_A_COUNTERS_NO_PAD) > no_pad, WAIT_S),
	   "one that has time waits");
	begin = now();
	pad_more(0, 100 * UNIT);
	pthread_join(t, NULL);
	is_int(s.ret, 200000, "until there is pad");
	ok(now() - begin < WAIT_S / 2, "which wakes it: its time was not up");
	is_int(recv(p.b, got, sizeof(got), 0), 200000, "and it comes");
	ok(!memcmp(data, got, 200000), "as it was");
	pair_end(p);
}

/* A block in use becomes void at one end. */
static void revoked(void)
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
	ok(goes(p.a, p.b, 1000), "new blocks");
	block_void_now(qkd_at[0], known[nknown - 2].id);
	ok(send(p.a, data, 1000, MSG_NOSIGNAL) < 0 && errno == EKEYREVOKED,
	   "the sender's block becomes void: EKEYREVOKED");
	ok(recv(p.b, got, sizeof(got), 0) < 0 &&
	   (errno == ECONNABORTED || errno == ECONNRESET),
	   "and the other end does not take that for the end");
	pair_end(p);

	pad_more(0, BLOCK);
	p = pair_new();
	is_int(send(p.a, data, 1000, 0), 1000, "a message waits unread");
	ok(until(polled(p.b, POLLIN, 0) & POLLIN, WAIT_S), "at the receiver");
	block_void_now(qkd_at[1], known[nknown - 1].id);
	ok(recv(p.b, got, sizeof(got), 0) < 0 && errno == EKEYREVOKED,
	   "its block becomes void there: EKEYREVOKED, no data");
	block_void_now(qkd_at[0], known[nknown - 1].id);
	pair_end(p);
}

static void in_background(void)
{
	int fd = link_socket(), b, err;
	struct sockaddr_ssn addr = {};
	socklen_t len = sizeof(addr);

	pad_more(0, BLOCK);
	pad_more(0, BLOCK);	/* writable: a message of 1 MiB would go */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	err = link_to(fd, B, SERVICE) ? errno : 0;
	/* one CPU may have been given to the other end in between */
	ok(err == EINPROGRESS || !err, "connect does not wait");
	ok(until(polled(fd, POLLOUT, 0) & POLLOUT, WAIT_S),
	   "writable when it is through");
	ok(!getpeername(fd, (void *)&addr, &len) && addr.ssn_node == B,
	   "connected");
	b = accept(listener, NULL, NULL);
	ok(goes(fd, b, 5), "and it works");
	close(fd);
	close(b);
}

int main(void)
{
	link_setup(B);
	keyctl_padd();
	pad_more(0, BLOCK);
	pad_more(0, BLOCK);
	pad_more(0, BLOCK);
	pad_more(0, BLOCK);
	pad_more(1, BLOCK);
	pad_more(1, BLOCK);
	pad_more(1, BLOCK);
	sizes();
	who();
	shares();
	faults();
	ends();
	refusals();
	tags_more();
	leases();
	reconnects();
	runs_out();
	revoked();
	in_background();
	return tap_done();
}
