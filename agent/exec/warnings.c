/* See warnings.h. Owns the table of warnings that mean that a statement's work is not done. */
#include "agent/exec/warnings.h"

#include <string.h>

#include "agent/conn/server_error.h"
#include "common/str.h"

/* One that says it of each of its thousand tables is to leave room for others. */
#define OF_STATEMENT_MAX 3

#define SETTING "client_min_messages"

/* A query, so that what is louder already stays as it is. */
#define ON_SQL(is_local)                                                                           \
    "SELECT pg_catalog.set_config('" SETTING "', 'warning', " is_local ") "                        \
    "WHERE pg_catalog.current_setting('" SETTING "') IN ('error', 'fatal', 'panic')"

const char WARNINGS_ON[] = ON_SQL("false");
const char WARNINGS_ON_LOCAL[] = ON_SQL("true");

/* Messages are translated: the server tells which of its functions spoke, in every language. */
typedef struct NeglectRow {
    const char *sqlstate;
    const char *function;
    bool is_of_tables; /* of VACUUM and ANALYZE: the whole database's pass over what is another's */
    ErrCode code;
    const char *hint;
} NeglectRow;

#define TOLERATE                                                                                   \
    "; where it may stay undone, say -- skein: tolerate-warnings at the head of the file"
#define HINT_OWNER "let the migrating role own the table, or vacuum and analyze it as its owner"
#define HINT_KIND "take what is no table out of the list"

/*
 * Each as PostgreSQL 15 says it. Not among them: what a statement asked for (VACUUM
 * (SKIP_LOCKED)), what is so already (REVOKE of a role's membership that is not there, BEGIN in a
 * transaction), what was done in spite of it (CREATE PUBLICATION under a low wal_level).
 */
static const NeglectRow NEGLECTS[] = {
    /* catalog/aclchk.c: GRANT, REVOKE (none, or not all of it) without the grant option. */
    { "01007", "restrict_and_check_grant", false, ERR_PRIVILEGE,
      "grant as the owner, or with a role that holds the privilege WITH GRANT OPTION" TOLERATE },
    { "01006", "restrict_and_check_grant", false, ERR_PRIVILEGE,
      "revoke as the owner, or with a role that holds the privilege WITH GRANT OPTION" TOLERATE },
    /* commands/vacuum.c: "skipping …: only table or database owner can vacuum it". */
    { "01000", "vacuum_is_relation_owner", true, ERR_PRIVILEGE, HINT_OWNER TOLERATE },
    { "01000", "vacuum_is_permitted_for_relation", true, ERR_PRIVILEGE, /* from PostgreSQL 16 on */
      "grant MAINTAIN on the table, or vacuum and analyze it as its owner" TOLERATE },
    /* commands/vacuum.c, commands/analyze.c: "skipping …: cannot vacuum non-tables". */
    { "01000", "vacuum_rel", true, ERR_SERVER, HINT_KIND TOLERATE },
    { "01000", "analyze_rel", true, ERR_SERVER, HINT_KIND TOLERATE },
};

Warnings *warnings_new(Arena *arena, const char *migration, const PlanScript *script)
{
    Warnings *warnings = ARENA_NEW(arena, Warnings);
    *warnings = (Warnings){ .arena = arena, .migration = migration, .script = script };
    return warnings;
}

void warnings_at(Warnings *warnings, uint32_t number)
{
    warnings->is_listening = true;
    warnings->statement = number;
    warnings->of_statement = 0;
}

void warnings_stop(Warnings *warnings)
{
    warnings->is_listening = false;
}

/* The planner's mark on VACUUM and ANALYZE that name no table. */
static bool is_of_database(const Warnings *warnings)
{
    if (warnings->statement == 0 || warnings->statement > warnings->script->count) {
        return false;
    }
    const char *detail = warnings->script->statements[warnings->statement - 1].detail;
    return str_equal(detail, PLAN_WHOLE_DATABASE);
}

static const NeglectRow *neglect_find(const Warnings *warnings, const char *sqlstate,
                                      const char *function)
{
    for (size_t i = 0; i < ARRAY_LEN(NEGLECTS); i++) {
        const NeglectRow *row = &NEGLECTS[i];
        if (str_equal(row->sqlstate, sqlstate) && str_equal(row->function, function) &&
            !(row->is_of_tables && is_of_database(warnings))) {
            return row;
        }
    }
    return NULL;
}

static void neglect_note(Warnings *warnings, const NeglectRow *row, const Err *said)
{
    if (warnings->neglect.code != ERR_NONE) {
        return; /* the first one is the cause */
    }
    warnings->neglect = *said;
    warnings->neglect.code = row->code;
    err_wrap(&warnings->neglect, "the server only warned, and has not done it");
    err_hint(&warnings->neglect, "%s", row->hint);
}

static const char *text_cut(Arena *arena, const char *text)
{
    char cut[WARNING_TEXT_MAX + 1];
    text_format(cut, sizeof(cut), "%s", text);
    return arena_strdup(arena, cut);
}

/*
 * In a pipeline the server reads a statement before it answers that it has begun it, and libpq
 * hands over what it warns of then, perhaps before the answer of the statement ahead has been
 * taken.
 */
static bool is_of_reading(const PGresult *notice)
{
    const char *file = PQresultErrorField(notice, PG_DIAG_SOURCE_FILE);
    return str_equal(file, "gram.y") || str_equal(file, "scan.l");
}

static void keep(Warnings *warnings, const PGresult *notice, const Err *said)
{
    warnings->total += warnings->total < UINT32_MAX;
    if (warnings->count == WARNINGS_MAX || warnings->of_statement == OF_STATEMENT_MAX) {
        return;
    }
    warnings->of_statement++;
    warnings->items[warnings->count++] = (Warning){
        .migration = warnings->migration,
        .statement = is_of_reading(notice) ? 0 : warnings->statement,
        .sqlstate = arena_strdup(warnings->arena, said->sqlstate),
        .message = text_cut(warnings->arena, said->message),
    };
}

static void take(void *ctx, const PGresult *notice)
{
    Warnings *warnings = ctx;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
    if (!warnings->is_listening || !str_equal(severity, "WARNING")) {
        return;
    }
    Err said = { 0 };
    (void)server_error_result(notice, &said);
    const NeglectRow *row = neglect_find(warnings, said.sqlstate, function);
    if (row != NULL && !warnings->script->tolerates_warnings) {
        neglect_note(warnings, row, &said);
    }
    keep(warnings, notice, &said);
}

void warnings_listen(Warnings *warnings, Conn *conn)
{
    conn_hear(conn, take, warnings);
}

void warnings_give(const Warnings *warnings, Result *result)
{
    result->warnings = warnings->items;
    result->warning_count = warnings->count;
    result->warnings_total = warnings->total;
}

bool warnings_may_go_off(const char *sql)
{
    return strcasestr(sql, SETTING) != NULL;
}
