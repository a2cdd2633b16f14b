/* A fleet for stories. */
#include "tests/unit/coordinator/engine/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARTBEAT_MS 5000
#define WALL_MS 1700000000000

static Map *fired;

bool harness_has_fired(const char *rule)
{
    return fired != NULL && map_get(fired, rule) != NULL;
}

void harness_done(void)
{
    map_free(fired);
    fired = NULL;
}

/* --- the store --- */

static void keep(Map *rows, const char *key, const void *row)
{
    map_put(rows, key, (void *)(uintptr_t)row);
}

static const char *key_of(Fleet *fleet, const char *rollout_id, const char *rest)
{
    return arena_printf(&fleet->arena, "%s %s", rollout_id, rest);
}

static void keep_goal(Fleet *fleet, const SendEffect *send)
{
    if (send->type == MESSAGE_GOAL) {
        const GoalMessage *message = send->body;
        map_put(fleet->goals, message->target, (void *)(uintptr_t)message);
        map_put(fleet->in_hand, message->target, (void *)(uintptr_t)message);
        fleet->goal_count++;
    }
}

/* Keys are "ROLLOUT …". */
static void drop_of(Map *rows, const char *rollout_id)
{
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    while (map_next(rows, &cursor, &key, &value)) {
        size_t length = strlen(rollout_id);
        if (strncmp(key, rollout_id, length) == 0 && key[length] == ' ') {
            map_remove(rows, key);
        }
    }
}

static void keep_effect(Fleet *fleet, const Effect *effect)
{
    char index[32];
    switch (effect->kind) {
    case EFFECT_PERSIST_AGENT:
        keep(fleet->agents, effect->agent->name, effect->agent);
        break;
    case EFFECT_PERSIST_INVENTORY:
        keep(fleet->inventory, effect->inventory->address, effect->inventory);
        break;
    case EFFECT_FORGET_INVENTORY:
        map_remove(fleet->inventory, effect->inventory->address);
        break;
    case EFFECT_PERSIST_ROLLOUT:
        keep(fleet->rollouts, effect->rollout->id, effect->rollout);
        break;
    case EFFECT_PERSIST_WAVE:
        snprintf(index, sizeof(index), "%u", effect->wave->index);
        keep(fleet->waves, key_of(fleet, effect->wave->rollout, index), effect->wave);
        break;
    case EFFECT_PERSIST_TARGET:
        keep(fleet->targets, key_of(fleet, effect->target->rollout, effect->target->address),
             effect->target);
        break;
    case EFFECT_PERSIST_BASELINE:
        snprintf(index, sizeof(index), "%u %u", effect->baseline->wave, effect->baseline->gate);
        keep(fleet->baselines,
             arena_printf(&fleet->arena, "%s %s", key_of(fleet, effect->baseline->rollout, index),
                          effect->baseline->instance),
             effect->baseline);
        break;
    case EFFECT_FORGET_ROLLOUT:
        map_remove(fleet->rollouts, effect->rollout->id);
        drop_of(fleet->baselines, effect->rollout->id);
        drop_of(fleet->waves, effect->rollout->id);
        drop_of(fleet->targets, effect->rollout->id);
        break;
    case EFFECT_PERSIST_PLAN:
        fleet->plan_count++;
        break;
    case EFFECT_PUBLISH_EVENT:
        LIST_PUSH(&fleet->events, effect->event);
        break;
    case EFFECT_SEND:
        keep_goal(fleet, &effect->send);
        break;
    default:
        break;
    }
}

/* --- steps --- */

static void check_target(Fleet *fleet, const TargetRow *shown)
{
    AUTO(Str) key = { 0 };
    str_printf(&key, "%s %s", shown->rollout, shown->address);
    const TargetRow *row = map_get(fleet->targets, str_text(&key));
    assert_non_null(row);
    assert_int_equal(row->state, shown->state);
    assert_int_equal(row->goal, shown->goal);
    assert_int_equal(order_stamp_compare(row->stamp, shown->stamp), 0);
    assert_int_equal(row->is_charged, shown->is_charged);
    assert_int_equal(row->is_absent, shown->is_absent);
    assert_int_equal(row->is_excused, shown->is_excused);
    assert_int_equal(row->report, shown->report);
    assert_string_equal(row->message, shown->message);
}

