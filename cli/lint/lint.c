/* The driver: reads the history statement by statement and asks the rules. Knows none of them. */
#include "cli/lint/lint.h"

#include <stdlib.h>
#include <string.h>

#include "cli/lint/allow.h"
#include "cli/lint/body.h"
#include "cli/lint/lint_run.h"
#include "common/str.h"

typedef struct Driver {
    const MigrationSet *set;
    const LintConfig *config;
    const LintRange *range;
    Arena *arena;
    LintRun run;
} Driver;

/* ---- asking rules ---- */

/* What is rolled back is rolled back rarely: there a finding weighs one level less, or nothing. */
static Severity weigh(const LintCase *lint, const LintRule *rule)
{
    Severity severity = lint->config->severities[lint_rule_index(rule)];
    bool is_less = lint->script != NULL && lint->script->is_down && severity > SEVERITY_OFF;
    return is_less ? severity - 1 : severity;
}

static bool is_asked(const LintCase *lint, const LintRule *rule, RuleMoment moment)
{
    if (rule->moment != moment ||
        (rule->is_up_only && lint->script != NULL && lint->script->is_down) ||
        weigh(lint, rule) == SEVERITY_OFF) {
        return false;
    }
    if (moment != RULE_STATEMENT) {
        return true;
    }
    for (size_t i = 0; i < RULE_NODES_MAX && rule->nodes[i] != 0; i++) {
        if (rule->nodes[i] == lint->tree.node->node_case) {
            return true;
        }
    }
    return rule->nodes[0] == 0;
}

static void ask(LintCase *lint, RuleMoment moment)
{
    for (size_t i = 0; i < lint_rule_count(); i++) {
        lint->rule = lint_rule_at(i);
        if (is_asked(lint, lint->rule, moment)) {
            lint->rule->check(lint);
        }
    }
}

void lint_run_take(LintCase *lint, Finding *finding)
{
    finding->severity = weigh(lint, lint->rule);
    if (lint->script != NULL) {
        finding->allowed =
            allow_find(lint->script, finding->line == 0 ? NULL : lint->statement, lint->rule);
    }
    LIST_PUSH(&lint->run->findings, finding);
}

/* ---- statements ---- */

static bool is_writer(const Tree *tree)
{
    static const PgQuery__Node__NodeCase WRITERS[] = {
        PG_QUERY__NODE__NODE_INSERT_STMT, PG_QUERY__NODE__NODE_UPDATE_STMT,
        PG_QUERY__NODE__NODE_DELETE_STMT, PG_QUERY__NODE__NODE_MERGE_STMT,
        PG_QUERY__NODE__NODE_COPY_STMT,
    };
    for (size_t i = 0; tree->node != NULL && i < ARRAY_LEN(WRITERS); i++) {
        if (WRITERS[i] == tree->node->node_case) {
            return true;
        }
    }
    return false;
}

/* The tree ends with its statement; what it told stays with the script. */
static void keep_effects(LintCase *lint, const Effects *effects, Arena *arena,
                         CaseStatement *statement)
{
    CaseEffect *kept = ARENA_ARRAY(arena, CaseEffect, effects->count);
    for (size_t i = 0; i < effects->count; i++) {
        Effect effect = effects->items[i];
        bool is_busy = case_is_busy(lint, effect.table);
        if (model_is_emptied(lint->model, model_relation(lint->model, effect.table))) {
            effect.work = WORK_NONE; /* there are no rows to go through */
        }
        effect.table = (Name){ arena_strdup(arena, effect.table.schema),
                               arena_strdup(arena, effect.table.name) };
        effect.why = arena_strdup(arena, effect.why);
        kept[i] = (CaseEffect){ effect, is_busy };
    }
    statement->effects = kept;
    statement->effect_count = effects->count;
}

static void read_statement(LintCase *lint, Model *model, size_t index, bool is_told)
{
    AUTO(Arena) trees = { 0 };
    CaseStatement *statement = &lint->script->statements[index];
    lint->statement = statement;
    tree_parse(statement->sql, &trees, &lint->tree);
    statement->writes_rows = is_writer(&lint->tree);
    if (lint->tree.node != NULL) {
        Effects effects = { 0 };
        effects_of(lint->tree.node, model, &trees, &effects);
        keep_effects(lint, &effects, lint->arena, statement);
    }
    bool is_of_no_grammar = statement->is_inner && lint->tree.node == NULL; /* PL/pgSQL's own */
    if (is_told && !is_of_no_grammar) {
        lint->run->statements++;
        ask(lint, RULE_TEXT);
    }
    if (is_told && lint->tree.node != NULL) {
        ask(lint, RULE_STATEMENT);
    }
    if (lint->tree.node != NULL) {
        model_apply(model, lint->tree.node);
    }
    lint->tree = (Tree){ 0 };
}

/* ---- scripts ---- */

