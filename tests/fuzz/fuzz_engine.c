/*
 * The engine's step: an input is a list of things that happen to a small fleet, one byte for what
 * and some for how. Zero is the honest way of each: a host says hello as it should, a report
 * answers the last order. Messages go through the wire's codec, so that the engine is given what
 * it can be given, and nothing else.
 */
#include "fuzz.h"

#include <string.h>

#include "proto/envelope.h"
#include "tests/fuzz/engine_fleet.h"

#define ACTS_MAX 400
#define MIGRATIONS_MAX 3
#define WAVES_MAX 3
#define GATES_MAX 2
#define READINGS_SAID 3

static const char *const MIGRATIONS[MIGRATIONS_MAX + 1] = { "0001_m", "0002_m", "0003_m", "" };
static const char *const ROLLOUTS[FLEET_ROLLOUTS + 2] = { "r1", "r2", "r3", "r4", "r9", "" };

/* The input that has not been read yet; behind its end there are zeros. */
typedef struct Script {
    const uint8_t *data;
    size_t length;
    size_t at;
} Script;

static uint32_t read_byte(Script *script)
{
    return script->at < script->length ? script->data[script->at++] : 0;
}

static size_t read_below(Script *script, size_t limit)
{
    return read_byte(script) % limit;
}

static bool read_bit(Script *script)
{
    return (read_byte(script) & 1) != 0;
}

/* --- agents --- */

/* What `body` becomes on its way; a message that cannot be sent is not. */
static void deliver(FuzzFleet *fleet, const FleetHost *from, MessageType type, const void *body,
                    bool is_stale)
{
    static const EventKind KINDS[MESSAGE_TYPE_COUNT_] = {
        [MESSAGE_HELLO] = EVENT_HELLO,       [MESSAGE_INVENTORY] = EVENT_INVENTORY,
        [MESSAGE_PING] = EVENT_PING,         [MESSAGE_STATE] = EVENT_STATE,
        [MESSAGE_PROGRESS] = EVENT_PROGRESS, [MESSAGE_BYE] = EVENT_BYE,
        [MESSAGE_HEALTH] = EVENT_HEALTH,
    };
    AUTO(Arena) arena = { 0 };
    AUTO(Str) frame = { 0 };
    Err err = { 0 };
    Envelope envelope = { .version = PROTOCOL_VERSION_MAX,
                          .type = type,
                          .session = from->session - (is_stale ? 1 : 0),
                          .seq = 1,
                          .body = body };
    if (envelope_encode(&envelope, MESSAGE_TO_COORDINATOR_MAX, &frame, &err) != ERR_NONE) {
        return;
    }
    Bytes bytes = { (const uint8_t *)frame.data, frame.length };
    FUZZ_REQUIRE(envelope_decode(bytes, MESSAGE_TO_COORDINATOR_MAX, PROTOCOL_SPOKEN, &arena,
                                 &envelope, &err) == ERR_NONE);
    fuzz_fleet_step(fleet, (Event){ .kind = KINDS[type],
                                    .agent = from->name,
                                    .connection = from->connection,
                                    .session = envelope.session,
                                    .protocol = envelope.version,
                                    .hello = envelope.body });
}

static FleetHost *read_host(FuzzFleet *fleet, Script *script)
{
    return &fleet->hosts[read_below(script, FLEET_HOSTS)];
}

static size_t host_index(const FuzzFleet *fleet, const FleetHost *host)
{
    return (size_t)(host - fleet->hosts);
}

/* Orders that this host remembers having. */
static void list_in_hand(const FuzzFleet *fleet, const FleetHost *host, InFlight *items,
                         Hello *hello)
{
    hello->in_flight = items;
    for (size_t i = 0; i < FLEET_DATABASES; i++) {
        size_t target = host_index(fleet, host) * FLEET_DATABASES + i;
        const FleetOrder *order = &fleet->orders[target];
        if (order->rollout != NULL) {
            items[hello->in_flight_count++] = (InFlight){ .rollout = order->rollout,
                                                          .target = fuzz_fleet_address(target),
                                                          .stamp = order->stamp,
                                                          .token = order->token,
                                                          .report = REPORT_RUNNING };
        }
    }
}

/* The same process on a new connection (0), on its old one (bit 0), a new process (bit 1), one
 * that has forgotten its orders (bit 2), a replica (bit 3), after a failover (bit 4). */
