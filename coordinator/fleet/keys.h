/*
 * Keys: who is an agent. A directory with NAME.pub for each; the file's name is the agent's name
 * and its key is its identity. A connection is known by its key (the ZAP User-Id), and looked up
 * here on every message: a key that is taken out, or changed, is refused at once, also on
 * connections that stand.
 *
 * A key in a file *.refused was revoked or rejected: it is nobody's, whatever else the directory
 * holds, so that what puts a NAME.pub back where it was does not let it in again. One that cannot
 * be read, and never could, refuses what its name says: the key with that fingerprint, and the
 * agent of that name.
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

/* What a reading found. Names are valid during the call. */
typedef struct KeysWatcher {
    void *ctx;
    void (*added)(void *ctx, const char *name);
    void (*revoked)(void *ctx, const char *name);
    void (*rekeyed)(void *ctx, const char *name); /* the same agent, by another key from now on */
    void (*problem)(void *ctx, const Err *err);   /* one file; the others count all the same */
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

/* The key of an agent. False: there is no such agent. */
bool keys_key(const Keys *keys, const char *name, uint8_t ret_key[KEY_PUBLIC_BYTES]);

/* Was this key revoked or rejected? */
bool keys_is_refused(const Keys *keys, const uint8_t key[KEY_PUBLIC_BYTES]);

/* The agent's name of a User-Id, now; NULL when it is nobody's any more. */
const char *keys_agent(const Keys *keys, const char *user_id);

/* Was this the User-Id of an agent that was revoked while this process ran? It may be let in again
 * since: ask keys_agent first. An agent that has another key now was not revoked. */
bool keys_was_revoked(const Keys *keys, const char *user_id);

const char *keys_directory(const Keys *keys);
bool keys_has_name(const Keys *keys, const char *name);
size_t keys_count(const Keys *keys);

/* By name. */
const char *keys_name_at(const Keys *keys, size_t index);

/* ---- changing the directory (keys_change.c); what has changed is told by the next look ---- */

/* Who changes it, for whoever reads the file later. */
typedef struct KeyNote {
    const char *actor;
    const char *reason; /* "": none given */
    int64_t at_ms;
} KeyNote;

/*
 * Writes NAME.pub, durably. ERR_USAGE: no agent can have that name; ERR_EXISTS: it has a key
 * already; ERR_IO: the directory cannot be written, and nothing has changed.
 */
ErrCode keys_accept(const Keys *keys, const char *name, const uint8_t key[KEY_PUBLIC_BYTES],
                    const KeyNote *note, Err *err);

/* Writes FINGERPRINT.refused, durably. One that is there stays as it is. */
ErrCode keys_refuse(const Keys *keys, const char *name, const uint8_t key[KEY_PUBLIC_BYTES],
                    const KeyNote *note, Err *err);

/*
 * Gives the name to this key, whatever NAME.pub holds, and refuses the key that the agent has, if
 * one is known, from now on. After ERR_IO the old key may be refused and the new one not known yet.
 */
ErrCode keys_replace(const Keys *keys, const char *name, const uint8_t key[KEY_PUBLIC_BYTES],
                     const KeyNote *note, Err *err);

/*
 * Refuses the key of an agent from now on, then removes its NAME.pub. ERR_NOT_FOUND: there is no
 * such agent. After ERR_IO the key may be refused and its file still there; it is out all the same.
 */
ErrCode keys_revoke(const Keys *keys, const char *name, const KeyNote *note, Err *err);

#endif
