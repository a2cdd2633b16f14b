/*
 * Other migration tools' own histories: which migrations such a table says are applied, and how to
 * keep it true while skein does the work. Everything here makes SQL; agents run it (PlanTool,
 * PlanScript.mirror) and know no tool.
 */
#ifndef SKEIN_CLI_ADOPT_TOOL_H
#define SKEIN_CLI_ADOPT_TOOL_H

#include "cli/source/source.h"
#include "common/err.h"
#include "common/str.h"
#include "proto/bundle.h"

/* A migration and what stands below it, for a tool that keeps but the newest. */
typedef struct ToolStep {
    const PlanMigration *migration;
    const PlanMigration *before; /* NULL: it is the first */
    const char *table;           /* as SQL writes it */
    const void *own; /* MigrationSet.own; NULL in directories of another tool, and where its file is
                        gone: then `migration` has id and version alone, and goes down */
    const MigrationSet *set; /* where its file is gone, and the directory is of the tool's format:
                                the others, each with its own; else NULL */
    const bool *stands;      /* with `set`: which of them are applied, in its order */
    bool is_down;
} ToolStep;

/* How a tool's own words spell its table's name. */
typedef enum ToolSpelling {
    TOOL_SPELLS_SQL = 0, /* as in SQL: letters are small unless they are quoted */
    TOOL_SPELLS_PARTS,   /* as it is, schema and table parted by a dot */
    TOOL_SPELLS_WHOLE,   /* as it is, dots and all */
} ToolSpelling;

/* What of its own says where its table is; all zero: nothing. */
typedef struct ToolPlace {
    const char *variable;            /* of the environment */
    const char *parameter;           /* of the address of the database */
    const char *is_quoted_parameter; /* beside it: true where the value is SQL */
    ToolSpelling spelling;
} ToolPlace;

typedef struct Tool {
    const char *name;  /* as --from and `from:` say it */
    const char *table; /* where it keeps its history, unless told otherwise */
    ToolPlace place;   /* what may say otherwise */

    /*
     * Where a table lies whose name has no schema: of a schema target in that schema, always. Of a
     * whole database, as the tool itself would look: in this schema; or in the first one of the
     * search_path; neither: wherever the search_path finds it.
     */
    const char *schema;
    bool is_in_first;
    bool is_of_database; /* it has a schema of its own, whatever is migrated beside it */
    const char *format;  /* of the directories that it works with; NULL: none that is read here */

    /*
     * Appends the query of PlanTool, behind tool_values of the migrations in question. `table`
     * is as SQL writes it.
     */
    void (*query)(const char *table, Str *out);
    /* The same, in directories of its `format`, with what only they say. Either may be NULL. */
    void (*query_own)(const MigrationSet *set, const char *table, Str *out);
    bool is_numeric;   /* versions are compared as numbers */
    bool is_by_id;     /* its rows have the id, and not the version */
    bool keeps_newest; /* its table holds one row: where it stands */
    bool hides_rest;   /* the same, or its heads: PlanTool has it */
    /* A column by which its table is known among others, and those, with commas between, that it
     * does not have; NULL: whatever it has. */
    const char *has;
    const char *lacks;

    /*
     * Appends the statement that tells the table of one step. One statement, and one that does no
     * harm when the table knows it already. NULL: this tool's table cannot be kept true.
     */
    void (*mirror)(const ToolStep *step, Str *out);
    bool needs_own; /* its table holds what only a directory of its `format` says */

    /*
     * Appends the statement that has the row of `old` (id and version alone) say what the file of
     * step->migration says, in its place: its name, its checksum. Both may be the same migration.
     * Does nothing where there is no such row, or one of the new name, too. NULL: its rows say
     * nothing of files, and nothing hangs on their places.
     */
    void (*rewrite)(const ToolStep *step, const PlanMigration *old, Str *out);
} Tool;

extern const Tool tool_golang_migrate;
extern const Tool tool_dbmate;
extern const Tool tool_rails;
extern const Tool tool_goose;
extern const Tool tool_flyway;
extern const Tool tool_diesel;
extern const Tool tool_atlas;
extern const Tool tool_prisma;
extern const Tool tool_sqitch;
extern const Tool tool_alembic;
extern const Tool tool_node_pg_migrate;
extern const Tool tool_graphile_migrate;

/* ERR_NOT_FOUND with what may have been meant. */
ErrCode tool_find(const char *name, const Tool **ret_tool, Err *err);

/* The tool that keeps directories of this format; NULL: none that is known. */
const Tool *tool_of_format(const char *format);

/* Their names, for help: "golang-migrate, dbmate, …". In `arena`. */
const char *tool_names(Arena *arena);

/* A table's name in its parts. */
typedef struct ToolTable {
    const char *schema; /* as it is; NULL: the name has none */
    const char *plain;  /* the name, as it is */
    const char *name;   /* quoted */
    const char *sql;    /* both, quoted */
} ToolTable;

/*
 * `written` read as SQL reads a name: app.schema_migrations. In `arena`. ERR_USAGE for what is no
 * such name. NULL or "": the tool's own.
 */
ErrCode tool_table(const Tool *tool, const char *written, Arena *arena, ToolTable *ret_table,
                   Err *err);

/* All of them, in the order of tool_names; NULL behind the last. */
const Tool *tool_at(size_t index);

/* The query of PlanTool.look: all tools' tables, wherever they lie, and what has `table`'s name,
 * each with whose it looks like and whether it is the one that `table` finds. */
void tool_look(const char *table, Str *out);

/* ---- for the tools' files ---- */

/* "WITH v (id, version) AS (VALUES ('0001_a', '1'), …) ". */
void tool_values(const PlanMigration *migrations, size_t count, bool is_numeric, Str *out);

/* A text as an SQL literal. */
void tool_literal(const char *text, Str *out);

#endif
