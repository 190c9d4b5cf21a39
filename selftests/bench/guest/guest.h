/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For programs that measure with a kernel: run in the guest uml-accel, in turns as
 * bench.h says, each of them some tenths of a second long.
 *
 * What is measured is the processor time of the whole guest, which is that of both
 * ends, of everything that the kernel does for them later, and of nothing else: the
 * guest has one processor and runs nothing beside. It is the time that went by less
 * the time that the guest's kernel was idle. Processor time by process would leave
 * out what softirqs and workqueues do, and that is most of it.
 */
#ifndef SELFTESTS_BENCH_GUEST_H
#define SELFTESTS_BENCH_GUEST_H

#include <math.h>
#include <stdio.h>

#include "bench.h"
#include "qkd_util.h"

#define GUEST_TURNS	64

/* Seconds that the guest's processor was idle since it began; in hundredths */
static UNUSED double guest_idle(void)
{
	unsigned long long user, nice, system, idle, wait;
	FILE *f = fopen("/proc/stat", "r");

	if (!f || fscanf(f, "cpu %llu %llu %llu %llu %llu", &user, &nice, &system,
			 &idle, &wait) != 5)
		bail("/proc/stat");
	fclose(f);
	return (double)(idle + wait) / sysconf(_SC_CLK_TCK);
}

struct guest_clock {
	double from, idle;	/* when the turn began */
	double wall, slept;	/* of all turns so far */
};

static UNUSED void clock_start(struct guest_clock *c)
{
	c->idle = guest_idle();
	c->from = now();
}

/* Processor seconds since clock_start() */
static UNUSED double clock_stop(struct guest_clock *c)
{
	double wall = now() - c->from, idle = guest_idle() - c->idle;

	c->wall += wall;
	c->slept += idle;
	return wall - idle;
}

/* The middle of the first @n of @v, which stay in their order */
static UNUSED double middle(const double *v, unsigned int n)
{
	double sorted[GUEST_TURNS];

	memcpy(sorted, v, n * sizeof(*v));
	return bench_median(sorted, n);
}

static UNUSED double middle_ratio(const double *a, const double *b, unsigned int n)
{
	double ratio[GUEST_TURNS];
	unsigned int i;

	for (i = 0; i < n; i++)
		ratio[i] = a[i] / b[i];
	return bench_median(ratio, n);
}

/*
 * Bytes that the kernel has allocated: slabs with what is rounded up and free in
 * them, large allocations, percpu areas. Not free memory: pages that the allocator
 * keeps at hand for a processor are missing there too.
 */
static UNUSED double memory_used(void)
{
	static const char *const of[] = { "Slab", "VmallocUsed", "Percpu",
					  "KernelStack" };
	unsigned long long kib, sum = 0;
	char line[128], name[32];
	unsigned int i, found = 0;
	FILE *f;

	f = fopen("/proc/sys/vm/drop_caches", "w");
	if (!f || fputs("3\n", f) < 0 || fclose(f))
		bail("/proc/sys/vm/drop_caches: %s", strerror(errno));
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f))
		for (i = 0; i < sizeof(of) / sizeof(*of); i++)
			if (sscanf(line, "%31[^:]: %llu kB", name, &kib) == 2 &&
			    !strcmp(name, of[i])) {
				sum += kib;
				found++;
			}
	if (found != sizeof(of) / sizeof(*of))
		bail("/proc/meminfo has not all of it");
	fclose(f);
	return sum * 1024.0;
}

/* The same when it stays: what was freed late is free by then */
static UNUSED double memory_settled(void)
{
	double before, used = memory_used();
	int tries = 50;

	do {
		before = used;
		usleep(200000);
		used = memory_used();
	} while (fabs(used - before) > 8192 && --tries);
	return used;
}

#endif
