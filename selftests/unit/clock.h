/* SPDX-License-Identifier: GPL-2.0 */
/* A calendar that a test can turn: time(2) as this program and its libraries see it. */
#ifndef SELFTESTS_CLOCK_H
#define SELFTESTS_CLOCK_H

#include <time.h>

static time_t later;	/* seconds that everybody is ahead */

time_t time(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += later;
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}

#endif
