/* New files as Flyway has them: named by what the directory's settings say, in the first location.
 */
#ifndef SKEIN_CLI_SOURCE_FLYWAY_NEW_H
#define SKEIN_CLI_SOURCE_FLYWAY_NEW_H

#include "cli/source/source.h"

/* SourceFormat.create. ERR_REFUSED where the newest has no number. */
ErrCode flyway_create(const NewMigration *migration, Arena *arena, NewFiles *ret_files, Err *err);

#endif
