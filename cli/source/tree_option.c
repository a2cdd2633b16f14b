/* Boolean options in PostgreSQL's parse tree. */
#include "cli/source/tree_option.h"

#include <strings.h>

/* `off` without quotes reads as the name of a type. */
static const char *word_of(const PgQuery__Node *value)
{
    if (value->node_case == PG_QUERY__NODE__NODE_TYPE_NAME && value->type_name->n_names > 0) {
        value = value->type_name->names[value->type_name->n_names - 1];
    }
    return value->node_case == PG_QUERY__NODE__NODE_STRING ? value->string->sval : "";
}

static bool value_is_on(const PgQuery__Node *value)
{
    if (value == NULL) {
        return true;
    }
    if (value->node_case == PG_QUERY__NODE__NODE_INTEGER) {
        return value->integer->ival != 0;
    }
    if (value->node_case == PG_QUERY__NODE__NODE_BOOLEAN) {
        return value->boolean->boolval;
    }
    return strcasecmp(word_of(value), "false") != 0 && strcasecmp(word_of(value), "off") != 0;
}

bool option_is_on(PgQuery__Node *const *options, size_t count, const char *name, bool otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM &&
            strcasecmp(options[i]->def_elem->defname, name) == 0) {
            otherwise = value_is_on(options[i]->def_elem->arg);
        }
    }
    return otherwise;
}
