/* Taking control characters out of what other people's databases say. */
#include "cli/printable.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

#define DELETE 0x7f
#define C1_LEAD 0xc2 /* C1 controls, U+0080 to U+009F, are C2 80 to C2 9F */
#define C1_LAST 0x9f

static bool is_c1(const unsigned char *at)
{
    return at[0] == C1_LEAD && at[1] >= 0x80 && at[1] <= C1_LAST;
}

void printable_make(char *text)
{
    unsigned char *to = (unsigned char *)text;
    for (const unsigned char *at = to; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\t' || *at == '\r') {
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

static void make_string(json_t *value)
{
    char *text = mem_strdup(json_string_value(value));
    printable_make(text);
    json_string_set(value, text);
    free(text);
}

void printable_make_json(json_t *value)
{
    const char *key = NULL;
    size_t index = 0;
    json_t *inner = NULL;
    switch (json_typeof(value)) {
    case JSON_STRING:
        make_string(value);
        break;
    case JSON_OBJECT:
        json_object_foreach(value, key, inner)
        {
            printable_make_json(inner);
        }
        break;
    case JSON_ARRAY:
        json_array_foreach(value, index, inner)
        {
            printable_make_json(inner);
        }
        break;
    default:
        break;
    }
}
