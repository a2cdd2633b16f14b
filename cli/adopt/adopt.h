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

/* Has each script of the plan tell the tool's table what it has done, and the agent ask it before
 * the first whether it agrees with skein's history. In `arena`. */
ErrCode mirror_plan(const MigrationSet *set, const AdoptFrom *from, Arena *arena, Plan *plan,
                    Err *err);

#endif
