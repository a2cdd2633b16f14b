/* Addresses: both directions, and what is refused. */
#include "support.h"

#include "proto/address.h"

static void every_name_comes_back_from_its_address(void **state)
{
    (void)state;
    static const struct {
        Address address;
        const char *text;
    } ROWS[] = {
        { { "db1", "shop", "" }, "db1/shop" },
        { { "db1", "shop", "tenant_1" }, "db1/shop/tenant_1" },
        { { "db1", "a/b", "" }, "db1/a%2Fb" },
        { { "100%", "50%/50%", "%2F" }, "100%25/50%25%2F50%25/%252F" },
        { { "größe", "データ", "🦢" }, "größe/データ/🦢" },
        { { "a b", "c\nd", "e\x7f" }, "a b/c%0Ad/e%7F" },
        { { "i", "latin1 \xe9", "" }, "i/latin1 %E9" },
        { { "i", "c1 \xc2\x85", "" }, "i/c1 %C2%85" },
        { { "i", "\xc2\xa3", "" }, "i/\xc2\xa3" }, /* the same first byte, and no control */
        { { "i", "\xff\xfe", "\xc3" }, "i/%FF%FE/%C3" },
    };
    AUTO(Arena) arena = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_string_equal(address_format(&ROWS[i].address, &arena), ROWS[i].text);
        Address address;
        Err err;
        assert_int_equal(address_parse(ROWS[i].text, &arena, &address, &err), ERR_NONE);
        assert_string_equal(address.instance, ROWS[i].address.instance);
        assert_string_equal(address.database, ROWS[i].address.database);
        assert_string_equal(address.schema, ROWS[i].address.schema);
    }
}

static void names_of_63_bytes_fit_however_they_are_encoded(void **state)
{
    (void)state;
    char name[NAME_MAX_BYTES + 1] = { 0 };
    memset(name, '/', NAME_MAX_BYTES);
    AUTO(Arena) arena = { 0 };
    const char *text = address_format(&(Address){ name, name, name }, &arena);
    assert_true(strlen(text) <= ADDRESS_MAX);
    Address address;
    assert_int_equal(address_parse(text, &arena, &address, NULL), ERR_NONE);
    assert_string_equal(address.schema, name);
}

#define NAME_64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } ROWS[] = {
        { "", "address \"\": instance: empty" },
        { "db1", "address \"db1\": no database" },
        { "db1/", "address \"db1/\": database: empty" },
        { "/shop", "address \"/shop\": instance: empty" },
        { "db1/shop/", "address \"db1/shop/\": schema: empty" },
        { "a/b/c/d", "address \"a/b/c/d\": more than three names" },
        { "a/b%", "address \"a/b%\": database: '%' is not an encoded byte" },
        { "a/b%2", "address \"a/b%2\": database: '%2' is not an encoded byte" },
        { "a/b%zz", "address \"a/b%zz\": database: '%zz' is not an encoded byte" },
        { "a/b%00", "address \"a/b%00\": database: '%00' is not an encoded byte" },
        { "a/%41", "address \"a/%41\": must be written \"a/A\"" },
        { "a/b%2f", "address \"a/b%2f\": must be written \"a/b%2F\"" },
        { "a/b\nc", "address \"a/b\nc\": must be written \"a/b%0Ac\"" },
        { "a/" NAME_64, "address \"a/" NAME_64 "\": database: longer than 63 bytes" },
    };
    AUTO(Arena) arena = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Address address = { "untouched", "", "" };
        Err err;
        assert_int_equal(address_parse(ROWS[i].text, &arena, &address, &err), ERR_SYNTAX);
        assert_string_equal(err.message, ROWS[i].message);
        assert_true(str_starts_with(err.hint, "an address is INSTANCE/DATABASE"));
        assert_string_equal(address.instance, "untouched");
    }
}

static void an_endless_text_is_not_read_to_its_end(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof(text)); /* no NUL */
    AUTO(Arena) arena = { 0 };
    Address address;
    assert_int_equal(address_parse(text, &arena, &address, NULL), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_comes_back_from_its_address),
        cmocka_unit_test(names_of_63_bytes_fit_however_they_are_encoded),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(an_endless_text_is_not_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
