// SPDX-License-Identifier: GPL-2.0
/*
 * Pads come in by add_key(2), each once, whole, in its own namespace, by those
 * who may; they never go out.
 */
#include "qkd_util.h"

#define ID	"550e8400-e29b-41d4-a716-446655440000"
#define USER	4321

static unsigned char bytes[1024 * 1024];

FIXTURE(keyring) {
	struct nl *nl;
	int ring;
};

FIXTURE_SETUP(keyring)
{
	fill_random(bytes, sizeof(bytes));
	keyctl_join_session_keyring(NULL);
	close(ns_new());
	self->nl = nl_open(false);
	self->ring = ring_serial(self->nl);
}

FIXTURE_TEARDOWN(keyring)
{
	nl_close(self->nl);
}

TEST_F(keyring, descriptions)
{
	struct nl *nl = self->nl;
	int ring = self->ring;
	static const char *const good[] = {
		"2:tx:payload:00000000-0000-4000-8000-000000000001",
		"2:rx:payload:00000000-0000-4000-8000-000000000002:0",
		"4294967295:tx:tag:00000000-0000-4000-8000-000000000003:7",
		"1:rx:tag:00000000-0000-4000-8000-000000000004:5",
		"0:local:payload:00000000-0000-4000-8000-000000000005",
		"2:tx:payload:00000000-0000-4000-8000-00000000abcd",
	};
	static const char *const bad[] = {
		"", ":", "::::", "2", "2:", "2:tx", "2:tx:", "2:tx:payload",
		"2:tx:payload:", "2:tx:payload::",
		"0:tx:payload:" ID, "0:rx:tag:" ID, "0:local:tag:" ID,
		"1:local:payload:" ID, "2:local:payload:" ID,
		"02:tx:payload:" ID, "+2:tx:payload:" ID, "-2:tx:payload:" ID,
		" 2:tx:payload:" ID, "2 :tx:payload:" ID, "0x2:tx:payload:" ID,
		"4294967296:tx:payload:" ID, "99999999999999:tx:payload:" ID,
		"2:TX:payload:" ID, "2:t:payload:" ID, "2:txx:payload:" ID,
		"2:tx:Payload:" ID, "2:tx:pay:" ID, "2:tx:tags:" ID,
		"2:tx:payload:550E8400-e29b-41d4-a716-446655440000",
		"2:tx:payload:550e8400e29b41d4a716446655440000",
		"2:tx:payload:550e8400-e29b-41d4-a716-44665544000",
		"2:tx:payload:550e8400-e29b-41d4-a716-4466554400000",
		"2:tx:payload:550e8400-e29b-41d4-a716-44665544000g",
		"2:tx:payload:{50e8400-e29b-41d4-a716-446655440000",
		"2:tx:payload:" ID ":", "2:tx:payload:" ID ":8",
		"2:tx:payload:" ID ":07", "2:tx:payload:" ID ":0x7",
		"2:tx:payload:" ID ":f", "2:tx:payload:" ID ":-1",
		"2:tx:payload:" ID ":100000000", "2:tx:payload:" ID ":7:",
		"2:tx:payload:" ID ":7:1", "2:tx:payload:" ID " ",
	};
	struct ring before, after;
	struct block block;
	qkd_id id = { [6] = 0x40, [8] = 0x80 };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		EXPECT_GT(add_key("qkd", good[i], bytes, UNIT, ring), 0)
			TH_LOG("taken: \"%s\"", good[i]);
	}
	ring_get(nl, -1, &before);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		EXPECT_EQ(EINVAL,
			  error_of(add_key("qkd", bad[i], bytes, UNIT, ring)))
			TH_LOG("refused: \"%s\"", bad[i]);
	}
	ring_get(nl, -1, &after);
	EXPECT_EQ(sizeof(bad) / sizeof(*bad),
		  after.refused[0] - before.refused[0])
		TH_LOG("each refusal is counted");

	id[15] = 3;
	block_get(nl, id, &block);
	EXPECT_TRUE(block.peer == 4294967295U && block.dir == QKD_DIR_TX &&
		    block.kind == QKD_KIND_TAG && block.provenance == 7 &&
		    block.state == QKD_BLOCK_STATE_LOADED &&
		    block.size == UNIT && block.usable == 0)
		TH_LOG("a block is what its description says");
	id[15] = 1;
	block_get(nl, id, &block);
	EXPECT_EQ(0, block.provenance)
		TH_LOG("no provenance is unknown provenance");
}

