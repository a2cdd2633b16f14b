/*
 * Commands as data: what a command is called, takes and does. The whole tree stands in commands.c;
 * args.c parses by it and suggests what was meant, help.c writes --help from it.
 */
#ifndef SKEIN_CLI_COMMAND_H
#define SKEIN_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/source/variable.h"
#include "common/arena.h"
#include "common/err.h"
#include "common/list.h"
#include "common/secret.h"
#include "common/str.h"

typedef enum OutputKind {
    OUTPUT_NONE = 0,
    OUTPUT_TEXT,
    OUTPUT_JSON,
} OutputKind;

/* Every option of every command; a command's table says which it takes. */
typedef struct Options {
    OutputKind output;
    const char *database;
    const char
        *migrations; /* default ./migrations; every other text is NULL where it is not given */
    const char *coordinator;
    const char *to;
    const char *out;
    const char *signer;
    const char *where;
    const char *reason;
    const char *name;
    const char *plan;
    const char *wave;
    const char *schema;
    const char *shared_schemas;
    const char *role;
    const char *state;
    const char *format;
    const char *lock_timeout;
    const char *watchdog;
    const char *from;
    const char *seed;
    const char *prepare;
    const char *timeout;
    const char *junit;
    const char *fail_on;
    const char *config;
    const char *report;
    const char *explain;
    const char *tool;
    const char *table;
    const char *mirror;
    const char *out_of_order;
    const char *missing;
    const char *changed;
    const char *anchor;
    const char *rollout;
    const char *actor;
    const char *since;
    const char *token_file;
    const char *ca_file;
    const char *roles; /* of a token */
    const char *person;
    const char *expires;
    const char *apply_until;
    const char *rollback_until;
    SourceVariables set;
    bool is_yes;
    bool is_watch;
    bool is_failed;
    bool is_replace;
    bool is_revoke;
    bool is_open;
    bool is_strict;
    bool is_own_server;
    bool is_rules;
    bool is_dry_run;
    bool is_sql;
    bool is_accept; /* these ten: `repair` */
    bool is_rename;
    bool is_forget;
    bool is_settle;
    bool is_done;
    bool is_again;
    bool is_applied;
    bool is_undone;
    bool is_same_schema;
    bool is_tell;
    bool is_new_schema;
    bool is_help;
    uint32_t limit; /* 0: all */
    uint32_t jobs;  /* 0: not said */
    uint64_t after;
} Options;

typedef enum OptionType {
    OPTION_NONE = 0,
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char *, not empty: "$UNSET" is never what was meant */
    OPTION_WORDS,    /* const char *, empty or not */
    OPTION_SCHEMA,   /* const char *, a schema that is neither the server's nor skein's own */
    OPTION_COUNT,    /* uint32_t, from 1 */
    OPTION_SEQUENCE, /* uint64_t */
    OPTION_OUTPUT,
    OPTION_CONNECTION, /* as TEXT; not to be read by others where it holds a password */
    OPTION_VARIABLE,   /* SourceVariables; may be given several times; its value likewise */
} OptionType;

typedef struct Option {
    const char *name;     /* without the dashes */
    const char *argument; /* what stands for it in --help: "VERSION"; NULL: a flag */
    OptionType type;
    size_t offset; /* into Options */
    const char *doc;
} Option;

typedef struct Command Command;

/* One call of the program. */
typedef struct Invocation {
    const Command *command;
    const char *help_group; /* of a call for help: the group of commands it is about; NULL: none */
    Options options;
    const char **arguments;
    size_t argument_count;
    LIST(Secret *) secrets; /* what options point to that others are not to read */
    Arena arena;
} Invocation;

struct Command {
    const char *name;      /* "rollout start" */
    const char *arguments; /* for --help: "FILE", "[ID]"; "": none */
    size_t arguments_min;
    size_t arguments_max;
    const char *heading;          /* in the general --help */
    const char *summary;          /* a phrase, lower case */
    const char *details;          /* paragraphs for its own --help; NULL: none */
    const char *json;             /* what it prints with --output json; NULL: nothing */
    const Option *const *options; /* NULL-ended, beside those that every command has */
    /* Sets *ret_exit where the outcome is not "done" though nothing went wrong. */
    ErrCode (*run)(Invocation *invocation, ExitCode *ret_exit, Err *err);
};

extern const Command COMMANDS[];
extern const size_t COMMAND_COUNT;

/* Releases what parsing and running have put into the arena. */
void invocation_done(Invocation *invocation);

AUTO_DEFINE(Invocation, invocation_done)

/* What every command takes beside its own. */
extern const Option OPTIONS_EVERYWHERE[];
extern const size_t OPTIONS_EVERYWHERE_COUNT;

/*
 * Finds the command and reads its options and arguments, in the invocation's arena; words that hold
 * a secret are overwritten with asterisks. ERR_USAGE names
 * the word, and what may have been meant in the hint; options.output is as asked for even then.
 * With a call for help among the words, or no words at all, options.is_help is set and nothing else
 * is checked; `command` is then NULL for the general help and that of a group.
 */
ErrCode args_parse(int count, char *const *words, Invocation *invocation, Err *err);

/* The option's text, or else the environment variable's; NULL: neither is there. Empty is not
 * there. */
const char *option_or_env(const char *text, const char *variable);

/* The help that an invocation with is_help asks for. Appends. */
void help_print(const Invocation *invocation, Str *out);

#endif
