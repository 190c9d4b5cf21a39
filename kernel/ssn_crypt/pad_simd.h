/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pad in vector registers, four at a time. The file of a variant says first
 * what a register is: INLINE, TARGET, vec, WIDTH, load(), store(), stream(),
 * sum(), zero(), and tail() for what is less than a register at the end.
 *
 * Lines that will be written are asked for early, to be owned when they are.
 */
#define AHEAD	512U

INLINE void own(const u8 *p)
{
	__asm__ __volatile__("prefetchw %0" : : "m" (*(p + AHEAD)));
}

INLINE void pad_loop(u8 *dst, const u8 *src, u8 *pad, size_t len, bool wipe,
		     bool past)
{
	size_t i, at;
	vec v[4];

	for (at = 0; len - at >= 4 * WIDTH; at += 4 * WIDTH) {
#pragma GCC unroll 4
		for (i = 0; i < 4 * WIDTH; i += 64) {
			if (!past)
				own(dst + at + i);
			if (wipe)
				own(pad + at + i);
		}
#pragma GCC unroll 4
		for (i = 0; i < 4; i++)
			v[i] = sum(load(src + at + i * WIDTH),
				   load(pad + at + i * WIDTH));
#pragma GCC unroll 4
		for (i = 0; i < 4; i++)
			if (past)
				stream(dst + at + i * WIDTH, v[i]);
			else
				store(dst + at + i * WIDTH, v[i]);
#pragma GCC unroll 4
		for (i = 0; wipe && i < 4; i++)
			store(pad + at + i * WIDTH, zero());
	}
	for (; len - at >= WIDTH; at += WIDTH) {
		store(dst + at, sum(load(src + at), load(pad + at)));
		if (wipe)
			store(pad + at, zero());
	}
	if (at < len)
		tail(dst + at, src + at, pad + at, len - at, wipe);
}

static TARGET void sum_all(u8 *dst, const u8 *src, const u8 *pad, size_t len)
{
	pad_loop(dst, src, (u8 *)pad, len, false, false);
}

static TARGET void wipe_all(u8 *dst, const u8 *src, u8 *pad, size_t len)
{
	pad_loop(dst, src, pad, len, true, false);
}

static TARGET void past_all(u8 *dst, const u8 *src, const u8 *pad, size_t len)
{
	pad_loop(dst, src, (u8 *)pad, len, false, true);
	_mm_sfence();
}
