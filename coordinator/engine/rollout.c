/*
 * Rollouts: the execution of a plan. A rollout reads the counts of its targets and the states of
 * its waves. What policies do is here: on_failure acts when the budget trips, on_agent_lost on the
 * verdict.
 *
 * An operator's pause wins over automation: no policy acts while it lasts. `succeeded` and
 * `aborted` have one exit, the operator's roll back; only `rolled_back` is final.
 */
#include "coordinator/engine/state.h"

/*
 * If the agent is lost, on_agent_lost decides: charges for absence alone trip nothing. Nor does
 * anything while the plan is missing: nobody knows what it allows.
 */
bool rollout_is_tripped(const Rollout *rollout)
{
    uint32_t used = rollout->counts.used - rollout->excused;
    return rollout->has_plan && used > rollout->max_failures && used > rollout->absent;
}

bool rollout_may_admit(const Rollout *rollout)
{
    return rollout->row.state == ROLLOUT_RUNNING && rollout->has_plan &&
           !rollout_is_over_time(rollout) &&
           rollout->counts.used + rollout->uncertain <= rollout->max_failures;
}

bool rollout_is_taken_back(const Rollout *rollout)
{
    return rollout->row.state == ROLLOUT_ROLLING_BACK ||
           rollout->row.state == ROLLOUT_ROLLBACK_HELD;
}

uint32_t rollout_left_as_is(const Rollout *rollout)
{
    uint32_t count = 0;
    for (size_t i = 0; i < rollout->target_count; i++) {
        const TargetRow *row = &rollout->targets[i].row;
        count += row->state == TARGET_SKIPPED && row->stamp.attempt > 0 ? 1 : 0;
    }
    return count;
}

uint32_t rollout_shut_out(const Rollout *rollout)
{
    uint32_t count = 0;
    for (size_t i = 0; rollout->counts.by_state[TARGET_HELD] > 0 && i < rollout->target_count;
         i++) {
        count += target_is_shut_out(&rollout->targets[i]) ? 1 : 0;
    }
    return count;
}

/* --- guards --- */

static const Rollout *the(const void *subject)
{
    return subject;
}

static bool has_no_plan(const void *subject)
{
    return !the(subject)->has_plan;
}

static bool is_unapproved(const void *subject)
{
    const Rollout *rollout = subject;
    return !rollout->has_plan ||
           (rollout->irreversible[0] != '\0' && !rollout->row.is_irreversible_approved);
}

static bool is_through(const void *subject)
{
    const Rollout *rollout = subject;
    for (size_t i = 0; i < rollout->wave_count; i++) {
        if (rollout->waves[i].row.state != WAVE_PASSED) {
            return false;
        }
    }
    const TargetCounts *counts = &rollout->counts;
    return counts->by_state[TARGET_HEALTHY] + counts->by_state[TARGET_SKIPPED] == counts->total;
}

static bool is_tripped(const void *subject)
{
    return rollout_is_tripped(subject);
}

static bool trips_to_roll_back(const void *subject)
{
    return rollout_is_tripped(subject) &&
           the(subject)->strategy.on_failure == ON_FAILURE_ROLL_BACK_ROLLOUT;
}

static bool trips_to_roll_back_wave(const void *subject)
{
    return rollout_is_tripped(subject) &&
           the(subject)->strategy.on_failure == ON_FAILURE_ROLL_BACK_WAVE;
}

static bool fails_gate(const void *subject)
{
    return gates_fail(subject);
}

static bool fails_gate_to_roll_back(const void *subject)
{
    return gates_fail(subject) && the(subject)->strategy.on_failure == ON_FAILURE_ROLL_BACK_ROLLOUT;
}

static bool fails_gate_to_roll_back_wave(const void *subject)
{
    return gates_fail(subject) && the(subject)->strategy.on_failure == ON_FAILURE_ROLL_BACK_WAVE;
}

