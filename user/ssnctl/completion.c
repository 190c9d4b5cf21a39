// SPDX-License-Identifier: GPL-2.0
/*
 * Completion for bash, made from the table of commands:
 *
 *	. <(ssnctl completion bash)
 *
 * The script asks the program that is installed for the words that may follow
 * (ssnctl completion words ...), so the two cannot disagree.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "table.h"

static const char script[] =
"_ssnctl()\n"
"{\n"
"	local cur=${COMP_WORDS[COMP_CWORD]} words\n"
"	words=$(\"${COMP_WORDS[0]}\" completion words \\\n"
"		\"${COMP_WORDS[@]:1:COMP_CWORD-1}\" 2>/dev/null)\n"
"	case \" $words \" in\n"
"	*' @file '*) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
"	*' @netns '*) COMPREPLY=($(compgen -W \"$(ls /run/netns 2>/dev/null)\" -- \"$cur\")) ;;\n"
"	*) COMPREPLY=() ;;\n"
"	esac\n"
"	words=${words//@file/}\n"
"	COMPREPLY+=($(compgen -W \"${words//@netns/}\" -- \"$cur\"))\n"
"}\n"
"complete -F _ssnctl ssnctl\n";

static int run_bash(int argc, char **argv, const struct cmd_ctx *ctx)
{
	if (argc > 1)
		return cmd_usage("completion bash takes nothing more");
	fputs(script, stdout);
	return CMD_OK;
}

/* Options of the usage text, and FILE where the last word wants one. */
static void words_of(const struct cmd *cmd, const char *last)
{
	const char *p = cmd->args ?: "";
	size_t n;

	if (strstr(p, "FILE"))
		puts("@file");
	for (; (p = strstr(p, "--")); p += n) {
		for (n = 2; isalnum((unsigned char)p[n]) || p[n] == '-'; n++)
			;
		if (strlen(last) != n || strncmp(p, last, n))
			printf("%.*s\n", (int)n, p);
	}
}

static void first_words(void)
{
	const struct cmd *const *cmd;
	const char *before = "";
	size_t n, i;

	puts("-j\n-n\n-c\n--help");
	cmd = table_all(&n);
	for (i = 0; i < n; i++) {
		if (!cmd[i]->object)
			puts(cmd[i]->verb);
		else if (strcmp(cmd[i]->object, before))
			puts(before = cmd[i]->object);
	}
}

static void verbs_of(const char *object)
{
	const struct cmd *const *cmd;
	size_t n, i;

	cmd = table_all(&n);
	for (i = 0; i < n; i++)
		if (cmd[i]->object && !strcmp(cmd[i]->object, object))
			puts(cmd[i]->verb);
	puts("--help");
}

/* argv: the words typed before the one to complete, without "ssnctl" */
static int run_words(int argc, char **argv, const struct cmd_ctx *ctx)
{
	const char *object, *several;
	const struct cmd *cmd;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		bool netns = !strcmp(argv[i], "-n") || !strcmp(argv[i], "--netns");

		if (!netns && strcmp(argv[i], "-c") && strcmp(argv[i], "--config"))
			continue;
		if (++i == argc) {
			puts(netns ? "@netns" : "@file");
			return CMD_OK;
		}
	}
	if (i == argc) {
		first_words();
		return CMD_OK;
	}
	cmd = table_find(NULL, argv[i]);
	if (cmd) {
		words_of(cmd, argv[argc - 1]);
		return CMD_OK;
	}
	object = table_object(argv[i], &several);
	if (!object)
		return CMD_OK;
	if (i + 1 == argc)
		verbs_of(object);
	else if ((cmd = table_find(object, argv[i + 1])))
		words_of(cmd, argv[argc - 1]);
	return CMD_OK;
}

static const struct cmd completion_bash = {
	.object = "completion", .verb = "bash",
	.help = "completion for bash: . <(ssnctl completion bash)",
	.run = run_bash,
};
CMD_REGISTER(completion_bash);

static const struct cmd completion_words = {
	.object = "completion", .verb = "words", .args = "[WORD ...]",
	.help = "the words that may follow these", .run = run_words,
};
CMD_REGISTER(completion_words);
