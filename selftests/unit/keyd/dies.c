// SPDX-License-Identifier: GPL-2.0
/*
 * A keyd that ends between two steps, for the topology test of crashes:
 *
 *	dies STEP N -c CONFIG ...	SIGKILL when STEP is reached the Nth time
 *	dies deaf 1 -c CONFIG ...	no room for more than one or two events of the
 *					kernel, once it has reached any step
 *
 * Without arguments it tests itself.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon.h"
#include "keyd.h"
#include "tap.h"

static const char *die_at;
static int left;

/* The socket of events is the one that does not block. */
static int hears(int fd)
{
	int domain = 0, room = 0;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) ||
	    domain != AF_NETLINK || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return 0;
	return !setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

static int go_deaf(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += hears(fd);
	return n;
}

static void on_step(const char *step)
{
	if (!strcmp(die_at, "deaf"))
		go_deaf();
	if (!strcmp(step, die_at) && !--left)
		kill(getpid(), SIGKILL);
}

static int try(const char *at, int times, const char *step, int steps)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		die_at = at;
		left = times;
		keyd_step_hook = on_step;
		while (steps--)
			keyd_step(step);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

int main(int argc, char **argv)
{
	if (argc > 3) {
		die_at = argv[1];
		left = atoi(argv[2]);
		keyd_step_hook = on_step;
		argv[2] = argv[0];
		return daemon_main(argc - 2, argv + 2, &keyd_ops);
	}
	tap_plan(4);
	ok(try("a", 2, "a", 2), "it ends at its step");
	ok(!try("a", 2, "a", 1), "not before");
	ok(!try("a", 1, "b", 5), "and at no other");
	ok(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0) >= 0 && go_deaf() == 1,
	   "it finds what it hears with");
	return tap_done();
}
