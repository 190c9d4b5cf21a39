# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# A guest of User-Mode Linux, for run: prepare_guest sets guest_argv.

prepare_guest()
{
	local uml cpu

	uml=$("$here/uml-build" "$kernel") || return 1
	cp "$here/uml-init" "$out/uml-init"
	chmod +x "$out/uml-init" "$out/guest-init"
	# One CPU for the kernel and the processes that it traces: several times
	# the speed, and little noise.
	cpu=${SSN_UML_CPU:-$(($$ % $(nproc)))}
	guest_stderr=$out/console.log
	guest_argv=(taskset -c "$cpu" "$uml/linux" umid=uml "uml_dir=$out/"
		"mem=${mem}M" rootfstype=hostfs rootflags=/ ro
		"init=$out/uml-init" "uml_out=$out" ssn_guest
		con=null con0=null,fd:2 ssl=null
		ssl0=null,fd:1 loglevel=5 log_buf_len=2M
		panic=-1 oops=panic kasan_multi_shot kunit.enable=1 $append)
	[ -z "$tty" ] || guest_argv=("${guest_argv[@]/ssl0=*/ssl0=fd:0,fd:1}")
}
