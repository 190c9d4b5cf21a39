// SPDX-License-Identifier: GPL-2.0
/* Turns, medians and rows: see bench.h. */
#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench.h"

#define TURN_NS		300000.0	/* of one candidate, at least one call */
#define TURNS_MIN	15
#define TURNS_MAX	1001
#define RUN_NS		0.6e9		/* of both, if that is more than the least */
#define HUGE_PAGE	(2UL << 20)
#define STRAY		(5 * 4096UL)

static char **rows;

/* Names of rows on the command line: those only. */
void bench_begin(int argc, char **argv)
{
	rows = argc > 1 ? argv + 1 : NULL;
	setvbuf(stdout, NULL, _IOLBF, 0);
}

bool bench_wanted(const char *row)
{
	char **r;

	for (r = rows; r && *r; r++)
		if (!strcmp(*r, row))
			return true;
	return !rows;
}

/* A line about what is measured, before the rows. */
void bench_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

/* A candidate that gets it wrong is no candidate. */
void bench_check(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "bench: wrong result: %s\n", what);
	exit(1);
}

static char *room, *room_end, *place;

/**
 * bench_room - memory for all buffers of a question, filled with something
 * @len:	bytes in all; STRAY more for each buffer
 *
 * In huge pages if the system has them, as the kernel's own memory is.
 */
void bench_room(size_t len)
{
	size_t all = (len + 2 * HUGE_PAGE - 1) & -HUGE_PAGE, i;
	uint64_t x = 0x9e3779b97f4a7c15ULL, *word;

	room = mmap(NULL, all + HUGE_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED) {
		perror("bench: mmap");
		exit(1);
	}
	room += -(uintptr_t)room & (HUGE_PAGE - 1);
	room_end = room + all;
	place = room;
	madvise(room, all, MADV_HUGEPAGE);
	for (i = 0, word = (void *)room; i < all / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		word[i] = x;
	}
}

/**
 * bench_place - the next buffer in the room
 * @len:	bytes; 0 begins again at the room's start
 *
 * At the beginning of a page, as pages from the kernel are, and STRAY behind the
 * one before it: not all at the same place of the larger caches, as no pages are
 * that come one by one.
 */
void *bench_place(size_t len)
{
	char *p = len ? place : room;

	place = p + (len ? (len + STRAY + 4095) / 4096 * 4096 : 0);
	bench_check(place <= room_end, "no room");
	return p;
}

/* A peer's library: from the folder that @variable has, or the system's; or NULL. */
void *bench_library(const char *variable, const char *name)
{
	const char *dir = variable ? getenv(variable) : NULL;
	char path[PATH_MAX];

	if (variable && !dir)
		return NULL;
	snprintf(path, sizeof(path), "%s%s%s", dir ? dir : "", dir ? "/" : "",
		 name);
	return dlopen(path, RTLD_NOW);
}

/*
 * The thread's own processor time: what others have of the processor meanwhile is
 * not in it, what they do to the caches is.
 */
static double turn(void (*call)(void *arg), void *arg, unsigned int calls)
{
	struct timespec from, to;
	unsigned int i;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (i = 0; i < calls; i++)
		call(arg);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The middle one of @n numbers, which are put in order */
double bench_median(double *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

/* Calls that fill a turn */
static unsigned int calls_of(void (*call)(void *arg), void *arg)
{
	unsigned int n = 1;
	double ns;

	turn(call, arg, 1);
	while ((ns = turn(call, arg, n)) < TURN_NS / 4 && n < 1U << 24)
		n *= 4;
	n = n * TURN_NS / ns;
	return n ? n : 1;
}

void bench_run(const struct bench *b)
{
	static double ours[TURNS_MAX], peer[TURNS_MAX], ratio[TURNS_MAX];
	unsigned int i, n, of_ours, of_peer;
	double ns;

	if (!bench_wanted(b->row))
		return;
	of_ours = calls_of(b->ours, b->arg);
	if (!b->peer) {
		for (i = 0; i < TURNS_MIN; i++)
			ours[i] = turn(b->ours, b->arg, of_ours) / of_ours;
		printf("%s\t%.2f\tmissing\tmissing\tGB/s\n", b->row,
		       b->bytes / bench_median(ours, TURNS_MIN));
		return;
	}
	of_peer = calls_of(b->peer, b->arg);
	ns = turn(b->ours, b->arg, of_ours) + turn(b->peer, b->arg, of_peer);
	n = RUN_NS / ns;
	n = n < TURNS_MIN ? TURNS_MIN : n > TURNS_MAX ? TURNS_MAX : n | 1;
	for (i = 0; i < n; i++) {
		/* who is first changes, so that neither is always second */
		if (i & 1)
			peer[i] = turn(b->peer, b->arg, of_peer) / of_peer;
		ours[i] = turn(b->ours, b->arg, of_ours) / of_ours;
		if (!(i & 1))
			peer[i] = turn(b->peer, b->arg, of_peer) / of_peer;
		ratio[i] = peer[i] / ours[i];
	}
	printf("%s\t%.2f\t%.2f\t%.2f\tGB/s\n", b->row, b->bytes / bench_median(ours, n),
	       b->bytes / bench_median(peer, n), bench_median(ratio, n));
}
