/*
 * What a server in trouble answers: a table of troubles (a full disk, lost privileges, an
 * administrator who ends sessions, …), each with the answers it gives to a job's actions. Nothing
 * of what was asked for happens then: a transaction is rolled back whole, a statement outside one
 * may leave a half.
 */
#ifndef SKEIN_TESTS_SIM_SIM_TROUBLE_H
#define SKEIN_TESTS_SIM_SIM_TROUBLE_H

#include "agent/core/job.h"
#include "tests/sim/dice.h"

typedef struct TroubleAnswer {
    ActionKind action;
    ResultKind kind;
    ErrCode code;
    const char *sqlstate;
    const char *text;
    bool is_unsent;  /* RUN: the statement did not reach the server, so it leaves nothing */
    bool is_closing; /* the server closes the connection with it */
} TroubleAnswer;

typedef struct Trouble Trouble;

size_t trouble_count(void);
const Trouble *trouble_at(size_t index);
const char *trouble_name(const Trouble *trouble);
/* Of its agent's inventory, too: it is a replica while it lasts. */
bool trouble_is_replica(const Trouble *trouble);

/* One of the answers it has to the action, by the dice; NULL: it lets it pass, mostly or now. */
const TroubleAnswer *trouble_answer(const Trouble *trouble, ActionKind action, Dice *dice);

#endif
