/* The driver of the command table: finding, parsing, suggesting. Knows no command. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/conceal.h"
#include "common/cleanup.h"
#include "common/list.h"
#include "common/shell_word.h"

#define SUGGESTIONS_MAX 128

const Option OPTIONS_EVERYWHERE[] = {
    { "output", "text|json", OPTION_OUTPUT, offsetof(Options, output),
      "for people (default) or for programs" },
    { "help", NULL, OPTION_FLAG, offsetof(Options, is_help), "this text" },
};
const size_t OPTIONS_EVERYWHERE_COUNT = ARRAY_LEN(OPTIONS_EVERYWHERE);

void invocation_done(Invocation *invocation)
{
    LIST_EACH(secret, &invocation->secrets) {
        secret_free(*secret);
    }
    LIST_DONE(&invocation->secrets);
    arena_done(&invocation->arena);
}

const char *option_or_env(const char *text, const char *variable)
{
    const char *value = text != NULL ? text : getenv(variable);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

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
    if (words[0][0] == '-') {
        err_set(err, ERR_USAGE, "'%s' stands where the command should", words[0]);
        return err_hint(err, "options come after it: skein COMMAND … %s", words[0]);
    }
    bool is_in_group = is_group(words[0]);
    if (is_in_group && (count == 1 || words[1][0] == '-')) {
        err_set(err, ERR_USAGE, "'%s' needs to be told what to do", words[0]);
        return err_hint(err, "skein %s --help lists what there is", words[0]);
    }
    /* Of a group that is there the second word is wrong, else the first: of
     * a command or a group. */
    const char *given = is_in_group ? arena_printf(&arena, "%s %s", words[0], words[1]) : words[0];
    const char *names[SUGGESTIONS_MAX];
    size_t name_count = 0;
    for (size_t i = 0; i < COMMAND_COUNT && name_count < SUGGESTIONS_MAX; i++) {
        const char *name = COMMANDS[i].name;
        names[name_count++] = is_in_group ? name : arena_strndup(&arena, name, strcspn(name, " "));
    }
    const char *nearest = str_nearest(given, names, name_count);
    err_set(err, ERR_USAGE, "no command '%s'", given);
    return nearest != NULL ? err_hint(err, "did you mean skein %s?", nearest)
                           : err_hint(err, "skein --help lists the commands");
}

/* ---- options ---- */

/* The `index`th option that a command takes: those that all have, then its own. NULL: no more. */
static const Option *option_at(const Command *command, size_t index)
{
    if (index < OPTIONS_EVERYWHERE_COUNT) {
        return &OPTIONS_EVERYWHERE[index];
    }
    return command->options == NULL ? NULL : command->options[index - OPTIONS_EVERYWHERE_COUNT];
}

static const Option *find_option(const Command *command, const char *name, size_t length)
{
    const Option *option = NULL;
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0) {
            return option;
        }
    }
    return NULL;
}

static ErrCode unknown_option(const Command *command, const char *word, Err *err)
{
    AUTO(Arena) arena = { 0 };
    const char *names[SUGGESTIONS_MAX];
    const Option *option = NULL;
    size_t count = 0;
    while (count < SUGGESTIONS_MAX && (option = option_at(command, count)) != NULL) {
        names[count++] = option->name;
    }
    const char *name = word + strspn(word, "-");
    const char *nearest =
        str_nearest(arena_strndup(&arena, name, strcspn(name, "=")), names, count);
    /* Not what it was given: that may be a password. */
    err_set(err, ERR_USAGE, "'skein %s' has no option '%.*s'", command->name,
            (int)strcspn(word, "="), word);
    return nearest != NULL ? err_hint(err, "did you mean --%s?", nearest)
                           : err_hint(err, "skein %s --help lists its options", command->name);
}

static ErrCode read_number(const Option *option, const char *text, void *place, Err *err)
{
    int64_t value = 0;
    bool is_count = option->type == OPTION_COUNT;
    if (!str_to_int64(text, is_count ? 1 : 0, is_count ? UINT32_MAX : INT64_MAX, &value)) {
        return err_set(err, ERR_USAGE, "--%s wants a whole number%s, found '%s'", option->name,
                       is_count ? " from 1" : "", text);
    }
    if (is_count) {
        *(uint32_t *)place = (uint32_t)value;
    } else {
        *(uint64_t *)place = (uint64_t)value;
    }
    return ERR_NONE;
}

