/*
 * docs/lint.md: below its mark, the rules and what peers have, drawn from the tables.
 * SKEIN_UPDATE_GOLDEN=1 draws them anew; what stands above the mark is written by hand.
 */
#include "../support.h"

#include "cli/lint/rule.h"
#include "peer_rules.h"

#define DOCUMENT "docs/lint.md"
#define MARK "<!-- From here on drawn from the tables in cli/lint. -->\n"
#define EXAMPLE_BYTES_MAX 1000

/* ---- what peers have ---- */

static const PeerRule STRONG_MIGRATIONS[] = {
    { "removing a column", { "column-drop" }, NULL },
    { "changing the type of a column",
      { "column-type" },
      "its table of free changes is held against a server" },
    { "changing the type of a column with a constraint",
      { "column-type" },
      "a CHECK is tried again even where nothing is rewritten" },
    { "renaming a column", { "column-rename" }, NULL },
    { "renaming a table", { "table-rename" }, NULL },
    { "creating a table with force", { "table-drop" }, NULL },
    { "adding an auto-incrementing column", { "column-rewrite" }, NULL },
    { "adding a stored generated column", { "column-rewrite" }, NULL },
    { "adding a foreign key", { "foreign-key-scan" }, NULL },
    { "adding a check constraint", { "check-scan" }, NULL },
    { "executing SQL directly", { "code-hidden" }, "all is SQL here, and read" },
    { "backfilling data", { "lock-held", "update-every-row" }, NULL },
    { "adding an index non-concurrently", { "index-blocks-writes" }, NULL },
    { "removing an index non-concurrently", { "index-drop-blocks" }, NULL },
    { "adding a reference", { "index-blocks-writes", "foreign-key-scan" }, NULL },
    { "adding a unique constraint", { "unique-build" }, NULL },
    { "adding an exclusion constraint", { "exclusion-build" }, NULL },
    { "adding a json column", { "type-json" }, NULL },
    { "adding a column with a volatile default value",
      { "column-rewrite" },
      "also by the history's own functions" },
    { "setting NOT NULL on an existing column", { "not-null-scan" }, NULL },
    { "validating a constraint while writes are blocked",
      { "validate-at-once", "lock-held" },
      NULL },
    { "renaming an enum value", { "enum-value-rename" }, NULL },
    { "renaming a schema", { "schema-rename" }, NULL },
    { "keeping non-unique indexes to three columns or less", { "index-many-columns" }, NULL },
    { "changing a default with partial inserts", { NULL }, "Active Record's own" },
    { "index corruption of PostgreSQL 14.0 to 14.3",
      { NULL },
      "not looked at: it is the server's, not the statement's" },
    { "lock timeout, statement timeout, retries",
      { "lock-timeout-off" },
      "skein does all three by itself" },
    { "checks for MySQL and MariaDB", { NULL }, "skein is for PostgreSQL" },
};

static const PeerRule EUGENE[] = {
    { "E1 a new constraint that is valid at once",
      { "check-scan", "foreign-key-scan", "validate-at-once" },
      NULL },
    { "E2 SET NOT NULL", { "not-null-scan" }, "not where the history has a valid CHECK of it" },
    { "E3 a json column", { "type-json" }, NULL },
    { "E4 more statements under ACCESS EXCLUSIVE",
      { "lock-held" },
      "where they are slow: a second change of the catalog takes no time" },
    { "E5 a type that is not stored alike", { "column-type" }, NULL },
    { "E6 an index that is not CONCURRENTLY", { "index-blocks-writes" }, NULL },
    { "E7 a unique constraint", { "unique-build" }, NULL },
    { "E8 an exclusion constraint", { "exclusion-build" }, NULL },
    { "E9 a strong lock without a timeout",
      { "lock-timeout-off" },
      "skein sets one for every transaction" },
    { "E10 a rewrite while another strong lock is held", { "lock-held", "column-type" }, NULL },
    { "E11 a serial or stored generated column", { "column-rewrite" }, NULL },
    { "W12 several ALTER TABLE where one will do",
      { "not-null-scan", "check-scan", "column-type" },
      "not told: each that reads rows is told of by itself, with a way on which none does" },
    { "W13 an enum", { "type-enum" }, "off by default" },
    { "W14 a primary key USING INDEX", { "primary-key-nulls" }, "where a column may be NULL" },
    { "E15 a foreign key without an index",
      { "foreign-key-index", "foreign-key-index-drop" },
      NULL },
};

