/*
 * Sights: the rare paths a run of seeds is supposed to have walked. A simulator that never loses a
 * COMMIT proves nothing about lost COMMITs, so every seed counts what it saw and a long run fails
 * when a required sight is missing.
 */
#ifndef SKEIN_TESTS_SIM_SIGHTS_H
#define SKEIN_TESTS_SIM_SIGHTS_H

#include <stdbool.h>

/* X(name, required in a run of SIGHTS_REQUIRED_SEEDS seeds, what it means) */
#define SIGHT_TABLE(X)                                                                             \
    X(COMMIT_LOST_APPLIED, true, "a COMMIT's answer was lost and the change is there")             \
    X(COMMIT_LOST_ABORTED, true, "a COMMIT's answer was lost and the change is not there")         \
    X(COMMIT_AFTER_DEATH, true, "a backend committed after its client had died")                   \
    X(RUN_LOST, true, "the connection broke under a non-transactional statement")                  \
    X(BETWEEN_PARTS, true, "a migration stood between two of its parts")                           \
    X(BEGUN_ANEW, true, "an attempt went on with a migration that another had begun")              \
    X(HALF_THE_OTHER_WAY, true, "a target was held, a migration half way in the other direction")  \
    X(CARCASS, true, "a non-transactional statement left something half-built behind")             \
    X(FENCED, true, "the fence refused an attempt")                                                \
    X(FENCE_WAIT, true, "a fence-taker waited for an older backend's row lock")                    \
    X(IN_PROGRESS, true, "that wait ran into lock_timeout")                                        \
    X(ALREADY, false, "the history row was there already")                                         \
    X(LOCK_HELD_BY_OURS, true, "an older attempt's backend held the advisory lock")                \
    X(LOCK_HELD_BY_OTHER, true, "a stranger held the advisory lock")                               \
    X(BACKEND_ENDED, true, "an older attempt's backend was ended")                                 \
    X(IDLE_IN_TRANSACTION, true, "idle_in_transaction_session_timeout ended a frozen client")      \
    X(STOPPED_IN_STEP, true, "an immediate stop hit an open transaction")                          \
    X(STEP_CANCELLED, true, "a step was cancelled because its goal had turned")                    \
    X(BLOCKED, true, "a statement ran into lock_timeout")                                          \
    X(RETRIED, true, "a statement met a serialization failure or a deadlock")                      \
    X(FAILOVER_LOSS, true, "a failover lost a committed migration")                                \
    X(PARKED, true, "an agent parked between steps")                                               \
    X(REFUSED_ORDER, false, "an agent refused an order")                                           \
    X(AGENT_CRASHED_IN_STEP, true, "an agent died inside a step")                                  \
    X(AGENT_FROZEN_IN_STEP, true, "an agent was frozen inside a step")                             \
    X(MESSAGE_LOST, true, "a message was lost")                                                    \
    X(MESSAGE_DOUBLED, true, "a message was delivered twice")                                      \
    X(MESSAGE_LATE, true, "a message was delivered more than a minute late")                       \
    X(STALE_SESSION, true, "a message of an unbound session was refused")                          \
    X(STORE_FROZEN, true, "a commit failed and the batch was tried again")                         \
    X(CRASH_BEFORE_COMMIT, true, "the coordinator died between step and commit")                   \
    X(CRASH_BEFORE_SEND, true, "the coordinator died between commit and send")                     \
    X(TERM_TAKEOVER, true, "a frozen coordinator found its term taken")                            \
    X(OLD_BACKUP, true, "an old backup of the store was restored")                                 \
    X(TERM_SEEN, true, "a term above its own made a coordinator take a new one")                   \
    X(RECOVERING, true, "a coordinator started with work in flight")                               \
    X(AGENT_LOST, true, "a session was lost")                                                      \
    X(QUARANTINED, true, "two processes with one key were found out")                              \
    X(MASS_LOSS, true, "the mass-loss breaker paused a rollout")                                   \
    X(CHARGED_LOST, true, "a target was charged because its agent stayed away")                    \
    X(TRIPPED, true, "a wave tripped")                                                             \
    X(AUTOMATIC_ROLLBACK, true, "a rollout turned back by policy")                                 \
    X(OPERATOR_ROLLBACK, true, "a rollout turned back by command")                                 \
    X(ROLLBACK_OF_SUCCEEDED, true, "a succeeded rollout was rolled back")                          \
    X(DEBT, true, "a target became debt")                                                          \
    X(DEBT_SETTLED_LATE, true, "debt was settled after its agent came back")                       \
    X(LATE_APPLIED, false, "a late \"applied\" was recorded and undone under the standing goal")   \
    X(ROLLBACK_FAILED, true, "a down script failed")                                               \
    X(ROLLBACK_HELD, true, "a rollout was held in its roll back")                                  \
    X(ROLLED_BACK, true, "a rollout ended rolled back")                                            \
    X(SUCCEEDED, true, "a rollout ended succeeded")                                                \
    X(FOUND_TAKEN_BACK, false, "a rollout that only the databases knew was taken back")            \
    X(RETIRED, true, "a rollout that had ended was forgotten")                                     \
    X(FOUND_GONE_ON_WITH, false, "a rollout that only the databases knew was gone on with")        \
    X(ABORTED, true, "a rollout ended aborted")                                                    \
    X(APPROVED, true, "a wave waited for approval and got it")                                     \
    X(TROUBLE, true, "a server in trouble answered so")                                            \
    X(WRONG_IDENTITY, true, "a session found another database under the name")                     \
    X(MADE_ANEW, true, "a database was dropped and made anew under its name")                      \
    X(RENAMED, true, "a database was renamed")                                                     \
    X(NAMES_SWAPPED, true, "two databases exchanged their names")                                  \
    X(CLI_UP, true, "somebody ran skein up by hand beside the fleet")                              \
    X(CLI_DOWN, true, "somebody ran skein down by hand beside the fleet")                          \
    X(STALLED, true, "a coordinator noticed that it had not run for a while")                      \
    X(SLOW_COMMIT, true, "a commit took long and the loop stood still")                            \
    X(BUSY, true, "a hello was put off: too many at once")                                         \
    X(DISPLACED, false, "an agent's oldest connection made room for a newer one")                  \
    X(UNKNOWN_KEY, true, "a message came from a key that had been revoked")                        \
    X(PLAN_SERVED, true, "a plan was asked for and sent")                                          \
    X(PLAN_IN_CHUNKS, true, "a plan was sent in several chunks")                                   \
    X(PLAN_NOT_THERE, true, "a plan was asked for that the store has not")                         \
    X(PLAN_LOST, true, "a coordinator started and a rollout's plan was not in its store")          \
    X(PLAN_FAILED, true, "a plan could not be had, or was not what its hash says")                 \
    X(UNTRUSTED, true, "an agent trusted none of a plan's signers")                                \
    X(WORKERS_FULL, true, "an order waited until a worker had ended")                              \
    X(REPLAYED, true, "an engine made from the store was compared with the live one")

typedef enum Sight {
#define X(name, required, text) SIGHT_##name,
    SIGHT_TABLE(X)
#undef X
        SIGHT_COUNT_,
} Sight;

#define SIGHTS_REQUIRED_SEEDS 500

const char *sight_name(Sight sight);
const char *sight_text(Sight sight);
bool sight_is_required(Sight sight);

#endif
