/*
 * The messages between coordinator and agent, as C structs and as field tables (messages.c).
 *
 * Strings and arrays of a decoded message live in the arena given to the decoder. A string is never
 * NULL after decoding: an absent optional one is "". Durations are milliseconds. Only the plan
 * bundle carries SQL: everywhere else a statement is "migration id, number".
 */
#ifndef SKEIN_PROTO_MESSAGES_H
#define SKEIN_PROTO_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/metrics.h"
#include "proto/orders.h"
#include "proto/remarks.h"
#include "proto/values.h"

/* The protocol versions that this skein speaks. What each brought is in the field tables. */
#define PROTOCOL_VERSION_MIN 1
#define PROTOCOL_VERSION_MAX 2

/* Those that one process speaks. min 0: none. */
typedef struct ProtocolRange {
    uint32_t min;
    uint32_t max;
} ProtocolRange;

#define PROTOCOL_SPOKEN ((ProtocolRange){ PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX })

#define INVENTORY_PAGE_MAX 500      /* targets in one INVENTORY */
#define PLAN_CHUNK_MAX (128 * 1024) /* bytes in one PLAN_CHUNK */
#define MESSAGE_TO_COORDINATOR_MAX (256 * 1024)
#define MESSAGE_TO_AGENT_MAX (1024 * 1024)
#define COORDINATOR_KEYS_MAX 2      /* that an agent trusts: today's, and the next one */
#define IN_FLIGHT_MAX 4096          /* attempts listed in one HELLO */
#define INSTANCES_MAX 256           /* of one agent */
#define READINGS_MAX 256            /* metrics in one HEALTH */
#define SAMPLE_EVERY_MAX_MS 3600000 /* between two of them */
#define TRUSTED_KEYS_MAX 128
#define PERSON_MAX 63          /* bytes of a person's name */
#define SIGNER_PUBLIC_BYTES 32 /* Ed25519 */

typedef enum MessageType {
    MESSAGE_NONE = 0,
    MESSAGE_HELLO = 1,
    MESSAGE_WELCOME = 2,
    MESSAGE_BUSY = 3,
    MESSAGE_REJECT = 4,
    MESSAGE_INVENTORY = 5,
    MESSAGE_PING = 6,
    MESSAGE_PONG = 7,
    MESSAGE_GOAL = 8,
    MESSAGE_STATE = 9,
    MESSAGE_STATE_ACK = 10,
    MESSAGE_PROGRESS = 11,
    MESSAGE_PLAN_GET = 12,
    MESSAGE_PLAN_CHUNK = 13,
    MESSAGE_BYE = 14,
    MESSAGE_KNOCK = 15,
    MESSAGE_ENROL = 16,
    MESSAGE_HEALTH = 17,
    MESSAGE_TYPE_COUNT_,
} MessageType;

typedef struct HelloInstance {
    const char *name;
    uint64_t system_identifier; /* 0: not reached yet */
    uint32_t timeline;          /* 0: not read yet */
    uint32_t server_version;    /* as PQserverVersion: 150020; 0: not reached yet */
    bool in_recovery;
    Labels labels;
} HelloInstance;

/* One attempt that the agent still knows of: running, or ended and not acknowledged. */
typedef struct InFlight {
    const char *rollout;
    const char *target; /* address */
    OrderStamp stamp;
    uint64_t token;
    uint32_t report; /* Report */
} InFlight;

typedef struct Hello {
    Bytes boot_id; /* BOOT_ID_BYTES random bytes, new at every start of the agent's process */
    uint32_t protocol_min;
    uint32_t protocol_max;
    const char *version;
    Labels labels;
    HelloInstance *instances;
    size_t instance_count;
    InFlight *in_flight;
    size_t in_flight_count;
    uint64_t inventory_revision;
} Hello;

/* Said before each HELLO: only a coordinator that does not know the key heeds it. */
typedef struct Knock {
    const char *name; /* that the agent would like; as key_name_is_valid */
} Knock;

/* The one message of who comes by an invitation; answered with BYE, REJECT or BUSY. */
typedef struct Enrol {
    Bytes key; /* the agent's own, public: KEY_PUBLIC_BYTES */
} Enrol;

typedef struct Welcome {
    uint64_t session;
    uint32_t heartbeat_ms;
    uint32_t lease_ms;
    uint32_t lost_ms;            /* silence after which the agent rebuilds its socket */
    uint64_t inventory_revision; /* the newest complete one the coordinator holds; 0: none */
} Welcome;

typedef struct Busy {
    uint32_t retry_after_ms;
} Busy;

typedef struct Reject {
    uint32_t code; /* ErrCode */
    const char *reason;
} Reject;

typedef struct InventoryTarget {
    const char *target; /* address */
    const char *instance;
    Identity identity;
    const char *version; /* newest applied migration's id; "" with is_read: none applied */
    bool is_read;        /* false: the database has not been read yet */
    bool in_recovery;
    Fence fence;
    const char *rollout; /* of the newest history row; "": none, or by the CLI */
    Bytes plan_hash;     /* of that rollout's plan, PLAN_HASH_BYTES; empty: no rollout */
    uint32_t applied;    /* rows of that rollout that stand */
    uint32_t timeline;   /* of the server that was read; 0: a replica, or not told */
} InventoryTarget;

/* A key whose signature counts with an agent (trust.h). */
typedef struct TrustedKey {
    Bytes public_key;   /* Ed25519 */
    const char *person; /* whose it is; "": a person of its own */
} TrustedKey;

