/* Taking control characters out of what other people's databases say. */
#include "cli/printable.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/str.h"

#define DELETE 0x7f
#define C1_LEAD 0xc2 /* C1 controls, U+0080 to U+009F, are C2 80 to C2 9F */
#define C1_LAST 0x9f

static bool is_c1(const unsigned char *at)
{
    return at[0] == C1_LEAD && at[1] >= 0x80 && at[1] <= C1_LAST;
}

static void make(char *text, bool keeps_lines)
{
    unsigned char *to = (unsigned char *)text;
    for (const unsigned char *at = to; *at != '\0'; at++) {
        if (*at == '\n' && keeps_lines) {
            *to++ = '\n';
        } else if (*at == '\n' || *at == '\t' || *at == '\r') {
            *to++ = ' ';
        } else if (*at < ' ' || *at == DELETE) {
            *to++ = '?';
        } else if (is_c1(at)) {
            *to++ = '?';
            at++;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
}

void printable_make(char *text)
{
    make(text, false);
}

void printable_append(Str *out, const char *text)
{
    char *shown = mem_strdup(text);
    printable_make(shown);
    str_append(out, shown);
    free(shown);
}

/* The members whose text is several lines (docs/api.md); everywhere else a line
 * break is a trick. */
static const char *const LINES[] = { "explain" };

static bool has_lines(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(LINES); i++) {
        if (str_equal(LINES[i], key)) {
            return true;
        }
    }
    return false;
}

static void make_string(json_t *value, bool keeps_lines)
{
    char *text = mem_strdup(json_string_value(value));
    make(text, keeps_lines);
    json_string_set(value, text);
    free(text);
}

/* `of`: the key of the member that the value is; NULL: it is none. */
static void make_value(json_t *value, const char *of)
{
    const char *key = NULL;
    size_t index = 0;
    json_t *inner = NULL;
    switch (json_typeof(value)) {
    case JSON_STRING:
        make_string(value, has_lines(of));
        break;
    case JSON_OBJECT:
        json_object_foreach(value, key, inner)
        {
            make_value(inner, key);
        }
        break;
    case JSON_ARRAY:
        json_array_foreach(value, index, inner)
        {
            make_value(inner, NULL);
        }
        break;
    default:
        break;
    }
}

void printable_make_json(json_t *value)
{
    make_value(value, NULL);
}
