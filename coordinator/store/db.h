/*
 * Db: one SQLite file, opened, checked and brought to the present schema. What SQLite refuses
 * becomes ERR_STORE with SQLite's own words and what to do. Knows no rows.
 */
#ifndef SKEIN_COORDINATOR_STORE_DB_H
#define SKEIN_COORDINATOR_STORE_DB_H

#include <stdbool.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/file.h"

typedef struct Db {
    sqlite3 *handle;
    char *path;
    char *log_path; /* of the write-ahead log; NULL: there is none */
    struct stat file;
    struct stat log; /* as they were when they were opened */
    Fd lock;         /* of this process, on PATH-lock */
} Db;

/*
 * Makes the file (0600) when it is not there, and waits for the locks of others. ERR_STORE: another
 * process has it open by this function, it cannot be had, is damaged, or is newer than we are.
 */
ErrCode db_open(const char *path, Db *ret_db, Err *err);
void db_close(Db *db); /* statements are finalized before */

AUTO_DEFINE(Db, db_close)

/* From now on the lock of another process is an error almost at once. */
void db_hurry(Db *db);

ErrCode db_prepare(Db *db, const char *sql, sqlite3_stmt **ret_statement, Err *err);

/* Runs SQL without results. */
ErrCode db_exec(Db *db, const char *sql, Err *err);

/* One step. *ret_has_row may be NULL where no row is expected. On error the statement is reset. */
ErrCode db_step(Db *db, sqlite3_stmt *statement, bool *ret_has_row, Err *err);

/* Executes a statement that gives no row, then resets it and forgets its parameters. */
ErrCode db_run(Db *db, sqlite3_stmt *statement, Err *err);

/*
 * BEGIN IMMEDIATE … COMMIT. After an error the caller calls db_rollback, which is harmless where
 * nothing is open. ERR_STORE also when the file at the path is not the one that is open any more.
 */
ErrCode db_begin(Db *db, Err *err);
ErrCode db_commit(Db *db, Err *err);
void db_rollback(Db *db);

/* ERR_STORE from SQLite's last error on this file. */
ErrCode db_error(Db *db, Err *err);

#endif
