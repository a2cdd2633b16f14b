/* Bodies of DO blocks, by PostgreSQL's own parser of PL/pgSQL, which answers in JSON. */
#include "cli/lint/body.h"

#include <string.h>

#include <jansson.h>
#include <pg_query.h>

#include "common/json.h"
#include "common/list.h"
#include "common/str.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable() ((void)0)
#define __lsan_enable() ((void)0)
#endif

#define BODY_BYTES_MAX (256 * 1024)
#define BODY_DEPTH_MAX 200 /* of blocks, loops and conditions */

typedef struct BodyReader {
    const char *sql;
    const char *at; /* statements are looked for from here on */
    LIST(BodyStatement) list;
    bool is_whole;
    Arena *arena;
} BodyReader;

/* The text of PL/pgSQL's expression under `key`; NULL: there is none. */
static const char *expression_of(const json_t *statement, const char *key)
{
    const json_t *holder = json_object_get(statement, key);
    const json_t *expression = json_object_get(holder, "PLpgSQL_expr");
    return json_string_value(json_object_get(expression, "query"));
}

static void add(BodyReader *reader, const char *sql, const char *as_written)
{
    const char *found = strstr(reader->at, as_written);
    reader->at = found == NULL ? reader->at : found;
    BodyStatement statement = {
        .sql = arena_strdup(reader->arena, sql),
        .start = (size_t)(reader->at - reader->sql),
    };
    LIST_PUSH(&reader->list, statement);
}

/* INTO would be read as the name of a new table. */
static void read_static(BodyReader *reader, const json_t *statement)
{
    const char *sql = expression_of(statement, "sqlstmt");
    if (sql != NULL && !json_is_true(json_object_get(statement, "into"))) {
        add(reader, sql, sql);
    }
}

/* A string alone is known before it runs; what is put together is not. */
static void read_dynamic(BodyReader *reader, const json_t *statement)
{
    const char *expression = expression_of(statement, "query");
    AUTO(Arena) trees = { 0 };
    Tree tree = { 0 };
    const Node *value = NULL;
    if (expression != NULL) {
        tree_parse(arena_printf(&trees, "SELECT %s", expression), &trees, &tree);
    }
    if (tree.node != NULL && tree.node->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
        tree.node->select_stmt->n_target_list == 1) {
        value = tree.node->select_stmt->target_list[0]->res_target->val;
    }
    if (value != NULL && value->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        value->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL) {
        add(reader, value->a_const->sval->sval, expression);
    } else {
        reader->is_whole = false;
    }
}

static void read_value(BodyReader *reader, const json_t *value, size_t depth)
{
    if (depth > BODY_DEPTH_MAX) {
        reader->is_whole = false;
        return;
    }
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach((json_t *)value, index, item)
    {
        read_value(reader, item, depth + 1);
    }
    const char *key = NULL;
    json_object_foreach((json_t *)value, key, item)
    {
        if (str_equal(key, "PLpgSQL_stmt_execsql")) {
            read_static(reader, item);
        } else if (str_equal(key, "PLpgSQL_stmt_dynexecute")) {
            read_dynamic(reader, item);
        }
        read_value(reader, item, depth + 1);
    }
}

void body_read(const char *sql, Arena *arena, Body *ret_body)
{
    *ret_body = (Body){ 0 };
    if (strlen(sql) > BODY_BYTES_MAX) {
        return;
    }
    __lsan_disable(); /* libpg_query 15 forgets one byte of each block */
    PgQueryPlpgsqlParseResult result = pg_query_parse_plpgsql(sql);
    __lsan_enable();
    AUTO_PTR(JsonDocument)
    functions = result.error == NULL ? json_loads(result.plpgsql_funcs, 0, NULL) : NULL;
    pg_query_free_plpgsql_parse_result(result);
    if (functions == NULL || json_array_size(functions) != 1) {
        return;
    }
    BodyReader reader = { .sql = sql, .at = sql, .is_whole = true, .arena = arena };
    read_value(&reader, functions, 0);
    ret_body->items =
        arena_memdup(arena, reader.list.items, reader.list.count * sizeof(reader.list.items[0]));
    ret_body->count = reader.list.count;
    ret_body->is_whole = reader.is_whole;
    LIST_DONE(&reader.list);
}