static void check_counts(Fleet *fleet, const char *id)
{
    TargetCounts counts = { 0 };
    TargetCounts shown;
    engine_count(fleet->engine, id, UINT32_MAX, &shown);
    for (size_t i = 0; i < engine_target_count(fleet->engine, id); i++) {
        const TargetRow *row = engine_target_at(fleet->engine, id, i);
        counts.by_state[row->state]++;
        counts.total++;
        counts.charged += row->is_charged ? 1 : 0;
    }
    assert_memory_equal(counts.by_state, shown.by_state, sizeof(counts.by_state));
    assert_int_equal(counts.total, shown.total);
    assert_int_equal(counts.charged, shown.charged);
}

static void check_shown(Fleet *fleet)
{
    for (size_t i = 0; i < engine_rollout_count(fleet->engine); i++) {
        const RolloutRow *row = engine_rollout_at(fleet->engine, i);
        check_counts(fleet, row->id);
        for (size_t j = 0; j < engine_target_count(fleet->engine, row->id); j++) {
            check_target(fleet, engine_target_at(fleet->engine, row->id, j));
        }
    }
}

static void note_fired(Fleet *fleet)
{
    static char yes;
    size_t count = 0;
    const Rule *const *trail = engine_trail(fleet->engine, &count);
    fired = fired == NULL ? map_new() : fired;
    for (size_t i = 0; i < count; i++) {
        map_put(fired, trail[i]->id, &yes);
    }
}

int64_t harness_wall_ms(const Fleet *fleet)
{
    return (int64_t)(WALL_MS + fleet->now_ms) + fleet->wall_ahead_ms;
}

ErrCode step(Fleet *fleet, Event event)
{
    Effects effects = { 0 };
    event.now_ms = fleet->now_ms;
    event.wall_ms = harness_wall_ms(fleet);
    ErrCode code = engine_step(fleet->engine, &event, &effects, &fleet->err);
    for (size_t i = 0; i < effects.list.count; i++) {
        keep_effect(fleet, &effects.list.items[i]);
    }
    note_fired(fleet);
    /* Rows live as long as the story: the step's arena is not released but chained. */
    LIST_DONE(&fleet->effects.list);
    fleet->effects.list.items = effects.list.items;
    fleet->effects.list.count = effects.list.count;
    fleet->effects.list.capacity = effects.list.capacity;
    Arena *kept = ARENA_NEW(&fleet->arena, Arena);
    *kept = effects.arena;
    map_put(fleet->kept, arena_printf(&fleet->arena, "%zu", map_count(fleet->kept)), kept);
    if (fleet->is_checked) {
        check_shown(fleet);
    }
    return code;
}

static void engine_make(Fleet *fleet, const EngineLoad *load)
{
    fleet->engine = engine_new(&fleet->config, fleet->now_ms, load);
}

Fleet *fleet_new(size_t hosts, uint32_t databases)
{
    Fleet *fleet = mem_alloc(sizeof(Fleet));
    engine_config_defaults(&fleet->config);
    fleet->term = 1;
    fleet->now_ms = 1000000;
    fleet->is_checked = true;
    Map **const MAPS[] = { &fleet->agents,  &fleet->inventory, &fleet->rollouts, &fleet->waves,
                           &fleet->targets, &fleet->goals,     &fleet->baselines };
    for (size_t i = 0; i < ARRAY_LEN(MAPS); i++) {
        *MAPS[i] = map_new();
    }
    fleet->in_hand = map_new();
    fleet->kept = map_new();
    engine_make(fleet, &(EngineLoad){ .term = fleet->term });
    plan_strategy_defaults(&fleet->plan.strategy);
    fleet->plan.name = "invoice-currency";
    fleet->plan.to = "0002_currency";
    fleet->plan.where = "";
    fleet->plan_waves[0] =
        (PlanWave){ .name = "all", .targets = { .value = 100, .is_percent = true } };
    fleet->plan.strategy.waves = fleet->plan_waves;
    fleet->migrations[0] = (PlanMigration){ .id = "0001_init", .version = "0001", .name = "init" };
    fleet->migrations[1] =
        (PlanMigration){ .id = "0002_currency", .version = "0002", .name = "currency" };
    fleet->plan.migrations = fleet->migrations;
    fleet->plan.migration_count = 2;
    for (size_t i = 0; i < hosts; i++) {
        char name[2] = { (char)('a' + i), '\0' };
        fleet_add_host(fleet, name, databases);
    }
    return fleet;
}

