/* From statements to parts. */
#include "cli/source/parts.h"

#include "common/str.h"

/* How many parts a note names; the reader has got the idea by then. */
#define PARTS_NAMED_MAX 6

/* A script while it is cut. Items below `part_start` belong to parts that are ended. */
typedef struct Cutter {
    const SqlText *text;
    const SqlStatements *statements;
    const StatementFacts *facts;
    PartRule rule;
    SourceNotes *notes;
    Arena *arena;
    ScriptParts parts;
    size_t part_start;
    const SqlStatement *begin; /* of the block that is open, or NULL */
    long first_begin;          /* index of the first BEGIN and the last COMMIT; -1: none */
    long last_commit;
} Cutter;

static void end_part(Cutter *cutter, bool is_transactional)
{
    ScriptParts *parts = &cutter->parts;
    if (parts->count > cutter->part_start) {
        parts->parts[parts->part_count++] = (PlanPart){
            .statement_count = (uint32_t)(parts->count - cutter->part_start),
            .is_transactional = is_transactional,
        };
        cutter->part_start = parts->count;
    }
}

/* A statement by itself; `reason` NULL: in a transaction. */
static void take_alone(Cutter *cutter, size_t index, const char *reason)
{
    end_part(cutter, true);
    cutter->parts.statements[cutter->parts.count++] = index;
    cutter->parts.reasons[cutter->parts.part_count] = reason;
    end_part(cutter, reason == NULL);
}

static size_t start_of(const Cutter *cutter, size_t index)
{
    return cutter->text->tokens[cutter->statements->items[index].first_token].start;
}

static ErrCode refuse(const Cutter *cutter, size_t index, Err *err)
{
    sql_refuse_at(cutter->text, start_of(cutter, index), err, "%s", cutter->facts[index].refusal);
    return err_hint(err, "%s", cutter->facts[index].hint);
}

static void warn(const Cutter *cutter, size_t index, const char *words)
{
    source_note_at(cutter->notes, SOURCE_NOTE_WARNING, cutter->text, start_of(cutter, index),
                   "%s %s", cutter->facts[index].kind, words);
}

/* Behind a query it would fail, as it does with any tool: how a transaction is to be is said at its
 * head. */
static ErrCode refuse_late(const Cutter *cutter, size_t index, Err *err)
{
    sql_refuse_at(cutter->text, start_of(cutter, index), err,
                  "%s with options in a transaction that has begun already",
                  cutter->facts[index].kind);
    return err_hint(err, "put it at the head of the file, or COMMIT above it");
}

static bool has_begun(const Cutter *cutter)
{
    for (size_t i = cutter->part_start; i < cutter->parts.count; i++) {
        if (!str_equal(cutter->facts[cutter->parts.statements[i]].kind, "SET")) {
            return true;
        }
    }
    return false;
}

static ErrCode take_begin(Cutter *cutter, size_t index, Err *err)
{
    const StatementFacts *facts = &cutter->facts[index];
    if (facts->refusal != NULL) {
        return refuse(cutter, index, err);
    }
    if (cutter->begin != NULL && facts->opening == NULL) {
        warn(cutter, index, "in a transaction that has begun already: left out");
        return ERR_NONE;
    }
    if (cutter->rule.transaction == TRANSACTION_EACH && cutter->begin == NULL) {
        end_part(cutter, true);
    }
    if (facts->opening != NULL) {
        if (cutter->begin != NULL || has_begun(cutter)) {
            return refuse_late(cutter, index, err);
        }
        cutter->parts.statements[cutter->parts.count++] = index;
    }
    cutter->begin = &cutter->statements->items[index];
    cutter->first_begin = cutter->first_begin < 0 ? (long)index : cutter->first_begin;
    return ERR_NONE;
}

static void take_commit(Cutter *cutter, size_t index)
{
    if (cutter->begin == NULL && cutter->rule.transaction == TRANSACTION_EACH) {
        warn(cutter, index, "without BEGIN: left out");
    } else if (cutter->begin == NULL) {
        warn(cutter, index, "without BEGIN: what stands above it is committed by itself");
    }
    cutter->begin = NULL;
    cutter->last_commit = (long)index;
    end_part(cutter, true);
}

