/* agent.yaml as a field table, and the checks that no single key can make. */
#include "agent/config.h"

#include <string.h>

#include <libpq-fe.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "proto/messages.h"
#include "proto/orders.h"

static ErrCode check_endpoint(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)ret;
    (void)arena;
    if (!str_starts_with(text, "tcp://") && !str_starts_with(text, "ipc://")) {
        return err_set(err, ERR_CONFIG, "begins with neither tcp:// nor ipc://");
    }
    return ERR_NONE;
}

/* A password would be seen by whoever may read the file; libpq has three better places for it. */
static ErrCode check_connection(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)ret;
    (void)arena;
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &message);
    if (options == NULL) {
        PQfreemem(message);
        return err_set(err, ERR_CONFIG, "is no connection string that libpq understands");
    }
    bool has_password = false;
    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        has_password |= option->val != NULL && (strcmp(option->keyword, "password") == 0 ||
                                                strcmp(option->keyword, "sslpassword") == 0);
    }
    PQconninfoFree(options);
    if (has_password) {
        err_set(err, ERR_CONFIG, "holds a password, which does not belong in this file");
        return err_hint(err,
                        "put it into ~/.pgpass of the agent's user, PGPASSWORD of its unit, or "
                        "a service file");
    }
    return ERR_NONE;
}

#define PATTERNS_MAX 1000

static const ConfigField DATABASES_FIELDS[] = {
    { CONFIG_FIELD_COUNTED(NameFilter, include, include_count, CONFIG_STRING_LIST),
      .max = PATTERNS_MAX, .example = "[ 'tenant_*' ]",
      .doc = "Patterns with * and ?. None: every one." },
    { CONFIG_FIELD_COUNTED(NameFilter, exclude, exclude_count, CONFIG_STRING_LIST),
      .max = PATTERNS_MAX, .example = "[ postgres ]",
      .doc = "Those that are none, although included." },
};

static const ConfigTable DATABASES_TABLE =
    CONFIG_TABLE_OF("a choice of databases", NameFilter, DATABASES_FIELDS);

static const ConfigField SCHEMAS_FIELDS[] = {
    { CONFIG_FIELD_COUNTED(NameFilter, include, include_count, CONFIG_STRING_LIST),
      .max = PATTERNS_MAX, .example = "[ 'customer_*' ]",
      .doc = "Patterns with * and ?. None: whole databases are the targets." },
    { CONFIG_FIELD_COUNTED(NameFilter, exclude, exclude_count, CONFIG_STRING_LIST),
      .max = PATTERNS_MAX, .example = "[ public ]",
      .doc = "Those that are none, although included: what tenants share, for example." },
};

static const ConfigTable SCHEMAS_TABLE =
    CONFIG_TABLE_OF("a choice of schemas", NameFilter, SCHEMAS_FIELDS);

static const ConfigField INSTANCE_FIELDS[] = {
    { CONFIG_FIELD(AgentInstanceConfig, name, CONFIG_STRING), .is_required = true, .min = 1,
      .max = NAME_MAX_BYTES, .example = "db1",
      .doc =
          "The instance's name, unique in the fleet: the first part of its targets' addresses." },
    { CONFIG_FIELD(AgentInstanceConfig, connection, CONFIG_STRING), .is_required = true, .min = 1,
      .max = 4096, .parse = check_connection,
      .expected = "a libpq connection string without a password",
      .example = "host=/var/run/postgresql port=5432 user=skein dbname=postgres",
      .doc =
          "How to reach it: libpq's keywords or URI. The database named is the maintenance database; "
          "a password belongs in the environment, the service file or ~/.pgpass." },
    { CONFIG_FIELD(AgentInstanceConfig, role, CONFIG_STRING), .min = 1, .max = 63, .example = "app",
      .doc =
          "The role that migrations run as (SET ROLE), which then owns what they make; the connection's "
          "has to be a member of it, and keeps what is skein's own. Not given: the connection's." },
    { CONFIG_FIELD_COUNTED(AgentInstanceConfig, labels, label_count, CONFIG_STRING_MAP),
      .max = LABELS_MAX, .example = "{ tier: gold }",
      .doc = "Labels of this instance, over those of the agent." },
    { CONFIG_FIELD(AgentInstanceConfig, databases, CONFIG_TABLE), .table = &DATABASES_TABLE,
      .doc = "Which databases are targets, or hold them. None given: all but templates." },
    { CONFIG_FIELD(AgentInstanceConfig, schemas, CONFIG_TABLE), .table = &SCHEMAS_TABLE,
      .doc =
          "Where every tenant has a schema: those that are targets of their own, in each of the databases. "
          "The database as a whole is none then; where both are wanted, make it two instances." },
    { CONFIG_FIELD_AS("rediscover", AgentInstanceConfig, rediscover_ms, CONFIG_DURATION),
      .fallback = "30s", .min = 100, .max = 86400000,
      .doc =
          "How often the instance is asked for new and dropped databases. Each time a tenth of its "
          "databases, at least 50, are read again." },
};

