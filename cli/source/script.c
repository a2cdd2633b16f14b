/* From a file's bytes to the script that a plan carries. */
#include "cli/source/script.h"

#include "cli/source/checksum.h"
#include "cli/source/classify.h"
#include "cli/source/psql.h"
#include "cli/source/split.h"
#include "common/str.h"

/* How many parts a hint names; the reader has got the idea by then. */
#define PARTS_NAMED_MAX 6

/* A script in the making: statements and facts are parallel; [first, end) is what runs. */
typedef struct Draft {
    SqlText text;
    Directives directives;
    Allowances allowances;
    SqlStatements statements;
    StatementFacts *facts;
    size_t first;
    size_t end;
} Draft;

/* When tokens end in a fault, the cause often stands before it: rows of a COPY, a psql command. */
static ErrCode scan(Draft *draft, Arena *arena, Err *err)
{
    Err fault = { 0 };
    ErrCode code = sql_scan(&draft->text, arena, &fault);
    if (code == ERR_NONE || psql_refuse(&draft->text, err) == ERR_NONE) {
        if (code != ERR_NONE && err != NULL) {
            *err = fault;
        }
        return code;
    }
    return ERR_SYNTAX;
}

static ErrCode check_count(const Draft *draft, Err *err)
{
    if (draft->statements.count <= PLAN_STEPS_MAX) {
        return ERR_NONE;
    }
    return err_set(err, ERR_LIMIT, "%s: %zu statements, and a migration has at most %d",
                   draft->text.file, draft->statements.count, PLAN_STEPS_MAX);
}

static void classify_all(Draft *draft, SourceNotes *notes, Arena *arena)
{
    size_t count = draft->statements.count;
    draft->facts = ARENA_ARRAY(arena, StatementFacts, count);
    draft->end = count;
    for (size_t i = 0; i < count; i++) {
        const SqlStatement *statement = &draft->statements.items[i];
        classify_statement(&draft->text, statement, draft->statements.is_grammatical, arena,
                           &draft->facts[i]);
        const StatementFacts *facts = &draft->facts[i];
        if (facts->warning != NULL) {
            source_note(notes, SOURCE_NOTE_WARNING, draft->text.file, statement->line, "%s",
                        facts->warning);
        }
        if (facts->note != NULL) {
            source_note(notes, SOURCE_NOTE_INFO, draft->text.file, statement->line, "%s",
                        facts->note);
        }
    }
}

static void leave_out_pair(Draft *draft, SourceNotes *notes)
{
    if (draft->end - draft->first < 2 ||
        draft->facts[draft->first].edge != TRANSACTION_EDGE_BEGIN ||
        draft->facts[draft->end - 1].edge != TRANSACTION_EDGE_COMMIT) {
        return;
    }
    uint32_t begin_line = draft->statements.items[draft->first].line;
    uint32_t commit_line = draft->statements.items[draft->end - 1].line;
    source_note(notes, SOURCE_NOTE_INFO, draft->text.file, begin_line,
                "%s, and %s at line %u, are left out: skein begins and ends the transaction",
                draft->facts[draft->first].kind, draft->facts[draft->end - 1].kind, commit_line);
    draft->first++;
    draft->end--;
}

static ErrCode check_refusals(const Draft *draft, Err *err)
{
    for (size_t i = draft->first; i < draft->end; i++) {
        if (draft->facts[i].refusal != NULL) {
            sql_refuse(&draft->text, draft->statements.items[i].line, err, "%s",
                       draft->facts[i].refusal);
            return err_hint(err, "%s", draft->facts[i].hint);
        }
    }
    return ERR_NONE;
}

/* Does a part of its own begin with statement i: is it, or is the one before, to stand alone? */
static bool begins_part(const Draft *draft, size_t i, bool each_alone)
{
    return i == draft->first || each_alone || !draft->facts[i].is_transactional ||
           !draft->facts[i - 1].is_transactional;
}

/* "split it into 2 migrations: line 1 (SET), lines 3 to 9 (ALTER TABLE …)". */
static ErrCode hint_parts(const Draft *draft, bool each_alone, Err *err)
{
    AUTO(Str) parts = { 0 };
    size_t count = 0;
    for (size_t i = draft->first; i < draft->end;) {
        size_t last = i;
        while (last + 1 < draft->end && !begins_part(draft, last + 1, each_alone)) {
            last++;
        }
        uint32_t from = draft->statements.items[i].line;
        uint32_t to = draft->statements.items[last].line;
        if (count < PARTS_NAMED_MAX) {
            str_printf(&parts, from == to ? "%sline %u" : "%slines %u to %u",
                       count == 0 ? "" : ", ", from, to);
            str_printf(&parts, last == i ? " (%s)" : " (%s …)", draft->facts[i].kind);
        } else if (count == PARTS_NAMED_MAX) {
            str_append(&parts, ", …");
        }
        count++;
        i = last + 1;
    }
    return err_hint(err, "split it into %zu migrations: %s", count, str_text(&parts));
}

static ErrCode check_alone(const Draft *draft, size_t index, Err *err)
{
    if (draft->end - draft->first == 1) {
        return ERR_NONE;
    }
    sql_refuse(&draft->text, draft->statements.items[index].line, err,
               "%s cannot run in a transaction and must stand alone; this file has %zu statements",
               draft->facts[index].kind, draft->end - draft->first);
    return hint_parts(draft, false, err);
}

