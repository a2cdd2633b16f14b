/* where expressions: what they select, and how their errors read. */
#include "support.h"

#include "proto/select.h"

static Select *parse(const char *text, Arena *arena)
{
    Select *select = NULL;
    Err err = { 0 };
    if (select_parse(text, arena, &select, &err) != ERR_NONE) {
        fail_msg("%s: %s", text, err.message);
    }
    return select;
}

static bool selects(const char *text)
{
    static Label agent[] = { { "dc", "ams" }, { "env", "test" } };
    static Label instance[] = { { "env", "prod" }, { "tier", "" } };
    static const Labels AGENT = { agent, ARRAY_LEN(agent) };
    static const Labels INSTANCE = { instance, ARRAY_LEN(instance) };
    static const SelectSubject SUBJECT = { .instance = "pg1",
                                           .host = "db-host-1",
                                           .database = "tenant_007",
                                           .schema = "",
                                           .version = "0012_add_index",
                                           .agent_labels = &AGENT,
                                           .instance_labels = &INSTANCE };
    AUTO(Arena) arena = { 0 };
    return select_matches(parse(text, &arena), &SUBJECT);
}

static void expressions_select(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_selected;
    } ROWS[] = {
        { "", true },
        { " \t\r\n ", true },
        { "database = 'tenant_007'", true },
        { "database='tenant_007'", true },
        { "database = 'Tenant_007'", false },
        { "database != 'tenant_007'", false },
        { "instance = 'pg1' and host = 'db-host-1'", true },
        { "instance = 'pg1' AND host = 'x'", false },
        { "instance = 'x' Or host = 'db-host-1'", true },
        { "schema = ''", true },
        { "version = '0012_add_index'", true },
        { "labels.env = 'prod'", true }, /* the instance's wins */
        { "labels.dc = 'ams'", true },   /* the agent's */
        { "labels.none = ''", true },    /* a missing one is '' */
        { "labels.tier = ''", true },
        { "labels.none != 'x'", true },
        { "database in ('a', 'tenant_007')", true },
        { "database in ('a')", false },
        { "database not in ('a','b')", true },
        { "not database in ('a','b')", true },
        { "not not instance = 'pg1'", true },
        /* and binds closer than or, not closer than and */
        { "instance = 'pg1' or instance = 'x' and host = 'x'", true },
        { "(instance = 'pg1' or instance = 'x') and host = 'x'", false },
        { "not instance = 'x' and host = 'x'", false },
        { "not (instance = 'x' and host = 'x')", true },
        { "((instance = 'pg1'))", true },
        { "(instance='a' or instance='b') or (host='c' or database='tenant_007')", true },
        { "instance='pg1' and (host='x' or host='db-host-1') and schema=''", true },
        { "instance='pg1' and (host='x' or host='y') and schema=''", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (selects(ROWS[i].text) != ROWS[i].is_selected) {
            fail_msg("%s", ROWS[i].text);
        }
    }
}

static void like_knows_percent_underscore_and_backslash(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *value;
        bool is_like;
    } ROWS[] = {
        { "", "", true },
        { "", "x", false },
        { "%", "", true },
        { "%", "anything", true },
        { "%%", "x", true },
        { "_", "", false },
        { "_", "x", true },
        { "_", "é", true },
        { "__", "é", false },
        { "_", "🦢", true },
        { "tenant\\_%", "tenant_1", true },
        { "tenant\\_%", "tenantX1", false },
        { "tenant_%", "tenantX1", true },
        { "100\\%", "100%", true },
        { "100\\%", "1000", false },
        { "a\\\\b", "a\\b", true },
        { "%a%b", "xaxxb", true },
        { "%a%b", "xaxxbx", false },
        { "%ab", "aab", true },
        { "a%", "ba", false },
        { "%é", "caf\xc3\xa9", true },
        { "a_c%f", "abcdef", true },
        { "''", "'", true },
        { "A%", "abc", false },
        { "x\\\\", "x\\", true },
        { "%_", "", false },
        { "%__", "é", false },
        { "%\\%", "50%", true },
        { "_", "\xff", true }, /* a name need not be UTF-8: each byte is a character then */
        { "__", "\xff", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        Select *like = parse(arena_printf(&arena, "schema like '%s'", ROWS[i].pattern), &arena);
        Select *not = parse(arena_printf(&arena, "schema not like '%s'", ROWS[i].pattern), &arena);
        SelectSubject subject = { .schema = ROWS[i].value };
        if (select_matches(like, &subject) != ROWS[i].is_like ||
            select_matches(not, &subject) == ROWS[i].is_like) {
            fail_msg("'%s' like '%s'", ROWS[i].value, ROWS[i].pattern);
        }
    }
}

