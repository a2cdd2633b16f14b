/*
 * The field tables of the messages, and their registry. proto/README.md is printed from here.
 *
 * To change a message: add a row with the next tag, never reuse or renumber one. A new field is
 * OPTIONAL | SINCE(the newest protocol version): to a peer of an older one it is not sent, and what
 * such a peer sends has the default. When that version has been released, raise
 * PROTOCOL_VERSION_MAX first. A new message has that version in its registry's row: to an older
 * peer it is not sent at all, so nothing may depend on it. The greeting (HELLO, WELCOME, BUSY,
 * REJECT) takes no new fields: most of it is said before anybody knows what the other side speaks.
 */
#include "proto/messages.h"

#include "common/cleanup.h"
#include "common/keyfile.h"
#include "proto/wire.h"

#define REQUIRED FIELD_REQUIRED
#define OPTIONAL FIELD_OPTIONAL
#define SINCE(version) FIELD_SINCE(version)
#define SOFTWARE_VERSION_MAX 63
#define TEXT_MAX (ERR_MESSAGE_MAX - 1) /* what an Err's message can hold */
#define HINT_MAX (ERR_HINT_MAX - 1)
#define SQLSTATE_LENGTH 5

static const char *goal_word(uint32_t number)
{
    return goal_name((Goal)number);
}

static const char *report_word(uint32_t number)
{
    return report_name((Report)number);
}

/* --- Parts of several messages --- */

static const Field STAMP_FIELDS[] = {
    ROW_U64(1, OrderStamp, term, REQUIRED, "reign of the coordinator that gave the order"),
    ROW_U32(2, OrderStamp, attempt, REQUIRED, 0, UINT32_MAX, "the try at the target"),
    ROW_U32(3, OrderStamp, revision, REQUIRED, 0, UINT32_MAX, "of the goal within the attempt"),
};
static const FieldTable STAMP = FIELD_TABLE("stamp", OrderStamp, STAMP_FIELDS);

static const Field FENCE_FIELDS[] = {
    ROW_U64(1, Fence, term, OPTIONAL, "term of the newest attempt that the database has taken"),
    ROW_U64(2, Fence, token, OPTIONAL, "its fence token"),
};
static const FieldTable FENCE = FIELD_TABLE("fence", Fence, FENCE_FIELDS);

static const Field IDENTITY_FIELDS[] = {
    ROW_U64(1, Identity, system_identifier, OPTIONAL,
            "of the PostgreSQL cluster, from pg_control_system(); 0: not read yet"),
    ROW_U32(2, Identity, database_oid, OPTIONAL, 0, UINT32_MAX, "pg_database.oid"),
    ROW_TEXT(3, Identity, schema, OPTIONAL, 0, NAME_MAX_BYTES, "empty: the whole database"),
};
static const FieldTable IDENTITY = FIELD_TABLE("identity", Identity, IDENTITY_FIELDS);

/* --- Session --- */

static const Field INSTANCE_FIELDS[] = {
    ROW_TEXT(1, HelloInstance, name, REQUIRED, 1, NAME_MAX_BYTES, "unique in the fleet"),
    ROW_U64(2, HelloInstance, system_identifier, OPTIONAL, "0: not reached yet"),
    ROW_U32(3, HelloInstance, timeline, OPTIONAL, 0, UINT32_MAX,
            "0: not read yet, or the server does not answer now"),
    ROW_U32(4, HelloInstance, server_version, OPTIONAL, 0, UINT32_MAX,
            "as PQserverVersion: 150020; 0: not reached yet"),
    ROW_BOOL(5, HelloInstance, in_recovery, OPTIONAL, "a replica: it serves no targets"),
    ROW_LABELS(6, HelloInstance, labels, LABELS_MAX, "win over the agent's of the same name"),
};
static const FieldTable INSTANCE = FIELD_TABLE("instance", HelloInstance, INSTANCE_FIELDS);

