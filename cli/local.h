/*
 * One database, without a coordinator: what up, down, status, history, current and check share.
 */
#ifndef SKEIN_CLI_LOCAL_H
#define SKEIN_CLI_LOCAL_H

#include "agent/conn/conn.h"
#include "agent/exec/history.h"
#include "cli/command.h"
#include "cli/source/source.h"

/* The longest that looking at a database may take; migrations have their own limits. */
#define LOOK_TIMEOUT_MS 30000

/* What --database or SKEIN_DATABASE_URL says, or NULL. */
const char *local_database(const Options *options);

/* The database that it names. ERR_USAGE when neither does. */
ErrCode local_source(const Options *options, ConnSource **ret_source, Err *err);

/* The same, for so many connections at once. */
ErrCode local_source_for(const Options *options, uint32_t connections, ConnSource **ret_source,
                         Err *err);

/* --schema, or "" for the whole database. */
const char *local_tenant(const Options *options);

/*
 * Every row that skein has written of the database or its --schema, in `arena`, also what a schema
 * brings along from under its former name. Of one that was made anew under an old name nothing
 * stands. Warns of both. ERR_NOT_FOUND: there is no such schema.
 */
ErrCode local_history(const Options *options, ConnSource *source, Arena *arena,
                      HistoryList *ret_list, Err *err);

/* How --migrations is to be read. */
SourceOptions local_source_options(const Options *options);

/* The migrations of --migrations. */
ErrCode local_migrations(const Options *options, Arena *arena, MigrationSet *ret_set, Err *err);

/* A plan of all of them, as the executor wants it; borrows the set's. */
Plan local_plan(const MigrationSet *set);

/* --shared-schemas, "a,b": each name is what stands between the commas, as it is. ERR_USAGE. In
 * `arena`. */
ErrCode local_shared_schemas(const Options *options, Arena *arena, Plan *plan, Err *err);

/* What the executor is asked: `plan` up to the id `to`, "": none. Borrows all of it. */
JobOrder local_order(const Options *options, const ConnSource *source, const Plan *plan,
                     const char *to);

/* Who runs them, for the history. In `arena`. */
const char *local_operator(Arena *arena);

/* The row of a migration that counts: not the undone ones. NULL: it is not applied. */
const HistoryEntry *local_row(const HistoryList *list, const char *id);

#endif
