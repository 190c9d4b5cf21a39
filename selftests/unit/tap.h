/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TAP (Test Anything Protocol) for test programs in C.
 *
 *	#include "tap.h"
 *
 *	int main(void)
 *	{
 *		tap_plan(3);
 *		ok(1 + 1 == 2, "sums");
 *		is_int(f(3), 4, "f(%d)", 3);
 *		if (!have_avx2())
 *			skip("AVX2 multiply", "this CPU has no AVX2");
 *		else
 *			is_mem(a, b, 64, "AVX2 multiply");
 *		return tap_done();
 *	}
 *
 * Each check prints one line "ok N - name" or "not ok N - name", and says on
 * "# " lines where it failed and what it saw. The plan may also come last:
 * without tap_plan(), tap_done() prints it. A program that ends before
 * tap_done(), or ran fewer checks than it planned, is a failure to the runner.
 * All checks return whether they passed, so that a test can stop early.
 * A check may be called from one thread only.
 */
#ifndef SELFTESTS_TAP_H
#define SELFTESTS_TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct {
	unsigned int planned, run, failed;
} tap_state;

/* tap_plan() - says that @n checks will follow */
static inline void tap_plan(unsigned int n)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	tap_state.planned = n;
	printf("1..%u\n", n);
}

__attribute__((format(printf, 1, 2)))
static inline void diag(const char *fmt, ...)
{
	char text[1024], *line, *rest = text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	while ((line = strsep(&rest, "\n")))
		printf("# %s\n", line);
}

__attribute__((format(printf, 4, 0)))
static inline bool tap_vok(bool pass, const char *file, int line,
			   const char *fmt, va_list ap)
{
	char name[256], *c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	vsnprintf(name, sizeof(name), fmt, ap);
	for (c = name; *c; c++)		/* both would end the name */
		if (*c == '#' || *c == '\n')
			*c = ' ';
	printf("%sok %u - %s\n", pass ? "" : "not ", ++tap_state.run, name);
	if (!pass) {
		tap_state.failed++;
		diag("failed at %s:%d", file, line);
	}
	return pass;
}

__attribute__((format(printf, 4, 5)))
static inline bool tap_ok(bool pass, const char *file, int line,
			  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_vok(pass, file, line, fmt, ap);
	va_end(ap);
	return pass;
}

/* ok(cond, name, ...) - passes if @cond holds; the name is a printf format */
#define ok(cond, ...) tap_ok(!!(cond), __FILE__, __LINE__, __VA_ARGS__)

/* is_int(got, want, name, ...) - passes if both integers are equal */
#define is_int(got, want, ...) ({					\
	long long tap_got = (got), tap_want = (want);			\
	bool tap_pass = ok(tap_got == tap_want, __VA_ARGS__);		\
	if (!tap_pass)							\
		diag("got %lld, want %lld", tap_got, tap_want);		\
	tap_pass;							\
})

/*
 * is_errno(ret, err, name, ...) - passes if the call that gave @ret failed
 * (ret < 0) with errno @err
 */
#define is_errno(ret, err, ...) ({					\
	long long tap_ret = (ret);					\
	int tap_errno = errno, tap_err = (err);				\
	bool tap_pass = ok(tap_ret < 0 && tap_errno == tap_err,		\
			   __VA_ARGS__);				\
	if (!tap_pass)							\
		diag("got %lld (%s), want -1 (%s)", tap_ret,		\
		     tap_ret < 0 ? strerror(tap_errno) : "success",	\
		     strerror(tap_err));				\
	tap_pass;							\
})

/* is_str(got, want, name, ...) - passes if both strings are equal */
#define is_str(got, want, ...) ({					\
	const char *tap_got = (got), *tap_want = (want);		\
	bool tap_pass = ok(tap_got && tap_want &&			\
			   !strcmp(tap_got, tap_want), __VA_ARGS__);	\
	if (!tap_pass)							\
		diag("got \"%s\", want \"%s\"",				\
		     tap_got ?: "(null)", tap_want ?: "(null)");	\
	tap_pass;							\
})

/* is_mem(got, want, len, name, ...) - passes if @len bytes are equal */
#define is_mem(got, want, len, ...) ({					\
	const unsigned char *tap_got = (const void *)(got);		\
	const unsigned char *tap_want = (const void *)(want);		\
	size_t tap_i = 0, tap_len = (len);				\
	while (tap_i < tap_len && tap_got[tap_i] == tap_want[tap_i])	\
		tap_i++;						\
	bool tap_pass = ok(tap_i == tap_len, __VA_ARGS__);		\
	if (!tap_pass)							\
		diag("byte %zu of %zu: got %02x, want %02x", tap_i,	\
		     tap_len, tap_got[tap_i], tap_want[tap_i]);		\
	tap_pass;							\
})

/* skip(name, why) - counts one check as skipped, for the reason @why */
static inline void skip(const char *name, const char *why)
{
	printf("ok %u - %s # SKIP %s\n", ++tap_state.run, name, why);
}

/* skip_all(why) - ends a program that cannot run here at all */
static inline void skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	exit(0);
}

/* bail(why, ...) - ends a program whose preparations failed: a failure */
__attribute__((format(printf, 1, 2), noreturn))
static inline void bail(const char *fmt, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

/*
 * wait_for(seconds, cond) - true as soon as @cond is, false if it is not within
 * @seconds; tests do not sleep for a time that is hoped to be enough
 */
#define wait_for(seconds, cond) ({					\
	struct timespec tap_now, tap_end, tap_nap = { 0, 10000000 };	\
	bool tap_true;							\
	clock_gettime(CLOCK_MONOTONIC, &tap_end);			\
	tap_end.tv_sec += (seconds);					\
	while (!(tap_true = !!(cond))) {				\
		clock_gettime(CLOCK_MONOTONIC, &tap_now);		\
		if (tap_now.tv_sec > tap_end.tv_sec ||			\
		    (tap_now.tv_sec == tap_end.tv_sec &&		\
		     tap_now.tv_nsec >= tap_end.tv_nsec))		\
			break;						\
		nanosleep(&tap_nap, NULL);				\
	}								\
	tap_true;							\
})

/* tap_done() - what main() returns: 0 only if all planned checks passed */
static inline int tap_done(void)
{
	if (!tap_state.planned)
		tap_plan(tap_state.run);
	if (tap_state.run != tap_state.planned)
		diag("planned %u checks, ran %u", tap_state.planned,
		     tap_state.run);
	if (tap_state.failed)
		diag("%u of %u failed", tap_state.failed, tap_state.run);
	fflush(stdout);
	return tap_state.failed || tap_state.run != tap_state.planned;
}

#endif
