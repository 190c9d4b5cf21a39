// SPDX-License-Identifier: GPL-2.0
/* stats and conn: what crosses the node now, and what has. */
#include <stdio.h>
#include "admin.h"

struct stats {
	struct out out;
	uint32_t peer;
};

static int stats_reply(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	struct stats *stats = arg;
	struct out *o = &stats->out;

	if (!o->json) {
		admin_counters(o, tb[SSN_A_STATS_COUNTERS], true);
		return MNL_CB_OK;
	}
	out_row(o, NULL);
	if (stats->peer)
		out_u64(o, "peer", stats->peer);
	admin_counters(o, tb[SSN_A_STATS_COUNTERS], false);
	out_row_end(o);
	return MNL_CB_OK;
}

static int run_stats(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct stats stats = { .peer = 0 };
	struct nlmsghdr *req;
	char what[32] = "stats";
	struct nl *nl;
	int status;

	if (argc > 2)
		return cmd_usage("stats takes one peer at most");
	if (argc == 2) {
		status = admin_u32(argv[1], "node id", 1, UINT32_MAX,
				   &stats.peer);
		if (status)
			return status;
		snprintf(what, sizeof(what), "peer %u", stats.peer);
	}
	status = admin_open(&nl, SSN_FAMILY_NAME);
	if (status)
		return status;
	out_begin(&stats.out, stdout, ctx->json);
	req = nl_request(nl, SSN_CMD_STATS_GET, 0);
	if (stats.peer)
		mnl_attr_put_u32(req, SSN_A_STATS_PEER, stats.peer);
	status = admin_do(nl, req, stats_reply, &stats, what);
	nl_close(nl);
	return status ?: admin_out_end(&stats.out);
}

static int conn_row(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	struct out *o = arg;

	out_row(o, NULL);
	out_u64(o, "conn", nl_u32(tb[SSN_A_CONN_ID]));
	out_u64(o, "peer", nl_u32(tb[SSN_A_CONN_PEER]));
	out_str(o, "dir", tb[SSN_A_CONN_OUTGOING] ? "out" : "in");
	out_u64(o, "service", nl_u32(tb[SSN_A_CONN_SERVICE]));
	out_u64(o, "group", nl_u32(tb[SSN_A_CONN_GROUP]));
	out_u64(o, "generation", nl_u32(tb[SSN_A_CONN_GENERATION]));
	out_u64(o, "tx_seq", nl_u64(tb[SSN_A_CONN_TX_SEQ]));
	out_u64(o, "rx_seq", nl_u64(tb[SSN_A_CONN_RX_SEQ]));
	out_bytes(o, "tx_queued", nl_u32(tb[SSN_A_CONN_TX_QUEUED]));
	out_bytes(o, "rx_queued", nl_u32(tb[SSN_A_CONN_RX_QUEUED]));
	out_row_end(o);
	return MNL_CB_OK;
}

static int run_conns(int argc, char **argv, const struct cmd_ctx *ctx)
{
	if (argc > 1)
		return cmd_usage("conn list takes nothing more");
	return admin_list(ctx, SSN_FAMILY_NAME, SSN_CMD_CONN_GET, conn_row);
}

static const struct cmd stats = {
	.verb = "stats", .args = "[PEER]", .run = run_stats,
	.help = "counters of this node, or of one peer",
};
CMD_REGISTER(stats);

static const struct cmd conn_list = {
	.object = "conn", .verb = "list", .run = run_conns,
	.help = "connections that are up",
};
CMD_REGISTER(conn_list);