static const PeerRule PGFENCE[] = {
    { "add-column-…", { "column-required", "column-rewrite", "type-json", "type-serial" }, NULL },
    { "create-index, drop-index, reindex",
      { "index-blocks-writes", "index-drop-blocks", "reindex-blocks" },
      NULL },
    { "alter-column-type, alter-column-set-not-null", { "column-type", "not-null-scan" }, NULL },
    { "add-constraint-…",
      { "foreign-key-scan", "check-scan", "unique-build", "primary-key-build", "exclusion-build" },
      NULL },
    { "drop-table, drop-column, truncate, delete",
      { "table-drop", "column-drop", "table-truncate", "truncate-cascade", "delete-every-row" },
      NULL },
    { "rename-column, rename-table", { "column-rename", "table-rename" }, NULL },
    { "vacuum-full, cluster", { "table-rewrite" }, "also of the whole database" },
    { "refresh-materialized-view", { "matview-refresh" }, NULL },
    { "attach-partition, detach-partition", { "partition-attach", "partition-detach" }, NULL },
    { "create-trigger, drop-trigger, enable-disable-trigger",
      { "triggers-off" },
      "making or dropping one is quick: skein's lock_timeout ends the waiting for its lock" },
    { "replica-identity-full", { "replica-identity" }, NULL },
    { "enable-rls, disable-rls", { "row-security-denies", "row-security-off" }, NULL },
    { "create-policy", { NULL }, "none is needed: it does no harm before row security is on" },
    { "inherit, no-inherit",
      { "locks-several" },
      "PostgreSQL compares the catalog's columns and constraints there, and reads no row" },
    { "create-enum-type", { "type-enum" }, "off by default" },
    { "type hygiene: int, varchar, timestamp, char, serial",
      { "id-integer", "type-integer", "type-varchar", "type-timestamp", "type-char" },
      NULL },
    { "not-valid-validate-same-tx", { "validate-at-once" }, NULL },
    { "statement-after-access-exclusive, wide-lock-window",
      { "lock-held", "locks-several" },
      NULL },
    { "concurrent-in-transaction", { "concurrently-inside", "migration-unreadable" }, NULL },
    { "update-in-migration", { "update-every-row", "rows-by-scan" }, NULL },
    { "unclosed-transaction", { "migration-unreadable" }, NULL },
    { "missing-… and …-too-long: lock_timeout, statement_timeout, "
      "idle_in_transaction_session_timeout, application_name",
      { "lock-timeout-off" },
      "skein sets all four for every transaction; a longer one is the author's word" },
};

/* What none of them looks at, and incidents and style guides of others are about. */
static const PeerRule BEYOND[] = {
    { "a constraint USING INDEX that gives the index another name",
      { "constraint-renames-index" },
      NULL },
    { "a foreign key without an index on its own side", { "foreign-key-index" }, NULL },
    { "an integer that refers to a bigint", { "foreign-key-type" }, NULL },
    { "triggers, and foreign keys with them, turned off for a backfill", { "triggers-off" }, NULL },
    { "row level security turned on without a policy, or off",
      { "row-security-denies", "row-security-off" },
      NULL },
    { "autovacuum turned off, and years later transaction ids run out",
      { "autovacuum-off" },
      NULL },
    { "a published table without a replica identity", { "replica-identity" }, NULL },
    { "CONCURRENTLY, NOT VALID, USING INDEX on a partitioned table",
      { "partitioned-refused" },
      NULL },
    { "ATTACH PARTITION without a CHECK that says the same", { "partition-attach" }, NULL },
    { "a backfill whose condition no index serves", { "rows-by-scan" }, NULL },
    { "views, functions and types renamed under running programs", { "object-rename" }, NULL },
    { "CLUSTER, VACUUM FULL, SET TABLESPACE", { "table-rewrite" }, NULL },
    { "REFRESH MATERIALIZED VIEW without CONCURRENTLY", { "matview-refresh" }, NULL },
    { "a strong lock that waits, with everybody behind it, for a long query",
      { "locks-several", "lock-held", "lock-upgrade" },
      "skein's lock_timeout ends the waiting" },
    { "IF NOT EXISTS that is content with an INVALID index", { "index-if-not-exists" }, NULL },
};

static void draw_peer(const char *title, const PeerRule *rules, size_t count, Str *out)
{
    str_printf(out, "\n### %s\n\n| there | here | |\n|---|---|---|\n", title);
    for (size_t i = 0; i < count; i++) {
        str_printf(out, "| %s |", rules[i].name);
        for (size_t j = 0; j < ARRAY_LEN(rules[i].ours) && rules[i].ours[j] != NULL; j++) {
            str_printf(out, "%s [%s](#%s)", j == 0 ? "" : ",", rules[i].ours[j], rules[i].ours[j]);
        }
        str_printf(out, " | %s |\n", rules[i].note == NULL ? "" : rules[i].note);
    }
}

