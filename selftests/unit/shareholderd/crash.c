// SPDX-License-Identifier: GPL-2.0
/*
 * Power cuts in a put, a delete and an abort, at every call that changes a file.
 *
 * The worst disk that keeps its promises: it has nothing but what was fsync'd.
 * A child does the work in one folder; what each fsync makes durable goes into
 * a second one (contents of files by inode, names of folders by inode), and the
 * child ends before its Nth call. The parent builds from that what the disk has
 * after the cut, starts a shareholder on it, and holds it to what the child
 * answered. A rename between two folders is one thing, as in every journal.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holder.h"

static struct shared {
	int step;		/* work finished and answered for */
} *done;
static long crash_at = -1;	/* calls left, < 0: none ends it */
static char base[40];
static int shadow = -1;		/* folder */

/* --- the disk */

static ssize_t (*real_write)(int, const void *, size_t);

static void shadow_write(const char *name, const void *data, size_t len)
{
	int fd = openat(shadow, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || real_write(fd, data, len) != (ssize_t)len)
		_exit(99);
	close(fd);
}

static void shadow_file(int fd, ino_t ino, size_t size)
{
	void *data = malloc(size + 1);
	char name[32];

	if (pread(fd, data, size, 0) != (ssize_t)size)
		_exit(98);
	snprintf(name, sizeof(name), "%lu.data", (unsigned long)ino);
	shadow_write(name, data, size);
	free(data);
}

static void shadow_folder(int fd, ino_t ino)
{
	static char text[1 << 16];
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY);
	struct dirent *e;
	size_t at = 0;
	char name[32];
	DIR *dir;

	dir = fdopendir(again);
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			at += snprintf(text + at, sizeof(text) - at,
				       "%lu %d %s\n", (unsigned long)e->d_ino,
				       e->d_type == DT_DIR, e->d_name);
	closedir(dir);
	snprintf(name, sizeof(name), "%lu.names", (unsigned long)ino);
	shadow_write(name, text, at);
}

/* Folders of the last rename, until one of them is fsync'd. */
static int moved_from = -1, moved_to = -1;

static void shadow_fsync(int fd)
{
	struct stat st, from, to;

	if (fstat(fd, &st))
		_exit(97);
	if (!S_ISDIR(st.st_mode)) {
		shadow_file(fd, st.st_ino, st.st_size);
		return;
	}
	shadow_folder(fd, st.st_ino);
	if (moved_from >= 0 && !fstat(moved_from, &from) &&
	    !fstat(moved_to, &to) &&
	    (st.st_ino == from.st_ino || st.st_ino == to.st_ino)) {
		shadow_folder(moved_from, from.st_ino);
		shadow_folder(moved_to, to.st_ino);
	}
}

/* The power goes before the call that @crash_at counts down to. */
static void tick(void)
{
	if (shadow >= 0 && crash_at >= 0 && !crash_at--)
		_exit(9);
}

int fsync(int fd)
{
	tick();
	if (shadow >= 0)
		shadow_fsync(fd);
	return 0;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	if (fd > 2)
		tick();
	if (!real_write)	/* before main() */
		real_write = dlsym(RTLD_NEXT, "write");
	return real_write(fd, buf, len);
}

int renameat(int from, const char *a, int to, const char *b)
{
	static int (*real)(int, const char *, int, const char *);

	if (!real)
		real = dlsym(RTLD_NEXT, "renameat");
	tick();
	moved_from = from;
	moved_to = to;
	return real(from, a, to, b);
}

int unlinkat(int dir, const char *name, int flags)
{
	static int (*real)(int, const char *, int);

	if (!real)
		real = dlsym(RTLD_NEXT, "unlinkat");
	tick();
	return real(dir, name, flags);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	static int (*real)(int, const char *, mode_t);

	if (!real)
		real = dlsym(RTLD_NEXT, "mkdirat");
	tick();
	return real(dir, name, mode);
}

