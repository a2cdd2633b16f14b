/*
 * skein_sim: runs seeds, several processes at a time, and tells the story of those that fail.
 * A seed that crashes or hangs its process fails like any other.
 */
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/str.h"
#include "tests/sim/shrink.h"
#include "tests/sim/sim.h"

#define SEEDS_DEFAULT 200
#define JOBS_MAX 64
#define TAIL_LINES 60
#define SEED_TIMEOUT_S 120
/* Every so manieth seed is run twice: equal seeds must be equal stories. */
#define TWICE_EVERY 50
/* After this many failures there is nothing more to learn from the rest. */
#define FAILURES_DEFAULT 25

typedef struct Options {
    uint64_t first;
    uint64_t count;
    uint64_t failures; /* after so many it stops */
    uint32_t jobs;
    bool is_single;
    bool is_verbose;
    bool is_story;
    bool is_shrunk;
    bool demands_rules;
    PieceSet without;
} Options;

/* What a worker writes: first that it begins a seed, then how it went. */
typedef struct Record {
    uint64_t seed;
    bool is_begin;
    SeedOutcome outcome;
} Record;

typedef struct Worker {
    pid_t pid; /* 0: none */
    int fd;
    uint64_t next; /* its next seed, were it to start anew */
    uint64_t current;
    bool is_in_seed;
} Worker;

typedef struct Tally {
    uint64_t passed;
    uint64_t failed;
    uint64_t virtual_ms;
    uint64_t sights[SIGHT_COUNT_];
    uint64_t rules[RULES_MAX];
} Tally;

/* --- one worker's process --- */

static void record_write(int fd, const Record *record)
{
    const char *at = (const char *)record;
    size_t left = sizeof(*record);
    while (left > 0) {
        ssize_t written = write(fd, at, left);
        if (written <= 0) {
            _exit(EXIT_FAILURE);
        }
        at += written;
        left -= (size_t)written;
    }
}

static void run_checked(uint64_t seed, SeedOutcome *ret_outcome)
{
    sim_run(&(SeedRequest){ .seed = seed }, ret_outcome);
    if (seed % TWICE_EVERY == 0 && ret_outcome->violation[0] == '\0') {
        SeedOutcome again;
        sim_run(&(SeedRequest){ .seed = seed }, &again);
        if (again.digest != ret_outcome->digest) {
            str_copy(ret_outcome->violation, sizeof(ret_outcome->violation),
                     "determinism: the same seed told another story");
        }
    }
}

static _Noreturn void worker_run(const Options *options, uint64_t next, int fd)
{
    for (uint64_t seed = next; seed < options->first + options->count; seed += options->jobs) {
        Record record = { .seed = seed, .is_begin = true };
        record_write(fd, &record);
        alarm(SEED_TIMEOUT_S);
        run_checked(seed, &record.outcome);
        alarm(0);
        record.is_begin = false;
        record_write(fd, &record);
    }
    exit(EXIT_SUCCESS); /* not _exit: what counts branches writes them down at the end */
}

static void worker_fork(const Options *options, Worker *worker)
{
    int ends[2];
    if (pipe(ends) != 0) {
        abort();
    }
    fflush(NULL);
    worker->pid = fork();
    if (worker->pid < 0) {
        abort();
    }
    if (worker->pid == 0) {
        close(ends[0]);
        worker_run(options, worker->next, ends[1]);
    }
    close(ends[1]);
    worker->fd = ends[0];
}

/* --- stories --- */

