/* See typed_command.h. Which options a command takes, its own table says. */
#include "cli/typed_command.h"

#include <inttypes.h>
#include <string.h>

#include "cli/conceal.h"
#include "common/cleanup.h"
#include "common/shell_word.h"

#define OPENING "`skein "
#define PROGRAM "skein "

/* In the order in which they are written. */
static const char *const PLACES[] = { "database",   "schema", "shared-schemas", "role",
                                      "migrations", "format", "mirror",         "table" };

/* How far it goes, and what it does with a history that is not a beginning of the directory's. */
static const char *const RULES[] = { "to", "out-of-order", "missing", "changed" };

static const Command *command_of(const char *words)
{
    const Command *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *name = COMMANDS[i].name;
        size_t length = strlen(name);
        bool is_it = strncmp(words, name, length) == 0 && strchr(" `", words[length]) != NULL;
        if (is_it && length > longest) {
            found = &COMMANDS[i];
            longest = length;
        }
    }
    return found;
}

static const Option *option_of(const Command *command, const char *name)
{
    const Option *const *options = command == NULL ? NULL : command->options;
    for (; options != NULL && *options != NULL; options++) {
        if (str_equal((*options)->name, name)) {
            return *options;
        }
    }
    return NULL;
}

static bool says(const char *command, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = command; (at = strstr(at, " --")) != NULL; at += strlen(" --")) {
        const char *word = at + strlen(" --");
        if (strncmp(word, name, length) == 0 && strchr(" =", word[length]) != NULL) {
            return true;
        }
    }
    return false;
}

/* A password is not to stand on a screen: whoever gave it knows it. */
static const char *shown_database(const char *database)
{
    return conceal_has_password(database) ? "URL" : database;
}

/* NULL: not given, or what it is without being given. */
static const char *given(const Options *options, const Option *option)
{
    const char *value = *(const char *const *)((const char *)options + option->offset);
    bool is_default =
        option->offset == offsetof(Options, migrations) && str_equal(value, "./migrations");
    bool is_database = option->offset == offsetof(Options, database);
    return is_default ? NULL : value != NULL && is_database ? shown_database(value) : value;
}

static void given_write(const char *const *names, size_t count, const Options *options,
                        const char *command, Str *out)
{
    const Command *found = command_of(command + strlen(PROGRAM));
    for (size_t i = 0; i < count; i++) {
        const Option *option = option_of(found, names[i]);
        const char *value =
            option == NULL || says(command, names[i]) ? NULL : given(options, option);
        if (value != NULL) {
            str_printf(out, " --%s ", names[i]);
            shell_word(value, out);
        }
    }
}

void typed_command_place(const Options *options, const char *command, Str *out)
{
    given_write(PLACES, ARRAY_LEN(PLACES), options, command, out);
}

void typed_command_rules(const Options *options, const char *command, Str *out)
{
    given_write(RULES, ARRAY_LEN(RULES), options, command, out);
}

static bool is_place(const Option *option)
{
    for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
        if (str_equal(option->name, PLACES[i])) {
            return true;
        }
    }
    return false;
}

/* A variable's value may be a secret: whoever gave it knows it. */
static void variables_write(const SourceVariables *variables, Str *out)
{
    for (size_t i = 0; i < variables->count; i++) {
        str_append(out, " --set ");
        shell_word(variables->items[i].name, out);
        str_append(out, "=…");
    }
}

static void option_write(const Options *options, const Option *option, Str *out)
{
    const void *place = (const char *)options + option->offset;
    const char *text = NULL;
    switch (option->type) {
    case OPTION_FLAG:
        if (*(const bool *)place) {
            str_printf(out, " --%s", option->name);
        }
        break;
    case OPTION_TEXT:
    case OPTION_WORDS:
    case OPTION_SCHEMA:
        text = *(const char *const *)place;
        if (text != NULL) {
            str_printf(out, " --%s ", option->name);
            shell_word(text, out);
        }
        break;
    case OPTION_CONNECTION:
        text = *(const char *const *)place;
        if (text != NULL) {
            str_printf(out, " --%s ", option->name);
            shell_word(shown_database(text), out);
        }
        break;
    case OPTION_COUNT:
        if (*(const uint32_t *)place != 0) {
            str_printf(out, " --%s %" PRIu32, option->name, *(const uint32_t *)place);
        }
        break;
    case OPTION_SEQUENCE:
        if (*(const uint64_t *)place != 0) {
            str_printf(out, " --%s %" PRIu64, option->name, *(const uint64_t *)place);
        }
        break;
    case OPTION_VARIABLE:
        variables_write(place, out);
        break;
    case OPTION_OUTPUT:
    case OPTION_NONE:
        break;
    }
}

void typed_command_again(const Invocation *invocation, Str *out)
{
    const Option *const *options = invocation->command->options;
    str_printf(out, PROGRAM "%s", invocation->command->name);
    for (size_t i = 0; i < invocation->argument_count; i++) {
        str_append_char(out, ' ');
        shell_word(invocation->arguments[i], out);
    }
    for (; options != NULL && *options != NULL; options++) {
        if (!is_place(*options)) {
            option_write(&invocation->options, *options, out);
        }
    }
    str_append(out, invocation->options.output == OUTPUT_JSON ? " --output json" : "");
}

const char *typed_command_next(const char **text, Arena *arena)
{
    const char *at = strstr(*text, OPENING);
    if (at == NULL) {
        return NULL;
    }
    size_t length = strcspn(at + 1, "`");
    *text = at + 1 + length;
    return arena_strndup(arena, at + 1, length);
}

bool typed_command_is_local(const char *command)
{
    return option_of(command_of(command + strlen(PROGRAM)), PLACES[0]) != NULL;
}

void typed_commands_write(const Options *options, const char *text, Str *out)
{
    AUTO(Arena) arena = { 0 };
    const char *command = NULL;
    for (const char *from = text; (command = typed_command_next(&text, &arena)) != NULL;) {
        str_append_bytes(out, from, (size_t)(text - from));
        typed_command_place(options, command, out);
        from = text;
    }
    str_append(out, text);
}
