/* The driver of the command table: finding, parsing, suggesting, helping. Knows no command. */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "common/cleanup.h"
#include "common/list.h"

#define SUGGESTIONS_MAX 128

static const Option EVERYWHERE[] = {
    { "output", "text|json", OPTION_OUTPUT, offsetof(Options, output),
      "for people (default) or for programs" },
    { "help", NULL, OPTION_FLAG, offsetof(Options, is_help), "this text" },
};

/* ---- finding ---- */

/* How many words of the command's name the given words begin with; 0 unless it is all of them. */
static size_t match_words(const char *name, char *const *words, size_t count)
{
    size_t matched = 0;
    while (*name != '\0') {
        size_t length = strcspn(name, " ");
        if (matched == count || strlen(words[matched]) != length ||
            strncmp(words[matched], name, length) != 0) {
            return 0;
        }
        matched++;
        name += length;
        name += strspn(name, " ");
    }
    return matched;
}

static const Command *find_command(char *const *words, size_t count, size_t *ret_used)
{
    const Command *found = NULL;
    *ret_used = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        size_t used = match_words(COMMANDS[i].name, words, count);
        if (used > *ret_used) {
            found = &COMMANDS[i];
            *ret_used = used;
        }
    }
    return found;
}

static bool is_group(const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strncmp(COMMANDS[i].name, word, length) == 0 && COMMANDS[i].name[length] == ' ') {
            return true;
        }
    }
    return false;
}

static ErrCode unknown_command(char *const *words, size_t count, Err *err)
{
    AUTO(Arena) arena = { 0 };
    bool in_group = is_group(words[0]);
    const char *given = in_group && count > 1 ? arena_printf(&arena, "%s %s", words[0], words[1])
                                              : words[0];
    if (in_group && count == 1) {
        err_set(err, ERR_USAGE, "'%s' needs to be told what to do", words[0]);
        return err_hint(err, "skein %s --help lists what there is", words[0]);
    }
    const char *names[SUGGESTIONS_MAX];
    size_t name_count = 0;
    for (size_t i = 0; i < COMMAND_COUNT && name_count < SUGGESTIONS_MAX; i++) {
        names[name_count++] = COMMANDS[i].name;
    }
    const char *nearest = str_nearest(given, names, name_count);
    err_set(err, ERR_USAGE, "no command '%s'", given);
    return nearest != NULL ? err_hint(err, "did you mean: skein %s", nearest)
                           : err_hint(err, "skein --help lists the commands");
}

/* ---- options ---- */

static const Option *find_option(const Command *command, const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_LEN(EVERYWHERE); i++) {
        if (strlen(EVERYWHERE[i].name) == length && strncmp(EVERYWHERE[i].name, name, length) == 0) {
            return &EVERYWHERE[i];
        }
    }
    for (size_t i = 0; command->options != NULL && command->options[i] != NULL; i++) {
        const Option *option = command->options[i];
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0) {
            return option;
        }
    }
    return NULL;
}

static ErrCode unknown_option(const Command *command, const char *word, Err *err)
{
    const char *names[SUGGESTIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(EVERYWHERE); i++) {
        names[count++] = EVERYWHERE[i].name;
    }
    for (size_t i = 0; command->options != NULL && command->options[i] != NULL; i++) {
        names[count++] = command->options[i]->name;
    }
    const char *nearest = str_nearest(word + strspn(word, "-"), names, count);
    err_set(err, ERR_USAGE, "'skein %s' has no option '%s'", command->name, word);
    return nearest != NULL ? err_hint(err, "did you mean: --%s", nearest)
                           : err_hint(err, "skein %s --help lists its options", command->name);
}

static ErrCode read_number(const Option *option, const char *text, void *place, Err *err)
{
    int64_t value = 0;
    bool is_count = option->type == OPTION_COUNT;
    if (!str_to_int64(text, is_count ? 1 : 0, is_count ? UINT32_MAX : INT64_MAX, &value)) {
        return err_set(err, ERR_USAGE, "--%s wants a whole number, found '%s'", option->name, text);
    }
    if (is_count) {
        *(uint32_t *)place = (uint32_t)value;
    } else {
        *(uint64_t *)place = (uint64_t)value;
    }
    return ERR_NONE;
}

static ErrCode set_option(const Option *option, const char *text, Options *options, Err *err)
{
    void *place = (char *)options + option->offset;
    switch (option->type) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return ERR_NONE;
    case OPTION_TEXT:
        *(const char **)place = text;
        return ERR_NONE;
    case OPTION_COUNT:
    case OPTION_SEQUENCE:
        return read_number(option, text, place, err);
    case OPTION_OUTPUT:
        if (!str_equal(text, "text") && !str_equal(text, "json")) {
            return err_set(err, ERR_USAGE, "--output wants text or json, found '%s'", text);
        }
        *(OutputKind *)place = str_equal(text, "json") ? OUTPUT_JSON : OUTPUT_TEXT;
        return ERR_NONE;
    case OPTION_NONE:
        break;
    }
    return err_set(err, ERR_INTERNAL, "option --%s has no type", option->name);
}

