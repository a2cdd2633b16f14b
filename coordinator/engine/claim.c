/*
 * Claims: what an agent tells of a coordinator later than this one, by the term that it knows, by
 * an order that nobody here gave, or by a fence in one of its databases.
 *
 * Following a claim is how a store that was restored from an old backup is found out, and how its
 * coordinator gets above all that its fleet has seen. It also costs everybody's session and pauses
 * every rollout, so a word alone does not go far: a term that no coordinator can have reached is
 * not followed, and an agent is followed so many times only, until a person has looked (releases
 * it, or resumes what was paused). The table of sessions has the rules.
 */
#include <inttypes.h>

#include "coordinator/engine/state.h"

/* Terms rise by one at each start. */
#define TERM_LEAP_MAX 100000
/* One restored backup may bring several: agent, orders and databases may have last seen different
 * reigns. */
#define TERM_CLAIMS_MAX 8
/* Tokens rise by one per attempt. */
#define TOKEN_LEAP_MAX 1000000

bool claim_is_beyond_belief(const void *subject)
{
    const Agent *agent = subject;
    return agent->claimed_term - agent->engine->term > TERM_LEAP_MAX;
}

bool claim_is_one_too_many(const void *subject)
{
    return ((const Agent *)subject)->row.term_claims >= TERM_CLAIMS_MAX;
}

void claim_blame(Agent *agent)
{
    AUTO(Str) reason = { 0 };
    if (claim_is_beyond_belief(agent)) {
        str_printf(&reason,
                   "it speaks of a coordinator of term %" PRIu64 ", and this one's is %" PRIu64
                   ": it comes from another fleet, or its memory is damaged",
                   agent->claimed_term, agent->engine->term);
    } else {
        str_printf(&reason,
                   "the term was raised on its word %u times, and it speaks of a later coordinator "
                   "still: another one gives it orders, or it makes them up",
                   agent->row.term_claims);
    }
    text_set(&agent->row.reason, str_text(&reason));
}

void claim_follow(Agent *agent)
{
    agent->row.term_claims++;
    agent_touch(agent);
    watch_term_seen(agent, agent->claimed_term);
}

void claim_note(Agent *agent, uint64_t term)
{
    const Engine *engine = agent->engine;
    bool is_news = term >= engine->term && term > engine->term_seen;
    if (is_news && term > agent->claimed_term) {
        agent->claimed_term = term;
    }
}

bool claim_settle(Agent *agent)
{
    if (agent->claimed_term != 0) {
        session_fire(agent, SESSION_CLAIM);
        agent->claimed_term = 0;
    }
    return agent->row.state != SESSION_QUARANTINED;
}

/* --- what fences tell --- */

/* A database may have come from another fleet; that is no fault of the agent that lists it. */
static void tell_foreign(Agent *agent, const InventoryTarget *entry)
{
    AUTO(Str) text = { 0 };
    str_printf(&text,
               "%s has been under a coordinator of term %" PRIu64 ", and this one's is %" PRIu64
               ": it comes from another fleet or is damaged, and refuses every order",
               entry->target, entry->fence.term, agent->engine->term);
    event_tell((Place){ .engine = agent->engine, .agent = agent }, "E07", ERR_STORE_TERM,
               str_text(&text));
}

void claim_note_fence(Agent *agent, const InventoryTarget *entry, bool is_news)
{
    Engine *engine = agent->engine;
    const Fence *fence = &entry->fence;
    bool is_of_unknown = entry->rollout[0] != '\0' && rollout_find(engine, entry->rollout) == NULL;
    Fence known = { engine->term, engine->highest_token };
    if (fence->term > engine->term && fence->term - engine->term > TERM_LEAP_MAX) {
        if (is_news) {
            tell_foreign(agent, entry);
        }
        return;
    }
    if (fence->term > engine->term ||
        (is_of_unknown && fence->term == engine->term && fence_compare(*fence, known) > 0)) {
        claim_note(agent, fence->term);
    }
    /* The command line raises tokens within a term. One leap per page, whatever it lists. */
    if (fence->token > agent->claimed_token && fence->token > engine->highest_token &&
        fence->token - engine->highest_token <= TOKEN_LEAP_MAX) {
        agent->claimed_token = fence->token;
    }
}

bool claim_settle_page(Agent *agent)
{
    Engine *engine = agent->engine;
    if (agent->claimed_token > engine->highest_token) {
        engine->highest_token = agent->claimed_token;
    }
    agent->claimed_token = 0;
    return claim_settle(agent);
}

void claim_forgive_all(Engine *engine)
{
    for (size_t i = 0; i < engine->agents.count; i++) {
        Agent *agent = engine->agents.items[i];
        if (agent->row.term_claims != 0) {
            agent->row.term_claims = 0;
            agent_touch(agent);
        }
    }
}
