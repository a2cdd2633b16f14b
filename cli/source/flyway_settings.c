/* See flyway_settings.h. A new key is a row of KEYS, whichever of the two files it stands in. */
#include "cli/source/flyway_settings.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cli/source/found.h"
#include "cli/source/lines.h"

#define CONF "flyway.conf"
#define TOML "flyway.toml"
#define NAMESPACE "flyway."
#define PLACEHOLDERS "placeholders."
#define RESOURCES "src/main/resources" /* where builds take a class path from */
#define BLANKS " \t"
#define QUOTES "\"'"

/* One setting: its key without the namespace, and its value without quotes. */
typedef struct Setting {
    const SourceReading *reading;
    const char *file;
    uint32_t line;
    const char *key;
    FlywayList values; /* at least one */
} Setting;

static const char *value_of(const Setting *setting)
{
    return setting->values.items[0];
}

static ErrCode refuse(const Setting *setting, Err *err, const char *hint)
{
    err_set(err, ERR_SYNTAX, "%s:%u: skein cannot keep to %s=%s", setting->file, setting->line,
            setting->key, value_of(setting));
    return err_hint(err, "%s", hint);
}

static void warn(const Setting *setting, const char *words)
{
    source_note(setting->reading->notes, SOURCE_NOTE_WARNING, setting->file, setting->line,
                "%s=%s %s", setting->key, value_of(setting), words);
}

/* ---- the keys ---- */

static ErrCode read_bool(const Setting *setting, bool *ret_value, Err *err)
{
    *ret_value = strcasecmp(value_of(setting), "true") == 0;
    return *ret_value || strcasecmp(value_of(setting), "false") == 0
               ? ERR_NONE
               : err_set(err, ERR_SYNTAX, "%s:%u: \"%s\" is neither true nor false", setting->file,
                         setting->line, value_of(setting));
}

static ErrCode take_locations(const Setting *setting, FlywaySettings *settings, Err *err)
{
    (void)err;
    bool is_said = setting->values.count > 1 || *value_of(setting) != '\0';
    settings->locations = is_said ? setting->values : (FlywayList){ 0 };
    settings->locations_line = setting->line;
    return ERR_NONE;
}

static ErrCode take_prefix(const Setting *setting, FlywaySettings *settings, Err *err)
{
    static const char *const KINDS[FLYWAY_PREFIX_COUNT_] = {
        "sqlMigrationPrefix",
        "undoSqlMigrationPrefix",
        "repeatableSqlMigrationPrefix",
        "baselineMigrationPrefix",
    };
    (void)err;
    for (size_t i = 0; i < FLYWAY_PREFIX_COUNT_; i++) {
        if (str_equal(KINDS[i], setting->key)) {
            settings->prefixes[i] = value_of(setting);
        }
    }
    return ERR_NONE;
}

static ErrCode take_separator(const Setting *setting, FlywaySettings *settings, Err *err)
{
    settings->separator = value_of(setting);
    return *settings->separator != '\0'
               ? ERR_NONE
               : refuse(setting, err, "name what stands between a version and its words");
}

static ErrCode take_suffixes(const Setting *setting, FlywaySettings *settings, Err *err)
{
    (void)err;
    settings->suffixes = setting->values;
    return ERR_NONE;
}

static ErrCode take_replacement(const Setting *setting, FlywaySettings *settings, Err *err)
{
    return read_bool(setting, &settings->is_replacing, err);
}

static ErrCode take_mark(const Setting *setting, FlywaySettings *settings, Err *err)
{
    bool is_prefix = str_equal(setting->key, "placeholderPrefix");
    *(is_prefix ? &settings->placeholder_prefix : &settings->placeholder_suffix) =
        value_of(setting);
    return *value_of(setting) != '\0' ? ERR_NONE : refuse(setting, err, "name a mark");
}

static ErrCode take_transaction(const Setting *setting, FlywaySettings *settings, Err *err)
{
    settings->has_transaction = true;
    return read_bool(setting, &settings->is_in_transaction, err);
}

