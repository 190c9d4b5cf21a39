/* SPDX-License-Identifier: GPL-2.0 */
/* Generic netlink family "ssn": configuration, state, events. */
#ifndef _SSN_NETLINK_H
#define _SSN_NETLINK_H

#include <linux/types.h>
#include <uapi/linux/ssn_genl.h>

struct ssn_conn;
struct ssn_net;

int ssn_nl_init(void);
void ssn_nl_exit(void);

/* Context: process, may sleep. Nobody listening is no error. */
void ssn_nl_event(struct ssn_net *sn, u32 peer, u16 service, u32 group,
		  enum ssn_event event, int err);
void ssn_nl_conn_event(struct ssn_conn *conn, enum ssn_event event, int err);

#endif /* _SSN_NETLINK_H */
