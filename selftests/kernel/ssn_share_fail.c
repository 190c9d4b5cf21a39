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

FIXTURE(share) {
};

FIXTURE_SETUP(share)
{
	members_begin(2);
	fill_random(data, sizeof(data));
}

FIXTURE_TEARDOWN(share)
{
	members_end();
}

/* A member that closes: told by poll, named by SSN_MEMBERS, left out then */
TEST_F(share, closes)
{
	struct ssn_share head = next_head();
	uint64_t sent[MEMBERS];
	int fd = share_to(GROUP);

	EXPECT_EQ(1000, put(fd, &head, data, 1000, 0))
		TH_LOG("dealt to five");
	EXPECT_EQ(0, polled(fd, POLLPRI, 0))
		TH_LOG("no member has ended");
	tell(fd, X(1), "close");
	EXPECT_EQ(POLLPRI | POLLERR, polled(fd, POLLPRI, 20000))
		TH_LOG("poll tells that a member ended");
	EXPECT_EQ(SSN_MEMBER_CLOSED, member_state(fd, 1))
		TH_LOG("which one and how");
	EXPECT_EQ(0, polled(fd, POLLPRI, 0))
		TH_LOG("and is silent once it was read");
	sent_to(fd, sent);
	head.message = 1;
	EXPECT_EQ(ECOMM, error_of(put(fd, &head, data, 1000, 0)))
		TH_LOG("no dealing to a write set with a member that ended");
	EXPECT_EQ(0, dealt_since(fd, sent))
		TH_LOG("nothing was dealt to the others");
	EXPECT_EQ(ECOMM, error_of(tell(fd, X(1), "ping")))
		TH_LOG("it cannot be told either");
	EXPECT_EQ(0, set_xset(fd, SSN_WRITE_SET, ALL & ~2))
		TH_LOG("without it");
	head = next_head();
	EXPECT_EQ(1000, put(fd, &head, data, 1000, 0))
		TH_LOG("the segment is dealt again to four");
	EXPECT_EQ(4, dealt_since(fd, sent))
		TH_LOG("and to no more");
	tell(fd, X(0), "forget");
	tell(fd, 0, "play 1 2");
	EXPECT_TRUE(comes(fd, 1000))
		TH_LOG("three give it");

	tell(fd, X(0), "close");
	tell(fd, X(2), "close");
	EXPECT_EQ(EHOSTUNREACH, error_of(take(fd, &head, got, sizeof(got), 0)))
		TH_LOG("less than k are left: an error");
	EXPECT_TRUE(until(member_state(fd, 0) == SSN_MEMBER_CLOSED &&
		    member_state(fd, 2) == SSN_MEMBER_CLOSED, 20))
		TH_LOG("who they are");
	EXPECT_EQ(EAGAIN,
		  error_of(take(fd, &head, got, sizeof(got), MSG_DONTWAIT)))
		TH_LOG("said once");
	tell(fd, X(3), "close");
	tell(fd, X(4), "close");
	EXPECT_TRUE(until(member_state(fd, 3) == SSN_MEMBER_CLOSED &&
		    member_state(fd, 4) == SSN_MEMBER_CLOSED, 20))
		TH_LOG("all close");
	EXPECT_EQ(0, take(fd, &head, got, sizeof(got), 0))
		TH_LOG("the end of all streams");
	close(fd);
}

/* Shares that do not fit the socket: the sender is out, the others go on */
TEST_F(share, lies)
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
		EXPECT_TRUE(member_state(fd, 4) == SSN_MEMBER_FAILED &&
			    member_error(fd, 4) == EBADMSG)
			TH_LOG("a share with another %s ends its sender", text);
		EXPECT_EQ(count + 1, counter(NODE(4), SSN_A_COUNTERS_BAD_SHARE))
			TH_LOG("and is counted");
		tell(fd, 0, "play 0 1");
		EXPECT_TRUE(comes(fd, 2000))
			TH_LOG("the others give the message");
		close(fd);
	}
}

