/* From a file's bytes to the script that a plan carries. */
#include "cli/source/script.h"

#include "cli/source/checksum.h"
#include "cli/source/classify.h"
#include "cli/source/near_mark.h"
#include "cli/source/psql.h"
#include "cli/source/split.h"
#include "cli/source/unfilled.h"
#include "common/str.h"

/* A script in the making: statements and facts are parallel; `parts` is what runs. */
typedef struct Draft {
    PsqlText psql;
    SqlText text;
    Directives directives;
    Allowances allowances;
    SqlStatements statements;
    StatementFacts *facts;
    const PsqlCopy **copies; /* of each statement: its rows, or NULL */
    ScriptParts parts;
} Draft;

static ErrCode check_count(const Draft *draft, Err *err)
{
    if (draft->statements.count <= PLAN_STEPS_MAX) {
        return ERR_NONE;
    }
    return err_set(err, ERR_LIMIT, "%s: %zu statements, and a migration has at most %d",
                   draft->text.file, draft->statements.count, PLAN_STEPS_MAX);
}

static size_t statement_start(const Draft *draft, size_t index)
{
    return draft->text.tokens[draft->statements.items[index].first_token].start;
}

static size_t statement_end(const Draft *draft, size_t index)
{
    return draft->text.tokens[draft->statements.items[index].end_token - 1].end;
}

static void classify_all(Draft *draft, SourceNotes *notes, Arena *arena)
{
    size_t count = draft->statements.count;
    draft->facts = ARENA_ARRAY(arena, StatementFacts, count);
    for (size_t i = 0; i < count; i++) {
        const SqlStatement *statement = &draft->statements.items[i];
        classify_statement(&draft->text, statement, draft->statements.is_grammatical, arena,
                           &draft->facts[i]);
        const StatementFacts *facts = &draft->facts[i];
        size_t start = statement_start(draft, i);
        if (facts->warning != NULL) {
            source_note_at(notes, SOURCE_NOTE_WARNING, &draft->text, start, "%s", facts->warning);
        }
        if (facts->note != NULL) {
            source_note_at(notes, SOURCE_NOTE_INFO, &draft->text, start, "%s", facts->note);
        }
    }
}

/* Each COPY's rows were found behind its end: the last statement before that is the COPY. */
static ErrCode assign_copies(Draft *draft, Arena *arena, Err *err)
{
    size_t statement = 0;
    draft->copies = ARENA_ARRAY(arena, const PsqlCopy *, draft->statements.count);
    for (size_t i = 0; i < draft->psql.copy_count; i++) {
        const PsqlCopy *copy = &draft->psql.copies[i];
        while (statement + 1 < draft->statements.count &&
               statement_end(draft, statement + 1) <= copy->offset) {
            statement++;
        }
        bool is_copy = statement < draft->statements.count &&
                       statement_end(draft, statement) <= copy->offset &&
                       str_equal(draft->facts[statement].kind, "COPY") &&
                       draft->copies[statement] == NULL;
        if (!is_copy) {
            return sql_refuse_at(&draft->text, copy->offset - 1, err,
                                 "rows that belong to no COPY … FROM STDIN");
        }
        draft->copies[statement] = copy;
    }
    return ERR_NONE;
}

static bool has_transaction(const ScriptParts *parts)
{
    for (size_t i = 0; i < parts->part_count; i++) {
        if (parts->parts[i].is_transactional) {
            return true;
        }
    }
    return false;
}

static ErrCode check_lock_timeout(const Draft *draft, Err *err)
{
    if (draft->directives.lock_timeout_line == 0 || draft->parts.count == 0 ||
        has_transaction(&draft->parts)) {
        return ERR_NONE;
    }
    sql_refuse(&draft->text, draft->directives.lock_timeout_line, err,
               "lock-timeout on a statement that runs without a transaction");
    return err_hint(err, "a short one would destroy a concurrent build; it gets the plan's "
                         "timeouts.concurrent instead");
}

static ErrCode cut(Draft *draft, PartRule rule, SourceNotes *notes, Arena *arena, Err *err)
{
    if (draft->directives.no_transaction_line != 0) {
        rule.transaction = TRANSACTION_EACH;
    }
    ErrCode code = parts_cut(&draft->text, &draft->statements, draft->facts, rule, notes, arena,
                             &draft->parts, err);
    return code == ERR_NONE ? check_lock_timeout(draft, err) : code;
}

static PlanStatement plan_statement(const SqlStatement *statement, const StatementFacts *facts,
                                    bool is_transactional)
{
    bool is_probed = !is_transactional && facts->probe != PROBE_NONE;
    return (PlanStatement){
        .sql = facts->opening != NULL ? facts->opening : statement->sql,
        .line = statement->line,
        .kind = facts->kind,
        .probe = (uint32_t)(is_probed ? facts->probe : PROBE_NONE),
        .object = is_probed ? facts->object : "",
        .detail = is_probed || facts->is_of_database ? facts->detail : "",
    };
}

/* Behind a query it would fail, as it does with any tool. */
static bool is_opening(const Draft *draft, size_t first, size_t statement)
{
    for (size_t i = first; i < statement; i++) {
        const StatementFacts *facts = &draft->facts[draft->parts.statements[i]];
        if (!facts->is_opening && !str_equal(facts->kind, "SET")) {
            return false;
        }
    }
    return draft->facts[draft->parts.statements[statement]].is_opening;
}

