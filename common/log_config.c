/* The table of a configuration's `log`. */
#include "common/log_config.h"

static const ConfigName LEVELS[] = {
    { "error", LOG_LEVEL_ERROR },
    { "warning", LOG_LEVEL_WARNING },
    { "info", LOG_LEVEL_INFO },
    { "debug", LOG_LEVEL_DEBUG },
};
_Static_assert(ARRAY_LEN(LEVELS) == LOG_LEVEL_COUNT_ - 1, "a level without a name");

static const ConfigName FORMATS[] = {
    { "text", LOG_FORMAT_TEXT },
    { "json", LOG_FORMAT_JSON },
};

static const ConfigField FIELDS[] = {
    { CONFIG_FIELD(LogConfig, level, CONFIG_ENUM), .fallback = "info", .names = LEVELS,
      .name_count = ARRAY_LEN(LEVELS),
      .doc = "How much is told. `info` is every change of state, once." },
    { CONFIG_FIELD(LogConfig, format, CONFIG_ENUM), .fallback = "text", .names = FORMATS,
      .name_count = ARRAY_LEN(FORMATS), .doc = "For people or for programs; one line per event." },
};

const ConfigTable LOG_CONFIG_TABLE = CONFIG_TABLE_OF("the log", LogConfig, FIELDS);
