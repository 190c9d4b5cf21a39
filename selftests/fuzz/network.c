// SPDX-License-Identifier: GPL-2.0
/*
 * The network description: user/lib/network.c. What it takes is a network that
 * the kernel could be told of; what it does not take leaves nothing behind.
 *
 * Input: the description, network.json.
 *
 * runs: 10000
 */
#include "json_mutate.h"
#include "network.h"

static void must_be_node(const struct network *net, const struct network_node *n)
{
	char text[NETWORK_ADDR_TEXT];
	struct sockaddr_storage addr;
	const struct network_node *other;

	must(n->id && network_role_name(n->role), "node %u", n->id);
	must(*n->name && strlen(n->name) < 64 &&
	     network_role(network_role_name(n->role)) == n->role, "its name or role");
	network_addr_format(&n->addr, text);
	must(!network_addr_parse(text, &addr) &&
	     !memcmp(&addr, &n->addr, sizeof(addr)), "its address %s", text);
	must(network_node(net, n->id) == n && network_find(net, n->name) == n,
	     "there is another one");
	for (other = net->node; other < n; other++)
		must(memcmp(&other->addr, &n->addr, sizeof(n->addr)) &&
		     (!*n->sae || strcmp(other->sae, n->sae)),
		     "its address or SAE ID is another's");
}

static void must_be_group(const struct network *net, const struct network_group *g)
{
	unsigned int i, j;

	must(g->id && g->k >= 1 && g->k <= g->n && g->n <= SSN_MEMBERS_MAX,
	     "group %u: k %u n %u", g->id, g->k, g->n);
	must(network_group(net, g->id) == g, "there is another one");
	must(network_scheme_name(g->scheme), "scheme %u", g->scheme);
	must(g->scheme != SSN_SCHEME_XOR || (g->k > 1 && g->n <= 17),
	     "xor: k %u n %u", g->k, g->n);
	for (i = 0; i < g->n; i++) {
		const struct network_node *n = network_node(net, g->member[i].node);

		must(g->member[i].x && n && n->role == SSN_ROLE_SHAREHOLDER,
		     "member %u", i);
		must(g->scheme != SSN_SCHEME_XOR || g->member[i].x <= 17,
		     "xor: member %u at %u", i, g->member[i].x);
		must(g->k > 1 || n->flags & SSN_PEER_FLAGS_ALLOW_K1,
		     "k 1 that node %u did not allow", n->id);
		for (j = 0; j < i; j++)
			must(g->member[j].node != g->member[i].node &&
			     g->member[j].x != g->member[i].x, "member %u twice", i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct network empty;
	json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	json_t *text;
	struct err err = { "" };
	struct network net;
	size_t i;
	int ret;

	if (!root)
		return 0;
	ret = network_parse(root, "network.json", size & 1 ? 11 : 0, &net, &err);
	json_decref(root);
	if (ret) {
		text = json_string(err.text);
		must(text && *err.text, "what is said is no UTF-8, or nothing");
		json_decref(text);
		must(!memcmp(&net, &empty, sizeof(net)), "something is left behind");
		return 0;
	}
	must(net.nodes && strlen(net.domain) < sizeof(net.domain), "no nodes");
	must(!net.self || network_node(&net, net.self), "self is no node");
	for (i = 0; i < net.nodes; i++)
		must_be_node(&net, &net.node[i]);
	for (i = 0; i < net.groups; i++)
		must_be_group(&net, &net.group[i]);
	network_free(&net);
	return 0;
}
