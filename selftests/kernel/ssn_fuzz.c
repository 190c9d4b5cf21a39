// SPDX-License-Identifier: GPL-2.0
/*
 * Random system calls on link and share sockets, from several threads in four
 * network namespaces with pads, while members send back what comes: any call,
 * any flags, control messages and sizes, good pointers and bad ones. What is
 * received must be what was sent; in the end all is well.
 *
 * FUZZ_SECONDS and FUZZ_SEED in the environment: 12 s otherwise, and always the
 * same seed. The calls of a thread follow from the seed, whatever they give; how
 * the threads meet does not.
 *
 * kernels: uml-debug debian
 * timeout: 300
 */
#define MEMBERS		3
#define K		2

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "ssn_echo_util.h"

#define THREADS		5
#define FD0		200	/* sockets stand at fixed numbers: */
#define LINKS		24	/* these are link sockets, mostly */
#define SHARES		12	/* these share sockets */
#define SLOTS		(LINKS + SHARES)
#define SERVICES	4	/* of SSN_SERVICE_DYNAMIC, in all namespaces */
#define PATTERN		(SSN_MSG_MAX + 4096)
#define SPLICED		0xaa	/* cut anywhere it is still the same */

enum op {
	OPEN, BIND, LISTEN, CONNECT, ACCEPT, SEND, RECV, POLL, EPOLL, SHUTDOWN,
	SETSOCKOPT, GETSOCKOPT, NAME, IOCTL, FCNTL, CLOSE, DUP, SPLICE, OPS
};

static const struct {
	const char *name;
	unsigned int weight;
} ops[OPS] = {
	[OPEN] = { "open", 6 }, [BIND] = { "bind, listen", 6 },
	[LISTEN] = { "listen", 2 }, [CONNECT] = { "connect", 10 },
	[ACCEPT] = { "accept", 6 }, [SEND] = { "send", 24 },
	[RECV] = { "receive", 8 }, [POLL] = { "poll", 6 },
	[EPOLL] = { "epoll", 3 }, [SHUTDOWN] = { "shutdown", 1 },
	[SETSOCKOPT] = { "setsockopt", 6 }, [GETSOCKOPT] = { "getsockopt", 6 },
	[NAME] = { "getname", 3 }, [IOCTL] = { "ioctl", 2 },
	[FCNTL] = { "fcntl", 3 }, [CLOSE] = { "close", 2 },
	[DUP] = { "dup", 1 }, [SPLICE] = { "splice, sendfile", 2 },
};

static unsigned char pattern[PATTERN];
static char *bad;		/* one page that may not be touched */
static int file;		/* for splice: all of it is SPLICED */
static volatile bool stop;
static unsigned int weights;

struct fuzzer {
	pthread_t thread;
	int nr, ns, epoll, pipe[2];
	uint64_t random;
	unsigned char *buf;	/* PATTERN bytes, then the bad page */
	unsigned long calls[OPS], good[OPS];
	unsigned long wrong, messages;
};

static struct fuzzer fuzzers[THREADS];

/* --- chance (splitmix64: Steele, Lea, Flood, 2014) */

static uint64_t next(struct fuzzer *f)
{
	uint64_t z = f->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t below(struct fuzzer *f, uint32_t n)
{
	return next(f) % n;
}

static bool rarely(struct fuzzer *f, uint32_t one_in)
{
	return !below(f, one_in);
}

static bool is_share(int fd)
{
	return fd >= FD0 + LINKS;
}

static int any_fd(struct fuzzer *f)
{
	return FD0 + below(f, SLOTS);
}

/* A length that is near an edge of something */
static size_t any_len(struct fuzzer *f)
{
	static const size_t edge[] = {
		0, 1, 16, 100, 4096, 4096, 8192, 65536, 2 * 65536,
	};
	size_t len = edge[below(f, 9)];

	switch (below(f, 24)) {
	case 0:
		return SSN_MSG_MAX - 1 + below(f, 3);
	case 1:
		return below(f, 70000);
	case 2:
		return next(f);
	default:
		return len ? len - 1 + below(f, 3) : 0;
	}
}

/* --- bytes: the pattern, changed by the first one */

static void fill(unsigned char *buf, size_t len, unsigned char key)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = pattern[i] ^ key;
}

