/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every daemon of the network has in common: options, configuration, log,
 * signals, the event loop, sd_notify, no core files, clean exit.
 */
#ifndef SSN_DAEMON_H
#define SSN_DAEMON_H

#include <stdint.h>
#include <sys/types.h>
#include "config.h"

struct event_base;

/**
 * struct daemon_ops - a daemon
 * @name:	"ssad"
 * @about:	one sentence for --help
 * @config:	default path of the configuration file
 * @caps:	capabilities that it keeps as "user": a mask of 1 << CAP_..., or 0
 * @check:	is this configuration right? Reads only; for --check. May be NULL
 * @start:	open sockets, read state; the loop has not begun. An error text
 *		in @err ends the program with status 1, without @stop
 * @reload:	SIGHUP: a new configuration; on error the old one stays
 * @stop:	SIGTERM or SIGINT, the loop has ended: release everything
 */
struct daemon_ops {
	const char *name;
	const char *about;
	const char *config;
	uint32_t caps;
	int (*check)(const json_t *config, struct err *err);
	int (*start)(struct event_base *base, const json_t *config, struct err *err);
	int (*reload)(const json_t *config, struct err *err);
	void (*stop)(void);
};

/*
 * Options of every daemon: -c FILE, --check (read the configuration and say what
 * is wrong), -d debug, --help, --version. PR_SET_DUMPABLE 0, RLIMIT_CORE 0,
 * SIGPIPE ignored. Config key "user" (optional) drops privileges after start;
 * failing to drop is fatal. sd_notify READY=1 once started.
 */
int daemon_main(int argc, char **argv, const struct daemon_ops *ops);

/* Whose files those have to be that @start makes: "user", or who we are. */
int daemon_user(const json_t *config, uid_t *uid, gid_t *gid, struct err *err);

#endif
