/* Certificates and keys as GnuTLS has them. */
#include "coordinator/http/credentials.h"

#include <gnutls/x509.h>
#include <stdlib.h>

#include "common/arena.h"

#define CHAIN_MAX 16 /* that GnuTLS sorts */

struct Credentials {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    Credentials *before; /* shown before these */
};

static const Credentials *shown; /* GnuTLS's callback has no closure */

static gnutls_datum_t datum_of(const Secret *pem)
{
    return (gnutls_datum_t){ (unsigned char *)secret_reveal(pem), (unsigned)secret_length(pem) };
}

/* In the order that a handshake wants, whatever the file's is. */
static int read_chain(Credentials *credentials, const Secret *pem)
{
    gnutls_x509_crt_t *list = NULL;
    const gnutls_datum_t text = datum_of(pem);
    unsigned count = 0;
    int code = gnutls_x509_crt_list_import2(&list, &count, &text, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0) {
        return code;
    }
    unsigned sorted = count;
    code = count > CHAIN_MAX ? GNUTLS_E_SHORT_MEMORY_BUFFER
                             : gnutls_pcert_import_x509_list(credentials->chain, list, &sorted,
                                                             GNUTLS_X509_CRT_LIST_SORT);
    credentials->count = code < 0 ? 0 : sorted;
    for (unsigned i = 0; i < count; i++) {
        gnutls_x509_crt_deinit(list[i]);
    }
    gnutls_free(list);
    return code;
}

static int read_key(Credentials *credentials, const Secret *pem)
{
    const gnutls_datum_t text = datum_of(pem);
    int code = gnutls_privkey_init(&credentials->key);
    return code < 0 ? code
                    : gnutls_privkey_import_x509_raw(credentials->key, &text, GNUTLS_X509_FMT_PEM,
                                                     NULL, 0);
}

static void free_one(Credentials *credentials)
{
    for (unsigned i = 0; i < credentials->count; i++) {
        gnutls_pcert_deinit(&credentials->chain[i]);
    }
    if (credentials->key != NULL) {
        gnutls_privkey_deinit(credentials->key);
    }
    free(credentials);
}

ErrCode credentials_show(Credentials **credentials, const Certificate *certificate, Err *err)
{
    Credentials *fresh = mem_alloc(sizeof(*fresh));
    int code = read_chain(fresh, certificate->chain);
    if (code >= 0) {
        code = read_key(fresh, certificate->key);
    }
    if (code < 0) {
        free_one(fresh);
        return err_set(err, ERR_CONFIG, "api.tls: %s", gnutls_strerror(code));
    }
    fresh->before = *credentials;
    *credentials = fresh;
    shown = fresh;
    return ERR_NONE;
}

void credentials_free(Credentials *credentials)
{
    if (shown == credentials) {
        shown = NULL;
    }
    while (credentials != NULL) {
        Credentials *before = credentials->before;
        free_one(credentials);
        credentials = before;
    }
}

int credentials_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities,
                         int authority_count, const gnutls_pk_algorithm_t *algorithms,
                         int algorithm_count, gnutls_pcert_st **ret_chain, unsigned *ret_count,
                         gnutls_privkey_t *ret_key)
{
    (void)session;
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    if (shown == NULL) {
        return -1;
    }
    *ret_chain = (gnutls_pcert_st *)shown->chain;
    *ret_count = shown->count;
    *ret_key = shown->key;
    return 0;
}
