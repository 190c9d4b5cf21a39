// SPDX-License-Identifier: GPL-2.0
/* The catalogue's objects and their names. */
#include "catalogue_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int catalogue_insert(struct catalogue *cat, const json_t *record)
{
	char *text = json_dumps(record, JSON_COMPACT);
	int ret;

	if (!text)
		return -ENOMEM;
	ret = catalogue_run(cat, catalogue_ask(cat,
		"INSERT INTO object"
		" (object, version, owner, name, record, stored_at)"
		" VALUES (?, ?, ?, ?, ?, ?)", "siissi",
		json_string_value(json_object_get(record, "object")),
		(int64_t)json_integer_value(json_object_get(record, "version")),
		(int64_t)json_integer_value(json_object_get(record, "owner")),
		json_string_value(json_object_get(record, "name")), text,
		(int64_t)json_integer_value(json_object_get(record,
							    "stored_at"))));
	free(text);
	return ret;
}

int catalogue_restore(struct catalogue *cat, const json_t *record,
		      const json_t *answer, struct err *err)
{
	int ret;

	pthread_mutex_lock(&cat->lock);
	ret = catalogue_exec(cat, "BEGIN IMMEDIATE") ?:
	      catalogue_insert(cat, record) ?:
	      catalogue_insert_job(cat, record, answer) ?:
	      catalogue_exec(cat, "COMMIT");
	if (ret) {
		catalogue_fail(cat, err);
		sqlite3_exec(cat->db, "ROLLBACK", NULL, NULL, NULL);
	}
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

/* Columns: record, deleting. */
static json_t *row_record(sqlite3_stmt *st)
{
	json_t *record = json_loads(column_text(st, 0), 0, NULL);

	if (record)
		json_object_set_new(record, "state", json_string(
			sqlite3_column_int(st, 1) ? "deleting" : "stored"));
	return record;
}

static int catalogue_one(struct catalogue *cat, sqlite3_stmt *st, json_t **record)
{
	int ret;

	*record = NULL;
	ret = catalogue_step(cat, st);
	if (ret > 0) {
		*record = row_record(st);
		ret = *record ? 0 : -EIO;
	} else if (!ret) {
		ret = -ENOENT;
	}
	sqlite3_finalize(st);
	return ret;
}

int catalogue_find(struct catalogue *cat, uint32_t owner, const char *name,
		   json_t **record)
{
	int ret;

	pthread_mutex_lock(&cat->lock);
	ret = catalogue_one(cat, catalogue_ask(cat,
		"SELECT record, deleting FROM object WHERE owner = ? AND name = ?"
		NAME_ORDER " LIMIT 1",
		"is", (int64_t)owner, name), record);
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

int catalogue_object(struct catalogue *cat, const char *object, uint32_t version,
		     json_t **record)
{
	int ret;

	pthread_mutex_lock(&cat->lock);
	ret = catalogue_one(cat, catalogue_ask(cat,
		"SELECT record, deleting FROM object WHERE object = ?1"
		" AND (?2 = 0 OR version = ?2)"
		" ORDER BY deleting, version DESC LIMIT 1",
		"si", object, (int64_t)version), record);
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

/* All rows, the one beyond @max only as @more. */
static int catalogue_rows(struct catalogue *cat, sqlite3_stmt *st,
			  unsigned int max, json_t **records, bool *more)
{
	json_t *list = json_array();
	int ret = list ? 0 : -ENOMEM, step;

	*more = false;
	while (!ret && (step = catalogue_step(cat, st))) {
		if (step < 0) {
			ret = step;
		} else if (json_array_size(list) == max) {
			*more = true;
			break;
		} else if (json_array_append_new(list, row_record(st))) {
			ret = -EIO;
		}
	}
	sqlite3_finalize(st);
	if (ret) {
		json_decref(list);
		list = NULL;
	}
	*records = list;
	return ret;
}

int catalogue_list(struct catalogue *cat, uint32_t owner, const char *after,
		   unsigned int max, json_t **records, bool *more)
{
	int ret;

	pthread_mutex_lock(&cat->lock);
	/* the newest version; one that is being deleted only if it is alone */
	ret = catalogue_rows(cat, catalogue_ask(cat,
		"SELECT record, deleting FROM object AS o WHERE owner = ?1"
		" AND name > ?2 AND rowid = (SELECT rowid FROM object"
		"  WHERE owner = ?1 AND name = o.name" NAME_ORDER " LIMIT 1)"
		" ORDER BY name LIMIT ?3",
		"isi", (int64_t)owner, after, (int64_t)max + 1), max, records, more);
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

int catalogue_deleting(struct catalogue *cat, const char *object, json_t **records)
{
	bool more;
	int ret;

	pthread_mutex_lock(&cat->lock);
	ret = catalogue_rows(cat, catalogue_ask(cat,
		"SELECT record, deleting FROM object WHERE object = ? AND deleting"
		" ORDER BY version", "s", object), ~0U, records, &more);
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

int catalogue_mark(struct catalogue *cat, const char *object, uint32_t version)
{
	int ret;

	pthread_mutex_lock(&cat->lock);
	ret = catalogue_run(cat, catalogue_ask(cat,
		"UPDATE object SET deleting = 1 WHERE object = ? AND version = ?",
		"si", object, (int64_t)version));
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

int catalogue_remove(struct catalogue *cat, const char *object, uint32_t version)
{
	int ret;

	pthread_mutex_lock(&cat->lock);
	ret = catalogue_run(cat, catalogue_ask(cat,
		"UPDATE object SET deleting = 1 WHERE object = ?1 AND version = ?2"
		" AND NOT EXISTS (SELECT 1 FROM object WHERE object = ?1"
		"  AND version > ?2 AND NOT deleting)",
		"si", object, (int64_t)version));
	if (!ret && sqlite3_changes(cat->db) != 1)
		ret = -ESTALE;
	pthread_mutex_unlock(&cat->lock);
	return ret;
}

int catalogue_delete(struct catalogue *cat, const char *object, uint32_t version)
{
	int ret;

	pthread_mutex_lock(&cat->lock);
	ret = catalogue_run(cat, catalogue_ask(cat,
		"DELETE FROM object WHERE object = ? AND version = ?",
		"si", object, (int64_t)version));
	pthread_mutex_unlock(&cat->lock);
	return ret;
}
