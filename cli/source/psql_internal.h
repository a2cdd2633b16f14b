/* What psql.c and psql_command.c share: the text in the making. */
#ifndef SKEIN_CLI_SOURCE_PSQL_INTERNAL_H
#define SKEIN_CLI_SOURCE_PSQL_INTERNAL_H

#include "cli/source/psql.h"
#include "cli/source/psql_lex.h"
#include "common/list.h"

/* What is known of the statement that is being read. */
typedef struct StatementWatch {
    bool has_begun; /* something of it was there */
    bool is_copy;   /* its first word */
    bool is_after_from;
    bool is_after_to;
    bool is_from_stdin;
    size_t stdin_end; /* in the text: where that word ends */
} StatementWatch;

typedef struct Composer {
    const PsqlInput *input;
    Arena *arena;
    Str out;
    LIST(TextOrigin) origins;
    LIST(PsqlCopy) copies;
    size_t due_count; /* of the last copies: without their rows yet */
    LIST(PsqlUnset) unset;
    LIST(ConfigPair) set; /* by \set; an unset one has the value NULL */
    PsqlLexer lexer;
    StatementWatch watch;
    unsigned depth; /* of included files */
} Composer;

/* One file while it is read. */
typedef struct PsqlFile {
    const char *file; /* as messages cite it */
    const char *path; /* below the directory */
    const char *at;
    const char *end;
    uint32_t line;
    const char *from; /* what includes it; see TextOrigin */
} PsqlFile;

/* Takes all of a file. */
ErrCode psql_take_file(Composer *composer, PsqlFile *file, Err *err);

/* At a backslash: takes the command with all of its line but the end. */
ErrCode psql_take_command(Composer *composer, PsqlFile *file, Err *err);

/* By \set, or from outside; NULL: not set. */
const char *psql_variable(const Composer *composer, const char *name);

/* As a literal or as an identifier, by its quote. Appends. */
void psql_quote(Str *out, const char *value, char quote);

/* What follows in the text comes from where the file is read now; begins a line. */
void psql_begin_origin(Composer *composer, const PsqlFile *file);

ErrCode psql_refuse(const PsqlFile *file, Err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
