/* What config_read wrote, checked and written out by the table that it was read by. */
#include "config_value.h"

#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "common/units.h"
#include "common/utf8.h"
#include "fuzz.h"

#define NAME "fuzz.yaml"

static bool is_in_range(const ConfigField *field, int64_t value)
{
    bool has_max = field->max != 0 || field->min < 0;
    bool has_range = field->min != 0 || field->max != 0;
    return !has_range || (value >= field->min && (!has_max || value <= field->max));
}

/* What nobody has written is the type's nothing, even where a written one must be longer. */
static bool is_unset(const ConfigField *field, size_t length)
{
    return length == 0 && field->fallback == NULL && !field->is_required;
}

static int64_t integer_at(const ConfigField *field, const char *member)
{
    uint32_t small = 0;
    int64_t large = 0;
    if (field->member_bytes == sizeof(small)) {
        memcpy(&small, member, sizeof(small));
        return small;
    }
    memcpy(&large, member, sizeof(large));
    return large;
}

/* ---- text ---- */

/* In double quotes, everything beyond plain ASCII by its number: YAML breaks lines at U+0085. */
static void write_text(const char *text, Str *out)
{
    size_t length = strlen(text);
    FUZZ_REQUIRE(utf8_is_valid(text, length));
    str_append_char(out, '"');
    for (size_t at = 0; at < length;) {
        size_t step = utf8_character(text + at, length - at);
        uint32_t point = (uint8_t)text[at] & (step == 1 ? 0x7Fu : 0xFFu >> (step + 1));
        for (size_t i = 1; i < step; i++) {
            point = point << 6 | ((uint8_t)text[at + i] & 0x3Fu);
        }
        str_printf(out, "\\U%08" PRIX32, point);
        at += step;
    }
    str_append_char(out, '"');
}

static void write_string(const ConfigField *field, const char *member, Str *out)
{
    const char *text = NULL;
    memcpy(&text, member, sizeof(text));
    FUZZ_REQUIRE(text != NULL);
    FUZZ_REQUIRE(is_in_range(field, (int64_t)strlen(text)) || is_unset(field, strlen(text)));
    write_text(text, out);
}

static void write_integer(const ConfigField *field, const char *member, Str *out)
{
    int64_t value = integer_at(field, member);
    FUZZ_REQUIRE(is_in_range(field, value) || is_unset(field, value != 0));
    str_printf(out, "%" PRId64, value);
}

static void write_duration(const ConfigField *field, const char *member, Str *out)
{
    char text[DURATION_TEXT_MAX];
    int64_t value = integer_at(field, member);
    FUZZ_REQUIRE(is_in_range(field, value) || is_unset(field, value != 0));
    duration_write((uint32_t)value, text);
    str_append(out, text);
}

static void write_size(const ConfigField *field, const char *member, Str *out)
{
    char text[SIZE_TEXT_MAX];
    int64_t value = integer_at(field, member);
    FUZZ_REQUIRE(is_in_range(field, value) || is_unset(field, value != 0));
    size_write((uint64_t)value, text);
    str_append(out, text);
}

static void write_bool(const ConfigField *field, const char *member, Str *out)
{
    (void)field;
    FUZZ_REQUIRE((uint8_t)*member <= 1);
    str_append(out, *member != 0 ? "on" : "No");
}

static void write_enum(const ConfigField *field, const char *member, Str *out)
{
    uint32_t value = 0;
    memcpy(&value, member, sizeof(value));
    for (size_t i = 0; i < field->name_count; i++) {
        if (field->names[i].value == value) {
            str_append(out, field->names[i].name);
            return;
        }
    }
    FUZZ_REQUIRE(is_unset(field, value != 0));
}

static void write_custom(const ConfigField *field, const char *member, Str *out)
{
    config_value_write_custom(field, member, out);
}

/* ---- lists ---- */

static size_t count_at(const ConfigField *field, const char *base)
{
    size_t count = 0;
    memcpy(&count, base + field->count_offset, sizeof(count));
    FUZZ_REQUIRE(is_in_range(field, (int64_t)count) || is_unset(field, count));
    FUZZ_REQUIRE(count <= CONFIG_VALUES_MAX);
    return count;
}

static void write_string_list(const ConfigField *field, const char *base, Str *out)
{
    const char **items = NULL;
    size_t count = count_at(field, base);
    memcpy(&items, base + field->offset, sizeof(items));
    str_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        write_text(items[i], out);
        str_append_char(out, ',');
    }
    str_append_char(out, ']');
}

static void write_string_map(const ConfigField *field, const char *base, Str *out)
{
    const ConfigPair *pairs = NULL;
    size_t count = count_at(field, base);
    memcpy(&pairs, base + field->offset, sizeof(pairs));
    str_append_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        FUZZ_REQUIRE(pairs[i].name[0] != '\0');
        FUZZ_REQUIRE(i == 0 || strcmp(pairs[i - 1].name, pairs[i].name) < 0);
        str_append(out, "? "); /* without it a key is short and on one line */
        write_text(pairs[i].name, out);
        str_append(out, " : ");
        write_text(pairs[i].value, out);
        str_append_char(out, ',');
    }
    str_append_char(out, '}');
}

