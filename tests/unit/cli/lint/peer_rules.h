/*
 * What squawk has, by its names, and what there is here: the documentation shows it, and a test
 * beside squawk itself holds it to be true.
 */
#ifndef SKEIN_TESTS_UNIT_CLI_LINT_PEER_RULES_H
#define SKEIN_TESTS_UNIT_CLI_LINT_PEER_RULES_H

#define PEER_RULE_OURS_MAX 6

typedef struct PeerRule {
    const char *name;
    const char *ours[PEER_RULE_OURS_MAX];
    const char *note;
} PeerRule;

static const PeerRule SQUAWK[] = {
    { "adding-field-with-default",
      { "column-rewrite" },
      "PostgreSQL 11 and later: volatile defaults only" },
    { "adding-foreign-key-constraint", { "foreign-key-scan" }, NULL },
    { "adding-not-nullable-field", { "not-null-scan", "column-required" }, NULL },
    { "adding-required-field", { "column-required" }, NULL },
    { "adding-serial-primary-key-field", { "primary-key-build", "column-rewrite" }, NULL },
    { "ban-alter-domain-with-add-constraint", { "domain-scan" }, NULL },
    { "ban-char-field", { "type-char" }, "also where a column changes over to it" },
    { "ban-concurrent-index-creation-in-transaction",
      { "concurrently-inside" },
      "skein cuts the migration around the statement, or refuses the file where its format begins "
      "a transaction" },
    { "ban-create-domain-with-constraint", { "domain-constraint" }, NULL },
    { "ban-drop-column", { "column-drop" }, NULL },
    { "ban-drop-database", { "database-drop" }, NULL },
    { "ban-drop-not-null", { "column-nullable" }, NULL },
    { "ban-drop-table", { "table-drop" }, NULL },
    { "ban-duplicate-column-assignments", { "assigned-twice", "column-twice" }, NULL },
    { "ban-truncate-cascade", { "truncate-cascade" }, NULL },
    { "ban-uncommitted-transaction",
      { NULL },
      "none is needed: skein begins and ends transactions" },
    { "changing-column-type",
      { "column-type" },
      "not where the history shows that both types are stored alike" },
    { "constraint-missing-not-valid",
      { "foreign-key-scan", "check-scan", "validate-at-once", "unique-build", "primary-key-build",
        "exclusion-build" },
      "keys have no NOT VALID: their indexes are built before" },
    { "disallowed-unique-constraint", { "unique-build" }, NULL },
    { "identifier-too-long", { "name-too-long" }, NULL },
    { "prefer-bigint-over-int",
      { "id-integer", "type-integer" },
      "keys by default; every column when type-integer is on" },
    { "prefer-bigint-over-smallint", { "id-integer", "type-integer" }, "the same" },
    { "prefer-identity", { "type-serial" }, "off by default" },
    { "prefer-repack", { "table-rewrite" }, "pg_repack, as REPACK is PostgreSQL 19's" },
    { "prefer-robust-stmts",
      { "index-if-not-exists" },
      "none is needed: a migration is applied whole or not at all, and what cannot be is probed" },
    { "prefer-text-field", { "type-varchar" }, "off by default" },
    { "prefer-timestamp-tz", { "type-timestamp" }, "also where a column changes over to it" },
    { "renaming-column", { "column-rename" }, NULL },
    { "renaming-table", { "table-rename" }, "not where a view takes the old name" },
    { "require-concurrent-index-creation", { "index-blocks-writes" }, NULL },
    { "require-concurrent-index-deletion", { "index-drop-blocks" }, NULL },
    { "require-concurrent-partition-detach", { "partition-detach" }, NULL },
    { "require-concurrent-reindex", { "reindex-blocks" }, NULL },
    { "require-enum-value-ordering", { "enum-value-order" }, "off by default" },
    { "require-lock-timeout", { "lock-timeout-off" }, "skein sets it for every transaction" },
    { "require-statement-timeout",
      { NULL },
      "none is needed: skein sets it for every transaction" },
    { "require-timeout-settings", { "lock-timeout-off" }, "the two above" },
    { "require-table-schema",
      { "name-unqualified", "name-shared" },
      "off by default; name-shared where tenants share schemas" },
    { "transaction-nesting",
      { NULL },
      "none is needed: BEGIN inside a transaction is refused when the file is read" },
    { "unused-ignore", { "allowance-unused" }, NULL },
    { "syntax-error", { "syntax-unknown" }, "a newer server may know the statement" },
};

#endif
