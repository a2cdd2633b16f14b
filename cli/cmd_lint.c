/* skein lint: finds fault with migrations before they travel. No server is asked. */
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/lint/report.h"
#include "cli/lint_view.h"
#include "cli/output.h"
#include "cli/plan_cut.h"
#include "cli/warnings.h"
#include "common/file.h"

#define DEFAULT_MIGRATIONS "./migrations"

/* What to look at: a directory, and the files of it that are asked for. */
typedef struct LintTarget {
    const char *directory;
    const char *const *files; /* as they were given; count 0: all */
    size_t file_count;
} LintTarget;

/* ---- which migrations ---- */

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static ErrCode refuse_path(const char *path, const char *why, const char *hint, Err *err)
{
    err_set(err, ERR_USAGE, "%s: %s", path, why);
    return err_hint(err, "%s", hint);
}

/* DIR, or FILE… with the directory around them, or nothing and --migrations. */
static ErrCode find_target(const Invocation *invocation, Arena *arena, LintTarget *ret_target,
                           Err *err)
{
    *ret_target = (LintTarget){ .directory = invocation->options.migrations };
    for (size_t i = 0; i < invocation->argument_count; i++) {
        if (is_directory(invocation->arguments[i]) && invocation->argument_count > 1) {
            return refuse_path(invocation->arguments[i], "a directory among several paths",
                               "name one directory, or files", err);
        }
    }
    if (invocation->argument_count == 0) {
        return ERR_NONE;
    }
    if (is_directory(invocation->arguments[0])) {
        ret_target->directory = invocation->arguments[0];
        return ERR_NONE;
    }
    if (str_equal(invocation->options.migrations, DEFAULT_MIGRATIONS)) {
        ret_target->directory = dirname(arena_strdup(arena, invocation->arguments[0]));
    }
    ret_target->files = (const char *const *)invocation->arguments;
    ret_target->file_count = invocation->argument_count;
    return ERR_NONE;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one;
    struct stat other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_ino == other.st_ino &&
           one.st_dev == other.st_dev;
}

/* How the set cites the file; NULL: it is none of its own. */
static const char *find_origin(const MigrationSet *set, const char *file)
{
    for (size_t i = 0; i < set->origin_count; i++) {
        if (is_same_file(set->origins[i].file, file)) {
            return set->origins[i].file;
        }
    }
    for (size_t i = 0; i < set->refusal_count; i++) {
        if (is_same_file(set->refusals[i].file, file)) {
            return set->refusals[i].file;
        }
    }
    return NULL;
}

static ErrCode find_files(const LintTarget *target, const MigrationSet *set, Arena *arena,
                          LintRange *range, Err *err)
{
    const char **files = ARENA_ARRAY(arena, const char *, target->file_count);
    for (size_t i = 0; i < target->file_count; i++) {
        files[i] = find_origin(set, target->files[i]);
        if (files[i] == NULL) {
            return refuse_path(target->files[i], "no migration of this directory",
                               "the directory is read as a whole, by its format; "
                               "--migrations DIR says where it is",
                               err);
        }
    }
    range->files = files;
    range->file_count = target->file_count;
    return ERR_NONE;
}

/* Files that no history holds: each by itself. */
static ErrCode read_alone(const Invocation *invocation, const LintTarget *target, Arena *arena,
                          MigrationSet *ret_set, Err *err)
{
    ScriptInput *inputs = ARENA_ARRAY(arena, ScriptInput, target->file_count);
    for (size_t i = 0; i < target->file_count; i++) {
        AUTO(Str) bytes = { 0 };
        ErrCode code = file_read(target->files[i], SOURCE_FILE_MAX, &bytes, err);
        if (code != ERR_NONE) {
            return code;
        }
        inputs[i] = (ScriptInput){
            .file = target->files[i],
            .bytes = { arena_memdup(arena, str_text(&bytes), bytes.length), bytes.length },
            .variables = &invocation->options.set,
        };
    }
    source_take(inputs, target->file_count, arena, ret_set);
    return ERR_NONE;
}

/*
 * Where each migration is a folder, the history is one above the file's own directory; and where
 * neither is one, the files stand alone.
 */
static ErrCode read_set(const Invocation *invocation, LintTarget *target, Arena *arena,
                        MigrationSet *ret_set, Err *err)
{
    SourceOptions source = {
        .format = invocation->options.format,
        .variables = invocation->options.set,
        .goes_on = true,
    };
    ErrCode code = source_read(target->directory, &source, arena, ret_set, err);
    bool is_said = !str_equal(invocation->options.migrations, DEFAULT_MIGRATIONS);
    if (code != ERR_NOT_FOUND || target->file_count == 0 || is_said) {
        return code;
    }
    const char *above = arena_printf(arena, "%s/..", target->directory);
    if (source_read(above, &source, arena, ret_set, NULL) == ERR_NONE &&
        find_origin(ret_set, target->files[0]) != NULL) {
        target->directory = above;
        return ERR_NONE;
    }
    return read_alone(invocation, target, arena, ret_set, err);
}

