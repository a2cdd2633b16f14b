/* The roles' names, and who may do what. */
#include "coordinator/http/roles.h"

#include <string.h>

#include "common/arena.h"

static const struct {
    const char *name;
    Role role;
} ROLES[] = {
    { "viewer", ROLE_VIEWER },
    { "operator", ROLE_OPERATOR },
    { "approver", ROLE_APPROVER },
    { "admin", ROLE_ADMIN },
};

static ErrCode find_role(const char *name, Role *ret, Err *err)
{
    const char *names[ARRAY_LEN(ROLES)];
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++) {
        names[i] = ROLES[i].name;
        if (str_equal(name, ROLES[i].name)) {
            *ret = ROLES[i].role;
            return ERR_NONE;
        }
    }
    const char *nearest = str_nearest(name, names, ARRAY_LEN(names));
    err_set(err, ERR_USAGE, "no role is called '%s'", name);
    return nearest != NULL ? err_hint(err, "did you mean %s?", nearest)
                           : err_hint(err, "there are viewer, operator, approver and admin");
}

ErrCode roles_parse(const char *text, unsigned *ret_roles, Err *err)
{
    AUTO(Arena) arena = { 0 };
    unsigned roles = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        Role role = ROLE_NONE;
        ErrCode code = find_role(arena_strndup(&arena, at, length), &role, err);
        if (code != ERR_NONE) {
            return code;
        }
        roles |= role;
        at += length;
        if (*at == '\0') {
            *ret_roles = roles;
            return ERR_NONE;
        }
    }
}

void roles_write(unsigned roles, Str *out)
{
    const char *comma = "";
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++) {
        if ((roles & ROLES[i].role) != 0) {
            str_printf(out, "%s%s", comma, ROLES[i].name);
            comma = ",";
        }
    }
    str_append(out, comma[0] == '\0' ? "none" : "");
}

bool roles_allow(unsigned roles, Role wanted)
{
    return wanted == ROLE_VIEWER ? roles != 0 : (roles & ((unsigned)wanted | ROLE_ADMIN)) != 0;
}
