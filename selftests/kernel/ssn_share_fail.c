// SPDX-License-Identifier: GPL-2.0
// kernels: uml-debug uml debian
// timeout: 400
/*
 * Share sockets when something is wrong: members that end, lie, stall or were
 * never there, pads and coefficients that run out.
 */
#include <sys/resource.h>
#include "ssn_share_util.h"

#define ALL	((1U << MEMBERS) - 1)

static uint8_t data[SSN_MSG_MAX], got[SSN_MSG_MAX];
static uint64_t deals;

static struct ssn_share next_head(void)
{
	return head_of(++deals * 77, 0);
}

static bool comes(int fd, size_t len)
{
	struct ssn_share head;

	return take(fd, &head, got, sizeof(got), 0) == (ssize_t)len &&
	       !memcmp(got, data, len);
}

static void sent_to(int fd, uint64_t *sent)
{
	struct ssn_member row[MEMBERS];
	int i;

	members_of(fd, row);
	for (i = 0; i < MEMBERS; i++)
		sent[i] = row[i].sent;
}

/* How many members were dealt something since sent_to() */
static int dealt_since(int fd, const uint64_t *was)
{
	uint64_t sent[MEMBERS];
	int i, more = 0;

	sent_to(fd, sent);
	for (i = 0; i < MEMBERS; i++)
		more += sent[i] != was[i];
	return more;
}

/* A member that closes: told by poll, named by SSN_MEMBERS, left out then */
static void closes(void)
{
	struct ssn_share head = next_head();
	uint64_t sent[MEMBERS];
	int fd = share_to(GROUP);

	is_int(put(fd, &head, data, 1000, 0), 1000, "dealt to five");
	is_int(polled(fd, POLLPRI, 0), 0, "no member has ended");
	tell(fd, X(1), "close");
	is_int(polled(fd, POLLPRI, 20000), POLLPRI | POLLERR,
	       "poll tells that a member ended");
	is_int(member_state(fd, 1), SSN_MEMBER_CLOSED, "which one and how");
	is_int(polled(fd, POLLPRI, 0), 0, "and is silent once it was read");
	sent_to(fd, sent);
	head.message = 1;
	is_errno(put(fd, &head, data, 1000, 0), ECOMM,
		 "no dealing to a write set with a member that ended");
	is_int(dealt_since(fd, sent), 0, "nothing was dealt to the others");
	is_errno(tell(fd, X(1), "ping"), ECOMM, "it cannot be told either");
	is_int(set_xset(fd, SSN_WRITE_SET, ALL & ~2), 0, "without it");
	head = next_head();
	is_int(put(fd, &head, data, 1000, 0), 1000,
	       "the segment is dealt again to four");
	is_int(dealt_since(fd, sent), 4, "and to no more");
	tell(fd, X(0), "forget");
	tell(fd, 0, "play 1 2");
	ok(comes(fd, 1000), "three give it");

	tell(fd, X(0), "close");
	tell(fd, X(2), "close");
	is_errno(take(fd, &head, got, sizeof(got), 0), EHOSTUNREACH,
		 "less than k are left: an error");
	ok(until(member_state(fd, 0) == SSN_MEMBER_CLOSED &&
		 member_state(fd, 2) == SSN_MEMBER_CLOSED, 20), "who they are");
	is_errno(take(fd, &head, got, sizeof(got), MSG_DONTWAIT), EAGAIN,
		 "said once");
	tell(fd, X(3), "close");
	tell(fd, X(4), "close");
	ok(until(member_state(fd, 3) == SSN_MEMBER_CLOSED &&
		 member_state(fd, 4) == SSN_MEMBER_CLOSED, 20), "all close");
	is_int(take(fd, &head, got, sizeof(got), 0), 0,
	       "the end of all streams");
	close(fd);
}

