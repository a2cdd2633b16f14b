/* The list of tools, and what their files share. */
#include "cli/adopt/tool.h"

#include <ctype.h>
#include <string.h>

#include "common/cleanup.h"

#define NAME_PARTS_MAX 2
#define IDENTIFIER_MAX 63 /* bytes; PostgreSQL cuts longer ones */

static const Tool *const TOOLS[] = {
    &tool_golang_migrate, &tool_flyway,  &tool_dbmate,          &tool_rails,
    &tool_goose,          &tool_diesel,  &tool_atlas,           &tool_prisma,
    &tool_sqitch,         &tool_alembic, &tool_node_pg_migrate, &tool_graphile_migrate,
};

ErrCode tool_find(const char *name, const Tool **ret_tool, Err *err)
{
    const char *names[ARRAY_LEN(TOOLS)];
    for (size_t i = 0; i < ARRAY_LEN(TOOLS); i++) {
        names[i] = TOOLS[i]->name;
        if (str_equal(names[i], name)) {
            *ret_tool = TOOLS[i];
            return ERR_NONE;
        }
    }
    err_set(err, ERR_NOT_FOUND, "no tool '%s' whose history could be adopted", name);
    const char *nearest = str_nearest(name, names, ARRAY_LEN(names));
    AUTO(Arena) arena = { 0 };
    return nearest == NULL ? err_hint(err, "one of: %s", tool_names(&arena))
                           : err_hint(err, "did you mean %s?", nearest);
}

const Tool *tool_of_format(const char *format)
{
    for (size_t i = 0; i < ARRAY_LEN(TOOLS); i++) {
        if (TOOLS[i]->format != NULL && str_equal(TOOLS[i]->format, format)) {
            return TOOLS[i];
        }
    }
    return NULL;
}

const Tool *tool_at(size_t index)
{
    return index < ARRAY_LEN(TOOLS) ? TOOLS[index] : NULL;
}

const char *tool_names(Arena *arena)
{
    AUTO(Str) names = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(TOOLS); i++) {
        str_printf(&names, "%s%s", i == 0 ? "" : ", ", TOOLS[i]->name);
    }
    return arena_strdup(arena, str_text(&names));
}

/* ---- names ---- */

/* One part of a name as it is written: letters, digits, _ and $, or anything in double quotes. */
static ErrCode read_identifier(const char **at, Str *out, Err *err)
{
    bool is_quoted = **at == '"';
    size_t length = 0;
    *at += is_quoted ? 1 : 0;
    for (; **at != '\0'; (*at)++, length++) {
        bool is_pair = is_quoted && (*at)[0] == '"' && (*at)[1] == '"';
        bool is_plain = isalnum((unsigned char)**at) || strchr("_$", **at) != NULL ||
                        ((unsigned char)**at & 0x80) != 0;
        if (is_pair) {
            (*at)++;
        } else if (is_quoted ? **at == '"' : !is_plain) {
            break;
        }
        str_append_char(out, is_quoted ? **at : (char)tolower((unsigned char)**at));
    }
    if (is_quoted && *(*at)++ != '"') {
        return err_set(err, ERR_USAGE, "the quotes of a table's name are not closed");
    }
    if (length == 0 || out->length > IDENTIFIER_MAX) {
        return err_set(err, ERR_USAGE, "a name has 1 to %d bytes", IDENTIFIER_MAX);
    }
    return ERR_NONE;
}

static ErrCode read_table(const char *written, Arena *arena, ToolTable *ret_table, Err *err)
{
    const char *at = written;
    ToolTable table = { 0 };
    AUTO(Str) sql = { 0 };
    for (size_t part = 0; part < NAME_PARTS_MAX; part++) {
        AUTO(Str) name = { 0 };
        ErrCode code = read_identifier(&at, &name, err);
        if (code != ERR_NONE) {
            return code;
        }
        size_t before = sql.length;
        str_append_quoted(&sql, str_text(&name), '"');
        if (*at == '\0') {
            table.sql = arena_strdup(arena, str_text(&sql));
            table.name = table.sql + before;
            table.plain = arena_strdup(arena, str_text(&name));
            *ret_table = table;
            return ERR_NONE;
        }
        if (*at != '.' || part + 1 == NAME_PARTS_MAX) {
            break;
        }
        at++;
        str_append_char(&sql, '.');
        table.schema = arena_strdup(arena, str_text(&name));
    }
    return err_set(err, ERR_USAGE, "found \"%s\" behind the name", at);
}

