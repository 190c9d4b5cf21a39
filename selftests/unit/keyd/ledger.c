// SPDX-License-Identifier: GPL-2.0
/* The ledger: no key ID twice, whatever happens in between. */
#include <signal.h>
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
	struct block one = a_block(1), two = a_block(2), three = a_block(3);
	struct etsi_ids ab, bc, c, upper;
	struct ledger_row row;
	struct ledger *l, *other;
	int n = 0, status;
	char text[32];
	pid_t pid;

	snprintf(path, sizeof(path), "/tmp/test-ledger.%d", (int)getpid());
	l = open_ledger();
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
