// SPDX-License-Identifier: GPL-2.0
/* The catalogue: jobs, names, versions, and what it says when it was lost. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalogue_db.h"
#include "tap.h"

#define OBJ1 "11111111-1111-4111-8111-111111111111"
#define OBJ2 "22222222-2222-4222-8222-222222222222"
#define JOB(n) "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa" #n

/* --- the disk, as SQLite sees it: so many syncs of a folder, or of a file, fail */

static int fail_folder, fail_file;

static int synced(int fd, const char *name)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	struct stat st;
	int *fail = !fstat(fd, &st) && S_ISDIR(st.st_mode) ? &fail_folder :
							     &fail_file;

	if (!*fail)
		return real(fd);
	*fail -= *fail > 0;
	errno = EIO;
	return -1;
}

int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

/* --- */

static char dir[] = "/tmp/catalogue.XXXXXX";
static char store[64];
static struct err err;

static int64_t stored_at = 1000;

static json_t *record(const char *object, int version, const char *name)
{
	return json_pack("{s:s, s:i, s:i, s:s, s:s, s:i, s:s, s:I}", "object",
			 object, "version", version, "owner", 1, "name", name,
			 "job", JOB(r), "size", 10, "policy", "p", "stored_at",
			 (json_int_t)stored_at);
}

static struct catalogue *reopen(struct catalogue *cat)
{
	catalogue_close(cat);
	if (catalogue_open(&cat, store, &err))
		bail("catalogue_open: %s", err.text);
	return cat;
}

static int begin(struct catalogue *cat, const char *job, const char *name,
		 const char *object, int version, bool replace)
{
	const struct catalogue_put put = { .job = job, .owner = 1, .name = name,
		.object = object, .version = version, .size = 10, .policy = "p",
		.replace = replace };
	json_t *answer;
	int ret = catalogue_begin(cat, &put, &answer, &err);

	json_decref(answer);
	return ret;
}

static int commit(struct catalogue *cat, const char *job, const char *object,
		  int version, const char *name)
{
	json_t *rec = record(object, version, name), *answer;
	int ret;

	answer = json_pack("{s:s, s:i}", "status", "done", "version", version);
	ret = catalogue_commit(cat, job, rec, answer, &err);
	json_decref(rec);
	json_decref(answer);
	return ret;
}

static void remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", store, name);
	unlink(path);
}

static void test_jobs(struct catalogue **catp)
{
	struct catalogue *cat = *catp;
	struct catalogue_put same = { .job = JOB(1), .owner = 1, .name = "a",
		.object = OBJ1, .version = 1, .size = 10, .policy = "p" }, other;
	json_t *answer = NULL, *rec;

	is_int(begin(cat, JOB(1), "a", OBJ1, 1, false), 0, "a new job begins");
	is_int(catalogue_job(cat, JOB(1)), JOB_RUNNING, "it runs");
	is_int(begin(cat, JOB(1), "a", OBJ1, 1, false), -EALREADY,
	       "the same job again while it runs");
	is_int(begin(cat, JOB(2), "a", OBJ2, 1, false), -EBUSY,
	       "another job for the same name while it runs");
	is_int(catalogue_find(cat, 1, "a", &rec), -ENOENT,
	       "nothing is visible before the COMMIT");
	is_int(commit(cat, JOB(1), OBJ1, 1, "a"), 0, "COMMIT");
	is_int(commit(cat, JOB(1), OBJ1, 1, "a"), -ECANCELED, "no second COMMIT");
	is_int(catalogue_job(cat, JOB(1)), JOB_COMMITTED, "the job is committed");
	is_int(catalogue_begin(cat, &same, &answer, &err), 1,
	       "a committed job again");
	is_int(json_integer_value(json_object_get(answer, "version")), 1,
	       "gives the answer it gave");
	json_decref(answer);
	other = same;
	other.owner = 2;
	is_int(catalogue_begin(cat, &other, &answer, &err), -EEXIST,
	       "but not to another owner");
	other = same;
	other.name = "b";
	is_int(catalogue_begin(cat, &other, &answer, &err), -EEXIST,
	       "for another name");
	other = same;
	other.object = OBJ2;
	is_int(catalogue_begin(cat, &other, &answer, &err), -EEXIST,
	       "another object");
	other = same;
	other.version = 2;
	is_int(catalogue_begin(cat, &other, &answer, &err), -EEXIST,
	       "another version");
	other = same;
	other.size = 11;
	is_int(catalogue_begin(cat, &other, &answer, &err), -EEXIST,
	       "another size");
	other = same;
	other.policy = "q";
	is_int(catalogue_begin(cat, &other, &answer, &err), -EEXIST,
	       "or another policy");
	ok(!answer, "and nothing of the answer is given away");
	is_int(catalogue_abort(cat, JOB(1)), -EALREADY, "an abort after the COMMIT");
	is_int(catalogue_job(cat, JOB(1)), JOB_COMMITTED, "changes nothing");

	is_int(begin(cat, JOB(3), "b", OBJ2, 1, false), 0, "a job that is aborted");
	is_int(catalogue_abort(cat, JOB(3)), 0, "abort");
	is_int(begin(cat, JOB(3), "b", OBJ2, 1, false), -ECANCELED,
	       "is never run again");
	is_int(commit(cat, JOB(3), OBJ2, 1, "b"), -ECANCELED,
	       "and cannot be committed");
	is_int(catalogue_find(cat, 1, "b", &rec), -ENOENT, "its object is not there");

	is_int(begin(cat, JOB(4), "c", OBJ2, 1, false), 0, "a job that runs");
	*catp = cat = reopen(cat);
	is_int(catalogue_job(cat, JOB(4)), JOB_ABORTED, "is aborted by a crash");
	is_int(catalogue_job(cat, JOB(1)), JOB_COMMITTED,
	       "while a committed one stays so");
}

