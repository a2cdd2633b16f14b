/* The tables in one list, and what in them is out of a simulator's reach. */
#include "tests/sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core/job.h"
#include "agent/core/session.h"
#include "common/cleanup.h"
#include "coordinator/engine/engine.h"

#define TABLE_COUNT (ENGINE_TABLE_COUNT + 2)

/* Rules by id, or by how the id begins ("J20*"). */
typedef struct Excuse {
    const char *id;
    const char *why;
} Excuse;

#define NO_ANSWER "no action of that state is answered so, unless the performer has a bug"
#define BUG "only a bug makes such an order, or such a history"
#define NO_TOOL "plans here mirror no other tool, and leave nothing unread"
#define NO_FENCE "nobody asks the fence before the history is read"
#define AT_CONNECT "the identity is judged when connecting"
#define NAMELESS "the model does not name who holds the fence's row"
#define LOCKED "whoever takes the fence has the lock, and has ended who had it"
#define ONE_HISTORY "all plans here are beginnings of one history, without gaps"
#define NO_TRAIL "the agent's session keeps no trail of what it ignores"
#define NO_WORD "who is turned out in a session here is not told so in it"
#define NOT_ASKED "the engine or its operators do not ask for it in that state"
#define SHUT_OUT "an agent in quarantine has no session to speak in"
#define NO_COPY "no server here is a copy of another"
#define RARE "less than once in 20,000 seeds"

static const Excuse EXCUSES[] = {
    { "J200", NO_ANSWER },  { "J201", NO_ANSWER }, { "J202", NO_ANSWER },  { "J203", NO_ANSWER },
    { "J204", NO_ANSWER },  { "J205", NO_ANSWER }, { "J206", NO_ANSWER },  { "J207", NO_ANSWER },
    { "J208", NO_ANSWER },  { "J209", NO_ANSWER }, { "J210", NO_ANSWER },  { "J211", NO_ANSWER },
    { "J212", NO_ANSWER },  { "J213", NO_ANSWER }, { "J214", NO_ANSWER },  { "J215", NO_ANSWER },
    { "J216", NO_ANSWER },  { "J1", BUG },         { "J50", BUG },         { "J56", NO_TOOL },
    { "J57", NO_TOOL },     { "J217", NO_TOOL },   { "J218", NO_TOOL },    { "J221", NO_TOOL },
    { "J222", NO_TOOL },    { "J223", NO_TOOL },   { "J224", NO_TOOL },    { "J225", NO_TOOL },
    { "J226", NO_TOOL },    { "J227", NO_TOOL },   { "J228", NO_TOOL },    { "J229", NO_TOOL },
    { "J12i", NO_FENCE },   { "J43i", NO_FENCE },  { "J24d", AT_CONNECT }, { "J43d", AT_CONNECT },
    { "J55d", AT_CONNECT }, { "J30", NAMELESS },   { "J52", NAMELESS },    { "J81d", NAMELESS },
    { "J86d", NAMELESS },   { "J91d", NAMELESS },  { "J81c", LOCKED },     { "J86c", LOCKED },
    { "J91c", LOCKED },     { "J123", LOCKED },    { "J67", ONE_HISTORY }, { "J69", ONE_HISTORY },
    { "J79", ONE_HISTORY }, { "A2", NO_TRAIL },    { "A5", NO_TRAIL },     { "A12", NO_TRAIL },
    { "A15", NO_TRAIL },    { "A16", NO_TRAIL },   { "A21", NO_TRAIL },    { "A32", NO_TRAIL },
    { "A41", NO_TRAIL },    { "A52", NO_TRAIL },   { "A61", NO_TRAIL },    { "A31", NO_WORD },
    { "S09", NOT_ASKED },   { "S11", NOT_ASKED },  { "S15", NOT_ASKED },   { "S18", NOT_ASKED },
    { "S21", NOT_ASKED },   { "S28", NOT_ASKED },  { "T200", NOT_ASKED },  { "T201", NOT_ASKED },
    { "T214", NOT_ASKED },  { "T222", NOT_ASKED }, { "W33", NOT_ASKED },   { "R16", NOT_ASKED },
    { "R50", NOT_ASKED },   { "S22", SHUT_OUT },   { "S24", SHUT_OUT },    { "S25", SHUT_OUT },
    { "S31", SHUT_OUT },    { "S32", SHUT_OUT },   { "T09", NO_COPY },     { "T44", NO_COPY },
    { "T45", NO_COPY },     { "J32", RARE },       { "J37", RARE },        { "J43e", RARE },
    { "J55e", RARE },       { "J86i", RARE },      { "J91g", RARE },       { "J91i", RARE },
    { "J93", RARE },        { "J127d", RARE },     { "T30", RARE },        { "T63", RARE },
    { "T64", RARE },        { "T85", RARE },       { "T124", RARE },       { "T125", RARE },
    { "T128", RARE },       { "T130", RARE },      { "T134", RARE },       { "T138", RARE },
    { "T141", RARE },       { "T151", RARE },      { "T153", RARE },
};

static const RuleTable *table_at(size_t index)
{
    if (index < ENGINE_TABLE_COUNT) {
        return engine_table(index);
    }
    return index == ENGINE_TABLE_COUNT ? job_rule_table() : agent_session_rule_table();
}

size_t rules_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        count += table_at(i)->rule_count;
    }
    return count;
}

static const Rule *rule_at(size_t index)
{
    size_t left = index;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const RuleTable *table = table_at(i);
        if (left < table->rule_count) {
            return &table->rules[left];
        }
        left -= table->rule_count;
    }
    abort();
}

const char *rules_id(size_t index)
{
    return rule_at(index)->id;
}

const char *rules_why(size_t index)
{
    return rule_at(index)->why;
}

size_t rules_index(const Rule *rule)
{
    size_t before = 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const RuleTable *table = table_at(i);
        uintptr_t first = (uintptr_t)table->rules;
        uintptr_t at = (uintptr_t)rule;
        if (at >= first && at < first + table->rule_count * sizeof(Rule)) {
            return before + (size_t)(rule - table->rules);
        }
        before += table->rule_count;
    }
    return RULES_MAX - 1; /* the job's rule for nonsense is in no table */
}

static bool is_meant(const Excuse *excuse, const char *id)
{
    size_t length = strlen(excuse->id);
    bool is_prefix = length > 0 && excuse->id[length - 1] == '*';
    return is_prefix ? strncmp(excuse->id, id, length - 1) == 0 : strcmp(excuse->id, id) == 0;
}

const char *rules_excuse(size_t index)
{
    for (size_t i = 0; i < ARRAY_LEN(EXCUSES); i++) {
        if (is_meant(&EXCUSES[i], rules_id(index))) {
            return EXCUSES[i].why;
        }
    }
    return NULL;
}
