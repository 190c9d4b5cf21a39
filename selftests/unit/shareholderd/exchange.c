// SPDX-License-Identifier: GPL-2.0
/*
 * SSN-As at the shareholder's end: puts, reads, lists, deletes, repeated,
 * interrupted and forbidden ones.
 */
#include "holder.h"
#include "../clock.h"

#define LATE_JOB(n)	"1a7e0000-0000-4000-8000-00000000000" n
#define LATE_OBJECT(n)	"1a7e0b1e-0000-4000-8000-00000000000" n

static struct link l;

static void test_put(void)
{
	const uint64_t big = 2 * MSG + 5;

	link_open(&l);
	is_str(link_ask(&l, begin(JOB, OBJECT, 1, 2)), "ok", "begin");
	is_str(link_ask(&l, begin(JOB, OBJECT, 1, 2)), "ok", "begin, repeated");
	is_str(link_ask(&l, begin(JOB, OBJECT, 1, 3)), "error EEXIST",
	       "begin of the same job with other parameters");
	is_str(link_share(&l, JOB, OBJECT, 1, 0, 50, 40), "durable",
	       "segment 0");
	is_str(link_ask(&l, op("prepared", JOB)), "error EAGAIN",
	       "not prepared with one of two segments");
	is_str(link_share(&l, JOB, OBJECT, 1, 1, 51, big), "durable",
	       "segment 1 of three messages");
	is_str(link_ask(&l, op_read(OBJECT, 1, 0)), "error ENOENT",
	       "nothing can be read before the commit");
	is_str(link_ask(&l, op("prepared", JOB)), "durable", "prepared");
	is_str(link_ask(&l, op("prepared", JOB)), "durable",
	       "prepared, repeated");
	is_str(link_ask(&l, op("commit", JOB)), "ok", "commit");
	is_str(link_ask(&l, op("commit", JOB)), "ok", "commit, repeated");
	is_str(link_get(&l, OBJECT, 1, 0, 50, 40), "right", "segment 0 read");
	is_str(link_get(&l, OBJECT, 1, 1, 51, big), "right", "segment 1 read");
	is_str(link_ask(&l, op_read(OBJECT, 1, 2)), "error ENOENT",
	       "there is no segment 2");
	is_str(link_ask(&l, op_read(OBJECT, 2, 0)), "error ENOENT",
	       "nor a version 2");
	link_close(&l);

	holder_restart();
	link_open(&l);
	is_str(link_ask(&l, op("commit", JOB)), "ok",
	       "commit, repeated after a restart and without begin");
	is_str(link_ask(&l, begin(JOB, OBJECT, 1, 2)), "ok",
	       "begin, repeated after the commit");
	is_str(link_share(&l, JOB, OBJECT, 1, 0, 50, 40), "durable",
	       "segment, repeated after the commit");
	is_str(link_ask(&l, op("prepared", JOB)), "durable",
	       "prepared, repeated after the commit");
	is_str(link_share(&l, JOB, OBJECT, 1, 0, 60, 40), "error EALREADY",
	       "but another deal of it comes too late");
	is_str(link_ask(&l, op("abort", JOB)), "error EALREADY",
	       "and so does abort");
	is_str(link_ask(&l, begin(JOB2, OBJECT, 1, 2)), "error EEXIST",
	       "another job cannot make the same version");
	is_str(link_get(&l, OBJECT, 1, 1, 51, big), "right", "still right");
	link_close(&l);
}

