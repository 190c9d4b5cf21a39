// SPDX-License-Identifier: GPL-2.0
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "util.h"

#define BAR_WIDTH	30
#define DRAW_MS		100
#define LINE_MS		10000
#define NOTE_MAX	120

unsigned int progress_percent(uint64_t done, uint64_t total)
{
	if (!total || done >= total)
		return 100;
	/* no overflow, and never 100 before the end */
	return total > UINT64_MAX / 100 ? done / (total / 100) : done * 100 / total;
}

void progress_bar(char *text, unsigned int width, unsigned int percent)
{
	unsigned int full = width * percent / 100, i;

	for (i = 0; i < width; i++)
		text[i] = i < full ? '#' : '.';
	text[width] = 0;
}

void progress_begin(struct progress *p, const char *what, uint64_t total, bool quiet)
{
	memset(p, 0, sizeof(*p));
	p->what = what;
	p->total = total;
	p->quiet = quiet;
	p->tty = isatty(STDERR_FILENO);
	p->begun = monotonic_ms();
}

static void note_copy(char *to, const char *note)
{
	size_t i;

	for (i = 0; note && note[i] && i < NOTE_MAX; i++)
		to[i] = note[i] < ' ' || note[i] == 127 ? '?' : note[i];
	to[i] = 0;
}

void progress_at(struct progress *p, uint64_t done, const char *note)
{
	unsigned int percent = progress_percent(done, p->total);
	char bar[BAR_WIDTH + 1], have[24], all[24], rate[24], why[NOTE_MAX + 1];
	uint64_t now = monotonic_ms();

	if (p->quiet)
		return;
	note_copy(why, note);
	out_human(done, have);
	out_human(p->total, all);
	out_human(now > p->begun ? done * 1000 / (now - p->begun) : 0, rate);
	if (p->tty) {
		if (p->drawn && now - p->shown < DRAW_MS && done < p->total)
			return;
		progress_bar(bar, BAR_WIDTH, percent);
		fprintf(stderr, "\r\033[K%s [%s] %3u%% %s of %s, %s/s%s%s", p->what,
			bar, percent, have, all, rate, *why ? ", " : "", why);
		p->drawn = true;
	} else {
		if (percent / 10 <= p->tenth && now - p->shown < LINE_MS)
			return;
		if (!p->shown && percent < 10 && now - p->begun < LINE_MS)
			return;
		p->tenth = percent / 10;
		fprintf(stderr, "%s: %u%%, %s of %s, %s/s%s%s\n", p->what, percent,
			have, all, rate, *why ? ", " : "", why);
	}
	p->shown = now;
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}