static void like_does_not_explode(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    AUTO(Str) value = { 0 };
    str_append(&text, "database like '");
    for (int i = 0; i < 1000; i++) {
        str_append(&text, "%a");
        str_append(&value, "aaaa");
    }
    str_append(&text, "%b'");
    SelectSubject subject = { .database = str_text(&value) };
    assert_false(select_matches(parse(str_text(&text), &arena), &subject));
}

static void an_empty_subject_is_no_crash(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    SelectSubject nobody = { 0 };
    assert_true(select_matches(parse("host = '' and labels.x = ''", &arena), &nobody));
}

static const char SELECT_FIELDS[] =
    "fields are instance, host, database, schema, version and labels.NAME";

static const struct {
    const char *text;
    const char *message;
    const char *hint;
} ERRORS[] = {
    { "databse = 'x'", "column 1: there is no field databse", "did you mean database?" },
    { "Instance = 'x'", "column 1: there is no field Instance", "did you mean instance?" },
    { "label.env = 'x'", "column 1: there is no field label.env", "did you mean labels.env?" },
    { "lables.env = 'x'", "column 1: there is no field lables.env", "did you mean labels.env?" },
    { "label = 'x'", "column 1: there is no field label", "a label is written labels.NAME" },
    { "labels. = 'x'", "column 1: there is no field labels.", "a label is written labels.NAME" },
    { "colour = 'x'", "column 1: there is no field colour", SELECT_FIELDS },
    { "database", "column 9: expected =, !=, like, not like, in or not in, found the end", "" },
    { "database 'x'", "column 10: expected =, !=, like, not like, in or not in, found 'x'", "" },
    { "database <> 'x'", "column 10: expected =, !=, like, not like, in or not in, found <>",
      "write !=" },
    { "database == 'x'",
      "column 10: expected =, !=, like, not like, in or not in, found ==", "write = once" },
    { "database > 'x'", "column 10: expected =, !=, like, not like, in or not in, found >",
      "there are only =, !=, like and in" },
    { "database = prod", "column 12: expected a string in single quotes, found prod",
      "write 'prod'" },
    { "database = \"prod\"", "column 12: expected a string in single quotes, found \"",
      "strings stand in single quotes" },
    { "database = ", "column 12: expected a string in single quotes, found the end", "" },
    { "database = 'x", "column 12: this string is not closed", "" },
    { "database = 'it''s", "column 12: this string is not closed", "" },
    { "database not = 'x'", "column 14: expected like or in after not, found =", "" },
    { "database in 'x'", "column 13: expected ( after in, found 'x'", "" },
    { "database in ()", "column 14: expected a string in single quotes, found )", "" },
    { "database in ('a' 'b')", "column 18: expected , or ), found 'b'", "" },
    { "database in ('a',)", "column 18: expected a string in single quotes, found )", "" },
    { "database like 'x\\'", "column 15: the pattern ends with a lone \\",
      "a \\ stands for itself as \\\\" },
    { "database like '\\\\\\'", "column 15: the pattern ends with a lone \\",
      "a \\ stands for itself as \\\\" },
    { "(host = 'x'", "column 12: expected and, or or ), found the end", "" },
    { "host = 'x')", "column 11: expected and, or or the end, found )", "" },
    { "host = 'x' && host = 'y'", "column 12: expected and, or or the end, found &&", "write and" },
    { "host = 'x' and", "column 15: expected a field, not or (, found the end", "" },
    { "or host = 'x'", "column 1: expected a field, not or (, found or", "" },
    { "! host = 'x'", "column 1: expected a field, not or (, found !", "write not" },
    { "host = 'é' x", "column 12: expected and, or or the end, found x", "" },
    { "database is 'x'", "column 10: expected =, !=, like, not like, in or not in, found is", "" },
    { "lables. = 'x'", "column 1: there is no field lables.", SELECT_FIELDS },
    { "colour.env = 'x'", "column 1: there is no field colour.env", SELECT_FIELDS },
    { "'x", "column 1: this string is not closed", "" },
    { "('x", "column 2: this string is not closed", "" },
    { "not 'x", "column 5: this string is not closed", "" },
    { "database 'x", "column 10: this string is not closed", "" },
    { "database not 'x", "column 14: this string is not closed", "" },
    { "database in ('x", "column 14: this string is not closed", "" },
    { "database like x", "column 15: expected a string in single quotes, found x", "write 'x'" },
    { "host = 'x' 'y", "column 12: this string is not closed", "" },
    { "host = 'x' and 'y", "column 16: this string is not closed", "" },
    { "()", "column 2: expected a field, not or (, found )", "" },
    { "€", "column 1: expected a field, not or (, found €", "" },
    { "host = '\xff'", "not valid UTF-8", "" },
};

