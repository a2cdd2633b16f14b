/* Files and variables with tokens. */
#include "cli/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sodium.h>

#include "common/file.h"

#define TOKEN_BYTES_MAX 256
#define VARIABLE "SKEIN_TOKEN"

static ErrCode check_mode(int fd, const char *path, Err *err)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && (info.st_mode & 077) != 0) {
        err_set(err, ERR_FORBIDDEN, "others than you may read the token in %s", path);
        return err_hint(err, "chmod 600 %s; and if they may have: `skein tokens revoke`", path);
    }
    return ERR_NONE;
}

static ErrCode read_token_file(const char *path, Str *text, Err *err)
{
    AUTO(Fd) fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
                             "cannot read the token in %s", path);
    }
    ErrCode code = check_mode(fd, path, err);
    return code == ERR_NONE ? file_read_fd(fd, path, TOKEN_BYTES_MAX, text, err) : code;
}

/* One word of what tokens are made of: nothing of it may become a header of its own. */
static ErrCode make_header(const char *text, const char *from, Secret **ret_header, Err *err)
{
    AUTO(Str) header = { 0 };
    size_t length = strspn(text, "skein_0123456789abcdef");
    if (!str_starts_with(text, "skein_") || text[length + strspn(text + length, " \r\n")] != '\0') {
        err_set(err, ERR_CONFIG, "what is in %s is no token", from);
        return err_hint(err, "it is skein_ID_SECRET, as `skein tokens create` prints it");
    }
    str_printf(&header, "Authorization: Bearer %.*s", (int)length, text);
    *ret_header = secret_new(str_text(&header));
    sodium_memzero(header.data, header.length);
    return ERR_NONE;
}

/* http:// to another machine. */
static bool is_in_the_clear(const char *address)
{
    static const char *const HERE[] = { "127.0.0.1", "localhost", "[::1]" };
    static const char PLAIN[] = "http://";
    if (!str_starts_with(address, PLAIN)) {
        return false;
    }
    const char *host = address + strlen(PLAIN);
    size_t length = strcspn(host, "/");
    for (size_t i = 0; i < ARRAY_LEN(HERE); i++) {
        size_t here = strlen(HERE[i]);
        if (strncasecmp(host, HERE[i], here) == 0 &&
            (length == here ||
             (host[here] == ':' && strspn(host + here + 1, "0123456789") == length - here - 1))) {
            return false;
        }
    }
    return true;
}

ErrCode credential_find(const Options *options, const char *address, Secret **ret_header, Err *err)
{
    AUTO(Str) text = { 0 };
    const char *variable = option_or_env(NULL, VARIABLE);
    const char *from = options->token_file != NULL ? options->token_file : VARIABLE;
    if (options->token_file == NULL && variable == NULL) {
        *ret_header = NULL;
        return ERR_NONE;
    }
    if (is_in_the_clear(address)) {
        err_set(err, ERR_FORBIDDEN, "the token would go to %s in the clear", address);
        return err_hint(err, "use https://, or a tunnel to the coordinator's loopback address");
    }
    if (options->token_file == NULL) {
        str_append(&text, variable);
    } else if (read_token_file(options->token_file, &text, err) != ERR_NONE) {
        return err->code;
    }
    ErrCode code = make_header(str_text(&text), from, ret_header, err);
    sodium_memzero(text.data, text.length);
    return code;
}
