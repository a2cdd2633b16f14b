/* Opening, upgrading and driving one SQLite file. Never retries, never logs. */
#include "coordinator/store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/failpoint.h"
#include "common/file.h"
#include "common/str.h"
#include "coordinator/store/schema.h"

/* Longer than any commit of another process, shorter than anyone's patience. */
#define BUSY_TIMEOUT_MS 1000
#define LOG_SUFFIX "-wal"
#define LOCK_SUFFIX "-lock"
#define LOG_KEPT_BYTES "4194304"   /* the log of a large plan does not stay as large as that */
#define HURRIED_BUSY_TIMEOUT_MS 20 /* a moment's lock, as of a backup that begins, is no outage */

static const struct {
    int code;
    const char *hint;
} HINTS[] = {
    { SQLITE_BUSY, "another process writes to this file; only one coordinator may use it" },
    { SQLITE_LOCKED, "another process writes to this file; only one coordinator may use it" },
    { SQLITE_FULL,
      "make room on the file system that holds the store; a coordinator that runs goes on by "
      "itself" },
    { SQLITE_IOERR,
      "look at the disk, its free space and the kernel's log; a coordinator that runs goes on by "
      "itself when writing works again" },
    { SQLITE_CORRUPT,
      "the file is damaged: restore it from a backup, or move it away and start anew" },
    { SQLITE_NOTADB,
      "this file is no skein store: look at 'store' in the configuration, or restore it "
      "from a backup" },
    { SQLITE_CANTOPEN, "its directory must exist and be writable for the coordinator's user" },
    { SQLITE_PERM, "the file must belong to the coordinator's user" },
    { SQLITE_READONLY, "file and directory must be writable for the coordinator's user" },
};

/* What the operating system said to SQLite; 0: it was not about a file. */
static int system_error(Db *db, int code)
{
    bool is_of_file = code == SQLITE_IOERR || code == SQLITE_CANTOPEN || code == SQLITE_FULL;
    return is_of_file ? sqlite3_system_errno(db->handle) : 0;
}

ErrCode db_error(Db *db, Err *err)
{
    int extended = sqlite3_extended_errcode(db->handle);
    int code = extended & 0xff;
    int sys_errno = system_error(db, code);
    err_set(err, ERR_STORE, "store %s: %s (SQLite error %d%s%s)", db->path,
            sqlite3_errmsg(db->handle), extended, sys_errno == 0 ? "" : ": ",
            sys_errno == 0 ? "" : strerrordesc_np(sys_errno));
    if (sys_errno == ENOSPC || sys_errno == EDQUOT) {
        code = SQLITE_FULL; /* as it is where SQLite maps its shared memory */
    }
    for (size_t i = 0; i < ARRAY_LEN(HINTS); i++) {
        if (HINTS[i].code == code) {
            err_hint(err, "%s", HINTS[i].hint);
        }
    }
    return ERR_STORE;
}

ErrCode db_prepare(Db *db, const char *sql, sqlite3_stmt **ret_statement, Err *err)
{
    int code =
        sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
    return code == SQLITE_OK ? ERR_NONE : db_error(db, err);
}

ErrCode db_exec(Db *db, const char *sql, Err *err)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_NONE
                                                                        : db_error(db, err);
}

ErrCode db_step(Db *db, sqlite3_stmt *statement, bool *ret_has_row, Err *err)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        db_error(db, err);
        sqlite3_reset(statement);
        return ERR_STORE;
    }
    if (ret_has_row != NULL) {
        *ret_has_row = code == SQLITE_ROW;
    }
    return ERR_NONE;
}

