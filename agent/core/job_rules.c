/*
 * The rules of a job: everything it may do is a row below; job.c only drives. A guard reads the
 * job, an action writes it, the row names the next state.
 *
 * The order of the rows from JOB_DECIDING is the order of what matters: what a person must see
 * comes before what could be done, a step that is half way comes before the permit, the permit
 * before a new step.
 */
#include "agent/core/job_rules.h"

/* A row of the table is a row here. */
/* clang-format off */

#define ALWAYS NULL, NULL
#define WHEN(guard) job_##guard, #guard

/* Before a step nothing is at stake: what breaks is tried again, what refuses is an end. */
#define ANSWERS_BEFORE_A_STEP(id, state)                                                          \
    { id "a", state, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, job_note_trouble,                  \
      "the server cannot be reached: closed, tried again after a wait" },                         \
    { id "b", state, RESULT_LOST, ALWAYS, JOB_DROPPING, job_note_trouble,                         \
      "the connection broke before any step: closed, tried again after a wait" },                 \
    { id "c", state, RESULT_RETRYABLE, ALWAYS, JOB_DROPPING, job_note_trouble,                    \
      "the server asks to come again: closed, tried again after a wait" },                        \
    { id "d", state, RESULT_REFUSED, WHEN(is_of_wrong_identity), JOB_CLOSING, job_hold,           \
      "this is not the database that was meant: a person has to look" },                          \
    { id "e", state, RESULT_REFUSED, WHEN(is_unknown), JOB_DROPPING, job_note_trouble,            \
      "refused while an outcome is unknown: the target may be moving, so it looks again" },       \
    { id "f", state, RESULT_REFUSED, ALWAYS, JOB_CLOSING, job_fail,                               \
      "refused before anything was done: the reason says what to mend" },                         \
    { id "g", state, RESULT_FAILED, WHEN(is_unknown), JOB_DROPPING, job_note_trouble,             \
      "the server fails while an outcome is unknown: it looks again after a wait" },              \
    { id "h", state, RESULT_FAILED, ALWAYS, JOB_CLOSING, job_fail,                                \
      "the server fails before any step: nothing was done" },                                     \
    { id "i", state, RESULT_FENCED, ALWAYS, JOB_CLOSING, job_refuse_fenced,                       \
      "a newer attempt owns the target: this one ends" },                                         \
    { id "j", state, RESULT_CANCELLED, ALWAYS, JOB_DROPPING, job_note_trouble,                    \
      "cut short before any step: closed, tried again after a wait" }

/* A step in a transaction, or the note of one that cannot be: whole or not at all. */
#define ANSWERS_OF_A_TRANSACTION(id, state)                                                       \
    { id "a", state, RESULT_ALREADY, WHEN(has_retryable_tries), JOB_READING,                      \
      job_spend_retryable_try, "the history has the row already: resolved by reading" },          \
    { id "b", state, RESULT_ALREADY, ALWAYS, JOB_CLOSING, job_hold_contradiction,                 \
      "the history refuses the row and shows none, again and again: a person has to look" },      \
    { id "c", state, RESULT_FENCED, ALWAYS, JOB_CLOSING, job_refuse_fenced,                       \
      "a newer attempt owns the target: the step is undone whole, this one ends" },               \
    { id "d", state, RESULT_IN_PROGRESS, WHEN(is_holder_named), JOB_ENDING, job_note_holder,      \
      "an older attempt is inside: its backend is ended, no try is spent" },                      \
    { id "e", state, RESULT_IN_PROGRESS, ALWAYS, JOB_RETRYING, job_wait_out_holder,               \
      "another attempt is inside: outwaited, no try is spent" },                                  \
    { id "m", state, RESULT_BLOCKED, WHEN(is_in_vain), JOB_RETRYING, job_wait_out_obstacle,       \
      "blocked by what never yields: undone whole, outwaited until the deadline, no try is "      \
      "spent" },                                                                                  \
    { id "f", state, RESULT_BLOCKED, WHEN(has_blocked_tries), JOB_RETRYING,                       \
      job_spend_blocked_try,                                                                      \
      "blocked by another session: undone whole, tried again after a wait" },                     \
    { id "g", state, RESULT_BLOCKED, ALWAYS, JOB_CLOSING, job_fail_after_tries,                   \
      "blocked by another session and no tries are left: failed" },                               \
    { id "h", state, RESULT_RETRYABLE, WHEN(has_retryable_tries), JOB_RETRYING,                   \
      job_spend_retryable_try,                                                                    \
      "the server asks to try again: undone whole, tried again after a wait" },                   \
    { id "i", state, RESULT_RETRYABLE, ALWAYS, JOB_CLOSING, job_fail_after_tries,                 \
      "the server asks to try again and no tries are left: failed" },                             \
    { id "j", state, RESULT_FAILED, ALWAYS, JOB_CLOSING, job_fail,                                \
      "the server refused the step: it is undone whole, nothing else is tried" },                 \
    { id "k", state, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, job_take_broken,                   \
      "the connection broke before COMMIT was sent: not applied, connected again" },              \
    { id "l", state, RESULT_LOST, ALWAYS, JOB_DROPPING, job_take_broken_unknown,                  \
      "the answer to COMMIT was lost: unknown until the history has been read behind the "        \
      "fence" }

