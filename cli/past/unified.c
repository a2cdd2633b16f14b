/* The longest common subsequence of lines, and hunks around what it leaves out. */
#include "cli/past/unified.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/list.h"

#define CONTEXT 3
#define CELLS_MAX ((size_t)4 * 1024 * 1024)

typedef struct Line {
    const char *start;
    size_t length;
} Line;

typedef LIST(Line) LineList;

/* One step from the old text to the new. */
typedef struct Edit {
    char sign; /* ' ', '-' or '+' */
    const Line *line;
} Edit;

typedef struct Diff {
    LineList sides[2];
    LIST(Edit) edits;
    size_t lines_max;
    size_t shown;
    size_t hidden;
    Str *out;
} Diff;

static void diff_done(Diff *diff)
{
    LIST_DONE(&diff->sides[0]);
    LIST_DONE(&diff->sides[1]);
    LIST_DONE(&diff->edits);
}

AUTO_DEFINE(Diff, diff_done)

static void lines_take(Bytes text, LineList *list)
{
    const char *at = (const char *)text.data;
    const char *end = at + text.length;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        size_t length = (size_t)(stop - at);
        length -= length > 0 && stop < end && at[length - 1] == '\r';
        Line line = { at, length };
        LIST_PUSH(list, line);
        at = stop + 1;
    }
}

static bool is_same(const Line *a, const Line *b)
{
    return a->length == b->length && memcmp(a->start, b->start, a->length) == 0;
}

static void edit_push(Diff *diff, char sign, const Line *line)
{
    Edit edit = { sign, line };
    LIST_PUSH(&diff->edits, edit);
}

/* Lines [from, end) of a side. */
static void edits_push(Diff *diff, char sign, const LineList *lines, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++) {
        edit_push(diff, sign, &lines->items[i]);
    }
}

/* ---- what both have ---- */

/* The lines that are neither in the common head nor in the common tail: from `head` on, so many of
 * each side. */
typedef struct Middle {
    size_t head;
    size_t counts[2];
} Middle;

/* At [i][j]: how many lines the texts have in common from there on. */
typedef struct Lengths {
    uint32_t *cells;
    size_t width;
} Lengths;

static uint32_t *cell(const Lengths *lengths, size_t i, size_t j)
{
    return &lengths->cells[i * lengths->width + j];
}

static bool is_pair(const Diff *diff, const Middle *middle, size_t i, size_t j)
{
    return is_same(&diff->sides[0].items[middle->head + i],
                   &diff->sides[1].items[middle->head + j]);
}

static void lengths_fill(const Lengths *lengths, const Diff *diff, const Middle *middle)
{
    for (size_t i = middle->counts[0]; i-- > 0;) {
        for (size_t j = middle->counts[1]; j-- > 0;) {
            uint32_t down = *cell(lengths, i + 1, j);
            uint32_t right = *cell(lengths, i, j + 1);
            *cell(lengths, i, j) = is_pair(diff, middle, i, j) ? *cell(lengths, i + 1, j + 1) + 1
                                   : down > right              ? down
                                                               : right;
        }
    }
}

static void middle_align(Diff *diff, const Middle *middle)
{
    const LineList *sides = diff->sides;
    size_t head = middle->head;
    Lengths lengths = { .width = middle->counts[1] + 1 };
    lengths.cells = mem_alloc((middle->counts[0] + 1) * lengths.width * sizeof(uint32_t));
    lengths_fill(&lengths, diff, middle);
    size_t i = 0;
    size_t j = 0;
    while (i < middle->counts[0] && j < middle->counts[1]) {
        if (is_pair(diff, middle, i, j)) {
            edit_push(diff, ' ', &sides[0].items[head + i++]);
            j++;
        } else if (*cell(&lengths, i + 1, j) >= *cell(&lengths, i, j + 1)) {
            edit_push(diff, '-', &sides[0].items[head + i++]);
        } else {
            edit_push(diff, '+', &sides[1].items[head + j++]);
        }
    }
    edits_push(diff, '-', &sides[0], head + i, head + middle->counts[0]);
    edits_push(diff, '+', &sides[1], head + j, head + middle->counts[1]);
    free(lengths.cells);
}

