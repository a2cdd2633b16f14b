/* What another tool's own table was seen to say (PlanTool.query). */
#ifndef SKEIN_AGENT_EXEC_TOOL_SIGHT_H
#define SKEIN_AGENT_EXEC_TOOL_SIGHT_H

#include <stdbool.h>
#include <stddef.h>

/* A row of it that is no migration of the plan. */
typedef struct ToolStranger {
    const char *name;  /* the tool's for it */
    const char *fault; /* what the tool says is wrong with it; NULL: nothing */
} ToolStranger;

typedef struct ToolSight {
    bool *has;               /* of each migration of the plan: the table speaks of it */
    const char **faults;     /* … and says that this is wrong with it; NULL: nothing */
    ToolStranger *strangers; /* in the tool's order */
    size_t stranger_count;
    const char *fault; /* the first of all, strangers' as well; NULL: the tool is at rest */
} ToolSight;

#endif
