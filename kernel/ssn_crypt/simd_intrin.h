/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The compiler's own vector types and operations, for the pure files. They need
 * no library; what allocates by malloc() is left out, as the kernel has none.
 */
#ifndef _SSN_SIMD_INTRIN_H
#define _SSN_SIMD_INTRIN_H

#ifdef __KERNEL__
#define _MM_MALLOC_H_INCLUDED
#define __MM_MALLOC_H
#endif
#include <immintrin.h>

#endif /* _SSN_SIMD_INTRIN_H */
