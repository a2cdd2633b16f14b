/*
 * What the rules of a target ask and do. Inside of target.c (guards, actions, the machine) and
 * target_rules.c (the table); nobody else includes this.
 */
#ifndef SKEIN_COORDINATOR_ENGINE_TARGET_RULES_H
#define SKEIN_COORDINATOR_ENGINE_TARGET_RULES_H

#include <stdbool.h>

/* --- asked of a target --- */

bool target_when_never_sent(const void *subject);
bool target_when_revoked(const void *subject);
bool target_when_revoked_unsent(const void *subject);
bool target_when_ended_unsent(const void *subject);
bool target_when_out_of_reach(const void *subject);
bool target_when_gone(const void *subject);
bool target_when_wanted_back(const void *subject);
bool target_when_wanted_back_and_sent(const void *subject);
bool target_when_stopping(const void *subject);
bool target_when_unseen(const void *subject);
bool target_when_stopping_unseen(const void *subject);
bool target_when_holding(const void *subject);
bool target_when_holding_unseen(const void *subject);
bool target_when_held_before(const void *subject);
bool target_when_nobody_told(const void *subject);
bool target_when_nobody_told_unseen(const void *subject);
bool target_when_not_charged(const void *subject);
bool target_when_nothing_applied(const void *subject);
bool target_when_held_out_of_reach(const void *subject);
bool target_when_unreached(const void *subject);
bool target_when_taken_along(const void *subject);
bool target_when_dispute_over(const void *subject);

/* --- done to a target; the row names the next state --- */

void target_act_assign(void *subject);
void target_act_take_back(void *subject);
void target_act_owe(void *subject);
void target_act_hold(void *subject);
void target_act_go_on(void *subject);
void target_act_go_on_unknown(void *subject);
void target_act_charge(void *subject);
void target_act_silent(void *subject);
void target_act_unreached(void *subject);
void target_act_absent(void *subject);
void target_act_overdue(void *subject);
void target_act_stopped_unseen(void *subject);
void target_act_stopped(void *subject);
void target_act_refused_unsure(void *subject);
void target_act_gone(void *subject);
void target_act_gone_unstarted(void *subject);
void target_act_revoked_unstarted(void *subject);
void target_act_contradicted(void *subject);
void target_act_dispute(void *subject);
void target_act_skip(void *subject);
void target_act_healthy(void *subject);

#endif
