/* Reads agents.d, and tells what has changed against the last reading. */
#include "coordinator/fleet/keys.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/list.h"
#include "common/map.h"
#include "common/str.h"

#define ACCEPTED ".pub"
#define REFUSED ".refused"

/* File systems have coarse clocks: what changed so shortly before it was read may change unseen. */
#define RACY_MS 2000

typedef struct Entry {
    char name[KEY_NAME_MAX + 1];
    uint8_t key[KEY_PUBLIC_BYTES];
    char user_id[KEY_TEXT_MAX]; /* the key as text */
} Entry;

typedef LIST(Entry) EntryList;

/* A file or directory as it was when it was read. Whatever changes it moves its ctime. */
typedef struct Seen {
    char *path;
    ino_t inode;
    off_t size;
    struct timespec changed_at;
} Seen;

typedef LIST(Seen) SeenList;

struct Keys {
    char *directory;
    EntryList entries;  /* by name */
    Map *by_user_id;    /* -> Entry in `entries` */
    EntryList refusals; /* by name of the file */
    Map *refused;       /* their keys as text; no values */
    Map *revoked;       /* User-Ids that were an agent's, and the agent is gone; no values */
    Map *unread;        /* names of files *.refused whose keys are not known; no values */
    SeenList seen;      /* the directory and every file in it that is for us, good or bad */
    int64_t read_at_ms;
    Map *told; /* what is wrong, in words, and has been told; no values */
};

Keys *keys_new(const char *directory)
{
    Keys *keys = mem_alloc(sizeof(*keys));
    keys->directory = mem_strdup(directory);
    keys->by_user_id = map_new();
    keys->refused = map_new();
    keys->revoked = map_new();
    keys->unread = map_new();
    keys->told = map_new();
    return keys;
}

static void seen_done(SeenList *seen)
{
    for (size_t i = 0; i < seen->count; i++) {
        free(seen->items[i].path);
    }
    LIST_DONE(seen);
}

void keys_free(Keys *keys)
{
    if (keys != NULL) {
        map_free(keys->told);
        map_free(keys->by_user_id);
        map_free(keys->refused);
        map_free(keys->revoked);
        map_free(keys->unread);
        seen_done(&keys->seen);
        LIST_DONE(&keys->entries);
        LIST_DONE(&keys->refusals);
        free(keys->directory);
        free(keys);
    }
}

/* ---- one reading ---- */

/* What it has found so far. */
typedef struct Reading {
    const Keys *keys; /* as they were before */
    const KeysWatcher *watcher;
    EntryList entries;
    Map *by_user_id;
    EntryList refusals;
    Map *refused;
    Map *unread;
    SeenList seen;
    Map *told;
} Reading;

/* Once, until something else is wrong. */
static void tell_problem(Reading *reading, const Err *err)
{
    bool is_news = map_get(reading->keys->told, err->message) == NULL;
    map_put(reading->told, err->message, reading->told); /* any value but NULL */
    if (is_news) {
        reading->watcher->problem(reading->watcher->ctx, err);
    }
}

/* Before it is read: a change meanwhile is seen the next time. */
static void note_seen(Reading *reading, const char *path)
{
    struct stat info = { 0 };
    (void)stat(path, &info);
    Seen seen = { mem_strdup(path), info.st_ino, info.st_size, info.st_ctim };
    LIST_PUSH(&reading->seen, seen);
}

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

/* ---- the directory ---- */

/* "NAME.pub", and not hidden. */
static bool is_for_us(const char *file, const char *suffix)
{
    return file[0] != '.' && str_ends_with(file, suffix);
}

/* Names go into addresses, logs and terminals: only those that a key can be made for. */
static bool take_name(Reading *reading, const char *file, const char *suffix, Entry *ret_entry)
{
    Err err = { 0 };
    char name[NAME_MAX + 1];
    str_copy(name, sizeof(name), file);
    name[strlen(name) - strlen(suffix)] = '\0';
    if (key_name_is_valid(name)) {
        return str_copy(ret_entry->name, sizeof(ret_entry->name), name);
    }
    err_set(&err, ERR_CONFIG, "%s: '%s' is no file of an agent's key: no agent can have that name",
            reading->keys->directory, file);
    err_hint(&err, "a name is at most %d letters, digits, '.', '_' and '-'; rename the file",
             KEY_NAME_MAX);
    tell_problem(reading, &err);
    return false;
}

