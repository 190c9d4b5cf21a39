// SPDX-License-Identifier: GPL-2.0
/* The network description: what is right is read, what is wrong is named. */
#include <netinet/in.h>
#include <arpa/inet.h>
#include "network.h"
#include "tap.h"

/* Documentation/network.rst, with five shareholders and IPv6 */
static const char good[] =
"{ \"domain\": \"example\","
"  \"nodes\": ["
"    { \"id\": 1, \"name\": \"owner\", \"role\": \"owner\","
"      \"addr\": \"10.8.0.1:5808\", \"ax\": \"10.8.0.1:5809\", \"sae\": \"sae-owner\" },"
"    { \"id\": 4294967295, \"name\": \"ssa\", \"role\": \"ssa\", \"addr\": \"[fd00::2]:5808\" },"
"    { \"id\": 11, \"name\": \"sh1\", \"role\": \"shareholder\", \"addr\": \"10.8.0.11:5808\" },"
"    { \"id\": 12, \"name\": \"sh2\", \"role\": \"shareholder\", \"addr\": \"10.8.0.12:5808\" },"
"    { \"id\": 13, \"name\": \"sh3\", \"role\": \"shareholder\", \"addr\": \"10.8.0.13:65535\","
"      \"allow_k1\": true } ],"
"  \"groups\": ["
"    { \"id\": 1, \"generation\": 7, \"scheme\": \"shamir\", \"k\": 2, \"n\": 3,"
"      \"members\": [ { \"node\": 11, \"x\": 1 }, { \"node\": 12, \"x\": 255 },"
"                     { \"node\": 13, \"x\": 3 } ] } ] }";

static json_t *document(void)
{
	json_error_t why;
	json_t *root = json_loads(good, JSON_REJECT_DUPLICATES, &why);

	if (!root)
		bail("the good document: %s", why.text);
	return root;
}

static void test_good(void)
{
	json_t *root = document();
	const struct network_node *node;
	const struct network_group *grp;
	char text[NETWORK_ADDR_TEXT];
	struct network net;
	struct err err = { "" };

	if (!is_int(network_parse(root, "net.json", 11, &net, &err), 0,
		    "a good description is read"))
		diag("%s", err.text);
	is_int(net.nodes, 5, "five nodes");
	is_int(net.self, 11, "own node");
	is_str(net.domain, "example", "domain");
	node = network_node(&net, 4294967295U);
	ok(node && node->role == SSN_ROLE_SSA && node->addr.ss_family == AF_INET6,
	   "largest id, IPv6");
	is_str(node ? network_addr_format(&node->addr, text) : NULL,
	       "[fd00::2]:5808", "IPv6 address as it was written");
	node = network_find(&net, "owner");
	ok(node && node->id == 1, "a node by its name");
	is_str(node ? node->ax : NULL, "10.8.0.1:5809", "Ax endpoint");
	is_str(node ? node->sae : NULL, "sae-owner", "SAE ID");
	ok(!network_find(&net, "own") && !network_node(&net, 2),
	   "no node that is not there");
	node = network_find(&net, "sh3");
	ok(node && node->flags == SSN_PEER_FLAGS_ALLOW_K1, "allow_k1");
	grp = network_group(&net, 1);
	ok(grp && grp->generation == 7 && grp->k == 2 && grp->n == 3 &&
	   grp->scheme == SSN_SCHEME_SHAMIR, "group");
	ok(grp && grp->member[1].node == 12 && grp->member[1].x == 255,
	   "member in its place");
	network_free(&net);
	is_int(net.nodes, 0, "nothing left after network_free");
	json_decref(root);
}

/* One change of the good document, as JSON path and value, and the words of
 * the error that must follow. A null value deletes. */
