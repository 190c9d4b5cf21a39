// SPDX-License-Identifier: GPL-2.0
/*
 * For tests only: what include/linux/qkd_keyring.h offers inside the kernel, for
 * a program that writes commands to /proc/qkd_lease_test. Each open file has
 * its own leases, numbered 0 to 15, and acts in the namespace of its opener.
 * Pads are shown here, which is what must never happen elsewhere.
 *
 *	take LEASE PEER KIND UNITS	claim LEASE PEER KIND ID FIRST UNITS
 *	release LEASE			spend LEASE BYTES
 *	show LEASE			bytes LEASE POS LEN
 *	watch LEASE			watched POS LEN
 *	peek PEER ID SLOT		local LEN
 *	level PEER DIR KIND		wait PEER DIR KIND
 *	told				unwait
 *
 * A write gives the command's error; a read then gives its answer. "watch"
 * remembers where a lease's bytes are, "watched" shows them after its release,
 * which is good only while another lease keeps the block in memory. Its POS may
 * be negative, to look at the units before.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/proc_fs.h>
#include <linux/qkd_keyring.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#define LEASES	16
#define ANSWER	8192

struct session {
	struct mutex		lock;
	struct net		*net;
	struct qkd_lease	leases[LEASES];
	const u8		*watched;
	struct qkd_pool		*waiting;
	struct qkd_waiter	waiter;
	atomic_t		told;
	size_t			len;
	char			answer[ANSWER];
};

static void put_hex(struct session *s, const u8 *bytes, size_t len)
{
	len = min_t(size_t, len, (ANSWER - 1) / 2);
	bin2hex(s->answer, bytes, len);
	s->len = 2 * len;
}

static void told(struct qkd_waiter *w)
{
	atomic_inc(&container_of(w, struct session, waiter)->told);
}

static void unwait(struct session *s)
{
	if (!s->waiting)
		return;
	qkd_pool_unwait(s->waiting, &s->waiter);
	qkd_pool_put(s->waiting);
	s->waiting = NULL;
}

static int do_take(struct session *s, u32 n, u32 peer, u32 kind, u32 units)
{
	struct qkd_pool *pool;
	int err;

	pool = qkd_pool_get(s->net, peer, QKD_DIR_TX, kind, GFP_KERNEL);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = qkd_lease_take(pool, units, &s->leases[n]);
	qkd_pool_put(pool);
	return err;
}

static int do_claim(struct session *s, u32 n, u32 peer, u32 kind,
		    const uuid_t *id, u32 first, u32 units)
{
	struct qkd_pool *pool;
	int err;

	pool = qkd_pool_get(s->net, peer, QKD_DIR_RX, kind, GFP_KERNEL);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = qkd_lease_claim(pool, id, first, units, &s->leases[n]);
	qkd_pool_put(pool);
	return err;
}

static int do_peek(struct session *s, u32 peer, const uuid_t *id, u32 slot)
{
	struct qkd_pool *pool;
	u8 key[QKD_SLOT];
	int err;

	pool = qkd_pool_get(s->net, peer, QKD_DIR_RX, QKD_KIND_TAG, GFP_KERNEL);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = qkd_slot_peek(pool, id, slot, key);
	qkd_pool_put(pool);
	if (!err)
		put_hex(s, key, sizeof(key));
	return err;
}

static int do_local(struct session *s, u32 len)
{
	u8 *buf;
	int err;

	if (len > 1024 * 1024)
		return -E2BIG;
	buf = kvzalloc(len, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	err = qkd_local_read(s->net, buf, len);
	if (!err)
		put_hex(s, buf, len);
	kvfree(buf);
	return err;
}

static int do_level(struct session *s, u32 peer, u32 dir, u32 kind)
{
	struct qkd_pool_level level;
	struct qkd_pool *pool;

	pool = qkd_pool_get(s->net, peer, dir, kind, GFP_KERNEL);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	qkd_pool_level(pool, &level);
	qkd_pool_put(pool);
	s->len = scnprintf(s->answer, ANSWER, "%llu %llu %llu", level.usable,
			   level.pending, level.largest);
	return 0;
}

static int do_wait(struct session *s, u32 peer, u32 dir, u32 kind)
{
	struct qkd_pool *pool;

	unwait(s);
	pool = qkd_pool_get(s->net, peer, dir, kind, GFP_KERNEL);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	atomic_set(&s->told, 0);
	s->waiter.fn = told;
	s->waiting = pool;
	qkd_pool_wait(pool, &s->waiter);
	return 0;
}

static int do_bytes(struct session *s, u32 n, u32 pos, u32 len)
{
	u8 *bytes = qkd_lease_bytes(&s->leases[n], pos, len);

	if (!bytes)
		return -ERANGE;
	put_hex(s, bytes, len);
	return 0;
}

static int do_show(struct session *s, u32 n)
{
	struct qkd_lease *lease = &s->leases[n];

	if (!lease->block)
		return -ENODATA;
	s->len = scnprintf(s->answer, ANSWER, "%pUb %u %u %u %u %u %u",
			   qkd_lease_id(lease), lease->first, lease->units,
			   lease->len, lease->pos, qkd_lease_dead(lease),
			   qkd_lease_provenance(lease));
	return 0;
}

/* The commands on one lease that is held. */
static int lease_command(struct session *s, const char *line, u32 n, u32 a)
{
	struct qkd_lease *lease = &s->leases[n];

	if (!lease->block)
		return -ENODATA;
	if (!strncmp(line, "spend ", 6)) {
		if (a > lease->len - lease->pos)
			return -ERANGE;
		qkd_lease_spend(lease, a);
	} else {
		s->watched = qkd_lease_bytes(lease, lease->pos, 0);
	}
	return 0;
}