static void fill_plan(const Draft *draft, Arena *arena, PlanScript *plan)
{
    const ScriptParts *parts = &draft->parts;
    plan->count = parts->count;
    plan->statements = ARENA_ARRAY(arena, PlanStatement, parts->count);
    plan->lock_timeout_ms = draft->directives.lock_timeout_ms;
    plan->has_watchdog = draft->directives.watchdog_line != 0;
    plan->watchdog = draft->directives.watchdog;
    plan->tolerates_warnings = draft->directives.tolerate_warnings_line != 0;
    plan->is_transactional =
        parts->part_count == 0 || (parts->part_count == 1 && parts->parts[0].is_transactional);
    if (parts->part_count > 1) {
        plan->parts = parts->parts;
        plan->part_count = parts->part_count;
    }
    size_t statement = 0;
    for (size_t i = 0; i < parts->part_count; i++) {
        const PlanPart *part = &parts->parts[i];
        size_t first = statement;
        for (size_t end = statement + part->statement_count; statement < end; statement++) {
            size_t index = parts->statements[statement];
            plan->statements[statement] = plan_statement(
                &draft->statements.items[index], &draft->facts[index], part->is_transactional);
            if (draft->copies[index] != NULL) {
                plan->statements[statement].is_copy = true;
                plan->statements[statement].copy_data = draft->copies[index]->rows;
            }
            plan->statements[statement].is_opening =
                part->is_transactional && is_opening(draft, first, statement);
            /* Made again before later parts; where there are none it says nothing. */
            plan->statements[statement].is_setting =
                parts->part_count > 1 && draft->facts[index].is_setting;
        }
    }
}

static Bytes fingerprints(const Draft *draft, Arena *arena)
{
    size_t count = draft->parts.count;
    uint8_t *bytes = arena_alloc(arena, count * FINGERPRINT_BYTES);
    for (size_t i = 0; i < count; i++) {
        size_t index = draft->parts.statements[i];
        checksum_statement(&draft->text, &draft->statements.items[index], draft->copies[index],
                           bytes + i * FINGERPRINT_BYTES);
    }
    return (Bytes){ bytes, count * FINGERPRINT_BYTES };
}

static void add_origin(const Draft *draft, const PlanScript *plan, SourceNotes *notes, Arena *arena)
{
    uint32_t *starts = ARENA_ARRAY(arena, uint32_t, plan->count);
    for (size_t i = 0; i < plan->count; i++) {
        const SqlStatement *statement = &draft->statements.items[draft->parts.statements[i]];
        starts[i] = draft->text.tokens[statement->first_token].start;
    }
    ScriptOrigin origin = {
        .statements = plan->statements,
        .file = draft->text.file,
        .text = draft->text.text,
        .starts = starts,
        .sql = arena_memdup(arena, &draft->text, sizeof(draft->text)),
        .reasons = draft->parts.reasons,
        .directives = draft->directives,
        .allowances = draft->allowances,
    };
    LIST_PUSH(&notes->origins, origin);
}

static ErrCode read_draft(Draft *draft, SourceNotes *notes, Arena *arena, Err *err)
{
    ErrCode code = sql_scan(&draft->text, arena, err);
    if (code == ERR_NONE) {
        code = directives_read(&draft->text, &draft->directives, err);
    }
    if (code == ERR_NONE) {
        near_directives_tell(&draft->text, notes);
        draft->allowances = allowances_read(&draft->text, arena);
        code = split_sql(&draft->text, arena, &draft->statements, err);
    }
    if (code == ERR_NONE) {
        code = check_count(draft, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    classify_all(draft, notes, arena);
    return assign_copies(draft, arena, err);
}

static ErrCode open_text(const ScriptInput *input, Arena *arena, Draft *draft, Err *err)
{
    PsqlInput psql = {
        .file = input->file,
        .bytes = input->bytes,
        .first_line = input->first_line,
        .variables = input->variables,
        .dir = input->dir,
        .path = input->path,
    };
    ErrCode code = psql_read(&psql, arena, &draft->psql, err);
    return code == ERR_NONE ? sql_text_open_composed(draft->psql.origins, draft->psql.origin_count,
                                                     draft->psql.bytes, arena, &draft->text, err)
                            : code;
}

ErrCode script_read(const ScriptInput *input, SourceNotes *notes, Arena *arena, Script *ret_script,
                    Err *err)
{
    Draft draft = { 0 };
    ErrCode code = open_text(input, arena, &draft, err);
    if (code == ERR_NONE) {
        code = read_draft(&draft, notes, arena, err);
    }
    if (code == ERR_NONE) {
        code = unfilled_check(&draft.text, &draft.statements, draft.facts, draft.psql.unset,
                              draft.psql.unset_count, input->variables, notes, err);
    }
    if (code == ERR_NONE) {
        code = cut(&draft, input->rule, notes, arena, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    *ret_script = (Script){
        .directives = draft.directives,
        .fingerprints = fingerprints(&draft, arena),
    };
    fill_plan(&draft, arena, &ret_script->plan);
    add_origin(&draft, &ret_script->plan, notes, arena);
    checksum_text(&draft.text, draft.psql.copies, draft.psql.copy_count, ret_script->checksum);
    return ERR_NONE;
}

bool script_has_bad_statements(const ScriptInput *input, Arena *arena)
{
    Draft draft = { 0 };
    AUTO(SourceNotes) unheard = { .arena = arena };
    Err err = { 0 };
    if (open_text(input, arena, &draft, &err) != ERR_NONE) {
        return false;
    }
    bool is_bad =
        sql_scan(&draft.text, arena, &err) != ERR_NONE ||
        (read_draft(&draft, &unheard, arena, &err) == ERR_NONE &&
         unfilled_check(&draft.text, &draft.statements, draft.facts, draft.psql.unset,
                        draft.psql.unset_count, input->variables, &unheard, &err) == ERR_NONE &&
         cut(&draft, input->rule, &unheard, arena, &err) != ERR_NONE);
    return is_bad;
}
