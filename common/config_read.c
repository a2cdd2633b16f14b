/* The driver: nodes into structs, by the table. Recursion is as deep as tables are nested, no
 * deeper. */
#include "common/config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"

#define LABEL_MAX 128

typedef struct Reader {
    const ConfigDocument *document;
    Arena *arena;
    Err *err;
    size_t values; /* read so far: aliases may make a small file mean a large one */
} Reader;

static ErrCode read_table(Reader *reader, const ConfigTable *table, const yaml_node_t *node,
                          char *base);

/* ---- words ---- */

static void describe_node(const yaml_node_t *node, Str *out)
{
    if (node->type == YAML_SEQUENCE_NODE) {
        str_append(out, "a list");
    } else if (node->type == YAML_MAPPING_NODE) {
        str_append(out, "a mapping");
    } else if (config_is_null(node)) {
        str_append(out, "nothing");
    } else {
        str_append(out, "a single value");
    }
}

static const char *example_of(const ConfigField *field)
{
    return field->example == NULL ? field->fallback : field->example;
}

/* "name: db1, connection: …": what must be there, or else the first key that has an example. */
static void write_members(const ConfigTable *table, Str *out)
{
    for (size_t i = 0; i < table->field_count; i++) {
        const ConfigField *field = &table->fields[i];
        if (field->is_required && example_of(field) != NULL) {
            str_printf(out, "%s%s: %s", out->length == 0 ? "" : ", ", field->key,
                       example_of(field));
        }
    }
    for (size_t i = 0; i < table->field_count && out->length == 0; i++) {
        const ConfigField *field = &table->fields[i];
        if (example_of(field) != NULL) {
            str_printf(out, "%s: %s", field->key, example_of(field));
        }
    }
}

/* "targets: { where: … }" */
static void hint_mapping(const ConfigField *field, Err *err)
{
    AUTO(Str) members = { 0 };
    bool is_list = field->type == CONFIG_TABLE_LIST;
    write_members(field->table, &members);
    if (members.length > 0) {
        err_hint(err, "for example `%s: %s{ %s }%s`", field->key, is_list ? "[ " : "",
                 str_text(&members), is_list ? " ]" : "");
    }
}

/* Of a whole file there is no key to begin with. */
static void hint_table(const ConfigTable *table, Err *err)
{
    AUTO(Str) members = { 0 };
    write_members(table, &members);
    if (members.length > 0) {
        err_hint(err, "for example `%s`", str_text(&members));
    }
}

static ErrCode hint_example(const ConfigField *field, Err *err)
{
    if (err == NULL || err->hint[0] != '\0') {
        return ERR_CONFIG;
    }
    if (field->table != NULL) {
        hint_mapping(field, err);
    } else if (example_of(field) != NULL) {
        err_hint(err, "for example `%s: %s`", field->key, example_of(field));
    }
    return ERR_CONFIG;
}

static ErrCode wrong_kind(Reader *reader, const ConfigField *field, const yaml_node_t *node,
                          const char *label)
{
    AUTO(Str) wanted = { 0 };
    AUTO(Str) found = { 0 };
    config_describe(field, &wanted);
    describe_node(node, &found);
    config_fail_at(reader->document, node, reader->err, "'%s' wants %s, found %s", label,
                   str_text(&wanted), str_text(&found));
    return hint_example(field, reader->err);
}

/* ---- nodes ---- */

static const char *plain_tag(yaml_node_type_t type)
{
    switch (type) {
    case YAML_SEQUENCE_NODE:
        return YAML_DEFAULT_SEQUENCE_TAG;
    case YAML_MAPPING_NODE:
        return YAML_DEFAULT_MAPPING_TAG;
    default:
        return YAML_DEFAULT_SCALAR_TAG;
    }
}

static ErrCode too_many(Reader *reader, const yaml_node_t *node)
{
    return config_fail_at(reader->document, node, reader->err,
                          "more than %d values, aliases written out", CONFIG_VALUES_MAX);
}

/* What holds for every node, before anyone looks at its kind. */
static ErrCode check_node(Reader *reader, const yaml_node_t *node)
{
    if (++reader->values > CONFIG_VALUES_MAX) {
        return too_many(reader, node);
    }
    if (strcmp((const char *)node->tag, plain_tag(node->type)) != 0) {
        config_fail_at(reader->document, node, reader->err, "the tag '%s' means nothing here",
                       (const char *)node->tag);
        err_hint(reader->err, "remove the tag and write the value alone");
        return ERR_CONFIG;
    }
    return ERR_NONE;
}

