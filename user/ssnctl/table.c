// SPDX-License-Identifier: GPL-2.0
/* The table of all commands, made by the linker from their files. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "table.h"

extern const struct cmd *const __start_ssnctl_cmds[];
extern const struct cmd *const __stop_ssnctl_cmds[];

static int by_name(const void *a, const void *b)
{
	const struct cmd *x = *(const struct cmd *const *)a;
	const struct cmd *y = *(const struct cmd *const *)b;

	return strcmp(x->object ?: "", y->object ?: "") ?:
	       strcmp(x->verb, y->verb);
}

const struct cmd *const *table_all(size_t *count)
{
	static const struct cmd **sorted;
	size_t n = __stop_ssnctl_cmds - __start_ssnctl_cmds;

	*count = n;
	if (sorted)
		return sorted;
	sorted = calloc(n, sizeof(*sorted));
	if (!sorted)
		abort();
	memcpy(sorted, __start_ssnctl_cmds, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_name);
	return sorted;
}

const char *table_object(const char *word, const char **several)
{
	const struct cmd *const *cmd;
	const char *found = NULL;
	size_t n, i;

	*several = NULL;
	cmd = table_all(&n);
	for (i = 0; i < n; i++) {
		if (!cmd[i]->object || !*word ||
		    strncmp(cmd[i]->object, word, strlen(word)))
			continue;
		if (!strcmp(cmd[i]->object, word)) {
			*several = NULL;
			return cmd[i]->object;
		}
		if (found && strcmp(found, cmd[i]->object))
			*several = cmd[i]->object;
		else
			found = cmd[i]->object;
	}
	return *several ? NULL : found;
}

const struct cmd *table_find(const char *object, const char *verb)
{
	const struct cmd *const *cmd;
	size_t n, i;

	cmd = table_all(&n);
	for (i = 0; i < n; i++)
		if (!strcmp(cmd[i]->object ?: "", object ?: "") &&
		    !strcmp(cmd[i]->verb, verb))
			return cmd[i];
	return NULL;
}

static void complain(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("ssnctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	putc('\n', stderr);
}

int cmd_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return CMD_FAILED;
}

int cmd_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return CMD_USAGE;
}