static int add_sized(int ring, int kind, size_t len)
{
	qkd_id id;

	id_new(id);
	return block_add(ring, 3, QKD_DIR_TX, kind, id, bytes, len);
}

TEST_F(keyring, sizes)
{
	struct nl *nl = self->nl;
	int ring = self->ring;
	static const size_t bad_payload[] = {
		1, 32, 2048, 4095, 4097, 8191, 1024 * 1024 - 1,
		1024 * 1024 - 2048,
	};
	static const size_t bad_tag[] = {
		1, 32, 64, 2047, 2049, 1024 * 1024 - 1,
	};
	struct ring before, after;
	struct pool pool;
	size_t i;

	ring_get(nl, -1, &before);
	for (i = 0; i < sizeof(bad_payload) / sizeof(size_t); i++) {
		EXPECT_EQ(EMSGSIZE,
			  error_of(add_sized(ring, QKD_KIND_PAYLOAD,
			  bad_payload[i])))
			TH_LOG("payload of %zu bytes", bad_payload[i]);
	}
	for (i = 0; i < sizeof(bad_tag) / sizeof(size_t); i++) {
		EXPECT_EQ(EMSGSIZE,
			  error_of(add_sized(ring, QKD_KIND_TAG, bad_tag[i])))
			TH_LOG("tag block of %zu bytes", bad_tag[i]);
	}
	EXPECT_LT(add_sized(ring, QKD_KIND_PAYLOAD, 0), 0)
		TH_LOG("no bytes at all");
	ring_get(nl, -1, &after);
	EXPECT_EQ(i + 8 + 1, after.refused[1] - before.refused[1])
		TH_LOG("each refusal is counted");
	EXPECT_EQ(before.loaded, after.loaded)
		TH_LOG("and loads nothing");

	EXPECT_GT(add_sized(ring, QKD_KIND_PAYLOAD, 255 * UNIT), 0)
		TH_LOG("largest payload block");
	EXPECT_GT(add_sized(ring, QKD_KIND_TAG, 511 * RUN), 0)
		TH_LOG("largest tag block");
	EXPECT_GT(add_sized(ring, QKD_KIND_TAG, RUN), 0)
		TH_LOG("smallest tag block");
	ring_get(nl, -1, &after);
	EXPECT_EQ(255 * UNIT + 512 * RUN, after.loaded - before.loaded)
		TH_LOG("loaded counts bytes");
	pool_get(nl, 3, QKD_DIR_TX, QKD_KIND_PAYLOAD, &pool);
	EXPECT_TRUE(pool.pending == 255 * UNIT && !pool.usable &&
		    pool.blocks == 1)
		TH_LOG("payload is pending");
	pool_get(nl, 3, QKD_DIR_TX, QKD_KIND_TAG, &pool);
	EXPECT_TRUE(pool.pending == 510 * RUN && !pool.usable &&
		    pool.blocks == 2)
		TH_LOG("tag runs are pending, but for the first of each block");
}

