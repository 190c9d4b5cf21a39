// SPDX-License-Identifier: GPL-2.0
/* What the administrator's commands share: netlink, numbers, names. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "admin.h"
#include "network.h"
#include "util.h"

/* --- netlink */

int admin_open(struct nl **nl, const char *family)
{
	struct err err;

	return nl_open(nl, family, &err) ? cmd_error("%s", err.text) : CMD_OK;
}

int admin_do(struct nl *nl, struct nlmsghdr *req, mnl_cb_t cb, void *arg,
	     const char *what)
{
	struct err err;

	return nl_do(nl, req, cb, arg, &err) ?
	       cmd_error("%s: %s", what, err.text) : CMD_OK;
}

int admin_one(int argc, char **argv, const struct admin_one *one, uint8_t cmd,
	      mnl_cb_t cb, void *arg)
{
	struct nlmsghdr *req;
	char what[32];
	struct nl *nl;
	uint32_t id;
	int status;

	if (argc != 2)
		return cmd_usage("%s %s wants one %s", one->noun, argv[0],
				 one->id_name);
	if ((status = admin_u32(argv[1], one->id_name, 0, UINT32_MAX, &id)) ||
	    (status = admin_open(&nl, SSN_FAMILY_NAME)))
		return status;
	req = nl_request(nl, cmd, 0);
	mnl_attr_put_u32(req, one->attr, id);
	snprintf(what, sizeof(what), "%s %u", one->noun, id);
	status = admin_do(nl, req, cb, arg, what);
	nl_close(nl);
	return status;
}

int admin_show(int argc, char **argv, const struct cmd_ctx *ctx,
	       const struct admin_one *one, uint8_t cmd, mnl_cb_t row)
{
	struct out o;

	out_begin(&o, stdout, ctx->json);
	return admin_one(argc, argv, one, cmd, row, &o) ?: admin_out_end(&o);
}

struct rows {
	char *data;
	size_t len;
};

static int rows_add(const struct nlmsghdr *nlh, void *arg)
{
	size_t len = MNL_ALIGN(nlh->nlmsg_len);
	struct rows *rows = arg;
	char *data;

	data = realloc(rows->data, rows->len + len);
	if (!data) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	memcpy(data + rows->len, nlh, nlh->nlmsg_len);
	rows->data = data;
	rows->len += len;
	return MNL_CB_OK;
}

static int dump(struct nl *nl, uint8_t cmd, struct rows *rows)
{
	unsigned int tries = 0;
	struct err err;
	int ret;

	do {
		rows->len = 0;
		ret = nl_do(nl, nl_request(nl, cmd, 1), rows_add, rows, &err);
	} while (ret == -EINTR && ++tries < 20);
	return ret ? cmd_error("%s", err.text) : CMD_OK;
}

int admin_list(const struct cmd_ctx *ctx, const char *family, uint8_t cmd,
	       mnl_cb_t row)
{
	struct rows rows = { NULL, 0 };
	const struct nlmsghdr *nlh;
	struct out o;
	struct nl *nl;
	int status;
	size_t at;

	status = admin_open(&nl, family);
	if (status)
		return status;
	status = dump(nl, cmd, &rows);
	nl_close(nl);
	if (status)
		goto out_free;
	out_begin(&o, stdout, ctx->json);
	out_list(&o, NULL);
	for (at = 0; at < rows.len; at += MNL_ALIGN(nlh->nlmsg_len)) {
		nlh = (const void *)(rows.data + at);
		row(nlh, &o);
	}
	out_list_end(&o);
	status = admin_out_end(&o);
out_free:
	free(rows.data);
	return status;
}

int admin_out_end(struct out *o)
{
	int ret = out_end(o);

	return ret ? cmd_error("output: %s", strerror(-ret)) : CMD_OK;
}

/* --- arguments */

static int number(const char *text, uint64_t *value, char **end)
{
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, end, 10);
	return errno ? -errno : 0;
}

int admin_u32(const char *text, const char *what, uint32_t min, uint32_t max,
	      uint32_t *value)
{
	uint64_t wide;
	char *end;

	if (number(text, &wide, &end) || *end || wide < min || wide > max)
		return cmd_usage("%s: \"%s\" is not a number from %" PRIu32
				 " to %" PRIu32, what, text, min, max);
	*value = wide;
	return CMD_OK;
}

