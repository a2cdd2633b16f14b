/* Talking with a fleet: command line, API, migrations, rollouts, databases. */
#include "tests/harness/fleet.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/str.h"
#include "proto/address.h"
#include "tests/patience.h"

#define CLI_ARGS_MAX 32

/* ---- the command line ---- */

static CliRun cli_begin(Fleet *fleet, va_list args)
{
    const char *argv[CLI_ARGS_MAX + 2] = { arena_printf(&fleet->arena, "%s/skein", SKEIN_BIN_DIR) };
    size_t count = 1;
    const char *arg = NULL;
    while ((arg = va_arg(args, const char *)) != NULL) {
        assert_true(count <= CLI_ARGS_MAX);
        argv[count++] = arg;
    }
    unsigned number = ++fleet->file_count;
    CliRun run = {
        .out_path = fleet_path(fleet, "cli-%u.out", number),
        .err_path = fleet_path(fleet, "cli-%u.err", number),
    };
    file_write_as_cluster_user(run.out_path, "");
    file_write_as_cluster_user(run.err_path, "");
    run.pid = process_start_split(argv, run.out_path, run.err_path);
    return run;
}

CliRun fleet_cli_begin(Fleet *fleet, ...)
{
    va_list args;
    va_start(args, fleet);
    CliRun run = cli_begin(fleet, args);
    va_end(args);
    return run;
}

CliResult fleet_cli_end(Fleet *fleet, CliRun *run)
{
    uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    int status = 0;
    while (waitpid(run->pid, &status, WNOHANG) == 0) {
        if (clock_boot_ms() > deadline_ms) {
            kill(run->pid, SIGKILL);
            waitpid(run->pid, NULL, 0);
        }
        fleet_poll(fleet, deadline_ms, "the command line");
    }
    return (CliResult){
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
        .out = fleet_file_text(fleet, run->out_path),
        .err = fleet_file_text(fleet, run->err_path),
    };
}

CliResult fleet_cli(Fleet *fleet, ...)
{
    va_list args;
    va_start(args, fleet);
    CliRun run = cli_begin(fleet, args);
    va_end(args);
    return fleet_cli_end(fleet, &run);
}

/* ---- the API ---- */

static size_t bytes_take(char *bytes, size_t size, size_t count, void *ctx)
{
    str_append_bytes(ctx, bytes, size * count);
    return size * count;
}

ApiAnswer fleet_send(Fleet *fleet, const char *method, const char *path, const void *bytes,
                     size_t length)
{
    AUTO(Str) text = { 0 };
    ApiAnswer answer = { 0 };
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    curl_easy_setopt(curl, CURLOPT_URL,
                     arena_printf(&fleet->arena, "http://localhost/api/v1%s", path));
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, fleet_path(fleet, "api.sock"));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, bytes_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
    if (bytes != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bytes);
    }
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
        answer.body = json_loadb(str_text(&text), text.length, 0, NULL);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (answer.body != NULL) {
        LIST_PUSH(&fleet->answers, answer.body);
    }
    return answer;
}

json_t *fleet_try_get(Fleet *fleet, const char *path)
{
    ApiAnswer answer = fleet_send(fleet, "GET", path, NULL, 0);
    return answer.status == 200 ? answer.body : NULL;
}

const char *fleet_agent_state(Fleet *fleet, const char *name)
{
    json_t *agents = json_object_get(fleet_get(fleet, "/agents"), "items");
    size_t index = 0;
    json_t *agent = NULL;
    json_array_foreach(agents, index, agent)
    {
        if (strcmp(json_text(agent, "name"), name) == 0) {
            return json_text(agent, "state");
        }
    }
    return "";
}

