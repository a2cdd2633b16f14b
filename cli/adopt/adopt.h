/*
 * Plans that live with another tool's history: taking it over, beginning in the middle of one's
 * own, and keeping the other tool's table true.
 */
#ifndef SKEIN_CLI_ADOPT_ADOPT_H
#define SKEIN_CLI_ADOPT_ADOPT_H

#include "cli/adopt/tool.h"

/* Which tool, and where its table is. All NULL: the tool of the directory's format; the table that
 * the tool's environment names, or the directory (MigrationSet.own_table), or else its usual one.
 */
typedef struct AdoptFrom {
    const char *tool;
    const char *table;
    const char *url; /* of the database, which may name the table, too (place.h) */
} AdoptFrom;

/*
 * Turns a plan of the set's migrations into one that adopts: their scripts are emptied, and the
 * query says which of them the tool has applied. In `arena`. ERR_USAGE when no tool is named and
 * the format has none.
 */
ErrCode adopt_plan(const MigrationSet *set, const AdoptFrom *from, Arena *arena, Plan *plan,
                   Err *err);

/*
 * Has the plan ask the tool that a target's history is shared with, if there is one, whether it has
 * gone on by itself. `url` as in AdoptFrom. In `arena`.
 */
void ties_plan(const MigrationSet *set, const char *url, Arena *arena, Plan *plan);

/* `--mirror none`, `mirror: none`: instead of a tool. */
#define MIRROR_NONE "none"

/* As adopt_plan, of all migrations of the plan, whatever the database says: they are there already.
 */
void baseline_plan(Arena *arena, Plan *plan);

/* Where a tool's table is: as is said here, or else by the tool's own words, or by the directory
 * where it is the tool's own. */
typedef struct TableName {
    const char *written; /* as it is said there */
    const char *sql;     /* what is asked and told */
    const char *plain;
    const char *said_schema; /* that it names for every target; NULL: none */
    const char *schema;      /* of a whole database, where that names none; NULL: see Tool */
} TableName;

/* A tool whose table is kept true of a set's migrations. */
typedef struct Mirror {
    const Tool *tool;
    const MigrationSet *set;
    TableName table;
} Mirror;

ErrCode mirror_find(const MigrationSet *set, const AdoptFrom *from, Arena *arena,
                    Mirror *ret_mirror, Err *err);

/* Has each script of the plan tell the tool's table what it has done, and the agent ask it before
 * the first whether it agrees with skein's history. In `arena`. */
ErrCode mirror_plan(const MigrationSet *set, const AdoptFrom *from, Arena *arena, Plan *plan,
                    Err *err);

/* ---- one statement, in `arena`: for histories that are set right by hand ---- */

/* Takes out the row of a migration whose file is gone (id and version alone); `stands` says which
 * of the set's are applied, in its order. Does no harm where there is none. */
const char *mirror_gone(const Mirror *mirror, const PlanMigration *gone, const bool *stands,
                        Arena *arena);

/* The row of `old` says what the set's migration says, in its place; NULL: there is nothing of a
 * file in it. See Tool.rewrite. */
const char *mirror_rewrite(const Mirror *mirror, size_t index, const PlanMigration *old,
                           Arena *arena);

/* Does the tool know both by one row? */
bool mirror_is_same_row(const Mirror *mirror, const PlanMigration *a, const PlanMigration *b);

#endif
