/* The engine's rows as the JSON of docs/api.md. `key` as in common/json.h: NULL for items of
 * arrays. */
#ifndef SKEIN_COORDINATOR_HTTP_VIEWS_H
#define SKEIN_COORDINATOR_HTTP_VIEWS_H

#include "common/json.h"
#include "coordinator/fleet/known_keys.h"
#include "coordinator/engine/engine.h"
#include "coordinator/fleet/health.h"
#include "coordinator/http/plan_facts.h"

/* `facts` may be NULL: the plan is missing. */
void view_rollout(JsonOut *json, const char *key, const Engine *engine, const RolloutRow *rollout,
                  const PlanFacts *facts, uint64_t now_ms);
void view_rollout_target(JsonOut *json, const char *key, const Engine *engine,
                         const TargetRow *target);
void view_agent(JsonOut *json, const char *key, const AgentRow *agent, const KnownKeys *known,
                size_t target_count);

/* Where health is read, and at what moment (boot-time clock). */
typedef struct HealthNow {
    const HealthBoard *board;
    uint64_t now_ms;
} HealthNow;

/* The same with "health": one item for each of its instances. */
void view_agent_health(JsonOut *json, const char *key, const AgentRow *agent,
                       const KnownKeys *known, size_t target_count, const HealthNow *now);
void view_health(JsonOut *json, const char *key, const AgentRow *agent, const InstanceRow *instance,
                 const HealthNow *now); /* view_health.c */
void view_target(JsonOut *json, const char *key, const InventoryRow *row);
void view_event(JsonOut *json, const char *key, const EventRow *event);

/* Fields of an object that is begun. */
void view_warning(JsonOut *json, const Warning *warning);
void view_passed(JsonOut *json, const Passed *passed);

/* Who has signed a plan. */
void view_signers(JsonOut *json, const char *key, const PlanSignature *signatures, size_t count);

/* RFC 3339; 0 is null. */
void view_time(JsonOut *json, const char *key, int64_t wall_ms);

/* "" is null. */
void view_text(JsonOut *json, const char *key, const char *text);

#endif
