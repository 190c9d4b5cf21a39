#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 900
#
# The kernel's kselftest, as the programs in selftests/kernel use it: its harness
# sees what they find, and its lib.mk runs them in a guest, and skips outside.
. "$(dirname "$0")/../lib/topology.sh"
cd "$SSN_TREE" || tap_bail "no $SSN_TREE"
tap_plan 11

# --- outside

tap_is "nothing of it is in the tree" \
	"$(git ls-files 2>/dev/null | grep -E '(^|/)(kselftest(_harness)?\.h|lib\.mk)$')" ""
if [ ! -e /sys/module/ssn_crypt ]; then
	make -C selftests run_tests PROGS="qkd_group ssn_link_pad" \
		2>&1 | cat > "$TOPO_TMP/outside"
	tap_is "run_tests outside of a guest skips" \
		"$(grep -cE '^ok [12] selftests: .*(qkd_group|ssn_link_pad) # SKIP$' \
			"$TOPO_TMP/outside")" 2
	tap_is "and says how to run them in one" \
		"$(grep -c '# SKIP.* tools/vm/run .*run_tests' "$TOPO_TMP/outside")" 2
else
	tap_skip "run_tests outside of a guest skips" "the modules are loaded here"
	tap_skip "and says how to run them in one" "the modules are loaded here"
fi

# --- in a guest

work=$SSN_TREE/build/kselftest_test	# the guest need not see $TOPO_TMP
mkdir -p "$work"
cat > "$work/suite.c" <<'EOT'
#include "harness.h"

TEST(good)
{
	EXPECT_EQ(0, error_of(1));
	errno = EPERM;
	EXPECT_EQ(EPERM, error_of(-1));
	ASSERT_TRUE(setting("SUITE_SET", 1) == 7 && setting("SUITE_UNSET", 1) == 1);
}

static void helper(struct __test_metadata *_metadata)
{
	EXPECT_EQ(1, 2)
		TH_LOG("one is two");
}

TEST(expected)
{
	helper(_metadata);
	diag("goes on");
}

TEST(asserted)
{
	ASSERT_EQ(1, 2);
	diag("goes too far");
}

TEST(bailed)
{
	bail("no preparations: %d", 7);
}

TEST(skipped)
{
	SKIP(return, "not here");
}

FIXTURE(fixed) {
	int set;
};

FIXTURE_SETUP(fixed)
{
	self->set = 3;
}

FIXTURE_TEARDOWN(fixed)
{
	EXPECT_EQ(3, self->set);
}

TEST_F(fixed, in_teardown)
{
	self->set = 4;
}

TEST_F(fixed, bailed)
{
	bail("nor here");
}

TEST_HARNESS_MAIN
EOT
tap_run "a program over it builds" gcc -Wall -Werror -D_GNU_SOURCE \
	-isystem build/kselftest -I selftests/kernel -o "$work/suite" \
	"$work/suite.c"
tap_run "modules for the guest" make -s modules KERNEL=uml
cat > "$work/in_guest" <<EOT
export SUITE_SET=7
"$work/suite" > \$SSN_OUT/suite 2>&1
echo \$? > \$SSN_OUT/suite.status
# (a pipe: lib.mk's runner opens its standard output once more)
make -C selftests run_tests PROGS=qkd_group 2>&1 | cat > \$SSN_OUT/run_tests
EOT
tap_run "a guest" tools/vm/run --kernel=uml --modules --timeout=120 \
	--out="$TOPO_TMP/out" -- bash "$work/in_guest"
tap_is "what is not as expected, fails" \
	"$(grep -E '^(not )?ok|^1\.\.' "$TOPO_TMP/out/suite")" \
'1..7
ok 1 global.good
not ok 2 global.expected
not ok 3 global.asserted
not ok 4 global.bailed
ok 5 global.skipped # SKIP not here
not ok 6 fixed.in_teardown
not ok 7 fixed.bailed'
tap_is "an expectation goes on, an assertion ends it" \
	"$(grep '^# goes' "$TOPO_TMP/out/suite")" "# goes on"
tap_is "where and why is told" \
	"$(grep -cE '^# .*suite\.c:[0-9]+:(expected:one is two| no preparations: 7)$' \
		"$TOPO_TMP/out/suite")" 2
tap_is "the program's status says so" "$(cat "$TOPO_TMP/out/suite.status")" 1
tap_is "run_tests runs them" \
	"$(grep -E '^ok |^not ok |^# ok ' "$TOPO_TMP/out/run_tests" | sed 's|: /.*: |: |')" \
'# ok 1 global.who_may_load
ok 1 selftests: qkd_group'
tap_done
