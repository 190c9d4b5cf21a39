/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Recovery: an agent whose catalogue is lost, as a new one's is, makes it again by
 * itself, as soon as its shareholders are reached. Until it has read once what k
 * shareholders of each group hold, it does not know which names there are: what
 * depends on that is refused. It stays lost until all of them have answered.
 */
#ifndef SSAD_RECOVERY_H
#define SSAD_RECOVERY_H

#include <pthread.h>
#include <stdbool.h>

#include "config.h"

struct ssad;

/**
 * struct recovery - that of one agent
 * @read:	what there is has been read since the start
 * @stop:	end, and begin nothing new
 * @thread:	there is a thread that tries
 */
struct recovery {
	pthread_mutex_t lock;	/* and everything below */
	pthread_cond_t changed;
	bool read, stop, thread;
};

#define RECOVERY_INIT	{ .lock = PTHREAD_MUTEX_INITIALIZER, \
			  .changed = PTHREAD_COND_INITIALIZER }

/* Where the catalogue is lost, start trying, in a thread. 0 or -errno. */
int recovery_start(struct ssad *ssad);
/* End that, and wait until it has. */
void recovery_stop(struct ssad *ssad);

/* A rebuild has read all groups: tell who waits. */
void recovery_read(struct ssad *ssad);

/**
 * recovery_wait - is it known which names there are?
 * @timeout_ms:	how long to wait for that
 *
 * Returns 0, or -EAGAIN with @err.
 */
int recovery_wait(struct ssad *ssad, unsigned int timeout_ms, struct err *err);

/**
 * recovery_pass - one try
 *
 * A rebuild, if it would bring anything: if k shareholders of each group are
 * reached, and after the first time only if all are.
 *
 * Returns true when the catalogue is not lost any more.
 */
bool recovery_pass(struct ssad *ssad);

/* The time before the second try, in milliseconds; it doubles, up to 10 minutes. */
extern unsigned int recovery_retry_ms;

#endif