static bool is_unsure(const void *subject)
{
    return gates_are_unsure(subject);
}

static bool waits_for_agents(const void *subject)
{
    return the(subject)->strategy.on_agent_lost == ON_AGENT_LOST_WAIT;
}

static bool rolls_back_for_agents(const void *subject)
{
    return the(subject)->strategy.on_agent_lost == ON_AGENT_LOST_ROLL_BACK_ROLLOUT;
}

static bool rolls_wave_back_for_agents(const void *subject)
{
    return the(subject)->strategy.on_agent_lost == ON_AGENT_LOST_ROLL_BACK_WAVE;
}

static bool is_at_rest(const void *subject)
{
    const uint32_t *by_state = the(subject)->counts.by_state;
    return by_state[TARGET_ASSIGNED] + by_state[TARGET_APPLYING] + by_state[TARGET_UNKNOWN] +
               by_state[TARGET_ROLLING_BACK] ==
           0;
}

static bool is_all_back(const void *subject)
{
    const TargetCounts *counts = &the(subject)->counts;
    return counts->by_state[TARGET_ROLLED_BACK] + counts->by_state[TARGET_SKIPPED] == counts->total;
}

/* Is a held target left whose roll back has not been tried? */
static bool has_untried(const Rollout *rollout)
{
    for (size_t i = 0; rollout->counts.by_state[TARGET_HELD] > 0 && i < rollout->target_count;
         i++) {
        const Target *target = &rollout->targets[i];
        if (target->row.state == TARGET_HELD && target->row.goal != GOAL_ROLL_BACK &&
            !target->item->row.is_gone) {
            return true;
        }
    }
    return false;
}

static bool is_stuck(const void *subject)
{
    const Rollout *rollout = subject;
    const uint32_t *by_state = rollout->counts.by_state;
    uint32_t rest = by_state[TARGET_ROLLED_BACK] + by_state[TARGET_SKIPPED] +
                    by_state[TARGET_DEBT] + by_state[TARGET_ROLLBACK_FAILED] +
                    by_state[TARGET_HELD];
    return rest == rollout->counts.total && !has_untried(rollout);
}

/* Without what is unknown: that can only be resolved by going on. */
static bool is_tripped_for_good(const void *subject)
{
    const Rollout *rollout = subject;
    uint32_t unknown = rollout->counts.by_state[TARGET_UNKNOWN] - rollout->uncertain;
    return rollout_is_tripped(rollout) && rollout->counts.used - unknown > rollout->max_failures;
}

/* Paused for something else while its budget was used up: its wave has still to be taken back. */
static bool owes_wave(const void *subject)
{
    return is_tripped_for_good(subject) && trips_to_roll_back_wave(subject) &&
           the(subject)->row.pause_cause != PAUSE_BUDGET;
}

/* What a database has lost is no failure of the migration: no policy answers it, but a person. */
static bool has_lost(const void *subject)
{
    const Rollout *rollout = subject;
    for (size_t i = 0; rollout->counts.by_state[TARGET_HELD] > 0 && i < rollout->target_count;
         i++) {
        if (failover_is_open(&rollout->targets[i])) {
            return true;
        }
    }
    return false;
}

/* Who is shut out has not failed, and is not away either: a person did it, and a person answers. */
static bool has_shut_out(const void *subject)
{
    return rollout_shut_out(subject) > 0;
}

/* Who sends targets on would have them refused, one after the other. */
static bool is_over_time(const void *subject)
{
    return rollout_is_over_time(subject) && rollout_ahead(subject) > 0;
}

static bool trips_for_time(const void *subject)
{
    return rollout_trips_for_time(subject);
}

/* What was under way has come to its end, and nothing is left that the time would forbid. */
static bool needs_no_time(const void *subject)
{
    return the(subject)->row.pause_cause == PAUSE_EXPIRED && rollout_ahead(subject) == 0 &&
           !rollout_is_tripped(subject);
}