/* A scalar's text; refused are nulls, other kinds, and a NUL, behind which C sees nothing. */
static ErrCode take_text(Reader *reader, const ConfigField *field, const yaml_node_t *node,
                         const char *label, const char **ret_text)
{
    ErrCode code = check_node(reader, node);
    if (code != ERR_NONE) {
        return code;
    }
    if (node->type != YAML_SCALAR_NODE || config_is_null(node)) {
        return wrong_kind(reader, field, node, label);
    }
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        return config_fail_at(reader->document, node, reader->err, "'%s' holds a NUL byte", label);
    }
    *ret_text = text;
    return ERR_NONE;
}

/* The text of a mapping's key. */
static ErrCode take_key(Reader *reader, const yaml_node_t *node, const char **ret_key)
{
    ErrCode code = check_node(reader, node);
    if (code != ERR_NONE) {
        return code;
    }
    const char *text =
        node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
    if (text == NULL || text[0] == '\0' || strlen(text) != node->data.scalar.length) {
        return config_fail_at(reader->document, node, reader->err, "a key must be a plain word");
    }
    if (strcmp(text, "<<") == 0) {
        config_fail_at(reader->document, node, reader->err, "merge keys are not understood");
        err_hint(reader->err, "write the keys out, or use an alias for a whole value");
        return ERR_CONFIG;
    }
    *ret_key = text;
    return ERR_NONE;
}

/* Before memory is taken for so many. */
static ErrCode check_count(Reader *reader, const ConfigField *field, const yaml_node_t *node,
                           size_t count)
{
    if (count > CONFIG_VALUES_MAX - reader->values) {
        return too_many(reader, node);
    }
    if (config_is_in_range(field, (int64_t)count)) {
        return ERR_NONE;
    }
    AUTO(Str) wanted = { 0 };
    config_describe(field, &wanted);
    config_fail_at(reader->document, node, reader->err, "'%s' wants %s, found %zu", field->key,
                   str_text(&wanted), count);
    return hint_example(field, reader->err);
}

/* ---- values ---- */

static ErrCode read_scalar(Reader *reader, const ConfigField *field, const yaml_node_t *node,
                           char *base)
{
    const char *text = NULL;
    ErrCode code = take_text(reader, field, node, field->key, &text);
    if (code != ERR_NONE) {
        return code;
    }
    Err inner = { 0 };
    if (config_read_scalar(field, text, base + field->offset, reader->arena, &inner) == ERR_NONE) {
        return ERR_NONE;
    }
    config_fail_at(reader->document, node, reader->err, "'%s' %s", field->key, inner.message);
    if (inner.hint[0] != '\0') {
        err_hint(reader->err, "%s", inner.hint);
    }
    return hint_example(field, reader->err);
}

/* The kind, the tag and the count of a list, in one go. */
static ErrCode begin_list(Reader *reader, const ConfigField *field, const yaml_node_t *node,
                          size_t *ret_count)
{
    ErrCode code = check_node(reader, node);
    if (code != ERR_NONE) {
        return code;
    }
    if (node->type != YAML_SEQUENCE_NODE) {
        return wrong_kind(reader, field, node, field->key);
    }
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    code = check_count(reader, field, node, count);
    if (code == ERR_NONE) {
        *ret_count = count;
    }
    return code;
}

static void set_list(const ConfigField *field, char *base, void *items, size_t count)
{
    memcpy(base + field->offset, &items, sizeof(items));
    memcpy(base + field->count_offset, &count, sizeof(count));
}

static ErrCode read_string_list(Reader *reader, const ConfigField *field, const yaml_node_t *node,
                                char *base)
{
    static const ConfigField ITEM = { .type = CONFIG_STRING };
    size_t count = 0;
    ErrCode code = begin_list(reader, field, node, &count);
    if (code != ERR_NONE) {
        return code;
    }
    const char **items = ARENA_ARRAY(reader->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        char label[LABEL_MAX];
        text_format(label, sizeof(label), "%s[%zu]", field->key, i);
        const yaml_node_t *item = config_node(reader->document, node->data.sequence.items.start[i]);
        const char *text = NULL;
        code = take_text(reader, &ITEM, item, label, &text);
        if (code != ERR_NONE) {
            return hint_example(field, reader->err);
        }
        items[i] = arena_strdup(reader->arena, text);
    }
    set_list(field, base, items, count);
    return ERR_NONE;
}

