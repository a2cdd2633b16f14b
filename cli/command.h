/*
 * Commands as data: what a command is called, takes and does. The whole tree stands in commands.c; one
 * driver (args.c) parses by it, writes --help from it, and suggests what was meant.
 */
#ifndef SKEIN_CLI_COMMAND_H
#define SKEIN_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

typedef enum OutputKind {
    OUTPUT_NONE = 0,
    OUTPUT_TEXT,
    OUTPUT_JSON,
} OutputKind;

/* Every option of every command; a command's table says which it takes. */
typedef struct Options {
    OutputKind output;
    const char *database;    /* --database, SKEIN_DATABASE_URL */
    const char *migrations;  /* --migrations; default ./migrations */
    const char *coordinator; /* --coordinator, SKEIN_COORDINATOR */
    const char *to;
    const char *out;
    const char *signer;
    const char *where;
    const char *reason;
    const char *wave;
    const char *rollout;
    const char *schema;
    const char *state;
    const char *format;
    const char *lock_timeout;
    bool is_yes;
    bool is_watch;
    bool is_failed;
    bool is_open;
    bool is_help;
    uint32_t limit;
    uint64_t after;
} Options;

typedef enum OptionType {
    OPTION_NONE = 0,
    OPTION_FLAG, /* bool */
    OPTION_TEXT, /* const char * */
    OPTION_COUNT, /* uint32_t, from 1 */
    OPTION_SEQUENCE, /* uint64_t */
    OPTION_OUTPUT,
} OptionType;

typedef struct Option {
    const char *name;     /* without the dashes */
    const char *argument; /* what stands for it in --help: "VERSION"; NULL: a flag */
    OptionType type;
    size_t offset;        /* into Options */
    const char *doc;
} Option;

typedef struct Command Command;

/* One call of the program. */
typedef struct Invocation {
    const Command *command;
    Options options;
    const char **arguments;
    size_t argument_count;
    Arena arena;
} Invocation;

struct Command {
    const char *name;      /* "rollout start" */
    const char *arguments; /* for --help: "FILE", "[ID]"; "": none */
    size_t arguments_min;
    size_t arguments_max;
    const char *group;   /* heading in the general --help */
    const char *summary; /* a phrase, lower case */
    const char *details; /* paragraphs for its own --help; NULL: none */
    const Option *const *options; /* NULL-ended, beside those that every command has */
    /* Sets *ret_exit where the outcome is not "done" though nothing went wrong. */
    ErrCode (*run)(Invocation *invocation, ExitCode *ret_exit, Err *err);
};

extern const Command COMMANDS[];
extern const size_t COMMAND_COUNT;

/*
 * Finds the command and reads its options. ERR_USAGE names the word, and a suggestion in the hint. With
 * --help among the words, or no words at all, options.is_help is set and nothing else is checked;
 * `command` is then NULL for the general help.
 */
ErrCode args_parse(int count, char *const *words, Invocation *invocation, Err *err);

/* The general help, or that of one command, or of a group of commands ("rollout"). Appends. */
void help_print(const Command *command, const char *prefix, Str *out);

#endif
