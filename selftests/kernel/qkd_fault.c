// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation fails once: the call says so, nothing leaks, and the same
 * call works afterwards.
 *
 * kernels: uml-debug
 */
#include "qkd_util.h"

static unsigned char bytes[4 * UNIT];
static int fail_nth = -1;

/* Lets the @n-th allocation of the next system call fail. */
static void arm(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	if (pwrite(fail_nth, text, strlen(text), 0) < 0)
		bail("fail-nth: %s", strerror(errno));
}

/* Whether it did; if not, the fault may hit what is done here to find out. */
static bool disarm(void)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0)
		return false;
	if (pwrite(fail_nth, "0", 1, 0) < 0)
		return false;
	return atoi(text) == 0;
}

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

/* Also the allocations that may sleep, which are nearly all. */
static void sleeping_too(const char *yes)
{
	int fd = open("/sys/kernel/debug/failslab/ignore-gfp-wait", O_WRONLY);

	if (fd < 0 || write(fd, yes, 1) != 1)
		skip_all("no /sys/kernel/debug/failslab");
	close(fd);
}

int main(void)
{
	int home = ns_here(), ring;
	struct nl *nl;
	qkd_id id;

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (fail_nth < 0)
		skip_all("this kernel injects no faults");
	sleeping_too("N");
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
	new_namespaces();
	nl_close(nl);
	ns_enter(home);
	sleeping_too("Y");
	return tap_done();
}
