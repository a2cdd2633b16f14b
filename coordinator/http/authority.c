/* Tokens in heads, roles in routes. */
#include "coordinator/http/authority.h"

#include <string.h>
#include <strings.h>

#include "common/clock.h"

#define SCHEME "Bearer "

const ThrottleRates AUTHORITY_FAILURES = {
    .per_minute = 10, .burst = 20, .per_minute_in_all = 600, .burst_in_all = 1000
};

const ThrottleRates AUTHORITY_REQUESTS = {
    .per_minute = 3000, .burst = 1000, .per_minute_in_all = 30000, .burst_in_all = 6000
};

static ErrCode no_token(Throttle *failures, const Peer *visitor, Err *err)
{
    if (!throttle_take(failures, THROTTLE_STRANGERS, visitor->origin, clock_boot_ms())) {
        return err_set(err, ERR_BUSY, "too many wrong tokens from %s", visitor->origin);
    }
    err_set(err, ERR_UNAUTHENTICATED, "this token lets nobody in");
    return err_hint(err, "it may be wrong, over or revoked: `skein tokens list`, by an admin");
}

ErrCode authority_read_token(const Tokens *tokens, Throttle *failures, const char *header,
                             Arena *arena, Peer *visitor, Err *err)
{
    const TokenRow *token = NULL;
    unsigned roles = 0;
    if (strncasecmp(header, SCHEME, strlen(SCHEME)) == 0) {
        token = tokens_check(tokens, header + strlen(SCHEME), clock_wall_ms());
    }
    if (token == NULL || roles_parse(token->roles, &roles, NULL) != ERR_NONE) {
        return no_token(failures, visitor, err);
    }
    visitor->actor = arena_printf(arena, "operator %s", token->person);
    visitor->origin = arena_printf(arena, "%s, token %s", visitor->origin, token->id);
    visitor->roles = roles;
    visitor->is_anonymous = false;
    return ERR_NONE;
}

ThrottleCrowd authority_crowd(const Peer *visitor)
{
    return visitor->is_anonymous ? THROTTLE_STRANGERS : THROTTLE_KNOWN;
}

ErrCode authority_check_pace(Throttle *requests, const Peer *visitor, Err *err)
{
    return throttle_take(requests, authority_crowd(visitor), visitor->origin, clock_boot_ms())
               ? ERR_NONE
               : err_set(err, ERR_BUSY, "too many requests from %s", visitor->origin);
}

ErrCode authority_check(const Route *route, const Peer *visitor, const char *socket_path, Err *err)
{
    AUTO(Str) has = { 0 };
    AUTO(Str) wants = { 0 };
    bool is_look = str_equal(route->method, "GET");
    if (visitor->is_anonymous && (!is_look || !roles_allow(visitor->roles, route->role))) {
        err_set(err, ERR_UNAUTHENTICATED, "over TCP this wants a token");
        return err_hint(err,
                        "give one in SKEIN_TOKEN; `skein --coordinator unix:%s tokens create` "
                        "makes it",
                        socket_path);
    }
    if (roles_allow(visitor->roles, route->role)) {
        return ERR_NONE;
    }
    roles_write(visitor->roles, &has);
    roles_write(route->role, &wants);
    err_set(err, ERR_FORBIDDEN, "%s may not do this: it wants the role %s, and his are %s",
            visitor->actor, str_text(&wants), str_text(&has));
    return err_hint(err, "an admin can make a token with that role: `skein tokens create`");
}
