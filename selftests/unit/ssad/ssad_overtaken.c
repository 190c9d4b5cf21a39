// SPDX-License-Identifier: GPL-2.0
/*
 * What an owner does with an object while another connection replaces or deletes
 * it: it is about one version, or is refused.
 */
#include "agent.h"

#define SEGMENTS	3

static void get(const char *name, const char *want, const char *what)
{
	is_str(agent_ask(session_get, json_pack("{s:s s:s}", "op", "get", "name", name),
			 0), want, "%s", what);
}

static void forget(const char *object, unsigned int version)
{
	struct dealt *d;
	char key[80];
	int i;

	for (i = 0; i <= SEGMENTS; i++) {
		snprintf(key, sizeof(key), "%s %u %u", object, version, i);
		d = dealt_find(key);
		if (d)
			strcpy(d->key, "deleted");
	}
}

/* --- a get, whose object goes when it has come to segment 2 */

static void (*meanwhile)(void);

static int at_segment_2(struct share_socket *s, const struct ssn_share *share,
			const json_t *msg, size_t len)
{
	const char *op = json_string_value(json_object_get(msg, "op"));

	if (op && !strcmp(op, "read") && meanwhile &&
	    json_integer_value(json_object_get(msg, "segment")) == 2) {
		meanwhile();
		meanwhile = NULL;
	}
	return 0;
}

static void replaced(void)
{
	catalogue_mark(ssad.cat, OBJECT(1), 1);
	forget(OBJECT(1), 1);
}

static void deleted(void)
{
	catalogue_delete(ssad.cat, OBJECT(2), 1);
	forget(OBJECT(2), 1);
}

static void lost(void)
{
	forget(OBJECT(3), 1);
}

static void test_get(void)
{
	const uint64_t size = SEGMENTS * SEGMENT_MIN;

	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, size), "done", "an object");
	is_str(agent_put(JOB(2), OBJECT(2), "b", 1, size), "done", "another");
	is_str(agent_put(JOB(3), OBJECT(3), "c", 1, size), "done", "a third");
	on_send = at_segment_2;
	meanwhile = replaced;
	get("a", "error ESTALE", "what is replaced while it is read says so");
	is_int(owner.data, SEGMENT_MIN, "behind what is right");
	meanwhile = deleted;
	get("b", "error ESTALE", "and so does what is deleted");
	meanwhile = lost;
	get("c", "error EHOSTUNREACH", "what is gone for no such reason does not");
	on_send = NULL;
}

/* --- an rm, whose object is replaced when it has looked at it */

static void newer(void)
{
	sqlite3_exec(ssad.cat->db, "INSERT INTO object (object, version, owner, name,"
		     " record, stored_at) SELECT object, 2, owner, name,"
		     " json_set(record, '$.version', 2), stored_at FROM object"
		     " WHERE object = '" OBJECT(4) "'", NULL, NULL, NULL);
	on_connect = NULL;
}

static void gone(void)
{
	catalogue_delete(ssad.cat, OBJECT(5), 1);
	on_connect = NULL;
}

static void test_rm(void)
{
	is_str(agent_put(JOB(4), OBJECT(4), "d", 1, 10), "done", "an object");
	on_connect = newer;
	is_str(agent_rm("d", OBJECT(4), 1), "error ESTALE",
	       "rm of a version that is replaced just then says so");
	is_int(asked_all("delete"), 0, "and deletes nothing");
	is_str(agent_rm("d", OBJECT(4), 2), "done", "rm of the next one");
	is_str(agent_put(JOB(5), OBJECT(5), "e", 1, 10), "done", "an object");
	on_connect = gone;
	is_str(agent_rm("e", OBJECT(5), 1), "error ESTALE",
	       "rm of what another rm has deleted just then says so");
}

/* --- two puts that name the same version of one object */

static const char *second;

static int put_second(struct share_socket *s, const struct ssn_share *share,
		      const json_t *msg, size_t len)
{
	const char *op = json_string_value(json_object_get(msg, "op"));
	const struct catalogue_put put = { .job = JOB(7), .owner = 3, .name = "theirs",
		.object = OBJECT(6), .version = 1, .policy = "" };
	struct err err = { "" };
	json_t *answer;
	int ret;

	if (!op || strcmp(op, "begin") || second)
		return 0;
	ret = catalogue_begin(ssad.cat, &put, &answer, &err);
	second = ret ? strerrorname_np(-ret) : "begun";
	return 0;
}

static void test_put(void)
{
	on_send = put_second;
	is_str(agent_put(JOB(6), OBJECT(6), "f", 1, 10), "done", "a put");
	on_send = NULL;
	is_str(second, "EBUSY", "while another one begins under its object and version");
	get("f", "done", "it is there");
}

/* What a rebuild has found meanwhile is not overwritten either. */
static int found_meanwhile(struct share_socket *s, const struct ssn_share *share,
			   const json_t *msg, size_t len)
{
	const char *op = json_string_value(json_object_get(msg, "op"));

	if (op && !strcmp(op, "begin"))
		sqlite3_exec(ssad.cat->db, "INSERT INTO object (object, version, owner,"
			     " name, record) VALUES ('" OBJECT(8) "', 1, 3, 'theirs',"
			     " '{}')", NULL, NULL, NULL);
	return 0;
}

static void test_commit(void)
{
	holders_make();
	on_send = found_meanwhile;
	is_str(agent_put(JOB(8), OBJECT(8), "g", 1, 10), "error EEXIST",
	       "a put of what is there by now");
	on_send = NULL;
	is_int(held(JOB(8), "pending"), 0, "is aborted");
	is_int(catalogue_job(ssad.cat, JOB(8)), JOB_ABORTED, "here too");
}

int main(void)
{
	agent_make();
	catalogue_found(ssad.cat);
	test_get();
	test_rm();
	test_put();
	test_commit();
	agent_free();
	return tap_done();
}