static void check(struct fuzzer *f, const unsigned char *buf, size_t len)
{
	bool spliced = len > 1 && buf[0] == SPLICED && buf[1] == SPLICED;
	size_t i;

	f->messages += len > 0;
	for (i = 1; i < len; i++)
		if (buf[i] != (spliced ? SPLICED :
			       (unsigned char)(pattern[i] ^ buf[0])))
			break;
	if (len && i < len && f->wrong++ < 3)
		diag("byte %zu of %zu is wrong", i, len);
}

/*
 * Where data may be: most often all of it good, else cut off by the bad page,
 * or nowhere. @len is not changed: that is the point.
 */
static void *any_buf(struct fuzzer *f, size_t len, bool full)
{
	size_t cut;

	switch (below(f, 20)) {
	case 0:
		return NULL;
	case 1:
		return bad;
	case 2:
		cut = below(f, 4096);
		fill(f->buf + PATTERN - cut, cut, next(f));
		return f->buf + PATTERN - cut;
	case 3:
		return (void *)next(f);
	}
	if (full && len <= PATTERN)
		fill(f->buf, len, next(f));
	return f->buf;
}

/* --- addresses and control messages */

static socklen_t any_addr(struct fuzzer *f, int fd, struct sockaddr_ssn *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->ssn_family = family + (rarely(f, 20) ? below(f, 50) : 0);
	if (is_share(fd) != rarely(f, 30)) {
		addr->ssn_group = rarely(f, 12) ? next(f) : GROUP;
	} else {
		/* members know the dealer only, who knows them all */
		addr->ssn_node = f->ns != here ? DEALER :
						 NODE(below(f, MEMBERS));
		addr->ssn_service = f->ns != here || rarely(f, 3) ?
			SSN_SERVICE_DYNAMIC + below(f, SERVICES) :
			SSN_SERVICE_AS;
		if (rarely(f, 12))
			addr->ssn_node = below(f, 15);
	}
	if (rarely(f, 40))
		addr->ssn_zero = next(f);
	return rarely(f, 20) ? below(f, 200) : sizeof(*addr);
}

static void any_head(struct fuzzer *f, struct ssn_share *head)
{
	*head = head_of(next(f), below(f, 3));
	if (rarely(f, 3))
		head->deal = 1 + below(f, 3);
	if (rarely(f, 4)) {
		head->flags = SSN_SHARE_CONTROL;
		head->x = rarely(f, 2) ? 0 : X(below(f, MEMBERS));
	}
	if (rarely(f, 30))
		head->flags = next(f);
	if (rarely(f, 30))
		head->x = next(f);
	if (rarely(f, 30)) {
		head->group = next(f);
		head->k = next(f);
		head->n = next(f);
	}
}

/* Control messages into @room bytes at @buf; how many bytes they take */
static size_t any_control(struct fuzzer *f, int fd, void *buf, size_t room)
{
	struct msghdr msg = { .msg_control = buf, .msg_controllen = room };
	struct cmsghdr *c = buf;
	struct ssn_share head;
	size_t len;
	int n;

	if (is_share(fd) == rarely(f, 20))
		return 0;
	memset(buf, 0, room);
	for (n = rarely(f, 20) ? 2 : 1; n && c; n--) {
		any_head(f, &head);
		len = rarely(f, 20) ? below(f, sizeof(head) + 20) :
				      sizeof(head);
		c->cmsg_level = rarely(f, 20) ? SOL_SOCKET : SOL_SSN;
		c->cmsg_type = rarely(f, 20) ? below(f, 9) : SSN_SHARE;
		c->cmsg_len = rarely(f, 30) ? next(f) : CMSG_LEN(len);
		memcpy(CMSG_DATA(c), &head, len < sizeof(head) ? len :
		       sizeof(head));
		c = CMSG_NXTHDR(&msg, c);
	}
	return rarely(f, 20) ? below(f, room) : CMSG_SPACE(sizeof(head));
}

/* --- calls; 0 or more if they were good */

