/* skein-agent: runs migrations beside the data. Starts the loop, and logs what it cannot recover
 * from. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "agent/config.h"
#include "agent/link.h"
#include "common/descriptors.h"
#include "common/failpoint.h"
#include "common/keyfile.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/process.h"
#include "common/program.h"
#include "common/zsock_trouble.h"

static const Program PROGRAM = {
    .name = "skein-agent",
    .config = "/etc/skein/agent.yaml",
    .sample = &AGENT_CONFIG_TABLE,
    .notes =
        "SIGTERM and SIGINT: cancel transactional steps, let others end, leave. The second time: "
        "at once.\n"
        "Exit codes: 0 stopped, 1 failed, 2 configuration, 3 a file may not be used, or root runs it.\n",
};

/* What a connection takes with its thread, its wake and its letters; and what an agent takes
 * anyhow. */
#define CONNECTION_DESCRIPTORS 6
#define WORKER_DESCRIPTORS 4  /* of one without a connection */
#define SAMPLER_DESCRIPTORS 4 /* beside the connection, which is of the budget */
#define OWN_DESCRIPTORS 64
#define OWN_SOCKETS 16

typedef struct Agent {
    Link *link;
    bool is_leaving;
} Agent;

static void on_signal(void *ctx, int signal_number)
{
    Agent *agent = ctx;
    if (signal_number == SIGHUP) {
        return; /* the configuration is read at start only */
    }
    if (agent->is_leaving) {
        log_warning("leaving at once; running statements are left to their servers");
        _Exit(EXIT_CODE_FAILED);
    }
    agent->is_leaving = true;
    log_info("leaving", LOG_STR("signal", signal_number == SIGTERM ? "SIGTERM" : "SIGINT"));
    link_leave(agent->link, "stopped");
}

static ErrCode check_descriptors(const AgentConfig *config, Err *err)
{
    uint64_t connections = (uint64_t)config->connections_per_instance * config->instance_count;
    ErrCode code = descriptors_require(OWN_DESCRIPTORS + CONNECTION_DESCRIPTORS * connections +
                                           WORKER_DESCRIPTORS * WORKERS_IDLE_MAX +
                                           SAMPLER_DESCRIPTORS * config->instance_count,
                                       err);
    return code == ERR_NONE ? ERR_NONE
                            : err_wrap(err, "%zu instances with connections_per_instance %u",
                                       config->instance_count, config->connections_per_instance);
}

/* Every worker, watcher and sampler has a socket for its letters; libzmq allows 1,023 unless told.
 */
static void *open_context(const AgentConfig *config)
{
    void *context = zmq_ctx_new();
    size_t need = OWN_SOCKETS + 2 * config->instance_count + agent_config_workers_max(config);
    if (need > ZMQ_MAX_SOCKETS_DFLT) {
        zmq_ctx_set(context, ZMQ_MAX_SOCKETS, (int)need);
    }
    return context;
}

static ErrCode run(const AgentConfig *config, const KeyPair *key, Err *err)
{
    loop_block_signals();
    void *context = open_context(config);
    AUTO_PTR(Loop) loop = loop_new();
    Agent agent = { 0 };
    ErrCode code = link_new(config, key, context, loop, &agent.link, err);
    if (code == ERR_NONE) {
        code = loop_on_signal(loop, on_signal, &agent, err);
    }
    if (code == ERR_NONE) {
        char fingerprint[KEY_FINGERPRINT_MAX];
        key_fingerprint(KEY_CURVE, key->public_key, fingerprint);
        log_info("agent started", LOG_STR("name", key->name), LOG_STR("key", fingerprint),
                 LOG_STR("version", SKEIN_VERSION), LOG_STR("coordinator", config->coordinator),
                 LOG_U64("instances", config->instance_count));
        program_tell_unlocked();
        code = loop_run(loop, err);
    }
    if (agent.link != NULL) {
        link_free(agent.link);
    }
    zmq_ctx_term(context);
    return code;
}

/* As the host is called, up to the first dot. */
static const char *default_name(char *host, size_t size)
{
    if (gethostname(host, size - 1) != 0) {
        host[0] = '\0';
    }
    host[strcspn(host, ".")] = '\0';
    return key_name_is_valid(host) ? host : "agent";
}

/* At the first start. It is of no use to anybody until the coordinator's people have accepted it.
 */
static ErrCode make_key(const AgentConfig *config, KeyPair *key, Err *err)
{
    char host[HOST_NAME_MAX + 1] = "";
    char fingerprint[KEY_FINGERPRINT_MAX];
    const char *name = config->name[0] != '\0' ? config->name : default_name(host, sizeof(host));
    ErrCode code = key_generate(KEY_CURVE, name, key, err);
    if (code == ERR_NONE) {
        code = keyfile_write(key, config->key_file, err);
    }
    if (code == ERR_NONE) {
        key_fingerprint(KEY_CURVE, key->public_key, fingerprint);
        log_info("made a key: the coordinator's people accept it with skein agents accept",
                 LOG_STR("name", key->name), LOG_STR("key", fingerprint),
                 LOG_STR("key_file", config->key_file));
    }
    return code;
}

static ErrCode read_key(const AgentConfig *config, bool is_check, KeyPair *key, Err *err)
{
    ErrCode code = keyfile_read_secret(config->key_file, KEY_CURVE, key, err);
    if (code == ERR_NOT_FOUND) {
        code = is_check ? ERR_NONE : make_key(config, key, err);
    }
    return code == ERR_NONE ? ERR_NONE : err_wrap(err, "key_file");
}

static ErrCode load(const ProgramArgs *args, Arena *arena, AgentConfig *config, KeyPair *key,
                    Err *err)
{
    ErrCode code = process_be_daemon(PROGRAM.name, err);
    if (code == ERR_NONE) {
        code = failpoint_init(err);
    }
    if (code == ERR_NONE) {
        code = trouble_init(err);
    }
    if (code == ERR_NONE) {
        code = agent_config_load(args->config, arena, config, err);
    }
    if (code == ERR_NONE) {
        log_init(config->log.format, config->log.level);
        code = read_key(config, args->is_check, key, err);
    }
    if (code == ERR_NONE) {
        code = check_descriptors(config, err);
    }
    return code;
}

int main(int argc, char **argv)
{
    process_seal();
    AUTO(Arena) arena = { 0 };
    AUTO(KeyPair) key = { 0 };
    AgentConfig config;
    ProgramArgs args;
    Err err = { 0 };
    int exit_code = EXIT_CODE_DONE;
    if (!program_args(&PROGRAM, argc, argv, &args, &exit_code)) {
        return exit_code;
    }
    ErrCode code = load(&args, &arena, &config, &key, &err);
    if (code == ERR_NONE && !args.is_check) {
        code = run(&config, &key, &err);
    }
    return program_end(&PROGRAM, &args, code, &err);
}
