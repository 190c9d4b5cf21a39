// SPDX-License-Identifier: GPL-2.0
/*
 * The catalogue's database: opening it, whose it is, and asking it. A new
 * database beside an old instance id, or none, means that state was lost.
 */
#include "catalogue_db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "durable.h"
#include "log.h"
#include "util.h"

#define CATALOGUE_FILE	"catalogue.db"
#define INSTANCE_FILE	"instance"
#define INSTANCE_TEXT	33

static const char catalogue_schema[] =
	/* EXTRA also syncs the directory after the journal went: a COMMIT that
	 * was answered cannot roll back in a power cut */
	"PRAGMA journal_mode = DELETE;"
	"PRAGMA synchronous = EXTRA;"
	"PRAGMA foreign_keys = ON;"
	"CREATE TABLE IF NOT EXISTS meta ("
	"  key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS job ("
	"  id TEXT PRIMARY KEY, state INTEGER NOT NULL, owner INTEGER,"
	"  name TEXT, answer TEXT, at INTEGER NOT NULL) STRICT;"
	/* 1 is JOB_RUNNING */
	"CREATE UNIQUE INDEX IF NOT EXISTS job_name ON job (owner, name)"
	"  WHERE state = 1;"
	"CREATE TABLE IF NOT EXISTS object ("
	"  object TEXT NOT NULL, version INTEGER NOT NULL,"
	"  owner INTEGER NOT NULL, name TEXT NOT NULL,"
	"  deleting INTEGER NOT NULL DEFAULT 0, record TEXT NOT NULL,"
	"  PRIMARY KEY (object, version)) STRICT;"
	"CREATE INDEX IF NOT EXISTS object_name ON object (owner, name);";

/* Each made once, to a database of an earlier version and to a new one alike. */
static const char *const catalogue_changes[] = {
	/* 0: a lost catalogue cannot say that no shareholder has it from before */
	"ALTER TABLE job ADD COLUMN fresh INTEGER NOT NULL DEFAULT 1;",
	/* what a job is, besides its id; NULL where that is not known */
	"ALTER TABLE job ADD COLUMN object TEXT;"
	"ALTER TABLE job ADD COLUMN version INTEGER;"
	"ALTER TABLE job ADD COLUMN size INTEGER;"
	"ALTER TABLE job ADD COLUMN policy TEXT;",	/* its SHA-256 */
	/* which of two objects of one name is the newer */
	"ALTER TABLE object ADD COLUMN stored_at INTEGER NOT NULL DEFAULT 0;"
	"UPDATE object SET stored_at ="
	"  ifnull(json_extract(record, '$.stored_at'), 0);"
	"DROP INDEX object_name;"
	"CREATE INDEX object_name ON object (owner, name, stored_at);",
};

static int catalogue_errno(struct catalogue *cat)
{
	switch (sqlite3_errcode(cat->db) & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	default:
		return -EIO;
	}
}

/*
 * Was nothing changed, for certain? Not so with an error of I/O: the last step of
 * a write is to sync the folder after the journal went, and when that fails the
 * write is made, until a power cut brings the journal back.
 */
