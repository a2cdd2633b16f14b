/* What a start would select now. */
#include "cli/preview.h"

#include "cli/output.h"
#include "common/json.h"
#include "common/list.h"
#include "common/str.h"

#define HASH_TEXT_BYTES (2 * PLAN_HASH_BYTES + 1)
#define ADDRESSES_SHOWN 6
#define VERSIONS_SHOWN 8

ErrCode preview_hand_over(Client *client, PlanAtHand *plan, const char *signer, Arena *arena,
                          Err *err)
{
    ErrCode code = planning_sign_if_new(plan, signer, arena, err);
    if (code != ERR_NONE) {
        return code;
    }
    char hash[HASH_TEXT_BYTES];
    hex_encode(plan->bundle.hash, PLAN_HASH_BYTES, hash);
    Bytes bundle = bundle_pack(&plan->bundle, arena);
    Request request = {
        .method = "PUT",
        .path = arena_printf(arena, "/plans/%s", hash),
        .bytes = bundle.data,
        .length = bundle.length,
    };
    AUTO_PTR(JsonDocument) answer = NULL;
    return client_send(client, &request, &answer, err);
}

ErrCode preview_fetch(Client *client, PlanAtHand *plan, const char *signer, Arena *arena,
                      json_t **ret_preview, Err *err)
{
    ErrCode code = preview_hand_over(client, plan, signer, arena, err);
    char hash[HASH_TEXT_BYTES];
    hex_encode(plan->bundle.hash, PLAN_HASH_BYTES, hash);
    return code == ERR_NONE ? client_post(client, NULL, ret_preview, err, "/plans/%s/preview", hash)
                            : code;
}

/* "db1/tenant_1, db1/tenant_2, … and 18 more" for one wave. */
static void addresses_text(const json_t *targets, const char *wave, Str *out)
{
    size_t of_wave = 0;
    size_t index = 0;
    const json_t *target = NULL;
    json_array_foreach((json_t *)targets, index, target)
    {
        if (!str_equal(get_text(target, "wave"), wave)) {
            continue;
        }
        if (of_wave < ADDRESSES_SHOWN) {
            str_printf(out, "%s%s", of_wave == 0 ? "" : ", ", get_text(target, "address"));
        }
        of_wave++;
    }
    if (of_wave > ADDRESSES_SHOWN) {
        str_printf(out, ", … and %zu more", of_wave - ADDRESSES_SHOWN);
    }
}

/* ---- by version ---- */

/* Targets that are at one version. */
typedef struct AtVersion {
    const char *version; /* "": nothing is applied; NULL: it has not been read yet */
    size_t targets;
} AtVersion;

typedef LIST(AtVersion) AtVersions;

static void count_version(AtVersions *list, const char *version)
{
    LIST_EACH(known, list) {
        if (str_equal(known->version, version)) {
            known->targets++;
            return;
        }
    }
    AtVersion at = { version, 1 };
    LIST_PUSH(list, at);
}

static void to_do_text(const AtVersion *at, const Plan *plan, Str *out)
{
    str_printf(out, "  %zu target%s ", at->targets, at->targets == 1 ? "" : "s");
    if (at->version == NULL) {
        str_append(out, "whose history has not been read yet\n");
        return;
    }
    long index = at->version[0] == '\0' ? -1 : plan_find(plan, at->version);
    if (at->version[0] != '\0' && index < 0) {
        str_printf(out, "at %s, which is none of these migrations: held there\n", at->version);
        return;
    }
    size_t left = plan->migration_count - (size_t)(index + 1);
    bool is_adoption = plan_is_adoption(plan);
    str_printf(out, "%s%s: ", index < 0 ? "without any" : "at ", at->version);
    if (left == 0) {
        str_printf(out, "nothing to %s\n", is_adoption ? "take over" : "apply");
    } else {
        str_printf(out, "%s%zu migration%s to %s\n", is_adoption ? "up to " : "", left,
                   left == 1 ? "" : "s", is_adoption ? "take over" : "apply");
    }
}

static void versions_text(const json_t *targets, const Plan *plan, Str *out)
{
    AtVersions list = { 0 };
    size_t index = 0;
    const json_t *target = NULL;
    json_array_foreach((json_t *)targets, index, target)
    {
        count_version(&list, json_string_value(json_object_get(target, "version")));
    }
    for (size_t i = 0; i < list.count && i < VERSIONS_SHOWN; i++) {
        to_do_text(&list.items[i], plan, out);
    }
    if (list.count > VERSIONS_SHOWN) {
        str_printf(out, "  … and targets at %zu more versions\n", list.count - VERSIONS_SHOWN);
    }
    LIST_DONE(&list);
}

/* A start is not refused for it: those who are away may come back any moment. */
static void absent_text(const json_t *agents, Str *out)
{
    size_t index = 0;
    const json_t *agent = NULL;
    json_array_foreach((json_t *)agents, index, agent)
    {
        long long targets = get_number(agent, "targets");
        if (str_equal(get_text(agent, "state"), "active")) {
            continue;
        }
        output_colour(out, COLOUR_WARN, "warning");
        str_printf(out, ": agent %s is %s: %lld of these targets wait%s for it\n",
                   get_text(agent, "name"), agent_state_words(get_text(agent, "state")), targets,
                   targets == 1 ? "s" : "");
    }
}

static void warnings_text(const json_t *warnings, Str *out)
{
    size_t index = 0;
    const json_t *warning = NULL;
    json_array_foreach((json_t *)warnings, index, warning)
    {
        output_colour(out, COLOUR_WARN, "warning");
        str_printf(out, ": %s\n", json_string_value(warning));
    }
}

void preview_text(const json_t *preview, const Plan *plan, Str *out)
{
    if (preview == NULL) {
        return;
    }
    const json_t *targets = json_object_get(preview, "targets");
    size_t count = json_array_size(targets);
    str_printf(out, "now it would go to %zu target%s:\n", count, count == 1 ? "" : "s");
    versions_text(targets, plan, out);
    AUTO_PTR(Table) table = table_new(3, NULL);
    size_t index = 0;
    const json_t *wave = NULL;
    json_array_foreach(json_object_get(preview, "waves"), index, wave)
    {
        AUTO(Str) addresses = { 0 };
        addresses_text(targets, get_text(wave, "name"), &addresses);
        table_cellf(table, COLOUR_BOLD, "  %s", get_text(wave, "name"));
        table_cellf(table, COLOUR_NONE, "%lld", get_number(wave, "targets"));
        table_cell(table, COLOUR_DIM, str_text(&addresses));
    }
    table_print(table, out);
    absent_text(json_object_get(preview, "agents"), out);
    warnings_text(json_object_get(preview, "warnings"), out);
}