static ErrCode take_table(const Setting *setting, FlywaySettings *settings, Err *err)
{
    (void)err;
    settings->table = value_of(setting);
    return ERR_NONE;
}

/* Flyway puts it before the search_path of every migration; the first of `schemas` where it is not
 * said. */
static ErrCode take_schema(const Setting *setting, FlywaySettings *settings, Err *err)
{
    (void)err;
    bool is_said = str_equal(setting->key, "defaultSchema") || settings->schema == NULL;
    settings->schema = is_said ? value_of(setting) : settings->schema;
    if (is_said && *value_of(setting) != '\0' && !str_equal(value_of(setting), "public")) {
        warn(setting, "is the search_path of Flyway's migrations; skein's is the target's own: "
                      "name the schema as a target, or in the SQL");
    }
    return ERR_NONE;
}

static ErrCode take_encoding(const Setting *setting, FlywaySettings *settings, Err *err)
{
    (void)settings;
    bool is_ours =
        strcasecmp(value_of(setting), "UTF-8") == 0 || strcasecmp(value_of(setting), "UTF8") == 0;
    return is_ours ? ERR_NONE : refuse(setting, err, "save the files as UTF-8");
}

static ErrCode take_target(const Setting *setting, FlywaySettings *settings, Err *err)
{
    (void)settings;
    (void)err;
    if (strcasecmp(value_of(setting), "latest") != 0) {
        warn(setting, "is where Flyway stops; skein goes as far as --to or `to:` says");
    }
    return ERR_NONE;
}

static ErrCode take_order(const Setting *setting, FlywaySettings *settings, Err *err)
{
    bool is_any = false;
    (void)settings;
    if (read_bool(setting, &is_any, err) != ERR_NONE) {
        return ERR_SYNTAX;
    }
    if (is_any) {
        warn(setting, "is for skein to be said: --out-of-order apply, or `out_of_order: apply`");
    }
    return ERR_NONE;
}

static ErrCode take_first_sql(const Setting *setting, FlywaySettings *settings, Err *err)
{
    (void)settings;
    return *value_of(setting) == '\0'
               ? ERR_NONE
               : refuse(setting, err,
                        "begin the migrations that need it with it, or let the role's own "
                        "settings say it");
}

static ErrCode take_choice(const Setting *setting, FlywaySettings *settings, Err *err)
{
    (void)settings;
    return *value_of(setting) == '\0'
               ? ERR_NONE
               : refuse(setting, err, "a plan holds the whole history, in its order");
}

static ErrCode take_java(const Setting *setting, FlywaySettings *settings, Err *err)
{
    (void)settings;
    return *value_of(setting) == '\0' || strcasecmp(value_of(setting), "false") == 0
               ? ERR_NONE
               : refuse(setting, err, "skein runs SQL alone");
}

static const struct {
    const char *key;
    ErrCode (*take)(const Setting *setting, FlywaySettings *settings, Err *err);
} KEYS[] = {
    { "locations", take_locations },
    { "sqlMigrationPrefix", take_prefix },
    { "undoSqlMigrationPrefix", take_prefix },
    { "repeatableSqlMigrationPrefix", take_prefix },
    { "baselineMigrationPrefix", take_prefix },
    { "sqlMigrationSeparator", take_separator },
    { "sqlMigrationSuffixes", take_suffixes },
    { "sqlMigrationSuffix", take_suffixes }, /* until Flyway 5 */
    { "placeholderReplacement", take_replacement },
    { "placeholderPrefix", take_mark },
    { "placeholderSuffix", take_mark },
    { "executeInTransaction", take_transaction },
    { "table", take_table },
    { "defaultSchema", take_schema },
    { "schemas", take_schema },
    { "encoding", take_encoding },
    { "target", take_target },
    { "outOfOrder", take_order },
    { "initSql", take_first_sql },
    { "cherryPick", take_choice },
    { "resolvers", take_java },
    { "skipDefaultResolvers", take_java },
};

