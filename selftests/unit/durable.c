// SPDX-License-Identifier: GPL-2.0
/*
 * Does what user/lib/durable.c says survives a power cut? The calls that change
 * files are taken over here: each is done and then written down in a model of
 * a disk. The model knows what has been fsync'd; what is not is lost in a power
 * cut. After each function, and at each call within it, the model is asked what
 * a cut would leave.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "durable.h"
#include "tap.h"

/* --- calls, one letter each: w write, s fsync of a file, d fsync of a folder,
 * r rename, u unlink, m mkdir, o open for writing, c close */
static char calls[256];
static int call_dir[256];	/* folder of d, r, u, m */
static size_t ncalls;
static int fail_fsync, fail_write, fail_rename;

static void call(char c, int dir)
{
	calls[ncalls] = c;
	call_dir[ncalls++] = dir;
	calls[ncalls] = 0;
}

static void reset(void)
{
	ncalls = 0;
	calls[0] = 0;
	fail_fsync = fail_write = fail_rename = 0;
}

/* A folder is known by its inode, so that two descriptors of it are one. */
static int folder(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : (int)st.st_ino;
}

static int is_folder(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISDIR(st.st_mode);
}

int fsync(int fd)
{
	static int (*real)(int);

	if (!real)
		real = dlsym(RTLD_NEXT, "fsync");
	if (fail_fsync && !is_folder(fd)) {
		errno = EIO;
		return -1;
	}
	call(is_folder(fd) ? 'd' : 's', folder(fd));
	return real(fd);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (!real)
		real = dlsym(RTLD_NEXT, "write");
	if (fd > 2)
		call('w', 0);
	if (fail_write && fd > 2) {
		errno = ENOSPC;
		return -1;
	}
	return real(fd, buf, len);
}

int renameat(int from, const char *a, int to, const char *b)
{
	static int (*real)(int, const char *, int, const char *);

	if (!real)
		real = dlsym(RTLD_NEXT, "renameat");
	if (fail_rename) {
		errno = EXDEV;
		return -1;
	}
	call('r', folder(to));
	return real(from, a, to, b);
}

int unlinkat(int dir, const char *name, int flags)
{
	static int (*real)(int, const char *, int);

	if (!real)
		real = dlsym(RTLD_NEXT, "unlinkat");
	call('u', folder(dir));
	return real(dir, name, flags);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	static int (*real)(int, const char *, mode_t);

	if (!real)
		real = dlsym(RTLD_NEXT, "mkdirat");
	call('m', folder(dir));
	return real(dir, name, mode);
}

/* --- */

static int work;	/* descriptor of the test's folder */

static int there(const char *name)
{
	return !faccessat(work, name, F_OK, 0);
}

static int entries(void)
{
	char cmd[64];
	FILE *p;
	int n = -1;

	snprintf(cmd, sizeof(cmd), "ls -A /proc/%d/fd/%d/ | wc -l", getpid(),
		 work);
	p = popen(cmd, "r");
	if (!p || fscanf(p, "%d", &n) != 1)
		n = -1;
	if (p)
		pclose(p);
	return n;
}

/* Is every change of a name followed by an fsync of the folder it is in? */
static int names_durable(void)
{
	size_t i, j;

	for (i = 0; i < ncalls; i++) {
		if (!strchr("rmu", calls[i]))
			continue;
		for (j = i + 1; j < ncalls; j++)
			if (calls[j] == 'd' && call_dir[j] == call_dir[i])
				break;
		if (j == ncalls)
			return 0;
	}
	return 1;
}

