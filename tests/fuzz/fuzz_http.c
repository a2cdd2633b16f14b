/*
 * The API behind its sockets: an input is some requests, one after another, to a coordinator with
 * five databases. A request is a line "METHOD PATH NAME=VALUE …", the lines of its body, and a line
 * "." between it and the next. "{plan}" stands for the sample plan's hash, and as the whole body of
 * a plan that is brought for its signed bundle.
 */
#include "fuzz.h"

#include <string.h>

#include "check.h"
#include "coordinator.h"
#include "coordinator/http/audited.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/routes.h"
#include "tests/sim/sim_store.h"

#define PLAN "{plan}"
#define REQUESTS_MAX 20
#define PARAMETERS_MAX 8

/* --- requests --- */

typedef struct Parameter {
    const char *name;
    const char *value;
} Parameter;

typedef struct Parameters {
    Parameter items[PARAMETERS_MAX];
    size_t count;
} Parameters;

static const char *parameter_value(const void *ctx, const char *name)
{
    const Parameters *parameters = ctx;
    for (size_t i = 0; i < parameters->count; i++) {
        if (str_equal(parameters->items[i].name, name)) {
            return parameters->items[i].value;
        }
    }
    return NULL;
}

/* The next word of a line, cut off it; "" at its end. */
static char *next_word(char **line)
{
    char *word = *line;
    size_t length = strcspn(word, " ");
    *line = word + length + (word[length] == ' ' ? 1 : 0);
    word[length] = '\0';
    return word;
}

/* As the server does: names that the route does not have are refused, and so are doubles. */
static ErrCode read_parameters(const Route *route, char *line, Arena *arena, Parameters *ret,
                               Err *err)
{
    ErrCode code = ERR_NONE;
    while (*line != '\0' && ret->count < PARAMETERS_MAX && code == ERR_NONE) {
        char *name = next_word(&line);
        char *value = strchr(name, '=');
        if (value == NULL || parameter_value(ret, name) != NULL) {
            continue;
        }
        *value++ = '\0';
        code = route_check_query(route, name, arena, err);
        ret->items[ret->count++] = (Parameter){ name, value };
    }
    return code;
}

/* Every "{plan}" as the sample plan's hash. */
static const char *fill(const char *text, Arena *arena)
{
    AUTO(Str) filled = { 0 };
    const char *at = NULL;
    while ((at = strstr(text, PLAN)) != NULL) {
        str_append_bytes(&filled, text, (size_t)(at - text));
        str_append(&filled, sample_plan()->hash_text);
        text = at + strlen(PLAN);
    }
    str_append(&filled, text);
    return arena_strdup(arena, str_text(&filled));
}

static Bytes body_of(const Route *route, const char *text, Arena *arena)
{
    if (route->body == ROUTE_BODY_OCTETS && str_equal(text, PLAN)) {
        return sample_plan()->bundle;
    }
    const char *filled = route->body == ROUTE_BODY_NONE ? "" : fill(text, arena);
    return (Bytes){ (const uint8_t *)filled, strlen(filled) };
}

static void require_json(const Str *text)
{
    AUTO_PTR(JsonDocument) document = NULL;
    Err err = { 0 };
    FUZZ_REQUIRE(json_in_parse("answer", str_text(text), text->length, SIZE_MAX, &document, &err) ==
                 ERR_NONE);
}

/* Every answer is JSON, and so is every no. */
static void check_answer(ErrCode code, const ApiReply *reply, const Err *err)
{
    AUTO(Str) problem = { 0 };
    if (code != ERR_NONE) {
        check_error(err, code);
        FUZZ_REQUIRE(code != ERR_INTERNAL && code != ERR_STORE);
        problem_write(problem_status(code), err, &problem);
        require_json(&problem);
    } else if (reply->content_type == NULL && reply->hold_ms == 0) {
        require_json(&reply->body);
    }
}

/* A coordinator over a store in memory. */
typedef struct Place {
    World *world;
    SimDisk *disk;
    Coordinator coordinator;
    PlanFactsCache *facts;
    Tokens *tokens;
    Keys *keys;
    Enrolment enrolment; /* of keys that nobody has, in a directory that is not there */
} Place;

static void place_open(Place *place)
{
    Err err = { 0 };
    place->world = world_new(1, NULL);
    place->disk = sim_disk_new(place->world);
    Store *store = sim_store_open(place->disk);
    FUZZ_REQUIRE(coordinator_open(&place->coordinator, store, &err) == ERR_NONE);
    place->facts = plan_facts_new(store);
    FUZZ_REQUIRE(tokens_open(store, &place->tokens, &err) == ERR_NONE);
    place->keys = keys_new("/nonexistent");
    place->enrolment = (Enrolment){ .keys = place->keys,
                                    .applicants = applicants_new(true),
                                    .invitations = invitations_new(),
                                    .shell = place->coordinator.shell,
                                    .known_keys = known_keys_new() };
    coordinator_join(&place->coordinator);
}

