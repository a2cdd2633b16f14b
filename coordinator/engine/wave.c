/*
 * Waves: the part of the targets that goes together. A wave reads the counts of its targets and the
 * state of its rollout, and nothing else.
 *
 * Waves open one after the other. One is through when all its targets are settled, enough of them
 * well: failures within the budget do not stop it, but a wave in which nothing was applied proves
 * nothing, and the last one waits for every failed target of the rollout to be retried or skipped.
 */
#include "coordinator/engine/state.h"

bool wave_is_open(const Wave *wave)
{
    return wave->row.state == WAVE_RUNNING || wave->row.state == WAVE_PASSED;
}

uint32_t wave_unhealthy(const TargetCounts *counts)
{
    return counts->by_state[TARGET_FAILED] + counts->by_state[TARGET_HELD] +
           counts->by_state[TARGET_ROLLED_BACK] + counts->by_state[TARGET_ROLLBACK_FAILED] +
           counts->by_state[TARGET_DEBT];
}

/* --- guards --- */

static const Wave *the(const void *subject)
{
    return subject;
}

static bool is_running(const Wave *wave)
{
    return wave->rollout->row.state == ROLLOUT_RUNNING;
}

static bool is_last(const Wave *wave)
{
    return wave->row.index + 1 == wave->rollout->wave_count;
}

/* Nothing is on its way; the last wave answers for what is retried in the earlier ones, too. */
static bool is_settled(const Wave *wave)
{
    const TargetCounts *counts = is_last(wave) ? &wave->rollout->counts : &wave->counts;
    return counts->busy == 0 && counts->by_state[TARGET_PENDING] == 0;
}

static bool is_over_budget(const Wave *wave)
{
    const Rollout *rollout = wave->rollout;
    return rollout->counts.used + rollout->uncertain > rollout->max_failures;
}

static bool needs_person(const Wave *wave)
{
    const TargetCounts *counts = &wave->counts;
    uint32_t applied = counts->by_state[TARGET_VERIFYING] + counts->by_state[TARGET_HEALTHY];
    return (applied == 0 && wave_unhealthy(counts) > 0) || is_over_budget(wave);
}

static bool is_last_with_failures(const Wave *wave)
{
    return is_last(wave) && wave_unhealthy(&wave->rollout->counts) > 0;
}

static bool has_soaked(const Wave *wave)
{
    return wave->row.soak_left_ms == 0 ||
           (wave->soak_until_ms != 0 && wave->engine->now_ms >= wave->soak_until_ms);
}

static bool is_next(const void *subject)
{
    const Wave *wave = subject;
    uint32_t index = wave->row.index;
    return is_running(wave) &&
           (index == 0 || wave->rollout->waves[index - 1].row.state == WAVE_PASSED);
}

/* Of this wave or one behind it: where there is none, there is nothing to approve. */
static bool has_targets_ahead(const Wave *wave)
{
    for (size_t i = wave->row.index; i < wave->rollout->wave_count; i++) {
        if (wave->rollout->waves[i].counts.total > 0) {
            return true;
        }
    }
    return false;
}

static bool asks(const void *subject)
{
    return the(subject)->needs_approval && !the(subject)->row.is_approved;
}

static bool is_next_unapproved(const void *subject)
{
    return is_next(subject) && asks(subject) && has_targets_ahead(subject);
}

static bool is_next_approved(const void *subject)
{
    return is_next(subject) && !is_next_unapproved(subject);
}

static bool is_next_and_empty(const void *subject)
{
    return is_next_approved(subject) && the(subject)->counts.total == 0;
}

static bool is_next_and_holds(const void *subject)
{
    return is_next_approved(subject) && the(subject)->gates == GATE_PASS;
}

static bool is_next_by_approval(const void *subject)
{
    return is_next_and_holds(subject) && the(subject)->needs_approval;
}

static bool is_tripped(const void *subject)
{
    const Rollout *rollout = the(subject)->rollout;
    return rollout_is_open(rollout->row.state) && rollout->row.state != ROLLOUT_ABORTING &&
           rollout_is_tripped(rollout);
}

static bool is_recovered(const void *subject)
{
    return is_running(subject) && !rollout_is_tripped(the(subject)->rollout);
}

