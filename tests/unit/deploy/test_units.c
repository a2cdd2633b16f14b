/* The units of systemd in deploy: what they must say, whoever edits them next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/str.h"

#define UNIT_BYTES_MAX 65536

static const char *const UNITS[] = { "skein-agent", "skein-coordinator" };
enum { AGENT, COORDINATOR, BOTH };

typedef struct Line {
    int unit;
    const char *text;
} Line;

static const Line REQUIRED[] = {
    { BOTH, "User=skein" },
    { BOTH, "Group=skein" },
    { BOTH, "LimitCORE=0" },
    { BOTH, "LimitMEMLOCK=8M" },
    { BOTH, "MemorySwapMax=0" },
    { BOTH, "NoNewPrivileges=yes" },
    { BOTH, "CapabilityBoundingSet=" },
    { BOTH, "AmbientCapabilities=" },
    { BOTH, "UMask=0077" },
    { BOTH, "ProtectSystem=strict" },
    { BOTH, "ProtectHome=yes" },
    { BOTH, "PrivateDevices=yes" },
    { BOTH, "PrivateMounts=yes" },
    { BOTH, "ProtectClock=yes" },
    { BOTH, "ProtectControlGroups=yes" },
    { BOTH, "ProtectHostname=yes" },
    { BOTH, "ProtectKernelLogs=yes" },
    { BOTH, "ProtectKernelModules=yes" },
    { BOTH, "ProtectKernelTunables=yes" },
    { BOTH, "ProtectProc=invisible" },
    { BOTH, "ProcSubset=pid" },
    { BOTH, "RemoveIPC=yes" },
    { BOTH, "KeyringMode=private" },
    { BOTH, "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK" },
    { BOTH, "RestrictNamespaces=yes" },
    { BOTH, "RestrictRealtime=yes" },
    { BOTH, "RestrictSUIDSGID=yes" },
    { BOTH, "LockPersonality=yes" },
    { BOTH, "MemoryDenyWriteExecute=yes" },
    { BOTH, "SystemCallArchitectures=native" },
    { BOTH, "SystemCallFilter=@system-service" },
    { BOTH, "SystemCallFilter=~@privileged @resources" },
    { BOTH, "SystemCallErrorNumber=EPERM" },
    { BOTH, "RestartPreventExitStatus=2 3" },
    { COORDINATOR, "PrivateTmp=yes" },
    { COORDINATOR, "StateDirectoryMode=0700" },
    { AGENT, "TimeoutStopSec=2h" },
    { AGENT, "SocketBindDeny=any" },
};

/* In tenths, as docs/security.md has it: no more than that. */
static const char *const EXPOSURE_MAX[] = { [AGENT] = "16", [COORDINATOR] = "15" };

static void unit_text(const char *name, Str *text)
{
    AUTO(Str) path = { 0 };
    Err err = { 0 };
    str_append_char(text, '\n');
    str_printf(&path, SKEIN_SOURCE_DIR "/deploy/%s.service.in", name);
    assert_int_equal(file_read(str_text(&path), UNIT_BYTES_MAX, text, &err), ERR_NONE);
}

static void the_units_shut_the_daemons_in(void **state)
{
    (void)state;
    for (size_t unit = 0; unit < ARRAY_LEN(UNITS); unit++) {
        AUTO(Str) text = { 0 };
        unit_text(UNITS[unit], &text);
        for (size_t i = 0; i < ARRAY_LEN(REQUIRED); i++) {
            AUTO(Str) line = { 0 };
            str_printf(&line, "\n%s\n", REQUIRED[i].text);
            bool is_due = REQUIRED[i].unit == BOTH || REQUIRED[i].unit == (int)unit;
            if (is_due && strstr(str_text(&text), str_text(&line)) == NULL) {
                fail_msg("%s.service.in lacks %s", UNITS[unit], REQUIRED[i].text);
            }
        }
    }
}

/* What is taken back in later lines of SystemCallFilter has its reasons; no group is. */
static void the_filter_of_system_calls_gives_no_group_back(void **state)
{
    (void)state;
    for (size_t unit = 0; unit < ARRAY_LEN(UNITS); unit++) {
        AUTO(Str) text = { 0 };
        size_t groups = 0;
        unit_text(UNITS[unit], &text);
        const char *at = str_text(&text);
        while ((at = strstr(at, "\nSystemCallFilter=@")) != NULL) {
            at++;
            groups++;
        }
        assert_int_equal(groups, 1);
    }
}

/* systemd's own judgement, where it is installed. */
static void systemd_finds_little_that_is_exposed(void **state)
{
    (void)state;
    if (access("/usr/bin/systemd-analyze", X_OK) != 0) {
        printf("skipped: there is no systemd-analyze\n");
        skip();
    }
    for (size_t unit = 0; unit < ARRAY_LEN(UNITS); unit++) {
        AUTO(Str) command = { 0 };
        str_printf(&command,
                   "dir=$(mktemp -d) && trap 'rm -r \"$dir\"' EXIT && "
                   "sed s,@CMAKE_INSTALL_FULL_BINDIR@,/usr/bin, '%s/deploy/%s.service.in' "
                   ">\"$dir/%s.service\" && systemd-analyze --no-pager security --offline=true "
                   "--threshold=%s \"$dir/%s.service\" >\"$dir/out\" 2>&1 || "
                   "{ cat \"$dir/out\"; exit 1; }",
                   SKEIN_SOURCE_DIR, UNITS[unit], UNITS[unit], EXPOSURE_MAX[unit], UNITS[unit]);
        assert_int_equal(system(str_text(&command)), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_units_shut_the_daemons_in),
        cmocka_unit_test(the_filter_of_system_calls_gives_no_group_back),
        cmocka_unit_test(systemd_finds_little_that_is_exposed),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
