/*
 * The link: turns bytes, letters and time into calls of the session (agent/core/session.h), and
 * performs the effects that come of them. It decides nothing.
 */
#include "agent/link.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/session.h"
#include "agent/dial.h"
#include "agent/facts.h"
#include "agent/instances.h"
#include "agent/letter.h"
#include "agent/plans.h"
#include "agent/starts.h"
#include "agent/workers.h"
#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "common/zsock.h"
#include "proto/address.h"

#define PLAN_REPEAT_MS 2000
#define LETTERS_PER_TURN 64

struct Link {
    Loop *loop;
    Dial *dial;
    uint64_t seq;

    Zsock box; /* letters of workers, watchers and samplers */
    LoopId box_id;
    LoopId hook_id;

    Instances *instances;
    Facts *facts;
    AgentSession *session;
    uint32_t moves_logged; /* of the session */
    Plans *plans;
    Workers *workers;
    Starts *starts;
    bool is_leaving;
};

static void perform(Link *link, const LinkEffects *effects);

/* ---- the log ---- */

/* Every change of the session once, with the rule's own words; a refusal is for
 * a person to mend. */
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
        log_info("the session moves", LOG_STR("rule", move.rule->id), LOG_STR("from", from),
                 LOG_STR("to", to), LOG_STR("why", move.rule->why));
    } else {
        log_warning("the session moves", LOG_STR("rule", move.rule->id), LOG_STR("from", from),
                    LOG_STR("to", to), LOG_STR("why", move.rule->why), LOG_STR("refusal", refusal));
    }
}

static void log_end(const State *state, const Err *err)
{
    const char *report = report_name((Report)state->report);
    if (err->code == ERR_NONE) {
        log_info("attempt ended", LOG_STR("target", state->target),
                 LOG_STR("rollout", state->rollout), LOG_STR("report", report),
                 LOG_STR("version", state->version), LOG_U64("duration_ms", state->duration_ms));
    } else {
        log_warning("attempt ended", LOG_STR("target", state->target),
                    LOG_STR("rollout", state->rollout), LOG_STR("report", report),
                    LOG_STR("version", state->version), LOG_ERR(err));
    }
}

static void log_report(const State *state)
{
    Err err = { .code = (ErrCode)state->code };
    str_copy(err.sqlstate, sizeof(err.sqlstate), state->sqlstate);
    str_copy(err.message, sizeof(err.message), state->message);
    str_copy(err.hint, sizeof(err.hint), state->hint);
    if (report_is_end((Report)state->report)) {
        log_end(state, &err);
    } else if (state->report == REPORT_UNKNOWN) {
        log_warning("outcome of a step unknown: looking for it", LOG_STR("target", state->target),
                    LOG_STR("rollout", state->rollout), LOG_STR("migration", state->migration),
                    LOG_ERR(&err));
    }
}

/* ---- orders ---- */

static void refuse(Link *link, const char *target, const Err *reason)
{
    AUTO(LinkEffects) effects = { 0 };
    const AgentOrder *order = agent_session_order(link->session, target);
    log_warning("order refused", LOG_STR("target", target),
                LOG_STR("rollout", order == NULL ? "" : order->rollout), LOG_ERR(reason));
    agent_session_refuse(link->session, target, reason, clock_boot_ms(), &effects);
    perform(link, &effects);
}

/* Nobody would know why nothing happens there. */
static void delay(Link *link, const char *target, const Err *reason)
{
    AUTO(LinkEffects) effects = { 0 };
    agent_session_delay(link->session, target, reason, clock_boot_ms(), &effects);
    perform(link, &effects);
}

/* `target_of_order` may go with the order that is refused. */
static void begin_order(Link *link, const char *target_of_order)
{
    AUTO(Arena) arena = { 0 };
    const char *target = arena_strdup(&arena, target_of_order);
    Err reason = { 0 };
    StartEnd end = starts_try(link->starts, target, &reason);
    if (end == START_REFUSED) {
        refuse(link, target, &reason);
    } else if (end == START_WAITS && reason.code != ERR_NONE) {
        delay(link, target, &reason);
    }
}

static void begin_waiting(Link *link)
{
    AUTO(Arena) arena = { 0 };
    size_t count = 0;
    const char **targets = starts_waiting(link->starts, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        begin_order(link, targets[i]);
    }
    plans_drop_refused(link->plans);
}

/* ---- effects ---- */

/*
 * A message that cannot be sent now is lost like one on the way: whatever matters is repeated. One
 * that this coordinator's version does not have is not for it.
 */
