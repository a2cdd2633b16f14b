/* Sqitch's plan and its scripts: what is read, what is refused, and the ids that it gives. */
#include "sandbox.h"

#include "cli/source/sqitch_plan.h"

#define HEAD "%syntax-version=1.0.0\n%project=shop\n%uri=https://example.com/\n\n"
#define ANN " 2024-01-31T12:00:00Z Ann <ann@example.com>"

static void ids_are_not_shown(MigrationSet *set)
{
    for (size_t i = 0; i < set->count; i++) {
        set->migrations[i].version = "v";
    }
}

static void assert_plan(const ReadCase *of)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) got = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_fill(&sandbox, of->files);
    sandbox_read(&sandbox, NULL, &arena, &set, &err);
    assert_case(of->name, without_path(&sandbox, err.message, &arena), "");
    ids_are_not_shown(&set);
    describe(&set, &got);
    assert_case(of->name, str_text(&got), of->set);
}

static void changes_are_read_in_the_plans_order(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "in a transaction of their own making, or in none",
          { { "sqitch.plan",
              HEAD "# why\nusers" ANN "\n+b/posts [users !x]" ANN " # note\n@v1" ANN },
            { "deploy/users.sql", "BEGIN; SELECT 1; SELECT 2; COMMIT;" },
            { "revert/users.sql", "SELECT 1; SELECT 2;" },
            { "deploy/b/posts.sql", "\\set x 1\nSELECT :x;" },
            { "verify/users.sql", "SELECT 1/0;" } },
          "users v users 2/1+1, b/posts v b/posts 1/-" },
        { "a reworked one has its scripts under its tag",
          { { "sqitch.plan", HEAD "a" ANN "\n@v1" ANN "\n@v2" ANN "\na [a@v1]" ANN },
            { "deploy/a@v1.sql", "BEGIN; SELECT 1; COMMIT" },
            { "revert/a@v1.sql", "" },
            { "deploy/a.sql", "BEGIN; SELECT 1; SELECT 2; COMMIT" },
            { "revert/a.sql", "SELECT 1" } },
          "a v a 1/0, a#2 v a 2/1" },
        { "folders, and variables, as sqitch.conf has them",
          { { "sqitch.conf", "[core]\n\tengine = pg\n\ttop_dir = \"db/\" ; why\n[engine \"pg\"]\n"
                             "\trevert_dir = ./back\n[deploy \"variables\"]\n\tn = 1\n" },
            { "db/sqitch.plan", HEAD "a" ANN },
            { "db/deploy/a.sql", "SELECT :'n'" },
            { "back/a.sql", "SELECT :'n'" } },
          "a v a 1/1" },
        { "what holds for the target that is taken when none is named comes first",
          { { "sqitch.conf", "[core]\ntop_dir = db\n[engine \"pg\"]\ntarget = dev\n"
                             "[target \"dev\"]\ntop_dir = there\n[target \"dev.variables\"]\n"
                             "n = 1\n[target \"prod\"]\ntop_dir = db\n" },
            { "there/sqitch.plan", HEAD "a" ANN },
            { "there/deploy/a.sql", "SELECT :'n'" } },
          "a v a 1/-" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_plan(&CASES[i]);
    }
}

#define FORM "Sqitch writes \"NAME [REQUIRED …] 0000-00-00T00:00:00Z PLANNER <E-MAIL> # NOTE\""

static const RefusedCase REFUSED[] = {
    { { { "sqitch.conf", "[core]\nengine = mysql\n" }, { "sqitch.plan", HEAD } },
      ERR_SYNTAX,
      "m/sqitch.conf: a project for the engine \"mysql\"",
      "skein runs those for pg" },
    { { { "sqitch.plan", HEAD "a" } },
      ERR_SYNTAX,
      "m/sqitch.plan:5: neither a change nor a tag",
      FORM },
    { { { "sqitch.plan", "\na" ANN } },
      ERR_SYNTAX,
      "m/sqitch.plan:2: no %project above the first change",
      FORM },
    { { { "sqitch.plan", HEAD "@v1" ANN } },
      ERR_SYNTAX,
      "m/sqitch.plan:5: a tag above the first change",
      FORM },
    { { { "sqitch.plan", HEAD "a" ANN "\nb" ANN "\na" ANN } },
      ERR_SYNTAX,
      "m/sqitch.plan:7: a second change of that name without a tag between them",
      FORM },
    { { { "sqitch.plan", HEAD "a [b]" ANN "\nb" ANN } },
      ERR_SYNTAX,
      "m/sqitch.plan:5: requires b, and no change above it is that",
      "Sqitch refuses the plan for it, too: move the line down" },
    { { { "sqitch.plan", HEAD "a" ANN } },
      ERR_SYNTAX,
      "m/sqitch.plan:5: the change a has no script deploy/a.sql",
      "add it, or take the line out of the plan" },
};

static void what_sqitch_does_not_write_is_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

/* The ids are those that Sqitch 1.3.1 gives to this plan. */
static void ids_are_those_that_sqitch_gives(void **state)
{
    (void)state;
    static const char TEXT[] = HEAD "users" ANN " # two\\nlines \\\\ here\nposts [users !old]" ANN
                                    "\n@v1" ANN " # first\nusers [users@v1 posts]" ANN "\n";
    static const char *const IDS[] = {
        "cf76a382ec9d99912feb98ad2d6794e50ccfd234",
        "c19201e5329be8041995279a9e13ad8f010f43ed",
        "a0385de545bbd1357f183f52033d25baf2b09767",
    };
    AUTO(Arena) arena = { 0 };
    SqitchPlan plan = { 0 };
    Err err = { 0 };
    ScriptInput input = { .file = "f", .bytes = { (const uint8_t *)TEXT, sizeof(TEXT) - 1 } };
    assert_int_equal(sqitch_plan_read(&input, &arena, &plan, &err), ERR_NONE);
    assert_int_equal(plan.count, 3);
    for (size_t i = 0; i < ARRAY_LEN(IDS); i++) {
        assert_string_equal(plan.changes[i].id, IDS[i]);
    }
    assert_string_equal(plan.tags[0].id, "75e49adb830563253c03d1ef6e1e5fc4610bae55");
    assert_ptr_equal(plan.changes[1].tags, &plan.tags[0]);
    assert_string_equal(plan.changes[2].depends[0].id, IDS[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_read_in_the_plans_order),
        cmocka_unit_test(what_sqitch_does_not_write_is_refused),
        cmocka_unit_test(ids_are_those_that_sqitch_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