static bool is_stopped(const void *subject)
{
    RolloutState state = the(subject)->rollout->row.state;
    return state == ROLLOUT_ABORTING || state == ROLLOUT_ABORTED;
}

static bool is_settled_badly(const void *subject)
{
    return is_running(subject) && is_settled(subject) && needs_person(subject);
}

static bool is_settled_well(const void *subject)
{
    return is_running(subject) && is_settled(subject);
}

static bool has_work_again(const void *subject)
{
    return is_running(subject) && !is_settled(subject);
}

static bool is_soaked_with_failures(const void *subject)
{
    return is_running(subject) && has_soaked(subject) && is_last_with_failures(subject);
}

static bool is_soaked(const void *subject)
{
    return is_running(subject) && has_soaked(subject) && the(subject)->gates == GATE_PASS;
}

static bool needs_nobody(const void *subject)
{
    return is_settled_well(subject) && !needs_person(subject) && !is_soaked_with_failures(subject);
}

static bool has_latecomers(const void *subject)
{
    return is_running(subject) && the(subject)->counts.by_state[TARGET_VERIFYING] > 0;
}

static bool is_rollout_taken_back(const void *subject)
{
    return rollout_is_taken_back(the(subject)->rollout);
}

/* The rollout has acted on it, and says so in its cause. */
static bool is_gate_failed(const void *subject)
{
    const Rollout *rollout = the(subject)->rollout;
    return rollout->row.state == ROLLOUT_PAUSED && rollout->row.pause_cause == PAUSE_GATE;
}

static bool is_taken_back_for_failure(const void *subject)
{
    const Rollout *rollout = the(subject)->rollout;
    bool is_failure =
        rollout->row.state == ROLLOUT_PAUSED &&
        (rollout->row.pause_cause == PAUSE_BUDGET || rollout->row.pause_cause == PAUSE_GATE);
    return is_failure && rollout->strategy.on_failure == ON_FAILURE_ROLL_BACK_WAVE;
}

static bool is_taken_back_for_loss(const void *subject)
{
    const Rollout *rollout = the(subject)->rollout;
    return rollout->row.state == ROLLOUT_PAUSED && rollout->row.pause_cause == PAUSE_AGENT_LOST &&
           rollout->strategy.on_agent_lost == ON_AGENT_LOST_ROLL_BACK_WAVE;
}

/* Pending here means never started: it waits for the wave to open again. */
static bool is_back(const void *subject)
{
    const TargetCounts *counts = &the(subject)->counts;
    return counts->by_state[TARGET_ROLLED_BACK] + counts->by_state[TARGET_SKIPPED] +
               counts->by_state[TARGET_PENDING] ==
           counts->total;
}

static bool has_unstarted(const void *subject)
{
    return is_rollout_taken_back(subject) && the(subject)->counts.by_state[TARGET_PENDING] > 0;
}

static bool is_not_back(const void *subject)
{
    return is_rollout_taken_back(subject) && (!is_back(subject) || has_unstarted(subject));
}

static bool has_work_and_holds(const void *subject)
{
    return has_work_again(subject) && the(subject)->gates == GATE_PASS;
}

static bool is_all_skipped(const void *subject)
{
    const TargetCounts *counts = &the(subject)->counts;
    return is_running(subject) && counts->by_state[TARGET_SKIPPED] == counts->total;
}

/* --- what the gates look at --- */

bool wave_is_at_gates(const Wave *wave)
{
    bool is_ahead = wave->row.state == WAVE_WAITING || wave->row.state == WAVE_GATED;
    bool is_again = wave->row.state == WAVE_ROLLED_BACK && has_work_again(wave);
    return is_again || (is_ahead && is_next_approved(wave) && wave->counts.total > 0);
}

bool wave_has_soaked(const Wave *wave)
{
    return wave->row.state == WAVE_SOAKING && is_running(wave) && has_soaked(wave);
}

bool wave_is_watched(const Wave *wave)
{
    return is_running(wave) && (wave->row.state == WAVE_RUNNING || wave->row.state == WAVE_SOAKING);
}

/* --- actions --- */