static void send_message(Link *link, const LinkEffect *effect)
{
    AUTO(Str) frame = { 0 };
    if (!message_is_of(effect->type, effect->protocol)) {
        return;
    }
    Err err;
    Envelope envelope = {
        .version = effect->protocol,
        .type = effect->type,
        .session = effect->session,
        .term = effect->term,
        .seq = ++link->seq,
        .body = effect->body,
    };
    if (envelope_encode(&envelope, MESSAGE_TO_COORDINATOR_MAX, &frame, &err) != ERR_NONE) {
        log_error("a message cannot be encoded", LOG_STR("type", message_type_name(effect->type)),
                  LOG_ERR(&err));
        return;
    }
    dial_send(link->dial, &frame);
}

/* An order that waits has no worker to withdraw it from: it has ended, and
 * the newer one may begin. */
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
        dial_again(link->dial, effect->delay_ms);
        break;
    case LINK_EFFECT_START:
        begin_order(link, effect->target);
        break;
    case LINK_EFFECT_PERMIT:
        permit(link, effect);
        break;
    case LINK_EFFECT_FORGET:
        starts_forget(link->starts, effect->target);
        break;
    case LINK_EFFECT_NONE:
    case LINK_EFFECT_KIND_COUNT_:
        break;
    }
}

/* Performing an effect may call the session again, with effects of its own: those come after in
 * time too. */
static void perform(Link *link, const LinkEffects *effects)
{
    log_move(link);
    workers_lease(link->workers, agent_session_lease_until_ms(link->session));
    LIST_EACH(effect, &effects->list) {
        perform_one(link, effect);
    }
}

/* ---- from the coordinator ---- */

static void on_connected(void *ctx)
{
    Link *link = ctx;
    AUTO(LinkEffects) effects = { 0 };
    plans_restart_requests(link->plans);
    agent_session_connected(link->session, clock_boot_ms(), &effects);
    perform(link, &effects);
}

