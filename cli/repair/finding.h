/*
 * What a person can find wrong with a database's history, and what may be said about each: two
 * tables and the code that reads a sight (agent/exec/repair.h) by them. Pure. docs/repair.md is the
 * same tables in prose.
 */
#ifndef SKEIN_CLI_REPAIR_FINDING_H
#define SKEIN_CLI_REPAIR_FINDING_H

#include "agent/exec/repair.h"
#include "cli/past/past.h"
#include "common/list.h"

typedef enum FindingKind {
    FINDING_NONE = 0,
    FINDING_ATTEMPT,      /* somebody is at work on the target now */
    FINDING_COPY,         /* the database is a copy, and nothing has been done to it since */
    FINDING_SCHEMA,       /* the history is about another schema of this name */
    FINDING_CHANGED,      /* applied, and its file is another one now */
    FINDING_RENAMED,      /* applied, and its file has another name now */
    FINDING_MISSING,      /* in the history, and in no file */
    FINDING_INTERRUPTED,  /* a statement outside a transaction was begun; its end is not known */
    FINDING_PARTS,        /* between two parts, and the file begins with others than those done */
    FINDING_HALF,         /* between two parts */
    FINDING_GAP,          /* not applied, below one that is */
    FINDING_TOOL_TABLE,   /* another tool's own history cannot be read */
    FINDING_TOOL_FAULT,   /* … says that something is wrong with it */
    FINDING_TOOL_STRANGE, /* … has what is neither in a file nor in skein's history */
    FINDING_TOOL_AHEAD,   /* the tool has applied it, and skein's history does not have it */
    FINDING_TOOL_UNDONE,  /* the other way round, and the tool has had it */
    FINDING_TOOL_BEHIND,  /* … and was never told */
    FINDING_TOOL_STALE,   /* … of what is done again: the tool has done it as it was before */
    FINDING_TOOL_CHANGED, /* the tool has applied it as another file */
    FINDING_COUNT_,
} FindingKind;

typedef struct Finding {
    FindingKind kind;
    const char *id;       /* the migration's; "": it is about the whole target */
    const RepairRow *row; /* NULL: there is none */
    const PlanMigration
        *migration;   /* the file's; of one that was renamed, the new one. NULL: none */
    const char *text; /* what is so, a sentence or two */
    bool is_note;     /* attempts go on in spite of it */
    const Past *past; /* of one that was changed: what was applied; NULL: nobody has looked */
    const char *now;  /* with `past`: the statements that are others now; "": nobody can tell */
    const char *tool; /* that is mirrored; NULL: none */
    bool is_in_tool;  /* RENAMED: the tool has applied what the file is called now */
} Finding;

typedef struct Findings {
    LIST(Finding) list;
} Findings;

void repair_findings_done(Findings *findings);
AUTO_DEFINE(Findings, repair_findings_done)

/* Appends what is wrong, the target's own first, then oldest first. Borrows plan and sight; texts
 * in `arena`. */
void repair_findings_gather(const Plan *plan, const RepairSight *sight, Arena *arena,
                            Findings *findings);

/* Appends what another tool's table says otherwise, its own first, then in the plan's order: by
 * what an up would be held (agent/core/accord.h), and the rest as notes. */
void repair_findings_add_tool(const Plan *plan, const RepairSight *sight, const RepairTool *told,
                              Arena *arena, Findings *findings);

/* The one about this migration; NULL: there is none. */
const Finding *repair_findings_of(const Findings *findings, const char *id);

/* "changed", "interrupted", …: stable, for JSON */
const char *repair_finding_name(FindingKind kind);

/* ---- choices ---- */

typedef enum Choice {
    CHOICE_NONE = 0,
    CHOICE_ACCEPT,
    CHOICE_RENAME,
    CHOICE_FORGET,
    CHOICE_SETTLE,
    CHOICE_DONE,
    CHOICE_AGAIN,
    CHOICE_APPLIED,
    CHOICE_UNDONE,
    CHOICE_SAME_SCHEMA,
    CHOICE_NEW_SCHEMA,
    CHOICE_TELL,
    CHOICE_COUNT_,
} Choice;

const char *repair_choice_word(Choice choice);  /* the option's: "accept" */
bool repair_choice_is_of_target(Choice choice); /* and so names no migration */

/* May it be said of this finding? Never what the catalog contradicts. */
bool repair_choice_fits(Choice choice, const Finding *finding);

/* What it would do to it, for people. Appends. */
void repair_choice_write(Choice choice, const Finding *finding, Str *out);

/* What a mirrored tool's table is told of a change. */
typedef enum Telling {
    TELLING_NONE = 0,
    TELLING_WRITE,   /* it gets the file's row */
    TELLING_REMOVE,  /* the file's row goes */
    TELLING_REWRITE, /* the file's row says what the file is now: its checksum */
    TELLING_MOVE,    /* the row of what skein's history calls it becomes the file's */
    TELLING_FORGET,  /* the row of what skein's history calls it goes */
    TELLING_COUNT_,
} Telling;

Telling repair_choice_telling(Choice choice, const Finding *finding);

/* The change that it comes to, but for what a tool is told; the statement that clears the way
 * before, or NULL. Not for the two about schemas. In `arena`. */
RepairChange repair_choice_change(Choice choice, const Finding *finding, Arena *arena,
                                  const char **ret_mend);

#endif