static void errors_say_where_what_and_how_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ERRORS); i++) {
        AUTO(Arena) arena = { 0 };
        Select *select = NULL;
        Err err = { 0 };
        assert_int_equal(select_parse(ERRORS[i].text, &arena, &select, &err), ERR_SYNTAX);
        assert_string_equal(err.message, ERRORS[i].message);
        assert_string_equal(err.hint, ERRORS[i].hint);
        assert_null(select);
        assert_int_equal(select_parse(ERRORS[i].text, &arena, &select, NULL), ERR_SYNTAX);
    }
}

static ErrCode parse_nested(const char *open, const char *close, int depth, Err *err)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    for (int i = 0; i < depth; i++) {
        str_append(&text, open);
    }
    str_append(&text, "host = 'x'");
    for (int i = 0; i < depth; i++) {
        str_append(&text, close);
    }
    Select *select = NULL;
    return select_parse(str_text(&text), &arena, &select, err);
}

static void depth_and_length_are_bounded(void **state)
{
    (void)state;
    Err err;
    assert_int_equal(parse_nested("(", ")", SELECT_DEPTH_MAX, &err), ERR_NONE);
    assert_int_equal(parse_nested("(", ")", SELECT_DEPTH_MAX + 1, &err), ERR_SYNTAX);
    assert_string_equal(err.message, "column 33: nested deeper than 32");
    assert_int_equal(parse_nested("not ", "", SELECT_DEPTH_MAX, &err), ERR_NONE);
    assert_int_equal(parse_nested("not ", "", SELECT_DEPTH_MAX + 1, &err), ERR_SYNTAX);
    assert_int_equal(parse_nested("", " or host = 'y'", 200, &err), ERR_NONE);
    assert_int_equal(parse_nested("", "              ", 400, &err), ERR_SYNTAX);
    assert_string_equal(err.message, "longer than 4096 bytes");
}

static void dependence_on_the_version_is_seen(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    assert_false(select_uses_version(parse("", &arena)));
    assert_false(select_uses_version(parse("host = 'version'", &arena)));
    assert_true(select_uses_version(parse("version = ''", &arena)));
    assert_true(select_uses_version(
        parse("host = 'x' or not (database = 'y' and version like '00%')", &arena)));
}

/* Where nobody knows the version: what the rest alone rules out stays out. */
static void what_the_version_cannot_change_is_held_against_a_subject(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        bool may;
    } ROWS[] = {
        { "", true },
        { "database = 'd'", true },
        { "database = 'x'", false },
        { "version = '1'", true },
        { "not version = '1'", true },
        { "version != '1' and version like '%'", true },
        { "version = '1' and database = 'x'", false },
        { "version = '1' and not database = 'x'", true },
        { "version = '1' or database = 'x'", true },
        { "not (version = '1' or database = 'd')", false },
        { "not (version = '1' or database = 'x')", true },
        { "not (version = '1' and database = 'd')", true },
        { "not (version like '0%' or not labels.env = 'prod')", false },
        { "(version = '1' or version = '2') and (database = 'x' or instance = 'i')", true },
    };
    AUTO(Arena) arena = { 0 };
    const SelectSubject subject = { .instance = "i", .host = "h", .database = "d", .version = "9" };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (select_may_match(parse(ROWS[i].where, &arena), &subject) != ROWS[i].may) {
            fail_msg("row %zu: %s", i, ROWS[i].where);
        }
    }
}

typedef void (*Tell)(const SelectDoubts *doubts, Str *out);