void fleet_free(Fleet *fleet)
{
    engine_free(fleet->engine);
    LIST_DONE(&fleet->effects.list);
    map_free(fleet->agents);
    map_free(fleet->inventory);
    map_free(fleet->rollouts);
    map_free(fleet->waves);
    map_free(fleet->targets);
    map_free(fleet->baselines);
    LIST_DONE(&fleet->events);
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    while (map_next(fleet->kept, &cursor, &key, &value)) {
        arena_done(value);
    }
    map_free(fleet->kept);
    map_free(fleet->goals);
    map_free(fleet->in_hand);
    arena_done(&fleet->arena);
    free(fleet);
}

/* --- hosts --- */

Host *host(Fleet *fleet, const char *name)
{
    for (size_t i = 0; i < fleet->host_count; i++) {
        if (strcmp(fleet->hosts[i].name, name) == 0) {
            return &fleet->hosts[i];
        }
    }
    fail_msg("no host %s in this story", name);
    return NULL;
}

const InventoryRow *listed(Fleet *fleet, const char *address)
{
    for (size_t i = 0; i < engine_inventory_count(fleet->engine); i++) {
        if (strcmp(engine_inventory_at(fleet->engine, i)->address, address) == 0) {
            return engine_inventory_at(fleet->engine, i);
        }
    }
    return NULL;
}

Host *host_of(Fleet *fleet, const char *address)
{
    for (size_t i = 0; i < engine_rollout_count(fleet->engine); i++) {
        const char *id = engine_rollout_at(fleet->engine, i)->id;
        for (size_t j = 0; j < engine_target_count(fleet->engine, id); j++) {
            const TargetRow *row = engine_target_at(fleet->engine, id, j);
            if (strcmp(row->address, address) == 0) {
                return host(fleet, row->agent);
            }
        }
    }
    fail_msg("no target %s in this story", address);
    return NULL;
}

Host *fleet_add_host(Fleet *fleet, const char *name, uint32_t databases)
{
    Host *added = &fleet->hosts[fleet->host_count++];
    snprintf(added->name, sizeof(added->name), "%s", name);
    added->databases = databases;
    added->spoken = PROTOCOL_SPOKEN;
    added->system_identifier = 100 + fleet->host_count;
    added->timeline = 1;
    added->version = "0001_init";
    memset(added->boot_id, (int)fleet->host_count, BOOT_ID_BYTES);
    say_hello(fleet, name);
    say_inventory(fleet, name);
    say_ping(fleet, name);
    return added;
}

static const char *address_text(Fleet *fleet, const Host *from, uint32_t database)
{
    const char *name = database <= 2 ? from->names[database - 1] : NULL;
    if (name != NULL) {
        return arena_printf(&fleet->arena, "%s/%s", from->name, name);
    }
    return arena_printf(&fleet->arena, "%s/db%u%s%s", from->name, database,
                        from->schema == NULL ? "" : "/", from->schema == NULL ? "" : from->schema);
}

static void take_welcome(Fleet *fleet, Host *from)
{
    LIST_EACH(effect, &fleet->effects.list) {
        if (effect->kind == EFFECT_SEND && effect->send.type == MESSAGE_WELCOME &&
            effect->send.connection == from->connection) {
            from->session = effect->send.session;
            from->protocol = effect->send.protocol;
        }
    }
}

static void list_in_hand(Fleet *fleet, const Host *from, Hello *hello)
{
    hello->in_flight = ARENA_ARRAY(&fleet->arena, InFlight, from->databases);
    for (uint32_t i = 1; i <= from->databases; i++) {
        const char *address = address_text(fleet, from, i);
        const GoalMessage *order = map_get(fleet->in_hand, address);
        if (order != NULL) {
            hello->in_flight[hello->in_flight_count++] = (InFlight){ .rollout = order->rollout,
                                                                     .target = address,
                                                                     .stamp = order->stamp,
                                                                     .token = order->token,
                                                                     .report = REPORT_ACCEPTED };
        }
    }
}

