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
    { CONFIG_FIELD_AS("sample_every", AgentInstanceConfig, sample_every_ms, CONFIG_DURATION),
      .fallback = "5s", .max = SAMPLE_EVERY_MAX_MS,
      .doc =
          "How often the server's health is looked at, by three small queries in the maintenance "
          "database (docs/health.md). 0: never." },
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

static const ConfigField PERSON_FIELDS[] = {
    { CONFIG_FIELD(PersonConfig, name, CONFIG_STRING), .is_required = true, .min = 1,
      .max = PERSON_MAX, .example = "ann", .doc = "What the person is called, in messages." },
    { CONFIG_FIELD_COUNTED(PersonConfig, keys, key_count, CONFIG_STRING_LIST), .is_required = true,
      .min = 1, .max = 16, .example = "[ /etc/skein/ann.pub, /etc/skein/ann-token.pub ]",
      .doc = "Files of the person's public keys: together they count once." },
};

static const ConfigTable PERSON_TABLE = CONFIG_TABLE_OF("a person", PersonConfig, PERSON_FIELDS);

static const ConfigField FIELDS[] = {
    { CONFIG_FIELD(AgentConfig, coordinator, CONFIG_STRING), .is_required = true, .min = 1,
      .max = 1024, .parse = check_endpoint, .expected = "a ZeroMQ endpoint",
      .example = "tcp://skein.example:7420",
      .doc = "The coordinator. The agent dials out; nothing listens here." },
    { CONFIG_FIELD(AgentConfig, coordinator_key, CONFIG_STRING), .is_required = true, .min = 1,
      .max = 4096, .example = "/etc/skein/coordinator.pub",
      .doc =
          "File of the coordinator's public key: nobody else is spoken to. While that key is changed, the "
          "file holds the next one, too, behind it. It is looked at every few seconds." },
    { CONFIG_FIELD(AgentConfig, key_file, CONFIG_STRING), .is_required = true, .min = 1,
      .max = 4096, .example = "/var/lib/skein/agent.key",
      .doc =
          "This agent's secret key, mode 0600. Made at the first start when it is not there; the "
          "coordinator's people then accept it: skein agents accept. An agent's name is that of its "
          "key in the coordinator's agents.d." },
    { CONFIG_FIELD(AgentConfig, enrolment_token_file, CONFIG_STRING), .fallback = "", .max = 4096,
      .example = "/etc/skein/enrolment.token",
      .doc =
          "A file, mode 0600, with the token that skein agents invite has printed. It is read when the "
          "coordinator does not know this agent's key, which is then accepted by it, once. Afterwards it "
          "is worth nothing, and may stay or go. Empty: people accept the key." },
    { CONFIG_FIELD(AgentConfig, name, CONFIG_STRING), .fallback = "", .max = KEY_NAME_MAX,
      .expected = "a name, or nothing", .parse = check_name, .example = "db1",
      .doc =
          "What the agent would like to be called, for a key that it makes. Empty: as the host is, up "
          "to its first dot." },
    { CONFIG_FIELD_COUNTED(AgentConfig, trusted_signers, trusted_signer_count, CONFIG_STRING_LIST),
      .is_required = true, .max = 64, .example = "[ /etc/skein/operator.pub ]",
      .doc =
          "Files of the public keys whose plans this agent runs, each of a person of its own. An "
          "empty list, and nobody in trusted_people, runs nothing." },
    { CONFIG_FIELD_COUNTED(AgentConfig, trusted_people, trusted_person_count, CONFIG_TABLE_LIST),
      .max = 64, .table = &PERSON_TABLE, .doc = "Those who have more than one key." },
    { CONFIG_FIELD(AgentConfig, required_signatures, CONFIG_INTEGER), .fallback = "1", .min = 1,
      .max = PLAN_SIGNATURES_MAX,
      .doc = "So many different people have to sign a plan before this agent applies it. Rolling "
             "back what was applied here needs no signature that it has not." },
    { CONFIG_FIELD(AgentConfig, plans_must_expire, CONFIG_BOOL), .fallback = "false",
      .doc = "Apply no plan that may be applied for ever (`apply_until: never`): whoever captures "
             "the coordinator could repeat it at any time. Rolling back what was applied here is "
             "let through." },
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

/* A look costs little, and not nothing. */
#define SAMPLE_EVERY_MIN_MS 100

/* A coordinator takes a thousand messages a second of an agent; reports are more than samples. */
#define SAMPLES_PER_SECOND_MAX 200

static ErrCode check_samples(const ConfigDocument *document, const AgentConfig *config, Err *err)
{
    double per_second = 0;
    for (size_t i = 0; i < config->instance_count; i++) {
        uint32_t every_ms = config->instances[i].sample_every_ms;
        per_second += every_ms == 0 ? 0 : 1000.0 / every_ms;
    }
    if (per_second <= SAMPLES_PER_SECOND_MAX) {
        return ERR_NONE;
    }
    config_error_at(document, "instances", err,
                    "the %zu instances make %.0f samples a second, more than the %d of an agent",
                    config->instance_count, per_second, SAMPLES_PER_SECOND_MAX);
    return err_hint(err, "let them be sampled more rarely: 'sample_every' is 5s where it is not "
                         "given");
}

static ErrCode check_sampling(const ConfigDocument *document, const AgentConfig *config, Err *err)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        uint32_t every_ms = config->instances[i].sample_every_ms;
        char path[64];
        text_format(path, sizeof(path), "instances[%zu].sample_every", i);
        if (every_ms != 0 && every_ms < SAMPLE_EVERY_MIN_MS) {
            return config_error_at(document, path, err,
                                   "'sample_every' is 0 (never) or at least %d ms",
                                   SAMPLE_EVERY_MIN_MS);
        }
    }
    return check_samples(document, config, err);
}