/* Killed: the stream ends in order or not, and nobody waits for it */
TEST_F(share, killed)
{
	struct ssn_share head = next_head();
	int fd = share_to(GROUP), i, good = 0;

	for (i = 0; i < 20; i++) {
		head.message = i;
		good += put(fd, &head, data, 5000, 0) == 5000;
	}
	EXPECT_EQ(20, good)
		TH_LOG("20 messages");
	tell(fd, 0, "play 0 20");
	EXPECT_TRUE(comes(fd, 5000))
		TH_LOG("the first comes back");
	member_signal(0, SIGKILL);
	member_signal(1, SIGKILL);
	for (good = 1; good < 20; good++)
		if (!comes(fd, 5000))
			break;
	EXPECT_EQ(20, good)
		TH_LOG("two are killed: all 20 come");
	EXPECT_TRUE(until(member_state(fd, 0) > SSN_MEMBER_LIVE &&
		    member_state(fd, 1) > SSN_MEMBER_LIVE, 20))
		TH_LOG("their ends are seen");
	head.message = 20;
	EXPECT_EQ(ECOMM, error_of(put(fd, &head, data, 5000, 0)))
		TH_LOG("the deal is over");
	tell(fd, 0, "play 0 20");
	for (i = good = 0; i < 20; i++)
		good += comes(fd, 5000);
	EXPECT_EQ(20, good)
		TH_LOG("three of five give all of it again");
	member_signal(2, SIGKILL);
	EXPECT_TRUE(until(member_state(fd, 2) > SSN_MEMBER_LIVE, 20))
		TH_LOG("a third is killed");
	tell(fd, X(3), "play 0 1");
	tell(fd, X(4), "play 0 1");
	EXPECT_EQ(ESTALE, error_of(take(fd, &head, got, sizeof(got), 0)))
		TH_LOG("two give nothing");
	close(fd);

	fd = share_socket(SSNPROTO_SHARE);
	EXPECT_EQ(EHOSTUNREACH, error_of(share_connect(fd, GROUP)))
		TH_LOG("no connect with less than k members");
	EXPECT_TRUE(member_state(fd, 0) == SSN_MEMBER_FAILED &&
		    member_error(fd, 0) == ECONNREFUSED &&
		    member_state(fd, 4) == SSN_MEMBER_LIVE)
		TH_LOG("who did not answer, and why");
	EXPECT_EQ(ENOTCONN, error_of(put(fd, &head, data, 10, 0)))
		TH_LOG("it is not connected");
	for (i = 0; i < 3; i++)
		member_start(i);
	EXPECT_EQ(0, share_connect(fd, GROUP))
		TH_LOG("it connects when they are back");
	head = next_head();
	put(fd, &head, data, 1000, 0);
	tell(fd, 0, "play 0 1");
	EXPECT_TRUE(comes(fd, 1000))
		TH_LOG("and works");
	close(fd);
}

TEST_F(share, nonblocking)
{
	int fd = share_socket(SSNPROTO_SHARE), err = 0, ret, i;
	socklen_t len = sizeof(err);
	struct ssn_share head = next_head();

	fcntl(fd, F_SETFL, O_NONBLOCK);
	ret = share_connect(fd, GROUP);
	EXPECT_EQ(EINPROGRESS, error_of(ret))
		TH_LOG("connecting without waiting");
	EXPECT_EQ(POLLOUT, polled(fd, POLLOUT, 20000))
		TH_LOG("poll says when");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	EXPECT_EQ(0, err)
		TH_LOG("without an error");
	EXPECT_EQ(1000, put(fd, &head, data, 1000, 0))
		TH_LOG("it may be used");
	EXPECT_EQ(EISCONN, error_of(share_connect(fd, GROUP)))
		TH_LOG("it is connected");
	EXPECT_EQ(EAGAIN, error_of(take(fd, &head, got, 1000, 0)))
		TH_LOG("nothing to receive");
	close(fd);

	member_signal(0, SIGKILL);
	member_signal(1, SIGKILL);
	member_signal(2, SIGKILL);
	fd = share_socket(SSNPROTO_SHARE);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ret = share_connect(fd, GROUP);
	i = ret && errno != EINPROGRESS ? errno : 0;	/* so soon */
	EXPECT_TRUE(polled(fd, POLLOUT, 20000) & POLLERR)
		TH_LOG("poll says when it failed");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	err = i ?: err;
	EXPECT_EQ(EHOSTUNREACH, err)
		TH_LOG("SO_ERROR says how");
	close(fd);
	member_start(0);
	member_start(1);
	member_start(2);

	fd = share_socket(SSNPROTO_SHARE);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	share_connect(fd, GROUP);
	EXPECT_EQ(0, close(fd))
		TH_LOG("closing while it connects");
}

