/* Rules about whole tables: renaming, moving, rewriting, emptying, locking. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"
#include "cli/source/tree_option.h"

#include <string.h>

#include "common/str.h"

/* ---- renaming and moving ---- */

/* Is a view of this name made later in the same transaction? Then programs notice nothing. */
static bool is_view_coming(const LintCase *lint, Name wanted)
{
    const CaseScript *script = lint->script;
    for (const CaseStatement *later = lint->statement + 1;
         later < script->statements + script->count; later++) {
        AUTO(Arena) arena = { 0 };
        Tree tree = { 0 };
        if (later->part != lint->statement->part || strstr(later->kind, "VIEW") == NULL) {
            continue;
        }
        tree_parse(later->sql, &arena, &tree);
        if (tree.node != NULL && tree.node->node_case == PG_QUERY__NODE__NODE_VIEW_STMT) {
            Name view = name_of_relation(tree.node->view_stmt->view);
            if (str_equal(view.name, wanted.name) && str_equal(view.schema, wanted.schema)) {
                return true;
            }
        }
    }
    return false;
}

static void check_rename(LintCase *lint)
{
    const PgQuery__RenameStmt *rename = lint->tree.node->rename_stmt;
    Name table = name_of_relation(rename->relation);
    const Relation *relation = model_relation(lint->model, table);
    if (rename->rename_type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE || !case_is_busy(lint, table) ||
        model_index(lint->model, table, NULL) != NULL ||
        (relation != NULL && relation->kind == RELATION_SEQUENCE) || is_view_coming(lint, table)) {
        return;
    }
    const char *written = case_table(lint, table);
    const char *new_name = name_write(rename->newname, lint->arena);
    Finding *finding = case_report(
        lint, -1, "programs that use %s fail from here on, those that use %s fail until then",
        written, new_name);
    case_step(lint, finding,
              "-- the view takes reads and writes until every program uses the new name\n"
              "ALTER TABLE %s RENAME TO %s;\nCREATE VIEW %s AS SELECT * FROM %s;",
              written, new_name, written,
              case_table(lint, (Name){ table.schema, rename->newname }));
}

static void check_move(LintCase *lint)
{
    const PgQuery__AlterObjectSchemaStmt *alter = lint->tree.node->alter_object_schema_stmt;
    Name table = name_of_relation(alter->relation);
    if (alter->relation == NULL || alter->object_type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE ||
        !case_is_busy(lint, table) || is_view_coming(lint, table)) {
        return;
    }
    const char *written = case_table(lint, table);
    Finding *finding =
        case_report(lint, -1, "programs find %s no more where they look for it", written);
    case_step(lint, finding,
              "-- the view takes reads and writes until every program looks in the new schema\n"
              "ALTER TABLE %s SET SCHEMA %s;\nCREATE VIEW %s AS SELECT * FROM %s;",
              written, name_write(alter->newschema, lint->arena), written,
              case_table(lint, (Name){ alter->newschema, table.name }));
}

/* What goes by a name in programs, beside tables, columns and schemas. */
static const char *named_kind(PgQuery__ObjectType type)
{
    switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
        return "view";
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
        return "materialized view";
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
        return "sequence";
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
        return "function";
    case PG_QUERY__OBJECT_TYPE__OBJECT_PROCEDURE:
        return "procedure";
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
        return "type";
    case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN:
        return "domain";
    default:
        return NULL;
    }
}

/* Has an earlier statement of this migration made it? By its words: CREATE, and the name. */
static bool is_made_here(const LintCase *lint, const char *name)
{
    for (const CaseStatement *at = lint->script->statements; at < lint->statement; at++) {
        if (str_starts_with(at->kind, "CREATE ") && strcasestr(at->sql, name) != NULL) {
            return true;
        }
    }
    return false;
}

static void check_rename_object(LintCase *lint)
{
    const PgQuery__RenameStmt *rename = lint->tree.node->rename_stmt;
    const char *kind = named_kind(rename->rename_type);
    if (kind == NULL) {
        return;
    }
    Name object = rename->relation != NULL ? name_of_relation(rename->relation)
                                           : name_of_object(rename->object, 0);
    if (object.name[0] == '\0' || is_made_here(lint, object.name)) {
        return;
    }
    Finding *finding = case_report(lint, -1, "what uses %s %s by its name fails from here on", kind,
                                   name_write_qualified(object.schema, object.name, lint->arena));
    case_step_allow(lint, finding, "no program uses either name");
}

