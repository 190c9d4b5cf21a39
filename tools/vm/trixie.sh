# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# trixie.sh: packages of Debian's suite trixie by apt, into a folder of their own:
# nothing of them is installed. To be sourced; who does says in DIR/sources.list
# where they come from and which keys they must be signed by.

# The first that apt knows for Debian itself, and not for its updates only.
trixie_mirror()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' \
		'Created-By: Packages' |
		awk '$1 == "Debian" && $2 == "Debian" && $3 !~ /^cdrom:/ {
			print $3
			exit
		}'
}

trixie_folders() # DIR
{
	mkdir -p "$1/lists/partial" "$1/archives/partial"
	: > "$1/status"
}

trixie_apt() # DIR COMMAND ARGUMENT...
{
	local dir=$1 name=$2

	shift 2
	"$name" -q -y -o Dir::State="$dir" -o Dir::State::status="$dir/status" \
		-o Dir::Cache="$dir" -o Dir::Etc::sourcelist="$dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null -o APT::Architecture=amd64 \
		-o APT::Sandbox::User=root -o Acquire::Languages=none \
		-o APT::Update::Error-Mode=any -o Debug::NoLocking=1 "$@"
}
