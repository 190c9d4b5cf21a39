/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of qkd_keyring: network namespaces, keys, the netlink family "qkd".
 * Calls give 0 (or a serial number) or -1 with errno, and netlink calls leave
 * the kernel's words in nl_text.
 */
#ifndef QKD_UTIL_H
#define QKD_UTIL_H

#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/qkd_genl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define UNUSED __attribute__((unused))

#define UNIT	4096
#define RUN	2048
#define SLOT	32
#define UUID_TEXT 37

typedef unsigned char qkd_id[16];

static const char *const dir_name[] = { "tx", "rx", "local" };
static const char *const kind_name[] = { "payload", "tag" };

/* --- network namespaces */

static UNUSED int ns_here(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		bail("/proc/thread-self/ns/net: %s", strerror(errno));
	return fd;
}

static UNUSED void ns_enter(int fd)
{
	if (setns(fd, CLONE_NEWNET))
		bail("setns: %s", strerror(errno));
}

/* A new one, which this thread is in afterwards. */
static UNUSED int ns_new(void)
{
	if (unshare(CLONE_NEWNET))
		bail("unshare: %s", strerror(errno));
	return ns_here();
}

/* --- modules, of the folder that has both of ours */

static UNUSED void module_path(const char *name, char *path, size_t len)
{
	snprintf(path, len, "%s/%s.ko", getenv("SSN_MODULES") ?: ".", name);
}

static UNUSED int module_load(const char *name)
{
	char path[4096];
	int fd, err;

	module_path(name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	err = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return err;
}

static UNUSED int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

/* --- netlink */

struct nl {
	struct mnl_socket *sock;
	uint32_t port, seq;
	uint16_t family;
	uint32_t group;
};

static __thread char nl_text[256];

struct nl_reply {
	mnl_cb_t cb;
	void *data;
};

static int nl_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **table = data;

	if (mnl_attr_get_type(attr) < 64)
		table[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void nl_error_text(const struct nlmsghdr *nlh)
{
	const struct nlattr *table[64] = {};
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*err);

	nl_text[0] = '\0';
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += err->msg.nlmsg_len - sizeof(err->msg);
	mnl_attr_parse(nlh, offset, nl_attr, table);
	if (table[NLMSGERR_ATTR_MSG])
		snprintf(nl_text, sizeof(nl_text), "%s",
			 mnl_attr_get_str(table[NLMSGERR_ATTR_MSG]));
}

static UNUSED struct nlmsghdr *nl_start(struct nl *nl, void *buf, uint16_t type,
					uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

/* Sends and takes all replies; 0, or -1 with errno and nl_text. */
static int nl_talk(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	static __thread char buf[65536];
	const struct nlmsghdr *got;
	ssize_t len;
	int left;

	nl_text[0] = '\0';
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -1;
	for (;;) {
		len = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
		if (len < 0)
			return -1;
		left = len;
		for (got = (void *)buf; mnl_nlmsg_ok(got, left);
		     got = mnl_nlmsg_next(got, &left)) {
			if (got->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *err =
					mnl_nlmsg_get_payload(got);

				nl_error_text(got);
				errno = -err->error;
				return err->error ? -1 : 0;
			}
			if (got->nlmsg_type == NLMSG_DONE)
				return 0;
			if (cb)
				cb(got, data);
		}
	}
}

static int nl_family_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *table[64] = {}, *grp, *sub;
	struct nl *nl = data;

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), nl_attr, table);
	if (table[CTRL_ATTR_FAMILY_ID])
		nl->family = mnl_attr_get_u16(table[CTRL_ATTR_FAMILY_ID]);
	if (!table[CTRL_ATTR_MCAST_GROUPS])
		return MNL_CB_OK;
	mnl_attr_for_each_nested(grp, table[CTRL_ATTR_MCAST_GROUPS])
		mnl_attr_for_each_nested(sub, grp)
			if (mnl_attr_get_type(sub) == CTRL_ATTR_MCAST_GRP_ID)
				nl->group = mnl_attr_get_u32(sub);
	return MNL_CB_OK;
}

/* A socket in the namespace this process is in now. */
static UNUSED struct nl *nl_open(bool events)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int one = 1;
	char buf[1024];
	struct nlmsghdr *nlh;

	nl->sock = mnl_socket_open(NETLINK_GENERIC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		bail("netlink: %s", strerror(errno));
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	nlh = nl_start(nl, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, QKD_FAMILY_NAME);
	if (nl_talk(nl, nlh, nl_family_cb, nl) || !nl->family || !nl->group)
		bail("no generic netlink family \"qkd\"");
	if (events && mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP,
					    &nl->group, sizeof(nl->group)))
		bail("joining the events: %s", strerror(errno));
	return nl;
}

