# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# lie.sh: shareholders that give wrong shares.

# Change a byte of the share, and make the holder's own digest right again, so
# that it is sent: what only the object's own code can find.
lie() # FILE
{
	local sum

	printf '\x5a' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 40000)) \
		conv=notrunc status=none
	sum=$({ tail -c +33 "$1" | head -c 64; head -c 96 "$1"
		head -c 32 /dev/zero; tail -c +129 "$1"; } | sha256sum | cut -c-64)
	# shellcheck disable=SC2059
	printf "$(sed 's/../\\x&/g' <<<"$sum")" |
		dd of="$1" bs=1 seek=96 conv=notrunc status=none
}
