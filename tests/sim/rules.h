/*
 * The rules of all machines that run in a seed (the engine's, the agent's job and session), by
 * number: which of them have fired.
 */
#ifndef SKEIN_TESTS_SIM_RULES_H
#define SKEIN_TESTS_SIM_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "common/table.h"

#define RULES_MAX 1024

/* A run of so many seeds should have fired every rule that is not excused; with --demand-rules it
 * must. */
#define RULES_REQUIRED_SEEDS 20000

size_t rules_count(void);
const char *rules_id(size_t index);
const char *rules_why(size_t index);

/* The number of a row of one of the tables. */
size_t rules_index(const Rule *rule);

/* Why this rule does not fire here; NULL: it has to. */
const char *rules_excuse(size_t index);

#endif
