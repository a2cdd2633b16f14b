/*
 * The tables themselves: well-formed, and written in words that sentences know. They are drawn in
 * docs/machines.md by tests/unit/docs/test_machines.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
        { "total", true },
        { "total target/targets", true },
        { "total target", false },
        { "target one/many", false },
        { "nonsense", false },
        { "", false },
        { "nonsense one/many", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(sentence_knows(ROWS[i].gap, strlen(ROWS[i].gap)), ROWS[i].is_known);
    }
}

/* Where there is no agent, nobody is named; a word that is none stays as it is, for all to see. */
static void what_is_not_known_is_written_all_the_same(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    const Place nowhere = { 0 };
    sentence_write(&text, "{agent} has {nonsense} to say", &nowhere);
    assert_string_equal(str_text(&text), "nobody has {nonsense} to say");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_well_formed),
        cmocka_unit_test(every_sentence_is_written_in_known_words),
        cmocka_unit_test(what_is_not_known_is_written_all_the_same),
        cmocka_unit_test(a_noun_stands_only_with_a_number),
        cmocka_unit_test(ids_are_unique_over_all_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
