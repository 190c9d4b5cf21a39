// SPDX-License-Identifier: GPL-2.0
/*
 * sync_point: stops a program just before its Nth step towards the disk.
 *
 * Preloaded into a daemon (LD_PRELOAD), it counts calls that make something
 * durable or visible: fsync, fdatasync, syncfs, rename, link, unlink, mkdir. The
 * file $SYNC_POINT holds two 32-bit numbers, the second of which is set by the
 * test: calls so far, and the call before which the program stops itself
 * (0: never). Then the test pulls the power (disk.sh).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

struct point {
	uint32_t count;
	uint32_t stop;
};

static struct point *point;

__attribute__((constructor))
static void attach(void)
{
	const char *path = getenv("SYNC_POINT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		abort();
	point = mmap(NULL, sizeof(*point), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	if (point == MAP_FAILED)
		abort();
	close(fd);
}

static void reached(void)
{
	uint32_t n = __atomic_add_fetch(&point->count, 1, __ATOMIC_SEQ_CST);

	if (n == __atomic_load_n(&point->stop, __ATOMIC_SEQ_CST))
		kill(getpid(), SIGSTOP);
}

#define STEP(type, name, params, args)					\
type name params							\
{									\
	static type (*next) params;					\
									\
	if (!next)							\
		next = (type (*) params)dlsym(RTLD_NEXT, #name);	\
	reached();							\
	return next args;						\
}

STEP(int, fsync, (int fd), (fd))
STEP(int, fdatasync, (int fd), (fd))
STEP(int, syncfs, (int fd), (fd))
STEP(int, rename, (const char *from, const char *to), (from, to))
STEP(int, renameat, (int fd, const char *from, int tofd, const char *to),
     (fd, from, tofd, to))
STEP(int, renameat2, (int fd, const char *from, int tofd, const char *to,
		      unsigned int flags), (fd, from, tofd, to, flags))
STEP(int, linkat, (int fd, const char *from, int tofd, const char *to, int flags),
     (fd, from, tofd, to, flags))
STEP(int, unlink, (const char *path), (path))
STEP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
STEP(int, mkdir, (const char *path, mode_t mode), (path, mode))
STEP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))
