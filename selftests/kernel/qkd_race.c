// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once for some seconds: blocks come, are confirmed, leased,
 * voided, revoked and listed, namespaces come and go. Afterwards the books
 * must balance. The kernel's own checks (KASAN, lockdep) see the rest; real
 * races between CPUs need the kernel with two.
 *
 * timeout: 180
 */
#include "qkd_util.h"

#define SECONDS	6

static struct nl *nl;
static int ring;

static int box_run(int fd, const char *fmt, uint32_t a, uint32_t b)
{
	char line[128];

	snprintf(line, sizeof(line), fmt, a, b);
	return write(fd, line, strlen(line)) < 0 ? -1 : 0;
}

/* Loads and confirms blocks to send with. */
static void loader(double end)
{
	unsigned char bytes[8 * UNIT], slots[40 * RUN];
	uint32_t slot = 0, used = 0;
	qkd_id id, tags[2];
	int dir;

	fill_random(bytes, sizeof(bytes));
	while (now() < end) {
		if (slot == used) {
			fill_random(slots, sizeof(slots));
			for (dir = 0; dir < 2; dir++) {
				id_new(tags[dir]);
				block_add(ring, 2, dir, QKD_KIND_TAG, tags[dir],
					  slots, sizeof(slots));
				tag_block_confirm(nl, dir, tags[dir], slots,
						  sizeof(slots));
			}
			slot = 2;
			used = 62;
		}
		id_new(id);
		block_add(ring, 2, slot % 2, QKD_KIND_PAYLOAD, id, bytes,
			  sizeof(bytes));
		/* somebody may have ended the tag blocks: then others */
		if (payload_confirm(nl, slot % 2, id, bytes, sizeof(bytes),
				    tags[1], slots, slot) &&
		    errno != EKEYREVOKED)
			slot = used;
		else
			slot++;
	}
}

static void taker(double end, uint32_t seed)
{
	int fd = open("/proc/qkd_lease_test", O_RDWR), i;

	srand(seed);
	while (now() < end) {
		i = rand() % 16;
		box_run(fd, "take %u 2 0 %u", i, 1 + rand() % 4);
		box_run(fd, "spend %u %u", i, rand() % 5000);
		box_run(fd, "release %u", rand() % 16, 0);
		box_run(fd, "take %u 2 1 1", rand() % 16, 0);
		if (!(rand() % 64))
			box_run(fd, "wait 2 %u %u", rand() % 2, rand() % 2);
		if (!(rand() % 64))
			box_run(fd, "unwait", 0, 0);
		box_run(fd, "local %u", rand() % 3000, 0);
	}
	close(fd);
}

struct victims {
	int n;
	struct block block[256];
};

static int victims_cb(const struct nlmsghdr *nlh, void *data)
{
	struct victims *v = data;

	if (v->n < 256)
		block_cb(nlh, &v->block[v->n++]);
	return MNL_CB_OK;
}

/* Ends blocks in every way there is, and claims of them before. */
static void killer(double end)
{
	int fd = open("/proc/qkd_lease_test", O_RDWR), i;
	struct confirmation c;
	char buf[1024], line[128], text[UUID_TEXT];
	unsigned char bytes[UNIT] = { 1 };
	struct victims v;
	struct block *b;
	qkd_id id;

	srand(7);
	while (now() < end) {
		v.n = 0;
		nl_talk(nl, nl_start(nl, buf, nl->family, QKD_CMD_BLOCK_GET,
				     NLM_F_DUMP), victims_cb, &v);
		for (i = 0; i < 8 && v.n; i++) {
			b = &v.block[rand() % v.n];
			snprintf(line, sizeof(line), "claim %d 2 %u %s %u %u",
				 rand() % 16, b->kind, id_text(b->id, text),
				 rand() % 8, 1 + rand() % 3);
			if (write(fd, line, strlen(line)) < 0)
				box_run(fd, "release %u", rand() % 16, 0);
			switch (rand() % 5) {
			case 0:
				block_void_now(nl, b->id);
				break;
			case 1:
				keyctl_revoke(b->serial);
				break;
			case 2:
				keyctl_unlink(b->serial, ring);
				break;
			case 3:
				keyctl_invalidate(b->serial);
				break;
			case 4:
				block_tag(nl, b->id, &c);
				break;
			}
		}
		id_new(id);
		block_add(ring, 0, QKD_DIR_LOCAL, QKD_KIND_PAYLOAD, id, buf, 0);
		keyctl_unlink(block_add(ring, 0, QKD_DIR_LOCAL,
					QKD_KIND_PAYLOAD, id,
					bytes, sizeof(bytes)),
			      rand() % 2 ? ring : KEY_SPEC_SESSION_KEYRING);
	}
	close(fd);
}

static void namespacer(double end)
{
	unsigned char bytes[UNIT];
	int home = ns_here(), fd, i;
	struct nl *own;
	qkd_id id;

	fill_random(bytes, sizeof(bytes));
	while (now() < end) {
		close(ns_new());
		own = nl_open(true);
		for (i = 0; i < 4; i++) {
			id_new(id);
			block_add(ring_serial(own), 0, QKD_DIR_LOCAL,
				  QKD_KIND_PAYLOAD, id, bytes, UNIT);
		}
		fd = open("/proc/qkd_lease_test", O_RDWR);
		box_run(fd, "local 5000", 0, 0);
		close(fd);
		nl_close(own);
		ns_enter(home);
	}
}

TEST(all_at_once)
{
	int home = ns_here(), i, status, died = 0, dir, kind;
	struct ring info;
	struct pool pool;
	double end;

	if (module_load("qkd_lease_test"))
		bail("loading qkd_lease_test: %s", strerror(errno));
	keyctl_join_session_keyring(NULL);
	close(ns_new());
	nl = nl_open(false);
	ring = ring_serial(nl);
	keyctl_link(ring, KEY_SPEC_SESSION_KEYRING);
	pool_set(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, 16 * UNIT);

	end = now() + SECONDS;
	for (i = 0; i < 6; i++) {
		if (fork())
			continue;
		nl_close(nl);
		nl = nl_open(true);
		mnl_socket_setsockopt(nl->sock, NETLINK_NO_ENOBUFS, &(int){ 1 },
				      sizeof(int));
		nl_close(nl);
		nl = nl_open(false);
		if (i < 2)
			loader(end);
		else if (i < 4)
			taker(end, i);
		else if (i == 4)
			killer(end);
		else
			namespacer(end);
		_exit(0);
	}
	while (wait(&status) > 0)
		died += !!status;
	EXPECT_EQ(0, died)
		TH_LOG("all at once for %d seconds", SECONDS);

	pool_get(nl, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, &pool);
	EXPECT_TRUE(pool.spent > 0 && pool.voided > 0)
		TH_LOG("something was done");
	keyctl_clear(ring);
	EXPECT_TRUE(until((ring_get(nl, -1, &info), !info.loaded), 30))
		TH_LOG("nothing is loaded after that");
	for (dir = 0; dir < 2; dir++)
		for (kind = 0; kind < 2; kind++) {
			pool_get(nl, 2, dir, kind, &pool);
			EXPECT_TRUE(!pool.usable && !pool.pending &&
				    !pool.leased && !pool.blocks)
				TH_LOG("%s %s: the books balance",
				       dir_name[dir], kind_name[kind]);
		}
	nl_close(nl);
	ns_enter(home);
	EXPECT_EQ(0, module_unload("qkd_lease_test"))
		TH_LOG("nobody holds anything");
}

TEST_HARNESS_MAIN
