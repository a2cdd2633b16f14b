/* See wait_notes.h. */
#include "cli/wait_notes.h"

#include "common/units.h"

static void note_short(uint32_t lock_timeout_ms, const char *file, const char *what,
                       SourceNotes *notes)
{
    char text[DURATION_TEXT_MAX];
    duration_format(lock_timeout_ms, text);
    source_note(notes, SOURCE_NOTE_INFO, file, 0,
                "%s of %s is not above deadlock_timeout, which is 1 s unless a server says "
                "otherwise: an autovacuum yields only after that, so a try that meets one fails, "
                "and the next one waits longer",
                what, text);
}

static void note_script(const PlanScript *script, const char *id, SourceNotes *notes)
{
    if (script->lock_timeout_ms != 0 && script->lock_timeout_ms <= DEADLOCK_TIMEOUT_DEFAULT_MS) {
        note_short(script->lock_timeout_ms, id, "a lock-timeout", notes);
    }
}

void wait_notes(const Plan *plan, const char *file, SourceNotes *notes)
{
    if (plan->strategy.lock_timeout_ms <= DEADLOCK_TIMEOUT_DEFAULT_MS) {
        note_short(plan->strategy.lock_timeout_ms, file, "timeouts.lock", notes);
    }
    for (size_t i = 0; i < plan->migration_count; i++) {
        note_script(&plan->migrations[i].up, plan->migrations[i].id, notes);
        note_script(&plan->migrations[i].down, plan->migrations[i].id, notes);
    }
}
