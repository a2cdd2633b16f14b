/* The help, written from the command table. */
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "common/cleanup.h"

#define OPTION_COLUMNS 26
#define NAME_COLUMNS 38

static void print_pair(const char *head, size_t columns, const char *text, Str *out)
{
    size_t width = text_width(head);
    str_printf(out, "  %s%*s %s\n", head, (int)(width < columns ? columns - width : 0), "", text);
}

static void print_option(const Option *option, Str *out)
{
    AUTO(Str) head = { 0 };
    str_printf(&head, "--%s%s%s", option->name, option->argument == NULL ? "" : " ",
               option->argument == NULL ? "" : option->argument);
    print_pair(str_text(&head), OPTION_COLUMNS, option->doc, out);
}

static void print_command(const Command *command, Str *out)
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
    for (size_t i = 0; i < OPTIONS_EVERYWHERE_COUNT; i++) {
        print_option(&OPTIONS_EVERYWHERE[i], out);
    }
    if (command->json != NULL) {
        str_printf(out, "\nwith --output json:\n%s\n", command->json);
    }
}

static bool is_of_group(const Command *command, const char *group)
{
    return str_starts_with(command->name, group) && command->name[strlen(group)] == ' ';
}

/* `group` NULL: all of them. */
static void print_list(const char *group, Str *out)
{
    const char *heading = "";
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const Command *command = &COMMANDS[i];
        if (group != NULL && !is_of_group(command, group)) {
            continue;
        }
        if (strcmp(command->heading, heading) != 0) {
            heading = command->heading;
            str_printf(out, "\n%s:\n", heading);
        }
        AUTO(Str) head = { 0 };
        str_printf(&head, "%s %s", command->name, command->arguments);
        print_pair(str_text(&head), NAME_COLUMNS, command->summary, out);
    }
}

static const char BEGINNING[] =
    "skein rolls PostgreSQL schema migrations across fleets of databases.\n"
    "\n"
    "usage: skein COMMAND [arguments] [options]\n";

static const char EXIT_CODES[] =
    "\n"
    "exit codes: 0 done, 1 failed, 2 usage or configuration, 3 refused, 4 unreachable,\n"
    "            5 rolled back, 6 paused or held\n"
    "Errors go to standard error; with --output json as\n"
    "{\"error\": {\"code\", \"message\", \"sqlstate\"?, \"hint\"?}}.\n"
    "\n"
    "skein COMMAND --help says more of one command, skein --version which skein this is.\n";

void help_print(const Invocation *invocation, Str *out)
{
    if (invocation->command != NULL) {
        print_command(invocation->command, out);
        return;
    }
    str_append(out, invocation->help_group == NULL ? BEGINNING : "");
    print_list(invocation->help_group, out);
    str_append(out, EXIT_CODES);
}
