/* From rows, views and counters to samples. */
#include "coordinator/http/scrape.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"

/* ---- the coordinator itself ---- */

void scrape_build(const Scrape *scrape, Exposition *out)
{
    (void)scrape;
    exposition_sample(out, LABELS({ "version", SKEIN_VERSION }), 1, 0);
}

void scrape_start_time(const Scrape *scrape, Exposition *out)
{
    uint64_t uptime_ms = shell_uptime_ms(scrape->request->shell);
    exposition_sample(out, NO_LABELS, (uint64_t)clock_wall_ms() - uptime_ms, 3);
}

void scrape_cpu(const Scrape *scrape, Exposition *out)
{
    (void)scrape;
    struct rusage usage = { 0 };
    (void)getrusage(RUSAGE_SELF, &usage);
    uint64_t seconds = (uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec;
    uint64_t micros = (uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec;
    exposition_sample(out, NO_LABELS, seconds * 1000000 + micros, 6);
}

/* The second number of /proc/self/statm (proc(5)); no sample where it cannot be read. */
void scrape_memory(const Scrape *scrape, Exposition *out)
{
    (void)scrape;
    unsigned long long size = 0;
    unsigned long long resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return;
    }
    if (fscanf(file, "%llu %llu", &size, &resident) == 2) {
        exposition_sample(out, NO_LABELS, resident * (uint64_t)sysconf(_SC_PAGESIZE), 0);
    }
    (void)fclose(file);
}

void scrape_term(const Scrape *scrape, Exposition *out)
{
    exposition_sample(out, NO_LABELS, shell_term(scrape->request->shell), 0);
}

void scrape_recovering(const Scrape *scrape, Exposition *out)
{
    exposition_sample(out, NO_LABELS, engine_is_recovering(scrape->engine), 0);
}

void scrape_read_only(const Scrape *scrape, Exposition *out)
{
    exposition_sample(out, NO_LABELS, shell_read_only(scrape->request->shell) != NULL, 0);
}

void scrape_commits(const Scrape *scrape, Exposition *out)
{
    exposition_histogram(out, NO_LABELS, &scrape->meters->commits, &METER_LATENCIES);
}

void scrape_failed_commits(const Scrape *scrape, Exposition *out)
{
    exposition_sample(out, NO_LABELS, scrape->meters->commits_failed, 0);
}

void scrape_batches(const Scrape *scrape, Exposition *out)
{
    exposition_histogram(out, NO_LABELS, &scrape->meters->batches, &METER_SIZES);
}

void scrape_messages(const Scrape *scrape, Exposition *out)
{
    static const struct {
        EventKind kind;
        const char *name;
    } TYPES[] = {
        { EVENT_HELLO, "hello" }, { EVENT_INVENTORY, "inventory" }, { EVENT_PING, "ping" },
        { EVENT_STATE, "state" }, { EVENT_PROGRESS, "progress" },   { EVENT_HEALTH, "health" },
        { EVENT_BYE, "bye" },
    };
    for (size_t i = 0; i < ARRAY_LEN(TYPES); i++) {
        exposition_sample(out, LABELS({ "type", TYPES[i].name }),
                          scrape->meters->messages[TYPES[i].kind], 0);
    }
}

void scrape_dropped(const Scrape *scrape, Exposition *out)
{
    exposition_sample(out, NO_LABELS, scrape->meters->messages_dropped, 0);
}

/* ---- the fleet ---- */

/* One sample per state, also of those that nothing is in: a series that comes and goes cannot be
 * alarmed on. */
static void write_states(Exposition *out, MeterMachine machine, const char *rollout,
                         const uint64_t *counts)
{
    const char *name = "";
    for (unsigned state = 0; (name = meter_state_name(machine, state)) != NULL; state++) {
        if (state == 0 && machine != METER_SESSION) {
            continue; /* "none": of nothing that is */
        }
        exposition_sample(out,
                          rollout == NULL ? LABELS({ "state", name })
                                          : LABELS({ "rollout", rollout }, { "state", name }),
                          counts[state], 0);
    }
}

void scrape_agents(const Scrape *scrape, Exposition *out)
{
    uint64_t counts[METER_STATES_MAX] = { 0 };
    for (size_t i = 0; i < engine_agent_count(scrape->engine); i++) {
        counts[engine_agent_at(scrape->engine, i)->state]++;
    }
    write_states(out, METER_SESSION, NULL, counts);
}

void scrape_silence(const Scrape *scrape, Exposition *out)
{
    int64_t now_ms = clock_wall_ms();
    int64_t longest_ms = 0;
    for (size_t i = 0; i < engine_agent_count(scrape->engine); i++) {
        const AgentRow *agent = engine_agent_at(scrape->engine, i);
        bool is_here = agent->state == SESSION_ACTIVE || agent->state == SESSION_SUSPECT;
        if (is_here && now_ms - agent->heard_at_ms > longest_ms) {
            longest_ms = now_ms - agent->heard_at_ms;
        }
    }
    exposition_sample(out, NO_LABELS, (uint64_t)longest_ms, 3);
}

void scrape_listed(const Scrape *scrape, Exposition *out)
{
    uint64_t present = 0;
    uint64_t gone = 0;
    uint64_t unread = 0;
    uint64_t disputed = 0;
    for (size_t i = 0; i < engine_inventory_count(scrape->engine); i++) {
        const InventoryRow *row = engine_inventory_at(scrape->engine, i);
        uint64_t *count = row->is_gone       ? &gone
                          : row->is_disputed ? &disputed
                          : !row->is_read    ? &unread
                                             : &present;
        ++*count;
    }
    exposition_sample(out, LABELS({ "state", "present" }), present, 0);
    exposition_sample(out, LABELS({ "state", "unread" }), unread, 0);
    exposition_sample(out, LABELS({ "state", "disputed" }), disputed, 0);
    exposition_sample(out, LABELS({ "state", "gone" }), gone, 0);
}

/* ---- rollouts ---- */

void scrape_rollouts(const Scrape *scrape, Exposition *out)
{
    uint64_t counts[METER_STATES_MAX] = { 0 };
    for (size_t i = 0; i < engine_rollout_count(scrape->engine); i++) {
        counts[engine_rollout_at(scrape->engine, i)->state]++;
    }
    write_states(out, METER_ROLLOUT, NULL, counts);
}

/* A walk over the open ones, newest first, at most SCRAPE_ROLLOUTS_MAX of them. */
typedef struct OpenRollouts {
    size_t index;
    size_t count;
} OpenRollouts;

static OpenRollouts open_rollouts(const Scrape *scrape)
{
    return (OpenRollouts){ .index = engine_rollout_count(scrape->engine) };
}

/* NULL: there are no more. */
static const RolloutRow *open_next(const Scrape *scrape, OpenRollouts *at)
{
    while (at->index > 0 && at->count < SCRAPE_ROLLOUTS_MAX) {
        const RolloutRow *row = engine_rollout_at(scrape->engine, --at->index);
        if (rollout_is_open(row->state)) {
            at->count++;
            return row;
        }
    }
    return NULL;
}

void scrape_rollout_info(const Scrape *scrape, Exposition *out)
{
    OpenRollouts at = open_rollouts(scrape);
    for (const RolloutRow *row; (row = open_next(scrape, &at)) != NULL;) {
        exposition_sample(out,
                          LABELS({ "rollout", row->id }, { "name", row->name },
                                 { "state", rollout_state_name(row->state) }),
                          1, 0);
    }
}

void scrape_rollout_waves(const Scrape *scrape, Exposition *out)
{
    OpenRollouts at = open_rollouts(scrape);
    for (const RolloutRow *row; (row = open_next(scrape, &at)) != NULL;) {
        uint64_t counts[METER_STATES_MAX] = { 0 };
        for (size_t i = 0; i < engine_wave_count(scrape->engine, row->id); i++) {
            counts[engine_wave_at(scrape->engine, row->id, i)->state]++;
        }
        write_states(out, METER_WAVE, row->id, counts);
    }
}

void scrape_rollout_targets(const Scrape *scrape, Exposition *out)
{
    OpenRollouts at = open_rollouts(scrape);
    for (const RolloutRow *row; (row = open_next(scrape, &at)) != NULL;) {
        uint64_t counts[METER_STATES_MAX] = { 0 };
        TargetCounts targets;
        engine_count(scrape->engine, row->id, UINT32_MAX, &targets);
        for (size_t i = 0; i < TARGET_STATE_COUNT_; i++) {
            counts[i] = targets.by_state[i];
        }
        write_states(out, METER_TARGET, row->id, counts);
    }
}

void scrape_charged(const Scrape *scrape, Exposition *out)
{
    OpenRollouts at = open_rollouts(scrape);
    for (const RolloutRow *row; (row = open_next(scrape, &at)) != NULL;) {
        TargetCounts targets;
        engine_count(scrape->engine, row->id, UINT32_MAX, &targets);
        exposition_sample(out, LABELS({ "rollout", row->id }), targets.charged, 0);
    }
}

/* What those that are at work said last of locks. */
typedef struct LockCounts {
    uint64_t waiting; /* targets whose statement waits for a lock */
    uint64_t blocked; /* sessions that wait because of a migration */
} LockCounts;

static void count_locks(const Scrape *scrape, const RolloutRow *rollout, LockCounts *counts)
{
    const Engine *engine = scrape->engine;
    for (size_t i = 0; i < engine_target_count(engine, rollout->id); i++) {
        const TargetRow *row = engine_target_at(engine, rollout->id, i);
        bool is_at_work = row->state == TARGET_APPLYING || row->state == TARGET_ROLLING_BACK;
        const Progress *progress =
            is_at_work ? engine_target_progress(engine, rollout->id, row->address) : NULL;
        if (progress != NULL) {
            counts->waiting += progress->blocked_by[0] != '\0';
            counts->blocked += progress->blocks;
        }
    }
}

static LockCounts locks(const Scrape *scrape)
{
    LockCounts counts = { 0 };
    OpenRollouts at = open_rollouts(scrape);
    for (const RolloutRow *row; (row = open_next(scrape, &at)) != NULL;) {
        count_locks(scrape, row, &counts);
    }
    return counts;
}

void scrape_waiting(const Scrape *scrape, Exposition *out)
{
    exposition_sample(out, NO_LABELS, locks(scrape).waiting, 0);
}

void scrape_blocked(const Scrape *scrape, Exposition *out)
{
    exposition_sample(out, NO_LABELS, locks(scrape).blocked, 0);
}

/* ---- what was counted ---- */

void scrape_moves(const Scrape *scrape, Exposition *out)
{
    const char *name = "";
    for (unsigned machine = 0; machine < METER_MACHINE_COUNT_; machine++) {
        for (unsigned state = 0; (name = meter_state_name((MeterMachine)machine, state)) != NULL;
             state++) {
            if (state == 0 && machine != METER_SESSION) {
                continue;
            }
            exposition_sample(
                out,
                LABELS({ "machine", meter_machine_name((MeterMachine)machine) }, { "state", name }),
                scrape->meters->moves[machine][state], 0);
        }
    }
}

static void write_by_goal(Exposition *out, const Histogram histograms[METER_WAY_COUNT_])
{
    for (unsigned way = 0; way < METER_WAY_COUNT_; way++) {
        exposition_histogram(out, LABELS({ "goal", meter_way_name((MeterWay)way) }),
                             &histograms[way], &METER_DURATIONS);
    }
}

void scrape_steps(const Scrape *scrape, Exposition *out)
{
    write_by_goal(out, scrape->meters->steps);
}

void scrape_attempts(const Scrape *scrape, Exposition *out)
{
    write_by_goal(out, scrape->meters->attempts);
}

void scrape_retries(const Scrape *scrape, Exposition *out)
{
    exposition_sample(out, NO_LABELS, scrape->meters->retries, 0);
}

/* ---- on demand ---- */

void scrape_agent_states(const Scrape *scrape, Exposition *out)
{
    for (size_t i = 0; i < engine_agent_count(scrape->engine); i++) {
        const AgentRow *agent = engine_agent_at(scrape->engine, i);
        exposition_sample(
            out, LABELS({ "agent", agent->name }, { "state", session_state_name(agent->state) }), 1,
            0);
    }
}

void scrape_agent_heard(const Scrape *scrape, Exposition *out)
{
    for (size_t i = 0; i < engine_agent_count(scrape->engine); i++) {
        const AgentRow *agent = engine_agent_at(scrape->engine, i);
        if (agent->heard_at_ms > 0) {
            exposition_sample(out, LABELS({ "agent", agent->name }), (uint64_t)agent->heard_at_ms,
                              3);
        }
    }
}

void scrape_target_states(const Scrape *scrape, Exposition *out)
{
    OpenRollouts at = open_rollouts(scrape);
    for (const RolloutRow *row; (row = open_next(scrape, &at)) != NULL;) {
        for (size_t i = 0; i < engine_target_count(scrape->engine, row->id); i++) {
            const TargetRow *target = engine_target_at(scrape->engine, row->id, i);
            exposition_sample(out,
                              LABELS({ "rollout", row->id }, { "target", target->address },
                                     { "state", target_state_name(target->state) }),
                              1, 0);
        }
    }
}

/* What is stale, or has no value, has no sample: nobody knows it. */
static void write_server_metric(const Scrape *scrape, Exposition *out, size_t metric,
                                unsigned decimals)
{
    uint64_t now_ms = clock_boot_ms();
    for (size_t i = 0; i < engine_agent_count(scrape->engine); i++) {
        const AgentRow *agent = engine_agent_at(scrape->engine, i);
        for (size_t j = 0; j < agent->instance_count; j++) {
            const char *instance = agent->instances[j].name;
            const HealthSample *sample =
                health_board_find(scrape->request->health, agent->name, instance);
            if (sample == NULL || health_sample_is_stale(sample, agent, now_ms) ||
                sample->readings[metric].metric == METRIC_NONE ||
                sample->readings[metric].absence != METRIC_PRESENT) {
                continue;
            }
            exposition_sample(out, LABELS({ "agent", agent->name }, { "instance", instance }),
                              sample->readings[metric].value, decimals);
        }
    }
}

/* A family of its own for each metric, since each has its own unit. Prometheus has seconds. */
void scrape_servers(const Scrape *scrape, Exposition *out)
{
    for (size_t metric = 1; metric < METRIC_COUNT_; metric++) {
        const MetricRow *row = metric_row((uint32_t)metric);
        AUTO(Str) name = { 0 };
        bool is_in_ms = str_ends_with(row->name, "_ms");
        int length = (int)strlen(row->name) - (is_in_ms ? 3 : 0);
        str_printf(&name, "skein_server_%.*s%s", length, row->name, is_in_ms ? "_seconds" : "");
        exposition_begin(out, str_text(&name), FAMILY_GAUGE, row->doc);
        write_server_metric(scrape, out, metric, is_in_ms ? 6 : 3); /* of thousandths */
    }
}
_Static_assert(METRIC_SCALE == 1000, "three decimals");
