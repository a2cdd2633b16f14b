/* $NAME and its relatives. */
#include "cli/source/interpolate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16 /* of defaults within defaults */

typedef struct Walk {
    const Interpolation *of;
    const char *at;
    const char *end;
    unsigned depth;
    Err *err;
} Walk;

static ErrCode refuse(const Walk *walk, const char *from)
{
    err_set(walk->err, ERR_SYNTAX, "%s:%u: not understood with ENVSUB: %.*s", walk->of->file,
            walk->of->line, (int)(walk->end - from > 40 ? 40 : walk->end - from), from);
    return err_hint(walk->err,
                    "write a dollar that is no variable as $$, or turn ENVSUB off there");
}

static size_t name_length(const Walk *walk)
{
    size_t length = 0;
    if (walk->at < walk->end && isalpha((unsigned char)*walk->at)) {
        while (walk->at + length < walk->end &&
               (isalnum((unsigned char)walk->at[length]) || walk->at[length] == '_')) {
            length++;
        }
    }
    return length;
}

static const char *value_of(const Walk *walk, const char *name)
{
    const char *value = variables_find(walk->of->variables, name);
    return value != NULL ? value : getenv(name);
}

static ErrCode expand(Walk *walk, bool is_default, Str *out);

/* Behind the name in "${NAME": its operation, up to and with "}". */
static ErrCode expand_operation(Walk *walk, const char *from, const char *name, Str *out)
{
    const char *value = value_of(walk, name);
    bool is_colon = walk->end - walk->at >= 2 && walk->at[0] == ':' && walk->at[1] == '-';
    char operation = walk->at < walk->end ? *walk->at : '\0';
    if (operation == '}') {
        walk->at++;
    } else if (is_colon || operation == '-' || operation == '?') {
        walk->at += is_colon ? 2 : 1;
        AUTO(Str) otherwise = { 0 };
        ErrCode code = expand(walk, true, &otherwise);
        if (code != ERR_NONE || walk->at == walk->end) {
            return code != ERR_NONE ? code : refuse(walk, from);
        }
        walk->at++;
        bool is_needed = value == NULL || (is_colon && value[0] == '\0');
        if (is_needed && operation != '?') {
            str_append(out, str_text(&otherwise));
            return ERR_NONE;
        }
    } else {
        return refuse(walk, from);
    }
    if (value == NULL) {
        return variables_refuse_unset(walk->of->variables, walk->of->file, walk->of->line, name,
                                      walk->err);
    }
    str_append(out, value);
    return ERR_NONE;
}

static ErrCode expand_variable(Walk *walk, Str *out)
{
    const char *from = walk->at++;
    bool is_brace = walk->at < walk->end && *walk->at == '{';
    walk->at += is_brace;
    size_t length = name_length(walk);
    if (length == 0) {
        return refuse(walk, from);
    }
    AUTO(Str) name = { 0 };
    str_append_bytes(&name, walk->at, length);
    walk->at += length;
    if (is_brace) {
        return expand_operation(walk, from, str_text(&name), out);
    }
    const char *value = value_of(walk, str_text(&name));
    if (value == NULL) {
        return variables_refuse_unset(walk->of->variables, walk->of->file, walk->of->line,
                                      str_text(&name), walk->err);
    }
    str_append(out, value);
    return ERR_NONE;
}

/* Up to the end, or to the "}" that closes a default. */
static ErrCode expand(Walk *walk, bool is_default, Str *out)
{
    if (++walk->depth > DEPTH_MAX) {
        return refuse(walk, walk->at);
    }
    while (walk->at < walk->end && !(is_default && *walk->at == '}')) {
        char c = walk->at[0];
        char next = walk->at + 1 < walk->end ? walk->at[1] : '\0';
        if (c == '\\' && next == '\\') {
            str_append(out, "\\\\");
            walk->at += 2;
        } else if ((c == '$' || c == '\\') && next == '$') {
            str_append_char(out, '$');
            walk->at += 2;
        } else if (c == '$' && next != '\0' && next != '(') {
            ErrCode code = expand_variable(walk, out);
            if (code != ERR_NONE) {
                return code;
            }
        } else {
            str_append_char(out, c);
            walk->at++;
        }
    }
    walk->depth--;
    return ERR_NONE;
}

ErrCode interpolate(const Interpolation *interpolation, const char *text, size_t length, Str *out,
                    Err *err)
{
    Walk walk = { .of = interpolation, .at = text, .end = text + length, .err = err };
    return expand(&walk, false, out);
}
