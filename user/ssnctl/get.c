// SPDX-License-Identifier: GPL-2.0
/* get: read an object back. Never a partial file under the final name. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owner.h"
#include "progress.h"
#include "ssnsock.h"
#include "util.h"

struct get {
	struct owner o;
	json_t *name;
	const char *path;	/* "-": stdout */
	char *final;		/* where links lead that are at @path */
	char *dir, *tmp;	/* of the temporary file */
	int fd;
	uint64_t size, have;
	json_t *go;
	bool wait;
	struct progress bar;
};

/*
 * What is there already. Only a file is replaced, by a new one; a device or a pipe
 * is what it is for whoever else uses it, and is written to, as stdout is: with what
 * is verified, as it comes.
 */
static int get_target(struct get *g)
{
	struct stat st;

	if (stat(g->path, &st)) {
		if (errno != ENOENT)
			return cmd_error("%s: %s", g->path, strerror(errno));
		if (!lstat(g->path, &st))
			return cmd_error("%s: a symbolic link that leads nowhere",
					 g->path);
		g->final = strdup(g->path);
	} else if (S_ISDIR(st.st_mode)) {
		return cmd_error("%s: is a directory", g->path);
	} else if (!S_ISREG(st.st_mode)) {
		g->fd = open(g->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (g->fd < 0)
			return cmd_error("%s: %s", g->path, strerror(errno));
		return CMD_OK;
	} else {
		g->final = realpath(g->path, NULL);
	}
	return g->final ? CMD_OK : cmd_error("%s: %s", g->path, strerror(errno));
}

/* A temporary name in the folder of the final one, so that rename() can do it. */
static int get_create(struct get *g)
{
	char *copy;
	int ret;

	if (!strcmp(g->path, "-")) {
		g->fd = STDOUT_FILENO;
		return CMD_OK;
	}
	ret = get_target(g);
	if (ret || g->fd >= 0)
		return ret;
	copy = strdup(g->final);
	g->dir = copy ? strdup(dirname(copy)) : NULL;
	free(copy);
	if (!g->dir || asprintf(&g->tmp, "%s/.ssn-get-XXXXXX", g->dir) < 0) {
		g->tmp = NULL;
		return cmd_error("no memory");
	}
	g->fd = mkostemp(g->tmp, O_CLOEXEC);
	if (g->fd < 0) {
		cmd_error("%s: %s", g->dir, strerror(errno));
		free(g->tmp);
		g->tmp = NULL;
		return CMD_FAILED;
	}
	return CMD_OK;
}

static int get_finish(struct get *g)
{
	mode_t mask = umask(0);
	int dirfd, ret = 0;

	umask(mask);
	if (!g->tmp)
		return CMD_OK;
	if (fchmod(g->fd, 0666 & ~mask) || fsync(g->fd))
		return cmd_error("%s: %s", g->tmp, strerror(errno));
	if (rename(g->tmp, g->final))
		return cmd_error("%s: %s", g->path, strerror(errno));
	free(g->tmp);
	g->tmp = NULL;
	dirfd = open(g->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || fsync(dirfd))
		ret = cmd_error("%s: %s", g->dir, strerror(errno));
	if (dirfd >= 0)
		close(dirfd);
	return ret;
}

/* Everything up to "done", which is the caller's in *@done. */
static int get_data(struct get *g, json_t **done)
{
	ssize_t len;
	int ret;

	while (!*done) {
		json_t *msg;

		len = owner_recv(&g->o, g->wait ? 0 : g->o.timeout_ms, &msg);
		if (len <= 0) {
			progress_end(&g->bar);
			return owner_broken(&g->o, "get", len);
		}
		if (msg) {
			if (!strcmp(json_text(msg, "status"), "done")) {
				*done = msg;
				break;
			}
			if (!strcmp(json_text(msg, "status"), "progress")) {
				progress_at(&g->bar, g->have,
					    json_text(msg, "waiting"));
				json_decref(msg);
				continue;
			}
			progress_end(&g->bar);
			owner_refused("get", msg);
			json_decref(msg);
			return CMD_FAILED;
		}
		if ((uint64_t)len > g->size - g->have) {
			progress_end(&g->bar);
			return cmd_error("get: the SSA gave more than the %llu bytes announced",
					 (unsigned long long)g->size);
		}
		ret = write_full(g->fd, g->o.buf, len);
		if (ret) {
			progress_end(&g->bar);
			return cmd_error("%s: %s", g->path, strerror(-ret));
		}
		g->have += len;
		progress_at(&g->bar, g->have, NULL);
	}
	if (g->have != g->size)
		return cmd_error("get: the SSA gave %llu of the %llu bytes announced",
				 (unsigned long long)g->have,
				 (unsigned long long)g->size);
	return CMD_OK;
}

static int get_show(const struct get *g, const json_t *done)
{
	const json_t *liars = json_object_get(done, "liars"), *node;
	FILE *to = strcmp(g->path, "-") ? stdout : stderr;
	struct out out;
	size_t i;

	json_array_foreach(liars, i, node) {
		const struct network_node *n = network_node(&g->o.net,
						json_integer_value(node));

		fprintf(stderr, "ssnctl: get: warning: %s (node %lld) gave a wrong share; the data is right all the same\n",
			n ? n->name : "?", (long long)json_integer_value(node));
	}
	out_begin(&out, to, g->o.ctx->json);
	out_row(&out, NULL);
	out_str(&out, "name", json_text(g->go, "name"));
	out_str(&out, "object", json_text(g->go, "object"));
	out_u64(&out, "version", json_number(g->go, "version"));
	out_bytes(&out, "size", g->size);
	out_str(&out, "file", g->path);
	if (out.json)
		out_list(&out, "liars");
	json_array_foreach(liars, i, node)
		out_u64(&out, out.json ? NULL : "liar", json_integer_value(node));
	if (out.json)
		out_list_end(&out);
	out_u64(&out, "segments_retried", json_number(done, "segments_retried"));
	out_ms(&out, "elapsed_ms", monotonic_ms() - g->bar.begun);
	out_row_end(&out);
	return owner_out_end(&out);
}

static int get_run(struct get *g)
{
	json_t *done = NULL;
	ssize_t len;
	int ret;

	len = owner_send(&g->o, json_pack("{s:s, s:O, s:b}", "op", "get", "name",
					  g->name, "wait", g->wait));
	len = len ?: owner_recv(&g->o, g->o.timeout_ms, &g->go);
	if (len <= 0)
		return owner_broken(&g->o, "get", len);
	if (!g->go || strcmp(json_text(g->go, "status"), "go"))
		return owner_refused("get", g->go);
	g->size = json_number(g->go, "size");
	ret = get_create(g);
	if (ret)
		return ret;
	progress_begin(&g->bar, "get", g->size, g->o.ctx->json);
	ret = get_data(g, &done);
	progress_end(&g->bar);
	ret = ret ?: get_finish(g);
	ret = ret ?: get_show(g, done);
	json_decref(done);
	return ret;
}

static int run(int argc, char **argv, const struct cmd_ctx *ctx)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "wait", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 }
	};
	struct get g = { .fd = -1 };
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (opt == 'w')
			g.wait = true;
		else if (opt == 'o')
			g.path = optarg;
		else
			return CMD_USAGE;
	}
	if (argc - optind != 1)
		return cmd_usage("get takes one NAME, not %d", argc - optind);
	if (!g.path)
		g.path = argv[optind];
	if (g.path == argv[optind] && strchr(g.path, '/'))
		return cmd_usage("the name has a / in it: say where to with -o FILE");
	if (!strcmp(g.path, ".") || !strcmp(g.path, ".."))
		return cmd_usage("\"%s\" is no file: say where to with -o FILE",
				 g.path);
	ret = owner_open(&g.o, ctx);
	if (ret)
		return ret;
	g.name = owner_name(argv[optind]);
	ret = g.name ? owner_connect(&g.o) : CMD_FAILED;
	if (!ret)
		ret = get_run(&g);
	if (g.tmp)
		unlink(g.tmp);
	if (g.fd > STDERR_FILENO)
		close(g.fd);
	free(g.tmp);
	free(g.dir);
	free(g.final);
	json_decref(g.go);
	json_decref(g.name);
	owner_close(&g.o);
	return ret;
}

static const struct cmd get = {
	.verb = "get",
	.args = "NAME [-o FILE] [--wait]",
	.help = "read an object back, to FILE, or to a file of its name; -o - is stdout",
	.run = run,
};
CMD_REGISTER(get);
