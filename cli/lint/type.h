/* Types of columns, as far as their names tell; and what it takes to change one into another. */
#ifndef SKEIN_CLI_LINT_TYPE_H
#define SKEIN_CLI_LINT_TYPE_H

#include "cli/lint/tree.h"

typedef struct ColumnType {
    const char *name; /* PostgreSQL's own word: "int4", "varchar"; in lower case; "": not known */
    int32_t modifiers[2]; /* "numeric(10,2)"; -1: not said */
    bool is_array;
} ColumnType;

typedef enum TypeChange {
    TYPE_CHANGE_NONE = 0, /* the catalog alone */
    TYPE_CHANGE_REWRITE,  /* every row is written anew */
    TYPE_CHANGE_UNKNOWN,  /* a type is not known here */
} TypeChange;

/* Names are in the tree's memory. */
ColumnType type_read(const PgQuery__TypeName *type);

bool type_is_serial(const ColumnType *type); /* serial, bigserial, smallserial */

/*
 * What ALTER COLUMN … TYPE does to the rows, without USING or with a plain cast there. `is_utc`:
 * the session's TimeZone is known to be UTC.
 */
TypeChange type_change(const ColumnType *from, const ColumnType *to, bool is_utc);

/* As people write it: "varchar(20)", "integer[]". */
const char *type_write(const ColumnType *type, Arena *arena);

#endif