static const Field IN_FLIGHT_FIELDS[] = {
    ROW_TEXT(1, InFlight, rollout, REQUIRED, 1, ROLLOUT_ID_MAX, "id of the rollout"),
    ROW_TEXT(2, InFlight, target, REQUIRED, 1, ADDRESS_MAX, "address"),
    ROW_STRUCT(3, InFlight, stamp, OrderStamp, REQUIRED, &STAMP, "of the newest order taken"),
    ROW_U64(4, InFlight, token, REQUIRED, "fence token of the attempt"),
    ROW_ENUM(5, InFlight, report, REQUIRED, REPORT_COUNT_, report_word, "where it stands"),
};
static const FieldTable IN_FLIGHT = FIELD_TABLE("in flight", InFlight, IN_FLIGHT_FIELDS);

static const Field HELLO_FIELDS[] = {
    ROW_BYTES(1, Hello, boot_id, REQUIRED, BOOT_ID_BYTES, BOOT_ID_BYTES,
              "random, new at every start of the agent's process"),
    ROW_U32(2, Hello, protocol_min, REQUIRED, 1, UINT32_MAX, "oldest protocol version it speaks"),
    ROW_U32(3, Hello, protocol_max, REQUIRED, 1, UINT32_MAX, "newest protocol version it speaks"),
    ROW_TEXT(4, Hello, version, REQUIRED, 1, SOFTWARE_VERSION_MAX, "of the agent's software"),
    ROW_LABELS(5, Hello, labels, LABELS_MAX, "of the agent"),
    ROW_STRUCTS(6, Hello, instances, instance_count, HelloInstance, OPTIONAL, 0, INSTANCES_MAX,
                &INSTANCE, "the servers it works on"),
    ROW_STRUCTS(7, Hello, in_flight, in_flight_count, InFlight, OPTIONAL, 0, IN_FLIGHT_MAX,
                &IN_FLIGHT, "attempts that run, or ended and were not acknowledged"),
    ROW_U64(8, Hello, inventory_revision, OPTIONAL, "of its newest complete inventory; 0: none"),
};
static const FieldTable HELLO = FIELD_TABLE("HELLO", Hello, HELLO_FIELDS);

static const Field KNOCK_FIELDS[] = {
    ROW_TEXT(1, Knock, name, REQUIRED, 1, NAME_MAX_BYTES, "that the agent would like"),
};
static const FieldTable KNOCK = FIELD_TABLE("KNOCK", Knock, KNOCK_FIELDS);

static const Field ENROL_FIELDS[] = {
    ROW_BYTES(1, Enrol, key, REQUIRED, KEY_PUBLIC_BYTES, KEY_PUBLIC_BYTES, "public, of the agent"),
};
static const FieldTable ENROL = FIELD_TABLE("ENROL", Enrol, ENROL_FIELDS);

static const Field WELCOME_FIELDS[] = {
    ROW_U64(1, Welcome, session, REQUIRED, "goes into every envelope from now on"),
    ROW_U32(2, Welcome, heartbeat_ms, REQUIRED, 1, UINT32_MAX, "a PING this often, ± 20 %"),
    ROW_U32(3, Welcome, lease_ms, REQUIRED, 1, UINT32_MAX,
            "how long a PONG permits starting steps"),
    ROW_U32(4, Welcome, lost_ms, REQUIRED, 1, UINT32_MAX,
            "silence after which the agent rebuilds its socket"),
    ROW_U64(5, Welcome, inventory_revision, OPTIONAL,
            "newest complete inventory that the coordinator holds; 0: none"),
};
static const FieldTable WELCOME = FIELD_TABLE("WELCOME", Welcome, WELCOME_FIELDS);

static const Field BUSY_FIELDS[] = {
    ROW_U32(1, Busy, retry_after_ms, REQUIRED, 1, UINT32_MAX, "say HELLO again after this"),
};
static const FieldTable BUSY = FIELD_TABLE("BUSY", Busy, BUSY_FIELDS);

static const Field REJECT_FIELDS[] = {
    ROW_U32(1, Reject, code, REQUIRED, 1, UINT32_MAX, "number of an error code (common/err.h)"),
    ROW_TEXT(2, Reject, reason, OPTIONAL, 0, TEXT_MAX, "for the agent's log"),
};
static const FieldTable REJECT = FIELD_TABLE("REJECT", Reject, REJECT_FIELDS);

