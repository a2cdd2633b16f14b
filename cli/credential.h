/* The token that goes with requests over HTTP: from a file or the environment, never from argv. */
#ifndef SKEIN_CLI_CREDENTIAL_H
#define SKEIN_CLI_CREDENTIAL_H

#include "cli/command.h"
#include "common/secret.h"

/*
 * "Authorization: Bearer …" for the coordinator at `address`, from --token-file or SKEIN_TOKEN;
 * NULL: there is neither. ERR_FORBIDDEN: others may read the file, or the token would go over the
 * network in the clear. ERR_CONFIG: what is there is no token.
 */
ErrCode credential_find(const Options *options, const char *address, Secret **ret_header, Err *err);

#endif