json_t *fleet_try_list(Fleet *fleet, const char *path_format, ...)
{
    char *path = NULL;
    va_list args;
    va_start(args, path_format);
    int length = vasprintf(&path, path_format, args);
    va_end(args);
    assert_true(length >= 0);
    json_t *items = json_array();
    LIST_PUSH(&fleet->answers, items);
    const char *page = arena_printf(&fleet->arena, "%s?limit=1000", path);
    while (page != NULL) {
        const json_t *answer = fleet_try_get(fleet, page);
        const char *next = json_text(answer, "next");
        items = answer == NULL ? NULL : items;
        json_array_extend(items, json_object_get(answer, "items"));
        page = next[0] == '\0' ? NULL
                               : arena_printf(&fleet->arena, "%s?limit=1000&after=%s", path, next);
    }
    free(path);
    return items;
}

json_t *fleet_get(Fleet *fleet, const char *path_format, ...)
{
    char *path = NULL;
    va_list args;
    va_start(args, path_format);
    int length = vasprintf(&path, path_format, args);
    va_end(args);
    assert_true(length >= 0);
    json_t *value = fleet_try_get(fleet, path);
    const char *copy = arena_strdup(&fleet->arena, path);
    free(path);
    if (value == NULL) {
        fleet_fail(fleet, "no answer to GET %s", copy);
    }
    return value;
}

const char *json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

long long json_count(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* ---- migrations and plans ---- */

void fleet_migration_raw(Fleet *fleet, const char *id, const char *up, const char *down)
{
    file_write_as_cluster_user(fleet_path(fleet, "migrations/%s.up.sql", id), up);
    if (down != NULL) {
        file_write_as_cluster_user(fleet_path(fleet, "migrations/%s.down.sql", id), down);
    }
}

static const char *journaled(Fleet *fleet, const char *id, const char *way, const char *sql)
{
    return arena_printf(&fleet->arena,
                        "INSERT INTO journal (migration, way) VALUES ('%s', '%s');\n%s;\n", id, way,
                        sql);
}

void fleet_migration(Fleet *fleet, const char *id, const char *up, const char *down)
{
    fleet_migration_raw(fleet, id, journaled(fleet, id, "up", up),
                        down == NULL ? NULL : journaled(fleet, id, "down", down));
}

void fleet_history(Fleet *fleet, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        fleet_migration(fleet, arena_printf(&fleet->arena, "%04u_t", i),
                        arena_printf(&fleet->arena, "CREATE TABLE t_%04u (i int)", i),
                        arena_printf(&fleet->arena, "DROP TABLE t_%04u", i));
    }
}

static const char *or_default(const char *text, const char *fallback)
{
    return text == NULL ? fallback : text;
}

const char *fleet_plan_write(Fleet *fleet, const FleetPlan *plan)
{
    const char *path = fleet_path(fleet, "rollout-%u.yaml", ++fleet->file_count);
    const char *strategy = or_default(plan->strategy, "");
    const char *text = arena_printf(
        &fleet->arena,
        "name: %s\nmigrations: ./migrations\nto: %s\nshared_schemas: [ %s ]\n%s\n%s%s%s"
        "strategy: { waves: [ %s ]%s%s }\n",
        or_default(plan->name, "test"), or_default(plan->to, "head"), or_default(plan->shared, ""),
        or_default(plan->more, ""), plan->where == NULL ? "" : "targets: { where: \"",
        or_default(plan->where, ""), plan->where == NULL ? "" : "\" }\n",
        or_default(plan->waves, FLEET_THREE_WAVES), strategy[0] == '\0' ? "" : ", ", strategy);
    file_write_as_cluster_user(path, text);
    return path;
}

const char *fleet_rollout_start(Fleet *fleet, const FleetPlan *plan)
{
    const char *path = fleet_plan_write(fleet, plan);
    CliResult result =
        fleet_cli(fleet, "rollout", "start", path, "--yes", "--output", "json", NULL);
    json_t *rollout = json_loads(result.out, 0, NULL);
    if (result.exit_code != 0 || rollout == NULL) {
        fleet_fail(fleet, "the rollout did not start: exit code %d\n%s%s", result.exit_code,
                   result.out, result.err);
    }
    LIST_PUSH(&fleet->answers, rollout);
    return json_text(rollout, "id");
}

