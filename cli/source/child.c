/* See child.h. The child leads a group of its own, so that what it starts ends with it. */
#include "cli/source/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"

#define READ_BYTES 65536
#define SIGNAL_EXIT 128
#define PIPES 2

extern char **environ;

void child_output_done(ChildOutput *output)
{
    str_done(&output->out);
    str_done(&output->errors);
}

static ErrCode spawn(const ChildCommand *command, const int writers[PIPES], pid_t *ret_pid,
                     Err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addchdir_np(&actions, command->directory);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, writers[0], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, writers[1], STDERR_FILENO);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawnp(ret_pid, command->words[0], &actions, &attributes,
                              (char *const *)command->words, environ);
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

/* Waits for something to happen on one of them, or for the deadline. */
static ErrCode wait_until(const ChildCommand *command, struct pollfd *polls, size_t count,
                          uint64_t deadline, int *ret_ready, Err *err)
{
    uint64_t now = clock_boot_ms();
    *ret_ready = now >= deadline ? 0 : poll(polls, count, (int)(deadline - now));
    return *ret_ready != 0 ? ERR_NONE
                           : err_set(err, ERR_IO, "%s has not ended after %u s", command->words[0],
                                     command->timeout_ms / 1000);
}

static ErrCode read_all(const ChildCommand *command, const int readers[PIPES], uint64_t deadline,
                        ChildOutput *output, Err *err)
{
    struct pollfd polls[PIPES] = { { .fd = readers[0], .events = POLLIN },
                                   { .fd = readers[1], .events = POLLIN } };
    Str *const texts[PIPES] = { &output->out, &output->errors };
    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
        int ready = 0;
        if (wait_until(command, polls, PIPES, deadline, &ready, err) != ERR_NONE) {
            return ERR_IO;
        }
        for (size_t i = 0; ready > 0 && i < PIPES; i++) {
            if (polls[i].revents != 0 && !read_some(polls[i].fd, texts[i])) {
                polls[i].fd = -1;
            }
        }
        if (output->out.length + output->errors.length > command->output_max) {
            return err_set(err, ERR_LIMIT, "%s prints more than %zu bytes", command->words[0],
                           command->output_max);
        }
    }
    return ERR_NONE;
}

/* One may close its output and go on. */
static ErrCode wait_for_end(const ChildCommand *command, pid_t pid, uint64_t deadline, Err *err)
{
    AUTO(Fd) fd = pidfd_open(pid, 0);
    struct pollfd end = { .fd = fd, .events = POLLIN };
    if (fd < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot wait for %s", command->words[0]);
    }
    for (int ready = 0; ready <= 0;) {
        if (wait_until(command, &end, 1, deadline, &ready, err) != ERR_NONE) {
            return ERR_IO;
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

ErrCode child_run(const ChildCommand *command, ChildOutput *ret_output, Err *err)
{
    int out[2] = { -1, -1 };
    int errors[2] = { -1, -1 };
    pid_t pid = 0;
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
    ErrCode code = spawn(command, (const int[]){ out_writer, error_writer }, &pid, err);
    if (code != ERR_NONE) {
        return code;
    }
    close(out_writer);
    close(error_writer);
    out_writer = -1;
    error_writer = -1;
    uint64_t deadline = clock_boot_ms() + command->timeout_ms;
    code = read_all(command, (const int[]){ out_reader, error_reader }, deadline, ret_output, err);
    if (code == ERR_NONE) {
        code = wait_for_end(command, pid, deadline, err);
    }
    kill(-pid,
         SIGKILL); /* itself, and what it has left behind: its id is kept until it is reaped */
    ret_output->exit_code = reap(pid);
    return code;
}
