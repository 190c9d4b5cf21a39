// SPDX-License-Identifier: GPL-2.0
#include "ledger.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct ledger {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *rollback, *new_block, *new_key, *set, *get,
		*has_key, *each, *note_get, *note_set;
};

static const char schema[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = FULL;"
	"PRAGMA foreign_keys = ON;"
	"CREATE TABLE IF NOT EXISTS block ("
	" id BLOB PRIMARY KEY CHECK (length(id) = 16), peer INTEGER NOT NULL,"
	" dir INTEGER NOT NULL, kind INTEGER NOT NULL, size INTEGER NOT NULL,"
	" state INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;"
	"DROP INDEX IF EXISTS block_state;"
	"CREATE INDEX IF NOT EXISTS block_state_peer ON block (state, peer);"
	"CREATE TABLE IF NOT EXISTS key ("
	" id TEXT PRIMARY KEY, block BLOB NOT NULL REFERENCES block (id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, text TEXT NOT NULL);";

static int failed(struct ledger *l, struct err *err)
{
	return err_set(err, -EIO, "ledger: %s", sqlite3_errmsg(l->db));
}

static int prepare(struct ledger *l, sqlite3_stmt **stmt, const char *sql)
{
	return sqlite3_prepare_v3(l->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
}

/**
 * ledger_open - open the ledger, or make it
 * @path:	file; its folder exists. Becomes its owner's only
 * @ledger:	result, for ledger_close()
 * @err:	what was wrong
 *
 * Return: 0, -ENOMEM or -EIO.
 */
int ledger_open(const char *path, struct ledger **ledger, struct err *err)
{
	struct ledger *l = calloc(1, sizeof(*l));
	mode_t mask;
	int ret;

	*ledger = NULL;
	if (!l)
		return err_set(err, -ENOMEM, "out of memory");
	mask = umask(077);
	ret = sqlite3_open_v2(path, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			      NULL);
	umask(mask);
	if (!ret)
		/* a second keyd on the same ledger would be a disaster */
		ret = sqlite3_exec(l->db, "PRAGMA locking_mode = EXCLUSIVE;", NULL, NULL,
				   NULL);
	ret = ret ?: sqlite3_exec(l->db, schema, NULL, NULL, NULL) ?:
	      sqlite3_exec(l->db, "BEGIN IMMEDIATE; COMMIT;", NULL, NULL, NULL) ?:
	      prepare(l, &l->begin, "BEGIN IMMEDIATE") ?:
	      prepare(l, &l->commit, "COMMIT") ?:
	      prepare(l, &l->rollback, "ROLLBACK") ?:
	      prepare(l, &l->new_block, "INSERT INTO block VALUES (?,?,?,?,?,?,unixepoch())") ?:
	      prepare(l, &l->new_key, "INSERT INTO key VALUES (?,?)") ?:
	      prepare(l, &l->set, "UPDATE block SET state=?2, changed=unixepoch() WHERE id=?1") ?:
	      prepare(l, &l->get, "SELECT id,peer,dir,kind,size,state,changed FROM block WHERE id=?") ?:
	      prepare(l, &l->has_key, "SELECT 1 FROM key WHERE id=?") ?:
	      prepare(l, &l->each, "SELECT id,peer,dir,kind,size,state,changed FROM block"
		      " WHERE state = ? AND peer BETWEEN ? AND ?") ?:
	      prepare(l, &l->note_get, "SELECT text FROM note WHERE name=?") ?:
	      prepare(l, &l->note_set, "INSERT OR REPLACE INTO note VALUES (?,?)");
	if (ret) {
		ret = err_set(err, -EIO, "%s: %s", path,
			      l->db ? sqlite3_errmsg(l->db) : "out of memory");
		ledger_close(l);
		return ret;
	}
	*ledger = l;
	return 0;
}

void ledger_close(struct ledger *l)
{
	sqlite3_stmt *s;

	if (!l)
		return;
	while ((s = sqlite3_next_stmt(l->db, NULL)))
		sqlite3_finalize(s);
	sqlite3_close(l->db);
	free(l);
}

/* Run a statement that returns no rows, and make it ready for the next time. */
static int run(sqlite3_stmt *s)
{
	int ret = sqlite3_step(s);

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return ret == SQLITE_DONE ? SQLITE_OK : ret;
}

/* One ID, one spelling: a KME may say it in another the next time. */
static void bind_key(sqlite3_stmt *s, const char *key_id)
{
	uint8_t uuid[UUID_BYTES];
	char text[UUID_TEXT] = "";

	if (!etsi_id_parse(key_id, uuid))
		uuid_format(uuid, text);
	sqlite3_bind_text(s, 1, text, -1, SQLITE_TRANSIENT);
}

static int new_rows(struct ledger *l, const struct block *b, enum ledger_state state,
		    const struct etsi_ids *ids)
{
	size_t i;
	int ret;

	sqlite3_bind_blob(l->new_block, 1, b->id, UUID_BYTES, SQLITE_STATIC);
	sqlite3_bind_int64(l->new_block, 2, b->peer);
	sqlite3_bind_int(l->new_block, 3, b->dir);
	sqlite3_bind_int(l->new_block, 4, b->kind);
	sqlite3_bind_int64(l->new_block, 5, b->size);
	sqlite3_bind_int(l->new_block, 6, state);
	ret = run(l->new_block);
	for (i = 0; !ret && ids && i < ids->n; i++) {
		bind_key(l->new_key, ids->id[i]);
		sqlite3_bind_blob(l->new_key, 2, b->id, UUID_BYTES, SQLITE_STATIC);
		ret = run(l->new_key);
	}
	return ret;
}

int ledger_new(struct ledger *l, const struct block *b, enum ledger_state state,
	       const struct etsi_ids *ids, struct err *err)
{
	int ret = run(l->begin);

	if (ret)
		return failed(l, err);
	ret = new_rows(l, b, state, ids) ?: run(l->commit);
	if (!ret)
		return 0;
	ret = (ret & 0xff) == SQLITE_CONSTRAINT ?
	      err_set(err, -EEXIST, "a key ID or the block was seen before") :
	      failed(l, err);
	if (!sqlite3_get_autocommit(l->db))
		run(l->rollback);
	return ret;
}

int ledger_set(struct ledger *l, const uint8_t id[UUID_BYTES], enum ledger_state state,
	       struct err *err)
{
	sqlite3_bind_blob(l->set, 1, id, UUID_BYTES, SQLITE_STATIC);
	sqlite3_bind_int(l->set, 2, state);
	if (run(l->set))
		return failed(l, err);
	return sqlite3_changes(l->db) ? 0 : err_set(err, -ENOENT, "ledger: no such block");
}

static void row_read(sqlite3_stmt *s, struct ledger_row *row)
{
	memcpy(row->id, sqlite3_column_blob(s, 0), UUID_BYTES);
	row->peer = sqlite3_column_int64(s, 1);
	row->dir = sqlite3_column_int(s, 2);
	row->kind = sqlite3_column_int(s, 3);
	row->size = sqlite3_column_int64(s, 4);
	row->state = sqlite3_column_int(s, 5);
	row->changed = sqlite3_column_int64(s, 6);
}

int ledger_get(struct ledger *l, const uint8_t id[UUID_BYTES], struct ledger_row *row)
{
	int ret;

	sqlite3_bind_blob(l->get, 1, id, UUID_BYTES, SQLITE_STATIC);
	ret = sqlite3_step(l->get);
	if (ret == SQLITE_ROW)
		row_read(l->get, row);
	sqlite3_reset(l->get);
	return ret == SQLITE_ROW ? 0 : ret == SQLITE_DONE ? -ENOENT : -EIO;
}

int ledger_has_key(struct ledger *l, const char *key_id)
{
	int ret;

	bind_key(l->has_key, key_id);
	ret = sqlite3_step(l->has_key);
	sqlite3_reset(l->has_key);
	return ret == SQLITE_ROW ? 1 : ret == SQLITE_DONE ? 0 : -EIO;
}

struct rows { struct ledger_row *row; size_t n, room; };

static int rows_add(struct rows *rows, sqlite3_stmt *s)
{
	struct ledger_row *more;

	if (rows->n == rows->room) {
		rows->room = rows->room ? rows->room * 2 : 16;
		more = realloc(rows->row, rows->room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		rows->row = more;
	}
	row_read(s, &rows->row[rows->n++]);
	return 0;
}

/* A state at a time, so that the index finds the few among all that ever were. */
static int rows_of(struct ledger *l, enum ledger_state state, uint32_t peer,
		   struct rows *rows)
{
	int ret = 0, step;

	sqlite3_bind_int(l->each, 1, state);
	sqlite3_bind_int64(l->each, 2, peer);
	sqlite3_bind_int64(l->each, 3, peer ? peer : UINT32_MAX);
	while ((step = sqlite3_step(l->each)) == SQLITE_ROW && !ret)
		ret = rows_add(rows, l->each);
	sqlite3_reset(l->each);
	return ret ?: step == SQLITE_DONE ? 0 : -EIO;
}

int ledger_each(struct ledger *l, unsigned int states, uint32_t peer,
		int (*fn)(const struct ledger_row *row, void *arg), void *arg)
{
	struct rows rows = { NULL, 0, 0 };
	unsigned int state;
	size_t i;
	int ret = 0;

	for (state = LEDGER_FETCHED; state < LEDGER_STATES && !ret; state++)
		if (states >> state & 1)
			ret = rows_of(l, state, peer, &rows);
	for (i = 0; i < rows.n && !ret; i++)
		ret = fn(&rows.row[i], arg);
	free(rows.row);
	return ret;
}

int ledger_note_get(struct ledger *l, const char *name, char *text, size_t size)
{
	int ret;

	*text = '\0';
	sqlite3_bind_text(l->note_get, 1, name, -1, SQLITE_STATIC);
	ret = sqlite3_step(l->note_get);
	if (ret == SQLITE_ROW)
		snprintf(text, size, "%s", sqlite3_column_text(l->note_get, 0));
	sqlite3_reset(l->note_get);
	return ret == SQLITE_ROW || ret == SQLITE_DONE ? 0 : -EIO;
}

int ledger_note_set(struct ledger *l, const char *name, const char *text)
{
	sqlite3_bind_text(l->note_set, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(l->note_set, 2, text, -1, SQLITE_STATIC);
	return run(l->note_set) ? -EIO : 0;
}
