/*
 * agent.yaml: where the coordinator is, whose plans are trusted, which instances this agent serves.
 */
#ifndef SKEIN_AGENT_CONFIG_H
#define SKEIN_AGENT_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "agent/coordinator_keys.h"
#include "agent/exec/name_filter.h"
#include "common/arena.h"
#include "common/config.h"
#include "common/err.h"
#include "common/keyfile.h"
#include "common/log_config.h"
#include "proto/messages.h"
#include "proto/trust.h"

/*
 * Workers that wait without a connection, parked or in doubt about a step. Each is a thread and a
 * socket: orders beyond that wait for a place.
 */
#define WORKERS_IDLE_MAX 256

typedef struct AgentInstanceConfig {
    const char *name;       /* unique in the fleet */
    const char *connection; /* libpq's; a password in it is refused */
    const char *role;       /* that migrations run as; "": the connection's */
    ConfigPair *labels;
    size_t label_count;
    NameFilter databases;
    NameFilter
        schemas; /* each a target of its own, if anything is included; else whole databases are */
    uint32_t rediscover_ms;
    uint32_t sample_every_ms; /* 0: its health is not sampled */
} AgentInstanceConfig;

/* Several keys of one person. */
typedef struct PersonConfig {
    const char *name;
    const char **keys; /* files of public keys */
    size_t key_count;
} PersonConfig;

typedef struct AgentConfig {
    const char *coordinator;     /* tcp://host:port */
    const char *coordinator_key; /* file of its public key */
    const char *key_file;
    const char *enrolment_token_file; /* "": none */
    const char *name;                 /* of a key that is made at the first start; "": the host's */
    const char **trusted_signers;     /* files of public keys, each of a person of its own */
    size_t trusted_signer_count;
    PersonConfig *trusted_people;
    size_t trusted_person_count;
    uint32_t required_signatures;
    bool plans_must_expire;
    ConfigPair *labels;
    size_t label_count;
    uint32_t connections_per_instance;
    uint32_t blocked_retries;
    LogConfig log;
    AgentInstanceConfig *instances;
    size_t instance_count;

    /* Read from the files that the above name. */
    CoordinatorKeys coordinator_keys; /* as they were at the start: agent/dial.h looks again */
    Trust trust;
} AgentConfig;

/*
 * Reads and checks the file, and the public keys it names. Everything lives in `arena`. ERR_CONFIG
 * with file, line and column. The agent's own secret key is read by its owner, not here.
 */
ErrCode agent_config_load(const char *path, Arena *arena, AgentConfig *ret_config, Err *err);

/* Threads for targets at once, each with a socket: those with a connection, and those that wait
 * without one. */
static inline size_t agent_config_workers_max(const AgentConfig *config)
{
    return config->instance_count * config->connections_per_instance + WORKERS_IDLE_MAX;
}

/* The same pairs as the wire has them: borrowed, already sorted by name. */
static inline Labels agent_config_labels(ConfigPair *pairs, size_t count)
{
    _Static_assert(sizeof(ConfigPair) == sizeof(Label) &&
                       offsetof(ConfigPair, value) == offsetof(Label, value),
                   "both are a name and a value");
    return (Labels){ (Label *)pairs, count };
}

/* The table, for the sample file and its test. */
extern const ConfigTable AGENT_CONFIG_TABLE;

#endif