ErrCode db_run(Db *db, sqlite3_stmt *statement, Err *err)
{
    ErrCode code = db_step(db, statement, NULL, err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code;
}

/* ---- transactions ---- */

/* A link that leads to the same file is another, too: the log beside it would not be found. */
static bool is_another(const char *path, const struct stat *opened)
{
    struct stat now;
    return lstat(path, &now) != 0 || now.st_dev != opened->st_dev || now.st_ino != opened->st_ino;
}

/*
 * Under Linux a file that was deleted or replaced can be written on and on, and nobody will ever
 * read what is in it. SQLite itself looks only where it has no write-ahead log, and never at that.
 */
static ErrCode check_place(Db *db, Err *err)
{
    const char *suffix = NULL;
    const char *hint = NULL;
    if (is_another(db->path, &db->file)) {
        suffix = "";
        hint = "move that very file back and the coordinator goes on by itself; restarted, it "
               "begins with what lies there now";
    } else if (db->log_path != NULL && is_another(db->log_path, &db->log)) {
        suffix = LOG_SUFFIX;
        hint = "stop the coordinator with SIGTERM, which saves what was in it, and start it again";
    }
    if (suffix == NULL) {
        return ERR_NONE;
    }
    err_set(err, ERR_STORE, "store %s%s was deleted, moved or replaced while in use", db->path,
            suffix);
    return err_hint(err, "%s", hint);
}

ErrCode db_begin(Db *db, Err *err)
{
    ErrCode code = db_exec(db, "BEGIN IMMEDIATE", err);
    return code == ERR_NONE ? check_place(db, err) : code;
}

ErrCode db_commit(Db *db, Err *err)
{
    FAILPOINT("store.before_commit");
    if (FAILPOINT_ERROR("store.commit", err) != ERR_NONE) {
        db_rollback(db);
        err->code = ERR_STORE;
        return ERR_STORE;
    }
    if (db_exec(db, "COMMIT", err) != ERR_NONE) {
        db_rollback(db);
        return ERR_STORE;
    }
    FAILPOINT("store.after_commit");
    return ERR_NONE;
}

void db_rollback(Db *db)
{
    /* Some errors (a full disk) have ended the transaction already. */
    if (!sqlite3_get_autocommit(db->handle)) {
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    }
}

/* ---- opening ---- */

/*
 * The file exists with mode 0600 before SQLite opens it; its journal files take the same mode.
 * Never opened and closed by us when it is there: that would drop the POSIX locks of this process
 * on it.
 */
static ErrCode file_prepare(const char *path, Err *err)
{
    struct stat info;
    AUTO(Fd) fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST && lstat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        err_set(err, ERR_STORE, "%s is there and is no file", path);
        return err_hint(err, "'store' in the configuration names the file, not its directory");
    }
    if (fd >= 0 || (errno == EEXIST && chmod(path, 0600) == 0)) {
        return ERR_NONE;
    }
    err_set_errno(err, ERR_STORE, errno, "cannot open the store %s", path);
    return err_hint(err, "its directory must exist, and directory and file belong to the "
                         "coordinator's user; 'store' in the configuration names the file");
}

/* One number or word that a PRAGMA answers with. */
static ErrCode pragma_read(Db *db, const char *sql, Arena *arena, const char **ret_text, Err *err)
{
    sqlite3_stmt *statement = NULL;
    bool has_row = false;
    ErrCode code = db_prepare(db, sql, &statement, err);
    if (code == ERR_NONE) {
        code = db_step(db, statement, &has_row, err);
    }
    if (code == ERR_NONE) {
        *ret_text =
            has_row ? arena_strdup(arena, (const char *)sqlite3_column_text(statement, 0)) : "";
    }
    sqlite3_finalize(statement);
    return code;
}

static ErrCode pragma_number(Db *db, const char *sql, int64_t *ret, Err *err)
{
    AUTO(Arena) arena = { 0 };
    const char *text = NULL;
    ErrCode code = pragma_read(db, sql, &arena, &text, err);
    if (code == ERR_NONE && !str_to_int64(text, INT64_MIN, INT64_MAX, ret)) {
        code = err_set(err, ERR_STORE, "store %s: '%s' answered '%s'", db->path, sql, text);
    }
    return code;
}

static ErrCode check_integrity(Db *db, Err *err)
{
    AUTO(Arena) arena = { 0 };
    const char *answer = NULL;
    ErrCode code = pragma_read(db, "PRAGMA quick_check(1)", &arena, &answer, err);
    if (code == ERR_NONE && !str_equal(answer, "ok")) {
        err_set(err, ERR_STORE, "store %s is damaged: %s", db->path, answer);
        code =
            err_hint(err, "restore it from a backup, or move it away and start anew: agents keep "
                          "the truth in their databases");
    }
    return code;
}

/* Takes the file from `version` to the next, in one transaction. */
static ErrCode upgrade_step(Db *db, size_t version, Err *err)
{
    AUTO(Str) stamp = { 0 };
    str_printf(&stamp, "PRAGMA application_id = %d; PRAGMA user_version = %zu",
               STORE_APPLICATION_ID, version + 1);
    ErrCode code = db_begin(db, err);
    if (code == ERR_NONE) {
        code = db_exec(db, STORE_SCHEMA_STEPS[version], err);
    }
    if (code == ERR_NONE) {
        code = db_exec(db, str_text(&stamp), err);
    }
    if (code == ERR_NONE) {
        code = db_commit(db, err);
    }
    if (code != ERR_NONE) {
        db_rollback(db);
        err_wrap(err, "the store cannot be brought to schema version %zu, and is as it was",
                 version + 1);
        return err->hint[0] != '\0'
                   ? err->code
                   : err_hint(err,
                              "start the skein-coordinator that wrote it, or restore a backup");
    }
    return ERR_NONE;
}