static void test_names(struct catalogue *cat)
{
	json_t *rec, *list;
	bool more;

	is_int(begin(cat, JOB(5), "a", OBJ2, 1, false), -EEXIST,
	       "a name that exists, without replace");
	is_int(begin(cat, JOB(5), "a", OBJ2, 1, true), -ESTALE,
	       "replace with another object");
	is_int(begin(cat, JOB(5), "a", OBJ1, 3, true), -ESTALE,
	       "replace with a version too far on");
	is_int(begin(cat, JOB(5), "n", OBJ1, 1, false), -ESTALE,
	       "a new name with an object id that exists");
	is_int(begin(cat, JOB(5), "n", OBJ2, 2, false), -ESTALE,
	       "a new name with version 2");
	is_int(begin(cat, JOB(5), "a", OBJ1, 2, true), 0, "replace");
	is_int(commit(cat, JOB(5), OBJ1, 2, "a"), 0, "COMMIT of version 2");
	is_int(catalogue_find(cat, 1, "a", &rec), 0, "the name is found");
	is_int(json_integer_value(json_object_get(rec, "version")), 2,
	       "with its newest version");
	json_decref(rec);
	is_int(catalogue_deleting(cat, OBJ1, &list), 0, "versions being deleted");
	is_int(json_array_size(list), 1, "are the one before");
	json_decref(list);
	is_int(catalogue_delete(cat, OBJ1, 1), 0, "that one is deleted");
	is_int(catalogue_object(cat, OBJ1, 1, &rec), -ENOENT, "and gone");
	is_int(catalogue_find(cat, 2, "a", &rec), -ENOENT,
	       "another owner does not see the name");

	is_int(begin(cat, JOB(6), "b\xc3\xa4'\"%", OBJ2, 1, false), 0,
	       "a name with odd bytes");
	is_int(commit(cat, JOB(6), OBJ2, 1, "b\xc3\xa4'\"%"), 0, "is stored");
	is_int(catalogue_list(cat, 1, "", 1, &list, &more), 0, "the first page");
	ok(json_array_size(list) == 1 && more, "has one row, and there is more");
	json_decref(list);
	is_int(catalogue_list(cat, 1, "a", 1, &list, &more), 0, "the second page");
	ok(json_array_size(list) == 1 && !more, "has the other, and no more");
	is_str(json_string_value(json_object_get(json_array_get(list, 0), "name")),
	       "b\xc3\xa4'\"%", "whose name came through");
	json_decref(list);
	is_int(catalogue_mark(cat, OBJ2, 1), 0, "an unproven deletion");
	is_int(catalogue_list(cat, 1, "a", 9, &list, &more), 0, "the list");
	is_str(json_string_value(json_object_get(json_array_get(list, 0), "state")),
	       "deleting", "says so");
	json_decref(list);
	is_int(begin(cat, JOB(7), "b\xc3\xa4'\"%",
		     "33333333-3333-4333-8333-333333333333", 1, false), 0,
	       "and the name can be used for a new object");
	catalogue_abort(cat, JOB(7));
}

