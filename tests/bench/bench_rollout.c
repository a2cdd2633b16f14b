/*
 * 200 databases on 4 local servers with default durability: skein through coordinator and agents,
 * against bench_limit, alternating in one run. Three things are measured: ten migrations (26
 * statements) to databases that neither has seen; the same again, when there is nothing to do; and
 * ten more (26 statements), as a fleet gets them every week. Reports the median of the ratios;
 * absolute times move from machine to machine, ratios hardly. On a machine that does other work
 * besides, the ratio of CPU time moves least.
 */
#include "tests/harness/fleet.h"

#include <dirent.h>
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
/* When it is quiet, agents look at what has changed. */
#define LOOK_SECONDS 3

typedef enum Phase {
    PHASE_FIRST = 0,
    PHASE_NOOP,
    PHASE_LATER,
    PHASE_COUNT_,
} Phase;

typedef struct Setup {
    unsigned databases; /* per server */
    unsigned repetitions;
    unsigned per_host;
    int postmasters[SERVERS];
} Setup;

typedef struct Cost {
    double wall_s;
    double client_cpu_s; /* CLI, coordinator, agents; or bench_limit */
    double server_cpu_s; /* of all servers */
} Cost;

typedef struct Sample {
    Cost limit;
    Cost skein;
    Cost look; /* of skein's agents, after the rollout; in no ratio */
} Sample;

/* What a small application's first ten migrations look like, and the ten after. */
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
    { "0011_teams", "CREATE TABLE teams (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name "
                    "text NOT NULL UNIQUE);\n"
                    "ALTER TABLE accounts ADD team_id bigint REFERENCES teams;\n"
                    "CREATE INDEX accounts_team ON accounts (team_id);\n" },
    { "0012_priority", "ALTER TABLE tasks ADD priority int NOT NULL DEFAULT 3;\n"
                       "CREATE INDEX tasks_priority ON tasks (project_id, priority);\n"
                       "COMMENT ON COLUMN tasks.priority IS '1 is highest';\n" },
    { "0013_blocked", "ALTER TYPE task_state ADD VALUE 'blocked';\n"
                      "ALTER TABLE tasks ADD blocked_by bigint REFERENCES tasks;\n" },
    { "0014_hours", "CREATE TABLE hours (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                    "task_id bigint NOT NULL REFERENCES tasks, day date NOT NULL, minutes int NOT "
                    "NULL CHECK (minutes > 0));\n"
                    "CREATE INDEX hours_task ON hours (task_id);\n"
                    "CREATE INDEX hours_day ON hours (day);\n" },
    { "0015_colour", "ALTER TABLE labels ALTER colour SET DEFAULT 'grey';\n"
                     "UPDATE labels SET colour = 'grey' WHERE colour IS NULL;\n"
                     "ALTER TABLE labels ALTER colour SET NOT NULL;\n" },
    { "0016_sum", "CREATE VIEW task_hours AS SELECT t.id, t.title, sum(h.minutes) AS minutes FROM "
                  "tasks t LEFT JOIN hours h ON h.task_id = t.id GROUP BY t.id;\n"
                  "DROP INDEX projects_name;\n" },
    { "0017_touch", "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ "
                    "BEGIN NEW.created_at := clock_timestamp(); RETURN NEW; END $$;\n"
                    "CREATE TRIGGER teams_touch BEFORE DELETE ON teams FOR EACH ROW EXECUTE "
                    "FUNCTION touch();\n" },
    { "0018_webhooks", "CREATE TABLE webhooks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                       "account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE, url text "
                       "NOT NULL);\n"
                       "CREATE INDEX webhooks_account ON webhooks (account_id);\n"
                       "ALTER TABLE webhooks ADD is_active boolean NOT NULL DEFAULT true;\n" },
    { "0019_unique", "ALTER TABLE projects ADD CONSTRAINT projects_unique UNIQUE (account_id, "
                     "name);\n"
                     "DROP INDEX projects_account;\n"
                     "ALTER TABLE comments ALTER author SET DEFAULT '';\n" },
    { "0020_audit", "ALTER TABLE audit ADD who text;\n"
                    "CREATE INDEX audit_who ON audit (who);\n" },
};

#define FIRST_COUNT 10
#define FIRST_TO "0010_audit"

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

/* What a process has used itself, and what those of its children that have ended did. */
typedef struct ProcessCost {
    double own_cpu_s;
    double children_cpu_s;
    int parent_pid;
} ProcessCost;

