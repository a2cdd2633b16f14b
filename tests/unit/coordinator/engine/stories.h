/* The stories by theme. One program (test_rules.c) tells them all, so that it can say which rule
 * none met. */
#ifndef SKEIN_TESTS_UNIT_ENGINE_STORIES_H
#define SKEIN_TESTS_UNIT_ENGINE_STORIES_H

#include "tests/unit/coordinator/engine/harness.h"

typedef struct Stories {
    const char *theme;
    const struct CMUnitTest *tests;
    size_t count;
} Stories;

#define STORIES(name, list) const Stories name = { #name, list, sizeof(list) / sizeof((list)[0]) }

extern const Stories SESSION_STORIES;
extern const Stories PROTOCOL_STORIES;
extern const Stories FLEET_STORIES;
extern const Stories START_STORIES;
extern const Stories FAILOVER_STORIES;
extern const Stories BENEATH_STORIES;
extern const Stories FORWARD_STORIES;
extern const Stories BUDGET_STORIES;
extern const Stories COMMAND_STORIES;
extern const Stories BACK_STORIES;
extern const Stories LOSS_STORIES;
extern const Stories RESTART_STORIES;
extern const Stories FOUND_STORIES;
extern const Stories RETIRE_STORIES;
extern const Stories TIME_STORIES;
extern const Stories WORDS_STORIES;
extern const Stories ASKED_STORIES;
extern const Stories UNREAD_STORIES;
extern const Stories DOUBT_STORIES;
extern const Stories GATE_STORIES;

#endif
