/* cli/target_commands.c: commands of a hint, as they are typed on a target's database. */
#include "support.h"

#include <jansson.h>
#include <string.h>

#include "cli/target_commands.h"
#include "common/json.h"

#define PLAIN                                                                                      \
    "{'shared_schemas': [], 'adopt': null, 'mirror': null, 'table': null, 'table_schema': null,"   \
    " 'out_of_order': 'refuse', 'missing': 'refuse', 'changed': 'refuse'}"
#define ON "  on the host of db1: skein "
#define TENANT " --database dbname=a --schema acme"
#define FOOT                                                                                       \
    "  DIR holds the plan's migrations; say --format and --set as its file does\n"                 \
    "  then skein rollout retry r1 --failed\n"

static json_t *load(const char *text)
{
    AUTO(Str) json = { 0 };
    str_append(&json, text);
    for (char *c = json.data; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_error_t error;
    json_t *value = json_loads(str_text(&json), 0, &error);
    if (value == NULL) {
        fail_msg("%s in %s", error.text, text);
    }
    return value;
}

typedef struct TypedCase {
    const char *settings; /* of the plan; NULL: it is not known */
    const char *hint;
    const char *targets;
    const char *typed;
} TypedCase;

static void check(const TypedCase *row)
{
    AUTO(Str) rollout_text = { 0 };
    AUTO(Str) cluster_text = { 0 };
    AUTO(Str) text = { 0 };
    str_printf(&rollout_text, "{'id': 'r1', 'to': '4_n', 'settings': %s}",
               row->settings == NULL ? "null" : row->settings);
    str_printf(&cluster_text, "{'hint': '%s', 'count': 9, 'targets': [%s]}", row->hint,
               row->targets);
    AUTO_PTR(JsonDocument) rollout = load(str_text(&rollout_text));
    AUTO_PTR(JsonDocument) cluster = load(str_text(&cluster_text));
    target_commands_text(rollout, cluster, &text);
    assert_string_equal(str_text(&text), row->typed);
}

static void what_a_hint_says_to_type_is_written_out_for_the_target(void **state)
{
    (void)state;
    static const TypedCase CASES[] = {
        { PLAIN, "`skein adopt --from dbmate --table ops.m`, or `adopt: dbmate` in a rollout file",
          "'db1/a/acme'",
          ON "adopt --from dbmate --table ops.m" TENANT " --migrations DIR\n" FOOT },
        { PLAIN, "`skein up --mirror none` (`mirror: none`) has done with it", "'db1/a/acme'",
          ON "up --mirror none --to 4_n" TENANT " --migrations DIR\n" FOOT },
        { PLAIN, "`skein baseline 5`", "'db1/a/acme'",
          ON "baseline 5" TENANT " --migrations DIR\n" FOOT },
        { PLAIN, "`skein adopt --from dbmate`; `skein repair --mirror dbmate` shows all",
          "'db1/a/acme'",
          ON "adopt --from dbmate" TENANT " --migrations DIR\n" ON "repair --mirror dbmate" TENANT
             " --migrations DIR\n"
             "  DIR holds the plan's migrations; say --format and --set as its file does\n"
             "  whichever of these it is; then skein rollout retry r1 --failed\n" },
        { PLAIN, "`skein repair` on this database looks", "'db1/a', 'db2/two words/acme'",
          ON "repair --database dbname=a --migrations DIR\n"
             "  on the host of db2: skein repair --database "
             "'dbname='\\''two words'\\''' --schema acme --migrations DIR\n" FOOT },
        { PLAIN, "`skein rollout skip` goes on without it", "'db1/a'", "" },
        { PLAIN, "correct the file", "'db1/a'", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        check(&CASES[i]);
    }
}

/* Typed, it is to do what the rollout would. */
static void a_command_says_what_the_plan_says(void **state)
{
    (void)state;
    static const TypedCase CASES[] = {
        { "{'shared_schemas': ['common', 'ref data'], 'mirror': 'dbmate',"
          " 'table': 'schema_migrations'}",
          "`skein up --to 4_n --missing ignore`", "'db1/a/acme'",
          ON "up --to 4_n --missing ignore" TENANT
             " --shared-schemas 'common,ref data' --migrations DIR --mirror dbmate\n" FOOT },
        { "{'shared_schemas': ['common'], 'mirror': 'dbmate', 'table': 'ops.done'}",
          "`skein up --to 3_m`", "'db1/a'",
          ON
          "up --to 3_m --database dbname=a --migrations DIR --mirror dbmate --table ops.done\n" FOOT },
        { "{'shared_schemas': [], 'mirror': 'none', 'out_of_order': 'apply', 'missing': 'ignore'}",
          "`skein up`", "'db1/a'",
          ON "up --to 4_n --out-of-order apply --missing ignore --database dbname=a"
             " --migrations DIR --mirror none\n" FOOT },
        { "{'shared_schemas': [], 'adopt': 'dbmate', 'table': 'ops.done', 'changed': 'ignore'}",
          "`skein adopt --from dbmate --missing ignore`", "'db1/a'",
          ON "adopt --from dbmate --missing ignore --changed ignore --database dbname=a"
             " --migrations DIR --table ops.done\n" FOOT },
        { "{'shared_schemas': [], 'mirror': 'dbmate', 'table': 'ops.done'}",
          "`skein adopt --from rails`", "'db1/a'",
          ON "adopt --from rails --database dbname=a --migrations DIR\n" FOOT },
        { "{'shared_schemas': [], 'mirror': 'dbmate', 'table': 'ops.done'}",
          "`skein up --mirror none`", "'db1/a'",
          ON "up --mirror none --to 4_n --database dbname=a --migrations DIR\n" FOOT },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        check(&CASES[i]);
    }
}

/* Its name alone would lose the schema in which the directory has it. */
static void a_table_of_the_directory_is_left_to_the_directory(void **state)
{
    (void)state;
    check(&(TypedCase){
        "{'shared_schemas': [], 'mirror': 'diesel', 'table': 'done',"
        " 'table_schema': 'ops'}",
        "`skein up --to 3_m`", "'db1/a'",
        ON "up --to 3_m --database dbname=a --migrations DIR --mirror diesel\n" FOOT });
}

static void of_a_plan_that_is_not_known_it_does_not_seem_whole(void **state)
{
    (void)state;
    check(&(TypedCase){ NULL, "`skein up --to 3_m`", "'db1/a'",
                        ON "up --to 3_m --database dbname=a --migrations DIR\n"
                           "  DIR holds the plan's migrations; say --mirror, --table, "
                           "--shared-schemas, --format and --set as its file does\n"
                           "  then skein rollout retry r1 --failed\n" });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_hint_says_to_type_is_written_out_for_the_target),
        cmocka_unit_test(a_command_says_what_the_plan_says),
        cmocka_unit_test(a_table_of_the_directory_is_left_to_the_directory),
        cmocka_unit_test(of_a_plan_that_is_not_known_it_does_not_seem_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
