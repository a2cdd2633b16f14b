/* A captured coordinator: the wire's other end, answered by rote. */
#include "tests/security/usurper.h"

#include <string.h>
#include <unistd.h>

#include "proto/envelope.h"

#define HEARTBEAT_MS 200
#define LEASE_MS 60000
#define TERM 1

/* ---- saying ---- */

static void say(Usurper *usurper, MessageType type, const void *body)
{
    AUTO(Str) frame = { 0 };
    Err err = { 0 };
    const Envelope envelope = { .version = PROTOCOL_VERSION_MAX,
                                .type = type,
                                .session = usurper->session,
                                .term = TERM,
                                .seq = ++usurper->seq,
                                .body = body };
    assert_int_equal(envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, &frame, &err), ERR_NONE);
    FLEET_AWAIT(usurper->fleet,
                zsock_send_to(usurper->router, usurper->route, usurper->route_length, frame.data,
                              frame.length, &err) == ZSOCK_OK);
}

static void welcome(Usurper *usurper)
{
    usurper->session++;
    say(usurper, MESSAGE_WELCOME,
        &(Welcome){ .session = usurper->session,
                    .heartbeat_ms = HEARTBEAT_MS,
                    .lease_ms = LEASE_MS,
                    .lost_ms = LEASE_MS });
}

static void give_plan(Usurper *usurper, const PlanGet *get)
{
    LIST_EACH(bytes, &usurper->bundles) {
        Bundle bundle = { 0 };
        bool is_it = bundle_open(*bytes, &bundle, NULL) != ERR_NONE ||
                     memcmp(bundle.hash, get->hash.data, PLAN_HASH_BYTES) == 0;
        if (is_it && get->offset < bytes->length) {
            size_t left = bytes->length - get->offset;
            size_t length = left < PLAN_CHUNK_MAX ? left : PLAN_CHUNK_MAX;
            say(usurper, MESSAGE_PLAN_CHUNK,
                &(PlanChunk){ .hash = get->hash,
                              .offset = get->offset,
                              .total_size = bytes->length,
                              .data = { bytes->data + get->offset, length } });
            return;
        }
    }
    fail_msg("the agent asks for a plan that it was not told of");
}

/* ---- hearing ---- */

static void note_targets(Usurper *usurper, const Inventory *inventory)
{
    Arena *arena = &usurper->fleet->arena;
    for (size_t i = 0; i < inventory->target_count; i++) {
        InventoryTarget target = inventory->targets[i];
        target.target = arena_strdup(arena, target.target);
        target.identity.schema = arena_strdup(arena, target.identity.schema);
        LIST_PUSH(&usurper->targets, target);
    }
}

static void note_state(Usurper *usurper, const State *state)
{
    Arena *arena = &usurper->fleet->arena;
    if (report_is_end((Report)state->report)) {
        say(usurper, MESSAGE_STATE_ACK,
            &(StateAck){ .report_id = state->report_id, .target = state->target });
    }
    bool is_news = state->report_id > usurper->said.report_id;
    if (is_news && order_stamp_compare(state->stamp, usurper->goal.stamp) == 0) {
        usurper->said = *state;
        usurper->said.message = arena_strdup(arena, state->message);
        usurper->said.version = arena_strdup(arena, state->version);
    }
}

static void answer(Usurper *usurper, const Envelope *envelope)
{
    const Ping *ping = envelope->body;
    switch (envelope->type) {
    case MESSAGE_HELLO:
        welcome(usurper);
        break;
    case MESSAGE_PING:
        say(usurper, MESSAGE_PONG,
            &(Pong){ .sent_at_ms = ping->sent_at_ms,
                     .lease_ms = LEASE_MS,
                     .goals_digest = ping->goals_digest });
        break;
    case MESSAGE_INVENTORY:
        note_targets(usurper, envelope->body);
        break;
    case MESSAGE_PLAN_GET:
        give_plan(usurper, envelope->body);
        break;
    case MESSAGE_STATE:
        note_state(usurper, envelope->body);
        break;
    default:
        break;
    }
}

/* Takes all that has come. True, for conditions. */
static bool hear(Usurper *usurper)
{
    AUTO(Arena) arena = { 0 };
    for (;;) {
        AUTO(Zframe) id = zframe_empty();
        AUTO(Zframe) frame = zframe_empty();
        Envelope envelope = { 0 };
        Err err = { 0 };
        if (zsock_receive_from(usurper->router, &id, &frame, &err) != ZSOCK_OK) {
            return true;
        }
        const Bytes bytes = { zframe_data(&frame), zframe_size(&frame) };
        assert_true(zframe_size(&id) <= sizeof(usurper->route));
        usurper->route_length = zframe_size(&id);
        memcpy(usurper->route, zframe_data(&id), usurper->route_length);
        assert_int_equal(envelope_decode(bytes, MESSAGE_TO_COORDINATOR_MAX, PROTOCOL_SPOKEN, &arena,
                                         &envelope, &err),
                         ERR_NONE);
        answer(usurper, &envelope);
    }
}

void usurper_await(Usurper *usurper, Report report)
{
    FLEET_AWAIT(usurper->fleet, hear(usurper) && usurper->said.report == (uint32_t)report);
}