typedef struct Inventory {
    uint64_t revision;
    uint32_t page; /* from 0 */
    bool is_last;
    InventoryTarget *targets;
    size_t target_count;
    uint32_t required_signatures; /* people who have to sign a plan; 0: not told. On the last page,
                                     as is … */
    TrustedKey *trusted;          /* who is trusted */
    size_t trusted_count;
    bool plans_must_expire; /* none is applied that may be applied for ever */
} Inventory;

typedef struct Ping {
    uint64_t sent_at_ms; /* the agent's boot-time clock; echoed, never interpreted */
    uint32_t running;    /* jobs with a worker */
    uint64_t goals_digest;
    Bytes coordinator_keys; /* that it trusts: public keys, one behind the other */
} Ping;

typedef struct Pong {
    uint64_t sent_at_ms; /* the PING's */
    uint32_t lease_ms;   /* steps may start until sent_at_ms + lease_ms, agent's clock; 0: none */
    uint64_t goals_digest;
} Pong;

typedef struct GoalMessage {
    const char *rollout;
    const char *target; /* address */
    Identity identity;
    OrderStamp stamp;
    uint64_t token;
    uint32_t goal;        /* Goal */
    Bytes plan_hash;      /* PLAN_HASH_BYTES */
    const char *from;     /* migration id where the target started; "": empty, or not known yet */
    const char *to;       /* migration id that the plan leads to */
    uint32_t deadline_ms; /* for the whole attempt, from its receipt */
} GoalMessage;

typedef struct State {
    uint64_t report_id; /* rising per agent process; what STATE_ACK names */
    const char *rollout;
    const char *target;
    OrderStamp stamp;
    uint64_t token;
    uint32_t report;     /* Report */
    uint32_t steps_done; /* of the present goal's direction, committed */
    uint32_t steps_total;
    uint32_t applied;    /* history rows of this rollout that stand now, half applied ones too */
    bool has_start;      /* `start` has been read */
    const char *start;   /* migration id before this rollout's first; "": empty */
    const char *version; /* newest applied migration's id; "": none */
    uint32_t code;       /* ErrCode */
    const char *sqlstate;
    const char *message; /* redacted by server_error.c */
    const char *hint;
    const char *migration; /* where it failed; "" elsewhere */
    uint32_t statement;    /* from 1; 0: not in a statement */
    uint32_t retries;      /* blocked or retryable tries spent */
    uint32_t duration_ms;  /* since the attempt began */
    const char *step;      /* the last that the attempt has committed; "": none yet, or not said */
    uint32_t timeline;     /* of the server that `version` is of; 0: not read */
    Remarks remarks;       /* of what the attempt has met and committed */
} State;

typedef struct StateAck {
    uint64_t report_id;
    const char *target;
} StateAck;

typedef struct Progress {
    const char *rollout;
    const char *target;
    OrderStamp stamp;
    const char *migration;
    uint32_t statement; /* from 1 */
    uint32_t statement_count;
    const char *phase;      /* "running", "waiting for a lock", or pg_stat_progress_*'s own words */
    uint32_t percent;       /* 0 to 100; 255: not known */
    const char *blocked_by; /* "pgbench (pid 4711, idle in transaction, …)"; "": nobody */
    uint32_t blocks;        /* sessions that wait because of it */
    uint32_t blocks_for_ms; /* the longest of them */
} Progress;

typedef struct PlanGet {
    Bytes hash;
    uint64_t offset;
} PlanGet;

typedef struct PlanChunk {
    Bytes hash;
    uint64_t offset;
    uint64_t total_size; /* of the signed bundle; 0: the coordinator does not have it */
    Bytes data;          /* at most PLAN_CHUNK_MAX */
} PlanChunk;

typedef struct Bye {
    const char *reason;
} Bye;

/* One metric of a sample: a value, or why there is none. */
typedef struct HealthReading {
    uint32_t metric;  /* Metric; an agent that is newer may know more */
    uint64_t value;   /* thousandths of the metric's unit */
    uint32_t absence; /* MetricAbsence; METRIC_PRESENT: `value` counts */
} HealthReading;

/* A sample of one server. The newest wins. */
typedef struct Health {
    const char *instance;
    uint32_t every_ms; /* until the next one, if all goes well */
    HealthReading *readings;
    size_t reading_count;
} Health;

/* Who sends it. */
typedef enum MessageWay {
    MESSAGE_TO_COORDINATOR = 1,
    MESSAGE_TO_AGENT = 2,
    MESSAGE_BOTH_WAYS = 3,
} MessageWay;

/* The highest version that both speak; 0: there is none. */
static inline uint32_t protocol_common(ProtocolRange a, ProtocolRange b)
{
    uint32_t min = a.min > b.min ? a.min : b.min;
    uint32_t max = a.max < b.max ? a.max : b.max;
    return min <= max ? max : 0;
}

struct FieldTable;

/* The registry's row of a message: everything generic code needs to know of it. */
typedef struct MessageRow {
    const char *name; /* "GOAL" */
    MessageWay way;
    uint32_t since; /* the protocol version that brought it */
    const struct FieldTable *table;
    const char *doc;
} MessageRow;

/* NULL for a type that this version does not know. */
const MessageRow *message_row(MessageType type);

/* May it be said in this protocol version? */
bool message_is_of(MessageType type, uint32_t version);

#endif