static const Field PING_FIELDS[] = {
    ROW_U64(1, Ping, sent_at_ms, REQUIRED,
            "the agent's boot-time clock; echoed, never interpreted"),
    ROW_U32(2, Ping, running, OPTIONAL, 0, UINT32_MAX, "jobs with a worker"),
    ROW_U64(3, Ping, goals_digest, OPTIONAL, "over the goals in force at the agent"),
    ROW_BYTES(4, Ping, coordinator_keys, OPTIONAL | SINCE(2), 0,
              COORDINATOR_KEYS_MAX *KEY_PUBLIC_BYTES,
              "public keys of coordinators that the agent trusts, one behind the other"),
};
static const FieldTable PING = FIELD_TABLE("PING", Ping, PING_FIELDS);

static const Field PONG_FIELDS[] = {
    ROW_U64(1, Pong, sent_at_ms, REQUIRED, "the PING's"),
    ROW_U32(2, Pong, lease_ms, OPTIONAL, 0, UINT32_MAX,
            "steps may start until sent_at_ms + lease_ms on the agent's clock; 0: none"),
    ROW_U64(3, Pong, goals_digest, OPTIONAL,
            "over the goals that the coordinator has for the agent"),
};
static const FieldTable PONG = FIELD_TABLE("PONG", Pong, PONG_FIELDS);

static const Field BYE_FIELDS[] = {
    ROW_TEXT(1, Bye, reason, OPTIONAL, 0, TEXT_MAX, "for the other side's log"),
};
static const FieldTable BYE = FIELD_TABLE("BYE", Bye, BYE_FIELDS);

/* --- Inventory --- */

static const Field INVENTORY_TARGET_FIELDS[] = {
    ROW_TEXT(1, InventoryTarget, target, REQUIRED, 1, ADDRESS_MAX, "address"),
    ROW_TEXT(2, InventoryTarget, instance, REQUIRED, 1, NAME_MAX_BYTES, "where it lies"),
    ROW_STRUCT(3, InventoryTarget, identity, Identity, OPTIONAL, &IDENTITY,
               "what it is, whatever its address"),
    ROW_TEXT(4, InventoryTarget, version, OPTIONAL, 0, MIGRATION_ID_MAX,
             "id of the newest applied migration; empty when is_read: none applied"),
    ROW_BOOL(5, InventoryTarget, is_read, OPTIONAL, "false: the database has not been read yet"),
    ROW_BOOL(6, InventoryTarget, in_recovery, OPTIONAL, "on a replica"),
    ROW_STRUCT(7, InventoryTarget, fence, Fence, OPTIONAL, &FENCE, "as the database has it"),
    ROW_TEXT(8, InventoryTarget, rollout, OPTIONAL, 0, ROLLOUT_ID_MAX,
             "of the newest history row; empty: none, or the CLI's"),
    ROW_BYTES(9, InventoryTarget, plan_hash, OPTIONAL, 0, PLAN_HASH_BYTES,
              "of that rollout's plan: 32 bytes, or none"),
    ROW_U32(10, InventoryTarget, applied, OPTIONAL, 0, UINT32_MAX,
            "rows of that rollout that are not undone"),
    ROW_U32(11, InventoryTarget, timeline, OPTIONAL | SINCE(2), 0, UINT32_MAX,
            "of the server that was read; 0: a replica, or not told"),
};
static const FieldTable INVENTORY_TARGET =
    FIELD_TABLE("inventory target", InventoryTarget, INVENTORY_TARGET_FIELDS);

static const Field TRUSTED_KEY_FIELDS[] = {
    ROW_BYTES(1, TrustedKey, public_key, REQUIRED, SIGNER_PUBLIC_BYTES, SIGNER_PUBLIC_BYTES,
              "Ed25519"),
    ROW_TEXT(2, TrustedKey, person, OPTIONAL, 0, PERSON_MAX,
             "whose it is: keys of one person count once; empty: of a person of its own"),
};
static const FieldTable TRUSTED_KEY = FIELD_TABLE("trusted key", TrustedKey, TRUSTED_KEY_FIELDS);