static UNUSED void nl_close(struct nl *nl)
{
	mnl_socket_close(nl->sock);
	free(nl);
}

static UNUSED uint64_t attr_num(const struct nlattr *attr)
{
	if (!attr)
		return 0;
	return mnl_attr_get_payload_len(attr) == 8 ? mnl_attr_get_u64(attr) :
						     mnl_attr_get_u32(attr);
}

/* --- ids, randomness, tags */

/*
 * Bytes that differ from all others: here they need not be secret, and the kernel's
 * generator would take longer than what is tested. Seeded by it, then splitmix64.
 */
static UNUSED void fill_random(void *buf, size_t len)
{
	uint64_t state, z;
	size_t done, n;

	if (getrandom(&state, sizeof(state), 0) != sizeof(state))
		bail("getrandom: %s", strerror(errno));
	for (done = 0; done < len; done += n) {
		z = state += 0x9e3779b97f4a7c15;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		z ^= z >> 31;
		n = len - done < sizeof(z) ? len - done : sizeof(z);
		memcpy((char *)buf + done, &z, n);
	}
}

static UNUSED void id_new(qkd_id id)
{
	fill_random(id, 16);
	id[6] = (id[6] & 0x0f) | 0x40;
	id[8] = (id[8] & 0x3f) | 0x80;
}

static UNUSED char *id_text(const qkd_id id, char text[UUID_TEXT])
{
	char *p = text;
	int i;

	for (i = 0; i < 16; i++)
		p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ?
			     "-" : "", id[i]);
	return text;
}

static UNUSED void poly1305(const unsigned char key[32], const void *head,
			    size_t head_len, const void *body, size_t body_len,
			    unsigned char tag[16])
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	size_t len = 16;

	if (!EVP_MAC_init(ctx, key, 32, NULL) ||
	    !EVP_MAC_update(ctx, head, head_len) ||
	    !EVP_MAC_update(ctx, body, body_len) ||
	    !EVP_MAC_final(ctx, tag, &len, 16))
		bail("OpenSSL has no Poly1305");
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
}

/* --- keyrings and keys */

struct ring {
	int32_t serial;
	uint64_t ceiling, loaded, refused[5];
};

static int ring_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *table[64] = {};
	struct ring *ring = data;
	int i;

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), nl_attr, table);
	ring->serial = attr_num(table[QKD_A_KEYRING_SERIAL]);
	ring->ceiling = attr_num(table[QKD_A_KEYRING_CEILING]);
	ring->loaded = attr_num(table[QKD_A_KEYRING_LOADED]);
	for (i = 0; i < 5; i++)
		ring->refused[i] =
			attr_num(table[QKD_A_KEYRING_REFUSED_DESCRIPTION + i]);
	return MNL_CB_OK;
}

static UNUSED int ring_get(struct nl *nl, int ns, struct ring *ring)
{
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, QKD_CMD_KEYRING_GET,
					NLM_F_ACK);

	memset(ring, 0, sizeof(*ring));
	if (ns >= 0)
		mnl_attr_put_u32(nlh, QKD_A_KEYRING_NETNS_FD, ns);
	return nl_talk(nl, nlh, ring_cb, ring);
}

static UNUSED int ring_serial(struct nl *nl)
{
	struct ring ring;

	if (ring_get(nl, -1, &ring) || ring.serial <= 0)
		bail("keyring-get: %s (%s)", strerror(errno), nl_text);
	return ring.serial;
}

static UNUSED int ceiling_set(struct nl *nl, int ns, uint64_t bytes)
{
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, QKD_CMD_CEILING_SET,
					NLM_F_ACK);

	if (ns >= 0)
		mnl_attr_put_u32(nlh, QKD_A_KEYRING_NETNS_FD, ns);
	mnl_attr_put_u64(nlh, QKD_A_KEYRING_CEILING, bytes);
	return nl_talk(nl, nlh, NULL, NULL);
}

/* The serial number, or -1 with errno. */
static UNUSED int block_add(int ring, uint32_t peer, int dir, int kind,
			    const qkd_id id, const void *bytes, size_t len)
{
	char desc[128], text[UUID_TEXT];

	snprintf(desc, sizeof(desc), "%u:%s:%s:%s", peer, dir_name[dir],
		 kind_name[kind], id_text(id, text));
	return add_key("qkd", desc, bytes, len, ring);
}

/* --- pools */

struct pool {
	uint32_t peer, dir, kind, blocks;
	uint64_t usable, pending, leased, spent, voided, low, largest, refused;
};