/* ---- the rules ---- */

static void draw_example(const char *title, const RuleExample *example, Str *out)
{
    if (strlen(example->up) > EXAMPLE_BYTES_MAX) {
        return;
    }
    str_printf(out, "\n%s\n```sql\n%s\n", title, example->up);
    if (example->down == RULE_NO_DOWN) {
        str_append(out, "-- and no down\n");
    } else if (example->down != NULL) {
        str_printf(out, "-- down:\n%s%s", example->down,
                   str_ends_with(example->down, "\n") ? "" : "\n");
    }
    str_append(out, "```\n");
}

static void draw_rule(const LintRule *rule, Str *out)
{
    str_printf(out, "\n### %s\n\n**%s**%s: %s.\n\n%s\n\n*Safe*: %s\n", rule->id,
               severity_name(rule->severity), rule->is_up_only ? " (not in downs)" : "",
               rule->title, rule->explain, rule->remedy);
    draw_example("Found fault with:", &rule->fires, out);
    draw_example("Fine:", &rule->silent, out);
}

static void draw_families(Str *out)
{
    str_append(out, "\n## Rules\n\n| rule | severity | |\n|---|---|---|\n");
    for (size_t i = 0; i < lint_rule_count(); i++) {
        const LintRule *rule = lint_rule_at(i);
        str_printf(out, "| [%s](#%s) | %s | %s |\n", rule->id, rule->id,
                   severity_name(rule->severity), rule->title);
    }
    str_append(out, "\nExamples stand upon these tables, which are in use:\n```sql\n");
    str_printf(out, "%s```\n", RULE_WORLD[0]);
    for (size_t i = 0; i < lint_family_count(); i++) {
        const LintFamily *family = lint_family_at(i);
        str_printf(out, "\n## %s\n", family->title);
        for (size_t j = 0; j < family->count; j++) {
            draw_rule(&family->rules[j], out);
        }
    }
}

static void draw_peers(Str *out)
{
    str_append(out, "\n## What peers have\n\nEvery rule of theirs, and what there is here.\n");
    draw_peer("squawk 2.66", SQUAWK, ARRAY_LEN(SQUAWK), out);
    draw_peer("strong_migrations", STRONG_MIGRATIONS, ARRAY_LEN(STRONG_MIGRATIONS), out);
    draw_peer("eugene", EUGENE, ARRAY_LEN(EUGENE), out);
    draw_peer("pgfence", PGFENCE, ARRAY_LEN(PGFENCE), out);
    draw_peer("Beyond them: what incidents were about", BEYOND, ARRAY_LEN(BEYOND), out);
}

/* ---- tests ---- */

static void the_document_says_what_the_tables_say(void **state)
{
    (void)state;
    AUTO(Str) written = { 0 };
    AUTO(Str) wanted = { 0 };
    Err err = { 0 };
    assert_int_equal(file_read(SKEIN_SOURCE_DIR "/" DOCUMENT, GOLDEN_BYTES_MAX, &written, &err),
                     ERR_NONE);
    const char *mark = strstr(str_text(&written), MARK);
    assert_non_null(mark);
    str_append_bytes(&wanted, str_text(&written), (size_t)(mark - str_text(&written)));
    str_append(&wanted, MARK);
    draw_families(&wanted);
    draw_peers(&wanted);
    assert_same_as_file(str_text(&wanted), DOCUMENT);
}

static void assert_known(const PeerRule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < ARRAY_LEN(rules[i].ours) && rules[i].ours[j] != NULL; j++) {
            if (lint_rule_find(rules[i].ours[j]) == NULL) {
                fail_msg("%s: no rule %s", rules[i].name, rules[i].ours[j]);
            }
        }
        if (rules[i].ours[0] == NULL && rules[i].note == NULL) {
            fail_msg("%s: neither a rule nor a reason", rules[i].name);
        }
    }
}

static void every_rule_of_a_peer_has_its_counterpart(void **state)
{
    (void)state;
    assert_known(SQUAWK, ARRAY_LEN(SQUAWK));
    assert_known(STRONG_MIGRATIONS, ARRAY_LEN(STRONG_MIGRATIONS));
    assert_known(EUGENE, ARRAY_LEN(EUGENE));
    assert_known(PGFENCE, ARRAY_LEN(PGFENCE));
    assert_known(BEYOND, ARRAY_LEN(BEYOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_says_what_the_tables_say),
        cmocka_unit_test(every_rule_of_a_peer_has_its_counterpart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
