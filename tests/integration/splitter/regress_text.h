/*
 * Files for psql as they can be compared: without the commands that psql does itself and skein
 * refuses. Both read what is left, so whatever is left out here only makes the test smaller.
 */
#ifndef SKEIN_TESTS_INTEGRATION_SPLITTER_REGRESS_TEXT_H
#define SKEIN_TESTS_INTEGRATION_SPLITTER_REGRESS_TEXT_H

#include "common/str.h"

/* What ends a query becomes ";", other commands are left out but for plain \set; TO STDOUT becomes
 * a file, and variables that psql sets itself a value. Appends. */
void regress_prepare(const char *text, size_t length, Str *out);

#endif
