# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# clear.sh: is anything of a secret there in clear? For files of random bytes, whose
# pieces are nowhere else by chance.
#
#	clear_pieces FILE		every piece of 16 bytes of it, as hex
#	clear_words WORD...		each as hex, and the hex of that
#	clear_seen PIECES PATH...	true if a file at or below PATH has one of the
#					pieces that the file PIECES lists; prints which

clear_hex() { od -An -v -tx1 "$@" | tr -d ' \n'; echo; }

clear_pieces()
{
	clear_hex "$1" | awk '{ for (i = 1; i + 31 <= length($0); i += 2) print substr($0, i, 32) }'
}

clear_words()
{
	local word hex

	for word; do
		hex=$(printf %s "$word" | clear_hex)
		echo "$hex"
		printf %s "$hex" | clear_hex
	done
}

clear_seen()
{
	local pieces=$1 file

	shift
	find "$@" -type f -print0 >"$pieces.files" || return 2
	while IFS= read -r -d '' file; do
		printf '%q\t' "$file"
		printf %s "$file" | clear_hex | tr '\n' ' '
		clear_hex "$file"
	done <"$pieces.files" | grep -Ff "$pieces" | cut -f 1 >"$pieces.seen"
	cat "$pieces.seen"
	[ -s "$pieces.seen" ]
}
