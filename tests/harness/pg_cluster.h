/*
 * Real PostgreSQL clusters for tests: made anew, on a free loopback port and a socket of their own,
 * as user postgres when the test runs as root. They end with the test, however that ends: a keeper
 * process stops the server and removes its files as soon as the test is gone. A cluster stays in
 * the network namespace in which it was started first.
 *
 * A cluster is one of production's: skein comes as the role that deploy/sql/role.sql makes, which
 * is no superuser, and so does what tests run elsewhere than in database postgres, so that what
 * they make there is skein's to migrate. If anything of skein's has come as the superuser, stopping
 * the cluster fails.
 *
 * Everything here fails the running cmocka test when it cannot do its work.
 */
#ifndef SKEIN_TESTS_HARNESS_PG_CLUSTER_H
#define SKEIN_TESTS_HARNESS_PG_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/patience.h"

#define PG_TEXT_MAX 1024
#define PG_CLUSTER_ROLE "skein" /* as role.sql has it */

typedef struct PgCluster PgCluster;

/* Where the server's programs are. */
#ifndef SKEIN_PG_BINDIR
#define SKEIN_PG_BINDIR "/usr/lib/postgresql/15/bin"
#endif

/* `settings`: further lines for postgresql.conf; NULL: none. fsync is off unless they
 * turn it on. */
PgCluster *pg_cluster_start(const char *settings);

/* A streaming standby of `primary`, ready for reading. */
PgCluster *pg_cluster_start_standby(PgCluster *primary);

/* A copy of all files of a cluster, which crashes for it: the same to the last bit, except where it
 * listens. */
PgCluster *pg_cluster_copy(PgCluster *original);

/* Stops at once and removes everything; ends the program then, as failed, if skein has come as a
 * superuser. NULL is allowed. */
void pg_cluster_stop(PgCluster *cluster);

/* As a crash: `immediate` stop, files kept. Then pg_cluster_restart on the same port. */
void pg_cluster_crash(PgCluster *cluster);
/* As a person does: standbys that follow have received everything. */
void pg_cluster_shut_down(PgCluster *cluster);
void pg_cluster_restart(PgCluster *cluster);
bool pg_cluster_is_up(const PgCluster *cluster); /* between the two: not */

int pg_cluster_port(const PgCluster *cluster);
const char *pg_cluster_socket_dir(const PgCluster *cluster);

/* A database, with what role.sql grants in it. */
void pg_cluster_make_database(PgCluster *cluster, const char *database);

/* For skein: "host=127.0.0.1 port=… user=… dbname=…". Valid until the next call. `port` 0: the
 * cluster's. */
const char *pg_cluster_conninfo(PgCluster *cluster, const char *database, int port);

/* For the test: as superuser, over the cluster's socket, which leads there from any network
 * namespace. */
const char *pg_cluster_socket_conninfo(PgCluster *cluster, const char *database);

/* Runs one or several statements. What takes a superuser begins with AS_SUPERUSER, beside the
 * reason. */
#define AS_SUPERUSER "SET ROLE postgres; "
void pg_cluster_run(PgCluster *cluster, const char *database, const char *sql);

/* An index as a build leaves it that broke off. The catalog is a superuser's. */
#define MAKE_INVALID(index)                                                                        \
    AS_SUPERUSER "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '" index               \
                 "'::regclass; RESET ROLE;"

/* First field of the first row, as superuser; "" for none. Valid until the next call. */
const char *pg_cluster_ask(PgCluster *cluster, const char *database, const char *sql);
int64_t pg_cluster_count(PgCluster *cluster, const char *database, const char *sql);

/* PREFIX_0001 … PREFIX_NNNN. */
void pg_cluster_make_databases(PgCluster *cluster, const char *prefix, unsigned count);

/* Sessions whose application_name begins with "skein/", and advisory locks, in
 * the whole cluster. */
unsigned pg_cluster_sessions(PgCluster *cluster);
unsigned pg_cluster_advisory_locks(PgCluster *cluster);

/* Fails unless both come to nothing within ten seconds. */
void pg_cluster_assert_quiet(PgCluster *cluster);

/* Waits until the query gives "t", at most `timeout_ms`; fails otherwise. */
void pg_cluster_await(PgCluster *cluster, const char *database, const char *sql,
                      unsigned timeout_ms);

/* Between two looks at a condition that has a deadline; never instead of one. */
void poll_pause(unsigned ms);

/* Free at the moment of asking. */
int free_port(void);

/*
 * Starts a program as the cluster's user, tied to the life of the test (PR_SET_PDEATHSIG); its
 * output goes to `log_path`. Returns its pid; end it by process_stop.
 */
int process_start(const char *const *argv, const char *log_path);
int process_start_split(const char *const *argv, const char *out_path, const char *err_path);
void process_stop(int pid);

/* Writes a file that the cluster's user owns. */
void file_write_as_cluster_user(const char *path, const char *text);

#endif
