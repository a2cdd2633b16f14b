/* skein repair beside a tool whose table is mirrored: docs/repair.md, "Beside another tool". */
#include "tests/integration/cli/cli_world.h"

#include "common/str.h"

#define ROWS "CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
#define ROW(version) "INSERT INTO schema_migrations VALUES ('" version "');"
#define GOLANG                                                                                     \
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
#define GONE(version) "DELETE FROM schema_migrations WHERE version = '" version "';"

static void put_one(World *world, const char *id)
{
    const char *table = id + 5; /* behind "0001_" */
    put_migration(world, id, arena_printf(&world->arena, "CREATE TABLE %s (id int);\n", table),
                  arena_printf(&world->arena, "DROP TABLE %s;\n", table));
}

static void put_two(World *world)
{
    put_one(world, "0001_users");
    put_one(world, "0002_posts");
}

static void change(World *world, const char *sql)
{
    pg_cluster_run(world->cluster, world->database, sql);
}

static const char *line(World *world, const char *words, const char *tool)
{
    return arena_printf(&world->arena, "%s --mirror %s", words, tool);
}

/* ---- one verdict ---- */

/* What is so before both are asked; `before` runs with the mirror at work, the directory has two.
 */
typedef struct Verdict {
    const char *tool;
    const char *table;
    const char *before; /* done by skein; NULL: nothing yet */
    const char *then;   /* done by others; NULL: nothing */
    const char *up;     /* of `up --mirror`'s refusal; NULL: it goes on */
    const char *repair; /* of what `repair --mirror` says */
} Verdict;

static const Verdict VERDICTS[] = {
    { "dbmate", ROWS, "up --mirror dbmate", NULL, NULL, "nothing is wrong" },
    { "dbmate", ROWS, NULL, NULL, NULL, "nothing is wrong" },
    { "dbmate", ROWS, "up", NULL, "dbmate does not have it", "0001_users: tool-behind" },
    { "dbmate", ROWS, "up --mirror dbmate", GONE("0002"), "dbmate had 0002_posts here",
      "0002_posts: tool-undone" },
    { "dbmate", ROWS, "up --to 1 --mirror dbmate", ROW("0002"), "skein's history does not have it",
      "0002_posts: tool-ahead" },
    { "dbmate", ROWS, NULL, ROW("0001") ROW("0002"), "skein's history does not have it",
      "0001_users: tool-ahead" },
    { "dbmate", ROWS, "up --to 1 --mirror dbmate", GONE("0001") ROW("0002"), "dbmate",
      "0002_posts: tool-ahead" },
    { "dbmate", ROWS, "up --mirror dbmate", ROW("0009"), "dbmate has applied 0009 here",
      "dbmate has applied 0009 here" },
    { "dbmate", ROWS, "up --mirror dbmate", "DROP TABLE schema_migrations", "there is none here",
      "tool-table" },
    { "golang-migrate", ROWS, NULL, NULL, "is not one that golang-migrate makes", "tool-table" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate", NULL, NULL, "nothing is wrong" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate",
      "UPDATE schema_migrations SET dirty = true", "version 2 is dirty", "0002_posts: tool-fault" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate",
      "UPDATE schema_migrations SET version"
      " = 9, dirty = true",
      "version 9 is dirty", "version 9 is dirty" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate",
      "UPDATE schema_migrations SET version"
      " = 9",
      "golang-migrate has applied 9 here", "golang-migrate has applied 9 here" },
    { "golang-migrate", GOLANG, "up --to 1 --mirror golang-migrate",
      "UPDATE schema_migrations SET version = 2", "skein's history does not have it",
      "0002_posts: tool-ahead" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate",
      "UPDATE schema_migrations SET version = 1", "golang-migrate had 0002_posts here",
      "0002_posts: tool-undone" },
};

static void assert_verdict(World *world, const Verdict *verdict)
{
    change(world, verdict->table);
    if (verdict->before != NULL) {
        run_json(world, verdict->before, 0);
    }
    if (verdict->then != NULL) {
        change(world, verdict->then);
    }
    bool is_held = verdict->up != NULL;
    assert_program(world, line(world, "skein repair", verdict->tool), is_held ? 6 : 0,
                   verdict->repair);
    if (is_held) {
        assert_refusal(world, line(world, "up", verdict->tool), 3, verdict->up);
        assert_refusal(world, line(world, "up --dry-run", verdict->tool), 3, verdict->up);
    } else {
        run_json(world, line(world, "up", verdict->tool), 0);
    }
}

