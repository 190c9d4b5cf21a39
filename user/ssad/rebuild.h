/* SPDX-License-Identifier: GPL-2.0 */
/* The catalogue again, from what the shareholders hold. */
#ifndef SSAD_REBUILD_H
#define SSAD_REBUILD_H

#include <stdbool.h>

#include "ssad.h"

/**
 * struct rebuild_result - what a rebuild found
 * @objects:	in the catalogue now, and at k shareholders at least
 * @skipped:	that cannot be read, or are not whole
 * @committed:	jobs that turned out to be
 * @waiting:	jobs that some hold and not all, for repair
 * @complete:	every shareholder of every group answered
 */
struct rebuild_result {
	unsigned int objects, skipped, committed, waiting;
	bool complete;
};

/**
 * rebuild_run - one rebuild
 * @progress:	called with @arg after each object; an error ends it
 *
 * Groups of which fewer than k shareholders answer are passed over, and are an
 * error at the end. A complete one ends the loss. Another one that runs is waited
 * for.
 *
 * Returns 0; -EBUSY: another one runs, and for long; -EHOSTUNREACH naming who does
 * not answer; @progress's; another -errno.
 */
int rebuild_run(struct ssad *ssad, int (*progress)(unsigned int objects, void *arg),
		void *arg, struct rebuild_result *result, struct err *err);

#endif
