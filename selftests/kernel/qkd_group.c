// SPDX-License-Identifier: GPL-2.0
/*
 * Who may load pads without the capability: the group of the namespace's keyring
 * and nobody else, whatever keyring he adds the key to.
 *
 * kernels: uml-debug uml debian
 */
#include <grp.h>
#include <sys/prctl.h>

#include "qkd_util.h"

#define USER	65534

/* As a user of @gid: 0, or the errno of adding a block to a keyring of his own */
static int adds_as(gid_t gid, uint32_t peer, int dir)
{
	int pipes[2], err = 0;
	unsigned char bytes[UNIT];
	pid_t pid;

	if (pipe(pipes))
		bail("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		qkd_id id;

		if (setgroups(0, NULL) || setgid(gid) || setuid(USER))
			_exit(1);
		id_new(id);
		fill_random(bytes, sizeof(bytes));
		if (block_add(KEY_SPEC_PROCESS_KEYRING, peer, dir,
			      QKD_KIND_PAYLOAD, id, bytes, UNIT) < 0)
			err = errno;
		if (write(pipes[1], &err, sizeof(err)) != sizeof(err))
			_exit(1);
		_exit(0);
	}
	close(pipes[1]);
	if (read(pipes[0], &err, sizeof(err)) != sizeof(err))
		bail("the user's process died");
	close(pipes[0]);
	waitpid(pid, NULL, 0);
	return err;
}

TEST(who_may_load)
{
	struct nl *nl;
	int ring;

	ns_new();
	nl = nl_open(false);
	ring = ring_serial(nl);
	if (ceiling_set(nl, -1, 64 * UNIT))
		bail("ceiling-set: %s", strerror(errno));
	EXPECT_EQ(EPERM, adds_as(USER, 7, QKD_DIR_RX))
		TH_LOG("a ceiling, and the keyring is nobody's: no pad of a user's");
	EXPECT_EQ(EPERM, adds_as(USER, 0, QKD_DIR_LOCAL))
		TH_LOG("nor bytes that coefficients would be made of");
	keyctl_chown(ring, -1, USER);
	EXPECT_EQ(EPERM, adds_as(USER - 1, 7, QKD_DIR_RX))
		TH_LOG("of another group than the keyring's: no");
	EXPECT_EQ(EPERM, adds_as(USER - 1, 0, QKD_DIR_LOCAL))
		TH_LOG("nor local bytes");
	EXPECT_EQ(0, adds_as(USER, 7, QKD_DIR_RX))
		TH_LOG("of its group: yes");
	nl_close(nl);
}

TEST_HARNESS_MAIN
