/* The commands' functions, by the file that holds them. Contract: Command.run (command.h). */
#ifndef SKEIN_CLI_COMMANDS_H
#define SKEIN_CLI_COMMANDS_H

#include "cli/command.h"

/* cmd_new.c, cmd_move.c (up, down) and cmd_look.c: one database, without a coordinator */
ErrCode cmd_new(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_up(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_down(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_adopt(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_baseline(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_status(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_history(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_current(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_check(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_repair.c */
ErrCode cmd_repair(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_test.c */
ErrCode cmd_test(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_lint.c */
ErrCode cmd_lint(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_plan.c */
ErrCode cmd_plan(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_plan_sign(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_keys.c */
ErrCode cmd_keys_generate(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_keys_show(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_rollout.c (starting), cmd_rollout_look.c and cmd_rollout_steer.c */
ErrCode cmd_rollout_start(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_list(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_show(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_targets(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_watch(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_events(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_pause(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_resume(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_approve(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_abort(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_rollback(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_retry(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_rollout_skip(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_audit.c */
ErrCode cmd_audit_list(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_audit_verify(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_invite.c */
ErrCode cmd_agents_invite(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_tokens.c */
ErrCode cmd_tokens_create(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_tokens_list(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_tokens_revoke(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_health.c */
ErrCode cmd_agents_show(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_health(Invocation *invocation, ExitCode *ret_exit, Err *err);

/* cmd_fleet.c */
ErrCode cmd_agents_list(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_agents_accept(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_agents_reject(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_agents_revoke(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_agents_release(Invocation *invocation, ExitCode *ret_exit, Err *err);
ErrCode cmd_targets(Invocation *invocation, ExitCode *ret_exit, Err *err);

#endif
