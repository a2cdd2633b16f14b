/* See graphile_settings.h. */
#include "cli/source/graphile_settings.h"

#include <stdlib.h>
#include <string.h>

#include "cli/source/found.h"
#include "cli/source/json5.h"
#include "common/json.h"

#define RC ".gmrc"
#define FOLDER "migrations"
#define FROM_ENVIRONMENT "!ENV"

/* .gmrc while it is read. */
typedef struct Rc {
    const SourceReading *reading;
    const char *file;
    JsonIn root;
    GraphileSettings *settings;
} Rc;

/* Its members; of what is no object there are none. jansson's iterators want it mutable. */
static void *first_member(const JsonIn *object)
{
    return json_object_iter((json_t *)(uintptr_t)object->value);
}

static void *next_member(const JsonIn *object, void *at)
{
    return json_object_iter_next((json_t *)(uintptr_t)object->value, at);
}

static ErrCode take_folder(const Rc *rc, Err *err)
{
    const char *folder = NULL;
    ErrCode code = json_in_string_or(&rc->root, "migrationsFolder", FOLDER, &folder, err);
    if (code != ERR_NONE) {
        return code;
    }
    while (str_starts_with(folder, "./")) {
        folder += 2;
    }
    size_t length = strlen(folder);
    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    if (*folder == '/') {
        err_set(err, ERR_SYNTAX, "%s: migrationsFolder is %s", rc->file, folder);
        return err_hint(err, "name a folder below the directory of " RC);
    }
    rc->settings->folder = arena_strndup(rc->reading->arena, folder, length);
    return ERR_NONE;
}

static ErrCode take_placeholders(const Rc *rc, Err *err)
{
    Arena *arena = rc->reading->arena;
    JsonIn object = json_in_member(&rc->root, "placeholders");
    GraphilePlaceholder *items =
        ARENA_ARRAY(arena, GraphilePlaceholder, json_object_size(object.value));
    size_t count = 0;
    for (void *at = first_member(&object); at != NULL; at = next_member(&object, at)) {
        const char *key = json_object_iter_key(at);
        const char *value = NULL;
        if (*key != ':') {
            err_set(err, ERR_SYNTAX, "%s: the placeholder \"%s\"", rc->file, key);
            return err_hint(err, "graphile-migrate wants them to begin with a colon");
        }
        if (json_in_string(&object, key, &value, err) != ERR_NONE) {
            return err->code;
        }
        const char *name = arena_strdup(arena, key + 1);
        value = str_equal(value, FROM_ENVIRONMENT) ? getenv(name) : value;
        items[count++] = (GraphilePlaceholder){
            .name = name,
            .value = value == NULL ? NULL : arena_strdup(arena, value),
        };
    }
    rc->settings->placeholders = items;
    rc->settings->placeholder_count = count;
    return ERR_NONE;
}

static void warn_of_session(const Rc *rc)
{
    JsonIn object = json_in_member(&rc->root, "pgSettings");
    for (void *at = first_member(&object); at != NULL; at = next_member(&object, at)) {
        source_note(rc->reading->notes, SOURCE_NOTE_WARNING, rc->file, 0,
                    "graphile-migrate sets %s for every migration, skein does not: say it in the "
                    "migrations, or by ALTER ROLE or ALTER DATABASE … SET",
                    json_object_iter_key(at));
    }
}

/* Of what runs around migrations, what is not empty. */
static void warn_of_actions(const Rc *rc)
{
    static const char *const ACTIONS[] = { "beforeAllMigrations", "afterAllMigrations" };
    for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
        JsonIn action = json_in_member(&rc->root, ACTIONS[i]);
        bool is_empty = json_is_array(action.value) && json_array_size(action.value) == 0;
        if (!json_in_is_absent(&action) && !is_empty) {
            source_note(rc->reading->notes, SOURCE_NOTE_WARNING, rc->file, 0,
                        "%s: skein runs migrations alone", ACTIONS[i]);
        }
    }
}

static ErrCode take(Rc *rc, const ScriptInput *file, Err *err)
{
    AUTO(Str) json = { 0 };
    AUTO_PTR(JsonDocument) document = NULL;
    json5_to_json(file->bytes, &json);
    ErrCode code =
        json_in_parse(file->file, str_text(&json), json.length, json.length + 1, &document, err);
    if (code != ERR_NONE) {
        return code;
    }
    rc->file = file->file;
    rc->root = json_in_root(document, file->file);
    rc->settings->file = file->file;
    code = take_folder(rc, err);
    if (code == ERR_NONE) {
        code = take_placeholders(rc, err);
    }
    warn_of_session(rc);
    warn_of_actions(rc);
    return code;
}

/* Without settings: the project's directory, or that of its migrations. */
static const char *find_folder(const SourceDir *dir)
{
    return source_dir_has_path(dir, FOLDER "/committed") ? FOLDER : "";
}

ErrCode graphile_settings_read(const SourceReading *reading, GraphileSettings *ret_settings,
                               Err *err)
{
    static const char *const PROGRAMS[] = { RC ".js", RC ".cjs" };
    GraphileSettings settings = { .folder = find_folder(reading->dir) };
    Rc rc = { .reading = reading, .settings = &settings };
    ScriptInput file = { 0 };
    if (source_dir_has_path(reading->dir, RC)) {
        ErrCode code = found_input(reading, RC, &file, err);
        code = code == ERR_NONE ? take(&rc, &file, err) : code;
        if (code != ERR_NONE) {
            return code;
        }
    }
    for (size_t i = 0; settings.file == NULL && i < ARRAY_LEN(PROGRAMS); i++) {
        if (source_dir_has_path(reading->dir, PROGRAMS[i])) {
            source_note(reading->notes, SOURCE_NOTE_WARNING,
                        source_dir_cite(reading->dir, PROGRAMS[i], reading->arena), 0,
                        "a program, which is not run: give what its placeholders are with --set");
        }
    }
    *ret_settings = settings;
    return ERR_NONE;
}