static void act_hello(FuzzFleet *fleet, Script *script)
{
    FleetHost *host = read_host(fleet, script);
    uint32_t how = read_byte(script);
    uint8_t boot_id[BOOT_ID_BYTES] = { (uint8_t)(1 + host_index(fleet, host)), how & 2 };
    InFlight in_flight[FLEET_DATABASES];
    HelloInstance instance = { .name = host->name,
                               .system_identifier = 1 + host_index(fleet, host),
                               .timeline = (how & 16) != 0 ? 2 : 1,
                               .server_version = 150000,
                               .in_recovery = (how & 8) != 0 };
    Hello hello = { .boot_id = { boot_id, sizeof(boot_id) },
                    .protocol_min = PROTOCOL_VERSION_MIN,
                    .protocol_max = PROTOCOL_VERSION_MAX,
                    .version = "0",
                    .instances = &instance,
                    .instance_count = 1,
                    .inventory_revision = host->inventory_revision };
    if ((how & 4) == 0) {
        list_in_hand(fleet, host, in_flight, &hello);
    }
    if ((how & 1) == 0 || host->connection == 0) {
        host->connection = ++fleet->connection_count;
    }
    deliver(fleet, host, MESSAGE_HELLO, &hello, false);
}

/* Not listed (1), a replica (2), not read (4), somebody else's identity (8). */
static void list_target(const FuzzFleet *fleet, size_t target, Script *script, Inventory *page)
{
    static const uint64_t TERMS[] = { 0, 1, 2, 7, 100, 1000000, UINT64_MAX };
    uint32_t how = read_byte(script);
    InventoryTarget *entry = &page->targets[page->target_count];
    static const uint8_t HASH[PLAN_HASH_BYTES] = { 1 };
    const FleetHost *host = &fleet->hosts[target / FLEET_DATABASES];
    if ((how & 1) != 0) {
        return;
    }
    *entry = (InventoryTarget){ .target = fuzz_fleet_address(target),
                                .instance = host->name,
                                .identity = { .system_identifier = 1 + target / FLEET_DATABASES,
                                              .database_oid = (uint32_t)(1 + target),
                                              .schema = "" },
                                .version = "",
                                .is_read = (how & 4) == 0,
                                .in_recovery = (how & 2) != 0,
                                .rollout = "" };
    if ((how & 8) != 0) {
        entry->identity.system_identifier = 1 + read_below(script, FLEET_HOSTS);
        entry->identity.database_oid = (uint32_t)(1 + read_below(script, FLEET_TARGETS));
    }
    if ((how & 16) != 0) {
        entry->version = MIGRATIONS[read_below(script, MIGRATIONS_MAX)];
        entry->rollout = ROLLOUTS[read_below(script, ARRAY_LEN(ROLLOUTS))];
        entry->applied = read_byte(script);
        entry->plan_hash = (Bytes){ HASH, entry->rollout[0] == '\0' ? 0 : sizeof(HASH) };
        entry->fence = (Fence){ TERMS[read_below(script, ARRAY_LEN(TERMS))], read_byte(script) };
    }
    page->target_count++;
}

static void act_inventory(FuzzFleet *fleet, Script *script)
{
    FleetHost *host = read_host(fleet, script);
    uint32_t how = read_byte(script);
    InventoryTarget targets[FLEET_DATABASES];
    Inventory page = { .targets = targets, .is_last = (how & 1) == 0, .page = (how & 2) >> 1 };
    page.revision = host->inventory_revision + ((how & 4) == 0 ? 1 : 0);
    for (size_t i = 0; i < FLEET_DATABASES; i++) {
        list_target(fleet, host_index(fleet, host) * FLEET_DATABASES + i, script, &page);
    }
    host->inventory_revision = page.revision;
    deliver(fleet, host, MESSAGE_INVENTORY, &page, (how & 8) != 0);
}

static void act_ping(FuzzFleet *fleet, Script *script)
{
    const FleetHost *host = read_host(fleet, script);
    bool is_stale = read_bit(script);
    deliver(fleet, host, MESSAGE_PING,
            &(Ping){ .sent_at_ms = fleet->now_ms, .goals_digest = read_byte(script) }, is_stale);
}

static void act_bye(FuzzFleet *fleet, Script *script)
{
    const FleetHost *host = read_host(fleet, script);
    deliver(fleet, host, MESSAGE_BYE, &(Bye){ .reason = "stops" }, read_bit(script));
}

