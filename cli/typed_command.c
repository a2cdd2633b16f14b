/* See typed_command.h. Which options a command takes, its own table says. */
#include "cli/typed_command.h"

#include <string.h>

#include "cli/conceal.h"
#include "common/cleanup.h"
#include "common/shell_word.h"

#define OPENING "`skein "
#define PROGRAM "skein "

/* In the order in which they are written. */
static const char *const PLACES[] = { "database", "schema", "shared-schemas", "migrations",
                                      "format",   "mirror", "table" };

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

void typed_command_place(const Options *options, const char *command, Str *out)
{
    const Command *found = command_of(command + strlen(PROGRAM));
    for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
        const Option *option = option_of(found, PLACES[i]);
        const char *value =
            option == NULL || says(command, PLACES[i]) ? NULL : given(options, option);
        if (value != NULL) {
            str_printf(out, " --%s ", PLACES[i]);
            shell_word(value, out);
        }
    }
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