void fleet_rollout_order(Fleet *fleet, const char *verb, const char *id)
{
    bool asks = strcmp(verb, "abort") == 0 || strcmp(verb, "rollback") == 0;
    CliResult result = fleet_cli(fleet, "rollout", verb, id, "--reason", "as the test says",
                                 asks ? "--yes" : NULL, NULL);
    if (result.exit_code != 0) {
        fleet_fail(fleet, "rollout %s: exit code %d: %s", verb, result.exit_code, result.err);
    }
}

static json_t *rollout_try(Fleet *fleet, const char *id)
{
    return fleet_try_get(fleet, arena_printf(&fleet->arena, "/rollouts/%s", id));
}

const char *fleet_rollout_state(Fleet *fleet, const char *id)
{
    json_t *rollout = rollout_try(fleet, id);
    return rollout == NULL ? "" : json_text(rollout, "state");
}

void fleet_await_rollout(Fleet *fleet, const char *id, const char *state)
{
    const char *what = arena_printf(&fleet->arena, "rollout %s to be %s", id, state);
    uint64_t deadline_ms = fleet_deadline_ms(fleet);
    while (strcmp(fleet_rollout_state(fleet, id), state) != 0) {
        fleet_poll(fleet, deadline_ms, what);
    }
}

long long fleet_rollout_count(Fleet *fleet, const char *id, const char *target_state)
{
    json_t *rollout = rollout_try(fleet, id);
    return rollout == NULL ? -1 : json_count(json_object_get(rollout, "counts"), target_state);
}

json_t *fleet_target(Fleet *fleet, const char *id, const char *address)
{
    json_t *targets = fleet_try_list(fleet, "/rollouts/%s/targets", id);
    size_t index = 0;
    json_t *target = NULL;
    json_array_foreach(targets, index, target)
    {
        if (strcmp(json_text(target, "address"), address) == 0) {
            return target;
        }
    }
    fleet_fail(fleet, "rollout %s has no target %s", id, address);
    return NULL;
}

const char *fleet_wave_state(Fleet *fleet, const char *id, const char *wave)
{
    json_t *rollout = fleet_get(fleet, "/rollouts/%s", id);
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(json_object_get(rollout, "waves"), index, item)
    {
        if (strcmp(json_text(item, "name"), wave) == 0) {
            return json_text(item, "state");
        }
    }
    fleet_fail(fleet, "rollout %s has no wave %s", id, wave);
    return NULL;
}

const char *fleet_await_target(Fleet *fleet, const char *id, const char *address, const char *state)
{
    const char *what = arena_printf(&fleet->arena, "%s to be %s", address, state);
    uint64_t deadline_ms = fleet_deadline_ms(fleet);
    json_t *target = NULL;
    while (strcmp(json_text(target = fleet_target(fleet, id, address), "state"), state) != 0) {
        fleet_poll(fleet, deadline_ms, what);
    }
    return json_text(json_object_get(target, "error"), "message");
}

void fleet_await_targets(Fleet *fleet, size_t count)
{
    uint64_t deadline_ms = fleet_deadline_ms(fleet);
    size_t read = 0;
    while (read != count) {
        json_t *targets = fleet_try_list(fleet, "/targets");
        size_t index = 0;
        json_t *target = NULL;
        read = 0;
        json_array_foreach(targets, index, target)
        {
            read += json_is_true(json_object_get(target, "is_read")) &&
                    !json_is_true(json_object_get(target, "is_gone")) &&
                    !json_is_true(json_object_get(target, "in_recovery"));
        }
        if (read != count) {
            fleet_poll(fleet, deadline_ms, "every target to be read");
        }
    }
}

/* ---- the databases ---- */

