/* Comparing what was left with what was met. */
#include "cli/proof/culprit.h"

#include <string.h>

#include "cli/proof/blame.h"
#include "common/list.h"
#include "common/str.h"

typedef struct NameList {
    LIST(const char *) list;
} NameList;

static void name_list_done(NameList *names)
{
    LIST_DONE(&names->list);
}

AUTO_DEFINE(NameList, name_list_done)

static void name_add(NameList *names, const char *name)
{
    for (size_t i = 0; i < names->list.count; i++) {
        if (str_equal(names->list.items[i], name)) {
            return;
        }
    }
    LIST_PUSH(&names->list, name);
}

static Clue clue_new(const char *words, const NameList *names, Arena *arena)
{
    size_t bytes = names->list.count * sizeof(*names->list.items);
    return (Clue){
        .words = arena_strdup(arena, words),
        .names = arena_memdup(arena, names->list.items, bytes),
        .count = names->list.count,
    };
}

/* A schema is named with everything that lies in it, and says nothing. */
static bool is_telling(const CatalogEntry *entry)
{
    return entry->name[0] != '\0' && !str_starts_with(entry->key, "schema ");
}

Clue clue_of_words(const char *words, const Catalog *now, Arena *arena)
{
    AUTO(NameList) names = { 0 };
    for (size_t i = 0; i < now->count; i++) {
        const CatalogEntry *entry = &now->entries[i];
        if (is_telling(entry) && strstr(words, entry->name) != NULL &&
            blame_has_name(words, entry->name)) {
            name_add(&names, entry->name);
        }
    }
    return clue_new(words, &names, arena);
}

Clue clue_of_differences(const Differences *differences, Arena *arena)
{
    AUTO(NameList) names = { 0 };
    AUTO(Str) words = { 0 };
    for (size_t i = 0; i < differences->count; i++) {
        const Difference *item = &differences->items[i];
        const CatalogEntry *const sides[] = { item->before, item->after };
        for (size_t j = 0; j < ARRAY_LEN(sides); j++) {
            if (sides[j] != NULL && is_telling(sides[j])) {
                str_printf(&words, "%s\n", sides[j]->key);
                name_add(&names, sides[j]->name);
            }
        }
    }
    return clue_new(str_text(&words), &names, arena);
}

static bool is_named(const Clue *clue, const CatalogEntry *entry)
{
    return entry != NULL && is_telling(entry) && blame_has_name(clue->words, entry->name);
}

/* In its definition, or in that of one of its parts? */
static bool is_made_with(const CatalogEntry *entry, const Catalog *now, const char *name)
{
    if (strstr(entry->definition, name) != NULL && blame_has_name(entry->definition, name)) {
        return true;
    }
    for (size_t i = 0; i < now->count; i++) {
        const CatalogEntry *part = &now->entries[i];
        if (str_equal(part->parent, entry->key) && strstr(part->definition, name) != NULL &&
            blame_has_name(part->definition, name)) {
            return true;
        }
    }
    return false;
}

unsigned clue_fit(const Clue *clue, const Difference *left, const Catalog *now)
{
    if (is_named(clue, left->before) || is_named(clue, left->after)) {
        return CLUE_FIT_NAMED;
    }
    unsigned fit = 0;
    for (size_t i = 0; left->after != NULL && i < clue->count; i++) {
        fit += is_made_with(left->after, now, clue->names[i]);
    }
    return fit;
}

/* "public.t" is t: as messages of the server name a table. */
static bool names_table(const char *words, const char *table, Arena *arena)
{
    const char *dot = strrchr(table, '.');
    const char *name = dot == NULL ? table : dot + 1;
    size_t length = strlen(name);
    bool is_quoted = length > 1 && name[length - 1] == '"';
    return blame_has_name(words, is_quoted ? arena_strndup(arena, name + 1, length - 2) : name);
}

const RowChange *clue_rows(const char *words, const RowChanges *rows)
{
    AUTO(Arena) arena = { 0 };
    for (size_t i = 0; i < rows->count; i++) {
        if (names_table(words, rows->items[i].table, &arena)) {
            return &rows->items[i];
        }
    }
    return NULL;
}
