/* The batch: events in, one commit, effects out; and what happens when the commit fails. */
#include "coordinator/shell.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/list.h"
#include "common/log.h"
#include "common/random.h"
#include "coordinator/batch.h"
#include "coordinator/load.h"
#include "coordinator/reckoning.h"

#define BATCH_EVENTS_MAX 1024 /* beyond it messages are dropped: agents repeat what matters */
#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 5000
#define RETRY_JITTER_PERCENT 20

/* Events that wait for their step, and what they point to. */
typedef struct Inbox {
    Arena arena;
    LIST(Event) events;
} Inbox;

static void inbox_done(Inbox *inbox)
{
    arena_done(&inbox->arena);
    LIST_DONE(&inbox->events);
}

AUTO_DEFINE(Inbox, inbox_done)

struct Shell {
    EngineConfig config;
    Loop *loop;
    LoopId hook;
    Store *store;
    Engine *engine;
    ShellPorts ports;
    uint64_t term;
    uint64_t last_seq;
    uint64_t started_ms;
    Inbox inbox;
    Meters meters;
    bool is_performing; /* a batch's effects: nothing is stepped until they are through */

    /* Read-only: the batch that the store has not taken, and why. */
    bool is_read_only;
    bool is_reload_due; /* a higher term was seen, and the store has not given us ours yet */
    Err reason;
    Effects pending;
    Deed *pending_deed; /* in its arena; NULL: it has none */
    TimerId retry;
    uint32_t retry_ms;
    Reckoning reckoning; /* what time it is for the engine */
    Random random;
    uint64_t audit_dropped; /* refused requests that no audit row tells of yet */

    bool is_fatal;
    Err fatal;
};

uint64_t shell_now_ms(const Shell *shell)
{
    return reckoning_now_ms(&shell->reckoning, loop_clock_ms(shell->loop));
}

/* ---- effects ---- */

static void perform_one(Shell *shell, const Effect *effect)
{
    const ShellPorts *ports = &shell->ports;
    if (effect->kind == EFFECT_PUBLISH_EVENT) {
        batch_log_event(effect->event);
        meters_event(&shell->meters, effect->event);
    } else if (effect->kind == EFFECT_PERSIST_PLAN && ports->plan_kept != NULL) {
        ports->plan_kept(ports->ctx, effect->plan->hash);
    } else if (effect->kind == EFFECT_SEND && ports->send != NULL) {
        FAILPOINT("shell.before_send");
        ports->send(ports->ctx, &effect->send);
    } else if (effect->kind == EFFECT_CLOSE_SESSION && ports->close != NULL) {
        ports->close(ports->ctx, effect->close_connection);
    }
}

/* Everything in the batch is durable now. */
static void perform(Shell *shell, const Effects *effects, uint64_t last_seq)
{
    bool has_news = last_seq != shell->last_seq;
    shell->last_seq = last_seq;
    shell->is_performing = true;
    for (size_t i = 0; i < effects->list.count; i++) {
        perform_one(shell, &effects->list.items[i]);
    }
    if (has_news && shell->ports.published != NULL) {
        shell->ports.published(shell->ports.ctx, shell->last_seq);
    }
    shell->is_performing = false;
}

static void stop_for_good(Shell *shell, const Err *err)
{
    shell->is_fatal = true;
    shell->fatal = *err;
    loop_stop(shell->loop);
}

/* ---- read-only ---- */

static void on_retry(void *ctx, uint64_t now_ms);

static void arm_retry(Shell *shell)
{
    uint64_t delay_ms = random_jitter(&shell->random, shell->retry_ms, RETRY_JITTER_PERCENT);
    shell->retry = loop_after(shell->loop, delay_ms, on_retry, shell);
    shell->retry_ms = shell->retry_ms * 2 < RETRY_MAX_MS ? shell->retry_ms * 2 : RETRY_MAX_MS;
}

