// SPDX-License-Identifier: GPL-2.0
/* peer: the other nodes, as the kernel knows them. */
#include <stdio.h>
#include <string.h>
#include "admin.h"
#include "network.h"

static int peer_row(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	uint32_t suite = nl_u32(tb[SSN_A_PEER_SUITE]);
	struct out *o = arg;

	out_row(o, NULL);
	out_u64(o, "peer", nl_u32(tb[SSN_A_PEER_ID]));
	out_str(o, "role", network_role_name(nl_u32(tb[SSN_A_PEER_ROLE])) ?: "?");
	admin_addr(o, "addr", tb[SSN_A_PEER_ADDR]);
	out_str(o, "suite", suite == SSN_SUITE_OTP ? "otp" :
		suite == SSN_SUITE_AES256GCM ? "aes256gcm" :
		suite == SSN_SUITE_NONE ? "none" : "?");
	out_bool(o, "allow_k1",
		 nl_u32(tb[SSN_A_PEER_FLAGS]) & SSN_PEER_FLAGS_ALLOW_K1);
	out_u64(o, "conns", nl_u32(tb[SSN_A_PEER_CONNS]));
	if (o->json && tb[SSN_A_PEER_STATS]) {
		out_row(o, "stats");
		admin_counters(o, tb[SSN_A_PEER_STATS], false);
		out_row_end(o);
	}
	out_row_end(o);
	return MNL_CB_OK;
}

static int run_list(int argc, char **argv, const struct cmd_ctx *ctx)
{
	if (argc > 1)
		return cmd_usage("peer list takes nothing more");
	return admin_list(ctx, SSN_FAMILY_NAME, SSN_CMD_PEER_GET, peer_row);
}

static const struct admin_one one_peer = {
	.noun = "peer", .id_name = "node id", .attr = SSN_A_PEER_ID,
};

static int run_show(int argc, char **argv, const struct cmd_ctx *ctx)
{
	return admin_show(argc, argv, ctx, &one_peer, SSN_CMD_PEER_GET,
			  peer_row);
}

static int run_del(int argc, char **argv, const struct cmd_ctx *ctx)
{
	return admin_one(argc, argv, &one_peer, SSN_CMD_PEER_DEL, NULL, NULL);
}

static int run_add(int argc, char **argv, const struct cmd_ctx *ctx)
{
	static const char *const words[] = { "role", "addr", "allow_k1", NULL };
	const char *role = admin_word(argc, argv, "role");
	const char *addr = admin_word(argc, argv, "addr");
	const char *k1 = admin_word(argc, argv, "allow_k1") ?: "no";
	struct sockaddr_storage sa;
	struct nlmsghdr *req;
	char what[32];
	struct nl *nl;
	uint32_t id, number;
	int status;

	if (argc < 2 || !role || !addr)
		return cmd_usage("peer add wants an id, a role and an address");
	if ((status = admin_u32(argv[1], "node id", 0, UINT32_MAX, &id)) ||
	    (status = admin_words_only(argc, argv, 2, words)) ||
	    (status = admin_role_addr(role, addr, &number, &sa)))
		return status;
	if (strcmp(k1, "yes") && strcmp(k1, "no"))
		return cmd_usage("allow_k1 is yes or no, not \"%s\"", k1);
	status = admin_open(&nl, SSN_FAMILY_NAME);
	if (status)
		return status;
	req = nl_request(nl, SSN_CMD_PEER_SET, 0);
	mnl_attr_put_u32(req, SSN_A_PEER_ID, id);
	mnl_attr_put_u32(req, SSN_A_PEER_ROLE, number);
	mnl_attr_put(req, SSN_A_PEER_ADDR, network_addr_len(&sa), &sa);
	mnl_attr_put_u32(req, SSN_A_PEER_SUITE, SSN_SUITE_OTP);
	mnl_attr_put_u32(req, SSN_A_PEER_FLAGS,
			 strcmp(k1, "yes") ? 0 : SSN_PEER_FLAGS_ALLOW_K1);
	snprintf(what, sizeof(what), "peer %u", id);
	status = admin_do(nl, req, NULL, NULL, what);
	nl_close(nl);
	return status;
}

static const struct cmd peer_list = {
	.object = "peer", .verb = "list", .run = run_list,
	.help = "all peers of this node",
};
CMD_REGISTER(peer_list);

static const struct cmd peer_show = {
	.object = "peer", .verb = "show", .args = "ID", .run = run_show,
	.help = "one peer; with -j its counters too",
};
CMD_REGISTER(peer_show);

static const struct cmd peer_add = {
	.object = "peer", .verb = "add", .run = run_add,
	.args = "ID role ROLE addr ADDRESS:PORT [allow_k1 yes]",
	.help = "add a peer, or change it",
};
CMD_REGISTER(peer_add);

static const struct cmd peer_del = {
	.object = "peer", .verb = "del", .args = "ID", .run = run_del,
	.help = "remove a peer and end its connections",
};
CMD_REGISTER(peer_del);