/* A member that does not read is failed in bounded time, the others go on */
TEST_F(share, stalls)
{
	struct ssn_share head = next_head();
	double begin, end, busy;
	struct rusage was, is;
	int fd = share_to(GROUP), i;
	bool full = false, quiet = false;

	/* for all that is sent, however much the windows hold */
	for (i = 0; i < MEMBERS; i++)
		pads_more(i, 24);
	member_signal(3, SIGSTOP);
	/* so that all of each message is on its way to it */
	set_option(fd, SSN_COEFF, SSN_COEFF_CRNG);
	for (i = 0; i < 96 && !full;) {
		head.message = i;
		if (put(fd, &head, data, SSN_MSG_MAX / 4, MSG_DONTWAIT) >= 0) {
			quiet = false;
			i++;
		} else if (errno != EAGAIN) {
			break;
		} else if (quiet) {
			full = true;
		} else {
			/*
			 * not only until the others have read; poll asks for
			 * room for a maximal message, so put once more after it
			 */
			quiet = !(polled(fd, POLLOUT, 3000) & POLLOUT);
		}
	}
	EXPECT_TRUE(full)
		TH_LOG("a window is full after %d messages: %m", i);
	EXPECT_EQ(0, polled(fd, POLLOUT, 0))
		TH_LOG("poll says so");
	EXPECT_EQ(SSN_MEMBER_LIVE, member_state(fd, 3))
		TH_LOG("it has some time");
	begin = now();
	getrusage(RUSAGE_SELF, &was);
	i = put(fd, &head, data, SSN_MSG_MAX / 4, 0);
	while (i < 0 && errno == EAGAIN && now() < begin + 40)
		i = put(fd, &head, data, SSN_MSG_MAX / 4, 0);
	end = now();
	EXPECT_EQ(ECOMM, error_of(i))
		TH_LOG("it is given up");
	EXPECT_LT(end - begin, 30)
		TH_LOG("after %.0f s", end - begin);
	getrusage(RUSAGE_SELF, &is);
	busy = is.ru_stime.tv_sec - was.ru_stime.tv_sec +
	       (is.ru_stime.tv_usec - was.ru_stime.tv_usec) / 1e6;
	EXPECT_LT(busy, 0.2 * (end - begin))
		TH_LOG("waiting takes no time: %.1f s", busy);
	EXPECT_TRUE(member_state(fd, 3) == SSN_MEMBER_FAILED &&
		    member_error(fd, 3) == ETIMEDOUT)
		TH_LOG("with the reason");
	set_xset(fd, SSN_WRITE_SET, ALL & ~8);
	tell(fd, 0, "forget");
	head = next_head();
	EXPECT_EQ(1000, put(fd, &head, data, 1000, 0))
		TH_LOG("the others go on");
	tell(fd, 0, "play 0 1");
	EXPECT_TRUE(comes(fd, 1000))
		TH_LOG("and give it back");
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
TEST_F(share, local)
{
	static unsigned char bytes[BLOCK];
	struct ssn_share head = next_head(), back;
	uint64_t sent[MEMBERS];
	uint64_t drawn = count_at(0, SSN_A_COUNTERS_COEFF_BYTES);
	int fd = share_to(GROUP), value = 0;
	socklen_t len = sizeof(value);
	struct pool pool;
	qkd_id id;
	pid_t pid;

	EXPECT_EQ(0, set_option(fd, SSN_COEFF, SSN_COEFF_LOCAL))
		TH_LOG("coefficients local");
	getsockopt(fd, SOL_SSN, SSN_COEFF, &value, &len);
	EXPECT_EQ(SSN_COEFF_LOCAL, value)
		TH_LOG("the option says so");
	sent_to(fd, sent);
	EXPECT_EQ(EAGAIN, error_of(put(fd, &head, data, 1000, MSG_DONTWAIT)))
		TH_LOG("none there: no message");
	EXPECT_EQ(0, dealt_since(fd, sent))
		TH_LOG("nothing was dealt");
	EXPECT_EQ(0, polled(fd, POLLOUT, 0))
		TH_LOG("poll says so");

	pid = fork();
	if (!pid) {
		/* waits in the kernel until the block is there */
		_exit(put(fd, &head, data, 1000, 0) != 1000);
	}
	EXPECT_TRUE(until(is_asleep(pid), 10))
		TH_LOG("who sends without them waits");
	id_new(id);
	fill_random(bytes, 2 * UNIT);
	if (block_add(ring_serial(qkd_at[0]), 0, QKD_DIR_LOCAL,
		      QKD_KIND_PAYLOAD, id, bytes, 2 * UNIT) < 0)
		bail("add_key local: %s", strerror(errno));
	waitpid(pid, &value, 0);
	EXPECT_EQ(0, value)
		TH_LOG("who waits goes on when some come");
	pool_get(qkd_at[0], 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &pool);
	EXPECT_EQ(2 * UNIT - (K - 1) * 1000, pool.usable)
		TH_LOG("k - 1 bytes for each byte were taken");
	tell(fd, 0, "play 0 1");
	EXPECT_TRUE(take(fd, &back, got, sizeof(got), 0) == 1000 &&
		    !memcmp(got, data, 1000) &&
		    back.provenance == SSN_COEFF_LOCAL)
		TH_LOG("the message, and the record says where they came from");
	head = next_head();
	EXPECT_EQ(EAGAIN, error_of(put(fd, &head, data, 4000, MSG_DONTWAIT)))
		TH_LOG("too few: never topped up from elsewhere");
	pool_get(qkd_at[0], 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, &pool);
	EXPECT_EQ(2 * UNIT - (K - 1) * 1000, pool.usable)
		TH_LOG("and none taken");
	EXPECT_EQ(0, set_option(fd, SSN_COEFF, SSN_COEFF_CRNG))
		TH_LOG("a weaker source when it was asked for");
	EXPECT_EQ(4000, put(fd, &head, data, 4000, 0))
		TH_LOG("goes on");
	EXPECT_EQ(drawn + (K - 1) * 5000, count_at(0, SSN_A_COUNTERS_COEFF_BYTES))
		TH_LOG("random bytes of both sources are counted");
	close(fd);
}

/* Pad towards one member runs out: nothing is dealt to anybody */
TEST_F(share, no_pad)
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
	EXPECT_LT(pool.usable, 300000)
		TH_LOG("one member's pad is nearly used up");
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
	EXPECT_EQ(ENOKEY, error_of(i))
		TH_LOG("no pad for the next message");
	EXPECT_EQ(0, dealt_since(fd, sent))
		TH_LOG("nobody was dealt anything");
	EXPECT_EQ(SSN_MEMBER_LIVE, member_state(fd, 2))
		TH_LOG("the member is as before");
	pads_payload(2, 0, BLOCK);
	pads_payload(2, 1, BLOCK);
	EXPECT_EQ(400000, put(fd, &head, data, 400000, 0))
		TH_LOG("with pad the same message goes");
	close(fd);
}

