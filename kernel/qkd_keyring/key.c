// SPDX-License-Identifier: GPL-2.0
/*
 * The key type "qkd": pads come in by add_key(2) and never go out.
 *
 * A key's payload is {its block, the keyring of the namespace it was added in}.
 * The second is only compared, never followed, so that a keyring's check needs
 * nothing of a key that the key service may be destroying.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/key.h>
#include <linux/key-type.h>
#include <linux/nsproxy.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "block.h"
#include "key.h"
#include "net.h"

enum {
	PAYLOAD_BLOCK,
	PAYLOAD_RING,
};

static struct key_type key_type_qkd;

/* The namespace keys are added in; current keeps it alive. */
static struct qkd_net *current_qn(void)
{
	return qkd_net(current->nsproxy->net_ns);
}

static int vet_description(const char *text)
{
	struct qkd_desc desc;

	return qkd_desc_parse(text, &desc);
}

/*
 * Who may load without the capability: members of the group that root gave the
 * namespace's keyring to. It is asked here and not only where the key is linked
 * to: a pad is in its pool whatever keyring its key is in.
 */
static bool is_key_agent(const struct qkd_net *qn)
{
	kgid_t gid = READ_ONCE(qn->ring->gid);

	return gid_valid(gid) && in_group_p(gid);
}

/*
 * The key service charges pads to nobody (quotalen 0), so what may be loaded is
 * decided here, before anything is allocated.
 */
static int preparse(struct key_preparsed_payload *prep)
{
	bool capable = ns_capable_noaudit(&init_user_ns, CAP_NET_ADMIN);
	struct qkd_net *qn = current_qn();
	struct qkd_block *block;
	struct qkd_desc desc;
	int err;

	prep->quotalen = 0;

	if (!capable && (!qkd_net_ceiling(qn) || !is_key_agent(qn)))
		return qkd_net_refuse(qn, QKD_REFUSED_PERMISSION, -EPERM);
	if (!prep->orig_description ||
	    qkd_desc_parse(prep->orig_description, &desc))
		return qkd_net_refuse(qn, QKD_REFUSED_DESCRIPTION, -EINVAL);
	if (qkd_block_seen(qn, &desc.id))
		return qkd_net_refuse(qn, QKD_REFUSED_DUPLICATE, -EEXIST);

	if (!capable) {
		err = qkd_net_charge(qn, prep->datalen);
		if (err)
			return qkd_net_refuse(qn, err == -EPERM ?
					      QKD_REFUSED_PERMISSION :
					      QKD_REFUSED_CEILING, err);
	}
	block = qkd_block_alloc(qn, &desc, prep->data, prep->datalen);
	if (IS_ERR(block)) {
		err = PTR_ERR(block);
		if (!capable)
			qkd_net_uncharge(qn, prep->datalen);
		if (err == -EMSGSIZE)
			qkd_net_refuse(qn, QKD_REFUSED_SIZE, err);
		return err;
	}
	block->charged = !capable;
	prep->payload.data[PAYLOAD_BLOCK] = block;
	prep->payload.data[PAYLOAD_RING] = qn->ring;
	return 0;
}

static void free_preparse(struct key_preparsed_payload *prep)
{
	struct qkd_block *block = prep->payload.data[PAYLOAD_BLOCK];

	if (block)
		qkd_block_put(block);
}

static int instantiate(struct key *key, struct key_preparsed_payload *prep)
{
	struct qkd_block *block = prep->payload.data[PAYLOAD_BLOCK];
	int err;

	err = qkd_block_insert(block, key);
	if (err == -EEXIST)
		qkd_net_refuse(block->qn, QKD_REFUSED_DUPLICATE, err);
	if (err)
		return err;
	key->payload.data[PAYLOAD_BLOCK] = block;
	key->payload.data[PAYLOAD_RING] = prep->payload.data[PAYLOAD_RING];
	prep->payload.data[PAYLOAD_BLOCK] = NULL;
	return 0;
}

