// SPDX-License-Identifier: GPL-2.0
/* key load: a pad from standard input into the kernel, by hand. */
#include <errno.h>
#include <getopt.h>
#include <keyutils.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "admin.h"
#include "util.h"

#define BLOCK_MAX	((1U << 20) - 1)	/* add_key(2) */

static int ring_serial(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);

	*(int32_t *)arg = nl_u32(tb[QKD_A_KEYRING_SERIAL]);
	return MNL_CB_OK;
}

static int get_ring(int32_t *ring)
{
	struct nl *nl;
	int status;

	status = admin_open(&nl, QKD_FAMILY_NAME);
	if (status)
		return status;
	status = admin_do(nl, nl_request(nl, QKD_CMD_KEYRING_GET, 0),
			  ring_serial, ring, "keyring");
	nl_close(nl);
	return status;
}

/* Reads all of standard input; -EFBIG if that is more than a block may have. */
static ssize_t read_all(uint8_t *buf)
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = read(STDIN_FILENO, buf + len, BLOCK_MAX + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return len;
		len += n;
		if (len > BLOCK_MAX)
			return -EFBIG;
	}
}

static int load(const char *desc, int32_t ring, const char *id,
		const struct cmd_ctx *ctx)
{
	key_serial_t serial;
	struct out o;
	uint8_t *buf;
	ssize_t len;
	int status;

	buf = mmap(NULL, BLOCK_MAX + 1, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		return cmd_error("memory for a block: %s", strerror(errno));
	/* pads must not go to swap or into a core file */
	if (mlock(buf, BLOCK_MAX + 1)) {
		status = cmd_error("locking 1 MiB of memory: %s (ulimit -l)",
				   strerror(errno));
		goto out_unmap;
	}
	madvise(buf, BLOCK_MAX + 1, MADV_DONTDUMP);
	len = read_all(buf);
	if (len < 0) {
		status = len == -EFBIG ?
			 cmd_error("standard input is longer than a block may be, %u bytes",
				   BLOCK_MAX) :
			 cmd_error("standard input: %s", strerror(-len));
		goto out_wipe;
	}
	serial = add_key("qkd", desc, buf, len, ring);
	if (serial < 0) {
		status = cmd_error("block %s: %s%s", id, strerror(errno),
				   errno == EPERM ? ": this needs CAP_NET_ADMIN on the host, or a ceiling (ssnctl key ceiling)" :
				   errno == EDQUOT ? ": the ceiling is reached (ssnctl key ring)" :
				   errno == EMSGSIZE || errno == EINVAL ? ": is it a whole number of units, 4096 bytes of payload or 2048 of tag slots?" :
				   "");
		goto out_wipe;
	}
	out_begin(&o, stdout, ctx->json);
	out_row(&o, NULL);
	out_str(&o, "block", id);
	out_i64(&o, "serial", serial);
	out_bytes(&o, "size", len);
	out_row_end(&o);
	status = admin_out_end(&o);
out_wipe:
	OPENSSL_cleanse(buf, BLOCK_MAX + 1);
out_unmap:
	munmap(buf, BLOCK_MAX + 1);
	return status;
}

static int run_load(int argc, char **argv, const struct cmd_ctx *ctx)
{
	static const struct option options[] = {
		{ "id", required_argument, NULL, 'i' }, { }
	};
	uint8_t id[UUID_BYTES];
	char text[UUID_TEXT], desc[128];
	const char *given = NULL;
	uint32_t peer;
	int32_t ring;
	int opt, status;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'i')
			return CMD_USAGE;
		given = optarg;
	}
	if (optind + 3 != argc)
		return cmd_usage("key load wants PEER DIR KIND, and the bytes on standard input");
	argv += optind;
	if ((status = admin_u32(argv[0], "peer", 0, UINT32_MAX, &peer)))
		return status;
	if (admin_dir(argv[1]) < 0 || admin_kind(argv[2]) < 0)
		return cmd_usage("\"%s %s\" is not tx, rx or local with payload or tag",
				 argv[1], argv[2]);
	if (given && (status = admin_uuid(given, "block", id)))
		return status;
	if (!given && uuid_random(id))
		return cmd_error("no random bytes for the block's id");
	if (isatty(STDIN_FILENO))
		return cmd_usage("the bytes are read from standard input, which is a terminal");
	if ((status = get_ring(&ring)))
		return status;
	uuid_format(id, text);
	snprintf(desc, sizeof(desc), "%u:%s:%s:%s", peer, argv[1], argv[2],
		 text);
	return load(desc, ring, text, ctx);
}

static const struct cmd key_load = {
	.object = "key", .verb = "load", .args = "PEER DIR KIND [--id UUID]",
	.run = run_load,
	.help = "load a block from standard input; of unknown provenance, and unconfirmed unless local",
};
CMD_REGISTER(key_load);
