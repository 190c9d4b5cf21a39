// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink family "ssn". Tables and policies are generated from
 * Documentation/netlink/specs/ssn.yaml; this is what the operations do.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/ssn.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>
#include "conn_parts.h"
#include "group.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "node.h"
#include "peer.h"

static struct genl_family nl_family = {
	.name		= SSN_FAMILY_NAME,
	.version	= SSN_FAMILY_VERSION,
	.netnsok	= true,
	.module		= THIS_MODULE,
	.ops		= ssn_nl_ops,
	.n_ops		= ARRAY_SIZE(ssn_nl_ops),
	.mcgrps		= ssn_nl_mcgrps,
	.n_mcgrps	= 1,
};

static struct ssn_net *info_sn(struct genl_info *info)
{
	return ssn_net(genl_info_net(info));
}

/* Each operation says itself what it needs: policies only bound what comes. */
static bool missing(struct genl_info *info, int attr, const char *text)
{
	if (info->attrs[attr])
		return false;
	if (info->extack)
		info->extack->_msg = text;
	return true;
}

/* ---- Replies ---- */

static int nl_begin(struct sk_buff *skb, u32 portid, u32 seq, int flags,
		    u8 cmd, void **hdr)
{
	*hdr = genlmsg_put(skb, portid, seq, &nl_family, flags, cmd);
	return *hdr ? 0 : -EMSGSIZE;
}

static struct sk_buff *reply_new(struct genl_info *info, u8 cmd, void **hdr)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (skb && nl_begin(skb, info->snd_portid, info->snd_seq, 0, cmd,
			    hdr)) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

static int reply_send(struct genl_info *info, struct sk_buff *skb, void *hdr,
		      int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

static int fill_counters(struct sk_buff *skb, int attr,
			 const struct ssn_stats *stats)
{
	struct nlattr *nest = nla_nest_start(skb, attr);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = SSN_A_COUNTERS_PAD + 1; i <= SSN_A_COUNTERS_MAX; i++)
		if (nla_put_u64_64bit(skb, i, ssn_stats_read(stats, i),
				      SSN_A_COUNTERS_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* ---- Node ---- */

int ssn_nl_node_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_net *sn = info_sn(info);
	struct sk_buff *skb;
	int err = 0;
	void *hdr;

	mutex_lock(&sn->config);
	if (!sn->node || (info->attrs[SSN_A_NODE_ID] &&
			  nla_get_u32(info->attrs[SSN_A_NODE_ID]) != sn->node)) {
		NL_SET_ERR_MSG(info->extack, "this namespace has no such own node: use node-set");
		err = -ENOENT;
		goto unlock;
	}
	skb = reply_new(info, SSN_CMD_NODE_GET, &hdr);
	if (!skb) {
		err = -ENOMEM;
		goto unlock;
	}
	if (nla_put_u32(skb, SSN_A_NODE_ID, sn->node) ||
	    nla_put_u32(skb, SSN_A_NODE_ROLE, sn->role) ||
	    nla_put(skb, SSN_A_NODE_ADDR, ssn_addr_len(&sn->addr), &sn->addr))
		err = -EMSGSIZE;
	err = reply_send(info, skb, hdr, err);
unlock:
	mutex_unlock(&sn->config);
	return err;
}

int ssn_nl_node_set_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_net *sn = info_sn(info);
	struct sockaddr_storage addr;
	int err;

	if (missing(info, SSN_A_NODE_ID, "id is missing") ||
	    missing(info, SSN_A_NODE_ROLE, "role is missing") ||
	    missing(info, SSN_A_NODE_ADDR, "addr is missing"))
		return -EINVAL;
	err = ssn_addr_parse(info->attrs[SSN_A_NODE_ADDR], &addr, info->extack);
	if (err)
		return err;
	mutex_lock(&sn->config);
	err = ssn_node_set(sn, nla_get_u32(info->attrs[SSN_A_NODE_ID]),
			   nla_get_u32(info->attrs[SSN_A_NODE_ROLE]), &addr,
			   info->extack);
	mutex_unlock(&sn->config);
	return err;
}

/* ---- Peers ---- */

static int fill_peer(struct sk_buff *skb, u32 portid, u32 seq, int flags,
		     struct ssn_peer *peer)
{
	struct sockaddr_storage addr;
	void *hdr;
	u32 role;

	spin_lock_bh(&peer->lock);
	addr = peer->addr;
	role = peer->role;
	spin_unlock_bh(&peer->lock);
	if (nl_begin(skb, portid, seq, flags, SSN_CMD_PEER_GET, &hdr))
		return -EMSGSIZE;
	if (nla_put_u32(skb, SSN_A_PEER_ID, peer->id) ||
	    nla_put_u32(skb, SSN_A_PEER_ROLE, role) ||
	    (addr.ss_family &&
	     nla_put(skb, SSN_A_PEER_ADDR, ssn_addr_len(&addr), &addr)) ||
	    nla_put_u32(skb, SSN_A_PEER_SUITE, SSN_SUITE_OTP) ||
	    nla_put_u32(skb, SSN_A_PEER_FLAGS, peer->flags) ||
	    fill_counters(skb, SSN_A_PEER_STATS, &peer->stats) ||
	    nla_put_u32(skb, SSN_A_PEER_CONNS, atomic_read(&peer->conns))) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int ssn_nl_peer_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_peer *peer;
	struct sk_buff *skb;
	int err;

	if (missing(info, SSN_A_PEER_ID, "id is missing"))
		return -EINVAL;
	peer = ssn_peer_get(info_sn(info),
			    nla_get_u32(info->attrs[SSN_A_PEER_ID]));
	if (!peer) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[SSN_A_PEER_ID],
				    "no such peer");
		return -ENOENT;
	}
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	err = skb ? fill_peer(skb, info->snd_portid, info->snd_seq, 0, peer) :
		    -ENOMEM;
	ssn_peer_put(peer);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return genlmsg_reply(skb, info);
}

