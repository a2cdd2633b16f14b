/* The document: YAML text to nodes with positions, by libyaml; and errors that point into it. */
#include "common/config_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/utf8.h"

#define MESSAGE_MAX 768
#define DEPTH_MAX 64 /* no table is nested nearly as deep */
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

typedef struct Position {
    size_t line; /* from 1 */
    size_t column;
} Position;

/* ---- parsing ---- */

static Position position_of_offset(const char *text, size_t offset)
{
    Position position = { 1, 1 };
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            position = (Position){ position.line + 1, 1 };
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            position.column++;
        }
    }
    return position;
}

static ErrCode refuse_bytes(const char *name, const char *text, size_t offset, const char *what,
                            Err *err)
{
    Position at = position_of_offset(text, offset);
    return err_set(err, ERR_CONFIG, "%s:%zu:%zu: %s", name, at.line, at.column, what);
}

static ErrCode check_bytes(const char *name, const char *text, size_t length, Err *err)
{
    if (length > CONFIG_BYTES_MAX) {
        return err_set(err, ERR_LIMIT, "%s: larger than %d bytes", name, CONFIG_BYTES_MAX);
    }
    for (size_t at = 0; at < length;) {
        size_t step = utf8_character(text + at, length - at);
        if (step == 0) {
            refuse_bytes(name, text, at, "the text is not UTF-8", err);
            err_hint(err, "save the file as UTF-8");
            return ERR_CONFIG;
        }
        at += step;
    }
    return ERR_NONE;
}

/* Is the white space at the start of this line (from 0) spoilt by a tab? */
static bool has_tab_indent(const char *text, size_t length, size_t line)
{
    const char *end = text + length;
    for (size_t i = 0; i < line && text < end; i++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        text = newline == NULL ? end : newline + 1;
    }
    while (text < end && *text == ' ') {
        text++;
    }
    return text < end && *text == '\t';
}

/* What people do most often when the parser says this; it knows only what it met. */
typedef struct Habit {
    const char *problem;
    const char *hint;
    bool is_behind; /* the mistake is where the parser began, not where it gave up */
} Habit;

static const Habit HABITS[] = {
    { "mapping values are not allowed",
      "keys of one mapping begin in one column, and a dash of a list has a blank after it", false },
    { "could not find expected ':'", "a key ends in a colon and a blank: `key: value`", true },
    { "found unexpected end of stream", "a quote or a bracket is not closed", true },
};

static const Habit *habit_find(const char *problem)
{
    for (size_t i = 0; i < ARRAY_LEN(HABITS); i++) {
        if (str_starts_with(problem, HABITS[i].problem)) {
            return &HABITS[i];
        }
    }
    return NULL;
}

static ErrCode explain_yaml(const yaml_parser_t *parser, const char *name, const char *text,
                            size_t length, Err *err)
{
    if (parser->error == YAML_READER_ERROR) {
        size_t offset = parser->problem_offset < length ? parser->problem_offset : length;
        return refuse_bytes(name, text, offset, "a control character, which YAML does not allow",
                            err);
    }
    const char *problem = parser->problem == NULL ? "malformed" : parser->problem;
    const Habit *habit = habit_find(problem);
    bool is_behind = habit != NULL && habit->is_behind && parser->context != NULL;
    yaml_mark_t at = is_behind ? parser->context_mark : parser->problem_mark;
    err_set(err, ERR_CONFIG, "%s:%zu:%zu: not valid YAML: %s", name, at.line + 1, at.column + 1,
            problem);
    if (has_tab_indent(text, length, parser->problem_mark.line)) {
        err_hint(err, "YAML is indented with spaces, never with tabs");
    } else if (habit != NULL) {
        err_hint(err, "%s", habit->hint);
    } else if (parser->context != NULL) {
        err_hint(err, "it happened %s that begins on line %zu", parser->context,
                 parser->context_mark.line + 1);
    }
    return ERR_CONFIG;
}

