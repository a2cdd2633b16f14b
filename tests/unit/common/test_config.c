/* config: what a file means, and what is said about one that means nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/config.h"

typedef enum Fruit {
    FRUIT_NONE = 0,
    FRUIT_APPLE,
    FRUIT_PEAR,
} Fruit;

typedef struct Share {
    uint32_t value;
    bool is_percent;
} Share;

typedef struct Shelf {
    const char *name;
    uint32_t boxes;
    Fruit fruit;
    ConfigPair *labels;
    size_t label_count;
} Shelf;

typedef struct Lamp {
    bool is_on;
    uint32_t warm_up_ms;
} Lamp;

typedef struct Shop {
    const char *owner;
    int64_t balance;
    uint64_t cellar_bytes;
    Share discount;
    Lamp lamp;
    const char **guests;
    size_t guest_count;
    Shelf *shelves;
    size_t shelf_count;
} Shop;

static ErrCode share_parse(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)arena;
    Share share = { 0 };
    char unit = '\0';
    int got = sscanf(text, "%u%c", &share.value, &unit);
    share.is_percent = got == 2 && unit == '%';
    if (got < 1 || (got == 2 && !share.is_percent)) {
        return err_set(err, ERR_CONFIG, "neither a number nor a percentage");
    }
    *(Share *)ret = share;
    return ERR_NONE;
}

static const ConfigName FRUITS[] = { { "apple", FRUIT_APPLE }, { "pear", FRUIT_PEAR } };

static const ConfigField SHELF_FIELDS[] = {
    { CONFIG_FIELD(Shelf, name, CONFIG_STRING), .is_required = true, .min = 1, .max = 20,
      .doc = "What it is called.", .example = "top" },
    { CONFIG_FIELD(Shelf, boxes, CONFIG_INTEGER), .fallback = "8", .min = 1, .max = 100,
      .unit = "boxes", .doc = "How many boxes stand on it." },
    { CONFIG_FIELD(Shelf, fruit, CONFIG_ENUM), .fallback = "apple", .names = FRUITS,
      .name_count = ARRAY_LEN(FRUITS), .doc = "What is in them." },
    { CONFIG_FIELD_COUNTED(Shelf, labels, label_count, CONFIG_STRING_MAP),
      .example = "{ kind: old }", .doc = "Words to find it by." },
};
static const ConfigTable SHELF = CONFIG_TABLE_OF("a shelf", Shelf, SHELF_FIELDS);

static const ConfigField LAMP_FIELDS[] = {
    { CONFIG_FIELD_AS("on", Lamp, is_on, CONFIG_BOOL), .fallback = "yes", .doc = "Does it burn?" },
    { CONFIG_FIELD_AS("warm_up", Lamp, warm_up_ms, CONFIG_DURATION), .fallback = "5s", .min = 1000,
      .max = 60000, .doc = "How long it takes to be bright." },
};
static const ConfigTable LAMP = CONFIG_TABLE_OF("the lamp", Lamp, LAMP_FIELDS);

static const ConfigField SHOP_FIELDS[] = {
    { CONFIG_FIELD(Shop, owner, CONFIG_STRING), .is_required = true, .example = "Ann Lee",
      .doc = "Who stands behind the counter, and to whom people turn when the pears are not ripe "
             "yet." },
    { CONFIG_FIELD(Shop, balance, CONFIG_INTEGER), .fallback = "0", .min = -1000, .max = 0,
      .doc = "Money." },
    { CONFIG_FIELD_AS("cellar", Shop, cellar_bytes, CONFIG_SIZE), .fallback = "64MiB", .min = 1024,
      .doc = "Room." },
    { CONFIG_FIELD(Shop, discount, CONFIG_CUSTOM), .fallback = "10%", .parse = share_parse,
      .expected = "a number or a percentage", .doc = "Given to friends." },
    { CONFIG_FIELD(Shop, lamp, CONFIG_TABLE), .table = &LAMP, .doc = "Over the door." },
    { CONFIG_FIELD_COUNTED(Shop, guests, guest_count, CONFIG_STRING_LIST), .fallback = "[\"*\"]",
      .doc = "Who may come in." },
    { CONFIG_FIELD_COUNTED(Shop, shelves, shelf_count, CONFIG_TABLE_LIST), .is_required = true,
      .min = 1, .max = 3, .table = &SHELF, .doc = "From the top down." },
};
static const ConfigTable SHOP = CONFIG_TABLE_OF("the shop", Shop, SHOP_FIELDS);

#define MINIMAL "owner: Ann\nshelves: [{name: top}]\n"

static ErrCode read_bytes(const char *text, size_t length, Shop *shop, Arena *arena, Err *err)
{
    AUTO_PTR(ConfigDocument) document = NULL;
    ErrCode code = config_parse("shop.yaml", text, length, &document, err);
    return code == ERR_NONE ? config_read(document, &SHOP, shop, arena, err) : code;
}

static ErrCode read_text(const char *text, Shop *shop, Arena *arena, Err *err)
{
    return read_bytes(text, strlen(text), shop, arena, err);
}

static void the_tables_of_this_test_are_sound(void **state)
{
    (void)state;
    Err err = { 0 };
    assert_int_equal(config_check_table(&SHOP, &err), ERR_NONE);
}

static void every_type_is_read(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Shop shop;
    Err err = { 0 };
    const char *text = "owner: \"Ann: the first\"\n"
                       "balance: -7\n"
                       "cellar: 2GiB\n"
                       "discount: 25\n"
                       "lamp: { on: no, warm_up: 1m }\n"
                       "guests: [5, 'b c']\n"
                       "shelves:\n"
                       "  - name: top\n"
                       "    fruit: pear\n"
                       "    labels: { z: 1, a: two }\n"
                       "  - { name: low, boxes: 3 }\n";
    assert_int_equal(read_text(text, &shop, &arena, &err), ERR_NONE);
    assert_string_equal(shop.owner, "Ann: the first");
    assert_int_equal(shop.balance, -7);
    assert_int_equal(shop.cellar_bytes, 2147483648u);
    assert_int_equal(shop.discount.value, 25);
    assert_false(shop.discount.is_percent);
    assert_false(shop.lamp.is_on);
    assert_int_equal(shop.lamp.warm_up_ms, 60000);
    assert_int_equal(shop.guest_count, 2);
    assert_string_equal(shop.guests[0], "5");
    assert_string_equal(shop.guests[1], "b c");
    assert_int_equal(shop.shelf_count, 2);
    assert_int_equal(shop.shelves[0].fruit, FRUIT_PEAR);
    assert_int_equal(shop.shelves[0].label_count, 2);
    assert_string_equal(shop.shelves[0].labels[0].name, "a");
    assert_string_equal(shop.shelves[0].labels[1].value, "1");
    assert_int_equal(shop.shelves[1].boxes, 3);
}

static void absent_keys_have_their_defaults(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Shop shop;
    Err err = { 0 };
    assert_int_equal(read_text(MINIMAL, &shop, &arena, &err), ERR_NONE);
    assert_int_equal(shop.cellar_bytes, 64 * 1024 * 1024);
    assert_true(shop.discount.is_percent);
    assert_true(shop.lamp.is_on);
    assert_int_equal(shop.lamp.warm_up_ms, 5000);
    assert_int_equal(shop.guest_count, 1);
    assert_string_equal(shop.guests[0], "*");
    assert_int_equal(shop.shelves[0].boxes, 8);
    assert_int_equal(shop.shelves[0].fruit, FRUIT_APPLE);
    assert_int_equal(shop.shelves[0].label_count, 0);
}

static void an_alias_means_what_it_stands_for(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Shop shop;
    Err err = { 0 };
    const char *text = "owner: A\nshelves:\n - name: top\n   labels: &l {a: b}\n"
                       " - {name: low, labels: *l}\n";
    assert_int_equal(read_text(text, &shop, &arena, &err), ERR_NONE);
    assert_string_equal(shop.shelves[1].labels[0].value, "b");
}

typedef struct Refusal {
    const char *text;
    const char *message;
    const char *hint;
} Refusal;

static const Refusal REFUSALS[] = {
    { "", "shop.yaml:1:1: 'owner' is missing in the shop", "for example `owner: Ann Lee`" },
    { "# nothing\n---\n", "shop.yaml:1:1: 'owner' is missing in the shop",
      "for example `owner: Ann Lee`" },
    { "owner: Ann\nshelves:\n  - name: top\n    boxes: many\n",
      "shop.yaml:4:12: 'boxes' wants a whole number from 1 to 100, found 'many'",
      "for example `boxes: 8`" },
    { "owner: Ann\nshelves: [{name: top, boxes: 101}]\n",
      "shop.yaml:2:30: 'boxes' wants a whole number from 1 to 100, found '101'",
      "for example `boxes: 8`" },
    { "owner: Ann\nshelves: [{boxes: 1}]\n", "shop.yaml:2:11: 'name' is missing in a shelf",
      "for example `name: top`" },
    { "owner: Ann\nshelfs: []\n", "shop.yaml:2:1: unknown key 'shelfs' in the shop",
      "did you mean 'shelves'?" },
    { "owner: Ann\nlamp: {colour: red}\n", "shop.yaml:2:8: unknown key 'colour' in the lamp",
      "known keys: on, warm_up" },
    { "owner: Ann\nbalance: 0\nowner: Bob\n",
      "shop.yaml:3:1: 'owner' is set twice, first on line 1", "remove one of the two" },
    { "owner: A\nshelves: [{name: a, labels: {x: 1, x: 2}}]\n",
      "shop.yaml:2:36: 'x' is set twice, first on line 2", "remove one of the two" },
    { "balance: 1\n", "shop.yaml:1:10: 'balance' wants a whole number from -1000 to 0, found '1'",
      "for example `balance: 0`" },
    { "balance: -1001\n",
      "shop.yaml:1:10: 'balance' wants a whole number from -1000 to 0, found '-1001'",
      "for example `balance: 0`" },
    { "owner: [a]\n", "shop.yaml:1:8: 'owner' wants text, found a list",
      "for example `owner: Ann Lee`" },
    { "owner:\n", "shop.yaml:1:7: 'owner' wants text, found nothing",
      "for example `owner: Ann Lee`" },
    { "owner: ~\n", "shop.yaml:1:8: 'owner' wants text, found nothing",
      "for example `owner: Ann Lee`" },
    { "lamp: on\n", "shop.yaml:1:7: 'lamp' wants a mapping of keys to values, found a single value",
      "for example `lamp: { on: yes }`" },
    { "lamp: { warm_up: 5 }\n",
      "shop.yaml:1:18: 'warm_up' wants a duration like 500ms, 2s, 5m, 2h or 1d, from 1s to 1m, "
      "found '5'",
      "a number has its unit behind it: `500ms`, `5s`, `5m`" },
    { "lamp: { warm_up: 2m }\n",
      "shop.yaml:1:18: 'warm_up' wants a duration like 500ms, 2s, 5m, 2h or 1d, from 1s to 1m, "
      "found '2m'",
      "for example `warm_up: 5s`" },
    { "lamp: { on: perhaps }\n", "shop.yaml:1:13: 'on' wants true or false, found 'perhaps'",
      "for example `on: yes`" },
    { "cellar: 12\n",
      "shop.yaml:1:9: 'cellar' wants a size like 512KiB or 64MiB, at least 1KiB, found '12'",
      "a number has its unit behind it: `512KiB`, `64MiB`" },
    { "discount: 10x\n", "shop.yaml:1:11: 'discount' is refused: neither a number nor a percentage",
      "for example `discount: 10%`" },
    { "guests: [a, [b]]\n", "shop.yaml:1:13: 'guests[1]' wants text, found a list",
      "for example `guests: [\"*\"]`" },
    { "guests: a\n", "shop.yaml:1:9: 'guests' wants a list of texts, found a single value",
      "for example `guests: [\"*\"]`" },
    { "shelves: []\n",
      "shop.yaml:1:10: 'shelves' wants a list of mappings, 1 to 3 of them, found 0",
      "for example `shelves: [ { name: top } ]`" },
    { "shelves: [top]\n",
      "shop.yaml:1:11: a shelf is a mapping of keys to values, found a single value",
      "for example `name: top`" },
    { "shelves: [{name: top, fruit: paer}]\n",
      "shop.yaml:1:30: 'fruit' wants one of apple or pear, found 'paer'", "did you mean 'pear'?" },
    { "shelves: [{name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}]\n",
      "shop.yaml:1:18: 'name' wants text of 1 to 20 bytes, found 30 bytes",
      "for example `name: top`" },
    { "- a\n- b\n", "shop.yaml:1:1: the shop is a mapping of keys to values, found a list",
      "for example `owner: Ann Lee`" },
    { "owner: A\n---\nowner: B\n", "shop.yaml:3:1: a second document begins here",
      "one file holds one document: remove the '---' in the middle" },
    { "owner: !!int 5\n", "shop.yaml:1:8: the tag 'tag:yaml.org,2002:int' means nothing here",
      "remove the tag and write the value alone" },
    { "shelves:\n - &a {name: x}\n - {<<: *a}\n", "shop.yaml:3:5: merge keys are not understood",
      "write the keys out, or use an alias for a whole value" },
    { "owner: \"a\\0b\"\n", "shop.yaml:1:8: 'owner' holds a NUL byte", "" },
    { "[a]: b\n", "shop.yaml:1:1: a key must be a plain word", "" },
    { "lamp:\n\ton: yes\n",
      "shop.yaml:2:1: not valid YAML: found character that cannot start any token",
      "YAML is indented with spaces, never with tabs" },
    { "owner: Ann\n  lamp: x\n",
      "shop.yaml:2:7: not valid YAML: mapping values are not allowed in this context",
      "keys of one mapping begin in one column, and a dash of a list has a blank after it" },
    { "owner: Ann\nlamp\n", "shop.yaml:2:1: not valid YAML: could not find expected ':'",
      "a key ends in a colon and a blank: `key: value`" },
    { "owner: 'Ann\n", "shop.yaml:1:8: not valid YAML: found unexpected end of stream",
      "a quote or a bracket is not closed" },
    { "owner: *nobody\n", "shop.yaml:1:8: not valid YAML: found undefined alias", "" },
    { "owner: J\xf6rg\n", "shop.yaml:1:9: the text is not UTF-8", "save the file as UTF-8" },
    { "owner: a\x01"
      "b\n",
      "shop.yaml:1:9: a control character, which YAML does not allow", "" },
};

static void what_is_wrong_is_said_with_its_place_and_a_remedy(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
        AUTO(Arena) arena = { 0 };
        Shop shop;
        Err err = { 0 };
        assert_int_equal(read_text(REFUSALS[i].text, &shop, &arena, &err), ERR_CONFIG);
        assert_string_equal(err.message, REFUSALS[i].message);
        assert_string_equal(err.hint, REFUSALS[i].hint);
    }
}

static void a_byte_order_mark_is_no_error(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Shop shop;
    Err err = { 0 };
    assert_int_equal(read_text("\xEF\xBB\xBF" MINIMAL, &shop, &arena, &err), ERR_NONE);
    assert_string_equal(shop.owner, "Ann");
}

static void utf16_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Shop shop;
    Err err = { 0 };
    assert_int_equal(read_bytes("\xFF\xFE"
                                "a\0:\0",
                                6, &shop, &arena, &err),
                     ERR_CONFIG);
    assert_string_equal(err.message, "shop.yaml:1:1: the text is not UTF-8");
}

static void more_than_the_limit_is_refused_before_it_is_parsed(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    char *text = arena_alloc(&arena, CONFIG_BYTES_MAX + 1);
    memset(text, '#', CONFIG_BYTES_MAX + 1);
    Shop shop;
    Err err = { 0 };
    assert_int_equal(read_bytes(text, CONFIG_BYTES_MAX + 1, &shop, &arena, &err), ERR_LIMIT);
    assert_int_equal(read_bytes(text, CONFIG_BYTES_MAX, &shop, &arena, &err), ERR_CONFIG);
}

static void deep_nesting_is_an_error_and_no_crash(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    str_append(&text, "guests: ");
    for (int i = 0; i < 5000; i++) {
        str_append_char(&text, '[');
    }
    Shop shop;
    Err err = { 0 };
    assert_int_equal(read_text(str_text(&text), &shop, &arena, &err), ERR_CONFIG);
    assert_string_equal(err.message, "shop.yaml:1:72: nested deeper than 64 levels");
}

typedef struct Crate {
    const char **items;
    size_t item_count;
} Crate;

typedef struct Barn {
    Crate *crates;
    size_t crate_count;
} Barn;

static const ConfigField CRATE_FIELDS[] = {
    { CONFIG_FIELD_COUNTED(Crate, items, item_count, CONFIG_STRING_LIST), .doc = "d",
      .example = "[a]" },
};
static const ConfigTable CRATE = CONFIG_TABLE_OF("a crate", Crate, CRATE_FIELDS);
static const ConfigField BARN_FIELDS[] = {
    { CONFIG_FIELD_COUNTED(Barn, crates, crate_count, CONFIG_TABLE_LIST), .doc = "d",
      .table = &CRATE },
};
static const ConfigTable BARN = CONFIG_TABLE_OF("a barn", Barn, BARN_FIELDS);

static void aliases_cannot_make_a_small_file_large(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    str_append(&text, "crates:\n - &c {items: [a");
    for (int i = 0; i < 1000; i++) {
        str_append(&text, ",a");
    }
    str_append(&text, "]}\n");
    for (int i = 0; i < 1000; i++) {
        str_append(&text, " - *c\n");
    }
    AUTO_PTR(ConfigDocument) document = NULL;
    Barn barn;
    Err err = { 0 };
    assert_int_equal(config_parse("b", text.data, text.length, &document, &err), ERR_NONE);
    assert_int_equal(config_read(document, &BARN, &barn, &arena, &err), ERR_CONFIG);
    assert_non_null(strstr(err.message, "more than 100000 values"));
}

static void an_alias_to_itself_ends(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Shop shop;
    Err err = { 0 };
    assert_int_equal(read_text("guests: &a [*a]\n", &shop, &arena, &err), ERR_CONFIG);
    assert_int_equal(read_text("lamp: &a {lamp: *a}\n", &shop, &arena, &err), ERR_CONFIG);
}

static void a_refused_text_is_not_shown(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Shop shop;
    Err err = { 0 };
    read_text("shelves: [{name: password=geheim-geheim-geheim}]\n", &shop, &arena, &err);
    assert_null(strstr(err.message, "geheim"));
    read_text("discount: geheim\n", &shop, &arena, &err);
    assert_null(strstr(err.message, "geheim"));
}

typedef struct Place {
    const char *path;
    bool is_written;
    size_t line;
    size_t column;
} Place;

static void a_path_leads_to_the_value_or_to_what_encloses_it(void **state)
{
    (void)state;
    static const Place PLACES[] = {
        { "owner", true, 1, 8 },
        { "shelves[1].name", true, 4, 11 },
        { "shelves[1]", true, 4, 5 },
        { "shelves[1].boxes", false, 4, 5 },
        { "shelves[7].name", false, 3, 3 },
        { "lamp.on", false, 1, 1 },
        { "owner.x[0]", false, 1, 8 },
        { "", true, 1, 1 },
        { "shelves[", false, 3, 3 },
    };
    static const char TEXT[] = "owner: A\nshelves:\n  - name: x\n  - name: y\n";
    AUTO_PTR(ConfigDocument) document = NULL;
    Err err = { 0 };
    assert_int_equal(config_parse("s", TEXT, strlen(TEXT), &document, &err), ERR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
        size_t line = 0;
        size_t column = 0;
        config_locate(document, PLACES[i].path, &line, &column);
        assert_int_equal(config_has(document, PLACES[i].path), PLACES[i].is_written);
        assert_int_equal(line, PLACES[i].line);
        assert_int_equal(column, PLACES[i].column);
    }
}

static void a_callers_own_error_points_into_the_file(void **state)
{
    (void)state;
    AUTO_PTR(ConfigDocument) document = NULL;
    Err err = { 0 };
    assert_int_equal(config_parse("s.yaml", MINIMAL, strlen(MINIMAL), &document, &err), ERR_NONE);
    ErrCode code = config_error_at(document, "shelves[0].name", &err, "'%s' is taken", "top");
    assert_int_equal(code, ERR_CONFIG);
    assert_string_equal(err.message, "s.yaml:2:18: 'top' is taken");
}

static void a_file_that_is_not_there_names_its_path(void **state)
{
    (void)state;
    ConfigDocument *document = NULL;
    Err err = { 0 };
    assert_int_equal(config_open("/nowhere/shop.yaml", &document, &err), ERR_NOT_FOUND);
    assert_string_equal(err.message, "cannot open '/nowhere/shop.yaml': No such file or directory");
}

static void the_sample_reads_by_its_own_table(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) sample = { 0 };
    Shop shop;
    Err err = { 0 };
    config_print_sample(&SHOP, &sample);
    assert_int_equal(read_text(str_text(&sample), &shop, &arena, &err), ERR_NONE);
    assert_string_equal(shop.owner, "Ann Lee");
}

/* Removes the first '#' of lines that are commented-out YAML ("#key", not "# words"). */
static void uncomment(const char *text, Str *out)
{
    for (bool is_start = true; *text != '\0'; text++) {
        bool is_marker = is_start && *text == '#' && text[1] != ' ';
        bool is_deep = is_start && *text == '#' && strncmp(text, "#  ", 3) == 0;
        if (!is_marker && !is_deep) {
            str_append_char(out, *text);
        }
        is_start = *text == '\n' || (is_start && *text == ' ');
    }
}