static const struct wrong {
	const char *name, *list;
	int index;
	const char *key, *value, *words;
} wrongs[] = {
	{ "id 0", "nodes", 2, "id", "0", "nodes[2] (sh1): id: 0" },
	{ "id too large", "nodes", 2, "id", "4294967296", "id: 4294967296" },
	{ "id missing", "nodes", 2, "id", NULL, "id is missing" },
	{ "id twice", "nodes", 3, "id", "11", "id 11 is that of both sh1 and sh2" },
	{ "name twice", "nodes", 3, "name", "\"sh1\"", "name \"sh1\" is that of both 11 and 12" },
	{ "name empty", "nodes", 3, "name", "\"\"", "nodes[3]: name: \"\" is not" },
	{ "name with a capital", "nodes", 3, "name", "\"Sh2\"", "\"Sh2\" is not" },
	{ "name with a slash", "nodes", 3, "name", "\"../sh2\"", "is not 1 to 63" },
	{ "name of 64", "nodes", 3, "name",
	  "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
	  "is not 1 to 63" },
	{ "role unknown", "nodes", 0, "role", "\"king\"", "\"king\" is none of" },
	{ "role a number", "nodes", 0, "role", "2", "role: expected a string" },
	{ "address without port", "nodes", 0, "addr", "\"10.8.0.1\"", "addr: \"10.8.0.1\" is not" },
	{ "address with port 0", "nodes", 0, "addr", "\"10.8.0.1:0\"", "is not ADDRESS:PORT" },
	{ "port 65536", "nodes", 0, "addr", "\"10.8.0.1:65536\"", "is not ADDRESS:PORT" },
	{ "port with a tail", "nodes", 0, "addr", "\"10.8.0.1:5808x\"", "is not ADDRESS:PORT" },
	{ "port with a sign", "nodes", 0, "addr", "\"10.8.0.1:+5808\"", "is not ADDRESS:PORT" },
	{ "IPv6 without brackets", "nodes", 0, "addr", "\"::1:5808\"", "is not ADDRESS:PORT" },
	{ "a name as address", "nodes", 0, "addr", "\"localhost:5808\"", "is not ADDRESS:PORT" },
	{ "address twice", "nodes", 3, "addr", "\"10.8.0.11:5808\"", "addr 10.8.0.11:5808 is that of both sh1 and sh2" },
	{ "ax without port", "nodes", 0, "ax", "\"10.8.0.1\"", "ax: \"10.8.0.1\" is not HOST:PORT" },
	{ "sae twice", "nodes", 3, "sae", "\"sae-owner\"", "sae \"sae-owner\" is that of both owner and sh2" },
	{ "allow_k1 a number", "nodes", 3, "allow_k1", "1", "allow_k1: expected true or false" },
	{ "unknown node key", "nodes", 3, "adress", "1", "(sh2): adress" },
	{ "k > n", "groups", 0, "k", "4", "k 4 is more than n 3" },
	{ "k 0", "groups", 0, "k", "0", "k: 0 is not between 1 and 255" },
	{ "k 1 where a member does not allow it", "groups", 0, "k", "1", "node 11 (sh1) has no \"allow_k1\"" },
	{ "n 256", "groups", 0, "n", "256", "n: 256 is not between 1 and 255" },
	{ "n is not the number of members", "groups", 0, "n", "4", "n is 4 and members lists 3" },
	{ "generation 0", "groups", 0, "generation", "0", "generation: 0" },
	{ "generation missing", "groups", 0, "generation", NULL, "generation is missing" },
	{ "unknown scheme", "groups", 0, "scheme", "\"pear\"", "\"pear\" is not known; there are \"shamir\" and \"xor\"" },
	{ "scheme xor with an x of 255", "groups", 0, "scheme", "\"xor\"", "(group 1): the scheme xor wants 2 <= k <= n <= 17, and all x different and from 1 to 17" },
	{ "unknown group key", "groups", 0, "K", "2", "(group 1): K" },
	{ "members missing", "groups", 0, "members", NULL, "members: expected an array" },
	{ "x 0", "groups", 0, "members", "[{\"node\":11,\"x\":1},{\"node\":12,\"x\":0},{\"node\":13,\"x\":3}]",
	  "members[1]: x: 0 is where the secret itself lies" },
	{ "x 256", "groups", 0, "members", "[{\"node\":11,\"x\":256},{\"node\":12,\"x\":2},{\"node\":13,\"x\":3}]",
	  "members[0]: x: 256 is not 1 to 255" },
	{ "x negative", "groups", 0, "members", "[{\"node\":11,\"x\":-1},{\"node\":12,\"x\":2},{\"node\":13,\"x\":3}]",
	  "members[0]: x: -1 is not 1 to 255" },
	{ "x missing", "groups", 0, "members", "[{\"node\":11},{\"node\":12,\"x\":2},{\"node\":13,\"x\":3}]",
	  "members[0]: x is missing" },
	{ "x twice", "groups", 0, "members", "[{\"node\":11,\"x\":1},{\"node\":12,\"x\":2},{\"node\":13,\"x\":1}]",
	  "x 1 is that of both 11 and 13" },
	{ "unknown member", "groups", 0, "members", "[{\"node\":11,\"x\":1},{\"node\":14,\"x\":2},{\"node\":13,\"x\":3}]",
	  "node 14 is not among the nodes" },
	{ "member twice", "groups", 0, "members", "[{\"node\":11,\"x\":1},{\"node\":11,\"x\":2},{\"node\":13,\"x\":3}]",
	  "node 11 (sh1) is a member twice" },
	{ "member that is no shareholder", "groups", 0, "members", "[{\"node\":1,\"x\":1},{\"node\":11,\"x\":2},{\"node\":13,\"x\":3}]",
	  "node 1 (owner) is owner, not a shareholder" },
	{ "member that is no object", "groups", 0, "members", "[11,12,13]", "members[0]: expected an object" },
};

