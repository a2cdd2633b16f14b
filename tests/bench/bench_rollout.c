/*
 * Ten migrations (26 statements) to 200 databases on 4 local servers with default durability: skein
 * through coordinator and agents, against bench_limit, alternating in one run. Reports the median
 * of the ratios; absolute times move from machine to machine, ratios hardly.
 */
#include "tests/harness/fleet.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVERS 4
#define REPETITIONS_MAX 50
#define LIMIT_WORKERS "4"

typedef struct Setup {
    unsigned databases; /* per server */
    unsigned repetitions;
    unsigned per_host;
} Setup;

typedef struct Cost {
    double wall_s;
    double cpu_s; /* of the client side: CLI, coordinator, agents; or bench_limit */
} Cost;

typedef struct Sample {
    Cost limit;
    Cost skein;
} Sample;

/* 26 statements; what a small application's first ten migrations look like. */
static const char *const MIGRATIONS[][2] = {
    { "0001_accounts", "CREATE TABLE accounts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                       "email text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());\n"
                       "CREATE UNIQUE INDEX accounts_email ON accounts (lower(email));\n"
                       "COMMENT ON TABLE accounts IS 'who may log in';\n" },
    { "0002_projects", "CREATE TABLE projects (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                       "account_id bigint NOT NULL REFERENCES accounts, name text NOT NULL);\n"
                       "CREATE INDEX projects_account ON projects (account_id);\n"
                       "CREATE INDEX projects_name ON projects (name);\n" },
    { "0003_tasks",
      "CREATE TYPE task_state AS ENUM ('open', 'done');\n"
      "CREATE TABLE tasks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project_id bigint "
      "NOT NULL REFERENCES projects, state task_state NOT NULL DEFAULT 'open', title text);\n"
      "CREATE INDEX tasks_project ON tasks (project_id, state);\n" },
    { "0004_due", "ALTER TABLE tasks ADD due date;\nCREATE INDEX tasks_due ON tasks (due) WHERE "
                  "due IS NOT NULL;\n" },
    { "0005_comments", "CREATE TABLE comments (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                       "task_id bigint NOT NULL REFERENCES tasks, body text NOT NULL);\n"
                       "CREATE INDEX comments_task ON comments (task_id);\n"
                       "ALTER TABLE comments ADD author text;\n" },
    { "0006_labels", "CREATE TABLE labels (name text PRIMARY KEY, colour text);\n"
                     "CREATE TABLE task_labels (task_id bigint REFERENCES tasks, label text "
                     "REFERENCES labels, PRIMARY KEY (task_id, label));\n"
                     "INSERT INTO labels VALUES ('bug', 'red'), ('idea', 'blue');\n" },
    { "0007_touch", "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                    "NEW.created_at := now(); RETURN NEW; END $$;\n"
                    "CREATE TRIGGER accounts_touch BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE "
                    "FUNCTION touch();\n" },
    { "0008_open", "CREATE VIEW open_tasks AS SELECT t.id, t.title, p.name AS project FROM tasks t "
                   "JOIN projects p ON p.id = t.project_id WHERE t.state = 'open';\n"
                   "ALTER TABLE projects ADD archived boolean NOT NULL DEFAULT false;\n" },
    { "0009_check", "ALTER TABLE tasks ADD CONSTRAINT title_short CHECK (length(title) < 500);\n"
                    "ALTER TABLE accounts ADD name text;\n"
                    "UPDATE accounts SET name = email;\n" },
    { "0010_audit", "CREATE TABLE audit (at timestamptz NOT NULL DEFAULT now(), what "
                    "jsonb);\nCREATE INDEX audit_at ON audit (at);\n" },
};

/* ---- measuring ---- */

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double children_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double process_cpu_s(int pid)
{
    char path[64];
    unsigned long user = 0;
    unsigned long sys = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    int found = fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                       &user, &sys);
    fclose(file);
    assert_int_equal(found, 2);
    return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static double fleet_cpu_s(const Fleet *fleet)
{
    double sum = process_cpu_s(fleet->coordinator_pid);
    for (size_t i = 0; i < fleet->host_count; i++) {
        sum += process_cpu_s(fleet->hosts[i].pid);
    }
    return sum;
}

/* ---- the two that run ---- */

static Cost limit_run(Fleet *fleet, const Setup *setup, const char *what)
{
    const char *argv[5 + SERVERS + 1] = { SKEIN_BIN_DIR "/bench_limit", what, LIMIT_WORKERS };
    argv[3] = arena_printf(&fleet->arena, "%u", setup->databases);
    argv[4] = fleet_path(fleet, "migrations");
    for (size_t i = 0; i < SERVERS; i++) {
        argv[5 + i] = arena_printf(&fleet->arena, "%d", pg_cluster_port(fleet->hosts[i].cluster));
    }
    int status = 0;
    double cpu_s = children_cpu_s();
    double begin_s = now_s();
    int pid = process_start(argv, fleet_path(fleet, "limit.log"));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    Cost cost = { .wall_s = now_s() - begin_s, .cpu_s = children_cpu_s() - cpu_s };
    if (status != 0) {
        fail_msg("bench_limit failed: %s", fleet_file_text(fleet, fleet_path(fleet, "limit.log")));
    }
    return cost;
}

