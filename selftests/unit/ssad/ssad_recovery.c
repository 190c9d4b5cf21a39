// SPDX-License-Identifier: GPL-2.0
/*
 * An agent that begins on an empty folder makes its catalogue by itself. Until it has
 * read what there is, it does not say what there is not, and stores nothing.
 */
#include "agent.h"

/* What an owner's connection does with a request. */
static int by_op(struct session *s, const json_t *req)
{
	char *text = json_dumps(req, 0);
	struct ssn_share share = { .flags = SSN_SHARE_CONTROL };

	queue_add(&owner.in, &share, text, strlen(text));
	free(text);
	owner_stays = false;
	owner_ready();
	session_owners.serve(s);
	return 0;
}

static const char *request(json_t *req)
{
	owner_stays = true;		/* until it is queued */
	return agent_ask(by_op, req, 0);
}

static const char *ask(const char *op)
{
	return request(json_pack("{s:s s:s s:i s:s s:s s:s}", "op", op, "name",
					  "a", "version", 1, "job", JOB(9), "sig", "x",
					  "owner_cert", "x"));
}

static const char *put(const char *job, const char *object, const char *name)
{
	return request(put_request(job, object, name, 1, 0));
}

/* A state folder that is empty, and an agent that has just begun on it. */
static void begin_empty(void)
{
	agent_lose();
	ssad.recovery = (struct recovery)RECOVERY_INIT;
}

static void down(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < N; i++)
		holder[i].down = i < count;
}

static bool thread_done(void)
{
	bool done;

	pthread_mutex_lock(&ssad.recovery.lock);
	done = !ssad.recovery.thread;
	pthread_mutex_unlock(&ssad.recovery.lock);
	return done;
}

static bool found_within(unsigned int seconds)
{
	struct recovery *r = &ssad.recovery;
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&r->lock);
	while (r->thread && ret != ETIMEDOUT)
		ret = pthread_cond_timedwait(&r->changed, &r->lock, &until);
	pthread_mutex_unlock(&r->lock);
	return thread_done() && !catalogue_lost(ssad.cat);
}

/* Fewer than k are there: nothing is known. */
static void test_unread(void)
{
	begin_empty();
	down(N - K + 1);
	ok(!recovery_pass(&ssad), "a new agent that reaches fewer than k");
	is_int(asked_all("list"), 0, "asks nobody in vain");
	is_str(ask("get"), "error EAGAIN", "does not say that there is no such object");
	is_str(ask("stat"), "error EAGAIN", "nor");
	is_str(ask("rm"), "error EAGAIN", "nor");
	is_str(ask("ls"), "error EAGAIN", "lists nothing as if it were all");
	down(0);
	is_str(put(JOB(2), OBJECT(2), "a"), "error EAGAIN",
	       "stores nothing under a name that may be there");
	is_int(asked_all("begin"), N, "and begins nothing");
	is_int(catalogue_job(ssad.cat, JOB(2)), JOB_UNKNOWN, "nor records it");
}

/* k are there: the names are known, but not every job from before. */
static void test_read(void)
{
	unsigned int lists;

	begin_empty();
	down(N - K);
	ok(!recovery_pass(&ssad), "one that reaches k");
	ok(catalogue_lost(ssad.cat), "stays lost");
	is_int(catalogue_job(ssad.cat, JOB(7)), JOB_UNKNOWN,
	       "and calls no job aborted that it does not know");
	is_str(ask("stat"), "done", "but knows the names");
	is_str(ask("ls"), "done", "all of them");
	down(0);
	is_str(put(JOB(2), OBJECT(2), "a"), "error EEXIST", "whose are taken");
	is_str(put(JOB(3), OBJECT(3), "b"), "done", "stores others");
	down(1);
	lists = asked_all("list");
	ok(!recovery_pass(&ssad), "while one of n is away");
	is_int(asked_all("list"), lists, "nobody is made to list it all again");
	down(0);
	ok(recovery_pass(&ssad), "with all of them");
	is_int(catalogue_job(ssad.cat, JOB(7)), JOB_ABORTED, "it is whole");
	is_str(ask("get"), "done", "and gives back what there is");
}

/* By itself, at the first try or a later one. */
static void test_thread(void)
{
	recovery_retry_ms = 20;
	begin_empty();
	is_int(recovery_start(&ssad), 0, "a new agent begins");
	ok(found_within(20), "and is whole without being told to");
	is_int(recovery_start(&ssad), 0, "one that is whole");
	ok(thread_done(), "has nothing to do");

	begin_empty();
	down(N);
	is_int(recovery_start(&ssad), 0, "one that reaches nobody");
	ok(!found_within(1), "goes on trying");
	down(0);
	ok(found_within(20), "until they are there");

	begin_empty();
	down(N);
	recovery_retry_ms = 600000;
	is_int(recovery_start(&ssad), 0, "one that is stopped while it waits");
	recovery_stop(&ssad);
	ok(thread_done() && catalogue_lost(ssad.cat), "ends");
	down(0);
}

/* By hand, as ever. */
static void test_by_hand(void)
{
	begin_empty();
	is_str(request(json_pack("{s:s}", "op", "rebuild")), "done",
	       "a rebuild by hand");
	ok(json_is_true(agent_answer("complete")) && !catalogue_lost(ssad.cat),
	   "is asked of a new agent too");
	begin_empty();
	down(N - K);
	is_str(request(json_pack("{s:s}", "op", "rebuild")), "done",
	       "of k shareholders");
	is_str(ask("stat"), "done", "it tells the names");
	down(0);
	pthread_mutex_lock(&ssad.rebuild);
	is_str(request(json_pack("{s:s}", "op", "rebuild")), "error EBUSY",
	       "while another one runs, and goes on running");
	pthread_mutex_unlock(&ssad.rebuild);
}

int main(void)
{
	agent_make();
	catalogue_found(ssad.cat);
	is_str(put(JOB(1), OBJECT(1), "a"), "done", "an object");
	test_unread();
	test_read();
	test_thread();
	test_by_hand();
	agent_free();
	return tap_done();
}
