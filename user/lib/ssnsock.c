// SPDX-License-Identifier: GPL-2.0
/* AF_SSN sockets, and messages with their share heads. */
#include "ssnsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

int ssn_family(void)
{
	char text[16], *end;
	ssize_t len;
	long family;
	int fd;

	fd = open("/proc/sys/net/ssn/family", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -EIO;
	text[len] = 0;
	family = strtol(text, &end, 10);
	if (end == text || family <= AF_UNSPEC || family >= AF_MAX)
		return -EIO;
	return family;
}

/* A socket, and its family in @addr. */
static int ssn_socket(int protocol, int flags, struct sockaddr_ssn *addr)
{
	int family = ssn_family(), fd;

	if (family < 0)
		return family;
	fd = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, protocol);
	if (fd < 0)
		return -errno;
	memset(addr, 0, sizeof(*addr));
	addr->ssn_family = family;
	return fd;
}

int ssn_listen(unsigned int service, int backlog)
{
	struct sockaddr_ssn addr;
	int fd, ret;

	fd = ssn_socket(SSNPROTO_LINK, 0, &addr);
	if (fd < 0)
		return fd;
	addr.ssn_service = service;
	addr.ssn_node = SSN_NODE_ANY;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, backlog)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int ssn_accept(int fd, struct ssn_peer_info *peer)
{
	socklen_t len = sizeof(*peer);
	int conn, ret;

	do {
		conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	} while (conn < 0 && errno == EINTR);
	if (conn < 0)
		return -errno;
	memset(peer, 0, sizeof(*peer));
	if (getsockopt(conn, SOL_SSN, SSN_PEER, peer, &len))
		ret = -errno;
	else if (len != sizeof(*peer))
		ret = -EPROTO;
	else
		return conn;
	close(conn);
	return ret;
}

static int ssn_timeout(int fd, unsigned int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
			      .tv_usec = ms % 1000 * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)))
		return -errno;
	return 0;
}

/* The kernel bounds the wait; what it calls EINPROGRESS then is a timeout. */
static int ssn_connect(int protocol, struct sockaddr_ssn *to,
		       unsigned int timeout_ms)
{
	struct sockaddr_ssn addr;
	int fd, ret;

	fd = ssn_socket(protocol, timeout_ms ? 0 : SOCK_NONBLOCK, &addr);
	if (fd < 0)
		return fd;
	to->ssn_family = addr.ssn_family;
	ret = timeout_ms ? ssn_timeout(fd, timeout_ms) : 0;
	if (!ret && connect(fd, (struct sockaddr *)to, sizeof(*to)))
		ret = -errno;
	if (!timeout_ms && ret == -EINPROGRESS)
		return fd;
	if (ret == -EINPROGRESS || ret == -EAGAIN)
		ret = -ETIMEDOUT;
	if (!ret && timeout_ms)
		ret = ssn_timeout(fd, 0);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int ssn_connect_link(unsigned int node, unsigned int service,
		     unsigned int timeout_ms)
{
	struct sockaddr_ssn addr = { .ssn_node = node, .ssn_service = service };

	return ssn_connect(SSNPROTO_LINK, &addr, timeout_ms);
}

int ssn_connect_group(unsigned int group, unsigned int timeout_ms)
{
	struct sockaddr_ssn addr = { .ssn_group = group };

	return ssn_connect(SSNPROTO_SHARE, &addr, timeout_ms);
}

int ssn_members(int fd, struct ssn_member *m, unsigned int max)
{
	socklen_t len = max * sizeof(*m);

	if (getsockopt(fd, SOL_SSN, SSN_MEMBERS, m, &len))
		return -errno;
	return len / sizeof(*m);
}

ssize_t ssn_send(int fd, const struct ssn_share *share, const void *buf,
		 size_t len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(*share))];
	} control;
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t ret;

	if (share) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SSN;
		cmsg->cmsg_type = SSN_SHARE;
		cmsg->cmsg_len = CMSG_LEN(sizeof(*share));
		memcpy(CMSG_DATA(cmsg), share, sizeof(*share));
	}
	do {
		ret = sendmsg(fd, &msg, MSG_NOSIGNAL);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

ssize_t ssn_recv(int fd, struct ssn_share *share, int *has, void *buf,
		 size_t size)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(*share))];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;
	ssize_t ret;

	*has = 0;
	do {
		ret = recvmsg(fd, &msg, 0);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	if (msg.msg_flags & MSG_CTRUNC)
		return -EPROTO;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SSN || cmsg->cmsg_type != SSN_SHARE)
			continue;
		if (cmsg->cmsg_len != CMSG_LEN(sizeof(*share)))
			return -EPROTO;
		memcpy(share, CMSG_DATA(cmsg), sizeof(*share));
		*has = 1;
	}
	return ret;
}

int ssn_send_json(int fd, unsigned int x, const json_t *msg)
{
	struct ssn_share share = { .x = x, .flags = SSN_SHARE_CONTROL };
	ssize_t ret;
	char *text;

	text = json_dumps(msg, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	ret = ssn_send(fd, &share, text, strlen(text));
	free(text);
	return ret < 0 ? ret : 0;
}

json_t *ssn_parse_json(const void *buf, size_t len)
{
	json_t *msg = json_loadb(buf, len, JSON_REJECT_DUPLICATES, NULL);

	if (msg && !json_is_object(msg)) {
		json_decref(msg);
		return NULL;
	}
	return msg;
}

static const struct {
	int err;
	const char *text;
} ssn_errors[] = {
	{ ENOENT, "AF_SSN is not there: load ssn_crypt (modprobe ssn_crypt)" },
	{ EAFNOSUPPORT,
	  "AF_SSN is not there: load ssn_crypt (modprobe ssn_crypt)" },
	{ EACCES,
	  "not permitted: add your group to sysctl net.ssn.create_group_range" },
	{ ENOKEY,
	  "no pad with this peer: see ssnctl key list, and that keyd runs" },
	{ EAGAIN, "pad or window is short for now: wait and try again" },
	{ EHOSTUNREACH,
	  "unknown peer or group: see ssnctl node apply" },
	{ ECONNREFUSED, "the peer does not offer this service" },
	{ EBADMSG, "a record failed its tag: the connection has ended" },
	{ ETIMEDOUT, "the peer did not answer in time" },
	{ EMSGSIZE, "longer than one message may be (1 MiB)" },
	{ ECONNRESET, "the connection broke before its CLOSE" },
};

const char *ssn_strerror(int err)
{
	size_t i;

	if (err < 0)
		err = -err;
	for (i = 0; i < sizeof(ssn_errors) / sizeof(ssn_errors[0]); i++)
		if (ssn_errors[i].err == err)
			return ssn_errors[i].text;
	return strerror(err);
}