static ErrCode read_table_list(Reader *reader, const ConfigField *field, const yaml_node_t *node,
                               char *base)
{
    size_t count = 0;
    ErrCode code = begin_list(reader, field, node, &count);
    if (code != ERR_NONE) {
        return code;
    }
    char *items = arena_alloc_array(reader->arena, count, field->table->struct_bytes);
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item = config_node(reader->document, node->data.sequence.items.start[i]);
        code = read_table(reader, field->table, item, items + i * field->table->struct_bytes);
        if (code != ERR_NONE) {
            return code;
        }
    }
    set_list(field, base, items, count);
    return ERR_NONE;
}

static ErrCode doubled(Reader *reader, const yaml_node_t *key, const yaml_node_t *first)
{
    config_fail_at(reader->document, key, reader->err, "'%s' is set twice, first on line %zu",
                   (const char *)key->data.scalar.value, first->start_mark.line + 1);
    err_hint(reader->err, "remove one of the two");
    return ERR_CONFIG;
}

static ErrCode read_pair(Reader *reader, const ConfigField *field, const yaml_node_pair_t *pair,
                         Map *seen, ConfigPair *ret_pair)
{
    static const ConfigField VALUE = { .type = CONFIG_STRING };
    const yaml_node_t *key = config_node(reader->document, pair->key);
    const char *name = NULL;
    ErrCode code = take_key(reader, key, &name);
    if (code != ERR_NONE) {
        return code;
    }
    const yaml_node_t *first = map_put(seen, name, (void *)key);
    if (first != NULL) {
        return doubled(reader, key, first);
    }
    char label[LABEL_MAX];
    text_format(label, sizeof(label), "%s.%s", field->key, name);
    const char *text = NULL;
    code = take_text(reader, &VALUE, config_node(reader->document, pair->value), label, &text);
    if (code != ERR_NONE) {
        return hint_example(field, reader->err);
    }
    ret_pair->name = arena_strdup(reader->arena, name);
    ret_pair->value = arena_strdup(reader->arena, text);
    return ERR_NONE;
}

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const ConfigPair *)a)->name, ((const ConfigPair *)b)->name);
}

static ErrCode read_string_map(Reader *reader, const ConfigField *field, const yaml_node_t *node,
                               char *base)
{
    ErrCode code = check_node(reader, node);
    if (code != ERR_NONE) {
        return code;
    }
    if (node->type != YAML_MAPPING_NODE) {
        return wrong_kind(reader, field, node, field->key);
    }
    const yaml_node_pair_t *start = node->data.mapping.pairs.start;
    size_t count = (size_t)(node->data.mapping.pairs.top - start);
    code = check_count(reader, field, node, count);
    if (code != ERR_NONE) {
        return code;
    }
    ConfigPair *pairs = ARENA_ARRAY(reader->arena, ConfigPair, count);
    AUTO_PTR(Map) seen = map_new();
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        code = read_pair(reader, field, &start[i], seen, &pairs[i]);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (count > 0) {
        qsort(pairs, count, sizeof(*pairs), compare_pairs);
    }
    set_list(field, base, pairs, count);
    return ERR_NONE;
}

static ErrCode read_value(Reader *reader, const ConfigField *field, const yaml_node_t *node,
                          char *base)
{
    switch (field->type) {
    case CONFIG_STRING_LIST:
        return read_string_list(reader, field, node, base);
    case CONFIG_STRING_MAP:
        return read_string_map(reader, field, node, base);
    case CONFIG_TABLE_LIST:
        return read_table_list(reader, field, node, base);
    case CONFIG_TABLE:
        if (node->type != YAML_MAPPING_NODE) {
            return wrong_kind(reader, field, node, field->key);
        }
        return read_table(reader, field->table, node, base + field->offset);
    default:
        return read_scalar(reader, field, node, base);
    }
}

/* ---- tables ---- */

static void set_default(const ConfigField *field, char *base, Arena *arena)
{
    Err err = { 0 };
    ErrCode code = ERR_NONE;
    if (field->type == CONFIG_TABLE) {
        config_defaults(field->table, base + field->offset, arena);
    } else if (field->fallback == NULL) {
        if (field->type == CONFIG_STRING) {
            *(const char **)(void *)(base + field->offset) = "";
        }
    } else if (config_is_scalar(field->type)) {
        code = config_read_scalar(field, field->fallback, base + field->offset, arena, &err);
    } else {
        code = config_read_flow(field, field->fallback, base, arena, &err);
    }
    if (code != ERR_NONE) {
        /* A table with a default out of its own range: config_check_table finds it in its unit
         * test. */
        fprintf(stderr, "default of '%s' %s\n", field->key, err.message);
        abort();
    }
}