int ssn_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ssn_net *sn = ssn_net(sock_net(skb->sk));
	unsigned long id = cb->args[0];
	struct ssn_peer *peer;
	int err = 0;

	rcu_read_lock();
	xa_for_each_start(&sn->peers, id, peer, cb->args[0]) {
		err = fill_peer(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, NLM_F_MULTI, peer);
		if (err)
			break;
		cb->args[0] = id + 1;
	}
	rcu_read_unlock();
	return err && !skb->len ? err : skb->len;
}

int ssn_nl_peer_set_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_net *sn = info_sn(info);
	struct nlattr **a = info->attrs;
	struct sockaddr_storage addr;
	u32 flags;
	int err;

	if (missing(info, SSN_A_PEER_ID, "id is missing"))
		return -EINVAL;
	if (a[SSN_A_PEER_ADDR]) {
		err = ssn_addr_parse(a[SSN_A_PEER_ADDR], &addr, info->extack);
		if (err)
			return err;
	}
	mutex_lock(&sn->config);
	if (a[SSN_A_PEER_FLAGS])
		flags = nla_get_u32(a[SSN_A_PEER_FLAGS]);
	err = ssn_peer_set(sn, nla_get_u32(a[SSN_A_PEER_ID]),
			   a[SSN_A_PEER_ROLE] ?
			   nla_get_u32(a[SSN_A_PEER_ROLE]) : 0,
			   a[SSN_A_PEER_FLAGS] ? &flags : NULL,
			   a[SSN_A_PEER_ADDR] ? &addr : NULL, info->extack);
	mutex_unlock(&sn->config);
	return err;
}

