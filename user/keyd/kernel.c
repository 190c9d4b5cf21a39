// SPDX-License-Identifier: GPL-2.0
#include "kernel.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"

struct kernel {
	struct nl *nl;
	struct event *readable;
	struct kernel_events events;
	int32_t keyring;
};

static void parse_block(const struct nlmsghdr *nlh, struct kernel_block *b)
{
	const struct nlattr *const *tb = nl_attrs(nlh);

	memset(b, 0, sizeof(*b));
	if (tb[QKD_A_BLOCK_ID] &&
	    mnl_attr_get_payload_len(tb[QKD_A_BLOCK_ID]) == UUID_BYTES)
		memcpy(b->id, mnl_attr_get_payload(tb[QKD_A_BLOCK_ID]), UUID_BYTES);
	b->peer = nl_u32(tb[QKD_A_BLOCK_PEER]);
	b->dir = nl_u32(tb[QKD_A_BLOCK_DIR]);
	b->kind = nl_u32(tb[QKD_A_BLOCK_KIND]);
	b->state = nl_u32(tb[QKD_A_BLOCK_STATE]);
	b->reason = nl_u32(tb[QKD_A_BLOCK_REASON]);
}

static int on_event(const struct nlmsghdr *nlh, void *arg)
{
	struct kernel *k = arg;
	struct kernel_block block;
	struct nl_pool pool;

	switch (nl_cmd(nlh)) {
	case QKD_CMD_POOL_LOW:
	case QKD_CMD_POOL_EMPTY:
		nl_pool_parse(nlh, &pool);
		k->events.low(&pool);
		break;
	case QKD_CMD_BLOCK_VOID:
		parse_block(nlh, &block);
		k->events.voided(&block);
		break;
	}
	return MNL_CB_OK;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct kernel *k = arg;
	int ret = nl_read(k->nl, on_event, k);

	if (!ret)
		return;
	log_warn("events of the kernel were lost: %s", strerror(-ret));
	k->events.lost();
}

void kernel_catch_up(struct kernel *k)
{
	int tries = 16;		/* more of them may be lost meanwhile */

	while (nl_read(k->nl, on_event, k) == -ENOBUFS && --tries)
		;
}

static int keyring_cb(const struct nlmsghdr *nlh, void *arg)
{
	*(int32_t *)arg = nl_u32(nl_attrs(nlh)[QKD_A_KEYRING_SERIAL]);
	return MNL_CB_OK;
}

/**
 * kernel_open - reach the keyring of the own network namespace
 * @base:	event loop
 * @events:	what is called; copied
 * @kernel:	result, for kernel_close()
 * @err:	what was wrong
 *
 * Return: 0; -ENOENT where the module is not loaded; others from netlink.
 */
int kernel_open(struct event_base *base, const struct kernel_events *events,
		struct kernel **kernel, struct err *err)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int ret = -ENOMEM;

	*kernel = NULL;
	if (!k)
		return err_set(err, ret, "out of memory");
	k->events = *events;
	ret = nl_open(&k->nl, QKD_FAMILY_NAME, err) ?:
	      nl_subscribe(k->nl, err) ?:
	      nl_do(k->nl, nl_request(k->nl, QKD_CMD_KEYRING_GET, 0), keyring_cb,
		    &k->keyring, err);
	if (ret)
		goto err_close;
	k->readable = event_new(base, nl_fd(k->nl), EV_READ | EV_PERSIST, on_readable, k);
	if (!k->readable || event_add(k->readable, NULL)) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto err_close;
	}
	*kernel = k;
	return 0;
err_close:
	kernel_close(k);
	return ret;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	if (k->readable)
		event_free(k->readable);
	if (k->nl)
		nl_close(k->nl);
	free(k);
}

/* What hangs on the session's keyring is ours whoever we are; .qkd is root's. */
int kernel_possess(struct kernel *k, struct err *err)
{
	if (keyctl_join_session_keyring(NULL) < 0 ||
	    keyctl_link(k->keyring, KEY_SPEC_SESSION_KEYRING))
		return err_set(err, -errno, "the keyring cannot be kept: %s",
			       strerror(errno));
	return 0;
}

int32_t kernel_keyring(const struct kernel *k)
{
	return k->keyring;
}

int kernel_level(struct kernel *k, uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		 struct nl_pool *pool, struct err *err)
{
	int ret = nl_pool_get(k->nl, peer, dir, kind, pool, err);

	if (ret == -ENOENT) {
		memset(pool, 0, sizeof(*pool));
		pool->peer = peer;
		pool->dir = dir;
		pool->kind = kind;
		ret = 0;
	}
	return ret;
}