TEST_F(keyring, duplicates)
{
	struct nl *nl = self->nl;
	int ring = self->ring;
	struct ring before, after;
	int session, serial;
	qkd_id id;

	id_new(id);
	ring_get(nl, -1, &before);
	serial = block_add(ring, 4, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
			   UNIT);
	EXPECT_GT(serial, 0)
		TH_LOG("a block");
	EXPECT_EQ(EEXIST,
		  error_of(block_add(ring, 4, QKD_DIR_TX, QKD_KIND_PAYLOAD, id,
		  bytes, UNIT)))
		TH_LOG("the same again");
	EXPECT_EQ(EEXIST,
		  error_of(block_add(ring, 5, QKD_DIR_TX, QKD_KIND_PAYLOAD, id,
		  bytes, UNIT)))
		TH_LOG("its id for another peer");
	EXPECT_EQ(EEXIST,
		  error_of(block_add(ring, 4, QKD_DIR_RX, QKD_KIND_PAYLOAD, id,
		  bytes, UNIT)))
		TH_LOG("its id in the other direction");
	EXPECT_EQ(EEXIST,
		  error_of(block_add(ring, 4, QKD_DIR_TX, QKD_KIND_TAG, id,
		  bytes, UNIT)))
		TH_LOG("its id as a tag block");
	session = add_key("keyring", "qkd_keys", NULL, 0,
			  KEY_SPEC_SESSION_KEYRING);
	EXPECT_EQ(EEXIST,
		  error_of(block_add(session, 4, QKD_DIR_TX, QKD_KIND_PAYLOAD,
		  id, bytes, UNIT)))
		TH_LOG("its id in another keyring");
	EXPECT_EQ(0, keyctl_link(ring, KEY_SPEC_SESSION_KEYRING))
		TH_LOG("the keyring can be linked, so that its keys are possessed");
	EXPECT_LT(keyctl_update(serial, bytes, UNIT), 0)
		TH_LOG("a key is never updated");
	EXPECT_EQ(0, keyctl_unlink(serial, ring))
		TH_LOG("unlinked");
	EXPECT_TRUE(until((ring_get(nl, -1, &after), after.loaded ==
		    before.loaded), 10))
		TH_LOG("an unlinked block leaves memory");
	EXPECT_EQ(EEXIST,
		  error_of(block_add(ring, 4, QKD_DIR_TX, QKD_KIND_PAYLOAD, id,
		  bytes, UNIT)))
		TH_LOG("its id is never free again");
	ring_get(nl, -1, &after);
	EXPECT_GE(after.refused[2] - before.refused[2], 6)
		TH_LOG("refusals are counted");
}

TEST_F(keyring, nothing_goes_out)
{
	int ring = self->ring;
	char out[UNIT];
	qkd_id id;
	int key;

	ASSERT_EQ(0, keyctl_link(ring, KEY_SPEC_SESSION_KEYRING));
	id_new(id);
	key = block_add(ring, 6, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes, UNIT);
	EXPECT_GT(key, 0)
		TH_LOG("a block in a keyring that is possessed");
	EXPECT_EQ(EOPNOTSUPP, error_of(keyctl_read(key, out, sizeof(out))))
		TH_LOG("there is no reading it");
	keyctl_setperm(key, KEY_POS_ALL | KEY_USR_ALL);
	EXPECT_EQ(EOPNOTSUPP, error_of(keyctl_read(key, out, sizeof(out))))
		TH_LOG("nor with all permissions");
	EXPECT_LT(request_key("qkd", "2:tx:payload:" ID, "x", ring), 0)
		TH_LOG("there is no asking user space for one");
	EXPECT_EQ(EPERM, error_of(add_key("user", "qkd_keys", "x", 1, ring)))
		TH_LOG("the keyring takes no other keys");
}

