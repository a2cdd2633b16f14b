/*
 * The log as a program's configuration file sets it: `log: { level: info, format: text }`. One
 * table for every program, so that all read, explain and default it alike.
 */
#ifndef SKEIN_COMMON_LOG_CONFIG_H
#define SKEIN_COMMON_LOG_CONFIG_H

#include "common/config.h"
#include "common/log.h"

/* What log_init takes. */
typedef struct LogConfig {
    LogLevel level;
    LogFormat format;
} LogConfig;

/* For a CONFIG_TABLE field whose member is a LogConfig. */
extern const ConfigTable LOG_CONFIG_TABLE;

#endif