TEST_F(share, two_threads)
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
	EXPECT_EQ(0, status)
		TH_LOG("one process sends");
	EXPECT_EQ(200, good)
		TH_LOG("while another receives");
	close(fd);

	/* closed under a reader that sleeps */
	fd = share_to(GROUP);
	pid = fork();
	if (!pid) {
		close(fd);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, shutdown(fd, SHUT_RD))
		TH_LOG("no more receiving");
	EXPECT_EQ(0, take(fd, &head, got, 10, 0))
		TH_LOG("gives the end");
	EXPECT_EQ(0, shutdown(fd, SHUT_WR))
		TH_LOG("no more sending");
	head = next_head();
	EXPECT_EQ(EPIPE, error_of(put(fd, &head, data, 10, 0)))
		TH_LOG("is an error");
	close(fd);
}

TEST_F(share, groups)
{
	static const uint8_t twice[] = { 1, 2, 2 }, nought[] = { 1, 0, 2 };

	EXPECT_EQ(EINVAL, error_of(group_set(50, 1, 2, 3, twice)))
		TH_LOG("a point twice");
	EXPECT_EQ(EINVAL, error_of(group_set(50, 1, 2, 3, nought)))
		TH_LOG("x 0");
	EXPECT_EQ(EINVAL, error_of(group_set(50, 1, 4, 3, NULL)))
		TH_LOG("k > n");
	EXPECT_EQ(EINVAL, error_of(group_set(50, 1, 0, 3, NULL)))
		TH_LOG("k 0");
	EXPECT_LT(group_set(50, 1, 1, 3, NULL), 0)
		TH_LOG("k 1 without policy");
}

TEST_HARNESS_MAIN
