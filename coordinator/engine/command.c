/*
 * Commands of people. A command is checked whole before anything changes; a refusal carries the
 * rule's own sentence and what would help.
 */
#include "coordinator/engine/state.h"

static ErrCode run_event(Rollout *rollout, RolloutEvent event, const char *hint, Err *err)
{
    const Rule *rule = rollout_fire(rollout, event);
    if (rule->to != RULE_REJECT) {
        return ERR_NONE;
    }
    rollout_refuse(rollout, rule, err);
    return err_hint(err, "%s", hint);
}

static ErrCode run_pause(Rollout *rollout, const Command *command, Err *err)
{
    (void)command;
    return run_event(rollout, ROLLOUT_PAUSE, "`skein rollout show` says what it does now", err);
}

/* From what its databases show; the breaker tells only those that are open when it looks. */
static ErrCode resume_found(Rollout *rollout, Err *err)
{
    ErrCode code = found_check(rollout, err);
    if (code == ERR_NONE) {
        code = found_make_whole(rollout, err);
    }
    if (code == ERR_NONE) {
        rollout_fire(rollout, ROLLOUT_RESUME);
    }
    if (code == ERR_NONE && watch_is_mass_loss(rollout->engine)) {
        rollout_fire(rollout, ROLLOUT_MASS_LOSS);
    }
    return code;
}

static ErrCode run_resume(Rollout *rollout, const Command *command, Err *err)
{
    (void)command;
    const char *hint = "`skein rollout show` says what it does now";
    bool is_found = rollout->row.state == ROLLOUT_FOUND;
    if (is_found && rollout->has_plan) {
        return resume_found(rollout, err);
    } else if (!rollout->has_plan && (is_found || rollout->row.state == ROLLOUT_PAUSED)) {
        hint = "`skein rollout resume --plan FILE` brings the plan";
    } else if (rollout_shut_out(rollout) > 0) {
        hint = "`skein rollout skip` them, or put the key back and `retry` them";
    } else if (rollout_is_tripped(rollout)) {
        hint = "`skein rollout retry` or `skip` its failed targets first, or `rollback`";
    } else if (rollout_is_over_time(rollout)) {
        hint = "`skein rollout abort` and start it anew with a later end, or `rollback`";
    }
    return run_event(rollout, ROLLOUT_RESUME, hint, err);
}

static ErrCode run_abort(Rollout *rollout, const Command *command, Err *err)
{
    (void)command;
    return run_event(rollout, ROLLOUT_ABORT, "`skein rollout show` says what it does now", err);
}

/* A rollout that has ended may have left its targets to another one. */
static ErrCode check_targets_free(const Rollout *rollout, Err *err)
{
    for (size_t i = 0; i < rollout->target_count; i++) {
        const Target *target = &rollout->targets[i];
        const Target *other = target->item->target;
        if (other != NULL && other->rollout != rollout) {
            err_set(err, ERR_CONFLICT, "%s belongs to rollout %s now, which is open",
                    target->row.address, other->rollout->row.id);
            return err_hint(err, "roll %s back first, or wait for its end", other->rollout->row.id);
        }
    }
    return ERR_NONE;
}

/*
 * What a later rollout found applied, and built upon, is not pulled away from under it: rollouts go
 * back in the reverse order, too.
 */
static ErrCode check_not_built_upon(const Rollout *rollout, Err *err)
{
    const Engine *engine = rollout->engine;
    for (size_t i = rollout->number + 1; i < engine->rollouts.count; i++) {
        const Rollout *later = engine->rollouts.items[i];
        for (size_t j = 0; j < rollout->target_count; j++) {
            const char *address = rollout->targets[j].row.address;
            const Target *same = map_get(later->by_address, address);
            if (same != NULL && target_is_applied(same)) {
                return target_refuse_beneath(same, err);
            }
        }
    }
    return ERR_NONE;
}

/* Of one that was found, the databases that have it are its targets from now on. */
static ErrCode check_roll_back(Rollout *rollout, Err *err)
{
    if (rollout->row.state == ROLLOUT_FOUND && rollout->has_plan) {
        ErrCode code = found_check(rollout, err);
        if (code == ERR_NONE) {
            code = found_check_beneath(rollout, err);
        }
        if (code == ERR_NONE) {
            found_make_targets(rollout);
        }
        return code;
    }
    ErrCode code = check_targets_free(rollout, err);
    return code == ERR_NONE ? check_not_built_upon(rollout, err) : code;
}

