/* Statements that reach beyond their database, by what they are and by their words. */
#include "cli/proof/reach.h"

#include <string.h>

#include "cli/source/scan.h"
#include "common/str.h"

static const char *const KINDS[] = {
    "ALTER DATABASE", "ALTER GROUP",       "ALTER ROLE",          "ALTER SUBSCRIPTION",
    "ALTER SYSTEM",   "ALTER TABLESPACE",  "ALTER USER",          "CREATE DATABASE",
    "CREATE GROUP",   "CREATE ROLE",       "CREATE SUBSCRIPTION", "CREATE TABLESPACE",
    "CREATE USER",    "DROP DATABASE",     "DROP GROUP",          "DROP OWNED",
    "DROP ROLE",      "DROP SUBSCRIPTION", "DROP TABLESPACE",     "DROP USER",
};

/* After GRANT … ON. */
static const char *const SHARED[] = { "DATABASE", "TABLESPACE", "PARAMETER" };

static bool is_shared(const SqlText *text, const SqlToken *token)
{
    for (size_t i = 0; i < ARRAY_LEN(SHARED); i++) {
        if (token != NULL && sql_token_is_word(text, token, SHARED[i])) {
            return true;
        }
    }
    return false;
}

/* A role is granted where nothing follows ON. */
static bool is_shared_grant(const char *sql)
{
    AUTO(Arena) arena = { 0 };
    SqlText text;
    Bytes bytes = { (const uint8_t *)sql, strlen(sql) };
    if (sql_text_open("", bytes, 1, &arena, &text, NULL) != ERR_NONE ||
        sql_scan(&text, &arena, NULL) != ERR_NONE) {
        return false;
    }
    for (size_t i = 0; i < text.token_count; i++) {
        if (sql_token_is_word(&text, &text.tokens[i], "ON")) {
            return is_shared(&text, sql_token_after(&text, i));
        }
    }
    return true;
}

static bool reaches(const PlanStatement *statement)
{
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (strcmp(statement->kind, KINDS[i]) == 0) {
            return true;
        }
    }
    bool is_grant = strcmp(statement->kind, "GRANT") == 0 || strcmp(statement->kind, "REVOKE") == 0;
    return is_grant && is_shared_grant(statement->sql);
}

static const PlanStatement *reach_of(const PlanScript *script)
{
    for (size_t i = 0; i < script->count; i++) {
        if (reaches(&script->statements[i])) {
            return &script->statements[i];
        }
    }
    return NULL;
}

const PlanStatement *reach_beyond(const PlanMigration *migration)
{
    const PlanStatement *statement = reach_of(&migration->up);
    return statement != NULL ? statement : reach_of(&migration->down);
}
