/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Jobs that stay pending: the coordinating SSA is asked what became of them
 * (PROTOCOL 4). No record there means abort.
 */
#ifndef SHAREHOLDERD_RESOLVE_H
#define SHAREHOLDERD_RESOLVE_H

#include <event2/event.h>

#include "exchange.h"

#define RESOLVE_JOBS	64	/* in one question */

/* One question to one coordinator. */
struct resolve_ask {
	uint32_t ssa;
	unsigned int count;
	uint8_t job[RESOLVE_JOBS][16];
};

/*
 * Collect up to RESOLVE_JOBS jobs of one coordinator that are pending for
 * @min_age seconds, from the job above @after on, which moves on to the last
 * one looked at, or back to "" behind the last of all. 0 or -errno.
 */
int resolve_collect(struct storage *st, unsigned int min_age,
		    char after[UUID_TEXT], struct resolve_ask *ask);
/* {"op":"outcome",...}, or NULL. */
json_t *resolve_question(const struct resolve_ask *ask);
/* Do what the answer says, for the jobs of @ask only; -EPROTO: it is no answer. */
int resolve_answer(struct exchange_env *env, const struct resolve_ask *ask,
		   const json_t *answer);

struct resolver;

/**
 * resolve_start - ask about every pending job now, then every @after seconds
 *	about those that are pending for so long
 */
int resolve_start(struct event_base *base, struct exchange_env *env,
		  unsigned int after, struct resolver **out, struct err *err);
void resolve_stop(struct resolver *r);

#endif