static Address address_of(Fleet *fleet, const char *text)
{
    Address address;
    Err err = { 0 };
    if (address_parse(text, &fleet->arena, &address, &err) != ERR_NONE) {
        fail_msg("%s: %s", text, err.message);
    }
    return address;
}

const char *fleet_schema_of(Fleet *fleet, const char *address)
{
    return address_of(fleet, address).schema;
}

size_t fleet_host_of(Fleet *fleet, const char *address, const char **ret_database)
{
    Address parsed = address_of(fleet, address);
    *ret_database = parsed.database;
    for (size_t i = 0; i < fleet->host_count; i++) {
        if (strcmp(parsed.instance, fleet->hosts[i].name) == 0) {
            return i;
        }
    }
    fail_msg("no host has the target %s", address);
    return 0;
}

static PgCluster *cluster_of(Fleet *fleet, const char *address, const char **ret_database)
{
    return fleet->hosts[fleet_host_of(fleet, address, ret_database)].cluster;
}

void fleet_run(Fleet *fleet, const char *address, const char *sql)
{
    const char *database = NULL;
    PgCluster *cluster = cluster_of(fleet, address, &database);
    pg_cluster_run(cluster, database, sql);
}

const char *fleet_ask(Fleet *fleet, const char *address, const char *sql)
{
    const char *database = NULL;
    PgCluster *cluster = cluster_of(fleet, address, &database);
    return arena_strdup(&fleet->arena, pg_cluster_ask(cluster, database, sql));
}

void fleet_await_sql(Fleet *fleet, const char *address, const char *sql)
{
    uint64_t deadline_ms = fleet_deadline_ms(fleet);
    while (strcmp(fleet_ask(fleet, address, sql), "t") != 0) {
        fleet_poll(fleet, deadline_ms, sql);
    }
}

const char *fleet_applied(Fleet *fleet, const char *address)
{
    if (strcmp(fleet_ask(fleet, address, "SELECT to_regclass('skein.history') IS NULL"), "t") ==
        0) {
        return "";
    }
    return fleet_ask(fleet, address,
                     arena_printf(&fleet->arena,
                                  "SELECT string_agg(id, ',' ORDER BY seq) FROM skein.history"
                                  " WHERE state = 'applied' AND tenant = '%s'",
                                  fleet_schema_of(fleet, address)));
}

unsigned fleet_tenants_where(Fleet *fleet, const char *sql)
{
    unsigned count = 0;
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        count += strcmp(fleet_ask(fleet, fleet_address(fleet, i), sql), "t") == 0;
    }
    return count;
}

const char *fleet_address(Fleet *fleet, size_t index)
{
    return arena_printf(&fleet->arena, "db%zu/tenant_%zu", index % FLEET_HOSTS + 1,
                        index / FLEET_HOSTS + 1);
}

PGconn *fleet_session(Fleet *fleet, const char *address, const char *sql)
{
    const char *database = NULL;
    PgCluster *cluster = cluster_of(fleet, address, &database);
    PGconn *conn = PQconnectdb(arena_printf(&fleet->arena, "%s application_name=stranger",
                                            pg_cluster_socket_conninfo(cluster, database)));
    LIST_PUSH(&fleet->sessions, conn);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    }
    return conn;
}

PGconn *fleet_gate_close(Fleet *fleet, const char *address)
{
    return fleet_session(fleet, address, "BEGIN; LOCK TABLE gate IN ACCESS EXCLUSIVE MODE");
}

void fleet_gate_await(Fleet *fleet, const char *address)
{
    fleet_await_sql(fleet, address,
                    "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                    " WHERE l.relation = 'gate'::regclass AND NOT l.granted"
                    " AND a.application_name LIKE 'skein/%')");
}

void fleet_gate_open(Fleet *fleet, PGconn *gate)
{
    for (size_t i = 0; i < fleet->sessions.count; i++) {
        if (fleet->sessions.items[i] == gate) {
            LIST_REMOVE(&fleet->sessions, i);
            PQfinish(gate);
            return;
        }
    }
}
