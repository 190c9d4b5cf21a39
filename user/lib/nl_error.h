/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel had against a request, in words. */
#ifndef SSN_NL_ERROR_H
#define SSN_NL_ERROR_H

#include <linux/netlink.h>
#include "config.h"

/* The module that has the netlink family. */
const char *nl_module(const char *family);

/**
 * nl_error - put the kernel's refusal into words
 * @family:	"qkd" or "ssn"
 * @req:	the request as it was sent
 * @ack:	NLMSG_ERROR or NLMSG_DONE
 * @code:	negative errno in @ack
 * @err:	gets the kernel's own text if there is one, the attribute that it
 *		points at with the value range that is allowed, and what to do
 *
 * Return: @code.
 */
int nl_error(const char *family, const struct nlmsghdr *req,
	     const struct nlmsghdr *ack, int code, struct err *err);

#endif
