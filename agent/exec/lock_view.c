/* The graph of who waits for whom, and one backend's place in it. */
#include "agent/exec/lock_view.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/units.h"

void lock_snapshot_done(LockSnapshot *snapshot)
{
    LIST_DONE(&snapshot->ours);
    LIST_DONE(&snapshot->waits);
    LIST_DONE(&snapshot->holders);
    arena_done(&snapshot->arena);
}

const int *lock_pids_parse(const char *text, Arena *arena, size_t *ret_count)
{
    size_t most = 1;
    for (const char *at = text; *at != '\0'; at++) {
        most += *at == ',';
    }
    int *pids = ARENA_ARRAY(arena, int, most);
    size_t count = 0;
    const char *at = text[0] == '{' ? text + 1 : text;
    while (count < most && *at >= '0' && *at <= '9') {
        char *end = NULL;
        pids[count++] = (int)strtol(at, &end, 10);
        at = *end == ',' ? end + 1 : end;
    }
    *ret_count = count;
    return pids;
}

/* ---- who waits because of it ---- */

static bool waits_for(const LockWait *wait, int pid)
{
    for (size_t i = 0; i < wait->blocker_count; i++) {
        if (wait->blockers[i] == pid) {
            return true;
        }
    }
    return false;
}

/* Sessions behind the root: each is looked behind once. */
typedef struct Behind {
    const LockSnapshot *snapshot;
    int *sessions;
    uint32_t *waits_ms; /* the longest of each session's */
    size_t count;
} Behind;

static size_t behind_index(const Behind *behind, int session)
{
    size_t at = 1; /* the first one is the root */
    while (at < behind->count && behind->sessions[at] != session) {
        at++;
    }
    return at;
}

static void behind_add(Behind *behind, const LockWait *wait)
{
    size_t at = behind_index(behind, wait->session);
    uint32_t wait_ms = wait->wait_ms == WAIT_UNKNOWN ? 0 : wait->wait_ms;
    if (wait->session == behind->sessions[0]) {
        return;
    }
    if (at == behind->count) {
        behind->sessions[behind->count++] = wait->session;
        behind->waits_ms[at] = wait_ms;
    }
    behind->waits_ms[at] = wait_ms > behind->waits_ms[at] ? wait_ms : behind->waits_ms[at];
}

static void behind_fill(Behind *behind, int root)
{
    behind->sessions[0] = root;
    behind->count = 1;
    for (size_t i = 0; i < behind->count; i++) {
        LIST_EACH(wait, &behind->snapshot->waits) {
            if (waits_for(wait, behind->sessions[i])) {
                behind_add(behind, wait);
            }
        }
    }
}

static int compare_longest_first(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left < right) - (left > right);
}

static void blocked_count(const LockSnapshot *snapshot, int root, uint32_t rank, LockView *view)
{
    size_t most = snapshot->waits.count + 1;
    AUTO(Arena) arena = { 0 };
    Behind behind = {
        .snapshot = snapshot,
        .sessions = ARENA_ARRAY(&arena, int, most),
        .waits_ms = ARENA_ARRAY(&arena, uint32_t, most),
    };
    behind_fill(&behind, root);
    size_t count = behind.count - 1;
    uint32_t *waits_ms = behind.waits_ms + 1;
    qsort(waits_ms, count, sizeof(*waits_ms), compare_longest_first);
    view->blocked = (uint32_t)count;
    view->longest_ms = count > 0 ? waits_ms[0] : 0;
    view->ranked_ms = count > rank ? waits_ms[rank] : 0;
}

/* ---- whom it waits for ---- */

/* Who cannot be outwaited comes first, then who has been there longest. */
static bool matters_more(const Blocker *a, const Blocker *b)
{
    if (a->kind != b->kind && (a->kind == BLOCKER_WRAPAROUND || b->kind == BLOCKER_WRAPAROUND ||
                               a->kind == BLOCKER_PREPARED || b->kind == BLOCKER_PREPARED)) {
        return a->kind == BLOCKER_WRAPAROUND ||
               (a->kind == BLOCKER_PREPARED && b->kind != BLOCKER_WRAPAROUND);
    }
    return a->age_ms > b->age_ms;
}

static void blockers_take(const LockSnapshot *snapshot, int pid, LockView *view)
{
    view->yields = true;
    LIST_EACH(holder, &snapshot->holders) {
        if (holder->blocked != pid) {
            continue;
        }
        const Blocker *blocker = &holder->blocker;
        if (view->blocker_count++ == 0 || matters_more(blocker, &view->blocker)) {
            view->blocker = *blocker;
        }
        view->yields = view->yields && blocker->kind == BLOCKER_AUTOVACUUM;
    }
    view->yields = view->yields && view->blocker_count > 0;
}

bool lock_view_of(const LockSnapshot *snapshot, int pid, uint32_t rank, LockView *ret_view)
{
    LIST_EACH(ours, &snapshot->ours) {
        if (ours->pid != pid) {
            continue;
        }
        *ret_view = (LockView){
            .waits = ours->lock[0] != '\0',
            .waits_for_table = str_equal(ours->lock, "relation"),
            .percent = ours->percent,
        };
        str_copy(ret_view->phase, sizeof(ret_view->phase), ours->phase);
        blockers_take(snapshot, pid, ret_view);
        blocked_count(snapshot, pid, rank, ret_view);
        return true;
    }
    return false;
}

/* ---- words ---- */

void lock_view_write_blocker(const LockView *view, Str *out)
{
    blocker_write(&view->blocker, out);
    if (view->blocker_count > 1) {
        str_printf(out, " and %zu more", view->blocker_count - 1);
    }
}

void lock_view_write_blocked(uint32_t blocked, uint32_t longest_ms, Str *out)
{
    str_printf(out, "%u session%s behind it", blocked, blocked == 1 ? " waits" : "s wait");
    if (longest_ms > 0) {
        char longest[DURATION_TEXT_MAX];
        duration_format(longest_ms, longest);
        str_printf(out, ", %s%s", blocked == 1 ? "for " : "the longest for ", longest);
    }
}