static void test_deals(void)
{
	struct ssn_share h;
	uint64_t before;

	link_open(&l);
	link_ask(&l, begin(JOB2, OBJECT2, 1, 1));
	link_tell(&l, op_segment("segment", JOB2, 0, 70, MSG + 1));
	h = head_of(OBJECT2, 1, 0, 70, 0);
	link_data_as(&l, &h, MSG + 1);
	link_tell(&l, op_segment("abandon", JOB2, 0, 70, MSG + 1));
	is_str(link_answer(&l), "nothing", "abandon has no answer");
	before = env.counters.stray;
	h.message = 1;
	is_int(link_data_as(&l, &h, MSG + 1), 0,
	       "data of an abandoned deal does not matter");
	is_int(env.counters.stray, before + 1, "and is counted");
	is_str(link_answer(&l), "nothing", "and not answered");
	is_int(shell("test -z \"$(find %s/pending -name '*.share' -o -name '.tmp*')\""),
	       0, "nothing of it is left");

	is_str(link_share(&l, JOB2, OBJECT2, 1, 0, 71, 500), "durable",
	       "a deal");
	is_str(link_share(&l, JOB2, OBJECT2, 1, 0, 71, 500), "durable",
	       "the same again");
	is_str(link_share(&l, JOB2, OBJECT2, 1, 0, 72, 600), "durable",
	       "another takes its place");
	is_int(shell("ls %s/pending/" JOB2 " | grep -c share | grep -qx 1"), 0,
	       "and only that is there");
	is_str(link_ask(&l, op("prepared", JOB2)), "durable", "prepared");
	is_str(link_share(&l, JOB2, OBJECT2, 1, 0, 73, 700), "durable",
	       "dealt again after that");
	is_str(link_ask(&l, op("commit", JOB2)), "error ENOENT",
	       "what was not prepared again is not committed");
	is_str(link_ask(&l, op("commit", JOB2)), "error ENOENT",
	       "and is gone");
	is_str(link_ask(&l, op_read(OBJECT2, 1, 0)), "error ENOENT",
	       "as if it had never been");
	link_close(&l);
}

static void test_heads(void)
{
	static const struct { const char *what; size_t at, size; } bad[] = {
#define FIELD(f) { #f, offsetof(struct ssn_share, f), \
		   sizeof(((struct ssn_share *)0)->f) }
		FIELD(group), FIELD(generation), FIELD(scheme), FIELD(k),
		FIELD(n), FIELD(x), FIELD(epoch), FIELD(deal), FIELD(message),
		FIELD(version), FIELD(segment), FIELD(object),
	};
	struct ssn_share h;
	size_t i;

	link_open(&l);
	link_ask(&l, begin(JOB2, OBJECT2, 1, 1));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		link_tell(&l, op_segment("segment", JOB2, 0, 80, 100));
		h = head_of(OBJECT2, 1, 0, 80, 0);
		((uint8_t *)&h)[bad[i].at] ^= 1;
		link_data_as(&l, &h, 100);
		is_str(link_answer(&l), "error EINVAL", "a share with another %s",
		       bad[i].what);
	}
	h = head_of(OBJECT2, 1, 0, 80, 0);
	h.provenance = 0;
	link_tell(&l, op_segment("segment", JOB2, 0, 80, 100));
	link_data_as(&l, &h, 100);
	is_str(link_answer(&l), "error EINVAL", "a share of no provenance");
	h.provenance = SSN_COEFF_LOCAL;
	link_tell(&l, op_segment("segment", JOB2, 0, 80, MSG + 1));
	link_data_as(&l, &h, MSG + 1);
	h.message = 1;
	h.provenance = SSN_COEFF_CRNG;
	link_data_as(&l, &h, MSG + 1);
	is_str(link_answer(&l), "error EINVAL",
	       "a share whose provenance changes in the middle");
	h = head_of(OBJECT2, 1, 0, 80, 0);
	link_tell(&l, op_segment("segment", JOB2, 0, 80, 100));
	link_data_as(&l, &h, 99);
	is_str(link_answer(&l), "error EINVAL", "a message that is too short");
	is_int(shell("test -z \"$(find %s/pending -name '*.share' -o -name '.tmp*')\""),
	       0, "nothing of all that is left");

	is_str(link_ask(&l, op_segment("segment", JOB2, 1, 80, 100)),
	       "error EINVAL", "a segment beyond the object");
	is_str(link_ask(&l, op_segment("segment", JOB2, 0, 80,
				       SHAREFILE_MAX + 1)), "error EINVAL",
	       "a segment above the limit");
	is_str(link_ask(&l, op_segment("segment", JOB, 0, 80, 100)),
	       "error EALREADY", "a segment of a job that is committed");
	is_str(link_ask(&l, op("abort", JOB2)), "ok", "abort");
	is_str(link_ask(&l, op("abort", JOB2)), "ok", "abort, repeated");
	is_str(link_ask(&l, op_segment("segment", JOB2, 0, 80, 100)),
	       "error ENOENT", "a segment of a job that was aborted");
	trash_empty();
	is_int(shell("test -z \"$(ls -A %s/trash)\""), 0, "the trash is empty");
	link_close(&l);
}