static void check_rename_schema(LintCase *lint)
{
    const PgQuery__RenameStmt *rename = lint->tree.node->rename_stmt;
    if (rename->rename_type != PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA) {
        return;
    }
    Finding *finding = case_report(lint, -1, "programs find nothing of %s from here on",
                                   name_write(rename->subname, lint->arena));
    case_step_allow(lint, finding, "no program uses either name");
}

/* ---- rewriting ---- */

static const char *words_of(const LintCase *lint)
{
    switch (lint->tree.node->node_case) {
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
        return "VACUUM FULL";
    case PG_QUERY__NODE__NODE_CLUSTER_STMT:
        return "CLUSTER";
    default:
        return lint->statement->kind;
    }
}

static bool is_rewriting_form(PgQuery__AlterTableType type)
{
    static const PgQuery__AlterTableType FORMS[] = {
        PG_QUERY__ALTER_TABLE_TYPE__AT_SetLogged,
        PG_QUERY__ALTER_TABLE_TYPE__AT_SetUnLogged,
        PG_QUERY__ALTER_TABLE_TYPE__AT_SetTableSpace,
        PG_QUERY__ALTER_TABLE_TYPE__AT_SetAccessMethod,
    };
    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++) {
        if (FORMS[i] == type) {
            return true;
        }
    }
    return false;
}

static bool is_rewriting(const LintCase *lint)
{
    const Node *node = lint->tree.node;
    if (node->node_case != PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
        return true;
    }
    for (size_t i = 0; i < node->alter_table_stmt->n_cmds; i++) {
        if (is_rewriting_form(node->alter_table_stmt->cmds[i]->alter_table_cmd->subtype)) {
            return true;
        }
    }
    return false;
}

/* VACUUM FULL and CLUSTER that name no table. */
static bool is_of_every_table(const Node *node)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
        return node->vacuum_stmt->n_rels == 0 &&
               option_is_on(node->vacuum_stmt->options, node->vacuum_stmt->n_options, "full",
                            false);
    case PG_QUERY__NODE__NODE_CLUSTER_STMT:
        return node->cluster_stmt->relation == NULL;
    default:
        return false;
    }
}

static void check_rewrite(LintCase *lint)
{
    if (is_of_every_table(lint->tree.node)) {
        Finding *all = case_report(lint, -1,
                                   "%s: one table after the other, nobody can read or write it "
                                   "until every row has been copied",
                                   words_of(lint));
        case_step(lint, all, "VACUUM (ANALYZE);");
        return;
    }
    const Effect *effect = case_work(lint, WORK_REWRITE);
    if (effect == NULL || !is_rewriting(lint)) {
        return;
    }
    Finding *finding =
        case_report(lint, -1, "%s: nobody can read or write %s until every row has been copied",
                    words_of(lint), case_table(lint, effect->table));
    if (lint->tree.node->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
        case_step_allow(lint, finding,
                        "runs in the quiet hour on Sunday, the table has 20000 rows");
    } else {
        case_step(lint, finding,
                  "-- frees the room for new rows; pg_repack gives it back while others go on\n"
                  "VACUUM (ANALYZE) %s;",
                  case_table(lint, effect->table));
    }
}

static void check_refresh(LintCase *lint)
{
    const PgQuery__RefreshMatViewStmt *refresh = lint->tree.node->refresh_mat_view_stmt;
    Name view = name_of_relation(refresh->relation);
    const Relation *relation = model_relation(lint->model, view);
    if (refresh->concurrent || refresh->skip_data || !case_is_busy(lint, view)) {
        return;
    }
    const char *written = case_table(lint, view);
    bool has_key = false;
    for (size_t i = 0; relation != NULL && i < relation->index_count; i++) {
        has_key = has_key || (relation->indexes[i].is_unique && !relation->indexes[i].is_partial);
    }
    Finding *finding = case_report(lint, -1, "nobody can read %s until its query has run", written);
    case_step(lint, finding, "%sREFRESH MATERIALIZED VIEW CONCURRENTLY %s;",
              has_key ? ""
                      : "-- needs a unique index over plain columns, made CONCURRENTLY before\n",
              written);
}