static void repair_finds_wrong_what_up_refuses_and_nothing_else(void **state)
{
    World *world = *state;
    put_two(world);
    for (size_t i = 0; i < ARRAY_LEN(VERDICTS); i++) {
        assert_verdict(world, &VERDICTS[i]);
        new_database(world);
    }
}

/* Without --mirror it is said, and on nobody's way. */
static void what_a_tool_that_is_not_mirrored_says_keeps_nothing_from_going_on(void **state)
{
    World *world = *state;
    put_two(world);
    change(world, ROWS ROW("0009"));
    assert_program(world, "skein repair", 0, "nothing is wrong");
    change(world, "DROP TABLE schema_migrations;" GOLANG
                  "INSERT INTO schema_migrations VALUES (9, false)");
    assert_program(world, "skein repair", 0, "tool-strange");
    run_json(world, "up", 0);
}

/* ---- each choice, and the tool's rows ---- */

#define OF_ROWS "SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations"
#define OF_GOLANG "SELECT string_agg(version || ' ' || dirty, ', ') FROM schema_migrations"
#define GOOSE                                                                                      \
    "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL,"            \
    " is_applied boolean NOT NULL, tstamp timestamp DEFAULT now());"                               \
    "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true);"
#define OF_GOOSE                                                                                   \
    "SELECT string_agg(version_id::text, ' ' ORDER BY version_id) FROM goose_db_version"
#define DIESEL                                                                                     \
    "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL,"           \
    " run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);"
#define OF_DIESEL "SELECT string_agg(version, ' ' ORDER BY version) FROM __diesel_schema_migrations"
#define NODE                                                                                       \
    "CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on"         \
    " timestamp NOT NULL);"
#define OF_NODE "SELECT string_agg(name, ' ' ORDER BY run_on, id) FROM pgmigrations"

/* Three are applied, the second of which has another name then, or is gone. */
typedef struct Cell {
    const char *tool;
    const char *table;
    const char *look;
    const char *now; /* what 0002_posts is called; NULL: it is gone */
    const char *choice;
    const char *told;  /* of look, after the choice */
    const char *after; /* of look, after an up */
} Cell;

static const Cell CELLS[] = {
    { "dbmate", ROWS, OF_ROWS, "0004_posts", "rename", "0001 0003 0004", "0001 0003 0004" },
    { "dbmate", ROWS, OF_ROWS, "0002_news", "rename", "0001 0002 0003", "0001 0002 0003" },
    { "dbmate", ROWS, OF_ROWS, "0004_posts", "forget", "0001 0003", "0001 0003 0004" },
    { "dbmate", ROWS, OF_ROWS, NULL, "forget", "0001 0003", "0001 0003" },
    { "golang-migrate", GOLANG, OF_GOLANG, "0004_posts", "rename", "4 false", "4 false" },
    { "golang-migrate", GOLANG, OF_GOLANG, "0002_news", "rename", "3 false", "3 false" },
    { "golang-migrate", GOLANG, OF_GOLANG, "0004_posts", "forget", "3 false", "4 false" },
    { "golang-migrate", GOLANG, OF_GOLANG, NULL, "forget", "3 false", "3 false" },
    { "goose", GOOSE, OF_GOOSE, "0004_posts", "rename", "0 1 3 4", "0 1 3 4" },
    { "goose", GOOSE, OF_GOOSE, "00002_news", "rename", "0 1 2 3", "0 1 2 3" },
    { "goose", GOOSE, OF_GOOSE, NULL, "forget", "0 1 3", "0 1 3" },
    { "diesel", DIESEL, OF_DIESEL, "0004_posts", "rename", "0001 0003 0004", "0001 0003 0004" },
    { "diesel", DIESEL, OF_DIESEL, "0004_posts", "forget", "0001 0003", "0001 0003 0004" },
    { "node-pg-migrate", NODE, OF_NODE, "0002_news", "rename", "0001_users 0002_news 0003_likes",
      "0001_users 0002_news 0003_likes" },
    { "node-pg-migrate", NODE, OF_NODE, "0004_posts", "forget", "0001_users 0003_likes",
      "0001_users 0003_likes 0004_posts" },
    { "node-pg-migrate", NODE, OF_NODE, NULL, "forget", "0001_users 0003_likes",
      "0001_users 0003_likes" },
};

