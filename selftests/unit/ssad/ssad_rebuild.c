// SPDX-License-Identifier: GPL-2.0
/* A rebuild among shareholders whose lists do not end, or mean nothing. */
#include <sys/resource.h>

#include "agent.h"
#include "../clock.h"

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

static json_t *row(unsigned int i, const char *state)
{
	char object[UUID_TEXT];

	snprintf(object, sizeof(object), "0c0c0c0c-0000-4000-8000-0000%08x", i);
	return json_pack("{s:s s:i s:i s:i s:i s:s s:s}", "object", object,
			 "version", 1, "epoch", 0, "segments", 1, "size", 1, "job",
			 object, "state", state);
}

static json_t *page(json_t *rows, const char *cursor)
{
	return json_pack("{s:s s:o s:s s:b}", "status", "done", "objects", rows,
			 "cursor", cursor, "more", 1);
}

static json_t *last_page(json_t *rows)
{
	json_t *last = page(rows, "z");

	json_object_set_new(last, "more", json_false());
	return last;
}

static unsigned int pages;

static json_t *same_cursor(unsigned int i, const char *after)
{
	return page(json_array(), pages++ % 2 ? "a" : "b");
}

static json_t *falling_ids(unsigned int i, const char *after)
{
	return last_page(json_pack("[o,o]", row(2, "committed"), row(1, "committed")));
}

static json_t *falling_pages(unsigned int i, const char *after)
{
	char cursor[20];

	snprintf(cursor, sizeof(cursor), "%08u", ++pages);
	if (pages > 2)
		return last_page(json_array());
	return page(json_pack("[o]", row(100 - pages, "committed")), cursor);
}

static json_t *twice(unsigned int i, const char *after)
{
	return last_page(json_pack("[o,o]", row(1, "committed"), row(1, "committed")));
}

static json_t *no_state(unsigned int i, const char *after)
{
	return last_page(json_pack("[o]", row(1, "perhaps")));
}

/* Cursors that rise for ever, on pages of nothing. */
static json_t *endless(unsigned int i, const char *after)
{
	char cursor[20];

	snprintf(cursor, sizeof(cursor), "%08u", ++pages);
	return page(json_array(), cursor);
}

/* A few rows that each bring a lot along, then the true list. */
#define FAT	(256 << 10)

static json_t *fat(unsigned int i, const char *after)
{
	char *text = calloc(1, FAT + 1), cursor[20];
	json_t *one;

	snprintf(cursor, sizeof(cursor), "%08u", ++pages);
	memset(text, 'x', FAT);
	one = row(pages, "committed");
	json_object_set_new(one, "more", json_string(text));
	free(text);
	one = page(json_pack("[o]", one), cursor);
	if (pages == 200)
		json_object_set_new(one, "more", json_false());
	return one;
}

static void test_bad(const char *what, json_t *(*list)(unsigned int, const char *))
{
	holder[1].list = list;
	pages = 0;
	alarm(120);		/* one that does not end fails this test */
	is_str(rebuild(), "done", "a list with %s", what);
	alarm(0);
	ok(!answered("complete"), "is none");
	is_int(answered("objects"), 1, "and the others' are enough");
	holder[1].list = NULL;
}

static void test_lists(void)
{
	struct rusage before, after;

	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, 10), "done", "an object");
	agent_lose();
	is_str(rebuild(), "done", "a rebuild");
	ok(answered("complete") && answered("objects") == 1, "finds it");

	test_bad("cursors that come again", same_cursor);
	test_bad("ids that fall", falling_ids);
	test_bad("pages that fall", falling_pages);
	test_bad("the same row twice", twice);
	test_bad("states that are none", no_state);
	test_bad("pages that do not end", endless);
	ok(pages < 100000, "which is seen after %u", pages);

	holder[1].list = fat;
	pages = 0;
	getrusage(RUSAGE_SELF, &before);
	is_str(rebuild(), "done", "a list that brings %u MiB along", 200 * FAT >> 20);
	getrusage(RUSAGE_SELF, &after);
	diag("resident: %ld KiB more", after.ru_maxrss - before.ru_maxrss);
#ifdef __SANITIZE_ADDRESS__	/* it keeps for a while what was freed */
	skip("is not kept in memory", "not to be measured with this sanitizer");
#else
	ok(after.ru_maxrss - before.ru_maxrss < 20 << 10, "is not kept in memory");
#endif
	holder[1].list = NULL;
}

/* The certificate under which an object was stored has expired. */
static void test_expired(void)
{
	agent_lose();
	later = 100 * 365 * 86400L;
	is_str(rebuild(), "done", "a rebuild a hundred years later");
	ok(answered("complete") && answered("objects") == 1, "finds it still");
	later = 0;
}

/* The catalogue's disk, once it has been asked what is there, is bad. */
static int lock_settle(struct share_socket *s, const struct ssn_share *share,
		       const json_t *msg, size_t len)
{
	const char *op = json_string_value(json_object_get(msg, "op"));

	if (op && !strcmp(op, "prepared"))
		sqlite3_exec(ssad.cat->db, "CREATE TRIGGER no BEFORE INSERT ON job"
			     " BEGIN SELECT RAISE(FAIL, 'no'); END", NULL, NULL, NULL);
	return 0;
}

static void test_settle(void)
{
	unsigned int i;

	agent_lose();
	for (i = 0; i < N; i++)
		json_object_set_new(json_object_get(holder[i].jobs, JOB(1)), "state",
				    json_string("pending"));
	on_send = lock_settle;
	is_str(rebuild(), "done", "a rebuild that cannot write what it settles");
	on_send = NULL;
	ok(!answered("complete"), "is not complete");
	is_int(held(JOB(1), "pending"), N, "and nobody is told");
	ok(catalogue_lost(ssad.cat), "the catalogue stays lost");
	sqlite3_exec(ssad.cat->db, "DROP TRIGGER no", NULL, NULL, NULL);
	is_str(rebuild(), "done", "one that can");
	ok(answered("complete"), "is");
	is_int(held(JOB(1), "committed"), N, "and they are");
}

int main(void)
{
	agent_make();
	test_lists();
	test_expired();
	test_settle();
	agent_free();
	return tap_done();
}