int admin_bytes(const char *text, const char *what, uint64_t *bytes)
{
	static const char unit[] = "KMG";
	unsigned int shift = 0;
	uint64_t value;
	char *end;

	if (number(text, &value, &end))
		goto wrong;
	if (*end) {
		const char *u = strchr(unit, *end);

		if (!u || end[1])
			goto wrong;
		shift = 10 * (u - unit + 1);
	}
	if (value << shift >> shift != value)
		goto wrong;
	*bytes = value << shift;
	return CMD_OK;
wrong:
	return cmd_usage("%s: \"%s\" is not a number of bytes (with K, M or G if you like)",
			 what, text);
}

int admin_role_addr(const char *role, const char *addr, uint32_t *number,
		    struct sockaddr_storage *sa)
{
	*number = network_role(role);
	if (!*number)
		return cmd_usage("\"%s\" is no role: owner, ssa, shareholder, controller, manager",
				 role);
	if (network_addr_parse(addr, sa))
		return cmd_usage("\"%s\" is not ADDRESS:PORT or [ADDRESS]:PORT",
				 addr);
	return CMD_OK;
}

int admin_uuid(const char *text, const char *what, uint8_t uuid[16])
{
	return uuid_parse(text, uuid) ?
	       cmd_usage("%s: \"%s\" is not a lower-case UUID", what, text) :
	       CMD_OK;
}

int admin_hex(const char *text, const char *what, void *bytes, size_t len)
{
	return hex_decode(text, bytes, len) ?
	       cmd_usage("%s: \"%s\" is not %zu hexadecimal digits", what, text,
			 2 * len) : CMD_OK;
}

const char *admin_word(int argc, char **argv, const char *word)
{
	int i;

	for (i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], word))
			return argv[i + 1];
	return NULL;
}

int admin_words_only(int argc, char **argv, int from, const char *const *words)
{
	int i, w;

	for (i = from; i < argc; i += 2) {
		for (w = 0; words[w] && strcmp(words[w], argv[i]); w++)
			;
		if (!words[w])
			return cmd_usage("\"%s\" is not understood here", argv[i]);
		if (i + 1 == argc)
			return cmd_usage("%s wants a value", argv[i]);
	}
	return CMD_OK;
}

/* --- names */

static const char *const dir_names[] = {
	[QKD_DIR_TX] = "tx", [QKD_DIR_RX] = "rx", [QKD_DIR_LOCAL] = "local",
};
static const char *const kind_names[] = {
	[QKD_KIND_PAYLOAD] = "payload", [QKD_KIND_TAG] = "tag",
};

int admin_dir(const char *word)
{
	int i;

	for (i = 0; i < 3; i++)
		if (!strcmp(word, dir_names[i]))
			return i;
	return -1;
}

int admin_kind(const char *word)
{
	int i;

	for (i = 0; i < 2; i++)
		if (!strcmp(word, kind_names[i]))
			return i;
	return -1;
}

const char *admin_dir_name(uint32_t dir)
{
	return dir < 3 ? dir_names[dir] : "?";
}

const char *admin_kind_name(uint32_t kind)
{
	return kind < 2 ? kind_names[kind] : "?";
}

const char *admin_reason_name(uint32_t reason)
{
	static const char *const names[] = {
		[QKD_VOID_REASON_SPENT] = "spent",
		[QKD_VOID_REASON_ADMIN] = "admin",
		[QKD_VOID_REASON_MISMATCH] = "mismatch",
		[QKD_VOID_REASON_REVOKED] = "revoked",
		[QKD_VOID_REASON_STATE_LOSS] = "state-loss",
	};

	return reason < sizeof(names) / sizeof(*names) && names[reason] ?
	       names[reason] : "?";
}

