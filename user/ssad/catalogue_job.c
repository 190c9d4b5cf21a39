// SPDX-License-Identifier: GPL-2.0
/* The catalogue's jobs: what became of them, and their COMMIT records. */
#include "catalogue_db.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util.h"

static enum job_state job_state(struct catalogue *cat, const char *job,
				json_t **answer)
{
	enum job_state state = JOB_UNKNOWN;
	sqlite3_stmt *st;
	int ret;

	st = catalogue_ask(cat, "SELECT state, answer FROM job WHERE id = ?",
			   "s", job);
	ret = catalogue_step(cat, st);
	if (ret < 0) {
		state = JOB_UNREADABLE;
	} else if (ret) {
		state = sqlite3_column_int(st, 0);
		if (answer)
			*answer = json_loads(column_text(st, 1), 0, NULL);
	}
	sqlite3_finalize(st);
	return state;
}

/* @job is not run any more. */
static int job_abort(struct catalogue *cat, const char *job)
{
	return catalogue_run(cat, catalogue_ask(cat,
			"UPDATE job SET state = 3 WHERE id = ? AND state = 1"
			" AND fresh", "s", job)) ?:
	       catalogue_run(cat, catalogue_ask(cat,
			"DELETE FROM job WHERE id = ? AND state = 1", "s", job));
}

/*
 * After a write that failed nothing that can be read is durable for certain, until
 * another write has succeeded, and so synced the folder. 0 when that is so.
 */
static int catalogue_mend(struct catalogue *cat)
{
	struct orphan *o;
	int ret;

	if (cat->doubt) {
		ret = catalogue_run(cat, catalogue_ask(cat,
			"INSERT OR REPLACE INTO meta VALUES ('mended', ?)", "s",
			"1"));
		if (ret)
			return ret;
		cat->doubt = false;
	}
	while ((o = cat->orphans)) {
		ret = job_abort(cat, o->job);
		if (ret)
			return ret;
		cat->orphans = o->next;
		free(o);
	}
	return 0;
}

/* Nobody runs @job any more, but that is not on the disk. */
static void job_orphan(struct catalogue *cat, const char *job)
{
	struct orphan *o = malloc(sizeof(*o) + strlen(job) + 1);

	if (!o)
		return;		/* it is said to run until the next start */
	strcpy(o->job, job);
	o->next = cat->orphans;
	cat->orphans = o;
}

enum job_state catalogue_job(struct catalogue *cat, const char *job)
{
	enum job_state state;

	pthread_mutex_lock(&cat->lock);
	state = catalogue_mend(cat) ? JOB_UNREADABLE : job_state(cat, job, NULL);
	if (state == JOB_UNKNOWN && !cat->lost)
		state = JOB_ABORTED;	/* presumed */
	pthread_mutex_unlock(&cat->lock);
	return state;
}

#define HASH_TEXT	65

