/* One database, without a coordinator. */
#include "cli/local.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/conn/query.h"
#include "agent/exec/tenant.h"
#include "cli/adopt/place.h"
#include "cli/warnings.h"
#include "common/clock.h"
#include "common/secret.h"

#define BLOCKED_RETRIES 10

const char *local_database(const Options *options)
{
    return option_or_env(options->database, "SKEIN_DATABASE_URL");
}

ErrCode local_source_for(const Options *options, uint32_t connections, ConnSource **ret_source,
                         Err *err)
{
    AUTO(Arena) arena = { 0 };
    const char *database = local_database(options);
    if (database == NULL) {
        err_set(err, ERR_USAGE, "no database is named");
        return err_hint(err, "--database postgresql://user@host/name, or SKEIN_DATABASE_URL");
    }
    AUTO_PTR(Secret) connection = secret_new(place_plain_url(database, &arena));
    ErrCode code = conn_source_new(connection, PASSWORD_ALLOWED, connections, ret_source, err);
    if (code == ERR_NONE) {
        conn_source_set_role(*ret_source, options->role);
    }
    return code;
}

ErrCode local_source(const Options *options, ConnSource **ret_source, Err *err)
{
    return local_source_for(options, CONN_LIMIT_DEFAULT, ret_source, err);
}

const char *local_tenant(const Options *options)
{
    return options->schema == NULL ? "" : options->schema;
}

static ErrCode look_connect(ConnSource *source, uint64_t deadline_ms, Conn **ret_conn, Err *err)
{
    ConnRequest request = {
        .purpose = CONN_WATCH,
        .application_name = CONN_NAME_CLI,
        .deadline_ms = deadline_ms,
    };
    if (conn_open(source, &request, ret_conn, err) == ERR_NONE) {
        return ERR_NONE;
    }
    if (err->code == ERR_UNREACHABLE && err->hint[0] == '\0') {
        err_hint(err,
                 "does the server run, and do host and port say where? `skein check` asks more");
    }
    AUTO(Str) where = { 0 };
    conn_source_describe(source, NULL, &where);
    return err_wrap(err, "cannot connect to %s", str_text(&where));
}

static void keep_undone(HistoryList *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->entries[i].state, "undone")) {
            list->entries[kept++] = list->entries[i];
        }
    }
    list->count = kept;
}

static void warn_of_name(const Options *options, const TenantSight *sight)
{
    const char *tenant = local_tenant(options);
    if (str_equal(sight->history, tenant)) {
        return;
    }
    AUTO(Str) text = { 0 };
    if (sight->history != NULL) {
        str_printf(&text,
                   "schema \"%s\" was called \"%s\" when its history was written; the "
                   "next up or down takes that along",
                   tenant, sight->history);
    } else if (sight->standing > 0) {
        str_printf(&text,
                   "schema \"%s\" is not the one that skein's history of this name is "
                   "about (dropped and made anew, or another one renamed): none of it counts here",
                   tenant);
    }
    if (sight->history == NULL && sight->standing > 0 && sight->moved_to != NULL) {
        str_printf(&text,
                   "; that one is called \"%s\" now, and gets its history with the next up or down",
                   sight->moved_to);
    }
    if (text.length > 0) {
        warning_say(options, str_text(&text));
    }
}

/* PostgreSQL passes over what it does not find, and a name then means another thing, or none. */
static ErrCode warn_of_shared(Conn *conn, const Options *options, uint64_t deadline_ms, Err *err)
{
    static const char ABSENT[] =
        "SELECT w.name FROM pg_catalog.unnest(pg_catalog.string_to_array($1, ',')) AS w(name)"
        " WHERE w.name !~ '^pg_' AND w.name <> '$user'"
        " AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = w.name)";
    if (options->shared_schemas == NULL) {
        return ERR_NONE;
    }
    const char *params[] = { options->shared_schemas };
    Query query = { .sql = ABSENT, .params = params, .param_count = 1, .deadline_ms = deadline_ms };
    AUTO_PTR(PGresult) absent = NULL;
    ErrCode code = conn_query(conn, &query, &absent, err);
    for (int row = 0; code == ERR_NONE && row < PQntuples(absent); row++) {
        AUTO(Str) text = { 0 };
        str_printf(&text, "--shared-schemas: schema \"%s\" does not exist",
                   result_text(absent, row, 0));
        warning_say(options, str_text(&text));
    }
    return code;
}

