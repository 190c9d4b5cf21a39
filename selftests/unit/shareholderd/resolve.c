// SPDX-License-Identifier: GPL-2.0
/* Pending jobs: which are asked about, and what each answer does. */
#include <sys/stat.h>

#include "holder.h"
#include "resolve.h"

#define PREPARED	"10b00000-0000-4000-8000-000000000011"
#define PART		"10b00000-0000-4000-8000-000000000012"
#define OTHERS		"10b00000-0000-4000-8000-000000000013"
#define ABORTED		"10b00000-0000-4000-8000-000000000014"

static struct link l;

static int pending(const char *job)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/pending/%s", data_dir, job);
	return !access(path, F_OK);
}

/* Pretends that the coordinator said @outcome of all that it was asked about. */
static int told(const struct resolve_ask *ask, const char *outcome)
{
	json_t *question = resolve_question(ask), *jobs = json_object();
	json_t *answer, *job;
	size_t i;
	int ret;

	json_array_foreach(json_object_get(question, "jobs"), i, job)
		json_object_set_new(jobs, json_string_value(job),
				    json_string(outcome));
	answer = json_pack("{sssssO}", "re", "outcome", "status", "done",
			   "jobs", jobs);
	ret = resolve_answer(&env, ask, answer);
	json_decref(answer);
	json_decref(jobs);
	json_decref(question);
	return ret;
}

static void ask_one(struct resolve_ask *ask, const char *job)
{
	ask->ssa = 2;
	ask->count = 1;
	uuid_parse(job, ask->job[0]);
}

static void make_jobs(void)
{
	struct link other;
	json_t *policy;

	link_open(&l);
	if (link_put(&l, PREPARED, OBJECT, 1, 2, 0) ||
	    link_put(&l, ABORTED, OBJECT, 2, 1, 0) ||
	    strcmp(link_ask(&l, begin(PART, OBJECT, 3, 2)), "ok") ||
	    strcmp(link_share(&l, PART, OBJECT, 3, 0, 5, 10), "durable"))
		bail("cannot make jobs");
	link_close(&l);
	link_open_as(&other, 4, SSN_ROLE_SSA);
	policy = policy_make(OBJECT2, 1);
	json_object_set_new(policy, "ssa", json_integer(4));
	if (strcmp(link_ask(&other, begin_signed(OTHERS, policy, owner,
						 other_ssa, 1)), "ok"))
		bail("cannot make jobs");
	link_close(&other);
}

static void test_collect(void)
{
	char after[UUID_TEXT] = "";
	struct resolve_ask ask;
	unsigned int two = 0, four = 0, rounds = 0;

	is_int(resolve_collect(env.storage, 3600, after, &ask), 0, "asked late");
	is_int(ask.count, 0, "nothing is pending for an hour");
	is_str(after, "", "and that were all of them");
	do {
		if (resolve_collect(env.storage, 0, after, &ask))
			break;
		if (ask.ssa == 2)
			two += ask.count;
		else if (ask.ssa == 4)
			four += ask.count;
	} while (*after && ++rounds < 10);
	is_int(two, 3, "three jobs of one coordinator");
	is_int(four, 1, "one of another");
	ok(rounds < 5, "in a few questions");
}

static void test_answers(void)
{
	struct resolve_ask ask;
	json_t *answer;

	ask_one(&ask, PREPARED);
	is_int(told(&ask, "running"), 0, "a job that is running");
	ok(pending(PREPARED), "stays");
	is_int(told(&ask, "lost"), 0, "a job of an SSA that lost its memory");
	ok(pending(PREPARED), "stays");
	is_int(told(&ask, "perhaps"), 0, "an outcome that is not known");
	ok(pending(PREPARED), "changes nothing");
	answer = json_pack("{ssss}", "status", "error", "errno", "EIO");
	is_int(resolve_answer(&env, &ask, answer), -EPROTO, "an error");
	json_decref(answer);
	answer = json_pack("{sss{}}", "status", "done", "jobs");
	is_int(resolve_answer(&env, &ask, answer), 0, "no word of it");
	json_decref(answer);
	ok(pending(PREPARED), "change nothing either");

	/* only what was asked about is believed */
	answer = json_pack("{sss{ssss}}", "status", "done", "jobs",
			   PREPARED, "committed", ABORTED, "aborted");
	is_int(resolve_answer(&env, &ask, answer), 0,
	       "committed, and a word about another job");
	json_decref(answer);
	ok(!pending(PREPARED), "the job is committed");
	ok(pending(ABORTED), "the other one was not asked about");
	link_open(&l);
	is_str(link_get(&l, OBJECT, 1, 1, 101, 1000), "right", "and readable");

	ask_one(&ask, ABORTED);
	is_int(told(&ask, "aborted"), 0, "a job that was aborted");
	ok(!pending(ABORTED), "goes, though it was prepared");
	is_str(link_ask(&l, op_read(OBJECT, 2, 0)), "error ENOENT",
	       "and cannot be read");
	is_int(told(&ask, "committed"), 0, "if it is then called committed");
	is_str(link_ask(&l, op_read(OBJECT, 2, 0)), "error ENOENT",
	       "it does not come back");

	ask_one(&ask, PART);
	is_int(told(&ask, "committed"), 0,
	       "a put that was committed without this node");
	ok(!pending(PART), "goes");
	is_str(link_ask(&l, op_read(OBJECT, 3, 0)), "error ENOENT",
	       "what came of it is not shown");
	link_close(&l);
}

static void test_many(void)
{
	char after[UUID_TEXT] = "", job[UUID_TEXT];
	unsigned int i, all = 0, questions = 0;
	struct resolve_ask ask;

	link_open(&l);
	for (i = 0; i < RESOLVE_JOBS + 5; i++) {
		snprintf(job, sizeof(job),
			 "20b00000-0000-4000-8000-%012x", i);
		if (strcmp(link_ask(&l, begin(job, OBJECT, 9, 1)), "ok"))
			bail("cannot begin job %u", i);
	}
	link_close(&l);
	do {
		if (resolve_collect(env.storage, 0, after, &ask))
			break;
		all += ask.ssa == 2 ? ask.count : 0;
		questions++;
	} while (*after && questions < 10);
	is_int(all, RESOLVE_JOBS + 5, "more jobs than fit a question");
	ok(questions >= 2 && questions < 10, "take another");
}

int main(void)
{
	holder_make();
	make_jobs();
	test_collect();
	test_answers();
	test_many();
	holder_free();
	return tap_done();
}
