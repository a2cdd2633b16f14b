/* cli/client.c against a small real server on a unix socket. */
#include "support.h"

#include <microhttpd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/client.h"
#include "common/json.h"

/* ---- a server that answers by a script ---- */

typedef struct Answer {
    const char *request; /* "GET /api/v1/agents?limit=1000" */
    unsigned status;
    const char *body;
} Answer;

static const Answer ANSWERS[] = {
    { "GET /api/v1/status", 200, "{\"term\": 7}" },
    { "POST /api/v1/rollouts {\"plan\":\"x\"}", 201, "{\"id\": \"r-1\"}" },
    { "POST /api/v1/plans/0/preview {}", 200, "{\"targets\": []}" },
    { "PUT /api/v1/plans/0 [octets]", 200, "{}" },
    { "GET /api/v1/nothing", 404,
      "{\"status\": 404, \"code\": \"not_found\", \"detail\": \"no rollout is open\", \"hint\": "
      "\"name one\"}" },
    { "POST /api/v1/rollouts/x/pause {}", 409,
      "{\"code\": \"conflict\", \"detail\": \"it has ended\"}" },
    { "GET /api/v1/later", 500, "{\"code\": \"a_code_of_the_future\", \"detail\": \"well\"}" },
    { "GET /api/v1/proxy", 502, "<html>bad gateway</html>" },
    { "GET /api/v1/moved", 302, "" },
    { "GET /api/v1/html", 200, "<html>" },
    { "GET /api/v1/list?limit=1000", 200, "{\"items\": [1, 2], \"next\": \"a b&c\"}" },
    { "GET /api/v1/list?limit=1000&after=a b&c", 200, "{\"items\": [3], \"next\": null}" },
    { "GET /api/v1/list?limit=2", 200, "{\"items\": [1, 2], \"next\": \"more\"}" },
    { "GET /api/v1/some?state=x&limit=1000", 200, "{\"items\": [9], \"next\": null}" },
    { "GET /api/v1/unknown?limit=1000", 404,
      "{\"status\": 404, \"code\": \"not_found\", \"detail\": \"there is no /unknown\"}" },
    { "GET /api/v1/empty?limit=1000", 200, "{\"items\": [], \"next\": \"more\"}" },
    { "GET /api/v1/broken?limit=1000", 200, "{\"items\": [1], \"next\": \"z\"}" },
    { "GET /api/v1/broken?limit=1000&after=z", 503,
      "{\"code\": \"store\", \"detail\": \"read-only\"}" },
};

typedef struct Fixture {
    char path[PATH_TEXT_MAX];
    char *where;
    struct MHD_Daemon *server;
} Fixture;

static enum MHD_Result add_query(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    Str *request = ctx;
    str_printf(request, "%c%s=%s", strchr(request->data, '?') == NULL ? '?' : '&', name, value);
    return MHD_YES;
}

static void add_body(struct MHD_Connection *connection, const Str *body, Str *request)
{
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
    if (body->length > 0) {
        bool is_octets = str_equal(type, "application/octet-stream");
        str_printf(request, " %s", is_octets ? "[octets]" : str_text(body));
    }
}

static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_length, void **state)
{
    (void)ctx;
    (void)version;
    if (*state == NULL) {
        *state = mem_alloc(sizeof(Str));
        return MHD_YES;
    }
    Str *body = *state;
    if (*upload_length > 0) {
        str_append_bytes(body, upload, *upload_length);
        *upload_length = 0;
        return MHD_YES;
    }
    AUTO(Str) request = { 0 };
    str_printf(&request, "%s %s", method, url);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, &request);
    add_body(connection, body, &request);
    const Answer *found = &(Answer){ .status = 500, .body = str_text(&request) };
    for (size_t i = 0; i < ARRAY_LEN(ANSWERS); i++) {
        found = str_equal(ANSWERS[i].request, str_text(&request)) ? &ANSWERS[i] : found;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(found->body), (void *)(uintptr_t)found->body, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_queue_response(connection, found->status, response);
    MHD_destroy_response(response);
    return result;
}

static void forget(void *ctx, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode code)
{
    (void)ctx;
    (void)connection;
    (void)code;
    if (*state != NULL) {
        str_done(*state);
        free(*state);
    }
}

