/* SPDX-License-Identifier: GPL-2.0 */
/* What the administrator's commands share: netlink, numbers, names. */
#ifndef SSNCTL_ADMIN_H
#define SSNCTL_ADMIN_H

#include <stdint.h>
#include <sys/socket.h>
#include "cmd.h"
#include "nl.h"
#include "output.h"

/* Each says on stderr what was wrong and returns CMD_OK or what to exit with. */
int admin_open(struct nl **nl, const char *family);
/* Sends @req; @what ("peer 11") begins the error. */
int admin_do(struct nl *nl, struct nlmsghdr *req, mnl_cb_t cb, void *arg,
	     const char *what);
/*
 * The commands "NOUN VERB ID", which say nothing more: @family's @cmd with the id
 * in @attr. @id_name is what the id is called.
 */
struct admin_one {
	const char *noun, *id_name;
	uint16_t attr;
};

int admin_one(int argc, char **argv, const struct admin_one *one, uint8_t cmd,
	      mnl_cb_t cb, void *arg);
/* The same, and what comes is shown by @row. */
int admin_show(int argc, char **argv, const struct cmd_ctx *ctx,
	       const struct admin_one *one, uint8_t cmd, mnl_cb_t row);
/*
 * A whole dump as a list on stdout: nothing before all of it is there, begun
 * again if its table changed meanwhile. @row gets each message and a struct out.
 */
int admin_list(const struct cmd_ctx *ctx, const char *family, uint8_t cmd,
	       mnl_cb_t row);
int admin_out_end(struct out *o);

/* @what names the argument in the error. */
int admin_u32(const char *text, const char *what, uint32_t min, uint32_t max,
	      uint32_t *value);
/* Bytes, or with K, M, G (1024). */
int admin_bytes(const char *text, const char *what, uint64_t *bytes);
/* A role's number and an address; both words must be there. */
int admin_role_addr(const char *role, const char *addr, uint32_t *number,
		    struct sockaddr_storage *sa);
int admin_uuid(const char *text, const char *what, uint8_t uuid[16]);
int admin_hex(const char *text, const char *what, void *bytes, size_t len);

/* "tx", "payload", ...: -1 when there is no such word. */
int admin_dir(const char *word);
int admin_kind(const char *word);
const char *admin_dir_name(uint32_t dir);
const char *admin_kind_name(uint32_t kind);
const char *admin_reason_name(uint32_t reason);	/* of a block that is void */
/* Flags of provenance as "path-otp,ak-inside", "none"; @text takes 64 bytes. */
const char *admin_provenance(uint32_t flags, char text[64]);

/* Value of the word after @word in argv[1..], or NULL. "role ssa addr A". */
const char *admin_word(int argc, char **argv, const char *word);
/* Refuse words in argv[@from..] that are not pairs of the NULL-ended list. */
int admin_words_only(int argc, char **argv, int from, const char *const *words);

/* An AF_INET(6) address attribute. */
void admin_addr(struct out *o, const char *key, const struct nlattr *attr);
/* counters of ssn.yaml: inside the current row, or each in a line of its own */
void admin_counters(struct out *o, const struct nlattr *nest, bool lines);

#endif
