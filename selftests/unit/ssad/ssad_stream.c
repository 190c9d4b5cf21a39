// SPDX-License-Identifier: GPL-2.0
/* A put of 10 GB: it is counted right, and takes no more memory than a small one. */
#include <sys/resource.h>

#include "agent.h"

#define GB	(1000ULL * 1000 * 1000)
#ifdef __SANITIZE_ADDRESS__	/* several times as slow */
#define BIG	(1 * GB)
#else
#define BIG	(10 * GB)
#endif

static long resident(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static json_int_t told(const char *key)
{
	return json_integer_value(json_object_get(
		json_object_get(holder[0].jobs, JOB(2)), key));
}

int main(void)
{
	uint64_t segments = (BIG + SEGMENT_DEFAULT - 1) / SEGMENT_DEFAULT;
	long small, big;

	agent_make();
	catalogue_found(ssad.cat);
	keep = false;
	ssad.segment_bytes = SEGMENT_DEFAULT;
	ssad.owner_timeout_ms = 60000;
	is_str(agent_put(JOB(1), OBJECT(1), "small", 1, SEGMENT_DEFAULT), "done",
	       "a put of one segment");
	small = resident();
	is_str(agent_put(JOB(2), OBJECT(2), "big", 1, BIG), "done", "one of %llu GB",
	       BIG / GB);
	big = resident();
	is_int(told("size"), BIG, "the shareholders are told its size");
	is_int(told("segments"), segments + 1, "and how many segments it has");
	is_int(asked(0, "segment"), segments + 2 + 1, "so many are dealt");
	is_int(holder[0].segment, segments, "in order");
	diag("resident: %ld KiB, then %ld KiB", small, big);
#ifdef __SANITIZE_ADDRESS__	/* it keeps for a while what was freed */
	skip("one segment is in memory", "not to be measured with this sanitizer");
	skip("and no more of the larger one", "not to be measured with this sanitizer");
#else
	ok(small < 2 * SEGMENT_DEFAULT >> 10, "one segment is in memory");
	ok(big - small < 1024, "and no more of the larger one");
#endif

	/* the most segments that a shareholder takes are enough, of any size */
	ok(!segment_many(10 * GB, SEGMENT_MIN) && !segment_many(10 * GB, SEGMENT_MAX),
	   "10 GB are not too many segments");
	is_int(segment_count(10 * GB, SEGMENT_MIN), 152588, "of 64 KiB");
	is_int(segment_count(10 * GB, SEGMENT_MAX), 150, "of 64 MiB");
	is_int(segment_bytes(10 * GB, SEGMENT_MIN, 152588), 10 * GB % SEGMENT_MIN,
	       "the last of which is what is left");
	ok(segment_many((uint64_t)SEGMENTS_MAX * SEGMENT_MIN, SEGMENT_MIN),
	   "64 GiB of the smallest are");
	agent_free();
	return tap_done();
}
