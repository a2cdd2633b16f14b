/* See alembic_print.h. */
#include "cli/source/alembic_print.h"

#include <string.h>

#include "cli/source/alembic_text.h"
#include "cli/source/lines.h"

static const char *const MARKS[] = { "-- Running upgrade ", "-- Running downgrade " };
#define ARROW " -> "

void alembic_printed_done(AlembicPrinted *printed)
{
    LIST_EACH(section, &printed->sections) {
        str_done(&(*section)->text);
    }
    LIST_DONE(&printed->sections);
}

/* ---- lines ---- */

static bool line_is(const TextLine *line, const char *text)
{
    return line->length == strlen(text) && memcmp(line->start, text, line->length) == 0;
}

/* "a, b" */
static const char *const *read_ids(const char *text, size_t length, Arena *arena, size_t *ret_count)
{
    const char **ids = ARENA_ARRAY(arena, const char *, length + 1);
    size_t count = 0;
    for (char *rest = arena_strndup(arena, text, length), *id = NULL;
         (id = strsep(&rest, ", ")) != NULL;) {
        if (*id != '\0') {
            ids[count++] = id;
        }
    }
    *ret_count = count;
    return ids;
}

/* A mark, or NULL for any other line. */
static AlembicSection *read_mark(const TextLine *line, bool is_down, Arena *arena)
{
    const char *text = arena_strndup(arena, line->start, line->length);
    const char *mark = MARKS[is_down];
    if (!str_starts_with(text, mark)) {
        return NULL;
    }
    const char *left = text + strlen(mark);
    const char *arrow = strstr(left - 1, ARROW);
    if (arrow == NULL) {
        return NULL;
    }
    const char *right = arrow + strlen(ARROW);
    AlembicSection *section = ARENA_NEW(arena, AlembicSection);
    size_t left_length = arrow > left ? (size_t)(arrow - left) : 0;
    size_t count = 0;
    const char *const *ids = is_down ? read_ids(left, left_length, arena, &count)
                                     : read_ids(right, strlen(right), arena, &count);
    if (count != 1) {
        return NULL;
    }
    section->id = ids[0];
    section->parents = is_down ? read_ids(right, strlen(right), arena, &section->parent_count)
                               : read_ids(left, left_length, arena, &section->parent_count);
    return section;
}

void alembic_printed_read(const Str *out, Arena *arena, AlembicPrinted *printed)
{
    AlembicSection *section = NULL;
    bool is_below_blank = true;
    Bytes bytes = { (const uint8_t *)str_text(out), out->length };
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        AlembicSection *next = is_below_blank ? read_mark(&line, printed->is_down, arena) : NULL;
        is_below_blank = line.length == 0;
        if (next != NULL) {
            section = next;
            str_append(&section->text, "BEGIN;\n");
            LIST_PUSH(&printed->sections, section);
        } else if (section != NULL) {
            str_append_bytes(&section->text, line.start, line.length);
            str_append_char(&section->text, '\n');
        }
    }
}

AlembicGraph alembic_printed_graph(const AlembicPrinted *printed, Arena *arena)
{
    AlembicGraph graph = { .nodes = ARENA_ARRAY(arena, AlembicNode, printed->sections.count),
                           .count = printed->sections.count };
    for (size_t i = 0; i < graph.count; i++) {
        const AlembicSection *section = printed->sections.items[i];
        graph.nodes[i] = (AlembicNode){ .id = section->id,
                                        .path = "",
                                        .parents = section->parents,
                                        .parent_count = section->parent_count };
    }
    return graph;
}

/* ---- what is Alembic's own ---- */

const char *alembic_cut_line(Str *text, Arena *arena)
{
    size_t end = text->length;
    end -= end > 0 && text->data[end - 1] == '\n';
    size_t start = end;
    while (start > 0 && text->data[start - 1] != '\n') {
        start--;
    }
    const char *line = arena_strndup(arena, text->data + start, end - start);
    text->length = start;
    text->data[start] = '\0';
    return line;
}

/* "INSERT INTO alembic_version (version_num) …": the table may be called otherwise. */
static bool is_version_statement(const char *text)
{
    bool is_change = str_starts_with(text, "INSERT INTO ") || str_starts_with(text, "UPDATE ") ||
                     str_starts_with(text, "DELETE FROM ");
    return is_change && strstr(text, "version_num") != NULL && str_ends_with(text, ";");
}

/* The name in such a statement; NULL where it is not told from what follows. */
static const char *version_table(const char *text, Arena *arena)
{
    static const struct {
        const char *before;
        const char *behind;
    } SHAPES[] = {
        { "INSERT INTO ", " (version_num) " },
        { "UPDATE ", " SET version_num=" },
        { "DELETE FROM ", " WHERE " },
    };
    for (size_t i = 0; i < ARRAY_LEN(SHAPES); i++) {
        const char *name = text + strlen(SHAPES[i].before);
        const char *end =
            str_starts_with(text, SHAPES[i].before) ? strstr(name, SHAPES[i].behind) : NULL;
        if (end != NULL) {
            return arena_strndup(arena, name, (size_t)(end - name));
        }
    }
    return NULL;
}

/* What Alembic adds at the end of each: its own table, and its transaction. */
static void cut_end(AlembicSection *section, Arena *arena)
{
    Str *text = &section->text;
    const char *dropped = NULL;
    while (text->length > 0) {
        const char *line = alembic_cut_line(text, arena);
        bool is_drop = str_starts_with(line, "DROP TABLE ") && dropped == NULL;
        if (is_drop) {
            dropped = line;
        } else if (is_version_statement(line)) {
            section->table = version_table(line, arena);
            dropped = "";
        } else if (*line != '\0' && !str_equal(line, "BEGIN;") && !str_equal(line, "COMMIT;")) {
            str_printf(text, "%s\n", line);
            break;
        }
    }
    if (dropped != NULL && *dropped != '\0') {
        str_printf(text, "%s\n", dropped);
    }
}

void alembic_section_finish(AlembicSection *section, bool is_doubled, Arena *arena)
{
    bool is_open = false; /* nor is it where nothing is left */
    if (is_doubled) {
        alembic_undouble_percents(&section->text);
    }
    cut_end(section, arena);
    alembic_sort_indexes(&section->text, arena);
    Bytes bytes = { (const uint8_t *)str_text(&section->text), section->text.length };
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        is_open = line_is(&line, "BEGIN;") || (is_open && !line_is(&line, "COMMIT;"));
    }
    if (is_open) {
        str_append(&section->text, "COMMIT;\n");
    }
}