/* We cancelled it, or the watchdog did for the sake of others: undone whole. */
#define ANSWERS_OF_A_CANCEL(id, state)                                                            \
    { id "a", state, RESULT_CANCELLED, WHEN(is_cancel_wanted), JOB_READING, NULL,                 \
      "cancelled, since another goal is wanted: looks where it stands" },                         \
    { id "b", state, RESULT_CANCELLED, WHEN(is_past_deadline), JOB_CLOSING,                       \
      job_fail_cancelled_too_late, "cancelled at the deadline: the step is undone whole" },       \
    { id "c", state, RESULT_CANCELLED, WHEN(has_blocked_tries), JOB_RETRYING,                     \
      job_spend_blocked_try, "cancelled for the sake of others: tried again after a wait" },      \
    { id "d", state, RESULT_CANCELLED, ALWAYS, JOB_CLOSING, job_fail_after_tries,                 \
      "cancelled for the sake of others and no tries are left: failed" }

/* After the statement ran and before its end is noted: what breaks leaves the outcome open. */
#define ANSWERS_AFTER_A_RUN(id, state)                                                            \
    { id "a", state, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, job_take_unknown,                  \
      "the connection broke before the end was noted: connected again, probed and noted then" },  \
    { id "b", state, RESULT_LOST, ALWAYS, JOB_DROPPING, job_take_unknown,                         \
      "the answer to the note was lost: unknown until the history has been read" },               \
    { id "c", state, RESULT_RETRYABLE, ALWAYS, JOB_DROPPING, job_take_unknown,                    \
      "the server asks to come again before the end was noted: connected again, then noted" },    \
    { id "d", state, RESULT_CANCELLED, ALWAYS, JOB_DROPPING, job_take_unknown,                    \
      "cut short before the end was noted: connected again, probed and noted then" }

#define WAIT_ENDS(id, state, next)                                                                \
    { id "a", state, RESULT_OK, WHEN(is_withdrawn), JOB_CLOSING, NULL,                            \
      "the order is withdrawn" },                                                                 \
    { id "b", state, RESULT_OK, WHEN(may_park), JOB_PARKING, NULL,                                \
      "held back while it waits: parked, its connection closed" },                                \
    { id "c", state, RESULT_OK, WHEN(is_past_deadline), JOB_CLOSING, job_fail_too_late,           \
      "the time allowed ran out while waiting: failed, with what held it up" },                   \
    { id "d", state, RESULT_OK, WHEN(is_still_waiting), RULE_SAME, NULL,                          \
      "the wait is not over yet" },                                                               \
    { id "e", state, RESULT_OK, ALWAYS, next, NULL,                                               \
      "the wait is over: tried again" }

/* The same, where something is half done: time alone decides nothing. */
#define WAIT_OF_A_STEP_ENDS(id, state, next)                                                      \
    { id "a", state, RESULT_OK, WHEN(is_withdrawn), JOB_CLOSING, NULL,                            \
      "the order is withdrawn" },                                                                 \
    { id "b", state, RESULT_OK, WHEN(may_park), JOB_PARKING, NULL,                                \
      "held back while it waits: parked, its connection closed" },                                \
    { id "c", state, RESULT_OK, WHEN(is_still_waiting), RULE_SAME, NULL,                          \
      "the wait is not over yet" },                                                               \
    { id "d", state, RESULT_OK, ALWAYS, next, NULL,                                               \
      "the wait is over: looked at again" }

#define NEVER(id, event)                                                                          \
    { id, RULE_ANY, event, ALWAYS, RULE_IGNORE, NULL, "no action of this state answers so" }

