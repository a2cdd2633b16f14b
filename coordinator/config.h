/*
 * coordinator.yaml: everything that can be set about the coordinator, as one struct. The table in
 * config.c is also the documentation: deploy/coordinator.yaml is printed from it.
 */
#ifndef SKEIN_COORDINATOR_CONFIG_H
#define SKEIN_COORDINATOR_CONFIG_H

#include "common/arena.h"
#include "common/config.h"
#include "common/err.h"
#include "common/log_config.h"
#include "coordinator/engine/engine.h"

/* What may be asked over TCP without a token. */
typedef enum ApiAnonymous {
    API_ANONYMOUS_VIEWER = 0, /* whatever a viewer may */
    API_ANONYMOUS_NONE,
} ApiAnonymous;

/* Both or neither; "": no TLS. */
typedef struct TlsConfig {
    const char *certificate; /* PEM, with those between it and its authority */
    const char *key;
} TlsConfig;

typedef struct ApiConfig {
    const char *socket; /* path of the unix socket */
    const char *group;  /* who may connect to it; "": the coordinator's own group */
    const char *listen; /* "127.0.0.1:8420"; "": no TCP */
    uint32_t anonymous; /* ApiAnonymous; beyond the loopback it is none, whatever stands here */
    const char **names; /* that Host may have over TCP, beside the loopback's */
    size_t name_count;
    TlsConfig tls;
} ApiConfig;

/* For how long what is over is kept; 0: for ever. */
typedef struct RetentionConfig {
    uint32_t rollouts_days;
    uint32_t events_days;
    uint32_t plans_days;
} RetentionConfig;

typedef struct CoordinatorConfig {
    const char *listen; /* where agents dial in: "tcp://…" */
    const char *key_file;
    const char *agents_dir;
    bool enrolment; /* unknown keys may apply */
    const char *store;
    RetentionConfig retention;
    ApiConfig api;
    LogConfig log;
    double time_scale;
    uint32_t handshakes_per_second;
    EngineConfig
        intervals; /* read as written; after config_load already multiplied by time_scale */
} CoordinatorConfig;

extern const ConfigTable COORDINATOR_CONFIG;

/* Can `listen` be reached from this machine alone? */
bool api_is_loopback(const char *listen);

/* Reads, checks what must hold between values, applies time_scale. Texts live in `arena`.
 * ERR_CONFIG. */
ErrCode coordinator_config_load(const char *path, Arena *arena, CoordinatorConfig *ret_config,
                                Err *err);

/* The same for a document that is open. */
ErrCode coordinator_config_read(const ConfigDocument *document, Arena *arena,
                                CoordinatorConfig *ret_config, Err *err);

#endif
