/* What another tool's own table was seen to say (PlanTool.query). */
#ifndef SKEIN_AGENT_EXEC_TOOL_SIGHT_H
#define SKEIN_AGENT_EXEC_TOOL_SIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/core/accord.h"

/* A row of it that is no migration of the plan. */
typedef struct ToolStranger {
    const char *name;  /* the tool's for it */
    const char *fault; /* what the tool says is wrong with it; NULL: nothing */
} ToolStranger;

typedef struct ToolSight {
    bool *has;            /* of each migration of the plan: the table speaks of it */
    const char **faults;  /* … and says that this is wrong with it; NULL: nothing */
    const char **changes; /* … and has it of another file, which is said how; NULL: of the same,
                             or it cannot tell */
    ToolStranger *strangers; /* in the tool's order */
    size_t stranger_count;
    const char *fault; /* the first of all, strangers' as well; NULL: the tool is at rest */
} ToolSight;

/* Another tool that has to do with the history, by the newest row that says so. */
typedef struct Tie {
    const char *tool;   /* NULL or "": none */
    const char *schema; /* that its table is named with; "": none */
    const char *table;  /* "": its usual one */
} Tie;

/* One that keeps no table, as what was taken over before tables were kept, is of any of the tool's.
 */
bool tie_is_same(const Tie *a, const Tie *b);

/* The table that a plan asks or tells. Borrows. */
Tie tie_of_tool(const PlanTool *tool);

/* What it says, where the plan has nothing to do with it. */
typedef struct TieSight {
    Sharing sharing; /* NONE: there is no such tool, or its table is gone; TIED, FOUND */
    const char *name;
    const PlanTool *tool; /* NULL: the plan does not know it; with `trouble` */
    const char *table;    /* what a command adds for its table: " --table ops.moves"; "": nothing */
    const char *trouble;  /* why it cannot be seen; NULL: it was */
    ToolSight tool_sight;
} TieSight;

#endif
