/*
 * Credentials: what the TLS door shows in new handshakes, and may change while it is open. Those
 * that were shown before stay until they are freed: a handshake may be in the middle of them.
 *
 * GnuTLS asks for them without saying for whom: one process shows one set at a time.
 */
#ifndef SKEIN_COORDINATOR_HTTP_CREDENTIALS_H
#define SKEIN_COORDINATOR_HTTP_CREDENTIALS_H

#include <gnutls/abstract.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "coordinator/http/certificate.h"

typedef struct Credentials Credentials;

/*
 * Shows the certificate from now on, in place of *credentials (NULL: none yet), which it takes
 * over. ERR_CONFIG: GnuTLS cannot use it; everything is as before then.
 */
ErrCode credentials_show(Credentials **credentials, const Certificate *certificate, Err *err);

/* Nothing is shown any more. No session may be left. NULL is allowed. */
void credentials_free(Credentials *credentials);

AUTO_PTR_DEFINE(Credentials, credentials_free)

/* A gnutls_certificate_retrieve_function2. */
int credentials_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities,
                         int authority_count, const gnutls_pk_algorithm_t *algorithms,
                         int algorithm_count, gnutls_pcert_st **ret_chain, unsigned *ret_count,
                         gnutls_privkey_t *ret_key);

#endif