static void drop_in_hand(Fleet *fleet, const Host *from)
{
    for (uint32_t i = 1; i <= from->databases; i++) {
        map_remove(fleet->in_hand, address_text(fleet, from, i));
    }
}

void say_hello_on(Fleet *fleet, const char *name, uint64_t connection)
{
    Host *from = host(fleet, name);
    HelloInstance instance = { .name = from->name,
                               .system_identifier = from->system_identifier,
                               .timeline = from->timeline,
                               .server_version = 150020,
                               .in_recovery = from->in_recovery };
    Hello hello = { .boot_id = { from->boot_id, BOOT_ID_BYTES },
                    .protocol_min = from->spoken.min,
                    .protocol_max = from->spoken.max,
                    .version = "0.1.0",
                    .instances = &instance,
                    .instance_count = 1,
                    .inventory_revision = from->revision };
    list_in_hand(fleet, from, &hello);
    from->connection = connection;
    step(fleet, (Event){ .kind = EVENT_HELLO,
                         .agent = name,
                         .connection = connection,
                         .protocol = from->spoken.min,
                         .hello = &hello });
    take_welcome(fleet, from);
}

void say_hello(Fleet *fleet, const char *name)
{
    say_hello_on(fleet, name, ++fleet->connection_count);
}

void say_hello_reborn(Fleet *fleet, const char *name)
{
    Host *from = host(fleet, name);
    from->boot_id[0]++;
    from->report_id = 0;
    drop_in_hand(fleet, from);
    from->revision = 0;
    say_hello(fleet, name);
}

static uint32_t oid_of(const Host *from, uint32_t database)
{
    return 1000 * (1 + from->lives + (database == from->remade ? 1 : 0)) + database;
}

void say_inventory(Fleet *fleet, const char *name)
{
    Host *from = host(fleet, name);
    InventoryTarget targets[256];
    size_t count = 0;
    for (uint32_t i = 1; i <= from->databases; i++) {
        if (i == from->dropped) {
            continue;
        }
        targets[count++] = (InventoryTarget){
            .target = address_text(fleet, from, i),
            .instance = from->name,
            .identity = { from->system_identifier, oid_of(from, i),
                          from->schema == NULL ? "" : from->schema },
            .version = from->version == NULL ? "" : from->version,
            .is_read = from->version != NULL,
            .in_recovery = from->in_recovery,
            .fence = from->fence,
            .rollout = "",
            .timeline = from->in_recovery ? 0 : from->timeline,
        };
    }
    say_listing(fleet, name, targets, count);
}

void say_ping(Fleet *fleet, const char *name)
{
    Host *from = host(fleet, name);
    Ping ping = { .sent_at_ms = fleet->now_ms };
    step(fleet, (Event){ .kind = EVENT_PING,
                         .agent = name,
                         .connection = from->connection,
                         .session = from->session,
                         .protocol = from->protocol,
                         .ping = &ping });
}

static void say_reading(Fleet *fleet, const char *name, HealthReading reading)
{
    Host *from = host(fleet, name);
    Health health = {
        .instance = name, .every_ms = HEARTBEAT_MS, .readings = &reading, .reading_count = 1
    };
    step(fleet, (Event){ .kind = EVENT_HEALTH,
                         .agent = name,
                         .connection = from->connection,
                         .session = from->session,
                         .protocol = from->protocol,
                         .health = &health });
}

void say_health(Fleet *fleet, const char *name, Metric metric, uint64_t value)
{
    say_reading(fleet, name, (HealthReading){ .metric = metric, .value = value * METRIC_SCALE });
}

void say_absent(Fleet *fleet, const char *name, Metric metric, MetricAbsence absence)
{
    say_reading(fleet, name, (HealthReading){ .metric = metric, .absence = absence });
}

