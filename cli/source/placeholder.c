/* ${name}, or by other marks. */
#include "cli/source/placeholder.h"

#include <string.h>
#include <strings.h>

#define NAME_MAX_ 127

static const char *value_of(const Placeholders *placeholders, const char *name)
{
    const char *value = variables_find_any_case(placeholders->variables, name);
    for (size_t i = 0; value == NULL && i < placeholders->own_count; i++) {
        if (strcasecmp(placeholders->own[i].name, name) == 0) {
            value = placeholders->own[i].value;
        }
    }
    return value;
}

/* `at` is behind the prefix; *at is moved behind the suffix. */
static ErrCode replace_one(const Placeholders *placeholders, const char *file, uint32_t line,
                           const char **at, const char *end, Str *out, Err *err)
{
    char name[NAME_MAX_ + 1];
    const char *close =
        memmem(*at, (size_t)(end - *at), placeholders->suffix, strlen(placeholders->suffix));
    size_t length = close == NULL ? 0 : (size_t)(close - *at);
    if (close == NULL || length > NAME_MAX_ || memchr(*at, '\n', length) != NULL) {
        err_set(err, ERR_SYNTAX, "%s:%u: \"%s\" without \"%s\"", file, line, placeholders->prefix,
                placeholders->suffix);
        return err_hint(err, "where it is no placeholder, say placeholderReplacement=false in the "
                             "file's .conf");
    }
    memcpy(name, *at, length);
    name[length] = '\0';
    *at = close + strlen(placeholders->suffix);
    const char *value = value_of(placeholders, name);
    if (value == NULL) {
        return variables_refuse_unset(placeholders->variables, file, line, name, err);
    }
    str_append(out, value);
    return ERR_NONE;
}

ErrCode placeholders_replace(const Placeholders *placeholders, const char *file, Bytes text,
                             Str *out, Err *err)
{
    const char *at = (const char *)text.data;
    const char *end = at + text.length;
    size_t prefix = strlen(placeholders->prefix);
    uint32_t line = 1;
    while (at < end) {
        const char *next = memmem(at, (size_t)(end - at), placeholders->prefix, prefix);
        const char *stop = next == NULL ? end : next;
        str_append_bytes(out, at, (size_t)(stop - at));
        for (; at < stop; at++) {
            line += *at == '\n';
        }
        if (next == NULL) {
            return ERR_NONE;
        }
        at += prefix;
        ErrCode code = replace_one(placeholders, file, line, &at, end, out, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    return ERR_NONE;
}
