/* Directories as tests make them, and what was read from them in a line. */
#ifndef SKEIN_TESTS_UNIT_CLI_SOURCE_SANDBOX_H
#define SKEIN_TESTS_UNIT_CLI_SOURCE_SANDBOX_H

#include "sql_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/source/source.h"
#include "common/file.h"
#include "common/str.h"
#include "tests/scratch.h"

#define FILES_MAX 8

/* A new directory below a temporary one, whose name has a space in it. */
typedef struct Sandbox {
    char root[SCRATCH_PATH_MAX];
    char path[96];
} Sandbox;

static inline void sandbox_done(Sandbox *sandbox)
{
    scratch_remove(sandbox->root);
}

AUTO_DEFINE(Sandbox, sandbox_done)

static inline Sandbox sandbox_new(void)
{
    Sandbox sandbox = { 0 };
    str_copy(sandbox.root, sizeof(sandbox.root), scratch_new("source"));
    snprintf(sandbox.path, sizeof(sandbox.path), "%s/my migrations", sandbox.root);
    assert_int_equal(mkdir(sandbox.path, 0755), 0);
    return sandbox;
}

/* `name` may stand in a folder, which is made. */
static inline void sandbox_write(const Sandbox *sandbox, const char *name, const char *text)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) path = { 0 };
    Err err = { 0 };
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        mkdir(arena_printf(&arena, "%s/%.*s", sandbox->path, (int)(slash - name), name), 0755);
    }
    if (text == NULL) {
        return; /* a folder alone */
    }
    str_printf(&path, "%s/%s", sandbox->path, name);
    assert_int_equal(file_write_new(str_text(&path), text, strlen(text), 0644, &err), ERR_NONE);
}

/* Messages without the sandbox's own path, so that cases can spell them: "m/0001_a.up.sql: …". */
static inline const char *without_path(const Sandbox *sandbox, const char *text, Arena *arena)
{
    AUTO(Str) out = { 0 };
    size_t length = strlen(sandbox->path);
    for (const char *at = text; *at != '\0';) {
        bool is_path = strncmp(at, sandbox->path, length) == 0;
        str_append(&out, is_path ? "m" : (char[]){ *at, '\0' });
        at += is_path ? length : 1;
    }
    return arena_strdup(arena, str_text(&out));
}

/* "2" for two statements in a transaction, "2+(1)+3" for parts; parentheses: outside of one. */
static inline void describe_parts(const PlanScript *script, Str *out)
{
    for (size_t i = 0; i < plan_part_count(script); i++) {
        PartView part = plan_part_at(script, i);
        str_printf(out, part.is_transactional ? "%s%zu" : "%s(%zu)", i == 0 ? "" : "+", part.count);
    }
}

/* "ID VERSION NAME up/down": statements each, by parts, or "-" where nothing undoes it. */
static inline void describe(const MigrationSet *set, Str *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const PlanMigration *migration = &set->migrations[i];
        str_printf(out, "%s%s %s %s ", i == 0 ? "" : ", ", migration->id, migration->version,
                   migration->name);
        describe_parts(&migration->up, out);
        str_append(out, "/");
        if (migration->is_irreversible) {
            assert_int_equal(migration->down.count, 0);
            str_append(out, "-");
        } else {
            describe_parts(&migration->down, out);
        }
    }
}

typedef struct File {
    const char *name;
    const char *text;
} File;

static inline void sandbox_fill(const Sandbox *sandbox, const File files[FILES_MAX])
{
    for (size_t i = 0; i < FILES_MAX && files[i].name != NULL; i++) {
        sandbox_write(sandbox, files[i].name, files[i].text);
    }
}

static inline ErrCode sandbox_read(const Sandbox *sandbox, const char *format, Arena *arena,
                                   MigrationSet *ret_set, Err *err)
{
    SourceOptions options = { .format = format };
    return source_read(sandbox->path, &options, arena, ret_set, err);
}

/* "note m/FILE: …", a line each. */
static inline void describe_notes(const Sandbox *sandbox, const MigrationSet *set, Arena *arena,
                                  Str *out)
{
    for (size_t i = 0; i < set->note_count; i++) {
        str_printf(out, "%s%s %s", i == 0 ? "" : "\n", source_note_level_name(set->notes[i].level),
                   without_path(sandbox, set->notes[i].text, arena));
    }
}