static int policy_hash(const char *policy, char text[HASH_TEXT])
{
	uint8_t hash[32];

	if (EVP_Digest(policy, strlen(policy), hash, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	hex_encode(hash, sizeof(hash), text);
	return 0;
}

/* Is the job of that id this put? What is not known of it speaks for it. */
static int job_same(struct catalogue *cat, const struct catalogue_put *put,
		    const char *hash, struct err *err)
{
	sqlite3_stmt *st;
	int ret;

	st = catalogue_ask(cat, "SELECT 1 FROM job WHERE id = ?1 AND"
			   " ifnull(owner, ?2) = ?2 AND ifnull(name, ?3) = ?3 AND"
			   " ifnull(object, ?4) = ?4 AND"
			   " ifnull(version, ?5) = ?5 AND"
			   " ifnull(size, ?6) = ?6 AND ifnull(policy, ?7) = ?7",
			   "sissiis", put->job, (int64_t)put->owner, put->name,
			   put->object, (int64_t)put->version,
			   (int64_t)put->size, hash);
	ret = catalogue_step(cat, st);
	sqlite3_finalize(st);
	if (ret < 0)
		return catalogue_fail(cat, err);
	return ret ? 0 : err_set(err, -EEXIST,
		"job %s was begun before for another owner, name, size, object or policy",
		put->job);
}

/* Is it what comes next under this name? */
static int name_next(struct catalogue *cat, const struct catalogue_put *put,
		     struct err *err)
{
	const char *object = put->object, *name = put->name;
	uint32_t owner = put->owner, version = put->version;
	sqlite3_stmt *st;
	int ret, row;

	st = catalogue_ask(cat, "SELECT object, version FROM object"
			   " WHERE owner = ? AND name = ? AND NOT deleting"
			   NAME_ORDER " LIMIT 1",
			   "is", (int64_t)owner, name);
	row = catalogue_step(cat, st);
	ret = row < 0 ? catalogue_fail(cat, err) : 0;
	if (row > 0) {
		int64_t have = sqlite3_column_int64(st, 1);

		if (!put->replace)
			ret = err_set(err, -EEXIST,
				      "this name is stored already, version %lld",
				      (long long)have);
		else if (strcmp(column_text(st, 0), object) || have + 1 != version)
			ret = err_set(err, -ESTALE,
				      "the next version is %lld of object %s, not %u of %s",
				      (long long)have + 1, column_text(st, 0),
				      version, object);
	} else if (!row && version != 1) {
		ret = err_set(err, -ESTALE,
			      "a new name has version 1, not %u", version);
	}
	sqlite3_finalize(st);
	if (ret)
		return ret;
	/* an object id that another name, or a deleted version, has */
	st = catalogue_ask(cat, "SELECT 1 FROM object WHERE object = ? AND"
			   " (version >= ? OR owner <> ? OR name <> ?)", "siis",
			   object, (int64_t)version, (int64_t)owner, name);
	row = catalogue_step(cat, st);
	if (row)
		ret = row < 0 ? catalogue_fail(cat, err) :
		      err_set(err, -ESTALE, "object %s exists already", object);
	sqlite3_finalize(st);
	if (ret)
		return ret;
	/* two names with one object: the one that commits last would take it */
	st = catalogue_ask(cat, "SELECT 1 FROM job WHERE state = 1 AND object = ?"
			   " AND version = ?", "si", object, (int64_t)version);
	row = catalogue_step(cat, st);
	if (row)
		ret = row < 0 ? catalogue_fail(cat, err) :
		      err_set(err, -EBUSY,
			      "another job is storing version %u of object %s now",
			      version, object);
	sqlite3_finalize(st);
	return ret;
}

/* What is known of the job already: 0 nothing, 1 its answer, or -errno. */
static int job_known(struct catalogue *cat, const struct catalogue_put *put,
		     const char *hash, json_t **answer, struct err *err)
{
	enum job_state state = job_state(cat, put->job, answer);
	const char *job = put->job;
	int ret = 0;

	if (state != JOB_UNKNOWN && state != JOB_UNREADABLE)
		ret = job_same(cat, put, hash, err);
	if (ret)
		return ret;
	switch (state) {
	case JOB_COMMITTED:
		return *answer ? 1 : err_set(err, -EIO,
			"job %s is committed; its answer is lost", job);
	case JOB_RUNNING:
		return err_set(err, -EALREADY, "job %s is running", job);
	case JOB_ABORTED:
		return err_set(err, -ECANCELED, "job %s was aborted", job);
	case JOB_WAITING:
		return err_set(err, -EINPROGRESS,
			       "job %s is from before this agent lost its state, and some shareholders have it: ssnctl index rebuild settles it when all answer",
			       job);
	case JOB_UNREADABLE:
		return catalogue_fail(cat, err);
	default:
		return 0;
	}
}

int catalogue_begin(struct catalogue *cat, const struct catalogue_put *put,
		    json_t **answer, struct err *err)
{
	char hash[HASH_TEXT];
	int ret;

	*answer = NULL;
	ret = policy_hash(put->policy, hash);
	if (ret)
		return err_set(err, ret, "no memory");
	pthread_mutex_lock(&cat->lock);
	ret = catalogue_mend(cat);
	if (ret)
		catalogue_fail(cat, err);
	ret = ret ?: job_known(cat, put, hash, answer, err) ?:
	      name_next(cat, put, err);
	if (ret)
		goto out;
	ret = catalogue_run(cat, catalogue_ask(cat,
		"INSERT INTO job (id, state, owner, name, object, version, size,"
		" policy, at, fresh) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?)",
		"sissiisii", put->job, (int64_t)put->owner, put->name, put->object,
		(int64_t)put->version, (int64_t)put->size, hash,
		(int64_t)time(NULL), (int64_t)!cat->lost));
	if (ret == -EEXIST)
		ret = err_set(err, -EBUSY,
			      "another job is storing this name now");
	else if (ret) {
		catalogue_fail(cat, err);
		job_orphan(cat, put->job);
	}
out:
	if (ret < 0) {
		json_decref(*answer);
		*answer = NULL;
	}
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

/* All that a COMMIT changes; -EINPROGRESS: what of it is durable is not known. */
static int commit_write(struct catalogue *cat, const char *job,
			const json_t *record, const char *answer)
{
	int ret;

	ret = catalogue_exec(cat, "BEGIN IMMEDIATE");
	if (ret)
		return ret;
	ret = catalogue_run(cat, catalogue_ask(cat,
		"UPDATE job SET state = 2, answer = ? WHERE id = ? AND state = 1",
		"ss", answer, job));
	if (!ret && sqlite3_changes(cat->db) != 1)
		ret = -ECANCELED;
	if (!ret)
		ret = catalogue_insert(cat, record);
	if (!ret)
		ret = catalogue_run(cat, catalogue_ask(cat,
			"UPDATE object SET deleting = 1 WHERE object = ? AND version < ?",
			"si", json_string_value(json_object_get(record, "object")),
			(int64_t)json_integer_value(
				json_object_get(record, "version"))));
	if (!ret) {
		ret = catalogue_exec(cat, "COMMIT");
		if (!ret)
			return 0;
		if (cat->doubt)
			ret = -EINPROGRESS;
	}
	sqlite3_exec(cat->db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

int catalogue_commit(struct catalogue *cat, const char *job, const json_t *record,
		     const json_t *answer, struct err *err)
{
	char *text = json_dumps(answer, JSON_COMPACT);
	int ret;

	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	pthread_mutex_lock(&cat->lock);
	ret = commit_write(cat, job, record, text);
	if (ret == -EINPROGRESS && !catalogue_mend(cat)) {
		enum job_state state = job_state(cat, job, NULL);

		if (state == JOB_COMMITTED)
			ret = 0;
		else if (state == JOB_RUNNING)
			ret = -EIO;
	}
	if (ret == -EINPROGRESS)
		err_set(err, ret,
			"an error of the agent's disk: whether job %s is committed is not known yet",
			job);
	else if (ret == -ECANCELED)
		err_set(err, ret, "job %s is not running", job);
	else if (ret == -EEXIST)
		err_set(err, ret, "this version of the object is there by now");
	else if (ret)
		err_set(err, ret, "the COMMIT record cannot be written: %s",
			strerror(-ret));
	pthread_mutex_unlock(&cat->lock);
	free(text);
	return ret;
}

int catalogue_fresh(struct catalogue *cat, const char *job)
{
	int ret = 0;

	pthread_mutex_lock(&cat->lock);
	if (cat->lost)
		ret = catalogue_run(cat, catalogue_ask(cat,
			"UPDATE job SET fresh = 1 WHERE id = ?", "s", job));
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

int catalogue_abort(struct catalogue *cat, const char *job)
{
	enum job_state state;
	int ret;

	pthread_mutex_lock(&cat->lock);
	ret = job_abort(cat, job);
	/* a change that can be read and is undone leaves it running, which the
	 * next start makes aborted again */
	state = job_state(cat, job, NULL);
	if (state == JOB_ABORTED)
		ret = 0;
	else if (state == JOB_COMMITTED)
		ret = -EALREADY;
	else if (!ret && state == JOB_UNKNOWN)
		ret = -ENODATA;
	else if (!ret)
		ret = -EIO;
	else
		job_orphan(cat, job);
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

int catalogue_settle(struct catalogue *cat, const char *job, enum job_state state)
{
	int ret;

	pthread_mutex_lock(&cat->lock);
	/* never over what this catalogue itself decided */
	ret = catalogue_run(cat, catalogue_ask(cat,
		"INSERT INTO job (id, state, at) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (id) DO UPDATE SET state = ?2 WHERE state = 4",
		"sii", job, (int64_t)state, (int64_t)time(NULL)));
	if (!ret && job_state(cat, job, NULL) != state)
		ret = -EALREADY;
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

int catalogue_insert_job(struct catalogue *cat, const json_t *record,
			 const json_t *answer)
{
	const char *policy = json_string_value(json_object_get(record, "policy"));
	char *text = json_dumps(answer, JSON_COMPACT), hash[HASH_TEXT];
	int ret = text ? policy_hash(policy ?: "", hash) : -ENOMEM;

	if (!ret)
		ret = catalogue_run(cat, catalogue_ask(cat,
			"INSERT INTO job (id, state, owner, name, object, version,"
			" size, policy, answer, at)"
			" VALUES (?, 2, ?, ?, ?, ?, ?, ?, ?, ?)"
			" ON CONFLICT (id) DO UPDATE SET state = 2,"
			" owner = excluded.owner, name = excluded.name,"
			" object = excluded.object, version = excluded.version,"
			" size = excluded.size, policy = excluded.policy,"
			" answer = excluded.answer"
			" WHERE state IN (2, 4) AND answer IS NULL", "sissiissi",
			json_string_value(json_object_get(record, "job")),
			(int64_t)json_integer_value(json_object_get(record, "owner")),
			json_string_value(json_object_get(record, "name")),
			json_string_value(json_object_get(record, "object")),
			(int64_t)json_integer_value(json_object_get(record,
								    "version")),
			(int64_t)json_integer_value(json_object_get(record, "size")),
			hash, text, (int64_t)time(NULL)));
	free(text);
	return ret;
}
