/* SPDX-License-Identifier: GPL-2.0 */
/* Files that survive a power cut. */
#ifndef SSN_DURABLE_H
#define SSN_DURABLE_H

#include <stddef.h>

/*
 * Every function works relative to the directory @dirfd, returns 0 or a negative
 * errno, and when it returns 0 the change survives a power cut: file contents
 * and the directory entry are both fsync'd.
 */
int durable_mkdir(int dirfd, const char *name);		/* 0 when it exists */
int durable_rename(int fromfd, const char *from, int tofd, const char *to);
int durable_unlink(int dirfd, const char *name);	/* 0 when it is not there */
int durable_write(int dirfd, const char *name, const void *data, size_t len);

/* A file being written under a temporary name; invisible until committed. */
struct durable_file { int dirfd; int fd; char name[256]; char tmp[272]; };
int durable_open(struct durable_file *f, int dirfd, const char *name);
int durable_append(struct durable_file *f, const void *data, size_t len);
int durable_commit(struct durable_file *f);	/* fsync, rename, fsync dir */
void durable_abandon(struct durable_file *f);

/* Remove the temporary files a crash left in @dirfd. */
int durable_sweep(int dirfd);

#endif
