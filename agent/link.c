/*
 * The link: turns bytes, letters and time into calls of the session (agent/core/session.h), and performs
 * the effects that come of them. It decides nothing.
 */
#include "agent/link.h"

#include <sodium.h>
#include <string.h>

#include "agent/admit.h"
#include "agent/core/session.h"
#include "agent/facts.h"
#include "agent/letter.h"
#include "agent/plans.h"
#include "agent/watcher.h"
#include "agent/workers.h"
#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "common/map.h"
#include "common/random.h"
#include "common/zsock.h"
#include "proto/address.h"

/* Reconnects of the socket itself are random per agent, so that a restart of the coordinator meets no herd. */
#define RECONNECT_MIN_MS 1000
#define RECONNECT_MAX_MS 3000
#define OVERDUE_MS 10000 /* without a connection for so long: a person should know, and a new socket tries */

#define PLAN_REPEAT_MS 2000
#define MESSAGES_PER_TURN 64

typedef struct Instance {
    const AgentInstanceConfig *config;
    ConnSource *source;
    ConnPool *pool;
    Watcher *watcher;
} Instance;

struct Link {
    const AgentConfig *config;
    const KeyPair *key;
    void *context;
    Loop *loop;
    Random random;

    Zsock socket; /* NULL between a close and the next try */
    LoopId socket_id;
    bool has_connected; /* the socket has had a connection: the session knows of it */
    TimerId reopen;
    TimerId overdue;
    bool is_overdue_told;
    uint64_t seq;

    Zsock box;
    LoopId box_id;
    LoopId hook_id;

    Instance *instances;
    size_t instance_count;
    Facts *facts;
    AgentSession *session;
    uint32_t moves_logged; /* of the session */
    Plans *plans;
    Map *waiting; /* targets whose order waits for its plan, its instance's list or a place there; no values */
    Workers *workers;
    bool is_leaving;
};

static void perform(Link *link, const LinkEffects *effects);

/* ---- the socket ---- */

static void on_ready(void *ctx, void *socket);
static void reconnect(Link *link, uint32_t delay_ms);

/*
 * libzmq tells nobody why it cannot connect. It goes on trying where nobody listens, but never again where it was
 * refused: once this agent's key is in agents_dir, only a new socket gets in.
 */
static void on_overdue(void *ctx, uint64_t now_ms)
{
    Link *link = ctx;
    (void)now_ms;
    link->overdue = 0;
    if (!link->is_overdue_told) {
        log_warning("no connection to the coordinator: does it run, and is this agent's key in its agents_dir?",
                    LOG_STR("coordinator", link->config->coordinator));
        link->is_overdue_told = true;
    }
    reconnect(link, (uint32_t)random_between(&link->random, RECONNECT_MIN_MS, RECONNECT_MAX_MS));
}

static ErrCode open_socket(Link *link, Err *err)
{
    AUTO(Zsock) socket = NULL;
    int interval = (int)random_between(&link->random, RECONNECT_MIN_MS, RECONNECT_MAX_MS);
    ErrCode code = zsock_open(link->context, ZMQ_DEALER, ZSOCK_DEALER_OPTIONS, ZSOCK_DEALER_OPTION_COUNT, &socket, err);
    if (code == ERR_NONE) {
        code = zsock_set_int(socket, ZMQ_RECONNECT_IVL, interval, err);
    }
    if (code == ERR_NONE) {
        code = zsock_curve_client(socket, link->config->coordinator_public, link->key->public_key,
                                  link->key->secret_key, err);
    }
    if (code == ERR_NONE) {
        code = zsock_connect(socket, link->config->coordinator, err);
    }
    if (code == ERR_NONE) {
        link->socket = TAKE(socket);
        link->socket_id = loop_add_socket(link->loop, link->socket, on_ready, link);
        link->has_connected = false;
        link->overdue = loop_after(link->loop, OVERDUE_MS, on_overdue, link);
        loop_set_events(link->loop, link->socket_id, ZMQ_POLLIN | ZMQ_POLLOUT);
    }
    return code;
}