/* Without this, add_key() would put a new pad in the place of the old one. */
static int update(struct key *key, struct key_preparsed_payload *prep)
{
	return qkd_net_refuse(current_qn(), QKD_REFUSED_DUPLICATE, -EEXIST);
}

static void revoke(struct key *key)
{
	struct qkd_block *block = key->payload.data[PAYLOAD_BLOCK];

	if (block)
		qkd_block_void(block, QKD_VOID_REASON_REVOKED);
}

/* Runs while leases may be held, and while the key may still be referenced. */
static void destroy(struct key *key)
{
	struct qkd_block *block = key->payload.data[PAYLOAD_BLOCK];

	if (!block)
		return;
	key->payload.data[PAYLOAD_BLOCK] = NULL;
	qkd_block_forget_key(block);
	qkd_block_void(block, QKD_VOID_REASON_REVOKED);
	qkd_block_put(block);
}

/* No more than the description: /proc/keys shows it to other namespaces. */
static void describe(const struct key *key, struct seq_file *m)
{
	seq_puts(m, key->description);
}

/* Pads are loaded, not asked for: no upcall to /sbin/request-key. */
static int refuse_request(struct key *authkey, void *aux)
{
	complete_request_key(authkey, -EOPNOTSUPP);
	return -EOPNOTSUPP;
}

static struct key_type key_type_qkd = {
	.name			= "qkd",
	.flags			= KEY_TYPE_NET_DOMAIN | KEY_TYPE_INSTANT_REAP,
	.vet_description	= vet_description,
	.preparse		= preparse,
	.free_preparse		= free_preparse,
	.instantiate		= instantiate,
	.update			= update,
	.revoke			= revoke,
	.destroy		= destroy,
	.describe		= describe,
	.request_key		= refuse_request,
};

/* Only pads, and only those of the keyring's own namespace. */
static int check_link(struct key *ring, const struct key_type *type,
		      const union key_payload *payload, struct key *unused)
{
	if (type != &key_type_qkd)
		return -EPERM;
	if (payload->data[PAYLOAD_RING] != ring)
		return qkd_net_refuse(current_qn(), QKD_REFUSED_PERMISSION,
				      -EXDEV);
	return 0;
}

/**
 * qkd_ring_alloc - make the keyring .qkd of a network namespace
 *
 * It belongs to the machine's root. Its group is nobody's until root gives it
 * to the key agent's (keyctl chgrp), who may then add keys to it.
 *
 * Return: the keyring or an ERR_PTR.
 */
struct key *qkd_ring_alloc(void)
{
	const key_perm_t perm =
		(KEY_POS_ALL & ~KEY_POS_SETATTR) | KEY_USR_ALL |
		KEY_GRP_VIEW | KEY_GRP_READ | KEY_GRP_WRITE | KEY_GRP_SEARCH |
		KEY_GRP_LINK;
	struct key_restriction *only;
	struct key *ring;

	only = kzalloc(sizeof(*only), GFP_KERNEL);
	if (!only)
		return ERR_PTR(-ENOMEM);
	only->check = check_link;
	only->keytype = &key_type_qkd;

	ring = keyring_alloc(".qkd", GLOBAL_ROOT_UID, INVALID_GID,
			     current_cred(), perm, KEY_ALLOC_NOT_IN_QUOTA, only,
			     NULL);
	if (IS_ERR(ring))
		kfree(only);
	return ring;
}

/* Unlinks all that is in it; who still holds the keyring has nothing. */
void qkd_ring_free(struct key *ring)
{
	key_revoke(ring);
	key_put(ring);
}

int qkd_key_init(void)
{
	return register_key_type(&key_type_qkd);
}

/* Destroys all payloads, also of keys that are still referenced. */
void qkd_key_exit(void)
{
	unregister_key_type(&key_type_qkd);
}
