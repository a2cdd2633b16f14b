/*
 * Reports: what an agent's STATE means for a target.
 *
 * A report under the order in force moves the target. One under an older order moves nothing but is
 * a fact about the database all the same: "applied" is recorded. Every end is acknowledged, in the
 * batch that commits it, so that the agent stops repeating it; what came twice changes nothing the
 * second time.
 */
#include "coordinator/engine/state.h"

/* How a report stands to the order in force. */
typedef enum Standing {
    STANDING_CURRENT = 0,
    STANDING_LATE,    /* of an older order */
    STANDING_UNHEARD, /* of an order that this coordinator never gave */
    STANDING_FOREIGN, /* of another target, whose database was called so */
} Standing;

static const TargetEvent EVENTS[] = {
    [REPORT_NONE] = TARGET_EVENT_NONE,    [REPORT_ACCEPTED] = TARGET_ACCEPTED,
    [REPORT_RUNNING] = TARGET_RUNNING,    [REPORT_UNKNOWN] = TARGET_UNSURE,
    [REPORT_PARKED] = TARGET_PARKED,      [REPORT_APPLIED] = TARGET_APPLIED,
    [REPORT_ROLLED_BACK] = TARGET_UNDONE, [REPORT_FAILED] = TARGET_FAILURE,
    [REPORT_HELD] = TARGET_HOLDS,         [REPORT_REFUSED] = TARGET_REFUSAL,
};
_Static_assert(ARRAY_LEN(EVENTS) == REPORT_COUNT_, "an event per report");

static Standing standing_of(const Target *target, const State *state)
{
    const TargetRow *row = &target->row;
    const Engine *engine = target->engine;
    int order = order_stamp_compare(state->stamp, row->stamp);
    if (state->token != row->token && state->token <= target->item->left_token) {
        return STANDING_FOREIGN;
    }
    if (state->stamp.term > engine->term || order > 0) {
        return STANDING_UNHEARD;
    }
    /* A store that was thrown back gives numbers out again: the token tells whose they are. */
    bool is_same_token = state->token == row->token;
    if (order == 0) {
        return is_same_token ? STANDING_CURRENT : STANDING_UNHEARD;
    }
    /* An end that crossed a newer goal of the same attempt: nothing runs any more, whatever was
     * asked. */
    bool is_same_attempt = state->stamp.attempt == row->stamp.attempt && is_same_token;
    bool is_answer = report_is_end((Report)state->report);
    /* Given anew under a later term, it is still the same order. */
    bool is_same_order = state->stamp.revision == row->stamp.revision;
    return is_same_attempt && (is_answer || is_same_order) ? STANDING_CURRENT : STANDING_LATE;
}

static void send_ack(Agent *agent, const State *state)
{
    Arena *arena = &agent->engine->out->arena;
    StateAck *ack = ARENA_NEW(arena, StateAck);
    ack->report_id = state->report_id;
    ack->target = arena_strdup(arena, state->target);
    session_send(agent, MESSAGE_STATE_ACK, ack);
}

static void take_history(TargetRow *row, const State *state)
{
    row->applied = state->applied;
    row->timeline = state->timeline;
    text_set(&row->version, state->version);
    if (state->has_start && !row->has_start) {
        row->has_start = true;
        text_set(&row->start, state->start);
    }
}

static bool is_told(const Remarks *remarks, const Warning *warning)
{
    for (size_t i = 0; i < remarks->warning_count; i++) {
        const Warning *told = &remarks->warnings[i];
        if (told->statement == warning->statement &&
            str_equal(told->migration, warning->migration) &&
            str_equal(told->message, warning->message)) {
            return true;
        }
    }
    return false;
}

/*
 * An attempt tells of its own steps, and again with each report: those of earlier ones stay. What
 * is passed over is a fact of the history that was read last.
 */
