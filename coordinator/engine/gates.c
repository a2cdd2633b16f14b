/*
 * Gates: what the samples of the servers mean for a plan's gates (gates.h has the table), and when
 * a wave has to be looked at again. What follows is for the rules of waves and rollouts.
 *
 * A look over all servers of a wave is made where something hangs on it: before it opens, and when
 * its soak is over. In between each sample is judged as it comes, for its own server alone.
 */
#include "coordinator/engine/state.h"

static bool has_gates(const Rollout *rollout)
{
    return rollout->has_plan && rollout->strategy.gate_count > 0;
}

/* --- one gate on one server --- */

typedef struct Question {
    const Wave *wave;
    size_t gate;
    const Agent *agent;
    const char *instance;
    uint64_t now_ms;
    bool is_opening; /* then a baseline may still be taken */
} Question;

static const PlanGate *gate_of(const Question *question)
{
    return &question->wave->rollout->strategy.gates[question->gate];
}

static bool is_beyond(const PlanGate *gate, const Sample *sample, uint64_t limit)
{
    return sample->absences[gate->metric] == METRIC_PRESENT &&
           !gate_is_within(gate, sample->values[gate->metric], limit);
}

/* Of the present session, heard by this coordinator, and of the present run of the rollout. */
static bool may_count(const Question *question, const Sample *sample)
{
    const Rollout *rollout = question->wave->rollout;
    return sample->number > rollout->resumed_sample &&
           sample->came_ms >= question->agent->active_ms &&
           sample->came_ms >= rollout->engine->hears_ms;
}

/* Beyond the limit, one after another, the newest first. */
static uint32_t count_in_a_row(const Question *question, const Server *server, uint64_t limit)
{
    const Sample *newer = NULL;
    uint32_t count = 0;
    for (size_t age = 0; age < SAMPLES_KEPT; age++) {
        const Sample *sample = server_sample(server, age);
        if (sample == NULL || (newer != NULL && sample_is_gap(newer, sample)) ||
            !may_count(question, sample) || !is_beyond(gate_of(question), sample, limit)) {
            break;
        }
        newer = sample;
        count++;
    }
    return count;
}

static GateFinding inconclusive(GateFinding finding, GateReason reason)
{
    finding.verdict = GATE_INCONCLUSIVE;
    finding.reason = reason;
    return finding;
}

static GateFinding judge_value(const Question *question, const Server *server, GateFinding finding)
{
    const PlanGate *gate = gate_of(question);
    if (gate_is_within(gate, finding.value, finding.limit)) {
        finding.verdict = GATE_PASS;
        finding.reason = GATE_WITHIN;
        return finding;
    }
    finding.in_a_row = count_in_a_row(question, server, finding.limit);
    finding = inconclusive(finding, GATE_BEYOND);
    finding.verdict = finding.in_a_row >= gate->failures ? GATE_FAIL : GATE_INCONCLUSIVE;
    return finding;
}

/* What is known of the limit; the newest sample may be too old to be held against it. */
static void find_limit(const Question *question, const Server *server, GateFinding *finding)
{
    const PlanGate *gate = gate_of(question);
    const BaselineRow *row =
        baseline_find(question->wave, (uint32_t)question->gate, question->instance);
    if (gate->is_relative && row != NULL) {
        finding->has_baseline = true;
        finding->baseline = row->value;
    } else if (gate->is_relative) {
        finding->samples = baseline_median(server, gate->metric, &finding->baseline);
        finding->has_baseline = question->is_opening && finding->samples >= BASELINE_SAMPLES_MIN;
    }
    finding->has_limit = !gate->is_relative || finding->has_baseline;
    finding->limit = finding->has_limit ? gate_limit(gate, finding->baseline) : 0;
}

static GateFinding judge_sample(const Question *question, const Server *server,
                                const Sample *sample, GateFinding finding)
{
    if (!sample_is_fresh(question->agent, sample, question->now_ms)) {
        return inconclusive(finding, GATE_STALE);
    }
    if (finding.absence == SAMPLE_UNTOLD) {
        return inconclusive(finding, GATE_UNTOLD);
    }
    if (finding.absence == METRIC_NOTHING) {
        finding.verdict = GATE_PASS;
        finding.reason = GATE_NOTHING;
        return finding;
    }
    if (!finding.has_value) {
        return inconclusive(finding, GATE_ABSENT);
    }
    if (!finding.has_limit) {
        return inconclusive(finding, question->is_opening ? GATE_NO_BASELINE : GATE_LATE);
    }
    return judge_value(question, server, finding);
}

