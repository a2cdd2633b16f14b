/*
 * Found rollouts: known from what agents report and databases show, and not from the store, which
 * is older than they are. Nobody here knows what had been decided about them: nothing of them is
 * started, and they hold up nothing. But each database names the rollout and the plan of its newest
 * migrations, and says how many of them stand: with that plan, and when all agents have told, a
 * person can have the rollout taken back, or go on with it from its first wave.
 */
#include <string.h>

#include "coordinator/engine/state.h"
#include "proto/address.h"

#define FOUND_MAX 64 /* enough to see, too few to fill a store */

static const uint8_t NO_HASH[PLAN_HASH_BYTES];

bool rollout_knows_plan(const Rollout *rollout)
{
    return memcmp(rollout->row.plan_hash, NO_HASH, PLAN_HASH_BYTES) != 0;
}

static bool is_of(const Item *item, const Rollout *rollout)
{
    return !item->row.is_gone && item->agent != NULL &&
           str_equal(item->row.rollout, rollout->row.id);
}

/* --- found --- */

static size_t found_count(const Engine *engine)
{
    size_t count = 0;
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        count += engine->rollouts.items[i]->row.is_adopted ? 1 : 0;
    }
    return count;
}

Rollout *rollout_adopt(Engine *engine, const char *id, const char *address)
{
    Rollout *known = rollout_find(engine, id);
    if (known != NULL || strlen(id) > ROLLOUT_ID_MAX || found_count(engine) >= FOUND_MAX) {
        return known;
    }
    Rollout *rollout = rollout_new(engine, id);
    rollout->row.state = ROLLOUT_READY;
    rollout->row.is_adopted = true;
    rollout->row.created_at_ms = engine->wall_ms;
    text_set(&rollout->row.actor, "unknown");
    rollout_make_waves(rollout, NULL, 0);
    rollout_make_targets(rollout, NULL, 0);
    AUTO(Str) where = { 0 };
    str_printf(&where, "found on %s", address);
    engine->words = str_text(&where);
    rollout_fire(rollout, ROLLOUT_ADOPT);
    engine->words = NULL;
    return rollout;
}

void found_take_entry(Item *item, const InventoryTarget *entry)
{
    Engine *engine = item->engine;
    bool has_plan = entry->plan_hash.length == PLAN_HASH_BYTES; /* then it has counted, too */
    item->is_undone = has_plan && entry->applied == 0;
    item->standing = entry->applied;
    if (entry->rollout[0] == '\0') {
        return;
    }
    Rollout *rollout = rollout_adopt(engine, entry->rollout, entry->target);
    bool is_news = has_plan && rollout != NULL && rollout->row.state == ROLLOUT_FOUND &&
                   !rollout_knows_plan(rollout);
    if (is_news) {
        memcpy(rollout->row.plan_hash, entry->plan_hash.data, PLAN_HASH_BYTES);
        rollout_touch(rollout);
    }
}

void found_take_plan(Rollout *rollout, const Plan *plan)
{
    rollout_take_plan(rollout, plan);
    text_set(&rollout->row.name, plan->name);
    rollout_touch(rollout);
}

/* --- it is to be taken back: from where it stands now --- */

/* What an agent has of it that has not told yet would be forgotten. */
static const Agent *first_untold(const Engine *engine)
{
    for (size_t i = 0; i < engine->agents.count; i++) {
        const Agent *agent = engine->agents.items[i];
        if (!agent->has_listed && !agent_is_revoked(agent)) {
            return agent;
        }
    }
    return NULL;
}

static ErrCode check_told(const Rollout *rollout, Err *err)
{
    const Agent *agent = first_untold(rollout->engine);
    if (agent == NULL) {
        return ERR_NONE;
    }
    err_set(err, ERR_REFUSED, "agent %s has not told yet what its databases have of rollout %s",
            agent->row.name, rollout->row.id);
    return err_hint(err, "wait until it is back; one that will not come back is left out when its "
                         "key is taken out of agents_dir");
}

static ErrCode check_free(const Rollout *rollout, Err *err)
{
    const Engine *engine = rollout->engine;
    for (size_t i = 0; i < engine->items.count; i++) {
        const Item *item = engine->items.items[i];
        if (is_of(item, rollout) && item->target != NULL) {
            const char *other = item->target->rollout->row.id;
            err_set(err, ERR_CONFLICT, "%s belongs to rollout %s now, which is open",
                    item->row.address, other);
            return err_hint(err, "roll %s back first, or wait for its end", other);
        }
    }
    return ERR_NONE;
}

