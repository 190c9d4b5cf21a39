/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network description: nodes and groups (Documentation/network.rst). A file
 * today, what the controller hands out later: the same code reads both.
 */
#ifndef SSN_NETWORK_H
#define SSN_NETWORK_H

#include <linux/ssn.h>
#include <linux/ssn_genl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "config.h"

struct network_node {
	uint32_t id;
	char name[64];
	enum ssn_role role;
	struct sockaddr_storage addr;	/* AF_SSN underlay listener */
	char ax[128];			/* "host:port" of keyd's Ax listener, or "" */
	char sae[64];			/* SAE ID at its KME, or "" */
	uint32_t flags;			/* SSN_PEER_FLAGS_* */
};

struct network_group {
	uint32_t id, generation;
	enum ssn_scheme scheme;
	unsigned int k, n;
	struct { uint32_t node; uint8_t x; } member[SSN_MEMBERS_MAX];
};

struct network {
	char domain[64];
	uint32_t self;			/* own node id */
	size_t nodes, groups;
	struct network_node *node;
	struct network_group *group;
};

/* "10.8.0.1:5808", "[::1]:5808"; numbers only, port 1..65535. */
#define NETWORK_ADDR_TEXT	64
int network_addr_parse(const char *text, struct sockaddr_storage *addr);	/* 0 or -EINVAL */
const char *network_addr_format(const struct sockaddr_storage *addr,
				char text[NETWORK_ADDR_TEXT]);
size_t network_addr_len(const struct sockaddr_storage *addr);

/* "owner", "ssa", ...; 0 or NULL when there is no such role. */
enum ssn_role network_role(const char *name);
const char *network_role_name(uint32_t role);

/* "shamir", "xor"; 0 or NULL when there is no such scheme. */
enum ssn_scheme network_scheme(const char *name);
const char *network_scheme_name(unsigned int scheme);

/*
 * Everything of the description is checked: -EINVAL, and @err names what is
 * wrong and where. @self 0 leaves it open who this node is (network_apply()
 * needs it); otherwise it must be one of the nodes. On error @net is empty.
 */
int network_parse(const json_t *root, const char *where, uint32_t self,
		  struct network *net, struct err *err);
int network_load(const char *path, uint32_t self, struct network *net, struct err *err);
void network_free(struct network *net);
const struct network_node *network_node(const struct network *net, uint32_t id);
const struct network_node *network_find(const struct network *net, const char *name);
const struct network_group *network_group(const struct network *net, uint32_t id);

/*
 * Tell the kernel of this network namespace: own node, peers, groups. Idempotent,
 * also when several do it at once. Peers and groups that the kernel has and the
 * description has not stay. A group that changed without a later generation is
 * -EEXIST. Needs CAP_NET_ADMIN (-EPERM) and the module (-ENOENT).
 */
int network_apply(const struct network *net, struct err *err);

/* A group as netlink attributes; -EMSGSIZE when it does not fit the request. */
struct nlmsghdr;
int network_group_put(struct nlmsghdr *req, const struct network_group *grp);
void network_group_get(const struct nlmsghdr *reply, struct network_group *grp);

#endif
