/*
 * Values that whoever plans gives to a history's templates: `--set name=value`, or `set:` in a
 * rollout file. Flyway's placeholders, goose's ENVSUB and psql's variables are looked up here.
 */
#ifndef SKEIN_CLI_SOURCE_VARIABLE_H
#define SKEIN_CLI_SOURCE_VARIABLE_H

#include "common/arena.h"
#include "common/config.h"
#include "common/err.h"

#define SOURCE_VARIABLES_MAX 256

/* All zero: none. Names are unique. */
typedef struct SourceVariables {
    const ConfigPair *items;
    size_t count;
    bool *is_used; /* of each: somebody has asked for it; NULL: nobody keeps account */
    const struct SourceVariables *first; /* whose values come before these; NULL: none */
} SourceVariables;

/*
 * Adds one as a command line says it, "name=value". ERR_USAGE when it is none, or set already,
 * ERR_LIMIT beyond SOURCE_VARIABLES_MAX. Texts are not copied, the list is in `arena`.
 */
ErrCode variables_add(SourceVariables *variables, const char *text, Arena *arena, Err *err);

/* NULL when nobody has set it; "" is a value. */
const char *variables_find(const SourceVariables *variables, const char *name);

/* The same for names in any case. */
const char *variables_find_any_case(const SourceVariables *variables, const char *name);

/* Keeps account from here on of what is asked for; `arena` outlives the variables. */
void variables_watch(SourceVariables *variables, Arena *arena);

/*
 * Fills *err for a variable that is not set: "FILE:LINE: …" and how to set it. Returns ERR_SYNTAX.
 */
ErrCode variables_refuse_unset(const SourceVariables *variables, const char *file, uint32_t line,
                               const char *name, Err *err);

#endif
