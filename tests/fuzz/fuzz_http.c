/*
 * The API behind its sockets: an input is some requests, one after another, to a coordinator with
 * five databases. A request is a line "METHOD PATH NAME=VALUE …", the lines of its body, and a line
 * "." between it and the next. "{plan}" stands for the sample plan's hash, and as the whole body of
 * a plan that is brought for its signed bundle.
 */
#include "fuzz.h"

#include <string.h>
#include <sodium.h>

#include "check.h"
#include "common/log.h"
#include "coordinator/http/api.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/routes.h"
#include "tests/sim/sim_store.h"

#define PLAN "{plan}"
#define REQUESTS_MAX 20
#define PARAMETERS_MAX 8
#define DATABASES 5
#define SYSTEM 7300000000000000001

/* --- a coordinator --- */

typedef struct Coordinator {
    Arena arena;
    World *world;
    SimDisk *disk;
    Store *store;
    Loop *loop;
    Shell *shell;
    PlanFactsCache *facts;
    uint64_t session;
} Coordinator;

static void on_send(void *ctx, const SendEffect *send)
{
    if (send->type == MESSAGE_WELCOME) {
        ((Coordinator *)ctx)->session = ((const Welcome *)send->body)->session;
    }
}

static void say(Coordinator *coordinator, const Event *event)
{
    shell_take(coordinator->shell, event);
    shell_flush(coordinator->shell);
}

static void list_databases(Coordinator *coordinator)
{
    InventoryTarget targets[DATABASES];
    for (uint32_t i = 0; i < DATABASES; i++) {
        targets[i] = (InventoryTarget){ .target = arena_printf(&coordinator->arena, "db1/t%u", i),
                                        .instance = "db1",
                                        .identity = { SYSTEM, 16384 + i, "" },
                                        .version = "",
                                        .is_read = true,
                                        .rollout = "" };
    }
    Inventory page = {
        .revision = 1, .is_last = true, .targets = targets, .target_count = DATABASES
    };
    say(coordinator, &(Event){ .kind = EVENT_INVENTORY,
                               .agent = "db1",
                               .connection = 1,
                               .session = coordinator->session,
                               .inventory = &page });
}

static void join(Coordinator *coordinator)
{
    static const uint8_t BOOT_ID[BOOT_ID_BYTES] = { 1 };
    HelloInstance instance = {
        .name = "db1", .system_identifier = SYSTEM, .timeline = 1, .server_version = 150020
    };
    Hello hello = { .boot_id = { BOOT_ID, BOOT_ID_BYTES },
                    .protocol_min = PROTOCOL_VERSION_MIN,
                    .protocol_max = PROTOCOL_VERSION_MAX,
                    .version = "0",
                    .instances = &instance,
                    .instance_count = 1,
                    .inventory_revision = 1 };
    say(coordinator,
        &(Event){ .kind = EVENT_HELLO, .agent = "db1", .connection = 1, .hello = &hello });
    list_databases(coordinator);
}

static void coordinator_open(Coordinator *coordinator)
{
    EngineConfig config;
    Err err = { 0 };
    engine_config_defaults(&config);
    coordinator->world = world_new(1, NULL);
    coordinator->disk = sim_disk_new(coordinator->world);
    coordinator->store = sim_store_open(coordinator->disk);
    coordinator->loop = loop_new();
    FUZZ_REQUIRE(shell_new(&config, 1, coordinator->loop, coordinator->store, &coordinator->shell,
                           &err) == ERR_NONE);
    shell_set_ports(coordinator->shell, &(ShellPorts){ .ctx = coordinator, .send = on_send });
    coordinator->facts = plan_facts_new(coordinator->store);
    join(coordinator);
}

static void coordinator_done(Coordinator *coordinator)
{
    plan_facts_free(coordinator->facts);
    shell_free(coordinator->shell);
    loop_free(coordinator->loop);
    store_close(coordinator->store);
    sim_disk_free(coordinator->disk);
    world_free(coordinator->world);
    arena_done(&coordinator->arena);
}

AUTO_DEFINE(Coordinator, coordinator_done)

/* --- a plan --- */

typedef struct Sealed {
    Arena arena;
    Bytes bundle;
    char hash[2 * PLAN_HASH_BYTES + 1];
} Sealed;

static void seal(Sealed *sealed)
{
    static const uint8_t CHECKSUM[CHECKSUM_BYTES] = { 1 };
    static const uint8_t SEED[crypto_sign_SEEDBYTES] = { 1 };
    PlanStatement statement = {
        .sql = "select 1", .line = 1, .kind = "SELECT", .object = "", .detail = ""
    };
    PlanScript script = { .statements = &statement, .count = 1, .is_transactional = true };
    PlanMigration migration = { .id = "0001_a",
                                .version = "0001",
                                .name = "a",
                                .checksum = { CHECKSUM, CHECKSUM_BYTES },
                                .up = script,
                                .down = script };
    PlanWave waves[] = { { .name = "canary", .targets = { 1, false }, .needs_approval = true },
                         { .name = "rest", .targets = { 100, true } } };
    Plan plan = {
        .name = "a", .to = "0001_a", .where = "", .migrations = &migration, .migration_count = 1
    };
    plan_strategy_defaults(&plan.strategy);
    plan.strategy.waves = waves;
    plan.strategy.wave_count = ARRAY_LEN(waves);
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    uint8_t secret_key[SIGN_SECRET_BYTES];
    uint8_t hash[PLAN_HASH_BYTES];
    Bytes canonical;
    Err err = { 0 };
    crypto_sign_seed_keypair(public_key, secret_key, SEED);
    FUZZ_REQUIRE(plan_encode(&plan, &sealed->arena, &canonical, &err) == ERR_NONE &&
                 bundle_seal(canonical, secret_key, &sealed->arena, &sealed->bundle, &err) ==
                     ERR_NONE);
    plan_hash(canonical, hash);
    hex_encode(hash, PLAN_HASH_BYTES, sealed->hash);
}

/* Made once: the same in every input. */
static const Sealed *sample_plan(void)
{
    static Sealed sealed;
    if (sealed.bundle.data == NULL) {
        FUZZ_REQUIRE(sodium_init() >= 0);
        log_init(LOG_FORMAT_TEXT, LOG_LEVEL_NONE);
        seal(&sealed);
    }
    return &sealed;
}

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
        str_append(&filled, sample_plan()->hash);
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

static void ask(Coordinator *coordinator, char *line, const char *body)
{
    AUTO(Arena) arena = { 0 };
    Parameters parameters = { 0 };
    ApiReply reply = { .status = 200 };
    Err err = { 0 };
    const char *allow = NULL;
    const char *method = next_word(&line);
    const char *path = fill(next_word(&line), &arena);
    ApiRequest request = { .shell = coordinator->shell,
                           .facts = coordinator->facts,
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
    if (code == ERR_NONE) {
        request.body = body_of(request.route, body, &arena);
        code = request.route->handler(&request, &reply, &err);
    }
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
    AUTO(Coordinator) coordinator = { 0 };
    coordinator_open(&coordinator);
    char *rest = arena_strndup(&coordinator.arena, (const char *)data, size);
    for (size_t i = 0; i < REQUESTS_MAX && *rest != '\0'; i++) {
        char *line = next_request(&rest);
        char *body = strchr(line, '\n');
        if (body != NULL) {
            *body++ = '\0';
        }
        ask(&coordinator, line, body == NULL ? "" : body);
        shell_flush(coordinator.shell);
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
