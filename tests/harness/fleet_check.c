/*
 * The checker: what every test ends with. It believes the databases: the journal says how often a
 * migration took effect, the history says what skein thinks of it, the API says what skein tells
 * people, the event log says how it came to that. All four must agree. It asserts nothing and may
 * be called in any state of the fleet.
 */
#include "tests/harness/fleet.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/map.h"
#include "common/str.h"
#include "tests/patience.h"

#define POLL_MS 25

/* ---- asking without asserting ---- */

/* One connection is kept: thousands of targets may be schemas of one database. */
typedef struct Asking {
    const FleetHost *host;
    const char *database;
    PGconn *conn;
} Asking;

static Asking last;

static void ask_end(void)
{
    PQfinish(last.conn);
    last = (Asking){ 0 };
}

static void ask_begin(const FleetHost *host, const char *database)
{
    bool is_last = last.host == host && str_equal(last.database, database) &&
                   PQstatus(last.conn) == CONNECTION_OK;
    if (!is_last) {
        ask_end();
        last = (Asking){ host, database,
                         PQconnectdb(pg_cluster_socket_conninfo(host->cluster, database)) };
    }
}

/* First field of the first row; NULL: no answer. */
static const char *ask(Fleet *fleet, const FleetHost *host, const char *database, const char *sql)
{
    if (!pg_cluster_is_up(host->cluster)) {
        return NULL;
    }
    const char *answer = NULL;
    ask_begin(host, arena_strdup(&fleet->arena, database));
    PGresult *result = PQexec(last.conn, sql);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        answer =
            arena_strdup(&fleet->arena, PQntuples(result) == 0 ? "" : PQgetvalue(result, 0, 0));
    } else {
        ask_end(); /* of a server that has been stopped meanwhile, perhaps */
    }
    PQclear(result);
    return answer;
}

static bool says(const char *answer, const char *expected)
{
    return answer != NULL && strcmp(answer, expected) == 0;
}

/* ---- nothing is left behind ---- */

typedef struct Remainder {
    const char *what;
    const char *sql;
} Remainder;

static const Remainder MIGRATING = {
    "migrating connections or advisory locks",
    "SELECT coalesce(string_agg(what, ', '), '') FROM ("
    "SELECT application_name || ' ' || state || ' ' || query AS what FROM pg_stat_activity"
    " WHERE application_name LIKE 'skein/%' AND application_name <> 'skein/watch'"
    " UNION ALL SELECT 'advisory lock of ' || pid FROM pg_locks WHERE locktype = 'advisory') x",
};

static const Remainder ANY = {
    "connections of skein",
    "SELECT coalesce(string_agg(application_name || ' ' || query, ', '), '') FROM pg_stat_activity"
    " WHERE application_name LIKE 'skein/%'",
};

static void check_gone(Fleet *fleet, const Remainder *remainder, Str *problems)
{
    uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    for (size_t i = 0; i < fleet->host_count; i++) {
        const FleetHost *host = &fleet->hosts[i];
        const char *left = "";
        while ((left = ask(fleet, host, "postgres", remainder->sql)) != NULL && left[0] != '\0' &&
               clock_boot_ms() < deadline_ms) {
            poll(NULL, 0, POLL_MS);
        }
        if (left != NULL && left[0] != '\0') {
            str_printf(problems, "%s: %s are left: %s\n", host->name, remainder->what, left);
        }
    }
}

static void check_zombies(Str *problems)
{
    int pid = (int)waitpid(-1, NULL, WNOHANG);
    if (pid > 0) {
        str_printf(problems, "process %d had died unseen\n", pid);
    }
}

/* ---- journal and history ---- */

/* A migration's net effect is nothing or once, and just as its history says. */
static const char EFFECT_SQL[] =
    "SELECT coalesce(string_agg(coalesce(j.migration, h.id) || ': net effect ' || coalesce(net, 0)"
    " || ', history ' || coalesce(h.state, 'has no row'), '; '), '') FROM"
    " (SELECT migration, sum(CASE way WHEN 'up' THEN 1 ELSE -1 END) AS net FROM journal"
    "  GROUP BY migration) j"
    " FULL JOIN (SELECT id, state FROM skein.history WHERE state <> 'undone'"
    "  AND id NOT LIKE '%\\_solo') h ON h.id = j.migration"
    " WHERE coalesce(net, 0) <> (h.id IS NOT NULL)::int";

/* What the catalog shows is just what the history says: the tables of 0001_t …, and no index that
 * was left half built where nothing is under way. */
