// SPDX-License-Identifier: GPL-2.0
/* monitor: what the two modules report, as it happens. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include "admin.h"
#include "util.h"

static void out_now(struct out *o)
{
	char text[64], whole[96];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(whole, sizeof(whole), "%s.%03ldZ", text,
		 now.tv_nsec / 1000000);
	out_str(o, "time", whole);
}

static const char *ssn_event(uint32_t event)
{
	static const char *const names[] = {
		[SSN_EVENT_CONN_UP] = "conn-up",
		[SSN_EVENT_CONN_DOWN] = "conn-down",
		[SSN_EVENT_BAD_TAG] = "bad-tag",
		[SSN_EVENT_REPLAY] = "replay",
		[SSN_EVENT_TRUNCATED] = "truncated",
		[SSN_EVENT_BAD_RECORD] = "bad-record",
		[SSN_EVENT_BAD_HELLO] = "bad-hello",
		[SSN_EVENT_FLOOD] = "flood",
		[SSN_EVENT_NO_PAD] = "no-pad",
		[SSN_EVENT_BAD_SHARE] = "bad-share",
	};

	return event < sizeof(names) / sizeof(*names) && names[event] ?
	       names[event] : "unknown";
}

static int on_ssn(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	uint32_t error = nl_u32(tb[SSN_A_CONN_ERROR]);
	struct out *o = arg;

	if (nl_cmd(nlh) != SSN_CMD_CONN_EVENT)
		return MNL_CB_OK;
	out_row(o, NULL);
	out_now(o);
	out_str(o, "family", SSN_FAMILY_NAME);
	out_str(o, "event", ssn_event(nl_u32(tb[SSN_A_CONN_EVENT])));
	if (tb[SSN_A_CONN_PEER])
		out_u64(o, "peer", nl_u32(tb[SSN_A_CONN_PEER]));
	if (tb[SSN_A_CONN_SERVICE])
		out_u64(o, "service", nl_u32(tb[SSN_A_CONN_SERVICE]));
	if (tb[SSN_A_CONN_GROUP])
		out_u64(o, "group", nl_u32(tb[SSN_A_CONN_GROUP]));
	if (error)
		out_str(o, "error", strerrorname_np(error) ?: "?");
	out_row_end(o);
	return MNL_CB_OK;
}

static void pool_event(struct out *o, const char *event,
		       const struct nlmsghdr *nlh)
{
	struct nl_pool pool;

	nl_pool_parse(nlh, &pool);
	out_str(o, "event", event);
	out_u64(o, "peer", pool.peer);
	out_str(o, "dir", admin_dir_name(pool.dir));
	out_str(o, "kind", admin_kind_name(pool.kind));
	out_bytes(o, "usable", pool.usable);
	out_bytes(o, "pending", pool.pending);
	out_bytes(o, "low", pool.low);
}

static void block_event(struct out *o, const struct nlmsghdr *nlh)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	uint32_t reason = nl_u32(tb[QKD_A_BLOCK_REASON]);
	char id[UUID_TEXT];

	out_str(o, "event", "block-void");
	out_u64(o, "peer", nl_u32(tb[QKD_A_BLOCK_PEER]));
	out_str(o, "dir", admin_dir_name(nl_u32(tb[QKD_A_BLOCK_DIR])));
	out_str(o, "kind", admin_kind_name(nl_u32(tb[QKD_A_BLOCK_KIND])));
	if (tb[QKD_A_BLOCK_ID] &&
	    mnl_attr_get_payload_len(tb[QKD_A_BLOCK_ID]) >= UUID_BYTES) {
		uuid_format(mnl_attr_get_payload(tb[QKD_A_BLOCK_ID]), id);
		out_str(o, "block", id);
	}
	if (reason)
		out_str(o, "reason", admin_reason_name(reason));
}

static int on_qkd(const struct nlmsghdr *nlh, void *arg)
{
	struct out *o = arg;

	out_row(o, NULL);
	out_now(o);
	out_str(o, "family", QKD_FAMILY_NAME);
	switch (nl_cmd(nlh)) {
	case QKD_CMD_POOL_LOW:
		pool_event(o, "pool-low", nlh);
		break;
	case QKD_CMD_POOL_EMPTY:
		pool_event(o, "pool-empty", nlh);
		break;
	case QKD_CMD_BLOCK_VOID:
		block_event(o, nlh);
		break;
	default:
		out_str(o, "event", "unknown");
	}
	out_row_end(o);
	return MNL_CB_OK;
}

static int lost(struct out *o, const char *family)
{
	out_row(o, NULL);
	out_now(o);
	out_str(o, "family", family);
	out_str(o, "event", "events-lost");
	out_row_end(o);
	return 0;
}

static int drain(struct nl *nl, const char *family, mnl_cb_t cb, struct out *o)
{
	int ret = nl_read(nl, cb, o);

	if (ret == -ENOBUFS)
		ret = lost(o, family);
	if (ret)
		return cmd_error("events of %s: %s", family, strerror(-ret));
	return CMD_OK;
}

static int watch(struct nl *qkd, struct nl *ssn, struct out *o)
{
	struct pollfd fds[] = {
		{ .fd = nl_fd(qkd), .events = POLLIN },
		{ .fd = nl_fd(ssn), .events = POLLIN },
		{ .fd = fileno(o->file) },	/* a pipe's reader that went */
	};
	int status = CMD_OK;

	while (!status) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return cmd_error("poll: %s", strerror(errno));
		if (fds[2].revents & (POLLERR | POLLHUP | POLLNVAL))
			return CMD_OK;
		status = drain(qkd, QKD_FAMILY_NAME, on_qkd, o) ?:
			 drain(ssn, SSN_FAMILY_NAME, on_ssn, o);
		if (!status && ferror(o->file))
			status = admin_out_end(o);
	}
	return status;
}

static int run_monitor(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct nl *qkd, *ssn;
	struct err err;
	struct out o;
	int status;

	if (argc > 1)
		return cmd_usage("monitor takes nothing more");
	status = admin_open(&qkd, QKD_FAMILY_NAME);
	if (status)
		return status;
	status = admin_open(&ssn, SSN_FAMILY_NAME);
	if (status)
		goto out_qkd;
	out_begin_stream(&o, stdout, ctx->json);
	if (nl_subscribe(qkd, &err) || nl_subscribe(ssn, &err))
		status = cmd_error("%s", err.text);
	else
		status = watch(qkd, ssn, &o);
	nl_close(ssn);
out_qkd:
	nl_close(qkd);
	return status;
}

static const struct cmd monitor = {
	.verb = "monitor", .run = run_monitor,
	.help = "events as they happen, one a line: alarms, connections, pads running low",
};
CMD_REGISTER(monitor);