/* A soak is there to see what comes: what was well before it says nothing. */
static bool is_before_soak(const Wave *wave, const Sample *sample)
{
    return wave_has_soaked(wave) && sample->number <= wave->soak_sample;
}

static GateFinding judge(const Question *question)
{
    const PlanGate *gate = gate_of(question);
    const Server *server = server_find(question->agent, question->instance);
    const Sample *sample = server_sample(server, 0);
    GateFinding finding = { .agent = question->agent->row.name, .instance = question->instance };
    find_limit(question, server, &finding);
    if (sample == NULL) {
        return inconclusive(finding, GATE_SILENT);
    }
    finding.every_ms = sample->every_ms;
    finding.absence =
        metric_row(gate->metric) == NULL ? SAMPLE_UNTOLD : sample->absences[gate->metric];
    finding.has_value = finding.absence == METRIC_PRESENT;
    finding.value = finding.has_value ? sample->values[gate->metric] : 0;
    finding = judge_sample(question, server, sample, finding);
    if (finding.verdict == GATE_PASS && is_before_soak(question->wave, sample)) {
        return inconclusive(finding, GATE_AWAITED);
    }
    return finding;
}

/* --- all servers of a wave --- */

/* One that its targets of this wave and of those before it lie on. */
typedef struct Site {
    const Agent *agent;
    const char *instance;
} Site;

typedef struct Sites {
    Arena arena;
    LIST(Site) list;
    Map *known; /* agent's number and instance */
} Sites;

static void sites_add(Sites *sites, const Target *target)
{
    const Site *last = sites->list.count == 0 ? NULL : &sites->list.items[sites->list.count - 1];
    if (last != NULL && last->agent == target->agent &&
        str_equal(last->instance, target->row.instance)) {
        return; /* most stand beside their neighbours */
    }
    char key[NAME_MAX_BYTES + 24];
    text_format(key, sizeof(key), "%zu %s", target->agent->number, target->row.instance);
    if (map_get(sites->known, key) == NULL) {
        map_put(sites->known, key, sites);
        LIST_PUSH(&sites->list, ((Site){ target->agent, target->row.instance }));
    }
}

static void sites_collect(const Wave *wave, Sites *sites)
{
    const Rollout *rollout = wave->rollout;
    sites->known = map_new();
    for (size_t i = 0; i < rollout->target_count; i++) {
        const Target *target = &rollout->targets[i];
        if (target->row.wave <= wave->row.index && target->row.state != TARGET_SKIPPED) {
            sites_add(sites, target);
        }
    }
}

static void sites_done(Sites *sites)
{
    LIST_DONE(&sites->list);
    map_free(sites->known);
}

AUTO_DEFINE(Sites, sites_done)

static bool is_site(const Wave *wave, const Agent *agent, const char *instance)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        const Target *target = agent->targets.items[i];
        if (target->rollout == wave->rollout && target->row.wave <= wave->row.index &&
            target->row.state != TARGET_SKIPPED && str_equal(target->row.instance, instance)) {
            return true;
        }
    }
    return false;
}

/* Over all gates and servers; the finding is the worst, and of those the first. */
static GateVerdict judge_all(const Wave *wave, bool is_opening, GateFinding *ret_worst,
                             size_t *ret_gate)
{
    AUTO(Sites) sites = { 0 };
    GateVerdict worst = GATE_PASS;
    sites_collect(wave, &sites);
    for (size_t gate = 0; gate < wave->rollout->strategy.gate_count; gate++) {
        for (size_t i = 0; i < sites.list.count; i++) {
            const Site *site = &sites.list.items[i];
            Question question = {
                wave, gate, site->agent, site->instance, wave->engine->now_ms, is_opening
            };
            GateFinding finding = judge(&question);
            if (finding.verdict > worst) {
                worst = finding.verdict;
                *ret_worst = finding;
                *ret_gate = gate;
            }
        }
    }
    return worst;
}

