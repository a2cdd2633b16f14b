/* cli/args.c: words in, a command with its options out; everything else is an error that helps. */
#include "support.h"

#include "cli/command.h"

#define WORDS_MAX 12

typedef struct Line {
    const char *words[WORDS_MAX];
} Line;

static ErrCode parse(const Line *line, Invocation *invocation, Err *err)
{
    int count = 0;
    while (line->words[count] != NULL) {
        count++;
    }
    return args_parse(count, (char *const *)line->words, invocation, err);
}

/* ---- errors ---- */

typedef struct Refusal {
    Line line;
    const char *message;
    const char *hint;
} Refusal;

static const Refusal REFUSALS[] = {
    { { { "staus" } }, "no command 'staus'", "did you mean skein status?" },
    { { { "rollot", "start" } }, "no command 'rollot'", "did you mean skein rollout?" },
    { { { "key", "show" } }, "no command 'key'", "did you mean skein keys?" },
    { { { "help", "staus" } }, "no command 'staus'", "did you mean skein status?" },
    { { { "rollout", "strat", "x" } },
      "no command 'rollout strat'",
      "did you mean skein rollout start?" },
    { { { "xyzzy" } }, "no command 'xyzzy'", "skein --help lists the commands" },
    { { { "rollout" } },
      "'rollout' needs to be told what to do",
      "skein rollout --help lists what there is" },
    { { { "rollout", "--output", "json" } },
      "'rollout' needs to be told what to do",
      "skein rollout --help lists what there is" },
    { { { "--output", "json", "status" } },
      "'--output' stands where the command should",
      "options come after it: skein COMMAND … --output" },
    { { { "up", "--databse", "x" } },
      "'skein up' has no option '--databse'",
      "did you mean --database?" },
    { { { "up", "--databse=x" } },
      "'skein up' has no option '--databse'",
      "did you mean --database?" },
    { { { "up", "--watch" } },
      "'skein up' has no option '--watch'",
      "skein up --help lists its options" },
    { { { "up", "-t", "1" } }, "'skein up' has no option '-t'", "did you mean --to?" },
    { { { "up", "--to" } }, "--to wants an argument: --to VERSION", "" },
    { { { "down", "--yes=no" } }, "--yes takes no argument, found 'no'", "" },
    { { { "up", "--output", "yaml" } }, "--output wants text or json, found 'yaml'", "" },
    { { { "targets", "--limit", "0" } }, "--limit wants a whole number from 1, found '0'", "" },
    { { { "targets", "--limit", "many" } },
      "--limit wants a whole number from 1, found 'many'",
      "" },
    { { { "rollout", "events", "--after", "-1" } },
      "--after wants a whole number, found '-1'",
      "" },
    { { { "up", "--schema", "" } }, "--schema is empty", "--schema NAME, or leave it out" },
    { { { "up", "--schema=" } }, "--schema is empty", "--schema NAME, or leave it out" },
    { { { "up", "--database=" } }, "--database is empty", "--database URL, or leave it out" },
    { { { "targets", "--where", "" } }, "--where is empty", "--where EXPR, or leave it out" },
    { { { "up", "--schema", "skein" } },
      "--schema 'skein': no migrations run in skein's own schema",
      "name a schema of yours" },
    { { { "status", "--schema=information_schema" } },
      "--schema 'information_schema': no migrations run in a schema of the server's own",
      "name a schema of yours" },
    { { { "test", "--schema", "pg_catalog" } },
      "--schema 'pg_catalog': no migrations run in a schema of the server's own",
      "name a schema of yours" },
    { { { "new" } }, "'skein new' wants NAME", "skein new --help" },
    { { { "new", "a", "b" } }, "'skein new' has no use for 'b'", "skein new --help" },
};

static void what_is_wrong_is_named_and_mended(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
        AUTO(Invocation) invocation = { 0 };
        Err err = { 0 };
        assert_int_equal(parse(&REFUSALS[i].line, &invocation, &err), ERR_USAGE);
        assert_string_equal(err.message, REFUSALS[i].message);
        assert_string_equal(err.hint, REFUSALS[i].hint);
    }
}

/* What is plainly an option's argument is put behind that option, as a command to type. */
static void a_word_that_no_command_wants_is_put_where_it_belongs(void **state)
{
    static const Refusal ROWS[] = {
        { { { "up", "my dir" } },
          "'skein up' has no use for 'my dir'",
          "for a directory of migrations: `skein up --migrations 'my dir'`" },
        { { { "new", "add a", "my dir" } },
          "'skein new' has no use for 'my dir'",
          "for a directory of migrations: `skein new 'add a' --migrations 'my dir'`" },
        { { { "history", "my dir" } },
          "'skein history' has no use for 'my dir'",
          "skein history --help" },
        { { { "down", "0003_users" } },
          "'skein down' has no use for '0003_users'",
          "to go to a version: `skein down --to 0003_users`" },
        { { { "status", "postgresql://ann:secret@db1/shop" } },
          "'skein status' has no use for a URL",
          "for a database: `skein status --database URL`" },
        { { { "current", "dbname=shop password=secret" } },
          "'skein current' has no use for a URL",
          "for a database: `skein current --database URL`" },
        { { { "up", "nowhere" } }, "'skein up' has no use for 'nowhere'", "skein up --help" },
    };
    assert_int_equal(chdir(*state), 0);
    assert_int_equal(mkdir("my dir", 0755), 0);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Invocation) invocation = { 0 };
        Err err = { 0 };
        assert_int_equal(parse(&ROWS[i].line, &invocation, &err), ERR_USAGE);
        assert_string_equal(err.message, ROWS[i].message);
        assert_string_equal(err.hint, ROWS[i].hint);
    }
}