static void close_socket(Link *link)
{
    if (link->socket != NULL) {
        loop_remove(link->loop, link->socket_id);
        loop_cancel(link->loop, link->overdue);
        zsock_done(&link->socket);
    }
}

static void reopen(void *ctx, uint64_t now_ms)
{
    Link *link = ctx;
    Err err;
    (void)now_ms;
    link->reopen = 0;
    if (open_socket(link, &err) != ERR_NONE) {
        log_error("cannot open the socket to the coordinator", LOG_ERR(&err));
        link->reopen = loop_after(link->loop, RECONNECT_MAX_MS, reopen, link);
    }
}

/* Writable for the first time: the handshake is through. Said earlier, a HELLO would be dropped. */
static void greet(Link *link)
{
    AUTO(LinkEffects) effects = { 0 };
    if (link->is_overdue_told) {
        log_info("connected to the coordinator", LOG_STR("coordinator", link->config->coordinator));
        link->is_overdue_told = false;
    }
    link->has_connected = true;
    loop_cancel(link->loop, link->overdue);
    loop_set_events(link->loop, link->socket_id, ZMQ_POLLIN);
    plans_restart_requests(link->plans);
    agent_session_connected(link->session, clock_boot_ms(), &effects);
    perform(link, &effects);
}

static void reconnect(Link *link, uint32_t delay_ms)
{
    close_socket(link);
    if (link->reopen == 0 && !link->is_leaving) {
        link->reopen = loop_after(link->loop, delay_ms, reopen, link);
    }
}

/* A message that cannot be sent now is lost like one on the way: whatever matters is repeated. */
static void send_message(Link *link, const LinkEffect *effect)
{
    AUTO(Str) frame = { 0 };
    Err err;
    Envelope envelope = {
        .version = PROTOCOL_VERSION_MAX,
        .type = effect->type,
        .session = effect->session,
        .term = effect->term,
        .seq = ++link->seq,
        .body = effect->body,
    };
    if (link->socket == NULL) {
        return;
    }
    if (envelope_encode(&envelope, MESSAGE_TO_COORDINATOR_MAX, &frame, &err) != ERR_NONE) {
        log_error("a message cannot be encoded", LOG_STR("type", message_type_name(effect->type)), LOG_ERR(&err));
        return;
    }
    zsock_send(link->socket, str_text(&frame), frame.length, NULL);
}

/* ---- orders: plan, admission, worker ---- */

static const Instance *find_instance(const Link *link, const char *name)
{
    for (size_t i = 0; i < link->instance_count; i++) {
        if (strcmp(link->instances[i].config->name, name) == 0) {
            return &link->instances[i];
        }
    }
    return NULL;
}

static void refuse(Link *link, const char *target, const AgentOrder *order, const Err *reason)
{
    AUTO(LinkEffects) effects = { 0 };
    log_warning("order refused", LOG_STR("target", target), LOG_STR("rollout", order->rollout), LOG_ERR(reason));
    agent_session_refuse(link->session, target, reason, clock_boot_ms(), &effects);
    perform(link, &effects);
}

static ErrCode start_worker(Link *link, const AgentOrder *order, const HeldPlan *plan, Err *err)
{
    AUTO(Arena) arena = { 0 };
    Address address;
    ErrCode code = address_parse(order->target, &arena, &address, err);
    const Instance *instance = code == ERR_NONE ? find_instance(link, address.instance) : NULL;
    if (code != ERR_NONE || instance == NULL) {
        return code != ERR_NONE ? code
                                : err_set(err, ERR_NOT_FOUND, "this agent has no instance '%s'", address.instance);
    }
    WorkerStart start = {
        .order = order,
        .permit = { .goal = order->goal, .revision = order->stamp.revision, .may_start = true },
        .plan = plan,
        .source = instance->source,
        .watch = instance->pool,
        .seed = random_next(&link->random),
    };
    code = workers_start(link->workers, &start, err);
    if (code == ERR_NONE) {
        plans_hold(link->plans, plan);
    }
    return code;
}

