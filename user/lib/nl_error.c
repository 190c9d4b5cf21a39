// SPDX-License-Identifier: GPL-2.0
/* What the kernel had against a request, in words. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/qkd_genl.h>
#include <linux/ssn_genl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "nl_error.h"

/* --- names: those of Documentation/netlink/specs, by attribute type */

struct attrs {
	const char *const *name;
	unsigned int max;
	const struct attrs *nested;	/* of the only nest that is ever sent */
};

#define COUNT(x)	(sizeof(x) / sizeof(*(x)))
#define ATTRS(x, n)	{ .name = x, .max = COUNT(x) - 1, .nested = n }

static const char *const node_names[] = {
	[SSN_A_NODE_ID] = "id", [SSN_A_NODE_ROLE] = "role",
	[SSN_A_NODE_ADDR] = "addr",
};
static const char *const peer_names[] = {
	[SSN_A_PEER_ID] = "id", [SSN_A_PEER_ROLE] = "role",
	[SSN_A_PEER_ADDR] = "addr", [SSN_A_PEER_SUITE] = "suite",
	[SSN_A_PEER_FLAGS] = "flags",
};
static const char *const group_names[] = {
	[SSN_A_GROUP_ID] = "id", [SSN_A_GROUP_GENERATION] = "generation",
	[SSN_A_GROUP_SCHEME] = "scheme", [SSN_A_GROUP_K] = "k",
	[SSN_A_GROUP_N] = "n", [SSN_A_GROUP_SERVICE] = "service",
	[SSN_A_GROUP_MEMBER] = "member",
};
static const char *const member_names[] = {
	[SSN_A_MEMBER_NODE] = "node", [SSN_A_MEMBER_X] = "x",
};
static const char *const conn_names[] = { [SSN_A_CONN_ID] = "id" };
static const char *const stats_names[] = { [SSN_A_STATS_PEER] = "peer" };
static const char *const pool_names[] = {
	[QKD_A_POOL_PEER] = "peer", [QKD_A_POOL_DIR] = "dir",
	[QKD_A_POOL_KIND] = "kind", [QKD_A_POOL_LOW] = "low",
};
static const char *const block_names[] = {
	[QKD_A_BLOCK_PEER] = "peer", [QKD_A_BLOCK_DIR] = "dir",
	[QKD_A_BLOCK_KIND] = "kind", [QKD_A_BLOCK_ID] = "id",
	[QKD_A_BLOCK_TAG_BLOCK] = "tag-block", [QKD_A_BLOCK_SLOT] = "slot",
	[QKD_A_BLOCK_TAG] = "tag",
};
static const char *const keyring_names[] = {
	[QKD_A_KEYRING_CEILING] = "ceiling",
	[QKD_A_KEYRING_NETNS_FD] = "netns-fd",
};

static const struct attrs member_attrs = ATTRS(member_names, NULL);
static const struct attrs node_attrs = ATTRS(node_names, NULL);
static const struct attrs peer_attrs = ATTRS(peer_names, NULL);
static const struct attrs group_attrs = ATTRS(group_names, &member_attrs);
static const struct attrs conn_attrs = ATTRS(conn_names, NULL);
static const struct attrs stats_attrs = ATTRS(stats_names, NULL);
static const struct attrs pool_attrs = ATTRS(pool_names, NULL);
static const struct attrs block_attrs = ATTRS(block_names, NULL);
static const struct attrs keyring_attrs = ATTRS(keyring_names, NULL);

static const struct attrs *const ssn_cmds[] = {
	[SSN_CMD_NODE_GET] = &node_attrs, [SSN_CMD_NODE_SET] = &node_attrs,
	[SSN_CMD_PEER_GET] = &peer_attrs, [SSN_CMD_PEER_SET] = &peer_attrs,
	[SSN_CMD_PEER_DEL] = &peer_attrs, [SSN_CMD_GROUP_GET] = &group_attrs,
	[SSN_CMD_GROUP_SET] = &group_attrs, [SSN_CMD_GROUP_DEL] = &group_attrs,
	[SSN_CMD_CONN_GET] = &conn_attrs, [SSN_CMD_STATS_GET] = &stats_attrs,
};
static const struct attrs *const qkd_cmds[] = {
	[QKD_CMD_POOL_GET] = &pool_attrs, [QKD_CMD_POOL_SET] = &pool_attrs,
	[QKD_CMD_BLOCK_GET] = &block_attrs, [QKD_CMD_BLOCK_TAG] = &block_attrs,
	[QKD_CMD_BLOCK_CONFIRM] = &block_attrs,
	[QKD_CMD_BLOCK_VOID_NOW] = &block_attrs,
	[QKD_CMD_BLOCK_RETIRE] = &block_attrs,
	[QKD_CMD_KEYRING_GET] = &keyring_attrs,
	[QKD_CMD_CEILING_SET] = &keyring_attrs,
};

static const struct attrs *attrs_of(const char *family, uint8_t cmd)
{
	if (!strcmp(family, SSN_FAMILY_NAME))
		return cmd < COUNT(ssn_cmds) ? ssn_cmds[cmd] : NULL;
	if (!strcmp(family, QKD_FAMILY_NAME))
		return cmd < COUNT(qkd_cmds) ? qkd_cmds[cmd] : NULL;
	return NULL;
}

static const char *attr_name(const struct attrs *attrs, unsigned int type)
{
	if (attrs && type <= attrs->max)
		return attrs->name[type];
	return NULL;
}

const char *nl_module(const char *family)
{
	return strcmp(family, QKD_FAMILY_NAME) ? "ssn_crypt" : "qkd_keyring";
}

