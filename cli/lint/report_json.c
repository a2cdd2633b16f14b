/* A report as JSON. */
#include "cli/lint/report.h"

#include "common/json.h"

const char *report_path(const char *path)
{
    while (str_starts_with(path, "./")) {
        path += 2;
    }
    return path;
}

static void effects_json(JsonOut *json, const Finding *finding)
{
    json_out_array_begin(json, "effects");
    for (size_t i = 0; i < finding->effect_count; i++) {
        const Effect *effect = &finding->effects[i];
        json_out_object_begin(json, NULL);
        json_out_string(json, "table", effect->is_index ? NULL : effect->table.name);
        json_out_string(json, "index", effect->is_index ? effect->table.name : NULL);
        json_out_string(json, "schema",
                        effect->table.schema[0] == '\0' ? NULL : effect->table.schema);
        json_out_string(json, "lock", lock_mode_name(effect->lock));
        json_out_string(json, "work", table_work_name(effect->work));
        json_out_bool(json, "is_certain", !effect->is_likely);
        json_out_string(json, "why", effect->why);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

static void finding_json(JsonOut *json, const Finding *finding)
{
    json_out_object_begin(json, NULL);
    json_out_string(json, "rule", finding->rule->id);
    json_out_string(json, "severity", severity_name(finding->severity));
    json_out_string(json, "migration", finding->migration);
    json_out_string(json, "file", report_path(finding->file));
    json_out_string(json, "included_from", finding->from);
    json_out_unsigned(json, "line", finding->line);
    json_out_unsigned(json, "column", finding->column);
    json_out_string(json, "title", finding->rule->title);
    json_out_string(json, "why", finding->why);
    effects_json(json, finding);
    json_out_array_begin(json, "safe_way");
    for (size_t i = 0; i < finding->safe_count; i++) {
        json_out_string(json, NULL, finding->safe[i].sql);
    }
    json_out_array_end(json);
    json_out_string(json, "allowed", finding->allowed);
    json_out_object_end(json);
}

void report_json(const LintReport *report, Str *out)
{
    JsonOut json = json_out(out);
    json_out_object_begin(&json, NULL);
    json_out_array_begin(&json, "findings");
    for (size_t i = 0; i < report->count; i++) {
        finding_json(&json, report->findings[i]);
    }
    json_out_array_end(&json);
    json_out_array_begin(&json, "warnings");
    source_warnings_json(report->notes, report->note_count, &json);
    json_out_array_end(&json);
    json_out_object_begin(&json, "counts");
    json_out_unsigned(&json, "migrations", report->migrations);
    json_out_unsigned(&json, "statements", report->statements);
    json_out_unsigned(&json, "errors", report->counts[SEVERITY_ERROR]);
    json_out_unsigned(&json, "warnings", report->counts[SEVERITY_WARNING]);
    json_out_unsigned(&json, "notices", report->counts[SEVERITY_NOTICE]);
    json_out_unsigned(&json, "allowed", report->allowed);
    json_out_object_end(&json);
    json_out_object_end(&json);
}
