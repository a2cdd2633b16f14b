/* Line by line: a command of psql's ends with its line. */
#include "tests/integration/splitter/regress_text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

/* What psql 15 does itself, beside \d with whatever stands behind it. */
static const char *const COMMANDS[] = {
    "a",      "bind",       "c",      "cd",    "conninfo", "copy",     "copyright", "crosstabview",
    "echo",   "edit",       "ef",     "elif",  "else",     "encoding", "endif",     "errverbose",
    "ev",     "f",          "g",      "gdesc", "getenv",   "gexec",    "gset",      "gx",
    "h",      "help",       "i",      "if",    "ir",       "l",        "lo",        "o",
    "p",      "password",   "prompt", "pset",  "q",        "qecho",    "quit",      "r",
    "reset",  "restrict",   "s",      "set",   "setenv",   "sf",       "sv",        "t",
    "timing", "unrestrict", "unset",  "w",     "warn",     "watch",    "x",         "z",
};

/* They end the query before them, as ";" does. */
static const char *const ENDS[] = { "g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch" };

typedef struct Command {
    const char *at; /* its backslash; NULL: there is none */
    const char *name;
    size_t name_length;
} Command;

static bool is_any_of(const Command *command, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == command->name_length &&
            memcmp(names[i], command->name, command->name_length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_called(const Command *command, const char *name)
{
    return is_any_of(command, &name, 1);
}

static bool is_command(const Command *command)
{
    return command->name[0] == 'd' || command->name[0] == ';' ||
           is_any_of(command, COMMANDS, ARRAY_LEN(COMMANDS));
}

/* Within strings and rows, too, where that happens to stand: both sides read what is left. */
static Command command_find(const char *at, const char *end)
{
    const char *line = at;
    for (; at + 1 < end; at++) {
        Command command = { at, at + 1, 0 };
        while (command.name + command.name_length < end &&
               islower((unsigned char)command.name[command.name_length])) {
            command.name_length++;
        }
        bool may_begin =
            at == line || isspace((unsigned char)at[-1]) || at[-1] == ';' || command.name[0] == ';';
        if (*at == '\\' && may_begin && is_command(&command)) {
            return command;
        }
    }
    return (Command){ 0 };
}

/* Variables of the files' own are in lower case; what psql acts by is not. */
static bool is_plain_set(const Command *command, const char *end)
{
    const char *value = command->name + command->name_length;
    return is_called(command, "set") && value + 1 < end && islower((unsigned char)value[1]) &&
           memchr(value, '`', (size_t)(end - value)) == NULL;
}

/* "\getenv name VARIABLE": any value will do. */
static void getenv_append(const char *rest, Str *out)
{
    size_t length = strcspn(rest, " \n");
    str_printf(out, "\\set %.*s /there\n", (int)length, rest);
}

/* What no file says, or what would be another one everywhere. */
static const struct {
    const char *what;
    const char *by;
} REPLACED[] = {
    { "TO STDOUT", "TO 'there'" },
    { ":'LAST_ERROR_MESSAGE'", "''" },
    { ":LASTOID", "0" },
};

static void sql_append(const char *at, const char *end, Str *out)
{
    while (at < end) {
        size_t length = 0;
        for (size_t i = 0; i < ARRAY_LEN(REPLACED) && length == 0; i++) {
            size_t wanted = strlen(REPLACED[i].what);
            if ((size_t)(end - at) >= wanted && strncasecmp(at, REPLACED[i].what, wanted) == 0) {
                str_append(out, REPLACED[i].by);
                length = wanted;
            }
        }
        if (length == 0) {
            str_append_char(out, *at);
            length = 1;
        }
        at += length;
    }
}

/* True: the lines up to "\." belong to a command that was left out. */
static bool line_prepare(const char *at, const char *end, Str *out)
{
    Command command = command_find(at, end);
    const char *sql_end = command.at == NULL ? end : command.at;
    sql_append(at, sql_end, out);
    if (command.at == NULL) {
        return false;
    }
    if (command.name[0] == ';') {
        str_append_char(out, ';');
        return line_prepare(command.name + 1, end, out);
    }
    const char *rest = command.name + command.name_length;
    if (is_plain_set(&command, end)) {
        sql_append(command.at, end, out);
        return false;
    }
    if (is_called(&command, "getenv")) {
        getenv_append(rest + 1, out);
        return false;
    }
    str_append(out, is_any_of(&command, ENDS, ARRAY_LEN(ENDS)) ? ";\n" : "\n");
    AUTO(Str) words = { 0 };
    str_append_bytes(&words, rest, (size_t)(end - rest));
    return is_called(&command, "copy") && strcasestr(str_text(&words), "from stdin") != NULL;
}

static bool is_end_of_rows(const char *at, const char *end)
{
    return end - at >= 2 && at[0] == '\\' && at[1] == '.';
}

void regress_prepare(const char *text, size_t length, Str *out)
{
    const char *last = text + length;
    bool is_left_out = false;
    for (const char *at = text; at < last;) {
        const char *newline = memchr(at, '\n', (size_t)(last - at));
        const char *end = newline == NULL ? last : newline + 1;
        if (is_left_out) {
            is_left_out = !is_end_of_rows(at, end);
        } else {
            is_left_out = line_prepare(at, end, out);
        }
        at = end;
    }
}