/* An answer to the last order, with lies: to an older or newer one (1, 2), of another rollout (4),
 * by another host (8), again (16), with details (32). */
static void act_report(FuzzFleet *fleet, Script *script)
{
    size_t target = read_below(script, FLEET_TARGETS);
    FleetHost *host = &fleet->hosts[target / FLEET_DATABASES];
    const FleetOrder *order = &fleet->orders[target];
    State state = { .rollout = order->rollout == NULL ? "r1" : order->rollout,
                    .target = fuzz_fleet_address(target),
                    .stamp = order->stamp,
                    .token = order->token };
    state.report = (uint32_t)(REPORT_ACCEPTED + read_below(script, REPORT_COUNT_ - 1));
    uint32_t how = read_byte(script);
    state.stamp.attempt -= how & 1;
    state.stamp.revision += (how & 2) >> 1;
    state.rollout = (how & 4) != 0 ? ROLLOUTS[read_below(script, FLEET_ROLLOUTS)] : state.rollout;
    host = (how & 8) != 0 ? read_host(fleet, script) : host;
    state.report_id = (how & 16) != 0 ? host->report_id : ++host->report_id;
    if ((how & 32) != 0) {
        state.steps_done = read_byte(script);
        state.steps_total = read_byte(script);
        state.applied = read_byte(script);
        state.has_start = read_bit(script);
        state.start = MIGRATIONS[read_below(script, ARRAY_LEN(MIGRATIONS))];
        state.version = MIGRATIONS[read_below(script, ARRAY_LEN(MIGRATIONS))];
        state.code = read_byte(script);
        state.message = "canceling statement due to lock timeout";
    }
    deliver(fleet, host, MESSAGE_STATE, &state, (how & 64) != 0);
}

static void act_progress(FuzzFleet *fleet, Script *script)
{
    size_t target = read_below(script, FLEET_TARGETS);
    const FleetOrder *order = &fleet->orders[target];
    Progress progress = { .rollout = order->rollout == NULL ? "r1" : order->rollout,
                          .target = fuzz_fleet_address(target),
                          .stamp = order->stamp,
                          .phase = "running",
                          .percent = read_byte(script) };
    deliver(fleet, &fleet->hosts[target / FLEET_DATABASES], MESSAGE_PROGRESS, &progress, false);
}

/* A sample of its server, or of one that it does not have (1); of another session (2). */
static void act_health(FuzzFleet *fleet, Script *script)
{
    static const uint32_t EVERY_MS[] = { 5000, 0, 1, 60000, UINT32_MAX };
    const FleetHost *host = read_host(fleet, script);
    uint32_t how = read_byte(script);
    HealthReading readings[READINGS_SAID];
    Health health = { .instance = (how & 1) != 0 ? "nowhere" : host->name,
                      .every_ms = EVERY_MS[read_below(script, ARRAY_LEN(EVERY_MS))],
                      .readings = readings,
                      .reading_count = read_below(script, READINGS_SAID + 1) };
    for (size_t i = 0; i < health.reading_count; i++) {
        readings[i].metric = (uint32_t)read_below(script, METRIC_COUNT_ + 1);
        readings[i].value = read_byte(script) * METRIC_SCALE;
        readings[i].absence = (uint32_t)read_below(script, METRIC_ABSENCE_COUNT_ + 1);
    }
    deliver(fleet, host, MESSAGE_HEALTH, &health, (how & 2) != 0);
}

/* What the shell sees of a host. */
static void act_host(FuzzFleet *fleet, Script *script)
{
    static const EventKind KINDS[] = { EVENT_DISCONNECTED, EVENT_AGENT_ADDED, EVENT_AGENT_REVOKED,
                                       EVENT_AGENT_FORGED, EVENT_AGENT_RELEASED };
    const FleetHost *host = read_host(fleet, script);
    Event event = { .kind = KINDS[read_below(script, ARRAY_LEN(KINDS))],
                    .agent = host->name,
                    .connection = host->connection,
                    .session = host->session };
    if (event.kind == EVENT_AGENT_RELEASED) {
        event.released.actor = "ops";
        event.released.reason = "";
    } else if (event.kind == EVENT_AGENT_FORGED) {
        event.reason = "it claims another's session";
    }
    fuzz_fleet_step(fleet, event);
}

