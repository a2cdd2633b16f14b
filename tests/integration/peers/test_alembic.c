/* skein beside Alembic, on one database: revisions that branch and meet again. */
#include "tests/integration/peers/peer.h"

#include <string.h>

#include "common/str.h"

#define ALEMBIC "alembic -c migrations/alembic.ini "

#define ENV                                                                                        \
    "import os\n"                                                                                  \
    "from alembic import context\n"                                                                \
    "from sqlalchemy import create_engine\n"                                                       \
    "url = os.environ['DATABASE_URL']\n"                                                           \
    "if context.is_offline_mode():\n"                                                              \
    "    context.configure(url=url, literal_binds=True, transaction_per_migration=True%s)\n"       \
    "    with context.begin_transaction():\n"                                                      \
    "        context.run_migrations()\n"                                                           \
    "else:\n"                                                                                      \
    "    with create_engine(url).connect() as connection:\n"                                       \
    "        context.configure(connection=connection, transaction_per_migration=True%s)\n"         \
    "        with context.begin_transaction():\n"                                                  \
    "            context.run_migrations()\n"

#define TABLE ", version_table='Heads', version_table_schema='app'"

/* `parents` as Python writes them; the bodies are indented. */
static void put(World *world, const char *id, const char *parents, const char *up, const char *down)
{
    put_history_file(world, arena_printf(&world->arena, "versions/%s.py", id),
                     arena_printf(&world->arena,
                                  "from alembic import op\n"
                                  "import sqlalchemy as sa\n"
                                  "revision = '%s'\n"
                                  "down_revision = %s\n"
                                  "def upgrade():\n%s"
                                  "def downgrade():\n%s",
                                  id, parents, up, down));
}

/* accounts, from which email and audit branch off. */
static void put_branches(World *world)
{
    put_history_file(world, "alembic.ini", "[alembic]\nscript_location = %(here)s\n");
    put_history_file(world, "env.py", arena_printf(&world->arena, ENV, "", ""));
    put(world, "accounts", "None",
        "    op.create_table('accounts', sa.Column('id', sa.BigInteger, primary_key=True),\n"
        "        sa.Column('email', sa.Text, nullable=False, index=True), sa.Column('name', sa.Text, index=True),\n"
        "        sa.Column('note', sa.Text, server_default='a;b', comment=\"it's; $x$\"))\n"
        "    op.execute('''CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN\n    -- a ; in a comment\n    NEW.note := 'it''s; $x$';\n    RETURN NEW;\nEND\n$$''')\n",
        "    op.execute('DROP FUNCTION touch()')\n    op.drop_table('accounts')\n");
    put(world, "email", "'accounts'",
        "    op.add_column('accounts', sa.Column('verified', sa.Boolean))\n"
        "    with op.get_context().autocommit_block():\n"
        "        op.create_index('accounts_verified', 'accounts', ['verified'],\n"
        "            postgresql_concurrently=True)\n"
        "    op.alter_column('accounts', 'verified', server_default=sa.false())\n",
        "    op.drop_column('accounts', 'verified')\n");
    put(world, "audit", "'accounts'",
        "    table = op.create_table('audit',\n"
        "        sa.Column('kind', sa.Enum('in', \"o'ut\", name='kind')))\n"
        "    op.create_check_constraint('full', 'audit', \"kind::text <> '%'\")\n"
        "    op.bulk_insert(table, [{'kind': 'in'}, {'kind': \"o'ut\"}])\n",
        "    op.drop_table('audit')\n    op.execute('DROP TYPE kind')\n");
}

static void put_merge(World *world)
{
    put(world, "merge", "('email', 'audit')", "    pass\n", "    pass\n");
    put(world, "label", "'merge'",
        "    with op.get_context().autocommit_block():\n"
        "        op.execute(\"ALTER TYPE kind ADD VALUE IF NOT EXISTS 'both'\")\n",
        "    pass\n");
}

