// SPDX-License-Identifier: GPL-2.0
/* What to ask about pending jobs, and what to do with the answer. */
#include "resolve.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "policy.h"


#define RESOLVE_FULL	1

static int resolve_add(const struct record *rec, enum job_state state,
		       void *arg)
{
	struct resolve_ask *ask = arg;
	struct policy policy;
	struct err err;
	uint32_t ssa;

	if (policy_parse(rec->policy, &policy, &err)) {
		log_warn("a pending job: %s", err.text);
		return 0;
	}
	ssa = policy.ssa;
	policy_free(&policy);
	if (!ask->count)
		ask->ssa = ssa;
	if (ssa != ask->ssa || ask->count == RESOLVE_JOBS)
		return RESOLVE_FULL;	/* the next question begins here */
	memcpy(ask->job[ask->count++], rec->job, sizeof(rec->job));
	return 0;
}

int resolve_collect(struct storage *st, unsigned int min_age,
		    char after[UUID_TEXT], struct resolve_ask *ask)
{
	char last[UUID_TEXT];
	int ret;

	ask->count = 0;
	strcpy(last, after);
	ret = storage_jobs(st, after, RESOLVE_JOBS, min_age, resolve_add, ask,
			   last);
	if (ret < 0)
		return ret;
	/* up to the last one asked about, or to the last one seen */
	if (ask->count && ret == RESOLVE_FULL)
		uuid_format(ask->job[ask->count - 1], after);
	else if (ret)
		strcpy(after, last);
	else
		*after = 0;
	return 0;
}

json_t *resolve_question(const struct resolve_ask *ask)
{
	json_t *jobs = json_array();
	char text[UUID_TEXT];
	unsigned int i;

	for (i = 0; jobs && i < ask->count; i++) {
		uuid_format(ask->job[i], text);
		if (json_array_append_new(jobs, json_string(text))) {
			json_decref(jobs);
			return NULL;
		}
	}
	return json_pack("{ssso}", "op", "outcome", "jobs", jobs);
}

static void resolve_one(struct exchange_env *env, const uint8_t id[16],
			const char *text, const char *outcome)
{
	struct job *job;
	struct err err;
	int ret = 0;

	if (job_get(env->storage, id, &job, &err))
		return;		/* settled over another connection meanwhile */
	if (!strcmp(outcome, "committed")) {
		ret = job_commit(env->storage, job, &err);
		env->counters.committed += !ret;
	} else if (!strcmp(outcome, "aborted")) {
		ret = job_abort(env->storage, job, &err);
		env->counters.aborted += !ret;
	} else if (strcmp(outcome, "running") && strcmp(outcome, "lost")) {
		ret = err_set(&err, -EPROTO, "outcome \"%.20s\" is not known",
			      outcome);
	}
	if (ret)
		log_warn("job %s is %.20s: %s", text, outcome, err.text);
	else
		log_info("job %s is %s", text, outcome);
	job_put(env->storage, job);
	if (env->discarded)
		env->discarded(env->arg);
}

int resolve_answer(struct exchange_env *env, const struct resolve_ask *ask,
		   const json_t *answer)
{
	const char *status = json_string_value(json_object_get(answer,
							       "status"));
	const json_t *jobs = json_object_get(answer, "jobs");
	char text[UUID_TEXT];
	unsigned int i;

	if (!status || strcmp(status, "done") || !json_is_object(jobs))
		return -EPROTO;
	for (i = 0; i < ask->count; i++) {
		const char *outcome;

		uuid_format(ask->job[i], text);
		outcome = json_string_value(json_object_get(jobs, text));
		if (outcome)
			resolve_one(env, ask->job[i], text, outcome);
	}
	return 0;
}