static const char POSTS[] = "CREATE TABLE posts (id int);\n";

static void make_cell(World *world, const Cell *cell)
{
    change(world, cell->table);
    put_one(world, "0001_users");
    put_migration(world, "0002_posts", POSTS, NULL);
    put_one(world, "0003_likes");
    run_json(world, line(world, "up", cell->tool), 0);
    remove_migration(world, "0002_posts");
    if (cell->now != NULL) {
        put_migration(world, cell->now, POSTS, NULL);
    }
}

static void assert_at_one(World *world, const char *tool)
{
    assert_program(world, line(world, "skein repair", tool), 0, "nothing is wrong");
    run_json(world, line(world, "up", tool), 0);
}

static void assert_cell(World *world, const Cell *cell)
{
    const char *choose = arena_printf(&world->arena, "repair --%s 0002_posts --yes", cell->choice);
    make_cell(world, cell);
    assert_refusal(world, line(world, "up", cell->tool), 3, "0002_posts");
    run_json(world, line(world, choose, cell->tool), 0);
    assert_ask(world, cell->look, cell->told);
    if (str_equal(cell->choice, "forget")) {
        change(world, "DROP TABLE posts");
    }
    assert_at_one(world, cell->tool);
    assert_ask(world, cell->look, cell->after);
}

static void a_choice_about_a_row_is_told_of_the_tools_own_row_of_it(void **state)
{
    World *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(CELLS); i++) {
        assert_cell(world, &CELLS[i]);
        if (CELLS[i].now != NULL) {
            remove_migration(world, CELLS[i].now);
        }
        new_database(world);
    }
}

/* Its one row says where it stands: the newest that is left. */
static void golang_migrates_one_row_goes_back_to_what_is_left(void **state)
{
    World *world = *state;
    static const struct {
        const char *now;
        const char *choice;
        const char *told;
    } NEWEST[] = {
        { NULL, "forget", "1 false" },
        { "0005_posts", "forget", "1 false" },
        { "0005_posts", "rename", "5 false" },
        { "0002_posts", "rename", "2 false" },
    };
    for (size_t i = 0; i < ARRAY_LEN(NEWEST); i++) {
        change(world, GOLANG);
        put_one(world, "0001_users");
        put_migration(world, "0003_posts", POSTS, NULL);
        run_json(world, "up --mirror golang-migrate", 0);
        remove_migration(world, "0003_posts");
        if (NEWEST[i].now != NULL) {
            put_migration(world, NEWEST[i].now, POSTS, NULL);
        }
        run_json(world,
                 arena_printf(&world->arena, "repair --mirror golang-migrate --%s 0003_posts --yes",
                              NEWEST[i].choice),
                 0);
        assert_ask(world, OF_GOLANG, NEWEST[i].told);
        assert_program(world, "skein repair --mirror golang-migrate", 0, "nothing is wrong");
        if (NEWEST[i].now != NULL) {
            remove_migration(world, NEWEST[i].now);
        }
        new_database(world);
    }
}

/* Between two parts the tool has nothing; with a person's word it has all, or nothing more. */
static void a_word_about_a_whole_migration_is_told(void **state)
{
    World *world = *state;
    static const struct {
        const char *choice;
        const char *told;
    } ROWS_OF[] = { { "applied", "0001 0002" }, { "undone", "0001" } };
    for (size_t i = 0; i < ARRAY_LEN(ROWS_OF); i++) {
        change(world, ROWS);
        put_one(world, "0001_users");
        put_migration(
            world, "0002_parts",
            "ALTER TABLE users ADD w int;\nCREATE INDEX CONCURRENTLY users_w ON users (w);\n"
            "SELECT 1 / 0;\n",
            "SELECT 1;\n");
        assert_refusal(world, "up --mirror dbmate", 1, "22012");
        assert_ask(world, OF_ROWS, "0001");
        run_json(world,
                 arena_printf(&world->arena, "repair --mirror dbmate --%s 0002_parts --yes",
                              ROWS_OF[i].choice),
                 0);
        assert_ask(world, OF_ROWS, ROWS_OF[i].told);
        assert_program(world, "skein repair --mirror dbmate", 0, "nothing is wrong");
        new_database(world);
    }
}

