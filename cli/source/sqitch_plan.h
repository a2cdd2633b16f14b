/*
 * sqitch.plan: the changes of a project in order, with what Sqitch's own registry wants to know of
 * each. Which scripts they have is source_sqitch.c's.
 */
#ifndef SKEIN_CLI_SOURCE_SQITCH_PLAN_H
#define SKEIN_CLI_SOURCE_SQITCH_PLAN_H

#include "cli/source/script.h"

#define SQITCH_HASH_BYTES 20
#define SQITCH_HASH_TEXT (2 * SQITCH_HASH_BYTES + 1)

typedef struct SqitchProject {
    const char *name;
    const char *uri; /* or NULL */
} SqitchProject;

/* What a line of the plan says of its own making. */
typedef struct SqitchLine {
    const char *name;
    const char *note; /* "": none */
    const char *date; /* 2024-01-31T12:00:00Z */
    const char *planner;
    const char *email;
    uint32_t number;
} SqitchLine;

typedef struct SqitchTag {
    SqitchLine line; /* its name without "@" */
    char id[SQITCH_HASH_TEXT];
    size_t change; /* that it stands behind, by index */
} SqitchTag;

typedef struct SqitchDepend {
    const char *text; /* as the registry has it */
    const char *project;
    const char *change; /* of another project: its name */
    const char *id;     /* of the change that it means; NULL: of another project */
    bool is_conflict;
} SqitchDepend;

typedef struct SqitchChange {
    const SqitchProject *project;
    SqitchLine line;
    char id[SQITCH_HASH_TEXT];
    const SqitchDepend *depends;
    size_t depend_count;
    const SqitchTag *tags; /* that stand behind it */
    size_t tag_count;
    size_t instance;                    /* 1: the first of its name; 2: it reworks that */
    size_t reworked_by;                 /* index of the next of its name; 0: none */
    char script_hash[SQITCH_HASH_TEXT]; /* of the deploy script; filled by who reads it */
} SqitchChange;

typedef struct SqitchPlan {
    SqitchProject project;
    SqitchChange *changes;
    size_t count;
    SqitchTag *tags; /* in order */
    size_t tag_count;
} SqitchPlan;

/*
 * ERR_SYNTAX with file and line for what Sqitch does not write, for a name that comes again without
 * a tag between, and for a requirement that nothing above it meets.
 */
ErrCode sqitch_plan_read(const ScriptInput *input, Arena *arena, SqitchPlan *ret_plan, Err *err);

/* SHA-1 in hexadecimal, as Sqitch names things. */
void sqitch_hash(Bytes bytes, char ret_text[SQITCH_HASH_TEXT]);

#endif
