/* Parse trees of single statements. Owns lint's calls of libpg_query. */
#include "cli/lint/tree.h"

#include <ctype.h>
#include <string.h>

#include <pg_query.h>

#include "cli/source/scan.h"
#include "common/str.h"

#define TREE_DEPTH_MAX 1000   /* of what the tokens allow; the true depth is a fraction of it */
#define TREE_TOKENS_MAX 50000 /* a tree takes some hundred bytes for each */
#define NESTING_MAX 256       /* of parentheses and brackets */
#define NAME_BYTES_MAX 63

/* ---- reading ---- */

/*
 * A tree is no deeper than the tokens between two commas, summed up over the parentheses that are
 * open: commas make lists, and lists are not nested. False: deeper than TREE_DEPTH_MAX.
 */
static bool is_shallow(const SqlText *text)
{
    size_t runs[NESTING_MAX] = { 0 };
    size_t level = 0;
    size_t sum = 0;
    for (size_t i = 0; i < text->token_count; i++) {
        char c = text->text[text->tokens[i].start];
        bool is_alone = text->tokens[i].end - text->tokens[i].start == 1;
        if (is_alone && c == ',') {
            sum -= runs[level];
            runs[level] = 0;
            continue;
        }
        if (is_alone && (c == ')' || c == ']') && level > 0) {
            sum -= runs[level];
            runs[level--] = 0;
        }
        runs[level]++;
        sum++;
        if (is_alone && (c == '(' || c == '[')) {
            if (++level == NESTING_MAX) {
                return false;
            }
        }
        if (sum > TREE_DEPTH_MAX) {
            return false;
        }
    }
    return true;
}

static bool is_readable(const char *sql, Arena *arena)
{
    SqlText text = { 0 };
    Bytes bytes = { (const uint8_t *)sql, strlen(sql) };
    return sql_text_open("", bytes, 0, arena, &text, NULL) == ERR_NONE &&
           sql_scan(&text, arena, NULL) == ERR_NONE && text.token_count <= TREE_TOKENS_MAX &&
           is_shallow(&text);
}

static void *allocate(void *arena, size_t size_bytes)
{
    return arena_alloc(arena, size_bytes);
}

static void release(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

static const Node *unpack(const PgQueryProtobuf *bytes, Arena *arena)
{
    ProtobufCAllocator allocator = { allocate, release, arena };
    const PgQuery__ParseResult *result =
        pg_query__parse_result__unpack(&allocator, bytes->len, (const uint8_t *)bytes->data);
    return result != NULL && result->n_stmts == 1 ? result->stmts[0]->stmt : NULL;
}

void tree_parse(const char *sql, Arena *arena, Tree *ret_tree)
{
    *ret_tree = (Tree){ .fault = TREE_LARGE };
    if (!is_readable(sql, arena)) {
        return;
    }
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(sql);
    if (result.error != NULL) {
        ret_tree->fault = TREE_REFUSED;
        ret_tree->words = sql_parser_words(result.error->message, arena);
    } else {
        ret_tree->node = unpack(&result.parse_tree, arena);
        ret_tree->fault = ret_tree->node == NULL ? TREE_LARGE : TREE_NONE;
    }
    pg_query_free_protobuf_parse_result(result);
}

/* ---- writing ---- */

static bool is_grammatical(const char *sql)
{
    PgQuerySplitResult result = pg_query_split_with_parser(sql);
    bool is_good = result.error == NULL;
    pg_query_free_split_result(result);
    return is_good;
}

const char *tree_write(const Node *statement, Arena *arena)
{
    PgQuery__RawStmt raw = PG_QUERY__RAW_STMT__INIT;
    raw.stmt = (Node *)statement;
    PgQuery__RawStmt *statements[] = { &raw };
    PgQuery__ParseResult result = PG_QUERY__PARSE_RESULT__INIT;
    result.version = PG_VERSION_NUM;
    result.n_stmts = 1;
    result.stmts = statements;
    size_t length = pg_query__parse_result__get_packed_size(&result);
    uint8_t *bytes = arena_alloc(arena, length);
    pg_query__parse_result__pack(&result, bytes);
    PgQueryDeparseResult text =
        pg_query_deparse_protobuf((PgQueryProtobuf){ length, (char *)bytes });
    const char *sql = text.error == NULL ? arena_strdup(arena, text.query) : NULL;
    pg_query_free_deparse_result(text);
    /* libpg_query 15 leaves some odd names without their quotes. */
    return sql != NULL && is_grammatical(sql) ? sql : NULL;
}

const char *tree_write_expression(const Node *expression, Arena *arena)
{
    static const char HEAD[] = "SELECT ";
    PgQuery__ResTarget target = PG_QUERY__RES_TARGET__INIT;
    target.val = (Node *)expression;
    Node target_node = PG_QUERY__NODE__INIT;
    target_node.node_case = PG_QUERY__NODE__NODE_RES_TARGET;
    target_node.res_target = &target;
    Node *targets[] = { &target_node };
    PgQuery__SelectStmt select = PG_QUERY__SELECT_STMT__INIT;
    select.n_target_list = 1;
    select.target_list = targets;
    select.limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
    select.op = PG_QUERY__SET_OPERATION__SETOP_NONE;
    Node node = PG_QUERY__NODE__INIT;
    node.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
    node.select_stmt = &select;
    const char *sql = tree_write(&node, arena);
    return sql != NULL && str_starts_with(sql, HEAD) ? sql + strlen(HEAD) : NULL;
}

/* ---- walking ---- */

static bool walk_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                       TreeVisit visit, void *context)
{
    const char *member = (const char *)message + field->offset;
    const uint32_t *quantifier = (const void *)((const char *)message + field->quantifier_offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(const void *)quantifier;
        ProtobufCMessage *const *items = *(ProtobufCMessage *const *const *)(const void *)member;
        for (size_t i = 0; i < count; i++) {
            if (!tree_walk(items[i], visit, context)) {
                return false;
            }
        }
        return true;
    }
    bool is_other = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && *quantifier != field->id;
    const ProtobufCMessage *below =
        is_other ? NULL : *(const ProtobufCMessage *const *)(const void *)member;
    return below == NULL || tree_walk(below, visit, context);
}