static void take_remarks(TargetRow *row, const Remarks *said)
{
    static const Remarks NONE = { 0 };
    const Remarks *before = row->remarks == NULL ? &NONE : row->remarks;
    if (remarks_is_empty(before) && remarks_is_empty(said)) {
        return;
    }
    Warning warnings[WARNINGS_MAX];
    Remarks now = *said;
    now.warnings = warnings;
    now.warning_count = before->warning_count;
    for (size_t i = 0; i < before->warning_count; i++) {
        warnings[i] = before->warnings[i];
    }
    for (size_t i = 0; i < said->warning_count && now.warning_count < WARNINGS_MAX; i++) {
        if (!is_told(before, &said->warnings[i])) {
            warnings[now.warning_count++] = said->warnings[i];
        }
    }
    uint32_t most = said->warnings_total > before->warnings_total ? said->warnings_total
                                                                  : before->warnings_total;
    now.warnings_total = most > now.warning_count ? most : (uint32_t)now.warning_count;
    if (row->goal == GOAL_ROLL_BACK) { /* nothing is passed over on the way back */
        now.passed = before->passed;
        now.passed_count = before->passed_count;
        now.passed_total = before->passed_total;
    }
    target_row_set_remarks(row, &now);
}

static void take_error(TargetRow *row, const State *state)
{
    row->code = err_is_known(state->code) ? (ErrCode)state->code : ERR_INTERNAL;
    row->statement = state->statement;
    text_set(&row->sqlstate, state->sqlstate);
    text_set(&row->message, state->message);
    text_set(&row->hint, state->hint);
    text_set(&row->migration, state->migration);
}

/*
 * Who has read the history knows what everybody before it did, and tells of its own steps itself.
 * An attempt that had read it, and says now that it has not, began anew: what it did in between
 * nobody tells. A newer attempt that this coordinator never gave is somebody whose steps nobody
 * tells; and what is held may have left something that is not applied and not gone.
 */
static bool may_have_been_sent(const TargetRow *row, const State *state)
{
    bool is_in_doubt = state->report == REPORT_UNKNOWN || state->report == REPORT_HELD ||
                       state->code == ERR_FENCED;
    bool had_read = row->steps_total > 0; /* under this attempt, with something to do */
    return is_in_doubt || ((row->was_sent || had_read) && !state->has_start);
}

static void take_facts(Target *target, const State *state)
{
    TargetRow *row = &target->row;
    /* Before a process has read anything, its zeroes say nothing. */
    if (state->has_start) {
        take_history(row, state);
        row->steps_done = state->steps_done;
        row->steps_total = state->steps_total;
        text_set(&row->step, state->step);
        take_remarks(row, &state->remarks);
    }
    row->was_sent = may_have_been_sent(row, state);
    target_uncount(target);
    row->report = (Report)state->report;
    target_count(target);
    row->retries = state->retries;
    row->duration_ms = state->duration_ms;
    target_touch(target);
}

/* What the target is called for it. */
static void take_verdict(Target *target, const State *state)
{
    TargetRow *row = &target->row;
    target_uncount(target);
    row->is_absent = row->is_absent && !report_is_end(row->report); /* it has come to an end */
    target_count(target);
    /* On the way back the reason for it stays, unless something new goes wrong. */
    if (row->goal != GOAL_ROLL_BACK || state->code != ERR_NONE) {
        take_error(row, state);
    }
}

/* Else nobody would know of it before the last try has failed. Once per attempt: each further try
 * would say the same. */
static void tell_obstacle(Target *target, ErrCode before)
{
    const TargetRow *row = &target->row;
    bool is_obstacle = row->code == ERR_BLOCKED || row->code == ERR_BLOCKING;
    if (row->report == REPORT_RUNNING && is_obstacle && before != row->code) {
        Place place = { .engine = target->engine,
                        .rollout = target->rollout,
                        .wave = target->wave,
                        .target = target,
                        .agent = target->agent };
        event_note(place, "E10", row->code, "{agent} tries {target} again: {error}");
    }
}

/* The item's version is what the next plan's preview and the fleet's list show. */
static void tell_item(Target *target)
{
    Item *item = target->item;
    const TargetRow *row = &target->row;
    bool is_news = !str_equal(item->row.version, row->version) || !item->row.is_read;
    bool is_overtaken = row->timeline != 0 && row->timeline < item->row.timeline;
    if (is_news && !is_overtaken &&
        (row->report == REPORT_APPLIED || row->report == REPORT_ROLLED_BACK)) {
        item->row.is_read = true;
        text_set(&item->row.version, row->version);
        text_set(&item->row.rollout, row->applied > 0 ? row->rollout : "");
        item->is_undone = false;
        item_touch(item);
    }
}

