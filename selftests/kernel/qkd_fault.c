// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation fails once: the call says so, nothing leaks, and the same
 * call works afterwards. Of those of loading the modules every 10th; with the
 * argument "all" every one.
 *
 * kernels: uml-debug
 * timeout: 240
 */
#include <sys/syscall.h>

#include "fault_util.h"

static unsigned char bytes[4 * UNIT];

static void adding(int ring, int dir, int kind)
{
	int n, key, failed = 0;
	char desc[128], text[UUID_TEXT];
	bool hit, again = false;
	qkd_id id;

	for (n = 1; n < 100; n++) {
		if (!again)
			id_new(id);
		snprintf(desc, sizeof(desc), "9:%s:%s:%s", dir_name[dir],
			 kind_name[kind], id_text(id, text));
		arm(n);
		key = add_key("qkd", desc, bytes, sizeof(bytes), ring);
		hit = disarm();
		if (!hit)
			break;
		/* large ones fall back to another allocator */
		again = key < 0;
		failed += again;
	}
	ok(failed >= 5, "%s %s: %d allocations of add_key failed",
	   dir_name[dir], kind_name[kind], failed);
	if (key < 0)
		key = add_key("qkd", desc, bytes, sizeof(bytes), ring);
	ok(key >= 0, "after that it works, with the same id");
}

/* A netlink call; 0, or -1 with errno. */
typedef int (*call_fn)(struct nl *nl, const qkd_id id);

static int call_tag(struct nl *nl, const qkd_id id)
{
	struct confirmation c;

	return block_tag(nl, id, &c);
}

static int call_pool_set(struct nl *nl, const qkd_id id)
{
	return pool_set(nl, 4000 + id[0], QKD_DIR_TX, QKD_KIND_TAG, UNIT);
}

static int call_ring(struct nl *nl, const qkd_id id)
{
	struct ring ring;

	return ring_get(nl, -1, &ring);
}

static int call_void(struct nl *nl, const qkd_id id)
{
	return block_void_now(nl, id);
}

/*
 * The message itself is allocated by the sender's and the receiver's calls, so
 * any error may come; what counts is that it works when nothing fails.
 */
static void calling(struct nl *nl, const char *name, call_fn call,
		    const qkd_id id)
{
	int n, err = -1, failed = 0;
	bool hit;

	for (n = 1; n < 60; n++) {
		/* an answer may have been lost with the failure */
		struct nl *fresh = nl_open(false);

		mnl_socket_setsockopt(fresh->sock, NETLINK_NO_ENOBUFS,
				      &(int){ 1 }, sizeof(int));
		setsockopt(mnl_socket_get_fd(fresh->sock), SOL_SOCKET,
			   SO_RCVTIMEO, &(struct timeval){ .tv_usec = 200000 },
			   sizeof(struct timeval));
		arm(n);
		err = call(fresh, id);
		hit = disarm();
		nl_close(fresh);
		if (!hit)
			break;
		failed++;
	}
	ok(failed > 0, "%s: %d allocations failed", name, failed);
	if (err)
		err = call(nl, id);
	ok(!err || errno == ENOENT, "and it works: %s",
	   err ? strerror(errno) : "done");
}

/* --- only what the module asks for: then each error has to be the right one */

#define PEER	7

static struct nl *nl;
static int ring, box;
static qkd_id id;
static unsigned char slots[2 * RUN];
static uint32_t stranger = 10000;

static int nl_err(int ret)
{
	return ret ? errno : 0;
}

static void new_block(void)
{
	id_new(id);
	if (block_add(ring, PEER, QKD_DIR_TX, QKD_KIND_TAG, id, slots,
		      sizeof(slots)) < 0)
		bail("block: %s", strerror(errno));
}

static int do_tag(void)
{
	struct confirmation c;

	return nl_err(block_tag(nl, id, &c));
}

static int do_confirm(void)
{
	return nl_err(tag_block_confirm(nl, QKD_DIR_TX, id, slots,
					sizeof(slots)));
}

/* It is usable, and its slots for records are all there */
static bool is_confirmed(void)
{
	struct block b;

	return !block_get(nl, id, &b) && b.state == QKD_BLOCK_STATE_USABLE &&
	       b.usable == sizeof(slots) - RUN;
}

static int do_block_get(void)
{
	struct block b;

	return nl_err(block_get(nl, id, &b));
}

static int do_pool_get(void)
{
	struct pool pool;

	return nl_err(pool_get(nl, PEER, QKD_DIR_TX, QKD_KIND_TAG, &pool));
}

static int dump(int cmd)
{
	char buf[1024];

	return nl_err(nl_talk(nl, nl_start(nl, buf, nl->family, cmd, NLM_F_DUMP),
			      NULL, NULL));
}

static int do_block_dump(void)
{
	return dump(QKD_CMD_BLOCK_GET);
}

static int do_pool_dump(void)
{
	return dump(QKD_CMD_POOL_GET);
}

static int do_pool_set(void)
{
	return nl_err(pool_set(nl, stranger, QKD_DIR_TX, QKD_KIND_TAG, UNIT));
}

static bool next_stranger(void)
{
	stranger++;
	return true;
}

static int do_ring_get(void)
{
	struct ring ring;

	return nl_err(ring_get(nl, -1, &ring));
}

static int do_ceiling(void)
{
	return nl_err(ceiling_set(nl, -1, 1 << 20));
}

static int do_void(void)
{
	return nl_err(block_void_now(nl, id));
}

static int command(const char *fmt, uint32_t a)
{
	char line[128];

	snprintf(line, sizeof(line), fmt, a);
	return write(box, line, strlen(line)) < 0 ? errno : 0;
}

