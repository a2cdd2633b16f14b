/* One scalar: what a field wants in words, and the text that it gets. One row per type. */
#include "common/config_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>
#include <string.h>

#include "common/units.h"

typedef ErrCode (*ScalarRead)(const ConfigField *field, const char *text, void *member,
                              Arena *arena, Err *err);
typedef void (*NumberWrite)(int64_t value, Str *out);

typedef struct TypeRow {
    const char *wants; /* the words, before a range */
    NumberWrite write; /* of the range's ends; NULL: the words have no range */
    ScalarRead read;   /* NULL: not a scalar */
} TypeRow;

static ErrCode wants(const ConfigField *field, const char *text, Err *err)
{
    AUTO(Str) words = { 0 };
    config_describe(field, &words);
    char shown[CONFIG_TEXT_SHOWN + 1];
    text_format(shown, sizeof(shown), "%s", text);
    err_set(err, ERR_CONFIG, "wants %s, found '%s'", str_text(&words), shown);
    return ERR_CONFIG;
}

bool config_is_in_range(const ConfigField *field, int64_t value)
{
    if (field->min == 0 && field->max == 0) {
        return true;
    }
    bool has_max = field->max != 0 || field->min < 0;
    return value >= field->min && (!has_max || value <= field->max);
}

/* A text may be a connection string: it is never shown. */
static ErrCode read_string(const ConfigField *field, const char *text, void *member, Arena *arena,
                           Err *err)
{
    size_t length = strlen(text);
    if (!config_is_in_range(field, (int64_t)length)) {
        AUTO(Str) words = { 0 };
        config_describe(field, &words);
        return length == 0 ? err_set(err, ERR_CONFIG, "wants %s, found none", str_text(&words))
                           : err_set(err, ERR_CONFIG, "wants %s, found %zu bytes", str_text(&words),
                                     length);
    }
    const char **place = member;
    *place = arena_strdup(arena, text);
    if (field->parse == NULL) {
        return ERR_NONE;
    }
    ErrCode code = field->parse(text, member, arena, err);
    return code == ERR_NONE ? ERR_NONE : (err_wrap(err, "is refused"), code);
}

static ErrCode read_bool(const ConfigField *field, const char *text, void *member, Arena *arena,
                         Err *err)
{
    static const ConfigName NAMES[] = { { "true", 1 },  { "yes", 1 }, { "on", 1 },
                                        { "false", 0 }, { "no", 0 },  { "off", 0 } };
    (void)arena;
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (strcasecmp(NAMES[i].name, text) == 0) {
            *(bool *)member = NAMES[i].value != 0;
            return ERR_NONE;
        }
    }
    return wants(field, text, err);
}

static ErrCode read_integer(const ConfigField *field, const char *text, void *member, Arena *arena,
                            Err *err)
{
    (void)arena;
    int64_t least = field->min < 0 ? INT64_MIN : 0;
    int64_t most = field->member_bytes == sizeof(uint32_t) ? UINT32_MAX : INT64_MAX;
    int64_t value = 0;
    if (!str_to_int64(text, least, most, &value) || !config_is_in_range(field, value)) {
        return wants(field, text, err);
    }
    if (field->member_bytes == sizeof(uint32_t)) {
        *(uint32_t *)member = (uint32_t)value;
    } else {
        *(int64_t *)member = value;
    }
    return ERR_NONE;
}

/* The mistake that everybody makes once. */
static ErrCode wants_unit(const ConfigField *field, const char *text, const char *examples,
                          Err *err)
{
    wants(field, text, err);
    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
        err_hint(err, "a number has its unit behind it: %s", examples);
    }
    return ERR_CONFIG;
}

static ErrCode read_duration(const ConfigField *field, const char *text, void *member, Arena *arena,
                             Err *err)
{
    (void)arena;
    uint32_t value = 0;
    if (!duration_parse(text, &value) || !config_is_in_range(field, value)) {
        return wants_unit(field, text, "`500ms`, `5s`, `5m`", err);
    }
    *(uint32_t *)member = value;
    return ERR_NONE;
}

static ErrCode read_size(const ConfigField *field, const char *text, void *member, Arena *arena,
                         Err *err)
{
    (void)arena;
    uint64_t value = 0;
    if (!size_parse(text, &value) || value > INT64_MAX ||
        !config_is_in_range(field, (int64_t)value)) {
        return wants_unit(field, text, "`512KiB`, `64MiB`", err);
    }
    *(uint64_t *)member = value;
    return ERR_NONE;
}

static void suggest_name(const ConfigField *field, const char *text, Err *err)
{
    const char *names[CONFIG_FIELDS_MAX];
    size_t count = field->name_count < ARRAY_LEN(names) ? field->name_count : ARRAY_LEN(names);
    for (size_t i = 0; i < count; i++) {
        names[i] = field->names[i].name;
    }
    const char *nearest = str_nearest(text, names, count);
    if (nearest != NULL) {
        err_hint(err, "did you mean '%s'?", nearest);
    }
}