static int pool_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *a[64] = {};
	struct pool *pool = data;

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), nl_attr, a);
	pool->peer = attr_num(a[QKD_A_POOL_PEER]);
	pool->dir = attr_num(a[QKD_A_POOL_DIR]);
	pool->kind = attr_num(a[QKD_A_POOL_KIND]);
	pool->blocks = attr_num(a[QKD_A_POOL_BLOCKS]);
	pool->usable = attr_num(a[QKD_A_POOL_USABLE]);
	pool->pending = attr_num(a[QKD_A_POOL_PENDING]);
	pool->leased = attr_num(a[QKD_A_POOL_LEASED]);
	pool->spent = attr_num(a[QKD_A_POOL_SPENT]);
	pool->voided = attr_num(a[QKD_A_POOL_VOIDED]);
	pool->low = attr_num(a[QKD_A_POOL_LOW]);
	pool->largest = attr_num(a[QKD_A_POOL_LARGEST]);
	pool->refused = attr_num(a[QKD_A_POOL_REFUSED]);
	return MNL_CB_OK;
}

static UNUSED int pool_get(struct nl *nl, uint32_t peer, int dir, int kind,
			   struct pool *pool)
{
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, QKD_CMD_POOL_GET,
					NLM_F_ACK);

	memset(pool, 0, sizeof(*pool));
	mnl_attr_put_u32(nlh, QKD_A_POOL_PEER, peer);
	mnl_attr_put_u32(nlh, QKD_A_POOL_DIR, dir);
	mnl_attr_put_u32(nlh, QKD_A_POOL_KIND, kind);
	return nl_talk(nl, nlh, pool_cb, pool);
}

static UNUSED int pool_set(struct nl *nl, uint32_t peer, int dir, int kind,
			   uint64_t low)
{
	char buf[1024];
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, QKD_CMD_POOL_SET,
					NLM_F_ACK);

	mnl_attr_put_u32(nlh, QKD_A_POOL_PEER, peer);
	mnl_attr_put_u32(nlh, QKD_A_POOL_DIR, dir);
	mnl_attr_put_u32(nlh, QKD_A_POOL_KIND, kind);
	mnl_attr_put_u64(nlh, QKD_A_POOL_LOW, low);
	return nl_talk(nl, nlh, NULL, NULL);
}

/* --- blocks */

struct block {
	uint32_t peer, dir, kind, state, size, usable, provenance, reason;
	int32_t serial;
	qkd_id id;
};

static int block_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *a[64] = {};
	struct block *block = data;

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), nl_attr, a);
	block->peer = attr_num(a[QKD_A_BLOCK_PEER]);
	block->dir = attr_num(a[QKD_A_BLOCK_DIR]);
	block->kind = attr_num(a[QKD_A_BLOCK_KIND]);
	block->state = attr_num(a[QKD_A_BLOCK_STATE]);
	block->size = attr_num(a[QKD_A_BLOCK_SIZE]);
	block->usable = attr_num(a[QKD_A_BLOCK_USABLE]);
	block->provenance = attr_num(a[QKD_A_BLOCK_PROVENANCE]);
	block->reason = attr_num(a[QKD_A_BLOCK_REASON]);
	block->serial = attr_num(a[QKD_A_BLOCK_SERIAL]);
	if (a[QKD_A_BLOCK_ID])
		memcpy(block->id, mnl_attr_get_payload(a[QKD_A_BLOCK_ID]), 16);
	return MNL_CB_OK;
}

static struct nlmsghdr *block_start(struct nl *nl, void *buf, uint8_t cmd,
				    const qkd_id id)
{
	struct nlmsghdr *nlh = nl_start(nl, buf, nl->family, cmd, NLM_F_ACK);

	mnl_attr_put(nlh, QKD_A_BLOCK_ID, 16, id);
	return nlh;
}

static UNUSED int block_get(struct nl *nl, const qkd_id id, struct block *block)
{
	char buf[1024];

	memset(block, 0, sizeof(*block));
	return nl_talk(nl, block_start(nl, buf, QKD_CMD_BLOCK_GET, id),
		       block_cb, block);
}

static UNUSED int block_void_now(struct nl *nl, const qkd_id id)
{
	char buf[1024];

	return nl_talk(nl, block_start(nl, buf, QKD_CMD_BLOCK_VOID_NOW, id),
		       NULL, NULL);
}

struct confirmation {
	qkd_id tag_block;
	uint32_t slot;
	unsigned char tag[16];
};

static int confirmation_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *a[64] = {};
	struct confirmation *c = data;

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), nl_attr, a);
	if (!a[QKD_A_BLOCK_TAG_BLOCK] || !a[QKD_A_BLOCK_SLOT] ||
	    !a[QKD_A_BLOCK_TAG])
		return MNL_CB_OK;
	memcpy(c->tag_block, mnl_attr_get_payload(a[QKD_A_BLOCK_TAG_BLOCK]), 16);
	c->slot = attr_num(a[QKD_A_BLOCK_SLOT]);
	memcpy(c->tag, mnl_attr_get_payload(a[QKD_A_BLOCK_TAG]), 16);
	return MNL_CB_OK;
}