/* From calling the command line to the rollout's success. */
static Cost skein_run(Fleet *fleet, const char *plan)
{
    double cpu_s = children_cpu_s() + fleet_cpu_s(fleet);
    double begin_s = now_s();
    CliResult start = fleet_cli(fleet, "rollout", "start", plan, "--yes", "--watch", NULL);
    Cost cost = { .wall_s = now_s() - begin_s,
                  .cpu_s = children_cpu_s() + fleet_cpu_s(fleet) - cpu_s };
    if (start.exit_code != 0) {
        fleet_fail(fleet, "the rollout ended with exit code %d\n%s%s", start.exit_code, start.out,
                   start.err);
    }
    return cost;
}

static void databases_reset(Fleet *fleet, const Setup *setup)
{
    for (size_t i = 0; i < SERVERS; i++) {
        for (unsigned n = 1; n <= setup->databases; n++) {
            pg_cluster_run(fleet->hosts[i].cluster, arena_printf(&fleet->arena, "tenant_%04u", n),
                           "SET client_min_messages = warning; DROP SCHEMA IF EXISTS skein CASCADE;"
                           "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        }
        pg_cluster_run(fleet->hosts[i].cluster, "postgres", "CHECKPOINT");
    }
}

/* ---- the bench ---- */

static Fleet *fleet_build(const Setup *setup)
{
    static const char *const NAMES[SERVERS] = { "db1", "db2", "db3", "db4" };
    Fleet *fleet = fleet_new();
    for (size_t i = 0; i < SERVERS; i++) {
        PgCluster *cluster = pg_cluster_start("fsync = on\nshared_buffers = 128MB");
        pg_cluster_make_databases(cluster, "tenant", setup->databases);
        LIST_PUSH(&fleet->clusters, cluster);
        fleet_host_add(fleet, NAMES[i], cluster)->rediscover = "1h";
    }
    for (size_t i = 0; i < ARRAY_LEN(MIGRATIONS); i++) {
        fleet_migration_raw(fleet, MIGRATIONS[i][0], MIGRATIONS[i][1], "SELECT 1;\n");
    }
    return fleet;
}

static void fleet_end(Fleet *fleet)
{
    fleet_processes_end(fleet);
    LIST_EACH(cluster, &fleet->clusters) {
        pg_cluster_stop(*cluster);
    }
    fleet_free(fleet);
}

static int double_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double ratio_median(const Sample *samples, unsigned count)
{
    double ratios[REPETITIONS_MAX];
    for (unsigned i = 0; i < count; i++) {
        ratios[i] = samples[i].skein.wall_s / samples[i].limit.wall_s;
    }
    qsort(ratios, count, sizeof(ratios[0]), double_compare);
    return count % 2 == 1 ? ratios[count / 2] : (ratios[count / 2 - 1] + ratios[count / 2]) / 2;
}

static void sample_print(const char *what, const Sample *sample)
{
    printf("%-5s limit %6.2f s (client %5.2f s cpu)   skein %6.2f s (%5.2f s cpu)   ratio %.2f\n",
           what, sample->limit.wall_s, sample->limit.cpu_s, sample->skein.wall_s,
           sample->skein.cpu_s, sample->skein.wall_s / sample->limit.wall_s);
    fflush(stdout);
}

static void bench(Fleet *fleet, const Setup *setup)
{
    Sample up[REPETITIONS_MAX];
    Sample noop[REPETITIONS_MAX];
    const char *strategy =
        arena_printf(&fleet->arena, "max_parallel: %u, max_parallel_per_host: %u",
                     setup->per_host * SERVERS, setup->per_host);
    const char *plan =
        fleet_plan_write(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = strategy });
    limit_run(fleet, setup, "up"); /* everybody's first connections are slower */
    for (unsigned i = 0; i < setup->repetitions; i++) {
        databases_reset(fleet, setup);
        up[i].limit = limit_run(fleet, setup, "up");
        noop[i].limit = limit_run(fleet, setup, "noop");
        databases_reset(fleet, setup);
        up[i].skein = skein_run(fleet, plan);
        noop[i].skein = skein_run(fleet, plan);
        sample_print("up", &up[i]);
        sample_print("no-op", &noop[i]);
    }
    printf("%u databases on %d servers, %u at once per host, median of %u: up %.2f, no-op %.2f "
           "times the limit\n",
           setup->databases * SERVERS, SERVERS, setup->per_host, setup->repetitions,
           ratio_median(up, setup->repetitions), ratio_median(noop, setup->repetitions));
}

static const struct option OPTIONS[] = { { "repetitions", required_argument, NULL, 'r' },
                                         { "databases", required_argument, NULL, 'd' },
                                         { "per-host", required_argument, NULL, 'p' },
                                         { NULL, 0, NULL, 0 } };

int main(int argc, char **argv)
{
    Setup setup = { .databases = 50, .repetitions = 5, .per_host = 1 };
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        unsigned value = option == '?' ? 0 : (unsigned)strtoul(optarg, NULL, 10);
        switch (option) {
        case 'r':
            setup.repetitions = value;
            break;
        case 'd':
            setup.databases = (value + SERVERS - 1) / SERVERS;
            break;
        case 'p':
            setup.per_host = value;
            break;
        default:
            return 2;
        }
        if (value == 0 || setup.repetitions > REPETITIONS_MAX) {
            fprintf(stderr, "bench_rollout: --%s is out of range\n", OPTIONS[0].name);
            return 2;
        }
    }
    Fleet *fleet = fleet_build(&setup);
    fleet_coordinator_start(fleet, NULL);
    for (size_t i = 0; i < fleet->host_count; i++) {
        fleet_agent_start(fleet, i, NULL);
    }
    fleet_await_targets(fleet, (size_t)setup.databases * SERVERS);
    bench(fleet, &setup);
    fleet_end(fleet);
    return 0;
}
