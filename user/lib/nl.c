// SPDX-License-Identifier: GPL-2.0
/* Generic netlink to the two modules, over libmnl. */
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "nl.h"
#include "nl_error.h"

#define NL_ATTRS	64	/* types above this are from the future */
#define NL_EVENTS	(4 << 20)	/* bytes of events that may wait */
#define NL_REPLY_MAX	32768	/* the most a kernel puts into one dump message */

struct nl {
	const char *family;
	uint16_t id, group;
	uint32_t seq, port;
	struct mnl_socket *sk;
	struct mnl_socket *events;
	char request[NL_REQUEST_MAX];
	char reply[NL_REPLY_MAX];
	char event[NL_REPLY_MAX];
};

/* --- sockets */

static int nl_socket(struct mnl_socket **sk, int flags, struct err *err)
{
	int on = 1, ret;

	*sk = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | flags);
	if (!*sk)
		return err_set(err, -errno, "netlink socket: %s",
			       strerror(errno));
	/* a group is heard only by a socket that was bound before it joined */
	if (mnl_socket_bind(*sk, 0, MNL_SOCKET_AUTOPID) < 0) {
		ret = -errno;
		mnl_socket_close(*sk);
		*sk = NULL;
		return err_set(err, ret, "netlink bind: %s", strerror(-ret));
	}
	/* kernels without these still answer, with less text */
	mnl_socket_setsockopt(*sk, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(*sk, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(*sk, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

static int family_group(const struct nlattr *groups)
{
	const struct nlattr *group;

	mnl_attr_for_each_nested(group, groups) {
		const struct nlattr *const *tb = nl_nested(group);

		if (tb[CTRL_ATTR_MCAST_GRP_NAME] && tb[CTRL_ATTR_MCAST_GRP_ID] &&
		    !strcmp(mnl_attr_get_str(tb[CTRL_ATTR_MCAST_GRP_NAME]),
			    "events"))
			return nl_u32(tb[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return 0;
}

static int family_reply(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	struct nl *nl = arg;

	if (tb[CTRL_ATTR_FAMILY_ID])
		nl->id = mnl_attr_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (tb[CTRL_ATTR_MCAST_GROUPS])
		nl->group = family_group(tb[CTRL_ATTR_MCAST_GROUPS]);
	return MNL_CB_OK;
}

static int family_resolve(struct nl *nl, struct err *err)
{
	struct nlmsghdr *req;
	int ret;

	nl->id = GENL_ID_CTRL;
	req = nl_request(nl, CTRL_CMD_GETFAMILY, 0);
	mnl_attr_put_strz(req, CTRL_ATTR_FAMILY_NAME, nl->family);
	ret = nl_do(nl, req, family_reply, nl, err);
	if (ret == -ENOENT)
		return err_set(err, ret,
			       "the kernel has no netlink family \"%s\": load its module first (modprobe %s)",
			       nl->family, nl_module(nl->family));
	if (!ret && nl->id == GENL_ID_CTRL)
		return err_set(err, -EPROTO,
			       "netlink family \"%s\" has no number", nl->family);
	return ret;
}

int nl_open(struct nl **out, const char *family, struct err *err)
{
	struct nl *nl;
	int ret;

	*out = NULL;
	nl = calloc(1, sizeof(*nl));
	if (!nl)
		return err_set(err, -ENOMEM, "out of memory");
	nl->family = family;
	nl->seq = time(NULL);
	ret = nl_socket(&nl->sk, 0, err);
	if (ret)
		goto err_free;
	nl->port = mnl_socket_get_portid(nl->sk);
	ret = family_resolve(nl, err);
	if (ret)
		goto err_close;
	*out = nl;
	return 0;

err_close:
	mnl_socket_close(nl->sk);
err_free:
	free(nl);
	return ret;
}

void nl_close(struct nl *nl)
{
	if (!nl)
		return;
	if (nl->events)
		mnl_socket_close(nl->events);
	mnl_socket_close(nl->sk);
	free(nl);
}

int nl_fd(const struct nl *nl)
{
	return mnl_socket_get_fd(nl->events ?: nl->sk);
}

/* --- requests */

struct nlmsghdr *nl_request(struct nl *nl, uint8_t cmd, int dump)
{
	struct nlmsghdr *req = mnl_nlmsg_put_header(nl->request);
	struct genlmsghdr *genl;

	req->nlmsg_type = nl->id;
	req->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | (dump ? NLM_F_DUMP : 0);
	req->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(req, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return req;
}

/* 1: go on; 0: done; negative: failed */
static int one_reply(struct nl *nl, const struct nlmsghdr *req,
		     const struct nlmsghdr *nlh, mnl_cb_t cb, void *arg,
		     struct err *err)
{
	const int *code = mnl_nlmsg_get_payload(nlh);
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	if (nlh->nlmsg_type == NLMSG_DONE) {
		if (len >= sizeof(*code) && *code < 0)
			return nl_error(nl->family, req, nlh, *code, err);
		return 0;
	}
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		if (len < sizeof(struct nlmsgerr))
			return err_set(err, -EPROTO,
				       "%s: truncated acknowledgement",
				       nl->family);
		if (!*code)
			return 0;
		return nl_error(nl->family, req, nlh, *code, err);
	}
	if (nlh->nlmsg_type != nl->id || len < sizeof(struct genlmsghdr))
		return err_set(err, -EPROTO, "%s: unexpected message type %u",
			       nl->family, nlh->nlmsg_type);
	errno = 0;
	if (cb && cb(nlh, arg) <= MNL_CB_ERROR)
		return err_set(err, errno ? -errno : -EIO,
			       "%s: the reply was not understood", nl->family);
	return 1;
}

int nl_do(struct nl *nl, struct nlmsghdr *req, mnl_cb_t cb, void *arg,
	  struct err *err)
{
	const struct nlmsghdr *nlh;
	struct err ignored;
	int changed = 0, failed = 0, ret, len;

	err = err ?: &ignored;
	if (mnl_socket_sendto(nl->sk, req, req->nlmsg_len) < 0)
		return err_set(err, -errno, "%s: netlink send: %s", nl->family,
			       strerror(errno));
	for (;;) {
		len = mnl_socket_recvfrom(nl->sk, nl->reply, sizeof(nl->reply));
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return err_set(err, len ? -errno : -EPIPE,
				       "%s: netlink receive: %s", nl->family,
				       strerror(len ? errno : EPIPE));
		for (nlh = (void *)nl->reply; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			/* what an earlier request left */
			if (nlh->nlmsg_seq != req->nlmsg_seq)
				continue;
			changed |= nlh->nlmsg_flags & NLM_F_DUMP_INTR;
			ret = one_reply(nl, req, nlh, failed ? NULL : cb, arg,
					err);
			if (ret > 0)
				continue;
			/* the kernel's answer is read to its end even so */
			if (ret < 0 && nlh->nlmsg_type >= NLMSG_MIN_TYPE) {
				failed = ret;
				continue;
			}
			ret = failed ?: ret;
			if (!ret && changed)
				return err_set(err, -EINTR,
					       "%s: the table changed while it was read: try again",
					       nl->family);
			return ret;
		}
	}
}

/* --- attributes */

static void attrs_index(const struct nlattr *attr, const struct nlattr **tb)
{
	uint16_t type = mnl_attr_get_type(attr);

	if (type < NL_ATTRS)
		tb[type] = attr;
}

const struct nlattr *const *nl_attrs(const struct nlmsghdr *nlh)
{
	static const struct nlattr *tb[NL_ATTRS];
	const struct nlattr *attr;

	memset(tb, 0, sizeof(tb));
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		attrs_index(attr, tb);
	return tb;
}

const struct nlattr *const *nl_nested(const struct nlattr *nest)
{
	static const struct nlattr *tb[NL_ATTRS];
	const struct nlattr *attr;

	memset(tb, 0, sizeof(tb));
	if (nest)
		mnl_attr_for_each_nested(attr, nest)
			attrs_index(attr, tb);
	return tb;
}

uint32_t nl_u32(const struct nlattr *attr)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(uint32_t))
		return 0;
	return mnl_attr_get_u32(attr);
}

uint64_t nl_u64(const struct nlattr *attr)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(uint64_t))
		return 0;
	return mnl_attr_get_u64(attr);
}

uint8_t nl_cmd(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	return genl->cmd;
}

/* --- events */

int nl_subscribe(struct nl *nl, struct err *err)
{
	int group = nl->group, room = NL_EVENTS, ret;

	if (nl->events)
		return 0;
	if (!group)
		return err_set(err, -EPROTO,
			       "netlink family \"%s\" has no group \"events\"",
			       nl->family);
	ret = nl_socket(&nl->events, SOCK_NONBLOCK, err);
	if (ret)
		return ret;
	/* over the system's limit where that is allowed, else up to it */
	if (setsockopt(mnl_socket_get_fd(nl->events), SOL_SOCKET, SO_RCVBUFFORCE, &room,
		       sizeof(room)))
		setsockopt(mnl_socket_get_fd(nl->events), SOL_SOCKET, SO_RCVBUF, &room,
			   sizeof(room));
	if (mnl_socket_setsockopt(nl->events, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0) {
		ret = -errno;
		mnl_socket_close(nl->events);
		nl->events = NULL;
		return err_set(err, ret, "%s: cannot listen to events: %s",
			       nl->family, strerror(-ret));
	}
	return 0;
}

int nl_read(struct nl *nl, mnl_cb_t cb, void *arg)
{
	const struct nlmsghdr *nlh;
	int len;

	if (!nl->events)
		return -EINVAL;
	for (;;) {
		len = mnl_socket_recvfrom(nl->events, nl->event,
					  sizeof(nl->event));
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (len <= 0)
			return len ? -errno : -EPIPE;
		for (nlh = (void *)nl->event; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_type != nl->id ||
			    mnl_nlmsg_get_payload_len(nlh) <
			    sizeof(struct genlmsghdr))
				continue;
			errno = 0;
			if (cb(nlh, arg) <= MNL_CB_ERROR)
				return errno ? -errno : -EIO;
		}
	}
}

/* --- pools */

void nl_pool_parse(const struct nlmsghdr *nlh, struct nl_pool *pool)
{
	const struct nlattr *const *tb = nl_attrs(nlh);

	*pool = (struct nl_pool) {
		.peer = nl_u32(tb[QKD_A_POOL_PEER]),
		.dir = nl_u32(tb[QKD_A_POOL_DIR]),
		.kind = nl_u32(tb[QKD_A_POOL_KIND]),
		.usable = nl_u64(tb[QKD_A_POOL_USABLE]),
		.pending = nl_u64(tb[QKD_A_POOL_PENDING]),
		.leased = nl_u64(tb[QKD_A_POOL_LEASED]),
		.spent = nl_u64(tb[QKD_A_POOL_SPENT]),
		.voided = nl_u64(tb[QKD_A_POOL_VOIDED]),
		.low = nl_u64(tb[QKD_A_POOL_LOW]),
		.largest = nl_u64(tb[QKD_A_POOL_LARGEST]),
		.refused = nl_u64(tb[QKD_A_POOL_REFUSED]),
		.blocks = nl_u32(tb[QKD_A_POOL_BLOCKS]),
	};
}

static int pool_reply(const struct nlmsghdr *nlh, void *arg)
{
	nl_pool_parse(nlh, arg);
	return MNL_CB_OK;
}

int nl_pool_get(struct nl *nl, uint32_t peer, enum qkd_dir dir,
		enum qkd_kind kind, struct nl_pool *pool, struct err *err)
{
	struct nlmsghdr *req = nl_request(nl, QKD_CMD_POOL_GET, 0);

	mnl_attr_put_u32(req, QKD_A_POOL_PEER, peer);
	mnl_attr_put_u32(req, QKD_A_POOL_DIR, dir);
	mnl_attr_put_u32(req, QKD_A_POOL_KIND, kind);
	return nl_do(nl, req, pool_reply, pool, err);
}
