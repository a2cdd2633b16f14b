/* See new_version.h. */
#include "cli/source/new_version.h"

#include <string.h>

#include "cli/source/version.h"
#include "common/str.h"

ErrCode new_version_refuse(const NewMigration *migration, Err *err)
{
    err_set(err, ERR_REFUSED, "the newest migration, %s, has no number to count on from",
            migration->newest->id);
    return err_hint(err, "name the new files by hand");
}

/* The order that the format itself has must put it last, or the next `up` finds it out of order. */
static bool is_above(const char *version, const PlanMigration *newest, NewVersionOrder order,
                     Arena *arena)
{
    if (order == NEW_VERSION_BY_NUMBER) {
        return version_compare_numbers(version, newest->version) > 0;
    }
    return strcmp(version, newest->version) > 0 &&
           strcmp(arena_printf(arena, "%s_", version), newest->id) > 0;
}

ErrCode new_version_of_time(const NewMigration *migration, NewVersionOrder order, Arena *arena,
                            const char **ret_version, Err *err)
{
    const char *now = version_of_time(migration->now_s, arena);
    if (migration->newest == NULL) {
        *ret_version = now;
        return ERR_NONE;
    }
    const char *newest = migration->newest->version;
    const char *digits = arena_strndup(arena, newest, version_digits(newest));
    const char *const candidates[] = { now, version_second_after(digits, arena),
                                       version_after(digits, arena) };
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
        if (candidates[i] != NULL && is_above(candidates[i], migration->newest, order, arena)) {
            *ret_version = candidates[i];
            return ERR_NONE;
        }
    }
    return new_version_refuse(migration, err);
}
