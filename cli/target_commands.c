/* See target_commands.h. The plan's own settings come from the API; where its directory is, and
 * what its file says of that, nobody but its author knows. */
#include "cli/target_commands.h"

#include <string.h>

#include "cli/adopt/adopt.h"
#include "cli/output.h"
#include "cli/typed_command.h"
#include "common/cleanup.h"
#include "proto/address.h"

#define TARGETS_SHOWN 3  /* that a command is shown for */
#define COMMANDS_SHOWN 3 /* of one hint */
#define RULE_DEFAULT "refuse"

/* A value of a libpq connection string. */
static void value_write(const char *value, Str *out)
{
    static const char BARE[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (value[strspn(value, BARE)] == '\0') {
        str_append(out, value);
        return;
    }
    str_append_char(out, '\'');
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\') {
            str_append_char(out, '\\');
        }
        str_append_char(out, *value);
    }
    str_append_char(out, '\'');
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static const char *rule_of(const json_t *settings, const char *key)
{
    const char *rule = get_text(settings, key);
    return str_equal(rule, RULE_DEFAULT) ? NULL : or_null(rule);
}

static const char *shared_schemas_of(const json_t *settings, Arena *arena)
{
    AUTO(Str) names = { 0 };
    size_t index = 0;
    const json_t *name = NULL;
    json_array_foreach(json_object_get(settings, "shared_schemas"), index, name)
    {
        str_printf(&names, "%s%s", index == 0 ? "" : ",", json_string_value(name));
    }
    return names.length == 0 ? NULL : arena_strdup(arena, str_text(&names));
}

/* Whom the command itself has to do with, or the plan's mirror, which it is given then. */
static const char *tool_of(const char *command, const json_t *settings, Arena *arena)
{
    static const char *const SAYS[] = { " --from ", " --mirror " };
    for (size_t i = 0; i < ARRAY_LEN(SAYS); i++) {
        const char *at = strstr(command, SAYS[i]);
        if (at != NULL) {
            at += strlen(SAYS[i]);
            return arena_strndup(arena, at, strcspn(at, " "));
        }
    }
    return get_text(settings, "mirror");
}

/*
 * NULL: the command finds it by itself, as its default or by what the directory says of a whole
 * database's schema, which a bare name would lose.
 */
static const char *table_of(const char *tool_name, const json_t *settings)
{
    const Tool *tool = NULL;
    const char *adopted = get_text(settings, "adopt");
    const char *whose = adopted[0] == '\0' ? get_text(settings, "mirror") : adopted;
    const char *table = get_text(settings, "table");
    if (!str_equal(tool_name, whose) || tool_find(whose, &tool, NULL) != ERR_NONE) {
        return NULL;
    }
    const char *schema = tool->schema == NULL ? "" : tool->schema;
    bool is_found =
        str_equal(table, tool->table) || !str_equal(schema, get_text(settings, "table_schema"));
    return is_found ? NULL : or_null(table);
}

static Options options_of(const char *command, const json_t *rollout, const Address *address,
                          Arena *arena)
{
    const json_t *settings = json_object_get(rollout, "settings");
    bool is_tenant = address->schema[0] != '\0';
    AUTO(Str) database = { 0 };
    str_append(&database, "dbname=");
    value_write(address->database, &database);
    return (Options){
        .database = arena_strdup(arena, str_text(&database)),
        .schema = or_null(address->schema),
        .shared_schemas = is_tenant ? shared_schemas_of(settings, arena) : NULL,
        .migrations = "DIR",
        .mirror = or_null(get_text(settings, "mirror")),
        .table = table_of(tool_of(command, settings, arena), settings),
        .to = str_starts_with(command, "skein up") ? or_null(get_text(rollout, "to")) : NULL,
        .out_of_order = rule_of(settings, "out_of_order"),
        .missing = rule_of(settings, "missing"),
        .changed = rule_of(settings, "changed"),
    };
}

/* The coordinator knows how a database is called, and neither where it is nor where its migrations
 * are. */
static void command_text(const char *command, const json_t *rollout, const char *written, Str *out)
{
    AUTO(Arena) arena = { 0 };
    Address address = { 0 };
    if (address_parse(written, &arena, &address, NULL) != ERR_NONE) {
        return;
    }
    Options options = options_of(command, rollout, &address, &arena);
    str_printf(out, "  on the host of %s: %s", address.instance, command);
    typed_command_rules(&options, command, out);
    typed_command_place(&options, command, out);
    str_append_char(out, '\n');
}

/* What is to be typed on a database stands in the hint, as for any of them. */
static size_t commands_text(const json_t *rollout, const json_t *cluster, Str *out)
{
    AUTO(Arena) arena = { 0 };
    const json_t *targets = json_object_get(cluster, "targets");
    const char *hint = get_text(cluster, "hint");
    size_t count = 0;
    for (const char *command = NULL; (command = typed_command_next(&hint, &arena)) != NULL;) {
        bool is_shown = typed_command_is_local(command) && count < COMMANDS_SHOWN;
        count += is_shown ? 1 : 0;
        for (size_t i = 0; is_shown && i < json_array_size(targets) && i < TARGETS_SHOWN; i++) {
            command_text(command, rollout, json_string_value(json_array_get(targets, i)), out);
        }
    }
    return count;
}

/* Several are ways to choose from, or one to look and one to mend. */
void target_commands_text(const json_t *rollout, const json_t *cluster, Str *out)
{
    bool is_plan_known = json_is_object(json_object_get(rollout, "settings"));
    bool is_more = json_array_size(json_object_get(cluster, "targets")) > TARGETS_SHOWN;
    const char *id = get_text(rollout, "id");
    size_t commands = commands_text(rollout, cluster, out);
    if (commands == 0) {
        return;
    }
    str_printf(out,
               "  DIR holds the plan's migrations; say %s--format and --set as its file does\n",
               is_plan_known ? "" : "--mirror, --table, --shared-schemas, ");
    str_printf(out, "  %s%sthen skein rollout retry %s%s--failed\n",
               is_more ? "and likewise for the others; " : "",
               commands > 1 ? "whichever of these it is; " : "", id, id[0] == '\0' ? "" : " ");
}
