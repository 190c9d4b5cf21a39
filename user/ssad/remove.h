/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SSAD_REMOVE_H
#define SSAD_REMOVE_H

#include "dealer.h"

/**
 * remove_version - have the members of @d delete one version of an object
 * @job:	UUID text
 * @sig:	the owner's, over "delete OBJECT VERSION"
 * @cert:	the owner's
 * @confirmed:	members that confirmed; n-k+1 of them prove the deletion
 *
 * Returns 0 or -errno of the socket. Members that do not confirm are out after.
 */
int remove_version(struct dealer *d, const char *job, const char *object,
		   uint32_t version, const char *sig, const char *cert,
		   unsigned int *confirmed);

#endif