/* What a directory holds for us: stems of files, sorted. */
typedef struct Listing {
    EntryList accepted;
    EntryList refused;
} Listing;

static void listing_done(Listing *listing)
{
    LIST_DONE(&listing->accepted);
    LIST_DONE(&listing->refused);
}

AUTO_DEFINE(Listing, listing_done)

static void take_file(Reading *reading, const char *file, const char *suffix, EntryList *names)
{
    Entry entry = { 0 };
    if (is_for_us(file, suffix) && take_name(reading, file, suffix, &entry)) {
        LIST_PUSH(names, entry);
    }
}

static void sort_entries(EntryList *list)
{
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof(Entry), compare_entries);
    }
}

static ErrCode list_files(Reading *reading, Listing *listing, Err *err)
{
    const char *directory = reading->keys->directory;
    DIR *stream = opendir(directory);
    if (stream == NULL) {
        err_set_errno(err, ERR_CONFIG, errno, "cannot read agents_dir %s", directory);
        return err_hint(err, "make the directory and put NAME.pub of every agent into it");
    }
    struct dirent *file = NULL;
    while (errno = 0, (file = readdir(stream)) != NULL) {
        take_file(reading, file->d_name, ACCEPTED, &listing->accepted);
        take_file(reading, file->d_name, REFUSED, &listing->refused);
    }
    int sys_errno = errno; /* not the end: what has not been read is not gone */
    closedir(stream);
    if (sys_errno != 0) {
        return err_set_errno(err, ERR_CONFIG, sys_errno, "cannot read all of agents_dir %s",
                             directory);
    }
    sort_entries(&listing->accepted);
    sort_entries(&listing->refused);
    return ERR_NONE;
}

/* ---- the files ---- */

/* False: there is no key in it; the problem has been told. */
static bool read_file(Reading *reading, const char *name, const char *suffix, Entry *ret)
{
    AUTO(Str) path = { 0 };
    PublicKey key;
    Err err = { 0 };
    str_printf(&path, "%s/%s%s", reading->keys->directory, name, suffix);
    note_seen(reading, str_text(&path));
    if (keyfile_read_public(str_text(&path), KEY_CURVE, &key, &err) != ERR_NONE ||
        keyfile_check_place(str_text(&path), &err) != ERR_NONE) {
        tell_problem(reading, &err);
        return false;
    }
    str_copy(ret->name, sizeof(ret->name), name);
    memcpy(ret->key, key.bytes, sizeof(ret->key));
    key_format(KEY_CURVE, key.bytes, ret->user_id);
    return true;
}

/* False: there is no key, neither in the file nor of its name from before. */
static bool read_or_keep(Reading *reading, const char *name, const char *suffix,
                         const EntryList *before, Entry *ret)
{
    if (read_file(reading, name, suffix, ret)) {
        return true;
    }
    const Entry *kept = find_name(before, name);
    if (kept != NULL) {
        *ret = *kept;
    }
    return kept != NULL;
}

static void read_refusals(Reading *reading, const EntryList *names)
{
    for (size_t i = 0; i < names->count; i++) {
        Entry entry = { 0 };
        if (read_or_keep(reading, names->items[i].name, REFUSED, &reading->keys->refusals,
                         &entry)) {
            LIST_PUSH(&reading->refusals, entry);
            map_put(reading->refused, entry.user_id, reading); /* any value but NULL */
        } else {
            map_put(reading->unread, names->items[i].name, reading);
        }
    }
}