static bool is_paused_by_operator(const void *subject)
{
    return the(subject)->row.pause_cause == PAUSE_OPERATOR;
}

static bool is_paused_for_plan(const void *subject)
{
    return the(subject)->row.pause_cause == PAUSE_PLAN_MISSING;
}

static bool has_not_opened(const void *subject)
{
    const Rollout *rollout = subject;
    for (size_t i = 0; i < rollout->wave_count; i++) {
        if (rollout->waves[i].row.state != WAVE_WAITING) {
            return false;
        }
    }
    return true;
}

/* --- actions --- */

#define PAUSE_ACTION(name, cause)                                                                  \
    static void name(void *subject)                                                                \
    {                                                                                              \
        ((Rollout *)subject)->row.pause_cause = (cause);                                           \
    }

PAUSE_ACTION(act_pause, PAUSE_OPERATOR)
PAUSE_ACTION(act_pause_budget, PAUSE_BUDGET)
PAUSE_ACTION(act_pause_agent, PAUSE_AGENT_LOST)
PAUSE_ACTION(act_pause_mass_loss, PAUSE_MASS_LOSS)
PAUSE_ACTION(act_pause_plan, PAUSE_PLAN_MISSING)
PAUSE_ACTION(act_pause_store, PAUSE_STORE_BEHIND)
PAUSE_ACTION(act_pause_failover, PAUSE_FAILOVER)
PAUSE_ACTION(act_pause_key, PAUSE_KEY_REVOKED)
PAUSE_ACTION(act_pause_time, PAUSE_EXPIRED)
PAUSE_ACTION(act_pause_gate, PAUSE_GATE)
PAUSE_ACTION(act_pause_unsure, PAUSE_GATE_UNSURE)
PAUSE_ACTION(act_clear_pause, PAUSE_NONE)

/* Who resumes after the store was found to be behind has looked at what the agents say. */
static void act_resume(void *subject)
{
    Rollout *rollout = subject;
    if (rollout->row.pause_cause == PAUSE_STORE_BEHIND) {
        claim_forgive_all(rollout->engine);
    }
    act_clear_pause(subject);
}

static void act_go_on_found(void *subject)
{
    rollout_open(subject);
}

static void act_roll_back(void *subject)
{
    Rollout *rollout = subject;
    rollout->row.pause_cause = PAUSE_NONE;
    rollout->row.is_rollback_by_operator = false;
}

static void act_roll_back_ordered(void *subject)
{
    Rollout *rollout = subject;
    rollout->row.pause_cause = PAUSE_NONE;
    rollout->row.is_rollback_by_operator = true;
    if (!rollout_is_open(rollout->row.state)) {
        rollout_open(rollout);
    }
}

/* --- the rules --- */

