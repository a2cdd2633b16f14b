/* Which migrations of a history a `to` asks for. */
#include "cli/plan_cut.h"

#include <string.h>

#include "common/str.h"

/* Its file ("migrations/0002_b.up.sql") or what it is called ("b") in place of the id. */
static bool is_meant(const PlanMigration *migration, const char *to)
{
    const char *slash = strrchr(to, '/');
    const char *file = slash == NULL ? to : slash + 1;
    size_t length = strlen(migration->id);
    return str_equal(migration->name, to) ||
           (strncmp(file, migration->id, length) == 0 && file[length] == '.');
}

/* The one that is meant, else what is spelt nearly so; NULL: neither. In `arena`. */
static const char *find_near(const MigrationSet *set, const char *to, Arena *arena)
{
    const char **ids = ARENA_ARRAY(arena, const char *, set->count);
    for (size_t i = 0; i < set->count; i++) {
        ids[i] = set->migrations[i].id;
        if (is_meant(&set->migrations[i], to)) {
            return ids[i];
        }
    }
    return str_nearest(to, ids, set->count);
}

static ErrCode not_found(const MigrationSet *set, const char *to, Err *err)
{
    AUTO(Arena) arena = { 0 };
    const char *nearest = find_near(set, to, &arena);
    err_set(err, ERR_NOT_FOUND, "no migration has the version or id '%s'", to);
    return nearest != NULL
               ? err_hint(err, "did you mean %s?", nearest)
               : err_hint(err, "the newest one is %s", set->migrations[set->count - 1].id);
}

/* "7" is "0007", but "0" is only zeros. */
static const char *without_zeros(const char *version)
{
    const char *digits = version + strspn(version, "0");
    return *digits == '\0' && digits > version ? digits - 1 : digits;
}

ErrCode plan_cut(const MigrationSet *set, const char *to, size_t *ret_count, Err *err)
{
    if (to == NULL || strcmp(to, "head") == 0) {
        *ret_count = set->count;
        return ERR_NONE;
    }
    size_t found = 0; /* by its version */
    for (size_t i = 0; i < set->count; i++) {
        const PlanMigration *migration = &set->migrations[i];
        if (strcmp(migration->id, to) == 0) {
            *ret_count = i + 1;
            return ERR_NONE;
        }
        if (strcmp(without_zeros(migration->version), without_zeros(to)) != 0) {
            continue;
        }
        if (found > 0) {
            err_set(err, ERR_USAGE, "version %s is that of %s and of %s", to,
                    set->migrations[found - 1].id, migration->id);
            return err_hint(err, "name the migration by its id");
        }
        found = i + 1;
    }
    if (found == 0) {
        return not_found(set, to, err);
    }
    *ret_count = found;
    return ERR_NONE;
}