/* Runs a seed again in a process of its own and keeps the end of what it tells. */
static void tail_print(uint64_t seed)
{
    static char *lines[TAIL_LINES];
    size_t count = 0;
    int ends[2];
    fflush(NULL);
    if (pipe(ends) != 0) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        FILE *story = fdopen(ends[1], "w");
        setvbuf(story, NULL, _IOLBF, 0); /* a crash must not swallow the last lines */
        alarm(2 * SEED_TIMEOUT_S);
        SeedOutcome outcome;
        sim_run(&(SeedRequest){ .seed = seed, .story = story }, &outcome);
        fclose(story);
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    FILE *story = fdopen(ends[0], "r");
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, story) > 0) {
        free(lines[count % TAIL_LINES]);
        lines[count++ % TAIL_LINES] = mem_strdup(line);
    }
    free(line);
    fclose(story);
    waitpid(pid, NULL, 0);
    for (size_t i = count > TAIL_LINES ? count - TAIL_LINES : 0; i < count; i++) {
        fputs(lines[i % TAIL_LINES], stdout);
    }
    for (size_t i = 0; i < TAIL_LINES; i++) {
        free(lines[i]);
        lines[i] = NULL;
    }
}

static void failure_print(uint64_t seed, const char *violation, const Tally *tally)
{
    const uint64_t STORIES_MAX = 3; /* more would bury the first */
    printf("seed %" PRIu64 " FAILED: %s\n", seed, violation);
    if (tally->failed <= STORIES_MAX) {
        tail_print(seed);
        printf("replay: skein_sim --seed %" PRIu64 " --story\n", seed);
    }
    fflush(stdout);
}

/* --- the parent --- */

static void tally_add(Tally *tally, const Options *options, const Record *record)
{
    for (size_t i = 0; i < SIGHT_COUNT_; i++) {
        tally->sights[i] += record->outcome.sights[i] > 0;
    }
    for (size_t i = 0; i < rules_count(); i++) {
        tally->rules[i] += record->outcome.rules[i];
    }
    tally->virtual_ms += record->outcome.virtual_ms;
    if (record->outcome.violation[0] != '\0') {
        tally->failed++;
        failure_print(record->seed, record->outcome.violation, tally);
        return;
    }
    tally->passed++;
    if (options->is_verbose) {
        printf("seed %" PRIu64 " passed, %" PRIu64 " s of virtual time\n", record->seed,
               record->outcome.virtual_ms / 1000);
    }
}

/* False: the worker's end of the pipe is closed. */
static bool record_read(int fd, Record *record)
{
    char *at = (char *)record;
    size_t left = sizeof(*record);
    while (left > 0) {
        ssize_t got = read(fd, at, left);
        if (got <= 0) {
            return false;
        }
        at += got;
        left -= (size_t)got;
    }
    return true;
}

static void worker_died(const Options *options, Worker *worker, Tally *tally)
{
    int status = 0;
    close(worker->fd);
    waitpid(worker->pid, &status, 0);
    worker->pid = 0;
    if (!worker->is_in_seed) {
        return;
    }
    char text[128];
    text_format(text, sizeof(text),
                WIFSIGNALED(status) ? "the process died of signal %d (%s)"
                                    : "the process exited with %d%s",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
    tally->failed++;
    failure_print(worker->current, text, tally);
    worker->next = worker->current + options->jobs;
    worker->is_in_seed = false;
    worker_fork(options, worker);
}

static void worker_listen(const Options *options, Worker *worker, Tally *tally)
{
    Record record;
    if (!record_read(worker->fd, &record)) {
        worker_died(options, worker, tally);
        return;
    }
    worker->current = record.seed;
    worker->is_in_seed = record.is_begin;
    if (!record.is_begin) {
        tally_add(tally, options, &record);
    }
}

static void workers_stop(Worker *workers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (workers[i].pid != 0) {
            kill(workers[i].pid, SIGKILL);
            waitpid(workers[i].pid, NULL, 0);
            close(workers[i].fd);
        }
    }
}

