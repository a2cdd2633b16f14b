/* A database and a directory of migrations for one test of the `skein` program. */
#include "tests/integration/cli/cli_world.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/str.h"

#define WORDS_MAX 32
#define POLL_MS 10
#define OUTPUT_MAX (16u * 1024 * 1024)

static PgCluster *cluster;
static unsigned databases_made;

/* ---- life ---- */

int suite_begin_with(const char *settings)
{
    cluster = pg_cluster_start(settings);
    return 0;
}

int suite_begin(void **state)
{
    (void)state;
    return suite_begin_with(NULL);
}

PgCluster *suite_cluster(void)
{
    return cluster;
}

int scratch_suite_begin(void **state)
{
    int code = suite_begin(state);
    pg_cluster_run(cluster, "postgres", "ALTER ROLE " PG_CLUSTER_ROLE " CREATEDB");
    return code;
}

int suite_end(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

void new_database(World *world)
{
    world->database = arena_printf(&world->arena, "shop_%u", ++databases_made);
    pg_cluster_make_database(cluster, world->database);
    world->connection =
        arena_strdup(&world->arena, pg_cluster_conninfo(cluster, world->database, 0));
    world->url = arena_printf(&world->arena,
                              "postgresql://" PG_CLUSTER_ROLE "@127.0.0.1:%d/%s?sslmode=disable",
                              pg_cluster_port(cluster), world->database);
}

int test_begin(void **state)
{
    World *world = mem_alloc(sizeof(*world));
    *state = world;
    world->cluster = cluster;
    char *directory = arena_strdup(&world->arena, "/tmp/skein-cli-XXXXXX");
    world->directory = mkdtemp(directory);
    mkdir(arena_printf(&world->arena, "%s/migrations", directory), 0755);
    new_database(world);
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

int test_end(void **state)
{
    World *world = *state;
    nftw(world->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    json_decref(world->json);
    arena_done(&world->arena);
    free(world);
    pg_cluster_assert_quiet(cluster);
    return 0;
}

/* ---- migrations ---- */

void put_file(World *world, const char *name, const char *text)
{
    Err err = { 0 };
    char *path = arena_printf(&world->arena, "%s/%s", world->directory, name);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    if (file_write_atomic(path, text, strlen(text), 0644, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

void put_history_file(World *world, const char *name, const char *text)
{
    put_file(world, arena_printf(&world->arena, "migrations/%s", name), text);
}

void put_migration(World *world, const char *id, const char *up, const char *down)
{
    put_history_file(world, arena_printf(&world->arena, "%s.up.sql", id), up);
    if (down != NULL) {
        put_history_file(world, arena_printf(&world->arena, "%s.down.sql", id), down);
    }
}

static const char *migration_path(World *world, const char *id, const char *half)
{
    return arena_printf(&world->arena, "%s/migrations/%s.%s.sql", world->directory, id, half);
}

void remove_migration(World *world, const char *id)
{
    unlink(migration_path(world, id, "up"));
    unlink(migration_path(world, id, "down"));
}

void remove_history_file(World *world, const char *name)
{
    const char *path = arena_printf(&world->arena, "%s/migrations/%s", world->directory, name);
    unlink(path);
    rmdir(arena_strndup(&world->arena, path, (size_t)(strrchr(path, '/') - path)));
}

/* ---- programs ---- */

static void split(World *world, const char *line, const char *words[WORDS_MAX])
{
    size_t count = 0;
    while (*line != '\0') {
        size_t length = strcspn(line, " ");
        assert_true(count + 1 < WORDS_MAX);
        words[count++] = arena_strndup(&world->arena, line, length);
        line += length + strspn(line + length, " ");
    }
    words[count] = NULL;
}

static void become_program(const World *world, const Running *running, const char *const *words)
{
    int null = open("/dev/null", O_RDONLY);
    int out = open(running->out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int err = open(running->err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    if (chdir(world->directory) == 0) {
        setenv("SKEIN_DATABASE_URL", world->connection, 1);
        setenv("DATABASE_URL", world->url, 1);
        setenv("HOME", world->directory, 1);
        execvp(str_equal(words[0], "skein") ? SKEIN_PROGRAM : words[0],
               (char *const *)(uintptr_t)words);
    }
    _exit(127);
}

Running program_begin(World *world, const char *line)
{
    const char *words[WORDS_MAX];
    split(world, line, words);
    unsigned number = world->running_count++;
    Running running = {
        .out_path = arena_printf(&world->arena, "%s/out.%u", world->directory, number),
        .err_path = arena_printf(&world->arena, "%s/err.%u", world->directory, number),
    };
    running.pid = fork();
    assert_true(running.pid >= 0);
    if (running.pid == 0) {
        become_program(world, &running, words);
    }
    return running;
}

Running run_begin(World *world, const char *line)
{
    return program_begin(world, arena_printf(&world->arena, "skein %s", line));
}

static const char *take_file(World *world, const char *path)
{
    AUTO(Str) text = { 0 };
    assert_int_equal(file_read(path, OUTPUT_MAX, &text, NULL), ERR_NONE);
    return arena_strdup(&world->arena, str_text(&text));
}

static bool has_said(const char *path, const char *words)
{
    AUTO(Str) text = { 0 };
    return file_read(path, OUTPUT_MAX, &text, NULL) == ERR_NONE &&
           strstr(str_text(&text), words) != NULL;
}

void run_await(Running running, const char *words)
{
    uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    while (!has_said(running.err_path, words)) {
        if (clock_boot_ms() > deadline_ms) {
            fail_msg("it does not say: %s", words);
        }
        poll(NULL, 0, POLL_MS);
    }
}

Outcome run_end(World *world, Running running)
{
    int status = 0;
    assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
    return (Outcome){
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .out = take_file(world, running.out_path),
        .err = take_file(world, running.err_path),
    };
}

Outcome run(World *world, const char *line)
{
    return run_end(world, run_begin(world, line));
}

Outcome run_program(World *world, const char *line)
{
    return run_end(world, program_begin(world, line));
}

const json_t *run_json(World *world, const char *line, int exit_code)
{
    Outcome outcome = run(world, arena_printf(&world->arena, "%s --output json", line));
    if (outcome.exit_code != exit_code) {
        fail_msg("skein %s: exit code %d\n%s%s", line, outcome.exit_code, outcome.out, outcome.err);
    }
    json_decref(world->json);
    world->json = json_loads(outcome.out, 0, NULL);
    assert_non_null(world->json);
    return world->json;
}

/* ---- what is so ---- */

void assert_run(World *world, const char *line, int exit_code, const char *out)
{
    Outcome outcome = run(world, line);
    if (outcome.exit_code != exit_code || strcmp(outcome.out, out) != 0) {
        fail_msg("skein %s: exit code %d\n%s--- wanted %d\n%s--- standard error\n%s", line,
                 outcome.exit_code, outcome.out, exit_code, out, outcome.err);
    }
}

void assert_refusal(World *world, const char *line, int exit_code, const char *words)
{
    Outcome outcome = run(world, line);
    if (outcome.exit_code != exit_code || strstr(outcome.err, words) == NULL) {
        fail_msg("skein %s: exit code %d\n%s%s--- wanted %d\n%s", line, outcome.exit_code,
                 outcome.out, outcome.err, exit_code, words);
    }
}

void assert_program(World *world, const char *line, int exit_code, const char *words)
{
    Outcome outcome = run_program(world, line);
    bool is_said = strstr(outcome.out, words) != NULL || strstr(outcome.err, words) != NULL;
    if (outcome.exit_code != exit_code || !is_said) {
        fail_msg("%s: exit code %d\n%s%s--- wanted %d\n%s", line, outcome.exit_code, outcome.out,
                 outcome.err, exit_code, words);
    }
}

void assert_ask(World *world, const char *sql, const char *answer)
{
    assert_string_equal(pg_cluster_ask(world->cluster, world->database, sql), answer);
}