/* Shares that do not fit the socket: the sender is out, the others go on */
static void lies(void)
{
	static const char *const field[] = {
		"group", "generation", "scheme", "k", "n",
	};
	struct ssn_share head;
	uint64_t count;
	char text[64];
	unsigned int f;
	int fd;

	for (f = 0; f <= sizeof(field) / sizeof(field[0]); f++) {
		fd = share_to(GROUP);
		head = next_head();
		count = counter(NODE(4), SSN_A_COUNTERS_BAD_SHARE);
		put(fd, &head, data, 2000, 0);
		if (f < sizeof(field) / sizeof(field[0])) {
			snprintf(text, sizeof(text), "mod %s 1", field[f]);
			tell(fd, X(4), text);
			tell(fd, X(4), "play 0 1");
			strcpy(text, field[f]);
		} else {
			strcpy(text, "head (none)");
			tell(fd, X(4), "bare");
		}
		/* shares are looked at by who asks for messages */
		polled(fd, POLLIN | POLLPRI, 20000);
		ok(member_state(fd, 4) == SSN_MEMBER_FAILED &&
		   member_error(fd, 4) == EBADMSG,
		   "a share with another %s ends its sender", text);
		is_int(counter(NODE(4), SSN_A_COUNTERS_BAD_SHARE), count + 1,
		       "and is counted");
		tell(fd, 0, "play 0 1");
		ok(comes(fd, 2000), "the others give the message");
		close(fd);
	}
}

/* Killed: the stream ends in order or not, and nobody waits for it */
static void killed(void)
{
	struct ssn_share head = next_head();
	int fd = share_to(GROUP), i, good = 0;

	for (i = 0; i < 20; i++) {
		head.message = i;
		good += put(fd, &head, data, 5000, 0) == 5000;
	}
	is_int(good, 20, "20 messages");
	tell(fd, 0, "play 0 20");
	ok(comes(fd, 5000), "the first comes back");
	member_signal(0, SIGKILL);
	member_signal(1, SIGKILL);
	for (good = 1; good < 20; good++)
		if (!comes(fd, 5000))
			break;
	is_int(good, 20, "two are killed: all 20 come");
	ok(until(member_state(fd, 0) > SSN_MEMBER_LIVE &&
		 member_state(fd, 1) > SSN_MEMBER_LIVE, 20),
	   "their ends are seen");
	head.message = 20;
	is_errno(put(fd, &head, data, 5000, 0), ECOMM, "the deal is over");
	tell(fd, 0, "play 0 20");
	for (i = good = 0; i < 20; i++)
		good += comes(fd, 5000);
	is_int(good, 20, "three of five give all of it again");
	member_signal(2, SIGKILL);
	ok(until(member_state(fd, 2) > SSN_MEMBER_LIVE, 20), "a third is killed");
	tell(fd, X(3), "play 0 1");
	tell(fd, X(4), "play 0 1");
	is_errno(take(fd, &head, got, sizeof(got), 0), ESTALE,
		 "two give nothing");
	close(fd);

	fd = share_socket(SSNPROTO_SHARE);
	is_errno(share_connect(fd, GROUP), EHOSTUNREACH,
		 "no connect with less than k members");
	ok(member_state(fd, 0) == SSN_MEMBER_FAILED &&
	   member_error(fd, 0) == ECONNREFUSED &&
	   member_state(fd, 4) == SSN_MEMBER_LIVE, "who did not answer, and why");
	is_errno(put(fd, &head, data, 10, 0), ENOTCONN, "it is not connected");
	for (i = 0; i < 3; i++)
		member_start(i);
	is_int(share_connect(fd, GROUP), 0, "it connects when they are back");
	head = next_head();
	put(fd, &head, data, 1000, 0);
	tell(fd, 0, "play 0 1");
	ok(comes(fd, 1000), "and works");
	close(fd);
}

static void nonblocking(void)
{
	int fd = share_socket(SSNPROTO_SHARE), err = 0, ret, i;
	socklen_t len = sizeof(err);
	struct ssn_share head = next_head();

	fcntl(fd, F_SETFL, O_NONBLOCK);
	ret = share_connect(fd, GROUP);
	is_errno(ret, EINPROGRESS, "connecting without waiting");
	is_int(polled(fd, POLLOUT, 20000), POLLOUT, "poll says when");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	is_int(err, 0, "without an error");
	is_int(put(fd, &head, data, 1000, 0), 1000, "it may be used");
	is_errno(share_connect(fd, GROUP), EISCONN, "it is connected");
	is_errno(take(fd, &head, got, 1000, 0), EAGAIN, "nothing to receive");
	close(fd);

	member_signal(0, SIGKILL);
	member_signal(1, SIGKILL);
	member_signal(2, SIGKILL);
	fd = share_socket(SSNPROTO_SHARE);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ret = share_connect(fd, GROUP);
	i = ret && errno != EINPROGRESS ? errno : 0;	/* so soon */
	ok(polled(fd, POLLOUT, 20000) & POLLERR, "poll says when it failed");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	err = i ?: err;
	is_int(err, EHOSTUNREACH, "SO_ERROR says how");
	close(fd);
	member_start(0);
	member_start(1);
	member_start(2);

	fd = share_socket(SSNPROTO_SHARE);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	share_connect(fd, GROUP);
	is_int(close(fd), 0, "closing while it connects");
}

