/* What checks have in hand. */
#include "cli/lint/lint_case.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/lint/lint_run.h"
#include "cli/source/scan.h"
#include "common/str.h"

/* ---- looking ---- */

bool case_is_busy(const LintCase *lint, Name table)
{
    const Relation *relation = model_relation(lint->model, table);
    return !model_is_new(lint->model, relation) && !lint_table_is_small(lint->config, table.name);
}

Effect case_effect(const LintCase *lint, Name table)
{
    for (size_t i = 0; i < lint->statement->effect_count; i++) {
        if (model_is_same(lint->model, lint->statement->effects[i].effect.table, table)) {
            return lint->statement->effects[i].effect;
        }
    }
    return (Effect){ .table = table };
}

Model *case_model_after(const LintCase *lint)
{
    const CaseScript *script = lint->script;
    Model *model = model_fork(lint->model);
    for (const CaseStatement *one = lint->statement; one < script->statements + script->count;
         one++) {
        AUTO(Arena) arena = { 0 };
        Tree tree = { 0 };
        tree_parse(one->sql, &arena, &tree);
        if (tree.node != NULL) {
            model_apply(model, tree.node);
        }
    }
    return model;
}

const Effect *case_work(const LintCase *lint, TableWork at_least)
{
    for (size_t i = 0; i < lint->statement->effect_count; i++) {
        const CaseEffect *effect = &lint->statement->effects[i];
        if (effect->is_busy && effect->effect.work >= at_least) {
            return &effect->effect;
        }
    }
    return NULL;
}

bool case_has_downs(const LintCase *lint)
{
    for (size_t i = 0; i < lint->set->count; i++) {
        if (lint->set->migrations[i].down.count > 0) {
            return true;
        }
    }
    return false;
}

const char *case_table(const LintCase *lint, Name table)
{
    return name_write_qualified(table.schema, table.name, lint->arena);
}

/* ---- reporting ---- */

static int compare_effects(const void *left, const void *right)
{
    const Effect *a = left;
    const Effect *b = right;
    return a->lock != b->lock ? (a->lock < b->lock ? 1 : -1) : (int)b->work - (int)a->work;
}

static void add_effects(LintCase *lint, Finding *finding)
{
    Effect *effects = ARENA_ARRAY(lint->arena, Effect, lint->statement->effect_count);
    size_t count = 0;
    for (size_t i = 0; i < lint->statement->effect_count; i++) {
        const CaseEffect *effect = &lint->statement->effects[i];
        if (effect->is_busy && effect->effect.lock >= LOCK_ROW_EXCLUSIVE) {
            effects[count++] = effect->effect;
        }
    }
    if (count > 0) {
        qsort(effects, count, sizeof(Effect), compare_effects);
    }
    finding->effects = effects;
    finding->effect_count = count;
}

__attribute__((format(printf, 2, 0))) static Finding *new_finding(LintCase *lint, const char *why,
                                                                  va_list args)
{
    Finding *finding = ARENA_NEW(lint->arena, Finding);
    char text[ERR_MESSAGE_MAX]; /* longer ones are cut */
    text_format_args(text, sizeof(text), why, args);
    *finding = (Finding){
        .rule = lint->rule,
        .migration = lint->set->migrations[lint->migration].id,
        .order = lint->migration,
        .source = "",
        .why = arena_strdup(lint->arena, text),
    };
    return finding;
}

