/* GnuTLS makes the pair. */
#include "tests/harness/tls_pair.h"

#include <string.h>
#include <time.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define DAY_S 86400

static bool fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
    static const unsigned char SERIAL[] = { 1 };
    static const unsigned char ADDRESS[] = { 127, 0, 0, 1 };
    static const char NAME[] = "localhost";
    time_t now = time(NULL);
    return gnutls_x509_crt_set_version(crt, 3) == 0 &&
           gnutls_x509_crt_set_serial(crt, SERIAL, sizeof(SERIAL)) == 0 &&
           gnutls_x509_crt_set_activation_time(crt, now - DAY_S) == 0 &&
           gnutls_x509_crt_set_expiration_time(crt, now + DAY_S) == 0 &&
           gnutls_x509_crt_set_dn(crt, "CN=skein test", NULL) == 0 &&
           gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, NAME, strlen(NAME),
                                                GNUTLS_FSAN_SET) == 0 &&
           gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, ADDRESS, sizeof(ADDRESS),
                                                GNUTLS_FSAN_APPEND) == 0 &&
           gnutls_x509_crt_set_basic_constraints(crt, 1, -1) == 0 &&
           gnutls_x509_crt_set_key(crt, key) == 0 &&
           gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) == 0;
}

static bool write_pem(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, Str *certificate,
                      Str *secret)
{
    gnutls_datum_t crt_text = { 0 };
    gnutls_datum_t key_text = { 0 };
    bool is_done = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_text) == 0 &&
                   gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_text) == 0;
    if (is_done) {
        str_append_bytes(certificate, crt_text.data, crt_text.size);
        str_append_bytes(secret, key_text.data, key_text.size);
    }
    gnutls_free(crt_text.data);
    gnutls_free(key_text.data);
    return is_done;
}

bool tls_pair_make(Str *certificate, Str *key)
{
    gnutls_x509_privkey_t secret = NULL;
    gnutls_x509_crt_t crt = NULL;
    bool is_done =
        gnutls_x509_privkey_init(&secret) == 0 && gnutls_x509_crt_init(&crt) == 0 &&
        gnutls_x509_privkey_generate(secret, GNUTLS_PK_ECDSA,
                                     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0 &&
        fill(crt, secret) && write_pem(crt, secret, certificate, key);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(secret);
    return is_done;
}
