// SPDX-License-Identifier: GPL-2.0
/* key: pads in the kernel, as an administrator sees them: never their bytes. */
#include <stdio.h>
#include <string.h>
#include "admin.h"
#include "util.h"

static const char *state_name(uint32_t state)
{
	switch (state) {
	case QKD_BLOCK_STATE_LOADED:	return "loaded";
	case QKD_BLOCK_STATE_USABLE:	return "usable";
	case QKD_BLOCK_STATE_VOID:	return "void";
	}
	return "?";
}

static void out_uuid(struct out *o, const char *key, const struct nlattr *attr)
{
	char text[UUID_TEXT];

	if (!attr || mnl_attr_get_payload_len(attr) < UUID_BYTES)
		return;
	uuid_format(mnl_attr_get_payload(attr), text);
	out_str(o, key, text);
}

/* --- ring */

static int ring_row(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	struct out *o = arg;

	out_row(o, NULL);
	out_i64(o, "serial", (int32_t)nl_u32(tb[QKD_A_KEYRING_SERIAL]));
	out_bytes(o, "ceiling", nl_u64(tb[QKD_A_KEYRING_CEILING]));
	out_bytes(o, "loaded", nl_u64(tb[QKD_A_KEYRING_LOADED]));
	out_u64(o, "refused_description",
		nl_u64(tb[QKD_A_KEYRING_REFUSED_DESCRIPTION]));
	out_u64(o, "refused_size", nl_u64(tb[QKD_A_KEYRING_REFUSED_SIZE]));
	out_u64(o, "refused_duplicate",
		nl_u64(tb[QKD_A_KEYRING_REFUSED_DUPLICATE]));
	out_u64(o, "refused_permission",
		nl_u64(tb[QKD_A_KEYRING_REFUSED_PERMISSION]));
	out_u64(o, "refused_ceiling", nl_u64(tb[QKD_A_KEYRING_REFUSED_CEILING]));
	out_row_end(o);
	return MNL_CB_OK;
}

static int run_ring(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct out o;
	struct nl *nl;
	int status;

	if (argc > 1)
		return cmd_usage("key ring takes nothing more");
	status = admin_open(&nl, QKD_FAMILY_NAME);
	if (status)
		return status;
	out_begin(&o, stdout, ctx->json);
	status = admin_do(nl, nl_request(nl, QKD_CMD_KEYRING_GET, 0), ring_row,
			  &o, "keyring");
	nl_close(nl);
	return status ?: admin_out_end(&o);
}

static int run_ceiling(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct nlmsghdr *req;
	uint64_t bytes;
	struct nl *nl;
	int status;

	if (argc != 2)
		return cmd_usage("key ceiling wants a number of bytes");
	if ((status = admin_bytes(argv[1], "ceiling", &bytes)) ||
	    (status = admin_open(&nl, QKD_FAMILY_NAME)))
		return status;
	req = nl_request(nl, QKD_CMD_CEILING_SET, 0);
	mnl_attr_put_u64(req, QKD_A_KEYRING_CEILING, bytes);
	status = admin_do(nl, req, NULL, NULL, "ceiling");
	nl_close(nl);
	return status;
}

/* --- pools */

static int pool_row(const struct nlmsghdr *nlh, void *arg)
{
	struct nl_pool pool;
	struct out *o = arg;

	nl_pool_parse(nlh, &pool);
	out_row(o, NULL);
	out_u64(o, "peer", pool.peer);
	out_str(o, "dir", admin_dir_name(pool.dir));
	out_str(o, "kind", admin_kind_name(pool.kind));
	out_bytes(o, "usable", pool.usable);
	out_bytes(o, "pending", pool.pending);
	out_bytes(o, "leased", pool.leased);
	out_bytes(o, "spent", pool.spent);
	out_bytes(o, "voided", pool.voided);
	out_u64(o, "blocks", pool.blocks);
	out_bytes(o, "largest", pool.largest);
	out_bytes(o, "low", pool.low);
	out_u64(o, "refused", pool.refused);
	out_row_end(o);
	return MNL_CB_OK;
}

static int run_pools(int argc, char **argv, const struct cmd_ctx *ctx)
{
	if (argc > 1)
		return cmd_usage("key pools takes nothing more");
	return admin_list(ctx, QKD_FAMILY_NAME, QKD_CMD_POOL_GET, pool_row);
}

struct pool_name {
	uint32_t peer;
	int dir, kind;
};

