// SPDX-License-Identifier: GPL-2.0
/* The network description (Documentation/network.rst): reading and checking. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "network.h"
#include "scheme.h"

#define WHERE_MAX	384

static const char *const role_names[] = {
	[SSN_ROLE_OWNER] = "owner", [SSN_ROLE_SSA] = "ssa",
	[SSN_ROLE_SHAREHOLDER] = "shareholder",
	[SSN_ROLE_CONTROLLER] = "controller", [SSN_ROLE_MANAGER] = "manager",
};

const char *network_role_name(uint32_t role)
{
	return role < sizeof(role_names) / sizeof(*role_names) ?
	       role_names[role] : NULL;
}

enum ssn_role network_role(const char *name)
{
	uint32_t role;

	for (role = SSN_ROLE_OWNER; role <= SSN_ROLE_MANAGER; role++)
		if (!strcmp(name, role_names[role]))
			return role;
	return 0;
}

/* --- addresses */

/* "HOST:PORT" or "[HOST]:PORT" apart; @host takes 64 bytes */
static int addr_split(const char *text, char *host, const char **port)
{
	const char *colon = strrchr(text, ':');
	const char *end = colon;
	size_t len;

	if (!colon)
		return -EINVAL;
	if (*text == '[') {
		if (end == text || end[-1] != ']')
			return -EINVAL;
		text++;
		end--;
	} else if (memchr(text, ':', end - text)) {
		return -EINVAL;		/* IPv6 needs its brackets */
	}
	len = end - text;
	if (!len || len >= 64)
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	*port = colon + 1;
	return 0;
}

static int port_parse(const char *text, in_port_t *port)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	number = strtoul(text, &end, 10);
	if (*end || !number || number > 65535)
		return -EINVAL;
	*port = htons(number);
	return 0;
}

int network_addr_parse(const char *text, struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *in6 = (void *)addr;
	struct sockaddr_in *in = (void *)addr;
	const char *port;
	char host[64];

	memset(addr, 0, sizeof(*addr));
	if (addr_split(text, host, &port))
		return -EINVAL;
	if (*text == '[') {
		in6->sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
			return -EINVAL;
		return port_parse(port, &in6->sin6_port);
	}
	in->sin_family = AF_INET;
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return -EINVAL;
	return port_parse(port, &in->sin_port);
}

const char *network_addr_format(const struct sockaddr_storage *addr,
				char text[NETWORK_ADDR_TEXT])
{
	const struct sockaddr_in6 *in6 = (const void *)addr;
	const struct sockaddr_in *in = (const void *)addr;
	char host[INET6_ADDRSTRLEN];

	switch (addr->ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, NETWORK_ADDR_TEXT, "%s:%u", host,
			 ntohs(in->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(text, NETWORK_ADDR_TEXT, "[%s]:%u", host,
			 ntohs(in6->sin6_port));
		break;
	default:
		snprintf(text, NETWORK_ADDR_TEXT, "?");
	}
	return text;
}

size_t network_addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
	       sizeof(struct sockaddr_in);
}

/* --- nodes */

static int copy_text(char *to, size_t size, const char *from, const char *where,
		     const char *key, struct err *err)
{
	if (strlen(from) >= size)
		return err_set(err, -EINVAL, "%s: %s: longer than %zu characters",
			       where, key, size - 1);
	memcpy(to, from, strlen(from) + 1);
	return 0;
}

static int is_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len && len <= 63 && !name[len];
}

static int node_ax(const char *ax, const char *where, struct err *err)
{
	const char *port;
	in_port_t number;
	char host[64];

	if (*ax && (addr_split(ax, host, &port) || port_parse(port, &number)))
		return err_set(err, -EINVAL,
			       "%s: ax: \"%s\" is not HOST:PORT", where, ax);
	return 0;
}

static int node_parse(const json_t *obj, const char *list, size_t index,
		      struct network_node *node, struct err *err)
{
	static const char *const keys[] = {
		"id", "name", "role", "addr", "ax", "sae", "allow_k1", NULL
	};
	const char *name, *role, *addr, *ax, *sae;
	char where[WHERE_MAX];
	int64_t id;
	int k1, ret;