ErrCode tool_table(const Tool *tool, const char *written, Arena *arena, ToolTable *ret_table,
                   Err *err)
{
    const char *name = written == NULL || written[0] == '\0' ? tool->table : written;
    if (read_table(name, arena, ret_table, err) != ERR_NONE) {
        err_wrap(err, "'%s' is not a table's name", name);
        return err_hint(err, "for example %s, or app.%s", tool->table, tool->table);
    }
    return ERR_NONE;
}

/* ---- which tools' tables are there ---- */

/* "schema_migrations", of "app"."schema_migrations" as of atlas_schema_revisions.…; unquoted. */
static const char *last_name(const char *table, Arena *arena)
{
    const char *dot = strrchr(table, '.');
    const char *name = dot == NULL ? table : dot + 1;
    size_t length = strlen(name);
    bool is_quoted = name[0] == '"' && length > 1;
    return arena_strndup(arena, name + is_quoted, length - (is_quoted ? 2 : 0));
}

static void look_row(const char *name, const char *has, const char *lacks, const char *whose,
                     Str *out)
{
    str_append(out, "(");
    tool_literal(name, out);
    str_append(out, ", ");
    tool_literal(has == NULL ? "" : has, out);
    str_append(out, ", ");
    tool_literal(lacks == NULL ? "" : lacks, out);
    str_append(out, ", ");
    tool_literal(whose, out);
    str_append(out, ")");
}

/* Names compared as text: those of the catalog are of another type. */
static const char LOOK[] =
    "), f AS (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, k.whose,"
    "  coalesce(c.oid = w.asked, false) AS is_asked"
    "  FROM k JOIN pg_catalog.pg_class c ON c.relname::pg_catalog.text = k.name"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS JOIN w"
    "  WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'skein'"
    "  AND (k.has = '' OR EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid ="
    "   c.oid AND a.attname::pg_catalog.text = k.has AND NOT a.attisdropped))"
    "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND NOT"
    "   a.attisdropped AND a.attname::pg_catalog.text ="
    "   ANY (pg_catalog.string_to_array(k.lacks, ','))))"
    " SELECT f.name, coalesce(nullif(pg_catalog.string_agg(DISTINCT f.whose, ' or ') FILTER"
    "  (WHERE f.whose <> ''), ''), 'of nobody known'), pg_catalog.bool_or(f.is_asked)"
    " FROM f GROUP BY f.name ORDER BY 3 DESC, 1 LIMIT 6"; /* five are told, and that there are more
                                                           */

/* Whatever it is called, the one that is asked is known by its columns. */
void tool_look(const char *table, Str *out)
{
    AUTO(Arena) arena = { 0 };
    const char *asked = last_name(table, &arena);
    str_append(out, "WITH w (asked) AS (SELECT pg_catalog.to_regclass(");
    tool_literal(table, out);
    str_append(out, ")::pg_catalog.oid), k (name, has, lacks, whose) AS (VALUES ");
    for (size_t i = 0; i < ARRAY_LEN(TOOLS); i++) {
        const Tool *tool = TOOLS[i];
        look_row(last_name(tool->table, &arena), tool->has, tool->lacks, tool->name, out);
        str_append(out, ", ");
        look_row(asked, tool->has, tool->lacks, tool->name, out);
        str_append(out, ", ");
    }
    look_row(asked, NULL, NULL, "", out);
    str_append(out, LOOK);
}

/* ---- for the tools' files ---- */

/* With standard_conforming_strings, which skein's sessions have on, only quotes are special. */
void tool_literal(const char *text, Str *out)
{
    str_append_quoted(out, text, '\'');
}

void tool_values(const PlanMigration *migrations, size_t count, bool is_numeric, Str *out)
{
    str_append(out, "WITH v (id, version) AS (VALUES ");
    for (size_t i = 0; i < count; i++) {
        str_append(out, i == 0 ? "(" : ", (");
        tool_literal(migrations[i].id, out);
        str_append(out, ", ");
        tool_literal(migrations[i].version, out);
        str_append(out, is_numeric ? "::pg_catalog.numeric)" : "::pg_catalog.text)");
    }
    str_append(out, ") ");
}