/*
 * After a restart an order may come before its instance has been looked at, or while that is down. And a
 * coordinator may order more than there may be connections: a thread that waits for one would spend the
 * time allowed to its target.
 */
static bool must_instance_wait(const Link *link, const char *target)
{
    AUTO(Arena) arena = { 0 };
    Address address;
    const Instance *instance = address_parse(target, &arena, &address, &(Err){ 0 }) == ERR_NONE
                                   ? find_instance(link, address.instance)
                                   : NULL;
    return instance != NULL && (!facts_is_listed(link->facts, address.instance) ||
                                workers_busy(link->workers, instance->source) >=
                                    conn_source_migrations_max(instance->source));
}

/* Starts the target's order as it is now, or leaves it waiting. */
static void begin_order(Link *link, const char *target_of_effect)
{
    AUTO(Arena) arena = { 0 };
    const char *target = arena_strdup(&arena, target_of_effect); /* the order may go with its refusal */
    const AgentOrder *order = agent_session_order(link->session, target);
    if (order == NULL || link->is_leaving || workers_has(link->workers, target)) {
        map_remove(link->waiting, target);
        return;
    }
    const HeldPlan *plan = NULL;
    Err err = { 0 };
    PlanFetch fetch = plans_want(link->plans, order->plan_hash, &plan, &err);
    bool may_run = fetch == PLAN_FETCH_READY && plan->is_trusted; /* else it is refused at once */
    if (fetch == PLAN_FETCH_UNDER_WAY || (may_run && must_instance_wait(link, target))) {
        map_put(link->waiting, target, NULL);
        return;
    }
    map_remove(link->waiting, target);
    ErrCode code = err.code;
    if (fetch == PLAN_FETCH_READY) {
        code = admit(order, plan, link->facts, link->key->name, &err);
    }
    if (code == ERR_NONE) {
        code = start_worker(link, order, plan, &err);
    }
    if (code != ERR_NONE) {
        refuse(link, target, order, &err);
    } else {
        log_info("attempt begins", LOG_STR("target", target), LOG_STR("rollout", order->rollout),
                 LOG_U64("attempt", order->stamp.attempt), LOG_STR("goal", goal_name(order->goal)));
    }
}

/*
 * A plan has come, or will not, an instance is listed, or a place is free: every target that waits is looked
 * at again, in the order of their coming.
 */
static void begin_waiting(Link *link)
{
    AUTO(Arena) arena = { 0 };
    size_t count = map_count(link->waiting);
    const char **targets = ARENA_ARRAY(&arena, const char *, count);
    void *cursor = NULL;
    void *value = NULL;
    const char *target = NULL;
    for (size_t i = 0; map_next(link->waiting, &cursor, &target, &value); i++) {
        targets[i] = arena_strdup(&arena, target);
    }
    for (size_t i = 0; i < count; i++) {
        begin_order(link, targets[i]);
    }
    plans_drop_refused(link->plans);
}

/* ---- effects ---- */

/* An order that waits has no worker to withdraw it from: it has ended, and the newer one may begin. */
static void permit(Link *link, const LinkEffect *effect)
{
    bool has_worker = workers_permit(link->workers, effect->target, effect->permit);
    if (!has_worker && effect->permit.goal == GOAL_NONE) {
        AUTO(LinkEffects) effects = { 0 };
        agent_session_job_ended(link->session, effect->target, clock_boot_ms(), &effects);
        perform(link, &effects);
    }
}

