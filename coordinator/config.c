/* The table of coordinator.yaml, and the checks that a table cannot make. */
#include "coordinator/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/failpoint.h"
#include "common/str.h"
#include "common/units.h"

#define TIME_SCALE_MIN 0.001
#define TIME_SCALE_MAX 100.0
#define INTERVAL_MIN_MS 10
#define INTERVAL_MAX_MS (24 * 60 * 60 * 1000)
#define PATH_BYTES_MAX 4095
#define PATH_MAX_SHOWN 64   /* of a key within the file */
#define SOCKET_PATH_MAX 107 /* sockaddr_un */

static ErrCode parse_scale(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)arena;
    char *end = NULL;
    double scale = strtod(text, &end);
    if (end == text || *end != '\0' || !(scale >= TIME_SCALE_MIN && scale <= TIME_SCALE_MAX)) {
        return err_set(err, ERR_CONFIG, "'%s' is no factor from %g to %g", text, TIME_SCALE_MIN,
                       TIME_SCALE_MAX);
    }
    *(double *)ret = scale;
    return ERR_NONE;
}

/* libzmq takes what follows the last colon modulo 65536: 99999 would be some other port. */
static bool has_port(const char *address)
{
    const char *colon = strrchr(address, ':');
    int64_t port = 0;
    return colon != NULL && str_to_int64(colon + 1, 1, UINT16_MAX, &port);
}

static ErrCode check_endpoint(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)ret;
    (void)arena;
    if (!str_starts_with(text, "tcp://") || !has_port(text + strlen("tcp://"))) {
        return err_set(err, ERR_CONFIG, "it is no tcp://ADDRESS:PORT with a port from 1 to %d",
                       UINT16_MAX);
    }
    return ERR_NONE;
}

bool api_is_loopback(const char *listen)
{
    return str_starts_with(listen, "127.") || str_starts_with(listen, "[::1]:");
}

static ErrCode check_listen(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)ret;
    (void)arena;
    if (text[0] != '\0' && !has_port(text)) {
        return err_set(err, ERR_CONFIG, "it has no port from 1 to %d", UINT16_MAX);
    }
    return ERR_NONE;
}

#define NAMES_MAX 32

static const ConfigField TLS_FIELDS[] = {
    { CONFIG_FIELD(TlsConfig, certificate, CONFIG_STRING), .max = PATH_BYTES_MAX,
      .example = "/etc/skein/api.crt",
      .doc =
          "The certificate, in PEM, followed by those between it and its authority. Read again on "
          "SIGHUP, with its key." },
    { CONFIG_FIELD(TlsConfig, key, CONFIG_STRING), .max = PATH_BYTES_MAX,
      .example = "/etc/skein/api.key",
      .doc = "Its secret key, in PEM; a file that nobody but the coordinator's user may read." },
};
static const ConfigTable TLS = CONFIG_TABLE_OF("TLS", TlsConfig, TLS_FIELDS);

static const ConfigName ANONYMOUS[] = {
    { "viewer", API_ANONYMOUS_VIEWER },
    { "none", API_ANONYMOUS_NONE },
};

