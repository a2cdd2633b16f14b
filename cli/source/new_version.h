/* The version of a migration that `skein new` writes: above the newest, whatever the clock says. */
#ifndef SKEIN_CLI_SOURCE_NEW_VERSION_H
#define SKEIN_CLI_SOURCE_NEW_VERSION_H

#include "cli/source/source.h"

#define NEW_VERSION_TIME_DIGITS 14 /* YYYYMMDDhhmmss */

typedef enum NewVersionOrder {
    NEW_VERSION_BY_NUMBER = 0,
    NEW_VERSION_BY_TEXT, /* versions, and the names that begin with them */
} NewVersionOrder;

/*
 * The time that it is, in UTC; where the newest is not below that, the second after the newest, or
 * else the number after it. ERR_REFUSED when none of these is above the newest.
 */
ErrCode new_version_of_time(const NewMigration *migration, NewVersionOrder order, Arena *arena,
                            const char **ret_version, Err *err);

/* Fills *err: the newest has no version that another could follow. Returns ERR_REFUSED. */
ErrCode new_version_refuse(const NewMigration *migration, Err *err);

#endif
