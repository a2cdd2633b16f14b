/* A row per key: the coordinator's own first, then the others as they come. */
#include "cli/key_census.h"

#include "cli/client.h"
#include "cli/output.h"
#include "common/json.h"

#define NAMES_MAX 5 /* of agents that lack a key */

static bool knows(const json_t *agent, const char *key)
{
    const json_t *keys = json_object_get(agent, "coordinator_keys");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        if (str_equal(json_string_value(json_array_get(keys, i)), key)) {
            return true;
        }
    }
    return false;
}

static void list_without(const json_t *agents, const char *key, size_t *ret_with, Str *out)
{
    size_t without = 0;
    *ret_with = 0;
    for (size_t i = 0; i < json_array_size(agents); i++) {
        const json_t *agent = json_array_get(agents, i);
        bool has_it = knows(agent, key);
        *ret_with += has_it;
        if (!has_it && ++without <= NAMES_MAX) {
            str_printf(out, "%s%s", without == 1 ? "" : ", ", get_text(agent, "name"));
        }
    }
    if (without > NAMES_MAX) {
        str_printf(out, ", and %zu more", without - NAMES_MAX);
    }
}

static void key_row(Table *table, const json_t *agents, const char *key, bool is_current)
{
    AUTO(Str) without = { 0 };
    size_t with = 0;
    list_without(agents, key, &with, &without);
    table_cell(table, COLOUR_BOLD, key);
    table_cell(table, COLOUR_NONE, is_current ? "now" : "");
    table_cellf(table, COLOUR_NONE, "%zu of %zu", with, json_array_size(agents));
    table_cell(table, COLOUR_BAD, str_text(&without));
}

/* Into `others`, each once. */
static void collect(const json_t *agents, const char *current, json_t *others)
{
    for (size_t i = 0; i < json_array_size(agents); i++) {
        const json_t *keys = json_object_get(json_array_get(agents, i), "coordinator_keys");
        for (size_t j = 0; j < json_array_size(keys); j++) {
            const char *key = json_string_value(json_array_get(keys, j));
            if (key != NULL && !str_equal(key, current)) {
                json_object_set_new(others, key, json_true());
            }
        }
    }
}

void key_census(const json_t *agents, const char *current, Str *out)
{
    AUTO_PTR(JsonDocument) others = json_object();
    collect(agents, current, others);
    if (json_object_size(others) == 0) {
        return;
    }
    AUTO_PTR(Table)
    table = table_new(4, (const char *const[]){ "coordinator's key", "", "known to", "not to" });
    key_row(table, agents, current, true);
    const char *key = NULL;
    json_t *unused = NULL;
    json_object_foreach(others, key, unused)
    {
        key_row(table, agents, key, false);
    }
    table_print(table, out);
}