static long do_bind(struct fuzzer *f, int fd)
{
	struct sockaddr_ssn addr;
	socklen_t len = any_addr(f, fd, &addr);

	if (!rarely(f, 8)) {
		addr.ssn_node = SSN_NODE_ANY;
		addr.ssn_service = SSN_SERVICE_DYNAMIC + below(f, SERVICES);
	}
	if (bind(fd, rarely(f, 30) ? (void *)bad : &addr, len))
		return -1;
	return rarely(f, 8) ? 0 : listen(fd, 8);
}

static long do_connect(struct fuzzer *f, int fd)
{
	struct sockaddr_ssn addr;
	socklen_t len = any_addr(f, fd, &addr);

	return connect(fd, rarely(f, 30) ? (void *)bad : &addr, len) &&
	       errno != EINPROGRESS ? -1 : 0;
}

static long do_open(struct fuzzer *f, int fd)
{
	int type = SOCK_SEQPACKET, proto, new;
	struct timeval tv = { .tv_usec = below(f, 20000) };
	bool wait = rarely(f, 4);

	proto = is_share(fd) ? SSNPROTO_SHARE : SSNPROTO_LINK;
	if (rarely(f, 40))
		proto = 3 + below(f, 5);
	if (rarely(f, 40))
		type = below(f, 12);
	if (!wait)
		type |= SOCK_NONBLOCK;
	new = socket(rarely(f, 60) ? (int)below(f, 46) : family,
		     type | SOCK_CLOEXEC, proto);
	if (new < 0)
		return -1;
	setsockopt(new, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(new, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	dup3(new, fd, O_CLOEXEC);
	close(new);
	if (rarely(f, 3))
		return 0;
	return !is_share(fd) && rarely(f, 3) ? do_bind(f, fd) :
					       do_connect(f, fd);
}

static long do_accept(struct fuzzer *f, int fd)
{
	int to = FD0 + below(f, LINKS), new, flags = 0;
	struct sockaddr_ssn addr;
	socklen_t len = rarely(f, 10) ? below(f, 100) : sizeof(addr);

	if (rarely(f, 2))
		flags |= SOCK_NONBLOCK;
	if (rarely(f, 20))
		flags = next(f);
	new = accept4(fd, rarely(f, 20) ? (void *)bad : (void *)&addr,
		      rarely(f, 20) ? NULL : &len, flags);
	if (new < 0)
		return -1;
	dup3(new, to, O_CLOEXEC);
	close(new);
	return 0;
}

static int send_flags(struct fuzzer *f)
{
	int flags = MSG_NOSIGNAL;

	if (rarely(f, 2))
		flags |= MSG_DONTWAIT;
	if (rarely(f, 20))
		flags |= 1 << below(f, 31);
	if (rarely(f, 60))
		flags |= next(f);
	return flags;
}

static void any_iov(struct fuzzer *f, struct iovec iov[3], size_t *n, bool full)
{
	size_t len = any_len(f), cut;
	char *at = any_buf(f, len, full);

	cut = rarely(f, 2) && len ? next(f) % len : len;
	iov[0] = (struct iovec) { at, cut };
	iov[1] = (struct iovec) { at + cut, len - cut };
	iov[2] = (struct iovec) { bad, below(f, 3) };
	*n = rarely(f, 40) ? 3 : 2;
	if (rarely(f, 100))
		*n = rarely(f, 2) ? 1 : 2000;
}

static long do_send(struct fuzzer *f, int fd)
{
	union {
		struct cmsghdr align;
		char room[2 * CMSG_SPACE(sizeof(struct ssn_share)) + 64];
	} control;
	struct sockaddr_ssn addr;
	struct mmsghdr two[2];
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov };
	size_t len;

	any_iov(f, iov, &msg.msg_iovlen, true);
	msg.msg_controllen = any_control(f, fd, &control, sizeof(control));
	msg.msg_control = rarely(f, 50) ? (void *)bad : (void *)&control;
	if (rarely(f, 20)) {
		msg.msg_namelen = any_addr(f, fd, &addr);
		msg.msg_name = &addr;
	}
	switch (below(f, 8)) {
	case 0:
		len = any_len(f);
		return send(fd, any_buf(f, len, true), len, send_flags(f));
	case 1:
		return writev(fd, iov, msg.msg_iovlen);
	case 2:
		two[0].msg_hdr = two[1].msg_hdr = msg;
		return sendmmsg(fd, two, rarely(f, 20) ? next(f) : 2,
				send_flags(f));
	default:
		return sendmsg(fd, &msg, send_flags(f));
	}
}

/* With a head that says so: no raw share, which is like chance */
static bool is_whole(struct msghdr *msg)
{
	struct cmsghdr *c = msg->msg_control ? CMSG_FIRSTHDR(msg) : NULL;
	struct ssn_share head;

	if (!c || msg->msg_flags & MSG_CTRUNC || c->cmsg_level != SOL_SSN)
		return false;
	memcpy(&head, CMSG_DATA(c), sizeof(head));
	return !head.x || head.flags & SSN_SHARE_CONTROL;
}

static long do_recv(struct fuzzer *f, int fd)
{
	union {
		struct cmsghdr align;
		char room[256];
	} control;
	struct iovec iov = { .iov_len = any_len(f) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int flags = rarely(f, 2) ? MSG_DONTWAIT : 0;
	long n;

	if (rarely(f, 2))
		iov.iov_len = SSN_MSG_MAX;
	iov.iov_base = any_buf(f, iov.iov_len, false);
	if (rarely(f, 20))
		flags |= 1 << below(f, 31);
	if (rarely(f, 60))
		flags |= next(f);
	if (rarely(f, 5)) {
		n = recv(fd, iov.iov_base, iov.iov_len, flags);
	} else {
		msg.msg_control = &control;
		msg.msg_controllen = rarely(f, 10) ? below(f, 256) :
						     sizeof(control);
		if (rarely(f, 30))
			msg.msg_control = bad;
		n = recvmsg(fd, &msg, flags);
		if (msg.msg_control == bad)
			msg.msg_control = NULL;
	}
	if (n > 0 && iov.iov_base == f->buf && n <= PATTERN &&
	    (size_t)n <= iov.iov_len && (!is_share(fd) || is_whole(&msg)))
		check(f, f->buf, n);
	return n;
}

static long do_poll(struct fuzzer *f, int fd)
{
	struct pollfd p[8];
	int i, n = 1 + below(f, 8);

	p[0] = (struct pollfd) { .fd = fd, .events = next(f) };
	for (i = 1; i < n; i++)
		p[i] = (struct pollfd) { any_fd(f), next(f), 0 };
	return poll(p, n, below(f, 3));
}

static long do_epoll(struct fuzzer *f, int fd)
{
	struct epoll_event ev = { .events = next(f) & ~EPOLLEXCLUSIVE }, got[8];
	struct fuzzer *other = &fuzzers[below(f, THREADS)];

	if (rarely(f, 3))
		return epoll_wait(other->epoll, got, 8, 0);
	return epoll_ctl(other->epoll, 1 + below(f, 3), fd, &ev);
}

static long do_setsockopt(struct fuzzer *f, int fd)
{
	struct ssn_xset set = {};
	unsigned char val[64];
	int number, i;

	if (is_share(fd) && !rarely(f, 4)) {
		number = rarely(f, 20) ? (int)next(f) : (int)below(f, 4);
		for (i = 0; i < MEMBERS; i++)
			if (!rarely(f, 4))
				set.bits[X(i) / 64] |= 1ULL << X(i) % 64;
		switch (below(f, 4)) {
		case 0:
			return setsockopt(fd, SOL_SSN, SSN_RAW_SHARES, &number,
					  sizeof(number));
		case 1:
			return setsockopt(fd, SOL_SSN, SSN_COEFF, &number,
					  sizeof(number));
		case 2:
			return setsockopt(fd, SOL_SSN, SSN_WRITE_SET, &set,
					  sizeof(set));
		default:
			return setsockopt(fd, SOL_SSN, SSN_READ_SET, &set,
					  sizeof(set));
		}
	}
	for (i = 0; i < 64; i++)
		val[i] = rarely(f, 2) ? 0 : next(f);
	return setsockopt(fd, rarely(f, 3) ? (int)below(f, 400) :
			  rarely(f, 2) ? SOL_SSN : SOL_SOCKET, below(f, 90),
			  rarely(f, 20) ? (void *)bad : val,
			  rarely(f, 4) ? (int)below(f, 64) : 4);
}

static long do_getsockopt(struct fuzzer *f, int fd)
{
	unsigned char val[512];
	socklen_t len = rarely(f, 3) ? below(f, 512) : sizeof(val);

	if (rarely(f, 40))
		len = next(f);
	return getsockopt(fd, rarely(f, 20) ? (int)below(f, 400) :
			  rarely(f, 3) ? SOL_SOCKET : SOL_SSN,
			  rarely(f, 3) ? below(f, 90) : below(f, 9),
			  len > sizeof(val) || rarely(f, 20) ? (void *)bad :
							       val,
			  rarely(f, 30) ? (void *)bad : (void *)&len);
}

static long do_name(struct fuzzer *f, int fd)
{
	unsigned char addr[128];
	socklen_t len = below(f, 128);

	return (rarely(f, 2) ? getsockname : getpeername)
		(fd, rarely(f, 20) ? (void *)bad : (void *)addr,
		 rarely(f, 20) ? NULL : &len);
}

static long do_ioctl(struct fuzzer *f, int fd)
{
	static const unsigned long what[] = {
		FIONREAD, FIONBIO, FIOASYNC, TIOCOUTQ, 0x8905, 0x8906, 0x8910,
		0x8912, 0x8933, 0x89e0,
	};
	unsigned char arg[256] = {};

	return ioctl(fd, rarely(f, 10) ? next(f) & 0xffff :
		     what[below(f, 10)], rarely(f, 10) ? (void *)bad : arg);
}

static long do_fcntl(struct fuzzer *f, int fd)
{
	if (rarely(f, 4))
		return fcntl(fd, F_SETOWN, getpid());
	return fcntl(fd, F_SETFL, (rarely(f, 4) ? 0 : O_NONBLOCK) |
				  (rarely(f, 4) ? O_ASYNC : 0));
}

static long do_splice(struct fuzzer *f, int fd)
{
	size_t len = 1 + below(f, 19999);
	loff_t from = 0;
	off_t begin = 0;
	ssize_t n;

	switch (below(f, 3)) {
	case 0:
		return sendfile(fd, file, &begin, len);
	case 1:
		n = splice(file, &from, f->pipe[1], NULL, len,
			   SPLICE_F_NONBLOCK);
		n = splice(f->pipe[0], NULL, fd, NULL, len, SPLICE_F_NONBLOCK);
		break;
	default:
		n = splice(fd, NULL, f->pipe[1], NULL, len, SPLICE_F_NONBLOCK);
		break;
	}
	/* what is left in the pipe would be the next message's beginning */
	while (read(f->pipe[0], f->buf, PATTERN) > 0)
		;
	return n;
}

/* What goes out may come back soon */
static long do_both(struct fuzzer *f, int fd)
{
	long ret = do_send(f, fd);
	int n;

	for (n = below(f, 4); n; n--) {
		f->calls[RECV]++;
		f->good[RECV] += do_recv(f, fd) >= 0;
	}
	return ret;
}

static long do_op(struct fuzzer *f, enum op op, int fd)
{
	int how;

	switch (op) {
	case OPEN:
		return do_open(f, fd);
	case BIND:
		return do_bind(f, fd);
	case LISTEN:
		return listen(fd, rarely(f, 10) ? (int)next(f) : 8);
	case CONNECT:
		return do_connect(f, fd);
	case ACCEPT:
		return do_accept(f, fd);
	case SEND:
		return do_both(f, fd);
	case RECV:
		return do_recv(f, fd);
	case POLL:
		return do_poll(f, fd);
	case EPOLL:
		return do_epoll(f, fd);
	case SHUTDOWN:
		how = (int)below(f, 5) - 1;
		return shutdown(fd, how);
	case SETSOCKOPT:
		return do_setsockopt(f, fd);
	case GETSOCKOPT:
		return do_getsockopt(f, fd);
	case NAME:
		return do_name(f, fd);
	case IOCTL:
		return do_ioctl(f, fd);
	case FCNTL:
		return do_fcntl(f, fd);
	case CLOSE:
		return close(fd);
	case DUP:
		return dup3(fd, is_share(fd) ? FD0 + LINKS + (int)below(f, SHARES)
			    : FD0 + (int)below(f, LINKS), O_CLOEXEC);
	default:
		return do_splice(f, fd);
	}
}

static enum op any_op(struct fuzzer *f)
{
	unsigned int at = below(f, weights);
	enum op op = 0;

	while (at >= ops[op].weight)
		at -= ops[op++].weight;
	return op;
}

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;
	enum op op;
	int fd;

	ns_enter(f->ns);
	while (!stop) {
		op = any_op(f);
		fd = any_fd(f);
		f->calls[op]++;
		if (do_op(f, op, fd) >= 0)
			f->good[op]++;
	}
	return NULL;
}

/* --- the whole */

static void interrupt(int sig)
{
	(void)sig;	/* a call that waits gives EINTR */
}

/* Where data ends and what may not be touched begins */
static unsigned char *buffer(void)
{
	unsigned char *p = mmap(NULL, PATTERN + 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + PATTERN, 4096, PROT_NONE))
		bail("mmap: %s", strerror(errno));
	return p;
}