static ErrCode take_placeholder(const Setting *setting, FlywaySettings *settings, Err *err)
{
    Arena *arena = setting->reading->arena;
    const char *name = setting->key + strlen(PLACEHOLDERS);
    if (*name == '\0') {
        return ERR_NONE;
    }
    if (variables_find_any_case(&settings->placeholders, name) != NULL) {
        return err_set(err, ERR_SYNTAX, "%s:%u: the placeholder \"%s\" is set twice", setting->file,
                       setting->line, name);
    }
    const char *text = arena_printf(arena, "%s=%s", name, value_of(setting));
    return variables_add(&settings->placeholders, text, arena, err);
}

static ErrCode take(const Setting *setting, FlywaySettings *settings, Err *err)
{
    if (str_starts_with(setting->key, PLACEHOLDERS)) {
        return take_placeholder(setting, settings, err);
    }
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        if (str_equal(KEYS[i].key, setting->key)) {
            return KEYS[i].take(setting, settings, err);
        }
    }
    return ERR_NONE;
}

/* ---- the files ---- */

/* Without blanks around it. */
static const char *trimmed(const char *text, size_t length, Arena *arena)
{
    while (length > 0 && isspace((unsigned char)text[0])) {
        text++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    return arena_strndup(arena, text, length);
}

static void add_value(FlywayList *list, const char *value)
{
    if (list->count < FLYWAY_LIST_MAX) {
        list->items[list->count++] = value;
    }
}

/* "a, b": a row of values; what is none is one empty value. */
static FlywayList split_row(const char *text, Arena *arena)
{
    FlywayList list = { 0 };
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        add_value(&list, trimmed(at, length, arena));
        at += length;
        if (*at == '\0') {
            return list;
        }
    }
}

/* Java's properties: "flyway.key=value", where a "\" at the end of a line joins the next to it. */
static ErrCode read_conf(const ScriptInput *file, Setting *setting, FlywaySettings *settings,
                         Err *err)
{
    Arena *arena = setting->reading->arena;
    for (TextLine line = { 0 }; text_next_line(file->bytes, &line);) {
        AUTO(Str) whole = { 0 };
        setting->line = line.number;
        bool goes_on = true;
        while (goes_on) {
            goes_on = line.length > 0 && line.start[line.length - 1] == '\\';
            const char *words = text_line_words(&line);
            str_append_bytes(&whole, words, (size_t)(line.start + line.length - words) - goes_on);
            goes_on = goes_on && text_next_line(file->bytes, &line);
        }
        const char *text = str_text(&whole);
        size_t sign = strcspn(text, "=:");
        const char *key = trimmed(text, sign, arena);
        if (strchr("#!", *text) != NULL || text[sign] == '\0' || !str_starts_with(key, NAMESPACE)) {
            continue;
        }
        const char *value = text + sign + 1;
        setting->key = key + strlen(NAMESPACE);
        bool is_row = !str_starts_with(setting->key, PLACEHOLDERS);
        setting->values = (FlywayList){ { trimmed(value, strlen(value), arena) }, 1 };
        if (is_row) {
            setting->values = split_row(value, arena);
        }
        if (take(setting, settings, err) != ERR_NONE) {
            return err->code;
        }
    }
    return ERR_NONE;
}

/* Where the text of a TOML value ends: behind its quotes, or before a comment. */
static size_t toml_length(const char *text)
{
    if (*text != '\0' && strchr(QUOTES, *text) != NULL) {
        size_t length = strcspn(text + 1, (char[]){ *text, '\0' });
        return text[1 + length] == '\0' ? 1 + length : 2 + length;
    }
    return strcspn(text, ",]#");
}

/* Blanks, commas and comments between values. */
static const char *toml_skip(const char *at)
{
    for (;;) {
        at += strspn(at, BLANKS ",\n");
        if (*at != '#') {
            return at;
        }
        at += strcspn(at, "\n");
    }
}

/* What people write there: strings, words, and rows of them in brackets. No escapes. */
static FlywayList toml_values(const char *text, Arena *arena)
{
    FlywayList list = { 0 };
    bool is_row = *text == '[';
    for (const char *at = toml_skip(text + is_row); *at != '\0' && *at != ']';) {
        size_t length = toml_length(at);
        bool is_quoted = length > 1 && strchr(QUOTES, *at) != NULL;
        add_value(&list, is_quoted ? arena_strndup(arena, at + 1, length - 2)
                                   : trimmed(at, length, arena));
        at = toml_skip(at + length);
        if (!is_row) {
            break;
        }
    }
    if (list.count == 0) {
        add_value(&list, "");
    }
    return list;
}

