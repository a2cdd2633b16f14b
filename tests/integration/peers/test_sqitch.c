/* skein beside Sqitch, on one database: changes that require others, tags, a change reworked. */
#include "tests/integration/peers/peer.h"

#include <string.h>

#include "common/str.h"

#define BY " Ada <ada@example.org> # Why.\n"

static const char PLAN[] =
    "%syntax-version=1.0.0\n%project=shop\n%uri=https://example.org/shop/\n\n"
    "accounts 2024-01-01T00:00:00Z" BY "email [accounts] 2024-01-02T00:00:00Z" BY
    "@v1 2024-01-03T00:00:00Z" BY "\n"
    "audit [accounts !old:legacy] 2024-01-04T00:00:00Z" BY
    "email [email@v1 audit] 2024-01-05T00:00:00Z" BY "@v2 2024-01-06T00:00:00Z" BY;

/* A line that the plan may end with. */
static const char NOTES[] = "notes [audit accounts@v1] 2024-01-07T00:00:00Z" BY;

static void put_change(World *world, const char *name, const char *deploy, const char *revert,
                       const char *verify)
{
    const struct {
        const char *folder;
        const char *text;
    } files[] = { { "deploy", deploy }, { "revert", revert }, { "verify", verify } };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        put_history_file(world, arena_printf(&world->arena, "%s/%s.sql", files[i].folder, name),
                         files[i].text);
    }
}

static void put_shop(World *world)
{
    put_history_file(world, "sqitch.conf", "[core]\n\tengine = pg\n");
    put_history_file(world, "sqitch.plan", PLAN);
    put_change(world, "accounts",
               "-- Deploy accounts\nBEGIN;\n\\set kind '''a;b'''\n"
               "CREATE TABLE accounts (id bigserial PRIMARY KEY, email text, note text DEFAULT "
               ":kind);\n"
               "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$\n"
               "BEGIN\n    NEW.note := 'it''s; $x$';\n    RETURN NEW;\nEND\n$$;\nCOMMIT;\n",
               "BEGIN;\nDROP FUNCTION touch();\nDROP TABLE accounts;\nCOMMIT;\n",
               "SELECT id, email FROM accounts WHERE false;\n");
    put_change(world, "email@v1", "CREATE INDEX CONCURRENTLY accounts_email ON accounts (email);\n",
               "DROP INDEX CONCURRENTLY accounts_email;\n", "SELECT 'accounts_email'::regclass;\n");
    put_change(world, "audit",
               "BEGIN;\nCREATE TABLE audit (n int);\nCOPY audit FROM stdin;\n1\n2\n\\.\n"
               "DO $do$ BEGIN EXECUTE $q$ALTER TABLE audit ADD at date$q$; END $do$;\nCOMMIT;\n",
               "BEGIN;\nDROP TABLE audit;\nCOMMIT;\n", "SELECT 1 / count(*) FROM audit;\n");
    put_change(world, "email",
               "DROP INDEX CONCURRENTLY accounts_email;\n"
               "CREATE UNIQUE INDEX CONCURRENTLY accounts_email ON accounts (lower(email));\n",
               "DROP INDEX CONCURRENTLY accounts_email;\n"
               "CREATE INDEX CONCURRENTLY accounts_email ON accounts (email);\n",
               "SELECT 'accounts_email'::regclass;\n");
}

static void put_notes(World *world)
{
    put_history_file(world, "sqitch.plan", arena_printf(&world->arena, "%s%s", PLAN, NOTES));
    put_change(world, "notes", "BEGIN;\n" PEER_PASS_GATE "CREATE TABLE notes (n int);\nCOMMIT;\n",
               "BEGIN;\nDROP TABLE notes;\nCOMMIT;\n", "SELECT n FROM notes;\n");
}

/* Sqitch's own words for the test's database. */
static const char *sqitch(World *world, const char *words)
{
    return arena_printf(&world->arena, "sqitch -C migrations %s db:pg:%s", words,
                        strchr(world->url, '/'));
}

static void assert_sqitch(World *world, const char *words, const char *said)
{
    assert_program(world, sqitch(world, words), 0, said);
}

/* An event of its registry, and what is there of its change; but for who did it, and when. */
#define EVENT                                                                                      \
    "SELECT concat_ws(' ', e.event, e.change, e.requires, e.conflicts, e.tags,"                    \
    " (SELECT string_agg(concat_ws(' ', d.type, d.dependency, k.change), ', ' ORDER BY d)"         \
    "  FROM sqitch.dependencies d LEFT JOIN sqitch.changes k ON k.change_id = d.dependency_id"     \
    "  WHERE d.change_id = e.change_id),"                                                          \
    " (SELECT string_agg(t.tag_id || t.tag || t.note || t.planned_at, ', ')"                       \
    "  FROM sqitch.tags t WHERE t.change_id = e.change_id), c.change_id, c.script_hash, c.note,"   \
    " c.planned_at, c.planner_name, c.planner_email)"                                              \
    " FROM sqitch.events e LEFT JOIN sqitch.changes c USING (change_id)"                           \
    " ORDER BY e.committed_at OFFSET %u LIMIT 1"

