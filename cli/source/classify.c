/* Classification of one statement: by its tree, or else by its words. */
#include "cli/source/classify.h"

#include <string.h>
#include <strings.h>

#include <pg_query.h>

#include "cli/source/classify_internal.h"
#include "cli/source/kind.h"
#include "common/str.h"

/*
 * libpg_query writes and reads a tree by recursion without a limit: an expression of some thousand
 * terms ends the process. Statements of more tokens than this are judged by their words.
 */
#define TREE_TOKENS_MAX 1000

void facts_refuse(StatementFacts *facts, const char *refusal, const char *hint)
{
    facts->refusal = refusal;
    facts->hint = hint;
}

void facts_set_outside(StatementFacts *facts, ProbeKind probe, const char *object,
                       const char *detail)
{
    facts->is_transactional = false;
    facts->probe = probe;
    facts->object = object;
    facts->detail = detail;
}

void facts_refuse_transaction(const Reader *reader, StatementFacts *facts)
{
    facts_refuse(facts,
                 arena_printf(reader->arena,
                              "%s inside a migration: skein begins and ends the transaction",
                              facts->kind),
                 "remove it; BEGIN and COMMIT are understood");
}

/* Kinds that no rule for trees asks for: their trees can be large, and are not made. */
static const char *const PLAIN_KINDS[] = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "WITH", "TABLE", "statement",
};

static bool has_word(const Reader *reader, const char *word)
{
    for (size_t i = reader->statement->first_token; i < reader->statement->end_token; i++) {
        if (sql_token_is_word(reader->text, &reader->text->tokens[i], word)) {
            return true;
        }
    }
    return false;
}

static bool needs_tree(const Reader *reader, const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(PLAIN_KINDS); i++) {
        if (str_equal(kind, PLAIN_KINDS[i])) {
            return str_equal(kind, "SELECT") && has_word(reader, "SET_CONFIG");
        }
    }
    return true;
}

/* What words alone tell, for statements that have no tree. The first that fits counts. */
typedef enum WordVerdict {
    WORD_OUTSIDE,     /* cannot run in a transaction */
    WORD_REPEATABLE,  /* the same, and does no harm twice */
    WORD_INSIDE,      /* can, whatever comes after */
    WORD_TRANSACTION, /* begins or ends one */
} WordVerdict;

static const struct {
    const char *kind; /* NULL: any */
    const char *word; /* NULL: none needed */
    WordVerdict verdict;
} WORD_RULES[] = {
    { "REFRESH MATERIALIZED VIEW CONCURRENTLY", NULL, WORD_INSIDE },
    { "ROLLBACK", "TO", WORD_INSIDE },
    { "BEGIN", NULL, WORD_TRANSACTION },
    { "START TRANSACTION", NULL, WORD_TRANSACTION },
    { "COMMIT", NULL, WORD_TRANSACTION },
    { "COMMIT PREPARED", NULL, WORD_TRANSACTION },
    { "END", NULL, WORD_TRANSACTION },
    { "ABORT", NULL, WORD_TRANSACTION },
    { "ROLLBACK", NULL, WORD_TRANSACTION },
    { "ROLLBACK PREPARED", NULL, WORD_TRANSACTION },
    { "PREPARE TRANSACTION", NULL, WORD_TRANSACTION },
    { "VACUUM", NULL, WORD_REPEATABLE },
    { "REINDEX DATABASE", NULL, WORD_REPEATABLE },
    { "REINDEX SCHEMA", NULL, WORD_REPEATABLE },
    { "REINDEX SYSTEM", NULL, WORD_REPEATABLE },
    { "CREATE DATABASE", NULL, WORD_OUTSIDE },
    { "DROP DATABASE", NULL, WORD_OUTSIDE },
    { "CREATE TABLESPACE", NULL, WORD_OUTSIDE },
    { "DROP TABLESPACE", NULL, WORD_OUTSIDE },
    { "ALTER SYSTEM", NULL, WORD_REPEATABLE },
    { "CREATE SUBSCRIPTION", NULL, WORD_OUTSIDE },
    { "DROP SUBSCRIPTION", NULL, WORD_OUTSIDE },
    { NULL, "CONCURRENTLY", WORD_OUTSIDE },
};

