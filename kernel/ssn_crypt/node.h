/* SPDX-License-Identifier: GPL-2.0 */
/* The own node of a namespace, and its gate. */
#ifndef _SSN_NODE_H
#define _SSN_NODE_H

#include <linux/socket.h>
#include <linux/types.h>

struct netlink_ext_ack;
struct nlattr;
struct ssn_net;

int ssn_node_set(struct ssn_net *sn, u32 id, u8 role,
		 const struct sockaddr_storage *addr,
		 struct netlink_ext_ack *extack);
void ssn_node_drop(struct ssn_net *sn);
int ssn_addr_parse(const struct nlattr *attr, struct sockaddr_storage *addr,
		   struct netlink_ext_ack *extack);
int ssn_addr_len(const struct sockaddr_storage *addr);

#endif /* _SSN_NODE_H */