static void test_message(void)
{
	struct ssn_share control = { .flags = SSN_SHARE_CONTROL };

	link_open(&l);
	is_int(exchange_receive(l.x, NULL, "{}", 2), -EPROTO,
	       "a message without a head ends the connection");
	is_int(exchange_receive(l.x, &control, "[]", 2), -EPROTO,
	       "and so does one that is not an object");
	is_int(exchange_receive(l.x, &control, "{\"a\":", 5), -EPROTO,
	       "or not JSON");
	is_int(env.counters.malformed, 3, "they are counted");
	is_str(link_ask(&l, json_object()), "error EINVAL", "no op");
	is_str(link_ask(&l, op("format", JOB)), "error EOPNOTSUPP",
	       "an op that is not known");
	is_str(link_ask(&l, op("commit", "../../x")), "error EINVAL",
	       "a job that is no UUID");
	is_str(link_ask(&l, op("commit", JOB2)), "error ENOENT",
	       "a job that is not known");
	link_close(&l);
}

static const char *try_policy(const char *key, json_t *value)
{
	json_t *policy = policy_make(OBJECT2, 1);

	if (key)
		json_object_set_new(policy, key, value);
	return link_ask(&l, begin_signed(JOB2, policy, owner, ssa, 1));
}

static json_t *tampered(const char *key, json_t *value)
{
	json_t *msg = begin(JOB2, OBJECT2, 1, 1);

	json_object_set_new(msg, key, value);
	return msg;
}

