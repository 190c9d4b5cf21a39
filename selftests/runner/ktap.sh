#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# lib/ktap: what KUnit says comes out as TAP, and what it does not say is seen.
. "$(dirname "$0")/../lib/topology.sh"
ktap=$SSN_TREE/selftests/lib/ktap
tap_plan 17

# The output of two suites: cases, values, something between
good='some line of the kernel
KTAP version 1
1..2
    KTAP version 1
    # Subtest: one
    # module: m
    1..2
    ok 1 plain
        KTAP version 1
        # Subtest: values
        ok 1 a: b
another line
        ok 2 c
    # values: pass:2 fail:0 skip:0 total:2
    ok 2 values
# one: pass:2 fail:0 skip:0 total:2
ok 1 one
    KTAP version 1
    # Subtest: two
    1..2
    ok 1 plain
    ok 2 other # SKIP not here
ok 2 two'

# becomes NAME STATUS WANT SUITES [FROM TO]...: the checks that come out if each
# FROM in what is good is a TO
becomes()
{
	local name=$1 status=$2 want=$3 suites=$4 text=$good got

	shift 4
	while [ $# -gt 0 ]; do
		text=${text/"$1"/"$2"}
		shift 2
	done
	# shellcheck disable=SC2086
	got=$(printf '%s\n' "$text" | "$ktap" $suites; echo "status $?")
	tap_is "$name" "$(grep -v '^#' <<< "$got")" "$want
status $status"
}

all='ok 1 - one: plain
ok 2 - one: values: a: b
ok 3 - one: values: c
ok 4 - two: plain
ok 5 - two: other # SKIP not here'
becomes "all passed" 0 "$all
1..5" "one two"
becomes "lines of others do not count" 0 "$all
1..5" "one two" "another line" "ok then: not ok"
becomes "a suite that did not run" 1 "$all
not ok 6 - three did not run
1..6" "one two three"
becomes "a case failed" 1 "not ${all}
1..5" "one" "ok 1 plain" "not ok 1 plain" "ok 1 one" "not ok 1 one"
becomes "a case failed, and its suite does not say so" 1 "not ${all}
1..5" "one" "ok 1 plain" "not ok 1 plain"
becomes "a value failed" 1 "${all/ok 3/not ok 3}
1..5" "one" "ok 2 c" "not ok 2 c" "ok 2 values" "not ok 2 values" \
	"ok 1 one" "not ok 1 one"
becomes "a suite failed, and none of its cases" 1 "${all%ok 4*}not ok 4 - one failed as a whole
ok 5 - two: plain
ok 6 - two: other # SKIP not here
1..6" "one" "ok 1 one" "not ok 1 one"
becomes "a case failed, and none of its values" 1 "${all%ok 4*}not ok 4 - one: values failed as a whole
ok 5 - two: plain
ok 6 - two: other # SKIP not here
1..6" "one" "ok 2 values" "not ok 2 values" "ok 1 one" "not ok 1 one"
becomes "fewer cases than planned" 1 "${all%ok 4*}not ok 4 - one: planned 3 results, has 2
ok 5 - two: plain
ok 6 - two: other # SKIP not here
1..6" "one" "1..2
    ok 1 plain" "1..3
    ok 1 plain"
becomes "fewer suites than planned" 1 "$all
not ok 6 - planned 3 results, has 2
1..6" "one" "1..2" "1..3"
becomes "it ended in the middle" 1 "ok 1 - one: plain
ok 2 - one: values: a: b
not ok 3 - one: planned 2 results, has 1
not ok 4 - planned 2 results, has 0
1..4" "one" "${good#*another line}" ""
becomes "a suite without cases" 1 "ok 1 - one: plain
ok 2 - one: values: a: b
ok 3 - one: values: c
not ok 4 - two: no results are planned
ok 5 - two
1..5" "one" "    # Subtest: two
    1..2
    ok 1 plain
    ok 2 other # SKIP not here" "    # Subtest: two
    1..0"
becomes "no suites" 1 "not ok 1 - no results are planned
1..1" "" "${good#*KTAP version 1}" "
1..0"
becomes "nothing at all" 1 "not ok 1 - there is no KTAP
1..1" "" "$good" ""
becomes "results before it begins" 1 "not ok 1 - there is no KTAP
1..1" "" "$good" "ok 1 - a"

# what it prints is judged as it should be
printf '%s\n' "$good" | "$ktap" one two > "$TOPO_TMP/tap"
tap_is "the judge takes it" "$("$SSN_TREE/selftests/lib/judge" t 0 "$TOPO_TMP/tap" |
	tail -n 1)" "passed 4, failed 0, skipped 1"
printf '%s\n' "${good/ok 2 c/not ok 2 c}" | "$ktap" one two > "$TOPO_TMP/tap"
tap_is "and a failure too" "$("$SSN_TREE/selftests/lib/judge" t $? "$TOPO_TMP/tap" |
	tail -n 1)" "passed 3, failed 1, skipped 1"
tap_done