static void begin(uint64_t seed)
{
	struct sigaction act = { .sa_handler = interrupt };
	static unsigned char buf[20000];
	struct fuzzer *f;
	int i;

	for (i = 0; i < OPS; i++)
		weights += ops[i].weight;
	/* it begins with 0 and a 1, so that it is not SPLICED with any key */
	for (i = 0; i < (int)PATTERN; i++)
		pattern[i] = (uint32_t)i * 2654435761u >> 24 ^ (i == 1);
	bad = (char *)buffer() + PATTERN;
	file = memfd_create("spliced", MFD_CLOEXEC);
	memset(buf, SPLICED, sizeof(buf));
	if (write(file, buf, sizeof(buf)) != sizeof(buf))
		bail("memfd: %s", strerror(errno));
	sigaction(SIGUSR1, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	for (i = 0; i < THREADS; i++) {
		f = &fuzzers[i];
		f->nr = i;
		f->ns = i % (MEMBERS + 1) ? member_ns[i % (MEMBERS + 1) - 1] :
					    here;
		f->random = seed * THREADS + i;
		f->buf = buffer();
		f->epoll = epoll_create1(EPOLL_CLOEXEC);
		if (f->epoll < 0 || pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK))
			bail("epoll, pipe: %s", strerror(errno));
	}
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&fuzzers[i].thread, NULL, fuzz, &fuzzers[i]))
			bail("a thread: %s", strerror(errno));
}

