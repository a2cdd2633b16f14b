/* Comparing two catalogs: a merge of their sorted entries, and then what belongs to what. */
#include "cli/catalog/difference.h"

#include <stdlib.h>
#include <string.h>

#include "cli/catalog/catalog.h"
#include "cli/source/checksum.h"
#include "common/list.h"
#include "common/str.h"

typedef struct ClassRow {
    const char *name;
    const char *why;
} ClassRow;

static const ClassRow DIFFERENCE_CLASSES[] = {
    [DIFFERENCE_REAL] = { "real", "the database is not what it was" },
    [DIFFERENCE_COLUMN_ORDER] = { "column-order",
                                  "a column that is dropped and added again comes last for ever; "
                                  "only SELECT * and INSERT without a list of columns see it" },
    [DIFFERENCE_SPACING] = { "spacing",
                             "blanks and comments in the body of a function mean nothing" },
    [DIFFERENCE_EXTENSION_LEFT] = { "extension-left",
                                    "an extension may have been there before or be used by others, "
                                    "so that many downs rightly leave it" },
    [DIFFERENCE_LABEL_LEFT] = { "enum-label-left", "PostgreSQL cannot take a label from an enum" },
};
_Static_assert(ARRAY_LEN(DIFFERENCE_CLASSES) == DIFFERENCE_CLASS_COUNT_, "a row per class");

static const char *const HOW_NAMES[] = {
    [DIFFERENCE_NONE] = "none",           [DIFFERENCE_MISSING] = "missing",
    [DIFFERENCE_LEFT] = "left",           [DIFFERENCE_CHANGED] = "changed",
    [DIFFERENCE_REORDERED] = "reordered", [DIFFERENCE_RENAMED] = "renamed",
};
_Static_assert(ARRAY_LEN(HOW_NAMES) == DIFFERENCE_HOW_COUNT_, "a name per way");

const char *difference_class_name(DifferenceClass class)
{
    return DIFFERENCE_CLASSES[class].name;
}

const char *difference_class_why(DifferenceClass class)
{
    return DIFFERENCE_CLASSES[class].why;
}

const char *difference_how_name(DifferenceHow how)
{
    return HOW_NAMES[how];
}

const CatalogEntry *difference_entry(const Difference *difference)
{
    return difference->before != NULL ? difference->before : difference->after;
}

/* ---- one object ---- */

static bool tokens_checksum(const char *text, uint8_t ret_checksum[CHECKSUM_BYTES])
{
    AUTO(Arena) arena = { 0 };
    SqlText sql;
    Bytes bytes = { (const uint8_t *)text, strlen(text) };
    if (sql_text_open("", bytes, 1, &arena, &sql, NULL) != ERR_NONE ||
        sql_scan(&sql, &arena, NULL) != ERR_NONE) {
        return false;
    }
    checksum_tokens(&sql, ret_checksum);
    return true;
}

static bool is_spacing_only(const char *before, const char *after)
{
    uint8_t checksums[2][CHECKSUM_BYTES];
    return tokens_checksum(before, checksums[0]) && tokens_checksum(after, checksums[1]) &&
           memcmp(checksums[0], checksums[1], CHECKSUM_BYTES) == 0;
}

/* Length of the line at `at`. */
static size_t line_length(const char *at)
{
    return strcspn(at, "\n");
}

static bool has_line(const char *lines, const char *line, size_t length)
{
    for (const char *at = lines; *at != '\0'; at += line_length(at), at += *at == '\n') {
        if (line_length(at) == length && memcmp(at, line, length) == 0) {
            return true;
        }
    }
    return false;
}

/* The next line from `at` that is also in `others`; NULL: none. */
static const char *next_common(const char *at, const char *others)
{
    for (; *at != '\0'; at += line_length(at), at += *at == '\n') {
        if (has_line(others, at, line_length(at))) {
            return at;
        }
    }
    return NULL;
}