static void tell_duplicate(Reading *reading, const Entry *entry, const Entry *first)
{
    Err err = { 0 };
    err_set(&err, ERR_CONFIG, "%s/%s" ACCEPTED " has the key of %s", reading->keys->directory,
            entry->name, first->name);
    err_hint(&err, "every agent has a key of its own: skein keys generate agent %s", entry->name);
    tell_problem(reading, &err);
}

/* Somebody revoked it; what puts files where they were does not undo that. */
static void tell_refused(Reading *reading, const Entry *entry)
{
    Err err = { 0 };
    err_set(&err, ERR_CONFIG, "%s/%s" ACCEPTED " has a key that was revoked or rejected",
            reading->keys->directory, entry->name);
    err_hint(&err,
             "remove it; or, to trust the key again, remove the " REFUSED " file that has it");
    tell_problem(reading, &err);
}

/* Somebody wanted a key kept out: it is not let in because the file that says so is damaged. */
static bool is_named_by(const Map *unread, const uint8_t key[KEY_PUBLIC_BYTES])
{
    char fingerprint[KEY_FINGERPRINT_MAX];
    char word[KEY_FINGERPRINT_MAX];
    if (map_count(unread) == 0) {
        return false; /* nearly always: no hash of every key */
    }
    key_fingerprint(KEY_CURVE, key, fingerprint);
    key_fingerprint_word(fingerprint, word);
    return map_get(unread, word) != NULL;
}

static bool is_kept_out(const Reading *reading, const Entry *entry)
{
    return map_get(reading->refused, entry->user_id) != NULL ||
           map_get(reading->unread, entry->name) != NULL ||
           is_named_by(reading->unread, entry->key);
}

static void read_entries(Reading *reading, const EntryList *names)
{
    LIST_RESERVE(&reading->entries, names->count + 1); /* no moving: the map points into it */
    for (size_t i = 0; i < names->count; i++) {
        Entry entry = { 0 };
        if (!read_or_keep(reading, names->items[i].name, ACCEPTED, &reading->keys->entries,
                          &entry)) {
            continue;
        }
        const Entry *first = map_get(reading->by_user_id, entry.user_id);
        if (first != NULL) {
            tell_duplicate(reading, &entry, first);
            continue;
        }
        if (is_kept_out(reading, &entry)) {
            tell_refused(reading, &entry);
            continue;
        }
        LIST_PUSH(&reading->entries, entry);
        map_put(reading->by_user_id, entry.user_id,
                &reading->entries.items[reading->entries.count - 1]);
    }
}

/* ---- what has changed ---- */

/* What it had goes first: a key may have moved from one name to another. */
static void tell_changes(Keys *keys, const EntryList *before, const KeysWatcher *watcher)
{
    const EntryList *now = &keys->entries;
    for (size_t i = 0; i < before->count; i++) {
        const Entry *entry = &before->items[i];
        const Entry *found = find_name(now, entry->name);
        if (found == NULL) {
            map_put(keys->revoked, entry->user_id, keys); /* any value but NULL */
            watcher->revoked(watcher->ctx, entry->name);
        } else if (!str_equal(found->user_id, entry->user_id)) {
            watcher->rekeyed(watcher->ctx, entry->name);
        }
    }
    for (size_t i = 0; i < now->count; i++) {
        if (find_name(before, now->items[i].name) == NULL) {
            watcher->added(watcher->ctx, now->items[i].name);
        }
    }
}

/* From here on the reading is what is known; it takes what was known before. */
static void swap_in(Keys *keys, Reading *reading)
{
    Keys before = *keys;
    keys->entries = reading->entries;
    keys->by_user_id = reading->by_user_id;
    keys->refusals = reading->refusals;
    keys->refused = reading->refused;
    keys->unread = reading->unread;
    keys->seen = reading->seen;
    keys->told = reading->told;
    reading->entries = before.entries;
    reading->by_user_id = before.by_user_id;
    reading->refusals = before.refusals;
    reading->refused = before.refused;
    reading->unread = before.unread;
    reading->seen = before.seen;
    reading->told = before.told;
}

