/*
 * squawk beside skein, on what every rule here finds fault with: where squawk does, so does a rule
 * that is said to be its counterpart, or a reason stands below. What skein finds fine is left out:
 * it knows the tables, and squawk the statement alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli/lint/lint.h"
#include "common/file.h"
#include "tests/unit/cli/lint/peer_rules.h"

#define SQUAWK_PROGRAM SKEIN_PEERS_BIN "/squawk"
#define EXAMPLE "example.sql"

/* Where squawk finds fault and skein rightly does not. */
static const struct {
    const char *rule; /* squawk's */
    const char *why;
} APART[] = {
    { "prefer-robust-stmts", "a migration is applied whole or not at all" },
    { "require-lock-timeout", "skein sets it for every transaction" },
};

static bool is_apart(const char *rule)
{
    for (size_t i = 0; i < ARRAY_LEN(APART); i++) {
        if (str_equal(APART[i].rule, rule)) {
            return true;
        }
    }
    return false;
}

/* With what is off by default, too. */
static LintReport lint(const char *sql, Arena *arena)
{
    MigrationSet set = { 0 };
    ScriptInput inputs[RULE_WORLD_COUNT + 1];
    for (size_t i = 0; i <= RULE_WORLD_COUNT; i++) {
        const char *text = i < RULE_WORLD_COUNT ? RULE_WORLD[i] : sql;
        inputs[i] = (ScriptInput){
            .file = i < RULE_WORLD_COUNT ? arena_printf(arena, "%zu.sql", i) : EXAMPLE,
            .bytes = { (const uint8_t *)text, strlen(text) },
        };
    }
    source_take(inputs, RULE_WORLD_COUNT + 1, arena, &set);
    LintConfig config = { 0 };
    LintReport report = { 0 };
    Err err = { 0 };
    lint_config_defaults(arena, &config);
    Severity *severities = ARENA_ARRAY(arena, Severity, lint_rule_count());
    for (size_t i = 0; i < lint_rule_count(); i++) {
        severities[i] = SEVERITY_WARNING;
    }
    config.severities = severities;
    ErrCode code = lint_run(&set, &config, &(LintRange){ .from = EXAMPLE }, arena, &report, &err);
    assert_int_equal(code, ERR_NONE);
    return report;
}

static bool has_rule(const LintReport *report, const char *id)
{
    for (size_t i = 0; i < report->count; i++) {
        if (str_equal(report->findings[i]->rule->id, id)) {
            return true;
        }
    }
    return false;
}

static const PeerRule *peer_rule(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(SQUAWK); i++) {
        if (str_equal(SQUAWK[i].name, name)) {
            return &SQUAWK[i];
        }
    }
    fail_msg("squawk has a rule %s that is not in the table", name);
    return NULL;
}

/* No counterpart says anything, though there is one. */
static bool is_missed(const LintReport *report, const PeerRule *rule)
{
    for (size_t i = 0; i < ARRAY_LEN(rule->ours) && rule->ours[i] != NULL; i++) {
        if (has_rule(report, rule->ours[i])) {
            return false;
        }
    }
    return rule->ours[0] != NULL;
}

static json_t *squawk(const char *path, Arena *arena)
{
    AUTO(Str) out = { 0 };
    char buffer[4096];
    FILE *pipe =
        popen(arena_printf(arena, SQUAWK_PROGRAM " --reporter json %s 2>/dev/null", path), "re");
    assert_non_null(pipe);
    for (size_t got = 0; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
        str_append_bytes(&out, buffer, got);
    }
    pclose(pipe);
    json_t *answer = json_loads(str_text(&out), 0, NULL);
    assert_true(json_is_array(answer));
    return answer;
}

static size_t compare(const char *sql, const char *path, Str *missed)
{
    AUTO(Arena) arena = { 0 };
    size_t index = 0;
    const json_t *finding = NULL;
    assert_int_equal(file_write_atomic(path, sql, strlen(sql), 0600, NULL), ERR_NONE);
    LintReport report = lint(sql, &arena);
    json_t *answer = squawk(path, &arena);
    json_array_foreach(answer, index, finding)
    {
        const char *name = json_string_value(json_object_get(finding, "rule_name"));
        if (is_missed(&report, peer_rule(name)) && !is_apart(name)) {
            str_printf(missed, "%s\n  of %s\n", name, sql);
        }
    }
    size_t count = json_array_size(answer);
    json_decref(answer);
    return count;
}

static void what_squawk_finds_skein_finds(void **state)
{
    (void)state;
    if (access(SQUAWK_PROGRAM, X_OK) != 0) {
        print_message("skipped: there is no squawk here (tests/peers/install)\n");
        skip();
    }
    AUTO(Str) missed = { 0 };
    size_t count = 0;
    char path[] = "/tmp/skein-squawk-XXXXXX.sql";
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < lint_rule_count(); i++) {
        count += compare(lint_rule_at(i)->fires.up, path, &missed);
    }
    unlink(path);
    if (missed.length > 0) {
        fputs(str_text(&missed), stderr); /* more than cmocka prints */
        fail_msg("squawk finds fault with these, and skein does not");
    }
    print_message("squawk found fault %zu times\n", count);
    assert_true(count > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_squawk_finds_skein_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
