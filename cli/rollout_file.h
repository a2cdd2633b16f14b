/*
 * A rollout file (YAML) and the plan that comes of it: the strategy as written, the migrations as
 * read from their directory, the selection as an expression.
 */
#ifndef SKEIN_CLI_ROLLOUT_FILE_H
#define SKEIN_CLI_ROLLOUT_FILE_H

#include "cli/moment.h"
#include "cli/source/source.h"
#include "common/arena.h"
#include "common/config.h"
#include "common/err.h"
#include "proto/bundle.h"

/* Until when a plan may be applied, and rolled back; Unix time, MOMENT_UNSAID or MOMENT_NEVER. */
typedef struct PlanTimes {
    int64_t apply_until_s;
    int64_t rollback_until_s;
} PlanTimes;

typedef struct PlannedRollout {
    Plan plan; /* without times … */
    PlanTimes times;
    MigrationSet set; /* all of the directory, also what lies beyond `to`; with its notes */
} PlannedRollout;

/*
 * Reads the file and the directory it names (relative to the file). Everything lives in `arena`.
 * ERR_CONFIG with file, line and column; ERR_SYNTAX with file and line for a migration.
 */
ErrCode rollout_file_read(const char *path, Arena *arena, PlannedRollout *ret_rollout, Err *err);

/* The table, for its test and the documentation. */
extern const ConfigTable ROLLOUT_FILE_TABLE;

#endif
