/*
 * skein_sandbox UNIT PROGRAM ARGUMENT…: is PROGRAM, as far as a systemd unit's [Service] keeps it
 * from system calls: SystemCallFilter, RestrictAddressFamilies, MemoryDenyWriteExecute,
 * RestrictNamespaces, NoNewPrivileges. A call that the filter does not let through ends the process
 * (SIGSYS), also where the unit would only let it fail: what is looked for is that there is none.
 * What the names of groups stand for, systemd-analyze says.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/list.h"
#include "common/str.h"

#define LINE_MAX_BYTES 4096
#define DEPTH_MAX 8

typedef LIST(const char *) Names;

typedef struct Sandbox {
    Arena arena;
    Names calls; /* that are let through */
    bool is_filtered;
    bool may_use[AF_MAX];
    bool is_restricted_family;
    bool denies_write_execute;
    bool denies_namespaces;
} Sandbox;

static void fail(const char *what, const char *about)
{
    fprintf(stderr, "skein_sandbox: %s: %s\n", what, about);
    exit(125);
}

/* ---- names of calls and of their groups ---- */

static void name_add(Sandbox *sandbox, const char *name)
{
    LIST_EACH(known, &sandbox->calls) {
        if (str_equal(*known, name)) {
            return;
        }
    }
    LIST_PUSH(&sandbox->calls, arena_strdup(&sandbox->arena, name));
}

static void name_remove(Sandbox *sandbox, const char *name)
{
    for (size_t i = sandbox->calls.count; i > 0; i--) {
        if (str_equal(sandbox->calls.items[i - 1], name)) {
            sandbox->calls.items[i - 1] = sandbox->calls.items[--sandbox->calls.count];
        }
    }
}

static void names_apply(Sandbox *sandbox, const char *name, bool is_removed, unsigned depth);

/* A group's lines are indented: a comment, a call or another group. */
static void group_apply(Sandbox *sandbox, const char *group, bool is_removed, unsigned depth)
{
    char line[LINE_MAX_BYTES];
    const char *command =
        arena_printf(&sandbox->arena, "systemd-analyze --no-pager syscall-filter %s", group);
    FILE *list = popen(command, "re");
    while (list != NULL && fgets(line, sizeof(line), list) != NULL) {
        char *name = line + strspn(line, " ");
        name[strcspn(name, "\n")] = '\0';
        if (name != line && name[0] != '#' && name[0] != '\0') {
            names_apply(sandbox, name, is_removed, depth + 1);
        }
    }
    if (list == NULL || pclose(list) != 0) {
        fail("systemd-analyze does not know", group);
    }
}

static void names_apply(Sandbox *sandbox, const char *name, bool is_removed, unsigned depth)
{
    if (depth > DEPTH_MAX) {
        fail("groups within groups", name);
    } else if (name[0] == '@') {
        group_apply(sandbox, name, is_removed, depth);
    } else if (is_removed) {
        name_remove(sandbox, name);
    } else {
        name_add(sandbox, name);
    }
}

/* ---- directives ---- */

static void filter_read(Sandbox *sandbox, const char *value)
{
    bool is_removed = value[0] == '~';
    char *rest = arena_strdup(&sandbox->arena, value + is_removed);
    if (!sandbox->is_filtered && is_removed) {
        fail("a filter that only forbids", value);
    }
    if (!sandbox->is_filtered) {
        names_apply(sandbox, "@default", false, 0); /* systemd adds it to what is allowed */
    }
    sandbox->is_filtered = true;
    for (char *name = NULL; (name = strsep(&rest, " ")) != NULL;) {
        names_apply(sandbox, name, is_removed, 0);
    }
}

static void families_read(Sandbox *sandbox, const char *value)
{
    static const struct {
        const char *name;
        int family;
    } FAMILIES[] = {
        { "AF_UNIX", AF_UNIX },
        { "AF_INET", AF_INET },
        { "AF_INET6", AF_INET6 },
        { "AF_NETLINK", AF_NETLINK },
    };
    char *rest = arena_strdup(&sandbox->arena, value);
    for (char *name = NULL; (name = strsep(&rest, " ")) != NULL;) {
        size_t i = 0;
        while (i < ARRAY_LEN(FAMILIES) && !str_equal(FAMILIES[i].name, name)) {
            i++;
        }
        if (i == ARRAY_LEN(FAMILIES)) {
            fail("no family that is known here", name);
        }
        sandbox->may_use[FAMILIES[i].family] = true;
    }
    sandbox->is_restricted_family = true;
}

