/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For programs that measure. A question is answered by candidates that do the same
 * work on the same buffers, in turns of about equal length and within one run:
 * whatever disturbs the machine disturbs both. A row has what each did per second
 * in the middle one of its turns, and the middle one of the ratios of turns that
 * were beside each other.
 */
#ifndef SELFTESTS_BENCH_H
#define SELFTESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct bench - one question
 * @row:	name of the row, "what/peer"
 * @bytes:	payload bytes in one call of either
 * @ours:	does it once
 * @peer:	the same, done by another; NULL if there is none here
 * @arg:	given to both
 */
struct bench {
	const char	*row;
	size_t		bytes;
	void		(*ours)(void *arg);
	void		(*peer)(void *arg);
	void		*arg;
};

void bench_begin(int argc, char **argv);
bool bench_wanted(const char *row);
void bench_run(const struct bench *b);
void bench_room(size_t len);
void *bench_place(size_t len);
void bench_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
double bench_median(double *v, unsigned int n);
void bench_check(bool right, const char *what);
void *bench_library(const char *variable, const char *name);

#endif
