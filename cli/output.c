/* Printing: errors, JSON, colours, tables, questions. */
#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/printable.h"
#include "cli/typed_command.h"
#include "common/arena.h"
#include "common/json.h"
#include "common/list.h"

static const char *const COLOUR_CODES[] = {
    [COLOUR_NONE] = "",         [COLOUR_GOOD] = "\033[32m", [COLOUR_ACTIVE] = "\033[36m",
    [COLOUR_WARN] = "\033[33m", [COLOUR_BAD] = "\033[31m",  [COLOUR_DIM] = "\033[2m",
    [COLOUR_BOLD] = "\033[1m",
};

typedef struct StateColour {
    const char *state;
    Colour colour;
} StateColour;

static const StateColour STATE_COLOURS[] = {
    { "healthy", COLOUR_GOOD },      { "verifying", COLOUR_GOOD },
    { "passed", COLOUR_GOOD },       { "succeeded", COLOUR_GOOD },
    { "active", COLOUR_GOOD },       { "applied", COLOUR_GOOD },
    { "applying", COLOUR_ACTIVE },   { "assigned", COLOUR_ACTIVE },
    { "running", COLOUR_ACTIVE },    { "soaking", COLOUR_ACTIVE },
    { "rolling_back", COLOUR_WARN }, { "rolled_back", COLOUR_WARN },
    { "aborting", COLOUR_WARN },     { "aborted", COLOUR_WARN },
    { "found", COLOUR_WARN },        { "paused", COLOUR_WARN },
    { "gated", COLOUR_WARN },        { "unknown", COLOUR_WARN },
    { "debt", COLOUR_BAD },          { "suspect", COLOUR_WARN },
    { "skipped", COLOUR_DIM },       { "pending", COLOUR_DIM },
    { "waiting", COLOUR_DIM },       { "failed", COLOUR_BAD },
    { "held", COLOUR_BAD },          { "rollback_failed", COLOUR_BAD },
    { "rollback_held", COLOUR_BAD }, { "tripped", COLOUR_BAD },
    { "lost", COLOUR_BAD },          { "not connected", COLOUR_WARN },
    { "quarantined", COLOUR_BAD },   { "changed", COLOUR_BAD },
    { "missing", COLOUR_BAD },       { "half applied", COLOUR_WARN },
    { "half undone", COLOUR_WARN },  { "interrupted", COLOUR_BAD },
    { "started", COLOUR_WARN },      { "undoing", COLOUR_WARN },
    { "undone", COLOUR_DIM },        { "ok", COLOUR_GOOD },
    { "warn", COLOUR_WARN },         { "fail", COLOUR_BAD },
};

bool output_is_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

static bool has_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return output_is_terminal() && (no_colour == NULL || no_colour[0] == '\0');
}

void output_colour(Str *out, Colour colour, const char *text)
{
    if (colour == COLOUR_NONE || text[0] == '\0' || !has_colour()) {
        printable_append(out, text);
        return;
    }
    str_append(out, COLOUR_CODES[colour]);
    printable_append(out, text);
    str_append(out, "\033[0m");
}

Colour output_state_colour(const char *state)
{
    for (size_t i = 0; i < ARRAY_LEN(STATE_COLOURS); i++) {
        if (strcmp(STATE_COLOURS[i].state, state) == 0) {
            return STATE_COLOURS[i].colour;
        }
    }
    return COLOUR_NONE;
}

const char *agent_state_words(const char *state)
{
    return strcmp(state, "none") == 0 ? "not connected" : state;
}

static void error_as_json(const Err *err, const char *hint)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    json_out_err_hinted(&json, "error", err, hint);
    json_out_object_end(&json);
    fprintf(stderr, "%s\n", str_text(&text));
}

void output_error(const Err *err, const Options *options)
{
    AUTO(Str) hint = { 0 };
    typed_commands_write(options, err->hint, &hint);
    fflush(stdout); /* what came before it stands before it */
    if (options->output == OUTPUT_JSON) {
        error_as_json(err, str_text(&hint));
        return;
    }
    Err shown = *err;
    printable_make(shown.message);
    fprintf(stderr, "skein: %s", shown.message);
    if (shown.sqlstate[0] != '\0') {
        fprintf(stderr, " (SQLSTATE %s)", shown.sqlstate);
    }
    fputc('\n', stderr);
    if (hint.length > 0) {
        printable_make(hint.data);
        fprintf(stderr, "hint: %s\n", str_text(&hint));
    }
}