/* Pads come now and then; that there are none is a case, too. */
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
			pads_payload(i, 0, BLOCK);
		if (!pool_get(qkd_at[i + 1], DEALER, QKD_DIR_TX,
			      QKD_KIND_PAYLOAD, &pool) &&
		    pool.usable < 2 * BLOCK)
			pads_payload(i, 1, BLOCK);
	}
}

static void interrupt_all(void)
{
	int i;

	for (i = 0; i < THREADS; i++)
		pthread_kill(fuzzers[i].thread, SIGUSR1);
}

static unsigned long total(enum op op)
{
	unsigned long n = 0;
	int i;

	for (i = 0; i < THREADS; i++)
		n += fuzzers[i].good[op];
	return n;
}

/* What has to have been reached for this to be worth anything */
static bool enough(void)
{
	static const enum op must[] = { OPEN, BIND, LISTEN, CONNECT, SEND, RECV };
	unsigned long messages = 0;
	unsigned int i;

	for (i = 0; i < sizeof(must) / sizeof(*must); i++)
		if (total(must[i]) < 10)
			return false;
	for (i = 0; i < THREADS; i++)
		messages += fuzzers[i].messages;
	return total(ACCEPT) && messages > 10;
}

static int join_all(void)
{
	struct timespec end;
	int i, left = THREADS;

	stop = true;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 60;
	for (i = 0; i < THREADS; i++) {
		while (left > 0) {
			struct timespec soon;

			interrupt_all();
			clock_gettime(CLOCK_REALTIME, &soon);
			if (soon.tv_sec > end.tv_sec)
				return left;
			soon.tv_nsec += 20000000;
			if (soon.tv_nsec >= 1000000000) {
				soon.tv_sec++;
				soon.tv_nsec -= 1000000000;
			}
			if (!pthread_timedjoin_np(fuzzers[i].thread, NULL,
						  &soon)) {
				left--;
				break;
			}
		}
	}
	return left;
}