static const char CATALOG_SQL[] =
    "SELECT coalesce(string_agg(wrong, '; '), '') FROM ("
    "SELECT coalesce(c.relname, h.relname) || CASE WHEN c.relname IS NULL"
    "  THEN ' is not there, and its migration is applied'"
    "  ELSE ' is there, and its migration is not applied' END AS wrong"
    " FROM (SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    "  AND relkind = 'r' AND relname ~ '^t_[0-9]{4}$') c"
    " FULL JOIN (SELECT 't_' || left(id, 4) AS relname FROM skein.history"
    "  WHERE tenant = '' AND state = 'applied' AND id ~ '^[0-9]{4}_t$') h USING (relname)"
    " WHERE c.relname IS NULL OR h.relname IS NULL"
    " UNION ALL SELECT indexrelid::regclass || ' is invalid' FROM pg_index WHERE NOT indisvalid"
    "  AND NOT EXISTS (SELECT FROM skein.history WHERE state IN ('started', 'undoing'))) x";

static void check_catalog(Fleet *fleet, const FleetHost *host, const char *database, Str *problems)
{
    const char *wrong = ask(fleet, host, database, CATALOG_SQL);
    if (wrong == NULL || wrong[0] != '\0') {
        str_printf(problems, "%s/%s: catalog and history differ: %s\n", host->name, database,
                   wrong == NULL ? "no answer" : wrong);
    }
}

static void check_tenant(Fleet *fleet, const FleetHost *host, const char *database, Str *problems)
{
    const char *journal = ask(fleet, host, database, "SELECT to_regclass('journal') IS NOT NULL");
    if (!says(journal, "t")) {
        return; /* dropped by the test, or unreachable */
    }
    bool has_history =
        says(ask(fleet, host, database, "SELECT to_regclass('skein.history') IS NOT NULL"), "t");
    const char *wrong = ask(
        fleet, host, database,
        has_history ? EFFECT_SQL : "SELECT coalesce(string_agg(migration, ','), '') FROM journal");
    if (wrong == NULL || wrong[0] != '\0') {
        str_printf(problems, "%s/%s: journal and history differ: %s\n", host->name, database,
                   wrong == NULL ? "no answer" : wrong);
    }
    if (has_history) {
        check_catalog(fleet, host, database, problems);
    }
}

/* ---- what the coordinator says ---- */

typedef struct StateRule {
    const char *state;
    bool is_applied; /* the plan's `to` is there */
    bool is_undone;  /* nothing of the rollout is there */
    bool is_counted; /* `applied` is the number of its rows */
} StateRule;

/* States that are not listed are on their way, or out of the rollout's hands. */
static const StateRule STATES[] = {
    { "pending", false, false, true },         { "verifying", true, false, true },
    { "healthy", true, false, true },          { "failed", false, false, true },
    { "rolled_back", false, true, true },      { "held", false, false, true },
    { "rollback_failed", false, false, true },
};

static const StateRule *state_rule(const char *state)
{
    for (size_t i = 0; i < ARRAY_LEN(STATES); i++) {
        if (strcmp(STATES[i].state, state) == 0) {
            return &STATES[i];
        }
    }
    return NULL;
}

static void check_target(Fleet *fleet, const json_t *rollout, const json_t *target, bool is_newest,
                         Str *problems)
{
    const char *address = json_text(target, "address");
    const StateRule *rule = state_rule(json_text(target, "state"));
    const char *database = NULL;
    const FleetHost *host = &fleet->hosts[fleet_host_of(fleet, address, &database)];
    const char *schema = fleet_schema_of(fleet, address);
    const char *there_sql = arena_printf(
        &fleet->arena, "SELECT '%s' = '' OR EXISTS (SELECT FROM pg_namespace WHERE nspname = '%s')",
        schema, schema);
    if (rule == NULL || !says(ask(fleet, host, database, there_sql), "t")) {
        return; /* dropped or renamed by the test, or unreachable */
    }
    bool has_history =
        says(ask(fleet, host, database, "SELECT to_regclass('skein.history') IS NOT NULL"), "t");
    const char *of_target =
        arena_printf(&fleet->arena, "FROM skein.history WHERE tenant = '%s'", schema);
    const char *count_sql =
        arena_printf(&fleet->arena, "SELECT count(*) %s AND rollout = '%s' AND state <> 'undone'",
                     of_target, json_text(rollout, "id"));
    const char *to_sql =
        arena_printf(&fleet->arena, "SELECT count(*) %s AND id = '%s' AND state = 'applied'",
                     of_target, json_text(rollout, "to"));
    const char *version_sql = arena_printf(
        &fleet->arena, "SELECT id %s AND state = 'applied' ORDER BY seq DESC LIMIT 1", of_target);
    long long rows = has_history ? atoll(ask(fleet, host, database, count_sql)) : 0;
    bool has_to = has_history && says(ask(fleet, host, database, to_sql), "1");
    const char *version = has_history ? ask(fleet, host, database, version_sql) : "";
    if (rule->is_counted && rows != json_count(target, "applied")) {
        str_printf(problems, "%s is %s with %lld applied, its history has %lld\n", address,
                   rule->state, json_count(target, "applied"), rows);
    }
    const char *code = json_text(json_object_get(target, "error"), "code");
    bool is_told = strcmp(code, "lost_after_failover") == 0;
    if (is_newest && rule->is_applied && !has_to && !is_told) {
        str_printf(problems, "%s is %s, and %s is not in its history\n", address, rule->state,
                   json_text(rollout, "to"));
    }
    if (rule->is_undone && rows != 0) {
        str_printf(problems, "%s is rolled back, and %lld rows are left\n", address, rows);
    }
    if (is_newest && (rule->is_applied || rule->is_undone) &&
        !says(version, json_text(target, "version"))) {
        str_printf(problems, "%s is said to be at '%s', its history is at '%s'\n", address,
                   json_text(target, "version"), version);
    }
}

