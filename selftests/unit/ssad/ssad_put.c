// SPDX-License-Identifier: GPL-2.0
/* A put as a whole: what the shareholders and the owner are told, and when. */
#include <dlfcn.h>
#include <sys/stat.h>

#include "agent.h"

/* --- the disk: syncs of a folder fail while this is set */

static bool bad_disk;
static bool bad_from_prepared;

static int synced(int fd, const char *name)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	struct stat st;

	if (!bad_disk || fstat(fd, &st) || !S_ISDIR(st.st_mode))
		return real(fd);
	errno = EIO;
	return -1;
}

int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

static int send_watch(struct share_socket *s, const struct ssn_share *share,
		      const json_t *msg, size_t len)
{
	const char *op = json_string_value(json_object_get(msg, "op"));

	if (op && !strcmp(op, "prepared") && bad_from_prepared)
		bad_disk = true;
	return 0;
}

static void test_plain(void)
{
	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, 100000), "done", "a put");
	is_int(held(JOB(1), "committed"), N, "is committed everywhere");
	is_int(asked_all("abort"), 0, "and aborted nowhere");
	holder[2].refuse = "prepared";
	holder[2].refuse_errno = "ENOSPC";
	is_str(agent_put(JOB(2), OBJECT(2), "b", 1, 10), "error EREMOTEIO",
	       "a put that one shareholder refuses");
	holder[2].refuse = NULL;
	is_int(asked_all("abort"), N - 1, "is aborted at the others");
	is_int(asked_all("commit"), N, "and committed nowhere");
}

static void test_doubt(void)
{
	holders_make();
	bad_from_prepared = true;
	is_str(agent_put(JOB(3), OBJECT(3), "c", 1, 10), "error EINPROGRESS",
	       "a put whose COMMIT may be on the disk or not");
	is_int(asked_all("abort"), 0, "nobody is told that it is aborted");
	is_int(asked_all("commit"), 0, "nor that it is committed");
	is_int(held(JOB(3), "pending"), N, "all of them keep it");
	is_int(catalogue_job(ssad.cat, JOB(3)), JOB_UNREADABLE,
	       "and are not told, when they ask");
	bad_disk = bad_from_prepared = false;
	is_int(catalogue_job(ssad.cat, JOB(3)), JOB_COMMITTED,
	       "until the disk is well");
	is_str(agent_put(JOB(3), OBJECT(3), "c", 1, 10), "done",
	       "the same job again is told that it is stored");
}

int main(void)
{
	agent_make();
	catalogue_found(ssad.cat);
	on_send = send_watch;
	test_plain();
	test_doubt();
	agent_free();
	return tap_done();
}