typedef LIST(CaseStatement) StatementList;

/* What stands in a DO block runs in its transaction, and is read as if it stood in its place. */
static void add_body(StatementList *list, const CaseStatement *block, Arena *arena)
{
    Body body = { 0 };
    body_read(block->sql, arena, &body);
    list->items[list->count - 1].is_hidden = !body.is_whole;
    for (size_t i = 0; i < body.count; i++) {
        uint32_t start = block->start + (uint32_t)body.items[i].start;
        CaseStatement inner = *block;
        inner.sql = body.items[i].sql;
        inner.start = start;
        inner.is_transactional = true;
        inner.is_inner = true;
        for (size_t j = 0; j < body.items[i].start; j++) {
            inner.line += block->sql[j] == '\n';
        }
        LIST_PUSH(list, inner);
    }
}

static void fill_statements(CaseScript *script, Arena *arena)
{
    const PlanScript *plan = script->plan;
    StatementList list = { 0 };
    size_t part = 0;
    size_t left = plan->part_count > 0 ? plan->parts[0].statement_count : plan->count;
    for (size_t i = 0; i < plan->count; i++) {
        while (left == 0 && part + 1 < plan->part_count) {
            left = plan->parts[++part].statement_count;
        }
        left--;
        CaseStatement statement = {
            .sql = plan->statements[i].sql,
            .kind = plan->statements[i].kind,
            .line = plan->statements[i].line,
            .start = script->origin->starts[i],
            .probe = (ProbeKind)plan->statements[i].probe,
            .owner = i,
            .part = part,
            .is_transactional =
                plan->part_count > 0 ? plan->parts[part].is_transactional : plan->is_transactional,
        };
        LIST_PUSH(&list, statement);
        if (str_equal(statement.kind, "DO")) {
            add_body(&list, &statement, arena);
        }
    }
    script->statements = arena_memdup(arena, list.items, list.count * sizeof(CaseStatement));
    script->count = list.count;
    LIST_DONE(&list);
}

static bool is_part_end(const CaseScript *script, size_t index)
{
    return index + 1 == script->count ||
           script->statements[index + 1].part != script->statements[index].part;
}

static void tell_allowance(void *context, const Allowance *allowance)
{
    LintCase *lint = context;
    bool is_faulty = allowance->fault != NULL;
    lint->rule = lint_rule_find(is_faulty ? "allowance-malformed" : "allowance-unused");
    if (weigh(lint, lint->rule) == SEVERITY_OFF) {
        return;
    }
    const char *file = lint->script->origin->file;
    Finding *finding =
        is_faulty
            ? case_report_file(lint, file, "%s (%s)", allowance->fault, allowance->hint)
            : case_report_file(lint, file, "there is nothing of %s here to allow", allowance->rule);
    finding->line = allowance->line;
    finding->column = 1;
}

/* Reads one script into the model, which goes on from there. */
static void read_script(Driver *driver, LintCase *lint, Model *model, CaseScript *script,
                        bool is_told)
{
    lint->script = script;
    lint->model = model;
    fill_statements(script, driver->arena);
    script->is_used = ARENA_ARRAY(driver->arena, bool, script->origin->allowances.count);
    for (size_t i = 0; i < script->count; i++) {
        read_statement(lint, model, i, is_told);
        if (is_told && is_part_end(script, i)) {
            ask(lint, RULE_PART);
        }
    }
}

static void finish_script(LintCase *lint, CaseScript *script, bool is_told)
{
    if (is_told && script->origin != NULL) {
        lint->script = script;
        lint->statement = NULL;
        allow_each(script, lint->arena, tell_allowance, lint);
    }
    LIST_DONE(&script->labels);
}

/* ---- migrations ---- */

/* `file` NULL: there is none. */
static bool is_file_told(const LintRange *range, const char *file)
{
    for (size_t i = 0; i < range->file_count; i++) {
        if (file != NULL && str_equal(range->files[i], file)) {
            return true;
        }
    }
    return range->file_count == 0;
}

static bool is_script_told(const LintRange *range, const ScriptOrigin *origin)
{
    return is_file_told(range, origin == NULL ? NULL : origin->file);
}

static void read_migration(Driver *driver, Model *model, size_t index, bool is_told)
{
    const PlanMigration *migration = &driver->set->migrations[index];
    LintCase lint = {
        .config = driver->config,
        .set = driver->set,
        .migration = index,
        .arena = driver->arena,
        .run = &driver->run,
    };
    CaseScript up = { .plan = &migration->up,
                      .origin = source_origin(driver->set, &migration->up) };
    CaseScript down = { .plan = &migration->down,
                        .origin = source_origin(driver->set, &migration->down),
                        .is_down = true };
    bool is_up_told = is_told && is_script_told(driver->range, up.origin);
    bool is_down_told = is_told && is_script_told(driver->range, down.origin);
    driver->run.migrations += is_up_told || is_down_told;
    model_begin(model, index);
    if (up.origin != NULL) {
        read_script(driver, &lint, model, &up, is_up_told);
    }
    if (down.origin != NULL && is_down_told) {
        AUTO_PTR(Model) fork = model_fork(model);
        read_script(driver, &lint, fork, &down, true);
    }
    if (up.origin != NULL && is_up_told) {
        lint.script = &up;
        lint.model = model;
        lint.statement = NULL;
        ask(&lint, RULE_MIGRATION);
    }
    finish_script(&lint, &up, is_up_told);
    finish_script(&lint, &down, is_down_told);
}