static void check_rollouts(Fleet *fleet, const json_t *rollouts, Str *problems)
{
    AUTO_PTR(Map) seen = map_new(); /* targets of newer rollouts */
    size_t index = 0;
    const json_t *rollout = NULL;
    json_array_foreach((json_t *)rollouts, index, rollout)
    {
        json_t *targets = fleet_try_list(fleet, "/rollouts/%s/targets", json_text(rollout, "id"));
        size_t at = 0;
        const json_t *target = NULL;
        json_array_foreach(targets, at, target)
        {
            const char *address = json_text(target, "address");
            check_target(fleet, rollout, target, map_get(seen, address) == NULL, problems);
            map_put(seen, address, (void *)(uintptr_t)address);
        }
    }
}

/* ---- events ---- */

/* Numbers without gaps; of each subject, every state is left as it was entered. */
static void check_events(Fleet *fleet, Str *problems)
{
    AUTO_PTR(Map) states = map_new();
    long long seq = 0;
    bool is_more = true;
    while (is_more) {
        json_t *answer =
            fleet_try_get(fleet, arena_printf(&fleet->arena, "/events?after=%lld&limit=1000", seq));
        size_t index = 0;
        const json_t *event = NULL;
        is_more = json_array_size(json_object_get(answer, "items")) > 0;
        json_array_foreach(json_object_get(answer, "items"), index, event)
        {
            if (json_count(event, "seq") != seq + 1) {
                str_printf(problems, "event %lld follows event %lld\n", json_count(event, "seq"),
                           seq);
            }
            seq = json_count(event, "seq");
            if (json_text(event, "new")[0] == '\0') {
                continue;
            }
            const char *subject = arena_printf(
                &fleet->arena, "%s/%s/%s/%s", json_text(event, "rollout"), json_text(event, "wave"),
                json_text(event, "target"),
                json_text(event, "rollout")[0] == '\0' ? json_text(event, "agent") : "");
            const char *before = map_get(states, subject);
            /* Of sessions a new coordinator knows none. */
            bool is_new_reign = json_text(event, "rollout")[0] == '\0' &&
                                strcmp(json_text(event, "old"), "none") == 0;
            if (before != NULL && !is_new_reign && strcmp(before, json_text(event, "old")) != 0) {
                str_printf(problems, "event %lld: %s goes %s -> %s, and was %s\n", seq, subject,
                           json_text(event, "old"), json_text(event, "new"), before);
            }
            map_put(states, subject, (void *)(uintptr_t)json_text(event, "new"));
        }
    }
}

/*
 * What a sanitizer has to say of the programs, in a build with one: a process that was killed, or
 * whose exit code nobody looks at, has written it all the same.
 */
static void check_reports(Fleet *fleet, Str *problems)
{
    static const char *const SIGNS[] = { "Sanitizer: ", "runtime error: " };
    DIR *dir = opendir(fleet->dir);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (!str_ends_with(entry->d_name, ".log") && !str_ends_with(entry->d_name, ".err")) {
            continue;
        }
        const char *text = fleet_file_text(fleet, fleet_path(fleet, "%s", entry->d_name));
        for (size_t i = 0; i < ARRAY_LEN(SIGNS); i++) {
            const char *report = strstr(text, SIGNS[i]);
            if (report != NULL) {
                str_printf(problems, "%s holds a report: %s\n", entry->d_name, report);
            }
        }
    }
    closedir(dir);
}

void fleet_check(Fleet *fleet, Str *problems)
{
    check_gone(fleet, &MIGRATING, problems);
    json_t *rollouts = fleet_try_get(fleet, "/rollouts?limit=1000");
    if (rollouts != NULL) {
        check_rollouts(fleet, json_object_get(rollouts, "items"), problems);
        check_events(fleet, problems);
    }
    if (!fleet_processes_end(fleet)) {
        str_append(problems, "a process did not stop well\n");
    }
    check_reports(fleet, problems);
    check_gone(fleet, &ANY, problems);
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        for (unsigned tenant = 1; tenant <= FLEET_TENANTS; tenant++) {
            check_tenant(fleet, &fleet->hosts[i], arena_printf(&fleet->arena, "tenant_%u", tenant),
                         problems);
        }
    }
    ask_end();
    check_zombies(problems);
}
