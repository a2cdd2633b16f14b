/* One database, without a coordinator. */
#include "cli/local.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/adopt/place.h"
#include "cli/printable.h"
#include "common/clock.h"
#include "common/secret.h"

#define BLOCKED_RETRIES 10
#define WARNINGS_TOLD 5

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
    return conn_source_new(connection, PASSWORD_ALLOWED, connections, ret_source, err);
}

ErrCode local_source(const Options *options, ConnSource **ret_source, Err *err)
{
    return local_source_for(options, CONN_LIMIT_DEFAULT, ret_source, err);
}

const char *local_tenant(const Options *options)
{
    return options->schema == NULL ? "" : options->schema;
}

ErrCode local_history(ConnSource *source, const char *tenant, Arena *arena, HistoryList *ret_list,
                      Err *err)
{
    AUTO_PTR(Conn) conn = NULL;
    uint64_t deadline_ms = clock_boot_ms() + LOOK_TIMEOUT_MS;
    ConnRequest request = {
        .purpose = CONN_WATCH,
        .application_name = CONN_NAME_CLI,
        .deadline_ms = deadline_ms,
    };
    if (conn_open(source, &request, &conn, err) != ERR_NONE) {
        if (err->code == ERR_UNREACHABLE && err->hint[0] == '\0') {
            err_hint(
                err,
                "does the server run, and do host and port say where? `skein check` asks more");
        }
        AUTO(Str) where = { 0 };
        conn_source_describe(source, NULL, &where);
        return err_wrap(err, "cannot connect to %s", str_text(&where));
    }
    ErrCode code = history_read_all(conn, tenant, deadline_ms, arena, ret_list, err);
    if (code == ERR_PRIVILEGE) {
        err_hint(err,
                 "grant USAGE on schema skein and SELECT on its tables to this role, or look as "
                 "the one that migrates");
    }
    return code;
}

void local_warn(const Options *options, const MigrationSet *set)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < set->note_count; i++) {
        bool is_told = set->notes[i].level == SOURCE_NOTE_WARNING && ++count <= WARNINGS_TOLD;
        if (is_told) {
            char *words = arena_strdup(&arena, set->notes[i].text);
            printable_make(words);
            str_printf(&text, "warning: %s\n", words);
        }
    }
    if (count > WARNINGS_TOLD) {
        str_printf(&text, "and %zu warnings more: `skein plan` of a rollout file shows all\n",
                   count - WARNINGS_TOLD);
    }
    if (options->output != OUTPUT_JSON) {
        fputs(str_text(&text), stderr);
    }
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
