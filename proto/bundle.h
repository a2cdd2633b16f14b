/*
 * A plan: an immutable, content-hashed, signed document. Its canonical bytes are the field-table
 * encoding of Plan; the hash is BLAKE2b-256 over them; the signature is Ed25519 over
 * "skein-plan-v1\0" followed by the hash and stands beside the bytes:
 *
 *     bundle = msgpack array ["skein-plan", 1, canonical bytes (bin), [[public key, signature], …]]
 *
 * Only the bundle carries SQL. Agents decode it, check hash and signature, and run it; they never
 * parse SQL. At most BUNDLE_MAX bytes.
 */
#ifndef SKEIN_PROTO_BUNDLE_H
#define SKEIN_PROTO_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"
#include "proto/gate.h"
#include "proto/messages.h"
#include "proto/orders.h"

#define BUNDLE_MAX (64 * 1024 * 1024)
#define PLAN_CANONICAL_MAX (BUNDLE_MAX - 64 * 1024) /* room for the wrapping and the signatures */
#define PLAN_MIGRATIONS_MAX 10000
#define PLAN_STEPS_MAX 100000 /* statements of one migration */
#define PLAN_PARTS_MAX 10000  /* of one script: each is a transaction of its own */
#define PLAN_WAVES_MAX 100
#define PLAN_SIGNATURES_MAX 8
#define CHECKSUM_BYTES 32
#define FINGERPRINT_BYTES 8 /* of one statement */
#define PLAN_SHARED_SCHEMAS_MAX 64
#define PLAN_NAME_MAX 255
#define PLAN_UNREAD_MAX 500        /* bytes, of PlanMigration.unread and of its hint */
#define SQL_MAX (16 * 1024 * 1024) /* bytes of one statement */
#define PLAN_TIES_MAX 32           /* tools that are known */
#define PLAN_MIRROR_MAX 8          /* statements */
#define MIRROR_SQL_MAX (64 * 1024)
#define COPY_DATA_MAX (16 * 1024 * 1024)
#define PLAN_WHOLE_DATABASE "database"
#define SIGN_PUBLIC_BYTES SIGNER_PUBLIC_BYTES
#define SIGN_SECRET_BYTES 64
#define SIGNATURE_BYTES 64

/* How the effect of a non-transactional statement is looked up in the catalog afterwards. */
typedef enum ProbeKind {
    PROBE_NONE = 0,           /* CALL, DO, …: the answer is all there is */
    PROBE_INDEX_VALID,        /* `object` is an index that exists, is valid and ready */
    PROBE_INDEX_ABSENT,       /* no index `object` */
    PROBE_ENUM_LABEL,         /* `object` is "type" and `detail` a label of it */
    PROBE_PARTITION_DETACHED, /* `object` is no partition any more */
    PROBE_REPEATABLE,    /* VACUUM, ALTER SYSTEM, …: no look tells, and once more does no harm */
    PROBE_REINDEXED,     /* no new INVALID index …_ccnew or …_ccold is left; `object` is what
                            `detail` says: index, table, schema, database */
    PROBE_NAMED_PRESENT, /* there is an `object` of the kind `detail`: database, tablespace,
                            subscription; its name unquoted */
    PROBE_NAMED_ABSENT,  /* there is none */
    PROBE_COUNT_,
} ProbeKind;

typedef struct PlanStatement {
    const char *sql;
    uint32_t line;      /* in its file, from 1 */
    const char *kind;   /* what it is, for people: "CREATE INDEX CONCURRENTLY", "ALTER TABLE" */
    uint32_t probe;     /* ProbeKind; PROBE_NONE when transactional */
    const char *object; /* qualified as the statement writes it; "": none */
    const char *detail; /* of the probe; of VACUUM and ANALYZE that name no table:
                           PLAN_WHOLE_DATABASE */
    bool is_setting;    /* changes the session alone (SET, RESET, set_config); see PlanScript */
    bool is_opening;    /* SET TRANSACTION at the head of its part: runs before anything is asked */
    bool is_copy;       /* COPY … FROM STDIN: `copy_data` is what it asks for, also when empty */
    Bytes copy_data;    /* the rows as they stand in the file, without the closing "\." */
} PlanStatement;

