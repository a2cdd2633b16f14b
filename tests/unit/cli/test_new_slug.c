/* cli/new_slug.c: from what somebody types to a part of a file's name. */
#include "support.h"

#include "cli/new_slug.h"

typedef struct SlugCase {
    const char *name;
    const char *slug;  /* NULL: it is refused */
    const char *words; /* of the refusal */
} SlugCase;

#define TEN "xxxxxxxxxx"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const SlugCase CASES[] = {
    { "add_invoice_currency", "add_invoice_currency", NULL },
    { "Add invoice currency!", "add_invoice_currency", NULL },
    { "  add -- it. ", "add_it", NULL },
    { "CamelCase2", "camelcase2", NULL },
    { "users/add", "users_add", NULL },
    { "../x", "x", NULL },
    { "-x", "x", NULL },
    { HUNDRED, HUNDRED, NULL },
    { HUNDRED "!", HUNDRED, NULL },
    { HUNDRED "y", NULL, "the name is 101 letters long, and that of a file is at most 100" },
    { "", NULL, "'' has no letter or digit to name a file by" },
    { "!/_", NULL, "'!/_' has no letter or digit to name a file by" },
    { "h\xc3\xa9\xc3\xa9", NULL,
      "'h\xc3\xa9\xc3\xa9' has '\xc3\xa9' in it, and a file is named in ASCII letters and digits" },
    { "\xe6\x97\xa5\xe6\x9c\xac", NULL,
      "'\xe6\x97\xa5\xe6\x9c\xac' has '\xe6\x97\xa5' in it, and a file is named in ASCII letters "
      "and digits" },
    { "a\xff", NULL, "a name that is not UTF-8" },
};

static void a_name_becomes_a_part_of_a_file_s_or_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        Err err = { 0 };
        const char *slug = NULL;
        ErrCode code = new_slug(CASES[i].name, &arena, &slug, &err);
        assert_int_equal(code, CASES[i].slug == NULL ? ERR_USAGE : ERR_NONE);
        assert_string_equal(err.message, CASES[i].words == NULL ? "" : CASES[i].words);
        assert_true((err.hint[0] == '\0') == (code == ERR_NONE));
        assert_true(str_equal(slug, CASES[i].slug));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_becomes_a_part_of_a_file_s_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