static void the_sample_reads_with_its_options_uncommented(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) sample = { 0 };
    AUTO(Str) once = { 0 };
    AUTO(Str) twice = { 0 };
    Shop shop;
    Err err = { 0 };
    config_print_sample(&SHOP, &sample);
    uncomment(str_text(&sample), &once);
    uncomment(str_text(&once), &twice);
    assert_int_equal(read_text(str_text(&twice), &shop, &arena, &err), ERR_NONE);
    assert_int_equal(shop.lamp.warm_up_ms, 5000);
    assert_string_equal(shop.shelves[0].labels[0].value, "old");
}

typedef struct ProseShop {
    const char *name;
} ProseShop;

static const ConfigField PROSE_FIELDS[] = {
    { CONFIG_FIELD(ProseShop, name, CONFIG_STRING), .example = "corner",
      .doc = "One line\n and  another.\n\nAnd a last." },
};

static const ConfigTable PROSE = {
    .name = "a shop",
    .doc = "A head\nof two lines.\n",
    .struct_bytes = sizeof(ProseShop),
    .fields = PROSE_FIELDS,
    .field_count = 1,
};

static void prose_of_several_lines_stays_a_comment(void **state)
{
    (void)state;
    AUTO(Str) sample = { 0 };
    config_print_sample(&PROSE, &sample);
    assert_string_equal(str_text(&sample), "# A head\n"
                                           "# of two lines.\n"
                                           "\n"
                                           "# One line\n"
                                           "# and another.\n"
                                           "#\n"
                                           "# And a last.\n"
                                           "# Text. Optional.\n"
                                           "#name: corner\n");
}