/*
 * When a migration ends itself for the sake of others: more than `blocked_sessions` sessions wait
 * because of it, for `for_ms`. for_ms 0: never.
 */
typedef struct PlanWatchdog {
    uint32_t blocked_sessions;
    uint32_t for_ms;
} PlanWatchdog;

/* A part of a script: statements in one transaction, or one statement outside of any. */
typedef struct PlanPart {
    uint32_t statement_count; /* the next so many of the script */
    bool is_transactional;    /* false: exactly one */
} PlanPart;

/*
 * What runs in one direction of a migration: statements, numbered from 1 over the whole script, cut
 * into one or more parts. Parts run in order, each is done before the next begins, and where an
 * attempt ends between two of them the next attempt goes on with the second. So what a part needs
 * of its session's settings is there whether or not the parts before it ran in the same one: before
 * each part those are as new, and the settings (`is_setting`) of all earlier parts have been made
 * again, in order. Only SET LOCAL ends with its part. Temporary objects and the like are there as
 * long as the session is.
 */
typedef struct PlanScript {
    PlanStatement *statements;
    size_t count;
    bool is_transactional;    /* one part, and that is a transaction */
    uint32_t lock_timeout_ms; /* of transactional parts; 0: the strategy's */
    PlanPart *parts;          /* at least two; none: the whole script is one part */
    size_t part_count;
    const char **mirror; /* statements that tell another tool's table that the script is done: in
                            the transaction that writes it into skein's history, with the role and
                            the settings that a script begins with */
    size_t mirror_count;
    bool has_watchdog; /* of its own; false: the strategy's */
    PlanWatchdog watchdog;
    bool tolerates_warnings; /* also those by which the server says that a statement's work is not
                                done */
} PlanScript;

typedef struct PlanMigration {
    const char *id;      /* the file's stem; what identifies it */
    const char *version; /* sorts only */
    const char *name;    /* for people */
    Bytes checksum;      /* CHECKSUM_BYTES over the up script's text */
    Bytes fingerprints;  /* FINGERPRINT_BYTES for each statement of `up`, or none; see PlanChange */
    PlanScript up;
    PlanScript down;
    bool is_irreversible; /* by directive, or no down file; then `down` is empty */
    bool is_repeatable;   /* see plan_repeated */
    /* Why nobody can say what its up does; NULL or "": it is known. Then `up` is empty and the
     * checksum is zero: it can be found applied, taken over and undone, and is never run. */
    const char *unread;
    const char *unread_hint; /* what a person can do about that */
} PlanMigration;

typedef struct Amount {
    uint32_t value;
    bool is_percent;
} Amount;

typedef struct PlanWave {
    const char *name;
    Amount targets; /* cumulative over all selected targets */
    uint32_t soak_ms;
    bool needs_approval; /* before this wave opens */
} PlanWave;

typedef enum OnFailure {
    ON_FAILURE_NONE = 0,
    ON_FAILURE_PAUSE,
    ON_FAILURE_ROLL_BACK_TARGET,
    ON_FAILURE_ROLL_BACK_WAVE,
    ON_FAILURE_ROLL_BACK_ROLLOUT,
    ON_FAILURE_COUNT_,
} OnFailure;

typedef enum OnAgentLost {
    ON_AGENT_LOST_NONE = 0,
    ON_AGENT_LOST_WAIT,
    ON_AGENT_LOST_PAUSE,
    ON_AGENT_LOST_ROLL_BACK_WAVE,
    ON_AGENT_LOST_ROLL_BACK_ROLLOUT,
    ON_AGENT_LOST_COUNT_,
} OnAgentLost;

typedef struct PlanStrategy {
    PlanWave *waves;
    size_t wave_count;
    uint32_t max_parallel;
    uint32_t max_parallel_per_host;
    uint32_t max_parallel_per_database;
    Amount max_failures;
    bool is_strict;
    bool allow_irreversible;
    uint32_t on_failure;    /* OnFailure */
    uint32_t on_agent_lost; /* OnAgentLost */
    uint32_t agent_lost_after_ms;
    uint32_t lock_timeout_ms;
    uint32_t statement_timeout_ms;
    uint32_t concurrent_timeout_ms;
    uint32_t target_timeout_ms; /* deadline of a whole attempt */
    PlanWatchdog watchdog;
    bool approved_by_another; /* who approves is somebody else than who started it */
    PlanGate *gates;          /* all of them hold, or no wave opens or passes */
    size_t gate_count;
} PlanStrategy;

