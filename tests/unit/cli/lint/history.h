/* Histories for lint's tests: migrations given as text, written to a directory
 * and read from there. */
#ifndef SKEIN_TESTS_UNIT_CLI_LINT_HISTORY_H
#define SKEIN_TESTS_UNIT_CLI_LINT_HISTORY_H

#include "tests/unit/cli/support.h"

#include "cli/lint/lint.h"

typedef struct History {
    Arena arena;
    char directory[SCRATCH_PATH_MAX];
    unsigned count;
} History;

static inline void history_done(History *history)
{
    scratch_remove(history->directory);
    arena_done(&history->arena);
}

AUTO_DEFINE(History, history_done)

static inline History history_new(void)
{
    History history = { 0 };
    str_copy(history.directory, sizeof(history.directory), scratch_new("lint"));
    return history;
}

/* The next migration, 0001_m and on; `down` NULL: none. Returns its up's name. */
static inline const char *history_add(History *history, const char *up, const char *down)
{
    const char *id = arena_printf(&history->arena, "%04u_m", ++history->count);
    const char *name = arena_printf(&history->arena, "%s.up.sql", id);
    put_file(history->directory, name, up, &history->arena);
    if (down != NULL) {
        put_file(history->directory, arena_printf(&history->arena, "%s.down.sql", id), down,
                 &history->arena);
    }
    return name;
}

/* The tables of the rules' examples. */
static inline void history_add_world(History *history)
{
    for (size_t i = 0; i < RULE_WORLD_COUNT; i++) {
        history_add(history, RULE_WORLD[i], "SELECT 1;");
    }
}

/* `yaml` is what stands under "lint:", or NULL. */
static inline LintConfig history_config(History *history, const char *yaml)
{
    LintConfig config = { 0 };
    Err err = { 0 };
    AUTO(Str) text = { 0 };
    AUTO_PTR(ConfigDocument) document = NULL;
    str_append(&text, yaml == NULL ? "" : "lint:\n");
    for (const char *at = yaml; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, "\n");
        str_printf(&text, "  %.*s\n", (int)length, at);
        at += length + (at[length] == '\n');
    }
    if (config_parse("lint.yaml", str_text(&text), text.length, &document, &err) != ERR_NONE ||
        lint_config_read(document, &history->arena, &config, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    return config;
}

static inline ErrCode history_try(History *history, const LintConfig *config,
                                  const LintRange *range, LintReport *ret_report, Err *err)
{
    MigrationSet set = { 0 };
    ErrCode code = source_read(history->directory, &(SourceOptions){ .goes_on = true },
                               &history->arena, &set, err);
    return code == ERR_NONE ? lint_run(&set, config, range, &history->arena, ret_report, err)
                            : code;
}

static inline LintReport history_lint(History *history, const char *yaml)
{
    LintReport report = { 0 };
    Err err = { 0 };
    LintConfig config = history_config(history, yaml);
    if (history_try(history, &config, &(LintRange){ 0 }, &report, &err) != ERR_NONE) {
        fail_msg("%s (%s)", err.message, err.hint);
    }
    return report;
}

/* Findings of the rule that count; `rule` NULL: of any. */
static inline size_t count_findings(const LintReport *report, const char *rule)
{
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++) {
        const Finding *finding = report->findings[i];
        count += finding->allowed == NULL && (rule == NULL || strcmp(finding->rule->id, rule) == 0);
    }
    return count;
}

/* The first of the rule that counts, or NULL. */
static inline const Finding *find_finding(const LintReport *report, const char *rule)
{
    for (size_t i = 0; i < report->count; i++) {
        const Finding *finding = report->findings[i];
        if (finding->allowed == NULL && strcmp(finding->rule->id, rule) == 0) {
            return finding;
        }
    }
    return NULL;
}

static inline void describe_findings(const LintReport *report, Str *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const Finding *finding = report->findings[i];
        str_printf(out, "%s:%u:%u %s %s: %s%s\n", strrchr(finding->file, '/') + 1, finding->line,
                   finding->column, severity_name(finding->severity), finding->rule->id,
                   finding->why, finding->allowed == NULL ? "" : " (allowed)");
    }
}

#endif