static void run_all(const Options *options, Tally *tally)
{
    Worker workers[JOBS_MAX] = { 0 };
    for (uint32_t i = 0; i < options->jobs; i++) {
        workers[i].next = options->first + i;
        worker_fork(options, &workers[i]);
    }
    for (;;) {
        struct pollfd fds[JOBS_MAX];
        size_t alive = 0;
        for (uint32_t i = 0; i < options->jobs; i++) {
            fds[i] =
                (struct pollfd){ .fd = workers[i].pid != 0 ? workers[i].fd : -1, .events = POLLIN };
            alive += workers[i].pid != 0;
        }
        if (alive == 0) {
            return;
        }
        if (tally->failed >= options->failures) {
            printf("stopped after %" PRIu64 " failures\n", tally->failed);
            workers_stop(workers, options->jobs);
            return;
        }
        poll(fds, options->jobs, -1);
        for (uint32_t i = 0; i < options->jobs; i++) {
            if (workers[i].pid != 0 && fds[i].revents != 0) {
                worker_listen(options, &workers[i], tally);
            }
        }
    }
}

/* Which rare paths were walked, and in how many seeds. Returns how many required ones were not. */
static uint32_t sights_print(const Options *options, const Tally *tally)
{
    uint32_t missing = 0;
    printf("sometimes, in seeds:\n");
    for (Sight sight = 0; sight < SIGHT_COUNT_; sight++) {
        bool is_missing =
            options->count >= sight_required_seeds(sight) && tally->sights[sight] == 0;
        printf("%8" PRIu64 "  %s%s\n", tally->sights[sight], sight_text(sight),
               is_missing ? "   MISSING" : "");
        missing += is_missing;
    }
    return missing;
}

/* Which rules have never fired. Returns how many of them should have. */
static uint32_t rules_print(const Options *options, const Tally *tally)
{
    bool is_listed = options->count >= RULES_REQUIRED_SEEDS;
    uint32_t missing = 0;
    size_t fired = 0;
    size_t excused = 0;
    for (size_t i = 0; i < rules_count(); i++) {
        const char *excuse = rules_excuse(i);
        fired += tally->rules[i] > 0;
        excused += tally->rules[i] == 0 && excuse != NULL;
        if (is_listed && tally->rules[i] == 0 && excuse == NULL) {
            printf("   never  %s: %s%s\n", rules_id(i), rules_why(i),
                   options->demands_rules ? "   MISSING" : "");
            missing += options->demands_rules;
        }
    }
    printf("rules: %zu of %zu fired, %zu of the others cannot here (tests/sim/rules.c)\n", fired,
           rules_count(), excused);
    return missing;
}

static int single_end(uint64_t seed, const SeedOutcome *outcome)
{
    if (outcome->violation[0] == '\0') {
        printf("seed %" PRIu64 " passed, digest %016" PRIx64 "\n", seed, outcome->digest);
        return EXIT_SUCCESS;
    }
    printf("seed %" PRIu64 " FAILED: %s\n", seed, outcome->violation);
    return EXIT_FAILURE;
}

static int run_single(const Options *options)
{
    SeedOutcome outcome;
    AUTO(Str) pieces = { 0 };
    alarm(SEED_TIMEOUT_S);
    sim_run(&(SeedRequest){ .seed = options->first,
                            .without = &options->without,
                            .pieces = options->is_story ? &pieces : NULL,
                            .story = options->is_story ? stdout : NULL },
            &outcome);
    if (options->is_story) {
        printf("made of:\n%s", str_text(&pieces));
    }
    return single_end(options->first, &outcome);
}

/* The smallest story that breaks the same invariant, and how to see it again. */
static int run_shrink(const Options *options)
{
    PieceSet without;
    SeedOutcome outcome;
    AUTO(Str) list = { 0 };
    if (!shrink_seed(options->first, &without, &outcome)) {
        printf("seed %" PRIu64 " does not fail: there is nothing to shrink\n", options->first);
        return EXIT_SUCCESS;
    }
    shrink_try(&(SeedRequest){ .seed = options->first, .without = &without, .story = stdout },
               &outcome);
    piece_set_print(&without, &list);
    printf("replay: skein_sim --seed %" PRIu64 " --without %s --story\n", options->first,
           str_text(&list));
    return single_end(options->first, &outcome);
}

