/* Finding routes, refusing what there is not, and that docs/api.md names them all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/file.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/routes.h"

static void a_path_finds_its_row_and_fills_its_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *path;
        const char *pattern;
        const char *parameter;
    } CASES[] = {
        { "GET", "/", "/", NULL },
        { "HEAD", "/api/v1/status", "/api/v1/status", NULL },
        { "GET", "/api/v1/rollouts", "/api/v1/rollouts", NULL },
        { "GET", "/api/v1/rollouts/current", "/api/v1/rollouts/{id}", "current" },
        { "GET", "/api/v1/rollouts/r-1/errors", "/api/v1/rollouts/{id}/errors", "r-1" },
        { "POST", "/api/v1/rollouts/r-1/pause", "/api/v1/rollouts/{id}/pause", "r-1" },
        { "PUT", "/api/v1/plans/00ff", "/api/v1/plans/{hash}", "00ff" },
        { "POST", "/api/v1/agents/db 1/release", "/api/v1/agents/{name}/release", "db 1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        const char *path[API_PATH_PARAMETERS_MAX] = { NULL };
        const char *allow = NULL;
        Err err = { 0 };
        const Route *route = route_find(CASES[i].method, CASES[i].path, &arena, path, &allow, &err);
        assert_non_null(route);
        assert_string_equal(route->pattern, CASES[i].pattern);
        assert_true(CASES[i].parameter == NULL || str_equal(path[0], CASES[i].parameter));
    }
}

static void a_path_that_is_not_there_is_404_with_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *hint;
    } CASES[] = {
        { "/api/v1/rolouts", "/api/v1/rollouts?" },
        { "/api/v1/status/", "/api/v1/status?" },
        { "/api/v1/rollouts/", "/api/v1/rollouts" },
        { "/favicon.ico", "GET /" },
        { "", "GET /" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        const char *path[API_PATH_PARAMETERS_MAX] = { NULL };
        const char *allow = "";
        Err err = { 0 };
        assert_null(route_find("GET", CASES[i].path, &arena, path, &allow, &err));
        assert_null(allow);
        assert_int_equal(problem_status(err.code), 404);
        if (strstr(err.hint, CASES[i].hint) == NULL) {
            fail_msg("%s: %s", CASES[i].path, err.hint);
        }
    }
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    const char *path[API_PATH_PARAMETERS_MAX] = { NULL };
    const char *allow = NULL;
    Err err = { 0 };
    assert_null(route_find("DELETE", "/api/v1/rollouts", &arena, path, &allow, &err));
    assert_string_equal(allow, "GET, HEAD, POST");
    assert_null(route_find("GET", "/api/v1/rollouts/r-1/pause", &arena, path, &allow, &err));
    assert_string_equal(allow, "POST");
}

static void an_unknown_parameter_is_refused_with_did_you_mean(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    const char *path[API_PATH_PARAMETERS_MAX] = { NULL };
    const char *allow = NULL;
    Err err = { 0 };
    const Route *route = route_find("GET", "/api/v1/events", &arena, path, &allow, &err);
    assert_int_equal(route_check_query(route, "wait_ms", &arena, &err), ERR_NONE);
    assert_int_equal(route_check_query(route, "wait", &arena, &err), ERR_USAGE);
    assert_int_equal(route_check_query(route, "aftr", &arena, &err), ERR_USAGE);
    assert_string_equal(err.hint, "did you mean after?");
}

/* The words after the last '/', and the path before {…}, are in the document. */
static void the_document_names_every_route(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    assert_int_equal(file_read(SKEIN_SOURCE_DIR "/docs/api.md", 1 << 20, &text, &err), ERR_NONE);
    for (size_t i = 1; i < ROUTE_COUNT; i++) {
        const char *last = strrchr(ROUTES[i].pattern, '/') + 1;
        if (last[0] != '{' && strstr(str_text(&text), last) == NULL) {
            fail_msg("docs/api.md does not name %s", ROUTES[i].pattern);
        }
    }
}

static void every_write_is_no_get_and_every_get_has_no_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        bool is_get = str_equal(ROUTES[i].method, "GET");
        assert_false(is_get && (ROUTES[i].is_write || ROUTES[i].body != ROUTE_BODY_NONE));
        assert_non_null(ROUTES[i].doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_finds_its_row_and_fills_its_parameters),
        cmocka_unit_test(a_path_that_is_not_there_is_404_with_a_hint),
        cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
        cmocka_unit_test(an_unknown_parameter_is_refused_with_did_you_mean),
        cmocka_unit_test(the_document_names_every_route),
        cmocka_unit_test(every_write_is_no_get_and_every_get_has_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