static const Field INVENTORY_FIELDS[] = {
    ROW_U64(1, Inventory, revision, REQUIRED, "of the whole inventory; all its pages carry it"),
    ROW_U32(2, Inventory, page, OPTIONAL, 0, UINT32_MAX, "from 0"),
    ROW_BOOL(3, Inventory, is_last, OPTIONAL, "the inventory is complete with this page"),
    ROW_STRUCTS(4, Inventory, targets, target_count, InventoryTarget, OPTIONAL, 0,
                INVENTORY_PAGE_MAX, &INVENTORY_TARGET, "of this page"),
    ROW_U32(5, Inventory, required_signatures, OPTIONAL | SINCE(2), 0, UINT32_MAX,
            "on the last page: so many people have to sign a plan; 0: not told"),
    ROW_STRUCTS(6, Inventory, trusted, trusted_count, TrustedKey, OPTIONAL | SINCE(2), 0,
                TRUSTED_KEYS_MAX, &TRUSTED_KEY, "on the last page: whose signatures count"),
    ROW_BOOL(7, Inventory, plans_must_expire, OPTIONAL | SINCE(2),
             "on the last page: no plan is applied that may be applied for ever"),
};
static const FieldTable INVENTORY = FIELD_TABLE("INVENTORY", Inventory, INVENTORY_FIELDS);

/* --- Work --- */

static const Field GOAL_FIELDS[] = {
    ROW_TEXT(1, GoalMessage, rollout, REQUIRED, 1, ROLLOUT_ID_MAX, "id of the rollout"),
    ROW_TEXT(2, GoalMessage, target, REQUIRED, 1, ADDRESS_MAX, "address"),
    ROW_STRUCT(3, GoalMessage, identity, Identity, OPTIONAL, &IDENTITY,
               "which database is meant; the agent refuses another at that address"),
    ROW_STRUCT(4, GoalMessage, stamp, OrderStamp, REQUIRED, &STAMP,
               "higher is taken, equal is answered with STATE, lower is ignored"),
    ROW_U64(5, GoalMessage, token, REQUIRED, "fence token of the attempt"),
    ROW_ENUM(6, GoalMessage, goal, REQUIRED, GOAL_COUNT_, goal_word, "what is wanted"),
    ROW_BYTES(7, GoalMessage, plan_hash, REQUIRED, PLAN_HASH_BYTES, PLAN_HASH_BYTES,
              "of the plan to run, or to undo by"),
    ROW_TEXT(8, GoalMessage, from, OPTIONAL, 0, MIGRATION_ID_MAX,
             "where the target started; empty: nothing applied, or not known yet"),
    ROW_TEXT(9, GoalMessage, to, OPTIONAL, 0, MIGRATION_ID_MAX, "where the plan leads"),
    ROW_U32(10, GoalMessage, deadline_ms, OPTIONAL, 0, UINT32_MAX,
            "for the whole attempt, from its receipt; 0: none"),
};
static const FieldTable GOAL = FIELD_TABLE("GOAL", GoalMessage, GOAL_FIELDS);

static const Field WARNING_FIELDS[] = {
    ROW_TEXT(1, Warning, migration, REQUIRED, 1, MIGRATION_ID_MAX, "whose statement it came with"),
    ROW_U32(2, Warning, statement, OPTIONAL, 0, UINT32_MAX,
            "of that migration, from 1; 0: none of its statements, or nobody can say which"),
    ROW_TEXT(3, Warning, sqlstate, OPTIONAL, SQLSTATE_LENGTH, SQLSTATE_LENGTH, "the server's"),
    ROW_TEXT(4, Warning, message, OPTIONAL, 0, WARNING_TEXT_MAX,
             "the server's own words, redacted"),
};
static const FieldTable WARNING = FIELD_TABLE("warning", Warning, WARNING_FIELDS);

static const Field PASSED_FIELDS[] = {
    ROW_TEXT(1, Passed, id, REQUIRED, 1, MIGRATION_ID_MAX, "of the migration"),
    ROW_BOOL(2, Passed, is_missing, OPTIONAL,
             "applied, and not in the plan; else not applied, below an applied one"),
};
static const FieldTable PASSED = FIELD_TABLE("passed", Passed, PASSED_FIELDS);