static bool catalogue_unchanged(struct catalogue *cat)
{
	switch (sqlite3_errcode(cat->db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_CONSTRAINT:
	case SQLITE_READONLY:
		return true;
	default:
		return false;
	}
}

int catalogue_error(struct catalogue *cat)
{
	log_err("catalogue: %s", sqlite3_errmsg(cat->db));
	if (!catalogue_unchanged(cat))
		cat->doubt = true;
	return catalogue_errno(cat);
}

int catalogue_fail(struct catalogue *cat, struct err *err)
{
	int ret = catalogue_errno(cat);

	log_err("catalogue: %s", sqlite3_errmsg(cat->db));
	return err_set(err, ret, "the catalogue cannot be written: %s",
		       sqlite3_errmsg(cat->db));
}

int catalogue_exec(struct catalogue *cat, const char *sql)
{
	if (sqlite3_exec(cat->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return catalogue_error(cat);
}

/* @fmt: one letter for each '?': s text (NULL is null), i int64_t. */
sqlite3_stmt *catalogue_ask(struct catalogue *cat, const char *sql,
				   const char *fmt, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int i, ret;

	ret = sqlite3_prepare_v2(cat->db, sql, -1, &st, NULL);
	va_start(ap, fmt);
	/* a value that is not bound is NULL, of which there is no row */
	for (i = 1; ret == SQLITE_OK && *fmt; fmt++, i++) {
		if (*fmt == 's')
			ret = sqlite3_bind_text(st, i, va_arg(ap, const char *),
						-1, SQLITE_TRANSIENT);
		else
			ret = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
	}
	va_end(ap);
	if (ret == SQLITE_OK)
		return st;
	log_err("catalogue: %s", sqlite3_errmsg(cat->db));
	sqlite3_finalize(st);
	return NULL;
}

int catalogue_step(struct catalogue *cat, sqlite3_stmt *st)
{
	if (!st)
		return -EIO;
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return catalogue_error(cat);
	}
}

/* Run a statement that has no rows. */
int catalogue_run(struct catalogue *cat, sqlite3_stmt *st)
{
	int ret = catalogue_step(cat, st);

	sqlite3_finalize(st);
	return ret > 0 ? -EIO : ret;
}

const char *column_text(sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	return text ? text : "";
}

/* --- instance */

static int instance_read(int dirfd, char text[INSTANCE_TEXT])
{
	int fd, ret;

	fd = openat(dirfd, INSTANCE_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = read_full(fd, text, INSTANCE_TEXT - 1);
	text[INSTANCE_TEXT - 1] = 0;
	close(fd);
	return ret;
}

static int meta_get(struct catalogue *cat, const char *key, char *value, size_t size)
{
	sqlite3_stmt *st;
	int ret;

	st = catalogue_ask(cat, "SELECT value FROM meta WHERE key = ?", "s", key);
	ret = catalogue_step(cat, st);
	if (ret > 0)
		snprintf(value, size, "%s", column_text(st, 0));
	sqlite3_finalize(st);
	return ret > 0 ? 0 : ret ?: -ENOENT;
}

static int meta_set(struct catalogue *cat, const char *key, const char *value)
{
	return catalogue_run(cat, catalogue_ask(cat,
		"INSERT OR REPLACE INTO meta VALUES (?, ?)", "ss", key, value));
}

/* Does the database belong to the instance file? If not, it is lost. */
static int catalogue_instance(struct catalogue *cat, int dirfd)
{
	char file[INSTANCE_TEXT] = "", db[INSTANCE_TEXT] = "", lost[4] = "";
	uint8_t id[16];
	int ret, none;

	none = instance_read(dirfd, file);
	if (none && none != -ENOENT && none != -EIO)
		return none;
	ret = meta_get(cat, "instance", db, sizeof(db));
	if (ret && ret != -ENOENT)
		return ret;
	if (!none && !ret && !strcmp(file, db)) {
		ret = meta_get(cat, "lost", lost, sizeof(lost));
		cat->lost = strcmp(lost, "0");
		return ret == -ENOENT ? 0 : ret;
	}
	cat->lost = true;
	ret = random_fill(id, sizeof(id));
	if (ret)
		return ret;
	hex_encode(id, sizeof(id), file);
	/* the file last: a crash before it leaves the catalogue lost */
	ret = meta_set(cat, "lost", "1") ?: meta_set(cat, "instance", file);
	return ret ?: durable_write(dirfd, INSTANCE_FILE, file, strlen(file));
}

static int catalogue_upgrade(struct catalogue *cat)
{
	const int last = sizeof(catalogue_changes) / sizeof(catalogue_changes[0]);
	sqlite3_stmt *st;
	char text[1024];
	int ret, at;

	st = catalogue_ask(cat, "PRAGMA user_version", "");
	ret = catalogue_step(cat, st);
	at = ret > 0 ? sqlite3_column_int(st, 0) : 0;
	sqlite3_finalize(st);
	if (at > last) {
		log_err("catalogue: made by a later version of this program");
		return -EINVAL;
	}
	for (ret = ret < 0 ? ret : 0; !ret && at < last; at++) {
		snprintf(text, sizeof(text),
			 "BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT",
			 catalogue_changes[at], at + 1);
		ret = catalogue_exec(cat, text);
	}
	return ret;
}

/* Make @dir where it is missing; its descriptor or -errno. */
static int catalogue_dir(const char *dir)
{
	char *up = strdup(dir), *name = strdup(dir);
	int upfd = -1, fd = -ENOMEM;

	if (!up || !name)
		goto out;
	upfd = open(dirname(up), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upfd < 0) {
		fd = -errno;
		goto out;
	}
	fd = durable_mkdir(upfd, basename(name));
	if (fd)
		goto out;
	fd = openat(upfd, basename(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
out:
	if (upfd >= 0)
		close(upfd);
	free(up);
	free(name);
	return fd;
}

int catalogue_open(struct catalogue **out, const char *dir, struct err *err)
{
	struct catalogue *cat;
	char path[4096];
	int dirfd, ret;

	*out = NULL;
	cat = calloc(1, sizeof(*cat));
	if (!cat)
		return err_set(err, -ENOMEM, "no memory");
	pthread_mutex_init(&cat->lock, NULL);
	dirfd = catalogue_dir(dir);
	if (dirfd < 0) {
		ret = err_set(err, dirfd, "%s: %s", dir, strerror(-dirfd));
		goto err_cat;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/" CATALOGUE_FILE, dir) >=
	    sizeof(path)) {
		ret = err_set(err, -ENAMETOOLONG, "%s: too long", dir);
		goto err_dir;
	}
	if (sqlite3_open_v2(path, &cat->db, SQLITE_OPEN_READWRITE |
			    SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL)) {
		ret = err_set(err, -EIO, "%s: %s", path,
			      cat->db ? sqlite3_errmsg(cat->db) : "no memory");
		goto err_db;
	}
	chmod(path, 0600);
	sqlite3_busy_timeout(cat->db, 5000);
	ret = catalogue_exec(cat, catalogue_schema) ?: catalogue_upgrade(cat) ?:
	      catalogue_instance(cat, dirfd) ?:
	      catalogue_exec(cat, "UPDATE job SET state = 3 WHERE state = 1 AND fresh;"
				  "DELETE FROM job WHERE state = 1");
	if (ret) {
		err_set(err, ret, "%s: %s", path, sqlite3_errmsg(cat->db));
		goto err_db;
	}
	close(dirfd);
	*out = cat;
	return 0;

err_db:
	sqlite3_close(cat->db);
err_dir:
	close(dirfd);
err_cat:
	pthread_mutex_destroy(&cat->lock);
	free(cat);
	return ret;
}

void catalogue_close(struct catalogue *cat)
{
	struct orphan *o;

	if (!cat)
		return;
	while ((o = cat->orphans)) {	/* the next start aborts them */
		cat->orphans = o->next;
		free(o);
	}
	sqlite3_close(cat->db);
	pthread_mutex_destroy(&cat->lock);
	free(cat);
}

bool catalogue_lost(struct catalogue *cat)
{
	bool lost;

	pthread_mutex_lock(&cat->lock);
	lost = cat->lost;
	pthread_mutex_unlock(&cat->lock);
	return lost;
}

int catalogue_found(struct catalogue *cat)
{
	int ret;

	pthread_mutex_lock(&cat->lock);
	ret = meta_set(cat, "lost", "0");
	if (!ret)
		cat->lost = false;
	pthread_mutex_unlock(&cat->lock);
	return ret;
}
