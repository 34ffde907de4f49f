// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each case runs in a process of its own: a failed assertion ends it, and
 * whatever it left open is closed with it.
 */
#define _GNU_SOURCE	/* FNM_EXTMATCH */
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "expect.h"
#include "io.h"
#include "run.h"

#define CASES_MAX	256
#define CASE_SECONDS	60	/* scaled; far more than any of them takes */
#define EXIT_SKIP	4
#define KNOWN_WAIT_MS	250	/* for what is known not to happen */
#define KNOWN_QUIET_MS	1000	/* for what is known to happen, and ends it */
/* An oops, a warning, a lockup, a bad page. */
#define TAINT_BAD	(1u << 7 | 1u << 9 | 1u << 14 | 1u << 5)

/* One line of the report. */
struct item {
	const struct conf_case *c;
	bool packed;
	char name[64];
};

/* What a case tells the parent process. */
static struct {
	char skip[128];
} *shared;

static const struct conf_case *cases[CASES_MAX];
static unsigned int ncases;
static struct item items[2 * CASES_MAX];
static unsigned int nitems;

/* From what a driver meets first to what nobody should try. */
static const char *const groups[] = {
	"open", "status", "features", "backend", "config", "vring", "iotlb",
	"group", "data", "notify", "ctrl", "suspend", "reset", "memory",
	"hostile",
};

void conf_register(const struct conf_case *c)
{
	CHECK(ncases < CASES_MAX, "too many cases");
	cases[ncases++] = c;
}

static int rank(const char *group)
{
	unsigned int i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (!strcmp(groups[i], group))
			return (int)i;
	CHECK(false, "group '%s' has no place", group);
	return -1;
}

static int by_place(const void *a, const void *b)
{
	const struct conf_case *x = *(const struct conf_case *const *)a;
	const struct conf_case *y = *(const struct conf_case *const *)b;
	int diff = rank(x->group) - rank(y->group);

	return diff ? diff : x->line - y->line;
}

static void add_item(const struct conf_case *c, bool packed, const char *filter)
{
	struct item *it = &items[nitems];

	it->c = c;
	it->packed = packed;
	snprintf(it->name, sizeof(it->name), "%s.%s%s", c->group, c->name,
		 c->needs & RINGS ? packed ? ".packed" : ".split" : "");
	if (!filter || !fnmatch(filter, it->name, FNM_EXTMATCH))
		nitems++;
}

unsigned int run_select(const char *filter)
{
	unsigned int i;

	qsort(cases, ncases, sizeof(cases[0]), by_place);
	for (i = 0; i < ncases; i++) {
		add_item(cases[i], false, filter);
		if (cases[i]->needs & RINGS)
			add_item(cases[i], true, filter);
	}
	return nitems;
}

void run_list(void)
{
	unsigned int i;

	for (i = 0; i < nitems; i++)
		printf("%-40s %s\n", items[i].name, items[i].c->rule);
}

void skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(shared->skip, sizeof(shared->skip), fmt, args);
	va_end(args);
	fflush(stdout);
	_exit(EXIT_SKIP);
}

static void skip_unless(bool have, const char *reason)
{
	if (!have)
		skip("%s", reason);
}