/* PEER DIR KIND in argv[1..3] */
static int pool_name(int argc, char **argv, struct pool_name *name)
{
	int status;

	if (argc < 4)
		return cmd_usage("key %s wants PEER DIR KIND", argv[0]);
	status = admin_u32(argv[1], "peer", 0, UINT32_MAX, &name->peer);
	if (status)
		return status;
	name->dir = admin_dir(argv[2]);
	if (name->dir < 0)
		return cmd_usage("direction \"%s\" is none of tx, rx, local",
				 argv[2]);
	name->kind = admin_kind(argv[3]);
	if (name->kind < 0)
		return cmd_usage("kind \"%s\" is neither payload nor tag", argv[3]);
	return CMD_OK;
}

static int run_watermark(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct pool_name name;
	struct nlmsghdr *req;
	uint64_t bytes;
	struct nl *nl;
	int status;

	if (argc != 5)
		return cmd_usage("key watermark wants PEER DIR KIND BYTES");
	if ((status = pool_name(argc, argv, &name)) ||
	    (status = admin_bytes(argv[4], "watermark", &bytes)) ||
	    (status = admin_open(&nl, QKD_FAMILY_NAME)))
		return status;
	req = nl_request(nl, QKD_CMD_POOL_SET, 0);
	mnl_attr_put_u32(req, QKD_A_POOL_PEER, name.peer);
	mnl_attr_put_u32(req, QKD_A_POOL_DIR, name.dir);
	mnl_attr_put_u32(req, QKD_A_POOL_KIND, name.kind);
	mnl_attr_put_u64(req, QKD_A_POOL_LOW, bytes);
	status = admin_do(nl, req, NULL, NULL, "watermark");
	nl_close(nl);
	return status;
}

/* --- blocks */

static int block_row(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	uint32_t reason = nl_u32(tb[QKD_A_BLOCK_REASON]);
	struct out *o = arg;
	char text[64];

	out_row(o, NULL);
	out_uuid(o, "block", tb[QKD_A_BLOCK_ID]);
	out_u64(o, "peer", nl_u32(tb[QKD_A_BLOCK_PEER]));
	out_str(o, "dir", admin_dir_name(nl_u32(tb[QKD_A_BLOCK_DIR])));
	out_str(o, "kind", admin_kind_name(nl_u32(tb[QKD_A_BLOCK_KIND])));
	out_str(o, "state", state_name(nl_u32(tb[QKD_A_BLOCK_STATE])));
	out_bytes(o, "size", nl_u32(tb[QKD_A_BLOCK_SIZE]));
	out_bytes(o, "usable", nl_u32(tb[QKD_A_BLOCK_USABLE]));
	out_str(o, "provenance",
		admin_provenance(nl_u32(tb[QKD_A_BLOCK_PROVENANCE]), text));
	out_i64(o, "serial", (int32_t)nl_u32(tb[QKD_A_BLOCK_SERIAL]));
	if (reason)
		out_str(o, "reason", admin_reason_name(reason));
	out_row_end(o);
	return MNL_CB_OK;
}

static int run_blocks(int argc, char **argv, const struct cmd_ctx *ctx)
{
	if (argc > 1)
		return cmd_usage("key blocks takes nothing more");
	return admin_list(ctx, QKD_FAMILY_NAME, QKD_CMD_BLOCK_GET, block_row);
}

/* Sends @cmd for the block whose id is argv[1]. */
static int one_block(char **argv, struct nl *nl, struct nlmsghdr *req,
		     mnl_cb_t cb, void *arg)
{
	char what[64];

	snprintf(what, sizeof(what), "block %.36s", argv[1]);
	return admin_do(nl, req, cb, arg, what);
}

static int block_begin(char **argv, uint8_t cmd, struct nl **nl,
		       struct nlmsghdr **req)
{
	uint8_t id[UUID_BYTES];
	int status;

	if ((status = admin_uuid(argv[1], "block", id)) ||
	    (status = admin_open(nl, QKD_FAMILY_NAME)))
		return status;
	*req = nl_request(*nl, cmd, 0);
	mnl_attr_put(*req, QKD_A_BLOCK_ID, sizeof(id), id);
	return CMD_OK;
}

static int run_void(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct nlmsghdr *req;
	struct nl *nl;
	int status;

	if (argc != 2)
		return cmd_usage("key void wants a block id");
	status = block_begin(argv, QKD_CMD_BLOCK_VOID_NOW, &nl, &req);
	if (status)
		return status;
	status = one_block(argv, nl, req, NULL, NULL);
	nl_close(nl);
	return status;
}