/* --- the attribute at an offset of the request, as "member.x" */

struct name { char text[96]; };

static bool name_attr(const struct attrs *attrs, const struct nlmsghdr *req,
		      const struct nlattr *attr, const struct nlattr *at,
		      struct name *name)
{
	const char *end = mnl_nlmsg_get_payload_tail(req);
	unsigned int type = mnl_attr_get_type(attr);
	const char *known = attr_name(attrs, type);
	const struct nlattr *inner;
	size_t used;

	if ((const char *)attr + mnl_attr_get_len(attr) > end ||
	    (const char *)at < (const char *)attr ||
	    (const char *)at >= (const char *)attr + mnl_attr_get_len(attr))
		return false;
	used = strlen(name->text);
	if (known)
		snprintf(name->text + used, sizeof(name->text) - used, "%s%s",
			 used ? "." : "", known);
	else
		snprintf(name->text + used, sizeof(name->text) - used, "%s#%u",
			 used ? "." : "", type);
	if (at != attr && (attr->nla_type & NLA_F_NESTED))
		mnl_attr_for_each_nested(inner, attr)
			if (name_attr(attrs ? attrs->nested : NULL, req, inner,
				      at, name))
				break;
	return true;
}

static void name_at(const struct attrs *attrs, const struct nlmsghdr *req,
		    uint32_t offset, struct name *name)
{
	const struct nlattr *attr;

	if (offset >= req->nlmsg_len)
		return;
	mnl_attr_for_each(attr, req, sizeof(struct genlmsghdr))
		if (name_attr(attrs, req, attr,
			      (const void *)((const char *)req + offset), name))
			return;
}

/* --- the acknowledgement's own attributes */

struct ack {
	const char *text;
	struct name attr;		/* that is wrong */
	struct name missing;
	bool has_min, has_max;
	uint64_t min, max;
};

static void ack_policy(const struct nlattr *policy, struct ack *ack)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, policy)
		switch (mnl_attr_get_type(attr)) {
		case NL_POLICY_TYPE_ATTR_MIN_VALUE_U:
			ack->has_min = true;
			ack->min = mnl_attr_get_u64(attr);
			break;
		case NL_POLICY_TYPE_ATTR_MAX_VALUE_U:
			ack->has_max = true;
			ack->max = mnl_attr_get_u64(attr);
			break;
		}
}

static void ack_parse(const struct attrs *attrs, const struct nlmsghdr *req,
		      const struct nlmsghdr *nlh, struct ack *ack)
{
	size_t skip = nlh->nlmsg_type == NLMSG_DONE ? sizeof(int) :
		      sizeof(struct nlmsgerr);
	const struct nlmsgerr *head = mnl_nlmsg_get_payload(nlh);
	uint32_t missing = 0, nest = 0;
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (nlh->nlmsg_type == NLMSG_ERROR &&
	    !(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += head->msg.nlmsg_len - NLMSG_HDRLEN;
	if (skip > mnl_nlmsg_get_payload_len(nlh))
		return;
	mnl_attr_for_each(attr, nlh, skip)
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			if (!mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
				ack->text = mnl_attr_get_str(attr);
			break;
		case NLMSGERR_ATTR_OFFS:
			name_at(attrs, req, mnl_attr_get_u32(attr), &ack->attr);
			break;
		case NLMSGERR_ATTR_POLICY:
			ack_policy(attr, ack);
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			missing = mnl_attr_get_u32(attr);
			break;
		case NLMSGERR_ATTR_MISS_NEST:
			nest = mnl_attr_get_u32(attr);
			break;
		}
	if (missing) {
		const char *known;

		if (nest) {
			name_at(attrs, req, nest, &ack->missing);
			attrs = attrs ? attrs->nested : NULL;
		}
		known = attr_name(attrs, missing);
		snprintf(ack->missing.text + strlen(ack->missing.text),
			 sizeof(ack->missing.text) - strlen(ack->missing.text),
			 "%s%s", nest ? "." : "", known ?: "?");
	}
}

/* --- words */

static const char *what_next(const char *family, uint8_t cmd, int code)
{
	bool qkd = !strcmp(family, QKD_FAMILY_NAME);

	switch (-code) {
	case EPERM:
	case EACCES:
		if (qkd && cmd == QKD_CMD_CEILING_SET)
			return "this needs CAP_NET_ADMIN in the initial user namespace: run it as root on the host";
		return "this needs CAP_NET_ADMIN over the network namespace: run it as root";
	case EOPNOTSUPP:
		return "the module that is loaded does not know this request: is it of this version?";
	}
	return NULL;
}

int nl_error(const char *family, const struct nlmsghdr *req,
	     const struct nlmsghdr *nlh, int code, struct err *err)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(req);
	bool ours = req->nlmsg_type != GENL_ID_CTRL;
	const struct attrs *attrs = ours ? attrs_of(family, genl->cmd) : NULL;
	struct ack ack = { 0 };
	char range[64] = "";
	const char *next;

	ack_parse(attrs, req, nlh, &ack);
	next = ours ? what_next(family, genl->cmd, code) : NULL;
	if (ack.has_min && ack.has_max)
		snprintf(range, sizeof(range), " (allowed: %llu to %llu)",
			 (unsigned long long)ack.min,
			 (unsigned long long)ack.max);
	return err_set(err, code, "%s%s%s%s%s%s%s%s%s", ack.attr.text,
		       ack.attr.text[0] ? ": " : "",
		       ack.text ?: strerror(-code), range,
		       ack.missing.text[0] ? ", missing: " : "",
		       ack.missing.text, next ? " (" : "", next ?: "",
		       next ? ")" : "");
}
