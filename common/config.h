/*
 * Configuration: YAML files read by field tables into C structs.
 *
 * A table says, for every key, its type, place, default, range and what it is for; the driver
 * reads, checks, reports and documents by it. The first error ends the reading; it names file, line
 * and column, what was expected, what was found, and shows an example:
 *
 *     agent.yaml:12:5: 'connections_per_instance' wants a whole number from 1 to 100, found 'many'
 *     hint: for example `connections_per_instance: 8`
 *
 * Unknown keys (with did-you-mean), doubled keys, missing required keys, values of the wrong kind
 * or nested deeper than the tables, several documents, merge keys, tags, more than 1 MiB, and text
 * that is not UTF-8 are refused. Aliases mean what they stand for, within CONFIG_VALUES_MAX values
 * in all, so that no small file can grow large.
 */
#ifndef SKEIN_COMMON_CONFIG_H
#define SKEIN_COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

#define CONFIG_BYTES_MAX (1024 * 1024)
#define CONFIG_VALUES_MAX 100000

/* What a key holds, and the member that receives it. */
typedef enum ConfigType {
    CONFIG_NONE = 0,
    CONFIG_STRING,   /* const char *; min, max: its length in bytes. Absent without default: "" */
    CONFIG_BOOL,     /* bool; true, false, yes, no, on, off */
    CONFIG_INTEGER,  /* uint32_t, int64_t or uint64_t; min, max */
    CONFIG_DURATION, /* uint32_t, milliseconds; min, max in ms */
    CONFIG_SIZE,     /* uint64_t, bytes; min, max in bytes */
    CONFIG_ENUM,     /* uint32_t or an enum: one of `names` */
    CONFIG_CUSTOM,   /* whatever `parse` writes; `expected` says what it wants */
    CONFIG_STRING_LIST, /* const char ** and size_t; min, max: the count */
    CONFIG_STRING_MAP,  /* ConfigPair * and size_t, sorted by name; min, max: the count */
    CONFIG_TABLE,       /* an embedded struct, read by `table`; absent: its defaults */
    CONFIG_TABLE_LIST,  /* T * and size_t, each read by `table`; min, max: the count */
    CONFIG_TYPE_COUNT_,
} ConfigType;

typedef struct ConfigPair {
    const char *name;
    const char *value;
} ConfigPair;

typedef struct ConfigName {
    const char *name;
    uint32_t value;
} ConfigName;

/*
 * Writes the member at `ret` from a scalar's text, or fills err: "FILE:L:C: 'key' is refused:
 * <message>". The driver does not show the text: it may hold a password.
 */
typedef ErrCode (*ConfigParse)(const char *text, void *ret, Arena *arena, Err *err);

typedef struct ConfigTable ConfigTable;

/* One key. Made by the CONFIG_FIELD_… macros below, then designated initialisers for the rest. */
typedef struct ConfigField {
    const char *key;
    ConfigType type;
    bool is_required;
    size_t offset;       /* of the member */
    size_t count_offset; /* lists and maps: of the size_t that holds the count */
    size_t member_bytes;
    /*
     * The default. Scalars: the bare text ("5s", "tenant_*"), quoted by the printer where YAML
     * wants it; lists and maps: flow YAML ("[a, b]"). NULL: zero, "" or empty.
     */
    const char *fallback;
    int64_t min; /* see ConfigType; both 0: no range; max 0 alone: no upper end */
    int64_t max;
    const char *unit;        /* after numbers in texts: "connections"; NULL: none */
    const char *expected;    /* after "wants": "a number or a percentage"; NULL: by type */
    const char *doc;         /* a sentence or more for the sample file; required */
    const char *example;     /* as `fallback`; NULL: `fallback` is example enough */
    const ConfigName *names; /* CONFIG_ENUM */
    size_t name_count;
    /* CONFIG_CUSTOM; for CONFIG_STRING an optional check, with ret = the const char **. */
    ConfigParse parse;
    const ConfigTable *table;
} ConfigField;

struct ConfigTable {
    const char *name; /* with its article, for messages: "an instance" */
    const char *doc;  /* heads the sample file; NULL: none */
    size_t struct_bytes;
    const ConfigField *fields;
    size_t field_count;
};