void gates_take_baselines(Wave *wave)
{
    const PlanStrategy *strategy = &wave->rollout->strategy;
    AUTO(Sites) sites = { 0 };
    if (!has_gates(wave->rollout)) {
        return;
    }
    sites_collect(wave, &sites);
    for (uint32_t gate = 0; gate < strategy->gate_count; gate++) {
        for (size_t i = 0; strategy->gates[gate].is_relative && i < sites.list.count; i++) {
            const Site *site = &sites.list.items[i];
            BaselineRow row = { .rollout = wave->rollout->row.id,
                                .wave = wave->row.index,
                                .gate = gate,
                                .instance = site->instance,
                                .taken_at_ms = wave->engine->wall_ms };
            row.samples = baseline_median(server_find(site->agent, site->instance),
                                          strategy->gates[gate].metric, &row.value);
            if (row.samples >= BASELINE_SAMPLES_MIN &&
                baseline_find(wave, gate, site->instance) == NULL) {
                baseline_keep(wave, &row);
            }
        }
    }
}

/* --- what hangs on it --- */

static void note_words(Rollout *rollout, size_t gate, const GateFinding *finding)
{
    str_clear(&rollout->gate_words);
    gate_finding_write(&rollout->strategy.gates[gate], finding, &rollout->gate_words);
}

static void note_failure(Rollout *rollout, size_t gate, const GateFinding *finding)
{
    note_words(rollout, gate, finding);
    rollout->gate_failed_ms = rollout->engine->now_ms;
    rollout->is_stale = true;
}

/* As long as the sampler in question takes to tell a fail, if that is more. */
static uint64_t patience_ms(const PlanGate *gate, const GateFinding *finding)
{
    uint64_t telling_ms = (uint64_t)(gate->failures + 1) * finding->every_ms;
    return telling_ms > GATE_PATIENCE_MS ? telling_ms : GATE_PATIENCE_MS;
}

/* Nothing lets a wave pass of which nobody can say how its servers are; in the end a person is
 * asked. */
static void lose_patience(Wave *wave, const PlanGate *gate, const GateFinding *finding)
{
    uint64_t now_ms = wave->engine->now_ms;
    if (wave->unsure_since_ms == 0) {
        wave->unsure_since_ms = now_ms;
    }
    if (now_ms - wave->unsure_since_ms >= patience_ms(gate, finding)) {
        wave->is_out_of_patience = true;
        wave->rollout->is_stale = true;
    }
}

void gates_look(Wave *wave)
{
    Rollout *rollout = wave->rollout;
    bool is_opening = wave_is_at_gates(wave);
    GateFinding worst = { 0 };
    size_t gate = 0;
    wave->gate_look_ms = 0;
    wave->gates = rollout->has_plan && !has_gates(rollout) ? GATE_PASS : GATE_NONE;
    if (!has_gates(rollout) || (!is_opening && !wave_has_soaked(wave))) {
        return;
    }
    wave->gates = judge_all(wave, is_opening, &worst, &gate);
    if (wave->gates == GATE_PASS) {
        wave->unsure_since_ms = 0;
        return;
    }
    note_words(rollout, gate, &worst);
    wave->gate_look_ms = wave->engine->now_ms + GATE_LOOK_MS;
    engine_arm(wave->engine, wave->gate_look_ms);
    if (!is_opening && wave->gates == GATE_FAIL) {
        note_failure(rollout, gate, &worst);
    } else if (!is_opening) {
        lose_patience(wave, &rollout->strategy.gates[gate], &worst);
    }
}

static Wave *watched_wave(Rollout *rollout)
{
    for (size_t i = 0; i < rollout->wave_count; i++) {
        if (wave_is_watched(&rollout->waves[i])) {
            return &rollout->waves[i];
        }
    }
    return NULL;
}

void gates_note(Rollout *rollout, const Agent *agent, const char *instance)
{
    Wave *wave = has_gates(rollout) ? watched_wave(rollout) : NULL;
    if (wave == NULL || !is_site(wave, agent, instance)) {
        return;
    }
    for (size_t gate = 0; gate < rollout->strategy.gate_count; gate++) {
        Question question = { wave, gate, agent, instance, wave->engine->now_ms, false };
        GateFinding finding = judge(&question);
        if (finding.verdict == GATE_FAIL) {
            note_failure(rollout, gate, &finding);
            return;
        }
    }
}

