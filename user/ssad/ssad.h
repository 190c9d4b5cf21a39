/* SPDX-License-Identifier: GPL-2.0 */
/* The agent as a whole: what all jobs share, made once at start. */
#ifndef SSAD_H
#define SSAD_H

#include <pthread.h>
#include <stdbool.h>
#include "catalogue.h"
#include "network.h"
#include "nl.h"
#include "pki.h"
#include "recovery.h"
#include "reserve.h"

struct ssad {
	struct network net;		/* read only */
	struct pki *pki;
	struct catalogue *cat;
	struct reserve *res;
	struct nl *qkd;			/* reserve's, under its lock */
	int coeff;			/* enum ssn_coeff, or 0: what the group can */
	uint32_t segment_bytes;
	unsigned int group_timeout_ms;
	unsigned int owner_timeout_ms;
	pthread_mutex_t rebuild;	/* one at a time */
	struct recovery recovery;
};

/* The configuration (Documentation/ssad.rst), without touching the kernel. */
int ssad_configure(struct ssad *ssad, const json_t *config, const char **data,
		   int *apply, struct err *err);
const char *ssad_node_name(uint32_t node, void *ssad);	/* "?" if unknown */
const char *coeff_name(int coeff);
/* Where the coefficients of a deal to @group come from */
int ssad_coeff(const struct ssad *ssad, const struct network_group *group);
int coeff_parse(const char *name);			/* or -EINVAL */

#endif
