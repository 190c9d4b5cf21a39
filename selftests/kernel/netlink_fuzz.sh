#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml-debug
# timeout: 300
#
# Netlink requests that are nearly right, made from the specs: see netlink.py.
# FUZZ_ROUNDS and FUZZ_SEED for longer ones, and others.
exec python3 "$(dirname "$0")/../fuzz/netlink.py" "${FUZZ_ROUNDS:-1500}" \
	"${FUZZ_SEED:-3808}"
