/*
 * Clusters for tests. The keeper is a child that owns the postmaster: it waits on a pipe whose
 * other end only the test holds, so that the end of the test, of whatever kind, ends the server
 * too.
 */
#include "tests/harness/pg_cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "common/clock.h"
#include "tests/patience.h"

#define SUPERUSER "postgres"
#define PATH_BYTES 256
#define POLL_MS 20

/* To the keeper of a server. */
#define ORDER_END 'q'       /* at once, and its files are removed */
#define ORDER_CRASH 'k'     /* at once */
#define ORDER_SHUT_DOWN 'f' /* when all is told */

struct PgCluster {
    char dir[PATH_BYTES]; /* holds data/, the socket and the log */
    int port;
    pid_t keeper;
    int keeper_pipe; /* writing an order or closing it ends the server */
    int network;     /* the namespace it is in */
    char conninfo[PG_TEXT_MAX];
    char answer[PG_TEXT_MAX];
};

void poll_pause(unsigned ms)
{
    struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&pause, NULL);
}

static const struct passwd *cluster_user(void)
{
    const struct passwd *user = getpwnam("postgres");
    if (user == NULL) {
        fail_msg("there is no user postgres");
    }
    return user;
}

static void own(const char *path)
{
    if (geteuid() == 0) {
        const struct passwd *user = cluster_user();
        assert_int_equal(chown(path, user->pw_uid, user->pw_gid), 0);
    }
}

void file_write_as_cluster_user(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    own(path);
}

/* In a child: becomes the cluster's user, dies with its parent, writes to the log, and is the
 * program. */
