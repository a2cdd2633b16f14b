/*
 * The session's settings: which they are, once for the session, so that whatever a migration has
 * set can be undone by saying them again.
 */
#include <inttypes.h>
#include <string.h>

#include "agent/exec/runner_internal.h"

#define CONNECTION_CHECK_SINCE 140000

static const Setting SETTINGS[] = {
    /* A frozen client must not hold locks. */
    { .name = "idle_in_transaction_session_timeout", .value = "10s" },
    { .name = "tcp_user_timeout", .value = "20s" },
    { .name = "client_min_messages", .value = "warning" },
    { .name = "standard_conforming_strings", .value = "on" },
    /* For what is no step of ours in BEGIN … READ WRITE. */
    { .name = "default_transaction_read_only", .value = "off" },
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
    return is_empty ? "" : arena_printf(arena, "%.*s%s", (int)before, path, after);
}

/* NULL: as the role has it. */
static const char *search_path_of(Runner *runner, const SettingsFacts *facts)
{
    const Plan *plan = runner->config.order->plan;
    Arena *arena = &runner->session.arena;
    if (runner->schema_identifier == NULL) {
        const char *role = conn_source_role(runner->config.source);
        bool is_ours = str_equal(role == NULL ? facts->role : role, "skein");
        return is_ours ? path_without_user(arena, facts->search_path) : NULL;
    }
    AUTO(Str) path = { 0 };
    str_append(&path, runner->schema_identifier);
    for (size_t i = 0; i < plan->shared_schema_count; i++) {
        str_printf(&path, ", %s", identifier_quote(arena, plan->shared_schemas[i]));
    }
    return arena_strdup(arena, str_text(&path));
}

static void setting_add(Session *session, const char *name, const char *value)
{
    session->settings[session->setting_count++] = (Setting){ .name = name, .value = value };
}

/* remote_apply is stronger than on: never weaken what the server has. */
static void durability_settle(Session *session, const char *present)
{
    const char *level = str_equal(present, "remote_apply") ? present : "on";
    session->durable = arena_printf(&session->arena, "SET LOCAL synchronous_commit = %s", level);
    if (!str_equal(present, level)) {
        setting_add(session, "synchronous_commit", "on");
    }
}

/* For a server that keeps it, one statement is much less than one for each of them. */
static const char *settings_select(Session *session)
{
    AUTO(Str) sql = { 0 };
    str_append(&sql, "SELECT ");
    for (size_t i = 0; i < session->setting_count; i++) {
        str_printf(&sql, "%spg_catalog.set_config('%s', %s, false)", i == 0 ? "" : ", ",
                   session->settings[i].name,
                   literal_quote(&session->arena, session->settings[i].value));
    }
    return arena_strdup(&session->arena, str_text(&sql));
}

void settings_make(Runner *runner, const SettingsFacts *facts)
{
    Session *session = &runner->session;
    Arena *arena = &session->arena;
    const PlanStrategy *strategy = &runner->config.order->plan->strategy;
    const char *path = search_path_of(runner, facts);
    session->settings = ARENA_ARRAY(arena, Setting, SETTINGS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(SETTINGS); i++) {
        session->settings[session->setting_count++] = SETTINGS[i];
    }
    session->has_connection_check = has_connection_check(session, facts);
    if (session->has_connection_check) {
        setting_add(session, "client_connection_check_interval", "1s");
    }
    setting_add(session, "lock_timeout",
                arena_printf(arena, "%" PRIu32, strategy->lock_timeout_ms));
    setting_add(session, "statement_timeout",
                arena_printf(arena, "%" PRIu32, strategy->statement_timeout_ms));
    if (path != NULL) {
        setting_add(session, "search_path", path);
        session->settings[session->setting_count - 1].is_list = path[0] != '\0';
    }
    durability_settle(session, facts->durability);
    session->settings_select = settings_select(session);
}

/* A plain SET: to a fresh backend it costs no look into the catalog. */
const char *setting_statement(Session *session, const Setting *setting)
{
    return arena_printf(&session->arena, "SET %s = %s", setting->name,
                        setting->is_list ? setting->value
                                         : literal_quote(&session->arena, setting->value));
}

void settings_append(Session *session, Str *sql)
{
    for (size_t i = 0; i < session->setting_count; i++) {
        str_printf(sql, "%s;", setting_statement(session, &session->settings[i]));
    }
}

void settings_reset_text(Session *session, Str *sql)
{
    str_append(sql, "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL;");
    settings_append(session, sql);
}
