/* JSON5, as settings of JavaScript's tools are written, made JSON. */
#ifndef SKEIN_CLI_SOURCE_JSON5_H
#define SKEIN_CLI_SOURCE_JSON5_H

#include "common/str.h"
#include "proto/values.h"

/*
 * Appends the text without comments and commas before an end, with its names and strings in double
 * quotes. Lines stay where they are. Whatever is neither is left as it is, for whoever parses it
 * to refuse; so are numbers that JSON does not know.
 */
void json5_to_json(Bytes text, Str *out);

#endif