/* A row of the table reads as a row. */
/* clang-format off */
static const Rule RULES[] = {
    { "R57", ROLLOUT_READY, ROLLOUT_EVALUATE, is_over_time, "the plan's time is over",
      ROLLOUT_PAUSED, act_pause_time,
      "the plan may be applied until {apply_until}: nothing of it has begun" },
    { "R01", ROLLOUT_READY, ROLLOUT_EVALUATE, is_unapproved, "irreversible, not approved",
      RULE_IGNORE, NULL, "{irreversible} cannot be undone: the rollout waits for approval" },
    { "R02", ROLLOUT_READY, ROLLOUT_EVALUATE, NULL, NULL, ROLLOUT_RUNNING, NULL,
      "rollout {rollout} runs: {total target/targets}" },

    { "R03", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, is_through, "all waves passed, all healthy",
      ROLLOUT_SUCCEEDED, NULL, "rollout {rollout} succeeded: {healthy} of {total target/targets}{left_out}" },
    { "R53", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, has_lost, "a failover lost what was reported",
      ROLLOUT_PAUSED, act_pause_failover,
      "a standby was promoted without what had been reported: somebody has to look" },
    { "R55", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, has_shut_out, "a key was revoked with work in hand",
      ROLLOUT_PAUSED, act_pause_key,
      "the key of {shut_out_agents} was revoked, and {shut_out target is/targets are} held for it: "
      "somebody has to look" },
    { "R58", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, trips_for_time,
      "budget used up by refusals for the plan's time", ROLLOUT_PAUSED, act_pause_time,
      "the plan may be applied until {apply_until}, and by their clocks hosts say that this is over: "
      "{charged} refused or failed, {allowed} allowed" },
    { "R04", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, trips_to_roll_back,
      "budget used up, on_failure: roll_back_rollout", ROLLOUT_ROLLING_BACK, act_roll_back,
      "the budget is used up: {charged} failed, {allowed} allowed; everything is taken back" },
    { "R05", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, trips_to_roll_back_wave,
      "budget used up, on_failure: roll_back_wave", ROLLOUT_PAUSED, act_pause_budget,
      "the budget is used up: {charged} failed, {allowed} allowed; the wave is taken back" },
    { "R06", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, is_tripped, "budget used up", ROLLOUT_PAUSED,
      act_pause_budget, "the budget is used up: {charged} failed, {allowed} allowed" },
    { "R62", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, fails_gate_to_roll_back,
      "gate failed, on_failure: roll_back_rollout", ROLLOUT_ROLLING_BACK, act_roll_back,
      "a gate has failed: {gate}; everything is taken back" },
    { "R63", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, fails_gate_to_roll_back_wave,
      "gate failed, on_failure: roll_back_wave", ROLLOUT_PAUSED, act_pause_gate,
      "a gate has failed: {gate}; the wave is taken back" },
    { "R64", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, fails_gate, "gate failed", ROLLOUT_PAUSED,
      act_pause_gate, "a gate has failed: {gate}" },
    { "R59", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, is_over_time, "the plan's time is over",
      ROLLOUT_PAUSED, act_pause_time,
      "the plan may be applied until {apply_until}: nothing more of it begins, with "
      "{ahead target/targets} not through" },
    { "R60", ROLLOUT_PAUSED, ROLLOUT_EVALUATE, needs_no_time, "paused for it, nothing left to begin",
      ROLLOUT_RUNNING, act_clear_pause,
      "what was under way when the plan's time was over has ended, and nothing is left to begin" },
    { "R65", ROLLOUT_RUNNING, ROLLOUT_EVALUATE, is_unsure, "soaked, gates inconclusive for long",
      ROLLOUT_PAUSED, act_pause_unsure,
      "the wave has soaked, and nobody can say whether its gates hold: {gate}" },

    { "R07", ROLLOUT_ABORTING, ROLLOUT_EVALUATE, is_at_rest, "nothing at work", ROLLOUT_ABORTED,
      NULL, "rollout {rollout} is aborted: what was applied stays" },
    { "R08", ROLLOUT_ROLLING_BACK, ROLLOUT_EVALUATE, is_all_back, "all back or skipped",
      ROLLOUT_ROLLED_BACK, NULL, "rollout {rollout} is rolled back: {restored} of "
      "{total target was/targets were} taken back{left_as_is}" },
    { "R09", ROLLOUT_ROLLING_BACK, ROLLOUT_EVALUATE, is_stuck, "debt or failures left",
      ROLLOUT_ROLLBACK_HELD, NULL,
      "{debts target is/targets are} not back: debt that waits for its agent, or failures that need a "
      "person" },
    { "R10", ROLLOUT_ROLLBACK_HELD, ROLLOUT_EVALUATE, is_all_back, "all back or skipped",
      ROLLOUT_ROLLED_BACK, NULL, "rollout {rollout} is rolled back: the last debt is settled{left_as_is}" },
    { "R11", RULE_ANY, ROLLOUT_EVALUATE, NULL, NULL, RULE_IGNORE, NULL, "nothing has changed" },

    { "R12", ROLLOUT_RUNNING, ROLLOUT_AGENT_LOST, waits_for_agents, "on_agent_lost: wait",
      ROLLOUT_RUNNING, NULL, "{agent} is away for more than {after}: the rollout waits for it" },
    { "R13", ROLLOUT_RUNNING, ROLLOUT_AGENT_LOST, rolls_back_for_agents,
      "on_agent_lost: roll_back_rollout", ROLLOUT_ROLLING_BACK, act_roll_back,
      "{agent} is away for more than {after}: everything is taken back" },
    { "R14", ROLLOUT_RUNNING, ROLLOUT_AGENT_LOST, rolls_wave_back_for_agents,
      "on_agent_lost: roll_back_wave", ROLLOUT_PAUSED, act_pause_agent,
      "{agent} is away for more than {after}: its wave is taken back" },
    { "R15", ROLLOUT_RUNNING, ROLLOUT_AGENT_LOST, NULL, NULL, ROLLOUT_PAUSED, act_pause_agent,
      "{agent} is away for more than {after}" },
    { "R16", RULE_ANY, ROLLOUT_AGENT_LOST, NULL, NULL, RULE_IGNORE, NULL,
      "no policy acts in this state" },

    { "R17", ROLLOUT_READY, ROLLOUT_MASS_LOSS, NULL, NULL, ROLLOUT_PAUSED, act_pause_mass_loss,
      "many agents were lost at once: the coordinator itself is probably cut off" },
    { "R18", ROLLOUT_RUNNING, ROLLOUT_MASS_LOSS, NULL, NULL, ROLLOUT_PAUSED, act_pause_mass_loss,
      "many agents were lost at once: the coordinator itself is probably cut off" },
    { "R19", RULE_ANY, ROLLOUT_MASS_LOSS, NULL, NULL, RULE_IGNORE, NULL,
      "nothing is started in this state" },

    { "R20", ROLLOUT_READY, ROLLOUT_PLAN_MISSING, NULL, NULL, ROLLOUT_PAUSED, act_pause_plan,
      "the plan of {rollout} is not in the store" },
    { "R21", ROLLOUT_RUNNING, ROLLOUT_PLAN_MISSING, NULL, NULL, ROLLOUT_PAUSED, act_pause_plan,
      "the plan of {rollout} is not in the store" },
    { "R22", RULE_ANY, ROLLOUT_PLAN_MISSING, NULL, NULL, RULE_IGNORE, NULL,
      "nothing is started without a plan anyway" },
    { "R24", ROLLOUT_PAUSED, ROLLOUT_PLAN_BACK, is_paused_for_plan, "paused for it",
      ROLLOUT_PAUSED, NULL, "the plan of {rollout} is back" },
    { "R25", RULE_ANY, ROLLOUT_PLAN_BACK, NULL, NULL, RULE_IGNORE, NULL,
      "it was not paused for its plan" },
    { "R26", ROLLOUT_READY, ROLLOUT_STORE_BEHIND, NULL, NULL, ROLLOUT_PAUSED, act_pause_store,
      "the fleet has seen a later coordinator than this store: it may be an old backup" },
    { "R27", ROLLOUT_RUNNING, ROLLOUT_STORE_BEHIND, NULL, NULL, ROLLOUT_PAUSED, act_pause_store,
      "the fleet has seen a later coordinator than this store: it may be an old backup" },
    { "R28", RULE_ANY, ROLLOUT_STORE_BEHIND, NULL, NULL, RULE_IGNORE, NULL,
      "nothing is started in this state" },

    { "R49", ROLLOUT_READY, ROLLOUT_ADOPT, NULL, NULL, ROLLOUT_FOUND, NULL,
      "this store knows nothing of {rollout}, it is known from the databases alone{words}" },
    { "R50", RULE_ANY, ROLLOUT_ADOPT, NULL, NULL, RULE_IGNORE, NULL, "{rollout} is known here" },

    { "R29", ROLLOUT_READY, ROLLOUT_PAUSE, NULL, NULL, ROLLOUT_PAUSED, act_pause,
      "paused by {actor}{words}" },
    { "R30", ROLLOUT_RUNNING, ROLLOUT_PAUSE, NULL, NULL, ROLLOUT_PAUSED, act_pause,
      "paused by {actor}{words}" },
    { "R31", ROLLOUT_PAUSED, ROLLOUT_PAUSE, is_paused_by_operator, "by an operator", RULE_REJECT,
      NULL, "rollout {rollout} is paused already" },
    { "R32", ROLLOUT_PAUSED, ROLLOUT_PAUSE, NULL, NULL, ROLLOUT_PAUSED, act_pause,
      "paused by {actor}, too{words}" },
    { "R33", RULE_ANY, ROLLOUT_PAUSE, NULL, NULL, RULE_REJECT, NULL,
      "rollout {rollout} is neither ready nor running: only those can be paused" },

    { "R34", ROLLOUT_PAUSED, ROLLOUT_RESUME, has_no_plan, "no plan", RULE_REJECT, NULL,
      "the plan of {rollout} is not in the store: nothing can run without it" },
    { "R54", ROLLOUT_PAUSED, ROLLOUT_RESUME, has_lost, "a failover lost what was reported",
      RULE_REJECT, NULL,
      "targets of {rollout} are held since a failover: retry or skip them first" },
    { "R56", ROLLOUT_PAUSED, ROLLOUT_RESUME, has_shut_out, "a key was revoked with work in hand",
      RULE_REJECT, NULL,
      "the key of {shut_out_agents} was revoked, and {shut_out target is/targets are} held for it" },
    { "R48", ROLLOUT_PAUSED, ROLLOUT_RESUME, owes_wave,
      "budget used up in the pause, on_failure: roll_back_wave", ROLLOUT_PAUSED, act_pause_budget,
      "{actor} lifts the pause; the budget is used up: {charged} failed, {allowed} allowed" },
    { "R35", ROLLOUT_PAUSED, ROLLOUT_RESUME, is_tripped_for_good, "budget used up by failures",
      RULE_REJECT, NULL,
      "the budget of {rollout} is used up: {charged} failed, {allowed} allowed" },
    { "R51", ROLLOUT_FOUND, ROLLOUT_RESUME, has_no_plan, "no plan", RULE_REJECT, NULL,
      "the plan of {rollout} is not in the store: nothing can run without it" },
    { "R52", ROLLOUT_FOUND, ROLLOUT_RESUME, NULL, NULL, ROLLOUT_READY, act_go_on_found,
      "{actor} goes on with it, from its first wave: {total target/targets}{words}" },
    { "R61", ROLLOUT_PAUSED, ROLLOUT_RESUME, is_over_time, "the plan's time is over", RULE_REJECT,
      NULL, "the plan of {rollout} may be applied until {apply_until}, and that is over, with "
      "{ahead target/targets} not through" },
    { "R36", ROLLOUT_PAUSED, ROLLOUT_RESUME, has_not_opened, "nothing open yet", ROLLOUT_READY,
      act_resume, "resumed by {actor}{words}" },
    { "R37", ROLLOUT_PAUSED, ROLLOUT_RESUME, NULL, NULL, ROLLOUT_RUNNING, act_resume,
      "resumed by {actor}{words}" },
    { "R38", RULE_ANY, ROLLOUT_RESUME, NULL, NULL, RULE_REJECT, NULL,
      "rollout {rollout} is not paused" },

    { "R39", ROLLOUT_READY, ROLLOUT_ABORT, NULL, NULL, ROLLOUT_ABORTING, act_clear_pause,
      "aborted by {actor}{words}" },
    { "R40", ROLLOUT_RUNNING, ROLLOUT_ABORT, NULL, NULL, ROLLOUT_ABORTING, act_clear_pause,
      "aborted by {actor}: nothing new starts, running steps end{words}" },
    { "R41", ROLLOUT_PAUSED, ROLLOUT_ABORT, NULL, NULL, ROLLOUT_ABORTING, act_clear_pause,
      "aborted by {actor}: nothing new starts, running steps end{words}" },
    { "R42", RULE_ANY, ROLLOUT_ABORT, NULL, NULL, RULE_REJECT, NULL,
      "rollout {rollout} is being taken back or has ended: there is nothing to abort" },

    { "R43", ROLLOUT_ROLLING_BACK, ROLLOUT_ROLL_BACK, NULL, NULL, RULE_REJECT, NULL,
      "rollout {rollout} is being rolled back already" },
    { "R44", ROLLOUT_ROLLBACK_HELD, ROLLOUT_ROLL_BACK, NULL, NULL, RULE_REJECT, NULL,
      "rollout {rollout} is being rolled back already: retry or skip what is left" },
    { "R45", ROLLOUT_ROLLED_BACK, ROLLOUT_ROLL_BACK, NULL, NULL, RULE_REJECT, NULL,
      "rollout {rollout} is rolled back already" },
    { "R46", RULE_ANY, ROLLOUT_ROLL_BACK, has_no_plan, "no plan", RULE_REJECT, NULL,
      "the plan of {rollout} is not in the store: nothing can be undone without it" },
    { "R47", RULE_ANY, ROLLOUT_ROLL_BACK, NULL, NULL, ROLLOUT_ROLLING_BACK, act_roll_back_ordered,
      "rolled back by {actor}{words}" },
};
/* clang-format on */

