/*
 * Effects: everything a step can ask of the world. A closed list. The shell performs them in order,
 * but only after it has committed all rows and events of the batch in one store transaction:
 * nothing leaves before it is durable.
 */
#ifndef SKEIN_COORDINATOR_ENGINE_EFFECTS_H
#define SKEIN_COORDINATOR_ENGINE_EFFECTS_H

#include "common/arena.h"
#include "common/list.h"
#include "coordinator/engine/model.h"

typedef enum EffectKind {
    EFFECT_NONE = 0,
    EFFECT_PERSIST_AGENT,     /* .agent: insert or replace, with its instances */
    EFFECT_PERSIST_INVENTORY, /* .inventory: insert or replace by address */
    EFFECT_FORGET_INVENTORY,  /* .inventory: delete by address */
    EFFECT_PERSIST_ROLLOUT,
    EFFECT_PERSIST_WAVE,
    EFFECT_PERSIST_TARGET,
    EFFECT_PERSIST_BASELINE, /* .baseline: insert or replace by rollout, wave, gate, instance */
    EFFECT_PERSIST_PLAN,     /* .plan: insert or replace by hash */
    EFFECT_FORGET_ROLLOUT, /* .rollout: delete by id, with its waves, targets, baselines, events */
    EFFECT_FORGET_OLD,     /* .ages: of what is older, delete a part */
    EFFECT_PUBLISH_EVENT,  /* .event: append to the log (seq is filled by the store), then tell
                              watchers */
    EFFECT_SEND,           /* .send: WELCOME, BUSY, REJECT, PONG, GOAL, STATE_ACK */
    EFFECT_CLOSE_SESSION,  /* .close: forget the connection; its messages are refused from now on */
    EFFECT_KIND_COUNT_,
} EffectKind;

typedef struct SendEffect {
    uint64_t connection; /* as in the event that brought the session's HELLO */
    uint64_t session;
    uint32_t protocol; /* version that its envelope has */
    MessageType type;
    const void *body; /* the struct of `type`, in the effects' arena */
} SendEffect;

typedef struct Effect {
    EffectKind kind;
    union {
        const AgentRow *agent;
        const InventoryRow *inventory;
        const RolloutRow *rollout;
        const WaveRow *wave;
        const TargetRow *target;
        const BaselineRow *baseline;
        const PlanRow *plan;
        const Ages *ages;
        const EventRow *event;
        SendEffect send;
        uint64_t close_connection;
    };
} Effect;

/*
 * The effects of one or several steps. Rows are snapshots in `arena`: they stay true when the
 * engine goes on. A row persisted twice in a batch stands twice; the later one wins.
 */
typedef struct Effects {
    Arena arena;
    LIST(Effect) list;
} Effects;

void effects_done(Effects *effects); /* releases everything; empty and usable again */

AUTO_DEFINE(Effects, effects_done)

#endif