/* What the disk has of inode @ino, as @path. */
static void after_cut(const char *path, unsigned long ino, int is_dir)
{
	char name[64], child[512], line[400], entry[300];
	unsigned long number;
	int type;
	FILE *f;

	if (!is_dir) {
		char cmd[700];

		/* a name whose contents were never fsync'd: an empty file */
		snprintf(cmd, sizeof(cmd), "cp %s/shadow/%lu.data %s 2>/dev/null"
			 " || : > %s", base, ino, path, path);
		if (system(cmd))
			bail("%s", cmd);
		return;
	}
	mkdir(path, 0700);
	snprintf(name, sizeof(name), "%lu.names", ino);
	snprintf(child, sizeof(child), "%s/shadow/%s", base, name);
	f = fopen(child, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lu %d %299s", &number, &type, entry) != 3)
			bail("shadow: %s", line);
		snprintf(child, sizeof(child), "%s/%s", path, entry);
		after_cut(child, number, type);
	}
	if (f)
		fclose(f);
}

/* --- the work */

static struct link l;

enum { NOTHING, BEGUN, SEGMENT0, SEGMENT1, REDEALT, PREPARED, COMMITTED,
       DELETED };

static void must(const char *got, const char *want)
{
	if (strcmp(got, want))
		_exit(50);
}

static void work_put(void)
{
	must(link_ask(&l, begin(JOB, OBJECT, 1, 2)), "ok");
	done->step = BEGUN;
	must(link_share(&l, JOB, OBJECT, 1, 0, 20, 50), "durable");
	done->step = SEGMENT0;
	must(link_share(&l, JOB, OBJECT, 1, 1, 21, 3000), "durable");
	done->step = SEGMENT1;
	must(link_share(&l, JOB, OBJECT, 1, 1, 22, 3000), "durable");
	done->step = REDEALT;
	must(link_ask(&l, op("prepared", JOB)), "durable");
	done->step = PREPARED;
	must(link_ask(&l, op("commit", JOB)), "ok");
	done->step = COMMITTED;
}

static void work_delete(void)
{
	work_put();
	must(link_ask(&l, op_delete(OBJECT, 1, owner)), "ok");
	done->step = DELETED;
	trash_empty();
}

static void work_abort(void)
{
	must(link_ask(&l, begin(JOB, OBJECT, 1, 2)), "ok");
	must(link_share(&l, JOB, OBJECT, 1, 0, 20, 50), "durable");
	must(link_ask(&l, op("abort", JOB)), "ok");
	done->step = DELETED;
	trash_empty();
}

/* --- what must hold after a cut; each returns 0, or says what does not */

static const char *read_right(void)
{
	if (strcmp(link_get(&l, OBJECT, 1, 0, 20, 50), "right"))
		return "segment 0 is not right";
	if (strcmp(link_get(&l, OBJECT, 1, 1, 22, 3000), "right"))
		return "segment 1 is not right";
	return NULL;
}

static const char *check_acks(void)
{
	const char *now = link_ask(&l, op_read(OBJECT, 1, 0));

	if (!strcmp(now, "go")) {
		if (done->step < PREPARED)
			return "visible before it was prepared";
		while (l.first)
			sent_free(link_take(&l));
	} else if (strcmp(now, "error ENOENT")) {
		return "neither there nor not there";
	}
	if (done->step >= COMMITTED)
		return read_right();
	if (done->step >= PREPARED)
		return strcmp(link_ask(&l, op("commit", JOB)), "ok") ?
		       "prepared, and cannot be committed" : read_right();
	if (done->step >= BEGUN &&
	    strcmp(link_ask(&l, op("prepared", JOB)), "error EAGAIN") &&
	    done->step < SEGMENT0)
		return "begun, and now unknown";
	if (strcmp(link_ask(&l, begin(JOB, OBJECT, 1, 2)), "ok"))
		return "cannot be begun again";
	if (done->step >= SEGMENT0) {
		link_tell(&l, op_segment("segment", JOB, 0, 20, 50));
		if (strcmp(link_answer(&l), "durable"))
			return "segment 0 was durable";
	}
	if (done->step >= REDEALT) {
		link_tell(&l, op_segment("segment", JOB, 1, 22, 3000));
		if (strcmp(link_answer(&l), "durable"))
			return "segment 1 was durable";
	}
	return NULL;
}