static void test_policy(void)
{
	json_t *msg, *policy;
	struct link other;
	char *text;

	link_open_as(&l, 2, SSN_ROLE_OWNER);
	is_str(link_ask(&l, begin(JOB2, OBJECT2, 1, 1)), "error EACCES",
	       "a node that is no SSA");
	link_close(&l);
	link_open_as(&l, 4, SSN_ROLE_SSA);
	is_str(link_ask(&l, begin(JOB2, OBJECT2, 1, 1)), "error EACCES",
	       "an SSA that the policy does not name");
	link_close(&l);

	link_open(&l);
	is_str(try_policy("nodes", json_pack("[ii]", 12, 13)), "error EACCES",
	       "a policy that does not name this node");
	is_str(try_policy("min_k", json_integer(3)), "error EACCES",
	       "k below the policy's minimum");
	is_str(try_policy("generation", json_integer(5)), "error EACCES",
	       "another generation of the group");
	is_str(try_policy("group", json_integer(2)), "error ENOENT",
	       "a group that is not there");
	is_str(try_policy("quorum", json_integer(2)), "error EINVAL",
	       "a policy that says what this program does not understand");
	is_str(try_policy("readers", json_integer(2)), "error EINVAL",
	       "readers that are no list");
	is_str(try_policy("owner", json_integer(9)), "error EACCES",
	       "signed by another owner than it names");
	is_str(link_ask(&l, begin_signed(JOB2, policy_make(OBJECT2, 1), owner,
					 other_ssa, 1)), "error EACCES",
	       "signed by another SSA than it names");
	is_str(link_ask(&l, begin_signed(JOB2, policy_make(OBJECT2, 1), ssa,
					 ssa, 1)), "error EACCES",
	       "signed by the SSA in the owner's place");
	is_str(link_ask(&l, tampered("version", json_integer(2))),
	       "error EACCES", "the policy of another version");
	is_str(link_ask(&l, tampered("object", json_string(OBJECT))),
	       "error EACCES", "the policy of another object");
	policy = policy_make(OBJECT2, 1);
	json_object_set_new(policy, "retain_until", json_integer(5));
	text = json_dumps(policy, 0);
	msg = tampered("policy", json_string(text));
	free(text);
	is_str(link_ask(&l, msg), "error EACCES",
	       "a policy that was changed after it was signed");
	json_decref(policy);
	is_str(link_ask(&l, tampered("policy_sigs", json_object())),
	       "error EACCES", "no signatures");
	is_str(link_ask(&l, tampered("nonce", json_string("12"))),
	       "error EINVAL", "a short nonce");
	is_str(link_ask(&l, tampered("segments", json_integer(0))),
	       "error EINVAL", "no segments");
	is_str(link_ask(&l, tampered("hidden", json_true())), "error EINVAL",
	       "a begin with something more in it");
	is_int(shell("test -z \"$(ls -A %s/pending)\""), 0,
	       "nothing was begun by any of them");

	/* an object that only its SSA may read, and another SSA */
	link_open_as(&other, 4, SSN_ROLE_SSA);
	is_str(link_ask(&other, op_read(OBJECT, 1, 0)), "error EACCES",
	       "who is no reader does not read");
	is_str(link_ask(&other, op("commit", JOB)), "error EACCES",
	       "and does not touch another SSA's job");
	is_str(link_ask(&other, op("abort", JOB)), "error EACCES",
	       "nor abort it");
	link_close(&other);
	policy = policy_make(OBJECT2, 1);
	json_object_set_new(policy, "readers", json_pack("[ii]", 1, 4));
	is_str(link_ask(&l, begin_signed(JOB2, policy, owner, ssa, 1)), "ok",
	       "an object that another SSA may read");
	link_share(&l, JOB2, OBJECT2, 1, 0, 5, 10);
	link_ask(&l, op("prepared", JOB2));
	link_ask(&l, op("commit", JOB2));
	link_open_as(&other, 4, SSN_ROLE_SSA);
	is_str(link_get(&other, OBJECT2, 1, 0, 5, 10), "right", "is read by it");
	link_close(&other);
	link_close(&l);
}

static void test_rot(void)
{
	link_open(&l);
	/* the last byte of the share, from disk */
	is_int(shell("f=$(ls %s/objects/" OBJECT "/1.0/1.51.share); "
		     "printf X | dd of=$f bs=1 seek=$(($(stat -c%%s $f)-1)) "
		     "conv=notrunc 2>/dev/null"), 0, "a share rots");
	is_str(link_ask(&l, op_read(OBJECT, 1, 1)), "error EBADMSG",
	       "it is never sent");
	is_str(link_answer(&l), "nothing", "not a byte of it");
	is_int(env.counters.rotten, 1, "it is counted");
	is_str(link_get(&l, OBJECT, 1, 0, 50, 40), "right",
	       "the other segment is");
	link_close(&l);
}