static void the_sample_explains_every_key(void **state)
{
    (void)state;
    static const char EXPECTED[] = "# Room.\n"
                                   "# A size like 512KiB or 64MiB, at least 1KiB. Default: 64MiB.\n"
                                   "#cellar: 64MiB\n";
    static const char EXPECTED_LIST[] = "# From the top down.\n"
                                        "# A list of mappings, 1 to 3 of them. Required.\n"
                                        "shelves:\n"
                                        "    # What it is called.\n"
                                        "    # Text of 1 to 20 bytes. Required.\n"
                                        "  - name: top\n"
                                        "\n"
                                        "    # How many boxes stand on it.\n"
                                        "    # A whole number from 1 to 100. Default: 8 boxes.\n"
                                        "    #boxes: 8\n";
    AUTO(Str) sample = { 0 };
    config_print_sample(&SHOP, &sample);
    assert_non_null(strstr(str_text(&sample), EXPECTED));
    assert_non_null(strstr(str_text(&sample), EXPECTED_LIST));
}

static void unsound_tables_are_found(void **state)
{
    (void)state;
    static const ConfigField ROWS[] = {
        { CONFIG_FIELD(Shelf, boxes, CONFIG_INTEGER), .fallback = "0", .min = 1, .max = 9,
          .doc = "d" },
        { CONFIG_FIELD(Shelf, boxes, CONFIG_INTEGER), .fallback = "1" },
        { CONFIG_FIELD(Shelf, boxes, CONFIG_STRING), .fallback = "1", .doc = "d" },
        { CONFIG_FIELD(Shelf, boxes, CONFIG_INTEGER), .doc = "d" },
        { CONFIG_FIELD(Shelf, boxes, CONFIG_INTEGER), .fallback = "1", .is_required = true,
          .example = "1", .doc = "d" },
        { CONFIG_FIELD(Shelf, fruit, CONFIG_ENUM), .fallback = "apple", .doc = "d" },
        { CONFIG_FIELD_COUNTED(Shelf, labels, label_count, CONFIG_STRING_MAP), .doc = "d",
          .example = "[a]" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        ConfigTable table = {
            .name = "t", .struct_bytes = sizeof(Shelf), .fields = &ROWS[i], .field_count = 1
        };
        Err err = { 0 };
        assert_int_equal(config_check_table(&table, &err), ERR_INTERNAL);
    }
    ConfigTable doubled = {
        .name = "t", .struct_bytes = sizeof(Lamp), .fields = LAMP_FIELDS, .field_count = 2
    };
    ConfigField twice[] = { LAMP_FIELDS[0], LAMP_FIELDS[0] };
    doubled.fields = twice;
    Err err = { 0 };
    assert_int_equal(config_check_table(&doubled, &err), ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_of_this_test_are_sound),
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(absent_keys_have_their_defaults),
        cmocka_unit_test(an_alias_means_what_it_stands_for),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place_and_a_remedy),
        cmocka_unit_test(a_byte_order_mark_is_no_error),
        cmocka_unit_test(utf16_is_refused),
        cmocka_unit_test(more_than_the_limit_is_refused_before_it_is_parsed),
        cmocka_unit_test(deep_nesting_is_an_error_and_no_crash),
        cmocka_unit_test(aliases_cannot_make_a_small_file_large),
        cmocka_unit_test(an_alias_to_itself_ends),
        cmocka_unit_test(a_refused_text_is_not_shown),
        cmocka_unit_test(a_path_leads_to_the_value_or_to_what_encloses_it),
        cmocka_unit_test(a_callers_own_error_points_into_the_file),
        cmocka_unit_test(a_file_that_is_not_there_names_its_path),
        cmocka_unit_test(the_sample_reads_by_its_own_table),
        cmocka_unit_test(the_sample_reads_with_its_options_uncommented),
        cmocka_unit_test(the_sample_explains_every_key),
        cmocka_unit_test(prose_of_several_lines_stays_a_comment),
        cmocka_unit_test(unsound_tables_are_found),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
