/* Types and their changes. Which need no rewrite is PostgreSQL's: pg_cast, and
 * the casts' helpers. */
#include "cli/lint/type.h"

#include <string.h>

#include "common/str.h"

#define TIME_PRECISION_MAX 6
#define INTERVAL_SECONDS (1 << 12) /* a range that goes down to seconds holds every interval */

/* Other words for a type. */
static const struct {
    const char *word;
    const char *name;
} ALIASES[] = {
    { "serial", "serial4" },  { "bigserial", "serial8" }, { "smallserial", "serial2" },
    { "decimal", "numeric" }, { "character", "bpchar" },  { "int", "int4" },
    { "integer", "int4" },    { "bigint", "int8" },       { "smallint", "int2" },
    { "boolean", "bool" },    { "real", "float4" },
};

/* As PostgreSQL shows them. */
static const struct {
    const char *name;
    const char *word;
} WORDS[] = {
    { "int2", "smallint" },     { "int4", "integer" },        { "int8", "bigint" },
    { "bool", "boolean" },      { "float4", "real" },         { "float8", "double precision" },
    { "bpchar", "char" },       { "serial2", "smallserial" }, { "serial4", "serial" },
    { "serial8", "bigserial" },
};

/* Casts that are none: the bytes stay. Extensions' included. */
static const char *const SAME_BYTES[][2] = {
    { "varchar", "text" },   { "text", "varchar" }, { "text", "bpchar" },
    { "varchar", "bpchar" }, { "cidr", "inet" },    { "xml", "text" },
    { "xml", "varchar" },    { "bit", "varbit" },   { "varbit", "bit" },
    { "int4", "oid" },       { "oid", "int4" },     { "citext", "text" },
    { "citext", "varchar" }, { "text", "citext" },  { "varchar", "citext" },
    { "oid", "regclass" },   { "regclass", "oid" },
};

static const char *const KNOWN[] = {
    "bit",     "bool",     "bpchar",  "bytea",  "cidr",    "citext",   "date",      "float4",
    "float8",  "inet",     "int2",    "int4",   "int8",    "interval", "json",      "jsonb",
    "macaddr", "money",    "numeric", "oid",    "text",    "time",     "timestamp", "timestamptz",
    "timetz",  "tsvector", "uuid",    "varbit", "varchar", "xml",      "regclass",  "name",
};

static const char *name_of_alias(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(ALIASES); i++) {
        if (str_equal(ALIASES[i].word, word)) {
            return ALIASES[i].name;
        }
    }
    return word;
}

static int32_t modifier_of(const Node *node)
{
    bool is_number = node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                     node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL;
    return is_number ? node->a_const->ival->ival : -1;
}

ColumnType type_read(const PgQuery__TypeName *type)
{
    ColumnType read = { .name = "", .modifiers = { -1, -1 } };
    if (type == NULL || type->n_names == 0) {
        return read;
    }
    read.name = name_of_alias(name_of_strings(type->names, type->n_names, 0).name);
    read.is_array = type->n_array_bounds > 0;
    for (size_t i = 0; i < type->n_typmods && i < ARRAY_LEN(read.modifiers); i++) {
        read.modifiers[i] = modifier_of(type->typmods[i]);
    }
    if (str_equal(read.name, "numeric") && read.modifiers[0] >= 0 && read.modifiers[1] < 0) {
        read.modifiers[1] = 0;
    }
    return read;
}

bool type_is_serial(const ColumnType *type)
{
    return str_starts_with(type->name, "serial") && strlen(type->name) == strlen("serial4");
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++) {
        if (str_equal(KNOWN[i], name)) {
            return true;
        }
    }
    return false;
}

