/* One file, one or two keys. */
#include "agent/coordinator_keys.h"

#include <string.h>

ErrCode coordinator_keys_read(const char *path, CoordinatorKeys *ret_keys, Err *err)
{
    PublicKey read[COORDINATOR_KEYS_MAX];
    CoordinatorKeys keys = { 0 };
    size_t count = 0;
    ErrCode code = keyfile_read_publics(path, KEY_CURVE, read, COORDINATOR_KEYS_MAX, &count, err);
    if (code == ERR_NONE) {
        code = keyfile_check_place(path, err);
    }
    for (size_t i = 0; code == ERR_NONE && i < count; i++) {
        if (coordinator_keys_have(&keys, read[i].bytes)) {
            err_set(err, ERR_CONFIG, "'%s' has the same key twice", path);
            return err_hint(err, "leave one of them out");
        }
        memcpy(keys.keys[keys.count++], read[i].bytes, KEY_PUBLIC_BYTES);
    }
    if (code == ERR_NONE) {
        *ret_keys = keys;
    }
    return code;
}

bool coordinator_keys_equal(const CoordinatorKeys *a, const CoordinatorKeys *b)
{
    return a->count == b->count && memcmp(a->keys, b->keys, a->count * KEY_PUBLIC_BYTES) == 0;
}

bool coordinator_keys_have(const CoordinatorKeys *keys, const uint8_t key[KEY_PUBLIC_BYTES])
{
    bool is_there = false;
    for (size_t i = 0; i < keys->count; i++) {
        is_there |= memcmp(keys->keys[i], key, KEY_PUBLIC_BYTES) == 0;
    }
    return is_there;
}
