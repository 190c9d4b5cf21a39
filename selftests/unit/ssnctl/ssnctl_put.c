// SPDX-License-Identifier: GPL-2.0
/* ssnctl put: what it asks for, and what it says became of a job. */
#include <sys/wait.h>

#include "put.c"
#include "agent.h"

#define SIZE	100

static const char *again;	/* how the SSA answers a job that is repeated */
static unsigned int already;	/* after "EALREADY", so many times */
static const char *stat_job;	/* what stat says of the name; NULL: not there */
static json_t *first;		/* the first put request of a run */
static unsigned int segment = 65536;
static uint64_t allowed, beyond;	/* bytes that it may have sent; that it did more */

static json_t *done(void)
{
	return json_pack("{s:s s:s s:O s:i s:i s:s}", "re", "put", "status", "done",
			 "object", json_object_get(agent.request, "object"),
			 "version", 1, "confirmed", 2, "answer", "ok");
}

static void agent_asked(const char *op, const json_t *req)
{
	if (!strcmp(op, "stat") && stat_job) {
		agent_says(json_pack("{s:s s:s s:s s:i s:s s:s}", "re", "stat",
			"status", "done", "object",
			"0b0b0b0b-0000-4000-8000-000000000001", "version", 7,
			"state", "stored", "job", stat_job));
	} else if (!strcmp(op, "stat")) {
		agent_error("stat", "ENOENT");
	} else if (agent.connections == 1) {
		json_decref(first);
		first = json_deep_copy(req);
		agent_says(json_pack("{s:s s:s s:i s:i}", "re", "put", "status",
				     "go", "version", 1, "segment", segment));
		allowed = segment;
	} else if (already) {
		already--;
		agent_error("put", "EALREADY");
	} else if (!strcmp(again, "done")) {
		agent_says(done());
	} else if (!strcmp(again, "go")) {
		agent_says(json_pack("{s:s s:s}", "re", "put", "status", "go"));
	} else {
		agent_error("put", again);
	}
}

static void agent_fed(void)
{
	if (agent.fed > allowed)
		beyond = agent.fed - allowed;
	if (agent.fed == allowed) {
		agent_says(json_pack("{s:s s:s s:I}", "re", "put", "status", "progress",
				     "stored", (json_int_t)agent.fed));
		allowed += segment;
	}
	if (agent.fed < SIZE)
		return;
	if (again)
		agent_hangs_up();	/* what became of it? */
	else
		agent_says(done());
}

static int put_file_as(const char *file, const char *job, const char *more)
{
	char path[128], *args[] = { "put", path, "--name", "n", (char *)more,
				    (char *)(job ? "--job" : NULL), (char *)job, NULL };

	ctl_path(path, file);
	if (!more) {
		args[4] = job ? "--job" : NULL;
		args[5] = (char *)job;
		args[6] = NULL;
	}
	agent.connections = 0;
	return ctl_run(args);
}

static bool says_nothing(void) { return strstr(ctl_out, "nothing was stored"); }
static bool says_unknown(void) { return strstr(ctl_out, "not known"); }

static int broken(const char *answer)
{
	again = answer;
	return put_file_as("file", JOB(1), NULL);
}

/* The connection broke after all data was sent. */
static void test_outcome(void)
{
	static const char *const open[] = { "EEXIST", "EIO", "EINPROGRESS", "ENOKEY",
					    "EHOSTUNREACH", "EACCES" };
	size_t i;

	is_int(broken("done"), CMD_OK, "a job that was committed is done");
	already = 1;
	is_int(broken("done"), CMD_OK, "also after it was still running");
	is_int(broken("ECANCELED"), CMD_FAILED, "one that was aborted");
	ok(says_nothing(), "is said to be not stored");
	is_int(broken("go"), CMD_FAILED, "one that the SSA has never seen");
	ok(says_nothing(), "is said to be not stored");
	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		is_int(broken(open[i]), CMD_FAILED, "one answered with %s", open[i]);
		ok(says_unknown() && !says_nothing() && strstr(ctl_out, JOB(1)) &&
		   strstr(ctl_out, open[i]), "is not known, and can be asked for");
	}
	again = NULL;
}

static bool same(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "object"), json_object_get(b, "object")) &&
	       json_equal(json_object_get(a, "policy"), json_object_get(b, "policy"));
}

static json_t *request(const char *job, const char *more)
{
	if (put_file_as("file", job, more))
		bail("a put fails");
	return json_incref(first);
}

/* A job repeated by another run is the same job, in all that the SSA compares. */
static void test_same(void)
{
	json_t *a = request(JOB(1), NULL), *b = request(JOB(1), NULL);

	ok(same(a, b), "the same job is for the same object");
	json_decref(b);
	b = request(JOB(2), NULL);
	ok(!same(a, b), "another one is for another");
	json_decref(b);
	stat_job = JOB(9);
	b = request(JOB(1), "--replace");
	ok(strstr(json_text(b, "policy"), "\"version\":8,"),
	   "what replaces is the next version");
	stat_job = JOB(1);
	json_decref(b);
	b = request(JOB(1), "--replace");
	ok(strstr(json_text(b, "policy"), "\"version\":7,"),
	   "repeated, it is that same version");
	is_str(json_text(b, "object"), "0b0b0b0b-0000-4000-8000-000000000001",
	       "of that object");
	stat_job = NULL;
	json_decref(a);
	json_decref(b);
}

/* While a segment is dealt nobody reads: no data may be on its way then. */
static void test_ahead(void)
{
	segment = 40;
	is_int(put_file_as("file", JOB(3), NULL), CMD_OK, "a put of three segments");
	is_int(agent.fed, SIZE, "sends all of them");
	is_int(beyond, 0, "each when the one before is stored");
	segment = 65536;
}

/* A file that is not this user's to read. */
static void test_unreadable(void)
{
	char cmd[512], path[128];
	int status;
	pid_t pid;

	ctl_write("secret", "secret", 6);
	ctl_path(path, "secret");
	chmod(path, 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* the owner's own files stay readable, that one does not */
		snprintf(cmd, sizeof(cmd), "chown -R 65534 %s %s && chown 0 %s",
			 ctl_dir, ca_dir, path);
		if (!geteuid() && (system(cmd) || setresuid(65534, 65534, 65534)))
			_exit(9);
		status = put_file_as("secret", NULL, NULL);
		_exit(status == CMD_FAILED && strstr(ctl_out, "Permission denied") ?
		      0 : 1);
	}
	waitpid(pid, &status, 0);
	is_int(status, 0, "a file that cannot be read is refused, and why");
	is_int(agent.connections, 0, "before the SSA is asked for anything");
}

int main(void)
{
	ctl_make();
	ctl_write("file", (char[SIZE]){ 'x' }, SIZE);
	agent.connections = 0;
	test_outcome();
	test_same();
	test_ahead();
	agent.connections = 0;
	test_unreadable();
	json_decref(first);
	json_decref(agent.request);
	return tap_done();
}