static int start_server(void **state)
{
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    *state = fixture;
    str_copy(fixture->path, sizeof(fixture->path), "/tmp/skein-client-XXXXXX");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (mkdtemp(fixture->path) == NULL || fd < 0) {
        return -1;
    }
    text_format(address.sun_path, sizeof(address.sun_path), "%s/s", fixture->path);
    fixture->where = mem_alloc(PATH_TEXT_MAX);
    snprintf(fixture->where, PATH_TEXT_MAX, "unix:%s", address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 8) != 0) {
        return -1;
    }
    fixture->server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, NULL,
                                       MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
                                       forget, NULL, MHD_OPTION_END);
    return fixture->server == NULL ? -1 : 0;
}

static int stop_server(void **state)
{
    Fixture *fixture = *state;
    MHD_stop_daemon(fixture->server);
    unlink(fixture->where + strlen("unix:"));
    rmdir(fixture->path);
    free(fixture->where);
    free(fixture);
    return 0;
}

static Client *connect_to(const char *where)
{
    Client *client = NULL;
    Err err = { 0 };
    if (client_new(&(Options){ .coordinator = where, .output = OUTPUT_JSON }, &client, &err) !=
        ERR_NONE) {
        fail_msg("%s", err.message);
    }
    return client;
}

/* ---- tests ---- */

static void answers_are_json(void **state)
{
    AUTO_PTR(Client) client = connect_to(((Fixture *)*state)->where);
    AUTO_PTR(JsonDocument) status = NULL;
    AUTO_PTR(JsonDocument) rollout = NULL;
    AUTO_PTR(JsonDocument) body = json_pack("{s:s}", "plan", "x");
    assert_int_equal(client_get(client, &status, NULL, "/%s", "status"), ERR_NONE);
    assert_int_equal(json_integer_value(json_object_get(status, "term")), 7);
    assert_int_equal(client_post(client, body, &rollout, NULL, "/rollouts"), ERR_NONE);
    assert_string_equal(json_string_value(json_object_get(rollout, "id")), "r-1");
}

static void a_post_without_a_body_carries_an_empty_object(void **state)
{
    AUTO_PTR(Client) client = connect_to(((Fixture *)*state)->where);
    AUTO_PTR(JsonDocument) preview = NULL;
    assert_int_equal(client_post(client, NULL, &preview, NULL, "/plans/%d/preview", 0), ERR_NONE);
}

static void octets_are_sent_as_they_are(void **state)
{
    AUTO_PTR(Client) client = connect_to(((Fixture *)*state)->where);
    AUTO_PTR(JsonDocument) answered = NULL;
    Request request = { .method = "PUT", .path = "/plans/0", .bytes = "a\0b", .length = 3 };
    assert_int_equal(client_send(client, &request, &answered, NULL), ERR_NONE);
}

typedef struct Problem {
    const char *method;
    const char *path;
    ErrCode code;
    const char *message;
    const char *hint;
} Problem;

static const Problem PROBLEMS[] = {
    { "GET", "/nothing", ERR_NOT_FOUND, "no rollout is open", "name one" },
    { "POST", "/rollouts/x/pause", ERR_CONFLICT, "it has ended", "" },
    { "GET", "/later", ERR_UNREACHABLE, "well", "" },
    { "GET", "/proxy", ERR_UNREACHABLE, "the coordinator answered with status 502 and no reason",
      "" },
    { "GET", "/moved", ERR_PROTOCOL, "the coordinator answered with status 302 and no reason", "" },
};

static void a_problem_becomes_an_error(void **state)
{
    AUTO_PTR(Client) client = connect_to(((Fixture *)*state)->where);
    for (size_t i = 0; i < ARRAY_LEN(PROBLEMS); i++) {
        json_t *answered = NULL;
        Err err = { 0 };
        Request request = { .method = PROBLEMS[i].method, .path = PROBLEMS[i].path };
        assert_int_equal(client_send(client, &request, &answered, &err), PROBLEMS[i].code);
        assert_string_equal(err.message, PROBLEMS[i].message);
        assert_string_equal(err.hint, PROBLEMS[i].hint);
        assert_null(answered);
    }
}