static void check_needs(struct dev *d, unsigned int needs)
{
	struct {
		unsigned int need;
		bool have;
		const char *reason;
	} table[] = {
		{ NEED_NET, vv_get_device_id(&d->vv) == 1,
		  "not a network device" },
		{ NEED_FRAMES, options.peer || options.loopback,
		  "needs --peer or --loopback" },
		{ NEED_PEER, options.peer, "needs --peer" },
		{ NEED_SUSPEND, dev_has(d, VV_BACKEND(SUSPEND)),
		  "SUSPEND is not offered" },
		{ NEED_RESUME, dev_has(d, VV_BACKEND(RESUME)),
		  "RESUME is not offered" },
		{ NEED_PERSIST, dev_has(d, VV_BACKEND(IOTLB_PERSIST)),
		  "IOTLB_PERSIST is not offered" },
		{ NEED_DESC_ASID, dev_has(d, VV_BACKEND(DESC_ASID)),
		  "DESC_ASID is not offered" },
		{ NEED_LATE, dev_has(d, VV_BACKEND(ENABLE_AFTER_DRIVER_OK)),
		  "ENABLE_AFTER_DRIVER_OK is not offered" },
		{ NEED_GROUPS, d->ngroups > 1 && d->nas > 1,
		  "one group or one address space" },
		{ NEED_CVQ, d->offered & F(NET_F_CTRL_VQ),
		  "CTRL_VQ is not offered" },
		{ NEED_MQ, d->offered & F(NET_F_MQ) && d->max_pairs > 1,
		  "one queue pair" },
		{ NEED_EVENT_IDX, d->offered & F(RING_F_EVENT_IDX),
		  "EVENT_IDX is not offered" },
		{ NEED_INDIRECT, d->offered & F(RING_F_INDIRECT_DESC),
		  "INDIRECT_DESC is not offered" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (needs & table[i].need)
			skip_unless(table[i].have, table[i].reason);
	skip_unless(!d->packed || d->offered & F(F_RING_PACKED),
		    "RING_PACKED is not offered");
}

static void run_case(const struct item *it)
{
	struct dev *d = calloc(1, sizeof(*d));

	CHECK(d, "memory");
	dev_open(d);
	d->packed = it->packed;
	check_needs(d, it->c->needs);
	it->c->check(d);
	dev_close(d);
	fflush(stdout);
	_exit(0);
}

static unsigned long taint(void)
{
	char text[32];

	if (__file_read("/proc/sys/kernel/tainted", text, sizeof(text)) <= 0)
		return 0;
	return strtoul(text, NULL, 10) & TAINT_BAD;
}

/* Its wait status, or -1 for one that had to be ended. */
static int wait_for(pid_t pid)
{
	int status = -1;

	if (WAIT_UNTIL(waitpid(pid, &status, WNOHANG) == pid,
		       CASE_SECONDS * 1000))
		return status;
	printf("# not done within %u s\n", CASE_SECONDS * slow_factor());
	kill(pid, SIGKILL);
	if (!WAIT_UNTIL(waitpid(pid, &status, WNOHANG) == pid, 5000)) {
		printf("Bail out! a call of the device does not return\n");
		exit(1);
	}
	return -1;
}

static enum outcome run_item(const struct item *it)
{
	unsigned long before = taint();
	int status;
	pid_t pid;

	shared->skip[0] = '\0';
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0, "fork");
	if (!pid)
		run_case(it);
	status = wait_for(pid);
	if (taint() & ~before) {
		printf("# the kernel complained (see dmesg)\n");
		return FAILED;
	}
	if (status == -1)
		return FAILED;
	if (WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 1)
		return FAILED;
	return WEXITSTATUS(status) == EXIT_SKIP ? SKIPPED : PASSED;
}

/* "ok" is what is conforming or, with a list, what is known. */
static bool report(unsigned int number, const struct item *it,
		   enum outcome got, enum outcome want, const char *reason)
{
	static const char *const word[] = {
		"passes", "fails", "is skipped", "passes or fails"
	};
	bool ok = got == want || (want == EITHER && got != SKIPPED) ||
		  (!expect_given() && got == SKIPPED);

	if (got == FAILED)
		printf("# contract: %s\n", it->c->rule);
	if (!ok && expect_given() && !(got == FAILED && want == PASSED))
		printf("# it %s; the list says that it %s\n", word[got],
		       word[want]);
	if (got == SKIPPED)
		printf("# skipped: %s\n", shared->skip);
	if (ok && got == FAILED)
		printf("# known difference: %s\n", reason);
	printf("%sok %u - %s%s%s\n", ok ? "" : "not ", number, it->name,
	       ok && got == SKIPPED && !expect_given() ? " # SKIP " : "",
	       ok && got == SKIPPED && !expect_given() ? shared->skip : "");
	return ok;
}

static void describe(void)
{
	struct dev *d = calloc(1, sizeof(*d));

	CHECK(d, "memory");
	dev_open(d);
	printf("# %s: virtio device %u, %u queues of up to %u entries\n",
	       options.node, vv_get_device_id(&d->vv), d->nvqs, d->ring_max);
	printf("# %u group(s), %u address space(s)\n", d->ngroups, d->nas);
	printf("# features 0x%llx, backend features 0x%llx\n",
	       (unsigned long long)d->offered, (unsigned long long)d->backend);
	dev_close(d);
	free(d);
}

bool run_all(void)
{
	const struct options given = options;
	unsigned int count[3] = { 0 }, i;
	bool good = true;

	shared = mmap(NULL, GMEM_PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED, "mmap");
	printf("TAP version 13\n1..%u\n", nitems);
	describe();
	for (i = 0; i < nitems; i++) {
		enum outcome want, got;
		const char *reason = expect_of(items[i].name, &want);

		options = given;
		if (want == FAILED || want == EITHER) {
			options.wait_ms = KNOWN_WAIT_MS;
			options.quiet_ms = KNOWN_QUIET_MS;
		}
		got = run_item(&items[i]);
		count[got]++;
		good &= report(i + 1, &items[i], got, want, reason);
	}
	printf("# %u conform, %u do not, %u were skipped\n", count[PASSED],
	       count[FAILED], count[SKIPPED]);
	return good;
}
