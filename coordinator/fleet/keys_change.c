/* Accepting, rejecting and revoking: files in agents.d, which people and their tools read, too. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/str.h"
#include "coordinator/fleet/keys.h"

/* In a comment of the file: on its line. */
static void append_on_line(Str *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        str_append_char(out, (unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c);
    }
}

static void print_key(const char *verb, const char *name, const uint8_t key[KEY_PUBLIC_BYTES],
                      const KeyNote *note, Str *out)
{
    char text[KEY_TEXT_MAX];
    char time[UTC_TEXT_MAX];
    key_format(KEY_CURVE, key, text);
    utc_format(note->at_ms, time);
    str_printf(out, "# skein: %s at %s by ", verb, time);
    append_on_line(out, note->actor);
    if (note->reason[0] != '\0') {
        str_append(out, ": ");
        append_on_line(out, note->reason);
    }
    str_printf(out, "\nkind: curve-public\nname: %s\nkey: %s\n", name, text);
}

typedef ErrCode (*FileWrite)(const char *path, const void *bytes, size_t length, mode_t mode,
                             Err *err);

/* ERR_EXISTS as it is; whatever else there is, is about a directory that is ours to have right. */
static ErrCode write_key(const Keys *keys, const char *file, const Str *text, FileWrite write,
                         Err *err)
{
    AUTO(Str) path = { 0 };
    Err cause = { 0 };
    str_printf(&path, "%s/%s", keys_directory(keys), file);
    ErrCode code = write(str_text(&path), text->data, text->length, 0644, &cause);
    if (code == ERR_NONE) {
        return ERR_NONE;
    }
    if (code == ERR_EXISTS) {
        *err = cause;
        return code;
    }
    err_set(err, ERR_IO, "agents_dir cannot be changed: %s", cause.message);
    return err_hint(err, "let the coordinator's user write %s, or put the file there yourself",
                    keys_directory(keys));
}

static ErrCode write_accepted(const Keys *keys, const char *name,
                              const uint8_t key[KEY_PUBLIC_BYTES], const KeyNote *note,
                              FileWrite write, Err *err)
{
    AUTO(Str) file = { 0 };
    AUTO(Str) text = { 0 };
    if (!key_name_is_valid(name)) {
        err_set(err, ERR_USAGE, "'%s' cannot be the name of an agent", name);
        return err_hint(err, "use at most %d letters, digits, '.', '_' and '-'", KEY_NAME_MAX);
    }
    str_printf(&file, "%s.pub", name);
    print_key("accepted", name, key, note, &text);
    return write_key(keys, str_text(&file), &text, write, err);
}

ErrCode keys_accept(const Keys *keys, const char *name, const uint8_t key[KEY_PUBLIC_BYTES],
                    const KeyNote *note, Err *err)
{
    return write_accepted(keys, name, key, note, file_write_new, err);
}

ErrCode keys_replace(const Keys *keys, const char *name, const uint8_t key[KEY_PUBLIC_BYTES],
                     const KeyNote *note, Err *err)
{
    uint8_t before[KEY_PUBLIC_BYTES];
    ErrCode code = ERR_NONE;
    if (keys_key(keys, name, before)) {
        code = keys_refuse(keys, name, before, note, err);
    }
    return code == ERR_NONE ? write_accepted(keys, name, key, note, file_write_atomic, err) : code;
}

ErrCode keys_refuse(const Keys *keys, const char *name, const uint8_t key[KEY_PUBLIC_BYTES],
                    const KeyNote *note, Err *err)
{
    char fingerprint[KEY_FINGERPRINT_MAX];
    char word[KEY_FINGERPRINT_MAX];
    AUTO(Str) file = { 0 };
    AUTO(Str) text = { 0 };
    key_fingerprint(KEY_CURVE, key, fingerprint);
    key_fingerprint_word(fingerprint, word);
    str_printf(&file, "%s.refused", word);
    print_key("refused", name, key, note, &text);
    ErrCode code = write_key(keys, str_text(&file), &text, file_write_new, err);
    return code == ERR_EXISTS ? ERR_NONE : code;
}

ErrCode keys_revoke(const Keys *keys, const char *name, const KeyNote *note, Err *err)
{
    AUTO(Str) path = { 0 };
    uint8_t key[KEY_PUBLIC_BYTES];
    if (!keys_key(keys, name, key)) {
        return err_set(err, ERR_NOT_FOUND, "no agent is called '%s'", name);
    }
    ErrCode code = keys_refuse(keys, name, key, note, err);
    if (code != ERR_NONE) {
        return code;
    }
    str_printf(&path, "%s/%s.pub", keys_directory(keys), name);
    if (unlink(str_text(&path)) != 0 && errno != ENOENT) {
        err_set_errno(err, ERR_IO, errno, "the key of %s is refused, but '%s' is still there", name,
                      str_text(&path));
        return err_hint(err, "remove it: a key that is refused is told as a problem");
    }
    return ERR_NONE;
}