static void apply_word_verdict(const Reader *reader, WordVerdict verdict, StatementFacts *facts)
{
    if (verdict == WORD_TRANSACTION) {
        facts_refuse_transaction(reader, facts);
    } else if (verdict == WORD_REPEATABLE) {
        bool leaves_indexes =
            str_starts_with(facts->kind, "REINDEX") && has_word(reader, "CONCURRENTLY");
        /* Which tables it names nobody has read: of VACUUM, all. */
        bool is_wide = leaves_indexes || str_equal(facts->kind, "VACUUM");
        facts_set_outside(facts, leaves_indexes ? PROBE_REINDEXED : PROBE_REPEATABLE, "",
                          is_wide ? PLAN_WHOLE_DATABASE : "");
    } else if (verdict == WORD_OUTSIDE) {
        facts_set_outside(facts, PROBE_NONE, "", "");
        if (strstr(facts->kind, " INDEX CONCURRENTLY") != NULL) {
            facts_refuse(
                facts, "skein cannot tell which index this statement is about",
                "write it in PostgreSQL 15's grammar, and shorter, so that it can be proved");
        }
    }
}

static void classify_by_words(const Reader *reader, StatementFacts *facts)
{
    for (size_t i = 0; i < ARRAY_LEN(WORD_RULES); i++) {
        bool is_kind = WORD_RULES[i].kind == NULL || str_equal(WORD_RULES[i].kind, facts->kind);
        bool is_word = WORD_RULES[i].word == NULL || has_word(reader, WORD_RULES[i].word);
        if (is_kind && is_word) {
            apply_word_verdict(reader, WORD_RULES[i].verdict, facts);
            return;
        }
    }
}

/* True, and the warning set, when the grammar has no such statement. */
static bool grammar_refuses(const Reader *reader, StatementFacts *facts)
{
    PgQuerySplitResult result = pg_query_split_with_parser(reader->statement->sql);
    bool is_refused = result.error != NULL;
    if (is_refused) {
        facts->warning =
            arena_printf(reader->arena, "PostgreSQL 15's grammar refuses this statement: %s",
                         sql_parser_words(result.error->message, reader->arena));
        facts->stumble = sql_offset_of_character(
            reader->statement->sql, strlen(reader->statement->sql), result.error->cursorpos);
    }
    pg_query_free_split_result(result);
    return is_refused;
}

/* Everything that holds skein's place in the database is an advisory lock of the same session. */
static void refuse_unlock(const Reader *reader, StatementFacts *facts)
{
    bool is_do_body = str_equal(facts->kind, "DO") &&
                      strcasestr(reader->statement->sql, "pg_advisory_unlock_all") != NULL;
    if (is_do_body || has_word(reader, "PG_ADVISORY_UNLOCK_ALL")) {
        facts_refuse(facts,
                     "pg_advisory_unlock_all: it would release skein's own lock on the database",
                     "release your own locks one by one, or take pg_advisory_xact_lock");
    }
}

void classify_statement(const SqlText *text, const SqlStatement *statement, bool is_grammatical,
                        Arena *arena, StatementFacts *ret_facts)
{
    Reader reader = { text, statement, arena };
    StatementFacts facts = {
        .kind = kind_of(text, statement, arena),
        .is_transactional = true,
        .object = "",
        .detail = "",
    };
    bool is_refused = !is_grammatical && grammar_refuses(&reader, &facts);
    bool is_short = statement->end_token - statement->first_token <= TREE_TOKENS_MAX;
    if (is_refused || !is_short) {
        classify_by_words(&reader, &facts);
    } else if (needs_tree(&reader, facts.kind)) {
        classify_by_tree(&reader, &facts);
    }
    refuse_unlock(&reader, &facts);
    *ret_facts = facts;
}
