/* PEM files, looked at by GnuTLS before libmicrohttpd gets them: that one says only that it failed.
 */
#include "coordinator/http/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <sodium.h>
#include <sys/stat.h>

#include "common/file.h"

#define PEM_BYTES_MAX (256 * 1024)

static ErrCode check_mode(int fd, const char *path, Err *err)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && (info.st_mode & 077) != 0) {
        err_set(err, ERR_FORBIDDEN, "api.tls.key: others than its owner may read %s (mode %04o)",
                path, (unsigned)info.st_mode & 07777);
        return err_hint(err, "chmod 600 %s", path);
    }
    return ERR_NONE;
}

static ErrCode read_pem(const char *key, const char *path, bool is_secret, Secret **ret_text,
                        Err *err)
{
    AUTO(Str) text = { 0 };
    AUTO(Fd) fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err_set_errno(err, ERR_CONFIG, errno, "api.tls.%s: cannot read %s", key, path);
        return err_hint(err, "the coordinator's user must be able to read it");
    }
    ErrCode code = is_secret ? check_mode(fd, path, err) : ERR_NONE;
    if (code == ERR_NONE) {
        code = file_read_fd(fd, path, PEM_BYTES_MAX, &text, err);
    }
    if (code == ERR_NONE) {
        *ret_text = secret_new_bytes(str_text(&text), text.length);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.length);
    }
    return code;
}

/* Are they what they should be, and do they belong together? */
static ErrCode check_pair(const TlsConfig *config, const Certificate *certificate, Err *err)
{
    gnutls_certificate_credentials_t credentials = NULL;
    const gnutls_datum_t chain = { (unsigned char *)secret_reveal(certificate->chain),
                                   (unsigned)secret_length(certificate->chain) };
    const gnutls_datum_t key = { (unsigned char *)secret_reveal(certificate->key),
                                 (unsigned)secret_length(certificate->key) };
    int code = gnutls_certificate_allocate_credentials(&credentials);
    if (code == GNUTLS_E_SUCCESS) {
        code = gnutls_certificate_set_x509_key_mem(credentials, &chain, &key, GNUTLS_X509_FMT_PEM);
        gnutls_certificate_free_credentials(credentials);
    }
    if (code < 0) {
        err_set(err, ERR_CONFIG, "api.tls: %s and %s: %s", config->certificate, config->key,
                gnutls_strerror(code));
        return err_hint(err, "the certificate, in PEM, and the key that it was made for, without a "
                             "password");
    }
    return ERR_NONE;
}

ErrCode certificate_read(const TlsConfig *config, Certificate *ret_certificate, Err *err)
{
    AUTO(Certificate) certificate = { 0 };
    if (read_pem("certificate", config->certificate, false, &certificate.chain, err) != ERR_NONE ||
        read_pem("key", config->key, true, &certificate.key, err) != ERR_NONE ||
        check_pair(config, &certificate, err) != ERR_NONE) {
        return err->code;
    }
    *ret_certificate = certificate;
    certificate = (Certificate){ 0 };
    return ERR_NONE;
}

void certificate_done(Certificate *certificate)
{
    secret_free(certificate->chain);
    secret_free(certificate->key);
    *certificate = (Certificate){ 0 };
}

bool certificate_is_there(const Certificate *certificate)
{
    return certificate->key != NULL;
}

static bool is_same(const Secret *a, const Secret *b)
{
    return a != NULL && b != NULL && secret_length(a) == secret_length(b) &&
           sodium_memcmp(secret_reveal(a), secret_reveal(b), secret_length(a)) == 0;
}

bool certificate_equal(const Certificate *a, const Certificate *b)
{
    return is_same(a->chain, b->chain) && is_same(a->key, b->key);
}