static void test_lost(struct catalogue **catp)
{
	struct catalogue_put put = { .owner = 1, .name = "z", .object = OBJ1,
		.version = 1, .size = 10, .policy = "p" };
	struct catalogue *cat = *catp;
	json_t *rec, *answer;

	is_int(catalogue_found(cat), 0, "settled");
	*catp = cat = reopen(cat);
	ok(!catalogue_lost(cat), "a catalogue that is whole is not lost");
	is_int(catalogue_job(cat, JOB(8)), JOB_ABORTED,
	       "an unknown job is aborted (presumed)");

	remove_file("instance");
	*catp = cat = reopen(cat);
	ok(catalogue_lost(cat), "without its instance file it is lost");
	is_int(catalogue_job(cat, JOB(8)), JOB_UNKNOWN, "an unknown job is unknown");
	is_int(catalogue_job(cat, JOB(1)), JOB_COMMITTED, "a known one is known");
	*catp = cat = reopen(cat);
	ok(catalogue_lost(cat), "a restart does not change that");

	catalogue_close(cat);
	remove_file("catalogue.db");
	cat = NULL;
	*catp = cat = reopen(cat);
	ok(catalogue_lost(cat), "nor does a new database beside the old file");
	is_int(catalogue_job(cat, JOB(1)), JOB_UNKNOWN,
	       "whose jobs are not called aborted");
	is_int(begin(cat, JOB(9), "z", OBJ1, 1, false), 0, "a job of the new life");
	is_int(catalogue_fresh(cat, JOB(9)), 0, "that nobody can have from before");
	*catp = cat = reopen(cat);
	is_int(catalogue_job(cat, JOB(9)), JOB_ABORTED,
	       "is aborted by a crash, as it is known");
	is_int(begin(cat, JOB(1), "z", OBJ1, 1, false), 0,
	       "a job that may be from before");
	*catp = cat = reopen(cat);
	is_int(catalogue_job(cat, JOB(1)), JOB_UNKNOWN, "is not, by a crash");
	is_int(begin(cat, JOB(1), "z", OBJ1, 1, false), 0, "begun again");
	is_int(catalogue_abort(cat, JOB(1)), -ENODATA, "nor by its end");
	is_int(catalogue_job(cat, JOB(1)), JOB_UNKNOWN, "it is lost as before");

	is_int(catalogue_settle(cat, JOB(1), JOB_WAITING), 0, "a job that waits");
	rec = record(OBJ1, 1, "z");
	answer = json_pack("{s:i}", "version", 1);
	is_int(catalogue_restore(cat, rec, answer, &err), 0,
	       "a record that was rebuilt");
	json_decref(answer);
	json_decref(rec);
	is_int(catalogue_job(cat, JOB(r)), JOB_COMMITTED,
	       "settles the job that stored it");
	put.job = JOB(r);
	is_int(catalogue_begin(cat, &put, &answer, &err), 1,
	       "which gets an answer when it is repeated");
	json_decref(answer);
	put.size++;
	is_int(catalogue_begin(cat, &put, &answer, &err), -EEXIST,
	       "and another one of that id does not");
	is_int(catalogue_found(cat), 0, "the rebuild is complete");
	is_int(catalogue_job(cat, JOB(2)), JOB_ABORTED, "now unknown is aborted");
	is_int(catalogue_job(cat, JOB(1)), JOB_WAITING, "but what waits, waits");
	is_int(begin(cat, JOB(1), "z", OBJ1, 1, false), -EINPROGRESS,
	       "and is not said to be aborted");
	is_int(catalogue_settle(cat, JOB(1), JOB_COMMITTED), 0, "until it is settled");
	is_int(catalogue_job(cat, JOB(1)), JOB_COMMITTED, "as committed");
	is_int(catalogue_settle(cat, JOB(9), JOB_COMMITTED), -EALREADY,
	       "settling what was decided here");
	is_int(catalogue_job(cat, JOB(9)), JOB_ABORTED, "changes nothing");
	is_int(catalogue_find(cat, 1, "z", &rec), 0, "the rebuilt name is found");
	json_decref(rec);
}