static const ConfigTable INSTANCE_TABLE =
    CONFIG_TABLE_OF("an instance", AgentInstanceConfig, INSTANCE_FIELDS);

static ErrCode check_name(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)ret;
    (void)arena;
    return text[0] == '\0' || key_name_is_valid(text)
               ? ERR_NONE
               : err_set(err, ERR_CONFIG, "it is no name of letters, digits, '.', '_' and '-'");
}

static const ConfigField FIELDS[] = {
    { CONFIG_FIELD(AgentConfig, coordinator, CONFIG_STRING), .is_required = true, .min = 1,
      .max = 1024, .parse = check_endpoint, .expected = "a ZeroMQ endpoint",
      .example = "tcp://skein.example:7420",
      .doc = "The coordinator. The agent dials out; nothing listens here." },
    { CONFIG_FIELD(AgentConfig, coordinator_key, CONFIG_STRING), .is_required = true, .min = 1,
      .max = 4096, .example = "/etc/skein/coordinator.pub",
      .doc = "File of the coordinator's public key: nobody else is spoken to." },
    { CONFIG_FIELD(AgentConfig, key_file, CONFIG_STRING), .is_required = true, .min = 1,
      .max = 4096, .example = "/var/lib/skein/agent.key",
      .doc =
          "This agent's secret key, mode 0600. Made at the first start when it is not there; the "
          "coordinator's people then accept it: skein agents accept. An agent's name is that of its "
          "key in the coordinator's agents.d." },
    { CONFIG_FIELD(AgentConfig, name, CONFIG_STRING), .fallback = "", .max = KEY_NAME_MAX,
      .expected = "a name, or nothing", .parse = check_name, .example = "db1",
      .doc =
          "What the agent would like to be called, for a key that it makes. Empty: as the host is, up "
          "to its first dot." },
    { CONFIG_FIELD_COUNTED(AgentConfig, trusted_signers, trusted_signer_count, CONFIG_STRING_LIST),
      .is_required = true, .max = 64, .example = "[ /etc/skein/operator.pub ]",
      .doc = "Files of the public keys whose plans this agent runs. An empty list runs nothing." },
    { CONFIG_FIELD_COUNTED(AgentConfig, labels, label_count, CONFIG_STRING_MAP), .max = LABELS_MAX,
      .example = "{ env: prod, region: eu }",
      .doc = "What `where` selects by: labels.env = 'prod'." },
    { CONFIG_FIELD(AgentConfig, connections_per_instance, CONFIG_INTEGER), .fallback = "8",
      .min = 3, .max = 100, .unit = "connections",
      .doc =
          "All connections of this agent to one instance together. Two are kept for watching and for "
          "cancelling; further migrations wait." },
    { CONFIG_FIELD(AgentConfig, blocked_retries, CONFIG_INTEGER), .fallback = "10", .min = 0,
      .max = 1000, .unit = "tries",
      .doc = "How often a migration that a lock kept out is tried again before it has failed." },
    { CONFIG_FIELD(AgentConfig, log, CONFIG_TABLE), .table = &LOG_CONFIG_TABLE,
      .doc = "The log, on standard error." },
    { CONFIG_FIELD_COUNTED(AgentConfig, instances, instance_count, CONFIG_TABLE_LIST),
      .is_required = true, .min = 1, .max = INSTANCES_MAX, .table = &INSTANCE_TABLE,
      .doc = "The PostgreSQL servers that this agent serves." },
};

