/* SPDX-License-Identifier: GPL-2.0 */
/* The table of all commands, for dispatch, help and completion. */
#ifndef SSNCTL_TABLE_H
#define SSNCTL_TABLE_H

#include <stddef.h>
#include "cmd.h"

/* Sorted by object and verb; verbs without an object come first. */
const struct cmd *const *table_all(size_t *count);

/* The object whose name is @word, or the only one that begins so; NULL: none,
 * or several, and then @several is one more that it could be. */
const char *table_object(const char *word, const char **several);

/* @object NULL: a verb of its own. Verbs are never abbreviated. */
const struct cmd *table_find(const char *object, const char *verb);

#endif
