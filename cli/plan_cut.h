/* Which migrations of a history a `to` asks for. */
#ifndef SKEIN_CLI_PLAN_CUT_H
#define SKEIN_CLI_PLAN_CUT_H

#include "cli/source/source.h"

/*
 * How many migrations of a set there are up to and with the one that `to` names: by its id, or by
 * its version, also without leading zeros; NULL and "head": all. ERR_NOT_FOUND with a suggestion;
 * ERR_USAGE when two migrations have that version.
 */
ErrCode plan_cut(const MigrationSet *set, const char *to, size_t *ret_count, Err *err);

#endif
