/*
 * Baselines: what a relative gate's metric was on a server before the wave opened. Made of the
 * samples that are there then, kept in the store, and never changed.
 */
#include <stdlib.h>

#include "coordinator/engine/state.h"

#define BASELINE_KEY_MAX (NAME_MAX_BYTES + 16)

static const char *baseline_key(uint32_t gate, const char *instance, char buffer[BASELINE_KEY_MAX])
{
    text_format(buffer, BASELINE_KEY_MAX, "%u %s", gate, instance);
    return buffer;
}

const BaselineRow *baseline_find(const Wave *wave, uint32_t gate, const char *instance)
{
    char key[BASELINE_KEY_MAX];
    return wave->baselines == NULL ? NULL
                                   : map_get(wave->baselines, baseline_key(gate, instance, key));
}

void baseline_load(Wave *wave, const BaselineRow *row)
{
    char key[BASELINE_KEY_MAX];
    BaselineRow *own = mem_alloc(sizeof(*own));
    row_own(ROW_BASELINE, own, row);
    if (wave->baselines == NULL) {
        wave->baselines = map_new();
    }
    map_put(wave->baselines, baseline_key(row->gate, row->instance, key), own);
    LIST_PUSH(&wave->baseline_rows, own);
}

void baseline_keep(Wave *wave, const BaselineRow *row)
{
    Effects *out = wave->engine->out;
    baseline_load(wave, row);
    effects_add(out, (Effect){ .kind = EFFECT_PERSIST_BASELINE,
                               .baseline = row_snapshot(ROW_BASELINE, row, &out->arena) });
}

void baselines_free(Wave *wave)
{
    LIST_EACH(row, &wave->baseline_rows) {
        row_done(ROW_BASELINE, *row);
        free(*row);
    }
    LIST_DONE(&wave->baseline_rows);
    map_free(wave->baselines);
    wave->baselines = NULL;
}

bool sample_is_gap(const Sample *newer, const Sample *older)
{
    return newer->came_ms - older->came_ms > (uint64_t)METRIC_STALE_INTERVALS * newer->every_ms;
}

static int value_order(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

uint32_t baseline_median(const Server *server, uint32_t metric, uint64_t *ret_median)
{
    uint64_t values[SAMPLES_KEPT];
    uint32_t count = 0;
    const Sample *newer = NULL;
    for (size_t age = 0; metric_row(metric) != NULL && age < SAMPLES_KEPT; age++) {
        const Sample *sample = server_sample(server, age);
        if (sample == NULL || (newer != NULL && sample_is_gap(newer, sample))) {
            break;
        }
        if (sample->absences[metric] == METRIC_PRESENT) {
            values[count++] = sample->values[metric];
        }
        newer = sample;
    }
    qsort(values, count, sizeof(values[0]), value_order);
    if (count > 0) {
        uint64_t low = values[(count - 1) / 2];
        *ret_median = low + (values[count / 2] - low) / 2;
    }
    return count;
}

/* --- views --- */

static const Wave *wave_of(const Engine *engine, const char *id, size_t index)
{
    const Rollout *rollout = rollout_find(engine, id);
    return rollout == NULL || index >= rollout->wave_count ? NULL : &rollout->waves[index];
}

size_t engine_baseline_count(const Engine *engine, const char *rollout, size_t index)
{
    const Wave *wave = wave_of(engine, rollout, index);
    return wave == NULL ? 0 : wave->baseline_rows.count;
}

const BaselineRow *engine_baseline_at(const Engine *engine, const char *rollout, size_t wave,
                                      size_t index)
{
    return wave_of(engine, rollout, wave)->baseline_rows.items[index];
}

const BaselineRow *engine_baseline_find(const Engine *engine, const char *rollout, size_t index,
                                        uint32_t gate, const char *instance)
{
    const Wave *wave = wave_of(engine, rollout, index);
    return wave == NULL ? NULL : baseline_find(wave, gate, instance);
}