/*
 * The last that began on its database, as far as that has been read since. Tokens tell: the term of
 * a row rises with the reigns. One that began later may have left nothing: then the database is
 * still where this one says that it is, by what was there already perhaps.
 */
static bool stands_upon(const Target *target, const Item *item)
{
    return target->row.token >= item->row.fence.token ||
           str_equal(target->row.version, item->row.version);
}

/*
 * A rollout that has been forgotten, and is found again, may be older than one that is known here:
 * that one was applied last where the database names another for its newest migrations, or found
 * them applied and claims them, too.
 */
ErrCode found_check_beneath(const Rollout *rollout, Err *err)
{
    const Engine *engine = rollout->engine;
    for (size_t i = 0; i < engine->items.count; i++) {
        const Item *item = engine->items.items[i];
        for (size_t j = 0; is_of(item, rollout) && j < engine->rollouts.count; j++) {
            const Target *same = map_get(engine->rollouts.items[j]->by_address, item->row.address);
            if (same != NULL && target_is_applied(same) && stands_upon(same, item)) {
                return target_refuse_beneath(same, err);
            }
        }
    }
    return ERR_NONE;
}

typedef struct Standing {
    TargetState state;
    Goal goal;
    Report report;
} Standing;

/* Where it stands is what its database shows. */
static Standing standing_of(const Rollout *rollout, const Item *item)
{
    if (item->is_undone) {
        return (Standing){ TARGET_ROLLED_BACK, GOAL_ROLL_BACK, REPORT_ROLLED_BACK };
    }
    return str_equal(item->row.version, rollout->to)
               ? (Standing){ TARGET_HEALTHY, GOAL_APPLY, REPORT_APPLIED }
               : (Standing){ TARGET_FAILED, GOAL_APPLY, REPORT_FAILED };
}

static const char NOT_AT_END[] = "it was not at the plan's end when the rollout was found";

/* How it came to stand there nobody here has looked at: whoever has to do with it has to look. */
static void make_found(TargetRow *row, const Item *item, Standing standing)
{
    row->state = standing.state;
    row->goal = standing.goal;
    row->report = standing.report;
    row->stamp = (OrderStamp){ item->engine->term, item->last_attempt + 1, 1 };
    /* One that was too high to be believed is no order's. */
    row->token = item->row.fence.token < item->engine->highest_token ? item->row.fence.token
                                                                     : item->engine->highest_token;
    row->timeline = item->row.timeline;
    row->was_sent = true;
    if (standing.report == REPORT_FAILED) {
        row->code = ERR_HISTORY;
        row->message = NOT_AT_END;
    }
}

static TargetRow target_row_of(const Rollout *rollout, const Item *item, Arena *arena)
{
    Address address = { "", item->row.address, "" };
    address_parse(item->row.address, arena, &address, NULL);
    TargetRow row = selection_target(&item->row, &address, arena);
    row.rollout = rollout->row.id;
    return row;
}

static void keep_targets(Rollout *rollout, const TargetRow *rows, size_t count)
{
    rollout_make_targets(rollout, rows, count);
    for (size_t i = 0; i < count; i++) {
        target_touch(&rollout->targets[i]);
    }
    rollout_fit_plan(rollout);
}

void found_make_targets(Rollout *rollout)
{
    AUTO(Arena) arena = { 0 };
    const Engine *engine = rollout->engine;
    TargetRow *rows = ARENA_ARRAY(&arena, TargetRow, engine->items.count);
    size_t count = 0;
    for (size_t i = 0; i < engine->items.count; i++) {
        const Item *item = engine->items.items[i];
        if (is_of(item, rollout)) {
            rows[count] = target_row_of(rollout, item, &arena);
            make_found(&rows[count++], item, standing_of(rollout, item));
        }
    }
    WaveRow wave = { .rollout = rollout->row.id,
                     .name = "found",
                     .state = WAVE_PASSED,
                     .approved_by = "",
                     .target_count = (uint32_t)count };
    rollout_make_waves(rollout, &wave, 1);
    wave_touch(&rollout->waves[0]);
    keep_targets(rollout, rows, count);
}

/* --- it is to go on: what shows the plan's end is applied, everything else gets its turn --- */

static Standing standing_forward(const Rollout *rollout, const Item *item)
{
    bool is_applied =
        is_of(item, rollout) && !item->is_undone && str_equal(item->row.version, rollout->to);
    return is_applied ? (Standing){ TARGET_VERIFYING, GOAL_APPLY, REPORT_APPLIED }
                      : (Standing){ TARGET_PENDING, GOAL_APPLY, REPORT_FAILED };
}