/* Of a pool that is not there: none can be made, or it has nothing */
static int do_take(void)
{
	int err = command("take 0 %u 0 1", stranger);

	return err == ENOKEY ? 0 : err;
}

static void usable_block(void)
{
	new_block();
	if (do_confirm())
		bail("confirm: %s", strerror(errno));
}

static int do_take_tags(void)
{
	return command("take 1 7 1 1", 0);
}

static bool release_tags(void)
{
	return !command("release 1", 0);
}

static int module(const char *name, bool in)
{
	char path[4096];
	int fd, err;

	if (!in)
		return syscall(SYS_delete_module, name, O_NONBLOCK);
	snprintf(path, sizeof(path), "%s/%s.ko", getenv("SSN_MODULES") ?: ".",
		 name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return err;
}

static void strictly(void)
{
	static const struct step steps[] = {
		{ "block-tag", new_block, do_tag, NULL, 0 },
		{ "block-confirm", new_block, do_confirm, is_confirmed, 0 },
		{ "block-get", NULL, do_block_get, NULL, 0 },
		{ "block-get, dump", NULL, do_block_dump, NULL, 0 },
		{ "pool-get", NULL, do_pool_get, NULL, 0 },
		{ "pool-get, dump", NULL, do_pool_dump, NULL, 0 },
		{ "pool-set", NULL, do_pool_set, next_stranger, 0 },
		{ "keyring-get", NULL, do_ring_get, NULL, 0 },
		{ "ceiling-set", NULL, do_ceiling, NULL, 0 },
		{ "block-void-now", new_block, do_void, NULL, 0 },
		{ "a lease of a new pool", NULL, do_take, next_stranger, 0 },
		{ "a lease", usable_block, do_take_tags, release_tags, 0 },
	};
	unsigned int i;

	if (module("qkd_lease_test", true))
		bail("loading qkd_lease_test: %s", strerror(errno));
	box = open("/proc/qkd_lease_test", O_RDWR | O_CLOEXEC);
	fill_random(slots, sizeof(slots));
	faults_in("qkd_keyring");
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		each(&steps[i]);
	faults_in(NULL);
	close(box);
	ok(!module("qkd_lease_test", false), "nobody holds anything");
}

/* Makes a namespace, the @n-th allocation failing; whether there is one. */
static bool fails_at(int n, int home, int *failed)
{
	bool hit;

	arm(n);
	*failed += unshare(CLONE_NEWNET) < 0;
	hit = disarm();
	ns_enter(home);
	return hit;
}

/*
 * A namespace takes thousands of allocations, of which the last are those of
 * the modules that were loaded last.
 */
static void new_namespaces(void)
{
	int home = ns_here(), low = 1, high = 2, middle, failed = 0, last = 0;

	while (fails_at(high, home, &failed))
		high *= 2;
	while (high - low > 1) {
		middle = (low + high) / 2;
		if (fails_at(middle, home, &failed))
			low = middle;
		else
			high = middle;
	}
	for (middle = low > 120 ? low - 120 : 1; middle <= low; middle++)
		fails_at(middle, home, &last);
	ok(last > 20, "%d of the last 120 allocations of a namespace failed",
	   last);
	ok(!fails_at(high + 100, home, &failed), "a namespace is made after %d", low);
	close(home);
}

/* Loads a module, the @n-th allocation failing; whether there is one. */
static bool load_fails_at(const char *name, int n, int *failed)
{
	char path[4096];
	bool hit;
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s.ko", getenv("SSN_MODULES") ?: ".",
		 name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	arm(n);
	err = syscall(SYS_finit_module, fd, "", 0);
	hit = disarm();
	close(fd);
	*failed += !!err;
	if (!err && module(name, false))
		bail("unloading %s: %s", name, strerror(errno));
	return hit;
}

/* The first allocations are the loader's, the last the module's own. */
static void loading(const char *name, int step)
{
	int low = 1, high = 2, middle, failed = 0, other = 0;

	if (module(name, false))
		bail("unloading %s: %s", name, strerror(errno));
	while (load_fails_at(name, high, &failed))
		high *= 2;
	while (high - low > 1) {
		middle = (low + high) / 2;
		if (load_fails_at(name, middle, &failed))
			low = middle;
		else
			high = middle;
	}
	for (; low > 0; low -= step)
		load_fails_at(name, low, &failed);
	ok(failed > 5, "%s: loading failed %d times", name, failed);
	ok(!load_fails_at(name, high + 100, &other) && !other,
	   "after that it loads");
}

int main(int argc, char **argv)
{
	int step = argc > 1 && !strcmp(argv[1], "all") ? 1 : 10;
	int home = ns_here();

	faults_begin();
	fill_random(bytes, sizeof(bytes));
	close(ns_new());
	nl = nl_open(false);
	ring = ring_serial(nl);

	adding(ring, QKD_DIR_TX, QKD_KIND_PAYLOAD);
	adding(ring, QKD_DIR_RX, QKD_KIND_PAYLOAD);
	adding(ring, QKD_DIR_TX, QKD_KIND_TAG);
	adding(ring, QKD_DIR_RX, QKD_KIND_TAG);

	id_new(id);
	block_add(ring, 2, QKD_DIR_TX, QKD_KIND_TAG, id, bytes, sizeof(bytes));
	calling(nl, "block-tag", call_tag, id);
	calling(nl, "pool-set", call_pool_set, id);
	calling(nl, "keyring-get", call_ring, id);
	calling(nl, "block-void-now", call_void, id);
	strictly();
	new_namespaces();
	nl_close(nl);
	ns_enter(home);
	loading("ssn_crypt", step);
	loading("qkd_keyring", step);
	faults_end();
	return tap_done();
}
