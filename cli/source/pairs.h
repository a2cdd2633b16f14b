/*
 * Ups and downs that lie in files of their own and belong together by their names. A format turns
 * names into halves; which half goes with which is the same for all.
 */
#ifndef SKEIN_CLI_SOURCE_PAIRS_H
#define SKEIN_CLI_SOURCE_PAIRS_H

#include "cli/source/found.h"

/* One file of a pair. */
typedef struct Half {
    const char *file; /* its name in the directory */
    const char *id;
    const char *version;
    const char *name;
    const char *down; /* of an up, once paired: the file that undoes it, or NULL */
    bool is_paired;
} Half;

typedef LIST(Half) HalfList;

typedef struct Pairs {
    HalfList ups;
    HalfList downs;
} Pairs;

void pairs_done(Pairs *pairs);

AUTO_DEFINE(Pairs, pairs_done)

/* How the format spells names; for pairing and for messages. */
typedef struct PairNames {
    VersionOrder order;
    bool is_by_version_only; /* the tool does not look at the rest of the name */
    /* The up (the down) file that would belong to this half. */
    const char *(*file_of)(const void *of, const Half *half, bool is_down, Arena *arena);
    const void *of; /* the format's own, for file_of */
} PairNames;

/*
 * Gives each down to the up of the same id, or else to the one that is left of the same version,
 * with a warning. Appends the ups to `list`, with their downs. ERR_SYNTAX for a down without an up.
 */
ErrCode pairs_match(const SourceReading *reading, Pairs *pairs, const PairNames *names,
                    FoundList *list, Err *err);

#endif