static const char *const EVENT_NAMES[] = {
    [ROLLOUT_EVENT_NONE] = "none",
    [ROLLOUT_EVALUATE] = "evaluate",
    [ROLLOUT_AGENT_LOST] = "agent lost",
    [ROLLOUT_MASS_LOSS] = "mass loss",
    [ROLLOUT_PLAN_MISSING] = "plan missing",
    [ROLLOUT_PLAN_BACK] = "plan back",
    [ROLLOUT_ADOPT] = "adopt",
    [ROLLOUT_STORE_BEHIND] = "store behind",
    [ROLLOUT_PAUSE] = "pause",
    [ROLLOUT_RESUME] = "resume",
    [ROLLOUT_ABORT] = "abort",
    [ROLLOUT_ROLL_BACK] = "roll back",
};
_Static_assert(ARRAY_LEN(EVENT_NAMES) == ROLLOUT_EVENT_COUNT_, "a name per event");

static const char *state_name(int state)
{
    return rollout_state_name((RolloutState)state);
}

static const char *event_name(int event)
{
    return EVENT_NAMES[event];
}

const RuleTable ROLLOUT_TABLE = {
    .name = "rollout",
    .rules = RULES,
    .rule_count = ARRAY_LEN(RULES),
    .state_count = ROLLOUT_STATE_COUNT_,
    .event_count = ROLLOUT_EVENT_COUNT_,
    .initial_state = ROLLOUT_READY,
    .state_name = state_name,
    .event_name = event_name,
};