int ssn_nl_peer_del_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_net *sn = info_sn(info);
	int err;

	if (missing(info, SSN_A_PEER_ID, "id is missing"))
		return -EINVAL;
	mutex_lock(&sn->config);
	err = ssn_peer_del(sn, nla_get_u32(info->attrs[SSN_A_PEER_ID]));
	mutex_unlock(&sn->config);
	if (err)
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[SSN_A_PEER_ID],
				    "no such peer");
	return err;
}

/* ---- Groups ---- */

static int fill_group(struct sk_buff *skb, u32 portid, u32 seq, int flags,
		      const struct ssn_group *group)
{
	struct nlattr *nest;
	unsigned int i;
	void *hdr;

	if (nl_begin(skb, portid, seq, flags, SSN_CMD_GROUP_GET, &hdr))
		return -EMSGSIZE;
	if (nla_put_u32(skb, SSN_A_GROUP_ID, group->id) ||
	    nla_put_u32(skb, SSN_A_GROUP_GENERATION, group->generation) ||
	    nla_put_u32(skb, SSN_A_GROUP_SCHEME, group->scheme) ||
	    nla_put_u32(skb, SSN_A_GROUP_K, group->k) ||
	    nla_put_u32(skb, SSN_A_GROUP_N, group->n) ||
	    nla_put_u32(skb, SSN_A_GROUP_SERVICE, group->service))
		goto cancel;
	for (i = 0; i < group->n; i++) {
		nest = nla_nest_start(skb, SSN_A_GROUP_MEMBER);
		if (!nest ||
		    nla_put_u32(skb, SSN_A_MEMBER_NODE,
				group->member[i].node) ||
		    nla_put_u32(skb, SSN_A_MEMBER_X, group->member[i].x))
			goto cancel;
		nla_nest_end(skb, nest);
	}
	genlmsg_end(skb, hdr);
	return 0;

cancel:
	genlmsg_cancel(skb, hdr);
	return -EMSGSIZE;
}

int ssn_nl_group_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_group *group;
	struct sk_buff *skb;
	int err;

	if (missing(info, SSN_A_GROUP_ID, "id is missing"))
		return -EINVAL;
	group = ssn_group_get(genl_info_net(info),
			      nla_get_u32(info->attrs[SSN_A_GROUP_ID]));
	if (!group) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[SSN_A_GROUP_ID],
				    "no such group");
		return -ENOENT;
	}
	skb = genlmsg_new(256 + group->n * 24, GFP_KERNEL);
	err = skb ? fill_group(skb, info->snd_portid, info->snd_seq, 0,
			       group) : -ENOMEM;
	ssn_group_put(group);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return genlmsg_reply(skb, info);
}

int ssn_nl_group_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ssn_net *sn = ssn_net(sock_net(skb->sk));
	unsigned long id = cb->args[0];
	struct ssn_group *group;
	int err = 0;

	rcu_read_lock();
	xa_for_each_start(&sn->groups, id, group, cb->args[0]) {
		err = fill_group(skb, NETLINK_CB(cb->skb).portid,
				 cb->nlh->nlmsg_seq, NLM_F_MULTI, group);
		if (err)
			break;
		cb->args[0] = id + 1;
	}
	rcu_read_unlock();
	return err && !skb->len ? err : skb->len;
}

static int parse_members(struct genl_info *info, struct ssn_group *group)
{
	struct nlattr *tb[SSN_A_MEMBER_MAX + 1], *attr;
	unsigned int i = 0;
	int rem, err;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != SSN_A_GROUP_MEMBER)
			continue;
		if (i == group->n) {
			i++;
			break;
		}
		err = nla_parse_nested(tb, SSN_A_MEMBER_MAX, attr,
				       ssn_member_nl_policy, info->extack);
		if (err)
			return err;
		if (!tb[SSN_A_MEMBER_NODE] || !tb[SSN_A_MEMBER_X]) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "a member needs node and x");
			return -EINVAL;
		}
		group->member[i].node = nla_get_u32(tb[SSN_A_MEMBER_NODE]);
		group->member[i++].x = nla_get_u32(tb[SSN_A_MEMBER_X]);
	}
	if (i == group->n)
		return 0;
	NL_SET_ERR_MSG(info->extack, "n is not the number of members");
	return -EINVAL;
}