static void perform_one(Link *link, const LinkEffect *effect)
{
    switch (effect->kind) {
    case LINK_EFFECT_SEND:
        send_message(link, effect);
        break;
    case LINK_EFFECT_RECONNECT:
        log_info("connecting again", LOG_U64("delay_ms", effect->delay_ms));
        reconnect(link, effect->delay_ms);
        break;
    case LINK_EFFECT_START:
        begin_order(link, effect->target);
        break;
    case LINK_EFFECT_PERMIT:
        permit(link, effect);
        break;
    case LINK_EFFECT_FORGET:
        map_remove(link->waiting, effect->target);
        break;
    case LINK_EFFECT_NONE:
    case LINK_EFFECT_KIND_COUNT_:
        break;
    }
}

/* Every change of the session once, with the rule's own words; a refusal is for a person to mend. */
static void log_move(Link *link)
{
    JobMove move;
    uint32_t moves = agent_session_last_move(link->session, &move);
    if (moves == link->moves_logged) {
        return;
    }
    link->moves_logged = moves;
    const char *refusal = agent_session_refusal(link->session);
    if (move.from == move.to) {
        return;
    }
    const char *from = agent_session_state_name(move.from);
    const char *to = agent_session_state_name(move.to);
    if (refusal[0] == '\0') {
        log_info("the session moves", LOG_STR("rule", move.rule->id), LOG_STR("from", from), LOG_STR("to", to),
                 LOG_STR("why", move.rule->why));
    } else {
        log_warning("the session moves", LOG_STR("rule", move.rule->id), LOG_STR("from", from), LOG_STR("to", to),
                    LOG_STR("why", move.rule->why), LOG_STR("refusal", refusal));
    }
}

/* Performing an effect may call the session again, with effects of its own: those come after in time too. */
static void perform(Link *link, const LinkEffects *effects)
{
    log_move(link);
    workers_lease(link->workers, agent_session_lease_until_ms(link->session));
    LIST_EACH(effect, &effects->list)
    {
        perform_one(link, effect);
    }
}

/* ---- what comes in ---- */

static void take_message(Link *link, const Zframe *frame)
{
    AUTO(Arena) arena = { 0 };
    AUTO(LinkEffects) effects = { 0 };
    Envelope envelope;
    Err err;
    Bytes bytes = { zframe_data(frame), zframe_size(frame) };
    if (envelope_decode(bytes, MESSAGE_TO_AGENT_MAX, &arena, &envelope, &err) != ERR_NONE) {
        log_warning("a message of the coordinator cannot be read", LOG_ERR(&err));
        return;
    }
    if (envelope.type == MESSAGE_PLAN_CHUNK) {
        if (plans_take(link->plans, envelope.body)) {
            begin_waiting(link);
        }
        return;
    }
    agent_session_take(link->session, &envelope, clock_boot_ms(), &effects);
    perform(link, &effects);
}

static void on_ready(void *ctx, void *socket)
{
    Link *link = ctx;
    if (!link->has_connected) {
        greet(link);
    }
    for (int i = 0; i < MESSAGES_PER_TURN && link->socket == socket; i++) {
        AUTO(Zframe) frame = zframe_empty();
        Err err;
        ZsockResult result = zsock_receive(socket, &frame, &err);
        if (result == ZSOCK_MALFORMED) {
            continue;
        }
        if (result != ZSOCK_OK) {
            return;
        }
        take_message(link, &frame);
    }
}

static void take_end(Link *link, const char *target)
{
    AUTO(LinkEffects) effects = { 0 };
    AUTO(Arena) arena = { 0 };
    Address address;
    const HeldPlan *plan = workers_ended(link->workers, target);
    if (plan == NULL) {
        return; /* a watcher's last letter */
    }
    plans_release(link->plans, plan);
    if (address_parse(target, &arena, &address, &(Err){ 0 }) == ERR_NONE) {
        const Instance *instance = find_instance(link, address.instance);
        if (instance != NULL) {
            watcher_look_soon(instance->watcher, address.database);
        }
    }
    agent_session_job_ended(link->session, target, clock_boot_ms(), &effects);
    perform(link, &effects);
    begin_waiting(link);
    if (link->is_leaving && workers_count(link->workers) == 0) {
        loop_stop(link->loop);
    }
}

