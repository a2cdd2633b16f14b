/*
 * Sights: the rare paths a run of seeds is supposed to have walked. A simulator that never loses a
 * COMMIT proves nothing about lost COMMITs, so every seed counts what it saw and a long run fails
 * when a required sight is missing.
 */
#ifndef SKEIN_TESTS_SIM_SIGHTS_H
#define SKEIN_TESTS_SIM_SIGHTS_H

#include <stdint.h>

#define SIGHT_NEVER_DEMANDED UINT64_MAX

/* X(name, so many seeds at least must have seen it, what it means) */
#define SIGHT_TABLE(X)                                                                             \
    X(COMMIT_LOST_APPLIED, 500, "a COMMIT's answer was lost and the change is there")              \
    X(COMMIT_LOST_ABORTED, 500, "a COMMIT's answer was lost and the change is not there")          \
    X(COMMIT_AFTER_DEATH, 500, "a backend committed after its client had died")                    \
    X(RUN_LOST, 500, "the connection broke under a non-transactional statement")                   \
    X(BETWEEN_PARTS, 500, "a migration stood between two of its parts")                            \
    X(BEGUN_ANEW, 500, "an attempt went on with a migration that another had begun")               \
    X(HALF_THE_OTHER_WAY, 500, "a target was held, a migration half way in the other direction")   \
    X(CARCASS, 500, "a non-transactional statement left something half-built behind")              \
    X(CARCASS_MENDED, 500, "what a non-transactional statement had left was cleared away")         \
    X(STEP_TAKEN_BACK, 500, "a non-transactional step of which nothing was there was taken back")  \
    X(STEP_FOUND_DONE, 500, "a non-transactional statement of unknown end was found done")         \
    X(ADOPTED, 500, "a statement that outlived its client was outwaited")                          \
    X(FENCED, 500, "the fence refused an attempt")                                                 \
    X(FENCE_WAIT, 500, "a fence-taker waited for an older backend's row lock")                     \
    X(IN_PROGRESS, 500, "that wait ran into lock_timeout")                                         \
    X(ALREADY, SIGHT_NEVER_DEMANDED, "the history row was there already")                          \
    X(LOCK_HELD_BY_OURS, 500, "an older attempt's backend held the advisory lock")                 \
    X(LOCK_HELD_BY_OTHER, 500, "a stranger held the advisory lock")                                \
    X(BACKEND_ENDED, 500, "an older attempt's backend was ended")                                  \
    X(IDLE_IN_TRANSACTION, 500, "idle_in_transaction_session_timeout ended a frozen client")       \
    X(STOPPED_IN_STEP, 500, "an immediate stop hit an open transaction")                           \
    X(STEP_CANCELLED, 500, "a step was cancelled because its goal had turned")                     \
    X(BLOCKED, 500, "a statement ran into lock_timeout")                                           \
    X(RETRIED, 500, "a statement met a serialization failure or a deadlock")                       \
    X(FAILOVER_LOSS, 500, "a failover lost a committed migration")                                 \
    X(LOSS_TOLD, 500, "what a failover took stayed away, and was told until the end")              \
    X(PARKED, 500, "an agent parked between steps")                                                \
    X(REFUSED_ORDER, 20000, "an agent refused an order")                                           \
    X(AGENT_CRASHED_IN_STEP, 500, "an agent died inside a step")                                   \
    X(AGENT_FROZEN_IN_STEP, 500, "an agent was frozen inside a step")                              \
    X(MESSAGE_LOST, 500, "a message was lost")                                                     \
    X(MESSAGE_DOUBLED, 500, "a message was delivered twice")                                       \
    X(MESSAGE_LATE, 500, "a message was delivered more than a minute late")                        \
    X(STALE_SESSION, 500, "a message of an unbound session was refused")                           \
    X(STORE_FROZEN, 500, "a commit failed and the batch was tried again")                          \
    X(CRASH_BEFORE_COMMIT, 500, "the coordinator died between step and commit")                    \
    X(CRASH_BEFORE_SEND, 500, "the coordinator died between commit and send")                      \
    X(TERM_TAKEOVER, 500, "a frozen coordinator found its term taken")                             \
    X(OLD_BACKUP, 500, "an old backup of the store was restored")                                  \
    X(TERM_SEEN, 500, "a term above its own made a coordinator take a new one")                    \
    X(RECOVERING, 500, "a coordinator started with work in flight")                                \
    X(AGENT_LOST, 500, "a session was lost")                                                       \
    X(QUARANTINED, 500, "two processes with one key were found out")                               \
    X(MASS_LOSS, 500, "the mass-loss breaker paused a rollout")                                    \
    X(CHARGED_LOST, 500, "a target was charged because its agent stayed away")                     \
    X(TRIPPED, 500, "a wave tripped")                                                              \
    X(AUTOMATIC_ROLLBACK, 500, "a rollout turned back by policy")                                  \
    X(OPERATOR_ROLLBACK, 500, "a rollout turned back by command")                                  \
    X(ROLLBACK_OF_SUCCEEDED, 500, "a succeeded rollout was rolled back")                           \
    X(DEBT, 500, "a target became debt")                                                           \
    X(DEBT_SETTLED_LATE, 500, "debt was settled after its agent came back")                        \
    X(LATE_APPLIED, 20000, "a late \"applied\" was recorded and undone under the standing goal")   \
    X(ROLLBACK_FAILED, 500, "a down script failed")                                                \
    X(ROLLBACK_HELD, 500, "a rollout was held in its roll back")                                   \
    X(ROLLED_BACK, 500, "a rollout ended rolled back")                                             \
    X(SUCCEEDED, 500, "a rollout ended succeeded")                                                 \
    X(FOUND_TAKEN_BACK, 20000, "a rollout that only the databases knew was taken back")            \
    X(RETIRED, 500, "a rollout that had ended was forgotten")                                      \
    X(FOUND_GONE_ON_WITH, 20000, "a rollout that only the databases knew was gone on with")        \
    X(ABORTED, 500, "a rollout ended aborted")                                                     \
    X(APPROVED, 500, "a wave waited for approval and got it")                                      \
    X(TROUBLE, 500, "a server in trouble answered so")                                             \
    X(WRONG_IDENTITY, 500, "a session found another database under the name")                      \
    X(MADE_ANEW, 20000, "a database was dropped and made anew under its name")                     \
    X(RENAMED, 500, "a database was renamed")                                                      \
    X(NAMES_SWAPPED, 20000, "two databases exchanged their names")                                 \
    X(CLI_UP, 500, "somebody ran skein up by hand beside the fleet")                               \
    X(CLI_DOWN, 500, "somebody ran skein down by hand beside the fleet")                           \
    X(STALLED, 500, "a coordinator noticed that it had not run for a while")                       \
    X(SLOW_COMMIT, 500, "a commit took long and the loop stood still")                             \
    X(OLD_AGENT, 500, "an agent of the release before was welcomed")                               \
    X(OLD_COORDINATOR, 500, "a coordinator of the release before welcomed an agent")               \
    X(AGENT_UPGRADED, 500, "an agent was upgraded between two of its processes")                   \
    X(AGENT_TAKEN_BACK, 500, "an agent was taken back to the release before")                      \
    X(NOT_SPOKEN, SIGHT_NEVER_DEMANDED, "a message of a version came that is not spoken there")    \
    X(GARBLED_UP, 500, "an agent changed the version within its session")                          \
    X(GARBLED_DOWN, 500, "a coordinator changed the version within a session")                     \
    X(BUSY, 500, "a hello was put off: too many at once")                                          \
    X(DISPLACED, SIGHT_NEVER_DEMANDED, "an agent's oldest connection made room for a newer one")   \
    X(UNKNOWN_KEY, 20000, "a message came from a key that had been revoked")                       \
    X(SHUT_OUT, 500, "a key was revoked, and its agent had targets in hand")                       \
    X(TURNED_OUT, 2000, "an agent heard that its key was revoked, and withdrew what it ran")       \
    X(SHUT_OUT_BACK, 2000,                                                                         \
      "what was held for a revoked key was tried again when the key was back")                     \
    X(PLAN_SERVED, 500, "a plan was asked for and sent")                                           \
    X(PLAN_IN_CHUNKS, 20000, "a plan was sent in several chunks")                                  \
    X(PLAN_NOT_THERE, 20000, "a plan was asked for that the store has not")                        \
    X(PLAN_LOST, 20000, "a coordinator started and a rollout's plan was not in its store")         \
    X(PLAN_FAILED, 20000, "a plan could not be had, or was not what its hash says")                \
    X(UNTRUSTED, 20000, "an agent trusted none of a plan's signers")                               \
    X(WORKERS_FULL, 500, "an order waited until a worker had ended")                               \
    X(PROGRESS, 500, "an agent told of a statement's progress")                                    \
    X(WALL_JUMP, 500, "a machine's wall clock jumped")                                             \
    X(SILENT_CUT, 500, "a client waited for a server that the network had taken away")             \
    X(END_LATE, 500, "a backend did not end at once when it was told to")                          \
    X(END_TOO_LATE, SIGHT_NEVER_DEMANDED,                                                          \
      "a COMMIT came through although its backend was told to end")                                \
    X(END_LOST, 20000, "a worker gave up a database that is gone without knowing how it ended")    \
    X(GATE_HOLDS_BACK, 2000, "a wave could open and waited for its gates")                         \
    X(GATE_FAILED, 2000, "a gate failed")                                                          \
    X(GATE_UNSURE, 20000, "a wave had soaked, and its gates were inconclusive for long")           \
    X(GATE_PASSED, 2000, "a wave passed by its gates")                                             \
    X(BASELINE, 2000, "a baseline was taken")                                                      \
    X(REPLAYED, 500, "an engine made from the store was compared with the live one")

typedef enum Sight {
#define X(name, required, text) SIGHT_##name,
    SIGHT_TABLE(X)
#undef X
        SIGHT_COUNT_,
} Sight;

const char *sight_name(Sight sight);
const char *sight_text(Sight sight);
/* A run of so many seeds or more must have seen it. */
uint64_t sight_required_seeds(Sight sight);

#endif