static void act_open(void *subject)
{
    Wave *wave = subject;
    Engine *engine = wave->engine;
    wave->row.opened_at_ms = engine->wall_ms;
    wave->opened_ms = engine->now_ms;
    engine_arm(engine, engine->now_ms + wave->rollout->strategy.agent_lost_after_ms);
    wave->row.soak_left_ms = wave->row.soak_ms;
    wave->soak_until_ms = 0;
    gates_take_baselines(wave);
}

static void act_soak(void *subject)
{
    Wave *wave = subject;
    wave->soak_sample = wave->engine->sample_count;
    wave->unsure_since_ms = 0;
    wave->soak_until_ms = wave->engine->now_ms + wave->row.soak_left_ms;
    engine_arm(wave->engine, wave->soak_until_ms);
}

static void act_soaked(void *subject)
{
    Wave *wave = subject;
    wave->row.soak_left_ms = 0;
    wave->soak_until_ms = 0;
}

static void act_again(void *subject)
{
    Wave *wave = subject;
    wave->row.soak_left_ms = wave->row.soak_ms; /* what is new in it is to be watched in full */
    wave->soak_until_ms = 0;
}

static void act_approve(void *subject)
{
    Wave *wave = subject;
    wave->row.is_approved = true;
    text_set(&wave->row.approved_by, wave->engine->actor);
}

/* --- the rules --- */

