/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How far a long transfer is, on stderr: a bar that is drawn over itself on a
 * terminal, otherwise a plain line every tenth or every ten seconds.
 *
 *	progress_begin(&p, "put", size, quiet);
 *	while (...)
 *		progress_at(&p, done, note);
 *	progress_end(&p);
 */
#ifndef SSN_PROGRESS_H
#define SSN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;	/* kept, not copied; no control characters */
	uint64_t total;		/* bytes */
	uint64_t begun;		/* monotonic ms */
	uint64_t shown;		/* the same, of the last output */
	unsigned int tenth;	/* the last that a plain line told */
	bool quiet;
	bool tty;
	bool drawn;		/* a bar stands in the current line */
};

void progress_begin(struct progress *p, const char *what, uint64_t total, bool quiet);
/* @note: what it waits for, or NULL; control characters are not printed. */
void progress_at(struct progress *p, uint64_t done, const char *note);
/* Wipe the bar: what comes next has the line for itself. */
void progress_end(struct progress *p);

/* The parts, for tests: 0..100, and a bar of @width characters and a NUL. */
unsigned int progress_percent(uint64_t done, uint64_t total);
void progress_bar(char *text, unsigned int width, unsigned int percent);

#endif
