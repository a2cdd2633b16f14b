/*
 * Keys: who is an agent. A directory with NAME.pub for each; the file's name is the agent's name
 * and its key is its identity. A connection is known by its key (the ZAP User-Id), and looked up
 * here on every message: a key that is taken out, or changed, is refused at once, also on
 * connections that stand.
 */
#ifndef SKEIN_COORDINATOR_FLEET_KEYS_H
#define SKEIN_COORDINATOR_FLEET_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/keyfile.h"

typedef struct Keys Keys;

/* What a reading found. Names are valid during the call. A changed key is first revoked, then
 * added. */
typedef struct KeysWatcher {
    void *ctx;
    void (*added)(void *ctx, const char *name);
    void (*revoked)(void *ctx, const char *name);
    void (*problem)(void *ctx, const Err *err); /* one file; the others count all the same */
} KeysWatcher;

/* No keys yet: keys_reload reads them. */
Keys *keys_new(const char *directory);
void keys_free(Keys *keys);

AUTO_PTR_DEFINE(Keys, keys_free)

/*
 * Reads the directory anew. A file that cannot be read keeps the key that its name had (a
 * half-copied file revokes nobody); one whose key another name has already is left out, and said;
 * so is one whose name no key can have. ERR_CONFIG: the directory itself cannot be read; nothing
 * has changed then.
 */
ErrCode keys_reload(Keys *keys, const KeysWatcher *watcher, Err *err);

/*
 * Reads the directory anew when it or a file in it has changed, also in place: a stat(2) for each.
 * To be called every second or so. What is wrong, the directory itself included, is told once, and
 * again when it is something else.
 */
void keys_look(Keys *keys, const KeysWatcher *watcher);

/* The User-Id under which a key comes in; NULL when no agent has it. Valid
 * until the next reload. */
const char *keys_user_id(const Keys *keys, const uint8_t key[KEY_PUBLIC_BYTES]);

/* The agent's name of a User-Id, now; NULL when it is nobody's any more. */
const char *keys_agent(const Keys *keys, const char *user_id);

bool keys_has_name(const Keys *keys, const char *name);
size_t keys_count(const Keys *keys);

/* By name. */
const char *keys_name_at(const Keys *keys, size_t index);

#endif