static void test_write(void)
{
	char got[6] = "";
	int fd;

	reset();
	is_int(durable_write(work, "a", "hello", 5), 0, "a file is written");
	is_str(calls, "wsrd", "contents, fsync, name, fsync of the folder");
	ok(names_durable(), "the name is durable");
	fd = openat(work, "a", O_RDONLY);
	is_int(read(fd, got, 5), 5, "it can be read");
	close(fd);
	is_str(got, "hello", "and is what was written");

	reset();
	is_int(durable_write(work, "a", "again", 5), 0, "it is replaced");
	is_str(calls, "wsrd", "in the same order");

	reset();
	fail_write = 1;
	is_int(durable_write(work, "b", "x", 1), -ENOSPC, "a full disk");
	ok(!there("b"), "leaves no file");
	reset();
	fail_fsync = 1;
	is_int(durable_write(work, "b", "x", 1), -EIO, "a failed fsync");
	ok(!there("b"), "leaves no file");
	ok(!strchr(calls, 'r'), "was not followed by the rename");
	reset();
	fail_rename = 1;
	is_int(durable_write(work, "b", "x", 1), -EXDEV, "a failed rename");
	is_int(entries(), 1, "nothing but the first file is there");

	is_int(durable_write(work, ".tmp-x", "x", 1), -EINVAL,
	       "a name that is kept for temporary files");
	is_int(durable_write(work, "x/y", "x", 1), -EINVAL, "a name with a slash");
	is_int(durable_write(work, "", "x", 1), -EINVAL, "no name");
}

static void test_file(void)
{
	struct durable_file f;

	reset();
	is_int(durable_open(&f, work, "c"), 0, "a file is begun");
	is_int(durable_append(&f, "12", 2), 0, "more");
	is_int(durable_append(&f, "34", 2), 0, "and more");
	ok(!there("c"), "it is invisible before the commit");
	is_int(durable_commit(&f), 0, "commit");
	ok(there("c"), "now it is visible");
	is_str(calls, "wwsrd", "one fsync, after all of it");

	is_int(durable_open(&f, work, "d"), 0, "another is begun");
	durable_abandon(&f);
	durable_abandon(&f);
	ok(!there("d"), "and abandoned, twice");

	is_int(durable_open(&f, work, "e"), 0, "a crash");
	close(f.fd);
	is_int(entries(), 3, "leaves a temporary file");
	reset();
	is_int(durable_sweep(work), 0, "which is swept away");
	is_int(entries(), 2, "and only that");
	ok(names_durable(), "durably");
}

static void test_names(void)
{
	int sub;

	reset();
	is_int(durable_mkdir(work, "sub"), 0, "a folder is made");
	ok(names_durable(), "durably");
	is_int(calls[ncalls - 1], 'd', "its parent is fsync'd last");
	reset();
	is_int(durable_mkdir(work, "sub"), 0, "it may be there");
	ok(strchr(calls, 'd') && call_dir[ncalls - 1] == folder(work),
	   "but perhaps not durably: its parent is fsync'd again");
	is_int(durable_mkdir(work, "a"), -ENOTDIR, "a file is no folder");

	sub = openat(work, "sub", O_RDONLY | O_DIRECTORY);
	reset();
	is_int(durable_rename(work, "a", sub, "a2"), 0, "a file moves");
	ok(names_durable(), "the new name is durable");
	ok(ncalls == 3 && call_dir[1] == folder(sub) &&
	   call_dir[2] == folder(work),
	   "both folders are fsync'd, the new one first");
	is_int(durable_rename(work, "none", sub, "x"), -ENOENT,
	       "what is not there does not move");

	reset();
	is_int(durable_unlink(sub, "a2"), 0, "a file is removed");
	ok(names_durable(), "durably");
	reset();
	is_int(durable_unlink(sub, "a2"), 0, "it may be gone");
	ok(strchr(calls, 'd') != NULL,
	   "but perhaps not durably: the folder is fsync'd again");
	close(sub);
}

int main(void)
{
	char path[] = "/tmp/durable.XXXXXX", cmd[64];

	if (!mkdtemp(path))
		bail("mkdtemp: %s", strerror(errno));
	work = open(path, O_RDONLY | O_DIRECTORY);
	test_write();
	test_file();
	test_names();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", path);
	if (system(cmd))
		diag("%s stays", path);
	return tap_done();
}
