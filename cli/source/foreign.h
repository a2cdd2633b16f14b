/*
 * Files that the formats with marks and names of their own are sure of. A format that goes by less
 * (a comment, a file beside them) leaves those to them.
 */
#ifndef SKEIN_CLI_SOURCE_FOREIGN_H
#define SKEIN_CLI_SOURCE_FOREIGN_H

#include "cli/source/source.h"

/* Is it golang-migrate's, goose's, dbmate's or Flyway's by its name or marks? Reads it. */
bool foreign_is(const SourceReading *reading, const char *name);

#endif
