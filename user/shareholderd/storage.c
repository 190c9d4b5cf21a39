// SPDX-License-Identifier: GPL-2.0
/* The data directory as a whole, and its trash. */
#include "storage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "durable.h"
#include "folder.h"
#include "log.h"

void storage_version_name(uint32_t version, uint64_t epoch,
			  char name[STORAGE_VERSION_NAME])
{
	snprintf(name, STORAGE_VERSION_NAME, "%" PRIu32 ".%" PRIu64, version,
		 epoch);
}

int storage_parse_version(const char *name, uint32_t *version, uint64_t *epoch)
{
	char again[STORAGE_VERSION_NAME], *end;
	unsigned long long v, e;

	v = strtoull(name, &end, 10);
	if (*end != '.' || v > UINT32_MAX)
		return -EINVAL;
	e = strtoull(end + 1, &end, 10);
	storage_version_name(v, e, again);
	if (strcmp(again, name))
		return -EINVAL;
	*version = v;
	*epoch = e;
	return 0;
}

/* Bytes that a file counts for: only shares do. */
static uint64_t share_size(int dirfd, const char *name)
{
	struct stat stat;
	uint32_t segment;
	uint64_t deal;

	if (sharefile_parse_name(name, &segment, &deal) ||
	    fstatat(dirfd, name, &stat, AT_SYMLINK_NOFOLLOW))
		return 0;
	return stat.st_size;
}

/* --- trash */

int storage_discard(struct storage *st, int dirfd, const char *name)
{
	uint8_t uuid[UUID_BYTES];
	char text[UUID_TEXT];
	int ret = uuid_random(uuid);

	if (ret)
		return ret;
	uuid_format(uuid, text);
	return durable_rename(dirfd, name, st->trash, text);
}

static int trash_file(int dirfd, const char *name, void *arg)
{
	struct storage *st = arg;
	uint64_t size = share_size(dirfd, name);

	if (unlinkat(dirfd, name, 0))
		return -errno;
	st->used -= size < st->used ? size : st->used;
	return 1;
}

static int trash_folder(int dirfd, const char *name, void *arg)
{
	int fd = folder_open(dirfd, name), ret;

	if (fd == -ENOTDIR)
		return trash_file(dirfd, name, arg);
	if (fd < 0)
		return fd;
	ret = folder_walk(fd, trash_file, arg);
	close(fd);
	if (!ret)
		ret = unlinkat(dirfd, name, AT_REMOVEDIR) ? -errno : 1;
	return ret;
}

int storage_trash_step(struct storage *st)
{
	int ret = folder_walk(st->trash, trash_folder, st);

	if (ret < 0)
		log_warn("trash: %s; restart to try again", strerror(-ret));
	return ret > 0;
}

/* --- what a crash left, and how much there is */

static int tidy_share(int dirfd, const char *name, void *arg)
{
	struct storage *st = arg;

	st->used += share_size(dirfd, name);
	return 0;
}

static int tidy_version(int dirfd, const char *name, void *arg)
{
	int fd = folder_open(dirfd, name), ret;

	if (fd < 0)
		return 0;
	ret = folder_walk(fd, tidy_share, arg);
	close(fd);
	return ret;
}

static int tidy_object(int dirfd, const char *name, void *arg)
{
	int fd = folder_open(dirfd, name), ret;

	if (fd < 0)
		return 0;
	ret = folder_walk(fd, tidy_version, arg);
	close(fd);
	return ret;
}

static int tidy_job(int dirfd, const char *name, void *arg)
{
	struct storage *st = arg;
	int fd = folder_open(dirfd, name), ret;

	if (fd < 0)
		return 0;
	ret = durable_sweep(fd);
	if (!ret && st->quota)
		ret = folder_walk(fd, tidy_share, st);
	close(fd);
	/* empty: the crash came before its record, and nobody was told of it */
	if (unlinkat(dirfd, name, AT_REMOVEDIR))
		st->pending_count++;
	return ret;
}

static int storage_tidy(struct storage *st)
{
	int ret;

	ret = durable_sweep(st->names);
	if (!ret)
		ret = folder_walk(st->pending, tidy_job, st);
	if (!ret && st->quota)
		ret = folder_walk(st->objects, tidy_object, st) ?:
		      folder_walk(st->trash, tidy_version, st);
	return ret;
}

/* --- */

/* Made as root, it is still whose the data directory is: see "user". */
static int storage_folder(struct storage *st, const char *name, int *fd)
{
	struct stat root;
	int ret = durable_mkdir(st->root, name);

	if (ret)
		return ret;
	*fd = folder_open(st->root, name);
	if (*fd < 0)
		return *fd;
	if (!geteuid() && (fstat(st->root, &root) ||
			   fchown(*fd, root.st_uid, root.st_gid)))
		return -errno;
	return 0;
}

/* Also makes a new directory's own name durable. */
static int storage_root(const char *path, int *fd)
{
	char parent[4096], *slash;
	int dir, ret;

	if (snprintf(parent, sizeof(parent), "%s/..", path) >=
	    (int)sizeof(parent))
		return -ENAMETOOLONG;
	*fd = folder_open(AT_FDCWD, path);
	if (*fd != -ENOENT)
		return *fd < 0 ? *fd : 0;
	slash = strrchr(path, '/');
	if (slash)
		snprintf(parent, sizeof(parent), "%.*s/",
			 (int)(slash - path), path);
	else
		strcpy(parent, ".");
	dir = folder_open(AT_FDCWD, parent);
	if (dir < 0)
		return dir;
	ret = durable_mkdir(dir, slash ? slash + 1 : path);
	if (!ret)
		*fd = ret = folder_open(dir, slash ? slash + 1 : path);
	close(dir);
	return ret < 0 ? ret : 0;
}

int storage_open(const char *path, uint64_t quota, struct storage **out,
		 struct err *err)
{
	struct storage *st = calloc(1, sizeof(*st));
	int ret;

	if (!st)
		return err_set(err, -ENOMEM, "out of memory");
	st->root = st->objects = st->pending = st->names = st->trash = -1;
	st->quota = quota;
	ret = storage_root(path, &st->root);
	if (ret) {
		err_set(err, ret, "%s: %s", path, strerror(-ret));
		goto err_close;
	}
	if (flock(st->root, LOCK_EX | LOCK_NB)) {
		ret = err_set(err, -EBUSY,
			      "%s: another shareholderd has this data directory",
			      path);
		goto err_close;
	}
	ret = storage_folder(st, "objects", &st->objects) ?:
	      storage_folder(st, "pending", &st->pending) ?:
	      storage_folder(st, "jobs", &st->names) ?:
	      storage_folder(st, "trash", &st->trash) ?:
	      storage_tidy(st);
	if (ret) {
		err_set(err, ret, "%s: %s", path, strerror(-ret));
		goto err_close;
	}
	*out = st;
	return 0;

err_close:
	storage_close(st);
	return ret;
}

void storage_close(struct storage *st)
{
	int *fds[] = { &st->objects, &st->pending, &st->names, &st->trash,
		       &st->root };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	free(st);
}
