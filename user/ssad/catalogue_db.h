/* SPDX-License-Identifier: GPL-2.0 */
/* The catalogue's database, for catalogue.c and catalogue_job.c; all under @lock. */
#ifndef SSAD_CATALOGUE_DB_H
#define SSAD_CATALOGUE_DB_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "catalogue.h"

struct catalogue {
	pthread_mutex_t lock;	/* the connection and everything below */
	sqlite3 *db;
	bool lost;
	bool doubt;		/* a write failed that may be made all the same */
	struct orphan *orphans;	/* jobs whose abort is still to be recorded */
};

struct orphan {
	struct orphan *next;
	char job[];
};

/*
 * The rows of a name, the one that it stands for first. A name has one object, and
 * after a loss perhaps one from before too: then versions compare nothing.
 */
#define NAME_ORDER	" ORDER BY deleting, stored_at DESC, version DESC"

/* Log why the last call failed, and note what is in doubt by it. */
int catalogue_error(struct catalogue *cat);
int catalogue_fail(struct catalogue *cat, struct err *err);
int catalogue_exec(struct catalogue *cat, const char *sql);
sqlite3_stmt *catalogue_ask(struct catalogue *cat, const char *sql,
				   const char *fmt, ...);
int catalogue_run(struct catalogue *cat, sqlite3_stmt *st);
/* The next row: 1; 0 behind the last; -errno. Only 0 says that nothing is there. */
int catalogue_step(struct catalogue *cat, sqlite3_stmt *st);
const char *column_text(sqlite3_stmt *st, int i);
/* @record as a row of objects. */
int catalogue_insert(struct catalogue *cat, const json_t *record);
/* The job of @record is committed, and its answer is @answer. */
int catalogue_insert_job(struct catalogue *cat, const json_t *record,
			 const json_t *answer);

#endif
