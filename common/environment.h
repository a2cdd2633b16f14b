/*
 * The environment of the process. What it was started with stays readable for as long as it runs:
 * in /proc/PID/environ, in `ps e`, in whatever collects those; unsetenv takes away the pointer and
 * not the text.
 */
#ifndef SKEIN_COMMON_ENVIRONMENT_H
#define SKEIN_COMMON_ENVIRONMENT_H

/*
 * Moves every variable into locked memory and wipes where it was. getenv, and with it libpq, finds
 * all of them as before, and programs that are started get them. For the beginning of main: before
 * threads, and before anybody keeps what getenv gave.
 */
void environment_hide(void);

#endif
