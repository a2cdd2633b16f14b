/*
 * The parser of `where` expressions: recursive descent into a tree. Pure: no I/O. Depth is bounded
 * here, so walking the tree is too: chains of `and` and `or` are lists, not nests.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/str.h"
#include "common/utf8.h"
#include "proto/select_internal.h"

/* --- Tokens --- */

typedef enum TokenKind {
    TOKEN_END = 0,
    TOKEN_WORD,
    TOKEN_STRING,
    TOKEN_SYMBOL,
} TokenKind;

typedef struct Token {
    TokenKind kind;
    const char *start;
    size_t length;
} Token;

typedef struct Parser {
    const char *text;
    const char *at; /* behind `token` */
    Token token;    /* the next one to take */
    int depth;
    Arena *arena;
    Err *err;
} Parser;

static const char WORD_CHARACTERS[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
static const char SPACES[] = " \t\r\n";

/* Counted in characters, from 1: what an editor shows. */
static size_t column_of(const Parser *parser, const char *at)
{
    size_t column = 1;
    for (const char *c = parser->text; c < at; c++) {
        column += ((unsigned char)*c & 0xC0) != 0x80;
    }
    return column;
}

__attribute__((format(printf, 3, 4))) static ErrCode fail_at(Parser *parser, const char *at,
                                                             const char *format, ...)
{
    char what[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    text_format_args(what, sizeof(what), format, args);
    va_end(args);
    return err_set(parser->err, ERR_SYNTAX, "column %zu: %s", column_of(parser, at), what);
}

static ErrCode fail_expected(Parser *parser, const char *expected)
{
    const Token *token = &parser->token;
    if (token->kind == TOKEN_END) {
        return fail_at(parser, token->start, "expected %s, found the end", expected);
    }
    return fail_at(parser, token->start, "expected %s, found %.*s", expected, (int)token->length,
                   token->start);
}

/*
 * The end of the string whose quote is at `start`, behind its closing quote; NULL: it is not
 * closed.
 */
static const char *string_end(const char *start)
{
    for (const char *at = start + 1; *at != '\0'; at++) {
        if (*at != '\'') {
            continue;
        }
        if (at[1] != '\'') {
            return at + 1;
        }
        at++;
    }
    return NULL;
}

static size_t symbol_length(const char *at)
{
    static const char *const PAIRS[] = { "!=", "<>", "==", "&&", "||", "<=", ">=" };
    for (size_t i = 0; i < ARRAY_LEN(PAIRS); i++) {
        if (str_starts_with(at, PAIRS[i])) {
            return 2;
        }
    }
    size_t length = utf8_character(at, strlen(at));
    return length == 0 ? 1 : length;
}

static ErrCode next_token(Parser *parser)
{
    const char *start = parser->at + strspn(parser->at, SPACES);
    Token token = { TOKEN_END, start, 0 };
    if (*start == '\'') {
        const char *end = string_end(start);
        if (end == NULL) {
            return fail_at(parser, start, "this string is not closed");
        }
        token = (Token){ TOKEN_STRING, start, (size_t)(end - start) };
    } else if (strspn(start, WORD_CHARACTERS) > 0) {
        token = (Token){ TOKEN_WORD, start, strspn(start, WORD_CHARACTERS) };
    } else if (*start != '\0') {
        token = (Token){ TOKEN_SYMBOL, start, symbol_length(start) };
    }
    parser->token = token;
    parser->at = start + token.length;
    return ERR_NONE;
}

static bool token_is_keyword(const Token *token, const char *keyword)
{
    return token->kind == TOKEN_WORD && token->length == strlen(keyword) &&
           strncasecmp(token->start, keyword, token->length) == 0;
}

static bool token_is_symbol(const Token *token, const char *symbol)
{
    return token->kind == TOKEN_SYMBOL && token->length == strlen(symbol) &&
           strncmp(token->start, symbol, token->length) == 0;
}

/* --- Grammar --- */

static ErrCode parse_or(Parser *parser, Select **ret_node);

static Select *node_new(Parser *parser, NodeKind kind)
{
    Select *node = ARENA_NEW(parser->arena, Select);
    node->kind = kind;
    return node;
}

/* Words that people bring from elsewhere, and what to write here. */
typedef struct Habit {
    const char *written;
    const char *hint;
} Habit;

static const Habit HABITS[] = {
    { "==", "write = once" },
    { "<>", "write !=" },
    { "&&", "write and" },
    { "||", "write or" },
    { "\"", "strings stand in single quotes" },
    { "~", "there are no regular expressions; like knows % and _" },
    { "<", "there are only =, !=, like and in" },
    { ">", "there are only =, !=, like and in" },
    { "<=", "there are only =, !=, like and in" },
    { ">=", "there are only =, !=, like and in" },
    { "!", "write not" },
};

static void hint_habit(Parser *parser)
{
    for (size_t i = 0; i < ARRAY_LEN(HABITS); i++) {
        if (token_is_symbol(&parser->token, HABITS[i].written)) {
            err_hint(parser->err, "%s", HABITS[i].hint);
        }
    }
}

static ErrCode parse_string(Parser *parser, StringItem **ret_item)
{
    Token token = parser->token;
    if (token.kind != TOKEN_STRING) {
        ErrCode code = fail_expected(parser, "a string in single quotes");
        if (token.kind == TOKEN_WORD) {
            err_hint(parser->err, "write '%.*s'", (int)token.length, token.start);
        }
        hint_habit(parser);
        return code;
    }
    StringItem *item = ARENA_NEW(parser->arena, StringItem);
    char *text = arena_alloc(parser->arena, token.length);
    size_t used = 0;
    for (size_t i = 1; i + 1 < token.length; i++) {
        text[used++] = token.start[i];
        i += token.start[i] == '\'';
    }
    item->text = text;
    *ret_item = item;
    return next_token(parser);
}

static ErrCode parse_in(Parser *parser, Select *node)
{
    if (!token_is_symbol(&parser->token, "(")) {
        return fail_expected(parser, "( after in");
    }
    StringItem **end = &node->strings;
    ErrCode code = ERR_NONE;
    do {
        code = next_token(parser);
        if (code == ERR_NONE) {
            code = parse_string(parser, end);
        }
        if (code != ERR_NONE) {
            return code;
        }
        end = &(*end)->next;
    } while (token_is_symbol(&parser->token, ","));
    return token_is_symbol(&parser->token, ")") ? next_token(parser)
                                                : fail_expected(parser, ", or )");
}

static ErrCode parse_like(Parser *parser, Select *node)
{
    const char *start = parser->token.start;
    ErrCode code = parse_string(parser, &node->strings);
    if (code != ERR_NONE) {
        return code;
    }
    size_t escapes = 0;
    const char *pattern = node->strings->text;
    for (size_t i = strlen(pattern); i > 0 && pattern[i - 1] == '\\'; i--) {
        escapes++;
    }
    if (escapes % 2 == 1) {
        code = fail_at(parser, start, "the pattern ends with a lone \\");
        err_hint(parser->err, "a \\ stands for itself as \\\\");
    }
    return code;
}

typedef enum Operator {
    OPERATOR_EQUAL,
    OPERATOR_NOT_EQUAL,
    OPERATOR_LIKE,
    OPERATOR_IN,
    OPERATOR_NONE,
} Operator;

static Operator operator_of(const Token *token)
{
    if (token_is_symbol(token, "=")) {
        return OPERATOR_EQUAL;
    }
    if (token_is_symbol(token, "!=")) {
        return OPERATOR_NOT_EQUAL;
    }
    if (token_is_keyword(token, "like")) {
        return OPERATOR_LIKE;
    }
    return token_is_keyword(token, "in") ? OPERATOR_IN : OPERATOR_NONE;
}

static ErrCode parse_operand(Parser *parser, Operator op, Select *node)
{
    node->kind = op == OPERATOR_LIKE ? NODE_LIKE : NODE_IN;
    ErrCode code = next_token(parser);
    if (code != ERR_NONE) {
        return code;
    }
    switch (op) {
    case OPERATOR_LIKE:
        return parse_like(parser, node);
    case OPERATOR_IN:
        return parse_in(parser, node);
    default:
        return parse_string(parser, &node->strings);
    }
}

static Select *negated(Parser *parser, Select *node)
{
    Select *not = node_new(parser, NODE_NOT);
    not ->child = node;
    return not ;
}

/* The comparison behind a field: op STRING, in (…), not like, not in. */
static ErrCode parse_comparison(Parser *parser, Select *node, Select **ret_node)
{
    bool is_negated = token_is_keyword(&parser->token, "not");
    ErrCode code = is_negated ? next_token(parser) : ERR_NONE;
    if (code != ERR_NONE) {
        return code;
    }
    Operator op = operator_of(&parser->token);
    bool is_word = op == OPERATOR_LIKE || op == OPERATOR_IN;
    if (op == OPERATOR_NONE || (is_negated && !is_word)) {
        code = fail_expected(parser, is_negated ? "like or in after not"
                                                : "=, !=, like, not like, in or not in");
        hint_habit(parser);
        return code;
    }
    code = parse_operand(parser, op, node);
    is_negated = is_negated || op == OPERATOR_NOT_EQUAL;
    *ret_node = is_negated ? negated(parser, node) : node;
    return code;
}

static const char *const FIELD_NAMES[] = {
    [SUBJECT_INSTANCE] = "instance", [SUBJECT_HOST] = "host",       [SUBJECT_DATABASE] = "database",
    [SUBJECT_SCHEMA] = "schema",     [SUBJECT_VERSION] = "version", [SUBJECT_LABEL] = "labels.",
};

void select_field_write(const Select *node, Str *out)
{
    str_append(out, FIELD_NAMES[node->field]);
    str_append(out, node->field == SUBJECT_LABEL ? node->label : "");
}

static bool token_is_any_keyword(const Token *token)
{
    static const char *const KEYWORDS[] = { "and", "or", "not", "in", "like" };
    for (size_t i = 0; i < ARRAY_LEN(KEYWORDS); i++) {
        if (token_is_keyword(token, KEYWORDS[i])) {
            return true;
        }
    }
    return false;
}

/* "lables.env" is nearer to a label than to anything else. NULL: it is not. */
static const char *label_nearest(const Parser *parser, const char *word)
{
    static const char *const LABELS[] = { "labels" };
    size_t length = strcspn(word, ".");
    bool is_near = word[length] == '.' && word[length + 1] != '\0' &&
                   str_nearest(arena_strndup(parser->arena, word, length), LABELS, 1) != NULL;
    return is_near ? word + length + 1 : NULL;
}

static ErrCode fail_field(Parser *parser)
{
    if (parser->token.kind != TOKEN_WORD || token_is_any_keyword(&parser->token)) {
        ErrCode code = fail_expected(parser, "a field, not or (");
        hint_habit(parser);
        return code;
    }
    const char *word = arena_strndup(parser->arena, parser->token.start, parser->token.length);
    fail_at(parser, parser->token.start, "there is no field %s", word);
    const char *nearest = str_nearest(word, FIELD_NAMES, SUBJECT_LABEL);
    const char *label = label_nearest(parser, word);
    if (label != NULL) {
        err_hint(parser->err, "did you mean labels.%s?", label);
    } else if (strncasecmp(word, "label", strlen("label")) == 0) {
        err_hint(parser->err, "a label is written labels.NAME");
    } else if (nearest != NULL) {
        err_hint(parser->err, "did you mean %s?", nearest);
    } else {
        err_hint(parser->err,
                 "fields are instance, host, database, schema, version and labels.NAME");
    }
    return ERR_SYNTAX;
}

static bool token_is_field(const Token *token, FieldId field)
{
    size_t length = strlen(FIELD_NAMES[field]);
    bool is_length_right =
        field == SUBJECT_LABEL ? token->length > length : token->length == length;
    return token->kind == TOKEN_WORD && is_length_right &&
           strncmp(token->start, FIELD_NAMES[field], length) == 0;
}

static ErrCode parse_field(Parser *parser, Select **ret_node)
{
    const Token *token = &parser->token;
    size_t field = 0;
    while (field < ARRAY_LEN(FIELD_NAMES) && !token_is_field(token, (FieldId)field)) {
        field++;
    }
    if (field == ARRAY_LEN(FIELD_NAMES)) {
        return fail_field(parser);
    }
    Select *node = node_new(parser, NODE_IN);
    node->field = (FieldId)field;
    if (field == SUBJECT_LABEL) {
        size_t prefix = strlen(FIELD_NAMES[SUBJECT_LABEL]);
        node->label = arena_strndup(parser->arena, token->start + prefix, token->length - prefix);
    }
    ErrCode code = next_token(parser);
    return code == ERR_NONE ? parse_comparison(parser, node, ret_node) : code;
}

static ErrCode parse_group(Parser *parser, Select **ret_node)
{
    ErrCode code = next_token(parser);
    if (code == ERR_NONE) {
        code = parse_or(parser, ret_node);
    }
    if (code == ERR_NONE && !token_is_symbol(&parser->token, ")")) {
        code = fail_expected(parser, "and, or or )");
        hint_habit(parser);
    }
    return code == ERR_NONE ? next_token(parser) : code;
}

static ErrCode parse_factor(Parser *parser, Select **ret_node)
{
    bool is_not = token_is_keyword(&parser->token, "not");
    if (!is_not && !token_is_symbol(&parser->token, "(")) {
        return parse_field(parser, ret_node);
    }
    if (parser->depth == SELECT_DEPTH_MAX) {
        return fail_at(parser, parser->token.start, "nested deeper than %d", SELECT_DEPTH_MAX);
    }
    parser->depth++;
    ErrCode code = ERR_NONE;
    if (is_not) {
        code = next_token(parser);
        code = code == ERR_NONE ? parse_factor(parser, ret_node) : code;
        *ret_node = code == ERR_NONE ? negated(parser, *ret_node) : NULL;
    } else {
        code = parse_group(parser, ret_node);
    }
    parser->depth--;
    return code;
}

typedef ErrCode (*ParseFunction)(Parser *, Select **);

/* member { keyword member }: one member is itself, several are a node of `kind`. */
static ErrCode parse_chain(Parser *parser, const char *keyword, NodeKind kind, ParseFunction member,
                           Select **ret_node)
{
    Select *chain = node_new(parser, kind);
    Select **end = &chain->child;
    ErrCode code = member(parser, end);
    while (code == ERR_NONE && token_is_keyword(&parser->token, keyword)) {
        end = &(*end)->next;
        code = next_token(parser);
        code = code == ERR_NONE ? member(parser, end) : code;
    }
    *ret_node = chain->child != NULL && chain->child->next == NULL ? chain->child : chain;
    return code;
}

static ErrCode parse_and(Parser *parser, Select **ret_node)
{
    return parse_chain(parser, "and", NODE_AND, parse_factor, ret_node);
}

static ErrCode parse_or(Parser *parser, Select **ret_node)
{
    return parse_chain(parser, "or", NODE_OR, parse_and, ret_node);
}

static ErrCode parse_all(Parser *parser, Select **ret_node)
{
    ErrCode code = next_token(parser);
    if (code != ERR_NONE) {
        return code;
    }
    if (parser->token.kind == TOKEN_END) {
        *ret_node = node_new(parser, NODE_ALL);
        return ERR_NONE;
    }
    code = parse_or(parser, ret_node);
    if (code == ERR_NONE && parser->token.kind != TOKEN_END) {
        code = fail_expected(parser, "and, or or the end");
        hint_habit(parser);
    }
    return code;
}

ErrCode select_parse(const char *text, Arena *arena, Select **ret_select, Err *err)
{
    size_t length = strnlen(text, SELECT_TEXT_MAX + 1);
    if (length > SELECT_TEXT_MAX) {
        return err_set(err, ERR_SYNTAX, "longer than %d bytes", SELECT_TEXT_MAX);
    }
    if (!utf8_is_valid(text, length)) {
        return err_set(err, ERR_SYNTAX, "not valid UTF-8");
    }
    Parser parser = { .text = text, .at = text, .arena = arena, .err = err };
    Select *select = NULL;
    ErrCode code = parse_all(&parser, &select);
    if (code == ERR_NONE) {
        *ret_select = select;
    }
    return code;
}
