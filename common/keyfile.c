/* Key files: a few "name: value" lines, one pair of files per key. */
#include "common/keyfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include <zmq.h>

#include "common/arena.h"
#include "common/file.h"
#include "common/locked.h"
#include "common/str.h"

#define KIND_TEXT_MAX 32

/* How one kind of key is made and written. */
typedef struct KindRow {
    const char *name;
    const char *purpose; /* for people: "this is …" */
    size_t secret_bytes;
    bool is_z85;
} KindRow;

static const KindRow KINDS[] = {
    [KEY_NONE] = { "none", "no key", 0, false },
    [KEY_CURVE] = { "curve", "the key of one end of a link", crypto_box_SECRETKEYBYTES, true },
    [KEY_SIGN] = { "sign", "the key of someone who signs", crypto_sign_SECRETKEYBYTES, false },
};
_Static_assert(ARRAY_LEN(KINDS) == KEY_KIND_COUNT_, "a kind without a row");
_Static_assert(KEY_SECRET_MAX >= crypto_sign_SECRETKEYBYTES, "a secret key does not fit");
_Static_assert(KEY_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "public keys differ in length");

const char *key_kind_name(KeyKind kind)
{
    return (size_t)kind < ARRAY_LEN(KINDS) ? KINDS[kind].name : KINDS[KEY_NONE].name;
}

void key_pair_done(KeyPair *pair)
{
    locked_free(pair->secret_key);
    *pair = (KeyPair){ 0 };
}

static ErrCode init_sodium(Err *err)
{
    return sodium_init() >= 0 ? ERR_NONE : err_set(err, ERR_INTERNAL, "libsodium cannot start");
}

/* ---- text of keys ---- */

static void encode(KeyKind kind, const uint8_t *bytes, size_t length, char ret_text[KEY_TEXT_MAX])
{
    if (KINDS[kind].is_z85) {
        zmq_z85_encode(ret_text, bytes, length);
    } else {
        hex_encode(bytes, length, ret_text);
    }
}

/* zmq_z85_decode trusts its caller for the length: it must be right before. */
static bool decode_z85(const char *text, uint8_t *ret_bytes, size_t length)
{
    return strlen(text) == length / 4 * 5 && zmq_z85_decode(ret_bytes, text) != NULL;
}

static bool decode(KeyKind kind, const char *text, uint8_t *ret_bytes, size_t length)
{
    if (KINDS[kind].is_z85 && decode_z85(text, ret_bytes, length)) {
        return true;
    }
    return hex_decode(text, ret_bytes, length);
}

void key_format(KeyKind kind, const uint8_t bytes[KEY_PUBLIC_BYTES], char ret_text[KEY_TEXT_MAX])
{
    encode(kind, bytes, KEY_PUBLIC_BYTES, ret_text);
}

bool key_parse(KeyKind kind, const char *text, uint8_t ret_bytes[KEY_PUBLIC_BYTES])
{
    uint8_t bytes[KEY_PUBLIC_BYTES];
    if (!decode(kind, text, bytes, sizeof(bytes))) {
        return false;
    }
    memcpy(ret_bytes, bytes, sizeof(bytes));
    return true;
}

void key_fingerprint(KeyKind kind, const uint8_t bytes[KEY_PUBLIC_BYTES],
                     char ret_text[KEY_FINGERPRINT_MAX])
{
    uint8_t hash[crypto_generichash_BYTES_MIN];
    const char *name = key_kind_name(kind);
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof(hash));
    crypto_generichash_update(&state, (const uint8_t *)name, strlen(name) + 1);
    crypto_generichash_update(&state, bytes, KEY_PUBLIC_BYTES);
    crypto_generichash_final(&state, hash, sizeof(hash));
    snprintf(ret_text, KEY_FINGERPRINT_MAX, "%02x%02x %02x%02x %02x%02x %02x%02x %02x%02x %02x%02x",
             hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7], hash[8],
             hash[9], hash[10], hash[11]);
}