/* Line, column (in characters) and text of the line at `offset` of the script. */
static void locate(const LintCase *lint, uint32_t offset, Finding *finding)
{
    const char *text = lint->script->origin->text;
    uint32_t begin = offset;
    while (begin > 0 && text[begin - 1] != '\n') {
        begin--;
    }
    finding->line = lint->statement->line;
    for (uint32_t i = lint->statement->start; i < offset && text[i] != '\0'; i++) {
        finding->line += text[i] == '\n';
    }
    finding->column = 1;
    for (uint32_t i = begin; i < offset; i++) {
        finding->column += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    size_t length = strcspn(text + begin, "\r\n");
    finding->source = arena_strndup(lint->arena, text + begin, length);
}

Finding *case_report(LintCase *lint, int32_t location, const char *why, ...)
{
    va_list args;
    va_start(args, why);
    Finding *finding = new_finding(lint, why, args);
    va_end(args);
    finding->file = sql_file_at(lint->script->origin->sql, lint->statement->start);
    finding->from = sql_from_at(lint->script->origin->sql, lint->statement->start);
    uint32_t offset = lint->statement->start + (uint32_t)(location > 0 ? location : 0);
    uint32_t end = (uint32_t)strlen(lint->script->origin->text);
    locate(lint, offset < end ? offset : end, finding);
    add_effects(lint, finding);
    lint_run_take(lint, finding);
    return finding;
}

Finding *case_report_file(LintCase *lint, const char *file, const char *why, ...)
{
    va_list args;
    va_start(args, why);
    Finding *finding = new_finding(lint, why, args);
    va_end(args);
    finding->file = file;
    lint_run_take(lint, finding);
    return finding;
}

void case_step(LintCase *lint, Finding *finding, const char *sql, ...)
{
    if (finding->safe_count == SAFE_STEPS_MAX) {
        return;
    }
    va_list args;
    va_start(args, sql);
    char *text = NULL;
    if (vasprintf(&text, sql, args) < 0) {
        abort();
    }
    va_end(args);
    finding->safe[finding->safe_count++] = (SafeStep){ arena_strdup(lint->arena, text) };
    free(text);
}

void case_step_tree(LintCase *lint, Finding *finding, const Node *statement)
{
    const char *sql = tree_write(statement, lint->arena);
    if (sql != NULL) {
        case_step(lint, finding, "%s;", sql);
    }
}

void case_step_allow(LintCase *lint, Finding *finding, const char *reason)
{
    case_step(lint, finding, "-- skein: allow %s %s\n%s;", lint->rule->id, reason,
              lint->statement->sql);
}

void case_step_not_null(LintCase *lint, Finding *finding, Name table, const char *column)
{
    const char *name =
        name_write(name_make(table.name, column, "not_null", lint->arena), lint->arena);
    const char *written = case_table(lint, table);
    const char *quoted = name_write(column, lint->arena);
    case_step(lint, finding, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID;",
              written, name, quoted);
    case_step(lint, finding, "ALTER TABLE %s VALIDATE CONSTRAINT %s;", written, name);
    case_step(lint, finding,
              "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;\nALTER TABLE %s DROP CONSTRAINT %s;",
              written, quoted, written, name);
}

/* ---- ALTER TABLE, command by command ---- */

bool case_alters_table(const LintCase *lint)
{
    PgQuery__ObjectType type = lint->tree.node->alter_table_stmt->objtype;
    return type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE;
}

void case_each_command(LintCase *lint, PgQuery__AlterTableType type, CaseCommand check)
{
    const PgQuery__AlterTableStmt *alter = lint->tree.node->alter_table_stmt;
    Name table = name_of_relation(alter->relation);
    if (!case_alters_table(lint) || !case_is_busy(lint, table)) {
        return;
    }
    for (size_t i = 0; i < alter->n_cmds; i++) {
        if (alter->cmds[i]->alter_table_cmd->subtype == type) {
            check(lint, table, alter->cmds[i]->alter_table_cmd);
        }
    }
}

static bool is_name(const SqlText *text, const SqlToken *token, const char *name, Arena *arena)
{
    const char *at = text->text + token->start;
    size_t length = token->end - token->start;
    if (at[0] == '"') {
        return str_equal(arena_strndup(arena, at, length), name_quote(name, arena));
    }
    return length == strlen(name) && strncasecmp(at, name, length) == 0;
}

int32_t case_command_place(const LintCase *lint, const PgQuery__AlterTableCmd *command)
{
    AUTO(Arena) arena = { 0 };
    SqlText text = { 0 };
    const char *sql = lint->statement->sql;
    Bytes bytes = { (const uint8_t *)sql, strlen(sql) };
    if (sql_text_open("", bytes, 0, &arena, &text, NULL) != ERR_NONE ||
        sql_scan(&text, &arena, NULL) != ERR_NONE) {
        return -1;
    }
    const PgQuery__RangeVar *table = lint->tree.node->alter_table_stmt->relation;
    bool is_behind = false; /* the table's own name */
    for (size_t i = 0; i < text.token_count; i++) {
        const SqlToken *token = &text.tokens[i];
        bool is_found = is_behind && is_name(&text, token, command->name, &arena);
        if (is_found) {
            return (int32_t)token->start;
        }
        is_behind = is_behind || (token->start >= (uint32_t)table->location &&
                                  is_name(&text, token, table->relname, &arena));
    }
    return -1;
}

/* An ALTER TABLE of one command. It points into itself. */
typedef struct AlterAlone {
    Node node;
    PgQuery__AlterTableStmt alter;
    Node command;
    Node *commands[1];
} AlterAlone;

static void alter_alone_init(AlterAlone *alone, const LintCase *lint,
                             const PgQuery__AlterTableCmd *command)
{
    *alone = (AlterAlone){
        .node = PG_QUERY__NODE__INIT,
        .alter = *lint->tree.node->alter_table_stmt,
        .command = PG_QUERY__NODE__INIT,
        .commands = { &alone->command },
    };
    alone->command.node_case = PG_QUERY__NODE__NODE_ALTER_TABLE_CMD;
    alone->command.alter_table_cmd = (PgQuery__AlterTableCmd *)command;
    alone->alter.n_cmds = 1;
    alone->alter.cmds = alone->commands;
    alone->node.node_case = PG_QUERY__NODE__NODE_ALTER_TABLE_STMT;
    alone->node.alter_table_stmt = &alone->alter;
}

const char *case_alter_alone(const LintCase *lint, const PgQuery__AlterTableCmd *command)
{
    AlterAlone alone;
    alter_alone_init(&alone, lint, command);
    return tree_write(&alone.node, lint->arena);
}

Effect case_command_effect(const LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    Effect whole = case_effect(lint, table);
    if (whole.work == WORK_NONE || lint->tree.node->alter_table_stmt->n_cmds == 1) {
        return whole;
    }
    AlterAlone alone;
    Effects effects = { 0 };
    alter_alone_init(&alone, lint, command);
    effects_of(&alone.node, lint->model, lint->arena, &effects);
    const Effect *own = effects_on(&effects, lint->model, table);
    return own == NULL ? (Effect){ .table = table } : *own;
}

/* ---- columns ---- */

static void check_elements(LintCase *lint, Name table, CaseColumn check)
{
    const PgQuery__CreateStmt *create = lint->tree.node->create_stmt;
    for (size_t i = 0; i < create->n_table_elts; i++) {
        if (create->table_elts[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            check(lint, table, create->table_elts[i]->column_def);
        }
    }
}

void case_each_new_column(LintCase *lint, CaseColumn check)
{
    const Node *node = lint->tree.node;
    if (node->node_case == PG_QUERY__NODE__NODE_CREATE_STMT) {
        check_elements(lint, name_of_relation(node->create_stmt->relation), check);
        return;
    }
    const PgQuery__AlterTableStmt *alter = node->alter_table_stmt;
    for (size_t i = 0; case_alters_table(lint) && i < alter->n_cmds; i++) {
        const PgQuery__AlterTableCmd *command = alter->cmds[i]->alter_table_cmd;
        if (command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn) {
            check(lint, name_of_relation(alter->relation), command->def->column_def);
        }
    }
}