static const char *check_put(void)
{
	const char *wrong = check_acks();

	if (wrong || done->step >= PREPARED)
		return wrong;
	/* and the whole job can be done again */
	if (strcmp(link_ask(&l, begin(JOB, OBJECT, 1, 2)), "ok") ||
	    strcmp(link_share(&l, JOB, OBJECT, 1, 0, 20, 50), "durable") ||
	    strcmp(link_share(&l, JOB, OBJECT, 1, 1, 22, 3000), "durable") ||
	    strcmp(link_ask(&l, op("prepared", JOB)), "durable") ||
	    strcmp(link_ask(&l, op("commit", JOB)), "ok"))
		return "cannot be done again";
	return read_right();
}

static const char *check_delete(void)
{
	if (done->step < COMMITTED)
		return NULL;	/* check_put()'s */
	if (done->step >= DELETED &&
	    strcmp(link_ask(&l, op_read(OBJECT, 1, 0)), "error ENOENT"))
		return "deleted, and there again";
	if (strcmp(link_ask(&l, op_delete(OBJECT, 1, owner)), "ok"))
		return "cannot be deleted again";
	if (strcmp(link_ask(&l, op_read(OBJECT, 1, 0)), "error ENOENT"))
		return "not deleted";
	return NULL;
}

static const char *check_abort(void)
{
	if (done->step >= DELETED &&
	    strcmp(link_ask(&l, op("prepared", JOB)), "error ENOENT"))
		return "aborted, and there again";
	if (strcmp(link_ask(&l, op("abort", JOB)), "ok"))
		return "cannot be aborted again";
	trash_empty();
	if (shell("test -z \"$(ls -A %s/pending)\""))
		return "something stays pending";
	return NULL;
}

/* --- */

static unsigned long inode(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		bail("%s: %s", path, strerror(errno));
	return st.st_ino;
}

/* One cut before call @at: 1 when the work was over before. */
static int cut(void (*work)(void), const char *(*check)(void), long at,
	       const char **wrong)
{
	unsigned long root;
	int status;
	char cmd[256];
	pid_t pid;

	snprintf(cmd, sizeof(cmd), "rm -rf %s/*; mkdir %s/data %s/shadow", base,
		 base, base);
	if (system(cmd))
		bail("%s", cmd);
	snprintf(data_dir, sizeof(data_dir), "%s/data", base);
	root = inode(data_dir);
	done->step = NOTHING;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		char path[128];

		dup2(open("/dev/null", O_WRONLY), 1);
		dup2(1, 2);
		snprintf(path, sizeof(path), "%s/shadow", base);
		holder_open(0);
		shadow = open(path, O_RDONLY | O_DIRECTORY);
		/* what opening made is on the disk already */
		fsync(env.storage->root);
		crash_at = at;
		link_open(&l);
		work();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		bail("the child crashed");
	if (WEXITSTATUS(status) != 9 && WEXITSTATUS(status))
		bail("the child: status %d at call %ld", WEXITSTATUS(status),
		     at);
	snprintf(data_dir, sizeof(data_dir), "%s/after", base);
	after_cut(data_dir, root, 1);
	holder_open(0);
	link_open(&l);
	*wrong = check();
	link_close(&l);
	storage_close(env.storage);
	return !WEXITSTATUS(status);
}

static void test(const char *name, void (*work)(void),
		 const char *(*check)(void))
{
	const char *wrong = NULL;
	int over = 0, bad = 0;
	long at;

	for (at = 0; !over; at++) {
		over = cut(work, check, at, &wrong);
		if (wrong && ++bad < 5)
			diag("%s: cut before call %ld, answered %d: %s", name,
			     at, done->step, wrong);
	}
	is_int(bad, 0, "%s: a power cut before each of its %ld calls", name,
	       at - 1);
	ok(at > 8, "%s: there were calls", name);
}

static void crash_remove(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", base);
	if (system(cmd))
		diag("%s stays", base);
}

int main(void)
{
	struct stat st;

	real_write = dlsym(RTLD_NEXT, "write");
	holder_make();
	storage_close(env.storage);
	holder_remove();
	snprintf(base, sizeof(base), "%s/crash.XXXXXX",
		 access("/dev/shm", W_OK) || stat("/dev/shm", &st) ? "/tmp" :
								     "/dev/shm");
	if (!mkdtemp(base))
		bail("mkdtemp: %s", strerror(errno));
	atexit(crash_remove);
	done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test("put", work_put, check_put);
	test("delete", work_delete, check_delete);
	test("abort", work_abort, check_abort);
	holder_open(0);
	holder_free();
	return tap_done();
}