TEST_F(keyring, other_namespaces)
{
	int a, b, ring_a, ring_b, key;
	struct ring before, after;
	struct nl *nl_a, *nl_b;
	qkd_id id;

	a = ns_new();
	nl_a = nl_open(false);
	ring_a = ring_serial(nl_a);
	b = ns_new();
	nl_b = nl_open(false);
	ring_b = ring_serial(nl_b);
	EXPECT_NE(ring_b, ring_a)
		TH_LOG("each namespace has its keyring");

	ring_get(nl_b, -1, &before);
	id_new(id);
	EXPECT_EQ(EXDEV,
		  error_of(block_add(ring_a, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD,
		  id, bytes, UNIT)))
		TH_LOG("not into another namespace's keyring");
	ring_get(nl_b, -1, &after);
	EXPECT_EQ(1, after.refused[3] - before.refused[3])
		TH_LOG("which is counted");
	EXPECT_EQ(before.loaded, after.loaded)
		TH_LOG("and loads nothing");
	key = block_add(ring_b, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
			UNIT);
	EXPECT_GT(key, 0)
		TH_LOG("but into one's own, and the id is still free");
	keyctl_link(ring_a, KEY_SPEC_SESSION_KEYRING);
	keyctl_link(ring_b, KEY_SPEC_SESSION_KEYRING);
	EXPECT_EQ(EXDEV, error_of(keyctl_link(key, ring_a)))
		TH_LOG("nor by linking it there afterwards");
	ns_enter(a);
	EXPECT_GT(block_add(ring_a, 2, QKD_DIR_TX, QKD_KIND_PAYLOAD, id, bytes,
		  UNIT), 0)
		TH_LOG("ids are of a namespace");
	EXPECT_EQ(ENOENT,
		  error_of(block_get(nl_a, (qkd_id){ 1 }, &(struct block){})))
		TH_LOG("no such block: \"%s\"", nl_text);
	EXPECT_TRUE(ring_get(nl_a, b, &after) == 0 && after.serial == ring_b)
		TH_LOG("keyring-get by the namespace's descriptor");
	EXPECT_EQ(EINVAL, error_of(ring_get(nl_a, 0, &after)))
		TH_LOG("keyring-get by another descriptor: \"%s\"", nl_text);
	keyctl_unlink(ring_a, KEY_SPEC_SESSION_KEYRING);
	keyctl_unlink(ring_b, KEY_SPEC_SESSION_KEYRING);
	nl_close(nl_a);
	nl_close(nl_b);
	close(a);
	close(b);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		bail("%s: %s", path, strerror(errno));
	close(fd);
}

/* Adds blocks as a user; how many went in, and the errno that ended it. */
static int as_user(int ring, int tries, size_t len, int *err)
{
	int pipes[2], result[2] = { 0, 0 }, status;
	pid_t pid;

	if (pipe(pipes))
		bail("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		qkd_id id;

		if (setgid(USER) || setuid(USER))
			_exit(2);
		while (result[0] < tries) {
			id_new(id);
			if (block_add(ring, 7, QKD_DIR_RX, QKD_KIND_PAYLOAD, id,
				      bytes, len) < 0) {
				result[1] = errno;
				break;
			}
			result[0]++;
		}
		if (write(pipes[1], result, sizeof(result)) < 0)
			_exit(3);
		_exit(0);
	}
	if (read(pipes[0], result, sizeof(result)) != sizeof(result))
		bail("the user's process died");
	waitpid(pid, &status, 0);
	close(pipes[0]);
	close(pipes[1]);
	*err = result[1];
	return result[0];
}

