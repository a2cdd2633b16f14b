/* Tables of kinds, and the putting together of sentences. */
#include "agent/exec/blocker.h"

#include <inttypes.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/units.h"

static const struct KindRow {
    const char *hint;
    Obstacle obstacle;
} KINDS[] = {
    [BLOCKER_NONE] = { "", OBSTACLE_NONE },
    [BLOCKER_SESSION] = { "wait until its transaction has ended, or end it with "
                          "pg_terminate_backend; `timeouts.lock` says how long a statement waits",
                          OBSTACLE_NONE },
    [BLOCKER_AUTOVACUUM] = { "it yields to who waits longer than deadlock_timeout: keep the lock "
                             "timeout above that",
                             OBSTACLE_YIELDING },
    [BLOCKER_WRAPAROUND] = { "it never yields, and ending it only puts it off: wait for its end, "
                             "or plan the migration for after it; pg_stat_progress_vacuum shows "
                             "how far it is",
                             OBSTACLE_UNYIELDING },
    [BLOCKER_PREPARED] = { "nobody is connected for it: COMMIT PREPARED or ROLLBACK PREPARED, by "
                           "whoever manages the transactions",
                           OBSTACLE_NONE },
};
_Static_assert(ARRAY_LEN(KINDS) == BLOCKER_KIND_COUNT_, "a row per kind");

static const char AUTOVACUUM[] = "autovacuum: ";
static const char WRAPAROUND[] = " (to prevent wraparound)";

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && str_equal(text + length - strlen(end), end);
}

/* Of those that hold locks on tables, only autovacuum's processes have no role. */
BlockerKind blocker_kind(bool is_worker, bool has_role, const char *query)
{
    if (is_worker && ends_with(query, WRAPAROUND)) {
        return BLOCKER_WRAPAROUND;
    }
    return is_worker || !has_role ? BLOCKER_AUTOVACUUM : BLOCKER_SESSION;
}

void blocker_work(const char *query, char ret_work[BLOCKER_WORK_MAX])
{
    const char *work = str_starts_with(query, AUTOVACUUM) ? query + strlen(AUTOVACUUM) : query;
    str_copy(ret_work, BLOCKER_WORK_MAX, work);
    if (ends_with(ret_work, WRAPAROUND)) {
        ret_work[strlen(ret_work) - strlen(WRAPAROUND)] = '\0';
    }
}

static void age_write(const char *before, int64_t age_ms, const char *after, Str *out)
{
    char text[DURATION_TEXT_MAX];
    if (age_ms >= 0) {
        duration_format((uint64_t)age_ms / 1000 * 1000, text);
        str_printf(out, "%s%s%s", before, age_ms < 1000 ? "under 1 s" : text, after);
    }
}

static void vacuum_write(const Blocker *blocker, Str *out)
{
    if (blocker->phase[0] == '\0') {
        return;
    }
    str_printf(out, ", %s", blocker->phase);
    if (blocker->blocks_total > 0) {
        str_printf(out, ", %" PRIu64 " of %" PRIu64 " blocks", blocker->blocks_done,
                   blocker->blocks_total);
    }
}

static void session_write(const Blocker *blocker, Str *out)
{
    str_printf(out, "%s (pid %d",
               blocker->name[0] == '\0' ? "a session without a name" : blocker->name, blocker->pid);
    if (blocker->role[0] != '\0') {
        str_printf(out, ", role %s", blocker->role);
    }
    if (blocker->is_hidden) {
        str_append(out, ", whose state this role may not see");
    } else {
        str_printf(out, ", %s", blocker->state[0] == '\0' ? "state unknown" : blocker->state);
    }
    vacuum_write(blocker, out);
    age_write(", in a transaction for ", blocker->age_ms, "", out);
    if (blocker->event[0] != '\0') {
        str_printf(out, ", wait event %s", blocker->event);
    }
    str_append_char(out, ')');
}

/* Which table it is of belongs to what is the same for everybody; how far it is does not. */
static void autovacuum_write(const Blocker *blocker, const char *what, Str *out)
{
    const char *table = strrchr(blocker->work, ' ');
    str_append(out, what);
    if (table != NULL) {
        str_printf(out, " of%s", table);
    }
    str_printf(out, " (pid %d", blocker->pid);
    vacuum_write(blocker, out);
    age_write(", for ", blocker->age_ms, "", out);
    str_append_char(out, ')');
}

void blocker_write(const Blocker *blocker, Str *out)
{
    switch (blocker->kind) {
    case BLOCKER_NONE:
    case BLOCKER_KIND_COUNT_:
        break;
    case BLOCKER_SESSION:
        session_write(blocker, out);
        break;
    case BLOCKER_AUTOVACUUM:
        autovacuum_write(blocker, "an autovacuum", out);
        break;
    case BLOCKER_WRAPAROUND:
        autovacuum_write(blocker, "an autovacuum to prevent wraparound", out);
        break;
    case BLOCKER_PREPARED:
        str_printf(out, "a prepared transaction (\"%s\", role %s", blocker->name, blocker->role);
        age_write(", prepared ", blocker->age_ms, " ago", out);
        str_append_char(out, ')');
        break;
    }
}

const char *blocker_hint(const Blocker *blocker)
{
    return KINDS[blocker->kind].hint;
}

Obstacle blocker_obstacle(BlockerKind kind)
{
    return KINDS[kind].obstacle;
}