static void test_blocked(void)
{
	const uint64_t length = 3 * MSG;
	struct sent *s;
	struct link slow;
	int count = 0;

	link_open(&l);
	link_ask(&l, begin("10b00000-0000-4000-8000-000000000003", OBJECT2, 2,
			   1));
	link_share(&l, "10b00000-0000-4000-8000-000000000003", OBJECT2, 2, 0,
		   9, length);
	link_ask(&l, op("prepared", "10b00000-0000-4000-8000-000000000003"));
	link_ask(&l, op("commit", "10b00000-0000-4000-8000-000000000003"));

	link_open(&slow);
	slow.room = 2;
	link_tell(&slow, op_read(OBJECT2, 2, 0));
	is_int(slow.state, EXCHANGE_BLOCKED, "a reader that is slow blocks");
	is_str(link_get(&l, OBJECT2, 2, 0, 9, length), "right",
	       "and nobody else waits for it");
	is_int(exchange_run(slow.x), EXCHANGE_BLOCKED, "it is still slow");
	slow.room = -1;
	link_run(&slow);
	is_int(slow.state, EXCHANGE_IDLE, "then it goes on");
	while ((s = link_take(&slow))) {
		if (!s->json && s->data[0] == byte_of(0, 9,
						      s->head.message * MSG))
			count++;
		sent_free(s);
	}
	is_int(count, 3, "and gets all of it, once");
	slow.room = 1;
	link_tell(&slow, op_read(OBJECT2, 2, 0));
	link_close(&slow);
	ok(1, "a reader that goes in the middle");

	link_open(&slow);
	slow.full = ENOKEY;
	slow.room = 0;
	link_tell(&slow, op_read(OBJECT2, 2, 0));
	is_int(slow.state, EXCHANGE_BLOCKED, "no pad for an answer blocks too");
	slow.room = 2;
	link_run(&slow);
	is_int(slow.state, EXCHANGE_BLOCKED, "no pad for a share as well");
	slow.room = -1;
	link_run(&slow);
	is_int(slow.state, EXCHANGE_IDLE, "until there is some");
	slow.room = 0;
	link_tell(&slow, op_read(OBJECT2, 2, 0));
	is_int(slow.state, EXCHANGE_BLOCKED, "a peer without pad");
	slow.x->blocked -= EXCHANGE_PATIENCE_MS;
	is_int(exchange_run(slow.x), -ENOKEY, "is not waited for for ever");
	link_close(&slow);
	link_close(&l);
}

static json_t *list(const char *after, json_t **whole)
{
	struct sent *s;
	json_t *rows;

	link_tell(&l, json_pack("{ssss}", "op", "list", "after", after));
	s = link_take(&l);
	if (!s)
		bail("no list");
	*whole = json_incref(s->json);
	rows = json_object_get(s->json, "objects");
	sent_free(s);
	return rows;
}

static const char *field(json_t *rows, size_t i, const char *key)
{
	const char *s = json_string_value(json_object_get(
				json_array_get(rows, i), key));

	return s ? s : "(none)";
}

static void test_list(void)
{
	json_t *rows, *whole;
	struct link two;

	is_int(shell("echo junk > %s/objects/" OBJECT "/1.0/object.json"), 0,
	       "an object.json becomes unreadable");
	link_open(&l);
	rows = list("", &whole);
	is_int(json_array_size(rows), 3, "three versions of two objects");
	is_str(field(rows, 0, "object"), OBJECT, "that object is still listed");
	is_str(field(rows, 0, "state"), "committed", "as committed");
	is_str(field(rows, 0, "job"), JOB, "with its job");
	is_int(json_integer_value(json_object_get(json_array_get(rows, 0),
						  "segments")), 2,
	       "and its segments");
	is_int(json_integer_value(json_object_get(json_array_get(rows, 0),
						  "owner")), 1,
	       "and its owner");
	ok(json_is_true(json_object_get(whole, "more")), "there is more");
	json_decref(whole);

	link_open(&two);
	is_int(link_put(&two, "10b00000-0000-4000-8000-000000000004", OBJECT,
			2, 1, 0), 0, "a job is prepared");
	is_str(link_ask(&two, begin("10b00000-0000-4000-8000-000000000005",
				    OBJECT, 3, 1)), "ok", "one is begun");
	rows = list("p", &whole);
	is_int(json_array_size(rows), 1, "one of them is listed");
	is_str(field(rows, 0, "state"), "pending", "as pending");
	is_str(field(rows, 0, "job"), "10b00000-0000-4000-8000-000000000004",
	       "the one that is prepared");
	ok(json_is_false(json_object_get(whole, "more")), "that was all");
	json_decref(whole);
	link_ask(&two, op("abort", "10b00000-0000-4000-8000-000000000004"));
	link_ask(&two, op("abort", "10b00000-0000-4000-8000-000000000005"));
	link_close(&two);

	is_str(link_ask(&l, json_pack("{ssss}", "op", "list", "after", "../x")),
	       "error EINVAL", "a cursor from elsewhere");
	link_close(&l);
	link_open_as(&l, 4, SSN_ROLE_SSA);
	rows = list("", &whole);
	is_int(json_array_size(rows), 1, "another SSA sees what it may read");
	json_decref(whole);
	link_close(&l);
}

