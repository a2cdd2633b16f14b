/* The certificate of the API's TCP door, with its secret key: read, checked, kept for as long as
 * the door is open, and wiped. */
#ifndef SKEIN_COORDINATOR_HTTP_CERTIFICATE_H
#define SKEIN_COORDINATOR_HTTP_CERTIFICATE_H

#include <stdbool.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/secret.h"
#include "coordinator/config.h"

/* Zero-initialised: there is none. */
typedef struct Certificate {
    Secret *chain; /* PEM */
    Secret *key;
} Certificate;

/*
 * ERR_FORBIDDEN: others than its owner may read the key. ERR_CONFIG: it is no certificate or no
 * key, or they do not belong together; GnuTLS's words say which.
 */
ErrCode certificate_read(const TlsConfig *config, Certificate *ret_certificate, Err *err);
void certificate_done(Certificate *certificate);

AUTO_DEFINE(Certificate, certificate_done)

bool certificate_is_there(const Certificate *certificate);
bool certificate_equal(const Certificate *a, const Certificate *b); /* byte by byte */

#endif
