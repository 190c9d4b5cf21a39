// SPDX-License-Identifier: GPL-2.0
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

int folder_open(int dirfd, const char *name)
{
	int fd = openat(dirfd, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int folder_walk(int dirfd, folder_visit *visit, void *arg)
{
	struct dirent *entry;
	int fd, ret = 0;
	DIR *dir;

	fd = folder_open(dirfd, ".");
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (!ret) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			ret = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			ret = visit(dirfd, entry->d_name, arg);
	}
	closedir(dir);
	return ret;
}

static int folder_page_add(int dirfd, const char *name, void *arg)
{
	struct folder_page *page = arg;
	uint8_t uuid[UUID_BYTES];
	unsigned int i = page->count;

	if (uuid_parse(name, uuid) || strcmp(name, page->after) <= 0)
		return 0;
	while (i && strcmp(page->name[i - 1], name) > 0)
		i--;
	if (i == page->max) {
		page->more = 1;
		return 0;
	}
	memmove(page->name[i + 1], page->name[i],
		(page->count - i) * sizeof(page->name[0]));
	memcpy(page->name[i], name, UUID_TEXT);
	if (page->count == page->max)
		page->more = 1;		/* the highest fell off */
	else
		page->count++;
	return 0;
}

int folder_page(int dirfd, struct folder_page *page)
{
	page->count = 0;
	page->more = 0;
	return folder_walk(dirfd, folder_page_add, page);
}

int folder_exists(int dirfd, const char *name)
{
	struct stat st;

	if (!fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return 1;
	return errno == ENOENT ? 0 : -errno;
}