void key_fingerprint_word(const char *fingerprint, char ret_text[KEY_FINGERPRINT_MAX])
{
    size_t length = 0;
    for (const char *c = fingerprint; *c != '\0' && length < KEY_FINGERPRINT_MAX - 1; c++) {
        if (*c != ' ') {
            ret_text[length++] = *c;
        }
    }
    ret_text[length] = '\0';
}

/* ---- making ---- */

bool key_name_is_valid(const char *name)
{
    static const char ALLOWED[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length <= KEY_NAME_MAX && name[strspn(name, ALLOWED)] == '\0' &&
           name[0] != '.' && name[0] != '-';
}

ErrCode key_generate(KeyKind kind, const char *name, KeyPair *ret_pair, Err *err)
{
    ErrCode code = init_sodium(err);
    if (code != ERR_NONE) {
        return code;
    }
    if (!key_name_is_valid(name)) {
        err_set(err, ERR_USAGE, "'%s' cannot be the name of a key", name);
        err_hint(err, "use at most %d letters, digits, '.', '_' and '-'", KEY_NAME_MAX);
        return ERR_USAGE;
    }
    *ret_pair = (KeyPair){ .kind = kind, .secret_key = locked_alloc(KEY_SECRET_MAX) };
    str_copy(ret_pair->name, sizeof(ret_pair->name), name);
    if (kind == KEY_CURVE) {
        crypto_box_keypair(ret_pair->public_key, ret_pair->secret_key);
    } else {
        crypto_sign_keypair(ret_pair->public_key, ret_pair->secret_key);
    }
    return ERR_NONE;
}

static void print_file(const KeyPair *pair, bool is_secret, Str *out)
{
    char text[KEY_TEXT_MAX];
    if (is_secret) {
        encode(pair->kind, pair->secret_key, KINDS[pair->kind].secret_bytes, text);
        str_printf(out,
                   "# skein: the secret key of %s. Keep it on this machine, readable by its owner "
                   "only.\n",
                   pair->name);
    } else {
        encode(pair->kind, pair->public_key, KEY_PUBLIC_BYTES, text);
        str_printf(out, "# skein: the public key of %s. It may be given to anyone.\n", pair->name);
    }
    str_printf(out, "kind: %s-%s\nname: %s\nkey: %s\n", key_kind_name(pair->kind),
               is_secret ? "secret" : "public", pair->name, text);
    sodium_memzero(text, sizeof(text));
}

ErrCode keyfile_write(const KeyPair *pair, const char *path, Err *err)
{
    AUTO(Str) public_path = { 0 };
    AUTO(Str) public_text = { 0 };
    AUTO(Str) secret_text = { 0 };
    str_printf(&public_path, "%s.pub", path);
    print_file(pair, false, &public_text);
    print_file(pair, true, &secret_text);
    ErrCode code = file_write_new(path, secret_text.data, secret_text.length, 0600, err);
    sodium_memzero(secret_text.data, secret_text.length);
    if (code != ERR_NONE) {
        return code;
    }
    code = file_write_new(str_text(&public_path), public_text.data, public_text.length, 0644, err);
    if (code != ERR_NONE) {
        unlink(path); /* made a moment ago, by us: half a pair is worse than none */
    }
    return code;
}

/* ---- reading ---- */

/* The three values of a key file; they point into its text. */
typedef struct KeyLines {
    const char *kind;
    const char *name;
    const char *key;
} KeyLines;

static ErrCode bad_file(const char *path, const char *what, Err *err)
{
    err_set(err, ERR_CONFIG, "'%s' is no key file of skein: %s", path, what);
    err_hint(err, "make one with `skein keys generate`");
    return ERR_CONFIG;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        text[--length] = '\0';
    }
    return text;
}

