// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation fails once: the call says so, nothing leaks, and the same
 * call works afterwards. Of those of loading the modules every 10th; with
 * FAULT_STEP=1 in the environment every one.
 *
 * kernels: uml-debug
 * timeout: 240
 */
#include "fault_util.h"

#define PEER	7

static unsigned char bytes[4 * UNIT];
static struct nl *nl;
static int ring, box;
static qkd_id id;
static unsigned char slots[2 * RUN];
static uint32_t stranger = 10000;

FIXTURE(faults) {
};

FIXTURE_SETUP(faults)
{
	if (!faults_begin())
		SKIP(return, "this kernel injects no faults");
	fill_random(bytes, sizeof(bytes));
	close(ns_new());
	nl = nl_open(false);
	ring = ring_serial(nl);
}

FIXTURE_TEARDOWN(faults)
{
	nl_close(nl);
	faults_end();
}

static void adding(struct __test_metadata *_metadata, int dir, int kind)
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
	EXPECT_GE(failed, 5)
		TH_LOG("%s %s: %d allocations of add_key failed", dir_name[dir],
		       kind_name[kind], failed);
	if (key < 0)
		key = add_key("qkd", desc, bytes, sizeof(bytes), ring);
	EXPECT_GE(key, 0)
		TH_LOG("after that it works, with the same id");
}

TEST_F(faults, add_key)
{
	adding(_metadata, QKD_DIR_TX, QKD_KIND_PAYLOAD);
	adding(_metadata, QKD_DIR_RX, QKD_KIND_PAYLOAD);
	adding(_metadata, QKD_DIR_TX, QKD_KIND_TAG);
	adding(_metadata, QKD_DIR_RX, QKD_KIND_TAG);
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
static void calling(struct __test_metadata *_metadata, const char *name,
		    call_fn call)
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
	EXPECT_GT(failed, 0)
		TH_LOG("%s: %d allocations failed", name, failed);
	if (err)
		err = call(nl, id);
	EXPECT_TRUE(!err || errno == ENOENT)
		TH_LOG("and it works: %s", err ? strerror(errno) : "done");
}

TEST_F(faults, netlink)
{
	id_new(id);
	block_add(ring, 2, QKD_DIR_TX, QKD_KIND_TAG, id, bytes, sizeof(bytes));
	calling(_metadata, "block-tag", call_tag);
	calling(_metadata, "pool-set", call_pool_set);
	calling(_metadata, "keyring-get", call_ring);
	calling(_metadata, "block-void-now", call_void);
}

/* --- only what the module asks for: then each error has to be the right one */

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

TEST_F(faults, strictly)
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

	if (module_load("qkd_lease_test"))
		bail("loading qkd_lease_test: %s", strerror(errno));
	box = open("/proc/qkd_lease_test", O_RDWR | O_CLOEXEC);
	fill_random(slots, sizeof(slots));
	faults_in("qkd_keyring");
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		each(_metadata, &steps[i]);
	faults_in(NULL);
	close(box);
	EXPECT_EQ(0, module_unload("qkd_lease_test"))
		TH_LOG("nobody holds anything");
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
TEST_F(faults, new_namespaces)
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
	EXPECT_GT(last, 20)
		TH_LOG("%d of the last 120 allocations of a namespace failed",
		       last);
	EXPECT_EQ(0, fails_at(high + 100, home, &failed))
		TH_LOG("a namespace is made after %d", low);
	close(home);
}

/* Loads a module, the @n-th allocation failing; whether there is one. */
static bool load_fails_at(const char *name, int n, int *failed)
{
	char path[4096];
	bool hit;
	int fd, err;

	module_path(name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	arm(n);
	err = syscall(SYS_finit_module, fd, "", 0);
	hit = disarm();
	close(fd);
	*failed += !!err;
	if (!err && module_unload(name))
		bail("unloading %s: %s", name, strerror(errno));
	return hit;
}

/* The first allocations are the loader's, the last the module's own. */
static void loading(struct __test_metadata *_metadata, const char *name)
{
	int low = 1, high = 2, middle, failed = 0, other = 0;
	int step = setting("FAULT_STEP", 10);

	if (module_unload(name))
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
	EXPECT_GT(failed, 5)
		TH_LOG("%s: loading failed %d times", name, failed);
	EXPECT_TRUE(!load_fails_at(name, high + 100, &other) && !other)
		TH_LOG("after that it loads");
}

TEST(load_modules)
{
	if (!faults_begin())
		SKIP(return, "this kernel injects no faults");
	loading(_metadata, "ssn_crypt");
	loading(_metadata, "qkd_keyring");
	faults_end();
	EXPECT_EQ(0, module_load("qkd_keyring"));
	EXPECT_EQ(0, module_load("ssn_crypt"));
}

TEST_HARNESS_MAIN