static void write_table(const ConfigTable *table, const char *base, Str *out);

static void write_table_list(const ConfigField *field, const char *base, Str *out)
{
    const char *items = NULL;
    size_t count = count_at(field, base);
    memcpy(&items, base + field->offset, sizeof(items));
    str_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        write_table(field->table, items + i * field->table->struct_bytes, out);
        str_append_char(out, ',');
    }
    str_append_char(out, ']');
}

static void write_inner(const ConfigField *field, const char *base, Str *out)
{
    write_table(field->table, base + field->offset, out);
}

/* ---- by the table ---- */

/* Scalars get their member, the others the struct that holds it. */
static const struct {
    void (*scalar)(const ConfigField *field, const char *member, Str *out);
    void (*other)(const ConfigField *field, const char *base, Str *out);
} WRITERS[CONFIG_TYPE_COUNT_] = {
    [CONFIG_STRING] = { .scalar = write_string },
    [CONFIG_BOOL] = { .scalar = write_bool },
    [CONFIG_INTEGER] = { .scalar = write_integer },
    [CONFIG_DURATION] = { .scalar = write_duration },
    [CONFIG_SIZE] = { .scalar = write_size },
    [CONFIG_ENUM] = { .scalar = write_enum },
    [CONFIG_CUSTOM] = { .scalar = write_custom },
    [CONFIG_STRING_LIST] = { .other = write_string_list },
    [CONFIG_STRING_MAP] = { .other = write_string_map },
    [CONFIG_TABLE] = { .other = write_inner },
    [CONFIG_TABLE_LIST] = { .other = write_table_list },
};

/* Has the member a form that can be written? One that was left out, and is too small, has none. */
static bool is_writable(const ConfigField *field, const char *value)
{
    bool is_nothing = str_equal(value, "\"\"") || str_equal(value, "[]") ||
                      str_equal(value, "{}") || str_equal(value, "0") || str_equal(value, "0ms") ||
                      str_equal(value, "0B") || value[0] == '\0';
    bool is_table = field->type == CONFIG_TABLE;
    return is_table || !is_nothing || is_in_range(field, 0) || !is_unset(field, 0);
}

static void write_table(const ConfigTable *table, const char *base, Str *out)
{
    str_append_char(out, '{');
    for (size_t i = 0; i < table->field_count; i++) {
        AUTO(Str) value = { 0 };
        const ConfigField *field = &table->fields[i];
        if (WRITERS[field->type].scalar != NULL) {
            WRITERS[field->type].scalar(field, base + field->offset, &value);
        } else {
            WRITERS[field->type].other(field, base, &value);
        }
        if (is_writable(field, str_text(&value))) {
            str_printf(out, "%s: %s,\n", field->key, str_text(&value));
        }
    }
    str_append_char(out, '}');
}

static void require_round_trip(const ConfigTable *table, const char *value, Arena *arena)
{
    AUTO(Str) once = { 0 };
    AUTO(Str) twice = { 0 };
    AUTO_PTR(ConfigDocument) document = NULL;
    Err err;
    char *again = arena_alloc(arena, table->struct_bytes);
    write_table(table, value, &once);
    if (once.length > CONFIG_BYTES_MAX) {
        return; /* aliases made more of the input than a file can say without them */
    }
    FUZZ_REQUIRE(config_parse(NAME, once.data, once.length, &document, &err) == ERR_NONE);
    FUZZ_REQUIRE(config_read(document, table, again, arena, &err) == ERR_NONE);
    write_table(table, again, &twice);
    FUZZ_REQUIRE(str_equal(str_text(&once), str_text(&twice)));
}

/* Any path may be asked for; what is not written is at the nearest place that is. */
static void try_paths(const ConfigDocument *document, const ConfigTable *table)
{
    for (size_t i = 0; i < table->field_count; i++) {
        Err err = { 0 };
        AUTO(Str) path = { 0 };
        size_t line = 0;
        size_t column = 0;
        str_printf(&path, "%s[1].name", table->fields[i].key);
        config_locate(document, str_text(&path), &line, &column);
        FUZZ_REQUIRE(line > 0 && column > 0);
        FUZZ_REQUIRE(!config_has(document, str_text(&path)) ||
                     config_has(document, table->fields[i].key));
        config_error_at(document, str_text(&path), &err, "is wrong");
        check_position(&err, NAME);
    }
}

void config_value_try(const ConfigTable *table, const uint8_t *data, size_t size)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(ConfigDocument) document = NULL;
    Err err = { 0 };
    char *value = arena_alloc(&arena, table->struct_bytes);
    ErrCode code = config_parse(NAME, data, size, &document, &err);
    FUZZ_REQUIRE((code == ERR_NONE) == (document != NULL));
    if (code == ERR_NONE) {
        try_paths(document, table);
        code = config_read(document, table, value, &arena, &err);
    }
    if (code == ERR_NONE) {
        require_round_trip(table, value, &arena);
        return;
    }
    check_error(&err, code);
    FUZZ_REQUIRE(code == ERR_CONFIG);
    check_position(&err, NAME);
}
