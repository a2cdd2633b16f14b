/* Errors as HTTP: the status of a code, and RFC 7807's problem document. */
#ifndef SKEIN_COORDINATOR_HTTP_PROBLEM_H
#define SKEIN_COORDINATOR_HTTP_PROBLEM_H

#include "common/err.h"
#include "common/str.h"

#define PROBLEM_CONTENT_TYPE "application/problem+json"

unsigned problem_status(ErrCode code);

/* Appends the document. */
void problem_write(unsigned status, const Err *err, Str *out);

#endif