const char *admin_provenance(uint32_t flags, char text[64])
{
	static const struct { uint32_t flag; const char *name; } names[] = {
		{ QKD_PROVENANCE_PATH_OTP, "path-otp" },
		{ QKD_PROVENANCE_AK_INSIDE, "ak-inside" },
		{ QKD_PROVENANCE_ID_INDEPENDENT, "id-independent" },
	};
	size_t i;

	text[0] = '\0';
	for (i = 0; i < 3; i++)
		if (flags & names[i].flag)
			snprintf(text + strlen(text), 64 - strlen(text), "%s%s",
				 *text ? "," : "", names[i].name);
	return *text ? text : "none";
}

/* --- output */

void admin_addr(struct out *o, const char *key, const struct nlattr *attr)
{
	struct sockaddr_storage addr = { 0 };
	char text[NETWORK_ADDR_TEXT];

	if (!attr)
		return;
	memcpy(&addr, mnl_attr_get_payload(attr),
	       mnl_attr_get_payload_len(attr) < sizeof(addr) ?
	       mnl_attr_get_payload_len(attr) : sizeof(addr));
	out_str(o, key, network_addr_format(&addr, text));
}

static const struct counter {
	unsigned int type;
	const char *name;
} counters[] = {
	{ SSN_A_COUNTERS_TX_MESSAGES, "tx_messages" },
	{ SSN_A_COUNTERS_TX_RECORDS, "tx_records" },
	{ SSN_A_COUNTERS_TX_BYTES, "tx_bytes" },
	{ SSN_A_COUNTERS_TX_WIRE_BYTES, "tx_wire_bytes" },
	{ SSN_A_COUNTERS_TX_PAD_BYTES, "tx_pad_bytes" },
	{ SSN_A_COUNTERS_RX_MESSAGES, "rx_messages" },
	{ SSN_A_COUNTERS_RX_RECORDS, "rx_records" },
	{ SSN_A_COUNTERS_RX_BYTES, "rx_bytes" },
	{ SSN_A_COUNTERS_RX_WIRE_BYTES, "rx_wire_bytes" },
	{ SSN_A_COUNTERS_RX_PAD_BYTES, "rx_pad_bytes" },
	{ SSN_A_COUNTERS_CONNS_OPENED, "conns_opened" },
	{ SSN_A_COUNTERS_CONNS_ACCEPTED, "conns_accepted" },
	{ SSN_A_COUNTERS_CONNS_REFUSED, "conns_refused" },
	{ SSN_A_COUNTERS_CONNS_FAILED, "conns_failed" },
	{ SSN_A_COUNTERS_BAD_TAG, "bad_tag" },
	{ SSN_A_COUNTERS_BAD_SEQ, "bad_seq" },
	{ SSN_A_COUNTERS_BAD_LENGTH, "bad_length" },
	{ SSN_A_COUNTERS_BAD_TYPE, "bad_type" },
	{ SSN_A_COUNTERS_BAD_LEASE, "bad_lease" },
	{ SSN_A_COUNTERS_BAD_SHARE, "bad_share" },
	{ SSN_A_COUNTERS_BAD_HELLO, "bad_hello" },
	{ SSN_A_COUNTERS_REPLAYED_HELLO, "replayed_hello" },
	{ SSN_A_COUNTERS_TRUNCATED, "truncated" },
	{ SSN_A_COUNTERS_FLOOD, "flood" },
	{ SSN_A_COUNTERS_TIMEOUT, "timeout" },
	{ SSN_A_COUNTERS_NO_PAD, "no_pad" },
	{ SSN_A_COUNTERS_BAD_ADDRESS, "bad_address" },
	{ SSN_A_COUNTERS_COEFF_BYTES, "coeff_bytes" },
};

_Static_assert(sizeof(counters) / sizeof(*counters) == SSN_A_COUNTERS_MAX - 1,
	       "a counter has no name");

void admin_counters(struct out *o, const struct nlattr *nest, bool lines)
{
	const struct nlattr *const *tb = nl_nested(nest);
	size_t i;

	for (i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		const struct counter *c = &counters[i];

		if (lines)
			out_row(o, NULL);
		if (strstr(c->name, "_bytes"))
			out_bytes(o, c->name, nl_u64(tb[c->type]));
		else
			out_u64(o, c->name, nl_u64(tb[c->type]));
		if (lines)
			out_row_end(o);
	}
}