static const char *registry(World *world)
{
    AUTO(Str) events = { 0 };
    const char *event = NULL;
    for (unsigned i = 0; event == NULL || event[0] != '\0'; i++) {
        event =
            pg_cluster_ask(world->cluster, world->database, arena_printf(&world->arena, EVENT, i));
        str_printf(&events, "%s\n", event);
    }
    return arena_strdup(&world->arena, str_text(&events));
}

static void each_goes_on_where_the_other_stands(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    peer_says(world, sqitch(world, "deploy --verify --to-change @v1 --target"));
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "2 applied, 2 pending");
    peer_says(world, "skein up --mirror sqitch");
    assert_sqitch(world, "status", "# Name:     email\n# Tag:      @v2\n");
    assert_sqitch(world, "status", "Nothing to deploy (up-to-date)");
    assert_sqitch(world, "verify --target", "Verify successful");
    peer_says(world, "skein down --yes --mirror sqitch");
    assert_sqitch(world, "status", "Undeployed change:\n  * email @v2\n");
    peer_says(world, sqitch(world, "deploy --verify --target"));
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "4 applied, 0 pending");
    peer_says(world, sqitch(world, "revert -y --to @v1 --target"));
    assert_refusal(world, "up --mirror sqitch", 3, "sqitch had audit here and has it no more");
    assert_refusal(world, "up", 3, "sqitch had audit here and has it no more");
    assert_program(world, "skein repair", 6, "audit: tool-undone");
    peer_says(world, "skein adopt --to email");
    peer_says(world, "skein up --mirror sqitch");
    assert_sqitch(world, "verify --target", "Verify successful");
}

static void both_write_the_same_registry_and_the_same_catalog(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    peer_says(world, sqitch(world, "deploy --target"));
    peer_says(world, sqitch(world, "revert -y --to @v1 --target"));
    peer_says(world, sqitch(world, "deploy --target"));
    const char *dump = peer_dump(world);
    const char *wanted = registry(world);
    new_database(world);
    const char *empty = peer_dump(world);
    peer_says(world, sqitch(world, "deploy --to-change accounts --target"));
    peer_says(world, sqitch(world, "revert -y --target"));
    pg_cluster_run(world->cluster, world->database, "TRUNCATE sqitch.events");
    peer_says(world, "skein up --mirror sqitch");
    peer_says(world, "skein down --to email --yes --mirror sqitch");
    peer_says(world, "skein up --mirror sqitch");
    assert_same_dump(dump, peer_dump(world));
    assert_string_equal(registry(world), wanted);
    peer_says(world, "skein down --to empty --yes --mirror sqitch");
    assert_same_dump(empty, peer_dump(world));
    assert_program(world, sqitch(world, "status"), 1, "No changes deployed");
}

static void a_registry_elsewhere_is_found_in_the_settings(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    put_history_file(world, "sqitch.conf",
                     "[core]\n\tengine = pg\n[engine \"pg\"]\n\tregistry = Deploys\n");
    peer_says(world, sqitch(world, "deploy --to-change @v1 --target"));
    peer_says(world, "skein adopt");
    peer_says(world, "skein up --mirror sqitch");
    assert_sqitch(world, "status", "Nothing to deploy (up-to-date)");
    assert_ask(world, "SELECT count(*) FROM \"Deploys\".changes", "4");
}

/* What is no line of the plan any more leaves the registry as a revert would have it. */
static void a_change_that_is_forgotten_leaves_the_registry(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    put_notes(world);
    pg_cluster_run(world->cluster, world->database, "CREATE TABLE gate (i int)");
    peer_says(world, sqitch(world, "deploy --target"));
    peer_says(world, "skein adopt");
    peer_says(world, sqitch(world, "revert -y --to @v2 --log-only --target"));
    const char *wanted = registry(world);
    new_database(world);
    pg_cluster_run(world->cluster, world->database, "CREATE TABLE gate (i int)");
    peer_says(world, sqitch(world, "deploy --target"));
    peer_says(world, "skein adopt");
    put_history_file(world, "sqitch.plan", PLAN);
    assert_refusal(world, "up --mirror sqitch", 3, "notes");
    peer_says(world, "skein repair --mirror sqitch --forget notes --yes");
    assert_string_equal(registry(world), wanted);
    assert_program(world, "skein repair --mirror sqitch", 0, "nothing is wrong");
    assert_sqitch(world, "status", "Nothing to deploy (up-to-date)");
}

