/*
 * What this agent knows of its instances and targets, put together from its watchers' letters, in
 * the form that the session tells (agent/core/session.h). One thread: the loop's.
 */
#ifndef SKEIN_AGENT_FACTS_H
#define SKEIN_AGENT_FACTS_H

#include <stdbool.h>

#include "agent/config.h"
#include "agent/core/session.h"
#include "proto/messages.h"

typedef struct Facts Facts;

/* `config` is borrowed, and so is `name`, the own key's. Every instance is listed from the start,
 * not reached yet. */
Facts *facts_new(const AgentConfig *config, const char *name, const uint8_t boot_id[BOOT_ID_BYTES]);
void facts_free(Facts *facts);

AUTO_PTR_DEFINE(Facts, facts_free)

/* The view that the session borrows; changed in place by the functions below. */
const AgentFacts *facts_view(const Facts *facts);

/* A watcher's letter. Returns true when something that the coordinator should know has changed. */
bool facts_take_server(Facts *facts, const HelloInstance *instance);
bool facts_take_page(Facts *facts, const char *instance, const Inventory *page);

/* The keys of coordinators that are trusted from now on. */
void facts_trust(Facts *facts, const CoordinatorKeys *keys);

/* Has the instance's first list been whole? Before that nothing can be said of its targets. */
bool facts_is_listed(const Facts *facts, const char *instance);

/* NULL: not known (any more). */
const InventoryTarget *facts_target(const Facts *facts, const char *address);
const HelloInstance *facts_instance(const Facts *facts, const char *name);

#endif