int ssn_nl_group_set_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_net *sn = info_sn(info);
	struct nlattr **a = info->attrs;
	struct ssn_group *group;
	int err;

	if (missing(info, SSN_A_GROUP_ID, "id is missing") ||
	    missing(info, SSN_A_GROUP_GENERATION, "generation is missing") ||
	    missing(info, SSN_A_GROUP_SCHEME, "scheme is missing") ||
	    missing(info, SSN_A_GROUP_K, "k is missing") ||
	    missing(info, SSN_A_GROUP_N, "n is missing"))
		return -EINVAL;
	if (a[SSN_A_GROUP_SERVICE] &&
	    nla_get_u32(a[SSN_A_GROUP_SERVICE]) > U16_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, a[SSN_A_GROUP_SERVICE],
				    "service is above 65535");
		return -EINVAL;
	}
	group = ssn_group_alloc(nla_get_u32(a[SSN_A_GROUP_N]));
	if (!group)
		return -ENOMEM;
	group->id = nla_get_u32(a[SSN_A_GROUP_ID]);
	group->generation = nla_get_u32(a[SSN_A_GROUP_GENERATION]);
	group->scheme = nla_get_u32(a[SSN_A_GROUP_SCHEME]);
	group->k = nla_get_u32(a[SSN_A_GROUP_K]);
	group->service = a[SSN_A_GROUP_SERVICE] ?
			 nla_get_u32(a[SSN_A_GROUP_SERVICE]) : SSN_SERVICE_AS;
	err = parse_members(info, group);
	if (!err) {
		mutex_lock(&sn->config);
		err = ssn_group_set(sn, group, info->extack);
		mutex_unlock(&sn->config);
	}
	if (err)
		ssn_group_put(group);
	return err;
}

int ssn_nl_group_del_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_net *sn = info_sn(info);
	int err;

	if (missing(info, SSN_A_GROUP_ID, "id is missing"))
		return -EINVAL;
	mutex_lock(&sn->config);
	err = ssn_group_del(sn, nla_get_u32(info->attrs[SSN_A_GROUP_ID]));
	mutex_unlock(&sn->config);
	if (err)
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[SSN_A_GROUP_ID],
				    "no such group");
	return err;
}

/* ---- Connections ---- */

static int fill_conn(struct sk_buff *skb, u32 portid, u32 seq, int flags,
		     struct ssn_conn *conn)
{
	void *hdr;

	if (nl_begin(skb, portid, seq, flags, SSN_CMD_CONN_GET, &hdr))
		return -EMSGSIZE;
	if (nla_put_u32(skb, SSN_A_CONN_ID, conn->id) ||
	    nla_put_u32(skb, SSN_A_CONN_PEER, conn->peer->id) ||
	    nla_put_u32(skb, SSN_A_CONN_SERVICE, conn->p.service) ||
	    nla_put_u32(skb, SSN_A_CONN_GROUP, conn->p.group) ||
	    nla_put_u32(skb, SSN_A_CONN_GENERATION, conn->p.generation) ||
	    (conn->outgoing && nla_put_flag(skb, SSN_A_CONN_OUTGOING)) ||
	    nla_put_u64_64bit(skb, SSN_A_CONN_TX_SEQ, READ_ONCE(conn->tx.seq),
			      SSN_A_CONN_PAD) ||
	    nla_put_u64_64bit(skb, SSN_A_CONN_RX_SEQ, READ_ONCE(conn->rx.seq),
			      SSN_A_CONN_PAD) ||
	    nla_put_u32(skb, SSN_A_CONN_TX_QUEUED, READ_ONCE(conn->queued)) ||
	    nla_put_u32(skb, SSN_A_CONN_RX_QUEUED, READ_ONCE(conn->charged))) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int ssn_nl_conn_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_net *sn = info_sn(info);
	struct ssn_conn *conn;
	struct sk_buff *skb;
	int err;

