/*
 * What the table of a job is made of: guards (job_guards.c) and actions (job_actions.h says where).
 * `subject` is the Job. Inside of agent/core.
 */
#ifndef SKEIN_AGENT_CORE_JOB_RULES_H
#define SKEIN_AGENT_CORE_JOB_RULES_H

#include "agent/core/job_internal.h"

bool job_is_withdrawn(const void *subject);
bool job_is_held_back(const void *subject);
bool job_is_unknown(const void *subject);
bool job_may_park(const void *subject);
bool job_is_past_deadline(const void *subject);
bool job_is_still_waiting(const void *subject);
bool job_is_cancel_wanted(const void *subject);
bool job_is_order_senseless(const void *subject);
bool job_is_of_wrong_identity(const void *subject);
bool job_is_holder_named(const void *subject);
bool job_has_lock(const void *subject);
bool job_has_blocked_tries(const void *subject);
bool job_is_in_vain(const void *subject);
bool job_has_retryable_tries(const void *subject);
bool job_is_history_misshapen(const void *subject);
bool job_is_going_up(const void *subject);
bool job_has_lost_rows(const void *subject);
bool job_is_noted_unsent(const void *subject);
bool job_is_ran_unproven(const void *subject);
bool job_has_copied(const void *subject);
bool job_has_changed_statement(const void *subject);
bool job_has_interrupted(const void *subject);
bool job_has_interrupted_held_back(const void *subject);
bool job_is_past_adoption(const void *subject);
bool job_is_at_work_too_long(const void *subject);
bool job_is_at_work(const void *subject);
bool job_is_trace_done(const void *subject);
bool job_is_trace_mendable(const void *subject);
bool job_is_trace_open(const void *subject);
bool job_is_step_retried(const void *subject);
bool job_is_step_failed(const void *subject);
bool job_has_halfway(const void *subject);
bool job_has_changed_parts(const void *subject);
bool job_has_changed_up(const void *subject);
bool job_has_foreign_up(const void *subject);
bool job_has_tool_fault(const void *subject);
bool job_has_strange_up(const void *subject);
bool job_has_discord(const void *subject);
bool job_has_gap_up(const void *subject);
bool job_has_unread_up(const void *subject);
bool job_has_next(const void *subject);
bool job_has_newer_down(const void *subject);
bool job_has_foreign_down(const void *subject);
bool job_has_irreversible_down(const void *subject);
bool job_has_next_held_back(const void *subject);
bool job_has_next_too_late(const void *subject);
bool job_has_next_breaking(const void *subject);
bool job_has_next_up_transactional(const void *subject);
bool job_has_next_down_transactional(const void *subject);

void job_note_trouble(void *subject);
void job_fail(void *subject);
void job_hold(void *subject);
void job_refuse_fenced(void *subject);
void job_refuse_senseless(void *subject);
void job_fail_too_late(void *subject);
void job_fail_cancelled_too_late(void *subject);
void job_fail_after_tries(void *subject);
void job_hold_contradiction(void *subject);
void job_hold_unproven(void *subject);
void job_hold_broken_off(void *subject);
void job_hold_open(void *subject);
void job_hold_at_work(void *subject);
void job_hold_unmended(void *subject);
void job_hold_changed_statement(void *subject);
void job_hold_interrupted(void *subject);
void job_hold_halfway(void *subject);
void job_hold_changed_parts(void *subject);
void job_hold_changed(void *subject);
void job_hold_foreign(void *subject);
void job_hold_tool_fault(void *subject);
void job_hold_strange(void *subject);
void job_hold_discord(void *subject);
void job_hold_gap(void *subject);
void job_hold_unread(void *subject);
void job_hold_newer(void *subject);
void job_hold_irreversible(void *subject);
void job_hold_lost_rows(void *subject);
void job_hold_misshapen(void *subject);
void job_hold_nonsense(void *subject);
void job_end_applied(void *subject);
void job_end_rolled_back(void *subject);
void job_wait_for_server(void *subject);
void job_wait_for_lock(void *subject);
void job_wait_out_holder(void *subject);
void job_adopt(void *subject);
void job_wait_for_worker(void *subject);
void job_spend_blocked_try(void *subject);
void job_wait_out_obstacle(void *subject);
void job_spend_retryable_try(void *subject);
void job_park(void *subject);
void job_unpark(void *subject);
void job_take_connection(void *subject);
void job_take_lock(void *subject);
void job_note_holder(void *subject);
void job_take_history(void *subject);
void job_begin_transaction(void *subject);
void job_begin_note(void *subject);
void job_send_statement(void *subject);
void job_take_statement(void *subject);
void job_take_failure(void *subject);
void job_begin_settling(void *subject);
void job_spend_mend(void *subject);
void job_take_back(void *subject);
void job_retry_step(void *subject);
void job_fail_step(void *subject);
void job_take_step(void *subject);
void job_take_unknown(void *subject);
void job_take_broken(void *subject);
void job_take_broken_unknown(void *subject);
void job_fail_breaking(void *subject);
void job_take_unsent(void *subject);

#endif