static void a_changed_script_is_accepted_in_the_registry_too(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    peer_says(world, sqitch(world, "deploy --to-change @v1 --target"));
    peer_says(world, "skein adopt");
    put_change(world, "accounts", "CREATE TABLE accounts (id bigint, email text);\n",
               "DROP TABLE accounts;\n", "SELECT 1;\n");
    peer_says(world, "skein repair --mirror sqitch --accept accounts --yes");
    peer_says(world, "skein up --mirror sqitch");
    assert_sqitch(world, "check --target", "Check successful");
}

static void a_script_that_was_changed_since_is_not_adopted_in_silence(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    peer_says(world, sqitch(world, "deploy --to-change @v1 --target"));
    put_change(world, "accounts", "CREATE TABLE accounts (id bigint, email text);\n",
               "DROP TABLE accounts;\n", "SELECT 1;\n");
    assert_refusal(world, "adopt", 3, "sqitch has applied accounts as another file than it is now");
    peer_says(world, "skein adopt --changed ignore");
    assert_program(world, sqitch(world, "check --target"), 1, "accounts");
    peer_says(world, "skein repair --mirror sqitch --tell --yes");
    assert_sqitch(world, "check --target", "Check successful");
    pg_cluster_run(world->cluster, world->database,
                   "UPDATE sqitch.changes SET script_hash = change_id; DROP SCHEMA skein CASCADE");
    peer_says(world, "skein adopt");
}

/* ---- several projects in one registry ---- */

#define OF_STALL                                                                                   \
    "SELECT concat_ws(' ', p.uri, p.creator_name = 'skein',"                                       \
    " (SELECT string_agg(change, ' ' ORDER BY committed_at) FROM sqitch.changes c"                 \
    "  WHERE c.project = p.project)) FROM sqitch.projects p WHERE project = 'stall'"

static void put_stall(World *world)
{
    put_history_file(world, "sqitch.plan",
                     "%syntax-version=1.0.0\n%project=stall\n%uri=https://example.org/stall/\n\n"
                     "stalls [shop:accounts] 2024-02-01T00:00:00Z" BY
                     "goods [stalls] 2024-02-02T00:00:00Z" BY);
    put_change(world, "stalls", "CREATE TABLE stalls (n int);\n", "DROP TABLE stalls;\n",
               "SELECT n FROM stalls;\n");
    put_change(world, "goods", "CREATE TABLE goods (n int);\n", "DROP TABLE goods;\n",
               "SELECT n FROM goods;\n");
}

/* The shop is Sqitch's; the stall comes to its registry, by skein alone at first. */
static void a_second_project_comes_to_the_registry(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    peer_says(world, sqitch(world, "deploy --target"));
    const char *shop = registry(world);
    put_stall(world);
    assert_program(world, "skein adopt", 0, "nothing to do");
    assert_program(world, "skein repair --mirror sqitch", 0, "nothing is wrong");
    peer_says(world, "skein up --mirror sqitch --to stalls");
    assert_ask(world, OF_STALL, "https://example.org/stall/ t stalls");
    assert_sqitch(world, "status", "Undeployed change:\n  * goods\n");
    peer_says(world, sqitch(world, "deploy --verify --target"));
    peer_says(world, "skein adopt");
    peer_says(world, "skein down --to empty --yes --mirror sqitch");
    assert_ask(world, OF_STALL, "https://example.org/stall/ t");
    pg_cluster_run(world->cluster, world->database,
                   "DELETE FROM sqitch.events WHERE project = 'stall'");
    assert_string_equal(registry(world), shop);
}

/* One database is one history: what is the shop's is foreign beside the stall's plan. Whoever takes
 * it out of skein's history takes it out of nothing else. */
static void what_is_another_projects_stays_in_the_registry(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    peer_says(world, sqitch(world, "deploy --target"));
    peer_says(world, "skein adopt");
    const char *shop = registry(world);
    put_stall(world);
    assert_refusal(world, "up --mirror sqitch", 3, "is none of these migrations");
    peer_says(world, "skein up --mirror sqitch --missing ignore");
    peer_says(world, "skein repair --mirror sqitch --forget email#2 --yes");
    peer_says(world, "skein down --to empty --yes --mirror sqitch --missing ignore");
    pg_cluster_run(world->cluster, world->database,
                   "DELETE FROM sqitch.events WHERE project = 'stall'");
    assert_string_equal(registry(world), shop);
}

