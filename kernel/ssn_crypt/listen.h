/* SPDX-License-Identifier: GPL-2.0 */
/* The gate: connections coming in, before they are verified. */
#ifndef _SSN_LISTEN_H
#define _SSN_LISTEN_H

#include <linux/socket.h>

struct ssn_conn;
struct ssn_gate;
struct ssn_net;

/*
 * Who takes verified connections: the link sockets. Returns enum
 * ssn_wire_status; SSN_WIRE_OK means that the service will take @conn when
 * it is given to ssn_link_deliver().
 */
u8 ssn_link_offer(struct ssn_net *sn, u16 service);
int ssn_link_deliver(struct ssn_net *sn, struct ssn_conn *conn);

struct ssn_gate *ssn_gate_open(struct ssn_net *sn,
			       const struct sockaddr_storage *addr);
void ssn_gate_close(struct ssn_gate *gate);

#endif /* _SSN_LISTEN_H */
