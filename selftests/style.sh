#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The rules of the tree that a script can check, on the files that git knows.
. "$(dirname "$0")/lib/topology.sh"
cd "$SSN_TREE" || tap_bail "no $SSN_TREE"

files()
{
	git ls-files -- "$@" 2>/dev/null | while read -r f; do
		[ ! -f "$f" ] || echo "$f"
	done
}
[ -n "$(files Makefile)" ] || files()
{
	find . -type f ! -path './build/*' ! -path './.git/*' -printf '%P\n' |
		grep -xE "$(printf '%s|' "$@" | sed 's/\./\\./g; s/\*/.*/g; s/|$//')"
}

# none NAME LINES: passes if there are no lines; else shows them
none()
{
	if [ -z "$2" ]; then
		tap_ok "$1"
	else
		tap_not_ok "$1"
		printf '%s\n' "$2" | head -n 20 | sed 's/^/# | /'
	fi
}

# search REGEX FILES...: matching lines, with the names
search()
{
	local regex=$1

	shift
	[ $# = 0 ] || grep -nE -e "$regex" "$@" /dev/null
}

without_spdx()
{
	local f

	files '*' |
		grep -vE '^(LICENSE|debian/.*|selftests/fuzz/corpus/.*|.*\.(patch|json))$' |
	while read -r f; do
		[ ! -s "$f" ] || head -n 5 "$f" | grep -q SPDX-License-Identifier: ||
			echo "$f"
	done
}
none "every file has an SPDX line" "$(without_spdx)"
none "uapi headers carry the syscall note" "$(
	files 'include/uapi/*.h' | xargs -r grep -L 'Linux-syscall-note')"

includes()
{
	local regex=$1

	shift
	search "^[ ]*# *include *$regex" "$@"
}

# shellcheck disable=SC2046
{
none "uapi headers include uapi headers only" "$(
	includes '["<]' $(files 'include/uapi/*.h') |
	grep -vE '<linux/(types|socket|ssn|ssn_genl|qkd_genl|const)\.h>')"
none "qkd_keyring knows nothing of ssn" "$(
	includes '["<].*(ssn|wire\.h)' $(files 'kernel/qkd_keyring/*.[ch]'))"
none "ssn_crypt sees the other module through one header" "$(
	includes '["<].*qkd' $(files 'kernel/ssn_crypt/*.[ch]') |
	grep -vE '<linux/qkd_keyring\.h>|<(uapi/)?linux/qkd_genl\.h>')"
none "pure files include types and string only" "$(
	includes '' $(files kernel/ssn_crypt/{gf256,shamir,kurihara,amd,tag,pad}*.[ch]) |
	grep -vE '<(linux/(types|string|unaligned|limits|errno)|immintrin)\.h>|"(gf256|shamir|kurihara|amd|tag|pad|simd)[a-z0-9_]*\.h"')"
none "the library knows no daemon" "$(
	includes '["<].*/' $(files 'user/lib/*.[ch]') | grep -F '"' )"
none "programs do not know each other" "$(
	includes '"\.\./' $(files 'user/*.[ch]') | grep -vF '"../lib/')"
none "ssnctl's commands see cmd.h and the library" "$(
	includes '"' $(files 'user/ssnctl/*.c') | while IFS= read -r line; do
		h=${line#*\"}
		h=${h%%\"*}
		[ -e "user/lib/$h" ] || [ -e "kernel/ssn_crypt/$h" ] ||
			[ -e "user/ssnctl/$h" ] || echo "$line"
	done)"
none "version differences are in kernel/compat only" "$(
	search 'LINUX_VERSION_CODE|KERNEL_VERSION' $(files 'kernel/*.[ch]' 'include/*.h') |
	grep -v '^kernel/compat/')"
# (headers: the pause between two looks at the condition is there)
none "tests wait on conditions, they do not sleep" "$(
	search '(^|[^_[:alnum:]"])(u|nano|m)?sleep *[(0-9]' \
		$(files 'selftests/kernel/*' 'selftests/topology/*' \
			'selftests/unit/*' | grep -v '\.h$'))"
none "no path of one machine" "$(
	search '/(home|root|wor[k])/[a-z.]' $(files '*' | grep -v '^LICENSE'))"
none "nothing is left to do in the code" "$(
	search '(^|[^[:alnum:]_])(TODO|FIXME|XXX)([^[:alnum:]_]|$)' \
		$(files '*.[chS]'))"
}

too_long()
{
	files '*.[ch]' | grep -vE '/netlink_gen\.|_genl\.h$|^selftests/' | while read -r f; do
		[ "$(wc -l < "$f")" -le 600 ] || wc -l "$f"
	done
}
none "no C file but a test is longer than 600 lines" "$(too_long)"

broken_scripts()
{
	files '*' | while read -r f; do
		case $(head -n 1 "$f" | tr -d '\0') in
		'#!/bin/bash'*|'#!/bin/sh'*) bash -n "$f" 2>&1 ;;
		esac
	done
}
none "shell scripts can be read by the shell" "$(broken_scripts)"

stale_mutations()
{
	local f test known

	known=$'\n'$(selftests/run --list)$'\n'
	for f in $(files 'selftests/mutations/*.patch'); do
		grep -q '^# what: .' "$f" || echo "$f: no '# what:'"
		test=$(sed -n 's/^# caught-by: *//p' "$f")
		case $known in
		*$'\n'"$test"$'\n'*|*$'\n'"uml-debug/$test"$'\n'*)
			;;
		*)	selftests/run --resolve "$test" >/dev/null 2>&1 ||
				echo "$f: there is no test '$test'"
			;;
		esac
		patch --dry-run -s -f -p1 < "$f" >/dev/null 2>&1 ||
			echo "$f: does not apply any more"
	done
}
none "every mutation applies and names its test" "$(stale_mutations)"

tap_done
