/*
 * What psql makes of a file: psql itself reads it, connected to a server that executes nothing and
 * takes down what it is asked. So psql's own lexer says where statements begin and end, whatever
 * they would do.
 */
#ifndef SKEIN_TESTS_INTEGRATION_SPLITTER_PSQL_SINK_H
#define SKEIN_TESTS_INTEGRATION_SPLITTER_PSQL_SINK_H

#include <stddef.h>

#include "common/arena.h"

typedef struct Queries {
    const char **texts; /* as they came: with comments and ";" */
    size_t count;
} Queries;

/*
 * Runs psql on the file to its end. Rows below COPY … FROM stdin are taken, and settings of
 * standard_conforming_strings answered, as a server would. Fails the test when psql does not run.
 * In `arena`.
 */
Queries psql_queries(const char *path, Arena *arena);

#endif
