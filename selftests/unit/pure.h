/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the suites of the pure files, which build in the kernel and in user space:
 * bytes to test with, vector registers, and memory that is secret.
 */
#ifndef SELFTESTS_PURE_H
#define SELFTESTS_PURE_H

#include <linux/types.h>

#ifdef __KERNEL__
#include <asm/fpu/api.h>
#else
#define kernel_fpu_begin()	((void)0)
#define kernel_fpu_end()	((void)0)
#endif

/*
 * secret() makes @len bytes such that valgrind reports every branch and every
 * address that depends on them, opened() ends that for what came out. Elsewhere
 * they do nothing.
 */
#if !defined(__KERNEL__) && __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define secret(p, len)	VALGRIND_MAKE_MEM_UNDEFINED(p, len)
#define opened(p, len)	VALGRIND_MAKE_MEM_DEFINED(p, len)
#else
#define secret(p, len)	((void)(p), (void)(len))
#define opened(p, len)	((void)(p), (void)(len))
#endif

/* Bytes that look random and are the same in each run: xorshift64* */
static u64 some_state = 0x9e3779b97f4a7c15ULL;

static inline u8 some_byte(void)
{
	some_state ^= some_state >> 12;
	some_state ^= some_state << 25;
	some_state ^= some_state >> 27;
	return (some_state * 0x2545f4914f6cdd1dULL) >> 56;
}

static inline void some_bytes(void *p, size_t len)
{
	u8 *byte = p;

	while (len--)
		*byte++ = some_byte();
}

#endif
