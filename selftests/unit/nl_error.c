// SPDX-License-Identifier: GPL-2.0
/* What the kernel had against a request: text, attribute, range, what to do. */
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/qkd_genl.h>
#include <linux/ssn_genl.h>
#include "nl_error.h"
#include "tap.h"

static char req_buf[4096], ack_buf[4096];
static uint32_t x_offset;	/* of the second member's x in the request */

static struct nlmsghdr *begin(uint8_t cmd)
{
	struct nlmsghdr *req = mnl_nlmsg_put_header(req_buf);
	struct genlmsghdr *genl;

	req->nlmsg_type = 0x20;
	genl = mnl_nlmsg_put_extra_header(req, sizeof(*genl));
	genl->cmd = cmd;
	return req;
}

static struct nlmsghdr *group_request(void)
{
	struct nlmsghdr *req = begin(SSN_CMD_GROUP_SET);
	unsigned int i;

	mnl_attr_put_u32(req, SSN_A_GROUP_ID, 1);
	for (i = 0; i < 2; i++) {
		struct nlattr *nest = mnl_attr_nest_start(req,
							  SSN_A_GROUP_MEMBER);

		mnl_attr_put_u32(req, SSN_A_MEMBER_NODE, 11 + i);
		x_offset = req->nlmsg_len;
		mnl_attr_put_u32(req, SSN_A_MEMBER_X, 0);
		mnl_attr_nest_end(req, nest);
	}
	return req;
}

/* An acknowledgement as the kernel makes it; with @whole the request is in it. */
static struct nlmsghdr *ack_begin(const struct nlmsghdr *req, int code, int whole)
{
	struct nlmsghdr *ack = mnl_nlmsg_put_header(ack_buf);
	struct nlmsgerr *e;

	ack->nlmsg_type = NLMSG_ERROR;
	ack->nlmsg_flags = NLM_F_ACK_TLVS | (whole ? 0 : NLM_F_CAPPED);
	e = mnl_nlmsg_put_extra_header(ack, whole ? sizeof(*e) - NLMSG_HDRLEN +
				       req->nlmsg_len : sizeof(*e));
	e->error = code;
	memcpy(&e->msg, req, whole ? req->nlmsg_len : NLMSG_HDRLEN);
	return ack;
}

static void says(const char *family, const struct nlmsghdr *req,
		 const struct nlmsghdr *ack, int code, const char *want,
		 const char *name)
{
	struct err err = { "" };

	is_int(nl_error(family, req, ack, code, &err), code, "%s: code", name);
	is_str(err.text, want, "%s", name);
}

static void put_range(struct nlmsghdr *ack, uint64_t min, uint64_t max)
{
	struct nlattr *nest = mnl_attr_nest_start(ack, NLMSGERR_ATTR_POLICY);

	mnl_attr_put_u64(ack, NL_POLICY_TYPE_ATTR_MIN_VALUE_U, min);
	mnl_attr_put_u64(ack, NL_POLICY_TYPE_ATTR_MAX_VALUE_U, max);
	mnl_attr_nest_end(ack, nest);
}

int main(void)
{
	struct nlmsghdr *req, *ack;
	struct nlattr *attr;
	unsigned int i, crashed = 0;
	struct err err;

	tap_plan(2 * 9 + 1);

	req = group_request();
	ack = ack_begin(req, -ERANGE, 0);
	mnl_attr_put_strz(ack, NLMSGERR_ATTR_MSG, "integer out of range");
	mnl_attr_put_u32(ack, NLMSGERR_ATTR_OFFS, x_offset);
	put_range(ack, 1, 255);
	says("ssn", req, ack, -ERANGE,
	     "member.x: integer out of range (allowed: 1 to 255)",
	     "a nested attribute and its range");

	ack = ack_begin(req, -ERANGE, 1);
	mnl_attr_put_strz(ack, NLMSGERR_ATTR_MSG, "integer out of range");
	mnl_attr_put_u32(ack, NLMSGERR_ATTR_OFFS, x_offset);
	says("ssn", req, ack, -ERANGE, "member.x: integer out of range",
	     "the same with the request in the acknowledgement");

	ack = ack_begin(req, -EINVAL, 0);
	mnl_attr_put_strz(ack, NLMSGERR_ATTR_MSG, "k is missing");
	mnl_attr_put_u32(ack, NLMSGERR_ATTR_MISS_TYPE, SSN_A_GROUP_K);
	says("ssn", req, ack, -EINVAL, "k is missing, missing: k",
	     "an attribute that is missing");

	ack = ack_begin(req, -EPERM, 0);
	says("ssn", req, ack, -EPERM,
	     "Operation not permitted (this needs CAP_NET_ADMIN over the network namespace: run it as root)",
	     "no permission says which one");
	req = begin(QKD_CMD_CEILING_SET);
	ack = ack_begin(req, -EPERM, 0);
	says("qkd", req, ack, -EPERM,
	     "Operation not permitted (this needs CAP_NET_ADMIN in the initial user namespace: run it as root on the host)",
	     "the ceiling wants more");

	req = begin(SSN_CMD_PEER_SET);
	mnl_attr_put_u32(req, 50, 1);
	ack = ack_begin(req, -EINVAL, 0);
	mnl_attr_put_strz(ack, NLMSGERR_ATTR_MSG, "Unknown attribute type");
	mnl_attr_put_u32(ack, NLMSGERR_ATTR_OFFS, 20);
	says("ssn", req, ack, -EINVAL, "#50: Unknown attribute type",
	     "an attribute without a name");

	ack = ack_begin(req, -ENOENT, 0);
	ack->nlmsg_flags = NLM_F_CAPPED;
	says("ssn", req, ack, -ENOENT, "No such file or directory",
	     "an acknowledgement without more");

	ack = ack_begin(req, -EINVAL, 0);
	mnl_attr_put_strz(ack, NLMSGERR_ATTR_MSG, "text");
	mnl_attr_put_u32(ack, NLMSGERR_ATTR_OFFS, 100000);
	says("ssn", req, ack, -EINVAL, "text", "an offset outside the request");

	ack = ack_begin(req, -EINVAL, 0);
	attr = mnl_nlmsg_get_payload_tail(ack);
	mnl_attr_put(ack, NLMSGERR_ATTR_MSG, 4, "text");	/* no NUL */
	says("ssn", req, ack, -EINVAL, "Invalid argument",
	     "text that does not end is left out");

	/* whatever the bytes are, nothing is read outside them (see asan) */
	for (i = 0; i < 20000; i++) {
		unsigned char *byte = (unsigned char *)attr + rand() % 16;

		*byte = rand();
		if (attr->nla_len > 64)
			attr->nla_len = rand() % 64;
		ack->nlmsg_len = (char *)attr - ack_buf + rand() % 64;
		err.text[sizeof(err.text) - 1] = '\0';
		crashed += nl_error("ssn", req, ack, -EINVAL, &err) != -EINVAL;
	}
	is_int(crashed, 0, "20000 odd acknowledgements");
	return tap_done();
}
