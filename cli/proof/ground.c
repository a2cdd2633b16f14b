/* The ground of a scratch database: what somebody else has made before, and the tenants' schemas.
 */
#include "cli/proof/proof_internal.h"

#include "agent/conn/query.h"
#include "common/clock.h"

/* Its row in the history has done its work; the one that is tested begins empty. */
static const char SQL_FORGET[] = "DROP SCHEMA IF EXISTS skein CASCADE";

static ErrCode prepare_refuse(const MigrationSet *set, const WalkFailure *failure, Err *err)
{
    *err = failure->err;
    return failure->statement == NULL
               ? err_wrap(err, "%s", set->migrations[0].id)
               : err_wrap(err, "%s:%u: %s", set->migrations[0].id, failure->statement->line,
                          failure->statement->kind);
}

static ErrCode prepare_run(const Worker *worker, const char *database, Conn *conn, Err *err)
{
    const ProofConfig *config = &worker->run->config;
    WalkGround ground = worker->run->ground;
    ground.set = config->prepare;
    ground.plan = config->prepare_plan;
    Walker walker = { .ground = &ground, .wake = worker->walker.wake, .schema = "" };
    WalkFailure failure;
    if (walk_up(&walker, database, 0, &failure, err) != ERR_NONE) {
        return err->code;
    }
    if (failure.is_there) {
        return prepare_refuse(config->prepare, &failure, err);
    }
    return conn_run(conn, SQL_FORGET, clock_boot_ms() + WALK_LOOK_TIMEOUT_MS, err);
}

const char *ground_search_path(const ProofConfig *config, Arena *arena)
{
    AUTO(Str) path = { 0 };
    if (config->schema[0] != '\0') {
        str_append_quoted(&path, config->schema, '"');
    }
    for (size_t i = 0; i < config->plan->shared_schema_count; i++) {
        str_append(&path, ", ");
        str_append_quoted(&path, config->plan->shared_schemas[i], '"');
    }
    return arena_strdup(arena, str_text(&path));
}

static ErrCode schema_make(Conn *conn, const char *how, const char *name, Err *err)
{
    AUTO(Str) sql = { 0 };
    str_append(&sql, how);
    str_append_quoted(&sql, name, '"');
    ErrCode code = conn_run(conn, str_text(&sql), clock_boot_ms() + WALK_LOOK_TIMEOUT_MS, err);
    return code == ERR_NONE ? code : err_wrap(err, "cannot make schema %s", name);
}

/* Those that tenants share may have been prepared; a tenant's own is new. */
static ErrCode schemas_make(const Worker *worker, Conn *conn, Err *err)
{
    const Plan *plan = worker->run->config.plan;
    ErrCode code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < plan->shared_schema_count; i++) {
        code = schema_make(conn, "CREATE SCHEMA IF NOT EXISTS ", plan->shared_schemas[i], err);
    }
    if (code == ERR_NONE) {
        code = schema_make(conn, "CREATE SCHEMA ", worker->walker.schema, err);
    }
    return code == ERR_NONE ? schema_make(conn, "CREATE SCHEMA ", PROOF_NEXT_TENANT, err) : code;
}

ErrCode ground_make(const Worker *worker, char ret_database[SCRATCH_NAME_MAX], Err *err)
{
    const ProofConfig *config = &worker->run->config;
    bool has_tenants = worker->walker.schema[0] != '\0';
    ErrCode code = scratch_make(worker->run->scratch, NULL, ret_database, err);
    if (code != ERR_NONE || (config->prepare == NULL && !has_tenants)) {
        return code;
    }
    Conn *conn = NULL;
    code = walker_open(&worker->walker, ret_database, &conn, err);
    if (code == ERR_NONE && config->prepare != NULL) {
        code = prepare_run(worker, ret_database, conn, err);
    }
    if (code == ERR_NONE && has_tenants) {
        code = schemas_make(worker, conn, err);
    }
    conn_close(conn);
    return code;
}