/* A member that does not read is failed in bounded time, the others go on */
static void stalls(void)
{
	struct ssn_share head = next_head();
	double begin, end, busy;
	struct rusage was, is;
	int fd = share_to(GROUP), i;

	member_signal(3, SIGSTOP);
	/* so that all of each message is on its way to it */
	set_option(fd, SSN_COEFF, SSN_COEFF_CRNG);
	for (i = 0; i < 64; i++) {
		head.message = i;
		if (put(fd, &head, data, SSN_MSG_MAX / 4, MSG_DONTWAIT) < 0)
			break;
	}
	is_int(errno, EAGAIN, "a window is full after %d messages", i);
	is_int(polled(fd, POLLOUT, 0), 0, "poll says so");
	is_int(member_state(fd, 3), SSN_MEMBER_LIVE, "it has some time");
	begin = now();
	getrusage(RUSAGE_SELF, &was);
	i = put(fd, &head, data, SSN_MSG_MAX / 4, 0);
	while (i < 0 && errno == EAGAIN && now() < begin + 40)
		i = put(fd, &head, data, SSN_MSG_MAX / 4, 0);
	end = now();
	is_errno(i, ECOMM, "it is given up");
	ok(end - begin < 30, "after %.0f s", end - begin);
	getrusage(RUSAGE_SELF, &is);
	busy = is.ru_stime.tv_sec - was.ru_stime.tv_sec +
	       (is.ru_stime.tv_usec - was.ru_stime.tv_usec) / 1e6;
	ok(busy < 0.2 * (end - begin), "waiting takes no time: %.1f s", busy);
	ok(member_state(fd, 3) == SSN_MEMBER_FAILED &&
	   member_error(fd, 3) == ETIMEDOUT, "with the reason");
	set_xset(fd, SSN_WRITE_SET, ALL & ~8);
	tell(fd, 0, "forget");
	head = next_head();
	is_int(put(fd, &head, data, 1000, 0), 1000, "the others go on");
	tell(fd, 0, "play 0 1");
	ok(comes(fd, 1000), "and give it back");
	close(fd);
	member_signal(3, SIGKILL);
	member_start(3);
}

static bool is_asleep(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (f)
		fclose(f);
	return state == 'S';
}

/* Coefficients from the pool "local": all of them or nothing is dealt */
static void local(void)
{
	static unsigned char bytes[BLOCK];
	struct ssn_share head = next_head(), back;
	uint64_t sent[MEMBERS];
	int fd = share_to(GROUP), value = 0;
	socklen_t len = sizeof(value);
	struct pool pool;
	qkd_id id;
	pid_t pid;

	is_int(set_option(fd, SSN_COEFF, SSN_COEFF_LOCAL), 0, "coefficients local");
	getsockopt(fd, SOL_SSN, SSN_COEFF, &value, &len);
	is_int(value, SSN_COEFF_LOCAL, "the option says so");
	sent_to(fd, sent);
	is_errno(put(fd, &head, data, 1000, MSG_DONTWAIT), EAGAIN,
		 "none there: no message");
	is_int(dealt_since(fd, sent), 0, "nothing was dealt");
	is_int(polled(fd, POLLOUT, 0), 0, "poll says so");

	pid = fork();
	if (!pid) {
		/* waits in the kernel until the block is there */
		_exit(put(fd, &head, data, 1000, 0) != 1000);
	}
	ok(wait_for(10, is_asleep(pid)), "who sends without them waits");
	id_new(id);
	fill_random(bytes, 2 * UNIT);
	if (block_add(ring_serial(qkd_at[0]), 0, QKD_DIR_LOCAL,
		      QKD_KIND_PAYLOAD, id, bytes, 2 * UNIT) < 0)
		bail("add_key local: %s", strerror(errno));
	waitpid(pid, &value, 0);
	is_int(value, 0, "who waits goes on when some come");
	pool_get(qkd_at[0], 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &pool);
	is_int(pool.usable, 2 * UNIT - (K - 1) * 1000,
	       "k - 1 bytes for each byte were taken");
	tell(fd, 0, "play 0 1");
	ok(take(fd, &back, got, sizeof(got), 0) == 1000 &&
	   !memcmp(got, data, 1000) && back.provenance == SSN_COEFF_LOCAL,
	   "the message, and the record says where they came from");
	head = next_head();
	is_errno(put(fd, &head, data, 4000, MSG_DONTWAIT), EAGAIN,
		 "too few: never topped up from elsewhere");
	pool_get(qkd_at[0], 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &pool);
	is_int(pool.usable, 2 * UNIT - (K - 1) * 1000, "and none taken");
	is_int(set_option(fd, SSN_COEFF, SSN_COEFF_CRNG), 0,
	       "a weaker source when it was asked for");
	is_int(put(fd, &head, data, 4000, 0), 4000, "goes on");
	close(fd);
}

