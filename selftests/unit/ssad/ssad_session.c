// SPDX-License-Identifier: GPL-2.0
/* Who is served, how many at once, and for how long without a word. */
#include "agent.h"

#define LINKS	80

static struct { int fd[2]; } links[LINKS];
static unsigned int count;
static unsigned int serving;		/* sessions_lock is not ours: atomic */

/* Until the other end closes. */
static void serve(struct session *s)
{
	char c;

	__atomic_add_fetch(&serving, 1, __ATOMIC_SEQ_CST);
	while (read(s->fd, &c, 1) > 0)
		;
	__atomic_sub_fetch(&serving, 1, __ATOMIC_SEQ_CST);
}

static struct session_kind owners, holders;

/* A node connects: is it served? */
static bool connects(struct session_kind *kind, uint32_t node, enum ssn_role role)
{
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, links[count].fd))
		bail("socketpair: %s", strerror(errno));
	accepts = (struct ssn_peer_info){ .node = node, .role = role };
	accept_fd = links[count].fd[0];
	*refused = 0;
	session_accept(&ssad, 0, kind);
	accept_fd = -1;
	if (*refused) {
		if (read(links[count].fd[1], &c, 1))
			bail("refused, and not closed");
		close(links[count].fd[1]);
		diag("%s", refused);
		return false;
	}
	count++;
	return true;
}

static void test_sessions(void)
{
	unsigned int i, ok = 0;

	owners = session_owners;
	holders = session_coordinators;
	owners.serve = holders.serve = serve;
	ok(!connects(&owners, 11, SSN_ROLE_SHAREHOLDER) && strstr(refused, "EACCES"),
	   "who is no owner is not served as one");
	ok(!connects(&holders, 1, SSN_ROLE_OWNER) && strstr(refused, "EACCES"),
	   "nor is who is no shareholder");
	is_int(count, 0, "and has no thread");
	for (i = 0; i < owners.each; i++)
		ok += connects(&owners, 1, SSN_ROLE_OWNER);
	is_int(ok, owners.each, "an owner with several connections");
	ok(!connects(&owners, 1, SSN_ROLE_OWNER) && strstr(refused, "EUSERS"),
	   "has enough of them");
	for (i = owners.each; i < owners.most; i++)
		ok += connects(&owners, 100 + i, SSN_ROLE_OWNER);
	is_int(ok, owners.most, "others have theirs");
	ok(!connects(&owners, 99, SSN_ROLE_OWNER) && strstr(refused, "EUSERS"),
	   "until there are enough owners");
	ok(connects(&holders, 11, SSN_ROLE_SHAREHOLDER) &&
	   connects(&holders, 11, SSN_ROLE_SHAREHOLDER),
	   "there is room for shareholders then");
	ok(!connects(&holders, 11, SSN_ROLE_SHAREHOLDER) && strstr(refused, "EUSERS"),
	   "for each of them");
	for (ok = 0, i = 0; i < SESSIONS_MAX - owners.most - 2; i++)
		ok += connects(&holders, 200 + i, SSN_ROLE_SHAREHOLDER);
	is_int(ok, SESSIONS_MAX - owners.most - 2, "as much as was kept back");
	ok(!connects(&holders, 999, SSN_ROLE_SHAREHOLDER), "and no more");
	ok(wait_for(60, __atomic_load_n(&serving, __ATOMIC_SEQ_CST) == SESSIONS_MAX),
	   "all of them are served");
	close(links[0].fd[1]);
	ok(wait_for(60, connects(&owners, 98, SSN_ROLE_OWNER)),
	   "when one goes, another one comes");
	for (i = 1; i < count; i++)
		close(links[i].fd[1]);
	sessions_stop();
	is_int(__atomic_load_n(&serving, __ATOMIC_SEQ_CST), 0, "and all of them end");
}

/* An owner that announces data and sends none. */
static const char *idle(const char *job, bool wait, uint64_t sent)
{
	json_t *req = put_request(job, OBJECT(1), "a", 1, 1000000);

	json_object_set_new(req, "wait", json_boolean(wait));
	owner_stays = true;
	return agent_ask(session_put, req, sent);
}

/* Once segment 0 is dealt, nobody has pad for a while. */
static int send_empty(struct share_socket *s, const struct ssn_share *share,
		      const json_t *msg, size_t len)
{
	if (!msg)
		pools_empty = 3;
	return 0;
}

static void test_idle(void)
{
	uint64_t begun;

	catalogue_found(ssad.cat);
	ssad.owner_timeout_ms = 300;
	alarm(120);		/* one that is not ended fails this test */
	is_str(idle(JOB(1), false, 5), "go", "an owner that sends no data is left");
	is_int(asked_all("abort"), N, "and its job aborted");
	holders_make();
	is_str(idle(JOB(2), true, 5), "go", "also if it waits for pad, and has it");
	is_int(asked_all("abort"), N, "that is");
	holders_make();
	on_send = send_empty;
	begun = monotonic_ms();
	is_str(idle(JOB(3), true, 5), "go", "while it has none");
	ok(!pools_empty && monotonic_ms() - begun >= 4 * 300, "it is waited for");
	on_send = NULL;
	alarm(0);
	owner_stays = false;
}

int main(void)
{
	agent_make();
	test_sessions();
	test_idle();
	agent_free();
	return tap_done();
}
