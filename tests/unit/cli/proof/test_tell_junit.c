/* cli/proof/tell_junit.c: what cannot stand in XML does not. */
#include "tests/unit/cli/support.h"

#include <string.h>

#include "cli/catalog/catalog.h"
#include "cli/proof/tell.h"

static const CatalogKind TABLE = { .noun = "table" };
static const CatalogEntry ODD = { .kind = &TABLE,
                                  .key = "table \"<&>\x01\n\"",
                                  .parent = "",
                                  .origin = "",
                                  .name = "<&>",
                                  .definition = "",
                                  .members = "",
                                  .schema = "public" };

static void names_are_escaped_and_cases_counted(void **state)
{
    (void)state;
    Difference difference = { .how = DIFFERENCE_LEFT, .after = &ODD, .parts = "" };
    PlanMigration migrations[] = { { .id = "0001_a" }, { .id = "0002_\"b\"" } };
    Proved items[] = {
        { .migration = &migrations[0],
          .alone = { .verdict = VERDICT_PROVED },
          .chain = { .verdict = VERDICT_PROVED } },
        { .migration = &migrations[1],
          .alone = { .verdict = VERDICT_WRONG, .undone = { &difference, 1, 1 } },
          .why_not_alone = NULL },
    };
    Proof proof = { .items = items, .count = 2, .schema = "" };
    MigrationSet set = { .migrations = migrations, .count = 2 };
    Told told = { .proof = &proof, .set = &set, .seed_unfit = "" };
    AUTO(Str) text = { 0 };
    tell_junit(&told, &text);
    static const char *const PARTS[] = {
        "<testsuite name=\"alone\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\">\n",
        ("name=\"0002_&quot;b&quot;\"><failure message=\"the down is not the inverse of the up\">"
         "down: table &quot;&lt;&amp;&gt;?&#10;&quot; is left behind"),
        "<testsuite name=\"chain\" tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"1\">\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        if (strstr(str_text(&text), PARTS[i]) == NULL) {
            fail_msg("no %s in\n%s", PARTS[i], str_text(&text));
        }
    }
}

static void a_tenants_history_has_a_suite_more(void **state)
{
    (void)state;
    Difference difference = { .how = DIFFERENCE_LEFT, .after = &ODD, .parts = "" };
    PlanMigration migrations[] = { { .id = "0001_a" } };
    Proved items[] = { {
        .migration = &migrations[0],
        .alone = { .verdict = VERDICT_PROVED },
        .tenant = { .verdict = VERDICT_OUTSIDE, .outside = { &difference, 1, 0 } },
    } };
    Proof proof = { .items = items, .count = 1, .schema = "tenant_1" };
    MigrationSet set = { .migrations = migrations, .count = 1 };
    Told told = { .proof = &proof, .set = &set, .seed_unfit = "", .is_strict = true };
    AUTO(Str) text = { 0 };
    tell_junit(&told, &text);
    assert_non_null(
        strstr(str_text(&text), "<testsuite name=\"tenants\" tests=\"1\" failures=\"1\""));
    assert_non_null(strstr(str_text(&text),
                           "<failure message=\"the up is not the tenant's alone\">up: "
                           "table "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_escaped_and_cases_counted),
        cmocka_unit_test(a_tenants_history_has_a_suite_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