const ConfigTable AGENT_CONFIG_TABLE = {
    .name = "the agent's configuration",
    .doc = "skein-agent: one per database host, or beside a managed server.",
    .struct_bytes = sizeof(AgentConfig),
    .fields = FIELDS,
    .field_count = ARRAY_LEN(FIELDS),
};

static ErrCode check_names(const ConfigDocument *document, const AgentConfig *config, Err *err)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(config->instances[i].name, config->instances[j].name) == 0) {
                char path[64];
                text_format(path, sizeof(path), "instances[%zu].name", i);
                return config_error_at(document, path, err, "two instances are named '%s'",
                                       config->instances[i].name);
            }
        }
    }
    return ERR_NONE;
}

/* What is left out of nothing is a mistake: whole databases would be targets. */
static ErrCode check_schemas(const ConfigDocument *document, const AgentConfig *config, Err *err)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        const NameFilter *schemas = &config->instances[i].schemas;
        char path[64];
        text_format(path, sizeof(path), "instances[%zu].schemas", i);
        if (schemas->include_count == 0 && config_has(document, path)) {
            config_error_at(document, path, err, "'schemas' includes none");
            return err_hint(
                err,
                "include: [ '*' ] takes every schema; without the key 'schemas', whole databases "
                "are the targets");
        }
    }
    return ERR_NONE;
}

/* Whose orders and plans count stands in these files: nobody may put another in their place. */
static ErrCode read_key(const ConfigDocument *document, const char *where, const char *path,
                        KeyKind kind, uint8_t ret_bytes[KEY_PUBLIC_BYTES], Err *err)
{
    PublicKey key;
    Err inner;
    ErrCode code = keyfile_read_public(path, kind, &key, &inner);
    code = code == ERR_NONE ? keyfile_check_place(path, &inner) : code;
    if (code != ERR_NONE) {
        config_error_at(document, where, err, "%s", inner.message);
        return err_hint(err, "%s", inner.hint);
    }
    memcpy(ret_bytes, key.bytes, KEY_PUBLIC_BYTES);
    return ERR_NONE;
}

static ErrCode read_keys(const ConfigDocument *document, Arena *arena, AgentConfig *config,
                         Err *err)
{
    ErrCode code = read_key(document, "coordinator_key", config->coordinator_key, KEY_CURVE,
                            config->coordinator_public, err);
    config->signers = arena_alloc_array(arena, config->trusted_signer_count, KEY_PUBLIC_BYTES);
    for (size_t i = 0; code == ERR_NONE && i < config->trusted_signer_count; i++) {
        char where[64];
        text_format(where, sizeof(where), "trusted_signers[%zu]", i);
        code = read_key(document, where, config->trusted_signers[i], KEY_SIGN, config->signers[i],
                        err);
    }
    return code;
}

ErrCode agent_config_load(const char *path, Arena *arena, AgentConfig *ret_config, Err *err)
{
    AUTO_PTR(ConfigDocument) document = NULL;
    AgentConfig config = { 0 };
    ErrCode code = config_open(path, &document, err);
    if (code == ERR_NOT_FOUND) {
        return err_hint(err, "skein-agent --sample prints one; --config names the file");
    }
    if (code == ERR_NONE) {
        code = config_read(document, &AGENT_CONFIG_TABLE, &config, arena, err);
    }
    if (code == ERR_NONE) {
        code = check_names(document, &config, err);
    }
    if (code == ERR_NONE) {
        code = check_schemas(document, &config, err);
    }
    if (code == ERR_NONE) {
        code = read_keys(document, arena, &config, err);
    }
    if (code == ERR_NONE) {
        *ret_config = config;
    }
    return code;
}