/* --- people --- */

static void read_waves(FuzzFleet *fleet, Script *script, PlanStrategy *strategy)
{
    static const char *const NAMES[WAVES_MAX] = { "w1", "w2", "w3" };
    strategy->wave_count = 1 + read_below(script, WAVES_MAX);
    strategy->waves = ARENA_ARRAY(&fleet->arena, PlanWave, strategy->wave_count);
    for (size_t i = 0; i < strategy->wave_count; i++) {
        uint32_t how = read_byte(script);
        bool is_last = i + 1 == strategy->wave_count;
        strategy->waves[i] =
            (PlanWave){ .name = NAMES[i],
                        .targets = { is_last ? 100 : (uint32_t)(30 * (i + 1)), true },
                        .soak_ms = (how & 1) * 10000,
                        .needs_approval = (how & 2) != 0 };
    }
}

/* None, as a rule; of a metric that nobody knows, too, which a start refuses. */
static void read_gates(FuzzFleet *fleet, Script *script, PlanStrategy *strategy)
{
    strategy->gate_count = read_below(script, GATES_MAX + 1);
    strategy->gates = ARENA_ARRAY(&fleet->arena, PlanGate, strategy->gate_count);
    for (size_t i = 0; i < strategy->gate_count; i++) {
        uint32_t how = read_byte(script);
        strategy->gates[i] = (PlanGate){ .kind = GATE_METRIC,
                                         .metric = 1 + (uint32_t)read_below(script, METRIC_COUNT_),
                                         .is_relative = (how & 1) != 0,
                                         .limit = (1 + read_byte(script)) * UINT64_C(100),
                                         .failures = 1 + (how >> 1) % GATE_FAILURES_MAX };
    }
}

static void read_strategy(FuzzFleet *fleet, Script *script, PlanStrategy *strategy)
{
    plan_strategy_defaults(strategy);
    read_waves(fleet, script, strategy);
    strategy->max_parallel = 1 + read_byte(script) % 10;
    strategy->max_parallel_per_host = 1 + read_byte(script) % 4;
    strategy->max_failures = (Amount){ read_byte(script) % 10, read_bit(script) };
    strategy->on_failure = 1 + (uint32_t)read_below(script, ON_FAILURE_COUNT_ - 1);
    strategy->on_agent_lost = 1 + (uint32_t)read_below(script, ON_AGENT_LOST_COUNT_ - 1);
    strategy->is_strict = read_bit(script);
    strategy->allow_irreversible = true;
    read_gates(fleet, script, strategy);
}

static Plan *read_plan(FuzzFleet *fleet, Script *script)
{
    static const char *const WHERES[] = { "", "database != 'db3'", "version = ''", "host = 'a'" };
    static PlanStatement statement = { .sql = "select 1", .line = 1, .kind = "SELECT" };
    static const PlanScript SCRIPT = { .statements = &statement,
                                       .count = 1,
                                       .is_transactional = true };
    static const uint8_t CHECKSUM[CHECKSUM_BYTES];
    Plan *plan = ARENA_NEW(&fleet->arena, Plan);
    plan->name = "plan";
    plan->where = WHERES[read_below(script, ARRAY_LEN(WHERES))];
    plan->migration_count = 1 + read_below(script, MIGRATIONS_MAX);
    plan->migrations = ARENA_ARRAY(&fleet->arena, PlanMigration, plan->migration_count);
    for (size_t i = 0; i < plan->migration_count; i++) {
        bool is_irreversible = read_byte(script) % 8 == 7;
        plan->migrations[i] = (PlanMigration){ .id = MIGRATIONS[i],
                                               .version = MIGRATIONS[i],
                                               .name = "m",
                                               .checksum = { CHECKSUM, sizeof(CHECKSUM) },
                                               .up = SCRIPT,
                                               .is_irreversible = is_irreversible };
        plan->migrations[i].down =
            is_irreversible ? (PlanScript){ .is_transactional = true } : SCRIPT;
    }
    plan->to = MIGRATIONS[plan->migration_count - 1];
    read_strategy(fleet, script, &plan->strategy);
    uint32_t lives_s = read_byte(script);
    int64_t now_s = fuzz_fleet_wall_ms(fleet) / 1000;
    plan->apply_until_s = lives_s == 0 || now_s < 0 ? 0 : now_s + (int64_t)lives_s;
    return plan;
}