/* Do the members that both have come in different orders? */
static bool is_reordered(const char *before, const char *after)
{
    const char *left = next_common(before, after);
    const char *right = next_common(after, before);
    while (left != NULL && right != NULL) {
        size_t length = line_length(left);
        if (line_length(right) != length || memcmp(left, right, length) != 0) {
            return true;
        }
        left += length;
        right += length;
        left = next_common(left + (*left == '\n'), after);
        right = next_common(right + (*right == '\n'), before);
    }
    return false;
}

static Difference difference_of(const CatalogEntry *before, const CatalogEntry *after)
{
    Difference difference = { .before = before, .after = after, .parts = "" };
    if (before == NULL) {
        difference.how = DIFFERENCE_LEFT;
        difference.class = after->kind->leftover;
    } else if (after == NULL) {
        difference.how = DIFFERENCE_MISSING;
    } else if (strcmp(before->definition, after->definition) != 0) {
        difference.how = DIFFERENCE_CHANGED;
        if (before->kind->has_body && is_spacing_only(before->definition, after->definition)) {
            difference.class = DIFFERENCE_SPACING;
        }
    } else if (strcmp(before->members, after->members) != 0 &&
               is_reordered(before->members, after->members)) {
        difference.how = DIFFERENCE_REORDERED;
        difference.class = before->kind->order;
    }
    return difference;
}

/* ---- what belongs to what ---- */

typedef struct Found {
    Difference difference;
    bool is_twin;                /* the other half of a renaming, which tells of both */
    const struct Found *part_of; /* NULL: it stands for itself */
} Found;

typedef LIST(Found) FoundList;

static int compare_found(const void *key, const void *found)
{
    return strcmp(key, difference_entry(&((const Found *)found)->difference)->key);
}

static const Found *found_find(const FoundList *list, const char *key, DifferenceHow how)
{
    const Found *found = key[0] == '\0' ? NULL
                                        : bsearch(key, list->items, list->count,
                                                  sizeof(*list->items), compare_found);
    return found != NULL && found->difference.how == how ? found : NULL;
}

/* A part goes with its whole; a copy (of a partition) also changes with what it was made after. */
static const Found *find_whole(const FoundList *list, const Difference *difference)
{
    const CatalogEntry *entry = difference_entry(difference);
    const Found *whole = NULL;
    if (difference->how == DIFFERENCE_MISSING || difference->how == DIFFERENCE_LEFT) {
        whole = found_find(list, entry->parent, difference->how);
    }
    return whole != NULL ? whole : found_find(list, entry->origin, difference->how);
}

static const Found *root_of(const Found *found, size_t depth_max)
{
    while (found->part_of != NULL && depth_max-- > 0) {
        found = found->part_of;
    }
    return found;
}

static const char *plural_of(const char *noun, Arena *arena)
{
    size_t length = strlen(noun);
    if (str_ends_with(noun, "s")) {
        return noun;
    }
    if (str_ends_with(noun, "x") || str_ends_with(noun, "ch")) {
        return arena_printf(arena, "%ses", noun);
    }
    return str_ends_with(noun, "y") ? arena_printf(arena, "%.*sies", (int)length - 1, noun)
                                    : arena_printf(arena, "%ss", noun);
}

/* "3 columns, 1 index": in the order of the tables of kinds. */
static const char *parts_of(const FoundList *list, const Found *root, Arena *arena)
{
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < CATALOG_KINDS_COUNT; i++) {
        for (size_t j = 0; j < CATALOG_KINDS[i]->count; j++) {
            const CatalogKind *kind = &CATALOG_KINDS[i]->rows[j];
            size_t count = 0;
            LIST_EACH(found, list) {
                count += found != root && root_of(found, list->count) == root &&
                         difference_entry(&found->difference)->kind == kind;
            }
            if (count > 0) {
                str_printf(&text, "%s%zu %s", text.length > 0 ? ", " : "", count,
                           count == 1 ? kind->noun : plural_of(kind->noun, arena));
            }
        }
    }
    return arena_strdup(arena, str_text(&text));
}

