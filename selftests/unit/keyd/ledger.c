// SPDX-License-Identifier: GPL-2.0
/* The ledger: no key ID twice, whatever happens in between. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ledger.h"
#include "tap.h"

#define KEY_A	"8666a4d8-5cd1-4796-b577-4239d8816ba7"
#define KEY_A_UPPER "8666A4D8-5CD1-4796-B577-4239D8816BA7"
#define KEY_B	"1a8b991f-d494-4aec-a422-223e5a42987f"
#define KEY_C	"0d3c7e2a-94d7-4d0f-a2c1-61ab7a0f9d11"

static char path[64];
static struct err err;

/* The ledger's own connection: SQLite shows each one to us as it is opened. */
static sqlite3 *db;

static int on_open(sqlite3 *opened, char **why, const void *api)
{
	db = opened;
	return SQLITE_OK;
}

static int first_column(void *arg, int n, char **values, char **names)
{
	*(int *)arg = values[0] ? atoi(values[0]) : -1;
	return 0;
}

static int pragma(const char *name)
{
	char sql[64];
	int value = -1;

	snprintf(sql, sizeof(sql), "PRAGMA %s", name);
	sqlite3_exec(db, sql, first_column, &value, NULL);
	return value;
}

/* Rows that were stepped over without being asked for, since the last time. */
static int scanned(void)
{
	sqlite3_stmt *s = NULL;
	int n = 0;

	while ((s = sqlite3_next_stmt(db, s)))
		n += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
	return n;
}

static struct ledger *open_ledger(void)
{
	struct ledger *l;

	if (ledger_open(path, &l, &err))
		bail("%s", err.text);
	return l;
}

static struct block a_block(uint8_t n)
{
	struct block b = { .peer = 11, .dir = QKD_DIR_TX, .kind = QKD_KIND_TAG,
			   .size = 4096 };

	memset(b.id, n, sizeof(b.id));
	return b;
}

static struct etsi_ids some_ids(const char *a, const char *b)
{
	struct etsi_ids ids = { 0 };

	if (etsi_ids_add(&ids, a) || (b && etsi_ids_add(&ids, b)))
		bail("no memory");
	return ids;
}

static int count(const struct ledger_row *row, void *arg)
{
	++*(int *)arg;
	return 0;
}

int main(void)
{
	struct block one = a_block(1), two = a_block(2), three = a_block(3), many;
	struct etsi_ids ab, bc, c, upper;
	struct ledger_row row;
	struct ledger *l, *other;
	int n = 0, status;
	char text[32];
	pid_t pid;

	snprintf(path, sizeof(path), "/tmp/test-ledger.%d", (int)getpid());
	if (sqlite3_auto_extension((void (*)(void))on_open))
		bail("SQLite does not show what it opens");
	l = open_ledger();
	is_int(pragma("synchronous"), 2, "a change is on the disk, not only on its way");
	ab = some_ids(KEY_A, KEY_B);
	bc = some_ids(KEY_C, KEY_B);
	c = some_ids(KEY_C, NULL);
	upper = some_ids(KEY_A_UPPER, NULL);
	is_int(ledger_new(l, &one, LEDGER_POSTED, &ab, &err), 0, "a block with two keys");
	is_int(ledger_new(l, &one, LEDGER_POSTED, NULL, &err), -EEXIST, "the block again");
	is_int(ledger_new(l, &two, LEDGER_ASKED, &bc, &err), -EEXIST,
	       "another block with one of the keys");
	is_int(ledger_get(l, two.id, &row), -ENOENT, "leaves nothing of the block");
	is_int(ledger_has_key(l, KEY_C), 0, "nor of its other key");
	is_int(ledger_new(l, &two, LEDGER_ASKED, &c, &err), 0, "which another block may have");
	is_int(ledger_set(l, one.id, LEDGER_VOID, &err), 0, "a void block");
	is_int(ledger_new(l, &three, LEDGER_ASKED, &ab, &err), -EEXIST, "keeps its keys");
	is_int(ledger_new(l, &three, LEDGER_ASKED, &upper, &err), -EEXIST,
	       "in whatever case an ID is written");
	is_int(ledger_has_key(l, KEY_A_UPPER), 1, "also when asked for it");
	is_int(ledger_set(l, three.id, LEDGER_VOID, &err), -ENOENT, "an unknown block");
	is_int(ledger_each(l, 1 << LEDGER_VOID | 1 << LEDGER_ASKED, 0, count, &n), 0, "all of some states");
	is_int(n, 2, "are two");
	n = 0;
	ledger_each(l, ~0U, 12, count, &n);
	is_int(n, 0, "none of another peer");
	ledger_each(l, 1 << LEDGER_VOID, 11, count, &n);
	is_int(n, 1, "one of a state and a peer");
	for (n = 0; n < 100; n++) {
		many = a_block(10 + n);
		if (ledger_new(l, &many, LEDGER_VOID, NULL, &err))
			bail("%s", err.text);
	}
	scanned();
	n = 0;
	is_int(ledger_each(l, 1 << LEDGER_ASKED, 0, count, &n) ?:
	       ledger_each(l, 1 << LEDGER_ASKED, 11, count, &n), 0, "the few of a state");
	ok(n == 2 && !scanned(), "are found without a look at the many of another");
	is_int(ledger_open(path, &other, &err), -EIO, "a second key agent does not open it");
	ledger_note_set(l, "boot", "x");
	ledger_close(l);

	/* what was said to be on disk is there after a crash */
	pid = fork();
	if (!pid) {
		l = open_ledger();
		if (!ledger_new(l, &three, LEDGER_LOADED, NULL, &err))
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status), "a crash");
	l = open_ledger();
	is_int(ledger_get(l, three.id, &row), 0, "the block is there");
	ok(row.state == LEDGER_LOADED && row.peer == 11 && row.kind == QKD_KIND_TAG &&
	   row.dir == QKD_DIR_TX && row.size == 4096, "as it was");
	is_int(ledger_has_key(l, KEY_A), 1, "the keys too");
	ledger_note_get(l, "boot", text, sizeof(text));
	is_str(text, "x", "and the note");
	ledger_close(l);
	etsi_ids_free(&ab);
	etsi_ids_free(&bc);
	etsi_ids_free(&c);
	etsi_ids_free(&upper);
	unlink(path);
	strcat(path, "-wal");
	unlink(path);
	return tap_done();
}
