/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The policy on a share: who may hold it, who may read it, how few may know it,
 * how long it stays. Owner and SSA both signed it, and every shareholder checks
 * it itself (PROTOCOL 4).
 */
#ifndef SHAREHOLDERD_POLICY_H
#define SHAREHOLDERD_POLICY_H

#include <jansson.h>
#include <stdint.h>

#include "config.h"
#include "network.h"
#include "pki.h"
#include "record.h"

#define POLICY_NODES_MAX	1024

struct policy {
	uint8_t object[16];
	uint32_t version;
	uint32_t owner, ssa;		/* node ids */
	uint32_t group, generation;
	uint32_t *node, *reader;	/* owned */
	size_t nodes, readers;
	unsigned int min_k;
	int64_t retain_until;		/* seconds since 1970; 0: not at all */
};

/* What @text says, signed or not. -EINVAL with @err naming what is wrong. */
int policy_parse(const char *text, struct policy *p, struct err *err);
void policy_free(struct policy *p);

/*
 * Did owner and SSA of the policy in @rec sign it, and does it speak of the
 * object and version of @rec? -EACCES: no, and @err says why. On success @p is
 * the caller's to policy_free(). Of a record that comes in, both certificates
 * have to be valid today; _stored: of one that was kept they may have expired.
 */
int policy_verify(const struct record *rec, struct pki *pki, const char *domain,
		  struct policy *p, struct err *err);
int policy_verify_stored(const struct record *rec, struct pki *pki,
			 const char *domain, struct policy *p, struct err *err);

/* May @self hold a share of @group under the policy? -EACCES. */
int policy_admits(const struct policy *p, uint32_t self,
		  const struct network_group *group, struct err *err);
int policy_may_read(const struct policy *p, uint32_t node, struct err *err);

/*
 * May it go, at the time @now? @sig is the owner's signature over "delete OBJECT
 * VERSION", @cert his certificate. -EACCES.
 */
int policy_may_delete(const struct policy *p, struct pki *pki,
		      const char *domain, const char *cert, const char *sig,
		      int64_t now, struct err *err);

#endif