int kernel_watermark(struct kernel *k, uint32_t peer, enum qkd_kind kind, uint64_t low,
		     struct err *err)
{
	struct nlmsghdr *req = nl_request(k->nl, QKD_CMD_POOL_SET, 0);

	mnl_attr_put_u32(req, QKD_A_POOL_PEER, peer);
	mnl_attr_put_u32(req, QKD_A_POOL_DIR, QKD_DIR_TX);
	mnl_attr_put_u32(req, QKD_A_POOL_KIND, kind);
	mnl_attr_put_u64(req, QKD_A_POOL_LOW, low);
	return nl_do(k->nl, req, NULL, NULL, err);
}

int kernel_load(struct kernel *k, struct block *b, struct err *err)
{
	char id[UUID_TEXT], desc[96];
	int ret = 0;

	uuid_format(b->id, id);
	snprintf(desc, sizeof(desc), "%u:%s:%s:%s:%x", b->peer,
		 b->dir == QKD_DIR_TX ? "tx" : "rx",
		 b->kind == QKD_KIND_TAG ? "tag" : "payload", id, b->provenance);
	if (add_key("qkd", desc, b->pad, b->size, k->keyring) < 0)
		ret = err_set(err, -errno, "the kernel does not take the block: %s%s",
			      strerror(errno), errno == EPERM || errno == EACCES ?
			      " (keyd needs CAP_NET_ADMIN, or a ceiling: ssnctl key ceiling)" :
			      errno == EDQUOT ? " (raise kernel.keys.maxkeys)" : "");
	block_wipe(b);
	return ret;
}

static struct nlmsghdr *block_request(struct kernel *k, uint8_t cmd,
				      const uint8_t id[UUID_BYTES])
{
	struct nlmsghdr *req = nl_request(k->nl, cmd, 0);

	mnl_attr_put(req, QKD_A_BLOCK_ID, UUID_BYTES, id);
	return req;
}

static int tag_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	struct kernel_tag *tag = arg;

	if (!tb[QKD_A_BLOCK_TAG_BLOCK] || !tb[QKD_A_BLOCK_TAG] ||
	    mnl_attr_get_payload_len(tb[QKD_A_BLOCK_TAG_BLOCK]) != UUID_BYTES ||
	    mnl_attr_get_payload_len(tb[QKD_A_BLOCK_TAG]) != KERNEL_TAG)
		return MNL_CB_ERROR;
	memcpy(tag->tag_block, mnl_attr_get_payload(tb[QKD_A_BLOCK_TAG_BLOCK]),
	       UUID_BYTES);
	memcpy(tag->tag, mnl_attr_get_payload(tb[QKD_A_BLOCK_TAG]), KERNEL_TAG);
	tag->slot = nl_u32(tb[QKD_A_BLOCK_SLOT]);
	return MNL_CB_OK;
}

int kernel_tag(struct kernel *k, const uint8_t id[UUID_BYTES], struct kernel_tag *tag,
	       struct err *err)
{
	return nl_do(k->nl, block_request(k, QKD_CMD_BLOCK_TAG, id), tag_cb, tag, err);
}

int kernel_confirm(struct kernel *k, const uint8_t id[UUID_BYTES],
		   const struct kernel_tag *peer, struct err *err)
{
	struct nlmsghdr *req = block_request(k, QKD_CMD_BLOCK_CONFIRM, id);

	mnl_attr_put(req, QKD_A_BLOCK_TAG_BLOCK, UUID_BYTES, peer->tag_block);
	mnl_attr_put_u32(req, QKD_A_BLOCK_SLOT, peer->slot);
	mnl_attr_put(req, QKD_A_BLOCK_TAG, KERNEL_TAG, peer->tag);
	return nl_do(k->nl, req, NULL, NULL, err);
}

int kernel_void(struct kernel *k, const uint8_t id[UUID_BYTES], struct err *err)
{
	return nl_do(k->nl, block_request(k, QKD_CMD_BLOCK_VOID_NOW, id), NULL, NULL, err);
}

int kernel_retire(struct kernel *k, const uint8_t id[UUID_BYTES], struct err *err)
{
	return nl_do(k->nl, block_request(k, QKD_CMD_BLOCK_RETIRE, id), NULL, NULL, err);
}

static int block_cb(const struct nlmsghdr *nlh, void *arg)
{
	parse_block(nlh, arg);
	return MNL_CB_OK;
}

int kernel_block(struct kernel *k, const uint8_t id[UUID_BYTES],
		 struct kernel_block *block, struct err *err)
{
	return nl_do(k->nl, block_request(k, QKD_CMD_BLOCK_GET, id), block_cb, block, err);
}
