/* What `skein plan` shows of small histories, one in each format: modes, statements, notes. */
#include "support.h"

#include "cli/plan_view.h"

#define FILES_MAX 10

typedef struct FormatCase {
    const char *format;
    const char *settings; /* lines of the rollout file */
    struct {
        const char *name;
        const char *text;
    } files[FILES_MAX];
} FormatCase;

static const FormatCase CASES[] = {
    { "golang-migrate",
      "",
      { { "1_users.up.sql", "BEGIN;\nCREATE TABLE users (id int);\nCOMMIT;\n" },
        { "1_users.down.sql", "DROP TABLE users;\n" },
        { "2_rows.up.sql", "SET statement_timeout = '1h';\nCOPY users FROM stdin;\n1\n2\n\\.\n"
                           "CREATE INDEX CONCURRENTLY users_id ON users (id);\nANALYZE users;\n" },
        { "2_rows.down.sql", "DROP INDEX CONCURRENTLY users_id;\nTRUNCATE users;\n" },
        { "2_rows.mysql.up.sql", "SELECT `1`" },
        { "10_empty.up.sql", "-- nothing\n" } } },
    { "dbmate",
      "",
      { { "20240101000000_users.sql",
          "-- migrate:up\nCREATE TABLE users (id int);\n\n-- migrate:down\nDROP TABLE users;\n" },
        { "20240102000000_index.sql",
          "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY users_id ON users (id);\n\n"
          "-- migrate:down\nDROP INDEX CONCURRENTLY users_id;\n" },
        { "20240103000000_two.sql", "-- migrate:up\nSELECT 1;\nCOMMIT;\nSELECT 2;\n" } } },
    { "goose",
      "set: { ROLE: app }\n",
      { { "00001_users.sql",
          "-- +goose Up\nCREATE TABLE users (id int);\n-- +goose ENVSUB ON\n"
          "GRANT SELECT ON users TO ${ROLE};\n\n-- +goose Down\nDROP TABLE users;\n" },
        { "00002_index.sql",
          "-- +goose NO TRANSACTION\n-- +goose Up\nSET lock_timeout = 0;\n"
          "CREATE INDEX CONCURRENTLY users_id ON users (id);\n-- +goose StatementBegin\n"
          "UPDATE users SET id = 1; UPDATE users SET id = 2;\n-- +goose StatementEnd\n" } } },
    { "flyway",
      "set: { role: app }\n",
      { { "V1__users.sql", "CREATE TABLE users (id int);\nGRANT SELECT ON users TO ${role};\n" },
        { "U1__users.sql", "DROP TABLE users;\n" },
        { "V1.10__late.sql", "SELECT 10;\n" },
        { "V1.9__index.sql", "CREATE INDEX CONCURRENTLY users_id ON users (id);\n" },
        { "R__view.sql", "CREATE OR REPLACE VIEW all_users AS SELECT * FROM users;\n" },
        { "afterMigrate.sql", "SELECT 1;\n" } } },
    { "diesel",
      "",
      { { "2024-01-01-000000_users/up.sql", "CREATE TABLE users (id int);\n" },
        { "2024-01-01-000000_users/down.sql", "DROP TABLE users;\n" },
        { "20240102000000_index/up.sql", "CREATE INDEX CONCURRENTLY users_id ON users (id);\n" },
        { "20240102000000_index/metadata.toml", "run_in_transaction = false\n" },
        { "2024-01-03-000000_vacuum/up.sql", "VACUUM users;\n" } } },
};

static void put_case(const char *directory, const FormatCase *of, Arena *arena)
{
    for (size_t i = 0; i < FILES_MAX && of->files[i].name != NULL; i++) {
        put_file(directory, arena_printf(arena, "history/%s", of->files[i].name), of->files[i].text,
                 arena);
    }
    put_file(directory, "rollout.yaml",
             arena_printf(arena, "name: x\nmigrations: history\n%s", of->settings), arena);
    assert_int_equal(chdir(directory), 0); /* notes name files as they were found */
}

static void show(void **state, const FormatCase *of)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    PlanAtHand plan;
    Err err = { 0 };
    put_case(*state, of, &arena);
    if (planning_load("rollout.yaml", &arena, &plan, &err) != ERR_NONE) {
        fail_msg("%s: %s", of->format, err.message);
    }
    plan_text(&plan, &text);
    const char *migrations = strstr(str_text(&text), "migrations: ");
    assert_non_null(migrations);
    assert_golden(migrations, arena_printf(&arena, "plan_%s.txt", of->format));
}

/* One test for each row, so that each has a directory of its own. */
#define SHOW(name, index)                                                                          \
    static void name(void **state)                                                                 \
    {                                                                                              \
        show(state, &CASES[index]);                                                                \
    }

SHOW(a_history_of_golang_migrate, 0)
SHOW(a_history_of_dbmate, 1)
SHOW(a_history_of_goose, 2)
SHOW(a_history_of_flyway, 3)
SHOW(a_history_of_diesel, 4)

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_history_of_golang_migrate), IN_DIRECTORY(a_history_of_dbmate),
        IN_DIRECTORY(a_history_of_goose),          IN_DIRECTORY(a_history_of_flyway),
        IN_DIRECTORY(a_history_of_diesel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