static void an_error_knows_the_form_that_was_asked_for(void **state)
{
    (void)state;
    static const Line LINES[] = {
        { { "staus", "--output", "json" } },
        { { "up", "--bogus", "--output=json" } },
    };
    for (size_t i = 0; i < ARRAY_LEN(LINES); i++) {
        AUTO(Invocation) invocation = { 0 };
        assert_int_equal(parse(&LINES[i], &invocation, &(Err){ 0 }), ERR_USAGE);
        assert_int_equal(invocation.options.output, OUTPUT_JSON);
    }
}

/* ---- what is understood ---- */

static void options_take_their_argument_with_or_without_a_sign(void **state)
{
    (void)state;
    static const Line LINES[] = {
        { { "down", "--to", "0012", "--yes", "--output", "json" } },
        { { "down", "--to=0012", "--output=json", "--yes" } },
    };
    for (size_t i = 0; i < ARRAY_LEN(LINES); i++) {
        AUTO(Invocation) invocation = { 0 };
        assert_int_equal(parse(&LINES[i], &invocation, NULL), ERR_NONE);
        assert_string_equal(invocation.command->name, "down");
        assert_string_equal(invocation.options.to, "0012");
        assert_true(invocation.options.is_yes);
        assert_int_equal(invocation.options.output, OUTPUT_JSON);
    }
}

typedef struct Concealed {
    Line line;
    size_t at;         /* which word is looked at */
    const char *shown; /* what is left of it */
    const char *database;
    const char *value; /* of --set */
} Concealed;

static const Concealed CONCEALED[] = {
    { { { "up", "--database", "postgres://a@h/d" } },
      2,
      "postgres://a@h/d",
      "postgres://a@h/d",
      NULL },
    { { { "up", "--database", "postgres://a:p@h/d" } },
      2,
      "******************",
      "postgres://a:p@h/d",
      NULL },
    { { { "up", "--database=host=h password=p" } },
      1,
      "--database=*****************",
      "host=h password=p",
      NULL },
    { { { "up", "--database", "postgres://a@h/d?x-migrations-table=m" } },
      2,
      "postgres://a@h/d?x-migrations-table=m",
      "postgres://a@h/d?x-migrations-table=m",
      NULL },
    { { { "up", "--database", "pasword=p" } }, 2, "*********", "pasword=p", NULL },
    { { { "up", "--set", "token=p=q" } }, 2, "token=***", NULL, "p=q" },
};

static void a_secret_is_read_and_not_left_for_others_to_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CONCEALED); i++) {
        const Concealed *row = &CONCEALED[i];
        AUTO(Arena) arena = { 0 };
        AUTO(Invocation) invocation = { 0 };
        Line line = { { 0 } };
        for (size_t j = 0; row->line.words[j] != NULL; j++) {
            line.words[j] = arena_strdup(&arena, row->line.words[j]);
        }
        assert_int_equal(parse(&line, &invocation, NULL), ERR_NONE);
        assert_string_equal(line.words[row->at], row->shown);
        assert_true(str_equal(invocation.options.database, row->database));
        if (row->value != NULL) {
            assert_string_equal(invocation.options.set.items[0].value, row->value);
        }
    }
}

/* Of every command, so that no new one forgets. */
static void no_option_but_a_reason_may_be_empty(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        for (size_t j = 0; COMMANDS[i].options != NULL && COMMANDS[i].options[j] != NULL; j++) {
            const Option *option = COMMANDS[i].options[j];
            AUTO(Arena) arena = { 0 };
            AUTO(Invocation) invocation = { 0 };
            Err err = { 0 };
            Line line = { { 0 } };
            size_t count = 0;
            char *rest = arena_strdup(&arena, COMMANDS[i].name);
            for (char *word = NULL; (word = strsep(&rest, " ")) != NULL;) {
                line.words[count++] = word;
            }
            for (size_t k = 0; k < COMMANDS[i].arguments_min; k++) {
                line.words[count++] = "x";
            }
            line.words[count] = arena_printf(&arena, "--%s=", option->name);
            ErrCode code = parse(&line, &invocation, &err);
            assert_int_equal(code, str_equal(option->name, "reason") ? ERR_NONE : ERR_USAGE);
            assert_true(code == ERR_NONE || strstr(err.message, option->name) != NULL);
        }
    }
}

static void what_is_not_given_has_its_default(void **state)
{
    (void)state;
    AUTO(Invocation) invocation = { 0 };
    assert_int_equal(parse(&(Line){ { "targets" } }, &invocation, NULL), ERR_NONE);
    assert_int_equal(invocation.options.output, OUTPUT_TEXT);
    assert_string_equal(invocation.options.migrations, "./migrations");
    assert_int_equal(invocation.options.limit, 0);
    assert_null(invocation.options.where);
}