/* Somebody else has the database locked: what it would say is not known. */
static void test_unreadable(struct catalogue *cat)
{
	sqlite3 *other;
	char path[128];
	json_t *rec;

	snprintf(path, sizeof(path), "%s/catalogue.db", store);
	sqlite3_busy_timeout(cat->db, 0);
	if (sqlite3_open(path, &other) ||
	    sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL))
		bail("the database cannot be locked");
	ok(!catalogue_lost(cat), "a catalogue that cannot be read is not lost");
	is_int(catalogue_job(cat, JOB(1)), JOB_UNREADABLE,
	       "it does not know of a job that is committed");
	is_int(catalogue_job(cat, JOB(8)), JOB_UNREADABLE,
	       "and does not call an unknown one aborted");
	is_int(begin(cat, JOB(1), "z", OBJ1, 1, false), -EIO,
	       "no job begins, that may have been before");
	is_int(catalogue_find(cat, 1, "z", &rec), -EIO, "no name is missing");
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	is_int(catalogue_job(cat, JOB(1)), JOB_COMMITTED, "then it can be read");
	is_int(catalogue_job(cat, JOB(8)), JOB_ABORTED, "and both are known");
}

#define BAD(n) "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbb" #n
#define OBJ(n) "44444444-4444-4444-8444-44444444444" #n

/* The folder cannot be synced after the journal of a COMMIT went. */
static void test_doubt(struct catalogue **catp)
{
	struct catalogue *cat = *catp;
	json_t *rec;

	begin(cat, BAD(1), "d1", OBJ(1), 1, false);
	fail_folder = 1;
	is_int(commit(cat, BAD(1), OBJ(1), 1, "d1"), 0,
	       "a COMMIT whose last sync failed, and the next one did not");
	is_int(catalogue_job(cat, BAD(1)), JOB_COMMITTED, "is one");

	begin(cat, BAD(2), "d2", OBJ(2), 1, false);
	fail_folder = -1;
	is_int(commit(cat, BAD(2), OBJ(2), 1, "d2"), -EINPROGRESS,
	       "where the disk stays bad, nobody knows");
	ok(catalogue_abort(cat, BAD(2)) < 0, "it is not aborted then");
	is_int(catalogue_job(cat, BAD(2)), JOB_UNREADABLE, "nor committed");
	ok(begin(cat, BAD(2), "d2", OBJ(2), 1, false) < 0,
	   "the same job is told nothing of it");
	fail_folder = 0;
	is_int(catalogue_job(cat, BAD(2)), JOB_COMMITTED,
	       "when the disk is well, it is committed");
	is_int(begin(cat, BAD(2), "d2", OBJ(2), 1, false), 1,
	       "and has its answer");

	begin(cat, BAD(3), "d3", OBJ(3), 1, false);
	fail_file = -1;
	ok(commit(cat, BAD(3), OBJ(3), 1, "d3") < 0,
	   "a COMMIT that fails before its journal goes");
	ok(catalogue_abort(cat, BAD(3)) < 0, "cannot be recorded as aborted either");
	ok(catalogue_job(cat, BAD(3)) != JOB_ABORTED, "and is not called so");
	ok(begin(cat, BAD(4), "d4", OBJ(4), 1, false) < 0, "no job begins");
	fail_file = 0;
	is_int(catalogue_job(cat, BAD(3)), JOB_ABORTED,
	       "when the disk is well, it is");
	is_int(catalogue_find(cat, 1, "d3", &rec), -ENOENT,
	       "and nothing of it is there");
	is_int(begin(cat, BAD(5), "d4", OBJ(4), 1, false), 0,
	       "a job that could not begin does not keep the name");
	is_int(catalogue_abort(cat, BAD(5)), 0, "abort");
	*catp = reopen(cat);
}