static const Field REMARKS_FIELDS[] = {
    ROW_STRUCTS(1, Remarks, warnings, warning_count, Warning, OPTIONAL, 0, WARNINGS_MAX, &WARNING,
                "the server's, at statements that went on; the first ones"),
    ROW_U32(2, Remarks, warnings_total, OPTIONAL, 0, UINT32_MAX,
            "how many there were, those that are not among them with them"),
    ROW_STRUCTS(3, Remarks, passed, passed_count, Passed, OPTIONAL, 0, PASSED_MAX, &PASSED,
                "migrations that the plan passes over here; the first ones"),
    ROW_U32(4, Remarks, passed_total, OPTIONAL, 0, UINT32_MAX,
            "how many they are, those that are not among them with them"),
};
static const FieldTable REMARKS = FIELD_TABLE("remarks", Remarks, REMARKS_FIELDS);

static const Field STATE_FIELDS[] = {
    ROW_U64(1, State, report_id, REQUIRED, "rising per agent process; what STATE_ACK names"),
    ROW_TEXT(2, State, rollout, REQUIRED, 1, ROLLOUT_ID_MAX, "id of the rollout"),
    ROW_TEXT(3, State, target, REQUIRED, 1, ADDRESS_MAX, "address"),
    ROW_STRUCT(4, State, stamp, OrderStamp, REQUIRED, &STAMP, "of the order it answers"),
    ROW_U64(5, State, token, REQUIRED, "fence token of the attempt"),
    ROW_ENUM(6, State, report, REQUIRED, REPORT_COUNT_, report_word, "where the target stands"),
    ROW_U32(7, State, steps_done, OPTIONAL, 0, UINT32_MAX, "committed, in the goal's direction"),
    ROW_U32(8, State, steps_total, OPTIONAL, 0, UINT32_MAX, "in the goal's direction"),
    ROW_U32(9, State, applied, OPTIONAL, 0, UINT32_MAX,
            "history rows of this rollout that stand now, half applied ones too"),
    ROW_BOOL(10, State, has_start, OPTIONAL, "start has been read"),
    ROW_TEXT(11, State, start, OPTIONAL, 0, MIGRATION_ID_MAX,
             "migration before this rollout's first; empty: none"),
    ROW_TEXT(12, State, version, OPTIONAL, 0, MIGRATION_ID_MAX,
             "newest applied migration; empty: none"),
    ROW_U32(13, State, code, OPTIONAL, 0, UINT32_MAX, "number of an error code; 0: no error"),
    ROW_TEXT(14, State, sqlstate, OPTIONAL, SQLSTATE_LENGTH, SQLSTATE_LENGTH, "the server's"),
    ROW_TEXT(15, State, message, OPTIONAL, 0, TEXT_MAX, "the server's own words, redacted"),
    ROW_TEXT(16, State, hint, OPTIONAL, 0, HINT_MAX, "what a person can do about it"),
    ROW_TEXT(17, State, migration, OPTIONAL, 0, MIGRATION_ID_MAX, "where it failed"),
    ROW_U32(18, State, statement, OPTIONAL, 0, UINT32_MAX,
            "of that migration, from 1; 0: not in a statement"),
    ROW_U32(19, State, retries, OPTIONAL, 0, UINT32_MAX, "blocked or retryable tries spent"),
    ROW_U32(20, State, duration_ms, OPTIONAL, 0, UINT32_MAX, "since the attempt began"),
    ROW_TEXT(
        21, State, step, OPTIONAL | SINCE(2), 0, MIGRATION_ID_MAX,
        "the last that the attempt has committed, in the goal's direction; empty: none yet, or "
        "nobody says"),
    ROW_U32(22, State, timeline, OPTIONAL | SINCE(2), 0, UINT32_MAX,
            "of the server that version is of; 0: not read"),
    ROW_STRUCT(23, State, remarks, Remarks, OPTIONAL | SINCE(2), &REMARKS,
               "what went on all the same"),
};
static const FieldTable STATE = FIELD_TABLE("STATE", State, STATE_FIELDS);

