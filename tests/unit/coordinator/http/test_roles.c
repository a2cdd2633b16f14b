/* Who may do what: the table of docs/api.md, route by route. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "coordinator/http/authority.h"
#include "coordinator/http/routes.h"

static void every_role_may_what_the_document_says(void **state)
{
    (void)state;
    enum { V = ROLE_VIEWER, O = ROLE_OPERATOR, A = ROLE_APPROVER, X = ROLE_ADMIN };
    static const struct {
        const char *method;
        const char *path;
        unsigned allowed;
    } CASES[] = {
        { "GET", "/", V | O | A | X },
        { "GET", "/api/v1/status", V | O | A | X },
        { "GET", "/api/v1/audit", V | O | A | X },
        { "GET", "/api/v1/plans/00", V | O | A | X },
        { "POST", "/api/v1/plans/00/preview", V | O | A | X },
        { "PUT", "/api/v1/plans/00", O | X },
        { "POST", "/api/v1/rollouts", O | X },
        { "POST", "/api/v1/rollouts/r/pause", O | X },
        { "POST", "/api/v1/rollouts/r/resume", O | X },
        { "POST", "/api/v1/rollouts/r/abort", O | X },
        { "POST", "/api/v1/rollouts/r/rollback", O | X },
        { "POST", "/api/v1/rollouts/r/retry", O | X },
        { "POST", "/api/v1/rollouts/r/skip", O | X },
        { "POST", "/api/v1/rollouts/r/approve", A | X },
        { "POST", "/api/v1/agents/db1/release", X },
        { "GET", "/api/v1/tokens", X },
        { "POST", "/api/v1/tokens", X },
        { "POST", "/api/v1/tokens/ci/revoke", X },
    };
    static const unsigned ROLES[] = { V, O, A, X };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        const char *path[API_PATH_PARAMETERS_MAX] = { NULL };
        const char *allow = NULL;
        Err err = { 0 };
        const Route *route = route_find(CASES[i].method, CASES[i].path, &arena, path, &allow, &err);
        assert_non_null(route);
        for (size_t r = 0; r < ARRAY_LEN(ROLES); r++) {
            const Peer visitor = { "operator ann", "here", ROLES[r], false };
            bool may = authority_check(route, &visitor, "/s", &err) == ERR_NONE;
            if (may != ((CASES[i].allowed & ROLES[r]) != 0)) {
                fail_msg("%s %s with role %u", CASES[i].method, CASES[i].path, ROLES[r]);
            }
        }
    }
}

/* Whatever is added to the API has to say who may. */
static void no_route_is_open_to_somebody_without_a_role(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const Peer nobody = { "operator ann", "here", ROLE_NONE, false };
        const Peer anonymous = { "anonymous", "here", ROLE_VIEWER, true };
        bool is_look = str_equal(ROUTES[i].method, "GET") && ROUTES[i].role == ROLE_VIEWER;
        Err err = { 0 };
        assert_int_equal(authority_check(&ROUTES[i], &nobody, "/s", &err), ERR_FORBIDDEN);
        assert_int_equal(authority_check(&ROUTES[i], &anonymous, "/s", &err),
                         is_look ? ERR_NONE : ERR_UNAUTHENTICATED);
    }
}

static void a_missing_role_is_named(void **state)
{
    (void)state;
    const Route route = { .method = "POST", .pattern = "/x", .role = ROLE_APPROVER };
    const Peer visitor = { "operator ann", "here", ROLE_VIEWER | ROLE_OPERATOR, false };
    Err err = { 0 };
    assert_int_equal(authority_check(&route, &visitor, "/s", &err), ERR_FORBIDDEN);
    assert_non_null(strstr(err.message, "wants the role approver"));
    assert_non_null(strstr(err.message, "viewer,operator"));
}

static void roles_are_read_as_they_are_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned roles; /* 0: refused */
    } CASES[] = {
        { "viewer", ROLE_VIEWER },
        { "operator,approver", ROLE_OPERATOR | ROLE_APPROVER },
        { "admin", ROLE_ADMIN },
        { "viewer,operator,approver,admin", 15 },
        { "", 0 },
        { ",", 0 },
        { "viewer,", 0 },
        { "Viewer", 0 },
        { "root", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        unsigned roles = 0;
        AUTO(Str) text = { 0 };
        Err err = { 0 };
        assert_int_equal(roles_parse(CASES[i].text, &roles, &err),
                         CASES[i].roles == 0 ? ERR_USAGE : ERR_NONE);
        assert_int_equal(roles, CASES[i].roles);
        roles_write(roles, &text);
        assert_string_equal(str_text(&text), roles == 0 ? "none" : CASES[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_may_what_the_document_says),
        cmocka_unit_test(no_route_is_open_to_somebody_without_a_role),
        cmocka_unit_test(a_missing_role_is_named),
        cmocka_unit_test(roles_are_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