/*
 * The head of a row: CONFIG_FIELD(struct AgentConfig, key_file, CONFIG_STRING) sets key, type and
 * place; key and member have one name. CONFIG_FIELD_AS where they differ; CONFIG_FIELD_COUNTED for
 * lists and maps. Usage:
 *
 *     static const ConfigField FIELDS[] = {
 *         { CONFIG_FIELD(AgentConfig, connections_per_instance, CONFIG_INTEGER),
 *           .fallback = "8", .min = 1, .max = 100, .unit = "connections",
 *           .doc = "All connections of this agent to one instance together." },
 *         { CONFIG_FIELD_COUNTED(AgentConfig, instances, instance_count, CONFIG_TABLE_LIST),
 *           .is_required = true, .min = 1, .max = 256, .table = &INSTANCE, .doc = "…" },
 *     };
 *     static const ConfigTable TABLE = CONFIG_TABLE_OF("the shop", ShopConfig, FIELDS);
 */
#define CONFIG_FIELD(Type, member, config_type) CONFIG_FIELD_AS(#member, Type, member, config_type)

#define CONFIG_FIELD_AS(name, Type, member, config_type)                                           \
    .key = (name), .type = (config_type), .offset = offsetof(Type, member),                        \
    .member_bytes = sizeof(((Type *)0)->member)

#define CONFIG_FIELD_COUNTED(Type, member, count_member, config_type)                              \
    CONFIG_FIELD(Type, member, config_type), .count_offset = offsetof(Type, count_member)

#define CONFIG_TABLE_OF(table_name, Type, rows)                                                    \
    {                                                                                              \
        .name = (table_name), .struct_bytes = sizeof(Type), .fields = (rows),                      \
        .field_count = sizeof(rows) / sizeof((rows)[0])                                            \
    }

/* ---- reading ---- */

/* A parsed file: kept as long as errors may have to point into it. */
typedef struct ConfigDocument ConfigDocument;

/*
 * ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_IO for the file; ERR_CONFIG with position for its YAML;
 * ERR_LIMIT.
 */
ErrCode config_open(const char *path, ConfigDocument **ret_document, Err *err);

/*
 * The same from memory; `name` stands for the path in messages. The bytes are not needed
 * afterwards.
 */
ErrCode config_parse(const char *name, const void *bytes, size_t length,
                     ConfigDocument **ret_document, Err *err);

/* NULL is allowed. Decoded values stay: they are in arenas. */
void config_close(ConfigDocument *document);

AUTO_PTR_DEFINE(ConfigDocument, config_close)

/*
 * Reads the document by `table` into the struct at `ret` (table->struct_bytes, overwritten whole,
 * also on error). Texts and lists live in `arena`. An empty document is an empty mapping.
 * ERR_CONFIG.
 */
ErrCode config_read(const ConfigDocument *document, const ConfigTable *table, void *ret,
                    Arena *arena, Err *err);

/* Fills `ret` with what an absent optional table has: every default. Needs no document. */
void config_defaults(const ConfigTable *table, void *ret, Arena *arena);

/* ---- errors of the caller's own checks ---- */

/* Is the key written in the file? `path`: "strategy.waves[1].targets". */
bool config_has(const ConfigDocument *document, const char *path);

/*
 * Line and column, from 1, of the value at `path`, or of the nearest enclosing one that is written.
 */
void config_locate(const ConfigDocument *document, const char *path, size_t *ret_line,
                   size_t *ret_column);

/* ERR_CONFIG "agent.yaml:12:5: <message>"; the caller may add a hint. */
ErrCode config_error_at(const ConfigDocument *document, const char *path, Err *err,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- documentation ---- */

/*
 * Appends a commented sample file: required keys with their examples, optional ones commented out
 * with their defaults, each under its explanation. The sample reads without error by the same
 * table.
 */
void config_print_sample(const ConfigTable *table, Str *out);

/*
 * Is the table itself sound: every default and example within its own range, documented, no doubled
 * key, members of the right width? For a unit test of each table. ERR_INTERNAL names the key.
 */
ErrCode config_check_table(const ConfigTable *table, Err *err);

#endif
