/* The watchdog's limit as people write it in a word: "20/5s", "off". Pure. */
#ifndef SKEIN_CLI_SOURCE_WATCHDOG_TEXT_H
#define SKEIN_CLI_SOURCE_WATCHDOG_TEXT_H

#include <stdbool.h>

#include "proto/bundle.h"

#define WATCHDOG_TEXT_EXAMPLE "20/5s"

/* False, *ret untouched: it is neither. A time of 0 is not written: that is "off". */
bool watchdog_parse(const char *text, PlanWatchdog *ret_watchdog);

#endif
