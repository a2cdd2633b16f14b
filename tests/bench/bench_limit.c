/*
 * The least that any client must do: four workers, a connection of its own per database, one
 * simple-query message per migration. It checks nothing and remembers only a name: this is the
 * limit that skein is measured against, not a way to migrate databases.
 *
 *     bench_limit first|later COUNT WORKERS DATABASES MIGRATIONS_DIR PORT…
 *
 * first: COUNT migrations, to databases where there is nothing yet. later: asks what is there, and
 * applies what is not, up to COUNT.
 */
#include <dirent.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIGRATIONS_MAX 100
#define PATH_BYTES 4096
#define SQL_BYTES (64 * 1024)

typedef struct Migration {
    char *name;
    char *message;
} Migration;

typedef struct Work {
    bool is_first;
    unsigned databases; /* per server */
    char *const *ports;
    unsigned port_count;
    Migration migrations[MIGRATIONS_MAX];
    unsigned migration_count;
    atomic_uint next;
} Work;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_limit: %s: %s\n", what, why);
    exit(1);
}

static char *file_read(const char *dir, const char *name)
{
    char path[PATH_BYTES];
    static char text[SQL_BYTES];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail(path, "cannot be read");
    }
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    fclose(file);
    return strdup(text);
}

static int is_up(const struct dirent *entry)
{
    return strstr(entry->d_name, ".up.sql") != NULL;
}

static void migrations_read(Work *work, const char *dir, unsigned wanted)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, is_up, alphasort);
    for (int i = 0; i < count && i < (int)wanted && work->migration_count < MIGRATIONS_MAX; i++) {
        char *sql = file_read(dir, entries[i]->d_name);
        char *message = NULL;
        if (asprintf(&message, "%s;INSERT INTO versions VALUES ('%s')", sql, entries[i]->d_name) <
            0) {
            fail(dir, "out of memory");
        }
        work->migrations[work->migration_count++] =
            (Migration){ .name = strdup(entries[i]->d_name), .message = message };
        free(sql);
    }
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
}

static PGresult *ask(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        fail("statement", PQerrorMessage(conn));
    }
    return result;
}

static void run(PGconn *conn, const char *sql)
{
    PQclear(ask(conn, sql));
}

static bool is_applied(const PGresult *versions, const char *name)
{
    for (int row = 0; row < PQntuples(versions); row++) {
        if (strcmp(PQgetvalue(versions, row, 0), name) == 0) {
            return true;
        }
    }
    return false;
}

static void database_migrate(const Work *work, PGconn *conn)
{
    PGresult *versions =
        ask(conn, work->is_first ? "CREATE TABLE versions (version text PRIMARY KEY)"
                                 : "SELECT version FROM versions ORDER BY version");
    for (unsigned i = 0; i < work->migration_count; i++) {
        if (!is_applied(versions, work->migrations[i].name)) {
            run(conn, work->migrations[i].message);
        }
    }
    PQclear(versions);
}

static void database_do(const Work *work, unsigned number)
{
    char conninfo[256];
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%s user=postgres dbname=tenant_%04u sslmode=disable "
             "gssencmode=disable",
             work->ports[number % work->port_count], number / work->port_count + 1);
    PGconn *conn = PQconnectdb(conninfo);
    if (PQstatus(conn) != CONNECTION_OK) {
        fail("connect", PQerrorMessage(conn));
    }
    database_migrate(work, conn);
    PQfinish(conn);
}

static void *worker(void *ctx)
{
    Work *work = ctx;
    unsigned total = work->databases * work->port_count;
    for (unsigned number; (number = atomic_fetch_add(&work->next, 1)) < total;) {
        database_do(work, number);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[64];
    if (argc < 7) {
        fail("usage", "bench_limit first|later COUNT WORKERS DATABASES MIGRATIONS_DIR PORT…");
    }
    unsigned workers = (unsigned)strtoul(argv[3], NULL, 10);
    Work work = {
        .is_first = strcmp(argv[1], "first") == 0,
        .databases = (unsigned)strtoul(argv[4], NULL, 10),
        .ports = argv + 6,
        .port_count = (unsigned)(argc - 6),
    };
    migrations_read(&work, argv[5], (unsigned)strtoul(argv[2], NULL, 10));
    for (unsigned i = 0; i < workers && i < 64; i++) {
        pthread_create(&threads[i], NULL, worker, &work);
    }
    for (unsigned i = 0; i < workers && i < 64; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