static const Rule RULES[] = {
    { "J1", JOB_IDLE, JOB_EVENT_BEGIN, WHEN(is_order_senseless), JOB_DONE, job_refuse_senseless,
      "the order leads to a migration that the plan does not have" },
    { "J2", JOB_IDLE, JOB_EVENT_BEGIN, WHEN(is_withdrawn), JOB_DONE, NULL,
      "the order is withdrawn before it began" },
    { "J4", JOB_IDLE, JOB_EVENT_BEGIN, ALWAYS, JOB_CONNECTING, NULL,
      "the order is begun" },

    { "J10", JOB_CONNECTING, RESULT_OK, ALWAYS, JOB_LOCKING, job_take_connection,
      "connected to the very database that was meant" },
    { "J11", JOB_CONNECTING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, job_note_trouble,
      "a lock is in the way of looking around: tried again after a wait" },
    ANSWERS_BEFORE_A_STEP("J12", JOB_CONNECTING),

    { "J20", JOB_LOCKING, RESULT_OK, ALWAYS, JOB_PREPARING, job_take_lock,
      "the target's lock is ours" },
    { "J21", JOB_LOCKING, RESULT_HELD_BY_OURS, ALWAYS, JOB_ENDING, job_note_holder,
      "an older attempt of ours holds the lock: its backend is ended" },
    { "J22", JOB_LOCKING, RESULT_HELD_BY_OTHER, ALWAYS, JOB_AWAITING_LOCK, job_wait_for_lock,
      "somebody else holds the lock: asked again until the deadline" },
    { "J23", JOB_LOCKING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, job_note_trouble,
      "a lock is in the way of looking around: tried again after a wait" },
    ANSWERS_BEFORE_A_STEP("J24", JOB_LOCKING),
    { "J25", JOB_LOCKING, RESULT_HELD_AT_WORK, WHEN(is_past_adoption), JOB_ENDING, job_note_holder,
      "a statement of ours has run for longer than any may: its backend is ended" },
    { "J26", JOB_LOCKING, RESULT_HELD_AT_WORK, ALWAYS, JOB_ADOPTING, job_adopt,
      "a statement of ours still runs, without its client: adopted, its end is awaited" },

    { "J30", JOB_ENDING, RESULT_OK, WHEN(has_lock), JOB_READING, NULL,
      "the older attempt's backend is gone: reads what it left" },
    { "J31", JOB_ENDING, RESULT_OK, ALWAYS, JOB_LOCKING, NULL,
      "the older attempt's backend is gone: its lock is free" },
    { "J32", JOB_ENDING, RESULT_FAILED, ALWAYS, JOB_DROPPING, job_note_trouble,
      "the older attempt's backend cannot be ended: outwaited" },
    { "J33", JOB_ENDING, RESULT_REFUSED, ALWAYS, JOB_DROPPING, job_note_trouble,
      "the older attempt's backend may not be ended by this role: outwaited" },
    { "J34", JOB_ENDING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, job_note_trouble,
      "the older attempt's backend is still there: outwaited" },
    { "J35", JOB_ENDING, RESULT_RETRYABLE, ALWAYS, JOB_DROPPING, job_note_trouble,
      "the server asks to come again: closed, tried again after a wait" },
    { "J36", JOB_ENDING, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, job_note_trouble,
      "the server cannot be reached: closed, tried again after a wait" },
    { "J37", JOB_ENDING, RESULT_LOST, ALWAYS, JOB_DROPPING, job_note_trouble,
      "the connection broke: closed, tried again after a wait" },
    { "J38", JOB_ENDING, RESULT_CANCELLED, ALWAYS, JOB_DROPPING, job_note_trouble,
      "cut short: closed, tried again after a wait" },

    { "J40", JOB_PREPARING, RESULT_OK, ALWAYS, JOB_READING, NULL,
      "skein's own tables are there" },
    { "J41", JOB_PREPARING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, job_note_trouble,
      "somebody else is making skein's tables: tried again after a wait" },
    { "J42", JOB_PREPARING, RESULT_BLOCKED, ALWAYS, JOB_DROPPING, job_note_trouble,
      "skein's tables are locked by another session: tried again after a wait" },
    ANSWERS_BEFORE_A_STEP("J43", JOB_PREPARING),

    { "J50", JOB_READING, RESULT_HISTORY, WHEN(is_history_misshapen), JOB_CLOSING,
      job_hold_misshapen,
      "the history that was read does not fit the plan's shape: a bug, nothing was done" },
    { "J51", JOB_READING, RESULT_HISTORY, ALWAYS, JOB_DECIDING, job_take_history,
      "the history is read behind the fence: what it shows is what happened" },
    { "J52", JOB_READING, RESULT_IN_PROGRESS, WHEN(is_holder_named), JOB_ENDING, job_note_holder,
      "an older attempt is inside: its backend is ended" },
    { "J53", JOB_READING, RESULT_IN_PROGRESS, ALWAYS, JOB_RETRYING, job_wait_out_holder,
      "another attempt is inside: outwaited" },
    { "J54", JOB_READING, RESULT_BLOCKED, ALWAYS, JOB_RETRYING, job_wait_out_holder,
      "the history is locked by another session: outwaited" },
    ANSWERS_BEFORE_A_STEP("J55", JOB_READING),

    { "J60", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(is_ran_unproven), JOB_PROBING, NULL,
      "the statement ran and its end is not noted: probed and noted now" },
    { "J61", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(is_withdrawn), JOB_CLOSING, NULL,
      "the order is withdrawn: ends between steps" },
    { "J62", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_lost_rows), JOB_CLOSING, job_hold_lost_rows,
      "what was committed is gone after a failover: a person has to look" },
    { "J230", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_other_plan), JOB_CLOSING,
      job_hold_other_plan,
      "what is to be undone was applied under another plan: only that plan's way back is taken" },
    { "J63", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(is_noted_unsent), JOB_RUNNING, job_send_statement,
      "the step is noted and its statement was never sent: it runs now" },
    { "J64", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_copied), JOB_CLOSING, job_hold_interrupted,
      "a statement outside a transaction was begun before this copy was made: a person has to look" },
    { "J165", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_changed_statement), JOB_CLOSING,
      job_hold_changed_statement,
      "a statement was interrupted, and the plan has another one there: a person has to look" },
    { "J166", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_interrupted_held_back), JOB_PARKING, NULL,
      "a statement was interrupted, and no work may start now: parked, its connection closed" },
    { "J167", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_interrupted), JOB_TRACING,
      job_begin_settling,
      "a statement outside a transaction was interrupted: what it has left decides" },
    { "J78", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_halfway), JOB_CLOSING, job_hold_halfway,
      "a migration was left between two parts on its way in the other direction: a person has to "
      "look" },
    { "J79", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_changed_parts), JOB_CLOSING,
      job_hold_changed_parts,
      "the parts of a migration that are done have been changed: a person has to look" },
    { "J65", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_changed_up), JOB_CLOSING, job_hold_changed,
      "an applied migration has been changed: a person has to look" },
    { "J66", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_foreign_up), JOB_CLOSING, job_hold_foreign,
      "the target has migrations that the plan does not know: a person has to look" },
    { "J56", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_tool_fault), JOB_CLOSING,
      job_hold_tool_fault,
      "the other tool says that something is wrong: a person has to look" },
    { "J57", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_strange_up), JOB_CLOSING, job_hold_strange,
      "the other tool has applied migrations that the plan does not know: a person has to look" },
    { "J228", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_tool_changed), JOB_CLOSING,
      job_hold_tool_changed,
      "the other tool has applied a migration as another file than the plan's: a person has to look" },
    { "J67", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_gap_up), JOB_CLOSING, job_hold_gap,
      "a migration is missing below an applied one: a person has to look" },
    { "J217", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_discord), JOB_CLOSING, job_hold_discord,
      "skein's history and the other tool's do not agree on a migration: a person has to look" },
    { "J221", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_blind), JOB_CLOSING, job_hold_blind,
      "the table of the tool that the history is shared with cannot be read: a person has to look" },
    { "J222", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_between_tools), JOB_CLOSING,
      job_hold_between_tools,
      "the history is shared with another tool than the plan's: a person has to look" },
    { "J227", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_tie_fault), JOB_CLOSING, job_hold_tie_fault,
      "the tool that the history is shared with says that something is wrong: a person has to look" },
    { "J225", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_tie_found), JOB_CLOSING, job_hold_tie_found,
      "nothing is applied by skein's history, and the directory's own tool has applied of it: nothing "
      "is done again" },
    { "J226", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_tie_undone), JOB_CLOSING,
      job_hold_tie_undone,
      "the tool that the history is shared with has undone by itself what skein's still has: nothing "
      "is built upon it, nor undone again" },
    { "J223", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_tie_ahead), JOB_CLOSING, job_hold_tie_ahead,
      "the tool that the history is shared with has gone on by itself: nothing is done again" },
    { "J224", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_tie_given), JOB_CLOSING, job_hold_tie_given,
      "the tool that the history is shared with would go on having what is undone: a person has to "
      "look" },
    { "J218", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_unread_up), JOB_CLOSING, job_hold_unread,
      "a migration that is to be applied could not be read where the plan was made: nothing is "
      "applied, a person has to look" },
    { "J68", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_newer_down), JOB_CLOSING, job_hold_newer,
      "newer migrations lie above those to undo: a person has to look" },
    { "J69", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_foreign_down), JOB_CLOSING, job_hold_foreign,
      "a migration that is not in the directory was applied above what is to be undone: nothing is" },
    { "J229", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_not_taken_down), JOB_CLOSING,
      job_hold_not_taken,
      "what is to be given back was never taken over: nothing is, a person has to look" },
    { "J70", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_irreversible_down), JOB_CLOSING,
      job_hold_irreversible,
      "an applied migration cannot be undone: nothing is, a person has to look" },
    { "J71", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_held_back), JOB_PARKING, NULL,
      "no step may start now: parked, its connection closed" },
    { "J231", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_expired), JOB_CLOSING,
      job_fail_expired, "the plan's own time ran out between steps: failed" },
    { "J72", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_too_late), JOB_CLOSING,
      job_fail_too_late, "the time allowed ran out between steps: failed" },
    { "J58", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_breaking), JOB_CLOSING, job_fail_breaking,
      "the connection broke each time this step ran: it may be what ends the server, so it does not "
      "run again" },
    { "J73", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_up_transactional), JOB_APPLYING,
      job_begin_transaction, "applies the next migration, or its next part" },
    { "J74", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_down_transactional), JOB_UNDOING,
      job_begin_transaction, "undoes the newest migration, or its next part" },
    { "J75", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next), JOB_NOTING_BEGIN, job_begin_note,
      "the next step cannot run in a transaction: written down before it begins" },
    { "J76", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(is_going_up), JOB_CLOSING, job_end_applied,
      "every migration that was asked for is in the history" },
    { "J77", JOB_DECIDING, JOB_EVENT_DECIDE, ALWAYS, JOB_CLOSING, job_end_rolled_back,
      "nothing that was to be undone is left in the history" },

    { "J80", JOB_APPLYING, RESULT_OK, ALWAYS, JOB_DECIDING, job_take_step,
      "the step and its history row are committed" },
    ANSWERS_OF_A_TRANSACTION("J81", JOB_APPLYING),
    ANSWERS_OF_A_CANCEL("J82", JOB_APPLYING),
    { "J85", JOB_UNDOING, RESULT_OK, ALWAYS, JOB_DECIDING, job_take_step,
      "the step back and its history row are committed" },
    ANSWERS_OF_A_TRANSACTION("J86", JOB_UNDOING),
    ANSWERS_OF_A_CANCEL("J87", JOB_UNDOING),

    { "J90", JOB_NOTING_BEGIN, RESULT_OK, ALWAYS, JOB_RUNNING, job_send_statement,
      "it is written down that the step begins: its statement runs, to its end" },
    ANSWERS_OF_A_TRANSACTION("J91", JOB_NOTING_BEGIN),
    { "J92", JOB_NOTING_BEGIN, RESULT_CANCELLED, WHEN(has_blocked_tries), JOB_RETRYING,
      job_spend_blocked_try, "the note was cut short: undone whole, tried again after a wait" },
    { "J93", JOB_NOTING_BEGIN, RESULT_CANCELLED, ALWAYS, JOB_CLOSING, job_fail_after_tries,
      "the note was cut short and no tries are left: failed, its statement never ran" },

    { "J100", JOB_RUNNING, RESULT_OK, ALWAYS, JOB_PROBING, job_take_statement,
      "the statement was answered with success: the catalog is asked" },
    { "J101", JOB_RUNNING, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, job_take_unsent,
      "the connection broke before the statement was sent: connected again, then it runs" },
    { "J102", JOB_RUNNING, RESULT_LOST, ALWAYS, JOB_DROPPING, job_take_broken_unknown,
      "the answer of the statement was lost: unknown until history and catalog have been read" },
    { "J103", JOB_RUNNING, RESULT_FAILED, ALWAYS, JOB_TRACING, job_take_failure,
      "the statement failed outside a transaction: what it has left is looked at" },
    { "J104", JOB_RUNNING, RESULT_BLOCKED, ALWAYS, JOB_TRACING, job_take_failure,
      "the statement was blocked outside a transaction: what it has left is looked at" },
    { "J105", JOB_RUNNING, RESULT_RETRYABLE, ALWAYS, JOB_TRACING, job_take_failure,
      "the statement was broken off outside a transaction: what it has left is looked at" },
    { "J106", JOB_RUNNING, RESULT_CANCELLED, ALWAYS, JOB_TRACING, job_take_failure,
      "the statement was cancelled outside a transaction: what it has left is looked at" },
    { "J107", JOB_RUNNING, RESULT_IN_PROGRESS, ALWAYS, JOB_TRACING, job_take_failure,
      "a lock was in the way of the statement outside a transaction: what is left is looked at" },
    { "J108", JOB_RUNNING, RESULT_REFUSED, ALWAYS, JOB_TRACING, job_take_failure,
      "the statement is refused to this role: its begin is noted, and taken back" },

    { "J110", JOB_PROBING, RESULT_OK, ALWAYS, JOB_NOTING_END, NULL,
      "the catalog shows what the statement did" },
    { "J111", JOB_PROBING, RESULT_UNPROVEN, ALWAYS, JOB_TRACING, job_take_failure,
      "the catalog does not show what the statement did: what is there instead is looked at" },
    { "J112", JOB_PROBING, RESULT_FAILED, ALWAYS, JOB_CLOSING, job_hold_unproven,
      "the catalog cannot be asked: a person has to look" },
    { "J113", JOB_PROBING, RESULT_REFUSED, ALWAYS, JOB_CLOSING, job_hold_unproven,
      "the catalog may not be asked by this role: a person has to look" },
    { "J114", JOB_PROBING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, job_take_unknown,
      "a lock is in the way of asking: connected again, probed and noted then" },
    ANSWERS_AFTER_A_RUN("J115", JOB_PROBING),

    { "J120", JOB_NOTING_END, RESULT_OK, ALWAYS, JOB_DECIDING, job_take_step,
      "it is written down that the step ended well" },
    { "J121", JOB_NOTING_END, RESULT_ALREADY, WHEN(has_retryable_tries), JOB_READING,
      job_spend_retryable_try, "the history has the row already: resolved by reading" },
    { "J122", JOB_NOTING_END, RESULT_ALREADY, ALWAYS, JOB_CLOSING, job_hold_contradiction,
      "the history refuses the row, again and again: a person has to look" },
    { "J123", JOB_NOTING_END, RESULT_FENCED, ALWAYS, JOB_CLOSING, job_refuse_fenced,
      "a newer attempt owns the target and finds the step begun: this one ends" },
    { "J124", JOB_NOTING_END, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, job_take_unknown,
      "another attempt is inside: connected again, probed and noted then" },
    { "J125", JOB_NOTING_END, RESULT_BLOCKED, ALWAYS, JOB_DROPPING, job_take_unknown,
      "the history is locked by another session: connected again, probed and noted then" },
    { "J126", JOB_NOTING_END, RESULT_FAILED, ALWAYS, JOB_CLOSING, job_hold_broken_off,
      "the end of the step cannot be written down: a person has to look" },
    ANSWERS_AFTER_A_RUN("J127", JOB_NOTING_END),

    { "J170", JOB_TRACING, RESULT_TRACED, WHEN(is_at_work_too_long), JOB_CLOSING, job_hold_at_work,
      "a session works on its object, and the time allowed ran out: a person has to look" },
    { "J171", JOB_TRACING, RESULT_TRACED, WHEN(is_at_work), JOB_AWAITING_WORKER,
      job_wait_for_worker,
      "a session works on its object: outwaited" },
    { "J172", JOB_TRACING, RESULT_TRACED, WHEN(is_trace_done), JOB_NOTING_END, NULL,
      "the catalog shows what the statement was to do" },
    { "J173", JOB_TRACING, RESULT_TRACED, WHEN(is_trace_mendable), JOB_MENDING, job_spend_mend,
      "the statement has left something half done: cleared away" },
    { "J174", JOB_TRACING, RESULT_TRACED, WHEN(is_trace_open), JOB_CLOSING, job_hold_open,
      "the catalog cannot tell what the statement has done: a person has to look" },
    { "J175", JOB_TRACING, RESULT_TRACED, ALWAYS, JOB_NOTING_BACK, NULL,
      "nothing of the statement is there: written down as before it" },
    { "J176", JOB_TRACING, RESULT_FAILED, ALWAYS, JOB_CLOSING, job_hold_broken_off,
      "the catalog cannot be asked what the statement has left: a person has to look" },
    { "J177", JOB_TRACING, RESULT_REFUSED, ALWAYS, JOB_CLOSING, job_hold_broken_off,
      "this role may not ask what the statement has left: a person has to look" },
    { "J178", JOB_TRACING, RESULT_IN_PROGRESS, ALWAYS, JOB_AWAITING_WORKER, job_wait_for_worker,
      "a lock is in the way of looking: outwaited" },
    { "J179", JOB_TRACING, RESULT_BLOCKED, ALWAYS, JOB_AWAITING_WORKER, job_wait_for_worker,
      "a lock is in the way of looking: outwaited" },
    ANSWERS_AFTER_A_RUN("J180", JOB_TRACING),

    { "J181", JOB_MENDING, RESULT_OK, ALWAYS, JOB_TRACING, NULL,
      "cleared away: looked at again" },
    { "J182", JOB_MENDING, RESULT_BLOCKED, ALWAYS, JOB_AWAITING_WORKER, job_wait_for_worker,
      "another session is in the way of clearing away: outwaited" },
    { "J183", JOB_MENDING, RESULT_IN_PROGRESS, ALWAYS, JOB_AWAITING_WORKER, job_wait_for_worker,
      "another session is in the way of clearing away: outwaited" },
    { "J184", JOB_MENDING, RESULT_RETRYABLE, ALWAYS, JOB_AWAITING_WORKER, job_wait_for_worker,
      "the server asks to try again: looked at again after a wait" },
    { "J185", JOB_MENDING, RESULT_FAILED, ALWAYS, JOB_CLOSING, job_hold_unmended,
      "what the statement has left cannot be cleared away: a person has to look" },
    { "J186", JOB_MENDING, RESULT_REFUSED, ALWAYS, JOB_CLOSING, job_hold_unmended,
      "this role may not clear away what the statement has left: a person has to look" },
    { "J187", JOB_MENDING, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, job_take_unknown,
      "the connection broke while clearing away: connected again, looked at again" },
    { "J188", JOB_MENDING, RESULT_LOST, ALWAYS, JOB_DROPPING, job_take_unknown,
      "the connection broke while clearing away: connected again, looked at again" },
    { "J189", JOB_MENDING, RESULT_CANCELLED, ALWAYS, JOB_DROPPING, job_take_unknown,
      "clearing away was cut short: connected again, looked at again" },

    { "J190", JOB_NOTING_BACK, RESULT_OK, WHEN(is_step_retried), JOB_RETRYING, job_retry_step,
      "nothing of the step is left, and the server asks to try again: after a wait" },
    { "J191", JOB_NOTING_BACK, RESULT_OK, WHEN(is_step_failed), JOB_CLOSING, job_fail_step,
      "nothing of the step is left: failed, with the server's words" },
    { "J192", JOB_NOTING_BACK, RESULT_OK, ALWAYS, JOB_DECIDING, job_take_back,
      "nothing of the step is left: goes on from before it" },
    { "J193", JOB_NOTING_BACK, RESULT_ALREADY, WHEN(has_retryable_tries), JOB_READING,
      job_spend_retryable_try, "the history is not as it was read: read again" },
    { "J194", JOB_NOTING_BACK, RESULT_ALREADY, ALWAYS, JOB_CLOSING, job_hold_contradiction,
      "the history refuses the row, again and again: a person has to look" },
    { "J195", JOB_NOTING_BACK, RESULT_FENCED, ALWAYS, JOB_CLOSING, job_refuse_fenced,
      "a newer attempt owns the target and finds the step begun: this one ends" },
    { "J196", JOB_NOTING_BACK, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, job_take_unknown,
      "another attempt is inside: connected again, looked at again" },
    { "J197", JOB_NOTING_BACK, RESULT_BLOCKED, ALWAYS, JOB_DROPPING, job_take_unknown,
      "the history is locked by another session: connected again, looked at again" },
    { "J198", JOB_NOTING_BACK, RESULT_FAILED, ALWAYS, JOB_CLOSING, job_hold_broken_off,
      "it cannot be written down that nothing is left: a person has to look" },
    ANSWERS_AFTER_A_RUN("J199", JOB_NOTING_BACK),

    WAIT_ENDS("J130", JOB_RETRYING, JOB_READING),
    WAIT_ENDS("J131", JOB_AWAITING_LOCK, JOB_LOCKING),
    WAIT_OF_A_STEP_ENDS("J132", JOB_ADOPTING, JOB_LOCKING),
    WAIT_OF_A_STEP_ENDS("J133", JOB_AWAITING_WORKER, JOB_TRACING),

    { "J140", JOB_DROPPING, RESULT_OK, ALWAYS, JOB_AWAITING_SERVER, job_wait_for_server,
      "the connection is closed: waits before the next" },
    { "J141", JOB_AWAITING_SERVER, RESULT_OK, WHEN(is_withdrawn), JOB_DONE, NULL,
      "the order is withdrawn; what is known was told" },
    { "J142", JOB_AWAITING_SERVER, RESULT_OK, WHEN(may_park), JOB_PARKED, job_park,
      "held back while it waits for the server: parked" },
    { "J143", JOB_AWAITING_SERVER, RESULT_OK, WHEN(is_past_deadline), JOB_DONE, job_fail_too_late,
      "the server could not be reached within the time allowed and nothing is in doubt: failed" },
    { "J144", JOB_AWAITING_SERVER, RESULT_OK, WHEN(is_still_waiting), RULE_SAME, NULL,
      "the wait is not over yet" },
    { "J145", JOB_AWAITING_SERVER, RESULT_OK, ALWAYS, JOB_CONNECTING, NULL,
      "the wait is over: connects again" },

    { "J150", JOB_PARKING, RESULT_OK, ALWAYS, JOB_PARKED, job_park,
      "parked: nothing of ours is left on the database" },
    { "J151", JOB_PARKED, RESULT_OK, WHEN(is_withdrawn), JOB_DONE, NULL,
      "the order is withdrawn" },
    { "J152", JOB_PARKED, RESULT_OK, WHEN(is_held_back), RULE_SAME, NULL,
      "still held back" },
    { "J153", JOB_PARKED, RESULT_OK, ALWAYS, JOB_CONNECTING, job_unpark,
      "steps may start again: connects and reads anew" },

    { "J160", JOB_CLOSING, RESULT_OK, ALWAYS, JOB_DONE, NULL,
      "the connection is closed: the job is over" },

    NEVER("J200", RESULT_OK),
    NEVER("J201", RESULT_HISTORY),
    NEVER("J202", RESULT_ALREADY),
    NEVER("J203", RESULT_HELD_BY_OURS),
    NEVER("J204", RESULT_HELD_BY_OTHER),
    NEVER("J205", RESULT_FENCED),
    NEVER("J206", RESULT_IN_PROGRESS),
    NEVER("J207", RESULT_BLOCKED),
    NEVER("J208", RESULT_RETRYABLE),
    NEVER("J209", RESULT_FAILED),
    NEVER("J210", RESULT_CANCELLED),
    NEVER("J211", RESULT_REFUSED),
    NEVER("J212", RESULT_UNREACHABLE),
    NEVER("J213", RESULT_LOST),
    NEVER("J214", RESULT_UNPROVEN),
    NEVER("J220", RESULT_TRACED),
    NEVER("J219", RESULT_HELD_AT_WORK),
    NEVER("J215", JOB_EVENT_BEGIN),
    NEVER("J216", JOB_EVENT_DECIDE),
};

const Rule JOB_NONSENSE_RULE = {
    "J0", RULE_ANY, RESULT_NONE, ALWAYS, JOB_CLOSING, job_hold_nonsense,
    "the performer answered what this action cannot answer: a bug, a person has to look",
};

/* clang-format on */

static const char *event_name(int event)
{
    switch (event) {
    case JOB_EVENT_BEGIN:
        return "begin";
    case JOB_EVENT_DECIDE:
        return "decide";
    default:
        return result_kind_name((ResultKind)event);
    }
}

const RuleTable *job_rule_table(void)
{
    static const RuleTable TABLE = {
        .name = "job",
        .rules = RULES,
        .rule_count = ARRAY_LEN(RULES),
        .state_count = JOB_STATE_COUNT_,
        .event_count = JOB_EVENT_COUNT_,
        .initial_state = JOB_IDLE,
        .state_name = job_state_name,
        .event_name = event_name,
    };
    return &TABLE;
}
