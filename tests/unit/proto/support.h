/*
 * What the tests of proto share: a value for any field table, and golden files.
 * SKEIN_UPDATE_GOLDEN=1 in the environment writes the golden files instead of comparing.
 */
#ifndef SKEIN_TESTS_UNIT_PROTO_SUPPORT_H
#define SKEIN_TESTS_UNIT_PROTO_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"
#include "proto/wire.h"

static inline Bytes str_bytes(const Str *str)
{
    return (Bytes){ (const uint8_t *)str->data, str->length };
}

/*
 * --- A value for any table: every field set, within its bounds, different from its neighbours ---
 */

static inline void sample_fill(const FieldTable *table, void *value, unsigned salt, Arena *arena);

static inline const char *sample_text(const char *name, uint64_t min, uint64_t max, unsigned salt,
                                      Arena *arena)
{
    char *text = arena_printf(arena, "%s %u é", name, salt);
    size_t length = min == max ? min : strlen(text);
    length = length > max ? max : length;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--;
    }
    text[length] = '\0';
    return text;
}

static inline Bytes sample_bytes(const Field *field, unsigned salt, Arena *arena)
{
    size_t length = field->min == field->max ? field->min : 5;
    uint8_t *data = arena_alloc(arena, length);
    for (size_t i = 0; i < length; i++) {
        data[i] = (uint8_t)(field->tag * 16 + salt + i);
    }
    return (Bytes){ data, length };
}

static inline uint32_t sample_u32(const Field *field, unsigned salt)
{
    uint32_t number = field->tag * 1000 + salt;
    return number <= field->max ? number : (uint32_t)(1 + (field->tag + salt) % field->max);
}

static inline Labels sample_labels(unsigned salt, Arena *arena)
{
    Label *items = ARENA_ARRAY(arena, Label, 2);
    items[0] = (Label){ "env", salt % 2 == 0 ? "prod" : "test" };
    items[1] = (Label){ "région", "" };
    return (Labels){ items, 2 };
}

static inline void sample_list(const Field *field, void *value, void *slot, Arena *arena)
{
    *(size_t *)(void *)((char *)value + field->count_offset) = 2;
    if (field->type == FIELD_TEXTS) {
        const char **texts = ARENA_ARRAY(arena, const char *, 2);
        texts[0] = "first";
        texts[1] = "second";
        *(const char ***)slot = texts;
        return;
    }
    char *items = arena_alloc_array(arena, 2, field->table->size_bytes);
    *(void **)slot = items;
    sample_fill(field->table, items, 1, arena);
    sample_fill(field->table, items + field->table->size_bytes, 2, arena);
}

static inline void sample_field(const Field *field, void *value, unsigned salt, Arena *arena)
{
    void *slot = (char *)value + field->offset;
    switch (field->type) {
    case FIELD_U32:
        *(uint32_t *)slot = sample_u32(field, salt);
        break;
    case FIELD_U64:
        *(uint64_t *)slot = (uint64_t)field->tag << 40 | salt;
        break;
    case FIELD_I64:
        *(int64_t *)slot = 1700000000 + field->tag;
        break;
    case FIELD_BOOL:
        *(bool *)slot = true;
        break;
    case FIELD_TEXT:
        *(const char **)slot = sample_text(field->name, field->min, field->max, salt, arena);
        break;
    case FIELD_BYTES:
        *(Bytes *)slot = sample_bytes(field, salt, arena);
        break;
    case FIELD_STRUCT:
        sample_fill(field->table, slot, salt, arena);
        break;
    case FIELD_LABELS:
        *(Labels *)slot = sample_labels(salt, arena);
        break;
    default:
        sample_list(field, value, slot, arena);
        break;
    }
}

static inline void sample_fill(const FieldTable *table, void *value, unsigned salt, Arena *arena)
{
    for (size_t i = 0; i < table->field_count; i++) {
        sample_field(&table->fields[i], value, salt, arena);
    }
}

static inline void *sample_new(const FieldTable *table, Arena *arena)
{
    void *value = arena_alloc(arena, table->size_bytes);
    sample_fill(table, value, 0, arena);
    return value;
}

/* --- Golden files --- */

static inline bool golden_is_updated(void)
{
    const char *update = getenv("SKEIN_UPDATE_GOLDEN");
    return update != NULL && strcmp(update, "1") == 0;
}

static inline void file_read(const char *path, Str *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s; SKEIN_UPDATE_GOLDEN=1 writes golden files", path);
    }
    char buffer[4096];
    size_t length = 0;
    while ((length = fread(buffer, 1, sizeof(buffer), file)) > 0) {
        str_append_bytes(out, buffer, length);
    }
    fclose(file);
}

static inline void file_write(const char *path, const Str *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text->data, 1, text->length, file), text->length);
    assert_int_equal(fclose(file), 0);
}

/* Compares `text` with tests/golden/proto/NAME, or writes it there. */
static inline void golden_compare(const char *name, const Str *text)
{
    AUTO(Str) path = { 0 };
    str_printf(&path, "%s/tests/golden/proto/%s", SKEIN_SOURCE_DIR, name);
    if (golden_is_updated()) {
        file_write(str_text(&path), text);
    }
    AUTO(Str) golden = { 0 };
    file_read(str_text(&path), &golden);
    assert_string_equal(str_text(text), str_text(&golden));
}

/* Bytes as hexadecimal, 32 to a line. */
static inline void hex_lines(Bytes bytes, Str *out)
{
    for (size_t i = 0; i < bytes.length; i += 32) {
        char line[65];
        size_t length = bytes.length - i < 32 ? bytes.length - i : 32;
        hex_encode(bytes.data + i, length, line);
        str_printf(out, "%s\n", line);
    }
}

#endif
