/* What a server shows of itself and of its tenants, and what a job reads of its history. */
#include "tests/sim/sim_pg.h"

#include <string.h>

#include "tests/sim/sim_pg_internal.h"

#define SERVER_VERSION 150020

/* The newest applied migration in order of application; -1: none. */
static int newest_applied(const PgData *data)
{
    int newest = -1;
    for (int i = 0; i < SIM_MIGRATIONS_MAX; i++) {
        if (data->rows[i].state == ROW_APPLIED &&
            (newest < 0 || data->rows[i].seq > data->rows[newest].seq)) {
            newest = i;
        }
    }
    return newest;
}

const char *pg_migration_name(SimPg *pg, int index)
{
    char text[16];
    snprintf(text, sizeof(text), "%04d_m", index + 1);
    return index < 0 ? pg_intern(pg, "") : pg_intern(pg, text);
}

bool sim_pg_read_facts(PgTenant *tenant, InventoryTarget *ret_facts)
{
    const PgServer *server = tenant->server;
    if (!server->is_up || server->is_cut || tenant->is_dropped) {
        return false;
    }
    *ret_facts = (InventoryTarget){
        .target = tenant->address,
        .instance = server->instance,
        .identity = tenant->identity,
        .version = pg_migration_name(tenant->pg, newest_applied(&tenant->data)),
        .is_read = true,
        .in_recovery = trouble_is_replica(server->trouble),
        .fence = tenant->data.fence,
        .rollout = tenant->data.newest_rollout,
        .plan_hash = pg_plan_of(tenant->pg, tenant->data.newest_rollout),
        .applied = (uint32_t)sim_pg_rows_of(tenant, tenant->data.newest_rollout),
        .timeline = trouble_is_replica(server->trouble) ? 0 : server->timeline,
    };
    return true;
}

bool sim_pg_read_instance(const SimPg *pg, size_t server_index, HelloInstance *ret_instance)
{
    const PgServer *server = pg->servers.items[server_index];
    bool is_reached = server->is_up && !server->is_cut;
    *ret_instance = (HelloInstance){
        .name = server->instance,
        .system_identifier = is_reached ? server->system_identifier : 0,
        .timeline = is_reached ? server->timeline : 0,
        .server_version = is_reached ? SERVER_VERSION : 0,
        .in_recovery = is_reached && trouble_is_replica(server->trouble),
    };
    return is_reached;
}

static bool is_hurt(const SimPg *pg, const PgServer *server)
{
    for (size_t i = 0; pg->hurting < SIM_MIGRATIONS_MAX && i < pg->tenants.count; i++) {
        const PgTenant *tenant = pg->tenants.items[i];
        if (tenant->server == server && !tenant->is_dropped &&
            tenant->data.effects[pg->hurting][0] > 0) {
            return true;
        }
    }
    return false;
}

static PgMood mood_of(const SimPg *pg, PgServer *server)
{
    if (server->mood == MOOD_FITFUL) {
        return dice_chance(&server->health, 60) ? MOOD_ILL : MOOD_WELL;
    }
    return server->mood == MOOD_WELL && is_hurt(pg, server) ? MOOD_ILL : server->mood;
}

size_t sim_pg_read_health(SimPg *pg, size_t index, HealthReading ret_readings[SIM_READINGS_MAX])
{
    static const MetricAbsence WHY[MOOD_COUNT_] = {
        [MOOD_MUTE] = METRIC_NO_PRIVILEGE, [MOOD_IDLE] = METRIC_NOTHING
    };
    PgServer *server = pg->servers.items[index];
    PgMood mood = mood_of(pg, server);
    bool is_reached = server->is_up && !server->is_cut;
    uint32_t absence = is_reached ? WHY[mood] : METRIC_NOT_SAMPLED;
    uint64_t blocked = mood == MOOD_ILL ? 50 : dice_between(&server->health, 8, 12);
    uint64_t hits = mood == MOOD_ILL ? 50 : 95;
    ret_readings[0] = (HealthReading){ METRIC_BLOCKED_SESSIONS, blocked * METRIC_SCALE, absence };
    ret_readings[1] = (HealthReading){ METRIC_CACHE_HIT_PERCENT, hits * METRIC_SCALE, absence };
    for (size_t i = 0; absence != METRIC_PRESENT && i < SIM_READINGS_MAX; i++) {
        ret_readings[i].value = 0;
    }
    return SIM_READINGS_MAX;
}

static void history_set_foreign(PgSession *session)
{
    const PgData *data = &session->tenant->data;
    bool has_foreign = data->foreign[0] != '\0';
    session->history.foreign = has_foreign ? 1 : 0;
    session->history.foreign_newest = data->foreign;
}

/* A row that somebody else applied after the newest of ours. */
static void history_set_newer_above(PgSession *session)
{
    const PgData *data = &session->tenant->data;
    uint64_t ours = 0;
    for (size_t i = 0; i < SIM_MIGRATIONS_MAX; i++) {
        const PgRow *row = &data->rows[i];
        if (row->state != ROW_ABSENT && strcmp(row->rollout, session->order->rollout) == 0 &&
            (ours == 0 || row->seq < ours)) {
            ours = row->seq;
        }
    }
    session->history.newer_above = "";
    session->history.has_newer_above = false;
    for (int i = 0; ours > 0 && i < SIM_MIGRATIONS_MAX; i++) {
        const PgRow *row = &data->rows[i];
        if (row->state != ROW_ABSENT && row->seq > ours &&
            strcmp(row->rollout, session->order->rollout) != 0) {
            session->history.has_newer_above = true;
            session->history.newer_above = pg_migration_name(session->pg, i);
        }
    }
}

void session_read_history(PgSession *session)
{
    const PgData *data = &session->tenant->data;
    size_t count = session->order->plan->migration_count;
    for (size_t i = 0; i < count; i++) {
        const PgRow *row = &data->rows[i];
        session->rows[i] = (HistoryRow){
            .state = row->state,
            .is_of_rollout =
                row->state != ROW_ABSENT && strcmp(row->rollout, session->order->rollout) == 0,
            .is_same_checksum = !row->is_other_checksum,
            .is_running = row->is_running,
            .is_same_statement = true,
            .is_same_parts = true,
            .parts_done = (uint32_t)row->parts_done,
            .place = (uint32_t)row->seq,
        };
    }
    session->history = (History){
        .rows = session->rows,
        .count = count,
        .version = pg_migration_name(session->pg, newest_applied(data)),
        .timeline = session->tenant->server->timeline,
    };
    for (size_t i = count; i < SIM_MIGRATIONS_MAX; i++) {
        if (data->rows[i].state != ROW_ABSENT) {
            session->history.foreign++;
            session->history.foreign_newest = pg_migration_name(session->pg, (int)i);
            session->history.foreign_place = (uint32_t)data->rows[i].seq;
        }
    }
    if (session->history.foreign == 0) {
        history_set_foreign(session);
    }
    history_set_newer_above(session);
}