/* Ids are unused so far, as the shell's are. */
static void act_start(FuzzFleet *fleet, Script *script)
{
    size_t number = fleet->plans.count;
    Err err = { 0 };
    Plan *plan = read_plan(fleet, script);
    if (number == FLEET_ROLLOUTS) {
        return;
    }
    FUZZ_REQUIRE(plan_check(plan, &err) == ERR_NONE);
    StartedPlan started = { .plan = plan, .hash = { (uint8_t)(number + 1) } };
    LIST_PUSH(&fleet->plans, started);
    fuzz_fleet_step(fleet, (Event){ .kind = EVENT_START_ROLLOUT,
                                    .start = { .id = ROLLOUTS[number],
                                               .plan = plan,
                                               .plan_hash = started.hash,
                                               .actor = "ops" } });
}

static void act_command(FuzzFleet *fleet, Script *script)
{
    static const char *const WAVES[] = { "", "w1", "w2", "w9" };
    const char *targets[2];
    Command command = { .rollout = ROLLOUTS[read_below(script, ARRAY_LEN(ROLLOUTS))],
                        .actor = "ops",
                        .reason = "",
                        .targets = targets };
    command.verb = (CommandVerb)(1 + read_below(script, COMMAND_VERB_COUNT_ - 1));
    command.wave = WAVES[read_below(script, ARRAY_LEN(WAVES))];
    command.is_all_failed = read_bit(script);
    command.target_count = read_below(script, 3);
    for (size_t i = 0; i < command.target_count; i++) {
        targets[i] = fuzz_fleet_address(read_below(script, FLEET_TARGETS));
    }
    fuzz_fleet_step(fleet, (Event){ .kind = EVENT_COMMAND, .command = command });
}

static void act_bring(FuzzFleet *fleet, Script *script)
{
    static const uint8_t BUNDLE[] = { 1 };
    if (fleet->plans.count == 0) {
        return;
    }
    const StartedPlan *started = &fleet->plans.items[read_below(script, fleet->plans.count)];
    bool is_new = read_bit(script);
    fuzz_fleet_step(fleet, (Event){ .kind = EVENT_PLAN_BROUGHT,
                                    .brought = { .plan = started->plan,
                                                 .plan_hash = started->hash,
                                                 .bundle = { BUNDLE, is_new ? sizeof(BUNDLE) : 0 },
                                                 .signers = is_new ? "a key" : "",
                                                 .actor = "ops" } });
}

static void act_retire(FuzzFleet *fleet, Script *script)
{
    int64_t age_ms = (int64_t)read_byte(script) * 1000;
    fuzz_fleet_step(fleet, (Event){ .kind = EVENT_RETIRE, .ages = { age_ms, age_ms, age_ms } });
}

/* --- time --- */

static void act_wait(FuzzFleet *fleet, Script *script)
{
    static const uint32_t WAITS_MS[] = { 1, 1000, 5000, 15001, 30001, 90001, 120001, 1800001 };
    fleet->now_ms += WAITS_MS[read_below(script, ARRAY_LEN(WAITS_MS))];
    fuzz_fleet_step(fleet, (Event){ .kind = EVENT_TICK });
}

/* Somebody sets the clock of the coordinator's machine. */
static void act_clock(FuzzFleet *fleet, Script *script)
{
    static const int64_t OFF_BY_S[] = { 0, 60, -60, 86400, -86400, 2000000000, -2000000000 };
    fleet->wall_off_by_ms = OFF_BY_S[read_below(script, ARRAY_LEN(OFF_BY_S))] * 1000;
}

static void act_restart(FuzzFleet *fleet, Script *script)
{
    fleet->is_plan_lost = read_bit(script);
    fuzz_fleet_restart(fleet);
}

static void act_look(FuzzFleet *fleet, Script *script)
{
    (void)script;
    fuzz_fleet_look(fleet);
}

typedef void (*Act)(FuzzFleet *fleet, Script *script);

static const Act ACTS[] = { act_hello, act_inventory, act_ping,    act_report,
                            act_wait,  act_start,     act_command, act_host,
                            act_bye,   act_progress,  act_bring,   act_retire,
                            act_look,  act_restart,   act_health,  act_clock };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Script script = { .data = data, .length = size };
    AUTO_PTR(FuzzFleet) fleet = fuzz_fleet_new();
    for (size_t i = 0; i < ACTS_MAX && script.at < script.length; i++) {
        ACTS[read_below(&script, ARRAY_LEN(ACTS))](fleet, &script);
    }
    fuzz_fleet_look(fleet);
    return 0;
}

