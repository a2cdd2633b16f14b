/* From JSON5 to JSON. */
#include "cli/source/json5.h"

#include <ctype.h>
#include <string.h>

typedef struct Walk {
    const char *at;
    const char *end;
    bool has_comma; /* read, and not written yet */
    Str *out;
} Walk;

static char peek(const Walk *walk, size_t ahead)
{
    return (size_t)(walk->end - walk->at) > ahead ? walk->at[ahead] : '\0';
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || ((unsigned char)c & 0x80) != 0;
}

static void skip_line_comment(Walk *walk)
{
    while (walk->at < walk->end && *walk->at != '\n') {
        walk->at++;
    }
}

static void skip_comment(Walk *walk)
{
    for (walk->at += 2; walk->at < walk->end; walk->at++) {
        if (walk->at[0] == '*' && peek(walk, 1) == '/') {
            walk->at += 2;
            return;
        }
        if (*walk->at == '\n') {
            str_append_char(walk->out, '\n');
        }
    }
}

/* Behind a backslash. What JSON has no escape for is written as it has one. */
static void take_escape(Walk *walk)
{
    char c = peek(walk, 1);
    walk->at += c == '\0' ? 1 : 2;
    switch (c) {
    case '\n': /* the line goes on */
        break;
    case '\'':
        str_append_char(walk->out, c);
        break;
    case 'v':
        str_append(walk->out, "\\u000b");
        break;
    case 'x':
        str_append(walk->out, "\\u00");
        break;
    default:
        str_append_char(walk->out, '\\');
        str_append_bytes(walk->out, &c, c != '\0');
    }
}

static void take_string(Walk *walk)
{
    char quote = *walk->at++;
    str_append_char(walk->out, '"');
    while (walk->at < walk->end && *walk->at != quote) {
        if (*walk->at == '\\') {
            take_escape(walk);
            continue;
        }
        str_append(walk->out, *walk->at == '"' ? "\\" : "");
        str_append_char(walk->out, *walk->at++);
    }
    if (walk->at < walk->end) {
        walk->at++;
        str_append_char(walk->out, '"');
    }
}

/* A name before a colon; any other word is JSON's own, or nobody's. */
static void take_word(Walk *walk)
{
    const char *start = walk->at;
    while (walk->at < walk->end && is_word(*walk->at)) {
        walk->at++;
    }
    const char *next = walk->at;
    while (next < walk->end && isspace((unsigned char)*next)) {
        next++;
    }
    const char *quote = next < walk->end && *next == ':' ? "\"" : "";
    str_append(walk->out, quote);
    str_append_bytes(walk->out, start, (size_t)(walk->at - start));
    str_append(walk->out, quote);
}

/* A comma waits for what comes behind it. */
static void write_comma(Walk *walk)
{
    if (walk->has_comma && *walk->at != '}' && *walk->at != ']') {
        str_append_char(walk->out, ',');
    }
    walk->has_comma = false;
}

static void take_token(Walk *walk)
{
    write_comma(walk);
    if (*walk->at == '"' || *walk->at == '\'') {
        take_string(walk);
    } else if (is_word(*walk->at)) {
        take_word(walk);
    } else if (*walk->at == ',') {
        walk->has_comma = true;
        walk->at++;
    } else {
        str_append_char(walk->out, *walk->at++);
    }
}

void json5_to_json(Bytes text, Str *out)
{
    const char *start = (const char *)text.data;
    Walk walk = { .at = start, .end = start + text.length, .out = out };
    while (walk.at < walk.end) {
        if (*walk.at == '/' && peek(&walk, 1) == '/') {
            skip_line_comment(&walk);
        } else if (*walk.at == '/' && peek(&walk, 1) == '*') {
            skip_comment(&walk);
        } else if (isspace((unsigned char)*walk.at)) {
            str_append_char(out, *walk.at++);
        } else {
            take_token(&walk);
        }
    }
}
