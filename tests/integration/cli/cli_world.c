/* A database and a directory of migrations for one test of the `skein` program. */
#include "tests/integration/cli/cli_world.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "common/str.h"

#define WORDS_MAX 32
#define OUTPUT_MAX (16u * 1024 * 1024)

static PgCluster *cluster;
static unsigned tests_begun;

/* ---- life ---- */

int suite_begin(void **state)
{
    (void)state;
    cluster = pg_cluster_start(NULL);
    return 0;
}

int suite_end(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

int test_begin(void **state)
{
    World *world = mem_alloc(sizeof(*world));
    *state = world;
    world->cluster = cluster;
    world->database = arena_printf(&world->arena, "shop_%u", ++tests_begun);
    char *directory = arena_strdup(&world->arena, "/tmp/skein-cli-XXXXXX");
    world->directory = mkdtemp(directory);
    mkdir(arena_printf(&world->arena, "%s/migrations", directory), 0755);
    pg_cluster_run(cluster, "postgres",
                   arena_printf(&world->arena, "CREATE DATABASE %s", world->database));
    world->connection =
        arena_strdup(&world->arena, pg_cluster_conninfo(cluster, world->database, 0));
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

static const char *migration_path(World *world, const char *id, const char *half)
{
    return arena_printf(&world->arena, "%s/migrations/%s.%s.sql", world->directory, id, half);
}

void put_migration(World *world, const char *id, const char *up, const char *down)
{
    Err err = { 0 };
    ErrCode code = file_write_atomic(migration_path(world, id, "up"), up, strlen(up), 0644, &err);
    if (code == ERR_NONE && down != NULL) {
        code = file_write_atomic(migration_path(world, id, "down"), down, strlen(down), 0644, &err);
    }
    if (code != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

void put_history_file(World *world, const char *name, const char *text)
{
    Err err = { 0 };
    const char *path = arena_printf(&world->arena, "%s/migrations/%s", world->directory, name);
    mkdir(arena_strndup(&world->arena, path, (size_t)(strrchr(path, '/') - path)), 0755);
    if (file_write_atomic(path, text, strlen(text), 0644, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

void remove_migration(World *world, const char *id)
{
    unlink(migration_path(world, id, "up"));
    unlink(migration_path(world, id, "down"));
}

/* ---- the program ---- */

static void split(World *world, const char *line, const char *words[WORDS_MAX])
{
    size_t count = 0;
    words[count++] = "skein";
    while (*line != '\0') {
        size_t length = strcspn(line, " ");
        assert_true(count + 1 < WORDS_MAX);
        words[count++] = arena_strndup(&world->arena, line, length);
        line += length + strspn(line + length, " ");
    }
    words[count] = NULL;
}

static void become_skein(const World *world, const Running *running, const char *const *words)
{
    int null = open("/dev/null", O_RDONLY);
    int out = open(running->out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int err = open(running->err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    if (chdir(world->directory) == 0) {
        setenv("SKEIN_DATABASE_URL", world->connection, 1);
        execv(SKEIN_PROGRAM, (char *const *)(uintptr_t)words);
    }
    _exit(127);
}

Running run_begin(World *world, const char *line)
{
    const char *words[WORDS_MAX];
    split(world, line, words);
    Running running = {
        .out_path = arena_printf(&world->arena, "%s/out", world->directory),
        .err_path = arena_printf(&world->arena, "%s/err", world->directory),
    };
    running.pid = fork();
    assert_true(running.pid >= 0);
    if (running.pid == 0) {
        become_skein(world, &running, words);
    }
    return running;
}

static const char *take_file(World *world, const char *path)
{
    AUTO(Str) text = { 0 };
    assert_int_equal(file_read(path, OUTPUT_MAX, &text, NULL), ERR_NONE);
    return arena_strdup(&world->arena, str_text(&text));
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

void assert_ask(World *world, const char *sql, const char *answer)
{
    assert_string_equal(pg_cluster_ask(world->cluster, world->database, sql), answer);
}
