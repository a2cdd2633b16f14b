/*
 * What only psql can do: backslash commands, and COPY from and to the client's own streams. No
 * server runs them as they stand in a file, so a migration that holds one is refused.
 */
#ifndef SKEIN_CLI_SOURCE_PSQL_H
#define SKEIN_CLI_SOURCE_PSQL_H

#include "cli/source/scan.h"

/* ERR_SYNTAX for the first of them. Looks at the tokens that are there, also of a torn text. */
ErrCode psql_refuse(const SqlText *text, Err *err);

#endif
