// SPDX-License-Identifier: GPL-2.0
#include "keyd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon.h"
#include "kme.h"
#include "log.h"

void (*keyd_step_hook)(const char *step);

/* Events of the kernel were lost, or may have been. */
static void on_lost(void)
{
	size_t i;

	recover_check();
	for (i = 0; i < keyd.peers; i++)
		stock_kick(&keyd.peer[i]);
}

/* Once a second: what waits too long, and what a peer has not been told. */
static void on_housekeeping(evutil_socket_t fd, short what, void *arg)
{
	static unsigned int ticks;
	size_t i;

	follow_expire();
	for (i = 0; i < keyd.peers; i++)
		recover_tell(&keyd.peer[i]);
	if (!(++ticks % 10))
		on_lost();
	status_write();
}

/* JSON texts hold keys for a moment: wiped wherever the library drops them. */
static void wiping_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static int lock_memory(struct err *err)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	json_set_alloc_funcs(malloc, wiping_free);
	/*
	 * What other libraries free is overwritten. Large pieces stay in the heap: to
	 * get them from the kernel page by page costs more than all the rest.
	 */
	mallopt(M_PERTURB, 0xa5);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	setrlimit(RLIMIT_MEMLOCK, &all);	/* also for the user we become */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		return err_set(err, -errno,
			       "memory cannot be locked: %s (run as root, or with LimitMEMLOCK=infinity)",
			       strerror(errno));
	return 0;
}

/*
 * The folder is whose keyd will be. What root has made before is given over; where
 * others may write there is no telling what it is.
 */
static int state_folder(uid_t uid, gid_t gid, struct err *err)
{
	static const char *const names[] = { "ledger", "ledger-wal", "ledger-journal",
					     "status.json", "status.tmp" };
	struct stat st;
	int fd, ret = 0;
	size_t i;

	if (mkdir(keyd.state, 0700) && errno != EEXIST)
		return err_set(err, -errno, "%s: %s", keyd.state, strerror(errno));
	fd = open(keyd.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		ret = err_set(err, -errno, "%s: %s", keyd.state, strerror(errno));
		goto out;
	}
	if (st.st_uid == uid)
		goto out;
	if (st.st_uid || st.st_mode & 022) {
		ret = err_set(err, -EPERM,
			      "%s: want a folder of \"user\", or of root with mode 0700",
			      keyd.state);
		goto out;
	}
	for (i = 0; i < sizeof(names) / sizeof(*names) && !ret; i++)
		if (fchownat(fd, names[i], uid, gid, AT_SYMLINK_NOFOLLOW) &&
		    errno != ENOENT)
			ret = -errno;
	if (!ret && fchown(fd, uid, gid))
		ret = -errno;
	if (ret)
		err_set(err, ret, "%s: %s", keyd.state, strerror(-ret));
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

/* As that user, so that it is his file, and no other is touched. */
static int open_ledger(uid_t uid, gid_t gid, struct err *err)
{
	char path[sizeof(keyd.state) + 16];
	int ret;

	snprintf(path, sizeof(path), "%s/ledger", keyd.state);
	setfsgid(gid);
	setfsuid(uid);
	ret = ledger_open(path, &keyd.ledger, err);
	setfsuid(geteuid());
	setfsgid(getegid());
	return ret;
}

static int keyd_open(struct event_base *base, const json_t *config, struct err *err)
{
	static const struct kernel_events events = {
		.low = stock_low, .voided = recover_event, .lost = on_lost,
	};
	const struct timeval second = { .tv_sec = 1 };
	char host[100];
	uint16_t port;
	uid_t uid;
	gid_t gid;
	int ret;

	keyd.base = base;
	ret = keyd_configure(&keyd, config, err) ?: daemon_user(config, &uid, &gid, err);
	if (ret)
		return ret;
	if (https_hostport(keyd.self->ax, host, sizeof(host), &port))
		return err_set(err, -EINVAL, "\"ax\": expected address:port");
	ret = state_folder(uid, gid, err) ?:
	      open_ledger(uid, gid, err) ?:
	      kernel_open(base, &events, &keyd.kernel, err) ?:
	      (uid != geteuid() ? kernel_possess(keyd.kernel, err) : 0) ?:
	      kme_open(base, keyd.pki, json_object_get(config, "kme"), host, &keyd.kme,
		       err) ?:
	      ax_start(err) ?:
	      recover_start(err) ?:
	      stock_start(err);
	if (ret)
		return ret;
	keyd.housekeeping = event_new(base, -1, EV_PERSIST, on_housekeeping, NULL);
	if (!keyd.housekeeping || event_add(keyd.housekeeping, &second))
		return err_set(err, -ENOMEM, "out of memory");
	log_info("node %s (%u): %zu peers, Ax on %s", keyd.self->name, keyd.self->id,
		 keyd.peers, keyd.listen);
	return 0;
}

static int keyd_start(struct event_base *base, const json_t *config, struct err *err)
{
	int ret = lock_memory(err) ?: keyd_open(base, config, err);

	if (ret)
		keyd_release(&keyd);
	return ret;
}

static int keyd_check(const json_t *config, struct err *err)
{
	int ret = keyd_configure(&keyd, config, err);

	keyd_release(&keyd);
	return ret;
}

/* A block in the making is given up; the next start tells the peer. */
static void keyd_stop(void)
{
	status_write();
	keyd_release(&keyd);
}

const struct daemon_ops keyd_ops = {
	.name = "keyd",
	.about = "Key agent: moves keys from the QKD network into the kernel.",
	.config = "/etc/ssn/keyd.json",
	.caps = 1 << CAP_NET_ADMIN,	/* to load keys, and for netlink */
	.check = keyd_check,
	.start = keyd_start,
	.stop = keyd_stop,
};