	snprintf(where, sizeof(where), "%s[%zu]", list, index);
	if (!json_is_object(obj))
		return err_set(err, -EINVAL, "%s: expected an object", where);
	if ((ret = config_str(obj, where, "name", NULL, &name, err)))
		return ret;
	if (!is_name(name))
		return err_set(err, -EINVAL,
			       "%s: name: \"%.80s\" is not 1 to 63 of a-z, 0-9 and -",
			       where, name);
	snprintf(where, sizeof(where), "%s[%zu] (%s)", list, index, name);
	if ((ret = config_only(obj, where, keys, err)) ||
	    (ret = config_int(obj, where, "id", 1, UINT32_MAX, 0, &id, err)) ||
	    (ret = config_str(obj, where, "role", NULL, &role, err)) ||
	    (ret = config_str(obj, where, "addr", NULL, &addr, err)) ||
	    (ret = config_str(obj, where, "ax", "", &ax, err)) ||
	    (ret = config_str(obj, where, "sae", "", &sae, err)) ||
	    (ret = config_bool(obj, where, "allow_k1", 0, &k1, err)))
		return ret;
	node->id = id;
	node->flags = k1 ? SSN_PEER_FLAGS_ALLOW_K1 : 0;
	node->role = network_role(role);
	if (!node->role)
		return err_set(err, -EINVAL,
			       "%s: role: \"%.80s\" is none of owner, ssa, shareholder, controller, manager",
			       where, role);
	if (network_addr_parse(addr, &node->addr))
		return err_set(err, -EINVAL,
			       "%s: addr: \"%.80s\" is not ADDRESS:PORT or [ADDRESS]:PORT",
			       where, addr);
	if ((ret = node_ax(ax, where, err)) ||
	    (ret = copy_text(node->name, sizeof(node->name), name, where,
			     "name", err)) ||
	    (ret = copy_text(node->ax, sizeof(node->ax), ax, where, "ax", err)) ||
	    (ret = copy_text(node->sae, sizeof(node->sae), sae, where, "sae",
			     err)))
		return ret;
	return 0;
}

/* What must differ between any two nodes. */
static int node_unique(const struct network *net, const char *where,
		       const struct network_node *node, struct err *err)
{
	const struct network_node *other;
	char text[NETWORK_ADDR_TEXT];

	for (other = net->node; other < node; other++) {
		if (other->id == node->id)
			return err_set(err, -EINVAL,
				       "%s: id %u is that of both %s and %s",
				       where, node->id, other->name, node->name);
		if (!strcmp(other->name, node->name))
			return err_set(err, -EINVAL,
				       "%s: name \"%s\" is that of both %u and %u",
				       where, node->name, other->id, node->id);
		if (!memcmp(&other->addr, &node->addr, sizeof(node->addr)))
			return err_set(err, -EINVAL,
				       "%s: addr %s is that of both %s and %s",
				       where,
				       network_addr_format(&node->addr, text),
				       other->name, node->name);
		if (*node->sae && !strcmp(other->sae, node->sae))
			return err_set(err, -EINVAL,
				       "%s: sae \"%s\" is that of both %s and %s",
				       where, node->sae, other->name, node->name);
	}
	return 0;
}

/* --- groups */

static int member_parse(const json_t *obj, const char *group, size_t index,
			const struct network *net, struct network_group *grp,
			struct err *err)
{
	static const char *const keys[] = { "node", "x", NULL };
	const struct network_node *node;
	char where[WHERE_MAX + 32];
	int64_t id, x;
	size_t i;
	int ret;

	snprintf(where, sizeof(where), "%s: members[%zu]", group, index);
	if (!json_is_object(obj))
		return err_set(err, -EINVAL, "%s: expected an object", where);
	if ((ret = config_only(obj, where, keys, err)) ||
	    (ret = config_int(obj, where, "node", 1, UINT32_MAX, 0, &id, err)) ||
	    (ret = config_int(obj, where, "x", -INT64_MAX, INT64_MAX, INT64_MIN,
			      &x, err)))
		return ret;
	if (!x)
		return err_set(err, -EINVAL,
			       "%s: x: 0 is where the secret itself lies; it must be 1 to 255",
			       where);
	if (x < 0 || x > 255)
		return err_set(err, -EINVAL, "%s: x: %lld is not 1 to 255",
			       where, (long long)x);
	node = network_node(net, id);
	if (!node)
		return err_set(err, -EINVAL, "%s: node %lld is not among the nodes",
			       where, (long long)id);
	if (node->role != SSN_ROLE_SHAREHOLDER)
		return err_set(err, -EINVAL,
			       "%s: node %u (%s) is %s, not a shareholder", where,
			       node->id, node->name, network_role_name(node->role));
	for (i = 0; i < index; i++) {
		if (grp->member[i].node == id)
			return err_set(err, -EINVAL,
				       "%s: node %u (%s) is a member twice",
				       where, node->id, node->name);
		if (grp->member[i].x == x)
			return err_set(err, -EINVAL,
				       "%s: x %lld is that of both %u and %u",
				       where, (long long)x, grp->member[i].node,
				       node->id);
	}
	grp->member[index].node = id;
	grp->member[index].x = x;
	return 0;
}