void config_defaults(const ConfigTable *table, void *ret, Arena *arena)
{
    memset(ret, 0, table->struct_bytes);
    for (size_t i = 0; i < table->field_count; i++) {
        set_default(&table->fields[i], ret, arena);
    }
}

static ErrCode unknown_key(Reader *reader, const ConfigTable *table, const yaml_node_t *node,
                           const char *key)
{
    const char *names[CONFIG_FIELDS_MAX];
    AUTO(Str) known = { 0 };
    for (size_t i = 0; i < table->field_count; i++) {
        names[i] = table->fields[i].key;
        str_printf(&known, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    char shown[CONFIG_TEXT_SHOWN + 1];
    text_format(shown, sizeof(shown), "%s", key);
    config_fail_at(reader->document, node, reader->err, "unknown key '%s' in %s", shown,
                   table->name);
    const char *nearest = str_nearest(key, names, table->field_count);
    if (nearest != NULL) {
        err_hint(reader->err, "did you mean '%s'?", nearest);
    } else {
        err_hint(reader->err, "known keys: %s", str_text(&known));
    }
    return ERR_CONFIG;
}

static long field_find(const ConfigTable *table, const char *key)
{
    for (size_t i = 0; i < table->field_count; i++) {
        if (strcmp(table->fields[i].key, key) == 0) {
            return (long)i;
        }
    }
    return -1;
}

static ErrCode read_member(Reader *reader, const ConfigTable *table, const yaml_node_pair_t *pair,
                           const yaml_node_t **seen, char *base)
{
    const yaml_node_t *key = config_node(reader->document, pair->key);
    const char *name = NULL;
    ErrCode code = take_key(reader, key, &name);
    if (code != ERR_NONE) {
        return code;
    }
    long index = field_find(table, name);
    if (index < 0) {
        return unknown_key(reader, table, key, name);
    }
    if (seen[index] != NULL) {
        return doubled(reader, key, seen[index]);
    }
    seen[index] = key;
    return read_value(reader, &table->fields[index], config_node(reader->document, pair->value),
                      base);
}

static ErrCode check_required(Reader *reader, const ConfigTable *table, const yaml_node_t *node,
                              const yaml_node_t *const *seen)
{
    for (size_t i = 0; i < table->field_count; i++) {
        const ConfigField *field = &table->fields[i];
        if (field->is_required && seen[i] == NULL) {
            config_fail_at(reader->document, node, reader->err, "'%s' is missing in %s", field->key,
                           table->name);
            return hint_example(field, reader->err);
        }
    }
    return ERR_NONE;
}

/* A NULL node is an empty mapping. */
static ErrCode read_table(Reader *reader, const ConfigTable *table, const yaml_node_t *node,
                          char *base)
{
    const yaml_node_t *seen[CONFIG_FIELDS_MAX] = { NULL };
    config_defaults(table, base, reader->arena);
    if (node == NULL) {
        return check_required(reader, table, node, seen);
    }
    ErrCode code = check_node(reader, node);
    if (code != ERR_NONE) {
        return code;
    }
    if (node->type != YAML_MAPPING_NODE) {
        AUTO(Str) found = { 0 };
        describe_node(node, &found);
        config_fail_at(reader->document, node, reader->err,
                       "%s is a mapping of keys to values, found %s", table->name,
                       str_text(&found));
        hint_table(table, reader->err);
        return ERR_CONFIG;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        code = read_member(reader, table, pair, seen, base);
        if (code != ERR_NONE) {
            return code;
        }
    }
    return check_required(reader, table, node, seen);
}

ErrCode config_read(const ConfigDocument *document, const ConfigTable *table, void *ret,
                    Arena *arena, Err *err)
{
    Reader reader = { .document = document, .arena = arena, .err = err };
    return read_table(&reader, table, config_root(document), ret);
}

ErrCode config_read_flow(const ConfigField *field, const char *text, void *base, Arena *arena,
                         Err *err)
{
    AUTO_PTR(ConfigDocument) document = NULL;
    ErrCode code = config_parse(field->key, text, strlen(text), &document, err);
    if (code != ERR_NONE) {
        return code;
    }
    const yaml_node_t *root = config_root(document);
    if (root == NULL) {
        return err_set(err, ERR_CONFIG, "'%s': nothing is written", field->key);
    }
    Reader reader = { .document = document, .arena = arena, .err = err };
    return read_value(&reader, field, root, base);
}
