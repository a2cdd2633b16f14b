/*
 * Errors as values.
 *
 * A fallible function returns an ErrCode and, unless that is ERR_NONE, has filled the caller's Err.
 * The error is a value until the outermost frame, which logs or prints it, once. Err owns no
 * memory: copy it freely, send it between threads, put it on the wire.
 */
#ifndef SKEIN_COMMON_ERR_H
#define SKEIN_COMMON_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit codes of every program of skein. Documented in --help; part of the interface. */
typedef enum ExitCode {
    EXIT_CODE_DONE = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_REFUSED = 3,
    EXIT_CODE_UNREACHABLE = 4,
    EXIT_CODE_ROLLED_BACK = 5,
    EXIT_CODE_PAUSED = 6,
} ExitCode;

/* What trying again can do for an error. The number of tries and the waits are the caller's. */
typedef enum RetryClass {
    RETRY_NEVER = 0, /* the same input will fail the same way */
    RETRY_BACKOFF,   /* passing: try again after a growing, jittered wait */
    RETRY_LOOK,      /* the outcome is unknown: look at the database before anything else */
} RetryClass;

/*
 * The one list of error codes. Columns: code, number, name, exit code, retry class, text.
 * Numbers and names travel on the wire, in the store and in JSON: they are never reused or renamed.
 */
/* clang-format off */
#define ERR_TABLE(X)                                                                                                   \
    X(ERR_NONE, 0, "none", EXIT_CODE_DONE, RETRY_NEVER, "no error")                                                    \
    X(ERR_INTERNAL, 1, "internal", EXIT_CODE_FAILED, RETRY_NEVER, "a bug in skein")                                    \
    X(ERR_USAGE, 2, "usage", EXIT_CODE_USAGE, RETRY_NEVER, "the command line is wrong")                                \
    X(ERR_CONFIG, 3, "config", EXIT_CODE_USAGE, RETRY_NEVER, "the configuration is wrong")                             \
    X(ERR_SYNTAX, 4, "syntax", EXIT_CODE_USAGE, RETRY_NEVER, "the input is malformed")                                 \
    X(ERR_LIMIT, 5, "limit", EXIT_CODE_USAGE, RETRY_NEVER, "a limit is exceeded")                                      \
    X(ERR_NOT_FOUND, 6, "not_found", EXIT_CODE_USAGE, RETRY_NEVER, "no such thing")                                    \
    X(ERR_EXISTS, 7, "exists", EXIT_CODE_REFUSED, RETRY_NEVER, "it exists already")                                    \
    X(ERR_IO, 8, "io", EXIT_CODE_FAILED, RETRY_BACKOFF, "input or output failed")                                      \
    X(ERR_TIMEOUT, 9, "timeout", EXIT_CODE_FAILED, RETRY_BACKOFF, "the time allowed ran out")                          \
    X(ERR_UNREACHABLE, 10, "unreachable", EXIT_CODE_UNREACHABLE, RETRY_BACKOFF, "the other side cannot be reached")    \
    X(ERR_REFUSED, 11, "refused", EXIT_CODE_REFUSED, RETRY_NEVER, "refused in the present state")                      \
    X(ERR_FORBIDDEN, 12, "forbidden", EXIT_CODE_REFUSED, RETRY_NEVER, "not allowed")                                   \
    X(ERR_CONFLICT, 13, "conflict", EXIT_CODE_REFUSED, RETRY_NEVER, "in conflict with something that is open")         \
    X(ERR_PROTOCOL, 14, "protocol", EXIT_CODE_FAILED, RETRY_NEVER, "a message breaks the protocol")                    \
    X(ERR_SIGNATURE, 15, "signature", EXIT_CODE_REFUSED, RETRY_NEVER, "not signed by a trusted key")                   \
    X(ERR_EXPIRED, 16, "expired", EXIT_CODE_REFUSED, RETRY_NEVER, "the plan has expired")                              \
    X(ERR_STORE, 17, "store", EXIT_CODE_FAILED, RETRY_BACKOFF, "the store failed")                                     \
    X(ERR_STORE_TERM, 18, "store_term", EXIT_CODE_REFUSED, RETRY_NEVER, "another coordinator has a higher term")       \
    X(ERR_SERVER, 20, "server", EXIT_CODE_FAILED, RETRY_NEVER, "the server refused a statement")                       \
    X(ERR_BLOCKED, 21, "blocked", EXIT_CODE_FAILED, RETRY_BACKOFF, "blocked by a lock of another session")             \
    X(ERR_RETRYABLE, 22, "retryable", EXIT_CODE_FAILED, RETRY_BACKOFF, "the server asks to try again")                 \
    X(ERR_LOST, 23, "lost", EXIT_CODE_FAILED, RETRY_LOOK, "the answer of the server was lost")                         \
    X(ERR_CANCELLED, 24, "cancelled", EXIT_CODE_FAILED, RETRY_NEVER, "cancelled")                                      \
    X(ERR_FENCED, 25, "fenced", EXIT_CODE_REFUSED, RETRY_NEVER, "a newer attempt owns this target")                    \
    X(ERR_ATTEMPT_IN_PROGRESS, 26, "attempt_in_progress", EXIT_CODE_REFUSED, RETRY_BACKOFF,                            \
      "another attempt holds this target")                                                                             \
    X(ERR_REPLICA, 27, "replica", EXIT_CODE_REFUSED, RETRY_NEVER, "the server is a replica")                           \
    X(ERR_POOLER, 28, "pooler", EXIT_CODE_REFUSED, RETRY_NEVER, "the connection goes through a pooler")                \
    X(ERR_IDENTITY, 29, "identity", EXIT_CODE_REFUSED, RETRY_NEVER, "the database is not the one that was meant")      \
    X(ERR_PRIVILEGE, 30, "privilege", EXIT_CODE_REFUSED, RETRY_NEVER, "a privilege is missing")                        \
    X(ERR_CHECKSUM, 31, "checksum", EXIT_CODE_REFUSED, RETRY_NEVER, "an applied migration has been changed")           \
    X(ERR_HISTORY, 32, "history", EXIT_CODE_REFUSED, RETRY_NEVER, "the history does not fit the plan")                 \
    X(ERR_INTERRUPTED, 33, "interrupted", EXIT_CODE_REFUSED, RETRY_NEVER,                                              \
      "a non-transactional statement was interrupted")                                                                 \
    X(ERR_IRREVERSIBLE, 34, "irreversible", EXIT_CODE_REFUSED, RETRY_NEVER, "a migration cannot be undone")            \
    X(ERR_NEWER_MIGRATIONS, 35, "newer_migrations", EXIT_CODE_REFUSED, RETRY_NEVER,                                    \
      "newer migrations lie above those to undo")                                                                      \
    X(ERR_LOST_AFTER_FAILOVER, 36, "lost_after_failover", EXIT_CODE_REFUSED, RETRY_NEVER,                              \
      "an applied migration was lost in a failover")                                                                   \
    X(ERR_NOT_SELECTED, 37, "not_selected", EXIT_CODE_REFUSED, RETRY_NEVER, "the plan does not select this target")    \
    X(ERR_UNPROVEN, 38, "unproven", EXIT_CODE_FAILED, RETRY_NEVER, "the catalog does not show what was done")        \
    X(ERR_TABLES, 39, "tables", EXIT_CODE_REFUSED, RETRY_NEVER,                                                        \
      "skein's own tables in the database are not such as this program knows")                                         \
    X(ERR_BLOCKING, 40, "blocking", EXIT_CODE_FAILED, RETRY_BACKOFF, "other sessions waited too long because of it")   \
    X(ERR_REVOKED, 41, "revoked", EXIT_CODE_REFUSED, RETRY_NEVER, "the key of its agent was revoked")   \
    X(ERR_TAMPERED, 42, "tampered", EXIT_CODE_FAILED, RETRY_NEVER, "what was kept is not what was written")   \
    X(ERR_UNAUTHENTICATED, 43, "unauthenticated", EXIT_CODE_REFUSED, RETRY_NEVER, "a token that counts is wanted")     \
    X(ERR_BUSY, 44, "busy", EXIT_CODE_FAILED, RETRY_BACKOFF, "too many requests")
