/* Reading a catalog: each kind's query, wrapped so that the server names what it lists. */
#include "cli/catalog/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "agent/conn/query.h"
#include "cli/catalog/steady.h"
#include "common/list.h"
#include "common/str.h"

/* Of one kind, as listed: a large schema has a lot of everything. */
#define CATALOG_BYTES_MAX (1u << 30)

/* clang-format off */

/* The database goes by another name in every copy of it. */
#define KEY_OF(identified)                                                                         \
    identified ".type || CASE " identified ".type WHEN 'database' THEN ''"                         \
    " ELSE ' ' || " identified ".identity END"

/* The schema, unquoted, that an object lies in or is. */
#define SCHEMA_OF(identified)                                                                      \
    "(pg_catalog.parse_ident(CASE " identified ".type WHEN 'schema' THEN " identified ".name"      \
    " ELSE " identified ".schema END))[1]"

#define IDENTIFY(object)                                                                           \
    "pg_catalog.pg_identify_object(" object "[1], " object "[2], " object "[3]::int4)"

/* A kind's query stands in the middle; its noun in single quotes between the first two. */
static const char BEFORE_NOUN[] =
    "SELECT CASE WHEN o.what IS NULL THEN " KEY_OF("s") " ELSE ";

static const char BEFORE_QUERY[] =
    " || CASE o.what WHEN '' THEN '' ELSE ' ' || o.what END || ' on ' || " KEY_OF("s") " END,"
    " coalesce(CASE WHEN o.what IS NULL THEN " KEY_OF("p") " ELSE " KEY_OF("s") " END, ''),"
    " coalesce(" KEY_OF("r") ", ''), o.name, o.definition, o.members,"
    " coalesce(" SCHEMA_OF("s") ", " SCHEMA_OF("p") ", " SCHEMA_OF("r") ", '') FROM (";

static const char AFTER_QUERY[] =
    ") o CROSS JOIN LATERAL " IDENTIFY("o.self") " s"
    " LEFT JOIN LATERAL " IDENTIFY("o.parent") " p ON o.parent IS NOT NULL"
    " LEFT JOIN LATERAL " IDENTIFY("o.origin") " r ON o.origin IS NOT NULL";

/* clang-format on */

static const char FILTER[] =
    " WHERE coalesce(s.schema, '') NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'skein')"
    " AND NOT (s.type = 'schema' AND (s.identity IN ('skein', 'information_schema')"
    "  OR pg_catalog.left(s.identity, 3) = 'pg_'))"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = o.self[1]"
    "  AND e.objid = o.self[2] AND e.deptype = 'e')";

#define WHOLES_MAX 8 /* how deep a part may lie in parts */

enum EntryColumn {
    ENTRY_KEY,
    ENTRY_PARENT,
    ENTRY_ORIGIN,
    ENTRY_NAME,
    ENTRY_DEFINITION,
    ENTRY_MEMBERS,
    ENTRY_SCHEMA,
};

typedef LIST(CatalogEntry) EntryList;

typedef struct Reading {
    CatalogReader *reader;
    uint64_t deadline_ms;
    const Interrupt *interrupt;
    EntryList entries;
} Reading;

static void reading_done(Reading *reading)
{
    LIST_DONE(&reading->entries);
}

AUTO_DEFINE(Reading, reading_done)

static void entry_take(Reading *reading, const CatalogKind *kind, const PGresult *rows, int row)
{
    const char *kept[ENTRY_SCHEMA + 1];
    for (int i = 0; i <= ENTRY_SCHEMA; i++) {
        kept[i] = texts_keep(reading->reader->texts, result_text(rows, row, i));
    }
    CatalogEntry entry = {
        .kind = kind,
        .key = kept[ENTRY_KEY],
        .parent = kept[ENTRY_PARENT],
        .origin = kept[ENTRY_ORIGIN],
        .name = kept[ENTRY_NAME],
        .definition = kept[ENTRY_DEFINITION],
        .members = kept[ENTRY_MEMBERS],
        .schema = kept[ENTRY_SCHEMA],
    };
    LIST_PUSH(&reading->entries, entry);
}

/* Which of the kinds this server has. */
static bool is_of_server(const CatalogKind *kind, Conn *conn)
{
    int version = PQserverVersion(conn_pg(conn));
    return kind->since <= version && (kind->until == 0 || version < kind->until);
}

/* One message for all. In the transaction, so that search_path is what it will be. */
static ErrCode queries_prepare(const Reading *reading, Err *err)
{
    AUTO(Str) sql = { 0 };
    Conn *conn = reading->reader->conn;
    for (size_t i = 0; i < CATALOG_KINDS_COUNT; i++) {
        for (size_t j = 0; j < CATALOG_KINDS[i]->count; j++) {
            const CatalogKind *kind = &CATALOG_KINDS[i]->rows[j];
            if (is_of_server(kind, conn)) {
                str_printf(&sql, "PREPARE skein_catalog_%zu_%zu AS %s'%s'%s%s%s%s;", i, j,
                           BEFORE_NOUN, kind->noun, BEFORE_QUERY, kind->sql, AFTER_QUERY,
                           kind->is_whole ? "" : FILTER);
            }
        }
    }
    return conn_run(conn, str_text(&sql), reading->deadline_ms, err);
}

