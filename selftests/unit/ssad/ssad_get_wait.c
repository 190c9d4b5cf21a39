// SPDX-License-Identifier: GPL-2.0
/* get --wait: as pad comes, segment after segment. */
#include "agent.h"

#define SEGMENTS	3
#define SIZE		(SEGMENTS * SEGMENT_MIN)

static const char *get(bool wait)
{
	return agent_ask(session_get, json_pack("{s:s s:s s:b}", "op", "get", "name",
						"a", "wait", wait), 0);
}

/* Words that it has to wait; the owner's pools have pad for them. */
static unsigned int told(void)
{
	unsigned int count = 0;
	const json_t *msg;
	size_t i;

	json_array_foreach(owner.said, i, msg) {
		const char *status = json_string_value(json_object_get(msg, "status"));

		count += status && !strcmp(status, "progress") &&
			 json_object_get(msg, "waiting");
	}
	return count;
}

/* What is read leaves no pad for the next segment, for so many looks. */
static unsigned int looks, left, read_early;

static int level(uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		 uint64_t *bytes, void *arg)
{
	int ret = agent_level(peer, dir, kind, bytes, arg);

	if (dir == QKD_DIR_RX && left) {
		*bytes = 0;
		left--;
	}
	return ret;
}

static int at_read(struct share_socket *s, const struct ssn_share *share,
		   const json_t *msg, size_t len)
{
	const char *op = json_string_value(json_object_get(msg, "op"));

	if (!op || strcmp(op, "read"))
		return 0;
	read_early += !!left;
	if (s->read_by == K - 1)
		left = looks;
	return 0;
}

static int leave(struct share_socket *s, const struct ssn_share *share,
		 const json_t *msg, size_t len)
{
	const char *op = json_string_value(json_object_get(msg, "op"));

	if (op && !strcmp(op, "read")) {
		left = 10000;
		shutdown(owner.fd[1], SHUT_RDWR);
	}
	return 0;
}

int main(void)
{
	uint64_t begun;

	agent_make();
	catalogue_found(ssad.cat);
	reserve_close(ssad.res);
	if (reserve_open(&ssad.res, level, NULL))
		bail("reserve_open");
	is_str(agent_put(JOB(1), OBJECT(1), "a", 1, SIZE), "done", "an object");

	/* what one segment and the connections take, and less than all takes */
	pools[QKD_DIR_RX][QKD_KIND_PAYLOAD] = 400000;
	is_str(get(false), "error ENOKEY", "a get for which there is too little pad");
	is_int(owner.data, 0, "gives nothing");
	is_str(get(true), "done", "one that waits takes a segment at a time");
	is_int(owner.data, SIZE, "and gives all of it");
	is_int(told(), 0, "and it did not wait");

	pools[QKD_DIR_RX][QKD_KIND_PAYLOAD] = 1ULL << 40;
	on_send = at_read;
	looks = 75;
	begun = monotonic_ms();
	is_str(get(true), "done", "one for which pad comes late");
	is_int(owner.data, SIZE, "gives all of it too");
	ok(monotonic_ms() - begun >= (SEGMENTS - 1) * 2000, "has waited");
	ok(told() >= 1, "and has said so");
	is_int(read_early, 0, "and asked for nothing for which there was no pad");

	on_send = leave;
	begun = monotonic_ms();
	get(true);
	ok(monotonic_ms() - begun < 20000, "it does not wait for an owner that is gone");
	on_send = NULL;
	agent_free();
	return tap_done();
}
