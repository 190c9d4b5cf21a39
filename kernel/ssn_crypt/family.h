/* SPDX-License-Identifier: GPL-2.0 */
/* The address family: its number, and who may create sockets. */
#ifndef _SSN_FAMILY_H
#define _SSN_FAMILY_H

struct net;
struct socket;
struct ssn_net;

extern int ssn_family;		/* the slot in use */

int ssn_family_init(void);
void ssn_family_exit(void);

int ssn_link_init(void);
void ssn_link_exit(void);
int ssn_link_create(struct net *net, struct socket *sock, int kern);

int ssn_sysctl_add(struct ssn_net *sn);
void ssn_sysctl_del(struct ssn_net *sn);

#endif /* _SSN_FAMILY_H */