static int depth_change(yaml_event_type_t type)
{
    switch (type) {
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return 1;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return -1;
    default:
        return 0;
    }
}

/*
 * libyaml looks at every open bracket for each token that it reads: a file of brackets alone would
 * keep it busy for minutes. So depth is refused on the way in, by a reading of events. What else is
 * wrong with the file is left to the loader, which says it better.
 */
static ErrCode check_depth(yaml_parser_t *parser, const char *name, Err *err)
{
    int depth = 0;
    bool is_over = false;
    while (!is_over) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            return ERR_NONE;
        }
        depth += depth_change(event.type);
        if (depth > DEPTH_MAX) {
            err_set(err, ERR_CONFIG, "%s:%zu:%zu: nested deeper than %d levels", name,
                    event.start_mark.line + 1, event.start_mark.column + 1, DEPTH_MAX);
        }
        is_over = depth > DEPTH_MAX || event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return depth > DEPTH_MAX ? ERR_CONFIG : ERR_NONE;
}

/* The first document, which must be the only one. */
static ErrCode load(yaml_parser_t *parser, ConfigDocument *document, const char *text,
                    size_t length, Err *err)
{
    if (!yaml_parser_load(parser, &document->yaml)) {
        return explain_yaml(parser, document->name, text, length, err);
    }
    if (config_root(document) == NULL) {
        return ERR_NONE;
    }
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) {
        return explain_yaml(parser, document->name, text, length, err);
    }
    const yaml_node_t *root = yaml_document_get_root_node(&next);
    ErrCode code = ERR_NONE;
    if (root != NULL) {
        code = config_fail_at(document, root, err, "a second document begins here");
        err_hint(err, "one file holds one document: remove the '---' in the middle");
    }
    yaml_document_delete(&next);
    return code;
}

/* The caller deletes the parser. Without memory the process ends, here as everywhere. */
static void begin_parser(yaml_parser_t *parser, const void *bytes, size_t length)
{
    if (!yaml_parser_initialize(parser)) {
        abort();
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, bytes, length);
}

ErrCode config_parse(const char *name, const void *bytes, size_t length,
                     ConfigDocument **ret_document, Err *err)
{
    /* libyaml skips a byte order mark only where it guesses the encoding itself. */
    size_t mark_length = strlen(BYTE_ORDER_MARK);
    if (length >= mark_length && memcmp(bytes, BYTE_ORDER_MARK, mark_length) == 0) {
        bytes = (const char *)bytes + mark_length;
        length -= mark_length;
    }
    ErrCode code = check_bytes(name, bytes, length, err);
    if (code != ERR_NONE) {
        return code;
    }
    yaml_parser_t parser;
    begin_parser(&parser, bytes, length);
    code = check_depth(&parser, name, err);
    yaml_parser_delete(&parser);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO_PTR(ConfigDocument) document = mem_alloc(sizeof(*document));
    document->name = mem_strdup(name);
    begin_parser(&parser, bytes, length);
    code = load(&parser, document, bytes, length, err);
    yaml_parser_delete(&parser);
    if (code == ERR_NONE) {
        *ret_document = TAKE(document);
    }
    return code;
}

ErrCode config_open(const char *path, ConfigDocument **ret_document, Err *err)
{
    AUTO(Str) text = { 0 };
    ErrCode code = file_read(path, CONFIG_BYTES_MAX, &text, err);
    if (code != ERR_NONE) {
        return code;
    }
    return config_parse(path, str_text(&text), text.length, ret_document, err);
}

void config_close(ConfigDocument *document)
{
    if (document == NULL) {
        return;
    }
    yaml_document_delete(&document->yaml);
    free(document->name);
    free(document);
}

/* ---- nodes ---- */

/* libyaml's getters take a non-const document, but change nothing. */
const yaml_node_t *config_node(const ConfigDocument *document, int index)
{
    return yaml_document_get_node((yaml_document_t *)&document->yaml, index);
}

const yaml_node_t *config_root(const ConfigDocument *document)
{
    const yaml_node_t *root = yaml_document_get_root_node((yaml_document_t *)&document->yaml);
    return root == NULL || config_is_null(root) ? NULL : root;
}