/* What cannot run in a transaction, where the file itself has begun one. */
static ErrCode refuse_inside(const Cutter *cutter, size_t index, Err *err)
{
    sql_refuse_at(cutter->text, start_of(cutter, index), err,
                  "%s in the transaction that begins at line %u", cutter->facts[index].kind,
                  cutter->begin->line);
    return err_hint(err, "it cannot run in one: move it out, or remove BEGIN and COMMIT");
}

static const char *cannot(const Cutter *cutter, size_t index)
{
    return arena_printf(cutter->arena, "%s cannot run in a transaction", cutter->facts[index].kind);
}

static void take_outside(Cutter *cutter, size_t index)
{
    if (cutter->rule.transaction == TRANSACTION_ONE) {
        source_note_at(cutter->notes, SOURCE_NOTE_WARNING, cutter->text, start_of(cutter, index),
                       "%s cannot run in a transaction; skein runs it outside of one, but %s",
                       cutter->facts[index].kind, cutter->rule.tool_says);
    }
    take_alone(cutter, index, cannot(cutter, index));
}

static const LineRange *query_of(const PartRule *rule, uint32_t line)
{
    for (size_t i = 0; i < rule->query_count && rule->queries[i].first <= line; i++) {
        if (line <= rule->queries[i].last) {
            return &rule->queries[i];
        }
    }
    return NULL;
}

/* Does the tool send this statement together with the one that was taken before it? */
static bool continues_query(const Cutter *cutter, size_t index)
{
    if (index == 0 || cutter->part_start == cutter->parts.count) {
        return false;
    }
    size_t before = cutter->parts.statements[cutter->parts.count - 1];
    const LineRange *query = query_of(&cutter->rule, cutter->statements->items[index].line);
    return query != NULL &&
           query == query_of(&cutter->rule, cutter->statements->items[before].line);
}

/* With what is before it in its transaction, or as the first there. */
static void take_inside(Cutter *cutter, size_t index)
{
    if (cutter->facts[index].ends_transactions) {
        warn(cutter, index,
             cutter->begin != NULL
                 ? "whose body ends transactions, within one: it fails with 2D000 when it comes to "
                   "that; take it out of BEGIN and COMMIT"
                 : "whose body ends transactions, within one: it fails with 2D000 when it comes to "
                   "that; \"-- skein: no-transaction\" at the head of the file has each statement "
                   "run by itself");
    }
    cutter->parts.statements[cutter->parts.count++] = index;
}

/* Is it one of several that the tool sends together? A query of one statement is that statement. */
static bool is_of_query(const Cutter *cutter, size_t index)
{
    const SqlStatement *items = cutter->statements->items;
    const LineRange *query = query_of(&cutter->rule, items[index].line);
    bool is_with_before = index > 0 && query == query_of(&cutter->rule, items[index - 1].line);
    bool is_with_after = index + 1 < cutter->statements->count &&
                         query == query_of(&cutter->rule, items[index + 1].line);
    return query != NULL && (is_with_before || is_with_after);
}

/* What PostgreSQL itself refuses, or warns of, where no transaction has begun. NULL: it is none. */
static const char *needs_block(const Cutter *cutter, size_t index)
{
    static const char *const KINDS[] = { "LOCK", "LOCK TABLE", "SAVEPOINT" };
    const StatementFacts *facts = &cutter->facts[index];
    const SqlStatement *statement = &cutter->statements->items[index];
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (str_equal(facts->kind, KINDS[i])) {
            return KINDS[i];
        }
    }
    const SqlToken *second = sql_token_after(cutter->text, statement->first_token);
    bool is_local = str_equal(facts->kind, "SET") && second != NULL &&
                    sql_token_is_word(cutter->text, second, "LOCAL");
    return is_local ? "SET LOCAL" : NULL;
}