static void test_delete(void)
{
	json_t *policy;

	link_open(&l);
	is_str(link_ask(&l, op_delete(OBJECT, 1, other_owner)), "error EACCES",
	       "another owner does not delete");
	is_str(link_ask(&l, op_delete(OBJECT, 1, ssa)), "error EACCES",
	       "nor does the SSA by itself");
	is_str(link_get(&l, OBJECT, 1, 0, 50, 40), "right", "it is still there");
	is_str(link_ask(&l, op_delete(OBJECT, 1, owner)), "ok",
	       "the owner does");
	is_str(link_ask(&l, op_delete(OBJECT, 1, owner)), "ok", "repeated");
	is_str(link_ask(&l, op_read(OBJECT, 1, 0)), "error ENOENT", "it is gone");
	is_str(link_ask(&l, op("commit", JOB)), "error ENOENT",
	       "its job is not known any more");
	is_int(shell("test -e %s/objects/" OBJECT), 256, "its folder is gone");
	is_int(shell("test -e %s/jobs/" JOB), 256, "its job's name too");
	is_str(link_ask(&l, op_delete(OBJECT2, 2, owner)), "ok",
	       "one version of two");
	is_str(link_get(&l, OBJECT2, 1, 0, 5, 10), "right",
	       "the other one stays");

	policy = policy_make(OBJECT, 4);
	json_object_set_new(policy, "retain_until", json_integer(4000000000));
	link_ask(&l, begin_signed(JOB, policy, owner, ssa, 1));
	link_share(&l, JOB, OBJECT, 4, 0, 5, 10);
	link_ask(&l, op("prepared", JOB));
	is_str(link_ask(&l, op_delete(OBJECT, 4, owner)), "error EACCES",
	       "what is retained is not deleted, pending or not");
	link_ask(&l, op("commit", JOB));
	is_str(link_ask(&l, op_delete(OBJECT, 4, owner)), "error EACCES",
	       "nor when committed");
	is_int(link_put(&l, "10b00000-0000-4000-8000-000000000006", OBJECT, 5,
			1, 0), 0, "a version that is prepared");
	is_str(link_ask(&l, op_delete(OBJECT, 5, owner)), "ok",
	       "goes with a delete that came before its commit");
	is_str(link_ask(&l, op("commit",
			       "10b00000-0000-4000-8000-000000000006")),
	       "error ENOENT", "which comes too late");
	link_close(&l);
}

