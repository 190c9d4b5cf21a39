/* SPDX-License-Identifier: GPL-2.0 */
/* One message on its way to the members of a share socket. */
#ifndef _SSN_SHARE_DEAL_H
#define _SSN_SHARE_DEAL_H

#include <linux/errno.h>
#include <linux/socket.h>
#include <linux/ssn.h>
#include <linux/types.h>
#include "conn.h"
#include "share.h"

/**
 * struct share_deal - one message on its way to the members
 * @head:	share head, but for x
 * @len:	bytes
 * @nr:		members it goes to
 * @to:		their numbers; with pad-as-share the first k - 1 of them adopt
 * @res:	window and pad held at each
 * @share:	what each gets; NULL once it was sent
 * @adopted:	members that were told to adopt: theirs cannot be taken back
 */
struct share_deal {
	struct ssn_share	head;
	u32			len;
	unsigned int		nr;
	u8			to[SSN_MEMBERS_MAX];
	struct ssn_reservation	res[SSN_MEMBERS_MAX];
	struct ssn_buf		*share[SSN_MEMBERS_MAX];
	unsigned int		adopted;
};

/* An error of a member, as the caller of sendmsg(2) is told it. */
static inline int share_member_error(int err)
{
	return err == -ENOBUFS || err == -ENOMEM ? err : -ECOMM;
}

u64 share_coeff_bytes(const struct share_sock *ss, u32 len);
int share_alloc(struct share_deal *d);
int share_fill(struct ssn_buf *buf, struct msghdr *msg);
int share_split(struct share_sock *ss, struct share_deal *d,
		struct msghdr *msg);

#endif /* _SSN_SHARE_DEAL_H */
