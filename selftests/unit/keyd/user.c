// SPDX-License-Identifier: GPL-2.0
/* The state folder is whose keyd becomes. */
#include <sys/stat.h>
#include <sys/wait.h>
#include "fake.h"

#define NOBODY	65534
#define QUIET	",\"pools\":{\"tag\":{\"low\":2048,\"high\":65536,\"block\":32768}," \
		"\"payload\":{\"low\":4096,\"high\":8192,\"block\":4096}}"

static int owner(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state/%s", ca_dir, name);
	return stat(path, &st) ? -1 : (int)st.st_uid;
}

/* Started as root and run as that user: what does not work, or 0. */
static int runs(void)
{
	struct block b = { .peer = SH1, .dir = QKD_DIR_RX, .size = 4096 };
	struct err err = { "" };
	int status;
	pid_t pid = fork();

	if (!pid) {
		event_reinit(base);
		if (fake_try(QUIET ",\"user\":\"nobody\"", &err) ||
		    setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		uuid_random(b.id);
		if (ledger_new(keyd.ledger, &b, LEDGER_VOID, NULL, &err))
			_exit(2);
		status_write();
		_exit(owner("status.json") == NOBODY ? 0 : 3);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
	struct err err = { "" };
	char path[128];

	if (geteuid()) {
		skip("keyd as another user", "this is not root");
		return tap_done();
	}
	fake_begin();
	chmod(ca_dir, 0711);
	snprintf(path, sizeof(path), "%s/state", ca_dir);
	fake_add(0xa1, QKD_DIR_TX, QKD_KIND_TAG, 65536, QKD_BLOCK_STATE_USABLE);
	fake_add(0xa2, QKD_DIR_TX, QKD_KIND_PAYLOAD, 8192, QKD_BLOCK_STATE_USABLE);

	fake_start(QUIET);
	fake_stop();
	is_int(owner("ledger"), 0, "a ledger of root's");
	is_int(runs(), 0, "can be written as another user");
	ok(owner("") == NOBODY && owner("ledger") == NOBODY, "who was given it, with its folder");
	is_int(runs(), 0, "also the next time");
	if (chown(path, 0, 0) || chmod(path, 0777))
		bail("%s: %s", path, strerror(errno));
	is_int(fake_try(QUIET ",\"user\":\"nobody\"", &err), -EPERM,
	       "not one that anybody may have filled");
	if (chown(path, 1, 1) || chmod(path, 0700))
		bail("%s: %s", path, strerror(errno));
	is_int(fake_try(QUIET ",\"user\":\"nobody\"", &err), -EPERM, "nor another user's");
	is_int(fake_try(QUIET ",\"user\":\"no-such-user\"", &err), -ENOENT,
	       "nor for a user that is not there");
	fake_end();
	return tap_done();
}
