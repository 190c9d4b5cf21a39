// SPDX-License-Identifier: GPL-2.0
/* Options of share sockets, level SOL_SSN. */
#include <linux/slab.h>
#include <linux/sockptr.h>
#include <linux/uaccess.h>
#include <net/sock.h>
#include "conn.h"
#include "group.h"
#include "share.h"

/**
 * share_local_drop - let go of the pool "local"
 * @ss:	share socket, locked
 *
 * May sleep. The waiter does not run any more when this returns.
 */
void share_local_drop(struct share_sock *ss)
{
	if (!ss->local)
		return;
	qkd_pool_unwait(ss->local, &ss->local_waiter);
	qkd_pool_put(ss->local);
	ss->local = NULL;
}

static int set_coeff(struct share_sock *ss, int coeff)
{
	struct qkd_pool *pool;

	switch (coeff) {
	case SSN_COEFF_LOCAL:
		if (ss->local)
			return 0;
		pool = qkd_pool_get(sock_net(&ss->sk), 0, QKD_DIR_LOCAL,
				    QKD_KIND_PAYLOAD, GFP_KERNEL_ACCOUNT);
		if (IS_ERR_OR_NULL(pool))
			return pool ? PTR_ERR(pool) : -ENOMEM;
		ss->local = pool;
		qkd_pool_wait(pool, &ss->local_waiter);
		break;
	case SSN_COEFF_PAD:
	case SSN_COEFF_CRNG:
		share_local_drop(ss);
		break;
	default:
		return -EINVAL;
	}
	ss->coeff = coeff;
	ss->coeff_set = true;
	return 0;
}

/* Members in a set; -EINVAL when a point in it is nobody's */
static int set_members(const struct share_sock *ss, const struct ssn_xset *set)
{
	struct ssn_xset rest = *set;
	unsigned int i;
	int count = 0;

	for (i = 0; i < ss->group->n; i++) {
		u8 x = ss->member[i].x;

		count += xset_has(&rest, x);
		xset_del(&rest, x);
	}
	return xset_empty(&rest) ? count : -EINVAL;
}

static int set_xset(struct share_sock *ss, int name, const struct ssn_xset *set)
{
	int err = share_connected(ss);
	int count;

	if (err)
		return err;
	count = set_members(ss, set);
	if (count < 0)
		return count;
	if (name == SSN_WRITE_SET) {
		if (count < ss->group->k)
			return -EINVAL;
		ss->write_set = *set;
		return 0;
	}
	if (!count)
		return -EINVAL;
	share_read_set(ss, set);
	return 0;
}

int share_setsockopt(struct socket *sock, int level, int name,
		     sockptr_t val, unsigned int len)
{
	struct sock *sk = sock->sk;
	struct share_sock *ss = share_sk(sk);
	struct ssn_xset set;
	int number, err;

	if (level != SOL_SSN)
		return -ENOPROTOOPT;

	switch (name) {
	case SSN_WRITE_SET:
	case SSN_READ_SET:
		if (len != sizeof(set))
			return -EINVAL;
		if (copy_from_sockptr(&set, val, sizeof(set)))
			return -EFAULT;
		lock_sock(sk);
		err = set_xset(ss, name, &set);
		release_sock(sk);
		break;
	case SSN_RAW_SHARES:
	case SSN_COEFF:
		if (len != sizeof(number))
			return -EINVAL;
		if (copy_from_sockptr(&number, val, sizeof(number)))
			return -EFAULT;
		if (name == SSN_RAW_SHARES && (number < 0 || number > 1))
			return -EINVAL;
		lock_sock(sk);
		err = 0;
		if (name == SSN_RAW_SHARES)
			ss->raw = number;
		else
			err = set_coeff(ss, number);
		release_sock(sk);
		break;
	case SSN_MEMBERS:
	case SSN_SHARE:
		return -EINVAL;		/* not to be set */
	default:
		return -ENOPROTOOPT;
	}
	/* what can be sent and received may have changed */
	if (!err)
		share_wake(ss, EPOLLIN | EPOLLOUT);
	return err;
}

/* All rows or none: -EMSGSIZE with the bytes needed in @len */
static int get_members(struct share_sock *ss, char __user *val, int room,
		       int __user *len)
{
	struct ssn_member *row;
	unsigned int i;
	int size, err = 0;

	if (!ss->group)
		return -ENOTCONN;
	size = ss->group->n * sizeof(*row);
	if (room < size)
		return put_user(size, len) ? -EFAULT : -EMSGSIZE;
	row = kvcalloc(ss->group->n, sizeof(*row), GFP_KERNEL);
	if (!row)
		return -ENOMEM;
	spin_lock(&ss->lock);
	for (i = 0; i < ss->group->n; i++) {
		row[i].node = ss->member[i].node;
		row[i].x = ss->member[i].x;
		row[i].state = ss->member[i].state;
		row[i].error = ss->member[i].error;
	}
	WRITE_ONCE(ss->changed, false);
	spin_unlock(&ss->lock);
	for (i = 0; i < ss->group->n; i++)
		if (ss->member[i].conn)
			ssn_conn_bytes(ss->member[i].conn, &row[i].sent,
				       &row[i].received);
	if (copy_to_user(val, row, size) || put_user(size, len))
		err = -EFAULT;
	kvfree(row);
	return err;
}

static int get_plain(const void *from, int size, char __user *val, int room,
		     int __user *len)
{
	if (room < size)
		return -EINVAL;
	if (copy_to_user(val, from, size) || put_user(size, len))
		return -EFAULT;
	return 0;
}

int share_getsockopt(struct socket *sock, int level, int name,
		     char __user *val, int __user *len)
{
	struct sock *sk = sock->sk;
	struct share_sock *ss = share_sk(sk);
	int room, number, err;

	if (level != SOL_SSN)
		return -ENOPROTOOPT;
	if (get_user(room, len))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;

	lock_sock(sk);
	switch (name) {
	case SSN_MEMBERS:
		if (sock->state == SS_CONNECTING)
			share_connected(ss);
		err = get_members(ss, val, room, len);
		break;
	case SSN_WRITE_SET:
	case SSN_READ_SET:
		err = share_connected(ss);
		if (!err)
			err = get_plain(name == SSN_WRITE_SET ? &ss->write_set :
					&ss->read_set, sizeof(ss->write_set),
					val, room, len);
		break;
	case SSN_RAW_SHARES:
	case SSN_COEFF:
		number = name == SSN_COEFF ? ss->coeff : ss->raw;
		err = get_plain(&number, sizeof(number), val, room, len);
		break;
	default:
		err = -ENOPROTOOPT;
		break;
	}
	release_sock(sk);
	return err;
}
