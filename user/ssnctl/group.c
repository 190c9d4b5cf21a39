// SPDX-License-Identifier: GPL-2.0
/* group: shareholders that hold shares together. */
#include <stdio.h>
#include <string.h>
#include "admin.h"
#include "network.h"

static int group_row(const struct nlmsghdr *nlh, void *arg)
{
	struct network_group grp;
	struct out *o = arg;
	unsigned int i;

	network_group_get(nlh, &grp);
	out_row(o, NULL);
	out_u64(o, "group", grp.id);
	out_u64(o, "generation", grp.generation);
	out_str(o, "scheme", network_scheme_name(grp.scheme) ?: "?");
	out_u64(o, "k", grp.k);
	out_u64(o, "n", grp.n);
	out_list(o, "members");
	for (i = 0; i < grp.n; i++) {
		out_row(o, NULL);
		out_u64(o, "node", grp.member[i].node);
		out_u64(o, "x", grp.member[i].x);
		out_row_end(o);
	}
	out_list_end(o);
	out_row_end(o);
	return MNL_CB_OK;
}

static int run_list(int argc, char **argv, const struct cmd_ctx *ctx)
{
	if (argc > 1)
		return cmd_usage("group list takes nothing more");
	return admin_list(ctx, SSN_FAMILY_NAME, SSN_CMD_GROUP_GET, group_row);
}

static const struct admin_one one_group = {
	.noun = "group", .id_name = "group id", .attr = SSN_A_GROUP_ID,
};

static int run_show(int argc, char **argv, const struct cmd_ctx *ctx)
{
	return admin_show(argc, argv, ctx, &one_group, SSN_CMD_GROUP_GET,
			  group_row);
}

static int run_del(int argc, char **argv, const struct cmd_ctx *ctx)
{
	return admin_one(argc, argv, &one_group, SSN_CMD_GROUP_DEL, NULL, NULL);
}

/*
 * "NODE:X". What makes no sense in a group is left for the kernel to refuse:
 * it has to anyway.
 */
static int member(const char *text, struct network_group *grp)
{
	const char *colon = strchr(text, ':');
	char node[16];
	uint32_t id, x;
	int status;

	if (!colon || colon - text >= (int)sizeof(node))
		return cmd_usage("member \"%s\" is not NODE:X", text);
	if (grp->n == SSN_MEMBERS_MAX)
		return cmd_usage("more than %d members", SSN_MEMBERS_MAX);
	memcpy(node, text, colon - text);
	node[colon - text] = '\0';
	if ((status = admin_u32(node, "member's node id", 0, UINT32_MAX, &id)) ||
	    (status = admin_u32(colon + 1, "member's x", 0, 255, &x)))
		return status;
	grp->member[grp->n].node = id;
	grp->member[grp->n].x = x;
	grp->n++;
	return CMD_OK;
}

static int group_parse(int argc, char **argv, struct network_group *grp)
{
	static const char *const words[] = {
		"generation", "scheme", "k", "member", NULL
	};
	const char *generation = admin_word(argc, argv, "generation") ?: "1";
	const char *scheme = admin_word(argc, argv, "scheme") ?: "shamir";
	const char *k = admin_word(argc, argv, "k");
	uint32_t value;
	int status, i;

	if (argc < 2 || !k)
		return cmd_usage("group add wants an id, k and members");
	if ((status = admin_words_only(argc, argv, 2, words)) ||
	    (status = admin_u32(argv[1], "group id", 0, UINT32_MAX, &grp->id)) ||
	    (status = admin_u32(generation, "generation", 0, UINT32_MAX,
				&grp->generation)) ||
	    (status = admin_u32(k, "k", 0, UINT32_MAX, &value)))
		return status;
	grp->k = value;
	grp->scheme = network_scheme(scheme);
	if (!grp->scheme)
		return cmd_usage("scheme \"%s\" is none of shamir, xor", scheme);
	for (i = 2; i + 1 < argc; i += 2)
		if (!strcmp(argv[i], "member") &&
		    (status = member(argv[i + 1], grp)))
			return status;
	return CMD_OK;
}

static int run_add(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct network_group grp = { 0 };
	struct nlmsghdr *req;
	char what[32];
	struct nl *nl;
	int status;

	if ((status = group_parse(argc, argv, &grp)) ||
	    (status = admin_open(&nl, SSN_FAMILY_NAME)))
		return status;
	req = nl_request(nl, SSN_CMD_GROUP_SET, 0);
	snprintf(what, sizeof(what), "group %u", grp.id);
	if (network_group_put(req, &grp))
		status = cmd_error("%s: too many members for one request", what);
	else
		status = admin_do(nl, req, NULL, NULL, what);
	nl_close(nl);
	return status;
}

static const struct cmd group_list = {
	.object = "group", .verb = "list", .run = run_list,
	.help = "all groups of shareholders",
};
CMD_REGISTER(group_list);

static const struct cmd group_show = {
	.object = "group", .verb = "show", .args = "ID", .run = run_show,
	.help = "one group and its members",
};
CMD_REGISTER(group_show);

static const struct cmd group_add = {
	.object = "group", .verb = "add", .run = run_add,
	.args = "ID [generation G] [scheme shamir|xor] k K member NODE:X ...",
	.help = "add a group, or replace it by a later generation; each member has its own x, 1 to 255 (xor: 17)",
};
CMD_REGISTER(group_add);

static const struct cmd group_del = {
	.object = "group", .verb = "del", .args = "ID", .run = run_del,
	.help = "remove a group",
};
CMD_REGISTER(group_del);