static void child_exec(const char *const *argv, const char *out_path, const char *err_path,
                       int death_signal)
{
    int out = open(out_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int err = open(err_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    const struct passwd *user = getpwnam("postgres");
    if (geteuid() == 0 && user != NULL &&
        (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
        _exit(126);
    }
    prctl(PR_SET_PDEATHSIG, death_signal);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(STDIN_FILENO);
    for (int fd = STDERR_FILENO + 1; fd < 256; fd++) {
        close(fd);
    }
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

int process_start_split(const char *const *argv, const char *out_path, const char *err_path)
{
    pid_t pid = fork();
    if (pid == 0) {
        child_exec(argv, out_path, err_path, SIGKILL);
    }
    assert_true(pid > 0);
    return pid;
}

int process_start(const char *const *argv, const char *log_path)
{
    return process_start_split(argv, log_path, log_path);
}

void process_stop(int pid)
{
    if (pid > 0) {
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
    }
}

static void log_show(const char *path)
{
    FILE *log = fopen(path, "r");
    char line[PG_TEXT_MAX];
    while (log != NULL && fgets(line, sizeof(line), log) != NULL) {
        fputs(line, stderr);
    }
    if (log != NULL) {
        fclose(log);
    }
}

static void program_run(const char *const *argv, const char *log_path)
{
    int status = 0;
    int pid = process_start(argv, log_path);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        log_show(log_path);
        fail_msg("%s failed", argv[0]);
    }
}

static int loopback_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

/*
 * A port that nobody listens on is anybody's, until it is bound again. This one has had a
 * connection, closed from its side: for a minute the system gives it to nobody who does not ask for
 * it by its number.
 */
int free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int yes = 1;
    int door = loopback_socket();
    int client = loopback_socket();
    assert_int_equal(setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
    assert_int_equal(bind(door, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, length), 0);
    int guest = accept(door, NULL, NULL);
    assert_true(guest >= 0);
    close(guest); /* first: who closes first keeps the port in mind */
    close(client);
    close(door);
    return ntohs(address.sin_port);
}

static int entry_remove(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    remove(path);
    return 0;
}

static void tree_remove(const char *path)
{
    nftw(path, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* It needs no rights to be where one is. */
static void network_join(int network)
{
    struct stat there;
    struct stat here;
    bool is_here = fstat(network, &there) == 0 && stat("/proc/thread-self/ns/net", &here) == 0 &&
                   there.st_ino == here.st_ino;
    if (!is_here && setns(network, CLONE_NEWNET) != 0) {
        _exit(126);
    }
}

/* The keeper's life: postmaster up, wait for the pipe, postmaster down, files gone. */
static void keeper_live(const PgCluster *cluster, int pipe_read)
{
    char data[PATH_BYTES + 8];
    char log[PATH_BYTES + 8];
    snprintf(data, sizeof(data), "%s/data", cluster->dir);
    snprintf(log, sizeof(log), "%s/log", cluster->dir);
    setsid();
    const char *argv[] = { SKEIN_PG_BINDIR "/postgres", "-D", data, NULL };
    pid_t postmaster = fork();
    if (postmaster == 0) {
        child_exec(argv, log, log, SIGQUIT);
    }
    char order = ORDER_END;
    while (read(pipe_read, &order, 1) < 0 && errno == EINTR) {
    }
    kill(postmaster, order == ORDER_SHUT_DOWN ? SIGINT : SIGQUIT);
    waitpid(postmaster, NULL, 0);
    if (order == ORDER_END) {
        tree_remove(cluster->dir);
    }
    _exit(0);
}

static void keeper_start(PgCluster *cluster)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    cluster->keeper = fork();
    assert_true(cluster->keeper >= 0);
    if (cluster->keeper == 0) {
        network_join(cluster->network);
        for (int fd = STDERR_FILENO + 1; fd < 256; fd++) {
            if (fd != ends[0]) {
                close(fd); /* other clusters' pipes must end with the test, not with this keeper */
            }
        }
        keeper_live(cluster, ends[0]);
    }
    close(ends[0]);
    cluster->keeper_pipe = ends[1];
}

static void keeper_end(PgCluster *cluster, char order)
{
    if (cluster->keeper <= 0) {
        return;
    }
    ssize_t written = write(cluster->keeper_pipe, &order, 1);
    (void)written; /* closing says the same, without an order */
    close(cluster->keeper_pipe);
    waitpid(cluster->keeper, NULL, 0);
    cluster->keeper = 0;
}

static void ready_await(PgCluster *cluster)
{
    uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    while (PQping(pg_cluster_socket_conninfo(cluster, "postgres")) != PQPING_OK) {
        if (clock_boot_ms() > deadline_ms) {
            char log[PATH_BYTES + 8];
            snprintf(log, sizeof(log), "%s/log", cluster->dir);
            log_show(log);
            fail_msg("the cluster did not start");
        }
        poll_pause(POLL_MS);
    }
}

static PgCluster *cluster_new(void)
{
    PgCluster *cluster = calloc(1, sizeof(*cluster));
    assert_non_null(cluster);
    snprintf(cluster->dir, sizeof(cluster->dir), "/tmp/skein-pg-XXXXXX");
    assert_non_null(mkdtemp(cluster->dir));
    own(cluster->dir);
    cluster->port = free_port();
    cluster->network = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_true(cluster->network >= 0);
    return cluster;
}

static void settings_append(const PgCluster *cluster, const char *settings)
{
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof(path), "%s/data/postgresql.conf", cluster->dir);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fprintf(file,
            "port = %d\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '%s'\n"
            "fsync = off\nshared_buffers = 16MB\nmax_connections = 100\nwal_level = replica\n"
            "max_wal_senders = 4\nhot_standby = on\n"
            "log_connections = on\n"                   /* who comes as whom: superuser_find */
            "dynamic_shared_memory_type = mmap\n%s\n", /* in its directory, which is removed */
            cluster->port, cluster->dir, settings == NULL ? "" : settings);
    fclose(file);
}

static void role_grant(PgCluster *cluster, const char *database)
{
    char conninfo[PG_TEXT_MAX];
    char log[PATH_BYTES + 16];
    snprintf(conninfo, sizeof(conninfo), "%s", pg_cluster_socket_conninfo(cluster, database));
    snprintf(log, sizeof(log), "%s/grant.log", cluster->dir);
    const char *argv[] = {
        SKEIN_PG_BINDIR "/psql", "-X", "-d", conninfo, "-f", SKEIN_ROLE_SQL, NULL
    };
    program_run(argv, log);
}

PgCluster *pg_cluster_start(const char *settings)
{
    PgCluster *cluster = cluster_new();
    char data[PATH_BYTES + 8];
    char log[PATH_BYTES + 8];
    snprintf(data, sizeof(data), "%s/data", cluster->dir);
    snprintf(log, sizeof(log), "%s/log", cluster->dir);
    const char *argv[] = { SKEIN_PG_BINDIR "/initdb",
                           "--no-sync",
                           "-D",
                           data,
                           "-A",
                           "trust",
                           "-U",
                           "postgres",
                           "-E",
                           "UTF8",
                           "--locale=C.UTF-8",
                           NULL };
    program_run(argv, log);
    settings_append(cluster, settings);
    keeper_start(cluster);
    ready_await(cluster);
    role_grant(cluster, "template1"); /* what is granted in it is in what is made of it */
    return cluster;
}

PgCluster *pg_cluster_start_standby(PgCluster *primary)
{
    PgCluster *cluster = cluster_new();
    char data[PATH_BYTES + 8];
    char log[PATH_BYTES + 8];
    char port[16];
    snprintf(data, sizeof(data), "%s/data", cluster->dir);
    snprintf(log, sizeof(log), "%s/log", cluster->dir);
    snprintf(port, sizeof(port), "%d", primary->port);
    const char *argv[] = { SKEIN_PG_BINDIR "/pg_basebackup",
                           "-h",
                           "127.0.0.1",
                           "-p",
                           port,
                           "-U",
                           "postgres",
                           "-D",
                           data,
                           "-R",
                           "-X",
                           "stream",
                           "--no-sync",
                           "-c",
                           "fast",
                           NULL };
    program_run(argv, log);
    settings_append(cluster, NULL);
    keeper_start(cluster);
    ready_await(cluster);
    return cluster;
}

PgCluster *pg_cluster_copy(PgCluster *original)
{
    PgCluster *cluster = cluster_new();
    char from[PATH_BYTES + 8];
    char log[PATH_BYTES + 8];
    snprintf(from, sizeof(from), "%s/data", original->dir);
    snprintf(log, sizeof(log), "%s/log", cluster->dir);
    const char *argv[] = { "/bin/cp", "-a", from, cluster->dir, NULL };
    pg_cluster_crash(original);
    program_run(argv, log);
    pg_cluster_restart(original);
    settings_append(cluster, NULL);
    keeper_start(cluster);
    ready_await(cluster);
    return cluster;
}

/* The first line of the log in which something of skein's came as the superuser; "" for none. */
static void superuser_find(const PgCluster *cluster, char *line, size_t size)
{
    char path[PATH_BYTES + 8];
    snprintf(path, sizeof(path), "%s/log", cluster->dir);
    FILE *log = fopen(path, "r");
    bool is_found = false;
    while (log != NULL && !is_found && fgets(line, (int)size, log) != NULL) {
        is_found = strstr(line, " connection authorized: user=" SUPERUSER " ") != NULL &&
                   strstr(line, " application_name=skein/") != NULL;
    }
    if (!is_found) {
        line[0] = '\0';
    }
    if (log != NULL) {
        fclose(log);
    }
}

void pg_cluster_stop(PgCluster *cluster)
{
    if (cluster == NULL) {
        return;
    }
    char line[PG_TEXT_MAX];
    superuser_find(cluster, line, sizeof(line));
    keeper_end(cluster, ORDER_END);
    tree_remove(cluster->dir); /* after a crash that was not followed by a restart */
    close(cluster->network);
    free(cluster);
    if (line[0] != '\0') {
        fprintf(stderr, "skein came as a superuser: %s", line);
        exit(EXIT_FAILURE); /* a failed teardown of a group fails nothing */
    }
}

void pg_cluster_crash(PgCluster *cluster)
{
    keeper_end(cluster, ORDER_CRASH);
}

void pg_cluster_shut_down(PgCluster *cluster)
{
    keeper_end(cluster, ORDER_SHUT_DOWN);
}

void pg_cluster_restart(PgCluster *cluster)
{
    keeper_start(cluster);
    ready_await(cluster);
}

bool pg_cluster_is_up(const PgCluster *cluster)
{
    return cluster->keeper > 0;
}

int pg_cluster_port(const PgCluster *cluster)
{
    return cluster->port;
}

const char *pg_cluster_socket_dir(const PgCluster *cluster)
{
    return cluster->dir;
}

/* Quoted only where it has to be: these texts go into configuration files as well. */
static const char *value_quote(const char *value, char quoted[PG_TEXT_MAX])
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (value[strspn(value, PLAIN)] == '\0') {
        return value;
    }
    size_t length = 0;
    quoted[length++] = '\'';
    for (; *value != '\0' && length < PG_TEXT_MAX - 4; value++) {
        if (*value == '\'' || *value == '\\') {
            quoted[length++] = '\\';
        }
        quoted[length++] = *value;
    }
    quoted[length++] = '\'';
    quoted[length] = '\0';
    return quoted;
}

static const char *conninfo_make(PgCluster *cluster, const char *host, const char *user,
                                 const char *database, int port)
{
    char quoted[PG_TEXT_MAX];
    int length =
        snprintf(cluster->conninfo, sizeof(cluster->conninfo),
                 "host=%s port=%d user=%s dbname=%s sslmode=disable gssencmode=disable "
                 "connect_timeout=10",
                 host, port == 0 ? cluster->port : port, user, value_quote(database, quoted));
    assert_in_range(length, 1, (int)sizeof(cluster->conninfo) - 1);
    return cluster->conninfo;
}

const char *pg_cluster_conninfo(PgCluster *cluster, const char *database, int port)
{
    return conninfo_make(cluster, "127.0.0.1", PG_CLUSTER_ROLE, database, port);
}

const char *pg_cluster_socket_conninfo(PgCluster *cluster, const char *database)
{
    return conninfo_make(cluster, cluster->dir, SUPERUSER, database, 0);
}

/* The role is the session's, so that a test's own RESET ROLE leads back to it. To one of its name,
 * "$user" is the schema of skein's own tables. */
static const char *run_conninfo(PgCluster *cluster, const char *database)
{
    const char *conninfo = pg_cluster_socket_conninfo(cluster, database);
    if (strcmp(database, "postgres") != 0) {
        size_t length = strlen(conninfo);
        snprintf(cluster->conninfo + length, sizeof(cluster->conninfo) - length,
                 " options='-c role=" PG_CLUSTER_ROLE " -c search_path=public'");
    }
    return conninfo;
}

static void notice_drop(void *ctx, const PGresult *result)
{
    (void)ctx;
    (void)result;
}

static PGresult *statement_run(const char *conninfo, const char *sql)
{
    PGconn *conn = PQconnectdb(conninfo);
    PQsetNoticeReceiver(conn, notice_drop, NULL);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    }
    PQfinish(conn);
    return result;
}

void pg_cluster_run(PgCluster *cluster, const char *database, const char *sql)
{
    PQclear(statement_run(run_conninfo(cluster, database), sql));
}

const char *pg_cluster_ask(PgCluster *cluster, const char *database, const char *sql)
{
    PGresult *result = statement_run(pg_cluster_socket_conninfo(cluster, database), sql);
    const char *value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
    snprintf(cluster->answer, sizeof(cluster->answer), "%s", value);
    PQclear(result);
    return cluster->answer;
}

void pg_cluster_make_database(PgCluster *cluster, const char *database)
{
    char sql[PG_TEXT_MAX];
    snprintf(sql, sizeof(sql), "CREATE DATABASE \"%s\"", database);
    pg_cluster_run(cluster, "postgres", sql);
    role_grant(cluster, database);
}

int64_t pg_cluster_count(PgCluster *cluster, const char *database, const char *sql)
{
    return strtoll(pg_cluster_ask(cluster, database, sql), NULL, 10);
}

void pg_cluster_make_databases(PgCluster *cluster, const char *prefix, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        char database[PATH_BYTES];
        snprintf(database, sizeof(database), "%s_%04u", prefix, i);
        pg_cluster_make_database(cluster, database);
    }
}

unsigned pg_cluster_sessions(PgCluster *cluster)
{
    return (unsigned)pg_cluster_count(
        cluster, "postgres",
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'skein/%'");
}

unsigned pg_cluster_advisory_locks(PgCluster *cluster)
{
    return (unsigned)pg_cluster_count(cluster, "postgres",
                                      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
}

void pg_cluster_assert_quiet(PgCluster *cluster)
{
    pg_cluster_await(
        cluster, "postgres",
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'skein/%')"
        " AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')",
        PATIENCE_MS);
}

void pg_cluster_await(PgCluster *cluster, const char *database, const char *sql,
                      unsigned timeout_ms)
{
    uint64_t deadline_ms = clock_boot_ms() + timeout_ms;
    while (strcmp(pg_cluster_ask(cluster, database, sql), "t") != 0) {
        if (clock_boot_ms() > deadline_ms) {
            fail_msg("not within %u ms: %s", timeout_ms, sql);
        }
        poll_pause(POLL_MS);
    }
}
