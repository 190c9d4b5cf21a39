// SPDX-License-Identifier: GPL-2.0
/*
 * How fast is a pad added to 64 KiB on their way to another place, and how fast if
 * the pad is destroyed as well? Against a copy alone, which reads half as much.
 *
 * rows: pad_64k/memcpy pad_wipe_64k/memcpy
 */
#include <string.h>

#include "bench.h"
#include "pad.h"

#define LEN	65536UL

struct work {
	uint8_t	*dst, *src, *pad;
};

static void sum(void *arg)
{
	struct work *w = arg;

	ssn_pad_xor(w->dst, w->src, w->pad, LEN);
}

static void sum_wipe(void *arg)
{
	struct work *w = arg;

	ssn_pad_xor_wipe(w->dst, w->src, w->pad, LEN);
}

static void copy(void *arg)
{
	struct work *w = arg;

	memcpy(w->dst, w->src, LEN);
	__asm__ __volatile__("" : : "r" (w->dst) : "memory");
}

int main(int argc, char **argv)
{
	struct work w;

	bench_begin(argc, argv);
	bench_room(6 * LEN);
	w.src = bench_place(LEN);
	w.pad = bench_place(LEN);
	w.dst = bench_place(LEN);
	bench_run(&(struct bench) { "pad_64k/memcpy", LEN, sum, copy, &w });
	bench_run(&(struct bench) { "pad_wipe_64k/memcpy", LEN, sum_wipe, copy,
				    &w });
	return 0;
}