static ErrCode read_text(const Option *option, const char *text, const char **place, Err *err)
{
    if (text[0] == '\0' && option->type != OPTION_WORDS) {
        err_set(err, ERR_USAGE, "--%s is empty", option->name);
        return err_hint(err, "--%s %s, or leave it out", option->name, option->argument);
    }
    bool is_reserved = str_starts_with(text, "pg_") || str_equal(text, "information_schema") ||
                       str_equal(text, "skein");
    if (option->type == OPTION_SCHEMA && is_reserved) {
        err_set(err, ERR_USAGE, "--%s '%s': no migrations run in %s", option->name, text,
                str_equal(text, "skein") ? "skein's own schema" : "a schema of the server's own");
        return err_hint(err, "name a schema of yours");
    }
    *place = text;
    return ERR_NONE;
}

/* What the word was, for as long as the invocation; from `from` on it can be read by nobody else.
 */
static const char *conceal(Invocation *invocation, char *word, char *from)
{
    Secret *secret = conceal_word(word, from);
    LIST_PUSH(&invocation->secrets, secret);
    return secret_reveal(secret);
}

static const char *conceal_value(Invocation *invocation, char *text)
{
    char *sign = strchr(text, '=');
    return sign == NULL ? text : conceal(invocation, text, sign + 1);
}

static ErrCode set_option(const Option *option, char *text, Invocation *invocation, Err *err)
{
    void *place = (char *)&invocation->options + option->offset;
    switch (option->type) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return ERR_NONE;
    case OPTION_TEXT:
    case OPTION_WORDS:
    case OPTION_SCHEMA:
        return read_text(option, text, place, err);
    case OPTION_CONNECTION:
        return read_text(option,
                         conceal_has_password(text) ? conceal(invocation, text, text) : text, place,
                         err);
    case OPTION_COUNT:
    case OPTION_SEQUENCE:
        return read_number(option, text, place, err);
    case OPTION_OUTPUT:
        if (!str_equal(text, "text") && !str_equal(text, "json")) {
            return err_set(err, ERR_USAGE, "--output wants text or json, found '%s'", text);
        }
        *(OutputKind *)place = str_equal(text, "json") ? OUTPUT_JSON : OUTPUT_TEXT;
        return ERR_NONE;
    case OPTION_VARIABLE:
        if (variables_add(place, conceal_value(invocation, text), &invocation->arena, err) !=
            ERR_NONE) {
            return err_wrap(err, "--%s", option->name);
        }
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
    char *word = words[*at];
    const char *name = str_equal(word, "-h") ? "help" : word + 2;
    size_t length = strcspn(name, "=");
    const Option *option = find_option(invocation->command, name, length);
    if (option == NULL || (word[1] != '-' && !str_equal(word, "-h"))) {
        return unknown_option(invocation->command, word, err);
    }
    char *text = name[length] == '=' ? strchr(word, '=') + 1 : NULL;
    if (option->argument == NULL && text != NULL) {
        return err_set(err, ERR_USAGE, "--%s takes no argument, found '%s'", option->name, text);
    }
    if (option->argument != NULL && text == NULL) {
        if (*at + 1 == count) {
            return err_set(err, ERR_USAGE, "--%s wants an argument: --%s %s", option->name,
                           option->name, option->argument);
        }
        text = words[++*at];
    }
    return set_option(option, text, invocation, err);
}

/* ---- words that no command wants ---- */

