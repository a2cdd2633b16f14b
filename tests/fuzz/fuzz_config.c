/* YAML by a table that has a field of every type. What is asked of it: config_value.h. */
#include "fuzz.h"

#include <inttypes.h>
#include <string.h>

#include "config_value.h"

typedef enum Season {
    SEASON_WINTER = 0,
    SEASON_SUMMER,
} Season;

typedef struct Inner {
    const char *name;
    const char **words;
    size_t word_count;
    bool flag;
} Inner;

typedef struct Every {
    const char *text;
    const char *checked;
    bool flag;
    uint32_t small;
    int64_t large;
    uint64_t natural;
    uint32_t wait_ms;
    uint64_t room_bytes;
    Season season;
    uint32_t colour;
    const char **words;
    size_t word_count;
    ConfigPair *labels;
    size_t label_count;
    Inner inner;
    Inner *inners;
    size_t inner_count;
} Every;

static ErrCode check_no_blank(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)ret;
    (void)arena;
    return strchr(text, ' ') == NULL ? ERR_NONE : err_set(err, ERR_CONFIG, "holds a blank");
}

static ErrCode parse_colour(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)arena;
    uint8_t bytes[3];
    if (!hex_decode(text, bytes, sizeof(bytes))) {
        return err_set(err, ERR_CONFIG, "is no colour");
    }
    *(uint32_t *)ret = (uint32_t)(bytes[0] << 16 | bytes[1] << 8 | bytes[2]);
    return ERR_NONE;
}

void config_value_write_custom(const ConfigField *field, const void *member, Str *out)
{
    (void)field;
    uint32_t colour = 0;
    memcpy(&colour, member, sizeof(colour));
    FUZZ_REQUIRE(colour <= 0xFFFFFF);
    str_printf(out, "'%06" PRIx32 "'", colour);
}

static const ConfigField INNER_FIELDS[] = {
    { CONFIG_FIELD(Inner, name, CONFIG_STRING), .is_required = true, .min = 1, .max = 8,
      .example = "a", .doc = "A name." },
    { CONFIG_FIELD_COUNTED(Inner, words, word_count, CONFIG_STRING_LIST), .max = 4,
      .doc = "Words." },
    { CONFIG_FIELD(Inner, flag, CONFIG_BOOL), .fallback = "true", .doc = "A flag." },
};
static const ConfigTable INNER = CONFIG_TABLE_OF("an inner", Inner, INNER_FIELDS);

/* Nested without a required key: an absent table has its defaults. */
static const ConfigField OPTIONAL_FIELDS[] = {
    { CONFIG_FIELD(Inner, name, CONFIG_STRING), .fallback = "größe", .max = 16, .doc = "A name." },
    { CONFIG_FIELD_COUNTED(Inner, words, word_count, CONFIG_STRING_LIST), .fallback = "[a, 'b c']",
      .min = 1, .max = 4, .doc = "Words." },
};
static const ConfigTable OPTIONAL = CONFIG_TABLE_OF("an optional", Inner, OPTIONAL_FIELDS);

static const ConfigName SEASONS[] = { { "winter", SEASON_WINTER }, { "summer", SEASON_SUMMER } };

static const ConfigField FIELDS[] = {
    { CONFIG_FIELD(Every, text, CONFIG_STRING), .is_required = true, .min = 1, .max = 20,
      .example = "abc", .doc = "A text." },
    { CONFIG_FIELD(Every, checked, CONFIG_STRING), .min = 2, .parse = check_no_blank,
      .doc = "A text without blanks." },
    { CONFIG_FIELD(Every, flag, CONFIG_BOOL), .doc = "A flag." },
    { CONFIG_FIELD(Every, small, CONFIG_INTEGER), .fallback = "7", .min = 1, .max = 100,
      .unit = "things", .doc = "A number." },
    { CONFIG_FIELD(Every, large, CONFIG_INTEGER), .min = -5, .max = 1000000000000,
      .doc = "One more." },
    { CONFIG_FIELD(Every, natural, CONFIG_INTEGER), .doc = "Of any size." },
    { CONFIG_FIELD_AS("wait", Every, wait_ms, CONFIG_DURATION), .fallback = "5s", .min = 10,
      .max = 86400000, .doc = "A duration." },
    { CONFIG_FIELD_AS("room", Every, room_bytes, CONFIG_SIZE), .fallback = "64MiB", .min = 1024,
      .doc = "A size." },
    { CONFIG_FIELD(Every, season, CONFIG_ENUM), .fallback = "summer", .names = SEASONS,
      .name_count = ARRAY_LEN(SEASONS), .doc = "A season." },
    { CONFIG_FIELD(Every, colour, CONFIG_CUSTOM), .fallback = "ff0000", .expected = "a colour",
      .parse = parse_colour, .doc = "A colour." },
    { CONFIG_FIELD_COUNTED(Every, words, word_count, CONFIG_STRING_LIST), .min = 1, .max = 5,
      .example = "[a, b]", .doc = "Words." },
    { CONFIG_FIELD_COUNTED(Every, labels, label_count, CONFIG_STRING_MAP), .max = 5,
      .example = "{ a: b }", .doc = "Labels." },
    { CONFIG_FIELD(Every, inner, CONFIG_TABLE), .table = &OPTIONAL, .doc = "One inside." },
    { CONFIG_FIELD_COUNTED(Every, inners, inner_count, CONFIG_TABLE_LIST), .max = 3,
      .table = &INNER, .doc = "Several inside." },
};
static const ConfigTable EVERY = CONFIG_TABLE_OF("every type", Every, FIELDS);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    config_value_try(&EVERY, data, size);
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    static const char *const SEEDS[] = {
        "text: abc\nchecked: a-b\nflag: yes\nsmall: 100\nlarge: -5\nnatural: 9223372036854775807\n"
        "wait: 90s\nroom: 1 GB\nseason: winter\ncolour: '00ff7f'\nwords: [a, \"b\\u00e9\"]\n"
        "labels: { b: x, a: '' }\ninner: { name: x, words: [y] }\ninners:\n"
        "  - name: one\n    words:\n      - w\n  - { name: two, flag: off }\n",
        "# all aliases\ntext: &t abc\nwords: &w [*t, *t]\ninner: &i { words: *w }\ninners:\n"
        "  - name: *t\n    words: *w\nlabels:\n  a: *t\n",
        "\xEF\xBB\xBF---\ntext: |\n  two\n  lines\nchecked: >-\n  folded\n  text\nlabels:\n  ? long\n"
        "  : 'it''s'\n...\n",
        "{text: \"\\x41\\u00e9\\U0001F986\\n\", labels: {\"größe\": !!str 7, ~: null}}\n",
        "%YAML 1.1\n---\ntext: x\ntext: y\n---\nsecond: document\n",
        "text: x\n<<: {flag: on}\nsmal: 7\n",
    };
    if (index == ARRAY_LEN(SEEDS)) {
        config_print_sample(&EVERY, out);
    } else if (index < ARRAY_LEN(SEEDS)) {
        str_append(out, SEEDS[index]);
    }
    return index <= ARRAY_LEN(SEEDS);
}