static void place_done(Place *place)
{
    plan_facts_free(place->facts);
    tokens_free(place->tokens);
    applicants_free(place->enrolment.applicants);
    invitations_free(place->enrolment.invitations);
    known_keys_free(place->enrolment.known_keys);
    keys_free(place->keys);
    coordinator_done(&place->coordinator);
    sim_disk_free(place->disk);
    world_free(place->world);
}

AUTO_DEFINE(Place, place_done)

static void ask(Place *place, char *line, const char *body)
{
    AUTO(Arena) arena = { 0 };
    Parameters parameters = { 0 };
    ApiReply reply = { .status = 200 };
    Err err = { 0 };
    const char *allow = NULL;
    const char *method = next_word(&line);
    const char *path = fill(next_word(&line), &arena);
    ApiRequest request = { .shell = place->coordinator.shell,
                           .enrolment = &place->enrolment,
                           .facts = place->facts,
                           .tokens = place->tokens,
                           .arena = &arena,
                           .actor = "operator ann",
                           .query = parameter_value,
                           .query_ctx = &parameters };
    request.route = route_find(method, path, &arena, request.path, &allow, &err);
    if (request.route == NULL) {
        check_error(&err, allow == NULL ? ERR_NOT_FOUND : ERR_USAGE);
        return;
    }
    ErrCode code = read_parameters(request.route, line, &arena, &parameters, &err);
    if (request.route->is_write) {
        request.deed = audited_begin(request.route, request.path, request.actor, "here", &arena);
    }
    if (code == ERR_NONE) {
        request.body = body_of(request.route, body, &arena);
        code = request.route->handler(&request, &reply, &err);
    }
    FUZZ_REQUIRE(request.deed == NULL || (request.deed->audit.seq != 0) == (code == ERR_NONE));
    check_answer(code, &reply, &err);
    str_done(&reply.body);
}

/* The text up to a line of its own with a dot, cut off; *rest is what comes behind it. */
static char *next_request(char **rest)
{
    char *request = *rest;
    char *end = strstr(request, "\n.\n");
    *rest = end == NULL ? request + strlen(request) : end + strlen("\n.\n");
    if (end != NULL) {
        *end = '\0';
    }
    return request;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sample_plan();
    AUTO(Arena) arena = { 0 };
    AUTO(Place) place = { 0 };
    place_open(&place);
    char *rest = arena_strndup(&arena, (const char *)data, size);
    for (size_t i = 0; i < REQUESTS_MAX && *rest != '\0'; i++) {
        char *line = next_request(&rest);
        char *body = strchr(line, '\n');
        if (body != NULL) {
            *body++ = '\0';
        }
        ask(&place, line, body == NULL ? "" : body);
        shell_flush(place.coordinator.shell);
    }
    return 0;
}

#define BRING "PUT /api/v1/plans/{plan}\n{plan}\n.\n"
#define BRING_AND_START BRING "POST /api/v1/rollouts\n{\"plan\": \"{plan}\"}\n.\n"
#define CURRENT "/api/v1/rollouts/current"

bool fuzz_seed(size_t index, Str *out)
{
    static const char *const SEEDS[] = {
        "GET /\n.\nGET /api/v1/status\n.\nGET /api/v1/agents limit=2 after=db1",
        "GET /api/v1/targets limit=2 where=database='t1' after=db1/t1",
        BRING "GET /api/v1/plans/{plan}\n.\nPOST /api/v1/plans/{plan}/preview\n{}",
        BRING_AND_START "GET " CURRENT "\n.\nGET " CURRENT "/targets state=pending wave=canary",
        BRING_AND_START "POST " CURRENT "/approve\n{\"wave\": \"canary\", \"reason\": \"ok\"}",
        BRING_AND_START "POST " CURRENT "/pause\n{}\n.\nPOST " CURRENT
                        "/resume\n{}\n.\nPOST " CURRENT
                        "/abort\n{\"reason\": \"no\"}\n.\nPOST " CURRENT "/rollback",
        BRING_AND_START "POST " CURRENT "/retry\n{\"failed\": true}\n.\nPOST " CURRENT
                        "/skip\n{\"targets\": [\"db1/t1\"]}",
        BRING_AND_START "GET " CURRENT "/late\n.\nGET " CURRENT "/errors\n.\n"
                        "GET /api/v1/events after=0 limit=5 rollout=current\n.\n"
                        "GET /api/v1/rollouts state=open limit=1",
        "POST /api/v1/agents/db1/release\n{\"reason\": \"replaced\"}",
    };
    if (index >= ARRAY_LEN(SEEDS)) {
        return false;
    }
    str_append(out, SEEDS[index]);
    return true;
}