static int tag_row(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	struct out *o = arg;

	out_row(o, NULL);
	out_uuid(o, "block", tb[QKD_A_BLOCK_ID]);
	out_uuid(o, "tag_block", tb[QKD_A_BLOCK_TAG_BLOCK]);
	out_u64(o, "slot", nl_u32(tb[QKD_A_BLOCK_SLOT]));
	if (tb[QKD_A_BLOCK_TAG])
		out_hex(o, "tag", mnl_attr_get_payload(tb[QKD_A_BLOCK_TAG]),
			mnl_attr_get_payload_len(tb[QKD_A_BLOCK_TAG]));
	out_row_end(o);
	return MNL_CB_OK;
}

static int run_tag(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct nlmsghdr *req;
	struct out o;
	struct nl *nl;
	int status;

	if (argc != 2)
		return cmd_usage("key tag wants a block id");
	status = block_begin(argv, QKD_CMD_BLOCK_TAG, &nl, &req);
	if (status)
		return status;
	out_begin(&o, stdout, ctx->json);
	status = one_block(argv, nl, req, tag_row, &o);
	nl_close(nl);
	return status ?: admin_out_end(&o);
}

static int run_confirm(int argc, char **argv, const struct cmd_ctx *ctx)
{
	uint8_t tag_block[UUID_BYTES], tag[16];
	struct nlmsghdr *req;
	uint32_t slot;
	struct nl *nl;
	int status;

	if (argc != 5)
		return cmd_usage("key confirm wants BLOCK TAG_BLOCK SLOT TAG, as the peer's key tag says");
	if ((status = admin_uuid(argv[2], "tag block", tag_block)) ||
	    (status = admin_u32(argv[3], "slot", 0, UINT32_MAX, &slot)) ||
	    (status = admin_hex(argv[4], "tag", tag, sizeof(tag))) ||
	    (status = block_begin(argv, QKD_CMD_BLOCK_CONFIRM, &nl, &req)))
		return status;
	mnl_attr_put(req, QKD_A_BLOCK_TAG_BLOCK, sizeof(tag_block), tag_block);
	mnl_attr_put_u32(req, QKD_A_BLOCK_SLOT, slot);
	mnl_attr_put(req, QKD_A_BLOCK_TAG, sizeof(tag), tag);
	status = one_block(argv, nl, req, NULL, NULL);
	nl_close(nl);
	return status;
}

static const struct cmd key_ring = {
	.object = "key", .verb = "ring", .run = run_ring,
	.help = "the keyring of this network namespace: its serial number for keyctl, its ceiling",
};
CMD_REGISTER(key_ring);

static const struct cmd key_ceiling = {
	.object = "key", .verb = "ceiling", .args = "BYTES", .run = run_ceiling,
	.help = "how much users without CAP_NET_ADMIN may have loaded here",
};
CMD_REGISTER(key_ceiling);

static const struct cmd key_pools = {
	.object = "key", .verb = "pools", .run = run_pools,
	.help = "all pools: what is usable, pending, spent",
};
CMD_REGISTER(key_pools);

static const struct cmd key_watermark = {
	.object = "key", .verb = "watermark", .run = run_watermark,
	.args = "PEER DIR KIND BYTES",
	.help = "raise an event when the pool falls to BYTES; 0 for none",
};
CMD_REGISTER(key_watermark);

static const struct cmd key_blocks = {
	.object = "key", .verb = "blocks", .run = run_blocks,
	.help = "all blocks that pools have",
};
CMD_REGISTER(key_blocks);

static const struct cmd key_void = {
	.object = "key", .verb = "void", .args = "BLOCK", .run = run_void,
	.help = "make a block void and wipe it",
};
CMD_REGISTER(key_void);

static const struct cmd key_tag = {
	.object = "key", .verb = "tag", .args = "BLOCK", .run = run_tag,
	.help = "this end's confirmation of a loaded block, for the peer's key confirm",
};
CMD_REGISTER(key_tag);

static const struct cmd key_confirm = {
	.object = "key", .verb = "confirm", .args = "BLOCK TAG_BLOCK SLOT TAG",
	.run = run_confirm,
	.help = "check the peer's confirmation; a wrong one makes the block void",
};
CMD_REGISTER(key_confirm);