/* Takes words[*at], an option, and its argument: "--to V" or "--to=V". */
static ErrCode take_option(Invocation *invocation, char *const *words, size_t count, size_t *at,
                           Err *err)
{
    const char *word = words[*at];
    const char *name = str_equal(word, "-h") ? "help" : word + 2;
    size_t length = strcspn(name, "=");
    const Option *option = find_option(invocation->command, name, length);
    if (option == NULL || (word[1] != '-' && !str_equal(word, "-h"))) {
        return unknown_option(invocation->command, word, err);
    }
    const char *text = name[length] == '=' ? name + length + 1 : NULL;
    if (option->argument == NULL && text != NULL) {
        return err_set(err, ERR_USAGE, "--%s takes no argument", option->name);
    }
    if (option->argument != NULL && text == NULL) {
        if (*at + 1 == count) {
            return err_set(err, ERR_USAGE, "--%s wants an argument: --%s %s", option->name,
                           option->name, option->argument);
        }
        text = words[++*at];
    }
    return set_option(option, text, &invocation->options, err);
}

static ErrCode check_arguments(const Invocation *invocation, Err *err)
{
    const Command *command = invocation->command;
    if (invocation->options.is_help) {
        return ERR_NONE;
    }
    if (invocation->argument_count < command->arguments_min) {
        err_set(err, ERR_USAGE, "'skein %s' wants %s", command->name, command->arguments);
        return err_hint(err, "skein %s --help", command->name);
    }
    if (invocation->argument_count > command->arguments_max) {
        err_set(err, ERR_USAGE, "'skein %s' has no use for '%s'", command->name,
                invocation->arguments[command->arguments_max]);
        return err_hint(err, "skein %s --help", command->name);
    }
    return ERR_NONE;
}

static void defaults(Options *options)
{
    *options = (Options){
        .output = OUTPUT_TEXT,
        .database = getenv("SKEIN_DATABASE_URL"),
        .migrations = "./migrations",
        .coordinator = getenv("SKEIN_COORDINATOR"),
        .limit = 100,
    };
}

ErrCode args_parse(int word_count, char *const *words, Invocation *invocation, Err *err)
{
    size_t count = (size_t)word_count;
    defaults(&invocation->options);
    bool is_general = count == 0 || str_equal(words[0], "--help") || str_equal(words[0], "-h") ||
                      str_equal(words[0], "help");
    bool is_group_help = count == 2 && is_group(words[0]) &&
                         (str_equal(words[1], "--help") || str_equal(words[1], "-h"));
    if (is_general || is_group_help) {
        invocation->options.is_help = true;
        return ERR_NONE;
    }
    size_t at = 0;
    invocation->command = find_command(words, count, &at);
    if (invocation->command == NULL) {
        return unknown_command(words, count, err);
    }
    invocation->arguments = ARENA_ARRAY(&invocation->arena, const char *, count);
    bool has_ended = false; /* after "--" everything is an argument */
    for (; at < count; at++) {
        if (!has_ended && str_equal(words[at], "--")) {
            has_ended = true;
        } else if (!has_ended && words[at][0] == '-' && words[at][1] != '\0') {
            ErrCode code = take_option(invocation, words, count, &at, err);
            if (code != ERR_NONE) {
                return code;
            }
        } else {
            invocation->arguments[invocation->argument_count++] = words[at];
        }
    }
    return check_arguments(invocation, err);
}

/* ---- help ---- */

static void print_option(const Option *option, Str *out)
{
    AUTO(Str) head = { 0 };
    str_printf(&head, "--%s%s%s", option->name, option->argument == NULL ? "" : " ",
               option->argument == NULL ? "" : option->argument);
    str_printf(out, "  %-26s %s\n", str_text(&head), option->doc);
}

static void print_command_help(const Command *command, Str *out)
{
    str_printf(out, "usage: skein %s%s%s [options]\n\n%s\n", command->name,
               command->arguments[0] == '\0' ? "" : " ", command->arguments, command->summary);
    if (command->details != NULL) {
        str_printf(out, "\n%s\n", command->details);
    }
    str_append(out, "\noptions:\n");
    for (size_t i = 0; command->options != NULL && command->options[i] != NULL; i++) {
        print_option(command->options[i], out);
    }
    for (size_t i = 0; i < ARRAY_LEN(EVERYWHERE); i++) {
        print_option(&EVERYWHERE[i], out);
    }
}

static const char EXIT_CODES[] =
    "\nexit codes: 0 done, 1 failed, 2 usage or configuration, 3 refused, 4 unreachable,\n"
    "            5 rolled back, 6 paused or held\n"
    "\nskein COMMAND --help says more of one command.\n";

void help_print(const Command *command, const char *prefix, Str *out)
{
    if (command != NULL) {
        print_command_help(command, out);
        return;
    }
    if (prefix == NULL) {
        str_append(out, "skein rolls PostgreSQL schema migrations across fleets of databases.\n"
                        "\nusage: skein COMMAND [arguments] [options]\n");
    }
    const char *group = "";
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const Command *each = &COMMANDS[i];
        bool is_wanted = prefix == NULL || (str_starts_with(each->name, prefix) &&
                                            each->name[strlen(prefix)] == ' ');
        if (!is_wanted) {
            continue;
        }
        if (strcmp(each->group, group) != 0) {
            group = each->group;
            str_printf(out, "\n%s:\n", group);
        }
        AUTO(Str) head = { 0 };
        str_printf(&head, "%s %s", each->name, each->arguments);
        str_printf(out, "  %-38s %s\n", str_text(&head), each->summary);
    }
    str_append(out, EXIT_CODES);
}