static void take_current(Target *target, const State *state)
{
    Report report = (Report)state->report;
    bool has_ended = report_is_end(target->row.report);
    if (report == REPORT_ACCEPTED && state->report_id >= target->report_id && !has_ended) {
        order_waits(target);
    }
    if (state->report_id <= target->report_id || (has_ended && !report_is_end(report)) ||
        (has_ended && target->row.report == report)) {
        return; /* doubled, or overtaken */
    }
    target->report_id = state->report_id;
    order_answered(target, report);
    /* What decides nothing, since a person has the target, is a fact all the same; and nobody waits
     * for what is skipped, but its order has ended. */
    bool is_heard = target_rule(target, EVENTS[report])->to != RULE_IGNORE ||
                    (target->row.state == TARGET_SKIPPED && report_is_end(report));
    ErrCode before = target->row.code;
    if (is_heard || !has_ended) {
        take_facts(target, state);
    }
    if (is_heard) {
        take_verdict(target, state);
        tell_obstacle(target, before);
    }
    target_fire(target, EVENTS[report]);
    tell_item(target);
    failover_judge(target->item);
}

static void take_late(Target *target, const State *state)
{
    TargetRow *row = &target->row;
    bool has_newer =
        report_is_end(row->report) || row->report == REPORT_RUNNING || row->report == REPORT_PARKED;
    bool is_news = state->report == REPORT_APPLIED && row->applied != state->applied && !has_newer;
    if (!is_news) {
        return;
    }
    take_history(row, state);
    target_touch(target);
    target_fire(target, TARGET_LATE_APPLIED);
}

/*
 * Is it this agent's to speak of? A target that has moved is still spoken of by the agent it moved
 * away from; a target that was never this agent's is a forgery.
 */
static bool is_forged(const Agent *agent, const char *address)
{
    const Item *item = item_find(agent->engine, address);
    return item != NULL && item->agent != NULL && item->agent != agent && !item->row.is_gone;
}

static void quarantine_forger(Agent *agent, const char *address)
{
    AUTO(Str) reason = { 0 };
    str_printf(&reason, "it reported on %s, which is another agent's", address);
    text_set(&agent->row.reason, str_text(&reason));
    session_fire(agent, SESSION_FORGED);
}

/* Reports on a rollout that is not known here: the store is older than the fleet. */
static void take_unknown(Agent *agent, const State *state)
{
    claim_note(agent, state->stamp.term);
    if (claim_settle(agent)) {
        (void)rollout_adopt(agent->engine, state->rollout, state->target);
    }
}

void report_take(Agent *agent, const State *state)
{
    Report report = (Report)state->report;
    if (state->report == REPORT_NONE || state->report >= REPORT_COUNT_) {
        return;
    }
    if (is_forged(agent, state->target)) {
        quarantine_forger(agent, state->target);
        return;
    }
    Rollout *rollout = rollout_find(agent->engine, state->rollout);
    Target *target = rollout == NULL ? NULL : target_served(rollout, state->target);
    if (rollout == NULL) {
        take_unknown(agent, state);
    } else if (target != NULL && target->agent == agent) {
        Standing standing = standing_of(target, state);
        if (standing == STANDING_UNHEARD) {
            claim_note(agent, state->stamp.term);
            (void)claim_settle(agent);
            return; /* not acknowledged: it is told again to the coordinator that knows the order */
        }
        if (standing != STANDING_FOREIGN) {
            watch_target_reconciled(target);
            (standing == STANDING_CURRENT ? take_current : take_late)(target, state);
        }
        if (standing == STANDING_LATE && !report_is_end(report)) {
            order_recall(target, state->stamp, state->token);
        }
    }
    if (report_is_end(report) && agent_is_reachable(agent)) {
        send_ack(agent, state);
    }
}

static void progress_copy(Target *target, const Progress *progress)
{
    Arena *arena = &target->progress_arena;
    arena_done(arena);
    target->progress = *progress;
    target->progress.rollout = arena_strdup(arena, progress->rollout);
    target->progress.target = arena_strdup(arena, progress->target);
    target->progress.migration = arena_strdup(arena, progress->migration);
    target->progress.phase = arena_strdup(arena, progress->phase);
    target->progress.blocked_by = arena_strdup(arena, progress->blocked_by);
    target->has_progress = true;
}

void progress_take(Agent *agent, const Progress *progress)
{
    Rollout *rollout = rollout_find(agent->engine, progress->rollout);
    Target *target = rollout == NULL ? NULL : target_served(rollout, progress->target);
    if (target != NULL && target->agent == agent &&
        target->row.stamp.attempt == progress->stamp.attempt &&
        !report_is_end(target->row.report)) {
        progress_copy(target, progress);
    }
}
