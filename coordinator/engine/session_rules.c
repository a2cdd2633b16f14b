/*
 * The rules of a session: what becomes of an agent as it is heard of, falls silent, leaves, lies or
 * is shut out; and what its targets and the rest of the engine learn of it.
 */
#include "coordinator/engine/state.h"

/* --- the rules --- */

static bool has_work(const void *subject)
{
    return ((const Agent *)subject)->targets.count > 0;
}

static const char REVOKED[] = "its key was revoked";

bool agent_is_revoked(const Agent *agent)
{
    return agent->row.state == SESSION_LOST && str_equal(agent->row.reason, REVOKED);
}

static bool is_revoked(const void *subject)
{
    return agent_is_revoked(subject);
}

static void act_lost(void *subject)
{
    Agent *agent = subject;
    agent->lost_ms = agent->engine->now_ms;
    agent->engine->has_new_loss = true;
}

static void act_bye(void *subject)
{
    Agent *agent = subject;
    agent->has_said_bye = true;
    session_unbind(agent);
}

static void act_cut(void *subject)
{
    session_unbind(subject);
}

static void act_quarantine(void *subject)
{
    Agent *agent = subject;
    agent->lost_ms = 0;
    session_unbind(agent);
}

static void act_twin(void *subject)
{
    text_set(&((Agent *)subject)->row.reason,
             "two processes use its key: a cloned machine, or an old process that was not stopped");
    act_quarantine(subject);
}

static void act_disbelieve(void *subject)
{
    claim_blame(subject);
    act_quarantine(subject);
}

static void act_follow(void *subject)
{
    claim_follow(subject);
}

static void act_revoked(void *subject)
{
    Agent *agent = subject;
    agent->has_said_bye = true;
    text_set(&agent->row.reason, REVOKED);
    session_turn_out(agent, ERR_REVOKED, "the key of this agent was revoked");
}

static void act_back(void *subject)
{
    Agent *agent = subject;
    agent->lost_ms = 0;
    agent->has_said_bye = false;
}

static void act_released(void *subject)
{
    Agent *agent = subject;
    text_set(&agent->row.reason, "");
    agent->row.term_claims = 0;
    agent->replaced_count = 0;
    agent->has_process = false;
    agent->has_bound = false;
    agent->heard_ms = agent->engine->now_ms;
}

