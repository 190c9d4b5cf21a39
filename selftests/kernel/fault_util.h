/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations that fail. In a system call of this thread: arm() before it and
 * disarm() after. Of the whole machine, which is how those of workqueues are
 * reached: machine_arm(), machine_disarm(). Both count, and fail, only what is
 * asked for with code of one module in the stack: faults_in().
 *
 * Nothing here may be used across fork or exec: User-Mode Linux dies of it.
 */
#ifndef FAULT_UTIL_H
#define FAULT_UTIL_H

#include <ctype.h>
#include <inttypes.h>

#include "qkd_util.h"

#define DEBUGFS		"/sys/kernel/debug/"

/* What can fail; copies from and to user space only in system calls */
static const char *const fault_dir[] = {
	DEBUGFS "failslab", DEBUGFS "fail_page_alloc", DEBUGFS "fail_usercopy",
};
#define FAULT_SLAB	0
#define FAULT_PAGE	1
#define FAULT_COPY	2

static int fault_nth = -1;

static void fault_set(int what, const char *file, uint64_t value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", fault_dir[what], file);
	f = fopen(path, "w");
	if (!f)
		bail("%s: %s", path, strerror(errno));
	fprintf(f, "%" PRIu64 "\n", value);
	if (fclose(f))
		bail("%s: %s", path, strerror(errno));
}

static uint64_t fault_get(int what, const char *file)
{
	uint64_t value = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", fault_dir[what], file);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%" SCNu64, &value) != 1)
		bail("%s: %s", path, strerror(errno));
	fclose(f);
	return value;
}

/* A switch, Y or N */
static void fault_flag(int what, const char *file, char value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fault_dir[what], file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, &value, 1) != 1)
		bail("%s: %s", path, strerror(errno));
	close(fd);
}

/* One line of /proc/kallsyms: whether it is code */
static bool symbol_next(FILE *f, uint64_t *addr, char name[256], char mod[64])
{
	char line[512], type;

	while (fgets(line, sizeof(line), f)) {
		mod[0] = '\0';
		if (sscanf(line, "%" SCNx64 " %c %255s [%63[^]]", addr, &type,
			   name, mod) >= 3 && tolower(type) == 't')
			return true;
	}
	return false;
}

/* Where the code of a module is */
static void module_range(const char *module, uint64_t *start, uint64_t *end)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char name[256], mod[64];
	uint64_t addr;

	*start = UINT64_MAX;
	*end = 0;
	while (f && symbol_next(f, &addr, name, mod))
		if (!strcmp(mod, module)) {
			*start = addr < *start ? addr : *start;
			*end = addr > *end ? addr : *end;
		}
	if (!*end)
		bail("/proc/kallsyms: no module %s", module);
	fclose(f);
	*end += 4096;	/* the last function; nothing is behind it */
}

/* Where a function of the kernel itself is, up to the next one */
static void function_range(const char *function, uint64_t *start, uint64_t *end)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char name[256], mod[64];

	*start = 0;
	while (f && !*start && symbol_next(f, end, name, mod))
		if (!strcmp(name, function))
			*start = *end;
	if (!*start || !symbol_next(f, end, name, mod))
		bail("/proc/kallsyms: no function %s", function);
	fclose(f);
}

/* From now on only what @module asks for fails; NULL: whatever is asked for */
static void faults_in(const char *module)
{
	uint64_t start = 0, end = UINT64_MAX;
	int i;

	if (module)
		module_range(module, &start, &end);
	for (i = 0; i < 3; i++) {
		fault_set(i, "require-start", start);
		fault_set(i, "require-end", end);
	}
}

/*
 * Also allocations that may sleep, which are nearly all, and single pages. False
 * if this kernel injects no faults.
 */
