/* The table of troubles. */
#include "tests/sim/sim_trouble.h"

#include "common/cleanup.h"

#define ANSWERS_MAX 15
/* So often what is asked for passes although there is trouble. */
#define PASSES_PERCENT 25

struct Trouble {
    const char *name;
    bool is_replica;
    TroubleAnswer answers[ANSWERS_MAX]; /* up to the first ACTION_NONE */
};

/* A row of the table reads as a row. */
/* clang-format off */

#define FULL "could not extend file: No space left on device"
#define ENDED "terminating connection due to administrator command"
#define CUT "canceling statement due to statement timeout"
#define LOCKED "canceling statement due to lock timeout"
#define DENIED "permission denied"
#define BROKEN "server closed the connection unexpectedly"
#define WRONG "cache lookup failed"

static const Trouble TROUBLES[] = {
    { "its disk is full", false, {
        { ACTION_PREPARE, RESULT_FAILED, ERR_SERVER, "53100", FULL, false, false },
        { ACTION_READ, RESULT_FAILED, ERR_SERVER, "53100", FULL, false, false },
        { ACTION_APPLY, RESULT_FAILED, ERR_SERVER, "53100", FULL, false, false },
        { ACTION_UNDO, RESULT_FAILED, ERR_SERVER, "53100", FULL, false, false },
        { ACTION_NOTE_BEGIN, RESULT_FAILED, ERR_SERVER, "53100", FULL, false, false },
        { ACTION_RUN, RESULT_FAILED, ERR_SERVER, "53100", FULL, false, false },
        { ACTION_MEND, RESULT_FAILED, ERR_SERVER, "53100", FULL, true, false },
        { ACTION_NOTE_END, RESULT_FAILED, ERR_SERVER, "53100", FULL, false, false },
        { ACTION_NOTE_BACK, RESULT_FAILED, ERR_SERVER, "53100", FULL, false, false },
    } },
    { "an administrator ends sessions", false, {
        { ACTION_CONNECT, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_LOCK, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_END_BACKEND, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_PREPARE, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_READ, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_APPLY, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_UNDO, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_NOTE_BEGIN, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_RUN, RESULT_FAILED, ERR_SERVER, "57P01", ENDED, false, true },
        { ACTION_MEND, RESULT_FAILED, ERR_SERVER, "57P01", ENDED, true, true },
        { ACTION_PROBE, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_TRACE, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_NOTE_END, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
        { ACTION_NOTE_BACK, RESULT_RETRYABLE, ERR_RETRYABLE, "57P01", ENDED, false, true },
    } },
    { "its role has a short statement_timeout", false, {
        { ACTION_CONNECT, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_LOCK, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_END_BACKEND, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_PREPARE, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_READ, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_NOTE_BEGIN, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_RUN, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, true, false },
        { ACTION_MEND, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, true, false },
        { ACTION_PROBE, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_TRACE, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_NOTE_END, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_NOTE_BACK, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
    } },
    { "a session holds locks on its catalogs", false, {
        { ACTION_CONNECT, RESULT_IN_PROGRESS, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_LOCK, RESULT_IN_PROGRESS, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_END_BACKEND, RESULT_IN_PROGRESS, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_PREPARE, RESULT_IN_PROGRESS, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_READ, RESULT_BLOCKED, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_APPLY, RESULT_BLOCKED, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_UNDO, RESULT_BLOCKED, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_NOTE_BEGIN, RESULT_BLOCKED, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_RUN, RESULT_IN_PROGRESS, ERR_BLOCKED, "55P03", LOCKED, true, false },
        { ACTION_MEND, RESULT_IN_PROGRESS, ERR_BLOCKED, "55P03", LOCKED, true, false },
        { ACTION_PROBE, RESULT_IN_PROGRESS, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_TRACE, RESULT_IN_PROGRESS, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_NOTE_END, RESULT_BLOCKED, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_NOTE_BACK, RESULT_BLOCKED, ERR_BLOCKED, "55P03", LOCKED, false, false },
    } },
    { "skein's tables are locked", false, {
        { ACTION_PREPARE, RESULT_BLOCKED, ERR_BLOCKED, "55P03", LOCKED, false, false },
        { ACTION_READ, RESULT_IN_PROGRESS, ERR_ATTEMPT_IN_PROGRESS, "55P03", LOCKED, false, false },
        { ACTION_APPLY, RESULT_IN_PROGRESS, ERR_ATTEMPT_IN_PROGRESS, "55P03", LOCKED, false, false },
        { ACTION_UNDO, RESULT_IN_PROGRESS, ERR_ATTEMPT_IN_PROGRESS, "55P03", LOCKED, false, false },
        { ACTION_NOTE_BEGIN, RESULT_IN_PROGRESS, ERR_ATTEMPT_IN_PROGRESS, "55P03", LOCKED, false, false },
        { ACTION_RUN, RESULT_BLOCKED, ERR_BLOCKED, "55P03", LOCKED, true, false },
        { ACTION_MEND, RESULT_BLOCKED, ERR_BLOCKED, "55P03", LOCKED, true, false },
        { ACTION_NOTE_END, RESULT_IN_PROGRESS, ERR_ATTEMPT_IN_PROGRESS, "55P03", LOCKED, false, false },
        { ACTION_NOTE_BACK, RESULT_IN_PROGRESS, ERR_ATTEMPT_IN_PROGRESS, "55P03", LOCKED, false, false },
    } },
    { "the role has lost its privileges", false, {
        { ACTION_CONNECT, RESULT_REFUSED, ERR_PRIVILEGE, "42501", DENIED, false, false },
        { ACTION_LOCK, RESULT_REFUSED, ERR_PRIVILEGE, "42501", DENIED, false, false },
        { ACTION_END_BACKEND, RESULT_REFUSED, ERR_PRIVILEGE, "42501", DENIED, false, false },
        { ACTION_PREPARE, RESULT_REFUSED, ERR_PRIVILEGE, "42501", DENIED, false, false },
        { ACTION_READ, RESULT_REFUSED, ERR_PRIVILEGE, "42501", DENIED, false, false },
        { ACTION_APPLY, RESULT_FAILED, ERR_SERVER, "42501", DENIED, false, false },
        { ACTION_UNDO, RESULT_FAILED, ERR_SERVER, "42501", DENIED, false, false },
        { ACTION_NOTE_BEGIN, RESULT_FAILED, ERR_SERVER, "42501", DENIED, false, false },
        { ACTION_RUN, RESULT_REFUSED, ERR_PRIVILEGE, "42501", DENIED, true, false },
        { ACTION_MEND, RESULT_REFUSED, ERR_PRIVILEGE, "42501", DENIED, true, false },
        { ACTION_PROBE, RESULT_REFUSED, ERR_PRIVILEGE, "42501", DENIED, false, false },
        { ACTION_TRACE, RESULT_REFUSED, ERR_PRIVILEGE, "42501", DENIED, false, false },
        { ACTION_NOTE_END, RESULT_FAILED, ERR_SERVER, "42501", DENIED, false, false },
        { ACTION_NOTE_BACK, RESULT_FAILED, ERR_SERVER, "42501", DENIED, false, false },
    } },
    { "its catalogs are damaged", false, {
        { ACTION_CONNECT, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_LOCK, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_END_BACKEND, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_PREPARE, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_READ, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_APPLY, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_UNDO, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_NOTE_BEGIN, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_RUN, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_MEND, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, true, false },
        { ACTION_PROBE, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_TRACE, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_NOTE_END, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
        { ACTION_NOTE_BACK, RESULT_FAILED, ERR_SERVER, "XX000", WRONG, false, false },
    } },
    { "every session breaks", false, {
        { ACTION_CONNECT, RESULT_LOST, ERR_LOST, "", BROKEN, false, true },
        { ACTION_LOCK, RESULT_LOST, ERR_LOST, "", BROKEN, false, true },
        { ACTION_END_BACKEND, RESULT_LOST, ERR_LOST, "", BROKEN, false, true },
        { ACTION_PREPARE, RESULT_LOST, ERR_LOST, "", BROKEN, false, true },
        { ACTION_READ, RESULT_LOST, ERR_LOST, "", BROKEN, false, true },
        { ACTION_APPLY, RESULT_UNREACHABLE, ERR_UNREACHABLE, "", BROKEN, false, true },
        { ACTION_UNDO, RESULT_UNREACHABLE, ERR_UNREACHABLE, "", BROKEN, false, true },
        { ACTION_NOTE_BEGIN, RESULT_UNREACHABLE, ERR_UNREACHABLE, "", BROKEN, false, true },
        { ACTION_RUN, RESULT_UNREACHABLE, ERR_UNREACHABLE, "", BROKEN, true, true },
        { ACTION_MEND, RESULT_UNREACHABLE, ERR_UNREACHABLE, "", BROKEN, true, true },
        { ACTION_PROBE, RESULT_LOST, ERR_LOST, "", BROKEN, false, true },
        { ACTION_TRACE, RESULT_LOST, ERR_LOST, "", BROKEN, false, true },
        { ACTION_NOTE_END, RESULT_UNREACHABLE, ERR_UNREACHABLE, "", BROKEN, false, true },
        { ACTION_NOTE_BACK, RESULT_UNREACHABLE, ERR_UNREACHABLE, "", BROKEN, false, true },
    } },
    { "its sessions are in one another's way", false, {
        { ACTION_PREPARE, RESULT_RETRYABLE, ERR_RETRYABLE, "40001", WRONG, false, false },
        { ACTION_READ, RESULT_RETRYABLE, ERR_RETRYABLE, "40001", WRONG, false, false },
        { ACTION_APPLY, RESULT_RETRYABLE, ERR_RETRYABLE, "40P01", WRONG, false, false },
        { ACTION_UNDO, RESULT_RETRYABLE, ERR_RETRYABLE, "40P01", WRONG, false, false },
        { ACTION_NOTE_BEGIN, RESULT_RETRYABLE, ERR_RETRYABLE, "40001", WRONG, false, false },
        { ACTION_RUN, RESULT_RETRYABLE, ERR_RETRYABLE, "40P01", WRONG, true, false },
        { ACTION_MEND, RESULT_RETRYABLE, ERR_RETRYABLE, "40P01", WRONG, true, false },
        { ACTION_NOTE_END, RESULT_RETRYABLE, ERR_RETRYABLE, "40001", WRONG, false, false },
        { ACTION_NOTE_BACK, RESULT_RETRYABLE, ERR_RETRYABLE, "40001", WRONG, false, false },
    } },
    { "its traffic must not wait", false, {
        { ACTION_APPLY, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
        { ACTION_UNDO, RESULT_CANCELLED, ERR_CANCELLED, "57014", CUT, false, false },
    } },
    { "somebody writes into skein's history", false, {
        { ACTION_APPLY, RESULT_ALREADY, ERR_CONFLICT, "23505", "duplicate key value", false, false },
        { ACTION_UNDO, RESULT_ALREADY, ERR_CONFLICT, "23505", "duplicate key value", false, false },
        { ACTION_NOTE_BEGIN, RESULT_ALREADY, ERR_CONFLICT, "23505", "duplicate key value", false, false },
        { ACTION_NOTE_END, RESULT_ALREADY, ERR_CONFLICT, "23505", "duplicate key value", false, false },
        { ACTION_NOTE_BACK, RESULT_ALREADY, ERR_CONFLICT, "23505", "duplicate key value", false, false },
    } },
    { "its catalog shows no index", false, {
        { ACTION_PROBE, RESULT_UNPROVEN, ERR_UNPROVEN, "", "the index is not valid", false, false },
    } },
    { "it is a replica", true, {
        { ACTION_CONNECT, RESULT_REFUSED, ERR_REPLICA, "", "the server is a replica", false, true },
    } },
    { "a pooler stands before it", false, {
        { ACTION_CONNECT, RESULT_REFUSED, ERR_POOLER, "", "the connection goes through a pooler", false, true },
    } },
    { "its connection string leads elsewhere", false, {
        { ACTION_CONNECT, RESULT_REFUSED, ERR_IDENTITY, "", "this is another database", false, true },
    } },
};

/* clang-format on */

size_t trouble_count(void)
{
    return ARRAY_LEN(TROUBLES);
}

const Trouble *trouble_at(size_t index)
{
    return &TROUBLES[index];
}

const char *trouble_name(const Trouble *trouble)
{
    return trouble->name;
}

bool trouble_is_replica(const Trouble *trouble)
{
    return trouble != NULL && trouble->is_replica;
}

const TroubleAnswer *trouble_answer(const Trouble *trouble, ActionKind action, Dice *dice)
{
    if (trouble == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < ANSWERS_MAX && trouble->answers[i].action != ACTION_NONE; i++) {
        if (trouble->answers[i].action == action) {
            return dice_chance(dice, PASSES_PERCENT) ? NULL : &trouble->answers[i];
        }
    }
    return NULL;
}
