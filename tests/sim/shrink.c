/*
 * Delta debugging over the pieces of a seed: halves, quarters, … are left out as long as the same
 * invariant breaks, then single ones, until none can go any more.
 */
#include "tests/sim/shrink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY_TIMEOUT_S 60
/* Each pass that left something out is followed by another: what could not go may go now. */
#define PASSES_MAX 20

typedef struct Shrink {
    uint64_t seed;
    char invariant[128];
    size_t piece_count;
    PieceSet without;
    SeedOutcome outcome;
    uint64_t tries;
} Shrink;

static void run_and_write(const SeedRequest *request, int fd)
{
    SeedOutcome outcome;
    alarm(TRY_TIMEOUT_S);
    sim_run(request, &outcome);
    if (request->story != NULL) {
        fflush(request->story);
    }
    if (write(fd, &outcome, sizeof(outcome)) != (ssize_t)sizeof(outcome)) {
        _exit(EXIT_FAILURE);
    }
    _exit(EXIT_SUCCESS);
}

void shrink_try(const SeedRequest *request, SeedOutcome *ret_outcome)
{
    int ends[2];
    int status = 0;
    fflush(NULL);
    if (pipe(ends) != 0) {
        abort();
    }
    pid_t pid = fork();
    if (pid < 0) {
        abort();
    }
    if (pid == 0) {
        close(ends[0]);
        run_and_write(request, ends[1]);
    }
    close(ends[1]);
    *ret_outcome = (SeedOutcome){ 0 };
    bool is_whole =
        read(ends[0], ret_outcome, sizeof(*ret_outcome)) == (ssize_t)sizeof(*ret_outcome);
    close(ends[0]);
    waitpid(pid, &status, 0);
    if (!is_whole) {
        text_format(ret_outcome->violation, sizeof(ret_outcome->violation),
                    "the process: died of signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
}

/* What stands before the colon names the invariant. */
static void invariant_of(const SeedOutcome *outcome, char *name, size_t size)
{
    str_copy(name, size, outcome->violation);
    name[strcspn(name, ":")] = '\0';
}

static bool still_fails(Shrink *shrink, const PieceSet *without)
{
    char name[sizeof(shrink->invariant)];
    SeedOutcome outcome;
    shrink->tries++;
    shrink_try(&(SeedRequest){ .seed = shrink->seed, .without = without }, &outcome);
    invariant_of(&outcome, name, sizeof(name));
    if (outcome.violation[0] == '\0' || strcmp(name, shrink->invariant) != 0) {
        return false;
    }
    shrink->without = *without;
    shrink->outcome = outcome;
    return true;
}

/* Leaves out `length` of the pieces that are still in, from the `first` of them on. */
static PieceSet less(const Shrink *shrink, size_t first, size_t length)
{
    PieceSet without = shrink->without;
    size_t in = 0;
    for (size_t piece = 0; piece < shrink->piece_count; piece++) {
        if (piece_set_has(&shrink->without, piece)) {
            continue;
        }
        if (in >= first && in < first + length) {
            piece_set_put(&without, piece, true);
        }
        in++;
    }
    return without;
}

static size_t left(const Shrink *shrink)
{
    return shrink->piece_count - piece_set_count(&shrink->without);
}

/* From the end: the last strikes and acts have the least to do with what comes before them. */
static bool pass(Shrink *shrink)
{
    size_t before = left(shrink);
    for (size_t length = (before + 1) / 2; length > 0;
         length = length == 1 ? 0 : (length + 1) / 2) {
        for (size_t end = left(shrink); end > 0;) {
            size_t first = end > length ? end - length : 0;
            PieceSet without = less(shrink, first, end - first);
            still_fails(shrink, &without);
            end = first;
        }
    }
    return left(shrink) < before;
}

bool shrink_seed(uint64_t seed, PieceSet *ret_without, SeedOutcome *ret_outcome)
{
    Shrink shrink = { .seed = seed };
    shrink_try(&(SeedRequest){ .seed = seed }, &shrink.outcome);
    if (shrink.outcome.violation[0] == '\0') {
        return false;
    }
    invariant_of(&shrink.outcome, shrink.invariant, sizeof(shrink.invariant));
    shrink.piece_count =
        shrink.outcome.piece_count < PIECES_MAX ? shrink.outcome.piece_count : PIECES_MAX;
    if (shrink.piece_count == 0) { /* it died before it could say how many there are */
        shrink.piece_count = PIECES_MAX;
    }
    for (int i = 0; i < PASSES_MAX && pass(&shrink); i++) {
        printf("%zu pieces left after %" PRIu64 " tries\n", left(&shrink), shrink.tries);
        fflush(stdout);
    }
    *ret_without = shrink.without;
    *ret_outcome = shrink.outcome;
    return true;
}