TEST_F(keyring, users)
{
	struct nl *nl = self->nl;
	int ring = self->ring;
	struct ring before, after;
	int err;

	EXPECT_EQ(0, as_user(ring, 1, UNIT, &err))
		TH_LOG("a user adds no block");
	EXPECT_EQ(EACCES, err)
		TH_LOG("to a keyring that is not of his group");
	keyctl_chown(ring, -1, USER);
	ring_get(nl, -1, &before);
	EXPECT_EQ(0, as_user(ring, 1, UNIT, &err))
		TH_LOG("nor to one that is");
	EXPECT_EQ(EPERM, err)
		TH_LOG("without a ceiling");
	ring_get(nl, -1, &after);
	EXPECT_EQ(1, after.refused[3] - before.refused[3])
		TH_LOG("which is counted");

	EXPECT_EQ(0, ceiling_set(nl, -1, 8 * UNIT))
		TH_LOG("a ceiling of 8 units");
	EXPECT_EQ(8, as_user(ring, 9, UNIT, &err))
		TH_LOG("8 units go in");
	EXPECT_EQ(EDQUOT, err)
		TH_LOG("and not one more");
	ring_get(nl, -1, &after);
	EXPECT_EQ(1, after.refused[4])
		TH_LOG("which is counted");
	EXPECT_EQ(8 * UNIT, after.ceiling)
		TH_LOG("the ceiling can be read");
	EXPECT_EQ(0, keyctl_clear(ring))
		TH_LOG("root clears the keyring");
	EXPECT_TRUE(until((ring_get(nl, -1, &after), !after.loaded), 10))
		TH_LOG("nothing is loaded any more");
	EXPECT_EQ(0, as_user(ring, 1, 9 * UNIT, &err))
		TH_LOG("9 units in one block");
	EXPECT_EQ(EDQUOT, err)
		TH_LOG("are above it too");
	EXPECT_EQ(1, as_user(ring, 1, 8 * UNIT, &err))
		TH_LOG("8 fit again");

	/* What the package sets for the key agent's user. */
	write_file("/proc/sys/kernel/keys/maxkeys", "4000");
	write_file("/proc/sys/kernel/keys/maxbytes", "400000");
	ceiling_set(nl, -1, 3000ULL * UNIT);
	EXPECT_EQ(2000, as_user(ring, 2000, UNIT, &err))
		TH_LOG("a user loads 2,000 blocks");
	EXPECT_EQ(0, err)
		TH_LOG("without any error");
	ring_get(nl, -1, &after);
	EXPECT_EQ(2008 * UNIT, after.loaded)
		TH_LOG("2,008 units are loaded");

	ceiling_set(nl, -1, 0);
	EXPECT_EQ(0, as_user(ring, 1, UNIT, &err))
		TH_LOG("the ceiling is taken away");
	EXPECT_EQ(EPERM, err)
		TH_LOG("and with it the permission");
	keyctl_clear(ring);
	EXPECT_TRUE(until((ring_get(nl, -1, &after), !after.loaded), 30))
		TH_LOG("all is unloaded");
}

#define BLOCKS	1000

struct count {
	int n, dup;
	unsigned char seen[BLOCKS];
};

static int count_cb(const struct nlmsghdr *nlh, void *data)
{
	struct count *count = data;
	struct block block = {};

	block_cb(nlh, &block);
	count->n++;
	if (block.id[15] + 256 * block.id[14] < BLOCKS)
		count->dup += count->seen[block.id[15] + 256 * block.id[14]]++;
	return MNL_CB_OK;
}

/* More blocks than fit one message, in several pools. */
TEST_F(keyring, dumps)
{
	int home = ns_here(), ring, i;
	struct count count = {}, pools = {};
	qkd_id id = { 9 };
	char buf[1024];
	struct nl *nl;

	close(ns_new());
	nl = nl_open(false);
	ring = ring_serial(nl);
	for (i = 0; i < BLOCKS; i++) {
		id[15] = i;
		id[14] = i / 256;
		if (block_add(ring, 1 + i % 3, i % 2, i / 2 % 2, id, bytes,
			      UNIT) < 0)
			bail("block %d: %s", i, strerror(errno));
	}
	EXPECT_EQ(0,
		  nl_talk(nl, nl_start(nl, buf, nl->family, QKD_CMD_BLOCK_GET,
		  NLM_F_DUMP), count_cb, &count))
		TH_LOG("all blocks are dumped");
	EXPECT_EQ(BLOCKS, count.n)
		TH_LOG("each");
	EXPECT_EQ(0, count.dup)
		TH_LOG("once");
	EXPECT_EQ(0,
		  nl_talk(nl, nl_start(nl, buf, nl->family, QKD_CMD_POOL_GET,
		  NLM_F_DUMP), count_cb, &pools))
		TH_LOG("all pools are dumped");
	EXPECT_EQ(12, pools.n)
		TH_LOG("twelve pools");
	nl_close(nl);
	ns_enter(home);
	close(home);
}

