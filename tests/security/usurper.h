/*
 * A coordinator that has been captured: the agent of db1 is the real one, on a real PostgreSQL, and
 * whoever speaks to it has the coordinator's key, every plan that was ever signed, and says what
 * the test wants.
 *
 * One per test. Everything here fails the running cmocka test when it cannot do its work.
 */
#ifndef SKEIN_TESTS_SECURITY_USURPER_H
#define SKEIN_TESTS_SECURITY_USURPER_H

#include "common/keyfile.h"
#include "common/zap.h"
#include "proto/bundle.h"
#include "proto/messages.h"
#include "tests/harness/fleet.h"

typedef struct Usurper {
    Fleet *fleet;
    KeyPair pair; /* that the agent takes for the coordinator's */
    void *context;
    Zsock router;
    uint8_t route[ZAP_ROUTE_MAX]; /* to the agent */
    size_t route_length;
    uint64_t session; /* 0: it has not come yet */
    uint64_t seq;
    LIST(InventoryTarget) targets;
    LIST(Bytes) bundles; /* that the agent may fetch */
    GoalMessage goal;    /* the order given last */
    uint8_t hash[PLAN_HASH_BYTES];
    State said; /* of it, by the agent; report NONE: nothing yet */
} Usurper;

int usurper_begin(void **state); /* *state is a Usurper; no agent runs yet */
int usurper_end(void **state);

#define USURPER_TEST(test) cmocka_unit_test_setup_teardown(test, usurper_begin, usurper_end)

/* Starts db1's agent and waits until it has told of its targets. */
void usurper_take_over(Usurper *usurper);

/* What `skein plan` writes of this, signed with `signer` (NULL: the key that agents trust). */
Bytes usurper_plan(Usurper *usurper, const FleetPlan *plan, const char *signer);

typedef struct FalseOrder {
    const char *rollout;
    const char *target;
    Goal goal;
    Bytes plan;
    const char *to; /* NULL: where the plan leads */
    bool is_of_another_database;
} FalseOrder;

/* A new attempt. */
void usurper_order(Usurper *usurper, const FalseOrder *order);

/* The same attempt, with another goal. */
void usurper_turn(Usurper *usurper, Goal goal);

/* Waits for what the agent says of the order. */
void usurper_await(Usurper *usurper, Report report);
void usurper_await_word(Usurper *usurper, Report report, ErrCode code);
const State *usurper_await_end(Usurper *usurper); /* valid until the next order */

#endif
