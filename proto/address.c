/* Addresses of targets: percent-coding and the split at slashes. Pure: no I/O. */
#include "proto/address.h"

#include <stdint.h>
#include <string.h>

#include "common/str.h"
#include "common/utf8.h"

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7F;
}

/* U+0080 to U+009F: terminals act on them as on the controls below 0x20. */
static bool is_c1_control(const char *text, size_t length)
{
    return length == 2 && (unsigned char)text[0] == 0xC2 && (unsigned char)text[1] < 0xA0;
}

/*
 * Bytes of the character at `text` that stand for themselves, or 0: its first byte must be encoded.
 */
static size_t plain_length(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    if (first == '%' || first == '/' || is_control(first)) {
        return 0;
    }
    size_t length = utf8_character(text, strlen(text));
    return is_c1_control(text, length) ? 0 : length;
}

/* Decodes one name of `length` bytes. `what` is its part of the address, for messages. */
static ErrCode name_parse(const char *text, size_t length, const char *what, Arena *arena,
                          const char **ret_name, Err *err)
{
    char name[NAME_MAX_BYTES + 1];
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)text[i];
        if (byte == '%') {
            char digits[3] = { 0 };
            memcpy(digits, text + i + 1, length - i - 1 < 2 ? length - i - 1 : 2);
            if (!hex_decode(digits, &byte, 1) || byte == 0) {
                return err_set(err, ERR_SYNTAX, "%s: '%%%s' is not an encoded byte", what, digits);
            }
            i += 2;
        }
        if (used == NAME_MAX_BYTES) {
            return err_set(err, ERR_SYNTAX, "%s: longer than %d bytes", what, NAME_MAX_BYTES);
        }
        name[used++] = (char)byte;
    }
    if (used == 0) {
        return err_set(err, ERR_SYNTAX, "%s: empty", what);
    }
    *ret_name = arena_strndup(arena, name, used);
    return ERR_NONE;
}

static ErrCode parts_parse(const char *text, Arena *arena, Address *ret_address, Err *err)
{
    static const char *const WHAT[] = { "instance", "database", "schema" };
    const char *names[3] = { "", "", "" };
    const char *at = text;
    size_t count = 0;
    for (bool is_last = false; !is_last; count++) {
        if (count == 3) {
            return err_set(err, ERR_SYNTAX, "more than three names");
        }
        size_t length = strcspn(at, "/");
        ErrCode code = name_parse(at, length, WHAT[count], arena, &names[count], err);
        if (code != ERR_NONE) {
            return code;
        }
        is_last = at[length] == '\0';
        at += length + 1;
    }
    if (count < 2) {
        return err_set(err, ERR_SYNTAX, "no database");
    }
    *ret_address = (Address){ names[0], names[1], names[2] };
    return ERR_NONE;
}

static void name_format(const char *name, Str *out)
{
    for (const char *at = name; *at != '\0';) {
        size_t length = plain_length(at);
        if (length == 0) {
            str_printf(out, "%%%02X", (unsigned char)*at);
            length = 1;
        } else {
            str_append_bytes(out, at, length);
        }
        at += length;
    }
}

const char *address_format(const Address *address, Arena *arena)
{
    AUTO(Str) out = { 0 };
    name_format(address->instance, &out);
    str_append_char(&out, '/');
    name_format(address->database, &out);
    if (address->schema[0] != '\0') {
        str_append_char(&out, '/');
        name_format(address->schema, &out);
    }
    return arena_strdup(arena, str_text(&out));
}

/* One target has one address: what parses, but is not what address_format writes, is refused. */
static ErrCode spelling_check(const char *text, const Address *address, Arena *arena, Err *err)
{
    const char *canonical = address_format(address, arena);
    if (strcmp(text, canonical) != 0) {
        return err_set(err, ERR_SYNTAX, "must be written \"%s\"", canonical);
    }
    return ERR_NONE;
}

static ErrCode text_parse(const char *text, Arena *arena, Address *ret_address, Err *err)
{
    if (strnlen(text, ADDRESS_MAX + 1) > ADDRESS_MAX) {
        return err_set(err, ERR_SYNTAX, "longer than %d bytes", ADDRESS_MAX);
    }
    Address address;
    ErrCode code = parts_parse(text, arena, &address, err);
    if (code == ERR_NONE) {
        code = spelling_check(text, &address, arena, err);
    }
    if (code == ERR_NONE) {
        *ret_address = address;
    }
    return code;
}

ErrCode address_parse(const char *text, Arena *arena, Address *ret_address, Err *err)
{
    ErrCode code = text_parse(text, arena, ret_address, err);
    if (code != ERR_NONE) {
        err_wrap(err, "address \"%.*s\"", ADDRESS_MAX, text);
        err_hint(err, "an address is INSTANCE/DATABASE or INSTANCE/DATABASE/SCHEMA, with '%%' as "
                      "%%25 and '/' as %%2F inside a name");
    }
    return code;
}
