/* Tools beside skein. */
#include "tests/integration/peers/peer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "common/str.h"
#include "tests/patience.h"

/* ---- programs ---- */

void peer_programs(void)
{
    AUTO(Arena) arena = { 0 };
    const char *path = getenv("PATH");
    setenv("PATH", arena_printf(&arena, SKEIN_PEERS_BIN ":%s", path == NULL ? "" : path), 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("SQITCH_FULLNAME", "Ada", 1);
    setenv("SQITCH_EMAIL", "ada@example.org", 1);
}

/* The tools come as the role that skein comes as: what the one makes, the other reads and writes.
 * To a role named skein "$user" is the schema of skein's own tables, where no tool has anything to
 * look for. graphile-migrate makes a database of its own beside the one that it is for. */
int peer_suite_begin(void **state)
{
    peer_programs();
    int code = suite_begin(state);
    pg_cluster_run(suite_cluster(), "postgres",
                   "ALTER ROLE " PG_CLUSTER_ROLE " CREATEDB;"
                   "ALTER ROLE " PG_CLUSTER_ROLE " SET search_path = public");
    return code;
}

static bool program_exists(const char *program)
{
    AUTO(Arena) arena = { 0 };
    char *rest = arena_strdup(&arena, getenv("PATH"));
    for (char *folder = NULL; (folder = strsep(&rest, ":")) != NULL;) {
        if (access(arena_printf(&arena, "%s/%s", folder, program), X_OK) == 0) {
            return true;
        }
    }
    return false;
}

void peer_needs(const char *program)
{
    if (!program_exists(program)) {
        print_message("skipped: there is no %s here (tests/peers/install, deploy/packages test)\n",
                      program);
        skip();
    }
}

const char *peer_says(World *world, const char *line)
{
    Outcome outcome = run_program(world, line);
    if (outcome.exit_code != 0) {
        fail_msg("%s: exit code %d\n%s%s", line, outcome.exit_code, outcome.out, outcome.err);
    }
    return outcome.out;
}

/* ---- dumps ---- */

/* pg_dump writes a random word into these. */
static bool is_random(const char *line)
{
    return str_starts_with(line, "\\restrict ") || str_starts_with(line, "\\unrestrict ");
}

#define NOT_OF_THE_TOOLS                                                                           \
    "-N skein -N sqitch -N graphile_migrate -T schema_migrations -T alembic_version"               \
    " -T pgmigrations*"

const char *peer_dump(World *world)
{
    AUTO(Str) kept = { 0 };
    const char *dump = peer_says(
        world, arena_printf(&world->arena, "pg_dump -s " NOT_OF_THE_TOOLS " -d %s", world->url));
    char *rest = arena_strdup(&world->arena, dump);
    for (char *line = NULL; (line = strsep(&rest, "\n")) != NULL;) {
        if (!is_random(line)) {
            str_printf(&kept, "%s\n", line);
        }
    }
    return arena_strdup(&world->arena, str_text(&kept));
}

void assert_same_dump(const char *wanted, const char *got)
{
    const char *line = wanted;
    for (size_t i = 0; wanted[i] == got[i]; i++) {
        if (wanted[i] == '\0') {
            return;
        }
        if (wanted[i] == '\n') {
            line = wanted + i + 1;
        }
    }
    const char *other = got + (line - wanted);
    fail_msg("wanted: %.*s\ngot:    %.*s", (int)strcspn(line, "\n"), line,
             (int)strcspn(other, "\n"), other);
}

/* ---- two at once ---- */

static PGconn *gate_close(World *world)
{
    PGconn *gate = PQconnectdb(world->connection);
    PQclear(PQexec(gate, "BEGIN"));
    PGresult *result = PQexec(gate, "LOCK TABLE gate IN ACCESS EXCLUSIVE MODE");
    assert_string_equal(PQresultErrorMessage(result), "");
    PQclear(result);
    return gate;
}

static void await_waiting(World *world, unsigned count)
{
    const char *sql = arena_printf(&world->arena,
                                   "SELECT count(*) >= %u FROM pg_locks WHERE NOT granted AND"
                                   " relation = 'gate'::regclass",
                                   count);
    pg_cluster_await(world->cluster, world->database, sql, PATIENCE_MS);
}

Race peer_race(World *world, const char *first, const char *second)
{
    PGconn *gate = gate_close(world);
    Running one = program_begin(world, first);
    await_waiting(world, 1);
    Running two = program_begin(world, second);
    await_waiting(world, 2);
    PQfinish(gate);
    Race race = { .first = run_end(world, one) };
    race.second = run_end(world, two);
    return race;
}

void assert_came_second(const Outcome *outcome, const char *name)
{
    AUTO(Arena) arena = { 0 };
    const char *failed = arena_printf(&arena, "relation \"%s\" already exists", name);
    bool is_so =
        strstr(outcome->err, failed) != NULL || strstr(outcome->err, " has applied ") != NULL;
    if (outcome->exit_code == 0 || !is_so) {
        fail_msg("exit code %d\n%s--- wanted\n%s", outcome->exit_code, outcome->err, failed);
    }
}
