/* A database whose catalog is looked at. */
#include "tests/integration/catalog/catalog_world.h"

#include <stdlib.h>

#include "agent/conn/query.h"
#include "common/clock.h"
#include "common/str.h"
#include "tests/patience.h"

int world_begin(void **state)
{
    World *world = mem_alloc(sizeof(*world));
    *state = world;
    world->cluster = pg_cluster_start(NULL);
    pg_cluster_make_database(world->cluster, "shop");
    AUTO_PTR(Secret) connection = secret_new(pg_cluster_conninfo(world->cluster, "shop", 0));
    Err err = { 0 };
    ConnRequest request = { .application_name = "skein/test",
                            .deadline_ms = clock_boot_ms() + PATIENCE_MS };
    if (conn_source_new(connection, PASSWORD_ALLOWED, CONN_LIMIT_DEFAULT, &world->source, &err) !=
            ERR_NONE ||
        conn_open(world->source, &request, &world->reader.conn, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    world->reader.texts = texts_new();
    world->maker = PQconnectdb(pg_cluster_socket_conninfo(world->cluster, "shop"));
    return 0;
}

int world_end(void **state)
{
    World *world = *state;
    PQfinish(world->maker);
    conn_close(world->reader.conn);
    conn_source_free(world->source);
    pg_cluster_stop(world->cluster);
    texts_free(world->reader.texts);
    arena_done(&world->arena);
    free(world);
    return 0;
}

void world_run(World *world, const char *sql)
{
    PGresult *result = PQexec(world->maker, sql);
    if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    }
    PQclear(result);
}

Catalog world_catalog(World *world)
{
    Catalog catalog = { 0 };
    Err err = { 0 };
    if (catalog_read(&world->reader, clock_boot_ms() + PATIENCE_MS, NULL, &world->arena, &catalog,
                     &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    return catalog;
}

const char *differences_text(World *world, const Differences *differences)
{
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < differences->count; i++) {
        const Difference *item = &differences->items[i];
        str_printf(&text, "%s %s%s%s%s [%s]\n", difference_how_name(item->how),
                   difference_entry(item)->key, item->parts[0] == '\0' ? "" : " (", item->parts,
                   item->parts[0] == '\0' ? "" : ")", difference_class_name(item->class));
    }
    return arena_strdup(&world->arena, str_text(&text));
}
