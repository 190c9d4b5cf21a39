/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of a vector variant. Its file says first what a register is:
 *
 *	TARGET		attribute of functions that use it
 *	INLINE		of those that must be part of their caller
 *	WIDTH		bytes in it
 *	vec		its type
 *	struct factor	a constant, as times() wants it
 *	factor(c), times(v, f), sum(v, v), load(p), store(p, v)
 *	tail(row, from, to)	less than a register at the end
 *
 * Each number of products and of other terms has a loop of its own, in which
 * the constants stay in registers.
 */
INLINE void row_loop(const struct gf256_row *row, size_t from, size_t to,
		     unsigned int muls, unsigned int adds)
{
	struct factor f[GF256_TERMS];
	const u8 *mul[GF256_TERMS], *add[GF256_TERMS];
	u8 *out = row->out;
	unsigned int i;
	vec v;

#pragma GCC unroll 4
	for (i = 0; i < muls; i++) {
		f[i] = factor(row->c[i]);
		mul[i] = row->mul[i];
	}
#pragma GCC unroll 4
	for (i = 0; i < adds; i++)
		add[i] = row->add[i];
	for (; to - from >= WIDTH; from += WIDTH) {
		v = muls ? times(load(mul[0] + from), f[0]) :
			   load(add[0] + from);
#pragma GCC unroll 4
		for (i = 1; i < muls; i++)
			v = sum(v, times(load(mul[i] + from), f[i]));
#pragma GCC unroll 4
		for (i = !muls; i < adds; i++)
			v = sum(v, load(add[i] + from));
		store(out + from, v);
	}
	if (from < to)
		tail(row, from, to);
}

#define ROW(m, a)							\
static TARGET void row_##m##_##a(const struct gf256_row *row, size_t from, \
				 size_t to)				\
{									\
	row_loop(row, from, to, m, a);					\
}
#define ROWS(m)	ROW(m, 0) ROW(m, 1) ROW(m, 2) ROW(m, 3) ROW(m, 4)
#define NAMES(m) { row_##m##_0, row_##m##_1, row_##m##_2, row_##m##_3, \
		   row_##m##_4 }

ROW(0, 1) ROW(0, 2) ROW(0, 3) ROW(0, 4)
ROWS(1) ROWS(2) ROWS(3) ROWS(4)

static void (*const rows[][GF256_TERMS + 1])(const struct gf256_row *, size_t,
					     size_t) = {
	{ NULL, row_0_1, row_0_2, row_0_3, row_0_4 },
	NAMES(1), NAMES(2), NAMES(3), NAMES(4),
};

static void row(const struct gf256_row *row, size_t from, size_t to)
{
	rows[row->muls][row->adds](row, from, to);
}