/* With k = 1 every member alone has the data: all of them must allow that. */
static int group_k1(const struct network *net, const struct network_group *grp,
		    const char *where, struct err *err)
{
	unsigned int i;

	for (i = 0; grp->k == 1 && i < grp->n; i++) {
		const struct network_node *node =
			network_node(net, grp->member[i].node);

		if (!(node->flags & SSN_PEER_FLAGS_ALLOW_K1))
			return err_set(err, -EINVAL,
				       "%s: k 1 gives the data itself to every member, and node %u (%s) has no \"allow_k1\": true",
				       where, node->id, node->name);
	}
	return 0;
}

enum ssn_scheme network_scheme(const char *name)
{
	const struct ssn_scheme_ops *ops;
	unsigned int id;

	for (id = 1; (ops = ssn_scheme_find(id)); id++)
		if (!strcmp(ops->name, name))
			return id;
	return 0;
}

const char *network_scheme_name(unsigned int scheme)
{
	const struct ssn_scheme_ops *ops = ssn_scheme_find(scheme);

	return ops ? ops->name : NULL;
}

/* What every group wants was looked at before */
static int group_scheme(const struct network_group *grp, const char *where,
			struct err *err)
{
	const struct ssn_scheme_ops *ops = ssn_scheme_find(grp->scheme);
	uint8_t x[SSN_MEMBERS_MAX];
	unsigned int i;

	for (i = 0; i < grp->n; i++)
		x[i] = grp->member[i].x;
	if (ops->check(grp->k, grp->n) || ops->check_points(x, grp->n))
		return err_set(err, -EINVAL, "%s: %s", where, ops->limits);
	return 0;
}

static int group_parse(const json_t *obj, const char *list, size_t index,
		       const struct network *net, struct network_group *grp,
		       struct err *err)
{
	static const char *const keys[] = {
		"id", "generation", "scheme", "k", "n", "members", NULL
	};
	const json_t *members;
	int64_t id, generation, k, n;
	char where[WHERE_MAX];
	const char *scheme;
	size_t i;
	int ret;

	snprintf(where, sizeof(where), "%s[%zu]", list, index);
	if (!json_is_object(obj))
		return err_set(err, -EINVAL, "%s: expected an object", where);
	if ((ret = config_int(obj, where, "id", 1, UINT32_MAX, 0, &id, err)))
		return ret;
	snprintf(where, sizeof(where), "%s[%zu] (group %lld)", list, index,
		 (long long)id);
	if ((ret = config_only(obj, where, keys, err)) ||
	    (ret = config_int(obj, where, "generation", 1, UINT32_MAX, 0,
			      &generation, err)) ||
	    (ret = config_str(obj, where, "scheme", "shamir", &scheme, err)) ||
	    (ret = config_int(obj, where, "k", 1, SSN_MEMBERS_MAX, 0, &k, err)) ||
	    (ret = config_int(obj, where, "n", 1, SSN_MEMBERS_MAX, 0, &n, err)))
		return ret;
	grp->scheme = network_scheme(scheme);
	if (!grp->scheme)
		return err_set(err, -EINVAL,
			       "%s: scheme: \"%.80s\" is not known; there are \"shamir\" and \"xor\"",
			       where, scheme);
	if (k > n)
		return err_set(err, -EINVAL,
			       "%s: k %lld is more than n %lld: nobody could read",
			       where, (long long)k, (long long)n);
	members = json_object_get(obj, "members");
	if (!json_is_array(members))
		return err_set(err, -EINVAL, "%s: members: expected an array",
			       where);
	if ((int64_t)json_array_size(members) != n)
		return err_set(err, -EINVAL,
			       "%s: n is %lld and members lists %zu", where,
			       (long long)n, json_array_size(members));
	grp->id = id;
	grp->generation = generation;
	grp->k = k;
	grp->n = n;
	for (i = 0; i < grp->n; i++)
		if ((ret = member_parse(json_array_get(members, i), where, i,
					net, grp, err)))
			return ret;
	return group_k1(net, grp, where, err) ?: group_scheme(grp, where, err);
}