static bool is_directory(const char *word)
{
    struct stat status;
    return stat(word, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_database(const char *word)
{
    return str_starts_with(word, "postgres://") || str_starts_with(word, "postgresql://") ||
           strstr(word, "dbname=") != NULL || strstr(word, "host=") != NULL;
}

static bool is_version(const char *word)
{
    return word[0] >= '0' && word[0] <= '9';
}

/* What such a word plainly is: the argument of an option. The first that fits counts. */
static const struct Misplaced {
    const char *option;
    bool (*is_it)(const char *word);
    const char *words;
    const char *shown; /* in place of it, since it may hold a password; NULL: itself */
} MISPLACED[] = {
    { "database", is_database, "for a database", "URL" },
    { "migrations", is_directory, "for a directory of migrations", NULL },
    { "to", is_version, "to go to a version", NULL },
};

static const struct Misplaced *find_misplaced(const Command *command, const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(MISPLACED); i++) {
        const char *name = MISPLACED[i].option;
        if (find_option(command, name, strlen(name)) != NULL && MISPLACED[i].is_it(word)) {
            return &MISPLACED[i];
        }
    }
    return NULL;
}

/* As it would be typed, with the arguments that it wants. */
static void write_command(const Invocation *invocation, const struct Misplaced *misplaced,
                          const char *value, Str *out)
{
    str_printf(out, "`skein %s", invocation->command->name);
    for (size_t i = 0; i < invocation->command->arguments_max; i++) {
        str_append_char(out, ' ');
        shell_word(invocation->arguments[i], out);
    }
    str_printf(out, " --%s ", misplaced->option);
    shell_word(value, out);
    str_append_char(out, '`');
}

/* The first argument that is one too many. */
static ErrCode refuse_argument(const Invocation *invocation, Err *err)
{
    const Command *command = invocation->command;
    const char *word = invocation->arguments[command->arguments_max];
    const struct Misplaced *misplaced = find_misplaced(command, word);
    bool is_hidden = misplaced != NULL && misplaced->shown != NULL;
    if (is_hidden) {
        err_set(err, ERR_USAGE, "'skein %s' has no use for a %s", command->name, misplaced->shown);
    } else {
        err_set(err, ERR_USAGE, "'skein %s' has no use for '%s'", command->name, word);
    }
    if (misplaced == NULL) {
        return err_hint(err, "skein %s --help", command->name);
    }
    AUTO(Str) typed = { 0 };
    write_command(invocation, misplaced, is_hidden ? misplaced->shown : word, &typed);
    return err_hint(err, "%s: %s", misplaced->words, str_text(&typed));
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
        return refuse_argument(invocation, err);
    }
    return ERR_NONE;
}

/*
 * Errors of the command line itself are to come in the form that was asked for, wherever on it that
 * is.
 */
static OutputKind find_output(char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_next =
            str_equal(words[i], "--output") && i + 1 < count && str_equal(words[i + 1], "json");
        if (is_next || str_equal(words[i], "--output=json")) {
            return OUTPUT_JSON;
        }
    }
    return OUTPUT_TEXT;
}

static bool is_help_word(const char *word)
{
    return str_equal(word, "--help") || str_equal(word, "-h") || str_equal(word, "help");
}

/*
 * "skein", "skein help", "skein help up", "skein rollout --help": is_help is set, with the command
 * or the group whose help it is, if any. "skein up --help" is an option of that command, also where
 * it has others below it.
 */
static ErrCode ask_help(char *const *words, size_t count, Invocation *invocation, Err *err)
{
    bool is_help = count == 0 || is_help_word(words[0]);
    size_t used = 0;
    if (is_help && count > 1) {
        invocation->command = find_command(words + 1, count - 1, &used);
        invocation->help_group = used == 0 && is_group(words[1]) ? words[1] : NULL;
        if (used == 0 && invocation->help_group == NULL && words[1][0] != '-') {
            return unknown_command(words + 1, count - 1, err);
        }
    } else if (count == 2 && is_group(words[0]) && is_help_word(words[1]) &&
               find_command(words, 1, &used) == NULL) {
        invocation->help_group = words[0];
        is_help = true;
    }
    invocation->options.is_help = is_help;
    return ERR_NONE;
}

static ErrCode take_words(Invocation *invocation, char *const *words, size_t count, size_t at,
                          Err *err)
{
    bool has_ended = false; /* after "--" everything is an argument */
    invocation->arguments = ARENA_ARRAY(&invocation->arena, const char *, count);
    ErrCode code = ERR_NONE;
    for (; code == ERR_NONE && at < count; at++) {
        bool is_option = words[at][0] == '-' && words[at][1] != '\0';
        if (!has_ended && str_equal(words[at], "--")) {
            has_ended = true;
        } else if (has_ended || !is_option) {
            invocation->arguments[invocation->argument_count++] = words[at];
        } else {
            code = take_option(invocation, words, count, &at, err);
        }
    }
    return code == ERR_NONE ? check_arguments(invocation, err) : code;
}

ErrCode args_parse(int word_count, char *const *words, Invocation *invocation, Err *err)
{
    size_t count = (size_t)word_count;
    size_t used = 0;
    invocation->options =
        (Options){ .output = find_output(words, count), .migrations = "./migrations" };
    ErrCode code = ask_help(words, count, invocation, err);
    if (code != ERR_NONE || invocation->options.is_help) {
        return code;
    }
    invocation->command = find_command(words, count, &used);
    return invocation->command == NULL ? unknown_command(words, count, err)
                                       : take_words(invocation, words, count, used, err);
}
