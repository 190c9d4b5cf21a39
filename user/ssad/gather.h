/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading segments back. First k members are asked and the kernel combines;
 * where that does not verify, or they hold different deals, all are asked for
 * their shares as they are, and subsets of k are tried (solve.h): liars are
 * named, and not asked again by this job.
 *
 * Memory: the caller's segment; while liars are looked for, one share of it from
 * every member besides.
 */
#ifndef SSAD_GATHER_H
#define SSAD_GATHER_H

#include <stdbool.h>
#include <stdint.h>
#include "dealer.h"
#include "segment.h"

#define GATHER_RATE	65536U

struct gather {
	const struct network *net;
	const struct network_group *group;
	unsigned int timeout_ms;
	struct reservation *reserved;	/* the job's; may be NULL */
	struct dealer *d;
	uint64_t req;
	unsigned int retried;		/* segments that took more than one try */
	bool avoid[256];		/* by x: not to be asked first */
	bool liar[256];			/* by x */
	uint64_t received;		/* payload bytes of data */
	/* does nobody wait for what is read any more? May be NULL */
	bool (*gone)(void *arg);
	void *arg;
};

void gather_init(struct gather *g, const struct network *net,
		 const struct network_group *group, unsigned int timeout_ms);
void gather_free(struct gather *g);
/* Connect, with at least k members. */
int gather_open(struct gather *g, struct err *err);
/* What is received from now on is of this reservation; not owned. */
void gather_charge(struct gather *g, struct reservation *reserved);

/**
 * gather_segment - one segment, verified
 * @id:		which
 * @epoch:	its epoch
 * @buf:	where m || r || t goes
 * @size:	room there; an answer that is longer is refused
 * @len:	bytes of m
 *
 * A member has the dealer's time for its answer, and again for its share, which
 * gets longer only by what has come of that: GATHER_RATE bytes a second at least.
 *
 * Returns 0; -EHOSTUNREACH when fewer than k members gave a share; -EBADMSG when
 * no k shares verify; -ECANCELED when gone() says so; another -errno.
 */
int gather_segment(struct gather *g, const struct segment_id *id, uint64_t epoch,
		   uint8_t *buf, size_t size, size_t *len, struct err *err);

#endif