static const ConfigField API_FIELDS[] = {
    { CONFIG_FIELD(ApiConfig, socket, CONFIG_STRING), .fallback = "/run/skein/coordinator.sock",
      .min = 1, .max = SOCKET_PATH_MAX,
      .doc = "The unix socket for the skein command: everything may be asked and ordered here. "
             "Whoever connects is the actor of what he orders." },
    { CONFIG_FIELD(ApiConfig, group, CONFIG_STRING), .fallback = "skein", .max = 63,
      .doc = "The group whose members may use the socket. Empty: the coordinator's own group." },
    { CONFIG_FIELD(ApiConfig, listen, CONFIG_STRING), .fallback = "127.0.0.1:8420",
      .expected = "an address with port, or nothing", .parse = check_listen,
      .doc = "Where the API answers over TCP, for browsers, programs and Prometheus. Orders want a "
             "token (skein tokens create). Beyond the loopback only with tls and names. Empty: "
             "nowhere." },
    { CONFIG_FIELD(ApiConfig, anonymous, CONFIG_ENUM), .fallback = "viewer", .names = ANONYMOUS,
      .name_count = ARRAY_LEN(ANONYMOUS),
      .doc = "What may be asked over TCP without a token: whatever a viewer may, or none of it. "
             "Where listen is beyond the loopback it is none." },
    { CONFIG_FIELD_COUNTED(ApiConfig, names, name_count, CONFIG_STRING_LIST), .max = NAMES_MAX,
      .example = "[skein.example.org]",
      .doc = "The names under which clients reach listen; the loopback's own go without saying." },
    { CONFIG_FIELD(ApiConfig, tls, CONFIG_TABLE), .table = &TLS,
      .doc = "With a certificate, listen speaks TLS (1.2 or newer) and nothing else." },
};
static const ConfigTable API = CONFIG_TABLE_OF("the API", ApiConfig, API_FIELDS);

#define RETENTION_MAX_DAYS 36500

static const ConfigField RETENTION_FIELDS[] = {
    { CONFIG_FIELD(RetentionConfig, rollouts_days, CONFIG_INTEGER), .fallback = "90",
      .max = RETENTION_MAX_DAYS, .unit = "days",
      .doc = "A rollout that ended so long ago is forgotten, with its events; not while a database "
             "has it as its newest one, which could still be rolled back. 0: never." },
    { CONFIG_FIELD(RetentionConfig, events_days, CONFIG_INTEGER), .fallback = "90",
      .max = RETENTION_MAX_DAYS, .unit = "days",
      .doc = "Events of no rollout (agents that come and go) are kept so long; those of a rollout "
             "stay as long as it does. 0: for ever." },
    { CONFIG_FIELD(RetentionConfig, plans_days, CONFIG_INTEGER), .fallback = "7",
      .max = RETENTION_MAX_DAYS, .unit = "days",
      .doc = "A plan that was brought and never started is dropped after so long. 0: never." },
};
static const ConfigTable RETENTION =
    CONFIG_TABLE_OF("the retention", RetentionConfig, RETENTION_FIELDS);

#define INTERVAL(name_, member, fallback_, doc_)                                                   \
    {                                                                                              \
        CONFIG_FIELD_AS(name_, EngineConfig, member, CONFIG_DURATION),                             \
            .fallback = (fallback_), .min = INTERVAL_MIN_MS, .max = INTERVAL_MAX_MS, .doc = (doc_) \
    }

static const ConfigField INTERVAL_FIELDS[] = {
    INTERVAL("heartbeat", heartbeat_ms, "5s", "How often an agent says that it is there."),
    INTERVAL("suspect", suspect_ms, "15s",
             "Silence after which an agent gets nothing new. At least three heartbeats."),
    INTERVAL(
        "lost", lost_ms, "30s",
        "Silence after which an agent counts as lost. More than suspect, and more than lease and "
        "heartbeat together; a plan's agent_lost.after is at least twice this."),
    INTERVAL(
        "lease", lease_ms, "20s",
        "For how long after a heartbeat an agent may start steps. Cut off for longer, it parks."),
    INTERVAL("accept", accept_ms, "30s", "Time for an agent to take up an order."),
    INTERVAL("recovery_grace", recovery_grace_ms, "90s",
             "After a restart: how long agents have to come back before silence means anything."),
    INTERVAL("goal_resend", goal_resend_ms, "5s",
             "An unanswered order is sent again after this, then after twice as long, and so on …"),
    INTERVAL("goal_resend_max", goal_resend_max_ms, "60s", "… up to this."),
    INTERVAL("mass_loss_window", mass_loss_window_ms, "60s",
             "Agents lost within this time are counted together: many at once means that the "
             "coordinator is the one cut off."),
    { CONFIG_FIELD(EngineConfig, mass_loss_percent, CONFIG_INTEGER), .fallback = "30", .min = 1,
      .max = 100, .unit = "percent",
      .doc =
          "So many of the agents at work, and at least two, lost together pause every rollout." },
};
static const ConfigTable INTERVALS =
    CONFIG_TABLE_OF("the intervals", EngineConfig, INTERVAL_FIELDS);