static ErrCode run_roll_back(Rollout *rollout, const Command *command, Err *err)
{
    (void)command;
    ErrCode code = check_roll_back(rollout, err);
    if (code != ERR_NONE) {
        return code;
    }
    const char *hint = "`skein rollout show` says what is left";
    if (!rollout->has_plan && rollout->row.state != ROLLOUT_ROLLED_BACK) {
        hint = "`skein rollout rollback --plan FILE` brings the plan";
    }
    return run_event(rollout, ROLLOUT_ROLL_BACK, hint, err);
}

/* --- approve --- */

static Wave *wave_by_name(Rollout *rollout, const char *name)
{
    for (size_t i = 0; i < rollout->wave_count; i++) {
        if (str_equal(rollout->waves[i].row.name, name)) {
            return &rollout->waves[i];
        }
    }
    return NULL;
}

static bool is_ahead(const Wave *wave)
{
    return wave->row.state == WAVE_WAITING || wave->row.state == WAVE_GATED;
}

/* The next one, if it asks. Later ones only by name: whoever says it twice means one wave. */
static Wave *wave_to_approve(Rollout *rollout)
{
    size_t next = 0;
    while (next < rollout->wave_count && !is_ahead(&rollout->waves[next])) {
        next++;
    }
    Wave *wave = next < rollout->wave_count ? &rollout->waves[next] : NULL;
    return wave != NULL && wave->needs_approval && !wave->row.is_approved ? wave : NULL;
}

static ErrCode approve_wave(Wave *wave, Err *err)
{
    const Rule *rule = wave_fire(wave, WAVE_APPROVE);
    return rule->to == RULE_REJECT ? wave_refuse(wave, rule, err) : ERR_NONE;
}

static bool approve_irreversible(Rollout *rollout)
{
    if (rollout->irreversible[0] == '\0' || rollout->row.is_irreversible_approved) {
        return false;
    }
    rollout->row.is_irreversible_approved = true;
    rollout_touch(rollout);
    event_note((Place){ .engine = rollout->engine, .rollout = rollout }, "E05", ERR_NONE,
               "{actor} approves that {irreversible} cannot be undone{words}");
    return true;
}

static ErrCode run_approve(Rollout *rollout, const Command *command, Err *err)
{
    if (!rollout_is_open(rollout->row.state)) {
        return err_set(err, ERR_REFUSED, "rollout %s has ended", rollout->row.id);
    }
    if (command->wave[0] != '\0') {
        Wave *wave = wave_by_name(rollout, command->wave);
        if (wave == NULL) {
            err_set(err, ERR_NOT_FOUND, "rollout %s has no wave %s", rollout->row.id,
                    command->wave);
            return err_hint(err, "`skein rollout show` names its waves");
        }
        return approve_wave(wave, err);
    }
    if (approve_irreversible(rollout)) {
        return ERR_NONE; /* one thing at a time: the wave is another */
    }
    Wave *wave = wave_to_approve(rollout);
    if (wave != NULL) {
        return approve_wave(wave, err);
    }
    err_set(err, ERR_REFUSED, "nothing in rollout %s waits for approval", rollout->row.id);
    return err_hint(err, "--wave NAME approves a later wave before its turn");
}

/* --- retry and skip --- */

typedef LIST(Target *) TargetList;

static bool has_failed(const Target *target)
{
    TargetState state = target->row.state;
    return state == TARGET_FAILED || state == TARGET_HELD || state == TARGET_ROLLBACK_FAILED ||
           (state == TARGET_ROLLED_BACK && target->row.is_charged &&
            !target_is_wanted_back(target));
}

bool engine_target_is_failed_for(const Engine *engine, const char *rollout, size_t index,
                                 CommandVerb verb)
{
    const Rollout *found = rollout_find(engine, rollout);
    if (found == NULL || index >= found->target_count) {
        return false;
    }
    const Target *target = &found->targets[index];
    TargetEvent event = verb == COMMAND_RETRY ? TARGET_RETRY : TARGET_SKIP;
    return has_failed(target) && target_rule(target, event)->to != RULE_REJECT;
}

static ErrCode collect_named(Rollout *rollout, const Command *command, TargetList *targets,
                             Err *err)
{
    for (size_t i = 0; i < command->target_count; i++) {
        Target *target = target_find(rollout, command->targets[i]);
        if (target == NULL) {
            return err_set(err, ERR_NOT_FOUND, "%s is not in rollout %s", command->targets[i],
                           rollout->row.id);
        }
        LIST_PUSH(targets, target);
    }
    return ERR_NONE;
}