/* ---- the command ---- */

static ErrCode read_fail_on(const char *text, Severity *severity, Err *err)
{
    if (text == NULL || (!str_equal(text, "off") && severity_parse(text, severity))) {
        return ERR_NONE;
    }
    if (str_equal(text, "never")) {
        *severity = SEVERITY_OFF;
        return ERR_NONE;
    }
    return err_set(err, ERR_USAGE, "--fail-on wants error, warning, notice or never, found '%s'",
                   text);
}

typedef void (*LintRender)(const LintReport *report, Str *out);

static const struct {
    const char *name;
    LintRender render;
} REPORTS[] = {
    { "text", lint_view_report },
    { "sarif", report_sarif },
    { "github", report_github },
};

static ErrCode find_report(const Options *options, LintRender *ret_render, Err *err)
{
    const char *name = options->report == NULL ? "text" : options->report;
    for (size_t i = 0; i < ARRAY_LEN(REPORTS); i++) {
        if (str_equal(REPORTS[i].name, name)) {
            *ret_render = REPORTS[i].render;
            return ERR_NONE;
        }
    }
    return err_set(err, ERR_USAGE, "--report wants text, sarif or github, found '%s'", name);
}

static void print_report(const Options *options, LintRender render, const LintReport *report)
{
    AUTO(Str) text = { 0 };
    bool is_json = options->output == OUTPUT_JSON && options->report == NULL;
    (is_json ? report_json : render)(report, &text);
    if (is_json || render == report_sarif) {
        output_json_text(&text);
    } else {
        output_text(&text);
    }
}

static bool has_failed(const LintReport *report, Severity fail_on)
{
    size_t count = 0;
    for (Severity i = fail_on; fail_on != SEVERITY_OFF && i < SEVERITY_COUNT_; i++) {
        count += report->counts[i];
    }
    return count > 0;
}

static ErrCode explain(const char *id, Err *err)
{
    const LintRule *rule = lint_rule_find(id);
    if (rule == NULL) {
        const char *nearest = lint_rule_nearest(id);
        err_set(err, ERR_NOT_FOUND, "no rule '%s'", id);
        return nearest != NULL ? err_hint(err, "did you mean %s?", nearest)
                               : err_hint(err, "skein lint --rules lists them");
    }
    AUTO(Str) text = { 0 };
    lint_view_rule(rule, &text);
    output_text(&text);
    return ERR_NONE;
}

static ErrCode list_rules(void)
{
    AUTO(Str) text = { 0 };
    lint_view_rules(&text);
    output_text(&text);
    return ERR_NONE;
}

/* Beside the findings; a report that is no answer in JSON has no place for them. */
static void tell_warnings(const Options *options, const MigrationSet *set, const LintRange *range)
{
    size_t count = 1;
    if (range->from != NULL && plan_cut(set, range->from, &count, NULL) != ERR_NONE) {
        return; /* linting says so */
    }
    if (options->report == NULL) {
        warnings_tell(options, set, &(WarningScope){ .from = count - 1, .is_whole = true });
    } else {
        warnings_say(options, set);
    }
}

static ErrCode run_lint(Invocation *invocation, LintConfig *config, LintTarget *target,
                        LintReport *ret_report, Err *err)
{
    Arena *arena = &invocation->arena;
    const Options *options = &invocation->options;
    MigrationSet set = { 0 };
    LintRange range = { .from = options->from };
    ErrCode code = read_set(invocation, target, arena, &set, err);
    if (code == ERR_NONE) {
        code = lint_config_load(options->config, target->directory, arena, config, err);
    }
    if (code == ERR_NONE) {
        code = find_files(target, &set, arena, &range, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (range.from == NULL && range.file_count == 0 && config->from[0] != '\0') {
        range.from = config->from;
    }
    code = lint_run(&set, config, &range, arena, ret_report, err);
    if (code == ERR_NONE) {
        tell_warnings(options, &set, &range);
        ret_report->notes = set.notes;
        ret_report->note_count = set.note_count;
    }
    return code;
}

ErrCode cmd_lint(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    const Options *options = &invocation->options;
    LintTarget target = { 0 };
    LintConfig config = { 0 };
    LintReport report = { 0 };
    LintRender render = NULL;
    if (options->is_rules || options->explain != NULL) {
        return options->is_rules ? list_rules() : explain(options->explain, err);
    }
    ErrCode code = find_report(options, &render, err);
    if (code == ERR_NONE) {
        code = find_target(invocation, &invocation->arena, &target, err);
    }
    if (code == ERR_NONE) {
        code = run_lint(invocation, &config, &target, &report, err);
    }
    if (code == ERR_NONE) {
        code = read_fail_on(options->fail_on, &config.fail_on, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    print_report(options, render, &report);
    if (has_failed(&report, config.fail_on)) {
        *ret_exit = EXIT_CODE_FAILED;
    }
    return ERR_NONE;
}