void sample_all(Fleet *fleet, Metric metric, uint64_t value, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        pass(fleet, HEARTBEAT_MS);
        for (size_t j = 0; j < fleet->host_count; j++) {
            if (!fleet->hosts[j].is_silent) {
                say_health(fleet, fleet->hosts[j].name, metric, value);
            }
        }
    }
}

void say_bye(Fleet *fleet, const char *name)
{
    Host *from = host(fleet, name);
    Bye bye = { .reason = "stopped" };
    from->is_silent = true;
    step(fleet, (Event){ .kind = EVENT_BYE,
                         .agent = name,
                         .connection = from->connection,
                         .session = from->session,
                         .protocol = from->protocol,
                         .bye = &bye });
}

void fall_silent(Fleet *fleet, const char *name)
{
    host(fleet, name)->is_silent = true;
}

void come_back(Fleet *fleet, const char *name)
{
    host(fleet, name)->is_silent = false;
    say_hello(fleet, name);
    say_inventory(fleet, name);
}

/* --- time --- */

void pass(Fleet *fleet, uint64_t duration_ms)
{
    uint64_t end_ms = fleet->now_ms + duration_ms;
    while (fleet->now_ms < end_ms) {
        uint64_t next_ms = fleet->now_ms + HEARTBEAT_MS;
        uint64_t due_ms = engine_next_deadline_ms(fleet->engine);
        next_ms = due_ms < next_ms ? due_ms : next_ms;
        fleet->now_ms =
            next_ms < end_ms ? (next_ms > fleet->now_ms ? next_ms : fleet->now_ms + 1) : end_ms;
        step(fleet, (Event){ .kind = EVENT_TICK });
        for (size_t i = 0; i < fleet->host_count; i++) {
            if (!fleet->hosts[i].is_silent) {
                say_ping(fleet, fleet->hosts[i].name);
            }
        }
    }
}

/* --- people --- */

void plan_two_waves(Fleet *fleet, uint32_t first)
{
    fleet->plan_waves[0] = (PlanWave){ .name = "canary", .targets = { .value = first } };
    fleet->plan_waves[1] =
        (PlanWave){ .name = "rest", .targets = { .value = 100, .is_percent = true } };
    fleet->plan.strategy.wave_count = 2;
}

static const uint8_t PLAN_HASH[PLAN_HASH_BYTES] = { 7 };

void bring_plan(Fleet *fleet, const char *signers)
{
    static const uint8_t BUNDLE[] = "a bundle";
    bool is_news = signers[0] != '\0';
    step(fleet, (Event){ .kind = EVENT_PLAN_BROUGHT,
                         .brought = { .plan = &fleet->plan,
                                      .plan_hash = PLAN_HASH,
                                      .bundle = { BUNDLE, is_news ? sizeof(BUNDLE) : 0 },
                                      .signers = signers,
                                      .actor = "operator ann" } });
}

ErrCode start_as(Fleet *fleet, const char *id)
{
    return step(fleet, (Event){ .kind = EVENT_START_ROLLOUT,
                                .start = { .id = id,
                                           .plan = &fleet->plan,
                                           .plan_hash = PLAN_HASH,
                                           .actor = "operator ann" } });
}

ErrCode start(Fleet *fleet)
{
    return start_as(fleet, ROLLOUT);
}

static ErrCode give(Fleet *fleet, Command given)
{
    given.rollout = ROLLOUT;
    given.wave = "";
    given.actor = "operator ann";
    given.reason = "";
    return step(fleet, (Event){ .kind = EVENT_COMMAND, .command = given });
}

ErrCode command(Fleet *fleet, CommandVerb verb)
{
    return give(fleet, (Command){ .verb = verb });
}

ErrCode command_on(Fleet *fleet, CommandVerb verb, const char *address)
{
    return give(fleet, (Command){ .verb = verb, .targets = &address, .target_count = 1 });
}

ErrCode command_all_failed(Fleet *fleet, CommandVerb verb)
{
    return give(fleet, (Command){ .verb = verb, .is_all_failed = true });
}

void fail_over(Fleet *fleet, const char *name, const char *version)
{
    host(fleet, name)->timeline++;
    host(fleet, name)->version = version;
    say_hello(fleet, name);
    say_inventory(fleet, name);
}

/* --- restart --- */

