/*
 * What one statement does to the tables that others use: the lock it takes on each and holds to the
 * end of its transaction, and the work it does while holding it. Nothing here judges; rules do.
 *
 * The table of effects is PostgreSQL 15's, and is held against a server by a test that executes
 * each kind of statement and looks in pg_locks and at the files.
 */
#ifndef SKEIN_CLI_LINT_EFFECTS_H
#define SKEIN_CLI_LINT_EFFECTS_H

#include "cli/lint/model.h"

/* PostgreSQL's table-level locks, from the weakest to the strongest. */
typedef enum LockMode {
    LOCK_NONE = 0,
    LOCK_ACCESS_SHARE,
    LOCK_ROW_SHARE,
    LOCK_ROW_EXCLUSIVE,
    LOCK_SHARE_UPDATE_EXCLUSIVE,
    LOCK_SHARE,
    LOCK_SHARE_ROW_EXCLUSIVE,
    LOCK_EXCLUSIVE,
    LOCK_ACCESS_EXCLUSIVE,
    LOCK_MODE_COUNT_,
} LockMode;

/* How long the lock is held by the statement itself, by what it does to the table's rows. */
typedef enum TableWork {
    WORK_NONE = 0, /* the catalog alone */
    WORK_ROWS,     /* reads or writes those rows that it asks for */
    WORK_EMPTY,    /* puts an empty file in the table's place: quick, and every row is gone */
    WORK_SCAN,     /* reads every row */
    WORK_BUILD,    /* reads every row and builds an index of them */
    WORK_REWRITE,  /* writes every row, and every index, anew */
    TABLE_WORK_COUNT_,
} TableWork;

typedef struct Effect {
    Name table; /* as the statement says it; that of an index by the model, if it knows */
    LockMode lock;
    TableWork work;
    bool is_index;   /* its table is not known: `table` is the index's name */
    bool is_likely;  /* depends on what is not known; the worse is told */
    const char *why; /* a phrase: what makes it so */
} Effect;

#define EFFECTS_MAX 64

typedef struct Effects {
    Effect items[EFFECTS_MAX]; /* one for each table, the strongest of all that it does there */
    size_t count;
    bool
        is_whole; /* false: there were more tables than that, or the statement hides what it does */
} Effects;

/* `model` is what the statements before it have made. Texts are in `arena` or static. */
void effects_of(const Node *statement, const Model *model, Arena *arena, Effects *ret_effects);

/* Is every value of the domain checked, in whatever table it stands? */
bool effect_checks_domain(const PgQuery__AlterDomainStmt *alter);

/* The effect on this table, or NULL. */
const Effect *effects_on(const Effects *effects, const Model *model, Name table);

const char *lock_mode_name(LockMode mode);   /* "ACCESS EXCLUSIVE" */
const char *lock_mode_blocks(LockMode mode); /* "reads and writes", "writes", …; NULL: neither */
const char *table_work_name(TableWork work); /* "rewrite", for programs */
const char *table_work_phrase(TableWork work); /* "rewrites the table" */

#endif