static void report(struct __test_metadata *_metadata)
{
	unsigned long calls, messages = 0, wrong = 0;
	int i, op;

	for (op = 0; op < OPS; op++) {
		for (i = 0, calls = 0; i < THREADS; i++)
			calls += fuzzers[i].calls[op];
		diag("%-18s %8lu calls, %8lu good", ops[op].name, calls,
		     total(op));
	}
	for (i = 0; i < THREADS; i++) {
		messages += fuzzers[i].messages;
		wrong += fuzzers[i].wrong;
	}
	EXPECT_EQ(0, wrong)
		TH_LOG("%lu messages received are as they were sent", messages);
}

static void all_is_well(struct __test_metadata *_metadata)
{
	static const int accused[] = {
		SSN_A_COUNTERS_BAD_TAG, SSN_A_COUNTERS_BAD_SEQ,
		SSN_A_COUNTERS_BAD_LENGTH, SSN_A_COUNTERS_BAD_TYPE,
		SSN_A_COUNTERS_BAD_LEASE, SSN_A_COUNTERS_BAD_SHARE,
		SSN_A_COUNTERS_BAD_HELLO, SSN_A_COUNTERS_REPLAYED_HELLO,
	};
	struct ssn_share head = head_of(99, 0);
	static unsigned char got[5000];
	uint64_t sum = 0;
	unsigned int i, m;
	int fd;

	for (i = 0; i < sizeof(accused) / sizeof(*accused); i++)
		for (m = 0; m < MEMBERS; m++)
			sum += counter(NODE(m), accused[i]);
	EXPECT_EQ(0, sum)
		TH_LOG("nobody was accused of anything");
	stock();
	fd = share_to(GROUP);
	EXPECT_EQ(sizeof(got), put(fd, &head, pattern, sizeof(got), 0))
		TH_LOG("a message to a group");
	EXPECT_TRUE(take(fd, &head, got, sizeof(got), 0) == sizeof(got) &&
		    !memcmp(got, pattern, sizeof(got)))
		TH_LOG("comes back");
	close(fd);
	/* the members still send back what was queued: slow with KASAN */
	EXPECT_TRUE(until(!conns(), 120))
		TH_LOG("all connections end");
}