static const ConfigField FIELDS[] = {
    { CONFIG_FIELD(CoordinatorConfig, listen, CONFIG_STRING), .fallback = "tcp://127.0.0.1:7420",
      .expected = "an endpoint such as tcp://0.0.0.0:7420", .parse = check_endpoint,
      .doc = "Where agents dial in. Every connection is encrypted, and only keys in agents_dir are "
             "agents'; 0.0.0.0 is safe." },
    { CONFIG_FIELD(CoordinatorConfig, key_file, CONFIG_STRING),
      .fallback = "/etc/skein/coordinator.key", .min = 1, .max = PATH_BYTES_MAX,
      .doc =
          "The coordinator's secret key: skein keys generate coordinator. Its .pub goes to every "
          "agent." },
    { CONFIG_FIELD(CoordinatorConfig, agents_dir, CONFIG_STRING), .fallback = "/etc/skein/agents.d",
      .min = 1, .max = PATH_BYTES_MAX,
      .doc =
          "A directory with NAME.pub for every agent: the key is the agent's identity, the file's "
          "name its name. Read again when it changes and on SIGHUP." },
    { CONFIG_FIELD(CoordinatorConfig, enrolment, CONFIG_BOOL), .fallback = "false",
      .doc =
          "May agents whose keys are not in agents_dir come in and say what they would like to be "
          "called? Without it they are kept out, and listed all the same: skein agents accept "
          "FINGERPRINT --name NAME. Turn it on where and while only your own hosts reach this port: "
          "who is let in can make this process take memory and descriptors up to its limits." },
    { CONFIG_FIELD(CoordinatorConfig, store, CONFIG_STRING),
      .fallback = "/var/lib/skein/coordinator.db", .min = 1, .max = PATH_BYTES_MAX,
      .doc = "The SQLite file that keeps rollouts, plans and events. Made when it is not there." },
    { CONFIG_FIELD(CoordinatorConfig, retention, CONFIG_TABLE), .table = &RETENTION,
      .doc =
          "What the store does not keep for ever. It looks once a minute and drops a little at a "
          "time; the file does not shrink, it is filled again." },
    { CONFIG_FIELD(CoordinatorConfig, api, CONFIG_TABLE), .table = &API, .doc = "The HTTP API." },
    { CONFIG_FIELD(CoordinatorConfig, log, CONFIG_TABLE), .table = &LOG_CONFIG_TABLE,
      .doc = "The log, on standard error." },
    { CONFIG_FIELD(CoordinatorConfig, handshakes_per_second, CONFIG_INTEGER), .fallback = "500",
      .min = 1, .max = 100000, .unit = "agents",
      .doc =
          "How many agents are welcomed in a second; after a restart the others are told when to "
          "come again." },
    { CONFIG_FIELD(CoordinatorConfig, time_scale, CONFIG_CUSTOM), .fallback = "1",
      .expected = "a factor from 0.001 to 100", .parse = parse_scale,
      .doc = "Multiplies all intervals below. For demonstrations and tests." },
    { CONFIG_FIELD(CoordinatorConfig, intervals, CONFIG_TABLE), .table = &INTERVALS,
      .doc = "What silence means, and when. The defaults suit fleets of any size." },
};

const ConfigTable COORDINATOR_CONFIG = {
    .name = "the coordinator's configuration",
    .doc = "Configuration of skein-coordinator. Every value below is the default.",
    .struct_bytes = sizeof(CoordinatorConfig),
    .fields = FIELDS,
    .field_count = ARRAY_LEN(FIELDS),
};

static void scale(uint32_t *interval_ms, double factor)
{
    double scaled = (double)*interval_ms * factor;
    *interval_ms = scaled < 1 ? 1 : scaled > UINT32_MAX ? UINT32_MAX : (uint32_t)lround(scaled);
}