/* A row of the table reads as a row. */
/* clang-format off */
static const Rule RULES[] = {
    { "W01", WAVE_WAITING, WAVE_EVALUATE, is_next_and_empty, "next, no targets", WAVE_PASSED,
      act_soaked, "wave {wave} has no targets of its own: the waves before hold them all" },
    { "W02", WAVE_WAITING, WAVE_EVALUATE, is_next_unapproved, "next, not approved", WAVE_GATED,
      NULL, "wave {wave} could open and waits for approval" },
    { "W03", WAVE_WAITING, WAVE_EVALUATE, is_next_and_holds, "next, gates hold", WAVE_RUNNING,
      act_open, "wave {wave} opens with {total target/targets}" },
    { "W38", WAVE_WAITING, WAVE_EVALUATE, is_next_approved, "next", WAVE_GATED, NULL,
      "wave {wave} could open and waits for its gates: {gate}" },
    { "W35", WAVE_GATED, WAVE_EVALUATE, is_next_and_empty, "next, approved, no targets",
      WAVE_PASSED, act_soaked, "wave {wave} is approved, and has no targets of its own" },
    { "W04", WAVE_GATED, WAVE_EVALUATE, is_next_by_approval, "next, approved, gates hold",
      WAVE_RUNNING, act_open, "wave {wave} is approved and opens with {total target/targets}" },
    { "W39", WAVE_GATED, WAVE_EVALUATE, is_next_and_holds, "next, gates hold", WAVE_RUNNING,
      act_open, "the gates of wave {wave} hold: it opens with {total target/targets}" },

    { "W05", WAVE_RUNNING, WAVE_EVALUATE, is_taken_back_for_loss, "agent lost: roll_back_wave",
      WAVE_ROLLING_BACK, NULL, "wave {wave} is taken back since an agent is lost" },
    { "W06", WAVE_RUNNING, WAVE_EVALUATE, is_tripped, "budget used up", WAVE_TRIPPED, NULL,
      "wave {wave} trips: {charged} failed, {allowed} allowed" },
    { "W40", WAVE_RUNNING, WAVE_EVALUATE, is_gate_failed, "gate failed", WAVE_TRIPPED, NULL,
      "wave {wave} trips by its gates: {gate}" },
    { "W07", WAVE_RUNNING, WAVE_EVALUATE, is_stopped, "rollout aborted", WAVE_HELD, NULL,
      "wave {wave} stops: the rollout is aborted" },
    { "W08", WAVE_RUNNING, WAVE_EVALUATE, is_settled_badly, "settled, needs a person", WAVE_HELD,
      NULL, "nothing runs in wave {wave}, and what failed in it needs a person" },
    { "W09", WAVE_RUNNING, WAVE_EVALUATE, is_settled_well, "settled", WAVE_SOAKING, act_soak,
      "wave {wave}: {applied} of {total} applied{soak}" },

    { "W10", WAVE_SOAKING, WAVE_EVALUATE, is_tripped, "budget used up", WAVE_TRIPPED, NULL,
      "wave {wave} trips while it soaks: {charged} failed, {allowed} allowed" },
    { "W41", WAVE_SOAKING, WAVE_EVALUATE, is_gate_failed, "gate failed", WAVE_TRIPPED, NULL,
      "wave {wave} trips by its gates while it soaks: {gate}" },
    { "W11", WAVE_SOAKING, WAVE_EVALUATE, is_stopped, "rollout aborted", WAVE_HELD, NULL,
      "wave {wave} stops: the rollout is aborted" },
    { "W12", WAVE_SOAKING, WAVE_EVALUATE, has_work_again, "work again", WAVE_RUNNING, act_again,
      "wave {wave} has work again: its soak starts anew afterwards" },
    { "W13", WAVE_SOAKING, WAVE_EVALUATE, is_settled_badly, "needs a person", WAVE_HELD, act_again,
      "wave {wave} is held while it soaks: something in it needs a person" },
    { "W14", WAVE_SOAKING, WAVE_EVALUATE, is_soaked_with_failures, "soaked, last, failures left",
      WAVE_HELD, act_soaked,
      "all that can be applied is applied; {unhealthy target is/targets are} not: retry or skip what "
      "is left" },
    { "W15", WAVE_SOAKING, WAVE_EVALUATE, is_soaked, "soaked, gates hold", WAVE_PASSED, act_soaked,
      "wave {wave} is through: {applied} of {total} applied" },
    { "W16", WAVE_PASSED, WAVE_EVALUATE, has_latecomers, "late ones applied", WAVE_PASSED, NULL,
      "wave {wave} takes in targets that were retried" },

    { "W17", WAVE_HELD, WAVE_EVALUATE, is_tripped, "budget used up", WAVE_TRIPPED, NULL,
      "wave {wave} trips: {charged} failed, {allowed} allowed" },
    { "W18", WAVE_HELD, WAVE_EVALUATE, has_work_again, "work again", WAVE_RUNNING, act_again,
      "wave {wave} goes on" },
    { "W19", WAVE_HELD, WAVE_EVALUATE, needs_nobody, "needs nobody", WAVE_SOAKING, act_soak,
      "nothing in wave {wave} needs a person any more" },

    { "W20", WAVE_TRIPPED, WAVE_EVALUATE, is_taken_back_for_failure, "on_failure: roll_back_wave",
      WAVE_ROLLING_BACK, NULL, "wave {wave} is taken back: on_failure is roll_back_wave" },
    { "W21", WAVE_TRIPPED, WAVE_EVALUATE, is_recovered, "resumed within the budget", WAVE_RUNNING,
      act_again, "wave {wave} goes on: {charged} failed, {allowed} allowed" },
    { "W22", WAVE_TRIPPED, WAVE_EVALUATE, is_stopped, "rollout aborted", WAVE_HELD, NULL,
      "wave {wave} stops: the rollout is aborted" },

    { "W34", WAVE_ROLLING_BACK, WAVE_EVALUATE, has_unstarted, "rollout taken back, some unstarted",
      WAVE_ROLLING_BACK, NULL, "wave {wave} will not open again: the rollout is taken back" },
    { "W23", WAVE_ROLLING_BACK, WAVE_EVALUATE, is_back, "all back, skipped or unstarted",
      WAVE_ROLLED_BACK, NULL, "wave {wave} is where it was: {restored} of {total} taken back" },
    { "W37", WAVE_ROLLING_BACK, WAVE_EVALUATE, is_stopped, "rollout aborted", WAVE_HELD, NULL,
      "wave {wave} is not taken back any further: the rollout is aborted" },
    { "W24", WAVE_ROLLING_BACK, WAVE_EVALUATE, NULL, NULL, RULE_IGNORE, NULL,
      "wave {wave} is on its way back" },
    { "W25", WAVE_ROLLED_BACK, WAVE_EVALUATE, is_not_back, "rollout taken back, something left",
      WAVE_ROLLING_BACK, NULL, "wave {wave} is taken back again, with what was retried in it" },
    { "W26", WAVE_ROLLED_BACK, WAVE_EVALUATE, has_work_and_holds, "work again, gates hold",
      WAVE_RUNNING, act_open, "wave {wave} opens again with what is retried in it" },
    { "W42", WAVE_ROLLED_BACK, WAVE_EVALUATE, has_work_again, "work again", WAVE_GATED, NULL,
      "wave {wave} could open again and waits for its gates: {gate}" },
    { "W27", WAVE_ROLLED_BACK, WAVE_EVALUATE, is_all_skipped, "all skipped", WAVE_SOAKING, act_soak,
      "all targets of wave {wave} are skipped" },
    { "W28", WAVE_ROLLED_BACK, WAVE_EVALUATE, NULL, NULL, RULE_IGNORE, NULL,
      "wave {wave} is where it was" },

    { "W29", RULE_ANY, WAVE_EVALUATE, is_rollout_taken_back, "rollout taken back",
      WAVE_ROLLING_BACK, NULL, "wave {wave} is taken back with the rollout" },
    { "W30", RULE_ANY, WAVE_EVALUATE, NULL, NULL, RULE_IGNORE, NULL, "nothing has changed" },

    { "W31", WAVE_WAITING, WAVE_APPROVE, asks, "asks, unapproved", WAVE_WAITING, act_approve,
      "wave {wave} is approved by {actor} before its turn{words}" },
    { "W32", WAVE_GATED, WAVE_APPROVE, asks, "asks, unapproved", WAVE_GATED, act_approve,
      "wave {wave} is approved by {actor}{words}" },
    { "W33", RULE_ANY, WAVE_APPROVE, NULL, NULL, RULE_REJECT, NULL,
      "wave {wave} does not wait for approval" },
};
/* clang-format on */

