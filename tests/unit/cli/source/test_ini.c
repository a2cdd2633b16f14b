/* Settings files, as Sqitch itself reads them (sqitch config --list). */
#include "sql_case.h"

#include "cli/source/ini.h"
#include "common/str.h"

/* "section.name=value", a line each. */
static const char *describe_ini(const char *text, Arena *arena)
{
    IniFile file = { 0 };
    AUTO(Str) out = { 0 };
    ini_read((Bytes){ (const uint8_t *)text, strlen(text) }, arena, &file);
    for (size_t i = 0; i < file.count; i++) {
        str_printf(&out, "%s%u %s.%s=%s", i == 0 ? "" : ", ", file.entries[i].line,
                   file.entries[i].section, file.entries[i].name, file.entries[i].value);
    }
    return arena_strdup(arena, str_text(&out));
}

static void entries_are_read_as_sqitch_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *entries;
    } CASES[] = {
        { "", "" },
        { "[core]\n\tengine = pg\n", "2 core.engine=pg" },
        { "\xEF\xBB\xBF[core]\r\nengine=pg\r\n", "2 core.engine=pg" },
        { "a = 1\n[engine \"pg\"]\n b=2", "1 .a=1, 3 engine.pg.b=2" },
        { "[Engine \"PG\"] x = 1\n[CORE] # y = 2", "1 engine.PG.x=1" },
        { "[engine \"pg.variables\"]\nn = 1", "2 engine.pg.variables.n=1" },
        { "# a = 1\n; b = 2\nc\n[d\n=\ne =", "5 .=, 6 .e=" },
        { "a = b ; c\nd = e#f\ng = h # i", "1 .a=b, 2 .d=e#f, 3 .g=h" },
        { "a = # nothing\nb = \"\"", "1 .a=, 2 .b=" },
        { "a = \"x # y\" z\nb = c\"d e\"f\nc = \" d \"", "1 .a=x # y z, 2 .b=cd ef, 3 .c= d " },
        { "a = \"b\\\"c\\\\d\"\ne = f\\tg", "1 .a=b\"c\\d, 2 .e=f\tg" },
        { "a = one \\\ntwo\nb = 3", "1 .a=one two, 3 .b=3" },
        { "a = b \\", "1 .a=b" },
        { "a = b = c", "1 .a=b = c" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        assert_case(CASES[i].text, describe_ini(CASES[i].text, &arena), CASES[i].entries);
    }
}

static void the_last_of_a_name_in_any_case_is_found(void **state)
{
    (void)state;
    static const char TEXT[] = "[core]\ntop_dir = a\nTop_Dir = b\n[engine \"pg\"]\ntop_dir = c\n";
    AUTO(Arena) arena = { 0 };
    IniFile file = { 0 };
    ini_read((Bytes){ (const uint8_t *)TEXT, strlen(TEXT) }, &arena, &file);
    assert_string_equal(ini_find(&file, "core", "top_dir"), "b");
    assert_string_equal(ini_find(&file, "engine.pg", "TOP_DIR"), "c");
    assert_null(ini_find(&file, "engine.PG", "top_dir"));
    assert_null(ini_find(&file, "core", "plan_file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_read_as_sqitch_reads_them),
        cmocka_unit_test(the_last_of_a_name_in_any_case_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