void gates_recall(Rollout *rollout)
{
    GateFinding worst = { 0 };
    size_t gate = 0;
    if (rollout->gate_failed_ms == 0 || gates_fail(rollout)) {
        return;
    }
    rollout->gate_failed_ms = 0;
    Wave *wave = watched_wave(rollout);
    if (wave != NULL && judge_all(wave, false, &worst, &gate) == GATE_FAIL) {
        note_failure(rollout, gate, &worst);
    }
}

bool gates_fail(const Rollout *rollout)
{
    return has_gates(rollout) && rollout->gate_failed_ms == rollout->engine->now_ms;
}

bool gates_are_unsure(const Rollout *rollout)
{
    for (size_t i = 0; i < rollout->wave_count; i++) {
        if (rollout->waves[i].is_out_of_patience) {
            return true;
        }
    }
    return false;
}

void gates_forgive(Rollout *rollout)
{
    rollout->gate_failed_ms = 0;
    for (size_t i = 0; i < rollout->wave_count; i++) {
        Wave *wave = &rollout->waves[i];
        wave->unsure_since_ms = 0;
        wave->is_out_of_patience = false;
        wave->soak_sample = rollout->engine->sample_count;
        if (wave->row.state == WAVE_RUNNING || wave->row.state == WAVE_SOAKING) {
            gates_take_baselines(wave);
        }
    }
}

/* --- views --- */

/* The first that is not through; where all are, the last. */
static const Wave *present_wave(const Rollout *rollout)
{
    for (size_t i = 0; i < rollout->wave_count; i++) {
        if (rollout->waves[i].row.state != WAVE_PASSED) {
            return &rollout->waves[i];
        }
    }
    return rollout->wave_count == 0 ? NULL : &rollout->waves[rollout->wave_count - 1];
}

/* The worst first; those that are alike stay in the order of their targets. */
static void view_sort(GateView *view, Arena *arena)
{
    GateFinding *sorted = ARENA_ARRAY(arena, GateFinding, view->server_count);
    size_t count = 0;
    for (int verdict = GATE_FAIL; verdict > GATE_NONE; verdict--) {
        for (size_t i = 0; i < view->server_count; i++) {
            if (view->servers[i].verdict == (GateVerdict)verdict) {
                sorted[count++] = view->servers[i];
            }
        }
    }
    view->servers = sorted;
}

static void view_fill(const Wave *wave, size_t gate, const Sites *sites, uint64_t now_ms,
                      Arena *arena, GateView *view)
{
    bool is_opening = wave->row.state == WAVE_WAITING || wave->row.state == WAVE_GATED;
    view->gate = &wave->rollout->strategy.gates[gate];
    view->servers = ARENA_ARRAY(arena, GateFinding, sites->list.count);
    view->server_count = sites->list.count;
    view->verdict = GATE_PASS;
    for (size_t i = 0; i < sites->list.count; i++) {
        const Site *site = &sites->list.items[i];
        Question question = { wave, gate, site->agent, site->instance, now_ms, is_opening };
        view->servers[i] = judge(&question);
        GateVerdict verdict = view->servers[i].verdict;
        view->counts[verdict]++;
        view->verdict = verdict > view->verdict ? verdict : view->verdict;
    }
    view_sort(view, arena);
}

size_t engine_gates(const Engine *engine, const char *id, uint64_t now_ms, Arena *arena,
                    GateView **ret_gates)
{
    const Rollout *rollout = rollout_find(engine, id);
    const Wave *wave = rollout == NULL ? NULL : present_wave(rollout);
    if (wave == NULL || !has_gates(rollout) || !rollout_is_open(rollout->row.state)) {
        return 0;
    }
    AUTO(Sites) sites = { 0 };
    size_t count = rollout->strategy.gate_count;
    GateView *views = ARENA_ARRAY(arena, GateView, count);
    sites_collect(wave, &sites);
    for (size_t i = 0; i < count; i++) {
        view_fill(wave, i, &sites, now_ms, arena, &views[i]);
    }
    *ret_gates = views;
    return count;
}
