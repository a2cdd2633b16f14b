/* Ctrl-C and SIGTERM: cancelling in good order, or some words before the end. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

static const int SIGNALS[] = { SIGINT, SIGTERM };

/* Signal handlers have no context to be given. */
static Wake *wake_to_raise;
static volatile sig_atomic_t is_asked;
static const char *words_to_say;

static void take_signal(int number)
{
    (void)number;
    is_asked = 1;
    wake_raise(wake_to_raise);
}

static void handle(void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = (int)SA_RESETHAND | SA_RESTART };
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++) {
        struct sigaction before;
        sigaction(SIGNALS[i], NULL, &before);
        if (before.sa_handler != SIG_IGN) { /* a caller that wants it ignored is to have it so */
            sigaction(SIGNALS[i], &action, NULL);
        }
    }
}

void interrupt_begin(Wake *wake)
{
    wake_to_raise = wake;
    is_asked = 0;
    handle(take_signal);
}

void interrupt_end(void)
{
    handle(SIG_DFL);
    wake_to_raise = NULL;
}

bool interrupt_is_asked(void)
{
    return is_asked != 0;
}

/* Reset by SA_RESETHAND, the signal raised again ends the program: whoever started it sees why. */
static void say_and_end(int number)
{
    if (write(STDERR_FILENO, words_to_say, strlen(words_to_say)) < 0) {
        /* nobody reads it */
    }
    raise(number);
}

void interrupt_last_words(const char *words)
{
    words_to_say = words;
    handle(words == NULL ? SIG_DFL : say_and_end);
}