static void log_report(const State *state)
{
    if (!report_is_end((Report)state->report) && state->report != REPORT_UNKNOWN) {
        return;
    }
    Err err = { .code = (ErrCode)state->code };
    str_copy(err.sqlstate, sizeof(err.sqlstate), state->sqlstate);
    str_copy(err.message, sizeof(err.message), state->message);
    str_copy(err.hint, sizeof(err.hint), state->hint);
    const char *report = report_name((Report)state->report);
    if (err.code == ERR_NONE) {
        log_info("attempt ended", LOG_STR("target", state->target), LOG_STR("rollout", state->rollout),
                 LOG_STR("report", report), LOG_STR("version", state->version),
                 LOG_U64("duration_ms", state->duration_ms));
    } else {
        log_warning("attempt ended", LOG_STR("target", state->target), LOG_STR("rollout", state->rollout),
                    LOG_STR("report", report), LOG_STR("version", state->version), LOG_ERR(&err));
    }
}

static void take_report(Link *link, const Letter *letter, uint64_t now_ms, LinkEffects *effects)
{
    const State *state = letter->envelope.body;
    log_report(state);
    agent_session_report(link->session, state, now_ms, effects);
    if (workers_note_report(link->workers, letter->from, (Report)state->report)) {
        begin_waiting(link);
    }
}

static void take_letter(Link *link, const Letter *letter, LinkEffects *effects)
{
    uint64_t now_ms = clock_boot_ms();
    bool has_changed = false;
    switch (letter->envelope.type) {
    case MESSAGE_STATE:
        FAILPOINT("agent.before_report");
        take_report(link, letter, now_ms, effects);
        break;
    case MESSAGE_PROGRESS:
        agent_session_pass(link->session, MESSAGE_PROGRESS, letter->envelope.body, effects);
        break;
    case MESSAGE_HELLO:
        has_changed = facts_take_server(link->facts, ((const Hello *)letter->envelope.body)->instances);
        break;
    case MESSAGE_INVENTORY:
        has_changed = facts_take_page(link->facts, letter->from, letter->envelope.body);
        break;
    default:
        break;
    }
    if (has_changed) {
        agent_session_facts_changed(link->session, now_ms, effects);
        begin_waiting(link);
    }
}

static void on_letter(void *ctx, void *box)
{
    Link *link = ctx;
    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(LinkEffects) effects = { 0 };
        Letter letter;
        Err err;
        ZsockResult result = letter_receive(box, &arena, &letter, &err);
        if (result == ZSOCK_WOULD_BLOCK) {
            return;
        }
        if (result != ZSOCK_OK) {
            log_error("a letter of our own cannot be read", LOG_ERR(&err));
            continue;
        }
        if (letter.is_end) {
            take_end(link, letter.from);
            continue;
        }
        take_letter(link, &letter, &effects);
        perform(link, &effects);
    }
}

/* ---- time ---- */

static void ask_for_plans(Link *link, uint64_t now_ms)
{
    PlanGet get;
    while (plans_next_request(link->plans, now_ms, PLAN_REPEAT_MS, &get)) {
        AUTO(LinkEffects) effects = { 0 };
        agent_session_pass(link->session, MESSAGE_PLAN_GET, &get, &effects);
        perform(link, &effects);
    }
}

/* Before each poll: what is due now, and how long to wait for what is due next. */
static int before_poll(void *ctx, uint64_t now_ms)
{
    Link *link = ctx;
    if (agent_session_next_deadline_ms(link->session) <= now_ms) {
        AUTO(LinkEffects) effects = { 0 };
        agent_session_tick(link->session, now_ms, &effects);
        perform(link, &effects);
    }
    ask_for_plans(link, now_ms);
    uint64_t next_ms = agent_session_next_deadline_ms(link->session);
    uint64_t wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;
    if (map_count(link->waiting) > 0 && wait_ms > PLAN_REPEAT_MS) {
        wait_ms = PLAN_REPEAT_MS;
    }
    return wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
}

