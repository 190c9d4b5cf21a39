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

/* --- window and pad */

static int data_errno;		/* what a message of data fails with ... */
static unsigned int data_times;	/* ... so often */
static unsigned int early;	/* words that came while there was no pad for them */
static unsigned int empty_after_begin;

static int send_short(struct share_socket *s, const struct ssn_share *share,
		      const json_t *msg, size_t len)
{
	const char *op = json_string_value(json_object_get(msg, "op"));

	early += !!pools_empty;
	if (op && !strcmp(op, "begin") && share->x == N)
		pools_empty = empty_after_begin;
	if (msg || !data_times)
		return 0;
	data_times--;
	return data_errno;
}

static const char *put_waiting(const char *job, const char *object, const char *name,
			       bool wait)
{
	json_t *req = put_request(job, object, name, 1, 70000);

	json_object_set_new(req, "wait", json_boolean(wait));
	early = 0;
	return agent_ask(session_put, req, 70000);
}

static bool told_waiting(void)
{
	const json_t *msg;
	size_t i;

	json_array_foreach(owner.said, i, msg)
		if (json_object_get(msg, "waiting"))
			return true;
	return false;
}

static void test_pad(void)
{
	holders_make();
	on_send = send_short;
	dealer_window_ms = 300;
	alarm(120);		/* a put that goes round for ever fails this test */
	data_errno = EAGAIN;
	data_times = ~0U;
	is_str(put_waiting(JOB(4), OBJECT(4), "e", false), "error ETIMEDOUT",
	       "a window that stays full ends a put");
	is_int(asked_all("segment"), N, "which deals once");
	is_int(asked_all("abort"), N, "and is aborted");
	is_str(put_waiting(JOB(5), OBJECT(5), "e", true), "error ETIMEDOUT",
	       "also one that waits for pad");
	data_errno = ENOKEY;
	is_str(put_waiting(JOB(6), OBJECT(6), "e", false), "error ENOKEY",
	       "so does pad that does not come");

	holders_make();
	data_times = 200;	/* more than the group's time lasts */
	is_str(put_waiting(JOB(7), OBJECT(7), "e", true), "done",
	       "unless it waits for it");
	is_int(asked_all("segment"), 3 * N, "and nothing is dealt again for that");

	holders_make();
	pools_empty = 5;
	empty_after_begin = 5;
	is_str(put_waiting(JOB(8), OBJECT(8), "f", true), "done",
	       "a put that waits, when the pools are empty");
	is_int(early, 0, "says nothing for which there is no pad");
	empty_after_begin = 30;
	is_str(put_waiting(JOB(9), OBJECT(9), "g", true), "done",
	       "one that waits for long");
	ok(told_waiting(), "tells its owner");
	pools_empty = empty_after_begin = 0;
	alarm(0);
}

/* One goes in the middle of a deal: all of the segment again, without it. */
static int send_dying(struct share_socket *s, const struct ssn_share *share,
		      const json_t *msg, size_t len)
{
	if (!msg && share->segment == 1 && !holder[3].down) {
		holder_dies(3);
		return ECOMM;
	}
	return 0;
}

static void test_dies(void)
{
	json_t *req = put_request(JOB(a), OBJECT(a), "h", 1, 70000);

	holders_make();
	on_send = send_dying;
	json_object_set_new(req, "min_confirmed", json_integer(N - 1));
	is_str(agent_ask(session_put, req, 70000), "done",
	       "one of n dies, and n - 1 are allowed");
	is_int(json_integer_value(agent_answer("confirmed")), N - 1, "confirmations");
	is_int(asked(0, "segment"), 4, "the segment is dealt again");
	is_int(asked(0, "abandon"), 1, "and the deal before is void");
	is_int(asked(3, "segment"), 2, "without the one that died");
	on_send = NULL;
	holder[3].down = false;
}

/* --- what a shareholder sees of a name */

static const char *secret_name;
static unsigned int in_clear;

/* Everything but the data, which is split before it goes. */
static int send_names(struct share_socket *s, const struct ssn_share *share,
		      const json_t *msg, size_t len)
{
	char *text = msg ? json_dumps(msg, 0) : NULL;

	in_clear += text && strstr(text, secret_name);
	in_clear += !!memmem(share, sizeof(*share), secret_name, 8);
	free(text);
	return 0;
}

static size_t length_of(const char *job, const char *object, const char *name)
{
	secret_name = name;
	if (strcmp(agent_put(job, object, name, 1, 10), "done"))
		bail("a put fails");
	return segment_len - SEGMENT_CODE;
}

static void test_names(void)
{
	char longer[701];
	size_t len;

	memset(longer, 'n', 700);
	memcpy(longer, "a much longer name", 18);
	longer[700] = 0;
	holders_make();
	on_send = send_names;
	len = length_of(JOB(b), OBJECT(b), "a short name");
	is_int(len % 4096, 0, "a share of a name is whole blocks long");
	is_int(length_of(JOB(c), OBJECT(c), longer), len, "however long the name");
	is_int(in_clear, 0, "and nobody is told it in clear");
	agent_lose();
	is_str(agent_ask(session_rebuild, json_pack("{s:s}", "op", "rebuild"), 0),
	       "done", "a rebuild");
	is_int(json_integer_value(agent_answer("objects")), 2, "reads both");
	on_send = NULL;
}

int main(void)
{
	agent_make();
	catalogue_found(ssad.cat);
	on_send = send_watch;
	test_plain();
	test_doubt();
	test_pad();
	test_dies();
	test_names();
	agent_free();
	return tap_done();
}