/* --- the machine --- */

static Place place_of(void *subject)
{
    Rollout *rollout = subject;
    return (Place){ .engine = rollout->engine, .rollout = rollout };
}

static int state_of(const void *subject)
{
    return (int)the(subject)->row.state;
}

static void set_state(void *subject, int state)
{
    Rollout *rollout = subject;
    rollout->row.state = (RolloutState)state;
    rollout_touch(rollout);
}

static void fire_targets(Rollout *rollout, TargetEvent event)
{
    for (size_t i = 0; i < rollout->target_count; i++) {
        target_fire(&rollout->targets[i], event);
    }
}

/* The soak's clock stands still with its rollout. */
static void soak_stop(Wave *wave)
{
    uint64_t now_ms = wave->engine->now_ms;
    if (wave->row.state == WAVE_SOAKING && wave->soak_until_ms != 0) {
        bool is_over = wave->soak_until_ms <= now_ms;
        wave->row.soak_left_ms = is_over ? 0 : (uint32_t)(wave->soak_until_ms - now_ms);
        wave->soak_until_ms = 0;
        wave_touch(wave);
    }
}

static void soak_go(Wave *wave)
{
    if (wave->row.state == WAVE_SOAKING && wave->soak_until_ms == 0) {
        wave->soak_until_ms = wave->engine->now_ms + wave->row.soak_left_ms;
        engine_arm(wave->engine, wave->soak_until_ms);
    }
}