	if (missing(info, SSN_A_CONN_ID, "id is missing"))
		return -EINVAL;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	xa_lock(&sn->conns);
	conn = xa_load(&sn->conns, nla_get_u32(info->attrs[SSN_A_CONN_ID]));
	err = conn ? fill_conn(skb, info->snd_portid, info->snd_seq, 0, conn) :
		     -ENOENT;
	xa_unlock(&sn->conns);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return genlmsg_reply(skb, info);
}

int ssn_nl_conn_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ssn_net *sn = ssn_net(sock_net(skb->sk));
	unsigned long id = cb->args[0];
	struct ssn_conn *conn;
	int err = 0;

	xa_lock(&sn->conns);
	for (conn = xa_find(&sn->conns, &id, ULONG_MAX, XA_PRESENT); conn;
	     conn = xa_find_after(&sn->conns, &id, ULONG_MAX, XA_PRESENT)) {
		err = fill_conn(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, NLM_F_MULTI, conn);
		if (err)
			break;
		cb->args[0] = id + 1;
	}
	xa_unlock(&sn->conns);
	return err && !skb->len ? err : skb->len;
}

/* ---- Statistics ---- */

int ssn_nl_stats_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct ssn_net *sn = info_sn(info);
	struct ssn_peer *peer = NULL;
	struct sk_buff *skb;
	int err = -ENOMEM;
	void *hdr;

	if (info->attrs[SSN_A_STATS_PEER]) {
		peer = ssn_peer_get(sn,
				    nla_get_u32(info->attrs[SSN_A_STATS_PEER]));
		if (!peer) {
			NL_SET_ERR_MSG(info->extack, "no such peer");
			return -ENOENT;
		}
	}
	skb = reply_new(info, SSN_CMD_STATS_GET, &hdr);
	if (skb) {
		err = peer && nla_put_u32(skb, SSN_A_STATS_PEER, peer->id) ?
		      -EMSGSIZE : 0;
		if (!err)
			err = fill_counters(skb, SSN_A_STATS_COUNTERS,
					    peer ? &peer->stats : &sn->stats);
		err = reply_send(info, skb, hdr, err);
	}
	ssn_peer_put(peer);
	return err;
}

/* ---- Events ---- */

void ssn_nl_event(struct ssn_net *sn, u32 peer, u16 service, u32 group,
		  enum ssn_event event, int err)
{
	struct sk_buff *skb;
	void *hdr;

	/* What ends because the module goes has no family to tell it by. */
	if (READ_ONCE(sn->dying) ||
	    !genl_has_listeners(&nl_family, sn->net, SSN_NLGRP_EVENTS))
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	if (nl_begin(skb, 0, 0, 0, SSN_CMD_CONN_EVENT, &hdr) ||
	    (peer && nla_put_u32(skb, SSN_A_CONN_PEER, peer)) ||
	    (service && nla_put_u32(skb, SSN_A_CONN_SERVICE, service)) ||
	    (group && nla_put_u32(skb, SSN_A_CONN_GROUP, group)) ||
	    nla_put_u32(skb, SSN_A_CONN_EVENT, event) ||
	    (err && nla_put_u32(skb, SSN_A_CONN_ERROR, -err))) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&nl_family, sn->net, skb, 0, SSN_NLGRP_EVENTS,
				GFP_KERNEL);
}

void ssn_nl_conn_event(struct ssn_conn *conn, enum ssn_event event, int err)
{
	ssn_nl_event(conn->sn, conn->peer->id, conn->p.service, conn->p.group,
		     event, err);
}

int ssn_nl_init(void)
{
	return genl_register_family(&nl_family);
}

void ssn_nl_exit(void)
{
	genl_unregister_family(&nl_family);
}
