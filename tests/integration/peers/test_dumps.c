/*
 * The catalog that skein makes of a history, held against what psql makes of the same statements by
 * the tool's own rules: of tools that do not install here.
 */
#include "tests/integration/peers/peer.h"

#include <string.h>

#include "common/str.h"

#define TABLE                                                                                      \
    "CREATE TABLE accounts (id bigserial PRIMARY KEY, email text, note text DEFAULT 'a;b');\n"     \
    "COMMENT ON TABLE accounts IS E'it\\'s /* no comment';\n"
#define BODY                                                                                       \
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $f$\n"                            \
    "BEGIN\n    -- a ; in a comment\n    NEW.note := $$it's; $x $$;\n    RETURN NEW;\nEND\n$f$;\n" \
    "CREATE FUNCTION one() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"                    \
    "DO $do$ BEGIN EXECUTE $q$CREATE VIEW notes AS SELECT note FROM accounts$q$; END $do$;\n"
#define INDEX "CREATE INDEX CONCURRENTLY accounts_email ON accounts (lower(email));\n"
#define NO_BODY "DROP VIEW notes;\nDROP FUNCTION one();\nDROP FUNCTION touch();\n"
#define NO_INDEX "DROP INDEX CONCURRENTLY accounts_email;\n"
#define NO_TABLE "DROP TABLE accounts;\n"

#define FILES_MAX 8

typedef struct File {
    const char *name;
    const char *text;
} File;

static const struct {
    const char *format;
    File files[FILES_MAX];
    bool has_downs;
} HISTORIES[] = {
    { "golang-migrate",
      { { "1_accounts.up.sql", TABLE },
        { "1_accounts.down.sql", NO_TABLE },
        { "2_email.up.sql", INDEX },
        { "2_email.down.sql", NO_INDEX },
        { "10_body.up.sql", "BEGIN;\r\n" BODY "COMMIT;\r\n" },
        { "10_body.down.sql", NO_BODY } },
      true },
    { "goose",
      { { "1_accounts.sql", "-- +goose Up\n" TABLE "-- +goose Down\n" NO_TABLE },
        { "2_email.sql",
          "-- +goose NO TRANSACTION\n-- +goose Up\n" INDEX "-- +goose Down\n" NO_INDEX },
        { "10_body.sql", "-- +goose Up\n-- +goose StatementBegin\n" BODY
                         "-- +goose StatementEnd\n-- +goose Down\n" NO_BODY } },
      true },
    { "flyway",
      { { "V1__accounts.sql", TABLE },
        { "V1_2__email.sql", INDEX },
        { "V1_10__body.sql", "\xef\xbb\xbf" BODY },
        { "U1__accounts.sql", NO_TABLE },
        { "U1_2__email.sql", NO_INDEX },
        { "U1_10__body.sql", NO_BODY } },
      true },
    { "diesel",
      { { "2024-01-01-000000_accounts/up.sql", TABLE },
        { "2024-01-01-000000_accounts/down.sql", NO_TABLE },
        { "2024-01-02-000000_email/up.sql", INDEX },
        { "2024-01-02-000000_email/down.sql", NO_INDEX },
        { "2024-01-02-000000_email/metadata.toml", "run_in_transaction = false\n" },
        { "2024-01-03-000000_body/up.sql", BODY },
        { "2024-01-03-000000_body/down.sql", NO_BODY } },
      true },
    { "atlas",
      { { "1_accounts.sql", "-- atlas:sum ignore\n\n" TABLE },
        { "2_email.sql", "-- atlas:sum ignore\n-- atlas:txmode none\n\n" INDEX },
        { "3_body.sql", "-- atlas:sum ignore\n\n" BODY },
        { "atlas.sum", "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n" } },
      false },
    { "prisma",
      { { "migration_lock.toml", "provider = \"postgresql\"\n" },
        { "20240101000000_accounts/migration.sql", TABLE },
        { "20240102000000_email/migration.sql", INDEX },
        { "20240103000000_body/migration.sql", BODY } },
      false },
};

static const char *made_by_psql(World *world)
{
    put_file(world, "reference.sql", TABLE INDEX BODY);
    peer_says(world, arena_printf(&world->arena, "psql -qX -v ON_ERROR_STOP=1 -f reference.sql %s",
                                  world->url));
    return peer_dump(world);
}

static void each_format_makes_the_catalog_that_psql_makes(void **state)
{
    World *world = *state;
    peer_needs("psql");
    const char *empty = peer_dump(world);
    const char *wanted = made_by_psql(world);
    for (size_t i = 0; i < ARRAY_LEN(HISTORIES); i++) {
        const char *format = HISTORIES[i].format;
        new_database(world);
        for (const File *file = HISTORIES[i].files; file->name != NULL; file++) {
            put_file(world, arena_printf(&world->arena, "%s/%s", format, file->name), file->text);
        }
        peer_says(world, arena_printf(&world->arena, "skein up --migrations %s", format));
        assert_same_dump(wanted, peer_dump(world));
        if (HISTORIES[i].has_downs) {
            peer_says(world, arena_printf(&world->arena,
                                          "skein down --to empty --yes --migrations %s", format));
            assert_same_dump(empty, peer_dump(world));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_format_makes_the_catalog_that_psql_makes),
    };
    return PEER_RUN(tests);
}
