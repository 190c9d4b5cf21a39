/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data directory: jobs that are pending, objects that are committed, what is
 * being deleted (Documentation/protocol/share-file.rst). Whatever returns 0
 * survives a power cut. One process has a data directory (flock); one thread.
 */
#ifndef SHAREHOLDERD_STORAGE_H
#define SHAREHOLDERD_STORAGE_H

#include <jansson.h>
#include <stdint.h>

#include "config.h"
#include "record.h"
#include "sharefile.h"
#include "util.h"

#define STORAGE_PENDING_MAX	4096	/* jobs */

/**
 * struct storage - a data directory in use
 * @root:	locked; the others are its folders
 * @used:	bytes of share files, when there is a @quota
 * @jobs:	those that somebody works on
 */
struct storage {
	int root, objects, pending, names, trash;
	uint64_t quota, used;
	unsigned int pending_count;
	struct job *jobs;
};

enum job_state {
	JOB_PENDING,		/* shares are coming in */
	JOB_PREPARED,		/* all are here, and we said so */
	JOB_COMMITTED,
	JOB_GONE,		/* aborted or deleted while somebody used it */
};

/**
 * struct job - a job somebody works on; one for all who work on the same
 * @dirfd:	its folder, wherever that is
 * @owner:	the session that sends its shares
 * @active:	monotonic_ms() when that last did
 */
struct job {
	uint8_t id[16];
	enum job_state state;
	struct record rec;
	int dirfd;
	const void *owner;
	uint64_t active;
	unsigned int refs;
	struct job *next;
};

/**
 * storage_open - take a data directory, and tidy up after a crash
 * @path:	made if it is not there
 * @quota:	bytes that share files may take, 0: what the disk has
 *
 * -EBUSY: another shareholderd has it.
 */
int storage_open(const char *path, uint64_t quota, struct storage **st,
		 struct err *err);
void storage_close(struct storage *st);

/* --- jobs. job_put() after use. Not there: -ENOENT. */

int job_get(struct storage *st, const uint8_t id[16], struct job **job,
	    struct err *err);
void job_put(struct storage *st, struct job *job);

/*
 * Begin @rec's job, or find it begun. -EEXIST: it was begun with other
 * parameters, or another job has committed this version. -EDQUOT: too many.
 */
int job_begin(struct storage *st, const struct record *rec, struct job **job,
	      struct err *err);
/* The deal of @segment that is stored: 1, and 0 when there is none. */
int job_segment(const struct job *job, uint32_t segment, uint64_t *deal);
/* All segments are here: note that durably. -EAGAIN: @err says what is missing. */
int job_prepare(struct job *job, struct err *err);
/* -ENOENT: it was not prepared, and is dropped. Repeated: 0. */
int job_commit(struct storage *st, struct job *job, struct err *err);
/* -EALREADY: it is committed. */
int job_abort(struct storage *st, struct job *job, struct err *err);

/* --- shares of a pending job */

/* @rec has segment, deal, provenance. -ENOSPC, -EDQUOT, as sharefile_create(). */
int job_share_create(struct storage *st, struct job *job,
		     const struct record *rec, uint64_t length,
		     struct sharefile_writer *w);
/* Durable; other deals of the segment are gone. */
int job_share_commit(struct storage *st, struct job *job,
		     const struct record *rec, struct sharefile_writer *w);
void job_share_abandon(struct storage *st, struct sharefile_writer *w);
/* Void a deal that is stored; 0 when it is not. */
int job_share_void(struct storage *st, struct job *job, uint32_t segment,
		   uint64_t deal);

/* --- objects */

int object_share_open(struct storage *st, const uint8_t object[16],
		      uint32_t version, uint64_t epoch, uint32_t segment,
		      struct sharefile *f, struct err *err);
/*
 * Any verified record of the version, of whatever epoch, or of a pending job
 * for it; -ENOENT when nothing of it is here, another -errno when something is, or
 * may be, that cannot be read.
 */
int object_record(struct storage *st, const uint8_t object[16],
		  uint32_t version, struct record *rec, struct err *err);
/* Every epoch goes, and pending jobs of the version: number of folders or -errno. */
int object_delete(struct storage *st, const uint8_t object[16],
		  uint32_t version, struct err *err);

/* --- going through them */

/* Return 0 to go on, else that ends it and is returned. */
typedef int storage_visit(const struct record *rec, enum job_state state,
			  void *arg);
/*
 * Committed objects whose id is above @after ("" for all), in order, at least
 * one and at most @max of them with all their versions. @last: the last id.
 * Returns 1 when there are more, else 0. Each record is a verified share
 * file's: what does not verify is logged and left out.
 */
int storage_objects(struct storage *st, const char *after, unsigned int max,
		    storage_visit *visit, void *arg, char last[UUID_TEXT]);
/* Pending jobs, likewise by job id, that were last changed @min_age seconds ago. */
int storage_jobs(struct storage *st, const char *after, unsigned int max,
		 unsigned int min_age, storage_visit *visit, void *arg,
		 char last[UUID_TEXT]);

/* Name of a version's folder. */
#define STORAGE_VERSION_NAME	48
void storage_version_name(uint32_t version, uint64_t epoch,
			  char name[STORAGE_VERSION_NAME]);
int storage_parse_version(const char *name, uint32_t *version, uint64_t *epoch);
/* A verified record out of a folder of share files; -ENOENT: there is none. */
int storage_folder_record(int dirfd, struct record *rec, struct err *err);
/* Out of sight, durably; the files go later. */
int storage_discard(struct storage *st, int dirfd, const char *name);

/* Remove one file of what is deleted: 1 there is more, 0 done. For idle time. */
int storage_trash_step(struct storage *st);

#endif
