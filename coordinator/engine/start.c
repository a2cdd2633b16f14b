/* Starting a rollout: everything that can be wrong with it is said before anything changes. */
#include <string.h>

#include "common/utc.h"
#include "coordinator/engine/state.h"

static bool takes_back_by_itself(const PlanStrategy *strategy)
{
    return strategy->on_failure != ON_FAILURE_PAUSE ||
           strategy->on_agent_lost == ON_AGENT_LOST_ROLL_BACK_WAVE ||
           strategy->on_agent_lost == ON_AGENT_LOST_ROLL_BACK_ROLLOUT;
}

static ErrCode check_id(const Engine *engine, const char *id, Err *err)
{
    if (id[0] == '\0' || strlen(id) > ROLLOUT_ID_MAX) {
        return err_set(err, ERR_LIMIT, "a rollout id has 1 to %d bytes", ROLLOUT_ID_MAX);
    }
    if (rollout_find(engine, id) != NULL) {
        return err_set(err, ERR_EXISTS, "there is a rollout %s already", id);
    }
    return ERR_NONE;
}

static ErrCode check_lost_after(const Engine *engine, const PlanStrategy *strategy, Err *err)
{
    if (strategy->agent_lost_after_ms >= 2 * (uint64_t)engine->config.lost_ms) {
        return ERR_NONE;
    }
    AUTO(Str) after = { 0 };
    AUTO(Str) least = { 0 };
    duration_write_words(&after, strategy->agent_lost_after_ms);
    duration_write_words(&least, 2 * (uint64_t)engine->config.lost_ms);
    err_set(err, ERR_CONFIG, "on_agent_lost.after is %s, and has to be %s or more here",
            str_text(&after), str_text(&least));
    return err_hint(err, "twice the time after which an agent counts as lost: one that is merely "
                         "reconnecting must not be given up");
}

/* By this clock; the agents' may say otherwise, and have the last word. */
static ErrCode check_time(const Engine *engine, const Plan *plan, Err *err)
{
    if (plan->apply_until_s == 0 || engine->wall_ms / 1000 <= plan->apply_until_s) {
        return ERR_NONE;
    }
    char until[UTC_TEXT_MAX];
    char now[UTC_TEXT_MAX];
    utc_format_s(plan->apply_until_s, until);
    utc_format_s(engine->wall_ms / 1000, now);
    err_set(err, ERR_EXPIRED, "the plan may be applied until %s, and here it is %s", until, now);
    return err_hint(err, "sign it anew with a later end: --apply-until TIME; if the time is wrong, "
                         "set the coordinator's clock");
}

/* Of a newer skein's plan: what is not known here cannot be judged. */
static ErrCode check_gates(const PlanStrategy *strategy, Err *err)
{
    for (size_t i = 0; i < strategy->gate_count; i++) {
        if (metric_row(strategy->gates[i].metric) == NULL) {
            err_set(err, ERR_CONFIG, "gates[%zu] is on metric number %u, which is not known here",
                    i, strategy->gates[i].metric);
            return err_hint(err, "this coordinator is older than the `skein` that made the plan: "
                                 "upgrade it");
        }
    }
    return ERR_NONE;
}

ErrCode start_check_plan(const Engine *engine, const Plan *plan, Err *err)
{
    const PlanStrategy *strategy = &plan->strategy;
    const char *irreversible = plan_first_irreversible(plan);
    if (plan_find(plan, plan->to) < 0) {
        return err_set(err, ERR_SYNTAX, "the plan leads to %s, which is not one of its migrations",
                       plan->to);
    }
    if (irreversible[0] != '\0' && takes_back_by_itself(strategy) &&
        !strategy->allow_irreversible) {
        err_set(err, ERR_IRREVERSIBLE, "%s cannot be undone, and the strategy rolls back by itself",
                irreversible);
        return err_hint(err,
                        "pause on failure and on lost agents, or set allow_irreversible: true");
    }
    ErrCode code = check_gates(strategy, err);
    code = code == ERR_NONE ? check_lost_after(engine, strategy, err) : code;
    return code == ERR_NONE ? check_time(engine, plan, err) : code;
}

/* The fleet is shown before it is judged: a term that has passed decides nothing any more. */
static ErrCode check_engine(const Engine *engine, Err *err)
{
    if (engine->term_seen != 0) {
        return err_set(err, ERR_STORE_TERM, "the fleet knows a later coordinator (term %llu)",
                       (unsigned long long)engine->term_seen);
    }
    return ERR_NONE;
}

static void make_targets(Rollout *rollout, const PlanPreview *preview)
{
    for (size_t i = 0; i < preview->target_count; i++) {
        preview->targets[i].rollout = rollout->row.id;
    }
    rollout_make_targets(rollout, preview->targets, preview->target_count);
    for (size_t i = 0; i < rollout->target_count; i++) {
        target_touch(&rollout->targets[i]);
    }
}

/* Who was selected by the address of a server that another one has taken over goes there. */
static void follow_primaries(Rollout *rollout)
{
    for (size_t i = 0; i < rollout->target_count; i++) {
        const Item *item = rollout->targets[i].item;
        if (family_heir(item) != NULL) {
            family_settle(item->family);
        }
    }
}

static void tell_left_out(Rollout *rollout, const PlanPreview *preview)
{
    AUTO(Str) text = { 0 };
    preview_tell_left_out(preview, &text);
    if (text.length > 0) {
        event_tell((Place){ .engine = rollout->engine, .rollout = rollout }, "E11", ERR_NONE,
                   str_text(&text));
    }
}

static void make_rollout(Engine *engine, const StartRollout *start, const PlanPreview *preview)
{
    Rollout *rollout = rollout_new(engine, start->id);
    RolloutRow *row = &rollout->row;
    row->state = ROLLOUT_READY;
    row->created_at_ms = engine->wall_ms;
    memcpy(row->plan_hash, start->plan_hash, PLAN_HASH_BYTES);
    text_set(&row->name, start->plan->name);
    text_set(&row->actor, engine->actor);
    text_set(&row->reason, "it is durable, and opens its first wave next");
    rollout_plan_waves(rollout, &start->plan->strategy, preview->wave_targets);
    make_targets(rollout, preview);
    rollout_take_plan(rollout, start->plan);
    rollout_open(rollout);
    rollout_touch(rollout);
    event_note((Place){ .engine = engine, .rollout = rollout }, "E04", ERR_NONE,
               "rollout {rollout} is started by {actor}: {total target/targets}");
    tell_left_out(rollout, preview);
    follow_primaries(rollout);
    if (watch_is_mass_loss(engine)) { /* the breaker tells only those that are open when it looks */
        rollout_fire(rollout, ROLLOUT_MASS_LOSS);
    }
}

ErrCode start_run(Engine *engine, const StartRollout *start, Err *err)
{
    AUTO(Arena) arena = { 0 };
    PlanPreview preview = { 0 };
    ErrCode code = check_engine(engine, err);
    if (code == ERR_NONE) {
        code = check_id(engine, start->id, err);
    }
    if (code == ERR_NONE) {
        code = start_check_plan(engine, start->plan, err);
    }
    if (code == ERR_NONE) {
        code = selection_make(engine, start->plan, &arena, &preview, err);
    }
    if (code == ERR_NONE) {
        make_rollout(engine, start, &preview);
    }
    return code;
}