static ErrCode kind_read(Reading *reading, size_t i, size_t j, Err *err)
{
    const CatalogKind *kind = &CATALOG_KINDS[i]->rows[j];
    AUTO(Str) sql = { 0 };
    str_printf(&sql, "EXECUTE skein_catalog_%zu_%zu", i, j);
    Query query = {
        .sql = str_text(&sql),
        .deadline_ms = reading->deadline_ms,
        .interrupt = reading->interrupt,
        .answer_bytes_max = CATALOG_BYTES_MAX,
    };
    AUTO_PTR(PGresult) rows = NULL;
    if (conn_query(reading->reader->conn, &query, &rows, err) != ERR_NONE) {
        return err_wrap(err, "cannot list what there is of kind \"%s\"", kind->noun);
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        entry_take(reading, kind, rows, row);
    }
    return ERR_NONE;
}

static ErrCode kinds_read(Reading *reading, Err *err)
{
    CatalogReader *reader = reading->reader;
    if (!reader->is_prepared && queries_prepare(reading, err) != ERR_NONE) {
        return err->code;
    }
    reader->is_prepared = true;
    for (size_t i = 0; i < CATALOG_KINDS_COUNT; i++) {
        for (size_t j = 0; j < CATALOG_KINDS[i]->count; j++) {
            bool is_there = is_of_server(&CATALOG_KINDS[i]->rows[j], reader->conn);
            if (is_there && kind_read(reading, i, j, err) != ERR_NONE) {
                return err->code;
            }
        }
    }
    return ERR_NONE;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const CatalogEntry *)a)->key, ((const CatalogEntry *)b)->key);
}

static ErrCode keys_check(const EntryList *entries, Err *err)
{
    for (size_t i = 1; i < entries->count; i++) {
        if (str_equal(entries->items[i - 1].key, entries->items[i].key)) {
            return err_set(err, ERR_INTERNAL, "two objects of the catalog are both \"%s\"",
                           entries->items[i].key);
        }
    }
    return ERR_NONE;
}

/* Of what is said of a part (the comment on a trigger) the server names no schema: its whole's. */
static void schemas_settle(Catalog *catalog, CatalogEntry *entries)
{
    for (size_t i = 0; i < catalog->count; i++) {
        const CatalogEntry *whole = &entries[i];
        for (unsigned depth = 0; whole != NULL && depth < WHOLES_MAX; depth++) {
            if (whole->schema[0] != '\0') {
                entries[i].schema = whole->schema;
                break;
            }
            whole = whole->parent[0] == '\0' ? NULL : catalog_find(catalog, whole->parent);
        }
    }
}

ErrCode catalog_read(CatalogReader *reader, uint64_t deadline_ms, const Interrupt *interrupt,
                     Arena *arena, Catalog *ret_catalog, Err *err)
{
    AUTO(Reading)
    reading = { .reader = reader, .deadline_ms = deadline_ms, .interrupt = interrupt };
    if (conn_run(reader->conn, STEADY_BEGIN, deadline_ms, err) != ERR_NONE ||
        kinds_read(&reading, err) != ERR_NONE ||
        conn_run(reader->conn, "COMMIT", deadline_ms, err) != ERR_NONE) {
        return err->code;
    }
    EntryList *entries = &reading.entries;
    if (entries->count > 0) {
        qsort(entries->items, entries->count, sizeof(*entries->items), compare_keys);
    }
    if (keys_check(entries, err) != ERR_NONE) {
        return err->code;
    }
    CatalogEntry *kept =
        arena_memdup(arena, entries->items, entries->count * sizeof(*entries->items));
    *ret_catalog = (Catalog){ .entries = kept, .count = entries->count };
    schemas_settle(ret_catalog, kept);
    return ERR_NONE;
}

/* The entries from *at on are passed over up to one that is in the schema, or is not. */
static const CatalogEntry *splice_next(const Catalog *from, size_t *at, const char *schema,
                                       bool is_inside)
{
    while (*at < from->count && str_equal(from->entries[*at].schema, schema) != is_inside) {
        (*at)++;
    }
    return *at < from->count ? &from->entries[*at] : NULL;
}

Catalog catalog_splice(const Catalog *inside, const Catalog *outside, const char *schema,
                       Arena *arena)
{
    CatalogEntry *entries = ARENA_ARRAY(arena, CatalogEntry, inside->count + outside->count);
    Catalog spliced = { .entries = entries };
    size_t i = 0;
    size_t j = 0;
    while (true) {
        const CatalogEntry *in = splice_next(inside, &i, schema, true);
        const CatalogEntry *out = splice_next(outside, &j, schema, false);
        if (in == NULL && out == NULL) {
            return spliced;
        }
        bool is_in = out == NULL || (in != NULL && strcmp(in->key, out->key) < 0);
        entries[spliced.count++] = is_in ? *in : *out;
        *(is_in ? &i : &j) += 1;
    }
}

const CatalogEntry *catalog_find(const Catalog *catalog, const char *key)
{
    CatalogEntry wanted = { .key = key };
    return catalog->count == 0 ? NULL
                               : bsearch(&wanted, catalog->entries, catalog->count,
                                         sizeof(*catalog->entries), compare_keys);
}