static void put_notes(World *world)
{
    put(world, "notes", "'label'",
        "    op.execute('LOCK TABLE gate IN ACCESS EXCLUSIVE MODE')\n"
        "    op.create_table('notes', sa.Column('n', sa.Integer))\n",
        "    op.drop_table('notes')\n");
}

/* Alembic's own: all lines of `wanted`, in whatever order, and no other. */
static void assert_current(World *world, const char *wanted)
{
    const char *said = peer_says(world, ALEMBIC "current");
    bool is_so = strlen(said) == strlen(wanted);
    char *rest = arena_strdup(&world->arena, wanted);
    for (char *line = NULL; is_so && (line = strsep(&rest, "\n")) != NULL;) {
        is_so = strstr(said, line) != NULL;
    }
    if (!is_so) {
        fail_msg("alembic current:\n%s--- wanted\n%s", said, wanted);
    }
}

static void each_goes_on_where_the_other_stands(void **state)
{
    World *world = *state;
    peer_needs("alembic");
    put_branches(world);
    peer_says(world, ALEMBIC "upgrade heads");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "3 applied, 0 pending");
    put_merge(world);
    peer_says(world, "skein up --mirror alembic");
    assert_current(world, "label (head)\n");
    peer_says(world, "skein down --yes --mirror alembic");
    assert_current(world, "merge (mergepoint)\n");
    peer_says(world, ALEMBIC "upgrade heads");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "5 applied, 0 pending");
    peer_says(world, ALEMBIC "downgrade merge");
    assert_refusal(world, "down --yes --mirror alembic", 3,
                   "alembic had label here and has it no more");
    assert_refusal(world, "down --yes", 3, "alembic had label here and has it no more");
    peer_says(world, "skein repair --undone label --yes");
    peer_says(world, "skein up --mirror alembic");
    assert_current(world, "label (head)\n");
}

static void the_heads_are_true_on_every_step_of_the_way_back(void **state)
{
    World *world = *state;
    peer_needs("alembic");
    put_branches(world);
    put_merge(world);
    peer_says(world, ALEMBIC "upgrade heads");
    peer_says(world, "skein adopt");
    const char *const currents[] = {
        "merge (mergepoint)\n", "audit\nemail\n", "audit\n", "accounts (branchpoint)\n", "",
    };
    for (size_t i = 0; i < ARRAY_LEN(currents); i++) {
        peer_says(world, "skein down --yes --mirror alembic");
        assert_current(world, currents[i]);
    }
    peer_says(world, ALEMBIC "upgrade heads");
    assert_current(world, "label (head)\n");
}

/* Of two branches Alembic may have done the one that is printed last. */
static void one_branch_alone_is_adopted_and_the_other_follows(void **state)
{
    World *world = *state;
    peer_needs("alembic");
    put_branches(world);
    put_merge(world);
    const char *const branches[] = { "email", "audit" };
    for (size_t i = 0; i < ARRAY_LEN(branches); i++) {
        new_database(world);
        peer_says(world, arena_printf(&world->arena, ALEMBIC "upgrade %s", branches[i]));
        peer_says(world, "skein adopt");
        peer_says(world, "skein up --mirror alembic");
        assert_current(world, "label (head)\n");
    }
}

static void both_make_the_same_catalog(void **state)
{
    World *world = *state;
    peer_needs("alembic");
    put_branches(world);
    put_merge(world);
    peer_says(world, ALEMBIC "upgrade heads");
    const char *wanted = peer_dump(world);
    assert_ask(world, "SELECT string_agg(kind::text, ' ') FROM audit", "in o'ut");
    new_database(world);
    const char *empty = peer_dump(world);
    peer_says(world, "skein up");
    assert_same_dump(wanted, peer_dump(world));
    assert_ask(world, "SELECT string_agg(kind::text, ' ') FROM audit", "in o'ut");
    peer_says(world, "skein down --to empty --yes");
    assert_same_dump(empty, peer_dump(world));
}