static void on_message(void *ctx, const Zframe *frame)
{
    Link *link = ctx;
    AUTO(Arena) arena = { 0 };
    AUTO(LinkEffects) effects = { 0 };
    Envelope envelope;
    Err err;
    Bytes bytes = { zframe_data(frame), zframe_size(frame) };
    if (envelope_decode(bytes, MESSAGE_TO_AGENT_MAX, facts_view(link->facts)->protocol, &arena,
                        &envelope, &err) != ERR_NONE) {
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

/* Told with the next PING. */
static void on_trusted(void *ctx, const CoordinatorKeys *keys)
{
    facts_trust(((Link *)ctx)->facts, keys);
}

/* ---- from workers, watchers and samplers ---- */

/* Of one that was never read nothing is known. */
static bool is_another(const Identity *meant, const Identity *there)
{
    return meant->system_identifier != 0 && there->system_identifier != 0 &&
           !identity_equal(meant, there);
}

/* A whole list of its instance is at hand, and the target is not on it, or another has its name. */
static bool is_gone(void *ctx, const Address *address, const char *target)
{
    const Link *link = ctx;
    const InventoryTarget *there = facts_target(link->facts, target);
    const AgentOrder *order = agent_session_order(link->session, target);
    return facts_is_listed(link->facts, address->instance) &&
           (there == NULL || (order != NULL && is_another(&order->identity, &there->identity)));
}

/* Nobody will say how it ended: its database is gone, and the worker was told to wait for it no
 * more. */
static bool end_is_lost(Link *link, const WorkerEnd *end)
{
    return !link->is_leaving && !report_is_end(end->report) &&
           is_gone(link, &end->address, end->target);
}

static void settle_end(Link *link, const WorkerEnd *end)
{
    AUTO(LinkEffects) effects = { 0 };
    if (end_is_lost(link, end)) {
        Err reason = { 0 };
        err_set(&reason, ERR_NOT_FOUND,
                "%s is gone: its instance does not list it any more, or another one has its name",
                end->target);
        refuse(link, end->target, &reason);
        return;
    }
    agent_session_job_ended(link->session, end->target, clock_boot_ms(), &effects);
    perform(link, &effects);
}

static void take_end(Link *link, const char *target)
{
    AUTO(Arena) arena = { 0 };
    WorkerEnd end;
    if (!workers_ended(link->workers, target, &arena, &end)) {
        return;
    }
    plans_release(link->plans, end.plan);
    const Instance *instance = instances_find(link->instances, end.address.instance);
    if (instance != NULL) {
        watcher_look_soon(instance->watcher, end.address.database);
    }
    settle_end(link, &end);
    begin_waiting(link);
    if (link->is_leaving && workers_count(link->workers) == 0) {
        loop_stop(link->loop);
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
    workers_withdraw_idle(link->workers, is_gone, link);
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
    case MESSAGE_HEALTH:
        agent_session_pass(link->session, letter->envelope.type, letter->envelope.body, effects);
        break;
    case MESSAGE_HELLO:
        has_changed =
            facts_take_server(link->facts, ((const Hello *)letter->envelope.body)->instances);
        break;
    case MESSAGE_INVENTORY:
        has_changed = facts_take_page(link->facts, letter->from, letter->envelope.body);
        break;
    default:
        break;
    }
    if (has_changed) {
        agent_session_facts_changed(link->session, now_ms, effects);
        workers_withdraw_idle(link->workers, is_gone, link);
        begin_waiting(link);
    }
}

static void on_letter(void *ctx, void *box)
{
    Link *link = ctx;
    for (int i = 0; i < LETTERS_PER_TURN; i++) {
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
    if (plans_is_fetching(link->plans) && wait_ms > PLAN_REPEAT_MS) {
        wait_ms = PLAN_REPEAT_MS;
    }
    return wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
}

/* ---- life ---- */

static uint64_t seed_new(void)
{
    uint64_t seed = 0;
    randombytes_buf(&seed, sizeof(seed));
    return seed;
}

static void open_session(Link *link, const AgentConfig *config, const char *name)
{
    uint8_t boot_id[BOOT_ID_BYTES];
    randombytes_buf(boot_id, sizeof(boot_id));
    link->facts = facts_new(config, name, boot_id);
    link->session = agent_session_new(facts_view(link->facts), seed_new(), clock_boot_ms());
}

static ErrCode open_box(Link *link, void *context, Err *err)
{
    ErrCode code = letter_box_open(context, &link->box, err);
    if (code == ERR_NONE) {
        link->box_id = loop_add_socket(link->loop, link->box, on_letter, link);
        link->hook_id = loop_add_hook(link->loop, before_poll, link);
    }
    return code;
}

static void open_starts(Link *link, const AgentConfig *config, const char *agent)
{
    StartsParts parts = {
        .session = link->session,
        .facts = link->facts,
        .plans = link->plans,
        .workers = link->workers,
        .instances = link->instances,
        .workers_max = agent_config_workers_max(config),
        .agent = agent,
        .seed = seed_new(),
    };
    link->starts = starts_new(&parts);
}

ErrCode link_new(const AgentConfig *config, const KeyPair *key, void *context, Loop *loop,
                 Link **ret_link, Err *err)
{
    AUTO_PTR(Link) link = mem_alloc(sizeof(Link));
    link->loop = loop;
    open_session(link, config, key->name);
    link->plans = plans_new(&config->trust);
    link->workers = workers_new(context, key->name, config->blocked_retries);
    ErrCode code = open_box(link, context, err);
    if (code == ERR_NONE) {
        code = instances_open(config, context, &link->instances, err);
    }
    if (code == ERR_NONE) {
        DialHooks hooks = {
            .connected = on_connected, .message = on_message, .ctx = link, .trusted = on_trusted
        };
        open_starts(link, config, key->name);
        link->dial = dial_new(config, key, context, loop, seed_new(), &hooks);
        *ret_link = TAKE(link);
    }
    return code;
}

void link_free(Link *link)
{
    if (link == NULL) {
        return;
    }
    instances_close(link->instances); /* their threads write letters to their end */
    dial_free(link->dial);
    loop_remove(link->loop, link->box_id);
    loop_remove(link->loop, link->hook_id);
    zsock_done(&link->box);
    starts_free(link->starts);
    workers_free(link->workers);
    plans_free(link->plans);
    agent_session_free(link->session);
    facts_free(link->facts);
    free(link);
}

void link_leave(Link *link, const char *reason)
{
    AUTO(LinkEffects) effects = { 0 };
    agent_session_bye(link->session, reason, &effects);
    perform(link, &effects);
    dial_part(link->dial);
    link->is_leaving = true;
    starts_close(link->starts);
    workers_withdraw(link->workers);
    if (workers_count(link->workers) == 0) {
        loop_stop(link->loop);
    } else {
        log_info("waiting for running steps to end",
                 LOG_U64("workers", workers_count(link->workers)));
    }
}
