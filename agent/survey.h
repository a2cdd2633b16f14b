/*
 * A survey: one look at an instance, and the whole list of its targets that comes of it. What is
 * read anew and what is known from an earlier one is the readings' to say. Of the watcher's thread.
 *
 * A list that is not whole is worse than an old one, since what is missing from it is taken for
 * gone: an error ends the survey. But a database that cannot be read must not hide all others: its
 * targets stay on the list, as unread.
 */
#ifndef SKEIN_AGENT_SURVEY_H
#define SKEIN_AGENT_SURVEY_H

#include <stddef.h>

#include "agent/config.h"
#include "agent/conn/conn.h"
#include "agent/conn/pool.h"
#include "agent/exec/discover.h"
#include "agent/readings.h"
#include "common/arena.h"
#include "common/err.h"
#include "common/list.h"
#include "proto/messages.h"

/* Who looks; all borrowed. */
typedef struct SurveyParts {
    const AgentInstanceConfig *config;
    ConnSource *source;
    ConnPool *pool;
    Readings *readings;
    const Interrupt *interrupt; /* ERR_CANCELLED */
} SurveyParts;

typedef struct Survey {
    Arena arena;
    InstanceFacts facts;
    LIST(InventoryTarget)
    targets;        /* by address; their texts live as long as the readings are not put anew */
    size_t unread;  /* databases */
    Err unread_why; /* of the first */
} Survey;

void survey_done(Survey *survey);

AUTO_DEFINE(Survey, survey_done)

/*
 * Looks around. `known` is the server as the last survey found it (zeros: there was none), and is
 * replaced: after a restart, or on another server in the old one's place, nothing that was read is
 * trusted.
 */
ErrCode survey_make(const SurveyParts *parts, InstanceFacts *known, Survey *ret_survey, Err *err);

#endif
