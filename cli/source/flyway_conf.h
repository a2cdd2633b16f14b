/* Flyway's FILE.sql.conf: what is said about one file, beside it. */
#ifndef SKEIN_CLI_SOURCE_FLYWAY_CONF_H
#define SKEIN_CLI_SOURCE_FLYWAY_CONF_H

#include "cli/source/source.h"

typedef struct FlywayConf {
    bool has_transaction; /* executeInTransaction is said */
    bool is_in_transaction;
    bool is_replacing; /* placeholders; true where nothing is said */
    bool is_left_out;  /* shouldExecute=false */
} FlywayConf;

/* Of the migration file at `path`, also where there is none. ERR_SYNTAX with file and line. */
ErrCode flyway_conf_read(const SourceReading *reading, const char *path, FlywayConf *ret_conf,
                         Err *err);

#endif