/* Host by host: hello, its three databases, ping. */
#define JOIN                                                                                       \
    "\0\0\0"                                                                                       \
    "\1\0\0\0\0\0"                                                                                 \
    "\2\0\0\0"                                                                                     \
    "\0\1\0"                                                                                       \
    "\1\1\0\0\0\0"                                                                                 \
    "\2\1\0\0"                                                                                     \
    "\0\2\0"                                                                                       \
    "\1\2\0\0\0\0"                                                                                 \
    "\2\2\0\0"

/* Everywhere, two migrations; where, waves, limits, budget, on_failure, on_agent_lost, strict,
 * gates, end. */
#define START_ONE_WAVE "\5\0\1\0\0\0\0\11\3\0\0\0\0\0\0\0"
#define START_TWO_WAVES "\5\0\1\0\0\1\1\2\11\3\0\0\3\3\0\0\0"
#define START_FOR_TWO_MINUTES "\5\0\1\0\0\0\0\11\3\0\0\0\0\0\0\170"
/* At most two blocked sessions, three times. */
#define START_GATED "\5\0\1\0\0\0\0\11\3\0\0\0\0\0\1\4\1\23\0"
#define BLOCKED(count) "\16\0\0\0\1\2" count "\0\16\1\0\0\1\2" count "\0\16\2\0\0\1\2" count "\0"

/* Of the target, that it has applied everything, or has failed. */
#define APPLIED(target) "\3" target "\4\0"
#define FAILED(target) "\3" target "\6\0"
#define ALL_APPLIED                                                                                \
    APPLIED("\0")                                                                                  \
    APPLIED("\1")                                                                                  \
    APPLIED("\2")                                                                                  \
    APPLIED("\3")                                                                                  \
    APPLIED("\4") APPLIED("\5") APPLIED("\6") APPLIED("\7") APPLIED("\10")
#define PINGS "\2\0\0\0\2\1\0\0\2\2\0\0"
#define WAIT_5_S "\4\2"
#define WAIT_90_S "\4\5"
#define A_DAY_LATER "\17\3"
#define RESTART "\15\0"
#define LOOK "\14"
#define APPROVE "\6\0\2\0\0\0"
#define ROLL_BACK "\6\0\4\0\0\0"
#define RETRY_ALL "\6\0\5\0\1\0"

bool fuzz_seed(size_t index, Str *out)
{
    typedef struct Seed {
        const char *bytes;
        size_t length;
    } Seed;
#define SEED(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    static const Seed SEEDS[] = {
        SEED(JOIN START_ONE_WAVE ALL_APPLIED LOOK WAIT_5_S PINGS),
        SEED(JOIN START_ONE_WAVE ALL_APPLIED ROLL_BACK WAIT_5_S PINGS ALL_APPLIED),
        SEED(JOIN START_ONE_WAVE FAILED("\0") APPLIED("\3") LOOK RETRY_ALL APPLIED("\0")),
        SEED(JOIN START_TWO_WAVES ALL_APPLIED WAIT_5_S PINGS WAIT_5_S PINGS APPROVE FAILED("\2")),
        SEED(JOIN START_TWO_WAVES APPLIED("\0") RESTART JOIN WAIT_90_S PINGS LOOK WAIT_90_S LOOK),
        SEED(JOIN BLOCKED("\1") START_GATED WAIT_5_S BLOCKED("\1") ALL_APPLIED LOOK BLOCKED("\7")
                 BLOCKED("\7") BLOCKED("\7") LOOK),
        SEED(JOIN START_FOR_TWO_MINUTES APPLIED("\0") A_DAY_LATER WAIT_5_S PINGS LOOK),
        SEED(JOIN START_ONE_WAVE APPLIED("\0") "\6\0\0\0\0\0" LOOK "\6\0\1\0\0\0"
                                               "\6\0\3\0\0\0"),
    };
#undef SEED
    if (index >= ARRAY_LEN(SEEDS)) {
        return false;
    }
    str_append_bytes(out, SEEDS[index].bytes, SEEDS[index].length);
    return true;
}
