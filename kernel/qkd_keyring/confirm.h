/* SPDX-License-Identifier: GPL-2.0 */
/* Both ends show each other that they hold the same block (PROTOCOL 1). */
#ifndef _QKD_CONFIRM_H
#define _QKD_CONFIRM_H

struct netlink_ext_ack;
struct qkd_block;
struct qkd_confirmation;

int qkd_confirm_own(struct qkd_block *block, struct qkd_confirmation *own,
		    struct netlink_ext_ack *extack);
int qkd_confirm_peer(struct qkd_block *block,
		     const struct qkd_confirmation *peer,
		     struct netlink_ext_ack *extack);

#endif /* _QKD_CONFIRM_H */
