/*
 * Orders: the vocabulary that coordinator and agent must agree on: what is wanted of a target, what
 * an agent reports of it, and which of two orders is the newer one. Pure: no I/O.
 */
#ifndef SKEIN_PROTO_ORDERS_H
#define SKEIN_PROTO_ORDERS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Limits of what crosses a boundary. Every decoder checks them before it allocates.
 * A rollout id has at most 26 bytes so that "skein/<rollout>/<attempt>" fits application_name (63).
 */
#define ROLLOUT_ID_MAX 26
#define NAME_MAX_BYTES 63 /* agents, instances, databases, schemas: PostgreSQL's own limit */
#define ADDRESS_MAX 600   /* three names, each byte percent-encoded at worst, and two slashes */
#define MIGRATION_ID_MAX 255
#define VERSION_MAX 255
#define LABELS_MAX 64
#define LABEL_BYTES_MAX 255
#define PLAN_HASH_BYTES 32
#define BOOT_ID_BYTES 16

/*
 * What the coordinator wants of a target. Level-triggered: repeated freely, harmless when doubled.
 */
typedef enum Goal {
    GOAL_NONE = 0,
    GOAL_APPLY,     /* be at the plan's version */
    GOAL_ROLL_BACK, /* be where this target started: undo exactly what this rollout applied here */
    GOAL_HOLD,      /* start nothing; a step that runs may end */
    GOAL_COUNT_,
} Goal;

/*
 * What an agent reports of a target under an attempt. Everything from REPORT_APPLIED on is an end:
 * nothing runs for the target any more, its lock is released, and only a newer order changes that.
 * An end is sent after the commit that it speaks of, and repeated until it is acknowledged.
 */
typedef enum Report {
    REPORT_NONE = 0,
    REPORT_ACCEPTED,    /* the order is taken; nothing has been sent to the database */
    REPORT_RUNNING,     /* connected; steps_done of steps_total are committed */
    REPORT_UNKNOWN,     /* a step was sent and its outcome is not known yet: the agent is looking */
    REPORT_PARKED,      /* between steps, holding: by goal, or because the lease ran out */
    REPORT_APPLIED,     /* the history shows every migration of the plan */
    REPORT_ROLLED_BACK, /* the history shows none that this rollout applied */
    REPORT_FAILED,      /* the last step is not applied; the database's state is known */
    REPORT_HELD,        /* a person has to look: code and hint say at what */
    REPORT_REFUSED,     /* the order was not taken: unsigned, not selected, expired, fenced */
    REPORT_COUNT_,
} Report;

/* Which of two orders for one target is newer: compared as (term, attempt, revision). */
typedef struct OrderStamp {
    uint64_t term;     /* the reign of the coordinator that gave it */
    uint32_t attempt;  /* the try at the target, rising within a rollout's target */
    uint32_t revision; /* of the goal within the attempt */
} OrderStamp;

/* <0, 0, >0 as a is older than, equal to, newer than b. */
int order_stamp_compare(OrderStamp a, OrderStamp b);

/*
 * The fence orders attempts of all rollouts and coordinators on one database: (term, token).
 * A database takes an attempt unless a higher pair has been there.
 */
typedef struct Fence {
    uint64_t term;
    uint64_t token;
} Fence;

int fence_compare(Fence a, Fence b);

/*
 * One target as an agent knows it: (system identifier, database OID, schema). The address is its
 * present name. system_identifier 0: not read yet.
 */
typedef struct Identity {
    uint64_t system_identifier;
    uint32_t database_oid;
    const char *schema; /* "": the whole database; never NULL */
} Identity;

bool identity_equal(const Identity *a, const Identity *b);

/*
 * Order-independent digest over (address, stamp, goal): the sum of the hashes of all goals in
 * force.
 */
uint64_t goals_digest_add(uint64_t digest, const char *address, OrderStamp stamp, Goal goal);

const char *goal_name(Goal goal);       /* "apply", "roll back", "hold"; words of the glossary */
const char *report_name(Report report); /* "applied", "rolled_back", …: stable, for logs and JSON */
bool report_is_end(Report report);

#endif