static void enter_read_only(Shell *shell, const Err *err)
{
    reckoning_stop(&shell->reckoning, loop_clock_ms(shell->loop));
    shell->is_read_only = true;
    shell->reason = *err;
    shell->retry_ms = RETRY_FIRST_MS;
    inbox_done(&shell->inbox);
    log_error("the store takes no writes: read-only until it does", LOG_ERR(err));
    arm_retry(shell);
}

static void leave_read_only(Shell *shell)
{
    uint64_t outage_ms = reckoning_go_on(&shell->reckoning, loop_clock_ms(shell->loop));
    shell->is_read_only = false;
    shell->retry = 0;
    log_info("the store takes writes again", LOG_U64("outage_ms", outage_ms));
    if (shell->ports.resumed != NULL) {
        shell->ports.resumed(shell->ports.ctx);
    }
}

/* ---- terms ---- */

/* A term has been taken: what is ordered from here on is ordered by this process. */
static ErrCode audit_term(Shell *shell, const char *action, Err *err)
{
    const Effects nothing = { 0 };
    AUTO(Arena) arena = { 0 };
    Deed deed = batch_term_deed(action, shell->term, &arena);
    ErrCode code = shell->store->ops->commit(shell->store, &nothing, &deed, &shell->last_seq, err);
    if (code == ERR_NONE) {
        batch_log_audit(&deed.audit);
    }
    return code;
}

/* From the store anew, under a term above all that have been seen. The old
 * engine stays on error. */
static ErrCode reload(Shell *shell, Err *err)
{
    Engine *engine = NULL;
    uint64_t term = 0;
    uint64_t seen = engine_term_seen(shell->engine);
    ErrCode code =
        load_engine(shell->store, &shell->config, seen, shell_now_ms(shell), &engine, &term, err);
    if (code != ERR_NONE) {
        return code;
    }
    log_warning("a higher term was seen in the fleet: taken over from it", LOG_U64("seen", seen),
                LOG_U64("term", term));
    engine_free(shell->engine);
    shell->engine = engine;
    shell->term = term;
    code = audit_term(shell, "coordinator reload", err);
    shell->is_reload_due = code != ERR_NONE;
    return code;
}

static void reload_if_due(Shell *shell)
{
    Err err = { 0 };
    if (engine_term_seen(shell->engine) == 0) {
        return;
    }
    if (reload(shell, &err) != ERR_NONE) {
        shell->is_reload_due = true;
        enter_read_only(shell, &err);
    } else if (shell->ports.resumed != NULL) {
        shell->ports.resumed(shell->ports.ctx);
    }
}

/* ---- the batch ---- */

static ErrCode write_batch(Shell *shell, const Effects *effects, Deed *deed, uint64_t *last_seq,
                           Err *err)
{
    uint64_t began_us = clock_boot_us();
    ErrCode code = shell->store->ops->commit(shell->store, effects, deed, last_seq, err);
    histogram_add(&shell->meters.commits, &METER_LATENCIES, clock_boot_us() - began_us);
    shell->meters.commits_failed += code != ERR_NONE;
    return code;
}

/* On success the effects have been performed and released. */
static ErrCode commit(Shell *shell, Effects *effects, Deed *deed, Err *err)
{
    uint64_t last_seq = shell->last_seq;
    ErrCode code = ERR_NONE;
    if (deed != NULL || batch_is_durable(effects)) {
        code = write_batch(shell, effects, deed, &last_seq, err);
    }
    if (code == ERR_NONE && deed != NULL) {
        batch_log_audit(&deed->audit);
    }
    if (code == ERR_NONE) {
        perform(shell, effects, last_seq);
        effects_done(effects);
    }
    return code;
}