static void test_wrong(const struct wrong *w)
{
	json_t *root = document(), *obj;
	struct network net;
	struct err err = { "" };
	int ret;

	obj = json_array_get(json_object_get(root, w->list), w->index);
	if (w->value)
		json_object_set_new(obj, w->key,
				    json_loads(w->value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(obj, w->key);
	ret = network_parse(root, "net.json", 0, &net, &err);
	if (!ok((ret == -EINVAL || ret == -ENOENT) && strstr(err.text, w->words) &&
		!strncmp(err.text, "net.json: ", 10) && !strchr(err.text, '\n') &&
		!net.nodes && !net.node, "%s is refused by name", w->name))
		diag("got %d, \"%s\", want \"%s\"", ret, err.text, w->words);
	if (!ret)
		network_free(&net);
	json_decref(root);
}

static void test_k1(void)
{
	json_t *root = document(), *list = json_object_get(root, "nodes");
	struct network net;
	struct err err = { "" };

	json_object_set_new(json_array_get(list, 2), "allow_k1", json_true());
	json_object_set_new(json_array_get(list, 3), "allow_k1", json_true());
	json_object_set_new(json_array_get(json_object_get(root, "groups"), 0),
			    "k", json_integer(1));
	is_int(network_parse(root, "net.json", 0, &net, &err), 0,
	       "k 1 where every member allows it");
	network_free(&net);
	json_decref(root);
}

static void test_xor(void)
{
	json_t *root = document(), *group;
	const struct network_group *grp;
	struct network net;
	struct err err;
	size_t i;

	group = json_array_get(json_object_get(root, "groups"), 0);
	json_object_set_new(group, "scheme", json_string("xor"));
	json_object_set_new(json_array_get(json_object_get(group, "members"), 1),
			    "x", json_integer(17));
	is_int(network_parse(root, "net.json", 0, &net, &err), 0, "a group of xor");
	grp = network_group(&net, 1);
	ok(grp && grp->scheme == SSN_SCHEME_XOR, "... is one");
	network_free(&net);
	json_object_set_new(group, "k", json_integer(1));
	for (i = 0; i < 5; i++)
		json_object_set_new(json_array_get(json_object_get(root, "nodes"), i),
				    "allow_k1", json_true());
	is_int(network_parse(root, "net.json", 0, &net, &err), -EINVAL,
	       "k 1 is not possible in it");
	ok(strstr(err.text, "2 <= k"), "... and the limits are named");
	is_str(network_scheme_name(SSN_SCHEME_XOR), "xor", "a scheme's name");
	ok(!network_scheme_name(3) && !network_scheme(""), "none that is not there");
	json_decref(root);
}

static void test_whole(void)
{
	json_t *root = document(), *copy;
	struct network net;
	struct err err;

	is_int(network_parse(root, "net.json", 99, &net, &err), -EINVAL,
	       "an own node that is not there");
	ok(strstr(err.text, "this node, 99, is not among the nodes"),
	   "... is named");
	json_array_append(json_object_get(root, "groups"),
			  copy = json_deep_copy(json_array_get(
				json_object_get(root, "groups"), 0)));
	is_int(network_parse(root, "net.json", 0, &net, &err), -EINVAL,
	       "a group that is there twice");
	ok(strstr(err.text, "group 1 is there twice"), "... is named");
	json_decref(copy);
	json_object_del(root, "groups");
	is_int(network_parse(root, "net.json", 0, &net, &err), 0,
	       "a network without groups");
	network_free(&net);
	json_object_del(root, "nodes");
	is_int(network_parse(root, "net.json", 0, &net, &err), -EINVAL,
	       "a network without nodes");
	json_decref(root);
	is_int(network_load("/nonexistent/net.json", 0, &net, &err), -ENOENT,
	       "a file that is not there");
	ok(strstr(err.text, "/nonexistent/net.json"), "... is named");
}

int main(void)
{
	size_t i;

	tap_plan(14 + sizeof(wrongs) / sizeof(*wrongs) + 1 + 6 + 8);
	test_good();
	for (i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++)
		test_wrong(&wrongs[i]);
	test_k1();
	test_xor();
	test_whole();
	return tap_done();
}
