/*
 * Rollouts in words and pictures, from the API's JSON: for show, list, watch and every command that
 * answers with a rollout.
 */
#ifndef SKEIN_CLI_ROLLOUT_VIEW_H
#define SKEIN_CLI_ROLLOUT_VIEW_H

#include <jansson.h>

#include "cli/command.h"
#include "cli/output.h"
#include "common/err.h"
#include "common/str.h"

/* Head, explanation, a bar per wave. */
void rollout_text(const json_t *rollout, Str *out);

/*
 * Its targets, a line each: state, and what went wrong; at most `limit` lines, then how many more
 * there are. `targets`: items of /rollouts/ID/targets.
 */
void targets_text(const json_t *targets, size_t limit, Str *out);

/* Which plan it is the execution of, and who has signed that: one line. */
void rollout_plan_text(const json_t *rollout, Str *out);

/*
 * What failed, clustered over the fleet, in the servers' own words, the most frequent first, and
 * how much more there is; nothing when nothing did. Of a rollout that has ended it is what failed
 * before.
 */
void errors_text(const json_t *rollout, const json_t *errors, Str *out);

/*
 * Targets that came too late for it (`late`: items of /rollouts/ID/late, at most `limit` of them);
 * nothing when there are none, or when it is being or was taken back.
 */
void late_text(const json_t *rollout, const json_t *late, size_t limit, Str *out);

/* Its state, for people; returns its colour. */
Colour rollout_state_words(const json_t *rollout, Str *out);

/* What runs right now, at most `limit` lines. `targets`: items of /rollouts/ID/targets. */
void activity_text(const json_t *targets, size_t limit, Str *out);

void event_text(const json_t *event, Str *out); /* one line */

/* To standard output: in words, or as JSON on a line of its own. */
void event_print(const json_t *event, OutputKind output);

/* Targets that have the migrations now. */
long long count_applied(const json_t *rollout_or_wave);

/* 0 succeeded or under way, 5 rolled back, 6 paused or held, 1 aborted: the exit code of watching
 * it. */
ExitCode rollout_exit_code(const json_t *rollout);

/*
 * Will anything more happen without a person? Not when it has ended, nor when it is paused, or its
 * roll back or one of its waves is held, and no agent is at work for it any more: running steps end
 * also in a pause. Approvals are waited for.
 * What is unknown is not waited for: its agent may never come back.
 */
bool rollout_goes_on(const json_t *rollout);

/* Does it stand, but for running steps that are about to end? */
bool rollout_stands(const json_t *rollout);

#endif
