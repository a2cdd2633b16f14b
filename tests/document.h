/*
 * Documents of which a part is printed from code: the test holds it against the code, and with
 * SKEIN_UPDATE_GOLDEN=1 writes it.
 */
#ifndef SKEIN_TESTS_DOCUMENT_H
#define SKEIN_TESTS_DOCUMENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/str.h"

static inline void document_read(const char *path, Str *ret_text)
{
    char bytes[4096];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    for (size_t count; (count = fread(bytes, 1, sizeof(bytes), file)) > 0;) {
        str_append_bytes(ret_text, bytes, count);
    }
    assert_int_equal(fclose(file), 0);
}

static inline void document_write(const char *path, const Str *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text->data, 1, text->length, file), text->length);
    assert_int_equal(fclose(file), 0);
}

/* What stands between "<!-- NAME: printed from SOURCE -->" and "<!-- end of NAME -->", each on a
 * line of its own with an empty one to its text, is `table`. */
static inline void document_check(const char *path, const char *name, const char *source,
                                  const Str *table)
{
    AUTO(Str) document = { 0 };
    AUTO(Str) begin = { 0 };
    AUTO(Str) end = { 0 };
    AUTO(Str) wanted = { 0 };
    document_read(path, &document);
    str_printf(&begin, "<!-- %s: printed from %s -->\n\n", name, source);
    str_printf(&end, "\n<!-- end of %s -->", name);
    const char *from = strstr(str_text(&document), str_text(&begin));
    const char *to = strstr(str_text(&document), str_text(&end));
    assert_non_null(from);
    assert_non_null(to);
    str_append_bytes(&wanted, document.data, (size_t)(from - document.data) + begin.length);
    str_append(&wanted, str_text(table));
    str_append(&wanted, to);
    if (getenv("SKEIN_UPDATE_GOLDEN") != NULL) {
        document_write(path, &wanted);
        return;
    }
    assert_string_equal(str_text(&document), str_text(&wanted));
}

#endif