/* What becomes of a target whose history is not a beginning of the plan's. */
typedef enum HistoryRule {
    HISTORY_REFUSE = 0, /* held, with what is odd about it */
    HISTORY_APPLY,      /* a migration below an applied one is applied now */
    HISTORY_IGNORE,     /* it is passed over */
    HISTORY_RULE_COUNT_,
} HistoryRule;

/*
 * Another tool, and the question to its own table. `query` answers with three columns, a row for
 * each migration that is applied there: its id in this plan or NULL, the tool's name for it, and
 * what the tool says is wrong with it ('' or NULL: nothing). A fourth one may follow, of tools that
 * keep a checksum of the file: how the plan's is another one, in words ('' or NULL: it is the same,
 * or nobody can tell). `look` is asked where `query` fails for want of such a table: a row for each
 * table that looks like a tool's, with its name and whose.
 */
typedef struct PlanTool {
    const char *tool;  /* for people; "": none */
    const char *query; /* one statement that only reads */
    const char *table; /* that it reads, as SQL writes it, for people; NULL or "": no matter */
    const char *look;  /* one statement that only reads; NULL or "": nobody looks */
    /* Where a table lies whose name has no schema: of a schema target in that schema. Of a whole
     * database in this one; or in the first of its search_path; NULL or "", and false: wherever the
     * search_path finds it. The same for PlanScript.mirror. */
    const char *schema;
    bool is_in_first;
    /* The table's own name and, where it is named with one, its schema, as they are: what a history
     * keeps of whom it shares a target with. NULL or "": nothing is kept. */
    const char *name;
    const char *name_schema;
    bool is_numeric;   /* of Plan.ties: versions are compared as numbers */
    bool is_own;       /* of Plan.ties: the directory is of its format */
    bool keeps_newest; /* its table holds but where it stands: what is below is applied as a matter
                          of course, and not because it says so */
    bool hides_rest;   /* the same, or its heads: at what the plan does not know it says nothing of
                          what the plan knows */
} PlanTool;

typedef struct Plan {
    const char *name;
    const char *to;              /* id of the migration it leads to */
    const char *where;           /* selection; "": every target */
    const char **shared_schemas; /* search_path of schema targets, after the schema itself */
    size_t shared_schema_count;
    int64_t apply_until_s;    /* Unix time; 0: no expiry. Stops applying, never rolling back */
    int64_t rollback_until_s; /* Unix time; 0: no expiry */
    PlanStrategy strategy;
    PlanMigration *migrations; /* the whole history up to `to`, in order */
    size_t migration_count;
    /* A plan that adopts runs nothing of its migrations, whose scripts are empty: it writes into
     * skein's history which of them the tool has applied. */
    PlanTool adoption;
    PlanTool mirrored; /* whom PlanScript.mirror tells of each step: asked before the first whether
                          it agrees with skein's history */
    /*
     * Tools from which a target's history may have been taken over, or which may have been told of
     * it: one that has, and that the plan neither adopts nor mirrors, is asked whether it has gone
     * on by itself. So is the directory's own, where nothing stands. `query` goes on
     * behind "WITH v (id, version) AS (…)", the plan's migrations, and names its table by `name`
     * alone.
     */
    PlanTool *ties;
    size_t tie_count;
    bool ends_ties;        /* from now on none of them is asked any more */
    uint32_t out_of_order; /* HistoryRule: a migration that is absent below an applied one */
    uint32_t missing;      /* HistoryRule, not APPLY: one that is applied and not in the plan */
    uint32_t changed; /* HistoryRule, not APPLY: one that is to be taken over, and that the tool
                         applied as another file */
} Plan;

typedef struct PlanSignature {
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
} PlanSignature;