/* Durations of the table only: a percentage is no time. */
static void scale_intervals(EngineConfig *intervals, double factor)
{
    for (size_t i = 0; i < ARRAY_LEN(INTERVAL_FIELDS); i++) {
        if (INTERVAL_FIELDS[i].type == CONFIG_DURATION) {
            scale((uint32_t *)(void *)((char *)intervals + INTERVAL_FIELDS[i].offset), factor);
        }
    }
}

/* Which of them is wrong is for a person to say: some of them are not even written. */
static void hint_intervals(const ConfigDocument *document, const EngineConfig *intervals, Err *err)
{
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(INTERVAL_FIELDS); i++) {
        const ConfigField *field = &INTERVAL_FIELDS[i];
        char path[PATH_MAX_SHOWN];
        char duration[DURATION_TEXT_MAX];
        if (field->type != CONFIG_DURATION || field->offset > offsetof(EngineConfig, lease_ms)) {
            continue;
        }
        text_format(path, sizeof(path), "intervals.%s", field->key);
        duration_write(*(const uint32_t *)(const void *)((const char *)intervals + field->offset),
                       duration);
        str_printf(&text, "%s%s is %s%s", text.length == 0 ? "" : ", ", field->key, duration,
                   config_has(document, path) ? "" : " by default");
    }
    err_hint(err, "%s", str_text(&text));
}

/* Armed, this process is one of the release before: for tests of two at once. */
static ProtocolRange spoken(void)
{
    ProtocolRange versions = PROTOCOL_SPOKEN;
    Err err = { 0 };
    if (FAILPOINT_ERROR("coordinator.release_before", &err) != ERR_NONE) {
        versions.max = PROTOCOL_VERSION_MAX - 1;
    }
    return versions;
}

/* What would let strangers read along, or be asked under any name. */
static ErrCode check_api(const ConfigDocument *document, const ApiConfig *api, Err *err)
{
    bool has_certificate = api->tls.certificate[0] != '\0';
    bool is_beyond = api->listen[0] != '\0' && !api_is_loopback(api->listen);
    if (has_certificate != (api->tls.key[0] != '\0')) {
        return config_error_at(document, "api.tls", err, "a certificate and its key go together");
    }
    if (is_beyond && !has_certificate) {
        config_error_at(document, "api.listen", err,
                        "it is not a loopback address, and without TLS anyone could read along");
        return err_hint(err, "name a certificate and its key in api.tls, or listen on 127.0.0.1");
    }
    if (is_beyond && api->name_count == 0) {
        config_error_at(document, "api.listen", err,
                        "it is not a loopback address, and api.names does not say what clients "
                        "call it");
        return err_hint(err, "for example: api: { names: [skein.example.org], … }");
    }
    return ERR_NONE;
}

ErrCode coordinator_config_read(const ConfigDocument *document, Arena *arena,
                                CoordinatorConfig *ret_config, Err *err)
{
    CoordinatorConfig config;
    ErrCode code = config_read(document, &COORDINATOR_CONFIG, &config, arena, err);
    if (code != ERR_NONE) {
        return code;
    }
    code = check_api(document, &config.api, err);
    if (code != ERR_NONE) {
        return code;
    }
    Err reason = { 0 };
    if (engine_config_check(&config.intervals, &reason) != ERR_NONE) {
        config_error_at(document, "intervals", err, "%s", reason.message);
        hint_intervals(document, &config.intervals, err);
        return err->code;
    }
    scale_intervals(&config.intervals, config.time_scale);
    config.intervals.protocol = spoken();
    *ret_config = config;
    return ERR_NONE;
}

ErrCode coordinator_config_load(const char *path, Arena *arena, CoordinatorConfig *ret_config,
                                Err *err)
{
    AUTO_PTR(ConfigDocument) document = NULL;
    ErrCode code = config_open(path, &document, err);
    if (code == ERR_NOT_FOUND) {
        return err_hint(err, "skein-coordinator --sample prints one; --config names the file");
    }
    return code != ERR_NONE ? code : coordinator_config_read(document, arena, ret_config, err);
}