static const char *const EVENT_NAMES[] = {
    [WAVE_EVENT_NONE] = "none",
    [WAVE_EVALUATE] = "evaluate",
    [WAVE_APPROVE] = "approve",
};
_Static_assert(ARRAY_LEN(EVENT_NAMES) == WAVE_EVENT_COUNT_, "a name per event");

static const char *state_name(int state)
{
    return wave_state_name((WaveState)state);
}

static const char *event_name(int event)
{
    return EVENT_NAMES[event];
}

const RuleTable WAVE_TABLE = {
    .name = "wave",
    .rules = RULES,
    .rule_count = ARRAY_LEN(RULES),
    .state_count = WAVE_STATE_COUNT_,
    .event_count = WAVE_EVENT_COUNT_,
    .initial_state = WAVE_WAITING,
    .state_name = state_name,
    .event_name = event_name,
};

/* --- the machine --- */

static Place place_of(void *subject)
{
    Wave *wave = subject;
    return (Place){ .engine = wave->engine, .rollout = wave->rollout, .wave = wave };
}

static int state_of(const void *subject)
{
    return (int)the(subject)->row.state;
}

static void set_state(void *subject, int state)
{
    Wave *wave = subject;
    wave->row.state = (WaveState)state;
    wave_touch(wave);
}

/* Its targets learn what has become of their wave; last first, so that what came last goes back
 * first. */
static void entered(void *subject, int old_state, const Rule *rule)
{
    (void)old_state;
    Wave *wave = subject;
    TargetEvent event = TARGET_EVENT_NONE;
    if (rule->to == WAVE_ROLLING_BACK) {
        event = TARGET_TAKE_BACK;
    } else if (rule->to == WAVE_PASSED) {
        event = TARGET_WAVE_PASSED;
    } else if (rule->to == WAVE_ROLLED_BACK && is_running(wave)) {
        event = TARGET_GO_ON; /* resumed before it was back */
    }
    for (size_t i = wave->row.target_count; event != TARGET_EVENT_NONE && i > 0; i--) {
        target_fire(&wave->targets[i - 1], event);
    }
}

static const Machine MACHINE = { &WAVE_TABLE, place_of, state_of, set_state, entered };

const Rule *wave_fire(Wave *wave, WaveEvent event)
{
    return machine_fire(&MACHINE, wave, event);
}

ErrCode wave_refuse(Wave *wave, const Rule *rule, Err *err)
{
    return machine_refuse(&MACHINE, wave, rule, err);
}