static const Field STATE_ACK_FIELDS[] = {
    ROW_U64(1, StateAck, report_id, REQUIRED, "the STATE's"),
    ROW_TEXT(2, StateAck, target, REQUIRED, 1, ADDRESS_MAX, "address"),
};
static const FieldTable STATE_ACK = FIELD_TABLE("STATE_ACK", StateAck, STATE_ACK_FIELDS);

static const Field PROGRESS_FIELDS[] = {
    ROW_TEXT(1, Progress, rollout, REQUIRED, 1, ROLLOUT_ID_MAX, "id of the rollout"),
    ROW_TEXT(2, Progress, target, REQUIRED, 1, ADDRESS_MAX, "address"),
    ROW_STRUCT(3, Progress, stamp, OrderStamp, REQUIRED, &STAMP, "of the order under way"),
    ROW_TEXT(4, Progress, migration, OPTIONAL, 0, MIGRATION_ID_MAX, "that runs"),
    ROW_U32(5, Progress, statement, OPTIONAL, 0, UINT32_MAX, "of it, from 1"),
    ROW_U32(6, Progress, statement_count, OPTIONAL, 0, UINT32_MAX, "of it, in all"),
    ROW_TEXT(7, Progress, phase, OPTIONAL, 0, LABEL_BYTES_MAX,
             "in words: running, waiting for a lock, or as pg_stat_progress_* says it"),
    ROW_U32(8, Progress, percent, REQUIRED, 0, 255, "up to 100; 255: not known"),
    ROW_TEXT(9, Progress, blocked_by, OPTIONAL, 0, TEXT_MAX, "who holds the lock; empty: nobody"),
    ROW_U32(10, Progress, blocks, OPTIONAL, 0, UINT32_MAX, "sessions that wait because of it"),
    ROW_U32(11, Progress, blocks_for_ms, OPTIONAL, 0, UINT32_MAX,
            "the longest of them waits so long"),
};
static const FieldTable PROGRESS = FIELD_TABLE("PROGRESS", Progress, PROGRESS_FIELDS);

/* --- Health --- */

static const Field READING_FIELDS[] = {
    ROW_U32(1, HealthReading, metric, REQUIRED, 1, METRIC_NUMBER_MAX,
            "number of a metric (docs/health.md); one that is not known is passed over"),
    ROW_U64(2, HealthReading, value, OPTIONAL, "thousandths of the metric's unit"),
    ROW_U32(3, HealthReading, absence, OPTIONAL, 0, METRIC_NUMBER_MAX,
            "why there is no value (docs/health.md); 0: there is one"),
};
static const FieldTable READING = FIELD_TABLE("reading", HealthReading, READING_FIELDS);

static const Field HEALTH_FIELDS[] = {
    ROW_TEXT(1, Health, instance, REQUIRED, 1, NAME_MAX_BYTES, "the server that was sampled"),
    ROW_U32(2, Health, every_ms, REQUIRED, 1, SAMPLE_EVERY_MAX_MS,
            "the next sample comes after this; what is three times as old is stale"),
    ROW_STRUCTS(3, Health, readings, reading_count, HealthReading, OPTIONAL, 0, READINGS_MAX,
                &READING, "each metric once"),
};
static const FieldTable HEALTH = FIELD_TABLE("HEALTH", Health, HEALTH_FIELDS);

/* --- Plans --- */

static const Field PLAN_GET_FIELDS[] = {
    ROW_BYTES(1, PlanGet, hash, REQUIRED, PLAN_HASH_BYTES, PLAN_HASH_BYTES, "of the plan"),
    ROW_U64(2, PlanGet, offset, OPTIONAL, "in its bundle"),
};
static const FieldTable PLAN_GET = FIELD_TABLE("PLAN_GET", PlanGet, PLAN_GET_FIELDS);

static const Field PLAN_CHUNK_FIELDS[] = {
    ROW_BYTES(1, PlanChunk, hash, REQUIRED, PLAN_HASH_BYTES, PLAN_HASH_BYTES, "of the plan"),
    ROW_U64(2, PlanChunk, offset, OPTIONAL, "of data in the bundle"),
    ROW_U64(3, PlanChunk, total_size, OPTIONAL,
            "of the signed bundle; 0: the coordinator does not have it"),
    ROW_BYTES(4, PlanChunk, data, FIELD_PRIVATE, 0, PLAN_CHUNK_MAX, "bytes of the bundle"),
};
static const FieldTable PLAN_CHUNK = FIELD_TABLE("PLAN_CHUNK", PlanChunk, PLAN_CHUNK_FIELDS);

