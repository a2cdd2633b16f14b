/* Which files are for PostgreSQL. */
#include "cli/source/dialect.h"

#include <string.h>
#include <strings.h>

#include "common/list.h"
#include "common/map.h"

static const char *const OURS[] = { "postgres", "postgresql", "pg", "pgsql", "psql" };

static const char *const OTHERS[] = {
    "mysql",  "mariadb", "sqlite",    "sqlite3",     "mssql",    "sqlserver",
    "oracle", "h2",      "cockroach", "cockroachdb", "crdb",     "clickhouse",
    "tidb",   "spanner", "db2",       "snowflake",   "redshift", "yugabytedb",
};

typedef struct Part {
    const char *start;
    size_t length;
} Part;

static bool is_among(Part part, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(words[i]) == part.length &&
            strncasecmp(part.start, words[i], part.length) == 0) {
            return true;
        }
    }
    return false;
}

/* The first part between two dots that names a kind of database; length 0: none does. */
static Part find_dialect(const char *name, bool *ret_is_ours)
{
    const char *dot = strchr(name, '.');
    for (const char *next; dot != NULL && (next = strchr(dot + 1, '.')) != NULL; dot = next) {
        Part part = { dot + 1, (size_t)(next - dot - 1) };
        *ret_is_ours = is_among(part, OURS, ARRAY_LEN(OURS));
        if (*ret_is_ours || is_among(part, OTHERS, ARRAY_LEN(OTHERS))) {
            return part;
        }
    }
    return (Part){ name, 0 };
}

/* The name as it would be for any database. */
static const char *without_dialect(const char *name, Part dialect, Arena *arena)
{
    return arena_printf(arena, "%.*s%s", (int)(dialect.start - name), name,
                        dialect.start + dialect.length + 1);
}

/* The names that stand aside for one of PostgreSQL's own. */
static Map *collect_general(const SourceDir *dir, Arena *arena)
{
    Map *general = map_new();
    for (size_t i = 0; i < dir->count; i++) {
        bool is_ours = false;
        Part dialect = find_dialect(dir->names[i], &is_ours);
        if (dialect.length > 0 && is_ours) {
            map_put(general, without_dialect(dir->names[i], dialect, arena),
                    arena_strdup(arena, dir->names[i]));
        }
    }
    return general;
}

static void note_left_out(const SourceDir *dir, size_t count, const char *first, SourceNotes *notes)
{
    if (count == 1) {
        source_note(notes, SOURCE_NOTE_INFO, dir->path, 0,
                    "%s is not for PostgreSQL, as its name says, and is left out", first);
    } else if (count > 1) {
        source_note(notes, SOURCE_NOTE_INFO, dir->path, 0,
                    "%zu files are not for PostgreSQL, as their names say, and are left out: %s, …",
                    count, first);
    }
}

void dialect_filter(SourceDir *dir, SourceNotes *notes, Arena *arena)
{
    AUTO_PTR(Map) general = collect_general(dir, arena);
    const char **kept = ARENA_ARRAY(arena, const char *, dir->count);
    const char *left_out = NULL;
    size_t count = 0;
    for (size_t i = 0; i < dir->count; i++) {
        const char *name = dir->names[i];
        bool is_ours = false;
        Part dialect = find_dialect(name, &is_ours);
        bool is_other = dialect.length > 0 && !is_ours;
        bool is_sql = str_ends_with(name, ".sql");
        if (is_sql && (is_other || map_get(general, name) != NULL)) {
            left_out = left_out == NULL ? name : left_out;
            continue;
        }
        kept[count++] = name;
    }
    note_left_out(dir, dir->count - count, left_out, notes);
    dir->names = kept;
    dir->count = count;
}

bool dialect_is_other(const char *folder)
{
    return is_among((Part){ folder, strlen(folder) }, OTHERS, ARRAY_LEN(OTHERS));
}

const char *dialect_folder(const SourceDir *dir)
{
    for (size_t i = 0; i < dir->folder_count; i++) {
        Part folder = { dir->folders[i], strlen(dir->folders[i]) };
        if (is_among(folder, OURS, ARRAY_LEN(OURS))) {
            return dir->folders[i];
        }
    }
    return NULL;
}