static Middle find_middle(const LineList *old, const LineList *new)
{
    size_t least = old->count < new->count ? old->count : new->count;
    size_t head = 0;
    while (head < least && is_same(&old->items[head], &new->items[head])) {
        head++;
    }
    size_t tail = 0;
    while (tail < least - head &&
           is_same(&old->items[old->count - tail - 1], &new->items[new->count - tail - 1])) {
        tail++;
    }
    return (Middle){ head, { old->count - head - tail, new->count - head - tail } };
}

static void align(Diff *diff)
{
    const LineList *sides = diff->sides;
    Middle middle = find_middle(&sides[0], &sides[1]);
    size_t old_end = middle.head + middle.counts[0];
    edits_push(diff, ' ', &sides[0], 0, middle.head);
    if ((middle.counts[0] + 1) * (middle.counts[1] + 1) <= CELLS_MAX) {
        middle_align(diff, &middle);
    } else {
        edits_push(diff, '-', &sides[0], middle.head, old_end);
        edits_push(diff, '+', &sides[1], middle.head, middle.head + middle.counts[1]);
    }
    edits_push(diff, ' ', &sides[0], old_end, sides[0].count);
}

/* ---- hunks ---- */

static void line_tell(Diff *diff, char sign, const char *text, size_t length)
{
    if (diff->shown == diff->lines_max) {
        diff->hidden++;
        return;
    }
    diff->shown++;
    str_append_char(diff->out, sign);
    str_append_bytes(diff->out, text, length);
    str_append_char(diff->out, '\n');
}

/* Behind the last edit of a hunk that has a change at `at`: changes with no more than twice the
 * context between them are of one. */
static size_t hunk_end(const Diff *diff, size_t at)
{
    size_t last = at;
    for (size_t i = at; i < diff->edits.count && i <= last + 2 * CONTEXT + 1; i++) {
        last = diff->edits.items[i].sign == ' ' ? last : i;
    }
    size_t end = last + 1 + CONTEXT;
    return end < diff->edits.count ? end : diff->edits.count;
}

static size_t lines_of(const Diff *diff, size_t from, size_t end, char other)
{
    size_t count = 0;
    for (size_t i = from; i < end; i++) {
        count += diff->edits.items[i].sign != other;
    }
    return count;
}

/* A side without a line is told by the one before it. */
static size_t first_line(const Diff *diff, size_t from, size_t count, char other)
{
    return lines_of(diff, 0, from, other) + (count > 0);
}

static void hunk_tell(Diff *diff, size_t from, size_t end)
{
    AUTO(Str) head = { 0 };
    size_t old_count = lines_of(diff, from, end, '+');
    size_t new_count = lines_of(diff, from, end, '-');
    str_printf(&head, "@ -%zu,%zu +%zu,%zu @@", first_line(diff, from, old_count, '+'), old_count,
               first_line(diff, from, new_count, '-'), new_count);
    line_tell(diff, '@', str_text(&head), head.length);
    for (size_t i = from; i < end; i++) {
        const Edit *edit = &diff->edits.items[i];
        line_tell(diff, edit->sign, edit->line->start, edit->line->length);
    }
}

static void hunks_tell(Diff *diff)
{
    size_t told = 0;
    for (size_t i = 0; i < diff->edits.count; i++) {
        if (diff->edits.items[i].sign != ' ') {
            size_t from = i > told + CONTEXT ? i - CONTEXT : told;
            told = hunk_end(diff, i);
            hunk_tell(diff, from, told);
            i = told - 1;
        }
    }
}

void unified_write(const UnifiedSides *sides, size_t lines_max, Str *out)
{
    AUTO(Diff) diff = { .lines_max = lines_max, .out = out };
    lines_take(sides->old_text, &diff.sides[0]);
    lines_take(sides->new_text, &diff.sides[1]);
    align(&diff);
    if (lines_of(&diff, 0, diff.edits.count, ' ') == 0) {
        return;
    }
    str_printf(out, "--- %s\n+++ %s\n", sides->old_label, sides->new_label);
    hunks_tell(&diff);
    if (diff.hidden > 0) {
        str_printf(out, "… and %zu line%s more\n", diff.hidden, diff.hidden == 1 ? "" : "s");
    }
}