static void arguments_and_options_may_stand_in_any_order(void **state)
{
    (void)state;
    AUTO(Invocation) invocation = { 0 };
    Line line = { { "rollout", "retry", "r-1", "--reason", "again", "db1/a", "db1/b" } };
    assert_int_equal(parse(&line, &invocation, NULL), ERR_NONE);
    assert_string_equal(invocation.command->name, "rollout retry");
    assert_int_equal(invocation.argument_count, 3);
    assert_string_equal(invocation.arguments[0], "r-1");
    assert_string_equal(invocation.arguments[2], "db1/b");
    assert_string_equal(invocation.options.reason, "again");
}

static void after_two_dashes_everything_is_an_argument(void **state)
{
    (void)state;
    AUTO(Invocation) invocation = { 0 };
    assert_int_equal(parse(&(Line){ { "new", "--", "--yes" } }, &invocation, NULL), ERR_NONE);
    assert_int_equal(invocation.argument_count, 1);
    assert_string_equal(invocation.arguments[0], "--yes");
}

static void numbers_reach_their_members(void **state)
{
    (void)state;
    AUTO(Invocation) invocation = { 0 };
    Line line = { { "rollout", "events", "--after", "9007199254740993", "--limit=7" } };
    assert_int_equal(parse(&line, &invocation, NULL), ERR_NONE);
    assert_int_equal(invocation.options.after, UINT64_C(9007199254740993));
    assert_int_equal(invocation.options.limit, 7);
}

/* ---- help ---- */

typedef struct HelpCase {
    Line line;
    const char *command; /* NULL: none */
    const char *group;
} HelpCase;

static const HelpCase HELPS[] = {
    { { { NULL } }, NULL, NULL },
    { { { "--help" } }, NULL, NULL },
    { { { "-h" } }, NULL, NULL },
    { { { "help" } }, NULL, NULL },
    { { { "help", "rollout" } }, NULL, "rollout" },
    { { { "rollout", "--help" } }, NULL, "rollout" },
    { { { "plan", "--help" } }, "plan", NULL }, /* it has a command below it, too */
    { { { "--help", "--output", "json" } }, NULL, NULL },
    { { { "help", "rollout", "start" } }, "rollout start", NULL },
    { { { "rollout", "start", "--help" } }, "rollout start", NULL },
    { { { "up", "-h" } }, "up", NULL },
};

static void help_is_found_however_it_is_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(HELPS); i++) {
        AUTO(Invocation) invocation = { 0 };
        assert_int_equal(parse(&HELPS[i].line, &invocation, NULL), ERR_NONE);
        assert_true(invocation.options.is_help);
        const char *command = invocation.command == NULL ? NULL : invocation.command->name;
        assert_true(str_equal(command, HELPS[i].command));
        assert_true(str_equal(invocation.help_group, HELPS[i].group));
    }
}

static void an_empty_variable_is_not_there(void **state)
{
    (void)state;
    setenv("SKEIN_TEST_VARIABLE", "", 1);
    assert_null(option_or_env(NULL, "SKEIN_TEST_VARIABLE"));
    setenv("SKEIN_TEST_VARIABLE", "there", 1);
    assert_string_equal(option_or_env(NULL, "SKEIN_TEST_VARIABLE"), "there");
    assert_string_equal(option_or_env("given", "SKEIN_TEST_VARIABLE"), "given");
}

/* ---- the table ---- */

static void every_command_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const Command *command = &COMMANDS[i];
        assert_non_null(command->run);
        assert_non_null(command->json);
        assert_true(command->arguments_min <= command->arguments_max);
        assert_true((command->arguments[0] == '\0') == (command->arguments_max == 0));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(COMMANDS[j].name, command->name);
        }
    }
}

static void no_command_takes_an_option_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const Option *const *options = COMMANDS[i].options;
        for (size_t j = 0; options != NULL && options[j] != NULL; j++) {
            for (size_t k = 0; k < j; k++) {
                assert_string_not_equal(options[j]->name, options[k]->name);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_named_and_mended),
        cmocka_unit_test(an_error_knows_the_form_that_was_asked_for),
        cmocka_unit_test_setup_teardown(a_word_that_no_command_wants_is_put_where_it_belongs,
                                        make_directory, remove_directory),
        cmocka_unit_test(options_take_their_argument_with_or_without_a_sign),
        cmocka_unit_test(a_secret_is_read_and_not_left_for_others_to_read),
        cmocka_unit_test(no_option_but_a_reason_may_be_empty),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(arguments_and_options_may_stand_in_any_order),
        cmocka_unit_test(after_two_dashes_everything_is_an_argument),
        cmocka_unit_test(numbers_reach_their_members),
        cmocka_unit_test(help_is_found_however_it_is_asked_for),
        cmocka_unit_test(an_empty_variable_is_not_there),
        cmocka_unit_test(every_command_is_whole),
        cmocka_unit_test(no_command_takes_an_option_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
