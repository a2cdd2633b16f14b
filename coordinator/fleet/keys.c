/* Reads agents.d, and tells what has changed against the last reading. */
#include "coordinator/fleet/keys.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/list.h"
#include "common/map.h"
#include "common/str.h"

#define SUFFIX ".pub"
#define RACY_MS                                                                                    \
    2000 /* a directory changed so shortly before it was read may change again unseen              \
          */

typedef struct Entry {
    char name[KEY_NAME_MAX + 1];
    char user_id[KEY_TEXT_MAX]; /* the key as text */
} Entry;

typedef LIST(Entry) EntryList;

struct Keys {
    char *directory;
    EntryList entries; /* by name */
    Map *by_user_id;   /* -> Entry in `entries` */
    struct timespec changed_at;
    int64_t read_at_ms;
};

Keys *keys_new(const char *directory)
{
    Keys *keys = mem_alloc(sizeof(*keys));
    keys->directory = mem_strdup(directory);
    keys->by_user_id = map_new();
    return keys;
}

void keys_free(Keys *keys)
{
    if (keys != NULL) {
        map_free(keys->by_user_id);
        LIST_DONE(&keys->entries);
        free(keys->directory);
        free(keys);
    }
}

/* ---- reading one file ---- */

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const Entry *)a)->name, ((const Entry *)b)->name);
}

static const Entry *find_name(const EntryList *list, const char *name)
{
    Entry wanted = { 0 };
    if (list->count == 0 || !str_copy(wanted.name, sizeof(wanted.name), name)) {
        return NULL;
    }
    return bsearch(&wanted, list->items, list->count, sizeof(Entry), compare_entries);
}

static ErrCode read_entry(const char *directory, const char *name, Entry *ret, Err *err)
{
    AUTO(Str) path = { 0 };
    PublicKey key;
    str_printf(&path, "%s/%s" SUFFIX, directory, name);
    ErrCode code = keyfile_read_public(str_text(&path), KEY_CURVE, &key, err);
    if (code == ERR_NONE) {
        str_copy(ret->name, sizeof(ret->name), name);
        key_format(KEY_CURVE, key.bytes, ret->user_id);
    }
    return code;
}

/* The name in "NAME.pub"; false for other files, hidden ones among them. */
static bool name_of_file(const char *file, char ret_name[KEY_NAME_MAX + 1])
{
    size_t length = strlen(file);
    if (file[0] == '.' || !str_ends_with(file, SUFFIX) || length == strlen(SUFFIX) ||
        length - strlen(SUFFIX) > KEY_NAME_MAX) {
        return false;
    }
    memcpy(ret_name, file, length - strlen(SUFFIX));
    ret_name[length - strlen(SUFFIX)] = '\0';
    return true;
}

/* ---- reading the directory ---- */

static ErrCode list_names(const char *directory, EntryList *names, Err *err)
{
    DIR *stream = opendir(directory);
    if (stream == NULL) {
        err_set_errno(err, ERR_CONFIG, errno, "cannot read agents_dir %s", directory);
        return err_hint(err, "make the directory and put NAME.pub of every agent into it");
    }
    struct dirent *file = NULL;
    Entry entry = { 0 };
    while ((file = readdir(stream)) != NULL) {
        if (name_of_file(file->d_name, entry.name)) {
            LIST_PUSH(names, entry);
        }
    }
    closedir(stream);
    if (names->count > 0) {
        qsort(names->items, names->count, sizeof(Entry), compare_entries);
    }
    return ERR_NONE;
}

static void report_duplicate(const Keys *keys, const Entry *entry, const Entry *first,
                             const KeysWatcher *watcher)
{
    Err err = { 0 };
    err_set(&err, ERR_CONFIG, "%s/%s" SUFFIX " has the key of %s", keys->directory, entry->name,
            first->name);
    err_hint(&err, "every agent has a key of its own: skein keys generate agent %s", entry->name);
    watcher->problem(watcher->ctx, &err);
}

