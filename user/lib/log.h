/* SPDX-License-Identifier: GPL-2.0 */
/* Messages of a daemon or tool: to stderr, with a priority the journal reads. */
#ifndef SSN_LOG_H
#define SSN_LOG_H

/**
 * log_open - name the program in its messages
 * @prog:	name; kept, not copied
 * @journal:	prefix each line with its priority ("<3>"), as systemd reads it
 * @debug:	print log_debug() messages too
 */
void log_open(const char *prog, int journal, int debug);

/* One line each, no newline at the end. Never key, pad or data bytes. */
void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