/* ---- renamed ---- */

/* Are the definitions the same where each has its own name? */
static bool is_same_but_name(const CatalogEntry *a, const CatalogEntry *b)
{
    const char *left = a->definition;
    const char *right = b->definition;
    while (*left != '\0' || *right != '\0') {
        if (str_starts_with(left, a->name) && str_starts_with(right, b->name)) {
            left += strlen(a->name);
            right += strlen(b->name);
        } else if (*left++ != *right++) {
            return false;
        }
    }
    return true;
}

static bool is_renaming(const Found *gone, const Found *come)
{
    const CatalogEntry *before = gone->difference.before;
    const CatalogEntry *after = come->difference.after;
    return come->part_of == NULL && !come->is_twin && come->difference.how == DIFFERENCE_LEFT &&
           before->kind == after->kind && strcmp(before->parent, after->parent) == 0 &&
           is_same_but_name(before, after);
}

/* Two lines about one thing become one. */
static void renamings_join(FoundList *list)
{
    LIST_EACH(gone, list) {
        bool may_be = gone->difference.how == DIFFERENCE_MISSING && gone->part_of == NULL &&
                      gone->difference.before->kind->is_telling;
        for (size_t i = 0; may_be && i < list->count; i++) {
            Found *come = &list->items[i];
            if (is_renaming(gone, come)) {
                gone->difference.how = DIFFERENCE_RENAMED;
                gone->difference.after = come->difference.after;
                come->is_twin = true;
                break;
            }
        }
    }
}

static Differences differences_make(FoundList *list, Arena *arena)
{
    Difference *items = ARENA_ARRAY(arena, Difference, list->count);
    Differences differences = { .items = items };
    LIST_EACH(found, list) {
        found->part_of = find_whole(list, &found->difference);
    }
    renamings_join(list);
    LIST_EACH(found, list) {
        if (found->part_of != NULL || found->is_twin) {
            continue;
        }
        Difference *item = &items[differences.count++];
        *item = found->difference;
        item->parts = item->how == DIFFERENCE_RENAMED ? "" : parts_of(list, found, arena);
        differences.real_count += item->class == DIFFERENCE_REAL;
    }
    return differences;
}

Differences catalog_compare(const Catalog *before, const Catalog *after, Arena *arena)
{
    FoundList list = { 0 };
    size_t i = 0;
    size_t j = 0;
    while (i < before->count || j < after->count) {
        const CatalogEntry *left = i < before->count ? &before->entries[i] : NULL;
        const CatalogEntry *right = j < after->count ? &after->entries[j] : NULL;
        int order = left == NULL ? 1 : right == NULL ? -1 : strcmp(left->key, right->key);
        Found found = {
            .difference = difference_of(order > 0 ? NULL : left, order < 0 ? NULL : right),
        };
        if (found.difference.how != DIFFERENCE_NONE) {
            LIST_PUSH(&list, found);
        }
        i += order <= 0;
        j += order >= 0;
    }
    Differences differences = differences_make(&list, arena);
    LIST_DONE(&list);
    return differences;
}

const Difference *difference_find(const Differences *differences, const char *key,
                                  DifferenceHow how)
{
    for (size_t i = 0; i < differences->count; i++) {
        const Difference *item = &differences->items[i];
        if (item->how == how && str_equal(difference_entry(item)->key, key)) {
            return item;
        }
    }
    return NULL;
}

Differences differences_without(const Differences *all, const Differences *known, Arena *arena)
{
    Difference *items = ARENA_ARRAY(arena, Difference, all->count);
    Differences rest = { .items = items };
    for (size_t i = 0; i < all->count; i++) {
        const Difference *item = &all->items[i];
        if (difference_find(known, difference_entry(item)->key, item->how) == NULL) {
            items[rest.count++] = *item;
            rest.real_count += item->class == DIFFERENCE_REAL;
        }
    }
    return rest;
}
