/* GET /metrics: the table of what there is, and who wants how much of it. */
#include "coordinator/http/api_metrics.h"

#include <string.h>

/* ---- the table ---- */

/* A row of the table reads as a row. */
/* clang-format off */
const Family FAMILIES[] = {
    { "skein_build_info", FAMILY_GAUGE, DETAIL_FLEET, "version",
      "Always 1.", scrape_build },
    { "process_start_time_seconds", FAMILY_GAUGE, DETAIL_FLEET, "",
      "When the coordinator's process began, as Unix time.", scrape_start_time },
    { "process_cpu_seconds_total", FAMILY_COUNTER, DETAIL_FLEET, "",
      "Processor time of the coordinator's process.", scrape_cpu },
    { "process_resident_memory_bytes", FAMILY_GAUGE, DETAIL_FLEET, "",
      "Memory of the coordinator's process that is in RAM.", scrape_memory },

    { "skein_term", FAMILY_GAUGE, DETAIL_FLEET, "",
      "The coordinator's term: it rises at every start, and when a later one was seen.",
      scrape_term },
    { "skein_recovering", FAMILY_GAUGE, DETAIL_FLEET, "",
      "1 after a start, until the agents have said what they have in hand.", scrape_recovering },
    { "skein_store_read_only", FAMILY_GAUGE, DETAIL_FLEET, "",
      "1 while the store takes no writes: nothing is started and nothing taken from agents.",
      scrape_read_only },
    { "skein_store_commit_duration_seconds", FAMILY_HISTOGRAM, DETAIL_FLEET, "",
      "How long the store took for a commit, also one that failed.", scrape_commits },
    { "skein_store_commit_failures_total", FAMILY_COUNTER, DETAIL_FLEET, "",
      "Commits that the store did not take.", scrape_failed_commits },
    { "skein_batch_messages", FAMILY_HISTOGRAM, DETAIL_FLEET, "",
      "Messages that had queued up by the coordinator's next turn: beyond 1024 they are dropped.",
      scrape_batches },
    { "skein_messages_total", FAMILY_COUNTER, DETAIL_FLEET, "type",
      "Messages of agents. Those of type ping are heartbeats.", scrape_messages },
    { "skein_messages_dropped_total", FAMILY_COUNTER, DETAIL_FLEET, "",
      "Messages dropped because too many had queued up, or the store took no writes; agents repeat "
      "what matters.", scrape_dropped },

    { "skein_agents", FAMILY_GAUGE, DETAIL_FLEET, "state",
      "Agents by the state of their session.", scrape_agents },
    { "skein_agents_silence_seconds", FAMILY_GAUGE, DETAIL_FLEET, "",
      "How long the quietest of the active and suspect agents has not been heard of.",
      scrape_silence },
    { "skein_targets", FAMILY_GAUGE, DETAIL_FLEET, "state",
      "Targets of the fleet, as the agents listed them last: gone ones are in no listing any more, "
      "unread ones could not be read yet, of disputed ones there are two.", scrape_listed },

    { "skein_rollouts", FAMILY_GAUGE, DETAIL_FLEET, "state",
      "Rollouts that the store has, by state.", scrape_rollouts },
    { "skein_rollout_info", FAMILY_GAUGE, DETAIL_FLEET, "rollout, name, state",
      "Always 1: an open rollout. At most the 100 newest, here and in all that tells rollouts apart.",
      scrape_rollout_info },
    { "skein_rollout_waves", FAMILY_GAUGE, DETAIL_FLEET, "rollout, state",
      "Waves of an open rollout, by state.", scrape_rollout_waves },
    { "skein_rollout_targets", FAMILY_GAUGE, DETAIL_FLEET, "rollout, state",
      "Targets of an open rollout, by state.", scrape_rollout_targets },
    { "skein_rollout_charged_targets", FAMILY_GAUGE, DETAIL_FLEET, "rollout",
      "Targets of an open rollout that count as failed.", scrape_charged },
    { "skein_targets_waiting_for_lock", FAMILY_GAUGE, DETAIL_FLEET, "",
      "Targets whose migration waits for a lock that somebody else holds.", scrape_waiting },
    { "skein_sessions_blocked", FAMILY_GAUGE, DETAIL_FLEET, "",
      "Sessions that wait because of a migration.", scrape_blocked },

    { "skein_transitions_total", FAMILY_COUNTER, DETAIL_FLEET, "machine, state",
      "How often a session, target, wave or rollout came into a state from another one.",
      scrape_moves },
    { "skein_step_duration_seconds", FAMILY_HISTOGRAM, DETAIL_FLEET, "goal",
      "How long a step took: one migration's transaction, or one statement outside of one, with its "
      "waits and retries.", scrape_steps },
    { "skein_attempt_duration_seconds", FAMILY_HISTOGRAM, DETAIL_FLEET, "goal",
      "How long an attempt at a target took, from its begin to its end, whatever that was.",
      scrape_attempts },
    { "skein_retries_total", FAMILY_COUNTER, DETAIL_FLEET, "",
      "Tries of a step that ended blocked, or in an error that passes, and were made again.",
      scrape_retries },

    { "skein_agent_info", FAMILY_GAUGE, DETAIL_AGENTS, "agent, state",
      "Always 1: an agent, and the state of its session.", scrape_agent_states },
    { "skein_agent_heard_timestamp_seconds", FAMILY_GAUGE, DETAIL_AGENTS, "agent",
      "When the agent was heard of last, as Unix time.", scrape_agent_heard },
    { "skein_server_*", FAMILY_GAUGE, DETAIL_SERVERS, "agent, instance",
      "A server's newest sample, a family for each metric of health.md, milliseconds as seconds; none "
      "for what is stale or has no value.", scrape_servers },
    { "skein_target_info", FAMILY_GAUGE, DETAIL_TARGETS, "rollout, target, state",
      "Always 1: a target of an open rollout.", scrape_target_states },
};
/* clang-format on */
const size_t FAMILY_COUNT = ARRAY_LEN(FAMILIES);