static UNUSED int block_tag(struct nl *nl, const qkd_id id,
			    struct confirmation *c)
{
	char buf[1024];

	memset(c, 0, sizeof(*c));
	return nl_talk(nl, block_start(nl, buf, QKD_CMD_BLOCK_TAG, id),
		       confirmation_cb, c);
}

static UNUSED int block_confirm(struct nl *nl, const qkd_id id,
				const struct confirmation *c)
{
	char buf[1024];
	struct nlmsghdr *nlh = block_start(nl, buf, QKD_CMD_BLOCK_CONFIRM, id);

	mnl_attr_put(nlh, QKD_A_BLOCK_TAG_BLOCK, 16, c->tag_block);
	mnl_attr_put_u32(nlh, QKD_A_BLOCK_SLOT, c->slot);
	mnl_attr_put(nlh, QKD_A_BLOCK_TAG, 16, c->tag);
	return nl_talk(nl, nlh, NULL, NULL);
}

/*
 * What the peer's kernel would answer, computed here: @end is whose tag it is,
 * 0 of the end that sends with the block.
 */
static UNUSED void tag_of(const unsigned char *key, int kind, int end,
			  const qkd_id id, const unsigned char *bytes,
			  size_t len, unsigned char tag[16])
{
	size_t skip = kind == QKD_KIND_TAG ? 2 * SLOT : 0;
	unsigned char head[28] = { 'Q', 'K', 'D', 'C', 1, kind, end };

	len -= skip;
	head[8] = len >> 24;
	head[9] = len >> 16;
	head[10] = len >> 8;
	head[11] = len;
	memcpy(head + 12, id, 16);
	poly1305(key, head, sizeof(head), bytes + skip, len, tag);
}

/* Confirms a tag block of this end, in the name of its peer. */
static UNUSED int tag_block_confirm(struct nl *nl, int dir, const qkd_id id,
				    const unsigned char *bytes, size_t len)
{
	int end = dir == QKD_DIR_TX ? 1 : 0;
	struct confirmation c = { .slot = end };

	memcpy(c.tag_block, id, 16);
	tag_of(bytes + end * SLOT, QKD_KIND_TAG, end, id, bytes, len, c.tag);
	return block_confirm(nl, id, &c);
}

/* Confirms a payload block with slot @slot of the rx tag block @with. */
static UNUSED int payload_confirm(struct nl *nl, int dir, const qkd_id id,
				  const unsigned char *bytes, size_t len,
				  const qkd_id with, const unsigned char *slots,
				  uint32_t slot)
{
	struct confirmation c = { .slot = slot };

	memcpy(c.tag_block, with, 16);
	tag_of(slots + slot * SLOT, QKD_KIND_PAYLOAD,
	       dir == QKD_DIR_TX ? 1 : 0, id, bytes, len, c.tag);
	return block_confirm(nl, id, &c);
}

/* --- events */

struct event {
	uint8_t cmd;
	struct pool pool;
	struct block block;
};

/* The next event, or none within @ms milliseconds. */
static UNUSED bool event_next(struct nl *nl, int ms, struct event *event)
{
	struct pollfd pfd = { mnl_socket_get_fd(nl->sock), POLLIN, 0 };
	const struct genlmsghdr *genl;
	char buf[8192];
	ssize_t len;

	memset(event, 0, sizeof(*event));
	if (poll(&pfd, 1, ms) <= 0)
		return false;
	len = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
	if (len <= 0)
		bail("events: %s", strerror(errno));
	genl = mnl_nlmsg_get_payload((void *)buf);
	event->cmd = genl->cmd;
	if (genl->cmd == QKD_CMD_BLOCK_VOID)
		block_cb((void *)buf, &event->block);
	else
		pool_cb((void *)buf, &event->pool);
	return true;
}

/* --- waiting */

static UNUSED double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Tries a condition until it holds, for at most @seconds. */
#define until(cond, seconds) ({						\
	double until_end = now() + (seconds);				\
	bool until_met;							\
	while (!(until_met = !!(cond)) && now() < until_end)		\
		usleep(10000);						\
	until_met;							\
})

/* Whether /proc/keys (of all namespaces) has a key with this in its line. */
static UNUSED bool key_listed(const char *what)
{
	FILE *f = fopen("/proc/keys", "r");
	bool found = false;
	char line[512];

	if (!f)
		bail("/proc/keys: %s", strerror(errno));
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, what);
	fclose(f);
	return found;
}

#endif
