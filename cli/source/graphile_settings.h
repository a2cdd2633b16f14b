/*
 * What .gmrc says of a graphile-migrate project: where its migrations are, and the values of its
 * placeholders. What else counts for how migrations run, and no plan keeps, is warned of.
 */
#ifndef SKEIN_CLI_SOURCE_GRAPHILE_SETTINGS_H
#define SKEIN_CLI_SOURCE_GRAPHILE_SETTINGS_H

#include "cli/source/source.h"

/* A word that stands in scripts as ":NAME". */
typedef struct GraphilePlaceholder {
    const char *name;  /* without the colon */
    const char *value; /* NULL: "!ENV" says the environment has it, which it has not */
} GraphilePlaceholder;

typedef struct GraphileSettings {
    const char *file;   /* as messages cite it; NULL: there is no .gmrc */
    const char *folder; /* of migrations, below the directory; "": the directory itself */
    const GraphilePlaceholder *placeholders;
    size_t placeholder_count;
} GraphileSettings;

/* ERR_SYNTAX names the file. What is in `ret_settings` is in the reading's arena. */
ErrCode graphile_settings_read(const SourceReading *reading, GraphileSettings *ret_settings,
                               Err *err);

#endif
