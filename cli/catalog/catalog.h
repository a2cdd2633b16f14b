/*
 * The catalog of a database at one moment: every object that a migration can make or change, as
 * sorted entries of text, so that two of them can be compared by a merge (difference.h).
 *
 * What counts stands in kinds.h. Left out: the system's own objects, members of extensions (the
 * extension stands for them), skein's schema, data, and what belongs to the server rather than the
 * database: roles, tablespaces, server settings.
 */
#ifndef SKEIN_CLI_CATALOG_CATALOG_H
#define SKEIN_CLI_CATALOG_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "cli/catalog/kinds.h"
#include "cli/catalog/texts.h"
#include "common/arena.h"

struct CatalogEntry {
    const CatalogKind *kind;
    const char *key;        /* what it is and its full name: "table public.orders" */
    const char *parent;     /* key of what it is part of; "": nothing */
    const char *origin;     /* key of what it was made after; "": nothing */
    const char *name;       /* as its author writes it: "orders" */
    const char *definition; /* lines */
    const char *members;    /* in their order, a line each */
    const char *schema;     /* in which it lies, or what it is part of; "": in none */
};

struct Catalog {
    const CatalogEntry *entries; /* by key, in the order of strcmp; no key twice */
    size_t count;
};

/*
 * Reads catalogs over one connection, which is borrowed. The first reading prepares the queries,
 * whose planning takes most of its time; the later ones are quick. Zero-initialised but for the
 * first two.
 */
typedef struct CatalogReader {
    Conn *conn;
    Texts *texts; /* of what is read; many readers may share it */
    bool is_prepared;
} CatalogReader;

/*
 * Reads all of it in one read-only transaction, on a connection that is in none. The entries are in
 * `arena`. After an error the connection is of no use.
 */
ErrCode catalog_read(CatalogReader *reader, uint64_t deadline_ms, const Interrupt *interrupt,
                     Arena *arena, Catalog *ret_catalog, Err *err);

/*
 * What a database would hold that is like `inside` in this schema and like `outside` everywhere
 * else. The entries are those of the two; their list is in `arena`.
 */
Catalog catalog_splice(const Catalog *inside, const Catalog *outside, const char *schema,
                       Arena *arena);

/* The entry with this key; NULL: there is none. */
const CatalogEntry *catalog_find(const Catalog *catalog, const char *key);

#endif