/* Which of them a directory without a project means, nobody can tell. */
static void several_projects_are_not_taken_for_one(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    peer_says(world, sqitch(world, "deploy --target"));
    pg_cluster_run(world->cluster, world->database,
                   "INSERT INTO sqitch.projects VALUES ('stall', NULL, now(), 'a', 'a')");
    remove_history_file(world, "sqitch.plan");
    remove_history_file(world, "sqitch.conf");
    put_migration(world, "0001_users", "SELECT 1;\n", "SELECT 1;\n");
    assert_refusal(world, "adopt --from sqitch", 3,
                   "the registry is of several projects (shop, stall)");
}

/* As `sqitch deploy` refuses it, and before anything is done. */
static void a_project_that_is_anothers_is_refused(void **state)
{
    World *world = *state;
    static const struct {
        const char *change;
        const char *words;
    } ROWS[] = {
        { "INSERT INTO sqitch.projects VALUES ('stall', 'https://other/', now(), 'a', 'a')",
          "project stall is registered with the URI https://other/, and its plan says "
          "https://example.org/stall/" },
        { "DELETE FROM sqitch.projects WHERE project = 'stall';"
          " UPDATE sqitch.projects SET uri = 'https://example.org/stall/'",
          "project shop has the URI of stall, https://example.org/stall/" },
    };
    peer_needs("sqitch");
    put_shop(world);
    peer_says(world, sqitch(world, "deploy --target"));
    put_stall(world);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        pg_cluster_run(world->cluster, world->database, ROWS[i].change);
        assert_program(world, sqitch(world, "deploy --target"), 2, "Cannot register \"stall\"");
        assert_refusal(world, "up --mirror sqitch", 3, ROWS[i].words);
        assert_refusal(world, "adopt", 3, ROWS[i].words);
        assert_ask(world, "SELECT to_regclass('stalls') IS NULL", "t");
    }
}

/* Without a transaction of its own, a change that fails leaves what it had done. */
static void a_change_that_failed_half_way_is_not_applied(void **state)
{
    World *world = *state;
    peer_needs("sqitch");
    put_shop(world);
    put_change(world, "audit", "CREATE TABLE audit (n int);\nSELECT 1 / 0;\n",
               "DROP TABLE audit;\n", "SELECT 1;\n");
    assert_program(world, sqitch(world, "deploy --mode change --target"), 2, "division by zero");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "2 applied, 2 pending");
    assert_program(world, "skein up --mirror sqitch", 1, "relation \"audit\" already exists");
}

/*
 * Sqitch locks its registry while a change is deployed, so it is Sqitch that comes through, whoever
 * was first: skein's lock_timeout ends what neither could end otherwise, as no one session waits
 * for both.
 */
static void race(World *world, bool is_skein_first)
{
    const char *sqitchs = sqitch(world, "deploy --target");
    const char *skeins = "skein up --mirror sqitch";
    pg_cluster_run(world->cluster, world->database, "CREATE TABLE gate (i int)");
    put_shop(world);
    peer_says(world, sqitchs);
    peer_says(world, "skein adopt");
    put_notes(world);
    Race race =
        is_skein_first ? peer_race(world, skeins, sqitchs) : peer_race(world, sqitchs, skeins);
    const Outcome *of_skein = is_skein_first ? &race.first : &race.second;
    const Outcome *of_sqitch = is_skein_first ? &race.second : &race.first;
    assert_int_equal(of_sqitch->exit_code, 0);
    assert_came_second(of_skein, "notes");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "5 applied, 0 pending");
    assert_sqitch(world, "status", "Nothing to deploy (up-to-date)");
}

static void skein_fails_whole_where_sqitch_was_first(void **state)
{
    peer_needs("sqitch");
    race(*state, false);
}

static void skein_gives_way_where_sqitch_comes_second(void **state)
{
    peer_needs("sqitch");
    race(*state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_goes_on_where_the_other_stands),
        WORLD_TEST(both_write_the_same_registry_and_the_same_catalog),
        WORLD_TEST(a_registry_elsewhere_is_found_in_the_settings),
        WORLD_TEST(a_change_that_is_forgotten_leaves_the_registry),
        WORLD_TEST(a_changed_script_is_accepted_in_the_registry_too),
        WORLD_TEST(a_script_that_was_changed_since_is_not_adopted_in_silence),
        WORLD_TEST(a_second_project_comes_to_the_registry),
        WORLD_TEST(what_is_another_projects_stays_in_the_registry),
        WORLD_TEST(several_projects_are_not_taken_for_one),
        WORLD_TEST(a_project_that_is_anothers_is_refused),
        WORLD_TEST(a_change_that_failed_half_way_is_not_applied),
        WORLD_TEST(skein_fails_whole_where_sqitch_was_first),
        WORLD_TEST(skein_gives_way_where_sqitch_comes_second),
    };
    return PEER_RUN(tests);
}
