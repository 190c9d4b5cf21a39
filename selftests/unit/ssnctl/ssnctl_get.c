// SPDX-License-Identifier: GPL-2.0
/* ssnctl get: where it writes to, and what it leaves alone. */
#include <sys/sysmacros.h>

#include "get.c"
#include "agent.h"

#define SIZE	1000

static bool breaks;		/* the SSA, in the middle */

static void agent_asked(const char *op, const json_t *req)
{
	char data[SIZE];

	memset(data, 'd', sizeof(data));
	agent_says(json_pack("{s:s s:s s:s s:i s:i s:s}", "re", "get", "status", "go",
			     "object", "0b0b0b0b-0000-4000-8000-000000000001",
			     "version", 1, "size", SIZE, "name", "n"));
	agent_queue(false, data, SIZE / 2);
	if (breaks) {
		agent_error("get", "EBADMSG");
		return;
	}
	agent_queue(false, data, SIZE - SIZE / 2);
	agent_says(json_pack("{s:s s:s s:[] s:i}", "re", "get", "status", "done",
			     "liars", "segments_retried", 0));
}

static void agent_fed(void) { }

static int get_to(const char *name)
{
	char path[128], *args[] = { "get", "n", "-o", path, NULL };

	ctl_path(path, name);
	return ctl_run(args);
}

/* What is there, without following a link: its type, or 0; @size: with it. */
static int type_of(const char *name, off_t *size)
{
	char path[128];
	struct stat st;

	ctl_path(path, name);
	if (lstat(path, &st))
		return 0;
	if (size)
		*size = st.st_size;
	return st.st_mode & S_IFMT;
}

static bool nothing_left(void)
{
	char cmd[160];

	snprintf(cmd, sizeof(cmd), "test -z \"$(ls -A %s | grep ssn-get)\"", ctl_dir);
	return !system(cmd);
}

static void test_files(void)
{
	off_t size = 0;

	is_int(get_to("new"), CMD_OK, "to a new file");
	ok(type_of("new", &size) == S_IFREG && size == SIZE, "all of it");
	ctl_write("old", "old", 3);
	breaks = true;
	is_int(get_to("old"), CMD_FAILED, "a read that fails");
	ok(type_of("old", &size) == S_IFREG && size == 3, "leaves what was there");
	is_int(get_to("none"), CMD_FAILED, "and where nothing was");
	is_int(type_of("none", NULL), 0, "nothing");
	breaks = false;
	is_int(get_to("old"), CMD_OK, "one that does not");
	ok(type_of("old", &size) == S_IFREG && size == SIZE, "replaces it");
	ok(nothing_left(), "no temporary file stays");
}

static void test_others(void)
{
	char path[128], target[128], data[SIZE + 1];
	off_t size = 0;
	int fd;

	ctl_path(path, "pipe");
	if (mkfifo(path, 0600))
		bail("mkfifo: %s", strerror(errno));
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	is_int(get_to("pipe"), CMD_OK, "to a pipe");
	is_int(type_of("pipe", NULL), S_IFIFO, "which stays one");
	is_int(read(fd, data, sizeof(data)), SIZE, "and has all of it");
	close(fd);

	ctl_path(path, "null");
	if (mknod(path, S_IFCHR | 0666, makedev(1, 3))) {
		skip("to a device", "no device can be made here");
		skip("which stays one", "no device can be made here");
	} else {
		is_int(get_to("null"), CMD_OK, "to a device");
		is_int(type_of("null", NULL), S_IFCHR, "which stays one");
	}

	ctl_write("target", "old", 3);
	ctl_path(target, "target");
	ctl_path(path, "link");
	if (symlink(target, path))
		bail("symlink: %s", strerror(errno));
	is_int(get_to("link"), CMD_OK, "through a symbolic link");
	is_int(type_of("link", NULL), S_IFLNK, "which stays one");
	ok(type_of("target", &size) == S_IFREG && size == SIZE,
	   "to the file that it names");
	unlink(target);
	is_int(get_to("link"), CMD_FAILED, "one that leads nowhere");
	is_int(type_of("link", NULL), S_IFLNK, "stays as it is");
	ctl_path(path, "folder");
	mkdir(path, 0700);
	is_int(get_to("folder"), CMD_FAILED, "a folder");
	is_int(type_of("folder", NULL), S_IFDIR, "stays as it is");
	ok(nothing_left(), "no temporary file stays");
}

int main(void)
{
	ctl_make();
	test_files();
	test_others();
	json_decref(agent.request);
	return tap_done();
}
