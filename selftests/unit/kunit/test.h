/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit in user space, so that a suite for the kernel is a program here as well:
 * as much of <kunit/test.h> as selftests/unit uses, on top of tap.h. A case, or
 * each value of one with parameters, is one check of TAP; an expectation that is
 * not met says so on a "# " line and makes it fail, an assertion ends it.
 */
#ifndef SELFTESTS_KUNIT_TEST_H
#define SELFTESTS_KUNIT_TEST_H

#include <setjmp.h>
#include <stdlib.h>

#include "tap.h"

#define KUNIT_PARAM_DESC_SIZE	128
#define KUNIT_ALLOCATIONS	64
#define GFP_KERNEL		0
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

struct kunit {
	const void *param_value;
	bool failed, skipped;
	char why[128];
	void *allocated[KUNIT_ALLOCATIONS];
	unsigned int allocations;
	jmp_buf end;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);
};

struct kunit_suite {
	const char *name;
	int (*suite_init)(struct kunit_suite *suite);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(fn)			{ .run_case = fn, .name = #fn }
#define KUNIT_CASE_PARAM(fn, gen)	{ .run_case = fn, .name = #fn,	\
					  .generate_params = gen }

/* Memory of exactly that size, for the sanitizers; freed when the case ends */
static inline void *kunit_kmalloc(struct kunit *test, size_t size, int gfp)
{
	void *p = malloc(size);

	(void)gfp;
	if (!p || test->allocations == KUNIT_ALLOCATIONS)
		bail("kunit_kmalloc of %zu bytes", size);
	test->allocated[test->allocations++] = p;
	return p;
}

static inline void kunit_kfree(struct kunit *test, const void *p)
{
	unsigned int i;

	for (i = 0; i < test->allocations; i++)
		if (test->allocated[i] == p)
			break;
	if (i == test->allocations)
		bail("kunit_kfree of what kunit_kmalloc did not give");
	test->allocated[i] = test->allocated[--test->allocations];
	free((void *)p);
}

#define kunit_skip(test, ...) do {					\
	(test)->skipped = true;						\
	snprintf((test)->why, sizeof((test)->why), __VA_ARGS__);	\
	longjmp((test)->end, 1);					\
} while (0)

#define KUNIT_FAILED(test, fatal, ...) do {				\
	(test)->failed = true;						\
	diag("expectation failed at %s:%d", __FILE__, __LINE__);	\
	diag(__VA_ARGS__);						\
	if (fatal)							\
		longjmp((test)->end, 1);				\
} while (0)

#define KUNIT_BINARY(test, fatal, left, op, right) do {			\
	long long kunit_l = (left), kunit_r = (right);			\
	if (!(kunit_l op kunit_r))					\
		KUNIT_FAILED(test, fatal, "%s == %lld, %s == %lld",	\
			     #left, kunit_l, #right, kunit_r);		\
} while (0)

#define KUNIT_UNARY(test, fatal, cond, want) do {			\
	bool kunit_is = !!(cond);					\
	if (kunit_is != (want))						\
		KUNIT_FAILED(test, fatal, "%s is %s", #cond,		\
			     (want) ? "false" : "true");		\
} while (0)

#define KUNIT_MEMORY(test, left, op, right, size) do {			\
	if (!(memcmp((left), (right), (size)) op 0))			\
		KUNIT_FAILED(test, false, "%zu bytes: not %s %s %s",	\
			     (size_t)(size), #left, #op, #right);	\
} while (0)

#define KUNIT_EXPECT_EQ(test, l, r)	KUNIT_BINARY(test, false, l, ==, r)
#define KUNIT_ASSERT_EQ(test, l, r)	KUNIT_BINARY(test, true, l, ==, r)
#define KUNIT_EXPECT_TRUE(test, c)	KUNIT_UNARY(test, false, c, true)
#define KUNIT_EXPECT_FALSE(test, c)	KUNIT_UNARY(test, false, c, false)
#define KUNIT_EXPECT_MEMEQ(test, l, r, n)	KUNIT_MEMORY(test, l, ==, r, n)
#define KUNIT_EXPECT_MEMNEQ(test, l, r, n)	KUNIT_MEMORY(test, l, !=, r, n)
#define KUNIT_ASSERT_NOT_NULL(test, p)					\
	KUNIT_UNARY(test, true, (p) != NULL, true)

static inline void kunit_run_one(struct kunit_suite *suite,
				 struct kunit_case *c, const void *param,
				 const char *desc)
{
	struct kunit *test = calloc(1, sizeof(*test));
	char name[256];

	test->param_value = param;
	if (!setjmp(test->end))
		c->run_case(test);
	while (test->allocations)
		free(test->allocated[--test->allocations]);
	snprintf(name, sizeof(name), "%s: %s%s%s", suite->name, c->name,
		 *desc ? ": " : "", desc);
	if (test->skipped && !test->failed)
		skip(name, test->why);
	else
		ok(!test->failed, "%s", name);
	free(test);
}

static inline int kunit_main(struct kunit_suite *suite)
{
	struct kunit_case *c;

	if (suite->suite_init && suite->suite_init(suite))
		bail("%s: suite_init", suite->name);
	for (c = suite->test_cases; c->run_case; c++) {
		char desc[KUNIT_PARAM_DESC_SIZE] = "";
		const void *param = NULL;

		if (!c->generate_params) {
			kunit_run_one(suite, c, NULL, "");
			continue;
		}
		while ((param = c->generate_params(param, desc)))
			kunit_run_one(suite, c, param, desc);
	}
	return tap_done();
}

#define kunit_test_suite(suite)						\
int main(void)								\
{									\
	return kunit_main(&(suite));					\
}

#endif
