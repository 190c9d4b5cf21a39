/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A share socket to one group, for one job: what is sent is split over the
 * members that are still in, what they answer is collected. A job has a dealer
 * of its own, so that a member that fails here fails nobody else's job. Used by
 * one thread.
 */
#ifndef SSAD_DEALER_H
#define SSAD_DEALER_H

#include <jansson.h>
#include <linux/ssn.h>
#include <stdbool.h>
#include <stdint.h>
#include "network.h"
#include "reserve.h"

/**
 * struct dealer_member - one shareholder
 * @in:		it takes part. Once out it stays out: nothing is split again for
 *		one member
 * @error:	why it is out, a negative errno
 * @why:	the same in words
 * @refused:	the errno symbol that it answered when that put it out, or ""
 */
struct dealer_member {
	uint32_t node;
	uint8_t x;
	bool in;
	int error;
	char why[160];
	char refused[16];
};

struct dealer {
	int fd;
	const struct network *net;
	const struct network_group *group;
	unsigned int timeout_ms;	/* for an answer */
	unsigned int n;
	struct dealer_member member[SSN_MEMBERS_MAX];
	uint64_t pad_bytes;		/* sent: payload pad and tag slots */
	uint64_t wire_bytes;
	struct reservation *reserved;	/* the job's; not owned; may be NULL */
	uint8_t *buf;			/* SSN_MSG_MAX bytes, for control messages */
	/*
	 * Nothing could be sent in all the time there is, for want of pad (-ENOKEY)
	 * or of window (-ETIMEDOUT): 0 to go on trying, else that is why it fails.
	 * May be NULL.
	 */
	int (*patience)(struct dealer *d, int why, void *arg);
	void *arg;
};

/*
 * How long to wait for window, in milliseconds, where the time for an answer is
 * less: the kernel fails a member that has had no room for 20 s, and says who.
 */
extern unsigned int dealer_window_ms;

/**
 * dealer_open - connect to a group
 * @raw:	deliver shares uncombined
 * @coeff:	enum ssn_coeff for what will be sent, or 0
 * @need:	members that must answer, k at least
 *
 * Returns 0 with at least @need members in; -EHOSTUNREACH naming the others;
 * another -errno.
 */
int dealer_open(struct dealer **d, const struct network *net,
		const struct network_group *group, unsigned int timeout_ms,
		bool raw, int coeff, unsigned int need, struct err *err);
void dealer_close(struct dealer *d);

unsigned int dealer_in(const struct dealer *d);
struct dealer_member *dealer_at(struct dealer *d, uint8_t x);
/* "sh3 (node 13): connection refused; ..." of all that are out. */
void dealer_absent(const struct dealer *d, char *text, size_t size);
void dealer_out(struct dealer *d, struct dealer_member *m, int error,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Look at the socket's members; how many went out just now, or -errno. */
int dealer_refresh(struct dealer *d);

/* Restrict what is combined to these points. 0 or -errno. */
int dealer_read_set(struct dealer *d, const uint8_t *x, unsigned int count);
/* Split only to the members that are in. */
int dealer_write_set(struct dealer *d);

/* A control message to one member (@x) or all that are in (0). */
void dealer_tell(struct dealer *d, uint8_t x, const json_t *msg);

/* An answer with status other than "error"; nonzero puts the member out. */
typedef int dealer_answer(struct dealer *d, struct dealer_member *m,
			  const json_t *msg, void *arg);
/**
 * dealer_ask - tell all that are in, and wait for the answer of each
 * @msg:	with "op" and "job"; answers have the same "re" and "job", and
 *		"segment" and "deal" where @msg has them
 * @timeout_ms:	0: the dealer's
 *
 * Members that answer with an error, or not in time, or fail, are out
 * afterwards. Returns the members that are in, or -errno of the socket.
 */
int dealer_ask(struct dealer *d, const json_t *msg, unsigned int timeout_ms,
	       dealer_answer *fn, void *arg);
/* The same with one member, at @x. 0, or -errno: it is out. */
int dealer_ask_one(struct dealer *d, uint8_t x, const json_t *msg,
		   dealer_answer *fn, void *arg);
/* Only the second half: collect answers to what was told already. @x as in tell. */
int dealer_collect(struct dealer *d, uint8_t x, const json_t *msg,
		   unsigned int timeout_ms, dealer_answer *fn, void *arg);

/**
 * dealer_send - one data message, split over all that are in
 *
 * Returns 0 (look at dealer_refresh() for who went out); -ECONNABORTED: a member
 * went out, the deal is over; -ENOKEY, -ETIMEDOUT (no window, and nobody went out
 * for it), another -errno: nothing of this message went anywhere.
 */
int dealer_send(struct dealer *d, const struct ssn_share *share, const void *buf,
		size_t len);

/**
 * dealer_recv - the next message, of whatever kind
 *
 * Returns its length, -ETIMEDOUT after @deadline (monotonic ms), -EAGAIN when
 * members went out meanwhile, or -errno.
 */
ssize_t dealer_recv(struct dealer *d, struct ssn_share *share, void *buf,
		    size_t size, uint64_t deadline);

#endif