/* ---- emptying and locking ---- */

static void check_truncate(LintCase *lint)
{
    const PgQuery__TruncateStmt *truncate = lint->tree.node->truncate_stmt;
    if (truncate->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) {
        return; /* truncate-cascade says more */
    }
    for (size_t i = 0; i < truncate->n_relations; i++) {
        Name table = name_of_relation(truncate->relations[i]->range_var);
        if (case_is_busy(lint, table)) {
            Finding *finding = case_report(
                lint, -1, "every row of %s is gone, and everybody waits while TRUNCATE waits",
                case_table(lint, table));
            case_step_allow(lint, finding, "nothing reads the table, its rows are copies");
            return;
        }
    }
}

static void check_truncate_cascade(LintCase *lint)
{
    const PgQuery__TruncateStmt *truncate = lint->tree.node->truncate_stmt;
    if (truncate->behavior != PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) {
        return;
    }
    AUTO(Str) tables = { 0 };
    for (size_t i = 0; i < lint->statement->effect_count; i++) {
        const Effect *effect = &lint->statement->effects[i].effect;
        str_printf(&tables, "%s%s", i == 0 ? "" : ", ", case_table(lint, effect->table));
    }
    bool is_more = lint->statement->effect_count > truncate->n_relations;
    Finding *finding = case_report(lint, -1, "empties every table whose foreign keys lead here%s%s",
                                   is_more ? "; as far as this history tells: " : ", named or not",
                                   is_more ? str_text(&tables) : "");
    case_step(lint, finding,
              "-- skein: allow table-truncate nothing reads these tables\nTRUNCATE %s;",
              str_text(&tables));
}

static void check_lock(LintCase *lint)
{
    for (size_t i = 0; i < lint->statement->effect_count; i++) {
        const CaseEffect *effect = &lint->statement->effects[i];
        if (effect->is_busy && effect->effect.lock >= LOCK_SHARE) {
            case_report(lint, -1, "%s of %s wait until the whole migration has ended",
                        lock_mode_blocks(effect->effect.lock),
                        case_table(lint, effect->effect.table));
            return;
        }
    }
}

