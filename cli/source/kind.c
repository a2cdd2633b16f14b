/* Kinds of statements by their leading words. A new one is a row. */
#include "cli/source/kind.h"

#include <ctype.h>
#include <string.h>

#include "common/str.h"

#define LEADING_WORDS_MAX 5

/* The longest that begins the statement's words wins. The first word alone needs no row. */
static const char *const KINDS[] = {
    "ALTER AGGREGATE",
    "ALTER COLLATION",
    "ALTER CONVERSION",
    "ALTER DATABASE",
    "ALTER DEFAULT PRIVILEGES",
    "ALTER DOMAIN",
    "ALTER EVENT TRIGGER",
    "ALTER EXTENSION",
    "ALTER FOREIGN DATA WRAPPER",
    "ALTER FOREIGN TABLE",
    "ALTER FUNCTION",
    "ALTER GROUP",
    "ALTER INDEX",
    "ALTER LANGUAGE",
    "ALTER LARGE OBJECT",
    "ALTER MATERIALIZED VIEW",
    "ALTER OPERATOR",
    "ALTER OPERATOR CLASS",
    "ALTER OPERATOR FAMILY",
    "ALTER POLICY",
    "ALTER PROCEDURE",
    "ALTER PUBLICATION",
    "ALTER ROLE",
    "ALTER ROUTINE",
    "ALTER RULE",
    "ALTER SCHEMA",
    "ALTER SEQUENCE",
    "ALTER SERVER",
    "ALTER STATISTICS",
    "ALTER SUBSCRIPTION",
    "ALTER SYSTEM",
    "ALTER TABLE",
    "ALTER TABLESPACE",
    "ALTER TEXT SEARCH CONFIGURATION",
    "ALTER TEXT SEARCH DICTIONARY",
    "ALTER TEXT SEARCH PARSER",
    "ALTER TEXT SEARCH TEMPLATE",
    "ALTER TRIGGER",
    "ALTER TYPE",
    "ALTER USER",
    "ALTER USER MAPPING",
    "ALTER VIEW",
    "COMMIT PREPARED",
    "CREATE ACCESS METHOD",
    "CREATE AGGREGATE",
    "CREATE CAST",
    "CREATE COLLATION",
    "CREATE CONVERSION",
    "CREATE DATABASE",
    "CREATE DOMAIN",
    "CREATE EVENT TRIGGER",
    "CREATE EXTENSION",
    "CREATE FOREIGN DATA WRAPPER",
    "CREATE FOREIGN TABLE",
    "CREATE FUNCTION",
    "CREATE GROUP",
    "CREATE INDEX",
    "CREATE INDEX CONCURRENTLY",
    "CREATE LANGUAGE",
    "CREATE MATERIALIZED VIEW",
    "CREATE OPERATOR",
    "CREATE OPERATOR CLASS",
    "CREATE OPERATOR FAMILY",
    "CREATE POLICY",
    "CREATE PROCEDURE",
    "CREATE PUBLICATION",
    "CREATE ROLE",
    "CREATE RULE",
    "CREATE SCHEMA",
    "CREATE SEQUENCE",
    "CREATE SERVER",
    "CREATE STATISTICS",
    "CREATE SUBSCRIPTION",
    "CREATE TABLE",
    "CREATE TABLESPACE",
    "CREATE TEXT SEARCH CONFIGURATION",
    "CREATE TEXT SEARCH DICTIONARY",
    "CREATE TEXT SEARCH PARSER",
    "CREATE TEXT SEARCH TEMPLATE",
    "CREATE TRANSFORM",
    "CREATE TRIGGER",
    "CREATE TYPE",
    "CREATE USER",
    "CREATE USER MAPPING",
    "CREATE VIEW",
    "DISCARD ALL",
    "DROP ACCESS METHOD",
    "DROP AGGREGATE",
    "DROP CAST",
    "DROP COLLATION",
    "DROP CONVERSION",
    "DROP DATABASE",
    "DROP DOMAIN",
    "DROP EVENT TRIGGER",
    "DROP EXTENSION",
    "DROP FOREIGN DATA WRAPPER",
    "DROP FOREIGN TABLE",
    "DROP FUNCTION",
    "DROP GROUP",
    "DROP INDEX",
    "DROP INDEX CONCURRENTLY",
    "DROP LANGUAGE",
    "DROP MATERIALIZED VIEW",
    "DROP OPERATOR",
    "DROP OPERATOR CLASS",
    "DROP OPERATOR FAMILY",
    "DROP OWNED",
    "DROP POLICY",
    "DROP PROCEDURE",
    "DROP PUBLICATION",
    "DROP ROLE",
    "DROP ROUTINE",
    "DROP RULE",
    "DROP SCHEMA",
    "DROP SEQUENCE",
    "DROP SERVER",
    "DROP STATISTICS",
    "DROP SUBSCRIPTION",
    "DROP TABLE",
    "DROP TABLESPACE",
    "DROP TEXT SEARCH CONFIGURATION",
    "DROP TEXT SEARCH DICTIONARY",
    "DROP TEXT SEARCH PARSER",
    "DROP TEXT SEARCH TEMPLATE",
    "DROP TRANSFORM",
    "DROP TRIGGER",
    "DROP TYPE",
    "DROP USER",
    "DROP USER MAPPING",
    "DROP VIEW",
    "IMPORT FOREIGN SCHEMA",
    "LOCK TABLE",
    "PREPARE TRANSACTION",
    "REASSIGN OWNED",
    "REFRESH MATERIALIZED VIEW",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY",
    "REINDEX DATABASE",
    "REINDEX INDEX",
    "REINDEX INDEX CONCURRENTLY",
    "REINDEX SCHEMA",
    "REINDEX SCHEMA CONCURRENTLY",
    "REINDEX SYSTEM",
    "REINDEX TABLE",
    "REINDEX TABLE CONCURRENTLY",
    "RELEASE SAVEPOINT",
    "ROLLBACK PREPARED",
    "SECURITY LABEL",
    "SET CONSTRAINTS",
    "START TRANSACTION",
    "TRUNCATE TABLE",
};

