/*
 * Files for several kinds of databases beside each other: 0001_init.postgres.up.sql and
 * 0001_init.mysql.up.sql. A word between the first dot of a name and its last says which.
 */
#ifndef SKEIN_CLI_SOURCE_DIALECT_H
#define SKEIN_CLI_SOURCE_DIALECT_H

#include "cli/source/dir.h"
#include "cli/source/note.h"

/*
 * Takes the names of SQL files out of the directory that are for another database than PostgreSQL,
 * and those that are for any where there is the same name for PostgreSQL. One note says how many.
 */
void dialect_filter(SourceDir *dir, SourceNotes *notes, Arena *arena);

/* Is it a word for another kind of database: "mysql"? */
bool dialect_is_other(const char *folder);

/* A folder that holds PostgreSQL's share of a history, or NULL. */
const char *dialect_folder(const SourceDir *dir);

#endif