/* A Z85 key may hold ':' and '#': only the first ':' of a line and a '#' at its start mean
 * anything. */
static ErrCode take_line(const char *path, char *line, KeyLines *lines, Err *err)
{
    line = trim(line);
    if (line[0] == '\0' || line[0] == '#') {
        return ERR_NONE;
    }
    char *value = strchr(line, ':');
    if (value == NULL) {
        return bad_file(path, "a line that is not 'name: value'", err);
    }
    *value++ = '\0';
    const char **place = strcmp(line, "kind") == 0   ? &lines->kind
                         : strcmp(line, "name") == 0 ? &lines->name
                         : strcmp(line, "key") == 0  ? &lines->key
                                                     : NULL;
    if (place == NULL || *place != NULL) {
        return bad_file(path, "an unknown or a doubled line", err);
    }
    *place = trim(value);
    return ERR_NONE;
}

/* Cuts `text` up into lines. */
static ErrCode take_lines(const char *path, Str *text, KeyLines *lines, Err *err)
{
    if (strlen(str_text(text)) != text->length) {
        return bad_file(path, "it holds a NUL byte", err);
    }
    char *rest = text->data;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        ErrCode code = take_line(path, line, lines, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    if (lines->kind == NULL || lines->name == NULL || lines->key == NULL) {
        return bad_file(path, "it lacks 'kind', 'name' or 'key'", err);
    }
    return key_name_is_valid(lines->name) ? ERR_NONE : bad_file(path, "its name is malformed", err);
}

/* Says what the file holds instead, if that is known: the usual mistake is a neighbour's file. */
static ErrCode check_kind(const char *path, const char *found, KeyKind kind, const char *half,
                          Err *err)
{
    char wanted[KIND_TEXT_MAX];
    snprintf(wanted, sizeof(wanted), "%s-%s", key_kind_name(kind), half);
    if (strcmp(found, wanted) == 0) {
        return ERR_NONE;
    }
    for (size_t i = KEY_NONE + 1; i < ARRAY_LEN(KINDS); i++) {
        size_t length = strlen(KINDS[i].name);
        if (strncmp(found, KINDS[i].name, length) == 0 && found[length] == '-') {
            err_set(err, ERR_CONFIG, "'%s' holds a %s key (%s); wanted is a %s key (%s)", path,
                    found, KINDS[i].purpose, wanted, KINDS[kind].purpose);
            err_hint(err, "the secret half is in NAME, the public half in NAME.pub");
            return ERR_CONFIG;
        }
    }
    return bad_file(path, "its kind is unknown", err);
}

static ErrCode check_regular(int fd, const char *path, struct stat *ret_status, Err *err)
{
    if (fstat(fd, ret_status) != 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot look at '%s'", path);
    }
    return S_ISREG(ret_status->st_mode)
               ? ERR_NONE
               : err_set(err, ERR_CONFIG, "'%s' is not a regular file", path);
}

static ErrCode check_owner(const struct stat *status, const char *path, Err *err)
{
    if (status->st_uid == geteuid() || status->st_uid == 0) {
        return ERR_NONE;
    }
    err_set(err, ERR_FORBIDDEN, "'%s' holds a secret key of user %u, and this is user %u", path,
            (unsigned)status->st_uid, (unsigned)geteuid());
    return err_hint(err,
                    "run it as the key's owner (runuser, sudo -u), or give it a key of its own");
}

static ErrCode check_owner_only(const struct stat *status, const char *path, Err *err)
{
    if ((status->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        err_set(err, ERR_FORBIDDEN,
                "'%s' holds a secret key and others than its owner may use it (%04o)", path,
                (unsigned)status->st_mode & 07777);
        return err_hint(err, "chmod 600 '%s'; if others could read it, make a new key", path);
    }
    ErrCode code = check_owner(status, path, err);
    return code == ERR_NONE ? keyfile_check_place(path, err) : code;
}

static ErrCode check_not_open_to_all(const char *path, const char *what, Err *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot look at '%s'", path);
    }
    bool is_shared = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
    if ((status.st_mode & S_IWOTH) == 0 || is_shared) {
        return ERR_NONE;
    }
    err_set(err, ERR_FORBIDDEN, "everybody may write to '%s', %s (%04o)", path, what,
            (unsigned)status.st_mode & 07777);
    return err_hint(err, "chmod o-w '%s'; then see that the key in it is the right one", path);
}

ErrCode keyfile_check_place(const char *path, Err *err)
{
    AUTO(Str) folder = { 0 };
    const char *slash = strrchr(path, '/');
    str_append_bytes(&folder, path, slash == NULL ? 0 : (size_t)(slash - path));
    if (folder.length == 0) {
        str_append(&folder, slash == NULL ? "." : "/");
    }
    ErrCode code = check_not_open_to_all(path, "which holds a key that is trusted", err);
    return code == ERR_NONE
               ? check_not_open_to_all(str_text(&folder), "where a key is that is trusted", err)
               : code;
}

/* What a file is to hold. */
typedef struct Wanted {
    KeyKind kind;
    const char *half; /* "secret", "public" */
    bool is_secret;
} Wanted;

static ErrCode read_lines(const char *path, const Wanted *wanted, Str *text, KeyLines *lines,
                          Err *err)
{
    AUTO(Fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        /* For the errors with their hints. */
        ErrCode code = file_read(path, KEYFILE_BYTES_MAX, text, err);
        return code != ERR_NONE ? code : bad_file(path, "it changes while it is read", err);
    }
    struct stat status = { 0 };
    ErrCode code = wanted->is_secret ? check_regular(fd, path, &status, err) : ERR_NONE;
    if (code == ERR_NONE) {
        code = file_read_fd(fd, path, KEYFILE_BYTES_MAX, text, err);
    }
    if (code == ERR_NONE) {
        code = take_lines(path, text, lines, err);
    }
    if (code == ERR_NONE) {
        code = check_kind(path, lines->kind, wanted->kind, wanted->half, err);
    }
    /* Last: a public key named by mistake is to be called that, not a secret one that others can
     * read. */
    return code == ERR_NONE && wanted->is_secret ? check_owner_only(&status, path, err) : code;
}

ErrCode keyfile_read_private(const char *path, size_t max_bytes, Str *ret_text, Err *err)
{
    AUTO(Fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status = { 0 };
    if (fd < 0) {
        ErrCode code = file_read(path, max_bytes, ret_text, err); /* for the errors' hints */
        return code != ERR_NONE ? code : bad_file(path, "it changes while it is read", err);
    }
    ErrCode code = check_regular(fd, path, &status, err);
    if (code == ERR_NONE) {
        code = check_owner_only(&status, path, err);
    }
    return code == ERR_NONE ? file_read_fd(fd, path, max_bytes, ret_text, err) : code;
}

static void derive_public(KeyPair *pair)
{
    if (pair->kind == KEY_CURVE) {
        crypto_scalarmult_base(pair->public_key, pair->secret_key);
    } else {
        crypto_sign_ed25519_sk_to_pk(pair->public_key, pair->secret_key);
    }
}

static ErrCode read_secret(const char *path, KeyKind kind, Str *text, KeyPair *ret_pair, Err *err)
{
    KeyLines lines = { 0 };
    ErrCode code = read_lines(path, &(Wanted){ kind, "secret", true }, text, &lines, err);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO(KeyPair) pair = { .kind = kind, .secret_key = locked_alloc(KEY_SECRET_MAX) };
    if (!decode(kind, lines.key, pair.secret_key, KINDS[kind].secret_bytes)) {
        return bad_file(path, "its key is malformed", err);
    }
    str_copy(pair.name, sizeof(pair.name), lines.name);
    derive_public(&pair);
    *ret_pair = pair;
    pair.secret_key = NULL; /* *ret_pair's now */
    return ERR_NONE;
}

ErrCode keyfile_read_secret(const char *path, KeyKind kind, KeyPair *ret_pair, Err *err)
{
    AUTO(Str) text = { 0 };
    ErrCode code = init_sodium(err);
    if (code == ERR_NONE) {
        code = read_secret(path, kind, &text, ret_pair, err);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.capacity);
    }
    return code;
}

ErrCode keyfile_read_public(const char *path, KeyKind kind, PublicKey *ret_key, Err *err)
{
    AUTO(Str) text = { 0 };
    KeyLines lines = { 0 };
    ErrCode code = read_lines(path, &(Wanted){ kind, "public", false }, &text, &lines, err);
    PublicKey key = { .kind = kind };
    if (code == ERR_NONE && !decode(kind, lines.key, key.bytes, sizeof(key.bytes))) {
        code = bad_file(path, "its key is malformed", err);
    }
    if (code == ERR_NONE) {
        str_copy(key.name, sizeof(key.name), lines.name);
        *ret_key = key;
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.capacity); /* it may have been a secret one after all */
    }
    return code;
}