/* The batch that the store has not taken, whole: its audit row too. Takes over `effects`. */
static void keep(Shell *shell, Effects *effects, Deed *deed)
{
    shell->pending = *effects;
    *effects = (Effects){ 0 };
    shell->pending_deed = NULL;
    if (deed != NULL) {
        shell->pending_deed = ARENA_NEW(&shell->pending.arena, Deed);
        shell->pending_deed->audit = audit_copy(&deed->audit, &shell->pending.arena);
        if (deed->token != NULL) {
            TokenRow *token = ARENA_NEW(&shell->pending.arena, TokenRow);
            *token = token_copy(deed->token, &shell->pending.arena);
            shell->pending_deed->token = token;
        }
        if (deed->invitation != NULL) {
            InvitationRow *invitation = ARENA_NEW(&shell->pending.arena, InvitationRow);
            *invitation = invitation_copy(deed->invitation, &shell->pending.arena);
            shell->pending_deed->invitation = invitation;
        }
        deed->is_waiting = true;
    }
}

/* The row that waits in the place of a deed that is not to be done later. */
static void give_up_deed(Deed *deed, const AuditRow *otherwise)
{
    AuditRow row = *otherwise;
    row.time_ms = deed->audit.time_ms;
    row.dropped = deed->audit.dropped;
    *deed = (Deed){ .audit = row };
}

/* Commits a fresh batch; when the store does not take it, it is kept, with the row `otherwise` for
 * its deed where there is one. Takes over `effects`. */
static ErrCode commit_or_keep(Shell *shell, Effects *effects, Deed *deed, const AuditRow *otherwise,
                              Err *err)
{
    if (deed != NULL) {
        deed->audit.time_ms = clock_wall_ms();
        deed->audit.dropped = shell->audit_dropped;
        shell->audit_dropped = 0;
    }
    ErrCode code = commit(shell, effects, deed, err);
    if (code == ERR_STORE_TERM) {
        stop_for_good(shell, err);
        effects_done(effects);
    } else if (code != ERR_NONE) {
        if (otherwise != NULL) {
            give_up_deed(deed, otherwise);
        }
        keep(shell, effects, deed);
        enter_read_only(shell, err);
    } else {
        reload_if_due(shell);
    }
    return code;
}

static void on_retry(void *ctx, uint64_t now_ms)
{
    (void)now_ms;
    Shell *shell = ctx;
    Err err = { 0 };
    ErrCode code = commit(shell, &shell->pending, shell->pending_deed, &err);
    shell->pending_deed = code == ERR_NONE ? NULL : shell->pending_deed;
    if (code == ERR_NONE && (shell->is_reload_due || engine_term_seen(shell->engine) != 0)) {
        code = reload(shell, &err);
    }
    if (code == ERR_STORE_TERM) {
        stop_for_good(shell, &err);
    } else if (code != ERR_NONE) {
        shell->reason = err;
        arm_retry(shell);
    } else {
        leave_read_only(shell);
    }
}

/* ---- stepping ---- */

static uint64_t tell_now_ms(Shell *shell)
{
    uint64_t stall_ms = 0;
    uint64_t now_ms = reckoning_tell_ms(&shell->reckoning, loop_clock_ms(shell->loop),
                                        engine_next_deadline_ms(shell->engine),
                                        shell->config.heartbeat_ms, &stall_ms);
    if (stall_ms > 0) {
        log_warning("the coordinator did not run for a while: nobody's silence in it counts",
                    LOG_U64("at_most_ms", stall_ms));
    }
    return now_ms;
}

static void count_message(Shell *shell, const Event *event)
{
    const Engine *engine = shell->engine;
    shell->meters.messages[event->kind]++;
    if (event->kind == EVENT_STATE &&
        engine_is_in_session(engine, event->agent, event->connection, event->session)) {
        const State *state = event->state;
        meters_report(&shell->meters, engine_target_find(engine, state->rollout, state->target),
                      state);
    }
}