static void enter_paused(Rollout *rollout)
{
    fire_targets(rollout, TARGET_PAUSE);
    for (size_t i = 0; i < rollout->wave_count; i++) {
        soak_stop(&rollout->waves[i]);
    }
}

/* Silence before the pause ended says nothing: verdicts count from now on. */
static void leave_paused(Rollout *rollout)
{
    rollout->resumed_ms = rollout->engine->now_ms;
    rollout->resumed_sample = rollout->engine->sample_count;
    for (size_t i = 0; i < rollout->target_count; i++) {
        if (!target_is_parked(&rollout->targets[i])) { /* those go on as their hosts have room */
            target_fire(&rollout->targets[i], TARGET_GO_ON);
        }
    }
    for (size_t i = 0; i < rollout->wave_count; i++) {
        soak_go(&rollout->waves[i]);
    }
    plan_time_tick(rollout);
    gates_forgive(rollout);
    engine_arm(rollout->engine, rollout->engine->now_ms + rollout->strategy.agent_lost_after_ms);
}

static void keep_reason(Rollout *rollout, const Rule *rule)
{
    AUTO(Str) text = { 0 };
    Place place = place_of(rollout);
    sentence_write(&text, rule->why, &place);
    text_set(&rollout->row.reason, str_text(&text));
}

