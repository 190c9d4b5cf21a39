/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's kselftest_harness.h, as the installed linux-source-6.12 has it
 * (selftests/lib/kselftest), and the little that the programs here add to it.
 *
 * What a helper checks, it checks for the test that runs: it takes
 * struct __test_metadata *_metadata, as the harness's macros want it. Behind an
 * EXPECT stands what was expected, in words: TH_LOG() says it when it fails.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

/*
 * It is the runner's to say how long a program may take ("timeout:" at its top):
 * the harness's 30 seconds for a test are few in a debug kernel on a busy machine.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 3600

#define diag(fmt, ...) ksft_print_msg(fmt "\n", ##__VA_ARGS__)

/* bail(why, ...) - ends a test whose preparations failed: a failure */
#define bail(fmt, ...) do {						\
	fprintf(stderr, "# %s:%d: " fmt "\n", __FILE__, __LINE__,	\
		##__VA_ARGS__);						\
	exit(KSFT_FAIL);						\
} while (0)

/* The errno of a call that gave @ret, or 0 */
static inline int error_of(long ret)
{
	return ret < 0 ? errno : 0;
}

/* A number from the environment, for who wants another one than usual */
static inline unsigned long long setting(const char *name,
					 unsigned long long usual)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : usual;
}

/* Before main(): without root and both modules nothing here can be tested */
static void __attribute__((constructor)) harness_needs(void)
{
	if (geteuid())
		ksft_exit_skip("only root can do this; in a guest: tools/vm/run "
			       "--kernel=uml --modules -- make -C selftests run_tests\n");
	if (access("/sys/module/ssn_crypt", F_OK))
		ksft_exit_skip("ssn_crypt is not loaded; in a guest it is: tools/vm/run "
			       "--kernel=uml --modules -- make -C selftests run_tests\n");
}

#endif