/* Every row of a table: see the function that has the row's type. */
#define ASSERT_READ(rows, format) assert_read((rows), ARRAY_LEN(rows), (format))
#define ASSERT_REFUSED(rows) assert_refused((rows), ARRAY_LEN(rows))
#define ASSERT_NOTES(rows) assert_notes((rows), ARRAY_LEN(rows))
#define ASSERT_KNOWN(rows) assert_known((rows), ARRAY_LEN(rows))
#define ASSERT_NEW(format, slug, rows) assert_new((format), (slug), (rows), ARRAY_LEN(rows))

/* A directory that is read: what comes of it, as describe() says it. */
typedef struct ReadCase {
    const char *name;
    File files[FILES_MAX];
    const char *set;
} ReadCase;

static inline void assert_read(const ReadCase *rows, size_t count, const char *format)
{
    for (const ReadCase *row = rows; row < rows + count; row++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        AUTO(Str) got = { 0 };
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_fill(&sandbox, row->files);
        sandbox_read(&sandbox, NULL, &arena, &set, &err);
        assert_case(row->name, without_path(&sandbox, err.message, &arena), "");
        describe(&set, &got);
        assert_case(row->name, str_text(&got), row->set);
        assert_string_equal(set.format, format);
    }
}

/* A directory that is refused. */
typedef struct RefusedCase {
    File files[FILES_MAX];
    ErrCode code;
    const char *message;
    const char *hint;
} RefusedCase;

static inline void assert_refused(const RefusedCase *rows, size_t count)
{
    for (const RefusedCase *row = rows; row < rows + count; row++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_fill(&sandbox, row->files);
        ErrCode code = sandbox_read(&sandbox, NULL, &arena, &set, &err);
        assert_case(row->message, without_path(&sandbox, err.message, &arena), row->message);
        assert_case(row->message, err.hint, row->hint);
        assert_int_equal(code, row->code);
        assert_null(set.migrations);
    }
}

/* A directory that is read, and what is odd about it, as describe_notes() says it. */
typedef struct NotesCase {
    File files[FILES_MAX];
    const char *notes;
} NotesCase;

static inline void assert_notes(const NotesCase *rows, size_t count)
{
    for (const NotesCase *row = rows; row < rows + count; row++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        AUTO(Str) got = { 0 };
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_fill(&sandbox, row->files);
        sandbox_read(&sandbox, NULL, &arena, &set, &err);
        assert_case(row->notes, err.message, "");
        describe_notes(&sandbox, &set, &arena, &got);
        assert_case("notes", str_text(&got), row->notes);
    }
}

/* A directory whose format is known by what is in it. */
typedef struct KnownCase {
    File files[FILES_MAX];
    const SourceFormat *format; /* NULL: it is not */
} KnownCase;

static inline void assert_known(const KnownCase *rows, size_t count)
{
    for (const KnownCase *row = rows; row < rows + count; row++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        sandbox_fill(&sandbox, row->files);
        assert_ptr_equal(source_recognise(sandbox.path, &arena), row->format);
    }
}

#define NEW_AT_S 1706745599 /* 2024-01-31T23:59:59Z */

/* What `skein new` makes at NEW_AT_S. */
typedef struct NewCase {
    const char *newest; /* version that there is; NULL: none */
    const char *paths[NEW_FILES_MAX];
    const char *text;      /* of the first; NULL: any */
    File there[FILES_MAX]; /* in the directory before */
} NewCase;

static inline void assert_new_files(const NewFiles *got, const NewCase *wanted)
{
    for (size_t i = 0; i < NEW_FILES_MAX; i++) {
        assert_case("new file", i < got->count ? got->items[i].path : "none",
                    wanted->paths[i] == NULL ? "none" : wanted->paths[i]);
    }
    if (wanted->text != NULL) {
        assert_case(wanted->paths[0], got->items[0].text, wanted->text);
    }
}

static inline void assert_new(const SourceFormat *format, const char *slug, const NewCase *rows,
                              size_t count)
{
    for (const NewCase *row = rows; row < rows + count; row++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        Err err = { 0 };
        NewFiles files = { 0 };
        PlanMigration newest = { .id = "x", .version = row->newest };
        NewMigration migration = { slug, row->newest == NULL ? NULL : &newest, NEW_AT_S,
                                   sandbox.path };
        sandbox_fill(&sandbox, row->there);
        assert_int_equal(format->create(&migration, &arena, &files, &err), ERR_NONE);
        assert_new_files(&files, row);
    }
}

#endif
