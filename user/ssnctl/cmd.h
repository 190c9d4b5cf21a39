/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A command of ssnctl: one entry in one table, which dispatch, --help and the
 * shell's completion are made from. A file is a noun and registers its verbs:
 *
 *	static int run(int argc, char **argv, const struct cmd_ctx *ctx) { ... }
 *
 *	static const struct cmd peer_list = {
 *		.object = "peer", .verb = "list",
 *		.help = "list the peers of this node", .run = run,
 *	};
 *	CMD_REGISTER(peer_list);
 */
#ifndef SSNCTL_CMD_H
#define SSNCTL_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include "config.h"

#define CMD_CONFIG_DEFAULT	"/etc/ssn/ssnctl.json"

/**
 * struct cmd_ctx - the options before OBJECT VERB
 * @json:	-j: JSON on stdout instead of text
 * @netns:	-n: the network namespace, already entered; NULL without
 * @config:	-c: configuration file, or CMD_CONFIG_DEFAULT; never NULL.
 *		Not read by main()
 */
struct cmd_ctx {
	bool json;
	const char *netns;
	const char *config;
};

/* What run() returns, and ssnctl exits with */
enum {
	CMD_OK		= 0,
	CMD_FAILED	= 1,	/* the error is on stderr already */
	CMD_USAGE	= 2,	/* wrong arguments: main() prints the usage after
				 * what run() said was wrong */
	CMD_DEGRADED	= 3,	/* done, but with less than was asked for */
};

/**
 * struct cmd - one command
 * @object:	"peer", or NULL for a verb of its own ("put")
 * @verb:	"list"
 * @args:	usage of what follows, NULL for nothing: options as
 *		"[--wait]" or "--self NAME", files as FILE, the others in
 *		capitals. Completion takes the options and FILE from here
 * @help:	half a line, without full stop
 * @run:	the command; argv[0] is the verb, argv[1..argc-1] what follows,
 *		argv[argc] NULL: ready for getopt_long(). Output goes to stdout,
 *		errors to stderr by cmd_error()
 */
struct cmd {
	const char *object;
	const char *verb;
	const char *args;
	const char *help;
	int (*run)(int argc, char **argv, const struct cmd_ctx *ctx);
};

/* Put a file-scope struct cmd into the table. */
#define CMD_REGISTER(x)							\
	static const struct cmd *const cmd_entry_##x			\
	__attribute__((used, section("ssnctl_cmds"))) = &(x)

/* "ssnctl: TEXT\n" to stderr; returns CMD_FAILED. */
int cmd_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, for wrong arguments; returns CMD_USAGE. */
int cmd_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
