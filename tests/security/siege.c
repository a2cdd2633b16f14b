/* The life of a coordinator under siege. */
#include "tests/security/siege.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sodium.h>

#include "common/log.h"
#include "tests/harness/pg_cluster.h"

#define POLL_MS 5
#define FILE_MAX (16 * 1024 * 1024)
#define TIME_SCALE "0.05"

const char *siege_path(const Siege *siege, const char *name)
{
    return arena_printf(&((Siege *)siege)->arena, "%s/%s", siege->dir, name);
}

/* To the user that the coordinator runs as. */
static void give(const char *path, mode_t mode)
{
    const struct passwd *user = getpwnam("postgres");
    assert_int_equal(chmod(path, mode), 0);
    if (geteuid() == 0 && user != NULL) {
        assert_int_equal(chown(path, user->pw_uid, user->pw_gid), 0);
    }
}

static void make_dir(const char *path)
{
    assert_int_equal(mkdir(path, 0700), 0);
    give(path, 0755);
}

static void make_key(const char *name, KeyPair *ret)
{
    Err err = { 0 };
    assert_int_equal(key_generate(KEY_CURVE, name, ret, &err), ERR_NONE);
}

/* Whole from its first moment, as a careful operator copies it. */
void siege_key_put(Siege *siege, const char *name, const KeyPair *pair)
{
    char key[KEY_TEXT_MAX];
    const char *path = arena_printf(&siege->arena, "%s/agents.d/%s.pub", siege->dir, name);
    key_format(KEY_CURVE, pair->public_key, key);
    const char *text =
        arena_printf(&siege->arena, "kind: curve-public\nname: %s\nkey: %s\n", name, key);
    Err err = { 0 };
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, &err), ERR_NONE);
}

void siege_key_remove(Siege *siege, const char *name)
{
    const char *path = arena_printf(&siege->arena, "%s/agents.d/%s.pub", siege->dir, name);
    assert_int_equal(unlink(path), 0);
}

static void configure(Siege *siege, bool may_apply)
{
    Err err = { 0 };
    assert_int_equal(keyfile_write(&siege->coordinator, siege_path(siege, "own.key"), &err),
                     ERR_NONE);
    give(siege_path(siege, "own.key"), 0600);
    const char *text = arena_printf(
        &siege->arena,
        "listen: tcp://127.0.0.1:%d\nkey_file: %s/own.key\nagents_dir: %s/agents.d\n"
        "store: %s/store/store.db\napi: { socket: %s/api.sock, group: '', listen: '127.0.0.1:%d' "
        "}\n"
        "time_scale: " TIME_SCALE "\nenrolment: %s\n",
        siege->wire_port, siege->dir, siege->dir, siege->dir, siege->dir, siege->http_port,
        may_apply ? "true" : "false");
    file_write_as_cluster_user(siege_path(siege, "coordinator.yaml"), text);
}

void siege_start(Siege *siege)
{
    const char *argv[] = { SKEIN_BIN_DIR "/skein-coordinator", "--config",
                           siege_path(siege, "coordinator.yaml"), NULL };
    siege->pid = process_start(argv, siege_path(siege, "log"));
    SIEGE_AWAIT(siege, siege_get(siege, "/status") != NULL);
}

void siege_kill(Siege *siege)
{
    kill(siege->pid, SIGKILL);
    waitpid(siege->pid, NULL, 0);
    siege->pid = 0;
}