static void write_execute_read(Sandbox *sandbox, const char *value)
{
    sandbox->denies_write_execute = str_equal(value, "yes");
}

static void namespaces_read(Sandbox *sandbox, const char *value)
{
    sandbox->denies_namespaces = str_equal(value, "yes");
}

static const struct {
    const char *name;
    void (*read)(Sandbox *sandbox, const char *value);
} DIRECTIVES[] = {
    { "SystemCallFilter=", filter_read },
    { "RestrictAddressFamilies=", families_read },
    { "MemoryDenyWriteExecute=", write_execute_read },
    { "RestrictNamespaces=", namespaces_read },
};

static void unit_read(const char *path, Sandbox *sandbox)
{
    char line[LINE_MAX_BYTES];
    FILE *unit = fopen(path, "re");
    if (unit == NULL) {
        fail(path, strerror(errno));
    }
    while (fgets(line, sizeof(line), unit) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < ARRAY_LEN(DIRECTIVES); i++) {
            if (str_starts_with(line, DIRECTIVES[i].name)) {
                DIRECTIVES[i].read(sandbox, line + strlen(DIRECTIVES[i].name));
            }
        }
    }
    fclose(unit);
    if (!sandbox->is_filtered) {
        fail("no SystemCallFilter in", path);
    }
}

/* ---- the filter ---- */

/* What is told apart by an argument gets its rules instead of the blanket one. */
static void socket_allow(scmp_filter_ctx filter, const Sandbox *sandbox)
{
    for (int family = 0; family < AF_MAX; family++) {
        if (sandbox->may_use[family] &&
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0)) != 0) {
            fail("no rule for", "socket");
        }
    }
}

/* Not to be had: memory that can be written and run, and memory that becomes runnable. */
static void memory_allow(scmp_filter_ctx filter, const char *call, int number)
{
    bool is_mmap = str_equal(call, "mmap");
    const scmp_datum_t both = PROT_WRITE | PROT_EXEC;
    const scmp_datum_t values[] = { 0, PROT_WRITE, PROT_EXEC };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        bool is_forbidden = !is_mmap && values[i] == PROT_EXEC;
        if (!is_forbidden && seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
                                              SCMP_A2(SCMP_CMP_MASKED_EQ, both, values[i])) != 0) {
            fail("no rule for", call);
        }
    }
}

static void call_allow(scmp_filter_ctx filter, const Sandbox *sandbox, const char *call)
{
    int number = seccomp_syscall_resolve_name(call);
    if (number == __NR_SCMP_ERROR) {
        return; /* newer than this library, or of another machine */
    }
    if (sandbox->is_restricted_family && str_equal(call, "socket")) {
        socket_allow(filter, sandbox);
    } else if (sandbox->denies_write_execute &&
               (str_equal(call, "mmap") || str_equal(call, "mprotect"))) {
        memory_allow(filter, call, number);
    } else if (sandbox->denies_namespaces &&
               (str_equal(call, "unshare") || str_equal(call, "setns"))) {
        return;
    } else if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) != 0) {
        fail("no rule for", call);
    }
}

static void filter_load(const Sandbox *sandbox)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) {
        fail("seccomp_init", "failed");
    }
    LIST_EACH(call, &sandbox->calls) {
        call_allow(filter, sandbox, *call);
    }
    if (seccomp_load(filter) != 0) {
        fail("seccomp_load", "failed");
    }
    seccomp_release(filter);
}

int main(int argc, char **argv)
{
    Sandbox sandbox = { 0 };
    if (argc < 3) {
        fail("usage", "skein_sandbox UNIT PROGRAM ARGUMENT…");
    }
    unit_read(argv[1], &sandbox);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    filter_load(&sandbox);
    execv(argv[2], argv + 2);
    fail(argv[2], strerror(errno));
}
