/*
 * The tables themselves: well-formed, written in words that sentences know, and drawn in
 * docs/machines.md. SKEIN_UPDATE_GOLDEN=1 draws them anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "coordinator/engine/state.h"

static void every_table_is_well_formed(void **state)
{
    (void)state;
    Err err = { 0 };
    if (engine_check_rules(&err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void check_words(const Rule *rule)
{
    for (const char *at = strchr(rule->why, '{'); at != NULL; at = strchr(at + 1, '{')) {
        size_t length = strcspn(at + 1, "}");
        if (!sentence_knows(at + 1, length)) {
            fail_msg("%s: no word {%.*s}", rule->id, (int)length, at + 1);
        }
    }
}

static void every_sentence_is_written_in_known_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENGINE_TABLE_COUNT; i++) {
        const RuleTable *table = engine_table(i);
        for (size_t j = 0; j < table->rule_count; j++) {
            check_words(&table->rules[j]);
        }
    }
}

static void a_noun_stands_only_with_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *gap;
        bool is_known;
    } ROWS[] = {
        { "total", true },         { "total target/targets", true },
        { "total target", false }, { "target one/many", false },
        { "nonsense", false },     { "", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(sentence_knows(ROWS[i].gap, strlen(ROWS[i].gap)), ROWS[i].is_known);
    }
}

static void ids_are_unique_over_all_tables(void **state)
{
    (void)state;
    AUTO_PTR(Map) ids = map_new();
    for (size_t i = 0; i < ENGINE_TABLE_COUNT; i++) {
        const RuleTable *table = engine_table(i);
        for (size_t j = 0; j < table->rule_count; j++) {
            assert_null(map_put(ids, table->rules[j].id, (void *)(uintptr_t)table));
        }
    }
}

static void write_rules(const RuleTable *table, Str *out)
{
    str_append(out, "\n| rule | in | on | if | becomes | in words |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < table->rule_count; i++) {
        const Rule *rule = &table->rules[i];
        const char *to = rule->to == RULE_SAME     ? "(as it is)"
                         : rule->to == RULE_IGNORE ? "(ignored)"
                         : rule->to == RULE_REJECT ? "(refused)"
                                                   : table->state_name(rule->to);
        str_printf(out, "| %s | %s | %s | %s | %s | %s |\n", rule->id,
                   rule->from == RULE_ANY ? "any other" : table->state_name(rule->from),
                   table->event_name(rule->event), rule->guard_text == NULL ? "" : rule->guard_text,
                   to, rule->why);
    }
}

static void write_document(Str *out)
{
    str_append(out, "# The coordinator's machines\n\n"
                    "Drawn from the rule tables in `coordinator/engine/` by a test; change the "
                    "tables, not this "
                    "file. An arrow bears the id of\nits rule, the event and, in brackets, the "
                    "condition. Rules "
                    "that change nothing are in the tables only. Where to find a rule in the code "
                    "says\n[the engine's README](../coordinator/engine/README.md).\n");
    for (size_t i = 0; i < ENGINE_TABLE_COUNT; i++) {
        const RuleTable *table = engine_table(i);
        str_printf(out, "\n## %s\n\n```mermaid\n", table->name);
        rule_table_diagram(table, out);
        str_append(out, "```\n");
        write_rules(table, out);
    }
}

static char *file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    AUTO(Str) text = { 0 };
    char buffer[4096];
    for (size_t got = 1; got > 0;) {
        got = fread(buffer, 1, sizeof(buffer), file);
        str_append_bytes(&text, buffer, got);
    }
    fclose(file);
    return str_take(&text);
}

static void the_diagrams_in_docs_are_the_tables(void **state)
{
    (void)state;
    const char *path = SKEIN_SOURCE_DIR "/docs/machines.md";
    AUTO(Str) drawn = { 0 };
    write_document(&drawn);
    if (getenv("SKEIN_UPDATE_GOLDEN") != NULL) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fputs(str_text(&drawn), file);
        fclose(file);
    }
    char *written = file_read(path);
    if (written == NULL || strcmp(written, str_text(&drawn)) != 0) {
        free(written);
        fail_msg(
            "docs/machines.md is not what the tables say: SKEIN_UPDATE_GOLDEN=1 draws it anew");
    }
    free(written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_well_formed),
        cmocka_unit_test(every_sentence_is_written_in_known_words),
        cmocka_unit_test(a_noun_stands_only_with_a_number),
        cmocka_unit_test(ids_are_unique_over_all_tables),
        cmocka_unit_test(the_diagrams_in_docs_are_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