/* The rows of what the plan selects, and behind them, in its last wave, of what else has it. */
static size_t list_whole(const Rollout *rollout, const PlanPreview *preview, TargetRow *rows,
                         Arena *arena)
{
    AUTO_PTR(Map) selected = map_new();
    const Engine *engine = rollout->engine;
    size_t count = 0;
    for (; count < preview->target_count; count++) {
        rows[count] = preview->targets[count];
        rows[count].rollout = rollout->row.id;
        map_put(selected, rows[count].address, &rows[count]);
    }
    for (size_t i = 0; i < engine->items.count; i++) {
        const Item *item = engine->items.items[i];
        if (is_of(item, rollout) && map_get(selected, item->row.address) == NULL) {
            rows[count] = target_row_of(rollout, item, arena);
            rows[count++].wave = (uint32_t)preview->wave_count - 1;
            preview->wave_targets[preview->wave_count - 1]++;
        }
    }
    return count;
}

static bool is_in_plan(const Rollout *rollout, const char *migration)
{
    for (size_t i = 0; i < rollout->migration_count; i++) {
        if (str_equal(rollout->migrations[i], migration)) {
            return true;
        }
    }
    return false;
}

/* Agents would refuse to take a database back to where it has long gone past, one by one. */
static ErrCode check_not_beyond(const Rollout *rollout, const PlanPreview *preview, Err *err)
{
    for (size_t i = 0; i < preview->target_count && !rollout->allows_missing; i++) {
        const TargetRow *row = &preview->targets[i];
        bool is_known = row->version[0] == '\0' || is_in_plan(rollout, row->version);
        if (preview->is_read[i] && !is_known) {
            err_set(err, ERR_CONFLICT, "%s is at %s, which the plan of %s does not have",
                    row->address, row->version, rollout->row.id);
            return err_hint(err,
                            "a later rollout has gone beyond it: for what is left, start a new "
                            "one of today's files");
        }
    }
    return ERR_NONE;
}

ErrCode found_make_whole(Rollout *rollout, Err *err)
{
    AUTO(Arena) arena = { 0 };
    const Engine *engine = rollout->engine;
    const Plan plan = { .where = rollout->where, .strategy = rollout->strategy };
    PlanPreview preview = { 0 };
    ErrCode code = selection_make(engine, &plan, &arena, &preview, err);
    if (code != ERR_NONE || check_not_beyond(rollout, &preview, err) != ERR_NONE) {
        return err->code;
    }
    TargetRow *rows = ARENA_ARRAY(&arena, TargetRow, engine->items.count);
    size_t count = list_whole(rollout, &preview, rows, &arena);
    for (size_t i = 0; i < count; i++) {
        const Item *item = item_find(engine, rows[i].address);
        make_found(&rows[i], item, standing_forward(rollout, item));
    }
    rollout_plan_waves(rollout, &rollout->strategy, preview.wave_targets);
    keep_targets(rollout, rows, count);
    return ERR_NONE;
}

ErrCode found_check(const Rollout *rollout, Err *err)
{
    ErrCode code = check_told(rollout, err);
    return code == ERR_NONE ? check_free(rollout, err) : code;
}

/* --- what is known of it --- */

void engine_count_found(const Engine *engine, const char *id, FoundCounts *ret_counts)
{
    const Rollout *rollout = rollout_find(engine, id);
    *ret_counts = (FoundCounts){ 0 };
    for (size_t i = 0; rollout != NULL && i < engine->items.count; i++) {
        const Item *item = engine->items.items[i];
        if (is_of(item, rollout)) {
            ret_counts->total++;
            ret_counts->undone += item->is_undone ? 1 : 0;
        }
    }
}

/* Databases that have it, by the version that they are at; `ret_versions` has room for `max`. */
size_t found_versions(const Rollout *rollout, FoundVersion *ret_versions, size_t max)
{
    const Engine *engine = rollout->engine;
    size_t count = 0;
    for (size_t i = 0; i < engine->items.count; i++) {
        const Item *item = engine->items.items[i];
        size_t at = 0;
        if (!is_of(item, rollout) || item->is_undone) {
            continue;
        }
        while (at < count && !str_equal(ret_versions[at].version, item->row.version)) {
            at++;
        }
        if (at == count && count < max) {
            ret_versions[count++] = (FoundVersion){ .version = item->row.version };
        }
        ret_versions[at < count ? at : count - 1].count++;
    }
    return count;
}
