// SPDX-License-Identifier: GPL-2.0
/* ssnctl: the network's control program, for data owners and administrators. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "table.h"

static void usage_line(FILE *file, const struct cmd *cmd)
{
	fprintf(file, "  ssnctl %s%s%s%s%s\n      %s\n", cmd->object ?: "",
		cmd->object ? " " : "", cmd->verb, cmd->args ? " " : "",
		cmd->args ?: "", cmd->help);
}

/* @object NULL: all of them; "": only verbs of their own */
static void usage(FILE *file, const char *object)
{
	const struct cmd *const *cmd;
	size_t n, i;

	fputs("Usage: ssnctl [-j] [-n NETNS] [-c CONFIG] [OBJECT] VERB ...\n",
	      file);
	if (!object)
		fputs("  -j, --json     JSON instead of text, bytes exact\n"
		      "  -n, --netns    act in the network namespace NETNS (ip netns)\n"
		      "  -c, --config   configuration of this data owner\n"
		      "                 (default " CMD_CONFIG_DEFAULT ")\n"
		      "An object may be abbreviated as far as it is unambiguous.\n"
		      "Status: 0 done, 1 failed, 2 wrong use, 3 done with less than asked for.\n",
		      file);
	putc('\n', file);
	cmd = table_all(&n);
	for (i = 0; i < n; i++)
		if (!object || !strcmp(cmd[i]->object ?: "", object))
			usage_line(file, cmd[i]);
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") ||
	       !strcmp(word, "help");
}

static int enter_netns(const char *name)
{
	char path[128];
	int fd;

	if (!*name || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return cmd_usage("\"%s\" is no name of a network namespace", name);
	if (snprintf(path, sizeof(path), "/run/netns/%s", name) >=
	    (int)sizeof(path))
		return cmd_usage("the name of the network namespace is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cmd_error("network namespace %s: %s%s", name,
				 strerror(errno), errno == ENOENT ?
				 " (ip netns list shows which there are)" : "");
	if (setns(fd, CLONE_NEWNET)) {
		int err = errno;

		close(fd);
		return cmd_error("network namespace %s: %s%s", name,
				 strerror(err), err == EPERM ?
				 ": entering it needs CAP_SYS_ADMIN: run it as root" :
				 "");
	}
	close(fd);
	return CMD_OK;
}

/* Options before OBJECT VERB; returns the index of the first other word. */
static int options(int argc, char **argv, struct cmd_ctx *ctx, int *status)
{
	int i;

	*status = -1;
	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		const char *opt = argv[i];

		if (!strcmp(opt, "-j") || !strcmp(opt, "--json")) {
			ctx->json = true;
		} else if (!strcmp(opt, "-h") || !strcmp(opt, "--help")) {
			usage(stdout, NULL);
			*status = CMD_OK;
			return i;
		} else if (!strcmp(opt, "-n") || !strcmp(opt, "--netns") ||
			   !strcmp(opt, "-c") || !strcmp(opt, "--config")) {
			bool netns = !strcmp(opt, "-n") || !strcmp(opt, "--netns");

			if (++i == argc) {
				*status = cmd_usage("%s wants a value", opt);
				return i;
			}
			if (netns)
				ctx->netns = argv[i];
			else
				ctx->config = argv[i];
		} else {
			*status = cmd_usage("there is no option %s (ssnctl --help)",
					    opt);
			return i;
		}
	}
	return i;
}

/* The command that the words name; @words: how many were used up. */
static const struct cmd *find(int argc, char **argv, int *words, int *status)
{
	const struct cmd *cmd = table_find(NULL, argv[0]);
	const char *object, *several;

	*words = 1;
	if (cmd)
		return cmd;
	object = table_object(argv[0], &several);
	if (!object) {
		*status = several ?
			cmd_usage("\"%s\" is ambiguous: %s, for one (ssnctl --help)",
				  argv[0], several) :
			cmd_usage("there is no command \"%s\" (ssnctl --help)",
				  argv[0]);
		return NULL;
	}
	if (argc > 1 && is_help(argv[1])) {
		usage(stdout, object);
		*status = CMD_OK;
		return NULL;
	}
	cmd = argc > 1 ? table_find(object, argv[1]) : NULL;
	if (!cmd) {
		*status = argc > 1 ?
			cmd_usage("%s has no verb \"%s\"", object, argv[1]) :
			cmd_usage("%s wants a verb", object);
		usage(stderr, object);
	}
	*words = 2;
	return cmd;
}

int main(int argc, char **argv)
{
	struct cmd_ctx ctx = { .config = CMD_CONFIG_DEFAULT };
	const struct cmd *cmd;
	int first, words, status;

	signal(SIGPIPE, SIG_IGN);
	first = options(argc, argv, &ctx, &status);
	if (status >= 0)
		return status;
	if (first == argc) {
		usage(stderr, NULL);
		return CMD_USAGE;
	}
	argc -= first;
	argv += first;
	if (!strcmp(argv[0], "help")) {
		usage(stdout, NULL);
		return CMD_OK;
	}
	cmd = find(argc, argv, &words, &status);
	if (!cmd)
		return status;
	if (argc > words && (!strcmp(argv[words], "--help") ||
			     !strcmp(argv[words], "-h"))) {
		usage_line(stdout, cmd);
		return CMD_OK;
	}
	if (ctx.netns && (status = enter_netns(ctx.netns)))
		return status;
	status = cmd->run(argc - words + 1, argv + words - 1, &ctx);
	if (status == CMD_USAGE)
		usage_line(stderr, cmd);
	if (fflush(stdout) && status == CMD_OK)
		status = cmd_error("output: %s", strerror(errno));
	return status;
}