const char *metric_detail_name(MetricDetail detail)
{
    static const char *const NAMES[] = { "", "agents", "servers", "targets" };
    _Static_assert(ARRAY_LEN(NAMES) == DETAIL_COUNT_, "a name per detail");
    return NAMES[detail];
}

static ErrCode read_detail(const char *word, size_t length, bool wants[DETAIL_COUNT_], Err *err)
{
    for (unsigned detail = DETAIL_FLEET + 1; detail < DETAIL_COUNT_; detail++) {
        const char *name = metric_detail_name((MetricDetail)detail);
        if (strlen(name) == length && strncmp(name, word, length) == 0) {
            wants[detail] = true;
            return ERR_NONE;
        }
    }
    err_set(err, ERR_USAGE, "detail '%.*s' is none", (int)(length < 64 ? length : 64), word);
    return err_hint(err, "it is a list of agents, servers and targets, with commas between");
}

static ErrCode read_details(const char *text, bool wants[DETAIL_COUNT_], Err *err)
{
    wants[DETAIL_FLEET] = true;
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ",");
        ErrCode code = read_detail(at, length, wants, err);
        if (code != ERR_NONE) {
            return code;
        }
        at += length + (at[length] == ',');
    }
    return ERR_NONE;
}

ErrCode api_metrics(const ApiRequest *request, ApiReply *reply, Err *err)
{
    bool wants[DETAIL_COUNT_] = { false };
    ErrCode code = read_details(request->query(request->query_ctx, "detail"), wants, err);
    if (code != ERR_NONE) {
        return code;
    }
    const Scrape scrape = { .request = request,
                            .engine = shell_engine(request->shell),
                            .meters = shell_meters(request->shell) };
    Exposition out = { .out = &reply->body };
    reply->content_type = EXPOSITION_CONTENT_TYPE;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        const Family *family = &FAMILIES[i];
        if (!wants[family->detail]) {
            continue;
        }
        if (!str_ends_with(family->name, "*")) {
            exposition_begin(&out, family->name, family->type, family->help);
        }
        family->write(&scrape, &out);
    }
    return ERR_NONE;
}
