/* See remark_view.h. */
#include "cli/remark_view.h"

#include "cli/output.h"

#define ADDRESSES_SHOWN 4
#define GROUPS_SHOWN 20

ErrCode remarks_get(Client *client, const char *id, json_t **ret_remarks, Err *err)
{
    ErrCode code = client_get(client, ret_remarks, err, "/rollouts/%s/remarks", id);
    if (code == ERR_NOT_FOUND) {
        *ret_remarks = json_object();
        *err = (Err){ 0 };
        code = ERR_NONE;
    }
    return code;
}

/* "0002_grant, statement 1: the server's words (01007)" */
static void warning_text(const json_t *warning, Str *out)
{
    str_append(out, get_text(warning, "migration"));
    if (get_number(warning, "statement") > 0) {
        str_printf(out, ", statement %lld", get_number(warning, "statement"));
    }
    str_printf(out, ": %s", get_text(warning, "message"));
    if (get_text(warning, "sqlstate")[0] != '\0') {
        str_printf(out, " (%s)", get_text(warning, "sqlstate"));
    }
}

static void passed_text(const json_t *passed, Str *out)
{
    bool is_missing = str_equal(get_text(passed, "rule"), "missing");
    str_printf(out, "%s: %s", get_text(passed, "id"),
               is_missing ? "applied there, and not in the plan (missing: ignore)"
                          : "not applied there, below one that is (out_of_order: ignore)");
}

static void addresses_text(const json_t *group, Str *out)
{
    const json_t *targets = json_object_get(group, "targets");
    long long count = get_number(group, "count");
    size_t index = 0;
    const json_t *target = NULL;
    str_append(out, "  ");
    json_array_foreach((json_t *)targets, index, target)
    {
        if (index < ADDRESSES_SHOWN) {
            str_printf(out, "%s%s", index == 0 ? "" : ", ", json_string_value(target));
        }
    }
    if (count > ADDRESSES_SHOWN) {
        str_printf(out, ", … and %lld more", count - ADDRESSES_SHOWN);
    }
    str_append_char(out, '\n');
}

static void groups_text(const json_t *groups, const char *word,
                        void (*write)(const json_t *group, Str *out), Str *out)
{
    size_t index = 0;
    const json_t *group = NULL;
    json_array_foreach((json_t *)groups, index, group)
    {
        if (index == GROUPS_SHOWN) {
            str_printf(out, "  … and %zu more\n", json_array_size(groups) - GROUPS_SHOWN);
            return;
        }
        long long count = get_number(group, "count");
        AUTO(Str) head = { 0 };
        str_printf(&head, "%s at %lld target%s", word, count, count == 1 ? "" : "s");
        output_colour(out, COLOUR_WARN, str_text(&head));
        str_append(out, ": ");
        write(group, out);
        str_append_char(out, '\n');
        addresses_text(group, out);
    }
}

void remarks_text(const json_t *remarks, Str *out)
{
    groups_text(json_object_get(remarks, "warnings"), "warned", warning_text, out);
    groups_text(json_object_get(remarks, "passed_over"), "passed over", passed_text, out);
}

/* "passed over 0003_x and 2 more" */
static void first_text(const char *lead, const json_t *items, long long total,
                       void (*write)(const json_t *item, Str *out), Str *out)
{
    if (json_array_size(items) == 0) {
        return;
    }
    str_printf(out, "%s%s", out->length == 0 ? "" : "; ", lead);
    write(json_array_get(items, 0), out);
    if (total > 1) {
        str_printf(out, " and %lld more", total - 1);
    }
}

static void id_text(const json_t *passed, Str *out)
{
    str_append(out, get_text(passed, "id"));
}

void target_remarks_text(const json_t *target, Str *out)
{
    first_text("warned: ", json_object_get(target, "warnings"),
               get_number(target, "warnings_total"), warning_text, out);
    first_text("passed over ", json_object_get(target, "passed_over"),
               get_number(target, "passed_over_total"), id_text, out);
}
