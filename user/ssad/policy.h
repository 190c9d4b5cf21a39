/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The policy of an object: who may hold, read and for how long (PROTOCOL 4). A
 * JSON text, signed as it stands by the owner and by the SSA; shareholders check
 * it themselves.
 */
#ifndef SSAD_POLICY_H
#define SSAD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "config.h"
#include "util.h"

#define POLICY_NODES_MAX	255

struct policy {
	uint8_t object[UUID_BYTES];
	uint32_t version;
	uint32_t owner;
	uint32_t ssa;
	uint32_t group;
	uint32_t generation;
	uint32_t min_k;
	uint64_t retain_until;		/* seconds since 1970, or 0 */
	size_t nodes, readers;
	uint32_t node[POLICY_NODES_MAX];
	uint32_t reader[POLICY_NODES_MAX];
};

/* -EINVAL names the field that is missing or wrong. */
int policy_parse(const char *text, struct policy *p, struct err *err);
bool policy_holds(const struct policy *p, uint32_t node);
/* The owner may read too. */
bool policy_reads(const struct policy *p, uint32_t node);

#endif
