/* Why a selection finds nothing. Pure: no I/O. */
#include <string.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "proto/select_internal.h"

#define NAMES_TOLD 8

typedef struct Comparison {
    struct Comparison *next;
    const Select *node;
    bool is_wanted;      /* a target has to satisfy it: it stands under no `not` */
    bool is_met;         /* by at least one subject */
    bool is_known;       /* a plain field, or some subject has the label */
    const char *nearest; /* what the string may have been meant to be; NULL: nothing is near */
} Comparison;

struct SelectDoubts {
    Arena *arena;
    Comparison *first;
    Comparison **last_next;
    const char *names[NAMES_TOLD]; /* of labels that there are, the first few */
    size_t name_count;
    bool has_more_names;
};

/* `not` turns round what satisfies: such a comparison hardly ever leaves nothing over. */
static void collect(SelectDoubts *doubts, const Select *node, bool is_wanted)
{
    bool is_leaf = node->kind == NODE_IN || node->kind == NODE_LIKE;
    if (is_leaf) {
        Comparison *comparison = ARENA_NEW(doubts->arena, Comparison);
        *comparison = (Comparison){ .node = node,
                                    .is_wanted = is_wanted,
                                    .is_known = node->field != SUBJECT_LABEL };
        *doubts->last_next = comparison;
        doubts->last_next = &comparison->next;
    }
    for (const Select *member = node->child; member != NULL; member = member->next) {
        collect(doubts, member, is_wanted && node->kind != NODE_NOT);
    }
}

SelectDoubts *select_doubts_new(const Select *select, Arena *arena)
{
    SelectDoubts *doubts = ARENA_NEW(arena, SelectDoubts);
    *doubts = (SelectDoubts){ .arena = arena };
    doubts->last_next = &doubts->first;
    collect(doubts, select, true);
    return doubts;
}

/* ---- what there is ---- */

/* The nearer one to `word` of what was near so far and `candidate`, copied. */
static const char *nearer(const SelectDoubts *doubts, const char *word, const char *so_far,
                          const char *candidate)
{
    const char *candidates[] = { so_far == NULL ? candidate : so_far, candidate };
    const char *nearest = str_nearest(word, candidates, ARRAY_LEN(candidates));
    return nearest == candidate ? arena_strdup(doubts->arena, candidate) : so_far;
}

static bool is_told(const SelectDoubts *doubts, const char *name)
{
    for (size_t i = 0; i < doubts->name_count; i++) {
        if (strcmp(doubts->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void take_name(SelectDoubts *doubts, const char *name)
{
    if (is_told(doubts, name)) {
        return;
    }
    doubts->has_more_names = doubts->name_count == NAMES_TOLD;
    if (!doubts->has_more_names) {
        doubts->names[doubts->name_count++] = arena_strdup(doubts->arena, name);
    }
}

static void take_label(SelectDoubts *doubts, Comparison *comparison, const char *name)
{
    const char *wanted = comparison->node->label;
    if (strcmp(wanted, name) == 0) {
        comparison->nearest = comparison->is_known ? comparison->nearest : NULL;
        comparison->is_known = true;
    } else if (!comparison->is_known) {
        comparison->nearest = nearer(doubts, wanted, comparison->nearest, name);
    }
}

static void take_labels(SelectDoubts *doubts, const Labels *labels)
{
    for (size_t i = 0; labels != NULL && i < labels->count; i++) {
        take_name(doubts, labels->items[i].name);
        for (Comparison *comparison = doubts->first; comparison != NULL;
             comparison = comparison->next) {
            if (comparison->node->field == SUBJECT_LABEL) {
                take_label(doubts, comparison, labels->items[i].name);
            }
        }
    }
}

static void take_value(SelectDoubts *doubts, Comparison *comparison, const SelectSubject *subject)
{
    const Select *node = comparison->node;
    comparison->is_met = comparison->is_met || select_matches(node, subject);
    bool is_one = node->kind == NODE_IN && node->strings->next == NULL;
    const char *value = select_value(node, subject);
    if (!comparison->is_met && comparison->is_known && is_one && value[0] != '\0') {
        comparison->nearest = nearer(doubts, node->strings->text, comparison->nearest, value);
    }
}

void select_doubts_take(SelectDoubts *doubts, const SelectSubject *subject)
{
    take_labels(doubts, subject->agent_labels);
    take_labels(doubts, subject->instance_labels);
    for (Comparison *comparison = doubts->first; comparison != NULL;
         comparison = comparison->next) {
        take_value(doubts, comparison, subject);
    }
}

/* ---- in words ---- */

static void tell_names(const SelectDoubts *doubts, Str *out)
{
    for (size_t i = 0; i < doubts->name_count; i++) {
        str_printf(out, "%s%s", i == 0 ? "; there are: " : ", ", doubts->names[i]);
    }
    str_append(out, doubts->has_more_names ? ", …" : "");
}

static void tell_unknown(const SelectDoubts *doubts, const Comparison *comparison, Str *out)
{
    str_printf(out, "no target has a label '%s'", comparison->node->label);
    if (comparison->nearest != NULL) {
        str_printf(out, "; did you mean labels.%s?", comparison->nearest);
    } else {
        tell_names(doubts, out);
    }
}

static void tell_unmet(const Comparison *comparison, Str *out)
{
    const Select *node = comparison->node;
    str_append(out, "no target has ");
    select_field_write(node, out);
    if (node->kind == NODE_LIKE) {
        str_printf(out, " like '%s'", node->strings->text);
    } else if (node->strings->next != NULL) {
        str_append(out, " in that list");
    } else {
        str_printf(out, " = '%s'", node->strings->text);
    }
    if (comparison->nearest != NULL) {
        str_printf(out, "; did you mean '%s'?", comparison->nearest);
    }
}

/* `labels.x = ''` asks for those that have no such label: that nobody has it is no surprise. */
static bool is_for_none(const Select *node)
{
    return node->kind == NODE_IN && node->strings->next == NULL && node->strings->text[0] == '\0';
}

static const Comparison *find_unknown(const SelectDoubts *doubts)
{
    const Comparison *comparison = doubts->first;
    while (comparison != NULL &&
           (comparison->is_known || comparison->is_met || !comparison->is_wanted)) {
        comparison = comparison->next;
    }
    return comparison;
}

static const Comparison *find_unmet(const SelectDoubts *doubts)
{
    const Comparison *comparison = doubts->first;
    while (comparison != NULL && (comparison->is_met || !comparison->is_wanted)) {
        comparison = comparison->next;
    }
    return comparison;
}

void select_doubts_tell(const SelectDoubts *doubts, Str *out)
{
    const Comparison *unknown = find_unknown(doubts);
    const Comparison *unmet = find_unmet(doubts);
    if (unknown != NULL) {
        tell_unknown(doubts, unknown, out);
    } else if (unmet != NULL) {
        tell_unmet(unmet, out);
    } else {
        str_append(out, "each comparison holds for some target, the whole for none");
    }
}

void select_doubts_tell_label(const SelectDoubts *doubts, Str *out)
{
    const Comparison *comparison = doubts->first;
    while (comparison != NULL && (comparison->is_known || is_for_none(comparison->node))) {
        comparison = comparison->next;
    }
    if (comparison != NULL) {
        tell_unknown(doubts, comparison, out);
    }
}
