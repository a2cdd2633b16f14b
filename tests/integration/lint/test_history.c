/*
 * Histories that people have: SKEIN_LINT_HISTORY names directories of migrations, split by ":".
 * Every statement of their ups is executed, and what it does is compared with what was told of it.
 * Without the variable there is nothing to do.
 */
#include "tests/integration/lint/lint_server.h"

#include <stdlib.h>
#include <string.h>

#include "cli/source/source.h"

typedef struct Replay {
    PGconn *conn;
    Model *model;
    Arena *arena;
    Str *faults;
    size_t statements;
    size_t compared;
} Replay;

static void replay_statement(Replay *replay, const PlanStatement *statement, const char *name,
                             bool is_transactional)
{
    Tree tree = { 0 };
    Effects effects = { 0 };
    tree_parse(statement->sql, replay->arena, &tree);
    replay->statements++;
    if (!is_transactional || tree.node == NULL) {
        server_run(replay->conn, name, statement->sql);
    } else {
        effects_of(tree.node, replay->model, replay->arena, &effects);
        Sights sights = server_watch(replay->conn, name, statement->sql, "COMMIT", replay->arena);
        server_compare(name, &effects, replay->model, &sights, replay->faults);
        replay->compared++;
    }
    if (tree.node != NULL) {
        model_apply(replay->model, tree.node);
    }
}

static bool runs_in_transaction(const PlanScript *script, size_t index)
{
    for (size_t i = 0; i < script->part_count; i++) {
        if (index < script->parts[i].statement_count) {
            return script->parts[i].is_transactional;
        }
        index -= script->parts[i].statement_count;
    }
    return script->is_transactional;
}

static void replay_history(const char *directory, PGconn *conn, Str *faults)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Model) model = model_new(&arena);
    Replay replay = { conn, model, &arena, faults, 0, 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    if (source_read(directory, &(SourceOptions){ 0 }, &arena, &set, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    for (size_t i = 0; i < set.count; i++) {
        const PlanScript *up = &set.migrations[i].up;
        model_begin(model, i);
        for (size_t j = 0; j < up->count; j++) {
            const char *name = arena_printf(&arena, "%s:%u: %s", set.migrations[i].id,
                                            up->statements[j].line, up->statements[j].kind);
            replay_statement(&replay, &up->statements[j], name, runs_in_transaction(up, j));
        }
    }
    print_message("%s: %zu statements, %zu compared\n", directory, replay.statements,
                  replay.compared);
}

static void histories_do_what_is_told_of_them(void **state)
{
    (void)state;
    const char *directories = getenv("SKEIN_LINT_HISTORY");
    if (directories == NULL) {
        return;
    }
    AUTO(Str) faults = { 0 };
    AUTO(Str) copy = { 0 };
    str_append(&copy, directories);
    char *rest = NULL;
    for (char *at = strtok_r(copy.data, ":", &rest); at != NULL; at = strtok_r(NULL, ":", &rest)) {
        PGconn *conn = server_connect();
        server_run(conn, at, "DROP SCHEMA public CASCADE");
        server_run(conn, at, "CREATE SCHEMA public");
        replay_history(at, conn, &faults);
        PQfinish(conn);
    }
    if (faults.length > 0) {
        print_error("%s", str_text(&faults));
        fail();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histories_do_what_is_told_of_them),
    };
    return cmocka_run_group_tests(tests, server_begin, server_end);
}
