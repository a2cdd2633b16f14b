/* Types, domains and functions of the history. */
#include "cli/lint/model_internal.h"

#include "common/str.h"

void model_apply_function(Model *model, const Node *node)
{
    static char stable[] = "";
    const PgQuery__CreateFunctionStmt *create = node->create_function_stmt;
    Name name = name_of_strings(create->funcname, create->n_funcname, 0);
    bool is_stable = false;
    for (size_t i = 0; i < create->n_options; i++) {
        const PgQuery__DefElem *option = create->options[i]->def_elem;
        is_stable = is_stable || (str_equal(option->defname, "volatility") &&
                                  option->arg->node_case == PG_QUERY__NODE__NODE_STRING &&
                                  !str_equal(option->arg->string->sval, "volatile"));
    }
    if (is_stable) {
        map_put(model->functions, name.name, stable);
    } else {
        map_remove(model->functions, name.name);
    }
}

static UserType *put_type(Model *model, Name name)
{
    UserType *type = ARENA_NEW(model->arena, UserType);
    type->name = arena_strdup(model->arena, name.name);
    type->made_by = model->migration;
    map_put(model->types, type->name, type);
    return type;
}

void model_apply_enum(Model *model, const Node *node)
{
    const PgQuery__CreateEnumStmt *create = node->create_enum_stmt;
    put_type(model, name_of_strings(create->type_name, create->n_type_name, 0));
}

void model_apply_domain(Model *model, const Node *node)
{
    const PgQuery__CreateDomainStmt *create = node->create_domain_stmt;
    UserType *type = put_type(model, name_of_strings(create->domainname, create->n_domainname, 0));
    type->is_domain = true;
    type->base = type_read(create->type_name);
    type->base.name = arena_strdup(model->arena, type->base.name);
    for (size_t i = 0; i < create->n_constraints; i++) {
        PgQuery__ConstrType kind = create->constraints[i]->constraint->contype;
        type->has_constraints = type->has_constraints ||
                                kind == PG_QUERY__CONSTR_TYPE__CONSTR_CHECK ||
                                kind == PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL;
    }
}

void model_apply_alter_domain(Model *model, const Node *node)
{
    const PgQuery__AlterDomainStmt *alter = node->alter_domain_stmt;
    Name name = name_of_strings(alter->type_name, alter->n_type_name, 0);
    const UserType *known = model_type(model, name.name);
    if (known != NULL && (str_equal(alter->subtype, "C") || str_equal(alter->subtype, "O"))) {
        UserType *type = arena_memdup(model->arena, known, sizeof(*known));
        type->has_constraints = true;
        map_put(model->types, type->name, type);
    }
}

/* Columns and domains of the type go by its new name. */
void model_rename_type(Model *model, Name name, const char *to)
{
    const UserType *known = model_type(model, name.name);
    if (known == NULL) {
        return;
    }
    UserType *type = arena_memdup(model->arena, known, sizeof(*known));
    type->name = arena_strdup(model->arena, to);
    map_remove(model->types, name.name);
    map_put(model->types, type->name, type);
    void *cursor = NULL;
    const Relation *relation = NULL;
    while ((relation = model_next(model, &cursor)) != NULL) {
        Relation *edited = model_edit(model, relation->name);
        for (size_t i = 0; i < relation->column_count; i++) {
            if (str_equal(relation->columns[i].type.name, name.name)) {
                relation_edit_column(edited, relation->columns[i].name, model->arena)->type.name =
                    type->name;
            }
        }
        model_put(model, edited);
    }
}