static int group_unique(const struct network *net, const char *where,
			const struct network_group *grp, struct err *err)
{
	const struct network_group *other;

	for (other = net->group; other < grp; other++)
		if (other->id == grp->id)
			return err_set(err, -EINVAL, "%s: group %u is there twice",
				       where, grp->id);
	return 0;
}

/* --- the whole */

static int nodes_parse(const json_t *list, const char *file,
		       struct network *net, struct err *err)
{
	char where[WHERE_MAX - 128];
	size_t i;
	int ret;

	snprintf(where, sizeof(where), "%s: nodes", file);
	if (!json_is_array(list) || !json_array_size(list))
		return err_set(err, -EINVAL, "%s: expected an array of nodes",
			       where);
	net->node = calloc(json_array_size(list), sizeof(*net->node));
	if (!net->node)
		return err_set(err, -ENOMEM, "out of memory");
	for (i = 0; i < json_array_size(list); i++, net->nodes++)
		if ((ret = node_parse(json_array_get(list, i), where, i,
				      &net->node[i], err)) ||
		    (ret = node_unique(net, where, &net->node[i], err)))
			return ret;
	return 0;
}

static int groups_parse(const json_t *list, const char *file,
			struct network *net, struct err *err)
{
	char where[WHERE_MAX - 128];
	size_t i;
	int ret;

	snprintf(where, sizeof(where), "%s: groups", file);
	if (!list)
		return 0;
	if (!json_is_array(list))
		return err_set(err, -EINVAL, "%s: expected an array of groups",
			       where);
	net->group = calloc(json_array_size(list) ?: 1, sizeof(*net->group));
	if (!net->group)
		return err_set(err, -ENOMEM, "out of memory");
	for (i = 0; i < json_array_size(list); i++, net->groups++)
		if ((ret = group_parse(json_array_get(list, i), where, i, net,
				       &net->group[i], err)) ||
		    (ret = group_unique(net, where, &net->group[i], err)))
			return ret;
	return 0;
}

int network_parse(const json_t *root, const char *where, uint32_t self,
		  struct network *net, struct err *err)
{
	static const char *const keys[] = { "domain", "nodes", "groups", NULL };
	const char *domain;
	int ret;

	memset(net, 0, sizeof(*net));
	if (!json_is_object(root))
		return err_set(err, -EINVAL, "%s: expected an object", where);
	if ((ret = config_only(root, where, keys, err)) ||
	    (ret = config_str(root, where, "domain", NULL, &domain, err)) ||
	    (ret = copy_text(net->domain, sizeof(net->domain), domain, where,
			     "domain", err)) ||
	    (ret = nodes_parse(json_object_get(root, "nodes"), where, net,
			       err)) ||
	    (ret = groups_parse(json_object_get(root, "groups"), where, net,
				err)))
		goto err_free;
	if (self && !network_node(net, self)) {
		ret = err_set(err, -EINVAL,
			      "%s: this node, %u, is not among the nodes", where,
			      self);
		goto err_free;
	}
	net->self = self;
	return 0;

err_free:
	network_free(net);
	return ret;
}

int network_load(const char *path, uint32_t self, struct network *net,
		 struct err *err)
{
	json_t *root;
	int ret;

	memset(net, 0, sizeof(*net));
	ret = config_load(path, &root, err);
	if (ret)
		return ret;
	ret = network_parse(root, path, self, net, err);
	json_decref(root);
	return ret;
}

void network_free(struct network *net)
{
	free(net->node);
	free(net->group);
	memset(net, 0, sizeof(*net));
}

const struct network_node *network_node(const struct network *net, uint32_t id)
{
	size_t i;

	for (i = 0; i < net->nodes; i++)
		if (net->node[i].id == id)
			return &net->node[i];
	return NULL;
}

const struct network_node *network_find(const struct network *net,
					const char *name)
{
	size_t i;

	for (i = 0; i < net->nodes; i++)
		if (!strcmp(net->node[i].name, name))
			return &net->node[i];
	return NULL;
}

const struct network_group *network_group(const struct network *net, uint32_t id)
{
	size_t i;

	for (i = 0; i < net->groups; i++)
		if (net->group[i].id == id)
			return &net->group[i];
	return NULL;
}
