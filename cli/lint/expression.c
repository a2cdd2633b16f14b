/* Volatility of expressions. */
#include "cli/lint/expression.h"

#include "common/str.h"

/* What stands in defaults. All overloads of each are IMMUTABLE or STABLE; a test asks a server. */
const char *const STABLE_FUNCTIONS[] = { "abs",
                                         "age",
                                         "array_append",
                                         "array_cat",
                                         "array_fill",
                                         "array_length",
                                         "array_prepend",
                                         "array_remove",
                                         "array_to_json",
                                         "array_to_string",
                                         "btrim",
                                         "cardinality",
                                         "ceil",
                                         "ceiling",
                                         "char_length",
                                         "chr",
                                         "concat",
                                         "concat_ws",
                                         "convert_from",
                                         "convert_to",
                                         "current_database",
                                         "current_schema",
                                         "current_schemas",
                                         "current_setting",
                                         "current_user",
                                         "date",
                                         "date_bin",
                                         "date_part",
                                         "date_trunc",
                                         "decode",
                                         "div",
                                         "encode",
                                         "exp",
                                         "extract",
                                         "floor",
                                         "format",
                                         "get_byte",
                                         "hashtext",
                                         "host",
                                         "initcap",
                                         "int4range",
                                         "int8range",
                                         "isempty",
                                         "json_build_array",
                                         "json_build_object",
                                         "json_object",
                                         "jsonb_build_array",
                                         "jsonb_build_object",
                                         "jsonb_object",
                                         "jsonb_set",
                                         "jsonb_strip_nulls",
                                         "justify_days",
                                         "justify_hours",
                                         "justify_interval",
                                         "left",
                                         "length",
                                         "ln",
                                         "log",
                                         "lower",
                                         "lpad",
                                         "ltrim",
                                         "make_date",
                                         "make_interval",
                                         "make_time",
                                         "make_timestamp",
                                         "make_timestamptz",
                                         "md5",
                                         "mod",
                                         "now",
                                         "numrange",
                                         "octet_length",
                                         "overlay",
                                         "pi",
                                         "position",
                                         "power",
                                         "quote_ident",
                                         "quote_literal",
                                         "regexp_replace",
                                         "repeat",
                                         "replace",
                                         "reverse",
                                         "right",
                                         "round",
                                         "row_to_json",
                                         "rpad",
                                         "rtrim",
                                         "session_user",
                                         "sha224",
                                         "sha256",
                                         "sha384",
                                         "sha512",
                                         "sign",
                                         "split_part",
                                         "sqrt",
                                         "starts_with",
                                         "statement_timestamp",
                                         "string_to_array",
                                         "strpos",
                                         "substr",
                                         "substring",
                                         "text",
                                         "timezone",
                                         "to_ascii",
                                         "to_char",
                                         "to_date",
                                         "to_hex",
                                         "to_json",
                                         "to_jsonb",
                                         "to_number",
                                         "to_timestamp",
                                         "to_tsquery",
                                         "to_tsvector",
                                         "transaction_timestamp",
                                         "translate",
                                         "trunc",
                                         "tsrange",
                                         "tstzrange",
                                         "upper",
                                         "version" };
const size_t STABLE_FUNCTION_COUNT = sizeof(STABLE_FUNCTIONS) / sizeof(STABLE_FUNCTIONS[0]);

static bool is_stable_builtin(const char *name)
{
    for (size_t i = 0; i < STABLE_FUNCTION_COUNT; i++) {
        if (str_equal(STABLE_FUNCTIONS[i], name)) {
            return true;
        }
    }
    return false;
}

typedef struct VolatileSearch {
    const Model *model;
    const char *function; /* the first that is volatile */
} VolatileSearch;

static bool visit_call(const ProtobufCMessage *message, void *context)
{
    VolatileSearch *search = context;
    if (message->descriptor != &pg_query__func_call__descriptor) {
        return true;
    }
    const PgQuery__FuncCall *call = (const PgQuery__FuncCall *)message;
    Name name = name_of_strings(call->funcname, call->n_funcname, 0);
    bool may_be_builtin = name.schema[0] == '\0' || str_equal(name.schema, "pg_catalog");
    bool is_stable = (may_be_builtin && is_stable_builtin(name.name)) ||
                     model_function_is_stable(search->model, name);
    if (!is_stable) {
        search->function = name.name;
    }
    return is_stable;
}

bool expression_is_volatile(const Model *model, const Node *expression, const char **ret_function)
{
    VolatileSearch search = { .model = model };
    if (expression != NULL) {
        tree_walk(&expression->base, visit_call, &search);
    }
    if (search.function != NULL && ret_function != NULL) {
        *ret_function = search.function;
    }
    return search.function != NULL;
}
