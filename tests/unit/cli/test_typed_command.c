/* Commands in hints go to the target that the call went to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/typed_command.h"
#include "common/cleanup.h"

static void a_command_gets_what_was_given_and_it_takes_and_does_not_say(void **state)
{
    (void)state;
    static const struct {
        Options options;
        const char *text;
        const char *typed;
    } ROWS[] = {
        { { .schema = "app", .table = "public.moves", .migrations = "db" },
          "take it over: `skein adopt --from dbmate`, or `adopt: dbmate` in a rollout file",
          "take it over: `skein adopt --from dbmate --schema app --migrations db --table "
          "public.moves`, or `adopt: dbmate` in a rollout file" },
        { { .schema = "app", .migrations = "./migrations", .mirror = "dbmate" },
          "`skein repair --mirror goose` and `skein repair --accept 1`",
          "`skein repair --mirror goose --schema app` and `skein repair --accept 1 --schema app "
          "--mirror dbmate`" },
        { { .schema = "two words", .migrations = "./migrations" },
          "`skein status --schema=one`; `skein status`",
          "`skein status --schema=one`; `skein status --schema 'two words'`" },
        { { .database = "postgresql://ann:secret@host/shop", .migrations = "db" },
          "`skein history`",
          "`skein history --database URL`" },
        { { .database = "dbname=shop", .schema = "app", .migrations = "db" },
          "`skein rollout retry --failed`, `skein nothing`, `skein up",
          "`skein rollout retry --failed`, `skein nothing`, `skein up --database dbname=shop "
          "--schema app --migrations db" },
        { { .schema = "app", .migrations = "db" }, "no command", "no command" },
        { { .schema = "app", .migrations = "db" }, "", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) out = { 0 };
        typed_commands_write(&ROWS[i].options, ROWS[i].text, &out);
        assert_string_equal(str_text(&out), ROWS[i].typed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_gets_what_was_given_and_it_takes_and_does_not_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