/* Of all that failed, those for which it makes sense; for none of them: why
 * not for the last one. */
static ErrCode collect_failed(Rollout *rollout, TargetEvent event, TargetList *targets, Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < rollout->target_count; i++) {
        Target *target = &rollout->targets[i];
        const Rule *rule = has_failed(target) ? target_rule(target, event) : NULL;
        if (rule != NULL && rule->to == RULE_REJECT) {
            code = target_refuse(target, rule, err);
        } else if (rule != NULL) {
            LIST_PUSH(targets, target);
        }
    }
    return targets->count == 0 ? code : ERR_NONE;
}

static ErrCode collect(Rollout *rollout, const Command *command, TargetEvent event,
                       TargetList *targets, Err *err)
{
    ErrCode code = collect_named(rollout, command, targets, err);
    if (code == ERR_NONE && command->is_all_failed) {
        code = collect_failed(rollout, event, targets, err);
    }
    if (code == ERR_NONE && targets->count == 0) {
        return err_set(err, ERR_REFUSED, "rollout %s has no failed targets", rollout->row.id);
    }
    return code;
}

static ErrCode check_targets(const TargetList *targets, TargetEvent event, Err *err)
{
    for (size_t i = 0; i < targets->count; i++) {
        const Rule *rule = target_rule(targets->items[i], event);
        if (rule->to == RULE_REJECT) {
            target_fire(targets->items[i], event); /* for the trail; it changes nothing */
            return target_refuse(targets->items[i], rule, err);
        }
    }
    return ERR_NONE;
}

static ErrCode fire_targets(Rollout *rollout, const Command *command, TargetEvent event, Err *err)
{
    TargetList targets = { 0 };
    ErrCode code = collect(rollout, command, event, &targets, err);
    if (code == ERR_NONE) {
        code = check_targets(&targets, event, err);
    }
    for (size_t i = 0; code == ERR_NONE && i < targets.count; i++) {
        /* Named twice is meant once. */
        if (target_rule(targets.items[i], event)->to != RULE_REJECT) {
            target_fire(targets.items[i], event);
        }
    }
    LIST_DONE(&targets);
    return code;
}

/* An abort still waits for what is unknown: that can be skipped, but nothing can be tried again. */
static ErrCode check_acts(const Rollout *rollout, TargetEvent event, Err *err)
{
    RolloutState state = rollout->row.state;
    bool is_ending = state == ROLLOUT_ABORTING && event != TARGET_SKIP;
    if (!rollout_is_open(state) || is_ending) {
        err_set(err, ERR_REFUSED, "rollout %s is %s", rollout->row.id, rollout_state_name(state));
        return err_hint(err, "start a new rollout for what is left");
    }
    return ERR_NONE;
}

static ErrCode run_retry(Rollout *rollout, const Command *command, Err *err)
{
    ErrCode code = check_acts(rollout, TARGET_RETRY, err);
    return code != ERR_NONE ? code : fire_targets(rollout, command, TARGET_RETRY, err);
}

static ErrCode run_skip(Rollout *rollout, const Command *command, Err *err)
{
    ErrCode code = check_acts(rollout, TARGET_SKIP, err);
    return code != ERR_NONE ? code : fire_targets(rollout, command, TARGET_SKIP, err);
}

/* --- the verbs --- */

static ErrCode (*const VERBS[])(Rollout *rollout, const Command *command, Err *err) = {
    [COMMAND_NONE] = NULL,         [COMMAND_PAUSE] = run_pause,
    [COMMAND_RESUME] = run_resume, [COMMAND_APPROVE] = run_approve,
    [COMMAND_ABORT] = run_abort,   [COMMAND_ROLL_BACK] = run_roll_back,
    [COMMAND_RETRY] = run_retry,   [COMMAND_SKIP] = run_skip,
};
_Static_assert(ARRAY_LEN(VERBS) == COMMAND_VERB_COUNT_, "a function per verb");

ErrCode command_run(Engine *engine, const Command *command, Err *err)
{
    Rollout *rollout = rollout_find(engine, command->rollout);
    if (rollout == NULL) {
        err_set(err, ERR_NOT_FOUND, "there is no rollout %s", command->rollout);
        return err_hint(err, "`skein rollout list` shows them");
    }
    if (command->verb <= COMMAND_NONE || command->verb >= COMMAND_VERB_COUNT_) {
        return err_set(err, ERR_USAGE, "no such command");
    }
    return VERBS[command->verb](rollout, command, err);
}