/* What cannot be read is here all the same. */
static void test_delete_unread(void)
{
	static const char job[] = "10b00000-0000-4000-8000-00000000000a";
	static const char job2[] = "10b00000-0000-4000-8000-00000000000b";

	link_open(&l);
	is_int(link_put(&l, job, OBJECT2, 17, 1, 1), 0, "an object");
	is_int(shell("f=$(ls %s/objects/" OBJECT2 "/17.0/0.100.share); "
		     "printf X | dd of=$f bs=1 seek=$(($(stat -c%%s $f)-1)) "
		     "conv=notrunc 2>/dev/null"), 0, "whose only share rots");
	is_str(link_ask(&l, op_delete(OBJECT2, 17, owner)), "error EBADMSG",
	       "is not said to be deleted");
	is_int(shell("rm %s/objects/" OBJECT2 "/17.0/*.share"), 0,
	       "nor when its shares are gone");
	is_str(link_ask(&l, op_delete(OBJECT2, 17, owner)), "error EBADMSG",
	       "and its folder is there");
	is_int(shell("rm -r %s/objects/" OBJECT2 "/17.0"), 0, "only then");
	is_str(link_ask(&l, op_delete(OBJECT2, 17, owner)), "ok", "it is");

	is_int(link_put(&l, job2, OBJECT2, 18, 1, 0), 0, "a job that is prepared");
	link_close(&l);
	holder_restart();
	link_open(&l);
	is_int(shell("echo junk > %s/pending/10b00000-0000-4000-8000-00000000000b/"
		     "object.json; rm %s/pending/10b00000-0000-4000-8000-"
		     "00000000000b/*.share"), 0, "and cannot be read any more");
	is_str(link_ask(&l, op_delete(OBJECT2, 18, owner)), "error EBADMSG",
	       "may be what is to be deleted");
	is_int(shell("rm -r %s/pending/10b00000-0000-4000-8000-00000000000b"), 0,
	       "without it");
	is_str(link_ask(&l, op_delete(OBJECT2, 18, owner)), "ok", "nothing is");
	link_close(&l);
	holder_restart();
}

/* Certificates live for years, objects for longer. */
static void test_expired(void)
{
	static const char job[] = "10b00000-0000-4000-8000-000000000009";

	link_open(&l);
	is_int(link_put(&l, job, OBJECT2, 6, 1, 1), 0, "an object");
	later = 100 * 365 * 86400L;
	is_str(link_get(&l, OBJECT2, 6, 0, 100, 1000), "right",
	       "is read when its owner's and its SSA's certificates have expired");
	is_str(link_ask(&l, begin(JOB2, OBJECT2, 16, 1)), "error EACCES",
	       "but nothing begins with them");
	is_str(link_ask(&l, op_delete(OBJECT2, 6, owner)), "error EACCES",
	       "nor is deleted");
	later = 0;
	is_str(link_ask(&l, op_delete(OBJECT2, 6, owner)), "ok",
	       "a valid one deletes it");
	link_close(&l);
}

static void test_two(void)
{
	static const char job[] = "10b00000-0000-4000-8000-000000000007";
	struct link two;
	struct ssn_share h = head_of(OBJECT2, 7, 0, 30, 0);

	link_open(&l);
	link_open(&two);
	is_str(link_ask(&l, begin(job, OBJECT2, 7, 1)), "ok", "a job");
	is_str(link_ask(&two, begin(job, OBJECT2, 7, 1)), "error EALREADY",
	       "the same over a second connection");
	is_str(link_ask(&two, op_segment("segment", job, 0, 31, 100)),
	       "error EALREADY", "and its shares");
	link_tell(&l, op_segment("segment", job, 0, 30, MSG + 1));
	link_data_as(&l, &h, MSG + 1);
	l.x->put.job->active -= 11000;		/* silent for 11 s */
	is_str(link_ask(&two, begin(job, OBJECT2, 7, 1)), "ok",
	       "the second takes over from a first that is silent");
	is_str(link_share(&two, job, OBJECT2, 7, 0, 31, 100), "durable",
	       "and deals");
	h.message = 1;
	link_data_as(&l, &h, MSG + 1);
	is_str(link_answer(&l), "error EALREADY",
	       "what the first goes on with is refused");
	link_close(&l);
	is_str(link_ask(&two, op("prepared", job)), "durable", "prepared");
	link_open(&l);
	is_str(link_ask(&l, op("commit", job)), "ok",
	       "commit may come over any connection");
	is_str(link_get(&two, OBJECT2, 7, 0, 31, 100), "right",
	       "and it is the second's share");
	link_close(&two);

	link_ask(&l, begin(JOB2, OBJECT2, 8, 1));
	link_open(&two);
	link_tell(&l, op_segment("segment", JOB2, 0, 40, MSG + 1));
	h = head_of(OBJECT2, 8, 0, 40, 0);
	link_data_as(&l, &h, MSG + 1);
	link_close(&two);
	link_close(&l);
}