static int run(struct session *s, const char *line)
{
	char text[UUID_STRING_LEN + 1];
	u32 n = 0, a, b, c, d;
	uuid_t id;
	int from;

	if (sscanf(line, "take %u %u %u %u", &n, &a, &b, &c) == 4)
		return n < LEASES && !s->leases[n].block ?
		       do_take(s, n, a, b, c) : -EBADSLT;
	if (sscanf(line, "claim %u %u %u %36s %u %u", &n, &a, &b, text, &c,
		   &d) == 6)
		return n < LEASES && !s->leases[n].block &&
		       !uuid_parse(text, &id) ?
		       do_claim(s, n, a, b, &id, c, d) : -EBADSLT;
	if (sscanf(line, "peek %u %36s %u", &a, text, &b) == 3)
		return uuid_parse(text, &id) ?: do_peek(s, a, &id, b);
	if (sscanf(line, "local %u", &a) == 1)
		return do_local(s, a);
	if (sscanf(line, "level %u %u %u", &a, &b, &c) == 3)
		return do_level(s, a, b, c);
	if (sscanf(line, "wait %u %u %u", &a, &b, &c) == 3)
		return do_wait(s, a, b, c);
	if (sscanf(line, "watched %d %u", &from, &b) == 2) {
		put_hex(s, s->watched + from, b);
		return 0;
	}
	if (!strcmp(line, "told")) {
		s->len = scnprintf(s->answer, ANSWER, "%d",
				   atomic_read(&s->told));
		return 0;
	}
	if (!strcmp(line, "unwait")) {
		unwait(s);
		return 0;
	}
	if (sscanf(line, "bytes %u %u %u", &n, &a, &b) == 3)
		return n < LEASES ? do_bytes(s, n, a, b) : -EBADSLT;
	if (sscanf(line, "show %u", &n) == 1)
		return n < LEASES ? do_show(s, n) : -EBADSLT;
	if (sscanf(line, "spend %u %u", &n, &a) == 2 ||
	    sscanf(line, "watch %u", &n) == 1)
		return n < LEASES ? lease_command(s, line, n, a) : -EBADSLT;
	if (sscanf(line, "release %u", &n) == 1) {
		if (n >= LEASES)
			return -EBADSLT;
		qkd_lease_release(&s->leases[n]);
		return 0;
	}
	return -EOPNOTSUPP;
}

static ssize_t session_write(struct file *file, const char __user *buf,
			     size_t len, loff_t *pos)
{
	struct session *s = file->private_data;
	char line[128];
	int err;

	if (len >= sizeof(line))
		return -E2BIG;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	mutex_lock(&s->lock);
	s->len = 0;
	err = run(s, line);
	mutex_unlock(&s->lock);
	return err ?: len;
}

static ssize_t session_read(struct file *file, char __user *buf, size_t len,
			    loff_t *pos)
{
	struct session *s = file->private_data;
	loff_t from = 0;
	ssize_t n;

	mutex_lock(&s->lock);
	n = simple_read_from_buffer(buf, len, &from, s->answer, s->len);
	mutex_unlock(&s->lock);
	return n;
}

/*
 * It holds no reference on its namespace: a test may close the namespace while
 * leases are held, and then only releases them.
 */
static int session_open(struct inode *inode, struct file *file)
{
	struct session *s;

	s = kvzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	mutex_init(&s->lock);
	s->net = current->nsproxy->net_ns;
	file->private_data = s;
	return 0;
}

static int session_release(struct inode *inode, struct file *file)
{
	struct session *s = file->private_data;
	int i;

	unwait(s);
	for (i = 0; i < LEASES; i++)
		qkd_lease_release(&s->leases[i]);
	kvfree_sensitive(s, sizeof(*s));
	return 0;
}

static const struct proc_ops session_ops = {
	.proc_open	= session_open,
	.proc_read	= session_read,
	.proc_write	= session_write,
	.proc_release	= session_release,
};

static int __init qkd_lease_test_init(void)
{
	return proc_create("qkd_lease_test", 0600, NULL, &session_ops) ?
	       0 : -ENOMEM;
}

static void __exit qkd_lease_test_exit(void)
{
	remove_proc_entry("qkd_lease_test", NULL);
}

module_init(qkd_lease_test_init);
module_exit(qkd_lease_test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("For tests only: leases of qkd_keyring in user hands");
