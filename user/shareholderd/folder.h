/* SPDX-License-Identifier: GPL-2.0 */
/* Folders: opening them, and going through what is in them. */
#ifndef SHAREHOLDERD_FOLDER_H
#define SHAREHOLDERD_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/* A descriptor (O_CLOEXEC) or -errno; never follows a symbolic link. */
int folder_open(int dirfd, const char *name);

/*
 * Call @visit for each name but "." and "..": 0 goes on, else that ends it and is
 * returned. @visit may remove the name that it got. -errno when it cannot be read.
 */
typedef int folder_visit(int dirfd, const char *name, void *arg);
int folder_walk(int dirfd, folder_visit *visit, void *arg);

/* The lowest names that are UUIDs and above @after, sorted. */
struct folder_page {
	const char *after;
	unsigned int max, count;
	char (*name)[37];		/* room for @max + 1 */
	int more;			/* there were others above them */
};
int folder_page(int dirfd, struct folder_page *page);

int folder_exists(int dirfd, const char *name);		/* 1, 0, -errno */

#endif