static ErrCode read_enum(const ConfigField *field, const char *text, void *member, Arena *arena,
                         Err *err)
{
    (void)arena;
    for (size_t i = 0; i < field->name_count; i++) {
        if (strcmp(field->names[i].name, text) == 0) {
            memcpy(member, &field->names[i].value, sizeof(uint32_t));
            return ERR_NONE;
        }
    }
    wants(field, text, err);
    suggest_name(field, text, err);
    return ERR_CONFIG;
}

static ErrCode read_custom(const ConfigField *field, const char *text, void *member, Arena *arena,
                           Err *err)
{
    ErrCode code = field->parse(text, member, arena, err);
    return code == ERR_NONE ? ERR_NONE : (err_wrap(err, "is refused"), code);
}

static void write_integer(int64_t value, Str *out)
{
    str_printf(out, "%" PRId64, value);
}

static void write_duration(int64_t value, Str *out)
{
    char text[DURATION_TEXT_MAX];
    duration_write((uint32_t)value, text);
    str_append(out, text);
}

static void write_size(int64_t value, Str *out)
{
    char text[SIZE_TEXT_MAX];
    size_write((uint64_t)value, text);
    str_append(out, text);
}

static const TypeRow TYPES[] = {
    [CONFIG_NONE] = { "nothing", NULL, NULL },
    [CONFIG_STRING] = { "text", NULL, read_string },
    [CONFIG_BOOL] = { "true or false", NULL, read_bool },
    [CONFIG_INTEGER] = { "a whole number", write_integer, read_integer },
    [CONFIG_DURATION] = { "a duration like 500ms, 2s, 5m, 2h or 1d", write_duration,
                          read_duration },
    [CONFIG_SIZE] = { "a size like 512KiB or 64MiB", write_size, read_size },
    [CONFIG_ENUM] = { "one of", NULL, read_enum },
    [CONFIG_CUSTOM] = { "a value", NULL, read_custom },
    [CONFIG_STRING_LIST] = { "a list of texts", NULL, NULL },
    [CONFIG_STRING_MAP] = { "a mapping of names to texts", NULL, NULL },
    [CONFIG_TABLE] = { "a mapping of keys to values", NULL, NULL },
    [CONFIG_TABLE_LIST] = { "a list of mappings", NULL, NULL },
};
_Static_assert(ARRAY_LEN(TYPES) == CONFIG_TYPE_COUNT_, "a type without a row");

bool config_is_scalar(ConfigType type)
{
    return TYPES[type].read != NULL;
}

static void describe_names(const ConfigField *field, Str *out)
{
    for (size_t i = 0; i < field->name_count; i++) {
        bool is_last = i + 1 == field->name_count;
        str_printf(out, "%s%s", i == 0 ? " " : is_last ? " or " : ", ", field->names[i].name);
    }
}

static void describe_range(const ConfigField *field, NumberWrite write, Str *out)
{
    if (field->min == 0 && field->max == 0) {
        return;
    }
    if (field->max == 0 && field->min > 0) {
        str_append(out, ", at least ");
        write(field->min, out);
        return;
    }
    str_append(out, field->type == CONFIG_INTEGER ? " from " : ", from ");
    write(field->min, out);
    str_append(out, " to ");
    write(field->max, out);
}

/* "text of 1 to 63 bytes", "a list of texts, 1 to 256 of them" */
static void describe_count(const ConfigField *field, Str *out)
{
    if (field->min == 0 && field->max == 0) {
        return;
    }
    bool is_text = field->type == CONFIG_STRING;
    str_append(out, is_text ? " of " : ", ");
    if (field->max == 0) {
        str_printf(out, "at least %" PRId64, field->min);
    } else if (field->min == 0) {
        str_printf(out, "at most %" PRId64, field->max);
    } else {
        str_printf(out, "%" PRId64 " to %" PRId64, field->min, field->max);
    }
    str_append(out, is_text ? " bytes" : " of them");
}

void config_describe(const ConfigField *field, Str *out)
{
    const TypeRow *row = &TYPES[field->type];
    str_append(out, field->expected == NULL ? row->wants : field->expected);
    if (field->type == CONFIG_ENUM) {
        describe_names(field, out);
    } else if (row->write != NULL) {
        describe_range(field, row->write, out);
    } else if (field->type == CONFIG_STRING || !config_is_scalar(field->type)) {
        describe_count(field, out);
    }
}

ErrCode config_read_scalar(const ConfigField *field, const char *text, void *member, Arena *arena,
                           Err *err)
{
    return TYPES[field->type].read(field, text, member, arena, err);
}