/* Zeros for a process that has just gone: its parent has what it used. */
static ProcessCost process_cost(int pid)
{
    char path[64];
    int parent_pid = 0;
    unsigned long user = 0;
    unsigned long sys = 0;
    unsigned long children_user = 0;
    unsigned long children_sys = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return (ProcessCost){ 0 };
    }
    int found =
        fscanf(file, "%*d (%*[^)]) %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
               &parent_pid, &user, &sys, &children_user, &children_sys);
    fclose(file);
    double ticks = found == 5 ? (double)sysconf(_SC_CLK_TCK) : 1.0;
    return (ProcessCost){
        .own_cpu_s = (double)(user + sys) / ticks,
        .children_cpu_s = (double)(children_user + children_sys) / ticks,
        .parent_pid = parent_pid,
    };
}

static double fleet_cpu_s(const Fleet *fleet)
{
    double sum = process_cost(fleet->coordinator_pid).own_cpu_s;
    for (size_t i = 0; i < fleet->host_count; i++) {
        sum += process_cost(fleet->hosts[i].pid).own_cpu_s;
    }
    return sum;
}

static bool is_postmaster(const Setup *setup, int pid)
{
    for (size_t i = 0; i < SERVERS; i++) {
        if (setup->postmasters[i] == pid) {
            return true;
        }
    }
    return false;
}

/* Backends that have ended are in their postmaster's account, the others in their own. */
static double servers_cpu_s(const Setup *setup)
{
    double sum = 0;
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        int pid = (int)strtol(entry->d_name, NULL, 10);
        ProcessCost cost = pid > 0 ? process_cost(pid) : (ProcessCost){ 0 };
        if (is_postmaster(setup, pid)) {
            sum += cost.own_cpu_s + cost.children_cpu_s;
        } else if (is_postmaster(setup, cost.parent_pid)) {
            sum += cost.own_cpu_s;
        }
    }
    closedir(processes);
    return sum;
}

static Cost cost_now(const Fleet *fleet, const Setup *setup)
{
    return (Cost){ .wall_s = now_s(),
                   .client_cpu_s = children_cpu_s() + fleet_cpu_s(fleet),
                   .server_cpu_s = servers_cpu_s(setup) };
}

static Cost cost_since(const Fleet *fleet, const Setup *setup, const Cost *before)
{
    Cost now = cost_now(fleet, setup);
    return (Cost){ .wall_s = now.wall_s - before->wall_s,
                   .client_cpu_s = now.client_cpu_s - before->client_cpu_s,
                   .server_cpu_s = now.server_cpu_s - before->server_cpu_s };
}

/* ---- the two that run ---- */

static Cost limit_run(Fleet *fleet, const Setup *setup, Phase phase)
{
    const char *argv[6 + SERVERS + 1] = { SKEIN_BIN_DIR "/bench_limit" };
    size_t count = phase == PHASE_LATER ? ARRAY_LEN(MIGRATIONS) : FIRST_COUNT;
    argv[1] = phase == PHASE_FIRST ? "first" : "later";
    argv[2] = arena_printf(&fleet->arena, "%zu", count);
    argv[3] = LIMIT_WORKERS;
    argv[4] = arena_printf(&fleet->arena, "%u", setup->databases);
    argv[5] = fleet_path(fleet, "migrations");
    for (size_t i = 0; i < SERVERS; i++) {
        argv[6 + i] = arena_printf(&fleet->arena, "%d", pg_cluster_port(fleet->hosts[i].cluster));
    }
    int status = 0;
    Cost before = cost_now(fleet, setup);
    int pid = process_start(argv, fleet_path(fleet, "limit.log"));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    Cost cost = cost_since(fleet, setup, &before);
    if (status != 0) {
        fail_msg("bench_limit failed: %s", fleet_file_text(fleet, fleet_path(fleet, "limit.log")));
    }
    return cost;
}

