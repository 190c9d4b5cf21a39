/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Time that stands still and random numbers that are none, for targets that say
 * "wraps: getrandom monotonic_ms time" and call still_reset() for each input.
 */
#ifndef SELFTESTS_STILL_H
#define SELFTESTS_STILL_H

#include <sys/types.h>
#include <time.h>
#include "fuzz.h"

#define STILL_TIME	1700000000	/* seconds since 1970 */

ssize_t __wrap_getrandom(void *buf, size_t len, unsigned int flags);
uint64_t __wrap_monotonic_ms(void);
time_t __wrap_time(time_t *t);

static uint64_t still_random, still_ms;

static inline void still_reset(void)
{
	still_random = 0;
	still_ms = 1000000;
}

ssize_t __wrap_getrandom(void *buf, size_t len, unsigned int flags)
{
	uint8_t *b = buf;
	size_t i;

	for (i = 0; i < len; i++) {
		still_random = still_random * 6364136223846793005ULL +
			       1442695040888963407ULL;
		b[i] = still_random >> 56;
	}
	return len;
}

uint64_t __wrap_monotonic_ms(void)
{
	return still_ms;
}

time_t __wrap_time(time_t *t)
{
	if (t)
		*t = STILL_TIME;
	return STILL_TIME;
}

#endif
