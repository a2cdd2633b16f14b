/* Which down undoes which up. */
#include "cli/source/pairs.h"

#include <string.h>

#include "common/map.h"

void pairs_done(Pairs *pairs)
{
    LIST_DONE(&pairs->ups);
    LIST_DONE(&pairs->downs);
}

static void pair(Half *up, Half *down)
{
    up->down = down->file;
    up->is_paired = true;
    down->is_paired = true;
}

static void pair_by_id(Pairs *pairs)
{
    AUTO_PTR(Map) ups = map_new();
    LIST_EACH(up, &pairs->ups) {
        map_put(ups, up->id, up);
    }
    LIST_EACH(down, &pairs->downs) {
        Half *up = map_get(ups, down->id);
        if (up != NULL) {
            pair(up, down);
        }
    }
}

/* The only half of this version that has found no other, or NULL when there is none or several. */
static Half *only_single(HalfList *halves, const char *version, VersionOrder order)
{
    Half *found = NULL;
    LIST_EACH(half, halves) {
        if (!half->is_paired && order(half->version, version) == 0) {
            if (found != NULL) {
                return NULL;
            }
            found = half;
        }
    }
    return found;
}

/* An up in another language leaves a down in SQL behind: say so rather than "no such up". */
static const char *other_up(const SourceDir *dir, const char *up_file)
{
    size_t length = strlen(up_file) - strlen("sql");
    for (size_t i = 0; i < dir->count; i++) {
        if (strncmp(dir->names[i], up_file, length) == 0) {
            return dir->names[i];
        }
    }
    return NULL;
}

static const Half *nearest_up(const Pairs *pairs, const Half *down, Arena *arena)
{
    const char **ids = ARENA_ARRAY(arena, const char *, pairs->ups.count);
    for (size_t i = 0; i < pairs->ups.count; i++) {
        ids[i] = pairs->ups.items[i].id;
    }
    const char *nearest = str_nearest(down->id, ids, pairs->ups.count);
    for (size_t i = 0; nearest != NULL && i < pairs->ups.count; i++) {
        if (nearest == ids[i]) {
            return &pairs->ups.items[i];
        }
    }
    return NULL;
}

static ErrCode refuse_lone_down(const SourceReading *reading, const Pairs *pairs,
                                const PairNames *names, const Half *down, Err *err)
{
    Arena *arena = reading->arena;
    const char *wanted = names->file_of(names->of, down, false, arena);
    err_set(err, ERR_SYNTAX, "%s/%s: a down without an up", reading->dir->path, down->file);
    const char *other = other_up(reading->dir, wanted);
    if (other != NULL) {
        return err_hint(err, "%s is not SQL, and skein runs SQL alone", other);
    }
    const Half *nearest = nearest_up(pairs, down, arena);
    if (nearest != NULL) {
        return err_hint(err, "did you mean %s?", names->file_of(names->of, nearest, true, arena));
    }
    return err_hint(err, "add %s, or remove the file", wanted);
}

static ErrCode pair_by_version(const SourceReading *reading, Pairs *pairs, const PairNames *names,
                               Err *err)
{
    LIST_EACH(down, &pairs->downs) {
        if (down->is_paired) {
            continue;
        }
        Half *up = only_single(&pairs->ups, down->version, names->order);
        if (up == NULL || only_single(&pairs->downs, down->version, names->order) != down) {
            refuse_lone_down(reading, pairs, names, down, err);
            ErrCode code = source_pass_over(
                reading, "", source_dir_cite(reading->dir, down->file, reading->arena), err);
            if (code != ERR_NONE) {
                return code;
            }
            continue;
        }
        pair(up, down);
        if (!names->is_by_version_only) {
            source_note(reading->notes, SOURCE_NOTE_WARNING,
                        source_dir_cite(reading->dir, down->file, reading->arena), 0,
                        "taken as the down of %s: the version is the same, the name is not",
                        up->file);
        }
    }
    return ERR_NONE;
}

ErrCode pairs_match(const SourceReading *reading, Pairs *pairs, const PairNames *names,
                    FoundList *list, Err *err)
{
    if (!names->is_by_version_only) {
        pair_by_id(pairs);
    }
    ErrCode code = pair_by_version(reading, pairs, names, err);
    if (code != ERR_NONE) {
        return code;
    }
    LIST_EACH(up, &pairs->ups) {
        Found found = {
            .id = up->id,
            .version = up->version,
            .name = up->name,
            .up = up->file,
            .down = up->down,
        };
        LIST_PUSH(list, found);
    }
    return ERR_NONE;
}