bool tree_walk(const ProtobufCMessage *message, TreeVisit visit, void *context)
{
    if (!visit(message, context)) {
        return false;
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && !walk_field(message, field, visit, context)) {
            return false;
        }
    }
    return true;
}

/* ---- names ---- */

static bool is_plain_word(const char *name)
{
    bool is_plain = name[0] == '_' || islower((unsigned char)name[0]);
    for (const char *c = name; is_plain && *c != '\0'; c++) {
        is_plain = *c == '_' || islower((unsigned char)*c) || isdigit((unsigned char)*c);
    }
    return is_plain;
}

/* Words that mean nothing else, or nothing else where a name stands. */
static bool is_free_word(const char *name)
{
    PgQueryScanResult result = pg_query_scan(name);
    bool is_free = false;
    if (result.error == NULL) {
        PgQuery__ScanResult *scan =
            pg_query__scan_result__unpack(NULL, result.pbuf.len, (const uint8_t *)result.pbuf.data);
        is_free = scan != NULL && scan->n_tokens == 1 &&
                  (scan->tokens[0]->keyword_kind == PG_QUERY__KEYWORD_KIND__NO_KEYWORD ||
                   scan->tokens[0]->keyword_kind == PG_QUERY__KEYWORD_KIND__UNRESERVED_KEYWORD);
        pg_query__scan_result__free_unpacked(scan, NULL);
    }
    pg_query_free_scan_result(result);
    return is_free;
}

const char *name_quote(const char *name, Arena *arena)
{
    AUTO(Str) quoted = { 0 };
    str_append_quoted(&quoted, name, '"');
    return arena_strdup(arena, str_text(&quoted));
}

const char *name_write(const char *name, Arena *arena)
{
    return is_plain_word(name) && is_free_word(name) ? name : name_quote(name, arena);
}

const char *name_write_qualified(const char *schema, const char *name, Arena *arena)
{
    if (schema == NULL || schema[0] == '\0') {
        return name_write(name, arena);
    }
    return arena_printf(arena, "%s.%s", name_write(schema, arena), name_write(name, arena));
}

Name name_of_relation(const PgQuery__RangeVar *relation)
{
    return relation == NULL ? (Name){ "", "" } : (Name){ relation->schemaname, relation->relname };
}

Name name_of_strings(Node *const *nodes, size_t count, size_t leave)
{
    Name name = { "", "" };
    for (size_t i = 0; i + leave < count; i++) {
        if (nodes[i]->node_case == PG_QUERY__NODE__NODE_STRING) {
            name = (Name){ name.name, nodes[i]->string->sval };
        }
    }
    return name;
}

Name name_of_object(const Node *object, size_t leave)
{
    if (object == NULL) {
        return (Name){ "", "" };
    }
    switch (object->node_case) {
    case PG_QUERY__NODE__NODE_LIST:
        return name_of_strings(object->list->items, object->list->n_items, leave);
    case PG_QUERY__NODE__NODE_TYPE_NAME:
        return name_of_strings(object->type_name->names, object->type_name->n_names, leave);
    case PG_QUERY__NODE__NODE_OBJECT_WITH_ARGS:
        return name_of_strings(object->object_with_args->objname,
                               object->object_with_args->n_objname, leave);
    case PG_QUERY__NODE__NODE_RANGE_VAR:
        return name_of_relation(object->range_var);
    case PG_QUERY__NODE__NODE_STRING:
        return (Name){ "", object->string->sval };
    default:
        return (Name){ "", "" };
    }
}

const char *const *strings_of(Node *const *nodes, size_t count, Arena *arena)
{
    const char **strings = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        strings[i] =
            nodes[i]->node_case == PG_QUERY__NODE__NODE_STRING ? nodes[i]->string->sval : "";
    }
    return strings;
}

const char *names_write(const char *const *names, size_t count, Arena *arena)
{
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < count; i++) {
        str_printf(&text, "%s%s", i == 0 ? "" : ", ", name_write(names[i], arena));
    }
    return arena_strdup(arena, str_text(&text));
}

const char *name_make(const char *table, const char *columns, const char *suffix, Arena *arena)
{
    size_t table_length = strlen(table);
    size_t column_length = strlen(columns);
    size_t over = strlen(suffix) + 1 + (column_length > 0 ? 1 : 0);
    while (table_length + column_length + over > NAME_BYTES_MAX) {
        size_t *longer = table_length > column_length ? &table_length : &column_length;
        (*longer)--;
    }
    return arena_printf(arena, "%.*s%s%.*s_%s", (int)table_length, table,
                        column_length > 0 ? "_" : "", (int)column_length, columns, suffix);
}