static ErrCode check_directives(const Draft *draft, Err *err)
{
    const Directives *directives = &draft->directives;
    if (directives->no_transaction_line != 0 && draft->end - draft->first > 1) {
        sql_refuse(&draft->text, directives->no_transaction_line, err,
                   "a no-transaction migration has one statement; this file has %zu",
                   draft->end - draft->first);
        return hint_parts(draft, true, err);
    }
    return ERR_NONE;
}

static ErrCode check_outside(const Draft *draft, Err *err)
{
    if (draft->first > 0) {
        sql_refuse(&draft->text, draft->statements.items[0].line, err,
                   "%s around what cannot run in a transaction", draft->facts[0].kind);
        return err_hint(err, "remove the %s and the %s", draft->facts[0].kind,
                        draft->facts[draft->end].kind);
    }
    if (draft->directives.lock_timeout_line != 0) {
        sql_refuse(&draft->text, draft->directives.lock_timeout_line, err,
                   "lock-timeout on a statement that runs without a transaction");
        return err_hint(err, "a short one would destroy a concurrent build; it gets the plan's "
                             "timeouts.concurrent instead");
    }
    return ERR_NONE;
}

/* Decides whether the script runs in a transaction, and refuses what would be neither. */
static ErrCode check_mode(const Draft *draft, bool *ret_is_transactional, Err *err)
{
    bool is_transactional =
        draft->directives.no_transaction_line == 0 || draft->first == draft->end;
    for (size_t i = draft->first; i < draft->end; i++) {
        if (!draft->facts[i].is_transactional) {
            ErrCode code = check_alone(draft, i, err);
            if (code != ERR_NONE) {
                return code;
            }
            is_transactional = false;
        }
    }
    ErrCode code = check_directives(draft, err);
    if (code == ERR_NONE && !is_transactional) {
        code = check_outside(draft, err);
    }
    if (code == ERR_NONE) {
        *ret_is_transactional = is_transactional;
    }
    return code;
}

static void fill_plan(const Draft *draft, bool is_transactional, Arena *arena, PlanScript *plan)
{
    plan->count = draft->end - draft->first;
    plan->statements = ARENA_ARRAY(arena, PlanStatement, plan->count);
    plan->is_transactional = is_transactional;
    plan->lock_timeout_ms = draft->directives.lock_timeout_ms;
    for (size_t i = 0; i < plan->count; i++) {
        const SqlStatement *statement = &draft->statements.items[draft->first + i];
        const StatementFacts *facts = &draft->facts[draft->first + i];
        bool is_probed = !is_transactional && facts->probe != PROBE_NONE;
        plan->statements[i] = (PlanStatement){
            .sql = statement->sql,
            .line = statement->line,
            .kind = facts->kind,
            .probe = (uint32_t)(is_probed ? facts->probe : PROBE_NONE),
            .object = is_probed ? facts->object : "",
            .detail = is_probed ? facts->detail : "",
        };
    }
}

static void add_origin(const Draft *draft, const PlanScript *plan, SourceNotes *notes, Arena *arena)
{
    uint32_t *starts = ARENA_ARRAY(arena, uint32_t, plan->count);
    for (size_t i = 0; i < plan->count; i++) {
        const SqlStatement *statement = &draft->statements.items[draft->first + i];
        starts[i] = draft->text.tokens[statement->first_token].start;
    }
    ScriptOrigin origin = {
        .statements = plan->statements,
        .file = draft->text.file,
        .text = draft->text.text,
        .starts = starts,
        .directives = draft->directives,
        .allowances = draft->allowances,
    };
    LIST_PUSH(&notes->origins, origin);
}

static ErrCode read_draft(Draft *draft, SourceNotes *notes, Arena *arena, Err *err)
{
    ErrCode code = scan(draft, arena, err);
    if (code == ERR_NONE) {
        code = directives_read(&draft->text, &draft->directives, err);
    }
    if (code == ERR_NONE) {
        code = allowances_read(&draft->text, arena, &draft->allowances, err);
    }
    if (code == ERR_NONE) {
        code = psql_refuse(&draft->text, err);
    }
    if (code == ERR_NONE) {
        code = split_sql(&draft->text, arena, &draft->statements, err);
    }
    if (code == ERR_NONE) {
        code = check_count(draft, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    classify_all(draft, notes, arena);
    leave_out_pair(draft, notes);
    return check_refusals(draft, err);
}

ErrCode script_read(const ScriptInput *input, SourceNotes *notes, Arena *arena, Script *ret_script,
                    Err *err)
{
    Draft draft = { 0 };
    bool is_transactional = true;
    ErrCode code = sql_text_open(input->file, input->bytes, input->first_line, arena, &draft.text,
                                 err);
    if (code == ERR_NONE) {
        code = read_draft(&draft, notes, arena, err);
    }
    if (code == ERR_NONE) {
        code = check_mode(&draft, &is_transactional, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    *ret_script = (Script){ .directives = draft.directives };
    fill_plan(&draft, is_transactional, arena, &ret_script->plan);
    add_origin(&draft, &ret_script->plan, notes, arena);
    checksum_tokens(&draft.text, ret_script->checksum);
    return ERR_NONE;
}
