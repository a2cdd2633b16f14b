/*
 * What the statements of a migration leave in their session beyond role and settings: temporary
 * objects, prepared statements, cursors, what it listens to, advisory locks, what sequences have
 * given. The next migration finds none of it, and the target's own lock is never free for that.
 *
 * Within a migration it stays, from part to part, for as long as the session does. What no command
 * takes away ends with the session alone: libraries that were loaded, connections of dblink's, what
 * a procedural language keeps, the names of settings that nobody knows.
 */
#ifndef SKEIN_AGENT_EXEC_LITTER_H
#define SKEIN_AGENT_EXEC_LITTER_H

#include "agent/exec/step.h"

/* What an earlier part of the same script has left is for the later ones: is it that? */
bool litter_is_for(const Session *session, const PlanScript *script, const Action *action);

/* Clears away what another migration has left, if one was here: all but its locks. */
void litter_clear(Step *step);

/* For what is asked or run outside transactions, before the step of `action` has cleared away all
 * of it: appends what takes away that which bears names, so that they mean to a question what they
 * will mean to the statement. Nothing where there is nothing of another migration. */
void litter_append_unnaming(const Session *session, const PlanScript *script, const Action *action,
                            Str *sql);

/* Its locks. Behind the fence, which keeps the target's own until COMMIT. */
void litter_clear_locks(Step *step);

/* Behind all statements of the step: takes the target's lock anew, should they have released it,
 * and looks whether something was prepared. */
void litter_look(Step *step);

/* For a BatchTake: is `item` one of these? Then its answer is taken; *ret_has_lock: the target's
 * lock is ours. */
bool litter_take(Step *step, const BatchItem *item, const PGresult *result, bool *ret_has_lock);

/* What the step has made of the session. */
void litter_note(Step *step, bool is_committed);

/* The same of a statement outside transactions. */
void litter_note_run(Session *session, const PlanScript *script);

/* A statement of the step has failed: says so, where that may be for want of what an earlier part
 * has left in a session that is gone. */
void litter_explain(const Step *step, Err *err);

#endif