/* Three targets: prod/a, prod/b, test/c; the last one's agent has no other label. */
static const char *doubt(const char *text, Tell tell, Arena *arena)
{
    static Label prod[] = { { "env", "prod" }, { "region", "eu" } };
    static Label test[] = { { "env", "test" } };
    static const Labels PROD = { prod, ARRAY_LEN(prod) };
    static const Labels TEST = { test, ARRAY_LEN(test) };
    static const SelectSubject SUBJECTS[] = {
        { .instance = "pg1", .database = "tenant_a", .agent_labels = &PROD },
        { .instance = "pg1", .database = "tenant_b", .agent_labels = &PROD },
        { .instance = "pg2", .database = "tenant_c", .instance_labels = &TEST },
    };
    AUTO(Str) words = { 0 };
    SelectDoubts *doubts = select_doubts_new(parse(text, arena), arena);
    for (size_t i = 0; i < ARRAY_LEN(SUBJECTS); i++) {
        select_doubts_take(doubts, &SUBJECTS[i]);
    }
    tell(doubts, &words);
    return arena_strdup(arena, str_text(&words));
}

static void an_empty_selection_is_explained(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } ROWS[] = {
        { "labels.evn = 'prod'", "no target has a label 'evn'; did you mean labels.env?" },
        { "database like 'tenant%' and labels.tier in ('a', 'b')",
          "no target has a label 'tier'; there are: env, region" },
        { "labels.env = 'prd'", "no target has labels.env = 'prd'; did you mean 'prod'?" },
        { "labels.region = 'asia' and labels.env = 'prod'",
          "no target has labels.region = 'asia'" },
        { "database = 'tenant_x'",
          "no target has database = 'tenant_x'; did you mean 'tenant_a'?" },
        { "database like 'tenat%'", "no target has database like 'tenat%'" },
        { "database in ('x', 'y')", "no target has database in that list" },
        { "labels.env = 'test' and instance = 'pg1'",
          "each comparison holds for some target, the whole for none" },
        { "labels.none = '' and instance = 'pg3'",
          "no target has instance = 'pg3'; did you mean 'pg1'?" },
        { "labels.evn != 'test' and instance = 'pg3'",
          "no target has instance = 'pg3'; did you mean 'pg1'?" },
        { "database != 'tenant_x' and instance = 'pg3'",
          "no target has instance = 'pg3'; did you mean 'pg1'?" },
        { "instance = 'pg1' and not labels.env = 'prod'",
          "each comparison holds for some target, the whole for none" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        assert_string_equal(doubt(ROWS[i].text, select_doubts_tell, &arena), ROWS[i].words);
    }
}

static void a_label_that_nobody_has_is_told_whatever_is_selected(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } ROWS[] = {
        { "labels.evn != 'test'", "no target has a label 'evn'; did you mean labels.env?" },
        { "not (labels.env = 'test' or labels.tier in ('a', 'b'))",
          "no target has a label 'tier'; there are: env, region" },
        { "database like 'tenant%' or labels.evn like 'p%'",
          "no target has a label 'evn'; did you mean labels.env?" },
        { "labels.frozen = ''", "" }, /* those without it are meant */
        { "labels.region != 'asia'", "" },
        { "database != 'tenant_x'", "" },
        { "", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        assert_string_equal(doubt(ROWS[i].text, select_doubts_tell_label, &arena), ROWS[i].words);
    }
}

static void of_many_labels_the_first_few_are_told(void **state)
{
    (void)state;
    static Label many[20];
    static char names[ARRAY_LEN(many)][8];
    AUTO(Arena) arena = { 0 };
    AUTO(Str) words = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        text_format(names[i], sizeof(names[i]), "l%zu", i);
        many[i] = (Label){ names[i], "x" };
    }
    SelectDoubts *doubts = select_doubts_new(parse("labels.colour = 'x'", &arena), &arena);
    select_doubts_take(doubts,
                       &(SelectSubject){ .agent_labels = &(Labels){ many, ARRAY_LEN(many) } });
    select_doubts_tell(doubts, &words);
    assert_string_equal(str_text(&words),
                        "no target has a label 'colour'; there are: l0, l1, l2, l3, "
                        "l4, l5, l6, l7, …");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_select),
        cmocka_unit_test(like_knows_percent_underscore_and_backslash),
        cmocka_unit_test(like_does_not_explode),
        cmocka_unit_test(an_empty_subject_is_no_crash),
        cmocka_unit_test(errors_say_where_what_and_how_else),
        cmocka_unit_test(depth_and_length_are_bounded),
        cmocka_unit_test(dependence_on_the_version_is_seen),
        cmocka_unit_test(an_empty_selection_is_explained),
        cmocka_unit_test(a_label_that_nobody_has_is_told_whatever_is_selected),
        cmocka_unit_test(of_many_labels_the_first_few_are_told),
        cmocka_unit_test(what_the_version_cannot_change_is_held_against_a_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
