/* Flyway's FILE.sql.conf: what is said about one file, beside it. */
#ifndef SKEIN_CLI_SOURCE_FLYWAY_CONF_H
#define SKEIN_CLI_SOURCE_FLYWAY_CONF_H

#include "cli/source/flyway_settings.h"

typedef struct FlywayConf {
    bool has_transaction; /* executeInTransaction is said */
    bool is_in_transaction;
    const char *transaction_words; /* who says so, for a warning */
    bool is_replacing;             /* placeholders */
    bool is_left_out;              /* shouldExecute=false */
} FlywayConf;

/*
 * Of the migration file at `path`; what it does not say, or where there is none, is as `settings`
 * have it. ERR_SYNTAX with file and line.
 */
ErrCode flyway_conf_read(const SourceReading *reading, const FlywaySettings *settings,
                         const char *path, FlywayConf *ret_conf, Err *err);

#endif
