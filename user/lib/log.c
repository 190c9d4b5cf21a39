// SPDX-License-Identifier: GPL-2.0
/* Messages of a daemon or tool: one line each, written with one system call. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *log_prog = "ssn";
static int log_journal;
static int log_verbose;

void log_open(const char *prog, int journal, int debug)
{
	log_prog = prog;
	log_journal = journal;
	log_verbose = debug;
}

/*
 * Text from a peer may be part of a message: whatever would begin a new line or
 * steer a terminal becomes a question mark.
 */
static void log_clean(char *text)
{
	unsigned char *c;

	for (c = (unsigned char *)text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
}

static void log_line(int priority, const char *fmt, va_list ap)
{
	char text[1024], line[1100];
	ssize_t ret;
	int len;

	vsnprintf(text, sizeof(text), fmt, ap);
	log_clean(text);
	if (log_journal)
		len = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		len = snprintf(line, sizeof(line), "%s: %s\n", log_prog, text);
	if ((size_t)len >= sizeof(line))
		len = sizeof(line) - 1;
	ret = write(STDERR_FILENO, line, len);
	(void)ret;	/* nowhere left to complain */
}

#define LOG_FUNCTION(name, priority)		\
void name(const char *fmt, ...)			\
{						\
	va_list ap;				\
						\
	va_start(ap, fmt);			\
	log_line(priority, fmt, ap);		\
	va_end(ap);				\
}

LOG_FUNCTION(log_err, 3)
LOG_FUNCTION(log_warn, 4)
LOG_FUNCTION(log_info, 6)

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!log_verbose)
		return;
	va_start(ap, fmt);
	log_line(7, fmt, ap);
	va_end(ap);
}