static void warn_alone(const Cutter *cutter, size_t index)
{
    const char *what = needs_block(cutter, index);
    if (what != NULL) {
        source_note_at(cutter->notes, SOURCE_NOTE_WARNING, cutter->text, start_of(cutter, index),
                       "%s in a transaction of its own, with which its effect ends: put it between "
                       "BEGIN and COMMIT, with what it is for",
                       what);
    }
}

static void take_each(Cutter *cutter, size_t index)
{
    const StatementFacts *facts = &cutter->facts[index];
    bool is_in_query = is_of_query(cutter, index);
    if (!facts->is_transactional) {
        take_alone(cutter, index, cannot(cutter, index));
    } else if (facts->prefers_outside != NULL && !is_in_query) {
        take_alone(cutter, index, facts->prefers_outside);
    } else if (is_in_query) {
        if (!continues_query(cutter, index)) {
            end_part(cutter, true);
        }
        take_inside(cutter, index);
    } else {
        warn_alone(cutter, index);
        take_alone(cutter, index, NULL);
    }
}

static ErrCode take_statement(Cutter *cutter, size_t index, Err *err)
{
    const StatementFacts *facts = &cutter->facts[index];
    if (facts->refusal != NULL) {
        return refuse(cutter, index, err);
    }
    if (!facts->is_transactional && cutter->begin != NULL) {
        return refuse_inside(cutter, index, err);
    }
    if (cutter->rule.transaction == TRANSACTION_EACH && cutter->begin == NULL) {
        take_each(cutter, index);
    } else if (!facts->is_transactional) {
        take_outside(cutter, index);
    } else {
        take_inside(cutter, index);
    }
    return ERR_NONE;
}

static ErrCode take(Cutter *cutter, size_t index, Err *err)
{
    switch (cutter->facts[index].edge) {
    case TRANSACTION_EDGE_BEGIN:
        return take_begin(cutter, index, err);
    case TRANSACTION_EDGE_COMMIT:
        take_commit(cutter, index);
        return ERR_NONE;
    case TRANSACTION_EDGE_NONE:
        break;
    }
    return take_statement(cutter, index, err);
}

static ErrCode check_end(const Cutter *cutter, Err *err)
{
    if (cutter->begin != NULL) {
        sql_refuse_at(cutter->text, cutter->text->tokens[cutter->begin->first_token].start, err,
                      "BEGIN without COMMIT");
        return err_hint(err, "add the COMMIT, or remove the BEGIN: skein begins and ends the "
                             "transaction");
    }
    if (cutter->parts.part_count > PLAN_PARTS_MAX) {
        return err_set(err, ERR_LIMIT,
                       "%s: %zu transactions and statements outside of one, and a migration has at "
                       "most %d",
                       cutter->text->file, cutter->parts.part_count, PLAN_PARTS_MAX);
    }
    return ERR_NONE;
}

/* Lines are of the script's own file where nothing else is said. */
static void describe_part(const Cutter *cutter, size_t first, const PlanPart *part, Str *out)
{
    const size_t *kept = cutter->parts.statements;
    size_t last = kept[first + part->statement_count - 1];
    uint32_t from = cutter->statements->items[kept[first]].line;
    uint32_t to = cutter->statements->items[last].line;
    const char *kind = cutter->facts[kept[first]].kind;
    const char *file = sql_file_at(cutter->text, start_of(cutter, kept[first]));
    const char *last_file = sql_file_at(cutter->text, start_of(cutter, last));
    bool is_one_file = str_equal(file, last_file);
    str_printf(out, from == to || !is_one_file ? "line %u" : "lines %u to %u", from, to);
    if (!str_equal(file, cutter->text->file)) {
        str_printf(out, " of %s", file);
    }
    if (!is_one_file) {
        str_printf(out, " to line %u of %s", to, last_file);
    }
    str_printf(out, part->statement_count == 1 ? " (%s)" : " (%s …)", kind);
    str_append(out, part->is_transactional ? "" : " outside a transaction");
}