TEST_F(keyring, bad_netlink)
{
	struct nl *nl = self->nl;
	static unsigned char sixteen[16];
	struct nlmsghdr *nlh;
	char buf[1024];

	EXPECT_EQ(EINVAL,
		  error_of(pool_get(nl, 0, QKD_DIR_TX, 0, &(struct pool){})))
		TH_LOG("peer 0: \"%s\"", nl_text);
	EXPECT_EQ(EINVAL,
		  error_of(pool_get(nl, 1, QKD_DIR_LOCAL, 0, &(struct pool){})))
		TH_LOG("a local pool of a peer: \"%s\"", nl_text);
	EXPECT_EQ(EINVAL,
		  error_of(pool_get(nl, 0, QKD_DIR_LOCAL, 1, &(struct pool){})))
		TH_LOG("a local tag pool: \"%s\"", nl_text);
	EXPECT_LT(pool_get(nl, 1, 3, 0, &(struct pool){}), 0)
		TH_LOG("direction 3: \"%s\"", nl_text);
	EXPECT_LT(pool_get(nl, 1, 0, 2, &(struct pool){}), 0)
		TH_LOG("kind 2: \"%s\"", nl_text);
	EXPECT_EQ(ENOENT, error_of(pool_get(nl, 999, 0, 0, &(struct pool){})))
		TH_LOG("no such pool: \"%s\"", nl_text);
	nlh = nl_start(nl, buf, nl->family, QKD_CMD_POOL_GET, NLM_F_ACK);
	EXPECT_EQ(EINVAL, error_of(nl_talk(nl, nlh, NULL, NULL)))
		TH_LOG("pool-get of nothing: \"%s\"", nl_text);
	nlh = nl_start(nl, buf, nl->family, QKD_CMD_BLOCK_TAG, NLM_F_ACK);
	EXPECT_EQ(EINVAL, error_of(nl_talk(nl, nlh, NULL, NULL)))
		TH_LOG("block-tag of nothing: \"%s\"", nl_text);
	nlh = nl_start(nl, buf, nl->family, QKD_CMD_BLOCK_GET, NLM_F_ACK);
	mnl_attr_put(nlh, QKD_A_BLOCK_ID, 15, sixteen);
	EXPECT_LT(nl_talk(nl, nlh, NULL, NULL), 0)
		TH_LOG("an id of 15 bytes: \"%s\"", nl_text);
	nlh = nl_start(nl, buf, nl->family, QKD_CMD_BLOCK_CONFIRM, NLM_F_ACK);
	mnl_attr_put(nlh, QKD_A_BLOCK_ID, 16, sixteen);
	EXPECT_EQ(EINVAL, error_of(nl_talk(nl, nlh, NULL, NULL)))
		TH_LOG("block-confirm without a tag: \"%s\"", nl_text);
	nlh = nl_start(nl, buf, nl->family, QKD_CMD_CEILING_SET, NLM_F_ACK);
	EXPECT_EQ(EINVAL, error_of(nl_talk(nl, nlh, NULL, NULL)))
		TH_LOG("ceiling-set without a ceiling: \"%s\"", nl_text);
}

/* Any message at all: refused or done, and the kernel goes on. */
TEST_F(keyring, garbage)
{
	struct nl *nl = self->nl;
	unsigned char junk[256];
	struct nlmsghdr *nlh;
	char buf[4096];
	int i, j, len, refused = 0;

	srand(1);
	for (i = 0; i < 5000; i++) {
		fill_random(junk, sizeof(junk));
		nlh = nl_start(nl, buf, nl->family,
			       rand() % (QKD_CMD_MAX + 2),
			       rand() % 4 ? NLM_F_ACK : NLM_F_DUMP | NLM_F_ACK);
		for (j = rand() % 8; j; j--) {
			len = rand() % 3 ? (4 << rand() % 3) : rand() % 64;
			if (rand() % 2)
				memset(junk, 0, 4);
			mnl_attr_put(nlh, rand() % 18, len, junk);
		}
		if (!(rand() % 8)) {
			len = rand() % 32;
			memcpy(mnl_nlmsg_get_payload_tail(nlh), junk, len);
			nlh->nlmsg_len += len;
		}
		refused += nl_talk(nl, nlh, NULL, NULL) < 0;
	}
	EXPECT_GT(refused, 1000)
		TH_LOG("%d of 5000 random messages are refused", refused);
}

TEST_HARNESS_MAIN