bool config_is_null(const yaml_node_t *node)
{
    static const char *const NULLS[] = { "", "~", "null", "Null", "NULL" };
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(NULLS); i++) {
        if (strcmp((const char *)node->data.scalar.value, NULLS[i]) == 0) {
            return true;
        }
    }
    return false;
}

static Position position_of(const yaml_node_t *node)
{
    if (node == NULL) {
        return (Position){ 1, 1 };
    }
    return (Position){ node->start_mark.line + 1, node->start_mark.column + 1 };
}

__attribute__((format(printf, 4, 0))) static ErrCode
fail_at(const ConfigDocument *document, Position at, Err *err, const char *format, va_list args)
{
    char message[MESSAGE_MAX];
    text_format_args(message, sizeof(message), format, args);
    return err_set(err, ERR_CONFIG, "%s:%zu:%zu: %s", document->name, at.line, at.column, message);
}

ErrCode config_fail_at(const ConfigDocument *document, const yaml_node_t *node, Err *err,
                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ErrCode code = fail_at(document, position_of(node), err, format, args);
    va_end(args);
    return code;
}

/* ---- paths ---- */

static const yaml_node_t *member_of(const ConfigDocument *document, const yaml_node_t *node,
                                    const char *key, size_t key_length)
{
    if (node->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = config_node(document, pair->key);
        if (name->type == YAML_SCALAR_NODE && name->data.scalar.length == key_length &&
            memcmp(name->data.scalar.value, key, key_length) == 0) {
            return config_node(document, pair->value);
        }
    }
    return NULL;
}

static const yaml_node_t *item_of(const ConfigDocument *document, const yaml_node_t *node,
                                  size_t index)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return NULL;
    }
    const yaml_node_item_t *start = node->data.sequence.items.start;
    size_t count = (size_t)(node->data.sequence.items.top - start);
    return index < count ? config_node(document, start[index]) : NULL;
}

/* One step of a path, "key", ".key" or "[3]"; *path moves behind it. */
static const yaml_node_t *descend(const ConfigDocument *document, const yaml_node_t *node,
                                  const char **path)
{
    if (**path == '[') {
        char *end = NULL;
        size_t index = strtoul(*path + 1, &end, 10);
        bool is_index = end > *path + 1 && *end == ']';
        *path = is_index ? end + 1 : end + strlen(end);
        return is_index ? item_of(document, node, index) : NULL;
    }
    const char *key = **path == '.' ? *path + 1 : *path;
    size_t length = strcspn(key, ".[");
    *path = key + length;
    return member_of(document, node, key, length);
}

/* The node at the path, or the nearest enclosing one with *ret_is_exact false; NULL: empty
 * document. */
static const yaml_node_t *locate(const ConfigDocument *document, const char *path,
                                 bool *ret_is_exact)
{
    const yaml_node_t *node = config_root(document);
    *ret_is_exact = node != NULL;
    while (*ret_is_exact && *path != '\0') {
        const yaml_node_t *next = descend(document, node, &path);
        *ret_is_exact = next != NULL;
        node = next == NULL ? node : next;
    }
    return node;
}

bool config_has(const ConfigDocument *document, const char *path)
{
    bool is_exact = false;
    locate(document, path, &is_exact);
    return is_exact;
}

void config_locate(const ConfigDocument *document, const char *path, size_t *ret_line,
                   size_t *ret_column)
{
    bool is_exact = false;
    Position at = position_of(locate(document, path, &is_exact));
    *ret_line = at.line;
    *ret_column = at.column;
}

ErrCode config_error_at(const ConfigDocument *document, const char *path, Err *err,
                        const char *format, ...)
{
    bool is_exact = false;
    const yaml_node_t *node = locate(document, path, &is_exact);
    va_list args;
    va_start(args, format);
    ErrCode code = fail_at(document, position_of(node), err, format, args);
    va_end(args);
    return code;
}
