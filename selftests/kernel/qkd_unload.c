// SPDX-License-Identifier: GPL-2.0
/*
 * Namespaces and the module go while blocks are loaded, and leave nothing.
 *
 * timeout: 180
 */
#include <sys/syscall.h>

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

static void from_a_shell(void)
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
	is_int(system(cmd), 0, "keyctl padd in a namespace");
	ok(!block_get(nl, id, &block) && block.size == 8192,
	   "loads a block there");
	nl_close(nl);
	is_int(system("ip netns del qkd_unload"), 0, "the namespace goes");
	ok(until(!key_listed(text), 30), "the key with it");
	close(home);
}

static void namespaces(void)
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
		ok(left, "namespace %d: its keyring is dead", i);
		ok(until(!key_listed(text), 30), "namespace %d: a key too", i);
		keyctl_unlink(ring, KEY_SPEC_SESSION_KEYRING);
	}
	close(home);
}

static int unload(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK);
}

static int load(const char *module)
{
	char path[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s.ko", getenv("SSN_MODULES") ?: ".",
		 module);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	err = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return err;
}

static void modules(void)
{
	int home = ns_here(), i, ring, key, crypt, ns;
	char text[UUID_TEXT], buf[64];
	struct nl *nl;
	qkd_id id, other;

	crypt = unload("ssn_crypt") == 0;
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

		ok(unload("qkd_keyring") == 0, "unloaded with blocks, %d", i);
		ok(!key_listed(id_text(id, text)), "no key is left");
		ok(!key_listed(id_text(other, text)), "in any namespace");
		ok(keyctl_read(ring, buf, sizeof(buf)) < 0,
		   "a keyring that is held is dead");
		ok(block_add(KEY_SPEC_SESSION_KEYRING, 2, 0, 0, id, bytes,
			     UNIT) < 0 && errno == ENODEV, "there is no such type");
		keyctl_unlink(ring, KEY_SPEC_SESSION_KEYRING);
		keyctl_unlink(key, KEY_SPEC_SESSION_KEYRING);
		close(ns);
		if (load("qkd_keyring"))
			bail("loading qkd_keyring: %s", strerror(errno));
	}
	if (crypt)
		ok(load("ssn_crypt") == 0, "ssn_crypt loads again");
	close(home);
}

int main(void)
{
	fill_random(bytes, sizeof(bytes));
	keyctl_join_session_keyring(NULL);
	from_a_shell();
	namespaces();
	modules();
	return tap_done();
}