static bool have_same_bytes(const char *from, const char *to)
{
    for (size_t i = 0; i < ARRAY_LEN(SAME_BYTES); i++) {
        if (str_equal(SAME_BYTES[i][0], from) && str_equal(SAME_BYTES[i][1], to)) {
            return true;
        }
    }
    return str_equal(from, to);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Does every value of the old precision fit the new one as it is? */
static bool precision_fits(int32_t from, int32_t to)
{
    return to < 0 || to >= TIME_PRECISION_MAX || (from >= 0 && to >= from);
}

static bool interval_fits(const ColumnType *from, const ColumnType *to)
{
    bool is_whole = to->modifiers[0] < 0 || (to->modifiers[0] & INTERVAL_SECONDS) != 0;
    bool is_same_range = from->modifiers[0] == to->modifiers[0];
    return (is_whole || is_same_range) && precision_fits(from->modifiers[1], to->modifiers[1]);
}

/* The new type's length or precision takes every value of the old one as it is. */
static bool modifiers_fit(const ColumnType *from, const ColumnType *to)
{
    static const char *const LONGER[] = { "varchar", "varbit" };
    static const char *const TIMES[] = { "time", "timetz", "timestamp", "timestamptz" };
    if (memcmp(from->modifiers, to->modifiers, sizeof(from->modifiers)) == 0 &&
        str_equal(from->name, to->name)) {
        return true;
    }
    if (is_one_of(to->name, LONGER, ARRAY_LEN(LONGER))) {
        bool is_same_kind = str_equal(from->name, to->name);
        return to->modifiers[0] < 0 ||
               (is_same_kind && from->modifiers[0] >= 0 && to->modifiers[0] >= from->modifiers[0]);
    }
    if (is_one_of(to->name, TIMES, ARRAY_LEN(TIMES))) {
        return precision_fits(from->modifiers[0], to->modifiers[0]);
    }
    if (str_equal(to->name, "interval")) {
        return interval_fits(from, to);
    }
    if (str_equal(to->name, "numeric")) {
        return to->modifiers[0] < 0 ||
               (from->modifiers[0] >= 0 && to->modifiers[0] >= from->modifiers[0] &&
                to->modifiers[1] == from->modifiers[1]);
    }
    return to->modifiers[0] < 0;
}

/* Free in UTC, unless the precision is cut in the same breath. */
static bool is_zone_change(const ColumnType *from, const ColumnType *to)
{
    if (to->modifiers[0] >= 0 && to->modifiers[0] < TIME_PRECISION_MAX) {
        return false;
    }
    return (str_equal(from->name, "timestamp") && str_equal(to->name, "timestamptz")) ||
           (str_equal(from->name, "timestamptz") && str_equal(to->name, "timestamp"));
}

TypeChange type_change(const ColumnType *from, const ColumnType *to, bool is_utc)
{
    bool is_same = str_equal(from->name, to->name) && from->is_array == to->is_array;
    if (from->name[0] == '\0') {
        return TYPE_CHANGE_UNKNOWN;
    }
    if (is_same && memcmp(from->modifiers, to->modifiers, sizeof(from->modifiers)) == 0) {
        return TYPE_CHANGE_NONE;
    }
    if (from->is_array || to->is_array) {
        return TYPE_CHANGE_REWRITE;
    }
    bool is_free = have_same_bytes(from->name, to->name) || (is_utc && is_zone_change(from, to));
    if (!is_free && !(is_known(from->name) && is_known(to->name))) {
        return TYPE_CHANGE_UNKNOWN;
    }
    return is_free && modifiers_fit(from, to) ? TYPE_CHANGE_NONE : TYPE_CHANGE_REWRITE;
}

const char *type_write(const ColumnType *type, Arena *arena)
{
    const char *word = type->name;
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        word = str_equal(WORDS[i].name, type->name) ? WORDS[i].word : word;
    }
    const char *end = type->is_array ? "[]" : "";
    if (type->modifiers[0] < 0 || str_equal(type->name, "interval")) {
        return arena_printf(arena, "%s%s", word, end);
    }
    if (type->modifiers[1] < 0) {
        return arena_printf(arena, "%s(%d)%s", word, type->modifiers[0], end);
    }
    return arena_printf(arena, "%s(%d,%d)%s", word, type->modifiers[0], type->modifiers[1], end);
}
