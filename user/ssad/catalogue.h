/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What this SSA has stored: objects by owner and name, and its jobs with their
 * outcome (PROTOCOL 4). A SQLite database whose every transaction is on the
 * disk before the call returns. Any thread may call; one mutex inside.
 *
 * Losing it loses no data: rebuild.c makes it again from the shareholders.
 * What must not happen is that a catalogue which lost its jobs calls them
 * aborted. A random instance id stands both in the database and in a file next
 * to it; when they do not agree, the catalogue is "lost": a job that it does not
 * know is then neither committed nor aborted, until a rebuild has settled it.
 */
#ifndef SSAD_CATALOGUE_H
#define SSAD_CATALOGUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "config.h"

struct catalogue;

enum job_state {
	JOB_UNKNOWN,
	JOB_RUNNING,
	JOB_COMMITTED,
	JOB_ABORTED,
	JOB_WAITING,	/* of a lost catalogue; fewer than n hold it, uncommitted */
	JOB_UNREADABLE,	/* the database does not say; never stored */
};

/*
 * A record is a JSON object: "object", "version", "owner", "name" and what else
 * the metadata of segment 0 says (metadata.h). "state" is added when one is
 * read: "stored" or "deleting".
 */

/*
 * Jobs left running by a crash are aborted here; but those that shareholders may
 * have from before the catalogue was lost are forgotten, and so "lost".
 */
int catalogue_open(struct catalogue **cat, const char *dir, struct err *err);
void catalogue_close(struct catalogue *cat);

bool catalogue_lost(struct catalogue *cat);
/* Every job from before the loss is settled or waits by name. */
int catalogue_found(struct catalogue *cat);

/**
 * struct catalogue_put - what a put is; two are the same when all but @replace is
 * @job:	UUID text
 * @owner:	node id
 * @name:	of the object
 * @object:	UUID text, the policy's
 * @version:	the policy's
 * @size:	bytes of the object
 * @policy:	its text
 * @replace:	the name may exist
 */
struct catalogue_put {
	const char *job, *name, *object, *policy;
	uint32_t owner, version;
	uint64_t size;
	bool replace;
};

/**
 * catalogue_begin - a put begins
 * @answer:	what a committed job answered, when 1 is returned; the caller's
 *
 * Returns 0; 1 with @answer for a job that is committed; -EALREADY it runs;
 * -ECANCELED it was aborted; -EINPROGRESS it waits for a rebuild to settle it;
 * -EEXIST also: a job of this id is there and is another one; -EBUSY another job
 * stores the same name, or the same version of the object, now; -EEXIST the name is there and @replace is not given; -ESTALE the object and
 * version are not the next ones of this name; -EIO.
 */
int catalogue_begin(struct catalogue *cat, const struct catalogue_put *put,
		    json_t **answer, struct err *err);

/**
 * catalogue_commit - the COMMIT record
 *
 * Job committed with @answer, @record stored, versions before it "deleting", in
 * one durable transaction.
 *
 * Returns 0; -EINPROGRESS: an error of I/O came so late that it may be committed,
 * which nobody may be told yet, nor that it is aborted; another -errno: it is not
 * committed.
 */
int catalogue_commit(struct catalogue *cat, const char *job, const json_t *record,
		     const json_t *answer, struct err *err);
/*
 * What is begun in a catalogue that is lost may have been before: its abort would
 * be that of a job that was acknowledged. Called when no k shareholders can have
 * anything of it from then. 0 or -errno: it stays so.
 */
int catalogue_fresh(struct catalogue *cat, const char *job);
/*
 * 0: aborted, and so for ever: it can be told. -EALREADY: it is not, but
 * committed; -ENODATA: it is forgotten, and it is not known what it was before the
 * catalogue was lost; another -errno: that could not be recorded, and is tried
 * again later.
 */
int catalogue_abort(struct catalogue *cat, const char *job);
/* What is durable of it. Presumed aborted only where the database could be read and has no such job. */
enum job_state catalogue_job(struct catalogue *cat, const char *job);

/*
 * A rebuild's: a record as found, and its job, committed with @answer; a job that
 * waits or is committed.
 */
int catalogue_restore(struct catalogue *cat, const json_t *record,
		      const json_t *answer, struct err *err);
/* -EALREADY: the job is something else here, and stays so. */
int catalogue_settle(struct catalogue *cat, const char *job, enum job_state state);

/* Newest version of a name, or one version of an object (0: the newest). */
int catalogue_find(struct catalogue *cat, uint32_t owner, const char *name,
		   json_t **record);
int catalogue_object(struct catalogue *cat, const char *object, uint32_t version,
		     json_t **record);
/* At most @max records with names after @after, in order; @more: there are others. */
int catalogue_list(struct catalogue *cat, uint32_t owner, const char *after,
		   unsigned int max, json_t **records, bool *more);
/* All versions of one object that are "deleting". */
int catalogue_deleting(struct catalogue *cat, const char *object, json_t **records);
/*
 * A version is "deleting" from now on. catalogue_remove(): only if no newer one is
 * stored, or else -ESTALE.
 */
int catalogue_remove(struct catalogue *cat, const char *object, uint32_t version);
int catalogue_mark(struct catalogue *cat, const char *object, uint32_t version);
int catalogue_delete(struct catalogue *cat, const char *object, uint32_t version);

#endif
