/* The printer: values for logs, tables for the documentation. */
#include <string.h>

#include "proto/wire_internal.h"

#define PRINT_BYTES_MAX 32 /* longer byte strings are shown by their length */

static const char BARE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:%+";

/*
 * Controls below 0x20, DEL, and U+0080 to U+009F, on which terminals act too. Returns its bytes, or
 * 0.
 */
static size_t control_length(const char *at)
{
    unsigned char byte = (unsigned char)at[0];
    unsigned char second = byte == 0xC2 ? (unsigned char)at[1] : 0;
    if (second >= 0x80 && second < 0xA0) {
        return 2;
    }
    return byte < 0x20 || byte == 0x7F ? 1 : 0;
}

/* Bare when it could be nothing else; else in double quotes with JSON's escapes. */
static void print_text(const char *text, Str *out)
{
    size_t bare = strspn(text, BARE);
    if (bare > 0 && text[bare] == '\0') {
        str_append(out, text);
        return;
    }
    str_append_char(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        size_t control = control_length(at);
        if (control > 0) {
            at += control - 1;
            str_printf(out, "\\u%04x", (unsigned char)*at); /* C2 80 is U+0080 */
            continue;
        }
        if (*at == '"' || *at == '\\') {
            str_append_char(out, '\\');
        }
        str_append_char(out, *at);
    }
    str_append_char(out, '"');
}

static void print_bytes(const Bytes *bytes, Str *out)
{
    if (bytes->length > PRINT_BYTES_MAX) {
        str_printf(out, "<%zu bytes>", bytes->length);
        return;
    }
    char hex[2 * PRINT_BYTES_MAX + 1];
    hex_encode(bytes->data, bytes->length, hex);
    str_append(out, hex);
}

static void print_u32(const Field *field, uint32_t number, Str *out)
{
    if (field->word != NULL) {
        print_text(field->word(number), out);
    } else {
        str_printf(out, "%u", number);
    }
}

static void print_labels(const Labels *labels, Str *out)
{
    str_append_char(out, '{');
    for (size_t i = 0; i < labels->count; i++) {
        str_append(out, i == 0 ? "" : ", ");
        print_text(labels->items[i].name, out);
        str_append_char(out, '=');
        print_text(labels->items[i].value, out);
    }
    str_append_char(out, '}');
}

static void print_list(const Field *field, const void *value, Str *out)
{
    str_append_char(out, '[');
    for (size_t i = 0; i < field_count(field, value); i++) {
        str_append(out, i == 0 ? "" : ", ");
        if (field->type == FIELD_TEXTS) {
            print_text((*(const char *const *const *)field_at(field, value))[i], out);
        } else {
            wire_print(field->table, field_item(field, value, i), out);
        }
    }
    str_append_char(out, ']');
}

static void print_private(const Field *field, const void *value, Str *out)
{
    size_t length = field->type == FIELD_TEXT ? strlen(field_text(field, value))
                                              : ((const Bytes *)field_at(field, value))->length;
    str_printf(out, "<%zu bytes>", length);
}

static void print_field(const Field *field, const void *value, Str *out)
{
    const void *at = field_at(field, value);
    switch (field->type) {
    case FIELD_U32:
        print_u32(field, *(const uint32_t *)at, out);
        break;
    case FIELD_U64:
        str_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case FIELD_I64:
        str_printf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case FIELD_BOOL:
        str_append(out, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_TEXT:
        print_text(field_text(field, value), out);
        break;
    case FIELD_BYTES:
        print_bytes(at, out);
        break;
    case FIELD_STRUCT:
        wire_print(field->table, at, out);
        break;
    case FIELD_STRUCTS:
    case FIELD_TEXTS:
        print_list(field, value, out);
        break;
    case FIELD_LABELS:
        print_labels(at, out);
        break;
    case FIELD_NONE:
    case FIELD_TYPE_COUNT_:
        break;
    }
}

void wire_print(const FieldTable *table, const void *value, Str *out)
{
    const char *separator = "{";
    for (size_t i = 0; i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        if (!field_is_sent(field, value, WIRE_NEWEST)) {
            continue;
        }
        str_printf(out, "%s%s=", separator, field->name);
        separator = ", ";
        if ((field->flags & FIELD_PRIVATE) != 0) {
            print_private(field, value, out);
        } else {
            print_field(field, value, out);
        }
    }
    str_append(out, separator[0] == '{' ? "{}" : "}");
}

static void document_number(const Field *field, Str *out)
{
    if (field->word == NULL && field->max == UINT32_MAX) {
        if (field->min > 0) {
            str_printf(out, "at least %llu", (unsigned long long)field->min);
        }
        return;
    }
    if (field->word == NULL) {
        str_printf(out, "%llu to %llu", (unsigned long long)field->min,
                   (unsigned long long)field->max);
        return;
    }
    for (uint64_t i = field->min == 0 ? 1 : field->min; i <= field->max; i++) {
        str_printf(out, "%s%llu %s", i > 1 ? ", " : "", (unsigned long long)i,
                   field->word((uint32_t)i));
    }
}

static void document_bounds(const Field *field, Str *out)
{
    const char *unit = field->type == FIELD_TEXT || field->type == FIELD_BYTES ? "bytes" : "items";
    if (field->type == FIELD_U32) {
        document_number(field, out);
    } else if (field->max == 0 || field->max == UINT64_MAX || field->type == FIELD_BOOL) {
        return;
    } else if (field->min == field->max) {
        str_printf(out, "%llu %s", (unsigned long long)field->max, unit);
    } else if (field->min > 0) {
        str_printf(out, "%llu to %llu %s", (unsigned long long)field->min,
                   (unsigned long long)field->max, unit);
    } else {
        str_printf(out, "at most %llu %s", (unsigned long long)field->max, unit);
    }
    if (field->type == FIELD_TEXTS) {
        str_printf(out, " of at most %llu bytes", (unsigned long long)field->item_max);
    }
}

static void document_presence(const Field *field, Str *out)
{
    str_printf(out, " | %s", (field->flags & FIELD_REQUIRED) != 0 ? "required" : "");
    if (field_since(field) > 1) {
        str_printf(out, "since version %u", (unsigned)field_since(field));
    }
    str_append(out, " | ");
}

void wire_document(const FieldTable *table, Str *out)
{
    str_append(out, "| tag | field | type | | bounds | meaning |\n|--:|---|---|---|---|---|\n");
    for (size_t i = 0; i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        str_printf(out, "| %u | `%s` | %s", field->tag, field->name, field_type_name(field->type));
        if (field->table != NULL) {
            str_printf(out, " *%s*", field->table->name);
        }
        document_presence(field, out);
        document_bounds(field, out);
        str_printf(out, " | %s |\n", field->doc);
    }
}
