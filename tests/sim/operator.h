/*
 * The people: they start the rollouts; during the faults they press whatever button comes to hand;
 * once all is healed they do only what a rollout says it needs.
 */
#ifndef SKEIN_TESTS_SIM_OPERATOR_H
#define SKEIN_TESTS_SIM_OPERATOR_H

#include "tests/sim/sim.h"

/* Arms the starts of the rollouts and, in seeds that have it,
 * random commands until sim->is_healed. */
void operator_begin(Sim *sim);

/* After the store has lost some, or holds them damaged: as the words of who misses one ask for. */
void operator_brings_plans(Sim *sim);

/* Brings the plan of a rollout with one more signature. */
void operator_signs_again(Sim *sim, size_t rollout);

typedef enum Rest {
    REST_NONE = 0,     /* something is still to happen by itself */
    REST_ENDED,        /* succeeded, aborted or rolled back */
    REST_NEEDS_PERSON, /* it waits, and says for whom */
} Rest;

/* Where a rollout stands, by its rows. */
Rest operator_rest(const Engine *engine, const RolloutRow *rollout);

/* All rollouts that were started: the least restful of them. REST_NONE also while nobody serves. */
Rest operator_rest_of_all(Sim *sim);

/* Does any rollout need a person (another one may have to wait for that, too)? */
bool operator_is_needed(Sim *sim);

/* Releases agents from quarantine: whoever did that has stopped one of the two processes. */
/* Rolls one rollout back that only the databases know of, or resumes it; false: there is none, or
 * it cannot be. */
bool operator_ends_found(Sim *sim, CommandVerb verb);
void operator_release(Sim *sim);

/* Does what each waiting rollout needs, once: approve, resume, retry, in the end skip. */
void operator_help(Sim *sim, uint32_t round);

#endif
