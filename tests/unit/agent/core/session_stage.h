/* A stage for the agent's session: messages and time in, effects out. */
#ifndef SKEIN_TESTS_SESSION_STAGE_H
#define SKEIN_TESTS_SESSION_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/session.h"
#include "common/cleanup.h"
#include "common/str.h"

typedef struct Play {
    AgentFacts facts;
    HelloInstance instance;
    AgentSession *session;
    uint64_t now_ms;
    uint64_t term;       /* of the coordinator that speaks */
    uint64_t number;     /* its session */
    uint32_t protocol;   /* version of its envelopes */
    LinkEffects effects; /* of the last call */
} Play;

static inline void play_done(Play *play)
{
    link_effects_done(&play->effects);
    agent_session_free(play->session);
    free(play->facts.targets);
}

AUTO_DEFINE(Play, play_done)

static inline LinkEffects *fresh(Play *play)
{
    link_effects_done(&play->effects);
    return &play->effects;
}

static inline void play_init(Play *play)
{
    memset(play, 0, sizeof(*play));
    play->facts.version = "1";
    play->facts.protocol = PROTOCOL_SPOKEN;
    play->instance.name = "i";
    play->facts.inventory_revision = 5;
    play->now_ms = 1000000;
    play->term = 3;
    play->number = 7;
    play->protocol = 1;
    play->session = agent_session_new(&play->facts, 42, play->now_ms);
}

static inline const char *state_of(const Play *play)
{
    return agent_session_state_name(agent_session_state(play->session));
}

static inline size_t count_of(const Play *play, LinkEffectKind kind, MessageType type)
{
    size_t count = 0;
    for (size_t i = 0; i < play->effects.list.count; i++) {
        const LinkEffect *effect = &play->effects.list.items[i];
        count += effect->kind == kind && effect->type == type;
    }
    return count;
}

/* The last effect of a kind; a SEND of `type`. NULL: none. */
static inline const LinkEffect *effect_of(const Play *play, LinkEffectKind kind, MessageType type)
{
    const LinkEffect *found = NULL;
    for (size_t i = 0; i < play->effects.list.count; i++) {
        const LinkEffect *effect = &play->effects.list.items[i];
        found = effect->kind == kind && effect->type == type ? effect : found;
    }
    return found;
}

static inline const LinkEffect *wanted(const Play *play, LinkEffectKind kind)
{
    const LinkEffect *effect = effect_of(play, kind, MESSAGE_NONE);
    assert_non_null(effect);
    return effect;
}

static inline const void *sent(const Play *play, MessageType type)
{
    const LinkEffect *effect = effect_of(play, LINK_EFFECT_SEND, type);
    return effect == NULL ? NULL : effect->body;
}

static inline const State *told(const Play *play)
{
    const State *state = sent(play, MESSAGE_STATE);
    assert_non_null(state);
    return state;
}

static inline void connect_link(Play *play)
{
    agent_session_connected(play->session, play->now_ms, fresh(play));
}

static inline void hear_in(Play *play, MessageType type, const void *body, uint64_t session,
                           uint64_t term)
{
    Envelope envelope = {
        .version = play->protocol, .type = type, .session = session, .term = term, .body = body
    };
    agent_session_take(play->session, &envelope, play->now_ms, fresh(play));
}

static inline void hear(Play *play, MessageType type, const void *body)
{
    hear_in(play, type, body, play->number, play->term);
}

static inline void welcome(Play *play, uint64_t inventory_revision)
{
    Welcome body = { .session = play->number,
                     .heartbeat_ms = 5000,
                     .lease_ms = 20000,
                     .lost_ms = 30000,
                     .inventory_revision = inventory_revision };
    hear(play, MESSAGE_WELCOME, &body);
}

static inline void pong(Play *play, uint64_t sent_at_ms)
{
    hear(play, MESSAGE_PONG, &(Pong){ .sent_at_ms = sent_at_ms, .lease_ms = 20000 });
}

static inline void tick_at(Play *play, uint64_t at_ms)
{
    play->now_ms = at_ms;
    agent_session_tick(play->session, play->now_ms, fresh(play));
}

/* Connected, welcomed, with a lease from now on. */
static inline void play_active(Play *play)
{
    play_init(play);
    connect_link(play);
    welcome(play, 5);
    pong(play, play->now_ms);
}

static inline GoalMessage goal_of(uint32_t attempt, uint32_t revision, Goal goal)
{
    static const uint8_t HASH[PLAN_HASH_BYTES] = { 1, 2, 3 };
    return (GoalMessage){
        .rollout = "r1",
        .target = "i/d",
        .identity = { 9, 8, "" },
        .stamp = { 3, attempt, revision },
        .token = 100 + attempt,
        .goal = (uint32_t)goal,
        .plan_hash = { HASH, sizeof(HASH) },
        .from = "",
        .to = "0004_d",
        .deadline_ms = 60000,
    };
}

static inline void order(Play *play, uint32_t attempt, uint32_t revision, Goal goal)
{
    GoalMessage message = goal_of(attempt, revision, goal);
    hear(play, MESSAGE_GOAL, &message);
}

static inline State state_from(uint32_t attempt, uint32_t revision, Report report)
{
    return (State){ .rollout = "r1",
                    .target = "i/d",
                    .stamp = { 3, attempt, revision },
                    .token = 100 + attempt,
                    .report = report,
                    .start = "",
                    .version = "",
                    .sqlstate = "",
                    .message = "words",
                    .hint = "",
                    .migration = "" };
}

static inline void report(Play *play, uint32_t attempt, uint32_t revision, Report kind)
{
    State state = state_from(attempt, revision, kind);
    agent_session_report(play->session, &state, play->now_ms, fresh(play));
}

static inline void worker_ends(Play *play)
{
    agent_session_job_ended(play->session, "i/d", play->now_ms, fresh(play));
}

static inline void acknowledge(Play *play, uint64_t report_id)
{
    hear(play, MESSAGE_STATE_ACK, &(StateAck){ .report_id = report_id, .target = "i/d" });
}

/* A report, its worker gone, its end acknowledged. */
static inline void settle(Play *play, uint32_t attempt, uint32_t revision, Report kind)
{
    report(play, attempt, revision, kind);
    uint64_t id = told(play)->report_id;
    worker_ends(play);
    acknowledge(play, id);
}

#endif