/* ---- life ---- */

static ErrCode open_instance(Link *link, size_t index, Err *err)
{
    Instance *instance = &link->instances[index];
    instance->config = &link->config->instances[index];
    AUTO_PTR(Secret) connection = secret_new(instance->config->connection);
    ErrCode code = conn_source_new(connection, PASSWORD_ELSEWHERE, link->config->connections_per_instance,
                                   &instance->source, err);
    if (code == ERR_NONE) {
        instance->pool = conn_pool_new(instance->source, NULL);
        code = watcher_start(link->context, instance->config, instance->source, instance->pool,
                             &instance->watcher, err);
    }
    return code == ERR_NONE ? code : err_wrap(err, "instance %s", instance->config->name);
}

static void open_session(Link *link)
{
    uint8_t boot_id[BOOT_ID_BYTES];
    randombytes_buf(boot_id, sizeof(boot_id));
    uint64_t seed = 0;
    randombytes_buf(&seed, sizeof(seed));
    random_init(&link->random, seed);
    link->facts = facts_new(link->config, boot_id);
    link->session = agent_session_new(facts_view(link->facts), random_next(&link->random), clock_boot_ms());
}

ErrCode link_new(const AgentConfig *config, const KeyPair *key, void *context, Loop *loop, Link **ret_link, Err *err)
{
    AUTO_PTR(Link) link = mem_alloc(sizeof(Link));
    link->config = config;
    link->key = key;
    link->context = context;
    link->loop = loop;
    open_session(link);
    link->plans = plans_new((const uint8_t(*)[SIGN_PUBLIC_BYTES])config->signers, config->trusted_signer_count);
    link->waiting = map_new();
    link->workers = workers_new(context, key->name, config->blocked_retries);
    link->instances = mem_alloc(config->instance_count * sizeof(Instance));
    ErrCode code = letter_box_open(context, &link->box, err);
    if (code != ERR_NONE) {
        return code;
    }
    link->box_id = loop_add_socket(loop, link->box, on_letter, link);
    link->hook_id = loop_add_hook(loop, before_poll, link);
    for (size_t i = 0; i < config->instance_count && code == ERR_NONE; i++) {
        link->instance_count++;
        code = open_instance(link, i, err);
    }
    if (code == ERR_NONE) {
        link->reopen = loop_after(loop, 0, reopen, link);
        *ret_link = TAKE(link);
    }
    return code;
}

void link_free(Link *link)
{
    for (size_t i = 0; i < link->instance_count; i++) {
        watcher_ask_to_stop(link->instances[i].watcher);
    }
    for (size_t i = 0; i < link->instance_count; i++) {
        watcher_stop(link->instances[i].watcher);
        conn_pool_free(link->instances[i].pool);
        conn_source_free(link->instances[i].source);
    }
    loop_cancel(link->loop, link->reopen);
    close_socket(link);
    loop_remove(link->loop, link->box_id);
    loop_remove(link->loop, link->hook_id);
    zsock_done(&link->box);
    workers_free(link->workers);
    map_free(link->waiting);
    plans_free(link->plans);
    agent_session_free(link->session);
    facts_free(link->facts);
    free(link->instances);
    free(link);
}

void link_leave(Link *link, const char *reason)
{
    AUTO(LinkEffects) effects = { 0 };
    agent_session_bye(link->session, reason, &effects);
    perform(link, &effects);
    link->is_leaving = true;
    workers_withdraw(link->workers);
    if (workers_count(link->workers) == 0) {
        loop_stop(link->loop);
    } else {
        log_info("waiting for running steps to end", LOG_U64("workers", workers_count(link->workers)));
    }
}
