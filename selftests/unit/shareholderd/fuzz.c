// SPDX-License-Identifier: GPL-2.0
/*
 * Requests and shares that are nearly right, in any order: no crash (run it under
 * ASan too), no file that stays, no descriptor that stays, and afterwards an
 * honest put works. The seed is fixed; FUZZ_SEED and FUZZ_ROUNDS change that.
 */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "holder.h"

static uint64_t seed = 5808;

static uint32_t dice(uint32_t sides)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % sides;
}

static const char *const jobs[] = { JOB, JOB2, "x", "" };
static const char *const objects[] = { OBJECT, OBJECT2, "../../tmp", "" };
static const char *const ops[] = { "begin", "segment", "abandon", "prepared",
				   "commit", "abort", "read", "list", "delete",
				   "format" };
static json_t *begins[4];

static json_t *odd_value(void)
{
	switch (dice(8)) {
	case 0:
		return json_integer(0);
	case 1:
		return json_integer(-1);
	case 2:
		return json_integer(INT64_MAX);
	case 3:
		return json_null();
	case 4:
		return json_string("");
	case 5:
		return json_pack("[[[{}]]]");
	case 6:
		return json_real(0.5);
	default:
		return json_string("18446744073709551615");
	}
}

static json_t *odd_request(void)
{
	json_t *msg;
	const char *key;
	json_t *value;
	void *next;

	switch (dice(4)) {
	case 0:
		msg = json_deep_copy(begins[dice(4)]);
		break;
	case 1:
		msg = op_segment(ops[dice(10)], jobs[dice(4)], dice(3), dice(4),
				 1 + dice(2000));
		break;
	case 2:
		msg = op_read(objects[dice(4)], 1 + dice(2), dice(3));
		break;
	default:
		msg = op(ops[dice(10)], jobs[dice(4)]);
		json_object_set_new(msg, "after", json_string("c"));
	}
	json_object_foreach_safe(msg, next, key, value) {
		if (!dice(20))
			json_object_set_new(msg, key, odd_value());
		else if (!dice(40))
			json_object_del(msg, key);
	}
	return msg;
}

static void odd_share(struct link *l)
{
	struct ssn_share h = head_of(objects[dice(2)], 1 + dice(2), dice(3),
				     dice(4), dice(2));

	if (!dice(4))
		((uint8_t *)&h)[dice(sizeof(h))] ^= 1 << dice(8);
	link_data_as(l, &h, 1 + dice(2000));
}

static void odd_bytes(struct link *l)
{
	struct ssn_share control = { .flags = SSN_SHARE_CONTROL };
	char *text = json_dumps(begins[dice(4)], 0);
	size_t len = strlen(text);

	text[dice(len)] ^= 1 << dice(8);
	exchange_receive(l->x, &control, text, dice(len + 1));
	free(text);
	link_run(l);
}

/* So that there is something to go wrong with. */
static void honest_step(struct link *l)
{
	int i = dice(2);

	link_tell(l, json_deep_copy(begins[i]));
	while (l->first)
		sent_free(link_take(l));
	link_share(l, jobs[i], OBJECT, 1, dice(2), dice(4), 1 + dice(200));
	if (!dice(3))
		link_tell(l, op("prepared", jobs[i]));
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

int main(void)
{
	const char *env_seed = getenv("FUZZ_SEED");
	const char *env_rounds = getenv("FUZZ_ROUNDS");
	long i, rounds = env_rounds ? atol(env_rounds) : 8000;
	struct link l[3];
	struct sent *s;
	int before, null;

	if (env_seed)
		seed = strtoull(env_seed, NULL, 0);
	holder_make();
	for (i = 0; i < 4; i++)
		begins[i] = begin(i & 1 ? JOB2 : JOB, i & 2 ? OBJECT2 : OBJECT,
				  1, 2);
	/* thousands of refusals are not worth a log */
	null = open("/dev/null", O_WRONLY);
	dup2(null, 2);
	close(null);
	before = descriptors();
	for (i = 0; i < 3; i++)
		link_open_as(&l[i], i == 2 ? 4 : 2, SSN_ROLE_SSA);
	for (i = 0; i < rounds; i++) {
		struct link *one = &l[dice(3)];

		switch (dice(8)) {
		case 0:
			odd_bytes(one);
			break;
		case 1:
		case 2:
			odd_share(one);
			break;
		case 3:
			if (dice(50))
				break;
			link_close(one);
			link_open_as(one, dice(2) ? 2 : 4, SSN_ROLE_SSA);
			break;
		case 4:
			honest_step(one);
			break;
		default:
			link_tell(one, odd_request());
		}
		while ((s = link_take(one)))
			sent_free(s);
		if (!dice(500))
			trash_empty();
	}
	ok(env.counters.requests > (uint64_t)rounds / 4,
	   "%llu requests, %llu refused",
	   (unsigned long long)env.counters.requests,
	   (unsigned long long)env.counters.refused);
	ok(env.counters.shares_in > 0, "%llu shares stored nevertheless",
	   (unsigned long long)env.counters.shares_in);
	for (i = 0; i < 3; i++)
		link_close(&l[i]);
	is_int(descriptors(), before, "no descriptor stays open");
	is_int(shell("test -z \"$(find %s -name '.tmp*')\""), 0,
	       "no temporary file stays");

	link_open(&l[0]);
	link_ask(&l[0], op("abort", JOB));
	link_ask(&l[0], op("abort", JOB2));
	is_int(link_put(&l[0], "10b00000-0000-4000-8000-0000000000ff", OBJECT, 7,
			3, 1), 0, "an honest put works");
	is_str(link_get(&l[0], OBJECT, 7, 2, 102, 1000), "right", "and its read");
	link_close(&l[0]);
	for (i = 0; i < 4; i++)
		json_decref(begins[i]);
	holder_free();
	return tap_done();
}