/* Whose orders and plans count stands in these files: nobody may put another in their place. */
static ErrCode wrong_key(const ConfigDocument *document, const char *where, const Err *inner,
                         Err *err)
{
    config_error_at(document, where, err, "%s", inner->message);
    return err_hint(err, "%s", inner->hint);
}

static ErrCode read_key(const ConfigDocument *document, const char *where, const char *path,
                        uint8_t ret_bytes[KEY_PUBLIC_BYTES], Err *err)
{
    PublicKey key;
    Err inner;
    ErrCode code = keyfile_read_public(path, KEY_SIGN, &key, &inner);
    code = code == ERR_NONE ? keyfile_check_place(path, &inner) : code;
    if (code != ERR_NONE) {
        return wrong_key(document, where, &inner, err);
    }
    memcpy(ret_bytes, key.bytes, KEY_PUBLIC_BYTES);
    return ERR_NONE;
}

/* One key twice would be two people, or one person under two names. */
static ErrCode check_is_new(const ConfigDocument *document, const char *where, const Trust *trust,
                            Bytes key, Err *err)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (memcmp(trust->keys[i].public_key.data, key.data, KEY_PUBLIC_BYTES) == 0) {
            const char *person = trust->keys[i].person;
            return config_error_at(document, where, err, "this key is listed twice%s%s%s",
                                   person[0] == '\0' ? "" : ", first as one of '", person,
                                   person[0] == '\0' ? "" : "'");
        }
    }
    return ERR_NONE;
}

typedef struct SignerFile {
    const char *where; /* in the document */
    const char *path;
    const char *person;
} SignerFile;

static ErrCode read_signer(const ConfigDocument *document, const SignerFile *file, Arena *arena,
                           Trust *trust, TrustedKey *keys, Err *err)
{
    uint8_t *bytes = arena_alloc(arena, KEY_PUBLIC_BYTES);
    Bytes key = { bytes, KEY_PUBLIC_BYTES };
    ErrCode code = read_key(document, file->where, file->path, bytes, err);
    if (code == ERR_NONE) {
        code = check_is_new(document, file->where, trust, key, err);
    }
    if (code == ERR_NONE) {
        keys[trust->count++] = (TrustedKey){ .public_key = key, .person = file->person };
    }
    return code;
}

static void list_signers(const AgentConfig *config, Arena *arena, SignerFile *ret_files)
{
    for (size_t i = 0; i < config->trusted_signer_count; i++) {
        *ret_files++ = (SignerFile){ .where = arena_printf(arena, "trusted_signers[%zu]", i),
                                     .path = config->trusted_signers[i],
                                     .person = "" };
    }
    for (size_t i = 0; i < config->trusted_person_count; i++) {
        const PersonConfig *person = &config->trusted_people[i];
        for (size_t key = 0; key < person->key_count; key++) {
            *ret_files++ =
                (SignerFile){ .where = arena_printf(arena, "trusted_people[%zu].keys[%zu]", i, key),
                              .path = person->keys[key],
                              .person = person->name };
        }
    }
}

static size_t count_signers(const AgentConfig *config)
{
    size_t count = config->trusted_signer_count;
    for (size_t i = 0; i < config->trusted_person_count; i++) {
        count += config->trusted_people[i].key_count;
    }
    return count;
}

static ErrCode read_signers(const ConfigDocument *document, Arena *arena, AgentConfig *config,
                            Err *err)
{
    size_t count = count_signers(config);
    SignerFile *files = ARENA_ARRAY(arena, SignerFile, count);
    TrustedKey *keys = ARENA_ARRAY(arena, TrustedKey, count);
    ErrCode code = ERR_NONE;
    if (count > TRUSTED_KEYS_MAX) {
        return config_error_at(document, "trusted_people", err,
                               "%zu keys in all, at most %d allowed", count, TRUSTED_KEYS_MAX);
    }
    list_signers(config, arena, files);
    config->trust = (Trust){ .keys = keys,
                             .required = config->required_signatures,
                             .wants_end = config->plans_must_expire };
    for (size_t i = 0; code == ERR_NONE && i < count; i++) {
        code = read_signer(document, &files[i], arena, &config->trust, keys, err);
    }
    return code;
}

/* Without keys an agent runs nothing, and is meant to; with too few it would say so one by one. */
static ErrCode check_required(const ConfigDocument *document, const AgentConfig *config, Err *err)
{
    size_t people = trust_people(&config->trust);
    if (config->required_signatures == 1 || config->required_signatures <= people) {
        return ERR_NONE;
    }
    config_error_at(document, "required_signatures", err,
                    "the signatures of %u people are required, and only %zu %s trusted",
                    config->required_signatures, people, people == 1 ? "is" : "are");
    return err_hint(err,
                    "list more people's keys in trusted_signers or trusted_people: the keys of "
                    "one person count once");
}

static ErrCode read_keys(const ConfigDocument *document, Arena *arena, AgentConfig *config,
                         Err *err)
{
    Err inner = { 0 };
    ErrCode code =
        coordinator_keys_read(config->coordinator_key, &config->coordinator_keys, &inner);
    if (code != ERR_NONE) {
        return wrong_key(document, "coordinator_key", &inner, err);
    }
    code = read_signers(document, arena, config, err);
    return code == ERR_NONE ? check_required(document, config, err) : code;
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
        code = check_sampling(document, &config, err);
    }
    if (code == ERR_NONE) {
        code = read_keys(document, arena, &config, err);
    }
    if (code == ERR_NONE) {
        *ret_config = config;
    }
    return code;
}
