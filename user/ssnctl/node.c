// SPDX-License-Identifier: GPL-2.0
/* node: who this network namespace is. */
#include <getopt.h>
#include <string.h>
#include "admin.h"
#include "network.h"

static int node_row(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	struct out *o = arg;

	out_row(o, NULL);
	out_u64(o, "node", nl_u32(tb[SSN_A_NODE_ID]));
	out_str(o, "role", network_role_name(nl_u32(tb[SSN_A_NODE_ROLE])) ?: "?");
	admin_addr(o, "addr", tb[SSN_A_NODE_ADDR]);
	out_row_end(o);
	return MNL_CB_OK;
}

static int run_show(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct out o;
	struct nl *nl;
	int status;

	if (argc > 1)
		return cmd_usage("node show takes nothing more");
	status = admin_open(&nl, SSN_FAMILY_NAME);
	if (status)
		return status;
	out_begin(&o, stdout, ctx->json);
	status = admin_do(nl, nl_request(nl, SSN_CMD_NODE_GET, 0), node_row, &o,
			  "own node");
	nl_close(nl);
	return status ?: admin_out_end(&o);
}

static int run_set(int argc, char **argv, const struct cmd_ctx *ctx)
{
	static const char *const words[] = { "role", "addr", NULL };
	const char *role = admin_word(argc, argv, "role");
	const char *addr = admin_word(argc, argv, "addr");
	struct sockaddr_storage sa;
	struct nlmsghdr *req;
	struct nl *nl;
	uint32_t id, number;
	int status;

	if (argc < 2 || !role || !addr)
		return cmd_usage("node set wants an id, a role and an address");
	if ((status = admin_u32(argv[1], "node id", 0, UINT32_MAX, &id)) ||
	    (status = admin_words_only(argc, argv, 2, words)) ||
	    (status = admin_role_addr(role, addr, &number, &sa)))
		return status;
	status = admin_open(&nl, SSN_FAMILY_NAME);
	if (status)
		return status;
	req = nl_request(nl, SSN_CMD_NODE_SET, 0);
	mnl_attr_put_u32(req, SSN_A_NODE_ID, id);
	mnl_attr_put_u32(req, SSN_A_NODE_ROLE, number);
	mnl_attr_put(req, SSN_A_NODE_ADDR, network_addr_len(&sa), &sa);
	status = admin_do(nl, req, NULL, NULL, "node set");
	nl_close(nl);
	return status;
}

/* --self takes a name, or an id for those who have no names at hand */
static int own_id(struct network *net, const char *file, const char *self)
{
	const struct network_node *node = network_find(net, self);
	uint32_t id;

	if (!node && strspn(self, "0123456789") == strlen(self)) {
		int status = admin_u32(self, "--self", 1, UINT32_MAX, &id);

		if (status)
			return status;
		node = network_node(net, id);
	}
	if (!node)
		return cmd_error("%s: there is no node \"%s\"", file, self);
	net->self = node->id;
	return CMD_OK;
}

static int run_apply(int argc, char **argv, const struct cmd_ctx *ctx)
{
	static const struct option options[] = {
		{ "self", required_argument, NULL, 's' }, { }
	};
	const char *self = NULL, *file;
	struct network net;
	struct err err;
	int opt, status;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 's')
			return CMD_USAGE;
		self = optarg;
	}
	if (!self || optind + 1 != argc)
		return cmd_usage("node apply wants one FILE and --self NAME");
	file = argv[optind];
	if (network_load(file, 0, &net, &err))
		return cmd_error("%s", err.text);
	status = own_id(&net, file, self);
	if (!status && network_apply(&net, &err))
		status = cmd_error("%s: %s", file, err.text);
	network_free(&net);
	return status;
}

static const struct cmd node_show = {
	.object = "node", .verb = "show", .run = run_show,
	.help = "the node that this network namespace is",
};
CMD_REGISTER(node_show);

static const struct cmd node_set = {
	.object = "node", .verb = "set", .run = run_set,
	.args = "ID role ROLE addr ADDRESS:PORT",
	.help = "name this network namespace's node and listen",
};
CMD_REGISTER(node_set);

static const struct cmd node_apply = {
	.object = "node", .verb = "apply", .run = run_apply,
	.args = "FILE --self NAME",
	.help = "give the kernel a network description: own node, peers, groups",
};
CMD_REGISTER(node_apply);
