// SPDX-License-Identifier: GPL-2.0
/*
 * Files that survive a power cut. The order is everything: contents first, then
 * the name, then the directory that holds the name; only then 0.
 */
#include "durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/* A crash leaves these; no name given to this file's functions begins so. */
#define DURABLE_TMP	".tmp-"

static int durable_sync(int fd)
{
	return fsync(fd) ? -errno : 0;
}

int durable_mkdir(int dirfd, const char *name)
{
	int fd, ret;

	if (mkdirat(dirfd, name, 0700) && errno != EEXIST)
		return -errno;
	/* it may be there without being durable, or not be a directory */
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = durable_sync(fd);
	close(fd);
	return ret ?: durable_sync(dirfd);
}

int durable_rename(int fromfd, const char *from, int tofd, const char *to)
{
	int ret;

	if (renameat(fromfd, from, tofd, to))
		return -errno;
	/* the new name before the old one's end: a cut between keeps both */
	ret = durable_sync(tofd);
	if (ret || fromfd == tofd)
		return ret;
	return durable_sync(fromfd);
}

int durable_unlink(int dirfd, const char *name)
{
	/* not there: perhaps removed, but not yet durably */
	if (unlinkat(dirfd, name, 0) && errno != ENOENT)
		return -errno;
	return durable_sync(dirfd);
}

int durable_open(struct durable_file *f, int dirfd, const char *name)
{
	uint8_t bytes[8];
	char text[17];
	int ret;

	f->fd = -1;
	if (!*name || strchr(name, '/') ||
	    !strncmp(name, DURABLE_TMP, strlen(DURABLE_TMP)))
		return -EINVAL;
	if (strlen(name) >= sizeof(f->name))
		return -ENAMETOOLONG;
	ret = random_fill(bytes, sizeof(bytes));
	if (ret)
		return ret;
	hex_encode(bytes, sizeof(bytes), text);
	f->dirfd = dirfd;
	strcpy(f->name, name);
	snprintf(f->tmp, sizeof(f->tmp), DURABLE_TMP "%s", text);
	f->fd = openat(dirfd, f->tmp,
		       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return f->fd < 0 ? -errno : 0;
}

int durable_append(struct durable_file *f, const void *data, size_t len)
{
	return write_full(f->fd, data, len);
}

int durable_commit(struct durable_file *f)
{
	int ret = durable_sync(f->fd);

	/* some file systems report a full disk only here */
	if (close(f->fd) && !ret)
		ret = -errno;
	f->fd = -1;
	if (!ret && renameat(f->dirfd, f->tmp, f->dirfd, f->name))
		ret = -errno;
	if (ret) {
		unlinkat(f->dirfd, f->tmp, 0);
		return ret;
	}
	return durable_sync(f->dirfd);
}

void durable_abandon(struct durable_file *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	unlinkat(f->dirfd, f->tmp, 0);
}

int durable_write(int dirfd, const char *name, const void *data, size_t len)
{
	struct durable_file f;
	int ret = durable_open(&f, dirfd, name);

	if (ret)
		return ret;
	ret = durable_append(&f, data, len);
	if (ret) {
		durable_abandon(&f);
		return ret;
	}
	return durable_commit(&f);
}

int durable_sweep(int dirfd)
{
	struct dirent *entry;
	int fd, ret = 0;
	DIR *dir;

	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while ((errno = 0, entry = readdir(dir))) {
		if (strncmp(entry->d_name, DURABLE_TMP, strlen(DURABLE_TMP)))
			continue;
		if (unlinkat(dirfd, entry->d_name, 0) && errno != ENOENT) {
			ret = -errno;
			break;
		}
	}
	if (!ret && errno)
		ret = -errno;
	closedir(dir);
	return ret ?: durable_sync(dirfd);
}
