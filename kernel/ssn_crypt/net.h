/* SPDX-License-Identifier: GPL-2.0 */
/* What ssn_crypt keeps for one network namespace. */
#ifndef _SSN_NET_H
#define _SSN_NET_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/seqlock.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/ssn.h>
#include <net/net_namespace.h>
#include "stats.h"

struct ctl_table_header;
struct ssn_gate;

/**
 * struct ssn_net - AF_SSN in one network namespace
 * @net:	the namespace; its pernet exit waits for everything in here
 * @config:	serialises changes of node, peers and groups
 * @dying:	the namespace goes away: nothing new begins
 * @node:	own node id, 0 before it is set; written under @config
 * @role:	enum ssn_role; likewise
 * @addr:	where it listens; under @config
 * @gate:	the listening end, or NULL; under @config
 * @peers:	struct ssn_peer by node id
 * @groups:	struct ssn_group by group id
 * @services:	listening struct link_sock by service
 * @conns:	struct ssn_conn by number, a reference held for each
 * @nconns:	connections that are not yet taken apart
 * @idle:	woken when @nconns falls to 0
 * @stats:	counters of the namespace
 * @sysctl:	net.ssn
 * @range:	groups that may create sockets
 * @range_lock:	protects @range
 */
struct ssn_net {
	struct net		*net;
	struct mutex		config;
	bool			dying;
	u32			node;
	u8			role;
	struct sockaddr_storage	addr;
	struct ssn_gate		*gate;
	struct xarray		peers;
	struct xarray		groups;
	struct xarray		services;
	struct xarray		conns;
	atomic_t		nconns;
	wait_queue_head_t	idle;
	struct ssn_stats	stats;
	struct ctl_table_header	*sysctl;
	kgid_t			range[2];
	seqlock_t		range_lock;
};

extern struct workqueue_struct *ssn_wq;

struct ssn_net *ssn_net(const struct net *net);
int ssn_net_init(void);
void ssn_net_exit(void);

#endif /* _SSN_NET_H */
