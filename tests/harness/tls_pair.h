/* A certificate that signs itself, for localhost and 127.0.0.1, and its key: for tests of TLS. */
#ifndef SKEIN_TESTS_HARNESS_TLS_PAIR_H
#define SKEIN_TESTS_HARNESS_TLS_PAIR_H

#include "common/str.h"

/* PEM, appended to both. False: GnuTLS did not want to. */
bool tls_pair_make(Str *certificate, Str *key);

#endif