/* "runs in 3 parts: line 1 (SET), line 3 (VACUUM) outside a transaction, lines 4 to 9 (…)". */
static void tell_parts(const Cutter *cutter)
{
    const ScriptParts *parts = &cutter->parts;
    AUTO(Str) text = { 0 };
    size_t first = 0;
    for (size_t i = 0; i < parts->part_count && i < PARTS_NAMED_MAX; i++) {
        str_append(&text, i == 0 ? "" : ", ");
        describe_part(cutter, first, &parts->parts[i], &text);
        first += parts->parts[i].statement_count;
    }
    source_note(cutter->notes, SOURCE_NOTE_INFO, cutter->text->file, 0,
                "runs in %zu parts, each committed by itself: %s%s", parts->part_count,
                str_text(&text), parts->part_count > PARTS_NAMED_MAX ? ", …" : "");
}

static void warn_temporary(const Cutter *cutter)
{
    const ScriptParts *parts = &cutter->parts;
    size_t last = parts->count - parts->parts[parts->part_count - 1].statement_count;
    for (size_t i = 0; i < last; i++) {
        if (cutter->facts[parts->statements[i]].is_temporary) {
            warn(cutter, parts->statements[i],
                 "of something temporary: later parts of this migration may run in another "
                 "session, without it");
        }
    }
}

/* A warning has said it already where the tool would have begun a transaction. */
static void tell_outside(const Cutter *cutter)
{
    size_t index = cutter->parts.statements[0];
    if (cutter->rule.transaction != TRANSACTION_ONE) {
        source_note_at(cutter->notes, SOURCE_NOTE_INFO, cutter->text, start_of(cutter, index),
                       "runs outside a transaction: %s", cutter->parts.reasons[0]);
    }
}

static void tell(const Cutter *cutter)
{
    if (cutter->parts.part_count > 1) {
        tell_parts(cutter);
        warn_temporary(cutter);
    } else if (cutter->parts.part_count == 1 && cutter->parts.reasons[0] != NULL) {
        tell_outside(cutter);
    } else if (cutter->first_begin >= 0) {
        const StatementFacts *begin = &cutter->facts[cutter->first_begin];
        source_note_at(
            cutter->notes, SOURCE_NOTE_INFO, cutter->text,
            start_of(cutter, (size_t)cutter->first_begin),
            "%s, and %s at line %u, are left out: skein begins and ends the transaction%s%s",
            begin->kind, cutter->facts[cutter->last_commit].kind,
            cutter->statements->items[cutter->last_commit].line,
            begin->opening == NULL ? "" : ", with ", begin->opening == NULL ? "" : begin->opening);
    }
}

/* What the server does with one query depends on how many statements are in it. */
static TransactionRule resolve_rule(TransactionRule rule, const StatementFacts *facts, size_t count)
{
    bool is_alone = count == 1;
    if (rule == TRANSACTION_QUERY) {
        return is_alone ? TRANSACTION_EACH : TRANSACTION_DERIVED;
    }
    /* In a transaction it fails wherever it comes to its COMMIT, so nothing is lost by none. */
    bool must_be_outside = rule == TRANSACTION_DERIVED && is_alone && facts->ends_transactions;
    return must_be_outside ? TRANSACTION_EACH : rule;
}

ErrCode parts_cut(const SqlText *text, const SqlStatements *statements, const StatementFacts *facts,
                  PartRule rule, SourceNotes *notes, Arena *arena, ScriptParts *ret_parts, Err *err)
{
    rule.transaction = resolve_rule(rule.transaction, facts, statements->count);
    Cutter cutter = {
        .text = text,
        .statements = statements,
        .facts = facts,
        .rule = rule,
        .notes = notes,
        .arena = arena,
        .first_begin = -1,
        .last_commit = -1,
        .parts = {
            .statements = ARENA_ARRAY(arena, size_t, statements->count),
            .parts = ARENA_ARRAY(arena, PlanPart, statements->count),
            .reasons = ARENA_ARRAY(arena, const char *, statements->count),
        },
    };
    for (size_t i = 0; i < statements->count; i++) {
        ErrCode code = take(&cutter, i, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    end_part(&cutter, true);
    ErrCode code = check_end(&cutter, err);
    if (code == ERR_NONE) {
        tell(&cutter);
        *ret_parts = cutter.parts;
    }
    return code;
}