/* clang-format on */

typedef enum ErrCode {
#define X(code, number, name, exit_code, retry, text) code = number,
    ERR_TABLE(X)
#undef X
} ErrCode;

#define ERR_MESSAGE_MAX 1024
#define ERR_HINT_MAX 512

/*
 * Longer texts are cut at the limits above, on a UTF-8 boundary, with "…". Whatever they quote,
 * they are UTF-8: a byte that is none becomes "?".
 */
typedef struct Err {
    ErrCode code;
    int sys_errno;    /* 0: none */
    char sqlstate[6]; /* "": none */
    char message[ERR_MESSAGE_MAX];
    char hint[ERR_HINT_MAX];
} Err;

/* Fills *err from nothing and returns `code`. `err` may be NULL when the caller wants the code
 * only. */
ErrCode err_set(Err *err, ErrCode code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with errno's text appended: "cannot open x: No such file or directory". */
ErrCode err_set_errno(Err *err, ErrCode code, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Prepends "context: " to the message; context is built outward. Returns err->code. */
ErrCode err_wrap(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same behind it, as it is given. */
ErrCode err_append(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets what the reader can do about it; one sentence. Returns err->code. */
ErrCode err_hint(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The table's columns. Unknown numbers (from a newer peer) read as ERR_INTERNAL's columns,
 * "unknown". */
const char *err_name(ErrCode code);
const char *err_text(ErrCode code);
ExitCode err_exit_code(ErrCode code);
RetryClass err_retry_class(ErrCode code);

/* Is `number` in the table? For values read from outside. */
bool err_is_known(long number);

/* Finds a code by its name. False, and *ret_code untouched, when there is none. */
bool err_from_name(const char *name, ErrCode *ret_code);

/* The codes in the order of the table, for documentation and tests: index < err_count(). */
size_t err_count(void);
ErrCode err_at(size_t index);

/* snprintf that cuts on a UTF-8 boundary and marks the cut with "…". Returns the length written. */
size_t text_format(char *buffer, size_t size_bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t text_format_args(char *buffer, size_t size_bytes, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
