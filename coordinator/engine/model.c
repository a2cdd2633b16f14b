/* The rows' enums by name. Names are in the store, in JSON and in diagrams: never reused or
 * renamed. */
#include "coordinator/engine/model.h"

#include "common/cleanup.h"

static const char *const SESSION_STATES[] = {
    [SESSION_NONE] = "none", [SESSION_ACTIVE] = "active",           [SESSION_SUSPECT] = "suspect",
    [SESSION_LOST] = "lost", [SESSION_QUARANTINED] = "quarantined",
};
_Static_assert(ARRAY_LEN(SESSION_STATES) == SESSION_STATE_COUNT_, "a name per session state");

static const char *const TARGET_STATES[] = {
    [TARGET_NONE] = "none",
    [TARGET_PENDING] = "pending",
    [TARGET_ASSIGNED] = "assigned",
    [TARGET_APPLYING] = "applying",
    [TARGET_UNKNOWN] = "unknown",
    [TARGET_VERIFYING] = "verifying",
    [TARGET_HEALTHY] = "healthy",
    [TARGET_FAILED] = "failed",
    [TARGET_HELD] = "held",
    [TARGET_ROLLING_BACK] = "rolling_back",
    [TARGET_ROLLED_BACK] = "rolled_back",
    [TARGET_ROLLBACK_FAILED] = "rollback_failed",
    [TARGET_SKIPPED] = "skipped",
    [TARGET_DEBT] = "debt",
};
_Static_assert(ARRAY_LEN(TARGET_STATES) == TARGET_STATE_COUNT_, "a name per target state");

static const char *const WAVE_STATES[] = {
    [WAVE_NONE] = "none",
    [WAVE_WAITING] = "waiting",
    [WAVE_GATED] = "gated",
    [WAVE_RUNNING] = "running",
    [WAVE_SOAKING] = "soaking",
    [WAVE_PASSED] = "passed",
    [WAVE_TRIPPED] = "tripped",
    [WAVE_HELD] = "held",
    [WAVE_ROLLING_BACK] = "rolling_back",
    [WAVE_ROLLED_BACK] = "rolled_back",
};
_Static_assert(ARRAY_LEN(WAVE_STATES) == WAVE_STATE_COUNT_, "a name per wave state");

static const char *const ROLLOUT_STATES[] = {
    [ROLLOUT_NONE] = "none",
    [ROLLOUT_READY] = "ready",
    [ROLLOUT_RUNNING] = "running",
    [ROLLOUT_PAUSED] = "paused",
    [ROLLOUT_ABORTING] = "aborting",
    [ROLLOUT_ABORTED] = "aborted",
    [ROLLOUT_ROLLING_BACK] = "rolling_back",
    [ROLLOUT_ROLLBACK_HELD] = "rollback_held",
    [ROLLOUT_ROLLED_BACK] = "rolled_back",
    [ROLLOUT_SUCCEEDED] = "succeeded",
    [ROLLOUT_FOUND] = "found",
};
_Static_assert(ARRAY_LEN(ROLLOUT_STATES) == ROLLOUT_STATE_COUNT_, "a name per rollout state");

static const char *const PAUSE_CAUSES[] = {
    [PAUSE_NONE] = "none",
    [PAUSE_OPERATOR] = "operator",
    [PAUSE_BUDGET] = "budget",
    [PAUSE_AGENT_LOST] = "agent_lost",
    [PAUSE_MASS_LOSS] = "mass_loss",
    [PAUSE_PLAN_MISSING] = "plan_missing",
    [PAUSE_STORE_BEHIND] = "store_behind",
    [PAUSE_FAILOVER] = "failover",
    [PAUSE_KEY_REVOKED] = "key_revoked",
    [PAUSE_EXPIRED] = "expired",
    [PAUSE_GATE] = "gate",
    [PAUSE_GATE_UNSURE] = "gate_unsure",
};
_Static_assert(ARRAY_LEN(PAUSE_CAUSES) == PAUSE_CAUSE_COUNT_, "a name per cause");

#define NAME_OF(names, value)                                                                      \
    ((unsigned)(value) < ARRAY_LEN(names) ? (names)[(unsigned)(value)] : "invalid")

const char *session_state_name(SessionState state)
{
    return NAME_OF(SESSION_STATES, state);
}

const char *target_state_name(TargetState state)
{
    return NAME_OF(TARGET_STATES, state);
}

const char *wave_state_name(WaveState state)
{
    return NAME_OF(WAVE_STATES, state);
}

const char *rollout_state_name(RolloutState state)
{
    return NAME_OF(ROLLOUT_STATES, state);
}

bool rollout_is_open(RolloutState state)
{
    return state != ROLLOUT_ABORTED && state != ROLLOUT_ROLLED_BACK && state != ROLLOUT_SUCCEEDED &&
           state != ROLLOUT_FOUND;
}

const char *pause_cause_name(PauseCause cause)
{
    return NAME_OF(PAUSE_CAUSES, cause);
}