static void entered(void *subject, int old_state, const Rule *rule)
{
    Rollout *rollout = subject;
    keep_reason(rollout, rule);
    if (rule->to == ROLLOUT_PAUSED && old_state != ROLLOUT_PAUSED) {
        enter_paused(rollout);
    } else if (old_state == ROLLOUT_PAUSED &&
               (rule->to == ROLLOUT_RUNNING || rule->to == ROLLOUT_READY)) {
        leave_paused(rollout);
    } else if (rule->to == ROLLOUT_ABORTING) {
        fire_targets(rollout, TARGET_STOP);
    } else if (!rollout_is_open((RolloutState)rule->to)) {
        rollout_close(rollout);
    }
}

static const Machine MACHINE = { &ROLLOUT_TABLE, place_of, state_of, set_state, entered };

const Rule *rollout_fire(Rollout *rollout, RolloutEvent event)
{
    return machine_fire(&MACHINE, rollout, event);
}

ErrCode rollout_refuse(Rollout *rollout, const Rule *rule, Err *err)
{
    return machine_refuse(&MACHINE, rollout, rule, err);
}

/*
 * Rollout and waves to a fixpoint. Each pass but the last moves something, and moves without new
 * input only lead forward: the bound is far above what any table can need.
 */
void rollout_settle(Rollout *rollout)
{
    gates_recall(rollout);
    for (size_t pass = 0; rollout->is_stale && pass < 16 + 8 * rollout->wave_count; pass++) {
        rollout->is_stale = false;
        rollout_fire(rollout, ROLLOUT_EVALUATE);
        for (size_t i = 0; i < rollout->wave_count; i++) {
            gates_look(&rollout->waves[i]);
            wave_fire(&rollout->waves[i], WAVE_EVALUATE);
        }
    }
}