/* Words between CREATE and what is created. */
static const char *const CREATE_NOISE[] = {
    "OR",      "REPLACE", "TEMP",       "TEMPORARY", "GLOBAL",     "LOCAL",    "UNIQUE",
    "TRUSTED", "DEFAULT", "PROCEDURAL", "RECURSIVE", "CONSTRAINT", "UNLOGGED",
};

static bool is_noise(const SqlText *text, const SqlToken *token)
{
    for (size_t i = 0; i < ARRAY_LEN(CREATE_NOISE); i++) {
        if (sql_token_is_word(text, token, CREATE_NOISE[i])) {
            return true;
        }
    }
    return false;
}

static void append_word(Str *words, const SqlText *text, const SqlToken *token)
{
    if (words->length > 0) {
        str_append_char(words, ' ');
    }
    for (uint32_t i = token->start; i < token->end; i++) {
        str_append_char(words, (char)toupper((unsigned char)text->text[i]));
    }
}

/*
 * The statement's leading words in capitals: no comments, no noise, nothing in the parentheses of
 * REINDEX (…) TABLE. Parentheses before the first word, as in (SELECT …), are not there.
 */
static void leading_words(const SqlText *text, const SqlStatement *statement, Str *words)
{
    bool is_create = false;
    size_t count = 0;
    size_t parentheses = 0;
    for (size_t i = statement->first_token; i < statement->end_token; i++) {
        const SqlToken *token = &text->tokens[i];
        if (sql_token_is_comment(token) || (is_create && is_noise(text, token))) {
            continue;
        }
        if (count > 0 && token->kind == SQL_TOKEN_OPEN) {
            parentheses++;
        } else if (token->kind == SQL_TOKEN_CLOSE && parentheses > 0) {
            parentheses--;
        } else if (token->kind == SQL_TOKEN_WORD && parentheses == 0) {
            append_word(words, text, token);
            is_create = count == 0 ? sql_token_is_word(text, token, "CREATE") : is_create;
            count++;
        } else if (parentheses == 0 && token->kind != SQL_TOKEN_OPEN) {
            return;
        }
        if (count == LEADING_WORDS_MAX) {
            return;
        }
    }
}

static bool begins_with_words(const char *words, const char *kind)
{
    size_t length = strlen(kind);
    return strncmp(words, kind, length) == 0 && (words[length] == ' ' || words[length] == '\0');
}

const char *kind_of(const SqlText *text, const SqlStatement *statement, Arena *arena)
{
    AUTO(Str) words = { 0 };
    leading_words(text, statement, &words);
    const char *best = NULL;
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        bool is_longer = best == NULL || strlen(KINDS[i]) > strlen(best);
        if (is_longer && begins_with_words(str_text(&words), KINDS[i])) {
            best = KINDS[i];
        }
    }
    if (best != NULL) {
        return best;
    }
    size_t first = strcspn(str_text(&words), " ");
    size_t shown = (size_t)sql_excerpt(str_text(&words));
    return first > 0 ? arena_strndup(arena, str_text(&words), first < shown ? first : shown)
                     : "statement";
}
