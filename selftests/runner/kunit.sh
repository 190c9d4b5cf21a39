#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# unit/kunit/test.h: KUnit's words mean in user space what they mean in the
# kernel; what is not met is a failure.
. "$(dirname "$0")/../lib/topology.sh"
tap_plan 4
cat > "$TOPO_TMP/suite.c" <<'EOT'
#include <kunit/test.h>

static const int values[] = { 1, 2, 3 };

static const void *each(const void *prev, char *desc)
{
	const int *v = prev ? (const int *)prev + 1 : values;

	if (v == values + ARRAY_SIZE(values))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "value %d", *v);
	return v;
}

static void good(struct kunit *test)
{
	char *p = kunit_kmalloc(test, 3, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	memcpy(p, "abc", 3);
	KUNIT_EXPECT_EQ(test, 1 + 1, 2);
	KUNIT_EXPECT_TRUE(test, p[0] == 'a');
	KUNIT_EXPECT_FALSE(test, p[0] == 'b');
	KUNIT_EXPECT_MEMEQ(test, p, "abc", 3);
	KUNIT_EXPECT_MEMNEQ(test, p, "abd", 3);
}

static void equal(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 1, 2);
	diag("goes on");
}

static void asserted(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 1, 2);
	diag("goes too far");
}

static void is_true(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, 0);
}

static void is_false(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, 2);
}

static void null(struct kunit *test)
{
	KUNIT_ASSERT_NOT_NULL(test, NULL);
}

static void memory(struct kunit *test)
{
	KUNIT_EXPECT_MEMEQ(test, "abc", "abd", 3);
}

static void other_memory(struct kunit *test)
{
	KUNIT_EXPECT_MEMNEQ(test, "abc", "abd", 2);
}

static void not_three(struct kunit *test)
{
	if (*(const int *)test->param_value == 1)
		kunit_skip(test, "not %d", 1);
	KUNIT_EXPECT_EQ(test, *(const int *)test->param_value, 2);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(good),
	KUNIT_CASE(equal),
	KUNIT_CASE(asserted),
	KUNIT_CASE(is_true),
	KUNIT_CASE(is_false),
	KUNIT_CASE(null),
	KUNIT_CASE(memory),
	KUNIT_CASE(other_memory),
	KUNIT_CASE_PARAM(not_three, each),
	{}
};

static struct kunit_suite suite = {
	.name		= "s",
	.test_cases	= cases,
};

kunit_test_suite(suite);
EOT
tap_run "it builds" gcc -Wall -Werror -D_GNU_SOURCE -I "$SSN_TREE/selftests/unit" \
	-o "$TOPO_TMP/suite" "$TOPO_TMP/suite.c"
status=0
"$TOPO_TMP/suite" > "$TOPO_TMP/tap" || status=$?
tap_is "each case is what its expectations are" "$(grep -v '^#' "$TOPO_TMP/tap")" \
'ok 1 - s: good
not ok 2 - s: equal
not ok 3 - s: asserted
not ok 4 - s: is_true
not ok 5 - s: is_false
not ok 6 - s: null
not ok 7 - s: memory
not ok 8 - s: other_memory
ok 9 - s: not_three: value 1 # SKIP not 1
ok 10 - s: not_three: value 2
not ok 11 - s: not_three: value 3
1..11'
tap_is "an expectation goes on, an assertion ends it" \
	"$(grep '^# goes' "$TOPO_TMP/tap")" "# goes on"
tap_is "the program's status says so" "$status" 1
tap_done
