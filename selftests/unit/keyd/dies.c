// SPDX-License-Identifier: GPL-2.0
/*
 * A keyd that ends between two steps, for the topology test of crashes:
 *
 *	dies STEP N -c CONFIG ...	SIGKILL when STEP is reached the Nth time
 *
 * Without arguments it tests itself.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon.h"
#include "keyd.h"
#include "tap.h"

static const char *die_at;
static int left;

static void on_step(const char *step)
{
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
	tap_plan(3);
	ok(try("a", 2, "a", 2), "it ends at its step");
	ok(!try("a", 2, "a", 1), "not before");
	ok(!try("a", 1, "b", 5), "and at no other");
	return tap_done();
}
