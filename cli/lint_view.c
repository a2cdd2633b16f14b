/* Findings and rules in words. */
#include "cli/lint_view.h"

#include <string.h>

#include "cli/output.h"
#include "cli/printable.h"

#define WRAP_COLUMNS 96

static const Colour COLOURS[] = { COLOUR_NONE, COLOUR_DIM, COLOUR_WARN, COLOUR_BAD };
_Static_assert(ARRAY_LEN(COLOURS) == SEVERITY_COUNT_, "a colour for each severity");

/* What comes from files is shown without what a terminal obeys. */
static const char *printable(const char *text, Arena *arena)
{
    char *copy = arena_strdup(arena, text);
    printable_make(copy);
    return copy;
}

/* Words in lines of WRAP_COLUMNS, each behind `indent`, the first of them as it stands. */
static void append_wrapped(Str *out, const char *indent, size_t column, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        AUTO(Str) word = { 0 };
        str_append_bytes(&word, text, length);
        size_t width = text_width(str_text(&word));
        if (column > strlen(indent) && column + 1 + width > WRAP_COLUMNS) {
            str_printf(out, "\n%s", indent);
            column = strlen(indent);
        } else if (column > strlen(indent)) {
            str_append_char(out, ' ');
            column++;
        }
        str_append(out, str_text(&word));
        column += width;
        text += length;
        text += strspn(text, " ");
    }
    str_append_char(out, '\n');
}

/* Each line of a text behind `indent`. */
static void append_lines(Str *out, const char *indent, const char *text, Arena *arena)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        str_printf(out, "%s%s\n", indent, printable(arena_strndup(arena, text, length), arena));
        text += length + (text[length] == '\n');
    }
}

static void append_place(Str *out, const Finding *finding, Arena *arena)
{
    AUTO(Str) place = { 0 };
    str_append(&place, printable(finding->file, arena));
    if (finding->line > 0) {
        str_printf(&place, ":%u:%u", finding->line, finding->column);
    }
    str_append(&place, ": ");
    output_colour(out, COLOUR_BOLD, str_text(&place));
    output_colour(out, COLOURS[finding->severity], severity_name(finding->severity));
    str_printf(out, ": %s [%s]\n", finding->rule->title, finding->rule->id);
    if (finding->from != NULL) {
        str_printf(out, "       included from %s\n", printable(finding->from, arena));
    }
    if (finding->source[0] != '\0') {
        str_printf(out, "%6u | %s\n", finding->line, printable(finding->source, arena));
    }
}

static void append_effects(Str *out, const Finding *finding, Arena *arena)
{
    for (size_t i = 0; i < finding->effect_count; i++) {
        const Effect *effect = &finding->effects[i];
        const char *table =
            printable(name_write_qualified(effect->table.schema, effect->table.name, arena), arena);
        str_printf(out, "  %s%s on %s%s", i == 0 ? "lock: " : "      ",
                   lock_mode_name(effect->lock), effect->is_index ? "the table of " : "", table);
        if (effect->work >= WORK_SCAN) {
            str_printf(out, ", %s%s", effect->is_likely ? "likely " : "",
                       table_work_phrase(effect->work));
        }
        str_append_char(out, '\n');
    }
}

static void append_safe_way(Str *out, const Finding *finding, Arena *arena)
{
    if (finding->safe_count == 1) {
        str_append(out, "  safe:\n");
        append_lines(out, "      ", finding->safe[0].sql, arena);
    }
    for (size_t i = 0; finding->safe_count > 1 && i < finding->safe_count; i++) {
        str_printf(out, "  safe, migration %zu of %zu:\n", i + 1, finding->safe_count);
        append_lines(out, "      ", finding->safe[i].sql, arena);
    }
}

static void append_finding(Str *out, const Finding *finding)
{
    AUTO(Arena) arena = { 0 };
    append_place(out, finding, &arena);
    append_effects(out, finding, &arena);
    str_append(out, "  why: ");
    append_wrapped(out, "       ", strlen("  why: "), printable(finding->why, &arena));
    append_safe_way(out, finding, &arena);
    str_append_char(out, '\n');
}

static void append_count(Str *out, size_t count, const char *noun, Colour colour)
{
    AUTO(Str) text = { 0 };
    str_printf(&text, "%zu %s%s", count, noun, count == 1 ? "" : "s");
    output_colour(out, count == 0 ? COLOUR_NONE : colour, str_text(&text));
}

void lint_view_report(const LintReport *report, Str *out)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->findings[i]->allowed == NULL) {
            append_finding(out, report->findings[i]);
        }
    }
    append_count(out, report->migrations, "migration", COLOUR_NONE);
    str_append(out, ": ");
    append_count(out, report->counts[SEVERITY_ERROR], "error", COLOUR_BAD);
    str_append(out, ", ");
    append_count(out, report->counts[SEVERITY_WARNING], "warning", COLOUR_WARN);
    str_append(out, ", ");
    append_count(out, report->counts[SEVERITY_NOTICE], "notice", COLOUR_DIM);
    if (report->allowed > 0) {
        str_printf(out, "; %zu allowed", report->allowed);
    }
    str_append_char(out, '\n');
}

void lint_view_rules(Str *out)
{
    AUTO_PTR(Table) table = table_new(3, NULL);
    for (size_t i = 0; i < lint_rule_count(); i++) {
        const LintRule *rule = lint_rule_at(i);
        table_cell(table, COLOUR_BOLD, rule->id);
        table_cell(table, COLOURS[rule->severity], severity_name(rule->severity));
        table_cell(table, COLOUR_NONE, rule->title);
    }
    table_print(table, out);
}

void lint_view_rule(const LintRule *rule, Str *out)
{
    AUTO(Arena) arena = { 0 };
    output_colour(out, COLOUR_BOLD, rule->id);
    str_append(out, ", ");
    output_colour(out, COLOURS[rule->severity], severity_name(rule->severity));
    str_printf(out, ": %s\n\n", rule->title);
    append_wrapped(out, "", 0, rule->explain);
    str_append(out, "\nsafe: ");
    append_wrapped(out, "      ", strlen("safe: "), rule->remedy);
    str_append(out, "\nfound fault with:\n");
    append_lines(out, "    ", rule->fires.up, &arena);
    str_append(out, "\nfine:\n");
    append_lines(out, "    ", rule->silent.up, &arena);
}
