/*
 * docs/machines.md is what the rule tables say, the coordinator's and the agent's.
 * SKEIN_UPDATE_GOLDEN=1 draws it anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/core/job.h"
#include "agent/core/session.h"
#include "common/str.h"
#include "common/table.h"
#include "coordinator/engine/engine.h"

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

static void write_table(const RuleTable *table, Str *out)
{
    str_printf(out, "\n## %s\n\n```mermaid\n", table->name);
    rule_table_diagram(table, out);
    str_append(out, "```\n");
    write_rules(table, out);
}

static void write_coordinator(Str *out)
{
    str_append(out, "\n# The coordinator's machines\n\n"
                    "In `coordinator/engine/`; where to find a rule in the code says "
                    "[the engine's README](../coordinator/engine/README.md). The sentence is what "
                    "the\nevent log says.\n");
    for (size_t i = 0; i < ENGINE_TABLE_COUNT; i++) {
        write_table(engine_table(i), out);
    }
}

static void write_agent(Str *out)
{
    str_append(out, "\n# The agent's machines\n\n"
                    "In `agent/core/`. The session is the link's (`session_rules.c`); a job is one "
                    "order at work in one\ndatabase (`job_rules.c`), and what it answers to are "
                    "the results of its actions. The condition is the guard's\nname there.\n");
    write_table(agent_session_rule_table(), out);
    write_table(job_rule_table(), out);
}

static void write_document(Str *out)
{
    str_append(out, "# The machines\n\n"
                    "Drawn from the rule tables by a test; change the tables, not this file. An "
                    "arrow bears the id of its\nrule, the event and, in brackets, the condition. "
                    "Rules that change nothing are in the tables only.\n");
    write_coordinator(out);
    write_agent(out);
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
        cmocka_unit_test(the_diagrams_in_docs_are_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
