/*
 * What there is in a database, by kind: one row per kind of object, with the query that lists all
 * objects of it. A kind is added by adding a row.
 *
 * A query gives one row per object, with these columns:
 *
 *     self        oid[] of {pg_class-like catalog, oid, sub-id}: what pg_identify_object wants
 *     parent      the same of what it is part of, so that it comes and goes with it; NULL: nothing
 *     origin      the same of what it was made after: the index of a partition's parent; NULL:
 * nothing what        NULL for the object itself; else what is said of it: a grant, a label; ''
 * when the noun says it all: a comment name        its bare name, as its author writes it
 *     definition  everything that makes it what it is, in lines; passing and random things never
 *     members     names whose order is told apart from the rest (columns, enum labels), a line each
 *
 * All names are qualified with pg_catalog. Members of extensions, and what lies in the system's and
 * in skein's own schemas, are left out by the reader (unless is_whole).
 */
#ifndef SKEIN_CLI_CATALOG_KINDS_H
#define SKEIN_CLI_CATALOG_KINDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/catalog/difference.h"

typedef struct CatalogKind {
    const char *noun; /* as people call it: "column" */
    int since;        /* server version: 150000; 0: any that skein works with */
    int until;        /* the first server version for which this row is not; 0: none */
    bool is_whole;    /* the query itself leaves out what is not to be seen */
    bool has_body; /* the definition holds source text, in which blanks and comments say nothing */
    bool is_telling; /* two of one definition in one place are the same thing under two names */
    DifferenceClass leftover; /* of one that is there only afterwards */
    DifferenceClass order;    /* of members in another order */
    const char *sql;
} CatalogKind;

typedef struct CatalogKinds {
    const CatalogKind *rows;
    size_t count;
} CatalogKinds;

/* All tables of kinds, as parts of one. */
extern const CatalogKinds *const CATALOG_KINDS[];
extern const size_t CATALOG_KINDS_COUNT;

extern const CatalogKinds CATALOG_RELATIONS; /* kinds_relations.c */
extern const CatalogKinds CATALOG_CODE;      /* kinds_code.c */
extern const CatalogKinds CATALOG_ACCESS;    /* kinds_access.c */

/* ---- fragments of the queries ---- */

#define SQL_CLASS(catalog) "'pg_catalog." catalog "'::pg_catalog.regclass::pg_catalog.oid"
#define SQL_PART(catalog, oid, sub)                                                                \
    "ARRAY[" SQL_CLASS(catalog) ", " oid ", " sub "::pg_catalog.oid]"
#define SQL_OBJECT(catalog, oid) SQL_PART(catalog, oid, "0")
#define SQL_NOTHING "NULL::pg_catalog.oid[]"

/* How most queries begin; a definition follows. */
#define SQL_HEAD(self, parent, name)                                                               \
    "SELECT " self " AS self, " parent " AS parent, " SQL_NOTHING                                  \
    " AS origin, NULL AS what, " name " AS name, "

/* A schema, known as `n`, that migrations are about. */
#define SQL_OWN_SCHEMA                                                                             \
    " pg_catalog.left(n.nspname, 3) <> 'pg_'"                                                      \
    " AND n.nspname NOT IN ('information_schema', 'skein') "
#define SQL_NAMESPACE_OF(column)                                                                   \
    " JOIN pg_catalog.pg_namespace n ON n.oid = " column " AND" SQL_OWN_SCHEMA

/* What has no schema is the system's below the first oid that initdb leaves to others. */
#define SQL_NOT_SYSTEM(oid) " " oid " >= 16384 "

/* Lines of a definition; what is NULL is no line. */
#define SQL_LINES(lines) "pg_catalog.concat_ws(E'\\n', " lines ")"
#define SQL_OWNER(column) "'owner: ' || pg_catalog.pg_get_userbyid(" column ")"

/* An array's items in an order of their own: options come in the order in which they were set. */
#define SQL_SORTED(array)                                                                          \
    "(SELECT pg_catalog.string_agg(x.item::pg_catalog.text, ', ' ORDER BY x.item::pg_catalog.text" \
    " COLLATE \"C\") FROM pg_catalog.unnest(" array ") x (item))"

/* A column that not every version has. */
#define SQL_IF_THERE(row, column) "(pg_catalog.to_jsonb(" row ") ->> '" column "')"

#endif
