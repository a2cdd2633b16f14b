/* The command line that the daemons share. */
#include "common/program.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/locked.h"
#include "common/log.h"
#include "common/str.h"

typedef enum Word {
    WORD_NONE = 0,
    WORD_CONFIG,
    WORD_CHECK,
    WORD_SAMPLE,
    WORD_VERSION,
    WORD_HELP,
} Word;

static const struct {
    const char *name;
    Word word;
} WORDS[] = {
    { "--config", WORD_CONFIG },   { "--check", WORD_CHECK }, { "--sample", WORD_SAMPLE },
    { "--version", WORD_VERSION }, { "--help", WORD_HELP },
};

static Word find_word(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        if (strcmp(WORDS[i].name, text) == 0) {
            return WORDS[i].word;
        }
    }
    return WORD_NONE;
}

static void print_error(const Program *program, const Err *err)
{
    fprintf(stderr, "%s: %s\n", program->name, err->message);
    if (err->hint[0] != '\0') {
        fprintf(stderr, "hint: %s\n", err->hint);
    }
}

static void print_help(const Program *program)
{
    printf("usage: %s [--config FILE] [--check]\n"
           "\n"
           "  --config FILE  its configuration (default %s)\n"
           "  --check        read configuration and keys, say what is wrong, and exit\n"
           "  --sample       print a commented configuration and exit\n"
           "  --version      print the version and exit\n"
           "  --help         print this and exit\n"
           "\n"
           "%s",
           program->name, program->config, program->notes);
}

static void print_sample(const Program *program)
{
    AUTO(Str) sample = { 0 };
    config_print_sample(program->sample, &sample);
    fputs(str_text(&sample), stdout);
}

static ErrCode unknown_word(const char *text, Err *err)
{
    const char *names[ARRAY_LEN(WORDS)];
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        names[i] = WORDS[i].name;
    }
    const char *nearest = str_nearest(text, names, ARRAY_LEN(WORDS));
    err_set(err, ERR_USAGE, "'%s' is no option", text);
    return nearest != NULL ? err_hint(err, "did you mean %s?", nearest)
                           : err_hint(err, "--help lists them");
}

/* The first word that asks for a print ends the reading; WORD_NONE: none does. */
static ErrCode read_words(int argc, char **argv, ProgramArgs *args, Word *ret_print, Err *err)
{
    for (int i = 1; i < argc; i++) {
        Word word = find_word(argv[i]);
        if (word == WORD_CONFIG && i + 1 < argc) {
            args->config = argv[++i];
        } else if (word == WORD_CONFIG) {
            return err_set(err, ERR_USAGE, "--config wants an argument: --config FILE");
        } else if (word == WORD_CHECK) {
            args->is_check = true;
        } else if (word == WORD_NONE) {
            return unknown_word(argv[i], err);
        } else {
            *ret_print = word;
            return ERR_NONE;
        }
    }
    return ERR_NONE;
}

bool program_args(const Program *program, int argc, char **argv, ProgramArgs *ret_args,
                  int *ret_exit)
{
    Err err = { 0 };
    Word print = WORD_NONE;
    ProgramArgs args = { .config = program->config };
    if (read_words(argc, argv, &args, &print, &err) != ERR_NONE) {
        print_error(program, &err);
        *ret_exit = (int)err_exit_code(err.code);
        return false;
    }
    switch (print) {
    case WORD_SAMPLE:
        print_sample(program);
        break;
    case WORD_VERSION:
        printf("%s %s\n", program->name, SKEIN_VERSION);
        break;
    case WORD_HELP:
        print_help(program);
        break;
    default:
        *ret_args = args;
        return true;
    }
    *ret_exit = fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    return false;
}

void program_tell_unlocked(void)
{
    if (!locked_is_kept()) {
        log_warning("keys could not be locked into memory, and may be written to swap",
                    LOG_STR("hint", "raise LimitMEMLOCK= in the unit, or ulimit -l, to 8 MB"));
    }
}

int program_end(const Program *program, const ProgramArgs *args, ErrCode code, const Err *err)
{
    if (code != ERR_NONE && args->is_check) {
        print_error(program, err);
    } else if (code != ERR_NONE) {
        log_error("cannot run", LOG_ERR(err));
    } else if (args->is_check) {
        puts("the configuration is in order");
    }
    return (int)err_exit_code(code);
}
