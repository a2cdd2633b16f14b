/* skein-lint.yaml as a field table. */
#include "cli/lint/lint_config.h"

#include <fnmatch.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#include "common/str.h"

/* The section `lint:`. */
typedef struct Section {
    const char *from;
    uint32_t fail_on;
    const char **small_tables;
    size_t small_table_count;
    const char **shared_schemas;
    size_t shared_schema_count;
    ConfigPair *rules;
    size_t rule_count;
} Section;

typedef struct ConfigFile {
    Section lint;
} ConfigFile;

static const ConfigName FAIL_ON[] = {
    { "error", SEVERITY_ERROR },
    { "warning", SEVERITY_WARNING },
    { "notice", SEVERITY_NOTICE },
    { "never", SEVERITY_OFF },
};

static const ConfigField SECTION_FIELDS[] = {
    { CONFIG_FIELD(Section, from, CONFIG_STRING), .example = "0042",
      .doc = "The first migration that findings are told of, by version or id; those before it "
             "are read, so that lint knows what is there. None: all are told of." },
    { CONFIG_FIELD(Section, fail_on, CONFIG_ENUM), .fallback = "warning", .names = FAIL_ON,
      .name_count = ARRAY_LEN(FAIL_ON),
      .doc = "The least severe finding that makes `skein lint` exit with 1." },
    { CONFIG_FIELD_COUNTED(Section, small_tables, small_table_count, CONFIG_STRING_LIST),
      .max = 1000, .example = "[plans, \"lookup_*\"]",
      .doc = "Patterns of tables so small that no lock on them is long, and no work on them slow. "
             "Nothing is said about locks on these." },
    { CONFIG_FIELD_COUNTED(Section, shared_schemas, shared_schema_count, CONFIG_STRING_LIST),
      .max = 64, .example = "[shared, public]",
      .doc = "With a schema for each tenant: the schemas that follow it in search_path, as the "
             "rollout file says. Asks for the rule name-shared." },
    { CONFIG_FIELD_COUNTED(Section, rules, rule_count, CONFIG_STRING_MAP), .max = 1000,
      .example = "{ column-rename: error, type-json: off }",
      .doc = "How much each rule's findings weigh: error, warning, notice or off." },
};

static const ConfigTable SECTION = CONFIG_TABLE_OF("a lint section", Section, SECTION_FIELDS);

static const ConfigField FILE_FIELDS[] = {
    { CONFIG_FIELD(ConfigFile, lint, CONFIG_TABLE), .table = &SECTION,
      .doc = "What `skein lint` looks at." },
};

const ConfigTable LINT_CONFIG_TABLE =
    CONFIG_TABLE_OF("a lint configuration", ConfigFile, FILE_FIELDS);

static Severity *default_severities(Arena *arena)
{
    Severity *severities = ARENA_ARRAY(arena, Severity, lint_rule_count());
    for (size_t i = 0; i < lint_rule_count(); i++) {
        severities[i] = lint_rule_at(i)->severity;
    }
    return severities;
}

void lint_config_defaults(Arena *arena, LintConfig *ret_config)
{
    *ret_config = (LintConfig){
        .from = "",
        .fail_on = SEVERITY_WARNING,
        .severities = default_severities(arena),
    };
}

static ErrCode read_rule(const ConfigDocument *document, const ConfigPair *pair, Arena *arena,
                         Severity *severities, Err *err)
{
    const char *path = arena_printf(arena, "lint.rules.%s", pair->name);
    const LintRule *rule = lint_rule_find(pair->name);
    if (rule == NULL) {
        const char *nearest = lint_rule_nearest(pair->name);
        config_error_at(document, path, err, "no rule '%s'", pair->name);
        return nearest != NULL ? err_hint(err, "did you mean '%s'?", nearest)
                               : err_hint(err, "skein lint --rules lists them");
    }
    if (!severity_parse(pair->value, &severities[lint_rule_index(rule)])) {
        config_error_at(document, path, err, "'%s' wants a severity, found '%s'", pair->name,
                        pair->value);
        return err_hint(err, "error, warning, notice or off");
    }
    return ERR_NONE;
}

ErrCode lint_config_read(const ConfigDocument *document, Arena *arena, LintConfig *ret_config,
                         Err *err)
{
    ConfigFile file;
    ErrCode code = config_read(document, &LINT_CONFIG_TABLE, &file, arena, err);
    Severity *severities = default_severities(arena);
    for (size_t i = 0; code == ERR_NONE && i < file.lint.rule_count; i++) {
        code = read_rule(document, &file.lint.rules[i], arena, severities, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    *ret_config = (LintConfig){
        .from = file.lint.from,
        .fail_on = (Severity)file.lint.fail_on,
        .small_tables = file.lint.small_tables,
        .small_table_count = file.lint.small_table_count,
        .shared_schemas = file.lint.shared_schemas,
        .shared_schema_count = file.lint.shared_schema_count,
        .severities = severities,
    };
    return ERR_NONE;
}

static const char *find_file(const char *directory, Arena *arena)
{
    const char *inside = arena_printf(arena, "%s/" LINT_CONFIG_NAME, directory);
    const char *beside = arena_printf(arena, "%s/../" LINT_CONFIG_NAME, directory);
    if (access(inside, F_OK) == 0) {
        return inside;
    }
    return access(beside, F_OK) == 0 ? beside : NULL;
}

ErrCode lint_config_load(const char *path, const char *directory, Arena *arena,
                         LintConfig *ret_config, Err *err)
{
    AUTO_PTR(ConfigDocument) document = NULL;
    if (path == NULL) {
        path = find_file(directory, arena);
    }
    if (path == NULL) {
        lint_config_defaults(arena, ret_config);
        return ERR_NONE;
    }
    ErrCode code = config_open(path, &document, err);
    return code == ERR_NONE ? lint_config_read(document, arena, ret_config, err) : code;
}

bool lint_table_is_small(const LintConfig *config, const char *table)
{
    for (size_t i = 0; i < config->small_table_count; i++) {
        if (fnmatch(config->small_tables[i], table, 0) == 0) {
            return true;
        }
    }
    return false;
}