static void reading_done(Reading *reading)
{
    LIST_DONE(&reading->entries);
    LIST_DONE(&reading->refusals);
    map_free(reading->by_user_id);
    map_free(reading->refused);
    map_free(reading->unread);
    seen_done(&reading->seen);
    map_free(reading->told);
}

AUTO_DEFINE(Reading, reading_done)

static ErrCode read_all(Keys *keys, const KeysWatcher *watcher, Err *err)
{
    AUTO(Reading) reading = { .keys = keys, .watcher = watcher };
    AUTO(Listing) listing = { 0 };
    reading.by_user_id = map_new();
    reading.refused = map_new();
    reading.unread = map_new();
    reading.told = map_new();
    int64_t read_at_ms = clock_wall_ms();
    note_seen(&reading, keys->directory);
    ErrCode code = list_files(&reading, &listing, err);
    if (code == ERR_NONE) {
        read_refusals(&reading, &listing.refused);
        read_entries(&reading, &listing.accepted);
        swap_in(keys, &reading);
        keys->read_at_ms = read_at_ms;
        tell_changes(keys, &reading.entries, watcher);
    }
    return code;
}

ErrCode keys_reload(Keys *keys, const KeysWatcher *watcher, Err *err)
{
    map_free(keys->told);
    keys->told = map_new();
    return read_all(keys, watcher, err);
}

/* ---- looking ---- */

static bool has_changed(const Keys *keys, const Seen *seen)
{
    struct stat info;
    if (stat(seen->path, &info) != 0) {
        return true; /* reading says what is wrong */
    }
    int64_t changed_at_ms = (int64_t)info.st_ctim.tv_sec * 1000 + info.st_ctim.tv_nsec / 1000000;
    int64_t before_ms = keys->read_at_ms - changed_at_ms; /* negative when the clock was set back */
    return info.st_ino != seen->inode || info.st_size != seen->size ||
           info.st_ctim.tv_sec != seen->changed_at.tv_sec ||
           info.st_ctim.tv_nsec != seen->changed_at.tv_nsec ||
           (before_ms < RACY_MS && before_ms > -RACY_MS);
}

static bool is_stale(const Keys *keys)
{
    for (size_t i = 0; i < keys->seen.count; i++) {
        if (has_changed(keys, &keys->seen.items[i])) {
            return true;
        }
    }
    return keys->seen.count == 0;
}

void keys_look(Keys *keys, const KeysWatcher *watcher)
{
    Err err = { 0 };
    if (is_stale(keys) && read_all(keys, watcher, &err) != ERR_NONE) {
        Reading none = { .keys = keys, .watcher = watcher, .told = keys->told };
        tell_problem(&none, &err);
    }
}

/* ---- asking ---- */

const char *keys_user_id(const Keys *keys, const uint8_t key[KEY_PUBLIC_BYTES])
{
    char text[KEY_TEXT_MAX];
    key_format(KEY_CURVE, key, text);
    const Entry *entry = map_get(keys->by_user_id, text);
    return entry == NULL ? NULL : entry->user_id;
}

bool keys_is_refused(const Keys *keys, const uint8_t key[KEY_PUBLIC_BYTES])
{
    char text[KEY_TEXT_MAX];
    key_format(KEY_CURVE, key, text);
    return map_get(keys->refused, text) != NULL || is_named_by(keys->unread, key);
}

const char *keys_agent(const Keys *keys, const char *user_id)
{
    const Entry *entry = map_get(keys->by_user_id, user_id);
    return entry == NULL ? NULL : entry->name;
}

bool keys_was_revoked(const Keys *keys, const char *user_id)
{
    return map_get(keys->revoked, user_id) != NULL;
}

bool keys_key(const Keys *keys, const char *name, uint8_t ret_key[KEY_PUBLIC_BYTES])
{
    const Entry *entry = find_name(&keys->entries, name);
    if (entry != NULL) {
        memcpy(ret_key, entry->key, sizeof(entry->key));
    }
    return entry != NULL;
}

const char *keys_directory(const Keys *keys)
{
    return keys->directory;
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