void usurper_await_word(Usurper *usurper, Report report, ErrCode code)
{
    FLEET_AWAIT(usurper->fleet, hear(usurper) && usurper->said.report == (uint32_t)report &&
                                    usurper->said.code == (uint32_t)code);
}

const State *usurper_await_end(Usurper *usurper)
{
    FLEET_AWAIT(usurper->fleet, hear(usurper) && report_is_end((Report)usurper->said.report));
    return &usurper->said;
}

/* ---- orders ---- */

static const InventoryTarget *find_target(const Usurper *usurper, const char *address)
{
    LIST_EACH(target, &usurper->targets) {
        if (str_equal(target->target, address)) {
            return target;
        }
    }
    return NULL;
}

void usurper_order(Usurper *usurper, const FalseOrder *order)
{
    Arena *arena = &usurper->fleet->arena;
    const InventoryTarget *target = find_target(usurper, order->target);
    Bundle bundle = { 0 };
    Plan *plan = NULL;
    assert_non_null(target);
    LIST_PUSH(&usurper->bundles, order->plan);
    bool is_sound = bundle_open(order->plan, &bundle, NULL) == ERR_NONE &&
                    plan_decode(bundle.canonical, arena, &plan, NULL) == ERR_NONE;
    memcpy(usurper->hash, bundle.hash, sizeof(bundle.hash));
    usurper->said = (State){ 0 };
    usurper->goal = (GoalMessage){
        .rollout = order->rollout,
        .target = order->target,
        .identity = target->identity,
        .stamp = { TERM, usurper->goal.stamp.attempt + 1, 1 },
        .token = usurper->goal.token + 1,
        .goal = (uint32_t)order->goal,
        .plan_hash = { usurper->hash, PLAN_HASH_BYTES },
        .from = "",
        .to = order->to != NULL ? order->to
              : is_sound        ? plan->to
                                : "0001_t",
    };
    usurper->goal.identity.database_oid += order->is_of_another_database;
    say(usurper, MESSAGE_GOAL, &usurper->goal);
}

void usurper_turn(Usurper *usurper, Goal goal)
{
    usurper->said = (State){ 0 };
    usurper->goal.goal = (uint32_t)goal;
    usurper->goal.stamp.revision++;
    say(usurper, MESSAGE_GOAL, &usurper->goal);
}

Bytes usurper_plan(Usurper *usurper, const FleetPlan *plan, const char *signer)
{
    Fleet *fleet = usurper->fleet;
    const char *yaml = fleet_plan_write(fleet, plan);
    const char *out = fleet_path(fleet, "%u.plan", ++fleet->file_count);
    CliResult written =
        signer == NULL ? fleet_cli(fleet, "plan", yaml, "--out", out, NULL)
                       : fleet_cli(fleet, "plan", yaml, "--out", out, "--signer", signer, NULL);
    assert_int_equal(written.exit_code, 0);
    return fleet_file_bytes(fleet, out);
}

/* ---- life ---- */

static void open_door(Usurper *usurper)
{
    char endpoint[64];
    Err err = { 0 };
    text_format(endpoint, sizeof(endpoint), "tcp://%s:%d", usurper->fleet->wire_address,
                usurper->fleet->wire_port);
    usurper->context = zmq_ctx_new();
    assert_int_equal(zsock_open(usurper->context, ZMQ_ROUTER, ZSOCK_ROUTER_OPTIONS,
                                ZSOCK_ROUTER_OPTION_COUNT, &usurper->router, &err),
                     ERR_NONE);
    assert_int_equal(zsock_curve_server(usurper->router, usurper->pair.secret_key, "usurper", &err),
                     ERR_NONE);
    assert_int_equal(zsock_bind(usurper->router, endpoint, &err), ERR_NONE);
}

/* The fleet's own key is for its coordinator's user alone: here the agent is given another one. */
static void take_key(Usurper *usurper)
{
    const char *path = fleet_path(usurper->fleet, "coordinator.key");
    Err err = { 0 };
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(arena_printf(&usurper->fleet->arena, "%s.pub", path)), 0);
    assert_int_equal(key_generate(KEY_CURVE, "coordinator", &usurper->pair, &err), ERR_NONE);
    assert_int_equal(keyfile_write(&usurper->pair, path, &err), ERR_NONE);
}

int usurper_begin(void **state)
{
    Usurper *usurper = mem_alloc(sizeof(*usurper));
    if (fleet_test_begin((void **)&usurper->fleet) != 0) {
        return -1;
    }
    take_key(usurper);
    open_door(usurper);
    *state = usurper;
    return 0;
}

void usurper_take_over(Usurper *usurper)
{
    fleet_agent_start(usurper->fleet, 0, NULL);
    FLEET_AWAIT(usurper->fleet, hear(usurper) && find_target(usurper, "db1/tenant_1") != NULL);
}

int usurper_end(void **state)
{
    Usurper *usurper = *state;
    Fleet *fleet = usurper->fleet;
    zsock_done(&usurper->router);
    zmq_ctx_term(usurper->context);
    key_pair_done(&usurper->pair);
    LIST_DONE(&usurper->targets);
    LIST_DONE(&usurper->bundles);
    free(usurper);
    return fleet_test_end((void **)&fleet);
}