static ErrCode step(Shell *shell, Event *event, Effects *effects, Err *err)
{
    count_message(shell, event);
    event->now_ms = tell_now_ms(shell);
    event->wall_ms = clock_wall_ms();
    event->deaf_ms = shell->reckoning.lost_ms;
    return engine_step(shell->engine, event, effects, err);
}

static void step_tick_if_due(Shell *shell, Effects *effects)
{
    if (engine_next_deadline_ms(shell->engine) <= tell_now_ms(shell)) {
        Event tick = { .kind = EVENT_TICK };
        Err err = { 0 };
        (void)step(shell, &tick, effects, &err);
    }
}

static bool is_stopped(const Shell *shell)
{
    return shell->is_read_only || shell->is_fatal;
}

void shell_flush(Shell *shell)
{
    if (is_stopped(shell) || shell->is_performing) {
        return;
    }
    /* Performing may queue new events (a send finds its peer gone): those are the next batch. */
    AUTO(Inbox) inbox = shell->inbox;
    shell->inbox = (Inbox){ 0 };
    Effects effects = { 0 };
    Err err = { 0 };
    if (inbox.events.count > 0) {
        histogram_add(&shell->meters.batches, &METER_SIZES, inbox.events.count);
    }
    LIST_EACH(event, &inbox.events) {
        /* Only people's requests are answered with an error; a message that is refused is just
         * that. */
        (void)step(shell, event, &effects, &err);
    }
    step_tick_if_due(shell, &effects);
    (void)commit_or_keep(shell, &effects, NULL, NULL, &err);
}

static int wait_for_ms(const Shell *shell)
{
    if (is_stopped(shell)) {
        return -1;
    }
    uint64_t now_ms = shell_now_ms(shell);
    uint64_t deadline_ms = engine_next_deadline_ms(shell->engine);
    if (shell->inbox.events.count > 0 || deadline_ms <= now_ms) {
        return 0;
    }
    uint64_t wait_ms = deadline_ms - now_ms;
    return deadline_ms == UINT64_MAX ? -1 : wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
}

static int on_turn(void *ctx, uint64_t now_ms)
{
    (void)now_ms;
    shell_flush(ctx);
    return wait_for_ms(ctx);
}

/* ---- what others call ---- */

Arena *shell_inbox(Shell *shell)
{
    bool is_full = shell->inbox.events.count >= BATCH_EVENTS_MAX;
    shell->meters.messages_dropped += is_stopped(shell) || is_full;
    return is_stopped(shell) || is_full ? NULL : &shell->inbox.arena;
}

void shell_take(Shell *shell, const Event *event)
{
    if (!is_stopped(shell)) {
        LIST_PUSH(&shell->inbox.events, *event);
    }
}

void shell_tell(Shell *shell, EventKind kind, const char *agent, uint64_t connection,
                const char *reason)
{
    Arena *arena = &shell->inbox.arena;
    if (is_stopped(shell)) {
        return;
    }
    const Event event = { .kind = kind,
                          .agent = arena_strdup(arena, agent),
                          .connection = connection,
                          .reason = arena_strdup(arena, reason) };
    LIST_PUSH(&shell->inbox.events, event);
}

ErrCode shell_check_writable(const Shell *shell, Err *err)
{
    if (!is_stopped(shell)) {
        return ERR_NONE;
    }
    const Err *reason = shell->is_fatal ? &shell->fatal : &shell->reason;
    err_set(err, ERR_STORE, "read-only: %s", reason->message);
    return reason->hint[0] == '\0' ? ERR_STORE : err_hint(err, "%s", reason->hint);
}

static ErrCode commit_request(Shell *shell, Effects *effects, Deed *deed, const AuditRow *otherwise,
                              Err *err)
{
    ErrCode code = commit_or_keep(shell, effects, deed, otherwise, err);
    if (code != ERR_NONE && code != ERR_STORE_TERM) {
        err_wrap(err, otherwise == NULL
                          ? "not durable yet; it takes effect when the store can be written again"
                          : "not durable, and not done: ask again when the store can be written");
        err->code = ERR_STORE;
    }
    FAILPOINT("shell.before_answer");
    return code == ERR_NONE ? ERR_NONE : err->code;
}