/* ---- rows that say what the file is ---- */

#define FLYWAY                                                                                     \
    "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50),"     \
    " description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT"      \
    " NULL, checksum integer, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL" \
    " DEFAULT now(), execution_time integer NOT NULL, success boolean NOT NULL);"
#define OF_FLYWAY                                                                                  \
    "SELECT string_agg(concat_ws(' ', version, description, script, checksum), ', ' ORDER BY"      \
    " installed_rank) FROM flyway_schema_history"
#define FLYWAY_1 "1 users V1__users.sql 78787420, "
#define FLYWAY_3 "3 likes V3__likes.sql 914641374"
#define PRISMA                                                                                     \
    "CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY NOT NULL,"                        \
    " checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT"     \
    " NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now()," \
    " applied_steps_count integer NOT NULL DEFAULT 0);"
#define OF_PRISMA                                                                                  \
    "SELECT string_agg(concat_ws(' ', migration_name, left(checksum, 7)), ', ' ORDER BY"           \
    " started_at) FROM _prisma_migrations"

#define PRISMA_1 "1_users b4e0497, "
#define PRISMA_3 "3_likes fa4a715"

/* The second of three files, as skein's history calls it, and what becomes of it. */
typedef struct FileCell {
    const char *tool;
    const char *table;
    const char *files[3];
    const char *id;
    const char *look;
    const char *now; /* its file; NULL: it is gone */
    const char *text;
    const char *choice;
    const char *told;
} FileCell;

#define OF_TOOL_FLYWAY                                                                             \
    "flyway", FLYWAY, { "V1__users.sql", "V2__posts.sql", "V3__likes.sql" }, "V2__posts", OF_FLYWAY
#define OF_TOOL_PRISMA                                                                             \
    "prisma", PRISMA,                                                                              \
        { "1_users/migration.sql", "2_posts/migration.sql", "3_likes/migration.sql" }, "2_posts",  \
        OF_PRISMA

static const FileCell FILE_CELLS[] = {
    { OF_TOOL_FLYWAY, "V2__posts.sql", "SELECT 22;\n", "accept",
      FLYWAY_1 "2 posts V2__posts.sql -766202795, " FLYWAY_3 },
    { OF_TOOL_FLYWAY, "V2__news.sql", "SELECT 2;\n", "rename",
      FLYWAY_1 "2 news V2__news.sql 798974111, " FLYWAY_3 },
    { OF_TOOL_FLYWAY, "V4__posts.sql", "SELECT 2;\n", "rename",
      FLYWAY_1 "4 posts V4__posts.sql 798974111, " FLYWAY_3 },
    { OF_TOOL_FLYWAY, "V4__posts.sql", "SELECT 2;\n", "forget", FLYWAY_1 FLYWAY_3 },
    { OF_TOOL_FLYWAY, NULL, NULL, "forget", FLYWAY_1 FLYWAY_3 },
    { OF_TOOL_PRISMA, "2_posts/migration.sql", "SELECT 22;\n", "accept",
      PRISMA_1 "2_posts e690a2e, " PRISMA_3 },
    { OF_TOOL_PRISMA, "2_news/migration.sql", "SELECT 2;\n", "rename",
      PRISMA_1 "2_news a41109d, " PRISMA_3 },
    { OF_TOOL_PRISMA, "4_posts/migration.sql", "SELECT 2;\n", "forget", PRISMA_1 PRISMA_3 },
    { OF_TOOL_PRISMA, NULL, NULL, "forget", PRISMA_1 PRISMA_3 },
};

static void put_files(World *world, const FileCell *cell)
{
    static const char *const TEXTS[] = { "SELECT 1;\n", "SELECT 2;\n", "SELECT 3;\n" };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        put_history_file(world, cell->files[i], TEXTS[i]);
    }
}

