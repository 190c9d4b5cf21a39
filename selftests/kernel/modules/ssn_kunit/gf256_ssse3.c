// SPDX-License-Identifier: GPL-2.0
/* A vector variant once more, for the suites. */
#include "../../../../kernel/ssn_crypt/gf256_ssse3.c"
