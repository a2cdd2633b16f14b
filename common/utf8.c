/* Well-formed UTF-8 by the table of the Unicode standard (3-7). Pure: no I/O, no allocation. */
#include "common/utf8.h"

#include <stdint.h>
#include <string.h>

#include "common/cleanup.h"

/* The second byte's range depends on the first; all later bytes are 80..BF. */
typedef struct Form {
    unsigned char first_low, first_high;
    unsigned char second_low, second_high;
    unsigned char length;
} Form;

static const Form FORMS[] = {
    { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 }, { 0xE1, 0xEC, 0x80, 0xBF, 3 },
    { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 }, { 0xF0, 0xF0, 0x90, 0xBF, 4 },
    { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
};

static const Form *form_of(unsigned char first)
{
    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++) {
        if (first >= FORMS[i].first_low && first <= FORMS[i].first_high) {
            return &FORMS[i];
        }
    }
    return NULL;
}

size_t utf8_character(const char *text, size_t length)
{
    const unsigned char *byte = (const unsigned char *)text;
    if (byte[0] < 0x80) {
        return 1;
    }
    const Form *form = form_of(byte[0]);
    if (form == NULL || length < form->length || byte[1] < form->second_low ||
        byte[1] > form->second_high) {
        return 0;
    }
    for (size_t i = 2; i < form->length; i++) {
        if ((byte[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return form->length;
}

/* How many bytes of it are ASCII for certain: eight at a time, since nearly all text is. */
static size_t ascii_length(const char *text, size_t length)
{
    size_t at = 0;
    uint64_t word = 0;
    for (; length - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    return at;
}

bool utf8_is_valid(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        at += ascii_length(text + at, length - at);
        if (at == length) {
            return true;
        }
        size_t step = utf8_character(text + at, length - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}
