/*
 * The team's own alembic, asked about the directory that is read: which revisions there are, and
 * what their SQL is. Each call runs it once, and with it the directory's Python.
 */
#ifndef SKEIN_CLI_SOURCE_ALEMBIC_ASK_H
#define SKEIN_CLI_SOURCE_ALEMBIC_ASK_H

#include "cli/source/alembic_graph.h"
#include "cli/source/alembic_print.h"
#include "cli/source/source.h"

#define ALEMBIC_INI "alembic.ini"

/* What one call came to. */
typedef struct AlembicAnswer {
    Str out;
    Str errors;    /* a traceback among them, where a revision raised */
    bool is_whole; /* false: it has failed, and `out` is what it printed until then */
} AlembicAnswer;

void alembic_answer_done(AlembicAnswer *answer);

AUTO_DEFINE(AlembicAnswer, alembic_answer_done)

/*
 * Runs "alembic -c alembic.ini WORD ARGUMENT OPTION" (the last two may be NULL). Blocks for up to
 * 5 minutes. ERR_NOT_FOUND when there is no alembic. That it fails is no error here.
 */
ErrCode alembic_ask(const SourceReading *reading, const char *word, const char *argument,
                    const char *option, AlembicAnswer *ret_answer, Err *err);

/* Its last line that says something: of a traceback, the error. Consumes the answer's texts. */
const char *alembic_words(AlembicAnswer *answer, bool has_printed, Arena *arena);

/* Such a path as the directory reads it; alembic.ini for what lies elsewhere, or is not known. */
const char *alembic_file(const SourceReading *reading, const char *path);

/*
 * Where in this file a traceback stopped, as messages cite it: "m/versions/ae10_x.py:23"; without
 * the line where there is none, "m/alembic.ini" where the file is not known.
 */
const char *alembic_place(const SourceReading *reading, const char *path, const Str *errors);

/* Every revision there is; ERR_SYNTAX with alembic's words where it cannot say. */
ErrCode alembic_ask_graph(const SourceReading *reading, AlembicGraph *ret_graph, Err *err);

#endif