static bool faults_begin(void)
{
	uint64_t start, end;
	int i;

	fault_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fault_nth < 0 || access(fault_dir[FAULT_SLAB], F_OK))
		return false;
	for (i = 0; i < 2; i++)
		fault_flag(i, "ignore-gfp-wait", 'N');
	fault_set(FAULT_PAGE, "min-order", 0);
	for (i = 0; i < 3; i++)
		fault_set(i, "verbose", 0);
	/* what the debugging of memory wants for itself, and can do without */
	function_range("__alloc_object", &start, &end);
	fault_set(FAULT_SLAB, "reject-start", start);
	fault_set(FAULT_SLAB, "reject-end", end);
	function_range("stack_depot_save_flags", &start, &end);
	fault_set(FAULT_PAGE, "reject-start", start);
	fault_set(FAULT_PAGE, "reject-end", end);
	return true;
}

static void faults_end(void)
{
	int i;

	faults_in(NULL);
	for (i = 0; i < 2; i++)
		fault_flag(i, "ignore-gfp-wait", 'Y');
	fault_set(FAULT_PAGE, "min-order", 1);
	close(fault_nth);
}

/* --- in a system call */

/* Lets the @n-th allocation of the next system call fail. */
static void arm(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	if (pwrite(fault_nth, text, strlen(text), 0) < 0)
		bail("fail-nth: %s", strerror(errno));
}

/* Whether it did; if not, the fault may hit what is done here to find out. */
static bool disarm(void)
{
	char text[16] = "";
	int err = errno;
	bool hit;

	hit = pread(fault_nth, text, sizeof(text) - 1, 0) >= 0 &&
	      pwrite(fault_nth, "0", 1, 0) >= 0 && atoi(text) == 0;
	errno = err;
	return hit;
}

#define FAULTS_MAX	300	/* allocations of one call, at most */

/*
 * A call, what has to be there before it, and what has to be true after it; all
 * but @after give 0 or an errno. What fails is only @call. @may_say: an errno
 * that it may give besides those of memory.
 */
struct step {
	const char *name;
	void (*before)(void);
	int (*call)(void);
	bool (*after)(void);
	int may_say;
};

static UNUSED bool of_memory(int err)
{
	return err == ENOMEM || err == ENOBUFS;
}

/*
 * Each allocation of a call fails: it says so or goes on without; it works when
 * it is done again; and what is true afterwards is true.
 */
static UNUSED void each(struct __test_metadata *_metadata, const struct step *s)
{
	int n, err, told = 0, survived = 0, wrong = 0;
	bool hit = true;

	for (n = 1; hit && n < FAULTS_MAX && wrong < 5; n++) {
		if (s->before)
			s->before();
		arm(n);
		err = s->call();
		hit = disarm();
		told += hit && err;
		survived += hit && !err;
		if (err && (!hit || (!of_memory(err) && err != EFAULT &&
				     err != s->may_say))) {
			diag("%s, %d: %s", s->name, n, strerror(err));
			wrong++;
		}
		if (err)
			err = s->call();
		if (err) {
			diag("%s, %d: not even afterwards: %s", s->name, n,
			     strerror(err));
			wrong++;
		}
		if (s->after && !s->after()) {
			diag("%s, %d: not what it was to be", s->name, n);
			wrong++;
		}
	}
	diag("%s: %d failures are told, %d do not matter", s->name, told,
	     survived);
	EXPECT_TRUE(!wrong && !hit)
		TH_LOG("%s", s->name);
}

/* --- of the machine */

/*
 * The kernel fails an allocation when their number, counted from the boot of the
 * machine, is a multiple of n. So first one is made to fail, which brings the
 * number to such a multiple: @make does allocations of the kind, and nothing is
 * lost when one fails. The next to fail is the n-th after that.
 */
static UNUSED void machine_arm(int what, int n, void (*make)(void))
{
	int tries;

	fault_set(what, "interval", n);
	fault_set(what, "times", 1);
	fault_set(what, "probability", 100);
	for (tries = 0; n > 1 && fault_get(what, "times"); tries++) {
		if (tries == 100 * n)
			bail("no allocation of %s to count", fault_dir[what]);
		make();
	}
	fault_set(what, "times", 1);
}

/* Whether it failed */
static UNUSED bool machine_disarm(int what)
{
	fault_set(what, "probability", 0);
	return !fault_get(what, "times");
}

#endif
