/*
 * Commits that touched the file, newest first; of each the file's version is read in place of
 * today's, with all the directory around it, until the checksum fits.
 */
#include "cli/past/past.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/past/git.h"
#include "cli/past/unified.h"
#include "common/clock.h"
#include "common/file.h"

#define SEARCH_MS 15000 /* for all versions together */
#define DIFF_LINES_MAX 60
#define DIFF_TEXT_MAX (1024 * 1024) /* what is longer, somebody else compares */
#define STATEMENT_LINES_MAX 12
#define STATEMENTS_MAX 5

typedef struct Search {
    const PastQuery *query;
    Arena *arena;
    const char *file; /* today's, absolute and without links */
    const char *cited;
    uint64_t deadline_ms;
    Past *past;
} Search;

static bool fits(const Search *search, const PlanMigration *migration)
{
    char text[2 * CHECKSUM_BYTES + 1] = "";
    hex_encode(migration->checksum.data, migration->checksum.length, text);
    return str_equal(text, search->query->checksum);
}

/* Does the migration come to the checksum with this text for its file? */
static bool is_version(const Search *search, const Str *text)
{
    AUTO(Arena) arena = { 0 };
    const PastQuery *query = search->query;
    SourceOverlay overlay = { search->file, { (const uint8_t *)str_text(text), text->length } };
    SourceOptions options = *query->options;
    options.overlay = &overlay;
    options.goes_on = true;
    MigrationSet set = { 0 };
    if (source_read(query->directory, &options, &arena, &set, NULL) != ERR_NONE) {
        return false;
    }
    const Plan plan = { .migrations = set.migrations, .migration_count = set.count };
    long index = plan_find(&plan, query->migration->id);
    return index >= 0 && fits(search, &set.migrations[index]);
}

/* Nothing where a text is long: commit and path say where it is. */
static void diff_write(const Search *search, const GitVersion *version, const Str *text)
{
    AUTO(Str) now = { 0 };
    AUTO(Str) diff = { 0 };
    Arena *arena = search->arena;
    if (text->length > DIFF_TEXT_MAX ||
        file_read(search->file, DIFF_TEXT_MAX, &now, NULL) != ERR_NONE) {
        return;
    }
    UnifiedSides sides = {
        .old_label = arena_printf(arena, "%s, %.12s", version->path, version->commit),
        .new_label = arena_printf(arena, "%s, now", search->cited),
        .old_text = { (const uint8_t *)str_text(text), text->length },
        .new_text = { (const uint8_t *)str_text(&now), now.length },
    };
    unified_write(&sides, DIFF_LINES_MAX, &diff);
    search->past->diff = arena_strdup(arena, str_text(&diff));
}

/* True: it is the one, or there is no time for more. */
static bool version_try(const Search *search, const GitVersion *version, const char **ret_why)
{
    AUTO(Str) text = { 0 };
    if (clock_boot_ms() >= search->deadline_ms) {
        *ret_why = "looking through its versions in git takes too long";
        return true;
    }
    if (git_show(search->file, version, &text, NULL) != ERR_NONE || !is_version(search, &text)) {
        return false;
    }
    search->past->commit = version->commit;
    search->past->date = version->date;
    search->past->author = version->author;
    search->past->subject = version->subject;
    diff_write(search, version, &text);
    return true;
}

static const char *search_versions(const Search *search)
{
    Err err = { 0 };
    GitVersions versions = { 0 };
    if (git_versions(search->file, search->arena, &versions, &err) != ERR_NONE) {
        return arena_strdup(search->arena, err.message);
    }
    const char *why = NULL;
    for (size_t i = 0; i < versions.count; i++) {
        if (version_try(search, &versions.items[i], &why)) {
            return why;
        }
    }
    return versions.count == 0
               ? "git has no commit with its file"
               : arena_printf(search->arena,
                              "none of the %zu version%s of its file that git has is what was "
                              "applied",
                              versions.count, versions.count == 1 ? "" : "s");
}

void past_find(const PastQuery *query, Arena *arena, Past *ret_past)
{
    const ScriptOrigin *origin = source_origin(query->set, &query->migration->up);
    *ret_past = (Past){ .diff = "" };
    char *real = origin == NULL ? NULL : realpath(origin->file, NULL);
    if (real == NULL) {
        ret_past->why = "its statements do not stand in a file";
        return;
    }
    Search search = {
        .query = query,
        .arena = arena,
        .file = arena_strdup(arena, real),
        .cited = origin->file,
        .deadline_ms = clock_boot_ms() + SEARCH_MS,
        .past = ret_past,
    };
    free(real);
    ret_past->why = search_versions(&search);
}

/* ---- without a version ---- */

static void statement_write(const PlanStatement *statement, uint32_t number, Str *out)
{
    str_printf(out, "statement %u, %s, line %u:\n", number, statement->kind, statement->line);
    const char *at = statement->sql;
    for (unsigned i = 0; *at != '\0' && i < STATEMENT_LINES_MAX; i++) {
        size_t length = strcspn(at, "\n");
        str_printf(out, "  %.*s\n", (int)length, at);
        at += length + (at[length] == '\n');
    }
    str_append(out, *at == '\0' ? "" : "  …\n");
}

void past_write_statements(const PlanMigration *migration, Bytes applied, Str *out)
{
    PlanChange change = plan_change(migration, applied);
    for (uint32_t i = 0; change.is_known && i < change.come; i++) {
        uint32_t index = change.first + i;
        if (i == STATEMENTS_MAX || index >= migration->up.count) {
            str_printf(out, "… and %u more\n", change.come - i);
            return;
        }
        statement_write(&migration->up.statements[index], index + 1, out);
    }
}

const Past *past_look(const PastQuery *query, Bytes applied, Arena *arena, const char **ret_now)
{
    AUTO(Str) now = { 0 };
    Past *past = ARENA_NEW(arena, Past);
    past_find(query, arena, past);
    if (past->commit == NULL) {
        past_write_statements(query->migration, applied, &now);
    }
    *ret_now = arena_strdup(arena, str_text(&now));
    return past;
}