int siege_await_exit(Siege *siege)
{
    int status = 0;
    SIEGE_AWAIT(siege, waitpid(siege->pid, &status, WNOHANG) == siege->pid);
    siege->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int begin(void **state, bool may_apply)
{
    char dir[] = "/tmp/skein-siege-XXXXXX";
    Siege *siege = mem_alloc(sizeof(*siege));
    log_init(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    assert_true(sodium_init() >= 0);
    assert_non_null(mkdtemp(dir));
    siege->dir = arena_strdup(&siege->arena, dir);
    give(siege->dir, 0755);
    make_dir(siege_path(siege, "agents.d"));
    make_dir(siege_path(siege, "store"));
    make_key("coordinator", &siege->coordinator);
    make_key("db1", &siege->db1);
    make_key("db2", &siege->db2);
    make_key("stranger", &siege->stranger);
    siege_key_put(siege, "db1", &siege->db1);
    siege_key_put(siege, "db2", &siege->db2);
    siege->wire_port = free_port();
    siege->http_port = free_port();
    siege->context = zmq_ctx_new();
    configure(siege, may_apply);
    siege_start(siege);
    *state = siege;
    return 0;
}

int siege_begin(void **state)
{
    return begin(state, true);
}

int siege_begin_closed(void **state)
{
    return begin(state, false);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    remove(path);
    return 0;
}

static void log_show(const Siege *siege)
{
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    if (file_read(siege_path(siege, "log"), FILE_MAX, &text, &err) == ERR_NONE) {
        fprintf(stderr, "---- the coordinator's log\n%s----\n", str_text(&text));
    }
}

static int stop(Siege *siege)
{
    int status = 0;
    if (siege->pid == 0) {
        return 0;
    }
    kill(siege->pid, SIGTERM);
    for (int i = 0; i < PATIENCE_MS / POLL_MS; i++) {
        if (waitpid(siege->pid, &status, WNOHANG) == siege->pid) {
            return status;
        }
        poll(NULL, 0, POLL_MS);
    }
    siege_kill(siege);
    return -1;
}

int siege_end(void **state)
{
    Siege *siege = *state;
    int status = stop(siege);
    if (siege_log_has(siege, "Sanitizer: ") || siege_log_has(siege, "runtime error: ")) {
        status = -1; /* also of one that was killed */
    }
    if (status != 0) {
        log_show(siege);
    }
    siege_agents_end(siege);
    zmq_ctx_term(siege->context);
    nftw(siege->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    LIST_EACH(answer, &siege->answers) {
        json_decref(*answer);
    }
    LIST_DONE(&siege->answers);
    arena_done(&siege->arena);
    free(siege);
    return status;
}

void siege_poll(Siege *siege, uint64_t deadline_ms, const char *what)
{
    if (clock_boot_ms() > deadline_ms) {
        log_show(siege);
        fail_msg("waited in vain for: %s", what);
    }
    poll(NULL, 0, POLL_MS);
}

size_t siege_log_count(Siege *siege, const char *text)
{
    AUTO(Str) log = { 0 };
    Err err = { 0 };
    size_t count = 0;
    assert_int_equal(file_read(siege_path(siege, "log"), FILE_MAX, &log, &err), ERR_NONE);
    for (const char *at = str_text(&log); (at = strstr(at, text)) != NULL; at += strlen(text)) {
        count++;
    }
    return count;
}

bool siege_log_has(Siege *siege, const char *text)
{
    return siege_log_count(siege, text) > 0;
}

/* ---- what the process may have, and costs ---- */

/* In a child that is who the coordinator is: others may not touch its limits. */
void siege_limit(const Siege *siege, int resource, const struct rlimit *limit)
{
    const struct passwd *user = getpwnam("postgres");
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        bool is_own = geteuid() != 0 || user == NULL ||
                      (setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0);
        _exit(is_own && prlimit(siege->pid, (__rlimit_resource_t)resource, limit, NULL) == 0 ? 0
                                                                                             : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

size_t siege_descriptors(const Siege *siege)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", siege->pid);
    DIR *dir = opendir(path);
    size_t count = 0;
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

/* The value after `key` in /proc/PID/FILE. */
static const char *proc_text(const Siege *siege, const char *file, char *buffer, size_t size_bytes)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", siege->pid, file);
    FILE *stream = fopen(path, "re");
    assert_non_null(stream);
    size_t length = fread(buffer, 1, size_bytes - 1, stream);
    buffer[length] = '\0';
    fclose(stream);
    return buffer;
}

size_t siege_memory_kb(const Siege *siege)
{
    char text[8192];
    const char *line = strstr(proc_text(siege, "status", text, sizeof(text)), "VmRSS:");
    assert_non_null(line);
    return strtoul(line + strlen("VmRSS:"), NULL, 10);
}

uint64_t siege_cpu_ms(const Siege *siege)
{
    char text[2048];
    unsigned long user = 0;
    unsigned long system = 0;
    const char *rest = strrchr(proc_text(siege, "stat", text, sizeof(text)), ')');
    assert_non_null(rest);
    assert_int_equal(
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    return (uint64_t)(user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}