void output_text(const Str *text)
{
    fwrite(str_text(text), 1, text->length, stdout);
}

void output_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}

void output_json_line(const json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    putchar('\n');
}

void output_json_text(const Str *text)
{
    AUTO_PTR(JsonDocument) value = json_loadb(str_text(text), text->length, JSON_DECODE_ANY, NULL);
    if (value == NULL) {
        abort(); /* the writer writes JSON */
    }
    output_json(value);
}

/* ---- tables ---- */

typedef struct Cell {
    Colour colour;
    const char *text;
} Cell;

struct Table {
    size_t columns;
    LIST(Cell) cells;
    Arena arena;
};

Table *table_new(size_t columns, const char *const *headings)
{
    Table *table = mem_alloc(sizeof(Table));
    table->columns = columns;
    for (size_t i = 0; headings != NULL && i < columns; i++) {
        table_cell(table, COLOUR_DIM, headings[i]);
    }
    return table;
}

void table_free(Table *table)
{
    LIST_DONE(&table->cells);
    arena_done(&table->arena);
    free(table);
}

void table_cell(Table *table, Colour colour, const char *text)
{
    char *shown = arena_strdup(&table->arena, text);
    printable_make(shown);
    Cell cell = { colour, shown };
    LIST_PUSH(&table->cells, cell);
}

void table_cellf(Table *table, Colour colour, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        abort();
    }
    table_cell(table, colour, text);
    free(text);
}

size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

static size_t column_width(const Table *table, size_t column)
{
    size_t widest = 0;
    for (size_t i = column; i < table->cells.count; i += table->columns) {
        size_t width = text_width(table->cells.items[i].text);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Up to which of its cells a row is printed: nothing stands behind the last that says something. */
static size_t row_end(const Table *table, size_t row)
{
    size_t end =
        row + table->columns < table->cells.count ? row + table->columns : table->cells.count;
    while (end > row && table->cells.items[end - 1].text[0] == '\0') {
        end--;
    }
    return end;
}

static void row_print(const Table *table, size_t row, const size_t *widths, Str *out)
{
    size_t end = row_end(table, row);
    for (size_t i = row; i < end; i++) {
        const Cell *cell = &table->cells.items[i];
        output_colour(out, cell->colour, cell->text);
        for (size_t pad = text_width(cell->text); i + 1 < end && pad < widths[i - row] + 2; pad++) {
            str_append_char(out, ' ');
        }
    }
    str_append_char(out, '\n');
}

void table_print(const Table *table, Str *out)
{
    AUTO(Arena) arena = { 0 };
    size_t *widths = ARENA_ARRAY(&arena, size_t, table->columns);
    for (size_t i = 0; i < table->columns; i++) {
        widths[i] = column_width(table, i);
    }
    for (size_t row = 0; row < table->cells.count; row += table->columns) {
        row_print(table, row, widths, out);
    }
}

/* ---- members ---- */

const char *get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

long long get_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

bool get_bool(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* ---- questions ---- */

/* One too long for a hint is known to whoever has typed it. */
static ErrCode hint_yes(const Invocation *invocation, Err *err)
{
    AUTO(Str) again = { 0 };
    typed_command_again(invocation, &again);
    bool is_long = again.length > ERR_HINT_MAX / 2;
    return err_hint(err,
                    is_long ? "look at what it touches, then type it again with --yes%s"
                            : "look at what it touches, then type `%s --yes`",
                    is_long ? "" : str_text(&again));
}

ErrCode output_confirm(const Str *touched, const char *question, const Invocation *invocation,
                       Err *err)
{
    bool can_ask = isatty(STDIN_FILENO);
    fflush(stdout);
    if (can_ask || invocation->options.output != OUTPUT_JSON) {
        fputs(str_text(touched), stderr);
    }
    if (!can_ask) {
        err_set(err, ERR_USAGE, "this needs a yes, and there is no terminal to ask on");
        return hint_yes(invocation, err);
    }
    fprintf(stderr, "%s [y/N] ", question);
    char answer[16] = "";
    if (fgets(answer, sizeof(answer), stdin) == NULL || (answer[0] != 'y' && answer[0] != 'Y')) {
        return err_set(err, ERR_REFUSED, "not confirmed: nothing has been done");
    }
    return ERR_NONE;
}