static ErrCode check_owner(Db *db, int64_t *ret_version, Err *err)
{
    int64_t application = 0;
    int64_t tables = 0;
    if (pragma_number(db, "PRAGMA user_version", ret_version, err) != ERR_NONE ||
        pragma_number(db, "PRAGMA application_id", &application, err) != ERR_NONE ||
        pragma_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err) != ERR_NONE) {
        return ERR_STORE;
    }
    if (tables > 0 && application != STORE_APPLICATION_ID) {
        err_set(err, ERR_STORE, "%s is an SQLite file of another program", db->path);
        return err_hint(err,
                        "look at 'store' in the configuration; skein touches no file but its own");
    }
    if (*ret_version > (int64_t)STORE_SCHEMA_VERSION) {
        err_set(err, ERR_STORE,
                "store %s has schema version %lld, this is skein %s with version %zu", db->path,
                (long long)*ret_version, SKEIN_VERSION, STORE_SCHEMA_VERSION);
        return err_hint(err, "start the newer skein-coordinator that wrote it, or restore the "
                             "backup from before the upgrade");
    }
    return ERR_NONE;
}

static ErrCode upgrade(Db *db, Err *err)
{
    int64_t version = 0;
    ErrCode code = check_owner(db, &version, err);
    for (size_t next = (size_t)version; code == ERR_NONE && next < STORE_SCHEMA_VERSION; next++) {
        code = upgrade_step(db, next, err);
    }
    return code;
}

static ErrCode configure(Db *db, Err *err)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    /* trusted_schema: what a planted view or trigger could call. cell_size_check: damage shows
     * early. */
    return db_exec(db,
                   "PRAGMA trusted_schema = off; PRAGMA cell_size_check = on;"
                   "PRAGMA journal_mode = wal; PRAGMA synchronous = full;"
                   "PRAGMA journal_size_limit = " LOG_KEPT_BYTES ";",
                   err);
}

void db_hurry(Db *db)
{
    sqlite3_busy_timeout(db->handle, HURRIED_BUSY_TIMEOUT_MS);
}

/* NULL: there is none, as on a file system without shared memory. */
static char *log_path(const char *path, struct stat *ret_log)
{
    AUTO(Str) text = { 0 };
    str_printf(&text, "%s" LOG_SUFFIX, path);
    return lstat(str_text(&text), ret_log) == 0 ? str_take(&text) : NULL;
}

/*
 * One process at a time, from before the store is looked at until it is closed. A file system that
 * knows no locks lets everybody in: then the term alone keeps the older one from writing.
 */
static ErrCode lock_take(const char *path, Fd *ret_lock, Err *err)
{
    AUTO(Str) name = { 0 };
    struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    str_printf(&name, "%s" LOCK_SUFFIX, path);
    AUTO(Fd) fd = open(str_text(&name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err_set_errno(err, ERR_STORE, errno, "cannot open %s", str_text(&name));
        return err_hint(err, "it must be a file that the coordinator's user may write");
    }
    if (fcntl(fd, F_SETLK, &range) != 0 && (errno == EACCES || errno == EAGAIN)) {
        (void)fcntl(fd, F_GETLK, &range);
        err_set(err, ERR_STORE, "another coordinator uses the store %s: process %d", path,
                (int)range.l_pid);
        return err_hint(err, "stop it first, or give this one a store of its own");
    }
    *ret_lock = fd;
    fd = -1;
    return ERR_NONE;
}

ErrCode db_open(const char *path, Db *ret_db, Err *err)
{
    AUTO(Db) db = { .path = mem_strdup(path), .lock = -1 };
    if (file_prepare(path, err) != ERR_NONE || lock_take(path, &db.lock, err) != ERR_NONE) {
        return ERR_STORE;
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (sqlite3_open_v2(path, &db.handle, flags, NULL) != SQLITE_OK) {
        return db_error(&db, err);
    }
    if (lstat(path, &db.file) != 0) {
        return err_set_errno(err, ERR_STORE, errno, "cannot look at store %s", path);
    }
    if (configure(&db, err) != ERR_NONE || check_integrity(&db, err) != ERR_NONE ||
        upgrade(&db, err) != ERR_NONE) {
        return ERR_STORE;
    }
    db.log_path = log_path(path, &db.log);
    *ret_db = db;
    db = (Db){ .lock = -1 };
    return ERR_NONE;
}

void db_close(Db *db)
{
    if (db->handle != NULL) {
        sqlite3_close(db->handle);
    }
    free(db->path);
    free(db->log_path);
    fd_done(&db->lock); /* last: whoever gets it finds the store closed */
    *db = (Db){ .lock = -1 };
}