/* ---- what cannot be read ---- */

static size_t find_migration(const MigrationSet *set, const char *id)
{
    size_t index = 0;
    while (index < set->count && !str_equal(set->migrations[index].id, id)) {
        index++;
    }
    return index;
}

/* What stands in no migration comes after all of them. */
static void tell_refusal(Driver *driver, const SourceRefusal *refusal, size_t first)
{
    const LintRule *rule = lint_rule_find("migration-unreadable");
    size_t order = find_migration(driver->set, refusal->migration);
    Severity severity = driver->config->severities[lint_rule_index(rule)];
    if (severity == SEVERITY_OFF || order < first || !is_file_told(driver->range, refusal->file)) {
        return;
    }
    Finding *finding = ARENA_NEW(driver->arena, Finding);
    *finding = (Finding){
        .rule = rule,
        .severity = severity,
        .migration = refusal->migration,
        .order = order,
        .file = refusal->file,
        .line = refusal->line,
        .column = refusal->line > 0,
        .source = "",
        .why = *refusal->hint == '\0'
                   ? refusal->words
                   : arena_printf(driver->arena, "%s (%s)", refusal->words, refusal->hint),
    };
    LIST_PUSH(&driver->run.findings, finding);
}

/* ---- the whole ---- */

/* The index that findings are told from; the count of the set: nowhere. */
static size_t find_from(const MigrationSet *set, const char *from)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_equal(set->migrations[i].id, from) || str_equal(set->migrations[i].version, from)) {
            return i;
        }
    }
    return set->count;
}

static ErrCode check_from(const MigrationSet *set, const char *from, size_t *ret_first, Err *err)
{
    *ret_first = from == NULL ? 0 : find_from(set, from);
    if (from == NULL || *ret_first < set->count) {
        return ERR_NONE;
    }
    AUTO(Arena) arena = { 0 };
    const char **ids = ARENA_ARRAY(&arena, const char *, set->count);
    for (size_t i = 0; i < set->count; i++) {
        ids[i] = set->migrations[i].id;
    }
    const char *nearest = str_nearest(from, ids, set->count);
    err_set(err, ERR_NOT_FOUND, "no migration '%s' to begin from", from);
    return nearest != NULL ? err_hint(err, "did you mean %s?", nearest)
                           : err_hint(err, "name one by its version or its id");
}

static int compare_findings(const void *left, const void *right)
{
    const Finding *a = *(Finding *const *)left;
    const Finding *b = *(Finding *const *)right;
    if (a->order != b->order) {
        return a->order < b->order ? -1 : 1;
    }
    int file = strcmp(b->file, a->file); /* an up comes before a down */
    if (file != 0) {
        return file;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return a->column != b->column ? (a->column < b->column ? -1 : 1)
                                  : (int)b->severity - (int)a->severity;
}

static void finish_report(Driver *driver, LintReport *report)
{
    report->count = driver->run.findings.count;
    report->findings =
        arena_memdup(driver->arena, driver->run.findings.items, report->count * sizeof(Finding *));
    if (report->count > 0) {
        qsort(report->findings, report->count, sizeof(Finding *), compare_findings);
    }
    report->statements = driver->run.statements;
    report->migrations = driver->run.migrations;
    for (size_t i = 0; i < report->count; i++) {
        if (report->findings[i]->allowed != NULL) {
            report->allowed++;
        } else {
            report->counts[report->findings[i]->severity]++;
        }
    }
}

ErrCode lint_run(const MigrationSet *set, const LintConfig *config, const LintRange *range,
                 Arena *arena, LintReport *ret_report, Err *err)
{
    size_t first = 0;
    ErrCode code = check_from(set, range->from, &first, err);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO_PTR(Model) model = model_new(arena);
    Driver driver = { set, config, range, arena, { .lock_orders = map_new() } };
    LintReport report = { 0 };
    for (size_t i = 0; i < set->count; i++) {
        read_migration(&driver, model, i, i >= first);
    }
    for (size_t i = 0; i < set->refusal_count; i++) {
        tell_refusal(&driver, &set->refusals[i], first);
    }
    finish_report(&driver, &report);
    *ret_report = report;
    LIST_DONE(&driver.run.findings);
    map_free(driver.run.lock_orders);
    return ERR_NONE;
}
