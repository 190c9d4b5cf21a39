/* SPDX-License-Identifier: GPL-2.0 */
/* Generic netlink to the two modules, over libmnl. */
#ifndef SSN_NL_H
#define SSN_NL_H

#include <libmnl/libmnl.h>
#include <linux/qkd_genl.h>
#include <linux/ssn_genl.h>
#include <stdint.h>
#include "config.h"

/*
 * One family ("qkd" or "ssn") in the network namespace that the caller was in
 * at nl_open(). Events come on a socket of their own, so that requests may be
 * made at any time, in an event's callback too. Not for two threads at once.
 */
struct nl;

/* -ENOENT: the module is not loaded. @err may be NULL everywhere here. */
int nl_open(struct nl **nl, const char *family, struct err *err);
void nl_close(struct nl *nl);
int nl_fd(const struct nl *nl);	/* of the events: readable when there are some */

/*
 * Begin a request in the socket's own buffer of NL_REQUEST_MAX bytes; add
 * attributes with mnl_attr_put*; nl_do() sends it, calls @cb (may be NULL) for
 * each reply and returns 0 or the kernel's -errno with the extended
 * acknowledgement's text, the attribute's name and what to do next in @err.
 * -EINTR: a dump's table changed while it was read, and @cb may have missed or
 * seen twice: begin again. A @cb that returns MNL_CB_ERROR ends it with -EIO, or
 * with -errno if it set that.
 */
#define NL_REQUEST_MAX	16384
struct nlmsghdr *nl_request(struct nl *nl, uint8_t cmd, int dump);
int nl_do(struct nl *nl, struct nlmsghdr *req, mnl_cb_t cb, void *arg, struct err *err);
const struct nlattr *const *nl_attrs(const struct nlmsghdr *nlh); /* by type, valid until next call */
/* The same for a nested attribute; has a table of its own. NULL: none are there. */
const struct nlattr *const *nl_nested(const struct nlattr *nest);
/* Value of an attribute of a table, or 0 when it is not there or is too short. */
uint32_t nl_u32(const struct nlattr *attr);
uint64_t nl_u64(const struct nlattr *attr);
uint8_t nl_cmd(const struct nlmsghdr *nlh);	/* QKD_CMD_*, SSN_CMD_* */

/* Join the family's multicast group "events"; then nl_read() calls @cb for each
 * event there is, and returns 0 or -errno (-ENOBUFS: events were lost). */
int nl_subscribe(struct nl *nl, struct err *err);
int nl_read(struct nl *nl, mnl_cb_t cb, void *arg);

struct nl_pool {
	uint32_t peer;
	enum qkd_dir dir;
	enum qkd_kind kind;
	uint64_t usable, pending, leased, spent, voided, low, largest, refused;
	uint32_t blocks;
};
/* Parse a pool-get reply or a pool event. */
void nl_pool_parse(const struct nlmsghdr *nlh, struct nl_pool *pool);
int nl_pool_get(struct nl *nl, uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		struct nl_pool *pool, struct err *err);

#endif