ErrCode shell_request(Shell *shell, Event *event, Deed *deed, Err *err)
{
    shell_flush(shell);
    if (shell_check_writable(shell, err) != ERR_NONE) {
        return err->code;
    }
    Effects effects = { 0 };
    ErrCode code = step(shell, event, &effects, err);
    if (code != ERR_NONE) {
        effects_done(&effects); /* refused: there are none */
        return code;
    }
    return commit_request(shell, &effects, deed, NULL, err);
}

static ErrCode keep_deed(Shell *shell, Deed *deed, const AuditRow *otherwise, Err *err)
{
    Effects nothing = { 0 };
    shell_flush(shell);
    ErrCode code = shell_check_writable(shell, err);
    return code == ERR_NONE ? commit_request(shell, &nothing, deed, otherwise, err) : code;
}

ErrCode shell_keep(Shell *shell, Deed *deed, Err *err)
{
    return keep_deed(shell, deed, NULL, err);
}

ErrCode shell_keep_now(Shell *shell, Deed *deed, const AuditRow *otherwise, Err *err)
{
    return keep_deed(shell, deed, otherwise, err);
}

void shell_drop_audit(Shell *shell)
{
    shell->audit_dropped++;
}

void shell_audit(Shell *shell, Deed *deed)
{
    Effects nothing = { 0 };
    Err err = { 0 };
    shell_flush(shell);
    if (is_stopped(shell)) {
        shell_drop_audit(shell);
    } else {
        (void)commit_or_keep(shell, &nothing, deed, NULL, &err);
    }
}

/* ---- life ---- */

ErrCode shell_new(const EngineConfig *config, uint64_t seed, Loop *loop, Store *store,
                  Shell **ret_shell, Err *err)
{
    AUTO_PTR(Shell) shell = mem_alloc(sizeof(*shell));
    shell->config = *config;
    shell->loop = loop;
    shell->store = store;
    shell->started_ms = loop_clock_ms(shell->loop);
    shell->reckoning = reckoning_begin(shell->started_ms);
    random_init(&shell->random, seed);
    ErrCode code =
        load_engine(store, config, 0, shell->started_ms, &shell->engine, &shell->term, err);
    if (code == ERR_NONE) {
        code = audit_term(shell, "coordinator start", err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    shell->hook = loop_add_hook(loop, on_turn, shell);
    *ret_shell = TAKE(shell);
    return ERR_NONE;
}

void shell_free(Shell *shell)
{
    if (shell == NULL) {
        return;
    }
    loop_remove(shell->loop, shell->hook);
    loop_cancel(shell->loop, shell->retry);
    inbox_done(&shell->inbox);
    effects_done(&shell->pending);
    if (shell->engine != NULL) {
        engine_free(shell->engine);
    }
    free(shell);
}

void shell_set_ports(Shell *shell, const ShellPorts *ports)
{
    shell->ports = *ports;
}

const Engine *shell_engine(const Shell *shell)
{
    return shell->engine;
}

Store *shell_store(const Shell *shell)
{
    return shell->store;
}

uint64_t shell_term(const Shell *shell)
{
    return shell->term;
}

uint64_t shell_last_seq(const Shell *shell)
{
    return shell->last_seq;
}

uint64_t shell_uptime_ms(const Shell *shell)
{
    return loop_clock_ms(shell->loop) - shell->started_ms;
}

const Meters *shell_meters(const Shell *shell)
{
    return &shell->meters;
}

const Err *shell_read_only(const Shell *shell)
{
    return shell->is_read_only ? &shell->reason : NULL;
}

const Err *shell_fatal(const Shell *shell)
{
    return shell->is_fatal ? &shell->fatal : NULL;
}