/* Fills the names' keys; what stays is in `ret`, and by its key in `by_user_id`. */
static void read_entries(const Keys *keys, EntryList *names, const KeysWatcher *watcher,
                         EntryList *ret, Map *by_user_id)
{
    LIST_RESERVE(ret, names->count + 1); /* no moving: the map points into it */
    LIST_EACH(name, names) {
        Err err = { 0 };
        Entry entry = { 0 };
        if (read_entry(keys->directory, name->name, &entry, &err) != ERR_NONE) {
            watcher->problem(watcher->ctx, &err);
            const Entry *before = find_name(&keys->entries, name->name);
            if (before == NULL) {
                continue;
            }
            entry = *before;
        }
        const Entry *first = map_get(by_user_id, entry.user_id);
        if (first != NULL) {
            report_duplicate(keys, &entry, first, watcher);
            continue;
        }
        LIST_PUSH(ret, entry);
        map_put(by_user_id, entry.user_id, &ret->items[ret->count - 1]);
    }
}

static bool has_entry(const EntryList *list, const Entry *entry)
{
    const Entry *found = find_name(list, entry->name);
    return found != NULL && str_equal(found->user_id, entry->user_id);
}

/* Revocations first: a key may have moved from one name to another. */
static void tell_changes(const EntryList *before, const EntryList *now, const KeysWatcher *watcher)
{
    for (size_t i = 0; i < before->count; i++) {
        if (!has_entry(now, &before->items[i])) {
            watcher->revoked(watcher->ctx, before->items[i].name);
        }
    }
    for (size_t i = 0; i < now->count; i++) {
        if (!has_entry(before, &now->items[i])) {
            watcher->added(watcher->ctx, now->items[i].name);
        }
    }
}

ErrCode keys_reload(Keys *keys, const KeysWatcher *watcher, Err *err)
{
    EntryList names = { 0 };
    struct stat info = { 0 };
    int64_t read_at_ms = clock_wall_ms();
    (void)stat(keys->directory, &info); /* before reading: a change meanwhile is seen next time */
    ErrCode code = list_names(keys->directory, &names, err);
    if (code != ERR_NONE) {
        return code;
    }
    EntryList before = keys->entries;
    EntryList now = { 0 };
    Map *by_user_id = map_new();
    read_entries(keys, &names, watcher, &now, by_user_id);
    map_free(keys->by_user_id);
    keys->by_user_id = by_user_id;
    keys->entries = now;
    keys->changed_at = info.st_mtim;
    keys->read_at_ms = read_at_ms;
    tell_changes(&before, &now, watcher);
    LIST_DONE(&before);
    LIST_DONE(&names);
    return ERR_NONE;
}

bool keys_is_stale(const Keys *keys)
{
    struct stat info;
    if (stat(keys->directory, &info) != 0) {
        return true; /* reloading says what is wrong */
    }
    int64_t changed_at_ms = (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
    return info.st_mtim.tv_sec != keys->changed_at.tv_sec ||
           info.st_mtim.tv_nsec != keys->changed_at.tv_nsec ||
           changed_at_ms + RACY_MS > keys->read_at_ms;
}

/* ---- asking ---- */

const char *keys_user_id(const Keys *keys, const uint8_t key[KEY_PUBLIC_BYTES])
{
    char text[KEY_TEXT_MAX];
    key_format(KEY_CURVE, key, text);
    const Entry *entry = map_get(keys->by_user_id, text);
    return entry == NULL ? NULL : entry->user_id;
}

const char *keys_agent(const Keys *keys, const char *user_id)
{
    const Entry *entry = map_get(keys->by_user_id, user_id);
    return entry == NULL ? NULL : entry->name;
}

bool keys_has_name(const Keys *keys, const char *name)
{
    return find_name(&keys->entries, name) != NULL;
}

size_t keys_count(const Keys *keys)
{
    return keys->entries.count;
}

const char *keys_name_at(const Keys *keys, size_t index)
{
    return keys->entries.items[index].name;
}
