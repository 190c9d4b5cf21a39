// SPDX-License-Identifier: GPL-2.0
/* The own node: who this namespace is, and where it listens. */
#include <linux/err.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/string.h>
#include <net/netlink.h>
#include "listen.h"
#include "net.h"
#include "node.h"
#include "peer.h"

/* Bytes of an address of its family; 0 for one that is no IP address. */
int ssn_addr_len(const struct sockaddr_storage *addr)
{
	switch (addr->ss_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return 0;
	}
}

/* A struct sockaddr_in or sockaddr_in6 from an attribute. */
int ssn_addr_parse(const struct nlattr *attr, struct sockaddr_storage *addr,
		   struct netlink_ext_ack *extack)
{
	int len = nla_len(attr);

	memset(addr, 0, sizeof(*addr));
	if (len <= (int)sizeof(*addr))
		memcpy(addr, nla_data(attr), len);
	if (!ssn_addr_len(addr) || ssn_addr_len(addr) != len) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "addr is neither a sockaddr_in nor a sockaddr_in6");
		return -EINVAL;
	}
	/* The port is at the same place in both. */
	if (!((struct sockaddr_in *)addr)->sin_port) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "addr has no port");
		return -EINVAL;
	}
	return 0;
}

/**
 * ssn_node_set - name the own node and listen
 * @sn:		namespace, its config mutex held
 * @id:		node id
 * @role:	enum ssn_role
 * @addr:	where to listen
 * @extack:	says what was wrong
 *
 * Return: 0, also if it is the same; -EBUSY while connections exist; -EINVAL if
 * @id is a peer's; what TCP says of @addr.
 */
int ssn_node_set(struct ssn_net *sn, u32 id, u8 role,
		 const struct sockaddr_storage *addr,
		 struct netlink_ext_ack *extack)
{
	struct ssn_gate *gate, *old = sn->gate;
	struct ssn_peer *peer;

	if (id == sn->node && role == sn->role &&
	    !memcmp(addr, &sn->addr, sizeof(*addr)))
		return 0;
	if (atomic_read(&sn->nconns)) {
		NL_SET_ERR_MSG(extack, "the node has connections: end them first");
		return -EBUSY;
	}
	peer = ssn_peer_get(sn, id);
	if (peer) {
		ssn_peer_put(peer);
		NL_SET_ERR_MSG(extack, "id is a peer's: remove the peer first");
		return -EINVAL;
	}
	if (!old || memcmp(addr, &sn->addr, sizeof(*addr))) {
		/* The new one first: an address in use changes nothing. */
		gate = ssn_gate_open(sn, addr);
		if (IS_ERR(gate)) {
			NL_SET_ERR_MSG(extack, "cannot listen on addr");
			return PTR_ERR(gate);
		}
		sn->gate = gate;
		if (old)
			ssn_gate_close(old);
	}
	sn->addr = *addr;
	sn->role = role;
	WRITE_ONCE(sn->node, id);
	return 0;
}

void ssn_node_drop(struct ssn_net *sn)
{
	if (sn->gate)
		ssn_gate_close(sn->gate);
	sn->gate = NULL;
	WRITE_ONCE(sn->node, 0);
}