static uint64_t number_arg(const char *text, const char *name, int64_t low, int64_t high)
{
    int64_t number = 0;
    if (!str_to_int64(text, low, high, &number)) {
        fprintf(stderr, "skein_sim: %s wants a number from %" PRId64 " to %" PRId64 "\n", name, low,
                high);
        exit(EXIT_CODE_USAGE);
    }
    return (uint64_t)number;
}

static void without_arg(const char *text, PieceSet *ret_without)
{
    Err err = { 0 };
    if (piece_set_read(text, ret_without, &err) != ERR_NONE) {
        fprintf(stderr, "skein_sim: --without: %s\n", err.message);
        exit(EXIT_CODE_USAGE);
    }
}

static void options_read(int argc, char **argv, Options *options)
{
    static const struct option NAMES[] = {
        { "seeds", required_argument, NULL, 'n' },    { "jobs", required_argument, NULL, 'j' },
        { "seed", required_argument, NULL, 's' },     { "first", required_argument, NULL, 'f' },
        { "failures", required_argument, NULL, 'x' }, { "verbose", no_argument, NULL, 'v' },
        { "story", no_argument, NULL, 't' },          { "shrink", required_argument, NULL, 'k' },
        { "without", required_argument, NULL, 'w' },  { "demand-rules", no_argument, NULL, 'r' },
        { "help", no_argument, NULL, 'h' },           { 0 },
    };
    int letter = 0;
    while ((letter = getopt_long(argc, argv, "", NAMES, NULL)) != -1) {
        switch (letter) {
        case 'n':
            options->count = number_arg(optarg, "--seeds", 1, INT64_MAX / 2);
            break;
        case 'j':
            options->jobs = (uint32_t)number_arg(optarg, "--jobs", 1, JOBS_MAX);
            break;
        case 's':
            options->is_single = true;
            options->first = number_arg(optarg, "--seed", 0, INT64_MAX / 2);
            break;
        case 'f':
            options->first = number_arg(optarg, "--first", 0, INT64_MAX / 2);
            break;
        case 'k':
            options->is_shrunk = true;
            options->first = number_arg(optarg, "--shrink", 0, INT64_MAX / 2);
            break;
        case 'r':
            options->demands_rules = true;
            break;
        case 'w':
            without_arg(optarg, &options->without);
            break;
        case 'x':
            options->failures = number_arg(optarg, "--failures", 1, INT64_MAX / 2);
            break;
        case 'v':
            options->is_verbose = true;
            break;
        case 't':
            options->is_story = true;
            break;
        default:
            printf("usage: skein_sim [--seeds N] [--first F] [--jobs J] [--failures N]\n"
                   "                 [--verbose]\n"
                   "       skein_sim --seed S [--without PIECES] [--story]\n"
                   "       skein_sim --shrink S\n");
            exit(letter == 'h' ? EXIT_CODE_DONE : EXIT_CODE_USAGE);
        }
    }
}

int main(int argc, char **argv)
{
    Options options = { .first = 1, .count = SEEDS_DEFAULT, .failures = FAILURES_DEFAULT };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    options.jobs = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (uint32_t)cores;
    const char *seeds = getenv("SKEIN_SIM_SEEDS");
    if (seeds != NULL) {
        options.count = number_arg(seeds, "SKEIN_SIM_SEEDS", 1, INT64_MAX / 2);
    }
    options_read(argc, argv, &options);
    if (options.is_single) {
        return run_single(&options);
    }
    if (options.is_shrunk) {
        return run_shrink(&options);
    }
    Tally tally = { 0 };
    printf("seeds %" PRIu64 " to %" PRIu64 "\n", options.first, options.first + options.count - 1);
    run_all(&options, &tally);
    uint32_t missing = sights_print(&options, &tally) + rules_print(&options, &tally);
    printf("%" PRIu64 " h of virtual time\n", tally.virtual_ms / 3600000);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", tally.passed, tally.failed);
    return tally.failed == 0 && missing == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
