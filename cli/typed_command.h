/*
 * Commands that somebody is to type after this call: they go to the target that this call went to,
 * since one that lacks --schema or --table does its work elsewhere.
 */
#ifndef SKEIN_CLI_TYPED_COMMAND_H
#define SKEIN_CLI_TYPED_COMMAND_H

#include "cli/command.h"

/* Appends what was given to this call of where the target and its history are, as far as `command`
 * ("skein adopt --from dbmate") takes it and does not say it by itself. */
void typed_command_place(const Options *options, const char *command, Str *out);

/* The same of how far it goes and of its rules for what is odd about a history: for who has not
 * typed them in this call. */
void typed_command_rules(const Options *options, const char *command, Str *out);

/* Appends the text of a hint or a note, with every command in it (`skein …`, between backticks)
 * made so. */
void typed_commands_write(const Options *options, const char *text, Str *out);

/* Appends this very call, but for where it goes (which a hint gets by itself) and the values of
 * variables: "skein baseline 2 --missing ignore". */
void typed_command_again(const Invocation *invocation, Str *out);

/*
 * The next command in a text, without its backticks, in `arena`; *text is moved behind it. NULL:
 * there is none.
 */
const char *typed_command_next(const char **text, Arena *arena);

/* Is it one that goes to a database itself, and not to the coordinator? */
bool typed_command_is_local(const char *command);

#endif
