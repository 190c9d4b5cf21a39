// SPDX-License-Identifier: GPL-2.0
/* What a daemon may still do as the "user" of its configuration. */
#include <event2/event.h>
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon.h"
#include "tap.h"

static int out[2];

static unsigned long long from_status(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long long value = ~0ULL;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			value = strtoull(line + strlen(name), NULL, 16);
	if (f)
		fclose(f);
	return value;
}

/* In the loop: everything that had to be dropped is. */
static void look(evutil_socket_t fd, short what, void *arg)
{
	unsigned long long seen[] = {
		getuid(), from_status("CapEff:"), from_status("CapPrm:"), !setuid(0),
	};

	_exit(write(out[1], seen, sizeof(seen)) != sizeof(seen));
}

static int start(struct event_base *base, const json_t *config, struct err *err)
{
	static const struct timeval now;

	return event_base_once(base, -1, EV_TIMEOUT, look, NULL, &now);
}

static void run(const char *user, uint32_t caps, const char *name)
{
	const struct daemon_ops ops = { .name = "test", .about = "", .start = start,
					.caps = caps };
	char path[] = "/tmp/test-daemon.XXXXXX", *argv[] = { "test", "-c", path, NULL };
	unsigned long long seen[4] = { 0 };
	int fd = mkstemp(path), status;
	pid_t pid;

	dprintf(fd, "{\"user\":\"%s\"}", user);
	close(fd);
	if (pipe(out))
		bail("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid)
		_exit(daemon_main(3, argv, &ops));
	close(out[1]);
	ok(read(out[0], seen, sizeof(seen)) == sizeof(seen), "%s: it runs", name);
	close(out[0]);
	waitpid(pid, &status, 0);
	unlink(path);
	ok(seen[0] == 65534, "%s: as that user", name);
	ok(seen[1] == caps && seen[2] == caps, "%s: with these capabilities: %llx, %llx",
	   name, seen[1], seen[2]);
	ok(!seen[3], "%s: and is never root again", name);
}

int main(void)
{
	if (geteuid()) {
		skip("a daemon as another user", "this is not root");
		return tap_done();
	}
	run("nobody", 0, "none kept");
	run("nobody", 1 << CAP_NET_ADMIN, "one kept");
	return tap_done();
}