static void assert_file_cell(World *world, const FileCell *cell)
{
    change(world, cell->table);
    put_files(world, cell);
    run_json(world, line(world, "up", cell->tool), 0);
    remove_history_file(world, cell->files[1]);
    if (cell->now != NULL) {
        put_history_file(world, cell->now, cell->text);
    }
    run_json(world,
             line(world,
                  arena_printf(&world->arena, "repair --%s %s --yes", cell->choice, cell->id),
                  cell->tool),
             0);
    assert_ask(world, cell->look, cell->told);
    assert_at_one(world, cell->tool);
}

static void what_a_row_says_of_a_file_is_made_so(void **state)
{
    World *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(FILE_CELLS); i++) {
        assert_file_cell(world, &FILE_CELLS[i]);
        for (size_t j = 0; j < ARRAY_LEN(FILE_CELLS[i].files); j++) {
            remove_history_file(world, FILE_CELLS[i].files[j]);
        }
        if (FILE_CELLS[i].now != NULL) {
            remove_history_file(world, FILE_CELLS[i].now);
        }
        new_database(world);
    }
}

/* ---- what a tool has not brought to an end ---- */

#define ATLAS                                                                                          \
    "CREATE SCHEMA atlas_schema_revisions; CREATE TABLE atlas_schema_revisions.atlas_schema_revisions" \
    " (version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2,"     \
    " applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0,"                             \
    " executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text,"                   \
    " error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL);"
#define ATLAS_ROW(applied, error)                                                                  \
    "INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('1', 'a', 2, " applied      \
    ", 3, now(), 1, " error ", NULL, 'w0aY6RSdLQ4/OgIVB3cjiQwWvTxFbxJcXBBa6K1Mc9I=', NULL, 'v')"
#define FLYWAY_ROW(version, type, script)                                                          \
    "INSERT INTO flyway_schema_history VALUES (9, " version ", 'd', '" type "', '" script          \
    "', 0, 'ann', now(), 1, false)"
#define PRISMA_ROW(finished, rolled_back)                                                          \
    "INSERT INTO _prisma_migrations VALUES ('i', 'c', " finished ", '1_users', NULL, " rolled_back \
    ", now(), 0);"
#define GOLANG_ROW(version) "INSERT INTO schema_migrations VALUES (" version ", true)"
#define GOOSE_ROW(applied)                                                                         \
    "INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, " applied ");"

#define PAIR                                                                                       \
    {                                                                                              \
        "0001_users.up.sql", "0001_users.down.sql"                                                 \
    }
#define OF_V1                                                                                      \
    {                                                                                              \
        "V1__users.sql", "R__view.sql"                                                             \
    }
#define SUM                                                                                        \
    "h1:AmbWciqiTEZRY66UzF1w/fgHLNLp5AQWth1RxlHVVYI=\n1_a.sql "                                    \
    "h1:w0aY6RSdLQ4/OgIVB3cjiQwWvTxFbxJcXBBa6K1Mc9I=\n"

/* A table as the tool leaves it, and the words for it; none where that is the tool's way to say
 * that it is not applied. */
typedef struct Broken {
    const char *tool;
    const char *files[2];
    const char *texts[2];
    const char *table;
    const char *row;
    const char *words; /* NULL: nothing is wrong */
} Broken;

#define TWO                                                                                        \
    {                                                                                              \
        "SELECT 1;\n", "SELECT 2;\n"                                                               \
    }

