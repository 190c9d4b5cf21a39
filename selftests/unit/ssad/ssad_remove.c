// SPDX-License-Identifier: GPL-2.0
/* rm: when a deletion is proven, and what becomes of one that is not. */
#include "agent.h"

/* @count of the shareholders cannot say that it is gone. */
static void unsure(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < N; i++) {
		holder[i].refuse = i < count ? "delete" : NULL;
		holder[i].refuse_errno = "EBADMSG";
	}
}

static int confirmed(void)
{
	return json_integer_value(agent_answer("confirmed"));
}

static const char *stat_state(const char *name)
{
	if (strcmp(agent_ask(session_stat, json_pack("{s:s s:s}", "op", "stat",
						     "name", name), 0), "done"))
		return "not there";
	return json_string_value(agent_answer("state"));
}

int main(void)
{
	agent_make();
	catalogue_found(ssad.cat);
	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, 10), "done", "an object");
	is_str(agent_put(JOB(2), OBJECT(2), "b", 1, 10), "done", "and another");

	unsure(K);		/* n - k are sure */
	is_str(agent_rm("a", OBJECT(1), 1), "done", "rm, with one less than it takes");
	is_int(confirmed(), N - K, "confirmations");
	ok(json_is_false(agent_answer("proven")), "is not proven");
	is_str(stat_state("a"), "deleting", "and stays, to be repeated");
	unsure(K - 1);		/* n - k + 1 */
	is_str(agent_rm("a", OBJECT(1), 1), "done", "rm, with just as many as it takes");
	is_int(confirmed(), N - K + 1, "confirmations");
	ok(json_is_true(agent_answer("proven")), "is proven");
	is_str(stat_state("a"), "not there", "and done with");

	unsure(0);
	is_str(agent_rm("b", OBJECT(2), 2), "error ESTALE", "another version");
	is_str(stat_state("b"), "stored", "is not what is deleted");
	is_str(agent_rm("b", OBJECT(1), 1), "error EKEYREJECTED",
	       "nor is it by another object's signature");
	is_str(agent_rm("b", OBJECT(2), 1), "done", "rm");
	is_int(confirmed(), N, "with all of them");
	agent_free();
	return tap_done();
}