/* --- The registry --- */

static const MessageRow MESSAGES[] = {
    [MESSAGE_HELLO] = { "HELLO", MESSAGE_TO_COORDINATOR, 1, &HELLO,
                        "The first message of an agent: who it is, and what it was doing." },
    [MESSAGE_WELCOME] = { "WELCOME", MESSAGE_TO_AGENT, 1, &WELCOME,
                          "The session is open; these are its times." },
    [MESSAGE_BUSY] = { "BUSY", MESSAGE_TO_AGENT, 1, &BUSY,
                       "Not now: too many agents are being admitted, or this one's key has not been "
                       "accepted yet." },
    [MESSAGE_REJECT] = { "REJECT", MESSAGE_TO_AGENT, 1, &REJECT,
                         "There is no session, and why. The agent says HELLO again, or stops." },
    [MESSAGE_INVENTORY] = { "INVENTORY", MESSAGE_TO_COORDINATOR, 1, &INVENTORY,
                            "A page of the targets that the agent serves." },
    [MESSAGE_PING] = { "PING", MESSAGE_TO_COORDINATOR, 1, &PING, "The agent lives." },
    [MESSAGE_PONG] = { "PONG", MESSAGE_TO_AGENT, 1, &PONG,
                       "The answer to PING: the lease, and whether both hold the same goals." },
    [MESSAGE_GOAL] = { "GOAL", MESSAGE_TO_AGENT, 1, &GOAL,
                       "What is wanted of one target. Repeated until a STATE answers it." },
    [MESSAGE_STATE] = { "STATE", MESSAGE_TO_COORDINATOR, 1, &STATE,
                        "Where a target stands. An end is repeated until it is acknowledged." },
    [MESSAGE_STATE_ACK] = { "STATE_ACK", MESSAGE_TO_AGENT, 1, &STATE_ACK,
                            "That STATE is durable. Sent only after the commit." },
    [MESSAGE_PROGRESS] = { "PROGRESS", MESSAGE_TO_COORDINATOR, 1, &PROGRESS,
                           "How far a running target is. The latest wins; may be dropped." },
    [MESSAGE_PLAN_GET] = { "PLAN_GET", MESSAGE_TO_COORDINATOR, 1, &PLAN_GET,
                           "Asks for a part of a signed plan." },
    [MESSAGE_PLAN_CHUNK] = { "PLAN_CHUNK", MESSAGE_TO_AGENT, 1, &PLAN_CHUNK,
                             "A part of a signed plan." },
    [MESSAGE_BYE] = { "BYE", MESSAGE_BOTH_WAYS, 1, &BYE, "A clean end of the session." },
    [MESSAGE_KNOCK] = { "KNOCK", MESSAGE_TO_COORDINATOR, 1, &KNOCK,
                        "Before HELLO: what the agent would like to be called, where its key is not "
                        "known." },
    [MESSAGE_ENROL] = { "ENROL", MESSAGE_TO_COORDINATOR, 1, &ENROL,
                        "Of who comes by an invitation, and nothing else: which key is its own. BYE: it "
                        "is an agent's from now on. REJECT: it will not be. BUSY: not now." },
    [MESSAGE_HEALTH] = { "HEALTH", MESSAGE_TO_COORDINATOR, 2, &HEALTH,
                         "A sample of one server's health. The latest wins; may be dropped." },
};
_Static_assert(ARRAY_LEN(MESSAGES) == MESSAGE_TYPE_COUNT_, "a row per message");

const MessageRow *message_row(MessageType type)
{
    bool is_known = type > MESSAGE_NONE && (unsigned)type < MESSAGE_TYPE_COUNT_;
    return is_known ? &MESSAGES[type] : NULL;
}

bool message_is_of(MessageType type, uint32_t version)
{
    const MessageRow *row = message_row(type);
    return row != NULL && row->since <= version;
}
