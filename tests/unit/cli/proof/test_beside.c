/* cli/proof/beside.c: before and now, line by line. */
#include "tests/unit/cli/support.h"

#include "cli/proof/beside.h"

static const struct {
    const char *before;
    const char *now;
    const char *text; /* "": not beside each other */
} CASES[] = {
    { "default: 2", "default: 1",
      "  before     | now\n"
      "  default: 2 | default: 1\n" },
    { "type: public.mood\ndefault: 'b'::public.mood", "type: text",
      "  before                    | now\n"
      "  type: public.mood         | type: text\n"
      "  default: 'b'::public.mood |\n" },
    { "type: text\nnot null", "type: text\ndefault: 5",
      "  before   | now\n"
      "  not null |\n"
      "           | default: 5\n" },
    { "CHECK ((ä > 0))", "CHECK ((ä >= 0))",
      "  before          | now\n"
      "  CHECK ((ä > 0)) | CHECK ((ä >= 0))\n" },
    { "not null", "",
      "  before   | now\n"
      "  not null |\n" },
    { "", "type: integer",
      "  before | now\n"
      "         | type: integer\n" },
    { "", "", "" },
    { "CREATE INDEX a ON public.t USING btree (a, b, c)", "CREATE INDEX a ON public.t", "" },
};

static void lines_of_one_label_stand_in_one_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) out = { 0 };
        bool is_beside = beside_write(CASES[i].before, CASES[i].now, 2, &out, &arena);
        assert_int_equal(is_beside, CASES[i].text[0] != '\0');
        assert_string_equal(str_text(&out), CASES[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_one_label_stand_in_one_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
