// SPDX-License-Identifier: GPL-2.0
/*
 * An agent that lost its state. Jobs that it does not know may be committed:
 * nothing that happens before a rebuild has settled them may abort them.
 */
#include "agent.h"
#include "../clock.h"

/* A job that @holders prepared, when the agent lost its disk. */
static void prepare_and_lose(const char *job, const char *object, const char *name,
			     unsigned int holders)
{
	unsigned int i;

	holders_make();
	agent_lose();
	if (strcmp(agent_put(job, object, name, 1, 10), "done"))
		bail("a put fails");
	for (i = 0; i < N; i++)
		if (i < holders)
			json_object_set_new(json_object_get(holder[i].jobs, job),
					    "state", json_string("pending"));
		else
			json_object_del(holder[i].jobs, job);
	agent_lose();
}

static const char *rebuild(void)
{
	return agent_ask(session_rebuild, json_pack("{s:s}", "op", "rebuild"), 0);
}

static int answered(const char *key)
{
	const json_t *value = agent_answer(key);

	return json_is_boolean(value) ? json_is_true(value) :
					(int)json_integer_value(value);
}

/* Whatever way a repeated job ends, it is not aborted by that. */
static void test_repeated(void)
{
	prepare_and_lose(JOB(1), OBJECT(1), "a", N);
	ok(catalogue_lost(ssad.cat), "an agent without its disk");
	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, 10), "error EINPROGRESS",
	       "a job from before, repeated");
	is_int(catalogue_job(ssad.cat, JOB(1)), JOB_UNKNOWN, "stays lost");
	is_int(asked_all("abort"), 0, "nobody is told to drop it");
	agent_restart();
	is_int(catalogue_job(ssad.cat, JOB(1)), JOB_UNKNOWN,
	       "also after a restart");
	holder[0].down = holder[1].down = holder[2].down = true;
	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, 10), "error EHOSTUNREACH",
	       "repeated when too few are there");
	is_int(catalogue_job(ssad.cat, JOB(1)), JOB_UNKNOWN, "stays lost");
	holder[0].down = holder[1].down = holder[2].down = false;
	pools[QKD_DIR_TX][QKD_KIND_PAYLOAD] = 5;
	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, 10), "error ENOKEY",
	       "repeated when there is no pad");
	is_int(catalogue_job(ssad.cat, JOB(1)), JOB_UNKNOWN, "stays lost");
	pools[QKD_DIR_TX][QKD_KIND_PAYLOAD] = 1ULL << 40;
	is_int(held(JOB(1), "pending"), N, "all of them have it still");
}

static void test_settled(void)
{
	is_str(rebuild(), "done", "a rebuild");
	ok(answered("complete") && answered("committed") == 1 &&
	   !answered("waiting"), "commits what all n have prepared");
	is_int(catalogue_job(ssad.cat, JOB(1)), JOB_COMMITTED, "here");
	is_int(held(JOB(1), "committed"), N, "and there");
	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, 10), "done",
	       "repeated, it gets its answer");
	is_int(answered("confirmed"), N, "with who has it");
	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, 11), "error EEXIST",
	       "another put of that id does not");
	is_int(catalogue_job(ssad.cat, JOB(9)), JOB_ABORTED,
	       "then what nobody has is aborted");

	prepare_and_lose(JOB(2), OBJECT(2), "b", N - 1);
	is_str(rebuild(), "done", "a rebuild, where one of n does not have it");
	is_int(answered("waiting"), 1, "lets it wait");
	is_int(catalogue_job(ssad.cat, JOB(2)), JOB_WAITING, "here");
	is_int(held(JOB(2), "pending"), N - 1, "and there");
	is_str(agent_put(JOB(2), OBJECT(2), "b", 1, 10), "error EINPROGRESS",
	       "repeated, it still waits");
	is_int(catalogue_job(ssad.cat, JOB(2)), JOB_WAITING, "and is not aborted");
	json_object_set_new(json_object_get(holder[0].jobs, JOB(2)), "state",
			    json_string("committed"));
	is_str(rebuild(), "done", "a rebuild, where one was told to commit");
	is_int(held(JOB(2), "committed"), N - 1, "tells the others");
}

/* What begins in the new life is known, and is aborted as ever. */
static void test_fresh(void)
{
	holders_make();
	agent_lose();
	holder[4].refuse = "prepared";
	holder[4].refuse_errno = "ENOSPC";
	is_str(agent_put(JOB(3), OBJECT(3), "c", 1, 10), "error EREMOTEIO",
	       "a new job that fails");
	is_int(catalogue_job(ssad.cat, JOB(3)), JOB_ABORTED, "is aborted");
	is_int(asked_all("abort"), N - 1, "and they are told");
	holders_make();
	is_str(agent_put(JOB(4), OBJECT(4), "c", 1, 10), "done", "one that does not");
	is_int(held(JOB(4), "committed"), N, "is stored");
	is_str(agent_put(JOB(4), OBJECT(6), "e", 1, 20), "error EEXIST",
	       "another put of that id is not, and is told so");
}

/* A repeated job runs while the rebuild looks: it has settled nothing. */
static int begin_again(struct share_socket *s, const struct ssn_share *share,
		       const json_t *msg, size_t len)
{
	const struct catalogue_put put = { .job = JOB(5), .owner = 1, .name = "d",
		.object = OBJECT(5), .version = 1, .policy = "" };
	const char *op = json_string_value(json_object_get(msg, "op"));
	struct err err;
	json_t *answer;

	if (op && !strcmp(op, "list"))
		catalogue_begin(ssad.cat, &put, &answer, &err);
	return 0;
}

static void test_meanwhile(void)
{
	prepare_and_lose(JOB(5), OBJECT(5), "d", N);
	on_send = begin_again;
	is_str(rebuild(), "done", "a rebuild, while a job from before is repeated");
	on_send = NULL;
	ok(!answered("complete"), "is not complete");
	is_int(catalogue_abort(ssad.cat, JOB(5)), -ENODATA,
	       "so that job is not aborted");
	is_int(catalogue_job(ssad.cat, JOB(5)), JOB_UNKNOWN, "but lost");
	is_str(rebuild(), "done", "the next one");
	ok(answered("complete"), "is");
	is_int(catalogue_job(ssad.cat, JOB(5)), JOB_COMMITTED, "and commits it");
}

/* The name is given again before the rebuild: what it stands for is the newer. */
static void test_name(void)
{
	holders_make();
	agent_lose();
	catalogue_found(ssad.cat);
	is_str(agent_put(JOB(6), OBJECT(6), "f", 1, 10), "done", "an object");
	is_str(agent_put(JOB(7), OBJECT(6), "f", 2, 10), "done", "replaced");
	later = 60;
	agent_lose();
	is_str(agent_put(JOB(8), OBJECT(8), "f", 1, 20), "done",
	       "and put again by an agent that has forgotten it");
	is_str(rebuild(), "done", "a rebuild");
	is_str(agent_ask(session_stat, json_pack("{s:s s:s}", "op", "stat", "name",
						 "f"), 0), "done", "finds both");
	is_str(json_string_value(agent_answer("object")), OBJECT(8),
	       "and the name is that of the newer");
	later = 0;
}

int main(void)
{
	agent_make();
	test_repeated();
	test_settled();
	test_fresh();
	test_meanwhile();
	test_name();
	agent_free();
	return tap_done();
}