/* A row may go over several lines. */
static const char *toml_whole(const ScriptInput *file, TextLine *line, Arena *arena)
{
    AUTO(Str) whole = { 0 };
    for (;;) {
        str_append_bytes(&whole, line->start, line->length);
        str_append_char(&whole, '\n');
        const char *equals = strchr(str_text(&whole), '=');
        bool is_open = equals != NULL && equals[1 + strspn(equals + 1, BLANKS)] == '[' &&
                       strchr(equals, ']') == NULL;
        if (!is_open || !text_next_line(file->bytes, line)) {
            return trimmed(str_text(&whole), whole.length, arena);
        }
    }
}

static ErrCode read_toml(const ScriptInput *file, Setting *setting, FlywaySettings *settings,
                         Err *err)
{
    Arena *arena = setting->reading->arena;
    const char *table = "";
    for (TextLine line = { 0 }; text_next_line(file->bytes, &line);) {
        setting->line = line.number;
        const char *text = toml_whole(file, &line, arena);
        size_t sign = strcspn(text, "=");
        if (*text == '[') {
            table = arena_printf(arena, "%s.", trimmed(text + 1, strcspn(text + 1, "]"), arena));
            continue;
        }
        const char *name = trimmed(text, sign, arena);
        const char *key = arena_printf(arena, "%s%s", table[0] == '.' ? "" : table, name);
        if (*text == '#' || text[sign] == '\0' || !str_starts_with(key, NAMESPACE)) {
            continue;
        }
        const char *value = text + sign + 1;
        setting->key = key + strlen(NAMESPACE);
        setting->values = toml_values(value + strspn(value, BLANKS), arena);
        if (take(setting, settings, err) != ERR_NONE) {
            return err->code;
        }
    }
    return ERR_NONE;
}

const FlywaySettings FLYWAY_DEFAULTS = {
    .prefixes = { "V", "U", "R", "B" },
    .separator = "__",
    .suffixes = { { ".sql" }, 1 },
    .is_replacing = true,
    .placeholder_prefix = "${",
    .placeholder_suffix = "}",
    .table = FLYWAY_TABLE,
};

bool flyway_has_settings(const SourceDir *dir)
{
    return source_dir_has(dir, CONF) || source_dir_has(dir, TOML);
}

/* Where both are there, Flyway takes the second. */
ErrCode flyway_settings_read(const SourceReading *reading, FlywaySettings *ret_settings, Err *err)
{
    FlywaySettings settings = FLYWAY_DEFAULTS;
    ScriptInput file = { 0 };
    bool is_toml = source_dir_has(reading->dir, TOML);
    ErrCode code = ERR_NONE;
    if (flyway_has_settings(reading->dir)) {
        code = found_input(reading, is_toml ? TOML : CONF, &file, err);
        settings.file = file.file;
    }
    Setting setting = { .reading = reading, .file = file.file };
    if (code == ERR_NONE) {
        code = (is_toml ? read_toml : read_conf)(&file, &setting, &settings, err);
    }
    if (code == ERR_NONE) {
        *ret_settings = settings;
        ret_settings->placeholders.first = &reading->options->variables;
    }
    return code;
}

const char *flyway_folder(const SourceReading *reading, const char *location)
{
    const char *colon = strchr(location, ':');
    const char *path = colon == NULL ? location : colon + 1;
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
    }
    const char *resource = arena_printf(reading->arena, RESOURCES "/%s", path);
    bool is_resource = str_starts_with(location, "classpath:") || colon == NULL;
    if (str_equal(path, ".")) {
        return "";
    }
    if (source_dir_has_path(reading->dir, path) && path[0] != '/') {
        return path;
    }
    return is_resource && source_dir_has_path(reading->dir, resource) ? resource : NULL;
}
