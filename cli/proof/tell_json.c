/* A proof as JSON. */
#include "cli/proof/tell.h"
#include "common/json.h"

static void place_json(JsonOut *json, const char *key, const Place *place)
{
    if (place->statement == NULL) {
        json_out_null(json, key);
        return;
    }
    json_out_object_begin(json, key);
    json_out_string(json, "file", place->file);
    json_out_unsigned(json, "line", place->statement->line);
    json_out_string(json, "included_from", place->from);
    json_out_unsigned(json, "statement", place->number);
    json_out_string(json, "kind", place->statement->kind);
    json_out_object_end(json);
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void finding_json(JsonOut *json, const Finding *finding)
{
    json_out_object_begin(json, NULL);
    json_out_string(json, "way", finding->way);
    json_out_string(json, "step", proof_step_name(finding->step));
    json_out_string(json, "kind", finding->kind);
    json_out_string(json, "class", finding->class);
    json_out_string(json, "object", or_null(finding->object));
    json_out_string(json, "text", finding->text);
    json_out_string(json, "before", or_null(finding->before));
    json_out_string(json, "after", or_null(finding->after));
    json_out_string(json, "sqlstate", or_null(finding->sqlstate));
    json_out_string(json, "hint", or_null(finding->hint));
    json_out_string(json, "met_by", finding->met_by);
    place_json(json, "up", &finding->up);
    place_json(json, "down", &finding->down);
    json_out_object_end(json);
}

static void findings_json(JsonOut *json, const Findings *findings)
{
    json_out_array_begin(json, "findings");
    for (size_t i = 0; i < findings->count; i++) {
        finding_json(json, &findings->items[i]);
    }
    json_out_array_end(json);
}

static void migration_json(const Told *told, JsonOut *json, size_t index)
{
    AUTO(Arena) arena = { 0 };
    const Proved *proved = &told->proof->items[index];
    Findings findings = findings_of(told->proof, told->set, index, &arena);
    json_out_object_begin(json, NULL);
    json_out_string(json, "id", proved->migration->id);
    json_out_string(json, "verdict", verdict_name(proved_verdict(proved)));
    json_out_string(json, "alone", verdict_name(proved->alone.verdict));
    json_out_string(json, "why_not_alone", proved->why_not_alone);
    json_out_string(json, "chain", verdict_name(proved->chain.verdict));
    json_out_string(json, "tenant", verdict_name(proved->tenant.verdict));
    findings_json(json, &findings);
    json_out_object_end(json);
}

static void chain_json(const Told *told, JsonOut *json, const Chain *chain)
{
    AUTO(Arena) arena = { 0 };
    Findings findings = findings_of_chain(chain, told->set, &arena);
    bool has_undone = chain->bottom <= chain->top;
    json_out_object_begin(json, NULL);
    json_out_string(json, "top", told->set->migrations[chain->top].id);
    json_out_string(json, "bottom", has_undone ? told->set->migrations[chain->bottom].id : NULL);
    findings_json(json, &findings);
    json_out_object_end(json);
}

void tell_json(const Told *told, Str *out)
{
    const Proof *proof = told->proof;
    JsonOut json = json_out(out);
    json_out_object_begin(&json, NULL);
    json_out_string(&json, "outcome", proof_stands(told) ? "proved" : "wrong");
    json_out_array_begin(&json, "migrations");
    for (size_t i = 0; i < proof->count; i++) {
        migration_json(told, &json, i);
    }
    json_out_array_end(&json);
    json_out_array_begin(&json, "chains");
    for (size_t i = 0; i < proof->chain_count; i++) {
        chain_json(told, &json, &proof->chains[i]);
    }
    json_out_array_end(&json);
    json_out_string(&json, "seed_unfit", or_null(told->seed_unfit));
    json_out_array_begin(&json, "warnings");
    source_warnings_json(told->set->notes, told->set->note_count, &json);
    json_out_array_end(&json);
    json_out_object_end(&json);
}
