/* What a table says of itself: the sample file, and whether the table is sound. */
#include "common/config_internal.h"

#include <ctype.h>
#include <string.h>

#include "common/json.h"

#define LINE_WIDTH 96
#define TABLE_DEPTH_MAX 8

/* ---- the sample file ---- */

static void print_table(const ConfigTable *table, Str *out);

/* Breaks `text` at blanks, and where it has line breaks itself, into lines of "# …". */
static void print_comment(const char *text, Str *out)
{
    size_t column = 1;
    str_append_char(out, '#');
    while (*text != '\0') {
        size_t length = strcspn(text, " \n");
        bool is_full = column > 1 && column + 1 + length > LINE_WIDTH;
        if (length > 0) {
            str_append(out, is_full ? "\n# " : " ");
            str_append_bytes(out, text, length);
            column = (is_full ? 1 : column) + 1 + length;
        }
        text += length;
        if (*text == '\n' && text[1] != '\0') {
            str_append(out, "\n#");
            column = 1;
        }
        text += *text != '\0';
    }
    str_append_char(out, '\n');
}

/* May the text stand in YAML without quotes? Rather too few than too many. */
static bool is_plain(const char *text)
{
    static const char SAFE[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./%+-:=";
    size_t length = strlen(text);
    return length > 0 && text[strspn(text, SAFE)] == '\0' && strchr("-:%=", text[0]) == NULL &&
           text[length - 1] != ':' && strcmp(text, "null") != 0;
}

static void print_text(const char *text, Str *out)
{
    if (is_plain(text)) {
        str_append(out, text);
    } else {
        json_quote(out, text); /* a JSON string is a YAML one */
    }
}

/* "A whole number from 1 to 100. Default: 8 connections." */
static void print_facts(const ConfigField *field, Str *out)
{
    AUTO(Str) facts = { 0 };
    config_describe(field, &facts);
    facts.data[0] = (char)toupper((unsigned char)facts.data[0]);
    if (field->is_required) {
        str_append(&facts, ". Required.");
    } else if (field->fallback != NULL && field->fallback[0] != '\0') {
        str_printf(&facts, ". Default: %s%s%s.", field->fallback, field->unit == NULL ? "" : " ",
                   field->unit == NULL ? "" : field->unit);
    } else {
        str_append(&facts, ". Optional.");
    }
    print_comment(str_text(&facts), out);
}

/* Appends each line of `block` behind `prefix`. */
static void print_indented(const char *block, const char *prefix, Str *out)
{
    while (*block != '\0') {
        size_t length = strcspn(block, "\n");
        if (length > 0) {
            str_append(out, prefix);
        }
        str_append_bytes(out, block, length);
        str_append_char(out, '\n');
        block += length + (block[length] == '\n');
    }
}

/* The dash goes to the first line that is no comment; the explanations stand above it. */
static void print_item(const ConfigTable *table, Str *out)
{
    AUTO(Str) block = { 0 };
    print_table(table, &block);
    bool has_dash = false;
    for (const char *line = str_text(&block); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        bool takes_dash = !has_dash && length > 0 && line[0] != '#';
        has_dash = has_dash || takes_dash;
        if (length > 0) {
            str_append(out, takes_dash ? "  - " : "    ");
        }
        str_append_bytes(out, line, length);
        str_append_char(out, '\n');
        line += length + (line[length] == '\n');
    }
    if (!has_dash) {
        str_append(out, "  - {}\n");
    }
}

static void print_value(const ConfigField *field, Str *out)
{
    const char *shown =
        field->is_required || field->fallback == NULL ? field->example : field->fallback;
    str_printf(out, "%s:", field->key);
    if (field->type == CONFIG_TABLE_LIST) {
        str_append_char(out, '\n');
        print_item(field->table, out);
    } else if (field->type == CONFIG_TABLE) {
        AUTO(Str) block = { 0 };
        print_table(field->table, &block);
        str_append_char(out, '\n');
        print_indented(str_text(&block), "  ", out);
    } else {
        str_append_char(out, ' ');
        if (config_is_scalar(field->type)) {
            print_text(shown == NULL ? "" : shown, out);
        } else {
            str_append(out, shown == NULL ? "[]" : shown);
        }
        str_append_char(out, '\n');
    }
}

static void print_field(const ConfigField *field, Str *out)
{
    AUTO(Str) value = { 0 };
    print_comment(field->doc, out);
    print_facts(field, out);
    print_value(field, &value);
    print_indented(str_text(&value), field->is_required ? "" : "#", out);
}

static void print_table(const ConfigTable *table, Str *out)
{
    for (size_t i = 0; i < table->field_count; i++) {
        if (i > 0) {
            str_append_char(out, '\n');
        }
        print_field(&table->fields[i], out);
    }
}

void config_print_sample(const ConfigTable *table, Str *out)
{
    if (table->doc != NULL) {
        print_comment(table->doc, out);
        str_append_char(out, '\n');
    }
    print_table(table, out);
}

/* ---- the table's own soundness ---- */

static ErrCode check_table(const ConfigTable *table, unsigned depth, Err *err);

static bool has_right_width(const ConfigField *field)
{
    switch (field->type) {
    case CONFIG_BOOL:
        return field->member_bytes == sizeof(bool);
    case CONFIG_INTEGER:
        return field->member_bytes == sizeof(uint32_t) || field->member_bytes == sizeof(int64_t);
    case CONFIG_DURATION:
    case CONFIG_ENUM:
        return field->member_bytes == sizeof(uint32_t);
    case CONFIG_SIZE:
        return field->member_bytes == sizeof(uint64_t);
    case CONFIG_STRING:
    case CONFIG_STRING_LIST:
    case CONFIG_STRING_MAP:
    case CONFIG_TABLE_LIST:
        return field->member_bytes == sizeof(void *);
    case CONFIG_TABLE:
        return field->table != NULL && field->member_bytes == field->table->struct_bytes;
    default:
        return true;
    }
}

/* What is missing in the row, or NULL. */
static const char *lacks(const ConfigField *field)
{
    bool has_table = field->type == CONFIG_TABLE || field->type == CONFIG_TABLE_LIST;
    bool has_count = !config_is_scalar(field->type) && field->type != CONFIG_TABLE;
    if (field->doc == NULL) {
        return "doc";
    }
    if (has_table && field->table == NULL) {
        return "table";
    }
    if (has_count && field->count_offset == 0) {
        return "count_offset";
    }
    if (field->type == CONFIG_ENUM && field->name_count == 0) {
        return "names";
    }
    if (field->type == CONFIG_CUSTOM && (field->parse == NULL || field->expected == NULL)) {
        return "parse or expected";
    }
    if (!has_table && field->example == NULL && (field->is_required || field->fallback == NULL)) {
        return "example";
    }
    return NULL;
}

/* Reads a default or an example as if it stood in a file. */
static ErrCode check_text(const ConfigTable *table, const ConfigField *field, const char *what,
                          const char *text, Err *err)
{
    if (text == NULL) {
        return ERR_NONE;
    }
    AUTO(Arena) arena = { 0 };
    Err inner = { 0 };
    char *base = arena_alloc(&arena, table->struct_bytes);
    ErrCode code = config_is_scalar(field->type)
                       ? config_read_scalar(field, text, base + field->offset, &arena, &inner)
                       : config_read_flow(field, text, base, &arena, &inner);
    if (code != ERR_NONE) {
        return err_set(err, ERR_INTERNAL, "%s of '%s' in %s: %s", what, field->key, table->name,
                       inner.message);
    }
    return ERR_NONE;
}

static ErrCode check_field(const ConfigTable *table, const ConfigField *field, unsigned depth,
                           Err *err)
{
    if (field->type <= CONFIG_NONE || field->type >= CONFIG_TYPE_COUNT_ ||
        !has_right_width(field)) {
        return err_set(err, ERR_INTERNAL, "'%s' in %s: its member has the wrong type", field->key,
                       table->name);
    }
    const char *missing = lacks(field);
    if (missing != NULL) {
        return err_set(err, ERR_INTERNAL, "'%s' in %s lacks %s", field->key, table->name, missing);
    }
    if (field->is_required && field->fallback != NULL) {
        return err_set(err, ERR_INTERNAL, "'%s' in %s is required and has a default", field->key,
                       table->name);
    }
    ErrCode code = field->table == NULL ? ERR_NONE : check_table(field->table, depth + 1, err);
    if (code == ERR_NONE) {
        code = check_text(table, field, "default", field->fallback, err);
    }
    return code == ERR_NONE ? check_text(table, field, "example", field->example, err) : code;
}

static ErrCode check_table(const ConfigTable *table, unsigned depth, Err *err)
{
    if (depth > TABLE_DEPTH_MAX || table->field_count > CONFIG_FIELDS_MAX) {
        return err_set(err, ERR_INTERNAL, "%s: too many fields or nested too deep", table->name);
    }
    for (size_t i = 0; i < table->field_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(table->fields[i].key, table->fields[j].key) == 0) {
                return err_set(err, ERR_INTERNAL, "'%s' in %s has two rows", table->fields[i].key,
                               table->name);
            }
        }
        ErrCode code = check_field(table, &table->fields[i], depth, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    return ERR_NONE;
}

ErrCode config_check_table(const ConfigTable *table, Err *err)
{
    return check_table(table, 0, err);
}