/* Pad towards one member runs out: nothing is dealt to anybody */
static void no_pad(void)
{
	struct ssn_share head = next_head();
	struct pool pool;
	uint64_t sent[MEMBERS];
	int fd = share_to(GROUP), i, tries;

	for (tries = 0; tries < 200; tries++) {
		struct ssn_share one = { .flags = SSN_SHARE_CONTROL,
					 .x = X(2) };

		pool_get(qkd_at[0], NODE(2), QKD_DIR_TX, QKD_KIND_PAYLOAD,
			 &pool);
		if (pool.usable < 300000)
			break;
		if (put(fd, &one, data, 200000, 0) < 0)
			break;
	}
	ok(pool.usable < 300000, "one member's pad is nearly used up");
	memset(data, 7, 400000);
	for (i = tries = 0; tries < 20; tries++) {
		sent_to(fd, sent);
		i = put(fd, &head, data, 400000, MSG_DONTWAIT);
		if (i < 0 && errno == ENOKEY)
			break;
		if (i < 0 && errno == EAGAIN)
			polled(fd, POLLIN, 50);
		else
			head.message++;
	}
	is_errno(i, ENOKEY, "no pad for the next message");
	is_int(dealt_since(fd, sent), 0, "nobody was dealt anything");
	is_int(member_state(fd, 2), SSN_MEMBER_LIVE, "the member is as before");
	pads_payload(2, 0, BLOCK);
	pads_payload(2, 1, BLOCK);
	is_int(put(fd, &head, data, 400000, 0), 400000,
	       "with pad the same message goes");
	close(fd);
}

static void two_threads(void)
{
	struct ssn_share head;
	int fd = share_to(GROUP), i, status, good = 0;
	pid_t pid;

	pid = fork();
	if (!pid) {
		for (i = 0; i < 200; i++) {
			head = head_of(4242, i);
			if (put(fd, &head, data, 3000, 0) != 3000)
				_exit(1);
			if (tell(fd, 0, "play 0 1") || tell(fd, 0, "forget"))
				_exit(2);
		}
		_exit(0);
	}
	for (i = 0; i < 200; i++)
		good += comes(fd, 3000);
	waitpid(pid, &status, 0);
	is_int(status, 0, "one process sends");
	is_int(good, 200, "while another receives");
	close(fd);

	/* closed under a reader that sleeps */
	fd = share_to(GROUP);
	pid = fork();
	if (!pid) {
		close(fd);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	is_int(shutdown(fd, SHUT_RD), 0, "no more receiving");
	is_int(take(fd, &head, got, 10, 0), 0, "gives the end");
	is_int(shutdown(fd, SHUT_WR), 0, "no more sending");
	head = next_head();
	is_errno(put(fd, &head, data, 10, 0), EPIPE, "is an error");
	close(fd);
}

static void groups(void)
{
	static const uint8_t twice[] = { 1, 2, 2 }, nought[] = { 1, 0, 2 };

	is_errno(group_set(50, 1, 2, 3, twice), EINVAL, "a point twice");
	is_errno(group_set(50, 1, 2, 3, nought), EINVAL, "x 0");
	is_errno(group_set(50, 1, 4, 3, NULL), EINVAL, "k > n");
	is_errno(group_set(50, 1, 0, 3, NULL), EINVAL, "k 0");
	ok(group_set(50, 1, 1, 3, NULL) < 0, "k 1 without policy");
}

/* Every connection takes a run of 64 tags each way, and units of pad */
static void refill(int blocks)
{
	int i;

	for (i = 0; i < MEMBERS; i++) {
		pads_tags(i);
		pads_more(i, blocks);
	}
}

int main(void)
{
	share_setup(4);
	fill_random(data, sizeof(data));
	groups();
	closes();
	lies();
	killed();
	refill(2);
	nonblocking();
	two_threads();
	local();
	refill(10);
	stalls();
	no_pad();
	share_teardown();
	return tap_done();
}
