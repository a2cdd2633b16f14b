/* What whoever asks may do. Which role a route wants stands in its row (routes.c). */
#ifndef SKEIN_COORDINATOR_HTTP_ROLES_H
#define SKEIN_COORDINATOR_HTTP_ROLES_H

#include <stdbool.h>

#include "common/err.h"
#include "common/str.h"

/* One bit each: a person may have several. Everybody with any may look. */
typedef enum Role {
    ROLE_NONE = 0,
    ROLE_VIEWER = 1,   /* looks */
    ROLE_OPERATOR = 2, /* brings, starts, steers and takes back; does not approve */
    ROLE_APPROVER = 4, /* approves, and nothing else */
    ROLE_ADMIN = 8,    /* everything, tokens and agents too */
} Role;

/* "viewer", "operator,approver": names with commas between. ERR_USAGE, with did-you-mean. */
ErrCode roles_parse(const char *text, unsigned *ret_roles, Err *err);
void roles_write(unsigned roles, Str *out); /* "none" when there are none */

/* May somebody with `roles` do what `wanted` does? */
bool roles_allow(unsigned roles, Role wanted);

#endif