static const Broken BROKEN[] = {
    { "flyway", OF_V1, TWO, FLYWAY, FLYWAY_ROW("'1'", "SQL", "V1__users.sql"),
      "V1__users has failed, and may be there in part: clear that away, then `flyway repair`" },
    { "flyway", OF_V1, TWO, FLYWAY, FLYWAY_ROW("NULL", "SQL", "R__view.sql"),
      "R__view has failed, and may be there in part" },
    { "flyway", OF_V1, TWO, FLYWAY, FLYWAY_ROW("'1'", "UNDO_SQL", "U1__users.sql"),
      "U1__users has failed, and may be there in part" },
    { "golang-migrate", PAIR, TWO, GOLANG, GOLANG_ROW("1"), "version 1 is dirty: its up, or" },
    { "golang-migrate", PAIR, TWO, GOLANG, GOLANG_ROW("-1"), "version -1 is dirty" },
    { "prisma",
      { "1_users/migration.sql", "2_posts/migration.sql" },
      TWO,
      PRISMA,
      PRISMA_ROW("NULL", "NULL"),
      "then `prisma migrate resolve` with --applied or --rolled-back" },
    { "prisma",
      { "1_users/migration.sql", "2_posts/migration.sql" },
      TWO,
      PRISMA,
      PRISMA_ROW("NULL", "now()"),
      NULL },
    { "atlas",
      { "1_a.sql", "atlas.sum" },
      { "CREATE TABLE a (i int);\n", SUM },
      ATLAS,
      ATLAS_ROW("1", "NULL"),
      "version 1 stopped at statement 1 of 3: mend what stopped it, and" },
    { "atlas",
      { "1_a.sql", "atlas.sum" },
      { "CREATE TABLE a (i int);\n", SUM },
      ATLAS,
      ATLAS_ROW("3", "'oops'"),
      "version 1 stopped at statement 3 of 3" },
    { "goose", PAIR, TWO, GOOSE, GOOSE_ROW("true") GOOSE_ROW("false"), NULL },
};

static void assert_broken(World *world, const Broken *broken)
{
    const char *adopt = arena_printf(&world->arena, "adopt --from %s", broken->tool);
    bool is_broken = broken->words != NULL;
    const char *found = is_broken ? "tool-fault" : "nothing is wrong";
    assert_program(world, line(world, "skein repair", broken->tool), is_broken ? 6 : 0, found);
    if (is_broken) {
        assert_program(world, line(world, "skein repair", broken->tool), 6, broken->words);
        assert_refusal(world, line(world, "up", broken->tool), 3, broken->words);
        assert_refusal(world, adopt, 3, broken->words);
        assert_refusal(world, adopt, 3, "bring it to an end with");
    } else {
        run_json(world, adopt, 0);
        run_json(world, line(world, "up", broken->tool), 0);
    }
}

static void what_a_tool_failed_at_is_called_so_and_not_applied(void **state)
{
    World *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(BROKEN); i++) {
        for (size_t j = 0; j < ARRAY_LEN(BROKEN[i].files); j++) {
            put_history_file(world, BROKEN[i].files[j], BROKEN[i].texts[j]);
        }
        change(world, BROKEN[i].table);
        change(world, BROKEN[i].row);
        assert_broken(world, &BROKEN[i]);
        for (size_t j = 0; j < ARRAY_LEN(BROKEN[i].files); j++) {
            remove_history_file(world, BROKEN[i].files[j]);
        }
        new_database(world);
    }
}

static void what_was_set_right_before_a_failure_is_said(void **state)
{
    World *world = *state;
    change(world, ROWS "ALTER TABLE schema_migrations ADD CHECK (version <> '0003')");
    put_two(world);
    put_one(world, "0003_likes");
    run_json(world, "up", 0);
    assert_refusal(world, "repair --mirror dbmate --tell --yes", 1,
                   "0001_users to 0002_posts are set right before it; 0003_likes: ");
    assert_ask(world, OF_ROWS, "0001 0002");
    change(world, "DELETE FROM schema_migrations WHERE version = '0002'");
    assert_refusal(world, "repair --mirror dbmate --tell --yes", 1,
                   "0002_posts is set right before it; 0003_likes: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(repair_finds_wrong_what_up_refuses_and_nothing_else),
        WORLD_TEST(what_a_tool_that_is_not_mirrored_says_keeps_nothing_from_going_on),
        WORLD_TEST(a_choice_about_a_row_is_told_of_the_tools_own_row_of_it),
        WORLD_TEST(golang_migrates_one_row_goes_back_to_what_is_left),
        WORLD_TEST(what_a_row_says_of_a_file_is_made_so),
        WORLD_TEST(what_a_tool_failed_at_is_called_so_and_not_applied),
        WORLD_TEST(what_was_set_right_before_a_failure_is_said),
        WORLD_TEST(a_word_about_a_whole_migration_is_told),
    };
    return WORLD_RUN(tests);
}
