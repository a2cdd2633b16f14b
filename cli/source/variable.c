/* Values for the templates of a history. */
#include "cli/source/variable.h"

#include <string.h>
#include <strings.h>

#include "common/str.h"

ErrCode variables_add(SourceVariables *variables, const char *text, Arena *arena, Err *err)
{
    const char *sign = strchr(text, '=');
    if (sign == NULL || sign == text) {
        err_set(err, ERR_USAGE, "\"%s\" sets nothing", text);
        return err_hint(err, "write it as name=value");
    }
    ConfigPair pair = { arena_strndup(arena, text, (size_t)(sign - text)), sign + 1 };
    if (variables_find(variables, pair.name) != NULL) {
        return err_set(err, ERR_USAGE, "\"%s\" is set twice", pair.name);
    }
    if (variables->count == SOURCE_VARIABLES_MAX) {
        return err_set(err, ERR_LIMIT, "more than %d variables", SOURCE_VARIABLES_MAX);
    }
    ConfigPair *items = ARENA_ARRAY(arena, ConfigPair, variables->count + 1);
    for (size_t i = 0; i < variables->count; i++) {
        items[i] = variables->items[i];
    }
    items[variables->count++] = pair;
    variables->items = items;
    return ERR_NONE;
}

static const char *find(const SourceVariables *variables, const char *name,
                        int (*compare)(const char *a, const char *b))
{
    const char *value = variables->first == NULL ? NULL : find(variables->first, name, compare);
    for (size_t i = 0; value == NULL && i < variables->count; i++) {
        if (compare(variables->items[i].name, name) == 0) {
            value = variables->items[i].value;
            if (variables->is_used != NULL) {
                variables->is_used[i] = true;
            }
        }
    }
    return value;
}

const char *variables_find(const SourceVariables *variables, const char *name)
{
    return find(variables, name, strcmp);
}

const char *variables_find_any_case(const SourceVariables *variables, const char *name)
{
    return find(variables, name, strcasecmp);
}

void variables_watch(SourceVariables *variables, Arena *arena)
{
    variables->is_used = ARENA_ARRAY(arena, bool, variables->count);
}

ErrCode variables_refuse_unset(const SourceVariables *variables, const char *file, uint32_t line,
                               const char *name, Err *err)
{
    const char *names[SOURCE_VARIABLES_MAX];
    size_t count = 0;
    for (const SourceVariables *each = variables; each != NULL; each = each->first) {
        for (size_t i = 0; i < each->count && count < ARRAY_LEN(names); i++) {
            names[count++] = each->items[i].name;
        }
    }
    err_set(err, ERR_SYNTAX, "%s:%u: \"%s\" is not set", file, line, name);
    const char *nearest = str_nearest(name, names, count);
    return nearest == NULL
               ? err_hint(err,
                          "give it a value: --set %s=VALUE, or under `set:` in the rollout file",
                          name)
               : err_hint(err, "\"%s\" is set: is that what was meant?", nearest);
}
