/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of a namespace and of a peer: the spec's attribute set "counters". */
#ifndef _SSN_STATS_H
#define _SSN_STATS_H

#include <linux/atomic.h>
#include <uapi/linux/ssn_genl.h>

/* Indexed by attribute: SSN_A_COUNTERS_PAD + 1 .. SSN_A_COUNTERS_MAX */
struct ssn_stats {
	atomic64_t	c[SSN_A_COUNTERS_MAX + 1];
};

static inline void ssn_stats_add(struct ssn_stats *s, unsigned int what, u64 n)
{
	atomic64_add(n, &s->c[what]);
}

static inline u64 ssn_stats_read(const struct ssn_stats *s, unsigned int what)
{
	return atomic64_read(&s->c[what]);
}

struct net;

/* Count @n for the namespace, and for a node unless it is 0. Context: any. */
void ssn_count(struct net *net, u32 node, unsigned int what, u64 n);

#endif /* _SSN_STATS_H */