/*
 * The strategy that a plan has where its author says nothing: one wave of 100 %; at most 50 targets
 * at once, 4 per host, 1 per database; no failure allowed; lock timeout 2 s, statement 15 min,
 * concurrent 2 h, target 30 min; the watchdog bites at more than 5 sessions for 1 s. What it does
 * by itself is the least: on_failure and on_agent_lost (after 120 s) are `pause`, because undoing a
 * fleet's work is to be asked for, and starting more work while a host is missing is the riskier
 * half of waiting. `waves` is static: replace it, do not write to it.
 */
void plan_strategy_defaults(PlanStrategy *ret_strategy);

/*
 * What must hold between a plan's fields: `to` is its last migration; ids and wave names are
 * unique; waves do not shrink, lie between 1 and 100 %, and end with 100 %; limits and timeouts are
 * not zero; gates have sound numbers; `where` parses; a probe has what it looks up, and only
 * non-transactional parts have probes; a part outside a transaction is one statement, parts add up
 * to their script, and one part alone is not written as a list; only COPY in a transaction has
 * data; an irreversible migration has no down; a repeatable's id has a sign; an unread one has no
 * statements. ERR_SYNTAX with the path. Pure; plan_encode and plan_decode call it.
 */
ErrCode plan_check(const Plan *plan, Err *err);

/*
 * Canonical bytes of a plan, in `arena`. ERR_LIMIT names the field that is out of bounds,
 * ERR_SYNTAX what plan_check found. The same plan gives the same bytes on every machine.
 */
ErrCode plan_encode(const Plan *plan, Arena *arena, Bytes *ret_canonical, Err *err);

/*
 * Checks limits before it allocates, then every field and what must hold between them. Unlike
 * messages, a plan with a field that this version does not know, or whose bytes are not the
 * canonical ones, is refused (ERR_PROTOCOL): what was signed is run as it was meant, or not at all.
 */
ErrCode plan_decode(Bytes canonical, Arena *arena, Plan **ret_plan, Err *err);

/*
 * The lowest protocol version whose agents know every field that the plan uses: an older one
 * refuses it. A plan's fields carry the version of messages that came with them.
 */
uint32_t plan_needs(const Plan *plan);

void plan_hash(Bytes canonical, uint8_t ret_hash[PLAN_HASH_BYTES]);

/* A plan with those who have signed it. A value: copying it is fine. */
typedef struct Bundle {
    Bytes canonical; /* borrowed: of the bytes it was opened from, or begun with */
    uint8_t hash[PLAN_HASH_BYTES];
    PlanSignature
        signatures[PLAN_SIGNATURES_MAX]; /* each right, each of another key; oldest first */
    size_t signature_count;
} Bundle;

/*
 * Unwraps a bundle and verifies every signature it carries against its bytes: ERR_SIGNATURE when
 * one is wrong or there is none. *ret_bundle points into `bytes`. Whether a signer is trusted is
 * the next question: proto/trust.h.
 */
ErrCode bundle_open(Bytes bytes, Bundle *ret_bundle, Err *err);

/* A plan that nobody has signed yet. */
void bundle_begin(Bytes canonical, Bundle *ret_bundle);

/*
 * Adds the signature of a key, an Ed25519 secret key (seed and public key, as libsodium has it),
 * which is read and not kept. Nothing happens when that key has signed. ERR_LIMIT: eight others
 * have; ERR_SIGNATURE: the key is damaged.
 */
ErrCode bundle_sign(Bundle *bundle, const uint8_t secret[SIGN_SECRET_BYTES], Err *err);

/*
 * Adds the signatures of `other` whose keys have not signed yet. All or none: ERR_LIMIT when more
 * than eight would have signed, ERR_CHECKSUM when it is another plan.
 */
ErrCode bundle_merge(Bundle *bundle, const Bundle *other, Err *err);

/* Wraps: the bytes of a bundle, in `arena`. */
Bytes bundle_pack(const Bundle *bundle, Arena *arena);

/* Begins, signs and packs. ERR_LIMIT when the plan is larger than PLAN_CANONICAL_MAX. */
ErrCode bundle_seal(Bytes canonical, const uint8_t secret[SIGN_SECRET_BYTES], Arena *arena,
                    Bytes *ret_bundle, Err *err);

