/*
 * Setting a target's history right by a person's word: looking at what stands in it and at what an
 * interrupted statement has left in the catalog, and changing one row, behind the fence like any
 * attempt. Nothing of a migration runs here. What is wrong with what is seen, and which changes
 * make sense, is the command line's to say (cli/repair/).
 *
 * All of it works on a runner (runner.h) whose order is the command line's and whose plan is the
 * directory, and blocks as that does.
 */
#ifndef SKEIN_AGENT_EXEC_REPAIR_H
#define SKEIN_AGENT_EXEC_REPAIR_H

#include "agent/exec/place.h"
#include "agent/exec/runner.h"
#include "agent/exec/tool_sight.h"
#include "common/arena.h"
#include "common/str.h"

/* A row of skein.history that stands. Texts are never NULL. */
typedef struct RepairRow {
    uint64_t seq;
    const char *id;
    const char *version;
    Place place;
    bool is_inherited;
    const char *checksum;   /* hexadecimal, as the next */
    const char *parts_hash; /* "": no part is done */
    Bytes fingerprints;
    const char *rollout; /* "": the command line */
    const char *agent;
    const char *started_at;
    const char *adopted_from;
    Tie tie;              /* that it is shared with */
    bool was_in_tool;     /* that has had it: skein took it over from there, or told it */
    const char *evidence; /* JSON; "": none */
    int backend_pid;      /* of the backend that wrote it, if that is still there; else 0 */
    Trace trace;
    const char *found;  /* what the catalog shows, in words */
    const char *object; /* qualified and quoted; "": none */
    const char *mend;   /* what clears it away, or brings it to its end; "": nothing */
} RepairRow;

typedef enum FenceSight {
    FENCE_SIGHT_NONE = 0, /* none yet */
    FENCE_SIGHT_REGULAR,
    FENCE_SIGHT_COPY,         /* made for another database: this one is a copy of it */
    FENCE_SIGHT_OTHER_SCHEMA, /* made for a schema that is gone; one with things in it has its name
                               */
    FENCE_SIGHT_RENAMED,      /* none under this name: the schema's own is under its former one */
    FENCE_SIGHT_EMPTY_SCHEMA, /* as OTHER_SCHEMA, and the one that has its name is empty; or the
                                 history's is not gone, but renamed: the next attempt settles it */
} FenceSight;

typedef struct RepairSight {
    bool has_tables; /* false: nothing of skein has been here, and all else is zero */
    FenceSight fence;
    uint64_t former_schema_oid;
    uint64_t schema_oid;
    int holder_pid; /* of another session that holds the target's lock now; 0: there is none */
    const char *holder;
    RepairRow *rows; /* in order of application */
    size_t count;
    Tie tie; /* whom the history is shared with, by its newest row that says so */
} RepairSight;

/* Opens the runner's session: all that follows needs it. */
ErrCode repair_open(Runner *runner, Err *err);

/* Looks: takes neither lock nor fence, and changes nothing. Texts in `arena`. ERR_HISTORY: skein's
 * own tables are of another version. */
ErrCode repair_look(Runner *runner, Arena *arena, RepairSight *ret_sight, Err *err);

/* Its fence alone: `fence` and the two schemas. */
ErrCode repair_look_fence(Runner *runner, RepairSight *sight, Err *err);

/* Fills in trace, found and object of a row of which a statement is under way. repair_look does. */
ErrCode repair_trace(Runner *runner, RepairRow *row, Arena *arena, uint64_t deadline_ms, Err *err);

/* What another tool's own table says. Texts in `arena`. */
typedef struct RepairTool {
    const char *name;
    const PlanTool *tool; /* NULL: none was asked, or `why` says why not */
    Sharing sharing; /* what an attempt would have to do with it; NONE: nothing, and it is asked for
                        a person's sake */
    Tie tie;         /* which table of it was asked */
    const char *table; /* what a command adds for its table: " --table ops.moves"; "": nothing */
    Err why;           /* ERR_NONE: the table was read */
    ToolSight sight;   /* what was read */
} RepairTool;

/*
 * Asks the one that an attempt would: that of the plan; or the one that the history is shared with,
 * or the directory's own where nothing stands; else `own`, whose .tool may be NULL. That its table
 * cannot be read is no error here.
 */
ErrCode repair_look_tool(Runner *runner, const RepairSight *sight, const PlanTool *own,
                         Arena *arena, RepairTool *ret_tool, Err *err);

/* Takes lock and fence, as an attempt does: from here to the change nobody else writes. */
ErrCode repair_take(Runner *runner, Err *err);

/* One change to one row. Zero-initialised but for what is to change. */
typedef struct RepairChange {
    const RepairRow *row;
    Place to;
    const char *parts_hash;       /* hexadecimal; "": none */
    const PlanMigration *content; /* the row becomes this migration's; NULL: it stays as it is */
    const char *const *mirror;    /* statements that tell another tool's table of it */
    size_t mirror_count;
    bool is_told;       /* after that the plan's tool has it */
    const char *choice; /* what was chosen, and why, for the record */
    const char *reason;
} RepairChange;

/* Writes it, if the row still stands as it was seen. ERR_CONFLICT: it does not. ERR_LOST: look. */
ErrCode repair_write(Runner *runner, const RepairChange *change, Err *err);

/* Runs what a trace has named, outside any transaction; for a runner that has taken the target. */
ErrCode repair_mend(Runner *runner, const char *mend, Err *err);

/*
 * The answer to FENCE_SIGHT_OTHER_SCHEMA, for a runner that has not taken the target: the fence and
 * its history are about the schema that has the name now (`is_kept`), or nothing of the history is
 * in it and its rows are undone.
 */
ErrCode repair_schema(Runner *runner, const RepairSight *sight, bool is_kept, const char *choice,
                      const char *reason, Err *err);

#endif
