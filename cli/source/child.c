/* See child.h. The child leads a group of its own, so that what it starts ends with it. */
#include "cli/source/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"

#define READ_BYTES 65536
#define SIGNAL_EXIT 128
#define PIPES 2

/* What ends this program, unless it has chosen otherwise. */
static const int ENDING_SIGNALS[] = { SIGINT, SIGTERM, SIGHUP };

extern char **environ;

void child_output_done(ChildOutput *output)
{
    str_done(&output->out);
    str_done(&output->errors);
}

/*
 * While a child runs the signals that would end this program wait: the child, in a group of its
 * own, does not get a terminal's. It is ended first, and then the signal does what it does.
 */
typedef struct Signals {
    sigset_t before; /* the mask */
    Fd fd;           /* readable when one has come, which is not taken */
} Signals;

static ErrCode signals_hold(Signals *ret_signals, Err *err)
{
    sigset_t held;
    sigemptyset(&held);
    for (size_t i = 0; i < ARRAY_LEN(ENDING_SIGNALS); i++) {
        struct sigaction action;
        sigaction(ENDING_SIGNALS[i], NULL, &action);
        if (action.sa_handler != SIG_IGN) { /* one that is held back would count all the same */
            sigaddset(&held, ENDING_SIGNALS[i]);
        }
    }
    pthread_sigmask(SIG_BLOCK, &held, &ret_signals->before);
    ret_signals->fd = signalfd(-1, &held, SFD_CLOEXEC);
    return ret_signals->fd >= 0 ? ERR_NONE
                                : err_set_errno(err, ERR_IO, errno, "cannot wait for signals");
}

static void signals_done(Signals *signals)
{
    fd_done(&signals->fd);
    pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}

AUTO_DEFINE(Signals, signals_done)

/* A child that runs, and until when. */
typedef struct Run {
    const ChildCommand *command;
    const Signals *signals;
    uint64_t deadline_ms;
    pid_t pid;
} Run;

static ErrCode spawn(Run *run, const int writers[PIPES], Err *err)
{
    const ChildCommand *command = run->command;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addchdir_np(&actions, command->directory);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, writers[0], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, writers[1], STDERR_FILENO);
    posix_spawnattr_setsigmask(&attributes, &run->signals->before);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawnp(
        &run->pid, command->words[0], &actions, &attributes, (char *const *)command->words,
        command->environment == NULL ? environ : (char *const *)command->environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed == 0 ? ERR_NONE
                       : err_set_errno(err, failed == ENOENT ? ERR_NOT_FOUND : ERR_IO, failed,
                                       "cannot run %s", command->words[0]);
}

/* False at its end. */
static bool read_some(int fd, Str *out)
{
    char bytes[READ_BYTES];
    ssize_t count = read(fd, bytes, sizeof(bytes));
    if (count > 0) {
        str_append_bytes(out, bytes, (size_t)count);
    }
    return count > 0 || (count < 0 && errno == EINTR);
}

/* Waits for something to happen on one of them (the last is filled in here: a signal), or for the
 * deadline. */
static ErrCode wait_until(const Run *run, struct pollfd *polls, size_t count, int *ret_ready,
                          Err *err)
{
    uint64_t now = clock_boot_ms();
    polls[count - 1] = (struct pollfd){ .fd = run->signals->fd, .events = POLLIN };
    *ret_ready = now >= run->deadline_ms ? 0 : poll(polls, count, (int)(run->deadline_ms - now));
    if (*ret_ready > 0 && polls[count - 1].revents != 0) {
        return err_set(err, ERR_CANCELLED, "interrupted");
    }
    return *ret_ready != 0 ? ERR_NONE
                           : err_set(err, ERR_IO, "%s has not ended after %u s",
                                     run->command->words[0], run->command->timeout_ms / 1000);
}

static ErrCode read_all(const Run *run, const int readers[PIPES], ChildOutput *output, Err *err)
{
    struct pollfd polls[PIPES + 1] = { { .fd = readers[0], .events = POLLIN },
                                       { .fd = readers[1], .events = POLLIN } };
    Str *const texts[PIPES] = { &output->out, &output->errors };
    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
        int ready = 0;
        if (wait_until(run, polls, ARRAY_LEN(polls), &ready, err) != ERR_NONE) {
            return err->code;
        }
        for (size_t i = 0; ready > 0 && i < PIPES; i++) {
            if (polls[i].revents != 0 && !read_some(polls[i].fd, texts[i])) {
                polls[i].fd = -1;
            }
        }
        if (output->out.length + output->errors.length > run->command->output_max) {
            return err_set(err, ERR_LIMIT, "%s prints more than %zu bytes", run->command->words[0],
                           run->command->output_max);
        }
    }
    return ERR_NONE;
}

/* One may close its output and go on. */
static ErrCode wait_for_end(const Run *run, Err *err)
{
    AUTO(Fd) fd = pidfd_open(run->pid, 0);
    struct pollfd polls[] = { { .fd = fd, .events = POLLIN }, { 0 } };
    if (fd < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot wait for %s", run->command->words[0]);
    }
    for (int ready = 0; ready <= 0;) {
        if (wait_until(run, polls, ARRAY_LEN(polls), &ready, err) != ERR_NONE) {
            return err->code;
        }
    }
    return ERR_NONE;
}

static int reap(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNAL_EXIT + WTERMSIG(status);
}

static void close_now(Fd *fd)
{
    close(*fd);
    *fd = -1;
}

/* Signals are held back until nothing is left of it. */
static ErrCode run_held(const ChildCommand *command, const Signals *signals,
                        ChildOutput *ret_output, Err *err)
{
    int out[2] = { -1, -1 };
    int errors[2] = { -1, -1 };
    Run run = { .command = command, .signals = signals };
    if (pipe2(out, O_CLOEXEC) != 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot run %s", command->words[0]);
    }
    AUTO(Fd) out_reader = out[0];
    AUTO(Fd) out_writer = out[1];
    if (pipe2(errors, O_CLOEXEC) != 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot run %s", command->words[0]);
    }
    AUTO(Fd) error_reader = errors[0];
    AUTO(Fd) error_writer = errors[1];
    ErrCode code = spawn(&run, (const int[]){ out_writer, error_writer }, err);
    if (code != ERR_NONE) {
        return code;
    }
    close_now(&out_writer);
    close_now(&error_writer);
    run.deadline_ms = clock_boot_ms() + command->timeout_ms;
    code = read_all(&run, (const int[]){ out_reader, error_reader }, ret_output, err);
    if (code == ERR_NONE) {
        code = wait_for_end(&run, err);
    }
    /* Itself, and what it has left behind: its id is kept until it is reaped. */
    kill(-run.pid, SIGKILL);
    ret_output->exit_code = reap(run.pid);
    return code;
}

ErrCode child_run(const ChildCommand *command, ChildOutput *ret_output, Err *err)
{
    AUTO(Signals) signals = { .fd = -1 };
    ErrCode code = signals_hold(&signals, err);
    return code == ERR_NONE ? run_held(command, &signals, ret_output, err) : code;
}
