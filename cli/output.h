/*
 * What the command line prints. Every command fetches once and renders twice: as JSON, whole, or as
 * text. Colour, bars and redrawing only on a terminal.
 */
#ifndef SKEIN_CLI_OUTPUT_H
#define SKEIN_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "cli/command.h"
#include "common/err.h"
#include "common/str.h"

/* The error's only printing: to standard error, as text or as one JSON object, with its hint, whose
 * commands go to the target that the options name (typed_command.h). */
void output_error(const Err *err, const Options *options);

/* To standard output. */
void output_text(const Str *text);

/* One JSON value and a newline, to standard output: of the API's, or
 * as written with common/json.h. */
void output_json(const json_t *value);
void output_json_text(const Str *text);

/* One JSON value on a line of its own, to standard output. */
void output_json_line(const json_t *value);

bool output_is_terminal(void); /* standard output is one, and TERM is not "dumb" */

typedef enum Colour {
    COLOUR_NONE = 0,
    COLOUR_GOOD,   /* done, healthy */
    COLOUR_ACTIVE, /* under way */
    COLOUR_WARN,   /* waits for somebody */
    COLOUR_BAD,    /* failed */
    COLOUR_DIM,
    COLOUR_BOLD,
} Colour;

/* Appends text, printable (printable.h), coloured when standard output is a terminal and NO_COLOR
 * is not set. */
void output_colour(Str *out, Colour colour, const char *text);

/* The colour of a target's, wave's, rollout's or agent's state, by its name. */
Colour output_state_colour(const char *state);

/* An agent's state as people say it: "none" is for programs. */
const char *agent_state_words(const char *state);

/*
 * A table whose columns are as wide as they need: rows of `columns` cells. The last column is not
 * padded. Widths are counted in characters, not bytes. What cells hold is made printable.
 */
typedef struct Table Table;

Table *table_new(size_t columns, const char *const *headings); /* headings NULL: none */
void table_free(Table *table);
AUTO_PTR_DEFINE(Table, table_free)

void table_cell(Table *table, Colour colour,
                const char *text); /* cells fill rows in order; copied */
void table_cellf(Table *table, Colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void table_print(const Table *table, Str *out);

/* Characters, not bytes, of a UTF-8 text. */
size_t text_width(const char *text);

/* Member access for renderers; absent and null read as "" and 0. */
const char *get_text(const json_t *object, const char *key);
long long get_number(const json_t *object, const char *key);
bool get_bool(const json_t *object, const char *key);

/*
 * Shows what is touched and asks "… [y/N] ", both on standard error. ERR_REFUSED when the answer is
 * not yes. Without a terminal on standard input: ERR_USAGE with the call to type instead, which has
 * --yes, and for programs (OUTPUT_JSON) nothing but that error.
 */
ErrCode output_confirm(const Str *touched, const char *question, const Invocation *invocation,
                       Err *err);

#endif
