/* SPDX-License-Identifier: GPL-2.0 */
/* AF_SSN sockets and the messages on them (Documentation/protocol/). */
#ifndef SSN_SSNSOCK_H
#define SSN_SSNSOCK_H

#include <jansson.h>
#include <linux/ssn.h>
#include <stddef.h>
#include <sys/types.h>

int ssn_family(void);	/* from /proc/sys/net/ssn/family; -ENOENT: module not loaded */

/*
 * Each returns a file descriptor (O_CLOEXEC, blocking) or a negative errno. With
 * @timeout_ms 0 the connect functions return at once, with a nonblocking
 * descriptor: wait until it is writable, then read SO_ERROR.
 */
int ssn_listen(unsigned int service, int backlog);
int ssn_accept(int fd, struct ssn_peer_info *peer);
int ssn_connect_link(unsigned int node, unsigned int service, unsigned int timeout_ms);
int ssn_connect_group(unsigned int group, unsigned int timeout_ms);

/* Status of a share socket's members; returns the number of rows or -errno. */
int ssn_members(int fd, struct ssn_member *m, unsigned int max);

/*
 * One whole message. @share may be NULL when sending plain data over a link.
 * Return bytes, 0 at end of stream (ssn_recv: an empty message has *@has set or
 * is impossible in our protocols), or -errno.
 */
ssize_t ssn_send(int fd, const struct ssn_share *share, const void *buf, size_t len);
ssize_t ssn_recv(int fd, struct ssn_share *share, int *has, void *buf, size_t size);

/*
 * Control messages are JSON objects, marked SSN_SHARE_CONTROL. @x: the member
 * addressed on a share socket, 0 for all of them; 0 on link sockets.
 */
int ssn_send_json(int fd, unsigned int x, const json_t *msg);
/* Parse a received control message; NULL when it is not a JSON object. */
json_t *ssn_parse_json(const void *buf, size_t len);

const char *ssn_strerror(int err);	/* errno as AF_SSN means it, and what to do */

#endif