/* Where the next key's lines begin; the end of the text when there is none. */
static size_t next_piece(const char *text, size_t from)
{
    const char *at = strstr(text + from, "\nkind:");
    return at == NULL ? strlen(text) : (size_t)(at - text) + 1;
}

static ErrCode read_piece(const char *path, KeyKind kind, const char *bytes, size_t length,
                          PublicKey *ret_key, Err *err)
{
    AUTO(Str) text = { 0 };
    KeyLines lines = { 0 };
    PublicKey key = { .kind = kind };
    str_append_bytes(&text, bytes, length);
    ErrCode code = take_lines(path, &text, &lines, err);
    if (code == ERR_NONE) {
        code = check_kind(path, lines.kind, kind, "public", err);
    }
    if (code == ERR_NONE && !decode(kind, lines.key, key.bytes, sizeof(key.bytes))) {
        code = bad_file(path, "its key is malformed", err);
    }
    if (code == ERR_NONE) {
        str_copy(key.name, sizeof(key.name), lines.name);
        *ret_key = key;
    }
    sodium_memzero(text.data, text.capacity); /* it may have been a secret one after all */
    return code;
}

static ErrCode read_pieces(const char *path, KeyKind kind, const Str *text, PublicKey *ret_keys,
                           size_t max, size_t *ret_count, Err *err)
{
    size_t from = 0;
    size_t count = 0;
    if (strlen(str_text(text)) != text->length) {
        return bad_file(path, "it holds a NUL byte", err);
    }
    /* What stands before the first kind is that key's, too. */
    size_t search =
        strncmp(str_text(text), "kind:", strlen("kind:")) == 0 ? 0 : next_piece(str_text(text), 0);
    do {
        size_t to = search < text->length ? next_piece(str_text(text), search) : text->length;
        if (count == max) {
            err_set(err, ERR_CONFIG, "'%s' holds more than %zu keys", path, max);
            return err_hint(err, "take out what is trusted no more");
        }
        ErrCode code =
            read_piece(path, kind, str_text(text) + from, to - from, &ret_keys[count], err);
        if (code != ERR_NONE) {
            return code;
        }
        count++;
        from = to;
        search = to;
    } while (from < text->length);
    *ret_count = count;
    return ERR_NONE;
}

ErrCode keyfile_read_publics(const char *path, KeyKind kind, PublicKey *ret_keys, size_t max,
                             size_t *ret_count, Err *err)
{
    AUTO(Str) text = { 0 };
    ErrCode code = file_read(path, max * KEYFILE_BYTES_MAX, &text, err);
    if (code == ERR_NONE) {
        code = read_pieces(path, kind, &text, ret_keys, max, ret_count, err);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.capacity);
    }
    return code;
}