/* A name was given to a new object before the rebuild found what had it. */
static void test_clash(struct catalogue *cat)
{
	json_t *rec, *answer = json_object(), *list;
	bool more;

	stored_at = 2000;
	begin(cat, BAD(6), "clash", OBJ(6), 1, false);
	is_int(commit(cat, BAD(6), OBJ(6), 1, "clash"), 0, "a new object");
	stored_at = 1500;
	rec = record(OBJ(7), 9, "clash");
	is_int(catalogue_restore(cat, rec, answer, &err), 0,
	       "one that had its name before, in a later version");
	json_decref(rec);
	json_decref(answer);
	is_int(catalogue_find(cat, 1, "clash", &rec), 0, "the name");
	is_str(json_string_value(json_object_get(rec, "object")), OBJ(6),
	       "is that of the new one");
	json_decref(rec);
	is_int(catalogue_list(cat, 1, "cl", 1, &list, &more), 0, "in the list");
	is_str(json_string_value(json_object_get(json_array_get(list, 0),
						 "object")), OBJ(6), "as well");
	json_decref(list);
	is_int(begin(cat, BAD(7), "clash", OBJ(6), 2, true), 0,
	       "and that one is replaced");
	is_int(catalogue_abort(cat, BAD(7)), 0, "abort");
}

/* A database of the first version, with a job and an object. */
static void test_upgrade(void)
{
	static const char first[] =
		"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
		"CREATE TABLE job (id TEXT PRIMARY KEY, state INTEGER NOT NULL,"
		"  owner INTEGER, name TEXT, answer TEXT, at INTEGER NOT NULL) STRICT;"
		"CREATE UNIQUE INDEX job_name ON job (owner, name) WHERE state = 1;"
		"CREATE TABLE object (object TEXT NOT NULL, version INTEGER NOT NULL,"
		"  owner INTEGER NOT NULL, name TEXT NOT NULL,"
		"  deleting INTEGER NOT NULL DEFAULT 0, record TEXT NOT NULL,"
		"  PRIMARY KEY (object, version)) STRICT;"
		"CREATE INDEX object_name ON object (owner, name, version);"
		"INSERT INTO job VALUES ('" BAD(1) "', 2, 1, 'u', '{}', 5);"
		"INSERT INTO job VALUES ('" BAD(2) "', 1, 1, 'v', NULL, 5);"
		"INSERT INTO object VALUES ('" OBJ(1) "', 3, 1, 'u', 0,"
		"  '{\"stored_at\": 1500, \"object\": \"" OBJ(1) "\"}');";
	struct catalogue *cat;
	char path[128];
	sqlite3 *db;
	json_t *rec;
	int i;

	snprintf(store, sizeof(store), "%s/old", dir);
	mkdir(store, 0700);
	snprintf(path, sizeof(path), "%s/catalogue.db", store);
	if (sqlite3_open(path, &db) || sqlite3_exec(db, first, NULL, NULL, NULL))
		bail("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
	for (i = 0; i < 2; i++) {	/* and once more, as it is then */
		cat = reopen(NULL);
		is_int(catalogue_job(cat, BAD(1)), JOB_COMMITTED,
		       "an older catalogue has its jobs");
		is_int(catalogue_job(cat, BAD(2)), JOB_ABORTED, "all of them");
		is_int(catalogue_find(cat, 1, "u", &rec), 0, "and its objects");
		json_decref(rec);
		catalogue_close(cat);
	}
	if (sqlite3_open(path, &db) ||
	    sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL))
		bail("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
	ok(catalogue_open(&cat, store, &err) < 0, "one from the future is left alone");
}

/* A process that is killed right after catalogue_commit() returned. */
static void test_kill(void)
{
	struct catalogue *cat = NULL;
	pid_t pid;

	pid = fork();
	if (!pid) {
		cat = reopen(cat);
		if (begin(cat, JOB(0), "k", OBJ2, 1, false) ||
		    commit(cat, JOB(0), OBJ2, 1, "k"))
			_exit(1);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	cat = reopen(NULL);
	is_int(catalogue_job(cat, JOB(0)), JOB_COMMITTED,
	       "a COMMIT that returned survives kill -9");
	catalogue_close(cat);
}

int main(void)
{
	struct catalogue *cat;
	char cmd[64];

	if (!mkdtemp(dir))
		bail("mkdtemp");
	snprintf(store, sizeof(store), "%s/ssad", dir);
	cat = reopen(NULL);
	ok(catalogue_lost(cat), "a new catalogue knows of nothing before it");
	is_int(catalogue_found(cat), 0, "a rebuild settles that");
	test_jobs(&cat);
	test_names(cat);
	test_lost(&cat);
	test_unreadable(cat);
	test_doubt(&cat);
	test_clash(cat);
	catalogue_close(cat);
	test_kill();
	test_upgrade();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	is_int(system(cmd), 0, "clean up");
	return tap_done();
}
