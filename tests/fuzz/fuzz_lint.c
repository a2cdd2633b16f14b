/*
 * Migrations of any text, over the tables of the rules' examples.
 *
 * Whatever the statements say, lint ends, and what it tells of them is sound: each finding stands
 * on a line of the file, has whole words, and its safe way is SQL that PostgreSQL's grammar takes.
 */
#include "fuzz.h"

#include <string.h>

#include "cli/lint/lint.h"
#include "common/utf8.h"

#define FILE_NAME "fuzz.sql"

static bool is_text(const char *text)
{
    return text != NULL && utf8_is_valid(text, strlen(text));
}

static void require_sql(const char *sql, Arena *arena)
{
    SourceNotes notes = { .arena = arena };
    Script script = { 0 };
    Err err;
    ScriptInput input = { .file = "safe.sql", .bytes = { (const uint8_t *)sql, strlen(sql) } };
    FUZZ_REQUIRE(script_read(&input, &notes, arena, &script, &err) == ERR_NONE);
    for (size_t i = 0; i < script.plan.count; i++) {
        Tree tree = { 0 };
        tree_parse(script.plan.statements[i].sql, arena, &tree);
        FUZZ_REQUIRE(tree.fault != TREE_REFUSED);
    }
    source_notes_done(&notes);
}

static void require_sound(const Finding *finding, size_t lines, Arena *arena)
{
    FUZZ_REQUIRE(is_text(finding->why) && is_text(finding->source) && finding->line <= lines);
    FUZZ_REQUIRE(finding->severity > SEVERITY_OFF && finding->severity < SEVERITY_COUNT_);
    for (size_t i = 0; i < finding->effect_count; i++) {
        FUZZ_REQUIRE(is_text(finding->effects[i].table.name) && is_text(finding->effects[i].why));
        FUZZ_REQUIRE(finding->effects[i].lock < LOCK_MODE_COUNT_);
    }
    for (size_t i = 0; i < finding->safe_count; i++) {
        require_sql(finding->safe[i].sql, arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(Arena) arena = { 0 };
    ScriptInput inputs[RULE_WORLD_COUNT + 1] = { 0 };
    for (size_t i = 0; i < RULE_WORLD_COUNT; i++) {
        inputs[i].file = arena_printf(&arena, "world%zu.sql", i);
        inputs[i].bytes = (Bytes){ (const uint8_t *)RULE_WORLD[i], strlen(RULE_WORLD[i]) };
    }
    inputs[RULE_WORLD_COUNT] = (ScriptInput){ .file = FILE_NAME, .bytes = { data, size } };
    MigrationSet set = { 0 };
    LintConfig config = { 0 };
    LintReport report = { 0 };
    Err err = { 0 };
    source_take(inputs, RULE_WORLD_COUNT + 1, &arena, &set);
    lint_config_defaults(&arena, &config);
    LintRange range = { .from = FILE_NAME };
    if (lint_run(&set, &config, &range, &arena, &report, &err) != ERR_NONE) {
        FUZZ_REQUIRE(err.code == ERR_SYNTAX); /* an allowance of no rule */
        return 0;
    }
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n';
    }
    for (size_t i = 0; i < report.count; i++) {
        require_sound(report.findings[i], lines, &arena);
    }
    return 0;
}

/* The rules' own examples: every kind of statement that any of them reads. */
bool fuzz_seed(size_t index, Str *out)
{
    if (index >= 2 * lint_rule_count() || index >= 64) {
        return false;
    }
    const LintRule *rule = lint_rule_at(index % lint_rule_count());
    const char *example = index < lint_rule_count() ? rule->fires.up : rule->silent.up;
    str_append(out, strlen(example) < 1000 ? example : rule->silent.up);
    return true;
}
