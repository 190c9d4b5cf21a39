// SPDX-License-Identifier: GPL-2.0
/*
 * Namespaces and the module go while blocks are loaded, and leave nothing.
 *
 * timeout: 180
 */
#include "qkd_util.h"

static unsigned char bytes[16 * UNIT];

/* In the namespace this process is in. */
static int load_some(struct nl *nl, int n, qkd_id last)
{
	int ring = ring_serial(nl), key = -1;

	while (n--) {
		id_new(last);
		key = block_add(ring, 1 + n % 2, n / 2 % 2, n / 4 % 2, last,
				bytes, sizeof(bytes));
		if (key < 0)
			bail("block: %s", strerror(errno));
	}
	return key;
}

FIXTURE(session) {
};

FIXTURE_SETUP(session)
{
	fill_random(bytes, sizeof(bytes));
	keyctl_join_session_keyring(NULL);
}

FIXTURE_TEARDOWN(session)
{
}

TEST_F(session, from_a_shell)
{
	char cmd[512], text[UUID_TEXT];
	struct block block;
	int home = ns_here(), ns;
	struct nl *nl;
	qkd_id id;

	if (system("ip netns add qkd_unload"))
		bail("ip netns add");
	ns = open("/run/netns/qkd_unload", O_RDONLY | O_CLOEXEC);
	ns_enter(ns);
	close(ns);
	nl = nl_open(false);
	id_new(id);
	ns_enter(home);
	snprintf(cmd, sizeof(cmd),
		 "head -c 8192 /dev/urandom | ip netns exec qkd_unload keyctl padd qkd 2:tx:payload:%s %d > /dev/null",
		 id_text(id, text), ring_serial(nl));
	EXPECT_EQ(0, system(cmd))
		TH_LOG("keyctl padd in a namespace");
	EXPECT_TRUE(!block_get(nl, id, &block) && block.size == 8192)
		TH_LOG("loads a block there");
	nl_close(nl);
	EXPECT_EQ(0, system("ip netns del qkd_unload"))
		TH_LOG("the namespace goes");
	EXPECT_TRUE(until(!key_listed(text), 30))
		TH_LOG("the key with it");
	close(home);
}

TEST_F(session, namespaces)
{
	int home = ns_here(), ns, i, ring, key, left;
	char text[UUID_TEXT], buf[64];
	struct nl *nl;
	qkd_id id;

	for (i = 0; i < 5; i++) {
		ns = ns_new();
		nl = nl_open(false);
		ring = ring_serial(nl);
		key = load_some(nl, 20, id);
		/* held by this process, beyond its namespace */
		keyctl_link(ring, KEY_SPEC_SESSION_KEYRING);
		keyctl_link(key, KEY_SPEC_SESSION_KEYRING);
		nl_close(nl);
		ns_enter(home);
		close(ns);
		id_text(id, text);
		left = until(keyctl_read(ring, buf, sizeof(buf)) < 0, 30);
		EXPECT_TRUE(left)
			TH_LOG("namespace %d: its keyring is dead", i);
		EXPECT_TRUE(until(!key_listed(text), 30))
			TH_LOG("namespace %d: a key too", i);
		keyctl_unlink(ring, KEY_SPEC_SESSION_KEYRING);
	}
	close(home);
}

TEST_F(session, modules)
{
	int home = ns_here(), i, ring, key, crypt, ns;
	char text[UUID_TEXT], buf[64];
	struct nl *nl;
	qkd_id id, other;

	crypt = module_unload("ssn_crypt") == 0;
	for (i = 0; i < 5; i++) {
		ns = ns_new();
		nl = nl_open(false);
		load_some(nl, 10, other);
		nl_close(nl);
		ns_enter(home);
		nl = nl_open(false);
		ring = ring_serial(nl);
		key = load_some(nl, 10, id);
		keyctl_link(ring, KEY_SPEC_SESSION_KEYRING);
		keyctl_link(key, KEY_SPEC_SESSION_KEYRING);
		nl_close(nl);

		EXPECT_EQ(0, module_unload("qkd_keyring"))
			TH_LOG("unloaded with blocks, %d", i);
		EXPECT_EQ(0, key_listed(id_text(id, text)))
			TH_LOG("no key is left");
		EXPECT_EQ(0, key_listed(id_text(other, text)))
			TH_LOG("in any namespace");
		EXPECT_LT(keyctl_read(ring, buf, sizeof(buf)), 0)
			TH_LOG("a keyring that is held is dead");
		EXPECT_EQ(ENODEV,
			  error_of(block_add(KEY_SPEC_SESSION_KEYRING, 2, 0, 0,
			  id, bytes, UNIT)))
			TH_LOG("there is no such type");
		keyctl_unlink(ring, KEY_SPEC_SESSION_KEYRING);
		keyctl_unlink(key, KEY_SPEC_SESSION_KEYRING);
		close(ns);
		if (module_load("qkd_keyring"))
			bail("loading qkd_keyring: %s", strerror(errno));
	}
	if (crypt) {
		EXPECT_EQ(0, module_load("ssn_crypt"))
			TH_LOG("ssn_crypt loads again");
	}
	close(home);
}

TEST_HARNESS_MAIN
