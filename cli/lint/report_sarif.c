/*
 * A report as SARIF 2.1.0, as code scanning services take it: every rule is described once, every
 * finding points at its rule, its file and its place. Files are relative to where lint was started.
 */
#include "cli/lint/report.h"

#include "common/json.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static const char *const LEVELS[] = { "none", "note", "warning", "error" };
_Static_assert(ARRAY_LEN(LEVELS) == SEVERITY_COUNT_, "a level for each severity");

static void text_json(JsonOut *json, const char *key, const char *text)
{
    json_out_object_begin(json, key);
    json_out_string(json, "text", text);
    json_out_object_end(json);
}

static void rule_json(JsonOut *json, const LintRule *rule)
{
    AUTO(Arena) arena = { 0 };
    json_out_object_begin(json, NULL);
    json_out_string(json, "id", rule->id);
    text_json(json, "shortDescription", rule->title);
    text_json(json, "fullDescription", rule->explain);
    text_json(json, "help", arena_printf(&arena, "%s\n\n%s", rule->explain, rule->remedy));
    json_out_object_begin(json, "defaultConfiguration");
    json_out_bool(json, "enabled", rule->severity != SEVERITY_OFF);
    json_out_string(json, "level", LEVELS[rule->severity]);
    json_out_object_end(json);
    json_out_object_end(json);
}

static void driver_json(JsonOut *json)
{
    json_out_object_begin(json, "tool");
    json_out_object_begin(json, "driver");
    json_out_string(json, "name", "skein lint");
    json_out_string(json, "version", SKEIN_VERSION);
    json_out_array_begin(json, "rules");
    for (size_t i = 0; i < lint_rule_count(); i++) {
        rule_json(json, lint_rule_at(i));
    }
    json_out_array_end(json);
    json_out_object_end(json);
    json_out_object_end(json);
}

/* A path as a relative URI: what has a meaning there is written as %XX. */
static const char *write_uri(const char *path, Arena *arena)
{
    AUTO(Str) uri = { 0 };
    for (const unsigned char *c = (const unsigned char *)report_path(path); *c != '\0'; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || *c == '/' || *c == '.' || *c == '_' ||
                        *c == '-' || *c == '~';
        str_printf(&uri, is_plain ? "%c" : "%%%02X", *c);
    }
    return arena_strdup(arena, str_text(&uri));
}

static void location_json(JsonOut *json, const Finding *finding)
{
    AUTO(Arena) arena = { 0 };
    json_out_array_begin(json, "locations");
    json_out_object_begin(json, NULL);
    json_out_object_begin(json, "physicalLocation");
    json_out_object_begin(json, "artifactLocation");
    json_out_string(json, "uri", write_uri(finding->file, &arena));
    json_out_object_end(json);
    json_out_object_begin(json, "region");
    json_out_unsigned(json, "startLine", finding->line == 0 ? 1 : finding->line);
    json_out_unsigned(json, "startColumn", finding->column == 0 ? 1 : finding->column);
    json_out_object_end(json);
    json_out_object_end(json);
    json_out_object_end(json);
    json_out_array_end(json);
}

static const char *write_message(const Finding *finding, Arena *arena)
{
    AUTO(Str) text = { 0 };
    str_printf(&text, "%s: %s", finding->rule->title, finding->why);
    for (size_t i = 0; i < finding->safe_count; i++) {
        str_printf(&text, "%s\n%s", i == 0 ? "\n\nThe safe way:" : "\n\n-- the next migration",
                   finding->safe[i].sql);
    }
    return arena_strdup(arena, str_text(&text));
}

static void finding_json(JsonOut *json, const Finding *finding)
{
    AUTO(Arena) arena = { 0 };
    json_out_object_begin(json, NULL);
    json_out_string(json, "ruleId", finding->rule->id);
    json_out_unsigned(json, "ruleIndex", lint_rule_index(finding->rule));
    json_out_string(json, "level", LEVELS[finding->severity]);
    text_json(json, "message", write_message(finding, &arena));
    location_json(json, finding);
    if (finding->allowed != NULL) {
        json_out_array_begin(json, "suppressions");
        json_out_object_begin(json, NULL);
        json_out_string(json, "kind", "inSource");
        json_out_string(json, "justification", finding->allowed);
        json_out_object_end(json);
        json_out_array_end(json);
    }
    json_out_object_end(json);
}

void report_sarif(const LintReport *report, Str *out)
{
    JsonOut json = json_out(out);
    json_out_object_begin(&json, NULL);
    json_out_string(&json, "$schema", SCHEMA);
    json_out_string(&json, "version", "2.1.0");
    json_out_array_begin(&json, "runs");
    json_out_object_begin(&json, NULL);
    driver_json(&json);
    json_out_string(&json, "columnKind", "unicodeCodePoints");
    json_out_array_begin(&json, "results");
    for (size_t i = 0; i < report->count; i++) {
        finding_json(&json, report->findings[i]);
    }
    json_out_array_end(&json);
    json_out_object_end(&json);
    json_out_array_end(&json);
    json_out_object_end(&json);
}