static ErrCode history_of(Conn *conn, const Options *options, uint64_t deadline_ms, Arena *arena,
                          HistoryList *ret_list, Err *err)
{
    const char *tenant = local_tenant(options);
    TenantSight sight = { 0 };
    ErrCode code = tenant_look(conn, tenant, deadline_ms, arena, &sight, err);
    if (code == ERR_NONE && !sight.is_there) {
        return tenant_refuse_absent(conn, tenant, deadline_ms, err);
    }
    if (code == ERR_NONE) {
        const char *under = sight.history == NULL ? tenant : sight.history;
        code = history_read_all(conn, under, deadline_ms, arena, ret_list, err);
    }
    if (code == ERR_NONE) {
        warn_of_name(options, &sight);
        code = warn_of_shared(conn, options, deadline_ms, err);
    }
    if (code == ERR_NONE && sight.history == NULL) {
        keep_undone(ret_list);
    }
    return code;
}

ErrCode local_history(const Options *options, ConnSource *source, Arena *arena,
                      HistoryList *ret_list, Err *err)
{
    AUTO_PTR(Conn) conn = NULL;
    uint64_t deadline_ms = clock_boot_ms() + LOOK_TIMEOUT_MS;
    if (look_connect(source, deadline_ms, &conn, err) != ERR_NONE) {
        return err->code;
    }
    ErrCode code = history_of(conn, options, deadline_ms, arena, ret_list, err);
    if (code == ERR_PRIVILEGE) {
        err_hint(err,
                 "grant USAGE on schema skein and SELECT on its tables to this role, or look as "
                 "the one that migrates");
    }
    return code;
}

SourceOptions local_source_options(const Options *options)
{
    return (SourceOptions){ .format = options->format, .variables = options->set };
}

ErrCode local_migrations(const Options *options, Arena *arena, MigrationSet *ret_set, Err *err)
{
    SourceOptions source = local_source_options(options);
    return source_read(options->migrations, &source, arena, ret_set, err);
}

Plan local_plan(const MigrationSet *set)
{
    Plan plan = {
        .name = "cli",
        .to = set->migrations[set->count - 1].id,
        .where = "",
        .migrations = set->migrations,
        .migration_count = set->count,
    };
    plan_strategy_defaults(&plan.strategy);
    return plan;
}

ErrCode local_shared_schemas(const Options *options, Arena *arena, Plan *plan, Err *err)
{
    if (options->shared_schemas == NULL) {
        return ERR_NONE;
    }
    if (options->schema == NULL) {
        err_set(err, ERR_USAGE,
                "--shared-schemas follow a schema in search_path, and none is named");
        return err_hint(err,
                        "add --schema NAME; of a whole database the search_path is left as it is");
    }
    plan->shared_schemas = ARENA_ARRAY(arena, const char *, PLAN_SHARED_SCHEMAS_MAX);
    char *rest = arena_strdup(arena, options->shared_schemas);
    for (char *name = NULL; (name = strsep(&rest, ",")) != NULL;) {
        if (name[0] == '\0' || plan->shared_schema_count == PLAN_SHARED_SCHEMAS_MAX) {
            return err_set(err, ERR_USAGE,
                           "--shared-schemas wants 1 to %d names with commas between, found '%s'",
                           PLAN_SHARED_SCHEMAS_MAX, options->shared_schemas);
        }
        plan->shared_schemas[plan->shared_schema_count++] = name;
    }
    return ERR_NONE;
}

JobOrder local_order(const Options *options, const ConnSource *source, const Plan *plan,
                     const char *to)
{
    static const uint8_t NO_HASH[PLAN_HASH_BYTES] = { 0 };
    const char *database = conn_source_database(source);
    return (JobOrder){
        .rollout = "",
        .target = database == NULL ? "the database" : database,
        .identity = { .schema = local_tenant(options) },
        .plan = plan,
        .plan_hash = NO_HASH,
        .to = to,
        .is_any_rollout = true,
        .deadline_ms = plan->strategy.target_timeout_ms,
        .blocked_retries_max = BLOCKED_RETRIES,
    };
}

const char *local_operator(Arena *arena)
{
    const struct passwd *user = getpwuid(geteuid());
    return user == NULL ? arena_printf(arena, "uid %u", (unsigned)geteuid())
                        : arena_strdup(arena, user->pw_name);
}

const HistoryEntry *local_row(const HistoryList *list, const char *id)
{
    for (size_t i = list->count; i > 0; i--) {
        const HistoryEntry *entry = &list->entries[i - 1];
        if (strcmp(entry->id, id) == 0 && strcmp(entry->state, "undone") != 0) {
            return entry;
        }
    }
    return NULL;
}
