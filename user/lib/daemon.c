// SPDX-License-Identifier: GPL-2.0
#include "daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "log.h"

#ifndef SSN_VERSION
#define SSN_VERSION "0.1"
#endif

struct daemon {
	const struct daemon_ops *ops;
	const char *path;		/* of the configuration */
	struct event_base *base;
};

static void daemon_usage(FILE *to, const struct daemon_ops *ops)
{
	fprintf(to,
		"Usage: %s [OPTION]...\n"
		"%s\n\n"
		"  -c, --config FILE  configuration (default %s)\n"
		"      --check        say what is wrong with it, and end\n"
		"  -d, --debug        say more\n"
		"  -h, --help         this text\n"
		"  -V, --version      version\n",
		ops->name, ops->about, ops->config);
}

/*
 * Neither a core file nor a debugger sees what the daemon has in memory. And
 * there are as many descriptors as the administrator lets it have.
 */
static int daemon_harden(struct err *err)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit files;

	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_set(err, -errno, "cannot forbid core files: %s",
			       strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return 0;
}

/* NULL: there is no "user", and @ret says whether that is well. */
static struct passwd *user_of(const json_t *config, int *ret, struct err *err)
{
	struct passwd *pw = NULL;
	const char *user;

	*ret = config_str(config, "configuration", "user", "", &user, err);
	if (*ret || !*user)
		return NULL;
	errno = 0;
	pw = getpwnam(user);
	if (!pw)
		*ret = err_set(err, errno ? -errno : -ENOENT,
			       "user: there is no user %s", user);
	return pw;
}

int daemon_user(const json_t *config, uid_t *uid, gid_t *gid, struct err *err)
{
	int ret;
	struct passwd *pw = user_of(config, &ret, err);

	*uid = pw ? pw->pw_uid : geteuid();
	*gid = pw ? pw->pw_gid : getegid();
	return ret;
}

/* These capabilities and no others, from here on. */
static int keep_caps(uint32_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = caps, .permitted = caps }
	};

	return syscall(SYS_capset, &head, data);
}

static int daemon_drop(const struct daemon_ops *ops, const json_t *config,
		       struct err *err)
{
	struct passwd *pw;
	int ret;

	pw = user_of(config, &ret, err);
	if (!pw)
		return ret;
	if ((ops->caps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)) ||
	    initgroups(pw->pw_name, pw->pw_gid) ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) ||
	    (ops->caps && keep_caps(ops->caps)))
		return err_set(err, -errno, "cannot become user %s: %s", pw->pw_name,
			       strerror(errno));
	if (pw->pw_uid && !setuid(0))
		return err_set(err, -EPERM, "still root after becoming %s",
			       pw->pw_name);
	/* exec and setuid reset it */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return 0;
}

static void daemon_term(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	log_info("ending on signal %d", (int)sig);
	sd_notify(0, "STOPPING=1");
	event_base_loopbreak(d->base);
}

static void daemon_hup(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	struct err err = { "" };
	json_t *config;
	int ret;

	if (!d->ops->reload) {
		log_warn("SIGHUP ignored: restart to read %s again", d->path);
		return;
	}
	ret = config_load(d->path, &config, &err);
	if (!ret) {
		ret = d->ops->reload(config, &err);
		json_decref(config);
	}
	if (ret)
		log_err("configuration unchanged: %s", err.text);
	else
		log_info("configuration read again");
}

static int daemon_signal(struct daemon *d, int sig, event_callback_fn fn,
			 struct event **ev)
{
	*ev = evsignal_new(d->base, sig, fn, d);
	return *ev && !event_add(*ev, NULL) ? 0 : -ENOMEM;
}

static int daemon_run(struct daemon *d, const json_t *config)
{
	struct event *ev[3] = { NULL, NULL, NULL };
	struct err err = { "" };
	int ret, i;

	ret = daemon_harden(&err);
	if (ret)
		goto err_text;
	d->base = event_base_new();
	if (!d->base) {
		ret = err_set(&err, -ENOMEM, "no event loop");
		goto err_text;
	}
	ret = daemon_signal(d, SIGTERM, daemon_term, &ev[0]) ?:
	      daemon_signal(d, SIGINT, daemon_term, &ev[1]) ?:
	      daemon_signal(d, SIGHUP, daemon_hup, &ev[2]);
	if (ret) {
		err_set(&err, ret, "no memory for signals");
		goto err_events;
	}
	ret = d->ops->start(d->base, config, &err);
	if (ret)
		goto err_events;
	ret = daemon_drop(d->ops, config, &err);
	if (!ret) {
		sd_notify(0, "READY=1");
		log_info("ready");
		if (event_base_dispatch(d->base) < 0)
			ret = err_set(&err, -EIO, "the event loop failed");
	}
	if (d->ops->stop)
		d->ops->stop();
err_events:
	for (i = 0; i < 3; i++)
		if (ev[i])
			event_free(ev[i]);
	event_base_free(d->base);
err_text:
	if (ret)
		log_err("%s", err.text);
	return ret ? 1 : 0;
}

int daemon_main(int argc, char **argv, const struct daemon_ops *ops)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'C' },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	struct daemon d = { .ops = ops, .path = ops->config };
	int opt, check = 0, debug = 0, ret;
	struct err err = { "" };
	json_t *config;

	while ((opt = getopt_long(argc, argv, "c:dhV", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			d.path = optarg;
			break;
		case 'C':
			check = 1;
			break;
		case 'd':
			debug = 1;
			break;
		case 'h':
			daemon_usage(stdout, ops);
			return 0;
		case 'V':
			printf("%s " SSN_VERSION "\n", ops->name);
			return 0;
		default:
			daemon_usage(stderr, ops);
			return 2;
		}
	}
	if (optind < argc) {
		daemon_usage(stderr, ops);
		return 2;
	}
	log_open(ops->name, !!getenv("JOURNAL_STREAM"), debug);

	ret = config_load(d.path, &config, &err);
	if (!ret && check && ops->check)
		ret = ops->check(config, &err);
	if (ret) {
		log_err("%s", err.text);
		if (config)
			json_decref(config);
		return 1;
	}
	if (check) {
		printf("%s: ok\n", d.path);
		ret = 0;
	} else {
		ret = daemon_run(&d, config);
	}
	json_decref(config);
	return ret;
}