static void what_is_no_json_is_no_coordinator(void **state)
{
    AUTO_PTR(Client) client = connect_to(((Fixture *)*state)->where);
    json_t *answered = NULL;
    Err err = { 0 };
    assert_int_equal(client_get(client, &answered, &err, "/html"), ERR_PROTOCOL);
    assert_non_null(strstr(err.message, "is no JSON: is that a coordinator?"));
}

typedef struct ListCase {
    const char *path;
    size_t limit;
    size_t count;
} ListCase;

static const ListCase LISTS[] = {
    { "/list", 0, 3 }, { "/list", 2, 2 }, { "/some?state=x", 0, 1 }, { "/empty", 0, 0 }
};

static void lists_are_read_page_by_page(void **state)
{
    AUTO_PTR(Client) client = connect_to(((Fixture *)*state)->where);
    for (size_t i = 0; i < ARRAY_LEN(LISTS); i++) {
        AUTO_PTR(JsonDocument) items = NULL;
        assert_int_equal(client_list(client, LISTS[i].path, LISTS[i].limit, &items, NULL),
                         ERR_NONE);
        assert_int_equal(json_array_size(items), LISTS[i].count);
    }
}

static void a_list_that_breaks_off_is_no_list(void **state)
{
    AUTO_PTR(Client) client = connect_to(((Fixture *)*state)->where);
    json_t *items = NULL;
    Err err = { 0 };
    assert_int_equal(client_list(client, "/broken", 0, &items, &err), ERR_STORE);
    assert_null(items);
}

/* Another failure of it is one, as of every list. */
static void a_list_that_an_older_coordinator_has_not_is_empty(void **state)
{
    AUTO_PTR(Client) client = connect_to(((Fixture *)*state)->where);
    AUTO_PTR(JsonDocument) items = NULL;
    json_t *none = NULL;
    Err err = { 0 };
    assert_int_equal(client_list_if_known(client, "/unknown", &items, &err), ERR_NONE);
    assert_int_equal(err.code, ERR_NONE);
    assert_int_equal(json_array_size(items), 0);
    assert_int_equal(client_list_if_known(client, "/broken", &none, &err), ERR_STORE);
    assert_null(none);
}

static void nobody_there_is_unreachable(void **state)
{
    (void)state;
    static const char *const NOWHERE[] = { "unix:/nonexistent/skein.sock", "http://127.0.0.1:1" };
    for (size_t i = 0; i < ARRAY_LEN(NOWHERE); i++) {
        AUTO_PTR(Client) client = connect_to(NOWHERE[i]);
        AUTO(Arena) arena = { 0 };
        json_t *answered = NULL;
        Err err = { 0 };
        assert_int_equal(client_get(client, &answered, &err, "/status"), ERR_UNREACHABLE);
        assert_true(str_starts_with(
            err.message, arena_printf(&arena, "no coordinator answers at %s: ", NOWHERE[i])));
        assert_non_null(strstr(err.hint, "SKEIN_COORDINATOR"));
    }
}

static void an_address_is_a_socket_or_a_url(void **state)
{
    (void)state;
    Client *client = NULL;
    Err err = { 0 };
    assert_int_equal(client_new(&(Options){ .coordinator = "localhost:8420" }, &client, &err),
                     ERR_USAGE);
    assert_string_equal(err.message, "'localhost:8420' is no address of a coordinator");
    assert_null(client);
}

static void names_are_escaped_for_paths(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    assert_string_equal(client_escape("a/b c%&?ü", &arena), "a%2Fb%20c%25%26%3F%C3%BC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_json),
        cmocka_unit_test(a_post_without_a_body_carries_an_empty_object),
        cmocka_unit_test(octets_are_sent_as_they_are),
        cmocka_unit_test(a_problem_becomes_an_error),
        cmocka_unit_test(what_is_no_json_is_no_coordinator),
        cmocka_unit_test(lists_are_read_page_by_page),
        cmocka_unit_test(a_list_that_breaks_off_is_no_list),
        cmocka_unit_test(a_list_that_an_older_coordinator_has_not_is_empty),
        cmocka_unit_test(nobody_there_is_unreachable),
        cmocka_unit_test(an_address_is_a_socket_or_a_url),
        cmocka_unit_test(names_are_escaped_for_paths),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