static void a_revision_that_failed_half_way_is_not_applied(void **state)
{
    World *world = *state;
    peer_needs("alembic");
    put_branches(world);
    put(world, "broken", "'email'",
        "    with op.get_context().autocommit_block():\n"
        "        op.execute('CREATE TABLE half (n int)')\n"
        "        op.execute('SELECT 1 / 0')\n",
        "    op.drop_table('half')\n");
    assert_program(world, ALEMBIC "upgrade heads", 1, "division by zero");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "3 applied, 1 pending");
    assert_program(world, "skein up --mirror alembic", 1, "relation \"half\" already exists");
}

/* What Alembic cannot print keeps nobody from the rest, once Alembic itself has applied it. */
static void a_revision_that_asks_the_database_is_applied_by_alembic_and_taken_over(void **state)
{
    World *world = *state;
    peer_needs("alembic");
    put_branches(world);
    put_merge(world);
    put(world, "asks", "'audit'",
        "    kinds = op.get_bind().execute(sa.text('SELECT kind FROM audit')).fetchall()\n"
        "    op.execute(\"COMMENT ON TABLE audit IS '%d'\" % len(kinds))\n",
        "    op.execute('COMMENT ON TABLE audit IS NULL')\n");
    put(world, "merge", "('email', 'asks')", "    pass\n", "    pass\n");
    peer_says(world, ALEMBIC "upgrade audit");
    peer_says(world, "skein adopt");
    assert_program(world, "skein up", 3,
                   "migrations/versions/asks.py:6: alembic cannot print asks as SQL: "
                   "AttributeError: 'NoneType' object has no attribute 'fetchall'");
    assert_program(world, "skein up", 3, "`alembic upgrade asks`");
    peer_says(world, ALEMBIC "upgrade asks");
    peer_says(world, "skein adopt");
    peer_says(world, "skein up --mirror alembic");
    assert_current(world, "label (head)\n");
    assert_ask(world, "SELECT obj_description('audit'::regclass)", "2");
    peer_says(world, "skein repair");
    peer_says(world, "skein down --to audit --yes --mirror alembic");
    assert_current(world, "audit\n");
    assert_program(world, "skein up", 3, "asks is not applied here, and what it does is not known");
}

/* A head on another branch that something depends on is no row of Alembic's table any more. */
static void what_depends_on_another_branch_counts_as_alembic_counts_it(void **state)
{
    World *world = *state;
    peer_needs("alembic");
    put_branches(world);
    put(world, "own", "None\ndepends_on = 'email'\nbranch_labels = 'side'", "    pass\n",
        "    pass\n");
    put(world, "more", "'own'\ndepends_on = 'audit'", "    pass\n", "    pass\n");
    put(world, "last", "'audit'\ndepends_on = 'side'", "    pass\n", "    pass\n");
    peer_says(world, ALEMBIC "upgrade heads");
    peer_says(world, "skein adopt");
    char *ids =
        arena_strdup(&world->arena,
                     pg_cluster_ask(world->cluster, world->database,
                                    "SELECT string_agg(id, ' ' ORDER BY seq) FROM skein.history"));
    new_database(world);
    const char *said[8] = { "" };
    const char *order[8] = { "empty" };
    size_t count = 0;
    for (char *id = NULL; (id = strsep(&ids, " ")) != NULL;) {
        peer_says(world, arena_printf(&world->arena, ALEMBIC "upgrade %s", id));
        order[++count] = id;
        said[count] = peer_says(world, ALEMBIC "current");
    }
    assert_int_equal(count, 6);
    peer_says(world, "skein adopt");
    for (size_t i = count; i > 0; i--) {
        peer_says(world, "skein down --yes --mirror alembic");
        assert_current(world, said[i - 1]);
    }
    for (size_t i = 1; i <= count; i++) {
        peer_says(world,
                  arena_printf(&world->arena, "skein up --to %s --mirror alembic", order[i]));
        assert_current(world, said[i]);
    }
}