/* A row of the table reads as a row. */
/* clang-format off */
static const Rule RULES[] = {
    { "S01", SESSION_NONE, SESSION_GREETED, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} said hello; session {session}" },
    { "S02", SESSION_ACTIVE, SESSION_GREETED, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} said hello again; session {session} replaces the one before" },
    { "S03", SESSION_SUSPECT, SESSION_GREETED, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} said hello after a silence; session {session}" },
    { "S04", SESSION_LOST, SESSION_GREETED, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} is back; session {session}; its targets are reconciled" },
    { "S05", SESSION_QUARANTINED, SESSION_GREETED, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is quarantined: its hello is refused until an operator releases it" },

    { "S06", SESSION_ACTIVE, SESSION_HEARD, NULL, NULL, RULE_SAME, NULL,
      "{agent} was heard of" },
    { "S07", SESSION_SUSPECT, SESSION_HEARD, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} was heard of again" },
    { "S08", SESSION_LOST, SESSION_HEARD, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} was heard of again in the session that was thought lost; its targets are "
      "reconciled" },
    { "S09", RULE_ANY, SESSION_HEARD, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} has no session" },

    { "S10", SESSION_ACTIVE, SESSION_SILENT, NULL, NULL, SESSION_SUSPECT, NULL,
      "nothing from {agent} for {silence}: nothing new is sent to it, nothing is concluded" },
    { "S11", RULE_ANY, SESSION_SILENT, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} was not active" },

    { "S13", SESSION_SUSPECT, SESSION_LONG_SILENT, NULL, NULL, SESSION_LOST, act_lost,
      "nothing from {agent} for {silence}: lost; its leases have run out" },
    { "S14", SESSION_NONE, SESSION_LONG_SILENT, has_work, "has targets in open rollouts",
      SESSION_LOST, act_lost,
      "{agent} has not come back since the coordinator started, {silence} ago: lost" },
    { "S15", RULE_ANY, SESSION_LONG_SILENT, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is not waited for" },

    { "S16", SESSION_ACTIVE, SESSION_BYE, NULL, NULL, SESSION_LOST, act_bye,
      "{agent} said goodbye" },
    { "S18", RULE_ANY, SESSION_BYE, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} has no session to end" },

    { "S19", SESSION_ACTIVE, SESSION_CUT, NULL, NULL, SESSION_SUSPECT, act_cut,
      "the connection of {agent} is gone; it will say hello again" },
    { "S20", SESSION_SUSPECT, SESSION_CUT, NULL, NULL, RULE_SAME, act_cut,
      "the connection of {agent} is gone; it will say hello again" },
    { "S30", SESSION_LOST, SESSION_CUT, NULL, NULL, RULE_SAME, act_cut,
      "the connection of {agent}, which was lost, is gone" },
    { "S21", RULE_ANY, SESSION_CUT, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} has no connection" },

    { "S22", SESSION_QUARANTINED, SESSION_TWIN, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is quarantined already" },
    { "S23", RULE_ANY, SESSION_TWIN, NULL, NULL, SESSION_QUARANTINED, act_twin,
      "{agent} is quarantined: two processes use its key; stop one and release it" },
    { "S24", SESSION_QUARANTINED, SESSION_FORGED, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is quarantined already" },
    { "S25", RULE_ANY, SESSION_FORGED, NULL, NULL, SESSION_QUARANTINED, act_quarantine,
      "{agent} is quarantined: {reason}" },

    { "S31", SESSION_QUARANTINED, SESSION_CLAIM, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is quarantined: it is not believed" },
    { "S32", RULE_ANY, SESSION_CLAIM, claim_is_beyond_belief, "a term far above ours",
      SESSION_QUARANTINED, act_disbelieve, "{agent} is quarantined: {reason}" },
    { "S33", RULE_ANY, SESSION_CLAIM, claim_is_one_too_many, "followed often enough",
      SESSION_QUARANTINED, act_disbelieve, "{agent} is quarantined: {reason}" },
    { "S34", RULE_ANY, SESSION_CLAIM, NULL, NULL, RULE_SAME, act_follow,
      "{agent} knows a coordinator of term {claim}" },

    { "S35", SESSION_ACTIVE, SESSION_GARBLED, NULL, NULL, SESSION_SUSPECT, act_cut,
      "{agent} is turned out: {reason}" },
    { "S36", RULE_ANY, SESSION_GARBLED, NULL, NULL, RULE_SAME, act_cut,
      "{agent}, which was silent, is turned out: {reason}" },

    { "S29", SESSION_LOST, SESSION_REVOKED, is_revoked, "revoked already", RULE_IGNORE, NULL,
      "the key of {agent} was revoked before" },
    { "S26", RULE_ANY, SESSION_REVOKED, NULL, NULL, SESSION_LOST, act_revoked,
      "the key of {agent} was revoked" },
    { "S27", SESSION_QUARANTINED, SESSION_RELEASED, NULL, NULL, SESSION_NONE, act_released,
      "{actor} released {agent} from quarantine; it may say hello{words}" },
    { "S28", RULE_ANY, SESSION_RELEASED, NULL, NULL, RULE_REJECT, NULL,
      "{agent} is not quarantined" },
};
/* clang-format on */

static const char *const EVENT_NAMES[] = {
    [SESSION_EVENT_NONE] = "none",
    [SESSION_GREETED] = "greeted",
    [SESSION_HEARD] = "heard",
    [SESSION_SILENT] = "silent",
    [SESSION_LONG_SILENT] = "long silent",
    [SESSION_BYE] = "bye",
    [SESSION_CUT] = "cut",
    [SESSION_TWIN] = "twin",
    [SESSION_FORGED] = "forged",
    [SESSION_GARBLED] = "garbled",
    [SESSION_CLAIM] = "claim",
    [SESSION_REVOKED] = "revoked",
    [SESSION_RELEASED] = "released",
};
_Static_assert(ARRAY_LEN(EVENT_NAMES) == SESSION_EVENT_COUNT_, "a name per event");

static const char *state_name(int state)
{
    return session_state_name((SessionState)state);
}

static const char *event_name(int event)
{
    return EVENT_NAMES[event];
}

const RuleTable SESSION_TABLE = {
    .name = "session",
    .rules = RULES,
    .rule_count = ARRAY_LEN(RULES),
    .state_count = SESSION_STATE_COUNT_,
    .has_zero_state = true,
    .event_count = SESSION_EVENT_COUNT_,
    .initial_state = SESSION_NONE,
    .state_name = state_name,
    .event_name = event_name,
};

/* --- the machine --- */

static Place place_of(void *subject)
{
    Agent *agent = subject;
    return (Place){ .engine = agent->engine, .agent = agent };
}

static int state_of(const void *subject)
{
    return (int)((const Agent *)subject)->row.state;
}

static void set_state(void *subject, int state)
{
    Agent *agent = subject;
    if (state == SESSION_ACTIVE && agent->row.state != SESSION_ACTIVE) {
        agent->active_ms = agent->engine->now_ms;
    }
    agent->row.state = (SessionState)state;
    agent_touch(agent);
}

static void fire_targets(Agent *agent, TargetEvent event)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        target_fire(agent->targets.items[i], event);
    }
}

/* Waves and dispatch look at who can be reached: what an agent's targets belong to is looked at
 * again. */
static void make_stale(Agent *agent)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        agent->targets.items[i]->rollout->is_stale = true;
    }
}

void session_settle_claims(Agent *agent)
{
    for (size_t i = 0; i < agent->items.count; i++) {
        if (agent->items.items[i]->family != NULL) {
            family_settle(agent->items.items[i]->family);
        }
    }
}

static void entered(void *subject, int old_state, const Rule *rule)
{
    Agent *agent = subject;
    bool was_away = old_state != SESSION_ACTIVE && old_state != SESSION_SUSPECT;
    bool is_away = agent_is_away(agent);
    make_stale(agent);
    bitset_set(&agent->engine->freed_agents, agent->number);
    agent_note_away(agent);
    if (agent_is_revoked(agent) || (was_away && !is_away)) {
        session_settle_claims(agent);
    }
    if (is_away && rule->to != SESSION_NONE) {
        order_clocks_stop(agent);
        fire_targets(agent, TARGET_SILENT);
    } else if (agent->row.state == SESSION_ACTIVE) {
        order_resend_all(agent);
        if (was_away) {
            order_clocks_go(agent);
            fire_targets(agent, TARGET_BACK);
        }
    }
    engine_arm(agent->engine, session_due_ms(agent));
}

static const Machine MACHINE = { &SESSION_TABLE, place_of, state_of, set_state, entered };

const Rule *session_fire(Agent *agent, SessionEvent event)
{
    return machine_fire(&MACHINE, agent, event);
}

ErrCode session_refuse(Agent *agent, const Rule *rule, Err *err)
{
    return machine_refuse(&MACHINE, agent, rule, err);
}
