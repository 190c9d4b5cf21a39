// SPDX-License-Identifier: GPL-2.0
#include "recovery.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dealer.h"
#include "log.h"
#include "rebuild.h"
#include "ssad.h"

#define RECOVERY_STACK	(512 << 10)
/* Each try costs pad: a connection's first leases, at every member. */
#define RETRY_MAX_MS	600000U
#define STOP_MS		15000U

unsigned int recovery_retry_ms = 1000;

static struct timespec time_in(unsigned int ms)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	return at;
}

void recovery_read(struct ssad *ssad)
{
	struct recovery *r = &ssad->recovery;

	pthread_mutex_lock(&r->lock);
	r->read = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

int recovery_wait(struct ssad *ssad, unsigned int timeout_ms, struct err *err)
{
	struct recovery *r = &ssad->recovery;
	const struct timespec until = time_in(timeout_ms);
	int ret = 0;

	if (!catalogue_lost(ssad->cat))
		return 0;
	pthread_mutex_lock(&r->lock);
	while (!r->read && !r->stop && ret != ETIMEDOUT)
		ret = pthread_cond_timedwait(&r->changed, &r->lock, &until);
	ret = r->read ? 0 : -EAGAIN;
	pthread_mutex_unlock(&r->lock);
	return ret ? err_set(err, ret,
			     "this agent is new, or has lost its state, and has not reached the k shareholders of each group that tell what is stored")
		   : 0;
}

static bool recovery_ending(struct recovery *r)
{
	bool stop;

	pthread_mutex_lock(&r->lock);
	stop = r->stop;
	pthread_mutex_unlock(&r->lock);
	return stop;
}

/* An object is done: is there to be another one? */
static int recovery_progress(unsigned int objects, void *arg)
{
	struct ssad *ssad = arg;

	return recovery_ending(&ssad->recovery) ? -ECANCELED : 0;
}

/* Are there enough of each group for a rebuild to bring something? */
static bool recovery_reached(struct ssad *ssad, bool all, struct err *err)
{
	struct dealer *d;
	size_t i;
	int ret;

	for (i = 0; i < ssad->net.groups; i++) {
		const struct network_group *group = &ssad->net.group[i];

		ret = dealer_open(&d, &ssad->net, group, ssad->group_timeout_ms,
				  false, 0, all ? group->n : group->k, err);
		dealer_close(d);
		if (ret)
			return false;
	}
	return true;
}

bool recovery_pass(struct ssad *ssad)
{
	struct recovery *r = &ssad->recovery;
	struct rebuild_result result;
	struct err err = { "" };
	bool read;
	int ret;

	pthread_mutex_lock(&r->lock);
	read = r->read;
	pthread_mutex_unlock(&r->lock);
	if (!recovery_reached(ssad, read, &err)) {
		log_info("recovery: tried again later: %s", err.text);
		return false;
	}
	ret = rebuild_run(ssad, recovery_progress, ssad, &result, &err);
	if (ret)
		log_warn("recovery: tried again later: %s", err.text);
	return !catalogue_lost(ssad->cat);
}

static void *recovery_thread(void *arg)
{
	struct ssad *ssad = arg;
	struct recovery *r = &ssad->recovery;
	unsigned int ms = recovery_retry_ms;

	while (catalogue_lost(ssad->cat) && !recovery_pass(ssad)) {
		const struct timespec until = time_in(ms);

		pthread_mutex_lock(&r->lock);
		while (!r->stop &&
		       pthread_cond_timedwait(&r->changed, &r->lock, &until) != ETIMEDOUT)
			;
		pthread_mutex_unlock(&r->lock);
		if (recovery_ending(r))
			break;
		ms = ms < RETRY_MAX_MS / 2 ? 2 * ms : RETRY_MAX_MS;
	}
	pthread_mutex_lock(&r->lock);
	r->thread = false;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

int recovery_start(struct ssad *ssad)
{
	struct recovery *r = &ssad->recovery;
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	if (!catalogue_lost(ssad->cat))
		return 0;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, RECOVERY_STACK);
	pthread_mutex_lock(&r->lock);
	ret = -pthread_create(&thread, &attr, recovery_thread, ssad);
	r->thread = !ret;
	pthread_mutex_unlock(&r->lock);
	pthread_attr_destroy(&attr);
	return ret;
}

void recovery_stop(struct ssad *ssad)
{
	struct recovery *r = &ssad->recovery;
	const struct timespec until = time_in(STOP_MS);
	int ret = 0;

	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_broadcast(&r->changed);
	while (r->thread && ret != ETIMEDOUT)
		ret = pthread_cond_timedwait(&r->changed, &r->lock, &until);
	if (r->thread) {
		/* the next start begins it anew */
		log_warn("the rebuild did not end in time");
		_exit(1);
	}
	pthread_mutex_unlock(&r->lock);
}