/* Its parents stood only in the file that is gone. */
static void a_revision_that_is_forgotten_leaves_the_heads_of_all_branches(void **state)
{
    World *world = *state;
    peer_needs("alembic");
    put_branches(world);
    put(world, "extra", "'email'", "    pass\n", "    pass\n");
    peer_says(world, ALEMBIC "upgrade heads");
    peer_says(world, "skein adopt");
    assert_current(world, "audit (head)\nextra (head)\n");
    remove_history_file(world, "versions/extra.py");
    peer_says(world, "skein repair --mirror alembic --forget extra --yes");
    assert_current(world, "audit (head)\nemail (head)\n");
    assert_program(world, "skein repair --mirror alembic", 0, "nothing is wrong");
    put(world, "merge", "('email', 'audit')", "    pass\n", "    pass\n");
    peer_says(world, ALEMBIC "upgrade heads");
    peer_says(world, "skein adopt");
    remove_history_file(world, "versions/merge.py");
    peer_says(world, "skein repair --mirror alembic --forget merge --yes");
    assert_current(world, "audit (head)\nemail (head)\n");
    peer_says(world, "skein down --to accounts --yes --mirror alembic");
    assert_current(world, "accounts (branchpoint)\n");
}

/* Where env.py says so, and nobody says it again. */
static void a_table_of_another_name_in_another_schema_is_found(void **state)
{
    World *world = *state;
    peer_needs("alembic");
    put_branches(world);
    put_merge(world);
    put_history_file(world, "env.py", arena_printf(&world->arena, ENV, TABLE, TABLE));
    pg_cluster_run(world->cluster, world->database, "CREATE SCHEMA app");
    peer_says(world, ALEMBIC "upgrade merge");
    peer_says(world, "skein adopt");
    peer_says(world, "skein up --mirror alembic");
    assert_ask(world, "SELECT version_num FROM app.\"Heads\"", "label");
}

static void race(World *world, const char *first, const char *second)
{
    pg_cluster_run(world->cluster, world->database, "CREATE TABLE gate (i int)");
    put_branches(world);
    put_merge(world);
    peer_says(world, ALEMBIC "upgrade heads");
    peer_says(world, "skein adopt");
    put_notes(world);
    Race race = peer_race(world, first, second);
    assert_int_equal(race.first.exit_code, 0);
    assert_came_second(&race.second, "notes");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "6 applied, 0 pending");
    assert_current(world, "notes (head)\n");
}

static void skein_fails_whole_where_alembic_was_first(void **state)
{
    peer_needs("alembic");
    race(*state, ALEMBIC "upgrade heads", "skein up --mirror alembic");
}

static void alembic_fails_whole_where_skein_was_first(void **state)
{
    peer_needs("alembic");
    race(*state, "skein up --mirror alembic", ALEMBIC "upgrade heads");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_goes_on_where_the_other_stands),
        WORLD_TEST(the_heads_are_true_on_every_step_of_the_way_back),
        WORLD_TEST(one_branch_alone_is_adopted_and_the_other_follows),
        WORLD_TEST(both_make_the_same_catalog),
        WORLD_TEST(a_revision_that_failed_half_way_is_not_applied),
        WORLD_TEST(a_revision_that_asks_the_database_is_applied_by_alembic_and_taken_over),
        WORLD_TEST(what_depends_on_another_branch_counts_as_alembic_counts_it),
        WORLD_TEST(a_revision_that_is_forgotten_leaves_the_heads_of_all_branches),
        WORLD_TEST(a_table_of_another_name_in_another_schema_is_found),
        WORLD_TEST(skein_fails_whole_where_alembic_was_first),
        WORLD_TEST(alembic_fails_whole_where_skein_was_first),
    };
    return PEER_RUN(tests);
}
