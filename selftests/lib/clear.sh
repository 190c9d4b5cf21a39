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

# The name of a file counts as well as what is in it.
clear_seen()
{
	local pieces=$1

	shift
	find "$@" -type f -print0 >"$pieces.files" || return 2
	perl -e '
		my ($pieces, $files) = @ARGV;
		my (%of, $seen);

		sub whole {
			open(my $f, "<:raw", $_[0]) or die "$_[0]: $!\n";
			local $/;
			return scalar(<$f>) // "";
		}

		sub has {
			my ($text) = @_;

			for my $n (keys %of) {
				if (keys %{$of{$n}} < 64) {
					index($text, $_) < 0 or return 1
						for keys %{$of{$n}};
					next;
				}
				exists $of{$n}{substr($text, $_, $n)} and return 1
					for 0 .. length($text) - $n;
			}
			return 0;
		}

		$of{length($_) / 2}{pack("H*", $_)} = 1 for split(/\n/, whole($pieces));
		%of or die "$pieces: no pieces\n";
		for (split(/\0/, whole($files))) {
			has($_) || has(whole($_)) or next;
			print "$_\n";
			$seen = 1;
		}
		exit !$seen' "$pieces" "$pieces.files" || return $(($? > 1 ? 2 : 1))
}