TEST(random_calls)
{
	int seconds = setting("FUZZ_SECONDS", 12), i;
	uint64_t seed = setting("FUZZ_SEED", 20250101);
	struct pool pool;
	double end;

	diag("%d s, seed %llu", seconds, (unsigned long long)seed);
	share_network(2);
	for (i = 0; i < MEMBERS; i++)
		echo_start(member_ns[i], SSN_SERVICE_AS);
	begin(seed);
	end = now() + seconds;
	while (now() < end || (!enough() && now() < end + 60)) {
		for (i = 0; i < 4; i++) {
			poll(NULL, 0, 20);
			interrupt_all();
		}
		stock();
	}
	EXPECT_TRUE(enough())
		TH_LOG("every kind of call was made with success");
	EXPECT_EQ(0, join_all())
		TH_LOG("every call returned");
	report(_metadata);
	for (i = 0; i < SLOTS; i++)
		close(FD0 + i);
	for (i = 0; i < THREADS; i++)
		close(fuzzers[i].epoll);
	/* the members still send back what was queued: slow with KASAN */
	EXPECT_TRUE(until(!conns(), 120))
		TH_LOG("no connection is left");
	for (i = 0; i < MEMBERS; i++) {
		pool_get(qkd_at[0], NODE(i), QKD_DIR_TX, QKD_KIND_PAYLOAD,
			 &pool);
		EXPECT_EQ(0, pool.leased)
			TH_LOG("no pad towards node %d is held", NODE(i));
	}
	all_is_well(_metadata);
}

TEST_HARNESS_MAIN
