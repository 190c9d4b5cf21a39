/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Vector registers, for the pure files: what the processor has, and when they
 * may be used. The one header of theirs that knows the kernel from user space.
 */
#ifndef _SSN_SIMD_H
#define _SSN_SIMD_H

#include <linux/types.h>

#define SIMD_SSSE3	1U
#define SIMD_AVX2	2U
#define SIMD_AVX512	4U	/* F, BW and VL */
#define SIMD_GFNI	8U

#ifdef __x86_64__

static inline void simd_cpuid(u32 leaf, u32 reg[4])
{
	__asm__ __volatile__("cpuid" : "=a" (reg[0]), "=b" (reg[1]),
			     "=c" (reg[2]), "=d" (reg[3])
			     : "0" (leaf), "2" (0));
}

/* Registers that the operating system saves for whoever uses them: XCR0 */
static inline u32 simd_saved(void)
{
	u32 low, high;

	__asm__ __volatile__("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	return low;
}

/**
 * simd_features - SIMD_* that this machine has and whose registers are saved
 *
 * Any context. Slow where a hypervisor answers CPUID: ask once.
 */
static inline unsigned int simd_features(void)
{
	unsigned int found = 0;
	u32 reg[4], saved;

	simd_cpuid(0, reg);
	if (reg[0] < 7)
		return 0;
	simd_cpuid(1, reg);
	if (reg[2] >> 9 & 1)
		found |= SIMD_SSSE3;
	if (!(reg[2] >> 27 & 1))
		return found;
	saved = simd_saved();
	simd_cpuid(7, reg);
	if ((saved & 0x06) == 0x06 && reg[1] >> 5 & 1)
		found |= SIMD_AVX2;
	if ((saved & 0xe6) == 0xe6 && reg[1] >> 16 & 1 && reg[1] >> 30 & 1 &&
	    reg[1] >> 31 & 1)
		found |= SIMD_AVX512;
	if (reg[2] >> 8 & 1)
		found |= SIMD_GFNI;
	return found;
}

#else

static inline unsigned int simd_features(void)
{
	return 0;
}

#endif

/* Whether all of @want are there */
static inline bool simd_has(unsigned int want)
{
	return (simd_features() & want) == want;
}

/*
 * simd_begin() - whether vector registers may be used until simd_end(), which is
 * called only if so. In the kernel nothing sleeps in between, and nothing else is
 * scheduled: at most SIMD_SECTION bytes are read and written there.
 */
#ifndef __KERNEL__
#define SIMD_SECTION	(~0UL)

static inline bool simd_begin(void)
{
	return true;
}

static inline void simd_end(void)
{
}
#else
#define SIMD_SECTION	65536UL

#ifdef __x86_64__
#include <asm/fpu/api.h>
#include <asm/simd.h>

static inline bool simd_begin(void)
{
	if (!may_use_simd())
		return false;
	kernel_fpu_begin();
	return true;
}

static inline void simd_end(void)
{
	kernel_fpu_end();
}
#else
static inline bool simd_begin(void)
{
	return false;
}

static inline void simd_end(void)
{
}
#endif
#endif

#endif /* _SSN_SIMD_H */