#define ROWS_OF(fleet, rows, Type)                                                                 \
    __extension__({                                                                                \
        Type *rows_ = ARENA_ARRAY(&(fleet)->arena, Type, map_count(rows));                         \
        void *cursor_ = NULL;                                                                      \
        const char *key_ = NULL;                                                                   \
        void *row_ = NULL;                                                                         \
        for (size_t i_ = 0; map_next((rows), &cursor_, &key_, &row_); i_++) {                      \
            rows_[i_] = *(const Type *)row_;                                                       \
        }                                                                                          \
        rows_;                                                                                     \
    })

void restart(Fleet *fleet)
{
    engine_free(fleet->engine);
    size_t rollout_count = map_count(fleet->rollouts);
    const Plan **plans = ARENA_ARRAY(&fleet->arena, const Plan *, rollout_count);
    for (size_t i = 0; i < rollout_count && !fleet->is_plan_lost; i++) {
        plans[i] = &fleet->plan;
    }
    const TargetRow *targets = ROWS_OF(fleet, fleet->targets, TargetRow);
    uint64_t highest = 0;
    for (size_t i = 0; i < map_count(fleet->targets); i++) {
        highest = targets[i].token > highest ? targets[i].token : highest;
    }
    engine_make(fleet, &(EngineLoad){
                           .term = ++fleet->term,
                           .highest_token = highest,
                           .agents = ROWS_OF(fleet, fleet->agents, AgentRow),
                           .agent_count = map_count(fleet->agents),
                           .inventory = ROWS_OF(fleet, fleet->inventory, InventoryRow),
                           .inventory_count = map_count(fleet->inventory),
                           .rollouts = ROWS_OF(fleet, fleet->rollouts, RolloutRow),
                           .plans = plans,
                           .rollout_count = rollout_count,
                           .waves = ROWS_OF(fleet, fleet->waves, WaveRow),
                           .wave_count = map_count(fleet->waves),
                           .targets = targets,
                           .target_count = map_count(fleet->targets),
                           .baselines = ROWS_OF(fleet, fleet->baselines, BaselineRow),
                           .baseline_count = map_count(fleet->baselines),
                       });
    step(fleet, (Event){ .kind = EVENT_TICK });
}

/* --- what is there --- */

const TargetRow *target(Fleet *fleet, const char *address)
{
    for (size_t i = 0; i < engine_target_count(fleet->engine, ROLLOUT); i++) {
        const TargetRow *row = engine_target_at(fleet->engine, ROLLOUT, i);
        if (strcmp(row->address, address) == 0) {
            return row;
        }
    }
    fail_msg("no target %s in the rollout", address);
    return NULL;
}

const WaveRow *wave(Fleet *fleet, size_t index)
{
    return engine_wave_at(fleet->engine, ROLLOUT, index);
}

const RolloutRow *rollout(Fleet *fleet)
{
    return engine_rollout_find(fleet->engine, ROLLOUT);
}

const GoalMessage *goal(Fleet *fleet, const char *address)
{
    return map_get(fleet->goals, address);
}

const SendEffect *last_sent(const Fleet *fleet, MessageType type)
{
    const SendEffect *found = NULL;
    LIST_EACH(effect, &fleet->effects.list) {
        if (effect->kind == EFFECT_SEND && effect->send.type == type) {
            found = &effect->send;
        }
    }
    assert_non_null(found);
    return found;
}

size_t sent(Fleet *fleet, MessageType type)
{
    size_t count = 0;
    LIST_EACH(effect, &fleet->effects.list) {
        count += effect->kind == EFFECT_SEND && effect->send.type == type ? 1 : 0;
    }
    return count;
}

const EventRow *event_of(Fleet *fleet, const char *rule)
{
    for (size_t i = fleet->events.count; i > 0; i--) {
        if (strcmp(fleet->events.items[i - 1]->rule, rule) == 0) {
            return fleet->events.items[i - 1];
        }
    }
    return NULL;
}

const char *explained(Fleet *fleet)
{
    AUTO(Str) text = { 0 };
    engine_explain(fleet->engine, ROLLOUT, fleet->now_ms, &text);
    return arena_strdup(&fleet->arena, str_text(&text));
}