static const LintRule RULES[] = {
    {
        .id = "table-rename",
        .severity = SEVERITY_WARNING,
        .title = "a table that programs use is renamed",
        .explain = "The programs that run know the old name, the ones to come the new one.",
        .remedy = "Make a view of the old name in the same transaction: a plain one takes reads "
                  "and writes. lint finds no fault with a rename that a view follows.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_RENAME_STMT),
        .check = check_rename,
        .fires = { "ALTER TABLE orders RENAME TO purchases;", NULL },
        .silent = { "ALTER TABLE orders RENAME TO purchases;\n"
                    "CREATE VIEW orders AS SELECT * FROM purchases;",
                    NULL },
    },
    {
        .id = "table-move",
        .severity = SEVERITY_WARNING,
        .title = "a table that programs use goes to another schema",
        .explain = "Programs that name its schema, or do not have the new one in their "
                   "search_path, find it no more.",
        .remedy = "Make a view of the old name in the same transaction.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT),
        .check = check_move,
        .fires = { "ALTER TABLE orders SET SCHEMA archive;", NULL },
        .silent = { "ALTER TABLE orders SET SCHEMA archive;\n"
                    "CREATE VIEW orders AS SELECT * FROM archive.orders;",
                    NULL },
    },
    {
        .id = "object-rename",
        .severity = SEVERITY_WARNING,
        .title = "a view, function, sequence or type that programs use is renamed",
        .explain =
            "Programs that run know the old name, those of the next release the new one; while "
            "one replaces the other, some fail, whenever the migration runs. Functions in "
            "PL/pgSQL and in strings know names, too.",
        .remedy =
            "Make it anew under the new name, beside the old one, and drop that when no program "
            "uses it any more.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_RENAME_STMT),
        .check = check_rename_object,
        .fires = { "ALTER TYPE mood RENAME TO temper;", NULL },
        .silent = { "CREATE TYPE temper AS ENUM ('glad', 'sad');\n"
                    "ALTER TYPE temper RENAME TO humour;",
                    NULL },
    },
    {
        .id = "schema-rename",
        .severity = SEVERITY_WARNING,
        .title = "a schema is renamed",
        .explain = "Whatever names it, in programs, search_path settings and bodies of functions, "
                   "finds it no more.",
        .remedy = "A new schema; tables go over one by one, each with a view in its old place.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_RENAME_STMT),
        .check = check_rename_schema,
        .fires = { "ALTER SCHEMA shop RENAME TO store;", NULL },
        .silent = { "CREATE SCHEMA store;", NULL },
    },
    {
        .id = "table-rewrite",
        .severity = SEVERITY_WARNING,
        .title = "a table is copied while nobody may read or write",
        .explain =
            "VACUUM FULL, CLUSTER, SET LOGGED, SET UNLOGGED, SET TABLESPACE and SET ACCESS METHOD "
            "write the whole table to a new file under ACCESS EXCLUSIVE, and need the room for "
            "both.",
        .remedy = "pg_repack or pg_squeeze, which copy while others go on; or a quiet hour. Plain "
                  "VACUUM frees room for new rows without stopping anybody.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_VACUUM_STMT, PG_QUERY__NODE__NODE_CLUSTER_STMT,
                   PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_rewrite,
        .fires = { "VACUUM FULL orders;", NULL },
        .silent = { "VACUUM (ANALYZE) orders;", NULL },
    },
    {
        .id = "matview-refresh",
        .severity = SEVERITY_WARNING,
        .title = "a materialized view is refreshed while nobody may read it",
        .explain =
            "REFRESH MATERIALIZED VIEW holds ACCESS EXCLUSIVE on it for as long as its query runs.",
        .remedy = "REFRESH MATERIALIZED VIEW CONCURRENTLY, for which it needs a unique index.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT),
        .check = check_refresh,
        .fires = { "REFRESH MATERIALIZED VIEW order_totals;", NULL },
        .silent = { "REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals;", NULL },
    },
    {
        .id = "table-truncate",
        .severity = SEVERITY_WARNING,
        .title = "a table is emptied",
        .explain =
            "The rows are gone for good when the transaction ends, and TRUNCATE asks for ACCESS "
            "EXCLUSIVE. It also is not seen by snapshots: a reader that began before finds the "
            "table empty.",
        .remedy = "See that nothing needs the rows, and say so.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_TRUNCATE_STMT),
        .check = check_truncate,
        .fires = { "TRUNCATE items;", NULL },
        .silent = { "CREATE TABLE carts (id bigint);\nTRUNCATE carts;", NULL },
    },
    {
        .id = "truncate-cascade",
        .severity = SEVERITY_ERROR,
        .title = "TRUNCATE … CASCADE empties tables that it does not name",
        .explain = "It goes on along every foreign key that leads to the table, at any depth, "
                   "also along those that somebody adds later.",
        .remedy = "Name every table that is to be emptied.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_TRUNCATE_STMT),
        .check = check_truncate_cascade,
        .fires = { "TRUNCATE orders CASCADE;", NULL },
        .silent = { "TRUNCATE orders, items;", NULL },
    },
    {
        .id = "lock-table",
        .severity = SEVERITY_NOTICE,
        .title = "a table is locked by name",
        .explain = "LOCK TABLE holds its lock until the transaction ends, whatever the statements "
                   "after it take.",
        .remedy = "Where statements need it, keep the transaction short; ROW EXCLUSIVE and weaker "
                  "stop nobody.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_LOCK_STMT),
        .check = check_lock,
        .fires = { "LOCK TABLE orders IN SHARE MODE;", NULL },
        .silent = { "LOCK TABLE orders IN ROW EXCLUSIVE MODE;", NULL },
    },
};

LINT_FAMILY(LINT_TABLES, "Tables", RULES);
