/* Finding names in statements. */
#include "cli/proof/blame.h"

#include <ctype.h>
#include <string.h>

#include "common/list.h"
#include "common/map.h"
#include "common/str.h"

/* ---- names in a statement ---- */

static bool is_name_byte(char c)
{
    return c == '_' || c == '$' || isalnum((unsigned char)c) || (c & 0x80) != 0;
}

typedef struct Names {
    Map *map; /* each name that the text holds, as the server would read it, to itself */
    Arena *arena;
} Names;

static void name_add(Names *names, const char *text, size_t length, bool is_quoted)
{
    char *name = arena_strndup(names->arena, text, length);
    for (char *at = name; !is_quoted && *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    map_put(names->map, name, name);
}

/* What looks like a name, also inside of function bodies and dynamic SQL: everything between
 * others. */
static void names_take(Names *names, const char *sql)
{
    for (const char *at = sql; *at != '\0';) {
        if (*at == '"') {
            size_t length = strcspn(at + 1, "\"");
            name_add(names, at + 1, length, true);
            at += 1 + length + (at[1 + length] == '"');
        } else if (is_name_byte(*at)) {
            size_t length = 0;
            while (is_name_byte(at[length])) {
                length++;
            }
            name_add(names, at, length, false);
            at += length;
        } else {
            at++;
        }
    }
}

static Names names_of(const PlanStatement *statement, Arena *arena)
{
    Names names = { .map = map_new(), .arena = arena };
    names_take(&names, statement->sql);
    return names;
}

bool blame_has_name(const char *text, const char *name)
{
    AUTO(Arena) arena = { 0 };
    Names names = { .map = map_new(), .arena = &arena };
    names_take(&names, text);
    bool has = map_get(names.map, name) != NULL;
    map_free(names.map);
    return has;
}

/* ---- blame ---- */

static unsigned score(const PlanStatement *statement, const char *name, const char *owner)
{
    AUTO(Arena) arena = { 0 };
    Names names = names_of(statement, &arena);
    bool has_name = name[0] != '\0' && map_get(names.map, name) != NULL;
    bool has_owner = owner[0] != '\0' && map_get(names.map, owner) != NULL;
    map_free(names.map);
    return 2 * has_name + has_owner;
}

Place blame_find(const MigrationSet *set, const PlanScript *script, const char *name,
                 const char *owner, BlameOrder order)
{
    unsigned best = 0;
    uint32_t number = 0;
    for (size_t i = 0; i < script->count; i++) {
        unsigned points = score(&script->statements[i], name, owner);
        if (points > best || (points > 0 && points == best && order == BLAME_LAST)) {
            best = points;
            number = (uint32_t)i + 1;
        }
    }
    return place_of(set, script, number);
}

typedef LIST(const char *) Candidates;

#define NAME_LENGTH_MIN 2
#define NAME_LENGTH_SHORT 3

/* One letter is another one, too many or too few, or two neighbours have changed places. */
static bool is_slip(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    while (a_length > 0 && b_length > 0 && a[a_length - 1] == b[b_length - 1]) {
        a_length--;
        b_length--;
    }
    bool is_swapped = a_length == 2 && b_length == 2 && a[0] == b[1] && a[1] == b[0];
    return is_swapped || (a_length <= 1 && b_length <= 1);
}

/* Short names are near to everything, most of all to SQL's own words. */
static bool may_be_meant(const char *name, const char *candidate)
{
    return strlen(name) > NAME_LENGTH_SHORT ||
           (strlen(candidate) >= NAME_LENGTH_MIN && is_slip(name, candidate) &&
            !sql_is_keyword(candidate));
}

static void candidates_take(Candidates *candidates, const Map *names, const Map *known,
                            const char *wanted)
{
    void *cursor = NULL;
    const char *name = NULL;
    void *value = NULL;
    while (map_next(names, &cursor, &name, &value)) {
        if (map_get(known, name) == NULL && may_be_meant(wanted, name)) {
            LIST_PUSH(candidates, value);
        }
    }
}

const char *blame_misspelt(const MigrationSet *set, const PlanScript *script,
                           const PlanScript *other, const char *name, Arena *arena,
                           Place *ret_place)
{
    Names known = { .map = map_new(), .arena = arena };
    const char *found = NULL;
    for (size_t i = 0; i < other->count; i++) {
        names_take(&known, other->statements[i].sql);
    }
    for (size_t i = 0; strlen(name) >= NAME_LENGTH_MIN && found == NULL && i < script->count; i++) {
        Names names = names_of(&script->statements[i], arena);
        Candidates candidates = { 0 };
        candidates_take(&candidates, names.map, known.map, name);
        found = str_nearest(name, candidates.items, candidates.count);
        *ret_place = place_of(set, script, (uint32_t)i + 1);
        LIST_DONE(&candidates);
        map_free(names.map);
    }
    map_free(known.map);
    return found;
}