/* From calling the command line to the rollout's success. */
static Cost skein_run(Fleet *fleet, const Setup *setup, const char *plan)
{
    Cost before = cost_now(fleet, setup);
    CliResult start = fleet_cli(fleet, "rollout", "start", plan, "--yes", "--watch", NULL);
    Cost cost = cost_since(fleet, setup, &before);
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

static Fleet *fleet_build(Setup *setup)
{
    static const char *const NAMES[SERVERS] = { "db1", "db2", "db3", "db4" };
    Fleet *fleet = fleet_new();
    for (size_t i = 0; i < SERVERS; i++) {
        PgCluster *cluster = pg_cluster_start("fsync = on\nshared_buffers = 128MB");
        pg_cluster_make_databases(cluster, "tenant", setup->databases);
        setup->postmasters[i] = (int)pg_cluster_count(cluster, "postgres",
                                                      "SELECT pg_catalog.split_part("
                                                      "pg_catalog.pg_read_file('postmaster.pid'),"
                                                      " E'\\n', 1)::int8");
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

static double wall_ratio(const Sample *sample)
{
    return sample->skein.wall_s / sample->limit.wall_s;
}

static double cpu_ratio(const Sample *sample)
{
    return (sample->skein.client_cpu_s + sample->skein.server_cpu_s) /
           (sample->limit.client_cpu_s + sample->limit.server_cpu_s);
}

static double ratio_median(const Sample *samples, unsigned count, double (*ratio)(const Sample *))
{
    double ratios[REPETITIONS_MAX];
    for (unsigned i = 0; i < count; i++) {
        ratios[i] = ratio(&samples[i]);
    }
    qsort(ratios, count, sizeof(ratios[0]), double_compare);
    return count % 2 == 1 ? ratios[count / 2] : (ratios[count / 2 - 1] + ratios[count / 2]) / 2;
}

static void cost_print(const char *whose, const Cost *cost)
{
    printf("  %s %6.2f s (cpu: client %5.2f, servers %5.2f)", whose, cost->wall_s,
           cost->client_cpu_s, cost->server_cpu_s);
}

static const char *const PHASE_NAMES[] = {
    [PHASE_FIRST] = "first",
    [PHASE_NOOP] = "no-op",
    [PHASE_LATER] = "later",
};
_Static_assert(ARRAY_LEN(PHASE_NAMES) == PHASE_COUNT_, "a name per phase");

static void sample_print(Phase phase, const Sample *sample)
{
    printf("%-5s", PHASE_NAMES[phase]);
    cost_print("limit", &sample->limit);
    cost_print("skein", &sample->skein);
    printf("  ratio %.2f, of cpu %.2f; looks afterwards, cpu %.2f\n", wall_ratio(sample),
           cpu_ratio(sample), sample->look.client_cpu_s + sample->look.server_cpu_s);
    fflush(stdout);
}

/* Paths of the rollout files, one per phase. */
typedef const char *Plans[PHASE_COUNT_];

static void plans_write(Fleet *fleet, const Setup *setup, Plans plans)
{
    FleetPlan plan = { .waves = FLEET_ONE_WAVE };
    plan.strategy = arena_printf(&fleet->arena, "max_parallel: %u, max_parallel_per_host: %u",
                                 setup->per_host * SERVERS, setup->per_host);
    for (int phase = 0; phase < PHASE_COUNT_; phase++) {
        plan.name = PHASE_NAMES[phase];
        plan.to = phase == PHASE_LATER ? "head" : FIRST_TO;
        plans[phase] = fleet_plan_write(fleet, &plan);
    }
}

static void limit_measure(Fleet *fleet, const Setup *setup, Sample *samples)
{
    databases_reset(fleet, setup);
    for (int phase = 0; phase < PHASE_COUNT_; phase++) {
        samples[phase].limit = limit_run(fleet, setup, (Phase)phase);
    }
}

static void skein_measure(Fleet *fleet, const Setup *setup, const Plans plans, Sample *samples)
{
    databases_reset(fleet, setup);
    for (int phase = 0; phase < PHASE_COUNT_; phase++) {
        samples[phase].skein = skein_run(fleet, setup, plans[phase]);
        Cost before = cost_now(fleet, setup);
        sleep(LOOK_SECONDS);
        samples[phase].look = cost_since(fleet, setup, &before);
    }
}

static void medians_print(const Setup *setup, Sample samples[PHASE_COUNT_][REPETITIONS_MAX])
{
    printf("%u databases on %d servers, %u at once per host, median of %u, times the limit:",
           setup->databases * SERVERS, SERVERS, setup->per_host, setup->repetitions);
    for (int phase = 0; phase < PHASE_COUNT_; phase++) {
        printf("%s %s %.2f (of cpu %.2f)", phase == 0 ? "" : ",", PHASE_NAMES[phase],
               ratio_median(samples[phase], setup->repetitions, wall_ratio),
               ratio_median(samples[phase], setup->repetitions, cpu_ratio));
    }
    printf("\n");
}

static void bench(Fleet *fleet, const Setup *setup)
{
    static Sample samples[PHASE_COUNT_][REPETITIONS_MAX];
    Plans plans;
    plans_write(fleet, setup, plans);
    limit_run(fleet, setup, PHASE_FIRST); /* everybody's first connections are slower */
    for (unsigned i = 0; i < setup->repetitions; i++) {
        Sample now[PHASE_COUNT_];
        /* Some file systems make files the slower the more have just been
         * removed: in turn, first. */
        if (i % 2 == 0) {
            limit_measure(fleet, setup, now);
            skein_measure(fleet, setup, plans, now);
        } else {
            skein_measure(fleet, setup, plans, now);
            limit_measure(fleet, setup, now);
        }
        for (int phase = 0; phase < PHASE_COUNT_; phase++) {
            samples[phase][i] = now[phase];
            sample_print((Phase)phase, &now[phase]);
        }
    }
    medians_print(setup, samples);
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