bool bundle_is_signed_by(const Bundle *bundle, const uint8_t public_key[SIGN_PUBLIC_BYTES]);

/* Appends whose signatures they are, as fingerprints: "3f2a 91bc …, c0a4 9b7e
 * …". From `first` on. */
void bundle_write_signers(const Bundle *bundle, size_t first, Str *out);

/* Index of the migration with this id, or -1. */
long plan_find(const Plan *plan, const char *migration_id);

bool plan_is_adoption(const Plan *plan);

/* Whom the target is asked about: the tool that is adopted from, or mirrored; NULL: none. */
const PlanTool *plan_tool(const Plan *plan);

/*
 * A repeatable migration is done again when what it holds has changed. Each content is a migration
 * of its own, whose id is the name, PLAN_REPEAT_SIGN and a fingerprint; applying one takes the
 * place of the content before it. Repeatables are beside the order of the others.
 */
#define PLAN_REPEAT_SIGN '@'

/* The repeatable migration of which `id` is this or another content; NULL: there is none. */
const PlanMigration *plan_repeated(const Plan *plan, const char *id);

/* Bytes of a repeatable's id before the fingerprint, the sign among them. 0: there is no sign. */
size_t plan_repeat_stem(const char *id);

bool plan_is_unread(const PlanMigration *migration);

/*
 * Is this migration what a history row of that checksum (hexadecimal) was? Of what was unread then,
 * or is unread now, nobody can say that it is not.
 */
bool plan_is_same_content(const PlanMigration *migration, const char *checksum);

/* Does it hold what a history row of that checksum was, if the row has another id? Neither is
 * unread, and nothing is no content. */
bool plan_is_new_name_of(const PlanMigration *migration, const char *checksum);

/*
 * Where a migration is other than it was when it was applied. A history keeps the fingerprints of
 * what was applied: enough to tell which statements changed, and nothing of what they say.
 */
typedef struct PlanChange {
    bool is_known;  /* false: one of both has no fingerprints */
    uint32_t first; /* from this statement on (from 0) … */
    uint32_t gone;  /* … so many of those that were applied … */
    uint32_t come;  /* … are so many others now */
    uint32_t other; /* gone is come: so many of them are really others, one by one; the first and
                       the last are */
} PlanChange;

/* Compares a migration with the fingerprints of what was applied. */
PlanChange plan_change(const PlanMigration *migration, Bytes applied);

/* Appends it in words: "statement 3 (ALTER TABLE, line 12) is another one". Nothing if unknown. */
void plan_change_write(const PlanMigration *migration, PlanChange change, Str *out);

/* One part of a script: statements [first, first + count). */
typedef struct PartView {
    size_t first;
    size_t count;
    bool is_transactional;
} PartView;

/* At least 1: a script without statements is a transaction that does nothing. */
size_t plan_part_count(const PlanScript *script);

/* `index` is below plan_part_count. Takes time in proportion to it. */
PartView plan_part_at(const PlanScript *script, size_t index);

/*
 * What the first `parts` parts of a script do, as 32 bytes: BLAKE2b-256 over their statements and
 * COPY data, each after its length. A resume point keeps it, so that nobody goes on after other
 * parts than those that are done.
 */
void plan_parts_hash(const PlanScript *script, size_t parts, uint8_t ret_hash[CHECKSUM_BYTES]);

/* What holds for a script: its own, or the strategy's. */
PlanWatchdog plan_watchdog(const PlanStrategy *strategy, const PlanScript *script);
uint32_t plan_lock_timeout_ms(const PlanStrategy *strategy, const PlanScript *script);

/* `amount` of `total` targets: waves round up, budgets round down. */
uint32_t amount_round_up(Amount amount, uint32_t total);
uint32_t amount_round_down(Amount amount, uint32_t total);

const char *on_failure_name(OnFailure value); /* the YAML words */
const char *history_rule_name(HistoryRule value);
const char *on_agent_lost_name(OnAgentLost value);
const char *probe_kind_name(ProbeKind kind);

#endif
