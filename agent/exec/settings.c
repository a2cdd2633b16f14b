/*
 * The session's settings: which statements make them, once for the session, so that whatever a
 * migration has set can be undone by saying them again.
 */
#include <inttypes.h>
#include <string.h>

#include "agent/exec/runner_internal.h"

#define CONNECTION_CHECK_SINCE 140000

/* Plain SETs: they cost a fresh backend no look into the catalog. */
static const char *const SETTINGS[] = {
    "SET idle_in_transaction_session_timeout = '10s'", /* a frozen client must not hold locks */
    "SET tcp_user_timeout = '20s'",
    "SET client_min_messages = error",
    "SET standard_conforming_strings = on",
    "SET default_transaction_read_only = off", /* what is no step of ours in BEGIN … READ WRITE */
};

/* Those above, and: connection check, two timeouts, search_path, synchronous_commit. */
#define SETTINGS_MAX (ARRAY_LEN(SETTINGS) + 5)

/* The server can see that a client has vanished: it must not keep its backend. */
static bool has_connection_check(const Session *session, const SettingsFacts *facts)
{
    return PQserverVersion(conn_pg(session->conn)) >= CONNECTION_CHECK_SINCE &&
           strstr(facts->server, "linux") != NULL;
}

/* Without the schema that is called like the user: skein's own tables are in it. */
static const char *path_without_user(Arena *arena, const char *path)
{
    static const char USER[] = "\"$user\"";
    const char *user = strstr(path, USER);
    if (user == NULL) {
        return arena_strdup(arena, path);
    }
    const char *after = user + strlen(USER);
    after += strspn(after, ", ");
    size_t before = (size_t)(user - path);
    while (after[0] == '\0' && before > 0 && strchr(", ", path[before - 1]) != NULL) {
        before--;
    }
    bool is_empty = before == 0 && after[0] == '\0';
    return is_empty ? "''" : arena_printf(arena, "%.*s%s", (int)before, path, after);
}

/* NULL: as the role has it. */
static const char *search_path_of(Runner *runner, const SettingsFacts *facts)
{
    const Plan *plan = runner->config.order->plan;
    Arena *arena = &runner->session.arena;
    if (runner->schema_identifier == NULL) {
        bool is_ours = str_equal(facts->role, "skein");
        return is_ours ? path_without_user(arena, facts->search_path) : NULL;
    }
    AUTO(Str) path = { 0 };
    str_append(&path, runner->schema_identifier);
    for (size_t i = 0; i < plan->shared_schema_count; i++) {
        str_printf(&path, ", %s", identifier_quote(arena, plan->shared_schemas[i]));
    }
    return arena_strdup(arena, str_text(&path));
}

static void setting_add(Session *session, const char *statement)
{
    session->settings[session->setting_count++] = statement;
}

/* remote_apply is stronger than on: never weaken what the server has. */
static void durability_settle(Session *session, const char *present)
{
    const char *level = str_equal(present, "remote_apply") ? present : "on";
    session->durable = arena_printf(&session->arena, "SET LOCAL synchronous_commit = %s", level);
    if (!str_equal(present, level)) {
        setting_add(session, "SET synchronous_commit = on");
    }
}

void settings_make(Runner *runner, const SettingsFacts *facts)
{
    Session *session = &runner->session;
    Arena *arena = &session->arena;
    const PlanStrategy *strategy = &runner->config.order->plan->strategy;
    const char *path = search_path_of(runner, facts);
    session->settings = ARENA_ARRAY(arena, const char *, SETTINGS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(SETTINGS); i++) {
        setting_add(session, SETTINGS[i]);
    }
    if (has_connection_check(session, facts)) {
        setting_add(session, "SET client_connection_check_interval = '1s'");
    }
    setting_add(session,
                arena_printf(arena, "SET lock_timeout = %" PRIu32, strategy->lock_timeout_ms));
    setting_add(session, arena_printf(arena, "SET statement_timeout = %" PRIu32,
                                      strategy->statement_timeout_ms));
    if (path != NULL) {
        setting_add(session, arena_printf(arena, "SET search_path = %s", path));
    }
    durability_settle(session, facts->durability);
}

void settings_append(const Session *session, Str *sql)
{
    for (size_t i = 0; i < session->setting_count; i++) {
        str_printf(sql, "%s;", session->settings[i]);
    }
}

void settings_reset_text(const Session *session, Str *sql)
{
    str_append(sql, "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL;");
    settings_append(session, sql);
}
