/*
 * A committed file of graphile-migrate: headers, an empty line, and the text. Its hash is of that
 * text and of the hash before it.
 */
#ifndef SKEIN_CLI_SOURCE_GRAPHILE_FILE_H
#define SKEIN_CLI_SOURCE_GRAPHILE_FILE_H

#include "cli/source/graphile.h"
#include "cli/source/graphile_settings.h"
#include "cli/source/script.h"
#include "cli/source/source.h"

#define GRAPHILE_HEADERS_MAX 64

/* The tool's own first, which is what Found.own points to. */
typedef struct GraphileFile {
    GraphileMigration own;
    const GraphileSettings *settings; /* of the project */
    ScriptInput whole;
    const char *headers[GRAPHILE_HEADERS_MAX]; /* names */
    size_t header_count;
    bool may_differ;  /* "--! AllowInvalidHash" */
    const char *body; /* begins here, at this line */
    uint32_t body_line;
} GraphileFile;

/* Where the file ends. */
const char *graphile_file_end(const GraphileFile *file);

/* Reads the headers of `whole`, which is filled in. ERR_SYNTAX with file and line. */
ErrCode graphile_file_read(GraphileFile *file, Arena *arena, Err *err);

/* Is its hash that of its text? ERR_SYNTAX when it is not, and does not say that it may be so. */
ErrCode graphile_file_check(const SourceReading *reading, const GraphileFile *file, Err *err);

/* Without what is blank around it, as the tool takes a text. */
Bytes graphile_text(const char *start, const char *end);

#endif