/* What one connection has promised, another one's late data does not change. */
static void test_late(void)
{
	static const char *const then[] = { "prepared", "committed" };
	const char *job, *object;
	struct ssn_share h;
	struct link late;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		job = i ? LATE_JOB("2") : LATE_JOB("1");
		object = i ? LATE_OBJECT("2") : LATE_OBJECT("1");
		link_open(&late);
		link_ask(&late, begin(job, object, 1, 1));
		is_str(link_share(&late, job, object, 1, 0, 50, 40), "durable",
		       "a share");
		link_tell(&late, op_segment("segment", job, 0, 51, MSG + 1));
		h = head_of(object, 1, 0, 51, 0);
		link_data_as(&late, &h, MSG + 1);
		link_open(&l);
		is_str(link_ask(&l, op("prepared", job)), "durable",
		       "is prepared over another connection while it is dealt again");
		if (i)
			is_str(link_ask(&l, op("commit", job)), "ok", "and committed");
		h.message = 1;
		link_data_as(&late, &h, MSG + 1);
		is_str(link_answer(&late), "error EALREADY",
		       "what comes of that deal once it is %s is refused", then[i]);
		is_str(link_ask(&l, op("commit", job)), "ok", "it is committed");
		is_str(link_get(&l, object, 1, 0, 50, 40), "right",
		       "and has the share that was promised");
		link_close(&late);
		link_close(&l);
	}
	is_int(shell("test -z \"$(find %s -name '.tmp*')\""), 0,
	       "nothing else is left");
}

static void test_lock(void)
{
	struct err err = { "" };
	struct storage *second;

	is_int(storage_open(data_dir, 0, &second, &err), -EBUSY,
	       "a data directory has one shareholder");
	diag("%s", err.text);
}

static void test_quota(void)
{
	static const char job[] = "10b00000-0000-4000-8000-000000000008";
	uint64_t used;

	trash_empty();
	storage_close(env.storage);
	holder_open(1 << 20);
	used = env.storage->used;
	ok(used > 0, "what is there is counted: %llu",
	   (unsigned long long)used);
	link_open(&l);
	link_ask(&l, begin(job, OBJECT2, 9, 2));
	is_str(link_share(&l, job, OBJECT2, 9, 0, 1, 500000), "durable",
	       "a share within the quota");
	is_str(link_share(&l, job, OBJECT2, 9, 1, 2, 600000), "error EDQUOT",
	       "one beyond it");
	is_str(link_share(&l, job, OBJECT2, 9, 1, 2, 400000), "durable",
	       "one that fits");
	is_str(link_share(&l, job, OBJECT2, 9, 1, 3, 600000), "error EDQUOT",
	       "a new deal needs room before the old one goes");
	is_str(link_ask(&l, op("abort", job)), "ok", "abort");
	link_close(&l);
	trash_empty();
	is_int(env.storage->used, used, "gives it all back");
	storage_close(env.storage);
	holder_open(0);
}

int main(void)
{
	holder_make();
	test_put();
	test_deals();
	test_heads();
	test_message();
	test_policy();
	test_rot();
	test_blocked();
	test_list();
	test_delete();
	test_delete_unread();
	test_expired();
	test_two();
	test_late();
	test_lock();
	test_quota();
	holder_free();
	return tap_done();
}
